//! Credits, concurrency, faults: what happens when it is too much or goes wrong.

use reqwest::Method;
use serde_json::json;

use crate::org::{Org, read};

#[tokio::test]
async fn rows_cost_by_ten_and_queries_by_their_limit() {
    let org = Org::with(1).await;
    org.config(json!({ "rate_limits": true, "daily_credits": 10 })).await;
    let rows: Vec<_> = (0..25).map(|at| json!({ "Last_Name": format!("N{at}") })).collect();
    let answer = org.call(Method::POST, "/Contacts").json(&json!({ "data": rows })).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let query = json!({ "select_query": "select Email from Contacts where id is not null limit 1500" });
    let answer = org.call(Method::POST, "/coql").json(&query).send().await.unwrap();
    assert_eq!(answer.headers()["x-api-credits-remaining"], "4");
    org.rep("usage", json!({ "used": 10 })).await;
    let (status, body) = org.get("/org").await;
    assert_eq!((status.as_u16(), body["code"].as_str()), (429, Some("TOO_MANY_REQUESTS")));
    org.config(json!({ "clock_offset_s": 90_000 })).await;
    let mut org = org;
    org.sign_in().await;
    assert_eq!(org.get("/org").await.0, 200);
}

#[tokio::test]
async fn calls_that_take_their_time_crowd_out_others() {
    let org = Org::with(1).await;
    org.config(json!({ "rate_limits": true, "concurrency": 2, "faults": { "delay_ms": 50 }, "frozen_at": "2026-11-23T09:00:00Z" })).await;
    let mut org = org;
    org.sign_in().await;
    for expected in [200, 200, 429] {
        assert_eq!(org.get("/org").await.0, expected);
    }
    org.config(json!({ "frozen_at": "2026-11-23T09:00:00.050Z" })).await;
    assert_eq!(org.get("/org").await.0, 200);
    org.config(json!({ "faults": {}, "concurrent_refusals": 1 })).await;
    assert_eq!(org.get("/org").await.0, 429);
}

#[tokio::test]
async fn faults_speak_the_vendors_language() {
    let org = Org::with(2).await;
    let plan = |fault: &str| json!({ "plan": [{ "method": "POST", "path": "/crm/v8/Contacts", "fault": fault }] });
    let rows = json!({ "data": [{ "Last_Name": "A" }, { "Last_Name": "B" }, { "Last_Name": "C" }] });
    for (fault, status, code) in
        [("503", 503, "SERVICE_UNAVAILABLE"), ("429", 429, "TOO_MANY_REQUESTS"), ("500_after", 500, "INTERNAL_ERROR")]
    {
        org.config(plan(fault)).await;
        let (got, body) = org.post("/Contacts", rows.clone()).await;
        assert_eq!((got.as_u16(), body["code"].as_str()), (status, Some(code)), "{fault}");
    }
    assert_eq!(org.lines("ledger", 0).await.len(), 3);
    org.config(plan("partial")).await;
    let (status, body) = org.post("/Contacts", rows.clone()).await;
    assert_eq!((status.as_u16(), body["data"][1]["code"].as_str()), (207, Some("INTERNAL_ERROR")));
    org.config(plan("omit_row")).await;
    assert_eq!(org.post("/Contacts", rows.clone()).await.1["data"].as_array().unwrap().len(), 2);
    org.config(plan("reset_after")).await;
    assert!(org.call(Method::POST, "/Contacts").json(&rows).send().await.is_err());
    assert_eq!(org.lines("ledger", 0).await.len(), 11);
    org.config(json!({ "plan": [], "mixed_under_200": true })).await;
    let mixed = json!({ "data": [{ "Last_Name": "A" }, {}] });
    assert_eq!(org.post("/Contacts", mixed).await.0, 200);
    org.config(json!({ "errors_in_data": true })).await;
    assert_eq!(org.get("/Contacts").await.1["data"][0]["code"], "REQUIRED_PARAM_MISSING");
}

