//! The optional lead object: it stands beside a contact, has a name, and begins where leads begin.

use serde_json::{Value, json};

use crate::portal::Portal;

fn lead(contact: &str, properties: Value) -> Value {
    let types = json!([{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 578 }]);
    json!({ "properties": properties, "associations": [{ "to": { "id": contact }, "types": types }] })
}

const LEADS: &str = "/crm/v3/objects/leads";

#[tokio::test]
async fn a_lead_needs_a_name_and_a_contact_that_is_there() {
    let portal = Portal::with(1).await;
    let contact = portal.contacts(1).await[0]["id"].as_str().unwrap().to_owned();
    let named = json!({ "hs_lead_name": "Grace Hopper" });
    assert_eq!(portal.post(LEADS, json!({ "properties": named })).await.0, 400, "without a contact");
    assert_eq!(portal.post(LEADS, lead("7", named.clone())).await.0, 404, "of nobody");
    assert_eq!(portal.post(LEADS, lead(&contact, json!({ "hs_lead_label": "WARM" }))).await.0, 400, "without a name");
    let wrong = json!({ "hs_lead_name": "Grace", "hs_pipeline": "lead-pipeline-id", "hs_pipeline_stage": "nowhere" });
    assert_eq!(portal.post(LEADS, lead(&contact, wrong)).await.0, 400, "in no stage");
    let batch = json!({ "inputs": [lead(&contact, named.clone()), { "properties": named }] });
    assert_eq!(portal.post(&format!("{LEADS}/batch/create"), batch).await.0, 400, "the whole batch");
    let (_, none) = portal.get(LEADS).await;
    assert_eq!(none["results"], json!([]));
}

#[tokio::test]
async fn a_lead_begins_as_new_and_is_read_from_its_contact() {
    let portal = Portal::with(1).await;
    let contact = portal.contacts(1).await[0]["id"].as_str().unwrap().to_owned();
    let (status, made) = portal.post(LEADS, lead(&contact, json!({ "hs_lead_name": "Grace Hopper" }))).await;
    assert_eq!(status, 201, "{made}");
    let id = made["id"].as_str().unwrap();
    let (_, read) =
        portal.get(&format!("/crm/v3/objects/0-136/{id}?properties=hs_lead_name,hs_pipeline,hs_pipeline_stage")).await;
    let properties = &read["properties"];
    assert_eq!(
        [&properties["hs_lead_name"], &properties["hs_pipeline"], &properties["hs_pipeline_stage"]],
        ["Grace Hopper", "lead-pipeline-id", "new-stage-id"]
    );
    let (_, near) = portal.get(&format!("/crm/v4/objects/contacts/{contact}/associations/leads")).await;
    assert_eq!(near["results"][0]["toObjectId"].to_string(), id);
    assert_eq!(near["results"][0]["associationTypes"][0]["typeId"], 609);
    let (_, back) = portal.get(&format!("/crm/v4/objects/leads/{id}/associations/contacts")).await;
    let types: Vec<u64> = back["results"][0]["associationTypes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["typeId"].as_u64().unwrap())
        .collect();
    assert_eq!(types, [578, 608]);
    let (_, pipelines) = portal.get("/crm/v3/pipelines/leads").await;
    assert_eq!(pipelines["results"][0]["stages"][0]["id"], "new-stage-id");
    portal.config(json!({ "denied_scopes": ["crm.objects.leads.write"] })).await;
    assert_eq!(portal.post(LEADS, lead(&contact, json!({ "hs_lead_name": "Grace" }))).await.0, 403);
}
