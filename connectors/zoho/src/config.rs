//! What a Zoho CRM connection needs to know, already validated words and numbers; `sync.toml` is read elsewhere.

use std::time::Duration;

use connector::Secret;
pub use connector_http::Timeouts;

use crate::hosts::DataCentre;
pub use connector::Creation;

/// One Zoho CRM organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The whole URL tokens come from: https, or http to a loopback address. Tokens are good in their own data centre only.
    pub token_url: String,
    /// Where the API is; `None` is where the sign-in says, if that is a host of the same data centre. A sandbox must be named.
    pub base_url: Option<String>,
    /// Where files of bulk jobs go; `None` is the data centre's own host for them, or else `base_url`.
    pub upload_url: Option<String>,
    /// Where results of bulk write jobs are fetched; `None` is the data centre's own host for them, or else the API's.
    pub download_url: Option<String>,
    pub client_id: String,
    pub client_secret: Secret,
    pub refresh_token: Secret,
    /// What of the organisation's automation runs on our writes (`workflow`, `approval`, `blueprint`, …); none of it unless
    /// it is named here.
    pub trigger: Vec<String>,
    /// The assignment rule, by name or id, that gives new leads their owner where the CRM is to choose; `None` is the only one
    /// there is.
    pub assignment_rule: Option<String>,
    /// What stands in for required fields of records that are created.
    pub creation: Creation,
    pub limits: Limits,
    pub timeouts: Timeouts,
}

impl Config {
    /// The hosts of one data centre.
    pub fn at(centre: DataCentre, client_id: String, client_secret: Secret, refresh_token: Secret) -> Self {
        Self::with_hosts(centre.token_url(), None, client_id, client_secret, refresh_token)
    }

    /// Hosts written out.
    pub fn with_hosts(
        token_url: String,
        base_url: Option<String>,
        client_id: String,
        client_secret: Secret,
        refresh_token: Secret,
    ) -> Self {
        Self {
            token_url,
            base_url,
            upload_url: None,
            download_url: None,
            client_id,
            client_secret,
            refresh_token,
            trigger: Vec::new(),
            assignment_rule: None,
            creation: Creation::default(),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
        }
    }
}

/// What may be spent, and how far what is read can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Records of one page of a list; Zoho gives 200 at most.
    pub page: usize,
    /// Records of one query; Zoho gives 2,000 at most and takes one, two or three credits for 200, 1,000 or 2,000.
    pub query_page: usize,
    /// A first load of more records than this is read by bulk jobs instead of page by page.
    pub bulk_read_above: u64,
    /// More writes than this go out as a bulk job instead of call by call. A job costs 500 credits: as much as 5,000 writes.
    pub bulk_write_above: usize,
    /// While there are no more deals than this, each is read with everybody who has a part in it, which costs a call a deal;
    /// beyond it only with its own contact.
    pub contact_roles_up_to: u64,
    /// Records of one page of a bulk job's results.
    pub bulk_page: usize,
    /// How far each incremental pull looks back behind its watermark.
    pub overlap: Duration,
    pub max_in_flight: usize,
    /// Bytes of one answer that is kept whole.
    pub max_body: usize,
    /// A pause longer than this is an error of kind quota instead of a wait.
    pub longest_wait: Duration,
    /// How long a bulk job may take before the pull or push that waits for it gives up and comes back later.
    pub longest_job: Duration,
    /// How long one push takes before it leaves the rest, and a bulk job that still runs, for later.
    pub longest_push: Duration,
    /// How long nothing is written after the answer to starting a bulk job was lost: Zoho lists no jobs, so that only
    /// time tells that it is over.
    pub lost_job: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            page: 200,
            query_page: 2_000,
            bulk_read_above: 20_000,
            bulk_write_above: 5_000,
            contact_roles_up_to: 2_000,
            bulk_page: 5_000,
            overlap: Duration::from_secs(300),
            max_in_flight: 5,
            max_body: 64 << 20,
            longest_wait: Duration::from_secs(150),
            longest_job: Duration::from_secs(3_600),
            longest_push: Duration::from_secs(480),
            lost_job: Duration::from_secs(3_600),
        }
    }
}
