//! What became of a write.

use std::sync::Arc;

use connector::{Object, Value};

use super::engine::Engine;
use super::kit::{Plan, append, apply, at, contact, into_contact, page, person, profile_of, track};
use super::wishes::{Want, lease, queued, settle, settled, stage, written};
use crate::model::{FieldWritten, JournalOutcome, OutboxEntry};
use crate::store::{Fate, IncomingPage, Store};

async fn one_sent(store: &dyn Store) -> OutboxEntry {
    apply(store, page(vec![person("1", "Ada")])).await;
    stage(store, false, Want::new(10)).await;
    lease(store, 5_000).await.remove(0)
}

pub(in crate::store) async fn a_finished_write_moves_mirror_and_journal(engine: &dyn Engine) {
    let store = engine.open();
    let sent = one_sent(&*store).await;
    settle(&*store, at(5_001), vec![written(&sent, Fate::Finished)]).await;
    assert!(queued(&*store).await.is_empty());
    let record = store.stage_items(vec![contact("1")]).await.unwrap().remove(0).record.unwrap();
    let field = record.mirror.get("score").unwrap();
    assert_eq!((field.base.clone(), field.seen.clone(), field.ours), (Some(10.into()), Some(10.into()), true));
    let profile = profile_of(&*store, "1").await.unwrap();
    let rows = store.journal(profile, Some("score"), 10).await.unwrap();
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!((row.from.clone(), row.to.clone()), (serde_json::Value::Null, 10.into()));
    assert_eq!((&*row.outcome, &*row.mapping, &*row.origin), ("written", "contact.score → score", "computed"));
    assert_eq!((row.at, row.record.as_deref(), row.run), (at(5_001), Some("1"), super::kit::run(3)));
    assert!(store.journal(profile, Some("title"), 10).await.unwrap().is_empty());
}

pub(in crate::store) async fn each_field_has_its_own_outcome(engine: &dyn Engine) {
    let store = engine.open();
    let sent = one_sent(&*store).await;
    let kept = FieldWritten {
        field: "score".into(),
        from: Value::Null,
        sent: 10.into(),
        kept: 9.into(),
        outcome: JournalOutcome::KeptOther,
        fought: true,
    };
    let mut delivered = settled(&sent, Fate::Finished);
    delivered.written = vec![kept];
    delivered.journal = Some(JournalOutcome::Cancelled);
    settle(&*store, at(5_001), vec![delivered]).await;
    let profile = profile_of(&*store, "1").await.unwrap();
    assert_eq!(&*store.journal(profile, None, 10).await.unwrap()[0].outcome, "kept_other");
    let record = store.stage_items(vec![contact("1")]).await.unwrap().remove(0).record.unwrap();
    let field = record.mirror.get("score").unwrap();
    assert_eq!((field.seen.clone(), field.sent.clone(), field.kept_other), (Some(9.into()), Some(10.into()), 1));
}

pub(in crate::store) async fn a_page_older_than_the_write_is_left(engine: &dyn Engine) {
    let store = engine.open();
    let sent = one_sent(&*store).await;
    settle(&*store, at(5_001), vec![written(&sent, Fate::Finished)]).await;
    let old = IncomingPage { asked_at: at(5_001), ..page(vec![person("1", "Older")]) };
    let report = apply(&*store, old).await;
    assert_eq!((report.counts.skipped, report.counts.updated), (1, 0));
    let new = IncomingPage { asked_at: at(5_002), ..page(vec![person("1", "Newer")]) };
    assert_eq!(apply(&*store, new).await.counts.updated, 1);
}

pub(in crate::store) async fn a_reverted_write_is_a_change(engine: &dyn Engine) {
    let store = engine.open();
    let sent = one_sent(&*store).await;
    settle(&*store, at(5_001), vec![written(&sent, Fate::Finished)]).await;
    // The record looks as it did before the write: somebody has put the old value back.
    let plan = Arc::new(Plan::default());
    let back = IncomingPage { asked_at: at(5_100), ..page(vec![person("1", "Ada")]) };
    store.apply_page(back, plan.clone()).await.unwrap();
    assert_eq!(plan.asked.lock().unwrap().len(), 1);
}

pub(in crate::store) async fn a_value_in_flight_is_known_to_the_pull(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada")])).await;
    stage(&*store, false, Want::new(10)).await;
    let in_flight = |plan: &Plan| plan.asked.lock().unwrap().pop().unwrap().in_flight;
    let plan = Arc::new(Plan::default());
    store.apply_page(page(vec![person("1", "Eva")]), plan.clone()).await.unwrap();
    assert_eq!(in_flight(&plan), [], "queued is not sent");
    lease(&*store, 5_000).await;
    store.apply_page(page(vec![person("1", "Eve")]), plan.clone()).await.unwrap();
    assert_eq!(in_flight(&plan), [("score".into(), Value::from(10))]);
}

pub(in crate::store) async fn a_create_links_its_record(engine: &dyn Engine) {
    let store = engine.open();
    append(&*store, vec![track("m1", &["email:p9@acme.example"], 10)]).await;
    stage(&*store, true, Want::new(10)).await;
    let sent = lease(&*store, 5_000).await.remove(0);
    let url = Some("https://crm.example/9".into());
    settle(&*store, at(5_001), vec![written(&sent, Fate::Linked { id: "9".into(), url: url.clone() })]).await;
    assert!(queued(&*store).await.is_empty());
    let profile = store.find_profile("p9@acme.example").await.unwrap();
    assert_eq!(profile_of(&*store, "9").await, profile);
    let item = store.stage_items(vec![contact("9")]).await.unwrap().remove(0);
    let record = item.record.unwrap();
    assert_eq!((record.url.clone(), record.archived), (url, false));
    assert_eq!(record.mirror.get("score").unwrap().base, Some(10.into()));
    let rows = store.journal(profile.unwrap(), None, 10).await.unwrap();
    assert_eq!((rows.len(), rows[0].record.as_deref()), (1, Some("9")));
    let objects = &store.stats().await.unwrap().connections[&"hubspot".into()].objects[&Object::Contact];
    assert_eq!(objects.records, 1);
    // The pull that follows knows the record and makes nothing new.
    let new = IncomingPage { asked_at: at(6_000), ..page(vec![person("9", "Nina")]) };
    assert_eq!(apply(&*store, new).await.counts.created, 0);
    assert_eq!(store.stats().await.unwrap().profiles, 1);
}

