//! Ada: anonymous, then a form, then a lead and a contact; two devices.

use connector::{Object, Value};
use ferry::config::Vendor::Salesforce;
use ferry::model::{Crossing, EntryState, TransitionKind};
use serde_json::json;

use super::stage::{Stage, keys, page, track};

const ADA: &str = "email:ada@northwind.example";

/// A1–A3: two visits of somebody unknown.
pub async fn visits(stage: &Stage) {
    let mut landing = page("a-1", "/");
    landing["context"]["campaign"] = json!({ "source": "google", "medium": "cpc", "name": "spring" });
    stage.web("2026-03-02T09:00:00Z", landing).await;
    stage.web("2026-03-02T09:10:00Z", page("a-1", "/pricing")).await;
    stage.web("2026-03-02T09:45:00Z", page("a-1", "/pricing")).await;
}

/// A4 and A5: a form, and who it was.
pub async fn becomes_known(stage: &Stage) {
    stage.web("2026-03-04T08:00:00Z", track("a-1", "Form Submitted", json!({ "form": "demo" }))).await;
    let traits = json!({
        "email": "Ada@Northwind.Example ", "firstName": "Ada", "lastName": "Berg", "title": "VP Operations",
        "country": "DE", "company": { "employees": 200 },
    });
    stage.web("2026-03-04T08:00:01Z", json!({ "type": "identify", "anonymousId": "a-1", "traits": traits })).await;
}

