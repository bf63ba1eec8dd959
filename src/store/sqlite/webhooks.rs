//! The face's part about outbound webhooks, carried out by SQLite: who is watched, what became of messages, how receivers do.
//! Taking messages out of the log is in `webhook_queue`.

use std::sync::Arc;

use async_trait::async_trait;
use connector::Timestamp;
use rusqlite::Row;
use uuid::Uuid;

use super::fault::Fallible;
use super::gate::Gate;
use super::session::Session;
use super::webhook_queue::{self, Out};
use super::{SqliteStore, consent, letters, profiles};
use crate::model::{Purpose, Subject};
use crate::store::{
    LeasedMessages, MessageFate, MessageId, ReceiverHealth, Result, Subscription, WebhookState, Webhooks,
};

/// Transitions not looked at are counted up to here.
const COUNTED: i64 = 100_000;

#[async_trait]
impl Webhooks for SqliteStore {
    async fn watch_webhooks(&self, webhooks: Vec<Subscription>) -> Result<()> {
        self.write("watch webhooks", move |session| watch(session, &webhooks)).await
    }

    async fn lease_messages(
        &self,
        subscription: Arc<Subscription>,
        worker: Arc<str>,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<LeasedMessages> {
        let privacy = self.privacy();
        self.write("lease webhook messages", move |session| {
            let out = Out { worker: &worker, now, until, limit };
            webhook_queue::lease(&Gate::open(session, &privacy)?, &subscription, &out)
        })
        .await
    }

    async fn settle_messages(
        &self,
        webhook: Arc<str>,
        now: Timestamp,
        fates: Vec<(MessageId, MessageFate)>,
        health: ReceiverHealth,
    ) -> Result<()> {
        self.write("settle webhook messages", move |session| settle(session, &webhook, now, &fates, &health)).await
    }

    async fn webhook_states(&self) -> Result<Vec<WebhookState>> {
        self.read("read webhooks", states).await
    }
}

/// A webhook's row.
pub(super) struct Watched {
    pub(super) id: i64,
    pub(super) cursor: i64,
    pub(super) health: ReceiverHealth,
}

const COLUMNS: &str = "id, cursor, failures, closed_until, last_result, last_at";

fn watched(row: &Row<'_>) -> rusqlite::Result<Watched> {
    let health = ReceiverHealth {
        failures: row.get(2)?,
        closed_until: profiles::instant(row.get(3)?),
        last_result: row.get(4)?,
        last_at: profiles::instant(row.get(5)?),
    };
    Ok(Watched { id: row.get(0)?, cursor: row.get(1)?, health })
}

pub(super) fn find(session: &Session<'_>, name: &str) -> Fallible<Option<Watched>> {
    let mut statement = session.sql(&format!("SELECT {COLUMNS} FROM webhook WHERE name = ?1"))?;
    let mut rows = statement.query([name])?;
    Ok(rows.next()?.map(watched).transpose()?)
}

fn watch(session: &Session<'_>, webhooks: &[Subscription]) -> Fallible<()> {
    let known = session
        .sql("SELECT id, name FROM webhook")?
        .query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    for (id, _) in known.iter().filter(|(_, name)| !webhooks.iter().any(|one| *one.name == **name)) {
        for sql in [
            "DELETE FROM webhook_message WHERE webhook = ?1",
            "DELETE FROM webhook_told WHERE webhook = ?1",
            "DELETE FROM webhook WHERE id = ?1",
        ] {
            session.run(sql, [id])?;
        }
    }
    for webhook in webhooks {
        session.run(
            "INSERT INTO webhook (name, purpose, cursor)
             VALUES (?1, ?2, (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'transition'))
             ON CONFLICT (name) DO UPDATE SET purpose = excluded.purpose",
            (&webhook.name, consent::number(webhook.purpose)),
        )?;
    }
    Ok(())
}

fn settle(
    session: &Session<'_>,
    webhook: &str,
    now: Timestamp,
    fates: &[(MessageId, MessageFate)],
    health: &ReceiverHealth,
) -> Fallible<()> {
    let Some(Watched { id: webhook, .. }) = find(session, webhook)? else { return Ok(()) };
    let mut delivered = 0;
    for (id, fate) in fates {
        match fate {
            MessageFate::Delivered => {
                session.run(
                    "DELETE FROM webhook_told WHERE (profile, webhook, kind, name) IN
                         (SELECT profile, webhook, kind, name FROM webhook_message WHERE id = ?1 AND direction < 0)",
                    [id.0],
                )?;
                delivered += session.run("DELETE FROM webhook_message WHERE id = ?1", [id.0])?;
            }
            MessageFate::Again { not_before } => {
                session.run(
                    "UPDATE webhook_message SET state = 0, attempts = attempts + 1, not_before = ?2, worker = NULL,
                         lease_until = NULL WHERE id = ?1",
                    (id.0, not_before.micros()),
                )?;
            }
            MessageFate::Dead(letter) => {
                let there = session.run(
                    "UPDATE webhook_message SET state = 2, attempts = attempts + 1, worker = NULL, lease_until = NULL
                     WHERE id = ?1",
                    [id.0],
                )?;
                if there > 0 {
                    letters::add(session, letter)?;
                }
            }
        }
    }
    session.run(
        "UPDATE webhook SET delivered = delivered + ?2, failures = ?3, closed_until = ?4, last_result = ?5, last_at = ?6,
             delivered_at = CASE WHEN ?2 > 0 THEN ?7 ELSE delivered_at END WHERE id = ?1",
        (
            webhook,
            letters::rows_limit(delivered),
            health.failures,
            health.closed_until.map(Timestamp::micros),
            &health.last_result,
            health.last_at.map(Timestamp::micros),
            now.micros(),
        ),
    )?;
    Ok(())
}

fn states(session: &Session<'_>) -> Fallible<Vec<WebhookState>> {
    let mut statement = session
        .sql(&format!("SELECT {COLUMNS}, name, delivered, withheld, delivered_at FROM webhook ORDER BY name"))?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let Watched { id, cursor, health } = watched(row)?;
        let messages = session.number("SELECT count(*) FROM webhook_message WHERE webhook = ?1 AND state < 2", [id])?;
        let unseen = session.number(
            "SELECT count(*) FROM (SELECT 1 FROM transition WHERE id > ?1 AND NOT backfill LIMIT ?2)",
            (cursor, COUNTED),
        )?;
        let oldest = session.one(
            "SELECT coalesce((SELECT min(at) FROM webhook_message WHERE webhook = ?1 AND state < 2),
                 (SELECT at FROM transition WHERE id > ?2 AND NOT backfill ORDER BY id LIMIT 1))",
            (id, cursor),
            |row| row.get::<_, Option<i64>>(0),
        )?;
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        found.push(WebhookState {
            name: row.get(6)?,
            health,
            delivered: count(row.get(7)?),
            withheld: count(row.get(8)?),
            dead: count(session.number("SELECT count(*) FROM webhook_message WHERE webhook = ?1 AND state = 2", [id])?),
            waiting: count(messages + unseen),
            oldest: profiles::instant(oldest.flatten()),
            delivered_at: profiles::instant(row.get(9)?),
            next_due: webhook_queue::next_due(session, id)?,
        });
    }
    Ok(found)
}

