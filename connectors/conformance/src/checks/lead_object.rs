//! Lead objects beside people's records. For connectors whose capability names objects that can have them; the others refuse cleanly.

use std::sync::Arc;

use connector::{Operation, Outcome, Reason, RecordId, Write};

use super::steps::{beside, ensure, failed, is_done, is_rejected, people, person, push, push_one, skipped, works};
use super::table;
use crate::subject::{Checked, LeadSeen, Subject, Trouble};
use crate::suite::Check;

pub(super) fn checks() -> Vec<Check> {
    table![
        [6] a_lead_object_is_made_once_and_goes_on_to_another_owner,
        [6, 10] a_lead_object_whose_answer_was_lost_is_found_again,
        [6] a_lead_object_that_somebody_deleted_is_not_made_anew_by_its_id,
        [5] another_marker_is_another_lead_object,
        [5] lead_objects_of_many_records_go_out_together,
        [6] a_lead_object_is_erased_by_its_id_or_its_marker_and_once_more_is_done,
        [6, 10] an_erasure_of_a_lead_object_whose_answer_was_lost_is_done,
        [5] lead_objects_are_refused_where_there_are_none,
    ]
}

const MARKER: &str = "(MQL 2031-12-04 16:00:00 UTC)";
const OTHER: &str = "(MQL 2032-01-05 16:00:00 UTC)";

fn lead(s: &dyn Subject, record: &RecordId, known: Option<&RecordId>, marker: &str, owner: Option<&RecordId>) -> Write {
    let operation = Operation::LeadUpsert {
        record: record.clone(),
        lead: known.cloned(),
        marker: marker.into(),
        name: Arc::from(format!("Ada Berg {marker}")),
        owner: owner.cloned(),
    };
    beside(s, operation)
}

fn erase(s: &dyn Subject, record: &RecordId, known: Option<&RecordId>, marker: &str) -> Write {
    beside(s, Operation::LeadErase { record: record.clone(), lead: known.cloned(), marker: marker.into() })
}

fn are_there(s: &dyn Subject) -> bool {
    s.connector().capability().leads.contains(&s.words().person)
}

fn has_leads(s: &dyn Subject) -> Checked {
    if are_there(s) { Ok(()) } else { skipped("the connector makes no lead objects") }
}

/// The record has exactly this lead object.
async fn has_one(s: &dyn Subject, record: &RecordId, id: &RecordId) -> Checked<LeadSeen> {
    let mut leads = s.lead_objects(record).await?;
    match (leads.pop(), leads.as_slice()) {
        (Some(only), []) if only.id == *id && only.name.contains(MARKER) => Ok(only),
        (last, rest) => failed(format!("expected the one lead object {id}, the record has {last:?} and {rest:?}")),
    }
}

async fn has_none(s: &dyn Subject, record: &RecordId) -> Checked {
    let leads = s.lead_objects(record).await?;
    ensure!(leads.is_empty(), "the record still has {leads:?}");
    Ok(())
}

async fn made(s: &dyn Subject, record: &RecordId) -> Checked<RecordId> {
    let (id, created) = is_done(&push_one(s, &lead(s, record, None, MARKER, None)).await?)?;
    ensure!(created, "a first lead object was not told as created");
    ensure!(id != *record, "the outcome names the record instead of the lead object");
    Ok(id)
}

/// Sends a write whose answer is lost, and once more when the way is free again.
async fn sent_again(s: &dyn Subject, write: &Write) -> Checked<RecordId> {
    works("check", s.connector().check().await)?;
    s.inject(Trouble::LostAnswer { applied: true }).await?;
    match s.connector().push(std::slice::from_ref(write)).await {
        Ok(outcomes) => {
            let told = matches!(outcomes.as_slice(), [Outcome::Ambiguous(_) | Outcome::Deferred(_)]);
            ensure!(told, "a write without an answer was told as {outcomes:?}");
        }
        // The look before the write may be what failed.
        Err(error) => ensure!(!error.maybe_applied, "the push failed, and says it may be applied: {error}"),
    }
    s.mend().await?;
    Ok(is_done(&push_one(s, write).await?)?.0)
}

async fn a_lead_object_is_made_once_and_goes_on_to_another_owner(s: &dyn Subject) -> Checked {
    has_leads(s)?;
    let (record, rep) = (person(s, 0).await?, s.seed_user("rep@conformance.example", "Rita Suite", true).await?);
    let id = made(s, &record).await?;
    has_one(s, &record, &id).await?;
    for known in [None, Some(&id)] {
        let (again, created) = is_done(&push_one(s, &lead(s, &record, known, MARKER, Some(&rep))).await?)?;
        ensure!(again == id && !created, "the same lead object is told as {again}, created: {created}");
        let seen = has_one(s, &record, &id).await?;
        ensure!(seen.owner.as_ref() == Some(&rep), "a lead object of {rep} is told as one of {:?}", seen.owner);
    }
    Ok(())
}

