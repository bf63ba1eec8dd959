//! Retention deletes events; what a trait counts over a lifetime stays what it was.

use std::collections::BTreeMap;
use std::time::Duration;

use connector::Value;

use crate::world::{World, configured};

const DAY: Duration = Duration::from_secs(86_400);

const TRAITS: &str = r#"
[privacy]
retention = { events = "60d", anonymous_profiles = "60d" }

[traits.orders]
kind = "count"
event = "Order Completed"

[traits.spent]
kind = "sum"
event = "Order Completed"
property = "total"

[traits.shops]
kind = "unique_count"
event = "Order Completed"
property = "shop"

[traits.first_shop]
kind = "first"
event = "Order Completed"
property = "shop"

[traits.last_shop]
kind = "last"
event = "Order Completed"
property = "shop"

[traits.since_order]
kind = "days_since"
event = "Order Completed"

[traits.ever_asked]
kind = "exists"
event = "Form Submitted"

[traits.mails_clicked]
kind = "count"
event = "Email Link Clicked"

[traits.orders_30d]
kind = "count"
event = "Order Completed"
window = "30d"

[traits.pages_30d]
kind = "count"
event = "page"
window = "30d"
"#;

async fn say(world: &World, kind: &str, event: &str, properties: &str) {
    world.advance(Duration::from_secs(60));
    let at = connector::Clock::now(&*world.clock).to_rfc3339();
    let text = format!(
        r#"{{"type":"{kind}","event":"{event}","messageId":"{at}","timestamp":"{at}","userId":"u-1","properties":{properties}}}"#
    );
    world.message(&text).await.unwrap();
}

async fn values(world: &World) -> BTreeMap<String, Value> {
    world.compute().await;
    let computed = world.profile("user_id:u-1").await.profile.computed;
    computed.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}

#[tokio::test]
async fn numbers_of_a_lifetime_outlive_the_events_they_count() {
    let world = World::with(&configured(TRAITS, "", ""));
    for (shop, total) in [("wien", "10.50"), ("graz", "4"), ("wien", "0.25")] {
        say(&world, "track", "Order Completed", &format!(r#"{{"shop":"{shop}","total":{total}}}"#)).await;
        say(&world, "page", "", "{}").await;
    }
    say(&world, "track", "Form Submitted", "{}").await;
    say(&world, "track", "Email Link Clicked", r#"{"link_id":"1","email_id":"e-1"}"#).await;
    // A scanner follows three links at once; that they were its own is told by the mail around them.
    world.advance(Duration::from_secs(3_600));
    let at = connector::Clock::now(&*world.clock);
    let delivered = |event: &str, n: u64, more: &str| {
        let at = at.saturating_add(Duration::from_secs(n)).to_rfc3339();
        format!(
            r#"{{"type":"track","event":"{event}","messageId":"s-{n}","timestamp":"{at}","userId":"u-1","properties":{{"email_id":"e-2"{more}}}}}"#
        )
    };
    world.advance(Duration::from_secs(60));
    world.message(&delivered("Email Delivered", 0, "")).await.unwrap();
    for n in 1..4 {
        world.message(&delivered("Email Link Clicked", n, &format!(r#","link_id":"{n}""#))).await.unwrap();
    }
    let before = values(&world).await;
    let count = |values: &BTreeMap<String, Value>, name: &str| values[name].clone();
    assert_eq!(
        (count(&before, "orders"), count(&before, "spent")),
        (3.into(), Value::Number("14.75".parse().unwrap()))
    );
    assert_eq!((count(&before, "mails_clicked"), count(&before, "pages_30d")), (1.into(), 3.into()));

    world.advance(100 * DAY);
    let gone = world.app.retain().await.unwrap();
    assert_eq!(gone.events, 12, "{gone:?}");
    assert_eq!(world.profile("user_id:u-1").await.events, 0);
    let stored = world.profile("user_id:u-1").await.profile.computed;
    assert_eq!(stored["orders"], 3.into(), "retention itself changes no value");
    // Something happens, and everything is computed from what is left.
    say(&world, "page", "", "{}").await;
    let mut wanted = before.clone();
    wanted.insert("orders_30d".into(), 0.into());
    wanted.insert("pages_30d".into(), 1.into());
    wanted.insert("since_order".into(), 100.into());
    assert_eq!(values(&world).await, wanted);
    say(&world, "track", "Order Completed", r#"{"shop":"linz","total":1}"#).await;
    world.advance(100 * DAY);
    world.app.retain().await.unwrap();
    say(&world, "page", "", "{}").await;
    let after = values(&world).await;
    let number = |text: &str| Value::Number(text.parse().unwrap());
    for (name, want) in [
        ("orders", 4.into()),
        ("spent", number("15.75")),
        ("shops", 3.into()),
        ("first_shop", "wien".into()),
        ("last_shop", "linz".into()),
        ("since_order", 100.into()),
        ("ever_asked", true.into()),
        ("mails_clicked", 1.into()),
        ("orders_30d", 0.into()),
    ] {
        assert_eq!(after[name], want, "{name}");
    }
    assert_eq!(world.app.retain().await.unwrap().total(), 0, "what lasts is not looked at as work for ever");
}

#[tokio::test]
async fn what_retention_has_deleted_is_not_counted_again() {
    let world = World::with(&configured(TRAITS, "", ""));
    let at = connector::Clock::now(&*world.clock).to_rfc3339();
    let order = |id: &str, total: u32| {
        format!(
            r#"{{"type":"track","event":"Order Completed","messageId":"{id}","timestamp":"{at}","userId":"u-1","properties":{{"total":{total}}}}}"#
        )
    };
    world.message(&order("o-1", 5)).await.unwrap();
    world.message(&order("o-2", 7)).await.unwrap();
    values(&world).await;
    world.advance(100 * DAY);
    assert_eq!(world.app.retain().await.unwrap().events, 2);
    for _ in 0..2 {
        world.message(&order("o-1", 5)).await.unwrap();
        world.message(&order("o-2", 7)).await.unwrap();
        assert_eq!(world.profile("user_id:u-1").await.events, 0, "received once for good");
        world.app.retain().await.unwrap();
    }
    // One that was not there before counts, however old it is.
    world.message(&order("o-3", 9)).await.unwrap();
    let now = values(&world).await;
    assert_eq!((&now["orders"], &now["spent"]), (&3.into(), &Value::Number("21".parse().unwrap())));
}
