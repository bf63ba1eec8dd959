//! The store and the memory that a replay works on agree on who is who, whatever has happened and however many events came in
//! one transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connector::{SeededEntropy, Timestamp, Value};
use proptest::prelude::*;

use super::Resolver;
use crate::model::{
    Attribute, Event, EventKind, Graph, Identifier, IdentityRules, OnConflict, ProfileId, RunId, TraitName,
};
use crate::resolution::{Memory, resolve};
use crate::store::sqlite::{OpenOptions, SqliteStore};
use crate::store::{AppendEvents, SourceHealth, Store, StoreStats};

/// Everything that anybody is called by here.
fn pool() -> Vec<Identifier> {
    let mut keys: Vec<String> = (0..5).map(|n| format!("user_id:u{n}")).collect();
    keys.extend((0..5).map(|n| format!("email:p{n}@people.example")));
    keys.extend((0..4).map(|n| format!("anonymous_id:d{n}")));
    keys.extend((0..2).map(|n| format!("phone:+4930123450{n}")));
    keys.iter().map(|key| Identifier::parse_key(key).unwrap_or_else(|| panic!("{key} is no identifier"))).collect()
}

/// What an event brings, by place in the pool.
#[derive(Clone, Debug)]
enum Told {
    Seen(BTreeSet<usize>),
    /// One who is known by the hash of an address.
    Hashed(usize, BTreeSet<usize>),
    Alias(usize, usize),
}

fn told() -> impl Strategy<Value = (i64, Told)> {
    let some = || proptest::collection::btree_set(0..16_usize, 1..4);
    let what = prop_oneof![
        12 => some().prop_map(Told::Seen),
        1 => (5..10_usize, some()).prop_map(|(of, with)| Told::Hashed(of, with)),
        1 => (0..5_usize, 0..5_usize).prop_map(|(previous, user)| Told::Alias(previous, user)),
    ];
    (0..400_000_i64, what)
}

fn event(n: usize, at: i64, told: &Told) -> Event {
    let pool = pool();
    let named =
        |places: &BTreeSet<usize>| places.iter().filter_map(|place| pool.get(*place).cloned()).collect::<Vec<_>>();
    // Whoever is seen says the same name again and again, and now and then another plan.
    let said = |name: &str, value: &str| (Arc::from(name), Value::from(value));
    let traits = vec![said("name", "Ada"), said("plan", if n.is_multiple_of(7) { "gold" } else { "free" })];
    let (kind, identifiers) = match told {
        Told::Seen(places) => (EventKind::Identify, named(places)),
        Told::Hashed(of, with) => {
            let mut all = named(with);
            all.extend(pool.get(*of).and_then(Identifier::hashed));
            (EventKind::Track, all)
        }
        Told::Alias(previous, user) => {
            let mut all = vec![pool[*user].clone()];
            if previous != user {
                all.push(pool[*previous].clone());
                all.extend(Identifier::anonymous_id(&pool[*previous].value));
            }
            (EventKind::Alias, all)
        }
    };
    let at = Timestamp::from_secs(1_770_000_000 + at);
    Event {
        source: "web".into(),
        message_id: format!("m{n}").into(),
        kind,
        name: None,
        at,
        original_at: None,
        sent_at: None,
        received_at: at,
        identifiers,
        traits: if kind == EventKind::Alias { Vec::new() } else { traits },
        traits_are_weak: kind == EventKind::Track,
        is_bot: false,
        body: "{}".into(),
    }
}

/// Whose each identifier of the pool is, with what the profile says of itself.
type Held = BTreeMap<Identifier, (ProfileId, bool, Timestamp, BTreeMap<TraitName, Attribute>)>;

/// How events come: so many a batch, and whether a sender waits for the answer before the next one sends.
#[derive(Clone, Copy, Debug)]
struct Coming {
    batch: usize,
    at_once: bool,
}

async fn stored(events: &[Event], rules: &IdentityRules, coming: Coming) -> (Held, StoreStats, SourceHealth) {
    let folder = tempfile::tempdir().unwrap();
    let entropy = Arc::new(SeededEntropy::new(3));
    let store = SqliteStore::open(&folder.path().join("ferry.db"), OpenOptions::default(), entropy).unwrap();
    let now = Timestamp::from_secs(1_780_000_000);
    let mut waiting = Vec::new();
    for events in events.chunks(coming.batch) {
        let resolver = Resolver { now, identity: Arc::new(rules.clone()), consent: Arc::default(), gpc: false };
        let batch = AppendEvents {
            run: RunId(uuid::Uuid::from_u128(1)),
            now,
            events: events.iter().map(|event| (event.clone(), Vec::new())).collect(),
            dead_letters: Vec::new(),
            rejected: Vec::new(),
        };
        waiting.push(store.append_events(batch, Arc::new(resolver)));
        if !coming.at_once {
            futures::future::join_all(waiting.drain(..))
                .await
                .into_iter()
                .for_each(|report| assert!(report.is_ok(), "{report:?}"));
        }
    }
    futures::future::join_all(waiting).await.into_iter().for_each(|report| assert!(report.is_ok(), "{report:?}"));
    store.verify().await.unwrap();
    let mut held = Held::new();
    for identifier in pool() {
        let Some(id) = store.find_profile(&identifier.to_string()).await.unwrap() else { continue };
        let profile = store.profile(id).await.unwrap().unwrap().profile;
        held.insert(identifier, (id, profile.known, profile.first_seen, profile.attributes));
    }
    let health = store.source_health().await.unwrap().remove("web").unwrap();
    (held, store.stats().await.unwrap(), health)
}

fn groups(of: impl Iterator<Item = (Identifier, ProfileId)>) -> BTreeSet<BTreeSet<Identifier>> {
    let mut groups: BTreeMap<ProfileId, BTreeSet<Identifier>> = BTreeMap::new();
    for (identifier, profile) in of {
        groups.entry(profile).or_default().insert(identifier);
    }
    groups.into_values().collect()
}

fn remembered(events: &[Event], rules: &IdentityRules) -> BTreeSet<BTreeSet<Identifier>> {
    let mut memory = Memory::default();
    for event in events {
        let resolution = resolve(event, rules, &memory);
        memory.apply(&resolution, event.at);
    }
    groups(pool().into_iter().filter_map(|id| memory.standing(&id).profile().map(|profile| (id, profile))))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn store_and_memory_tell_the_same_people_apart(
        history in proptest::collection::vec(told(), 1..40),
        keep in any::<bool>(),
        batch in 2..40_usize,
    ) {
        let on_conflict = if keep { OnConflict::Keep } else { OnConflict::Detach };
        let rules = IdentityRules { on_conflict, ..IdentityRules::default() };
        let events: Vec<Event> = history.iter().enumerate().map(|(n, (at, told))| event(n, *at, told)).collect();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (one_by_one, together, at_once) = runtime.block_on(async {
            let one_by_one = stored(&events, &rules, Coming { batch: 1, at_once: false }).await;
            let together = stored(&events, &rules, Coming { batch, at_once: false }).await;
            (one_by_one, together, stored(&events, &rules, Coming { batch: 1, at_once: true }).await)
        });
        prop_assert_eq!(&one_by_one, &together, "what a batch remembers is what the tables say");
        prop_assert_eq!(&one_by_one, &at_once, "and so is what senders at the same time share");
        let in_store = groups(together.0.into_iter().map(|(id, (profile, ..))| (id, profile)));
        prop_assert_eq!(in_store, remembered(&events, &rules));
    }
}
