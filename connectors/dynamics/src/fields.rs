//! Creating enrichment columns, and the alternate key that makes one of them findable.

use std::sync::Arc;
use std::time::Duration;

use connector::{CreatedField, Error, ErrorKind, FieldKind, NewField, Object};
use connector_http::{Answer, Call, Repeat, redact};
use http::HeaderValue;
use serde_json::{Value as Json, json};

use crate::api::{Api, Refusal, json as written, spoken};
use crate::dialect::CALL;
use crate::metadata::{AlternateKey, part_of};
use crate::odata::path;
use crate::tables::table_of;

/// Longest text of a column that is not a memo.
const TEXT: u32 = 1_000;
/// Characters of a text of several lines.
const LONG_TEXT: u32 = 4_000;
/// Longest key that can be unique with a column of its own.
const KEY: u32 = 100;
/// Decimal places where the kind names none; Dataverse has ten at most.
const PLACES: u32 = 4;
const LONGEST_NAME: usize = 41;
/// English. Every organisation has it at hand.
const LANGUAGE: u32 = 1033;
/// Customisations of others hold the schema; it is tried again this often.
const TRIES: u32 = 5;
const CUSTOMISATION_LOCK: &str = "0x80071151";
/// Between two looks at an index that is being built.
const LOOK_AGAIN: Duration = Duration::from_secs(3);

/// Creates a column, or finds it. A column that is there is left as it is, whatever it holds; a missing alternate key of a
/// column that is to be unique is made in both cases.
pub(crate) async fn create_field(api: &Api, object: &Object, field: &NewField) -> Result<CreatedField, Error> {
    let attempted = format!("create the column {} of {object} records", redact::message(&field.name));
    let table = table_of(object)?;
    // Writers of a schema hold each other up.
    let _one = api.schema.lock().await;
    if let Some(seen) = api.describe_again(table).await?.column(&field.name) {
        let name = seen.spec.name.clone();
        if field.unique && !seen.spec.unique {
            key(api, table, &name, field).await?;
        }
        return Ok(CreatedField::Existed(name));
    }
    let name = own_name(&api.prefix, &field.name).ok_or_else(|| {
        let cause = "a column of one's own has small letters, digits and `_`, and begins with a letter";
        let fix = format!("name it like {}_cdp_score", api.prefix);
        Error::new(ErrorKind::Config, &attempted, cause).with_fix(fix)
    })?;
    let body = definition(&name, field).ok_or_else(|| {
        let cause = format!("the connector makes no Dynamics column for {}", field.kind.word());
        Error::new(ErrorKind::Unsupported, &attempted, cause)
    })?;
    let there_before = match api.describe_again(table).await?.column(&name) {
        Some(_) => true,
        None => !make(api, &attempted, &part_of(table, "Attributes"), &body).await?,
    };
    let described = api.describe_again(table).await?;
    let Some(seen) = described.column(&name) else {
        let cause = "Dynamics has made the column and does not show it";
        return Err(Error::new(ErrorKind::Transient, attempted, cause).with_fix("try again in a minute"));
    };
    if field.unique && !seen.spec.unique {
        key(api, table, &name, field).await?;
    }
    let name = seen.spec.name.clone();
    Ok(if there_before { CreatedField::Existed(name) } else { CreatedField::Created(name) })
}

/// Whether it was made now; a name that is taken says that it was made before.
async fn make(api: &Api, attempted: &str, resource: &str, body: &Json) -> Result<bool, Error> {
    let body = written(attempted, body)?;
    for nth in 1..=TRIES {
        // Sent twice it is refused as taken, which is an answer as good as the first.
        let call = Call::write(attempted, path(resource, &[]), body.clone(), CALL)
            .with_repeat(Repeat::Safe)
            .with_header("consistency", HeaderValue::from_static("Strong"));
        let read = |answer: &Answer| match answer.status.is_success() {
            true => Ok(None),
            false => Ok(Some(Refusal::of(answer))),
        };
        let Some(refusal) = api.client.fetch(&spoken(call), read).await? else { return Ok(true) };
        let said = refusal.fault.said().to_ascii_lowercase();
        if said.contains("already exist") || said.contains("not unique") {
            return Ok(false);
        }
        let is_locked = refusal.is(CUSTOMISATION_LOCK) || said.contains("customization lock");
        if !is_locked || nth == TRIES {
            let error = refusal.into_error(attempted);
            return Err(error.with_fix("give the application user the role System Customizer while columns are made, or make the column by hand"));
        }
        api.clock.sleep(LOOK_AGAIN).await;
    }
    Err(Error::new(ErrorKind::Transient, attempted, "others are changing the organisation's tables"))
}

