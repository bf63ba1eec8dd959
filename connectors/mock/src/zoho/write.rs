//! Applying checked cells: stamps, versions, deletions, automation and the ledger lines. The only file that changes
//! records.

use serde_json::{Map, Value, json};

use super::check::Cells;
use super::datum::Datum;
use super::kind::Kind;
use super::org::Org;
use super::pen::Pen;
use super::records::{Deletion, Fate, Row, Sight};
use super::refusal::Refusal;
use super::watch::Event;
use crate::clock::whole_second;
use crate::desk::Core;
use crate::ledger::Change;

impl Org {
    /// Makes a record of a row.
    pub fn insert(
        &mut self,
        core: &mut Core,
        pen: &Pen,
        kind: Kind,
        given: &Map<String, Value>,
        path: &str,
    ) -> Result<u64, Refusal> {
        self.planned_refusal(pen, (kind, None), given, path)?;
        let mut cells = self.check(pen, kind, given, path, None)?;
        self.rewrite_at_once(pen, kind, &mut cells, None);
        let id = self.table_mut(kind).fresh_id();
        self.store(core, pen, "create", (kind, id), Row::new(pen.at, pen.user), cells);
        Ok(id)
    }

    /// Changes the record a row is about. The caller has found it.
    pub fn update(
        &mut self,
        core: &mut Core,
        pen: &Pen,
        (kind, id): (Kind, u64),
        given: &Map<String, Value>,
        path: &str,
    ) -> Result<(), Refusal> {
        self.planned_refusal(pen, (kind, Some(id)), given, path)?;
        let unknown = || Refusal::unknown_id(&json!(id.to_string()), &format!("{path}.id"));
        let seen = self.live(kind, id, Sight::Latest).ok_or_else(unknown)?;
        if kind == Kind::Leads && seen.named("Converted__s").is_true() && !pen.is_system() {
            return Err(Refusal::new(400, "RECORD_LOCKED", "the record is converted").with("id", id.to_string()));
        }
        let mut cells = self.check(pen, kind, given, path, Some(&seen))?;
        self.rewrite_at_once(pen, kind, &mut cells, Some(&seen));
        let row = seen.to_row();
        self.store(core, pen, "update", (kind, id), row, cells);
        Ok(())
    }

    /// Stores cells into a row as a new version, and lets automation follow. `op` names the line in the ledger.
    pub fn store(
        &mut self,
        core: &mut Core,
        pen: &Pen,
        op: &'static str,
        (kind, id): (Kind, u64),
        mut row: Row,
        cells: Cells,
    ) {
        let creating = op == "create";
        let (mut was, mut is) = (Map::new(), Map::new());
        let mut written = Vec::with_capacity(cells.len());
        for (field, datum) in cells {
            let name = self.schema(kind).field(field).map_or_else(String::new, |field| field.name.to_string());
            // Written values are logged even when equal: a needless write is a thing to see.
            let mut before = Datum::Null;
            if !creating {
                before = self.seen(kind, id, Sight::Latest).map_or(Datum::Null, |seen| seen.get(field));
                was.insert(name.clone(), shown(&before));
            }
            if !(creating && datum.is_null()) {
                is.insert(name.clone(), shown(&datum));
            }
            written.push((name, before, datum.clone()));
            row.set(field, datum);
        }
        self.keep_stamped(core, pen, (kind, id), row);
        let (before, after) = if creating { (Value::Null, is.into()) } else { (was.into(), is.into()) };
        core.log(Change { op, object: kind.name(), record: &id.to_string(), before, after, by: pen.by });
        let changed: Vec<(String, Datum)> = written.iter().map(|(name, _, now)| (name.clone(), now.clone())).collect();
        let event = if creating { Event::Create } else { Event::Edit };
        self.notify(core, (kind, id), event, &changed);
        self.automate(core, pen, (kind, id), &written);
    }

    fn stamp(&self, row: &mut Row, pen: &Pen) {
        row.modified = whole_second(pen.at);
        row.active = row.modified;
        row.modified_by = pen.user;
    }

    /// Puts a version where readers, and later the search index, will see it.
    pub fn keep(&mut self, core: &Core, pen: &Pen, kind: Kind, id: u64, row: Row) {
        let visible = pen.visible_at.unwrap_or_else(|| core.now.saturating_add(self.knobs.commit_delay_ms));
        let lag = i64::try_from(core.search_lag_ms).unwrap_or(i64::MAX);
        let indexed = visible.max(core.now).saturating_add(lag);
        self.put(core.now, kind, id, row, (visible, indexed));
    }

    /// Stamps a row and keeps it as a new version.
    pub fn keep_stamped(&mut self, core: &Core, pen: &Pen, (kind, id): (Kind, u64), mut row: Row) {
        self.stamp(&mut row, pen);
        self.keep(core, pen, kind, id, row);
    }

    /// Moves a record to the recycle bin. The caller has seen that it is live.
    pub fn recycle(&mut self, core: &mut Core, pen: &Pen, kind: Kind, id: u64, log: bool) {
        let at = whole_second(pen.at);
        self.end(core, pen, (kind, id), Fate::Recycled { at, by: pen.user });
        if log {
            let (before, after) = (json!({ "deleted": false }), json!({ "deleted": true }));
            core.log(Change { op: "delete", object: kind.name(), record: &id.to_string(), before, after, by: pen.by });
        }
    }

    /// Deletes for good, out of the recycle bin as well.
    pub fn erase(&mut self, core: &mut Core, pen: &Pen, kind: Kind, id: u64) {
        self.end(core, pen, (kind, id), Fate::Erased { at: whole_second(pen.at) });
        let (before, after) = (Value::Null, Value::Null);
        core.log(Change { op: "delete", object: kind.name(), record: &id.to_string(), before, after, by: pen.by });
    }

    fn end(&mut self, core: &mut Core, pen: &Pen, (kind, id): (Kind, u64), fate: Fate) {
        let Some(mut row) = self.seen(kind, id, Sight::Latest).map(|seen| seen.to_row()) else { return };
        row.fate = fate;
        self.keep(core, pen, kind, id, row);
        self.table_mut(kind).deletions.push(Deletion { at: whole_second(pen.at), id });
        self.notify(core, (kind, id), Event::Delete, &[]);
    }

    /// Takes a record back out of the recycle bin, with a newer stamp. False when it is not there.
    pub fn restore(&mut self, core: &mut Core, pen: &Pen, kind: Kind, id: u64) -> bool {
        let Some(seen) = self.seen(kind, id, Sight::Latest) else { return false };
        if !matches!(seen.fate(), Fate::Recycled { .. }) {
            return false;
        }
        let mut row = seen.to_row();
        row.fate = Fate::Live;
        self.keep_stamped(core, pen, (kind, id), row);
        let (before, after) = (json!({ "deleted": true }), json!({ "deleted": false }));
        core.log(Change { op: "update", object: kind.name(), record: &id.to_string(), before, after, by: pen.by });
        true
    }
}

/// A value as the ledger shows it: the vendor's own shape, instants in UTC.
pub fn shown(datum: &Datum) -> Value {
    match datum {
        Datum::Null => Value::Null,
        Datum::Bool(flag) => json!(flag),
        Datum::Int(number) => json!(number),
        Datum::Number(number) => {
            serde_json::from_str(&number.normalize().to_string()).unwrap_or_else(|_| json!(number.to_string()))
        }
        Datum::List(values) => json!(values.iter().map(|value| &**value).collect::<Vec<_>>()),
        other => json!(other.plain(0)),
    }
}
