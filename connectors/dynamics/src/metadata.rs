//! What Dataverse says of a table: its definition, its columns, what only some kinds of column have, its alternate keys.

use connector::{Error, ErrorKind};
use connector_http::{Call, Priority};
use futures::future::try_join_all;
use http::HeaderValue;
use serde::Deserialize;

use crate::api::{Api, decode, get};
use crate::odata::{path, quoted};

/// A table's definition.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Definition {
    pub entity_set_name: Option<String>,
    pub primary_id_attribute: Option<String>,
    pub change_tracking_enabled: bool,
    pub is_optimistic_concurrency_enabled: bool,
}

/// A column as all kinds have it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Attribute {
    pub logical_name: String,
    pub schema_name: Option<String>,
    pub attribute_type: Option<String>,
    pub attribute_type_name: Option<Named>,
    pub is_valid_for_read: Option<bool>,
    pub is_valid_for_update: Option<bool>,
    pub is_valid_for_create: Option<bool>,
    pub is_custom_attribute: Option<bool>,
    /// Set on the shadows of other columns.
    pub attribute_of: Option<String>,
    pub display_name: Option<Label>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Named {
    pub value: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Label {
    pub user_localized_label: Option<Localized>,
    pub localized_labels: Option<Vec<Localized>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Localized {
    pub label: Option<String>,
}

impl Label {
    pub fn text(self) -> Option<String> {
        let first = || self.localized_labels.unwrap_or_default().into_iter().next();
        self.user_localized_label.or_else(first)?.label.filter(|label| !label.trim().is_empty())
    }
}

/// What only some kinds of column have.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Detail {
    pub logical_name: String,
    pub max_length: Option<u32>,
    pub precision: Option<u32>,
    pub date_time_behavior: Option<Named>,
    pub targets: Option<Vec<String>>,
    pub option_set: Option<OptionSet>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct OptionSet {
    pub options: Option<Vec<Choice>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Choice {
    pub value: Option<i64>,
}

/// An alternate key; its index is built in the background.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct AlternateKey {
    pub schema_name: Option<String>,
    pub key_attributes: Option<Vec<String>>,
    pub entity_key_index_status: Option<String>,
}

impl AlternateKey {
    /// Whether the key is of this column alone.
    pub fn is_of(&self, column: &str) -> bool {
        self.key_attributes.as_ref().is_some_and(|columns| match columns.as_slice() {
            [one] => one.eq_ignore_ascii_case(column),
            _ => false,
        })
    }

    pub fn is_active(&self) -> bool {
        self.entity_key_index_status.as_deref() == Some("Active")
    }
}

#[derive(Deserialize)]
struct List<T> {
    #[serde(default = "Vec::new")]
    value: Vec<T>,
}

/// Everything about one table.
#[derive(Debug, Default)]
pub(crate) struct Metadata {
    pub definition: Definition,
    pub attributes: Vec<Attribute>,
    pub details: Vec<Detail>,
    pub keys: Vec<AlternateKey>,
}

/// The kinds of column that have details, and which.
const DETAILS: &[(&str, &str, bool)] = &[
    ("String", "LogicalName,MaxLength", false),
    ("Memo", "LogicalName,MaxLength", false),
    ("Decimal", "LogicalName,Precision", false),
    ("Double", "LogicalName,Precision", false),
    ("Money", "LogicalName,Precision", false),
    ("DateTime", "LogicalName,DateTimeBehavior", false),
    ("Lookup", "LogicalName,Targets", false),
    ("Picklist", "LogicalName", true),
    ("MultiSelectPicklist", "LogicalName", true),
    ("State", "LogicalName", true),
    ("Status", "LogicalName", true),
];

fn question(attempted: &str, path: String) -> Call<'_> {
    // What was made a moment ago is told, too.
    get(attempted, path).with_header("consistency", HeaderValue::from_static("Strong")).with_priority(Priority::Push)
}

fn of_table(table: &str) -> String {
    format!("EntityDefinitions(LogicalName={})", quoted(table))
}

/// The address of a table's columns, or of its alternate keys.
pub(crate) fn part_of(table: &str, part: &str) -> String {
    format!("{}/{part}", of_table(table))
}

impl Api {
    pub async fn metadata(&self, table: &str) -> Result<Metadata, Error> {
        let attempted = format!("read the columns of {table}");
        let select = "LogicalName,SchemaName,EntitySetName,PrimaryIdAttribute,PrimaryNameAttribute,\
                      ChangeTrackingEnabled,IsOptimisticConcurrencyEnabled";
        let definition = question(&attempted, path(&of_table(table), &[("$select", select)]));
        let columns = "LogicalName,SchemaName,AttributeType,AttributeTypeName,IsValidForRead,IsValidForUpdate,\
                       IsValidForCreate,IsCustomAttribute,AttributeOf,DisplayName";
        let attributes = question(&attempted, path(&part_of(table, "Attributes"), &[("$select", columns)]));
        // The table is asked for first: one that is not there is one refusal, not many.
        let definition: Definition = self.ask(&definition, decode).await?;
        let details =
            DETAILS.iter().map(|(kind, select, options)| self.details(&attempted, table, kind, select, *options));
        let (attributes, details, keys) = tokio::try_join!(
            self.ask::<List<Attribute>>(&attributes, decode),
            try_join_all(details),
            self.alternate_keys(table)
        )?;
        let details = details.into_iter().flatten().collect();
        Ok(Metadata { definition, attributes: attributes.value, details, keys })
    }

    async fn details(
        &self,
        attempted: &str,
        table: &str,
        kind: &str,
        select: &str,
        options: bool,
    ) -> Result<Vec<Detail>, Error> {
        let resource = format!("{}/Microsoft.Dynamics.CRM.{kind}AttributeMetadata", part_of(table, "Attributes"));
        let mut query = vec![("$select", select)];
        if options {
            query.push(("$expand", "OptionSet($select=Options)"));
        }
        match self.try_ask::<List<Detail>>(&question(attempted, path(&resource, &query)), decode).await? {
            Ok(list) => Ok(list.value),
            // An older organisation does not know every kind; its columns are described without details.
            Err(refusal) if matches!(refusal.status, 400 | 404 | 501) => Ok(Vec::new()),
            Err(refusal) => Err(refusal.into_error(attempted)),
        }
    }

    pub async fn alternate_keys(&self, table: &str) -> Result<Vec<AlternateKey>, Error> {
        let attempted = format!("read the alternate keys of {table}");
        let select = "SchemaName,KeyAttributes,EntityKeyIndexStatus";
        let call = question(&attempted, path(&part_of(table, "Keys"), &[("$select", select)]));
        Ok(self.ask::<List<AlternateKey>>(&call, decode).await?.value)
    }
}

impl Definition {
    /// The names without which no row can be asked for.
    pub fn names(&self, table: &str) -> Result<(String, String), Error> {
        let named = |name: &Option<String>| name.clone().filter(|name| crate::odata::is_name(name));
        named(&self.entity_set_name).zip(named(&self.primary_id_attribute)).ok_or_else(|| {
            let attempted = format!("read the definition of {table}");
            Error::new(ErrorKind::Protocol, attempted, "the answer names neither its entity set nor its primary key")
        })
    }
}
