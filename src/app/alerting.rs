//! Saying that something is wrong: a task for each channel of `[alerts]` sees what `ferry status` sees and sends what its channel has not
//! been told. No run waits for it.

use std::sync::Arc;
use std::time::Duration;

use connector::{Error, ErrorKind, Secret, Timestamp};
use connector_webhook::{Config, Endpoint, Message};
use secrecy::{ExposeSecret, SecretString};
use tokio::task::JoinHandle;

use super::App;
use crate::activation::{AlertKind, Signs, Standing, Trouble};
use crate::config::{AlertAddress, AlertChannel};
use crate::model::{DeadLetterCode, DeadLetterId, Flow, Run, RunState};
use crate::schedule::is_late;
use crate::store::{AssignmentState, Result};

/// How often it is seen how things are. The first look comes so long after the start: what stood still while nobody ran catches up first.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Leads that were given to people longer ago than this are no news.
const LEADS_OF: Duration = Duration::from_secs(7 * 86_400);
/// Rows looked at of each kind.
const MOST: usize = 10_000;
/// The share of a CRM's calls of the day from which on it is told, in percent.
const BUDGET: u64 = 80;

/// What one look did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alerted {
    /// Messages that the channel took.
    pub told: u64,
    /// Messages sent in vain, to be sent again.
    pub again: u64,
    /// Alerts that stand, told or about to be.
    pub open: usize,
}

impl App {
    /// A task for each channel, until `app.stop` is cancelled.
    pub(super) fn start_alerting(self: &Arc<Self>) -> Vec<JoinHandle<()>> {
        let channels = self.settings.alerts.iter().cloned();
        channels.map(|channel| tokio::spawn(self.clone().keep_alerting(channel))).collect()
    }

