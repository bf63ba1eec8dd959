//! One record at a time: creating, reading, changing, deleting, and what the ledger says of it.

use reqwest::Method;
use serde_json::json;

use crate::org::{DATA, Org, code, read};

#[tokio::test]
async fn a_created_contact_is_read_changed_and_deleted() {
    let org = Org::with(3).await;
    let body = json!({ "LASTNAME": "Ruiz", "email": "m.ruiz@firm.example" });
    let answer = org.call(Method::POST, "sobjects/contact/").json(&body).send().await.unwrap();
    let place = answer.headers()["location"].to_str().unwrap().to_owned();
    let (status, body) = read(answer).await;
    let id = body["id"].as_str().unwrap().to_owned();
    assert_eq!((status.as_u16(), body), (201, json!({ "id": id, "success": true, "errors": [] })));
    assert_eq!(place, format!("{DATA}/sobjects/Contact/{id}"));
    assert!(id.starts_with("003") && id.len() == 18, "{id}");

    let path = format!("sobjects/Contact/{id}");
    assert_eq!(org.patch(&path, json!({ "Title": "VP" })).await.0, 204);
    let contact = org.read("Contact", &id[..15]).await;
    assert_eq!((contact["Name"].as_str(), contact["Title"].as_str()), (Some("Ruiz"), Some("VP")));
    assert_eq!(contact["Email"], "m.ruiz@firm.example");
    assert!(contact.get("FirstName").unwrap().is_null());
    assert_eq!(contact["HasOptedOutOfEmail"], false);
    assert_eq!(org.delete(&path).await.0, 204);
    for method in [Method::DELETE, Method::GET] {
        let (status, body) = read(org.call(method, &path).send().await.unwrap()).await;
        assert_eq!((status.as_u16(), code(&body)), (404, "ENTITY_IS_DELETED"));
    }
    let (status, body) = org.patch(&path, json!({ "Title": "VP" })).await;
    assert_eq!((status.as_u16(), code(&body)), (404, "ENTITY_IS_DELETED"));

    let ledger = org.lines("ledger", 0).await;
    let ops: Vec<_> = ledger.iter().map(|line| line["op"].as_str().unwrap()).collect();
    assert_eq!(ops, ["create", "update", "delete"]);
    assert!(ledger.iter().all(|line| line["object"] == "Contact" && line["record"] == id && line["by"] == "api"));
    assert_eq!((&ledger[1]["before"], &ledger[1]["after"]), (&json!({ "Title": null }), &json!({ "Title": "VP" })));
}

