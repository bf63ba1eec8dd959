//! Chen: known in the CRM first; a click in an e-mail, a call, two records that the CRM makes one.

use connector::{Object, RecordId};
use ferry::config::Vendor::Hubspot;
use serde_json::json;

use super::stage::{Stage, keys, page, track};

const CHEN: &str = "email:chen@kiwi.example";
const PHONE: &str = "phone:+4930123456";

/// C1: the CRM knows him.
async fn pulled() -> (Stage, RecordId) {
    let stage = Stage::set("2026-02-01T09:00:00Z", &[Hubspot]).await;
    let crm = stage.harbour.mock(Hubspot);
    crm.configure(&json!({ "merge_keeps_primary_id": true }));
    let c7 = crm.create(
        &Object::Contact,
        &[("email", "chen@kiwi.example"), ("phone", "+49 30 123456"), ("title", "Head of IT"), ("country", "DE")],
    );
    stage.wait_until("2026-02-01T10:00:00Z");
    stage.pull(Hubspot).await;
    (stage, c7)
}

fn contact(id: &RecordId) -> String {
    format!("crm:hubspot:contact:{id}")
}

/// C2 and C3: a click in an e-mail, the page it leads to, and the next one.
async fn clicks(stage: &Stage) {
    let person = json!({ "traits": { "email": "CHEN@kiwi.example" } });
    let click = json!({
        "type": "track", "event": "Email Link Clicked", "context": person,
        "properties": { "email_id": "e-1", "link_url": "https://www.shop.example/pricing" },
    });
    stage.backend("2026-03-05T07:00:00Z", click).await;
    let mut landing = page("a-5", "/pricing");
    landing["context"]["traits"] = json!({ "email": "CHEN@kiwi.example" });
    stage.web("2026-03-05T07:00:30Z", landing).await;
    stage.web("2026-03-05T07:02:00Z", page("a-5", "/docs")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c1_a_pulled_contact_is_somebody_known() {
    let (stage, c7) = pulled().await;
    stage.one(&[CHEN, PHONE, &contact(&c7)]).await;
    assert!(stage.is_known(CHEN).await);
    assert_eq!(stage.ids(CHEN).await, keys(&[CHEN, PHONE, &contact(&c7)]));
    stage.assert_values(CHEN, &[("title", "Head of IT".into()), ("country", "DE".into())]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c2_and_c3_an_address_in_the_context_links_his_browser() {
    let (stage, c7) = pulled().await;
    let p5 = stage.who(CHEN).await;
    clicks(&stage).await;
    assert_eq!(stage.one(&[CHEN, "anonymous_id:a-5", PHONE, &contact(&c7)]).await, p5);
    let story = ["Email Link Clicked 2026-03-05T07:00:00Z", "page 2026-03-05T07:00:30Z", "page 2026-03-05T07:02:00Z"];
    assert_eq!(stage.story(CHEN).await, story, "the page without an address is his too");
    assert_eq!(stage.sessions(CHEN).await, ["2026-03-05T07:00:30Z 90 s 2 views"]);
    stage.compute("2026-03-06T07:00:00Z").await;
    stage.assert_values(CHEN, &[("visits_30d", 1.into()), ("page_views_30d", 2.into())]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c4_a_call_from_his_phone_is_his() {
    let (stage, _) = pulled().await;
    let p5 = stage.who(CHEN).await;
    let mut call = track("", "Call Completed", json!({ "direction": "in", "duration_s": 120, "phone": "030 123456" }));
    call["anonymousId"] = json!(null);
    stage.backend("2026-03-06T10:00:00Z", call).await;
    assert_eq!(stage.one(&[CHEN, PHONE]).await, p5);
    let calls: Vec<_> =
        stage.timeline(CHEN).await.into_iter().filter(|item| &*item.title == "Call Completed").collect();
    assert_eq!(calls.len(), 1);
    let told = ferry::enrich::tell(&stage.events(CHEN).await);
    assert_eq!(told.events[&calls[0].event.unwrap()].kind.as_str(), "offline");
    assert_eq!(stage.sessions(CHEN).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn c5_two_records_made_one_at_the_crm_are_one_profile() {
    let (stage, c7) = pulled().await;
    let p5 = stage.who(CHEN).await;
    stage.wait_until("2026-02-20T09:00:00Z");
    let crm = stage.harbour.mock(Hubspot);
    let c8 = crm.create(&Object::Contact, &[("email", "chen.k@kiwi.example"), ("first_name", "Chen")]);
    stage.wait_until("2026-02-20T10:00:00Z");
    stage.pull(Hubspot).await;
    let p10 = stage.who("email:chen.k@kiwi.example").await;
    assert_ne!(p5, p10);
    clicks(&stage).await;
    stage.wait_until("2026-03-07T09:00:00Z");
    assert_eq!(crm.merge(&Object::Contact, &c7, &c8), c7);
    stage.wait_until("2026-03-07T10:00:00Z");
    stage.pull(Hubspot).await;
    stage.compute("2026-03-07T10:05:00Z").await;
    let all = [CHEN, "email:chen.k@kiwi.example", &contact(&c7), &contact(&c8), PHONE, "anonymous_id:a-5"];
    assert_eq!(stage.one(&all).await, p5);
    assert_eq!(stage.who(&p10.to_string()).await, p5);
    let held = [CHEN, "email:chen.k@kiwi.example", &contact(&c7), PHONE, "anonymous_id:a-5"];
    assert_eq!(stage.ids(CHEN).await, keys(&held), "C-8 is an alias and no record any more");
    let merged: Vec<String> = stage
        .timeline(CHEN)
        .await
        .into_iter()
        .filter(|item| item.title.contains("merged"))
        .map(|item| item.title.to_string())
        .collect();
    assert_eq!(merged, [format!("CRM merged {c8} into {c7}")]);
    // Pulled again, nothing happens again.
    stage.wait_until("2026-03-07T11:00:00Z");
    stage.pull(Hubspot).await;
    let items = stage.timeline(CHEN).await;
    assert_eq!(items.iter().filter(|item| item.title.contains("merged")).count(), 1);
    assert_eq!(stage.questions(), Vec::<String>::new());
}
