//! JSON read straight from an answer's bytes into what a connector keeps, with no tree in between: a reader says what to do
//! with the members of an object or the elements of a list, and the frame around it stands here.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Reads one object.
pub trait ReadObject<'de>: Sized {
    type Value;
    /// What stands there, for an error: `a record`.
    const EXPECTED: &'static str;

    /// # Errors
    /// Where the members are not as documented.
    fn members<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error>;
}

/// Reads one list.
pub trait ReadList<'de>: Sized {
    type Value;
    /// What stands there, for an error: `a list of records`.
    const EXPECTED: &'static str;

    /// # Errors
    /// Where the elements are not as documented.
    fn elements<A: SeqAccess<'de>>(self, elements: A) -> Result<Self::Value, A::Error>;
}

/// An object, to be read by `R`.
pub struct Object<R>(pub R);

/// A list, to be read by `R`.
pub struct List<R>(pub R);

/// What `S` reads, or null.
pub struct Nullable<S>(pub S);

impl<'de, R: ReadObject<'de>> DeserializeSeed<'de> for Object<R> {
    type Value = R::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<R::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, R: ReadObject<'de>> Visitor<'de> for Object<R> {
    type Value = R::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(R::EXPECTED)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<R::Value, A::Error> {
        self.0.members(members)
    }
}

impl<'de, R: ReadList<'de>> DeserializeSeed<'de> for List<R> {
    type Value = R::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<R::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, R: ReadList<'de>> Visitor<'de> for List<R> {
    type Value = R::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(R::EXPECTED)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<R::Value, A::Error> {
        self.0.elements(elements)
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Nullable<S> {
    type Value = Option<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Nullable<S> {
    type Value = Option<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or null")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(deserializer).map(Some)
    }
}

/// Reads a whole document; anything behind it is an error.
///
/// # Errors
/// Where the document is not JSON, or not of the shape that `seed` reads.
pub fn whole<'de, S: DeserializeSeed<'de>>(body: &'de [u8], seed: S) -> serde_json::Result<S::Value> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let read = seed.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(read)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use serde_json::error::Category;

    use super::*;

    struct Longest;

    impl<'de> ReadObject<'de> for Longest {
        type Value = usize;
        const EXPECTED: &'static str = "names and texts";

        fn members<A: MapAccess<'de>>(self, mut members: A) -> Result<usize, A::Error> {
            let mut longest = 0;
            while let Some((_, text)) = members.next_entry::<Cow<'_, str>, Cow<'_, str>>()? {
                longest = longest.max(text.len());
            }
            Ok(longest)
        }
    }

    struct All;

    impl<'de> ReadList<'de> for All {
        type Value = Vec<Option<usize>>;
        const EXPECTED: &'static str = "a list of those";

        fn elements<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some(each) = elements.next_element_seed(Nullable(Object(Longest)))? {
                all.push(each);
            }
            Ok(all)
        }
    }

    #[test]
    fn objects_in_a_list_are_read_by_their_reader_and_nulls_are_none() {
        let read = |text: &str| whole(text.as_bytes(), List(All));
        assert_eq!(read(r#"[{"a":"x","b":"xyz"},null,{}]"#).unwrap(), [Some(3), None, Some(0)]);
        assert_eq!(read("[] []").unwrap_err().classify(), Category::Syntax);
        assert_eq!(read(r#"[{"a":"x"}"#).unwrap_err().classify(), Category::Eof);
        let other = read(r#"["x"]"#).unwrap_err();
        assert_eq!(other.classify(), Category::Data);
        assert!(other.to_string().contains("expected names and texts"), "{other}");
        assert!(read("{}").unwrap_err().to_string().contains("expected a list of those"));
    }
}
