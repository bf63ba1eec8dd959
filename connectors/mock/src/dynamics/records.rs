//! The rows of one table: generated ones by rule, changed ones held, each found by id, by stamp, by version and by its
//! indexed columns.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::datum::Datum;
use super::guid::Guid;
use super::kind::Kind;
use super::population::Population;
use super::schema::{ColumnId, Schema};
use crate::clock::{Millis, whole_second};
use crate::versions::{self, Sight};

/// Columns every table begins with, in this order.
pub const ID: ColumnId = 0;
pub const CREATED_ON: ColumnId = 1;
pub const CREATED_BY: ColumnId = 2;
pub const MODIFIED_ON: ColumnId = 3;
pub const MODIFIED_BY: ColumnId = 4;
pub const VERSION: ColumnId = 5;

/// The state of a held row. A column without a cell has its generated value, or none; a null cell was cleared.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Sorted by column.
    cells: Vec<(ColumnId, Datum)>,
    pub created: Millis,
    pub created_by: Guid,
    /// Whole seconds, moved by every write, also by one that changes nothing.
    pub modified: Millis,
    pub modified_by: Guid,
    /// Rises with every write in the whole org.
    pub version: i64,
    pub deleted: bool,
}

impl Row {
    pub fn new(at: Millis, by: Guid) -> Self {
        let at = whole_second(at);
        Self {
            cells: Vec::new(),
            created: at,
            created_by: by,
            modified: at,
            modified_by: by,
            version: 0,
            deleted: false,
        }
    }

    pub fn cell(&self, column: ColumnId) -> Option<&Datum> {
        let at = self.cells.binary_search_by_key(&column, |(each, _)| *each).ok()?;
        self.cells.get(at).map(|(_, datum)| datum)
    }

    pub fn set(&mut self, column: ColumnId, datum: Datum) {
        match self.cells.binary_search_by_key(&column, |(each, _)| *each) {
            Ok(at) => {
                if let Some(cell) = self.cells.get_mut(at) {
                    cell.1 = datum;
                }
            }
            Err(at) => {
                self.cells.reserve_exact(1);
                self.cells.insert(at, (column, datum));
            }
        }
    }
}

pub type Held = versions::Held<Row>;

#[derive(Debug)]
pub struct Table {
    pub kind: Kind,
    held: BTreeMap<Guid, Held>,
    next: u64,
    /// Every version readers may see: by its stamp, and by its number.
    stamps: BTreeSet<(Millis, Guid)>,
    numbers: BTreeSet<(i64, Guid)>,
    index: HashMap<ColumnId, HashMap<Box<str>, BTreeSet<Guid>>>,
    /// Rows whose newest version readers may not see yet.
    hidden: Vec<Guid>,
    /// Deletions up to this version were forgotten: 0 when none were.
    pub forgotten: i64,
}

