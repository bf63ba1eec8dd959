//! What the daemon tells of itself to machines: readiness and numbers, read off the store.

use async_trait::async_trait;
use connector::Timestamp;

use super::App;
use crate::schedule::is_late;
use crate::server::{Measurements, Vitals, render};
use std::time::Duration;

#[async_trait]
impl Vitals for App {
    async fn ready(&self) -> Result<(), String> {
        if self.stop.is_cancelled() {
            return Err("stopping".to_owned());
        }
        // A note written and read back says that the disk takes data: a full one must show here.
        let now = self.world.clock.now().to_rfc3339();
        self.store.set_note("ready", &now).await.map_err(|error| error.to_string())
    }

    async fn metrics(&self) -> Result<String, String> {
        let numbers = self.measure().await.map_err(|error| error.to_string())?;
        render(&numbers, &self.outcomes)
    }
}

impl App {
    async fn measure(&self) -> crate::store::Result<Measurements> {
        let stats = self.store.stats().await?;
        let sizes = self.store.sizes().await?;
        let now = self.world.clock.now();
        let mut m = Measurements::default();
        m.add("build_info", "The running version", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
        m.add("profiles", "Live profiles", &[], stats.profiles as f64);
        m.add("events", "Events in the log", &[], stats.events as f64);
        m.add("stale_profiles", "Profiles waiting for computation", &[], stats.stale as f64);
        m.add("identity_conflicts", "Events that named two known profiles", &[], stats.identity_conflicts as f64);
        m.add("store_bytes", "Size of the database", &[], sizes.database_bytes as f64);
        m.add("store_wal_bytes", "Size of the write-ahead log", &[], sizes.wal_bytes as f64);
        m.add("journal_rows", "Rows of the write journal", &[], sizes.journal_rows as f64);
        self.measure_sources(now, &mut m).await?;
        self.measure_webhooks(now, &mut m).await?;
        for (connection, of) in &stats.connections {
            let name = connection.as_str();
            m.add("outbox_entries", "Writes waiting", &[("connection", name)], of.outbox as f64);
            m.add("dead_letters", "What needs a person", &[("connection", name)], of.dead_letters as f64);
            for (object, counts) in &of.objects {
                let labels = [("connection", name), ("object", object.as_str())];
                m.add("records", "Live linked records", &labels, counts.records as f64);
            }
        }
        for run in self.store.last_runs().await? {
            let connection = run.connection.as_ref().map_or("", |name| name.as_str());
            let object = run.object.as_ref().map_or("", |object| object.as_str());
            let labels = [("flow", run.flow.as_str()), ("connection", connection), ("object", object)];
            let seconds = run.ended_at.unwrap_or(run.started_at).micros() as f64 / 1e6;
            m.add("last_run_timestamp_seconds", "When the last run ended", &labels, seconds);
            let good = f64::from(u8::from(run.state == crate::model::RunState::Done));
            m.add("last_run_ok", "Whether the last run did all it had to", &labels, good);
        }
        for row in self.store.schedules().await? {
            let interval = Duration::from_micros(u64::try_from(row.interval_micros).unwrap_or(0));
            let late = row.next_due.is_some_and(|due| is_late(due, interval, now));
            m.add("schedule_late", "Whether a schedule is overdue", &[("job", &row.job)], f64::from(u8::from(late)));
        }
        for connection in &self.connections {
            let budget = connection.connector.budget();
            let labels = [("connection", connection.name().as_str())];
            if let Some(pool) = budget.daily {
                m.add("api_calls_limit", "Calls a day that the CRM allows", &labels, pool.limit as f64);
                m.add("api_calls_used", "Calls used today, by everyone", &labels, pool.used as f64);
            }
            if let Some(skew) = budget.clock_skew_ms {
                m.add("clock_skew_seconds", "How far the CRM's clock is ahead", &labels, skew as f64 / 1_000.0);
            }
        }
        Ok(m)
    }

    async fn measure_webhooks(&self, now: Timestamp, m: &mut Measurements) -> crate::store::Result<()> {
        if self.settings.webhooks.is_empty() {
            return Ok(());
        }
        for webhook in self.store.webhook_states().await? {
            let labels = [("webhook", &*webhook.name)];
            m.add("webhook_waiting", "Crossings that a webhook has not been told of", &labels, webhook.waiting as f64);
            m.add("webhook_delivered", "Messages that a receiver has taken, ever", &labels, webhook.delivered as f64);
            let help = "Messages not sent because a person does not allow it, ever";
            m.add("webhook_withheld", help, &labels, webhook.withheld as f64);
            m.add("webhook_dead_letters", "Messages set aside for a person", &labels, webhook.dead as f64);
            let lag = webhook.oldest.map_or(0.0, |oldest| now.since(oldest).as_secs_f64());
            m.add("webhook_lag_seconds", "Age of the oldest crossing not told", &labels, lag);
            let closed = f64::from(u8::from(webhook.health.closed_until.is_some()));
            m.add("webhook_down", "Whether a receiver is left alone for a while", &labels, closed);
        }
        Ok(())
    }

    async fn measure_sources(&self, now: Timestamp, m: &mut Measurements) -> crate::store::Result<()> {
        let all = self.store.source_health().await?;
        for (source, health) in &all {
            let labels = [("source", &**source)];
            m.add("events_accepted", "Events taken from a source, ever", &labels, health.accepted as f64);
            m.add("events_duplicate", "Copies of events that were known already", &labels, health.duplicate as f64);
            m.add("events_unattributed", "Events that name nobody", &labels, health.unattributed as f64);
            m.add("events_suppressed", "Events dropped for suppressed people", &labels, health.suppressed as f64);
            for (code, rejected) in &health.rejected {
                let labels = [("source", &**source), ("code", &**code)];
                m.add("events_rejected", "Messages that could not be taken, by reason", &labels, *rejected as f64);
            }
            if let Some(newest) = health.last_event_at {
                let help = "Event time of a source's newest event";
                m.add("events_newest_timestamp_seconds", help, &labels, newest.micros() as f64 / 1e6);
            }
            if let Some(received) = health.last_received_at {
                let help = "When a source's last new event came in";
                m.add("events_received_timestamp_seconds", help, &labels, received.micros() as f64 / 1e6);
            }
        }
        for source in &self.settings.sources {
            let Some(limit) = source.no_events else { continue };
            let silent = all.get(&source.name).is_some_and(|health| health.silent_for(limit, now).is_some());
            let help = "Whether a source has sent nothing for longer than its no_events";
            m.add("source_silent", help, &[("source", &*source.name)], f64::from(u8::from(silent)));
        }
        for source in &self.live_sources {
            let labels = [("source", &*source.options.source)];
            let help = "Requests sent away since the start because their source sent too fast";
            m.add("events_limited", help, &labels, source.tally.limited() as f64);
        }
        Ok(())
    }
}
