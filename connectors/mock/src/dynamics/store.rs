//! Applying a checked row: stamp, version, ledger line. The only file that changes rows.

use serde_json::{Map, Value, json};

use super::datum::Datum;
use super::guid::Guid;
use super::kind::Kind;
use super::org::Org;
use super::pen::Pen;
use super::records::Row;
use super::schema::ColumnId;
use super::workflows::Written;
use crate::clock::whole_second;
use crate::desk::Core;
use crate::ledger::Change;
use crate::versions::Sight;

impl Org {
    /// Stores `cells` into `row` as a new version. Values are right by now; `op` is what the ledger calls it.
    pub fn store(
        &mut self,
        core: &mut Core,
        pen: &Pen,
        op: &'static str,
        (kind, id): (Kind, Guid),
        mut row: Row,
        cells: Vec<(ColumnId, Datum)>,
    ) {
        let (mut was, mut is) = (Map::new(), Map::new());
        let creating = op == "create";
        let mut changed = Vec::with_capacity(cells.len());
        for (column, datum) in cells {
            let name = self.schema(kind).get(column).map_or_else(String::new, |column| column.logical.to_string());
            // Written values are logged even when equal: a needless write is a thing to see.
            let mut before = Datum::Null;
            if !creating {
                before = self.row(kind, id, Sight::Latest).map_or(Datum::Null, |seen| seen.get(column));
                was.insert(name.clone(), before.json());
            }
            if !(creating && datum.is_null()) {
                is.insert(name, datum.json());
            }
            changed.push((column, before));
            row.set(column, datum);
        }
        self.stamp(&mut row, pen);
        let visible = pen.visible_at.unwrap_or_else(|| self.visible_at(core));
        self.put(core, kind, id, row, visible);
        let (before, after) = if creating { (Value::Null, is.into()) } else { (was.into(), is.into()) };
        self.log(core, pen, op, (kind, id), before, after);
        self.written.push(Written { kind, id, changed });
    }

    /// Every write moves the stamp and takes the next version, also one that changes nothing.
    fn stamp(&mut self, row: &mut Row, pen: &Pen) {
        self.version += 1;
        row.version = self.version;
        row.modified = whole_second(pen.at);
        row.modified_by = pen.user;
    }

    /// Moves a row's stamp and version and nothing else; no ledger line.
    pub fn touch(&mut self, core: &mut Core, pen: &Pen, kind: Kind, id: Guid) {
        let Some(mut row) = self.row(kind, id, Sight::Latest).map(|seen| seen.to_row()) else { return };
        self.stamp(&mut row, pen);
        let visible = pen.visible_at.unwrap_or_else(|| self.visible_at(core));
        self.put(core, kind, id, row, visible);
    }

    /// Takes a live row away. What is left of it is a tombstone, and what an admin needs to bring it back.
    pub fn remove(&mut self, core: &mut Core, pen: &Pen, kind: Kind, id: Guid) -> bool {
        let Some(mut row) = self.row(kind, id, Sight::Latest).map(|seen| seen.to_row()) else { return false };
        row.deleted = true;
        self.stamp(&mut row, pen);
        let visible = pen.visible_at.unwrap_or_else(|| self.visible_at(core));
        self.put(core, kind, id, row, visible);
        self.log(core, pen, "delete", (kind, id), json!({ "deleted": false }), json!({ "deleted": true }));
        true
    }

    /// Brings a deleted row back under its id. False when it is not deleted.
    pub fn restore(&mut self, core: &mut Core, pen: &Pen, kind: Kind, id: Guid) -> bool {
        let found = self.whatever(kind, id, Sight::Latest).map(|seen| seen.to_row());
        let Some(mut row) = found.filter(|row| row.deleted) else { return false };
        row.deleted = false;
        self.stamp(&mut row, pen);
        let visible = pen.visible_at.unwrap_or_else(|| self.visible_at(core));
        self.put(core, kind, id, row, visible);
        self.log(core, pen, "update", (kind, id), json!({ "deleted": true }), json!({ "deleted": false }));
        true
    }

    /// The one place that writes ledger lines of single rows.
    pub fn log(
        &self,
        core: &mut Core,
        pen: &Pen,
        op: &'static str,
        (kind, id): (Kind, Guid),
        before: Value,
        after: Value,
    ) {
        let record = id.to_string();
        core.log(Change { op, object: kind.logical(), record: &record, before, after, by: pen.by });
    }
}
