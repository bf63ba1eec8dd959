//! One trait's value from its facts and deals, and when it changes by itself.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use connector::{DealStatus, Timestamp, Value};
use rust_decimal::Decimal;

use crate::enrich::session;
use crate::enrich::spec::{ModelSpec, TraitRule, TraitSpec};
use crate::enrich::window::{Due, is_within, local_day};
use crate::model::{Deal, Fact};

const DAY_MICROS: i64 = 86_400_000_000;

/// The facts one trait is made of, each list by time.
#[derive(Clone, Debug, Default)]
pub(super) struct Material<'f> {
    /// Matches of the trait's own rule; for the first touch, its sources.
    pub facts: Vec<&'f Fact>,
    /// Steps of sessions, for the traits that need them.
    pub steps: Vec<&'f Fact>,
}

/// A trait's value; the flag is set where an amount had no rate and was left out.
pub(super) fn value(
    spec: &TraitSpec,
    model: &ModelSpec,
    material: &Material<'_>,
    deals: &[Deal],
    as_of: Timestamp,
    due: &mut Due,
) -> (Value, bool) {
    let window = spec.window;
    let counted = || material.facts.iter().copied().filter(move |fact| is_within(fact.at, window, as_of));
    let leaves = |at: Timestamp, due: &mut Due| {
        if let Some(window) = window {
            due.note(at.saturating_add(window));
        }
    };
    let value = match &spec.rule {
        TraitRule::Visits => {
            let steps: Vec<&Fact> = material.steps.iter().copied().filter(|fact| fact.at <= as_of).collect();
            let visits = session::cut(&steps).into_iter().filter(session::Session::is_visit);
            let within: Vec<Timestamp> =
                visits.map(|visit| visit.start).filter(|start| is_within(*start, window, as_of)).collect();
            if let Some(first) = within.first() {
                leaves(*first, due);
            }
            count(within.len())
        }
        TraitRule::LastSeen => {
            let active = material.steps.iter().filter(|fact| session::was_active(fact));
            let seen = material.facts.iter().chain(active).map(|fact| fact.at);
            let last = seen.filter(|at| is_within(*at, window, as_of)).max();
            last.inspect(|at| leaves(*at, due)).map_or(Value::Null, Value::Instant)
        }
        TraitRule::FirstTouchSource => {
            // Of touches at one instant the alphabetically first counts, so that arrival order never does.
            let first = counted().min_by(|a, b| a.at.cmp(&b.at).then_with(|| a.text.cmp(&b.text)));
            let direct = material.steps.iter().any(|fact| is_within(fact.at, window, as_of));
            match first.and_then(|fact| fact.text.clone()) {
                Some(source) => Value::Text(source),
                None if direct => Value::from("direct"),
                None => Value::Null,
            }
        }
        TraitRule::Count(_) => {
            if let Some(first) = counted().next() {
                leaves(first.at, due);
            }
            count(counted().count())
        }
        TraitRule::Exists(_) => {
            let last = counted().next_back();
            Value::Bool(last.inspect(|fact| leaves(fact.at, due)).is_some())
        }
        TraitRule::Sum(..) => {
            if let Some(first) = counted().next() {
                leaves(first.at, due);
            }
            let mut numbers = counted().filter_map(|fact| fact.text.as_deref()?.parse::<Decimal>().ok());
            // Beyond 28 digits there is no sum to be trusted.
            let sum = numbers.try_fold(Decimal::ZERO, |sum, number| sum.checked_add(number));
            sum.map_or(Value::Null, |sum| Value::Number(sum.normalize()))
        }
        TraitRule::First(..) | TraitRule::Last(..) => {
            let key = |fact: &&Fact| (fact.at, fact.number);
            let last = matches!(spec.rule, TraitRule::Last(..));
            let chosen = if last { counted().max_by_key(key) } else { counted().min_by_key(key) };
            let chosen = chosen.inspect(|fact| leaves(fact.at, due));
            chosen.and_then(|fact| fact.text.clone()).map_or(Value::Null, Value::Text)
        }
        TraitRule::UniqueCount(..) => {
            if let Some(first) = counted().next() {
                leaves(first.at, due);
            }
            count(counted().filter_map(|fact| fact.text.clone()).collect::<BTreeSet<Arc<str>>>().len())
        }
        TraitRule::DaysSince(_) => match counted().next_back() {
            Some(last) => {
                let days = (as_of.micros() - last.at.micros()).div_euclid(DAY_MICROS);
                let next = u64::try_from(days + 1).unwrap_or(1);
                due.note(last.at.saturating_add(Duration::from_secs(next * 86_400)));
                leaves(last.at, due);
                Value::from(days)
            }
            None => Value::Null,
        },
        TraitRule::WonDeals => count(won(deals).count()),
        TraitRule::WonRevenue => return revenue(model, deals),
        TraitRule::LastWon => {
            won(deals).filter_map(|deal| deal.facts.closed_at).max().map_or(Value::Null, Value::Instant)
        }
    };
    (value, false)
}

/// Deals are as they are now: a reopened one counts no longer, an edited amount counts as edited.
pub(super) fn won(deals: &[Deal]) -> impl Iterator<Item = &Deal> {
    deals.iter().filter(|deal| deal.facts.status == DealStatus::Won)
}

/// A won deal's amount in the base currency at its close date. `Some(None)`: there is no rate. `None`: it has no amount.
/// A deal that names no currency is in the base currency.
pub(super) fn amount_in_base(model: &ModelSpec, deal: &Deal) -> Option<Option<Decimal>> {
    let amount = deal.facts.amount?;
    let base = &*model.base_currency;
    let currency = deal.facts.currency.as_deref().unwrap_or(base);
    let date = deal.facts.closed_at.map(|at| local_day(at, model.time_zone));
    Some(model.rates.to_base(amount, currency, base, date))
}

fn revenue(model: &ModelSpec, deals: &[Deal]) -> (Value, bool) {
    let mut sum = Decimal::ZERO;
    let mut incomplete = false;
    for amount in won(deals).filter_map(|deal| amount_in_base(model, deal)) {
        match amount.and_then(|amount| sum.checked_add(amount)) {
            Some(more) => sum = more,
            None => incomplete = true,
        }
    }
    (Value::Number(sum.normalize()), incomplete)
}

fn count(number: usize) -> Value {
    Value::from(i64::try_from(number).unwrap_or(i64::MAX))
}
