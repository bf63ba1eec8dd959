//! The closed lists of names an expression may use, each with its kind.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::FieldKind;

use crate::expr::nearest;

/// What a name or an operand holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Text,
    Integer,
    /// A decimal; money among others.
    Number,
    Bool,
    Date,
    Instant,
    /// A list of texts.
    List,
    /// A length of time, e.g. `duration("36h")`.
    Span,
    /// Open JSON, known only when evaluated: `properties.…`, `context.…`.
    Any,
    /// The literal `null`.
    Null,
}

impl Kind {
    /// The word shown to people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer | Self::Number => "number",
            Self::Bool => "yes/no",
            Self::Date => "date",
            Self::Instant => "date and time",
            Self::List => "list",
            Self::Span => "duration",
            Self::Any => "value",
            Self::Null => "null",
        }
    }

    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Number)
    }

    /// Whether values of both kinds can be compared with each other.
    pub(super) fn compares_with(self, other: Self) -> bool {
        let time = |kind| matches!(kind, Self::Date | Self::Instant);
        self == other
            || self == Self::Any
            || other == Self::Any
            || (self.is_number() && other.is_number())
            || (time(self) && time(other))
    }
}

impl From<&FieldKind> for Kind {
    fn from(kind: &FieldKind) -> Self {
        match kind {
            FieldKind::Integer => Self::Integer,
            FieldKind::Decimal { .. } => Self::Number,
            FieldKind::Bool => Self::Bool,
            FieldKind::Date => Self::Date,
            FieldKind::Instant => Self::Instant,
            FieldKind::MultiChoice { .. } => Self::List,
            FieldKind::Text | FieldKind::Choice { .. } | FieldKind::Reference | FieldKind::Other(_) => Self::Text,
        }
    }
}

/// The names known at one place of the configuration. Names may contain dots (`company.employees`).
#[derive(Clone, Debug)]
pub struct Scope {
    names: BTreeMap<Arc<str>, Kind>,
    /// Whether all that is known of a person is seen, their events among it.
    of_people: bool,
}

/// What the names of segments begin with: `segments.customers` is yes or no.
pub(super) const SEGMENTS: &str = "segments.";

/// Names of [`Scope::event`]. `properties`, `context` and `traits` are open: what is inside is JSON.
const EVENT_NAMES: &[(&str, Kind)] = &[
    ("anonymous_id", Kind::Text),
    ("category", Kind::Text),
    ("channel", Kind::Text),
    ("context", Kind::Any),
    ("event", Kind::Text),
    ("name", Kind::Text),
    ("path", Kind::Text),
    ("properties", Kind::Any),
    ("referrer", Kind::Text),
    ("search", Kind::Text),
    ("source", Kind::Text),
    ("timestamp", Kind::Instant),
    ("title", Kind::Text),
    ("traits", Kind::Any),
    ("type", Kind::Text),
    ("url", Kind::Text),
    ("user_id", Kind::Text),
];

impl Scope {
    /// What a `where` of a trait or a score rule sees: one event.
    pub fn event() -> Self {
        let names = EVENT_NAMES.iter().map(|(name, kind)| (Arc::from(*name), *kind)).collect();
        Self { names, of_people: false }
    }

    /// What a `when` or a `formula` sees: the traits of one profile, declared and computed, by name and kind. Its segments are
    /// the names `segments.NAME`; `in_segment` knows no others.
    pub fn profile<N: Into<Arc<str>>>(traits: impl IntoIterator<Item = (N, Kind)>) -> Self {
        Self { names: traits.into_iter().map(|(name, kind)| (name.into(), kind)).collect(), of_people: true }
    }

    pub(super) fn is_of_people(&self) -> bool {
        self.of_people
    }

    pub fn kind(&self, name: &str) -> Option<Kind> {
        self.names.get(name).copied()
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(|name| &**name)
    }

    pub(super) fn nearest(&self, word: &str) -> Option<&str> {
        nearest(word, self.names())
    }
}
