//! Where a person stands: the bands and segments they are in, and what was known when that was last judged.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::Timestamp;

use crate::model::ScorePart;

/// One band or segment, as last judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub inside: bool,
    /// When it was entered or left last; the first judgement where it never was.
    pub since: Timestamp,
}

/// What one pass leaves behind for the next: bands and segments have a memory, everything else is computed afresh.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standings {
    /// The instant of the last judgement; `None` where there was none.
    pub judged_at: Option<Timestamp>,
    pub evidence: Watermark,
    /// By full name: `lead.mql`.
    pub bands: BTreeMap<Arc<str>, Place>,
    pub segments: BTreeMap<Arc<str>, Place>,
    /// The score that reps are told of, as it was when a CRM was told last.
    pub told: Option<ToldScore>,
}

/// A score at an instant: what the next one is compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct ToldScore {
    pub at: Timestamp,
    pub value: f64,
    pub parts: Vec<ScorePart>,
}

/// All evidence for a person's scores up to a judgement. More of it, and nothing else, lets somebody enter a band.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watermark {
    /// The highest place in the log of an event that a scoring rule matched.
    pub event: i64,
    /// A hash of what is declared and of the deals that score rules read.
    pub traits: i64,
    pub known: bool,
}

impl Standings {
    pub fn is_in_band(&self, name: &str) -> bool {
        self.bands.get(name).is_some_and(|place| place.inside)
    }

    pub fn is_in_segment(&self, name: &str) -> bool {
        self.segments.get(name).is_some_and(|place| place.inside)
    }

    /// Of two profiles that are one person: inside where either was, since the earlier of the instants that say so. What each
    /// did is evidence for both, so nothing counts as known yet.
    #[must_use]
    pub fn merged(self, other: Self) -> Self {
        Self {
            judged_at: self.judged_at.max(other.judged_at),
            evidence: Watermark::default(),
            bands: merged(self.bands, other.bands),
            segments: merged(self.segments, other.segments),
            told: self.told.or(other.told),
        }
    }
}

fn merged(mut ours: BTreeMap<Arc<str>, Place>, theirs: BTreeMap<Arc<str>, Place>) -> BTreeMap<Arc<str>, Place> {
    for (name, place) in theirs {
        ours.entry(name)
            .and_modify(|have| match (have.inside, place.inside) {
                (false, true) => *have = place,
                (true, false) => {}
                (true, true) => have.since = have.since.min(place.since),
                (false, false) => have.since = have.since.max(place.since),
            })
            .or_insert(place);
    }
    ours
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(inside: bool, since: i64) -> Place {
        Place { inside, since: Timestamp::from_secs(since) }
    }

    fn of(judged_at: i64, bands: &[(&str, Place)]) -> Standings {
        Standings {
            judged_at: Some(Timestamp::from_secs(judged_at)),
            evidence: Watermark { event: 7, traits: 1, known: true },
            bands: bands.iter().map(|(name, place)| (Arc::from(*name), *place)).collect(),
            ..Standings::default()
        }
    }

    #[test]
    fn one_person_is_inside_where_either_was() {
        let one = of(10, &[("a", place(true, 5)), ("b", place(false, 5)), ("c", place(true, 3))]);
        let two =
            of(20, &[("a", place(false, 9)), ("b", place(true, 9)), ("c", place(true, 2)), ("d", place(false, 1))]);
        for merged in [one.clone().merged(two.clone()), two.merged(one)] {
            assert_eq!(merged.judged_at, Some(Timestamp::from_secs(20)));
            assert_eq!(merged.evidence, Watermark::default(), "what either did is new to the other");
            let bands: Vec<(&str, Place)> = merged.bands.iter().map(|(name, place)| (&**name, *place)).collect();
            assert_eq!(
                bands,
                [("a", place(true, 5)), ("b", place(true, 9)), ("c", place(true, 2)), ("d", place(false, 1))]
            );
            assert!(merged.is_in_band("b") && !merged.is_in_band("d") && !merged.is_in_segment("a"));
        }
    }
}
