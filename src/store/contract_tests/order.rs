//! Any order of pages, merges and deletions leaves a consistent store.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::engine::Engine;
use super::kit::{append, apply, deal_link, gone, into_contact, page, person, profile_of, track};
use super::wishes::{Want, lease, settle, settled, stage, written};
use crate::store::{Fate, Store};

#[derive(Clone, Debug)]
enum Step {
    Show { id: u8, name: u8, deals: Option<Vec<u8>> },
    Merge { winner: u8, loser: u8 },
    Delete(u8),
    Event { id: u8, anonymous: u8 },
    Push,
    Settle(u8),
    MergeWhileSending { winner: u8 },
}

fn step() -> impl Strategy<Value = Step> {
    let id = || 0u8..6;
    prop_oneof![
        3 => (id(), 0u8..3, proptest::option::of(proptest::collection::vec(0u8..3, 0..3)))
            .prop_map(|(id, name, deals)| Step::Show { id, name, deals }),
        2 => (id(), id()).prop_map(|(winner, loser)| Step::Merge { winner, loser }),
        1 => id().prop_map(Step::Delete),
        2 => (id(), 0u8..3).prop_map(|(id, anonymous)| Step::Event { id, anonymous }),
        1 => Just(Step::Push),
        1 => (0u8..4).prop_map(Step::Settle),
        1 => id().prop_map(|winner| Step::MergeWhileSending { winner }),
    ]
}

async fn take(store: &dyn Store, step: &Step, second: i64) {
    match step {
        Step::Show { id, name, deals } => {
            let mut record = person(&id.to_string(), &format!("name {name}"));
            record.links = deals.as_ref().map(|deals| deals.iter().map(|d| deal_link(&d.to_string())).collect());
            apply(store, page(vec![record])).await;
        }
        Step::Merge { winner, loser } => {
            let mut record = person(&winner.to_string(), "merged");
            record.merged_ids = vec![loser.to_string().into()];
            apply(store, page(vec![record])).await;
        }
        Step::Delete(id) => {
            apply(store, gone(&[&id.to_string()])).await;
        }
        Step::Event { id, anonymous } => {
            let (email, anonymous) =
                (format!("email:{}", super::kit::mail(&id.to_string())), format!("anonymous_id:x{anonymous}"));
            append(store, vec![track(&format!("m{second}"), &[&email, &anonymous], second)]).await;
        }
        Step::Push => {
            stage(store, true, Want::new(second)).await;
            lease(store, 10_000 + second).await;
        }
        Step::Settle(kind) => {
            for (n, entry) in lease(store, 20_000 + second).await.into_iter().enumerate() {
                let id = format!("c{second}-{n}");
                let fate = match (kind, entry.intent.record.is_some()) {
                    (0, false) => Fate::Linked { id: id.as_str().into(), url: None },
                    (0, true) => Fate::Finished,
                    (1, _) => Fate::Gone,
                    (2, _) => Fate::Ambiguous { not_before: super::kit::at(0), counts: true },
                    _ => Fate::Again { not_before: super::kit::at(0), counts: true },
                };
                let delivered = if *kind == 0 { written(&entry, fate) } else { settled(&entry, fate) };
                settle(store, super::kit::at(20_000 + second), vec![delivered]).await;
            }
        }
        Step::MergeWhileSending { winner } => {
            if let Some(entry) = lease(store, 30_000 + second).await.first() {
                let fate = Fate::Merged { into: into_contact(&winner.to_string()) };
                settle(store, super::kit::at(30_000 + second), vec![settled(entry, fate)]).await;
            }
        }
    }
}

/// After every step: references hold (`verify`), each shown record has one profile, and at most one entry is out per record.
pub(in crate::store) async fn any_order_is_consistent(engine: &dyn Engine) {
    let store = engine.open();
    let mut runner = TestRunner::deterministic();
    for _ in 0..24 {
        let steps = proptest::collection::vec(step(), 1..24).new_tree(&mut runner).unwrap().current();
        for (at, step) in steps.iter().enumerate() {
            take(&*store, step, i64::try_from(at).unwrap()).await;
            if let Err(error) = store.verify().await {
                panic!("{error} after {:?}", &steps[..=at]);
            }
        }
        for step in &steps {
            if let Step::Show { id, .. } = step {
                let profile = profile_of(&*store, &id.to_string()).await;
                assert!(profile.is_some(), "record {id} lost its person: {steps:?}");
            }
        }
        let entries = super::wishes::queued(&*store).await;
        let mut records: Vec<_> = entries.iter().filter_map(|entry| entry.intent.record.clone()).collect();
        records.sort();
        records.dedup();
        let of_records = entries.iter().filter(|entry| entry.intent.record.is_some()).count();
        assert_eq!(records.len(), of_records, "more than one entry for a record: {steps:?}");
    }
}
