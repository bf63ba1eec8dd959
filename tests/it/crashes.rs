//! Answers that never came (`reliability` §B.1): whatever may have been applied is looked at before anything is sent again.

use connector::{Clock, ErrorKind, Object, Value};
use connector_conformance::memory::{Call, ChangeKind, Fault};
use ferry::model::{DeadLetterCode, OutboxState, RunState};

use crate::tricks::Trick;
use crate::world::{World, configured, mapped};

const CITY: &str = r#"city = { field = "city", direction = "push", conflict = "cdp_wins" }"#;
const CREATES: &str = r#"
[crm.create]
contact = "known"
"#;
const PROFILE: &str = r#"profile_id = "cdp_profile_id"
email = { field = "email", direction = "both" }"#;

fn creating() -> String {
    configured("", CREATES, PROFILE).replacen("email = { field = \"email\", direction = \"pull\" }", "", 1)
}

fn creates_by_us(world: &World) -> usize {
    world.crm.by_us().iter().filter(|entry| entry.kind == ChangeKind::Create).count()
}

#[tokio::test]
async fn scenario_01_an_update_applied_before_a_crash_is_found_by_a_look_and_not_sent_again() {
    let (mut world, tricky) = World::tricked(&mapped(CITY));
    let ada = world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    world.identify("ada@acme.example", serde_json::json!({"city": "Berlin"})).await;
    tricky.play(Trick::DieAfterPush);
    world.push_and_die(&tricky).await;
    assert_eq!(world.outbox().await[0].state, OutboxState::Ambiguous);
    let (seq, reads, pushes) = (world.seq(), world.crm.calls().read, world.crm.calls().push);
    let run = world.push().await;
    assert_eq!((run.state, run.counts.updated), (RunState::Done, 1));
    assert_eq!((world.crm.calls().read - reads, world.crm.calls().push - pushes), (1, 0));
    assert_eq!(world.written_since(seq), []);
    assert_eq!(world.value(&ada, "city"), "Berlin".into());
    assert_eq!(world.mirror_of(&ada, "city").await.unwrap().base, Some("Berlin".into()));
    world.assert_rest().await;
}

#[tokio::test]
async fn scenario_01_an_update_lost_before_a_crash_is_sent_after_the_look() {
    let (mut world, tricky) = World::tricked(&mapped(CITY));
    let ada = world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    world.identify("ada@acme.example", serde_json::json!({"city": "Berlin"})).await;
    tricky.play(Trick::DieBeforePush);
    world.push_and_die(&tricky).await;
    let reads = world.crm.calls().read;
    assert_eq!(world.push().await.state, RunState::Done);
    assert_eq!(world.crm.calls().read - reads, 1, "it looked before it sent");
    assert_eq!(world.value(&ada, "city"), "Berlin".into());
    world.assert_rest().await;
}

#[tokio::test]
async fn scenario_01_a_create_is_never_repeated_without_a_look_up() {
    for die in [Trick::DieAfterPush, Trick::DieBeforePush] {
        let (mut world, tricky) = World::tricked(&creating());
        world.sync().await;
        world.identify("new@acme.example", serde_json::json!({})).await;
        tricky.play(die);
        world.push_and_die(&tricky).await;
        assert_eq!(world.outbox().await[0].state, OutboxState::Ambiguous);
        let reads = world.crm.calls().read;
        assert_eq!(world.push().await.state, RunState::Done);
        assert!(world.crm.calls().read > reads, "it looked the key up");
        assert_eq!((creates_by_us(&world), world.crm.ids(&Object::Contact).len()), (1, 1));
        world.sync().await;
        world.assert_rest().await;
        let profile = world.profile("email:new@acme.example").await;
        assert_eq!(profile.records.len(), 1, "the record found is linked");
    }
}

#[tokio::test]
async fn scenario_02_a_lost_answer_is_looked_at_whether_applied_or_not() {
    for applied in [true, false] {
        let world = World::with(&mapped(CITY));
        let ada = world.contact(&[("email", "ada@acme.example")]);
        world.sync().await;
        world.identify("ada@acme.example", serde_json::json!({"city": "Berlin"})).await;
        world.crm.fail_next(Call::Push, Fault::Lost { applied });
        let (seq, reads) = (world.seq(), world.crm.calls().read);
        assert_eq!(world.push().await.state, RunState::Done);
        assert!(world.crm.calls().read > reads);
        assert_eq!(world.written_since(seq).len(), 1, "applied once, whatever became of the answer ({applied})");
        assert_eq!(world.value(&ada, "city"), "Berlin".into());
        world.assert_rest().await;
    }
}

#[tokio::test]
async fn scenario_02_a_call_that_was_not_sent_is_simply_tried_again() {
    let world = World::with(&mapped(CITY));
    let ada = world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    world.identify("ada@acme.example", serde_json::json!({"city": "Berlin"})).await;
    world.crm.fail_next(Call::Push, Fault::Fail(ErrorKind::Transient));
    let reads = world.crm.calls().read;
    assert_eq!(world.push().await.state, RunState::Done);
    assert_eq!(world.crm.calls().read, reads, "nothing was applied, so nothing is looked at");
    assert_eq!(world.value(&ada, "city"), "Berlin".into());
}

