//! Money against an oracle of whole numbers: amounts in cents, rates in millionths, half-even by division with remainder.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::shop::money;
use super::*;

/// Millionths of a euro for one unit, from a day of March on.
const RATES: [(&str, u64, i128); 3] = [("USD", 1, 912_345), ("USD", 10, 887_655), ("CHF", 1, 1_050_005)];
const CURRENCIES: [&str; 4] = ["EUR", "USD", "CHF", "GBP"];

#[derive(Clone, Debug)]
struct Step {
    order: usize,
    what: u8,
    cents: i128,
    currency: usize,
    hour: u64,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let one = (0_usize..3, 0_u8..5, 0_i128..2_000_000, 0_usize..4, 0_u64..24 * 20)
        .prop_map(|(order, what, cents, currency, hour)| Step { order, what, cents, currency, hour });
    prop::collection::vec(one, 0..14).prop_map(|mut steps| {
        // One thing an hour: what happens at one instant has no order that an oracle could know.
        steps.sort_by_key(|step| step.hour);
        steps.dedup_by_key(|step| step.hour);
        steps
    })
}

/// Cents of the base currency; `None` without a rate.
fn in_euro(cents: i128, currency: &str, hour: u64) -> Option<i128> {
    if currency == "EUR" {
        return Some(cents);
    }
    let day = hour / 24 + 1;
    let rate = RATES.iter().rfind(|(code, from, _)| *code == currency && *from <= day)?.2;
    Some(half_even(cents * rate, 1_000_000))
}

fn half_even(number: i128, by: i128) -> i128 {
    let (whole, rest) = (number.div_euclid(by), number.rem_euclid(by));
    match (2 * rest).cmp(&by) {
        std::cmp::Ordering::Less => whole,
        std::cmp::Ordering::Greater => whole + 1,
        std::cmp::Ordering::Equal => whole + whole.rem_euclid(2),
    }
}

#[derive(Default)]
struct Order {
    completed: bool,
    cancelled: bool,
    amount: Option<(i128, usize, u64)>,
    refunds: Vec<Option<(i128, usize)>>,
}

/// Orders, revenue in cents, whether something had no rate.
fn oracle(steps: &[Step]) -> (i128, i128, bool) {
    let mut orders: BTreeMap<usize, Order> = BTreeMap::new();
    for step in steps {
        let order = orders.entry(step.order).or_default();
        match step.what {
            0 | 1 => {
                order.amount = Some((step.cents, step.currency, step.hour));
                if step.what == 0 {
                    (order.completed, order.cancelled) = (true, false);
                }
            }
            2 => order.refunds.push(Some((step.cents, step.currency))),
            3 => order.refunds.push(None),
            _ => order.cancelled = true,
        }
    }
    let (mut count, mut sum, mut incomplete) = (0, 0, false);
    for order in orders.values().filter(|order| order.completed && !order.cancelled) {
        count += 1;
        match net(order) {
            Some(cents) => sum += cents,
            None => incomplete = true,
        }
    }
    (count, sum, incomplete)
}

fn net(order: &Order) -> Option<i128> {
    let (cents, currency, hour) = order.amount?;
    let mut left = in_euro(cents, CURRENCIES[currency], hour)?;
    let mut own = 0;
    for refund in &order.refunds {
        let Some((refund, of)) = refund else { return Some(0) };
        left -= in_euro(*refund, CURRENCIES[*of], hour)?;
        own += if *of == currency { *refund } else { 0 };
    }
    Some(if !order.refunds.is_empty() && own >= cents { 0 } else { left.max(0) })
}

