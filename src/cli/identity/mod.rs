//! `ferry identity …`: who is who, and how sure of it.

mod adopt;
mod alike;
mod conflicts;
mod evaluate;
mod preview;
mod replay;
mod review;
mod show;
mod unmerge;

use crate::cli::cx::Cx;
use crate::cli::exit::Ended;
use crate::cli::terminal::{Terminal, Tone, cell};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    pub what: What,
}

#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// What one person is known by, and the evidence for each
    Show(show::Args),
    /// Where an identifier was not taken at its word: shared devices, addresses of others, numbers of colleagues
    Conflicts(conflicts::Args),
    /// Questions about who is who, and your answers
    Review(review::Args),
    /// Compare known people, and ask about those that look alike; nothing merges by itself
    Match,
    /// Take an identifier away from its profile for ever: what was joined through it falls apart
    Unmerge(unmerge::Args),
    /// What other rules would make of everything there is, before they are in force
    Preview(preview::Args),
    /// Put the rules of the file (its section identity) in force from now on; what was decided before stays
    Adopt,
    /// Tell the whole log again, and hold what is stored against it
    Replay(replay::Args),
    /// Run the record matcher on any CSV file, and hold it against the truth where a column tells it
    Evaluate(evaluate::Args),
}

pub async fn run(args: &Args, cx: &Cx) -> Ended {
    match &args.what {
        What::Show(args) => show::run(args, cx).await,
        What::Conflicts(args) => conflicts::run(args, cx).await,
        What::Review(args) => review::run(args, cx).await,
        What::Match => alike::run(cx).await,
        What::Unmerge(args) => unmerge::run(args, cx).await,
        What::Preview(args) => preview::run(args, cx).await,
        What::Adopt => adopt::run(cx).await,
        What::Replay(args) => replay::run(args, cx).await,
        What::Evaluate(args) => evaluate::run(args, cx),
    }
}

/// Prints rows of plain text.
pub(in crate::cli) fn table(terminal: &Terminal, headings: &[&str], rows: Vec<Vec<String>>) {
    let mut table = terminal.table(headings);
    for row in rows {
        table.add_row(row.into_iter().map(|text| cell(Tone::Plain, text)));
    }
    terminal.print(&table);
}
