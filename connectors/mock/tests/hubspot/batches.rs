//! Batches: what succeeds, what fails alone, what fails the whole call.

use serde_json::{Value, json};

use crate::portal::{CONTACTS, Portal, ids};

fn path(what: &str) -> String {
    format!("{CONTACTS}/batch/{what}")
}

fn email_row(email: &str, trace: Option<&str>) -> Value {
    let mut row = json!({ "properties": { "email": email } });
    if let Some(trace) = trace {
        row["objectWriteTraceId"] = json!(trace);
    }
    row
}

#[tokio::test]
async fn a_read_names_all_missing_ids_in_one_error() {
    let portal = Portal::with(3).await;
    let known = portal.contacts(1).await[0]["id"].clone();
    let body = json!({ "properties": ["email"], "inputs": [{ "id": known }, { "id": "999" }, { "id": 1000 }] });
    let (status, answer) = portal.post(&path("read"), body).await;
    assert_eq!((status.as_u16(), answer["numErrors"].as_u64()), (207, Some(1)));
    assert_eq!(answer["errors"][0]["context"]["ids"], json!(["999", "1000"]));
    assert_eq!(answer["errors"][0]["category"], "OBJECT_NOT_FOUND");
    assert_eq!(answer["results"].as_array().unwrap().len(), 1);
    portal.config(json!({ "errors_under_200": true })).await;
    let (status, answer) = portal.post(&path("read"), json!({ "inputs": [{ "id": "999" }] })).await;
    assert_eq!((status.as_u16(), answer["numErrors"].as_u64()), (200, Some(1)));
}

#[tokio::test]
async fn more_than_a_hundred_or_fifty_with_history_is_refused() {
    let portal = Portal::with(0).await;
    let inputs = |count: usize| (0..count).map(|id| json!({ "id": id.to_string() })).collect::<Vec<_>>();
    assert_eq!(portal.post(&path("read"), json!({ "inputs": inputs(100) })).await.0, 207);
    assert_eq!(portal.post(&path("read"), json!({ "inputs": inputs(101) })).await.0, 400);
    let with_history = json!({ "inputs": inputs(51), "propertiesWithHistory": ["email"] });
    let (status, answer) = portal.post(&path("read"), with_history).await;
    assert_eq!(status, 400);
    assert!(answer["message"].as_str().unwrap().contains("property histories is 50"));
}

#[tokio::test]
async fn a_create_stands_or_falls_whole_without_trace_ids() {
    let portal = Portal::with(0).await;
    let rows = json!({ "inputs": [email_row("a@firm.example", None), email_row("b@firm.test", None)] });
    assert_eq!(portal.post(&path("create"), rows).await.0, 400);
    assert!(portal.lines("ledger", 0).await.is_empty());

    let rows = json!({ "inputs": [email_row("a@firm.example", Some("r1")), email_row("b@firm.test", Some("r2"))] });
    let (status, answer) = portal.post(&path("create"), rows).await;
    assert_eq!((status.as_u16(), answer["results"].as_array().unwrap().len()), (207, 1));
    assert_eq!(answer["errors"][0]["context"]["objectWriteTraceId"], json!(["r2"]));
    assert_eq!(answer["errors"][0]["category"], "VALIDATION_ERROR");
}

#[tokio::test]
async fn an_update_reports_missing_ids_and_refuses_bad_values_whole() {
    let portal = Portal::with(2).await;
    let known = portal.contacts(2).await;
    let row = |id: &Value, city: &str| json!({ "id": id, "properties": { "city": city } });
    let mut inputs = vec![row(&known[0]["id"], "Bergen"), row(&json!("999"), "Bergen")];
    inputs[1]["objectWriteTraceId"] = json!("lost");
    let (status, answer) = portal.post(&path("update"), json!({ "inputs": inputs })).await;
    assert_eq!((status.as_u16(), ids(&answer).len()), (207, 1));
    assert_eq!(answer["errors"][0]["context"], json!({ "ids": ["999"], "objectWriteTraceId": ["lost"] }));

    let bad = json!({ "id": known[1]["id"], "properties": { "lifecyclestage": "nonsense" } });
    let (status, _) = portal.post(&path("update"), json!({ "inputs": [row(&known[0]["id"], "Oslo"), bad] })).await;
    assert_eq!(status, 400);
    assert_eq!(portal.lines("ledger", 0).await.len(), 1, "the second call applied nothing");
    let (_, page) = portal.get(&format!("{CONTACTS}?limit=1&properties=city")).await;
    assert_eq!(page["results"][0]["properties"]["city"], "Bergen");
}

