//! Creating enrichment fields, in a property group of their own.

use connector::{CreatedField, Error, ErrorKind, FieldKind, NewField, Object};
use connector_http::{Answer, Call, Repeat};
use serde::Serialize;

use crate::api::{Api, json, refusal};
use crate::dialect::PLAIN_CALL;
use crate::paths::kind_of;

/// The group all of Ferry's properties are in.
const GROUP: &str = "cdp";
const GROUP_LABEL: &str = "CDP";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    name: &'static str,
    label: &'static str,
    display_order: i32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewProperty<'a> {
    group_name: &'static str,
    name: &'a str,
    label: &'a str,
    description: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    field_type: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    options: Vec<Choice<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    has_unique_value: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Choice<'a> {
    label: &'a str,
    value: &'a str,
    display_order: usize,
    hidden: bool,
}

impl Api {
    /// Creates a property; one that exists is left alone.
    pub async fn create_property(&self, object: &Object, field: &NewField) -> Result<CreatedField, Error> {
        let attempted =
            format!("create the property {} of {object} records", connector_http::redact::message(&field.name));
        let kind = kind_of(object)?;
        let (kind_word, field_type) = types(&field.kind).ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                &attempted,
                format!("HubSpot has no property type for {}", field.kind.word()),
            )
        })?;
        if !is_name(&field.name) {
            return Err(Error::new(
                ErrorKind::Config,
                attempted,
                "a property's name has lower-case letters, digits and `_`, and begins with a letter",
            ));
        }
        // HubSpot wants writers of its schema one at a time.
        let mut groups = self.groups.lock().await;
        if !groups.contains(object) {
            let body = json(&attempted, &Group { name: GROUP, label: GROUP_LABEL, display_order: -1 })?;
            self.create(&attempted, format!("{}/groups", self.paths.properties(kind)), body).await?;
            groups.push(object.clone());
        }
        let body = json(
            &attempted,
            &NewProperty {
                group_name: GROUP,
                name: &field.name,
                label: &field.label,
                description: &field.description,
                kind: kind_word,
                field_type,
                options: options(&field.kind),
                has_unique_value: field.unique,
            },
        )?;
        Ok(match self.create(&attempted, self.paths.properties(kind), body).await? {
            true => CreatedField::Created(field.name.clone()),
            false => CreatedField::Existed(field.name.clone()),
        })
    }

    /// Whether it was created now; 409 says it existed. Sending it again is harmless for that reason.
    async fn create(&self, attempted: &str, path: String, body: bytes::Bytes) -> Result<bool, Error> {
        let mut call = Call::write(attempted, path, body, PLAIN_CALL);
        call.repeat = Repeat::Safe;
        let decode = |answer: &Answer| {
            Ok(match answer.status.as_u16() {
                200..=299 => Ok(true),
                409 => Ok(false),
                _ => Err(refusal(attempted, answer)),
            })
        };
        self.client.fetch(&call, decode).await?
    }
}

/// HubSpot's names: `[a-z][a-z0-9_]*`, never changed afterwards.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= 100
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// HubSpot's `type` and `fieldType`, in a pair it accepts.
fn types(kind: &FieldKind) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        FieldKind::Text => ("string", "text"),
        FieldKind::Integer | FieldKind::Decimal { .. } => ("number", "number"),
        FieldKind::Bool => ("bool", "booleancheckbox"),
        FieldKind::Date => ("date", "date"),
        FieldKind::Instant => ("datetime", "date"),
        FieldKind::Choice { .. } => ("enumeration", "select"),
        FieldKind::MultiChoice { .. } => ("enumeration", "checkbox"),
        kind if kind.is_long_text() => ("string", "textarea"),
        FieldKind::Reference | FieldKind::Other(_) => return None,
    })
}

fn options(kind: &FieldKind) -> Vec<Choice<'_>> {
    let yes_and_no = [("Yes", "true"), ("No", "false")];
    let pairs: Vec<(&str, &str)> = match kind {
        FieldKind::Choice { options } | FieldKind::MultiChoice { options } => {
            options.iter().map(|option| (&**option, &**option)).collect()
        }
        FieldKind::Bool => yes_and_no.to_vec(),
        _ => Vec::new(),
    };
    let numbered = pairs.into_iter().enumerate();
    numbered.map(|(display_order, (label, value))| Choice { label, value, display_order, hidden: false }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_written_in_pairs_hubspot_accepts() {
        assert_eq!(types(&FieldKind::Decimal { scale: Some(1) }), Some(("number", "number")));
        assert_eq!(types(&FieldKind::Instant), Some(("datetime", "date")));
        assert_eq!(types(&FieldKind::Reference), None);
        assert_eq!(options(&FieldKind::Bool).len(), 2);
        let choice = FieldKind::Choice { options: vec!["A".into(), "B".into()] };
        assert_eq!(options(&choice).iter().map(|choice| choice.value).collect::<Vec<_>>(), ["A", "B"]);
    }

    #[test]
    fn names_are_hubspots() {
        for good in ["cdp_score", "a", "x9_"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "9x", "Cdp", "cdp-score", "cdp score", "_x"] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
