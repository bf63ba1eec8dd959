//! The same people in all four CRMs, over real HTTP: one profile each, edits everywhere reach everywhere, and at the end nothing is
//! written any more.

use connector::{Object, RecordId, Value};
use ferry::config::Vendor::{self, Dynamics, Hubspot, Salesforce, Zoho};

use crate::harbour::Harbour;

const CONTACT: Object = Object::Contact;
const ALL: [Vendor; 4] = [Hubspot, Salesforce, Dynamics, Zoho];
const NAMES: [&str; 5] = ["Ada", "Bo", "Cy", "Di", "Ed"];
/// Cycles in which somebody edits something somewhere.
const BUSY: usize = 8;

fn email(name: &str) -> String {
    format!("{}@acme.example", name.to_lowercase())
}

/// Each person's record in each CRM, in the order of [`ALL`].
fn populate(harbour: &Harbour) -> Vec<[RecordId; 4]> {
    let person = |name: &&str| {
        let address = email(name);
        ALL.map(|vendor| {
            let fields = [("email", address.as_str()), ("first_name", *name), ("last_name", "Larsen")];
            harbour.mock(vendor).create(&CONTACT, &fields)
        })
    };
    NAMES.iter().map(person).collect()
}

async fn everywhere(harbour: &Harbour, records: &[RecordId; 4], name: &str) -> Vec<Value> {
    let mut values = Vec::new();
    for (vendor, record) in ALL.iter().zip(records) {
        values.push(harbour.value(*vendor, &CONTACT, record, name).await);
    }
    values
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_cycles_of_all_four_end_in_rest() {
    let harbour = Harbour::new(&ALL, "").await;
    let people = populate(&harbour);
    harbour.cycle().await;
    assert_eq!(harbour.app.store.stats().await.unwrap().profiles, NAMES.len() as u64);
    for (name, records) in NAMES.iter().zip(&people) {
        let profile = harbour.profile(&format!("email:{}", email(name))).await;
        assert_eq!(profile.records.len(), 4, "{:?}", harbour.records_of(&email(name)).await);
        let ids = everywhere(&harbour, records, "profile_id").await;
        assert!(ids.iter().all(|id| *id == ids[0] && !id.is_null()), "{ids:?}");
    }
    // Each cycle another CRM's rep edits another person; a cycle later everybody has read it.
    for cycle in 0..BUSY {
        let (at, person) = (cycle % ALL.len(), cycle % NAMES.len());
        let name = format!("{} {cycle}", NAMES[person]);
        harbour.mock(ALL[at]).edit(&CONTACT, &people[person][at], &[("first_name", &name)]);
        harbour.cycle().await;
        let first_names = everywhere(&harbour, &people[person], "first_name").await;
        assert_eq!(first_names, vec![Value::from(name.as_str()); 4], "cycle {cycle}, edited at {:?}", ALL[at]);
        assert_eq!(harbour.dead_letters().await, Vec::new());
    }
    harbour.assert_rest().await;
}
