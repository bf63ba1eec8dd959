//! The search language: what a request may ask, and whether a record answers it. Pure.

use serde_json::{Map, Value};

use super::input;
use super::records::Seen;
use super::refusal::Refusal;
use super::schema::{Schema, Type};
use super::values::{as_text, instant};

const MAX_GROUPS: usize = 5;
const MAX_FILTERS_PER_GROUP: usize = 6;
const MAX_FILTERS: usize = 18;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Eq,
    Neq,
    Lt,
    Lte,
    Gt,
    Gte,
    Between,
    In,
    NotIn,
    Has,
    HasNot,
    Token,
    NotToken,
}

impl Operator {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "EQ" => Self::Eq,
            "NEQ" => Self::Neq,
            "LT" => Self::Lt,
            "LTE" => Self::Lte,
            "GT" => Self::Gt,
            "GTE" => Self::Gte,
            "BETWEEN" => Self::Between,
            "IN" => Self::In,
            "NOT_IN" => Self::NotIn,
            "HAS_PROPERTY" => Self::Has,
            "NOT_HAS_PROPERTY" => Self::HasNot,
            "CONTAINS_TOKEN" => Self::Token,
            "NOT_CONTAINS_TOKEN" => Self::NotToken,
            _ => return None,
        })
    }
}

/// A value in the order of its property's type.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub enum Key {
    Nothing,
    Number(f64),
    Text(String),
}

#[derive(Clone, Debug)]
pub struct Filter {
    pub property: String,
    pub operator: Operator,
    kind: Type,
    /// One value, or the two ends of BETWEEN.
    pub values: Vec<Key>,
}

#[derive(Clone, Debug)]
pub struct Sort {
    pub property: String,
    pub kind: Type,
    pub descending: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Question {
    pub groups: Vec<Vec<Filter>>,
    pub sort: Option<Sort>,
    pub text: Option<String>,
}

impl Question {
    pub fn parse(body: &Map<String, Value>, schema: &Schema) -> Result<Self, Refusal> {
        let mut groups = Vec::new();
        for group in list(body, "filterGroups") {
            groups.push(filters(group.get("filters"), schema)?);
        }
        if let Some(loose) = body.get("filters").filter(|_| groups.is_empty()) {
            groups.push(filters(Some(loose), schema)?);
        }
        groups.retain(|group| !group.is_empty());
        let total: usize = groups.iter().map(Vec::len).sum();
        if groups.len() > MAX_GROUPS || total > MAX_FILTERS || groups.iter().any(|g| g.len() > MAX_FILTERS_PER_GROUP) {
            return Err(bad(format!(
                "at most {MAX_GROUPS} filterGroups of {MAX_FILTERS_PER_GROUP} filters, {MAX_FILTERS} in all"
            )));
        }
        let sorts = list(body, "sorts");
        if sorts.len() > 1 {
            return Err(bad("only one sort is supported"));
        }
        let sort = sorts.first().map(|given| sort(given, schema)).transpose()?;
        let text = input::text(body, "query").map(str::trim).filter(|text| !text.is_empty()).map(str::to_lowercase);
        Ok(Self { groups, sort, text })
    }

    pub fn matches(&self, seen: Seen<'_>, schema: &Schema) -> bool {
        let any = self.groups.is_empty() || self.groups.iter().any(|group| group.iter().all(|f| f.holds(seen)));
        any && self.text.as_ref().is_none_or(|text| has_text(seen, schema, text))
    }

    /// Where a record stands in the order asked for.
    pub fn key(&self, seen: Seen<'_>) -> Key {
        match &self.sort {
            Some(sort) => record_key(seen, &sort.property, sort.kind),
            None => Key::Nothing,
        }
    }
}

impl Filter {
    pub fn holds(&self, seen: Seen<'_>) -> bool {
        let held = record_key(seen, &self.property, self.kind);
        let first = self.values.first();
        match self.operator {
            Operator::Has => held != Key::Nothing,
            Operator::HasNot => held == Key::Nothing,
            // A record without a value is different from any value.
            Operator::Neq => first != Some(&held),
            Operator::NotIn => !self.values.contains(&held),
            Operator::NotToken => !self.has_token(&held),
            _ if held == Key::Nothing => false,
            Operator::Eq => first == Some(&held),
            Operator::Lt => first.is_some_and(|value| held < *value),
            Operator::Lte => first.is_some_and(|value| held <= *value),
            Operator::Gt => first.is_some_and(|value| held > *value),
            Operator::Gte => first.is_some_and(|value| held >= *value),
            Operator::Between => {
                first.is_some_and(|low| held >= *low) && self.values.get(1).is_some_and(|high| held <= *high)
            }
            Operator::In => self.values.contains(&held),
            Operator::Token => self.has_token(&held),
        }
    }

