//! What a HubSpot connection needs to know, already validated words and numbers; `sync.toml` is read elsewhere.

use std::time::Duration;

use connector::Secret;
pub use connector_http::Timeouts;

pub const DEFAULT_BASE_URL: &str = "https://api.hubapi.com";

/// One HubSpot account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// https, or http to a loopback address.
    pub base_url: String,
    pub auth: Auth,
    pub api_version: ApiVersion,
    pub limits: Limits,
    pub timeouts: Timeouts,
}

impl Config {
    /// The vendor's own address, its newest API, its smallest plan's limits (headers raise them).
    pub fn new(auth: Auth) -> Self {
        Self {
            base_url: DEFAULT_BASE_URL.into(),
            auth,
            api_version: ApiVersion::default(),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
        }
    }
}

/// How the connection proves who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// A private app's or service key's access token.
    Token(Secret),
    OAuth {
        client_id: String,
        client_secret: Secret,
        refresh_token: Secret,
        /// The whole URL of the token endpoint; `None` is `/oauth/2026-03/token` below `base_url`.
        token_url: Option<String>,
    },
}

/// The version segment of every path. `V3` implies v4 for associations; HubSpot ends v3 and v4 in 2027.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApiVersion {
    #[default]
    V2026_09,
    V2026_03,
    V3,
}

/// What may be spent, and how far the search index is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests per `burst_window`, until HubSpot's headers say otherwise.
    pub burst: u32,
    pub burst_window: Duration,
    /// Search requests per second; HubSpot allows 5 to all apps of an account together.
    pub search_per_second: u32,
    /// Whether HubSpot's `X-HubSpot-RateLimit-*` headers correct `burst`.
    pub follow_headers: bool,
    pub max_in_flight: usize,
    /// Bytes of one answer, decompressed.
    pub max_body: usize,
    /// How late a change may show in the search index: the watermark stays this far behind.
    pub visibility_lag: Duration,
    /// How far each incremental pull looks back behind its watermark.
    pub lookback: Duration,
    /// Requests a full load keeps in flight on one object.
    pub parallel_pages: usize,
    /// A pause longer than this is an error of kind quota instead of a wait.
    pub longest_wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            burst: 100,
            burst_window: Duration::from_secs(10),
            search_per_second: 4,
            follow_headers: true,
            max_in_flight: 12,
            max_body: 32 << 20,
            visibility_lag: Duration::from_secs(60),
            lookback: Duration::from_secs(300),
            parallel_pages: 6,
            longest_wait: Duration::from_secs(60),
        }
    }
}

impl Limits {
    /// No throttle at all: for a server without limits.
    pub fn unlimited() -> Self {
        Self { burst: 1_000_000, search_per_second: 100_000, follow_headers: false, ..Self::default() }
    }
}
