//! What can be turned on a Zoho mock through `/__mock/config`, beside the core's knobs: the table is in the documentation
//! of [`super`].

use serde::{Deserialize, Serialize};

use super::assignment::{AssignmentRule, usual};
use crate::automation::Workflow;
use crate::row_faults::RowFault;

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Knobs {
    /// The org's time zone, in minutes east of Greenwich.
    pub offset_min: i32,
    /// Credits per rolling day.
    pub daily_credits: u64,
    /// Calls that may run at once, and heavy ones among them.
    pub concurrency: usize,
    pub sub_concurrency: usize,
    /// How many of the next calls are refused for concurrency, whatever runs.
    pub concurrent_refusals: u64,
    pub token_ttl_s: i64,
    /// Tokens a refresh token gives in ten minutes.
    pub refresh_limit: usize,
    /// What the refresh token was granted.
    pub scopes: Vec<String>,
    /// What the integration user's profile lacks, e.g. `Crm_Implied_View_Leads`.
    pub denied_permissions: Vec<String>,
    /// A write is stamped now and seen by readers this much later.
    pub commit_delay_ms: i64,
    /// Every generated record carries one stamp.
    pub equal_stamps: bool,
    /// Whether a new deal must name its pipeline.
    pub pipeline_required: bool,
    /// Whether a picklist takes values outside its list, as many orgs' do.
    pub open_picklists: bool,
    /// Whether an unknown field in a record is refused instead of ignored.
    pub refuse_unknown_fields: bool,
    /// 200 instead of 207 for a mixed result, as sandboxes answer.
    pub mixed_under_200: bool,
    /// Whether an error of a list stands in `data[]`, as the vendor's files have it, instead of alone.
    pub errors_in_data: bool,
    /// Whether page numbers of a walk shift when records change, instead of a walk going on where it was.
    pub page_tokens_by_offset: bool,
    /// How long a page token is good for.
    pub page_token_ttl_s: i64,
    /// Custom fields a module may have, and unique ones among them.
    pub custom_field_limit: usize,
    pub unique_field_limit: usize,
    /// Whether new custom fields are hidden from the integration user's profile.
    pub hide_new_fields: bool,
    /// Times a bulk job is seen unfinished before it ends.
    pub job_polls: u32,
    /// How long after it was made a job that nobody asks for is done.
    pub job_unwatched_ms: i64,
    /// Rows of one page of a bulk read.
    pub bulk_page_rows: u64,
    /// How many of the next bulk jobs fail.
    pub failing_jobs: u32,
    /// Downloads of bulk results per minute.
    pub downloads_per_minute: usize,
    /// Rows refused whatever they say.
    pub row_faults: Vec<RowFault>,
    /// The org's automation.
    pub workflows: Vec<Workflow>,
    /// Who is given the records that are made under a rule.
    pub assignment_rules: Vec<AssignmentRule>,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            offset_min: 60,
            daily_credits: 100_000,
            concurrency: 15,
            sub_concurrency: 10,
            concurrent_refusals: 0,
            token_ttl_s: 3_600,
            refresh_limit: 10,
            scopes: DEFAULT_SCOPES.iter().map(|scope| (*scope).to_owned()).collect(),
            denied_permissions: Vec::new(),
            commit_delay_ms: 0,
            equal_stamps: false,
            pipeline_required: true,
            open_picklists: false,
            refuse_unknown_fields: false,
            mixed_under_200: false,
            errors_in_data: false,
            page_tokens_by_offset: false,
            page_token_ttl_s: 86_400,
            custom_field_limit: 155,
            unique_field_limit: 2,
            hide_new_fields: false,
            job_polls: 1,
            job_unwatched_ms: 5_000,
            bulk_page_rows: 200_000,
            failing_jobs: 0,
            downloads_per_minute: 10,
            row_faults: Vec::new(),
            workflows: Vec::new(),
            assignment_rules: usual(),
        }
    }
}

const DEFAULT_SCOPES: [&str; 9] = [
    "ZohoCRM.modules.ALL",
    "ZohoCRM.settings.ALL",
    "ZohoCRM.users.ALL",
    "ZohoCRM.org.ALL",
    "ZohoCRM.coql.READ",
    "ZohoCRM.bulk.ALL",
    "ZohoCRM.notifications.ALL",
    "ZohoFiles.files.ALL",
    "ZohoSearch.securesearch.READ",
];
