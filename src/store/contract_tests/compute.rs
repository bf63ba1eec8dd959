//! Recomputation.

use std::sync::Arc;

use connector::{Fields, Object, Record, Stream, Timestamp, Value};

use super::engine::Engine;
use super::kit::{Plan, append, apply, at, deal_link, facts, page, page_of, person, profile_of, track};
use super::wishes::{Want, stage};
use crate::model::{Computed, Origin, ProfileId, RuleId, Score, ScorePart};
use crate::store::{ComputeInput, ComputeProfiles, Store, StreamKey};

/// Counts facts of rule 7 and sums deals; due again at an instant, if one is set and lies ahead.
#[derive(Debug)]
struct Count {
    as_of: Timestamp,
    due: Option<Timestamp>,
}

impl ComputeProfiles for Count {
    fn rules(&self) -> Vec<RuleId> {
        vec![RuleId(7)]
    }

    fn compute(&self, input: &ComputeInput<'_>) -> Computed {
        let visits = input.facts.iter().filter(|fact| fact.at <= self.as_of).count();
        let deals: rust_decimal::Decimal = input.deals.iter().filter_map(|deal| deal.facts.amount).sum();
        let part = ScorePart { label: "visits".into(), points: visits as f64 / 3.0, matches: 1 };
        Computed {
            traits: [
                ("visits".into(), Value::from(i64::try_from(visits).unwrap())),
                ("pipeline".into(), Value::Number(deals)),
            ]
            .into(),
            scores: vec![Score { name: "engagement".into(), value: part.points, parts: vec![part], capped: false }],
            due_at: self.due.filter(|due| *due > self.as_of),
            ..Computed::default()
        }
    }
}

async fn compute(store: &dyn Store, now: i64, due: Option<i64>) -> (u64, u64, Option<ProfileId>) {
    let count = Count { as_of: at(now), due: due.map(at) };
    store.compute(at(now), false, None, 100, Arc::new(count)).await.unwrap()
}

pub(in crate::store) async fn only_the_stale_are_computed_and_only_once(engine: &dyn Engine) {
    let store = engine.open();
    append(&*store, vec![track("m1", &["user_id:u1"], 10), track("m2", &["user_id:u2"], 10)]).await;
    assert_eq!(store.stats().await.unwrap().stale, 2);
    assert_eq!(compute(&*store, 100, None).await, (2, 2, None));
    assert_eq!(compute(&*store, 100, None).await, (0, 0, None));
    append(&*store, vec![track("m3", &["user_id:u1"], 20)]).await;
    assert_eq!(compute(&*store, 200, None).await, (1, 1, None));
    let profile = store.find_profile("user_id:u1").await.unwrap().unwrap();
    let detail = store.profile(profile).await.unwrap().unwrap();
    assert_eq!(detail.profile.value("visits"), &Value::from(2));
    assert_eq!(detail.profile.computed_at, Some(at(200)));
    assert_eq!(detail.scores[0].value, 2.0 / 3.0, "to the last bit");
    let (name, old, replaced) = &detail.history[0];
    assert_eq!((&**name, &old.value, &old.origin, *replaced), ("visits", &Value::from(1), &Origin::Computed, at(200)));
}

pub(in crate::store) async fn the_same_result_writes_nothing(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada")])).await;
    compute(&*store, 100, None).await;
    stage(&*store, false, Want::new(1)).await;
    let profile = profile_of(&*store, "1").await.unwrap();
    let before = store.profile(profile).await.unwrap().unwrap().profile;
    let (seen, changed, _) =
        store.compute(at(300), true, None, 100, Arc::new(Count { as_of: at(300), due: None })).await.unwrap();
    assert_eq!((seen, changed), (1, 0));
    assert_eq!(store.profile(profile).await.unwrap().unwrap().profile, before);
    assert_eq!(store.stats().await.unwrap().connections[&"hubspot".into()].marked, 0);
}

pub(in crate::store) async fn a_changed_value_marks_the_records(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada")])).await;
    compute(&*store, 100, None).await;
    stage(&*store, false, Want::new(1)).await;
    append(&*store, vec![track("m1", &["email:p1@acme.example"], 10)]).await;
    assert_eq!(store.stats().await.unwrap().connections[&"hubspot".into()].marked, 0);
    assert_eq!(compute(&*store, 200, None).await.1, 1);
    let want = Want::new(1);
    stage(&*store, false, want.clone()).await;
    assert_eq!(want.seen.lock().unwrap()[0].profile.as_ref().unwrap().value("visits"), &Value::from(1));
}

pub(in crate::store) async fn a_due_profile_comes_up_in_time(engine: &dyn Engine) {
    let store = engine.open();
    append(&*store, vec![track("m1", &["user_id:u1"], 10)]).await;
    compute(&*store, 100, Some(500)).await;
    assert_eq!(compute(&*store, 499, Some(500)).await.0, 0);
    assert_eq!(compute(&*store, 500, Some(500)).await, (1, 0, None), "nothing changed but the due time");
    assert_eq!(compute(&*store, 600, Some(500)).await.0, 0, "and it is not due for ever");
}

pub(in crate::store) async fn all_goes_on_where_it_stopped(engine: &dyn Engine) {
    let store = engine.open();
    append(&*store, (0..5).map(|n| track(&format!("m{n}"), &[&format!("user_id:u{n}")], 10)).collect()).await;
    let (mut after, mut seen) = (None, 0);
    loop {
        let count = Arc::new(Count { as_of: at(100), due: None });
        let (looked, changed, next) = store.compute(at(100), true, after, 2, count).await.unwrap();
        assert_eq!(looked, changed);
        seen += looked;
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, 5);
    assert_eq!(store.stats().await.unwrap().stale, 0);
}

pub(in crate::store) async fn deals_count_while_they_live(engine: &dyn Engine) {
    let store = engine.open();
    let deals = StreamKey { connection: "hubspot".into(), stream: Stream::Records(Object::Deal) };
    let nobody = || Arc::new(Plan { nobody: true, ..Plan::default() });
    let deal = |stage: &str, amount: i64| {
        let mut record = Record::new("d1", Fields::new());
        record.deal = Some(facts(stage, amount));
        page_of(deals.clone(), vec![record])
    };
    let mut ada = person("1", "Ada");
    ada.links = Some(vec![deal_link("d1")]);
    apply(&*store, page(vec![ada])).await;
    compute(&*store, 100, None).await;
    let pipeline = async || {
        let profile = profile_of(&*store, "1").await.unwrap();
        store.profile(profile).await.unwrap().unwrap().profile.value("pipeline").clone()
    };
    assert_eq!(store.apply_page(deal("Proposal", 100), nobody()).await.unwrap().profiles_marked, 1);
    compute(&*store, 200, None).await;
    assert_eq!(pipeline().await, Value::from(100));
    assert_eq!(store.apply_page(deal("Won", 250), nobody()).await.unwrap().profiles_marked, 1);
    assert_eq!(compute(&*store, 300, None).await.1, 1);
    assert_eq!(pipeline().await, Value::from(250));
    let profile = profile_of(&*store, "1").await.unwrap();
    let told: Vec<_> = store.timeline(profile, 20).await.unwrap().into_iter().filter(|i| &*i.kind == "deal").collect();
    assert_eq!(told.len(), 2, "one line per stage");
    let mut gone = super::kit::gone(&["d1"]);
    gone.key.stream = Stream::Deletions(Object::Deal);
    apply(&*store, gone).await;
    compute(&*store, 400, None).await;
    assert_eq!(pipeline().await, Value::from(0));
}
