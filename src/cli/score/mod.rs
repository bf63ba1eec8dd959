//! `ferry score …`: models that predict, and how good they are.

mod card;
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
    /// Train a model on any CSV file, and hold it against rows it has not seen
    Train(train::Args),
}

pub fn run(args: &Args, cx: &Cx) -> Ended {
    match &args.what {
        What::Train(args) => train::run(args, cx),
    }
}
