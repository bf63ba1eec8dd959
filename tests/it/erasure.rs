//! A person is forgotten for good (`cdp-semantics` §7, §9 F4; `reliability` 60 and 66).

use std::path::Path;
use std::time::Duration;

use connector::{Clock, Object, Reason, Rejection, Value};
use ferry::config::Vendor;
use ferry::model::{DeadLetterCode, Erasing, Identifier, RunState};
use serde_json::json;

use crate::harbour::{Harbour, at};

const CONTACT: Object = Object::Contact;
const DAY: Duration = Duration::from_secs(86_400);
const ADDRESS: &str = "faisal@nile.example";

async fn harbour(privacy: &str) -> Harbour {
    at_crm(Vendor::Hubspot, privacy, "").await
}

async fn at_crm(vendor: Vendor, privacy: &str, connection: &str) -> Harbour {
    Harbour::around(at("2026-03-01T07:00:00Z"), vec![(vendor, Default::default())], |mocks| {
        let mut config = format!(
            "preset = \"b2b\"\ntimezone = \"UTC\"\n[[source]]\nname = \"website\"\ntype = \"jsonl\"\n[privacy]\n{privacy}\n"
        );
        config.extend(mocks.iter().map(|mock| mock.entry(connection)));
        config
    })
    .await
}

fn lines(prefix: &str) -> String {
    let mut text = String::new();
    let mut add = |line: serde_json::Value| text.push_str(&format!("{line}\n"));
    let at = |minute: u32| format!("2026-03-01T07:{minute:02}:00Z");
    add(json!({ "type": "identify", "messageId": format!("{prefix}-1"), "timestamp": at(1), "userId": "u-fai",
        "anonymousId": "a-fai", "traits": { "email": "Faisal@Nile.example", "firstName": "Faisal", "title": "Director" } }));
    for minute in 2..30 {
        add(
            json!({ "type": "page", "messageId": format!("{prefix}-p{minute}"), "timestamp": at(minute), "userId": "u-fai",
            "properties": { "path": "/pricing" } }),
        );
    }
    // Somebody else's event that names him.
    add(
        json!({ "type": "track", "event": "Invited", "messageId": format!("{prefix}-i"), "timestamp": at(31), "userId": "u-bob",
        "properties": { "guest": "faisal@nile.example" } }),
    );
    // No message at all, and kept for repair.
    text.push_str("{ \"email\": \"faisal@nile.example\" \n");
    text
}

/// How often the address stands in the database and its log, in any spelling.
fn traces(folder: &Path) -> usize {
    let mut found = 0;
    for name in ["ferry.db", "ferry.db-wal"] {
        let Ok(bytes) = std::fs::read(folder.join(name)) else { continue };
        let bytes: Vec<u8> = bytes.iter().map(u8::to_ascii_lowercase).collect();
        found += bytes.windows(ADDRESS.len()).filter(|window| *window == ADDRESS.as_bytes()).count();
    }
    found
}

async fn with_faisal(privacy: &str) -> (Harbour, connector::RecordId) {
    let harbour = harbour(privacy).await;
    let id = meets_faisal(&harbour, Vendor::Hubspot).await;
    (harbour, id)
}

/// He and a colleague are at the CRM, he has been seen here, and what was computed of him is there.
async fn meets_faisal(harbour: &Harbour, vendor: Vendor) -> connector::RecordId {
    let person = |email, name| harbour.mock(vendor).create(&CONTACT, &[("email", email), ("last_name", name)]);
    let (id, other) = (person(ADDRESS, "Nasser"), person("bob@nile.example", "Larsen"));
    assert_ne!(id, other);
    harbour.cycle().await;
    let file = harbour.folder().join("events.jsonl");
    std::fs::write(&file, lines("m")).unwrap();
    let imported = harbour.app.import(&file, "website".into(), &(), &|_| ()).await.unwrap();
    assert_eq!(imported.run.state, RunState::Partial, "one line is no message");
    harbour.advance(Duration::from_secs(3_600));
    harbour.compute().await;
    harbour.push(vendor).await;
    id
}

