//! Person traits of a message: flat, in canonical names (`cdp-semantics` §1.1).

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::Value;

use super::canonical::canonical;
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
    /// Lays an object over what is there. Null clears; empty texts say nothing; a list keeps its texts, numbers and flags. What
    /// no other value can hold is its JSON as a text: a list of objects or lists, an object too deep in others, a number out of
    /// range.
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
            Json::List(items) if items.iter().all(is_plain) => {
                Some(Value::List(items.iter().filter_map(item).collect()))
            }
            Json::List(_) | Json::Object(_) => {
                let mut text = String::new();
                canonical(value, &mut text);
                Some(Value::from(text.as_str()))
            }
            Json::Int(_) | Json::Digits(_) | Json::Float(_) => {
                Some(value.as_decimal().map_or_else(|| Value::Text(out_of_range(value)), Value::Number))
            }
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

    pub(super) fn len(&self) -> usize {
        self.0.len()
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

fn is_plain(item: &Json<'_>) -> bool {
    !matches!(item, Json::List(_) | Json::Object(_))
}

/// Null and empty texts are nothing in a list either.
fn item(item: &Json<'_>) -> Option<Arc<str>> {
    match item {
        Json::Null => None,
        Json::Text(text) => clean(text),
        Json::Bool(flag) => Some(flag.to_string().into()),
        number => Some(match number.as_decimal() {
            Some(number) => number.normalize().to_string().into(),
            None => out_of_range(number),
        }),
    }
}

/// A number that no decimal of 28 digits holds, as it was said.
fn out_of_range(number: &Json<'_>) -> Arc<str> {
    match number {
        Json::Float(number) => format!("{number:e}").into(),
        number => number.as_digits().unwrap_or_default().into(),
    }
}

/// Trimmed and without control characters; nothing where nothing is left.
pub(super) fn clean(text: &str) -> Option<Arc<str>> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return None;
    }
    if !trimmed.contains(is_noise) {
        return Some(trimmed.into());
    }
    let cleaned: String = trimmed.chars().filter(|c| !is_noise(*c)).collect();
    let cleaned = cleaned.trim();
    (!cleaned.is_empty()).then(|| cleaned.into())
}

/// Line breaks belong to long texts; other control characters are noise, and NUL no database takes.
pub(super) fn is_noise(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
}

/// Names that mean one trait.
fn same_trait(name: &str) -> &str {
    match name {
        "company.employee_count" => "company.employees",
        other => other,
    }
}

/// `firstName`, `First Name` and `first_name` are `first_name`.
pub(super) fn snake_case(key: &str) -> String {
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
                "phone":null,"rows":[{"b":2, "a":"x"},null],"grid":[[1],[]],"a":{"b":{"c":{"d":{"e":{"f":{"g":1}}}}}},
                "far":1e300,"near":[1e-300, null, " ", 12345678901234567890123456789012],
                "long":12345678901234567890123456789012,"big":12345678901234567891,"none":[]}"#,
        );
        let mut traits = Traits::default();
        traits.lay_over("", Some(&context));
        traits.lay_over("", Some(&own));
        let got: Vec<(String, String)> =
            traits.with_full_name().into_list().iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
        let want = [
            ("a.b.c.d.e.f", r#"{"g":1}"#),
            ("age", "36.5"),
            ("big", "12345678901234567891"),
            ("company.employees", "20"),
            ("company.name", "Northwind"),
            ("far", "1e300"),
            ("first_name", "Ada"),
            ("grid", "[[1],[]]"),
            ("last_name", "Berg"),
            ("long", "12345678901234567890123456789012"),
            ("name", "Ada Berg"),
            ("near", "1e-300;12345678901234567890123456789012"),
            ("none", ""),
            ("phone", ""),
            ("rows", r#"[{"a":"x","b":2},null]"#),
            ("tags", "a;1;true"),
            ("vip", "true"),
        ];
        assert_eq!(got, want.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }
}