    async fn keep_alerting(self: Arc<Self>, channel: AlertChannel) {
        let mut complaint = String::new();
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.world.clock.sleep(LOOK_EVERY) => {}
            }
            match self.tell_alerts(&channel).await {
                Ok(_) => complaint.clear(),
                Err(error) => {
                    // Said once, not every minute.
                    let said = error.to_string();
                    if said != complaint {
                        tracing::error!(channel = %channel.name, "nobody is alerted: {said}");
                        complaint = said;
                    }
                }
            }
        }
    }

    /// Looks once, and sends a channel what it is to be told.
    ///
    /// # Errors
    /// Of kind config where the channel's address or secret cannot be used; of kind transient where the store fails.
    pub async fn tell_alerts(&self, channel: &AlertChannel) -> connector::Result<Alerted> {
        let store = |error: crate::store::Error| Error::new(ErrorKind::Transient, "look for alerts", error.to_string());
        // Asked first: an address that cannot be read must not use up anything.
        let receiver = endpoint(self, channel)?;
        let name = format!("alerts:{}", channel.name);
        let kept = self.store.note(&name).await.map_err(store)?;
        let before: Standing = kept.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let mut standing = before.clone();
        let now = self.world.clock.now();
        let mut signs = self.signs(now).await.map_err(store)?;
        signs.troubles.retain(|trouble| channel.on.contains(&trouble.kind));
        standing.look(now, &signs, || self.world.entropy.uuid(now));
        let due = standing.take_due(now);
        if standing != before {
            // On disk before anything is sent: whoever comes after a crash sends the same under the same id.
            self.keep_standing(&name, &standing).await.map_err(store)?;
        }
        let mut alerted = Alerted::default();
        for notice in &due {
            fail::fail_point!("alert_before_send");
            let answer = receiver.send(Message { id: &notice.id, at: now, body: &notice.body }).await;
            fail::fail_point!("alert_after_send");
            match &answer {
                connector_webhook::Answer::Taken { .. } => alerted.told += 1,
                other => {
                    alerted.again += 1;
                    tracing::warn!(channel = %channel.name, alert = %notice.id, "an alert was not taken: {}", other.told());
                }
            }
            let chance = self.world.entropy.unit();
            if let Some(why) = standing.settle(&notice.key, &answer, channel.min_interval, now, chance) {
                tracing::error!(channel = %channel.name, alert = %notice.id, "an alert is given up: {why}");
            }
            self.keep_standing(&name, &standing).await.map_err(store)?;
        }
        alerted.open = standing.open();
        Ok(alerted)
    }

    async fn keep_standing(&self, name: &str, standing: &Standing) -> Result<()> {
        let text = serde_json::to_string(standing).unwrap_or_default();
        self.store.set_note(name, &text).await
    }

    /// Everything that is wrong now, whoever is told of it.
    async fn signs(&self, now: Timestamp) -> Result<Signs> {
        let mut signs = Signs::default();
        for run in self.store.last_runs().await? {
            of_run(&run, &mut signs);
        }
        settle_credentials(&mut signs);
        for row in self.store.schedules().await? {
            let interval = Duration::from_micros(u64::try_from(row.interval_micros).unwrap_or(0));
            if row.next_due.is_some_and(|due| is_late(due, interval, now)) {
                let text = format!("schedule {} is overdue", row.job);
                signs.add(AlertKind::ScheduleLate, &row.job, text, "ferry status says since when; is it stuck?");
            }
        }
        let sources = self.store.source_health().await?;
        for source in &self.settings.sources {
            let Some(limit) = source.no_events else { continue };
            if sources.get(&source.name).is_some_and(|health| health.silent_for(limit, now).is_some()) {
                let text = format!("source \"{}\" has sent nothing for longer than its no_events", source.name);
                let fix = "look whether it still sends, and whether its write key is right";
                signs.add(AlertKind::NoEvents, &source.name, text, fix);
            }
        }
        for connection in &self.connections {
            let (name, kind) = (connection.name().as_str(), AlertKind::ApiBudget80);
            match connection.connector.budget().daily {
                Some(pool) if pool.used.saturating_mul(100) >= pool.limit.saturating_mul(BUDGET) => {
                    let text = format!("{BUDGET} % of the day's calls to \"{name}\" are used");
                    signs.add(kind, name, text, "see who else calls; Ferry waits for the next day by itself");
                }
                Some(_) => {}
                // Nobody has asked since the start.
                None => drop(signs.unknown.insert((kind, name.into()))),
            }
        }
        if !self.settings.webhooks.is_empty() {
            for webhook in self.store.webhook_states().await? {
                if webhook.health.closed_until.is_some() {
                    let text = format!("the receiver of webhook \"{}\" takes nothing", webhook.name);
                    signs.add(AlertKind::WebhookDown, &webhook.name, text, "ferry webhook list says what it answers");
                }
            }
        }
        self.look_at_leads(now, &mut signs).await?;
        self.look_at_letters(&mut signs).await?;
        Ok(signs)
    }

    async fn look_at_leads(&self, now: Timestamp, signs: &mut Signs) -> Result<()> {
        if self.settings.routing.as_ref().is_none_or(|rules| rules.sla.is_none()) {
            return Ok(());
        }
        let rows = self.store.assignments(None, now.saturating_sub(LEADS_OF), MOST).await?;
        for connection in &self.connections {
            let is_late = |row: &&crate::store::AssignmentRow| {
                row.connection == *connection.name()
                    && row.state == AssignmentState::Made
                    && row.breached_at.is_some()
                    && row.answered_at.is_none()
            };
            let late = rows.iter().filter(is_late).count();
            if late > 0 {
                let name = connection.name().as_str();
                let text = format!("leads at \"{name}\" were not answered in time: {late}");
                signs.add(AlertKind::SlaBreach, name, text, "ferry route log says whose they are");
            }
        }
        Ok(())
    }

    async fn look_at_letters(&self, signs: &mut Signs) -> Result<()> {
        let letters = self.store.dead_letters(DeadLetterId(0), MOST).await?;
        for letter in &letters {
            let subject = letter.subject.connection.as_deref().or(letter.subject.source.as_deref()).unwrap_or("ferry");
            let (kind, text) = match letter.code {
                DeadLetterCode::FieldFought => {
                    (AlertKind::FieldFought, format!("somebody else keeps overwriting a field at \"{subject}\""))
                }
                _ => (AlertKind::Failures, format!("there are failed records of \"{subject}\"")),
            };
            signs.add(kind, subject, text, "ferry failures says why and what to do about each");
        }
        Ok(())
    }
}

impl Signs {
    /// One of a kind and subject is enough.
    fn add(&mut self, kind: AlertKind, subject: &str, text: String, fix: &str) {
        if !self.troubles.iter().any(|known| known.kind == kind && *known.subject == *subject) {
            self.troubles.push(Trouble { kind, subject: subject.into(), text, fix: fix.to_owned() });
        }
    }
}

