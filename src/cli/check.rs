//! `ferry check`: everything that is wrong with the configuration, at once, each with its place and a way out. Offline:
//! no CRM is reached and no secret is read, unless `--live` asks for it.

use serde::Serialize;
use serde_json::Value as Json;

use crate::app;
use crate::app::rules::{self, RulesState};
use crate::cli::cx::{Cx, of_config, problem};
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::live::{self, Looked};
use crate::cli::terminal::Tone;
use crate::config::{self, Settings};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Also list every setting with where its value comes from
    #[arg(long)]
    pub resolved: bool,
    /// Also reach each CRM and compare fields, types, rights and quota
    #[arg(long)]
    pub live: bool,
}

/// `check --json`.
#[derive(Serialize)]
struct View {
    ok: bool,
    errors: Vec<Json>,
    warnings: Vec<Json>,
    config_hash: String,
    sources: Vec<String>,
    connections: Vec<String>,
    /// Whether the rules of `[identity]` are those in force: `in_force`, `first` (no store has any yet), `differ`.
    identity_rules: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved: Option<Vec<String>>,
    /// With `--live`: what each CRM answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<Vec<Looked>>,
}

/// `check --json` of a file that cannot be used.
#[derive(Serialize)]
struct Problems {
    ok: bool,
    errors: Vec<Json>,
    warnings: Vec<Json>,
}

pub async fn run(args: &Args, cx: &Cx) -> Ended {
    let loaded = match config::load(&cx.config, &cx.overrides) {
        Ok(loaded) => loaded,
        // Here the problems are what was asked for: data, not an accident.
        Err(failure) if cx.terminal.wants_json() => {
            let view = Problems {
                ok: false,
                errors: failure.errors.iter().map(problem).collect(),
                warnings: failure.warnings.iter().map(problem).collect(),
            };
            cx.terminal.json(&view)?;
            return Ok(Exit::Invalid);
        }
        Err(failure) => return Err(of_config(&failure)),
    };
    let settings = &loaded.settings;
    let resolved = args.resolved.then(|| settings.resolved.iter().map(ToString::to_string).collect::<Vec<_>>());
    let identity = in_force(settings, cx).await;
    let view = View {
        ok: true,
        errors: Vec::new(),
        warnings: loaded.warnings.iter().map(problem).collect(),
        config_hash: settings.config_hash.clone(),
        sources: settings.sources.iter().map(|source| source.name.to_string()).collect(),
        connections: settings.connections.iter().map(|connection| connection.name.to_string()).collect(),
        identity_rules: identity.as_str(),
        resolved,
        live: if args.live { Some(reach(settings, cx).await?) } else { None },
    };
    cx.terminal.show(&view, |terminal| {
        for line in view.resolved.iter().flatten() {
            terminal.say(line);
        }
        if !loaded.warnings.is_empty() {
            terminal.note(config::blocks(&loaded.warnings));
            terminal.note("");
        }
        // What has an empty place is right as far as it goes; nobody should take it for done.
        let unfilled = loaded.warnings.iter().filter(|warning| warning.code == "W108").count();
        let (verdict, tone) = match unfilled {
            0 => ("valid", Tone::Good),
            _ => ("not filled in yet", Tone::Warn),
        };
        let count = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
        terminal.say(format!(
            "{} {}: {}, {}{}",
            terminal.paint(tone, verdict),
            cx.config.display(),
            count(view.connections.len(), "connection"),
            count(view.sources.len(), "source"),
            if view.warnings.is_empty() {
                String::new()
            } else {
                format!(", {}", count(view.warnings.len(), "warning"))
            },
        ));
        if identity == RulesState::Differ {
            terminal.say(terminal.paint(Tone::Warn, rules::DIFFER));
            terminal.say(format!("  {}", rules::DIFFER_FIX));
        }
        live::print(view.live.as_deref().unwrap_or_default(), terminal);
    })?;
    let agreed = view.live.iter().flatten().all(|looked| looked.findings.is_empty());
    Ok(if agreed { Exit::Done } else { Exit::Disagrees })
}

/// Whether the store works by these rules of identity. One that cannot be read says so to whoever works with it.
async fn in_force(settings: &Settings, cx: &Cx) -> RulesState {
    match cx.reading(settings) {
        Ok(Some(store)) => rules::state(&*store, &settings.identity).await.unwrap_or(RulesState::First),
        _ => RulesState::First,
    }
}

/// Reaches every CRM, all at once.
async fn reach(settings: &Settings, cx: &Cx) -> Result<Vec<Looked>, Failure> {
    let connections = app::connect(settings, &cx.world())?;
    Ok(futures::future::join_all(connections.iter().map(live::look)).await)
}
