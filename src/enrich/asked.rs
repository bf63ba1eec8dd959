//! What `count` and `sum` of an expression amount to for one person.

use connector::{Timestamp, Value};
use rust_decimal::Decimal;

use crate::enrich::sorted::Sorted;
use crate::enrich::traits::count;
use crate::enrich::window::{Due, is_within};
use crate::expr::{EventPredicate, Expr, Input, Val};
use crate::model::{Fact, RuleId};

/// An input that answers an expression's questions about events, too.
pub(super) struct Asked<'a, 'f> {
    /// Names are asked here.
    pub names: &'a dyn Input,
    pub predicates: &'a [EventPredicate],
    /// Of each predicate the rule whose facts it reads.
    pub rules: &'a [RuleId],
    pub sorted: &'a Sorted<'f>,
}

impl<'a, 'f> Asked<'a, 'f> {
    /// The input of one expression, with what makes its answers change by time alone noted.
    pub(super) fn of(
        expr: &'a Expr,
        rules: &'a [RuleId],
        names: &'a dyn Input,
        sorted: &'a Sorted<'f>,
        due: &mut Due,
    ) -> Self {
        let asked = Self { names, predicates: expr.predicates(), rules, sorted };
        for (place, predicate) in asked.predicates.iter().enumerate() {
            if let (Some(window), Some(first)) = (predicate.window, asked.facts(place).first()) {
                due.note(first.at.saturating_add(window));
            }
        }
        asked
    }

    /// What is within the window, by time.
    fn facts(&self, place: usize) -> &'a [&'f Fact] {
        let (Some(predicate), Some(rule)) = (self.predicates.get(place), self.rules.get(place)) else { return &[] };
        let (facts, as_of): (&[&Fact], Timestamp) = (self.sorted.of(*rule), self.names.as_of());
        let facts = facts.get(..facts.partition_point(|fact| fact.at <= as_of)).unwrap_or_default();
        let from = facts.partition_point(|fact| !is_within(fact.at, predicate.window, as_of));
        facts.get(from..).unwrap_or_default()
    }
}

impl Input for Asked<'_, '_> {
    fn value<'s>(&'s self, name: &str) -> Val<'s> {
        self.names.value(name)
    }

    fn events(&self, place: usize) -> Val<'_> {
        let facts = self.facts(place);
        if self.predicates.get(place).is_none_or(|predicate| predicate.property.is_none()) {
            return match count(facts.len()) {
                Value::Number(number) => Val::Dec(number),
                _ => Val::Null,
            };
        }
        let mut numbers = facts.iter().filter_map(|fact| fact.text.as_deref()?.parse::<Decimal>().ok());
        let sum = numbers.try_fold(Decimal::ZERO, |sum, number| sum.checked_add(number));
        sum.map_or(Val::Null, Val::Dec)
    }

    fn as_of(&self) -> Timestamp {
        self.names.as_of()
    }
}
