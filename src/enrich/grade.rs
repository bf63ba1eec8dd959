//! A grade: a letter by one score, a number by another (`cdp-semantics` §4.2).

use std::sync::Arc;

use crate::enrich::score_spec::{GradeAxis, GradeSpec};
use crate::model::Score;

/// `A3`. `None` where a score it is made of is not there.
pub(super) fn grade(spec: &GradeSpec, scores: &[Score]) -> Option<Arc<str>> {
    let letter = u8::try_from(place(&spec.letter, scores)?).ok().filter(|place| *place < 26)?;
    let number = place(&spec.number, scores)? + 1;
    Some(format!("{}{number}", char::from(b'A' + letter)).into())
}

/// How many thresholds the score stays below, on its unrounded value.
fn place(axis: &GradeAxis, scores: &[Score]) -> Option<usize> {
    let score = scores.iter().find(|score| score.name == axis.score)?;
    Some(axis.thresholds.iter().filter(|threshold| score.value < **threshold).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(fit: f64, engagement: f64) -> Vec<Score> {
        let score = |name: &str, value| Score { name: name.into(), value, parts: Vec::new(), capped: false };
        vec![score("fit", fit), score("engagement", engagement)]
    }

    fn axis(score: &str, thresholds: &[f64]) -> GradeAxis {
        GradeAxis { score: score.into(), thresholds: thresholds.to_vec() }
    }

    #[test]
    fn letters_and_numbers_go_by_unrounded_thresholds() {
        let four = [75.0, 50.0, 25.0];
        let matrix = GradeSpec { letter: axis("fit", &four), number: axis("engagement", &four) };
        let cases = [
            (100.0, 41.8, "A3"),
            (0.0, 12.98, "D4"),
            (75.0, 75.0, "A1"),
            (74.999, 74.999, "B2"),
            (50.0, 25.0, "B3"),
            (24.999, 24.999, "D4"),
            (25.0, 50.0, "C2"),
        ];
        for (fit, engagement, want) in cases {
            assert_eq!(grade(&matrix, &scores(fit, engagement)).as_deref(), Some(want), "{fit} {engagement}");
        }
        let nine = GradeSpec { letter: axis("fit", &[60.0, 30.0]), number: axis("engagement", &[60.0, 30.0]) };
        assert_eq!(grade(&nine, &scores(10.0, 80.0)).as_deref(), Some("C1"));
        let unknown = GradeSpec { letter: axis("fit", &four), number: axis("win", &four) };
        assert_eq!(grade(&unknown, &scores(10.0, 80.0)), None);
    }
}
