//! The records of one object: generated ones by rule, changed ones held, each with the versions that readers may still
//! be seeing while a newer one waits to become visible.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::datum::Datum;
use super::ids::{FIRST, Id};
use super::kind::Kind;
use super::population::Population;
use super::schema::{FieldId, FieldType, Schema};
use crate::clock::{Millis, whole_second};

/// Fields every schema begins with, in this order (objects without one have it removed).
pub const ID: FieldId = 0;
pub const IS_DELETED: FieldId = 1;
pub const CREATED_DATE: FieldId = 2;
pub const CREATED_BY: FieldId = 3;
pub const LAST_MODIFIED_DATE: FieldId = 4;
pub const LAST_MODIFIED_BY: FieldId = 5;
pub const SYSTEM_MODSTAMP: FieldId = 6;

/// Who made the generated records: the first of the people who sell, never the integration.
const MAKER: Id = Id::new(Kind::User, FIRST);

/// The state of a held record. A field without a cell has its generated value, or none; a null cell was cleared.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Sorted by field.
    cells: Vec<(FieldId, Datum)>,
    pub created: Millis,
    pub created_by: Id,
    pub modified: Millis,
    pub modified_by: Id,
    /// `SystemModstamp`: whole seconds, moved by every write, the CRM's own included.
    pub stamp: Millis,
    pub deleted: bool,
    /// Hard-deleted: seen by nobody, not by `queryAll` either.
    pub gone: bool,
}

impl Row {
    pub fn new(at: Millis, by: Id) -> Self {
        let at = whole_second(at);
        Self {
            cells: Vec::new(),
            created: at,
            created_by: by,
            modified: at,
            modified_by: by,
            stamp: at,
            deleted: false,
            gone: false,
        }
    }

    pub fn cell(&self, field: FieldId) -> Option<&Datum> {
        let at = self.cells.binary_search_by_key(&field, |(each, _)| *each).ok()?;
        self.cells.get(at).map(|(_, datum)| datum)
    }

    pub fn set(&mut self, field: FieldId, datum: Datum) {
        match self.cells.binary_search_by_key(&field, |(each, _)| *each) {
            Ok(at) => {
                if let Some(cell) = self.cells.get_mut(at) {
                    cell.1 = datum;
                }
            }
            Err(at) => {
                self.cells.reserve_exact(1);
                self.cells.insert(at, (field, datum));
            }
        }
    }
}

#[derive(Clone, Debug)]
struct Version {
    /// When readers see it.
    visible_at: Millis,
    row: Arc<Row>,
}

/// All a table knows of one held record; opaque outside, for savepoints.
#[derive(Clone, Debug)]
pub struct Held {
    latest: Version,
    /// Older versions some reader may still see, oldest first.
    earlier: Vec<Version>,
}

impl Held {
    fn visible(&self, now: Millis) -> Option<&Row> {
        if self.latest.visible_at <= now {
            return Some(&self.latest.row);
        }
        self.earlier.iter().rev().find(|version| version.visible_at <= now).map(|version| &*version.row)
    }

    fn versions(&self) -> impl Iterator<Item = &Version> {
        self.earlier.iter().chain(std::iter::once(&self.latest))
    }
}

/// Whose eyes a record is seen with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// The write path and the control plane: the newest version, visible yet or not.
    Latest,
    /// Every read: what had become visible by this instant.
    At(Millis),
}

/// One record as somebody sees it. Deleted ones are seen (ask [`Seen::is_deleted`]); hard-deleted ones are not.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    pub kind: Kind,
    pub number: u64,
    schema: &'a Schema,
    people: &'a Population,
    row: Option<&'a Row>,
    /// Its place in the population, when it was generated.
    index: Option<u64>,
}

impl<'a> Seen<'a> {
    pub fn id(&self) -> Id {
        Id::new(self.kind, self.number)
    }

    pub fn is_deleted(&self) -> bool {
        self.row.is_some_and(|row| row.deleted)
    }

    /// `SystemModstamp`.
    pub fn stamp(&self) -> Millis {
        self.row.map_or_else(|| self.generated_stamp(), |row| row.stamp)
    }

    fn generated_stamp(&self) -> Millis {
        self.index.map_or(0, |index| self.people.stamp(self.kind, index))
    }

    /// A field's value. Compound addresses are null here; `render` puts them together.
    pub fn get(&self, field: FieldId) -> Datum {
        if field <= SYSTEM_MODSTAMP {
            return self.system(field);
        }
        if let Some(datum) = self.row.and_then(|row| row.cell(field)) {
            return datum.clone();
        }
        let Some(definition) = self.schema.field(field) else { return Datum::Null };
        if definition.calculated && &*definition.name == "Name" {
            return self.full_name();
        }
        let generated = match self.index {
            Some(index) if !definition.custom => self.people.value(self.kind, index, &definition.name),
            _ => Datum::Null,
        };
        // A checkbox is never null.
        if definition.ty == FieldType::Boolean && generated.is_null() { Datum::Bool(false) } else { generated }
    }

