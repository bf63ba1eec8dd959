//! What must hold for any log.

use proptest::prelude::*;

use super::own::own_traits;
use super::*;

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
    events(&mut spec, 0).per_day = Some(2);
    spec
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_arrival_changes_nothing(facts in any_log(), turn in 0_usize..30, hours in 0_u64..1_000) {
        let model = Model::new(merged_spec());
        let as_of = at("2026-03-02T00:00:00Z").saturating_add(Duration::from_secs(hours * 3_600));
        let mut turned = facts.clone();
        if !turned.is_empty() {
            let places = turn % turned.len();
            turned.rotate_left(places);
            turned.reverse();
        }
        prop_assert_eq!(model.compute(&Person::of(&facts, &[], as_of)), model.compute(&Person::of(&turned, &[], as_of)));
    }

    /// What comes after the instant is as if it had not happened, but for the time to look again.
    #[test]
    fn what_is_later_does_not_count(facts in any_log(), hours in 0_u64..1_000) {
        let model = Model::new(merged_spec());
        let as_of = at("2026-03-02T00:00:00Z").saturating_add(Duration::from_secs(hours * 3_600));
        let past: Vec<Fact> = facts.iter().filter(|fact| fact.at <= as_of).cloned().collect();
        let (all, only_past) = (model.compute(&Person::of(&facts, &[], as_of)), model.compute(&Person::of(&past, &[], as_of)));
        prop_assert_eq!(&all.traits, &only_past.traits);
        prop_assert_eq!(&all.scores, &only_past.scores);
        // Between now and the promised instant the traits (scores fade) stay as they are.
        let until = all.due_at.unwrap_or(as_of.saturating_add(DAY));
        let just_before = Timestamp::from_micros(until.micros() - 1).max(as_of);
        let later = model.compute(&Person::of(&facts, &[], just_before));
        let steady = |computed: &Computed| {
            computed.traits.iter().filter(|(name, _)| !name.starts_with("score_")).map(|(n, v)| (Arc::clone(n), v.clone())).collect::<Vec<_>>()
        };
        prop_assert_eq!(steady(&all), steady(&later));
    }
}
