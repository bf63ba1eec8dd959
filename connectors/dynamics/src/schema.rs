//! The columns of a table as the application user may see them: asked for, kept for a while, asked for again when Dynamics
//! says that one does not exist.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connector::{Error, FieldKind, FieldName, FieldSpec, Object, Schema, Timestamp};

use crate::api::Api;
use crate::metadata::{Attribute, Detail, Metadata};
use crate::tables::{table_of, tables_of};

/// A description older than this is asked for again.
const FRESH_FOR: Duration = Duration::from_secs(3_600);

/// A column that is missing in a description older than this is looked for in a new one.
const NEWS_AFTER: Duration = Duration::from_secs(300);

/// What is remembered of each table, by its logical name.
#[derive(Debug, Default)]
pub(crate) struct Schemas(Mutex<BTreeMap<String, (Timestamp, Arc<Described>)>>);

/// One table as Dataverse describes it.
#[derive(Debug, Default)]
pub(crate) struct Described {
    pub table: String,
    /// The entity set in addresses.
    pub set: String,
    /// The primary key's column.
    pub key: String,
    /// Whether its changes can be followed by delta links.
    pub tracks_changes: bool,
    /// Whether a write can be tied to the version that was read.
    pub optimistic: bool,
    /// Whether it takes `UpdateMultiple`.
    pub has_bulk: bool,
    columns: BTreeMap<String, Column>,
}

/// One column.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub spec: FieldSpec,
    /// With its capitals; the navigation property of a look-up of one's own.
    pub schema_name: String,
    /// Of a look-up: the tables it may point to.
    pub targets: Option<Vec<String>>,
    /// Of a look-up: whether it is the organisation's own.
    pub is_custom: bool,
    pub creatable: bool,
}

impl Column {
    pub fn is_lookup(&self) -> bool {
        self.targets.is_some()
    }

    /// The name in rows and queries.
    pub fn wire(&self) -> String {
        if self.is_lookup() { format!("_{}_value", self.spec.name) } else { self.spec.name.to_string() }
    }

    /// Whether rows carry a text for its value.
    pub fn has_label(&self) -> bool {
        self.is_lookup() || matches!(self.spec.kind, FieldKind::Choice { .. } | FieldKind::MultiChoice { .. })
    }
}

impl Described {
    /// A column by its logical name, or a look-up by its name in rows.
    pub fn column(&self, name: &str) -> Option<&Column> {
        let name = name.to_ascii_lowercase();
        let bare = || {
            let bare = name.strip_prefix('_')?.strip_suffix("_value")?;
            self.columns.get(bare).filter(|column| column.is_lookup())
        };
        self.columns.get(&name).or_else(bare)
    }

    /// The column whose text this name means: `leadsourcecodename`, as Dataverse itself calls it elsewhere.
    pub fn labelled(&self, name: &str) -> Option<&Column> {
        let name = name.to_ascii_lowercase();
        if self.columns.contains_key(&name) {
            return None;
        }
        self.columns.get(name.strip_suffix("name")?).filter(|column| column.has_label())
    }

    pub fn has(&self, name: &str) -> bool {
        self.columns.contains_key(name)
    }

    fn schema(&self, object: &Object) -> Schema {
        let mut fields: BTreeMap<FieldName, FieldSpec> = BTreeMap::new();
        for column in self.columns.values() {
            let spec = &column.spec;
            fields.insert(spec.name.clone(), spec.clone());
            let shadow = format!("{}name", spec.name);
            if column.has_label() && !self.columns.contains_key(&shadow) {
                let name = FieldName::from(shadow);
                let label = format!("{} (text)", spec.label).into();
                let kind = FieldKind::Text;
                let text =
                    FieldSpec { label, kind, writable: false, unique: false, max_length: None, name: name.clone() };
                fields.insert(name, text);
            }
        }
        Schema { object: object.clone(), fields }
    }
}

impl Api {
    /// Asks for an object's columns, every time.
    pub async fn describe(&self, object: &Object) -> Result<Schema, Error> {
        let described = self.describe_again(table_of(object)?).await?;
        let mut schema = described.schema(object);
        // What only a sister table has can be read, too.
        for other in tables_of(object)?.into_iter().skip(1) {
            for (name, spec) in self.describe_again(other).await?.schema(object).fields {
                schema.fields.entry(name).or_insert(spec);
            }
        }
        Ok(schema)
    }

    /// What is known of a table; asked for where nothing is, or where it is old.
    pub async fn described(&self, table: &str) -> Result<Arc<Described>, Error> {
        match self.schemas.known(table) {
            Some((at, described)) if self.clock.now().since(at) < FRESH_FOR => Ok(described),
            _ => self.describe_again(table).await,
        }
    }

