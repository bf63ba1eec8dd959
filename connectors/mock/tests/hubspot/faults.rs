//! Faults: what the network sees, and what was applied all the same.

use reqwest::Method;
use serde_json::{Value, json};

use crate::portal::{CONTACTS, Portal};

async fn plan(portal: &Portal, method: &str, fault: &str) {
    portal.config(json!({ "plan": [{ "method": method, "path": "/crm/", "fault": fault }] })).await;
}

fn new_contact(email: &str) -> Value {
    json!({ "properties": { "email": email } })
}

async fn creates(portal: &Portal) -> usize {
    portal.lines("ledger", 0).await.iter().filter(|line| line["op"] == "create").count()
}

#[tokio::test]
async fn a_reset_before_applies_nothing_and_a_reset_after_applies_all() {
    let portal = Portal::with(0).await;
    for (fault, applied) in [("reset_before", 0), ("reset_after", 1)] {
        plan(&portal, "POST", fault).await;
        let sent = portal.call(Method::POST, CONTACTS).json(&new_contact("a@firm.example")).send().await;
        let error = sent.expect_err("no answer comes");
        assert!(!error.is_connect() && !error.is_timeout(), "{error:?}");
        assert_eq!(creates(&portal).await, applied, "{fault}");
        let last = portal.lines("requests", 0).await.pop().unwrap();
        assert_eq!((last["fault"].as_str(), last["status"].is_null()), (Some(fault), true));
    }
    assert_eq!(portal.post(CONTACTS, new_contact("a@firm.example")).await.0, 409);
}

#[tokio::test]
async fn a_truncated_answer_breaks_off_and_truncated_json_does_not() {
    let portal = Portal::with(50).await;
    let page = format!("{CONTACTS}?limit=50");
    plan(&portal, "GET", "truncate").await;
    let answer = portal.call(Method::GET, &page).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.is_err());
    plan(&portal, "GET", "truncate_json").await;
    let text = portal.call(Method::GET, &page).send().await.unwrap().text().await.unwrap();
    assert!(text.starts_with('{') && serde_json::from_str::<Value>(&text).is_err());
}

#[tokio::test]
async fn status_faults_carry_the_bodies_a_client_would_get() {
    let portal = Portal::with(1).await;
    for (fault, status, marker) in [
        ("502", 502, "<html>"),
        ("503", 503, "INTERNAL_ERROR"),
        ("429", 429, "TEN_SECONDLY_ROLLING"),
        ("429_daily", 429, "DAILY"),
        ("401", 401, "EXPIRED_AUTHENTICATION"),
        ("403", 403, "MISSING_SCOPES"),
        ("423", 423, "LOCKED"),
        ("477", 477, "data centre"),
        ("524", 524, "<html>"),
    ] {
        plan(&portal, "GET", fault).await;
        let answer = portal.call(Method::GET, CONTACTS).send().await.unwrap();
        assert_eq!(answer.status(), status, "{fault}");
        assert_eq!(answer.headers().contains_key("retry-after"), fault == "477", "{fault}");
        let text = answer.text().await.unwrap();
        assert!(text.contains(marker), "{fault}: {text}");
    }
    plan(&portal, "POST", "429").await;
    let (_, body) = portal.post(&format!("{CONTACTS}/search"), json!({})).await;
    assert_eq!(body["policyName"], "SECONDLY");
}

#[tokio::test]
async fn an_error_after_applying_is_a_lie_the_ledger_knows() {
    let portal = Portal::with(0).await;
    plan(&portal, "POST", "500_after").await;
    assert_eq!(portal.post(CONTACTS, new_contact("a@firm.example")).await.0, 500);
    assert_eq!(creates(&portal).await, 1);
}

#[tokio::test]
async fn a_plan_waits_for_its_request() {
    let portal = Portal::with(1).await;
    portal
        .config(json!({ "plan": [{ "method": "GET", "path": CONTACTS, "nth": 2, "times": 2, "fault": "503" }] }))
        .await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(portal.get(CONTACTS).await.0.as_u16());
    }
    assert_eq!(seen, [200, 503, 503, 200]);
    let faults: Vec<Value> = portal.lines("requests", 0).await.iter().map(|line| line["fault"].clone()).collect();
    assert_eq!(faults, [json!(null), json!("503"), json!("503"), json!(null)]);
}

#[tokio::test]
async fn chance_is_the_same_for_the_same_seed() {
    let (first, second) = (Portal::with(1).await, Portal::with(1).await);
    let mut stories = Vec::new();
    for portal in [&first, &second] {
        portal.config(json!({ "faults": { "503": 0.3, "500": 0.3 } })).await;
        let mut story = Vec::new();
        for _ in 0..40 {
            story.push(portal.get(CONTACTS).await.0.as_u16());
        }
        stories.push(story);
    }
    assert_eq!(stories[0], stories[1]);
    for status in [200, 500, 503] {
        assert!(stories[0].contains(&status), "{status} never came");
    }
}
