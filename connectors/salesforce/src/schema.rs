//! The fields of an object as the integration user may see them: asked for, kept for a while, asked for again when
//! Salesforce says that one does not exist.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connector::{Error, FieldKind, FieldName, FieldSpec, Object, Schema, Timestamp};
use connector_http::{Call, Priority};
use serde::Deserialize;

use crate::api::{Api, decode};
use crate::dialect::CALL;
use crate::paths::sobject_of;

/// A description older than this is asked for again.
const FRESH_FOR: Duration = Duration::from_secs(3_600);

/// A field that is missing in a description older than this is looked for in a new one.
const NEWS_AFTER: Duration = Duration::from_secs(300);

/// What is remembered of each object, by its name at Salesforce.
#[derive(Debug, Default)]
pub(crate) struct Schemas(Mutex<BTreeMap<String, (Timestamp, Arc<Described>)>>);

/// One object as Salesforce describes it.
#[derive(Debug, Default)]
pub(crate) struct Described {
    /// By name in lower case: names count without case.
    fields: BTreeMap<String, FieldSpec>,
    /// The names of paths to parents (`Account` in `Account.Name`), in lower case.
    parents: Vec<String>,
    /// Whether Salesforce keeps a log of the object's deletions.
    pub replicateable: bool,
}

impl Described {
    /// What is known of an object nobody asked Salesforce about: these fields hold ids, one of them its stamp, and those of
    /// parents text.
    pub fn of_references(names: &[&str]) -> Self {
        let field = |name: &&str| {
            let kind = match *name {
                "SystemModstamp" => FieldKind::Instant,
                name if name.contains('.') => FieldKind::Text,
                _ => FieldKind::Reference,
            };
            let name = FieldName::from(*name);
            FieldSpec { label: name.clone(), kind, writable: false, unique: false, max_length: None, name }
        };
        let fields = names.iter().map(|name| (name.to_ascii_lowercase(), field(name)));
        Self { fields: fields.collect(), ..Self::default() }
    }

    pub fn field(&self, name: &str) -> Option<&FieldSpec> {
        self.fields.get(&name.to_ascii_lowercase())
    }

    /// What a field, or a parent's field, holds; `None` where there is no such thing.
    pub fn kind(&self, name: &str) -> Option<FieldKind> {
        match name.split_once('.') {
            None => self.field(name).map(|spec| spec.kind.clone()),
            Some(_) if self.field(name).is_some() => self.field(name).map(|spec| spec.kind.clone()),
            // The parent's own description is not asked for: its values come as they are.
            Some((parent, _)) => {
                let parent = parent.to_ascii_lowercase();
                self.parents.contains(&parent).then_some(FieldKind::Other("of a parent".into()))
            }
        }
    }

