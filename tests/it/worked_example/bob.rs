//! Bob: logs in on Ada's laptop.

use serde_json::json;

use super::ada;
use super::stage::{Stage, keys, page};

const ADA: &str = "email:ada@northwind.example";
const BOB: &str = "email:bob@northwind.example";

/// Ada up to her second device, then Bob's login on her first.
async fn bob_logs_in() -> Stage {
    let stage = Stage::set("2026-03-02T08:00:00Z", &[]).await;
    ada::visits(&stage).await;
    ada::becomes_known(&stage).await;
    ada::second_device(&stage).await;
    let login = json!({
        "type": "identify", "userId": "u-bob", "anonymousId": "a-1",
        "traits": { "email": "bob@northwind.example", "company": { "employees": 200 }, "country": "DE" },
    });
    stage.web("2026-03-16T09:00:00Z", login).await;
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_the_laptop_is_detached_and_ada_keeps_her_events() {
    let stage = bob_logs_in().await;
    let (p1, p3, p4) = (stage.who(ADA).await, stage.who("anonymous_id:a-1").await, stage.who("user_id:u-bob").await);
    assert!(p1 != p3 && p3 != p4 && p1 != p4, "three profiles");
    assert_eq!(stage.ids(ADA).await, keys(&["user_id:u-ada", ADA, "anonymous_id:a-2"]));
    assert_eq!(stage.ids("user_id:u-bob").await, keys(&["user_id:u-bob", BOB]));
    assert_eq!(stage.ids("anonymous_id:a-1").await, keys(&["anonymous_id:a-1"]));
    assert!(!stage.is_known("anonymous_id:a-1").await);
    assert_eq!(stage.conflicts(), ["a-1 detached"]);
    assert_eq!(stage.company(BOB).await, "domain:northwind.example");
    assert_eq!(stage.company(ADA).await, stage.company(BOB).await);
    let hers = [
        "page 2026-03-02T09:00:00Z",
        "page 2026-03-02T09:10:00Z",
        "page 2026-03-02T09:45:00Z",
        "Form Submitted 2026-03-04T08:00:00Z",
        "identify 2026-03-04T08:00:01Z",
        "Home 2026-03-15T18:00:00Z",
        "identify 2026-03-15T18:05:00Z",
    ];
    assert_eq!(stage.story(ADA).await, hers);
    assert_eq!(stage.story(BOB).await, ["identify 2026-03-16T09:00:00Z"]);
    stage.compute("2026-03-16T09:05:00Z").await;
    stage.assert_values(ADA, &[("visits_30d", 3.into()), ("page_views_30d", 4.into())]).await;
    let his = [
        ("visits_30d", 0.into()),
        ("page_views_30d", 0.into()),
        ("country", "DE".into()),
        ("company.employees", 200.into()),
        ("email_is_business", true.into()),
    ];
    stage.assert_values(BOB, &his).await;
    // What colleagues come to together is each one's, and is so within one computation.
    for key in [ADA, BOB] {
        stage.assert_values(key, &[("company.visits_30d", 3.into()), ("company.open_pipeline", 0.into())]).await;
    }
    stage.assert_as_the_log_says().await;
    stage.web("2026-03-16T09:30:00Z", page("a-2", "/pricing")).await;
    stage.compute("2026-03-16T09:40:00Z").await;
    stage.assert_values(BOB, &[("visits_30d", 0.into()), ("company.visits_30d", 4.into())]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b2_and_b3_the_device_alone_is_nobody_and_beside_bob_it_is_bob() {
    let stage = bob_logs_in().await;
    let (p1, p3, p4) = (stage.who(ADA).await, stage.who("anonymous_id:a-1").await, stage.who(BOB).await);
    stage.web("2026-03-16T09:30:00Z", page("a-1", "/pricing")).await;
    let mut his = page("a-1", "/pricing");
    his["userId"] = "u-bob".into();
    stage.web("2026-03-16T09:31:00Z", his).await;
    stage.compute("2026-03-16T09:32:00Z").await;
    assert_eq!(stage.story("anonymous_id:a-1").await, ["page 2026-03-16T09:30:00Z"]);
    assert_eq!(stage.story(BOB).await, ["identify 2026-03-16T09:00:00Z", "page 2026-03-16T09:31:00Z"]);
    assert_eq!(stage.events(ADA).await.len(), 7);
    let now = (stage.who(ADA).await, stage.who("anonymous_id:a-1").await, stage.who(BOB).await);
    assert_eq!(now, (p1, p3, p4), "the shared profile joins nobody");
    assert_eq!(stage.ids(BOB).await, keys(&["user_id:u-bob", BOB]));
    stage.assert_values(BOB, &[("visits_30d", 1.into()), ("page_views_30d", 1.into())]).await;
    stage.assert_values(ADA, &[("visits_30d", 3.into()), ("page_views_30d", 4.into())]).await;
    // On a shared device each has sessions of their own.
    assert_eq!(stage.sessions(BOB).await, ["2026-03-16T09:31:00Z 0 s 1 views"]);
    assert_eq!(stage.sessions("anonymous_id:a-1").await, ["2026-03-16T09:30:00Z 0 s 1 views"]);
}
