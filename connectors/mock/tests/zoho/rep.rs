//! What people do: merges, conversions, fields and stages, and how it looks from outside.

use serde_json::json;

use crate::org::{Org, ids};

#[tokio::test]
async fn the_loser_of_a_merge_is_only_deleted() {
    let org = Org::with(16).await;
    let known = org.first("Contacts", 16, "Email").await;
    let id = |at: usize| known[at]["id"].as_str().unwrap();
    let deals = org.first("Deals", 4, "Contact_Name").await;
    let loser = deals[0]["Contact_Name"]["id"].as_str().unwrap();
    let winner = known.iter().map(|row| row["id"].as_str().unwrap()).find(|id| *id != loser).unwrap();
    let given =
        json!({ "object": "contacts", "primary": winner, "secondary": loser, "properties": { "Title": "Both" } });
    org.rep("merge", given).await;
    let (_, gone) = org.get("/Contacts/deleted").await;
    assert_eq!(ids(&gone), [loser]);
    assert_eq!(gone["data"][0]["type"], "recycle");
    assert!(gone["data"][0].get("master").is_none());
    assert_eq!(org.get(&format!("/Contacts/{loser}")).await.0, 204);
    let moved = org.whole("Deals", deals[0]["id"].as_str().unwrap()).await;
    assert_eq!(moved["Contact_Name"]["id"], winner);
    assert_eq!(org.whole("Contacts", winner).await["Title"], "Both");
    let merge = org.lines("ledger", 0).await.into_iter().find(|line| line["op"] == "merge").unwrap();
    assert_eq!((merge["record"].as_str(), merge["before"]["secondary"].as_str()), (Some(winner), Some(loser)));

    let over_api = json!({ "merge": [{ "data": [{ "id": id(5) }] }] });
    let (status, body) = org.post(&format!("/Contacts/{}/actions/merge", id(6)), over_api).await;
    assert_eq!((status.as_u16(), body["merge"][0]["code"].as_str()), (200, Some("SUCCESS")));
}

#[tokio::test]
async fn a_converted_lead_leaves_the_lists_and_says_what_it_became() {
    let org = Org::with(100).await;
    let leads = org.first("Leads", 3, "Email,Company,Designation").await;
    let id = leads[0]["id"].as_str().unwrap();
    let task = json!({ "data": [{ "Subject": "Call", "Who_Id": { "id": id } }] });
    let (_, made) = org.post("/Tasks", task).await;
    let deal = json!({ "data": [{ "Deals": { "Deal_Name": "First", "Closing_Date": "2026-12-01", "Stage": "Qualification",
                                            "Pipeline": "Standard (Standard)", "Amount": 100.5 } }] });
    let (status, body) = org.post(&format!("/Leads/{id}/actions/convert"), deal.clone()).await;
    assert_eq!(status, 200, "{body}");
    let details = &body["data"][0]["details"];
    let contact = org.whole("Contacts", details["Contacts"]["id"].as_str().unwrap()).await;
    assert_eq!((&contact["Email"], &contact["Title"]), (&leads[0]["Email"], &leads[0]["Designation"]));
    assert_eq!(contact["Account_Name"]["name"], leads[0]["Company"]);
    assert_eq!(details["Deals"]["name"], "First");
    let task = org.whole("Tasks", made["data"][0]["details"]["id"].as_str().unwrap()).await;
    assert_eq!(task["Who_Id"]["id"], contact["id"]);

    assert_eq!(org.first("Leads", 200, "Email").await.len(), 9);
    let (_, both) = org.get("/Leads?fields=Converted__s,Converted_Contact&converted=both&sort_order=asc").await;
    assert_eq!(both["data"].as_array().unwrap().len(), 10);
    assert_eq!(both["data"][0]["Converted_Contact"]["id"], contact["id"]);
    assert_eq!(org.whole("Leads", id).await["$converted"], true);
    let (status, again) = org.post(&format!("/Leads/{id}/actions/convert"), deal).await;
    assert_eq!((status.as_u16(), again["code"].as_str()), (400, Some("ID_ALREADY_CONVERTED")));
    let (_, locked) = org.put("/Leads", json!({ "data": [{ "id": id, "City": "Oslo" }] })).await;
    assert_eq!(locked["data"][0]["code"], "RECORD_LOCKED");

    let by_rep = org.rep("convert", json!({ "id": leads[1]["id"], "opportunity": true })).await;
    assert!(by_rep["contact"].is_string() && by_rep["opportunity"].is_string());
    assert_eq!(org.lines("ledger", 0).await.iter().filter(|line| line["op"] == "convert").count(), 2);
}

