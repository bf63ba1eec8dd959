//! `ferry segment list|show`: how many people are in each band and segment, and who.

use std::sync::Arc;

use connector::Timestamp;
use serde::Serialize;

use crate::app::App;
use crate::cli::clean;
use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::moment;
use crate::cli::terminal::{Tone, cell};
use crate::enrich::ModelSpec;
use crate::expr::nearest;
use crate::model::{Crossing, ProfileId, TransitionKind};
use crate::store::{Foreseen, Member};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    pub what: What,
}

#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Every band and segment, and how many people are in it
    List,
    /// Who is in a band or segment
    Show(ShowArgs),
    /// How many the present configuration would let in and out, before anything acts on it
    Preview,
}

#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// A segment, or a band by its own or its full name
    pub name: String,
    /// At most so many people
    #[arg(long, default_value_t = 100)]
    pub limit: usize,
}

#[derive(Debug, Serialize)]
struct Line {
    kind: TransitionKind,
    name: String,
    /// What lets people in.
    when: String,
    members: u64,
}

#[derive(Debug, Serialize)]
struct List {
    segments: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Shown {
    kind: TransitionKind,
    name: String,
    when: String,
    members: Vec<Person>,
}

#[derive(Debug, Serialize)]
struct Person {
    profile: String,
    name: Option<String>,
    since: Timestamp,
}

#[derive(Debug, Serialize)]
struct Change {
    kind: TransitionKind,
    name: String,
    enter: u64,
    leave: u64,
}

#[derive(Debug, Serialize)]
struct Preview {
    changes: Vec<Change>,
}

/// Events that rules of the configuration were never matched with do not count: a computation matches them first.
async fn preview(cx: &Cx) -> Ended {
    let settings = cx.settings()?;
    let known = all(&settings.model);
    let foreseen = match cx.reading(&settings)? {
        Some(store) => App::with_connections(settings, Arc::from(store), cx.world(), Vec::new())?.foresee().await?,
        None => Foreseen::new(),
    };
    let people = |kind, name: &str, direction| foreseen.get(&(kind, name.into(), direction)).copied().unwrap_or(0);
    let change = |(kind, name, _): (TransitionKind, String, String)| {
        let (enter, leave) = (people(kind, &name, Crossing::In), people(kind, &name, Crossing::Out));
        Change { kind, name, enter, leave }
    };
    let preview = Preview { changes: known.into_iter().map(change).collect() };
    cx.terminal.show(&preview, |terminal| {
        let mut table = terminal.table(&["kind", "name", ">would enter", ">would leave"]);
        for change in &preview.changes {
            table.add_row([
                cell(Tone::Quiet, change.kind),
                cell(Tone::Heading, clean::line(&change.name)),
                cell(Tone::Plain, moment::count(change.enter)),
                cell(Tone::Plain, moment::count(change.leave)),
            ]);
        }
        terminal.print(&table);
    })?;
    Ok(Exit::Done)
}

pub async fn run(args: &Args, cx: &Cx) -> Ended {
    if matches!(args.what, What::Preview) {
        return preview(cx).await;
    }
    let settings = cx.settings()?;
    let store = cx.reading(&settings)?;
    let known = all(&settings.model);
    match &args.what {
        What::Preview => {}
        What::List => {
            let counts = match &store {
                Some(store) => store.member_counts().await?,
                None => Vec::new(),
            };
            let members = |kind: TransitionKind, name: &str| {
                counts.iter().find(|(of, one, _)| *of == kind && **one == *name).map_or(0, |(_, _, count)| *count)
            };
            let line = |(kind, name, when): (TransitionKind, String, String)| {
                let members = members(kind, &name);
                Line { kind, name, when, members }
            };
            let list = List { segments: known.into_iter().map(line).collect() };
            cx.terminal.show(&list, |terminal| {
                let mut table = terminal.table(&["kind", "name", ">people", "when"]);
                for line in &list.segments {
                    table.add_row([
                        cell(Tone::Quiet, line.kind),
                        cell(Tone::Heading, clean::line(&line.name)),
                        cell(Tone::Plain, moment::count(line.members)),
                        cell(Tone::Quiet, clean::line(&line.when)),
                    ]);
                }
                terminal.print(&table);
            })?;
        }
        What::Show(args) => {
            let is_meant = |name: &str| name == args.name || name.rsplit('.').next() == Some(args.name.as_str());
            let segment = known.iter().find(|(kind, name, _)| *kind == TransitionKind::Segment && *name == args.name);
            let found = segment.or_else(|| known.iter().find(|(_, name, _)| is_meant(name)));
            let Some((kind, name, when)) = found.cloned() else {
                let near = nearest(&args.name, known.iter().map(|(_, name, _)| name.as_str()));
                let failure = Failure::usage(format!("there is no segment or band `{}`", clean::line(&args.name)));
                return Err(match near {
                    Some(near) => failure.with_fix(format!("did you mean `{near}`?")),
                    None => failure.with_fix("`ferry segment list` shows all there are"),
                });
            };
            let mut people = Vec::new();
            if let Some(store) = &store {
                for Member { profile, uid, since } in store.members(kind, &name, ProfileId(0), args.limit).await? {
                    let detail = store.profile(profile).await?;
                    let called = detail.and_then(|detail| {
                        let text = |name: &str| match detail.profile.value(name) {
                            connector::Value::Text(text) => Some(text.to_string()),
                            _ => None,
                        };
                        let full =
                            [text("first_name"), text("last_name")].into_iter().flatten().collect::<Vec<String>>();
                        if full.is_empty() { text("email") } else { Some(full.join(" ")) }
                    });
                    people.push(Person { profile: uid.to_string(), name: called, since });
                }
            }
            let shown = Shown { kind, name, when, members: people };
            cx.terminal.show(&shown, |terminal| {
                terminal.say(format!("{} {}: {}", shown.kind, clean::line(&shown.name), clean::line(&shown.when)));
                if shown.members.is_empty() {
                    terminal.say("nobody");
                    return;
                }
                let mut table = terminal.table(&["profile", "name", "since (UTC)"]);
                for person in &shown.members {
                    table.add_row([
                        cell(Tone::Plain, &person.profile),
                        cell(Tone::Heading, clean::line(person.name.as_deref().unwrap_or_default())),
                        cell(Tone::Quiet, moment::at(person.since)),
                    ]);
                }
                terminal.print(&table);
            })?;
        }
    }
    Ok(Exit::Done)
}

/// Bands, then segments, in the order of the configuration.
fn all(model: &ModelSpec) -> Vec<(TransitionKind, String, String)> {
    let bands = model.scores.iter().flat_map(|score| {
        score.bands.iter().map(move |band| {
            let when = format!("score_{} from {}, left below {}", score.name, band.enter, band.exit);
            (TransitionKind::Band, score.band_name(band).to_string(), when)
        })
    });
    let segments = model.segments.iter().map(|segment| {
        let exit = segment.exit_when.as_ref().map(|exit| format!("; left when {exit}")).unwrap_or_default();
        (TransitionKind::Segment, segment.name.to_string(), format!("{}{exit}", segment.when))
    });
    bands.chain(segments).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_come_first_by_their_full_names() {
        let names: Vec<String> = all(&crate::enrich::preset::b2b()).into_iter().map(|(_, name, _)| name).collect();
        assert_eq!(names, ["lead.mql", "lead.hot"]);
    }
}
