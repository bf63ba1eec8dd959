//! Validated settings: what the rest of the program sees of `sync.toml`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use chrono_tz::Tz;
use connector::{ConnectionName, Object, Secret, Timestamp};
use rust_decimal::Decimal;

use crate::activation::{AlertKind, Shape};
use crate::config::diagnostic::Place;
use crate::config::digest::DigestSettings;
use crate::config::lists::ListSettings;
use crate::config::origin::ResolvedLine;
use crate::config::privacy::PrivacySettings;
use crate::config::vendor::VendorSettings;
use crate::enrich::ModelSpec;
use crate::ingest::{CsvFormat, Inbox, Network};
use crate::mapping::ObjectMapping;
use crate::model::{IdentityRules, SourceName};
use crate::schedule::{CatchUp, Trigger};
use crate::store::Subscription;

/// Everything `sync.toml` says, with defaults filled in. Paths are absolute or relative to the working directory: what the
/// file writes relative to itself has been joined to its folder.
#[derive(Clone, Debug)]
pub struct Settings {
    pub preset: Preset,
    /// For day buckets, cron and daily caps.
    pub timezone: Tz,
    /// ISO 4217.
    pub base_currency: Arc<str>,
    /// `[store] path`: the database file.
    pub store_path: PathBuf,
    pub server: ServerSettings,
    /// `[identity]`.
    pub identity: Arc<IdentityRules>,
    pub admin: AdminSettings,
    pub sources: Vec<SourceSettings>,
    /// In the order of the file; names are unique.
    pub connections: Vec<ConnectionSettings>,
    pub schedule: ScheduleSettings,
    /// Which company somebody belongs to.
    pub company: crate::company::Rules,
    /// What is computed: traits, the score, exchange rates, our own domains.
    pub model: ModelSpec,
    pub safety: SafetySettings,
    /// `[routing]`, where the file has it.
    pub routing: Option<Arc<crate::routing::Rules>>,
    /// Other tools that are told who enters and leaves, in the order of the file; names are unique.
    pub webhooks: Vec<WebhookSettings>,
    /// Who is told that something is wrong, in the order of the file; names are unique.
    pub alerts: Vec<AlertChannel>,
    pub privacy: PrivacySettings,
    /// SHA-256 over the resolved settings, in hex: a plan made under other settings is refused.
    pub config_hash: String,
    /// Every setting, where it came from, in the order of the file.
    pub resolved: Vec<ResolvedLine>,
}

impl Settings {
    pub fn connection(&self, name: &str) -> Option<&ConnectionSettings> {
        self.connections.iter().find(|connection| connection.name.as_str() == name)
    }

    pub fn source(&self, name: &str) -> Option<&SourceSettings> {
        self.sources.iter().find(|source| &*source.name == name)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    B2b,
    Ecommerce,
    None,
}

impl Preset {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::B2b => "b2b",
            Self::Ecommerce => "ecommerce",
            Self::None => "none",
        }
    }
}

/// `[admin]`: health and metrics, for admins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminSettings {
    pub listen: SocketAddr,
    /// Asked for by everything but `/healthz` and `/readyz`. Never `None` on an address other machines can reach.
    pub token: Option<Secret>,
}

/// `[server]`: the world's listener. It is opened where a source sends over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    pub own_domains: Vec<Arc<str>>,
    pub listen: SocketAddr,
    /// Where senders reach the listener, without a path; the host they asked where it is not set.
    pub public_url: Option<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Origins whose pages may send; empty means any.
    pub cors_origins: Vec<String>,
    /// Bytes of one request, unpacked.
    pub max_request: usize,
    /// Bytes of one message, unless its source says otherwise.
    pub max_message: usize,
}

/// `[[source]]`: who sends events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSettings {
    pub name: SourceName,
    pub kind: SourceKind,
    /// Where its files are taken from by themselves.
    pub inbox: Option<InboxSettings>,
    /// Silent for longer than this, somebody is told.
    pub no_events: Option<Duration>,
}

/// `path` of a source of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxSettings {
    pub files: Inbox,
    /// Where it is written.
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// SDKs and servers, over HTTP.
    Http(HttpSource),
    /// Files of JSON lines.
    Jsonl,
    /// Files of CSV.
    Csv(CsvFormat),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSource {
    pub write_key: Secret,
    /// Browsers and apps: their clocks are corrected by ours.
    pub client: bool,
    /// Messages a second; `None` is as many as come.
    pub rate_limit: Option<u32>,
    pub max_message: usize,
}

impl Settings {
    /// The sources that send over HTTP.
    pub fn http_sources(&self) -> impl Iterator<Item = (&SourceName, &HttpSource)> {
        self.sources.iter().filter_map(|source| match &source.kind {
            SourceKind::Http(http) => Some((&source.name, http)),
            SourceKind::Jsonl | SourceKind::Csv(_) => None,
        })
    }
}

