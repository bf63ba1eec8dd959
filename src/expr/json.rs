//! JSON as borrowed from its text: what expressions and decoding look into. Hostile until parsed: depth is capped while
//! reading, and whoever reads caps the size before.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use rust_decimal::Decimal;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::digits;

/// Deepest nesting of objects and lists that is read.
pub const MAX_JSON_DEPTH: usize = 32;

/// One JSON value. Texts without escapes borrow from the source.
#[derive(Clone, Debug, PartialEq)]
pub enum Json<'a> {
    Null,
    Bool(bool),
    Int(i64),
    /// A whole number that no `i64` holds, as it is written: an id may have more digits than a number has.
    Digits(Cow<'a, str>),
    /// Every other number, as JSON readers hold it: at most 17 digits count.
    Float(f64),
    Text(Cow<'a, str>),
    List(Vec<Json<'a>>),
    /// In the order of the text; of a repeated key the last one counts.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl<'a> Json<'a> {
    /// Reads one value that is the whole text. The error is the parser's, with line and column.
    pub fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let beyond = Cell::new(false);
        let mut value = Depth { level: 0, beyond: &beyond }.deserialize(&mut reader)?;
        reader.end()?;
        if beyond.get() {
            digits::restore(text, &mut value);
        }
        Ok(value)
    }

    /// A member of an object; `None` where this is no object or has no such key.
    pub fn get(&self, key: &str) -> Option<&Json<'a>> {
        match self {
            Self::Object(members) => members.iter().rev().find(|(have, _)| have == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// A member of a member.
    pub fn at(&self, path: &[&str]) -> Option<&Json<'a>> {
        path.iter().try_fold(self, |value, key| value.get(key))
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number as a decimal; `None` where this is none, or one that no decimal of 28 digits holds.
    pub fn as_decimal(&self) -> Option<Decimal> {
        match self {
            Self::Int(number) => Some(Decimal::from(*number)),
            Self::Digits(digits) => digits.parse().ok(),
            Self::Float(number) => decimal(*number),
            _ => None,
        }
    }

    /// A whole number as its digits: what an id is that is sent as a number.
    pub fn as_digits(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Int(number) => Some(number.to_string().into()),
            Self::Digits(digits) => Some(Cow::Borrowed(digits)),
            _ => None,
        }
    }
}

/// The decimal with the fewest digits that reads back as this float: `0.1` is one tenth.
pub(super) fn decimal(number: f64) -> Option<Decimal> {
    let text = number.to_string();
    if text.len() > 40 { Decimal::from_scientific(&format!("{number:e}")).ok() } else { text.parse().ok() }
}

#[derive(Clone, Copy)]
struct Depth<'c> {
    level: usize,
    /// Set where a number may be a whole one with more digits than were read.
    beyond: &'c Cell<bool>,
}

impl<'de> DeserializeSeed<'de> for Depth<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl Depth<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.level < MAX_JSON_DEPTH {
            Ok(Self { level: self.level + 1, ..self })
        } else {
            Err(E::custom(format_args!("nested deeper than {MAX_JSON_DEPTH} levels")))
        }
    }
}

impl<'de> Visitor<'de> for Depth<'_> {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Json::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Json::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        match i64::try_from(number) {
            Ok(number) => Ok(Json::Int(number)),
            Err(_) => {
                self.beyond.set(true);
                Ok(Json::Float(number as f64))
            }
        }
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        if digits::is_beyond(number) {
            self.beyond.set(true);
        }
        Ok(Json::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let depth = self.deeper::<A::Error>()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(depth)? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let depth = self.deeper::<A::Error>()?;
        let mut object = Vec::new();
        while let Some(key) = members.next_key_seed(Key)? {
            object.push((key, members.next_value_seed(depth)?));
        }
        Ok(Json::Object(object))
    }
}

struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        match (Depth { level: 0, beyond: &Cell::new(false) }).deserialize(reader)? {
            Json::Text(key) => Ok(key),
            _ => Err(D::Error::custom("a key must be text")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_and_the_last_of_a_repeated_key_counts() {
        let json = Json::parse(r#"{"a":{"b":1,"b":2.50},"t":"x\u0041","n":null}"#).unwrap();
        assert_eq!(json.at(&["a", "b"]).and_then(Json::as_decimal), "2.5".parse().ok());
        assert_eq!(json.get("t").and_then(Json::as_text), Some("xA"));
        assert_eq!(json.get("n"), Some(&Json::Null));
        assert_eq!(json.at(&["a", "c"]), None);
    }

    #[test]
    fn depth_and_trailing_text_are_refused() {
        let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert!(Json::parse(&deep(MAX_JSON_DEPTH)).is_ok());
        let error = Json::parse(&deep(MAX_JSON_DEPTH + 1)).unwrap_err();
        assert!(error.to_string().contains("nested deeper than 32 levels"), "{error}");
        assert!(Json::parse(&deep(100_000)).is_err());
        assert!(Json::parse("{} {}").is_err());
    }

    #[test]
    fn floats_become_the_shortest_decimal() {
        assert_eq!(decimal(0.1), "0.1".parse().ok());
        assert_eq!(decimal(1e300), None);
        assert_eq!(decimal(f64::NAN), None);
    }
}
