//! Who writes, with what powers, and under which stamp.

use super::ids::{Id, SYNC_USER};
use crate::clock::Millis;
use crate::desk::Core;
use crate::exchange::Call;
use crate::ledger::By;

/// `Sforce-Duplicate-Rule-Header`; all default to false.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DuplicateHeader {
    pub allow_save: bool,
    pub include_record_details: bool,
    pub run_as_current_user: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pen {
    pub user: Id,
    pub by: By,
    /// The CRM itself or whoever runs the mock: writes read-only fields, passes field-level security and rules.
    pub system: bool,
    pub at: Millis,
    /// When readers see it; `None` follows the knobs.
    pub visible_at: Option<Millis>,
    /// Whether assignment rules may change a lead's owner: true unless `Sforce-Auto-Assign: FALSE` was sent. A bulk job
    /// sets it when it names an `assignmentRuleId`, and only then.
    pub auto_assign: bool,
    pub duplicates: DuplicateHeader,
}

impl Pen {
    /// For a REST call: as its headers say.
    pub fn api(core: &Core, call: &Call) -> Self {
        let header = |name: &str| call.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        let says = |option: &str| {
            let mut options =
                header("sforce-duplicate-rule-header").split([';', ',']).filter_map(|o| o.split_once('='));
            options.any(|(key, value)| {
                key.trim().eq_ignore_ascii_case(option) && value.trim().eq_ignore_ascii_case("true")
            })
        };
        Self {
            auto_assign: !header("sforce-auto-assign").trim().eq_ignore_ascii_case("false"),
            duplicates: DuplicateHeader {
                allow_save: says("allowSave"),
                include_record_details: says("includeRecordDetails"),
                run_as_current_user: says("runAsCurrentUser"),
            },
            ..Self::bulk(core)
        }
    }

    /// For a bulk job: no assignment rules, duplicate rules at their defaults.
    pub fn bulk(core: &Core) -> Self {
        Self {
            user: SYNC_USER,
            by: By::Api,
            system: false,
            at: core.now,
            visible_at: None,
            auto_assign: false,
            duplicates: DuplicateHeader::default(),
        }
    }

    /// For a person in the CRM: their changes pass the field checks but are never refused for access or rules.
    pub fn rep(core: &Core, user: Id) -> Self {
        Self { user, by: By::Rep, system: true, ..Self::bulk(core) }
    }

    /// For what the CRM does by itself.
    pub fn workflow(core: &Core) -> Self {
        Self { by: By::Workflow, system: true, ..Self::bulk(core) }
    }
}