impl Table {
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            held: BTreeMap::new(),
            next: 1,
            stamps: BTreeSet::new(),
            numbers: BTreeSet::new(),
            index: HashMap::new(),
            hidden: Vec::new(),
            forgotten: 0,
        }
    }

    /// An id nobody has.
    pub fn fresh_id(&mut self) -> Guid {
        loop {
            let id = Guid::made(self.kind, self.next);
            self.next += 1;
            if !self.held.contains_key(&id) {
                return id;
            }
        }
    }

    pub fn is_held(&self, id: Guid) -> bool {
        self.held.contains_key(&id)
    }

    /// The held row as somebody sees it, deleted or not. The outer option: whether anything is held of it.
    pub fn held(&self, id: Guid, sight: Sight) -> Option<Option<&Row>> {
        self.held.get(&id).map(|held| held.seen(sight))
    }

    /// All ids above `after` in order, whatever became of the rows.
    pub fn ids<'a>(&'a self, people: &Population, after: Option<Guid>) -> impl Iterator<Item = Guid> + use<'a> {
        let kind = self.kind;
        let count = people.count(kind);
        let first = Guid::generated(kind, 0);
        let end = Guid::generated(kind, count);
        let start = after.map_or(Guid::NIL, |after| Guid(after.0.saturating_add(1)));
        let low = self.held.range(start.min(first)..first).map(|(id, _)| *id).filter(move |id| *id >= start);
        let from = if start <= first {
            0
        } else if start >= end {
            count
        } else {
            u64::try_from(start.0 - first.0).unwrap_or(count)
        };
        let middle = (from..count).map(move |index| Guid::generated(kind, index));
        let high = self.held.range(start.max(end)..).map(|(id, _)| *id);
        low.chain(middle).chain(high)
    }

    /// `(modifiedon, id)` of held versions from `from` to `to`, both included, in order.
    pub fn held_stamps(&self, from: Millis, to: Millis) -> impl Iterator<Item = (Millis, Guid)> + '_ {
        let range =
            if from > to { (0, Guid(1))..(0, Guid(1)) } else { (from, Guid::NIL)..(to.saturating_add(1), Guid::NIL) };
        self.stamps.range(range).copied()
    }

    /// `(version, id)` of held versions above `since`, in order.
    pub fn changes_after(&self, since: i64) -> impl Iterator<Item = (i64, Guid)> + '_ {
        self.numbers.range((since.saturating_add(1), Guid::NIL)..).copied()
    }

    /// Held rows that have, or had until a hidden change, this key in an indexed column.
    pub fn held_by_key(&self, column: ColumnId, key: &str) -> Vec<Guid> {
        let found = self.index.get(&column).and_then(|keys| keys.get(key));
        found.map_or_else(Vec::new, |ids| ids.iter().copied().collect())
    }

    /// Stores a new version, which readers see from `visible_at`.
    pub fn put(
        &mut self,
        (schema, people): (&Schema, &Population),
        id: Guid,
        row: Row,
        now: Millis,
        visible_at: Millis,
    ) {
        let before = self.take(schema, people, id);
        let held = Held::grown(before, row, now, visible_at);
        let all = &self.held;
        self.hidden.retain(|each| *each != id && all.get(each).is_some_and(|held| held.visible_at() > now));
        if visible_at > now {
            self.hidden.push(id);
        }
        self.restore(schema, people, id, Some(held));
    }

    /// The smallest version among changes that readers do not see yet.
    pub fn earliest_hidden(&self, now: Millis) -> Option<i64> {
        let held = self.hidden.iter().filter_map(|id| self.held.get(id));
        held.filter(|held| held.visible_at() > now).map(|held| held.latest().version).min()
    }

    /// Everything held of a row, to put back if the transaction fails.
    pub fn snapshot(&self, id: Guid) -> Option<Held> {
        self.held.get(&id).cloned()
    }

    /// Puts a snapshot back.
    pub fn roll_back(&mut self, schema: &Schema, people: &Population, id: Guid, held: Option<Held>) {
        self.take(schema, people, id);
        self.restore(schema, people, id, held);
    }

    fn take(&mut self, schema: &Schema, people: &Population, id: Guid) -> Option<Held> {
        let held = self.held.remove(&id)?;
        for row in held.rows() {
            self.stamps.remove(&(row.modified, id));
            self.numbers.remove(&(row.version, id));
            for (column, key) in keys(self.kind, schema, people, id, row) {
                let Some(keys) = self.index.get_mut(&column) else { continue };
                if let Some(ids) = keys.get_mut(key.as_str()) {
                    ids.remove(&id);
                    if ids.is_empty() {
                        keys.remove(key.as_str());
                    }
                }
            }
        }
        Some(held)
    }

    fn restore(&mut self, schema: &Schema, people: &Population, id: Guid, held: Option<Held>) {
        let Some(held) = held else { return };
        for row in held.rows() {
            self.stamps.insert((row.modified, id));
            self.numbers.insert((row.version, id));
            for (column, key) in keys(self.kind, schema, people, id, row) {
                self.index.entry(column).or_default().entry(key.into_boxed_str()).or_default().insert(id);
            }
        }
        self.held.insert(id, held);
    }

    /// Builds the index again, after a column became indexed.
    pub fn reindex(&mut self, schema: &Schema, people: &Population) {
        self.index.clear();
        self.stamps.clear();
        self.numbers.clear();
        for (id, held) in std::mem::take(&mut self.held) {
            self.restore(schema, people, id, Some(held));
        }
    }
}

fn keys(kind: Kind, schema: &Schema, people: &Population, id: Guid, row: &Row) -> Vec<(ColumnId, String)> {
    let generated = people.index(kind, id);
    let indexed = schema.columns().filter(|(column, each)| *column > VERSION && each.indexed);
    let value = |column: ColumnId, name: &str, custom: bool| match (row.cell(column), generated) {
        (Some(datum), _) => datum.key(),
        (None, Some(index)) if !custom => people.value(kind, index, name).key(),
        _ => None,
    };
    indexed.filter_map(|(column, each)| Some((column, value(column, &each.logical, each.custom)?))).collect()
}
