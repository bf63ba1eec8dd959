//! `ferry identity preview --config NEW`: what other rules would make of everything there is.

use std::path::PathBuf;

use serde_json::json;

use super::table;
use crate::app::{identity, rules};
use crate::cli::cx::{Cx, of_config};
use crate::cli::exit::{Ended, Exit, Failure};
use crate::config;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration whose [identity] is tried
    #[arg(long, value_name = "NEW")]
    pub config: PathBuf,
}

pub async fn run(args: &Args, cx: &Cx) -> Ended {
    let settings = cx.settings()?;
    let new = config::load(&args.config, &cx.overrides).map_err(|failure| of_config(&failure))?.settings;
    let store = cx.reading(&settings)?.ok_or_else(|| {
        Failure::new(format!("there is no store yet at {}", settings.store_path.display()))
            .with_fix("`ferry pull` and `ferry ingest` make it and fill it")
    })?;
    let now = rules::in_force(&*store, &settings.identity).await?;
    let found = identity::preview(&*store, &now, &new.identity).await?;
    let largest: Vec<_> = found
        .largest
        .iter()
        .map(|cluster| {
            json!({
                "identifiers": cluster.identifiers,
                "strongest": cluster.strongest.to_string(),
                "of_profiles": cluster.of_profiles,
            })
        })
        .collect();
    let view = json!({
        "profiles": { "now": found.profiles_now, "then": found.profiles_then },
        "merged": found.merged,
        "split": found.split,
        "unattributed": { "now": found.unattributed_now, "then": found.unattributed_then },
        "largest": largest,
    });
    cx.terminal.show(&view, |terminal| {
        terminal.say(format!(
            "{} profiles would be {}: {} would become part of another, {} would fall apart",
            found.profiles_now, found.profiles_then, found.merged, found.split
        ));
        terminal
            .say(format!("events that name nobody: {} now, {} then", found.unattributed_now, found.unattributed_then));
        let rows = found.largest.iter().map(|cluster| {
            vec![cluster.identifiers.to_string(), cluster.of_profiles.to_string(), cluster.strongest.to_string()]
        });
        table(terminal, &["identifiers", "of profiles", "the largest that would be"], rows.collect());
    })?;
    Ok(Exit::Done)
}
