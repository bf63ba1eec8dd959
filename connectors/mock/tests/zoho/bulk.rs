//! Bulk jobs: states, zipped results, uploads, and what became of each row.

use std::io::{Cursor, Read, Write};

use reqwest::Method;
use serde_json::{Value, json};

use crate::org::{Org, read};

/// A ZIP with one stored entry, made here so that the mock is not asked about itself.
fn zipped(name: &str, content: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    let (length, sum) = (u32::try_from(content.len()).unwrap(), crc.sum());
    let mut out = Vec::new();
    let mut head = |signature: u32, central: bool| {
        let at = out.len();
        out.extend(signature.to_le_bytes());
        if central {
            out.extend(20u16.to_le_bytes());
        }
        for half in [20u16, 0, 0, 0, 0x21] {
            out.extend(half.to_le_bytes());
        }
        for word in [sum, length, length] {
            out.extend(word.to_le_bytes());
        }
        out.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        out.extend(0u16.to_le_bytes());
        if central {
            out.extend([0; 14]);
        }
        out.write_all(name.as_bytes()).unwrap();
        if !central {
            out.extend(content);
        }
        at
    };
    head(0x0403_4b50, false);
    let directory = head(0x0201_4b50, true);
    let size = out.len() - directory;
    out.extend(0x0605_4b50u32.to_le_bytes());
    out.extend([0, 0, 0, 0, 1, 0, 1, 0]);
    out.extend(u32::try_from(size).unwrap().to_le_bytes());
    out.extend(u32::try_from(directory).unwrap().to_le_bytes());
    out.extend([0, 0]);
    out
}

