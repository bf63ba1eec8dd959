//! `ferry identity replay --check`: the whole log told again, and what is stored held against it.

use serde_json::json;

use crate::app::{identity, rules};
use crate::cli::clean;
use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Exit, Failure};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Compare only: clusters and declared traits must be what the log says
    #[arg(long, required = true)]
    pub check: bool,
}

pub async fn run(_: &Args, cx: &Cx) -> Ended {
    let settings = cx.settings()?;
    let store = cx.reading(&settings)?.ok_or_else(|| {
        Failure::new(format!("there is no store yet at {}", settings.store_path.display()))
            .with_fix("`ferry pull` and `ferry ingest` make it and fill it")
    })?;
    let rules = rules::in_force(&*store, &settings.identity).await?;
    let found = identity::check(&*store, &rules).await?;
    let view = json!({
        "events": found.events,
        "lines": found.lines,
        "profiles": found.profiles,
        "identifiers": found.identifiers,
        "traits": found.traits,
        "beyond_the_log": found.beyond_the_log,
        "differences": found.differences,
        "told": found.told,
    });
    cx.terminal.show(&view, |terminal| {
        terminal.say(format!(
            "told again: {} events, {} other lines; compared: {} profiles with {} identifiers and {} traits",
            found.events, found.lines, found.profiles, found.identifiers, found.traits
        ));
        if found.beyond_the_log > 0 {
            terminal.say(format!("{} identifiers are older than what the log still holds", found.beyond_the_log));
        }
        for line in &found.told {
            terminal.say(format!("  {}", clean::line(line)));
        }
        terminal.say(match found.differences {
            0 => "the store is what the log says".to_owned(),
            1 => "1 difference".to_owned(),
            many => format!("{many} differences"),
        });
    })?;
    if found.differences == 0 { Ok(Exit::Done) } else { Ok(Exit::Failed) }
}
