//! `ferry identity unmerge KEY`: an identifier leaves its profile for ever, and what was joined through it falls apart.

use std::sync::Arc;

use serde::Serialize;

use crate::app::rules;
use crate::cli::clean;
use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::ingest::Parting;
use crate::model::Identifier;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The identifier that does not belong: email:…, phone:…, anonymous_id:…, loyalty_id:…, crm:CONN:OBJECT:ID
    pub key: String,
}

#[derive(Debug, Serialize)]
struct View {
    unlinked: String,
    /// The one that keeps the id first.
    profiles: Vec<Side>,
}

#[derive(Debug, Serialize)]
struct Side {
    id: String,
    identifiers: Vec<String>,
}

pub async fn run(args: &Args, cx: &Cx) -> Ended {
    let settings = cx.settings()?;
    let identifier = Identifier::parse_key(&args.key).ok_or_else(|| {
        Failure::usage(format!("`{}` is no identifier", clean::line(&args.key)))
            .with_fix("name what does not belong, like email:ADDRESS or anonymous_id:ID; ferry identity show KEY lists what a profile holds")
    })?;
    let nobody = || Failure::new(format!("nobody holds {}", clean::line(&args.key)));
    let store = cx.writing(&settings)?.ok_or_else(nobody)?;
    let identity = rules::in_force(&*store, &settings.identity).await?;
    let plan = Arc::new(Parting { identity });
    let profiles = store.unlink(identifier.clone(), cx.clock.now(), plan).await?;
    let mut sides = Vec::new();
    for profile in profiles {
        if let Some(held) = store.held_by(profile).await? {
            let identifiers = held.identifiers.iter().map(|one| one.identifier.to_string()).collect();
            sides.push(Side { id: held.profile.uid.to_string(), identifiers });
        }
    }
    let view = View { unlinked: identifier.to_string(), profiles: sides };
    cx.terminal.show(&view, |terminal| {
        terminal.say(format!("{} is parted for ever", clean::line(&view.unlinked)));
        for (place, side) in view.profiles.iter().enumerate() {
            let what = if place == 0 { "keeps its id" } else { "is new" };
            terminal.say(format!("  {} {what}: {}", side.id, clean::line(&side.identifiers.join(", "))));
        }
    })?;
    Ok(Exit::Done)
}
