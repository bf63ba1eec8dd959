//! Why a score is what it is, in a line a rep reads.

use std::sync::Arc;

use chrono_tz::Tz;

use crate::enrich::window::local_day;
use crate::model::{Score, ScorePart, ToldScore, rounded};

/// Reasons given with a score, at most.
const REASONS: usize = 3;

/// Longest text of reasons: what every CRM's plain text field holds.
pub const REASONS_LENGTH: u32 = 255;

/// `Demo form +18.0; Company size +12.0; Senior title +10.0`: the weightiest parts that are a tenth of a point or more, with
/// `(capped)` where the score is not their sum. `None` where there is nothing to say.
pub(super) fn reasons(score: &Score) -> Option<Arc<str>> {
    let suffix = if score.capped { " (capped)" } else { "" };
    let parts = score.parts.iter().map(|part| (&*part.label, part.points));
    line("", parts, suffix)
}

/// `+10 since 2026-03-04: Demo form +18.0; Page view -2.3`: how the score differs from what a CRM was told last, and by which
/// rules. `None` where the number is the same.
pub(super) fn change(score: &Score, told: &ToldScore, zone: Tz) -> Option<Arc<str>> {
    let by = rounded(score.value).saturating_sub(rounded(told.value));
    if by == 0 {
        return None;
    }
    // A label may be of several rules; the rules of the past are only known by theirs.
    let mut labels: Vec<&Arc<str>> = score.parts.iter().chain(&told.parts).map(|part| &part.label).collect();
    let of = |parts: &[ScorePart], label: &Arc<str>| -> f64 {
        parts.iter().filter(|part| part.label == *label).map(|part| part.points).sum()
    };
    let mut seen = std::collections::HashSet::new();
    labels.retain(|label| seen.insert(Arc::clone(label)));
    let mut moved: Vec<(&str, f64)> =
        labels.iter().map(|label| (&***label, of(&score.parts, label) - of(&told.parts, label))).collect();
    moved.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    let head = format!("{by:+} since {}", local_day(told.at, zone));
    let start = format!("{head}: ");
    line(&start, moved.into_iter(), "").or_else(|| Some(head.into()))
}

/// The weightiest that are a tenth of a point or more, as far as there is room. `None` where there are none.
fn line<'p>(start: &str, parts: impl Iterator<Item = (&'p str, f64)>, suffix: &str) -> Option<Arc<str>> {
    let room = REASONS_LENGTH as usize - suffix.len() - start.len();
    let mut text = String::new();
    for (label, points) in parts.filter(|(_, points)| points.abs() >= 0.05).take(REASONS) {
        let mut reason = format!("{label} {points:+.1}");
        let length = reason.chars().count();
        if text.is_empty() && length > room {
            let points = format!("… {points:+.1}");
            let kept = room - points.chars().count();
            reason = label.chars().take(kept).chain(points.chars()).collect();
        }
        let separator = if text.is_empty() { "" } else { "; " };
        if text.chars().count() + separator.len() + reason.chars().count() > room {
            break;
        }
        text.push_str(separator);
        text.push_str(&reason);
    }
    (!text.is_empty()).then(|| format!("{start}{text}{suffix}").into())
}

#[cfg(test)]
mod tests {
    use connector::Timestamp;

    use super::*;

    fn parts(of: &[(&str, f64)]) -> Vec<ScorePart> {
        of.iter().map(|(label, points)| ScorePart { label: (*label).into(), points: *points, matches: 1 }).collect()
    }

    fn score(value: f64, of: &[(&str, f64)]) -> Score {
        Score { name: "lead".into(), value, parts: parts(of), capped: false }
    }

    #[test]
    fn the_three_weightiest_are_told() {
        let lead =
            score(65.08, &[("Demo form", 17.994), ("Company size", 12.0), ("Senior title", 10.0), ("Country", 10.0)]);
        assert_eq!(reasons(&lead).as_deref(), Some("Demo form +18.0; Company size +12.0; Senior title +10.0"));
        assert_eq!(reasons(&score(0.0, &[("Page view", 0.04)])), None);
        let capped = Score { capped: true, ..score(0.0, &[("Unsubscribed", -20.0)]) };
        assert_eq!(reasons(&capped).as_deref(), Some("Unsubscribed -20.0 (capped)"));
    }

    #[test]
    fn a_change_names_what_moved() {
        let told = ToldScore {
            at: Timestamp::parse_rfc3339("2026-03-04T08:05:00Z").unwrap(),
            value: 54.6,
            parts: parts(&[("Demo form", 10.0), ("Page view", 3.0), ("Country", 10.0)]),
        };
        let now = score(65.0, &[("Demo form", 20.0), ("Country", 10.0), ("Pricing page", 4.0)]);
        assert_eq!(
            change(&now, &told, Tz::UTC).as_deref(),
            Some("+10 since 2026-03-04: Demo form +10.0; Pricing page +4.0; Page view -3.0")
        );
        assert_eq!(change(&score(55.4, &[]), &told, Tz::UTC), None, "the number is the same");
    }
}
