//! What people do in the CRM, through the control plane.

use reqwest::Method;
use serde_json::{Value, json};

use crate::org::{Org, code, nth, read};

const NIGHT: &str = "2026-06-01T02:00:00Z";

fn ids(answer: &Value) -> Vec<String> {
    answer["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

async fn refused(org: &Org, action: &str, body: Value) -> String {
    let answer = org.request(Method::POST, &format!("/__mock/{action}")).json(&body).send().await.unwrap();
    let (status, body) = read(answer).await;
    assert_eq!(status, 400, "{body}");
    body["error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_edit_goes_by_the_names_every_crm_uses() {
    let org = Org::with(8).await;
    org.rep("property", json!({ "object": "contacts", "create": { "name": "CDP_Score", "type": "number" } })).await;
    let edit =
        json!({ "object": "contacts", "id": nth("003", 0), "properties": { "title": "Pilot", "cdp_score": "87.5" } });
    let id = org.rep("edit", edit).await["id"].as_str().unwrap().to_owned();
    let contact = org.read("Contact", &id).await;
    assert_eq!((contact["Title"].as_str(), contact["CDP_Score__c"].as_f64()), (Some("Pilot"), Some(87.5)));
    assert_ne!(contact["LastModifiedById"], "005xx000001SwiUAAS", "a person did it, not the integration");
    let line = org.lines("ledger", 0).await.remove(0);
    assert_eq!(
        (line["op"].as_str(), line["by"].as_str(), line["record"].as_str()),
        (Some("update"), Some("rep"), Some(&*id))
    );
    assert_eq!((&line["after"]["Title"], &line["request"]), (&json!("Pilot"), &Value::Null));

    let made = org.rep(
        "edit",
        json!({ "object": "company", "properties": { "Name": "Quill" }, "associations": [{ "to": { "id": id } }] }),
    );
    let account = made.await["id"].clone();
    assert_eq!(org.read("Contact", &id).await["AccountId"], account);
    org.rep("edit", json!({ "object": "Contact", "id": id, "properties": { "cdp_score": "" } })).await;
    assert!(org.read("Contact", &id).await["CDP_Score__c"].is_null());
    let why = refused(&org, "edit", json!({ "object": "Contact", "id": id, "properties": { "Nope": 1 } })).await;
    assert!(why.contains("no field Nope"), "{why}");
    let why = refused(&org, "edit", json!({ "object": "tickets", "properties": {} })).await;
    assert!(why.contains("tickets"), "{why}");
}

#[tokio::test]
async fn a_mass_update_has_one_stamp_and_a_late_commit_an_old_one() {
    let org = Org::with(20).await;
    org.freeze(NIGHT).await;
    let edit = json!({ "object": "contacts", "first": 15, "properties": { "Department": "Night" } });
    let changed = ids(&org.rep("edit", edit).await);
    assert_eq!(changed.len(), 15);
    for id in &changed {
        assert_eq!(org.read("Contact", id).await["SystemModstamp"], "2026-06-01T02:00:00.000+0000");
    }
    let late = json!({ "object": "contacts", "id": changed[0], "properties": { "Department": "Late" },
                       "at": "2026-06-01T01:00:00Z", "visible_in_ms": 5_000 });
    org.rep("edit", late).await;
    assert_eq!(org.read("Contact", &changed[0]).await["Department"], "Night", "not committed yet");
    org.freeze("2026-06-01T02:00:06Z").await;
    let seen = org.read("Contact", &changed[0]).await;
    assert_eq!(seen["Department"], "Late");
    assert_eq!(seen["SystemModstamp"], "2026-06-01T01:00:00.000+0000", "stamped before it could be read");
}

#[tokio::test]
async fn automation_moves_the_stamp_and_nothing_else() {
    let org = Org::with(3).await;
    let before = org.read("Contact", &nth("003", 1)).await;
    org.rep("touch", json!({ "object": "Contact", "id": nth("003", 1), "at": NIGHT })).await;
    let after = org.read("Contact", &nth("003", 1)).await;
    assert_eq!(after["SystemModstamp"], "2026-06-01T02:00:00.000+0000");
    assert_eq!(after["LastModifiedDate"], before["LastModifiedDate"]);
    assert!(org.lines("ledger", 0).await.is_empty(), "no field changed");
}

#[tokio::test]
async fn deleted_is_not_erased() {
    let org = Org::with(10).await;
    let (first, second) = (nth("003", 0), nth("003", 1));
    org.rep("delete", json!({ "object": "contacts", "ids": [first, second] })).await;
    assert_eq!(org.get(&format!("sobjects/Contact/{first}")).await.0, 404);
    org.rep("restore", json!({ "object": "contacts", "id": first })).await;
    assert_eq!(org.read("Contact", &first).await["IsDeleted"], false);
    org.rep("erase", json!({ "object": "contacts", "id": second })).await;
    let why = refused(&org, "restore", json!({ "object": "contacts", "id": second })).await;
    assert!(why.contains("recycle bin"), "{why}");
    org.rep("delete", json!({ "object": "contacts", "id": first, "erase": true })).await;
    refused(&org, "restore", json!({ "object": "contacts", "id": first })).await;
    let ops: Vec<Value> = org.lines("ledger", 0).await.iter().map(|line| line["op"].clone()).collect();
    assert_eq!(ops.iter().filter(|op| *op == "delete").count(), 4, "{ops:?}");
}

#[tokio::test]
async fn people_are_tied_to_firms_and_to_deals() {
    let org = Org::with(40).await;
    let contact = org.create("Contact", json!({ "LastName": "Vale" })).await;
    let pair = |to: &str, to_id: &str| json!({ "from": "contacts", "from_id": contact, "to": to, "to_id": to_id });
    org.rep("associate", pair("companies", &nth("001", 2))).await;
    assert!(org.read("Contact", &contact).await["AccountId"].as_str().unwrap().starts_with(&nth("001", 2)));
    let mut part = pair("companies", &nth("001", 2));
    part["remove"] = json!(true);
    org.rep("associate", part).await;
    assert!(org.read("Contact", &contact).await["AccountId"].is_null());

    let before = org.lines("ledger", 0).await.len() as u64;
    let deal = nth("006", 0);
    let tied = json!({ "from": "deals", "from_id": deal, "to": "contacts", "to_id": contact });
    org.rep("associate", tied.clone()).await;
    org.rep("associate", tied).await;
    let made = org.lines("ledger", before).await;
    assert_eq!(made.len(), 1, "the second time they were tied already: {made:?}");
    assert_eq!(made[0]["object"], "OpportunityContactRole");
    let role = json!({ "opportunity": deal, "contact": contact, "role": "Evaluator", "primary": true });
    let role = org.rep("role", role).await["id"].as_str().unwrap().to_owned();
    assert_eq!(made[0]["record"], role.as_str(), "the same role, changed");
    let seen = org.read("OpportunityContactRole", &role).await;
    assert_eq!((seen["Role"].as_str(), seen["IsPrimary"].as_bool()), (Some("Evaluator"), Some(true)));
    assert_eq!(org.read("OpportunityContactRole", &nth("00K", 0)).await["IsPrimary"], false, "there is one at most");
    org.rep("role", json!({ "opportunity": deal, "contact": contact, "remove": true })).await;
    assert_eq!(org.get(&format!("sobjects/OpportunityContactRole/{role}")).await.0, 404);
}

#[tokio::test]
async fn a_deal_is_won_and_taken_back() {
    let org = Org::with(40).await;
    let deal = nth("006", 3);
    org.rep("close", json!({ "id": deal, "won": true, "amount": 12_000.5, "close_date": "2026-05-01" })).await;
    let won = org.read("Opportunity", &deal).await;
    assert_eq!((won["IsClosed"].as_bool(), won["IsWon"].as_bool()), (Some(true), Some(true)));
    assert_eq!((won["Amount"].as_f64(), won["CloseDate"].as_str()), (Some(12_000.5), Some("2026-05-01")));
    org.rep("reopen", json!({ "id": deal })).await;
    let open = org.read("Opportunity", &deal).await;
    assert_eq!((open["IsClosed"].as_bool(), open["IsWon"].as_bool()), (Some(false), Some(false)));
    org.rep("close", json!({ "id": deal, "won": false })).await;
    assert_eq!(org.read("Opportunity", &deal).await["StageName"], "Closed Lost");
}

#[tokio::test]
async fn fields_come_and_go_and_are_hidden() {
    let org = Org::with(2).await;
    let contact = format!("sobjects/Contact/{}", nth("003", 0));
    let secure = |access: &str| json!({ "object": "Contact", "field": "Title", "access": access });
    org.rep("field-security", secure("read")).await;
    let (status, body) = org.patch(&contact, json!({ "Title": "Pilot" })).await;
    assert_eq!((status.as_u16(), code(&body)), (400, "INVALID_FIELD_FOR_INSERT_UPDATE"));
    org.rep("field-security", secure("none")).await;
    let (status, body) = org.patch(&contact, json!({ "Title": "Pilot" })).await;
    assert_eq!((status.as_u16(), code(&body)), (400, "INVALID_FIELD"));
    assert!(org.read("Contact", &nth("003", 0)).await.get("Title").is_none());
    org.rep("field-security", secure("edit")).await;
    assert_eq!(org.patch(&contact, json!({ "Title": "Pilot" })).await.0, 204);

    org.rep("property", json!({ "object": "contacts", "name": "Title", "remove": true })).await;
    assert!(org.read("Contact", &nth("003", 0)).await.get("Title").is_none());
    org.rep("property", json!({ "object": "contacts", "name": "Title", "restore": true })).await;
    assert_eq!(org.read("Contact", &nth("003", 0)).await["Title"], "Pilot");
    let why =
        refused(&org, "property", json!({ "object": "contacts", "create": { "name": "X", "type": "blob" } })).await;
    assert!(why.contains("blob"), "{why}");
}

#[tokio::test]
async fn others_use_up_the_day_and_sessions_end() {
    let mut org = Org::with(1).await;
    org.rep("usage", json!({ "used": 99_998 })).await;
    let answer = org.call(Method::GET, "limits").send().await.unwrap();
    assert_eq!(answer.headers()["sforce-limit-info"], "api-usage=99999/100000");
    assert_eq!(org.get("limits").await.0, 200);
    let (status, body) = org.get("limits").await;
    assert_eq!((status.as_u16(), code(&body)), (403, "REQUEST_LIMIT_EXCEEDED"));
    org.rep("usage", json!({ "used": 0 })).await;
    org.rep("expire-tokens", json!({})).await;
    let (status, body) = org.get("limits").await;
    assert_eq!((status.as_u16(), code(&body)), (401, "INVALID_SESSION_ID"));
    org.sign_in().await;
    assert_eq!(org.get("limits").await.0, 200);
    org.rep("expire-tokens", json!({ "refresh": true })).await;
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", "mock-refresh"),
        ("client_id", "mock-client"),
        ("client_secret", "mock-secret"),
    ];
    let (status, body) = org.token(&form).await;
    assert_eq!((status.as_u16(), body["error"].as_str()), (400, Some("invalid_grant")));
}

#[tokio::test]
async fn old_tasks_are_archived_without_a_trace() {
    let org = Org::with(40).await;
    let before = org.read("Task", &nth("00T", 0)).await;
    assert_eq!(before["IsArchived"], false);
    let archived = ids(&org.rep("archive-activities", json!({ "before": "2025-01-01" })).await);
    assert!(archived[0].starts_with(&nth("00T", 0)) && archived.len() < 10, "{archived:?}");
    assert!(org.lines("ledger", 0).await.is_empty());
    assert!(
        ids(&org.rep("archive-activities", json!({ "before": "2025-01-01" })).await).is_empty(),
        "they are already"
    );
}

#[tokio::test]
async fn colleagues_come_and_leave() {
    let org = Org::with(1).await;
    let made =
        org.rep("owner", json!({ "email": "new.hand@seller.example", "first_name": "New", "last_name": "Hand" }));
    let id = made.await["id"].as_str().unwrap().to_owned();
    let user = org.read("User", &id).await;
    assert_eq!((user["Name"].as_str(), user["IsActive"].as_bool()), (Some("New Hand"), Some(true)));
    org.rep("owner", json!({ "id": id, "archived": true })).await;
    assert_eq!(org.read("User", &id).await["IsActive"], false);
    let (status, body) = org.patch(&format!("sobjects/Contact/{}", nth("003", 0)), json!({ "OwnerId": id })).await;
    assert_eq!((status.as_u16(), code(&body)), (400, "INACTIVE_OWNER_OR_USER"));
}

#[tokio::test]
async fn headers_that_change_a_write_are_on_record() {
    let org = Org::with(1).await;
    let write = org.call(Method::POST, "sobjects/Lead").json(&json!({ "LastName": "Vale", "Company": "Quill" }));
    let write = write.header("Sforce-Auto-Assign", "FALSE").header("Sforce-Call-Options", "client=ferry");
    assert_eq!(write.header("User-Agent", "ferry/1").send().await.unwrap().status(), 201);
    let seen = org.lines("requests", 0).await.pop().unwrap();
    let headers = &seen["headers"];
    assert_eq!(headers["sforce-auto-assign"], "FALSE");
    assert_eq!(
        (headers["sforce-call-options"].as_str(), headers["user-agent"].as_str()),
        (Some("client=ferry"), Some("ferry/1"))
    );
    assert!(headers.get("authorization").is_none(), "secrets are not for the log");
    let why = refused(&org, "dance", json!({})).await;
    assert!(why.contains("convert"), "{why}");
}
