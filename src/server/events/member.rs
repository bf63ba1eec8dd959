//! Members of a JSON object as they stand in its text: found without reading what is in them, and put there without writing the
//! rest anew.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The values of these members; of a repeated one the last counts.
///
/// # Errors
/// The text is no JSON object.
pub(super) fn find<'a, const N: usize>(
    object: &'a str,
    names: [&str; N],
) -> Result<[Option<&'a RawValue>; N], serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(object);
    let found = Find(names).deserialize(&mut reader)?;
    reader.end()?;
    Ok(found)
}

/// The object with a member that has this value: in the place of the one it has, else behind all others. What is no object stays
/// as it is.
pub(super) fn with<'a>(object: &'a str, name: &str, value: &str) -> Cow<'a, str> {
    match find(object, [name]) {
        Ok([Some(own)]) if own.get() == value => object.into(),
        Ok([Some(own)]) => {
            place(object, own.get()).map_or(Cow::Borrowed(object), |at| replaced(object, at, value).into())
        }
        Ok([None]) => appended(object, name, value),
        Err(_) => object.into(),
    }
}

/// The text with something else in a place of it.
pub(super) fn replaced(text: &str, at: Range<usize>, by: &str) -> String {
    let (before, after) = (text.get(..at.start).unwrap_or_default(), text.get(at.end..).unwrap_or_default());
    [before, by, after].concat()
}

/// Where a part that borrows from a text stands in it.
pub(super) fn place(text: &str, part: &str) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let range = start..start + part.len();
    (text.get(range.clone()) == Some(part)).then_some(range)
}

/// An object's text with one more member behind its own.
pub(super) fn appended<'a>(object: &'a str, name: &str, value: &str) -> Cow<'a, str> {
    let Some(own) = object.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        return object.into();
    };
    let comma = if own.trim().is_empty() { "" } else { "," };
    ["{", own, comma, "\"", name, "\":", value, "}"].concat().into()
}

struct Find<'n, const N: usize>([&'n str; N]);

impl<'de, const N: usize> DeserializeSeed<'de> for Find<'_, N> {
    type Value = [Option<&'de RawValue>; N];

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for Find<'_, N> {
    type Value = [Option<&'de RawValue>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = [None; N];
        while let Some(Name(name)) = map.next_key::<Name<'de>>()? {
            let value: &'de RawValue = map.next_value()?;
            if let Some(place) = self.0.iter().position(|wanted| *wanted == name)
                && let Some(kept) = found.get_mut(place)
            {
                *kept = Some(value);
            }
        }
        Ok(found)
    }
}

/// Borrowed where it has no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_member_is_put_where_its_like_stands() {
        let cases = [
            (r#"{"a":1}"#, r#"{"a":1,"b":2}"#),
            (r#"{ "b" : {"c":[1]} , "a":1 }"#, r#"{ "b" : 2 , "a":1 }"#),
            (r#"{"b":1,"b":"x"}"#, r#"{"b":1,"b":2}"#),
            (r#"{"\u0062":1}"#, r#"{"\u0062":2}"#),
            (r#" { } "#, r#"{ "b":2}"#),
            (r#"{"b":2}"#, r#"{"b":2}"#),
            ("[1]", "[1]"),
            ("no json", "no json"),
            (r#"{"b":1"#, r#"{"b":1"#),
            (r#"{"b":1}{}"#, r#"{"b":1}{}"#),
        ];
        for (object, want) in cases {
            assert_eq!(with(object, "b", "2"), want, "{object}");
        }
        assert!(
            matches!(with(r#"{"b":2}"#, "b", "2"), Cow::Borrowed(_)),
            "nothing is written where it says so already"
        );
    }

    proptest! {
        #[test]
        fn only_the_named_member_is_another(
            members in proptest::collection::btree_map("[a-c]{1,2}", "[ -~ü]{0,8}", 0..5),
            name in "[a-c]{1,2}",
        ) {
            let object = serde_json::to_string(&members).unwrap();
            let got: serde_json::Value = serde_json::from_str(&with(&object, &name, "[7]")).unwrap();
            let mut want: serde_json::Value = serde_json::from_str(&object).unwrap();
            want[&name] = serde_json::json!([7]);
            prop_assert_eq!(got, want);
        }
    }
}
