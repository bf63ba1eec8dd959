//! Traits of every kind, rule ids, explanations.

use super::example::ada;
use super::*;

pub(super) fn own_traits() -> ModelSpec {
    let orders = || EventMatch::events(["Order Completed"]);
    let spec = |name: &str, rule, window| TraitSpec { name: name.into(), rule, window };
    let traits = vec![
        spec("orders", TraitRule::Count(orders()), None),
        spec(
            "spent_7d",
            TraitRule::Fold(Fold::Sum, orders(), Amount { property: "revenue".into(), currency: None }),
            Some(DAY * 7),
        ),
        spec("ever", TraitRule::Exists(orders()), Some(DAY * 7)),
        spec("first_plan", TraitRule::First(orders(), "plan".into()), None),
        spec("last_plan", TraitRule::Last(orders(), "plan".into()), None),
        spec("plans", TraitRule::UniqueCount(orders(), "properties.plan".into()), None),
        spec("days", TraitRule::DaysSince(orders()), None),
    ];
    ModelSpec { traits, scores: Vec::new(), ..preset::b2b() }
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
    assert_eq!(ids(&|spec| events(spec, 0).points = 9.0), plain);
    assert_eq!(ids(&|spec| spec.traits[0].window = None), plain);
    assert_eq!(ids(&|spec| events(spec, 2).on.events = vec!["email_link_clicked".into()]), plain);
    assert_ne!(ids(&|spec| spec.own_domains = vec!["acme.example".into()]), plain);
    let other = Expr::compile(r#"path == "/pricing""#, &Scope::event()).unwrap();
    assert_ne!(ids(&|spec| events(spec, 1).on.condition = Some(other.clone())), plain);
}

#[test]
fn every_value_can_be_explained() {
    let mut log = ada();
    log.track("2026-03-04T08:00:00Z", "Form Submitted", "a-1", r#"{"form":"demo"}"#);
    let as_of = at("2026-03-04T08:05:00Z");
    let computed = log.model.compute(&Person::of(&log.facts, &[], as_of));
    for (name, _) in log.model.spec().outputs() {
        let explained = log.model.explain(&Person::of(&log.facts, &[], as_of), &name).unwrap();
        // Who bought nothing has nothing that could be left out.
        let nothing = Value::Bool(false);
        let value = if name.ends_with("_incomplete") { &nothing } else { &computed.traits[&name] };
        assert_eq!(explained.value, *value, "{name}");
    }
    let score = log.model.explain(&Person::of(&log.facts, &[], as_of), "score_engagement").unwrap();
    let sum: f64 = score.evidence.iter().filter_map(|one| one.points).sum();
    assert!((sum - score.exact.unwrap()).abs() < 1e-9);
    let events: Vec<_> = score.evidence.iter().map(|one| one.source.clone()).collect();
    assert_eq!(events, [1, 2, 3, 2, 3, 4].map(EvidenceSource::Event));
    let later = log.model.explain(&Person::of(&log.facts, &[], at("2026-04-01T09:00:00Z")), "page_views_30d").unwrap();
    assert_eq!(later.evidence[0].left_out, Some("outside the window"));
    let json = serde_json::to_value(&later.evidence[0]).unwrap();
    assert_eq!((&json["source"]["event"], &json["at"]), (&1.into(), &"2026-03-02T09:00:00Z".into()));
    assert_eq!(serde_json::to_value(&later).unwrap()["value"], 2);
    assert_eq!(log.model.explain(&Person::of(&log.facts, &[], as_of), "unknown"), None);
}
