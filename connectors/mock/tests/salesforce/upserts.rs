//! Upsert by external id: made, changed, several, never made by accident.

use serde_json::json;

use crate::org::{DATA, Org, code};

#[tokio::test]
async fn an_address_that_two_people_share_is_a_choice_of_records() {
    let org = Org::with(0).await;
    let mut urls = Vec::new();
    for name in ["Abe", "Bee"] {
        let id = org.create("Contact", json!({ "LastName": name, "Email": "shared@firm.example" })).await;
        urls.push(json!(format!("{DATA}/sobjects/Contact/{id}")));
    }
    let path = "sobjects/Contact/Email/SHARED@firm.example";
    let (status, body) = org.patch(path, json!({ "Title": "VP" })).await;
    assert_eq!((status.as_u16(), body.as_array()), (300, Some(&urls)));
    assert_eq!(org.get(path).await.0, 300);
}

#[tokio::test]
async fn an_unmatched_key_makes_a_record_unless_told_not_to() {
    let org = Org::with(0).await;
    let path = "sobjects/Lead/Email/ada%2Bx@firm.example";
    let body = json!({ "LastName": "Ada", "Company": "Norhaven" });
    let (status, _) = org.patch(&format!("{path}?updateOnly=true"), body.clone()).await;
    assert_eq!(status, 404);
    assert!(org.lines("ledger", 0).await.is_empty());
    let (status, made) = org.patch(path, body.clone()).await;
    assert_eq!((status.as_u16(), made["created"].as_bool()), (201, Some(true)));
    let (status, again) = org.patch(&format!("{path}?updateOnly=true"), body.clone()).await;
    assert_eq!((status.as_u16(), &again["id"]), (200, &made["id"]));
    assert_eq!(again["created"], false);
    let old = org.patch("/services/data/v45.0/sobjects/Lead/Email/ada+x@firm.example", body).await;
    assert_eq!((old.0.as_u16(), old.1.is_null()), (204, true));
    let (status, lead) = org.get(path).await;
    assert_eq!((status.as_u16(), lead["Email"].as_str()), (200, Some("ada+x@firm.example")));
}

#[tokio::test]
async fn the_key_is_in_the_address_and_not_in_the_body() {
    let org = Org::with(0).await;
    let body = json!({ "LastName": "Ada", "Email": "a@firm.example" });
    let (status, answer) = org.patch("sobjects/Contact/Email/a@firm.example", body).await;
    assert_eq!((status.as_u16(), code(&answer)), (400, "INVALID_FIELD"));
    assert_eq!(answer[0]["message"], "The Email field should not be specified in the sobject data.");
    for (key, status, error) in [("Title", 400, "INVALID_FIELD"), ("Nope__c", 404, "NOT_FOUND")] {
        let (answered, answer) = org.patch(&format!("sobjects/Contact/{key}/x"), json!({ "LastName": "Ada" })).await;
        assert_eq!((answered.as_u16(), code(&answer)), (status, error), "{key}");
    }
    // An address that ends like a file name.
    let (status, _) = org.patch("sobjects/Contact/Email/a@firm.inc", json!({ "LastName": "Ada" })).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn the_record_id_is_a_key_as_well() {
    let org = Org::with(0).await;
    let (status, made) = org.post("sobjects/Contact/Id", json!({ "LastName": "Ada" })).await;
    assert_eq!(status, 201);
    let path = format!("sobjects/Contact/Id/{}", made["id"].as_str().unwrap());
    let (status, changed) = org.patch(&path, json!({ "Title": "VP" })).await;
    assert_eq!((status.as_u16(), changed["created"].as_bool()), (200, Some(false)));
    assert_eq!(org.get(&path).await.1["Title"], "VP");
}

#[tokio::test]
async fn a_parent_may_be_named_by_a_key_of_its_own() {
    let org = Org::with(0).await;
    let boss = org.create("Contact", json!({ "LastName": "Boss", "Email": "boss@firm.example" })).await;
    let body = json!({ "LastName": "Ruiz", "ReportsTo": { "Email": "boss@firm.example" } });
    let id = org.create("Contact", body).await;
    assert_eq!(org.read("Contact", &id).await["ReportsToId"], boss);
    let lost = json!({ "ReportsTo": { "Email": "Nobody@firm.example" } });
    let (status, body) = org.patch(&format!("sobjects/Contact/{id}"), lost).await;
    assert_eq!((status.as_u16(), code(&body)), (400, "INVALID_FIELD"));
    let words = "Foreign key external ID: nobody@firm.example not found for field Email in entity Contact";
    assert_eq!(body[0]["message"], words);
}
