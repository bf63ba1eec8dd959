//! What is to be done next about a refused row. Pure.

use connector::{Creation, ErrorKind, Fields, Reason, RecordId};

use crate::create::complete;
use crate::duplicates::field_held;
use crate::outgoing::{How, Lane, Sent};
use crate::refusal::RowRefusal;
use crate::reject::{Meaning, meaning};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Next {
    /// It is over: refused for this reason.
    Reject(Reason),
    /// It is over for this push, through no fault of the row.
    Defer(ErrorKind),
    /// Again after a pause.
    Locked,
    /// Again at once: another row's fault.
    Innocent,
    /// Again in smaller company: the org's automation failed for somebody in the call.
    Apart,
    /// Again in a call of its own, whose refusal tells more.
    Alone,
    /// Again with what a new record needs.
    Completed(Fields),
    /// Again as an update of the record that turned out to be ours.
    Adopt(RecordId),
    /// Where the record went is to be looked up.
    Look,
    /// Whether our key has a record already is to be looked up: then it is that record which was refused.
    LookForHolder,
}

/// In what company a row was refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Company {
    /// Rows in the call.
    pub rows: usize,
    /// Whether it was a call for a single record, which tells most.
    pub single: bool,
}

pub(crate) fn next(lane: &Lane, sent: &Sent<'_>, refusal: &RowRefusal, company: Company, creation: &Creation) -> Next {
    match meaning(refusal, lane.naming()) {
        Meaning::Final(Reason::Duplicate { existing: Some(id) }) if is_our_key(lane, refusal) => Next::Adopt(id),
        Meaning::Final(reason) => Next::Reject(reason),
        Meaning::Matched => matched(lane, refusal, company),
        Meaning::Missing if lane.how == How::ById => Next::Look,
        Meaning::Missing => Next::Reject(Reason::Gone),
        Meaning::Converted if lane.how == How::ById => Next::Look,
        Meaning::Converted => Next::LookForHolder,
        Meaning::Locked => Next::Locked,
        Meaning::Incomplete => match complete(&lane.object, &sent.fields, creation).filter(|_| lane.creates()) {
            Some(fields) => Next::Completed(fields),
            None => Next::Reject(Reason::Invalid),
        },
        Meaning::Automation if company.rows == 1 => Next::Reject(Reason::Invalid),
        Meaning::Automation => Next::Apart,
        Meaning::RolledBack => Next::Innocent,
        Meaning::Later(kind) => Next::Defer(kind),
    }
}

/// A duplicate rule found records. A refused create means one of them; a refused update of a record that exists is the
/// rule's owner's to decide.
fn matched(lane: &Lane, refusal: &RowRefusal, company: Company) -> Next {
    match (&lane.how, refusal.matches.is_empty()) {
        (How::ById, _) => Next::Reject(found(refusal)),
        (_, true) if !company.single => Next::Alone,
        (How::Insert { .. }, _) => Next::Reject(found(refusal)),
        (How::ByKey { .. }, _) => Next::LookForHolder,
    }
}

/// What a duplicate rule's matches mean for a record that is not there itself.
pub(crate) fn found(refusal: &RowRefusal) -> Reason {
    match refusal.matches.as_slice() {
        [one] => Reason::Duplicate { existing: Some(one.clone()) },
        [] => Reason::Duplicate { existing: None },
        // Nobody chooses between them for the CRM's owner.
        _ => Reason::AmbiguousMatch,
    }
}

