//! The control plane: ledger, request log, knobs, people's actions.

use reqwest::Method;
use serde_json::json;

use crate::portal::{CONTACTS, Portal, read};

#[tokio::test]
async fn the_ledger_tells_who_changed_what_and_by_which_request() {
    let portal = Portal::with(2).await;
    let id = portal.contacts(2).await[0]["id"].as_str().unwrap().to_owned();
    portal.patch(&format!("{CONTACTS}/{id}"), json!({ "properties": { "city": "Bergen" } })).await;
    portal.rep("edit", json!({ "object": "contacts", "id": id, "properties": { "city": "Malmö" } })).await;
    let ledger = portal.lines("ledger", 0).await;
    assert_eq!(ledger.len(), 2);
    let (first, second) = (&ledger[0], &ledger[1]);
    assert_eq!((first["op"].as_str(), first["object"].as_str()), (Some("update"), Some("contacts")));
    assert_eq!((first["record"].as_str(), first["by"].as_str()), (Some(id.as_str()), Some("api")));
    assert_eq!(first["after"], json!({ "city": "Bergen" }));
    assert_eq!(second["before"], json!({ "city": "Bergen" }));
    assert_eq!((second["by"].as_str(), second["request"].is_null()), (Some("rep"), true));
    assert_eq!(portal.lines("ledger", 1).await, ledger[1..]);

    let requests = portal.lines("requests", 0).await;
    let patch = requests.iter().find(|line| line["method"] == "PATCH").unwrap();
    assert_eq!(patch["seq"], first["request"]);
    assert_eq!(patch["status"], 200);
}

#[tokio::test]
async fn a_reset_brings_the_first_day_back() {
    let portal = Portal::with(3).await;
    let before = portal.contacts(3).await;
    portal.rep("edit", json!({ "object": "contacts", "first": 3, "properties": { "city": "Elsewhere" } })).await;
    portal.config(json!({ "faults": { "502": 1.0 } })).await;
    portal.rep("reset", json!({})).await;
    assert_eq!(portal.contacts(3).await, before);
    assert!(portal.lines("ledger", 0).await.is_empty());
    portal.rep("reset", json!({ "records": 5 })).await;
    assert_eq!(portal.contacts(10).await.len(), 5);
}

#[tokio::test]
async fn unknown_knobs_and_actions_are_refused() {
    let portal = Portal::with(1).await;
    for (method, path, body) in [
        (Method::PUT, "/__mock/config", json!({ "no_such": 1 })),
        (Method::PUT, "/__mock/config", json!({ "faults": { "sloth": 0.5 } })),
        (Method::PUT, "/__mock/config", json!({ "plan": [{ "fault": "sloth" }] })),
        (Method::POST, "/__mock/convert", json!({})),
    ] {
        let (status, answer) = read(portal.request(method, path).json(&body).send().await.unwrap()).await;
        assert_eq!(status, 400, "{body}");
        assert!(answer["error"].is_string(), "{answer}");
    }
}

#[tokio::test]
async fn a_stopped_mock_answers_nobody() {
    let portal = Portal::with(1).await;
    let (url, http) =
        (format!("{}{CONTACTS}", portal.mock.url()), reqwest::Client::builder().no_proxy().build().unwrap());
    let call = || http.get(&url).bearer_auth("mock-token").send();
    assert_eq!(call().await.unwrap().status(), 200);
    portal.desk.mock.shutdown().await;
    assert!(call().await.is_err(), "not even on the connection kept from before");
}
