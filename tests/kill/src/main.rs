//! Kills the daemon's flows at random and at failpoints while faults are on, then compares the mock CRM's ledger with what
//! should be. `cargo run -p kill -- --n 200`; the seed it prints repeats the run's choices. With `--events` events come in over
//! HTTP meanwhile, and it is the store that is compared with what was acknowledged.
#![forbid(unsafe_code)]

mod check;
mod crm;
mod ferry;
mod inflow;
mod vendor;
mod work;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Parser;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

use crm::Crm;
use ferry::{End, Ferry};
use vendor::Vendor;
use work::World;

/// Kill −9 the flows again and again; nothing may be lost, doubled or written in vain.
#[derive(Debug, Parser)]
struct Args {
    /// Whose mock CRM.
    #[arg(long, value_enum, default_value_t = Vendor::Hubspot)]
    crm: Vendor,
    /// Events over HTTP into a daemon that is killed, instead of flows between the store and a CRM.
    #[arg(long)]
    events: bool,
    /// How many kills.
    #[arg(long, default_value_t = 40)]
    n: u32,
    /// Repeats an earlier run's choices.
    #[arg(long)]
    seed: Option<u64>,
    /// Contacts at the CRM to begin with.
    #[arg(long, default_value_t = 150)]
    records: u32,
    /// A binary built with `--features failpoints`; built here where it is not given.
    #[arg(long)]
    ferry: Option<PathBuf>,
    /// Keep the folder with the store and the configuration.
    #[arg(long)]
    keep: bool,
}

const FAULTS: &str = r#"{"502":0.01,"reset_before":0.01,"reset_after":0.02,"slow":0.01,"truncate":0.01}"#;
/// Runs that may be needed until everything has settled once the faults are off.
const SETTLE_RUNS: u32 = 12;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let args = Args::parse();
    let seed = args.seed.unwrap_or_else(|| rand::rng().next_u64() % 1_000_000_007);
    if args.events {
        println!("kill: events, seed {seed}, {} kills", args.n);
    } else {
        println!("kill: {}, seed {seed}, {} kills, {} contacts", args.crm.word(), args.n, args.records);
    }
    let binary = match &args.ferry {
        Some(path) => path.clone(),
        None => ferry::build()?,
    };
    let folder = tempfile::Builder::new().prefix("ferry-kill-").tempdir()?;
    let mut dice = StdRng::seed_from_u64(seed);
    if args.events {
        let ended = inflow::run(&binary, folder.path(), args.n, seed, &mut dice).await;
        if args.keep || ended.is_err() {
            println!("kill: kept {}", folder.keep().display());
        }
        return ended.with_context(|| format!("kill: seed {seed}"));
    }
    let crm = Crm::start(&binary, args.crm, seed, args.records).await?;
    let ferry = Ferry::new(binary, folder.path(), &crm)?;
    ferry.create_fields().await?;
    // Every contact has been seen once: of a record that was merged away before anybody saw it, nobody could know.
    anyhow::ensure!(ferry.sync().await? == 0, "the first sync without faults failed");
    let mut world = World::new(folder.path(), seed);
    world.meet(&crm).await?;
    let tally = kills(&args, &mut dice, &crm, &ferry, &mut world).await?;
    settle(&crm, &ferry, &mut world).await?;
    let verdict = check::everything(&crm, &ferry, &world, &tally).await?;
    println!("{verdict}");
    if args.keep || !verdict.holds() {
        println!("kill: kept {}", folder.keep().display());
    }
    if verdict.holds() { Ok(()) } else { bail!("kill: seed {seed}: the ledger is not what it should be") }
}

/// What was done to the daemon.
#[derive(Debug, Default)]
struct Tally {
    at_random: u32,
    at_failpoints: u32,
    /// Runs that ended before their kill came.
    survived: u32,
}

async fn kills(args: &Args, dice: &mut StdRng, crm: &Crm, ferry: &Ferry, world: &mut World) -> Result<Tally> {
    let mut tally = Tally::default();
    let failpoints = args.crm.failpoints();
    crm.configure(&format!(r#"{{"faults":{FAULTS},"rate_limits":false}}"#)).await?;
    let mut longest = Duration::from_millis(600);
    while tally.at_random + tally.at_failpoints < args.n {
        world.a_while_passes(crm, dice).await?;
        world.import(ferry, dice).await?;
        let end = if dice.random_bool(0.5) {
            let point = failpoints[dice.random_range(0..failpoints.len())];
            // A run has few bulk jobs, and many pages and calls.
            let nth = if point.starts_with("bulk_") { 1 } else { dice.random_range(1..=6) };
            ferry.sync_dying_at(point, nth).await?
        } else {
            let after = longest.mul_f64(dice.random::<f64>());
            ferry.sync_killed_after(after).await?
        };
        match end {
            End::KilledAtRandom => tally.at_random += 1,
            End::DiedAtFailpoint => tally.at_failpoints += 1,
            End::Exited { took, .. } => {
                tally.survived += 1;
                // Aim at the middle of a run, however fast this machine is.
                longest = longest.mul_f64(0.8) + took.mul_f64(0.2);
            }
        }
    }
    Ok(tally)
}

/// Faults off and nothing of the world in the dark; runs until two in a row write nothing.
async fn settle(crm: &Crm, ferry: &Ferry, world: &mut World) -> Result<()> {
    // Ten seconds on at the CRM: what its search index shows late is there, however fast the last runs were.
    crm.configure(r#"{"faults":{},"rate_limits":false,"clock_offset_s":10}"#).await?;
    world.import_rest(ferry).await?;
    let mut quiet = 0;
    for _ in 0..SETTLE_RUNS {
        let before = crm.ledger().await?.len();
        let exit = ferry.sync().await.context("sync while settling")?;
        let wrote = crm.ledger().await?.len() - before;
        quiet = if wrote == 0 && exit == 0 { quiet + 1 } else { 0 };
        if quiet == 2 {
            return Ok(());
        }
    }
    bail!("{SETTLE_RUNS} runs without faults did not come to rest")
}
