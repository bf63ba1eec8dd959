//! The model: what to keep of events, and what kept facts and deals amount to as of an instant.

use std::sync::Arc;

use connector::{Timestamp, Value};

use crate::enrich::judgement::Judgement;
use crate::enrich::mail::{self, Mail};
use crate::enrich::matcher::{self, Keeps, Matcher};
use crate::enrich::person::Person;
use crate::enrich::session::{self, Mark};
use crate::enrich::spec::{EventMatch, ModelSpec, TraitRule, TraitSpec};
use crate::enrich::touch;
use crate::enrich::traits::{self, Around, Material, Streams};
use crate::enrich::window::Due;
use crate::model::{Computed, Event, Fact, RuleId};

/// A specification made ready. Immutable; share it.
#[derive(Clone, Debug)]
pub struct Model {
    pub(super) spec: ModelSpec,
    /// Each match once, however many traits and rules use it; by id.
    matchers: Vec<Matcher>,
    /// For each trait: the rule of its facts, and whether it needs sessions.
    traits: Vec<(Option<RuleId>, bool)>,
    /// What is made of the traits.
    judgement: Judgement,
    steps: RuleId,
    touches: RuleId,
    mail: RuleId,
}

impl Model {
    pub fn new(spec: ModelSpec) -> Self {
        let own = &spec.own_domains;
        let steps = Matcher::new(None, Keeps::Step, own);
        let touches = Matcher::new(None, Keeps::Touch, own).id;
        let mail = Matcher::new(Some(&EventMatch::events(mail::EVENTS)), Keeps::Mail, own);
        let (steps_id, mail_id, mut matchers) = (steps.id, mail.id, Vec::new());
        let mut add = |matcher: Matcher| {
            let id = matcher.id;
            matchers.push(matcher);
            id
        };
        let mut traits = Vec::with_capacity(spec.traits.len());
        let mut needs_steps = false;
        for TraitSpec { rule, .. } in &spec.traits {
            let (own_matcher, stepped) = match rule {
                TraitRule::Visits => (None, true),
                TraitRule::LastSeen => (Some(Matcher::new(None, Keeps::Seen, own)), true),
                TraitRule::FirstTouch(_) | TraitRule::LastTouch(_) => {
                    (Some(Matcher::new(None, Keeps::Touch, own)), true)
                }
                TraitRule::Count(on) | TraitRule::Exists(on) | TraitRule::DaysSince(on) => {
                    (Some(Matcher::new(Some(on), Keeps::Match, own)), false)
                }
                TraitRule::Sum(on, property) => {
                    (Some(Matcher::new(Some(on), Keeps::Number(property.clone()), own)), false)
                }
                TraitRule::First(on, property)
                | TraitRule::Last(on, property)
                | TraitRule::UniqueCount(on, property) => {
                    (Some(Matcher::new(Some(on), Keeps::Text(property.clone()), own)), false)
                }
                TraitRule::WonDeals | TraitRule::WonRevenue | TraitRule::LastWon => (None, false),
            };
            needs_steps |= stepped;
            traits.push((own_matcher.map(&mut add), stepped));
        }
        let mut asked = |on: &EventMatch, property: Option<&Arc<str>>| {
            let keeps = property.map_or(Keeps::Match, |property| Keeps::Number(property.clone()));
            add(Matcher::new(Some(on), keeps, own))
        };
        let made_of = |name: &str| -> Vec<RuleId> {
            let named = spec.traits.iter().zip(&traits).find(|(spec, _)| &*spec.name == name);
            named.map_or_else(Vec::new, |(_, (rule, stepped))| {
                rule.iter().copied().chain(stepped.then_some(steps_id)).collect()
            })
        };
        let judgement = Judgement::new(&spec, &mut asked, &made_of);
        if needs_steps {
            add(steps);
        }
        // Whether a click was a person's is told by the mail around it.
        if matchers.iter().any(Matcher::is_about_mail) {
            matchers.push(mail);
        }
        matchers.sort_by_key(|matcher| matcher.id);
        matchers.dedup_by_key(|matcher| matcher.id);
        Self { spec, matchers, traits, judgement, steps: steps_id, touches, mail: mail_id }
    }

    pub fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    /// Every rule that facts are kept for, sorted.
    pub fn rule_ids(&self) -> Vec<RuleId> {
        self.matchers.iter().map(|matcher| matcher.id).collect()
    }

    /// What the event means, to be stored beside it. `event` of each fact is 0: the store fills it in.
    pub fn facts(&self, event: &Event) -> Vec<Fact> {
        matcher::facts(&self.matchers, &self.spec.own_domains, event)
    }

