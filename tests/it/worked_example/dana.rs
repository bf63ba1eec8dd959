//! Dana: a shop, a cart, an order; a private address names no company.

use connector::Value;
use rust_decimal::Decimal;
use serde_json::json;

use super::stage::{Stage, keys, track};
use crate::harbour::at;

const DANA: &str = "email:dana@gmail.com";

async fn until_known(stage: &Stage) {
    stage.web("2026-03-01T20:00:00Z", track("a-9", "Product Viewed", json!({ "name": "Lamp", "price": 59.5 }))).await;
    let added = json!({ "name": "Lamp", "price": 59.5, "quantity": 2, "currency": "EUR", "cart_id": "k1" });
    stage.web("2026-03-01T20:01:00Z", track("a-9", "Product Added", added)).await;
    let traits = json!({ "email": "dana@gmail.com", "country": "AT" });
    stage.web("2026-03-01T20:02:00Z", json!({ "type": "identify", "anonymousId": "a-9", "traits": traits })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_a_shopper_becomes_known_and_works_nowhere() {
    let stage = Stage::set("2026-03-01T19:00:00Z", &[]).await;
    until_known(&stage).await;
    stage.compute("2026-03-02T20:02:00Z").await;
    assert_eq!(stage.figures(DANA).await, "25.00 5.71 13.43 13 C4");
    stage.one(&[DANA, "anonymous_id:a-9"]).await;
    assert_eq!(stage.ids(DANA).await, keys(&[DANA, "anonymous_id:a-9"]));
    assert_eq!(stage.company(DANA).await, "", "free mail");
    let story =
        ["Product Viewed 2026-03-01T20:00:00Z", "Product Added 2026-03-01T20:01:00Z", "identify 2026-03-01T20:02:00Z"];
    assert_eq!(stage.story(DANA).await, story);
    // A session without a view is no visit.
    assert_eq!(stage.sessions(DANA).await, ["2026-03-01T20:00:00Z 60 s 0 views"]);
    let want = [
        ("email_is_business", false.into()),
        ("country", "AT".into()),
        ("visits_30d", 0.into()),
        ("first_touch_source", "direct".into()),
    ];
    stage.assert_values(DANA, &want).await;
}

/// An amount as it is stored: without trailing zeros.
fn euro(text: &str) -> Value {
    Value::Number(text.parse::<Decimal>().unwrap().normalize())
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_her_cart_is_abandoned_by_itself() {
    let stage = Stage::set("2026-03-01T19:00:00Z", &[]).await;
    until_known(&stage).await;
    stage.compute("2026-03-01T20:30:00Z").await;
    stage.assert_values(DANA, &[("cart_abandoned", false.into()), ("cart_value", euro("119.00"))]).await;
    // Nothing comes in; the hour alone makes it so.
    stage.compute("2026-03-01T21:01:00Z").await;
    let want = [
        ("cart_abandoned", true.into()),
        ("cart_value", euro("119.00")),
        ("top_product_30d", "Lamp".into()),
        ("lifecycle", "lead".into()),
        ("orders_count", 0.into()),
        ("aov", Value::Null),
    ];
    stage.assert_values(DANA, &want).await;
    stage.assert_as_the_log_says().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_increments_got_wrong_is_found() {
    let stage = Stage::set("2026-03-01T19:00:00Z", &[]).await;
    until_known(&stage).await;
    stage.compute("2026-03-01T21:01:00Z").await;
    let database = rusqlite::Connection::open(&stage.app().settings.store_path).unwrap();
    database.execute_batch("UPDATE fact SET packed = x''; UPDATE recent_fact SET packed = x''").unwrap();
    // Nothing marks her, so what is stored is still right; what scores are made of is not.
    let checked = stage.app().check_computed(stage.now()).await.unwrap();
    assert!(checked.differences.iter().all(|one| one.name.starts_with("score")), "{:#?}", checked.differences);
    database.execute("INSERT INTO stale (profile) SELECT id FROM profile", []).unwrap();
    stage.compute("2026-03-01T21:02:00Z").await;
    let checked = stage.app().check_computed(stage.now()).await.unwrap();
    let cart = checked.differences.iter().find(|one| &*one.name == "cart_value").unwrap();
    assert_eq!((&cart.kept, &cart.scanned), (&0.into(), &euro("119")));
    assert_eq!(usize::try_from(checked.different).unwrap(), checked.differences.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn d2_and_d3_an_order_and_a_refund_by_address_are_hers() {
    let stage = Stage::set("2026-03-01T19:00:00Z", &[]).await;
    until_known(&stage).await;
    let p6 = stage.who(DANA).await;
    let person = json!({ "traits": { "email": "Dana@Gmail.com" } });
    for (instant, event, properties) in [
        ("2026-03-03T10:00:00Z", "Order Completed", json!({ "order_id": "o-1", "revenue": 100.0, "currency": "USD" })),
        ("2026-03-05T10:00:00Z", "Order Refunded", json!({ "order_id": "o-1", "total": 40.0, "currency": "USD" })),
    ] {
        let order =
            json!({ "type": "track", "event": event, "userId": "u-dana", "properties": properties, "context": person });
        stage.backend(instant, order).await;
        stage.compute(instant).await;
        let (ltv, aov) = if event == "Order Completed" { ("90.00", "90.00") } else { ("54.00", "54.00") };
        let want = [
            ("cart_abandoned", false.into()),
            ("cart_value", 0.into()),
            ("orders_count", 1.into()),
            ("order_revenue", euro(ltv)),
            ("ltv", euro(ltv)),
            ("ltv_incomplete", false.into()),
            ("aov", euro(aov)),
            ("lifecycle", "customer".into()),
            ("last_order_at", Value::Instant(at("2026-03-03T10:00:00Z"))),
        ];
        stage.assert_values("user_id:u-dana", &want).await;
        stage.assert_as_the_log_says().await;
    }
    assert_eq!(stage.one(&["user_id:u-dana", DANA, "anonymous_id:a-9"]).await, p6);
    assert_eq!(stage.events(DANA).await.len(), 5);
    assert_eq!(stage.sessions(DANA).await.len(), 1, "a server opens no session");
}
