//! Why a score, a grade or a membership is what it is, and when time alone will change it.

use std::sync::Arc;
use std::time::Duration;

use connector::{Timestamp, Value};
use serde::Serialize;

use crate::enrich::compute::Model;
use crate::enrich::explain::{Evidence, Explanation, of_event};
use crate::enrich::person::Person;
use crate::enrich::score::{self, Moment};
use crate::enrich::score_spec::{Decay, Gives, Made, ScoreRule, ScoreSpec};
use crate::enrich::segment_spec::SEGMENTS;
use crate::enrich::sorted::Sorted;
use crate::enrich::spec::{GRADE, SCORE_CHANGE, SCORE_REASONS};
use crate::model::{Computed, ScorePart, rounded};

/// How far ahead a change by time alone is looked for.
const AHEAD_DAYS: u32 = 400;

const DAY: Duration = Duration::from_secs(86_400);

/// One rule of a score: what it adds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedPart {
    pub label: Arc<str>,
    /// After the rule's cap, weighed.
    pub points: f64,
    /// How many matches count.
    pub matches: u32,
    /// The score it is a rule of, where that is another one.
    pub score: Option<Arc<str>>,
    /// What its points are multiplied with.
    pub weight: f64,
    /// The most it can add, before weighing.
    pub cap: Option<f64>,
    /// Days since the newest match.
    pub age_days: Option<f64>,
}

/// What time alone will do to a score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outlook {
    /// When the number that CRMs see is another one.
    pub changes_at: Option<Timestamp>,
    /// What it is then.
    pub becomes: Option<i64>,
    /// Bands the person is in, and when they will be left.
    pub leaves: Vec<(Arc<str>, Timestamp)>,
}

impl Model {
    /// `None` where the field is of no score and no segment.
    pub(super) fn explain_judged(&self, person: &Person<'_>, sorted: &Sorted<'_>, field: &str) -> Option<Explanation> {
        let spec = self.spec();
        let named = |field: &str| spec.scores.iter().position(|one| *one.trait_name() == *field || *one.name == *field);
        let main = || spec.main_score().and_then(|main| named(&main.name));
        let is_of_main = matches!(field, SCORE_REASONS | SCORE_CHANGE);
        let place = named(field).or_else(|| if is_of_main { main() } else { None });
        let computed = self.compute(person);
        let value = |name: &str| computed.traits.get(name).cloned().unwrap_or(Value::Null);
        let bare = |how: String| Explanation {
            field: field.into(),
            value: value(field),
            how,
            exact: None,
            parts: Vec::new(),
            capped: false,
            evidence: Vec::new(),
            outlook: None,
        };
        let Some(place) = place else {
            if field == GRADE {
                let graded = spec.scores.iter().find_map(|score| score.grade.as_ref())?;
                return Some(bare(format!("letter by {}, number by {}", graded.letter.score, graded.number.score)));
            }
            if field == SEGMENTS {
                return Some(bare("the segments the person is in".to_owned()));
            }
            let segment = spec.segments.iter().find(|segment| *segment.trait_name() == *field)?;
            let exit = segment.exit_when.as_ref().map(|exit| format!("; left when {exit}")).unwrap_or_default();
            return Some(bare(format!("whether {}{exit}", segment.when)));
        };
        let of = spec.scores.get(place)?;
        let Some(score) = computed.scores.iter().find(|score| score.name == of.name) else {
            return Some(bare("a chance, but no model is good enough yet; `ferry score list` says why".to_owned()));
        };
        let value = if is_of_main { value(field) } else { value(&of.trait_name()) };
        Some(Explanation {
            value,
            how: self.how(of),
            exact: Some(score.value),
            parts: self.explained_parts(of, &computed, person, sorted),
            capped: score.capped,
            evidence: self.of_rules(of, sorted, person.as_of),
            outlook: Some(self.outlook(place, person)),
            ..bare(String::new())
        })
    }

    fn how(&self, of: &ScoreSpec) -> String {
        match self.predictor(&of.name) {
            Some(predictor) => format!("{}; {}", how(of), predictor.about()),
            None => how(of),
        }
    }

    /// The parts of a score as it was computed, each with its rule's cap and the age of its newest match.
    fn explained_parts(
        &self,
        of: &ScoreSpec,
        computed: &Computed,
        person: &Person<'_>,
        sorted: &Sorted<'_>,
    ) -> Vec<ExplainedPart> {
        if of.predicted().is_some() {
            return predicted_parts(of, computed);
        }
        let mut members: Vec<(usize, &ScoreSpec, f64)> = Vec::new();
        self.members(of, 1.0, &mut members);
        let mut parts = Vec::new();
        for (place, spec, weight) in members {
            let Some(score) = computed.scores.get(place) else { continue };
            let facts = self.score_facts(place, sorted);
            for part in &score.parts {
                let rules = spec.rules().map(|rules| rules.rules.as_slice()).unwrap_or_default();
                let rule = rules.iter().position(|rule| gives_part(rule, part));
                let newest = rule
                    .and_then(|rule| facts.get(rule))
                    .and_then(|facts| facts.iter().rev().find(|fact| fact.at <= person.as_of));
                parts.push(ExplainedPart {
                    label: part.label.clone(),
                    points: part.points * weight,
                    matches: part.matches,
                    score: (spec.name != of.name).then(|| spec.name.clone()),
                    weight,
                    cap: rule.and_then(|rule| rules.get(rule)).and_then(|rule| rule.max),
                    age_days: newest.map(|fact| score::age_in_days(fact.at, person.as_of)),
                });
            }
        }
        parts.sort_by(|a, b| b.points.abs().total_cmp(&a.points.abs()));
        parts
    }

