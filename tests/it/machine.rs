//! Any order of events: reps, our side, crashes and faults take turns, and a simple model says what may be true when everybody
//! has come to rest (`reliability` §C.1). The same seed gives the same sequences; `PROPTEST_CASES` says how many.

mod model;
mod step;

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use self::model::Model;
use self::step::{Step, steps};

/// Sequences without `PROPTEST_CASES`.
const CASES: u32 = 24;

#[test]
fn any_sequence_of_edits_faults_and_crashes_comes_to_a_right_rest() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 400, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ended = runner.run(&steps(), |steps| runtime.block_on(play(steps)));
    if let Err(error) = ended {
        panic!("{error}");
    }
}

async fn play(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut model = Model::start().await;
    for step in &steps {
        model.world.advance(Duration::from_secs(7));
        model.take(step).await;
    }
    model.settle().await;
    model.check().await
}