/// Makes the alternate key of a column, and waits until its index is built: before that nothing is found by it.
async fn key(api: &Api, table: &str, column: &str, field: &NewField) -> Result<(), Error> {
    let attempted = format!("create the alternate key of {column}");
    let body = json!({
        "SchemaName": format!("{column}_key"),
        "DisplayName": label(&field.label),
        "KeyAttributes": [column],
    });
    let mut keys = api.alternate_keys(table).await?;
    if !keys.iter().any(|key| key.is_of(column)) {
        make(api, &attempted, &part_of(table, "Keys"), &body).await?;
        keys = api.alternate_keys(table).await?;
    }
    let until = api.clock.now().saturating_add(api.limits.longest_index);
    loop {
        match keys.iter().find(|key| key.is_of(column)).map(status) {
            Some(Status::Active) => break,
            Some(Status::Failed) => {
                let cause = "its index could not be built: several records hold the same value";
                return Err(Error::new(ErrorKind::Config, attempted, cause).with_fix(
                    "empty the column on all but one of those records and reactivate the key in Power Apps",
                ));
            }
            _ if api.clock.now() >= until => {
                let cause = "its index is still being built";
                return Err(Error::new(ErrorKind::Transient, attempted, cause).with_fix("try again in a few minutes"));
            }
            _ => api.clock.sleep(LOOK_AGAIN).await,
        }
        keys = api.alternate_keys(table).await?;
    }
    api.describe_again(table).await.map(drop)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Active,
    Failed,
    Building,
}

fn status(key: &AlternateKey) -> Status {
    match key.entity_key_index_status.as_deref() {
        Some("Active") => Status::Active,
        Some("Failed") => Status::Failed,
        _ => Status::Building,
    }
}

/// The name with its publisher's prefix, as Dataverse keeps it; a name that carries the prefix keeps it once.
fn own_name(prefix: &str, name: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let mark = format!("{prefix}_");
    let bare = name.strip_prefix(&mark).unwrap_or(&name);
    let is_name = bare.starts_with(|c: char| c.is_ascii_lowercase())
        && !bare.ends_with('_')
        && bare.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let whole = format!("{mark}{bare}");
    (is_name && whole.len() <= LONGEST_NAME).then_some(whole)
}

fn label(text: &str) -> Json {
    json!({
        "@odata.type": "Microsoft.Dynamics.CRM.Label",
        "LocalizedLabels": [{
            "@odata.type": "Microsoft.Dynamics.CRM.LocalizedLabel",
            "Label": text.chars().take(100).collect::<String>(),
            "LanguageCode": LANGUAGE,
        }],
    })
}

