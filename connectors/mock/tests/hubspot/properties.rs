//! Fields: reading the schema, making fields, limits, deal stages.

use serde_json::{Value, json};

use crate::portal::{CONTACTS, Portal, read};

const PROPERTIES: &str = "/crm/properties/2026-09/contacts";

fn number(name: &str) -> Value {
    json!({ "name": name, "label": "Score", "type": "number", "fieldType": "number", "groupName": "cdp" })
}

async fn with_group(portal: &Portal) {
    let (status, _) = portal.post(&format!("{PROPERTIES}/groups"), json!({ "name": "cdp", "label": "CDP" })).await;
    assert_eq!(status, 201);
}

#[tokio::test]
async fn a_field_is_made_once_in_a_group_that_exists() {
    let portal = Portal::with(1).await;
    assert_eq!(portal.post(PROPERTIES, number("cdp_score")).await.0, 400, "no group yet");
    with_group(&portal).await;
    let again = json!({ "name": "cdp", "label": "CDP" });
    assert_eq!(portal.post(&format!("{PROPERTIES}/groups"), again).await.0, 409);
    let (status, made) = portal.post(PROPERTIES, number("cdp_score")).await;
    assert_eq!(status, 201);
    assert_eq!(made["modificationMetadata"]["readOnlyValue"], false);
    assert_eq!((made["hubspotDefined"].as_bool(), made["calculated"].as_bool()), (Some(false), Some(false)));
    assert_eq!(portal.post(PROPERTIES, number("cdp_score")).await.0, 409);
    let (_, read) = portal.get("/crm/v3/properties/contacts/cdp_score").await;
    assert_eq!(read["groupName"], "cdp");
    let (_, all) = portal.get(PROPERTIES).await;
    let email = all["results"].as_array().unwrap().iter().find(|p| p["name"] == "email").unwrap();
    assert_eq!(email["hasUniqueValue"], true);
    let owner = all["results"].as_array().unwrap().iter().find(|p| p["name"] == "hubspot_owner_id").unwrap();
    assert_eq!((owner["externalOptions"].as_bool(), owner["options"].as_array().unwrap().len()), (Some(true), 0));

    assert_eq!(portal.delete(&format!("{PROPERTIES}/cdp_score")).await, 204);
    assert_eq!(portal.get(&format!("{PROPERTIES}/cdp_score")).await.0, 404);
    assert_eq!(portal.delete(&format!("{PROPERTIES}/email")).await, 400);
}

#[tokio::test]
async fn what_a_definition_may_not_say() {
    let portal = Portal::with(0).await;
    with_group(&portal).await;
    let with = |key: &str, value: Value| {
        let mut definition = number("cdp_x");
        definition[key] = value;
        definition
    };
    for definition in [
        with("fieldType", json!("text")),
        with("name", json!("1st")),
        with("name", json!("has space")),
        with("label", json!("")),
        with("type", json!("enumeration")),
    ] {
        assert_eq!(portal.post(PROPERTIES, definition.clone()).await.0, 400, "{definition}");
    }
}

#[tokio::test]
async fn an_account_has_room_for_so_many_fields() {
    let portal = Portal::with(0).await;
    portal.config(json!({ "custom_property_limit": 2 })).await;
    with_group(&portal).await;
    let inputs: Vec<Value> = ["cdp_a", "cdp_b", "cdp_c"].into_iter().map(number).collect();
    let (status, answer) = portal.post(&format!("{PROPERTIES}/batch/create"), json!({ "inputs": inputs })).await;
    assert_eq!((status.as_u16(), answer["results"].as_array().unwrap().len()), (207, 2));
    assert!(answer["errors"][0]["message"].as_str().unwrap().contains("limit of 2"));
}

#[tokio::test]
async fn enumeration_options_are_replaced_whole() {
    let portal = Portal::with(1).await;
    with_group(&portal).await;
    let option = |value: &str| json!({ "value": value, "label": value });
    let grade = json!({ "name": "cdp_grade", "label": "Grade", "type": "enumeration", "fieldType": "select",
                        "groupName": "cdp", "options": [option("A"), option("B")] });
    assert_eq!(portal.post(PROPERTIES, grade).await.0, 201);
    let contact = format!("{CONTACTS}/{}", portal.contacts(1).await[0]["id"].as_str().unwrap());
    let write = |value: &str| json!({ "properties": { "cdp_grade": value } });
    let (status, refused) = portal.patch(&contact, write("C")).await;
    assert_eq!((status.as_u16(), refused["errors"][0]["code"].as_str()), (400, Some("INVALID_OPTION")));
    assert_eq!(refused["errors"][0]["message"], "C was not one of the allowed options: [A, B]");
    let all = json!({ "options": [option("A"), option("B"), option("C")] });
    assert_eq!(portal.patch(&format!("{PROPERTIES}/cdp_grade"), all).await.0, 200);
    assert_eq!(portal.patch(&contact, write("C")).await.0, 200);
}

