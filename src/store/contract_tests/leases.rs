//! Leases: durable before any call, ambiguous after a crash, one per record.

use std::sync::Arc;

use connector::{Fields, Link, Object, Record, Stream, Value};

use super::engine::Engine;
use super::kit::{Plan, append, apply, at, page, page_of, person, track};
use super::wishes::{Want, lease, queued, settle, settled, stage, written};
use crate::model::OutboxState;
use crate::store::{Fate, Lease, Store, StreamKey};

async fn two_queued(store: &dyn Store) {
    apply(store, page(vec![person("1", "Ada"), person("2", "Bo")])).await;
    stage(store, false, Want::new(10)).await;
}

pub(in crate::store) async fn a_lease_is_durable_before_it_is_handed_out(engine: &dyn Engine) {
    let store = engine.open();
    two_queued(&*store).await;
    let leased = lease(&*store, 5_000).await;
    assert_eq!(leased.iter().map(|entry| entry.state).collect::<Vec<_>>(), [OutboxState::InFlight; 2]);
    let elsewhere = engine.open();
    assert!(queued(&*elsewhere).await.iter().all(|entry| entry.state == OutboxState::InFlight));
    assert!(lease(&*elsewhere, 5_001).await.is_empty(), "at most one lease per entry");
}

pub(in crate::store) async fn a_lease_that_ran_out_is_ambiguous(engine: &dyn Engine) {
    let store = engine.open();
    two_queued(&*store).await;
    let first = lease(&*store, 5_000).await;
    assert!(lease(&*store, 5_059).await.is_empty());
    let again = lease(&*store, 5_060).await;
    assert_eq!(again.iter().map(|entry| entry.state).collect::<Vec<_>>(), [OutboxState::Ambiguous; 2]);
    assert_eq!(again[0].key, first[0].key, "the same intent keeps its key");
}

pub(in crate::store) async fn after_a_crash_the_crm_is_asked_first(engine: &dyn Engine) {
    let store = engine.open();
    two_queued(&*store).await;
    assert_eq!(store.recover(at(1)).await.unwrap(), 0);
    let one =
        Lease { worker: "dead".into(), run: crate::model::RunId(uuid::Uuid::nil()), now: at(5_000), until: at(9_000) };
    let leased = store.lease(&"hubspot".into(), &Object::Contact, one, 1).await.unwrap();
    assert_eq!(leased.len(), 1);
    drop(store);
    let store = engine.open();
    assert_eq!(store.recover(at(5_001)).await.unwrap(), 1);
    let next = lease(&*store, 5_002).await;
    assert_eq!(next.len(), 1, "ambiguous ones come alone, and first");
    assert_eq!((next[0].state, next[0].id), (OutboxState::Ambiguous, leased[0].id));
    let rest = lease(&*store, 5_003).await;
    assert_eq!(rest.iter().map(|entry| entry.state).collect::<Vec<_>>(), [OutboxState::InFlight]);
}

pub(in crate::store) async fn a_pause_is_kept(engine: &dyn Engine) {
    let store = engine.open();
    two_queued(&*store).await;
    let leased = lease(&*store, 5_000).await;
    let again = |entry, counts| settled(entry, Fate::Again { not_before: at(6_000), counts });
    settle(&*store, at(5_001), vec![again(&leased[0], true), again(&leased[1], false)]).await;
    assert!(lease(&*store, 5_999).await.is_empty());
    let due = lease(&*store, 6_000).await;
    assert_eq!(due.iter().map(|entry| entry.attempts).collect::<Vec<_>>(), [1, 0]);
    settle(&*store, at(6_001), vec![settled(&due[0], Fate::Ambiguous { not_before: at(7_000), counts: false })]).await;
    assert!(lease(&*store, 6_999).await.iter().all(|entry| entry.id != due[0].id));
    let asked = lease(&*store, 7_000).await;
    assert!(asked.iter().any(|entry| entry.id == due[0].id && entry.state == OutboxState::Ambiguous));
}

pub(in crate::store) async fn a_lease_has_one_kind_of_operation(engine: &dyn Engine) {
    let store = engine.open();
    append(&*store, vec![track("m1", &["email:new@acme.example"], 10)]).await;
    two_queued(&*store).await;
    stage(&*store, true, Want::new(10)).await;
    let kinds = |entries: &[crate::model::OutboxEntry]| {
        entries.iter().map(|entry| entry.intent.operation.name()).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&lease(&*store, 5_000).await), ["update", "update"]);
    assert_eq!(kinds(&lease(&*store, 5_001).await), ["create"]);
}

