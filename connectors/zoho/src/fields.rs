//! Making a field of ours. Zoho names it itself, after its label; what it was named is read back and, where it is not the
//! name asked for, remembered.

use connector::{CreatedField, Error, ErrorKind, FieldKind, NewField, Object};
use connector_http::{Answer, Call, Priority};
use serde::{Deserialize, Serialize};

use crate::api::{Api, Refusal, decode, json};
use crate::dialect::CALL;
use crate::paths;
use crate::schema::FieldRow;
use crate::wire::{Fault, is_id};

/// Longest label Zoho takes, in characters.
const LONGEST_LABEL: usize = 25;
/// What a small text area holds; more than any text of ours that is longer than a line.
const LONGEST_LINE: u32 = 255;
const LONGEST_TOOLTIP: usize = 255;

#[derive(Serialize)]
struct Body<'a> {
    fields: [NewRow<'a>; 1],
}

#[derive(Serialize)]
struct NewRow<'a> {
    field_label: &'a str,
    data_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decimal_place: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    textarea: Option<Textarea>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pick_list_values: Vec<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unique: Option<Unique>,
    tooltip: Tooltip,
}

#[derive(Serialize)]
struct Textarea {
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct Choice<'a> {
    display_value: &'a str,
    actual_value: &'a str,
}

#[derive(Serialize)]
struct Unique {
    case_sensitive: bool,
}

#[derive(Serialize)]
struct Tooltip {
    name: &'static str,
    value: String,
}

#[derive(Deserialize)]
struct Made {
    #[serde(default)]
    fields: Vec<Fault>,
}

#[derive(Deserialize)]
struct Read {
    fields: Vec<FieldRow>,
}

pub(crate) async fn create_field(api: &Api, object: &Object, field: &NewField) -> Result<CreatedField, Error> {
    let module = paths::module_of(object)?;
    let attempted = format!("create the field {} of {module}", field.name);
    let described = api.describe_again(module).await?;
    if let Some(named) = described.spelt(&field.name) {
        if *named != field.name {
            api.remember_alias(module, &field.name, named).await?;
        }
        return Ok(CreatedField::Existed(field.name.clone()));
    }
    let label = label(field);
    // Made by a call whose answer was lost: it is there under its label, whatever Zoho called it.
    if let Some(named) = described.fields().find(|have| *have.spec.label == *label) {
        api.remember_alias(module, &field.name, &named.spec.name).await?;
        api.describe_again(module).await?;
        return Ok(CreatedField::Existed(field.name.clone()));
    }
    let body = json(&attempted, &Body { fields: [row(field, &label)] })?;
    let call = Call::write(&attempted, paths::fields(module), body, CALL);
    let made = match api.try_ask::<Made>(&call, decode).await {
        Ok(Ok(made)) => made.fields.into_iter().next().unwrap_or_default(),
        Ok(Err(refusal)) => return Err(refused(&attempted, refusal)),
        Err(error) => return Err(error),
    };
    if !made.is_success() {
        return Err(explained(Error::new(ErrorKind::Config, attempted.as_str(), made.cause(207)), &made));
    }
    let id = made.details.id.map(|id| id.0).filter(|id| is_id(id)).unwrap_or_default();
    let named = named(api, &attempted, module, &id, &label).await?;
    if *named != *field.name {
        api.remember_alias(module, &field.name, &named).await?;
    }
    api.describe_again(module).await?;
    // The mapping goes on with its own name: the connector knows both.
    Ok(CreatedField::Created(field.name.clone()))
}

/// What Zoho called it.
async fn named(api: &Api, attempted: &str, module: &str, id: &str, label: &str) -> Result<String, Error> {
    if !id.is_empty() {
        let call = Call::get(attempted, paths::field(module, id), CALL).with_priority(Priority::Push);
        let read: Read = api.ask(&call, |answer: &Answer| decode(answer)).await?;
        if let Some(row) = read.fields.into_iter().next().filter(|row| paths::is_name(&row.api_name)) {
            return Ok(row.api_name);
        }
    }
    let cause = format!("Zoho does not say what it called the field labelled \"{label}\"");
    Err(Error::new(ErrorKind::Protocol, attempted, cause)
        .with_fix("look it up in Zoho and write its API name into the mapping"))
}

