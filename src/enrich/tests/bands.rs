//! What must hold of bands whatever happens: hysteresis, entries by news only, one transition a pass.

use proptest::prelude::*;

use super::persons::{Somebody, band, points_only, worked};
use super::*;
use crate::model::{Crossing, Standings};

/// One score with one band, from pages that are worth ten points each.
fn spec() -> ModelSpec {
    let mut score = points_only("heat", vec![ScoreRule::events("Page", EventMatch::events(["page"]), 10.0)]);
    score.bands = vec![band("warm", 30.0, 21.0)];
    ModelSpec { scores: vec![score], ..preset::b2b() }
}

fn minute(number: i64) -> Timestamp {
    at("2026-03-01T00:00:00Z").saturating_add(Duration::from_secs(u64::try_from(number).unwrap() * 60))
}

#[derive(Clone, Debug)]
enum Step {
    /// Pages at this instant, then minutes until the next pass.
    Pages(u8),
    Wait(u32),
    Known,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![(1..5u8).prop_map(Step::Pages), (1..40_000u32).prop_map(Step::Wait), Just(Step::Known)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn bands_have_a_memory_and_time_lets_nobody_in(steps in proptest::collection::vec(step(), 1..25)) {
        let mut one = Somebody { known: false, ..Somebody::new(spec()) };
        let mut now = 0;
        let mut inside = false;
        for step in steps {
            let mut news = one.standings.judged_at.is_none();
            match step {
                Step::Pages(pages) => {
                    for _ in 0..pages {
                        one.log.page(&minute(now).to_rfc3339(), "a", "/");
                    }
                    news = true;
                }
                Step::Wait(minutes) => now += i64::from(minutes),
                Step::Known => {
                    news |= !one.known;
                    one.known = true;
                }
            }
            let pass = one.pass(minute(now));
            let value = pass.scores[0].value;
            prop_assert!(pass.transitions.len() <= 1, "one transition a pass");
            match pass.transitions.first() {
                Some(crossed) if crossed.direction == Crossing::In => {
                    prop_assert!(!inside && news && value >= 30.0, "in by news, at the threshold: {value}");
                    inside = true;
                }
                Some(_) => {
                    prop_assert!(inside && value < 21.0, "out only below the lower threshold: {value}");
                    inside = false;
                }
                None if inside => prop_assert!(value >= 21.0),
                None => prop_assert!(!news || value < 30.0, "whoever reaches it by news is in: {value}"),
            }
            prop_assert_eq!(pass.standings.is_in_band("heat.warm"), inside);
            prop_assert_eq!(!pass.pressed.is_empty(), inside && news && value >= 30.0 && pass.transitions.is_empty());
            // A pass again, at the same instant, changes nothing.
            let again = one.pass(minute(now));
            prop_assert!(again.transitions.is_empty() && again.pressed.is_empty());
        }
    }
}

#[test]
fn a_look_ahead_or_behind_judges_nothing() {
    let mut one = Somebody::new(spec());
    (0..4).for_each(|_| one.log.page("2026-03-01T00:00:00Z", "a", "/"));
    let first = one.pass(minute(10));
    assert_eq!(first.transitions.len(), 1);
    let behind = one.looked_at(minute(5));
    assert_eq!((behind.standings, behind.transitions.len()), (one.standings.clone(), 0));
    let person =
        Person { standings: &one.standings, judged: false, ..Person::of(&one.log.facts, &[], minute(150_000)) };
    let ahead = one.log.model.compute(&person);
    assert!(ahead.scores[0].value < 1.0);
    assert_eq!((ahead.standings, ahead.transitions.len()), (one.standings.clone(), 0));
}

#[test]
fn history_and_new_bands_fill_without_acting() {
    // Everything long ago, and never looked at before: a load of history.
    let mut old = Somebody::new(spec());
    (0..9).for_each(|_| old.log.page("2026-03-01T00:00:00Z", "a", "/"));
    let first = old.pass(at("2026-03-08T00:00:01Z"));
    assert!(first.transitions[0].backfill && first.transitions[0].direction == Crossing::In);
    let mut fresh = Somebody::new(spec());
    (0..9).for_each(|_| fresh.log.page("2026-03-01T00:00:00Z", "a", "/"));
    assert!(!fresh.pass(at("2026-03-08T00:00:00Z")).transitions[0].backfill);

    // A band that is new to somebody who was judged before.
    let mut one = Somebody::new(spec());
    (0..4).for_each(|_| one.log.page("2026-03-01T00:00:00Z", "a", "/"));
    one.pass(minute(10));
    let mut wider = spec();
    wider.scores[0].bands.push(band("hot", 35.0, 30.0));
    one.log.model = Model::new(wider);
    let filled = one.pass(minute(11));
    let told: Vec<_> = filled.transitions.iter().map(|one| (&*one.name, one.direction, one.backfill)).collect();
    assert_eq!(told, [("heat.hot", Crossing::In, true)]);
    assert_eq!(filled.pressed, ["heat.warm".into()], "other rules are news of everybody");

    // A band that is gone is forgotten.
    one.log.model = Model::new(spec());
    assert!(!one.pass(minute(12)).standings.bands.contains_key("heat.hot"));
}

#[test]
fn a_declared_trait_is_news_and_a_consent_is_not() {
    use crate::model::{Choice, ConsentDecision, Purpose};
    let mut one = Somebody::new(worked());
    one.log.track("2026-03-01T00:00:00Z", "Form Submitted", "a", r#"{"form":"demo"}"#);
    one.pass(minute(1));
    let stamp = minute(2);
    one.consents.decisions.push(ConsentDecision {
        purpose: Purpose::Sales,
        choice: Choice::Granted,
        at: stamp,
        recorded_at: stamp,
        source: "source web".into(),
        evidence: None,
    });
    let before = one.standings.evidence;
    one.pass(minute(3));
    assert_eq!(one.standings.evidence, before);
    one.says("title", "CEO");
    one.pass(minute(4));
    assert_ne!(one.standings.evidence, before);
    let before = one.standings.evidence;
    one.says("first_name", "Ada");
    one.pass(minute(5));
    assert_eq!(one.standings.evidence, before, "no rule reads it");
}

#[test]
fn merging_is_news() {
    let mut one = Somebody::new(spec());
    (0..2).for_each(|_| one.log.page("2026-03-01T00:00:00Z", "a", "/"));
    one.pass(minute(1));
    let mut other = Somebody::new(spec());
    (0..2).for_each(|_| other.log.page("2026-03-01T00:00:00Z", "b", "/"));
    other.pass(minute(1));
    let facts = std::mem::take(&mut other.log.facts);
    one.log.facts.extend(facts);
    let standings = std::mem::take(&mut one.standings);
    one.standings = Standings::merged(standings, other.standings);
    assert_eq!(one.pass(minute(2)).transitions.len(), 1);
}
