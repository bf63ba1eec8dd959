//! An org that begins with a CRM export, and one that shares its people with the other mocks.

use std::fs;

use mock_crm::{Options, hubspot, zoho};
use serde_json::Value;

use crate::exports;
use crate::org::Org;

#[tokio::test]
async fn a_small_export_keeps_its_oddities() {
    let folder = exports::small(2, 3);
    let options = || Options { seed_dir: Some(folder.path().to_path_buf()), ..Options::default() };
    let org = Org::start(options()).await;
    let accounts =
        org.first("Accounts", 5, "Account_Name,Website,Industry,Annual_Revenue,Parent_Account,Founded").await;
    assert_eq!(
        (accounts[0]["Account_Name"].as_str(), accounts[0]["Annual_Revenue"].as_f64()),
        (Some("Quill & Sons"), Some(1_500_000.0))
    );
    assert_eq!(
        (accounts[0]["Website"].as_str(), accounts[0]["Industry"].as_str()),
        (Some("quillsons.example"), Some("technolgy"))
    );
    assert_eq!(accounts[1]["Parent_Account"]["id"], accounts[0]["id"]);
    let deals =
        org.first("Deals", 5, "Stage,Amount,Closing_Date,Owner,Account_Name,Contact_Name,Modified_Time,Product").await;
    assert_eq!(
        (deals[0]["Stage"].as_str(), deals[0]["Amount"].as_f64(), deals[0]["Closing_Date"].as_str()),
        (Some("Won"), Some(100.0), Some("2017-03-01"))
    );
    assert_eq!(
        (deals[0]["Owner"]["email"].as_str(), deals[0]["Product"].as_str()),
        (Some("iris.vale@seller.example"), Some("Pro"))
    );
    assert_eq!(deals[0]["Modified_Time"], "2017-03-01T01:00:00+01:00");
    assert!(deals[0]["Contact_Name"]["id"].is_string());
    assert!(deals[1]["Account_Name"].is_null() && deals[1]["Amount"].is_null() && deals[1]["Closing_Date"].is_null());
    assert_eq!(deals[2]["Owner"]["name"], "CDP Sync", "an agent nobody knows");
    let (_, layouts) = org.get("/settings/layouts?module=Deals").await;
    let (_, body) =
        org.get(&format!("/settings/pipeline?layout_id={}", layouts["layouts"][0]["id"].as_str().unwrap())).await;
    let won = body["pipeline"][0]["maps"]
        .as_array()
        .unwrap()
        .iter()
        .find(|map| map["forecast_type"] == "Closed Won")
        .unwrap();
    assert_eq!(won["actual_value"], "Won");
    assert!(org.lines("ledger", 0).await.is_empty(), "it was always there");

    fs::write(folder.path().join("sales_pipeline.csv"), "opportunity_id,deal_stage,engage_date\nA1,Won,2016/10/20\n")
        .unwrap();
    let why = zoho::serve(options()).await.err().unwrap().to_string();
    assert!(why.contains("sales_pipeline.csv") && why.contains("line 2"), "{why}");
}

#[tokio::test]
async fn the_shared_export_is_whole() {
    let Some(folder) = exports::shared() else { return };
    let org = Org::start(Options { seed_dir: Some(folder), ..Options::default() }).await;
    for (module, count) in [("Accounts", 85), ("Contacts", 255), ("Deals", 8_800)] {
        assert_eq!(org.get(&format!("/{module}/actions/count")).await.1["count"], count, "{module}");
    }
    let (_, won) = org.post("/coql", serde_json::json!({ "select_query": "select COUNT(id) as n, SUM(Amount) as sum from Deals where Stage = 'Won'" })).await;
    assert_eq!((won["data"][0]["n"].as_u64(), won["data"][0]["sum"].as_f64()), (Some(4_238), Some(10_005_534.0)));
}

#[tokio::test]
async fn the_same_seed_makes_the_same_people_as_in_the_other_mocks() {
    let options = || Options { records: Some(40), seed: 9, ..Options::default() };
    let org = Org::start(options()).await;
    let other = hubspot::serve(options()).await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/crm/v3/objects/contacts?limit=100&properties=email,firstname,lastname,company", other.url());
    let text = http.get(url).bearer_auth("mock-token").send().await.unwrap().text().await.unwrap();
    let theirs: Value = serde_json::from_str(&text).unwrap();
    let theirs = theirs["results"].as_array().unwrap().iter().map(|row| {
        let own = &row["properties"];
        [own["email"].clone(), own["firstname"].clone(), own["lastname"].clone(), own["company"].clone()]
    });
    let ours = org.first("Contacts", 200, "Email,First_Name,Last_Name,Account_Name").await;
    let ours = ours.iter().map(|row| {
        [row["Email"].clone(), row["First_Name"].clone(), row["Last_Name"].clone(), row["Account_Name"]["name"].clone()]
    });
    assert!(ours.eq(theirs));
}
