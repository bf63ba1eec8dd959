//! Pages and cursors (`reliability` §B.2): what changes under the reader, what shows late, what must not move the cursor.

use std::time::Duration;

use connector::{ErrorKind, Object, Stream, Value};
use connector_conformance::memory::{Call, Fault};
use ferry::app::Pulling;
use ferry::model::RunState;
use ferry::store::StreamKey;

use crate::tricks::Trick;
use crate::world::{World, configured, mapped};

const CITY: &str = r#"city = { field = "city", direction = "both", conflict = "crm_wins" }"#;

async fn cursor(world: &World) -> Option<connector::Cursor> {
    let key = StreamKey { connection: "acme".into(), stream: Stream::Records(Object::Contact) };
    world.app.store.checkpoint(&key).await.unwrap().map(|checkpoint| checkpoint.cursor)
}

fn fill(world: &World, many: usize) -> Vec<connector::RecordId> {
    (0..many).map(|number| world.contact(&[("email", &format!("p{number}@acme.example")), ("city", "Bern")])).collect()
}

async fn cities(world: &World, many: usize) -> Vec<Value> {
    let mut cities = Vec::new();
    for number in 0..many {
        cities.push(world.trait_of(&format!("email:p{number}@acme.example"), "city").await);
    }
    cities
}

#[tokio::test]
async fn scenario_19_a_record_that_shows_late_with_an_older_stamp_is_not_missed() {
    let world = World::with(&mapped(CITY));
    let ids = fill(&world, 3);
    world.sync().await;
    world.crm.set_visibility_lag(Duration::from_secs(120));
    world.advance(Duration::from_secs(300));
    // Edited now, visible in two minutes; meanwhile other changes move the cursor.
    world.crm.edit(&Object::Contact, &ids[0], [("city", "Rome")]);
    for _ in 0..4 {
        world.advance(Duration::from_secs(50));
        world.crm.edit(&Object::Contact, &ids[1], [("city", "Oslo")]);
        world.pull().await;
    }
    world.advance(Duration::from_secs(200));
    world.pull().await;
    assert_eq!(cities(&world, 3).await, ["Rome", "Oslo", "Bern"].map(Value::from));
}

#[tokio::test]
async fn scenario_20_a_record_that_changes_while_pages_are_read_is_read_again() {
    let (world, tricky) = World::tricked(&mapped(CITY));
    world.crm.set_page_size(2);
    let ids = fill(&world, 6);
    let moved = ids[0].clone();
    tricky.play(Trick::BeforePage(Box::new(move |crm| {
        // Behind the reader's back, on a page it has already been given.
        crm.edit(&Object::Contact, &moved, [("city", "Rome")]);
    })));
    world.pull().await;
    world.advance(Duration::from_secs(60));
    world.pull().await;
    assert_eq!(cities(&world, 2).await, ["Rome", "Bern"].map(Value::from));
    // The same in an incremental pull.
    world.advance(Duration::from_secs(60));
    world.crm.edit_all(&Object::Contact, &ids, [("city", "Oslo")]);
    let moved = ids[1].clone();
    world.advance(Duration::from_secs(1));
    tricky.play(Trick::BeforePage(Box::new(move |crm| {
        crm.edit(&Object::Contact, &moved, [("city", "Kyiv")]);
    })));
    world.pull().await;
    world.advance(Duration::from_secs(60));
    world.pull().await;
    assert_eq!(cities(&world, 3).await, ["Oslo", "Kyiv", "Oslo"].map(Value::from));
}

#[tokio::test]
async fn scenario_21_a_page_that_fails_leaves_the_cursor_and_a_page_that_is_stored_moves_it() {
    let world = World::with(&mapped(CITY));
    world.crm.set_page_size(2);
    fill(&world, 6);
    world.crm.fail_nth(Call::Pull, 2, Fault::Fail(ErrorKind::Transient));
    let run = world.pull_contacts().await;
    assert_eq!((run.state, run.counts.pages), (RunState::Interrupted, 1));
    let after_one = cursor(&world).await;
    assert!(after_one.is_some());
    assert_eq!(world.app.store.stats().await.unwrap().profiles, 2, "the first page is stored with its cursor");
    world.crm.fail_next(Call::Pull, Fault::Truncated);
    world.pull_contacts().await;
    assert_eq!(cursor(&world).await, after_one, "a page that was not stored moves nothing");
    let run = world.pull_contacts().await;
    assert_eq!((run.state, run.counts.created), (RunState::Done, 4), "the rest, from where it stopped");
    assert_eq!(world.app.store.stats().await.unwrap().profiles, 6);
}

