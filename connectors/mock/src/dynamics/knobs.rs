//! What can be turned on a Dynamics mock through `/__mock/config`, beside the core's knobs.

use serde::{Deserialize, Serialize};

use super::kind::Kind;
use super::rep_request::kind_of;
use crate::automation::Workflow;
use crate::row_faults::RowFault;

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Knobs {
    /// Requests one server takes of a user in five minutes.
    pub request_limit: u64,
    /// Milliseconds of work one server does for a user in five minutes.
    pub execution_limit_ms: u64,
    /// Requests of a user that may be in flight.
    pub concurrent_limit: usize,
    /// How many of the next calls are refused as too many at once.
    pub concurrent_refusals: u64,
    /// Web servers the load is spread over; a call that brings the affinity cookie back always lands on one.
    pub servers: u64,
    /// What a request costs, and each row in it, in milliseconds of work.
    pub request_ms: u64,
    pub row_ms: u64,
    pub token_ttl_s: i64,
    /// Whether the secret has run out.
    pub secret_expired: bool,
    /// Tenants there are; any when empty.
    pub tenants: Vec<String>,
    /// RSA key (PEM, `PUBLIC KEY`) that assertions must be signed with; any signature is taken when absent.
    pub public_key: Option<String>,
    /// Whether somebody has made the application user.
    pub application_user: bool,
    /// Privileges the user's role lacks: `{table, privilege}`, the privilege being read, write, create or delete.
    pub denied: Vec<Denied>,
    /// Whether the role reads rows of the whole organisation, as change tracking needs.
    pub org_level_read: bool,
    /// How long after a write readers see it, stamped though it is with the time of the write.
    pub commit_delay_ms: u64,
    /// Every generated row carries one stamp.
    pub equal_stamps: bool,
    /// Days a delta token is good for.
    pub expire_change_tracking_days: i64,
    /// Tables without `UpdateMultiple` and its siblings.
    pub no_bulk: Vec<String>,
    /// Tables without optimistic concurrency.
    pub no_optimistic: Vec<String>,
    /// Whether a won or lost opportunity also refuses custom columns.
    pub closed_refuses_all: bool,
    /// Whether e-mail columns must hold an address that could exist.
    pub validate_emails: bool,
    /// Whether errors come without their code, as in some of the vendor's samples.
    pub blank_error_codes: bool,
    /// Put before the path in links to the next page, as in `http://elsewhere.example`.
    pub next_link_host: String,
    /// Whether pages hold a random number of rows, never more than asked for.
    pub short_pages: bool,
    /// Rows refused whatever they say.
    pub row_faults: Vec<RowFault>,
    /// What makes a row a duplicate: `{table, columns}`.
    pub duplicate_rules: Vec<DuplicateRule>,
    /// How long the index of a new key takes to build.
    pub key_build_ms: i64,
    /// Metadata calls refused because somebody else customises.
    pub customization_locks: u64,
    /// The org's automation.
    pub workflows: Vec<Workflow>,
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Denied {
    pub table: String,
    pub privilege: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct DuplicateRule {
    pub table: String,
    pub columns: Vec<String>,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            request_limit: 6_000,
            execution_limit_ms: 1_200_000,
            concurrent_limit: 52,
            concurrent_refusals: 0,
            servers: 1,
            request_ms: 10,
            row_ms: 1,
            token_ttl_s: 3_599,
            secret_expired: false,
            tenants: Vec::new(),
            public_key: None,
            application_user: true,
            denied: Vec::new(),
            org_level_read: true,
            commit_delay_ms: 0,
            equal_stamps: false,
            expire_change_tracking_days: 7,
            no_bulk: Vec::new(),
            no_optimistic: Vec::new(),
            closed_refuses_all: false,
            validate_emails: true,
            blank_error_codes: false,
            next_link_host: String::new(),
            short_pages: false,
            row_faults: Vec::new(),
            duplicate_rules: Vec::new(),
            key_build_ms: 0,
            customization_locks: 0,
            workflows: Vec::new(),
        }
    }
}

impl Knobs {
    /// # Errors
    /// What names something that is not there.
    pub fn check(&self) -> Result<(), String> {
        if self.servers == 0 {
            return Err("servers must be at least 1".into());
        }
        let rules = self.duplicate_rules.iter().map(|rule| &rule.table);
        let tables = self.denied.iter().map(|denied| &denied.table).chain(rules);
        for table in tables.chain(&self.no_bulk).chain(&self.no_optimistic) {
            if Kind::of_logical(table).is_none() {
                return Err(format!("unknown table `{table}`: logical names, as in contact"));
            }
        }
        let fault = self.workflows.iter().find_map(|rule| rule.fault(|object| kind_of(object).is_some()));
        fault.map_or(Ok(()), Err)
    }
}
