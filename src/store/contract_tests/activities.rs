//! Activities: kept with whom they are about, told once, following their people, gone with them.

use connector::{ActivityDirection, ActivityFacts, ActivityKind, Link, Object, Record, Stream, Timestamp, Tombstone};

use super::Engine;
use super::kit::{apply, at, page, page_of, person, profile_of};
use crate::model::{Erasing, ErasureStep, Outlived, ProfileId, RetentionPlace};
use crate::store::{IncomingPage, Store, StreamKey, TimelineItem};

fn key(stream: fn(Object) -> Stream) -> StreamKey {
    StreamKey { connection: "hubspot".into(), stream: stream(Object::Activity) }
}

fn call(id: &str, about: &[&str], second: i64) -> Record {
    let mut record = Record::new(id, connector::Fields::new());
    record.modified_at = Some(at(second + 1));
    record.created_at = Some(at(second + 1));
    let link = |id: &&str| Link { object: Object::Contact, id: (**id).into() };
    record.links = Some(about.iter().map(link).collect());
    record.activity = Some(ActivityFacts {
        kind: ActivityKind::Call,
        direction: Some(ActivityDirection::Out),
        subject: Some(format!("About {id}").into()),
        at: Some(at(second)),
        done: true,
        owner: Some("u7".into()),
        ours: false,
    });
    record
}

fn told(calls: Vec<Record>) -> IncomingPage {
    page_of(key(Stream::Records), calls)
}

async fn shown(store: &dyn Store, contact: &str) -> Vec<TimelineItem> {
    let Some(profile) = profile_of(store, contact).await else { return Vec::new() };
    of(store, profile).await
}

async fn of(store: &dyn Store, profile: ProfileId) -> Vec<TimelineItem> {
    let items = store.timeline(profile, 100).await.unwrap();
    items.into_iter().filter(|item| &*item.kind == "crm").collect()
}

fn titles(items: &[TimelineItem]) -> Vec<&str> {
    items.iter().map(|item| &*item.title).collect()
}

pub(in crate::store) async fn an_activity_is_told_once_of_each_person(engine: &dyn Engine) {
    let opened = engine.open();
    let store = opened.as_ref();
    apply(store, page(vec![person("1", "Ada"), person("2", "Bob")])).await;
    let first =
        apply(store, told(vec![call("a", &["1", "2"], 300), call("b", &["1"], 200), call("c", &[], 100)])).await;
    assert_eq!((first.counts.created, first.counts.skipped), (2, 1), "what is about nobody is not kept");
    assert!(first.profiles_marked > 0);
    let again = apply(store, told(vec![call("a", &["1", "2"], 300), call("b", &["1"], 200)])).await;
    assert_eq!((again.counts.unchanged, again.profiles_marked), (2, 0));
    assert_eq!(titles(&shown(store, "1").await), ["Call: About a", "Call: About b"], "newest first");
    let bobs = shown(store, "2").await;
    assert_eq!(titles(&bobs), ["Call: About a"]);
    assert_eq!((bobs[0].direction.as_deref(), &*bobs[0].source), (Some("out"), "hubspot activity a"));
    // Edited, it is the same one.
    let mut edited = call("a", &["1"], 300);
    edited.activity.as_mut().unwrap().subject = Some("Something else".into());
    assert_eq!(apply(store, told(vec![edited])).await.counts.updated, 1);
    assert_eq!(titles(&shown(store, "1").await), ["Call: Something else", "Call: About b"]);
    assert_eq!(titles(&shown(store, "2").await), [""; 0], "it is no longer about Bob");
}

pub(in crate::store) async fn an_activity_ends_with_its_record(engine: &dyn Engine) {
    let opened = engine.open();
    let store = opened.as_ref();
    apply(store, page(vec![person("1", "Ada")])).await;
    let mut ours = call("b", &["1"], 200);
    ours.activity.as_mut().unwrap().ours = true;
    apply(store, told(vec![call("a", &["1"], 300), ours])).await;
    assert_eq!(titles(&shown(store, "1").await), ["Call: About a"], "what Ferry wrote is no news");
    let tombstones = vec![Tombstone { id: "a".into(), deleted_at: Some(at(500)), merged_into: None }];
    let gone = apply(store, IncomingPage { tombstones, ..page_of(key(Stream::Deletions), Vec::new()) }).await;
    assert_eq!(gone.counts.deleted, 1);
    assert_eq!(titles(&shown(store, "1").await), [""; 0]);
}

pub(in crate::store) async fn activities_follow_people_who_become_one(engine: &dyn Engine) {
    let opened = engine.open();
    let store = opened.as_ref();
    apply(store, page(vec![person("1", "Ada"), person("2", "Ada")])).await;
    apply(store, told(vec![call("a", &["1"], 300), call("b", &["2"], 200)])).await;
    let mut survivor = person("1", "Ada");
    survivor.merged_ids = vec!["2".into()];
    survivor.modified_at = Some(at(600));
    apply(store, page(vec![survivor])).await;
    assert_eq!(titles(&shown(store, "1").await), ["Call: About a", "Call: About b"]);
}

pub(in crate::store) async fn erasure_takes_activities_along(engine: &dyn Engine) {
    let opened = engine.open();
    let store = opened.as_ref();
    apply(store, page(vec![person("1", "Ada"), person("2", "Bob")])).await;
    apply(store, told(vec![call("a", &["1", "2"], 300), call("b", &["1"], 200)])).await;
    let erasing = Erasing { key: "crm:hubspot:contact:1".into(), named: None, clear: Vec::new(), delete: Vec::new() };
    let id = store.begin_erasure(erasing, at(2_000)).await.unwrap();
    while !matches!(store.erase_step(id, at(2_000), 10).await.unwrap(), ErasureStep::Finished { .. }) {}
    assert_eq!(titles(&shown(store, "2").await), ["Call"], "it was about Bob, too: without words that may name Ada");
    // The CRM still tells of them.
    let again = apply(store, told(vec![call("b", &["1"], 200)])).await;
    assert_eq!((again.counts.skipped, again.counts.created), (1, 0));
    assert_eq!(profile_of(store, "1").await, None);
}

pub(in crate::store) async fn old_activities_go(engine: &dyn Engine) {
    let opened = engine.open();
    let store = opened.as_ref();
    apply(store, page(vec![person("1", "Ada")])).await;
    apply(store, told(vec![call("a", &["1"], 3_000), call("b", &["1"], 200), call("c", &["1"], 100)])).await;
    let outlived =
        Outlived { events: at(1_000), anonymous: Timestamp::EPOCH, bodies: None, lasting: Default::default() };
    let (mut place, mut gone) = (Some(RetentionPlace::default()), 0);
    while let Some(here) = place {
        let (some, next) = store.retain(outlived.clone(), here, 1).await.unwrap();
        gone += some.activities;
        place = next;
    }
    assert_eq!(gone, 2);
    assert_eq!(titles(&shown(store, "1").await), ["Call: About a"]);
}
