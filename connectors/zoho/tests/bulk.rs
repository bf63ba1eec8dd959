//! Bulk jobs: first loads in files, large pushes in files, and what is left of a job whose answer was lost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod stand_in;

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use connector::{
    Connector, Entropy, ErrorKind, Fields, Hints, Notebook, Object, Operation, Outcome, PullRequest, Reason,
    SeededEntropy, Stream, Timestamp, Value, Write,
};
use serde_json::{Value as Json, json};
use stand_in::scripted::{Hit, Said, Scripted};

/// A ZIP of one stored file.
fn zipped(text: &str) -> Vec<u8> {
    let size = u32::try_from(text.len()).unwrap().to_le_bytes();
    let mut archive = vec![0x50, 0x4b, 3, 4, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    archive.extend(size.iter().chain(&size));
    archive.extend([5, 0, 0, 0]);
    archive.write_all(b"a.csv").unwrap();
    archive.write_all(text.as_bytes()).unwrap();
    archive
}

fn loading(hit: &Hit, gone: &AtomicUsize) -> Option<Said> {
    let job = |body: Json| Some(Said::json(200, json!({ "data": [body] })));
    if hit.is("GET /crm/v8/Contacts/actions/count") {
        return Some(Said::json(200, json!({ "count": 7 })));
    }
    if hit.is("GET /crm/v8/Contacts") {
        let row = json!({ "id": "554100", "Modified_Time": "2026-01-05T10:00:00+00:00" });
        let info = json!({ "more_records": true, "next_page_token": "t" });
        return Some(Said::json(200, json!({ "data": [row], "info": info })));
    }
    if hit.is("POST /crm/bulk/v8/read") {
        let id = if hit.json()["query"]["page_token"] == "next" { "9002" } else { "9001" };
        return job(json!({ "status": "success", "details": { "id": id, "state": "ADDED" } }));
    }
    if hit.is("GET /crm/bulk/v8/read/9001/result") {
        if gone.fetch_sub(1, Ordering::SeqCst) > 0 {
            return Some(Said::json(404, json!({ "code": "RESOURCE_NOT_FOUND", "details": {}, "status": "error" })));
        }
        gone.store(0, Ordering::SeqCst);
        let rows: Vec<String> =
            (1..=5).map(|at| format!("55410{at},a{at}@x.example,2026-01-05T11:00:00+01:00,1.50")).collect();
        return Some(Said::bytes(200, zipped(&format!("Id,Email,Modified_Time,Worth\n{}\n", rows.join("\n")))));
    }
    if hit.is("GET /crm/bulk/v8/read/9002/result") {
        return Some(Said::bytes(200, zipped("Id,Email\n554106,\"a6@x.example\"\n554107,\n")));
    }
    if hit.is("GET /crm/bulk/v8/read/9001") {
        let result = json!({ "count": 5, "more_records": true, "next_page_token": "next" });
        return job(json!({ "state": "COMPLETED", "result": result }));
    }
    if hit.is("GET /crm/bulk/v8/read/9002") {
        return job(json!({ "state": "COMPLETED", "result": { "count": 2, "more_records": false } }));
    }
    None
}

async fn loaded(gone: usize, restart: bool) -> (Vec<(String, Option<Value>)>, Scripted) {
    let gone = AtomicUsize::new(gone);
    let server = Scripted::start(move |hit| loading(hit, &gone)).await;
    let make = || {
        server.connector(|config| {
            config.limits.bulk_read_above = 5;
            config.limits.bulk_page = 2;
        })
    };
    let mut zoho = make();
    let fields = vec!["Email".into(), "Worth".into()];
    let stream = Stream::Records(Object::Contact);
    let mut request = PullRequest { stream, fields, links: Vec::new(), cursor: None, since: None };
    let mut rows = Vec::new();
    for _ in 0..20 {
        if restart {
            zoho = make();
        }
        let page = zoho.pull(&request).await.unwrap();
        rows.extend(page.records.iter().map(|r| (r.id.to_string(), r.fields.get("Worth").cloned())));
        request.cursor = Some(page.resume);
        if !page.more {
            assert!(page.full_load_done);
            break;
        }
    }
    (rows, server)
}

#[tokio::test]
async fn a_large_first_load_comes_in_files() {
    let (rows, server) = loaded(0, false).await;
    let ids: Vec<&str> = rows.iter().skip(1).map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["554101", "554102", "554103", "554104", "554105", "554106", "554107"]);
    assert_eq!(rows[1].1, Some(Value::Number("1.5".parse().unwrap())));
    assert_eq!(rows[6].1, Some(Value::Null));
    assert_eq!(server.count("GET /crm/bulk/v8/read/9001/result"), 1, "a file is fetched once");
}

