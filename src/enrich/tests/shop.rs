//! Orders, carts and products (`cdp-semantics` §3.2, §9 Dana).

use super::*;
use rust_decimal::Decimal;

pub(super) fn shop() -> Log {
    let mut spec = preset::ecommerce();
    spec.rates.set_constant("USD", "0.90".parse().unwrap());
    Log { model: Model::new(spec), facts: Vec::new(), events: 0 }
}

pub(super) fn money(text: &str) -> Value {
    Value::Number(text.parse::<Decimal>().unwrap().normalize())
}

fn assert_values(log: &Log, when: &str, want: &[(&str, Value)]) {
    let computed = log.as_of(when);
    for (name, value) in want {
        assert_eq!(computed.traits.get(name), Some(value), "{name} at {when}");
    }
}

fn dana() -> Log {
    let mut log = shop();
    log.track("2026-03-01T20:00:00Z", "Product Viewed", "a-9", r#"{"name":"Lamp","category":"Light","price":59.5}"#);
    let added = r#"{"name":"Lamp","price":59.50,"quantity":2,"currency":"EUR","cart_id":"k1"}"#;
    log.track("2026-03-01T20:01:00Z", "Product Added", "a-9", added);
    log
}

#[test]
fn d1_a_cart_is_abandoned_after_an_hour_and_forgotten_after_a_fortnight() {
    let log = dana();
    let of = |when: &str| log.as_of(when).traits["cart_abandoned"].clone();
    assert_eq!(log.as_of("2026-03-01T20:30:00Z").due_at, Some(at("2026-03-01T21:01:00Z")));
    let cases = [
        ("2026-03-01T20:30:00Z", false),
        ("2026-03-01T21:00:59Z", false),
        ("2026-03-01T21:01:00Z", true),
        ("2026-03-15T20:01:00Z", true),
        ("2026-03-15T20:01:01Z", false),
    ];
    for (when, want) in cases {
        assert_eq!(of(when), Value::Bool(want), "{when}");
    }
    assert_values(&log, "2026-03-01T21:01:00Z", &[("cart_value", money("119.00")), ("top_product_30d", "Lamp".into())]);
    assert_values(&log, "2026-03-20T21:01:00Z", &[("cart_value", money("119.00"))]);
}

#[test]
fn d2_and_d3_an_order_empties_the_cart_and_a_refund_takes_its_rate() {
    let mut log = dana();
    log.track("2026-03-03T10:00:00Z", "Order Completed", "", r#"{"order_id":"o-1","revenue":100.00,"currency":"USD"}"#);
    let want = [
        ("cart_abandoned", false.into()),
        ("cart_value", 0.into()),
        ("orders_count", 1.into()),
        ("order_revenue", money("90")),
        ("ltv", money("90.00")),
        ("aov", money("90.00")),
        ("lifecycle", "customer".into()),
        ("health", "green".into()),
        ("last_order_at", Value::Instant(at("2026-03-03T10:00:00Z"))),
        ("days_since_last_order", 1.into()),
        ("ltv_incomplete", false.into()),
    ];
    assert_values(&log, "2026-03-04T10:00:00Z", &want);
    log.track("2026-03-05T10:00:00Z", "Order Refunded", "", r#"{"order_id":"o-1","total":40.00,"currency":"USD"}"#);
    let want = [("ltv", money("54")), ("orders_count", 1.into()), ("aov", money("54.00"))];
    assert_values(&log, "2026-03-05T10:00:00Z", &want);
    log.track("2026-03-06T10:00:00Z", "Order Refunded", "", r#"{"order_id":"o-1"}"#);
    assert_values(&log, "2026-03-06T10:00:00Z", &[("ltv", 0.into()), ("orders_count", 1.into()), ("aov", 0.into())]);
}

#[test]
fn the_latest_word_on_an_order_counts() {
    let mut log = shop();
    let order = |extra: &str| format!(r#"{{"order_id":"o-1",{extra}}}"#);
    log.track("2026-03-01T10:00:00Z", "Order Completed", "", &order(r#""total":119,"tax":19,"shipping":0"#));
    assert_values(&log, "2026-03-01T10:00:00Z", &[("order_revenue", money("100"))]);
    // Told twice it is one order.
    log.track("2026-03-01T10:00:05Z", "order_completed", "", &order(r#""subtotal":"100.00""#));
    log.track(
        "2026-03-02T10:00:00Z",
        "Order Updated",
        "",
        &order(r#""products":[{"name":"Lamp","price":30,"quantity":2},{"name":"Desk","price":"20.5"}],"discount":0.5"#),
    );
    let lamp_and_desk = Value::List(vec!["Desk".into(), "Lamp".into()]);
    let want = [("order_revenue", money("80")), ("orders_count", 1.into()), ("products_owned", lamp_and_desk)];
    assert_values(&log, "2026-03-02T10:00:00Z", &want);
    log.track("2026-03-03T10:00:00Z", "Order Cancelled", "", r#"{"order_id":"o-1"}"#);
    let want = [
        ("order_revenue", 0.into()),
        ("orders_count", 0.into()),
        ("aov", Value::Null),
        ("products_owned", Value::Null),
        ("lifecycle", "lead".into()),
    ];
    assert_values(&log, "2026-03-03T10:00:00Z", &want);
    // As of before, it is as it was.
    assert_values(&log, "2026-03-02T11:00:00Z", &[("orders_count", 1.into())]);
    // An update of what was never completed is no order; a refund of more than all leaves nothing.
    log.track("2026-03-04T10:00:00Z", "Order Updated", "", r#"{"order_id":"o-2","revenue":5}"#);
    log.track("2026-03-04T10:00:00Z", "Order Completed", "", r#"{"order_id":"o-3","revenue":5}"#);
    log.track(
        "2026-03-04T11:00:00Z",
        "Order Refunded",
        "",
        r#"{"order_id":"o-3","products":[{"price":3,"quantity":3}]}"#,
    );
    assert_values(&log, "2026-03-05T10:00:00Z", &[("orders_count", 1.into()), ("order_revenue", 0.into())]);
}

#[test]
fn an_amount_without_a_rate_is_left_out_and_said_so() {
    let mut log = shop();
    log.track("2026-03-01T10:00:00Z", "Order Completed", "", r#"{"order_id":"o-1","revenue":10,"currency":"GBP"}"#);
    log.track("2026-03-01T11:00:00Z", "Order Completed", "", r#"{"order_id":"o-2","revenue":10,"currency":"usd"}"#);
    log.track("2026-03-01T12:00:00Z", "Product Added", "", r#"{"sku":"L","price":1,"currency":"GBP"}"#);
    let want = [
        ("orders_count", 2.into()),
        ("order_revenue", money("9")),
        ("order_revenue_incomplete", true.into()),
        ("ltv_incomplete", true.into()),
        ("cart_value", 0.into()),
        ("cart_value_incomplete", true.into()),
    ];
    assert_values(&log, "2026-03-01T13:30:00Z", &want);
    let explained = log.model.explain(&Person::of(&log.facts, &[], at("2026-03-02T00:00:00Z")), "ltv").unwrap();
    assert!(explained.how.contains("incomplete"), "{}", explained.how);
    assert_eq!(explained.evidence[0].left_out, Some("no exchange rate"));
}

#[test]
fn carts_are_what_was_added_less_what_was_removed() {
    let mut log = shop();
    let line = |cart: &str, key: &str, price: &str, quantity: u32| {
        format!(r#"{{"cart_id":"{cart}",{key},"price":{price},"quantity":{quantity}}}"#)
    };
    log.track("2026-03-01T10:00:00Z", "Product Added", "", &line("k", r#""product_id":7,"name":"Lamp""#, "10", 3));
    log.track("2026-03-01T10:01:00Z", "Product Removed", "", &line("k", r#""product_id":"7""#, "10", 1));
    log.track("2026-03-01T10:02:00Z", "Product Removed", "", &line("other", r#""product_id":"7""#, "10", 1));
    log.track("2026-03-01T10:03:00Z", "Product Added", "", &line("k", r#""sku":"S""#, "0.50", 1));
    assert_values(&log, "2026-03-01T10:04:00Z", &[("cart_value", money("20.5"))]);
    log.track("2026-03-01T10:05:00Z", "Product Removed", "", &line("k", r#""product_id":"7""#, "10", 2));
    log.track("2026-03-01T10:06:00Z", "Product Removed", "", r#"{"cart_id":"k","sku":"S"}"#);
    assert_values(&log, "2026-03-01T12:00:00Z", &[("cart_value", 0.into()), ("cart_abandoned", false.into())]);
    log.track("2026-03-01T13:00:00Z", "Product Added", "", &line("k", r#""sku":"S""#, "0.50", 1));
    log.track("2026-03-01T13:30:00Z", "Checkout Started", "", r#"{"order_id":"o"}"#);
    assert_values(&log, "2026-03-01T14:29:00Z", &[("cart_abandoned", false.into())]);
    assert_values(&log, "2026-03-01T14:30:00Z", &[("cart_abandoned", true.into())]);
    log.track("2026-03-01T14:40:00Z", "Cart Cleared", "", "{}");
    assert_values(&log, "2026-03-01T16:30:00Z", &[("cart_abandoned", false.into()), ("cart_value", 0.into())]);
}

#[test]
fn what_is_bought_weighs_most_and_equals_go_by_the_alphabet() {
    let mut log = shop();
    for minute in 0..4 {
        let when = format!("2026-03-01T10:0{minute}:00Z");
        log.track(&when, "Product Viewed", "", r#"{"name":"Chair","category":"Seats"}"#);
    }
    log.track("2026-03-01T10:10:00Z", "Product Added", "", r#"{"name":"Desk","category":"Tables"}"#);
    log.track("2026-03-01T10:11:00Z", "Product Viewed", "", r#"{"name":"Desk","category":"Tables"}"#);
    assert_values(
        &log,
        "2026-03-01T11:00:00Z",
        &[("top_product_30d", "Chair".into()), ("top_category_30d", "Seats".into())],
    );
    let order = r#"{"order_id":"o","products":[{"name":"Bed","category":"Beds"}]}"#;
    log.track("2026-03-02T10:00:00Z", "Order Completed", "", order);
    assert_values(&log, "2026-03-02T11:00:00Z", &[("top_product_30d", "Bed".into())]);
    // The looks leave the window first.
    assert_values(&log, "2026-04-01T10:00:00Z", &[("top_product_30d", Value::Null)]);
}

#[test]
fn a_deal_that_is_an_order_counts_once() {
    let mut log = shop();
    log.track("2026-03-01T10:00:00Z", "Order Completed", "", r#"{"order_id":"o-1","revenue":100}"#);
    let deal = |id: &str, status, amount: i64, order: Option<&str>| Deal {
        connection: "crm".into(),
        id: id.into(),
        facts: DealFacts {
            name: None,
            status,
            stage: None,
            pipeline: None,
            amount: Some(amount.into()),
            currency: Some("EUR".into()),
            closed_at: (status != DealStatus::Open).then(|| at("2026-03-01T12:00:00Z")),
            owner: None,
            products: None,
        },
        order_id: order.map(Into::into),
    };
    let deals = [
        deal("1", DealStatus::Won, 100, Some("o-1")),
        deal("2", DealStatus::Won, 7, Some("o-2")),
        deal("3", DealStatus::Won, 20, None),
        deal("4", DealStatus::Open, 1_000, None),
        deal("5", DealStatus::Lost, 5_000, None),
    ];
    let computed = log.model.compute(&Person::of(&log.facts, &deals, at("2026-03-02T00:00:00Z")));
    let values: Vec<&Value> =
        ["won_revenue", "ltv", "open_pipeline"].iter().map(|name| &computed.traits[*name]).collect();
    assert_eq!(values, [&money("127"), &money("127"), &money("1000")]);
    for (source, want) in [(LtvSource::Orders, "100"), (LtvSource::Deals, "127")] {
        let mut spec = preset::ecommerce();
        spec.traits.retain(|spec| &*spec.name == "ltv");
        spec.traits[0].rule = TraitRule::Sales(Sales::Ltv(source));
        let computed = Model::new(spec).compute(&Person::of(&log.facts, &deals, at("2026-03-02T00:00:00Z")));
        // Without anybody asking for items, orders are another rule, whose facts are not here.
        let want = if source == LtvSource::Orders { money("0") } else { money(want) };
        assert_eq!(computed.traits["ltv"], want, "{source:?}");
    }
}
