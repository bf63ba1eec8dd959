//! Notes that are written in place. For connectors whose capability names objects with notes.

use connector::{Operation, Outcome, Reason, RecordId, Write};

use super::steps::{beside, ensure, failed, is_done, is_rejected, people, person, push, push_one, skipped, works};
use super::table;
use crate::subject::{Checked, Subject, Trouble};
use crate::suite::Check;

pub(super) fn checks() -> Vec<Check> {
    table![
        [6] a_note_is_written_in_place,
        [6, 10] a_note_whose_answer_was_lost_is_found_again,
        [5] a_deleted_note_is_told_and_made_anew_only_without_its_id,
        [5] an_emptied_note_is_made_by_nobody,
        [5] notes_of_many_records_go_out_together,
    ]
}

const MARKER: &str = "[ferry:note:suite]";

fn note(s: &dyn Subject, record: &RecordId, note: Option<&RecordId>, text: &str) -> Write {
    let body = if text.is_empty() { "".into() } else { format!("{text} {MARKER}").into() };
    beside(s, Operation::NoteUpsert { record: record.clone(), note: note.cloned(), marker: MARKER.into(), body })
}

fn has_notes(s: &dyn Subject) -> Checked {
    match s.connector().capability().notes.iter().any(|kind| kind.object == s.words().person) {
        true => Ok(()),
        false => skipped("the connector writes no notes"),
    }
}

/// The record has exactly this note, saying this.
async fn has_one(s: &dyn Subject, record: &RecordId, id: &RecordId, text: &str) -> Checked {
    let notes = s.notes(record).await?;
    match notes.as_slice() {
        [(only, body)] if only == id && body.contains(text) => Ok(()),
        other => failed(format!("expected the one note {id} saying {text:?}, the record has {other:?}")),
    }
}

async fn a_note_is_written_in_place(s: &dyn Subject) -> Checked {
    has_notes(s)?;
    let record = person(s, 0).await?;
    let (id, created) = is_done(&push_one(s, &note(s, &record, None, "first words")).await?)?;
    ensure!(created, "a first note was not told as created");
    ensure!(id != record, "the outcome names the record instead of the note");
    has_one(s, &record, &id, "first words").await?;
    let (again, created) = is_done(&push_one(s, &note(s, &record, Some(&id), "other words")).await?)?;
    ensure!(again == id && !created, "the same note is told as {again}, created: {created}");
    has_one(s, &record, &id, "other words").await?;
    // Without its id it is known by its marker.
    let (found, created) = is_done(&push_one(s, &note(s, &record, None, "third words")).await?)?;
    ensure!(found == id && !created, "a note known by its marker is told as {found}, created: {created}");
    has_one(s, &record, &id, "third words").await
}

async fn a_note_whose_answer_was_lost_is_found_again(s: &dyn Subject) -> Checked {
    has_notes(s)?;
    let record = person(s, 0).await?;
    works("check", s.connector().check().await)?;
    s.inject(Trouble::LostAnswer { applied: true }).await?;
    let write = note(s, &record, None, "said once");
    match s.connector().push(std::slice::from_ref(&write)).await {
        Ok(outcomes) => {
            let told = matches!(outcomes.as_slice(), [Outcome::Ambiguous(_) | Outcome::Deferred(_)]);
            ensure!(told, "a note without an answer was told as {outcomes:?}");
        }
        // The look before the write may be what failed.
        Err(error) => ensure!(!error.maybe_applied, "the push failed, and says it may be applied: {error}"),
    }
    s.mend().await?;
    let (id, _) = is_done(&push_one(s, &write).await?)?;
    has_one(s, &record, &id, "said once").await
}

async fn a_deleted_note_is_told_and_made_anew_only_without_its_id(s: &dyn Subject) -> Checked {
    has_notes(s)?;
    let record = person(s, 0).await?;
    let (id, _) = is_done(&push_one(s, &note(s, &record, None, "first words")).await?)?;
    s.delete_note(&id).await?;
    let outcome = push_one(s, &note(s, &record, Some(&id), "other words")).await?;
    let reason = &is_rejected(&outcome)?.reason;
    ensure!(*reason == Reason::NotThere, "a deleted note was told as {reason:?}");
    ensure!(s.notes(&record).await?.is_empty(), "a deleted note was made anew by its id");
    let (anew, created) = is_done(&push_one(s, &note(s, &record, None, "other words")).await?)?;
    ensure!(created && anew != id, "a note made anew is told as {anew}, created: {created}");
    has_one(s, &record, &anew, "other words").await
}

async fn an_emptied_note_is_made_by_nobody(s: &dyn Subject) -> Checked {
    has_notes(s)?;
    let ids = people(s, 2).await?;
    let [with, without] = ids.as_slice() else { return failed("two people were seeded and others came") };
    let (id, _) = is_done(&push_one(s, &note(s, with, None, "personal words")).await?)?;
    let outcomes = push(s, &[note(s, with, Some(&id), ""), note(s, without, None, "")]).await?;
    for outcome in &outcomes {
        let (_, created) = is_done(outcome)?;
        ensure!(!created, "an emptied note was told as created");
    }
    let left = s.notes(with).await?;
    ensure!(left.iter().all(|(_, body)| !body.contains("personal")), "an emptied note still says {left:?}");
    ensure!(s.notes(without).await?.is_empty(), "emptying a note that is not there made one");
    Ok(())
}

async fn notes_of_many_records_go_out_together(s: &dyn Subject) -> Checked {
    has_notes(s)?;
    let count = s.connector().capability().push_batch.min(120);
    let ids = people(s, count).await?;
    let mut writes: Vec<Write> = ids.iter().map(|id| note(s, id, None, &format!("about {id}"))).collect();
    // One of a record that is not there harms nobody else's.
    if let Some(last) = writes.last_mut() {
        *last = note(s, &s.words().no_such_id, None, "about nobody");
    }
    let outcomes = push(s, &writes).await?;
    let (last, rest) = match outcomes.split_last() {
        Some(split) => split,
        None => return failed("no outcome"),
    };
    let reason = &is_rejected(last)?.reason;
    ensure!(*reason == Reason::Gone, "a note of a record that is not there was told as {reason:?}");
    for (id, outcome) in ids.iter().zip(rest) {
        let (note, _) = is_done(outcome)?;
        has_one(s, id, &note, &format!("about {id}")).await?;
    }
    Ok(())
}
