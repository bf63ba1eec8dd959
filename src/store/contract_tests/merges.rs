//! Two become one: at the CRM, and by identity.

use std::sync::Arc;

use connector::{Fields, Object, Record, Stream, Tombstone, Value};

use super::engine::Engine;
use super::kit::{
    Plan, append, apply, at, contact, deal_link, gone, into_contact, page, page_of, person, profile_of, track,
};
use super::wishes::{Want, lease, queued, settle, stage, written};
use crate::model::{IdentifierKind, Origin};
use crate::store::{Fate, IncomingPage, StreamKey};

/// `winner` as the CRM shows it after `losers` were merged into it.
fn merged(winner: &str, losers: &[&str]) -> Record {
    let mut record = person(winner, "Ada");
    record.merged_ids = losers.iter().map(|id| (*id).into()).collect();
    record
}

pub(in crate::store) async fn a_merge_at_the_crm_merges_everything(engine: &dyn Engine) {
    let store = engine.open();
    let mut two = person("2", "Bo");
    two.links = Some(vec![deal_link("d1")]);
    apply(&*store, page(vec![person("1", "Ada"), two])).await;
    append(&*store, vec![track("m1", &["email:p2@acme.example"], 10)]).await;
    stage(&*store, false, Want::new(10)).await;
    let uid = store.profile(profile_of(&*store, "2").await.unwrap()).await.unwrap().unwrap().profile.uid;
    let plan = Arc::new(Plan::default());
    let report = store.apply_page(page(vec![merged("1", &["2", "2", "1", "old"])]), plan.clone()).await.unwrap();
    assert_eq!(report.counts.merged, 1);
    assert_eq!(plan.asked.lock().unwrap()[0].merged[0].key, contact("2"));
    let survivor = profile_of(&*store, "1").await.unwrap();
    assert_eq!(profile_of(&*store, "2").await, Some(survivor));
    assert_eq!(profile_of(&*store, "old").await, Some(survivor), "an id never seen is an alias as well");
    assert_eq!(store.find_profile(&uid.to_string()).await.unwrap(), Some(survivor));
    let detail = store.profile(survivor).await.unwrap().unwrap();
    assert_eq!((detail.records.len(), detail.events), (1, 1));
    let emails = detail.identifiers.iter().filter(|identifier| identifier.kind == IdentifierKind::Email).count();
    assert_eq!(emails, 2);
    let entries = queued(&*store).await;
    assert_eq!(entries.len(), 1, "one live entry per record");
    assert_eq!(entries[0].intent.record, Some(contact("1")));
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.profiles, stats.connections[&"hubspot".into()].objects[&Object::Contact].records), (1, 1));
    store.verify().await.unwrap();
}

pub(in crate::store) async fn an_update_of_a_merged_id_reaches_the_survivor(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada"), person("2", "Bo")])).await;
    apply(&*store, page(vec![merged("1", &["2"])])).await;
    let plan = Arc::new(Plan::default());
    let report = store.apply_page(page(vec![person("2", "Late")]), plan.clone()).await.unwrap();
    assert_eq!((report.counts.updated, report.counts.created), (1, 0));
    assert_eq!(plan.asked.lock().unwrap()[0].record.as_ref().unwrap().key, contact("1"));
    // The survivor as it was before is looked at, because what is stored of it is another record's content now.
    assert_eq!(apply(&*store, page(vec![merged("1", &["2"])])).await.counts.updated, 1);
    assert_eq!(apply(&*store, gone(&["2"])).await.counts.deleted, 0, "a merge is not a deletion");
    store.verify().await.unwrap();
}

pub(in crate::store) async fn chains_of_merges_end_at_the_last(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "A"), person("2", "B"), person("3", "C")])).await;
    apply(&*store, page(vec![merged("2", &["1"])])).await;
    apply(&*store, page(vec![merged("3", &["2"])])).await;
    let last = profile_of(&*store, "3").await;
    assert!(last.is_some());
    assert_eq!([profile_of(&*store, "1").await, profile_of(&*store, "2").await], [last, last]);
    // Saying it again in the other direction moves nothing and loops nowhere.
    apply(&*store, page(vec![merged("1", &["3"])])).await;
    assert_eq!(store.stats().await.unwrap().profiles, 1);
    store.verify().await.unwrap();
}

pub(in crate::store) async fn a_merge_seen_after_its_loser_was_archived_still_joins(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada"), person("2", "Bo")])).await;
    append(&*store, vec![track("m1", &["email:p2@acme.example"], 10)]).await;
    assert_eq!(apply(&*store, gone(&["2"])).await.counts.deleted, 1, "the sweep of deletions came first");
    apply(&*store, page(vec![merged("3", &["1", "2"])])).await;
    let joined = profile_of(&*store, "3").await.unwrap();
    assert_eq!([profile_of(&*store, "1").await, profile_of(&*store, "2").await], [Some(joined), Some(joined)]);
    assert_eq!(store.profile(joined).await.unwrap().unwrap().events, 1);
    store.verify().await.unwrap();
}

