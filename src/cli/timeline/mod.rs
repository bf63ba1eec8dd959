//! `ferry timeline KEY`: what happened around one person or company, newest first, folded so that it can be read before a call.

mod raw;

use std::sync::Arc;

use chrono_tz::Tz;
use connector::Timestamp;
use serde::Serialize;

pub use raw::View as RawView;

use crate::app::story::{self, Telling};
use crate::cli::company;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::profile;
use crate::cli::terminal::{Terminal, Tone, cell};
use crate::config::Settings;
use crate::enrich::{Model, Session};
use crate::store::Store;
use crate::timeline::{Item, fold, merged};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Any identifier: email:…, crm:CONN:OBJECT:ID, user_id:…, a bare e-mail address, or a profile's id; or a company:
    /// company:domain:DOMAIN, company:group:ID, company:crm:CONN:ID
    pub key: String,
    /// How many items to show
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..))]
    pub limit: u16,
    /// The timeline of the person's company: everybody who belongs to it
    #[arg(long)]
    pub company: bool,
    /// Event by event, with everything that is kept out of the folded list
    #[arg(long, conflicts_with = "company")]
    pub raw: bool,
}

/// Items of each kind read of a person, before they are folded.
const READ: usize = 5_000;
/// The same of each person of a company, and how many people of it.
const READ_OF_MEMBER: usize = 500;
const MEMBERS: usize = 200;

/// `timeline --json`.
#[derive(Debug, Serialize)]
pub struct View {
    pub timeline: Vec<Line>,
    /// By start, oldest first; those that anything shown is part of.
    pub sessions: Vec<Session>,
}

#[derive(Debug, Serialize)]
pub struct Line {
    #[serde(flatten)]
    pub item: Item,
    /// Written down more than a day after it happened.
    pub recorded_later: bool,
}

pub async fn run(args: &Args, store: Option<&dyn Store>, settings: &Settings, terminal: &Terminal) -> Ended {
    let limit = usize::from(args.limit);
    let model = Model::new(settings.model.clone());
    if let Some(key) = company::key(&args.key) {
        let items = of_company(key, store, &model).await?;
        return show(view(items, Vec::new(), limit), settings.timezone, terminal);
    }
    let (id, detail, store) = profile::find(&args.key, store).await?;
    let uid = detail.profile.uid;
    if args.company {
        let primary = store.company_of(id, Arc::new(settings.company.clone())).await?.primary;
        let Some(company) = primary else {
            return Err(Failure::new("this person belongs to no company")
                .with_fix("ferry profile KEY shows what is known of where somebody works"));
        };
        let items = of_company(&company.key.to_string(), Some(store), &model).await?;
        return show(view(items, Vec::new(), limit), settings.timezone, terminal);
    }
    if args.raw {
        let told = story::telling(store, &model, id, uid, limit).await?;
        let view = raw::view(told.raw, &told.sessions);
        terminal.show(&view, |terminal| raw::print(&view, terminal))?;
        return Ok(Exit::Done);
    }
    let Telling { moments, sessions, .. } = story::telling(store, &model, id, uid, READ).await?;
    show(view(fold(moments), sessions, limit), settings.timezone, terminal)
}

/// Everybody's of a company, each item with whose it is.
async fn of_company(key: &str, store: Option<&dyn Store>, model: &Model) -> Result<Vec<Item>, Failure> {
    let nobody = || company::nobody(key);
    let store = store.ok_or_else(nobody)?;
    let company = store.company(&company::normal(key), MEMBERS).await?.ok_or_else(nobody)?;
    let mut lists = Vec::new();
    for member in company.members.iter().filter(|member| member.is_primary) {
        let Some(id) = store.find_profile(&member.profile.to_string()).await? else { continue };
        let told = story::telling(store, model, id, member.profile, READ_OF_MEMBER).await?;
        let who = member.name.clone().or_else(|| member.email.clone());
        let mine = fold(told.moments).into_iter().map(|item| Item {
            company_id: Some(company.uid),
            actor: item.actor.or_else(|| who.clone()),
            ..item
        });
        lists.push(mine.collect());
    }
    Ok(merged(lists))
}

