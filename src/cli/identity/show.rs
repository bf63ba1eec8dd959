//! `ferry identity show KEY`: what one person is known by, with the evidence for every edge.

use std::collections::BTreeMap;

use connector::Timestamp;
use serde::Serialize;

use super::table;
use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Exit};
use crate::cli::moment;
use crate::cli::profile;
use crate::cli::terminal::{Terminal, Tone};
use crate::model::{EventRow, Identifier};
use crate::store::{EdgeEnd, EdgeRow, HeldBy};

/// Events looked through for what came together.
const EVENTS: usize = 10_000;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Any identifier: email:…, phone:…, loyalty_id:…, crm:CONN:OBJECT:ID, user_id:…, anonymous_id:…, a bare address, or a profile's id
    pub key: String,
}

#[derive(Debug, Serialize)]
struct View {
    id: String,
    known: bool,
    /// It holds a contested identifier and nothing else: never pushed, never joined.
    shared: bool,
    first_seen: Timestamp,
    identifiers: Vec<Known>,
    /// Everything that ever joined or parted, oldest first.
    edges: Vec<EdgeView>,
}

#[derive(Debug, Serialize)]
struct Known {
    identifier: String,
    state: &'static str,
    since: Option<Timestamp>,
    cause: Option<String>,
    /// What its cause named beside it.
    together_with: Vec<String>,
}

#[derive(Debug, Serialize)]
struct EdgeView {
    at: Timestamp,
    recorded_at: Timestamp,
    joined: bool,
    /// An identifier, or `profile:ID` that became part of this one.
    what: String,
    cause: String,
}

pub async fn run(args: &Args, cx: &Cx) -> Ended {
    let settings = cx.settings()?;
    let store = cx.reading(&settings)?;
    let (id, detail, store) = profile::find(&args.key, store.as_deref()).await?;
    let edges = store.edges(id).await?;
    let events = store.events_of(id, EVENTS).await?;
    let Some(held) = store.held_by(id).await? else { return Err(profile::nobody(&args.key)) };
    let view = view(&held, &edges, &events, detail.profile.first_seen);
    cx.terminal.show(&view, |terminal| print(&view, terminal))?;
    Ok(Exit::Done)
}

fn view(held: &HeldBy, edges: &[EdgeRow], events: &[EventRow], first_seen: Timestamp) -> View {
    let mut named: BTreeMap<String, &[Identifier]> = BTreeMap::new();
    for row in events {
        named.insert(format!("event {} {}", row.event.source, row.event.message_id), &row.event.identifiers);
    }
    let known = |identifier: &Identifier, state: &'static str| {
        let is_it = |edge: &&EdgeRow| edge.joined && edge.what == EdgeEnd::Identifier(identifier.clone());
        let edge = edges.iter().rev().find(is_it);
        let together = edge.and_then(|edge| named.get(&*edge.cause));
        let others = together.into_iter().flat_map(|all| all.iter()).filter(|other| *other != identifier);
        Known {
            identifier: identifier.to_string(),
            state,
            since: edge.map(|edge| edge.at),
            cause: edge.map(|edge| edge.cause.to_string()),
            together_with: others.map(ToString::to_string).collect(),
        }
    };
    View {
        id: held.profile.uid.to_string(),
        known: held.profile.known,
        shared: held.shared,
        first_seen,
        identifiers: held.identifiers.iter().map(|one| known(&one.identifier, one.state.as_str())).collect(),
        edges: edges.iter().map(edge_view).collect(),
    }
}

fn edge_view(edge: &EdgeRow) -> EdgeView {
    EdgeView {
        at: edge.at,
        recorded_at: edge.recorded_at,
        joined: edge.joined,
        what: match &edge.what {
            EdgeEnd::Identifier(identifier) => identifier.to_string(),
            EdgeEnd::Profile(uid) => format!("profile:{uid}"),
        },
        cause: edge.cause.to_string(),
    }
}

fn print(view: &View, terminal: &Terminal) {
    let what = match (view.shared, view.known) {
        (true, _) => "a shared device: never pushed, never joined",
        (false, true) => "known",
        (false, false) => "anonymous",
    };
    terminal.say(format!("Profile {}, {what}, first seen {}", view.id, moment::at(view.first_seen)));
    let mut rows = Vec::new();
    for one in &view.identifiers {
        let since = one.since.map(moment::at).unwrap_or_default();
        let mut because = one.cause.clone().unwrap_or_default();
        if !one.together_with.is_empty() {
            because.push_str(&format!(", with {}", one.together_with.join(", ")));
        }
        rows.push(vec![
            one.identifier.clone(),
            (if one.state == "live" { "" } else { one.state }).to_string(),
            since,
            because,
        ]);
    }
    table(terminal, &["identifier", "", "since", "because of"], rows);
    let merges: Vec<&EdgeView> = view.edges.iter().filter(|edge| edge.what.starts_with("profile:")).collect();
    if !merges.is_empty() {
        terminal.say("");
        terminal.say(terminal.paint(Tone::Heading, "Became part of it"));
        let rows = merges.iter().map(|edge| vec![edge.what.clone(), moment::at(edge.at), edge.cause.clone()]);
        table(terminal, &["profile", "at", "because of"], rows.collect());
    }
    let parted: Vec<&EdgeView> = view.edges.iter().filter(|edge| !edge.joined).collect();
    if !parted.is_empty() {
        terminal.say("");
        terminal.say(terminal.paint(Tone::Heading, "Parted from it"));
        let rows = parted.iter().map(|edge| vec![edge.what.clone(), moment::at(edge.at), edge.cause.clone()]);
        table(terminal, &["identifier", "at", "because of"], rows.collect());
    }
}
