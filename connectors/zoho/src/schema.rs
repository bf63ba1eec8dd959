//! The fields of a module as the integration user may see them: asked for, kept for a while, asked for again when a name
//! is not known. Zoho assigns the names of new fields itself, so that a field of ours may be called otherwise than the
//! mapping calls it: those names are remembered and known here by both.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connector::{Error, FieldKind, FieldName, FieldSpec, Object, Schema, Timestamp};
use connector_http::{Call, Priority};
use serde::Deserialize;

use crate::api::{Api, decode_or_nothing};
use crate::dialect::CALL;
use crate::paths;

/// A description older than this is asked for again.
const FRESH_FOR: Duration = Duration::from_secs(3_600);
/// A field that is missing in a description older than this is looked for in a new one.
const NEWS_AFTER: Duration = Duration::from_secs(300);

/// What is remembered of each module, by its name.
#[derive(Debug, Default)]
pub(crate) struct Schemas(Mutex<BTreeMap<String, (Timestamp, Arc<Described>)>>);

/// One module as Zoho describes it.
#[derive(Debug, Default)]
pub(crate) struct Described {
    /// By name in lower case: names count without case.
    fields: BTreeMap<String, Field>,
    /// What the mapping calls a field, in lower case, and its name at Zoho in lower case.
    aliases: BTreeMap<String, String>,
}

/// One field.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub spec: FieldSpec,
    /// Whether a value may be given to a record that is created.
    pub creatable: bool,
    /// Whether upserts may be keyed by it, and are matched by it.
    pub keys_upserts: bool,
}

