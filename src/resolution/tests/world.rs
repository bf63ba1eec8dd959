//! A small world to tell stories in: events and records, resolved into memory as they come.

use std::collections::BTreeSet;
use std::sync::Arc;

use connector::{Object, Timestamp};

use crate::model::{Event, EventKind, Graph, Identifier, IdentityRules, ProfileId, RecordKey, Resolution, Standing};
use crate::resolution::{Memory, RecordEvidence, RecordResolution, resolve, resolve_record};

/// Reads a key as the command line does; a phone in Germany.
pub fn id(key: &str) -> Identifier {
    Identifier::parse_key(key).unwrap_or_else(|| panic!("{key} is no identifier"))
}

pub fn ids(keys: &[&str]) -> Vec<Identifier> {
    keys.iter().map(|key| id(key)).collect()
}

pub fn event(kind: EventKind, at: i64, keys: &[&str]) -> Event {
    let at = Timestamp::from_secs(at);
    Event {
        source: "web".into(),
        message_id: format!("m{}", at.micros()).into(),
        kind,
        name: None,
        at,
        original_at: None,
        sent_at: None,
        received_at: at,
        identifiers: ids(keys),
        traits: Vec::new(),
        traits_are_weak: false,
        is_bot: false,
        body: "{}".into(),
    }
}

pub fn contact(id: &str) -> RecordKey {
    RecordKey { connection: "hubspot".into(), object: Object::Contact, id: id.into() }
}

#[derive(Debug, Default)]
pub struct World {
    pub rules: IdentityRules,
    pub memory: Memory,
    pub now: i64,
    /// The last decision.
    pub last: Option<Resolution>,
}

impl World {
    pub fn with(rules: IdentityRules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// An event with these identifiers, a minute after the last one. Returns whose it is.
    pub fn see(&mut self, keys: &[&str]) -> Option<ProfileId> {
        self.now += 60;
        self.see_at(self.now, keys)
    }

    pub fn see_at(&mut self, at: i64, keys: &[&str]) -> Option<ProfileId> {
        self.take(&event(EventKind::Track, at, keys))
    }

    pub fn alias(&mut self, previous: &str, user: &str) -> Option<ProfileId> {
        self.now += 60;
        let mut keys = vec![format!("user_id:{user}")];
        if previous != user {
            keys.extend([format!("user_id:{previous}"), format!("anonymous_id:{previous}")]);
        }
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        self.take(&event(EventKind::Alias, self.now, &keys))
    }

    fn take(&mut self, event: &Event) -> Option<ProfileId> {
        let resolution = resolve(event, &self.rules, &self.memory);
        let profile = self.memory.apply(&resolution, event.at);
        self.last = Some(resolution);
        profile
    }

    /// A contact is pulled.
    pub fn pull(&mut self, record: &str, keys: &[&str]) -> RecordResolution {
        self.now += 60;
        let key = contact(record);
        let own = Identifier::crm(&key.connection, &key.object, &key.id);
        let evidence = RecordEvidence {
            key: &key,
            linked: self.memory.standing(&own).profile(),
            merged: &[],
            carried: None,
            identifiers: &ids(keys),
        };
        let resolved = resolve_record(&evidence, &self.rules, &self.memory);
        self.memory.apply(&resolved.resolution, Timestamp::from_secs(self.now));
        self.last = Some(resolved.resolution.clone());
        resolved
    }

    pub fn holder(&self, key: &str) -> Option<ProfileId> {
        self.memory.standing(&id(key)).profile().map(|profile| self.memory.current(profile))
    }

    /// What the profile of a key holds, as text.
    pub fn held(&self, key: &str) -> BTreeSet<String> {
        let profile = self.holder(key);
        profile
            .map(|profile| self.memory.identifiers(profile))
            .unwrap_or_default()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    pub fn is_contested(&self, key: &str) -> bool {
        matches!(self.memory.standing(&id(key)), Standing::Contested(_))
    }

    /// What was done with identifiers of the last event.
    pub fn actions(&self) -> Vec<(String, &'static str)> {
        let conflicts = self.last.iter().flat_map(|resolution| &resolution.conflicts);
        conflicts.map(|conflict| (conflict.identifier.to_string(), conflict.action.as_str())).collect()
    }

    pub fn questions(&self) -> Vec<(&'static str, String)> {
        let reviews = self.last.iter().flat_map(|resolution| &resolution.reviews);
        reviews.map(|review| (review.reason.as_str(), review.identifier.to_string())).collect()
    }
}

pub fn set(keys: &[&str]) -> BTreeSet<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

pub fn custom(name: &str) -> Arc<str> {
    name.into()
}