pub(in crate::store) async fn a_tombstone_may_say_merged(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada"), person("2", "Bo")])).await;
    let notice = |id: &str, into: &str| Tombstone {
        id: id.into(),
        deleted_at: Some(at(500)),
        merged_into: Some(into_contact(into)),
    };
    let merge = |notices| IncomingPage { tombstones: notices, ..gone(&[]) };
    let report = apply(&*store, merge(vec![notice("2", "1"), notice("2", "1"), notice("1", "1")])).await;
    assert_eq!((report.counts.merged, report.counts.deleted), (1, 0));
    assert_eq!(profile_of(&*store, "2").await, profile_of(&*store, "1").await);
    assert_eq!(store.stats().await.unwrap().profiles, 1);
    // Into a record that has not been pulled: the stored one becomes it.
    let profile = profile_of(&*store, "1").await;
    apply(&*store, merge(vec![notice("1", "9")])).await;
    assert_eq!(profile_of(&*store, "9").await, profile);
    let plan = Arc::new(Plan::default());
    store.apply_page(page(vec![person("9", "Ada")]), plan.clone()).await.unwrap();
    assert!(plan.asked.lock().unwrap()[0].record.is_some(), "the pull finds it as known");
    store.verify().await.unwrap();
}

pub(in crate::store) async fn better_traits_survive_and_the_others_are_history(engine: &dyn Engine) {
    let store = engine.open();
    let (mut a, facts) = track("m1", &["anonymous_id:a1"], 10);
    a.traits = vec![("firstname".into(), "Old".into()), ("city".into(), "Berlin".into())];
    let (mut b, more) = track("m2", &["user_id:u1"], 20);
    b.traits = vec![("firstname".into(), "New".into()), ("plan".into(), "pro".into())];
    append(&*store, vec![(a, facts), (b, more)]).await;
    append(&*store, vec![track("m3", &["user_id:u1", "anonymous_id:a1"], 30)]).await;
    let id = store.find_profile("user_id:u1").await.unwrap().unwrap();
    let detail = store.profile(id).await.unwrap().unwrap();
    let value = |name: &str| detail.profile.value(name).clone();
    assert_eq!([value("firstname"), value("city"), value("plan")], ["New", "Berlin", "pro"].map(Value::from));
    assert_eq!(detail.history.len(), 1);
    assert_eq!((&*detail.history[0].0, &detail.history[0].1.value), ("firstname", &"Old".into()));
    assert_eq!(detail.history[0].1.origin, Origin::Identify("web".into()));
    assert_eq!((detail.profile.known, detail.profile.first_seen), (true, at(10)));
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.profiles, stats.stale), (1, 1));
}

pub(in crate::store) async fn a_merge_leaves_one_create(engine: &dyn Engine) {
    let store = engine.open();
    append(&*store, vec![track("m1", &["email:one@acme.example"], 10), track("m2", &["email:two@acme.example"], 10)])
        .await;
    stage(&*store, true, Want::new(10)).await;
    assert_eq!(queued(&*store).await.len(), 2);
    append(&*store, vec![track("m3", &["email:one@acme.example", "email:two@acme.example"], 20)]).await;
    assert_eq!(queued(&*store).await.len(), 1);
    // Out at the CRM, a create survives its profile's merge and links to the survivor.
    let sent = lease(&*store, 5_000).await.remove(0);
    append(&*store, vec![track("m4", &["user_id:u9"], 5)]).await;
    append(&*store, vec![track("m5", &["user_id:u9", "email:one@acme.example"], 30)]).await;
    settle(&*store, at(5_001), vec![written(&sent, Fate::Linked { id: "9".into(), url: None })]).await;
    assert_eq!(profile_of(&*store, "9").await, store.find_profile("user_id:u9").await.unwrap());
    store.verify().await.unwrap();
}

