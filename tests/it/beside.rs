//! Writes beside a record's fields: one note that is kept up to date, whatever breaks off in between.

use connector::{Object, Reason, RecordId, Rejection};
use connector_conformance::memory::{Call, Fault};
use ferry::model::{Cause, DeadLetterCode, Desire, Run, RunState, SideWish};

use crate::tricks::Trick;
use crate::world::{CONFIG, World, mapped};

const CITY: &str = r#"city = { field = "city", direction = "push", conflict = "cdp_wins" }"#;

async fn wish(world: &World, record: &RecordId, body: &str) -> u64 {
    let wish = SideWish::Note { key: "test".into(), body: body.into() };
    let cause = Cause { mapping: "contact.note".into(), origin: "a test".into() };
    let desires = vec![Desire { record: record.clone(), wish, cause }];
    let now = world.app.world.clock.now();
    world.app.store.desire(world.connection().name(), &Object::Contact, now, desires).await.unwrap()
}

async fn told(world: &World, record: &RecordId, body: &str) -> Run {
    wish(world, record, body).await;
    world.push().await
}

async fn ada(world: &World) -> RecordId {
    let ada = world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    ada
}

/// The one note of a record.
fn note(world: &World, record: &RecordId) -> (RecordId, String) {
    let notes = world.crm.notes(record);
    assert_eq!(notes.len(), 1, "{notes:?}");
    notes.into_iter().next().unwrap()
}

#[tokio::test]
async fn a_note_is_made_once_and_then_written_in_place() {
    let world = World::with(&mapped(CITY));
    let ada = ada(&world).await;
    let run = told(&world, &ada, "first").await;
    assert_eq!((run.state, run.counts.created), (RunState::Done, 1));
    let (id, body) = note(&world, &ada);
    assert!(body.starts_with("first") && body.contains("[ferry:note:test]"), "{body}");
    assert_eq!(wish(&world, &ada, "first").await, 0);
    world.assert_rest().await;
    let run = told(&world, &ada, "second").await;
    assert_eq!((run.counts.created, run.counts.updated), (0, 1));
    let (same, body) = note(&world, &ada);
    assert!(same == id && body.starts_with("second"), "{body}");
    let journal = world.journal(&run).await;
    assert_eq!(journal.len(), 1);
    assert_eq!((&*journal[0].field, &*journal[0].outcome, &*journal[0].origin), ("note:test", "written", "a test"));
    world.assert_rest().await;
}

#[tokio::test]
async fn killed_between_the_call_and_its_settlement_there_is_one_note() {
    for trick in [Trick::DieAfterPush, Trick::DieBeforePush] {
        let (mut world, tricky) = World::tricked(&mapped(CITY));
        let ada = ada(&world).await;
        wish(&world, &ada, "once").await;
        tricky.play(trick);
        world.push_and_die(&tricky).await;
        assert_eq!(world.push().await.state, RunState::Done);
        assert!(note(&world, &ada).1.starts_with("once"));
        world.assert_rest().await;
    }
}

#[tokio::test]
async fn a_lost_answer_is_followed_by_a_look() {
    let world = World::with(&mapped(CITY));
    let ada = ada(&world).await;
    for applied in [true, false] {
        wish(&world, &ada, &format!("applied: {applied}")).await;
        world.crm.fail_next(Call::Push, Fault::Lost { applied });
        assert_eq!(world.push().await.state, RunState::Done);
        assert!(note(&world, &ada).1.starts_with(&format!("applied: {applied}")));
    }
    world.assert_rest().await;
}

#[tokio::test]
async fn a_note_that_a_rep_deleted_is_made_once_more_when_there_is_news() {
    let world = World::with(&mapped(CITY));
    let ada = ada(&world).await;
    told(&world, &ada, "first").await;
    let (id, _) = note(&world, &ada);
    assert!(world.crm.delete_note(&id));
    world.assert_rest().await;
    assert_eq!(world.crm.notes(&ada).len(), 0, "no news, no note");
    let run = told(&world, &ada, "second").await;
    assert_eq!((run.state, run.counts.created), (RunState::Done, 1));
    assert!(note(&world, &ada).0 != id);
    world.assert_rest().await;
}

#[tokio::test]
async fn what_is_refused_is_a_dead_letter_and_can_be_tried_again() {
    let world = World::with(&mapped(CITY));
    let (ada, bo) = (ada(&world).await, world.contact(&[("email", "bo@acme.example")]));
    world.sync().await;
    let refused =
        Rejection { reason: Reason::Invalid, code: "NO".into(), message: "refused".into(), fields: Vec::new() };
    world.crm.reject_record(&ada, refused);
    wish(&world, &bo, "fine").await;
    let run = told(&world, &ada, "first").await;
    assert_eq!((run.state, run.counts.created, run.counts.failed), (RunState::Partial, 1, 1));
    assert_eq!(world.codes().await, [("write_rejected", 1)].into());
    assert_eq!(world.push().await.state, RunState::Done, "it is not tried by itself");
    world.crm.mend();
    world.retry(DeadLetterCode::WriteRejected, None).await;
    assert_eq!(world.push().await.counts.created, 1);
    assert!(note(&world, &ada).1.starts_with("first"));
    assert_eq!(world.dead_letters().await, []);
    world.assert_rest().await;
}

#[tokio::test]
async fn what_a_connector_cannot_do_is_one_letter_for_all() {
    let world = World::around(CONFIG, |crm| {
        std::sync::Arc::new(crm.connector().with_capability(|capability| capability.notes.clear()))
    });
    let people: Vec<RecordId> =
        (0..5).map(|number| world.contact(&[("email", format!("p{number}@acme.example").as_str())])).collect();
    world.sync().await;
    for record in &people {
        wish(&world, record, "words").await;
    }
    let run = world.push().await;
    assert_eq!((run.state, run.counts.failed), (RunState::Partial, 5));
    assert_eq!(world.codes().await, [("field_unusable", 1)].into());
    assert_eq!(world.push().await.state, RunState::Done);
}
