//! One score by rules (`cdp-semantics` §4.2): points fade with age, caps per day and per rule, the sum clamped to 0…max.

use std::cmp::Ordering;
use std::sync::Arc;

use chrono_tz::Tz;
use connector::Timestamp;

use crate::enrich::spec::{Decay, ScoreRule, ScoreSpec};
use crate::enrich::window::{Due, local_day, next_midnight};
use crate::model::{Fact, Score, ScorePart};

/// What is still moving below this is invisible at two decimals, and nobody is woken for it.
const STILL: f64 = 0.005;

const DAY_SECS: f64 = 86_400.0;

/// Reasons given with a score, at most.
const REASONS: usize = 3;

/// Longest text of reasons: what every CRM's plain text field holds.
pub const REASONS_LENGTH: u32 = 255;

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

/// The matches of a rule up to `as_of`, in order, each with what it gives before the rule's own cap. Matches at one instant
/// give the same, so that it does not matter which of them a day's cap keeps.
pub(super) fn contributions<'f>(
    rule: &ScoreRule,
    decay: Decay,
    facts: &[&'f Fact],
    zone: Tz,
    as_of: Timestamp,
) -> Vec<Contribution<'f>> {
    let mut day = None;
    let mut of_day = 0;
    let past = facts.iter().filter(|fact| fact.at <= as_of);
    past.map(|fact| {
        let over_day = rule.per_day.is_some_and(|most| {
            let today = local_day(fact.at, zone);
            of_day = if day == Some(today) { of_day + 1 } else { 1 };
            day = Some(today);
            of_day > most
        });
        let age = as_of.since(fact.at).as_secs_f64();
        let points = if over_day { 0.0 } else { faded(rule.points, age, decay) };
        Contribution { fact, points, over_day }
    })
    .collect()
}

/// A rule's total within its cap.
pub(super) fn capped(rule: &ScoreRule, total: f64) -> f64 {
    match rule.max.map(f64::abs) {
        Some(most) if rule.points < 0.0 => total.max(-most),
        Some(most) => total.min(most),
        None => total,
    }
}

/// The score from each rule's facts, in the order of the rules; each rule's facts by time.
pub(super) fn score(spec: &ScoreSpec, facts: &[Vec<&Fact>], zone: Tz, as_of: Timestamp, due: &mut Due) -> Score {
    let mut parts = Vec::new();
    let mut fading = 0.0;
    for (rule, facts) in spec.rules.iter().zip(facts) {
        if facts.is_empty() {
            continue;
        }
        let decay = rule.decay.unwrap_or(spec.decay);
        let counted = contributions(rule, decay, facts, zone, as_of);
        let mut total = 0.0;
        let mut matches = 0;
        for contribution in counted.iter().filter(|contribution| contribution.points != 0.0) {
            total += contribution.points;
            matches += 1;
            match decay {
                Decay::Expires(after) => due.note(contribution.fact.at.saturating_add(after)),
                Decay::Never => {}
                Decay::HalfLife(_) | Decay::Linear { .. } => fading += contribution.points.abs(),
            }
        }
        if matches > 0 {
            parts.push(ScorePart { label: rule.label.clone(), points: capped(rule, total), matches });
        }
    }
    if fading >= STILL {
        due.note(next_midnight(as_of, zone));
    }
    let sum: f64 = parts.iter().map(|part| part.points).sum();
    // Adding zero makes a negative zero a plain one.
    let value = sum.clamp(0.0, spec.max.max(0.0)) + 0.0;
    // A stable sort keeps ties in the order of the configuration.
    parts.sort_by(|a, b| b.points.abs().partial_cmp(&a.points.abs()).unwrap_or(Ordering::Equal));
    Score { name: spec.name.clone(), value, parts, capped: (sum - value).abs() > f64::EPSILON }
}

/// As people and CRMs see points: rounded half-up.
pub fn rounded(points: f64) -> i64 {
    // Saturates; points are thousands at most.
    (points + 0.5).floor() as i64
}

/// `Demo form +30, Pricing page +12 (3)`: the weightiest reasons that round to a point or more, with the number of matches
/// where there were several; `(capped)` where the score was clamped. `None` where there is nothing to say.
pub(super) fn reasons(score: &Score) -> Option<Arc<str>> {
    let mut text = String::new();
    let suffix = if score.capped { " (capped)" } else { "" };
    for part in score.parts.iter().filter(|part| rounded(part.points) != 0).take(REASONS) {
        let points = rounded(part.points);
        let mut reason = if part.matches > 1 {
            format!("{} {points:+} ({})", part.label, part.matches)
        } else {
            format!("{} {points:+}", part.label)
        };
        let room = REASONS_LENGTH as usize - suffix.len();
        if text.is_empty() && reason.chars().count() > room {
            reason = reason.chars().take(room - 1).chain(['…']).collect();
        }
        let separator = if text.is_empty() { "" } else { ", " };
        if text.chars().count() + separator.len() + reason.chars().count() > room {
            break;
        }
        text.push_str(separator);
        text.push_str(&reason);
    }
    (!text.is_empty()).then(|| format!("{text}{suffix}").into())
}

/// Days as a person says them: `1.5 d`.
pub(super) fn age_in_days(at: Timestamp, as_of: Timestamp) -> f64 {
    as_of.since(at).as_secs_f64() / DAY_SECS
}
