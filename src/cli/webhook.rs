//! `ferry webhook list | test | send`: how receivers do, trying one, and telling what waits without a daemon.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::Timestamp;
use serde::Serialize;

use crate::cli::clean;
use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::moment;
use crate::cli::signals::stop_on_signal;
use crate::cli::terminal::{Terminal, Tone, cell};
use crate::config::{Settings, WebhookSettings};
use crate::expr::nearest;
use crate::store::WebhookState;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    pub what: Option<What>,
}

#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Every webhook, what waits for it and how its receiver does (the default)
    List,
    /// Send a signed message about nobody, and say what the receiver answered
    Test { name: String },
    /// Tell what is due now, of one webhook or of all, and end; the daemon does so by itself
    Send { name: Option<String> },
}

/// A webhook as `--json` shows it, here and in `ferry status`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Webhook {
    pub name: Arc<str>,
    /// `ok`, `waiting` (something is on its way), `down` (left alone for a while), `unwatched` (nothing has run yet).
    pub state: &'static str,
    /// Messages and transitions that have not been delivered.
    pub waiting: u64,
    /// Seconds since the oldest of them happened.
    pub lag_seconds: Option<u64>,
    pub delivered: u64,
    /// Not sent, because a person does not allow it.
    pub withheld: u64,
    /// Set aside: `ferry failures`.
    pub dead_letters: u64,
    pub last_result: Option<Arc<str>>,
    pub last_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    /// Nothing is sent before this instant.
    pub closed_until: Option<Timestamp>,
}

/// The webhooks of the configuration, with what is known of each.
pub fn webhooks(now: Timestamp, settings: &[WebhookSettings], known: &[WebhookState]) -> Vec<Webhook> {
    let known: BTreeMap<&str, &WebhookState> = known.iter().map(|one| (&*one.name, one)).collect();
    settings.iter().map(|one| of(now, &one.subscription.name, known.get(&*one.subscription.name).copied())).collect()
}

fn of(now: Timestamp, name: &Arc<str>, known: Option<&WebhookState>) -> Webhook {
    let Some(known) = known else {
        return Webhook {
            name: name.clone(),
            state: "unwatched",
            waiting: 0,
            lag_seconds: None,
            delivered: 0,
            withheld: 0,
            dead_letters: 0,
            last_result: None,
            last_at: None,
            delivered_at: None,
            closed_until: None,
        };
    };
    let state = match known.health.closed_until {
        Some(_) => "down",
        None if known.waiting > 0 => "waiting",
        None => "ok",
    };
    Webhook {
        name: name.clone(),
        state,
        waiting: known.waiting,
        lag_seconds: known.oldest.map(|oldest| now.since(oldest).as_secs()),
        delivered: known.delivered,
        withheld: known.withheld,
        dead_letters: known.dead,
        last_result: known.health.last_result.clone(),
        last_at: known.health.last_at,
        delivered_at: known.delivered_at,
        closed_until: known.health.closed_until,
    }
}

pub fn print(webhooks: &[Webhook], now: Timestamp, terminal: &Terminal) {
    let mut table = terminal.table(&[
        "webhook",
        "state",
        ">waiting",
        "oldest",
        ">delivered",
        ">withheld",
        ">failed",
        "last result",
    ]);
    for webhook in webhooks {
        let tone = match webhook.state {
            "ok" => Tone::Good,
            "down" => Tone::Bad,
            _ => Tone::Quiet,
        };
        let ago = |seconds: u64| moment::ago(now, Some(now.saturating_sub(std::time::Duration::from_secs(seconds))));
        let failed = if webhook.dead_letters > 0 { Tone::Bad } else { Tone::Plain };
        let last = match (&webhook.last_result, webhook.last_at) {
            (Some(result), at) => format!("{}, {}", clean::line(result), moment::ago(now, at)),
            (None, _) => "–".to_owned(),
        };
        table.add_row([
            cell(Tone::Heading, &webhook.name),
            cell(tone, webhook.state),
            cell(Tone::Plain, moment::count(webhook.waiting)),
            cell(Tone::Plain, webhook.lag_seconds.map_or_else(|| "–".to_owned(), ago)),
            cell(Tone::Plain, moment::count(webhook.delivered)),
            cell(Tone::Plain, moment::count(webhook.withheld)),
            cell(failed, moment::count(webhook.dead_letters)),
            cell(Tone::Plain, last),
        ]);
    }
    terminal.print(&table);
}

