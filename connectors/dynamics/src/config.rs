//! What a Dynamics connection needs to know, already validated words and numbers; `sync.toml` is read elsewhere.

use std::time::Duration;

use connector::{Creation, Secret};
pub use connector_http::Timeouts;

/// Where organisations of the public cloud sign in; sovereign clouds have hosts of their own.
pub const DEFAULT_AUTHORITY: &str = "https://login.microsoftonline.com";

/// The prefix of the publisher that every organisation begins with.
pub const DEFAULT_PREFIX: &str = "new";

/// One Dataverse organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The organisation's address, `https://ORG.crm4.dynamics.com`: https, or http to a loopback address.
    pub base_url: String,
    /// The whole URL of the token endpoint.
    pub token_url: String,
    /// The application's id at Microsoft Entra.
    pub client_id: String,
    pub credential: Credential,
    /// PEM certificates trusted beside the machine's own.
    pub ca: Option<Vec<u8>>,
    /// The customisation prefix of the publisher whose columns ours are, without `_`.
    pub publisher_prefix: String,
    pub write_mode: WriteMode,
    /// Whether changes are followed by delta links where a table allows it; otherwise by their stamps.
    pub change_tracking: bool,
    /// Whether the organisation's duplicate detection rules are kept out of our writes.
    pub suppress_duplicate_detection: bool,
    /// What new people get where nobody knows it.
    pub creation: Creation,
    pub limits: Limits,
    pub timeouts: Timeouts,
}

impl Config {
    pub fn new(base_url: String, token_url: String, client_id: String, credential: Credential) -> Self {
        Self {
            base_url,
            token_url,
            client_id,
            credential,
            ca: None,
            publisher_prefix: DEFAULT_PREFIX.into(),
            write_mode: WriteMode::default(),
            change_tracking: true,
            suppress_duplicate_detection: true,
            creation: Creation::default(),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
        }
    }
}

/// How the application proves who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    Secret(Secret),
    /// A signed assertion; no secret travels. Both as PEM, the key RSA of 2,048 bits or more.
    Certificate {
        certificate: Secret,
        private_key: Secret,
    },
}

/// How updates go out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WriteMode {
    /// One alone by itself, several as `UpdateMultiple` where the table has it; what that refuses goes row by row in batches.
    #[default]
    Auto,
    /// Always `UpdateMultiple` first.
    Bulk,
    /// `$batch` of independent parts.
    Batch,
    /// A request for each record.
    Single,
}

/// What may be spent, and how far what is read can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rows of one page; Dataverse gives 5,000 at most.
    pub page: usize,
    /// Rows of one `UpdateMultiple`: one transaction, so that one bad row costs all of them a second call.
    pub bulk: usize,
    /// Parts of one `$batch`; Dataverse takes 1,000.
    pub batch: usize,
    /// Calls of one push under way at once.
    pub parallel: usize,
    /// Without change tracking, how far each pull looks back behind its watermark.
    pub overlap: Duration,
    /// Without change tracking, how late a change may become visible: a stamp is taken before its transaction ends.
    pub lag: Duration,
    /// Requests per `window` before we hold back by ourselves.
    pub requests: u32,
    pub window: Duration,
    /// Dataverse refuses the 53rd.
    pub max_in_flight: usize,
    /// Bytes of one answer, decompressed.
    pub max_body: usize,
    /// A pause longer than this is an error of kind quota instead of a wait.
    pub longest_wait: Duration,
    /// How long the index of a new alternate key is waited for.
    pub longest_index: Duration,
    /// How long what a read saw of a record stands good as the condition of a write.
    pub read_holds: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            page: 2_000,
            bulk: 200,
            batch: 100,
            parallel: 4,
            overlap: Duration::from_secs(300),
            lag: Duration::from_secs(60),
            requests: 6_000,
            window: Duration::from_secs(300),
            max_in_flight: 52,
            max_body: 64 << 20,
            longest_wait: Duration::from_secs(60),
            longest_index: Duration::from_secs(120),
            read_holds: Duration::from_secs(60),
        }
    }
}
