//! Ingest jobs: their life, what they refuse, and what becomes of each row.

use reqwest::Method;
use serde_json::{Value, json};

use crate::jobs::{INGEST, close, file, finish, ingest, key, make, upload};
use crate::org::Org;

fn job(operation: &str) -> Value {
    json!({ "object": "Contact", "operation": operation, "contentType": "CSV", "lineEnding": "LF" })
}

fn upsert() -> Value {
    json!({ "object": "Contact", "operation": "upsert", "externalIdFieldName": "key__C", "lineEnding": "LF" })
}

#[tokio::test]
async fn a_job_lives_from_open_to_complete_over_at_least_one_poll() {
    let org = Org::with(0).await;
    key(&org, "Contact").await;
    let (status, info) = org.post(INGEST, upsert()).await;
    assert_eq!(status, 200);
    let id = info["id"].as_str().unwrap();
    assert!(id.starts_with("750") && id.len() == 18);
    assert_eq!(info["contentUrl"], format!("services/data/v67.0/jobs/ingest/{id}/batches"));
    assert_eq!((&info["apiVersion"], &info["externalIdFieldName"]), (&json!(67.0), &json!("Key__c")));
    let uploaded = upload(&org, id, "Key__c,LastName\np1,Ruiz\np2,\n").await;
    assert_eq!(uploaded.status(), 201);
    assert_eq!(uploaded.text().await.unwrap(), "");
    close(&org, id).await;
    let (_, first) = org.get(&format!("{INGEST}/{id}")).await;
    assert_eq!((first["state"].as_str(), first["jobType"].as_str()), (Some("InProgress"), Some("V2Ingest")));
    let (_, done) = finish(&org, &format!("{INGEST}/{id}")).await;
    assert_eq!(done["state"], "JobComplete");
    assert_eq!((&done["numberRecordsProcessed"], &done["numberRecordsFailed"]), (&json!(2), &json!(1)));
    assert!(done.get("contentUrl").is_none());
    let successful = file(&org, id, "successfulResults").await;
    assert!(successful.starts_with("\"sf__Id\",\"sf__Created\",\"Key__c\",\"LastName\"\n\"003"), "{successful}");
    assert!(successful.ends_with("\"true\",\"p1\",\"Ruiz\"\n"), "{successful}");
    let failed = file(&org, id, "failedResults").await;
    let row = "\"\",\"REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --\",\"p2\",\"\"";
    assert_eq!(failed, format!("\"sf__Id\",\"sf__Error\",\"Key__c\",\"LastName\"\n{row}\n"));
    for spelling in ["unprocessedrecords", "unprocessedRecords"] {
        assert_eq!(file(&org, id, spelling).await, "\"Key__c\",\"LastName\"\n");
    }
    let creates = org.lines("ledger", 0).await.iter().filter(|line| line["op"] == "create").count();
    assert_eq!(creates, 1);
}

#[tokio::test]
async fn an_empty_cell_leaves_a_value_and_the_null_word_clears_it() {
    let org = Org::with(0).await;
    key(&org, "Contact").await;
    let first = "Key__c,LastName,Title,Department\np1,\"O'Neil \"\"Red\"\"\",CTO,R&D\n";
    ingest(&org, upsert(), first).await;
    let (_, done) = ingest(&org, upsert(), "Key__c,Title,Department\nP1,,#N/A\n").await;
    assert_eq!(done["numberRecordsFailed"], 0);
    let (_, record) = org.get("/services/data/v67.0/sobjects/Contact/Key__c/p1?fields=LastName,Title,Department").await;
    assert_eq!(record["LastName"], "O'Neil \"Red\"");
    assert_eq!((&record["Title"], &record["Department"]), (&json!("CTO"), &Value::Null));
}