/// The deletions that a CRM has seen from us.
fn deleted(harbour: &Harbour, vendor: Vendor) -> Vec<String> {
    let written = harbour.mock(vendor).written(0);
    let deletions = written.iter().filter(|line| line["op"] == "delete");
    deletions.map(|line| line["record"].as_str().unwrap().to_owned()).collect()
}

async fn assert_forgotten(harbour: &Harbour) {
    for key in ["email:faisal@nile.example", "user_id:u-fai", "anonymous_id:a-fai"] {
        assert_eq!(harbour.app.store.find_profile(key).await.unwrap(), None, "{key}");
    }
    harbour.app.store.verify().await.unwrap();
    assert_eq!(traces(harbour.folder()), 0, "the address is nowhere in the file");
}

#[tokio::test]
async fn scenario_66_an_erased_person_is_gone_and_nothing_brings_them_back() {
    let (harbour, id) = with_faisal("").await;
    assert!(traces(harbour.folder()) > 0);
    let bob = harbour.profile("user_id:u-bob").await;
    let erased = harbour.app.erase("email:faisal@nile.example").await.unwrap();
    assert_eq!((erased.records.len(), &*erased.records[0].id), (1, id.as_str()), "for a person to look at");
    assert!(erased.receipt.counts["suppressed"] >= 3, "user id, address, record: {:?}", erased.receipt);
    assert_eq!(erased.receipt.counts["events"], 30, "29 of his and one that named him");
    assert!(!format!("{:?}", erased.receipt).contains("nile"));
    assert_forgotten(&harbour).await;

    // He is still at the CRM and sends again: a full pull, an update there, and his events bring nothing back.
    harbour.mock(Vendor::Hubspot).edit(&CONTACT, &id, &[("first_name", "Faysal")]);
    harbour.advance(Duration::from_secs(600));
    let what = ferry::app::Pulling { full: true, object: None, sweeps: ferry::app::Sweeps::All };
    let pulled = harbour.app.pull(harbour.connection(Vendor::Hubspot), what, &()).await.unwrap();
    assert!(pulled.iter().any(|finished| finished.run.counts.skipped > 0), "counted as skipped");
    let before = harbour.app.store.source_health().await.unwrap()["website"].suppressed;
    let again = json!({ "type": "page", "messageId": "later", "userId": "u-fai", "properties": { "path": "/" } });
    harbour.import(&format!("{again}\n")).await;
    let health = harbour.app.store.source_health().await.unwrap();
    assert_eq!(health["website"].suppressed - before, 1);
    harbour.cycle().await;
    assert_forgotten(&harbour).await;
    harbour.assert_rest().await;

    // A device is nobody: alone it begins a new profile without history.
    let device =
        json!({ "type": "page", "messageId": "device", "anonymousId": "a-fai", "properties": { "path": "/" } });
    harbour.import(&format!("{device}\n")).await;
    assert_eq!(harbour.profile("anonymous_id:a-fai").await.events, 1);
    assert_eq!(harbour.profile("user_id:u-bob").await.profile.id, bob.profile.id, "nobody else is touched");
}

#[tokio::test]
async fn scenario_66_an_erasure_that_was_broken_off_goes_on_at_the_next_start() {
    let (mut harbour, _) = with_faisal("").await;
    let erasing =
        Erasing { key: ADDRESS.into(), named: Identifier::parse_key(ADDRESS), clear: Vec::new(), delete: Vec::new() };
    let now = harbour.clock.now();
    let id = harbour.app.store.begin_erasure(erasing, now).await.unwrap();
    for _ in 0..3 {
        harbour.app.store.erase_step(id, now, 5).await.unwrap();
    }
    harbour = harbour.restart().await;
    // Between the two he is already out: neither the CRM nor his own events can bring him in.
    harbour.cycle().await;
    assert_eq!(harbour.app.store.find_profile("email:faisal@nile.example").await.unwrap(), None);
    let resumed = harbour.app.resume_erasures().await.unwrap();
    assert_eq!((resumed.len(), resumed[0].receipt.id, resumed[0].records.len()), (1, id, 1));
    assert_forgotten(&harbour).await;
    assert_eq!(harbour.app.resume_erasures().await.unwrap().len(), 0);
}