    /// How the field's name is spelt at Salesforce.
    pub fn spelt<'a>(&'a self, name: &'a str) -> &'a str {
        self.field(name).map_or(name, |spec| &spec.name)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribedRow {
    #[serde(default)]
    fields: Vec<FieldRow>,
    #[serde(default)]
    replicateable: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct FieldRow {
    name: String,
    label: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    length: u32,
    scale: u32,
    updateable: bool,
    unique: bool,
    calculated: bool,
    relationship_name: Option<String>,
    picklist_values: Vec<PicklistRow>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PicklistRow {
    active: bool,
    value: String,
}

impl Api {
    /// Asks for an object's fields, every time.
    pub async fn describe(&self, object: &Object) -> Result<Schema, Error> {
        let described = self.describe_again(sobject_of(object)?).await?;
        let fields = described.fields.values().map(|spec| (spec.name.clone(), spec.clone())).collect();
        Ok(Schema { object: object.clone(), fields })
    }

    /// What is known of an object; asked for where nothing is, or where it is old.
    pub async fn described(&self, sobject: &str) -> Result<Arc<Described>, Error> {
        let known = self.schemas.known(sobject).filter(|(at, _)| self.clock.now().since(*at) < FRESH_FOR);
        match known {
            Some((_, described)) => Ok(described),
            None => self.describe_again(sobject).await,
        }
    }

    /// Whether asking again would hardly bring news.
    pub fn is_freshly_described(&self, sobject: &str) -> bool {
        self.schemas.known(sobject).is_some_and(|(at, _)| self.clock.now().since(at) < NEWS_AFTER)
    }

    pub async fn describe_again(&self, sobject: &str) -> Result<Arc<Described>, Error> {
        let attempted = format!("read the fields of {sobject}");
        let call = Call::get(&attempted, self.paths.describe(sobject), CALL).with_priority(Priority::Push);
        let row: DescribedRow = self.ask(&call, decode).await?;
        let described = Arc::new(described(row));
        self.schemas.keep(sobject, self.clock.now(), described.clone());
        Ok(described)
    }
}

impl Schemas {
    fn known(&self, sobject: &str) -> Option<(Timestamp, Arc<Described>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(sobject).cloned()
    }

    fn keep(&self, sobject: &str, at: Timestamp, described: Arc<Described>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(sobject.to_owned(), (at, described));
    }
}

fn described(row: DescribedRow) -> Described {
    let parents = row.fields.iter().filter_map(|field| field.relationship_name.as_deref());
    Described {
        parents: parents.map(str::to_ascii_lowercase).collect(),
        replicateable: row.replicateable,
        fields: row
            .fields
            .into_iter()
            .filter(|field| crate::paths::is_name(&field.name))
            .map(|field| (field.name.to_ascii_lowercase(), spec(field)))
            .collect(),
    }
}

fn spec(row: FieldRow) -> FieldSpec {
    let holds_text = matches!(
        row.kind.as_str(),
        "string"
            | "textarea"
            | "email"
            | "phone"
            | "url"
            | "encryptedstring"
            | "combobox"
            | "multipicklist"
            | "picklist"
    );
    FieldSpec {
        kind: kind(&row),
        writable: row.updateable && !row.calculated,
        unique: row.unique || row.kind == "id",
        max_length: Some(row.length).filter(|length| holds_text && *length > 0),
        label: row.label.filter(|label| !label.is_empty()).map_or_else(|| row.name.as_str().into(), FieldName::from),
        name: row.name.into(),
    }
}

fn kind(row: &FieldRow) -> FieldKind {
    let options = || {
        let active = row.picklist_values.iter().filter(|option| option.active);
        active.map(|option| Arc::from(option.value.as_str())).collect()
    };
    match row.kind.as_str() {
        "string" | "textarea" | "email" | "phone" | "url" | "encryptedstring" | "combobox" => FieldKind::Text,
        "int" | "long" => FieldKind::Integer,
        "double" if row.scale == 0 => FieldKind::Integer,
        "double" | "currency" | "percent" => FieldKind::Decimal { scale: Some(row.scale) },
        "boolean" => FieldKind::Bool,
        "date" => FieldKind::Date,
        "datetime" => FieldKind::Instant,
        "picklist" => FieldKind::Choice { options: options() },
        "multipicklist" => FieldKind::MultiChoice { options: options() },
        "reference" | "id" => FieldKind::Reference,
        other => FieldKind::Other(other.into()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An object as this JSON describes it.
    pub(crate) fn described_from(json: &str) -> Described {
        described(serde_json::from_str(json).unwrap())
    }

    fn one(json: &str) -> FieldSpec {
        spec(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn fields_are_told_in_the_words_all_crms_share() {
        let key =
            one(r#"{"name":"CDP_Profile_Id__c","label":"CDP profile","type":"string","length":64,"updateable":true,
            "unique":true,"externalId":true,"calculated":false,"picklistValues":[],"relationshipName":null}"#);
        assert!(key.unique && key.writable);
        assert_eq!((key.kind, key.max_length), (FieldKind::Text, Some(64)));
        let kind = |json: &str| one(json).kind;
        assert_eq!(kind(r#"{"name":"S","type":"double","scale":2}"#), FieldKind::Decimal { scale: Some(2) });
        assert_eq!(kind(r#"{"name":"S","type":"double","scale":0}"#), FieldKind::Integer);
        assert_eq!(kind(r#"{"name":"S","type":"address"}"#), FieldKind::Other("address".into()));
        let picklist = r#"{"name":"P","type":"picklist","length":255,"restrictedPicklist":true,
            "picklistValues":[{"active":true,"value":"hot"},{"active":false,"value":"old"}]}"#;
        assert_eq!(kind(picklist), FieldKind::Choice { options: vec!["hot".into()] });
        assert!(!one(r#"{"name":"F","type":"double","updateable":true,"calculated":true}"#).writable);
        assert!(!one(r#"{"name":"Id","type":"id","updateable":false,"label":""}"#).writable);
        assert_eq!(&*one(r#"{"name":"Id","type":"id","label":null}"#).label, "Id");
    }

    #[test]
    fn names_count_without_case_and_parents_are_known() {
        let described = described_from(
            r#"{"replicateable":true,"fields":[{"name":"AccountId","type":"reference","relationshipName":"Account"},
            {"name":"Email","type":"email"}]}"#,
        );
        assert!(described.replicateable);
        assert_eq!(described.kind("EMAIL"), Some(FieldKind::Text));
        assert_eq!(described.spelt("eMail"), "Email");
        assert!(described.kind("account.Name").is_some());
        assert_eq!(described.kind("Owner.Name"), None);
        assert_eq!(described.kind("Nope__c"), None);
    }
}
