//! What people and faces read, and what is kept beside the data.

use connector::{Object, Stream};
use uuid::Uuid;

use super::engine::Engine;
use super::kit::{append, apply, at, gone, page, person, profile_of, run, track};
use super::wishes::{Want, lease, settle, stage, written};
use crate::model::{Counts, Flow, ProfileId, Run, RunId, RunState};
use crate::store::{Error, Fate, ScheduleRow};

fn a_run(id: RunId, flow: Flow, started: i64, state: RunState) -> Run {
    Run {
        id,
        flow,
        connection: Some("hubspot".into()),
        object: Some(Object::Contact),
        state,
        started_at: at(started),
        ended_at: None,
        counts: Counts { seen: 3, ..Counts::default() },
        message: Some("half done".into()),
        error_kind: None,
    }
}

pub(in crate::store) async fn a_profile_is_found_by_any_key(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada")])).await;
    append(&*store, vec![track("m1", &["email:p1@acme.example", "anonymous_id:a1", "user_id:U-1"], 10)]).await;
    let profile = profile_of(&*store, "1").await;
    let uid = store.profile(profile.unwrap()).await.unwrap().unwrap().profile.uid.to_string();
    let keys = [
        " P1@Acme.Example ",
        "email:p1@acme.example",
        "anonymous_id:a1",
        "user_id:U-1",
        &uid,
        &uid[..13],
        &uid.to_uppercase(),
    ];
    for key in keys {
        assert_eq!(store.find_profile(key).await.unwrap(), profile, "{key}");
    }
    for key in ["nobody@acme.example", "user_id:u-1", "ffffffff-ffff", "0", "", "crm:zoho:contact:1", "x%'\""] {
        assert_eq!(store.find_profile(key).await.unwrap(), None, "{key}");
    }
    append(&*store, vec![track("m2", &["user_id:u2"], 10)]).await;
    let error = store.find_profile(&uid[..6]).await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "two profiles of one instant share a beginning: {error}");
}

pub(in crate::store) async fn nobody_is_no_error(engine: &dyn Engine) {
    let store = engine.open();
    let nobody = ProfileId(99);
    assert!(store.profile(nobody).await.unwrap().is_none());
    assert!(store.identifiers(nobody).await.unwrap().is_empty());
    assert!(store.timeline(nobody, 5).await.unwrap().is_empty());
    assert!(store.events_of(nobody, 5).await.unwrap().is_empty());
    assert!(store.journal(nobody, None, 5).await.unwrap().is_empty());
    assert!(store.facts_of(nobody, vec![]).await.unwrap().is_empty());
    assert!(store.outbox(&"hubspot".into(), &Object::Contact, 5).await.unwrap().is_empty());
}

pub(in crate::store) async fn a_timeline_tells_it_newest_first(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada")])).await;
    append(&*store, vec![track("m2", &["email:p1@acme.example"], 20), track("m1", &["email:p1@acme.example"], 10)])
        .await;
    let mut renamed = person("1", "Eva");
    renamed.modified_at = Some(at(400));
    apply(&*store, page(vec![renamed])).await;
    stage(&*store, false, Want::new(7)).await;
    let sent = lease(&*store, 5_000).await.remove(0);
    settle(&*store, at(5_001), vec![written(&sent, Fate::Finished)]).await;
    let profile = profile_of(&*store, "1").await.unwrap();
    let told = store.timeline(profile, 50).await.unwrap();
    assert!(told.is_sorted_by(|a, b| a.at >= b.at));
    let lines: Vec<_> = told.iter().map(|item| (&*item.kind, &*item.title)).collect();
    assert_eq!(
        lines,
        [
            ("write", "score written"),
            ("trait", "firstname changed"),
            ("identity", "recognised by crm:hubspot:contact"),
            ("identity", "recognised by email"),
            ("event", "Pricing Viewed"),
            ("event", "Pricing Viewed"),
        ]
    );
    assert_eq!(store.timeline(profile, 2).await.unwrap(), told[..2]);
}

