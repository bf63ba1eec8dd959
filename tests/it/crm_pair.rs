//! Two CRMs with the same people, over real HTTP: one profile per person, each CRM its own fields, what a person writes in
//! one reaches the other, and nothing goes round in circles.

use std::collections::BTreeMap;

use connector::{Clock, Object, RecordId, Timestamp, Value};
use ferry::config::Vendor::{self, Dynamics, Hubspot, Salesforce, Zoho};
use serde_json::json;

use crate::harbour::Harbour;

const CONTACT: Object = Object::Contact;

/// A person's name, with their records.
struct Person {
    email: String,
    hubspot: RecordId,
    other: RecordId,
}

/// Whoever is in both CRMs, the last one as a lead in the other one.
fn populate(harbour: &Harbour, other: Vendor) -> Vec<Person> {
    let names = ["Ada", "Bo", "Cy", "Di", "Ed", "Flo"];
    let person = |name: &&str| {
        let email = format!("{}@acme.example", name.to_lowercase());
        let object = if *name == "Flo" { Object::Lead } else { CONTACT };
        let (hubspot, other) = (harbour.mock(Hubspot), harbour.mock(other));
        Person {
            hubspot: hubspot.create(&CONTACT, &[("email", &email), ("first_name", name), ("last_name", "Larsen")]),
            // The same person, written by another hand.
            other: other
                .create(&object, &[("email", &email.to_uppercase()), ("first_name", name), ("last_name", "Larsen")]),
            email,
        }
    };
    names.iter().map(person).collect()
}

/// Changes that Ferry made, by record.
fn per_record(harbour: &Harbour, vendor: Vendor, since: u64) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in harbour.mock(vendor).written(since) {
        *counts.entry(line["record"].to_string()).or_default() += 1;
    }
    counts
}

/// One cycle in which no CRM's record is written more than once.
async fn cycle(harbour: &Harbour) {
    let vendors: Vec<Vendor> = harbour.mocks.iter().map(|mock| mock.vendor).collect();
    let before: Vec<_> = vendors.into_iter().map(|vendor| (vendor, harbour.mock(vendor).seq())).collect();
    harbour.cycle().await;
    for (vendor, seq) in before {
        let counts = per_record(harbour, vendor, seq);
        assert!(counts.values().all(|writes| *writes == 1), "{vendor:?}: {counts:?}");
    }
    assert_eq!(harbour.dead_letters().await, Vec::new());
}

async fn both(harbour: &Harbour, person: &Person, name: &str) -> (Value, Value) {
    let other = harbour.mocks[1].vendor;
    (
        harbour.value(Hubspot, &CONTACT, &person.hubspot, name).await,
        harbour.value(other, &CONTACT, &person.other, name).await,
    )
}

