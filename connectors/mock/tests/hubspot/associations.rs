//! Associations between contacts, companies and deals.

use reqwest::Method;
use serde_json::{Value, json};

use crate::portal::{CONTACTS, Portal, read};

const DEALS_TO_CONTACTS: &str = "/crm/associations/2026-09/deals/contacts/batch";

async fn deal(portal: &Portal) -> String {
    let properties = json!({ "dealname": "D", "pipeline": "default", "dealstage": "contractsent" });
    let (status, made) = portal.post("/crm/v3/objects/deals", json!({ "properties": properties })).await;
    assert_eq!(status, 201, "{made}");
    made["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_deal_without_contacts_is_an_error_that_is_none() {
    let portal = Portal::with(10).await;
    let lone = deal(&portal).await;
    let body = json!({ "inputs": [{ "id": "30000000001" }, { "id": lone }] });
    let (status, answer) = portal.post(&format!("{DEALS_TO_CONTACTS}/read"), body).await;
    assert_eq!(status, 207);
    assert_eq!(answer["errors"][0]["subCategory"], "crm.associations.NO_ASSOCIATIONS_FOUND");
    assert_eq!(answer["errors"][0]["context"]["fromObjectId"], json!([lone]));
    let link = &answer["results"][0]["to"][0];
    assert!(link["toObjectId"].is_u64());
    assert_eq!(link["associationTypes"], json!([{ "category": "HUBSPOT_DEFINED", "typeId": 3, "label": null }]));
}

#[tokio::test]
async fn linking_shows_from_both_ends_and_moves_no_stamp() {
    let portal = Portal::with(10).await;
    let (lone, contact) = (deal(&portal).await, portal.contacts(1).await.remove(0));
    let id = contact["id"].as_str().unwrap();
    let types = json!([{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 3 }]);
    let body = json!({ "inputs": [{ "from": { "id": lone }, "to": { "id": id }, "types": types }] });
    assert_eq!(portal.post("/crm/v4/associations/deals/contacts/batch/create", body.clone()).await.0, 201);
    assert_eq!(portal.post(&format!("{DEALS_TO_CONTACTS}/create"), body).await.0, 200);
    let (_, back) = portal.get(&format!("{CONTACTS}/{id}/associations/deals")).await;
    let found = back["results"].as_array().unwrap().iter().any(|link| link["toObjectId"].as_u64() == lone.parse().ok());
    assert!(found, "{back}");
    assert_eq!(portal.get(&format!("{CONTACTS}/{id}")).await.1["updatedAt"], contact["updatedAt"]);

    let gone = json!({ "inputs": [{ "from": { "id": lone }, "to": [{ "id": id }] }] });
    assert_eq!(portal.post("/crm/v4/associations/deals/contacts/batch/archive", gone).await.0, 204);
    let (_, left) = portal.get(&format!("/crm/v4/objects/deals/{lone}/associations/contacts")).await;
    assert!(left["results"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_second_primary_company_replaces_the_first() {
    let portal = Portal::with(20).await;
    let contact = portal.contacts(1).await[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/crm/v4/objects/contacts/{contact}/associations/companies/20000000002");
    let types = json!([{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1 }]);
    let (status, _) = read(portal.call(Method::PUT, &path).json(&types).send().await.unwrap()).await;
    assert_eq!(status, 201);
    let (_, page) = portal.get(&format!("/crm/v4/objects/contacts/{contact}/associations/companies")).await;
    let primary = |link: &&Value| link["associationTypes"].as_array().unwrap().iter().any(|t| t["label"] == "Primary");
    let all = page["results"].as_array().unwrap();
    let primaries: Vec<String> = all.iter().filter(primary).map(|link| link["toObjectId"].to_string()).collect();
    assert_eq!((all.len(), primaries), (2, vec!["20000000002".to_owned()]));
    let (_, read) =
        portal.get(&format!("{CONTACTS}/{contact}?properties=associatedcompanyid&associations=companies")).await;
    assert_eq!(read["properties"]["associatedcompanyid"], "20000000002");
    // Inline, an id comes once per type.
    assert_eq!(read["associations"]["companies"]["results"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_note_is_born_on_its_contact() {
    let portal = Portal::with(1).await;
    let contact = portal.contacts(1).await[0]["id"].clone();
    let note = json!({
        "properties": { "hs_timestamp": "2026-11-23T09:00:00.000Z", "hs_note_body": "Score crossed 80" },
        "associations": [{ "to": { "id": contact },
                           "types": [{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 202 }] }],
    });
    let (status, made) = portal.post("/crm/v3/objects/notes", note).await;
    assert_eq!(status, 201, "{made}");
    let path = format!("/crm/v4/objects/contacts/{}/associations/notes", contact.as_str().unwrap());
    assert_eq!(portal.get(&path).await.1["results"][0]["toObjectId"].to_string(), made["id"].as_str().unwrap());
    assert_eq!(portal.post("/crm/v3/objects/notes", json!({ "properties": {} })).await.0, 400);
}

#[tokio::test]
async fn the_default_link_is_the_plain_one() {
    let portal = Portal::with(20).await;
    let path = "/crm/v4/objects/contact/10000000001/associations/default/company/20000000002";
    let (status, answer) = read(portal.call(Method::PUT, path).send().await.unwrap()).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["results"][0]["associationSpec"]["associationTypeId"], 279);
    let body = json!({ "inputs": [{ "from": { "id": "1" }, "to": { "id": "2" } }] });
    let (status, _) = portal.post("/crm/v4/associations/contacts/companies/batch/associate/default", body).await;
    assert_eq!(status, 207);
}