/// The message of a dead letter is sent again from the start, whatever the receiver was like before.
pub(super) fn retry(session: &Session<'_>, webhook: &str, uid: &str) -> Fallible<()> {
    let Ok(uid) = uid.parse::<Uuid>() else { return Ok(()) };
    session.run(
        "UPDATE webhook_message SET state = 0, attempts = 0, first_sent_at = NULL, not_before = 0
         WHERE uid = ?1 AND state = 2",
        [uid.into_bytes()],
    )?;
    session.run("UPDATE webhook SET closed_until = NULL, failures = 0 WHERE name = ?1", [webhook])?;
    Ok(())
}

/// Nobody wants the message of a dead letter any more.
pub(super) fn drop_dead(session: &Session<'_>, subject: &Subject) -> Fallible<()> {
    if let Some((_, uid)) = subject.as_webhook()
        && let Ok(uid) = uid.parse::<Uuid>()
    {
        session.run("DELETE FROM webhook_message WHERE uid = ?1 AND state = 2", [uid.into_bytes()])?;
    }
    Ok(())
}

/// Takes back what receivers were told of a person, where it is not allowed any more.
pub(super) fn withdraw(
    session: &Session<'_>,
    profile: i64,
    now: Timestamp,
    allows: &dyn Fn(Purpose) -> bool,
) -> Fallible<()> {
    let told = session
        .sql(
            "SELECT t.webhook, t.kind, t.name, w.purpose FROM webhook_told t JOIN webhook w ON w.id = t.webhook
             WHERE t.profile = ?1",
        )?
        .query_map([profile], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect::<rusqlite::Result<Vec<(i64, i64, String, i64)>>>()?;
    for (webhook, kind, name, purpose) in told {
        if consent::purpose(purpose).is_some_and(allows) {
            continue;
        }
        session.run(
            "INSERT INTO webhook_message (webhook, uid, profile, kind, name, direction, at)
             SELECT ?1, ?2, ?3, ?4, ?5, -1, ?6 WHERE NOT EXISTS (SELECT 1 FROM webhook_message
                 WHERE profile = ?3 AND webhook = ?1 AND kind = ?4 AND name = ?5 AND transition IS NULL AND state = 0)",
            (webhook, session.uuid(now)?.into_bytes(), profile, kind, &name, now.micros()),
        )?;
    }
    Ok(())
}

/// What was to be told of one is told of the other, who it is now.
pub(super) fn move_profile(session: &Session<'_>, survivor: i64, loser: i64) -> Fallible<()> {
    for sql in [
        "UPDATE webhook_message SET profile = ?1 WHERE profile = ?2",
        "UPDATE OR IGNORE webhook_told SET profile = ?1 WHERE profile = ?2",
        "DELETE FROM webhook_told WHERE profile = ?2 AND ?1 > 0",
    ] {
        session.run(sql, (survivor, loser))?;
    }
    Ok(())
}
