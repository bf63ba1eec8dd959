//! Two CRMs at once: the same people are one profile each, every CRM gets its own fields, and what travels from one to the
//! other through us comes to rest.

use std::sync::Arc;
use std::time::Duration;

use connector::{Clock, Connector, FieldKind, Fields, Object, RecordId, SeededEntropy, Value};
use connector_conformance::memory::{Actor, ChangeKind, field};
use connector_conformance::{LeapClock, MemoryCrm};
use ferry::app::{App, Computing, Pulling, Pushing};
use ferry::ingest::{DecodeOptions, MAX_MESSAGE, decode};
use ferry::model::{DeadLetterId, RunId, RunState};
use ferry::store::AppendEvents;

use crate::declaring::declared;
use crate::world::{open, start};

/// The city lives in both CRMs under different names, the newest edit wins; the title is the first one's and shown in the
/// second; each has a field of its own that we fill.
const CONFIG: &str = r#"
timezone = "UTC"
base_currency = "USD"

[[crm]]
name = "acme"
type = "hubspot"
token = { env = "TOKEN" }

[crm.fields.contact]
email = { field = "email", direction = "pull" }
profile_id = "cdp_profile_id"
city = { field = "city", direction = "both", conflict = "newest" }
title = { field = "title", direction = "pull" }
country = { field = "cdp_country", direction = "push", conflict = "cdp_wins" }

[[crm]]
name = "beta"
type = "hubspot"
token = { env = "TOKEN" }

[crm.fields.contact]
email = { field = "email", direction = "pull" }
profile_id = "cdp_profile_id"
city = { field = "town", direction = "both", conflict = "newest" }
title = { field = "role", direction = "push", conflict = "cdp_wins" }
phone = { field = "cdp_phone", direction = "push", conflict = "cdp_wins" }
"#;

const PEOPLE: usize = 12;

struct World {
    app: App,
    crms: [MemoryCrm; 2],
    clock: Arc<LeapClock>,
    people: Vec<[RecordId; 2]>,
    said: u64,
    _folder: tempfile::TempDir,
}

fn email(person: usize) -> String {
    format!("p{person}@acme.example")
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(LeapClock::new(start()));
        let crms = [MemoryCrm::new(clock.clone()), MemoryCrm::new(clock.clone())];
        crms[0].define(&Object::Contact, field("cdp_country", FieldKind::Text));
        for name in ["town", "role", "cdp_phone"] {
            crms[1].define(&Object::Contact, field(name, FieldKind::Text));
        }
        // Each CRM numbers its records itself: ids of the two must not be taken for each other.
        for number in 0..PEOPLE {
            crms[1].create(&Object::Company, [("name", format!("Company {number}").as_str())]);
        }
        let connectors: Vec<Arc<dyn Connector>> =
            crms.iter().map(|crm| Arc::new(crm.connector()) as Arc<dyn Connector>).collect();
        let app = open(CONFIG, folder.path(), clock.clone(), &connectors);
        let people = (0..PEOPLE)
            .map(|person| {
                let address = email(person);
                let in_acme = Fields::from([("email", address.as_str()), ("title", "Engineer"), ("city", "Bern")]);
                // The second CRM writes addresses in its own way.
                let address = address.to_uppercase();
                let in_beta = Fields::from([("email", address.as_str())]);
                [crms[0].create(&Object::Contact, in_acme), crms[1].create(&Object::Contact, in_beta)]
            })
            .collect();
        Self { app, crms, clock, people, said: 0, _folder: folder }
    }

    /// Both connections pulled, everything computed, both pushed.
    async fn cycle(&self) {
        self.clock.leap(Duration::from_secs(60));
        for connection in &self.app.connections {
            for finished in self.app.pull(connection, Pulling::default(), &()).await.unwrap() {
                assert_eq!(finished.run.state, RunState::Done, "{finished:?}");
            }
        }
        assert_eq!(self.app.compute(Computing::default(), &()).await.unwrap().run.state, RunState::Done);
        for connection in &self.app.connections {
            for finished in self.app.push(connection, Pushing::default(), &()).await.unwrap() {
                assert_eq!(finished.run.state, RunState::Done, "{finished:?}");
            }
        }
    }

    /// Our side learns traits of a person.
    async fn identify(&mut self, person: usize, traits: serde_json::Value) {
        self.clock.leap(Duration::from_millis(1));
        let now = self.clock.now();
        self.said += 1;
        let mut traits = traits;
        traits["email"] = email(person).into();
        let message = serde_json::json!({
            "type": "identify", "messageId": format!("m{}", self.said), "userId": format!("user {person}"),
            "traits": traits, "timestamp": now.to_rfc3339(),
        });
        let options =
            DecodeOptions { source: "file".into(), max_message: MAX_MESSAGE, client: false, identity: Arc::default() };
        let event = decode(&message.to_string(), now, &options).unwrap();
        let facts = self.app.model.facts(&event);
        let batch = AppendEvents {
            run: RunId(uuid::Uuid::nil()),
            now,
            events: vec![(event, facts)],
            dead_letters: vec![],
            rejected: Vec::new(),
        };
        self.app.store.append_events(batch, declared(now, &self.app.settings.identity)).await.unwrap();
    }

    fn value(&self, crm: usize, person: usize, field: &str) -> Value {
        self.crms[crm].value(&Object::Contact, &self.people[person][crm], field)
    }

    fn writes(&self) -> usize {
        self.crms.iter().map(|crm| crm.by_us().len()).sum()
    }
}