pub(in crate::store) async fn a_record_pulled_while_its_create_was_out_stays_one(engine: &dyn Engine) {
    let store = engine.open();
    append(&*store, vec![track("m1", &["email:p9@acme.example"], 10)]).await;
    stage(&*store, true, Want::new(10)).await;
    let sent = lease(&*store, 5_000).await.remove(0);
    apply(&*store, page(vec![person("9", "Nina")])).await;
    settle(&*store, at(5_001), vec![written(&sent, Fate::Linked { id: "9".into(), url: None })]).await;
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.profiles, stats.identity_conflicts), (1, 0));
    assert_eq!(stats.connections[&"hubspot".into()].objects[&Object::Contact].records, 1);
    let record = store.stage_items(vec![contact("9")]).await.unwrap().remove(0).record.unwrap();
    assert_eq!(record.mirror.get("firstname").unwrap().seen, Some("Nina".into()));
    assert_eq!(record.mirror.get("score").unwrap().seen, Some(10.into()));
}

pub(in crate::store) async fn a_gone_record_is_never_written_again(engine: &dyn Engine) {
    let store = engine.open();
    let sent = one_sent(&*store).await;
    store.mark_all(&"hubspot".into(), &Object::Contact).await.unwrap();
    stage(&*store, false, Want::new(20)).await;
    let mut delivered = settled(&sent, Fate::Gone);
    delivered.journal = Some(JournalOutcome::Cancelled);
    settle(&*store, at(5_001), vec![delivered]).await;
    assert!(queued(&*store).await.is_empty(), "what waited behind it goes as well");
    let profile = profile_of(&*store, "1").await.unwrap();
    let detail = store.profile(profile).await.unwrap().unwrap();
    assert!(detail.records[0].archived);
    assert_eq!(&*store.journal(profile, None, 10).await.unwrap()[0].outcome, "cancelled");
    store.mark_all(&"hubspot".into(), &Object::Contact).await.unwrap();
    assert_eq!(stage(&*store, true, Want::new(30)).await.looked_at, 0);
}

pub(in crate::store) async fn a_merged_record_hands_over_to_the_survivor(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada"), person("2", "Bo")])).await;
    stage(&*store, false, Want::new(10)).await;
    let sent = lease(&*store, 5_000).await;
    settle(&*store, at(5_001), vec![settled(&sent[0], Fate::Merged { into: into_contact("2") })]).await;
    assert_eq!(profile_of(&*store, "1").await, profile_of(&*store, "2").await, "the CRM says they are one person");
    assert_eq!(store.stats().await.unwrap().profiles, 1);
    assert_eq!(queued(&*store).await.len(), 1);
    let want = Want::new(20);
    assert_eq!(stage(&*store, false, want.clone()).await.looked_at, 1);
    assert_eq!(want.seen.lock().unwrap()[0].record.as_ref().unwrap().key, contact("2"));
}

pub(in crate::store) async fn a_record_merged_into_an_unseen_one_is_renamed(engine: &dyn Engine) {
    let store = engine.open();
    let sent = one_sent(&*store).await;
    let profile = profile_of(&*store, "1").await;
    settle(&*store, at(5_001), vec![settled(&sent, Fate::Merged { into: into_contact("77") })]).await;
    assert_eq!(profile_of(&*store, "77").await, profile);
    assert_eq!(profile_of(&*store, "1").await, profile, "the old id is an alias");
    let item = store.stage_items(vec![contact("1")]).await.unwrap().remove(0);
    assert_eq!(item.record.unwrap().key, contact("77"));
}

pub(in crate::store) async fn a_refused_write_makes_no_page_older(engine: &dyn Engine) {
    let store = engine.open();
    let sent = one_sent(&*store).await;
    let mut refused = written(&sent, Fate::Finished);
    refused.written[0].outcome = JournalOutcome::Rejected;
    refused.written[0].kept = Value::Null;
    settle(&*store, at(5_001), vec![refused]).await;
    // Nothing was written, so the record's stamp has not moved: this page is the only one that brings the edit.
    let report = apply(&*store, IncomingPage { asked_at: at(5_000), ..page(vec![person("1", "Edited")]) }).await;
    assert_eq!((report.counts.skipped, report.counts.updated), (0, 1));
}

pub(in crate::store) async fn a_record_found_in_place_of_a_create_is_not_older(engine: &dyn Engine) {
    let store = engine.open();
    append(&*store, vec![track("m1", &["email:p9@acme.example"], 10)]).await;
    stage(&*store, true, Want::new(10)).await;
    let sent = lease(&*store, 5_000).await.remove(0);
    settle(&*store, at(5_001), vec![settled(&sent, Fate::Linked { id: "9".into(), url: None })]).await;
    let report = apply(&*store, IncomingPage { asked_at: at(5_000), ..page(vec![person("9", "Nina")]) }).await;
    assert_eq!((report.counts.skipped, report.counts.updated), (0, 1));
}
