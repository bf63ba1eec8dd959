//! A person's cart (`cdp-semantics` §3.2): what was added and not removed since the last order, and since when nobody touched it.

use std::collections::BTreeMap;
use std::time::Duration;

use connector::Timestamp;
use rust_decimal::Decimal;

use crate::enrich::commerce::{CartFact, CartStep, cart_of};
use crate::enrich::ledger::to_base;
use crate::enrich::spec::ModelSpec;
use crate::model::Fact;

/// So long untouched, and a cart is abandoned.
pub const ABANDONED_AFTER: Duration = Duration::from_secs(3_600);
/// So long untouched, and it is forgotten.
pub(super) const FORGOTTEN_AFTER: Duration = Duration::from_secs(14 * 86_400);

/// The cart as it stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Cart {
    /// In the base currency, each line rounded; lines without a rate are left out.
    pub value: Decimal,
    /// A line has no rate.
    pub incomplete: bool,
    /// Whether anything is in it.
    pub filled: bool,
    /// When it was last filled or looked at, and by which event.
    pub touched: Option<(Timestamp, i64)>,
}

impl Cart {
    /// Whether it is abandoned as of an instant: untouched for an hour, and not for longer than fourteen days.
    pub(super) fn is_abandoned(&self, as_of: Timestamp) -> bool {
        let Some((touched, _)) = self.touched.filter(|_| self.filled) else { return false };
        let since = as_of.since(touched);
        since >= ABANDONED_AFTER && since <= FORGOTTEN_AFTER
    }
}

/// One product in one cart.
#[derive(Default)]
struct Line<'f> {
    quantity: Decimal,
    price: Option<Decimal>,
    currency: &'f str,
    at: Timestamp,
}

/// The cart from its facts up to the instant, by time and step, and the last completed order. What happened at the very instant
/// of the order was before it.
pub(super) fn cart(facts: &[&Fact], last_order: Option<Timestamp>, model: &ModelSpec) -> Cart {
    let mut lines: BTreeMap<(&str, &str), Line<'_>> = BTreeMap::new();
    let mut cart = Cart::default();
    for fact in facts.iter().filter(|fact| last_order.is_none_or(|order| fact.at > order)) {
        let Some(CartFact { step, cart: id, product, quantity, price, currency }) = cart_of(fact) else { continue };
        let signed = match step {
            CartStep::Added => quantity,
            CartStep::Removed => -quantity,
            CartStep::Seen => Decimal::ZERO,
            CartStep::Emptied => {
                lines.retain(|(of, _), _| !id.is_empty() && *of != id);
                if lines.is_empty() {
                    cart.touched = None;
                }
                continue;
            }
        };
        if step != CartStep::Removed {
            cart.touched = Some((fact.at, fact.event));
        }
        if step == CartStep::Seen {
            continue;
        }
        let line = lines.entry((id, product)).or_default();
        line.quantity = line.quantity.checked_add(signed).unwrap_or(line.quantity);
        line.at = fact.at;
        if price.is_some() {
            line.price = price;
        }
        if !currency.is_empty() {
            line.currency = currency;
        }
    }
    for line in lines.values().filter(|line| line.quantity > Decimal::ZERO) {
        cart.filled = true;
        let Some(price) = line.price else { continue };
        let amount = price.checked_mul(line.quantity);
        let sum = amount.and_then(|amount| to_base(model, amount, line.currency, line.at));
        match sum.and_then(|sum| cart.value.checked_add(sum)) {
            Some(value) => cart.value = value,
            None => cart.incomplete = true,
        }
    }
    cart
}
