//! What can be turned on a HubSpot mock through `/__mock/config`, beside the core's knobs.

use serde::{Deserialize, Serialize};

use super::kind::Kind;

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Knobs {
    /// Calls per rolling ten seconds and credential.
    pub burst_limit: u64,
    /// Searches per second and portal.
    pub search_limit: u64,
    /// Calls per day and portal.
    pub daily_limit: u64,
    /// How long an OAuth access token lives.
    pub token_ttl_s: i64,
    /// Scopes the app was not granted, e.g. `crm.objects.deals.read`.
    pub denied_scopes: Vec<String>,
    /// Custom properties an object may have.
    pub custom_property_limit: usize,
    /// Whether writing the value already there moves the modification stamp.
    pub bump_unchanged: bool,
    /// Whether a merge keeps the primary's id instead of making a third one.
    pub merge_keeps_primary_id: bool,
    /// Which batch writes fail row by row when every input carries a trace id.
    pub trace_partial: TracePartial,
    /// Whether a batch with failed rows answers 200 or 201 instead of 207, as the newest vendor files have it.
    pub errors_under_200: bool,
    /// Each write reaches the search index after `search_lag_ms` up to this; 0: always after `search_lag_ms`.
    pub search_lag_max_ms: u64,
    /// Every generated record carries one stamp.
    pub equal_stamps: bool,
    /// Rules that rewrite what is written.
    pub workflows: Vec<Workflow>,
    /// Conditionally required properties, enforced under `2026-09` paths only.
    pub required: Vec<Required>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum TracePartial {
    None,
    Create,
    All,
}

/// A rule that rewrites a property after it was written.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    /// Object, by any of its names.
    pub object: String,
    pub property: String,
    pub action: Action,
    /// For `set` and `append`.
    #[serde(default)]
    pub value: String,
    /// For `round`.
    #[serde(default)]
    pub digits: u32,
    /// Whether the answer to the write shows the rewritten value already; otherwise only later reads do.
    #[serde(default)]
    pub immediate: bool,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Round,
    Trim,
    Upper,
    Lower,
    /// Always `value`.
    Set,
    /// Always the value from before the write.
    Revert,
    Append,
    Clear,
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Required {
    pub object: String,
    pub property: String,
    /// Only when this property has this value; always when absent.
    #[serde(default)]
    pub when: Option<When>,
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct When {
    pub property: String,
    pub value: String,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            burst_limit: 100,
            search_limit: 5,
            daily_limit: 250_000,
            token_ttl_s: 1_800,
            denied_scopes: Vec::new(),
            custom_property_limit: 1_000,
            bump_unchanged: true,
            merge_keeps_primary_id: false,
            trace_partial: TracePartial::Create,
            errors_under_200: false,
            search_lag_max_ms: 0,
            equal_stamps: false,
            workflows: Vec::new(),
            required: Vec::new(),
        }
    }
}

impl Workflow {
    pub fn concerns(&self, kind: Kind, property: &str) -> bool {
        Kind::parse(&self.object) == Some(kind) && self.property == property
    }

    /// What the rule makes of `written`, where the record had `before`.
    pub fn rewrite(&self, written: &str, before: &str) -> String {
        match self.action {
            Action::Round => match written.parse::<rust_decimal::Decimal>() {
                Ok(number) => number.round_dp(self.digits).normalize().to_string(),
                Err(_) => written.to_owned(),
            },
            Action::Trim => written.trim().to_owned(),
            Action::Upper => written.to_uppercase(),
            Action::Lower => written.to_lowercase(),
            Action::Set => self.value.clone(),
            Action::Revert => before.to_owned(),
            Action::Append => format!("{written}{}", self.value),
            Action::Clear => String::new(),
        }
    }
}
