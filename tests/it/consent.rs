//! What a person allows, from the message that says so to the write that is not made (`cdp-semantics` §7, §9 F1–F3).

use std::time::Duration;

use connector::{Object, RecordId, Value};
use ferry::config::Vendor;
use ferry::model::{Purpose, RunState};
use serde_json::json;

use crate::harbour::{Harbour, at};

const CONTACT: Object = Object::Contact;

const PRIVACY: &str = r#"
[[source]]
name = "website"
type = "jsonl"

[privacy]
categories = { Sales = "sales", Analytics = "analytics" }
"#;

async fn harbour(more: &str) -> (Harbour, RecordId) {
    let harbour = Harbour::around(at("2026-03-01T07:00:00Z"), vec![(Vendor::Hubspot, Default::default())], |mocks| {
        let mut config = format!("preset = \"b2b\"\ntimezone = \"UTC\"\n{PRIVACY}\n");
        config.extend(mocks.iter().map(|mock| mock.entry(more)));
        config
    })
    .await;
    let id = harbour.mock(Vendor::Hubspot).create(&CONTACT, &[("email", "faisal@nile.example")]);
    harbour.cycle().await;
    (harbour, id)
}

fn message(id: &str, at: &str, what: serde_json::Value) -> String {
    let mut message = json!({ "messageId": id, "timestamp": at, "userId": "u-fai", "type": "track" });
    for (key, value) in what.as_object().unwrap() {
        message[key] = value.clone();
    }
    format!("{message}\n")
}

fn page(id: &str, at: &str) -> String {
    message(id, at, json!({ "type": "page", "properties": { "path": "/pricing" } }))
}

fn consent(id: &str, at: &str, preferences: serde_json::Value) -> String {
    let context = json!({ "consent": { "categoryPreferences": preferences } });
    message(id, at, json!({ "event": "Segment Consent Preference Updated", "context": context }))
}

fn identify() -> String {
    message("m-id", "2026-03-01T07:30:00Z", json!({ "type": "identify", "traits": { "email": "faisal@nile.example" } }))
}

#[tokio::test]
async fn scenario_67_consent_withdrawn_between_plan_and_send_cancels_the_write() {
    let (harbour, id) = harbour("").await;
    let granted = consent("m-yes", "2026-03-01T07:30:01Z", json!({ "Sales": true, "Analytics": true }));
    harbour.import(&(identify() + &granted + &page("m-1", "2026-03-01T07:31:00Z"))).await;
    harbour.advance(Duration::from_secs(3_600));
    harbour.compute().await;
    // A push that the CRM would not take leaves the row queued, as one does that dies after staging.
    let hubspot = harbour.mock(Vendor::Hubspot);
    hubspot.plan(json!([{ "method": "POST", "path": "/crm/*", "times": 50, "fault": "429" }]));
    harbour.push(Vendor::Hubspot).await;
    let connection = harbour.connection(Vendor::Hubspot).name().clone();
    let queued = || harbour.app.store.outbox(&connection, &CONTACT, 100);
    assert_eq!(queued().await.unwrap().len(), 1, "the score is on its way");
    hubspot.plan(json!([]));

    harbour.import(&consent("m-no", "2026-03-01T08:18:00Z", json!({ "Sales": false, "Analytics": true }))).await;
    harbour.advance(Duration::from_secs(600));
    let seq = hubspot.seq();
    let run = harbour.push(Vendor::Hubspot).await.remove(0);
    assert_eq!((run.state, run.counts.skipped), (RunState::Done, 1), "{run:?}");
    let values = |line: &serde_json::Value| line["after"].as_object().cloned().unwrap_or_default();
    let told: Vec<String> = hubspot
        .written(seq)
        .iter()
        .flat_map(values)
        .filter(|(name, _)| name.starts_with("cdp_"))
        .filter(|(name, value)| name != "cdp_profile_id" && !value.is_null() && value != "")
        .map(|(name, _)| name)
        .collect();
    assert_eq!(told, Vec::<String>::new(), "nothing is told, only taken back");
    assert_eq!(queued().await.unwrap().len(), 0);
    let journal = harbour.app.store.run(&run.id.to_string()).await.unwrap().unwrap().1;
    let cancelled: Vec<_> = journal.iter().filter(|row| &*row.outcome == "cancelled").collect();
    assert!(cancelled.iter().any(|row| &*row.field == "cdp_page_views_30d" && row.to == json!(1)), "{journal:?}");
    assert!(cancelled.iter().all(|row| &*row.origin == "consent:sales"), "{journal:?}");
    assert!(journal.iter().all(|row| &*row.outcome == "cancelled" || row.to.is_null()), "{journal:?}");
    let profile = harbour.profile("user_id:u-fai").await.profile.id;
    let timeline = harbour.app.store.timeline(profile, 100).await.unwrap();
    assert!(timeline.iter().any(|item| &*item.title == "Consent withdrawn (sales)"), "{timeline:?}");
    assert_eq!(harbour.value(Vendor::Hubspot, &CONTACT, &id, "page_views_30d").await, Value::Null);
    harbour.assert_rest().await;

    // The person allows it again, and the CRM learns what it missed.
    harbour.import(&consent("m-again", "2026-03-01T09:30:00Z", json!({ "Sales": true, "Analytics": true }))).await;
    harbour.advance(Duration::from_secs(7_200));
    harbour.cycle().await;
    assert_eq!(harbour.value(Vendor::Hubspot, &CONTACT, &id, "page_views_30d").await, Value::from(1));
}

