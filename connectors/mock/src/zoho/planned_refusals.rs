//! Rows refused whatever they say, as a test has planned: every code a row can be refused with can be had.

use serde_json::{Map, Value};

use super::kind::Kind;
use super::org::Org;
use super::pen::Pen;
use super::refusal::Refusal;
use crate::row_faults::{self, Row, RowFault};

/// What a row can be told.
const CODES: [&str; 14] = [
    "INVALID_DATA",
    "MANDATORY_NOT_FOUND",
    "DUPLICATE_DATA",
    "MULTIPLE_OR_MULTI_ERRORS",
    "DEPENDENT_FIELD_MISSING",
    "DEPENDENT_MISMATCH",
    "EXPECTED_FIELD_MISSING",
    "RECORD_LOCKED",
    "RECORD_IN_BLUEPRINT",
    "LIMIT_EXCEEDED",
    "AUTHORIZATION_FAILED",
    "NOT_APPROVED",
    "ALREADY_MODIFIED",
    "INTERNAL_ERROR",
];

/// # Errors
/// When a plan names a code rows are not refused with.
pub fn check(fault: &RowFault) -> Result<(), String> {
    match code(fault) {
        Some(_) => Ok(()),
        None => Err(format!("row_faults: unknown code `{}`; one of {}", fault.code, CODES.join(", "))),
    }
}

fn code(fault: &RowFault) -> Option<&'static str> {
    CODES.into_iter().find(|code| *code == fault.code)
}

impl Org {
    /// The refusal planned for a row, if there is one; people's rows are never struck.
    pub fn planned_refusal(
        &mut self,
        pen: &Pen,
        (kind, id): (Kind, Option<u64>),
        given: &Map<String, Value>,
        path: &str,
    ) -> Result<(), Refusal> {
        if pen.is_system() || self.knobs.row_faults.is_empty() {
            return Ok(());
        }
        let written = |field: &str| {
            let value = given.get(field)?;
            Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        };
        let row = Row { object: kind.name(), id: id.map(|id| id.to_string()), written: &written };
        let struck = row_faults::strike(&mut self.knobs.row_faults, &row);
        let Some((fault, code)) = struck.and_then(|fault| Some((fault, code(fault)?))) else { return Ok(()) };
        let status = if code == "ALREADY_MODIFIED" { 412 } else { 400 };
        let mut refusal = Refusal::new(status, code, fault.message.clone());
        if let Some(field) = fault.fields.first() {
            refusal = refusal.with("api_name", field.as_str()).with("json_path", format!("{path}.{field}"));
        }
        Err(refusal)
    }
}