impl Described {
    pub fn field(&self, name: &str) -> Option<&Field> {
        let name = name.to_ascii_lowercase();
        self.fields.get(self.aliases.get(&name).unwrap_or(&name))
    }

    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.values()
    }

    /// The field's name at Zoho.
    pub fn spelt(&self, name: &str) -> Option<&FieldName> {
        self.field(name).map(|field| &field.spec.name)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct FieldRow {
    pub api_name: String,
    field_label: Option<String>,
    data_type: String,
    length: Option<u32>,
    decimal_place: Option<u32>,
    read_only: Option<bool>,
    field_read_only: Option<bool>,
    visible: Option<bool>,
    unique: Option<serde_json::Value>,
    external: Option<serde_json::Value>,
    pick_list_values: Option<Vec<Choice>>,
    operation_type: Option<Operations>,
    formula: Option<Formula>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    actual_value: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Operations {
    #[serde(default)]
    api_create: Option<bool>,
    #[serde(default)]
    api_update: Option<bool>,
}

#[derive(Deserialize)]
struct Formula {
    #[serde(default)]
    return_type: Option<String>,
}

#[derive(Deserialize)]
struct Answered {
    #[serde(default)]
    fields: Vec<FieldRow>,
}

impl Api {
    /// Asks for an object's fields, every time. A field of ours is listed by the name the mapping knows it by.
    pub async fn describe(&self, object: &Object) -> Result<Schema, Error> {
        if *object == Object::User {
            return Ok(users(object));
        }
        let mut fields = BTreeMap::new();
        for module in paths::parts(object)? {
            let described = self.describe_again(module).await?;
            for field in described.fields() {
                fields.entry(field.spec.name.clone()).or_insert_with(|| field.spec.clone());
            }
            for (alias, name) in &self.aliases(module).await? {
                if let Some(field) = described.field(name) {
                    let name = FieldName::from(alias.as_str());
                    fields.insert(name.clone(), FieldSpec { name, ..field.spec.clone() });
                }
            }
        }
        Ok(Schema { object: object.clone(), fields })
    }

    /// What is known of a module; asked for where nothing is, or where it is old.
    pub async fn described(&self, module: &str) -> Result<Arc<Described>, Error> {
        let known = self.schemas.known(module).filter(|(at, _)| self.clock.now().since(*at) < FRESH_FOR);
        match known {
            Some((_, described)) => Ok(described),
            None => self.describe_again(module).await,
        }
    }

    /// The same, asked for anew where one of the names is not known and there may be news.
    pub async fn described_with<'a>(
        &self,
        module: &str,
        mut names: impl Iterator<Item = &'a FieldName>,
    ) -> Result<Arc<Described>, Error> {
        let described = self.described(module).await?;
        if self.is_freshly_described(module) || names.all(|name| described.field(name).is_some()) {
            return Ok(described);
        }
        self.describe_again(module).await
    }

    /// Whether asking again would hardly bring news.
    pub fn is_freshly_described(&self, module: &str) -> bool {
        self.schemas.known(module).is_some_and(|(at, _)| self.clock.now().since(at) < NEWS_AFTER)
    }

    pub async fn describe_again(&self, module: &str) -> Result<Arc<Described>, Error> {
        let attempted = format!("read the fields of {module}");
        let call = Call::get(&attempted, paths::fields(module), CALL).with_priority(Priority::Push);
        let answered: Option<Answered> = self.ask(&call, decode_or_nothing).await?;
        let rows = answered.map(|answered| answered.fields).unwrap_or_default();
        let aliases = self.aliases(module).await?;
        let described = Arc::new(described(module, rows, &aliases));
        self.schemas.keep(module, self.clock.now(), described.clone());
        Ok(described)
    }
}

impl Schemas {
    fn known(&self, module: &str) -> Option<(Timestamp, Arc<Described>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(module).cloned()
    }

    fn keep(&self, module: &str, at: Timestamp, described: Arc<Described>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(module.to_owned(), (at, described));
    }
}

/// The fields of users, which Zoho describes nowhere.
fn users(object: &Object) -> Schema {
    let field = |(name, kind): (&str, FieldKind)| {
        let name = FieldName::from(name);
        let spec = FieldSpec { label: name.clone(), kind, writable: false, unique: false, max_length: None, name };
        (spec.name.clone(), spec)
    };
    let fields = [("id", FieldKind::Reference), ("full_name", FieldKind::Text), ("email", FieldKind::Text)];
    Schema { object: object.clone(), fields: fields.into_iter().map(field).collect() }
}

fn described(module: &str, rows: Vec<FieldRow>, aliases: &BTreeMap<String, String>) -> Described {
    let lower = |name: &String| name.to_ascii_lowercase();
    Described {
        fields: rows
            .into_iter()
            .filter(|row| paths::is_name(&row.api_name))
            .map(|row| (lower(&row.api_name), field(module, row)))
            .collect(),
        aliases: aliases.iter().map(|(alias, name)| (lower(alias), lower(name))).collect(),
    }
}

/// A member that may be absent, null, an empty object, or say something.
fn says_something(value: Option<&serde_json::Value>) -> bool {
    match value {
        None | Some(serde_json::Value::Null | serde_json::Value::Bool(false)) => false,
        Some(serde_json::Value::Object(members)) => !members.is_empty(),
        Some(_) => true,
    }
}

fn field(module: &str, row: FieldRow) -> Field {
    let kind = kind(&row);
    let holds_text = matches!(kind, FieldKind::Text | FieldKind::Choice { .. });
    let given = |allowed: fn(&Operations) -> Option<bool>| {
        let shut = row.read_only == Some(true) || row.field_read_only == Some(true) || row.visible == Some(false);
        !shut && row.operation_type.as_ref().and_then(allowed).unwrap_or(true) && !is_computed(&row.data_type)
    };
    let (creatable, writable) = (given(|of| of.api_create), given(|of| of.api_update));
    let unique = says_something(row.unique.as_ref());
    let external = says_something(row.external.as_ref());
    let name = FieldName::from(row.api_name.as_str());
    Field {
        creatable,
        keys_upserts: unique || is_system_key(module, &row.api_name),
        spec: FieldSpec {
            label: row.field_label.filter(|label| !label.is_empty()).map_or_else(|| name.clone(), FieldName::from),
            writable,
            unique: unique || external || row.api_name == "id",
            max_length: row.length.filter(|length| holds_text && *length > 0),
            kind,
            name,
        },
    }
}

/// The field by which a module finds duplicates without anybody having said so.
fn is_system_key(module: &str, name: &str) -> bool {
    matches!((module, name), ("Contacts" | "Leads", "Email") | ("Accounts", "Account_Name") | ("Deals", "Deal_Name"))
}

fn is_computed(data_type: &str) -> bool {
    matches!(data_type, "formula" | "rollup_summary" | "autonumber" | "profileimage")
}

fn kind(row: &FieldRow) -> FieldKind {
    let options = || {
        let values = row.pick_list_values.iter().flatten();
        let used = values.filter(|choice| choice.kind.as_deref().is_none_or(|kind| kind != "unused"));
        let words = used.filter_map(|choice| choice.actual_value.as_deref());
        words.filter(|word| *word != crate::rows::NO_CHOICE).map(Arc::from).collect()
    };
    let data_type = match &row.formula {
        Some(Formula { return_type: Some(returned) }) if row.data_type == "formula" => returned.as_str(),
        _ => row.data_type.as_str(),
    };
    match data_type {
        "text" | "textarea" | "email" | "phone" | "website" | "autonumber" | "string" => FieldKind::Text,
        "integer" | "bigint" => FieldKind::Integer,
        "double" | "currency" | "percent" => FieldKind::Decimal { scale: row.decimal_place },
        "boolean" => FieldKind::Bool,
        "date" => FieldKind::Date,
        "datetime" => FieldKind::Instant,
        "picklist" => FieldKind::Choice { options: options() },
        "multiselectpicklist" => FieldKind::MultiChoice { options: options() },
        "lookup" | "ownerlookup" | "userlookup" => FieldKind::Reference,
        other => FieldKind::Other(other.into()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn described_from(module: &str, body: &str) -> Described {
        let answered: Answered = serde_json::from_str(body).unwrap();
        described(module, answered.fields, &BTreeMap::from([("CDP_Score".into(), "CDP_Score1".into())]))
    }

    pub(crate) const CONTACTS: &str = r#"{"fields":[
        {"api_name":"Last_Name","data_type":"text","length":80,"system_mandatory":true,"operation_type":{"api_create":true,"api_update":true}},
        {"api_name":"Email","data_type":"email","length":100,"unique":{}},
        {"api_name":"Modified_Time","data_type":"datetime","operation_type":{"api_create":false,"api_update":false}},
        {"api_name":"Created_Time","data_type":"datetime","read_only":true},
        {"api_name":"Account_Name","data_type":"lookup"},
        {"api_name":"CDP_Score1","data_type":"integer","length":9,"field_label":"CDP Score"},
        {"api_name":"CDP_profile_id","data_type":"text","length":255,"unique":{"case_sensitive":false}},
        {"api_name":"Worth","data_type":"currency","decimal_place":2},
        {"api_name":"Sum","data_type":"formula","formula":{"return_type":"double"}},
        {"api_name":"Level","data_type":"picklist","pick_list_values":[{"actual_value":"-None-"},{"actual_value":"a"},{"actual_value":"old","type":"unused"}]},
        {"api_name":"Levels","data_type":"multiselectpicklist","pick_list_values":[{"actual_value":"a"}]},
        {"api_name":"Hidden","data_type":"text","visible":false},
        {"api_name":"bad name","data_type":"text"}]}"#;

    #[test]
    fn fields_are_read_with_what_may_be_written() {
        let described = described_from("Contacts", CONTACTS);
        let spec = |name: &str| described.field(name).map(|field| field.spec.clone()).unwrap();
        assert!(spec("last_name").writable && !spec("Modified_Time").writable && !spec("Created_Time").writable);
        assert!(!spec("Sum").writable && !spec("Hidden").writable);
        assert_eq!(spec("Worth").kind, FieldKind::Decimal { scale: Some(2) });
        assert_eq!(spec("Sum").kind, FieldKind::Decimal { scale: None });
        assert_eq!(spec("Level").kind, FieldKind::Choice { options: vec!["a".into()] });
        assert_eq!(spec("Account_Name").kind, FieldKind::Reference);
        assert_eq!((spec("Last_Name").max_length, spec("CDP_Score1").max_length), (Some(80), None));
        assert!(described.field("bad name").is_none());
    }

    #[test]
    fn only_keys_key_upserts() {
        let described = described_from("Contacts", CONTACTS);
        let keys = |name: &str| described.field(name).unwrap().keys_upserts;
        assert!(keys("Email") && keys("CDP_profile_id") && !keys("Last_Name"));
        assert!(!described.field("Email").unwrap().spec.unique, "an address is a key by habit, not by rule");
        assert!(described.field("CDP_profile_id").unwrap().spec.unique);
    }

    #[test]
    fn a_field_zoho_named_otherwise_is_known_by_both_names() {
        let described = described_from("Contacts", CONTACTS);
        assert_eq!(&**described.spelt("cdp_score").unwrap(), "CDP_Score1");
        assert_eq!(&**described.spelt("CDP_Score1").unwrap(), "CDP_Score1");
        assert_eq!(described.spelt("CDP_Other"), None);
    }
}
