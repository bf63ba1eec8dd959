//! One outcome → what becomes of the wish. Pure.

use std::sync::Arc;
use std::time::Duration;

use connector::{ErrorKind, Outcome, Reason, Rejection, Timestamp};

use super::super::settle::{MOST_ATTEMPTS, Tally, backoff};
use super::super::stage::letter;
use crate::model::{DeadLetter, DeadLetterCode, JournalOutcome, OutboxState, SideEntry, SideWish, Subject};
use crate::store::{SideFate, SideSettled};

/// Decides what an outcome means. `chance` in `[0, 1)` spreads retries.
pub(super) fn settle(entry: &SideEntry, outcome: Outcome, now: Timestamp, chance: f64) -> (SideSettled, Tally) {
    let (mut settled, tally) = of_outcome(entry, outcome, now, chance);
    // Whether a place was given by Ferry or found is told by the first sending. Where that one's answer was lost, it stays in doubt.
    if let (OutboxState::Ambiguous, SideWish::Member { .. }, SideFate::Again { not_before, counts }) =
        (entry.state, &entry.wish, &settled.fate)
    {
        settled.fate = SideFate::Ambiguous { not_before: *not_before, counts: *counts };
    }
    (settled, tally)
}

fn of_outcome(entry: &SideEntry, outcome: Outcome, now: Timestamp, chance: f64) -> (SideSettled, Tally) {
    match outcome {
        Outcome::Done { created: false, .. }
            if matches!(entry.wish, SideWish::Member { member: true, .. }) && entry.state != OutboxState::Ambiguous =>
        {
            (settled(entry, SideFate::Found, None, Vec::new()), Tally::Skipped)
        }
        Outcome::Done { id, created, modified_at, .. } => {
            let names_its_own =
                matches!(entry.wish, SideWish::Note { .. } | SideWish::Lead { .. } | SideWish::Task { .. });
            // A note that never was has nothing to be emptied: the answer names the record then.
            let remote = (names_its_own && id != entry.record.id).then_some(id);
            let fate = SideFate::Told { remote, modified_at };
            let tally = if created && names_its_own { Tally::Created } else { Tally::Updated };
            (settled(entry, fate, Some(JournalOutcome::Written), Vec::new()), tally)
        }
        Outcome::Rejected(rejection) => rejected(entry, &rejection, now, chance),
        Outcome::Ambiguous(error) => {
            // The first look is due at once; what stays unclear waits, and is parked in the end like anything else.
            let wait = if entry.attempts == 0 { Duration::ZERO } else { backoff(entry.attempts, chance) };
            let (mut settled, tally) = later(entry, now.saturating_add(wait), &error.cause, now);
            if let SideFate::Again { not_before, counts } = settled.fate {
                settled.fate = SideFate::Ambiguous { not_before, counts };
            }
            (settled, tally)
        }
        Outcome::Deferred(error) => {
            let at = error.retry_at.unwrap_or_else(|| now.saturating_add(backoff(entry.attempts, chance)));
            if matches!(error.kind, ErrorKind::Transient | ErrorKind::Protocol) {
                return later(entry, at, &error.cause, now);
            }
            let not_before = if error.kind == ErrorKind::Quota { at } else { now };
            let fate = SideFate::Again { not_before, counts: false };
            (settled(entry, fate, None, Vec::new()), Tally::Waiting)
        }
    }
}

fn rejected(entry: &SideEntry, rejection: &Rejection, now: Timestamp, chance: f64) -> (SideSettled, Tally) {
    let soon = |delay: Option<Duration>| now.saturating_add(delay.unwrap_or_else(|| backoff(entry.attempts, chance)));
    match &rejection.reason {
        Reason::Gone => (settled(entry, SideFate::Gone, Some(JournalOutcome::Cancelled), Vec::new()), Tally::Gone),
        Reason::NotThere if entry.wish.takes_back() => {
            // Nothing of ours is left to be taken back.
            let fate = SideFate::Told { remote: None, modified_at: None };
            (settled(entry, fate, Some(JournalOutcome::Cancelled), Vec::new()), Tally::Skipped)
        }
        Reason::NotThere if entry.remote.is_some() => {
            // Somebody deleted the note: it is made once more, with what is new.
            (settled(entry, SideFate::Anew, None, Vec::new()), Tally::Waiting)
        }
        Reason::Locked { retry_after } => later(entry, soon(*retry_after), "the record stayed locked", now),
        Reason::Conflict => later(entry, soon(None), "the record kept changing under the write", now),
        // The pull that brings the merge gives the wish to the survivor.
        Reason::Merged { .. } => later(entry, soon(None), "the record was merged away and no pull has told of it", now),
        reason => {
            let code = match reason {
                Reason::Unsupported | Reason::UnknownField | Reason::ReadOnly | Reason::Forbidden => {
                    DeadLetterCode::FieldUnusable
                }
                _ => DeadLetterCode::WriteRejected,
            };
            let letters = vec![refusal(entry, rejection, code, now)];
            (settled(entry, SideFate::Refused, Some(JournalOutcome::Rejected), letters), Tally::Failed)
        }
    }
}

