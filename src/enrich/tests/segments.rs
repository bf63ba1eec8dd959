//! Segments: conditions over everything that is known, memory, order, times.

use super::persons::{Somebody, when};
use super::*;
use crate::model::{Choice, ConsentDecision, Crossing, Purpose};

fn segment(name: &str, condition: &str) -> SegmentSpec {
    SegmentSpec { name: name.into(), when: when(condition), exit_when: None, min_stay: Duration::ZERO }
}

fn with(segments: Vec<SegmentSpec>) -> Somebody {
    Somebody::new(ModelSpec { segments, ..preset::b2b() })
}

fn told(computed: &Computed) -> Vec<(&str, Crossing, bool)> {
    computed.transitions.iter().map(|one| (&*one.name, one.direction, one.backfill)).collect()
}

#[test]
fn segments_see_traits_scores_consents_events_and_each_other() {
    // `both` stands first and reads the two after it.
    let mut one = with(vec![
        segment("both", r#"in_segment("readers") && in_segment("lively")"#),
        segment("lively", r#"count("Trial Started", "14d") >= 1 && score_engagement > 20"#),
        segment("readers", r#"page_views_30d >= 2 && consent.marketing == "granted""#),
    ]);
    one.log.page("2026-03-01T08:00:00Z", "a", "/");
    one.log.page("2026-03-01T08:01:00Z", "a", "/");
    one.log.track("2026-03-01T08:02:00Z", "Trial Started", "a", "{}");
    let first = one.pass(at("2026-03-01T09:00:00Z"));
    assert_eq!(told(&first), [("lively", Crossing::In, false)]);
    assert_eq!(number(&first, "segments.both"), false.into());
    assert_eq!(number(&first, "segments"), Value::List(vec!["lively".into()]));
    let stamp = at("2026-03-01T09:30:00Z");
    one.consents.decisions.push(ConsentDecision {
        purpose: Purpose::Marketing,
        choice: Choice::Granted,
        at: stamp,
        recorded_at: stamp,
        source: "source web".into(),
        evidence: None,
    });
    let second = one.pass(at("2026-03-01T10:00:00Z"));
    assert_eq!(told(&second), [("both", Crossing::In, false), ("readers", Crossing::In, false)]);
    assert_eq!(number(&second, "segments"), Value::List(vec!["both".into(), "lively".into(), "readers".into()]));
    assert_eq!(told(&one.pass(at("2026-03-01T11:00:00Z"))), []);
    // The trial leaves its window by time alone, at an instant that was foretold.
    // (The trends that the preset has, too, look at the same fortnight: of the page before it first.)
    assert_eq!(one.looked_at(at("2026-03-15T08:01:00Z")).due_at, Some(at("2026-03-15T08:02:00Z")));
    let gone = one.pass(at("2026-03-15T08:02:00Z"));
    assert_eq!(told(&gone), [("both", Crossing::Out, false), ("lively", Crossing::Out, false)]);
}

#[test]
fn segments_compare_scores_before_they_are_rounded() {
    let mut one = with(vec![segment("above", "score_engagement > 0.9"), segment("whole", "score_engagement >= 1")]);
    one.log.page("2026-03-01T08:00:00Z", "a", "/");
    let now = one.pass(at("2026-03-02T08:00:00Z"));
    let exact = now.scores.iter().find(|score| &*score.name == "engagement").unwrap().value;
    assert!(exact > 0.9 && exact < 1.0, "{exact}");
    assert_eq!(number(&now, "score_engagement"), 1.into());
    assert_eq!(number(&now, "segments"), Value::List(vec!["above".into()]));
}

#[test]
fn a_segment_is_left_by_its_own_condition_and_not_too_soon() {
    let mut sticky = segment("readers", "page_views_30d >= 2");
    sticky.exit_when = Some(when(r#"country == "FR""#));
    sticky.min_stay = DAY;
    let mut one = with(vec![sticky]);
    one.log.page("2026-03-01T08:00:00Z", "a", "/");
    one.log.page("2026-03-01T08:01:00Z", "a", "/");
    assert_eq!(one.pass(at("2026-03-01T09:00:00Z")).transitions.len(), 1);
    one.says("country", "FR");
    assert_eq!(told(&one.pass(at("2026-03-03T09:00:00Z"))), [], "its own condition still holds");
    one.log.facts.clear();
    one.says("country", "DE");
    assert_eq!(told(&one.pass(at("2026-03-03T10:00:00Z"))), [], "the condition of leaving does not hold");
    one.says("country", "FR");
    assert_eq!(told(&one.pass(at("2026-03-03T11:00:00Z"))), [("readers", Crossing::Out, false)]);

    let mut short = segment("readers", "page_views_30d >= 1");
    short.min_stay = DAY;
    let mut two = with(vec![short]);
    two.log.page("2026-03-01T08:00:00Z", "a", "/");
    two.pass(at("2026-03-01T09:00:00Z"));
    two.log.facts.clear();
    let waiting = two.pass(at("2026-03-01T10:00:00Z"));
    assert_eq!((waiting.transitions.len(), waiting.due_at), (0, Some(at("2026-03-02T09:00:00Z"))));
    assert_eq!(told(&two.pass(at("2026-03-02T09:00:00Z"))), [("readers", Crossing::Out, false)]);
}

#[test]
fn a_new_segment_fills_without_a_sound() {
    let mut one = with(vec![]);
    one.log.page("2026-03-01T08:00:00Z", "a", "/");
    one.pass(at("2026-03-01T09:00:00Z"));
    one.log.model =
        Model::new(ModelSpec { segments: vec![segment("readers", "page_views_30d >= 1")], ..preset::b2b() });
    assert_eq!(told(&one.pass(at("2026-03-01T10:00:00Z"))), [("readers", Crossing::In, true)]);
    let mut somebody_new = with(vec![segment("readers", "page_views_30d >= 1")]);
    somebody_new.log.page("2026-03-01T08:00:00Z", "a", "/");
    assert_eq!(told(&somebody_new.pass(at("2026-03-01T10:00:00Z"))), [("readers", Crossing::In, false)]);
}
