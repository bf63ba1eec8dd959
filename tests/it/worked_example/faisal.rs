//! Faisal: allows sales, takes it back before anything is sent, and is forgotten.

use connector::{Object, RecordId};
use ferry::config::Vendor::Hubspot;
use ferry::model::{EntryState, Purpose, Run, RunState};
use serde_json::{Value as Json, json};

use super::stage::{Stage, keys, page, track};

const FAISAL: &str = "email:faisal@nile.example";

fn consent(sales: bool) -> Json {
    json!({
        "type": "track", "event": "Segment Consent Preference Updated", "userId": "u-fai", "anonymousId": "a-f",
        "context": { "consent": { "categoryPreferences": { "Sales": sales } } },
    })
}

fn at_minute(minute: u32, message: Json) -> Json {
    let mut message = message;
    message["timestamp"] = format!("2026-03-01T08:{minute:02}:00Z").into();
    message
}

/// F1: everything in one batch at 08:15; a contact at the CRM gets what is known of him.
async fn one_batch() -> (Stage, RecordId) {
    let stage = Stage::set("2026-03-01T07:00:00Z", &[Hubspot]).await;
    let record = stage.harbour.mock(Hubspot).create(&Object::Contact, &[("email", "faisal@nile.example")]);
    stage.wait_until("2026-03-01T07:30:00Z");
    stage.pull(Hubspot).await;
    stage.compute("2026-03-01T07:35:00Z").await;
    assert_eq!(push(&stage).await.state, RunState::Done);
    let traits = json!({
        "email": "faisal@nile.example", "title": "Director", "country": "CH", "company": { "employees": 500 },
    });
    let identify = json!({ "type": "identify", "userId": "u-fai", "anonymousId": "a-f", "traits": traits });
    stage.wait_until("2026-03-01T08:15:00Z");
    let batch = [
        at_minute(0, identify),
        at_minute(0, consent(true)),
        at_minute(1, page("a-f", "/pricing")),
        at_minute(2, page("a-f", "/pricing")),
        at_minute(3, page("a-f", "/pricing")),
        at_minute(10, track("a-f", "Form Submitted", json!({ "form": "demo" }))),
    ];
    stage.send("website-key", &batch).await;
    stage.compute("2026-03-01T08:15:00Z").await;
    (stage, record)
}

async fn push(stage: &Stage) -> Run {
    stage.harbour.push(Hubspot).await.remove(0)
}

async fn queued(stage: &Stage) -> usize {
    let connection = stage.harbour.connection(Hubspot).name();
    stage.app().store.outbox(connection, &Object::Contact, 100).await.unwrap().len()
}

async fn sales(stage: &Stage) -> &'static str {
    let id = stage.harbour.profile(FAISAL).await.profile.id;
    stage.app().store.consents(id).await.unwrap().shown(Purpose::Sales)
}

/// Values of our own fields that the CRM was given after the change numbered `since`.
fn told(stage: &Stage, since: u64) -> Vec<String> {
    let lines = stage.harbour.mock(Hubspot).written(since);
    let values = lines.iter().filter_map(|line| line["after"].as_object()).flatten();
    let ours = values.filter(|(name, value)| {
        name.starts_with("cdp_") && *name != "cdp_profile_id" && !value.is_null() && *value != ""
    });
    ours.map(|(name, value)| format!("{name} {value}")).collect()
}

/// F1, and a push at 08:15 that the CRM does not take; F2: what waits is cancelled.
async fn withdrawn() -> (Stage, RecordId) {
    let (stage, record) = one_batch().await;
    let crm = stage.harbour.mock(Hubspot);
    crm.plan(json!([{ "method": "POST", "path": "/crm/*", "times": 50, "fault": "429" }]));
    push(&stage).await;
    crm.plan(json!([]));
    assert_eq!(queued(&stage).await, 1);
    let at = stage.now().max(crate::harbour::at("2026-03-01T08:18:00Z"));
    stage.web(&at.to_rfc3339(), consent(false)).await;
    (stage, record)
}