/// The definition of a column, with what its kind needs (`dynamics.md` §3.8).
fn definition(name: &str, field: &NewField) -> Option<Json> {
    let (word, kind, more) = match &field.kind {
        FieldKind::Text if field.unique => text(KEY),
        FieldKind::Text => text(TEXT),
        FieldKind::Integer => {
            let more = json!({ "Format": "None", "MinValue": i32::MIN, "MaxValue": i32::MAX });
            ("Integer", "IntegerType", more)
        }
        FieldKind::Decimal { scale } => {
            let most = 100_000_000_000_i64;
            let places = scale.unwrap_or(PLACES).min(10);
            ("Decimal", "DecimalType", json!({ "Precision": places, "MinValue": -most, "MaxValue": most }))
        }
        FieldKind::Bool => ("Boolean", "BooleanType", yes_or_no()),
        FieldKind::Date => date("DateOnly", "DateOnly"),
        // What we write is an instant, and is not moved into anybody's time zone.
        FieldKind::Instant => date("DateAndTime", "TimeZoneIndependent"),
        FieldKind::Choice { options } => ("Picklist", "PicklistType", option_set(options)?),
        FieldKind::MultiChoice { options } => ("MultiSelectPicklist", "MultiSelectPicklistType", option_set(options)?),
        kind if kind.is_long_text() => ("Memo", "MemoType", json!({ "MaxLength": LONG_TEXT, "Format": "TextArea" })),
        FieldKind::Reference | FieldKind::Other(_) => return None,
    };
    let mut body = json!({
        "@odata.type": format!("Microsoft.Dynamics.CRM.{word}AttributeMetadata"),
        "AttributeType": if word == "MultiSelectPicklist" { "Virtual" } else { word },
        "AttributeTypeName": { "Value": kind },
        "SchemaName": name,
        "DisplayName": label(&field.label),
        "Description": label(&field.description),
        "RequiredLevel": {
            "Value": "None",
            "CanBeChanged": true,
            "ManagedPropertyLogicalName": "canmodifyrequirementlevelsettings",
        },
    });
    if let (Some(body), Json::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    Some(body)
}

fn text(longest: u32) -> (&'static str, &'static str, Json) {
    ("String", "StringType", json!({ "MaxLength": longest, "FormatName": { "Value": "Text" } }))
}

fn date(format: &str, behaviour: &str) -> (&'static str, &'static str, Json) {
    ("DateTime", "DateTimeType", json!({ "Format": format, "DateTimeBehavior": { "Value": behaviour } }))
}

fn yes_or_no() -> Json {
    json!({
        "DefaultValue": false,
        "OptionSet": {
            "TrueOption": { "Value": 1, "Label": label("Yes") },
            "FalseOption": { "Value": 0, "Label": label("No") },
            "OptionSetType": "Boolean",
        },
    })
}

/// Options are numbers; what is no number has no option of its own.
fn option_set(options: &[Arc<str>]) -> Option<Json> {
    let numbers: Option<Vec<i32>> = options.iter().map(|option| option.parse().ok()).collect();
    let options: Vec<Json> =
        numbers?.into_iter().map(|value| json!({ "Value": value, "Label": label(&value.to_string()) })).collect();
    Some(json!({ "OptionSet": { "IsGlobal": false, "OptionSetType": "Picklist", "Options": options } }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(kind: FieldKind, unique: bool) -> Option<Json> {
        let field = NewField { name: "x".into(), label: "L".into(), description: "d".into(), kind, unique };
        definition("new_x", &field)
    }

    #[test]
    fn every_kind_has_the_definition_its_type_needs() {
        let check = |kind: FieldKind, unique: bool, word: &str, pointer: &str, expected: Json| {
            let body = made(kind, unique).unwrap();
            assert_eq!(body["@odata.type"], format!("Microsoft.Dynamics.CRM.{word}AttributeMetadata"));
            assert_eq!(body.pointer(pointer), Some(&expected), "{body}");
        };
        check(FieldKind::Text, true, "String", "/MaxLength", json!(100));
        check(FieldKind::Text, false, "String", "/FormatName/Value", json!("Text"));
        check(FieldKind::Integer, false, "Integer", "/Format", json!("None"));
        check(FieldKind::Decimal { scale: Some(2) }, false, "Decimal", "/Precision", json!(2));
        check(FieldKind::Decimal { scale: None }, false, "Decimal", "/Precision", json!(4));
        check(FieldKind::Bool, false, "Boolean", "/OptionSet/TrueOption/Value", json!(1));
        check(FieldKind::Date, false, "DateTime", "/DateTimeBehavior/Value", json!("DateOnly"));
        check(FieldKind::Instant, false, "DateTime", "/DateTimeBehavior/Value", json!("TimeZoneIndependent"));
        let options = || vec!["1".into()];
        check(FieldKind::Choice { options: options() }, false, "Picklist", "/OptionSet/Options/0/Value", json!(1));
        check(
            FieldKind::MultiChoice { options: options() },
            false,
            "MultiSelectPicklist",
            "/AttributeType",
            json!("Virtual"),
        );
        assert_eq!(made(FieldKind::Reference, false), None);
        assert_eq!(made(FieldKind::Choice { options: vec!["hot".into()] }, false), None);
        assert_eq!(made(FieldKind::Text, false).unwrap()["SchemaName"], "new_x");
    }

    #[test]
    fn names_carry_the_prefix_once() {
        assert_eq!(own_name("new", "cdp_score").as_deref(), Some("new_cdp_score"));
        assert_eq!(own_name("new", "New_CDP_Score").as_deref(), Some("new_cdp_score"));
        assert_eq!(own_name("acme", "new_x").as_deref(), Some("acme_new_x"));
        for bad in ["", "9x", "x_", "a b", "a-b", &"x".repeat(40)] {
            assert_eq!(own_name("new", bad), None, "{bad}");
        }
    }
}
