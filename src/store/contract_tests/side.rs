//! Writes beside a record's fields.

use connector::{Object, RecordId};

use super::engine::Engine;
use super::kit::{append, apply, at, gone, page, person, profile_of, run, track};
use crate::model::{Cause, Desire, JournalOutcome, OutboxState, SideEntry, SideRow, SideState, SideWish};
use crate::store::{Lease, SideFate, SideLimit, SideOf, SideSettled, Store};

fn note(record: &str, body: &str) -> Desire {
    wish(record, SideWish::Note { key: "digest".into(), body: body.into() })
}

fn wish(record: &str, wish: SideWish) -> Desire {
    let cause = Cause { mapping: "contact.digest".into(), origin: "daily".into() };
    Desire { record: record.into(), wish, cause }
}

async fn desire(store: &dyn Store, desires: Vec<Desire>) -> u64 {
    store.desire(&"hubspot".into(), &Object::Contact, at(4_000), desires).await.unwrap()
}

async fn lease(store: &dyn Store, second: i64) -> Vec<SideEntry> {
    let lease = Lease { worker: "w".into(), run: run(5), now: at(second), until: at(second + 60) };
    store.lease_side(&"hubspot".into(), &Object::Contact, lease, SideLimit { places: 10, others: 10 }).await.unwrap()
}

async fn settle(store: &dyn Store, entry: &SideEntry, fate: SideFate) {
    let journal = matches!(fate, SideFate::Told { .. }).then_some(JournalOutcome::Written);
    let settled = SideSettled {
        id: entry.id,
        generation: entry.generation,
        wish: entry.wish.clone(),
        fate,
        journal,
        dead_letters: Vec::new(),
    };
    store.settle_side(run(5), at(5_000), vec![settled]).await.unwrap();
}

fn told(remote: &str) -> SideFate {
    SideFate::Told { remote: Some(remote.into()), modified_at: None }
}

async fn rows(store: &dyn Store) -> Vec<SideRow> {
    store.side_writes(SideOf::Place("hubspot".into(), Object::Contact), 100).await.unwrap()
}

pub(in crate::store) async fn what_the_crm_was_told_is_not_told_again(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada"), person("2", "Bo")])).await;
    assert_eq!(desire(&*store, vec![note("1", "a"), note("2", ""), note("9", "nobody's")]).await, 1);
    assert_eq!(desire(&*store, vec![note("1", "a")]).await, 0, "it is queued already");
    let leased = lease(&*store, 5_000).await;
    assert_eq!(leased.iter().map(|entry| entry.record.id.as_str()).collect::<Vec<_>>(), ["1"]);
    settle(&*store, &leased[0], told("n-1")).await;
    assert_eq!(desire(&*store, vec![note("1", "a")]).await, 0);
    assert!(lease(&*store, 5_100).await.is_empty());
    assert_eq!(desire(&*store, vec![note("1", "b")]).await, 1);
    assert_eq!(desire(&*store, vec![note("1", "a")]).await, 1, "back to what the CRM holds");
    assert!(lease(&*store, 5_200).await.is_empty());
    let (row, journal) = (&rows(&*store).await[0], store.run(&run(5).to_string()).await.unwrap());
    assert_eq!((row.state, row.remote.clone()), (SideState::Settled, Some(RecordId::from("n-1"))));
    assert!(journal.is_none(), "no run was saved, and its lines stand under the record");
    let profile = profile_of(&*store, "1").await.unwrap();
    let lines = store.journal(profile, Some("note:digest"), 10).await.unwrap();
    assert_eq!(lines.len(), 1);
    assert_eq!((&lines[0].to, &*lines[0].outcome), (&serde_json::json!("a"), "written"));
}

pub(in crate::store) async fn a_newer_wish_waits_behind_the_one_on_its_way(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada")])).await;
    desire(&*store, vec![note("1", "a")]).await;
    let first = lease(&*store, 5_000).await;
    assert_eq!(desire(&*store, vec![note("1", "b")]).await, 1);
    assert!(lease(&*store, 5_001).await.is_empty(), "one of a record and lane is on its way");
    settle(&*store, &first[0], told("n-1")).await;
    let second = lease(&*store, 5_002).await;
    assert_eq!(second[0].wish, note("1", "b").wish);
    assert_eq!(second[0].remote, Some("n-1".into()), "and it goes into the same note");
    assert!(second[0].key != first[0].key && second[0].generation > first[0].generation);
    settle(&*store, &first[0], told("n-2")).await;
    settle(&*store, &second[0], told("n-1")).await;
    assert!(lease(&*store, 5_003).await.is_empty());
}

