//! `ferry identity review`: questions about who is who, and a person's answers.

use connector::Timestamp;
use serde::Serialize;

use super::table;
use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::terminal::Terminal;
use crate::cli::{clean, moment};
use crate::model::{CompanyKey, ReviewReason};
use crate::store::{Answer, ReviewRow, Store};

/// Questions shown at once.
const MOST: usize = 1_000;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    pub action: Option<Action>,
}

#[derive(Clone, Debug, clap::Subcommand)]
pub enum Action {
    /// Open questions, the likeliest pairs first (the default)
    List {
        /// Those that were answered
        #[arg(long)]
        answered: bool,
    },
    /// They are one person
    Merge { id: i64 },
    /// They are different people, and stay so
    KeepApart { id: i64 },
    /// The number is its holder's alone
    Holder { id: i64 },
    /// Many people have it: it names nobody from now on
    Shared { id: i64 },
    /// Nothing is to be done
    Dismiss { id: i64 },
    /// People known by the domain alone belong to this company, one of those that claim it
    Belongs {
        id: i64,
        /// group:ID or crm:CONNECTION:ID
        company: String,
    },
}

#[derive(Debug, Serialize)]
struct List {
    reviews: Vec<View>,
}

#[derive(Debug, Serialize)]
struct View {
    id: i64,
    opened_at: Timestamp,
    reason: &'static str,
    identifier: String,
    probability: Option<f64>,
    /// Why the matcher thinks so, a line a field.
    because: Vec<String>,
    profiles: Vec<Side>,
    seen: u64,
    answer: Option<String>,
    answered_at: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct Side {
    id: String,
    /// Its strongest identifiers.
    identifiers: Vec<String>,
}

pub async fn run(args: &Args, cx: &Cx) -> Ended {
    let settings = cx.settings()?;
    let (id, answer) = match args.action.clone() {
        None => return list(false, cx.reading(&settings)?.as_deref(), &cx.terminal).await,
        Some(Action::List { answered }) => {
            return list(answered, cx.reading(&settings)?.as_deref(), &cx.terminal).await;
        }
        Some(Action::Merge { id }) => (id, Answer::Merge),
        Some(Action::KeepApart { id }) => (id, Answer::KeepApart),
        Some(Action::Holder { id }) => (id, Answer::Holder),
        Some(Action::Shared { id }) => (id, Answer::Shared),
        Some(Action::Dismiss { id }) => (id, Answer::Dismiss),
        Some(Action::Belongs { id, company }) => {
            let key = CompanyKey::parse(&company).ok_or_else(|| {
                Failure::usage(format!("`{}` is no company", clean::line(&company)))
                    .with_fix("group:ID or crm:CONNECTION:ID, as the question names them")
            })?;
            (id, Answer::Belongs(key.to_string().into()))
        }
    };
    let unknown =
        || Failure::new(format!("there is no open question {id}")).with_fix("ferry identity review lists them");
    let store = cx.writing(&settings)?.ok_or_else(unknown)?;
    let answered = store.answer_review(id, answer.clone(), cx.clock.now()).await?.ok_or_else(unknown)?;
    let said = match &answer {
        Answer::Merge => "they are one profile now",
        Answer::KeepApart => "they are kept apart from now on, whatever comes",
        Answer::Holder => "it is its holder's alone",
        Answer::Shared => "it names nobody from now on",
        Answer::Dismiss => "dismissed",
        Answer::Belongs(_) => "whoever is known by it alone belongs there; the next computation places them",
    };
    let done = serde_json::json!({ "id": id, "answer": answer.text() });
    cx.terminal
        .show(&done, |terminal| terminal.say(format!("{}: {said}", clean::line(&answered.identifier.to_string()))))?;
    Ok(Exit::Done)
}

async fn list(answered: bool, store: Option<&dyn Store>, terminal: &Terminal) -> Ended {
    let mut reviews = Vec::new();
    if let Some(store) = store {
        for row in store.reviews(!answered, MOST).await? {
            reviews.push(view(&row, store).await?);
        }
    }
    let list = List { reviews };
    terminal.show(&list, |terminal| print(&list, answered, terminal))?;
    Ok(Exit::Done)
}

async fn view(row: &ReviewRow, store: &dyn Store) -> Result<View, Failure> {
    let mut sides = Vec::new();
    for profile in &row.profiles {
        if let Some(held) = store.held_by(*profile).await? {
            let identifiers = held.identifiers.iter().take(4).map(|one| one.identifier.to_string()).collect();
            sides.push(Side { id: held.profile.uid.to_string(), identifiers });
        }
    }
    Ok(View {
        id: row.id,
        opened_at: row.opened_at,
        reason: row.reason.as_str(),
        identifier: row.identifier.to_string(),
        probability: row.probability,
        because: row.detail.iter().flat_map(|detail| detail.lines()).map(str::to_owned).collect(),
        profiles: sides,
        seen: row.seen,
        answer: row.answer.as_ref().map(Answer::text),
        answered_at: row.answered_at,
    })
}

fn print(list: &List, answered: bool, terminal: &Terminal) {
    if list.reviews.is_empty() {
        terminal.say(if answered { "no question was answered yet" } else { "no open questions" });
        return;
    }
    for review in &list.reviews {
        let likely = review.probability.map(|p| format!(", {:.1} % likely", p * 100.0)).unwrap_or_default();
        terminal.say(format!(
            "{}  {}{likely}: {}  ({})",
            review.id,
            plainly(review.reason),
            clean::line(&review.identifier),
            moment::at(review.opened_at)
        ));
        let rows = review.profiles.iter().map(|side| vec![String::new(), side.id.clone(), side.identifiers.join(", ")]);
        table(terminal, &[], rows.collect());
        for line in &review.because {
            terminal.say(format!("     {}", clean::line(line)));
        }
        if let Some(answer) = &review.answer {
            terminal.say(format!("     answered: {}", clean::line(answer)));
        }
    }
    if !answered {
        terminal.note("answer with ferry identity review merge|keep-apart|holder|shared|dismiss ID, of a domain belongs ID COMPANY");
    }
}

fn plainly(reason: &str) -> &str {
    match ReviewReason::ALL.into_iter().find(|known| known.as_str() == reason) {
        Some(ReviewReason::SharedIdentifier) => "two known people with one",
        Some(ReviewReason::WhosePhone) => "whose is a call from",
        Some(ReviewReason::DuplicateRecords) => "a second record of one person",
        Some(ReviewReason::Alike) => "two profiles look alike",
        Some(ReviewReason::ClaimedDomain) => "several companies claim",
        None => reason,
    }
}
