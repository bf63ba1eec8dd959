//! All bulk jobs of the org: numbered as they come, forgotten after seven days, counted against the daily quotas.

use std::collections::{BTreeMap, VecDeque};

use super::super::ids::Id;
use super::ingest_job::IngestJob;
use super::query_job::QueryJob;
use crate::clock::Millis;

const DAY: Millis = 24 * 3_600 * 1_000;
/// What comes before the number in a job's Id.
const PREFIX: [u8; 3] = *b"750";
/// The first job's number.
const FIRST: u64 = 62 * 62 * 11;

/// Things counted over a rolling day.
#[derive(Debug, Default)]
pub struct Rolling {
    /// When, and how many; oldest first.
    seen: VecDeque<(Millis, u64)>,
}

impl Rolling {
    pub fn add(&mut self, now: Millis, count: u64) {
        match self.seen.back_mut() {
            Some((at, total)) if *at == now => *total += count,
            _ => self.seen.push_back((now, count)),
        }
    }

    pub fn total(&self, now: Millis) -> u64 {
        self.seen.iter().filter(|(at, _)| now.saturating_sub(*at) < DAY).map(|(_, count)| count).sum()
    }

    fn forget(&mut self, now: Millis) {
        while self.seen.front().is_some_and(|(at, _)| now.saturating_sub(*at) >= DAY) {
            self.seen.pop_front();
        }
    }
}

#[derive(Debug, Default)]
pub struct Bulk {
    pub ingests: BTreeMap<u64, IngestJob>,
    pub queries: BTreeMap<u64, QueryJob>,
    made: u64,
    /// Internal batches, and query jobs made.
    pub batches: Rolling,
    pub query_jobs: Rolling,
}

impl Bulk {
    /// A number for a new job.
    pub fn fresh(&mut self) -> u64 {
        self.made += 1;
        FIRST + self.made
    }

    /// Forgets jobs that are over for seven days.
    pub fn expire(&mut self, now: Millis) {
        self.ingests.retain(|_, job| !job.life.is_expired(now));
        self.queries.retain(|_, job| !job.life.is_expired(now));
        self.batches.forget(now);
        self.query_jobs.forget(now);
    }
}

/// The Id of a job.
pub fn id_of(number: u64) -> String {
    Id::of_prefix(PREFIX, number).to_string()
}

/// The number of the job an Id names, of 15 or 18 characters.
pub fn number_of(text: &str) -> Option<u64> {
    Id::parse(text).filter(|id| id.prefix == PREFIX).map(|id| id.number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_rolls() {
        let mut count = Rolling::default();
        count.add(0, 2);
        count.add(10, 3);
        assert_eq!(count.total(10), 5);
        assert_eq!(count.total(DAY), 3);
        count.forget(DAY + 10);
        assert_eq!(count.seen.len(), 0);
    }

    #[test]
    fn jobs_have_ids_of_their_own() {
        let mut bulk = Bulk::default();
        let (first, second) = (bulk.fresh(), bulk.fresh());
        assert_ne!(first, second);
        assert_eq!(number_of(&id_of(first)), Some(first));
        assert!(id_of(first).starts_with("750"));
        assert_eq!(number_of("003xx000004TmiQAAS"), None);
    }
}
