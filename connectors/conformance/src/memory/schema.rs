//! The in-memory CRM's fields: which exist from the start, and what a value becomes when it is kept.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use connector::{ActivityKind, DealStatus, FieldKind, FieldSpec, Object, Schema, Timestamp, Value};
use rust_decimal::Decimal;

/// Deal stages: id, label, and what they mean. The status never follows from the label.
pub(super) const STAGES: [(&str, &str, DealStatus); 4] = [
    ("qualified", "Qualified to buy", DealStatus::Open),
    ("contract", "Contract sent", DealStatus::Open),
    ("s_done", "Signed", DealStatus::Won),
    ("s_gone", "Closed lost", DealStatus::Lost),
];

/// A writable field without limits.
pub fn field(name: &str, kind: FieldKind) -> FieldSpec {
    FieldSpec {
        name: name.into(),
        label: name.replace('_', " ").into(),
        kind,
        writable: true,
        unique: false,
        max_length: None,
    }
}

/// The fields every account starts with.
pub(super) fn default_schemas() -> BTreeMap<Object, Schema> {
    let text = |name: &str| field(name, FieldKind::Text);
    let unique = |name: &str| FieldSpec { unique: true, ..text(name) };
    let choice = |name: &str, options: &[&str]| {
        field(name, FieldKind::Choice { options: options.iter().map(|option| (*option).into()).collect() })
    };
    let stages: Vec<&str> = STAGES.iter().map(|(id, _, _)| *id).collect();
    let person = || {
        vec![
            unique("email"),
            unique("cdp_profile_id"),
            text("first_name"),
            text("last_name"),
            text("phone"),
            text("title"),
            FieldSpec { max_length: Some(255), ..text("city") },
            text("country"),
            choice("lifecycle", &["subscriber", "lead", "customer", "other"]),
            field("score", FieldKind::Decimal { scale: Some(2) }),
            field("visits", FieldKind::Integer),
            field("opted_out", FieldKind::Bool),
            field("birthday", FieldKind::Date),
            field("last_seen", FieldKind::Instant),
            field("interests", FieldKind::MultiChoice { options: ["a", "b", "c"].map(Into::into).into() }),
            field("owner", FieldKind::Reference),
            FieldSpec { writable: false, ..text("record_source") },
        ]
    };
    let objects = [
        (Object::Contact, person()),
        (Object::Lead, person()),
        (
            Object::Company,
            vec![
                text("name"),
                text("domain"),
                unique("cdp_profile_id"),
                text("industry"),
                field("employees", FieldKind::Integer),
                field("owner", FieldKind::Reference),
            ],
        ),
        (
            Object::Deal,
            vec![
                text("name"),
                choice("stage", &stages),
                text("pipeline"),
                field("amount", FieldKind::Decimal { scale: None }),
                text("currency"),
                field("closed_at", FieldKind::Instant),
                field("owner", FieldKind::Reference),
                text("order_number"),
                // Names with `;` between them.
                text("products"),
            ],
        ),
        (
            Object::Activity,
            vec![
                choice("kind", &ActivityKind::ALL.map(ActivityKind::as_str)),
                choice("direction", &["in", "out"]),
                text("subject"),
                text("body"),
                field("at", FieldKind::Instant),
                field("done", FieldKind::Bool),
                field("owner", FieldKind::Reference),
            ],
        ),
        (Object::User, vec![unique("email"), text("name"), field("active", FieldKind::Bool)]),
    ];
    objects
        .into_iter()
        .map(|(object, specs)| {
            let fields = specs.into_iter().map(|spec| (spec.name.clone(), spec)).collect();
            (object.clone(), Schema { object, fields })
        })
        .collect()
}

/// The value as the CRM keeps it, or why it refuses it. Empty text is no value.
pub(super) fn kept(spec: &FieldSpec, value: &Value) -> Result<Value, &'static str> {
    let text = value.to_string();
    if text.is_empty() {
        return Ok(Value::Null);
    }
    match &spec.kind {
        FieldKind::Text | FieldKind::Reference | FieldKind::Other(_) => {
            let longest = spec.max_length.and_then(|length| usize::try_from(length).ok()).unwrap_or(65_536);
            if text.chars().count() > longest {
                return Err("too long");
            }
            // E-mail addresses are kept in lower case, as the vendors do.
            Ok(Value::text(if &*spec.name == "email" { text.to_lowercase() } else { text }))
        }
        FieldKind::Integer => match number(value, &text) {
            Some(number) if number.fract().is_zero() => Ok(Value::Number(number.normalize())),
            _ => Err("not a whole number"),
        },
        FieldKind::Decimal { scale } => match (number(value, &text), scale) {
            (Some(number), Some(scale)) => Ok(Value::Number(number.round_dp(*scale))),
            (Some(number), None) => Ok(Value::Number(number)),
            (None, _) => Err("not a number"),
        },
        FieldKind::Bool => text.parse().map(Value::Bool).map_err(|_| "neither true nor false"),
        FieldKind::Date => text.parse::<NaiveDate>().map(Value::Date).map_err(|_| "not a date"),
        FieldKind::Instant => Timestamp::parse_rfc3339(&text).map(Value::Instant).ok_or("not an instant"),
        FieldKind::Choice { options } => {
            if options.is_empty() || options.iter().any(|option| **option == *text) {
                Ok(Value::text(text))
            } else {
                Err("not one of the options")
            }
        }
        FieldKind::MultiChoice { options } => {
            let chosen: Vec<&str> = text.split(';').collect();
            if options.is_empty() || chosen.iter().all(|one| options.iter().any(|option| **option == **one)) {
                Ok(Value::List(chosen.into_iter().map(Into::into).collect()))
            } else {
                Err("not one of the options")
            }
        }
    }
}

fn number(value: &Value, text: &str) -> Option<Decimal> {
    match value {
        Value::Number(number) => Some(*number),
        _ => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_kept_by_kind() {
        let score = field("score", FieldKind::Decimal { scale: Some(2) });
        assert_eq!(kept(&score, &Value::from("1.005")), Ok(Value::Number("1.00".parse().unwrap())));
        assert_eq!(kept(&score, &Value::from("N/A")), Err("not a number"));
        let flag = field("flag", FieldKind::Bool);
        assert_eq!(kept(&flag, &Value::from("true")), Ok(Value::Bool(true)));
        assert_eq!(kept(&flag, &Value::from("")), Ok(Value::Null));
        let tags = field("tags", FieldKind::MultiChoice { options: vec!["a".into()] });
        assert_eq!(kept(&tags, &Value::from("a;b")), Err("not one of the options"));
    }
}
