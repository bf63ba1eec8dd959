//! Rows: made, changed, matched and deleted, each with a result of its own.

use serde_json::json;

use crate::org::{Org, ids, refusal};

#[tokio::test]
async fn a_mixed_insert_answers_row_by_row() {
    let org = Org::with(1).await;
    let rows = json!({ "data": [
        { "Last_Name": "Ruiz", "Email": "ana@firm.example", "Date_of_Birth": "1980-02-03" },
        { "First_Name": "Nobody" },
        { "Last_Name": "Berg", "Email": "berg@nowhere" },
        { "Last_Name": "Holm", "No_Such_Field": 1 },
    ] });
    let (status, body) = org.post("/Contacts", rows).await;
    assert_eq!(status, 207);
    let data = &body["data"];
    assert_eq!((data[0]["code"].as_str(), data[0]["message"].as_str()), (Some("SUCCESS"), Some("record added")));
    assert_eq!(refusal(&data[1]), ("MANDATORY_NOT_FOUND", "Last_Name", "$.data[1].Last_Name"));
    assert_eq!(refusal(&data[2]), ("INVALID_DATA", "Email", "$.data[2].Email"));
    assert_eq!(data[2]["details"]["expected_data_type"], "email");
    assert_eq!(data[3]["code"], "SUCCESS");
    let made = org.whole("Contacts", data[0]["details"]["id"].as_str().unwrap()).await;
    assert_eq!((made["Email"].as_str(), made["Full_Name"].as_str()), (Some("ana@firm.example"), Some("Ruiz")));
    assert_eq!(made["Owner"]["name"], "CDP Sync");
    assert_eq!(made["$approval_state"], "approved");

    assert_eq!(org.post("/Contacts", json!({ "data": [{ "Last_Name": "Only" }] })).await.0, 201);
    assert_eq!(org.post("/Contacts", json!({ "data": [{}] })).await.0, 400);
}

#[tokio::test]
async fn an_update_finds_its_record_or_says_so() {
    let org = Org::with(3).await;
    let known = org.first("Contacts", 1, "Email").await.remove(0);
    let id = known["id"].as_str().unwrap();
    let number: u64 = id.parse().unwrap();
    let rows = json!({ "data": [
        { "id": number, "Title": "Captain" },
        { "id": "5545974020000009999", "Title": "Nobody" },
        { "Title": "Nameless" },
    ], "trigger": [] });
    let (status, body) = org.put("/Contacts", rows).await;
    assert_eq!(status, 207);
    assert_eq!(body["data"][0]["details"]["id"], id);
    assert_eq!(body["data"][0]["message"], "record updated");
    assert_eq!(refusal(&body["data"][1]), ("INVALID_DATA", "id", "$.data[1].id"));
    assert_eq!(refusal(&body["data"][2]), ("MANDATORY_NOT_FOUND", "id", "$.data[2].id"));
    assert_eq!(org.whole("Contacts", id).await["Title"], "Captain");
    assert_eq!(org.get("/Contacts/5545974020000009999").await.0, 204);
    assert_eq!(org.get("/Contacts/nobody").await.1["code"], "INVALID_URL_PATTERN");
}

#[tokio::test]
async fn an_upsert_matches_by_the_field_named_and_says_which() {
    let org = Org::with(3).await;
    let known = org.first("Contacts", 2, "Email").await;
    let email = known[1]["Email"].as_str().unwrap().to_uppercase();
    let body = json!({ "data": [
        { "Last_Name": "Known", "Email": email },
        { "Last_Name": "New", "Email": "new@firm.example" },
    ], "duplicate_check_fields": ["Email"], "trigger": [] });
    let (status, answer) = org.post("/Contacts/upsert", body.clone()).await;
    assert_eq!(status, 200, "{answer}");
    let data = &answer["data"];
    assert_eq!((data[0]["action"].as_str(), data[0]["duplicate_field"].as_str()), (Some("update"), Some("Email")));
    assert_eq!(data[0]["details"]["id"], known[1]["id"]);
    assert_eq!((data[1]["action"].as_str(), data[1]["duplicate_field"].as_str()), (Some("insert"), None));
    let (_, again) = org.post("/Contacts/upsert", body).await;
    assert_eq!(again["data"][1]["action"], "update");
    let wrong = json!({ "data": [{ "Last_Name": "X" }], "duplicate_check_fields": ["Phone"] });
    assert_eq!(org.post("/Contacts/upsert", wrong).await.0, 400);
}

