//! What must hold for any history.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::SizeRange;

use super::world::World;
use crate::model::{Graph, Identifier, IdentifierKind, IdentityRules};
use crate::resolution::partition;

/// Events of people who each have ids of their own, and of devices that several use: who, with which device, giving what.
#[derive(Clone, Debug)]
struct Seen {
    person: u8,
    device: u8,
    with_user: bool,
    with_email: bool,
    with_device: bool,
}

fn seen(people: u8, devices: u8) -> impl Strategy<Value = Seen> {
    (0..people, 0..devices, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(person, device, with_user, with_email, with_device)| Seen {
            person,
            device,
            with_user,
            with_email,
            with_device,
        },
    )
}

fn history(people: u8, devices: u8, length: impl Into<SizeRange>) -> impl Strategy<Value = Vec<Seen>> {
    proptest::collection::vec(seen(people, devices), length)
}

impl Seen {
    fn keys(&self, device: &str) -> Vec<String> {
        let mut keys = Vec::new();
        keys.extend(self.with_user.then(|| format!("user_id:u{}", self.person)));
        keys.extend(self.with_email.then(|| format!("email:p{}@people.example", self.person)));
        keys.extend(self.with_device.then(|| format!("anonymous_id:{device}")));
        keys
    }
}

fn tell(world: &mut World, keys: &[String]) {
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    world.see(&keys);
}

/// Who a personal identifier belongs to, by its number.
fn person_of(identifier: &Identifier) -> Option<&str> {
    match identifier.kind {
        IdentifierKind::UserId => identifier.value.strip_prefix('u'),
        IdentifierKind::Email => identifier.value.strip_prefix('p').and_then(|rest| rest.split('@').next()),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// People log in on devices that others use, too: with user ids, two of them are never one profile.
    #[test]
    fn two_people_with_user_ids_are_never_one(events in history(6, 4, 0..80)) {
        let mut world = World::default();
        for seen in &events {
            // Everybody gives a user id with whatever else: that is what a login is.
            let login = Seen { with_user: true, ..seen.clone() };
            tell(&mut world, &login.keys(&format!("d{}", seen.device)));
        }
        for (_, held) in world.memory.profiles() {
            let people: BTreeSet<&str> = held.iter().filter_map(person_of).collect();
            prop_assert!(people.len() <= 1, "one profile of {people:?}");
        }
    }

    /// Where nobody shares anything, the order of events does not matter.
    #[test]
    fn the_order_of_events_does_not_matter(events in history(5, 1, 0..40), swaps in proptest::collection::vec(any::<prop::sample::Index>(), 40)) {
        let mut shuffled = events.clone();
        for (place, swap) in swaps.iter().enumerate() {
            if !shuffled.is_empty() {
                let other = swap.index(shuffled.len());
                let place = place % shuffled.len();
                shuffled.swap(place, other);
            }
        }
        let end = |events: &[Seen]| {
            let mut world = World::default();
            for seen in events {
                tell(&mut world, &seen.keys(&format!("d-of-{}", seen.person)));
            }
            partition(&world.memory)
        };
        prop_assert_eq!(end(&events), end(&shuffled));
    }

    /// Limits, and that every identifier has one holder that says so, hold after any history.
    #[test]
    fn profiles_stay_within_their_limits(events in history(6, 3, 0..80)) {
        let mut world = World::default();
        for seen in &events {
            tell(&mut world, &seen.keys(&format!("d{}", seen.device)));
        }
        let rules = IdentityRules::default();
        let mut holders: BTreeMap<&Identifier, usize> = BTreeMap::new();
        for (profile, held) in world.memory.profiles() {
            for identifier in held {
                *holders.entry(identifier).or_default() += 1;
                prop_assert!(world.memory.count(profile, &identifier.kind) <= rules.limit(&identifier.kind));
                prop_assert_eq!(world.memory.standing(identifier).profile(), Some(profile));
            }
        }
        prop_assert!(holders.values().all(|count| *count == 1));
    }

    /// The same history, the same people, however often it is told.
    #[test]
    fn telling_it_twice_changes_nothing(events in history(5, 1, 0..40)) {
        let mut world = World::default();
        let once = {
            for seen in &events {
                tell(&mut world, &seen.keys(&format!("d-of-{}", seen.person)));
            }
            partition(&world.memory)
        };
        for seen in &events {
            tell(&mut world, &seen.keys(&format!("d-of-{}", seen.person)));
        }
        prop_assert_eq!(partition(&world.memory), once);
    }
}