#[tokio::test]
async fn results_do_not_come_in_the_order_of_the_rows() {
    let org = Org::with(0).await;
    key(&org, "Contact").await;
    let rows: String = (0..7).map(|at| format!("p{at},Name{at}\n")).collect();
    let (id, _) = ingest(&org, upsert(), &format!("Key__c,LastName\n{rows}")).await;
    let text = file(&org, &id, "successfulResults").await;
    let keys: Vec<&str> = text.lines().skip(1).map(|line| line.split('"').nth(5).unwrap()).collect();
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, ["p0", "p1", "p2", "p3", "p4", "p5", "p6"]);
    assert_ne!(keys, sorted);
}

#[tokio::test]
async fn what_a_file_is_not_allowed_to_be_fails_the_whole_job() {
    let org = Org::with(0).await;
    key(&org, "Contact").await;
    for (csv, message) in [
        ("Key__c,ContactId__c\np1,x\n", "InvalidBatch : Field name not found : ContactId__c"),
        ("\u{feff}Key__c,LastName\np1,x\n", "InvalidBatch : Field name not found : \u{feff}Key__c"),
        (
            "Key__c,LastName\r\np1,x\r\n",
            "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF",
        ),
        ("LastName\nx\n", "InvalidBatch : Field name not found : Key__c"),
    ] {
        let (id, info) = ingest(&org, upsert(), csv).await;
        assert_eq!((info["state"].as_str(), info["errorMessage"].as_str()), (Some("Failed"), Some(message)));
        assert_eq!(info["numberRecordsProcessed"], 0);
        file(&org, &id, "failedResults").await;
    }
    let (_, stray) = ingest(&org, upsert(), "Key__c,LastName\np1,a\"b\n").await;
    assert!(stray["errorMessage"].as_str().unwrap().contains("unescaped quote"));
    assert!(org.lines("ledger", 0).await.is_empty());
}

#[tokio::test]
async fn other_layouts_are_taken_as_declared() {
    let org = Org::with(0).await;
    key(&org, "Contact").await;
    let mut declared = upsert();
    declared["lineEnding"] = json!("CRLF");
    declared["columnDelimiter"] = json!("SEMICOLON");
    let (id, done) = ingest(&org, declared, "Key__c;LastName\r\np1;\"a;\r\nb\"\r\n").await;
    assert_eq!((&done["numberRecordsProcessed"], &done["numberRecordsFailed"]), (&json!(1), &json!(0)));
    assert!(file(&org, &id, "successfulResults").await.ends_with("\"p1\";\"a;\r\nb\"\r\n"));
    for (name, value) in [("columnDelimiter", "COLON"), ("lineEnding", "CR")] {
        let mut wrong = upsert();
        wrong[name] = json!(value);
        let (status, body) = org.post(INGEST, wrong).await;
        assert_eq!((status.as_u16(), body[0]["errorCode"].as_str()), (400, Some("INVALIDJOB")));
    }
}

#[tokio::test]
async fn a_key_twice_in_one_batch_fails_every_row_that_has_it() {
    let org = Org::with(0).await;
    key(&org, "Contact").await;
    org.config(json!({ "bulk": { "chunk_rows": 3 } })).await;
    let (id, done) = ingest(&org, upsert(), "Key__c,LastName\na,1\nA,2\nb,3\na,4\n").await;
    assert_eq!((&done["numberRecordsProcessed"], &done["numberRecordsFailed"]), (&json!(4), &json!(2)));
    let failed = file(&org, &id, "failedResults").await;
    for key in ["a", "A"] {
        let text = format!("DUPLICATE_VALUE:Duplicate external id specified: {key}:Key__c --");
        assert!(failed.contains(&text), "{failed}");
    }
    // The third comes in another batch, and is saved.
    assert!(file(&org, &id, "successfulResults").await.contains("\"true\",\"a\",\"4\""));
}