/// The label the name comes from: ours where it gives the very name that was asked for, else the name in words.
fn label(field: &NewField) -> String {
    let cut = |label: &str| -> String {
        let short: String = label.chars().take(LONGEST_LABEL).collect();
        short.trim_end().to_owned()
    };
    let fits = field.label.chars().count() <= LONGEST_LABEL;
    if fits && field.label.replace(' ', "_").eq_ignore_ascii_case(&field.name) {
        return field.label.to_string();
    }
    let words = field.name.replace('_', " ");
    if words.chars().count() <= LONGEST_LABEL { words } else { cut(&field.label) }
}

fn row<'a>(field: &'a NewField, label: &'a str) -> NewRow<'a> {
    let choices = |options: &'a [std::sync::Arc<str>]| -> Vec<Choice<'a>> {
        options.iter().map(|option| Choice { display_value: option, actual_value: option }).collect()
    };
    let (data_type, length, decimal_place, pick_list_values) = match &field.kind {
        FieldKind::Integer => ("integer", Some(9), None, Vec::new()),
        FieldKind::Decimal { scale } => ("double", Some(16), Some(scale.unwrap_or(4).min(9)), Vec::new()),
        FieldKind::Bool => ("boolean", None, None, Vec::new()),
        FieldKind::Date => ("date", None, None, Vec::new()),
        FieldKind::Instant => ("datetime", None, None, Vec::new()),
        FieldKind::Choice { options } if !options.is_empty() => ("picklist", None, None, choices(options)),
        FieldKind::MultiChoice { options } if !options.is_empty() => {
            ("multiselectpicklist", None, None, choices(options))
        }
        // A key is one line; reasons and lists are longer than a line holds.
        _ if field.unique => ("text", Some(LONGEST_LINE), None, Vec::new()),
        _ => ("textarea", None, None, Vec::new()),
    };
    let textarea = (data_type == "textarea").then_some(Textarea { kind: "small" });
    let unique = field.unique.then_some(Unique { case_sensitive: false });
    let value = field.description.chars().take(LONGEST_TOOLTIP).collect();
    let tooltip = Tooltip { name: "static_text", value };
    NewRow { field_label: label, data_type, length, decimal_place, textarea, pick_list_values, unique, tooltip }
}

fn refused(attempted: &str, refusal: Refusal) -> Error {
    let fault = refusal.fault.clone();
    explained(refusal.into_error(attempted), &fault)
}

/// What a person does about a field that was not made.
fn explained(error: Error, fault: &Fault) -> Error {
    if fault.is("LIMIT_EXCEEDED") {
        return Error { kind: ErrorKind::Config, ..error }.with_fix(
            "the module has all the fields, or all the unique fields (two), that the edition allows: free one in Zoho, or \
             take the field out of the mapping",
        );
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, label: &str, kind: FieldKind, unique: bool) -> NewField {
        NewField { name: name.into(), label: label.into(), description: "d".into(), kind, unique }
    }

    #[test]
    fn a_label_gives_the_name_asked_for_where_it_can() {
        let check = |name: &str, words: &str, expected: &str| {
            assert_eq!(label(&field(name, words, FieldKind::Text, false)), expected, "{name}");
        };
        check("CDP_visits_30d", "CDP visits 30d", "CDP visits 30d");
        check("cdp_score", "CDP score", "CDP score");
        check("cdp_score", "Something else", "cdp score");
        check(
            "cdp_a_name_that_is_much_too_long_for_zoho",
            "CDP a name that is much too long for Zoho",
            "CDP a name that is much t",
        );
    }

    #[test]
    fn each_kind_has_its_type() {
        let json = |kind: FieldKind, unique: bool| {
            let new = field("cdp_x", "CDP x", kind, unique);
            serde_json::to_value(row(&new, "CDP x")).unwrap()
        };
        assert_eq!(json(FieldKind::Integer, false)["data_type"], "integer");
        let double = json(FieldKind::Decimal { scale: None }, false);
        assert_eq!((&double["data_type"], &double["decimal_place"]), (&"double".into(), &4.into()));
        let key = json(FieldKind::Text, true);
        assert_eq!((&key["data_type"], &key["unique"]["case_sensitive"]), (&"text".into(), &false.into()));
        assert_eq!(json(FieldKind::Text, false)["textarea"]["type"], "small");
        let choice = json(FieldKind::Choice { options: vec!["a".into()] }, false);
        assert_eq!(choice["pick_list_values"][0]["actual_value"], "a");
    }
}
