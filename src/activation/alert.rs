//! Alerts: what is wrong, told once when it begins and once when it is over. Pure: from what is seen now and what a channel was told
//! before comes what it is to be told next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use connector::Timestamp;
use connector_webhook::Answer;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::fate::pause;

/// After the first failure of a message.
const FIRST: Duration = Duration::from_secs(30);
/// However often it has failed, and after each refusal.
const LONGEST: Duration = Duration::from_secs(3_600);
/// A message that nobody has taken for so long is given up.
const GIVE_UP_AFTER: Duration = Duration::from_secs(24 * 3_600);

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// A CRM refuses the credential.
    CrmAuthFailed,
    PullFailing,
    PushFailing,
    /// A fuse or the pull guard has stopped a run.
    Fused,
    /// A schedule is overdue.
    ScheduleLate,
    /// Four fifths of a CRM's calls of the day are used.
    #[serde(rename = "api_budget_80")]
    ApiBudget80,
    /// A source has sent nothing for longer than its `no_events`.
    NoEvents,
    /// Leads that nobody has answered in time.
    SlaBreach,
    /// Ferry and somebody else overwrite each other.
    FieldFought,
    /// Records that need a person.
    Failures,
    /// A webhook's receiver is left alone for a while.
    WebhookDown,
}

impl AlertKind {
    pub const NAMES: &'static [(&'static str, Self)] = &[
        ("crm_auth_failed", Self::CrmAuthFailed),
        ("pull_failing", Self::PullFailing),
        ("push_failing", Self::PushFailing),
        ("fused", Self::Fused),
        ("schedule_late", Self::ScheduleLate),
        ("api_budget_80", Self::ApiBudget80),
        ("no_events", Self::NoEvents),
        ("sla_breach", Self::SlaBreach),
        ("field_fought", Self::FieldFought),
        ("failures", Self::Failures),
        ("webhook_down", Self::WebhookDown),
    ];

    pub fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}

/// One thing that is wrong. It names connections, objects, sources and jobs, never a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    pub kind: AlertKind,
    /// What it is about: the name of a connection, source or webhook, or a job.
    pub subject: Arc<str>,
    /// One line for people.
    pub text: String,
    /// What to do.
    pub fix: String,
}

/// What is seen at one instant.
#[derive(Clone, Debug, Default)]
pub struct Signs {
    pub troubles: Vec<Trouble>,
    /// What nobody can tell just now, because the run that will show it is under way: as it was, it stays.
    pub unknown: BTreeSet<(AlertKind, Arc<str>)>,
}

/// What one channel was told, and is to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    alerts: BTreeMap<String, Alert>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Alert {
    trouble: Trouble,
    id: Uuid,
    since: Timestamp,
    phase: Phase,
    attempts: u32,
    first_tried: Option<Timestamp>,
    not_before: Option<Timestamp>,
    /// Until then the same is not told anew.
    quiet_until: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    /// Seen, and not told yet.
    Begins,
    Stands,
    /// No longer seen, and not told yet.
    Ends,
    /// Told to its end; kept while the same is not told anew.
    Over,
}

/// A message that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What [`Standing::settle`] is told of it by.
    pub key: String,
    /// The same on every sending.
    pub id: String,
    pub body: String,
}

impl Alert {
    fn new(trouble: &Trouble, now: Timestamp, id: Uuid, quiet_until: Option<Timestamp>) -> Self {
        let (trouble, not_before) = (trouble.clone(), quiet_until);
        Self { trouble, id, since: now, phase: Phase::Begins, attempts: 0, first_tried: None, not_before, quiet_until }
    }

    fn turn(&mut self, phase: Phase) {
        (self.phase, self.attempts, self.first_tried, self.not_before) = (phase, 0, None, None);
    }
}

