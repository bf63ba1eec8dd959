//! Sources of events: times that cannot be, copies after a restart, silences (`reliability` §B.3).

use std::time::Duration;

use connector::{Timestamp, Value};
use ferry::enrich::{EventMark, tell};
use ferry::model::EventRow;

use crate::world::{World, configured, mapped, start};

const EMAIL: &str = r#"city = "city""#;

fn page(id: &str, timestamp: &str) -> String {
    format!(r#"{{"type":"page","messageId":"{id}","anonymousId":"a-1","timestamp":"{timestamp}"}}"#)
}

async fn events(world: &World) -> Vec<EventRow> {
    let store = &world.app.store;
    let profile = store.find_profile("anonymous_id:a-1").await.unwrap().unwrap();
    store.events_of(profile, 100).await.unwrap()
}

#[tokio::test]
async fn scenario_26_far_times_are_kept_clamped_or_refused_and_told() {
    let world = World::with(&configured("preset = \"b2b\"", "", EMAIL));
    let cases = [
        ("1971-01-01T00:00:00Z", Ok("1971-01-01T00:00:00Z")),
        ("2026-11-02T08:59:00Z", Ok("2026-11-02T08:59:00Z")),
        // Nothing is later than when it came.
        ("2026-11-02T09:00:00.000001Z", Ok("2026-11-02T09:00:00Z")),
        ("2999-01-01T00:00:00Z", Ok("2026-11-02T09:00:00Z")),
        ("1969-12-31T23:59:59Z", Err("invalid_timestamp")),
        ("0001-01-01T00:00:00Z", Err("invalid_timestamp")),
        ("99999-01-01T00:00:00Z", Err("invalid_timestamp")),
        ("2026", Err("invalid_timestamp")),
    ];
    for (place, (sent, want)) in cases.into_iter().enumerate() {
        let id = format!("m-{place}");
        let taken = world.message(&page(&id, sent)).await;
        let Ok(want) = want else {
            assert_eq!(taken, Err("invalid_timestamp".to_owned()), "{sent}");
            continue;
        };
        let row = events(&world).await.into_iter().find(|row| *row.event.message_id == *id).unwrap();
        let at = |text: &str| Timestamp::parse_rfc3339(text).unwrap();
        // What the sender said is kept beside what counts.
        let kept = (row.event.at, row.event.original_at, row.event.received_at);
        assert_eq!(kept, (at(want), Some(at(sent)), start()), "{sent}");
        let marks = tell(std::slice::from_ref(&row)).events[&row.row].marks.clone();
        assert_eq!(marks.contains(&EventMark::TimeCorrected), sent.starts_with("2999"), "{sent}");
    }
    // A score looks only at what can have happened.
    world.compute().await;
    let profile = world.profile("anonymous_id:a-1").await.profile;
    assert_eq!(profile.value("page_views_30d"), &Value::from(3));
    assert_eq!(profile.value("last_seen_at"), &Value::Instant(start()));
}

#[tokio::test]
async fn scenario_28_a_copy_after_a_restart_is_known() {
    let mut world = World::with(&mapped(EMAIL));
    world.message(&page("m-1", "2026-11-02T08:00:00Z")).await.unwrap();
    world.restart().await;
    world.message(&page("m-1", "2026-11-02T08:00:00Z")).await.unwrap();
    world.message(&page("m-1", "2026-11-02T08:30:00Z")).await.unwrap();
    assert_eq!(events(&world).await.len(), 1);
    let health = world.app.store.source_health().await.unwrap().remove("file").unwrap();
    assert_eq!((health.accepted, health.duplicate), (1, 2));
    assert_eq!(health.last_event_at, Some(Timestamp::parse_rfc3339("2026-11-02T08:00:00Z").unwrap()));
}

#[tokio::test]
async fn a_silent_source_is_told_once_a_silence() {
    let source = "[[source]]\nname = \"file\"\ntype = \"jsonl\"\nno_events = \"2h\"\n";
    let mut world = World::with(&format!("{}\n{source}", mapped(EMAIL)));
    world.message(&page("m-1", "2026-11-02T08:00:00Z")).await.unwrap();
    world.advance(Duration::from_secs(7_200));
    assert!(world.app.tell_silences().await.unwrap().is_empty());
    world.advance(Duration::from_secs(60));
    assert_eq!(world.app.tell_silences().await.unwrap(), ["file".into()]);
    assert!(world.app.tell_silences().await.unwrap().is_empty());
    world.restart().await;
    assert!(world.app.tell_silences().await.unwrap().is_empty(), "nor after a restart");
    world.message(&page("m-2", "2026-11-02T08:00:00Z")).await.unwrap();
    assert!(world.app.tell_silences().await.unwrap().is_empty());
    world.advance(Duration::from_secs(7_260));
    assert_eq!(world.app.tell_silences().await.unwrap(), ["file".into()]);
}