#[tokio::test]
async fn what_ferry_wrote_is_taken_back_and_contact_data_stays() {
    let (harbour, id) = harbour("").await;
    let value = |name: &'static str| harbour.value(Vendor::Hubspot, &CONTACT, &id, name);
    harbour.import(&(identify() + &page("m-1", "2026-03-01T07:31:00Z"))).await;
    harbour.advance(Duration::from_secs(3_600));
    harbour.cycle().await;
    assert_eq!(value("page_views_30d").await, Value::from(1));
    harbour.import(&consent("m-no", "2026-03-01T08:00:00Z", json!({ "Sales": false, "Analytics": true }))).await;
    harbour.cycle().await;
    for name in ["page_views_30d", "visits_30d", "score_engagement", "last_seen_at"] {
        assert_eq!(value(name).await, Value::Null, "{name}");
    }
    assert_eq!(value("email").await, Value::from("faisal@nile.example"));
    assert_ne!(
        harbour.profile("user_id:u-fai").await.profile.value("page_views_30d"),
        &Value::Null,
        "analytics goes on"
    );
    harbour.assert_rest().await;
}

#[tokio::test]
async fn without_analytics_only_consent_is_kept_and_nothing_is_computed() {
    let (harbour, _) = harbour("").await;
    harbour.import(&(identify() + &page("m-1", "2026-03-01T07:31:00Z"))).await;
    harbour.advance(Duration::from_secs(3_600));
    harbour.compute().await;
    let denied = consent("m-no", "2026-03-01T08:00:00Z", json!({ "Sales": true, "Analytics": false }));
    harbour.import(&(denied + &page("m-2", "2026-03-01T08:01:00Z"))).await;
    // By its own word only this one message may not be used.
    let own = json!({ "type": "page", "userId": "u-new", "context": { "consent": { "categoryPreferences": {} } } });
    harbour.import(&message("m-3", "2026-03-01T08:02:00Z", own)).await;
    harbour.compute().await;
    let detail = harbour.profile("user_id:u-fai").await;
    assert_eq!(detail.events, 3, "identify, the page before, and the consent event");
    assert_eq!((detail.profile.computed.len(), detail.scores.len()), (0, 0));
    assert_eq!(harbour.app.store.find_profile("user_id:u-new").await.unwrap(), None);
    let consents = harbour.app.store.consents(detail.profile.id).await.unwrap();
    assert_eq!((consents.shown(Purpose::Analytics), consents.shown(Purpose::Sales)), ("denied", "granted"));
    // It counts again from the moment it is allowed.
    let granted = consent("m-yes", "2026-03-01T08:05:00Z", json!({ "Sales": true, "Analytics": true }));
    harbour.import(&(granted + &page("m-4", "2026-03-01T08:06:00Z"))).await;
    harbour.advance(Duration::from_secs(3_600));
    harbour.compute().await;
    assert_eq!(harbour.profile("user_id:u-fai").await.profile.value("page_views_30d"), &Value::from(2));
}

#[tokio::test]
async fn of_two_people_who_are_one_the_newest_decision_counts_and_a_tie_denies() {
    let (harbour, _) = harbour("").await;
    let by = |id: &str, when: &str, anonymous: &str, sales: bool| {
        let context = json!({ "consent": { "categoryPreferences": { "Sales": sales, "Analytics": true } } });
        let what = json!({ "type": "track", "messageId": id, "timestamp": when, "anonymousId": anonymous,
            "event": "Segment Consent Preference Updated", "context": context });
        format!("{what}\n")
    };
    for (first, second, allowed) in
        [("07:01:00", "07:02:00", true), ("07:02:00", "07:01:00", false), ("07:01:00", "07:01:00", false)]
    {
        let name = format!("a-{first}-{second}");
        let lines = by(&format!("{name}-1"), &format!("2026-03-01T{first}Z"), &name, false)
            + &format!(
                "{}\n",
                json!({ "type": "identify", "messageId": format!("{name}-2"), "timestamp": "2026-03-01T06:00:00Z", "userId": format!("u-{name}") })
            )
            + &by(&format!("{name}-3"), &format!("2026-03-01T{second}Z"), &name, true)
                .replace("\"anonymousId\"", "\"x\"")
                .replace("\"type\"", &format!("\"userId\":\"u-{name}\",\"type\""))
            + &format!(
                "{}\n",
                json!({ "type": "identify", "messageId": format!("{name}-4"), "timestamp": "2026-03-01T07:05:00Z", "userId": format!("u-{name}"), "anonymousId": name })
            );
        harbour.import(&lines).await;
        let profile = harbour.profile(&format!("user_id:u-{name}")).await.profile.id;
        assert_eq!(harbour.app.store.find_profile(&format!("anonymous_id:{name}")).await.unwrap(), Some(profile));
        let consents = harbour.app.store.consents(profile).await.unwrap();
        assert_eq!((consents.decisions.len(), consents.allows(Purpose::Sales)), (4, allowed), "{consents:?}");
    }
}

