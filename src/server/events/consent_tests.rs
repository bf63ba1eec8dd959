//! What browsers say of privacy, over real HTTP: Global Privacy Control, and addresses that are not kept.

use serde_json::json;

use super::tests::{Setup, start};
use crate::model::{Purpose, SuppressionKey};

#[tokio::test]
async fn a_browsers_wish_denies_ads_for_its_person_and_its_absence_says_nothing() {
    let daemon = start(Setup::default()).await;
    let page =
        |id: &str, who: &str| json!({ "messageId": id, "anonymousId": who, "context": { "ip": "203.0.113.77" } });
    for (id, gpc) in [("m-1", "1"), ("m-2", "1")] {
        let sent = daemon.post("/v1/page").header("Sec-GPC", gpc).json(&page(id, "a-1")).send().await.unwrap();
        assert_eq!(sent.status(), 200);
    }
    daemon.post("/v1/page").header("Sec-GPC", "0").json(&page("m-3", "a-2")).send().await.unwrap();
    daemon.post("/v1/page").json(&page("m-4", "a-1")).send().await.unwrap();
    let of = async |key: &str| {
        let id = daemon.store.find_profile(key).await.unwrap().unwrap();
        (daemon.store.consents(id).await.unwrap(), daemon.store.events_of(id, 10).await.unwrap())
    };
    let (wished, events) = of("anonymous_id:a-1").await;
    assert_eq!((wished.shown(Purpose::Ads), wished.decisions.len()), ("denied", 1), "said twice, kept once");
    assert!(wished.allows(Purpose::Analytics) && wished.allows(Purpose::Sales));
    assert!(events.iter().all(|row| row.event.body.contains("203.0.113.0") && !row.event.body.contains(".77")));
    assert_eq!(of("anonymous_id:a-2").await.0.shown(Purpose::Ads), "unknown");
}

#[tokio::test]
async fn an_event_of_somebody_suppressed_is_answered_and_dropped() {
    let daemon = start(Setup::default()).await;
    let named = crate::model::Identifier::parse_key("user_id:u-fai");
    daemon.store.suppress("user_id:u-fai", named, daemon.clock()).await.unwrap();
    let sent = daemon.post("/v1/page").json(&json!({ "messageId": "m-1", "userId": "u-fai" })).send().await.unwrap();
    assert_eq!(sent.status(), 200);
    assert_eq!((daemon.events().await, daemon.health().await.suppressed), (0, 1));
    // The store's own key goes on working beside a configured one; a list made with a lost key stops everything.
    let privacy = |key: &[u8]| crate::model::Privacy { key: Some(SuppressionKey::new(key)), ..Default::default() };
    daemon.store.set_privacy(privacy(b"first"));
    let other = crate::model::Identifier::parse_key("user_id:u-two");
    daemon.store.suppress("user_id:u-two", other, daemon.clock()).await.unwrap();
    for (id, who) in [("m-2", "u-fai"), ("m-3", "u-two")] {
        daemon.post("/v1/page").json(&json!({ "messageId": id, "userId": who })).send().await.unwrap();
    }
    assert_eq!((daemon.events().await, daemon.health().await.suppressed), (0, 3));
    daemon.store.set_privacy(privacy(b"second"));
    let sent = daemon.post("/v1/page").json(&json!({ "messageId": "m-4", "userId": "u-x" })).send().await.unwrap();
    assert_eq!(
        (sent.status().as_u16(), daemon.events().await),
        (503, 0),
        "nothing is taken in that cannot be asked about"
    );
}