#[tokio::test]
async fn our_fields_at_the_crm_are_emptied_where_that_is_wanted() {
    let (harbour, id) = with_faisal("on_erase = \"clear_fields\"\n").await;
    let value = |name: &'static str| harbour.value(Vendor::Hubspot, &CONTACT, &id, name);
    assert_eq!(value("page_views_30d").await, Value::from(28));
    harbour.app.erase("user_id:u-fai").await.unwrap();
    harbour.advance(Duration::from_secs(60));
    let run = harbour.push(Vendor::Hubspot).await.remove(0);
    assert_eq!((run.state, run.counts.updated), (RunState::Done, 1), "{run:?}");
    for name in ["page_views_30d", "score_engagement", "profile_id"] {
        assert_eq!(value(name).await, Value::Null, "{name}");
    }
    assert_eq!(value("email").await, Value::from(ADDRESS), "what is the CRM's stays");
    harbour.app.store.prune(at("2020-01-01T00:00:00Z")).await.unwrap();
    assert_forgotten(&harbour).await;
    harbour.cycle().await;
    harbour.assert_rest().await;
}

#[tokio::test]
async fn whoever_is_only_suppressed_is_kept_and_left_alone() {
    let (harbour, id) = with_faisal("").await;
    let store = &harbour.app.store;
    let named = || Identifier::parse_key(ADDRESS);
    assert!(store.suppress(ADDRESS, named(), harbour.clock.now()).await.unwrap() >= 3);
    let page = |id: &str| json!({ "type": "page", "messageId": id, "userId": "u-fai", "properties": { "path": "/" } });
    harbour.import(&format!("{}\n", page("s-1"))).await;
    assert_eq!(harbour.profile("user_id:u-fai").await.events, 29, "nothing new");
    let views = harbour.value(Vendor::Hubspot, &CONTACT, &id, "page_views_30d").await;
    harbour.advance(DAY * 40);
    harbour.cycle().await;
    assert_eq!(harbour.value(Vendor::Hubspot, &CONTACT, &id, "page_views_30d").await, views, "and nothing is written");
    assert!(store.unsuppress(ADDRESS, named()).await.unwrap() >= 3);
    harbour.import(&format!("{}\n", page("s-2"))).await;
    harbour.cycle().await;
    assert_eq!(harbour.profile("user_id:u-fai").await.events, 30);
    assert_ne!(harbour.value(Vendor::Hubspot, &CONTACT, &id, "page_views_30d").await, views);
}

