//! People whom the CRM holds as leads, as contacts, or as both.

use std::time::Duration;

use connector::{Fields, Object, RecordId, Value};
use ferry::app::Pushing;
use ferry::model::{Run, RunState};

use crate::world::World;

const CONFIG: &str = r#"
timezone = "UTC"
base_currency = "USD"

[[crm]]
name = "acme"
type = "salesforce"
login_url = "https://acme.my.salesforce.com"
client_id = "id"
client_secret = { env = "SECRET" }

[crm.fields.contact]
email = "email"
first_name = "first_name"
phone = "phone"
profile_id = "cdp_profile_id"

[crm.fields.lead]
email = "email"
first_name = "first_name"
phone = "phone"
title = { field = "title", direction = "pull" }
profile_id = "cdp_profile_id"
"#;

fn lead(world: &World, fields: &[(&str, &str)]) -> RecordId {
    world.crm.create(&Object::Lead, fields.iter().copied().collect::<Fields>())
}

/// Pull, compute, push of everything; all must end well.
async fn cycle(world: &World) -> Vec<Run> {
    world.advance(Duration::from_secs(60));
    let mut runs = world.pull().await;
    runs.push(world.compute().await);
    let pushed = world.app.push(world.connection(), Pushing::default(), &()).await.unwrap();
    runs.extend(pushed.into_iter().map(|finished| finished.run));
    for run in &runs {
        assert_eq!(run.state, RunState::Done, "{run:?}");
    }
    runs
}

async fn assert_rest(world: &World) {
    let (seq, calls) = (world.seq(), world.crm.calls().push);
    cycle(world).await;
    cycle(world).await;
    assert_eq!((world.written_since(seq), world.crm.calls().push), (Vec::new(), calls), "at rest nothing is sent");
}

#[tokio::test]
async fn a_lead_and_a_contact_of_one_person_are_one_profile_with_two_records() {
    let world = World::with(CONFIG);
    let contact = world.contact(&[("email", "ada@acme.example"), ("first_name", "Ada")]);
    let lead = lead(&world, &[("email", "Ada@acme.example"), ("title", "CTO")]);
    let runs = cycle(&world).await;
    let objects: Vec<String> = runs.iter().filter_map(|run| Some(run.object.as_ref()?.to_string())).collect();
    assert_eq!(objects, ["user", "company", "contact", "lead", "deal", "contact", "lead"]);
    let ada = world.profile("email:ada@acme.example").await;
    let mut places: Vec<String> = ada.records.iter().map(|record| record.key.to_string()).collect();
    places.sort();
    assert_eq!(places, [format!("acme contact {contact}"), format!("acme lead {lead}")]);
    assert_eq!(ada.profile.value("title"), &Value::from("CTO"));
    let uid = Value::text(ada.profile.uid.to_string());
    assert_eq!(world.crm.value(&Object::Contact, &contact, "cdp_profile_id"), uid);
    assert_eq!(world.crm.value(&Object::Lead, &lead, "cdp_profile_id"), uid);
    assert_eq!(world.crm.value(&Object::Lead, &lead, "first_name"), Value::from("Ada"), "the empty side is filled");
    assert_rest(&world).await;
    // What a rep writes on one of the two is on the other one cycle later.
    world.crm.edit(&Object::Lead, &lead, Fields::from([("phone", "+1 212 555 0100")]));
    cycle(&world).await;
    assert_eq!(world.value(&contact, "phone"), Value::from("+1 212 555 0100"));
    world.crm.edit(&Object::Contact, &contact, Fields::from([("first_name", "Adelheid")]));
    cycle(&world).await;
    assert_eq!(world.crm.value(&Object::Lead, &lead, "first_name"), Value::from("Adelheid"));
    assert_rest(&world).await;
    assert_eq!(world.codes().await.len(), 0);
}

