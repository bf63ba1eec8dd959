//! Making columns and keys. Each call takes its time in the real service, and two at once collide.

use serde_json::Value;

use super::{attribute_id, definitions};
use crate::desk::Core;
use crate::dynamics::ask::Ask;
use crate::dynamics::build;
use crate::dynamics::datum::Datum;
use crate::dynamics::guid::Guid;
use crate::dynamics::kind::Kind;
use crate::dynamics::org::Org;
use crate::dynamics::payload;
use crate::dynamics::refusal::Refusal;
use crate::dynamics::schema::{Column, ColumnId, Key, Ty};
use crate::versions::Sight;

/// Columns one alternate key may have.
const MOST_KEY_COLUMNS: usize = 16;
const MOST_KEYS: usize = 10;

/// `POST …/Attributes`.
pub fn column(org: &mut Org, core: &Core, ask: &Ask<'_>, kind: Kind) -> Result<Guid, Refusal> {
    lock(org)?;
    let body = payload::object("EntityDefinitions", &ask.call.body)?;
    let column = definitions::column_from(&body)?;
    check_name(org, core, &column.schema)?;
    if !kind.is_writable() {
        let message = format!("The entity {} cannot be customised.", kind.logical());
        return Err(Refusal::new(400, "0x80044355", message));
    }
    if org.schema(kind).column(&column.logical).is_some() {
        let message = format!(
            "An attribute with the specified name {} already exists for entity {}. The schema name must be unique.",
            column.logical,
            kind.logical()
        );
        return Err(Refusal::new(400, "0x80044153", message));
    }
    Ok(attribute_id(kind, org.add_column(kind, column)))
}

/// Somebody else customises: the caller comes later.
fn lock(org: &mut Org) -> Result<(), Refusal> {
    let Some(left) = org.knobs.customization_locks.checked_sub(1) else { return Ok(()) };
    org.knobs.customization_locks = left;
    let message = "Cannot start another [EntityCustomization] because there is a previous [EntityCustomization] running at this moment.";
    Err(Refusal::new(400, "0x80071151", message))
}

/// A schema name is a publisher's prefix, an underscore, and a word.
fn check_name(org: &Org, core: &Core, schema: &str) -> Result<(), Refusal> {
    let wrong = |why: &str| Refusal::new(400, "0x80044356", format!("The schema name '{schema}' is not valid: {why}."));
    let (prefix, word) = schema.split_once('_').ok_or_else(|| wrong("it must begin with a publisher's prefix"))?;
    let sight = Sight::At(core.now);
    let publishers = org.ids(Kind::Publisher, None).filter_map(|id| org.row(Kind::Publisher, id, sight));
    let mut own = publishers.filter(|publisher| publisher.named("isreadonly") != Datum::Bool(true));
    if !own.any(|publisher| publisher.text("customizationprefix").eq_ignore_ascii_case(prefix)) {
        return Err(wrong("no publisher has its prefix"));
    }
    if word.is_empty() || schema.len() > 50 || !schema.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(wrong("only letters, digits and underscores, 50 at most"));
    }
    Ok(())
}

impl Org {
    /// Adds a column with its shadows and, for money, its base.
    pub fn add_column(&mut self, kind: Kind, column: Column) -> ColumnId {
        let mut more = Vec::new();
        if column.ty == Ty::Money {
            more.push(Column {
                custom: true,
                base_of: Some(column.logical.to_string()),
                ..build::column(
                    &format!("{}_base", column.logical),
                    &format!("{}_Base", column.schema),
                    &format!("{} (Base)", column.label),
                    Ty::Money,
                )
                .read_only()
            });
        }
        more.extend(
            build::shadows(std::slice::from_ref(&column)).into_iter().map(|each| Column { custom: true, ..each }),
        );
        let schema = self.schema_mut(kind);
        let id = schema.add(column);
        for each in more {
            schema.add(each);
        }
        id
    }
}

