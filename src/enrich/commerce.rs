//! What the events of a shop say (`cdp-semantics` §1.6), and how little of it is kept: of an order its id, amount, currency and
//! the names of what was bought; of a cart's line its key, quantity and price; of a look its product and category.

use rust_decimal::Decimal;

use crate::expr::Json;
use crate::model::Fact;

/// Between the parts of a kept text.
pub(super) const SEPARATOR: char = '\u{1f}';
/// Between an item's name and its category.
const INNER: char = '\u{1e}';

/// Most characters of one part.
const MAX_PART: usize = 100;
/// Most items of one order that are kept.
const MAX_ITEMS: usize = 50;

/// Normal names of what changes an order. A cancelled one is spelt both ways in the field.
pub(super) const ORDER_EVENTS: [&str; 5] =
    ["order completed", "order updated", "order refunded", "order cancelled", "order canceled"];

/// Normal names of what changes a cart, but for the order that empties it.
pub(super) const CART_EVENTS: [&str; 8] = [
    "product added",
    "product removed",
    "cart viewed",
    "checkout started",
    "cart cancelled",
    "cart canceled",
    "cart cleared",
    "cart emptied",
];

/// Whether an event of this normal name fills a cart or looks at it: from then on it is counted how long nobody touches it.
pub fn touches_cart(normal_name: &str) -> bool {
    matches!(normal_name, "product added" | "cart viewed" | "checkout started")
}

/// Normal names of what shows interest in a product, but for orders.
pub(super) const LOOK_EVENTS: [&str; 2] = ["product viewed", "product added"];

/// What happened to an order, in the order that counts where two things happen at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OrderStep {
    Completed,
    Updated,
    Refunded,
    Cancelled,
}

/// What happened to a cart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CartStep {
    Added,
    Removed,
    /// Looked at, or taken to the till.
    Seen,
    Emptied,
}

/// A kept order event, lent from its fact.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OrderFact<'f> {
    pub step: OrderStep,
    /// Empty where the event names none.
    pub id: &'f str,
    /// As sent; empty where the event names none.
    pub currency: &'f str,
    /// Of a refund what was refunded, of a completed or updated order its revenue. `None`: nothing is said.
    pub amount: Option<Decimal>,
    /// Name and category of each item.
    pub items: Vec<(&'f str, &'f str)>,
}

/// A kept cart event, lent from its fact.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CartFact<'f> {
    pub step: CartStep,
    pub cart: &'f str,
    /// Product id, else SKU, else name.
    pub product: &'f str,
    pub quantity: Decimal,
    pub price: Option<Decimal>,
    pub currency: &'f str,
}

/// A step in the high bits, so that facts of one instant come in the order of steps; the rest breaks ties.
fn number(step: i64, tie: i64) -> i64 {
    (step << 56) | (tie & 0x00ff_ffff_ffff_ffff)
}

fn step_of(fact: &Fact) -> i64 {
    fact.number >> 56
}

/// What is kept of an order event. `items`: whether anybody asks for what was bought.
pub(super) fn keep_order(normal_name: &str, body: &Json<'_>, tie: i64, items: bool) -> Option<(i64, String)> {
    let step = match normal_name {
        "order completed" => OrderStep::Completed,
        "order updated" => OrderStep::Updated,
        "order refunded" => OrderStep::Refunded,
        "order cancelled" | "order canceled" => OrderStep::Cancelled,
        _ => return None,
    };
    let place = Place(body);
    let amount = match step {
        OrderStep::Completed | OrderStep::Updated => place.revenue(),
        OrderStep::Refunded => place.refunded(),
        OrderStep::Cancelled => None,
    };
    let amount = amount.map(|amount| amount.normalize().to_string()).unwrap_or_default();
    let id = place.first_text(&["order_id", "checkout_id"]).unwrap_or_default();
    let mut text = format!("{id}{SEPARATOR}{}{SEPARATOR}{amount}", place.currency());
    if items && matches!(step, OrderStep::Completed | OrderStep::Updated) {
        for line in place.products().take(MAX_ITEMS) {
            let name = line.first_text(&["name", "product_id", "sku"]).unwrap_or_default();
            let category = line.first_text(&["category"]).unwrap_or_default();
            text.push(SEPARATOR);
            text.push_str(&name);
            if !category.is_empty() {
                text.push(INNER);
                text.push_str(&category);
            }
        }
    }
    Some((number(step as i64, tie), text))
}

/// Reads what [`keep_order`] kept.
pub(super) fn order_of(fact: &Fact) -> Option<OrderFact<'_>> {
    let step = match step_of(fact) {
        0 => OrderStep::Completed,
        1 => OrderStep::Updated,
        2 => OrderStep::Refunded,
        3 => OrderStep::Cancelled,
        _ => return None,
    };
    let mut parts = fact.text.as_deref()?.split(SEPARATOR);
    let (id, currency, amount) = (parts.next()?, parts.next()?, parts.next()?);
    let items = parts.map(|item| item.split_once(INNER).unwrap_or((item, "")));
    Some(OrderFact { step, id, currency, amount: amount.parse().ok(), items: items.collect() })
}