fn told(steps: &[Step]) -> Log {
    let mut spec = preset::ecommerce();
    for (code, day, millionths) in RATES {
        let day = chrono::NaiveDate::from_ymd_opt(2026, 3, u32::try_from(day).unwrap()).unwrap();
        spec.rates.set_from(day, code, Decimal::new(i64::try_from(millionths).unwrap(), 6));
    }
    let mut log = Log { model: Model::new(spec), facts: Vec::new(), events: 0 };
    for step in steps {
        let when = at("2026-03-01T00:00:00Z").saturating_add(Duration::from_secs(step.hour * 3_600)).to_rfc3339();
        let name = ["Order Completed", "Order Updated", "Order Refunded", "Order Refunded", "Order Cancelled"]
            [usize::from(step.what)];
        let amount = Decimal::new(i64::try_from(step.cents).unwrap(), 2);
        let amount = match step.what {
            0 | 1 => format!(r#","revenue":"{amount}","currency":"{}""#, CURRENCIES[step.currency]),
            2 => format!(r#","total":{amount},"currency":"{}""#, CURRENCIES[step.currency]),
            _ => String::new(),
        };
        log.track(&when, name, "", &format!(r#"{{"order_id":"o-{}"{amount}}}"#, step.order));
    }
    log
}

fn cents(number: i128) -> Value {
    Value::Number(Decimal::new(i64::try_from(number).unwrap(), 2).normalize())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn orders_and_refunds_are_exact_to_the_cent(steps in steps(), turn in 0_usize..14) {
        let mut log = told(&steps);
        // The order of arrival changes nothing.
        let places = if log.facts.is_empty() { 0 } else { turn % log.facts.len() };
        log.facts.rotate_left(places);
        let computed = log.as_of("2026-03-31T00:00:00Z");
        let (count, sum, incomplete) = oracle(&steps);
        prop_assert_eq!(&computed.traits["orders_count"], &Value::from(i64::try_from(count).unwrap()));
        prop_assert_eq!(&computed.traits["order_revenue"], &cents(sum));
        prop_assert_eq!(&computed.traits["ltv"], &cents(sum));
        let average = if count == 0 { Value::Null } else { cents(half_even(sum, count)) };
        prop_assert_eq!(&computed.traits["aov"], &average);
        let said = computed.traits.get("order_revenue_incomplete") == Some(&Value::Bool(true));
        prop_assert_eq!(said, incomplete);
    }

    #[test]
    fn whatever_is_given_back_in_full_leaves_nothing(amount in 1_i64..10_000_000, parts in 1_i64..6, currency in 0_usize..3) {
        let mut log = told(&[]);
        let code = CURRENCIES[currency];
        let order = format!(r#"{{"order_id":"o","revenue":{},"currency":"{code}"}}"#, Decimal::new(amount, 2));
        log.track("2026-03-05T00:00:00Z", "Order Completed", "", &order);
        let part = amount / parts;
        for place in 0..parts {
            let part = if place == 0 { amount - part * (parts - 1) } else { part };
            let when = format!("2026-03-1{place}T00:00:00Z");
            log.track(&when, "Order Refunded", "", &format!(r#"{{"order_id":"o","total":{}}}"#, Decimal::new(part, 2)));
        }
        prop_assert_eq!(&log.as_of("2026-03-31T00:00:00Z").traits["order_revenue"], &money("0"));
    }

    #[test]
    fn a_cart_is_its_lines_each_rounded(lines in prop::collection::vec((0_i128..100_000, 0_i128..50, 0_usize..4), 0..6)) {
        let mut log = told(&[]);
        let (mut want, mut incomplete) = (0, false);
        for (place, (price, quantity, currency)) in lines.iter().enumerate() {
            let code = CURRENCIES[*currency];
            let price_text = Decimal::new(i64::try_from(*price).unwrap(), 2);
            let line = format!(r#"{{"sku":"s-{place}","price":{price_text},"quantity":{quantity},"currency":"{code}"}}"#);
            log.track(&format!("2026-03-02T00:0{place}:00Z"), "Product Added", "", &line);
            if *quantity > 0 {
                match in_euro(price * quantity, code, 24) {
                    Some(euro) => want += euro,
                    None => incomplete = true,
                }
            }
        }
        let computed = log.as_of("2026-03-02T12:00:00Z");
        prop_assert_eq!(&computed.traits["cart_value"], &cents(want));
        prop_assert_eq!(computed.traits.get("cart_value_incomplete") == Some(&Value::Bool(true)), incomplete);
    }
}
