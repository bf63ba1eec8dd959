//! The model: what to keep of events, and what kept facts and deals amount to as of an instant.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::{Timestamp, Value};

use crate::enrich::around::{Around, SharedRules, Streams};
use crate::enrich::grade;
use crate::enrich::health;
use crate::enrich::mail::{self, Mail};
use crate::enrich::matcher::{self, Keeps, Matcher};
use crate::enrich::needs::{self, Making};
use crate::enrich::person::Person;
use crate::enrich::reasons;
use crate::enrich::score::{self, Moment};
use crate::enrich::score_spec::{Made, ScoreSpec};
use crate::enrich::session::{self, Mark};
use crate::enrich::sorted::Sorted;
use crate::enrich::spec::{EventMatch, GRADE, ModelSpec, SCORE_REASONS};
use crate::enrich::touch;
use crate::enrich::trait_spec::{TraitRule, TraitSpec};
use crate::enrich::traits;
use crate::enrich::values::Values;
use crate::enrich::window::Due;
use crate::model::{Computed, Event, Fact, RuleId, Score, TraitName};

/// A specification made ready. Immutable; share it.
#[derive(Clone, Debug)]
pub struct Model {
    pub(super) spec: ModelSpec,
    /// Each match once, however many traits and rules use it; by id.
    matchers: Vec<Matcher>,
    /// For each trait the rules of its own, in the order of [`needs`].
    pub(super) traits: Vec<Vec<RuleId>>,
    /// For each trait of money the name of the one that says whether an amount was left out.
    incomplete: Vec<Option<TraitName>>,
    /// Places of the formulas among the traits, each after those it names.
    pub(super) formulas: Vec<usize>,
    /// For each score, for each of its rules: whose facts it counts, if it counts events.
    scores: Vec<Vec<Option<RuleId>>>,
    pub(super) shared: SharedRules,
    touches: RuleId,
}

impl Model {
    pub fn new(spec: ModelSpec) -> Self {
        let own = &spec.own_domains;
        let items = spec.traits.iter().any(|spec| needs::asks_for_items(&spec.rule));
        let making = Making { own_domains: own, items };
        let steps = Matcher::new(None, Keeps::Step, own);
        let touches = Matcher::new(None, Keeps::Touch, own).id;
        let mail = Matcher::new(Some(&EventMatch::events(mail::EVENTS)), Keeps::Mail, own);
        let shared = SharedRules {
            steps: steps.id,
            mail: mail.id,
            orders: making.orders().id,
            seen: Matcher::new(None, Keeps::Seen, own).id,
        };
        let mut matchers = Vec::new();
        let mut add = |matcher: Matcher| {
            let id = matcher.id;
            matchers.push(matcher);
            id
        };
        let mut traits = Vec::with_capacity(spec.traits.len());
        let (mut needs_steps, mut needs_mail) = (false, false);
        for TraitSpec { rule, .. } in &spec.traits {
            let needs = making.needs(rule);
            needs_steps |= needs.steps;
            needs_mail |= needs.mail;
            traits.push(needs.own.into_iter().map(&mut add).collect());
        }
        let mut matched = |score: &ScoreSpec| {
            let rules = score.rules().map(|rules| rules.rules.as_slice()).unwrap_or_default();
            rules.iter().map(|rule| rule.on().map(|on| add(Matcher::new(Some(on), Keeps::Match, own)))).collect()
        };
        let scores = spec.scores.iter().map(&mut matched).collect();
        if needs_steps {
            add(steps);
        }
        // Whether a click was a person's is told by the mail around it.
        if needs_mail || matchers.iter().any(Matcher::is_about_mail) {
            matchers.push(mail);
        }
        matchers.sort_by_key(|matcher| matcher.id);
        matchers.dedup_by_key(|matcher| matcher.id);
        // Whoever reads the configuration refuses cycles; in one, nothing has a value.
        let formulas = spec.formula_order().unwrap_or_default();
        let incomplete = spec.traits.iter().map(TraitSpec::incomplete).collect();
        Self { spec, matchers, traits, incomplete, formulas, scores, shared, touches }
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
        let Person { facts, as_of, .. } = *person;
        let sorted = self.sorted(facts, as_of);
        let streams = self.streams(&sorted, as_of);
        let mut due = Due::new(as_of);
        for id in self.matchers.iter().map(|matcher| matcher.id) {
            if let Some(next) = sorted.of(id).iter().find(|fact| fact.at > as_of) {
                due.note(next.at);
            }
        }
        let mut computed = Computed::default();
        let around = self.around(person, &sorted, &streams);
        for ((spec, rules), incomplete) in self.spec.traits.iter().zip(&self.traits).zip(&self.incomplete) {
            let (value, is_incomplete) = traits::value(spec, rules, &around, &mut due);
            // Who bought nothing has nothing that could be left out.
            let says =
                is_incomplete || !matches!(&value, Value::Number(number) if number.is_zero()) && !value.is_null();
            if let Some(name) = incomplete.as_ref().filter(|_| says) {
                computed.traits.insert(name.clone(), Value::Bool(is_incomplete));
            }
            computed.traits.insert(spec.name.clone(), value);
        }
        self.compute_formulas(person, &mut computed.traits, &sorted, &mut due);
        computed.scores = self.scores(person, &computed.traits, &sorted, &mut due);
        self.tell_scores(&mut computed);
        self.tell_lifecycle(person, &around, &mut computed);
        computed.due_at = due.earliest();
        computed
    }

