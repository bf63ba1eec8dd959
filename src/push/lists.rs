//! CRM lists that segments keep: whose records are wished to be on which. Pure.
//!
//! What is wished for is decided where fields are staged: whatever marks a record (a segment entered or left, a consent, a link) has
//! it looked at there. Nothing changed marks nothing, and costs nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connector::{RecordId, Timestamp, Value};

use super::{End, Push, Stager, consent};
use crate::model::{Cause, Desire, RecordKey, SideWish, TraitName};
use crate::store::{PlaceWaiting, StageItem, Whom};

/// A list, and the segments whose people are on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRule {
    pub list: Arc<str>,
    segments: Vec<(Arc<str>, TraitName)>,
    /// `segments.hot → list 812`: as coverage and the journal name it.
    pub line: Arc<str>,
}

impl ListRule {
    /// A list that holds whoever is in any of these segments.
    pub fn new(list: Arc<str>, segments: &[Arc<str>]) -> Self {
        let names: Vec<String> = segments.iter().map(|segment| format!("segments.{segment}")).collect();
        let line = format!("{} → list {list}", names.join(", ")).into();
        let segments = segments.iter().cloned().zip(names.into_iter().map(TraitName::from)).collect();
        Self { list, segments, line }
    }

    /// The first of its segments that the person is in.
    fn entered(&self, holds: impl Fn(&TraitName) -> bool) -> Option<&Arc<str>> {
        self.segments.iter().find(|(_, attribute)| holds(attribute)).map(|(segment, _)| segment)
    }

    fn wish(&self, record: &RecordId, entered: Option<&Arc<str>>, why_not: &str) -> Desire {
        let origin = match entered {
            Some(segment) => format!("in segment {segment}").into(),
            None => why_not.into(),
        };
        Desire {
            record: record.clone(),
            wish: SideWish::Member { list: self.list.clone(), member: entered.is_some() },
            cause: Cause { mapping: self.line.clone(), origin },
        }
    }
}

impl Stager {
    /// A wish for every list: on it where the person is in one of its segments and may be told of, off it otherwise. Who never was on
    /// it is not taken off by that: the store knows.
    pub(super) fn places(&self, item: &StageItem) -> Vec<Desire> {
        let Some(record) = item.record.as_ref().filter(|record| !record.archived) else { return Vec::new() };
        let refused = consent::refused(&item.consents);
        let why_not = match refused {
            _ if item.is_suppressed => "suppressed".to_owned(),
            Some(purpose) => format!("{} {purpose}", Cause::CONSENT),
            None => "in none of its segments".to_owned(),
        };
        let told_of = item.profile.as_ref().filter(|_| refused.is_none() && !item.is_suppressed);
        self.lists
            .iter()
            .map(|rule| {
                let is_in = |attribute: &TraitName| {
                    told_of.is_some_and(|profile| *profile.value(attribute) == Value::Bool(true))
                };
                rule.wish(&record.key.id, rule.entered(is_in), &why_not)
            })
            .collect()
    }
}

/// What a push would do to one list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlannedList {
    pub list: Arc<str>,
    pub adds: u64,
    pub removes: u64,
}

/// Adds up who would be put on lists and taken off.
#[derive(Debug, Default)]
pub(super) struct PlannedPlaces {
    lists: BTreeMap<Arc<str>, (u64, u64)>,
    looked_at: BTreeSet<RecordId>,
}

impl PlannedPlaces {
    /// What the wishes for one staged record change of what Ferry knows.
    pub(super) fn count(&mut self, item: &StageItem, wishes: Vec<Desire>) {
        for desire in wishes {
            let SideWish::Member { list, member } = desire.wish else { continue };
            let told = item.lists.iter().find(|(on, _)| *on == list).map(|(_, given)| *given);
            match (member, told) {
                (true, None) => self.lists.entry(list).or_default().0 += 1,
                (false, Some(true)) => self.lists.entry(list).or_default().1 += 1,
                _ => {}
            }
            self.looked_at.insert(desire.record);
        }
    }

    /// With what waits from before at records that nothing has moved since.
    pub(super) fn with_waiting(mut self, waiting: Vec<PlaceWaiting>) -> Vec<PlannedList> {
        for place in waiting.into_iter().filter(|place| !self.looked_at.contains(&place.record)) {
            let (adds, removes) = self.lists.entry(place.list).or_default();
            if place.member { *adds += 1 } else { *removes += 1 }
        }
        self.lists.into_iter().map(|(list, (adds, removes))| PlannedList { list, adds, removes }).collect()
    }
}

/// Records looked at in one read.
const CHUNK: usize = 1_000;

impl Push<'_> {
    /// Who would be put on lists that no push has filled yet: everybody is looked at, as the push itself will.
    pub(super) async fn foresee_new_lists(&self, stager: &Stager, places: &mut PlannedPlaces) -> Result<(), End> {
        for rule in self.new_lists().await? {
            let lane = SideWish::Member { list: rule.list.clone(), member: true }.lane();
            let (object, mut after) = (&self.mapping.object, 0);
            loop {
                let everybody = Whom::ChangedSince(Timestamp::from_micros(i64::MIN));
                let found = self.store.audience(self.connection, object, &lane, everybody, after, CHUNK).await;
                let found = found.map_err(End::Store)?;
                let Some(last) = found.last() else { break };
                after = last.number;
                let told: BTreeSet<RecordId> =
                    found.iter().filter(|one| one.told_at.is_some()).map(|one| one.record.clone()).collect();
                let key = |record: &RecordId| RecordKey {
                    connection: self.connection.clone(),
                    object: object.clone(),
                    id: record.clone(),
                };
                let keys = found.iter().filter(|one| !places.looked_at.contains(&one.record));
                let keys = keys.map(|one| key(&one.record)).collect();
                for item in self.store.stage_items(keys).await.map_err(End::Store)? {
                    let Some(record) = &item.record else { continue };
                    let is_told = told.contains(&record.key.id);
                    for desire in stager.places(&item) {
                        let SideWish::Member { list, member } = desire.wish else { continue };
                        if list == rule.list && member != is_told {
                            let (adds, removes) = places.lists.entry(list).or_default();
                            if member { *adds += 1 } else { *removes += 1 }
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_called_by_its_segments_and_its_list() {
        let rule = ListRule::new("812".into(), &["hot".into(), "mql".into()]);
        assert_eq!(&*rule.line, "segments.hot, segments.mql → list 812");
        let only = |name: &'static str| move |attribute: &TraitName| &**attribute == name;
        assert_eq!(rule.entered(only("segments.mql")).map(|segment| &**segment), Some("mql"));
        assert_eq!(rule.entered(only("segments.customers")), None);
        let desire = rule.wish(&"501".into(), None, "in none of its segments");
        assert_eq!(desire.wish, SideWish::Member { list: "812".into(), member: false });
        assert_eq!(&*desire.cause.origin, "in none of its segments");
    }
}
