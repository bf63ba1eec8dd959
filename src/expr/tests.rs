//! What expressions mean, by example.

use connector::{Timestamp, Value};
use rust_decimal::Decimal;

use super::*;
use crate::model::{Event, EventKind, Identifier};

fn event(body: &str) -> Event {
    Event {
        source: "web".into(),
        message_id: "m-1".into(),
        kind: EventKind::Track,
        name: Some("Form Submitted".into()),
        at: Timestamp::from_secs(1_772_000_000),
        original_at: None,
        sent_at: None,
        received_at: Timestamp::from_secs(1_772_000_000),
        identifiers: vec![Identifier::user_id("u-1").unwrap()],
        traits: Vec::new(),
        traits_are_weak: true,
        is_bot: false,
        body: body.into(),
    }
}

const BODY: &str = r#"{"channel":"browser","properties":{"path":"/pricing/eu","form":"demo","value":19.90,"count":10,
  "none":null,"tags":["a","b"],"products":[{"name":"Lamp","price":5},{"name":"Desk","price":50}]},
  "context":{"page":{"title":"VP of Ops","url":"https://acme.example/p?utm_source=x#top"}}}"#;

fn on_event(text: &str) -> bool {
    let expr = Expr::compile(text, &Scope::event()).unwrap_or_else(|error| panic!("{text}: {error}"));
    let body = Json::parse(BODY).unwrap();
    let event = event(BODY);
    expr.holds(&EventInput { event: &event, body: &body })
}

fn traits() -> Scope {
    Scope::profile([
        ("country", Kind::Text),
        ("lifecycle", Kind::Text),
        ("title", Kind::Text),
        ("ltv", Kind::Number),
        ("visits_30d", Kind::Integer),
        ("company.employees", Kind::Integer),
        ("last_seen_at", Kind::Instant),
        ("birthday", Kind::Date),
        ("vip", Kind::Bool),
        ("topics", Kind::List),
        ("segments.customers", Kind::Bool),
    ])
}

fn on_profile(text: &str) -> bool {
    let expr = Expr::compile(text, &traits()).unwrap_or_else(|error| panic!("{text}: {error}"));
    let values = std::collections::BTreeMap::from([
        ("lifecycle", Value::from("customer")),
        ("title", Value::from("VP Operations")),
        ("ltv", Value::Number("1000.10".parse::<Decimal>().unwrap())),
        ("visits_30d", Value::from(7)),
        ("company.employees", Value::from(200)),
        ("last_seen_at", Value::Instant(Timestamp::parse_rfc3339("2026-03-01T12:00:00Z").unwrap())),
        ("vip", Value::from(true)),
        ("topics", Value::List(vec!["crm".into(), "cdp".into()])),
    ]);
    let null = Value::Null;
    let read = |name: &str| values.get(name).unwrap_or(&null);
    // The closure lends from values of this function, so the input is built here.
    let as_of = Timestamp::parse_rfc3339("2026-03-05T11:59:59Z").unwrap();
    expr.holds(&ProfileInput { traits: &read, events: &|place| Value::from(place as i64 + 2), as_of })
}

fn fails(text: &str, scope: &Scope) -> ExprError {
    match Expr::compile(text, scope) {
        Ok(expr) => panic!("`{expr}` compiled"),
        Err(error) => error,
    }
}

#[test]
fn events_are_seen_through_names_and_open_json() {
    let yes = [
        r#"path.startsWith("/pricing")"#,
        r#"properties.form == "demo""#,
        r#"title.matches("(?i)\\b(vp|director)\\b")"#,
        r#"event == "Form Submitted" && type == "track" && source == "web" && channel == "browser""#,
        r#"url.contains("acme") && search == "?utm_source=x""#,
        r#"user_id == "u-1" && anonymous_id == null"#,
        "properties.value == 19.9",
        "properties.value > 19 && properties.value < 19.91",
        "properties.count / 4 == 2.5",
        "properties.none == null && !has(properties.none) && has(properties.form)",
        "properties.missing.deeper == null",
        r#""a" in properties.tags && !("c" in properties.tags)"#,
        r#"properties.products.exists(p, p.name == "Desk" && p.price >= 50)"#,
        "properties.products.all(p, p.price > 1)",
        r#"properties.products[1].name == "Desk""#,
        r#"properties["form"] == "demo""#,
        "size(properties.tags) == 2 && properties.form.size() == 4",
        r#"timestamp > timestamp("2026-01-01") && timestamp - timestamp("2026-01-01") > duration("36h")"#,
        r#"properties.form == "x" ? false : true"#,
    ];
    for text in yes {
        assert!(on_event(text), "{text}");
    }
    let no = [
        r#"properties.form == 5"#,
        r#"properties.missing == "x""#,
        r#"properties.missing != "x""#,
        "!(properties.missing > 5)",
        "properties.form > 5",
        "properties.products",
        "properties.products[7].name == \"x\"",
    ];
    for text in no {
        assert!(!on_event(text), "{text}");
    }
}

