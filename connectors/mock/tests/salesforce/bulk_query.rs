//! Query jobs: their life, pages and locators, and the queries they refuse.

use reqwest::Method;
use serde_json::{Value, json};

use crate::jobs::{QUERY, finish, page, query};
use crate::org::Org;

const ALL: &str = "SELECT Id, LastName, Account.Name, Email, SystemModstamp FROM Contact";

#[tokio::test]
async fn a_job_is_complete_after_it_was_seen_under_way() {
    let org = Org::with(3).await;
    let (status, info) = org.post(QUERY, json!({ "operation": "query", "query": ALL })).await;
    assert_eq!(status, 200);
    assert_eq!((info["state"].as_str(), info["object"].as_str()), (Some("UploadComplete"), Some("Contact")));
    assert_eq!(
        (&info["apiVersion"], &info["lineEnding"], &info["columnDelimiter"]),
        (&json!(67.0), &json!("LF"), &json!("COMMA"))
    );
    let path = format!("{QUERY}/{}", info["id"].as_str().unwrap());
    let (status, body) = org.get(&format!("{path}/results")).await;
    assert_eq!((status.as_u16(), body[0]["errorCode"].as_str()), (400, Some("INVALIDJOBSTATE")));
    let (_, first) = org.get(&path).await;
    assert_eq!((first["state"].as_str(), first["jobType"].as_str()), (Some("InProgress"), Some("V2Query")));
    let (_, done) = org.get(&path).await;
    assert_eq!((done["state"].as_str(), &done["numberRecordsProcessed"]), (Some("JobComplete"), &json!(3)));
    assert_eq!(org.delete(&path).await.0, 204);
    assert_eq!(org.get(&path).await.0, 404);
}

#[tokio::test]
async fn rows_come_quoted_with_parents_and_stamps_in_the_csv_spelling() {
    let org = Org::with(0).await;
    org.freeze("2026-11-23T09:00:00Z").await;
    let account = org.create("Account", json!({ "Name": "Norhaven" })).await;
    let contact = json!({ "LastName": "O'Neil \"Red\"", "Title": "Multi\nline", "AccountId": account });
    let first = org.create("Contact", contact).await;
    let id =
        query(&org, "select id, LASTNAME, Account.Name, Title, Email, DoNotCall, systemmodstamp from contact").await;
    let (status, locator, count, text) = page(&org, &id, "").await;
    assert_eq!((status, locator.as_str(), count.as_str()), (200, "null", "1"));
    let header = "\"Id\",\"LastName\",\"Account.Name\",\"Title\",\"Email\",\"DoNotCall\",\"SystemModstamp\"";
    let row = format!(
        "\"{first}\",\"O'Neil \"\"Red\"\"\",\"Norhaven\",\"Multi\nline\",\"\",\"false\",\"2026-11-23T09:00:00.000Z\""
    );
    assert_eq!(text, format!("{header}\n{row}\n"));
    let none = query(&org, "SELECT Id FROM Contact WHERE LastName = 'Nobody'").await;
    assert_eq!(page(&org, &none, "").await, (200, "null".into(), "0".into(), "\"Id\"\n".into()));
}

#[tokio::test]
async fn pages_follow_their_locators_and_can_be_had_again() {
    let org = Org::with(25).await;
    let id = query(&org, "SELECT Id FROM Contact").await;
    let (mut locator, mut rows, mut pages) = (String::new(), Vec::new(), Vec::new());
    while locator != "null" {
        let at = if locator.is_empty() { String::new() } else { format!("&locator={locator}") };
        let parameters = format!("?maxRecords=10{at}");
        let (status, next, count, text) = page(&org, &id, &parameters).await;
        assert_eq!(status, 200);
        let lines: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
        assert_eq!(count, lines.len().to_string());
        assert_eq!(page(&org, &id, &parameters).await.3, text, "the same page, the same rows");
        pages.push(lines.len());
        rows.extend(lines);
        locator = next;
    }
    assert_eq!(pages, [10, 10, 5]);
    rows.sort();
    rows.dedup();
    assert_eq!(rows.len(), 25);
    assert_eq!(page(&org, &id, "").await.2, "25", "without maxRecords all come at once");
    for wrong in ["?locator=nonsense", "?locator=OTk5", "?maxRecords=0", "?maxRecords=x"] {
        assert_eq!(page(&org, &id, wrong).await.0, 400, "{wrong}");
    }
    org.config(json!({ "bulk": { "page_rows": 20 } })).await;
    assert_eq!(page(&org, &id, "").await.2, "20");
}

