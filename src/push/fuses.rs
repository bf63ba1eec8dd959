//! Fuses count harm, not volume: values of other people replaced, records made, fields emptied.

use std::fmt;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::store::FuseTally;

/// `[safety]`: how much harm one run may do at one (connection, object).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FuseLimits {
    pub max_creates: u64,
    /// Share of linked records in which a value that Ferry did not write may be replaced.
    pub max_update_share: Decimal,
    /// The share counts from this many replaced records up.
    pub update_floor: u64,
    /// Records in which fields may be cleared.
    pub max_clears: u64,
}

impl Default for FuseLimits {
    fn default() -> Self {
        Self { max_creates: 50, max_update_share: Decimal::new(20, 2), update_floor: 100, max_clears: 10 }
    }
}

/// Why nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tripped {
    /// The key in `[safety]`.
    pub limit: &'static str,
    pub found: u64,
    pub most: u64,
    pub linked: u64,
}

impl fmt::Display for Tripped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, found, most, linked } = self;
        match *limit {
            "max_creates_per_run" => write!(f, "{found} records would be created; {limit} allows {most}"),
            "max_update_share" => write!(
                f,
                "{found} of {linked} linked records hold values that Ferry did not write and would replace; {limit} allows {most}"
            ),
            _ => write!(f, "fields would be cleared on {found} records; {limit} allows {most}"),
        }
    }
}

impl FuseLimits {
    /// The first fuse that the queued entries blow, if any.
    pub fn check(&self, tally: &FuseTally) -> Option<Tripped> {
        let share = (Decimal::from(tally.linked) * self.max_update_share).floor().to_u64().unwrap_or(u64::MAX);
        let counts = [
            ("max_creates_per_run", tally.creates, self.max_creates),
            ("max_update_share", tally.overwriting, share.max(self.update_floor.saturating_sub(1))),
            ("never_clear_more_than", tally.clearing, self.max_clears),
        ];
        let (limit, found, most) = counts.into_iter().find(|(_, found, most)| found > most)?;
        Some(Tripped { limit, found, most, linked: tally.linked })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(linked: u64, creates: u64, overwriting: u64, clearing: u64) -> FuseTally {
        FuseTally { linked, queued: 0, creates, overwriting, clearing }
    }

    #[test]
    fn each_fuse_trips_one_past_its_limit() {
        let limits = FuseLimits::default();
        let trips = |t: FuseTally| limits.check(&t).map(|tripped| tripped.limit);
        assert_eq!(trips(tally(1_000, 50, 200, 10)), None);
        assert_eq!(trips(tally(1_000, 51, 0, 0)), Some("max_creates_per_run"));
        assert_eq!(trips(tally(1_000, 0, 201, 0)), Some("max_update_share"));
        assert_eq!(trips(tally(1_000, 0, 0, 11)), Some("never_clear_more_than"));
        // A small CRM: the share counts from 100 replaced records up.
        assert_eq!(trips(tally(120, 0, 99, 0)), None);
        assert_eq!(trips(tally(120, 0, 100, 0)), Some("max_update_share"));
    }
}
