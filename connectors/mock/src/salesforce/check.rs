//! From what was sent to a draft of the row: names, access, values, references, required fields, defaults.

use super::datum::Datum;
use super::given::{Given, Raw};
use super::ids::Id;
use super::kind::Kind;
use super::org::Org;
use super::pen::Pen;
use super::records::Sight;
use super::refusal::{Refusal, RowError};
use super::schema::{Access, Field, FieldId, FieldType};
use super::values;

/// A row about to be written: only the fields that are written, in the order they were sent.
#[derive(Clone, Debug)]
pub struct Draft {
    pub kind: Kind,
    /// The record it changes; none for a new one.
    pub number: Option<u64>,
    pub cells: Vec<(FieldId, Datum)>,
}

impl Draft {
    pub fn is_new(&self) -> bool {
        self.number.is_none()
    }

    pub fn written(&self, field: FieldId) -> Option<&Datum> {
        self.cells.iter().rev().find(|(each, _)| *each == field).map(|(_, datum)| datum)
    }

    pub fn set(&mut self, field: FieldId, datum: Datum) {
        match self.cells.iter_mut().find(|(each, _)| *each == field) {
            Some(cell) => cell.1 = datum,
            None => self.cells.push((field, datum)),
        }
    }
}

impl Org {
    /// What `field` will hold once the draft is saved.
    pub fn drafted(&self, draft: &Draft, name: &str) -> Datum {
        let Some((field, _)) = self.schema(draft.kind).any(name) else { return Datum::Null };
        match draft.written(field) {
            Some(datum) => datum.clone(),
            None => self.before(draft, field),
        }
    }

    /// What it holds now; null for a new record.
    pub fn before(&self, draft: &Draft, field: FieldId) -> Datum {
        let seen = draft.number.and_then(|number| self.seen(draft.kind, number, Sight::Latest));
        seen.map_or(Datum::Null, |seen| seen.get(field))
    }

    /// Whether the draft writes a field of that name.
    pub fn writes(&self, draft: &Draft, name: &str) -> bool {
        self.schema(draft.kind).any(name).is_some_and(|(field, _)| draft.written(field).is_some())
    }

    /// Sets a field of the draft by name; one the object does not have is left out.
    pub fn draft_set(&self, draft: &mut Draft, name: &str, datum: Datum) {
        if let Some((field, _)) = self.schema(draft.kind).any(name) {
            draft.set(field, datum);
        }
    }

    /// Checks what was sent, field by field.
    pub fn check(&self, kind: Kind, number: Option<u64>, given: &Given, pen: &Pen) -> Result<Draft, RowError> {
        let mut draft = Draft { kind, number, cells: Vec::with_capacity(given.0.len()) };
        for (name, raw) in &given.0 {
            let (field, datum) = match raw {
                Raw::Parent { field, value } => self.parent(kind, name, field, value, pen)?,
                raw => {
                    let (id, field) = self.writable(kind, name, number.is_none(), pen)?;
                    (id, values::convert(field, raw)?)
                }
            };
            if let Datum::Id(target) = &datum
                && !pen.system
            {
                self.check_reference(kind, field, *target)?;
            }
            draft.set(field, datum);
        }
        Ok(draft)
    }

    /// A field this pen may write.
    fn writable(&self, kind: Kind, name: &str, creating: bool, pen: &Pen) -> Result<(FieldId, &Field), RowError> {
        let schema = self.schema(kind);
        let found = if pen.system { schema.any(name) } else { schema.visible(name) };
        let (id, field) = found.ok_or_else(|| Refusal::no_such_column(name, kind.name()))?;
        let open = if creating { field.createable } else { field.updateable };
        if pen.system || (open && field.access == Access::Edit) {
            return Ok((id, field));
        }
        let message = format!(
            "Unable to create/update fields: {}. Please check the security settings of this field and verify that it is \
             read/write for your profile or permission set.",
            field.name
        );
        Err(Refusal::row("INVALID_FIELD_FOR_INSERT_UPDATE", message, &[&field.name]))
    }

