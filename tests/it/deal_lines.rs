//! What is on the lines of deals is owned once they are won, whichever CRM says so.

use connector::{Object, Value};
use ferry::config::Vendor::{Hubspot, Salesforce};
use serde_json::json;

use crate::harbour::Harbour;

async fn owned(harbour: &Harbour) -> Vec<String> {
    match harbour.profile("email:ada@kiwi.example").await.profile.computed.get("products_owned") {
        Some(Value::List(names)) => names.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn products_of_won_deals_are_owned() {
    let harbour = Harbour::new(&[Hubspot, Salesforce], "").await;
    let person = [("email", "ada@kiwi.example"), ("first_name", "Ada"), ("last_name", "Berg")];
    let (hubspot, salesforce) = (harbour.mock(Hubspot), harbour.mock(Salesforce));
    let (there, here) = (hubspot.create(&Object::Contact, &person), salesforce.create(&Object::Contact, &person));
    harbour.cycle().await;

    let made = |object: &str, properties: serde_json::Value| {
        let made = hubspot.act("edit", &json!({ "object": object, "properties": properties }));
        made["id"].as_str().unwrap().to_owned()
    };
    let deal = made("deals", json!({ "dealname": "Boats", "pipeline": "default", "dealstage": "contractsent" }));
    hubspot.act("associate", &json!({ "from": "deals", "from_id": deal, "to": "contacts", "to_id": there.as_str() }));
    for name in ["Rowing boat", "Oars", "Oars"] {
        let line = made("line_items", json!({ "name": name, "quantity": "1", "price": "50" }));
        hubspot.act("associate", &json!({ "from": "line_items", "from_id": line, "to": "deals", "to_id": deal }));
    }
    let made = |object: &str, properties: serde_json::Value| {
        let made = salesforce.act("edit", &json!({ "object": object, "properties": properties }));
        made["id"].as_str().unwrap().to_owned()
    };
    let won = made(
        "Opportunity",
        json!({ "Name": "Jetty", "StageName": "Closed Won", "CloseDate": "2026-01-05", "Amount": 900 }),
    );
    salesforce.act("role", &json!({ "opportunity": won, "contact": here.as_str() }));
    harbour.cycle().await;
    harbour.cycle().await;
    assert_eq!(owned(&harbour).await, [""; 0], "one is not won yet, the other one has no lines");

    // A line moves its deal at Salesforce; at HubSpot the won stage does.
    let product = made("Product2", json!({ "Name": "Jetty, 5 m", "IsActive": true }));
    made(
        "OpportunityLineItem",
        json!({ "OpportunityId": won, "Product2Id": product, "Quantity": 1, "UnitPrice": 900 }),
    );
    hubspot.act("edit", &json!({ "object": "deals", "id": deal, "properties": { "dealstage": "closedwon" } }));
    harbour.cycle().await;
    harbour.cycle().await;
    assert_eq!(owned(&harbour).await, ["Jetty, 5 m", "Oars", "Rowing boat"]);
    harbour.assert_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_may_not_read_lines_or_mails_pulls_the_rest() {
    let harbour = Harbour::new(&[Hubspot], "").await;
    let hubspot = harbour.mock(Hubspot);
    hubspot.configure(&json!({ "denied_scopes": ["crm.objects.line_items.read", "crm.objects.emails.read"] }));
    let person = [("email", "ada@kiwi.example"), ("first_name", "Ada"), ("last_name", "Berg")];
    let ada = hubspot.create(&Object::Contact, &person);
    let made = |object: &str, properties: serde_json::Value| {
        let id = hubspot.act("edit", &json!({ "object": object, "properties": properties }))["id"].clone();
        hubspot.act("associate", &json!({ "from": object, "from_id": id, "to": "contacts", "to_id": ada.as_str() }));
    };
    made("deals", json!({ "dealname": "Boats", "pipeline": "default", "dealstage": "closedwon", "amount": "100" }));
    made(
        "tasks",
        json!({ "hs_timestamp": "2026-01-05T09:00:00Z", "hs_task_subject": "Call back", "hs_task_status": "COMPLETED" }),
    );
    harbour.cycle().await;
    harbour.cycle().await;
    let profile = harbour.profile("email:ada@kiwi.example").await;
    assert_eq!(profile.profile.computed.get("won_revenue"), Some(&Value::Number(100.into())));
    let items = harbour.app.store.timeline(profile.profile.id, 100).await.unwrap();
    assert!(items.iter().any(|item| &*item.title == "Task: Call back"), "{items:?}");
}
