//! The records of one module: generated ones by rule, changed ones held, each with the versions that readers or the search
//! index may still be seeing while a newer one waits to become visible.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::catalogue::{CREATED_BY, CREATED_TIME, ID, LAST_ACTIVITY_TIME, MODIFIED_BY, MODIFIED_TIME};
use super::datum::Datum;
use super::ids;
use super::kind::Kind;
use super::population::Population;
use super::schema::{FieldId, FieldType, Schema};
use crate::clock::{Millis, whole_second};

/// Who made the generated records: the first of the people who sell, never the integration.
const MAKER: u64 = ids::user(1);

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Live,
    /// In the recycle bin, since when and by whom.
    Recycled {
        at: Millis,
        by: u64,
    },
    /// For good.
    Erased {
        at: Millis,
    },
}

/// The state of a held record. A field without a cell has its generated value, or none; a null cell was cleared.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Sorted by field.
    cells: Vec<(FieldId, Datum)>,
    pub created: Millis,
    pub created_by: u64,
    /// `Modified_Time`, in whole seconds.
    pub modified: Millis,
    pub modified_by: u64,
    /// `Last_Activity_Time`: also moved by what leaves `Modified_Time` alone.
    pub active: Millis,
    pub fate: Fate,
}

impl Row {
    pub fn new(at: Millis, by: u64) -> Self {
        let at = whole_second(at);
        Self {
            cells: Vec::new(),
            created: at,
            created_by: by,
            modified: at,
            modified_by: by,
            active: at,
            fate: Fate::Live,
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
    /// When readers see it, and when a search finds it.
    visible_at: Millis,
    indexed_at: Millis,
    row: Arc<Row>,
}

/// Whose eyes a record is seen with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// The write path and the control plane: the newest version.
    Latest,
    /// Readers: what had become visible by this instant.
    At(Millis),
    /// The search index at this instant.
    Index(Millis),
}

impl Sight {
    fn sees(self, version: &Version) -> bool {
        match self {
            Self::Latest => true,
            Self::At(now) => version.visible_at <= now,
            Self::Index(now) => version.indexed_at <= now,
        }
    }
}

/// One record as somebody sees it, deleted or not.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    pub kind: Kind,
    pub id: u64,
    schema: &'a Schema,
    people: &'a Population,
    row: Option<&'a Row>,
    index: Option<u64>,
}

impl Seen<'_> {
    pub fn fate(&self) -> Fate {
        self.row.map_or(Fate::Live, |row| row.fate)
    }

    pub fn is_live(&self) -> bool {
        self.fate() == Fate::Live
    }

    pub fn modified(&self) -> Millis {
        self.row.map_or_else(|| self.generated_stamp(), |row| row.modified)
    }

    pub fn created(&self) -> Millis {
        self.row.map_or_else(|| self.generated_stamp(), |row| row.created)
    }

    fn generated_stamp(&self) -> Millis {
        self.index.map_or(0, |index| self.people.stamp(self.kind, index))
    }

    pub fn get(&self, field: FieldId) -> Datum {
        match field {
            ID => return Datum::Ref(self.id),
            CREATED_TIME => return Datum::Instant(self.created()),
            MODIFIED_TIME => return Datum::Instant(self.modified()),
            LAST_ACTIVITY_TIME => return Datum::Instant(self.row.map_or_else(|| self.modified(), |row| row.active)),
            CREATED_BY => return Datum::Ref(self.row.map_or(MAKER, |row| row.created_by)),
            MODIFIED_BY => return Datum::Ref(self.row.map_or(MAKER, |row| row.modified_by)),
            _ => {}
        }
        if let Some(datum) = self.row.and_then(|row| row.cell(field)) {
            return datum.clone();
        }
        let Some(definition) = self.schema.field(field) else { return Datum::Null };
        match &*definition.name {
            "Full_Name" => return self.full_name(),
            "Expected_Revenue" => return self.expected_revenue(),
            _ => {}
        }
        let generated = match self.index {
            Some(index) if !definition.custom => self.people.value(self.kind, index, &definition.name),
            _ => Datum::Null,
        };
        // A checkbox is never null.
        if definition.ty == FieldType::Boolean && generated.is_null() { Datum::Bool(false) } else { generated }
    }

    /// A field's value by its name; null for one the module does not have.
    pub fn named(&self, name: &str) -> Datum {
        self.schema.get(name).map_or(Datum::Null, |(field, _)| self.get(field))
    }

    /// What people call the record.
    pub fn title(&self) -> String {
        self.named(self.kind.display_field()).plain(0)
    }

    /// A copy to change.
    pub fn to_row(self) -> Row {
        self.row.cloned().unwrap_or_else(|| Row::new(self.generated_stamp(), MAKER))
    }

    fn full_name(&self) -> Datum {
        let parts = [self.named("First_Name"), self.named("Last_Name")];
        let words: Vec<&str> = parts.iter().filter_map(Datum::as_str).collect();
        Datum::text(words.join(" "))
    }

    fn expected_revenue(&self) -> Datum {
        match (self.named("Amount"), self.named("Probability")) {
            (Datum::Number(amount), Datum::Int(percent)) => {
                let hundred = rust_decimal::Decimal::ONE_HUNDRED;
                let share = rust_decimal::Decimal::from(percent).checked_div(hundred).unwrap_or_default();
                amount.checked_mul(share).map_or(Datum::Null, |product| Datum::Number(product.round_dp(2)))
            }
            _ => Datum::Null,
        }
    }
}

/// A removal as the deleted-records endpoint tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletion {
    pub at: Millis,
    pub id: u64,
}

