//! The org: everything one Dataverse environment holds, and the ways to look at it.
//!
//! Reads look with [`Sight::At`]`(core.now)` and never see what a commit delay hides; the write path and the control plane
//! look with [`Sight::Latest`]. Only [`super::store`] changes rows: single writes, batches, bulk actions and control
//! actions all go through [`super::write`] to it.

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::auth::Tokens;
use super::catalogue;
use super::datum::Datum;
use super::guid::Guid;
use super::kind::Kind;
use super::knobs::Knobs;
use super::limits::Limits;
use super::population::Population;
use super::records::{Held, Row, Table};
use super::schema::{ColumnId, Schema};
use super::seen::Seen;
use super::setup;
use crate::clock::Millis;
use crate::crowd::Crowd;
use crate::desk::Core;
use crate::journal::Journal;
use crate::knobs;
use crate::options::{Options, StartError};
use crate::stamp_order;
use crate::versions::Sight;

pub struct Org {
    pub people: Population,
    schemas: Vec<Schema>,
    tables: Vec<Table>,
    pub tokens: Tokens,
    pub limits: Limits,
    pub knobs: Knobs,
    /// The last version number given to a row.
    pub version: i64,
    /// The people who sell.
    pub reps: Vec<Guid>,
    /// What this request wrote, in order: for automation that runs once it is answered.
    pub written: Vec<super::workflows::Written>,
    journal: Journal<Mark, (Kind, Guid, Option<Held>)>,
}

/// How far the logs reached when a transaction began.
#[derive(Debug)]
struct Mark {
    ledger_lines: usize,
    written: usize,
}

impl Org {
    pub fn new(core: &mut Core, options: &Options) -> Result<Self, StartError> {
        let contacts = options.contacts();
        let people = Population { crowd: Crowd { seed: options.seed, contacts }, equal_stamps: false };
        let mut org = Self {
            schemas: Kind::ALL.iter().map(|kind| catalogue::schema(*kind)).collect(),
            tables: Kind::ALL.iter().map(|kind| Table::new(*kind)).collect(),
            version: people.last_version(),
            people,
            tokens: Tokens::default(),
            limits: Limits::default(),
            knobs: Knobs::default(),
            reps: Vec::new(),
            written: Vec::new(),
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

    pub fn configure(&mut self, patch: Map<String, Value>) -> Result<(), String> {
        let knobs = knobs::patched(&self.knobs, patch)?;
        knobs.check()?;
        self.people.equal_stamps = knobs.equal_stamps;
        self.knobs = knobs;
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

    pub fn table_mut(&mut self, kind: Kind) -> &mut Table {
        &mut self.tables[kind as usize]
    }

    /// After a column became part of a key.
    pub fn reindex(&mut self, kind: Kind) {
        self.tables[kind as usize].reindex(&self.schemas[kind as usize], &self.people);
    }

    /// A live row. Through the union of activities, of whatever activity table has it.
    pub fn row(&self, kind: Kind, id: Guid, sight: Sight) -> Option<Seen<'_>> {
        if kind == Kind::ActivityPointer {
            let mut found = Kind::ACTIVITIES.into_iter().filter_map(|each| self.row(each, id, sight));
            return found.next().map(|seen| Seen { view: kind, ..seen });
        }
        let seen = self.whatever(kind, id, sight)?;
        if kind == Kind::SdkMessageFilter && self.knobs.no_bulk.contains(&seen.text("primaryobjecttypecode")) {
            return None;
        }
        (!seen.row.is_some_and(|row| row.deleted)).then_some(seen)
    }

    /// A row, deleted or not.
    pub fn whatever(&self, kind: Kind, id: Guid, sight: Sight) -> Option<Seen<'_>> {
        let index = self.people.index(kind, id);
        let row = match self.table(kind).held(id, sight) {
            None if index.is_none() => return None,
            None => None,
            // Held, and not visible yet: a generated row is then as it was generated.
            Some(None) if index.is_none() => return None,
            Some(row) => row,
        };
        Some(Seen { org: self, kind, view: kind, id, row, index })
    }

    /// Ids of all rows above `after`, in order, whatever became of them: look at each with [`Org::row`].
    pub fn ids(&self, kind: Kind, after: Option<Guid>) -> Box<dyn Iterator<Item = Guid> + '_> {
        if kind == Kind::ActivityPointer {
            let each = Kind::ACTIVITIES.into_iter();
            let mut all: Vec<Guid> = each.flat_map(|kind| self.table(kind).ids(&self.people, after)).collect();
            all.sort_unstable();
            return Box::new(all.into_iter());
        }
        Box::new(self.table(kind).ids(&self.people, after))
    }

