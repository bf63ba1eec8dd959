//! `ferry status`: health, lag, budget, outbox and dead letters of every connection at a glance.

pub mod health;
pub mod sources;
pub mod view;

use std::sync::Arc;

use connector::{ConnectionName, Timestamp};

use crate::app::quota_note;
use crate::app::rules::{self, RulesState};
use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Exit};
use crate::cli::moment;
use crate::cli::terminal::{Terminal, Tone, cell};
use crate::cli::webhook;
use crate::config::{SourceSettings, WebhookSettings};
use crate::model::TransitionKind;
use crate::store::Store;
use health::State;
use view::{Budget, Configured, Status, view};

pub async fn run(cx: &Cx) -> Ended {
    let settings = cx.settings()?;
    let store = cx.reading(&settings)?;
    let connections = settings.connections.iter();
    let configured = connections.map(|one| (one.name.clone(), one.vendor.kind().into())).collect();
    let identity = match &store {
        Some(store) => rules::state(&**store, &settings.identity).await?,
        None => RulesState::First,
    };
    let told = (&*settings.sources, &*settings.webhooks);
    show(store.as_deref(), configured, told, identity, cx.clock.now(), &cx.terminal).await
}

/// Reads the store and shows what it says; `configured` is each connection's name and type, `sources` who sends events, `webhooks`
/// who is told of crossings, `identity` whether the file's rules decide. `store` is `None` before
/// anything has made it.
pub async fn show(
    store: Option<&dyn Store>,
    configured: Vec<(ConnectionName, Arc<str>)>,
    (sources, webhooks): (&[SourceSettings], &[WebhookSettings]),
    identity: RulesState,
    now: Timestamp,
    terminal: &Terminal,
) -> Ended {
    let mut known = Vec::with_capacity(configured.len());
    for (name, kind) in configured {
        let note = match store {
            Some(store) => store.note(&quota_note(&name)).await?,
            None => None,
        };
        // A note of another version reads as "nothing known", which the next run corrects.
        let budget = note.and_then(|text| serde_json::from_str::<Budget>(&text).ok()).unwrap_or_default();
        known.push(Configured { name, kind, budget });
    }
    let (stats, runs, schedules, sent) = match store {
        Some(store) => {
            (store.stats().await?, store.last_runs().await?, store.schedules().await?, store.source_health().await?)
        }
        None => Default::default(),
    };
    let sources = sources::sources(now, sources, &sent);
    let told = match store {
        Some(store) if !webhooks.is_empty() => store.webhook_states().await?,
        _ => Vec::new(),
    };
    let webhooks = webhook::webhooks(now, webhooks, &told);
    let standing = match &store {
        Some(store) => store.member_counts().await?,
        None => Vec::new(),
    };
    let in_each = |kind| {
        let of = standing.iter().filter(|(one, _, _)| *one == kind);
        of.map(|(_, name, people)| (name.clone(), *people)).collect()
    };
    let (bands, segments) = (in_each(TransitionKind::Band), in_each(TransitionKind::Segment));
    let status = Status {
        sources,
        webhooks,
        bands,
        segments,
        identity_rules: identity.as_str(),
        ..view(now, &known, &stats, &runs, &schedules)
    };
    terminal.show(&status, |terminal| print(&status, now, terminal))?;
    Ok(Exit::Done)
}

