//! Bulk jobs, as tests drive them.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::org::{Org, read};

pub const INGEST: &str = "/services/data/v67.0/jobs/ingest";
pub const QUERY: &str = "/services/data/v67.0/jobs/query";

/// Polls until a job is over; how many polls it took, and what it said at last.
pub async fn finish(org: &Org, path: &str) -> (usize, Value) {
    for polls in 1..50 {
        let (status, info) = org.get(path).await;
        assert_eq!(status, 200, "{info}");
        if matches!(info["state"].as_str(), Some("JobComplete" | "Failed" | "Aborted")) {
            return (polls, info);
        }
    }
    panic!("{path} never ends");
}

/// Makes an ingest job; its Id.
pub async fn make(org: &Org, job: Value) -> String {
    let (status, info) = org.post(INGEST, job).await;
    assert_eq!((status.as_u16(), info["state"].as_str()), (200, Some("Open")), "{info}");
    info["id"].as_str().expect("an id").to_owned()
}

pub async fn upload(org: &Org, id: &str, csv: &str) -> Response {
    let call = org.call(Method::PUT, &format!("{INGEST}/{id}/batches")).header("content-type", "text/csv");
    call.body(csv.to_owned()).send().await.expect("an answer")
}

pub async fn close(org: &Org, id: &str) -> Value {
    let (status, info) = org.patch(&format!("{INGEST}/{id}"), json!({ "state": "UploadComplete" })).await;
    assert_eq!((status.as_u16(), info["state"].as_str()), (200, Some("UploadComplete")), "{info}");
    info
}

/// A whole ingest job: its Id and what it said at last.
pub async fn ingest(org: &Org, job: Value, csv: &str) -> (String, Value) {
    let id = make(org, job).await;
    assert_eq!(upload(org, &id, csv).await.status(), 201);
    close(org, &id).await;
    let (_, info) = finish(org, &format!("{INGEST}/{id}")).await;
    (id, info)
}

pub async fn file(org: &Org, id: &str, which: &str) -> String {
    let answer = org.call(Method::GET, &format!("{INGEST}/{id}/{which}")).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert!(answer.headers()["content-type"].to_str().expect("text").starts_with("text/csv"));
    answer.text().await.expect("text")
}

/// A query job that is over: its Id.
pub async fn query(org: &Org, soql: &str) -> String {
    let (status, info) = org.post(QUERY, json!({ "operation": "query", "query": soql })).await;
    assert_eq!((status.as_u16(), info["state"].as_str()), (200, Some("UploadComplete")), "{info}");
    let id = info["id"].as_str().expect("an id").to_owned();
    let (_, done) = finish(org, &format!("{QUERY}/{id}")).await;
    assert_eq!(done["state"], "JobComplete", "{done}");
    id
}

/// One page of results: status, locator, count and text.
pub async fn page(org: &Org, id: &str, parameters: &str) -> (u16, String, String, String) {
    let path = format!("{QUERY}/{id}/results{parameters}");
    let answer = org.call(Method::GET, &path).send().await.expect("an answer");
    let header = |name: &str| {
        answer.headers().get(name).map_or_else(|| "absent".to_owned(), |value| value.to_str().unwrap().to_owned())
    };
    let (locator, count) = (header("sforce-locator"), header("sforce-numberofrecords"));
    (answer.status().as_u16(), locator, count, answer.text().await.expect("text"))
}

/// Adds a custom field that the user may write, as an admin would.
pub async fn field(org: &Org, object: &str, name: &str, metadata: Value) {
    org.config(json!({ "field_permissions": false })).await;
    let body = json!({ "FullName": format!("{object}.{name}"), "Metadata": metadata });
    let answer = org.call(Method::POST, "/services/data/v67.0/tooling/sobjects/CustomField").json(&body).send().await;
    let (status, body) = read(answer.expect("an answer")).await;
    assert_eq!(status, 201, "{body}");
}

/// The external key that all upserts of these tests go by.
pub async fn key(org: &Org, object: &str) {
    let metadata = json!({ "type": "Text", "label": "Key", "length": 64, "externalId": true, "unique": true });
    field(org, object, "Key__c", metadata).await;
}