#[tokio::test]
async fn result_pages_name_where_each_page_begins() {
    let org = Org::with(25).await;
    let id = query(&org, "SELECT Id FROM Contact").await;
    let (_, list) = org.get(&format!("{QUERY}/{id}/resultPages?maxRecords=4")).await;
    assert_eq!((list["resultPages"].as_array().unwrap().len(), &list["done"]), (5, &json!(false)));
    let (_, more) = org.get(list["nextRecordsUrl"].as_str().unwrap()).await;
    assert_eq!((more["resultPages"].as_array().unwrap().len(), &more["done"]), (2, &json!(true)));
    let mut rows = 0;
    for each in list["resultPages"].as_array().unwrap().iter().chain(more["resultPages"].as_array().unwrap()) {
        let answer = org.call(Method::GET, each["resultUrl"].as_str().unwrap()).send().await.unwrap();
        rows += answer.text().await.unwrap().lines().count() - 1;
    }
    assert_eq!(rows, 25);
}

#[tokio::test]
async fn what_bulk_does_not_serve_is_refused_at_creation() {
    let org = Org::with(1).await;
    for (soql, code) in [
        ("SELECT COUNT() FROM Contact", "API_ERROR"),
        ("SELECT LastName, COUNT(Id) FROM Contact GROUP BY LastName", "API_ERROR"),
        ("SELECT Id FROM Contact OFFSET 5", "API_ERROR"),
        ("SELECT Id, MailingAddress FROM Contact", "API_ERROR"),
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", "API_ERROR"),
        ("SELECT Nope FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FORM Contact", "MALFORMED_QUERY"),
        ("SELECT Id FROM Blob", "INVALID_TYPE"),
    ] {
        let (status, body) = org.post(QUERY, json!({ "operation": "query", "query": soql })).await;
        assert_eq!((status.as_u16(), body[0]["errorCode"].as_str()), (400, Some(code)), "{soql}: {body}");
    }
    assert_eq!(org.post(QUERY, json!({ "operation": "insert", "query": ALL })).await.0, 400);
    org.config(json!({ "bulk": { "unsupported": ["Contact"] } })).await;
    let (status, body) = org.post(QUERY, json!({ "operation": "query", "query": ALL })).await;
    assert_eq!((status.as_u16(), body[0]["errorCode"].as_str()), (400, Some("INVALIDENTITY")));
    org.config(json!({ "bulk": { "daily_query_jobs": 0 } })).await;
    let (status, body) = org.post(QUERY, json!({ "operation": "query", "query": ALL })).await;
    assert_eq!((status.as_u16(), body[0]["errorCode"].as_str()), (400, Some("LIMIT_EXCEEDED")));
    assert!(body[0]["message"].as_str().unwrap().contains("Max bulk v2 query jobs"));
}

#[tokio::test]
async fn query_all_sees_what_was_deleted() {
    let org = Org::with(0).await;
    let id = org.create("Contact", json!({ "LastName": "Gone" })).await;
    org.delete(&format!("sobjects/Contact/{id}")).await;
    assert_eq!(page(&org, &query(&org, "SELECT Id FROM Contact").await, "").await.2, "0");
    let job = json!({ "operation": "queryAll", "query": "SELECT Id, IsDeleted FROM Contact", "lineEnding": "CRLF",
                      "columnDelimiter": "PIPE" });
    let (_, info) = org.post(QUERY, job).await;
    let job = info["id"].as_str().unwrap();
    finish(&org, &format!("{QUERY}/{job}")).await;
    assert_eq!(page(&org, job, "").await.3, format!("\"Id\"|\"IsDeleted\"\r\n\"{id}\"|\"true\"\r\n"));
}

