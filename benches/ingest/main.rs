//! Events on their way in, each way beside a floor measured in the same run.
//!
//! `cargo bench -p ferry --bench ingest -- --import --records 1000000`; without a way all of them, without a number a smoke of
//! 1,000 records. `--import` files of JSON lines, `--identity` the resolver on people who share devices, `--http` over
//! HTTP at 16 connections, `--memory` the memory of an import and a recompute and of the idle daemon, `--rescore` a full re-score of
//! as many profiles with ten events each (neither is part of "all").
//! CPU per record is the column to trust; wall times are ratios inside one run at best.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod daemon;
mod floor;
mod http;
mod identity;
mod import;
mod load;
#[path = "../flows/measure.rs"]
mod measure;
mod memory;
mod rescore;
mod server;
mod traffic;
mod world;

/// That of the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use measure::Table;
use world::{argument, flag, text_argument};

fn main() {
    if let Some(what) = text_argument("--serve") {
        return server::run(&what, std::path::Path::new(&text_argument("--folder").expect("a folder")));
    }
    let records = argument("--records").unwrap_or(1_000);
    let all = !["--import", "--identity", "--http", "--memory", "--rescore", "--rescored"].iter().any(|way| flag(way));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if flag("--memory") {
        return runtime.block_on(memory::run(records));
    }
    if let Some(what) = text_argument("--rescored") {
        let folder = text_argument("--folder").expect("a folder");
        return runtime.block_on(rescore::alone(&what, std::path::Path::new(&folder)));
    }
    if flag("--rescore") {
        return runtime.block_on(rescore::run(records, flag("--check")));
    }
    let mut table = Table::new(records);
    if all || flag("--import") {
        runtime.block_on(import::run(&mut table, records));
    }
    if all || flag("--identity") {
        runtime.block_on(identity::run(&mut table, records));
    }
    drop(runtime);
    table.print();
    if all || flag("--http") {
        http::run(records);
    }
}
