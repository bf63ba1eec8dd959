//! Settling: what becomes of each outcome.

use connector::{Error, Fields, Object};
use uuid::Uuid;

use super::*;
use crate::mapping::{FieldMapping, Kind, Source};
use crate::model::{Cause, Change, Intent, Mirror, OutboxId, OutboxState, RecordKey};

const NOW: Timestamp = Timestamp::from_secs(1_000);

fn mapping() -> ObjectMapping {
    ObjectMapping::new(Object::Contact, vec![FieldMapping::new("score", "cdp_score", Kind::Number, Source::Computed)])
}

fn entry(to: &str, record: bool) -> OutboxEntry {
    let key = RecordKey { connection: "hubspot".into(), object: Object::Contact, id: "7".into() };
    let to = Value::Number(to.parse().unwrap());
    OutboxEntry {
        id: OutboxId(1),
        key: Uuid::nil(),
        intent: Intent {
            connection: "hubspot".into(),
            object: Object::Contact,
            record: record.then_some(key),
            profile: None,
            operation: Operation::Create,
            fields: Fields::from([("cdp_score", to.clone())]),
            changes: vec![Change {
                field: "cdp_score".into(),
                from: Value::Null,
                to,
                cause: Cause { mapping: "m".into(), origin: "o".into() },
                overwrites: false,
            }],
            compare_first: false,
        },
        state: OutboxState::InFlight,
        generation: 1,
        attempts: 0,
        not_before: None,
        created_at: NOW,
        parent: None,
    }
}

fn done(kept: &str) -> Outcome {
    Outcome::Done { id: "7".into(), created: false, kept: Fields::from([("cdp_score", kept)]), modified_at: None }
}

#[test]
fn scenario_37_a_rounded_value_is_learned_and_wanting_it_again_is_no_change() {
    let (delivered, tally) = settle(&mapping(), &entry("12.345", true), done("12.35"), NOW, 0.0);
    assert_eq!((delivered.fate.clone(), tally), (Fate::Finished, Tally::Updated));
    let mut mirror = Mirror::default();
    assert!(!mirror.written(&delivered.written[0]));
    let field = mirror.get("cdp_score").unwrap();
    let sent = Value::Number("12.345".parse().unwrap());
    assert_eq!(crate::compare::wanted(Some(field), &sent), field.base.as_ref().unwrap());
    assert_eq!(field.kept_other, 0);
}

#[test]
fn a_field_the_crm_rewrites_twice_is_frozen() {
    let (delivered, _) = settle(&mapping(), &entry("12", true), done("99"), NOW, 0.0);
    let mut mirror = Mirror::default();
    assert!(delivered.written[0].fought);
    assert!(!mirror.written(&delivered.written[0]));
    assert!(mirror.written(&delivered.written[0]), "the second time freezes");
    assert!(mirror.get("cdp_score").unwrap().frozen);
}

#[test]
fn scenario_3_a_lost_answer_is_ambiguous_at_once() {
    let lost = Outcome::Ambiguous(Error::new(ErrorKind::Transient, "write", "HTTP 502"));
    let (delivered, tally) = settle(&mapping(), &entry("1", true), lost, NOW, 0.0);
    assert_eq!((delivered.fate, tally), (Fate::Ambiguous { not_before: NOW, counts: true }, Tally::Waiting));
    assert_eq!(delivered.journal, None);
}

#[test]
fn a_record_that_stays_unclear_waits_longer_and_is_parked_in_the_end() {
    let lost = || Outcome::Ambiguous(Error::new(ErrorKind::Protocol, "write", "the answer leaves it out"));
    let mut entry = entry("1", true);
    entry.attempts = 1;
    let (delivered, _) = settle(&mapping(), &entry, lost(), NOW, 0.5);
    assert!(matches!(delivered.fate, Fate::Ambiguous { not_before, counts: true } if not_before > NOW));
    entry.attempts = MOST_ATTEMPTS - 1;
    let (delivered, tally) = settle(&mapping(), &entry, lost(), NOW, 0.5);
    assert_eq!((delivered.fate, tally), (Fate::Finished, Tally::Failed));
    assert_eq!(delivered.dead_letters[0].code, DeadLetterCode::AttemptsExhausted);
}

#[test]
fn scenario_33_a_deleted_record_is_dropped_for_good() {
    let gone = Rejection { reason: Reason::Gone, code: "OBJECT_NOT_FOUND".into(), message: "".into(), fields: vec![] };
    let (delivered, tally) = settle(&mapping(), &entry("1", true), Outcome::Rejected(gone), NOW, 0.0);
    assert_eq!((delivered.fate, tally), (Fate::Gone, Tally::Gone));
}

#[test]
fn a_refused_value_is_a_dead_letter_and_parked_until_something_moves() {
    let refused = Rejection {
        reason: Reason::Invalid,
        code: "INVALID_INTEGER".into(),
        message: "was not a valid number".into(),
        fields: vec!["cdp_score".into()],
    };
    let (delivered, tally) = settle(&mapping(), &entry("5", true), Outcome::Rejected(refused), NOW, 0.0);
    assert_eq!(tally, Tally::Failed);
    assert_eq!(delivered.dead_letters[0].code, DeadLetterCode::WriteRejected);
    assert_eq!(delivered.dead_letters[0].subject.field.as_deref(), Some("cdp_score"));
    let mut mirror = Mirror::default();
    mirror.written(&delivered.written[0]);
    let field = mirror.get("cdp_score").unwrap();
    assert_eq!(crate::compare::wanted(Some(field), &5.into()), &Value::Null, "wanting it again is no change");
    assert_eq!(crate::compare::wanted(Some(field), &6.into()), &6.into(), "wanting another value is");
}

#[test]
fn an_entry_that_never_gets_through_becomes_a_dead_letter() {
    let down = || Outcome::Deferred(Error::new(ErrorKind::Transient, "write", "HTTP 503"));
    let mut entry = entry("1", true);
    for attempts in 0..MOST_ATTEMPTS - 1 {
        entry.attempts = attempts;
        let (delivered, _) = settle(&mapping(), &entry, down(), NOW, 0.5);
        assert!(matches!(delivered.fate, Fate::Again { counts: true, not_before } if not_before > NOW));
    }
    entry.attempts = MOST_ATTEMPTS - 1;
    let (delivered, tally) = settle(&mapping(), &entry, down(), NOW, 0.5);
    assert_eq!((delivered.fate, tally), (Fate::Finished, Tally::Failed));
    assert_eq!(delivered.dead_letters[0].code, DeadLetterCode::AttemptsExhausted);
}

#[test]
fn a_quota_error_costs_no_attempt_and_names_its_instant() {
    let at = Timestamp::from_secs(5_000);
    let quota = Outcome::Deferred(Error::new(ErrorKind::Quota, "write", "429").with_retry_at(at));
    let (delivered, _) = settle(&mapping(), &entry("1", true), quota, NOW, 0.0);
    assert_eq!(delivered.fate, Fate::Again { not_before: at, counts: false });
}

#[test]
fn a_create_that_meets_its_twin_is_linked() {
    let twin = Rejection {
        reason: Reason::Duplicate { existing: Some("9".into()) },
        code: "CONFLICT".into(),
        message: "".into(),
        fields: vec![],
    };
    let (delivered, tally) = settle(&mapping(), &entry("1", false), Outcome::Rejected(twin), NOW, 0.0);
    assert_eq!((delivered.fate, tally), (Fate::Linked { id: "9".into(), url: None }, Tally::Skipped));
}
