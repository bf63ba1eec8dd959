//! Opens and clicks that machines made (`cdp-semantics` §1.6).

use super::*;

fn model() -> Model {
    let mut spec = example();
    let count = |name: &str, event: &str| TraitSpec {
        name: name.into(),
        rule: TraitRule::Count(EventMatch::events([event])),
        window: None,
    };
    spec.traits.push(count("opens", "Email Opened"));
    spec.traits.push(count("clicks", "Email Link Clicked"));
    Model::new(spec)
}

/// (what, second, email, link) → opens and clicks that count, and the minutes' seconds at which the person was last seen.
fn counted(mail: &[(&str, &str, &str, &str)]) -> (i64, i64, Value) {
    let mut log = Log { model: model(), facts: Vec::new(), events: 0 };
    for (what, second, email, link) in mail {
        let properties = format!(r#"{{"email_id":"{email}","link_url":"{link}"}}"#);
        log.track(&format!("2026-03-02T09:00:{second}Z"), what, "", &properties);
    }
    let computed = log.as_of("2026-03-02T10:00:00Z");
    let whole = |name: &str| match number(&computed, name) {
        Value::Number(number) => i64::try_from(number).unwrap(),
        other => panic!("{other:?}"),
    };
    // Whatever came first, the result is the same.
    log.facts.reverse();
    assert_eq!(log.as_of("2026-03-02T10:00:00Z"), computed);
    (whole("opens"), whole("clicks"), number(&computed, "last_seen_at"))
}

const D: &str = "Email Delivered";
const O: &str = "Email Opened";
const C: &str = "Email Link Clicked";

#[test]
fn an_open_within_two_seconds_of_the_delivery_is_a_machines() {
    assert_eq!(counted(&[(D, "00", "e1", ""), (O, "02", "e1", "")]).0, 0);
    assert_eq!(counted(&[(D, "00", "e1", ""), (O, "00", "e1", "")]).0, 0);
    assert_eq!(counted(&[(D, "00", "e1", ""), (O, "02.000001", "e1", "")]).0, 1);
    assert_eq!(counted(&[(D, "05", "e1", ""), (O, "04", "e1", "")]).0, 1);
    assert_eq!(counted(&[(D, "00", "e1", ""), (O, "01", "e2", "")]).0, 1);
    // Who does not say which e-mail may mean any.
    assert_eq!(counted(&[(D, "00", "", ""), (O, "01", "e2", "")]).0, 0);
    assert_eq!(counted(&[(D, "00", "e1", ""), (O, "01", "e1", ""), (O, "30", "e1", "")]).0, 1);
}

#[test]
fn three_links_within_ten_seconds_are_a_scanners() {
    let scan = [(D, "00", "e", ""), (C, "01", "e", "a"), (C, "05", "e", "b"), (C, "10", "e", "c"), (C, "20", "e", "a")];
    assert_eq!(counted(&scan), (0, 1, Value::Instant(at("2026-03-02T09:00:20Z"))));
    assert_eq!(counted(&scan[..4]), (0, 0, Value::Null));
    assert_eq!(counted(&[(D, "00", "e", ""), (C, "01", "e", "a"), (C, "05", "e", "b"), (C, "10.1", "e", "c")]).1, 3);
    assert_eq!(counted(&[(D, "00", "e", ""), (C, "01", "e", "a"), (C, "05", "e", "b"), (C, "06", "e", "b")]).1, 3);
    assert_eq!(counted(&[(D, "00", "f", ""), (C, "01", "e", "a"), (C, "05", "e", "b"), (C, "06", "e", "c")]).1, 3);
}

#[test]
fn a_scanner_gives_no_points() {
    let mut log = Log { model: model(), facts: Vec::new(), events: 0 };
    for (second, name, link) in [("00", D, ""), ("01", C, "a"), ("02", C, "b"), ("03", C, "c")] {
        log.track(&format!("2026-03-02T09:00:{second}Z"), name, "", &format!(r#"{{"link_id":"{link}"}}"#));
    }
    assert_eq!(log.engagement("2026-03-02T10:00:00Z").0, "0.00");
    // As of an instant at which only two links had been followed, nobody could tell.
    assert_eq!(log.engagement("2026-03-02T09:00:02Z").0, "6.00");
    assert_eq!(log.as_of("2026-03-02T09:00:02Z").due_at, Some(at("2026-03-02T09:00:03Z")));
}