#[derive(Debug)]
pub struct Table {
    kind: Kind,
    held: BTreeMap<u64, Vec<Version>>,
    next: u64,
    /// Every version somebody may see, by its stamp.
    stamps: BTreeSet<(Millis, u64)>,
    index: HashMap<FieldId, HashMap<Box<str>, BTreeSet<u64>>>,
    /// Latest deletion of each record, oldest first. Restoring takes nothing out: readers ask what became of the record.
    pub deletions: Vec<Deletion>,
}

impl Table {
    pub fn new(kind: Kind, people: &Population) -> Self {
        Self {
            kind,
            held: BTreeMap::new(),
            next: ids::record(kind, people.count(kind)),
            stamps: BTreeSet::new(),
            index: HashMap::new(),
            deletions: Vec::new(),
        }
    }

    pub fn fresh_id(&mut self) -> u64 {
        let id = self.next;
        self.next += 1;
        id
    }

    pub fn is_held(&self, id: u64) -> bool {
        self.held.contains_key(&id)
    }

    pub fn seen<'a>(&'a self, schema: &'a Schema, people: &'a Population, id: u64, sight: Sight) -> Option<Seen<'a>> {
        let index = people.index(self.kind, id);
        let row = match self.held.get(&id) {
            None => None,
            Some(versions) => versions.iter().rev().find(|version| sight.sees(version)).map(|version| &*version.row),
        };
        (row.is_some() || index.is_some()).then_some(Seen { kind: self.kind, id, schema, people, row, index })
    }

    /// Ids of generated records; held ones outside the population come from [`Table::made`].
    pub fn generated(&self, people: &Population) -> std::ops::Range<u64> {
        let first = ids::first(self.kind);
        first..first + people.count(self.kind)
    }

    /// Ids of records made since, in order.
    pub fn made(&self, people: &Population) -> impl DoubleEndedIterator<Item = u64> + '_ {
        self.held.range(self.generated(people).end..).map(|(id, _)| *id)
    }

    /// Ids of records that are not as the seed makes them.
    pub fn held_ids(&self) -> impl Iterator<Item = u64> + '_ {
        self.held.keys().copied()
    }

    /// All ids in order, whatever the records' state.
    pub fn all_ids(&self, people: &Population) -> impl DoubleEndedIterator<Item = u64> + '_ {
        self.generated(people).chain(self.made(people))
    }

    /// `(Modified_Time, id)` of held versions with a stamp in the range, in order.
    pub fn held_stamps(&self, from: Millis, to: Millis) -> impl DoubleEndedIterator<Item = (Millis, u64)> + '_ {
        let range = if from > to { (0, 1)..(0, 1) } else { (from, 0)..(to.saturating_add(1), 0) };
        self.stamps.range(range).copied()
    }

    /// Held records that have this key in an indexed field in some version that is still seen.
    pub fn held_by_key(&self, field: FieldId, key: &str) -> Vec<u64> {
        let held = self.index.get(&field).and_then(|keys| keys.get(key));
        held.map(|ids| ids.iter().copied().collect()).unwrap_or_default()
    }

    /// Stores a new version.
    pub fn put(
        &mut self,
        (schema, people): (&Schema, &Population),
        id: u64,
        row: Row,
        now: Millis,
        (visible_at, indexed_at): (Millis, Millis),
    ) {
        let mut versions = self.take(schema, people, id);
        versions.push(Version { visible_at, indexed_at, row: Arc::new(row) });
        // What lies before a version that everybody sees will never be asked for again.
        let settled = |version: &Version| version.visible_at <= now && version.indexed_at <= now;
        if let Some(shown) = versions.iter().rposition(settled) {
            versions.drain(..shown);
        }
        self.next = self.next.max(id.saturating_add(1));
        self.file(schema, people, id, versions);
    }

    fn take(&mut self, schema: &Schema, people: &Population, id: u64) -> Vec<Version> {
        let Some(versions) = self.held.remove(&id) else { return Vec::with_capacity(1) };
        for version in &versions {
            self.stamps.remove(&(version.row.modified, id));
            for (field, key) in self.keys(schema, people, id, &version.row) {
                let Some(keys) = self.index.get_mut(&field) else { continue };
                if let Some(ids) = keys.get_mut(key.as_str()) {
                    ids.remove(&id);
                    if ids.is_empty() {
                        keys.remove(key.as_str());
                    }
                }
            }
        }
        versions
    }

    fn file(&mut self, schema: &Schema, people: &Population, id: u64, versions: Vec<Version>) {
        for version in &versions {
            self.stamps.insert((version.row.modified, id));
            for (field, key) in self.keys(schema, people, id, &version.row) {
                self.index.entry(field).or_default().entry(key.into_boxed_str()).or_default().insert(id);
            }
        }
        self.held.insert(id, versions);
    }

    fn keys(&self, schema: &Schema, people: &Population, id: u64, row: &Row) -> Vec<(FieldId, String)> {
        let index = people.index(self.kind, id);
        let seen = Seen { kind: self.kind, id, schema, people, row: Some(row), index };
        let indexed = schema.all().filter(|(field, each)| *field > LAST_ACTIVITY_TIME && each.is_indexed());
        indexed.filter_map(|(field, _)| Some((field, seen.get(field).key()?))).collect()
    }

    /// Files every held record anew, after a field became a key.
    pub fn reindex(&mut self, schema: &Schema, people: &Population) {
        self.index.clear();
        self.stamps.clear();
        for (id, versions) in std::mem::take(&mut self.held) {
            self.file(schema, people, id, versions);
        }
    }
}