    /// Ids of every row stamped in `from..=to`, by stamp and id, as it stands at `sight`.
    pub fn by_stamp(
        &self,
        kind: Kind,
        from: Millis,
        to: Millis,
        sight: Sight,
    ) -> impl Iterator<Item = (Millis, Guid)> + '_ {
        let table = self.table(kind);
        let window = self.people.window(kind, from, to);
        let generated = window.map(move |index| (self.people.stamp(kind, index), Guid::generated(kind, index)));
        let generated = generated.filter(move |(at, _)| (from..=to).contains(at));
        // A held row also stands in the generated line, and perhaps at the stamp of a hidden version.
        stamp_order::merged(generated, table.held_stamps(from, to)).filter(move |(at, id)| {
            !table.is_held(*id) || self.row(kind, *id, sight).is_some_and(|seen| seen.stamp() == *at)
        })
    }

    /// Ids of the live rows whose indexed column equals `datum`, in order. Other columns find nothing.
    pub fn find(&self, kind: Kind, column: ColumnId, datum: &Datum, sight: Sight) -> Vec<Guid> {
        let Some(definition) = self.schema(kind).get(column) else { return Vec::new() };
        let Some(key) = datum.key() else { return Vec::new() };
        let mut found = self.table(kind).held_by_key(column, &key);
        if !definition.custom {
            let generated = self.people.find(kind, &definition.logical, &key).into_iter();
            found.extend(generated.map(|index| Guid::generated(kind, index)));
        }
        found.sort_unstable();
        found.dedup();
        let same =
            |id: &Guid| self.row(kind, *id, sight).is_some_and(|seen| seen.get(column).key().as_ref() == Some(&key));
        found.retain(same);
        found
    }

    /// How many units of a currency one unit of the organisation's own buys.
    pub fn exchange_rate(&self, currency: Guid) -> Option<Decimal> {
        self.row(Kind::TransactionCurrency, currency, Sight::Latest)?.named("exchangerate").as_decimal()
    }

    /// When a change made now becomes visible to readers.
    pub fn visible_at(&self, core: &Core) -> Millis {
        core.after(self.knobs.commit_delay_ms)
    }

    /// Stores a new version of a row. For [`super::store`] only.
    pub fn put(&mut self, core: &Core, kind: Kind, id: Guid, row: Row, visible_at: Millis) {
        let at = kind as usize;
        self.journal.note(|| (kind, id, self.tables[at].snapshot(id)));
        self.tables[at].put((&self.schemas[at], &self.people), id, row, core.now, visible_at);
    }

    /// Opens a transaction: what is written until [`Org::commit`] can be undone by [`Org::roll_back`].
    pub fn begin(&mut self, core: &Core) {
        self.journal.begin(Mark { ledger_lines: core.ledger.len(), written: self.written.len() });
    }

    /// Ends the innermost transaction; one around it may still undo it.
    pub fn commit(&mut self) {
        self.journal.commit();
    }

    /// Undoes everything since [`Org::begin`], the ledger's lines included. Versions and ids used are not used again.
    pub fn roll_back(&mut self, core: &mut Core) {
        let Some((mark, changes)) = self.journal.roll_back() else { return };
        for (kind, id, held) in changes {
            let at = kind as usize;
            self.tables[at].roll_back(&self.schemas[at], &self.people, id, held);
        }
        self.written.truncate(mark.written);
        core.ledger.truncate(mark.ledger_lines);
    }
}
