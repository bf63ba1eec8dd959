//! What describe tells, and to whom.

use reqwest::Method;
use serde_json::{Value, json};

use crate::org::Org;

fn field<'a>(describe: &'a Value, name: &str) -> &'a Value {
    let fields = describe["fields"].as_array().unwrap();
    fields.iter().find(|field| field["name"] == name).unwrap_or(&Value::Null)
}

#[tokio::test]
async fn an_object_is_described_with_its_types_lengths_and_rights() {
    let org = Org::with(0).await;
    let (status, contact) = org.get("sobjects/CONTACT/describe/").await;
    assert_eq!((status.as_u16(), contact["name"].as_str()), (200, Some("Contact")));
    assert_eq!((contact["keyPrefix"].as_str(), contact["mergeable"].as_bool()), (Some("003"), Some(true)));
    let last = field(&contact, "LastName");
    assert_eq!((last["length"].as_u64(), last["nillable"].as_bool()), (Some(80), Some(false)));
    assert_eq!(field(&contact, "Email")["idLookup"], true);
    assert_eq!(field(&contact, "Title")["length"], 128);
    let account = field(&contact, "AccountId");
    assert_eq!((&account["referenceTo"], &account["relationshipName"]), (&json!(["Account"]), &json!("Account")));
    let stamp = field(&contact, "SystemModstamp");
    assert_eq!((stamp["type"].as_str(), stamp["updateable"].as_bool()), (Some("datetime"), Some(false)));
    let (_, account) = org.get("sobjects/Account/describe").await;
    let children = account["childRelationships"].as_array().unwrap();
    assert!(children.iter().any(|child| child["relationshipName"] == "Contacts" && child["childSObject"] == "Contact"));
    let (_, list) = org.get("sobjects").await;
    assert_eq!(list["maxBatchSize"], 200);
    let names: Vec<_> =
        list["sobjects"].as_array().unwrap().iter().map(|object| object["name"].as_str().unwrap()).collect();
    assert!(["Contact", "Lead", "OpportunityContactRole", "Task"].iter().all(|name| names.contains(name)), "{names:?}");
    let (_, user) = org.get("sobjects/User/describe").await;
    assert!(field(&user, "IsDeleted").is_null() && !field(&user, "IsActive").is_null());
}

#[tokio::test]
async fn a_describe_that_did_not_change_is_a_304() {
    let org = Org::with(0).await;
    let answer = org.call(Method::GET, "sobjects/Contact/describe").send().await.unwrap();
    let last = answer.headers()["last-modified"].clone();
    let again =
        org.call(Method::GET, "sobjects/Contact/describe").header("if-modified-since", last).send().await.unwrap();
    assert_eq!((again.status().as_u16(), again.text().await.unwrap()), (304, String::new()));
    let long_ago = "Mon, 01 Jan 1960 00:00:00 GMT";
    let old =
        org.call(Method::GET, "sobjects/Contact/describe").header("if-modified-since", long_ago).send().await.unwrap();
    assert_eq!(old.status(), 200);
}