pub(in crate::store) async fn associations_follow_their_newest_reading(engine: &dyn Engine) {
    let store = engine.open();
    let deals = StreamKey { connection: "hubspot".into(), stream: Stream::Records(Object::Deal) };
    let links = StreamKey { connection: "hubspot".into(), stream: Stream::Associations(Object::Contact) };
    // The association arrives before either record; then the deal, then the person.
    let lists = |ids: &[&str]| {
        let mut record = Record::new("1", Fields::new());
        record.links = Some(ids.iter().map(|id| deal_link(id)).collect());
        page_of(links.clone(), vec![record])
    };
    let nobody = || Arc::new(Plan { nobody: true, ..Plan::default() });
    apply(&*store, lists(&["d1"])).await;
    store.apply_page(page_of(deals.clone(), vec![deal("d1", "1")]), nobody()).await.unwrap();
    apply(&*store, page(vec![person("1", "Ada")])).await;
    let profile = profile_of(&*store, "1").await.unwrap();
    let names =
        |detail: crate::store::ProfileDetail| detail.deals.iter().map(|deal| deal.id.to_string()).collect::<Vec<_>>();
    assert_eq!(names(store.profile(profile).await.unwrap().unwrap()), ["d1"], "listed from both sides, once");
    let report = apply(&*store, lists(&["d1"])).await;
    assert_eq!((report.counts.unchanged, report.profiles_marked), (1, 0));
    // The person's newer reading no longer lists it; the deal's older one does not bring it back.
    apply(&*store, lists(&[])).await;
    assert!(names(store.profile(profile).await.unwrap().unwrap()).is_empty());
    store.apply_page(page_of(deals, vec![deal("d1", "1")]), nobody()).await.unwrap();
    assert!(names(store.profile(profile).await.unwrap().unwrap()).is_empty());
    store.verify().await.unwrap();
}

fn deal(id: &str, person: &str) -> Record {
    let mut record = Record::new(id, Fields::new());
    record.links = Some(vec![connector::Link { object: Object::Contact, id: person.into() }]);
    record.deal = Some(super::kit::facts("Proposal", 100));
    record
}

pub(in crate::store) async fn a_moved_record_leaves_its_old_profile(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada"), person("2", "Bo")])).await;
    let two = profile_of(&*store, "2").await.unwrap();
    #[derive(Debug)]
    struct Move(crate::model::ProfileId);
    impl crate::store::PlanRecords for Move {
        fn decide(
            &self,
            incoming: &crate::store::Incoming,
            known: &crate::store::Known,
            graph: &dyn crate::model::Graph,
            load: &dyn Fn(crate::model::ProfileId) -> Option<crate::model::Profile>,
        ) -> crate::store::RecordDecision {
            assert_eq!(load(self.0).unwrap().id, self.0, "a decision can read any profile");
            let resolution = crate::model::Resolution::of(crate::model::Whose::Existing(self.0));
            crate::store::RecordDecision { resolution, ..Plan::default().decide(incoming, known, graph, load) }
        }
        fn guard(&self, _: &crate::store::Guard) -> crate::store::Verdict {
            crate::store::Verdict::Go
        }
    }
    let one = profile_of(&*store, "1").await.unwrap();
    store.apply_page(page(vec![person("1", "Moved")]), Arc::new(Move(two))).await.unwrap();
    assert_eq!(profile_of(&*store, "1").await, Some(two));
    assert!(store.profile(one).await.unwrap().unwrap().records.is_empty());
    let parted = store.timeline(one, 10).await.unwrap();
    assert!(parted.iter().any(|item| &*item.title == "parted from crm:hubspot:contact"), "{parted:?}");
}

pub(in crate::store) async fn a_merge_is_followed_after_the_loser_was_reported_deleted(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada"), person("2", "Bo")])).await;
    apply(&*store, gone(&["2"])).await;
    let two = profile_of(&*store, "2").await.unwrap();
    let plan = Arc::new(Plan::default());
    store.apply_page(page(vec![merged("1", &["2"])]), plan.clone()).await.unwrap();
    assert_eq!(plan.asked.lock().unwrap()[0].merged[0].profile, Some(two));
    assert_eq!(profile_of(&*store, "2").await, profile_of(&*store, "1").await);
    assert_eq!(store.stats().await.unwrap().profiles, 1);
    store.verify().await.unwrap();
}

pub(in crate::store) async fn a_winner_known_only_from_an_association_takes_what_is_stored(engine: &dyn Engine) {
    let store = engine.open();
    apply(&*store, page(vec![person("1", "Ada")])).await;
    let deals = StreamKey { connection: "hubspot".into(), stream: Stream::Records(Object::Deal) };
    let nobody = Arc::new(Plan { nobody: true, ..Plan::default() });
    store.apply_page(page_of(deals, vec![deal("d1", "9")]), nobody).await.unwrap();
    let profile = profile_of(&*store, "1").await.unwrap();
    let notice = Tombstone { id: "1".into(), deleted_at: Some(at(500)), merged_into: Some(into_contact("9")) };
    apply(&*store, IncomingPage { tombstones: vec![notice], ..gone(&[]) }).await;
    let detail = store.profile(profile).await.unwrap().unwrap();
    assert_eq!(detail.records.iter().map(|record| record.key.clone()).collect::<Vec<_>>(), [contact("9")]);
    assert!(!detail.records[0].archived && detail.records[0].mirror.get("firstname").is_some());
    assert_eq!(detail.deals.len(), 1, "the winner's associations stay");
    assert_eq!(stage(&*store, true, Want::new(10)).await.queued, 1, "an update of the winner, and no create");
    assert_eq!(queued(&*store).await[0].intent.record, Some(contact("9")));
    store.verify().await.unwrap();
}