#[tokio::test]
async fn jobs_that_cannot_be_are_refused_at_once() {
    let org = Org::with(0).await;
    for (job, code) in [
        (json!({ "operation": "insert" }), "INVALIDJOB"),
        (json!({ "object": "Blob", "operation": "insert" }), "INVALIDENTITY"),
        (json!({ "object": "Contact", "operation": "upsert" }), "INVALIDJOB"),
        (json!({ "object": "Contact", "operation": "upsert", "externalIdFieldName": "Title" }), "INVALIDJOB"),
        (json!({ "object": "Contact", "operation": "replace" }), "INVALIDJOB"),
        (json!({ "object": "Contact", "operation": "insert", "contentType": "JSON" }), "INVALIDJOB"),
    ] {
        let (status, body) = org.post(INGEST, job.clone()).await;
        assert_eq!((status.as_u16(), body[0]["errorCode"].as_str()), (400, Some(code)), "{job}");
    }
    org.config(json!({ "bulk": { "unsupported": ["Contact"] } })).await;
    let (status, body) = org.post(INGEST, job("insert")).await;
    assert_eq!((status.as_u16(), body[0]["errorCode"].as_str()), (400, Some("INVALIDENTITY")));
}

#[tokio::test]
async fn a_job_is_uploaded_to_once_closed_once_and_deleted_when_it_is_over() {
    let org = Org::with(0).await;
    let id = make(&org, job("insert")).await;
    let path = format!("{INGEST}/{id}");
    assert_eq!(org.delete(&path).await.0, 400);
    let (status, body) = org.get(&format!("{path}/failedResults")).await;
    assert_eq!((status.as_u16(), body[0]["errorCode"].as_str()), (400, Some("INVALIDJOBSTATE")));
    assert_eq!(upload(&org, &id, "LastName\nRuiz\n").await.status(), 201);
    assert_eq!(upload(&org, &id, "LastName\nRuiz\n").await.status(), 400);
    close(&org, &id).await;
    let (status, body) = org.patch(&path, json!({ "state": "UploadComplete" })).await;
    assert_eq!((status.as_u16(), body[0]["errorCode"].as_str()), (400, Some("INVALIDJOBSTATE")));
    assert_eq!(upload(&org, &id, "LastName\nRuiz\n").await.status(), 400);
    finish(&org, &path).await;
    assert_eq!(org.patch(&path, json!({ "state": "Aborted" })).await.0, 400);
    assert_eq!(org.delete(&path).await.0, 204);
    assert_eq!(org.get(&path).await.0, 404);
    let wrong = org.call(Method::PUT, &format!("{INGEST}/{}/batches", make(&org, job("insert")).await));
    assert_eq!(wrong.header("content-type", "application/json").body("{}").send().await.unwrap().status(), 415);
}

#[tokio::test]
async fn an_aborted_job_applies_nothing_and_tells_what_it_did_not_do() {
    let org = Org::with(0).await;
    let id = make(&org, job("insert")).await;
    upload(&org, &id, "LastName\nRuiz\n").await;
    let (status, info) = org.patch(&format!("{INGEST}/{id}"), json!({ "state": "Aborted" })).await;
    assert_eq!((status.as_u16(), info["state"].as_str()), (200, Some("Aborted")));
    assert_eq!(finish(&org, &format!("{INGEST}/{id}")).await.0, 1);
    assert!(org.lines("ledger", 0).await.is_empty());
    assert_eq!(org.delete(&format!("{INGEST}/{id}")).await.0, 204);
}

#[tokio::test]
async fn a_job_may_fail_half_way_and_leave_rows_untried() {
    let org = Org::with(0).await;
    let fail = json!([{ "kind": "ingest", "after_rows": 2, "message": "InternalServerError : retries exhausted", "retries": 15 }]);
    org.config(json!({ "bulk": { "fail": fail } })).await;
    let (id, info) = ingest(&org, job("insert"), "LastName\nA\nB\nC\nD\n").await;
    assert_eq!((info["state"].as_str(), &info["retries"]), (Some("Failed"), &json!(15)));
    assert_eq!((&info["numberRecordsProcessed"], &info["numberRecordsFailed"]), (&json!(2), &json!(0)));
    assert_eq!(file(&org, &id, "unprocessedRecords").await.lines().count(), 3);
    assert_eq!(file(&org, &id, "successfulResults").await.lines().count(), 3);
    assert_eq!(org.lines("ledger", 0).await.len(), 2);
    let (_, next) = ingest(&org, job("insert"), "LastName\nE\n").await;
    assert_eq!(next["state"], "JobComplete", "one job was to fail");
}