fn is_our_key(lane: &Lane, refusal: &RowRefusal) -> bool {
    let key = match &lane.how {
        How::ById => None,
        How::ByKey { field, .. } => Some(field),
        How::Insert { key } => key.as_ref(),
    };
    let held = field_held(&refusal.message);
    key.is_some_and(|key| held.is_some_and(|held| held.eq_ignore_ascii_case(key)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector::{Entropy, Hints, Object, Operation, SeededEntropy, Timestamp, Write};
    use std::borrow::Cow;

    const CALL: Company = Company { rows: 200, single: false };
    const ALONE: Company = Company { rows: 1, single: true };

    fn decide(how: How, code: &str, message: &str, matches: &[&str], company: Company) -> Next {
        let write = Write {
            key: SeededEntropy::new(1).uuid(Timestamp::EPOCH),
            object: Object::Lead,
            operation: Operation::Create,
            fields: Fields::from([("Email", "m.ruiz@acme.example")]),
            hints: Hints::default(),
        };
        let sent = Sent { place: 0, write: &write, key: "k".into(), fields: Cow::Borrowed(&write.fields) };
        let lane = Lane { object: Object::Lead, sobject: "Lead".into(), how, assigns: false };
        let matches = matches.iter().map(|id| RecordId::from(*id)).collect();
        let refusal = RowRefusal { code: code.into(), message: message.into(), fields: Vec::new(), matches };
        next(&lane, &sent, &refusal, company, &Creation::default())
    }

    fn by_key() -> How {
        How::ByKey { field: "Key__c".into(), update_only: false }
    }

    #[test]
    fn a_duplicate_rule_names_the_record_of_a_create() {
        let go = |how, matches: &[&str], company| decide(how, "DUPLICATES_DETECTED", "", matches, company);
        let insert = || How::Insert { key: None };
        let one = Reason::Duplicate { existing: Some("a".into()) };
        assert_eq!(go(insert(), &["a"], CALL), Next::Reject(one.clone()));
        assert_eq!(go(insert(), &["a", "b"], CALL), Next::Reject(Reason::AmbiguousMatch));
        assert_eq!(go(insert(), &[], CALL), Next::Alone);
        assert_eq!(go(insert(), &[], ALONE), Next::Reject(Reason::Duplicate { existing: None }));
        assert_eq!(go(by_key(), &["a"], ALONE), Next::LookForHolder);
        assert_eq!(go(by_key(), &[], CALL), Next::Alone);
        assert_eq!(go(How::ById, &["a"], CALL), Next::Reject(one));
    }

    #[test]
    fn the_holder_of_our_own_key_is_adopted() {
        let text = "duplicate value found: key__c duplicates value on record with id: 00Qxx000000000A";
        let id = RecordId::from("00Qxx000000000AEAQ");
        let adopted = decide(How::Insert { key: Some("Key__c".into()) }, "DUPLICATE_VALUE", text, &[], CALL);
        assert_eq!(adopted, Next::Adopt(id.clone()));
        assert_eq!(decide(by_key(), "DUPLICATE_VALUE", text, &[], CALL), Next::Adopt(id.clone()));
        let reject = Next::Reject(Reason::Duplicate { existing: Some(id) });
        assert_eq!(decide(How::ById, "DUPLICATE_VALUE", text, &[], CALL), reject);
    }

    #[test]
    fn a_create_gets_what_it_needs_and_an_update_nothing() {
        let needs = |how| decide(how, "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", &[], CALL);
        let Next::Completed(fields) = needs(by_key()) else { panic!("not completed") };
        assert_eq!(fields.get("LastName").and_then(connector::Value::as_text), Some("m.ruiz"));
        assert_eq!(needs(How::ById), Next::Reject(Reason::Invalid));
    }

    #[test]
    fn what_a_neighbour_did_is_not_held_against_a_row() {
        let go = |code, company| decide(How::ById, code, "", &[], company);
        assert_eq!(go("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", CALL), Next::Apart);
        assert_eq!(go("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", ALONE), Next::Reject(Reason::Invalid));
        assert_eq!(go("ALL_OR_NONE_OPERATION_ROLLED_BACK", CALL), Next::Innocent);
        assert_eq!(go("UNABLE_TO_LOCK_ROW", CALL), Next::Locked);
        assert_eq!(go("STORAGE_LIMIT_EXCEEDED", CALL), Next::Defer(ErrorKind::Quota));
        assert_eq!(go("ENTITY_IS_DELETED", CALL), Next::Look);
        assert_eq!(go("CANNOT_UPDATE_CONVERTED_LEAD", CALL), Next::Look);
        assert_eq!(decide(by_key(), "CANNOT_UPDATE_CONVERTED_LEAD", "", &[], CALL), Next::LookForHolder);
        assert_eq!(decide(by_key(), "NOT_FOUND", "", &[], CALL), Next::Reject(Reason::Gone));
    }
}
