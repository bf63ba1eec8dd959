//! `ferry demo`: the whole story runs offline, says only what it has checked, and tells the same story again.

use std::process::{Command, Output};

use serde_json::Value;

/// `ferry demo …`, its folders under `scratch`.
fn demo(scratch: &std::path::Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ferry"))
        .arg("demo")
        .args(words)
        .env("TMPDIR", scratch)
        .env_remove("FERRY_LOG")
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The story without what differs from one telling to the next: addresses and folders.
fn told(output: &Output) -> Vec<String> {
    let differs = |line: &&str| ["http://", "ferry-demo-", "/ferry "].iter().any(|word| line.contains(word));
    text(output).lines().filter(|line| !differs(line)).map(str::to_owned).collect()
}

#[test]
fn it_tells_the_whole_story_and_every_claim_holds() {
    let scratch = tempfile::tempdir().unwrap();
    let output = demo(scratch.path(), &["--speed", "0", "--seed", "1"]);
    let story = text(&output);
    assert_eq!(output.status.code(), Some(0), "{story}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    for fact in [
        "40 contacts, 5 companies, 8 deals",
        "No e-mail address, no CRM record: 0 writes.",
        "4 new, 1 sent twice and kept once, 1 broken",
        "event_invalid",
        "plan: 0 to create, 3 to update",
        "stands in both: Dr. ",
        "Chief Operating Officer",
        "page /blog/one-list-of-customers, from Google",
        "cdp_first_touch_source    google",
        "cdp_score_engagement      44",
        "+29.82  Demo form (×1)",
        "Why 62 (A3): an MQL from 50 on",
        "+10.00  Target country",
        "owner                     Iris Calder",
        "because                   rule dach holds",
        "pool dach: it is the turn of Iris Calder (weighted)",
        "to be answered by         18:00, 30 minutes of working time",
        "cdp_score_reasons         Demo form +18.0; Company size +12.0; Senior title +10.0",
        "0 writes: one lead, one owner, one turn",
        "second cycle 0 writes · duplicates 0",
        "claims checked and true.",
    ] {
        assert!(story.contains(fact), "{fact:?} is not in\n{story}");
    }
    assert!(!story.contains('\u{1b}'), "no colour into a pipe");
    let widest = told(&output).iter().map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{widest:?} columns\n{story}");
}

#[test]
fn the_same_seed_is_the_same_story_and_another_one_has_other_people() {
    let scratch = tempfile::tempdir().unwrap();
    let first = told(&demo(scratch.path(), &["--speed", "0", "--seed", "7"]));
    assert_eq!(first, told(&demo(scratch.path(), &["--speed", "0", "--seed", "7"])));
    let other = demo(scratch.path(), &["--speed", "0", "--seed", "8"]);
    assert_eq!(other.status.code(), Some(0), "{}", text(&other));
    assert_ne!(first, told(&other));
}

#[test]
fn as_data_it_lists_its_claims() {
    let scratch = tempfile::tempdir().unwrap();
    let output = demo(scratch.path(), &["--speed", "0", "--json"]);
    let view: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&view["ok"], &view["second_cycle_writes"], &view["duplicates"]), (&true.into(), &0.into(), &0.into()));
    let claims = view["claims"].as_array().unwrap();
    assert!(claims.len() >= 25 && claims.iter().all(|claim| claim["held"] == true), "{claims:?}");
}

#[test]
fn a_pace_that_is_no_number_is_a_usage_error() {
    let scratch = tempfile::tempdir().unwrap();
    for pace in ["--speed=-1", "--speed=fast", "--speed=NaN"] {
        assert_eq!(demo(scratch.path(), &[pace]).status.code(), Some(2), "{pace}");
    }
}
