//! Scores (`cdp-semantics` §4.2): points fade with age, caps per day, rule and group, the sum clamped to 0…max; and what others
//! weighed together give.

use std::cmp::Ordering;

use chrono_tz::Tz;
use connector::Timestamp;

use crate::enrich::score_spec::{Decay, EventPoints, Gives, RuleGroup, Rules, ScoreRule, ScoreSpec, Weighed};
use crate::enrich::window::{Due, local_day, next_midnight};
use crate::model::{Fact, Score, ScorePart};

/// What is still moving below this is invisible at two decimals, and nobody is woken for it.
const STILL: f64 = 0.005;

const DAY_SECS: f64 = 86_400.0;

/// What is left of `points` at an age, in seconds.
pub fn faded(points: f64, age_secs: f64, decay: Decay) -> f64 {
    let age = age_secs.max(0.0);
    match decay {
        Decay::HalfLife(half) => points * (-age / half.as_secs_f64()).exp2(),
        Decay::Linear { share, every } => points * (1.0 - share * age / every.as_secs_f64()).max(0.0),
        Decay::Expires(after) => {
            if age < after.as_secs_f64() {
                points
            } else {
                0.0
            }
        }
        Decay::Never => points,
    }
}

/// One match of one rule, and what it gives.
#[derive(Clone, Debug)]
pub(super) struct Contribution<'f> {
    pub fact: &'f Fact,
    pub points: f64,
    /// Not counted: the day's cap was reached.
    pub over_day: bool,
}

/// When and how points of events fade.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub zone: Tz,
    pub as_of: Timestamp,
}

/// The matches of a rule up to the instant, in order, each with what it gives before the rule's own cap. Matches at one instant
/// give the same, so that it does not matter which of them a day's cap keeps.
pub(super) fn contributions<'f, 'i>(
    events: &'i EventPoints,
    decay: Decay,
    facts: &'i [&'f Fact],
    moment: Moment,
) -> impl Iterator<Item = Contribution<'f>> + use<'i, 'f> {
    let mut day = None;
    let mut of_day = 0;
    let past = facts.iter().take_while(move |fact| fact.at <= moment.as_of);
    past.map(move |fact| {
        let over_day = events.per_day.is_some_and(|most| {
            let today = local_day(fact.at, moment.zone);
            of_day = if day == Some(today) { of_day + 1 } else { 1 };
            day = Some(today);
            of_day > most
        });
        let age = moment.as_of.since(fact.at).as_secs_f64();
        let points = if over_day { 0.0 } else { faded(events.points, age, decay) };
        Contribution { fact, points, over_day }
    })
}

/// A total within a cap. The cap is on the side of its own sign, or of `side` where that says more.
pub(super) fn capped(total: f64, max: Option<f64>, side: f64) -> f64 {
    match max {
        Some(most) if side < 0.0 => total.max(-most.abs()),
        Some(most) => total.min(most.abs()),
        None => total,
    }
}

/// What a rule needs of one person.
#[derive(Clone, Copy, Debug)]
pub(super) enum Material<'s, 'f> {
    /// The matches of a rule on events, by time.
    Facts(&'s [&'f Fact]),
    /// The row of a rule on traits that holds.
    Row(Option<usize>),
}

/// The score from what each rule needs, in the order of the rules.
pub(super) fn by_rules<'s, 'f: 's>(
    spec: &ScoreSpec,
    rules: &Rules,
    materials: impl IntoIterator<Item = Material<'s, 'f>>,
    moment: Moment,
    due: &mut Due,
) -> Score {
    let mut parts = Vec::with_capacity(rules.rules.len());
    let mut groups = vec![0.0; rules.groups.len()];
    let (mut alone, mut fading) = (0.0, 0.0);
    for (rule, material) in rules.rules.iter().zip(materials) {
        let part = match (&rule.gives, material) {
            (Gives::Traits(rows), Material::Row(Some(place))) => rows.get(place).map(|row| ScorePart {
                label: row.label.as_ref().unwrap_or(&rule.label).clone(),
                points: capped(row.points, rule.max, row.points),
                matches: 1,
            }),
            (Gives::Traits(_), _) | (Gives::Events(_), Material::Row(_)) => None,
            (Gives::Events(events), Material::Facts(facts)) => {
                let decay = events.decay.unwrap_or(rules.decay);
                of_events(rule, events, decay, facts, moment, &mut fading, due)
            }
        };
        let Some(part) = part else { continue };
        match rule.group.and_then(|group| groups.get_mut(group)) {
            Some(total) => *total += part.points,
            None => alone += part.points,
        }
        parts.push(part);
    }
    if fading >= STILL {
        due.note(next_midnight(moment.as_of, moment.zone));
    }
    let within = |(total, group): (&f64, &RuleGroup)| capped(*total, Some(group.max), group.max);
    let grouped: f64 = groups.iter().zip(&rules.groups).map(within).sum();
    let sum: f64 = parts.iter().map(|part| part.points).sum();
    finished(spec, parts, alone + grouped, sum)
}

fn of_events(
    rule: &ScoreRule,
    events: &EventPoints,
    decay: Decay,
    facts: &[&Fact],
    moment: Moment,
    fading: &mut f64,
    due: &mut Due,
) -> Option<ScorePart> {
    let mut total = 0.0;
    let mut matches = 0;
    for contribution in contributions(events, decay, facts, moment).filter(|one| one.points != 0.0) {
        total += contribution.points;
        matches += 1;
        match decay {
            Decay::Expires(after) => due.note(contribution.fact.at.saturating_add(after)),
            Decay::Never => {}
            Decay::HalfLife(_) | Decay::Linear { .. } => *fading += contribution.points.abs(),
        }
    }
    let points = capped(total, rule.max, events.points);
    (matches > 0).then(|| ScorePart { label: rule.label.clone(), points, matches })
}

/// Other scores weighed together: the parts are theirs, weighed.
pub(super) fn combined(spec: &ScoreSpec, of: &[Weighed], before: &[Score]) -> Score {
    let mut parts = Vec::new();
    let (mut value, mut is_cut) = (0.0, false);
    // In the order of the configuration's scores, so that ties of their rules stay in it.
    for score in before {
        for weighed in of.iter().filter(|weighed| weighed.score == score.name) {
            value += weighed.weight * score.value;
            is_cut |= score.capped;
            let weigh = |part: &ScorePart| ScorePart { points: part.points * weighed.weight, ..part.clone() };
            parts.extend(score.parts.iter().map(weigh));
        }
    }
    let score = finished(spec, parts, value, value);
    Score { capped: score.capped || is_cut, ..score }
}

/// `sum` is what the parts add up to, `value` what is left of it after the caps of groups.
fn finished(spec: &ScoreSpec, mut parts: Vec<ScorePart>, value: f64, sum: f64) -> Score {
    // Adding zero makes a negative zero a plain one.
    let clamped = value.clamp(0.0, spec.max.max(0.0)) + 0.0;
    // A stable sort keeps ties in the order of the configuration.
    parts.sort_by(|a, b| b.points.abs().partial_cmp(&a.points.abs()).unwrap_or(Ordering::Equal));
    Score { name: spec.name.clone(), value: clamped, parts, capped: (sum - clamped).abs() > 1e-9 }
}

/// Days as a person says them: `1.5 d`.
pub(super) fn age_in_days(at: Timestamp, as_of: Timestamp) -> f64 {
    as_of.since(at).as_secs_f64() / DAY_SECS
}