#[tokio::test]
async fn a_file_is_read_on_after_a_restart() {
    let (rows, server) = loaded(0, true).await;
    assert_eq!(rows.len(), 8, "{rows:?}");
    assert!(server.count("GET /crm/bulk/v8/read/9001/result") > 1);
}

#[tokio::test]
async fn a_file_that_is_gone_is_made_anew() {
    let (rows, server) = loaded(1, false).await;
    assert_eq!(rows.len(), 8, "{rows:?}");
    assert_eq!(server.count("POST /crm/bulk/v8/read"), 3);
}

fn update(id: usize, value: impl Into<Value>) -> Write {
    let key = SeededEntropy::new(3).uuid(Timestamp::EPOCH);
    let operation = Operation::Update { id: format!("55410{id}").into() };
    let fields = Fields::from([("Last_Name", value.into())]);
    Write { key, object: Object::Contact, operation, fields, hints: Hints::default() }
}

fn writing(hit: &Hit, lost: bool) -> Option<Said> {
    if hit.is("POST /crm/v8/upload") {
        assert_eq!(hit.headers["feature"], "bulk-write");
        assert_eq!(hit.headers["x-crm-org"], "777");
        assert!(hit.body.windows(4).any(|bytes| bytes == [0x50, 0x4b, 3, 4]), "a ZIP");
        return Some(Said::json(200, json!({ "status": "success", "details": { "file_id": "8001" } })));
    }
    if hit.is("POST /crm/bulk/v8/write") {
        let resource = &hit.json()["resource"][0];
        assert_eq!(resource["field_mappings"][0], json!({ "api_name": "id", "index": 0 }));
        assert_eq!((&resource["find_by"], &resource["ignore_empty"]), (&json!("id"), &json!(true)));
        if lost {
            return Some(Said::bytes(502, b"<html>".to_vec()));
        }
        return Some(Said::json(201, json!({ "status": "success", "details": { "id": "7001" } })));
    }
    if hit.is("GET /crm/bulk/v8/write/7001/result") {
        let text = "id,Last_Name,STATUS,RECORD_ID,ERRORS\n554101,a,updated,554101,\n554102,b,skipped,,INVALID_DATA-id\n\
                    554103,c,skipped,,INVALID_DATA-Last_Name\n554104,d,unprocessed,,\n";
        return Some(Said::bytes(200, zipped(text)));
    }
    if hit.is("GET /crm/bulk/v8/write/7001") {
        let file = json!({ "status": "COMPLETED", "added_count": 0, "updated_count": 1, "skipped_count": 2, "total_count": 4 });
        let result = json!({ "download_url": "/crm/bulk/v8/write/7001/result" });
        return Some(Said::json(
            200,
            json!({ "status": "COMPLETED", "resource": [{ "file": file }], "result": result }),
        ));
    }
    if hit.is("PUT /crm/v8/Contacts") {
        let rows = hit.json()["data"].as_array().unwrap().clone();
        let done = |row: &Json| json!({ "code": "SUCCESS", "status": "success", "details": { "id": row["id"] } });
        return Some(Said::json(200, json!({ "data": rows.iter().map(done).collect::<Vec<_>>() })));
    }
    None
}

