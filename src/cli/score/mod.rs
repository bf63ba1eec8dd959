//! `ferry score …`: what scores are worth, models that predict, and how good they are.

mod backtest;
mod card;
mod models;
mod train;

use crate::cli::cx::Cx;
use crate::cli::exit::Ended;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    pub what: What,
}

#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Every score, what it is made of, and whether a model for it is in use
    List,
    /// The model behind a score that is learnt: its card, how it did, and those before it
    Show(models::ShowArgs),
    /// What a score would have been worth: the closed deals, ranked by what it was before
    Backtest(backtest::Args),
    /// Learn a score from the store's own past now, or train a model on any CSV file
    Train(train::Args),
}

pub async fn run(args: &Args, cx: &Cx) -> Ended {
    match &args.what {
        What::List => models::list(cx).await,
        What::Show(args) => models::show(args, cx).await,
        What::Backtest(args) => backtest::run(args, cx).await,
        What::Train(args) => train::run(args, cx).await,
    }
}
