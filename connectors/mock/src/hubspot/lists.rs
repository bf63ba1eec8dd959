//! Lists of records ("segments" in the vendor's newer prose): by hand, by filter, or filtered once.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::kind::Kind;
use crate::clock::{Millis, iso};

/// How a list gets its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filling {
    /// By whoever adds and removes.
    Manual,
    /// By a filter; nobody else may.
    Dynamic,
    /// By a filter once, then by hand.
    Snapshot,
}

impl Filling {
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "MANUAL" => Some(Self::Manual),
            "DYNAMIC" => Some(Self::Dynamic),
            "SNAPSHOT" => Some(Self::Snapshot),
            _ => None,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "MANUAL",
            Self::Dynamic => "DYNAMIC",
            Self::Snapshot => "SNAPSHOT",
        }
    }
}

#[derive(Clone, Debug)]
pub struct List {
    pub id: u64,
    pub name: String,
    pub kind: Kind,
    pub filling: Filling,
    pub created: Millis,
    pub updated: Millis,
    pub version: u64,
    pub deleted: bool,
    /// Members, and when each was added last.
    pub members: BTreeMap<u64, Millis>,
}

impl List {
    pub fn json(&self) -> Value {
        json!({
            "listId": self.id.to_string(),
            "listVersion": self.version,
            "name": self.name,
            "objectTypeId": self.kind.type_id(),
            "processingType": self.filling.as_str(),
            "processingStatus": "COMPLETE",
            "createdAt": iso(self.created),
            "updatedAt": iso(self.updated),
            "filtersUpdatedAt": iso(self.created),
            "createdById": "77",
            "updatedById": "77",
        })
    }
}

/// The lists of a portal.
#[derive(Debug, Default)]
pub struct Lists {
    all: BTreeMap<u64, List>,
}

const FIRST_ID: u64 = 57;

impl Lists {
    pub fn get(&self, id: u64) -> Option<&List> {
        self.all.get(&id).filter(|list| !list.deleted)
    }

    pub fn get_mut(&mut self, id: u64) -> Option<&mut List> {
        self.all.get_mut(&id).filter(|list| !list.deleted)
    }

    /// Also one that is deleted and may be restored.
    pub fn any_mut(&mut self, id: u64) -> Option<&mut List> {
        self.all.get_mut(&id)
    }

    pub fn live(&self) -> impl Iterator<Item = &List> {
        self.all.values().filter(|list| !list.deleted)
    }

    /// Names are compared as people read them.
    pub fn named(&self, kind: Kind, name: &str) -> Option<&List> {
        self.live().find(|list| list.kind == kind && list.name.eq_ignore_ascii_case(name))
    }

    pub fn make(&mut self, name: &str, kind: Kind, filling: Filling, now: Millis) -> &List {
        let id = self.all.keys().next_back().map_or(FIRST_ID, |last| last + 1);
        let members = BTreeMap::new();
        let list = List {
            id,
            name: name.to_owned(),
            kind,
            filling,
            created: now,
            updated: now,
            version: 1,
            deleted: false,
            members,
        };
        self.all.entry(id).or_insert(list)
    }

    /// A merge puts the survivor where any of those were who became it.
    pub fn merged(&mut self, kind: Kind, gone: &[u64], survivor: u64) {
        for list in self.all.values_mut().filter(|list| list.kind == kind) {
            let added = gone.iter().filter(|id| **id != survivor).filter_map(|id| list.members.remove(id)).min();
            if let Some(at) = added {
                list.members.entry(survivor).or_insert(at);
            }
        }
    }
}
