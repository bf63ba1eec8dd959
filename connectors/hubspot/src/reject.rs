//! HubSpot's refusals of single records, in the contract's words.

use std::sync::Arc;

use connector::{FieldName, Reason, RecordId, Rejection};
use connector_http::redact;

use crate::wire::{Detail, Envelope};

/// What one error row, or the refusal of a batch of one, means.
pub(crate) fn rejection(status: u16, envelope: &Envelope) -> Rejection {
    let details = envelope.details();
    let first_code = details.iter().find_map(|detail| detail.code.as_deref());
    let reason = reason(status, envelope, first_code);
    let code = first_code.or(envelope.category.as_deref()).map_or_else(|| status.to_string(), redact::message);
    let message = details
        .iter()
        .find_map(|detail| Some(without_value(detail.message.as_deref()?)))
        .or_else(|| envelope.message.as_deref().map(without_value))
        .unwrap_or_else(|| format!("HubSpot answered {status}"));
    Rejection { reason, code: code.into(), message: message.into(), fields: fields(&details) }
}

fn reason(status: u16, envelope: &Envelope, code: Option<&str>) -> Reason {
    match code {
        Some("PROPERTY_DOESNT_EXIST") => return Reason::UnknownField,
        Some("READ_ONLY_VALUE") => return Reason::ReadOnly,
        _ => {}
    }
    let message = envelope.message.as_deref().unwrap_or_default();
    if let Some(existing) = already_has_that_value(message) {
        return Reason::Duplicate { existing: Some(existing) };
    }
    match (status, envelope.category.as_deref()) {
        (409, _) | (_, Some("CONFLICT")) => Reason::Duplicate { existing: existing_id(message) },
        (404, _) | (_, Some("OBJECT_NOT_FOUND")) => Reason::Gone,
        (403, _) | (_, Some("MISSING_SCOPES")) => Reason::Forbidden,
        (423, _) => Reason::Locked { retry_after: None },
        _ => Reason::Invalid,
    }
}

/// `Contact already exists. Existing ID: 501`: HubSpot has no structured field for it.
fn existing_id(message: &str) -> Option<RecordId> {
    let (_, after) = message.split_once("Existing ID:")?;
    leading_digits(after.trim_start())
}

/// `Cannot set … value=…} on 552148386511. 552239500007 already has that value.`: the owner is the last one named.
fn already_has_that_value(message: &str) -> Option<RecordId> {
    let (before, _) = message.split_once(" already has that value")?;
    leading_digits(before.rsplit(' ').next()?)
}

fn leading_digits(text: &str) -> Option<RecordId> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end).filter(|digits| !digits.is_empty()).map(RecordId::from)
}

fn fields(details: &[Detail]) -> Vec<FieldName> {
    let mut names: Vec<FieldName> = details
        .iter()
        .flat_map(|detail| detail.context.words("propertyName").into_iter().chain(detail.name.clone()))
        .map(Arc::from)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// HubSpot's validation messages begin with the refused value.
fn without_value(message: &str) -> String {
    for verb in [" was not one of the allowed options", " was not a valid", " is at ", " is invalid"] {
        if let Some((_, after)) = message.split_once(verb) {
            return redact::message(&format!("the value{verb}{after}"));
        }
    }
    if let Some((_, why)) = message.split_once("Email address ") {
        let why = why.split_once(' ').map_or("", |(_, why)| why);
        return redact::message(&format!("the e-mail address {why}"));
    }
    redact::message(message)
}

/// A property that no write can set, whatever its value: every write that names it is refused for the same reason.
pub(crate) fn hopeless_field(rejection: &Rejection) -> Option<&FieldName> {
    match rejection.reason {
        Reason::UnknownField | Reason::ReadOnly => rejection.fields.first(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Rejection {
        rejection(status, &Envelope::read(body.as_bytes()))
    }

    #[test]
    fn duplicates_name_their_owner() {
        let conflict = read(409, r#"{"message":"Contact already exists. Existing ID: 501","category":"CONFLICT"}"#);
        assert_eq!(conflict.reason, Reason::Duplicate { existing: Some("501".into()) });
        let racing = read(
            400,
            r#"{"message":"Cannot set PropertyValueCoordinates{propertyName=email, value=ada@acme.example} on 552148386511. 552239500007 already has that value.","category":"VALIDATION_ERROR"}"#,
        );
        assert_eq!(racing.reason, Reason::Duplicate { existing: Some("552239500007".into()) });
        assert!(!racing.message.contains("ada@"), "{}", racing.message);
    }

    #[test]
    fn validation_errors_name_the_field_and_hide_the_value() {
        let unknown = read(
            400,
            r#"{"message":"Property values were not valid: []","category":"VALIDATION_ERROR","errors":[{"message":"Property \"no_such\" does not exist","code":"PROPERTY_DOESNT_EXIST","context":{"propertyName":["no_such"]}}]}"#,
        );
        assert_eq!(unknown.reason, Reason::UnknownField);
        assert_eq!(hopeless_field(&unknown).map(|name| &**name), Some("no_such"));
        let option = read(
            400,
            r#"{"category":"VALIDATION_ERROR","errors":[{"message":"secret value was not one of the allowed options: [A, B]","code":"INVALID_OPTION","context":{"propertyName":["tier"]}}]}"#,
        );
        assert_eq!(option.reason, Reason::Invalid);
        assert_eq!(&*option.code, "INVALID_OPTION");
        assert_eq!(&*option.message, "the value was not one of the allowed options: [A, B]");
        assert_eq!(hopeless_field(&option), None);
    }

    #[test]
    fn a_missing_record_is_gone() {
        assert_eq!(read(207, r#"{"category":"OBJECT_NOT_FOUND","context":{"ids":["9"]}}"#).reason, Reason::Gone);
        assert_eq!(read(403, "{}").reason, Reason::Forbidden);
        assert_eq!(read(400, "<html>").reason, Reason::Invalid);
    }
}
