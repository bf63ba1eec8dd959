//! Values of rows, and whether conditions hold of them. There is no third truth value: what is null fails every test but
//! those for null and the negated ones.

use std::cmp::Ordering;

use super::ast::Operator;
use super::plan::{Check, Choice, Leaf, Test, Way};
use super::view::View;
use crate::salesforce::datum::Datum;
use crate::salesforce::records::Seen;

/// The value at the end of a way; null where a reference on it leads nowhere.
pub fn value(view: View<'_>, row: &Seen<'_>, way: &Way) -> Datum {
    let mut at = *row;
    for step in &way.steps {
        match parent(view, &at, step.field) {
            Some(next) => at = next,
            None => return Datum::Null,
        }
    }
    leaf(&at, &way.leaf)
}

/// The record a reference field leads to, if the caller sees it.
pub fn parent<'a>(view: View<'a>, row: &Seen<'_>, field: u16) -> Option<Seen<'a>> {
    view.by_id(row.get(field).as_id()?)
}

pub fn leaf(row: &Seen<'_>, leaf: &Leaf) -> Datum {
    match leaf {
        Leaf::Field(field) => row.get(*field),
        Leaf::TypeName => Datum::text(row.kind.name()),
        Leaf::Either(fields) => match fields.iter().find(|(kind, _)| *kind == row.kind) {
            Some((_, field)) => row.get(*field),
            // A group has no first name, and no e-mail either.
            None => Datum::Null,
        },
    }
}

/// Whether `test` holds of a row.
pub fn holds(view: View<'_>, row: &Seen<'_>, test: &Test) -> bool {
    satisfied(test, &|way: &Way| (value(view, row, way), way.case_sensitive))
}

/// Whether `test` holds where `read` gives the values, each with whether its case counts.
pub fn satisfied<W>(test: &Test<W>, read: &dyn Fn(&W) -> (Datum, bool)) -> bool {
    match test {
        Test::All(parts) => parts.iter().all(|part| satisfied(part, read)),
        Test::Any(parts) => parts.iter().any(|part| satisfied(part, read)),
        Test::Not(inner) => !satisfied(inner, read),
        Test::One(way, check) => {
            let (datum, case_sensitive) = read(way);
            passes(&datum, case_sensitive, check)
        }
    }
}

fn passes(datum: &Datum, case_sensitive: bool, check: &Check) -> bool {
    match check {
        Check::IsNull => datum.is_null(),
        Check::IsNotNull => !datum.is_null(),
        Check::Compare(operator, wanted) => compare(*operator, order(datum, case_sensitive, wanted)),
        Check::Span(operator, from, to) => match datum {
            Datum::Date(day) => compare(*operator, Some(place(day, from, to))),
            _ => compare(*operator, None),
        },
        Check::Stretch(operator, from, to) => match datum {
            Datum::Instant(at) => compare(*operator, Some(place(at, from, to))),
            _ => compare(*operator, None),
        },
        Check::Like(pattern) => match datum {
            Datum::Text(text) if case_sensitive => pattern.fits(text),
            Datum::Text(text) => pattern.fits(&text.to_lowercase()),
            _ => false,
        },
        Check::OneOf(choice) => choice.has(datum, case_sensitive) != choice.negated,
        Check::Includes { negated, sets } => {
            let held = datum.as_str().unwrap_or("").to_lowercase();
            let held: Vec<&str> = held.split(';').map(str::trim).collect();
            sets.iter().any(|set| set.iter().all(|value| held.contains(&value.as_str()))) != *negated
        }
    }
}

impl Choice {
    fn has(&self, datum: &Datum, case_sensitive: bool) -> bool {
        if datum.is_null() {
            return self.null;
        }
        let listed = || match datum {
            // Numbers are equal by value, not by spelling.
            Datum::Number(_) | Datum::Int(_) => self.values.iter().any(|each| each.order(datum) == Ordering::Equal),
            _ => datum.key(case_sensitive).is_some_and(|key| self.keys.contains(&key)),
        };
        listed() || self.others.iter().any(|check| passes(datum, case_sensitive, check))
    }
}

/// How a value stands to a wanted one of the same kind; `None` for null.
fn order(datum: &Datum, case_sensitive: bool, wanted: &Datum) -> Option<Ordering> {
    match (datum, wanted) {
        (Datum::Null, _) => None,
        (Datum::Text(text), Datum::Text(wanted)) if case_sensitive => Some(text.as_ref().cmp(wanted.as_ref())),
        (Datum::Text(text), Datum::Text(wanted)) => Some(text.to_lowercase().as_str().cmp(wanted.as_ref())),
        _ => Some(datum.order(wanted)),
    }
}

/// Before, in or after a span.
fn place<T: PartialOrd>(at: &T, from: &T, to: &T) -> Ordering {
    if at < from {
        Ordering::Less
    } else if at < to {
        Ordering::Equal
    } else {
        Ordering::Greater
    }
}

fn compare(operator: Operator, order: Option<Ordering>) -> bool {
    match operator {
        Operator::NotEqual => order != Some(Ordering::Equal),
        Operator::Equal => order == Some(Ordering::Equal),
        Operator::Less => order == Some(Ordering::Less),
        Operator::LessEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Operator::Greater => order == Some(Ordering::Greater),
        Operator::GreaterEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        Operator::Like | Operator::In | Operator::NotIn | Operator::Includes | Operator::Excludes => false,
    }
}

/// The order of two values of one field in a sorted answer, both there.
pub fn sorted(a: &Datum, b: &Datum) -> Ordering {
    match (a, b) {
        (Datum::Text(a), Datum::Text(b)) => a.to_lowercase().cmp(&b.to_lowercase()),
        _ => a.order(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_multi_select_includes_a_set_as_a_whole_and_excludes_what_it_does_not_include() {
        let sets = vec![vec!["a".to_owned(), "b".to_owned()], vec!["c".to_owned()]];
        let passing = |negated: bool| {
            let check = Check::Includes { negated, sets: sets.clone() };
            let held = ["A", "A;B", "b;A;D", "C", ""].map(Datum::text);
            held.map(|datum| passes(&datum, false, &check))
        };
        assert_eq!(passing(false), [false, true, true, true, false]);
        assert_eq!(passing(true), [true, false, false, false, true]);
    }

    #[test]
    fn case_counts_where_the_field_says_so() {
        let check = |text: &str| Check::Compare(Operator::Equal, Datum::text(text));
        assert!(passes(&Datum::text("aB"), true, &check("aB")));
        assert!(!passes(&Datum::text("aB"), true, &check("ab")));
        assert!(passes(&Datum::text("aB"), false, &check("ab")));
    }

    #[test]
    fn numbers_are_chosen_by_value_and_not_by_spelling() {
        let number = |text: &str| Datum::Number(text.parse().expect("a number"));
        let choice = |negated| Check::OneOf(Choice { negated, values: vec![number("5.0")], ..Choice::default() });
        assert!(passes(&Datum::Int(5), false, &choice(false)));
        assert!(passes(&number("5.00"), false, &choice(false)));
        assert!(!passes(&number("5.1"), false, &choice(false)));
        assert!(passes(&Datum::Null, false, &choice(true)));
    }
}
