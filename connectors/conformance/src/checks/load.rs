//! Full loads: complete, page after page, from any page's cursor.

use std::collections::BTreeSet;

use connector::{Cursor, ErrorKind, PullRequest, RecordId};

use super::steps::{all_there, ask_people, ensure, fails, page, people, settle, walk, works};
use super::table;
use crate::subject::{Checked, Subject};
use crate::suite::Check;

pub(super) fn checks() -> Vec<Check> {
    table![
        [2] a_full_load_is_complete,
        [2, 3] a_full_load_goes_over_several_pages,
        [3] a_full_load_says_when_it_is_done,
        [3] resuming_from_any_page_loses_nothing,
        [3] a_cursor_survives_its_text,
        [3] a_cursor_survives_a_restart,
        [3] a_foreign_cursor_is_refused,
        [3] an_empty_page_has_a_cursor_that_works,
        [2] a_record_created_during_the_load_is_not_lost,
    ]
}

async fn a_full_load_is_complete(s: &dyn Subject) -> Checked {
    let ids = people(s, 7).await?;
    settle(s).await?;
    let seen = walk(s, &ask_people(s)).await?.ids();
    all_there(&ids, &seen)?;
    let count = s.count(&s.words().person).await?;
    ensure!(seen.len() == count, "the CRM holds {count} people, {} were delivered", seen.len());
    Ok(())
}

async fn a_full_load_goes_over_several_pages(s: &dyn Subject) -> Checked {
    let ids = people(s, s.more_than_two_pages()).await?;
    settle(s).await?;
    let walked = walk(s, &ask_people(s)).await?;
    ensure!(walked.pages.len() > 2, "{} records came on {} pages", ids.len(), walked.pages.len());
    all_there(&ids, &walked.ids())
}

async fn a_full_load_says_when_it_is_done(s: &dyn Subject) -> Checked {
    people(s, s.more_than_two_pages()).await?;
    settle(s).await?;
    let request = ask_people(s);
    let walked = walk(s, &request).await?;
    let done = walked.pages.iter().filter(|page| page.full_load_done).count();
    ensure!(done == 1, "{done} pages said that the full load is done");
    ensure!(walked.pages.last().is_some_and(|page| page.full_load_done), "the last page did not say it is the last");
    settle(s).await?;
    let after = walk(s, &walked.next(&request)).await?;
    ensure!(!after.pages.iter().any(|page| page.full_load_done), "a later pull said that a full load is done");
    Ok(())
}

async fn resuming_from_any_page_loses_nothing(s: &dyn Subject) -> Checked {
    let ids = people(s, s.more_than_two_pages()).await?;
    settle(s).await?;
    let request = ask_people(s);
    let first = walk(s, &request).await?;
    let mut before: BTreeSet<RecordId> = BTreeSet::new();
    for page in &first.pages {
        before.extend(page.records.iter().map(|record| record.id.clone()));
        if !page.more {
            break;
        }
        let resumed = PullRequest { cursor: Some(page.resume.clone()), ..request.clone() };
        let mut seen = walk(s, &resumed).await?.ids();
        seen.extend(before.iter().cloned());
        all_there(&ids, &seen)?;
    }
    Ok(())
}

async fn a_cursor_survives_its_text(s: &dyn Subject) -> Checked {
    let ids = people(s, s.more_than_two_pages()).await?;
    settle(s).await?;
    let mut request = ask_people(s);
    let mut seen = BTreeSet::new();
    loop {
        let page = page(s, &request).await?;
        seen.extend(page.records.iter().map(|record| record.id.clone()));
        let text = serde_json::to_string(&page.resume).unwrap_or_default();
        let Ok(cursor) = serde_json::from_str::<Cursor>(&text) else {
            return super::steps::failed("a cursor did not come back from its text");
        };
        request.cursor = Some(Cursor::new(cursor.as_str().to_owned()));
        if !page.more {
            return all_there(&ids, &seen);
        }
    }
}

async fn a_cursor_survives_a_restart(s: &dyn Subject) -> Checked {
    let ids = people(s, s.more_than_two_pages()).await?;
    settle(s).await?;
    let mut request = ask_people(s);
    let mut seen = BTreeSet::new();
    loop {
        // Every page is read by a connector that has read none before.
        let page = works("a pull after a restart", s.reconnect().await?.pull(&request).await)?;
        seen.extend(page.records.iter().map(|record| record.id.clone()));
        request.cursor = Some(page.resume);
        if !page.more {
            return all_there(&ids, &seen);
        }
    }
}

async fn a_foreign_cursor_is_refused(s: &dyn Subject) -> Checked {
    people(s, 1).await?;
    let request = PullRequest { cursor: Some(Cursor::new("\u{1}not a cursor of yours")), ..ask_people(s) };
    let error = fails("a pull from a cursor nobody made", s.connector().pull(&request).await)?;
    let told = matches!(error.kind, ErrorKind::Config | ErrorKind::Protocol);
    ensure!(told, "a cursor nobody made should be a config error, it was {}", error.kind.as_str());
    Ok(())
}

async fn an_empty_page_has_a_cursor_that_works(s: &dyn Subject) -> Checked {
    people(s, 2).await?;
    settle(s).await?;
    let request = ask_people(s);
    let mut next = walk(s, &request).await?.next(&request);
    // Past every overlap, nothing is left to bring.
    s.advance(std::time::Duration::from_secs(24 * 3_600)).await?;
    next = walk(s, &next).await?.next(&request);
    s.advance(std::time::Duration::from_secs(24 * 3_600)).await?;
    let quiet = walk(s, &next).await?;
    ensure!(quiet.ids().is_empty(), "{} records came although nothing changed for a day", quiet.ids().len());
    let id = super::steps::person(s, 100).await?;
    settle(s).await?;
    all_there(&[id], &walk(s, &quiet.next(&request)).await?.ids())
}

async fn a_record_created_during_the_load_is_not_lost(s: &dyn Subject) -> Checked {
    people(s, s.more_than_two_pages()).await?;
    settle(s).await?;
    let request = ask_people(s);
    let first = page(s, &request).await?;
    ensure!(first.more, "the load ended on its first page");
    let id = super::steps::person(s, 1_000_000).await?;
    let rest = walk(s, &PullRequest { cursor: Some(first.resume), ..request.clone() }).await?;
    settle(s).await?;
    let mut seen = walk(s, &rest.next(&request)).await?.ids();
    seen.extend(rest.ids());
    all_there(&[id], &seen)
}