#[tokio::test]
async fn a_job_takes_as_many_polls_and_as_long_as_it_is_told() {
    let org = Org::with(0).await;
    org.config(json!({ "frozen_at": "2026-11-23T09:00:00Z" })).await;
    org.config(json!({ "bulk": { "polls": 3, "job_ms": 60_000, "chunk_rows": 1, "chunks_per_poll": 1 } })).await;
    let id = make(&org, job("insert")).await;
    upload(&org, &id, "LastName\nA\nB\n").await;
    close(&org, &id).await;
    let path = format!("{INGEST}/{id}");
    let mut processed = Vec::new();
    for _ in 0..6 {
        let (_, info) = org.get(&path).await;
        assert_eq!(info["state"], "InProgress");
        processed.push(info["numberRecordsProcessed"].as_u64().unwrap());
    }
    assert_eq!(processed, [1, 2, 2, 2, 2, 2]);
    org.config(json!({ "frozen_at": "2026-11-23T09:01:00Z" })).await;
    assert_eq!(org.get(&path).await.1["state"], "JobComplete");
}

#[tokio::test]
async fn a_job_nobody_watches_gets_done_all_the_same() {
    let org = Org::with(0).await;
    org.config(json!({ "frozen_at": "2026-11-23T09:00:00Z" })).await;
    let id = make(&org, job("insert")).await;
    upload(&org, &id, "LastName\nA\n").await;
    close(&org, &id).await;
    org.get("/services/data/v67.0/sobjects").await;
    assert!(org.lines("ledger", 0).await.is_empty());
    org.config(json!({ "frozen_at": "2026-11-23T09:00:01Z" })).await;
    org.get("/services/data/v67.0/sobjects").await;
    assert_eq!(org.lines("ledger", 0).await.len(), 1);
    assert_eq!(org.get(&format!("{INGEST}/{id}")).await.1["state"], "InProgress");
}

#[tokio::test]
async fn one_call_makes_uploads_and_closes() {
    let org = Org::with(0).await;
    let body = format!(
        "--b1\r\nContent-Disposition: form-data; name=\"job\"\r\nContent-Type: application/json\r\n\r\n{}\r\n\
         --b1\r\nContent-Disposition: form-data; name=\"content\"; filename=\"content\"\r\nContent-Type: text/csv\r\n\r\n\
         LastName\nRuiz\n\r\n--b1--\r\n",
        job("insert")
    );
    let send = |body: String| {
        org.call(Method::POST, INGEST).header("content-type", "multipart/form-data; boundary=b1").body(body).send()
    };
    let info: Value = send(body.clone()).await.unwrap().json().await.unwrap();
    assert_eq!(info["state"], "UploadComplete");
    let (_, done) = finish(&org, &format!("{INGEST}/{}", info["id"].as_str().unwrap())).await;
    assert_eq!((done["state"].as_str(), &done["numberRecordsProcessed"]), (Some("JobComplete"), &json!(1)));
    let long = body.replace("Ruiz", &"x".repeat(100_001));
    assert_eq!(send(long).await.unwrap().status(), 400);
}

