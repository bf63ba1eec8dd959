//! Collections: up to 200 rows in one call, each with its own outcome, in the order they were sent.

use serde_json::{Value, json};

use crate::jobs::key;
use crate::org::Org;

const COLLECTIONS: &str = "/services/data/v67.0/composite/sobjects";

fn contact(fields: Value) -> Value {
    typed("Contact", fields)
}

fn typed(object: &str, mut fields: Value) -> Value {
    fields["attributes"] = json!({ "type": object });
    fields
}

async fn made(org: &Org, names: &[&str]) -> Vec<String> {
    let records: Vec<Value> = names.iter().map(|name| contact(json!({ "LastName": name }))).collect();
    let (status, rows) = org.post(COLLECTIONS, json!({ "records": records })).await;
    assert_eq!(status, 200, "{rows}");
    rows.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

async fn writes(org: &Org) -> usize {
    org.lines("ledger", 0).await.len()
}

#[tokio::test]
async fn rows_are_answered_in_order_and_say_status_code() {
    let org = Org::with(0).await;
    let records = json!([
        contact(json!({ "LastName": "Ruiz" })),
        contact(json!({ "FirstName": "M" })),
        contact(json!({ "LastName": "x".repeat(81) })),
        typed("Blob", json!({ "Name": "x" }))
    ]);
    let (status, rows) = org.post(COLLECTIONS, json!({ "allOrNone": false, "records": records })).await;
    assert_eq!(status, 200);
    assert_eq!((rows[0]["success"].as_bool(), &rows[0]["errors"]), (Some(true), &json!([])));
    assert!(rows[0].get("created").is_none());
    let missing = json!({ "success": false, "errors": [{ "statusCode": "REQUIRED_FIELD_MISSING",
        "message": "Required fields are missing: [LastName]", "fields": ["LastName"] }] });
    assert_eq!(rows[1], missing);
    assert_eq!(rows[2]["errors"][0]["statusCode"], "STRING_TOO_LONG");
    assert_eq!(rows[3]["errors"][0]["statusCode"], "INVALID_TYPE");
    assert_eq!(writes(&org).await, 1);
}

#[tokio::test]
async fn all_or_none_undoes_the_innocent() {
    let org = Org::with(0).await;
    let records = json!([contact(json!({ "LastName": "Ruiz" })), contact(json!({ "FirstName": "M" }))]);
    let (status, rows) = org.post(COLLECTIONS, json!({ "allOrNone": true, "records": records })).await;
    assert_eq!(status, 200);
    assert_eq!(rows[0]["errors"][0]["statusCode"], "ALL_OR_NONE_OPERATION_ROLLED_BACK");
    assert_eq!(rows[1]["errors"][0]["statusCode"], "REQUIRED_FIELD_MISSING");
    assert_eq!(writes(&org).await, 0);
    let (_, count) = org.get("/services/data/v67.0/query?q=SELECT+COUNT()+FROM+Contact").await;
    assert_eq!(count["totalSize"], 0);
}

#[tokio::test]
async fn more_than_200_rows_or_ten_chunks_are_refused() {
    let org = Org::with(0).await;
    let rows = |count: usize| (0..count).map(|at| contact(json!({ "LastName": at.to_string() }))).collect::<Vec<_>>();
    let (status, body) = org.post(COLLECTIONS, json!({ "records": rows(201) })).await;
    assert_eq!((status.as_u16(), body[0]["errorCode"].as_str()), (400, Some("EXCEEDED_ID_LIMIT")));
    assert_eq!(org.post(COLLECTIONS, json!({ "records": rows(200) })).await.0, 200);
    let mixed = |runs: usize| {
        let object = |at: usize| if at.is_multiple_of(2) { "Contact" } else { "Lead" };
        let fields = |at: usize| typed(object(at), json!({ "LastName": "x", "Company": "y" }));
        (0..runs).map(fields).collect::<Vec<_>>()
    };
    let (status, body) = org.post(COLLECTIONS, json!({ "records": mixed(11) })).await;
    assert_eq!(status, 400);
    assert!(body[0]["message"].as_str().unwrap().starts_with("Cannot have more than 10 chunks"));
    assert_eq!(org.post(COLLECTIONS, json!({ "records": mixed(10) })).await.0, 200);
    let untyped = json!({ "records": [{ "LastName": "x" }] });
    assert_eq!(org.post(COLLECTIONS, untyped).await.0, 400);
}

#[tokio::test]
async fn updates_name_their_record_and_name_it_once() {
    let org = Org::with(0).await;
    let ids = made(&org, &["A", "B", "C"]).await;
    let before = writes(&org).await;
    let records = json!([
        contact(json!({ "id": ids[0], "Title": "CTO" })),
        contact(json!({ "Id": ids[1], "Title": "CEO" })),
        contact(json!({ "id": ids[1].get(..15), "Title": "CFO" })),
        contact(json!({ "Title": "CFO" })),
        contact(json!({ "id": "nonsense", "Title": "CFO" })),
        contact(json!({ "id": ids[2], "Nope__c": 1 })),
    ]);
    let (status, rows) = org.patch(COLLECTIONS, json!({ "records": records })).await;
    assert_eq!(status, 200);
    let codes: Vec<&Value> = rows.as_array().unwrap().iter().map(|row| &row["errors"][0]["statusCode"]).collect();
    let expected =
        json!([null, "DUPLICATE_VALUE", "DUPLICATE_VALUE", "MISSING_ARGUMENT", "MALFORMED_ID", "INVALID_FIELD"]);
    assert_eq!(json!(codes), expected);
    assert_eq!(rows[0], json!({ "id": ids[0], "success": true, "errors": [] }));
    assert_eq!(writes(&org).await, before + 1);
}

#[tokio::test]
async fn upserts_carry_their_key_inside_and_say_whether_they_made_the_record() {
    let org = Org::with(0).await;
    key(&org, "Contact").await;
    let path = format!("{COLLECTIONS}/Contact/key__c");
    let rows = |title: &str| {
        json!({ "records": [contact(json!({ "Key__c": "p-1", "LastName": "Abe", "Title": title })),
                                                 contact(json!({ "Key__c": "p-2" })),
                                                 contact(json!({ "LastName": "x" }))] })
    };
    let (status, first) = org.patch(&path, rows("CTO")).await;
    assert_eq!((status.as_u16(), &first[0]["created"]), (200, &json!(true)));
    assert_eq!(first[1]["errors"][0]["statusCode"], "REQUIRED_FIELD_MISSING");
    assert_eq!(first[2]["errors"][0]["statusCode"], "MISSING_ARGUMENT");
    assert!(first[1].get("id").is_none() && first[1].get("created").is_none());
    let (_, second) = org.patch(&path, rows("CEO")).await;
    assert_eq!((&second[0]["created"], &second[0]["id"]), (&json!(false), &first[0]["id"]));

    let twice = json!({ "records": [contact(json!({ "Key__c": "p-9", "LastName": "x" })),
                                    contact(json!({ "Key__c": "P-9", "LastName": "y" }))] });
    let (_, rows) = org.patch(&path, twice).await;
    for (row, key) in rows.as_array().unwrap().iter().zip(["p-9", "P-9"]) {
        assert_eq!(row["errors"][0]["message"], format!("Duplicate external id specified: {key}"));
    }
    let with_id = json!({ "records": [contact(json!({ "Key__c": "p-1", "id": first[0]["id"] }))] });
    let (_, rows) = org.patch(&path, with_id).await;
    assert_eq!(rows[0]["errors"][0]["statusCode"], "INVALID_FIELD");
    assert_eq!(org.patch(&format!("{COLLECTIONS}/Contact/Title"), json!({ "records": [] })).await.0, 400);
    assert_eq!(org.patch(&format!("{COLLECTIONS}/Contact/Nope__c"), json!({ "records": [] })).await.0, 404);
}

#[tokio::test]
async fn an_upsert_key_that_several_records_have_is_an_error_of_its_row() {
    let org = Org::with(0).await;
    let shared = json!({ "records": [contact(json!({ "LastName": "A", "Email": "s@firm.example" })),
                                     contact(json!({ "LastName": "B", "Email": "s@firm.example" }))] });
    org.post(COLLECTIONS, shared).await;
    let body = json!({ "records": [contact(json!({ "Email": "s@firm.example", "Title": "x" }))] });
    let (status, rows) = org.patch(&format!("{COLLECTIONS}/Contact/Email"), body).await;
    assert_eq!((status.as_u16(), rows[0]["errors"][0]["statusCode"].as_str()), (200, Some("DUPLICATE_EXTERNAL_ID")));
}

#[tokio::test]
async fn deletions_are_of_many_types_and_name_what_was_refused() {
    let org = Org::with(0).await;
    let ids = made(&org, &["A", "B"]).await;
    let path = |ids: &str| format!("{COLLECTIONS}?ids={ids}&allOrNone=false");
    let (status, rows) = org.delete(&path(&ids.join(","))).await;
    assert_eq!((status.as_u16(), &rows[1]), (200, &json!({ "id": ids[1], "success": true, "errors": [] })));
    let (_, rows) = org.delete(&path(&format!("{},nonsense", ids[0]))).await;
    assert_eq!(
        rows[0],
        json!({ "id": ids[0], "success": false, "errors": [
        { "statusCode": "ENTITY_IS_DELETED", "message": "entity is deleted", "fields": [] }] })
    );
    assert_eq!(rows[1]["errors"][0]["statusCode"], "MALFORMED_ID");
    let many = vec![ids[0].as_str(); 201].join(",");
    assert_eq!(org.delete(&path(&many)).await.0, 400);
}

#[tokio::test]
async fn a_read_puts_null_where_there_is_nothing_to_see() {
    let org = Org::with(0).await;
    let ids = made(&org, &["A", "B"]).await;
    org.delete(&format!("{COLLECTIONS}?ids={}", ids[0])).await;
    let path = format!("{COLLECTIONS}/Contact");
    let (status, rows) = org.get(&format!("{path}?ids={},{}&fields=id,LASTNAME,Title", ids[0], ids[1])).await;
    assert_eq!((status.as_u16(), &rows[0]), (200, &Value::Null));
    assert_eq!((&rows[1]["Id"], &rows[1]["LastName"], &rows[1]["Title"]), (&json!(ids[1]), &json!("B"), &Value::Null));
    assert!(rows[1].get("FirstName").is_none());
    let wanted = json!({ "ids": [ids[1], "003xx00000zzzzzAAA"], "fields": ["LastName"] });
    let (_, rows) = org.post(&path, wanted).await;
    assert_eq!((&rows[0]["LastName"], &rows[1]), (&json!("B"), &Value::Null));
    let many = json!({ "ids": vec![ids[1].clone(); 2_001], "fields": ["Id"] });
    assert_eq!(org.post(&path, many).await.0, 400);
    let unknown = json!({ "ids": ids, "fields": ["Nope__c"] });
    let (status, body) = org.post(&path, unknown).await;
    assert_eq!((status.as_u16(), body[0]["errorCode"].as_str()), (400, Some("INVALID_FIELD")));
}

#[tokio::test]
async fn a_call_is_one_call_however_many_rows_it_has() {
    let org = Org::with(0).await;
    let used = |limits: &Value| {
        limits["DailyApiRequests"]["Max"].as_u64().unwrap() - limits["DailyApiRequests"]["Remaining"].as_u64().unwrap()
    };
    let (_, before) = org.get("/services/data/v67.0/limits").await;
    made(&org, &["A"; 50]).await;
    let (_, after) = org.get("/services/data/v67.0/limits").await;
    assert_eq!(used(&after) - used(&before), 2, "the call and the look at the limits");
}

#[tokio::test]
async fn planned_faults_strike_single_rows() {
    let org = Org::with(0).await;
    let ids = made(&org, &["A", "B"]).await;
    let faults = json!([{ "object": "Contact", "id": ids[1], "code": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
                          "message": "a trigger failed", "times": 1 }]);
    org.config(json!({ "row_faults": faults })).await;
    let records =
        || json!({ "records": ids.iter().map(|id| contact(json!({ "id": id, "Title": "x" }))).collect::<Vec<_>>() });
    let (_, rows) = org.patch(COLLECTIONS, records()).await;
    assert_eq!((&rows[0]["success"], &rows[1]["success"]), (&json!(true), &json!(false)));
    assert_eq!(rows[1]["errors"][0]["statusCode"], "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY");
    let (_, rows) = org.patch(COLLECTIONS, records()).await;
    assert_eq!(rows[1]["success"], true);
    org.config(json!({ "plan": [{ "path": COLLECTIONS, "fault": "partial" }] })).await;
    let (_, rows) = org.patch(COLLECTIONS, records()).await;
    assert_eq!((&rows[0]["success"], &rows[1]["success"]), (&json!(true), &json!(false)));
}