#[tokio::test]
async fn what_changed_since_is_not_overwritten() {
    let org = Org::with(1).await;
    let known = org.first("Contacts", 1, "Modified_Time").await.remove(0);
    let id = known["id"].as_str().unwrap();
    let put = |since: &str, title: &str| {
        let call = org.call(reqwest::Method::PUT, "/Contacts").header("if-unmodified-since", since);
        call.json(&json!({ "data": [{ "id": id, "Title": title }] })).send()
    };
    let stamp = known["Modified_Time"].as_str().unwrap();
    assert_eq!(put(stamp, "First").await.unwrap().status(), 200);
    let (status, body) = crate::org::read(put(stamp, "Second").await.unwrap()).await;
    assert_eq!((status.as_u16(), body["data"][0]["code"].as_str()), (412, Some("ALREADY_MODIFIED")));
    assert_eq!(body["data"][0]["details"]["id"], id);
    assert_eq!(org.whole("Contacts", id).await["Title"], "First");
}

#[tokio::test]
async fn the_deleted_are_listed_and_the_restored_are_not() {
    let mut org = Org::with(4).await;
    let known = org.first("Contacts", 3, "Email").await;
    let id = |at: usize| known[at]["id"].as_str().unwrap();
    let (status, body) = org.delete(&format!("/Contacts?ids={},{},1", id(0), id(1))).await;
    assert_eq!(status, 207);
    assert_eq!(body["data"][0]["message"], "record deleted");
    assert_eq!(body["data"][2]["code"], "INVALID_DATA");
    org.rep("delete", json!({ "object": "contacts", "id": id(2), "erase": true })).await;
    let (_, gone) = org.get("/Contacts/deleted?type=all").await;
    assert_eq!(ids(&gone), [id(2), id(1), id(0)]);
    let (permanent, recycled) = (&gone["data"][0], &gone["data"][1]);
    assert_eq!(permanent["type"], "permanent");
    assert!(permanent["display_name"].is_null() && permanent["deleted_by"].is_null());
    assert_eq!(
        (recycled["type"].as_str(), recycled["deleted_by"]["name"].as_str()),
        (Some("recycle"), Some("CDP Sync"))
    );
    assert_eq!(org.get(&format!("/Contacts/{}", id(0))).await.0, 204);

    org.rep("restore", json!({ "object": "contacts", "id": id(1) })).await;
    let (_, gone) = org.get("/Contacts/deleted?type=recycle").await;
    assert_eq!(ids(&gone), [id(0)]);
    assert_eq!(org.since("/Contacts/deleted", "2100-01-01T00:00:00+00:00").await.0, 304);
    org.config(json!({ "clock_offset_s": 61 * 86_400 })).await;
    org.sign_in().await;
    let (_, gone) = org.get("/Contacts/deleted?type=permanent").await;
    assert_eq!(gone["data"].as_array().unwrap().len(), 2);
    org.config(json!({ "clock_offset_s": 121 * 86_400 })).await;
    org.sign_in().await;
    assert_eq!(org.get("/Contacts/deleted").await.0, 204);
}

#[tokio::test]
async fn more_than_a_hundred_rows_write_nothing() {
    let org = Org::with(1).await;
    let rows: Vec<_> = (0..101).map(|at| json!({ "Last_Name": format!("N{at}") })).collect();
    let (status, body) = org.post("/Contacts", json!({ "data": rows })).await;
    assert_eq!((status.as_u16(), body["code"].as_str()), (400, Some("INVALID_DATA")));
    assert_eq!(body["details"]["maximum_length"], 100);
    assert!(org.lines("ledger", 0).await.is_empty());
}
