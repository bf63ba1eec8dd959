//! Our own writes come back, changed or not: echoes, fights, tidied values (`reliability` §B 35–37).

use std::time::Duration;

use connector::{FieldKind, Fields, Object, Value};
use connector_conformance::memory::{Call, Fault, field};
use ferry::model::{DeadLetterCode, RunState};
use serde_json::json;

use crate::tricks::Trick;
use crate::world::{World, mapped};

const CITY: &str = r#"city = { field = "city", direction = "push", conflict = "cdp_wins" }"#;
const BOTH: &str = r#"city = { field = "city", direction = "both", conflict = "crm_wins" }"#;

#[tokio::test]
async fn scenario_35_an_echo_is_counted_and_starts_nothing() {
    let world = World::with(&mapped(BOTH));
    world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    world.identify("ada@acme.example", json!({"city": "Bern"})).await;
    world.sync().await;
    let seq = world.seq();
    world.advance(Duration::from_secs(60));
    let run = world.pull_contacts().await;
    assert_eq!((run.counts.echoes, run.counts.updated), (1, 0), "{:?}", run.counts);
    world.push().await;
    assert_eq!(world.written_since(seq), []);
    world.assert_rest().await;
}

#[tokio::test]
async fn scenario_35_a_reps_edit_in_the_second_of_our_write_is_no_echo() {
    let (world, tricky) =
        World::tricked(&mapped(&format!("{CITY}\nphone = {{ field = \"phone\", direction = \"pull\" }}")));
    let ada = world.contact(&[("email", "ada@acme.example"), ("phone", "1")]);
    world.sync().await;
    world.identify("ada@acme.example", json!({"city": "Bern"})).await;
    let id = ada.clone();
    tricky.play(Trick::BeforeAnswer(Box::new(move |crm| {
        crm.edit(&Object::Contact, &id, [("phone", "2")]);
    })));
    world.push().await;
    world.advance(Duration::from_secs(60));
    world.sync().await;
    assert_eq!(world.trait_of("email:ada@acme.example", "phone").await, "2".into());
    world.assert_rest().await;
}

#[tokio::test]
async fn scenario_35_our_write_pulled_before_it_is_settled_is_an_echo_too() {
    let (world, tricky) = World::tricked(&mapped(BOTH));
    let ada = world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    world.identify("ada@acme.example", json!({"city": "Bern"})).await;
    tricky.play(Trick::DieAfterPush);
    {
        let push = world.push();
        tokio::pin!(push);
        tokio::select! {
            biased;
            ended = &mut push => panic!("{ended:?}"),
            () = tricky.dead.notified() => {}
        }
        world.advance(Duration::from_secs(60));
        let run = world.pull_contacts().await;
        assert_eq!(run.counts.updated, 0, "{:?}", run.counts);
        assert_eq!(world.profile("email:ada@acme.example").await.history.len(), 0, "no trait changed");
    }
    world.app.store.recover(world.crm.now()).await.unwrap();
    let seq = world.seq();
    world.push().await;
    assert_eq!(world.written_since(seq), []);
    assert_eq!(world.value(&ada, "city"), "Bern".into());
    world.assert_rest().await;
}

#[tokio::test]
async fn scenario_36_a_field_that_a_workflow_rewrites_is_frozen_and_retry_thaws_it() {
    let world = World::with(&mapped(CITY));
    let ada = world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    world.crm.workflow(|_, fields| match fields.get("city") {
        Some(city) if *city != Value::from("Utopia") => Fields::from([("city", "Utopia")]),
        _ => Fields::new(),
    });
    world.identify("ada@acme.example", json!({"city": "Bern"})).await;
    for _ in 0..12 {
        world.pull().await;
        world.push().await;
        world.advance(Duration::from_secs(600));
    }
    let fought: Vec<_> = world.dead_letters().await;
    assert_eq!(fought.len(), 1, "{fought:?}");
    assert_eq!((fought[0].code, fought[0].subject.field.as_deref()), (DeadLetterCode::FieldFought, Some("city")));
    let writes = world.crm.by_us().len();
    assert!(writes <= 5, "the budget of a day: {writes} writes");
    assert!(world.mirror_of(&ada, "city").await.unwrap().frozen);
    world.identify("ada@acme.example", json!({"city": "Rome"})).await;
    world.sync().await;
    assert_eq!(world.crm.by_us().len(), writes, "frozen: not even a new value is written");
    world.assert_rest().await;
    world.retry(DeadLetterCode::FieldFought, None).await;
    world.push().await;
    assert_eq!(world.crm.by_us().len(), writes + 1, "thawed");
}

