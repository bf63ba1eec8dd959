//! What is scheduled: jobs by key, and what is remembered of each between runs of the daemon.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use connector::{ConnectionName, Object, Timestamp};

use super::Trigger;

/// Which way a job moves things. Other work that runs now and then has a name of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    Pull,
    Push,
    Compute,
    /// `retention`, `reconcile`, …
    Other(Arc<str>),
}

impl Direction {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Compute => "compute",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What never runs twice at once: one direction of one object of one connection.
///
/// Its text is `direction/connection/object`, with nothing where there is none: `pull/hubspot/contact`, `compute//`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobKey {
    pub direction: Direction,
    pub connection: Option<ConnectionName>,
    pub object: Option<Object>,
}

impl JobKey {
    /// A job of a connection's object.
    pub fn of(direction: Direction, connection: ConnectionName, object: Object) -> Self {
        Self { direction, connection: Some(connection), object: Some(object) }
    }

    /// A job of the whole store.
    pub fn whole(direction: Direction) -> Self {
        Self { direction, connection: None, object: None }
    }
}

impl fmt::Display for JobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connection = self.connection.as_ref().map_or("", ConnectionName::as_str);
        let object = self.object.as_ref().map_or("", Object::as_str);
        write!(f, "{}/{connection}/{object}", self.direction)
    }
}

impl FromStr for JobKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, '/');
        let (Some(direction), Some(connection), Some(object)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(format!("\"{text}\" is not a job: it has the form direction/connection/object"));
        };
        let direction = match direction {
            "pull" => Direction::Pull,
            "push" => Direction::Push,
            "compute" => Direction::Compute,
            other => Direction::Other(other.into()),
        };
        Ok(Self {
            direction,
            connection: (!connection.is_empty()).then(|| connection.into()),
            object: (!object.is_empty()).then(|| object.parse()).transpose()?,
        })
    }
}

/// What becomes of starts missed while the daemon was down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CatchUp {
    /// One run, however many were missed.
    #[default]
    Once,
    /// None: the next start is the next one due.
    None,
}

/// Something that runs now and then. It takes no input and is idempotent: it reads the state of the world and moves it
/// towards what it should be, whether a timer or a poke started it.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub key: JobKey,
    pub trigger: Trigger,
    pub catch_up: CatchUp,
    /// Each timed start is put off by up to this much, and by no more than half the interval.
    pub jitter: Duration,
}

/// What must outlive the daemon. A job never seen before has the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobState {
    /// The due instant that the last start answered. Behind it, nothing is due again.
    pub last_due: Option<Timestamp>,
    pub last_started: Option<Timestamp>,
    /// Before `last_started` while it runs; still so at the next start of the daemon, it is run again at once.
    pub last_finished: Option<Timestamp>,
    /// When it should start next, jitter left aside; `None` where the trigger never fires again.
    pub next_due: Option<Timestamp>,
    /// Failures in a row.
    pub failures: u32,
    /// Starts that fell into a run of the same job and were left out.
    pub skipped: u64,
}

impl JobState {
    /// Whether the last run began and never ended. Not known (and so not told) of a job whose ends are not remembered.
    pub(super) fn was_cut_off(&self) -> bool {
        self.last_finished.zip(self.last_started).is_some_and(|(finished, started)| finished < started)
    }
}

/// The least delay that is called late.
const LEAST_GRACE: Duration = Duration::from_secs(300);

/// Whether a start that was due has become late: twice the interval have passed, and at least five minutes.
pub fn is_late(due: Timestamp, interval: Duration, now: Timestamp) -> bool {
    now > late_from(due, interval)
}

pub(super) fn late_from(due: Timestamp, interval: Duration) -> Timestamp {
    due.saturating_add(interval.saturating_mul(2).max(LEAST_GRACE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_their_text() {
        let keys = [
            JobKey::of(Direction::Pull, "hubspot".into(), Object::Contact),
            JobKey::of(Direction::Push, "crm_2".into(), Object::Other("a/b".into())),
            JobKey::whole(Direction::Compute),
            JobKey::whole(Direction::Other("retention".into())),
        ];
        assert_eq!(keys[0].to_string(), "pull/hubspot/contact");
        for key in keys {
            assert_eq!(key.to_string().parse(), Ok(key));
        }
        assert!("pull".parse::<JobKey>().is_err());
    }

    #[test]
    fn late_is_twice_the_interval_and_at_least_five_minutes() {
        let due = Timestamp::from_secs(1_000);
        let late = |interval, after| {
            is_late(due, Duration::from_secs(interval), due.saturating_add(Duration::from_secs(after)))
        };
        assert!(!late(60, 300));
        assert!(late(60, 301));
        assert!(!late(300, 600));
        assert!(late(300, 601));
    }
}
