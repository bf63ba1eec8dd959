//! Segments: who is in, and what was entered or left in this pass (`cdp-semantics` §5).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono_tz::Tz;
use connector::Value;

use crate::enrich::band::Judging;
use crate::enrich::condition::Condition;
use crate::enrich::person::Person;
use crate::enrich::segment_spec::{self, SEGMENTS, SegmentSpec};
use crate::enrich::sorted::Sorted;
use crate::enrich::values::Values;
use crate::enrich::window::Due;
use crate::expr::{EventPredicate, in_order};
use crate::model::{Crossing, Place, RuleId, Score, TraitName, TraitValues, Transition, TransitionKind};

/// A segment made ready.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    spec: SegmentSpec,
    name: TraitName,
    when: Condition,
    exit_when: Option<Condition>,
}

/// The segments, each after those it names. The configuration has refused cycles; of one that comes all the same, each segment
/// sees the others as they were last.
pub(super) fn ready(specs: &[SegmentSpec], rule: &mut dyn FnMut(&EventPredicate) -> RuleId) -> Vec<Segment> {
    let mut segments: Vec<Segment> = specs
        .iter()
        .map(|spec| Segment {
            name: spec.trait_name(),
            when: Condition::new(&spec.when, rule),
            exit_when: spec.exit_when.as_ref().map(|exit| Condition::new(exit, rule)),
            spec: spec.clone(),
        })
        .collect();
    if let Ok(order) = in_order(&segment_needs(specs)) {
        segments.sort_by_key(|segment| order.iter().position(|name| *name == segment.name));
    }
    segments
}

/// By trait name: the names that each segment's conditions read.
pub fn segment_needs(specs: &[SegmentSpec]) -> BTreeMap<Arc<str>, BTreeSet<Arc<str>>> {
    let names = |spec: &SegmentSpec| {
        let conditions = [Some(&spec.when), spec.exit_when.as_ref()];
        conditions.into_iter().flatten().flat_map(|expr| expr.names().cloned()).collect()
    };
    specs.iter().map(|spec| (spec.trait_name(), names(spec))).collect()
}

/// Judges every segment, in order, into `computed`; adds what was crossed and where the person stands.
pub(super) fn judge(
    segments: &[Segment],
    (person, zone): (&Person<'_>, Tz),
    (scores, bands): (&[Score], &BTreeMap<Arc<str>, Place>),
    computed: &mut TraitValues,
    sorted: &Sorted<'_>,
    judging: Judging<'_>,
    due: &mut Due,
) -> (BTreeMap<Arc<str>, Place>, Vec<Transition>) {
    let (mut places, mut crossed) = (BTreeMap::new(), Vec::new());
    for segment in segments {
        let (place, transition) = segment.judge(Values { person, computed, scores, bands, zone }, sorted, judging, due);
        computed.insert(segment.name.clone(), Value::Bool(place.inside));
        places.insert(segment.spec.name.clone(), place);
        crossed.extend(transition);
    }
    crossed.sort_by(|a, b| a.name.cmp(&b.name));
    (places, crossed)
}

/// The traits of segments as they stand: one yes or no each, and the list.
pub(super) fn tell(segments: &[Segment], places: &BTreeMap<Arc<str>, Place>, computed: &mut TraitValues) {
    if segments.is_empty() {
        return;
    }
    let inside = |name: &Arc<str>| places.get(name).is_some_and(|place| place.inside);
    for segment in segments {
        computed.insert(segment.name.clone(), Value::Bool(inside(&segment.spec.name)));
    }
    let list: Vec<Arc<str>> = places.keys().filter(|name| inside(name)).cloned().collect();
    computed.insert(Arc::from(SEGMENTS), Value::List(list));
}

/// The trait of a segment's name.
pub fn segment_trait(name: &str) -> TraitName {
    segment_spec::trait_of(name)
}

impl Segment {
    fn judge(
        &self,
        values: Values<'_>,
        sorted: &Sorted<'_>,
        judging: Judging<'_>,
        due: &mut Due,
    ) -> (Place, Option<Transition>) {
        let Judging { before, is_history, as_of, .. } = judging;
        let known = before.segments.get(&self.spec.name);
        let holds = self.when.holds(values, sorted, due);
        let direction = match known.filter(|place| place.inside) {
            None => holds.then_some(Crossing::In),
            Some(place) => {
                let leaves = !holds && self.exit_when.as_ref().is_none_or(|exit| exit.holds(values, sorted, due));
                let until = place.since.saturating_add(self.spec.min_stay);
                if leaves && as_of < until {
                    due.note(until);
                }
                (leaves && as_of >= until).then_some(Crossing::Out)
            }
        };
        let place = match (direction, known) {
            (None, Some(place)) => *place,
            (direction, _) => Place { inside: direction == Some(Crossing::In), since: as_of },
        };
        let is_new_segment = known.is_none() && before.judged_at.is_some();
        let transition = direction.map(|direction| Transition {
            kind: TransitionKind::Segment,
            name: self.spec.name.clone(),
            direction,
            at: as_of,
            score: None,
            grade: None,
            reasons: None,
            backfill: is_new_segment || (before.judged_at.is_none() && is_history),
        });
        (place, transition)
    }
}
