//! What an earlier push left under way: brought to an end once, neither lost nor sent again.

use std::time::Duration;

use connector::{Connector, ErrorKind, FieldKind, ReadKey, ReadRequest, RecordId, Value, Write};
use futures::join;

use super::steps::{ensure, failed, is_done, people, person, push, push_one, truth, update, works};
use super::table;
use crate::subject::{Checked, Subject, Trouble};
use crate::suite::Check;
use crate::value::same;

pub(super) fn checks() -> Vec<Check> {
    table![
        [15] recovering_where_nothing_is_left_costs_nothing,
        [12, 15] after_recovering_nothing_is_under_way,
        [6, 15] a_push_without_an_answer_is_neither_lost_nor_applied_again,
        [15] recovering_leaves_a_push_under_way_alone,
    ]
}

/// Longest that a connector may take to bring something to its end.
const MOST_MINUTES: u32 = 240;

/// Recovers, coming back every minute.
async fn recovered(s: &dyn Subject, connector: &dyn Connector) -> Checked {
    for _ in 0..MOST_MINUTES {
        match connector.recover().await {
            Ok(()) => return Ok(()),
            Err(error) if matches!(error.kind, ErrorKind::Transient | ErrorKind::Quota) => {
                s.advance(Duration::from_secs(60)).await?;
            }
            Err(error) => return failed(format!("recovering failed: {} error, {error}", error.kind.as_str())),
        }
    }
    failed(format!("recovering did not end within {MOST_MINUTES} minutes"))
}

/// A push of more than one call's worth whose answers are all lost, and its writes.
async fn unanswered(s: &dyn Subject) -> Checked<(Vec<RecordId>, Vec<Write>)> {
    let ids = people(s, s.beyond_one_call()).await?;
    let text = &s.words().text;
    let write = |id: &RecordId| update(s, id, [(text.clone(), format!("for {id}").as_str())]);
    let writes: Vec<Write> = ids.iter().map(write).collect();
    works("check", s.connector().check().await)?;
    s.inject(Trouble::LostAnswer { applied: true }).await?;
    // What it says is for other checks; here it matters what becomes of it.
    let _ = s.connector().push(&writes).await;
    s.mend().await?;
    Ok((ids, writes))
}

async fn truths(s: &dyn Subject, ids: &[RecordId]) -> Checked<Vec<Value>> {
    let mut values = Vec::with_capacity(ids.len());
    for id in ids {
        values.push(truth(s, id, &s.words().text).await?);
    }
    Ok(values)
}

fn holds(value: &Value, id: &RecordId) -> bool {
    same(&FieldKind::Text, value, &format!("for {id}").as_str().into())
}

async fn recovering_where_nothing_is_left_costs_nothing(s: &dyn Subject) -> Checked {
    let id = person(s, 1).await?;
    is_done(&push_one(s, &update(s, &id, [(s.words().text.clone(), "settled")])).await?)?;
    works("recovering", s.connector().recover().await)?;
    let (requests, changes) = (s.requests().await?, s.changes().await?);
    works("recovering", s.connector().recover().await)?;
    let (asked, changed) = (s.requests().await? - requests, s.changes().await? - changes);
    ensure!(asked == 0 && changed == 0, "recovering where nothing was left sent {asked} requests, {changed} changes");
    Ok(())
}

async fn after_recovering_nothing_is_under_way(s: &dyn Subject) -> Checked {
    let (ids, _) = unanswered(s).await?;
    let again = s.reconnect().await?;
    recovered(s, &*again).await?;
    let at_once = truths(s, &ids).await?;
    s.advance(Duration::from_secs(2 * 3_600)).await?;
    let later = truths(s, &ids).await?;
    let moved = at_once.iter().zip(&later).filter(|(then, now)| then != now).count();
    ensure!(moved == 0, "{moved} records changed after recovering had said that nothing was under way");
    for (ids, values) in
        ids.chunks(again.capability().read_batch.max(1)).zip(later.chunks(again.capability().read_batch))
    {
        let fields = vec![s.words().text.clone()];
        let request = ReadRequest { object: s.words().person.clone(), fields, by: ReadKey::Ids(ids.to_vec()) };
        let records = works("a read", again.read(&request).await)?;
        for (id, value) in ids.iter().zip(values) {
            let read =
                records.iter().find(|record| record.id == *id).and_then(|record| record.fields.get(&s.words().text));
            let agrees = read.is_some_and(|read| same(&FieldKind::Text, read, value));
            ensure!(agrees, "after recovering, {id} reads as {read:?} and holds {value:?}");
        }
    }
    Ok(())
}

async fn a_push_without_an_answer_is_neither_lost_nor_applied_again(s: &dyn Subject) -> Checked {
    let (ids, writes) = unanswered(s).await?;
    let applied = truths(s, &ids).await?.iter().zip(&ids).filter(|(value, id)| holds(value, id)).count();
    let before = s.changes().await?;
    recovered(s, s.connector()).await?;
    let changes = s.changes().await? - before;
    let left = (ids.len() - applied) as u64;
    ensure!(changes <= left, "{left} writes were still to be applied, recovering made {changes} changes");
    let now = truths(s, &ids).await?;
    let missing: Vec<Write> = writes
        .into_iter()
        .zip(ids.iter().zip(&now))
        .filter(|(_, (id, value))| !holds(value, id))
        .map(|(w, _)| w)
        .collect();
    if !missing.is_empty() {
        for outcome in push(s, &missing).await? {
            is_done(&outcome)?;
        }
    }
    let wrong = truths(s, &ids).await?.iter().zip(&ids).filter(|(value, id)| !holds(value, id)).count();
    ensure!(wrong == 0, "{wrong} records do not hold what was written to them in the end");
    Ok(())
}

async fn recovering_leaves_a_push_under_way_alone(s: &dyn Subject) -> Checked {
    let ids = people(s, s.beyond_one_call()).await?;
    let writes: Vec<Write> = ids.iter().map(|id| update(s, id, [(s.words().text.clone(), "undisturbed")])).collect();
    let (pushed, recovered) = join!(push(s, &writes), s.connector().recover());
    if let Err(error) = recovered {
        ensure!(error.kind == ErrorKind::Transient, "recovering beside a push failed: {error}");
    }
    for outcome in pushed? {
        is_done(&outcome)?;
    }
    Ok(())
}
