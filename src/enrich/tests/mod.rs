//! The worked example of `cdp-semantics` §9 and the numbers of §10, figure for figure, and what must hold for any input.

mod any;
mod bands;
mod contacted;
mod example;
mod kinds;
mod mail;
mod money;
mod own;
mod permutations;
mod persons;
mod segments;
mod shop;
mod streams;
mod touches;

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::expr::{Expr, Scope};
use crate::model::{Computed, Deal, Event, EventKind, EventRow, Fact, Identifier};
use connector::{DealFacts, DealStatus, Timestamp, Value};

const DAY: Duration = Duration::from_secs(86_400);

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap_or_else(|| panic!("{text}"))
}

/// The engagement rules that §9 states.
fn example() -> ModelSpec {
    let on = |events: &[&str]| EventMatch::events(events.iter().copied());
    let when = |text: &str| Expr::compile(text, &Scope::event()).unwrap();
    let rule = |label: &str, on, points, max| ScoreRule::events(label, on, points).up_to(max);
    let rules = vec![
        rule("Page view", on(&["page", "screen"]), 1.0, 10.0),
        rule("Pricing page", on(&["page"]).when(when(r#"path.startsWith("/pricing")"#)), 5.0, 15.0),
        rule("Email click", on(&["Email Link Clicked"]), 3.0, 15.0),
        rule("Product viewed", on(&["Product Viewed"]), 2.0, 10.0),
        rule("Product added", on(&["Product Added"]), 4.0, 12.0),
        rule("Demo form", on(&["Form Submitted"]).when(when(r#"properties.form == "demo""#)), 30.0, 60.0),
        rule("Unsubscribed", on(&["Unsubscribed"]), -20.0, -20.0),
    ];
    let score = ScoreSpec {
        name: "engagement".into(),
        max: 100.0,
        made: Made::Rules(Rules { decay: Decay::HalfLife(DAY * 14), rules, groups: Vec::new() }),
        grade: None,
        bands: Vec::new(),
    };
    ModelSpec { scores: vec![score], ..preset::b2b() }
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
        self.model.compute(&Person::of(&self.facts, &[], at(when)))
    }

    /// The engagement score and its parts at two decimals, as §9 prints them.
    fn engagement(&self, when: &str) -> (String, Vec<(String, String)>) {
        let computed = self.as_of(when);
        let score = computed.scores.first().unwrap();
        let parts = score.parts.iter().map(|part| (part.label.to_string(), format!("{:.2}", part.points)));
        (format!("{:.2}", score.value), parts.collect())
    }
}

/// The rules of the engagement score.
fn rules(spec: &mut ModelSpec) -> &mut Rules {
    let Made::Rules(rules) = &mut spec.scores[0].made else { panic!() };
    rules
}

/// What a rule of the engagement score counts.
fn events(spec: &mut ModelSpec, place: usize) -> &mut EventPoints {
    let Gives::Events(events) = &mut rules(spec).rules[place].gives else { panic!() };
    events
}

fn parts(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(label, points)| ((*label).to_owned(), (*points).to_owned())).collect()
}

fn number(computed: &Computed, name: &str) -> Value {
    computed.traits.get(name).cloned().unwrap_or_else(|| panic!("{name}"))
}