    /// Whether asking again would hardly bring news.
    pub fn is_freshly_described(&self, table: &str) -> bool {
        self.schemas.known(table).is_some_and(|(at, _)| self.clock.now().since(at) < NEWS_AFTER)
    }

    pub async fn describe_again(&self, table: &str) -> Result<Arc<Described>, Error> {
        let described = Arc::new(described(table, self.metadata(table).await?)?);
        self.schemas.keep(table, self.clock.now(), described.clone());
        Ok(described)
    }
}

impl Schemas {
    fn known(&self, table: &str) -> Option<(Timestamp, Arc<Described>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(table).cloned()
    }

    fn keep(&self, table: &str, at: Timestamp, described: Arc<Described>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(table.to_owned(), (at, described));
    }
}

pub(crate) fn described(table: &str, metadata: Metadata) -> Result<Described, Error> {
    let (set, key) = metadata.definition.names(table)?;
    let mut details: BTreeMap<String, Detail> =
        metadata.details.into_iter().map(|detail| (detail.logical_name.clone(), detail)).collect();
    let mut columns = BTreeMap::new();
    for attribute in metadata.attributes {
        let detail = details.remove(&attribute.logical_name).unwrap_or_default();
        if let Some(column) = column(attribute, detail, &key, &metadata.keys) {
            columns.insert(column.spec.name.to_ascii_lowercase(), column);
        }
    }
    Ok(Described {
        table: table.to_owned(),
        set,
        key,
        tracks_changes: metadata.definition.change_tracking_enabled,
        optimistic: metadata.definition.is_optimistic_concurrency_enabled,
        has_bulk: metadata.has_bulk,
        columns,
    })
}

/// `None` for what is no column of its own: shadows of others, and kinds that hold nothing.
fn column(attribute: Attribute, detail: Detail, key: &str, keys: &[crate::metadata::AlternateKey]) -> Option<Column> {
    let word = attribute.attribute_type.as_deref().unwrap_or_default();
    let is_multi = attribute.attribute_type_name.as_ref().and_then(|name| name.value.as_deref())
        == Some("MultiSelectPicklistType");
    let hidden =
        matches!(word, "Virtual" | "EntityName" | "ManagedProperty" | "PartyList" | "CalendarRules") && !is_multi;
    let name = attribute.logical_name;
    if hidden
        || attribute.attribute_of.is_some()
        || attribute.is_valid_for_read == Some(false)
        || !crate::odata::is_name(&name)
    {
        return None;
    }
    let targets = match word {
        "Lookup" => Some(detail.targets.clone().unwrap_or_default()),
        "Customer" => Some(vec!["account".to_owned(), "contact".to_owned()]),
        "Owner" => Some(vec!["systemuser".to_owned(), "team".to_owned()]),
        _ => None,
    };
    let unique = name == key || keys.iter().any(|one| one.is_active() && one.is_of(&name));
    let spec = FieldSpec {
        kind: if is_multi { FieldKind::MultiChoice { options: options(&detail) } } else { kind(word, &detail) },
        writable: attribute.is_valid_for_update.unwrap_or(false) && name != key,
        unique,
        max_length: detail.max_length.filter(|length| *length > 0),
        label: attribute
            .display_name
            .and_then(|label| label.text())
            .map_or_else(|| name.as_str().into(), FieldName::from),
        name: name.as_str().into(),
    };
    Some(Column {
        spec,
        schema_name: attribute.schema_name.unwrap_or(name),
        targets,
        is_custom: attribute.is_custom_attribute.unwrap_or(false),
        creatable: attribute.is_valid_for_create.unwrap_or(false),
    })
}

fn kind(word: &str, detail: &Detail) -> FieldKind {
    let behaviour = detail.date_time_behavior.as_ref().and_then(|named| named.value.as_deref());
    match word {
        "String" | "Memo" => FieldKind::Text,
        "Integer" | "BigInt" => FieldKind::Integer,
        "Decimal" | "Double" | "Money" => FieldKind::Decimal { scale: detail.precision },
        "Boolean" => FieldKind::Bool,
        "DateTime" if behaviour == Some("DateOnly") => FieldKind::Date,
        "DateTime" => FieldKind::Instant,
        "Picklist" | "State" | "Status" => FieldKind::Choice { options: options(detail) },
        "Lookup" | "Customer" | "Owner" | "Uniqueidentifier" => FieldKind::Reference,
        other => FieldKind::Other(other.to_ascii_lowercase().into()),
    }
}

fn options(detail: &Detail) -> Vec<Arc<str>> {
    let options = detail.option_set.as_ref().and_then(|set| set.options.as_ref());
    options.into_iter().flatten().filter_map(|option| option.value).map(|value| Arc::from(value.to_string())).collect()
}

#[cfg(test)]
#[path = "schema_tests.rs"]
pub(crate) mod tests;
