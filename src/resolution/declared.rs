//! Which declared traits of an event win over what is known of its person (`cdp-semantics` §2.5).

use std::collections::BTreeMap;

use connector::{Timestamp, Value};

use crate::model::{
    Attribute, AttributeChange, Event, Identifier, IdentifierKind, Origin, Resolution, Survivorship, TraitName, Whose,
};

/// The traits that change. `known`: what the profile has, its merged parts' included.
pub fn won_traits(
    event: &Event,
    resolution: &Resolution,
    known: Option<&BTreeMap<TraitName, Attribute>>,
    recorded_at: Timestamp,
    rules: &Survivorship,
) -> Vec<AttributeChange> {
    if resolution.whose == Whose::Nobody {
        return Vec::new();
    }
    let origin =
        if event.traits_are_weak { Origin::Weak(event.source.clone()) } else { Origin::Identify(event.source.clone()) };
    let change = |(name, value): &(TraitName, Value)| {
        if belongs_to_another(name, value, resolution) {
            return None;
        }
        let attribute = Attribute { value: value.clone(), observed_at: event.at, recorded_at, origin: origin.clone() };
        let Some(known) = known.and_then(|known| known.get(name)) else {
            return Some(AttributeChange { name: name.clone(), attribute });
        };
        // Said again, a value is as old as it was said last: what comes late must find it so.
        let attribute = rules.settle(name, known, &attribute);
        (attribute != *known).then(|| AttributeChange { name: name.clone(), attribute })
    };
    event.traits.iter().filter_map(change).collect()
}

/// The declared traits that profiles have once they are one.
pub fn joined_traits(
    profiles: impl Iterator<Item = BTreeMap<TraitName, Attribute>>,
    rules: &Survivorship,
) -> Option<BTreeMap<TraitName, Attribute>> {
    let mut joined: Option<BTreeMap<TraitName, Attribute>> = None;
    for traits in profiles {
        let Some(kept) = &mut joined else {
            joined = Some(traits);
            continue;
        };
        for (name, theirs) in traits {
            let winner = kept.get(&name).map(|ours| rules.settle(&name, ours, &theirs));
            kept.insert(name, winner.unwrap_or(theirs));
        }
    }
    joined
}

/// An address or a person's id that stays with its first owner is not written on this profile either.
fn belongs_to_another(name: &str, value: &Value, resolution: &Resolution) -> bool {
    if resolution.conflicts.is_empty() {
        return false;
    }
    let Some(text) = value.as_text() else { return false };
    resolution.conflicts.iter().any(|conflict| match &conflict.identifier.kind {
        IdentifierKind::Email => {
            name == "email" && Identifier::email(text).is_some_and(|address| address == conflict.identifier)
        }
        IdentifierKind::Custom(kind) => name == &**kind && text.trim() == &*conflict.identifier.value,
        _ => false,
    })
}
