//! What can be turned on a Salesforce mock through `/__mock/config`, beside the core's knobs.

use serde::{Deserialize, Serialize};

use super::bulk::BulkKnobs;
use super::duplicate_rules::DuplicateRule;
use super::locks::LockKnobs;
use crate::automation::Workflow;
use crate::row_faults::RowFault;

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Knobs {
    /// API calls the org may make in a rolling day.
    pub daily_limit: u64,
    /// The app's own share of them and its name in the header; none when 0.
    pub per_app_limit: u64,
    /// How many of the next calls are refused with the concurrent limit.
    pub concurrent_refusals: u64,
    /// Seconds of inactivity after which a session ends.
    pub session_ttl_s: i64,
    /// Whether the address signs people in like `login.`, where client credentials are refused.
    pub generic_login_host: bool,
    /// Whether a refresh token is good once and answered with the next one.
    pub rotate_refresh_tokens: bool,
    /// Values of `aud` that an assertion may carry; this mock's own address is another when `"self"` is listed.
    pub audiences: Vec<String>,
    /// RSA key (PEM, `PUBLIC KEY`) that assertions must be signed with; any signature is taken when absent.
    pub public_key: Option<String>,
    /// Whether client credentials have a user to run as.
    pub run_as_user: bool,
    /// How long after a write readers see it, stamped though it is with the time of the write.
    pub commit_delay_ms: u64,
    /// Every generated record carries one stamp.
    pub equal_stamps: bool,
    /// What happens to a lead written without `Sforce-Auto-Assign: FALSE`.
    pub lead_assignment: Assignment,
    /// Whether the key of duplicate-rule matches is spelt right instead of `duplicateResut`.
    pub correct_duplicate_key: bool,
    /// Whether fields made through the Tooling API wait for a permission set before anybody sees them.
    pub field_permissions: bool,
    /// Whether a deleted account takes its contacts and deals with it.
    pub cascade_account_delete: bool,
    /// Whether the user may read `/limits` and setup.
    pub view_setup: bool,
    /// Rows refused whatever they say.
    pub row_faults: Vec<RowFault>,
    /// What makes a record a duplicate.
    pub duplicate_rules: Vec<DuplicateRule>,
    /// Collisions of transactions.
    pub locks: LockKnobs,
    /// Bulk jobs.
    pub bulk: BulkKnobs,
    /// Whether pages of a query hold a random number of records.
    pub short_pages: bool,
    /// Put before the path in `nextRecordsUrl`: the real one sends a path alone.
    pub next_records_host: String,
    /// Whether every query locator is unknown.
    pub lose_cursors: bool,
    /// Queries more rows than this pass take too long; none do when 0.
    pub query_timeout_rows: u64,
    /// For how long a transaction nobody sees yet has been running, in seconds.
    pub open_transaction_s: i64,
    /// What a session that ended is told.
    pub session_refusal: SessionRefusal,
    /// The org's automation.
    pub workflows: Vec<Workflow>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Assignment {
    /// An active rule hands it to one of the sales users.
    Rule,
    /// No rule is active: the org's default lead owner gets it.
    DefaultOwner,
    /// Owners stay.
    Off,
}

/// The 401 of a session that is not good.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum SessionRefusal {
    Expired,
    /// `This session is not valid for use with the REST API`: a new token would not help.
    NotForRest,
    /// `Connected app is not attached to Agent`: nor here.
    NotAttached,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            daily_limit: 100_000,
            per_app_limit: 0,
            concurrent_refusals: 0,
            session_ttl_s: 7_200,
            generic_login_host: false,
            rotate_refresh_tokens: false,
            audiences: vec!["https://login.salesforce.com".into(), "https://test.salesforce.com".into()],
            public_key: None,
            run_as_user: true,
            commit_delay_ms: 0,
            equal_stamps: false,
            lead_assignment: Assignment::Rule,
            correct_duplicate_key: false,
            field_permissions: true,
            cascade_account_delete: true,
            view_setup: true,
            row_faults: Vec::new(),
            duplicate_rules: Vec::new(),
            locks: LockKnobs::default(),
            bulk: BulkKnobs::default(),
            short_pages: false,
            next_records_host: String::new(),
            lose_cursors: false,
            query_timeout_rows: 0,
            open_transaction_s: 0,
            session_refusal: SessionRefusal::Expired,
            workflows: Vec::new(),
        }
    }
}

impl Knobs {
    /// # Errors
    /// What is out of range or names something that is not there.
    pub fn check(&self) -> Result<(), String> {
        self.row_faults.iter().try_for_each(super::admission::check_fault)?;
        self.duplicate_rules.iter().try_for_each(DuplicateRule::check)?;
        self.locks.check()
    }
}
