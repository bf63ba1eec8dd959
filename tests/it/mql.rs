//! Whoever enters the band becomes a lead once, on somebody's desk; who may not be told of yet waits for news of them, and consent
//! alone is none.

use std::time::Duration;

use connector::{FieldKind, Object, Reason, Rejection, Value};
use connector_conformance::memory::{Call, Fault, field};
use ferry::app::Pushing;
use ferry::model::{DeadLetterCode, EntryState};
use ferry::store::AssignmentState;

use crate::desk::{CONFIG, Desk};
use crate::world::World;

#[tokio::test]
async fn an_entry_makes_one_lead_and_is_done() {
    let mut desk = Desk::new().await;
    desk.is_known("a-1", "ada@kiwi.example").await;
    desk.forms("a-1", 1).await;
    desk.compute().await;
    desk.push().await;
    assert!(desk.owners().is_empty(), "thirty points are not enough");
    desk.forms("a-1", 1).await;
    desk.compute().await;
    assert_eq!(desk.entry("email:ada@kiwi.example").await, EntryState::Ready);
    desk.push().await;
    assert_eq!(desk.owners(), ["rita"]);
    assert_eq!(desk.entry("email:ada@kiwi.example").await, EntryState::Done);
    // More of the same makes no second lead, nor does another round of everything.
    desk.forms("a-1", 2).await;
    desk.compute().await;
    desk.push().await;
    desk.world.pull().await;
    desk.push().await;
    assert_eq!(desk.owners(), ["rita"]);
}

#[tokio::test]
async fn consent_taken_back_takes_no_turn_and_consent_alone_makes_no_lead() {
    let mut desk = Desk::new().await;
    desk.is_known("a-1", "ada@kiwi.example").await;
    desk.forms("a-1", 2).await;
    desk.compute().await;
    desk.sales("a-1", false).await;
    desk.push().await;
    assert!(desk.owners().is_empty());
    assert_eq!(desk.entry("email:ada@kiwi.example").await, EntryState::Waiting);
    desk.sales("a-1", true).await;
    desk.compute().await;
    desk.push().await;
    assert!(desk.owners().is_empty(), "a consent is no news of the person");
    // Somebody else's lead is rita's: the turn was never taken.
    desk.is_known("a-2", "bob@kiwi.example").await;
    desk.forms("a-2", 2).await;
    desk.compute().await;
    desk.push().await;
    assert_eq!(desk.owners(), ["rita"]);
    // The next form is news, and the score still high enough.
    desk.forms("a-1", 1).await;
    desk.compute().await;
    desk.push().await;
    assert_eq!(desk.owners(), ["rita", "sam"]);
    let turns = desk.world.app.store.assignments(None, connector::Timestamp::EPOCH, 10).await.unwrap();
    assert!(turns.len() == 2 && turns.iter().all(|turn| turn.state == AssignmentState::Made), "{turns:?}");
}

#[tokio::test]
async fn a_visitor_becomes_a_lead_when_they_become_known() {
    let mut desk = Desk::new().await;
    desk.forms("a-1", 2).await;
    desk.compute().await;
    assert_eq!(desk.entry("anonymous_id:a-1").await, EntryState::Waiting);
    desk.push().await;
    assert!(desk.owners().is_empty());
    desk.is_known("a-1", "ada@kiwi.example").await;
    desk.compute().await;
    desk.push().await;
    assert_eq!(desk.owners(), ["rita"]);
    let score = desk.world.crm.value(&Object::Lead, &desk.world.crm.ids(&Object::Lead)[0], "score");
    assert_eq!(score, Value::from(60));
}

/// Who has no record when they enter is told of when they have one, however long that takes.
#[tokio::test]
async fn the_digest_of_a_lead_comes_with_its_record() {
    let digest = "lead = \"mql\"\n\n[crm.digest]\nfield = \"cdp_digest\"\n";
    let world = World::with(&CONFIG.replace("lead = \"mql\"\n", digest));
    world.crm.define(&Object::Lead, field("cdp_digest", FieldKind::Text));
    let mut desk = Desk::of(world).await;
    desk.push().await;
    let rejection =
        Rejection { reason: Reason::Invalid, code: "INVALID".into(), message: "not today".into(), fields: Vec::new() };
    desk.world.crm.fail_next(Call::Push, Fault::Reject { index: 0, rejection });
    desk.is_known("a-1", "ada@kiwi.example").await;
    desk.forms("a-1", 2).await;
    desk.compute().await;
    desk.world.app.push(desk.world.connection(), Pushing::default(), &()).await.unwrap();
    assert!(desk.owners().is_empty(), "refused");
    desk.world.advance(Duration::from_secs(3_600));
    desk.world.retry(DeadLetterCode::WriteRejected, None).await;
    desk.push().await;
    desk.push().await;
    assert_eq!(desk.owners().len(), 1);
    let lead = desk.world.crm.ids(&Object::Lead)[0].clone();
    let told = desk.world.crm.value(&Object::Lead, &lead, "cdp_digest").to_string();
    assert!(told.contains("Form Submitted"), "{told}");
}

/// The past is tried as it would have been: without whom nobody may be told of, and without entries within the cooldown.
#[tokio::test]
async fn a_trial_of_the_rules_counts_leads_alone() {
    let mut desk = Desk::new().await;
    for (anonymous, name) in [("a-1", "ada"), ("a-2", "bob")] {
        desk.is_known(anonymous, &format!("{name}@kiwi.example")).await;
        desk.forms(anonymous, 2).await;
    }
    desk.sales("a-2", false).await;
    desk.compute().await;
    desk.push().await;
    // Ada leaves the band and is back within the cooldown.
    desk.world.advance(Duration::from_secs(12 * 86_400));
    desk.compute().await;
    desk.forms("a-1", 2).await;
    desk.compute().await;
    desk.push().await;
    let id = desk.world.app.store.find_profile("email:ada@kiwi.example").await.unwrap().unwrap();
    let crossed = desk.world.app.store.transitions_of(id, 10).await.unwrap();
    assert_eq!(crossed.len(), 3, "in, out and in again: {crossed:?}");
    let left = desk.world.ended();
    std::fs::write(left.path().join("sync.toml"), CONFIG).unwrap();
    let mut ferry = std::process::Command::new(env!("CARGO_BIN_EXE_ferry"));
    ferry.args(["route", "simulate", "--last", "3600d", "--json"]).current_dir(left.path());
    let output = ferry.env("SECRET", "x").env_remove("FERRY_LOG").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let trial: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(trial["owners"], serde_json::json!({ "rita": 1 }), "{trial}");
}