#[tokio::test]
async fn a_locked_or_vanished_field_refuses_the_whole_record() {
    let portal = Portal::with(1).await;
    let contact = format!("{CONTACTS}/{}", portal.contacts(1).await[0]["id"].as_str().unwrap());
    let write = json!({ "properties": { "city": "Bergen", "jobtitle": "CTO" } });
    portal.rep("property", json!({ "object": "contacts", "name": "city", "read_only": true })).await;
    let (status, answer) = portal.patch(&contact, write.clone()).await;
    assert_eq!((status.as_u16(), answer["errors"][0]["code"].as_str()), (400, Some("READ_ONLY_VALUE")));
    portal.rep("property", json!({ "object": "contacts", "name": "city", "remove": true })).await;
    let (_, answer) = portal.patch(&contact, write.clone()).await;
    assert_eq!(answer["errors"][0]["code"], "PROPERTY_DOESNT_EXIST");
    assert!(portal.get(&format!("{contact}?properties=city")).await.1["properties"].get("city").is_none());
    portal.rep("property", json!({ "object": "contacts", "name": "city", "read_only": false, "restore": true })).await;
    assert_eq!(portal.patch(&contact, write).await.0, 200);
}

#[tokio::test]
async fn a_won_deal_says_so_by_its_stage() {
    let portal = Portal::with(0).await;
    let deal = json!({ "properties": { "dealname": "Renewal", "pipeline": "default", "dealstage": "contractsent",
                                       "amount": 120.5, "deal_currency_code": "USD" } });
    let (status, made) = portal.post("/crm/v3/objects/deals", deal).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["properties"]["hs_is_closed_won"], "false");
    let path = format!("/crm/v3/objects/deals/{}", made["id"].as_str().unwrap());
    let stage = |stage: &str| json!({ "properties": { "dealstage": stage } });
    assert_eq!(portal.patch(&path, stage("nowhere")).await.0, 400);
    portal.config(json!({ "frozen_at": "2026-11-23T09:00:00Z" })).await;
    assert_eq!(portal.patch(&path, stage("closedwon")).await.0, 200);
    let wanted = "closedate,hs_is_closed_won,hs_closed_amount,hs_v2_date_entered_closedwon,hs_deal_stage_probability";
    let (_, won) = portal.get(&format!("{path}?properties={wanted}&propertiesWithHistory=dealstage")).await;
    let properties = &won["properties"];
    assert_eq!(
        (properties["hs_is_closed_won"].as_str(), properties["hs_closed_amount"].as_str()),
        (Some("true"), Some("120.5"))
    );
    assert_eq!(properties["closedate"], "2026-11-23T09:00:00.000Z");
    assert_eq!(properties["hs_v2_date_entered_closedwon"], "2026-11-23T09:00:00.000Z");
    let history = won["propertiesWithHistory"]["dealstage"].as_array().unwrap();
    let values: Vec<&str> = history.iter().map(|past| past["value"].as_str().unwrap()).collect();
    assert_eq!(values, ["closedwon", "contractsent"]);
    assert_eq!(
        (history[0]["sourceType"].as_str(), history[0]["sourceId"].as_str()),
        (Some("INTEGRATION"), Some("99001"))
    );
    assert_eq!(portal.post("/crm/v3/objects/deals", json!({ "properties": { "dealname": "x" } })).await.0, 400);
}

#[tokio::test]
async fn the_newest_version_enforces_conditional_rules() {
    let portal = Portal::with(0).await;
    let rule =
        json!({ "object": "contacts", "property": "jobtitle", "when": { "property": "country", "value": "Norway" } });
    portal.config(json!({ "required": [rule] })).await;
    let body = |email: &str| json!({ "properties": { "email": email, "country": "Norway" } });
    let (status, answer) = portal.post(CONTACTS, body("a@b.example")).await;
    assert_eq!((status.as_u16(), answer["errors"][0]["code"].as_str()), (400, Some("REQUIRED_PROPERTY")));
    assert_eq!(portal.post("/crm/v3/objects/contacts", body("a@b.example")).await.0, 201);
    assert_eq!(portal.post("/crm/objects/2026-03/contacts", body("c@b.example")).await.0, 201);
}

#[tokio::test]
async fn the_other_metadata_answers() {
    let portal = Portal::with(20).await;
    for path in [
        "/crm/v3/owners/?limit=100",
        "/crm/pipelines/2026-09/deals",
        "/crm-object-schemas/v3/schemas",
        "/crm/v3/limits/custom-properties",
        "/crm/property-validations/2026-03/0-1",
        "/account-info/v3/details",
        "/account-info/2026-09/api-usage/daily/private-apps",
    ] {
        let (status, body) = portal.get(path).await;
        assert_eq!(status, 200, "{path}: {body}");
    }
    let (_, pipelines) = portal.get("/crm/v3/pipelines/deals").await;
    let stages = pipelines["results"][0]["stages"].as_array().unwrap();
    let won: Vec<&str> = stages
        .iter()
        .filter(|s| s["metadata"]["isClosed"] == "true" && s["metadata"]["probability"] == "1.0")
        .map(|s| s["id"].as_str().unwrap())
        .collect();
    assert_eq!(won, ["closedwon"]);
    let (_, former) = portal.get("/crm/v3/owners?archived=true").await;
    assert!(former["results"][0]["userId"].is_null());
    let answer = portal.call(reqwest::Method::PUT, "/crm/v3/owners").send().await.unwrap();
    assert_eq!(read(answer).await.0, 405);
}
