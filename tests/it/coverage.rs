//! What is newly mapped, and what the CRM could not hold before, concerns every record and not only those that change later.

use std::time::Duration;

use connector::{FieldKind, Object, Value};
use connector_conformance::memory::field;
use ferry::model::RunState;
use serde_json::json;

use crate::world::{World, mapped};

const CITY: &str = r#"city = { field = "city", direction = "push", conflict = "cdp_wins" }"#;
const BOTH: &str = r#"city = { field = "city", direction = "push", conflict = "cdp_wins" }
phone = { field = "phone", direction = "push", conflict = "cdp_wins" }
country = { field = "country", direction = "pull" }"#;

#[tokio::test]
async fn fields_made_after_the_first_push_are_filled_for_everybody() {
    let world = World::with(&mapped(CITY));
    world.crm.undefine(&Object::Contact, "city");
    let ada = world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    world.identify("ada@acme.example", json!({"city": "Bern"})).await;
    assert_eq!(world.push().await.state, RunState::Partial, "the field is missing");
    assert_eq!(world.codes().await, [("field_unusable", 1)].into());
    world.crm.define(&Object::Contact, field("city", FieldKind::Text));
    world.advance(Duration::from_secs(60));
    assert_eq!(world.push().await.state, RunState::Done);
    assert_eq!(world.value(&ada, "city"), Value::from("Bern"));
    assert_eq!(world.codes().await.len(), 0, "what was reported is over");
    world.assert_rest().await;
}

#[tokio::test]
async fn a_mapping_added_later_is_pushed_and_pulled_for_everybody() {
    let mut world = World::with(&mapped(CITY));
    let ada = world.contact(&[("email", "ada@acme.example"), ("country", "CH")]);
    world.sync().await;
    world.identify("ada@acme.example", json!({"city": "Bern", "phone": "1"})).await;
    world.push().await;
    world.advance(Duration::from_secs(86_400));
    world.reconfigure(&mapped(BOTH));
    world.sync().await;
    assert_eq!(world.value(&ada, "phone"), Value::from("1"));
    assert_eq!(world.trait_of("ada@acme.example", "country").await, Value::from("CH"));
    world.assert_rest().await;
}
