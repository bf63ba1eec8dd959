//! What a caller wants a record to hold, before it is checked: from a JSON body or from a CSV row.

use serde_json::{Map, Value};

use super::refusal::{Refusal, RowError};

/// One value as it was sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Raw {
    /// A JSON scalar; `null` clears.
    Json(Value),
    /// A CSV cell that is not empty (an empty one leaves the field alone: leave it out). `#N/A` clears.
    Csv(String),
    /// A parent named by its external id: `{"Account": {"Erp_Key__c": "A-17"}}` or a column `Account.Erp_Key__c`.
    Parent { field: String, value: Box<Raw> },
}

/// Field or relationship names, as sent, with their values; in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Given(pub Vec<(String, Raw)>);

impl Given {
    /// Takes a record out of JSON: leaves `attributes` out and reads nested objects as parents.
    pub fn from_json(body: &Map<String, Value>) -> Result<Self, RowError> {
        let mut out = Vec::with_capacity(body.len());
        for (name, value) in body {
            let raw = match value {
                _ if name.eq_ignore_ascii_case("attributes") => continue,
                Value::Object(parent) => {
                    let mut keys = parent.iter().filter(|(key, _)| !key.eq_ignore_ascii_case("attributes"));
                    match (keys.next(), keys.next()) {
                        (Some((field, value)), None) if !value.is_object() && !value.is_array() => {
                            Raw::Parent { field: field.clone(), value: Box::new(Raw::Json(value.clone())) }
                        }
                        _ => {
                            return Err(Refusal::json(
                                "Cannot deserialize instance of reference from START_OBJECT value",
                            ));
                        }
                    }
                }
                Value::Array(_) => {
                    return Err(Refusal::json(&format!(
                        "Cannot deserialize instance of {name} from START_ARRAY value [line:1, column:1]"
                    )));
                }
                scalar => Raw::Json(scalar.clone()),
            };
            out.push((name.clone(), raw));
        }
        Ok(Self(out))
    }

    /// Adds one CSV cell; `Rel.Ext__c` columns become parents, empty cells nothing.
    pub fn push_csv(&mut self, column: &str, cell: &str) {
        if cell.is_empty() {
            return;
        }
        let raw = Raw::Csv(cell.to_owned());
        match column.split_once('.') {
            Some((relationship, field)) => {
                self.0.push((relationship.to_owned(), Raw::Parent { field: field.to_owned(), value: Box::new(raw) }));
            }
            None => self.0.push((column.to_owned(), raw)),
        }
    }

    /// Takes a field out, whatever its capitals.
    pub fn take(&mut self, name: &str) -> Option<Raw> {
        let at = self.0.iter().position(|(each, _)| each.eq_ignore_ascii_case(name))?;
        Some(self.0.remove(at).1)
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(each, _)| each.eq_ignore_ascii_case(name))
    }
}

impl Raw {
    /// As plain text, for keys and Ids; none for null, booleans and parents.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Json(Value::String(text)) => Some(text.clone()),
            Self::Json(Value::Number(number)) => Some(number.to_string()),
            Self::Csv(text) if text != "#N/A" => Some(text.clone()),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Self::Json(Value::Null)) || matches!(self, Self::Csv(text) if text == "#N/A")
    }
}
