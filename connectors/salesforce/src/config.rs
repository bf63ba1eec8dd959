//! What a Salesforce connection needs to know, already validated words and numbers; `sync.toml` is read elsewhere.

use std::time::Duration;

use connector::Secret;
pub use connector_http::Timeouts;

pub use connector::Creation;

/// Where people and daemons of production organisations sign in.
pub const DEFAULT_LOGIN_URL: &str = "https://login.salesforce.com";

/// The newest version this connector was written against; Salesforce keeps a version for at least three years.
pub const DEFAULT_API_VERSION: &str = "67.0";

/// One Salesforce organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where tokens come from: https, or http to a loopback address. The organisation's own My Domain address is best.
    pub login_url: String,
    /// Where the API is; `None` is where the sign-in says, if that is a host of Salesforce's or of `login_url`.
    pub base_url: Option<String>,
    pub flow: Flow,
    /// `67.0`, without a `v`.
    pub api_version: String,
    /// What stands in for required fields of records that are created.
    pub creation: Creation,
    pub limits: Limits,
    pub timeouts: Timeouts,
}

impl Config {
    pub fn new(flow: Flow) -> Self {
        Self {
            login_url: DEFAULT_LOGIN_URL.into(),
            base_url: None,
            flow,
            api_version: DEFAULT_API_VERSION.into(),
            creation: Creation::default(),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
        }
    }
}

/// How the connection proves who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flow {
    /// An app with a run-as user; asked at the organisation's own My Domain address.
    ClientCredentials { client_id: String, client_secret: Secret },
    /// An assertion signed with the key whose certificate the app holds.
    Jwt {
        client_id: String,
        /// The integration user's name at Salesforce.
        username: String,
        /// PEM, RSA, 2,048 bits or more.
        private_key: Secret,
        /// Whom the assertion is for; `None` is Salesforce's own choice for this kind of organisation.
        audience: Option<String>,
    },
    /// A refresh token from a person's consent; public clients have no secret.
    Refresh { client_id: String, client_secret: Option<Secret>, refresh_token: Secret },
}

/// What may be spent, and how far what is read can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Records of one page of a query; Salesforce gives 2,000 at most.
    pub page: usize,
    /// A window with more records than this is read by a bulk job instead of page by page.
    pub bulk_query_above: u64,
    /// More writes than this go out as a bulk job instead of batch by batch.
    pub bulk_ingest_above: usize,
    /// Records of one page of a bulk job's results.
    pub bulk_page: usize,
    /// How far each incremental pull looks back behind its watermark.
    pub overlap: Duration,
    /// How far the end of a pull stays behind Salesforce's clock: a stamp is taken before its transaction is visible.
    pub lag: Duration,
    pub max_in_flight: usize,
    /// Bytes of one answer that is kept whole, decompressed.
    pub max_body: usize,
    /// A pause longer than this is an error of kind quota instead of a wait.
    pub longest_wait: Duration,
    /// How long a bulk job may take before the pull or push that waits for it gives up and comes back later.
    pub longest_job: Duration,
    /// How long one push takes before it leaves the rest, and a bulk job that still runs, for later: less than the time
    /// for which the engine holds what it has given to it.
    pub longest_push: Duration,
    /// Bytes of one bulk job's file. Salesforce takes 100 MB; its results repeat the file and must fit in `max_body`.
    pub bulk_file_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            page: 2_000,
            bulk_query_above: 50_000,
            bulk_ingest_above: 2_000,
            bulk_page: 5_000,
            overlap: Duration::from_secs(600),
            lag: Duration::from_secs(60),
            max_in_flight: 8,
            max_body: 64 << 20,
            longest_wait: Duration::from_secs(60),
            longest_job: Duration::from_secs(3_600),
            longest_push: Duration::from_secs(480),
            bulk_file_bytes: 40_000_000,
        }
    }
}
