//! Marks, intents, generations.

use std::sync::Arc;

use connector::{Object, Operation, Value};

use super::engine::Engine;
use super::kit::{append, apply, contact, gone, page, person, profile_of, track};
use super::wishes::{Want, Withdraw, queued, stage, update};
use crate::model::{AttributeChange, DeadLetter, DeadLetterCode, DeadLetterId, OutboxState, Side, Subject};
use crate::store::{FuseTally, StageDecision, StageItem, StageWrites};

pub(in crate::store) async fn marks_are_looked_at_once(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada"), person("2", "Bo")])).await;
    let want = Want::new(10);
    let report = stage(&*store, false, want.clone()).await;
    assert_eq!((report.looked_at, report.queued, report.more), (2, 2, false));
    let item = want.seen.lock().unwrap()[0].clone();
    assert_eq!(item.record.unwrap().key, contact("1"));
    assert_eq!(item.profile.unwrap().value("firstname"), &"Ada".into());
    assert!(item.identifiers.is_empty(), "a record tells whose it is itself");
    assert!(item.queued.is_none());
    assert_eq!(stage(&*store, false, Want::new(11)).await.looked_at, 0);
    let entries = queued(&*store).await;
    assert_eq!(entries.len(), 2);
    assert_eq!((entries[0].state, entries[0].generation, entries[0].attempts), (OutboxState::Queued, 1, 0));
    assert_eq!(entries[0].intent.fields.get("score"), Some(&Value::from(10)));
    assert_ne!(entries[0].key, entries[1].key);
}

pub(in crate::store) async fn a_limit_leaves_more(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page((0..5).map(|n| person(&n.to_string(), "Ada")).collect())).await;
    let (connection, object) = ("hubspot".into(), Object::Contact);
    for (left, more) in [(2, true), (2, true), (1, false)] {
        let now = super::kit::at(3_000);
        let report = store.stage(&connection, &object, false, now, 2, Want::new(1)).await.unwrap();
        assert_eq!((report.looked_at, report.more), (left, more));
    }
}

pub(in crate::store) async fn a_newer_intent_replaces_a_queued_one(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada")])).await;
    stage(&*store, false, Want::new(10)).await;
    let old = queued(&*store).await.remove(0);
    assert_eq!(store.mark_all(&"hubspot".into(), &Object::Contact).await.unwrap(), 1);
    let want = Want::new(20);
    assert_eq!(stage(&*store, false, want.clone()).await.queued, 1);
    assert_eq!(want.seen.lock().unwrap()[0].queued, Some(old.clone()));
    let entries = queued(&*store).await;
    assert_eq!((entries.len(), entries[0].generation), (1, 2));
    assert_eq!(entries[0].intent.fields.get("score"), Some(&Value::from(20)));
    assert_ne!(entries[0].key, old.key, "another intent, another key");
    assert_eq!(entries[0].created_at, old.created_at, "it keeps its place in the queue");
    store.mark_all(&"hubspot".into(), &Object::Contact).await.unwrap();
    assert_eq!(stage(&*store, false, Want::new(20)).await.queued, 0, "the same intent again is no change");
    assert_eq!(queued(&*store).await[0].generation, 2);
}

pub(in crate::store) async fn a_queued_intent_is_withdrawn(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada")])).await;
    stage(&*store, false, Want::new(10)).await;
    store.mark_all(&"hubspot".into(), &Object::Contact).await.unwrap();
    let report = stage(&*store, false, Arc::new(Withdraw)).await;
    assert_eq!((report.withdrawn, report.queued), (1, 0));
    assert!(queued(&*store).await.is_empty());
}

pub(in crate::store) async fn creates_are_for_the_known_without_a_record(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada")])).await;
    append(
        &*store,
        vec![
            track("m1", &["anonymous_id:a1"], 10),
            track("m2", &["user_id:u2"], 10),
            track("m3", &["email:new@acme.example"], 10),
        ],
    )
    .await;
    assert_eq!(stage(&*store, false, Want::new(1)).await.looked_at, 1, "no creates unless asked");
    let want = Want::new(1);
    let report = stage(&*store, true, want.clone()).await;
    assert_eq!((report.looked_at, report.queued, report.more), (1, 1, false));
    let item = want.seen.lock().unwrap()[0].clone();
    assert!(item.record.is_none());
    let profile = store.find_profile("new@acme.example").await.unwrap();
    assert_eq!(item.profile.map(|profile| profile.id), profile);
    let creates: Vec<_> = queued(&*store).await.into_iter().filter(|e| e.intent.record.is_none()).collect();
    assert_eq!(creates.len(), 1);
    assert_eq!((&creates[0].intent.operation, creates[0].intent.profile), (&Operation::Create, profile));
    assert_eq!(stage(&*store, true, Want::new(1)).await.looked_at, 0, "looked at until it changes");
    let tally = store.fuse_tally(&"hubspot".into(), &Object::Contact).await.unwrap();
    assert_eq!(tally, FuseTally { linked: 1, queued: 2, creates: 1, overwriting: 0, clearing: 0 });
}

pub(in crate::store) async fn an_archived_record_forbids_a_create(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada")])).await;
    apply(&*store, gone(&["1"])).await;
    append(&*store, vec![track("m1", &["email:p1@acme.example", "anonymous_id:a1"], 10)]).await;
    store.mark_all(&"hubspot".into(), &Object::Contact).await.unwrap();
    assert_eq!(stage(&*store, true, Want::new(1)).await.looked_at, 0);
}