/// What concerns every record of the lane alike is one letter; else each record has its own.
fn refusal(entry: &SideEntry, rejection: &Rejection, code: DeadLetterCode, now: Timestamp) -> DeadLetter {
    let lane = entry.wish.lane();
    let cause = format!(
        "{} refused {} of a {}: {} ({})",
        entry.record.connection,
        named(&entry.wish),
        entry.record.object,
        rejection.message,
        rejection.code
    );
    let fix = match rejection.reason {
        Reason::NotThere => {
            "the list is gone or cannot be written by hand: name another one, then ferry failures retry ID"
        }
        _ if code == DeadLetterCode::FieldUnusable => {
            "give the credential the right to write it (ferry check --live), or switch it off in sync.toml; then ferry failures retry ID"
        }
        _ => "look at the record at the CRM, then ferry failures retry ID",
    };
    let concerns_all = code == DeadLetterCode::FieldUnusable || rejection.reason == Reason::NotThere;
    let record = (!concerns_all).then(|| Arc::from(entry.record.id.as_str()));
    letter(now, code, subject(entry, record, lane), cause, fix)
}

fn named(wish: &SideWish) -> String {
    match wish {
        SideWish::Note { .. } => "the note".to_owned(),
        SideWish::Field { name, .. } => format!("field \"{name}\""),
        SideWish::Member { list, .. } => format!("the place in list {list}"),
        SideWish::Lead { .. } => "the lead object".to_owned(),
        SideWish::NoLead { .. } => "the deletion of the lead object".to_owned(),
        SideWish::Task { .. } => "the task".to_owned(),
    }
}

fn later(entry: &SideEntry, at: Timestamp, why: &str, now: Timestamp) -> (SideSettled, Tally) {
    if entry.attempts + 1 < MOST_ATTEMPTS {
        let fate = SideFate::Again { not_before: at, counts: true };
        return (settled(entry, fate, None, Vec::new()), Tally::Waiting);
    }
    let cause =
        format!("{} did not take {} in {MOST_ATTEMPTS} tries: {why}", entry.record.connection, named(&entry.wish));
    let record = Some(Arc::from(entry.record.id.as_str()));
    let subject = subject(entry, record, entry.wish.lane());
    let fix = "look at the connection (ferry status), then ferry failures retry ID";
    let letters = vec![letter(now, DeadLetterCode::AttemptsExhausted, subject, cause, fix)];
    (settled(entry, SideFate::Refused, Some(JournalOutcome::Cancelled), letters), Tally::Failed)
}

/// An answer is lost and the connector cannot tell yet whether the call has ended: nothing was tried, nothing is counted.
pub(super) fn still_unclear(entry: &SideEntry, error: &connector::Error, now: Timestamp) -> SideSettled {
    let fate = SideFate::Ambiguous { not_before: error.retry_at.unwrap_or(now), counts: false };
    settled(entry, fate, None, Vec::new())
}

fn settled(
    entry: &SideEntry,
    fate: SideFate,
    journal: Option<JournalOutcome>,
    dead_letters: Vec<DeadLetter>,
) -> SideSettled {
    let wish = entry.wish.clone();
    SideSettled { id: entry.id, generation: entry.generation, wish, fate, journal, dead_letters }
}

fn subject(entry: &SideEntry, record: Option<Arc<str>>, lane: Arc<str>) -> Subject {
    Subject {
        connection: Some(entry.record.connection.as_str().into()),
        object: Some(entry.record.object.as_str().into()),
        record,
        field: Some(lane),
        source: None,
    }
}

#[cfg(test)]
mod tests {
    use connector::{Fields, Object, RecordId};

    use super::*;
    use crate::model::{Cause, RecordKey, SideId};

    const NOW: Timestamp = Timestamp::from_secs(1_000);

    fn entry(wish: SideWish, remote: Option<&str>, attempts: u32) -> SideEntry {
        SideEntry {
            id: SideId(1),
            key: uuid::Uuid::nil(),
            record: RecordKey { connection: "hubspot".into(), object: Object::Contact, id: "501".into() },
            wish,
            cause: Cause { mapping: "contact.digest".into(), origin: "daily".into() },
            remote: remote.map(RecordId::from),
            state: OutboxState::InFlight,
            generation: 3,
            attempts,
        }
    }

