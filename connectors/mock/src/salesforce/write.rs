//! The one write path: insert, update, upsert and delete of one row, whoever asks. Single records, collections,
//! composite calls, bulk jobs and control actions all end here, so that one set of rules holds for all.
//!
//! Order: access, values, references, required fields, defaults, the object's own rules, unique values; then the stamp,
//! the ledger line and what the CRM does by itself afterwards. A refused row has changed nothing.

use super::check::Draft;
use super::datum::Datum;
use super::given::{Given, Raw};
use super::ids::Id;
use super::kind::Kind;
use super::org::Org;
use super::pen::Pen;
use super::records::Sight;
use super::refusal::{Detail, Refusal, RowError};
use super::schema::FieldId;
use crate::desk::Core;

/// A row that was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    pub id: Id,
    pub created: bool,
}

impl Org {
    /// Makes a record.
    ///
    /// # Errors
    /// What the row is refused for; nothing is changed then.
    pub fn insert(&mut self, core: &mut Core, pen: &Pen, kind: Kind, given: &Given) -> Result<Written, RowError> {
        self.may_write(kind, pen)?;
        let mut draft = self.check(kind, None, given, pen)?;
        self.check_required(&draft)?;
        self.fill_defaults(&mut draft, pen);
        self.rewrite_at_once(&mut draft, pen);
        self.before_save(core, &mut draft, pen)?;
        self.check_unique(&draft)?;
        self.admit(core, &draft, pen)?;
        let number = self.table_mut(kind).fresh_number();
        let row = super::records::Row::new(pen.at, pen.user);
        self.store(core, pen, "create", (kind, number), row, draft.cells.clone());
        self.after_save(core, &draft, number, pen)?;
        Ok(Written { id: Id::new(kind, number), created: true })
    }

    /// Changes a record that is not deleted. `id` as sent: 15 or 18 characters.
    ///
    /// # Errors
    /// What the row is refused for. An Id nobody has is `INVALID_CROSS_REFERENCE_KEY`.
    pub fn update(
        &mut self,
        core: &mut Core,
        pen: &Pen,
        kind: Kind,
        id: &str,
        given: &Given,
    ) -> Result<Written, RowError> {
        let number = self.target(kind, id)?;
        self.may_write(kind, pen)?;
        if kind == Kind::Lead && !pen.system && self.is_converted(number) {
            return Err(Refusal::row("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", &[]));
        }
        let mut draft = self.check(kind, Some(number), given, pen)?;
        self.check_not_emptied(&draft)?;
        self.rewrite_at_once(&mut draft, pen);
        self.before_save(core, &mut draft, pen)?;
        self.check_unique(&draft)?;
        self.admit(core, &draft, pen)?;
        let Some(row) = self.live(kind, number, Sight::Latest).map(|seen| seen.to_row()) else {
            return Err(Refusal::deleted());
        };
        self.store(core, pen, "update", (kind, number), row, draft.cells.clone());
        self.after_save(core, &draft, number, pen)?;
        Ok(Written { id: Id::new(kind, number), created: false })
    }

    /// Changes the record whose `key` field has this value, or makes it. `key` may be `Id`: without a value that is an
    /// insert. With `update_only` nothing is ever made.
    ///
    /// # Errors
    /// What the row is refused for; [`Detail::Several`] when the value matches more than one record.
    pub fn upsert(
        &mut self,
        core: &mut Core,
        pen: &Pen,
        kind: Kind,
        (key, value): (&str, Option<&Raw>),
        given: &Given,
        update_only: bool,
    ) -> Result<Written, RowError> {
        if key.eq_ignore_ascii_case("Id") {
            return match value.and_then(Raw::text).filter(|text| !text.is_empty()) {
                Some(id) => self.update(core, pen, kind, &id, given),
                None => self.insert(core, pen, kind, given),
            };
        }
        let field = self.upsert_key(kind, key)?;
        let matches = self.matches(kind, field, value)?;
        match matches.as_slice() {
            [] if update_only => Err(Refusal::not_found()),
            [] => {
                let mut given = given.clone();
                if let (Some(raw), false) = (value, given.has(key)) {
                    given.0.push((key.to_owned(), raw.clone()));
                }
                self.insert(core, pen, kind, &given)
            }
            [one] => self.update(core, pen, kind, &Id::new(kind, *one).to_string(), given),
            several => {
                let field = self.schema(kind).field(field).map_or("", |field| &*field.name);
                let text = value.and_then(Raw::text).unwrap_or_default();
                let message = format!("{field}: more than one record found for external id field: [{text}]");
                let ids = several.iter().map(|number| Id::new(kind, *number)).collect();
                let refusal = Refusal::row("DUPLICATE_EXTERNAL_ID", message, &[]);
                Err(Refusal { status: 300, detail: Detail::Several(ids), ..refusal })
            }
        }
    }

