//! Scores and traits of the worked example, figure for figure; caps, reasons and times.

use super::*;

pub(super) fn ada() -> Log {
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
    assert_eq!(number(&a8, "score_reasons"), Value::from("Demo form +17.0; Pricing page +5.2; Page view +2.5"));
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
        products: None,
    };
    let won = Deal { connection: "crm".into(), id: "O-1".into(), facts: facts.clone(), order_id: None };
    let deal = |id: &str, change: &dyn Fn(&mut DealFacts)| {
        let mut facts = facts.clone();
        change(&mut facts);
        Deal { connection: "crm".into(), id: id.into(), facts, order_id: None }
    };
    let log = ada();
    let as_of = at("2026-03-20T15:05:00Z");
    let computed = log.model.compute(&Person::of(&log.facts, std::slice::from_ref(&won), as_of));
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
    let computed = log.model.compute(&Person::of(&log.facts, &[won.clone(), open, foreign.clone()], as_of));
    assert_eq!(number(&computed, "won_deals"), Value::from(2));
    assert_eq!(number(&computed, "won_revenue"), Value::from(12_000));
    assert_eq!(number(&computed, "won_revenue_incomplete"), Value::from(true));

    let mut spec = example();
    spec.rates.set_constant("USD", "0.90".parse().unwrap());
    let computed = Model::new(spec).compute(&Person::of(&[], &[won, foreign], as_of));
    assert_eq!(number(&computed, "won_revenue"), Value::from(12_090));
    assert_eq!(number(&computed, "won_revenue_incomplete"), Value::from(false));
    let nothing = Model::new(example()).compute(&Person::of(&[], &[], as_of));
    assert_eq!(nothing.traits.get("won_revenue_incomplete"), None, "who bought nothing has nothing to leave out");
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
    spec.scores[0].max = 12.0;
    rules(&mut spec).decay = Decay::Never;
    events(&mut spec, 0).per_day = Some(2);
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
    assert_eq!(number(&computed, "score_reasons"), Value::from("Pricing page +15.0; Page view +4.0 (capped)"));
    // Negative sums stay at zero.
    log.track("2026-03-02T09:00:00Z", "Unsubscribed", "", "{}");
    assert_eq!(log.as_of("2026-03-03T00:00:00Z").scores[0].value, 0.0);
}

#[test]
fn reasons_fit_a_text_field_and_are_null_when_nothing_counts() {
    assert_eq!(number(&Log::new().as_of("2026-03-01T00:00:00Z"), "score_reasons"), Value::Null);
    assert_eq!(number(&Log::new().as_of("2026-03-01T00:00:00Z"), "score_engagement"), Value::from(0));
    let mut spec = example();
    rules(&mut spec).rules[0].label = "ä".repeat(300).into();
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
    spec.scores.clear();
    spec.traits.retain(|spec| matches!(&*spec.name, "visits_30d" | "page_views_30d"));
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
