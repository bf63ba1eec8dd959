//! Synthetic records: a pure function of the seed and of an index. Nothing is held for a record nobody has changed, so a
//! million contacts cost no more than a hundred. Stamps rise with the index, so a window of them is a range of indexes.

use std::ops::Range;

use super::datum::Datum;
use super::ids::{FIRST, Id};
use super::kind::Kind;
use crate::chance::pick;
use crate::clock::Millis;

/// 2024-01-01T00:00:00Z and two years on: fixed, so that a data set never depends on the day it is made.
const FIRST_STAMP: Millis = 1_704_067_200_000;
const SPAN_S: u64 = 2 * 365 * 86_400;
const CONTACTS_PER_ACCOUNT: u64 = 8;
const FIRST_NAMES: [&str; 8] = ["Ada", "Basil", "Clara", "Dario", "Edda", "Felix", "Gita", "Hugo"];
const LAST_NAMES: [&str; 8] = ["Abbott", "Becker", "Chen", "Dahl", "Eklund", "Farkas", "Garcia", "Holm"];

#[derive(Clone, Debug, Default)]
pub struct Population {
    pub seed: u64,
    pub contacts: u64,
    /// Every generated record carries the stamp of the last one.
    pub equal_stamps: bool,
}

impl Population {
    pub fn count(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Contact => self.contacts,
            Kind::Account => self.contacts.div_ceil(CONTACTS_PER_ACCOUNT),
            _ => 0,
        }
    }

    /// The index of a generated record; `None` for a number outside the population.
    pub fn index(&self, kind: Kind, number: u64) -> Option<u64> {
        number.checked_sub(FIRST).filter(|index| *index < self.count(kind))
    }

    /// `SystemModstamp` of a generated record, in whole seconds.
    pub fn stamp(&self, kind: Kind, index: u64) -> Millis {
        let step = (SPAN_S / self.count(kind).max(1)).max(1);
        let index = if self.equal_stamps { self.count(kind).saturating_sub(1) } else { index };
        FIRST_STAMP + i64::try_from(index * step * 1000).unwrap_or(0)
    }

    /// The indexes whose stamp may lie in `from..=to`.
    pub fn window(&self, kind: Kind, from: Millis, to: Millis) -> Range<u64> {
        let count = self.count(kind);
        if self.equal_stamps || count == 0 {
            return 0..count;
        }
        let step = (SPAN_S / count).max(1) * 1000;
        let after = |at: Millis| u64::try_from(at.saturating_sub(FIRST_STAMP)).unwrap_or(0) / step;
        let first = after(from).min(count);
        let end = if to < FIRST_STAMP { 0 } else { after(to).saturating_add(1).min(count) };
        first..end.max(first)
    }

    /// A generated standard field; null where the record has no value. Custom fields are never generated.
    pub fn value(&self, kind: Kind, index: u64, name: &str) -> Datum {
        match (kind, name) {
            (Kind::Contact, "FirstName") => Datum::text(pick(self.seed, 17, index, &FIRST_NAMES)),
            (Kind::Contact, "LastName") => Datum::text(pick(self.seed, 18, index, &LAST_NAMES)),
            (Kind::Contact, "Email") => {
                Datum::text(format!("person{index}@firm{}.example", index / CONTACTS_PER_ACCOUNT))
            }
            (Kind::Contact, "AccountId") => Datum::Id(Id::new(Kind::Account, FIRST + index / CONTACTS_PER_ACCOUNT)),
            (Kind::Account, "Name") => Datum::text(format!("Firm {index}")),
            (Kind::Contact | Kind::Account, "OwnerId") => Datum::Id(super::ids::SYNC_USER),
            _ => Datum::Null,
        }
    }

    /// The indexes of generated records whose indexed field has this key (see [`Datum::key`]), before any change.
    pub fn find(&self, kind: Kind, name: &str, key: &str) -> Vec<u64> {
        match (kind, name) {
            (Kind::Contact, "Email") => {
                let index = key.strip_prefix("person").and_then(|rest| rest.split_once('@')?.0.parse::<u64>().ok());
                let held = |index: &u64| {
                    *index < self.contacts && self.value(kind, *index, name).key(false).as_deref() == Some(key)
                };
                index.filter(held).into_iter().collect()
            }
            (Kind::Contact, "AccountId") => {
                let account = Id::parse(key).and_then(|id| self.index(Kind::Account, id.number));
                let range = account
                    .map_or(0..0, |account| account * CONTACTS_PER_ACCOUNT..(account + 1) * CONTACTS_PER_ACCOUNT);
                range.filter(|index| *index < self.contacts).collect()
            }
            _ => Vec::new(),
        }
    }
}
