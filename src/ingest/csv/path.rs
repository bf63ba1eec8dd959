//! Where in a message a column goes: `context.traits.email`.

use std::fmt;
use std::sync::Arc;

use crate::expr::nearest;

/// Keys of a message that hold one value.
const VALUES: [&str; 12] = [
    "type",
    "event",
    "userId",
    "anonymousId",
    "previousId",
    "groupId",
    "messageId",
    "timestamp",
    "originalTimestamp",
    "sentAt",
    "name",
    "channel",
];
/// Keys of a message that hold objects.
const OBJECTS: [&str; 3] = ["properties", "traits", "context"];
/// Objects that the format knows below those.
const INNER: [&str; 4] = ["context.traits", "context.campaign", "context.page", "context.device"];
/// Those that are instants: local times among them are read in the source's time zone.
const INSTANTS: [&str; 3] = ["timestamp", "originalTimestamp", "sentAt"];

/// Deeper paths are refused.
const MAX_PARTS: usize = 6;
/// Longest part in bytes.
const MAX_PART: usize = 120;

/// A place in a message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessagePath(Vec<Arc<str>>);

/// Why a text is no [`MessagePath`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathError {
    /// Begins with no key of a message; perhaps this one is meant.
    Unknown(Option<&'static str>),
    /// An object, where one value is needed.
    Object,
    /// A value, and the path goes on below it.
    Value,
    /// An empty or overlong part, or too many of them.
    Shape,
}

impl MessagePath {
    /// What a path may begin with, for help texts.
    pub fn roots() -> impl Iterator<Item = &'static str> {
        VALUES.into_iter().chain(OBJECTS)
    }

    pub fn parse(text: &str) -> Result<Self, PathError> {
        let parts: Vec<Arc<str>> = text.split('.').map(Arc::from).collect();
        let first = parts.first().map_or("", |part| &**part);
        if VALUES.contains(&first) {
            return if parts.len() == 1 { Ok(Self(parts)) } else { Err(PathError::Value) };
        }
        if !OBJECTS.contains(&first) {
            return Err(PathError::Unknown(nearest(first, Self::roots())));
        }
        if Self::is_object(text) {
            return Err(PathError::Object);
        }
        let fits = |part: &Arc<str>| !part.is_empty() && part.len() <= MAX_PART && !part.contains(char::is_control);
        if parts.len() > MAX_PARTS || !parts.iter().all(fits) {
            return Err(PathError::Shape);
        }
        Ok(Self(parts))
    }

    /// Whether the format has an object at this path: what is written below it is a path, not a value.
    pub fn is_object(text: &str) -> bool {
        OBJECTS.contains(&text) || INNER.contains(&text)
    }

    pub fn parts(&self) -> &[Arc<str>] {
        &self.0
    }

    pub fn is_instant(&self) -> bool {
        matches!(self.0.as_slice(), [only] if INSTANTS.contains(&&**only))
    }

    pub fn is(&self, key: &str) -> bool {
        matches!(self.0.as_slice(), [only] if &**only == key)
    }

    /// Whether both cannot be in one message: the same place, or one inside the other.
    pub fn collides(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0) || other.0.starts_with(&self.0)
    }
}

impl fmt::Display for MessagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_of_the_format_or_refused() {
        for text in ["timestamp", "context.traits.email", "properties.order.id", "traits.Größe"] {
            assert_eq!(MessagePath::parse(text).unwrap().to_string(), text);
        }
        let cases = [
            ("mesageId", PathError::Unknown(Some("messageId"))),
            ("email", PathError::Unknown(None)),
            ("", PathError::Unknown(None)),
            ("properties", PathError::Object),
            ("context.traits", PathError::Object),
            ("timestamp.x", PathError::Value),
            ("properties.", PathError::Shape),
            ("properties.a.b.c.d.e.f", PathError::Shape),
        ];
        for (text, want) in cases {
            assert_eq!(MessagePath::parse(text), Err(want), "{text}");
        }
    }

    #[test]
    fn one_inside_the_other_collides() {
        let path = |text| MessagePath::parse(text).unwrap();
        assert!(path("properties.a").collides(&path("properties.a.b")));
        assert!(path("properties.a.b").collides(&path("properties.a.b")));
        assert!(!path("properties.a").collides(&path("properties.ab")));
    }
}
