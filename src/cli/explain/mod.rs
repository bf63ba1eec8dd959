//! `ferry explain KEY [FIELD]`: why a field holds what it holds, now or at a date: the value, the rule, the events and
//! deals that count, the mapping line that carries it, and what was written to the CRM.

mod print;
#[cfg(test)]
mod tests;
mod view;

use connector::{ConnectionName, Timestamp};

pub use view::{Field, Held, Known, Line, Piece, View};

use crate::app;
use crate::cli::clean;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::moment;
use crate::cli::profile;
use crate::cli::terminal::Terminal;
use crate::config::Settings;
use crate::enrich::{Model, Predictors};
use crate::mapping::ObjectMapping;
use crate::store::Store;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Any identifier: email:…, crm:CONN:OBJECT:ID, user_id:…, a bare e-mail address, or a profile's id
    pub key: String,
    /// A trait, a score or a CRM field; all of them if left out
    pub field: Option<String>,
    /// Explain it as it was at this instant
    #[arg(long, value_name = "T", value_parser = moment::parse)]
    pub as_of: Option<Timestamp>,
}

/// Most events and writes looked at for one person.
const MOST: usize = 10_000;

/// `store` is `None` before anything has made it.
pub async fn run(
    args: &Args,
    store: Option<&dyn Store>,
    settings: &Settings,
    now: Timestamp,
    terminal: &Terminal,
) -> Ended {
    let learnt: Vec<_> = settings.model.scores.iter().filter(|one| one.predicted().is_some()).collect();
    let learnt: Vec<_> = learnt.into_iter().map(|one| one.name.clone()).collect();
    let predictors = match store {
        // A shadow is explained too: that is how one looks at it before it is in use.
        Some(store) => app::predictors(store, &learnt, true).await?,
        None => Predictors::new(),
    };
    let model = Model::new(settings.model.clone()).with_predictors(predictors);
    let mappings: Vec<(ConnectionName, ObjectMapping)> = settings
        .connections
        .iter()
        .flat_map(|one| one.objects.iter().map(|mapping| (one.name.clone(), mapping.clone())))
        .collect();
    let (id, detail, store) = profile::find(&args.key, store).await?;
    let facts = store.facts_of(id, model.rule_ids()).await?;
    let events = store.events_of(id, MOST).await?;
    let journal = store.journal(id, None, MOST).await?;
    let known = Known {
        detail: &detail,
        facts: &facts,
        events: &events,
        journal: &journal,
        model: &model,
        mappings: &mappings,
        as_of: args.as_of,
        now,
    };
    let names = known.meant(args.field.as_deref());
    if let (true, Some(field)) = (names.is_empty(), &args.field) {
        return Err(Failure::new(format!("`{}` is no trait, no score and no mapped CRM field", clean::line(field)))
            .with_fix("leave FIELD out to see all there are"));
    }
    let view = known.view(&names);
    terminal.show(&view, |terminal| print::print(&view, terminal))?;
    Ok(Exit::Done)
}
