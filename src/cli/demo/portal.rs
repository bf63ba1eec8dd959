//! The pretend HubSpot in this process: its clock, what a rep does in it, and what its ledger says was done to it.

use std::collections::HashSet;

use connector::Timestamp;
use mock_crm::{Options, Running};
use serde_json::{Map, Value, json};

use crate::cli::exit::Failure;

/// People in the CRM.
pub const CONTACTS: u64 = 40;
/// The id of the first of them; the others follow.
pub const FIRST_CONTACT: u64 = 10_000_000_001;

#[derive(Debug, Default, Clone, Copy)]
pub struct Mark {
    requests: u64,
    ledger: u64,
}

/// What was done to the CRM since a mark.
#[derive(Debug, Default)]
pub struct Done {
    pub requests: u64,
    /// Changes to records that came through the API: lines of the ledger.
    pub lines: Vec<Value>,
}

impl Done {
    pub fn writes(&self) -> usize {
        self.lines.len()
    }

    pub fn records(&self) -> usize {
        self.lines.iter().filter_map(|line| line["record"].as_str()).collect::<HashSet<_>>().len()
    }

    pub fn creates(&self) -> usize {
        self.lines.iter().filter(|line| line["op"] == "create").count()
    }

    /// Values written, field by field.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        self.lines.iter().flat_map(|line| {
            let record = line["record"].as_str().unwrap_or_default();
            line["after"].as_object().into_iter().flatten().map(move |(field, value)| (record, field.as_str(), value))
        })
    }
}

pub struct Portal {
    mock: Running,
}

impl Portal {
    /// Starts it on a free port, its clock standing at `at`.
    pub async fn start(seed: u64, at: Timestamp) -> Result<Self, Failure> {
        let mut config = Map::new();
        config.insert("frozen_at".into(), at.to_rfc3339().into());
        // Its clock stands still while the day is played: nobody could wait for the next second of a quota.
        config.insert("rate_limits".into(), false.into());
        let options = Options { records: Some(CONTACTS), seed, config, ..Options::default() };
        let mock = mock_crm::hubspot::serve(options)
            .await
            .map_err(|error| Failure::new(format!("start the pretend HubSpot: {error}")))?;
        Ok(Self { mock })
    }

    pub fn url(&self) -> &str {
        self.mock.url()
    }

    /// Its clock stands at `at` from now on.
    pub fn set_clock(&self, at: Timestamp) -> Result<(), Failure> {
        self.ask("PUT", "config", Some(&json!({ "frozen_at": at.to_rfc3339() }))).map(drop)
    }

    /// Its clock goes, this far from the machine's.
    pub fn let_go(&self, offset_s: i64) -> Result<(), Failure> {
        self.ask("PUT", "config", Some(&json!({ "frozen_at": null, "clock_offset_s": offset_s }))).map(drop)
    }

    /// A person working in the CRM changes a record.
    pub fn rep_edits(&self, object: &str, id: &str, properties: &Value) -> Result<(), Failure> {
        self.ask("POST", "edit", Some(&json!({ "object": object, "id": id, "properties": properties }))).map(drop)
    }

    pub fn mark(&self) -> Result<Mark, Failure> {
        let last = |what| Ok::<_, Failure>(self.lines(what, 0)?.len() as u64);
        Ok(Mark { requests: last("requests")?, ledger: last("ledger")? })
    }

    /// What programs did since: the rep's own changes and field definitions are not counted.
    pub fn since(&self, mark: Mark) -> Result<Done, Failure> {
        let by_program = |line: &Value| {
            let object = line["object"].as_str().unwrap_or_default().to_ascii_lowercase();
            line["by"] == "api" && ["contact", "compan", "deal"].iter().any(|kind| object.starts_with(kind))
        };
        let lines = self.lines("ledger", mark.ledger)?.into_iter().filter(by_program).collect();
        Ok(Done { requests: self.lines("requests", mark.requests)?.len() as u64, lines })
    }

    fn lines(&self, what: &str, since: u64) -> Result<Vec<Value>, Failure> {
        let text = self.ask("GET", &format!("{what}?since={since}"), None)?;
        let read = |line: &str| {
            serde_json::from_str(line).map_err(|error| Failure::new(format!("read the mock's {what}: {error}")))
        };
        text.lines().map(read).collect()
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<String, Failure> {
        match self.mock.control(method, path, body) {
            (200, answer) => Ok(answer),
            (status, answer) => Err(Failure::new(format!("the mock's {path}: {status} {answer}"))),
        }
    }
}