#[tokio::test]
async fn the_same_record_twice_is_refused_whole() {
    let portal = Portal::with(1).await;
    let id = portal.contacts(1).await[0]["id"].clone();
    let row = json!({ "id": id, "properties": { "city": "Bergen" } });
    assert_eq!(portal.post(&path("update"), json!({ "inputs": [row, row] })).await.0, 400);
}

#[tokio::test]
async fn upsert_by_email_makes_once_and_then_changes() {
    let portal = Portal::with(0).await;
    let row = |city: &str| {
        json!({ "inputs": [{ "id": "New@Firm.example", "idProperty": "email", "objectWriteTraceId": "r1",
                             "properties": { "city": city } }] })
    };
    let (status, first) = portal.post(&path("upsert"), row("Bergen")).await;
    assert_eq!((status.as_u16(), first["results"][0]["new"].as_bool()), (200, Some(true)));
    let (_, second) = portal.post(&path("upsert"), row("Oslo")).await;
    assert_eq!(second["results"][0]["new"], false);
    assert_eq!(ids(&first), ids(&second));
    assert_eq!(second["results"][0]["objectWriteTraceId"], "r1");
}

#[tokio::test]
async fn only_unique_properties_identify() {
    let portal = Portal::with(1).await;
    let upsert = json!({ "inputs": [{ "id": "x", "idProperty": "city", "properties": {} }] });
    let (status, answer) = portal.post(&path("upsert"), upsert).await;
    assert_eq!(status, 400);
    assert!(answer["message"].as_str().unwrap().contains("by non-unique 0-1 property"));
    let update = json!({ "inputs": [{ "id": "a@b.example", "idProperty": "email", "properties": {} }] });
    assert_eq!(portal.post(&path("update"), update).await.0, 400);

    let unique = json!({ "name": "cdp_profile_id", "label": "Profile", "type": "string", "fieldType": "text",
                         "groupName": "contactinformation", "hasUniqueValue": true });
    assert_eq!(portal.post("/crm/properties/2026-09/contacts", unique).await.0, 201);
    let row =
        |id: &str, email: &str| json!({ "id": id, "idProperty": "cdp_profile_id", "properties": { "email": email } });
    let (status, made) = portal.post(&path("upsert"), json!({ "inputs": [row("p1", "a@firm.example")] })).await;
    assert_eq!((status.as_u16(), made["results"][0]["new"].as_bool()), (200, Some(true)));
    assert_eq!(made["results"][0]["properties"]["cdp_profile_id"], "p1");
    // Another profile may not take the address.
    let (status, refused) = portal.post(&path("upsert"), json!({ "inputs": [row("p2", "a@firm.example")] })).await;
    assert_eq!((status.as_u16(), refused["category"].as_str()), (409, Some("CONFLICT")));
}

#[tokio::test]
async fn archiving_ignores_what_is_not_there() {
    let portal = Portal::with(2).await;
    let id = portal.contacts(1).await[0]["id"].clone();
    let body = json!({ "inputs": [{ "id": id }, { "id": "12" }] });
    assert_eq!(portal.post(&path("archive"), body).await.0, 204);
    assert_eq!(portal.contacts(10).await.len(), 1);
}

#[tokio::test]
async fn a_partial_fault_fails_one_row_and_an_omitted_row_is_applied_in_silence() {
    let portal = Portal::with(2).await;
    let known = portal.contacts(2).await;
    let rows = |city: &str| {
        let row = |at: usize| json!({ "id": known[at]["id"], "properties": { "city": city } });
        json!({ "inputs": [row(0), row(1)] })
    };
    portal.config(json!({ "plan": [{ "path": "/crm/*/batch/update", "fault": "partial" }] })).await;
    let (status, answer) = portal.post(&path("update"), rows("Bergen")).await;
    assert_eq!((status.as_u16(), ids(&answer).len(), answer["numErrors"].as_u64()), (207, 1, Some(1)));
    portal.config(json!({ "plan": [{ "path": "/crm/*/batch/update", "fault": "omit_row" }] })).await;
    let (status, answer) = portal.post(&path("update"), rows("Oslo")).await;
    assert_eq!((status.as_u16(), ids(&answer).len()), (200, 1));
    assert_eq!(portal.lines("ledger", 1).await.len(), 2);
}
