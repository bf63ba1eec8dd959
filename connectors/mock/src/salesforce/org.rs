//! The org: everything one Salesforce account holds, and the ways to look at it.
//!
//! Who may call what: reads (query, replication, retrieval) look with [`Sight::At`]`(core.now)` and never see what a
//! commit delay hides; the write path and the control plane look with [`Sight::Latest`]. Nobody but `write` changes a
//! record: single, collection, composite, bulk and control actions all call [`Org::insert`], [`Org::update`],
//! [`Org::upsert`] and [`Org::delete`] there.

use serde_json::{Map, Value};

use super::auth::Sessions;
use super::bulk::Bulk;
use super::catalogue;
use super::cursors::Cursors;
use super::datum::Datum;
use super::ids::{FIRST, Id};
use super::kind::Kind;
use super::knobs::Knobs;
use super::limits::Limits;
use super::locks::Locks;
use super::population::Population;
use super::records::{Held, Seen, Sight, Table};
use super::schema::{FieldId, Schema};
use super::setup;
use super::workflows::Was;
use crate::clock::Millis;
use crate::crowd::Crowd;
use crate::desk::Core;
use crate::journal::Journal;
use crate::knobs;
use crate::options::{Options, StartError};
use crate::stamp_order;

pub struct Org {
    pub people: Population,
    schemas: Vec<Schema>,
    tables: Vec<Table>,
    pub sessions: Sessions,
    pub limits: Limits,
    pub knobs: Knobs,
    pub bulk: Bulk,
    pub locks: Locks,
    pub cursors: Cursors,
    /// What this request wrote, in order: for automation that runs once it is answered. Emptied after every request.
    pub written: Vec<(Kind, u64, Vec<Was>)>,
    /// The people who sell: assignment rules choose among them.
    pub reps: Vec<Id>,
    journal: Journal<Mark, (Kind, u64, Option<Held>)>,
}

/// How far the logs reached when a transaction began.
#[derive(Debug)]
struct Mark {
    ledger_lines: usize,
    written: usize,
    deletions: Vec<usize>,
}

impl Org {
    pub fn new(core: &mut Core, options: &Options) -> Result<Self, StartError> {
        let contacts = options.contacts();
        let people = Population { crowd: Crowd { seed: options.seed, contacts }, equal_stamps: false };
        let mut org = Self {
            schemas: Kind::ALL.iter().map(|kind| catalogue::schema(*kind)).collect(),
            tables: Kind::ALL.iter().map(|kind| Table::new(*kind, &people)).collect(),
            people,
            sessions: Sessions::default(),
            limits: Limits::default(),
            knobs: Knobs::default(),
            bulk: Bulk::default(),
            locks: Locks::default(),
            cursors: Cursors::default(),
            written: Vec::new(),
            reps: Vec::new(),
            journal: Journal::default(),
        };
        setup::furnish(&mut org, core);
        if contacts > 0 || options.seed_dir.is_none() {
            setup::hire(&mut org, core);
        }
        if let Some(folder) = &options.seed_dir {
            org.load_exports(core, folder)?;
        }
        Ok(org)
    }

    pub fn configure(&mut self, core: &Core, patch: Map<String, Value>) -> Result<(), String> {
        let knobs = knobs::patched(&self.knobs, patch)?;
        knobs.check()?;
        if let Some(fault) =
            knobs.workflows.iter().find_map(|rule| rule.fault(|object| super::rep_request::kind_of(object).is_some()))
        {
            return Err(fault);
        }
        self.people.equal_stamps = knobs.equal_stamps;
        self.knobs = knobs;
        self.refresh_access(core.now);
        Ok(())
    }

    pub fn config(&self) -> Map<String, Value> {
        knobs::listed(&self.knobs)
    }

    pub fn schema(&self, kind: Kind) -> &Schema {
        &self.schemas[kind as usize]
    }

    pub fn schema_mut(&mut self, kind: Kind) -> &mut Schema {
        &mut self.schemas[kind as usize]
    }

    pub fn table(&self, kind: Kind) -> &Table {
        &self.tables[kind as usize]
    }

    /// For the log of deletions. Records change through [`Org::put`] only.
    pub fn table_mut(&mut self, kind: Kind) -> &mut Table {
        &mut self.tables[kind as usize]
    }

    /// After a field became unique, external or a lookup key.
    pub fn reindex(&mut self, kind: Kind) {
        self.tables[kind as usize].reindex(&self.schemas[kind as usize], &self.people);
    }

