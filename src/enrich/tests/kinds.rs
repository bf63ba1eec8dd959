//! Traits of every kind that the file can ask for, beyond counting.

use super::shop::money;
use super::*;
use crate::expr::Kind;

fn model(traits: Vec<(&str, TraitRule, Option<Duration>)>) -> Log {
    let traits = traits.into_iter().map(|(name, rule, window)| TraitSpec { name: name.into(), rule, window }).collect();
    let mut spec = ModelSpec { traits, scores: Vec::new(), ..preset::b2b() };
    spec.rates.set_constant("USD", "0.90".parse().unwrap());
    Log { model: Model::new(spec), facts: Vec::new(), events: 0 }
}

fn on(event: &str) -> EventMatch {
    EventMatch::events([event])
}

fn fold(fold: Fold, currency: Option<&str>) -> TraitRule {
    TraitRule::Fold(fold, on("Paid"), Amount { property: "value".into(), currency: currency.map(Into::into) })
}

#[test]
fn numbers_become_one() {
    let mut log = model(vec![
        ("sum", fold(Fold::Sum, None), None),
        ("avg", fold(Fold::Avg, None), None),
        ("min", fold(Fold::Min, None), None),
        ("max", fold(Fold::Max, None), None),
        ("first", fold(Fold::First, None), None),
        ("last", fold(Fold::Last, None), None),
        ("money", fold(Fold::Sum, Some("currency")), None),
        ("mean", fold(Fold::Avg, Some("currency")), None),
    ]);
    let empty = log.as_of("2026-03-10T00:00:00Z");
    for (name, value) in &empty.traits {
        let want = if ["sum", "money"].contains(&&**name) { money("0") } else { Value::Null };
        assert_eq!(*value, want, "{name}");
    }
    log.track("2026-03-01T00:00:00Z", "Paid", "", r#"{"value":10.05,"currency":"USD"}"#);
    log.track("2026-03-02T00:00:00Z", "Paid", "", r#"{"value":"-2","currency":"EUR"}"#);
    log.track("2026-03-03T00:00:00Z", "Paid", "", r#"{"value":0.2}"#);
    log.track("2026-03-04T00:00:00Z", "Paid", "", r#"{"value":true}"#);
    let computed = log.as_of("2026-03-10T00:00:00Z");
    let want = [
        ("sum", "8.25"),
        ("avg", "2.75"),
        ("min", "-2"),
        ("max", "10.05"),
        ("first", "10.05"),
        ("last", "0.2"),
        // 9.045 is halfway, and 4 is even.
        ("money", "7.24"),
        ("mean", "2.41"),
    ];
    for (name, value) in want {
        assert_eq!(computed.traits[name], money(value), "{name}");
    }
    log.track("2026-03-05T00:00:00Z", "Paid", "", r#"{"value":1,"currency":"GBP"}"#);
    let computed = log.as_of("2026-03-10T00:00:00Z");
    assert_eq!((&computed.traits["money"], &computed.traits["money_incomplete"]), (&money("7.24"), &true.into()));
    assert_eq!(computed.traits["avg"], money("2.3125"));
    // Without a rate it does not count, and whoever asks is told so.
    let end = at("2026-03-10T00:00:00Z");
    let left_out = |log: &Log| {
        let explained = log.model.explain(&Person::of(&log.facts, &[], end), "money").unwrap();
        explained.evidence.iter().map(|one| one.left_out).collect::<Vec<_>>()
    };
    assert_eq!(left_out(&log), [None, None, None, Some("no exchange rate")]);
    // What no decimal holds any more is left out of a sum, and the rest of it stands.
    let most = "79228162514264337593543950335";
    log.track("2026-03-06T00:00:00Z", "Paid", "", &format!(r#"{{"value":{most},"currency":"EUR"}}"#));
    assert_eq!(log.as_of("2026-03-10T00:00:00Z").traits["money"], money("7.24"));
}

#[test]
fn values_are_listed_and_the_most_frequent_is_found() {
    let frequent = |weights: Vec<(Arc<str>, u32)>, min_count| {
        let on = EventMatch::events(["Seen", "Taken"]);
        TraitRule::MostFrequent(Frequent { on, property: "kind".into(), weights, min_count })
    };
    let mut log = model(vec![
        ("all", TraitRule::UniqueList(on("Seen"), "kind".into()), Some(DAY * 7)),
        ("plain", frequent(Vec::new(), 1), Some(DAY * 7)),
        ("often", frequent(Vec::new(), 3), None),
        ("weighed", frequent(vec![("taken".into(), 5)], 1), None),
    ]);
    assert!(log.as_of("2026-03-10T00:00:00Z").traits.values().all(Value::is_null));
    for (day, name, kind) in [(1, "Seen", "b"), (2, "Seen", "a"), (3, "Seen", "b"), (3, "Taken", "c"), (4, "Seen", "a")]
    {
        log.track(&format!("2026-03-0{day}T00:00:00Z"), name, "", &format!(r#"{{"kind":"{kind}"}}"#));
    }
    let computed = log.as_of("2026-03-04T12:00:00Z");
    assert_eq!(computed.traits["all"], Value::List(vec!["a".into(), "b".into()]));
    assert_eq!(computed.traits["plain"], "a".into(), "two each");
    assert_eq!(computed.traits["often"], Value::Null);
    assert_eq!(computed.traits["weighed"], "c".into());
    assert_eq!(computed.due_at, Some(at("2026-03-08T00:00:00Z")));
    assert_eq!(log.as_of("2026-03-10T00:00:00Z").traits["plain"], "a".into());
}

#[test]
fn ratios_and_trends_compare() {
    let mut log = model(vec![
        ("rate", TraitRule::Ratio(on("Won"), on("Played")), Some(DAY * 30)),
        ("trend", TraitRule::Trend(on("Played")), Some(DAY * 7)),
    ]);
    let of = |log: &Log| {
        let computed = log.as_of("2026-03-20T00:00:00Z");
        (computed.traits["rate"].clone(), computed.traits["trend"].clone())
    };
    assert_eq!(of(&log), (Value::Null, "dormant".into()));
    log.track("2026-03-10T00:00:00Z", "Played", "", "{}");
    assert_eq!(of(&log), (0.into(), "falling".into()));
    log.track("2026-03-18T00:00:00Z", "Played", "", "{}");
    log.track("2026-03-18T00:00:00Z", "Won", "", "{}");
    log.track("2026-03-19T00:00:00Z", "Played", "", "{}");
    assert_eq!(of(&log), (money("0.333333"), "rising".into()));
}

#[test]
fn formulas_read_traits_each_after_those_it_names() {
    let scope = || {
        let names = [("paid", Kind::Number), ("times", Kind::Integer), ("each", Kind::Number), ("twice", Kind::Number)];
        crate::expr::Scope::profile(names)
    };
    let formula = |text: &str| TraitRule::Formula(Expr::compile_value(text, &scope()).unwrap());
    let mut log = model(vec![
        ("twice", formula("each * 2"), None),
        ("each", formula("paid / times"), None),
        ("recent", formula(r#"count("Paid", "7d") + sum("Paid", "value", "7d")"#), None),
        ("paid", fold(Fold::Sum, None), None),
        ("times", TraitRule::Count(on("Paid")), None),
    ]);
    let empty = log.as_of("2026-03-10T00:00:00Z");
    assert_eq!((&empty.traits["each"], &empty.traits["twice"]), (&Value::Null, &Value::Null), "divided by nothing");
    assert_eq!(empty.traits["recent"], 0.into());
    log.track("2026-03-01T00:00:00Z", "Paid", "", r#"{"value":10}"#);
    log.track("2026-03-05T00:00:00Z", "Paid", "", r#"{"value":0.5}"#);
    log.track("2026-03-06T00:00:00Z", "Paid", "", r#"{"value":3}"#);
    let computed = log.as_of("2026-03-08T00:00:00Z");
    assert_eq!((&computed.traits["each"], &computed.traits["twice"]), (&money("4.5"), &money("9")));
    assert_eq!(computed.traits["recent"], money("5.5"));
    assert_eq!(computed.due_at, Some(at("2026-03-12T00:00:00Z")));
    let explained = log.model.explain(&Person::of(&log.facts, &[], at("2026-03-08T00:00:00Z")), "twice").unwrap();
    assert_eq!((explained.value, explained.how.as_str()), (money("9"), "each * 2"));
    let round = ModelSpec {
        traits: vec![
            TraitSpec { name: "each".into(), rule: formula("twice"), window: None },
            TraitSpec { name: "twice".into(), rule: formula("each"), window: None },
        ],
        ..preset::b2b()
    };
    let cycle: Vec<String> = round.formula_order().unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(cycle, ["each", "twice", "each"]);
}

#[test]
fn mail_days_topics_and_answers() {
    let mut log = Log { model: Model::new(preset::b2b()), facts: Vec::new(), events: 0 };
    assert_eq!(log.as_of("2026-03-10T00:00:00Z").traits["email_status"], "ok".into());
    for (minute, name, email) in [(1, "Email Opened", "e-1"), (2, "Email Opened", "e-1"), (3, "Email Opened", "e-2")] {
        log.track(&format!("2026-03-01T10:0{minute}:00Z"), name, "", &format!(r#"{{"email_id":"{email}"}}"#));
    }
    log.track("2026-03-01T10:05:00Z", "Email Link Clicked", "", r#"{"email_id":"e-2","link_url":"u"}"#);
    // A machine's: opened within two seconds of its delivery.
    log.track("2026-03-02T10:00:00Z", "Email Delivered", "", r#"{"email_id":"e-3"}"#);
    log.track("2026-03-02T10:00:01Z", "Email Opened", "", r#"{"email_id":"e-3"}"#);
    log.page("2026-03-03T23:59:00Z", "a", "/pricing/eu");
    log.page("2026-03-04T00:01:00Z", "a", "/pricing-old");
    log.page("2026-03-04T00:02:00Z", "a", "/docs");
    log.page("2026-03-05T00:02:00Z", "a", "/docs/api");
    log.track("2026-03-05T08:00:00Z", "Email Bounced", "", "{}");
    log.track("2026-03-05T09:00:00Z", "Survey Completed", "", r#"{"type":"NPS","score":9}"#);
    log.track("2026-03-05T10:00:00Z", "Survey Completed", "", r#"{"type":"csat","score":2}"#);
    let computed = log.as_of("2026-03-05T12:00:00Z");
    let want = [
        ("emails_opened_30d", 2.into()),
        ("emails_clicked_30d", 1.into()),
        ("last_email_click_at", Value::Instant(at("2026-03-01T10:05:00Z"))),
        ("email_status", "bounced".into()),
        ("days_active_30d", 3.into()),
        ("last_page", "/docs/api".into()),
        ("intent_topics", Value::List(vec!["docs".into()])),
        ("nps_last", 9.into()),
        ("engagement_trend", "new".into()),
        ("first_seen_at", Value::Instant(at("2026-03-01T10:01:00Z"))),
        ("health", Value::Null),
        ("lifecycle", "lead".into()),
    ];
    for (name, value) in want {
        assert_eq!(computed.traits[name], value, "{name}");
    }
    let asked = Person::of(&log.facts, &[], at("2026-03-05T12:00:00Z"));
    let trend = log.model.explain(&asked, "engagement_trend").unwrap().evidence;
    assert!(trend.len() >= 5 && trend.is_sorted_by_key(|one| one.at), "every sign of life is behind it: {trend:?}");
    log.track("2026-03-06T08:00:00Z", "Unsubscribed", "", "{}");
    assert_eq!(log.as_of("2026-03-06T12:00:00Z").traits["email_status"], "unsubscribed".into());
    log.track("2026-03-07T08:00:00Z", "Subscription Confirmed", "", "{}");
    assert_eq!(log.as_of("2026-03-07T12:00:00Z").traits["email_status"], "ok".into());
    // Two looks fade below one after not quite a fortnight.
    assert_eq!(log.as_of("2026-03-30T12:00:00Z").traits["intent_topics"], Value::Null);
}