    /// The scores of rules that a score is made of in the end, in the order of the configuration, with their weights.
    fn members<'m>(&'m self, of: &'m ScoreSpec, weight: f64, members: &mut Vec<(usize, &'m ScoreSpec, f64)>) {
        match &of.made {
            Made::Rules(_) => {
                let place = self.spec().scores.iter().position(|one| one.name == of.name);
                members.extend(place.map(|place| (place, of, weight)));
            }
            Made::Combination(all) => {
                // A combination stands after what it is made of, so this ends.
                let before = self.spec().scores.iter().take_while(|one| one.name != of.name);
                for one in before {
                    for weighed in all.iter().filter(|weighed| weighed.score == one.name) {
                        self.members(one, weight * weighed.weight, members);
                    }
                }
            }
            Made::Predicted(_) => {}
        }
    }

    fn of_rules(&self, of: &ScoreSpec, sorted: &Sorted<'_>, as_of: Timestamp) -> Vec<Evidence> {
        let mut members = Vec::new();
        self.members(of, 1.0, &mut members);
        let moment = Moment { zone: self.spec().time_zone, as_of };
        let mut evidence = Vec::new();
        for (member, spec, _) in members {
            let Some(rules) = spec.rules() else { continue };
            for (rule, facts) in rules.rules.iter().zip(self.score_facts(member, sorted)) {
                let Gives::Events(events) = &rule.gives else { continue };
                for one in score::contributions(events, events.decay.unwrap_or(rules.decay), facts, moment) {
                    let left_out = match (one.over_day, one.points == 0.0) {
                        (true, _) => Some("over the day's cap"),
                        (false, true) => Some("expired"),
                        (false, false) => None,
                    };
                    evidence.push(Evidence {
                        rule: Some(rule.label.clone()),
                        points: Some(one.points),
                        left_out,
                        ..of_event(one.fact, as_of)
                    });
                }
            }
        }
        evidence
    }

    /// What time alone will do: found by looking day by day, and then within the day.
    fn outlook(&self, place: usize, person: &Person<'_>) -> Outlook {
        let spec = self.spec().scores.get(place);
        let at = |instant: Timestamp| {
            let later = self.compute(&Person { as_of: instant, judged: false, ..*person });
            let own = later.scores.iter().find(|score| spec.is_some_and(|spec| spec.name == score.name));
            own.map_or(0.0, |score| score.value)
        };
        let (now, standings) = (at(person.as_of), person.standings);
        let mut waiting: Vec<(Arc<str>, f64)> = Vec::new();
        if let Some(spec) = spec {
            let inside = spec.bands.iter().map(|band| (spec.band_name(band), band.exit));
            waiting.extend(inside.filter(|(name, _)| standings.is_in_band(name)));
        }
        let mut outlook = Outlook { changes_at: None, becomes: None, leaves: Vec::new() };
        let mut from = person.as_of;
        for _ in 0..AHEAD_DAYS {
            if outlook.changes_at.is_some() && waiting.is_empty() {
                break;
            }
            let to = from.saturating_add(DAY);
            let value = at(to);
            if outlook.changes_at.is_none() && rounded(value) != rounded(now) {
                let instant = first(from, to, |when| rounded(at(when)) != rounded(now));
                outlook.changes_at = Some(instant);
                outlook.becomes = Some(rounded(at(instant)));
            }
            waiting.retain(|(name, exit)| {
                if value >= *exit {
                    return true;
                }
                outlook.leaves.push((name.clone(), first(from, to, |when| at(when) < *exit)));
                false
            });
            from = to;
        }
        outlook
    }
}

/// The first second in a span at which something is so, where it is so at the end.
fn first(from: Timestamp, to: Timestamp, is_so: impl Fn(Timestamp) -> bool) -> Timestamp {
    let (mut low, mut high) = (from, to);
    while high.since(low) > Duration::from_secs(1) {
        let middle = low.saturating_add(high.since(low) / 2);
        if is_so(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

pub(super) fn gives_part(rule: &ScoreRule, part: &ScorePart) -> bool {
    let of_rows = match &rule.gives {
        Gives::Events(_) => false,
        Gives::Traits(rows) => rows.iter().any(|row| row.label.as_ref() == Some(&part.label)),
    };
    rule.label == part.label || of_rows
}

/// What each feature moves the chance by.
fn predicted_parts(of: &ScoreSpec, computed: &Computed) -> Vec<ExplainedPart> {
    let score = computed.scores.iter().find(|score| score.name == of.name);
    let part = |part: &ScorePart| ExplainedPart {
        label: part.label.clone(),
        points: part.points,
        matches: part.matches,
        score: None,
        weight: 1.0,
        cap: None,
        age_days: None,
    };
    score.map(|score| score.parts.iter().map(part).collect()).unwrap_or_default()
}

fn how(spec: &ScoreSpec) -> String {
    match &spec.made {
        Made::Rules(rules) => {
            let fading = match rules.decay {
                Decay::HalfLife(half) => format!(", halved every {} days", half.as_secs() / 86_400),
                _ => String::new(),
            };
            let of_events = rules.rules.iter().any(|rule| rule.on().is_some());
            format!("points of {} rules, 0 to {}{}", rules.rules.len(), spec.max, if of_events { &fading } else { "" })
        }
        Made::Combination(of) => {
            let weighed: Vec<String> = of.iter().map(|one| format!("{} × {}", one.weight, one.score)).collect();
            weighed.join(" + ")
        }
        Made::Predicted(of) => {
            format!("chance of a deal won within {} days, in percent", of.horizon.as_secs() / 86_400)
        }
    }
}
