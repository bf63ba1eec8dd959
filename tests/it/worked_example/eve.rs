//! Eve: two profiles joined by a loyalty card.

use connector::Value;
use serde_json::json;

use super::stage::{Stage, keys};
use crate::harbour::at;

const WORK: &str = "email:eve@work.example";
const PRIVATE: &str = "email:eve.private@gmx.de";

/// E1 and E2: a till and a website know her, each under other names.
async fn two_profiles() -> Stage {
    let stage = Stage::set("2026-01-10T11:00:00Z", &[]).await;
    let at_the_till = json!({
        "email": "eve@work.example", "loyalty_id": "LOY-1", "firstName": "Eve", "city": "Wien", "country": "AT",
    });
    stage.till("2026-01-10T12:00:00Z", json!({ "type": "identify", "traits": at_the_till })).await;
    let online = json!({ "email": "eve.private@gmx.de", "firstName": "Eva", "city": "Graz" });
    stage.backend("2026-02-10T12:00:00Z", json!({ "type": "identify", "userId": "u-eve", "traits": online })).await;
    stage
}

/// E3: an order that names the card and the user.
async fn order(stage: &Stage) {
    let order = json!({
        "type": "track", "event": "Order Completed", "userId": "u-eve",
        "properties": { "order_id": "o-9", "loyalty_id": "LOY-1", "revenue": 10.0, "currency": "EUR" },
    });
    stage.backend("2026-03-01T12:00:00Z", order).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e1_and_e2_two_addresses_are_two_people() {
    let stage = two_profiles().await;
    assert_ne!(stage.who(WORK).await, stage.who(PRIVATE).await);
    assert_eq!(stage.ids("loyalty_id:LOY-1").await, keys(&[WORK, "loyalty_id:LOY-1"]));
    assert_eq!(stage.ids("user_id:u-eve").await, keys(&[PRIVATE, "user_id:u-eve"]));
    stage.assert_values(WORK, &[("first_name", "Eve".into()), ("city", "Wien".into()), ("country", "AT".into())]).await;
    stage.assert_values(PRIVATE, &[("first_name", "Eva".into()), ("city", "Graz".into())]).await;
    assert_eq!(stage.company(WORK).await, "domain:work.example");
    assert_eq!(stage.company(PRIVATE).await, "", "free mail");
}

#[tokio::test(flavor = "multi_thread")]
async fn e3_the_card_makes_them_one_and_the_older_survives() {
    let stage = two_profiles().await;
    let (p7, p8) = (stage.who(WORK).await, stage.who(PRIVATE).await);
    order(&stage).await;
    stage.compute("2026-03-01T12:05:00Z").await;
    assert_eq!(stage.one(&[WORK, PRIVATE, "loyalty_id:LOY-1", "user_id:u-eve"]).await, p7);
    assert_eq!(stage.who(&p8.to_string()).await, p7, "p8's id leads to her for ever");
    assert_eq!(stage.ids(WORK).await, keys(&[WORK, PRIVATE, "loyalty_id:LOY-1", "user_id:u-eve"]));
    let want = [
        ("first_name", "Eva".into()),
        ("city", "Graz".into()),
        ("country", "AT".into()),
        // By the address at work; a newer private one does not take it away.
        ("email_is_business", true.into()),
        // Both halves of her count, and neither twice.
        ("orders_count", 1.into()),
        ("ltv", 10.into()),
        ("lifecycle", "customer".into()),
        ("first_seen_at", Value::Instant(at("2026-01-10T12:00:00Z"))),
    ];
    stage.assert_values(WORK, &want).await;
    stage.assert_as_the_log_says().await;
    assert_eq!(stage.company(WORK).await, "domain:work.example");
    let story =
        ["identify 2026-01-10T12:00:00Z", "identify 2026-02-10T12:00:00Z", "Order Completed 2026-03-01T12:00:00Z"];
    assert_eq!(stage.story(WORK).await, story);
    assert_eq!(stage.questions(), Vec::<String>::new());
    assert_eq!(stage.conflicts(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn e4_a_late_word_fills_what_is_empty_and_changes_nothing_else() {
    let stage = two_profiles().await;
    order(&stage).await;
    let late = json!({
        "type": "identify", "userId": "u-eve", "timestamp": "2026-01-20T12:00:00Z",
        "traits": { "firstName": "Evelyn", "language": "de" },
    });
    stage.backend("2026-03-02T12:00:00Z", late).await;
    stage.compute("2026-03-02T12:05:00Z").await;
    let want =
        [("first_name", "Eva".into()), ("language", "de".into()), ("city", "Graz".into()), ("country", "AT".into())];
    stage.assert_values(WORK, &want).await;
    assert_eq!(stage.story(WORK).await[1], "identify 2026-01-20T12:00:00Z", "it stands where it happened");
}
