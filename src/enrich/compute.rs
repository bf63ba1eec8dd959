//! The model: what to keep of events, and what kept facts and deals amount to as of an instant.

use std::sync::Arc;

use connector::{Timestamp, Value};

use crate::enrich::around::{Around, SharedRules, Streams};
use crate::enrich::condition::Condition;
use crate::enrich::formula;
use crate::enrich::health;
use crate::enrich::judgement::Judgement;
use crate::enrich::mail::{self, Mail};
use crate::enrich::matcher::{self, Index, Keeps, Matcher};
use crate::enrich::needs::{self, Making};
use crate::enrich::person::Person;
use crate::enrich::predicted::Predictors;
use crate::enrich::session::{self, Mark};
use crate::enrich::sorted::Sorted;
use crate::enrich::spec::{EventMatch, ModelSpec};
use crate::enrich::touch;
use crate::enrich::trait_spec::{TraitRule, TraitSpec};
use crate::enrich::traits;
use crate::enrich::window::Due;
use crate::expr::Json;
use crate::model::{Computed, Event, Fact, RuleId, TraitName, TraitValues};

/// A specification made ready. Immutable; share it.
#[derive(Clone, Debug)]
pub struct Model {
    pub(super) spec: ModelSpec,
    /// Each match once, however many traits and rules use it; by id.
    pub(super) matchers: Vec<Matcher>,
    pub(super) index: Index,
    /// For each trait the rules of its own, in the order of [`needs`].
    pub(super) traits: Vec<Vec<RuleId>>,
    /// For each trait of money the name of the one that says whether an amount was left out.
    incomplete: Vec<Option<TraitName>>,
    /// The places of the traits in the order of their names: so they are put behind one another.
    by_name: Vec<usize>,
    /// The formulas, each after those it names: its place among the traits, and itself.
    pub(super) formulas: Vec<(usize, Condition)>,
    /// What is made of the traits.
    judgement: Judgement,
    pub(super) shared: SharedRules,
    touches: RuleId,
    pub(super) fingerprint: String,
    /// What was learnt, for scores that are predictions.
    pub(super) predictors: Predictors,
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
        let mut traits: Vec<Vec<RuleId>> = Vec::with_capacity(spec.traits.len());
        // For each trait every rule whose facts it is made of.
        let mut made: Vec<Vec<RuleId>> = Vec::with_capacity(spec.traits.len());
        let (mut needs_steps, mut needs_mail) = (false, false);
        for TraitSpec { rule, .. } in &spec.traits {
            let needs = making.needs(rule);
            needs_steps |= needs.steps;
            needs_mail |= needs.mail;
            let own: Vec<RuleId> = needs.own.into_iter().map(&mut add).collect();
            let steps = needs.steps.then_some(shared.steps);
            made.push(own.iter().copied().chain(steps).chain(needs.mail.then_some(shared.mail)).collect());
            traits.push(own);
        }
        let formulas = formula::ready(&spec, &traits, &mut made);
        let mut asked = |on: &EventMatch, property: Option<&Arc<str>>| {
            let keeps = property.map_or(Keeps::Match, |property| Keeps::Number(property.clone()));
            add(Matcher::new(Some(on), keeps, own))
        };
        let made_of = |name: &str| -> Vec<RuleId> {
            let named = spec.traits.iter().zip(&made).find(|(spec, _)| &*spec.name == name);
            named.map_or_else(Vec::new, |(_, made)| made.clone())
        };
        let judgement = Judgement::new(&spec, &mut asked, &made_of);
        if needs_steps {
            add(steps);
        }
        // Whether a click was a person's is told by the mail around it.
        if needs_mail || matchers.iter().any(Matcher::is_about_mail) {
            matchers.push(mail);
        }
        matchers.sort_by_key(|matcher| matcher.id);
        matchers.dedup_by_key(|matcher| matcher.id);
        let index = Index::new(&matchers);
        let incomplete = spec.traits.iter().map(TraitSpec::incomplete).collect();
        let mut by_name: Vec<usize> = (0..spec.traits.len()).collect();
        by_name.sort_by_key(|place| spec.traits.get(*place).map(|spec| spec.name.clone()));
        let fingerprint = format!("{:016x}", xxhash_rust::xxh3::xxh3_64(format!("{spec:?}").as_bytes()));
        let predictors = Predictors::new();
        Self {
            fingerprint,
            spec,
            matchers,
            index,
            traits,
            incomplete,
            by_name,
            formulas,
            judgement,
            shared,
            touches,
            predictors,
        }
    }

    pub fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    /// Another one means that anybody may be computed differently.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Every rule that facts are kept for, sorted.
    pub fn rule_ids(&self) -> Vec<RuleId> {
        self.matchers.iter().map(|matcher| matcher.id).collect()
    }

    /// What the event means, to be stored beside it. `event` of each fact is 0: the store fills it in.
    pub fn facts(&self, event: &Event) -> Vec<Fact> {
        matcher::facts((&self.matchers, &self.index), &self.spec.own_domains, event, None)
    }

    /// The same of an event whose body is this, where somebody has read it already.
    pub fn facts_in(&self, event: &Event, body: &Json<'_>) -> Vec<Fact> {
        matcher::facts((&self.matchers, &self.index), &self.spec.own_domains, event, Some(body))
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
        let is_ours = |rule| self.matchers.binary_search_by_key(&rule, |matcher| matcher.id).is_ok();
        if let Some(next) = sorted.next_after(as_of, is_ours) {
            due.note(next);
        }
        let traits = TraitValues::with_capacity(2 * self.spec.traits.len());
        let mut computed = Computed { traits, ..Computed::default() };
        let around = self.around(person, &sorted, &streams);
        for place in &self.by_name {
            let of = (self.spec.traits.get(*place), self.traits.get(*place), self.incomplete.get(*place));
            let (Some(spec), Some(rules), Some(incomplete)) = of else { continue };
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
        computed.scores = self.judgement.scores(&self.spec, person, &computed.traits, &sorted, &mut due);
        self.judgement.tell_scores(&self.spec, person, &mut computed);
        self.predict(person, &mut computed);
        let judging = self.judgement.judging(person, &sorted);
        self.judgement.bands(&self.spec, person, judging, &mut computed);
        self.tell_lifecycle(person, &around, &mut computed);
        self.judgement.segments(&self.spec, person, (&sorted, judging), &mut computed, &mut due);
        computed.due_at = due.earliest();
        computed
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
        let about = (person.deals, person.activities, person.first_seen.or_else(earliest), person.as_of);
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

    /// Under which id facts are kept for each rule of a score; none for rules on traits.
    pub(super) fn event_rules(&self, place: usize) -> Vec<Option<RuleId>> {
        self.judgement.event_rules(place)
    }

    /// The matches of each rule of a score, in the order of the rules; none of rules on traits.
    pub(super) fn score_facts<'s, 'f>(&self, place: usize, sorted: &'s Sorted<'f>) -> Vec<&'s [&'f Fact]> {
        self.judgement.facts(place, sorted)
    }
}

/// `lead.mql`, whatever its score is called.
fn is_leads(band: &str) -> bool {
    band.rsplit('.').next() == Some("mql")
}
