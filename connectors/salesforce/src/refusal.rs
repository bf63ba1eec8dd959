//! Salesforce's refusals off the wire: one shape for the three in which they come.
//!
//! A whole request is refused with `errorCode`, a row of a Collections call with `statusCode`, a row of a Bulk job with a
//! cell `CODE:text:fields --`. All become a [`RowRefusal`], which `reject` gives a meaning.

use std::sync::Arc;

use connector::{FieldName, RecordId};
use connector_http::Answer;
use serde::Deserialize;

use crate::duplicates::DuplicateResult;

/// How Salesforce says that the field of an upsert is not one to upsert by.
pub(crate) const NO_KEY_FIELD: &str = "external ID field does not exist";

/// One refusal in Salesforce's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RowRefusal {
    pub code: String,
    pub message: String,
    pub fields: Vec<FieldName>,
    /// Records that a duplicate rule found; only refusals of one record name them.
    pub matches: Vec<RecordId>,
}

/// One error as it stands in JSON.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ErrorRow {
    error_code: Option<String>,
    status_code: Option<String>,
    message: Option<String>,
    fields: Option<Vec<String>>,
    /// Salesforce's own spelling.
    #[serde(rename = "duplicateResut")]
    duplicate_resut: Option<DuplicateResult>,
    duplicate_result: Option<DuplicateResult>,
}

impl From<ErrorRow> for RowRefusal {
    fn from(row: ErrorRow) -> Self {
        let matches = row.duplicate_resut.or(row.duplicate_result).map(DuplicateResult::into_ids).unwrap_or_default();
        let fields = row.fields.unwrap_or_default().into_iter().map(Arc::from).collect();
        let code = row.error_code.or(row.status_code).unwrap_or_default();
        Self { code, message: row.message.unwrap_or_default(), fields, matches }.with_fields_of_message()
    }
}

impl RowRefusal {
    /// The refusal of a whole request. A body that is not Salesforce's (HTML of a gateway, nothing) is one without a code.
    pub fn read(body: &[u8]) -> Self {
        Self::first(serde_json::from_slice::<Vec<ErrorRow>>(body).unwrap_or_default())
    }

    /// Of several errors the first one speaks; fields that others of its code name are added.
    pub fn first(rows: Vec<ErrorRow>) -> Self {
        let mut refusals = rows.into_iter().map(Self::from);
        let Some(mut first) = refusals.next() else { return Self::default() };
        for other in refusals.filter(|other| other.code == first.code) {
            first.fields.extend(other.fields);
        }
        first.fields.sort_unstable();
        first.fields.dedup();
        first
    }

    /// A cell `sf__Error` of a Bulk job. The text between code and fields may hold colons itself.
    pub fn of_cell(cell: &str) -> Self {
        let (code, rest) = cell.split_once(':').unwrap_or((cell, ""));
        let rest = rest.trim_end();
        let rest = rest.strip_suffix("--").map_or(rest, str::trim_end);
        let (message, fields) = match rest.rsplit_once(':') {
            Some((message, list)) if is_field_list(list) => (message, list),
            _ => (rest, ""),
        };
        let fields = fields.split([',', ' ']).filter(|name| !name.is_empty()).map(Arc::from).collect();
        Self { code: code.trim().to_owned(), message: message.trim().to_owned(), fields, matches: Vec::new() }
            .with_fields_of_message()
    }

    /// Some refusals name their field only in their text.
    fn with_fields_of_message(mut self) -> Self {
        if self.fields.is_empty() {
            self.fields = match self.code.as_str() {
                // No such column 'Nope__c' on sobject of type Contact
                "INVALID_FIELD" => between(&self.message, "No such column '", "'").into_iter().map(Arc::from).collect(),
                // Unable to create/update fields: CreatedDate, Name. Please check …
                "INVALID_FIELD_FOR_INSERT_UPDATE" => between(&self.message, "fields: ", ".").map_or(Vec::new(), names),
                // Provided external ID field does not exist or is not accessible: Key__c
                "NOT_FOUND" if self.message.contains(NO_KEY_FIELD) => {
                    self.message.rsplit_once(": ").map_or(Vec::new(), |(_, name)| names(name))
                }
                "REQUIRED_FIELD_MISSING" => between(&self.message, "missing: [", "]").map_or(Vec::new(), names),
                _ => Vec::new(),
            };
        }
        self
    }
}

