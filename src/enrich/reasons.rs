//! Why a score is what it is, in a line a rep reads.

use std::sync::Arc;

use crate::model::{Score, ScorePart};

/// Reasons given with a score, at most.
const REASONS: usize = 3;

/// Longest text of reasons: what every CRM's plain text field holds.
pub const REASONS_LENGTH: u32 = 255;

/// `Demo form +18.0; Company size +12.0; Senior title +10.0`: the weightiest parts that are a tenth of a point or more, with
/// `(capped)` where the score is not their sum. `None` where there is nothing to say.
pub(super) fn reasons(score: &Score) -> Option<Arc<str>> {
    line(score.parts.iter().map(|part| (part, part.points)), if score.capped { " (capped)" } else { "" })
}

fn line<'p>(parts: impl Iterator<Item = (&'p ScorePart, f64)>, suffix: &str) -> Option<Arc<str>> {
    let room = REASONS_LENGTH as usize - suffix.len();
    let mut text = String::new();
    for (part, points) in parts.filter(|(_, points)| points.abs() >= 0.05).take(REASONS) {
        let mut reason = format!("{} {points:+.1}", part.label);
        let length = reason.chars().count();
        if text.is_empty() && length > room {
            let points = format!("… {points:+.1}");
            let kept = room - points.chars().count();
            reason = part.label.chars().take(kept).chain(points.chars()).collect();
        }
        let separator = if text.is_empty() { "" } else { "; " };
        if text.chars().count() + separator.len() + reason.chars().count() > room {
            break;
        }
        text.push_str(separator);
        text.push_str(&reason);
    }
    (!text.is_empty()).then(|| format!("{text}{suffix}").into())
}
