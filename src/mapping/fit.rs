//! Whether a value fits the CRM's field, asked before anything is sent (`reliability` §B 39): nothing is cut silently, and
//! one unfit value does not spoil the record's other fields.

use std::fmt;

use connector::{FieldKind, FieldSpec, Value};

use super::kind::at_scale;

/// Why a value does not fit; the text names limits and options, never the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    TooLong { length: usize, most: u32 },
    NotAnOption { options: usize, sample: String },
    WrongKind { field: String },
    ReadOnly,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { length, most } => {
                write!(f, "the text has {length} characters and the field takes {most}")
            }
            Self::NotAnOption { options, sample } => {
                write!(f, "the value is not one of the field's {options} options ({sample})")
            }
            Self::WrongKind { field } => write!(f, "the CRM's field holds {field}"),
            Self::ReadOnly => f.write_str("the CRM's field is read-only"),
        }
    }
}

/// The value in the form the field will keep (a number at its scale), or why it cannot be written.
pub fn fit(value: &Value, spec: &FieldSpec) -> Result<Value, Unfit> {
    if !spec.writable {
        return Err(Unfit::ReadOnly);
    }
    if value.is_null() {
        return Ok(Value::Null);
    }
    let wrong = || Unfit::WrongKind { field: spec.kind.word().to_owned() };
    match (&spec.kind, value) {
        (FieldKind::Integer, Value::Number(number)) => {
            if number.normalize().scale() == 0 {
                Ok(value.clone())
            } else {
                Err(wrong())
            }
        }
        (FieldKind::Decimal { scale: Some(scale) }, Value::Number(number)) => {
            Ok(Value::Number(at_scale(*number, *scale)))
        }
        (FieldKind::Decimal { scale: None }, Value::Number(_)) => Ok(value.clone()),
        (FieldKind::Integer | FieldKind::Decimal { .. }, _) => Err(wrong()),
        (FieldKind::Bool, Value::Bool(_)) => Ok(value.clone()),
        (FieldKind::Bool, _) => Err(wrong()),
        (FieldKind::Date, Value::Date(_)) | (FieldKind::Instant, Value::Instant(_)) => Ok(value.clone()),
        (FieldKind::Date, Value::Instant(at)) => Ok(Value::Date(at.to_utc().date_naive())),
        (FieldKind::Instant, Value::Date(date)) => {
            Ok(Value::Instant(date.and_time(chrono::NaiveTime::MIN).and_utc().into()))
        }
        (FieldKind::Date | FieldKind::Instant, _) => Err(wrong()),
        (FieldKind::Choice { options }, value) => {
            let text = value.to_string();
            let known = options.is_empty() || options.iter().any(|option| **option == text);
            if known { Ok(value.clone()) } else { Err(not_an_option(options)) }
        }
        (FieldKind::MultiChoice { options }, Value::List(items)) => {
            let known = options.is_empty() || items.iter().all(|item| options.contains(item));
            if known { Ok(value.clone()) } else { Err(not_an_option(options)) }
        }
        (FieldKind::MultiChoice { options }, Value::Text(text)) => {
            let known = options.is_empty() || options.contains(text);
            if known { Ok(value.clone()) } else { Err(not_an_option(options)) }
        }
        (FieldKind::MultiChoice { .. }, _) => Err(wrong()),
        (FieldKind::Text | FieldKind::Reference | FieldKind::Other(_), value) => {
            let length = value.to_string().chars().count();
            match spec.max_length {
                Some(most) if length > most as usize => Err(Unfit::TooLong { length, most }),
                _ => Ok(value.clone()),
            }
        }
    }
}

fn not_an_option(options: &[std::sync::Arc<str>]) -> Unfit {
    let shown: Vec<&str> = options.iter().take(6).map(|option| &**option).collect();
    let more = if options.len() > shown.len() { ", …" } else { "" };
    Unfit::NotAnOption { options: options.len(), sample: format!("{}{more}", shown.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(kind: FieldKind) -> FieldSpec {
        FieldSpec { name: "f".into(), label: "F".into(), kind, writable: true, unique: false, max_length: Some(5) }
    }

    #[test]
    fn scenario_39_unfit_values_are_refused_before_sending() {
        let grades = FieldKind::Choice { options: vec!["A".into(), "B".into()] };
        assert_eq!(fit(&"A".into(), &spec(grades.clone())), Ok("A".into()));
        assert!(matches!(fit(&"C".into(), &spec(grades)), Err(Unfit::NotAnOption { .. })));
        assert!(matches!(fit(&"sixsix".into(), &spec(FieldKind::Text)), Err(Unfit::TooLong { length: 6, most: 5 })));
        assert_eq!(fit(&"fünfü".into(), &spec(FieldKind::Text)), Ok("fünfü".into()));
        assert!(matches!(fit(&"x".into(), &spec(FieldKind::Bool)), Err(Unfit::WrongKind { .. })));
        let mut read_only = spec(FieldKind::Text);
        read_only.writable = false;
        assert_eq!(fit(&"x".into(), &read_only), Err(Unfit::ReadOnly));
    }

    #[test]
    fn numbers_take_the_crms_scale() {
        let two = spec(FieldKind::Decimal { scale: Some(2) });
        let value = Value::Number("1.005".parse().unwrap());
        assert_eq!(fit(&value, &two), Ok(Value::Number("1.01".parse().unwrap())));
    }
}
