//! The worked example of `cdp-semantics` §9 and the numbers of §10, figure for figure, and what must hold for any input.

use std::sync::Arc;
use std::time::Duration;

use connector::{DealFacts, DealStatus, Timestamp, Value};
use proptest::prelude::*;

use super::*;
use crate::expr::{Expr, Scope};
use crate::model::{Computed, Deal, Event, EventKind, Fact, Identifier};

const DAY: Duration = Duration::from_secs(86_400);

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap_or_else(|| panic!("{text}"))
}

/// The engagement rules that §9 states.
fn example() -> ModelSpec {
    let on = |events: &[&str]| EventMatch::events(events.iter().copied());
    let when = |text: &str| Expr::compile(text, &Scope::event()).unwrap();
    let rule = |label: &str, on, points, max| ScoreRule {
        label: label.into(),
        on,
        points,
        max: Some(max),
        per_day: None,
        decay: None,
    };
    let rules = vec![
        rule("Page view", on(&["page", "screen"]), 1.0, 10.0),
        rule("Pricing page", on(&["page"]).when(when(r#"path.startsWith("/pricing")"#)), 5.0, 15.0),
        rule("Email click", on(&["Email Link Clicked"]), 3.0, 15.0),
        rule("Product viewed", on(&["Product Viewed"]), 2.0, 10.0),
        rule("Product added", on(&["Product Added"]), 4.0, 12.0),
        rule("Demo form", on(&["Form Submitted"]).when(when(r#"properties.form == "demo""#)), 30.0, 60.0),
        rule("Unsubscribed", on(&["Unsubscribed"]), -20.0, -20.0),
    ];
    let score = ScoreSpec { name: "engagement".into(), max: 100.0, decay: Decay::HalfLife(DAY * 14), rules };
    ModelSpec { score: Some(score), ..preset::b2b() }
}

struct Log {
    model: Model,
    facts: Vec<Fact>,
    events: i64,
}

impl Log {
    fn new() -> Self {
        Self { model: Model::new(example()), facts: Vec::new(), events: 0 }
    }

    fn add(&mut self, when: &str, kind: EventKind, name: &str, anonymous: &str, body: &str) {
        self.events += 1;
        let event = Event {
            source: "web".into(),
            message_id: format!("m-{}", self.events).into(),
            kind,
            name: (!name.is_empty()).then(|| name.into()),
            at: at(when),
            original_at: None,
            sent_at: None,
            received_at: at(when),
            identifiers: Identifier::anonymous_id(anonymous).into_iter().collect(),
            traits: Vec::new(),
            traits_are_weak: false,
            is_bot: false,
            body: body.into(),
        };
        let facts = self.model.facts(&event).into_iter().map(|fact| Fact { event: self.events, ..fact });
        self.facts.extend(facts);
    }

    fn page(&mut self, when: &str, anonymous: &str, path: &str) {
        self.add(when, EventKind::Page, "", anonymous, &format!(r#"{{"properties":{{"path":"{path}"}}}}"#));
    }

    fn track(&mut self, when: &str, name: &str, anonymous: &str, properties: &str) {
        self.add(when, EventKind::Track, name, anonymous, &format!(r#"{{"properties":{properties}}}"#));
    }

    fn as_of(&self, when: &str) -> Computed {
        self.model.compute(&self.facts, &[], at(when))
    }

    /// The engagement score and its parts at two decimals, as §9 prints them.
    fn engagement(&self, when: &str) -> (String, Vec<(String, String)>) {
        let computed = self.as_of(when);
        let score = computed.scores.first().unwrap();
        let parts = score.parts.iter().map(|part| (part.label.to_string(), format!("{:.2}", part.points)));
        (format!("{:.2}", score.value), parts.collect())
    }
}

fn parts(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(label, points)| ((*label).to_owned(), (*points).to_owned())).collect()
}

fn number(computed: &Computed, name: &str) -> Value {
    computed.traits.get(name).cloned().unwrap_or_else(|| panic!("{name}"))
}

fn ada() -> Log {
    let mut log = Log::new();
    let campaign =
        r#"{"properties":{"path":"/"},"context":{"campaign":{"source":"google","medium":"cpc","name":"spring"}}}"#;
    log.add("2026-03-02T09:00:00Z", EventKind::Page, "", "a-1", campaign);
    log.page("2026-03-02T09:10:00Z", "a-1", "/pricing");
    log.page("2026-03-02T09:45:00Z", "a-1", "/pricing");
    log
}

#[test]
fn ada_by_the_figures() {
    let mut log = ada();
    let a3 = log.as_of("2026-03-02T10:00:00Z");
    assert_eq!(number(&a3, "visits_30d"), Value::from(2));
    assert_eq!(number(&a3, "page_views_30d"), Value::from(3));
    assert_eq!(number(&a3, "pricing_views_30d"), Value::from(2));
    assert_eq!(number(&a3, "first_touch_source"), Value::from("google"));
    assert_eq!(
        log.engagement("2026-03-02T10:00:00Z"),
        ("12.98".into(), parts(&[("Pricing page", "9.99"), ("Page view", "3.00")]))
    );

    log.track("2026-03-04T08:00:00Z", "Form Submitted", "a-1", r#"{"form":"demo"}"#);
    log.add("2026-03-04T08:00:01Z", EventKind::Identify, "", "a-1", "{}");
    let a5 = log.engagement("2026-03-04T08:05:00Z");
    assert_eq!(a5, ("41.80".into(), parts(&[("Demo form", "29.99"), ("Pricing page", "9.08"), ("Page view", "2.72")])));

    log.add("2026-03-15T18:00:00Z", EventKind::Screen, "", "a-2", "{}");
    log.add("2026-03-15T18:05:00Z", EventKind::Identify, "", "a-2", "{}");
    let a8 = log.as_of("2026-03-15T18:10:00Z");
    assert_eq!(number(&a8, "visits_30d"), Value::from(3));
    assert_eq!(number(&a8, "page_views_30d"), Value::from(4));
    assert_eq!(number(&a8, "last_seen_at"), Value::Instant(at("2026-03-15T18:05:00Z")));
    assert_eq!(number(&a8, "score_engagement"), Value::from(25));
    assert_eq!(number(&a8, "score_reasons"), Value::from("Demo form +17, Pricing page +5 (2), Page view +3 (4)"));
    let a8 = log.engagement("2026-03-15T18:10:00Z");
    assert_eq!(a8, ("24.75".into(), parts(&[("Demo form", "17.04"), ("Pricing page", "5.16"), ("Page view", "2.55")])));
    assert_eq!(log.engagement("2026-03-20T15:05:00Z").0, "19.44");
    assert_eq!(log.engagement("2026-03-16T09:32:00Z").0, "23.98");
}

#[test]
fn adas_deal_is_won() {
    let facts = DealFacts {
        name: Some("O-1".into()),
        status: DealStatus::Won,
        stage: None,
        pipeline: None,
        amount: "12000".parse().ok(),
        currency: Some("EUR".into()),
        closed_at: Some(at("2026-03-20T15:00:00Z")),
        owner: None,
    };
    let won = Deal { connection: "hubspot".into(), id: "O-1".into(), facts: facts.clone() };
    let deal = |id: &str, change: &dyn Fn(&mut DealFacts)| {
        let mut facts = facts.clone();
        change(&mut facts);
        Deal { connection: "hubspot".into(), id: id.into(), facts }
    };
    let log = ada();
    let as_of = at("2026-03-20T15:05:00Z");
    let computed = log.model.compute(&log.facts, std::slice::from_ref(&won), as_of);
    assert_eq!(number(&computed, "won_deals"), Value::from(1));
    assert_eq!(number(&computed, "won_revenue"), Value::from(12_000));
    assert_eq!(number(&computed, "last_won_at"), Value::Instant(at("2026-03-20T15:00:00Z")));

    // A reopened deal drops out; one without a rate is left out and said so.
    let open = deal("O-2", &|facts| facts.status = DealStatus::Open);
    let foreign = deal("O-3", &|facts| {
        facts.currency = Some("USD".into());
        facts.amount = "100.00".parse().ok();
        facts.closed_at = Some(at("2026-03-03T10:00:00Z"));
    });
    let computed = log.model.compute(&log.facts, &[won.clone(), open, foreign.clone()], as_of);
    assert_eq!(number(&computed, "won_deals"), Value::from(2));
    assert_eq!(number(&computed, "won_revenue"), Value::from(12_000));
    assert_eq!(number(&computed, "won_revenue_incomplete"), Value::from(true));

    let mut spec = example();
    spec.rates.set_constant("USD", "0.90".parse().unwrap());
    let computed = Model::new(spec).compute(&[], &[won, foreign], as_of);
    assert_eq!(number(&computed, "won_revenue"), Value::from(12_090));
    assert_eq!(computed.traits.get("won_revenue_incomplete"), None);
}

#[test]
fn chen_dana_and_faisal_by_the_figures() {
    let mut chen = Log::new();
    chen.track("2026-03-05T07:00:00Z", "Email Link Clicked", "", "{}");
    chen.page("2026-03-05T07:00:30Z", "a-5", "/pricing");
    chen.page("2026-03-05T07:02:00Z", "a-5", "/docs");
    assert_eq!(
        chen.engagement("2026-03-06T07:00:00Z"),
        ("9.52".into(), parts(&[("Pricing page", "4.76"), ("Email click", "2.86"), ("Page view", "1.90")]))
    );
    assert_eq!(number(&chen.as_of("2026-03-06T07:00:00Z"), "visits_30d"), Value::from(1));

    let mut dana = Log::new();
    dana.track("2026-03-01T20:00:00Z", "Product Viewed", "a-9", "{}");
    dana.track("2026-03-01T20:01:00Z", "product_added", "a-9", "{}");
    assert_eq!(
        dana.engagement("2026-03-02T20:02:00Z"),
        ("5.71".into(), parts(&[("Product added", "3.81"), ("Product viewed", "1.90")]))
    );
    assert_eq!(
        dana.engagement("2026-03-15T20:02:00Z"),
        ("3.00".into(), parts(&[("Product added", "2.00"), ("Product viewed", "1.00")]))
    );

    let mut faisal = Log::new();
    for minute in ["01", "02", "03"] {
        faisal.page(&format!("2026-03-01T08:{minute}:00Z"), "a-f", "/pricing");
    }
    faisal.track("2026-03-01T08:10:00Z", "Form Submitted", "a-f", r#"{"form":"demo"}"#);
    assert_eq!(
        faisal.engagement("2026-03-01T08:15:00Z"),
        ("47.99".into(), parts(&[("Demo form", "29.99"), ("Pricing page", "14.99"), ("Page view", "3.00")]))
    );
    faisal.track("2026-03-02T08:00:00Z", "Unsubscribed", "", "{}");
    assert_eq!(
        faisal.engagement("2026-03-02T08:00:00Z"),
        (
            "25.69".into(),
            parts(&[
                ("Demo form", "28.56"),
                ("Unsubscribed", "-20.00"),
                ("Pricing page", "14.28"),
                ("Page view", "2.86")
            ])
        )
    );
}

#[test]
fn points_fade_by_the_figures() {
    let half = |days: u64| Decay::HalfLife(DAY * u32::try_from(days).unwrap());
    let linear = Decay::Linear { share: 0.5, every: DAY * 30 };
    let cases = [
        (30.0, 7.0, half(14), "21.21"),
        (30.0, 20.5, half(14), "10.87"),
        (10.0, 3.0, half(7), "7.43"),
        (50.0, 45.0, half(30), "17.68"),
        (5.0, 1.0 / 24.0, half(14), "4.99"),
        (-20.0, 14.0, half(14), "-10.00"),
        (10.0, 30.0, linear, "5.00"),
        (10.0, 45.0, linear, "2.50"),
        (10.0, 60.0, linear, "0.00"),
        (10.0, 90.0, linear, "0.00"),
        (10.0, 89.9, Decay::Expires(DAY * 90), "10.00"),
        (10.0, 90.0, Decay::Expires(DAY * 90), "0.00"),
        (-30.0, 900.0, Decay::Never, "-30.00"),
    ];
    for (points, days, decay, want) in cases {
        assert_eq!(format!("{:.2}", faded(points, days * 86_400.0, decay)), want, "{points} {days} {decay:?}");
    }
}

#[test]
fn caps_hold_per_day_and_per_rule() {
    let mut spec = example();
    let score = spec.score.as_mut().unwrap();
    score.decay = Decay::Never;
    score.max = 12.0;
    score.rules[0].per_day = Some(2);
    let mut log = Log { model: Model::new(spec), facts: Vec::new(), events: 0 };
    for minute in 0..4 {
        log.page(&format!("2026-03-01T08:0{minute}:00Z"), "a", "/");
    }
    for minute in 0..3 {
        log.page(&format!("2026-03-02T08:0{minute}:00Z"), "a", "/pricing");
    }
    let computed = log.as_of("2026-03-03T00:00:00Z");
    let score = computed.scores.first().unwrap();
    let shown: Vec<_> = score.parts.iter().map(|part| (&*part.label, part.points, part.matches)).collect();
    assert_eq!(shown, [("Pricing page", 15.0, 3), ("Page view", 4.0, 4)]);
    assert_eq!((score.value, score.capped), (12.0, true));
    assert_eq!(number(&computed, "score_reasons"), Value::from("Pricing page +15 (3), Page view +4 (4) (capped)"));
    // Negative sums stay at zero.
    log.track("2026-03-02T09:00:00Z", "Unsubscribed", "", "{}");
    assert_eq!(log.as_of("2026-03-03T00:00:00Z").scores[0].value, 0.0);
}

#[test]
fn reasons_fit_a_text_field_and_are_null_when_nothing_counts() {
    assert_eq!(number(&Log::new().as_of("2026-03-01T00:00:00Z"), "score_reasons"), Value::Null);
    assert_eq!(number(&Log::new().as_of("2026-03-01T00:00:00Z"), "score_engagement"), Value::from(0));
    let mut spec = example();
    let score = spec.score.as_mut().unwrap();
    score.rules[0].label = "ä".repeat(300).into();
    let mut log = Log { model: Model::new(spec), facts: Vec::new(), events: 0 };
    log.page("2026-03-01T08:00:00Z", "a", "/");
    let Value::Text(text) = number(&log.as_of("2026-03-01T08:00:00Z"), "score_reasons") else { panic!() };
    assert_eq!(text.chars().count(), 255);
}

#[test]
fn results_say_when_they_change_by_themselves() {
    let mut log = ada();
    // Fading points: the next midnight. Nothing fading: the next window boundary.
    assert_eq!(log.as_of("2026-03-02T10:00:00Z").due_at, Some(at("2026-03-03T00:00:00Z")));
    let mut spec = example();
    spec.score = None;
    log.model = Model::new(spec);
    assert_eq!(log.as_of("2026-03-02T10:00:00Z").due_at, Some(at("2026-04-01T09:00:00Z")));
    let before = log.as_of("2026-04-01T08:59:59.999999Z");
    let after = log.as_of("2026-04-01T09:00:00Z");
    assert_eq!((number(&before, "visits_30d"), number(&after, "visits_30d")), (Value::from(2), Value::from(1)));
    assert_eq!(after.due_at, Some(at("2026-04-01T09:10:00Z")));
    assert_eq!(log.as_of("2026-06-01T00:00:00Z").due_at, None);
    // Events after the instant do not count, and are waited for.
    let early = log.as_of("2026-03-02T09:05:00Z");
    assert_eq!(number(&early, "page_views_30d"), Value::from(1));
    assert_eq!(early.due_at, Some(at("2026-03-02T09:10:00Z")));
}

#[test]
fn a_late_event_fuses_sessions() {
    let mut log = ada();
    log.page("2026-03-02T09:30:00Z", "a-1", "/docs");
    assert_eq!(number(&log.as_of("2026-03-02T10:00:00Z"), "visits_30d"), Value::from(1));
}

#[test]
fn sessions_follow_the_sdk_and_the_stream() {
    let page = |log: &mut Log, when: &str, anonymous: &str, context: &str| {
        log.add(when, EventKind::Page, "", anonymous, &format!(r#"{{"context":{context}}}"#));
    };
    let mut log = Log::new();
    page(&mut log, "2026-03-02T09:00:00Z", "a", r#"{"sessionId":1}"#);
    page(&mut log, "2026-03-02T09:01:00Z", "a", r#"{"sessionId":2}"#);
    page(&mut log, "2026-03-02T09:02:00Z", "b", "{}");
    page(&mut log, "2026-03-02T09:32:00Z", "b", "{}");
    // No stream: seen, but no session.
    page(&mut log, "2026-03-02T09:40:00Z", "", "{}");
    // A session without a view is no visit; a server's track is no session.
    log.track("2026-03-02T09:41:00Z", "Signed In", "c", "{}");
    log.add("2026-03-02T09:42:00Z", EventKind::Track, "Signed In", "d", r#"{"channel":"server"}"#);
    // Inactive: nobody is there.
    page(&mut log, "2026-03-02T09:50:00Z", "e", r#"{"active":false}"#);
    let computed = log.as_of("2026-03-02T10:00:00Z");
    assert_eq!(number(&computed, "visits_30d"), Value::from(5));
    assert_eq!(number(&computed, "page_views_30d"), Value::from(6));
    assert_eq!(number(&computed, "last_seen_at"), Value::Instant(at("2026-03-02T09:41:00Z")));
}

#[test]
fn the_first_touch_with_a_source_counts() {
    let page =
        |url: &str, referrer: &str| format!(r#"{{"context":{{"page":{{"url":"{url}","referrer":"{referrer}"}}}}}}"#);
    let cases = [
        ("https://acme.example/?utm_source=News%20Letter&gclid=x", "", Some("news letter")),
        ("https://acme.example/?gclid=x", "https://www.bing.com/", Some("google")),
        ("https://acme.example/?x=gclid", "https://www.bing.com/search?q=a", Some("bing")),
        ("https://acme.example/", "https://www.google.co.uk/", Some("google")),
        ("https://acme.example/", "https://t.co/abc", Some("twitter")),
        ("https://acme.example/", "https://blog.partner.example/post", Some("partner.example")),
        ("https://shop.acme.example/", "https://www.acme.example/", None),
        ("https://acme.example/", "https://login.own.example/", None),
        ("https://acme.example/", "not an address", None),
        ("", "", None),
    ];
    for (url, referrer, want) in cases {
        let mut spec = example();
        spec.own_domains = vec!["own.example".into()];
        let mut log = Log { model: Model::new(spec), facts: Vec::new(), events: 0 };
        log.add("2026-03-02T08:00:00Z", EventKind::Page, "", "a", "{}");
        log.add("2026-03-02T09:00:00Z", EventKind::Page, "", "a", &page(url, referrer));
        log.add("2026-03-02T10:00:00Z", EventKind::Page, "", "a", &page("https://acme.example/?utm_source=later", ""));
        let touch = number(&log.as_of("2026-03-02T12:00:00Z"), "first_touch_source");
        assert_eq!(touch, Value::from(want.unwrap_or("later")), "{url} {referrer}");
    }
    assert_eq!(number(&Log::new().as_of("2026-03-02T12:00:00Z"), "first_touch_source"), Value::Null);
    let mut direct = Log::new();
    direct.page("2026-03-02T09:00:00Z", "a", "/");
    assert_eq!(number(&direct.as_of("2026-03-02T12:00:00Z"), "first_touch_source"), Value::from("direct"));
}

fn own_traits() -> ModelSpec {
    let orders = || EventMatch::events(["Order Completed"]);
    let spec = |name: &str, rule, window| TraitSpec { name: name.into(), rule, window };
    let traits = vec![
        spec("orders", TraitRule::Count(orders()), None),
        spec("spent_7d", TraitRule::Sum(orders(), "revenue".into()), Some(DAY * 7)),
        spec("ever", TraitRule::Exists(orders()), Some(DAY * 7)),
        spec("first_plan", TraitRule::First(orders(), "plan".into()), None),
        spec("last_plan", TraitRule::Last(orders(), "plan".into()), None),
        spec("plans", TraitRule::UniqueCount(orders(), "properties.plan".into()), None),
        spec("days", TraitRule::DaysSince(orders()), None),
    ];
    ModelSpec { traits, score: None, ..preset::b2b() }
}

#[test]
fn own_traits_of_every_kind() {
    let mut log = Log { model: Model::new(own_traits()), facts: Vec::new(), events: 0 };
    let empty = log.as_of("2026-03-10T12:00:00Z");
    let values = |computed: &Computed| computed.traits.values().cloned().collect::<Vec<_>>();
    // days, ever, first_plan, last_plan, orders, plans, spent_7d
    let null = Value::Null;
    assert_eq!(values(&empty), [null.clone(), false.into(), null.clone(), null, 0.into(), 0.into(), 0.into()]);
    log.track("2026-03-01T12:00:00Z", "Order Completed", "", r#"{"revenue":10,"plan":"basic"}"#);
    log.track("2026-03-05T12:00:00Z", "order-completed", "", r#"{"revenue":19.90,"plan":"pro"}"#);
    log.track("2026-03-06T12:00:00Z", "ORDER_COMPLETED", "", r#"{"revenue":"0.05"}"#);
    log.track("2026-03-06T13:00:00Z", "Order Completed", "", r#"{"revenue":"much","plan":"pro"}"#);
    let full = log.as_of("2026-03-10T12:00:00Z");
    let spent = Value::Number("19.95".parse().unwrap());
    assert_eq!(values(&full), [3.into(), true.into(), "basic".into(), "pro".into(), 4.into(), 2.into(), spent]);
    assert_eq!(full.due_at, Some(at("2026-03-10T13:00:00Z")));
}

#[test]
fn crawlers_and_machines_mean_nothing() {
    let mut spec = own_traits();
    spec.traits[0].rule = TraitRule::Count(EventMatch::events(["page", "Email Opened"]));
    let model = Model::new(spec);
    let mut log = Log { model, facts: Vec::new(), events: 0 };
    log.add("2026-03-01T00:00:00Z", EventKind::Track, "Email Opened", "", r#"{"context":{"userAgent":"Mozilla/5.0"}}"#);
    assert_eq!(log.facts, []);
    let bot = Event {
        source: "web".into(),
        message_id: "m".into(),
        kind: EventKind::Page,
        name: None,
        at: at("2026-03-01T00:00:00Z"),
        original_at: None,
        sent_at: None,
        received_at: at("2026-03-01T00:00:00Z"),
        identifiers: Vec::new(),
        traits: Vec::new(),
        traits_are_weak: false,
        is_bot: true,
        body: "{}".into(),
    };
    assert_eq!(log.model.facts(&bot), []);
    assert_eq!(log.model.facts(&Event { is_bot: false, ..bot }).len(), 1);
}

#[test]
fn a_rule_is_another_rule_exactly_when_it_matches_otherwise() {
    let ids = |change: &dyn Fn(&mut ModelSpec)| {
        let mut spec = example();
        change(&mut spec);
        Model::new(spec).rule_ids()
    };
    let plain = ids(&|_| {});
    assert_eq!(ids(&|spec| spec.score.as_mut().unwrap().rules[0].points = 9.0), plain);
    assert_eq!(ids(&|spec| spec.traits[0].window = None), plain);
    assert_eq!(ids(&|spec| spec.score.as_mut().unwrap().rules[2].on.events = vec!["email_link_clicked".into()]), plain);
    assert_ne!(ids(&|spec| spec.own_domains = vec!["acme.example".into()]), plain);
    let other = Expr::compile(r#"path == "/pricing""#, &Scope::event()).unwrap();
    assert_ne!(ids(&|spec| spec.score.as_mut().unwrap().rules[1].on.condition = Some(other.clone())), plain);
}

#[test]
fn every_value_can_be_explained() {
    let mut log = ada();
    log.track("2026-03-04T08:00:00Z", "Form Submitted", "a-1", r#"{"form":"demo"}"#);
    let as_of = at("2026-03-04T08:05:00Z");
    let computed = log.model.compute(&log.facts, &[], as_of);
    for (name, _) in log.model.spec().outputs() {
        let explained = log.model.explain(&log.facts, &[], as_of, &name).unwrap();
        assert_eq!(explained.value, number(&computed, &name), "{name}");
    }
    let score = log.model.explain(&log.facts, &[], as_of, "score_engagement").unwrap();
    let sum: f64 = score.evidence.iter().filter_map(|one| one.points).sum();
    assert!((sum - score.exact.unwrap()).abs() < 1e-9);
    let events: Vec<_> = score.evidence.iter().map(|one| one.source.clone()).collect();
    assert_eq!(events, [1, 2, 3, 2, 3, 4].map(EvidenceSource::Event));
    let later = log.model.explain(&log.facts, &[], at("2026-04-01T09:00:00Z"), "page_views_30d").unwrap();
    assert_eq!(later.evidence[0].left_out, Some("outside the window"));
    assert_eq!(log.model.explain(&log.facts, &[], as_of, "unknown"), None);
}

fn any_log() -> impl Strategy<Value = Vec<Fact>> {
    let one = (0_u32..4, 0_i64..200, 0_usize..3, 0_usize..5);
    prop::collection::vec(one, 0..30).prop_map(|steps| {
        let mut log = Log { model: Model::new(merged_spec()), facts: Vec::new(), events: 0 };
        for (kind, minutes, who, what) in steps {
            let when =
                at("2026-03-02T00:00:00Z").saturating_add(Duration::from_secs(u64::try_from(minutes * 600).unwrap()));
            let who = ["a", "b", ""][who];
            let when = when.to_rfc3339();
            match kind {
                0 => log.page(&when, who, ["/", "/pricing", "/jobs", "/docs", "/pricing/x"][what]),
                1 => log.track(&when, "Form Submitted", who, r#"{"form":"demo"}"#),
                2 => log.track(
                    &when,
                    "Order Completed",
                    who,
                    &format!(r#"{{"revenue":{what}.{what},"plan":"p{what}"}}"#),
                ),
                _ => log.add(
                    &when,
                    EventKind::Page,
                    "",
                    who,
                    &format!(r#"{{"context":{{"campaign":{{"source":"s{what}"}}}}}}"#),
                ),
            }
        }
        log.facts
    })
}

fn merged_spec() -> ModelSpec {
    let mut spec = example();
    spec.traits.extend(own_traits().traits);
    spec.score.as_mut().unwrap().rules[0].per_day = Some(2);
    spec
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_arrival_changes_nothing(facts in any_log(), turn in 0_usize..30, hours in 0_u64..40) {
        let model = Model::new(merged_spec());
        let as_of = at("2026-03-02T00:00:00Z").saturating_add(Duration::from_secs(hours * 3_600));
        let mut turned = facts.clone();
        if !turned.is_empty() {
            let places = turn % turned.len();
            turned.rotate_left(places);
            turned.reverse();
        }
        prop_assert_eq!(model.compute(&facts, &[], as_of), model.compute(&turned, &[], as_of));
    }

    /// What comes after the instant is as if it had not happened, but for the time to look again.
    #[test]
    fn what_is_later_does_not_count(facts in any_log(), hours in 0_u64..40) {
        let model = Model::new(merged_spec());
        let as_of = at("2026-03-02T00:00:00Z").saturating_add(Duration::from_secs(hours * 3_600));
        let past: Vec<Fact> = facts.iter().filter(|fact| fact.at <= as_of).cloned().collect();
        let (all, only_past) = (model.compute(&facts, &[], as_of), model.compute(&past, &[], as_of));
        prop_assert_eq!(&all.traits, &only_past.traits);
        prop_assert_eq!(&all.scores, &only_past.scores);
        // Between now and the promised instant the traits (scores fade) stay as they are.
        let until = all.due_at.unwrap_or(as_of.saturating_add(DAY));
        let just_before = Timestamp::from_micros(until.micros() - 1).max(as_of);
        let later = model.compute(&facts, &[], just_before);
        let steady = |computed: &Computed| {
            computed.traits.iter().filter(|(name, _)| !name.starts_with("score_")).map(|(n, v)| (Arc::clone(n), v.clone())).collect::<Vec<_>>()
        };
        prop_assert_eq!(steady(&all), steady(&later));
    }
}