/// `PUT …/Attributes(LogicalName='x')`: label, length and options may change; the type may not.
pub fn change(org: &mut Org, ask: &Ask<'_>, kind: Kind, name: &str) -> Result<(), Refusal> {
    lock(org)?;
    let body = payload::object("EntityDefinitions", &ask.call.body)?;
    let changed = definitions::column_from(&body)?;
    let Some(column) = org.schema_mut(kind).column_mut(name) else { return Err(Refusal::no_segment(name)) };
    if changed.ty != column.ty {
        return Err(Refusal::new(400, "0x8004431c", format!("The type of attribute {name} cannot be changed.")));
    }
    column.label = changed.label;
    column.max_length = changed.max_length;
    (column.min, column.max, column.precision) = (changed.min, changed.max, changed.precision);
    if !changed.choices.is_empty() {
        column.choices = changed.choices;
    }
    Ok(())
}

/// `DELETE …/Attributes(LogicalName='x')`: only what an admin has made. Deletions of the table can no longer be told.
pub fn drop_column(org: &mut Org, kind: Kind, name: &str) -> Result<(), Refusal> {
    lock(org)?;
    let used = org.schema(kind).column(name).map(|(id, _)| id);
    let used = org.schema(kind).keys.iter().any(|key| used.is_some_and(|id| key.columns.contains(&id)));
    match org.schema_mut(kind).column_mut(name) {
        Some(column) if column.custom && !used => {
            column.removed = true;
            let version = org.version;
            org.table_mut(kind).forgotten = version;
            Ok(())
        }
        Some(_) => {
            Err(Refusal::new(400, "0x8004f01f", format!("The attribute {name} cannot be deleted: it is in use.")))
        }
        None => Err(Refusal::no_segment(name)),
    }
}

/// `POST …/Keys`.
pub fn key(org: &mut Org, core: &Core, ask: &Ask<'_>, kind: Kind) -> Result<usize, Refusal> {
    lock(org)?;
    let body = payload::object("EntityDefinitions", &ask.call.body)?;
    let schema = body.get("SchemaName").and_then(Value::as_str).unwrap_or("");
    check_name(org, core, schema)?;
    let names: Vec<&str> = match body.get("KeyAttributes") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let label = body.get("DisplayName").and_then(|label| label.get("LocalizedLabels")?.get(0)?.get("Label")?.as_str());
    make_key(org, core, kind, schema, label.unwrap_or(schema), &names)
}

/// A key over columns; its index is active once it is built.
pub fn make_key(
    org: &mut Org,
    core: &Core,
    kind: Kind,
    name: &str,
    label: &str,
    columns: &[&str],
) -> Result<usize, Refusal> {
    let schema = org.schema(kind);
    let fits = |ty: Ty| {
        matches!(ty, Ty::Text | Ty::Int | Ty::BigInt | Ty::Decimal | Ty::Day | Ty::Instant | Ty::Choice)
            || ty.is_lookup()
    };
    let mut ids = Vec::new();
    for column in columns {
        match schema.column(column) {
            Some((id, definition)) if fits(definition.ty) => ids.push(id),
            _ => {
                return Err(Refusal::new(
                    400,
                    "0x80060894",
                    format!("The attribute {column} cannot be part of a key."),
                ));
            }
        }
    }
    let taken = |key: &Key| key.schema.eq_ignore_ascii_case(name) || key.columns == ids;
    if schema.keys.iter().any(taken) {
        let message = format!("An entity key with the specified name {name} or columns already exists.");
        return Err(Refusal::new(400, "0x80060893", message));
    }
    if ids.is_empty() || ids.len() > MOST_KEY_COLUMNS || schema.keys.len() >= MOST_KEYS {
        return Err(Refusal::new(400, "0x80060895", "A key has 1 to 16 columns, and a table 10 keys at most."));
    }
    let active_at = core.now.saturating_add(org.knobs.key_build_ms);
    for id in &ids {
        let logical = org.schema(kind).get(*id).map(|column| column.logical.clone());
        if let Some(column) = logical.and_then(|name| org.schema_mut(kind).column_mut(&name)) {
            column.indexed = true;
        }
    }
    let key = Key { schema: name.to_owned(), label: label.to_owned(), columns: ids, active_at };
    org.schema_mut(kind).keys.push(key);
    org.reindex(kind);
    Ok(org.schema(kind).keys.len() - 1)
}
