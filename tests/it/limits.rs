//! Limits of the machine and of the CRM (`reliability` §B.4, B.5): one flow at a time, quotas, withdrawn credentials, defects.

use std::time::Duration;

use connector::{ErrorKind, Object};
use connector_conformance::memory::{Call, Fault};
use ferry::model::RunState;
use ferry::store::{Error, FlowLock};
use serde_json::json;

use crate::tricks::Trick;
use crate::world::{World, configured, mapped};

const CITY: &str = r#"city = { field = "city", direction = "push", conflict = "cdp_wins" }"#;

#[tokio::test]
async fn scenario_44_a_second_flow_on_one_store_is_refused_by_name() {
    let world = World::with(&mapped(CITY));
    let store = &world.app.settings.store_path;
    let held = FlowLock::acquire(store, "run").unwrap();
    let refused = FlowLock::acquire(store, "push").unwrap_err();
    assert!(matches!(&refused, Error::Held { pid, what } if *pid == std::process::id() && &**what == "run"));
    assert!(refused.to_string().contains(&std::process::id().to_string()), "{refused}");
    // Reading goes on beside it.
    assert_eq!(world.app.store.stats().await.unwrap().profiles, 0);
    drop(held);
    FlowLock::acquire(store, "push").unwrap();
}

#[tokio::test]
async fn scenario_60_retention_keeps_a_plateau() {
    let world = World::with(&mapped(CITY));
    world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    let mut sizes = Vec::new();
    for day in 0..30 {
        for half in 0..4 {
            world.identify("ada@acme.example", json!({"city": format!("city {day} {half}")})).await;
            world.sync().await;
            world.advance(Duration::from_secs(6 * 3_600));
        }
        let before = world.crm.now().saturating_sub(Duration::from_secs(7 * 86_400));
        world.app.store.prune(before).await.unwrap();
        sizes.push((
            world.app.store.sizes().await.unwrap().journal_rows,
            world.app.store.runs(10_000).await.unwrap().len(),
        ));
    }
    assert_eq!(sizes[12], sizes[29], "a plateau: {sizes:?}");
    assert!(sizes[29].0 >= 27, "and a week of it stays: {sizes:?}");
    assert!(world.app.store.sizes().await.unwrap().database_bytes < 4_000_000);
}

#[tokio::test]
async fn scenario_62_a_panic_in_a_connector_fails_its_run_and_nobody_elses() {
    let two = mapped(CITY)
        + &mapped(CITY)
            .replace("acme", "other")
            .split_once("[[crm]]")
            .map(|(_, rest)| format!("[[crm]]{rest}"))
            .unwrap();
    let (world, tricky) = World::tricked(&two);
    let ada = world.contact(&[("email", "ada@acme.example")]);
    tricky.play(Trick::PanicInPull);
    let run = world.pull_contacts().await;
    assert_eq!((run.state, run.error_kind.as_deref()), (RunState::Failed, Some("defect")));
    tricky.stop_playing();
    for connection in &world.app.connections {
        for finished in world.app.pull(connection, Default::default(), &()).await.unwrap() {
            assert_eq!(finished.run.state, RunState::Done, "{finished:?}");
        }
    }
    world.identify("ada@acme.example", json!({"city": "Bern"})).await;
    tricky.play(Trick::PanicInPush);
    assert_eq!(world.push().await.state, RunState::Failed);
    let runs = world.app.store.runs(100).await.unwrap();
    assert!(runs.iter().all(|run| run.state != RunState::Running), "no run is left open");
    let other = &world.app.connections[1];
    let pushed = world.app.push(other, Default::default(), &()).await.unwrap();
    assert_eq!(pushed[0].run.state, RunState::Done, "the other connection is not concerned");
    // What was under way is looked at by the next run; nobody waits for its lease to end.
    let reads = world.crm.calls().read;
    assert_eq!(world.push().await.state, RunState::Done);
    assert!(world.crm.calls().read > reads);
    assert_eq!(world.value(&ada, "city"), "Bern".into());
}