/// A8: her other device.
pub async fn second_device(stage: &Stage) {
    stage.web("2026-03-15T18:00:00Z", json!({ "type": "screen", "name": "Home", "anonymousId": "a-2" })).await;
    let login = json!({
        "type": "identify", "userId": "u-ada", "anonymousId": "a-2", "traits": { "email": "ada@northwind.example" },
    });
    stage.web("2026-03-15T18:05:00Z", login).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a1_to_a3_two_visits_from_an_ad() {
    let stage = Stage::set("2026-03-02T08:00:00Z", &[]).await;
    visits(&stage).await;
    stage.compute("2026-03-02T10:00:00Z").await;
    assert_eq!(stage.figures("anonymous_id:a-1").await, "0.00 12.98 7.79 8 D4");
    assert_eq!(stage.entry("anonymous_id:a-1").await, None);
    assert!(!stage.is_known("anonymous_id:a-1").await);
    assert_eq!(stage.ids("anonymous_id:a-1").await, keys(&["anonymous_id:a-1"]));
    // 10 minutes apart are one session, 35 are two.
    assert_eq!(
        stage.sessions("anonymous_id:a-1").await,
        ["2026-03-02T09:00:00Z 600 s 2 views", "2026-03-02T09:45:00Z 0 s 1 views"]
    );
    let want = [
        ("visits_30d", 2.into()),
        ("page_views_30d", 3.into()),
        ("pricing_views_30d", 2.into()),
        ("first_touch_source", "google".into()),
        ("first_touch_medium", "cpc".into()),
        ("first_touch_campaign", "spring".into()),
        ("first_touch_channel", "paid_search".into()),
        // The later visit was direct: the last touch is the last that was not.
        ("last_touch_source", "google".into()),
        ("last_touch_channel", "paid_search".into()),
    ];
    stage.assert_values("anonymous_id:a-1", &want).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a4_and_a5_a_form_leaves_her_anonymous_and_an_address_makes_her_known() {
    let stage = Stage::set("2026-03-02T08:00:00Z", &[]).await;
    visits(&stage).await;
    let p1 = stage.who("anonymous_id:a-1").await;
    stage.web("2026-03-04T08:00:00Z", track("a-1", "Form Submitted", json!({ "form": "demo" }))).await;
    assert!(!stage.is_known("anonymous_id:a-1").await, "a form without an address names nobody");
    let stage = Stage::set("2026-03-02T08:00:00Z", &[]).await;
    visits(&stage).await;
    becomes_known(&stage).await;
    stage.compute("2026-03-04T08:05:00Z").await;
    assert_eq!(stage.figures(ADA).await, "100.00 41.80 65.08 65 A3");
    assert_eq!(stage.entry(ADA).await, Some(EntryState::Ready));
    let reasons = "Demo form +18.0; Company size +12.0; Senior title +10.0";
    stage.assert_values(ADA, &[("score_reasons", reasons.into()), ("segments.mql", true.into())]).await;
    let crossed: Vec<_> = stage.timeline(ADA).await.into_iter().filter(|item| &*item.kind == "score").collect();
    assert_eq!(crossed.len(), 1);
    assert_eq!((&*crossed[0].title, crossed[0].detail.as_deref()), ("Score 65 (A3) → MQL", Some(reasons)));
    // A pass that brings nothing new says nothing again.
    stage.compute("2026-03-04T08:06:00Z").await;
    assert_eq!(stage.timeline(ADA).await.iter().filter(|item| &*item.kind == "score").count(), 1);
    let story = [
        "Visited 2 pages, incl. Pricing — 10 min",
        "Visited 1 page, incl. Pricing",
        "Demo form",
        "Became known",
        "Score 65 (A3) → MQL",
    ];
    assert_eq!(stage.read_by_a_rep(ADA).await, story);
    assert_eq!(stage.one(&["anonymous_id:a-1", ADA, "ada@northwind.example"]).await, p1, "p1 goes on");
    assert!(stage.is_known(ADA).await);
    assert_eq!(stage.ids(ADA).await, keys(&[ADA, "anonymous_id:a-1"]));
    assert_eq!(stage.company(ADA).await, "domain:northwind.example");
    // Her past came along.
    assert_eq!(stage.events(ADA).await.len(), 5);
    let want = [
        ("first_name", "Ada".into()),
        ("last_name", "Berg".into()),
        ("title", "VP Operations".into()),
        ("country", "DE".into()),
        ("company.employees", 200.into()),
        ("company.domain", "northwind.example".into()),
        ("email_is_business", true.into()),
        // The form came more than a session later and has no view: no visit.
        ("visits_30d", 2.into()),
        ("page_views_30d", 3.into()),
        ("first_touch_source", "google".into()),
    ];
    stage.assert_values(ADA, &want).await;
    assert_eq!(stage.sessions(ADA).await.last().unwrap(), "2026-03-04T08:00:00Z 0 s 0 views");
}

#[tokio::test(flavor = "multi_thread")]
async fn a7_a_lead_and_the_contact_that_it_becomes_are_hers() {
    let stage = Stage::set("2026-03-02T08:00:00Z", &[Salesforce]).await;
    visits(&stage).await;
    becomes_known(&stage).await;
    let p1 = stage.who(ADA).await;
    stage.wait_until("2026-03-04T08:05:00Z");
    let crm = stage.harbour.mock(Salesforce);
    let lead = crm.create(&Object::Lead, &[("email", "ada@northwind.example"), ("last_name", "Berg")]);
    stage.wait_until("2026-03-04T09:00:00Z");
    stage.pull(Salesforce).await;
    let lead_key = format!("crm:salesforce:lead:{lead}");
    assert_eq!(stage.one(&[&lead_key, ADA]).await, p1);
    stage.wait_until("2026-03-10T10:00:00Z");
    let contact = crm.convert(&lead);
    stage.wait_until("2026-03-10T11:00:00Z");
    stage.pull(Salesforce).await;
    let contact_key = format!("crm:salesforce:contact:{contact}");
    assert_eq!(stage.one(&[&lead_key, &contact_key, ADA, "anonymous_id:a-1"]).await, p1);
    let held = stage.ids(ADA).await;
    assert!(held.contains(&contact_key), "{held:?}");
    assert_eq!(stage.questions(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a8_her_second_device_merges_into_the_known_profile() {
    let stage = Stage::set("2026-03-02T08:00:00Z", &[]).await;
    visits(&stage).await;
    becomes_known(&stage).await;
    let p1 = stage.who(ADA).await;
    stage.web("2026-03-15T18:00:00Z", json!({ "type": "screen", "name": "Home", "anonymousId": "a-2" })).await;
    let p2 = stage.who("anonymous_id:a-2").await;
    assert_ne!(p1, p2);
    let login = json!({
        "type": "identify", "userId": "u-ada", "anonymousId": "a-2", "traits": { "email": "ada@northwind.example" },
    });
    stage.web("2026-03-15T18:05:00Z", login).await;
    stage.compute("2026-03-15T18:10:00Z").await;
    assert_eq!(stage.figures(ADA).await, "100.00 24.75 54.85 55 A4");
    assert_eq!(stage.one(&["user_id:u-ada", ADA, "anonymous_id:a-1", "anonymous_id:a-2"]).await, p1, "known wins");
    assert_eq!(stage.who(&p2.to_string()).await, p1, "p2's id leads to her for ever");
    assert_eq!(stage.ids(ADA).await, keys(&["user_id:u-ada", ADA, "anonymous_id:a-1", "anonymous_id:a-2"]));
    let want = [
        ("visits_30d", 3.into()),
        ("page_views_30d", 4.into()),
        ("last_seen_at", Value::Instant(crate::harbour::at("2026-03-15T18:05:00Z"))),
        ("first_touch_source", "google".into()),
        ("first_touch_campaign", "spring".into()),
        ("last_touch_source", "google".into()),
    ];
    stage.assert_values(ADA, &want).await;
    let more = [("visits_lifetime", 3.into()), ("days_active_30d", 3.into()), ("lifecycle", "mql".into())];
    stage.assert_values(ADA, &more).await;
    stage.assert_as_the_log_says().await;
    assert_eq!(stage.sessions(ADA).await.last().unwrap(), "2026-03-15T18:00:00Z 0 s 1 views");
    assert_eq!(stage.conflicts(), Vec::<String>::new());
}

/// Every "as of" is a pass: she enters the band once, and is still in it when the deal is won.
#[tokio::test(flavor = "multi_thread")]
async fn a5_to_a9_she_enters_the_band_once() {
    let stage = Stage::set("2026-03-02T08:00:00Z", &[]).await;
    visits(&stage).await;
    stage.compute("2026-03-02T10:00:00Z").await;
    becomes_known(&stage).await;
    stage.compute("2026-03-04T08:05:00Z").await;
    second_device(&stage).await;
    stage.compute("2026-03-15T18:10:00Z").await;
    assert_eq!(stage.figures(ADA).await, "100.00 24.75 54.85 55 A4");
    stage.compute("2026-03-20T15:05:00Z").await;
    assert_eq!(stage.figures(ADA).await, "100.00 19.44 51.67 52 A4");
    let detail = stage.harbour.profile(ADA).await;
    assert!(detail.standings.is_in_band("lead.mql") && detail.standings.is_in_segment("mql"));
    let rows = stage.app().store.transitions_of(detail.profile.id, 100).await.unwrap();
    let bands: Vec<_> = rows.iter().filter(|row| row.kind == TransitionKind::Band).collect();
    assert_eq!((bands.len(), bands[0].direction, bands[0].backfill), (1, Crossing::In, false));
    assert_eq!(stage.entry(ADA).await, Some(EntryState::Ready), "nobody has acted on it yet");
    // In the end time alone lets her out.
    stage.compute("2026-08-20T15:05:00Z").await;
    assert_eq!(stage.figures(ADA).await, "100.00 0.01 40.01 40 A4");
    assert!(stage.harbour.profile(ADA).await.standings.is_in_band("lead.mql"), "her fit keeps her above 35");
}