/// What is kept of a cart event.
pub(super) fn keep_cart(normal_name: &str, body: &Json<'_>, tie: i64) -> Option<(i64, Option<String>)> {
    let step = match normal_name {
        "product added" => CartStep::Added,
        "product removed" => CartStep::Removed,
        "cart viewed" | "checkout started" => CartStep::Seen,
        "cart cancelled" | "cart canceled" | "cart cleared" | "cart emptied" => CartStep::Emptied,
        _ => return None,
    };
    let number = number(step as i64, tie);
    if matches!(step, CartStep::Seen) {
        return Some((number, None));
    }
    let place = Place(body);
    let cart = place.first_text(&["cart_id"]).unwrap_or_default();
    if matches!(step, CartStep::Emptied) {
        return Some((number, Some(cart)));
    }
    let line = Properties(body.get("properties")?);
    let product = line.first_text(&["product_id", "sku", "name"])?;
    let price = line.number("price").map(|price| price.normalize().to_string()).unwrap_or_default();
    let quantity = line.quantity().normalize();
    let currency = place.currency();
    let parts = [cart, product, quantity.to_string(), price, currency];
    Some((number, Some(parts.join(&SEPARATOR.to_string()))))
}

/// Reads what [`keep_cart`] kept.
pub(super) fn cart_of(fact: &Fact) -> Option<CartFact<'_>> {
    let step = match step_of(fact) {
        0 => CartStep::Added,
        1 => CartStep::Removed,
        2 => CartStep::Seen,
        3 => CartStep::Emptied,
        _ => return None,
    };
    let mut parts = fact.text.as_deref().unwrap_or_default().split(SEPARATOR);
    let mut next = || parts.next().unwrap_or_default();
    let (cart, product) = (next(), next());
    let quantity = next().parse().unwrap_or(Decimal::ZERO);
    let (price, currency) = (next().parse().ok(), next());
    Some(CartFact { step, cart, product, quantity, price, currency })
}

/// What is kept of a look at a product: 0 for a view, 1 for one put into the cart.
pub(super) fn keep_look(normal_name: &str, body: &Json<'_>) -> Option<(i64, String)> {
    let step = LOOK_EVENTS.iter().position(|name| *name == normal_name)?;
    let line = Properties(body.get("properties")?);
    let name = line.first_text(&["name", "product_id", "sku"]).unwrap_or_default();
    let category = line.first_text(&["category"]).unwrap_or_default();
    let says = !name.is_empty() || !category.is_empty();
    says.then(|| (i64::try_from(step).unwrap_or(0), format!("{name}{INNER}{category}")))
}

/// Reads what [`keep_look`] kept: name and category.
pub(super) fn look_of(fact: &Fact) -> Option<(&str, &str)> {
    fact.text.as_deref()?.split_once(INNER)
}

/// What is kept as people read it.
pub(super) fn shown(text: &str) -> String {
    let parts = text.split([SEPARATOR, INNER]).filter(|part| !part.is_empty());
    parts.collect::<Vec<&str>>().join(" · ")
}

/// A message of a shop.
struct Place<'b>(&'b Json<'b>);

/// The properties of a message, or one of its products.
#[derive(Clone, Copy)]
struct Properties<'b>(&'b Json<'b>);

impl<'b> Place<'b> {
    fn properties(&self) -> Option<Properties<'b>> {
        self.0.get("properties").map(Properties)
    }

    fn first_text(&self, keys: &[&str]) -> Option<String> {
        self.properties()?.first_text(keys)
    }

    fn currency(&self) -> String {
        self.first_text(&["currency"]).map(|code| code.to_ascii_uppercase()).unwrap_or_default()
    }

    fn number(&self, key: &str) -> Option<Decimal> {
        self.properties()?.number(key)
    }

    fn products(&self) -> impl Iterator<Item = Properties<'b>> + use<'b> {
        let products = match self.0.at(&["properties", "products"]) {
            Some(Json::List(products)) => products.as_slice(),
            _ => &[],
        };
        products.iter().filter(|product| matches!(product, Json::Object(_))).map(Properties)
    }

    /// Σ price × quantity, where any line has a price.
    fn lines(&self) -> Option<Decimal> {
        let mut priced =
            self.products().filter_map(|line| line.number("price")?.checked_mul(line.quantity())).peekable();
        priced.peek()?;
        priced.try_fold(Decimal::ZERO, |sum, line| sum.checked_add(line))
    }

    /// Goods with their discounts, without tax and shipping: `revenue`, else `subtotal`, else `total` less tax and shipping, else
    /// the lines less the discount.
    fn revenue(&self) -> Option<Decimal> {
        let or_none = |key: &str| self.number(key).unwrap_or(Decimal::ZERO);
        if let Some(given) = self.number("revenue").or_else(|| self.number("subtotal")) {
            return Some(given);
        }
        match self.number("total") {
            Some(total) => total.checked_sub(or_none("tax"))?.checked_sub(or_none("shipping")),
            None => self.lines()?.checked_sub(or_none("discount")),
        }
    }

    /// What was given back; `None` is all of it.
    fn refunded(&self) -> Option<Decimal> {
        ["total", "revenue", "value", "amount"].into_iter().find_map(|key| self.number(key)).or_else(|| self.lines())
    }
}

impl Properties<'_> {
    fn first_text(self, keys: &[&str]) -> Option<String> {
        keys.iter().find_map(|key| text_of(self.0.get(key)?))
    }

    fn number(self, key: &str) -> Option<Decimal> {
        match self.0.get(key)? {
            Json::Text(text) => text.trim().parse().ok(),
            number => number.as_decimal(),
        }
    }

    /// One where nothing is said; never below nothing.
    fn quantity(self) -> Decimal {
        self.number("quantity").unwrap_or(Decimal::ONE).max(Decimal::ZERO)
    }
}

/// A text or a number as a part of what is kept.
pub(super) fn text_of(value: &Json<'_>) -> Option<String> {
    let text: String = match value {
        Json::Text(text) => text.trim().chars().filter(|c| !c.is_control()).take(MAX_PART).collect(),
        number => number.as_decimal()?.normalize().to_string(),
    };
    (!text.is_empty()).then_some(text)
}
