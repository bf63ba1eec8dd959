//! Merging two rows: the target keeps its id and its values, the subordinate stays, inactive, and names it; what pointed
//! at the one points at the other.

use serde_json::{Value, json};

use super::ask::Ask;
use super::datum::Datum;
use super::guid::Guid;
use super::kind::Kind;
use super::org::Org;
use super::payload::{self, Given, Reader};
use super::pen::Pen;
use super::records::VERSION;
use super::refusal::Refusal;
use super::row_api::pen;
use super::schema::ColumnId;
use crate::desk::Core;
use crate::exchange::Reply;
use crate::ledger::Change;
use crate::versions::Sight;

/// `POST Merge` with `Target`, `Subordinate`, `UpdateContent` and `PerformParentingChecks`.
pub fn by_api(org: &mut Org, core: &mut Core, ask: &Ask<'_>) -> Result<Reply, Refusal> {
    let body = payload::object("Merge", &ask.call.body)?;
    let side = |name: &str| -> Result<(Kind, Guid), Refusal> {
        let wrong =
            || Refusal::payload("Merge", format!("The parameter '{name}' in the request payload is not valid."));
        let entity = body.get(name).and_then(Value::as_object).ok_or_else(wrong)?;
        let typed = entity.get("@odata.type").and_then(Value::as_str).unwrap_or("");
        let kind = typed.rsplit('.').next().and_then(Kind::of_logical).ok_or_else(wrong)?;
        let id = entity.get(kind.names().id).and_then(Value::as_str).and_then(Guid::parse).ok_or_else(wrong)?;
        Ok((kind, id))
    };
    let ((kind, target), (other, subordinate)) = (side("Target")?, side("Subordinate")?);
    if kind != other {
        return Err(Refusal::invalid("Both rows of a merge must be of one table."));
    }
    let pen = pen(core, ask);
    org.may(&pen, kind, "write")?;
    let given = match body.get("UpdateContent") {
        Some(Value::Object(content)) => {
            let made = Vec::new();
            Reader { org, now: core.now, made: &made }.read(kind, content)?
        }
        _ => Given::default(),
    };
    org.begin(core);
    let merged = org.merge(core, &pen, kind, target, subordinate).and_then(|()| match given.cells.is_empty() {
        true => Ok(()),
        false => org.update(core, &pen, kind, target, given),
    });
    match merged {
        Ok(()) => {
            org.commit();
            Ok(Reply::empty(204))
        }
        Err(refusal) => {
            org.roll_back(core);
            Err(refusal)
        }
    }
}

impl Org {
    /// # Errors
    /// 404 for a row that is not there, 400 for rows that cannot be merged.
    pub fn merge(
        &mut self,
        core: &mut Core,
        pen: &Pen,
        kind: Kind,
        target: Guid,
        subordinate: Guid,
    ) -> Result<(), Refusal> {
        if !kind.is_mergeable() || target == subordinate {
            return Err(Refusal::invalid("A merge is of two different accounts, contacts or leads."));
        }
        for id in [target, subordinate] {
            let row = self.row(kind, id, Sight::Latest).ok_or_else(|| Refusal::no_row(kind.logical(), id))?;
            if row.named("merged") == Datum::Bool(true) || row.int("statecode") != 0 {
                return Err(Refusal::new(
                    400,
                    "0x80040256",
                    format!("{} {id} is not active and cannot be merged.", kind.logical()),
                ));
            }
        }
        self.point_children(core, pen, kind, (subordinate, target));
        let mut given = Given::default();
        let statuses = [("statecode", 1), ("statuscode", 2)];
        let lead = [("statecode", 2), ("statuscode", 7)];
        for (name, value) in if kind == Kind::Lead { lead } else { statuses } {
            self.give(kind, &mut given, name, Datum::Int(value));
        }
        self.give(kind, &mut given, "merged", Datum::Bool(true));
        self.give(kind, &mut given, "masterid", Datum::Ref(kind, target));
        let lines = core.ledger.len();
        if let Some(row) = self.row(kind, subordinate, Sight::Latest).map(|row| row.to_row()) {
            self.store(core, pen, "update", (kind, subordinate), row, given.cells);
        }
        // One line says it all: the merge.
        core.ledger.truncate(lines);
        self.touch(core, pen, kind, target);
        let record = target.to_string();
        let before = json!({ "primary": record, "secondary": subordinate.to_string() });
        let after = json!({ "survivor": record });
        core.log(Change { op: "merge", object: kind.logical(), record: &record, before, after, by: pen.by });
        Ok(())
    }

    /// Makes every live row that points at the first point at the second.
    fn point_children(&mut self, core: &mut Core, pen: &Pen, kind: Kind, (from, to): (Guid, Guid)) {
        for child in Kind::ALL.into_iter().filter(|child| child.is_owned()) {
            let lookups: Vec<ColumnId> = self
                .schema(child)
                .columns()
                .filter(|(column, each)| *column > VERSION && &*each.logical != "masterid")
                .filter(|(_, each)| each.navs.iter().any(|nav| nav.target == kind))
                .map(|(column, _)| column)
                .collect();
            for column in lookups {
                for id in self.find(child, column, &Datum::Guid(from), Sight::Latest) {
                    let Some(row) = self.row(child, id, Sight::Latest).map(|row| row.to_row()) else { continue };
                    self.store(core, pen, "update", (child, id), row, vec![(column, Datum::Ref(kind, to))]);
                }
            }
        }
    }
}