#[tokio::test]
async fn scenario_36_a_field_the_crm_replaces_in_its_answer_is_frozen_the_second_time() {
    let world = World::with(&mapped(CITY));
    let ada = world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    world.crm.rewrite(&Object::Contact, "city", |_| Value::from("Utopia"));
    for city in ["Bern", "Rome", "Oslo", "Kyiv"] {
        world.identify("ada@acme.example", json!({"city": city})).await;
        world.sync().await;
        world.advance(Duration::from_secs(60));
    }
    assert_eq!(world.crm.by_us().len(), 2);
    assert!(world.mirror_of(&ada, "city").await.unwrap().frozen);
    assert_eq!(world.codes().await, [("field_fought", 1)].into());
}

#[tokio::test]
async fn scenario_37_a_value_that_the_crm_tidies_is_learned_and_not_written_again() {
    let lines = r#"
phone = { field = "phone", direction = "push", conflict = "cdp_wins" }
city = { field = "city", direction = "push", conflict = "cdp_wins" }
"#;
    for tells_kept in [true, false] {
        let world = World::with(&mapped(lines));
        world.crm.set_tells_kept(tells_kept);
        let ada = world.contact(&[("email", "ada@acme.example")]);
        world.sync().await;
        world.crm.rewrite(&Object::Contact, "phone", |value| Value::text(value.to_string().replace(' ', "")));
        world.crm.rewrite(&Object::Contact, "city", |value| Value::text(value.to_string().to_uppercase()));
        world.identify("ada@acme.example", json!({"phone": "+49 171 1234567", "city": "Bern"})).await;
        for _ in 0..3 {
            world.sync().await;
            world.advance(Duration::from_secs(60));
        }
        let writes = world.crm.by_us().len();
        assert!(writes <= 1 + usize::from(!tells_kept), "{writes} writes; the answer tells: {tells_kept}");
        assert_eq!(world.value(&ada, "phone"), "+491711234567".into());
        assert_eq!(world.codes().await.len(), 0);
        world.assert_rest().await;
        world.identify("ada@acme.example", json!({"city": "Rome"})).await;
        world.sync().await;
        assert_eq!(world.value(&ada, "city"), "ROME".into(), "another value is written");
    }
}

#[tokio::test]
async fn scenario_37_a_tidied_value_is_learned_from_the_look_after_a_lost_answer() {
    let world = World::with(&mapped(CITY));
    world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    world.crm.rewrite(&Object::Contact, "city", |value| Value::text(value.to_string().to_uppercase()));
    world.identify("ada@acme.example", json!({"city": "Bern"})).await;
    world.crm.fail_next(Call::Push, Fault::Lost { applied: true });
    world.push().await;
    assert_eq!(world.crm.by_us().len(), 1);
    world.assert_rest().await;
    assert_eq!(world.crm.by_us().len(), 1);
}

#[tokio::test]
async fn scenario_37_numbers_are_compared_as_numbers_at_the_crms_scale() {
    let world = World::with(&mapped(r#"age = { field = "age", direction = "push", conflict = "cdp_wins" }"#));
    world.crm.define(&Object::Contact, field("age", FieldKind::Text));
    world.crm.set_answers_text(true);
    world.contact(&[("email", "ada@acme.example"), ("age", "44.0")]);
    world.sync().await;
    world.identify("ada@acme.example", json!({"age": 44})).await;
    let run = world.sync().await;
    assert_eq!(run.state, RunState::Done);
    assert_eq!(world.crm.by_us(), [], "44.0 is 44");
    world.assert_rest().await;
}
