//! Who writes, and how: a program with its headers, a person, or the org by itself.

use super::guid::Guid;
use super::setup::SYNC_USER;
use crate::clock::Millis;
use crate::desk::Core;
use crate::ledger::By;

#[derive(Clone, Copy, Debug)]
pub struct Pen {
    pub user: Guid,
    pub by: By,
    /// Not bound by what the API forbids.
    pub system: bool,
    pub at: Millis,
    /// When readers see it; at once, or after the org's commit delay, when none.
    pub visible_at: Option<Millis>,
    /// `MSCRM.SuppressDuplicateDetection: false` was sent.
    pub detect_duplicates: bool,
}

impl Pen {
    pub fn api(core: &Core, detect_duplicates: bool) -> Self {
        Self { user: SYNC_USER, by: By::Api, system: false, at: core.now, visible_at: None, detect_duplicates }
    }

    pub fn rep(core: &Core, user: Guid) -> Self {
        Self { user, by: By::Rep, system: true, ..Self::api(core, false) }
    }

    pub fn workflow(core: &Core) -> Self {
        Self { by: By::Workflow, system: true, ..Self::api(core, false) }
    }
}
