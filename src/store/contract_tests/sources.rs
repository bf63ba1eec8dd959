//! What sources have sent, and their silences.

use std::time::Duration;

use super::engine::Engine;
use super::kit::{Resolver, append, at, run, track};
use crate::store::{AppendEvents, SourceHealth};

pub(in crate::store) async fn what_a_source_has_sent_is_counted_for_ever(engine: &dyn Engine) {
    let store = engine.open();
    assert!(store.source_health().await.unwrap().is_empty());
    let mut nobody = track("m3", &[], 5);
    nobody.0.identifiers.clear();
    append(&*store, vec![track("m1", &["anonymous_id:a1"], 30), track("m2", &["anonymous_id:a1"], 20), nobody]).await;
    let mut elsewhere = track("m1", &["anonymous_id:a1"], 12);
    elsewhere.0.source = "app".into();
    append(&*store, vec![track("m1", &["anonymous_id:a1"], 30), elsewhere]).await;
    let mut batch =
        AppendEvents { run: run(2), now: at(9_000), events: vec![], dead_letters: vec![], rejected: vec![] };
    for code in ["missing_id", "missing_id", "unknown_type"] {
        batch.reject(&"web".into(), code);
    }
    let report = store.append_events(batch, std::sync::Arc::new(Resolver)).await.unwrap();
    assert_eq!(report.accepted, 0);
    drop(store);
    // Another process, later.
    let all = engine.open().source_health().await.unwrap();
    let web = SourceHealth {
        accepted: 3,
        duplicate: 1,
        unattributed: 1,
        rejected: [("missing_id".into(), 2), ("unknown_type".into(), 1)].into(),
        last_event_at: Some(at(30)),
        // Neither a copy nor a refused message is a new event.
        last_received_at: Some(at(2_000)),
        ..SourceHealth::default()
    };
    assert_eq!(all["web"], web);
    assert_eq!((all["app"].accepted, all.len()), (1, 2));
}

pub(in crate::store) async fn a_silence_is_told_once_and_ends_with_a_new_event(engine: &dyn Engine) {
    let store = engine.open();
    let limit = Duration::from_secs(60);
    let health = async || store.source_health().await.unwrap().remove("web").unwrap();
    store.watch_sources(vec!["web".into()], at(1_000)).await.unwrap();
    store.watch_sources(vec!["web".into()], at(1_500)).await.unwrap();
    assert_eq!(health().await.silent_for(limit, at(1_060)), None);
    assert_eq!(health().await.silent_for(limit, at(1_061)), Some(Duration::from_secs(61)));
    store.tell_silence(&"web".into(), at(1_061)).await.unwrap();
    assert_eq!(health().await.silence_told_at, Some(at(1_061)));
    // Received at 2,000.
    append(&*store, vec![track("m1", &["anonymous_id:a1"], 10)]).await;
    assert_eq!(health().await.silence_told_at, None);
    assert_eq!(health().await.silent_for(limit, at(2_060)), None);
    assert_eq!(health().await.silent_for(limit, at(2_061)), Some(Duration::from_secs(61)));
    store.tell_silence(&"web".into(), at(2_061)).await.unwrap();
    append(&*store, vec![track("m1", &["anonymous_id:a1"], 10)]).await;
    assert_eq!(health().await.silence_told_at, Some(at(2_061)), "a copy ends no silence");
}
