//! Conditions on records, whoever wrote them: a query, a search or a bulk job. Decides; knows no spelling.

use std::cmp::Ordering;

use super::datum::Datum;
use super::ids;
use super::kind::Kind;
use super::org::Org;
use super::records::{Seen, Sight};
use super::schema::FieldId;
use crate::clock::Millis;

#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Test { path: Path, op: Op, values: Vec<Datum> },
}

/// A field, or one of the record or user a lookup points at.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    pub field: FieldId,
    pub then: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Field(Kind, FieldId),
    /// `Owner.email` and the like.
    UserWord(UserWord),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserWord {
    Id,
    Email,
    FirstName,
    LastName,
    FullName,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    NotIn,
    Between,
    NotBetween,
    /// `%` stands for anything.
    Like,
    NotLike,
    Contains,
    NotContains,
    StartsWith,
    EndsWith,
    Null,
    NotNull,
}

impl Filter {
    pub fn matches(&self, org: &Org, seen: &Seen<'_>, sight: Sight) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches(org, seen, sight)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(org, seen, sight)),
            Self::Test { path, op, values } => op.holds(&path.value(org, seen, sight), values),
        }
    }

    /// Tests that every match passes: those not under an `or`.
    pub fn certain(&self) -> Vec<(&Path, Op, &[Datum])> {
        match self {
            Self::All(parts) => parts.iter().flat_map(Self::certain).collect(),
            Self::Any(_) => Vec::new(),
            Self::Test { path, op, values } => vec![(path, *op, values.as_slice())],
        }
    }

    pub fn tests(&self) -> usize {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().map(Self::tests).sum(),
            Self::Test { .. } => 1,
        }
    }
}

impl Path {
    pub fn of(field: FieldId) -> Self {
        Self { field, then: Vec::new() }
    }

    pub fn is_own(&self, field: FieldId) -> bool {
        self.field == field && self.then.is_empty()
    }

    pub fn value(&self, org: &Org, seen: &Seen<'_>, sight: Sight) -> Datum {
        let mut value = seen.get(self.field);
        for step in &self.then {
            let Datum::Ref(id) = value else { return Datum::Null };
            value = match step {
                Step::UserWord(word) => org.user(id).map_or(Datum::Null, |user| match word {
                    UserWord::Id => Datum::Ref(user.id),
                    UserWord::Email => Datum::text(&user.email),
                    UserWord::FirstName => Datum::text(&user.first),
                    UserWord::LastName => Datum::text(&user.last),
                    UserWord::FullName => Datum::text(user.name()),
                }),
                Step::Field(kind, field) => match ids::kind_of(id) {
                    Some(found) if found == *kind => {
                        org.live(*kind, id, sight).map_or(Datum::Null, |seen| seen.get(*field))
                    }
                    _ => Datum::Null,
                },
            };
        }
        value
    }
}

impl UserWord {
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "id" => Self::Id,
            "email" => Self::Email,
            "first_name" => Self::FirstName,
            "last_name" => Self::LastName,
            "full_name" | "name" => Self::FullName,
            _ => return None,
        })
    }
}

impl Op {
    pub fn holds(self, value: &Datum, values: &[Datum]) -> bool {
        let first = values.first().unwrap_or(&Datum::Null);
        let order = || match (value, first) {
            (Datum::Null, _) | (_, Datum::Null) => None,
            (value, given) => Some(value.order(given)),
        };
        match self {
            Self::Null => value.is_null(),
            Self::NotNull => !value.is_null(),
            Self::Equal => same(value, first),
            Self::NotEqual => !same(value, first),
            Self::In => values.iter().any(|each| same(value, each)),
            Self::NotIn => !values.iter().any(|each| same(value, each)),
            Self::Less => order() == Some(Ordering::Less),
            Self::LessEqual => matches!(order(), Some(Ordering::Less | Ordering::Equal)),
            Self::Greater => order() == Some(Ordering::Greater),
            Self::GreaterEqual => matches!(order(), Some(Ordering::Greater | Ordering::Equal)),
            Self::Between => within(value, values),
            Self::NotBetween => !value.is_null() && !within(value, values),
            Self::Like => like(value, first),
            Self::NotLike => !like(value, first),
            Self::Contains => text_pair(value, first, |text, part| text.contains(part)),
            Self::NotContains => !text_pair(value, first, |text, part| text.contains(part)),
            Self::StartsWith => text_pair(value, first, |text, part| text.starts_with(part)),
            Self::EndsWith => text_pair(value, first, |text, part| text.ends_with(part)),
        }
    }
}

fn same(value: &Datum, given: &Datum) -> bool {
    match (value, given) {
        (Datum::List(values), Datum::Text(text)) => values.iter().any(|each| each == text),
        (Datum::Text(a), Datum::Text(b)) => a.to_lowercase() == b.to_lowercase(),
        (Datum::Null, Datum::Null) => true,
        (Datum::Null, _) | (_, Datum::Null) => false,
        (a, b) => {
            a.order(b) == Ordering::Equal && std::mem::discriminant(a) == std::mem::discriminant(b)
                || both_numbers(a, b)
        }
    }
}

fn both_numbers(a: &Datum, b: &Datum) -> bool {
    let number = |datum: &Datum| matches!(datum, Datum::Int(_) | Datum::Number(_));
    number(a) && number(b) && a.order(b) == Ordering::Equal
}

fn within(value: &Datum, bounds: &[Datum]) -> bool {
    let [low, high] = bounds else { return false };
    !value.is_null() && value.order(low) != Ordering::Less && value.order(high) != Ordering::Greater
}

fn text_pair(value: &Datum, given: &Datum, test: fn(&str, &str) -> bool) -> bool {
    match (value, given) {
        (Datum::Null, _) | (_, Datum::Null) => false,
        (value, given) => test(&value.plain(0).to_lowercase(), &given.plain(0).to_lowercase()),
    }
}