pub(in crate::store) async fn what_was_on_its_way_in_a_crash_is_looked_at(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada")])).await;
    desire(&*store, vec![note("1", "a")]).await;
    let leased = lease(&*store, 5_000).await;
    drop(store);
    let store = engine.open();
    assert_eq!(store.recover(at(5_001)).await.unwrap(), 1);
    let again = lease(&*store, 5_002).await;
    assert_eq!((again[0].state, again[0].key), (OutboxState::Ambiguous, leased[0].key));
    settle(&*store, &again[0], SideFate::Anew).await;
    let anew = lease(&*store, 5_003).await;
    assert_eq!((anew[0].remote.clone(), anew[0].attempts), (None, 1));
    settle(&*store, &anew[0], SideFate::Refused).await;
    assert!(lease(&*store, 5_004).await.is_empty());
    assert_eq!(desire(&*store, vec![note("1", "a")]).await, 0, "a refused wish is not tried again by itself");
    assert_eq!(desire(&*store, vec![note("1", "b")]).await, 1);
}

pub(in crate::store) async fn calls_are_of_one_kind_and_of_records_that_are_there(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada"), person("2", "Bo"), person("3", "Cy")])).await;
    let member = |record: &str, list: &str, member| wish(record, SideWish::Member { list: list.into(), member });
    let desires = vec![
        note("1", "a"),
        member("1", "57", true),
        member("1", "58", true),
        member("2", "57", true),
        member("3", "57", false),
        note("3", "c"),
    ];
    assert_eq!(desire(&*store, desires).await, 5, "nobody leaves a list that Ferry did not put them on");
    apply(&*store, gone(&["3"])).await;
    let notes = lease(&*store, 5_000).await;
    assert_eq!(notes.len(), 1);
    let lists = lease(&*store, 5_001).await;
    let lanes: Vec<(&str, String)> =
        lists.iter().map(|entry| (entry.record.id.as_str(), entry.wish.lane().to_string())).collect();
    assert_eq!(lanes, [("1", "list:57".to_owned()), ("2", "list:57".to_owned())], "a record once in a call");
    assert_eq!(lease(&*store, 5_002).await.len(), 1);
    for entry in lists {
        settle(&*store, &entry, SideFate::Gone).await;
    }
    assert!(rows(&*store).await.iter().all(|row| row.record.id.as_str() == "3"), "a gone record has nothing left");
}

pub(in crate::store) async fn what_a_record_was_told_goes_on_with_its_survivor(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada"), person("2", "Bo")])).await;
    desire(&*store, vec![note("1", "a"), note("2", "b")]).await;
    for (entry, remote) in lease(&*store, 5_000).await.iter().zip(["n-1", "n-2"]) {
        settle(&*store, entry, told(remote)).await;
    }
    let mut survivor = person("1", "Ada");
    survivor.merged_ids = vec!["2".into()];
    apply(&*store, page(vec![survivor])).await;
    let left = rows(&*store).await;
    assert_eq!(left.len(), 1);
    assert_eq!((left[0].record.id.as_str(), left[0].remote.clone()), ("1", Some("n-1".into())));
    let profile = profile_of(&*store, "1").await.unwrap();
    assert_eq!(store.side_writes(SideOf::Profile(profile), 10).await.unwrap(), left);
}

pub(in crate::store) async fn a_task_is_told_once(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada")])).await;
    append(&*store, vec![track("m", &["email:p1@acme.example"], 10)]).await;
    let task = |subject: &str| {
        let (key, subject, body) = ("mql-1".into(), subject.into(), "call her".into());
        wish("1", SideWish::Task { key, subject, body, due_at: at(9_000), owner: None })
    };
    desire(&*store, vec![task("Call Ada")]).await;
    let leased = lease(&*store, 5_000).await;
    settle(&*store, &leased[0], told("t-1")).await;
    assert_eq!(desire(&*store, vec![task("Call Ada now")]).await, 0);
    let profile = profile_of(&*store, "1").await.unwrap();
    let lines = store.journal(profile, None, 10).await.unwrap();
    assert_eq!(lines[0].to, serde_json::json!("Call Ada"));
    assert_eq!(lines[0].from, serde_json::Value::Null);
}