#[tokio::test]
async fn scenario_60_the_store_comes_to_a_plateau() {
    let harbour =
        harbour("retention = { events = \"60d\", anonymous_profiles = \"60d\", raw_payloads = \"30d\" }\n").await;
    let mut sizes = Vec::new();
    for month in 0..9 {
        let now = harbour.clock.now();
        let mut text = String::new();
        for number in 0..1_500 {
            let line = json!({ "type": "page", "messageId": format!("m-{month}-{number}"), "timestamp": now.to_rfc3339(),
                "anonymousId": format!("a-{month}-{}", number / 3), "properties": { "path": "/", "note": "x".repeat(200) } });
            text.push_str(&format!("{line}\n"));
        }
        // One who comes every month, the first time through a campaign.
        let came_by = if month == 0 { "autumn" } else { "newsletter" };
        let known = json!({ "type": "page", "messageId": format!("k-{month}"), "timestamp": now.to_rfc3339(), "userId": "u-1",
            "anonymousId": "k", "properties": { "path": "/pricing" }, "context": { "campaign": { "source": came_by } } });
        harbour.import(&format!("{text}{known}\n")).await;
        harbour.compute().await;
        harbour.advance(DAY * 30);
        harbour.app.retain().await.unwrap();
        harbour.app.store.prune(harbour.clock.now().saturating_sub(DAY * 90)).await.unwrap();
        harbour.app.store.verify().await.unwrap();
        sizes.push(harbour.app.store.sizes().await.unwrap().database_bytes);
    }
    assert!(sizes[8] <= sizes[3] + sizes[3] / 50, "a page more or less, and it grows no more: {sizes:?}");
    let stats = harbour.app.store.stats().await.unwrap();
    assert!(stats.profiles <= 1_001 && stats.events <= 3_002, "{stats:?}");
    let known = harbour.profile("user_id:u-1").await;
    assert!(known.events <= 2, "{}", known.events);
    assert_eq!(known.profile.value("first_touch_source"), &Value::from("autumn"), "the first touch is not forgotten");
}

const DELETES: &str = "on_erase = \"delete_record\"\n";

#[tokio::test]
async fn the_record_at_the_crm_is_deleted_where_that_is_wanted() {
    for vendor in [Vendor::Hubspot, Vendor::Salesforce, Vendor::Dynamics, Vendor::Zoho] {
        let harbour = at_crm(vendor, DELETES, "").await;
        let id = meets_faisal(&harbour, vendor).await;
        let erased = harbour.app.erase("user_id:u-fai").await.unwrap();
        assert!(erased.records[0].will_be_deleted, "{vendor:?}");
        assert_eq!(erased.receipt.counts["to_delete_at_crm"], 1, "{vendor:?}: {:?}", erased.receipt);
        // Somebody looks at every linked record before it is gone: the order stands.
        let what = ferry::app::Pushing { full: true, ..Default::default() };
        harbour.advance(Duration::from_secs(60));
        let pushed = harbour.app.push(harbour.connection(vendor), what, &()).await.unwrap();
        let gone: u64 = pushed.iter().map(|finished| finished.run.counts.deleted).sum();
        assert_eq!(gone, 1, "{vendor:?}: {pushed:?}\n{:?}", harbour.dead_letters().await);
        assert_eq!(deleted(&harbour, vendor), [id.as_str()], "{vendor:?}");
        let receipt = harbour.app.store.erasures().await.unwrap().remove(0);
        assert_eq!((receipt.counts["deleted_at_crm"], receipt.counts.get("to_delete_at_crm")), (1, None), "{vendor:?}");
        // Nothing brings him back, and there is nothing more to say to anybody.
        harbour.cycle().await;
        harbour.app.store.prune(at("2020-01-01T00:00:00Z")).await.unwrap();
        assert_forgotten(&harbour).await;
        harbour.assert_rest().await;
        assert_eq!(harbour.ids(vendor, &CONTACT).await.len(), 1, "{vendor:?}: his colleague is there");
        assert_eq!(harbour.dead_letters().await, [], "{vendor:?}");
    }
}

#[tokio::test]
async fn nothing_is_deleted_where_ferry_only_reads_or_only_plans() {
    for (privacy, connection) in
        [("", "mode = \"pull_only\""), ("", "mode = \"dry_run\""), ("[safety]\nmode = \"dry_run\"\n", "")]
    {
        let harbour = at_crm(Vendor::Hubspot, &format!("{DELETES}{privacy}"), connection).await;
        meets_faisal(&harbour, Vendor::Hubspot).await;
        let erased = harbour.app.erase("user_id:u-fai").await.unwrap();
        assert_eq!((erased.records.len(), erased.records[0].will_be_deleted), (1, false), "{privacy}{connection}");
        harbour.cycle().await;
        assert_eq!(deleted(&harbour, Vendor::Hubspot), Vec::<String>::new(), "{privacy}{connection}");
        assert_forgotten(&harbour).await;
    }
}