impl Standing {
    /// Takes in what is seen now. `interval` is how long the same is not told anew after it was told; `id` makes a new id.
    pub fn look(&mut self, now: Timestamp, signs: &Signs, mut id: impl FnMut() -> Uuid) {
        let mut seen = BTreeSet::new();
        for trouble in &signs.troubles {
            let key = key(trouble.kind, &trouble.subject);
            match self.alerts.get_mut(&key) {
                None => drop(self.alerts.insert(key.clone(), Alert::new(trouble, now, id(), None))),
                Some(alert) => match alert.phase {
                    Phase::Over => {
                        let quiet_until = alert.quiet_until.filter(|until| *until > now);
                        *alert = Alert::new(trouble, now, id(), quiet_until);
                    }
                    // Nobody has heard that it was over.
                    Phase::Ends if alert.attempts == 0 => alert.turn(Phase::Stands),
                    Phase::Begins | Phase::Stands | Phase::Ends => {}
                },
            }
            seen.insert(key);
        }
        seen.extend(signs.unknown.iter().map(|(kind, subject)| self::key(*kind, subject)));
        for (_, alert) in self.alerts.iter_mut().filter(|(key, _)| !seen.contains(*key)) {
            match alert.phase {
                // It came and went, and nobody was told.
                Phase::Begins if alert.attempts == 0 => alert.turn(Phase::Over),
                Phase::Begins | Phase::Stands => alert.turn(Phase::Ends),
                Phase::Ends | Phase::Over => {}
            }
        }
        self.alerts.retain(|_, alert| alert.phase != Phase::Over || alert.quiet_until.is_some_and(|until| until > now));
    }

    /// What is to be sent now. It counts as tried from here on: whoever sends keeps this standing first.
    pub fn take_due(&mut self, now: Timestamp) -> Vec<Notice> {
        let is_due = |alert: &Alert| {
            matches!(alert.phase, Phase::Begins | Phase::Ends) && alert.not_before.is_none_or(|at| at <= now)
        };
        let mut due = Vec::new();
        for (key, alert) in self.alerts.iter_mut().filter(|(_, alert)| is_due(alert)) {
            alert.attempts = alert.attempts.saturating_add(1);
            alert.first_tried.get_or_insert(now);
            let begins = alert.phase == Phase::Begins;
            let word = if begins { "started" } else { "cleared" };
            let id = format!("alert_{}_{word}", alert.id.simple());
            let trouble = &alert.trouble;
            let text = match begins {
                true => format!("Ferry: {} ({})", trouble.text, trouble.fix),
                false => format!("Ferry: over: {}", trouble.text),
            };
            let body = json!({
                "id": id,
                "type": format!("alert.{word}"),
                "kind": trouble.kind.as_str(),
                "subject": trouble.subject,
                "since": alert.since,
                "at": now,
                "text": text,
            });
            due.push(Notice { key: key.clone(), id, body: body.to_string() });
        }
        due
    }

    /// What an answer means for a notice. `Some`: it is given up, and why. `chance` is in `[0, 1)`.
    pub fn settle(
        &mut self,
        key: &str,
        answer: &Answer,
        interval: Duration,
        now: Timestamp,
        chance: f64,
    ) -> Option<String> {
        let alert = self.alerts.get_mut(key)?;
        let wait = match answer {
            Answer::Taken { .. } => None,
            Answer::Refused { gone: true, .. } => None,
            Answer::Refused { .. } => Some(LONGEST),
            Answer::Later { wait, .. } => {
                let own = pause(FIRST, LONGEST, alert.attempts.saturating_sub(1), chance);
                Some(wait.map_or(own, |wait| wait.min(LONGEST).max(own)))
            }
        };
        let is_old = alert.first_tried.is_some_and(|first| now.since(first) >= GIVE_UP_AFTER);
        match wait {
            Some(wait) if !is_old => {
                alert.not_before = Some(now.saturating_add(wait));
                None
            }
            _ => {
                if alert.phase == Phase::Begins {
                    alert.turn(Phase::Stands);
                    alert.quiet_until = Some(now.saturating_add(interval));
                } else {
                    alert.turn(Phase::Over);
                }
                (!matches!(answer, Answer::Taken { .. })).then(|| answer.told())
            }
        }
    }

    /// How many alerts stand or are about to be told.
    pub fn open(&self) -> usize {
        self.alerts.values().filter(|alert| alert.phase != Phase::Over).count()
    }
}