#[tokio::test(flavor = "multi_thread")]
async fn f1_one_batch_is_one_person_who_allows_sales() {
    let (stage, record) = one_batch().await;
    assert_eq!(stage.figures(FAISAL).await, "100.00 47.99 68.79 69 A3");
    assert_eq!(stage.entry(FAISAL).await, Some(EntryState::Ready));
    let contact = format!("crm:hubspot:contact:{record}");
    assert_eq!(stage.ids(FAISAL).await, keys(&["user_id:u-fai", FAISAL, "anonymous_id:a-f", &contact]));
    assert_eq!(sales(&stage).await, "granted");
    assert_eq!(stage.company(FAISAL).await, "domain:nile.example");
    let story = [
        "identify 2026-03-01T08:00:00Z",
        "Segment Consent Preference Updated 2026-03-01T08:00:00Z",
        "page 2026-03-01T08:01:00Z",
        "page 2026-03-01T08:02:00Z",
        "page 2026-03-01T08:03:00Z",
        "Form Submitted 2026-03-01T08:10:00Z",
    ];
    assert_eq!(stage.story(FAISAL).await, story, "each stands where it happened");
    let want = [("visits_30d", 1.into()), ("page_views_30d", 3.into()), ("pricing_views_30d", 3.into())];
    stage.assert_values(FAISAL, &want).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f2_what_waits_is_cancelled_when_he_takes_it_back() {
    let (stage, _) = withdrawn().await;
    assert_eq!(sales(&stage).await, "denied");
    stage.harbour.advance(std::time::Duration::from_secs(600));
    let seq = stage.harbour.mock(Hubspot).seq();
    let run = push(&stage).await;
    assert_eq!(run.state, RunState::Done, "{run:?}");
    assert_eq!(told(&stage, seq), Vec::<String>::new(), "the CRM learns nothing of him");
    assert_eq!(queued(&stage).await, 0);
    let journal = stage.app().store.run(&run.id.to_string()).await.unwrap().unwrap().1;
    let cancelled: Vec<_> = journal.iter().filter(|row| &*row.outcome == "cancelled").collect();
    assert!(!cancelled.is_empty() && cancelled.iter().all(|row| &*row.origin == "consent:sales"), "{journal:?}");
    let items = stage.timeline(FAISAL).await;
    assert_eq!(items.iter().filter(|item| &*item.title == "Consent withdrawn (sales)").count(), 1, "{items:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn f3_he_is_still_denied_when_more_becomes_known() {
    let (stage, _) = withdrawn().await;
    stage.harbour.advance(std::time::Duration::from_secs(600));
    push(&stage).await;
    let seq = stage.harbour.mock(Hubspot).seq();
    let unsubscribed = json!({
        "type": "track", "event": "Unsubscribed", "userId": "u-fai", "properties": { "list_id": "news" },
    });
    stage.backend("2026-03-02T08:00:00Z", unsubscribed).await;
    stage.compute("2026-03-02T08:05:00Z").await;
    assert_eq!(push(&stage).await.state, RunState::Done);
    assert_eq!(told(&stage, seq), Vec::<String>::new());
    assert_eq!(sales(&stage).await, "denied");
    assert_eq!(stage.events(FAISAL).await.len(), 8, "analytics goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn f4_he_is_forgotten_and_stays_forgotten() {
    let (stage, record) = withdrawn().await;
    let p = stage.who(FAISAL).await;
    stage.wait_until("2026-03-03T09:00:00Z");
    let erased = stage.app().erase(FAISAL).await.unwrap();
    assert!(erased.receipt.finished_at.is_some());
    let records: Vec<&str> = erased.records.iter().map(|record| &*record.id).collect();
    assert_eq!(records, [record.as_str()], "a person looks at the CRM");
    let gone = ["user_id:u-fai", FAISAL, "anonymous_id:a-f", &format!("crm:hubspot:contact:{record}"), &p.to_string()];
    for key in gone {
        assert_eq!(stage.app().store.find_profile(key).await.unwrap(), None, "{key}");
    }
    for table in ["event", "identity_edge", "identifier", "consent", "profile", "outbox"] {
        assert_eq!(stage.ask(&format!("SELECT CAST(count(*) AS TEXT) FROM {table}")), ["0"], "{table}");
    }
    let kept = stage.ask("SELECT CAST(count(*) AS TEXT) FROM suppression");
    assert!(kept[0].parse::<u64>().unwrap() >= 2, "u-fai and the address: {kept:?}");

    // He comes back by his user id, his address, or the CRM: the answer is 200 and nothing is kept.
    let mut visit = page("a-f", "/pricing");
    visit["userId"] = "u-fai".into();
    let again = json!({ "type": "identify", "anonymousId": "a-g", "traits": { "email": "FAISAL@nile.example" } });
    stage.post("website-key", &[visit, again]).await;
    let health = stage.app().store.source_health().await.unwrap().remove("website").unwrap();
    assert_eq!(health.suppressed, 2);
    stage.wait_until("2026-03-03T10:00:00Z");
    stage.harbour.mock(Hubspot).edit(&Object::Contact, &record, &[("first_name", "Faisal")]);
    stage.wait_until("2026-03-03T11:00:00Z");
    stage.pull(Hubspot).await;
    for key in gone {
        assert_eq!(stage.app().store.find_profile(key).await.unwrap(), None, "{key} does not rise again");
    }
    // His browser alone is somebody new without a past.
    stage.web("2026-03-03T12:00:00Z", page("a-f", "/")).await;
    assert_eq!(stage.story("anonymous_id:a-f").await, ["page 2026-03-03T12:00:00Z"]);
    assert!(!stage.is_known("anonymous_id:a-f").await);
}
