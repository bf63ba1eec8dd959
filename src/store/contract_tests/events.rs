//! The event log.

use std::sync::Arc;

use connector::Value;

use super::engine::Engine;
use super::kit::{append, apply, at, page, person, profile_of, run, track};
use crate::model::{DeadLetter, DeadLetterCode, DeadLetterId, EventKind, Raw, RuleId, Subject};
use crate::store::AppendEvents;

pub(in crate::store) async fn an_event_is_appended_once_for_ever(engine: &dyn Engine) {
    let store = engine.open();
    let report = append(&*store, vec![track("m1", &["anonymous_id:a1"], 10)]).await;
    assert_eq!((report.accepted, report.duplicates, report.profiles_marked), (1, 0, 1));
    let report =
        append(&*store, vec![track("m1", &["anonymous_id:a1"], 10), track("m2", &["anonymous_id:a1"], 11)]).await;
    assert_eq!((report.accepted, report.duplicates), (1, 1));
    let mut elsewhere = track("m1", &["anonymous_id:a1"], 12);
    elsewhere.0.source = "app".into();
    let report = append(&*store, vec![elsewhere.clone(), elsewhere]).await;
    assert_eq!((report.accepted, report.duplicates), (1, 1), "another source's id is another event");
    assert_eq!(store.stats().await.unwrap().events, 3);
}

pub(in crate::store) async fn an_event_reads_back_whole(engine: &dyn Engine) {
    let store = engine.open();
    let (mut event, facts) = track("m1", &["user_id:u1", "email:ada@acme.example"], 10);
    event.kind = EventKind::Identify;
    event.traits = vec![("firstname".into(), "Ada".into()), ("age".into(), Value::from(36))];
    event.traits_are_weak = true;
    event.is_bot = true;
    event.sent_at = Some(at(9));
    append(&*store, vec![(event.clone(), facts)]).await;
    let profile = store.find_profile("user_id:u1").await.unwrap().unwrap();
    let rows = store.events_of(profile, 10).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].event, event);
    assert_eq!(rows[0].profile, Some(profile));
    let detail = store.profile(profile).await.unwrap().unwrap();
    assert_eq!(detail.profile.value("age"), &Value::from(36));
    assert_eq!((detail.events, detail.profile.known, detail.profile.first_seen), (1, true, at(10)));
}

pub(in crate::store) async fn facts_come_by_time_and_only_the_wanted(engine: &dyn Engine) {
    let store = engine.open();
    append(&*store, vec![track("m2", &["anonymous_id:a1"], 20), track("m1", &["anonymous_id:a1"], 10)]).await;
    let profile = store.find_profile("anonymous_id:a1").await.unwrap().unwrap();
    let facts = store.facts_of(profile, vec![RuleId(7)]).await.unwrap();
    assert_eq!(facts.iter().map(|fact| fact.number).collect::<Vec<_>>(), [10, 20]);
    assert_ne!(facts[0].event, facts[1].event, "the engine fills in the place in the log");
    assert!(store.facts_of(profile, vec![RuleId(8)]).await.unwrap().is_empty());
    let detail = store.profile(profile).await.unwrap().unwrap();
    assert_eq!(detail.profile.first_seen, at(10), "the earlier event came later");
    assert!(!detail.profile.known);
}

pub(in crate::store) async fn an_event_of_nobody_is_kept(engine: &dyn Engine) {
    let store = engine.open();
    let report = append(&*store, vec![track("m1", &[], 10)]).await;
    assert_eq!((report.accepted, report.unattributed, report.profiles_marked), (1, 1, 0));
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.events, stats.profiles), (1, 0));
}

pub(in crate::store) async fn an_event_joins_the_person_of_a_record(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada")])).await;
    append(&*store, vec![track("m1", &["email:p1@acme.example", "anonymous_id:a1"], 10)]).await;
    let profile = profile_of(&*store, "1").await;
    assert_eq!(store.find_profile("anonymous_id:a1").await.unwrap(), profile);
    let detail = store.profile(profile.unwrap()).await.unwrap().unwrap();
    let identifiers: Vec<String> = detail.identifiers.iter().map(ToString::to_string).collect();
    assert_eq!(identifiers, ["crm:hubspot:contact:1", "email:p1@acme.example", "anonymous_id:a1"], "strongest first");
}

