//! Tasks that are made once. For connectors whose capability names objects with tasks.

use std::sync::Arc;

use connector::{Operation, Outcome, Reason, RecordId, Timestamp, Write};

use super::steps::{beside, ensure, failed, is_done, is_rejected, people, person, push, push_one, skipped, works};
use super::table;
use crate::subject::{Checked, Subject, TaskSeen, Trouble};
use crate::suite::Check;

pub(super) fn checks() -> Vec<Check> {
    table![
        [6] a_task_is_made_once,
        [6] a_task_that_is_done_is_not_made_again,
        [6, 10] a_task_whose_answer_was_lost_is_found_again,
        [5] another_marker_is_another_task,
        [5] a_task_says_whose_it_is_and_when_it_is_due,
        [5] tasks_of_many_records_go_out_together,
    ]
}

const MARKER: &str = "[ferry:task:suite]";
const DUE: &str = "2031-12-04T16:00:00Z";
const DUE_ON: &str = "2031-12-04";

fn task(s: &dyn Subject, record: &RecordId, marker: &str, owner: Option<&RecordId>) -> Write {
    let operation = Operation::TaskOnce {
        record: record.clone(),
        marker: marker.into(),
        subject: "Get in touch".into(),
        body: Arc::from(format!("Asked for a demo\n{marker}")),
        due_at: Timestamp::parse_rfc3339(DUE).unwrap_or(Timestamp::EPOCH),
        owner: owner.cloned(),
    };
    beside(s, operation)
}

fn has_tasks(s: &dyn Subject) -> Checked {
    match s.connector().capability().tasks.contains(&s.words().person) {
        true => Ok(()),
        false => skipped("the connector makes no tasks"),
    }
}

/// The record has exactly this task.
async fn has_one(s: &dyn Subject, record: &RecordId, id: &RecordId) -> Checked<TaskSeen> {
    let mut tasks = s.tasks(record).await?;
    match (tasks.pop(), tasks.as_slice()) {
        (Some(only), []) if only.id == *id && only.body.contains(MARKER) => Ok(only),
        (last, rest) => failed(format!("expected the one task {id}, the record has {last:?} and {rest:?}")),
    }
}

async fn made(s: &dyn Subject, record: &RecordId) -> Checked<RecordId> {
    let (id, created) = is_done(&push_one(s, &task(s, record, MARKER, None)).await?)?;
    ensure!(created, "a first task was not told as created");
    ensure!(id != *record, "the outcome names the record instead of the task");
    Ok(id)
}

async fn a_task_is_made_once(s: &dyn Subject) -> Checked {
    has_tasks(s)?;
    let record = person(s, 0).await?;
    let id = made(s, &record).await?;
    let seen = has_one(s, &record, &id).await?;
    ensure!(seen.subject == "Get in touch", "the task is called {:?}", seen.subject);
    let (again, created) = is_done(&push_one(s, &task(s, &record, MARKER, None)).await?)?;
    ensure!(again == id && !created, "the same task is told as {again}, created: {created}");
    has_one(s, &record, &id).await.map(drop)
}

async fn a_task_that_is_done_is_not_made_again(s: &dyn Subject) -> Checked {
    has_tasks(s)?;
    let record = person(s, 0).await?;
    let id = made(s, &record).await?;
    s.finish_task(&id).await?;
    let changes = s.changes().await?;
    let (again, created) = is_done(&push_one(s, &task(s, &record, MARKER, None)).await?)?;
    ensure!(again == id && !created, "a task that is done is told as {again}, created: {created}");
    ensure!(s.changes().await? == changes, "a task that is done was written again");
    Ok(())
}

async fn a_task_whose_answer_was_lost_is_found_again(s: &dyn Subject) -> Checked {
    has_tasks(s)?;
    let record = person(s, 0).await?;
    works("check", s.connector().check().await)?;
    s.inject(Trouble::LostAnswer { applied: true }).await?;
    let write = task(s, &record, MARKER, None);
    match s.connector().push(std::slice::from_ref(&write)).await {
        Ok(outcomes) => {
            let told = matches!(outcomes.as_slice(), [Outcome::Ambiguous(_) | Outcome::Deferred(_)]);
            ensure!(told, "a task without an answer was told as {outcomes:?}");
        }
        // The look before the write may be what failed.
        Err(error) => ensure!(!error.maybe_applied, "the push failed, and says it may be applied: {error}"),
    }
    s.mend().await?;
    let (id, _) = is_done(&push_one(s, &write).await?)?;
    has_one(s, &record, &id).await.map(drop)
}

async fn another_marker_is_another_task(s: &dyn Subject) -> Checked {
    has_tasks(s)?;
    let record = person(s, 0).await?;
    let first = made(s, &record).await?;
    let (second, created) = is_done(&push_one(s, &task(s, &record, "[ferry:task:other]", None)).await?)?;
    ensure!(created && second != first, "a task with another marker is told as {second}, created: {created}");
    let held = s.tasks(&record).await?.len();
    ensure!(held == 2, "the record has {held} tasks");
    Ok(())
}

async fn a_task_says_whose_it_is_and_when_it_is_due(s: &dyn Subject) -> Checked {
    has_tasks(s)?;
    let (record, rep) = (person(s, 0).await?, s.seed_user("rep@conformance.example", "Rita Suite", true).await?);
    let (id, _) = is_done(&push_one(s, &task(s, &record, MARKER, Some(&rep))).await?)?;
    let seen = has_one(s, &record, &id).await?;
    ensure!(seen.owner.as_ref() == Some(&rep), "a task of {rep} is told as one of {:?}", seen.owner);
    ensure!(seen.due_on == DUE_ON, "a task for {DUE_ON} is due on {}", seen.due_on);
    Ok(())
}

async fn tasks_of_many_records_go_out_together(s: &dyn Subject) -> Checked {
    has_tasks(s)?;
    let count = s.connector().capability().push_batch.min(60);
    let ids = people(s, count).await?;
    let mut writes: Vec<Write> = ids.iter().map(|id| task(s, id, MARKER, None)).collect();
    // One of a record that is not there harms nobody else's.
    if let Some(first) = writes.first_mut() {
        *first = task(s, &s.words().no_such_id, MARKER, None);
    }
    let outcomes = push(s, &writes).await?;
    let Some((first, rest)) = outcomes.split_first() else { return failed("no outcome") };
    let reason = &is_rejected(first)?.reason;
    ensure!(*reason == Reason::Gone, "a task of a record that is not there was told as {reason:?}");
    for (id, outcome) in ids.iter().skip(1).zip(rest) {
        let (task, _) = is_done(outcome)?;
        has_one(s, id, &task).await?;
    }
    Ok(())
}
