//! `ferry route simulate [--last 90d]`: the rules of sync.toml tried on everybody who became a lead then, in that order, as they
//! are known today: entries within the cooldown, and people who may not be told of, are none.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use connector::{ConnectionName, FieldName, Object, Timestamp};
use serde::Serialize;

use super::fairness::without_rules;
use crate::app;
use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::moment;
use crate::model::{Consents, Crossing, Decision, ProfileUid, Purpose, Tell, TransitionKind};
use crate::push::with_lead;
use crate::routing::{Rules, Simulation};
use crate::store::Store;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Leads of this time up to now
    #[arg(long, default_value = "90d", value_parser = super::span)]
    pub last: Duration,
    /// At this connection; the first one that has owners otherwise
    #[arg(long)]
    pub connection: Option<String>,
}

#[derive(Debug, Serialize)]
struct Trial {
    connection: ConnectionName,
    band: String,
    leads: Vec<Given>,
    /// How many each would have got.
    owners: BTreeMap<String, u64>,
}

#[derive(Debug, Serialize)]
struct Given {
    at: Timestamp,
    profile: String,
    owner: String,
    step: Option<&'static str>,
    /// Where it would have waited for somebody.
    given_at: Timestamp,
    why: Vec<String>,
}

pub async fn run(args: &Args, cx: &Cx) -> Ended {
    let settings = cx.settings()?;
    let Some(rules) = settings.routing.clone() else { return Err(without_rules()) };
    let Some(band) = rules.on.clone() else {
        return Err(Failure::usage("[routing] names no band (`on`) and the scores have none called \"mql\""));
    };
    let connections = app::connect(&settings, &cx.world())?;
    let has_owners = |connection: &&app::Connection| {
        let named = args.connection.as_deref().is_none_or(|name| connection.name().as_str() == name);
        named && !connection.connector.capability().owners.is_empty()
    };
    let Some(connection) = connections.iter().find(has_owners) else {
        return Err(Failure::usage("no connection of that name has records that belong to users"));
    };
    let company = connection.connector.capability().owner_field(&Object::Company).cloned();
    let Some(store) = cx.reading(&settings)? else {
        return Err(Failure::usage("there is no store yet: `ferry sync` first"));
    };
    let since = cx.clock.now().saturating_sub(args.last);
    let cooldown = settings.model.band(&band).map_or(Duration::ZERO, |(_, _, band)| band.cooldown);
    let entries = Entries { band: &band, since, cooldown };
    let trial = trial(&*store, &rules, connection.name(), company, entries).await?;
    cx.terminal.show(&trial, |terminal| {
        if trial.leads.is_empty() {
            terminal.say(format!("nobody became a lead by {} in that time", trial.band));
            return;
        }
        let rows = trial.leads.iter().map(|lead| {
            let waited = if lead.given_at > lead.at { moment::at(lead.given_at) } else { String::new() };
            let why = lead.why.last().cloned().unwrap_or_default();
            vec![moment::at(lead.at), lead.profile.clone(), lead.owner.clone(), waited, why]
        });
        crate::cli::identity::table(terminal, &["entered", "profile", "owner", "waits until", "why"], rows.collect());
        for (owner, count) in &trial.owners {
            terminal.say(format!("{owner}: {count}"));
        }
    })?;
    Ok(Exit::Done)
}

/// Transitions read at a time.
const CHUNK: usize = 5_000;

/// Which entries are looked at.
#[derive(Clone, Copy)]
struct Entries<'a> {
    band: &'a str,
    since: Timestamp,
    cooldown: Duration,
}

async fn trial(
    store: &dyn Store,
    rules: &Rules,
    connection: &ConnectionName,
    company: Option<FieldName>,
    Entries { band, since, cooldown }: Entries<'_>,
) -> crate::store::Result<Trial> {
    let simulation = Simulation::new(rules, store.users(connection).await?);
    let mut entered = Vec::new();
    let mut after = 0;
    loop {
        let rows = store.transitions(after, CHUNK).await?;
        let Some(last) = rows.last() else { break };
        after = last.id;
        entered.extend(rows.into_iter().filter(|row| {
            let crossed = &row.transition;
            let is_in = crossed.kind == TransitionKind::Band && crossed.direction == Crossing::In;
            is_in && &*crossed.name == band && !crossed.backfill
        }));
    }
    entered.sort_by_key(|row| row.transition.at);
    let mut trial =
        Trial { connection: connection.clone(), band: band.to_owned(), leads: Vec::new(), owners: BTreeMap::new() };
    let mut acted: HashMap<ProfileUid, Timestamp> = HashMap::new();
    for row in entered {
        let at = row.transition.at;
        // Whoever comes again within the cooldown is no lead again; nor is anybody who may not be told of, or whom nobody knows.
        let is_cooling = acted.get(&row.uid).is_some_and(|acted| at < acted.saturating_add(cooldown));
        if is_cooling || !may_be_told_of(&store.consents(row.profile).await?) {
            continue;
        }
        let Some(item) = store.lead_item(connection, row.profile, company.clone()).await? else { continue };
        if !item.profile.known {
            continue;
        }
        acted.insert(row.uid, at);
        if at < since {
            continue;
        }
        let (given_at, decision) = with_lead(&item, at, |lead| simulation.give(lead, at));
        let owner = shown(&decision);
        *trial.owners.entry(owner.clone()).or_insert(0) += 1;
        trial.leads.push(Given {
            at,
            profile: row.uid.to_string(),
            owner,
            step: decision.step().map(|step| step.as_str()),
            given_at,
            why: decision.trail().iter().map(|line| line.text.to_string()).collect(),
        });
    }
    Ok(trial)
}

/// Whether a CRM may be told of somebody, as they have decided up to today.
fn may_be_told_of(consents: &Consents) -> bool {
    consents.allows(Purpose::Sales) && consents.allows(Purpose::Analytics)
}

fn shown(decision: &Decision) -> String {
    match decision {
        Decision::Tell(Tell { user, .. }) | Decision::Keep { user, .. } | Decision::Assign { user, .. } => {
            user.shown().to_owned()
        }
        Decision::Queue { queue, .. } => format!("queue {queue}"),
        Decision::Hold { .. } | Decision::Unowned { .. } => "nobody".to_owned(),
    }
}