fn key(kind: AlertKind, subject: &str) -> String {
    format!("{} {subject}", kind.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAKEN: Answer = Answer::Taken { status: 204 };
    const INTERVAL: Duration = Duration::from_secs(1_800);

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1_000_000 + secs)
    }

    fn silent() -> Signs {
        let (text, fix) = ("source \"website\" is silent".to_owned(), "look".to_owned());
        let trouble = Trouble { kind: AlertKind::NoEvents, subject: "website".into(), text, fix };
        Signs { troubles: vec![trouble], ..Signs::default() }
    }

    fn later() -> Answer {
        Answer::Later { cause: "no answer".to_owned(), wait: None }
    }

    /// Looks, sends what is due, and says which messages that were.
    fn tell(standing: &mut Standing, secs: i64, signs: &Signs, answer: &Answer) -> Vec<String> {
        standing.look(at(secs), signs, || Uuid::from_u128(u128::try_from(secs).unwrap()));
        let due = standing.take_due(at(secs));
        for notice in &due {
            standing.settle(&notice.key, answer, INTERVAL, at(secs), 0.0);
        }
        due.into_iter().map(|notice| notice.id.rsplit('_').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn an_alert_is_told_once_when_it_begins_and_once_when_it_is_over() {
        let mut standing = Standing::default();
        assert_eq!(tell(&mut standing, 0, &silent(), &TAKEN), ["started"]);
        assert_eq!(tell(&mut standing, 60, &silent(), &TAKEN), [""; 0]);
        assert_eq!(tell(&mut standing, 120, &Signs::default(), &TAKEN), ["cleared"]);
        assert_eq!(tell(&mut standing, 180, &Signs::default(), &TAKEN), [""; 0]);
        assert_eq!(standing.open(), 0);
    }

    #[test]
    fn what_comes_back_soon_is_not_told_anew_before_its_time() {
        let mut standing = Standing::default();
        tell(&mut standing, 0, &silent(), &TAKEN);
        tell(&mut standing, 60, &Signs::default(), &TAKEN);
        assert_eq!(tell(&mut standing, 120, &silent(), &TAKEN), [""; 0]);
        // It came and went within the interval: nobody hears of it.
        assert_eq!(tell(&mut standing, 180, &Signs::default(), &TAKEN), [""; 0]);
        assert_eq!(tell(&mut standing, 240, &silent(), &TAKEN), [""; 0]);
        assert_eq!(tell(&mut standing, 1_800, &silent(), &TAKEN), ["started"]);
    }

    #[test]
    fn what_is_not_taken_is_sent_again_under_its_id() {
        let mut standing = Standing::default();
        standing.look(at(0), &silent(), || Uuid::from_u128(1));
        let first = standing.take_due(at(0)).remove(0);
        assert_eq!(standing.settle(&first.key, &later(), INTERVAL, at(0), 0.0), None);
        assert_eq!(standing.take_due(at(5)), []);
        let again = standing.take_due(at(60)).remove(0);
        assert_eq!(again.id, first.id);
        // It may have been taken: whoever heard that it began hears that it is over.
        standing.settle(&again.key, &later(), INTERVAL, at(60), 0.0);
        assert_eq!(tell(&mut standing, 61, &Signs::default(), &TAKEN), ["cleared"]);
    }

    #[test]
    fn a_message_that_nobody_takes_is_given_up_after_a_day() {
        let mut standing = Standing::default();
        assert_eq!(tell(&mut standing, 0, &silent(), &later()), ["started"]);
        let refused = Answer::Refused { status: 404, gone: false };
        assert_eq!(tell(&mut standing, 3_600, &silent(), &refused), ["started"]);
        standing.look(at(90_000), &silent(), Uuid::nil);
        let due = standing.take_due(at(90_000)).remove(0);
        assert_eq!(standing.settle(&due.key, &refused, INTERVAL, at(90_000), 0.0), Some("refused (404)".to_owned()));
        assert_eq!(standing.take_due(at(200_000)), []);
    }

    #[test]
    fn what_nobody_can_tell_stays_as_it_was() {
        let mut standing = Standing::default();
        tell(&mut standing, 0, &silent(), &TAKEN);
        let unknown = [(AlertKind::NoEvents, Arc::from("website"))].into();
        let signs = Signs { unknown, ..Signs::default() };
        assert_eq!(tell(&mut standing, 60, &signs, &TAKEN), [""; 0]);
        assert_eq!(standing.open(), 1);
    }

    #[test]
    fn every_kind_has_a_name_that_is_read_back() {
        for (name, kind) in AlertKind::NAMES {
            assert_eq!((kind.as_str(), serde_json::to_value(kind).unwrap()), (*name, json!(name)));
        }
    }
}