    /// Every score, in the order of the configuration.
    pub(super) fn scores(
        &self,
        person: &Person<'_>,
        computed: &BTreeMap<TraitName, Value>,
        sorted: &Sorted<'_>,
        due: &mut Due,
    ) -> Vec<Score> {
        let values = Values { person, computed };
        let moment = Moment { zone: self.spec.time_zone, as_of: person.as_of };
        let mut scores: Vec<Score> = Vec::with_capacity(self.spec.scores.len());
        for (place, spec) in self.spec.scores.iter().enumerate() {
            let score = match &spec.made {
                Made::Rules(rules) => {
                    let facts = self.score_facts(place, sorted);
                    score::by_rules(spec, rules, &facts, &values, moment, due)
                }
                Made::Combination(of) => score::combined(spec, of, &scores),
            };
            scores.push(score);
        }
        scores
    }

    /// The traits that scores give: numbers, the grade, the reasons.
    fn tell_scores(&self, computed: &mut Computed) {
        for (spec, score) in self.spec.scores.iter().zip(&computed.scores) {
            computed.traits.insert(spec.trait_name(), Value::from(score::rounded(score.value)));
        }
        let Some(main) = self.spec.main_score() else { return };
        let told = computed.scores.iter().find(|score| score.name == main.name).and_then(reasons::reasons);
        computed.traits.insert(Arc::from(SCORE_REASONS), told.map_or(Value::Null, Value::Text));
        if let Some(graded) = self.spec.scores.iter().find_map(|score| score.grade.as_ref()) {
            let grade = grade::grade(graded, &computed.scores);
            computed.traits.insert(Arc::from(GRADE), grade.map_or(Value::Null, Value::Text));
        }
    }

    /// The facts in order, without those of events that a machine made.
    pub(super) fn sorted<'f>(&self, facts: &'f [Fact], as_of: Timestamp) -> Sorted<'f> {
        let mut sorted = Sorted::new(facts);
        let mail = sorted.of(self.shared.mail).iter().filter(|fact| fact.at <= as_of);
        let machines = mail::machines(mail.filter_map(|fact| Mail::of_fact(fact)).collect());
        if !machines.is_empty() {
            sorted.leave_out(|fact| machines.contains(&fact.event));
        }
        sorted
    }

    /// The sessions up to an instant, and what each came from; empty where no trait asks.
    pub(super) fn streams(&self, sorted: &Sorted<'_>, as_of: Timestamp) -> Streams {
        let past = sorted.of(self.shared.steps).iter().filter(|fact| fact.at <= as_of);
        let (spans, marks) = session::cut(past.map(|fact| Mark::of_fact(fact)).collect());
        let first = spans.iter().map(|span| marks.get(span.marks.start).map_or(0, |mark| mark.event)).collect();
        let touches = touch::of_sessions(&spans, &marks, sorted.of(self.touches));
        Streams { spans, first, touches }
    }

    /// What the traits of one computation share.
    pub(super) fn around<'a, 'f>(
        &'a self,
        person: &Person<'a>,
        sorted: &'a Sorted<'f>,
        streams: &'a Streams,
    ) -> Around<'a, 'f> {
        let earliest = || person.facts.iter().map(|fact| fact.at).min();
        let about = (person.deals, person.first_seen.or_else(earliest), person.as_of);
        Around::new(&self.spec, sorted, streams, self.shared, about)
    }

    /// Where the person stands on the way to a customer, for whoever asked for that trait: known once bands are judged.
    fn tell_lifecycle(&self, person: &Person<'_>, around: &Around<'_, '_>, computed: &mut Computed) {
        let asked = self.spec.traits.iter().filter(|spec| matches!(spec.rule, TraitRule::Lifecycle));
        for spec in asked {
            let qualified = computed.standings.bands.iter().any(|(band, place)| is_leads(band) && place.inside);
            let stage = health::lifecycle(!around.orders().is_empty(), person.deals, qualified, person.known);
            computed.traits.insert(spec.name.clone(), stage);
        }
    }

    /// Whose facts each rule of a score counts.
    pub(super) fn score_facts<'s, 'f>(&self, place: usize, sorted: &'s Sorted<'f>) -> Vec<&'s [&'f Fact]> {
        let ids = self.scores.get(place).map(Vec::as_slice).unwrap_or_default();
        ids.iter().map(|id| id.map(|id| sorted.of(id)).unwrap_or_default()).collect()
    }
}

/// `lead.mql`, whatever its score is called.
fn is_leads(band: &str) -> bool {
    band.rsplit('.').next() == Some("mql")
}