#[tokio::test]
async fn jobs_are_listed_and_forgotten_after_seven_days() {
    let mut org = Org::with(0).await;
    org.config(json!({ "frozen_at": "2026-11-01T00:00:00Z" })).await;
    let (first, _) = ingest(&org, job("insert"), "LastName\nA\n").await;
    let second = make(&org, job("update")).await;
    let (_, list) = org.get(&format!("{INGEST}?jobType=V2Ingest")).await;
    let ids: Vec<&Value> = list["records"].as_array().unwrap().iter().map(|job| &job["id"]).collect();
    assert_eq!(ids, [&json!(first), &json!(second)]);
    assert_eq!((&list["done"], &list["nextRecordsUrl"]), (&json!(true), &Value::Null));
    assert_eq!(list["records"][1]["state"], "Open");
    let (_, none) = org.get(&format!("{INGEST}?jobType=Classic")).await;
    assert_eq!(none["records"], json!([]));
    org.config(json!({ "frozen_at": "2026-11-08T00:00:00Z" })).await;
    org.sign_in().await;
    assert_eq!(org.get(&format!("{INGEST}/{first}")).await.0, 404);
}

#[tokio::test]
async fn results_belong_to_the_version_the_job_was_made_with() {
    let org = Org::with(0).await;
    let (id, _) = ingest(&org, job("insert"), "LastName\nA\n").await;
    let other = format!("/services/data/v60.0/jobs/ingest/{id}/successfulResults");
    assert_eq!(org.get(&other).await.0, 409);
}

#[tokio::test]
async fn batches_count_against_the_day() {
    let org = Org::with(0).await;
    org.config(json!({ "bulk": { "chunk_rows": 1, "daily_batches": 2 } })).await;
    ingest(&org, job("insert"), "LastName\nA\nB\n").await;
    let (_, limits) = org.get("/services/data/v67.0/limits").await;
    assert_eq!(limits["DailyBulkApiBatches"], json!({ "Max": 2, "Remaining": 0 }));
    let (status, body) = org.post(INGEST, job("insert")).await;
    assert_eq!((status.as_u16(), body[0]["errorCode"].as_str()), (400, Some("LIMIT_EXCEEDED")));
}

#[tokio::test]
async fn rows_are_updated_deleted_and_tied_to_parents_by_key() {
    let org = Org::with(0).await;
    key(&org, "Account").await;
    let account = json!({ "object": "Account", "operation": "upsert", "externalIdFieldName": "Key__c" });
    ingest(&org, account, "Key__c,Name\nA-17,Norhaven\n").await;
    let (id, done) = ingest(&org, job("insert"), "LastName,Account.Key__c\nRuiz,a-17\nAbe,zz\n").await;
    assert_eq!(done["numberRecordsFailed"], 1);
    assert!(file(&org, &id, "failedResults").await.contains("Foreign key external ID: zz not found for field Key__c"));
    let made = file(&org, &id, "successfulResults").await;
    let contact = made.lines().nth(1).unwrap().get(1..19).unwrap().to_owned();
    let (_, record) = org.get(&format!("/services/data/v67.0/sobjects/Contact/{contact}?fields=AccountId")).await;
    assert!(record["AccountId"].as_str().unwrap().starts_with("001"));

    let csv = format!("Id,Title\n{contact},CTO\n{contact},CEO\n003xx00000zzzzzAAA,x\nnonsense,x\n");
    let (id, done) = ingest(&org, job("update"), &csv).await;
    assert_eq!(done["numberRecordsFailed"], 4, "the same Id twice fails both rows");
    let failed = file(&org, &id, "failedResults").await;
    assert!(failed.contains("MALFORMED_ID") && failed.contains("Duplicate id specified"), "{failed}");
    let (_, done) = ingest(&org, job("update"), &format!("Id,Title\n{contact},CTO\n")).await;
    assert_eq!(done["numberRecordsFailed"], 0);
    let (id, _) = ingest(&org, job("delete"), &format!("Id\n{contact}\n")).await;
    assert!(file(&org, &id, "successfulResults").await.contains(&contact));
    let (id, done) = ingest(&org, job("delete"), &format!("Id\n{contact}\n")).await;
    assert_eq!(done["numberRecordsFailed"], 1);
    assert!(file(&org, &id, "failedResults").await.contains("ENTITY_IS_DELETED"));
}