pub async fn run(args: &Args, cx: &Cx) -> Ended {
    match args.what.as_ref().unwrap_or(&What::List) {
        What::List => list(cx).await,
        What::Test { name } => test(name, cx).await,
        What::Send { name } => send(name.as_deref(), cx).await,
    }
}

#[derive(Serialize)]
struct List {
    webhooks: Vec<Webhook>,
}

async fn list(cx: &Cx) -> Ended {
    let settings = cx.settings()?;
    let now = cx.clock.now();
    let known = match cx.reading(&settings)? {
        Some(store) => store.webhook_states().await?,
        None => Vec::new(),
    };
    let list = List { webhooks: webhooks(now, &settings.webhooks, &known) };
    cx.terminal.show(&list, |terminal| match list.webhooks.as_slice() {
        [] => terminal.say("no webhook is configured; add a [[webhook]] entry to sync.toml"),
        all => print(all, now, terminal),
    })?;
    Ok(Exit::Done)
}

async fn test(name: &str, cx: &Cx) -> Ended {
    let settings = cx.settings()?;
    let webhook = named(&settings, name)?.clone();
    let tried = cx.world().try_webhook(&webhook).await?;
    let shown = serde_json::json!({ "webhook": name, "id": tried.id, "taken": tried.is_taken, "answer": tried.answer });
    cx.terminal.show(&shown, |terminal| {
        terminal.say(format!("{}: {}", webhook.url, clean::line(&tried.answer)));
        terminal.say(terminal.paint(Tone::Quiet, &tried.body));
    })?;
    Ok(if tried.is_taken { Exit::Done } else { Exit::Failed })
}

#[derive(Serialize)]
struct Sent {
    webhook: Arc<str>,
    delivered: u64,
    /// Sent in vain, to be sent again.
    again: u64,
    failed: u64,
}

async fn send(name: Option<&str>, cx: &Cx) -> Ended {
    let (app, _lock) = cx.assemble("webhook send", false).await?;
    let chosen: Vec<WebhookSettings> = match name {
        Some(name) => vec![named(&app.settings, name)?.clone()],
        None => app.settings.webhooks.clone(),
    };
    stop_on_signal(app.stop.clone())?;
    let mut exit = Exit::Done;
    let mut all = Vec::new();
    for webhook in &chosen {
        let told = app.deliver(webhook).await?;
        let sent = Sent {
            webhook: webhook.subscription.name.clone(),
            delivered: told.delivered,
            again: told.again,
            failed: told.dead,
        };
        exit = exit.worst(if sent.failed > 0 { Exit::Partial } else { Exit::Done });
        exit = exit.worst(if sent.again > 0 { Exit::Failed } else { Exit::Done });
        all.push(sent);
    }
    cx.terminal.show(&serde_json::json!({ "webhooks": all }), |terminal| {
        for sent in &all {
            terminal.say(format!(
                "{}: {} delivered, {} to be sent again, {} failed",
                sent.webhook,
                moment::count(sent.delivered),
                moment::count(sent.again),
                moment::count(sent.failed)
            ));
        }
    })?;
    Ok(exit)
}

fn named<'s>(settings: &'s Settings, name: &str) -> Result<&'s WebhookSettings, Failure> {
    let known = || settings.webhooks.iter().map(|one| &*one.subscription.name);
    settings.webhooks.iter().find(|one| *one.subscription.name == *name).ok_or_else(|| {
        let failure = Failure::usage(format!("no webhook is called `{}`", clean::line(name)));
        match nearest(name, known()) {
            Some(near) => failure.with_fix(format!("did you mean `{near}`?")),
            None => failure.with_fix("`ferry webhook` lists them"),
        }
    })
}
