//! Fuses, plans, applied plans, and the modes that send nothing (`design` §4, §5).

use std::time::Duration;

use connector::{Object, RecordId};
use ferry::app::{Agreed, Applied, Computing, Plan, Pulling};
use ferry::model::{RunState, canonical};
use serde_json::json;

use crate::world::{World, configured};

const CREATE: &str = "[crm.create]\ncontact = \"known\"\n";
const CITY: &str = r#"city = { field = "city", direction = "push", conflict = "cdp_wins", clear = true }"#;
const KEYED: &str = r#"profile_id = "cdp_profile_id"
city = { field = "city", direction = "push", conflict = "cdp_wins" }"#;

fn agreed(plans: &[Plan]) -> Vec<Agreed> {
    let changes = plans.iter().flat_map(|plan| &plan.forecast.changes);
    changes
        .map(|change| Agreed {
            connection: change.connection.clone(),
            object: change.object.clone(),
            record: change.record.clone(),
            profile: change.profile.map(|uid| uid.to_string()),
            field: change.field.clone(),
            from: canonical::to_json(&change.from),
            to: canonical::to_json(&change.to),
            why: change.why.to_string(),
        })
        .collect()
}

async fn plan(world: &World) -> Vec<Plan> {
    world.app.plan(world.connection()).await.unwrap().unwrap()
}

async fn filled(world: &World, many: usize) -> Vec<RecordId> {
    let one = |number| world.contact(&[("email", &format!("p{number}@acme.example")), ("city", "Bern")]);
    let ids = (0..many).map(one).collect();
    world.sync().await;
    ids
}

/// A tripped fuse sends nothing; the plan says what would be done; applying it does it once.
async fn confirm(world: &World, limit: &str, writes: usize) {
    let calls = world.crm.calls().push;
    for _ in 0..2 {
        let run = world.push().await;
        assert_eq!(run.state, RunState::Fused, "{limit}");
        assert!(run.message.unwrap().contains(limit));
    }
    assert_eq!((world.crm.calls().push - calls, world.crm.by_us().len()), (0, 0), "{limit}: nothing is sent");
    let plans = plan(world).await;
    assert_eq!(plans[0].forecast.fuse.as_ref().map(|fuse| fuse.limit), Some(limit), "the plan says so and exits well");
    let changes = agreed(&plans);
    let applied = world.app.apply("one", changes.clone(), &()).await.unwrap();
    let Applied::Written(runs) = applied else { panic!("{applied:?}") };
    assert_eq!(runs[0].run.state, RunState::Done, "{limit}: {runs:?}");
    assert_eq!(world.crm.by_us().len(), writes, "{limit}: applied");
    let again = world.app.apply("one", changes, &()).await.unwrap();
    assert!(matches!(again, Applied::Already(_)), "{again:?}");
    assert_eq!(world.crm.by_us().len(), writes, "{limit}: a second time writes nothing");
    world.advance(Duration::from_secs(60));
    world.sync().await;
    world.assert_rest().await;
}

#[tokio::test]
async fn a_run_that_would_create_too_many_stops_and_a_plan_confirms_it() {
    let world = World::with(
        &configured("[safety]\nmax_creates_per_run = 2\n", CREATE, KEYED).replacen("\"pull\"", "\"both\"", 1),
    );
    filled(&world, 0).await;
    for number in 0..3 {
        world.identify(&format!("n{number}@acme.example"), json!({"city": "Rome"})).await;
    }
    confirm(&world, "max_creates_per_run", 3).await;
    assert_eq!(world.crm.ids(&Object::Contact).len(), 3);
}

#[tokio::test]
async fn a_run_that_would_replace_too_many_values_stops_and_a_plan_confirms_it() {
    let world = World::with(&configured("", "", CITY));
    filled(&world, 120).await;
    for number in 0..110 {
        world.identify(&format!("p{number}@acme.example"), json!({"city": "Rome"})).await;
    }
    confirm(&world, "max_update_share", 110).await;
}

#[tokio::test]
async fn filling_empty_fields_and_replacing_our_own_values_trips_nothing() {
    let world = World::with(&configured("", "", CITY));
    for number in 0..120 {
        world.contact(&[("email", &format!("p{number}@acme.example"))]);
    }
    world.sync().await;
    for city in ["Rome", "Oslo"] {
        for number in 0..120 {
            world.identify(&format!("p{number}@acme.example"), json!({"city": city})).await;
        }
        assert_eq!(world.sync().await.counts.updated, 120, "{city}");
        world.advance(Duration::from_secs(60));
    }
}

#[tokio::test]
async fn a_run_that_would_clear_too_many_fields_stops() {
    let world = World::with(&configured("", "", CITY));
    for number in 0..12 {
        world.contact(&[("email", &format!("p{number}@acme.example"))]);
    }
    world.sync().await;
    for city in [json!("Rome"), json!(null)] {
        for number in 0..12 {
            world.identify(&format!("p{number}@acme.example"), json!({"city": city})).await;
        }
        if city.is_string() {
            world.sync().await;
        }
    }
    let seq = world.seq();
    let run = world.push().await;
    assert_eq!(run.state, RunState::Fused);
    assert!(run.message.unwrap().contains("never_clear_more_than"));
    assert_eq!(world.written_since(seq), []);
}