pub(in crate::store) async fn runs_are_found_by_a_beginning(engine: &dyn Engine) {
    let store = engine.open();
    let (first, second) = (RunId(Uuid::from_u128(0xA1 << 120)), RunId(Uuid::from_u128(0xA2 << 120)));
    store.save_run(a_run(first, Flow::Pull, 10, RunState::Running)).await.unwrap();
    store.save_run(a_run(first, Flow::Pull, 10, RunState::Partial)).await.unwrap();
    store.save_run(a_run(second, Flow::Push, 20, RunState::Done)).await.unwrap();
    let runs = store.runs(10).await.unwrap();
    assert_eq!(
        runs.iter().map(|run| (run.id, run.state)).collect::<Vec<_>>(),
        [(second, RunState::Done), (first, RunState::Partial)]
    );
    assert_eq!(store.run("a1").await.unwrap().unwrap().0, a_run(first, Flow::Pull, 10, RunState::Partial));
    assert!(matches!(store.run("a").await, Err(Error::Refused { .. })));
    assert!(store.run("b").await.unwrap().is_none());
    assert!(store.run("not a run").await.unwrap().is_none());
    store.save_run(a_run(run(5), Flow::Pull, 30, RunState::Failed)).await.unwrap();
    let last = store.last_runs().await.unwrap();
    assert_eq!(
        last.iter().map(|run| (run.flow, run.state)).collect::<Vec<_>>(),
        [(Flow::Pull, RunState::Failed), (Flow::Push, RunState::Done)]
    );
}

pub(in crate::store) async fn a_run_shows_what_it_wrote(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada")])).await;
    stage(&*store, false, Want::new(7)).await;
    let sent = lease(&*store, 5_000).await.remove(0);
    store.save_run(a_run(run(3), Flow::Push, 10, RunState::Done)).await.unwrap();
    settle(&*store, at(5_001), vec![written(&sent, Fate::Finished)]).await;
    let (_, rows) = store.run(&run(3).to_string()).await.unwrap().unwrap();
    assert_eq!(rows.iter().map(|row| &*row.field).collect::<Vec<_>>(), ["score"]);
}

pub(in crate::store) async fn schedules_and_notes_are_kept(engine: &dyn Engine) {
    let store = engine.open();
    let mut row = ScheduleRow {
        job: "pull hubspot".into(),
        last_due: None,
        last_started: Some(at(5)),
        last_finished: Some(at(4)),
        failures: 3,
        next_due: Some(at(10)),
        interval_micros: 60_000_000,
    };
    store.save_schedule(row.clone()).await.unwrap();
    row.last_due = Some(at(10));
    store.save_schedule(row.clone()).await.unwrap();
    assert_eq!(store.schedules().await.unwrap(), [row]);
    assert_eq!(store.note("account hubspot").await.unwrap(), None);
    store.set_note("account hubspot", "1").await.unwrap();
    store.set_note("account hubspot", "2").await.unwrap();
    assert_eq!(store.note("account hubspot").await.unwrap().as_deref(), Some("2"));
}

pub(in crate::store) async fn old_records_of_work_are_pruned(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada")])).await;
    stage(&*store, false, Want::new(7)).await;
    let sent = lease(&*store, 5_000).await.remove(0);
    settle(&*store, at(5_001), vec![written(&sent, Fate::Finished)]).await;
    store.save_run(a_run(run(3), Flow::Push, 5_000, RunState::Done)).await.unwrap();
    store.save_run(a_run(run(4), Flow::Push, 5_000, RunState::Running)).await.unwrap();
    assert_eq!(store.sizes().await.unwrap().journal_rows, 1);
    assert_eq!(store.prune(at(5_000)).await.unwrap(), 0);
    assert_eq!(store.prune(at(6_000)).await.unwrap(), 2, "a journal row and a run, not the one under way");
    assert_eq!(store.sizes().await.unwrap().journal_rows, 0);
    assert!(profile_of(&*store, "1").await.is_some());
}

pub(in crate::store) async fn counts_keep_up(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page((0..4).map(|n| person(&n.to_string(), "Ada")).collect())).await;
    apply(&*store, gone(&["1"])).await;
    append(&*store, vec![track("m1", &["anonymous_id:a1"], 10)]).await;
    stage(&*store, false, Want::new(7)).await;
    let mut companies = page(vec![person("77", "Acme")]);
    companies.key.stream = Stream::Records(Object::Company);
    let nobody = super::kit::Plan { nobody: true, ..super::kit::Plan::default() };
    store.apply_page(companies, std::sync::Arc::new(nobody)).await.unwrap();
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.profiles, stats.events), (5, 1), "a company is no profile");
    let connection = &stats.connections[&"hubspot".into()];
    assert_eq!((connection.outbox, connection.marked, connection.dead_letters), (3, 1, 0));
    let contacts = connection.objects[&Object::Contact];
    assert_eq!((contacts.records, contacts.archived), (3, 1));
    store.verify().await.unwrap();
}
