//! One row at a time: the matrix of methods and preconditions, and what the ledger says of it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::org::{Org, code, id, message, read};

const NOBODY: &str = "c0000000-0000-0000-0000-0000000000ff";

#[tokio::test]
async fn a_created_contact_is_read_changed_and_deleted() {
    let org = Org::with(3).await;
    let body = json!({ "firstname": "Mar", "lastname": "Ruiz", "emailaddress1": "m.ruiz@firm.example",
                       "parentcustomerid_account@odata.bind": format!("/accounts({})", id('a', 0)) });
    let made = org.create("contacts", body).await;
    let contact = org.read("contacts", &made).await;
    assert_eq!(
        (&contact["fullname"], &contact["statecode"], &contact["statuscode"]),
        (&json!("Mar Ruiz"), &json!(0), &json!(1))
    );
    assert_eq!(contact["_parentcustomerid_value"], id('a', 0));
    assert_eq!(contact["contactid"], made);
    let path = format!("contacts({made})");
    assert_eq!(org.change(&path, json!({ "jobtitle": "VP", "middlename": "" })).await.0, 204);
    let after = org.read("contacts", &made).await;
    assert_eq!((&after["jobtitle"], &after["middlename"]), (&json!("VP"), &Value::Null));
    assert!(after["versionnumber"].as_i64() > contact["versionnumber"].as_i64());
    assert_eq!(org.delete(&path).await.0, 204);
    let (status, body) = org.get(&path).await;
    assert_eq!((status.as_u16(), code(&body)), (404, "0x80040217"));
    assert_eq!(message(&body), format!("contact With Id = {made} Does Not Exist"));

    let ledger = org.lines("ledger", 0).await;
    let ops: Vec<_> = ledger.iter().map(|line| line["op"].as_str().unwrap()).collect();
    assert_eq!(ops, ["create", "update", "delete"]);
    assert!(ledger.iter().all(|line| line["object"] == "contact" && line["record"] == made && line["by"] == "api"));
}

#[tokio::test]
async fn the_status_matrix_of_patch_holds() {
    let org = Org::with(3).await;
    let there = format!("contacts({})", id('c', 0));
    let gone = format!("contacts({NOBODY})");
    let body = json!({ "jobtitle": "VP" });
    for (path, header, value, status, error) in [
        (&there, "if-match", "*", 204, "none"),
        (&there, "if-none-match", "*", 412, "0x80040237"),
        (&there, "if-match", "W/\"1\"", 412, "0x80060882"),
        (&gone, "if-match", "*", 404, "0x80040217"),
        (&gone, "if-match", "W/\"1\"", 404, "0x80040217"),
        (&gone, "if-none-match", "*", 204, "none"),
        (&gone, "x-none", "", 204, "none"),
    ] {
        let answer = org.call(Method::PATCH, path).header(header, value).json(&body).send().await.unwrap();
        let (answered, said) = read(answer).await;
        assert_eq!((answered.as_u16(), code(&said)), (status, error), "{path} {header}: {value} {said}");
    }
    // Without a precondition a deleted row comes back, nearly empty.
    assert_eq!(org.delete(&gone).await.0, 204);
    assert_eq!(org.patch(&gone, json!({ "jobtitle": "ghost" })).await.0, 204);
    assert_eq!(org.read("contacts", NOBODY).await["lastname"], Value::Null);
}

#[tokio::test]
async fn an_etag_holds_until_the_next_write() {
    let org = Org::with(3).await;
    let path = format!("contacts({})", id('c', 0));
    let etag = org.get(&path).await.1["@odata.etag"].as_str().unwrap().to_owned();
    let unchanged = org.call(Method::GET, &path).header("if-none-match", &etag).send().await.unwrap();
    assert_eq!(unchanged.status(), 304);
    let write =
        |etag: String| org.call(Method::PATCH, &path).header("if-match", etag).json(&json!({ "jobtitle": "a" }));
    assert_eq!(write(etag.clone()).send().await.unwrap().status(), 204);
    assert_eq!(write(etag.clone()).send().await.unwrap().status(), 412);
    org.config(json!({ "no_optimistic": ["contact"] })).await;
    let (status, body) = read(write(etag).send().await.unwrap()).await;
    assert_eq!((status.as_u16(), code(&body)), (400, "0x8006088d"));
}

#[tokio::test]
async fn a_representation_is_returned_when_preferred() {
    let org = Org::with(1).await;
    let call = |method: Method, path: &str| org.call(method, path).header("prefer", "return=representation");
    let answer =
        call(Method::POST, "contacts?$select=lastname").json(&json!({ "lastname": "Ruiz" })).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["preference-applied"].to_str().unwrap()),
        (201, "return=representation")
    );
    let made = read(answer).await.1;
    let path = format!("contacts({})?$select=contactid,versionnumber", made["contactid"].as_str().unwrap());
    let answer = call(Method::PATCH, &path).json(&json!({ "jobtitle": "VP" })).send().await.unwrap();
    let etag = answer.headers()["etag"].to_str().unwrap().to_owned();
    let (status, body) = read(answer).await;
    assert_eq!((status.as_u16(), format!("W/\"{}\"", body["versionnumber"])), (200, etag));
    assert!(body["@odata.context"].as_str().unwrap().ends_with("$metadata#contacts(contactid,versionnumber)/$entity"));
}