    /// A field's value by its name; null for one the object does not have.
    pub fn named(&self, name: &str) -> Datum {
        self.schema.any(name).map_or(Datum::Null, |(field, _)| self.get(field))
    }

    /// A copy to change.
    pub fn to_row(self) -> Row {
        self.row.cloned().unwrap_or_else(|| Row::new(self.generated_stamp(), MAKER))
    }

    fn system(&self, field: FieldId) -> Datum {
        let stamp = |of: fn(&Row) -> Millis| Datum::Instant(self.row.map_or_else(|| self.generated_stamp(), of));
        let user = |of: fn(&Row) -> Id| Datum::Id(self.row.map_or(MAKER, of));
        match field {
            ID => Datum::Id(self.id()),
            IS_DELETED => Datum::Bool(self.is_deleted()),
            CREATED_DATE => stamp(|row| row.created),
            CREATED_BY => user(|row| row.created_by),
            LAST_MODIFIED_DATE => stamp(|row| row.modified),
            LAST_MODIFIED_BY => user(|row| row.modified_by),
            _ => Datum::Instant(self.stamp()),
        }
    }

    fn full_name(&self) -> Datum {
        let parts = [self.named("FirstName"), self.named("LastName")];
        let words: Vec<&str> = parts.iter().filter_map(Datum::as_str).collect();
        Datum::text(words.join(" "))
    }
}

/// A removal as `/deleted/` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletion {
    pub at: Millis,
    pub number: u64,
    pub visible_at: Millis,
}

#[derive(Clone, Debug)]
enum Holders {
    One(u64),
    Many(BTreeSet<u64>),
}

#[derive(Debug)]
pub struct Table {
    kind: Kind,
    held: BTreeMap<u64, Held>,
    next: u64,
    /// Every version readers may see, by its stamp.
    stamps: BTreeSet<(Millis, u64)>,
    index: HashMap<FieldId, HashMap<Box<str>, Holders>>,
    /// Oldest first. Undeleting takes nothing out: readers ask whether the record is deleted now.
    pub deletions: Vec<Deletion>,
    /// Deletions before this were purged from the log; 0 when none were.
    pub purged_before: Millis,
    /// Records whose newest version readers may not see yet.
    hidden: Vec<u64>,
    /// Rises with every change.
    pub revision: u64,
}

impl Table {
    pub fn new(kind: Kind, people: &Population) -> Self {
        Self {
            kind,
            held: BTreeMap::new(),
            next: FIRST + people.count(kind),
            stamps: BTreeSet::new(),
            index: HashMap::new(),
            deletions: Vec::new(),
            purged_before: 0,
            hidden: Vec::new(),
            revision: 0,
        }
    }

    pub fn fresh_number(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
    }

    pub fn is_held(&self, number: u64) -> bool {
        self.held.contains_key(&number)
    }

    pub fn held_count(&self) -> usize {
        self.held.len()
    }