    /// A record, deleted or not; none when it does not exist, is hard-deleted, or is not visible yet.
    pub fn seen(&self, kind: Kind, number: u64, sight: Sight) -> Option<Seen<'_>> {
        self.table(kind).seen(self.schema(kind), &self.people, number, sight)
    }

    /// A record that is not deleted.
    pub fn live(&self, kind: Kind, number: u64, sight: Sight) -> Option<Seen<'_>> {
        self.seen(kind, number, sight).filter(|seen| !seen.is_deleted())
    }

    /// By Id, of whatever object its prefix says.
    pub fn by_id(&self, id: Id, sight: Sight) -> Option<Seen<'_>> {
        self.seen(id.kind()?, id.number, sight)
    }

    /// Numbers of all records above `after`, in Id order, whatever their state: look at each with [`Org::seen`].
    pub fn numbers(&self, kind: Kind, after: Option<u64>) -> impl Iterator<Item = u64> + '_ {
        self.table(kind).numbers(&self.people, after)
    }

    /// `(SystemModstamp, number)` of every record stamped in `from..=to`, in that order, as it stands at `sight`; deleted
    /// ones included. This is the road of the keyset query.
    pub fn by_stamp(
        &self,
        kind: Kind,
        from: Millis,
        to: Millis,
        sight: Sight,
    ) -> impl Iterator<Item = (Millis, u64)> + '_ {
        let table = self.table(kind);
        let window = self.people.window(kind, from, to);
        let generated = window.map(move |index| (self.people.stamp(kind, index), FIRST + index));
        let generated = generated.filter(move |(at, _)| (from..=to).contains(at));
        // A held record also stands in the generated row, and perhaps at the stamp of a hidden version.
        stamp_order::merged(generated, table.held_stamps(from, to)).filter(move |(at, number)| {
            !table.is_held(*number) || self.seen(kind, *number, sight).is_some_and(|seen| seen.stamp() == *at)
        })
    }

    /// Numbers of the records whose indexed field (`Field::is_indexed`) equals `datum`, in Id order, deleted ones
    /// included. Ask only for indexed fields: others find nothing.
    pub fn find(&self, kind: Kind, field: FieldId, datum: &Datum, sight: Sight) -> Vec<u64> {
        let Some(definition) = self.schema(kind).field(field) else { return Vec::new() };
        let Some(key) = datum.key(definition.case_sensitive) else { return Vec::new() };
        let table = self.table(kind);
        let mut found: Vec<u64> = table.held_by_key(field, &key);
        if !definition.custom {
            found.extend(self.people.find(kind, &definition.name, &key).into_iter().map(|index| FIRST + index));
        }
        found.sort_unstable();
        found.dedup();
        let same = |number: &u64| {
            let seen = self.seen(kind, *number, sight);
            seen.is_some_and(|seen| seen.get(field).key(definition.case_sensitive).as_deref() == Some(&key))
        };
        found.retain(same);
        found
    }

    /// When a change made now becomes visible to readers.
    pub fn visible_at(&self, core: &Core) -> Millis {
        core.after(self.knobs.commit_delay_ms)
    }

    /// Stores a new version of a record. For `write` only.
    pub fn put(&mut self, core: &Core, kind: Kind, number: u64, row: super::records::Row, visible_at: Millis) {
        let at = kind as usize;
        self.journal.note(|| (kind, number, self.tables[at].snapshot(number)));
        self.tables[at].put((&self.schemas[at], &self.people), number, row, core.now, visible_at);
    }

    /// Opens a transaction: what is written until [`Org::commit`] can be undone by [`Org::roll_back`]. One may be opened
    /// within another: a collection in a composite call.
    pub fn begin(&mut self, core: &Core) {
        self.journal.begin(Mark {
            ledger_lines: core.ledger.len(),
            written: self.written.len(),
            deletions: self.tables.iter().map(|table| table.deletions.len()).collect(),
        });
    }

    /// Ends the innermost transaction; one around it may still undo it.
    pub fn commit(&mut self) {
        self.journal.commit();
    }

    /// Undoes everything since [`Org::begin`], the ledger's lines included: it never happened. Ids used are not reused.
    pub fn roll_back(&mut self, core: &mut Core) {
        let Some((mark, changes)) = self.journal.roll_back() else { return };
        for (kind, number, held) in changes {
            let at = kind as usize;
            self.tables[at].roll_back(&self.schemas[at], &self.people, number, held);
        }
        for (table, length) in self.tables.iter_mut().zip(mark.deletions) {
            table.deletions.truncate(length);
        }
        self.written.truncate(mark.written);
        core.ledger.truncate(mark.ledger_lines);
        self.refresh_access(core.now);
    }
}