#[tokio::test]
async fn scenario_67_consent_is_read_again_in_the_transaction_that_lets_a_write_out() {
    let (harbour, _) = harbour("").await;
    harbour.import(&(identify() + &page("m-1", "2026-03-01T07:31:00Z"))).await;
    harbour.advance(Duration::from_secs(3_600));
    harbour.compute().await;
    let hubspot = harbour.mock(Vendor::Hubspot);
    hubspot.plan(json!([{ "method": "POST", "path": "/crm/*", "times": 50, "fault": "429" }]));
    harbour.push(Vendor::Hubspot).await;
    let connection = harbour.connection(Vendor::Hubspot).name().clone();
    let store = &harbour.app.store;
    assert_eq!(store.outbox(&connection, &CONTACT, 10).await.unwrap().len(), 1);
    // Staged, past the fuses, and then the person says no: the lease finds nothing to hand out.
    harbour.import(&consent("m-no", "2026-03-01T08:18:00Z", json!({ "Sales": false, "Analytics": true }))).await;
    let now = harbour.app.world.clock.now().saturating_add(Duration::from_secs(86_400));
    let run = harbour.compute().await.id;
    let until = now.saturating_add(Duration::from_secs(60));
    let lease = ferry::store::Lease { worker: "w".into(), run, now, until };
    assert_eq!(store.lease(&connection, &CONTACT, lease, 10).await.unwrap(), []);
    assert_eq!(store.outbox(&connection, &CONTACT, 10).await.unwrap(), []);
    let journal = store.run(&run.to_string()).await.unwrap().unwrap().1;
    assert!(!journal.is_empty() && journal.iter().all(|row| &*row.origin == "consent:sales"), "{journal:?}");
}

const OPT_OUT: &str = r#"consent.email = { field = "optout", transform = "not" }"#;

#[tokio::test]
async fn an_opt_out_on_either_side_stands_on_both() {
    use connector::FieldKind;
    use connector_conformance::memory::field;

    use crate::world::{World, mapped};

    let world = World::with(&mapped(OPT_OUT));
    world.crm.define(&CONTACT, field("optout", FieldKind::Bool));
    let ada = world.contact(&[("email", "ada@acme.example")]);
    let bob = world.contact(&[("email", "bob@acme.example")]);
    world.sync().await;
    let marketing = async |key: &str| {
        let id = world.profile(key).await.profile.id;
        world.app.store.consents(id).await.unwrap().shown(Purpose::Marketing)
    };
    assert_eq!(marketing("email:ada@acme.example").await, "unknown", "no opt-out is no consent");
    let edit = |id: &RecordId, value: bool| {
        world.advance(Duration::from_secs(60));
        world.crm.edit(&CONTACT, id, [("optout", Value::Bool(value))]);
        world.advance(Duration::from_secs(60));
    };
    edit(&ada, true);
    world.sync().await;
    assert_eq!(marketing("email:ada@acme.example").await, "denied");
    // Taken back where it was said.
    edit(&ada, false);
    world.sync().await;
    assert_eq!(marketing("email:ada@acme.example").await, "granted");
    // Said to us: it is written there, and stands when somebody there takes it back.
    let file = world.folder().join("events.jsonl");
    let said = json!({ "type": "track", "event": "Unsubscribed", "messageId": "m-1", "timestamp": world.app.world.clock.now().to_rfc3339(),
        "context": { "traits": { "email": "bob@acme.example" } } });
    std::fs::write(&file, format!("{said}\n")).unwrap();
    let imported = world.app.import(&file, "file".into(), &(), &|_| ()).await.unwrap();
    assert_eq!(imported.run.state, RunState::Done);
    world.sync().await;
    assert_eq!(world.value(&bob, "optout"), Value::Bool(true));
    edit(&bob, false);
    world.sync().await;
    assert_eq!(marketing("email:bob@acme.example").await, "denied");
    assert_eq!(world.value(&bob, "optout"), Value::Bool(true), "the most restrictive word stands");
    world.assert_rest().await;
}
