//! Incremental pulls: every change at least once, and little else.

use std::time::Duration;

use connector::{FieldKind, Fields, PullRequest, RecordId, Value};

use super::steps::{Walk, all_there, ask_people, ensure, page, people, settle, skipped, truth, walk};
use super::table;
use crate::subject::{Checked, Subject};
use crate::suite::Check;
use crate::value::same;

pub(super) fn checks() -> Vec<Check> {
    table![
        [2] an_incremental_pull_brings_the_change,
        [2] an_incremental_pull_brings_little_else,
        [2] a_new_record_comes_incrementally,
        [2] equal_stamps_are_all_delivered,
        [2] a_change_during_paging_is_not_lost,
        [2] a_change_that_becomes_visible_late_is_not_lost,
        [2] more_than_a_search_can_walk_is_delivered,
        [3] resuming_from_any_page_of_changes_loses_nothing,
    ]
}

fn text(s: &dyn Subject, value: &str) -> Fields {
    Fields::from([(s.words().text.clone(), Value::from(value))])
}

/// A full load that is done and settled; the request goes on from it.
async fn loaded(s: &dyn Subject) -> Checked<PullRequest> {
    settle(s).await?;
    let request = ask_people(s);
    Ok(walk(s, &request).await?.next(&request))
}

async fn an_incremental_pull_brings_the_change(s: &dyn Subject) -> Checked {
    let ids = people(s, 3).await?;
    let next = loaded(s).await?;
    s.advance(Duration::from_secs(1)).await?;
    s.edit(&s.words().person, &ids[1], text(s, "changed")).await?;
    settle(s).await?;
    let walked = walk(s, &next).await?;
    let value = walked.record(&ids[1])?.fields.get(&s.words().text);
    ensure!(value == Some(&Value::from("changed")), "the change was delivered as {value:?}");
    Ok(())
}

async fn an_incremental_pull_brings_little_else(s: &dyn Subject) -> Checked {
    let ids = people(s, 20).await?;
    let next = loaded(s).await?;
    s.advance(Duration::from_secs(24 * 3_600)).await?;
    let next = walk(s, &next).await?.next(&next);
    s.edit(&s.words().person, &ids[3], text(s, "changed")).await?;
    settle(s).await?;
    let seen = walk(s, &next).await?.ids();
    ensure!(seen.contains(&ids[3]), "the change was not delivered");
    ensure!(seen.len() <= 2, "one record changed in a day, {} were delivered", seen.len());
    Ok(())
}

async fn a_new_record_comes_incrementally(s: &dyn Subject) -> Checked {
    people(s, 1).await?;
    let next = loaded(s).await?;
    let id = super::steps::person(s, 50).await?;
    settle(s).await?;
    all_there(&[id], &walk(s, &next).await?.ids())
}

async fn equal_stamps_are_all_delivered(s: &dyn Subject) -> Checked {
    let ids = people(s, s.more_than_two_pages()).await?;
    let next = loaded(s).await?;
    s.advance(Duration::from_secs(1)).await?;
    s.edit_all(&s.words().person, &ids, text(s, "all at once")).await?;
    settle(s).await?;
    let walked = walk(s, &next).await?;
    all_there(&ids, &walked.ids())?;
    let field = &s.words().text;
    let stale = walked.latest().values().filter(|r| r.fields.get(field) != Some(&Value::from("all at once"))).count();
    ensure!(stale == 0, "{stale} records were delivered as they were before");
    Ok(())
}

async fn a_change_during_paging_is_not_lost(s: &dyn Subject) -> Checked {
    let ids = people(s, s.more_than_two_pages()).await?;
    let next = loaded(s).await?;
    s.advance(Duration::from_secs(1)).await?;
    s.edit_all(&s.words().person, &ids, text(s, "before")).await?;
    settle(s).await?;
    let first = page(s, &next).await?;
    ensure!(first.more, "{} changes came on one page", ids.len());
    // One that was delivered, one that is still to come, whatever the connector's order.
    let delivered: Vec<&RecordId> = first.records.iter().map(|record| &record.id).collect();
    let again = ids.iter().find(|id| delivered.contains(id));
    let waiting = ids.iter().rev().find(|id| !delivered.contains(id));
    for id in again.into_iter().chain(waiting) {
        s.edit(&s.words().person, id, text(s, "during")).await?;
    }
    let mut all = Walk { pages: vec![first] };
    let rest = walk(s, &all.next(&next)).await?;
    settle(s).await?;
    let later = walk(s, &rest.next(&next)).await?;
    all.pages.extend(rest.pages);
    all.pages.extend(later.pages);
    all_there(&ids, &all.ids())?;
    for (id, record) in all.latest().iter().filter(|(id, _)| ids.contains(id)) {
        let held = truth(s, id, &s.words().text).await?;
        let told = record.fields.get(&s.words().text).unwrap_or(&Value::Null);
        ensure!(same(&FieldKind::Text, &held, told), "{id} holds {held:?}, the last word delivered was {told:?}");
    }
    Ok(())
}

async fn a_change_that_becomes_visible_late_is_not_lost(s: &dyn Subject) -> Checked {
    let lag = s.connector().capability().visibility_lag;
    if lag.is_zero() {
        return skipped("the connector declares no visibility lag");
    }
    let ids = people(s, 2).await?;
    let next = loaded(s).await?;
    s.hide_changes_for(lag).await?;
    s.edit(&s.words().person, &ids[0], text(s, "late")).await?;
    // A pull that cannot see the change yet moves the cursor past it, if it can be moved.
    s.advance(lag / 2).await?;
    s.edit(&s.words().person, &ids[1], text(s, "later")).await?;
    let early = walk(s, &next).await?;
    settle(s).await?;
    let late = walk(s, &early.next(&next)).await?;
    let mut seen = early.ids();
    seen.extend(late.ids());
    all_there(&ids, &seen)?;
    for (id, wanted) in [(&ids[0], "late"), (&ids[1], "later")] {
        let record = late.record(id).or_else(|_| early.record(id))?;
        let told = record.fields.get(&s.words().text);
        ensure!(told == Some(&Value::from(wanted)), "{id} was last delivered with {told:?}, not {wanted}");
    }
    Ok(())
}

async fn more_than_a_search_can_walk_is_delivered(s: &dyn Subject) -> Checked {
    let many = s.beyond_search_cap()?;
    let ids = people(s, many).await?;
    let next = loaded(s).await?;
    s.advance(Duration::from_secs(1)).await?;
    s.edit_all(&s.words().person, &ids, text(s, "all at once")).await?;
    settle(s).await?;
    all_there(&ids, &walk(s, &next).await?.ids())
}

async fn resuming_from_any_page_of_changes_loses_nothing(s: &dyn Subject) -> Checked {
    let ids = people(s, s.more_than_two_pages()).await?;
    let next = loaded(s).await?;
    s.advance(Duration::from_secs(1)).await?;
    s.edit_all(&s.words().person, &ids, text(s, "changed")).await?;
    settle(s).await?;
    let first = walk(s, &next).await?;
    all_there(&ids, &first.ids())?;
    let mut before = std::collections::BTreeSet::new();
    for page in first.pages.iter().filter(|page| page.more) {
        before.extend(page.records.iter().map(|record| record.id.clone()));
        let resumed = PullRequest { cursor: Some(page.resume.clone()), ..next.clone() };
        let mut seen = walk(s, &resumed).await?.ids();
        seen.extend(before.iter().cloned());
        all_there(&ids, &seen)?;
    }
    Ok(())
}
