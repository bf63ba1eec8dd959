//! What a mock is started with, what it says when it is up, and why it may not start.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde_json::{Map, Value};

/// Contacts made when nobody says how many.
const DEFAULT_CONTACTS: u64 = 200;

/// How to start a mock CRM.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Synthetic contacts, with companies and deals in proportion. `None`: 200, or 0 beside a `seed_dir`.
    pub records: Option<u64>,
    /// Decides the synthetic people and the draw of faults.
    pub seed: u64,
    /// A folder of CSV exports to load: `accounts.csv`, `sales_teams.csv`, `sales_pipeline.csv`, optional `contacts.csv`.
    pub seed_dir: Option<PathBuf>,
    /// Faults, as in `502=0.01,reset_after=0.01,delay_ms=50`.
    pub chaos: Option<String>,
    /// HTTPS, under a certificate made at start whose authority is written to a file.
    pub tls: bool,
    /// A first `/__mock/config`, applied after `chaos`.
    pub config: Map<String, Value>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            records: None,
            seed: 1,
            seed_dir: None,
            chaos: None,
            tls: false,
            config: Map::new(),
        }
    }
}

impl Options {
    /// How many contacts to make up.
    pub(crate) fn contacts(&self) -> u64 {
        self.records.unwrap_or(if self.seed_dir.is_some() { 0 } else { DEFAULT_CONTACTS })
    }
}

/// What `ferry mock` prints: the kind, the address, and how to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Banner {
    pub kind: &'static str,
    pub url: String,
    pub pairs: Vec<(&'static str, String)>,
}

impl Banner {
    /// `hubspot http://127.0.0.1:7202 token=mock-token …`
    pub fn line(&self) -> String {
        let mut line = format!("{} {}", self.kind, self.url);
        for (key, value) in &self.pairs {
            line.push_str(&format!(" {key}={value}"));
        }
        line
    }

    /// The same as one JSON object.
    pub fn json(&self) -> Value {
        let mut object = Map::new();
        object.insert("kind".into(), self.kind.into());
        object.insert("url".into(), self.url.clone().into());
        for (key, value) in &self.pairs {
            object.insert((*key).into(), value.clone().into());
        }
        Value::Object(object)
    }
}

/// Why a mock did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot listen on {address}: {source}; choose another --listen, or stop what holds the port")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("--tls: cannot make a certificate: {0}")]
    Tls(String),
    #[error("--chaos: {0}")]
    Chaos(String),
    #[error("the start-up config is refused: {0}")]
    Config(String),
    #[error("cannot load {file}: {why}")]
    Seed { file: PathBuf, why: String },
}
