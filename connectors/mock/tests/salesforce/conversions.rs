//! Leads that become contacts.

use reqwest::Method;
use serde_json::{Value, json};

use crate::org::{Org, code, nth, read};

async fn lead(org: &Org, more: Value) -> String {
    let mut body = json!({ "FirstName": "Iris", "LastName": "Vale", "Company": "Quill", "Email": "iris@quill.example",
                           "City": "Bergen" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    org.create("Lead", body).await
}

#[tokio::test]
async fn a_lead_becomes_a_contact_of_a_new_account_with_a_deal() {
    let org = Org::with(1).await;
    org.config(json!({ "lead_assignment": "off" })).await;
    let lead = lead(&org, json!({})).await;
    let task = org.create("Task", json!({ "WhoId": lead, "Subject": "Call", "Status": "Completed" })).await;
    let made = org.rep("convert", json!({ "id": lead, "opportunity": "Quill Platform" })).await;
    let word = |key: &str| made[key].as_str().unwrap().to_owned();
    let (contact, account, deal) = (word("contact"), word("account"), word("opportunity"));

    let seen = org.read("Lead", &lead).await;
    assert_eq!((seen["IsConverted"].as_bool(), seen["Status"].as_str()), (Some(true), Some("Closed - Converted")));
    assert_eq!(seen["ConvertedContactId"], contact.as_str());
    assert_eq!(
        (seen["ConvertedAccountId"].as_str(), seen["ConvertedOpportunityId"].as_str()),
        (Some(&*account), Some(&*deal))
    );
    assert!(seen["ConvertedDate"].is_string() && seen["IsDeleted"] == false);
    let person = org.read("Contact", &contact).await;
    assert_eq!(
        (person["Email"].as_str(), person["MailingCity"].as_str()),
        (Some("iris@quill.example"), Some("Bergen"))
    );
    assert_eq!((person["AccountId"].as_str(), &person["OwnerId"]), (Some(&*account), &seen["OwnerId"]));
    assert_eq!(org.read("Account", &account).await["Name"], "Quill");
    let opportunity = org.read("Opportunity", &deal).await;
    assert_eq!((opportunity["IsClosed"].as_bool(), opportunity["AccountId"].as_str()), (Some(false), Some(&*account)));
    let moved = org.read("Task", &task).await;
    assert_eq!((moved["WhoId"].as_str(), moved["WhatId"].as_str()), (Some(&*contact), Some(&*deal)));

    let ledger = org.lines("ledger", 0).await;
    let roles = ledger.iter().filter(|line| line["object"] == "OpportunityContactRole").count();
    let converted: Vec<&Value> = ledger.iter().filter(|line| line["op"] == "convert").collect();
    assert_eq!((roles, converted.len()), (1, 1));
    assert_eq!((converted[0]["record"].as_str(), converted[0]["by"].as_str()), (Some(&*lead), Some("rep")));
    assert_eq!(converted[0]["before"]["IsConverted"], false);
}

#[tokio::test]
async fn a_converted_lead_is_read_only_and_is_not_converted_again() {
    let org = Org::with(1).await;
    let lead = lead(&org, json!({})).await;
    let made = org.rep("convert", json!({ "lead": lead })).await;
    assert!(made["opportunity"].is_null());
    let (status, body) = org.patch(&format!("sobjects/Lead/{lead}"), json!({ "Title": "Pilot" })).await;
    assert_eq!((status.as_u16(), code(&body)), (400, "CANNOT_UPDATE_CONVERTED_LEAD"));
    let again = org.request(Method::POST, "/__mock/convert").json(&json!({ "id": lead })).send().await.unwrap();
    let (status, body) = read(again).await;
    assert_eq!((status.as_u16(), body["error"].as_str().unwrap().contains("converted already")), (400, true));
}

#[tokio::test]
async fn a_lead_may_join_a_contact_there_is() {
    let org = Org::with(8).await;
    for object in ["Lead", "Contact"] {
        let field = json!({ "name": "CDP_Score", "type": "number" });
        org.rep("property", json!({ "object": object, "create": field })).await;
    }
    let lead = lead(&org, json!({ "CDP_Score__c": 12 })).await;
    let before = org.read("Contact", &nth("003", 2)).await;
    let body = json!({ "id": lead, "contact": nth("003", 2), "map": { "CDP_Score__c": "CDP_Score__c" } });
    let made = org.rep("convert", body).await;
    assert_eq!((&made["contact"], &made["account"]), (&before["Id"], &before["AccountId"]));
    let after = org.read("Contact", &nth("003", 2)).await;
    assert_eq!((after["Email"].clone(), after["CDP_Score__c"].as_f64()), (before["Email"].clone(), Some(12.0)));
    let accounts = org.lines("ledger", 0).await.iter().filter(|line| line["object"] == "Account").count();
    assert_eq!(accounts, 0, "the contact's own account is taken");
}

#[tokio::test]
async fn nothing_custom_is_copied_unless_mapped() {
    let org = Org::with(1).await;
    for object in ["Lead", "Contact"] {
        let field = json!({ "name": "CDP_Profile_Id", "unique": true, "external_id": true, "length": 64 });
        org.rep("property", json!({ "object": object, "create": field })).await;
    }
    let lead = lead(&org, json!({ "CDP_Profile_Id__c": "p-1" })).await;
    let made = org.rep("convert", json!({ "id": lead })).await;
    let contact = org.read("Contact", made["contact"].as_str().unwrap()).await;
    assert!(contact["CDP_Profile_Id__c"].is_null());
}
