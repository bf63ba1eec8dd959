//! The properties of an object, in the words all CRMs share.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::{Error, FieldKind, FieldSpec, Object, Schema};
use connector_http::{Call, Priority, redact};
use serde::Deserialize;

use crate::api::Api;
use crate::dialect::PLAIN_CALL;
use crate::paths::kind_of;

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    results: Vec<PropertyRow>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PropertyRow {
    name: String,
    label: String,
    #[serde(rename = "type")]
    kind: String,
    field_type: String,
    options: Vec<OptionRow>,
    calculated: bool,
    external_options: bool,
    has_unique_value: bool,
    archived: bool,
    modification_metadata: Modification,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OptionRow {
    value: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Modification {
    read_only_value: bool,
}

impl Api {
    /// Asks for an object's properties, every time.
    pub async fn describe(&self, object: &Object) -> Result<Schema, Error> {
        if *object == Object::User {
            return Ok(owners());
        }
        let attempted = format!("read the properties of {object} records");
        let path = format!("{}?archived=false", self.paths.properties(kind_of(object)?));
        let call = Call::get(&attempted, path, PLAIN_CALL).with_priority(Priority::Push);
        let listed: Listed = self
            .ask(&call, |answer| serde_json::from_slice(&answer.body).map_err(|error| redact::json_error(&error)))
            .await?;
        let live = listed.results.into_iter().filter(|row| !row.archived && !row.name.is_empty());
        let fields = live.map(|row| spec(object, row)).map(|spec| (spec.name.clone(), spec)).collect();
        Ok(Schema { object: object.clone(), fields })
    }
}

fn spec(object: &Object, row: PropertyRow) -> FieldSpec {
    // HubSpot keeps e-mail addresses of contacts unique without saying so.
    let unique = row.has_unique_value || (*object == Object::Contact && row.name == "email");
    let kind = kind(&row);
    let max_length = (row.kind == "string").then(|| u32::try_from(crate::push::LONGEST_TEXT).unwrap_or(u32::MAX));
    FieldSpec {
        writable: !row.calculated && !row.modification_metadata.read_only_value && !is_stamp(&row.name),
        label: if row.label.is_empty() { row.name.as_str() } else { &row.label }.into(),
        name: row.name.into(),
        kind,
        unique,
        max_length,
    }
}

/// What HubSpot keeps itself, whatever its metadata says.
fn is_stamp(name: &str) -> bool {
    matches!(name, "hs_object_id" | "createdate" | "lastmodifieddate" | "hs_lastmodifieddate" | "hs_createdate")
}

fn kind(row: &PropertyRow) -> FieldKind {
    let options = || {
        // Owners, stages and pipelines keep their options elsewhere: an empty list, which allows every value.
        let rows = if row.external_options { &[] } else { row.options.as_slice() };
        rows.iter().map(|option| Arc::from(option.value.as_str())).collect()
    };
    match (row.kind.as_str(), row.field_type.as_str()) {
        ("string" | "phone_number", _) => FieldKind::Text,
        ("number", _) => FieldKind::Decimal { scale: None },
        ("bool", _) => FieldKind::Bool,
        ("date", _) => FieldKind::Date,
        ("datetime", _) => FieldKind::Instant,
        ("enumeration", "checkbox") => FieldKind::MultiChoice { options: options() },
        ("enumeration", _) => FieldKind::Choice { options: options() },
        (other, _) => FieldKind::Other(other.into()),
    }
}

/// Owners have no property list; this is what the connector reads of them.
fn owners() -> Schema {
    let text = |name: &str, label: &str, unique| FieldSpec {
        name: name.into(),
        label: label.into(),
        kind: FieldKind::Text,
        writable: false,
        unique,
        max_length: None,
    };
    let flag = FieldSpec { kind: FieldKind::Bool, ..text("archived", "Deactivated", false) };
    let specs = [
        text("email", "Email", true),
        text("firstName", "First name", false),
        text("lastName", "Last name", false),
        text("userId", "User id", false),
        text("type", "Type", false),
        flag,
    ];
    let fields: BTreeMap<_, _> = specs.into_iter().map(|spec| (spec.name.clone(), spec)).collect();
    Schema { object: Object::User, fields }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(object: &Object, json: &str) -> FieldSpec {
        spec(object, serde_json::from_str(json).unwrap())
    }

    #[test]
    fn properties_become_fields() {
        let email = one(&Object::Contact, r#"{"name":"email","label":"Email","type":"string","fieldType":"text"}"#);
        assert!(email.unique && email.writable);
        assert_eq!((email.kind, email.max_length), (FieldKind::Text, Some(65_536)));
        let tags = one(
            &Object::Contact,
            r#"{"name":"tags","type":"enumeration","fieldType":"checkbox","options":[{"value":"a"},{"value":"b"}]}"#,
        );
        assert_eq!(tags.kind, FieldKind::MultiChoice { options: vec!["a".into(), "b".into()] });
        assert_eq!(&*tags.label, "tags");
        let stage = one(
            &Object::Deal,
            r#"{"name":"dealstage","type":"enumeration","fieldType":"radio","externalOptions":true,"options":[{"value":"x"}]}"#,
        );
        assert_eq!(stage.kind, FieldKind::Choice { options: vec![] });
        let read_only = one(
            &Object::Deal,
            r#"{"name":"x","type":"number","modificationMetadata":{"readOnlyValue":true},"calculated":false}"#,
        );
        assert!(!read_only.writable);
        assert!(!one(&Object::Deal, r#"{"name":"x","type":"number","calculated":true}"#).writable);
        assert!(!one(&Object::Contact, r#"{"name":"lastmodifieddate","type":"datetime"}"#).writable);
    }
}
