//! What waits to be written: one live entry a record, one call a record at a time, and a bad record that stops nobody.

use connector::{Object, Reason, Rejection, Value};
use connector_conformance::memory::{Call, Fault};
use ferry::model::{DeadLetterCode, OutboxState, RunState};
use serde_json::json;

use crate::tricks::Trick;
use crate::world::{World, mapped};

const CITY: &str = r#"city = { field = "city", direction = "push", conflict = "cdp_wins" }"#;
const PHONE: &str = r#"phone = { field = "phone", direction = "push", conflict = "cdp_wins" }"#;
const BOTH: &str = r#"city = { field = "city", direction = "both", conflict = "crm_wins" }"#;

fn refusal(reason: Reason) -> Rejection {
    Rejection { reason, code: "NO".into(), message: "refused".into(), fields: Vec::new() }
}

async fn people(world: &World, many: usize) -> Vec<(connector::RecordId, String)> {
    let people: Vec<_> = (0..many)
        .map(|number| {
            let email = format!("p{number}@acme.example");
            (world.contact(&[("email", email.as_str())]), email)
        })
        .collect();
    world.sync().await;
    people
}

#[tokio::test]
async fn scenario_08_many_changes_of_one_record_are_one_entry_and_one_write() {
    let world = World::with(&mapped(CITY));
    let ada = people(&world, 1).await.remove(0);
    world.crm.fail_always(Call::Push, Fault::Fail(connector::ErrorKind::Quota));
    for city in ["Bern", "Rome", "Oslo"] {
        world.identify(&ada.1, json!({"city": city})).await;
        world.compute().await;
        world.push().await;
        let queued = world.outbox().await;
        assert!(queued.len() <= 1, "{queued:?}");
    }
    world.crm.mend();
    world.advance(std::time::Duration::from_secs(3_700));
    let seq = world.seq();
    assert_eq!(world.push().await.state, RunState::Done);
    let written = world.written_since(seq);
    assert_eq!(written.len(), 1);
    assert_eq!(world.value(&ada.0, "city"), "Oslo".into());
}

#[tokio::test]
async fn scenario_09_each_record_of_a_batch_has_its_own_outcome() {
    let world = World::with(&mapped(CITY));
    let people = people(&world, 5).await;
    for (_, email) in &people {
        world.identify(email, json!({"city": "Berlin"})).await;
    }
    world.crm.fail_next(Call::Push, Fault::Reject { index: 1, rejection: refusal(Reason::Forbidden) });
    world.crm.fail_next(Call::Push, Fault::OmitWrite { index: 3, applied: true });
    let seq = world.seq();
    let run = world.push().await;
    assert_eq!((run.state, run.counts.updated, run.counts.failed), (RunState::Partial, 4, 1));
    assert_eq!(world.written_since(seq).len(), 4, "what the answer left out is looked at, not written again");
    let letters = world.dead_letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].code, DeadLetterCode::WriteRejected);
    assert_eq!(letters[0].subject.record.as_deref(), Some(people[1].0.as_str()));
    assert!(letters[0].cause.contains("refused") && letters[0].cause.contains("NO"), "{}", letters[0].cause);
    assert_eq!(world.outbox().await.len(), 0);
    world.assert_rest().await;
}

#[tokio::test]
async fn scenario_10_a_poisoned_record_is_a_dead_letter_and_the_others_go() {
    let world = World::with(&mapped(CITY));
    let people = people(&world, 150).await;
    for (_, email) in &people {
        world.identify(email, json!({"city": "Berlin"})).await;
    }
    world.crm.reject_record(&people[70].0, refusal(Reason::Invalid));
    let run = world.push().await;
    assert_eq!((run.state, run.counts.updated, run.counts.failed), (RunState::Partial, 149, 1));
    let held = people.iter().filter(|(id, _)| world.value(id, "city") == "Berlin".into()).count();
    assert_eq!(held, 149);
    assert_eq!(world.codes().await, [("write_rejected", 1)].into());
    world.crm.mend();
    world.assert_rest().await;
    world.retry(DeadLetterCode::WriteRejected, None).await;
    assert_eq!(world.push().await.counts.updated, 1, "retry sends it again");
    assert_eq!(world.value(&people[70].0, "city"), "Berlin".into());
    assert_eq!(world.codes().await.len(), 0);
}

#[tokio::test]
async fn a_failure_that_a_later_write_has_put_right_waits_for_nobody() {
    let world = World::with(&mapped(&format!("{CITY}\n{PHONE}")));
    let ada = people(&world, 1).await.remove(0);
    world.identify(&ada.1, json!({"city": "Bern", "phone": "1"})).await;
    world.crm.fail_next(Call::Push, Fault::Reject { index: 0, rejection: refusal(Reason::Invalid) });
    world.push().await;
    assert_eq!(world.codes().await, [("write_rejected", 1)].into());
    world.identify(&ada.1, json!({"city": "Rome"})).await;
    world.push().await;
    assert_eq!(world.value(&ada.0, "city"), "Rome".into());
    assert_eq!(world.codes().await, [("write_rejected", 1)].into(), "the refused phone is still not there");
    world.identify(&ada.1, json!({"phone": "2"})).await;
    world.push().await;
    assert_eq!(world.value(&ada.0, "phone"), "2".into());
    assert_eq!(world.codes().await.len(), 0);
    let of_phone = Rejection { fields: vec!["phone".into()], ..refusal(Reason::Invalid) };
    world.crm.fail_next(Call::Push, Fault::Reject { index: 0, rejection: of_phone });
    world.identify(&ada.1, json!({"city": "Oslo", "phone": "3"})).await;
    world.push().await;
    assert_eq!((world.value(&ada.0, "city"), world.codes().await), ("Oslo".into(), [("write_rejected", 1)].into()));
    world.identify(&ada.1, json!({"phone": "4"})).await;
    world.push().await;
    assert_eq!(world.codes().await.len(), 0);
    world.assert_rest().await;
}

