//! What the platform insists on beyond single values: states and their statuses, closed deals, alternate keys, duplicate
//! rules, what goes with a deleted row, and planned faults.

use super::datum::Datum;
use super::guid::Guid;
use super::kind::Kind;
use super::org::Org;
use super::payload::Given;
use super::pen::Pen;
use super::refusal::Refusal;
use super::schema::{ColumnId, Ty};
use crate::desk::Core;
use crate::row_faults::{self, Row};
use crate::versions::Sight;

impl Org {
    /// Brings `statecode` and `statuscode` together: a new state takes its first status, a status must be one of its state.
    ///
    /// # Errors
    /// 400 for a status of another state, and for states that only an action may set.
    pub fn settle_state(&self, pen: &Pen, kind: Kind, id: Option<Guid>, given: &mut Given) -> Result<(), Refusal> {
        let schema = self.schema(kind);
        let (Some((state, states)), Some((status, statuses))) =
            (schema.column("statecode"), schema.column("statuscode"))
        else {
            return Ok(());
        };
        let before = id.and_then(|id| self.row(kind, id, Sight::Latest));
        let was = before.map_or(states.default.unwrap_or(0), |row| row.get(state).as_int().unwrap_or(0));
        let wanted = given.get(state).and_then(Datum::as_int);
        let now = wanted.unwrap_or(was);
        let by_action = matches!((kind, now), (Kind::Opportunity, 1 | 2) | (Kind::Lead, 1));
        if by_action && now != was && !pen.system {
            let (label, request) = match (kind, now) {
                (Kind::Lead, _) => ("Qualified", "QualifyLeadRequest"),
                (_, 1) => ("Won", "WinOpportunityRequest"),
                _ => ("Lost", "LoseOpportunityRequest"),
            };
            return Err(Refusal::invalid(format!(
                "This message can not be used to set the state of {} to {label}. In order to set state of {} to {label}, use the \
                 {request} message instead.",
                kind.logical(),
                kind.logical()
            )));
        }
        match given.get(status).and_then(Datum::as_int) {
            Some(value) if statuses.choice(value).is_some_and(|choice| choice.state != now) => {
                let label = states.choice(now).map_or("", |choice| choice.label.as_str());
                return Err(Refusal::new(
                    400,
                    "0x80048408",
                    format!(
                        "{value} is not a valid status code for state code {}State.{label} on {} with Id {}.",
                        kind.names().schema,
                        kind.logical(),
                        id.map_or_else(|| Guid::NIL.to_string(), |id| id.to_string())
                    ),
                ));
            }
            Some(_) => {}
            None if now != was || id.is_none() => {
                let first = statuses.choices.iter().find(|choice| choice.state == now);
                if let Some(first) = first {
                    given.set(status, Datum::Int(first.value));
                }
            }
            None => {}
        }
        if id.is_none() {
            given.set(state, Datum::Int(now));
        }
        Ok(())
    }

    /// A won or lost deal keeps what it was closed with.
    ///
    /// # Errors
    /// 400 with the business rule's sentence.
    pub fn check_closed(&self, pen: &Pen, kind: Kind, id: Option<Guid>, given: &Given) -> Result<(), Refusal> {
        let Some(row) = id.and_then(|id| self.row(kind, id, Sight::Latest)) else { return Ok(()) };
        if kind != Kind::Opportunity || pen.system || row.int("statecode") == 0 {
            return Ok(());
        }
        let schema = self.schema(kind);
        let reopened =
            schema.column("statecode").and_then(|(state, _)| given.get(state)).and_then(Datum::as_int) == Some(0);
        let stock = |column: &ColumnId| schema.get(*column).is_some_and(|each| !each.custom);
        let touched = self.knobs.closed_refuses_all || given.cells.iter().any(|(column, _)| stock(column));
        if reopened || !touched {
            return Ok(());
        }
        Err(Refusal::new(400, "0x80040265", "The opportunity has already been closed and cannot be updated."))
    }

    /// # Errors
    /// 412 where another row has the values of a key.
    pub fn check_keys(&self, kind: Kind, id: Option<Guid>, given: &Given) -> Result<(), Refusal> {
        let schema = self.schema(kind);
        for key in schema.keys.iter().filter(|key| key.columns.iter().any(|column| given.get(*column).is_some())) {
            let row = id.and_then(|id| self.row(kind, id, Sight::Latest));
            let value = |column: &ColumnId| {
                given.get(*column).cloned().unwrap_or_else(|| row.map_or(Datum::Null, |row| row.get(*column)))
            };
            let cells: Vec<(ColumnId, Datum)> = key.columns.iter().map(|column| (*column, value(column))).collect();
            if cells.iter().any(|(_, datum)| datum.is_null()) {
                continue;
            }
            let other = self.by_cells(kind, &cells, Sight::Latest).into_iter().find(|other| Some(*other) != id);
            if let Some(other) = other {
                let names: Vec<String> =
                    key.columns.iter().filter_map(|column| Some(schema.get(*column)?.label.clone())).collect();
                let (label, names) = (&key.label, names.join(","));
                let message = format!(
                    "Entity Key {label} violated. A record with the same value for {names} already exists. A duplicate \
                     record cannot be created. Select one or more unique values and try again. <DuplicateRecord><Id>{other}</Id>\
                     </DuplicateRecord>"
                );
                return Err(Refusal::new(412, "0x80060892", message));
            }
        }
        Ok(())
    }