pub(in crate::store) async fn an_event_merges_two_profiles(engine: &dyn Engine) {
    let store = engine.open();
    append(&*store, vec![track("m1", &["anonymous_id:a1"], 10), track("m2", &["email:ada@acme.example"], 20)]).await;
    let (a, b) = (
        store.find_profile("anonymous_id:a1").await.unwrap().unwrap(),
        store.find_profile("ada@acme.example").await.unwrap().unwrap(),
    );
    assert_ne!(a, b);
    let uid = store.profile(b).await.unwrap().unwrap().profile.uid;
    append(&*store, vec![track("m3", &["anonymous_id:a1", "email:ada@acme.example"], 30)]).await;
    assert_eq!(store.find_profile("ada@acme.example").await.unwrap(), Some(a));
    assert_eq!(store.events_of(b, 10).await.unwrap().len(), 3, "the loser's number leads to the survivor");
    assert_eq!(store.find_profile(&uid.to_string()).await.unwrap(), Some(a), "so does its uid");
    assert_eq!(store.facts_of(a, vec![RuleId(7)]).await.unwrap().len(), 3);
    assert_eq!(store.stats().await.unwrap().profiles, 1);
}

pub(in crate::store) async fn one_dead_letter_per_code_and_subject(engine: &dyn Engine) {
    let store = engine.open();
    let letter = |line: u64, text: &str| DeadLetter {
        id: DeadLetterId(0),
        at: at(i64::try_from(line).unwrap()),
        code: DeadLetterCode::EventInvalid,
        subject: Subject { source: Some("web".into()), ..Subject::default() },
        cause: format!("line {line} is no JSON").into(),
        fix: "repair the line".into(),
        raw: Some(Raw { file: "events.jsonl".into(), line, text: text.into() }),
        count: 1,
    };
    let batch = AppendEvents {
        run: run(2),
        now: at(2_000),
        events: vec![track("m1", &["anonymous_id:a1"], 10)],
        dead_letters: vec![letter(1, "{bad"), letter(2, "{worse"), letter(3, "{bad")],
        rejected: Vec::new(),
    };
    let report = store.append_events(batch, Arc::new(super::kit::Resolver)).await.unwrap();
    assert_eq!((report.accepted, report.dead_letters), (1, 3), "a bad line does not stop the good ones");
    let letters = store.dead_letters(DeadLetterId(0), 10).await.unwrap();
    let seen: Vec<_> = letters.iter().map(|l| (l.raw.as_ref().unwrap().text.as_ref(), l.count, &*l.cause)).collect();
    assert_eq!(seen, [("{bad", 2, "line 3 is no JSON"), ("{worse", 1, "line 2 is no JSON")]);
    assert_eq!(store.dead_letters(letters[0].id, 10).await.unwrap().len(), 1);
    assert!(store.drop_dead_letter(letters[0].id).await.unwrap());
    assert!(!store.drop_dead_letter(letters[0].id).await.unwrap());
    assert_eq!(store.dead_letter(letters[0].id).await.unwrap(), None);
}

pub(in crate::store) async fn a_new_rule_is_matched_from_the_log(engine: &dyn Engine) {
    let store = engine.open();
    let events = (0..5).map(|n| track(&format!("m{n}"), &["anonymous_id:a1"], n)).collect();
    append(&*store, events).await;
    let profile = store.find_profile("anonymous_id:a1").await.unwrap().unwrap();
    let matching: crate::store::MatchFacts = Arc::new(|event| {
        let (_, mut facts) = track(&event.message_id, &[], event.at.secs());
        facts[0].rule = RuleId(8);
        facts
    });
    let (new, keep) = (vec![RuleId(8)], vec![RuleId(8)]);
    let mut after = 0;
    let mut chunks = 0;
    while let Some(next) = store.rematch(new.clone(), keep.clone(), after, 2, matching.clone()).await.unwrap() {
        assert!(store.matched_rules().await.unwrap().is_empty(), "not before the log is done");
        (after, chunks) = (next, chunks + 1);
    }
    assert_eq!(chunks, 2);
    assert_eq!(store.matched_rules().await.unwrap(), [RuleId(8)]);
    assert_eq!(store.facts_of(profile, vec![RuleId(8)]).await.unwrap().len(), 5);
    // Rule 8 goes: its facts go, and its people are stale.
    assert_eq!(store.rematch(vec![], vec![RuleId(9)], 0, 2, matching).await.unwrap(), None);
    assert!(store.facts_of(profile, vec![RuleId(8)]).await.unwrap().is_empty());
    assert!(store.matched_rules().await.unwrap().is_empty());
}
