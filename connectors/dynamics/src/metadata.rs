//! What Dataverse says of a table: its definition, its columns, what only some kinds of column have, its alternate keys. All
//! of it is asked in one batch.

use connector::{Error, ErrorKind};
use connector_http::{Priority, Repeat, redact};
use http::HeaderValue;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::api::{Api, Refusal, decode, get};
use crate::multipart::{self, Part, Request};
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
    /// Whether the table has `UpdateMultiple`.
    pub has_bulk: bool,
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

/// The address of a table's columns, or of its alternate keys.
pub(crate) fn part_of(table: &str, part: &str) -> String {
    format!("{}/{part}", of_table(table))
}

fn of_table(table: &str) -> String {
    format!("EntityDefinitions(LogicalName={})", quoted(table))
}

/// Everything there is to ask about a table: its definition, columns, keys and bulk call, then what some columns have.
fn questions(table: &str) -> Vec<String> {
    let definition = "LogicalName,SchemaName,EntitySetName,PrimaryIdAttribute,PrimaryNameAttribute,\
                      ChangeTrackingEnabled,IsOptimisticConcurrencyEnabled";
    let columns = "LogicalName,SchemaName,AttributeType,AttributeTypeName,IsValidForRead,IsValidForUpdate,\
                   IsValidForCreate,IsCustomAttribute,AttributeOf,DisplayName";
    let bulk = format!("sdkmessageid/name eq 'UpdateMultiple' and primaryobjecttypecode eq {}", quoted(table));
    let mut questions = vec![
        path(&of_table(table), &[("$select", definition)]),
        path(&part_of(table, "Attributes"), &[("$select", columns)]),
        keys_of(table),
        path("sdkmessagefilters", &[("$select", "sdkmessagefilterid"), ("$filter", &bulk)]),
    ];
    questions.extend(DETAILS.iter().map(|(kind, select, options)| {
        let resource = format!("{}/Microsoft.Dynamics.CRM.{kind}AttributeMetadata", part_of(table, "Attributes"));
        let mut query = vec![("$select", *select)];
        if *options {
            query.push(("$expand", "OptionSet($select=Options)"));
        }
        path(&resource, &query)
    }));
    questions
}

fn keys_of(table: &str) -> String {
    path(&part_of(table, "Keys"), &[("$select", "SchemaName,KeyAttributes,EntityKeyIndexStatus")])
}

impl Api {
    /// Asks everything about a table in one call.
    pub async fn metadata(&self, table: &str) -> Result<Metadata, Error> {
        let attempted = format!("read the columns of {table}");
        let asked = questions(table);
        let parts = self.ask_together(&attempted, &asked).await?;
        let mut parts = parts.into_iter();
        let mut next = || parts.next().ok_or_else(|| unreadable(&attempted));
        let definition: Definition = read(&attempted, &next()?)?;
        let attributes: List<Attribute> = read(&attempted, &next()?)?;
        let keys: List<AlternateKey> = read(&attempted, &next()?)?;
        // Whoever does not tell is tried: a refused bulk call goes row by row.
        let bulk = next()?;
        let has_bulk = bulk.status != 200 || !read::<List<IgnoredAny>>(&attempted, &bulk)?.value.is_empty();
        let mut details = Vec::new();
        for part in parts {
            // An older organisation does not know every kind; its columns are described without details.
            if part.status == 200 {
                details.extend(read::<List<Detail>>(&attempted, &part)?.value);
            }
        }
        Ok(Metadata { definition, attributes: attributes.value, details, keys: keys.value, has_bulk })
    }

    /// Several questions in one call, answered in their order.
    async fn ask_together(&self, attempted: &str, paths: &[String]) -> Result<Vec<Part>, Error> {
        let prefix = self.base.url().path().trim_end_matches('/');
        // What was made a moment ago is told, too.
        let headers = || vec![("Accept", "application/json".to_owned()), ("Consistency", "Strong".to_owned())];
        let request = |path: &String| Request {
            method: "GET",
            target: format!("{prefix}{path}"),
            headers: headers(),
            body: vec![],
        };
        let requests: Vec<Request> = paths.iter().map(request).collect();
        let call = self.batch_call(attempted, &requests).with_repeat(Repeat::Safe);
        let many = paths.len();
        let parts = self.try_ask(&call, move |answer| {
            let parts = multipart::read(answer)?;
            if parts.len() == many { Ok(parts) } else { Err("it answers another number of questions".to_owned()) }
        });
        parts.await?.map_err(|refusal| refusal.into_error(attempted))
    }

    pub async fn alternate_keys(&self, table: &str) -> Result<Vec<AlternateKey>, Error> {
        let attempted = format!("read the alternate keys of {table}");
        let call = get(&attempted, keys_of(table))
            .with_header("consistency", HeaderValue::from_static("Strong"))
            .with_priority(Priority::Push);
        Ok(self.ask::<List<AlternateKey>>(&call, decode).await?.value)
    }
}

fn read<T: DeserializeOwned>(attempted: &str, part: &Part) -> Result<T, Error> {
    if part.status != 200 {
        return Err(Refusal::inside(part.status, &part.body).into_error(attempted));
    }
    serde_json::from_slice(&part.body)
        .map_err(|error| Error::new(ErrorKind::Protocol, attempted, redact::json_error(&error)))
}

fn unreadable(attempted: &str) -> Error {
    Error::new(ErrorKind::Protocol, attempted, "an answer is missing")
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
