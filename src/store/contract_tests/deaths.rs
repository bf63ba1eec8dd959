//! What is answered is kept; what fails takes nobody with it.

use std::sync::Arc;

use futures::future::join_all;

use super::engine::Engine;
use super::kit::{Plan, append, apply, contacts, incoming, page, person, profile_of, track};
use crate::model::{Graph, Profile, ProfileId, Resolution, Whose};
use crate::store::{Error, Guard, Incoming, IncomingPage, Known, PlanRecords, RecordDecision, Verdict};

pub(in crate::store) async fn what_was_answered_is_there_after_reopening(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada")])).await;
    append(&*store, vec![track("m1", &["email:p1@acme.example"], 10)]).await;
    let before = store.stats().await.unwrap();
    drop(store);
    let store = engine.open();
    assert_eq!(store.stats().await.unwrap(), before);
    assert!(store.checkpoint(&contacts()).await.unwrap().is_some());
    assert_eq!(append(&*store, vec![track("m1", &[], 10)]).await.duplicates, 1, "dedupe outlives a restart");
    store.verify().await.unwrap();
}

pub(in crate::store) async fn many_at_once_are_all_kept(engine: &dyn Engine) {
    let store = engine.open();
    let one = |n: usize| {
        let store = store.clone();
        async move {
            let report = append(&*store, vec![track(&format!("m{n}"), &[&format!("user_id:u{}", n % 7)], 10)]).await;
            assert_eq!(report.accepted, 1);
        }
    };
    join_all((0..300).map(one)).await;
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.events, stats.profiles), (300, 7));
}

/// Refuses records named `bad`, by deciding on a profile that does not exist; panics over `worse`.
#[derive(Debug)]
struct Picky;

impl PlanRecords for Picky {
    fn decide(
        &self,
        incoming: &Incoming,
        known: &Known,
        graph: &dyn Graph,
        load: &dyn Fn(ProfileId) -> Option<Profile>,
    ) -> RecordDecision {
        let decision = Plan::default().decide(incoming, known, graph, load);
        match incoming.record.fields.get("firstname").and_then(|name| name.as_text()) {
            Some("bad") => {
                RecordDecision { resolution: Resolution::of(Whose::Existing(ProfileId(99_999))), ..decision }
            }
            Some("worse") => panic!("a decision with a mistake in it"),
            _ => decision,
        }
    }

    fn guard(&self, _: &Guard) -> Verdict {
        Verdict::Go
    }
}

pub(in crate::store) async fn a_failing_neighbour_takes_nobody_with_it(engine: &dyn Engine) {
    let store = engine.open();
    let names = ["good", "bad", "good", "worse", "good"];
    let pages = names.iter().enumerate().map(|(n, name)| {
        // The bad one comes second in its page: the good one before it is undone with it.
        let first = incoming(person(&format!("{n}a"), "good"));
        let records = vec![first, incoming(person(&format!("{n}b"), name))];
        store.apply_page(IncomingPage { records, ..page(Vec::new()) }, Arc::new(Picky))
    });
    let outcomes = join_all(pages).await;
    let kept: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(kept, [true, false, true, false, true]);
    for failed in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert!(matches!(failed, Error::Refused { .. }), "{failed}");
    }
    for (n, kept) in kept.into_iter().enumerate() {
        assert_eq!(profile_of(&*store, &format!("{n}a")).await.is_some(), kept, "page {n}");
    }
    store.verify().await.unwrap();
}

pub(in crate::store) async fn two_handles_see_each_other(engine: &dyn Engine) {
    let (daemon, ingest) = (engine.open(), engine.open());
    let events = async |store: &dyn crate::store::Store, offset: usize| {
        for n in offset..offset + 50 {
            append(store, vec![track(&format!("m{n}"), &["user_id:u1"], 10)]).await;
        }
    };
    futures::join!(events(&*daemon, 0), events(&*ingest, 25));
    assert_eq!(daemon.stats().await.unwrap().events, 75, "25 of both were the same");
    assert_eq!(ingest.stats().await.unwrap(), daemon.stats().await.unwrap());
    assert_eq!(daemon.find_profile("user_id:u1").await.unwrap(), ingest.find_profile("user_id:u1").await.unwrap());
}