#[tokio::test]
async fn an_answer_may_be_lost_at_every_step() {
    let org = Org::with(0).await;
    let lose =
        |method: &str, path: String| json!({ "plan": [{ "method": method, "path": path, "fault": "reset_after" }] });
    org.config(lose("POST", INGEST.into())).await;
    assert!(org.call(Method::POST, INGEST).json(&job("insert")).send().await.is_err());
    let (_, list) = org.get(INGEST).await;
    let id = list["records"][0]["id"].as_str().unwrap().to_owned();
    org.config(lose("PUT", format!("{INGEST}/*/batches"))).await;
    let put = org.call(Method::PUT, &format!("{INGEST}/{id}/batches")).header("content-type", "text/csv");
    assert!(put.body("LastName\nA\n").send().await.is_err());
    org.config(lose("PATCH", format!("{INGEST}/{id}"))).await;
    let path = format!("{INGEST}/{id}");
    let closing = org.call(Method::PATCH, &path).json(&json!({ "state": "UploadComplete" })).send().await;
    assert!(closing.is_err());
    org.config(lose("GET", path.clone())).await;
    assert!(org.call(Method::GET, &path).send().await.is_err());
    let (_, done) = finish(&org, &path).await;
    assert_eq!((done["state"].as_str(), &done["numberRecordsProcessed"]), (Some("JobComplete"), &json!(1)));
    org.config(lose("GET", format!("{INGEST}/*/successfulResults"))).await;
    assert!(org.call(Method::GET, &format!("{path}/successfulResults")).send().await.is_err());
    assert_eq!(file(&org, &id, "successfulResults").await.lines().count(), 2);
}

#[tokio::test]
async fn leads_are_assigned_only_where_the_job_names_a_rule() {
    let org = Org::with(0).await;
    let job = json!({ "object": "Lead", "operation": "insert" });
    let (id, _) = ingest(&org, job, "LastName,Company\nRuiz,Norhaven\n").await;
    let owner = owner_of_first(&org, &id).await;
    assert_eq!(owner, "005xx000001SwiUAAS", "whoever made the job owns the lead");
    let job = json!({ "object": "Lead", "operation": "insert", "assignmentRuleId": "01Qxx000004TmiQAAS" });
    let (id, info) = ingest(&org, job, "LastName,Company\nAbe,Norhaven\n").await;
    assert_eq!(info["assignmentRuleId"], "01Qxx000004TmiQAAS");
    assert_ne!(owner_of_first(&org, &id).await, owner);
}

/// The owner of the first lead a job saved.
async fn owner_of_first(org: &Org, job: &str) -> String {
    let made = file(org, job, "successfulResults").await;
    let lead = made.lines().nth(1).unwrap().get(1..19).unwrap().to_owned();
    org.read("Lead", &lead).await["OwnerId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_large_upload_is_applied_batch_after_batch_while_others_are_answered() {
    let org = Org::with(0).await;
    org.config(json!({ "bulk": { "chunk_rows": 500, "chunks_per_poll": 2, "polls": 0 } })).await;
    let rows: String = (0..2_500).map(|at| format!("Name{at}\n")).collect();
    let id = make(&org, job("insert")).await;
    upload(&org, &id, &format!("LastName\n{rows}")).await;
    close(&org, &id).await;
    let path = format!("{INGEST}/{id}");
    let mut processed = Vec::new();
    loop {
        let (_, info) = org.get(&path).await;
        processed.push(info["numberRecordsProcessed"].as_u64().unwrap());
        if info["state"] == "JobComplete" {
            break;
        }
        assert_eq!(org.get("limits").await.0, 200);
    }
    assert_eq!(processed, [1_000, 2_000, 2_500]);
    assert_eq!(org.lines("ledger", 0).await.len(), 2_500);
}