#[tokio::test]
async fn scenario_03_a_server_error_that_may_have_been_applied_is_ambiguous() {
    let world = World::with(&mapped(CITY));
    world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    world.identify("ada@acme.example", serde_json::json!({"city": "Berlin"})).await;
    let error = connector::Error::new(ErrorKind::Transient, "write", "HTTP 502").maybe_applied();
    world.crm.fail_next(Call::Push, Fault::FailWith(error));
    let reads = world.crm.calls().read;
    assert_eq!(world.push().await.state, RunState::Done);
    assert!(world.crm.calls().read > reads);
    world.assert_rest().await;
}

#[tokio::test]
async fn scenario_04_a_truncated_or_miscounted_answer_is_ambiguous() {
    let (world, tricky) = World::tricked(&mapped(CITY));
    let people = ["ada", "bob", "cy"].map(|name| {
        let email = format!("{name}@acme.example");
        (world.contact(&[("email", email.as_str())]), email)
    });
    world.sync().await;
    for city in ["Berlin", "Hamburg"] {
        for (_, email) in &people {
            world.identify(email, serde_json::json!({"city": city})).await;
        }
        match city {
            "Berlin" => world.crm.fail_next(Call::Push, Fault::Truncated),
            _ => tricky.play(Trick::MiscountOutcomes),
        }
        let seq = world.seq();
        assert_eq!(world.push().await.state, RunState::Done);
        assert_eq!(world.written_since(seq).len(), 3, "each was applied once");
        for (id, _) in &people {
            assert_eq!(world.value(id, "city"), city.into());
        }
    }
    world.assert_rest().await;
}

#[tokio::test]
async fn scenario_05_a_create_is_looked_up_by_key_not_by_the_search_that_lags() {
    let (mut world, tricky) = World::tricked(&creating());
    world.crm.set_visibility_lag(std::time::Duration::from_secs(600));
    world.sync().await;
    world.identify("new@acme.example", serde_json::json!({})).await;
    tricky.play(Trick::DieAfterPush);
    world.push_and_die(&tricky).await;
    world.pull().await;
    assert_eq!(world.push().await.state, RunState::Done);
    assert_eq!(creates_by_us(&world), 1);
}

#[tokio::test]
async fn scenario_06_without_a_unique_key_nothing_is_created() {
    let world = World::around(&creating(), |crm| {
        std::sync::Arc::new(crm.connector().with_capability(|capability| capability.creates.clear()))
    });
    world.identify("new@acme.example", serde_json::json!({})).await;
    let run = world.sync().await;
    assert_eq!((run.state, run.counts.created), (RunState::Done, 0));
    assert_eq!(world.crm.ids(&Object::Contact).len(), 0);
    let ada = world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    assert!(!world.value(&ada, "cdp_profile_id").is_null(), "updates go on");
}

#[tokio::test]
async fn scenario_07_an_address_that_several_records_hold_is_a_matter_for_people() {
    let world = World::with(&creating());
    world.sync().await;
    world.identify("twin@acme.example", serde_json::json!({})).await;
    for _ in 0..2 {
        world.contact(&[("email", "twin@acme.example")]);
    }
    let run = world.push().await;
    assert_eq!((run.state, run.counts.failed), (RunState::Partial, 1));
    let letters = world.dead_letters().await;
    assert_eq!(letters[0].code, DeadLetterCode::AmbiguousMatch);
    let uid = world.profile("email:twin@acme.example").await.profile.uid.to_string();
    assert_eq!(letters[0].subject.record.as_deref(), Some(uid.as_str()), "the letter says whose create it was");
    assert_eq!(world.crm.by_us(), []);
}

#[tokio::test]
async fn scenario_14_a_late_answer_of_a_dead_worker_changes_nothing() {
    let (mut world, tricky) = World::tricked(&mapped(CITY));
    let ada = world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    world.identify("ada@acme.example", serde_json::json!({"city": "Berlin"})).await;
    tricky.play(Trick::DieAfterPush);
    world.push_and_die(&tricky).await;
    world.push().await;
    let entry = ferry::store::Delivered {
        modified_at: None,
        id: ferry::model::OutboxId(1),
        generation: 1,
        fate: ferry::store::Fate::Gone,
        written: Vec::new(),
        journal: None,
        dead_letters: Vec::new(),
    };
    let run = ferry::model::RunId(world.app.world.entropy.uuid(world.clock.now()));
    world.app.store.settle(run, world.clock.now(), vec![entry]).await.unwrap();
    assert_eq!(world.value(&ada, "city"), Value::from("Berlin"));
    assert!(!world.profile("email:ada@acme.example").await.records[0].archived);
    world.assert_rest().await;
}

#[tokio::test]
async fn a_crash_between_two_batches_loses_and_repeats_nothing() {
    let (mut world, tricky) = World::tricked(&mapped(CITY));
    let emails: Vec<String> = (0..250).map(|number| format!("p{number}@acme.example")).collect();
    let ids: Vec<_> = emails.iter().map(|email| world.contact(&[("email", email.as_str())])).collect();
    world.sync().await;
    for email in &emails {
        world.identify(email, serde_json::json!({"city": "Berlin"})).await;
    }
    let seq = world.seq();
    tricky.play(Trick::BeforeAnswer(Box::new(|_| {})));
    tricky.play(Trick::DieAfterPush);
    world.push_and_die(&tricky).await;
    world.push().await;
    assert_eq!(world.written_since(seq).len(), 250, "each exactly once");
    assert!(ids.iter().all(|id| world.value(id, "city") == "Berlin".into()));
    world.assert_rest().await;
}
