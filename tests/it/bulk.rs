//! Large pushes: few large calls, jobs that outlast the push that sent them, and looks that fit into one read each.

use std::sync::Arc;
use std::time::Duration;

use connector::Object;
use connector_conformance::memory::{ChangeKind, MemoryCrm};
use ferry::app::Pushing;
use ferry::model::{OutboxState, RunState};

use crate::tricks::{Trick, Trickster};
use crate::world::{World, configured, mapped};

/// Every record wants its profile's id.
const PROFILE: &str = r#"profile_id = "cdp_profile_id""#;
const BOTH: &str = r#"city = { field = "city", direction = "both", conflict = "crm_wins" }"#;
const HOUR: Duration = Duration::from_secs(3_600);

/// A world with so many contacts and a connector with these batches.
async fn world(config: &str, contacts: usize, push_batch: usize, read_batch: usize) -> (World, Trickster) {
    let mut tricky = None;
    let world = World::around(config, |crm| {
        let connector = crm.connector().with_capability(|can| {
            can.push_batch = push_batch;
            can.read_batch = read_batch;
        });
        let trickster = Trickster::new(connector);
        tricky = Some(trickster.clone());
        Arc::new(trickster)
    });
    for number in 0..contacts {
        world.contact(&[("email", &format!("p{number}@acme.example"))]);
    }
    for run in world.pull().await {
        assert_eq!(run.state, RunState::Done);
    }
    world.compute().await;
    (world, tricky.unwrap())
}

fn written(crm: &MemoryCrm) -> usize {
    crm.by_us().len()
}

/// Every one of so many people has a city to be written to a field that people at the CRM may write too.
async fn city(world: &World, people: usize) {
    for number in 0..people {
        world.identify(&format!("p{number}@acme.example"), serde_json::json!({"city": "Bern"})).await;
    }
    world.compute().await;
}

#[tokio::test]
async fn what_is_due_goes_in_the_fewest_calls() {
    let (world, _) = world(&mapped(PROFILE), 1_000, 250, 250).await;
    let plan = world.app.plan(world.connection()).await.unwrap().unwrap();
    let before = world.crm.calls().push;
    let run = world.push().await;
    assert_eq!((run.state, run.counts.updated), (RunState::Done, 1_000));
    assert_eq!(world.crm.calls().push - before, 4, "workers side by side do not cut the batches up");
    assert_eq!(plan[0].forecast.api_calls, 4, "as the plan said");
    world.assert_rest().await;
}

#[tokio::test]
async fn a_batch_larger_than_a_read_is_looked_at_in_several() {
    let (world, _) = world(&mapped(BOTH), 130, 1_000, 50).await;
    city(&world, 130).await;
    let plan = world.app.plan(world.connection()).await.unwrap().unwrap();
    let before = world.crm.calls();
    assert_eq!(world.push().await.state, RunState::Done);
    let calls = world.crm.calls();
    assert_eq!((calls.read - before.read, calls.push - before.push), (3, 1));
    assert_eq!(plan[0].forecast.api_calls, 4, "as the plan said");
    world.assert_rest().await;
}

#[tokio::test]
async fn creates_in_a_large_batch_find_those_who_are_there() {
    let creating =
        configured("[safety]\nmax_creates_per_run = 1000\n", "\n[crm.create]\ncontact = \"known\"\n", PROFILE)
            .replacen("direction = \"pull\"", "direction = \"both\"", 1);
    let (world, _) = world(&creating, 0, 1_000, 20).await;
    for number in 0..70 {
        world.identify(&format!("p{number}@acme.example"), serde_json::json!({})).await;
    }
    // Every seventh is in the CRM already, and nobody has pulled it.
    for number in (0..70).step_by(7) {
        world.contact(&[("email", &format!("P{number}@Acme.example"))]);
    }
    world.compute().await;
    assert_eq!(world.push().await.state, RunState::Done);
    let created = world.crm.by_us().iter().filter(|entry| entry.kind == ChangeKind::Create).count();
    assert_eq!((created, world.crm.ids(&Object::Contact).len()), (60, 70));
}

#[tokio::test]
async fn a_job_that_outlasts_its_push_is_never_sent_twice() {
    let (world, _) = world(&mapped(PROFILE), 300, 25_000, 2_000).await;
    world.crm.set_bulk(100, HOUR);
    let run = world.push().await;
    assert_eq!(run.state, RunState::Interrupted, "{run:?}");
    assert!(world.outbox().await.iter().all(|entry| entry.state == OutboxState::Ambiguous));
    let (pushes, reads) = (world.crm.calls().push, world.crm.calls().read);
    for _ in 0..9 {
        world.advance(Duration::from_secs(60));
        let run = world.push().await;
        assert_eq!((run.state, run.error_kind.as_deref()), (RunState::Interrupted, Some("transient")), "{run:?}");
    }
    assert_eq!(
        (world.crm.calls().push, world.crm.calls().read),
        (pushes, reads),
        "under way: nothing is sent or asked"
    );
    assert!(world.outbox().await.iter().all(|entry| entry.attempts == 1), "waiting is no attempt");
    world.advance(HOUR);
    let run = world.push().await;
    assert_eq!((run.state, run.counts.updated), (RunState::Done, 300));
    assert_eq!((written(&world.crm), world.crm.calls().push, world.crm.open_jobs()), (300, pushes, 0));
    world.assert_rest().await;
}

#[tokio::test]
async fn a_job_whose_sender_died_is_waited_for_and_not_sent_again() {
    let (mut world, tricky) = world(&mapped(PROFILE), 300, 25_000, 2_000).await;
    world.crm.set_bulk(100, HOUR);
    tricky.play(Trick::DieAfterPush);
    world.push_and_die(&tricky).await;
    assert_eq!(world.push().await.state, RunState::Interrupted);
    assert_eq!((written(&world.crm), world.crm.calls().push), (0, 1));
    world.advance(HOUR);
    assert_eq!(world.push().await.state, RunState::Done);
    assert_eq!((written(&world.crm), world.crm.calls().push, world.crm.open_jobs()), (300, 1, 0));
    world.assert_rest().await;
}

#[tokio::test]
async fn a_short_job_answers_for_each_record() {
    let (world, _) = world(&mapped(PROFILE), 300, 25_000, 2_000).await;
    world.crm.set_bulk(100, Duration::from_secs(90));
    let gone = world.crm.ids(&Object::Contact)[7].clone();
    world.crm.delete(&Object::Contact, &gone);
    let run = world.push().await;
    assert_eq!((run.state, run.counts.updated, run.counts.deleted), (RunState::Done, 299, 1));
    assert_eq!(world.crm.open_jobs(), 0);
    world.assert_rest().await;
}

#[tokio::test]
async fn an_applied_plan_waits_for_what_is_under_way_too() {
    let (world, _) = world(&mapped(PROFILE), 300, 25_000, 2_000).await;
    world.crm.set_bulk(100, HOUR);
    world.push().await;
    let pushes = world.crm.calls().push;
    let run = world.push_with(Pushing { only_queued: true, ..Pushing::default() }).await;
    assert_eq!((run.state, world.crm.calls().push), (RunState::Interrupted, pushes));
}
