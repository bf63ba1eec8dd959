//! Conditions on a person, made ready: with the facts that their `count` and `sum` read, and when they change by time alone.

use connector::{Timestamp, Value};
use rust_decimal::Decimal;

use crate::enrich::sorted::Sorted;
use crate::enrich::traits::whole_days;
use crate::enrich::values::Values;
use crate::enrich::window::{Due, is_within, next_midnight};
use crate::expr::{EventPredicate, Expr, Input, Val};
use crate::model::RuleId;

/// A condition whose rules of events are known.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    expr: Expr,
    /// By the place of the predicate.
    asked: Vec<RuleId>,
    /// Whether it counts days, and so changes with the calendar.
    counts_days: bool,
}

impl Condition {
    /// `rule` says whose facts a predicate reads.
    pub(super) fn new(expr: &Expr, rule: &mut dyn FnMut(&EventPredicate) -> RuleId) -> Self {
        let asked = expr.predicates().iter().map(rule).collect();
        Self { counts_days: expr.text().contains("days_since"), expr: expr.clone(), asked }
    }

    /// Rules of events that it reads.
    pub(super) fn rules(&self) -> &[RuleId] {
        &self.asked
    }

    pub(super) fn expr(&self) -> &Expr {
        &self.expr
    }

    pub(super) fn holds(&self, values: Values<'_>, sorted: &Sorted<'_>, due: &mut Due) -> bool {
        self.expr.holds(&self.asking(values, sorted, due))
    }

    /// What a formula gives.
    pub(super) fn value(&self, values: Values<'_>, sorted: &Sorted<'_>, due: &mut Due) -> Value {
        self.expr.value(&self.asking(values, sorted, due))
    }

    fn asking<'v>(&self, values: Values<'v>, sorted: &Sorted<'_>, due: &mut Due) -> Asking<'v> {
        let as_of = values.person.as_of;
        if self.counts_days {
            due.note(next_midnight(as_of, values.zone));
            // Days since an instant are full 24 hours after it.
            for name in self.expr.names() {
                match values.value(name) {
                    Val::Instant(at) => drop(whole_days(at, as_of, due)),
                    Val::Date(date) => {
                        let midnight = date.and_time(chrono::NaiveTime::MIN).and_utc();
                        drop(whole_days(Timestamp::from(midnight), as_of, due));
                    }
                    _ => {}
                }
            }
        }
        let asked = self.expr.predicates().iter().zip(&self.asked);
        let amounts = asked.map(|(predicate, rule)| amount(predicate, *rule, sorted, as_of, due)).collect();
        Asking { values, amounts }
    }
}

/// What the events of one predicate amount to.
fn amount(predicate: &EventPredicate, rule: RuleId, sorted: &Sorted<'_>, as_of: Timestamp, due: &mut Due) -> Value {
    let within = sorted.of(rule).iter().filter(|fact| is_within(fact.at, predicate.window, as_of));
    if let (Some(window), Some(first)) = (predicate.window, within.clone().next()) {
        due.note(first.at.saturating_add(window));
    }
    match &predicate.property {
        None => Value::from(i64::try_from(within.count()).unwrap_or(i64::MAX)),
        Some(_) => {
            let mut numbers = within.filter_map(|fact| fact.text.as_deref()?.parse::<Decimal>().ok());
            // Beyond 28 digits there is no sum to be trusted.
            numbers.try_fold(Decimal::ZERO, Decimal::checked_add).map_or(Value::Null, Value::Number)
        }
    }
}

/// A person, asked by one condition.
struct Asking<'a> {
    values: Values<'a>,
    amounts: Vec<Value>,
}

impl Input for Asking<'_> {
    fn value<'s>(&'s self, name: &str) -> Val<'s> {
        self.values.value(name)
    }

    fn events(&self, place: usize) -> Val<'_> {
        self.amounts.get(place).map_or(Val::Null, Val::from)
    }

    fn as_of(&self) -> Timestamp {
        self.values.as_of()
    }
}
