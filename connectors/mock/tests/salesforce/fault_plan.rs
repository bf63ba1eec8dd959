//! The fault plan, the same for every mock: what the network sees, and what was applied all the same.

use reqwest::Method;
use serde_json::{Value, json};

use crate::org::{Org, code};

const CONTACTS: &str = "sobjects/Contact";

async fn plan(org: &Org, method: &str, fault: &str) {
    org.config(json!({ "plan": [{ "method": method, "path": "/services/data", "fault": fault }] })).await;
}

async fn creates(org: &Org) -> usize {
    org.lines("ledger", 0).await.iter().filter(|line| line["op"] == "create").count()
}

#[tokio::test]
async fn a_reset_before_applies_nothing_and_a_reset_after_applies_all() {
    let org = Org::with(0).await;
    for (fault, applied) in [("reset_before", 0), ("reset_after", 1)] {
        plan(&org, "POST", fault).await;
        let sent = org.call(Method::POST, CONTACTS).json(&json!({ "LastName": "Vale" })).send().await;
        let error = sent.expect_err("no answer comes");
        assert!(!error.is_connect() && !error.is_timeout(), "{error:?}");
        assert_eq!(creates(&org).await, applied, "{fault}");
        let last = org.lines("requests", 0).await.pop().unwrap();
        assert_eq!((last["fault"].as_str(), last["status"].is_null()), (Some(fault), true));
    }
    plan(&org, "POST", "500_after").await;
    let (status, body) = org.post(CONTACTS, json!({ "LastName": "Vale" })).await;
    assert_eq!((status.as_u16(), code(&body), creates(&org).await), (500, "UNKNOWN_EXCEPTION", 2));
}

#[tokio::test]
async fn an_answer_breaks_off_or_is_half_of_its_json() {
    let org = Org::with(50).await;
    let page = "query?q=SELECT+Id,Email+FROM+Contact";
    plan(&org, "GET", "truncate").await;
    assert!(org.call(Method::GET, page).send().await.unwrap().text().await.is_err());
    plan(&org, "GET", "truncate_json").await;
    let text = org.call(Method::GET, page).send().await.unwrap().text().await.unwrap();
    assert!(text.starts_with('{') && serde_json::from_str::<Value>(&text).is_err());
}

#[tokio::test]
async fn batch_faults_hit_the_last_row() {
    let org = Org::with(0).await;
    let row = |name: &str| json!({ "attributes": { "type": "Contact" }, "LastName": name });
    let body = json!({ "records": [row("Abe"), row("Bo")] });
    plan(&org, "POST", "partial").await;
    let (_, rows) = org.post("composite/sobjects", body.clone()).await;
    assert_eq!((rows[0]["success"].as_bool(), rows[1]["success"].as_bool()), (Some(true), Some(false)));
    plan(&org, "POST", "omit_row").await;
    let (_, rows) = org.post("composite/sobjects", body).await;
    assert_eq!((rows.as_array().unwrap().len(), creates(&org).await), (1, 3), "applied, and not told");
}

#[tokio::test]
async fn chance_is_the_same_for_the_same_seed() {
    let (first, second) = (Org::with(1).await, Org::with(1).await);
    let mut stories = Vec::new();
    for org in [&first, &second] {
        org.config(json!({ "faults": { "503": 0.3, "500": 0.3 } })).await;
        let mut story = Vec::new();
        for _ in 0..40 {
            story.push(org.get("limits").await.0.as_u16());
        }
        stories.push(story);
    }
    assert_eq!(stories[0], stories[1]);
    for status in [200, 500, 503] {
        assert!(stories[0].contains(&status), "{status} never came");
    }
}