#[tokio::test]
async fn the_org_names_the_fields_it_is_asked_for() {
    let org = Org::with(2).await;
    let fields = json!({ "fields": [
        { "field_label": "CDP visits 30d", "data_type": "integer", "length": 9,
          "tooltip": { "name": "static_text", "value": "Set by Ferry" } },
        { "field_label": "CDP profile id", "data_type": "text", "external": { "type": "org", "show": true } },
        { "field_label": "A label that is longer than it may be", "data_type": "text" },
        { "field_label": "Segments", "data_type": "multiselectpicklist" },
        { "field_label": "Oddity", "data_type": "riddle" },
    ] });
    let (status, body) = org.post("/settings/fields?module=Contacts", fields).await;
    assert_eq!(status, 207, "{body}");
    let codes: Vec<&str> = body["fields"].as_array().unwrap().iter().map(|row| row["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["SUCCESS", "SUCCESS", "INVALID_DATA", "MANDATORY_NOT_FOUND", "INVALID_DATA"]);
    let id = body["fields"][0]["details"]["id"].as_str().unwrap();
    let (_, read) = org.get(&format!("/settings/fields/{id}?module=Contacts")).await;
    let field = &read["fields"][0];
    assert_eq!((field["api_name"].as_str(), field["data_type"].as_str()), (Some("CDP_visits_30d"), Some("integer")));
    assert_eq!(field["operation_type"]["api_update"], true);
    // The name of a deleted field is not given again.
    let call = org.call(reqwest::Method::DELETE, &format!("/settings/fields/{id}?module=Contacts"));
    assert_eq!(call.send().await.unwrap().status(), 200);
    let again = json!({ "fields": [{ "field_label": "CDP visits 30d", "data_type": "integer" }] });
    let (_, body) = org.post("/settings/fields?module=Contacts", again.clone()).await;
    let id = body["fields"][0]["details"]["id"].as_str().unwrap();
    let (_, read) = org.get(&format!("/settings/fields/{id}?module=Contacts")).await;
    assert_eq!(read["fields"][0]["api_name"], "CDP_visits_30d1");
    assert_eq!(org.post("/settings/fields?module=Contacts", again).await.1["fields"][0]["code"], "DUPLICATE_DATA");

    let rows = json!({ "data": [
        { "Last_Name": "One", "CDP_visits_30d1": 12, "CDP_profile_id": "p-1" },
        { "Last_Name": "Two", "CDP_visits_30d1": "12" },
        { "Last_Name": "Three", "CDP_profile_id": "P-1" },
        { "Last_Name": "Four", "CDP_visits_30d1": 1234567890_i64 },
    ] });
    let (_, body) = org.post("/Contacts", rows).await;
    let first = body["data"][0]["details"]["id"].as_str().unwrap();
    assert_eq!(body["data"][1]["details"]["expected_data_type"], "integer");
    assert_eq!(
        (body["data"][2]["code"].as_str(), body["data"][2]["details"]["id"].as_str()),
        (Some("DUPLICATE_DATA"), Some(first))
    );
    assert_eq!(body["data"][3]["details"]["maximum_length"], 9);
    let by_key = org.call(reqwest::Method::GET, "/Contacts/p-1").header("x-external", "Contacts.CDP_profile_id");
    let (_, body) = crate::org::read(by_key.send().await.unwrap()).await;
    assert_eq!(body["data"][0]["id"], first);
}

#[tokio::test]
async fn a_unique_column_matches_an_upsert_that_did_not_name_it() {
    let org = Org::with(2).await;
    let fields = json!({ "fields": [
        { "field_label": "Key one", "data_type": "text", "unique": { "case_sensitive": false } },
        { "field_label": "Key two", "data_type": "text", "unique": { "case_sensitive": false } },
        { "field_label": "Key three", "data_type": "text", "unique": { "case_sensitive": false } },
    ] });
    let (_, body) = org.post("/settings/fields?module=Contacts", fields).await;
    assert_eq!(body["fields"][2]["code"], "LIMIT_EXCEEDED");
    org.post("/Contacts", json!({ "data": [{ "Last_Name": "Ruiz", "Key_two": "k2" }] })).await;
    let body = json!({ "data": [{ "Last_Name": "Other", "Email": "new@x.example", "Key_two": "k2" }],
                       "duplicate_check_fields": ["Email"] });
    let (_, answer) = org.post("/Contacts/upsert", body).await;
    let row = &answer["data"][0];
    assert_eq!((row["action"].as_str(), row["duplicate_field"].as_str()), (Some("update"), Some("Key_two")));
}

#[tokio::test]
async fn stages_mean_what_their_forecast_type_says() {
    let org = Org::with(10).await;
    let (_, layouts) = org.get("/settings/layouts?module=Deals").await;
    let layout = layouts["layouts"][0]["id"].as_str().unwrap();
    org.rep("stage", json!({ "name": "Closed Won", "rename": "Gewonnen" })).await;
    org.rep("stage", json!({ "name": "Signed", "forecast": "Closed Won", "probability": 100 })).await;
    let (_, body) = org.get(&format!("/settings/pipeline?layout_id={layout}")).await;
    let maps = body["pipeline"][0]["maps"].as_array().unwrap();
    let won: Vec<(&str, &str)> = maps
        .iter()
        .filter(|map| map["forecast_type"] == "Closed Won")
        .map(|map| (map["actual_value"].as_str().unwrap(), map["display_value"].as_str().unwrap()))
        .collect();
    assert_eq!(won, [("Closed Won", "Gewonnen"), ("Signed", "Signed")]);
    let deal = org.first("Deals", 1, "Stage").await[0]["id"].as_str().unwrap().to_owned();
    org.rep("close", json!({ "id": deal, "amount": 250 })).await;
    let closed = org.whole("Deals", &deal).await;
    assert_eq!((closed["Stage"].as_str(), closed["Probability"].as_i64()), (Some("Closed Won"), Some(100)));
    assert_eq!(closed["Expected_Revenue"].as_f64(), Some(250.0));
    let (_, body) = org.post("/Deals", json!({ "data": [{ "Deal_Name": "x", "Stage": "Qualification" }] })).await;
    assert_eq!(body["data"][0]["details"]["api_name"], "Pipeline");
}

#[tokio::test]
async fn tags_come_and_go_and_overwriting_drops_the_others() {
    let org = Org::with(2).await;
    let id = org.first("Contacts", 1, "Email").await[0]["id"].as_str().unwrap().to_owned();
    let add = |name: &str, over: bool| json!({ "tags": [{ "name": name }], "ids": [id], "over_write": over });
    let (status, body) = org.post("/Contacts/actions/add_tags", add("vip", false)).await;
    assert_eq!((status.as_u16(), body["data"][0]["code"].as_str()), (200, Some("SUCCESS")));
    org.post("/Contacts/actions/add_tags", add("news", false)).await;
    let tags = |row: &serde_json::Value| -> Vec<String> {
        row["Tag"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(tags(&org.whole("Contacts", &id).await), ["vip", "news"]);
    org.post(&format!("/Contacts/{id}/actions/remove_tags"), json!({ "tags": [{ "name": "VIP" }] })).await;
    assert_eq!(tags(&org.whole("Contacts", &id).await), ["news"]);
    org.post("/Contacts/actions/add_tags", add("only", true)).await;
    assert_eq!(tags(&org.whole("Contacts", &id).await), ["only"]);
    assert_eq!(org.get("/settings/tags?module=Contacts").await.1["tags"][0]["name"], "only");
}

#[tokio::test]
async fn automation_runs_unless_the_write_says_not_to() {
    let org = Org::with(2).await;
    org.config(json!({ "workflows": [{ "object": "contacts", "property": "Title", "action": "upper" }] })).await;
    let id = org.first("Contacts", 1, "Email").await[0]["id"].as_str().unwrap().to_owned();
    let row = |title: &str| json!([{ "id": id, "Title": title }]);
    org.put("/Contacts", json!({ "data": row("quiet"), "trigger": [] })).await;
    assert_eq!(org.whole("Contacts", &id).await["Title"], "quiet");
    org.put("/Contacts", json!({ "data": row("loud") })).await;
    assert_eq!(org.whole("Contacts", &id).await["Title"], "LOUD");
    org.put("/Contacts", json!({ "data": row("named"), "trigger": ["workflow"] })).await;
    assert_eq!(org.whole("Contacts", &id).await["Title"], "NAMED");
    let rules = json!([{ "object": "contacts", "property": "Title", "action": "append", "value": "!", "immediate": true },
                       { "object": "contacts", "property": "Title", "action": "touch", "after_s": 60 }]);
    org.config(json!({ "workflows": rules, "frozen_at": "2026-11-23T09:00:00Z" })).await;
    let mut org = org;
    org.sign_in().await;
    org.put("/Contacts", json!({ "data": row("now") })).await;
    assert_eq!(org.whole("Contacts", &id).await["Modified_Time"], "2026-11-23T10:00:00+01:00");
    org.config(json!({ "frozen_at": "2026-11-23T09:01:00Z" })).await;
    let later = org.whole("Contacts", &id).await;
    assert_eq!(
        (later["Title"].as_str(), later["Modified_Time"].as_str()),
        (Some("now!"), Some("2026-11-23T10:01:00+01:00"))
    );
    let (status, body) = org.put("/Contacts", json!({ "data": row("x"), "trigger": ["everything"] })).await;
    assert_eq!((status.as_u16(), body["details"]["api_name"].as_str()), (400, Some("trigger")));
}