#[tokio::test]
async fn scenario_11_a_locked_record_comes_again_and_gives_up_at_last() {
    let world = World::with(&mapped(CITY));
    let ada = people(&world, 1).await.remove(0);
    world.identify(&ada.1, json!({"city": "Berlin"})).await;
    world
        .crm
        .fail_next(Call::Push, Fault::Reject { index: 0, rejection: refusal(Reason::Locked { retry_after: None }) });
    assert_eq!(world.push().await.state, RunState::Done);
    assert_eq!(world.value(&ada.0, "city"), "Berlin".into());
    world.identify(&ada.1, json!({"city": "Rome"})).await;
    world.crm.reject_record(&ada.0, refusal(Reason::Locked { retry_after: None }));
    for _ in 0..10 {
        world.push().await;
        world.advance(std::time::Duration::from_secs(600));
    }
    assert_eq!(world.codes().await, [("attempts_exhausted", 1)].into());
    assert_eq!(world.outbox().await.len(), 0, "it does not try for ever");
}

#[tokio::test]
async fn scenario_15_a_newer_value_replaces_the_queued_one_and_waits_for_the_one_under_way() {
    let (world, tricky) = World::tricked(&mapped(CITY));
    let ada = people(&world, 1).await.remove(0);
    world.identify(&ada.1, json!({"city": "Bern"})).await;
    tricky.play(Trick::DieAfterPush);
    {
        // The first call is under way and does not answer yet.
        let first = world.push();
        tokio::pin!(first);
        tokio::select! {
            biased;
            ended = &mut first => panic!("{ended:?}"),
            () = tricky.dead.notified() => {}
        }
        world.identify(&ada.1, json!({"city": "Rome"})).await;
        let pushes = world.crm.calls().push;
        let second = world.push().await;
        assert_eq!(world.crm.calls().push, pushes, "a record with a call under way gets no second one: {second:?}");
        let entries = world.outbox().await;
        assert_eq!((entries.len(), entries[0].state), (1, OutboxState::InFlight));
    }
    world.app.store.recover(world.crm.now()).await.unwrap();
    assert_eq!(world.push().await.state, RunState::Done);
    world.sync().await;
    assert_eq!(world.value(&ada.0, "city"), "Rome".into(), "the newer value is the last one written");
    let cities: Vec<Value> = world.crm.by_us().iter().filter_map(|entry| entry.after.get("city").cloned()).collect();
    assert_eq!(cities, [Value::from("Bern"), Value::from("Rome")], "in this order, each once");
    world.assert_rest().await;
}

#[tokio::test]
async fn scenario_16_a_reps_edit_between_look_and_write_is_compared_before_it_is_written_over() {
    let world = World::with(&mapped(BOTH));
    let ada = people(&world, 1).await.remove(0);
    world.identify(&ada.1, json!({"city": "Bern"})).await;
    // The rep edits after our last pull and before our push.
    world.crm.edit(&Object::Contact, &ada.0, [("city", "Rome")]);
    let seq = world.seq();
    let run = world.push().await;
    assert_eq!((run.state, run.counts.skipped), (RunState::Done, 1));
    assert_eq!(world.written_since(seq), [], "the CRM wins, so nothing is written over the rep's value");
    assert_eq!(world.value(&ada.0, "city"), "Rome".into());
    world.sync().await;
    assert_eq!(world.trait_of(&ada.1, "city").await, "Rome".into());
    world.assert_rest().await;
}

#[tokio::test]
async fn scenario_16_a_reps_edit_after_a_lost_answer_is_not_lost_although_a_pull_passed_it_by() {
    let (mut world, tricky) = World::tricked(&mapped(BOTH));
    let ada = people(&world, 1).await.remove(0);
    world.identify(&ada.1, json!({"city": "Bern"})).await;
    tricky.play(Trick::DieAfterPush);
    world.push_and_die(&tricky).await;
    world.advance(std::time::Duration::from_secs(5));
    world.crm.edit(&Object::Contact, &ada.0, [("city", "Rome")]);
    world.advance(std::time::Duration::from_secs(5));
    // The pull sees the rep's value while our write's fate is unknown, and moves its cursor past it.
    world.pull().await;
    world.advance(std::time::Duration::from_secs(5));
    world.push().await;
    world.sync().await;
    assert_eq!(world.value(&ada.0, "city"), "Rome".into());
    assert_eq!(world.trait_of(&ada.1, "city").await, "Rome".into());
    world.assert_rest().await;
}

#[tokio::test]
async fn scenario_16_an_edit_seen_while_a_write_is_under_way_is_looked_at_after_it() {
    let (world, tricky) = World::tricked(&mapped(CITY));
    let ada = people(&world, 1).await.remove(0);
    world.identify(&ada.1, json!({"city": "Bern"})).await;
    let id = ada.0.clone();
    tricky.play(Trick::BeforeAnswer(Box::new(move |crm| {
        crm.edit(&Object::Contact, &id, [("city", "Rome")]);
    })));
    world.push().await;
    for _ in 0..2 {
        world.advance(std::time::Duration::from_secs(5));
        world.sync().await;
    }
    assert_eq!(world.value(&ada.0, "city"), "Bern".into(), "the field is ours: the edit is seen and put right");
    world.assert_rest().await;
}
