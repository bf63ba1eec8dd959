//! Pages of a pull.

use std::sync::Arc;

use connector::{Cursor, Fields, Object, Record, Stream, Value};

use super::engine::Engine;
use super::kit::{Plan, apply, at, contact, contacts, gone, incoming, page, page_of, person, profile_of};
use crate::model::{Graph, Identifier, Profile, ProfileId, Resolution, Whose};
use crate::store::{
    Error, Guard, Incoming, IncomingPage, Known, PageReport, PlanRecords, RecordDecision, StreamKey, Verdict,
};

type Load<'a> = dyn Fn(ProfileId) -> Option<Profile> + 'a;

pub(in crate::store) async fn a_page_commits_with_its_checkpoint(engine: &dyn Engine) {
    let store = engine.open();
    assert_eq!(store.checkpoint(&contacts()).await.unwrap(), None);
    let report = apply(&*store, page(vec![person("1", "Ada"), person("2", "Bo")])).await;
    assert_eq!((report.counts.created, report.counts.seen, report.records_marked), (2, 2, 2));
    assert_eq!(report.profiles_marked, 2);
    let checkpoint = store.checkpoint(&contacts()).await.unwrap().unwrap();
    assert_eq!(checkpoint.cursor, Cursor::new("next"));
    assert_eq!((checkpoint.full_load_done, checkpoint.updated_at), (false, at(1_000)));
    let done = IncomingPage { full_load_done: true, ..page(Vec::new()) };
    apply(&*store, done).await;
    apply(&*store, page(Vec::new())).await;
    assert!(store.checkpoint(&contacts()).await.unwrap().unwrap().full_load_done, "a full load stays done");
}

pub(in crate::store) async fn a_reset_forgets_the_cursor_only(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada")])).await;
    store.reset_checkpoint(&contacts()).await.unwrap();
    assert_eq!(store.checkpoint(&contacts()).await.unwrap(), None);
    assert!(profile_of(&*store, "1").await.is_some());
}

pub(in crate::store) async fn an_unchanged_page_asks_nobody(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada"), person("2", "Bo")])).await;
    let before = store.stats().await.unwrap();
    let plan = Arc::new(Plan::default());
    let report = store.apply_page(page(vec![person("1", "Ada"), person("2", "Bo")]), plan.clone()).await.unwrap();
    assert_eq!((report.counts.unchanged, report.records_marked, report.profiles_marked), (2, 0, 0));
    assert!(plan.asked.lock().unwrap().is_empty());
    assert_eq!(store.stats().await.unwrap(), before);
}

pub(in crate::store) async fn a_changed_record_is_known_and_keeps_history(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada")])).await;
    let plan = Arc::new(Plan::default());
    let report = store.apply_page(page(vec![person("1", "Eva")]), plan.clone()).await.unwrap();
    assert_eq!((report.counts.updated, report.counts.created), (1, 0));
    let asked = plan.asked.lock().unwrap().pop().unwrap();
    let record = asked.record.unwrap();
    assert_eq!(record.mirror.get("firstname").unwrap().seen, Some("Ada".into()));
    assert_eq!(record.profile, profile_of(&*store, "1").await);
    let detail = store.profile(profile_of(&*store, "1").await.unwrap()).await.unwrap().unwrap();
    assert_eq!(detail.profile.value("firstname"), &"Eva".into());
    let history: Vec<_> = detail.history.iter().map(|(name, old, _)| (&**name, old.value.clone())).collect();
    assert_eq!(history, [("firstname", Value::from("Ada"))], "one row, for the value that was replaced");
}

pub(in crate::store) async fn two_records_of_one_page_meet(engine: &dyn Engine) {
    let store = engine.open();
    let mut twin = person("2", "Ada");
    twin.fields.set("email", Value::text(super::kit::mail("1")));
    apply(&*store, page(vec![person("1", "Ada"), twin])).await;
    let profile = profile_of(&*store, "1").await;
    assert!(profile.is_some());
    assert_eq!(profile, profile_of(&*store, "2").await, "the second finds the profile that the first made");
    assert_eq!(store.stats().await.unwrap().profiles, 1);
}

