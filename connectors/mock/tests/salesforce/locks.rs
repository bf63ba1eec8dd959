//! Row locks: planned, by chance, and between transactions on children of one parent.

use serde_json::{Value, json};

use crate::jobs::{file, ingest};
use crate::org::{Org, code};

/// An account and contacts of it.
async fn family(org: &Org, names: &[&str]) -> (String, Vec<String>) {
    let account = org.create("Account", json!({ "Name": "Norhaven" })).await;
    let mut contacts = Vec::new();
    for name in names {
        contacts.push(org.create("Contact", json!({ "LastName": name, "AccountId": account })).await);
    }
    (account, contacts)
}

fn titles(ids: &[&String]) -> Value {
    let row = |id: &&String| json!({ "attributes": { "type": "Contact" }, "id": id, "Title": "CTO" });
    json!({ "records": ids.iter().map(row).collect::<Vec<_>>() })
}

#[tokio::test]
async fn two_calls_on_children_of_one_parent_collide_and_one_call_does_not() {
    let org = Org::with(0).await;
    let (account, contacts) = family(&org, &["A", "B", "C"]).await;
    let (_, other) = family(&org, &["D"]).await;
    org.freeze("2026-11-23T09:00:00Z").await;
    org.config(json!({ "locks": { "hold_ms": 1000 } })).await;
    let (_, rows) = org.patch("composite/sobjects", titles(&[&contacts[0], &contacts[1]])).await;
    assert!(rows.as_array().unwrap().iter().all(|row| row["success"] == true), "{rows}");
    let (_, rows) = org.patch("composite/sobjects", titles(&[&contacts[2], &other[0]])).await;
    let message = format!("unable to obtain exclusive access to this record or 1 records: {account}");
    assert_eq!(rows[0]["errors"][0], json!({ "statusCode": "UNABLE_TO_LOCK_ROW", "message": message, "fields": [] }));
    assert_eq!(rows[1]["success"], true);
    let (status, body) = org.patch(&format!("sobjects/Contact/{}", contacts[0]), json!({ "Title": "CEO" })).await;
    assert_eq!(
        (status.as_u16(), &body),
        (400, &json!([{ "message": message, "errorCode": "UNABLE_TO_LOCK_ROW", "fields": [] }]))
    );
    let (_, body) = org.patch(&format!("sobjects/Account/{account}"), json!({ "Phone": "1" })).await;
    assert_eq!(code(&body), "UNABLE_TO_LOCK_ROW", "the parent itself is locked");
    org.freeze("2026-11-23T09:00:01Z").await;
    assert_eq!(org.patch(&format!("sobjects/Contact/{}", contacts[2]), json!({ "Title": "CEO" })).await.0, 204);
}

#[tokio::test]
async fn batches_of_a_job_collide_with_each_other() {
    let org = Org::with(0).await;
    let (account, contacts) = family(&org, &["A", "B", "C", "D"]).await;
    org.freeze("2026-11-23T09:00:00Z").await;
    org.config(json!({ "locks": { "hold_ms": 1000 }, "bulk": { "chunk_rows": 2 } })).await;
    let rows: String = contacts.iter().map(|id| format!("{id},CTO\n")).collect();
    let job = json!({ "object": "Contact", "operation": "update" });
    let (id, done) = ingest(&org, job, &format!("Id,Title\n{rows}")).await;
    assert_eq!((&done["numberRecordsProcessed"], &done["numberRecordsFailed"]), (&json!(4), &json!(2)));
    let failed = file(&org, &id, "failedResults").await;
    let error =
        format!("UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 1 records: {account}: --");
    assert!(failed.contains(&format!("\"{}\",\"{error}\"", contacts[3])), "{failed}");
}

#[tokio::test]
async fn chance_strikes_rows_that_have_a_parent() {
    let org = Org::with(0).await;
    let (_, contacts) = family(&org, &["A"]).await;
    let alone = org.create("Contact", json!({ "LastName": "Z" })).await;
    org.config(json!({ "locks": { "odds": 1.0 } })).await;
    let (_, rows) = org.patch("composite/sobjects", titles(&[&contacts[0], &alone])).await;
    assert_eq!(rows[0]["errors"][0]["statusCode"], "UNABLE_TO_LOCK_ROW");
    assert_eq!(rows[1]["success"], true);
}

#[tokio::test]
async fn a_planned_lock_strikes_the_rows_it_names_in_every_way_of_writing() {
    let org = Org::with(0).await;
    let (_, contacts) = family(&org, &["A", "B"]).await;
    let fault = json!({ "object": "Contact", "id": contacts[0], "code": "UNABLE_TO_LOCK_ROW", "times": 3,
                        "message": "unable to obtain exclusive access to this record" });
    org.config(json!({ "row_faults": [fault] })).await;
    let path = format!("sobjects/Contact/{}", contacts[0]);
    assert_eq!(code(&org.patch(&path, json!({ "Title": "x" })).await.1), "UNABLE_TO_LOCK_ROW");
    let (_, rows) = org.patch("composite/sobjects", titles(&[&contacts[0], &contacts[1]])).await;
    assert_eq!((&rows[0]["success"], &rows[1]["success"]), (&json!(false), &json!(true)));
    let job = json!({ "object": "Contact", "operation": "update" });
    let (_, done) = ingest(&org, job, &format!("Id,Title\n{},y\n", contacts[0])).await;
    assert_eq!(done["numberRecordsFailed"], 1);
    assert_eq!(org.patch(&path, json!({ "Title": "x" })).await.0, 204);
}