#[tokio::test]
async fn scenario_21_a_process_that_dies_between_pages_goes_on_from_the_last_stored_one() {
    let mut world = World::with(&mapped(CITY));
    world.crm.set_page_size(2);
    fill(&world, 6);
    world.crm.fail_nth(Call::Pull, 3, Fault::Hang);
    {
        let pull = world.pull_contacts();
        tokio::pin!(pull);
        // Enough turns for two pages to be stored; the third never comes.
        while world.app.store.stats().await.unwrap().profiles < 4 {
            let turn =
                tokio::select! { biased; ended = &mut pull => Some(ended), () = tokio::task::yield_now() => None };
            assert!(turn.is_none());
        }
    }
    world.restart().await;
    let run = world.pull_contacts().await;
    assert_eq!((run.state, run.counts.created), (RunState::Done, 2));
    assert_eq!(world.app.store.stats().await.unwrap().profiles, 6);
}

#[tokio::test]
async fn scenario_22_paging_that_names_one_place_twice_ends_with_a_clear_error() {
    let (world, tricky) = World::tricked(&mapped(CITY));
    fill(&world, 3);
    world.pull_contacts().await;
    world.advance(Duration::from_secs(60));
    tricky.play(Trick::NeverEnds);
    let calls = world.crm.calls().pull;
    let run = world.pull_contacts().await;
    assert_eq!(run.state, RunState::Failed);
    assert!(run.message.unwrap().contains("paging does not advance"));
    assert!(world.crm.calls().pull - calls <= 2, "it does not loop");
    tricky.stop_playing();
    assert_eq!(world.pull_contacts().await.state, RunState::Done);
}

#[tokio::test]
async fn scenario_30_a_full_pull_reads_everything_again_and_changes_nothing() {
    let world = World::with(&mapped(CITY));
    fill(&world, 5);
    world.sync().await;
    world.advance(Duration::from_secs(60));
    let what = Pulling { full: true, object: Some(&Object::Contact), ..Pulling::default() };
    let runs = world.app.pull(world.connection(), what, &()).await.unwrap();
    let counts = runs[0].run.counts;
    assert!(counts.unchanged >= 5, "{counts:?}");
    assert_eq!(counts.updated + counts.created, 0);
    world.assert_rest().await;
}

#[tokio::test]
async fn scenario_31_a_mass_deletion_stops_the_pull_and_nothing_of_the_page_is_stored() {
    let world = World::with(&mapped(CITY));
    world.crm.set_page_size(500);
    let ids = fill(&world, 150);
    world.sync().await;
    world.advance(Duration::from_secs(60));
    for id in &ids[..120] {
        world.crm.delete(&Object::Contact, id);
    }
    world.advance(Duration::from_secs(60));
    let run = world.pull_contacts().await;
    assert_eq!(run.state, RunState::Fused);
    let message = run.message.unwrap();
    assert!(message.contains("120 records deleted") && message.contains("max_pull_loss"), "{message}");
    let objects = &world.app.store.stats().await.unwrap().connections[&"acme".into()].objects;
    assert_eq!((objects[&Object::Contact].records, objects[&Object::Contact].archived), (150, 0));
    assert_eq!(world.pull_contacts().await.state, RunState::Fused, "it does not go away by itself");
}

#[tokio::test]
async fn scenario_31_a_field_that_is_suddenly_empty_everywhere_stops_the_pull() {
    let world = World::with(&mapped(CITY));
    world.crm.set_page_size(500);
    let ids = fill(&world, 150);
    world.sync().await;
    world.advance(Duration::from_secs(60));
    world.crm.edit_all(&Object::Contact, &ids, [("city", Value::Null)]);
    world.advance(Duration::from_secs(60));
    assert_eq!(world.pull_contacts().await.state, RunState::Fused);
    assert_eq!(cities(&world, 150).await, vec![Value::from("Bern"); 150], "no trait was emptied");
}

#[tokio::test]
async fn scenario_31_the_guard_rests_before_the_first_full_load_and_can_be_raised() {
    let mut world = World::with(&mapped(CITY));
    world.crm.set_page_size(50);
    let ids = fill(&world, 150);
    // The first load breaks off, and half of the CRM is deleted before it goes on.
    world.crm.fail_nth(Call::Pull, 3, Fault::Fail(ErrorKind::Transient));
    world.pull().await;
    for id in &ids[..120] {
        world.crm.delete(&Object::Contact, id);
    }
    for run in world.pull().await {
        assert_eq!(run.state, RunState::Done, "{run:?}");
    }
    for id in &ids[120..] {
        world.crm.delete(&Object::Contact, id);
    }
    world.advance(Duration::from_secs(60));
    world.reconfigure(&configured("[safety]\nmax_pull_loss = 1.0\n", "", CITY));
    assert_eq!(world.pull_contacts().await.state, RunState::Done, "[safety] max_pull_loss lets it through");
}
