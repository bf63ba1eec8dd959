//! Creating enrichment fields: through the Tooling API, and then for the integration user to see.
//!
//! A field made by API is visible to nobody, not even to who made it: describe leaves it out and a query says that there
//! is no such column. So making one and granting it (`permissions`) are one step here, and either half may have been
//! done before.

use connector::{CreatedField, Error, ErrorKind, FieldKind, FieldName, NewField, Object};
use connector_http::{Call, Repeat};
use http::HeaderValue;
use serde::Serialize;

use crate::answer::refused_call;
use crate::api::{Api, json};
use crate::dialect::CALL;
use crate::paths::sobject_of;
use crate::permissions::grant;
use crate::refusal::{RowRefusal, told};

/// Longest label of a field.
const LONGEST_LABEL: usize = 40;
/// Longest name without its `__c`.
const LONGEST_NAME: usize = 40;
/// Longest text that can be compared, sorted and kept unique.
const TEXT: u32 = 255;
/// Characters of a text of several lines.
const LONG_TEXT: u32 = 4_000;
/// Digits of a number in all.
const DIGITS: u32 = 18;
/// Decimal places where the kind names none.
const PLACES: u32 = 4;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CustomField<'a> {
    full_name: String,
    metadata: Metadata<'a>,
}

/// The metadata of a field, with what its type needs (`salesforce.md` §3.14).
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    label: String,
    description: &'a str,
    required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    precision: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scale: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_value: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    visible_lines: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_set: Option<ValueSet<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unique: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    external_id: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    case_sensitive: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ValueSet<'a> {
    restricted: bool,
    value_set_definition: Definition<'a>,
}

#[derive(Debug, Serialize)]
struct Definition<'a> {
    sorted: bool,
    value: Vec<Choice<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Choice<'a> {
    full_name: &'a str,
    default: bool,
    label: &'a str,
}

/// Creates a field, or finds it; in both cases the integration user can read and write it afterwards. A field that is
/// there is left as it is, whatever it holds: whoever compares kinds does so for every field, old and new.
pub(crate) async fn create_field(api: &Api, object: &Object, field: &NewField) -> Result<CreatedField, Error> {
    let attempted = format!("create the field {} of {object} records", connector_http::redact::message(&field.name));
    let sobject = sobject_of(object)?;
    let field = &NewField { name: custom_name(&field.name), ..field.clone() };
    if !is_custom_name(&field.name) {
        let cause = "a field of one's own has letters, digits and single `_`, and begins with a letter";
        return Err(Error::new(ErrorKind::Config, attempted, cause).with_fix("name it like CDP_Score__c"));
    }
    let metadata = metadata(field).ok_or_else(|| {
        let cause = format!("the connector makes no Salesforce field for {}", field.kind.word());
        Error::new(ErrorKind::Unsupported, &attempted, cause)
    })?;
    // Writers of a schema go one at a time.
    let _one = api.schema.lock().await;
    if let Some(seen) = api.describe_again(sobject).await?.field(&field.name) {
        if !seen.writable {
            grant(api, &attempted, sobject, &field.name).await?;
        }
        return Ok(CreatedField::Existed(seen.name.clone()));
    }
    let created = create(api, &attempted, sobject, field, metadata).await?;
    grant(api, &attempted, sobject, &field.name).await?;
    let described = api.describe_again(sobject).await?;
    let Some(seen) = described.field(&field.name) else {
        let cause = "Salesforce has made the field and does not show it to the integration user";
        return Err(Error::new(ErrorKind::Forbidden, attempted, cause).with_fix(
            "assign the permission set CDP_Sync to the integration user, or grant the field in its profile",
        ));
    };
    if created {
        return Ok(CreatedField::Created(seen.name.clone()));
    }
    Ok(CreatedField::Existed(seen.name.clone()))
}

/// Whether it was made now; a name that is taken says that it was made before.
async fn create(
    api: &Api,
    attempted: &str,
    sobject: &str,
    field: &NewField,
    metadata: Metadata<'_>,
) -> Result<bool, Error> {
    let body = json(attempted, &CustomField { full_name: format!("{sobject}.{}", field.name), metadata })?;
    // Sent twice it is refused as taken, which is an answer as good as the first.
    let call = Call::write(attempted, api.paths.custom_fields(), body, CALL)
        .with_repeat(Repeat::Safe)
        .with_header("sforce-call-options", HeaderValue::from_static("client=ferry"));
    match api.client.fetch(&call, |answer| told(answer, |_| Ok(()))).await? {
        Ok(()) => Ok(true),
        Err(refusal) if refusal.code == "DUPLICATE_DEVELOPER_NAME" => Ok(false),
        Err(refusal) => Err(refused(attempted, &refusal)),
    }
}

fn refused(attempted: &str, refusal: &RowRefusal) -> Error {
    let error = refused_call(attempted, refusal);
    match refusal.code.as_str() {
        "LIMIT_EXCEEDED" => {
            error.with_fix("delete custom fields that are no longer used: the object has all it may have")
        }
        "INSUFFICIENT_ACCESS" | "INSUFFICIENT_ACCESS_OR_READONLY" | "INVALID_TYPE" | "NOT_FOUND" => {
            Error { kind: ErrorKind::Forbidden, ..error }.with_fix(
                "give the integration user \"Customize Application\" while fields are made, or make the field by hand",
            )
        }
        _ => error,
    }
}

