//! `ferry export KEY`: everything kept of a person as one JSON document, for whoever asks what is known of them.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use connector::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::profile::{self, View};
use crate::cli::terminal::Terminal;
use crate::company::Rules;
use crate::model::{ConsentDecision, EventRow, Purpose};
use crate::store::{JournalRow, Store, TimelineItem};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Any identifier: email:…, crm:CONN:OBJECT:ID, user_id:…, a bare e-mail address, or a profile's id
    pub key: String,
    /// Write it to a file that only this user can read; standard output otherwise
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Serialize)]
struct Export {
    format: &'static str,
    exported_at: Timestamp,
    profile: View,
    consent: BTreeMap<&'static str, Consent>,
    events: Vec<Event>,
    timeline: Vec<TimelineItem>,
    recipients: Vec<Recipient>,
}

#[derive(Serialize)]
struct Consent {
    state: &'static str,
    allowed: bool,
    decisions: Vec<ConsentDecision>,
}

#[derive(Serialize)]
struct Event {
    source: String,
    message_id: String,
    at: Timestamp,
    received_at: Timestamp,
    /// The message as it came; null where its body was not kept.
    message: Option<Box<RawValue>>,
}

/// One field of one record that was written: who was told what, first and last.
#[derive(Serialize)]
struct Recipient {
    connection: String,
    object: String,
    record: Option<String>,
    field: String,
    writes: u64,
    first_at: Timestamp,
    last_at: Timestamp,
    last_value: serde_json::Value,
}

pub async fn run(args: &Args, store: Option<&dyn Store>, rules: Rules, now: Timestamp, terminal: &Terminal) -> Ended {
    let (id, detail, store) = profile::find(&args.key, store).await?;
    let company = store.company_of(id, Arc::new(rules)).await?;
    let consents = store.consents(id).await?;
    let of_purpose = |purpose: Purpose| Consent {
        state: consents.shown(purpose),
        allowed: consents.allows(purpose),
        decisions: consents.decisions.iter().filter(|decision| decision.purpose == purpose).cloned().collect(),
    };
    let export = Export {
        format: "ferry-export/1",
        exported_at: now,
        profile: profile::view(&detail, &company),
        consent: Purpose::ALL.map(|purpose| (purpose.as_str(), of_purpose(purpose))).into(),
        events: store.events_of(id, usize::MAX).await?.into_iter().map(event).collect(),
        timeline: store.timeline(id, usize::MAX).await?,
        recipients: recipients(&store.journal(id, None, usize::MAX).await?),
    };
    match &args.out {
        None => terminal.json(&export)?,
        Some(path) => {
            write(path, &export).map_err(|error| Failure::new(format!("write {}: {error}", path.display())))?;
            let shown = path.display().to_string();
            terminal
                .show(&serde_json::json!({ "out": &shown }), |terminal| terminal.say(format!("written to {shown}")))?;
        }
    }
    Ok(Exit::Done)
}

fn event(row: EventRow) -> Event {
    Event {
        source: row.event.source.to_string(),
        message_id: row.event.message_id.to_string(),
        at: row.event.at,
        received_at: row.event.received_at,
        message: (&*row.event.body != "{}").then(|| RawValue::from_string(row.event.body.to_string()).ok()).flatten(),
    }
}

/// Newest first, as the journal is.
fn recipients(journal: &[JournalRow]) -> Vec<Recipient> {
    let mut told: Vec<Recipient> = Vec::new();
    for row in journal.iter().filter(|row| matches!(&*row.outcome, "written" | "kept_other")) {
        let (connection, object, record) =
            (row.connection.to_string(), row.object.to_string(), row.record.as_deref().map(str::to_owned));
        let same = |one: &&mut Recipient| {
            one.connection == connection && one.object == object && one.record == record && *one.field == *row.field
        };
        match told.iter_mut().find(same) {
            Some(one) => {
                one.writes += 1;
                one.first_at = row.at;
            }
            None => told.push(Recipient {
                connection,
                object,
                record,
                field: row.field.to_string(),
                writes: 1,
                first_at: row.at,
                last_at: row.at,
                last_value: row.to.clone(),
            }),
        }
    }
    told
}

fn write(path: &Path, export: &Export) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = std::io::BufWriter::new(options.open(path)?);
    serde_json::to_writer_pretty(&mut file, export)?;
    file.write_all(b"\n")?;
    file.flush()
}
