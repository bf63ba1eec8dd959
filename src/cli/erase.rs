//! `ferry erase KEY`: forgets a person for good and keeps them out; `--suppress-only` and `--unsuppress` only move the list.

use serde::Serialize;

use crate::app::{App, Erased};
use crate::cli::clean;
use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::moment;
use crate::cli::terminal::{Terminal, Tone};
use crate::model::{Identifier, LeftRecord, Receipt};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Any identifier: email:…, crm:CONN:OBJECT:ID, user_id:…, a bare e-mail address, or a profile's id
    pub key: String,
    /// Do it: without this, only what would be erased is shown
    #[arg(long)]
    pub yes: bool,
    /// Keep what is known, and take in and send nothing more
    #[arg(long, conflicts_with = "unsuppress")]
    pub suppress_only: bool,
    /// Take the person off the suppression list again
    #[arg(long)]
    pub unsuppress: bool,
}

/// `erase --json`.
#[derive(Serialize)]
struct View<'a> {
    erased: bool,
    receipt: Option<&'a Receipt>,
    /// At the CRMs, for somebody to look at; those with `will_be_deleted` are deleted by the next push.
    records: &'a [LeftRecord],
}

pub async fn run(args: &Args, cx: &Cx) -> Ended {
    let app = cx.assemble_offline(cx.settings()?).await?;
    let named = Identifier::parse_key(&args.key);
    let known = app.store.find_profile(&args.key).await?;
    if named.is_none() && known.is_none() {
        return Err(Failure::new(format!("nobody is known as `{}`", clean::line(&args.key))).with_fix(
            "a key is email:ADDRESS, user_id:ID, crm:CONN:OBJECT:ID, a bare e-mail address or a profile's id",
        ));
    }
    for left in app.resume_erasures().await? {
        cx.terminal.note(format!("the erasure {} that had been broken off is finished", left.receipt.id));
    }
    if args.suppress_only {
        let hashes = app.store.suppress(&args.key, named, app.world.clock.now()).await?;
        return listed(hashes, "put on", &cx.terminal);
    }
    if args.unsuppress {
        let hashes = app.store.unsuppress(&args.key, named).await?;
        return listed(hashes, "taken off", &cx.terminal);
    }
    if !args.yes {
        return preview(&args.key, &app, &cx.terminal).await;
    }
    let Erased { receipt, records } = app.erase(&args.key).await?;
    let view = View { erased: true, receipt: Some(&receipt), records: &records };
    cx.terminal.show(&view, |terminal| print(&receipt, &records, terminal))?;
    Ok(Exit::Done)
}

fn listed(hashes: u64, how: &str, terminal: &Terminal) -> Ended {
    terminal.show(&serde_json::json!({ "hashes": hashes }), |terminal| {
        terminal.say(format!("{hashes} {} {how} the suppression list", if hashes == 1 { "hash" } else { "hashes" }));
    })?;
    Ok(Exit::Done)
}

/// What would be erased. Ends like wrong usage, so that no script takes it for done.
async fn preview(key: &str, app: &App, terminal: &Terminal) -> Ended {
    let detail = match app.store.find_profile(key).await? {
        Some(id) => app.store.profile(id).await?,
        None => None,
    };
    let (events, records) = match &detail {
        Some(detail) => (detail.events, detail.records.as_slice()),
        None => (0, [].as_slice()),
    };
    let records: Vec<LeftRecord> = records
        .iter()
        .map(|record| LeftRecord {
            connection: record.key.connection.to_string(),
            object: record.key.object.to_string(),
            id: record.key.id.to_string(),
            url: record.url.as_deref().map(str::to_owned),
            will_be_deleted: app.deletes_at_crm(&record.key.connection, &record.key.object) && !record.archived,
        })
        .collect();
    let view = View { erased: false, receipt: None, records: &records };
    terminal.show(&view, |terminal| {
        match &detail {
            Some(detail) => terminal.say(format!(
                "would erase profile {} with {} {}, and keep the person out from then on",
                detail.profile.uid,
                moment::count(events),
                if events == 1 { "event" } else { "events" },
            )),
            None => terminal.say("nobody is known by this key; it would be put on the suppression list"),
        }
        print_records(&records, terminal);
    })?;
    Err(Failure::usage("nothing was erased").with_fix("`--yes` does it; it cannot be undone"))
}

fn print(receipt: &Receipt, records: &[LeftRecord], terminal: &Terminal) {
    terminal.say(format!("{} receipt {}", terminal.paint(Tone::Good, "erased"), receipt.id));
    for (what, count) in &receipt.counts {
        terminal.say(format!("  {what}: {}", moment::count(*count)));
    }
    print_records(records, terminal);
}

fn print_records(records: &[LeftRecord], terminal: &Terminal) {
    if records.is_empty() {
        return;
    }
    for (will_be_deleted, title) in [
        (true, "records at the CRMs that the next push deletes there:"),
        (false, "records at the CRMs, for somebody to look at:"),
    ] {
        let these: Vec<&LeftRecord> = records.iter().filter(|one| one.will_be_deleted == will_be_deleted).collect();
        if these.is_empty() {
            continue;
        }
        terminal.say(title);
        for record in these {
            let url = record.url.as_deref().unwrap_or_default();
            let line = format!("  {} {} {}  {url}", record.connection, record.object, record.id);
            terminal.say(clean::line(line.trim_end()));
        }
    }
}