#[tokio::test]
async fn a_lead_is_a_person_of_its_own_and_gone_when_it_is_deleted() {
    let world = World::with(CONFIG);
    let bo = lead(&world, &[("email", "bo@acme.example"), ("first_name", "Bo")]);
    cycle(&world).await;
    assert_eq!(world.trait_of("email:bo@acme.example", "first_name").await, Value::from("Bo"));
    let stats = world.app.store.stats().await.unwrap();
    let counts = &stats.connections.values().next().unwrap().objects;
    assert_eq!(counts.get(&Object::Lead).map(|of| of.records), Some(1));
    assert!(world.crm.delete(&Object::Lead, &bo));
    cycle(&world).await;
    assert!(world.profile("email:bo@acme.example").await.records.iter().all(|record| record.archived));
    assert_eq!(world.crm.ids(&Object::Lead), [], "nobody made it again");
    assert_rest(&world).await;
}

#[tokio::test]
async fn two_leads_of_one_person_are_a_duplicate_for_a_person_to_look_at() {
    let world = World::with(CONFIG);
    world.crm.set_follows_merges(true);
    let first = lead(&world, &[("email", "cy@acme.example")]);
    cycle(&world).await;
    // No unique address here: the second lead is known by the key that somebody copied with it.
    let uid = world.crm.value(&Object::Lead, &first, "cdp_profile_id");
    world.crm.define(&Object::Lead, connector_conformance::memory::field("cdp_profile_id", connector::FieldKind::Text));
    let twin = world.crm.create(&Object::Lead, Fields::from([("cdp_profile_id", uid)]));
    world.advance(Duration::from_secs(60));
    world.pull().await;
    let letters = world.dead_letters().await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!((letters[0].code.as_str(), letters[0].subject.object.as_deref()), ("identity_ambiguous", Some("lead")));
    assert_eq!(letters[0].subject.record.as_deref(), Some(twin.as_str()));
}

#[tokio::test]
async fn a_converted_lead_goes_on_as_a_contact_and_its_person_stays_one() {
    let world = World::with(CONFIG);
    let di = lead(&world, &[("email", "di@acme.example"), ("first_name", "Di"), ("title", "COO")]);
    cycle(&world).await;
    let before = world.profile("email:di@acme.example").await.profile.uid;
    let contact = world.crm.convert(&di, None).unwrap();
    // The contact has another address by the time anybody looks: only the conversion says who it is.
    world.crm.edit(
        &Object::Contact,
        &contact,
        Fields::from([("email", Value::from("di.new@acme.example")), ("cdp_profile_id", Value::Null)]),
    );
    for _ in 0..2 {
        cycle(&world).await;
    }
    let after = world.profile("email:di@acme.example").await;
    let mut places: Vec<(String, bool)> =
        after.records.iter().map(|record| (record.key.object.to_string(), record.archived)).collect();
    places.sort();
    assert_eq!(places, [("contact".to_owned(), false), ("lead".to_owned(), true)]);
    assert_eq!(world.value(&contact, "cdp_profile_id"), Value::text(after.profile.uid.to_string()));
    assert_eq!(world.profile("email:di.new@acme.example").await.profile.uid, after.profile.uid);
    assert_eq!(world.profile(&before.to_string()).await.profile.uid, after.profile.uid, "the old id still finds them");
    assert_eq!(world.crm.ids(&Object::Lead), [], "no lead is made again");
    world.crm.edit(&Object::Contact, &contact, Fields::from([("phone", "+1 212 555 0199")]));
    cycle(&world).await;
    assert_eq!(world.trait_of("di@acme.example", "phone").await, Value::from("+1 212 555 0199"));
    assert_rest(&world).await;
    assert_eq!(world.codes().await.len(), 0);
}

/// Whom the CRM holds as a lead is not made a contact as well; a stranger is.
#[tokio::test]
async fn a_lead_is_not_made_a_contact_as_well() {
    let world = World::with(&CONFIG.replacen(
        "\n[crm.fields.contact]",
        "\n[crm.create]\ncontact = \"known\"\n\n[crm.fields.contact]",
        1,
    ));
    lead(&world, &[("email", "ada@acme.example"), ("first_name", "Ada")]);
    world.identify("bo@acme.example", serde_json::json!({})).await;
    world.identify("ada@acme.example", serde_json::json!({})).await;
    cycle(&world).await;
    cycle(&world).await;
    let made: Vec<Value> =
        world.crm.ids(&Object::Contact).iter().map(|id| world.crm.value(&Object::Contact, id, "email")).collect();
    assert_eq!(made, [Value::from("bo@acme.example")]);
    assert_rest(&world).await;
}
