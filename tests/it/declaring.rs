//! Our side of a test: what an identify call does to a profile.

use connector::Timestamp;
use ferry::consent::Policy;
use ferry::model::{Attribute, AttributeChange, Candidate, Event, Origin, Profile, ProfileId, Whose, survivor};
use ferry::resolution;
use ferry::store::{EventDecision, ResolveEvents};

/// Resolves events as the rules of identity say; a trait wins by the rules of survivorship.
#[derive(Debug)]
pub struct Declared {
    pub now: Timestamp,
}

impl ResolveEvents for Declared {
    fn resolve(
        &self,
        event: &Event,
        candidates: &[Candidate],
        read: &dyn Fn(ProfileId) -> Option<Profile>,
    ) -> EventDecision {
        let resolved = resolution::resolve(event, candidates);
        let profile = match &resolved.whose {
            Whose::Existing(id) | Whose::Merge { survivor: id, .. } => read(*id),
            Whose::New | Whose::Nobody => None,
        };
        let changed = event.traits.iter().filter_map(|(name, value)| {
            let attribute = Attribute {
                value: value.clone(),
                observed_at: event.at,
                recorded_at: self.now,
                origin: Origin::Identify(event.source.clone()),
            };
            let known = profile.as_ref().and_then(|profile| profile.attributes.get(name));
            let wins = known.is_none_or(|known| {
                known.value != attribute.value && std::ptr::eq(survivor(known, &attribute), &attribute)
            });
            wins.then(|| AttributeChange { name: name.clone(), attribute })
        });
        let attributes = changed.collect();
        let consent = Policy::default().read(event, false);
        EventDecision {
            whose: resolved.whose,
            attach: resolved.attach,
            attributes,
            conflict: resolved.conflict,
            consent,
        }
    }
}
