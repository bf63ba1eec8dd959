//! Places on lists. For connectors whose capability names objects with lists.

use connector::{Operation, Outcome, Reason, RecordId, Write};

use super::steps::{beside, ensure, failed, is_done, is_rejected, people, person, push, push_one, skipped, works};
use super::table;
use crate::subject::{Checked, Subject, Trouble};
use crate::suite::Check;

pub(super) fn checks() -> Vec<Check> {
    table![
        [6] a_place_is_given_and_taken_once_however_often_it_is_sent,
        [5] places_of_many_go_out_together,
        [5] a_list_that_nobody_may_write_to_is_told_and_left_alone,
        [12] members_are_read_to_the_last_page,
        [10] a_place_whose_answer_was_lost_is_ambiguous,
    ]
}

fn place(s: &dyn Subject, list: &str, record: &RecordId, member: bool) -> Write {
    beside(s, Operation::ListMembership { list: list.into(), record: record.clone(), member })
}

fn batch(s: &dyn Subject) -> Checked<usize> {
    match s.connector().capability().list_kind(&s.words().person) {
        Some(kind) => Ok(kind.batch),
        None => skipped("the connector puts nobody on lists"),
    }
}

async fn holds(s: &dyn Subject, list: &str, wanted: &[&RecordId]) -> Checked {
    let mut on = s.on_list(list).await?;
    on.sort();
    let mut wanted: Vec<RecordId> = wanted.iter().map(|record| (*record).clone()).collect();
    wanted.sort();
    ensure!(on == wanted, "list {list} should hold {wanted:?} and holds {on:?}");
    Ok(())
}

async fn a_place_is_given_and_taken_once_however_often_it_is_sent(s: &dyn Subject) -> Checked {
    batch(s)?;
    let (list, record) = (s.seed_list().await?, person(s, 0).await?);
    for (member, round) in [(true, 0), (true, 1), (false, 2), (false, 3)] {
        let (id, created) = is_done(&push_one(s, &place(s, &list, &record, member)).await?)?;
        ensure!(id == record, "the outcome names {id} instead of the record");
        ensure!(created == (round == 0), "sending {round} says of having put somebody there: {created}");
        let on: &[&RecordId] = if member { &[&record] } else { &[] };
        holds(s, &list, on).await?;
    }
    Ok(())
}

async fn places_of_many_go_out_together(s: &dyn Subject) -> Checked {
    let most = batch(s)?.min(230);
    let (list, ids) = (s.seed_list().await?, people(s, most).await?);
    let mut writes: Vec<Write> = ids.iter().map(|id| place(s, &list, id, true)).collect();
    // One of a record that is not there harms nobody else's.
    if let Some(last) = writes.last_mut() {
        *last = place(s, &list, &s.words().no_such_id, true);
    }
    let outcomes = push(s, &writes).await?;
    let Some((last, rest)) = outcomes.split_last() else { return failed("no outcome") };
    let reason = &is_rejected(last)?.reason;
    ensure!(*reason == Reason::Gone, "a place of a record that is not there was told as {reason:?}");
    for outcome in rest {
        let (_, created) = is_done(outcome)?;
        ensure!(created, "a first place was not told as given by this write");
    }
    let on: Vec<&RecordId> = ids.iter().take(most - 1).collect();
    holds(s, &list, &on).await?;
    // Some come, some go, in one call.
    let mixed: Vec<Write> =
        ids.iter().enumerate().map(|(at, id)| place(s, &list, id, at % 2 == 0 || at == most - 1)).collect();
    for outcome in push(s, &mixed).await? {
        is_done(&outcome)?;
    }
    let on: Vec<&RecordId> =
        ids.iter().enumerate().filter(|(at, _)| at % 2 == 0 || *at == most - 1).map(|(_, id)| id).collect();
    holds(s, &list, &on).await
}

async fn a_list_that_nobody_may_write_to_is_told_and_left_alone(s: &dyn Subject) -> Checked {
    batch(s)?;
    let (open, closed, record) = (s.seed_list().await?, s.seed_closed_list().await?, person(s, 0).await?);
    let of = async |list: &str| works("a look at a list", s.connector().list(&s.words().person, list).await);
    let facts = of(&open).await?;
    ensure!(facts.as_ref().is_some_and(|facts| facts.closed.is_none()), "an open list is described as {facts:?}");
    let facts = of(&closed).await?;
    ensure!(facts.as_ref().is_some_and(|facts| facts.closed.is_some()), "a closed list is described as {facts:?}");
    let reason = is_rejected(&push_one(s, &place(s, &closed, &record, true)).await?)?.reason.clone();
    ensure!(reason == Reason::NotThere, "a place on a closed list was told as {reason:?}");
    holds(s, &closed, &[]).await
}

async fn members_are_read_to_the_last_page(s: &dyn Subject) -> Checked {
    let most = batch(s)?.min(s.more_than_two_pages()).min(620);
    let (list, ids) = (s.seed_list().await?, people(s, most + 1).await?);
    let Some((by_hand, ours)) = ids.split_last() else { return failed("nobody was seeded") };
    let writes: Vec<Write> = ours.iter().map(|id| place(s, &list, id, true)).collect();
    for outcome in push(s, &writes).await? {
        is_done(&outcome)?;
    }
    s.put_on_list(&list, by_hand, true).await?;
    let (mut read, mut after) = (Vec::new(), None);
    for _ in 0..ids.len() + 2 {
        let page = s.connector().list_members(&s.words().person, &list, after.as_deref()).await;
        let page = works("a page of members", page)?;
        read.extend(page.members);
        match page.next {
            Some(next) => after = Some(next),
            None => {
                read.sort();
                read.dedup();
                let mut wanted = ids.clone();
                wanted.sort();
                ensure!(read == wanted, "{} members were read of {}", read.len(), wanted.len());
                return Ok(());
            }
        }
    }
    failed("the pages of members do not end")
}

async fn a_place_whose_answer_was_lost_is_ambiguous(s: &dyn Subject) -> Checked {
    batch(s)?;
    let (list, record) = (s.seed_list().await?, person(s, 0).await?);
    works("check", s.connector().check().await)?;
    s.inject(Trouble::LostAnswer { applied: true }).await?;
    let write = place(s, &list, &record, true);
    match s.connector().push(std::slice::from_ref(&write)).await {
        Ok(outcomes) => {
            let told = matches!(outcomes.as_slice(), [Outcome::Ambiguous(_) | Outcome::Deferred(_)]);
            ensure!(told, "a place without an answer was told as {outcomes:?}");
        }
        // The look before the write may be what failed.
        Err(error) => ensure!(!error.maybe_applied, "the push failed, and says it may be applied: {error}"),
    }
    s.mend().await?;
    is_done(&push_one(s, &write).await?)?;
    holds(s, &list, &[&record]).await
}
