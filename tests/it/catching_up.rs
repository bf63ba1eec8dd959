//! What was computed as of another instant, or written under another mapping, is brought up to date.

use connector::{Object, Timestamp, Value};
use ferry::app::Computing;

use crate::world::{World, configured, mapped, start};

#[tokio::test]
async fn a_computation_as_of_another_instant_does_not_outlive_the_next_one() {
    let world = World::new();
    let ada = world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    let view = format!(
        r#"{{"type":"page","messageId":"p1","userId":"u","context":{{"traits":{{"email":"ada@acme.example"}}}},
            "properties":{{"path":"/pricing"}},"timestamp":"{}"}}"#,
        Timestamp::parse_rfc3339("2026-11-02T08:00:00Z").unwrap().to_rfc3339()
    );
    world.message(&view).await.unwrap();
    world.sync().await;
    assert_eq!(world.value(&ada, "cdp_page_views_30d"), Value::from(1));
    // Seen from far ahead, the view has left its window, and nothing is due before.
    let ahead = start().saturating_add(std::time::Duration::from_secs(400 * 86_400));
    world.app.compute(Computing { as_of: Some(ahead), all: false }, &()).await.unwrap();
    assert_eq!(world.trait_of("ada@acme.example", "page_views_30d").await, Value::from(0));
    world.compute().await;
    assert_eq!(world.trait_of("ada@acme.example", "page_views_30d").await, Value::from(1));
    assert_eq!(world.compute().await.counts.seen, 0, "and only once");
}

#[tokio::test]
async fn a_field_mapped_later_is_told_to_people_who_have_not_changed() {
    let city = r#"city = { field = "city", direction = "push", conflict = "cdp_wins" }"#;
    let page = r#"title = { field = "jobtitle", direction = "push", conflict = "cdp_wins" }"#;
    let mut world = World::with(&mapped(page));
    let ada = world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    world.identify("ada@acme.example", serde_json::json!({"city": "Berlin"})).await;
    world.sync().await;
    world.reconfigure(&mapped(&format!("{page}\n{city}")));
    world.sync().await;
    assert_eq!(world.value(&ada, "city"), "Berlin".into());
    world.assert_rest().await;
}

#[tokio::test]
async fn a_create_that_waits_is_taken_back_when_creating_is_turned_off() {
    let create = "\n[crm.create]\ncontact = \"known\"\n";
    let safety = "\n[safety]\nmax_creates_per_run = 1\n";
    let key = "profile_id = \"cdp_profile_id\"";
    let mut world = World::with(&configured(safety, create, key));
    world.sync().await;
    for name in ["one@acme.example", "two@acme.example"] {
        world.identify(name, serde_json::json!({})).await;
    }
    assert_eq!(world.push().await.state, ferry::model::RunState::Fused);
    assert_eq!(world.outbox().await.len(), 2);
    world.reconfigure(&configured(safety, "", key));
    world.push().await;
    assert_eq!(world.outbox().await.len(), 0);
    assert_eq!(world.crm.ids(&Object::Contact).len(), 0);
}