/// `[[webhook]]`: another tool that is told who enters and leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSettings {
    pub subscription: Arc<Subscription>,
    pub url: String,
    pub secret: Secret,
    /// Signs beside the other while that takes its place.
    pub previous_secret: Option<Secret>,
    pub shape: Shape,
    /// Messages a second.
    pub rate_limit: u32,
    /// One sending.
    pub timeout: Duration,
    /// How long one message is tried.
    pub give_up_after: Duration,
    /// Whether it may stand in a private network.
    pub allow_private: bool,
}

/// `[alerts.channel.NAME]`: where Ferry says that something is wrong, and that it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertChannel {
    pub name: Arc<str>,
    pub address: AlertAddress,
    /// Signs what is sent; without one it goes unsigned.
    pub secret: Option<Secret>,
    pub on: Vec<AlertKind>,
    /// How long the same is not told anew.
    pub min_interval: Duration,
    /// One sending.
    pub timeout: Duration,
    /// Whether it may stand in a private network.
    pub allow_private: bool,
}

/// An address that may stand in the file, or one that is a secret itself, as those of chats are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlertAddress {
    Url(String),
    Secret(Secret),
}

/// `[[crm]]`: one account at one CRM.
#[derive(Clone, Debug)]
pub struct ConnectionSettings {
    pub name: ConnectionName,
    pub mode: ConnectionMode,
    /// Calls a day by everyone; pulling stops at 90 % of it and pushes go on. `None`: half of the account's own limit.
    pub api_budget: Option<u64>,
    pub pull_deals: PullDeals,
    /// How far back the first load of activities reaches; `None` where none are pulled.
    pub pull_activities: Option<Duration>,
    /// The mappings of the objects this kind of CRM has, in this order: contact, lead, company, deal; each possibly empty. An object that is not here is not
    /// pulled: deals, where `pull_deals` says so.
    pub objects: Vec<ObjectMapping>,
    /// The last name of new records of people of whom none is known; `None`: the first part of their e-mail address.
    pub missing_last_name: Option<String>,
    /// Whether whoever enters the band gets a lead object beside their contact (HubSpot).
    pub lead_object: bool,
    /// `[crm.digest]`, where it is written.
    pub digest: Option<DigestSettings>,
    /// The lists there that segments keep (`push_list`).
    pub lists: Vec<ListSettings>,
    /// What only this kind of CRM has.
    pub vendor: VendorSettings,
}

impl ConnectionSettings {
    pub fn object(&self, object: &Object) -> Option<&ObjectMapping> {
        self.objects.iter().find(|mapping| mapping.object == *object)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionMode {
    ReadWrite,
    /// Nothing is ever sent to this CRM.
    PullOnly,
    /// Writes are planned and shown, not sent.
    DryRun,
}

/// Which deals are pulled: in this version all, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PullDeals {
    pub closed: bool,
    pub open: bool,
    /// Leave out deals that closed before this day (UTC).
    pub since: Option<NaiveDate>,
}

/// An application's public id. No secret, so it may stand in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientId {
    Written(String),
    Kept(Secret),
}

/// `[schedule]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleSettings {
    pub pull: Trigger,
    pub push: Trigger,
    pub recompute: Trigger,
    pub retention: Trigger,
    /// When what is learnt from the past is learnt anew.
    pub train: Trigger,
    /// When the daily pass over the digests is due, at connections that do not say so themselves.
    pub digest: Trigger,
    /// When everything that was told is compared with what it should be, and lists with who is on them.
    pub reconcile: Trigger,
    /// Each timed start is put off by up to this much.
    pub jitter: Duration,
    pub catch_up: CatchUp,
    pub quiet: Vec<Quiet>,
}

/// Days on which some jobs rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quiet {
    /// Both days are quiet.
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub jobs: Vec<Arc<str>>,
}

impl ScheduleSettings {
    /// Whether a job rests at an instant.
    pub fn is_quiet(&self, job: &str, at: Timestamp, zone: Tz) -> bool {
        let day = at.to_utc().with_timezone(&zone).date_naive();
        let rests =
            |quiet: &Quiet| quiet.from <= day && day <= quiet.to && quiet.jobs.iter().any(|name| **name == *job);
        self.quiet.iter().any(rests)
    }
}

/// `[safety]`: the fuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SafetySettings {
    pub max_creates_per_run: u64,
    /// Of the linked records of one (connection, object), 0 to 1.
    pub max_update_share: Decimal,
    /// Most records whose field a push may clear.
    pub never_clear_more_than: u64,
    /// Most records a pull may delete or empty, as a share, 0 to 1.
    pub max_pull_loss: Decimal,
    pub mode: SafetyMode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SafetyMode {
    Live,
    /// The whole daemon plans and sends nothing.
    DryRun,
}
