//! Requests that no client means to send: the server refuses them in its own words, and is there afterwards.

use reqwest::Method;
use serde_json::{Value, json};

use crate::org::Org;

/// Seeded draws (a linear congruential generator): the same requests in every run.
struct Draw(u64);

impl Draw {
    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        &all[(self.0 >> 33) as usize % all.len()]
    }
}

const PATHS: [&str; 12] = [
    "sobjects",
    "query",
    "queryAll",
    "composite",
    "jobs",
    "tooling",
    "limits",
    "Contact",
    "Lead",
    "describe",
    "Email",
    "%2F%00é",
];
const MORE: [&str; 16] = [
    "sobjects",
    "batch",
    "graph",
    "ingest",
    "query",
    "Contact",
    "Opportunity",
    "003xx000004TmiQ",
    "00Qxx000004TmiQAAS",
    "Id",
    "deleted",
    "updated",
    "batches",
    "successfulResults",
    "CustomField",
    "..",
];
const QUERIES: [&str; 11] = [
    "",
    "q=SELECT+Id+FROM+Contact+LIMIT+-1",
    "q=SELECT+(SELECT+(SELECT+Id+FROM+x)+FROM+Contacts)+FROM+Account",
    "q=%27%5C%FF",
    "ids=a,b,,003xx000004TmiQ&fields=Id,Nope",
    "start=2026-99-99&end=x",
    "start=2026-03-04T00:00:00%2B00:00&end=9999-03-04T00:00:00Z",
    "fields=",
    "maxRecords=-1&locator=%00",
    "_HttpMethod=NONSENSE",
    "allOrNone=perhaps&updateOnly=TRUE",
];

fn bodies() -> Vec<String> {
    let id = "003xx000004TmiQAAS";
    let huge = "9".repeat(400);
    let graph: Value = json!({ "graphs": [{ "graphId": "g", "compositeRequest": [{ "referenceId": "a b", "url": "@{x.id}", "method": "PUT" }] }] });
    let mut out =
        vec![String::new(), "\u{FEFF}{}".into(), "null".into(), "[[[[".into(), "{\"a\":".repeat(3_000), huge.clone()];
    out.extend(
        [
            json!({}),
            json!({ "LastName": null, "Email": true, "AccountId": 7, "Birthdate": {} }),
            json!({ "LastName": "x", "Account": { "Name": ["y"] }, "attributes": 3 }),
            json!({ "records": null, "allOrNone": "x" }),
            json!({ "records": [null, 1, {}, { "attributes": { "type": "Blob" } }, { "attributes": { "type": "Contact" }, "id": id, "Title": huge }] }),
            json!({ "compositeRequest": [{ "method": "GET", "url": "/services/data/v67.0/composite", "referenceId": "a" }, { "url": 1 }] }),
            json!({ "batchRequests": [{ "method": "DELETE", "url": "v67.0/sobjects" }, { "url": "///" }, null] }),
            graph,
            json!({ "object": "Contact", "operation": "upsert", "externalIdFieldName": "Title", "contentType": "XML" }),
            json!({ "operation": "query", "query": "SELECT MailingAddress FROM Contact" }),
            json!({ "state": "Nonsense" }),
            json!({ "ids": [1, null, id], "fields": ["Id", 5] }),
            json!({ "FullName": "Contact.é__c", "Metadata": { "type": "Number", "precision": -1, "scale": 1e30 } }),
        ]
        .iter()
        .map(Value::to_string),
    );
    out
}

#[tokio::test]
async fn no_request_breaks_the_server() {
    let org = Org::with(20).await;
    let (mut draw, bodies) = (Draw(7), bodies());
    let methods = [Method::GET, Method::POST, Method::PATCH, Method::PUT, Method::DELETE];
    let kinds = [
        "application/json",
        "text/csv",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "application/x-www-form-urlencoded",
    ];
    for _ in 0..1_500 {
        let mut path = (*draw.of::<&str>(&PATHS)).to_owned();
        for _ in 0..*draw.of(&[0, 1, 1, 2, 2, 3]) {
            path.push('/');
            path.push_str(draw.of::<&str>(&MORE));
        }
        path = format!("{path}?{}", draw.of::<&str>(&QUERIES));
        let (method, body, kind) = (draw.of(&methods).clone(), draw.of(&bodies).clone(), *draw.of(&kinds));
        let seen = format!("{method} {path} {kind} {body:.200}");
        let answer = org.call(method, &path).header("content-type", kind).body(body).send().await.expect("an answer");
        let status = answer.status().as_u16();
        assert!(status < 500, "{status} to {seen}");
        let text = answer.text().await.expect("a body");
        if status >= 400 {
            let body: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status} {text} to {seen}"));
            assert!(body[0]["errorCode"].is_string(), "{body} to {seen}");
        }
    }
    assert_eq!(org.get("limits").await.0, 200);
}
