//! Rows that are refused whatever they say: planned by record or by value, for every way of writing.

use serde::{Deserialize, Serialize};

/// `PUT /__mock/config {"row_faults": [{…}]}`: the first `times` rows that match are refused.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct RowFault {
    /// Object; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Its id as the vendor shows it; any record when absent, and never one that is being made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// A field the row must write, in canonical spelling; with `value`, the text it must write to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    #[serde(default = "one")]
    pub times: u64,
    /// Every `every`th match only; 1: each.
    #[serde(default = "one")]
    pub every: u64,
    /// The vendor's code.
    pub code: String,
    #[serde(default = "message")]
    pub message: String,
    #[serde(default)]
    pub fields: Vec<String>,
    /// Matching rows seen.
    #[serde(default)]
    pub seen: u64,
}

fn one() -> u64 {
    1
}

fn message() -> String {
    "refused by a planned fault".into()
}

/// A row about to be written, as far as faults look at it.
pub struct Row<'a> {
    pub object: &'a str,
    pub id: Option<String>,
    /// The text a field is to get, when the row writes it.
    pub written: &'a dyn Fn(&str) -> Option<String>,
}

/// The fault that strikes the row, counted.
pub fn strike<'a>(faults: &'a mut [RowFault], row: &Row<'_>) -> Option<&'a RowFault> {
    let struck = faults.iter_mut().position(|fault| {
        if fault.times == 0 || !fault.matches(row) {
            return false;
        }
        fault.seen += 1;
        fault.seen % fault.every.max(1) == 0
    })?;
    let fault = faults.get_mut(struck)?;
    fault.times -= 1;
    Some(fault)
}

impl RowFault {
    fn matches(&self, row: &Row<'_>) -> bool {
        let object = self.object.as_deref().is_none_or(|object| object.eq_ignore_ascii_case(row.object));
        let record = self.id.is_none() || self.id == row.id;
        let value = self.field.as_deref().is_none_or(|field| {
            let written = (row.written)(field);
            written.is_some() && (self.value.is_none() || self.value == written)
        });
        object && record && value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn strikes(faults: &mut [RowFault], id: &str, title: &str) -> bool {
        let written = |field: &str| (field == "Title").then(|| title.to_owned());
        strike(faults, &Row { object: "Contact", id: Some(id.to_owned()), written: &written }).is_some()
    }

    #[test]
    fn a_fault_strikes_what_it_names_and_as_often_as_it_says() {
        let faults = json!([{ "object": "contact", "id": "003A", "code": "UNABLE_TO_LOCK_ROW", "times": 2 },
                            { "field": "Title", "value": "CTO", "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "every": 2, "times": 9 }]);
        let mut faults: Vec<RowFault> = serde_json::from_value(faults).unwrap();
        assert!(strikes(&mut faults, "003A", "CEO") && strikes(&mut faults, "003A", "CEO"));
        assert!(!strikes(&mut faults, "003A", "CEO"));
        assert!(!strikes(&mut faults, "003B", "CTO") && strikes(&mut faults, "003B", "CTO"));
        assert_eq!(faults[1].seen, 2);
    }
}
