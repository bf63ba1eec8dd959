//! A person's orders (`cdp-semantics` §3.2), put together from what happened to each: the latest word on an order counts, a
//! refund takes the order's own rate, and no order counts below nothing.

use std::collections::BTreeMap;

use connector::Timestamp;
use rust_decimal::Decimal;

use crate::enrich::commerce::{OrderFact, OrderStep, order_of};
use crate::enrich::spec::ModelSpec;
use crate::enrich::window::local_day;
use crate::model::Fact;

/// One completed order that was not cancelled.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Order<'f> {
    /// Empty where it has none.
    pub id: &'f str,
    /// When it was first completed.
    pub at: Timestamp,
    pub event: i64,
    /// In the base currency, less refunds; `None` where there is no rate.
    pub revenue: Option<Decimal>,
    /// Name and category of each item.
    pub items: Vec<(&'f str, &'f str)>,
}

/// What became of one order so far.
#[derive(Default)]
struct Running<'f> {
    completed: Option<(Timestamp, i64)>,
    cancelled: bool,
    amount: Option<Amount<'f>>,
    refunds: Vec<(Option<Decimal>, &'f str)>,
    items: Vec<(&'f str, &'f str)>,
}

/// An amount as one event tells it.
#[derive(Clone, Copy)]
struct Amount<'f> {
    value: Decimal,
    currency: &'f str,
    at: Timestamp,
}

/// The orders that count, by time. `facts` are those of orders up to the instant, by time and step.
pub(super) fn orders<'f>(facts: &[&'f Fact], model: &ModelSpec) -> Vec<Order<'f>> {
    // An order without an id is one of its own, and nothing else can be said of it.
    let mut running: BTreeMap<(&str, i64), Running<'f>> = BTreeMap::new();
    for fact in facts {
        let Some(told) = order_of(fact) else { continue };
        let key = if told.id.is_empty() { ("", fact.number) } else { (told.id, 0) };
        running.entry(key).or_default().take(fact, told);
    }
    let counted = running.into_iter().filter_map(|((id, _), running)| {
        let (at, event) = running.completed.filter(|_| !running.cancelled)?;
        Some(Order { id, at, event, revenue: running.revenue(model), items: running.items })
    });
    let mut orders: Vec<Order<'f>> = counted.collect();
    orders.sort_by(|a, b| (a.at, a.id, a.event).cmp(&(b.at, b.id, b.event)));
    orders
}

impl<'f> Running<'f> {
    fn take(&mut self, fact: &'f Fact, told: OrderFact<'f>) {
        match told.step {
            OrderStep::Completed => {
                self.completed.get_or_insert((fact.at, fact.event));
                self.cancelled = false;
                self.replace(fact, told);
            }
            OrderStep::Updated => self.replace(fact, told),
            OrderStep::Refunded => self.refunds.push((told.amount, told.currency)),
            OrderStep::Cancelled => self.cancelled = true,
        }
    }

    /// An update that says nothing of amounts or items leaves them as they are.
    fn replace(&mut self, fact: &'f Fact, told: OrderFact<'f>) {
        if let Some(value) = told.amount {
            // Who names no currency now means the one named before.
            let before = self.amount.map(|amount| amount.currency).unwrap_or_default();
            let currency = if told.currency.is_empty() { before } else { told.currency };
            self.amount = Some(Amount { value, currency, at: fact.at });
        }
        if !told.items.is_empty() {
            self.items = told.items;
        }
    }

    /// `None` where an amount has no rate.
    fn revenue(&self, model: &ModelSpec) -> Option<Decimal> {
        let Some(amount) = self.amount else { return Some(Decimal::ZERO) };
        let base = to_base(model, amount.value, amount.currency, amount.at)?;
        let mut left = base;
        let mut refunded = Decimal::ZERO;
        for (refund, currency) in &self.refunds {
            let Some(refund) = refund else { return Some(Decimal::ZERO) };
            let own = currency.is_empty() || currency.eq_ignore_ascii_case(amount.currency);
            let currency = if own { amount.currency } else { currency };
            left = left.checked_sub(to_base(model, *refund, currency, amount.at)?)?;
            if own {
                refunded = refunded.checked_add(*refund)?;
            }
        }
        // Parts that add up to the whole leave nothing, however each was rounded.
        let all = refunded >= amount.value && !self.refunds.is_empty();
        Some(if all { Decimal::ZERO } else { left.max(Decimal::ZERO) })
    }
}

/// An amount of an event in the base currency, at the rate of the event's local date. Without a currency it is in the base
/// currency. `None`: there is no rate.
pub(super) fn to_base(model: &ModelSpec, amount: Decimal, currency: &str, at: Timestamp) -> Option<Decimal> {
    let base = &*model.base_currency;
    let currency = if currency.is_empty() { base } else { currency };
    model.rates.to_base(amount, currency, base, Some(local_day(at, model.time_zone)))
}
