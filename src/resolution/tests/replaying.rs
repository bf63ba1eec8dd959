//! The log told again.

use connector::Timestamp;

use super::world::{contact, event, id, ids};
use crate::model::{EventKind, Graph, IdentityRules, Logged, LoggedRecord, OnConflict};
use crate::resolution::{Replay, partition};

fn record(id: &str, keys: &[&str]) -> Logged {
    Logged::Record(LoggedRecord {
        key: contact(id),
        at: Timestamp::from_secs(10),
        identifiers: ids(keys),
        merged: Vec::new(),
        carried: None,
    })
}

fn seen(at: i64, keys: &[&str]) -> Logged {
    Logged::Event(Box::new(event(EventKind::Track, at, keys)))
}

fn replay<'a>(rules: &'a IdentityRules, log: &[Logged]) -> Replay<'a> {
    let mut replay = Replay::new(rules).with_events().with_traits();
    for (place, line) in (1..).zip(log) {
        replay.step(place, line);
    }
    replay
}

#[test]
fn records_that_a_crm_merges_are_one_person_and_the_loser_counts_no_more() {
    let rules = IdentityRules::default();
    let log = [
        record("7", &["email:chen@kiwi.example"]),
        record("8", &["email:chen.k@kiwi.example"]),
        Logged::WentOn {
            from: id("crm:hubspot:contact:8"),
            into: id("crm:hubspot:contact:7"),
            at: Timestamp::from_secs(20),
        },
        seen(30, &["email:chen.k@kiwi.example", "anonymous_id:a-5"]),
    ];
    let told = replay(&rules, &log);
    assert_eq!(partition(told.memory()).len(), 1);
    assert_eq!(told.unattributed, 0);
    let profile = told.memory().standing(&id("anonymous_id:a-5")).profile().unwrap();
    assert_eq!(told.memory().count(profile, &id("crm:hubspot:contact:7").kind), 1);
}

#[test]
fn a_lead_goes_on_as_a_contact_that_nobody_has_seen_yet() {
    let rules = IdentityRules::default();
    let lead = id("crm:salesforce:lead:L1");
    let key =
        crate::model::RecordKey { connection: "salesforce".into(), object: connector::Object::Lead, id: "L1".into() };
    let first = LoggedRecord {
        key,
        at: Timestamp::from_secs(1),
        identifiers: ids(&["email:ada@northwind.example"]),
        merged: Vec::new(),
        carried: None,
    };
    let into = id("crm:salesforce:contact:C1");
    let log = [Logged::Record(first), Logged::WentOn { from: lead, into: into.clone(), at: Timestamp::from_secs(2) }];
    let told = replay(&rules, &log);
    let one = told.memory().standing(&id("email:ada@northwind.example")).profile();
    assert_eq!(told.memory().standing(&into).profile(), one);
}

#[test]
fn another_rule_shows_what_it_would_change() {
    let log = [
        seen(1, &["user_id:u-ada", "anonymous_id:a-1"]),
        seen(2, &["user_id:u-bob", "anonymous_id:a-1"]),
        seen(3, &["anonymous_id:a-1"]),
    ];
    let (detach, keep) =
        (IdentityRules::default(), IdentityRules { on_conflict: OnConflict::Keep, ..IdentityRules::default() });
    let (one, other) = (replay(&detach, &log), replay(&keep, &log));
    assert_eq!(partition(one.memory()).len(), 3);
    assert_eq!(partition(other.memory()).len(), 2);
    let whose: Vec<_> = other.events().map(|(_, profile)| profile).collect();
    assert_eq!(whose[0], whose[2]);
}

#[test]
fn what_people_said_is_part_of_the_log() {
    let rules = IdentityRules::default();
    let mut log = vec![
        seen(1, &["user_id:u-ada", "anonymous_id:a-1"]),
        seen(2, &["email:eve@work.example", "phone:+4930123456"]),
        Logged::Joined(id("user_id:u-ada"), id("email:eve@work.example")),
    ];
    assert_eq!(partition(replay(&rules, &log).memory()).len(), 1);
    // An unlinking comes before everything that it must hold for.
    log.insert(0, Logged::Apart(id("anonymous_id:a-1"), ids(&["user_id:u-ada", "email:eve@work.example"])));
    let told = replay(&rules, &log);
    let of = |key: &str| told.memory().standing(&id(key)).profile();
    assert_ne!(of("anonymous_id:a-1"), of("user_id:u-ada"));
    assert_eq!(of("email:eve@work.example"), of("user_id:u-ada"));
}