#[tokio::test]
async fn a_plan_that_no_longer_holds_writes_nothing_and_says_what_differs() {
    let world = World::with(&configured("", "", CITY));
    let ids = filled(&world, 3).await;
    for number in 0..3 {
        world.identify(&format!("p{number}@acme.example"), json!({"city": "Rome"})).await;
    }
    let changes = agreed(&plan(&world).await);
    assert_eq!(changes.len(), 3);
    world.crm.edit(&Object::Contact, &ids[1], [("city", "Oslo")]);
    world.crm.delete(&Object::Contact, &ids[2]);
    let applied = world.app.apply("two", changes, &()).await.unwrap();
    let Applied::Differs(lines) = applied else { panic!("{applied:?}") };
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("Oslo")) && lines.iter().any(|line| line.contains("not there")));
    assert_eq!(world.crm.by_us(), []);
    assert_eq!(world.outbox().await.len(), 0, "nothing is left queued");
}

#[tokio::test]
async fn a_plan_changes_nothing_anywhere_and_forecasts_what_push_does() {
    let world = World::with(&configured("", "", CITY));
    filled(&world, 3).await;
    for number in 0..3 {
        world.identify(&format!("p{number}@acme.example"), json!({"city": "Rome"})).await;
    }
    let before = (world.outbox().await.len(), world.app.store.runs(1_000).await.unwrap().len(), world.seq());
    let plans = plan(&world).await;
    assert_eq!((plans[0].forecast.updates, plans[0].forecast.creates, plans[0].forecast.changes.len()), (3, 0, 3));
    let after = (world.outbox().await.len(), world.app.store.runs(1_000).await.unwrap().len(), world.seq());
    assert_eq!(before, after);
    let calls = world.crm.calls();
    assert_eq!(world.push().await.counts.updated, 3);
    let made = world.crm.calls().push - calls.push + world.crm.calls().read - calls.read;
    assert_eq!(made, plans[0].forecast.api_calls, "the forecast is what it costs");
}

#[tokio::test]
async fn dry_run_and_pull_only_send_nothing() {
    let modes = [("", "mode = \"dry_run\"\n"), ("", "mode = \"pull_only\"\n"), ("[safety]\nmode = \"dry_run\"\n", "")];
    for (sections, connection) in modes {
        let world = World::with(&configured(sections, connection, CITY));
        for run in world.pull().await {
            assert_eq!(run.state, RunState::Done);
        }
        world.contact(&[("email", "p0@acme.example"), ("city", "Bern")]);
        world.advance(Duration::from_secs(60));
        world.pull().await;
        world.identify("p0@acme.example", json!({"city": "Rome"})).await;
        let pushed = world.app.push(world.connection(), Default::default(), &()).await.unwrap();
        match connection {
            "mode = \"pull_only\"\n" => assert!(pushed.is_empty()),
            _ => assert_eq!((pushed[0].run.state, pushed[0].run.counts.skipped), (RunState::Done, 1)),
        }
        assert_eq!((world.crm.calls().push, world.crm.by_us().len(), world.outbox().await.len()), (0, 0, 0));
    }
}

#[tokio::test]
async fn as_of_ignores_what_came_later_and_changes_nothing_else() {
    let world = World::with(&configured("preset = \"b2b\"\n", "", ""));
    world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    let page = |id: &str, at: &str| {
        json!({"type": "page", "messageId": id, "userId": "user of ada@acme.example", "name": "Pricing", "timestamp": at,
            "context": {"traits": {"email": "ada@acme.example"}}, "properties": {"path": "/pricing", "url": "https://x.example/pricing"}})
        .to_string()
    };
    world.identify("ada@acme.example", json!({})).await;
    world.message(&page("a", "2026-10-30T09:00:00Z")).await.unwrap();
    world.message(&page("b", "2026-11-01T09:00:00Z")).await.unwrap();
    world.compute().await;
    assert_eq!(world.trait_of("ada@acme.example", "page_views_30d").await, 2.into());
    let as_of = connector::Timestamp::parse_rfc3339("2026-10-31T00:00:00Z");
    let calls = world.crm.calls();
    world.app.compute(Computing { as_of, all: false }, &()).await.unwrap();
    assert_eq!(world.trait_of("ada@acme.example", "page_views_30d").await, 1.into());
    assert_eq!(world.crm.calls(), calls);
    world.compute().await;
    world.app.compute(Computing { as_of: None, all: true }, &()).await.unwrap();
    assert_eq!(world.trait_of("ada@acme.example", "page_views_30d").await, 2.into());
    let what = Pulling { full: true, ..Pulling::default() };
    world.app.pull(world.connection(), what, &()).await.unwrap();
    world.push().await;
    world.assert_rest().await;
}