/// `%` at either end or in the middle, case aside.
fn like(value: &Datum, pattern: &Datum) -> bool {
    text_pair(value, pattern, |text, pattern| {
        let Some((head, mut rest)) = pattern.split_once('%') else { return text == pattern };
        let Some(mut left) = text.strip_prefix(head) else { return false };
        while let Some((piece, more)) = rest.split_once('%') {
            let Some(at) = left.find(piece) else { return false };
            left = left.get(at + piece.len()..).unwrap_or("");
            rest = more;
        }
        left.ends_with(rest)
    })
}

/// Where to look for matches: records known by a key, or those changed in a window.
pub enum Road {
    Ids(Vec<u64>),
    /// `Modified_Time` from and to, both included.
    Changed(Millis, Millis),
    /// Ids above this one.
    Above(u64),
    Whole,
}

impl Org {
    /// The narrowest road that leads to every match of a filter.
    pub fn road(&self, kind: Kind, filter: &Filter) -> Road {
        let (mut from, mut to, mut above) = (Millis::MIN, Millis::MAX, None);
        for (path, op, values) in filter.certain() {
            let Some(definition) = self.schema(kind).field(path.field).filter(|_| path.then.is_empty()) else {
                continue;
            };
            if path.field == super::catalogue::ID {
                match (op, values) {
                    (Op::Equal | Op::In, values) => {
                        return Road::Ids(values.iter().filter_map(Datum::as_ref_id).collect());
                    }
                    (Op::Greater | Op::GreaterEqual, [Datum::Ref(id)]) => above = Some(id.saturating_sub(1)),
                    _ => {}
                }
            } else if path.field == super::catalogue::MODIFIED_TIME {
                match (op, values) {
                    (Op::Equal, [Datum::Instant(at)]) => (from, to) = (from.max(*at), to.min(*at)),
                    (Op::Greater | Op::GreaterEqual, [Datum::Instant(at)]) => from = from.max(*at),
                    (Op::Less | Op::LessEqual, [Datum::Instant(at)]) => to = to.min(*at),
                    (Op::Between, [Datum::Instant(low), Datum::Instant(high)]) => {
                        (from, to) = (from.max(*low), to.min(*high))
                    }
                    _ => {}
                }
            } else if definition.is_indexed() && matches!(op, Op::Equal | Op::In) {
                let keys = values.iter().filter_map(Datum::key);
                let mut found: Vec<u64> = keys.flat_map(|key| self.candidates(kind, path.field, &key)).collect();
                found.sort_unstable();
                found.dedup();
                return Road::Ids(found);
            }
        }
        if from > Millis::MIN || to < Millis::MAX {
            return Road::Changed(from, to);
        }
        above.map_or(Road::Whole, Road::Above)
    }

    /// Live matches of a filter in order of id.
    pub fn matches<'a>(
        &'a self,
        kind: Kind,
        filter: &'a Filter,
        sight: Sight,
    ) -> Box<dyn Iterator<Item = Seen<'a>> + 'a> {
        let ids: Box<dyn Iterator<Item = u64> + 'a> = match self.road(kind, filter) {
            Road::Ids(mut ids) => {
                ids.sort_unstable();
                ids.dedup();
                ids.retain(|id| ids::kind_of(*id) == Some(kind));
                Box::new(ids.into_iter())
            }
            Road::Changed(from, to) => {
                let mut ids = self.changed_between(kind, from, to);
                ids.sort_unstable();
                ids.dedup();
                Box::new(ids.into_iter())
            }
            Road::Above(id) => Box::new(self.ids_above(kind, id)),
            Road::Whole => Box::new(self.table(kind).all_ids(&self.people)),
        };
        let live = ids.filter_map(move |id| self.live(kind, id, sight));
        Box::new(live.filter(move |seen| filter.matches(self, seen, sight)))
    }

    fn ids_above(&self, kind: Kind, id: u64) -> impl Iterator<Item = u64> + '_ {
        let table = self.table(kind);
        let generated = table.generated(&self.people);
        let start = id.saturating_add(1).max(generated.start);
        (start..generated.end.max(start)).chain(table.made(&self.people).filter(move |each| *each > id))
    }

    fn changed_between(&self, kind: Kind, from: Millis, to: Millis) -> Vec<u64> {
        let table = self.table(kind);
        let first = table.generated(&self.people).start;
        let window = self.people.window(kind, from, to).map(|index| first + index).filter(|id| !table.is_held(*id));
        window.chain(table.held_stamps(from, to).map(|(_, id)| id)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_any_number_of_holes() {
        let like = |text: &str, pattern: &str| Op::Like.holds(&Datum::text(text), &[Datum::text(pattern)]);
        assert!(like("Ana Ruiz", "ana%") && like("Ana Ruiz", "%ui%") && like("Ana Ruiz", "a%r%z"));
        assert!(!like("Ana Ruiz", "ruiz%") && !like("Ana Ruiz", "Ana") && like("Ana", "ANA"));
        assert!(!Op::Like.holds(&Datum::Null, &[Datum::text("%")]));
    }

    #[test]
    fn nothing_is_neither_more_nor_less() {
        let five = [Datum::Int(5)];
        assert!(!Op::Less.holds(&Datum::Null, &five) && !Op::Greater.holds(&Datum::Null, &five));
        assert!(Op::NotEqual.holds(&Datum::Null, &five) && Op::Null.holds(&Datum::Null, &[]));
        assert!(Op::Equal.holds(&Datum::Number(5.into()), &five));
        assert!(Op::Between.holds(&Datum::Int(5), &[Datum::Int(1), Datum::Int(5)]));
    }
}