fn view(mut items: Vec<Item>, mut sessions: Vec<Session>, limit: usize) -> View {
    items.truncate(limit);
    let oldest = items.last().map(|item| item.occurred_at);
    sessions.retain(|session| oldest.is_some_and(|oldest| session.end >= oldest));
    let line = |item: Item| Line { recorded_later: item.is_late(), item };
    View { timeline: items.into_iter().map(line).collect(), sessions }
}

fn show(view: View, zone: Tz, terminal: &Terminal) -> Ended {
    terminal.show(&view, |terminal| print(&view, zone, terminal))?;
    Ok(Exit::Done)
}

fn print(view: &View, zone: Tz, terminal: &Terminal) {
    if view.timeline.is_empty() {
        terminal.say("nothing has happened yet");
        return;
    }
    let at = |at: Timestamp| at.to_utc().with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string();
    let when = format!("when ({})", zone.name());
    let mut table = terminal.table(&[&when, "kind", "what", "detail", "who", "source"]);
    for line in &view.timeline {
        let item = &line.item;
        let tone = match item.importance {
            3 => Tone::Good,
            0 => Tone::Quiet,
            _ => Tone::Heading,
        };
        let mut detail = item.detail.as_deref().unwrap_or_default().to_owned();
        if line.recorded_later {
            let later = format!("recorded later, {}", at(item.recorded_at));
            detail = if detail.is_empty() { later } else { format!("{detail}; {later}") };
        }
        table.add_row([
            cell(Tone::Quiet, at(item.occurred_at)),
            cell(Tone::Plain, item.kind.as_str()),
            cell(tone, &item.title),
            cell(Tone::Plain, detail),
            cell(Tone::Plain, item.actor.as_deref().unwrap_or_default()),
            cell(Tone::Quiet, &item.source),
        ]);
    }
    terminal.print(&table);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::terminal::tests::captured;
    use crate::model::TimelineKind;
    use crate::timeline::{Direction, Visibility};

    fn item(title: &str, recorded: i64) -> Item {
        Item {
            id: "1".into(),
            profile_id: None,
            company_id: None,
            occurred_at: Timestamp::from_secs(0),
            recorded_at: Timestamp::from_secs(recorded),
            kind: TimelineKind::Web,
            direction: Direction::In,
            title: title.into(),
            detail: Some("Home, Pricing".into()),
            actor: None,
            source: "website".into(),
            source_ref: None,
            importance: 2,
            dedupe_key: title.into(),
            visibility: Visibility::Sales,
        }
    }

    #[test]
    fn a_person_reads_local_times_and_what_came_late() {
        let items = vec![item("Visited 2 pages\u{7}", 0), item("Demo form", 90_000)];
        let (terminal, out, _) = captured(false);
        print(&view(items, Vec::new(), 10), chrono_tz::Europe::Berlin, &terminal);
        let want = "\
WHEN (EUROPE/BERLIN)  KIND  WHAT                  DETAIL                                           WHO  SOURCE
1970-01-01 01:00      web   Visited 2 pages\\u{7}  Home, Pricing                                         website
1970-01-01 01:00      web   Demo form             Home, Pricing; recorded later, 1970-01-02 02:00       website
";
        assert_eq!(out.text(), want);
    }

    #[test]
    fn machines_read_every_field() {
        let json = serde_json::to_value(view(vec![item("Demo form", 90_000)], Vec::new(), 1)).unwrap();
        let line = &json["timeline"][0];
        assert_eq!((&line["kind"], &line["direction"]), (&"web".into(), &"in".into()));
        assert_eq!((&line["importance"], &line["recorded_later"]), (&2.into(), &true.into()));
        for key in ["id", "profile_id", "company_id", "occurred_at", "recorded_at", "dedupe_key", "visibility", "actor"]
        {
            assert!(line.get(key).is_some(), "{key}");
        }
    }
}