    /// Duplicate rules, when the caller asked for them.
    ///
    /// # Errors
    /// 412 with the code to branch on.
    pub fn check_duplicates(&self, pen: &Pen, kind: Kind, id: Option<Guid>, given: &Given) -> Result<(), Refusal> {
        if !pen.detect_duplicates {
            return Ok(());
        }
        let schema = self.schema(kind);
        for rule in self.knobs.duplicate_rules.iter().filter(|rule| rule.table == kind.logical()) {
            let column = |name: &String| schema.column(name).map(|(column, _)| column);
            let columns: Vec<ColumnId> = rule.columns.iter().filter_map(column).collect();
            let cells: Option<Vec<(ColumnId, Datum)>> = columns
                .iter()
                .map(|column| Some((*column, given.get(*column).filter(|d| !d.is_null())?.clone())))
                .collect();
            let Some(cells) = cells.filter(|cells| !cells.is_empty()) else { continue };
            if self.matching(kind, &cells).into_iter().any(|other| Some(other) != id) {
                let message =
                    "A record was not created or updated because a duplicate of the current record already exists.";
                return Err(Refusal::new(412, "0x80040333", message));
            }
        }
        Ok(())
    }

    /// Live rows with all of these values, by an index where one of the columns has one.
    fn matching(&self, kind: Kind, cells: &[(ColumnId, Datum)]) -> Vec<Guid> {
        let indexed = |column: &ColumnId| self.schema(kind).get(*column).is_some_and(|each| each.indexed);
        let mut cells = cells.to_vec();
        cells.sort_by_key(|(column, _)| !indexed(column));
        if cells.first().is_some_and(|(column, _)| indexed(column)) {
            return self.by_cells(kind, &cells, Sight::Latest);
        }
        let same = |id: &Guid| {
            let row = self.row(kind, *id, Sight::Latest);
            row.is_some_and(|row| cells.iter().all(|(column, datum)| row.get(*column).key() == datum.key()))
        };
        self.ids(kind, None).filter(same).collect()
    }

    /// Activities and notes go with the row they are about; other lookups are emptied.
    pub fn cascade(&mut self, core: &mut Core, pen: &Pen, kind: Kind, id: Guid) {
        for child in Kind::ALL.into_iter().filter(|child| child.is_owned()) {
            let schema = self.schema(child);
            let lookups: Vec<ColumnId> = schema
                .columns()
                .filter(|(column, each)| {
                    *column > super::records::VERSION && each.navs.iter().any(|nav| nav.target == kind)
                })
                .map(|(column, _)| column)
                .collect();
            let owned = child.is_activity() || child == Kind::Annotation;
            for column in lookups {
                for each in self.find(child, column, &Datum::Guid(id), Sight::Latest) {
                    if owned && self.schema(child).get(column).is_some_and(|each| each.ty != Ty::Owner) {
                        self.remove(core, pen, child, each);
                        continue;
                    }
                    let Some(row) = self.row(child, each, Sight::Latest).map(|row| row.to_row()) else { continue };
                    self.store(core, pen, "update", (child, each), row, vec![(column, Datum::Null)]);
                }
            }
        }
    }

    /// A planned fault, where one strikes this row. The org's own writes and people's always pass.
    ///
    /// # Errors
    /// The fault.
    pub fn strike(
        &mut self,
        pen: &Pen,
        kind: Kind,
        id: Option<Guid>,
        cells: &[(ColumnId, Datum)],
    ) -> Result<(), Refusal> {
        if pen.system || self.knobs.row_faults.is_empty() {
            return Ok(());
        }
        // Taken out while they are matched: they look at the org they are part of.
        let mut faults = std::mem::take(&mut self.knobs.row_faults);
        let written = |name: &str| {
            let (column, _) = self.schema(kind).column(name)?;
            cells.iter().find(|(each, _)| *each == column).map(|(_, datum)| datum.plain())
        };
        let row = Row { object: kind.logical(), id: id.map(|id| id.to_string()), written: &written };
        let struck = row_faults::strike(&mut faults, &row)
            .map(|fault| Refusal::new(status_of(&fault.code), &fault.code, fault.message.clone()));
        self.knobs.row_faults = faults;
        struck.map_or(Ok(()), Err)
    }
}

/// The status a code comes with.
fn status_of(code: &str) -> u16 {
    match code {
        "0x80040220" | "0x80042f09" | "0x80072560" | "0x8004f507" => 403,
        "0x80040217" | "0x80060891" => 404,
        "0x80060882" | "0x80060892" | "0x80040237" | "0x80040333" => 412,
        "0x80044150" | "0x80044151" => 500,
        "0x80072322" | "0x80072321" | "0x80072326" => 429,
        _ => 400,
    }
}
