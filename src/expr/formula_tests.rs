//! What formulas give, and what expressions ask of events and segments.

use std::collections::BTreeMap;
use std::time::Duration;

use connector::{Timestamp, Value};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;

const DAY: Duration = Duration::from_secs(86_400);

fn scope() -> Scope {
    Scope::profile([
        ("ltv", Kind::Number),
        ("aov", Kind::Number),
        ("visits", Kind::Integer),
        ("orders", Kind::Integer),
        ("country", Kind::Text),
        ("last_seen_at", Kind::Instant),
        ("topics", Kind::List),
        ("vip", Kind::Bool),
        ("segments.customers", Kind::Bool),
        ("segments.churn_risk", Kind::Bool),
    ])
}

fn number(text: &str) -> Value {
    Value::Number(text.parse::<Decimal>().unwrap().normalize())
}

fn eval(expr: &Expr, values: &BTreeMap<&str, Value>, events: &dyn Fn(usize) -> Value) -> Value {
    let null = Value::Null;
    let read = |name: &str| values.get(name).unwrap_or(&null);
    let as_of = Timestamp::parse_rfc3339("2026-03-05T12:00:00Z").unwrap();
    expr.value(&ProfileInput { traits: &read, events, as_of })
}

fn gives(text: &str) -> (Kind, Value) {
    let expr = Expr::compile_value(text, &scope()).unwrap_or_else(|error| panic!("{text}: {error}"));
    let values = BTreeMap::from([
        ("ltv", number("1000.10")),
        ("visits", 7.into()),
        ("orders", 0.into()),
        ("last_seen_at", Value::Instant(Timestamp::parse_rfc3339("2026-03-01T12:00:00Z").unwrap())),
        ("topics", Value::List(vec!["crm".into(), "cdp".into()])),
        ("vip", true.into()),
        ("segments.customers", true.into()),
    ]);
    (expr.kind(), eval(&expr, &values, &|place| if place == 0 { 5.into() } else { number("12.5") }))
}

#[test]
fn a_formula_has_a_value_of_a_kind_that_is_known_before_it_runs() {
    let cases = [
        ("ltv + 0.2", Kind::Number, number("1000.3")),
        // Exact, as f64 is not.
        ("0.1 + 0.2", Kind::Number, number("0.3")),
        ("ltv / 4", Kind::Number, number("250.025")),
        ("ltv / max(orders, 1)", Kind::Number, number("1000.1")),
        ("visits / 2", Kind::Integer, 3.into()),
        ("double(visits) / 2", Kind::Number, number("3.5")),
        ("visits * 1.5", Kind::Number, number("10.5")),
        ("vip ? 1 : 0.5", Kind::Number, 1.into()),
        ("vip ? ltv : null", Kind::Number, number("1000.1")),
        ("coalesce(country, \"unknown\")", Kind::Text, "unknown".into()),
        ("ltv > 500 && vip", Kind::Bool, true.into()),
        ("days_since(last_seen_at)", Kind::Integer, 4.into()),
        ("last_seen_at + duration(\"1d\")", Kind::Instant, Value::Instant(Timestamp::from_secs(1_772_452_800))),
        ("topics", Kind::List, Value::List(vec!["crm".into(), "cdp".into()])),
        ("count(\"page\") / 2", Kind::Integer, 2.into()),
        ("count(\"page\") + sum(\"Order Completed\", \"revenue\")", Kind::Number, number("17.5")),
    ];
    for (text, kind, value) in cases {
        assert_eq!(gives(text), (kind, value), "{text}");
    }
}

#[test]
fn without_an_answer_it_is_null() {
    let max = "79000000000000000000000000000.0";
    for text in ["ltv / orders", "visits / orders", "ltv + aov", "aov", &format!("ltv * {max}"), "ltv / 0"] {
        assert_eq!(gives(text).1, Value::Null, "{text}");
    }
}

#[test]
fn a_formula_without_a_kind_is_refused() {
    for (text, message, help) in [
        ("null", "null null has no kind that a trait can have", "int(…)"),
        ("topics[0]", "a value has no kind that a trait can have", "string(…)"),
        ("last_seen_at - last_seen_at", "a duration has no kind that a trait can have", "double(…)"),
    ] {
        let error = Expr::compile_value(text, &scope()).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (ExprErrorCode::E033, message), "{text}");
        assert!(error.help.is_some_and(|have| have.contains(help)), "{text}");
    }
}

#[test]
fn what_is_asked_of_events_is_listed_once() {
    let text = r#"count("page", "14d") > 1 && sum("Order Completed", "revenue", "90d") > 5.0 && count("page") > 0
        && count("page", "14d") < 9 && count("page", "path.startsWith('/pricing')", "2w") > 0"#;
    let expr = Expr::compile(text, &scope()).unwrap();
    let on = |event: &str, property: Option<&str>, days| EventPredicate {
        event: event.into(),
        property: property.map(Into::into),
        window: Some(DAY * days),
        condition: None,
    };
    let mut all = on("page", None, 1);
    all.window = None;
    let mut pricing = on("page", None, 14);
    pricing.condition = Some(Expr::compile("path.startsWith('/pricing')", &Scope::event()).unwrap());
    let want = [on("page", None, 14), on("Order Completed", Some("revenue"), 90), all, pricing];
    assert_eq!(expr.predicates(), want);
    let answers = [2.into(), number("5.01"), 9.into(), 1.into()];
    let holds = |answers: &[Value; 4]| {
        let null = Value::Null;
        let events = |place: usize| answers[place].clone();
        expr.holds(&ProfileInput { traits: &|_| &null, events: &events, as_of: Timestamp::EPOCH })
    };
    assert!(holds(&answers));
    assert!(!holds(&[2.into(), 5.into(), 9.into(), 1.into()]), "5 is not above 5.0");
}

#[test]
fn names_and_segments_are_listed_and_nobody_judged_is_in_none() {
    let expr = Expr::compile(r#"in_segment("customers") && !in_segment("churn_risk") && ltv > 0.0"#, &scope()).unwrap();
    let names: Vec<&str> = expr.names().map(|name| &**name).collect();
    assert_eq!(names, ["ltv", "segments.churn_risk", "segments.customers"]);
    assert_eq!(gives(r#"in_segment("customers")"#), (Kind::Bool, true.into()));
    assert_eq!(gives(r#"in_segment("churn_risk")"#), (Kind::Bool, false.into()));
}

#[test]
fn a_where_sees_one_event_and_no_person() {
    for text in ["count(\"page\") > 1", "in_segment(\"customers\")", "sum(\"a\", \"b\") > 1"] {
        let error = Expr::compile(text, &Scope::event()).unwrap_err();
        assert_eq!(error.code, ExprErrorCode::E035, "{text}");
        assert!(error.message.contains("looks at all of a person"), "{}", error.message);
    }
}

proptest! {
    #[test]
    fn sums_of_money_are_exact(amounts in proptest::collection::vec(-99_999_999i64..99_999_999, 1..12)) {
        // Each amount in cents; the oracle adds whole cents.
        let text = amounts.iter().map(|cents| format!("({})", Decimal::new(*cents, 2))).collect::<Vec<_>>().join(" + ");
        let expr = Expr::compile_value(&text, &scope()).unwrap();
        let value = eval(&expr, &BTreeMap::new(), &|_| Value::Null);
        prop_assert_eq!(value, Value::Number(Decimal::new(amounts.iter().sum(), 2).normalize()));
    }
}