    fn note(body: &str) -> SideWish {
        SideWish::Note { key: "digest".into(), body: body.into() }
    }

    fn refused(reason: Reason) -> Outcome {
        Outcome::Rejected(Rejection { reason, code: "CODE".into(), message: "no".into(), fields: Vec::new() })
    }

    #[test]
    fn a_note_is_remembered_by_its_own_id() {
        let done = |id: &str| Outcome::Done { id: id.into(), created: true, kept: Fields::new(), modified_at: None };
        let (settled, tally) = settle(&entry(note("x"), None, 0), done("9"), NOW, 0.0);
        assert_eq!(settled.fate, SideFate::Told { remote: Some("9".into()), modified_at: None });
        assert_eq!((tally, settled.generation), (Tally::Created, 3));
        let (settled, _) = settle(&entry(note(""), None, 0), done("501"), NOW, 0.0);
        assert_eq!(settled.fate, SideFate::Told { remote: None, modified_at: None });
    }

    #[test]
    fn a_deleted_note_is_made_anew_and_only_where_there_is_something_to_say() {
        let (settled, tally) = settle(&entry(note("x"), Some("9"), 0), refused(Reason::NotThere), NOW, 0.0);
        assert_eq!((settled.fate, tally), (SideFate::Anew, Tally::Waiting));
        let (settled, tally) = settle(&entry(note(""), Some("9"), 0), refused(Reason::NotThere), NOW, 0.0);
        assert_eq!((settled.fate, tally), (SideFate::Told { remote: None, modified_at: None }, Tally::Skipped));
    }

    #[test]
    fn a_place_that_was_there_before_is_not_ferrys() {
        let place = |member| SideWish::Member { list: "57".into(), member };
        let done = |created| Outcome::Done { id: "501".into(), created, kept: Fields::new(), modified_at: None };
        let fate = |entry: &SideEntry, created| settle(entry, done(created), NOW, 0.0).0.fate;
        let told = SideFate::Told { remote: None, modified_at: None };
        assert_eq!(fate(&entry(place(true), None, 0), true), told);
        assert_eq!(fate(&entry(place(true), None, 0), false), SideFate::Found);
        assert_eq!(fate(&entry(place(false), None, 0), false), told);
        // Whose it is after a lost answer nobody knows: it is Ferry's, for it was sent.
        let unclear = SideEntry { state: OutboxState::Ambiguous, ..entry(place(true), None, 1) };
        assert_eq!(fate(&unclear, false), told);
        let later = Outcome::Deferred(connector::Error::new(ErrorKind::Transient, "write", "it is busy"));
        let (settled, _) = settle(&unclear, later, NOW, 0.0);
        assert!(matches!(settled.fate, SideFate::Ambiguous { .. }), "{:?}", settled.fate);
    }

    #[test]
    fn what_concerns_every_record_is_one_letter() {
        let of = |reason| settle(&entry(note("x"), None, 0), refused(reason), NOW, 0.0).0;
        let forbidden = of(Reason::Forbidden);
        assert_eq!((forbidden.fate, forbidden.dead_letters.len()), (SideFate::Refused, 1));
        assert_eq!(forbidden.dead_letters[0].subject.record, None);
        assert_eq!(forbidden.dead_letters[0].code, DeadLetterCode::FieldUnusable);
        let invalid = of(Reason::Invalid);
        assert_eq!(invalid.dead_letters[0].subject.record.as_deref(), Some("501"));
        assert_eq!(invalid.dead_letters[0].subject.field.as_deref(), Some("note:digest"));
        assert_eq!(of(Reason::Gone).fate, SideFate::Gone);
    }

    #[test]
    fn a_lost_answer_is_looked_at_at_once_and_parked_in_the_end() {
        let lost = || Outcome::Ambiguous(connector::Error::new(ErrorKind::Transient, "write", "the answer was lost"));
        let (settled, tally) = settle(&entry(note("x"), None, 0), lost(), NOW, 0.0);
        assert_eq!((settled.fate, tally), (SideFate::Ambiguous { not_before: NOW, counts: true }, Tally::Waiting));
        let (settled, tally) = settle(&entry(note("x"), None, MOST_ATTEMPTS - 1), lost(), NOW, 0.0);
        assert_eq!((settled.fate, tally), (SideFate::Refused, Tally::Failed));
        assert_eq!(settled.dead_letters[0].code, DeadLetterCode::AttemptsExhausted);
    }
}
