//! A town whose people are known: who they are, which devices, phones and cards they use, and who shares what. Thousands of
//! their events go through a real import into a real store; no two people may become one, and nobody may become two.

use std::collections::{BTreeMap, BTreeSet};

use connector::{Entropy, SeededEntropy, Timestamp};
use ferry::model::RunState;
use serde_json::{Value as Json, json};

use crate::world::{World, mapped};

const PEOPLE: u64 = 120;
const EVENTS: u64 = 4_000;
/// Browsers at home, shared by a household of four.
const HOMES: u64 = PEOPLE / 4;
/// Terminals that everybody logs in at.
const KIOSKS: u64 = 3;
/// People of one firm have one switchboard.
const FIRMS: u64 = 10;

struct Town {
    chance: SeededEntropy,
    now: Timestamp,
}

/// One event, and whose it truly is; `None` where nobody can know.
struct Told {
    message: Json,
    person: Option<u64>,
}

impl Town {
    fn new(seed: u64) -> Self {
        Self { chance: SeededEntropy::new(seed), now: Timestamp::parse_rfc3339("2026-03-02T08:00:00Z").unwrap() }
    }

    fn below(&self, most: u64) -> u64 {
        self.chance.next_u64() % most
    }

    /// A device that this person may be at: their own, the household's, or a public one.
    fn device(&self, person: u64) -> String {
        match self.below(10) {
            0..=4 => format!("own-{person}"),
            5..=8 => format!("home-{}", person % HOMES),
            _ => format!("kiosk-{}", self.below(KIOSKS)),
        }
    }

    /// Everything that happens: some thousand chance events, then an order by everybody, so that nobody's ids stay unconnected.
    fn story(&mut self) -> Vec<Told> {
        let mut told: Vec<Told> = (0..EVENTS).map(|_| self.event()).collect();
        told.extend((0..PEOPLE).map(order));
        for (number, told) in told.iter_mut().enumerate() {
            self.now = self.now.saturating_add(std::time::Duration::from_secs(self.below(600)));
            told.message["messageId"] = format!("m-{number}").into();
            told.message["timestamp"] = self.now.to_rfc3339().into();
        }
        told
    }

    fn event(&self) -> Told {
        let person = self.below(PEOPLE);
        let (user, email, card) = (user(person), email(person), card(person));
        let device = self.device(person);
        let theirs = |message: Json| Told { message, person: Some(person) };
        let anybodys = |message: Json| Told { message, person: None };
        match self.below(12) {
            0..=3 => anybodys(json!({ "type": "page", "anonymousId": device, "properties": { "path": "/" } })),
            4 | 5 => theirs(
                json!({ "type": "identify", "anonymousId": device, "userId": user, "traits": { "email": email } }),
            ),
            6 => theirs(json!({ "type": "identify", "anonymousId": device, "userId": user,
                                "traits": { "email": email, "phone": switchboard(person) } })),
            7 => theirs(json!({ "type": "page", "anonymousId": device, "userId": user })),
            8 => theirs(
                json!({ "type": "track", "event": "Email Link Clicked", "context": { "traits": { "email": email } } }),
            ),
            9 => order(person),
            10 => theirs(
                json!({ "type": "track", "event": "Loyalty Points Earned", "properties": { "loyalty_id": card } }),
            ),
            _ => anybodys(
                json!({ "type": "track", "event": "Call Completed", "properties": { "phone": switchboard(person) } }),
            ),
        }
    }
}

/// What tells that a user, an address and a card are one person's.
fn order(person: u64) -> Told {
    let properties = json!({ "loyalty_id": card(person), "email": email(person), "order_id": "o" });
    let message =
        json!({ "type": "track", "event": "Order Completed", "userId": user(person), "properties": properties });
    Told { message, person: Some(person) }
}

fn user(person: u64) -> String {
    format!("u-{person}")
}

fn email(person: u64) -> String {
    format!("p{person}@firm{}.example", person % FIRMS)
}

fn card(person: u64) -> String {
    format!("LOY-{person}")
}

fn switchboard(person: u64) -> String {
    format!("+49 30 23125 {:03}", 100 + person % FIRMS)
}

async fn plays_out(seed: u64) {
    let world = World::with(&mapped(""));
    let mut town = Town::new(seed);
    let told = town.story();
    world.advance(town.now.since(connector::Clock::now(&*world.clock)));
    let file = world.folder().join("town.jsonl");
    std::fs::write(&file, told.iter().map(|told| format!("{}\n", told.message)).collect::<String>()).unwrap();
    let run = world.app.import(&file, "file".into(), &(), &|_| ()).await.unwrap().run;
    assert_eq!((run.state, run.counts.created), (RunState::Done, EVENTS + PEOPLE), "{run:?}");

    // Who holds what belongs to a person alone.
    let mut people_of: BTreeMap<_, BTreeSet<u64>> = BTreeMap::new();
    for person in 0..PEOPLE {
        let keys = [
            format!("user_id:{}", user(person)),
            format!("email:{}", email(person)),
            format!("loyalty_id:{}", card(person)),
        ];
        let mut profiles = BTreeSet::new();
        for key in &keys {
            profiles.extend(world.app.store.find_profile(key).await.unwrap());
        }
        assert_eq!(profiles.len(), 1, "seed {seed}: person {person} is one profile");
        for profile in profiles {
            people_of.entry(profile).or_default().insert(person);
        }
    }
    assert_eq!(people_of.len() as u64, PEOPLE);
    for (profile, people) in &people_of {
        assert_eq!(people.len(), 1, "seed {seed}: {people:?} are one profile, {profile:?}");
    }

    // What a person's own id came with is theirs, whatever device it came from.
    let whose: BTreeMap<String, u64> =
        told.iter().zip(0..).filter_map(|(told, number)| Some((format!("m-{number}"), told.person?))).collect();
    let mut seen = 0;
    for (profile, people) in &people_of {
        for row in world.app.store.events_of(*profile, 100_000).await.unwrap() {
            if let Some(person) = whose.get(&*row.event.message_id) {
                assert!(people.contains(person), "seed {seed}: {} of {person} is with {people:?}", row.event.body);
                seen += 1;
            }
        }
    }
    assert_eq!(seen, whose.len(), "seed {seed}: nobody's event is lost");

    // What everybody uses is nobody's.
    for kiosk in 0..KIOSKS {
        let id = world.app.store.find_profile(&format!("anonymous_id:kiosk-{kiosk}")).await.unwrap();
        assert!(id.is_none_or(|id| !people_of.contains_key(&id)), "seed {seed}: a kiosk is somebody's");
    }
    world.app.store.verify().await.unwrap();
}

#[tokio::test]
async fn people_who_share_devices_and_phones_are_never_merged() {
    for seed in 1..=3 {
        plays_out(seed).await;
    }
}
