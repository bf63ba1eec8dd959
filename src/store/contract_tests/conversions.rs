//! A record goes on as a record of another object: a lead became a contact.

use std::sync::Arc;

use connector::{Object, Stream, Tombstone};

use super::engine::Engine;
use super::kit::{Plan, append, apply, at, contact, into_contact, page, page_of, person, profile_of, track};
use super::wishes::{Want, lease, queued, settle, settled, stage};
use crate::model::{OutboxState, ProfileId, RecordKey};
use crate::store::{Fate, IncomingPage, PageReport, Store, StreamKey};

fn leads() -> StreamKey {
    StreamKey { connection: "hubspot".into(), stream: Stream::Records(Object::Lead) }
}

fn lead(id: &str) -> RecordKey {
    RecordKey { object: Object::Lead, ..contact(id) }
}

async fn lead_profile(store: &dyn Store, id: &str) -> Option<ProfileId> {
    store.find_profile(&format!("crm:hubspot:lead:{id}")).await.unwrap()
}

/// The lead is told to go on as the contact, among the changes of leads.
async fn convert(store: &dyn Store, lead: &str, into: &str) -> PageReport {
    let notice = Tombstone { id: lead.into(), deleted_at: Some(at(500)), merged_into: Some(into_contact(into)) };
    apply(store, IncomingPage { tombstones: vec![notice], ..page_of(leads(), Vec::new()) }).await
}

async fn staged(store: &dyn Store, object: Object, want: &Arc<Want>) -> u64 {
    store.stage(&"hubspot".into(), &object, false, at(3_000), 100, want.clone()).await.unwrap().queued
}

pub(in crate::store) async fn a_converted_lead_and_its_contact_are_one_person(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page_of(leads(), vec![person("L1", "Ada")])).await;
    apply(&*store, page(vec![person("1", "Bo")])).await;
    append(&*store, vec![track("m1", &["email:pL1@acme.example"], 10)]).await;
    assert_ne!(lead_profile(&*store, "L1").await, profile_of(&*store, "1").await);
    let report = convert(&*store, "L1", "1").await;
    assert_eq!((report.counts.merged, report.counts.deleted), (1, 0));
    let joined = profile_of(&*store, "1").await;
    assert_eq!(lead_profile(&*store, "L1").await, joined);
    let stats = store.stats().await.unwrap();
    assert_eq!(stats.profiles, 1);
    let detail = store.profile(joined.unwrap()).await.unwrap().unwrap();
    let records: Vec<_> = detail.records.iter().map(|record| (record.key.clone(), record.archived)).collect();
    assert_eq!(records, [(lead("L1"), true), (contact("1"), false)]);
    // Told again, as every overlapping page does: nothing is left to do.
    let again = convert(&*store, "L1", "1").await;
    assert_eq!((again.counts.merged, again.profiles_marked, again.records_marked), (0, 0, 0));
    store.verify().await.unwrap();
}

pub(in crate::store) async fn a_page_that_still_shows_a_converted_lead_does_nothing(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page_of(leads(), vec![person("L1", "Ada")])).await;
    apply(&*store, page(vec![person("1", "Bo")])).await;
    convert(&*store, "L1", "1").await;
    let report = apply(&*store, page_of(leads(), vec![person("L1", "Edited")])).await;
    assert_eq!((report.counts.unchanged, report.counts.updated), (1, 0));
    let detail = store.profile(profile_of(&*store, "1").await.unwrap()).await.unwrap().unwrap();
    assert!(detail.records.iter().any(|record| record.key == lead("L1") && record.archived));
    let want = Want::new(10);
    assert_eq!(staged(&*store, Object::Lead, &want).await, 0);
    assert!(want.seen.lock().unwrap().is_empty());
    store.verify().await.unwrap();
}

pub(in crate::store) async fn what_was_queued_for_a_lead_is_decided_again_for_its_contact(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page_of(leads(), vec![person("L1", "Ada")])).await;
    apply(&*store, page(vec![person("1", "Bo")])).await;
    assert_eq!(staged(&*store, Object::Lead, &Want::new(10)).await, 1);
    stage(&*store, false, Want::new(10)).await;
    let sent = lease(&*store, 5_000).await.remove(0);
    settle(&*store, at(5_001), vec![settled(&sent, Fate::Finished)]).await;
    convert(&*store, "L1", "1").await;
    assert!(store.outbox(&"hubspot".into(), &Object::Lead, 10).await.unwrap().is_empty());
    let want = Want::new(20);
    assert_eq!(staged(&*store, Object::Contact, &want).await, 1);
    assert_eq!(want.seen.lock().unwrap()[0].record.as_ref().unwrap().key, contact("1"));
    assert_eq!(queued(&*store).await[0].intent.record, Some(contact("1")));
}

