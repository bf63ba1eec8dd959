//! Person traits of a message: flat, in canonical names (`cdp-semantics` §1.1).

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::Value;

use crate::expr::Json;
use crate::model::TraitName;

/// Objects in objects deeper than this are not traits.
const MAX_DEPTH: usize = 5;

/// Longest name of a trait, in bytes.
const MAX_NAME: usize = 120;

/// Traits by name. An object gives one trait per leaf: `company.name`, `address.city`.
#[derive(Debug, Default)]
pub(super) struct Traits(BTreeMap<TraitName, Value>);

impl Traits {
    /// Lays an object over what is there. Null clears; empty texts say nothing; a list keeps its texts, numbers and flags.
    pub(super) fn lay_over(&mut self, prefix: &str, object: Option<&Json<'_>>) {
        self.read(prefix, object, 0);
    }

    fn read(&mut self, prefix: &str, object: Option<&Json<'_>>, depth: usize) {
        let Some(Json::Object(members)) = object else { return };
        for (key, value) in members {
            let key = snake_case(key);
            if key.is_empty() || prefix.len() + key.len() >= MAX_NAME {
                continue;
            }
            let name = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
            match value {
                Json::Object(_) if depth < MAX_DEPTH => self.read(&name, Some(value), depth + 1),
                Json::Object(_) => {}
                // A company given as a text is its name.
                Json::Text(_) if name == "company" => self.set("company.name", value),
                value => self.set(same_trait(&name), value),
            }
        }
    }

    fn set(&mut self, name: &str, value: &Json<'_>) {
        let value = match value {
            Json::Null => Some(Value::Null),
            Json::Bool(flag) => Some(Value::Bool(*flag)),
            Json::Text(text) => clean(text).map(Value::Text),
            Json::Int(_) | Json::Float(_) => value.as_decimal().map(Value::Number),
            Json::List(items) => {
                let texts: Vec<Arc<str>> = items.iter().filter_map(item).collect();
                (texts.len() == items.len()).then_some(Value::List(texts))
            }
            Json::Object(_) => None,
        };
        if let Some(value) = value {
            self.0.insert(name.into(), value);
        }
    }

    /// One trait as a text; nothing where there is none.
    pub(super) fn set_text(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text.and_then(clean) {
            self.0.insert(name.into(), Value::Text(text));
        }
    }

    /// Weak traits fill what is empty: they clear nothing.
    pub(super) fn fill_only(&mut self) {
        self.0.retain(|_, value| !value.is_null());
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// First and last name make a name where none is given; a name alone is not split.
    pub(super) fn with_full_name(mut self) -> Self {
        let text = |name: &str| self.0.get(name).and_then(Value::as_text);
        if let (None, Some(first), Some(last)) = (self.0.get("name"), text("first_name"), text("last_name")) {
            let name = format!("{first} {last}");
            self.0.insert("name".into(), Value::from(name.as_str()));
        }
        self
    }

    pub(super) fn into_list(self) -> Vec<(TraitName, Value)> {
        self.0.into_iter().collect()
    }
}

fn item(item: &Json<'_>) -> Option<Arc<str>> {
    match item {
        Json::Text(text) => clean(text),
        Json::Bool(flag) => Some(flag.to_string().into()),
        number => number.as_decimal().map(|number| number.normalize().to_string().into()),
    }
}

/// Trimmed and without control characters; nothing where nothing is left.
pub(super) fn clean(text: &str) -> Option<Arc<str>> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return None;
    }
    // Line breaks belong to long texts; other control characters are noise, and NUL no database takes.
    let noise = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !trimmed.contains(noise) {
        return Some(trimmed.into());
    }
    let cleaned: String = trimmed.chars().filter(|c| !noise(*c)).collect();
    let cleaned = cleaned.trim();
    (!cleaned.is_empty()).then(|| cleaned.into())
}

/// Names that mean one trait.
fn same_trait(name: &str) -> &str {
    match name {
        "company.employee_count" => "company.employees",
        other => other,
    }
}

/// `firstName`, `First Name` and `first_name` are `first_name`.
fn snake_case(key: &str) -> String {
    let mut name = String::with_capacity(key.len() + 4);
    let mut before = None;
    let mut letters = key.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter.is_alphanumeric() {
            let starts_word = letter.is_uppercase()
                && before.is_some_and(|before: char| {
                    before.is_lowercase()
                        || before.is_numeric()
                        || (before.is_uppercase() && letters.peek().is_some_and(|next| next.is_lowercase()))
                });
            if starts_word && !name.ends_with('_') {
                name.push('_');
            }
            name.extend(letter.to_lowercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
        before = Some(letter);
    }
    while name.ends_with('_') {
        name.pop();
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_canonical() {
        let cases = [
            ("firstName", "first_name"),
            ("First Name", "first_name"),
            ("first_name", "first_name"),
            ("HTTPServer", "http_server"),
            ("companyID", "company_id"),
            ("address2", "address2"),
            ("__x--y__", "x_y"),
            ("$", ""),
        ];
        for (key, want) in cases {
            assert_eq!(snake_case(key), want, "{key}");
        }
    }

    #[test]
    fn objects_are_flat_and_later_ones_win_by_leaf() {
        fn read(text: &str) -> Json<'_> {
            Json::parse(text).unwrap()
        }
        let context = read(r#"{"firstName":"Ada","company":{"name":"Old","employee_count":20},"city":"  "}"#);
        let own = read(
            r#"{"last_name":" Berg\u0000 ","company":{"name":"Northwind"},"age":36.5,"vip":true,"tags":["a",1,true],
                "phone":null,"rows":[{"a":1}],"a":{"b":{"c":{"d":{"e":{"f":{"g":1}}}}}}}"#,
        );
        let mut traits = Traits::default();
        traits.lay_over("", Some(&context));
        traits.lay_over("", Some(&own));
        let got: Vec<(String, String)> =
            traits.with_full_name().into_list().iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
        let want = [
            ("age", "36.5"),
            ("company.employees", "20"),
            ("company.name", "Northwind"),
            ("first_name", "Ada"),
            ("last_name", "Berg"),
            ("name", "Ada Berg"),
            ("phone", ""),
            ("tags", "a;1;true"),
            ("vip", "true"),
        ];
        assert_eq!(got, want.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }
}