async fn a_lead_object_whose_answer_was_lost_is_found_again(s: &dyn Subject) -> Checked {
    has_leads(s)?;
    let record = person(s, 0).await?;
    let id = sent_again(s, &lead(s, &record, None, MARKER, None)).await?;
    has_one(s, &record, &id).await.map(drop)
}

async fn a_lead_object_that_somebody_deleted_is_not_made_anew_by_its_id(s: &dyn Subject) -> Checked {
    has_leads(s)?;
    let record = person(s, 0).await?;
    let id = made(s, &record).await?;
    is_done(&push_one(s, &erase(s, &record, Some(&id), MARKER)).await?)?;
    let rep = s.seed_user("rep@conformance.example", "Rita Suite", true).await?;
    let told = push_one(s, &lead(s, &record, Some(&id), MARKER, Some(&rep))).await?;
    let reason = &is_rejected(&told)?.reason;
    ensure!(*reason == Reason::NotThere, "a lead object that is gone was told as {reason:?}");
    has_none(s, &record).await
}

async fn another_marker_is_another_lead_object(s: &dyn Subject) -> Checked {
    has_leads(s)?;
    let record = person(s, 0).await?;
    let first = made(s, &record).await?;
    let (second, created) = is_done(&push_one(s, &lead(s, &record, None, OTHER, None)).await?)?;
    ensure!(created && second != first, "a lead object of another entry is told as {second}, created: {created}");
    let held = s.lead_objects(&record).await?.len();
    ensure!(held == 2, "the record has {held} lead objects");
    Ok(())
}

async fn lead_objects_of_many_records_go_out_together(s: &dyn Subject) -> Checked {
    has_leads(s)?;
    let count = s.connector().capability().push_batch.min(60);
    let ids = people(s, count).await?;
    let mut writes: Vec<Write> = ids.iter().map(|id| lead(s, id, None, MARKER, None)).collect();
    // One of a record that is not there harms nobody else's.
    if let Some(first) = writes.first_mut() {
        *first = lead(s, &s.words().no_such_id, None, MARKER, None);
    }
    let outcomes = push(s, &writes).await?;
    let Some((first, rest)) = outcomes.split_first() else { return failed("no outcome") };
    let reason = &is_rejected(first)?.reason;
    ensure!(*reason == Reason::Gone, "a lead object of a record that is not there was told as {reason:?}");
    for (id, outcome) in ids.iter().skip(1).zip(rest) {
        let (lead, _) = is_done(outcome)?;
        has_one(s, id, &lead).await?;
    }
    Ok(())
}

async fn a_lead_object_is_erased_by_its_id_or_its_marker_and_once_more_is_done(s: &dyn Subject) -> Checked {
    has_leads(s)?;
    let ids = people(s, 2).await?;
    let [record, other] = ids.as_slice() else { return failed("two people were seeded and others came") };
    let kept = made(s, other).await?;
    let id = made(s, record).await?;
    is_done(&push_one(s, &erase(s, record, Some(&id), MARKER)).await?)?;
    has_none(s, record).await?;
    made(s, record).await?;
    is_done(&push_one(s, &erase(s, record, None, OTHER)).await?)?;
    ensure!(s.lead_objects(record).await?.len() == 1, "a lead object of another entry was deleted");
    is_done(&push_one(s, &erase(s, record, None, MARKER)).await?)?;
    has_none(s, record).await?;
    let changes = s.changes().await?;
    for known in [Some(&id), None] {
        is_done(&push_one(s, &erase(s, record, known, MARKER)).await?)?;
    }
    is_done(&push_one(s, &erase(s, &s.words().no_such_id, None, MARKER)).await?)?;
    ensure!(s.changes().await? == changes, "erasing what is gone changed something");
    has_one(s, other, &kept).await.map(drop)
}

async fn an_erasure_of_a_lead_object_whose_answer_was_lost_is_done(s: &dyn Subject) -> Checked {
    has_leads(s)?;
    let record = person(s, 0).await?;
    let id = made(s, &record).await?;
    sent_again(s, &erase(s, &record, Some(&id), MARKER)).await?;
    has_none(s, &record).await
}

async fn lead_objects_are_refused_where_there_are_none(s: &dyn Subject) -> Checked {
    if are_there(s) {
        return skipped("the connector makes lead objects");
    }
    let record = person(s, 0).await?;
    let changes = s.changes().await?;
    for write in [lead(s, &record, None, MARKER, None), erase(s, &record, None, MARKER)] {
        let reason = is_rejected(&push_one(s, &write).await?)?.reason.clone();
        ensure!(reason == Reason::Unsupported, "{} was told as {reason:?}", write.operation.name());
    }
    ensure!(s.changes().await? == changes, "what was refused changed something");
    Ok(())
}
