//! The pull guard: a side that suddenly looks empty is believed by nobody (`reliability` §B 31).

use std::sync::Arc;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::store::{Guard, Verdict};

/// How much a run may lose before it is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuardLimits {
    /// Share of linked records that may be deleted or emptied in one run.
    pub max_loss: Decimal,
    /// Losing up to this many records is never stopped.
    pub floor: u64,
    /// Off until the first full load is complete.
    pub armed: bool,
}

impl Default for GuardLimits {
    fn default() -> Self {
        Self { max_loss: Decimal::new(1, 2), floor: 100, armed: true }
    }
}

impl GuardLimits {
    #[must_use]
    pub fn armed(self, armed: bool) -> Self {
        Self { armed, ..self }
    }

    /// Whether a run that lost `lost` of `linked` records so far may go on.
    pub fn check(&self, what: &str, linked: u64, deleted: u64, emptied: u64) -> Verdict {
        let share = (Decimal::from(linked) * self.max_loss).floor().to_u64().unwrap_or(u64::MAX);
        let most = share.max(self.floor);
        if !self.armed || deleted + emptied <= most {
            return Verdict::Go;
        }
        let text: Arc<str> = format!(
            "{what}: {deleted} records deleted and {emptied} with emptied fields of {linked} linked ones; at most {most} \
             are believed in one run. Nothing of this page was stored. If the CRM really lost them, raise \
             [safety] max_pull_loss for one run; if not, look at the CRM's permissions and filters first"
        )
        .into();
        Verdict::Stop(text)
    }
}

/// What a run has seen so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Losses {
    pub deleted: u64,
    pub emptied: u64,
}

impl Losses {
    pub fn plus(self, page: &Guard) -> Self {
        Self { deleted: self.deleted + page.deleted, emptied: self.emptied + page.emptied }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenario_31_the_guard_counts_losses_from_the_floor_up() {
        let limits = GuardLimits::default();
        assert_eq!(limits.check("x", 100, 60, 40), Verdict::Go);
        assert!(matches!(limits.check("x", 100, 61, 40), Verdict::Stop(_)));
        assert_eq!(limits.check("x", 50_000, 500, 0), Verdict::Go);
        assert!(matches!(limits.check("x", 50_000, 501, 0), Verdict::Stop(_)));
        assert_eq!(limits.armed(false).check("x", 100, 100_000, 0), Verdict::Go);
    }
}