pub fn print(status: &Status, now: Timestamp, terminal: &Terminal) {
    let mut line = format!(
        "{} {} · {} {}",
        terminal.paint(Tone::Heading, &moment::count(status.profiles)),
        if status.profiles == 1 { "profile" } else { "profiles" },
        terminal.paint(Tone::Heading, &moment::count(status.events)),
        if status.events == 1 { "event" } else { "events" },
    );
    if status.stale > 0 {
        line.push_str(&format!(" · {} waiting for compute", moment::count(status.stale)));
    }
    if status.identity_conflicts > 0 {
        line.push_str(&format!(" · {} identity conflicts", moment::count(status.identity_conflicts)));
    }
    terminal.say(line);
    let sizes: Vec<String> =
        status.bands.iter().chain(&status.segments).map(|(n, p)| format!("{n} {}", moment::count(*p))).collect();
    if !sizes.is_empty() {
        terminal.say(terminal.paint(Tone::Quiet, &crate::cli::clean::line(&sizes.join(" · "))));
    }
    if status.identity_rules == RulesState::Differ.as_str() {
        terminal.say(terminal.paint(Tone::Warn, rules::DIFFER));
        terminal.say(terminal.paint(Tone::Quiet, &format!("  {}", rules::DIFFER_FIX)));
    }
    terminal.say("");
    sources::print(&status.sources, now, terminal);
    if !status.webhooks.is_empty() {
        webhook::print(&status.webhooks, now, terminal);
        terminal.say("");
    }
    if status.connections.is_empty() {
        terminal.say("no CRM connection is configured; add a [[crm]] entry to sync.toml");
        return;
    }
    let mut table = terminal.table(&[
        "connection",
        "type",
        "state",
        ">contacts",
        ">companies",
        ">deals",
        "last pull",
        "last push",
        ">outbox",
        ">failed",
        ">api calls",
    ]);
    for connection in &status.connections {
        let records = |object: &str| moment::count(connection.objects.get(object).map_or(0, |o| o.records));
        let failed = if connection.dead_letters > 0 { Tone::Bad } else { Tone::Plain };
        table.add_row([
            cell(Tone::Heading, &connection.name),
            cell(Tone::Plain, &connection.kind),
            cell(tone(connection.state), connection.state.as_str()),
            cell(Tone::Plain, records("contact")),
            cell(Tone::Plain, records("company")),
            cell(Tone::Plain, records("deal")),
            cell(Tone::Plain, moment::ago(now, connection.last_pull)),
            cell(Tone::Plain, moment::ago(now, connection.last_push)),
            cell(Tone::Plain, moment::count(connection.outbox)),
            cell(failed, moment::count(connection.dead_letters)),
            cell(budget_tone(&connection.budget), budget(&connection.budget)),
        ]);
    }
    terminal.print(&table);
    for connection in &status.connections {
        let Some(why) = &connection.why else { continue };
        let name = terminal.paint(tone(connection.state), connection.name.as_str());
        terminal.say("");
        terminal.say(format!("{name}: {}", crate::cli::clean::line(why)));
        if let Some(fix) = &connection.fix {
            terminal.say(terminal.paint(Tone::Quiet, &format!("  {fix}")));
        }
    }
}

fn tone(state: State) -> Tone {
    match state {
        State::Ok => Tone::Good,
        State::NeverRun => Tone::Quiet,
        State::Degraded | State::Paused => Tone::Warn,
        State::Late | State::Failed | State::Fused | State::NeedsReauth => Tone::Bad,
    }
}

fn budget(budget: &Budget) -> String {
    match (budget.used, budget.limit) {
        (Some(used), Some(limit)) => format!("{} of {}", moment::count(used), moment::count(limit)),
        (Some(used), None) => moment::count(used),
        _ => "–".into(),
    }
}

/// Four fifths used is worth a colour.
fn budget_tone(budget: &Budget) -> Tone {
    match (budget.used, budget.limit) {
        (Some(used), Some(limit)) if used.saturating_mul(5) >= limit.saturating_mul(4) => Tone::Warn,
        _ => Tone::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::terminal::tests::captured;
    use crate::store::StoreStats;

    #[test]
    fn a_person_sees_state_and_reason() {
        let configured = [Configured {
            name: "acme".into(),
            kind: "crm".into(),
            budget: Budget { limit: Some(1_000), used: Some(990), resets_at: None, paused_until: None },
        }];
        let now = Timestamp::from_secs(100);
        let status = view(now, &configured, &StoreStats { profiles: 1_234, ..StoreStats::default() }, &[], &[]);
        let (terminal, out, _) = captured(false);
        print(&status, now, &terminal);
        let want = "\
1,234 profiles · 0 events

CONNECTION  TYPE  STATE      CONTACTS  COMPANIES  DEALS  LAST PULL  LAST PUSH  OUTBOX  FAILED     API CALLS
acme        crm   never_run         0          0      0  never      never           0       0  990 of 1,000

acme: nothing has run yet
  `ferry sync acme` runs everything once
";
        assert_eq!(out.text(), want);
    }
}