/// What the last run of a flow says. Its own message stays out: it may quote what a CRM answered about somebody.
fn of_run(run: &Run, signs: &mut Signs) {
    let connection = run.connection.as_ref().map_or("", |name| name.as_str());
    let object = run.object.as_ref().map_or("", |object| object.as_str());
    let what = [run.flow.as_str(), connection, object].join(" ").trim_end().to_owned();
    let failing = match run.flow {
        Flow::Push => AlertKind::PushFailing,
        _ => AlertKind::PullFailing,
    };
    if !matches!(run.flow, Flow::Push | Flow::Pull) {
        return;
    }
    let fix = format!("ferry runs {} has it all", run.id);
    match (run.state, run.error_kind.as_deref()) {
        (RunState::Running, _) => {
            signs.unknown.extend([failing, AlertKind::Fused].map(|kind| (kind, what.as_str().into())));
            signs.unknown.insert((AlertKind::CrmAuthFailed, connection.into()));
        }
        (_, Some("auth")) => {
            let text = format!("\"{connection}\" refuses Ferry's credential");
            signs.add(
                AlertKind::CrmAuthFailed,
                connection,
                text,
                "renew it in its place; Ferry reads it again at once",
            );
        }
        (RunState::Fused, _) => {
            let text = format!("a fuse has stopped {what}");
            signs.add(AlertKind::Fused, &what, text, "ferry status says which and what to do");
        }
        (RunState::Interrupted, Some("quota" | "transient" | "cancelled") | None) => {}
        (RunState::Failed | RunState::Interrupted, _) => signs.add(failing, &what, format!("{what} fails"), &fix),
        (RunState::Done | RunState::Partial, _) => {}
    }
}

/// A credential that one flow has seen refused is refused, whatever runs beside it.
fn settle_credentials(signs: &mut Signs) {
    let refused: Vec<Arc<str>> = signs
        .troubles
        .iter()
        .filter(|trouble| trouble.kind == AlertKind::CrmAuthFailed)
        .map(|trouble| trouble.subject.clone())
        .collect();
    signs.unknown.retain(|(kind, subject)| *kind != AlertKind::CrmAuthFailed || !refused.contains(subject));
}

/// The receiver, with its address and secret as they are this instant.
fn endpoint(app: &App, channel: &AlertChannel) -> connector::Result<Endpoint> {
    let attempted = || format!("prepare alert channel \"{}\"", channel.name);
    let read = |secret: &Secret| -> connector::Result<SecretString> {
        let read = app.world.environment.read(secret);
        read.map_err(|error| Error::new(ErrorKind::Config, attempted(), error.message).with_fix(error.help))
    };
    let url = match &channel.address {
        AlertAddress::Url(url) => url.clone(),
        AlertAddress::Secret(secret) => read(secret)?.expose_secret().trim().to_owned(),
    };
    let secrets = channel.secret.iter().map(read).collect::<connector::Result<Vec<_>>>()?;
    let unsigned = secrets.is_empty();
    let config = Config { url, secrets, unsigned, timeout: channel.timeout, allow_private: channel.allow_private };
    Endpoint::new(&config).map_err(|error| Error { attempted: attempted(), ..error })
}

#[cfg(test)]
mod tests {
    use connector::{ConnectionName, Object};

    use super::*;
    use crate::model::{Counts, RunId};

    fn seen(flow: Flow, state: RunState, error_kind: Option<&str>) -> Signs {
        let run = Run {
            id: RunId(uuid::Uuid::nil()),
            flow,
            connection: Some(ConnectionName::new("acme")),
            object: Some(Object::Contact),
            state,
            started_at: Timestamp::from_secs(900),
            ended_at: None,
            counts: Counts::default(),
            message: Some("ada@acme.example was refused".into()),
            error_kind: error_kind.map(Into::into),
        };
        let mut signs = Signs::default();
        of_run(&run, &mut signs);
        signs
    }

    #[test]
    fn each_ending_of_a_run_is_an_alert_or_none() {
        let cases = [
            (Flow::Push, RunState::Done, None, None),
            (Flow::Push, RunState::Partial, None, None),
            (Flow::Push, RunState::Failed, Some("protocol"), Some(AlertKind::PushFailing)),
            (Flow::Pull, RunState::Interrupted, Some("forbidden"), Some(AlertKind::PullFailing)),
            (Flow::Pull, RunState::Interrupted, Some("transient"), None),
            (Flow::Pull, RunState::Interrupted, Some("auth"), Some(AlertKind::CrmAuthFailed)),
            (Flow::Push, RunState::Fused, None, Some(AlertKind::Fused)),
            (Flow::Compute, RunState::Failed, None, None),
        ];
        for (flow, state, kind, want) in cases {
            let signs = seen(flow, state, kind);
            assert_eq!(signs.troubles.first().map(|trouble| trouble.kind), want, "{flow:?} {state:?} {kind:?}");
            assert!(!format!("{signs:?}").contains("ada@"), "nothing of a person is told");
        }
        assert_eq!(seen(Flow::Push, RunState::Running, None).unknown.len(), 3);
    }
}
