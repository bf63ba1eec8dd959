//! The definition of a column as callers send it, and the column it makes.

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use crate::dynamics::build;
use crate::dynamics::refusal::Refusal;
use crate::dynamics::schema::{Choice, Column, Ty};

const LONGEST_TEXT: u64 = 4_000;
const LONGEST_MEMO: u64 = 1_048_576;

/// # Errors
/// 400 for a type or a limit there is not.
pub fn column_from(body: &Map<String, Value>) -> Result<Column, Refusal> {
    let typed = body.get("@odata.type").and_then(Value::as_str).unwrap_or("");
    let name = typed
        .trim_start_matches('#')
        .strip_prefix("Microsoft.Dynamics.CRM.")
        .and_then(|n| n.strip_suffix("AttributeMetadata"));
    let ty = match name {
        Some("String") => Ty::Text,
        Some("Memo") => Ty::Memo,
        Some("Integer") => Ty::Int,
        Some("BigInt") => Ty::BigInt,
        Some("Decimal") => Ty::Decimal,
        Some("Double") => Ty::Double,
        Some("Money") => Ty::Money,
        Some("Boolean") => Ty::Bool,
        Some("DateTime") => match member(body, "DateTimeBehavior").or(body.get("Format")).and_then(Value::as_str) {
            Some("DateOnly") => Ty::Day,
            _ => Ty::Instant,
        },
        Some("Picklist") => Ty::Choice,
        Some("MultiSelectPicklist") => Ty::MultiChoice,
        _ => {
            return Err(Refusal::new(
                400,
                "0x80048d19",
                format!("The type '{typed}' is no column that can be made here."),
            ));
        }
    };
    let schema = body.get("SchemaName").and_then(Value::as_str).unwrap_or("");
    let label = body.get("DisplayName").and_then(text_of).unwrap_or_else(|| schema.to_owned());
    let mut column = build::column(&schema.to_lowercase(), schema, &label, ty);
    column.custom = true;
    limits(body, &mut column)?;
    match ty {
        Ty::Choice | Ty::MultiChoice => column.choices = options(body)?,
        Ty::Bool => {
            let set = body.get("OptionSet");
            let side = |name: &str, value: i64, other: &str| Choice {
                value,
                label: set
                    .and_then(|set| set.get(name)?.get("Label"))
                    .and_then(text_of)
                    .unwrap_or_else(|| other.to_owned()),
                state: 0,
            };
            column.choices = vec![side("FalseOption", 0, "No"), side("TrueOption", 1, "Yes")];
            column.default = Some(i64::from(body.get("DefaultValue").and_then(Value::as_bool).unwrap_or(false)));
        }
        Ty::Day => column.format = "DateOnly".into(),
        Ty::Instant => {
            column.format = body.get("Format").and_then(Value::as_str).unwrap_or("DateAndTime").to_owned();
            if member(body, "DateTimeBehavior").and_then(Value::as_str) == Some("TimeZoneIndependent") {
                column.behavior = "TimeZoneIndependent";
            }
        }
        _ => {}
    }
    Ok(column)
}

/// The `Value` of a wrapped member.
fn member<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    body.get(name)?.get("Value")
}

/// The first text of a label.
fn text_of(label: &Value) -> Option<String> {
    let first = label.get("LocalizedLabels")?.get(0)?.get("Label")?;
    first.as_str().map(str::to_owned)
}

fn limits(body: &Map<String, Value>, column: &mut Column) -> Result<(), Refusal> {
    let wrong =
        |what: &str| Refusal::new(400, "0x80044363", format!("The value of {what} is outside its valid range."));
    let longest = match column.ty {
        Ty::Text => LONGEST_TEXT,
        Ty::Memo => LONGEST_MEMO,
        _ => 0,
    };
    if longest > 0 {
        let length = body.get("MaxLength").and_then(Value::as_u64).unwrap_or(100);
        if length == 0 || length > longest {
            return Err(wrong("MaxLength"));
        }
        column.max_length = usize::try_from(length).unwrap_or(usize::MAX);
        let format = member(body, "FormatName").or(body.get("Format")).and_then(Value::as_str);
        column.format = format.unwrap_or(if column.ty == Ty::Memo { "TextArea" } else { "Text" }).to_owned();
    }
    let (lowest, highest) = build::range(column.ty);
    for (name, slot) in [("MinValue", &mut column.min), ("MaxValue", &mut column.max)] {
        let Some(value) = body.get(name).filter(|value| value.is_number()) else { continue };
        let text = value.to_string();
        let number: Decimal = text.parse().or_else(|_| Decimal::from_scientific(&text)).map_err(|_| wrong(name))?;
        if !(lowest..=highest).contains(&number) {
            return Err(wrong(name));
        }
        *slot = number;
    }
    if column.min > column.max {
        return Err(wrong("MinValue"));
    }
    if let Some(precision) = body.get("Precision").and_then(Value::as_u64) {
        let most = match column.ty {
            Ty::Decimal => 10,
            Ty::Double => 5,
            _ => 4,
        };
        column.precision =
            u32::try_from(precision).ok().filter(|each| *each <= most).ok_or_else(|| wrong("Precision"))?;
    }
    Ok(())
}

fn options(body: &Map<String, Value>) -> Result<Vec<Choice>, Refusal> {
    let list = body.get("OptionSet").and_then(|set| set.get("Options")).and_then(Value::as_array);
    let Some(list) = list else {
        return Err(Refusal::new(400, "0x80048d19", "A choice column needs an OptionSet with Options."));
    };
    let mut choices: Vec<Choice> = Vec::new();
    for (option, next) in list.iter().zip(100_000_000..) {
        let value = option.get("Value").and_then(Value::as_i64).unwrap_or(next);
        let label = option.get("Label").and_then(text_of).unwrap_or_default();
        if choices.iter().any(|choice| choice.value == value) {
            return Err(Refusal::new(400, "0x80048d19", format!("The option value {value} occurs twice.")));
        }
        choices.push(Choice { value, label, state: 0 });
    }
    Ok(choices)
}