pub(in crate::store) async fn a_record_that_shows_up_cancels_its_create(engine: &dyn Engine) {
    let store = engine.open();
    append(&*store, vec![track("m1", &["email:p1@acme.example"], 10)]).await;
    stage(&*store, true, Want::new(1)).await;
    assert_eq!(queued(&*store).await.len(), 1);
    apply(&*store, page(vec![person("1", "Ada")])).await;
    assert!(queued(&*store).await.is_empty());
    assert!(profile_of(&*store, "1").await.is_some());
}

pub(in crate::store) async fn archiving_drops_what_is_queued(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada")])).await;
    stage(&*store, false, Want::new(1)).await;
    apply(&*store, gone(&["1"])).await;
    assert!(queued(&*store).await.is_empty());
    assert!(store.stage_items(vec![contact("1")]).await.unwrap().is_empty());
}

pub(in crate::store) async fn a_plan_reads_and_changes_nothing(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada"), person("2", "Bo"), person("3", "Cy")])).await;
    append(&*store, vec![track("m1", &["email:new@acme.example"], 10), track("m2", &["email:two@acme.example"], 10)])
        .await;
    let (connection, object) = ("hubspot".into(), Object::Contact);
    store.stage(&connection, &object, false, super::kit::at(1), 1, Want::new(1)).await.unwrap();
    let before = store.stats().await.unwrap();
    let (mut after, mut found) = (0, Vec::new());
    loop {
        let (items, next) = store.staged(&connection, &object, true, after, 2).await.unwrap();
        found.extend(items);
        match next {
            Some(next) => after = next,
            None => break,
        }
    }
    let shown: Vec<_> =
        found.iter().map(|item| (item.record.as_ref().map(|r| r.key.id.to_string()), item.queued.is_some())).collect();
    let record = |id: &str, queued| (Some(id.to_owned()), queued);
    assert_eq!(shown, [record("1", true), record("2", false), record("3", false), (None, false), (None, false)]);
    assert_eq!(store.stats().await.unwrap(), before);
}

pub(in crate::store) async fn a_decision_may_take_the_crms_side(engine: &dyn Engine) {
    #[derive(Debug)]
    struct Take;
    impl StageWrites for Take {
        fn decide(&self, item: &StageItem) -> StageDecision {
            let record = item.record.clone().unwrap();
            let mut attribute = item.profile.as_ref().unwrap().attributes["firstname"].clone();
            attribute.value = "Countess".into();
            let mut mirror = record.mirror;
            mirror.entry(&"firstname".into()).base = Some("Countess".into());
            StageDecision {
                mirror: Some(mirror),
                attributes: vec![AttributeChange { name: "firstname".into(), attribute }],
                ..StageDecision::default()
            }
        }
    }
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada")])).await;
    let report = stage(&*store, false, Arc::new(Take)).await;
    assert_eq!((report.looked_at, report.queued, report.more), (1, 0, false));
    let item = store.stage_items(vec![contact("1")]).await.unwrap().remove(0);
    assert_eq!(item.profile.unwrap().value("firstname"), &"Countess".into());
    assert_eq!(item.record.unwrap().mirror.get("firstname").unwrap().base, Some("Countess".into()));
}

pub(in crate::store) async fn apply_queues_its_own_and_nothing_else(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada"), person("2", "Bo")])).await;
    stage(&*store, false, Want::new(10)).await;
    let item = store.stage_items(vec![contact("1")]).await.unwrap().remove(0);
    let intent = update(&item.record.unwrap(), &Value::from(99));
    let (connection, object) = ("hubspot".into(), Object::Contact);
    let now = super::kit::at(4_000);
    assert_eq!(store.enqueue(now, &connection, &object, vec![intent]).await.unwrap(), 1);
    let entries = queued(&*store).await;
    assert_eq!((entries.len(), entries[0].generation), (1, 2));
    assert_eq!(entries[0].intent.fields.get("score"), Some(&Value::from(99)));
    let want = Want::new(10);
    stage(&*store, false, want.clone()).await;
    let seen: Vec<_> = want.seen.lock().unwrap().iter().map(|i| i.record.clone().unwrap().key).collect();
    assert_eq!(seen, [contact("2")], "what was withdrawn is looked at again");
}

pub(in crate::store) async fn a_retried_dead_letter_thaws_its_field(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada")])).await;
    #[derive(Debug)]
    struct Freeze;
    impl StageWrites for Freeze {
        fn decide(&self, item: &StageItem) -> StageDecision {
            let mut mirror = item.record.clone().unwrap().mirror;
            mirror.entry(&"firstname".into()).frozen = true;
            let letter = DeadLetter {
                id: DeadLetterId(0),
                at: super::kit::at(1),
                code: DeadLetterCode::FieldFought,
                subject: Subject {
                    connection: Some("hubspot".into()),
                    object: Some("contact".into()),
                    record: Some("1".into()),
                    field: Some("firstname".into()),
                    source: None,
                },
                cause: "the CRM keeps another value".into(),
                fix: "find the workflow that rewrites it".into(),
                raw: None,
                count: 1,
            };
            StageDecision { mirror: Some(mirror), dead_letters: vec![letter], ..StageDecision::default() }
        }
    }
    stage(&*store, false, Arc::new(Freeze)).await;
    let letter = store.dead_letters(DeadLetterId(0), 10).await.unwrap().remove(0);
    assert_eq!(store.stats().await.unwrap().connections[&"hubspot".into()].dead_letters, 1);
    assert!(store.retry_dead_letter(letter.id, Some(Side::Cdp)).await.unwrap());
    assert!(!store.retry_dead_letter(letter.id, None).await.unwrap());
    let want = Want::new(1);
    assert_eq!(stage(&*store, false, want.clone()).await.looked_at, 1, "marked for push");
    let record = want.seen.lock().unwrap()[0].record.clone().unwrap();
    let field = record.mirror.get("firstname").unwrap();
    assert_eq!((field.frozen, field.verdict), (false, Some(Side::Cdp)));
}