#[tokio::test]
async fn another_version_does_not_get_the_results() {
    let org = Org::with(1).await;
    let id = query(&org, ALL).await;
    assert_eq!(org.get(&format!("/services/data/v60.0/jobs/query/{id}")).await.0, 200);
    assert_eq!(org.get(&format!("/services/data/v60.0/jobs/query/{id}/results")).await.0, 409);
    assert_eq!(org.get(&format!("/services/data/v60.0/jobs/query/{id}/resultPages")).await.0, 409);
}

#[tokio::test]
async fn jobs_fail_are_aborted_and_are_listed() {
    let org = Org::with(1).await;
    let fail = json!([{ "kind": "query", "object": "Contact", "message": "InternalServerError : retried too often", "retries": 15 }]);
    org.config(json!({ "bulk": { "fail": fail } })).await;
    let (_, info) = org.post(QUERY, json!({ "operation": "query", "query": ALL })).await;
    let failing = format!("{QUERY}/{}", info["id"].as_str().unwrap());
    let (_, done) = finish(&org, &failing).await;
    assert_eq!((done["state"].as_str(), &done["retries"]), (Some("Failed"), &json!(15)));
    assert_eq!(done["errorMessage"], "InternalServerError : retried too often");
    assert_eq!(org.get(&format!("{failing}/results")).await.0, 400);
    let (_, info) = org.post(QUERY, json!({ "operation": "query", "query": ALL })).await;
    let second = format!("{QUERY}/{}", info["id"].as_str().unwrap());
    assert_eq!(org.delete(&second).await.0, 400);
    let (status, info) = org.patch(&second, json!({ "state": "Aborted" })).await;
    assert_eq!((status.as_u16(), info["state"].as_str()), (200, Some("Aborted")));
    assert_eq!(org.patch(&second, json!({ "state": "Aborted" })).await.0, 400);
    let (_, list) = org.get(&format!("{QUERY}?jobType=V2Query")).await;
    let states: Vec<&Value> = list["records"].as_array().unwrap().iter().map(|job| &job["state"]).collect();
    assert_eq!(states, [&json!("Failed"), &json!("Aborted")]);
}

#[tokio::test]
async fn a_listing_comes_a_thousand_at_a_time() {
    let org = Org::with(0).await;
    for _ in 0..1_001 {
        assert_eq!(org.post(QUERY, json!({ "operation": "query", "query": "SELECT Id FROM Lead" })).await.0, 200);
    }
    let (_, first) = org.get(QUERY).await;
    assert_eq!((first["records"].as_array().unwrap().len(), &first["done"]), (1_000, &json!(false)));
    let (_, second) = org.get(first["nextRecordsUrl"].as_str().unwrap()).await;
    assert_eq!((second["records"].as_array().unwrap().len(), &second["done"]), (1, &json!(true)));
}

#[tokio::test]
async fn answers_come_cut_or_without_their_locator_where_it_is_told() {
    let org = Org::with(50).await;
    let id = query(&org, ALL).await;
    org.config(json!({ "bulk": { "truncated_gzip": 1, "missing_locator": 1 } })).await;
    let path = format!("{QUERY}/{id}/results");
    let cut = org.call(Method::GET, &path).send().await.unwrap();
    assert_eq!((cut.status().as_u16(), cut.headers().get("sforce-locator")), (200, None));
    assert_eq!(cut.headers()["sforce-numberofrecords"], "50");
    assert!(cut.text().await.is_err(), "half of a gzip stream is not a body");
    let (status, locator, count, text) = page(&org, &id, "").await;
    assert_eq!((status, locator.as_str(), count.as_str(), text.lines().count()), (200, "null", "50", 51));
}