#[test]
fn profiles_compare_by_kind_and_null_has_no_answer() {
    let yes = [
        r#"lifecycle == "customer" && ltv > 1000"#,
        "ltv == 1000.1 && ltv * 2 == 2000.2",
        "visits_30d / 2 == 3 && visits_30d % 4 == 3",
        "ltv / max(visits_30d, 1) > 142",
        "company.employees >= 50 && company.employees <= 1000",
        "vip && !(country == \"DE\" && false)",
        r#"country == null || country == "DE""#,
        r#"vip || country == "DE""#,
        r#"coalesce(country, "AT") in ["DE", "AT", "CH"]"#,
        "days_since(last_seen_at) == 3",
        r#"lower(title).startsWith("vp")"#,
        r#""crm" in topics && topics.exists(t, t == "cdp")"#,
        r#"last_seen_at >= timestamp("2026-03-01")"#,
        "min(visits_30d, 3) == 3 && -visits_30d < 0",
        "has(ltv) && !has(birthday)",
        r#"double("1.5") + 1 == 2.5 && int(ltv) == 1000 && string(visits_30d) == "7""#,
    ];
    for text in yes {
        assert!(on_profile(text), "{text}");
    }
    let no = [r#"country == "DE""#, r#"country != "DE""#, r#"!(country == "DE")"#, "birthday < last_seen_at"];
    for text in no {
        assert!(!on_profile(text), "{text}");
    }
}

#[test]
fn problems_have_a_code_words_help_and_a_place() {
    let scope = traits();
    let cases: &[(&str, &str, &str, &str, &str)] = &[
        ("visits_30d >=", "E031", "expected a value after `>=`", "", ">="),
        ("visits_30d >= 1 visits_30d", "E031", "did not expect `visits_30d` after `1`", "", "visits_30d"),
        ("(vip", "E031", "`(` is never closed", "", "("),
        ("vip)", "E031", "`)` closes nothing", "", ")"),
        ("country = \"DE\"", "E031", "`=` is not a comparison", "use `==`", "="),
        ("vip and vip", "E031", "`and` is not an operator here", "use `&&`", "and"),
        ("not vip", "E031", "`not` is not an operator here", "use `!`", "not"),
        ("country == \"DE", "E031", "the text that opens with `\"` is never closed", "", "\"DE"),
        ("", "E031", "the expression is empty", "leave it out to match all", ""),
        ("contry == \"DE\"", "E032", "unknown name \"contry\"", "did you mean \"country\"?", "contry"),
        (
            "company.employes > 1",
            "E032",
            "unknown name \"company.employes\"",
            "did you mean \"company.employees\"?",
            "company.employes",
        ),
        ("country.code == \"DE\"", "E032", "unknown name \"country.code\"", "", "country.code"),
        ("country == 5", "E033", "expression compares text `country` with number 5", "quote it: \"5\"", "country == 5"),
        (
            "visits_30d == \"5\"",
            "E033",
            "expression compares number `visits_30d` with text \"5\"",
            "write it without quotes",
            "visits_30d == \"5\"",
        ),
        (
            "last_seen_at > \"2026-01-01\"",
            "E033",
            "expression compares date and time `last_seen_at` with text \"2026-01-01\"",
            "write timestamp(\"2026-01-01\")",
            "last_seen_at > \"2026-01-01\"",
        ),
        ("country in [\"DE\", 5]", "E033", "expression compares text `country` with number 5", "quote it: \"5\"", "5"),
        ("ltv > null", "E033", "`>` has no answer for null", "test absence with `== null` or `has()`", "ltv > null"),
        ("ltv", "E033", "a condition needs yes or no, found number `ltv`", "compare it with something", "ltv"),
        ("vip && ltv", "E033", "`&&` needs yes or no, found number `ltv`", "compare it with something", "ltv"),
        (
            "country + 5 == \"x\"",
            "E033",
            "`+` cannot be applied to text `country` and number 5",
            "convert with double(…) or string(…)",
            "country + 5",
        ),
        ("title.matches(\"(a\")", "E034", "regex error in `matches`: unclosed group", "", "\"(a\""),
        ("counts(\"x\") > 1", "E035", "unknown function \"counts\"", "did you mean \"count\"?", ""),
        (
            "count(5) >= 1",
            "E033",
            "`count` needs the name of an event in quotes",
            "like count(\"Trial Started\", \"14d\")",
            "5",
        ),
        (
            "count(\"a\", \"14days\") >= 1",
            "E033",
            "`count` takes one window, e.g. \"14d\", and one condition on the event",
            "",
            "\"14days\"",
        ),
        ("count() >= 1", "E035", "`count` is called with the wrong arguments", "", ""),
        ("count(\"page\", \"pth == 'x'\") >= 1", "E032", "unknown name \"pth\"", "did you mean \"path\"?", ""),
        ("!in_segment(\"custmers\")", "E032", "unknown segment \"custmers\"", "did you mean \"customers\"?", ""),
    ];
    for (text, code, message, help, place) in cases {
        let error = fails(text, &scope);
        assert_eq!((error.code.as_str(), error.message.as_str()), (*code, *message), "{text}");
        if !help.is_empty() {
            assert_eq!(error.help.as_deref(), Some(*help), "{text}");
        }
        if !place.is_empty() {
            assert_eq!(text.get(error.span.clone()), Some(*place), "{text}");
        }
    }
    let look_ahead = fails("title.matches(\"(?=a)\")", &scope);
    assert_eq!(look_ahead.code, ExprErrorCode::E034);
    assert!(look_ahead.message.contains("look-around"), "{}", look_ahead.message);
}

#[test]
fn spans_are_bytes_also_after_other_alphabets() {
    let text = "country == \"Österreich\" && contry == \"DE\"";
    let error = fails(text, &traits());
    assert_eq!(text.get(error.span), Some("contry"));
}

#[test]
fn what_is_too_long_or_too_deep_never_reaches_the_parser() {
    let scope = traits();
    let long = format!("country == \"{}\"", "x".repeat(MAX_LENGTH));
    let deep = format!("{}vip{}", "(".repeat(MAX_NESTING + 1), ")".repeat(MAX_NESTING + 1));
    let chain = format!("1{} > 0", " + 1".repeat(MAX_CHAIN + 1));
    let dots = format!("country{} == null", ".a".repeat(MAX_CHAIN + 1));
    let choices = format!("{}vip", "vip ? vip : ".repeat(MAX_CHAIN + 1));
    let both = format!("{}1{} > 0", "(1 + 1 + 1 + 1 + 1 + ".repeat(14), ")".repeat(14));
    let left = format!("{}1{} > 0", "(".repeat(14), " + 1 + 1 + 1 + 1 + 1)".repeat(14));
    for text in [long, deep, chain, dots, choices, both, left] {
        assert_eq!(fails(&text, &scope).code, ExprErrorCode::E031, "{}", &text[..40]);
    }
    let fits = [
        format!("{}vip{}", "(".repeat(MAX_NESTING), ")".repeat(MAX_NESTING)),
        format!("1{} > 0", " + 1".repeat(MAX_CHAIN - 1)),
        format!("{}vip", "vip ? vip : ".repeat(MAX_CHAIN / 2)),
        format!("{}1{} > 0", "(1 + 1 + ".repeat(14), ")".repeat(14)),
        format!("{}vip", "!".repeat(200)),
        format!("country in [{}\"DE\"]", "\"AT\", ".repeat(300)),
        format!("vip{}", " && vip".repeat(300)),
    ];
    let values = Value::Null;
    let read = |_: &str| &values;
    for text in fits {
        let expr = Expr::compile(&text, &scope).unwrap_or_else(|error| panic!("{}: {error}", &text[..20]));
        // On a test's small stack, as on a worker's.
        expr.holds(&ProfileInput { traits: &read, events: &|_| Value::Null, as_of: Timestamp::EPOCH });
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[a-z0-9 ().\\[\\]{}!&|=<>?:,+*/%\"'_-]{0,60}") {
        if let Err(error) = Expr::compile(&text, &traits()) {
            proptest::prop_assert!(text.get(error.span.clone()).is_some());
            proptest::prop_assert!(!error.message.is_empty());
        }
    }
}