#[tokio::test]
async fn a_deletion_that_is_refused_is_told_and_tried_again_when_somebody_says_so() {
    let config = crate::world::mapped("city = { field = \"city\", direction = \"push\" }");
    let world = crate::world::World::with(&format!("{config}\n[privacy]\n{DELETES}"));
    let ids = ["ada", "bob", "cy"].map(|name| world.contact(&[("email", &format!("{name}@acme.example"))]));
    world.sync().await;
    let rejection = Rejection {
        reason: Reason::Forbidden,
        code: "NO_RIGHT".into(),
        message: "you may not".into(),
        fields: Vec::new(),
    };
    for id in &ids[..2] {
        world.crm.reject_record(id, rejection.clone());
    }
    for id in &ids {
        world.app.erase(&format!("crm:acme:contact:{id}")).await.unwrap();
    }
    let run = world.push().await;
    assert_eq!((run.state, run.counts.deleted, run.counts.failed), (RunState::Partial, 1, 2), "{run:?}");
    let letters = world.dead_letters().await;
    assert!(letters.iter().all(|letter| letter.code == DeadLetterCode::EraseRefused), "{letters:?}");
    assert!(letters[0].cause.contains("NO_RIGHT") && letters[0].fix.contains("ferry failures retry"), "{letters:?}");
    let counts = |receipts: &[ferry::model::Receipt], word: &str| -> u64 {
        receipts.iter().filter_map(|receipt| receipt.counts.get(word)).sum()
    };
    let store = &world.app.store;
    store.prune(at("2020-01-01T00:00:00Z")).await.unwrap();
    let receipts = store.erasures().await.unwrap();
    assert_eq!((counts(&receipts, "deleted_at_crm"), counts(&receipts, "refused_by_crm")), (1, 2));

    // One is tried again, and one is given up.
    world.crm.mend();
    assert!(store.retry_dead_letter(letters[0].id, None).await.unwrap());
    assert!(store.drop_dead_letter(letters[1].id).await.unwrap());
    let run = world.push().await;
    assert_eq!((run.state, run.counts.deleted), (RunState::Done, 1), "{run:?}");
    let receipts = store.erasures().await.unwrap();
    assert_eq!((counts(&receipts, "deleted_at_crm"), counts(&receipts, "refused_by_crm")), (2, 1));
    assert_eq!(world.crm.ids(&CONTACT), [ids[1].clone()], "what was given up is the CRM's");
    store.prune(at("2020-01-01T00:00:00Z")).await.unwrap();
    store.verify().await.unwrap();
    let stats = store.stats().await.unwrap();
    let kept: u64 = stats.connections.values().flat_map(|of| of.objects.values()).map(|of| of.records).sum();
    assert_eq!(kept, 0, "nothing of them is kept here");
    world.assert_rest().await;
}

#[tokio::test]
async fn a_record_that_somebody_else_deleted_first_is_no_failure() {
    let (harbour, id) = with_faisal(DELETES).await;
    harbour.app.erase("user_id:u-fai").await.unwrap();
    harbour.mock(Vendor::Hubspot).delete(&CONTACT, &id);
    harbour.advance(Duration::from_secs(60));
    let run = harbour.push(Vendor::Hubspot).await.remove(0);
    assert_eq!((run.state, run.counts.failed), (RunState::Done, 0), "{run:?}");
    assert_eq!(deleted(&harbour, Vendor::Hubspot), Vec::<String>::new());
    harbour.cycle().await;
    harbour.app.store.prune(at("2020-01-01T00:00:00Z")).await.unwrap();
    assert_forgotten(&harbour).await;
    harbour.assert_rest().await;
}