pub(in crate::store) async fn the_guard_undoes_the_page(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada"), person("2", "Bo")])).await;
    let before = (store.stats().await.unwrap(), store.checkpoint(&contacts()).await.unwrap());
    let mut emptied = person("1", "Ada");
    emptied.fields.set("firstname", Value::Null);
    let plan = Arc::new(Plan { stop: Some("too much is lost"), ..Plan::default() });
    let bad = IncomingPage { resume: Cursor::new("later"), ..page(vec![emptied.clone(), person("3", "Cy")]) };
    let report = store.apply_page(bad, plan.clone()).await.unwrap();
    assert_eq!(report, PageReport { stopped: Some("too much is lost".into()), ..PageReport::default() });
    assert_eq!((store.stats().await.unwrap(), store.checkpoint(&contacts()).await.unwrap()), before);
    let told = plan.guards.lock().unwrap().pop().unwrap();
    assert_eq!(told, Guard { linked: 2, deleted: 0, emptied: 1, full_load_done: false });
}

pub(in crate::store) async fn the_guard_counts_each_deletion_once(engine: &dyn Engine) {
    let store = engine.open();
    let people = (1..=4).map(|n| person(&n.to_string(), "Ada")).collect();
    apply(&*store, IncomingPage { full_load_done: true, ..page(people) }).await;
    let plan = Arc::new(Plan::default());
    store.apply_page(gone(&["1", "2", "2", "9"]), plan.clone()).await.unwrap();
    store.apply_page(gone(&["2", "3"]), plan.clone()).await.unwrap();
    let told: Vec<_> = plan.guards.lock().unwrap().iter().map(|guard| (guard.linked, guard.deleted)).collect();
    assert_eq!(told, [(4, 2), (2, 1)]);
}

pub(in crate::store) async fn a_tombstone_archives_and_a_live_record_lifts_it(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada")])).await;
    let report = apply(&*store, gone(&["1"])).await;
    assert_eq!(report.counts.deleted, 1);
    let profile = profile_of(&*store, "1").await.unwrap();
    assert!(store.profile(profile).await.unwrap().unwrap().records[0].archived);
    let stats = &store.stats().await.unwrap().connections[&"hubspot".into()];
    assert_eq!((stats.objects[&Object::Contact].records, stats.objects[&Object::Contact].archived), (0, 1));
    assert_eq!(stats.marked, 0, "push does not look at what is gone");
    // The same content again: it counts as a change, because the record was gone.
    let plan = Arc::new(Plan::default());
    store.apply_page(page(vec![person("1", "Ada")]), plan.clone()).await.unwrap();
    assert!(plan.asked.lock().unwrap()[0].record.as_ref().unwrap().archived);
    let detail = store.profile(profile).await.unwrap().unwrap();
    assert!(!detail.records[0].archived);
    assert_eq!(profile_of(&*store, "1").await, Some(profile), "the link is intact");
}

pub(in crate::store) async fn an_old_tombstone_does_not_archive_a_restored_record(engine: &dyn Engine) {
    let store = engine.open();
    let mut restored = person("1", "Ada");
    restored.modified_at = Some(at(600));
    apply(&*store, page(vec![restored])).await;
    let report = apply(&*store, gone(&["1"])).await;
    assert_eq!(report.counts.deleted, 0, "deleted at 500, changed at 600");
}