    fn has_token(&self, held: &Key) -> bool {
        let (Key::Text(held), Some(Key::Text(pattern))) = (held, self.values.first()) else { return false };
        let pattern = pattern.to_lowercase();
        let held = held.to_lowercase();
        let words = held.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.clone().any(|word| wildcard(&pattern, word)) || wildcard(&pattern, &held)
    }
}

/// `*` stands for any run of characters.
fn wildcard(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut left) = pieces.next().and_then(|head| text.strip_prefix(head)) else { return false };
    let mut last = None;
    for piece in pieces {
        if let Some(middle) = last.replace(piece) {
            match left.find(middle) {
                Some(at) => left = left.get(at + middle.len()..).unwrap_or(""),
                None => return false,
            }
        }
    }
    last.map_or(left.is_empty(), |tail| left.ends_with(tail))
}

/// Strings compare without case, enumerations with it, numbers and dates as numbers.
fn record_key(seen: Seen<'_>, property: &str, kind: Type) -> Key {
    // The three every search uses need no text made and read again.
    if property == "hs_object_id" {
        return Key::Number(seen.id as f64);
    }
    if property == seen.kind.modified_property() {
        return Key::Number(seen.modified() as f64);
    }
    if property == seen.kind.created_property() {
        return Key::Number(seen.created() as f64);
    }
    seen.get(property).map_or(Key::Nothing, |text| key_of(&text, kind))
}

fn key_of(text: &str, kind: Type) -> Key {
    match kind {
        Type::Number => text.trim().parse().map_or(Key::Nothing, Key::Number),
        Type::Date | Type::DateTime => instant(text).map_or(Key::Nothing, |at| Key::Number(at as f64)),
        Type::Text => Key::Text(text.to_lowercase()),
        Type::Bool | Type::Enumeration => Key::Text(text.to_owned()),
    }
}

fn list<'a>(body: &'a Map<String, Value>, key: &str) -> &'a [Value] {
    body.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn filters(given: Option<&Value>, schema: &Schema) -> Result<Vec<Filter>, Refusal> {
    let rows = given.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    rows.iter().map(|row| filter(row, schema)).collect()
}

fn filter(row: &Value, schema: &Schema) -> Result<Filter, Refusal> {
    let name = row.get("propertyName").and_then(Value::as_str).unwrap_or("");
    let property = schema.get(name).ok_or_else(|| bad(format!("unknown property {name}")))?;
    let operator = row.get("operator").and_then(Value::as_str).unwrap_or("");
    let operator = Operator::parse(operator).ok_or_else(|| bad(format!("unknown operator {operator}")))?;
    let one = |key: &str| -> Result<Key, Refusal> {
        let value = row.get(key).ok_or_else(|| bad(format!("operator for {name} requires {key}")))?;
        let text = as_text(value).ok_or_else(|| bad(format!("{key} for {name} must be a string")))?;
        match key_of(&text, property.kind) {
            Key::Nothing => Err(bad(format!("{text} is not a {} for {name}", property.kind.as_str()))),
            key => Ok(key),
        }
    };
    let values = match operator {
        Operator::Has | Operator::HasNot => Vec::new(),
        Operator::Between => vec![one("value")?, one("highValue")?],
        Operator::In | Operator::NotIn => {
            let given = row.get("values").and_then(Value::as_array);
            let given = given.ok_or_else(|| bad(format!("operator for {name} requires values")))?;
            let texts = given.iter().filter_map(as_text);
            // On strings the list is taken as it is, and the index holds lower case: `IN ["Ada"]` finds nobody.
            texts.map(|t| if property.kind == Type::Text { Key::Text(t) } else { key_of(&t, property.kind) }).collect()
        }
        _ => vec![one("value")?],
    };
    Ok(Filter { property: name.to_owned(), operator, kind: property.kind, values })
}

fn sort(given: &Value, schema: &Schema) -> Result<Sort, Refusal> {
    let (name, descending) = match given {
        Value::String(text) => match text.strip_prefix('-') {
            Some(name) => (name, true),
            None => (text.as_str(), false),
        },
        other => {
            let name = other.get("propertyName").and_then(Value::as_str).unwrap_or("");
            (name, other.get("direction").and_then(Value::as_str) == Some("DESCENDING"))
        }
    };
    let property = schema.get(name).ok_or_else(|| bad(format!("unknown sort property {name}")))?;
    Ok(Sort { property: name.to_owned(), kind: property.kind, descending })
}

/// Full-text search looks at a few properties of each object.
fn has_text(seen: Seen<'_>, schema: &Schema, text: &str) -> bool {
    const LOOKED_AT: [&str; 9] =
        ["email", "firstname", "lastname", "phone", "company", "name", "domain", "dealname", "subject"];
    let mut names = LOOKED_AT.iter().filter(|name| schema.get(name).is_some());
    names.any(|name| seen.get(name).is_some_and(|value| value.to_lowercase().contains(text)))
}

/// The vendor says no more than that there was a problem; the detail is in `errors`.
pub fn bad(detail: impl Into<String>) -> Refusal {
    let mut refusal = Refusal::validation("There was a problem with the request.");
    refusal.errors = vec![serde_json::json!({ "message": detail.into() })];
    refusal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_runs() {
        assert!(wildcard("*@firm.example", "ada@firm.example"));
        assert!(wildcard("a*a", "ada"));
        assert!(wildcard("ada", "ada"));
        assert!(!wildcard("a*b", "ada"));
        assert!(!wildcard("ad", "ada"));
    }
}