/// The rows of the only file of a ZIP, its header first.
fn unzipped(archive: &[u8]) -> Vec<Vec<String>> {
    let half = |at: usize| usize::from(u16::from_le_bytes([archive[at], archive[at + 1]]));
    assert_eq!(archive[..4], [0x50, 0x4b, 3, 4]);
    let start = 30 + half(26) + half(28);
    let mut text = String::new();
    flate2::read::DeflateDecoder::new(Cursor::new(&archive[start..])).read_to_string(&mut text).unwrap();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

async fn call(org: &Org, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let request = org.signed(method, path);
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    let (status, body) = read(request.send().await.unwrap()).await;
    (status.as_u16(), body)
}

/// Asks for a job until it has ended.
async fn ended(org: &Org, path: &str) -> Value {
    loop {
        let (status, body) = call(org, Method::GET, path, None).await;
        assert_eq!(status, 200);
        let job = if body["data"].is_array() { body["data"][0].clone() } else { body };
        let state = job["state"].as_str().or(job["status"].as_str()).unwrap();
        if !["ADDED", "QUEUED", "IN PROGRESS", "INPROGRESS"].contains(&state) {
            return job;
        }
    }
}

#[tokio::test]
async fn a_read_is_a_zip_of_pages_under_api_names() {
    let org = Org::with(60).await;
    org.config(json!({ "bulk_page_rows": 40, "job_polls": 2 })).await;
    let query = |token: Option<&str>| {
        let mut query = json!({ "module": { "api_name": "Contacts" }, "fields": ["Last_Name", "Email", "Account_Name", "Modified_Time"] });
        if let Some(token) = token {
            query["page_token"] = json!(token);
        }
        json!({ "query": query, "file_type": "csv" })
    };
    let (status, made) = call(&org, Method::POST, "/crm/bulk/v8/read", Some(query(None))).await;
    assert_eq!((status, made["data"][0]["code"].as_str()), (201, Some("ADDED_SUCCESSFULLY")));
    let id = made["data"][0]["details"]["id"].as_str().unwrap();
    let path = format!("/crm/bulk/v8/read/{id}");
    let (_, first) = call(&org, Method::GET, &path, None).await;
    assert_eq!(first["data"][0]["state"], "QUEUED");
    assert_eq!(call(&org, Method::GET, &format!("{path}/result"), None).await.0, 404);
    let job = ended(&org, &path).await;
    assert_eq!((job["state"].as_str(), job["result"]["count"].as_u64()), (Some("COMPLETED"), Some(40)));
    assert_eq!(job["result"]["more_records"], true);
    let result = org.signed(Method::GET, job["result"]["download_url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(result.headers()["content-type"], "application/x-download");
    let rows = unzipped(&result.bytes().await.unwrap());
    assert_eq!(rows[0], ["Id", "Last_Name", "Email", "Account_Name", "Modified_Time"]);
    assert_eq!(rows.len(), 41);
    let known = org.first("Contacts", 1, "Email,Account_Name,Modified_Time").await.remove(0);
    assert_eq!(rows[1][0], known["id"].as_str().unwrap());
    assert_eq!(rows[1][3], known["Account_Name"]["id"].as_str().unwrap());
    assert_eq!(rows[1][4], known["Modified_Time"].as_str().unwrap());

    let token = job["result"]["next_page_token"].as_str().unwrap();
    let (_, made) = call(&org, Method::POST, "/crm/bulk/v8/read", Some(query(Some(token)))).await;
    let id = made["data"][0]["details"]["id"].as_str().unwrap();
    let job = ended(&org, &format!("/crm/bulk/v8/read/{id}")).await;
    assert_eq!((job["result"]["count"].as_u64(), job["result"]["more_records"].as_bool()), (Some(20), Some(false)));
    let other = json!({ "query": { "module": { "api_name": "Leads" }, "page_token": token } });
    assert_eq!(call(&org, Method::POST, "/crm/bulk/v8/read", Some(other)).await.1["code"], "TOKEN_BOUND_DATA_MISMATCH");
    assert_eq!(call(&org, Method::GET, "/crm/bulk/v8/read/1", None).await.1["code"], "RESOURCE_NOT_FOUND");
}

#[tokio::test]
async fn criteria_of_a_read_are_a_tree() {
    let org = Org::with(60).await;
    org.config(json!({ "frozen_at": "2026-11-23T09:00:00Z" })).await;
    org.rep("edit", json!({ "object": "contacts", "first": 3, "properties": { "Title": "Captain" } })).await;
    let test = |name: &str, comparator: &str, value: Value| json!({ "field": { "api_name": name }, "comparator": comparator, "value": value });
    let group = json!({ "group_operator": "and", "group": [
        test("Modified_Time", "greater_equal", json!("2026-11-23T09:00:00+00:00")),
        test("Title", "in", json!(["Captain", "CEO"])),
    ] });
    let body = json!({ "query": { "module": { "api_name": "Contacts" }, "fields": ["Title"], "criteria": group } });
    let (_, made) = call(&org, Method::POST, "/crm/bulk/v8/read", Some(body)).await;
    let job = ended(&org, &format!("/crm/bulk/v8/read/{}", made["data"][0]["details"]["id"].as_str().unwrap())).await;
    assert_eq!(job["result"]["count"], 3);
    let wrong = json!({ "query": { "module": { "api_name": "Contacts" }, "criteria": test("Title", "resembles", json!("x")) } });
    assert_eq!(call(&org, Method::POST, "/crm/bulk/v8/read", Some(wrong)).await.0, 400);
}

async fn upload(org: &Org, file: &[u8], org_id: &str) -> (u16, Value) {
    let mut body = b"--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.zip\"\r\n\r\n".to_vec();
    body.extend(file);
    body.extend(b"\r\n--xx--\r\n");
    let call = org.signed(Method::POST, "/crm/v8/upload");
    let call = call.header("feature", "bulk-write").header("X-CRM-ORG", org_id);
    let call = call.header("content-type", "multipart/form-data; boundary=xx").body(body);
    let (status, body) = read(call.send().await.unwrap()).await;
    (status.as_u16(), body)
}

#[tokio::test]
async fn a_write_says_of_each_row_what_became_of_it() {
    let org = Org::with(5).await;
    let known = org.first("Contacts", 2, "Email").await;
    let id = |at: usize| known[at]["id"].as_str().unwrap();
    let zgid = org.get("/org").await.1["org"][0]["zgid"].as_str().unwrap().to_owned();
    let csv = format!("id,Title,Phone\n{},Captain,\n{},Mate,nowhere\n5545974020000999999,Nobody,\n", id(0), id(1));
    assert!(
        upload(&org, &zipped("x.csv", csv.as_bytes()), "1").await.1["message"].as_str().unwrap().contains("X-CRM-ORG")
    );
    assert_eq!(upload(&org, csv.as_bytes(), &zgid).await.1["code"], "INVALID_FILE_FORMAT");
    let (status, file) = upload(&org, &zipped("x.csv", csv.as_bytes()), &zgid).await;
    assert_eq!((status, file["code"].as_str()), (200, Some("FILE_UPLOAD_SUCCESS")));
    let mappings: Vec<Value> = ["id", "Title", "Phone"]
        .iter()
        .enumerate()
        .map(|(at, name)| json!({ "api_name": name, "index": at }))
        .collect();
    let job = json!({ "operation": "update", "character_encoding": "UTF-8", "resource": [{
        "type": "data", "module": { "api_name": "Contacts" }, "file_id": file["details"]["file_id"],
        "ignore_empty": true, "find_by": "id", "field_mappings": mappings,
    }] });
    let (status, made) = call(&org, Method::POST, "/crm/bulk/v8/write", Some(job)).await;
    assert_eq!((status, made["code"].as_str()), (201, Some("SUCCESS")), "{made}");
    let job = ended(&org, &format!("/crm/bulk/v8/write/{}", made["details"]["id"].as_str().unwrap())).await;
    assert_eq!(job["status"], "COMPLETED");
    let file = &job["resource"][0]["file"];
    assert_eq!(
        (file["updated_count"].as_u64(), file["skipped_count"].as_u64(), file["total_count"].as_u64()),
        (Some(1), Some(2), Some(3))
    );
    let url = job["result"]["download_url"].as_str().unwrap().strip_prefix(org.mock.url()).unwrap();
    let rows = unzipped(&org.signed(Method::GET, url).send().await.unwrap().bytes().await.unwrap());
    assert_eq!(rows[0], ["id", "Title", "Phone", "STATUS", "RECORD_ID", "ERRORS"]);
    assert_eq!(rows[1], [id(0), "Captain", "", "updated", id(0), ""]);
    assert_eq!(rows[2][3..], ["skipped", "", "INVALID_DATA-Phone"]);
    assert_eq!(rows[3][3..], ["skipped", "", "INVALID_DATA-id"]);
    assert_eq!(org.whole("Contacts", id(0)).await["Title"], "Captain");
}

#[tokio::test]
async fn an_upsert_by_address_makes_and_changes() {
    let org = Org::with(2).await;
    let email = org.first("Contacts", 1, "Email").await[0]["Email"].as_str().unwrap().to_owned();
    let csv = format!("Email,Last_Name\n{email},Known\nnew@firm.example,New\nnone@firm.example,\n");
    let (_, file) = upload(&org, &zipped("x.csv", csv.as_bytes()), "7654321").await;
    let job = json!({ "operation": "upsert", "resource": [{
        "type": "data", "module": { "api_name": "Contacts" }, "file_id": file["details"]["file_id"], "find_by": "Email",
        "ignore_empty": true,
        "field_mappings": [{ "api_name": "Email", "index": 0 }, { "api_name": "Last_Name", "index": 1 }],
    }] });
    let (_, made) = call(&org, Method::POST, "/crm/bulk/v8/write", Some(job)).await;
    let path = format!("/crm/bulk/v8/write/{}", made["details"]["id"].as_str().unwrap());
    // Nobody asks for it; another call some seconds later finds it done.
    org.config(json!({ "clock_offset_s": 6 })).await;
    assert_eq!(org.get("/org").await.0, 200);
    let (_, job) = call(&org, Method::GET, &path, None).await;
    let file = &job["resource"][0]["file"];
    assert_eq!(
        (file["added_count"].as_u64(), file["updated_count"].as_u64(), file["skipped_count"].as_u64()),
        (Some(1), Some(1), Some(1))
    );
}

#[tokio::test]
async fn a_write_costs_five_hundred_credits() {
    let org = Org::with(1).await;
    org.config(json!({ "rate_limits": true, "daily_credits": 1_000 })).await;
    let remaining = |answer: &reqwest::Response| {
        answer.headers().get("x-api-credits-remaining").map(|v| v.to_str().unwrap().to_owned())
    };
    let answer = org.signed(Method::GET, "/crm/v8/org").send().await.unwrap();
    assert_eq!(remaining(&answer), None);
    let answer = org.signed(Method::POST, "/crm/bulk/v8/write").json(&json!({})).send().await.unwrap();
    assert_eq!(remaining(&answer).as_deref(), Some("499"));
    let answer = org.signed(Method::POST, "/crm/bulk/v8/write").json(&json!({})).send().await.unwrap();
    assert_eq!(answer.status(), 429);
    assert_eq!(read(answer).await.1["code"], "TOO_MANY_REQUESTS");
    assert_eq!(org.get("/org").await.0, 200);
}