/// A success decoded, or Salesforce's refusal; a refusal that is not Salesforce's (a gateway's page) cannot be read.
pub(crate) fn told<T>(
    answer: &Answer,
    decode: impl Fn(&Answer) -> Result<T, String>,
) -> Result<Result<T, RowRefusal>, String> {
    if answer.status.is_success() {
        return decode(answer).map(Ok);
    }
    let refusal = RowRefusal::read(&answer.body);
    if refusal.code.is_empty() {
        return Err(format!("status {} without a code", answer.status.as_u16()));
    }
    Ok(Err(refusal))
}

/// The column that made a whole job fail: `InvalidBatch : Field name not found : ContactId__c`.
pub(crate) fn unknown_column(message: &str) -> Option<FieldName> {
    let (_, after) = message.split_once("Field name not found")?;
    let name = after.trim_start_matches([' ', ':']).split_whitespace().next()?;
    let name = name.trim_matches(['\'', '"', '.']);
    is_field_name(name).then(|| Arc::from(name))
}

fn names(list: &str) -> Vec<FieldName> {
    list.split(',').map(str::trim).filter(|name| is_field_name(name)).map(Arc::from).collect()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(inner, _)| inner)
}

fn is_field_list(list: &str) -> bool {
    list.split([',', ' ']).filter(|name| !name.is_empty()).all(is_field_name)
}

fn is_field_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(refusal: &RowRefusal) -> Vec<&str> {
        refusal.fields.iter().map(|name| &**name).collect()
    }

    #[test]
    fn both_spellings_of_the_code_are_read() {
        let whole =
            RowRefusal::read(br#"[{"message":"m","errorCode":"REQUIRED_FIELD_MISSING","fields":["LastName"]}]"#);
        assert_eq!((whole.code.as_str(), fields(&whole)), ("REQUIRED_FIELD_MISSING", vec!["LastName"]));
        let row: Vec<ErrorRow> = serde_json::from_str(
            r#"[{"statusCode":"STRING_TOO_LONG","message":"m","fields":["B"]},
                {"statusCode":"STRING_TOO_LONG","message":"n","fields":["A"]},
                {"statusCode":"OTHER","message":"n","fields":["C"]}]"#,
        )
        .unwrap();
        let row = RowRefusal::first(row);
        assert_eq!((row.code.as_str(), fields(&row)), ("STRING_TOO_LONG", vec!["A", "B"]));
    }

    #[test]
    fn a_body_that_is_not_salesforces_has_no_code() {
        for body in [&b"<html>420</html>"[..], b"", b"{}", b"[]", b"[{\"message\":null,\"errorCode\":null}]", b"[[[["] {
            assert_eq!(RowRefusal::read(body).code, "");
        }
    }

    #[test]
    fn an_error_cell_is_taken_apart() {
        let check = |cell: &str, code: &str, message: &str, names: &[&str]| {
            let refusal = RowRefusal::of_cell(cell);
            assert_eq!((refusal.code.as_str(), refusal.message.as_str()), (code, message), "{cell}");
            assert_eq!(fields(&refusal), names, "{cell}");
        };
        let cell = "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --";
        check(cell, "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", &["LastName"]);
        check("ENTITY_IS_DELETED:entity is deleted:--", "ENTITY_IS_DELETED", "entity is deleted", &[]);
        check("UNABLE_TO_LOCK_ROW:unable to obtain: 001xx:--", "UNABLE_TO_LOCK_ROW", "unable to obtain: 001xx", &[]);
        check("A:b:C__c,D --", "A", "b", &["C__c", "D"]);
        check("DUPLICATE_VALUE", "DUPLICATE_VALUE", "", &[]);
        check("", "", "", &[]);
        check("X:see: two words here!:--", "X", "see: two words here!", &[]);
    }

    #[test]
    fn fields_are_found_in_the_text_where_nothing_else_names_them() {
        let read = |code: &str, message: &str| {
            RowRefusal { code: code.into(), message: message.into(), ..RowRefusal::default() }.with_fields_of_message()
        };
        let column = read("INVALID_FIELD", "No such column 'Nope__c' on sobject of type Contact");
        assert_eq!(fields(&column), ["Nope__c"]);
        let locked =
            read("INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create/update fields: CreatedDate, Name. Please");
        assert_eq!(fields(&locked), ["CreatedDate", "Name"]);
        assert!(fields(&read("OTHER", "No such column 'Nope__c'")).is_empty());
    }

    #[test]
    fn the_column_a_job_failed_for_is_found() {
        let check = |text: &str, name: Option<&str>| assert_eq!(unknown_column(text).as_deref(), name, "{text}");
        check("InvalidBatch : Field name not found : ContactId__c", Some("ContactId__c"));
        check("InvalidBatch : Field name not found : 'A__c'", Some("A__c"));
        check("ClientInputError : LineEnding is invalid on user data", None);
        check("Field name not found : ", None);
    }
}