    /// A parent named by its external id instead of by its Id.
    fn parent(
        &self,
        kind: Kind,
        relationship: &str,
        key: &str,
        value: &Raw,
        pen: &Pen,
    ) -> Result<(FieldId, Datum), RowError> {
        let Some((_, field)) = self.schema(kind).relationship(relationship) else {
            return Err(Refusal::no_such_column(relationship, kind.name()));
        };
        let (id, field) = self.writable(kind, &field.name.clone(), true, pen)?;
        let text = value.text().unwrap_or_default();
        for parent in &field.reference_to {
            let Ok(parent_key) = self.upsert_key(*parent, key) else { continue };
            return match self.matches(*parent, parent_key, Some(value))?.as_slice() {
                [one] => Ok((id, Datum::Id(Id::new(*parent, *one)))),
                [] => {
                    let (text, object) = (text.to_lowercase(), parent.name());
                    let message =
                        format!("Foreign key external ID: {text} not found for field {key} in entity {object}");
                    Err(Refusal::row("INVALID_FIELD", message, &[]))
                }
                _ => {
                    let message = format!("{key}: more than one record found for external id field: [{text}]");
                    Err(Refusal::row("DUPLICATE_EXTERNAL_ID", message, &[]))
                }
            };
        }
        let object = field.reference_to.first().map_or("", |parent| parent.name());
        let message = format!("Field name provided, {key} is not an External ID or indexed field for {object}");
        Err(Refusal::row("INVALID_FIELD", message, &[]))
    }

    fn check_reference(&self, kind: Kind, field: FieldId, target: Id) -> Result<(), RowError> {
        let Some(field) = self.schema(kind).field(field) else { return Ok(()) };
        if !target.kind().is_some_and(|kind| field.reference_to.contains(&kind)) {
            let message = format!("{}: id value of incorrect type: {target}", field.label);
            return Err(Refusal::row("MALFORMED_ID", message, &[&field.name]));
        }
        let Some(seen) = self.by_id(target, Sight::Latest).filter(|seen| !seen.is_deleted()) else {
            return Err(Refusal::row("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", &[&field.name]));
        };
        if &*field.name == "OwnerId" && seen.kind == Kind::User && !seen.named("IsActive").is_true() {
            let object = kind.name().to_lowercase();
            let message = format!("operation performed with inactive user [{target}] as owner of {object}");
            return Err(Refusal::row("INACTIVE_OWNER_OR_USER", message, &[&field.name]));
        }
        if seen.kind == Kind::Lead && seen.named("IsConverted").is_true() {
            return Err(Refusal::row("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", &[]));
        }
        Ok(())
    }

    /// A new record has all it must have.
    pub fn check_required(&self, draft: &Draft) -> Result<(), RowError> {
        let schema = self.schema(draft.kind);
        let required = schema.all_fields().filter(|(_, field)| field.is_required() || field.is_universally_required());
        let missing = required.filter(|(id, _)| draft.written(*id).is_none_or(Datum::is_null));
        missing_fields(missing.map(|(_, field)| &*field.name).collect())
    }

    /// An update does not empty what may not be empty.
    pub fn check_not_emptied(&self, draft: &Draft) -> Result<(), RowError> {
        let emptied = draft.cells.iter().filter(|(_, datum)| datum.is_null());
        let fields = emptied.filter_map(|(id, _)| self.schema(draft.kind).field(*id));
        missing_fields(fields.filter(|field| !field.nillable).map(|field| &*field.name).collect())
    }

    /// What a new record holds where nothing was sent.
    pub fn fill_defaults(&self, draft: &mut Draft, pen: &Pen) {
        let schema = self.schema(draft.kind);
        for (id, field) in schema.all_fields().filter(|(id, _)| *id > super::records::SYSTEM_MODSTAMP) {
            if draft.written(id).is_some_and(|datum| !datum.is_null()) || field.calculated {
                continue;
            }
            let datum = match field.ty {
                FieldType::Boolean => Datum::Bool(false),
                FieldType::Picklist if draft.written(id).is_none() => {
                    let default = field.values.iter().find(|value| value.default);
                    default.map_or(Datum::Null, |value| Datum::text(&value.value))
                }
                FieldType::Reference if &*field.name == "OwnerId" => Datum::Id(pen.user),
                _ => Datum::Null,
            };
            if !datum.is_null() {
                draft.set(id, datum);
            }
        }
    }
}

impl Field {
    /// A custom field an admin made required: on create it must be sent like a standard one.
    fn is_universally_required(&self) -> bool {
        self.custom && !self.nillable && !self.defaulted && self.ty != FieldType::Boolean
    }
}

fn missing_fields(names: Vec<&str>) -> Result<(), RowError> {
    if names.is_empty() {
        return Ok(());
    }
    let message = format!("Required fields are missing: [{}]", names.join(", "));
    Err(Refusal::row("REQUIRED_FIELD_MISSING", message, &names))
}
