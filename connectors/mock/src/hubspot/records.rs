//! The records of one object: generated ones by rule, changed ones held, each with the versions the search index has not
//! caught up with.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::kind::Kind;
use super::population::Population;
use super::schema::Name;
use crate::clock::{Millis, iso};

/// The state of a changed record. Values absent here fall back to the generated ones; `""` means cleared.
#[derive(Clone, Debug, Default)]
pub struct View {
    pub values: BTreeMap<Name, Arc<str>>,
    pub created: Millis,
    pub modified: Millis,
    pub archived: Option<Millis>,
    /// The record this one was merged into.
    pub merged_into: Option<u64>,
    /// Erased for privacy: never shown again, not even as archived.
    pub erased: bool,
}

impl View {
    pub fn is_live(&self) -> bool {
        self.archived.is_none() && self.merged_into.is_none() && !self.erased
    }
}

/// Where a value came from, as `propertiesWithHistory` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Integration,
    Rep,
    Workflow,
    Import,
}

impl Source {
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Integration => "INTEGRATION",
            Self::Rep => "CRM_UI",
            Self::Workflow => "AUTOMATION_PLATFORM",
            Self::Import => "IMPORT",
        }
    }

    pub fn id(self) -> &'static str {
        match self {
            Self::Integration => "99001",
            Self::Rep => "userId:77",
            Self::Workflow => "workflow:3001",
            Self::Import => "import:1",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Past {
    pub value: Arc<str>,
    pub at: Millis,
    pub source: Source,
}

#[derive(Clone, Debug)]
struct Version {
    /// When the search index shows it.
    visible_at: Millis,
    view: Arc<View>,
}

#[derive(Clone, Debug, Default)]
struct Held {
    versions: Vec<Version>,
    /// Oldest first, all properties together: one allocation per record, of which there may be a million.
    history: Vec<(Name, Past)>,
}

/// The vendor keeps this many values of a property.
const HISTORY_KEPT: usize = 20;

#[derive(Debug)]
pub struct Table {
    kind: Kind,
    held: BTreeMap<u64, Held>,
    next_id: u64,
    /// Values of unique properties, lower-cased, to the record that holds them.
    unique: HashMap<Name, HashMap<Box<str>, u64>>,
    /// Rises with every change; with `settled_at` it tells whether a search result still stands.
    pub revision: u64,
    /// When the last change reaches the search index.
    pub settled_at: Millis,
}

/// A record as somebody sees it: held or generated.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    pub kind: Kind,
    pub id: u64,
    view: Option<&'a View>,
    index: Option<u64>,
    people: &'a Population,
}

impl<'a> Seen<'a> {
    pub fn created(&self) -> Millis {
        self.view.map_or_else(|| self.generated_stamp(), |view| view.created)
    }

    pub fn modified(&self) -> Millis {
        self.view.map_or_else(|| self.generated_stamp(), |view| view.modified)
    }

    pub fn archived(&self) -> Option<Millis> {
        self.view.and_then(|view| view.archived)
    }

    pub fn is_live(&self) -> bool {
        self.view.is_none_or(View::is_live)
    }

    pub fn view(&self) -> Option<&'a View> {
        self.view
    }

    fn generated_stamp(&self) -> Millis {
        self.index.map_or(0, |index| self.people.stamp(self.kind, index))
    }

    /// A property's value; `None` when empty or never set. The caller has checked that it is defined.
    pub fn get(&self, name: &str) -> Option<Arc<str>> {
        if name == "hs_object_id" {
            return Some(self.id.to_string().into());
        }
        if name == self.kind.modified_property() {
            return Some(iso(self.modified()).into());
        }
        if name == self.kind.created_property() {
            return Some(iso(self.created()).into());
        }
        match self.view.and_then(|view| view.values.get(name)) {
            Some(value) if value.is_empty() => None,
            Some(value) => Some(value.clone()),
            None => self.people.value(self.kind, self.index?, name).map(Into::into),
        }
    }

    /// A copy to change.
    pub fn to_view(self) -> View {
        self.view.cloned().unwrap_or_else(|| View {
            created: self.generated_stamp(),
            modified: self.generated_stamp(),
            ..View::default()
        })
    }
}

impl Table {
    pub fn new(kind: Kind, people: &Population) -> Self {
        Self {
            kind,
            held: BTreeMap::new(),
            next_id: kind.first_id() + people.count(kind),
            unique: HashMap::new(),
            revision: 0,
            settled_at: 0,
        }
    }