#[tokio::test]
async fn a_large_push_goes_as_a_file_and_each_write_has_its_outcome() {
    let server = Scripted::start(|hit| writing(hit, false)).await;
    let zoho = server.connector(|config| config.limits.bulk_write_above = 3);
    let mut writes: Vec<Write> = (1..=4).map(|at| update(at, format!("name {at}").as_str())).collect();
    // What a file cannot say goes by call.
    writes.push(update(5, Value::Null));
    let outcomes = zoho.push(&writes).await.unwrap();
    assert!(matches!(&outcomes[0], Outcome::Done { id, .. } if id.as_str() == "554101"), "{outcomes:?}");
    assert!(matches!(&outcomes[1], Outcome::Rejected(rejection) if rejection.reason == Reason::Gone), "{outcomes:?}");
    let Outcome::Rejected(rejection) = &outcomes[2] else { panic!("{outcomes:?}") };
    assert_eq!((&rejection.reason, rejection.fields.as_slice()), (&Reason::Invalid, &["Last_Name".into()][..]));
    assert!(matches!(outcomes[3], Outcome::Deferred(_)), "{outcomes:?}");
    assert_eq!(zoho.forecast(4), 16);
    let noted = server.notebook.notes().await.unwrap();
    assert!(noted.iter().all(|note| !note.key.starts_with("bulk-write/")), "nothing is left to remember");
    zoho.recover().await.unwrap();
}

#[tokio::test]
async fn a_job_whose_start_was_not_answered_is_waited_out() {
    let server = Scripted::start(|hit| writing(hit, true)).await;
    let zoho = server.connector(|config| config.limits.bulk_write_above = 3);
    let writes: Vec<Write> = (1..=4).map(|at| update(at, "x")).collect();
    let outcomes = zoho.push(&writes).await.unwrap();
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Ambiguous(_))), "{outcomes:?}");
    assert_eq!(server.count("POST /crm/bulk/v8/write"), 1, "it is not started twice");
    // Another process finds the note; nothing is written before the job must be over.
    let again = server.connector(|config| config.limits.bulk_write_above = 3);
    let error = again.recover().await.unwrap_err();
    assert!(error.kind == ErrorKind::Transient && error.retry_at.is_some(), "{error}");
    assert!(zoho.push(&writes[..1]).await.is_err(), "the same process writes nothing either");
    server.clock.leap(Duration::from_secs(3_700));
    again.recover().await.unwrap();
    assert!(server.notebook.notes().await.unwrap().iter().all(|note| !note.key.starts_with("bulk-write/")));
    zoho.recover().await.unwrap();
    assert!(matches!(zoho.push(&writes[..1]).await.unwrap()[0], Outcome::Done { .. }));
}

#[tokio::test]
async fn a_job_that_still_runs_is_asked_for_by_whoever_comes_later() {
    let over = Arc::new(AtomicBool::new(false));
    let ended = over.clone();
    let server = Scripted::start(move |hit| {
        if hit.is("GET /crm/bulk/v8/write/7001") && !ended.load(Ordering::SeqCst) {
            return Some(Said::json(200, json!({ "status": "INPROGRESS" })));
        }
        writing(hit, false)
    })
    .await;
    let zoho = server.connector(|config| config.limits.bulk_write_above = 3);
    let writes: Vec<Write> = (1..=4).map(|at| update(at, "x")).collect();
    let outcomes = zoho.push(&writes).await.unwrap();
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Ambiguous(_))), "{outcomes:?}");
    let again = server.connector(|_| {});
    assert_eq!(again.recover().await.unwrap_err().kind, ErrorKind::Transient);
    over.store(true, Ordering::SeqCst);
    again.recover().await.unwrap();
    let asked = server.hits().len();
    again.recover().await.unwrap();
    assert_eq!(server.hits().len(), asked, "where nothing is left it costs nothing");
}