fn metadata(field: &NewField) -> Option<Metadata<'_>> {
    let label: String = field.label.chars().take(LONGEST_LABEL).collect();
    let base = Metadata { label, description: &field.description, ..Metadata::default() };
    Some(match &field.kind {
        FieldKind::Text if field.unique => {
            Metadata { kind: "Text", length: Some(64), unique: true, external_id: true, case_sensitive: true, ..base }
        }
        FieldKind::Text => Metadata { kind: "Text", length: Some(TEXT), ..base },
        FieldKind::Integer => Metadata { kind: "Number", precision: Some(DIGITS), scale: Some(0), ..base },
        FieldKind::Decimal { scale } => {
            let scale = scale.unwrap_or(PLACES).min(DIGITS - 1);
            Metadata { kind: "Number", precision: Some(DIGITS), scale: Some(scale), ..base }
        }
        FieldKind::Bool => Metadata { kind: "Checkbox", default_value: Some("false"), ..base },
        FieldKind::Date => Metadata { kind: "Date", ..base },
        FieldKind::Instant => Metadata { kind: "DateTime", ..base },
        FieldKind::Choice { options } => Metadata { kind: "Picklist", value_set: Some(value_set(options)), ..base },
        FieldKind::MultiChoice { options } => Metadata {
            kind: "MultiselectPicklist",
            visible_lines: Some(4),
            value_set: Some(value_set(options)),
            ..base
        },
        kind if kind.is_long_text() => {
            Metadata { kind: "LongTextArea", length: Some(LONG_TEXT), visible_lines: Some(6), ..base }
        }
        FieldKind::Reference | FieldKind::Other(_) => return None,
    })
}

/// Not restricted: a value that joins the list later must not stop a write.
fn value_set(options: &[std::sync::Arc<str>]) -> ValueSet<'_> {
    let value = options.iter().map(|option| Choice { full_name: option, default: false, label: option }).collect();
    ValueSet { restricted: false, value_set_definition: Definition { sorted: false, value } }
}

/// Salesforce gives every field of one's own this ending.
fn custom_name(name: &FieldName) -> FieldName {
    if name.ends_with("__c") { name.clone() } else { format!("{name}__c").into() }
}

/// Salesforce's rule for names of custom fields.
fn is_custom_name(name: &str) -> bool {
    name.strip_suffix("__c").is_some_and(|name| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.len() <= LONGEST_NAME
            && !name.ends_with('_')
            && !name.contains("__")
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(kind: FieldKind, unique: bool) -> String {
        let field = NewField {
            name: "CDP_X__c".into(),
            label: "A label that is longer than Salesforce takes it".into(),
            description: "d".into(),
            kind,
            unique,
        };
        metadata(&field).map_or_else(String::new, |metadata| serde_json::to_string(&metadata).unwrap())
    }

    #[test]
    fn every_kind_has_the_metadata_its_type_needs() {
        const BASE: &str = r#""label":"A label that is longer than Salesforce t","description":"d","required":false"#;
        let check = |kind: FieldKind, unique: bool, word: &str, rest: &str| {
            assert_eq!(written(kind, unique), format!(r#"{{"type":"{word}",{BASE}{rest}}}"#));
        };
        let key = r#","length":64,"unique":true,"externalId":true,"caseSensitive":true"#;
        check(FieldKind::Text, true, "Text", key);
        check(FieldKind::Text, false, "Text", r#","length":255"#);
        check(FieldKind::Integer, false, "Number", r#","precision":18,"scale":0"#);
        check(FieldKind::Decimal { scale: Some(2) }, false, "Number", r#","precision":18,"scale":2"#);
        check(FieldKind::Decimal { scale: None }, false, "Number", r#","precision":18,"scale":4"#);
        check(FieldKind::Bool, false, "Checkbox", r#","defaultValue":"false""#);
        check(FieldKind::Date, false, "Date", "");
        check(FieldKind::Instant, false, "DateTime", "");
        let set = r#""valueSet":{"restricted":false,"valueSetDefinition":{"sorted":false,"value":[{"fullName":"hot","default":false,"label":"hot"}]}}"#;
        let options = || vec!["hot".into()];
        check(FieldKind::Choice { options: options() }, false, "Picklist", &format!(",{set}"));
        let multi = FieldKind::MultiChoice { options: options() };
        check(multi, false, "MultiselectPicklist", &format!(r#","visibleLines":4,{set}"#));
        assert_eq!(written(FieldKind::Reference, false), "");
    }

    #[test]
    fn names_are_salesforces() {
        for good in ["CDP_Score__c", "a__c", "X9__c"] {
            assert!(is_custom_name(good), "{good}");
        }
        for bad in ["", "Score", "9x__c", "a__b__c", "a___c", "_x__c", "a b__c", "__c"] {
            assert!(!is_custom_name(bad), "{bad}");
        }
    }
}
