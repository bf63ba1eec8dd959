//! What `ferry status` shows, as data: the shape of `--json`, built from what the store counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::{ConnectionName, Object, Timestamp};
use serde::{Deserialize, Serialize};

use crate::app::rules::RulesState;
use crate::cli::status::health::{self, Signs, State};
use crate::cli::status::sources::Source;
use crate::cli::webhook::Webhook;
use crate::model::{Flow, Run};
use crate::schedule::JobKey;
use crate::store::{ConnectionStats, ScheduleRow, StoreStats};

/// `status --json`. Counts are integers; instants are RFC 3339 in UTC, or null where there is none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// Live profiles.
    pub profiles: u64,
    pub events: u64,
    /// Profiles waiting for computation.
    pub stale: u64,
    /// Events and records that named two known people.
    pub identity_conflicts: u64,
    /// Whether the file's `[identity]` decides: `in_force`, `first` (nothing has been decided yet) or `differ`.
    pub identity_rules: &'static str,
    pub connections: Vec<Connection>,
    pub sources: Vec<Source>,
    pub webhooks: Vec<Webhook>,
    /// People in each band, by full name, and in each segment.
    pub bands: BTreeMap<Arc<str>, u64>,
    pub segments: BTreeMap<Arc<str>, u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Connection {
    pub name: ConnectionName,
    #[serde(rename = "type")]
    pub kind: Arc<str>,
    pub state: State,
    /// Why it is not `ok`, and what to do.
    pub why: Option<String>,
    pub fix: Option<String>,
    /// By object; `contact`, `company` and `deal` are always there.
    pub objects: BTreeMap<String, Records>,
    /// When a pull (push) last ended without being stopped.
    pub last_pull: Option<Timestamp>,
    pub last_push: Option<Timestamp>,
    /// Writes on their way.
    pub outbox: u64,
    pub dead_letters: u64,
    pub budget: Budget,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Records {
    /// Live records that Ferry knows at the CRM.
    pub records: u64,
}

/// The CRM's daily quota as it last reported it; null where it has said nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    pub limit: Option<u64>,
    pub used: Option<u64>,
    pub resets_at: Option<Timestamp>,
    /// Nothing is sent before this instant.
    #[serde(default, skip_serializing)]
    pub paused_until: Option<Timestamp>,
}

/// A connection of the configuration and what is known of its quota.
#[derive(Clone, Debug)]
pub struct Configured {
    pub name: ConnectionName,
    pub kind: Arc<str>,
    pub budget: Budget,
}

pub fn view(
    now: Timestamp,
    configured: &[Configured],
    stats: &StoreStats,
    last_runs: &[Run],
    schedules: &[ScheduleRow],
) -> Status {
    let none = ConnectionStats::default();
    let connections = configured
        .iter()
        .map(|one| {
            let counted = stats.connections.get(&one.name).unwrap_or(&none);
            connection(now, one, counted, last_runs, schedules)
        })
        .collect();
    Status {
        profiles: stats.profiles,
        events: stats.events,
        stale: stats.stale,
        identity_conflicts: stats.identity_conflicts,
        identity_rules: RulesState::First.as_str(),
        connections,
        sources: Vec::new(),
        webhooks: Vec::new(),
        bands: BTreeMap::new(),
        segments: BTreeMap::new(),
    }
}

fn connection(
    now: Timestamp,
    configured: &Configured,
    counted: &ConnectionStats,
    last_runs: &[Run],
    schedules: &[ScheduleRow],
) -> Connection {
    let name = &configured.name;
    let runs: Vec<&Run> = last_runs.iter().filter(|run| run.connection.as_ref() == Some(name)).collect();
    let health = health::decide(&Signs {
        connection: name.as_str(),
        now,
        last_runs: runs.clone(),
        schedules: schedules.iter().filter(|row| concerns(row, name)).collect(),
        dead_letters: counted.dead_letters,
        paused_until: configured.budget.paused_until,
    });
    let mut objects: BTreeMap<String, Records> = [Object::Contact, Object::Company, Object::Deal]
        .iter()
        .map(|object| (object.as_str().to_owned(), Records::default()))
        .collect();
    for (object, stats) in &counted.objects {
        objects.insert(object.as_str().to_owned(), Records { records: stats.records });
    }
    Connection {
        name: name.clone(),
        kind: configured.kind.clone(),
        state: health.state,
        why: health.why,
        fix: health.fix,
        objects,
        last_pull: counted.went_through.get(&Flow::Pull).copied(),
        last_push: counted.went_through.get(&Flow::Push).copied(),
        outbox: counted.outbox,
        dead_letters: counted.dead_letters,
        budget: configured.budget.clone(),
    }
}

fn concerns(row: &ScheduleRow, connection: &ConnectionName) -> bool {
    row.job.parse::<JobKey>().is_ok_and(|key| key.connection.as_ref() == Some(connection))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Counts, RunId, RunState};
    use crate::store::ObjectStats;

    #[test]
    fn the_json_has_the_documented_shape() {
        let name = ConnectionName::new("acme");
        let mut stats = StoreStats { profiles: 12, events: 340, ..StoreStats::default() };
        let counted = ConnectionStats {
            objects: BTreeMap::from([(Object::Contact, ObjectStats { records: 9, archived: 1 })]),
            outbox: 2,
            dead_letters: 1,
            marked: 0,
            went_through: BTreeMap::from([(Flow::Pull, Timestamp::from_secs(20))]),
        };
        stats.connections.insert(name.clone(), counted);
        let run = Run {
            id: RunId(uuid::Uuid::nil()),
            flow: Flow::Pull,
            connection: Some(name.clone()),
            object: Some(Object::Contact),
            state: RunState::Done,
            started_at: Timestamp::from_secs(10),
            ended_at: Some(Timestamp::from_secs(20)),
            counts: Counts::default(),
            message: None,
            error_kind: None,
        };
        let budget = Budget { limit: Some(250_000), used: Some(41), resets_at: None, paused_until: None };
        let configured = [Configured { name, kind: "crm".into(), budget }];
        let status = view(Timestamp::from_secs(30), &configured, &stats, &[run], &[]);
        let want = serde_json::json!({
            "profiles": 12, "events": 340, "stale": 0, "identity_conflicts": 0, "identity_rules": "first",
            "connections": [{
                "name": "acme", "type": "crm", "state": "degraded",
                "why": "1 failed record", "fix": "`ferry failures` says why and what to do about each",
                "objects": {"contact": {"records": 9}, "company": {"records": 0}, "deal": {"records": 0}},
                "last_pull": "1970-01-01T00:00:20Z", "last_push": null, "outbox": 2, "dead_letters": 1,
                "budget": {"limit": 250_000, "used": 41, "resets_at": null},
            }],
            "sources": [],
            "webhooks": [],
            "bands": {},
            "segments": {},
        });
        assert_eq!(serde_json::to_value(&status).unwrap(), want);
    }

    #[test]
    fn a_job_concerns_the_connection_it_names() {
        let row = |job: &str| ScheduleRow {
            job: job.into(),
            last_due: None,
            last_started: None,
            last_finished: None,
            failures: 0,
            next_due: None,
            interval_micros: 0,
        };
        assert!(concerns(&row("pull/acme/contact"), &ConnectionName::new("acme")));
        assert!(!concerns(&row("pull/acme2/contact"), &ConnectionName::new("acme")));
        assert!(!concerns(&row("compute//"), &ConnectionName::new("acme")));
    }
}
