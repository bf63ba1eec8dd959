//! What is made of the traits of a person: scores, the bands they are in, their segments. In this order; each sees what those
//! before it gave.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::Value;

use crate::enrich::band::{self, Judging};
use crate::enrich::condition::Condition;
use crate::enrich::evidence::{self, Evidence};
use crate::enrich::grade;
use crate::enrich::person::Person;
use crate::enrich::reasons;
use crate::enrich::score::{self, Material, Moment};
use crate::enrich::score_spec::{Gives, Made, ScoreRule};
use crate::enrich::segment::{self, Segment};
use crate::enrich::sorted::Sorted;
use crate::enrich::spec::{EventMatch, GRADE, ModelSpec, SCORE_CHANGE, SCORE_REASONS};
use crate::enrich::values::Values;
use crate::enrich::window::Due;
use crate::expr::EventPredicate;
use crate::model::{Computed, Fact, RuleId, Score, Standings, ToldScore, TraitValues, rounded};

/// The scores and segments of a specification, made ready.
#[derive(Clone, Debug)]
pub(super) struct Judgement {
    /// For each score, for each of its rules.
    scores: Vec<Vec<Source>>,
    evidence: Evidence,
    segments: Vec<Segment>,
}

/// What a rule of a score is judged by.
#[derive(Clone, Debug)]
enum Source {
    Events(RuleId),
    /// By row.
    Traits(Vec<Condition>),
}

impl Judgement {
    /// `asked` says whose facts are kept for a match and a property to sum, `made_of` those of a computed trait.
    pub(super) fn new(
        spec: &ModelSpec,
        asked: &mut dyn FnMut(&EventMatch, Option<&Arc<str>>) -> RuleId,
        made_of: &dyn Fn(&str) -> Vec<RuleId>,
    ) -> Self {
        let mut predicate = |one: &EventPredicate| {
            let on = EventMatch { events: vec![one.event.clone()], condition: one.condition.clone() };
            asked(&on, one.property.as_ref())
        };
        let segments = segment::ready(&spec.segments, &mut predicate);
        let mut scores = Vec::with_capacity(spec.scores.len());
        for score in &spec.scores {
            let rules = score.rules().map(|rules| rules.rules.as_slice()).unwrap_or_default();
            let mut source = |rule: &ScoreRule| match &rule.gives {
                Gives::Events(events) => Source::Events(asked(&events.on, None)),
                Gives::Traits(rows) => {
                    let mut predicate = |one: &EventPredicate| {
                        let on = EventMatch { events: vec![one.event.clone()], condition: one.condition.clone() };
                        asked(&on, one.property.as_ref())
                    };
                    Source::Traits(rows.iter().map(|row| Condition::new(&row.when, &mut predicate)).collect())
                }
            };
            scores.push(rules.iter().map(&mut source).collect());
        }
        let evidence = evidence_of(spec, &scores, made_of);
        Self { scores, evidence, segments }
    }

    /// Every score that is no prediction, in the order of the configuration.
    pub(super) fn scores(
        &self,
        spec: &ModelSpec,
        person: &Person<'_>,
        computed: &TraitValues,
        sorted: &Sorted<'_>,
        due: &mut Due,
    ) -> Vec<Score> {
        let values = Values { person, computed, scores: &[], bands: &BTreeMap::new(), zone: spec.time_zone };
        let moment = Moment { zone: spec.time_zone, as_of: person.as_of };
        let mut scores: Vec<Score> = Vec::with_capacity(spec.scores.len());
        for (spec, sources) in spec.scores.iter().zip(&self.scores) {
            let score = match &spec.made {
                Made::Rules(rules) => {
                    let materials: Vec<Material<'_, '_>> =
                        sources.iter().map(|source| source.material(values, sorted, due)).collect();
                    score::by_rules(spec, rules, materials, moment, due)
                }
                Made::Combination(of) => score::combined(spec, of, &scores),
                // These stand last, and are made when all traits of scores are there.
                Made::Predicted(_) => continue,
            };
            scores.push(score);
        }
        scores
    }

