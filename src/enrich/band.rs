//! Bands: thresholds with a memory (`cdp-semantics` §4.2). Judged once a pass, on the score as of the pass. Time alone never lets
//! anybody in, it only lets out.

use std::sync::Arc;

use connector::Timestamp;

use crate::enrich::grade;
use crate::enrich::reasons;
use crate::enrich::score_spec::{BandSpec, ScoreSpec};
use crate::model::{Crossing, Place, Score, Standings, Transition, TransitionKind, Watermark};

/// What decides besides the score.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judging<'a> {
    pub before: &'a Standings,
    /// Whether anything happened since the last judgement that is more than time passing.
    pub new_evidence: bool,
    /// Everything that there is to judge by.
    pub evidence: Watermark,
    /// Whether the person's whole history is older than what anybody would act on.
    pub is_history: bool,
    pub as_of: Timestamp,
}

/// What became of a band.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Judged {
    pub name: Arc<str>,
    pub place: Place,
    pub crossed: Option<Transition>,
    /// Inside at or above the threshold of entering, and something new happened.
    pub pressed: bool,
}

pub(super) fn judge(spec: &ScoreSpec, band: &BandSpec, scores: &[Score], judging: Judging<'_>) -> Option<Judged> {
    let score = scores.iter().find(|score| score.name == spec.name)?;
    let name = spec.band_name(band);
    let Judging { before, new_evidence, is_history, as_of, .. } = judging;
    let known = before.bands.get(&name);
    let was = known.is_some_and(|place| place.inside);
    // A band that is new to somebody who was judged before is filled from what is known already.
    let is_new_band = known.is_none() && before.judged_at.is_some();
    let (high, low) = (score.value >= band.enter, score.value < band.exit);
    let direction = match was {
        true if low => Some(Crossing::Out),
        false if high && (new_evidence || is_new_band) => Some(Crossing::In),
        _ => None,
    };
    let place = match (direction, known) {
        (None, Some(place)) => *place,
        (direction, _) => Place { inside: direction == Some(Crossing::In), since: as_of },
    };
    let crossed = direction.map(|direction| Transition {
        kind: TransitionKind::Band,
        name: name.clone(),
        direction,
        at: as_of,
        score: Some(score.value),
        grade: spec.grade.as_ref().and_then(|spec| grade::grade(spec, scores)),
        reasons: reasons::reasons(score),
        backfill: is_new_band || (before.judged_at.is_none() && is_history),
    });
    let pressed = was && high && new_evidence;
    Some(Judged { name, place, crossed, pressed })
}
