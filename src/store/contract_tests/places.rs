//! Places on lists: decided where fields are staged, found or given, and never Ferry's to take where they were found.

use std::collections::BTreeSet;
use std::sync::Arc;

use connector::{Object, RecordId};

use super::engine::Engine;
use super::kit::{apply, at, page, person, run};
use super::wishes::stage;
use crate::model::{Cause, Desire, JournalOutcome, SideEntry, SideWish};
use crate::store::{
    Lease, LostPlaces, PlaceWaiting, SideFate, SideLimit, SideOf, SideSettled, StageDecision, StageItem, StageWrites,
    Store,
};

/// Everybody on list 57, or nobody.
#[derive(Debug)]
struct On(bool);

impl StageWrites for On {
    fn decide(&self, item: &StageItem) -> StageDecision {
        let places = item.record.iter().map(|record| place(record.key.id.as_str(), self.0)).collect();
        StageDecision { places, ..StageDecision::default() }
    }
}

fn place(record: &str, member: bool) -> Desire {
    let cause = Cause { mapping: "segments.vips → list 57".into(), origin: "in segment vips".into() };
    Desire { record: record.into(), wish: SideWish::Member { list: "57".into(), member }, cause }
}

async fn marked(store: &dyn Store, on: bool) {
    store.mark_all(&"hubspot".into(), &Object::Contact).await.unwrap();
    stage(store, false, Arc::new(On(on))).await;
}

async fn lease(store: &dyn Store, second: i64, places: usize) -> Vec<SideEntry> {
    let lease = Lease { worker: "w".into(), run: run(5), now: at(second), until: at(second + 60) };
    store.lease_side(&"hubspot".into(), &Object::Contact, lease, SideLimit { places, others: 1 }).await.unwrap()
}

async fn settle(store: &dyn Store, entries: &[SideEntry], fate: &SideFate) {
    let settled = entries.iter().map(|entry| SideSettled {
        id: entry.id,
        generation: entry.generation,
        wish: entry.wish.clone(),
        fate: fate.clone(),
        journal: matches!(fate, SideFate::Told { .. }).then_some(JournalOutcome::Written),
        dead_letters: Vec::new(),
    });
    store.settle_side(run(5), at(5_000), settled.collect()).await.unwrap();
}

const TOLD: SideFate = SideFate::Told { remote: None, modified_at: None };

async fn told(store: &dyn Store) -> Vec<(String, Option<String>)> {
    let rows = store.side_writes(SideOf::Place("hubspot".into(), Object::Contact), 100).await.unwrap();
    rows.iter().map(|row| (row.record.id.to_string(), row.told.as_ref().map(ToString::to_string))).collect()
}

pub(in crate::store) async fn a_place_is_wished_for_where_fields_are_staged(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada"), person("2", "Bo"), person("3", "Cy")])).await;
    stage(&*store, false, Arc::new(On(false))).await;
    assert_eq!(told(&*store).await, [], "who never was there is not taken off");
    marked(&*store, true).await;
    let waiting = store.waiting_places(&"hubspot".into(), &Object::Contact).await.unwrap();
    let of = |record: &str| PlaceWaiting { record: record.into(), list: "57".into(), member: true };
    assert_eq!(waiting, [of("1"), of("2"), of("3")]);
    let first = lease(&*store, 5_000, 2).await;
    assert_eq!(first.len(), 2, "as many as a call takes of places");
    settle(&*store, &first, &TOLD).await;
    settle(&*store, &lease(&*store, 5_001, 2).await, &TOLD).await;
    marked(&*store, true).await;
    assert_eq!(lease(&*store, 5_002, 10).await, [], "told once");
    assert_eq!(store.waiting_places(&"hubspot".into(), &Object::Contact).await.unwrap(), []);
    store.mark_all(&"hubspot".into(), &Object::Contact).await.unwrap();
    let (items, _) = store.staged(&"hubspot".into(), &Object::Contact, false, 0, 10).await.unwrap();
    assert_eq!(items[0].lists, [("57".into(), true)]);
    marked(&*store, false).await;
    let off = lease(&*store, 5_003, 10).await;
    assert!(off.len() == 3 && off.iter().all(|entry| entry.wish.takes_back()));
    settle(&*store, &off, &TOLD).await;
    assert_eq!(told(&*store).await, []);
}

pub(in crate::store) async fn a_place_that_was_found_is_never_taken(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada"), person("2", "Bo")])).await;
    marked(&*store, true).await;
    let leased = lease(&*store, 5_000, 10).await;
    // One leaves while the call is under way.
    store.desire(&"hubspot".into(), &Object::Contact, at(5_001), vec![place("2", false)]).await.unwrap();
    settle(&*store, &leased, &SideFate::Found).await;
    let found = |record: &str| (record.to_owned(), Some("found".to_owned()));
    assert_eq!(told(&*store).await, [found("1"), found("2")]);
    assert_eq!(lease(&*store, 5_002, 10).await, []);
    marked(&*store, true).await;
    assert_eq!(lease(&*store, 5_003, 10).await, [], "it is as it should be");
    marked(&*store, false).await;
    assert_eq!(lease(&*store, 5_004, 10).await, [], "and stays");
}

pub(in crate::store) async fn a_place_that_was_lost_is_wished_for_again(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada"), person("2", "Bo"), person("3", "Cy")])).await;
    marked(&*store, true).await;
    settle(&*store, &lease(&*store, 5_000, 10).await, &TOLD).await;
    let present: Arc<BTreeSet<RecordId>> = Arc::new(["2".into()].into());
    let cause = Cause { mapping: "segments.vips → list 57".into(), origin: "drift".into() };
    let lost = |list: &str, before: i64| LostPlaces {
        list: list.into(),
        present: present.clone(),
        told_before: at(before),
        cause: cause.clone(),
    };
    let lose = async |lost| store.lost_places(&"hubspot".into(), &Object::Contact, at(9_000), lost).await.unwrap();
    assert_eq!(lose(lost("57", 5_000)).await, 0, "what was told just now may not show yet");
    assert_eq!(lose(lost("58", 8_000)).await, 0, "another list");
    assert_eq!(lose(lost("57", 8_000)).await, 2);
    assert_eq!(lose(lost("57", 8_000)).await, 0, "it is under way");
    let again = lease(&*store, 9_001, 10).await;
    let of: Vec<(&str, &str)> = again.iter().map(|entry| (entry.record.id.as_str(), &*entry.cause.origin)).collect();
    assert_eq!(of, [("1", "drift"), ("3", "drift")]);
}
