//! Assignment rules: what a lead write does to its owner when the caller forgets one header.

use reqwest::Method;
use serde_json::json;

use crate::org::{Org, read};

const SYNC_USER: &str = "005xx000001SwiUAAS";

async fn patch(org: &Org, id: &str, header: Option<&str>) -> String {
    let mut call = org.call(Method::PATCH, &format!("sobjects/Lead/{id}")).json(&json!({ "Title": "VP" }));
    if let Some(value) = header {
        call = call.header("Sforce-Auto-Assign", value);
    }
    assert_eq!(read(call.send().await.unwrap()).await.0, 204);
    org.read("Lead", id).await["OwnerId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_write_without_the_header_runs_the_assignment_rules() {
    let org = Org::with(0).await;
    let id = org.create("Lead", json!({ "LastName": "Ruiz", "Company": "Norhaven", "OwnerId": SYNC_USER })).await;
    let lead = org.read("Lead", &id).await;
    assert_ne!(lead["OwnerId"], SYNC_USER);
    assert_eq!(lead["Status"], "Open - Not Contacted");
    let body = json!({ "OwnerId": SYNC_USER });
    let call = org.call(Method::PATCH, &format!("sobjects/Lead/{id}")).header("sforce-auto-assign", "false");
    assert_eq!(call.json(&body).send().await.unwrap().status(), 204);
    assert_eq!(patch(&org, &id, Some("FALSE")).await, SYNC_USER);
    assert_ne!(patch(&org, &id, None).await, SYNC_USER);
}

#[tokio::test]
async fn without_an_active_rule_the_default_owner_gets_the_lead() {
    let org = Org::knobs(0, json!({ "lead_assignment": "default_owner" })).await;
    let lead = json!({ "LastName": "Ruiz", "Company": "Norhaven" });
    let first = org.create("Lead", lead.clone()).await;
    let second = org.create("Lead", lead.clone()).await;
    let owner = org.read("Lead", &first).await["OwnerId"].as_str().unwrap().to_owned();
    assert_eq!(org.read("Lead", &second).await["OwnerId"], owner);
    let (_, user) = org.get(&format!("sobjects/User/{owner}")).await;
    assert_eq!((user["Title"].as_str(), user["IsActive"].as_bool()), (Some("Account Executive"), Some(true)));
    org.config(json!({ "lead_assignment": "off" })).await;
    let id = org.create("Lead", lead).await;
    assert_eq!(patch(&org, &id, None).await, SYNC_USER);
}
