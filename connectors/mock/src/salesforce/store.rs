//! Applying a checked row: stamps, versions, the log of deletions, and the ledger line. The only file that changes
//! records.

use serde_json::{Map, Value, json};

use super::datum::Datum;
use super::ids::Id;
use super::kind::Kind;
use super::org::Org;
use super::pen::Pen;
use super::records::{Deletion, IS_DELETED, Row, Sight};
use super::schema::FieldId;
use crate::clock::whole_second;
use crate::desk::Core;
use crate::ledger::{By, Change};

impl Org {
    /// Stores `cells` into `row` as a new version. For `write` and for control actions whose values are right by
    /// construction (`op` then names them: `create`, `update`, `merge`, `convert`).
    pub fn store(
        &mut self,
        core: &mut Core,
        pen: &Pen,
        op: &'static str,
        (kind, number): (Kind, u64),
        mut row: Row,
        cells: Vec<(FieldId, Datum)>,
    ) {
        let (mut was, mut is) = (Map::new(), Map::new());
        let creating = op == "create";
        let mut fields = Vec::with_capacity(cells.len());
        for (field, datum) in cells {
            let name = self.schema(kind).field(field).map_or_else(String::new, |field| field.name.to_string());
            // Written values are logged even when equal: a needless write is a thing to see.
            let mut before = Datum::Null;
            if !creating {
                before = self.seen(kind, number, Sight::Latest).map_or(Datum::Null, |seen| seen.get(field));
                was.insert(name.clone(), before.json());
            }
            if !(creating && datum.is_null()) {
                is.insert(name, datum.json());
            }
            fields.push((field, before));
            row.set(field, datum);
        }
        self.stamp(&mut row, pen);
        let visible = pen.visible_at.unwrap_or_else(|| self.visible_at(core));
        self.put(core, kind, number, row, visible);
        let (before, after) = if creating { (Value::Null, is.into()) } else { (was.into(), is.into()) };
        self.log(core, pen, op, (kind, number), before, after);
        self.written.push((kind, number, fields));
    }

    /// Moves a record's stamps: what the CRM does by itself moves only `SystemModstamp`.
    fn stamp(&self, row: &mut Row, pen: &Pen) {
        row.stamp = whole_second(pen.at);
        if pen.by != By::Workflow {
            row.modified = row.stamp;
            row.modified_by = pen.user;
        }
    }

    /// Moves a record's stamp and nothing else, as a mass update by automation does; no ledger line.
    pub fn touch(&mut self, core: &mut Core, pen: &Pen, kind: Kind, number: u64) {
        let Some(mut row) = self.seen(kind, number, Sight::Latest).map(|seen| seen.to_row()) else { return };
        self.stamp(&mut row, pen);
        let visible = pen.visible_at.unwrap_or_else(|| self.visible_at(core));
        self.put(core, kind, number, row, visible);
    }

    /// Deletes a live record and what hangs on it. `master` is the winner of a merge: the loser then names it, keeps
    /// what hung on it out of this (the merge has moved it), and the line in the ledger is the merge's to write.
    pub fn remove(&mut self, core: &mut Core, pen: &Pen, kind: Kind, number: u64, master: Option<Id>) {
        let Some(seen) = self.live(kind, number, Sight::Latest) else { return };
        let mut row = seen.to_row();
        row.deleted = true;
        // Objects without a recycle bin lose the row at once.
        row.gone = self.schema(kind).field(IS_DELETED).is_some_and(|field| field.removed);
        if let (Some(master), Some((field, _))) = (master, self.schema(kind).any("MasterRecordId")) {
            row.set(field, Datum::Id(master));
        }
        self.stamp(&mut row, pen);
        let visible = pen.visible_at.unwrap_or_else(|| self.visible_at(core));
        self.put(core, kind, number, row, visible);
        let deletion = Deletion { at: whole_second(pen.at), number, visible_at: visible };
        self.table_mut(kind).deletions.push(deletion);
        if master.is_none() {
            let (before, after) = (json!({ "IsDeleted": false }), json!({ "IsDeleted": true }));
            self.log(core, pen, "delete", (kind, number), before, after);
            self.cascade(core, pen, kind, number);
        }
        self.after_remove(core, kind);
    }

    /// Takes a record back out of the recycle bin. False when it is not there.
    pub fn undelete(&mut self, core: &mut Core, pen: &Pen, kind: Kind, number: u64) -> bool {
        let Some(seen) = self.seen(kind, number, Sight::Latest).filter(|seen| seen.is_deleted()) else { return false };
        let mut row = seen.to_row();
        row.deleted = false;
        if let Some((field, _)) = self.schema(kind).any("MasterRecordId") {
            row.set(field, Datum::Null);
        }
        self.stamp(&mut row, pen);
        let visible = pen.visible_at.unwrap_or_else(|| self.visible_at(core));
        self.put(core, kind, number, row, visible);
        let (before, after) = (json!({ "IsDeleted": true }), json!({ "IsDeleted": false }));
        self.log(core, pen, "update", (kind, number), before, after);
        true
    }

    /// Hard delete: out of the recycle bin as well. The log of deletions keeps its line.
    pub fn erase(&mut self, core: &mut Core, pen: &Pen, kind: Kind, number: u64) -> bool {
        let Some(seen) = self.seen(kind, number, Sight::Latest) else { return false };
        let (was_deleted, mut row) = (seen.is_deleted(), seen.to_row());
        (row.deleted, row.gone) = (true, true);
        self.stamp(&mut row, pen);
        let visible = pen.visible_at.unwrap_or_else(|| self.visible_at(core));
        self.put(core, kind, number, row, visible);
        if !was_deleted {
            let deletion = Deletion { at: whole_second(pen.at), number, visible_at: visible };
            self.table_mut(kind).deletions.push(deletion);
        }
        self.log(core, pen, "delete", (kind, number), Value::Null, Value::Null);
        true
    }

    /// The one place that writes ledger lines.
    pub fn log(
        &self,
        core: &mut Core,
        pen: &Pen,
        op: &'static str,
        (kind, number): (Kind, u64),
        before: Value,
        after: Value,
    ) {
        let record = Id::new(kind, number).to_string();
        core.log(Change { op, object: kind.name(), record: &record, before, after, by: pen.by });
    }
}
