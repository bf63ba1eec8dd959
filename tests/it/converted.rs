//! A lead becomes a contact at the CRM: one person goes on, nothing is written to the lead any more, and
//! it is never made again.

use connector::{ErrorKind, Object, RecordId, Value};
use connector_conformance::memory::{Call, ChangeKind, Fault};
use ferry::app::Pulling;
use ferry::mapping::{CreatePolicy, ObjectMapping};
use ferry::model::RunState;
use serde_json::json;

use crate::tricks::{Trick, Trickster};
use crate::world::{World, mapped};

const CITY: &str = r#"profile_id = "cdp_profile_id"
city = { field = "city", direction = "push", conflict = "cdp_wins" }"#;

/// Contacts and leads mapped alike.
fn world() -> (World, Trickster) {
    let (mut world, tricky) = World::tricked(&mapped(CITY));
    let objects = &mut world.app.connections[0].settings.objects;
    let lead = ObjectMapping { object: Object::Lead, ..objects[0].clone() };
    // Contacts first: a lead's conversion is seen after the contacts of the same cycle.
    objects.push(lead);
    (world, tricky)
}

/// From now on known people without a record get one of either kind: a lead that was forgotten would be made again.
fn create_what_is_missing(world: &mut World) {
    for mapping in &mut world.app.connections[0].settings.objects {
        mapping.create = CreatePolicy::Known;
    }
}

fn lead(world: &World, email: &str) -> RecordId {
    world.crm.create(&Object::Lead, [("email", email)])
}

/// What Ferry made or wrote at leads since the ledger's `seq`, and all that it made anywhere.
fn at_leads(world: &World, seq: u64) -> usize {
    let by_us = world.written_since(seq);
    by_us.iter().filter(|entry| entry.object == Object::Lead || entry.kind == ChangeKind::Create).count()
}

async fn city(world: &World, email: &str, city: &str) {
    world.identify(email, json!({ "city": city })).await;
}

async fn pull_leads(world: &World) {
    let what = Pulling { object: Some(&Object::Lead), ..Pulling::default() };
    let pulled = world.app.pull(world.connection(), what, &()).await.unwrap();
    assert_eq!(pulled[0].run.state, RunState::Done, "{:?}", pulled[0].run);
}

async fn assert_one_person(world: &World, keys: &[String]) {
    let first = world.profile(&keys[0]).await.profile.id;
    for key in keys {
        assert_eq!(world.profile(key).await.profile.id, first, "{key}");
    }
}

fn crm_key(object: Object, id: &RecordId) -> String {
    format!("crm:acme:{object}:{id}")
}

#[tokio::test]
async fn a_lead_and_the_contact_it_became_are_one_person() {
    let (mut world, _) = world();
    let old = lead(&world, "ada@old.example");
    let contact = world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    city(&world, "ada@old.example", "Bern").await;
    world.sync().await;
    assert_eq!(world.crm.value(&Object::Lead, &old, "city"), "Bern".into());
    assert_eq!(world.value(&contact, "city"), Value::Null, "two people so far");

    assert_eq!(world.crm.convert(&old, Some(&contact)), Some(contact.clone()));
    create_what_is_missing(&mut world);
    let seq = world.seq();
    world.sync().await;
    world.sync().await;
    let keys = ["email:ada@old.example".into(), "email:ada@acme.example".into(), crm_key(Object::Lead, &old)];
    assert_one_person(&world, &keys).await;
    city(&world, "ada@old.example", "Rome").await;
    world.sync().await;
    assert_eq!(world.value(&contact, "city"), "Rome".into(), "what is known of the lead reaches the contact");
    assert_eq!(at_leads(&world, seq), 0);
    world.assert_rest().await;
}

#[tokio::test]
async fn a_write_queued_for_a_lead_goes_to_its_contact() {
    let (mut world, _) = world();
    let old = lead(&world, "ada@acme.example");
    world.sync().await;
    city(&world, "ada@acme.example", "Bern").await;
    world.compute().await;
    world.crm.fail_always(Call::Push, Fault::Fail(ErrorKind::Quota));
    world.push().await;
    let queued = world.app.store.outbox(world.connection().name(), &Object::Lead, 10).await.unwrap();
    assert_eq!(queued.len(), 1);
    world.crm.mend();
    let contact = world.crm.convert(&old, None).unwrap();
    create_what_is_missing(&mut world);
    world.advance(std::time::Duration::from_secs(3_700));
    let seq = world.seq();
    world.sync().await;
    world.sync().await;
    assert_eq!(at_leads(&world, seq), 0, "{:?}", world.written_since(seq));
    assert_eq!(world.value(&contact, "city"), "Bern".into());
    assert_eq!(world.crm.ids(&Object::Contact).len(), 1);
    world.assert_rest().await;
}

#[tokio::test]
async fn a_conversion_in_the_middle_of_a_push_is_followed_before_any_pull_tells() {
    let (mut world, tricky) = world();
    let old = lead(&world, "ada@acme.example");
    world.sync().await;
    city(&world, "ada@acme.example", "Bern").await;
    world.compute().await;
    let seq = world.seq();
    let converted = old.clone();
    tricky.play(Trick::BeforePush(Box::new(move |crm| {
        crm.convert(&converted, None);
    })));
    world.push().await;
    let contact = world.crm.ids(&Object::Contact)[0].clone();
    assert_one_person(&world, &[crm_key(Object::Lead, &old), crm_key(Object::Contact, &contact)]).await;
    create_what_is_missing(&mut world);
    // Still no pull: the value goes to the contact, whose fields are looked at first.
    world.push().await;
    assert_eq!(world.value(&contact, "city"), "Bern".into());
    world.sync().await;
    assert_eq!((at_leads(&world, seq), world.crm.ids(&Object::Contact).len()), (0, 1));
    world.assert_rest().await;
}

#[tokio::test]
async fn a_contact_that_was_not_pulled_yet_is_not_made_again() {
    let (mut world, _) = world();
    let old = lead(&world, "ada@acme.example");
    world.sync().await;
    city(&world, "ada@acme.example", "Bern").await;
    let contact = world.crm.convert(&old, None).unwrap();
    create_what_is_missing(&mut world);
    // People at the CRM corrected the address as well: nothing but the conversion tells who this is.
    world.crm.edit(&Object::Contact, &contact, [("email", "ada@new.example")]);
    let seq = world.seq();
    pull_leads(&world).await;
    world.compute().await;
    world.push().await;
    assert_eq!((at_leads(&world, seq), world.crm.ids(&Object::Contact)), (0, vec![contact.clone()]));
    assert_eq!(world.value(&contact, "city"), "Bern".into());
    world.sync().await;
    let keys = ["email:ada@acme.example".into(), "email:ada@new.example".into(), crm_key(Object::Contact, &contact)];
    assert_one_person(&world, &keys).await;
    world.assert_rest().await;
}