#[tokio::test]
async fn the_same_person_in_two_crms_is_one_profile() {
    let world = World::new();
    world.cycle().await;
    let store = &world.app.store;
    assert_eq!(store.stats().await.unwrap().profiles, PEOPLE as u64);
    for (person, ids) in world.people.iter().enumerate() {
        let profile = store.find_profile(&email(person)).await.unwrap().unwrap();
        for (crm, id) in ["acme", "beta"].iter().zip(ids) {
            assert_eq!(store.find_profile(&format!("crm:{crm}:contact:{id}")).await.unwrap(), Some(profile));
        }
        let uid = store.profile(profile).await.unwrap().unwrap().profile.uid.to_string();
        assert_eq!(
            [0, 1].map(|crm| world.value(crm, person, "cdp_profile_id")),
            [Value::text(uid.clone()), Value::text(uid)]
        );
    }
}

#[tokio::test]
async fn edits_on_both_sides_travel_and_come_to_rest() {
    let mut world = World::new();
    world.cycle().await;
    let rng = SeededEntropy::new(11);
    let cities = ["Bern", "Rome", "Oslo", "Graz", "Pisa"];
    let pick = |many: usize| usize::try_from(connector::Entropy::next_u64(&rng) % many as u64).unwrap();
    for cycle in 0..8 {
        for _ in 0..4 {
            world.clock.leap(Duration::from_secs(1));
            let (person, city) = (pick(PEOPLE), cities[pick(cities.len())]);
            match pick(4) {
                0 => drop(world.crms[0].edit(&Object::Contact, &world.people[person][0], [("city", city)])),
                1 => drop(world.crms[1].edit(&Object::Contact, &world.people[person][1], [("town", city)])),
                2 => {
                    let title = format!("Title {cycle}");
                    world.crms[0].edit(&Object::Contact, &world.people[person][0], [("title", title.as_str())]);
                }
                _ => {
                    let traits = serde_json::json!({"country": format!("country {cycle}"), "phone": format!("+4930{cycle}"), "city": city});
                    world.identify(person, traits).await;
                }
            }
        }
        world.cycle().await;
    }
    // What the second CRM told last reached the first one with the cycle after.
    world.cycle().await;
    let before = world.writes();
    world.cycle().await;
    world.cycle().await;
    assert_eq!(world.writes(), before, "two cycles without an edit write nothing anywhere");

    for person in 0..PEOPLE {
        let [city, town] = [world.value(0, person, "city"), world.value(1, person, "town")];
        assert_eq!(city, town, "person {person} lives in one city");
        assert!(!city.is_null());
        assert_eq!(world.value(0, person, "title"), world.value(1, person, "role"));
    }
    for (crm, foreign) in [(0, ["town", "role", "cdp_phone"]), (1, ["city", "title", "cdp_country"])] {
        let ours = world.crms[crm].by_us();
        assert!(
            ours.iter().all(|entry| entry.by == Actor::Us && entry.kind == ChangeKind::Update),
            "nobody is made twice"
        );
        let named = |name: &str| ours.iter().any(|entry| entry.named.iter().any(|field| &**field == name));
        assert!(foreign.iter().all(|name| !named(name)), "each CRM gets its own fields and no other's");
        assert_eq!(world.crms[crm].ids(&Object::Contact).len(), PEOPLE);
    }
    assert_eq!(world.app.store.dead_letters(DeadLetterId(0), 10).await.unwrap(), []);
}
