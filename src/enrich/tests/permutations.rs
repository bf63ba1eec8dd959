//! Scenario 27 of the reliability list: events out of order. Any permutation of the same events gives the same traits, score
//! and sessions.

use proptest::prelude::*;

use super::*;

/// Events of two visitors on one profile: views with and without campaign and SDK session, mail with its machines, forms.
fn any_events() -> impl Strategy<Value = Vec<Event>> {
    let one = (0_u32..7, 0_i64..240, 0_usize..3, 0_usize..4, any::<bool>());
    prop::collection::vec(one, 0..25).prop_map(|steps| {
        let event = |(place, (what, moment, who, detail, bot)): (usize, (u32, i64, usize, usize, bool))| {
            // Mail happens within seconds, the rest within hours; some at the same instant.
            let seconds = if (3..6).contains(&what) { moment % 16 } else { moment / 4 * 500 };
            let (kind, name, body) = match what {
                0 => (EventKind::Page, "", format!(r#"{{"properties":{{"path":"/p{detail}"}}}}"#)),
                1 => (
                    EventKind::Page,
                    "",
                    format!(r#"{{"context":{{"campaign":{{"source":"s{detail}","medium":"cpc"}}}}}}"#),
                ),
                2 => (EventKind::Screen, "", format!(r#"{{"context":{{"sessionId":{detail}}}}}"#)),
                3 => (EventKind::Track, "Email Delivered", format!(r#"{{"properties":{{"email_id":"e{detail}"}}}}"#)),
                4 => (EventKind::Track, "Email Opened", format!(r#"{{"properties":{{"email_id":"e{detail}"}}}}"#)),
                5 => (
                    EventKind::Track,
                    "Email Link Clicked",
                    format!(r#"{{"properties":{{"email_id":"e1","link_id":{detail}}}}}"#),
                ),
                _ => (EventKind::Track, "Form Submitted", r#"{"properties":{"form":"demo"}}"#.to_owned()),
            };
            Event {
                source: "web".into(),
                message_id: format!("m-{place}").into(),
                kind,
                name: (!name.is_empty()).then(|| name.into()),
                at: at("2026-03-02T00:00:00Z").saturating_add(Duration::from_secs(u64::try_from(seconds).unwrap())),
                original_at: None,
                sent_at: None,
                received_at: at("2026-03-03T00:00:00Z"),
                identifiers: Identifier::anonymous_id(["a", "b", ""][who]).into_iter().collect(),
                traits: Vec::new(),
                traits_are_weak: false,
                is_bot: bot && detail == 0,
                body: body.into(),
            }
        };
        steps.into_iter().enumerate().map(event).collect()
    })
}

fn model() -> Model {
    let mut spec = example();
    let mut add = |name: &str, rule: TraitRule| spec.traits.push(TraitSpec { name: name.into(), rule, window: None });
    add("opens", TraitRule::Count(EventMatch::events(["Email Opened"])));
    add("first_link", TraitRule::First(EventMatch::events(["Email Link Clicked"]), "link_id".into()));
    add("last_link", TraitRule::Last(EventMatch::events(["Email Link Clicked"]), "link_id".into()));
    Model::new(spec)
}

/// What is computed of events that came in this order, and their sessions without their places in the log.
fn of(model: &Model, events: &[&Event], as_of: Timestamp) -> (Computed, Vec<Session>) {
    let rows: Vec<EventRow> =
        (1..).zip(events).map(|(row, event)| EventRow { row, profile: None, event: (*event).clone() }).collect();
    let facts: Vec<Fact> = rows
        .iter()
        .flat_map(|row| model.facts(&row.event).into_iter().map(|fact| Fact { event: row.row, ..fact }))
        .collect();
    let mut cut = sessions(&rows);
    cut.iter_mut().for_each(|session| session.rows.clear());
    let mut computed = model.compute(&Person::of(&facts, &[], as_of));
    // An event's place in the log is when it came.
    computed.standings.evidence.event = 0;
    (computed, cut)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn scenario_27_any_permutation_gives_the_same(
        (events, shuffled) in any_events().prop_flat_map(|events| {
            let order: Vec<usize> = (0..events.len()).collect();
            (Just(events), Just(order).prop_shuffle())
        }),
        hours in 0_u64..40,
    ) {
        let model = model();
        let as_of = at("2026-03-02T00:00:00Z").saturating_add(Duration::from_secs(hours * 3_600));
        let in_order: Vec<&Event> = events.iter().collect();
        let as_they_came: Vec<&Event> = shuffled.iter().map(|place| &events[*place]).collect();
        prop_assert_eq!(of(&model, &in_order, as_of), of(&model, &as_they_came, as_of));
    }

    /// A late event joins sessions or begins one; it never parts what was one session, where the SDK does not name them.
    #[test]
    fn late_events_only_fuse(minutes in prop::collection::btree_set(0_u64..600, 2..20), late in 0_u64..600) {
        let page = |minute: u64| Event {
            source: "web".into(),
            message_id: format!("m-{minute}").into(),
            kind: EventKind::Page,
            name: None,
            at: at("2026-03-02T00:00:00Z").saturating_add(Duration::from_secs(minute * 60)),
            original_at: None,
            sent_at: None,
            received_at: at("2026-03-03T00:00:00Z"),
            identifiers: Identifier::anonymous_id("a").into_iter().collect(),
            traits: Vec::new(),
            traits_are_weak: false,
            is_bot: false,
            body: "{}".into(),
        };
        let mut rows: Vec<EventRow> = (1..)
            .zip(&minutes)
            .map(|(row, minute)| EventRow { row, profile: None, event: page(*minute) })
            .collect();
        let before = sessions(&rows);
        rows.push(EventRow { row: 0, profile: None, event: Event { message_id: "late".into(), ..page(late) } });
        let after = sessions(&rows);
        for session in &before {
            let whole = after.iter().filter(|one| session.rows.iter().any(|row| one.rows.contains(row))).count();
            prop_assert_eq!(whole, 1);
        }
    }
}
