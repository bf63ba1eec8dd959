//! One trait's value from its facts and deals, and when it changes by itself.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use connector::{DealStatus, Timestamp, Value};
use rust_decimal::Decimal;

use crate::enrich::session::{self, Span};
use crate::enrich::spec::{ModelSpec, TouchPart, TraitRule, TraitSpec};
use crate::enrich::touch::{self, LOOK_BACK, Touch, Touched};
use crate::enrich::window::{Due, is_within, local_day};
use crate::model::{Deal, Fact};

const DAY_MICROS: i64 = 86_400_000_000;

/// The facts one trait is made of, each list by time.
#[derive(Clone, Debug, Default)]
pub(super) struct Material<'f> {
    /// Matches of the trait's own rule.
    pub facts: Vec<&'f Fact>,
    /// Steps of sessions, for the traits that need them.
    pub steps: Vec<&'f Fact>,
}

/// A person's sessions up to an instant, cut once for all traits.
#[derive(Clone, Debug, Default)]
pub(super) struct Streams {
    pub spans: Vec<Span>,
    /// The first event of each session.
    pub first: Vec<i64>,
    pub touches: Vec<Touched>,
}

/// What is the same for all traits of one computation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around<'a> {
    pub model: &'a ModelSpec,
    pub streams: &'a Streams,
    pub deals: &'a [Deal],
    pub as_of: Timestamp,
}

/// A trait's value; the flag is set where an amount had no rate and was left out.
pub(super) fn value(spec: &TraitSpec, around: &Around<'_>, material: &Material<'_>, due: &mut Due) -> (Value, bool) {
    let Around { model, streams, deals, as_of } = *around;
    let window = spec.window;
    let counted = || material.facts.iter().copied().filter(move |fact| is_within(fact.at, window, as_of));
    let leaves = |at: Timestamp, due: &mut Due| {
        if let Some(window) = window {
            due.note(at.saturating_add(window));
        }
    };
    let value = match &spec.rule {
        TraitRule::Visits => {
            let visits = streams.spans.iter().filter(|span| span.is_visit());
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
        TraitRule::FirstTouch(part) => {
            touch::first(&streams.touches).map_or(Value::Null, |(touch, _)| part_of(&touch, *part))
        }
        TraitRule::LastTouch(part) => match touch::last(&streams.touches, as_of) {
            Some((touch, which)) => {
                if let Some(touched) = which {
                    due.note(touched.at.saturating_add(LOOK_BACK));
                }
                part_of(&touch, *part)
            }
            None => Value::Null,
        },
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

fn part_of(touch: &Touch, part: TouchPart) -> Value {
    let text = |part: &Option<String>| part.as_deref().map_or(Value::Null, Value::from);
    match part {
        TouchPart::Source => Value::from(touch.source.as_str()),
        TouchPart::Medium => text(&touch.medium),
        TouchPart::Campaign => text(&touch.campaign),
        TouchPart::Channel => Value::from(touch.channel()),
    }
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