    /// Deletes a record (softly, where its object has a recycle bin) and what hangs on it.
    ///
    /// # Errors
    /// `ENTITY_IS_DELETED` when it already is.
    pub fn delete(&mut self, core: &mut Core, pen: &Pen, kind: Kind, id: &str) -> Result<Written, RowError> {
        let number = self.target(kind, id)?;
        self.may_write(kind, pen)?;
        if matches!(kind, Kind::User | Kind::Organization) {
            return Err(no_access());
        }
        if kind == Kind::Lead && !pen.system && self.is_converted(number) {
            return Err(Refusal::row("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", &[]));
        }
        self.admit_deletion(core, kind, number, pen)?;
        self.remove(core, pen, kind, number, None);
        Ok(Written { id: Id::new(kind, number), created: false })
    }

    /// The number of a live record of `kind`, from an Id as sent.
    ///
    /// # Errors
    /// `MALFORMED_ID`, `INVALID_CROSS_REFERENCE_KEY` or `ENTITY_IS_DELETED`.
    pub fn target(&self, kind: Kind, text: &str) -> Result<u64, RowError> {
        let id = Id::parse(text.trim()).ok_or_else(|| Refusal::malformed_id(text))?;
        let unknown = || Refusal::row("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", &[]);
        if id.kind() != Some(kind) {
            return Err(unknown());
        }
        let seen = self.seen(kind, id.number, Sight::Latest).ok_or_else(unknown)?;
        if seen.is_deleted() { Err(Refusal::deleted()) } else { Ok(id.number) }
    }

    /// A visible field that may be an upsert key.
    ///
    /// # Errors
    /// 404 when there is none of that name, 400 when it is no key.
    pub fn upsert_key(&self, kind: Kind, key: &str) -> Result<FieldId, RowError> {
        let Some((field, definition)) = self.schema(kind).visible(key) else {
            let message = format!("Provided external ID field does not exist or is not accessible: {key}");
            return Err(Refusal::new(404, "NOT_FOUND", message));
        };
        if !definition.is_upsert_key() {
            let message = format!(
                "Field name provided, {} does not match an External ID, Salesforce Id, or indexed field for {}",
                definition.name,
                kind.name()
            );
            return Err(Refusal::new(400, "INVALID_FIELD", message));
        }
        Ok(field)
    }

    /// Live records whose key field has this value, as the write path sees them.
    pub fn matches(&self, kind: Kind, field: FieldId, value: Option<&Raw>) -> Result<Vec<u64>, RowError> {
        let Some(definition) = self.schema(kind).field(field) else { return Ok(Vec::new()) };
        let datum = match value {
            Some(raw) => super::values::convert(definition, raw)?,
            None => Datum::Null,
        };
        if datum.is_null() {
            let message = format!("{} not specified", definition.name);
            return Err(Refusal::row("MISSING_ARGUMENT", message, &[]));
        }
        let mut found = self.find(kind, field, &datum, Sight::Latest);
        found.retain(|number| self.live(kind, *number, Sight::Latest).is_some());
        Ok(found)
    }

    pub fn is_converted(&self, lead: u64) -> bool {
        self.seen(Kind::Lead, lead, Sight::Latest).is_some_and(|seen| seen.named("IsConverted").is_true())
    }

    fn may_write(&self, kind: Kind, pen: &Pen) -> Result<(), RowError> {
        if pen.system || kind.is_writable() { Ok(()) } else { Err(no_access()) }
    }

    /// Unique fields: nobody else alive may hold the value.
    fn check_unique(&self, draft: &Draft) -> Result<(), RowError> {
        for (field, datum) in &draft.cells {
            let Some(definition) = self.schema(draft.kind).field(*field).filter(|field| field.unique) else { continue };
            let holders = self.find(draft.kind, *field, datum, Sight::Latest);
            let other = holders.into_iter().find(|holder| {
                Some(*holder) != draft.number && self.live(draft.kind, *holder, Sight::Latest).is_some()
            });
            if let Some(other) = other {
                let id = Id::new(draft.kind, other);
                let name = &definition.name;
                let message = format!("duplicate value found: {name} duplicates value on record with id: {id}");
                return Err(Refusal::row("DUPLICATE_VALUE", message, &[name]));
            }
        }
        Ok(())
    }
}

fn no_access() -> RowError {
    let refusal = Refusal::row("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", &[]);
    Refusal { status: 403, ..refusal }
}
