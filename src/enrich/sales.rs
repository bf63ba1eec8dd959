//! What orders, carts and deals amount to (`cdp-semantics` §3.2). Decimal throughout, each item rounded half-even to the minor
//! unit of the base currency before it is added.

use std::collections::BTreeSet;
use std::time::Duration;

use connector::{DealStatus, Timestamp, Value};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::enrich::around::Around;
use crate::enrich::cart::{self, ABANDONED_AFTER, Cart, FORGOTTEN_AFTER};
use crate::enrich::interest::Tally;
use crate::enrich::ledger::Order;
use crate::enrich::rates::minor_digits;
use crate::enrich::spec::ModelSpec;
use crate::enrich::trait_spec::{LtvSource, Sales};
use crate::enrich::traits::{count, whole_days};
use crate::enrich::window::{Due, is_within, local_day};
use crate::model::{Deal, RuleId};

/// A sum of money, and whether something was left out of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub value: Decimal,
    pub incomplete: bool,
}

impl Sum {
    /// `None`: there is no rate. What no decimal holds is left out, too.
    pub(super) fn add(&mut self, item: Option<Decimal>) {
        match item.and_then(|item| self.value.checked_add(item)) {
            Some(value) => self.value = value,
            None => self.incomplete = true,
        }
    }

    pub(super) fn told(self) -> (Value, bool) {
        (Value::Number(self.value.normalize()), self.incomplete)
    }
}

/// A trait's value; the flag is set where an amount had no rate and was left out. `rules` are the trait's own.
pub(super) fn value(
    sales: Sales,
    window: Option<Duration>,
    rules: &[RuleId],
    around: &Around<'_, '_>,
    due: &mut Due,
) -> (Value, bool) {
    let as_of = around.as_of;
    let orders = || around.orders().iter().filter(move |order| is_within(order.at, window, as_of));
    let leaves = |at: Option<Timestamp>, due: &mut Due| {
        if let (Some(at), Some(window)) = (at, window) {
            due.note(at.saturating_add(window));
        }
    };
    let plain = match sales {
        Sales::OrdersCount => {
            leaves(orders().next().map(|order| order.at), due);
            count(orders().count())
        }
        Sales::OrderRevenue => {
            leaves(orders().next().map(|order| order.at), due);
            return revenue(orders()).told();
        }
        Sales::Aov => {
            leaves(orders().next().map(|order| order.at), due);
            let sum = revenue(orders());
            let value = match orders().count() {
                0 => Value::Null,
                number => money(around.model, sum.value.checked_div(Decimal::from(number))),
            };
            return (value, sum.incomplete);
        }
        Sales::Ltv(source) => {
            leaves(orders().next().map(|order| order.at), due);
            return ltv(source, &orders().collect::<Vec<_>>(), around).told();
        }
        Sales::OpenPipeline => return pipeline(around.model, around.deals).told(),
        Sales::LastOrder => {
            let last = orders().map(|order| order.at).next_back();
            leaves(last, due);
            last.map_or(Value::Null, Value::Instant)
        }
        Sales::DaysSinceLastOrder => {
            let last = orders().map(|order| order.at).next_back();
            leaves(last, due);
            last.map_or(Value::Null, |last| whole_days(last, as_of, due))
        }
        Sales::ProductsOwned => {
            leaves(orders().next().map(|order| order.at), due);
            let mut owned = Tally::default();
            orders().flat_map(|order| &order.items).for_each(|(name, _)| owned.add(name, 1));
            for deal in won(around.deals) {
                let closed = deal.facts.closed_at.filter(|_| window.is_some());
                if closed.is_none_or(|closed| is_within(closed, window, as_of)) {
                    leaves(closed, due);
                    deal.facts.products.iter().flatten().for_each(|name| owned.add(name, 1));
                }
            }
            owned.all()
        }
        Sales::CartAbandoned | Sales::CartValue => {
            let cart = of_cart(rules, around);
            if sales == Sales::CartValue {
                return (Value::Number(cart.value.normalize()), cart.incomplete);
            }
            if let Some((touched, _)) = cart.touched.filter(|_| cart.filled) {
                due.note(touched.saturating_add(ABANDONED_AFTER));
                due.note(touched.saturating_add(FORGOTTEN_AFTER).saturating_add(Duration::from_micros(1)));
            }
            Value::Bool(cart.is_abandoned(as_of))
        }
    };
    (plain, false)
}

/// The cart as it stands. `rules`: orders, then carts.
pub(super) fn of_cart(rules: &[RuleId], around: &Around<'_, '_>) -> Cart {
    let facts = rules.get(1).map(|rule| around.past(*rule)).unwrap_or_default();
    cart::cart(facts, around.last_completed(), around.model)
}

fn revenue<'o, 'f: 'o>(orders: impl Iterator<Item = &'o Order<'f>>) -> Sum {
    let mut sum = Sum::default();
    orders.for_each(|order| sum.add(order.revenue));
    sum
}

fn ltv(source: LtvSource, orders: &[&Order<'_>], around: &Around<'_, '_>) -> Sum {
    let mut sum = if source == LtvSource::Deals { Sum::default() } else { revenue(orders.iter().copied()) };
    if source == LtvSource::Orders {
        return sum;
    }
    let counted: BTreeSet<&str> = match source {
        LtvSource::Both => orders.iter().map(|order| order.id).filter(|id| !id.is_empty()).collect(),
        LtvSource::Orders | LtvSource::Deals => BTreeSet::new(),
    };
    let own = won(around.deals).filter(|deal| deal.order_id().is_none_or(|order| !counted.contains(order)));
    own.filter_map(|deal| amount_in_base(around.model, deal)).for_each(|amount| sum.add(amount));
    sum
}

/// Won deals.
pub(super) fn won_revenue(model: &ModelSpec, deals: &[Deal]) -> Sum {
    let mut sum = Sum::default();
    won(deals).filter_map(|deal| amount_in_base(model, deal)).for_each(|amount| sum.add(amount));
    sum
}

/// Open deals, at the newest rates there are.
pub(super) fn pipeline(model: &ModelSpec, deals: &[Deal]) -> Sum {
    let mut sum = Sum::default();
    let open = deals.iter().filter(|deal| deal.facts.status == DealStatus::Open);
    open.filter_map(|deal| amount_in_base(model, deal)).for_each(|amount| sum.add(amount));
    sum
}

/// Deals are as they are now: a reopened one counts no longer, an edited amount counts as edited.
pub(super) fn won(deals: &[Deal]) -> impl Iterator<Item = &Deal> {
    deals.iter().filter(|deal| deal.facts.status == DealStatus::Won)
}

/// A deal's amount in the base currency at its close date, of one without such a date at the newest rate. `Some(None)`: there is
/// no rate. `None`: it has no amount. A deal that names no currency is in the base currency.
pub(super) fn amount_in_base(model: &ModelSpec, deal: &Deal) -> Option<Option<Decimal>> {
    let amount = deal.facts.amount?;
    let base = &*model.base_currency;
    let currency = deal.facts.currency.as_deref().unwrap_or(base);
    let date = deal.facts.closed_at.map(|at| local_day(at, model.time_zone));
    Some(model.rates.to_base(amount, currency, base, date))
}

/// An amount rounded half-even to the minor unit of the base currency.
pub(super) fn money(model: &ModelSpec, amount: Option<Decimal>) -> Value {
    let digits = minor_digits(&model.base_currency);
    amount.map_or(Value::Null, |amount| {
        Value::Number(amount.round_dp_with_strategy(digits, RoundingStrategy::MidpointNearestEven).normalize())
    })
}
