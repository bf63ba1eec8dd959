//! The one way in: every create, update and delete, whoever asks for it, is checked here and stored by [`super::store`].

use super::datum::Datum;
use super::guid::Guid;
use super::kind::Kind;
use super::org::Org;
use super::payload::Given;
use super::pen::Pen;
use super::records::Row;
use super::refusal::Refusal;
use super::schema::{ColumnId, Ty};
use super::values;
use crate::desk::Core;
use crate::versions::Sight;

impl Org {
    /// Makes a row and returns its id.
    ///
    /// # Errors
    /// What refuses the row.
    pub fn insert(&mut self, core: &mut Core, pen: &Pen, kind: Kind, mut given: Given) -> Result<Guid, Refusal> {
        self.may(pen, kind, "create")?;
        if let Some(id) = given.id
            && self.row(kind, id, Sight::Latest).is_some()
        {
            return Err(same_key());
        }
        self.keep_writable(pen, kind, &mut given, true)?;
        self.fill_in(pen, kind, &mut given);
        self.settle_state(pen, kind, None, &mut given)?;
        self.check(pen, kind, None, &mut given)?;
        let id = given.id.unwrap_or_else(|| self.table_mut(kind).fresh_id());
        let row = Row::new(pen.at, pen.user);
        self.store(core, pen, "create", (kind, id), row, given.cells);
        Ok(id)
    }

    /// # Errors
    /// What refuses the change.
    pub fn update(
        &mut self,
        core: &mut Core,
        pen: &Pen,
        kind: Kind,
        id: Guid,
        mut given: Given,
    ) -> Result<(), Refusal> {
        self.may(pen, kind, "write")?;
        let row = self.row(kind, id, Sight::Latest).ok_or_else(|| Refusal::no_row(kind.logical(), id))?.to_row();
        self.keep_writable(pen, kind, &mut given, false)?;
        self.settle_state(pen, kind, Some(id), &mut given)?;
        self.check(pen, kind, Some(id), &mut given)?;
        self.store(core, pen, "update", (kind, id), row, given.cells);
        Ok(())
    }

    /// # Errors
    /// 404 where there is no such row, 403 without the privilege.
    pub fn delete(&mut self, core: &mut Core, pen: &Pen, kind: Kind, id: Guid) -> Result<(), Refusal> {
        self.may(pen, kind, "delete")?;
        if self.row(kind, id, Sight::Latest).is_none() {
            return Err(Refusal::no_row(kind.logical(), id));
        }
        self.strike(pen, kind, Some(id), &[])?;
        self.cascade(core, pen, kind, id);
        self.remove(core, pen, kind, id);
        Ok(())
    }

    /// Whether the user's role lets it.
    ///
    /// # Errors
    /// 403, or 400 for a table nobody writes.
    pub fn may(&self, pen: &Pen, kind: Kind, privilege: &str) -> Result<(), Refusal> {
        if privilege != "read" && !kind.is_writable() {
            let message = format!("The '{privilege}' method does not support entities of type '{}'.", kind.logical());
            return Err(Refusal::new(405, "0x80040800", message));
        }
        let denied = self.knobs.denied.iter();
        let mut denied = denied.filter(|each| each.table == kind.logical() && each.privilege == privilege);
        if pen.system || denied.next().is_none() {
            return Ok(());
        }
        let verb = privilege.get(..1).unwrap_or("").to_uppercase() + privilege.get(1..).unwrap_or("");
        let message = format!(
            "Principal user (Id={}, type=8, roleCount=1) is missing prv{verb}{} privilege (Id=00000000-0000-0000-0000-000000000000) on \
             OTC=0 for entity '{}' (LocalizedName='{}'). context.Caller={}",
            pen.user,
            kind.names().schema,
            kind.logical(),
            kind.names().label,
            pen.user
        );
        Err(Refusal::new(403, "0x80040220", message))
    }

    /// Leaves out what cannot be written: the service ignores it, except where column security forbids it.
    fn keep_writable(&self, pen: &Pen, kind: Kind, given: &mut Given, creating: bool) -> Result<(), Refusal> {
        let schema = self.schema(kind);
        let mut kept = Vec::with_capacity(given.cells.len());
        for (column, datum) in given.cells.drain(..) {
            let Some(definition) = schema.get(column) else { continue };
            if definition.secured && !pen.system {
                let message = format!(
                    "Caller user with Id {} does not have UpdatePermissions to column '{}'.",
                    pen.user, definition.logical
                );
                return Err(Refusal::new(403, "0x8004f507", message));
            }
            let state = creating && definition.ty == Ty::State;
            let taken = if creating { definition.create } else { definition.update };
            if taken || state || pen.system && definition.base_of.is_none() {
                kept.push((column, datum));
            }
        }
        given.cells = kept;
        Ok(())
    }

    /// What a new row has though nobody said so.
    fn fill_in(&self, pen: &Pen, kind: Kind, given: &mut Given) {
        let schema = self.schema(kind);
        let mut fill = |name: &str, datum: Datum| {
            if let Some((column, _)) = schema.column(name)
                && given.get(column).is_none_or(Datum::is_null)
            {
                given.set(column, datum);
            }
        };
        if kind.is_owned() {
            fill("ownerid", Datum::Ref(Kind::SystemUser, pen.user));
        }
        if kind.is_activity() {
            fill("activitytypecode", Datum::text(kind.logical()));
        }
        let defaults: Vec<(ColumnId, Datum)> = schema
            .columns()
            .filter_map(|(column, each)| match (each.ty, each.default) {
                (Ty::Bool, Some(value)) => Some((column, Datum::Bool(value != 0))),
                (Ty::Choice, Some(value)) => Some((column, Datum::Int(value))),
                _ => None,
            })
            .collect();
        for (column, datum) in defaults {
            if given.get(column).is_none() {
                given.set(column, datum);
            }
        }
        let is_money = |column: &ColumnId| schema.get(*column).is_some_and(|each| each.ty == Ty::Money);
        if given.cells.iter().any(|(column, datum)| is_money(column) && !datum.is_null())
            && let Some((column, _)) = schema.column("transactioncurrencyid")
            && given.get(column).is_none()
        {
            given.set(column, Datum::Ref(Kind::TransactionCurrency, super::setup::DOLLAR));
        }
    }

    /// The values, one by one and together, and whatever else may stand in the way.
    fn check(&mut self, pen: &Pen, kind: Kind, id: Option<Guid>, given: &mut Given) -> Result<(), Refusal> {
        self.rewrite_at_once(pen, kind, id, &mut given.cells);
        let schema = self.schema(kind);
        for (column, datum) in &given.cells {
            let Some(definition) = schema.get(*column) else { continue };
            values::check(definition, datum, kind.logical())?;
            let text = datum.as_str().unwrap_or("");
            let doubtful = self.knobs.validate_emails && !pen.system && definition.format == "Email";
            if doubtful && !text.is_empty() && !values::is_address(text) {
                let message =
                    format!("The value of the '{}' attribute is not a valid e-mail address.", definition.logical);
                return Err(Refusal::invalid(message));
            }
        }
        self.check_closed(pen, kind, id, given)?;
        self.check_keys(kind, id, given)?;
        self.check_duplicates(pen, kind, id, given)?;
        self.strike(pen, kind, id, &given.cells)
    }
}

/// The same primary key twice.
pub fn same_key() -> Refusal {
    Refusal::new(412, "0x80040237", "A record with matching key values already exists.")
}