pub(in crate::store) async fn a_write_out_to_a_lead_is_settled_after_its_conversion(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page_of(leads(), vec![person("L1", "Ada")])).await;
    apply(&*store, page(vec![person("1", "Bo")])).await;
    staged(&*store, Object::Lead, &Want::new(10)).await;
    let due = |now| crate::store::Lease {
        worker: "w1".into(),
        run: crate::model::RunId(uuid::Uuid::nil()),
        now: at(now),
        until: at(now + 60),
    };
    let sent = store.lease(&"hubspot".into(), &Object::Lead, due(5_000), 10).await.unwrap().remove(0);
    convert(&*store, "L1", "1").await;
    let left = store.outbox(&"hubspot".into(), &Object::Lead, 10).await.unwrap();
    assert_eq!(left[0].state, OutboxState::InFlight, "what may have been sent stays until somebody knows");
    // Refused: the CRM says the same again.
    settle(&*store, at(5_001), vec![settled(&sent, Fate::Merged { into: into_contact("1") })]).await;
    assert!(store.outbox(&"hubspot".into(), &Object::Lead, 10).await.unwrap().is_empty());
    assert_eq!(store.stats().await.unwrap().profiles, 1);
    store.verify().await.unwrap();
}

pub(in crate::store) async fn a_conversion_learned_from_a_write_joins_both(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page_of(leads(), vec![person("L1", "Ada")])).await;
    apply(&*store, page(vec![person("1", "Bo")])).await;
    staged(&*store, Object::Lead, &Want::new(10)).await;
    let due = crate::store::Lease {
        worker: "w1".into(),
        run: crate::model::RunId(uuid::Uuid::nil()),
        now: at(5_000),
        until: at(5_060),
    };
    let sent = store.lease(&"hubspot".into(), &Object::Lead, due, 10).await.unwrap().remove(0);
    settle(&*store, at(5_001), vec![settled(&sent, Fate::Merged { into: into_contact("1") })]).await;
    assert_eq!(lead_profile(&*store, "L1").await, profile_of(&*store, "1").await);
    assert_eq!(convert(&*store, "L1", "1").await.counts.merged, 0, "the pull has nothing to add");
    store.verify().await.unwrap();
}

pub(in crate::store) async fn a_contact_not_pulled_yet_is_the_leads_person(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page_of(leads(), vec![person("L1", "Ada")])).await;
    let before = lead_profile(&*store, "L1").await;
    convert(&*store, "L1", "77").await;
    assert_eq!(profile_of(&*store, "77").await, before);
    // It has a record here: nothing is created for it, and what it wants goes to that record.
    let want = Want::new(10);
    let report = store.stage(&"hubspot".into(), &Object::Contact, true, at(3_000), 100, want.clone()).await.unwrap();
    assert_eq!((report.looked_at, report.queued), (1, 1));
    assert_eq!(queued(&*store).await[0].intent.record, Some(contact("77")));
    // Its own page, with another address: still the same person.
    let report = apply(&*store, page(vec![person("77", "Ada")])).await;
    assert_eq!(report.counts.created, 0);
    assert_eq!(profile_of(&*store, "77").await, before);
    assert_eq!(store.find_profile("email:p77@acme.example").await.unwrap(), before);
    store.verify().await.unwrap();
}

pub(in crate::store) async fn a_contact_that_was_merged_since_is_followed(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page_of(leads(), vec![person("L1", "Ada")])).await;
    apply(&*store, page(vec![person("1", "Bo"), person("2", "Cy")])).await;
    let mut survivor = person("2", "Cy");
    survivor.merged_ids = vec!["1".into()];
    apply(&*store, page(vec![survivor])).await;
    convert(&*store, "L1", "1").await;
    assert_eq!(lead_profile(&*store, "L1").await, profile_of(&*store, "2").await);
    assert_eq!(store.stats().await.unwrap().profiles, 1);
    store.verify().await.unwrap();
}

pub(in crate::store) async fn a_lead_nobody_knows_leaves_its_contact_alone(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Bo")])).await;
    let report = convert(&*store, "L9", "1").await;
    assert_eq!((report.counts.merged, report.profiles_marked), (0, 0));
    assert_eq!(convert(&*store, "L9", "88").await.counts.merged, 0);
    assert_eq!(store.stats().await.unwrap().profiles, 1);
    store.verify().await.unwrap();
}

pub(in crate::store) async fn a_conversion_forbids_a_new_lead(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page_of(leads(), vec![person("L1", "Ada")])).await;
    apply(&*store, page(vec![person("1", "Bo")])).await;
    convert(&*store, "L1", "1").await;
    let plan = Arc::new(Plan::default());
    store.apply_page(page(vec![person("1", "Bo II")]), plan).await.unwrap();
    let report = store.stage(&"hubspot".into(), &Object::Lead, true, at(3_000), 100, Want::new(1)).await.unwrap();
    assert_eq!((report.looked_at, report.queued), (0, 0));
}