#[tokio::test]
async fn scenario_63_a_used_up_quota_stops_the_connection_until_it_is_back() {
    let world = World::with(&mapped(CITY));
    for number in 0..250 {
        world.contact(&[("email", &format!("p{number}@acme.example"))]);
    }
    world.sync().await;
    for number in 0..250 {
        world.identify(&format!("p{number}@acme.example"), json!({"city": "Bern"})).await;
    }
    let retry_at = world.crm.now().saturating_add(Duration::from_secs(3_600));
    world.crm.fail_next(Call::Push, Fault::Quota { retry_at });
    let calls = world.crm.calls().push;
    let run = world.push().await;
    assert_eq!((run.state, run.error_kind.as_deref()), (RunState::Interrupted, Some("quota")));
    assert!(world.crm.calls().push - calls <= 4, "no call after the one refused, but those under way");
    let before = world.crm.by_us().len();
    let waiting = world.outbox().await;
    assert!(!waiting.is_empty());
    assert!(waiting.iter().all(|entry| entry.attempts == 0), "the quota is nobody's fault");
    world.advance(Duration::from_secs(3_601));
    assert_eq!(world.push().await.state, RunState::Done);
    assert_eq!(world.crm.by_us().len(), 250, "{before} before, all after");
}

#[tokio::test]
async fn scenario_63_pulls_stop_at_their_share_of_the_day_and_pushes_go_on() {
    let world = World::with(&configured("", "api_budget = \"100/day\"\n", CITY));
    let ada = world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    world.identify("ada@acme.example", json!({"city": "Bern"})).await;
    let resets_at = world.crm.now().saturating_add(Duration::from_secs(86_400));
    world.crm.set_daily_limit(1_000, resets_at);
    let connector = world.connection().connector.clone();
    for _ in 0..90 {
        connector.check().await.unwrap();
    }
    let calls = world.crm.calls().pull;
    let run = world.pull().await.remove(0);
    assert_eq!((run.state, run.error_kind.as_deref()), (RunState::Interrupted, Some("quota")));
    assert!(run.message.unwrap().contains("90 %"));
    assert_eq!(world.crm.calls().pull, calls, "no call");
    assert_eq!(world.push().await.state, RunState::Done);
    assert_eq!(world.value(&ada, "city"), "Bern".into());
    world.advance(Duration::from_secs(86_401));
    connector.check().await.unwrap();
    assert_eq!(world.pull().await[0].state, RunState::Done);
}

#[tokio::test]
async fn scenario_64_a_withdrawn_credential_stops_at_once_and_loses_nothing() {
    let world = World::with(&mapped(CITY));
    for number in 0..250 {
        world.contact(&[("email", &format!("p{number}@acme.example"))]);
    }
    world.sync().await;
    for number in 0..250 {
        world.identify(&format!("p{number}@acme.example"), json!({"city": "Bern"})).await;
    }
    let auth = connector::Error::new(ErrorKind::Auth, "write", "the credential was withdrawn");
    world.crm.fail_nth(Call::Push, 2, Fault::DeferAfter { done: 40, error: auth });
    let calls = world.crm.calls();
    let run = world.push().await;
    assert_eq!((run.state, run.error_kind.as_deref()), (RunState::Failed, Some("auth")), "needs_reauth");
    assert!(world.crm.calls().push - calls.push <= 4);
    assert_eq!(world.crm.by_us().len() + world.outbox().await.len(), 250, "each is written or waits");
    world.crm.revoke();
    for _ in 0..3 {
        assert_eq!(world.push().await.state, RunState::Failed);
        assert_eq!(world.pull().await[0].error_kind.as_deref(), Some("auth"));
    }
    world.crm.mend();
    assert_eq!(world.push().await.state, RunState::Done);
    assert_eq!(world.crm.by_us().len(), 250, "each exactly once");
    assert_eq!(world.codes().await.len(), 0);
}

#[tokio::test]
async fn scenario_64_an_expired_token_is_renewed_once_and_the_call_goes_through() {
    let world = World::with(&mapped(CITY));
    let ada = world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    world.identify("ada@acme.example", json!({"city": "Bern"})).await;
    world.crm.expire_token();
    assert_eq!(world.push().await.state, RunState::Done);
    assert_eq!(world.crm.calls().refreshes, 1);
    assert_eq!(world.value(&ada, "city"), "Bern".into());
}

#[tokio::test]
async fn a_crm_that_stays_down_ends_the_run_and_the_next_one_delivers() {
    let world = World::with(&mapped(CITY));
    let ada = world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    world.identify("ada@acme.example", json!({"city": "Bern"})).await;
    world.crm.fail_all(ErrorKind::Transient);
    assert_eq!(world.push().await.state, RunState::Interrupted);
    assert_eq!(world.pull().await[0].state, RunState::Interrupted);
    world.crm.mend();
    world.advance(Duration::from_secs(600));
    assert_eq!(world.push().await.state, RunState::Done);
    assert_eq!(world.value(&ada, "city"), "Bern".into());
    assert_eq!(world.crm.ids(&Object::Contact).len(), 1);
}
