//! `ferry identity …`: who is who, and how sure of it.

mod evaluate;

use crate::cli::cx::Cx;
use crate::cli::exit::Ended;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    pub what: What,
}

#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Run the record matcher on any CSV file, and hold it against the truth where a column tells it
    Evaluate(evaluate::Args),
}

pub async fn run(args: &Args, cx: &Cx) -> Ended {
    match &args.what {
        What::Evaluate(args) => evaluate::run(args, cx),
    }
}
