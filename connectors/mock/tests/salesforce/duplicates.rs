//! Duplicate rules: in single answers with their matches, in rows of many without.

use reqwest::Method;
use serde_json::{Value, json};

use crate::jobs::{file, ingest};
use crate::org::{Org, code, read};

fn rule(action: &str) -> Value {
    json!({ "duplicate_rules": [{ "object": "Contact", "fields": ["Email"], "action": action }] })
}

fn twin() -> Value {
    json!({ "LastName": "Ruiz", "Email": "M.Ruiz@firm.example" })
}

async fn with_twin(action: &str) -> (Org, String) {
    let org = Org::with(0).await;
    let id = org.create("Contact", json!({ "LastName": "Ruiz", "Email": "m.ruiz@firm.example" })).await;
    org.config(rule(action)).await;
    (org, id)
}

async fn post_with(org: &Org, header: &str) -> (u16, Value) {
    let call = org.call(Method::POST, "sobjects/Contact").header("Sforce-Duplicate-Rule-Header", header);
    let (status, body) = read(call.json(&twin()).send().await.expect("an answer")).await;
    (status.as_u16(), body)
}

#[tokio::test]
async fn a_single_answer_shows_the_match_under_the_misspelt_key() {
    let (org, id) = with_twin("alert").await;
    let (status, body) = org.post("sobjects/Contact", twin()).await;
    assert_eq!((status.as_u16(), code(&body)), (400, "DUPLICATES_DETECTED"));
    assert_eq!(body[0]["message"], "Use one of these records?");
    let result = &body[0]["duplicateResut"];
    assert_eq!((&result["allowSave"], &result["matchResults"][0]["size"]), (&json!(true), &json!(1)));
    assert_eq!(result["matchResults"][0]["matchRecords"][0]["record"]["Id"], id);
    org.config(json!({ "correct_duplicate_key": true })).await;
    let (_, body) = org.post("sobjects/Contact", twin()).await;
    assert!(body[0].get("duplicateResut").is_none() && body[0].get("duplicateResult").is_some());
    assert_eq!(org.lines("ledger", 0).await.len(), 1);
}

#[tokio::test]
async fn alerts_may_be_overruled_and_blocks_may_not() {
    let (org, _) = with_twin("alert").await;
    assert_eq!(post_with(&org, "includeRecordDetails=true").await.0, 400);
    assert_eq!(post_with(&org, "allowSave=true; runAsCurrentUser=true").await.0, 201);
    let (org, _) = with_twin("block").await;
    let (status, body) = post_with(&org, "allowSave=true").await;
    assert_eq!((status, &body[0]["duplicateResut"]["allowSave"]), (400, &json!(false)));
}

#[tokio::test]
async fn an_update_of_something_else_meets_the_rule_as_well() {
    let (org, id) = with_twin("alert").await;
    assert_eq!(post_with(&org, "allowSave=true").await.0, 201);
    let path = format!("sobjects/Contact/{id}");
    assert_eq!(code(&org.patch(&path, json!({ "Title": "CTO" })).await.1), "DUPLICATES_DETECTED");
    org.config(json!({ "duplicate_rules": [{ "object": "Contact", "fields": ["Email"], "on_update": false }] })).await;
    assert_eq!(org.patch(&path, json!({ "Title": "CTO" })).await.0, 204);
}

#[tokio::test]
async fn rows_of_collections_and_bulk_carry_no_match() {
    let (org, id) = with_twin("alert").await;
    let mut row = twin();
    row["attributes"] = json!({ "type": "Contact" });
    let (_, rows) = org.post("composite/sobjects", json!({ "records": [row] })).await;
    let error = json!({ "statusCode": "DUPLICATES_DETECTED", "message": "Use one of these records?", "fields": [] });
    assert_eq!(rows, json!([{ "success": false, "errors": [error] }]));
    let job = json!({ "object": "Contact", "operation": "insert" });
    let (job, _) = ingest(&org, job, "LastName,Email\nRuiz,m.ruiz@firm.example\n").await;
    let failed = file(&org, &job, "failedResults").await;
    assert!(failed.contains("DUPLICATES_DETECTED:Use one of these records?: --"), "{failed}");
    assert!(!failed.contains(&id));
}

#[tokio::test]
async fn rules_that_make_no_sense_are_refused() {
    let org = Org::with(0).await;
    for rule in [json!({ "object": "Blob", "fields": ["Email"] }), json!({ "object": "Contact", "fields": [] })] {
        let call = org.request(Method::PUT, "/__mock/config").json(&json!({ "duplicate_rules": [rule] }));
        assert_eq!(call.send().await.unwrap().status(), 400);
    }
}
