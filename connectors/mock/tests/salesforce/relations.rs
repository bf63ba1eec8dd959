//! Objects that stand between others: roles on deals, activities, campaigns, permission sets.

use serde_json::json;

use crate::org::{Org, code};

#[tokio::test]
async fn a_deal_has_one_primary_contact() {
    let org = Org::with(0).await;
    let ada = org.create("Contact", json!({ "LastName": "Ada" })).await;
    let bee = org.create("Contact", json!({ "LastName": "Bee" })).await;
    let deal = json!({ "Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-03-04", "ContactId": ada });
    let deal = org.create("Opportunity", deal).await;
    let first = org.lines("ledger", 0).await.last().unwrap()["record"].as_str().unwrap().to_owned();
    assert_eq!(org.read("OpportunityContactRole", &first).await["IsPrimary"], true);
    let body = json!({ "OpportunityId": deal, "ContactId": bee, "Role": "Decision Maker", "IsPrimary": true });
    let second = org.create("OpportunityContactRole", body).await;
    assert_eq!(org.read("OpportunityContactRole", &second).await["IsPrimary"], true);
    assert_eq!(org.read("OpportunityContactRole", &first).await["IsPrimary"], false);
}

#[tokio::test]
async fn moving_a_deal_on_moves_what_follows_from_its_stage() {
    let org = Org::with(0).await;
    let deal = json!({ "Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-03-04" });
    let id = org.create("Opportunity", deal).await;
    assert!(org.read("Opportunity", &id).await["LastStageChangeDate"].is_null());
    for (stage, closed, won, probability) in [
        ("Closed Lost", true, false, "0.0"),
        ("Negotiation/Review", false, false, "90.0"),
        ("Our own stage", false, false, "0.0"),
    ] {
        org.patch(&format!("sobjects/Opportunity/{id}"), json!({ "StageName": stage })).await;
        let deal = org.read("Opportunity", &id).await;
        assert_eq!((deal["IsClosed"].as_bool(), deal["IsWon"].as_bool()), (Some(closed), Some(won)), "{stage}");
        assert_eq!(deal["Probability"].to_string(), probability);
        assert!(deal["LastStageChangeDate"].is_string());
    }
}

#[tokio::test]
async fn an_activity_stands_with_a_person_and_perhaps_a_thing() {
    let org = Org::with(0).await;
    let account = org.create("Account", json!({ "Name": "Norhaven" })).await;
    let contact = org.create("Contact", json!({ "LastName": "Ada", "AccountId": account })).await;
    let lead = org.create("Lead", json!({ "LastName": "Bee", "Company": "Norhaven" })).await;
    let task = org.create("Task", json!({ "WhoId": contact, "Subject": "Visited", "Status": "Completed" })).await;
    let task = org.read("Task", &task).await;
    assert_eq!((task["IsClosed"].as_bool(), &task["AccountId"]), (Some(true), &json!(account)));
    assert!(task["CompletedDateTime"].is_string());
    let (status, body) = org.post("sobjects/Task", json!({ "WhoId": lead, "WhatId": account })).await;
    assert_eq!((status.as_u16(), code(&body)), (400, "FIELD_INTEGRITY_EXCEPTION"));
    let event = json!({ "StartDateTime": "2026-03-04T10:00:00Z", "DurationInMinutes": 30 });
    let event = org.create("Event", event).await;
    assert_eq!(org.read("Event", &event).await["EndDateTime"], "2026-03-04T10:30:00.000+0000");
    let (status, body) =
        org.patch(&format!("sobjects/Event/{event}"), json!({ "EndDateTime": "2026-03-04T09:00:00Z" })).await;
    assert_eq!((status.as_u16(), code(&body)), (400, "FIELD_INTEGRITY_EXCEPTION"));
}

#[tokio::test]
async fn nobody_is_a_member_of_a_campaign_twice() {
    let org = Org::with(0).await;
    let campaign = org.create("Campaign", json!({ "Name": "Spring" })).await;
    let contact = org.create("Contact", json!({ "LastName": "Ada" })).await;
    let body = json!({ "CampaignId": campaign, "ContactId": contact });
    let member = org.create("CampaignMember", body.clone()).await;
    assert_eq!(org.read("CampaignMember", &member).await["Status"], "Sent");
    let (status, answer) = org.post("sobjects/CampaignMember", body.clone()).await;
    let words = json!([{ "message": "Already a campaign member.", "errorCode": "DUPLICATE_VALUE", "fields": [] }]);
    assert_eq!((status.as_u16(), answer), (400, words));
    org.patch(&format!("sobjects/CampaignMember/{member}"), json!({ "Status": "responded" })).await;
    assert_eq!(org.read("CampaignMember", &member).await["HasResponded"], true);
    let moved = org.patch(&format!("sobjects/CampaignMember/{member}"), json!({ "ContactId": contact })).await;
    assert_eq!(code(&moved.1), "INVALID_FIELD_FOR_INSERT_UPDATE");
    org.delete(&format!("sobjects/CampaignMember/{member}")).await;
    org.create("CampaignMember", body).await;
}

#[tokio::test]
async fn permission_sets_are_ordinary_records_with_rules_of_their_own() {
    let org = Org::with(0).await;
    let set = org.create("PermissionSet", json!({ "Name": "CDP_Sync", "Label": "CDP Sync" })).await;
    let twice = org.post("sobjects/PermissionSet", json!({ "Name": "cdp_sync", "Label": "Again" })).await;
    assert_eq!((twice.0.as_u16(), code(&twice.1)), (400, "DUPLICATE_VALUE"));
    let grant = |field: &str| json!({ "ParentId": set, "SobjectType": "Contact", "Field": field, "PermissionsRead": true, "PermissionsEdit": true });
    org.create("FieldPermissions", grant("Contact.Title")).await;
    for field in ["Contact.LastName", "Contact.Nope__c", "Nope"] {
        let (status, body) = org.post("sobjects/FieldPermissions", grant(field)).await;
        assert_eq!(status, 400, "{field} {body}");
    }
    let assigned = json!({ "AssigneeId": "005xx000001SwiUAAS", "PermissionSetId": set });
    let id = org.create("PermissionSetAssignment", assigned.clone()).await;
    assert_eq!(code(&org.post("sobjects/PermissionSetAssignment", assigned).await.1), "DUPLICATE_VALUE");
    // No recycle bin: gone is gone.
    org.delete(&format!("sobjects/PermissionSetAssignment/{id}")).await;
    let (status, body) = org.get(&format!("sobjects/PermissionSetAssignment/{id}")).await;
    assert_eq!((status.as_u16(), code(&body)), (404, "NOT_FOUND"));
}