    /// The matches of each rule of a score; none of rules on traits.
    pub(super) fn facts<'s, 'f>(&self, score: usize, sorted: &'s Sorted<'f>) -> Vec<&'s [&'f Fact]> {
        let sources = self.scores.get(score).map(Vec::as_slice).unwrap_or_default();
        let facts = |source: &Source| match source {
            Source::Events(rule) => sorted.of(*rule),
            Source::Traits(_) => &[],
        };
        sources.iter().map(facts).collect()
    }

    /// Under which id facts are kept for each rule of a score.
    pub(super) fn event_rules(&self, score: usize) -> Vec<Option<RuleId>> {
        let sources = self.scores.get(score).map(Vec::as_slice).unwrap_or_default();
        let rule = |source: &Source| match source {
            Source::Events(rule) => Some(*rule),
            Source::Traits(_) => None,
        };
        sources.iter().map(rule).collect()
    }

    /// The traits that scores give: numbers, the grade, the reasons, the change.
    pub(super) fn tell_scores(&self, spec: &ModelSpec, person: &Person<'_>, computed: &mut Computed) {
        for (spec, score) in spec.scores.iter().zip(&computed.scores) {
            computed.traits.insert(spec.trait_name(), Value::from(rounded(score.value)));
        }
        let text = |text: Option<Arc<str>>| text.map_or(Value::Null, Value::Text);
        let main = spec.main_score().and_then(|main| computed.scores.iter().find(|score| score.name == main.name));
        if let Some(main) = main {
            let told = told(person, &main.name);
            let change = told.as_ref().and_then(|told| reasons::change(main, told, spec.time_zone));
            computed.standings.told = told;
            computed.traits.insert(Arc::from(SCORE_CHANGE), text(change));
            computed.traits.insert(Arc::from(SCORE_REASONS), text(reasons::reasons(main)));
        }
        if let Some(graded) = spec.scores.iter().find_map(|score| score.grade.as_ref()) {
            computed.traits.insert(Arc::from(GRADE), text(grade::grade(graded, &computed.scores)));
        }
    }

    /// Bands. Without a judgement everything stays as it was.
    pub(super) fn bands(
        &self,
        spec: &ModelSpec,
        person: &Person<'_>,
        judging: Option<Judging<'_>>,
        computed: &mut Computed,
    ) {
        let told = computed.standings.told.take();
        computed.standings = Standings { told, ..person.standings.clone() };
        let Some(judging) = judging else { return };
        let evidence = judging.evidence;
        let mut bands = BTreeMap::new();
        for score in &spec.scores {
            for judged in score.bands.iter().filter_map(|band| band::judge(score, band, &computed.scores, judging)) {
                if judged.pressed {
                    computed.pressed.push(judged.name.clone());
                }
                bands.insert(judged.name, judged.place);
                computed.transitions.extend(judged.crossed);
            }
        }
        computed.standings = Standings { judged_at: Some(person.as_of), evidence, bands, ..computed.standings.clone() };
    }

    /// Segments, last of all: they see every trait, score and band.
    pub(super) fn segments(
        &self,
        spec: &ModelSpec,
        person: &Person<'_>,
        (sorted, judging): (&Sorted<'_>, Option<Judging<'_>>),
        computed: &mut Computed,
        due: &mut Due,
    ) {
        if let Some(judging) = judging {
            let zone = spec.time_zone;
            let (places, crossed) = segment::judge(
                &self.segments,
                (person, zone),
                (&computed.scores, &computed.standings.bands),
                &mut computed.traits,
                sorted,
                judging,
                due,
            );
            computed.standings.segments = places;
            computed.transitions.extend(crossed);
        }
        segment::tell(&self.segments, &computed.standings.segments, &mut computed.traits);
    }

    /// `None` where this pass judges nothing.
    pub(super) fn judging<'p>(&self, person: &Person<'p>, sorted: &Sorted<'_>) -> Option<Judging<'p>> {
        let before = person.standings;
        let is_behind = before.judged_at.is_some_and(|at| person.as_of < at);
        if !person.judged || is_behind {
            return None;
        }
        let evidence = self.evidence.watermark(person, sorted);
        Some(Judging {
            before,
            new_evidence: self.evidence.is_new(person, sorted, evidence),
            evidence,
            is_history: before.judged_at.is_none() && evidence::is_history(person),
            as_of: person.as_of,
        })
    }
}

impl Source {
    fn material<'s, 'f>(&self, values: Values<'_>, sorted: &'s Sorted<'f>, due: &mut Due) -> Material<'s, 'f> {
        match self {
            Self::Events(rule) => Material::Facts(sorted.of(*rule)),
            Self::Traits(rows) => Material::Row(rows.iter().position(|row| row.holds(values, sorted, due))),
        }
    }
}

/// What a CRM was told last of a score: now that it was told again, what is stored; else what it was then.
fn told(person: &Person<'_>, score: &str) -> Option<ToldScore> {
    let before = person.standings.told.as_ref();
    let Some((at, scores)) = person.told.filter(|(at, _)| before.is_none_or(|before| *at > before.at)) else {
        return before.cloned();
    };
    let score = scores.iter().find(|one| &*one.name == score)?;
    Some(ToldScore { at, value: score.value, parts: score.parts.clone() })
}

fn evidence_of(spec: &ModelSpec, scores: &[Vec<Source>], made_of: &dyn Fn(&str) -> Vec<RuleId>) -> Evidence {
    let mut evidence = Evidence {
        fingerprint: xxhash_rust::xxh3::xxh3_64(format!("{:?}", spec.scores).as_bytes()),
        ..Evidence::default()
    };
    for source in scores.iter().flatten() {
        let rows = match source {
            Source::Events(rule) => {
                evidence.rules.insert(*rule);
                continue;
            }
            Source::Traits(rows) => rows,
        };
        for row in rows {
            evidence.rules.extend(row.rules());
            for name in row.expr().names() {
                if spec.traits.iter().any(|known| known.name == *name) {
                    evidence.rules.extend(made_of(name));
                    evidence.deals = true;
                } else if name.starts_with("deals.") {
                    evidence.deals = true;
                } else if !name.starts_with("consent.") {
                    evidence.names.insert(name.clone());
                }
            }
        }
    }
    evidence
}