fn visit(email: &str, number: u32, at: Timestamp) -> String {
    let page = json!({
        "type": "page", "messageId": format!("p{number}"), "anonymousId": "web-1", "timestamp": at.to_rfc3339(),
        "properties": { "path": "/pricing", "url": "https://www.acme.example/pricing", "referrer": "" },
    });
    let known = json!({
        "type": "identify", "messageId": format!("i{number}"), "anonymousId": "web-1", "timestamp": at.to_rfc3339(),
        "traits": { "email": email },
    });
    format!("{page}\n{known}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_cycles_of_hubspot_and_salesforce_end_in_rest() {
    ten_cycles_with_edits_on_both_sides_end_in_rest(Salesforce).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_cycles_of_hubspot_and_dynamics_end_in_rest() {
    ten_cycles_with_edits_on_both_sides_end_in_rest(Dynamics).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_cycles_of_hubspot_and_zoho_end_in_rest() {
    ten_cycles_with_edits_on_both_sides_end_in_rest(Zoho).await;
}

async fn ten_cycles_with_edits_on_both_sides_end_in_rest(other: Vendor) {
    let harbour = Harbour::new(&[Hubspot, other], "").await;
    let named = other.name();
    let mut people = populate(&harbour, other);

    // 1 · one profile per person, known to both CRMs by the same id.
    cycle(&harbour).await;
    assert_eq!(harbour.app.store.stats().await.unwrap().profiles, 6);
    for person in &people {
        let profile = harbour.profile(&format!("email:{}", person.email)).await;
        assert_eq!(profile.records.len(), 2, "{:?}", harbour.records_of(&person.email).await);
    }
    let (ours, theirs) = both(&harbour, &people[0], "profile_id").await;
    assert_eq!(ours, theirs);

    // 2 · a person edits one field here, another edits another field there.
    harbour.mock(Hubspot).edit(&CONTACT, &people[0].hubspot, &[("phone", "+1 212 555 0100")]);
    harbour.mock(other).edit(&CONTACT, &people[0].other, &[("first_name", "Adelheid")]);
    harbour.mock(other).edit(&CONTACT, &people[1].other, &[("title", "CTO")]);
    cycle(&harbour).await;
    let phone = Value::from("+1 212 555 0100");
    assert_eq!(both(&harbour, &people[0], "phone").await, (phone.clone(), phone));
    let name = Value::from("Adelheid");
    assert_eq!(both(&harbour, &people[0], "first_name").await, (name.clone(), name));
    assert_eq!(harbour.profile(&people[1].email).await.profile.value("title"), &Value::from("CTO"));
    assert_eq!(both(&harbour, &people[1], "title").await.0, Value::Null, "titles are only pulled");

    // 3 · both edit the same field: one of the two stands, and it stands on both sides.
    harbour.mock(Hubspot).edit(&CONTACT, &people[2].hubspot, &[("last_name", "Here")]);
    harbour.mock(other).edit(&CONTACT, &people[2].other, &[("last_name", "There")]);
    cycle(&harbour).await;
    let last = Value::from("There");
    assert_eq!(both(&harbour, &people[2], "last_name").await, (last.clone(), last));

    // 4 · behaviour reaches both, each in its own fields. A twin turns up in one of them.
    harbour.import(&visit(&people[1].email, 1, harbour.clock.now())).await;
    let twin = harbour.mock(Hubspot).create(&CONTACT, &[("email", "ed.twin@acme.example"), ("first_name", "Edward")]);
    cycle(&harbour).await;
    let one = Value::from(1);
    assert_eq!(both(&harbour, &people[1], "pricing_views_30d").await, (one.clone(), one));
    assert_eq!(harbour.app.store.stats().await.unwrap().profiles, 7);

    // 5 · the twins are merged there; the other CRM's record stays theirs.
    people[4].hubspot = harbour.mock(Hubspot).merge(&CONTACT, &people[4].hubspot, &twin);
    cycle(&harbour).await;
    assert_eq!(harbour.app.store.stats().await.unwrap().profiles, 6);
    assert_eq!(
        harbour.records_of("email:ed.twin@acme.example").await,
        sorted([format!("hubspot contact {}", people[4].hubspot), format!("{named} contact {}", people[4].other)])
    );

    // 6 · one is deleted in one CRM: it lives on in the other and is not made again.
    harbour.mock(other).delete(&CONTACT, &people[3].other);
    cycle(&harbour).await;
    assert_eq!(
        harbour.records_of(&people[3].email).await,
        sorted([
            format!("hubspot contact {}", people[3].hubspot),
            format!("{named} contact {} (gone)", people[3].other)
        ])
    );

    // 7 · the lead becomes a contact.
    let lead = people[5].other.clone();
    people[5].other = harbour.mock(other).convert(&lead);
    cycle(&harbour).await;
    assert_eq!(
        harbour.records_of(&people[5].email).await,
        sorted([
            format!("hubspot contact {}", people[5].hubspot),
            format!("{named} contact {}", people[5].other),
            format!("{named} lead {lead} (gone)"),
        ])
    );

    // 8 · and goes on as one, both ways.
    harbour.mock(Hubspot).edit(&CONTACT, &people[5].hubspot, &[("phone", "+1 212 555 0105")]);
    harbour.mock(other).edit(&CONTACT, &people[5].other, &[("last_name", "Married")]);
    cycle(&harbour).await;
    assert_eq!(both(&harbour, &people[5], "phone").await.1, Value::from("+1 212 555 0105"));
    assert_eq!(both(&harbour, &people[5], "last_name").await.0, Value::from("Married"));

    // 9, 10 · nobody did anything: nothing is written anywhere.
    harbour.assert_rest().await;
    assert_eq!(harbour.app.store.stats().await.unwrap().profiles, 6);
    assert_eq!(harbour.dead_letters().await, Vec::new());
}

/// As records are listed: whichever CRM's name comes first.
fn sorted<const N: usize>(mut records: [String; N]) -> [String; N] {
    records.sort();
    records
}