#[tokio::test]
async fn fields_come_as_asked_with_attributes_first() {
    let org = Org::with(1).await;
    let id = org.create("Contact", json!({ "LastName": "Ruiz", "MailingCity": "Oslo" })).await;
    let path = format!("sobjects/Contact/{id}?fields=lastname,FirstName,ACCOUNTID,MailingAddress");
    let text = org.call(Method::GET, &path).send().await.unwrap().text().await.unwrap();
    let start = format!(
        "{{\"attributes\":{{\"type\":\"Contact\",\"url\":\"{DATA}/sobjects/Contact/{id}\"}},\"LastName\":\"Ruiz\",\
         \"FirstName\":null,\"AccountId\":null,\"MailingAddress\":{{\"city\":\"Oslo\""
    );
    assert!(text.starts_with(&start), "{text}");
    let (status, body) = org.get(&format!("sobjects/Contact/{id}?fields=Nope")).await;
    assert_eq!((status.as_u16(), code(&body)), (400, "INVALID_FIELD"));
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() {
    let org = Org::with(1).await;
    for (method, path, status, error) in [
        (Method::GET, "sobjects/Contact/003xx00000ZZZZZ", 404, "NOT_FOUND"),
        (Method::PATCH, "sobjects/Contact/003xx00000ZZZZZ", 404, "NOT_FOUND"),
        (Method::GET, "sobjects/Contact/nonsense", 400, "MALFORMED_ID"),
        (Method::DELETE, "sobjects/Contact/003xx000004TmiQAAA", 400, "MALFORMED_ID"),
        (Method::GET, "sobjects/Blob/describe", 404, "NOT_FOUND"),
        (Method::GET, "sobjects/Blob/003xx000004TmiQ", 404, "NOT_FOUND"),
        (Method::GET, "nowhere/at/all", 404, "NOT_FOUND"),
        (Method::PUT, "sobjects/Contact", 405, "METHOD_NOT_ALLOWED"),
        (Method::GET, "/services/data/v30.0/limits", 410, "UNSUPPORTED_API_VERSION"),
        (Method::GET, "/services/data/v99.0/limits", 404, "NOT_FOUND"),
        (Method::GET, "/services/elsewhere", 404, "NOT_FOUND"),
    ] {
        let call = org.call(method.clone(), path).header("content-type", "application/json").body("{\"Title\":\"x\"}");
        let (answered, body) = read(call.send().await.unwrap()).await;
        assert_eq!((answered.as_u16(), code(&body)), (status, error), "{method} {path} {body}");
    }
}

#[tokio::test]
async fn versions_are_listed_for_anybody_and_answer_alike() {
    let org = Org::with(1).await;
    let (status, list) = read(org.request(Method::GET, "/services/data/").send().await.unwrap()).await;
    let list = list.as_array().unwrap().clone();
    assert_eq!(status, 200);
    let summer = json!({ "label": "Summer '26", "url": "/services/data/v67.0", "version": "67.0" });
    assert!(list.contains(&summer), "{list:?}");
    assert!(list.contains(&json!({ "label": "Winter '27", "url": "/services/data/v68.0", "version": "68.0" })));
    for version in [40, 52, 68] {
        let (status, body) = org.get(&format!("/services/data/v{version}.0/sobjects/Contact/")).await;
        let url = format!("/services/data/v{version}.0/sobjects/Contact");
        assert_eq!((status.as_u16(), body["objectDescribe"]["urls"]["sobject"].as_str()), (200, Some(url.as_str())));
    }
}

#[tokio::test]
async fn stamps_are_whole_seconds_of_the_servers_clock() {
    let org = Org::with(0).await;
    org.freeze("2026-03-04T05:06:07.890Z").await;
    let id = org.create("Contact", json!({ "LastName": "Ruiz" })).await;
    let stamp = "2026-03-04T05:06:07.000+0000";
    let made = org.read("Contact", &id).await;
    for field in ["CreatedDate", "LastModifiedDate", "SystemModstamp"] {
        assert_eq!(made[field], stamp, "{field}");
    }
    assert_eq!(made["LastModifiedById"], "005xx000001SwiUAAS");
    org.config(json!({ "clock_offset_s": 90 })).await;
    org.patch(&format!("sobjects/Contact/{id}"), json!({ "LastName": "Ruiz" })).await;
    let moved = org.read("Contact", &id).await;
    assert_eq!(
        (moved["CreatedDate"].as_str(), moved["SystemModstamp"].as_str()),
        (Some(stamp), Some("2026-03-04T05:07:37.000+0000"))
    );
}

#[tokio::test]
async fn a_write_is_read_only_when_its_transaction_has_committed() {
    let org = Org::with(0).await;
    org.freeze("2026-03-04T05:06:07Z").await;
    org.config(json!({ "commit_delay_ms": 3000 })).await;
    let id = org.create("Contact", json!({ "LastName": "Late" })).await;
    let path = format!("sobjects/Contact/{id}");
    assert_eq!(org.get(&path).await.0, 404);
    assert_eq!(org.patch(&path, json!({ "Title": "VP" })).await.0, 204);
    org.config(json!({ "clock_offset_s": 3 })).await;
    let (status, body) = org.get(&path).await;
    assert_eq!((status.as_u16(), body["Title"].as_str()), (200, Some("VP")));
    assert_eq!(body["SystemModstamp"], "2026-03-04T05:06:07.000+0000");
}

#[tokio::test]
async fn a_client_without_patch_names_the_method_in_the_query() {
    let org = Org::with(0).await;
    let id = org.create("Contact", json!({ "LastName": "Ruiz" })).await;
    let (status, _) = org.post(&format!("sobjects/Contact/{id}?_HttpMethod=PATCH"), json!({ "Title": "VP" })).await;
    assert_eq!(status, 204);
    assert_eq!(org.read("Contact", &id).await["Title"], "VP");
}

#[tokio::test]
async fn hostile_bodies_are_refused_and_never_break_the_server() {
    let org = Org::with(1).await;
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let nested = json!({ "LastName": { "a": { "b": 1 } } }).to_string();
    let bodies = [
        "",
        "null",
        "[]",
        "{",
        "{\"LastName\":}",
        "\u{0}",
        &deep,
        &nested,
        "{\"LastName\":[1]}",
        "{\"LastName\":\"x\",\"Birthdate\":1e999}",
    ];
    for body in bodies {
        let call = org.call(Method::POST, "sobjects/Contact").header("content-type", "application/json");
        let (status, answer) = read(call.body(body.to_owned()).send().await.unwrap()).await;
        assert_eq!(status, 400, "{body:.40} {answer}");
        assert!(answer[0]["errorCode"].is_string(), "{answer}");
    }
    let call = org.call(Method::POST, "sobjects/Contact").header("content-type", "text/xml").body("<x/>");
    let (status, answer) = read(call.send().await.unwrap()).await;
    assert_eq!((status.as_u16(), code(&answer)), (415, "UNSUPPORTED_MEDIA_TYPE"));
    for path in ["sobjects/Contact/%FF%FE", "sobjects/Contact/Email/%00", "sobjects/%2F%2F/x", "sobjects//Contact//"] {
        let status = org.call(Method::GET, path).send().await.unwrap().status();
        assert!(status.as_u16() < 500, "{path} {status}");
    }
    assert_eq!(org.get("limits").await.0, 200);
}

#[tokio::test]
async fn a_person_may_go_with_the_account() {
    let org = Org::with(0).await;
    let account = org.create("Account", json!({ "Name": "Norhaven" })).await;
    let contact = org.create("Contact", json!({ "LastName": "Ruiz", "AccountId": account })).await;
    assert_eq!(org.delete(&format!("sobjects/Account/{account}")).await.0, 204);
    assert_eq!(org.get(&format!("sobjects/Contact/{contact}")).await.0, 404);
    org.config(json!({ "cascade_account_delete": false })).await;
    let account = org.create("Account", json!({ "Name": "Norhaven" })).await;
    let contact = org.create("Contact", json!({ "LastName": "Ruiz", "AccountId": account })).await;
    org.delete(&format!("sobjects/Account/{account}")).await;
    assert_eq!(org.get(&format!("sobjects/Contact/{contact}")).await.0, 200);
}