    /// Traits, scores, bands and segments as of an instant, each seeing what those before it gave.
    ///
    /// Points fade continuously and are exact at `as_of`. `due_at` is the earliest of: the next event after `as_of`, the
    /// next fact that leaves a window or expires, and, while points fade visibly, the next local midnight.
    pub fn compute(&self, person: &Person<'_>) -> Computed {
        let Person { facts, deals, as_of, .. } = *person;
        let sorted = self.sorted(facts, as_of);
        let streams = self.streams(&sorted, as_of);
        let mut due = Due::new(as_of);
        for id in self.matchers.iter().map(|matcher| matcher.id) {
            if let Some(next) = sorted.of(id).iter().find(|fact| fact.at > as_of) {
                due.note(next.at);
            }
        }
        let mut computed = Computed::default();
        for (spec, material) in self.spec.traits.iter().zip(self.materials(&sorted)) {
            let around = Around { model: &self.spec, streams: &streams, deals, as_of };
            let (value, incomplete) = traits::value(spec, &around, &material, &mut due);
            computed.traits.insert(spec.name.clone(), value);
            if incomplete {
                computed.traits.insert(format!("{}_incomplete", spec.name).into(), Value::Bool(true));
            }
        }
        computed.scores = self.judgement.scores(&self.spec, person, &computed.traits, &sorted, &mut due);
        self.judgement.tell_scores(&self.spec, person, &mut computed);
        self.judgement.bands(&self.spec, person, &sorted, &mut computed);
        self.judgement.segments(&self.spec, person, &sorted, &mut computed, &mut due);
        computed.due_at = due.earliest();
        computed
    }

    /// The facts in order, without those of events that a machine made.
    pub(super) fn sorted<'f>(&self, facts: &'f [Fact], as_of: Timestamp) -> Sorted<'f> {
        let mut sorted = Sorted::new(facts);
        let mail = sorted.of(self.mail).iter().filter(|fact| fact.at <= as_of);
        let machines = mail::machines(mail.filter_map(|fact| Mail::of_fact(fact)).collect());
        if !machines.is_empty() {
            sorted.0.retain(|fact| fact.rule == self.mail || !machines.contains(&fact.event));
        }
        sorted
    }

    /// The sessions up to an instant, and what each came from; empty where no trait asks.
    pub(super) fn streams(&self, sorted: &Sorted<'_>, as_of: Timestamp) -> Streams {
        let past = sorted.of(self.steps).iter().filter(|fact| fact.at <= as_of);
        let (spans, marks) = session::cut(past.map(|fact| Mark::of_fact(fact)).collect());
        let first = spans.iter().map(|span| marks.get(span.marks.start).map_or(0, |mark| mark.event)).collect();
        let touches = touch::of_sessions(&spans, &marks, sorted.of(self.touches));
        Streams { spans, first, touches }
    }

    /// What each trait is made of, in the order of the traits.
    pub(super) fn materials<'m, 'f>(&'m self, sorted: &'m Sorted<'f>) -> impl Iterator<Item = Material<'f>> + 'm {
        self.traits.iter().map(|(rule, stepped)| Material {
            facts: rule.map(|id| sorted.of(id).to_vec()).unwrap_or_default(),
            steps: if *stepped { sorted.of(self.steps).to_vec() } else { Vec::new() },
        })
    }

    /// The matches of each rule of a score, in the order of the rules; none of rules on traits.
    pub(super) fn score_facts<'s, 'f>(&self, place: usize, sorted: &'s Sorted<'f>) -> Vec<&'s [&'f Fact]> {
        self.judgement.facts(place, sorted)
    }
}

/// Facts by rule and time. Facts of one rule and instant are put in an order of their content, so that no result depends on
/// the order of arrival.
pub(super) struct Sorted<'f>(Vec<&'f Fact>);

impl<'f> Sorted<'f> {
    pub(super) fn new(facts: &'f [Fact]) -> Self {
        let mut sorted: Vec<&Fact> = facts.iter().collect();
        sorted.sort_unstable_by(|a, b| {
            (a.rule, a.at, a.number).cmp(&(b.rule, b.at, b.number)).then_with(|| a.text.cmp(&b.text))
        });
        Self(sorted)
    }

    pub(super) fn of(&self, rule: RuleId) -> &[&'f Fact] {
        let start = self.0.partition_point(|fact| fact.rule < rule);
        let rest = self.0.get(start..).unwrap_or_default();
        let length = rest.partition_point(|fact| fact.rule == rule);
        rest.get(..length).unwrap_or_default()
    }
}