    pub fn seen<'a>(
        &'a self,
        schema: &'a Schema,
        people: &'a Population,
        number: u64,
        sight: Sight,
    ) -> Option<Seen<'a>> {
        let index = people.index(self.kind, number);
        let row = match self.held.get(&number) {
            None => None,
            Some(held) => match sight {
                Sight::Latest => Some(&*held.latest.row),
                Sight::At(now) => held.visible(now),
            },
        };
        let exists = row.map_or(index.is_some(), |row| !row.gone);
        exists.then_some(Seen { kind: self.kind, number, schema, people, row, index })
    }

    /// All numbers above `after` in order, whatever the records' state.
    pub fn numbers<'a>(&'a self, people: &Population, after: Option<u64>) -> impl Iterator<Item = u64> + use<'a> {
        let start = after.map_or(0, |after| after.saturating_add(1));
        let end = FIRST + people.count(self.kind);
        let outside = |held: &u64| *held < FIRST;
        let low = self.held.range(start.min(FIRST)..FIRST).map(|(number, _)| *number).filter(outside);
        let high = self.held.range(start.max(end)..).map(|(number, _)| *number);
        low.filter(move |number| *number >= start).chain(start.max(FIRST)..end.max(start.max(FIRST))).chain(high)
    }

    /// `(SystemModstamp, number)` of held versions from `from` to `to`, both included, in order. A record with a hidden
    /// newer version may come at both stamps.
    pub fn held_stamps(&self, from: Millis, to: Millis) -> impl Iterator<Item = (Millis, u64)> + '_ {
        let empty = from > to;
        let range = if empty { (0, 1)..(0, 1) } else { (from, 0)..(to.saturating_add(1), 0) };
        self.stamps.range(range).copied()
    }

    /// Held records that have, or had until a hidden change, this key in an indexed field.
    pub fn held_by_key(&self, field: FieldId, key: &str) -> Vec<u64> {
        match self.index.get(&field).and_then(|keys| keys.get(key)) {
            None => Vec::new(),
            Some(Holders::One(number)) => vec![*number],
            Some(Holders::Many(numbers)) => numbers.iter().copied().collect(),
        }
    }

    /// Stores a new version, which readers see from `visible_at`.
    pub fn put(
        &mut self,
        (schema, people): (&Schema, &Population),
        number: u64,
        row: Row,
        now: Millis,
        visible_at: Millis,
    ) {
        let version = Version { visible_at, row: Arc::new(row) };
        let held = match self.take(schema, people, number) {
            None => Held { latest: version, earlier: Vec::new() },
            Some(mut held) => {
                held.earlier.push(std::mem::replace(&mut held.latest, version));
                // Versions before the one readers see now will never be asked for again.
                if visible_at <= now {
                    held.earlier.clear();
                } else if let Some(shown) = held.earlier.iter().rposition(|each| each.visible_at <= now) {
                    held.earlier.drain(..shown);
                }
                held
            }
        };
        self.next = self.next.max(number.saturating_add(1));
        let old = &self.held;
        self.hidden.retain(|each| *each != number && old.get(each).is_some_and(|held| held.latest.visible_at > now));
        if visible_at > now {
            self.hidden.push(number);
        }
        self.restore(schema, people, number, Some(held));
    }

    /// The earliest stamp among changes that readers do not see yet.
    pub fn earliest_hidden(&self, now: Millis) -> Option<Millis> {
        let held = self.hidden.iter().filter_map(|number| self.held.get(number));
        held.filter(|held| held.latest.visible_at > now).map(|held| held.latest.row.stamp).min()
    }

    /// Everything held of a record, to put back if the transaction fails.
    pub fn snapshot(&self, number: u64) -> Option<Held> {
        self.held.get(&number).cloned()
    }

    /// Puts a snapshot back.
    pub fn roll_back(&mut self, schema: &Schema, people: &Population, number: u64, held: Option<Held>) {
        self.take(schema, people, number);
        self.restore(schema, people, number, held);
    }

    fn take(&mut self, schema: &Schema, people: &Population, number: u64) -> Option<Held> {
        let held = self.held.remove(&number)?;
        for version in held.versions() {
            self.stamps.remove(&(version.row.stamp, number));
            for (field, key) in self.keys(schema, people, number, &version.row) {
                let Some(keys) = self.index.get_mut(&field) else { continue };
                let left = match keys.get_mut(key.as_str()) {
                    Some(Holders::Many(numbers)) => {
                        numbers.remove(&number);
                        !numbers.is_empty()
                    }
                    Some(Holders::One(one)) => *one != number,
                    None => true,
                };
                if !left {
                    keys.remove(key.as_str());
                }
            }
        }
        Some(held)
    }

    fn restore(&mut self, schema: &Schema, people: &Population, number: u64, held: Option<Held>) {
        self.revision += 1;
        let Some(held) = held else { return };
        for version in held.versions() {
            self.stamps.insert((version.row.stamp, number));
            for (field, key) in self.keys(schema, people, number, &version.row) {
                let keys = self.index.entry(field).or_default();
                match keys.get_mut(key.as_str()) {
                    None => {
                        keys.insert(key.into_boxed_str(), Holders::One(number));
                    }
                    Some(holders) => match holders {
                        Holders::One(one) if *one == number => {}
                        Holders::One(one) => *holders = Holders::Many(BTreeSet::from([*one, number])),
                        Holders::Many(numbers) => {
                            numbers.insert(number);
                        }
                    },
                }
            }
        }
        self.held.insert(number, held);
    }

    fn keys(&self, schema: &Schema, people: &Population, number: u64, row: &Row) -> Vec<(FieldId, String)> {
        let index = people.index(self.kind, number);
        let seen = Seen { kind: self.kind, number, schema, people, row: Some(row), index };
        let indexed = schema.all_fields().filter(|(field, each)| *field > SYSTEM_MODSTAMP && each.is_indexed());
        indexed.filter_map(|(field, each)| Some((field, seen.get(field).key(each.case_sensitive)?))).collect()
    }

    /// Builds the index of a field that became indexed after records were held.
    pub fn reindex(&mut self, schema: &Schema, people: &Population) {
        self.index.clear();
        self.stamps.clear();
        for (number, held) in std::mem::take(&mut self.held) {
            self.restore(schema, people, number, Some(held));
        }
    }
}