pub(in crate::store) async fn a_sweep_archives_what_it_has_not_seen(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada"), person("2", "Bo"), person("3", "Cy")])).await;
    let key = StreamKey { connection: "hubspot".into(), stream: Stream::Deletions(Object::Contact) };
    let alive = |id: &str| Record::new(id, Fields::new());
    apply(&*store, page_of(key.clone(), vec![alive("1")])).await;
    // Made after the sweep began: it could not be listed.
    apply(&*store, page(vec![person("4", "Di")])).await;
    let end = IncomingPage { full_load_done: true, ..page_of(key.clone(), vec![alive("3")]) };
    let report = apply(&*store, end).await;
    assert_eq!(report.counts.deleted, 1);
    let objects = &store.stats().await.unwrap().connections[&"hubspot".into()].objects[&Object::Contact];
    assert_eq!((objects.records, objects.archived), (3, 1));
    assert_eq!(store.checkpoint(&key).await.unwrap().unwrap().sweep, None, "the next sweep starts anew");
}

pub(in crate::store) async fn an_identifier_of_another_stays_there(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada"), person("2", "Bo")])).await;
    let mut greedy = incoming(person("2", "Bob"));
    greedy.identifiers.push(Identifier::email(&super::kit::mail("1")).unwrap());
    let keep = Arc::new(KeepLinked);
    let report = store.apply_page(IncomingPage { records: vec![greedy], ..page(Vec::new()) }, keep).await.unwrap();
    assert_eq!(report.identity_conflicts, 1);
    assert_eq!(store.stats().await.unwrap().identity_conflicts, 1);
    assert_eq!(
        store.find_profile(&super::kit::mail("1")).await.unwrap(),
        profile_of(&*store, "1").await,
        "the first owner keeps it"
    );
}

/// Never merges: the linked profile stays, whatever the identifiers say.
#[derive(Debug)]
struct KeepLinked;

impl PlanRecords for KeepLinked {
    fn decide(&self, incoming: &Incoming, known: &Known, graph: &dyn Graph, load: &Load<'_>) -> RecordDecision {
        let decision = Plan::default().decide(incoming, known, graph, load);
        match known.record.as_ref().and_then(|record| record.profile) {
            Some(linked) => {
                let resolution = Resolution { whose: Whose::Existing(linked), ..decision.resolution };
                RecordDecision { resolution, ..decision }
            }
            None => decision,
        }
    }

    fn guard(&self, _: &Guard) -> Verdict {
        Verdict::Go
    }
}

pub(in crate::store) async fn a_decision_on_an_unknown_profile_is_refused(engine: &dyn Engine) {
    #[derive(Debug)]
    struct Wild;
    impl PlanRecords for Wild {
        fn decide(&self, incoming: &Incoming, known: &Known, graph: &dyn Graph, load: &Load<'_>) -> RecordDecision {
            let resolution = Resolution::of(Whose::Existing(ProfileId(4_711)));
            RecordDecision { resolution, ..Plan::default().decide(incoming, known, graph, load) }
        }
        fn guard(&self, _: &Guard) -> Verdict {
            Verdict::Go
        }
    }
    let store = engine.open();
    let error = store.apply_page(page(vec![person("1", "Ada")]), Arc::new(Wild)).await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
    assert_eq!(store.checkpoint(&contacts()).await.unwrap(), None, "nothing of the page was written");
}

pub(in crate::store) async fn nobodys_records_are_kept(engine: &dyn Engine) {
    let store = engine.open();
    let key = StreamKey { connection: "hubspot".into(), stream: Stream::Records(Object::Company) };
    let plan = Arc::new(Plan { nobody: true, ..Plan::default() });
    store.apply_page(page_of(key, vec![person("77", "Acme")]), plan).await.unwrap();
    let stats = store.stats().await.unwrap();
    assert_eq!(stats.profiles, 0);
    assert_eq!(stats.connections[&"hubspot".into()].objects[&Object::Company].records, 1);
    let mut key = contact("77");
    key.object = Object::Company;
    let items = store.stage_items(vec![key]).await.unwrap();
    let mirror = &items[0].record.as_ref().unwrap().mirror;
    assert_eq!(mirror.get("firstname").unwrap().seen, Some("Acme".into()));
}
