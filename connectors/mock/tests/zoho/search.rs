//! Searches, which lag, counts, and related lists.

use serde_json::json;

use crate::org::{Org, ids};

#[tokio::test]
async fn a_fresh_record_is_not_found_before_the_index_has_it() {
    let org = Org::with(20).await;
    org.config(json!({ "search_lag_ms": 5_000, "frozen_at": "2026-11-23T09:00:00Z" })).await;
    let email = org.first("Contacts", 1, "Email").await[0]["Email"].as_str().unwrap().to_owned();
    let (_, found) = org.get(&format!("/Contacts/search?email={email}&fields=Email")).await;
    assert_eq!(ids(&found).len(), 1);
    org.post("/Contacts", json!({ "data": [{ "Last_Name": "Ruiz", "Email": "ana@firm.example" }] })).await;
    let path = "/Contacts/search?email=ana@firm.example";
    assert_eq!(org.get(path).await.0, 204);
    org.config(json!({ "frozen_at": "2026-11-23T09:00:05Z" })).await;
    let mut org = org;
    org.sign_in().await;
    let (_, found) = org.get(path).await;
    assert_eq!(found["data"][0]["Full_Name"], "Ruiz");
}

#[tokio::test]
async fn criteria_are_read_with_their_brackets_and_backslashes() {
    let org = Org::with(40).await;
    org.rep("edit", json!({ "object": "contacts", "properties": { "Last_Name": "O(ne), Two", "Title": "CEO" } })).await;
    let search = |criteria: &str| {
        let criteria: String = url_encoded(criteria);
        let path = format!("/Contacts/search?criteria={criteria}&fields=Title,Last_Name");
        let org = &org;
        async move { org.get(&path).await }
    };
    let (_, one) = search(r"(Last_Name:equals:O\(ne\)\, Two)").await;
    assert_eq!(one["info"]["count"], 1);
    let (_, chiefs) = search("((Title:equals:CEO)or(Title:equals:CFO))").await;
    let titles = chiefs["data"].as_array().unwrap().iter().map(|row| row["Title"].as_str().unwrap());
    assert!(titles.clone().count() > 1 && titles.into_iter().all(|title| title == "CEO" || title == "CFO"));
    let (_, both) = search("((Title:equals:CEO)and(Last_Name:starts_with:O\\(n))").await;
    assert_eq!(both["info"]["count"], 1);
    assert_eq!(search("(Title:equals:Nobody)").await.0, 204);
    for bad in ["Title:equals:CEO", "(Title:like:CEO)", "(No_Such:equals:1)", "((Title:equals:CEO)", "(Title:equals)"] {
        let (status, body) = search(bad).await;
        assert_eq!((status.as_u16(), body["code"].as_str()), (400, Some("INVALID_QUERY")), "{bad}");
    }
    let (status, body) = org.get("/Contacts/search?word=ab&page=11").await;
    assert_eq!((status.as_u16(), body["code"].as_str()), (400, Some("LIMIT_REACHED")));
    assert_eq!(org.get("/Contacts/actions/count").await.1["count"], 41);
}

#[tokio::test]
async fn related_lists_hold_what_points_at_a_record() {
    let org = Org::with(40).await;
    let account = org.first("Accounts", 1, "Account_Name").await[0]["id"].as_str().unwrap().to_owned();
    let (_, staff) = org.get(&format!("/Accounts/{account}/Contacts?fields=Email,Account_Name&per_page=3")).await;
    assert_eq!(staff["data"][0]["Account_Name"]["id"], account.as_str());
    assert_eq!((staff["info"]["count"].as_u64(), staff["info"]["more_records"].as_bool()), (Some(3), Some(true)));
    let next = staff["info"]["next_page_token"].as_str().unwrap();
    let path = format!("/Accounts/{account}/Contacts?fields=Email,Account_Name&per_page=3&page_token={next}");
    let (_, more) = org.get(&path).await;
    assert!(ids(&more).iter().all(|id| !ids(&staff).contains(id)));
    let contact = ids(&staff).remove(0);
    let (status, body) = org.get(&format!("/Contacts/{contact}/Deals")).await;
    assert_eq!((status.as_u16(), body["code"].as_str()), (400, Some("REQUIRED_PARAM_MISSING")));
    assert_eq!(org.get(&format!("/Contacts/{contact}/Calls?fields=Subject")).await.0, 204);
    let (_, lists) = org.get("/settings/related_lists?module=Contacts").await;
    assert!(lists["related_lists"].as_array().unwrap().iter().any(|list| list["api_name"] == "Deals"));

    let deal = org.first("Deals", 1, "Contact_Name").await.remove(0);
    let deal_id = deal["id"].as_str().unwrap();
    let other = org
        .first("Contacts", 10, "Email")
        .await
        .iter()
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .find(|id| *id != deal["Contact_Name"]["id"].as_str().unwrap())
        .unwrap();
    org.rep("associate", json!({ "from": "deals", "from_id": deal_id, "to": "contacts", "to_id": other })).await;
    let (_, roles) = org.get(&format!("/Deals/{deal_id}/Contact_Roles?fields=Email")).await;
    assert_eq!(ids(&roles), [deal["Contact_Name"]["id"].as_str().unwrap(), &other]);
    let (_, deals) = org.get(&format!("/Contacts/{other}/Deals?fields=Deal_Name")).await;
    assert!(ids(&deals).contains(&deal_id.to_owned()));
}

#[tokio::test]
async fn notes_and_activities_know_what_they_hang_on() {
    let org = Org::with(4).await;
    let contact = org.first("Contacts", 1, "Account_Name").await.remove(0);
    let id = contact["id"].as_str().unwrap();
    let note = json!({ "data": [{ "Note_Title": "Called", "Note_Content": "Wants a quote" }] });
    assert_eq!(org.post(&format!("/Contacts/{id}/Notes"), note).await.0, 201);
    let other =
        json!({ "data": [{ "Note_Content": "x", "Parent_Id": { "module": { "api_name": "Contacts" }, "id": id } }] });
    assert_eq!(org.post("/Notes", other).await.0, 201);
    let (_, notes) = org.get(&format!("/Contacts/{id}/Notes?fields=Note_Title,Parent_Id")).await;
    assert_eq!(notes["info"]["count"], 2);
    assert_eq!(notes["data"][0]["Parent_Id"]["module"]["api_name"], "Contacts");
    let account = contact["Account_Name"]["id"].as_str().unwrap();
    let tasks = json!({ "data": [
        { "Subject": "Call", "Who_Id": { "id": id }, "What_Id": { "id": account }, "$se_module": "Accounts" },
        { "Subject": "Call", "What_Id": { "id": account } },
        { "Who_Id": { "id": id } },
    ] });
    let (status, body) = org.post("/Tasks", tasks).await;
    assert_eq!(status, 207);
    assert_eq!(body["data"][1]["code"], "DEPENDENT_FIELD_MISSING");
    assert_eq!(body["data"][2]["code"], "MANDATORY_NOT_FOUND");
    let made = org.whole("Tasks", body["data"][0]["details"]["id"].as_str().unwrap()).await;
    assert_eq!((made["$se_module"].as_str(), made["Status"].as_str()), (Some("Accounts"), Some("Not Started")));
    let call = json!({ "data": [{ "Subject": "x", "Call_Type": "Inbound", "Call_Start_Time": "2026-01-05T10:00:00+00:00",
                                  "Call_Duration": "00:00" }] });
    assert_eq!(org.post("/Calls", call).await.1["data"][0]["details"]["api_name"], "Call_Duration");
}

fn url_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