    pub fn fresh_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// The record as it is now, whatever its state.
    pub fn seen<'a>(&'a self, people: &'a Population, id: u64) -> Option<Seen<'a>> {
        let index = people.index(self.kind, id);
        let view = self.held.get(&id).and_then(|held| held.versions.last()).map(|version| &*version.view);
        (view.is_some() || index.is_some()).then_some(Seen { kind: self.kind, id, view, index, people })
    }

    /// The record when it is neither archived nor merged away nor erased.
    pub fn live<'a>(&'a self, people: &'a Population, id: u64) -> Option<Seen<'a>> {
        self.seen(people, id).filter(Seen::is_live)
    }

    /// The record as the search index has it.
    pub fn indexed<'a>(&'a self, people: &'a Population, id: u64, now: Millis) -> Option<Seen<'a>> {
        let index = people.index(self.kind, id);
        let version = self.held.get(&id).and_then(|held| held.versions.iter().rev().find(|v| v.visible_at <= now));
        let view = version.map(|version| &*version.view);
        let seen = Seen { kind: self.kind, id, view, index, people };
        (view.is_some() || index.is_some()).then_some(seen).filter(Seen::is_live)
    }

    /// Whether the record differs from what the seed makes.
    pub fn is_held(&self, id: u64) -> bool {
        self.held.contains_key(&id)
    }

    /// All ids from `start` up, in order, whatever the records' state.
    pub fn ids_from<'a>(&'a self, people: &Population, start: u64) -> impl Iterator<Item = u64> + use<'a> {
        let first = self.kind.first_id();
        let end = first + people.count(self.kind);
        (start.max(first)..end).chain(self.held.range(start.max(end)..).map(|(id, _)| *id))
    }

    /// Held ids only.
    pub fn held_ids(&self) -> impl Iterator<Item = u64> + '_ {
        self.held.keys().copied()
    }

    /// Stores a new version, which the search index shows from `visible_at`.
    pub fn put(&mut self, id: u64, view: View, now: Millis, visible_at: Millis) {
        let held = self.held.entry(id).or_default();
        // Versions before the one the index shows now will never be asked for again.
        if let Some(shown) = held.versions.iter().rposition(|version| version.visible_at <= now) {
            held.versions.drain(..shown);
        }
        if visible_at <= now {
            held.versions.clear();
        }
        held.versions.reserve_exact(1);
        held.versions.push(Version { visible_at, view: Arc::new(view) });
        self.next_id = self.next_id.max(id + 1);
        self.revision += 1;
        self.settled_at = self.settled_at.max(visible_at);
    }

    pub fn remember(&mut self, id: u64, name: Name, past: Past) {
        let history = &mut self.held.entry(id).or_default().history;
        if history.iter().filter(|(each, _)| *each == name).count() >= HISTORY_KEPT
            && let Some(oldest) = history.iter().position(|(each, _)| *each == name)
        {
            history.remove(oldest);
        }
        history.reserve_exact(1);
        history.push((name, past));
    }

    /// Past values, newest first, of a property changed since the record was made.
    pub fn history(&self, id: u64, name: &str) -> Vec<&Past> {
        let all = self.held.get(&id).map(|held| held.history.as_slice()).unwrap_or_default();
        all.iter().rev().filter(|(each, _)| **each == *name).map(|(_, past)| past).collect()
    }

    /// Who holds `value` of the unique property `name`.
    pub fn holder(&self, people: &Population, name: &str, value: &str) -> Option<u64> {
        let key = value.trim().to_lowercase();
        if let Some(id) = self.unique.get(name).and_then(|values| values.get(key.as_str())) {
            return Some(*id);
        }
        if self.kind != Kind::Contact || name != "email" {
            return None;
        }
        // Held contacts are in the index already; only untouched ones answer by rule.
        let id = self.kind.first_id() + people.crowd.contact_by_email(&key)?;
        (!self.is_held(id)).then_some(id)
    }

    pub fn claim(&mut self, name: &Name, value: &str, id: u64) {
        self.unique.entry(name.clone()).or_default().insert(value.to_lowercase().into(), id);
    }

    pub fn release(&mut self, name: &str, value: &str, id: u64) {
        let key = value.to_lowercase();
        if let Some(values) = self.unique.get_mut(name)
            && values.get(key.as_str()) == Some(&id)
        {
            values.remove(key.as_str());
        }
    }

    /// The record an id stands for after merges: itself, or the survivor.
    pub fn survivor(&self, id: u64) -> u64 {
        let mut at = id;
        // Merges never form a circle: the survivor is always a record that lives at that moment.
        while let Some(next) = self.held.get(&at).and_then(|held| held.versions.last()?.view.merged_into) {
            at = next;
        }
        at
    }
}