pub(in crate::store) async fn a_newer_generation_waits_for_the_one_in_flight(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada")])).await;
    stage(&*store, false, Want::new(10)).await;
    let sent = lease(&*store, 5_000).await.remove(0);
    store.mark_all(&"hubspot".into(), &Object::Contact).await.unwrap();
    assert_eq!(stage(&*store, false, Want::new(20)).await.queued, 1);
    assert!(lease(&*store, 5_001).await.is_empty(), "never two in flight to one record");
    store.mark_all(&"hubspot".into(), &Object::Contact).await.unwrap();
    let want = Want::new(20);
    assert_eq!(stage(&*store, false, want.clone()).await.queued, 0);
    let shown = want.seen.lock().unwrap()[0].queued.clone().unwrap();
    assert_eq!((shown.state, shown.generation), (OutboxState::InFlight, 2), "staging sees the newest intent");
    settle(&*store, at(5_002), vec![written(&sent, Fate::Finished)]).await;
    let next = lease(&*store, 5_003).await.remove(0);
    assert_eq!(next.intent.fields.get("score"), Some(&Value::from(20)));
    assert_eq!((next.id, next.generation, next.attempts), (sent.id, 2, 0));
    assert_ne!(next.key, sent.key);
    // The first generation's answer, heard twice, does not touch the second.
    settle(&*store, at(5_004), vec![written(&sent, Fate::Finished)]).await;
    assert_eq!(queued(&*store).await.len(), 1);
}

pub(in crate::store) async fn an_unknown_fate_has_the_record_looked_at_again(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada")])).await;
    stage(&*store, false, Want::new(10)).await;
    lease(&*store, 5_000).await;
    let found = lease(&*store, 5_060).await.remove(0);
    settle(&*store, at(5_061), vec![written(&found, Fate::Finished)]).await;
    // What is wanted may have moved back to the old agreement meanwhile, and then nobody queued anything.
    assert_eq!(stage(&*store, false, Want::new(10)).await.looked_at, 1);
}

pub(in crate::store) async fn a_run_that_broke_off_gives_back_what_it_had(engine: &dyn Engine) {
    let store = engine.open();
    two_queued(&*store).await;
    let one = |worker: &str| Lease {
        worker: worker.into(),
        run: crate::model::RunId(uuid::Uuid::nil()),
        now: at(5_000),
        until: at(9_000),
    };
    let mine = store.lease(&"hubspot".into(), &Object::Contact, one("w1"), 1).await.unwrap();
    store.lease(&"hubspot".into(), &Object::Contact, one("w2"), 1).await.unwrap();
    assert_eq!(store.reclaim(&"hubspot".into(), &Object::Lead, &"w1".into()).await.unwrap(), 0);
    assert_eq!(store.reclaim(&"hubspot".into(), &Object::Contact, &"w1".into()).await.unwrap(), 1);
    let back = lease(&*store, 5_001).await;
    assert_eq!(
        back.iter().map(|entry| (entry.id, entry.state)).collect::<Vec<_>>(),
        [(mine[0].id, OutboxState::Ambiguous)]
    );
}

pub(in crate::store) async fn a_persons_entry_names_its_company(engine: &dyn Engine) {
    let store = engine.open();
    let company = |id: &str| Link { object: Object::Company, id: id.into() };
    let mut people = vec![person("1", "Ada"), person("2", "Bo"), person("3", "Cy")];
    people[0].links = Some(vec![company("c2"), company("c1")]);
    apply(&*store, page(people)).await;
    // The second is listed by its company only.
    let mut listed = Record::new("c9", Fields::from([("name", "Acme")]));
    listed.links = Some(vec![Link { object: Object::Contact, id: "2".into() }]);
    let companies = StreamKey { connection: "hubspot".into(), stream: Stream::Records(Object::Company) };
    let nobody = Arc::new(Plan { nobody: true, ..Plan::default() });
    store.apply_page(page_of(companies, vec![listed]), nobody).await.unwrap();
    stage(&*store, false, Want::new(10)).await;
    let parents: Vec<_> = lease(&*store, 5_000).await.into_iter().map(|entry| entry.parent).collect();
    assert_eq!(parents, [Some("c2".into()), Some("c9".into()), None]);
}