#[tokio::test]
async fn a_row_can_be_told_whatever_rows_are_told() {
    let org = Org::with(1).await;
    for code in
        ["DEPENDENT_FIELD_MISSING", "RECORD_LOCKED", "NOT_APPROVED", "AUTHORIZATION_FAILED", "EXPECTED_FIELD_MISSING"]
    {
        let fault = json!({ "object": "Contacts", "field": "Last_Name", "value": "B", "times": 1, "code": code, "fields": ["Title"] });
        org.config(json!({ "row_faults": [fault] })).await;
        let (status, body) =
            org.post("/Contacts", json!({ "data": [{ "Last_Name": "A" }, { "Last_Name": "B" }] })).await;
        assert_eq!(status, 207);
        assert_eq!(crate::org::refusal(&body["data"][1]), (code, "Title", "$.data[1].Title"));
    }
    let wrong = org.request(Method::PUT, "/__mock/config").json(&json!({ "row_faults": [{ "code": "OOPS" }] }));
    assert_eq!(wrong.send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn a_late_commit_is_stamped_before_it_is_seen() {
    let org = Org::with(1).await;
    org.config(json!({ "frozen_at": "2026-11-23T09:00:00Z", "commit_delay_ms": 30_000 })).await;
    let mut org = org;
    org.sign_in().await;
    let (_, made) = org.post("/Contacts", json!({ "data": [{ "Last_Name": "Late" }] })).await;
    assert_eq!(made["data"][0]["code"], "SUCCESS");
    let since = "2026-11-23T08:59:00+00:00";
    assert_eq!(org.since("/Contacts?fields=Last_Name", since).await.0, 304);
    org.config(json!({ "frozen_at": "2026-11-23T09:00:30Z" })).await;
    let (_, page) = org.since("/Contacts?fields=Modified_Time", since).await;
    assert_eq!(page["data"][0]["Modified_Time"], "2026-11-23T10:00:00+01:00");
}

#[tokio::test]
async fn a_million_contacts_are_no_more_than_a_hundred() {
    let org = Org::with(1_000_000).await;
    let (_, page) = org.get("/Contacts?fields=Email&sort_by=Modified_Time&sort_order=desc&per_page=3").await;
    assert_eq!(page["data"].as_array().unwrap().len(), 3);
    let (_, page) =
        org.since("/Contacts?fields=Email&sort_by=Modified_Time&sort_order=asc", "2025-12-30T23:00:00+00:00").await;
    assert!(page["info"]["count"].as_u64().unwrap() > 0);
    org.config(json!({ "equal_stamps": true })).await;
    let (_, page) = org.get("/Contacts?fields=Email&sort_by=Modified_Time&sort_order=asc&per_page=2").await;
    let token = page["info"]["next_page_token"].as_str().unwrap();
    let next = format!("/Contacts?fields=Email&sort_by=Modified_Time&sort_order=asc&per_page=2&page_token={token}");
    let (_, more) = org.get(&next).await;
    assert!(crate::org::ids(&more)[0] > crate::org::ids(&page)[1]);
}

#[tokio::test]
async fn hostile_bodies_are_answered_and_nothing_is_written() {
    let org = Org::with(1).await;
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    for body in ["", "{", "[]", "null", "{\"data\":{}}", "{\"data\":[]}", "{\"data\":[1]}", &deep, "\u{0}"] {
        for path in [
            "/Contacts",
            "/Contacts/upsert",
            "/coql",
            "/settings/fields?module=Contacts",
            "/actions/watch",
            "/Contacts/actions/add_tags",
        ] {
            let answer = org.call(Method::POST, path).body(body.to_owned()).send().await.unwrap();
            let (status, answer) = read(answer).await;
            assert_eq!(status, 400, "{path} {body:.40} {answer}");
        }
    }
    assert_eq!(org.get("/Contacts/search?criteria=((((((((((((((((").await.0, 400);
    assert!(org.lines("ledger", 0).await.is_empty());
}
