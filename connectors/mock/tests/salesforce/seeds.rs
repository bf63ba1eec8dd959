//! An org that begins with a CRM export.

use std::fs;

use mock_crm::{Options, hubspot, salesforce};
use serde_json::Value;

use crate::exports;
use crate::org::{Org, nth};

#[tokio::test]
async fn a_small_export_keeps_its_oddities() {
    let folder = exports::small(2, 4);
    let org = Org::start(Options { seed_dir: Some(folder.path().to_path_buf()), ..Options::default() }).await;
    let account = org.read("Account", &nth("001", 0)).await;
    assert_eq!(
        (account["Name"].as_str(), account["AnnualRevenue"].as_f64()),
        (Some("Quill & Sons"), Some(1_500_000.0))
    );
    assert_eq!(
        (account["Website"].as_str(), account["Industry"].as_str()),
        (Some("quillsons.example"), Some("technolgy"))
    );
    assert_eq!(org.read("Account", &nth("001", 1)).await["ParentId"], account["Id"]);
    let won = org.read("Opportunity", &nth("006", 0)).await;
    assert_eq!((won["IsWon"].as_bool(), won["StageName"].as_str()), (Some(true), Some("Closed Won")));
    assert_eq!((won["CloseDate"].as_str(), won["Amount"].as_f64()), (Some("2017-03-01"), Some(100.0)));
    assert_eq!(won["CreatedDate"], "2016-10-20T00:00:00.000+0000");
    assert_eq!(won["SystemModstamp"], "2017-03-01T00:00:00.000+0000");
    assert_eq!((won["AccountId"].clone(), won["Product__c"].as_str()), (account["Id"].clone(), Some("Pro")));
    assert_eq!(org.read("User", won["OwnerId"].as_str().unwrap()).await["Email"], "iris.vale@seller.example");
    let role = org.read("OpportunityContactRole", &nth("00K", 0)).await;
    assert_eq!(role["OpportunityId"], won["Id"]);

    let open = org.read("Opportunity", &nth("006", 1)).await;
    assert_eq!((open["IsClosed"].as_bool(), open["StageName"].as_str()), (Some(false), Some("Engaging")));
    assert!(open["AccountId"].is_null() && open["Amount"].is_null() && open["CloseDate"].is_string());
    let strange = org.read("Opportunity", &nth("006", 2)).await;
    assert_eq!(strange["OwnerId"], "005xx000001SwiUAAS", "an agent nobody knows");
    let lost = org.read("Opportunity", &nth("006", 3)).await;
    assert_eq!((lost["IsClosed"].as_bool(), lost["IsWon"].as_bool()), (Some(true), Some(false)));
    assert!(org.lines("ledger", 0).await.is_empty(), "it was always there");

    fs::write(folder.path().join("sales_pipeline.csv"), "opportunity_id,deal_stage,engage_date\nA1,Won,2016/10/20\n")
        .unwrap();
    let bad = Options { seed_dir: Some(folder.path().to_path_buf()), ..Options::default() };
    let why = salesforce::serve(bad).await.err().unwrap().to_string();
    assert!(why.contains("sales_pipeline.csv") && why.contains("line 2"), "{why}");
}

#[tokio::test]
async fn both_mocks_read_the_same_people_out_of_an_export() {
    let folder = exports::small(2, 4);
    let options = || Options { seed_dir: Some(folder.path().to_path_buf()), ..Options::default() };
    let (org, portal) = (Org::start(options()).await, hubspot::serve(options()).await.unwrap());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/crm/v3/objects/contacts?limit=10&properties=email,jobtitle", portal.url());
    let page: Value = http.get(url).bearer_auth("mock-token").send().await.unwrap().json().await.unwrap();
    let theirs = page["results"].as_array().unwrap();
    assert_eq!(theirs.len(), 6);
    for (at, contact) in theirs.iter().enumerate() {
        let ours = org.read("Contact", &nth("003", u8::try_from(at).unwrap())).await;
        assert_eq!(
            (&contact["properties"]["email"], &contact["properties"]["jobtitle"]),
            (&ours["Email"], &ours["Title"])
        );
    }
}

#[tokio::test]
async fn the_whole_export_loads() {
    let Some(folder) = exports::shared() else { return };
    let org = Org::start(Options { seed_dir: Some(folder), ..Options::default() }).await;
    for (soql, count) in [
        ("Account", 85),
        ("Contact", 255),
        ("Opportunity", 8_800),
        ("Opportunity WHERE StageName = 'Closed Won' AND IsWon = TRUE", 4_238),
        ("Opportunity WHERE StageName = 'Closed Lost' AND IsClosed = TRUE", 2_473),
        ("Opportunity WHERE StageName = 'Engaging' AND IsClosed = FALSE", 1_589),
        ("Opportunity WHERE StageName = 'Prospecting'", 500),
        ("Opportunity WHERE AccountId = NULL", 1_425),
        ("OpportunityContactRole WHERE IsPrimary = TRUE", 7_375),
        ("User WHERE Username LIKE '%@seller.example'", 35),
    ] {
        let (_, page) = org.get(&query(&format!("SELECT COUNT() FROM {soql}"))).await;
        assert_eq!(page["totalSize"], count, "{soql}: {page}");
    }
    let (_, page) = org.get(&query("SELECT SUM(Amount) total FROM Opportunity")).await;
    assert_eq!(page["records"][0]["total"].as_f64(), Some(10_005_534.0));
}

fn query(soql: &str) -> String {
    format!("query?{}", url_encoded(soql))
}

fn url_encoded(soql: &str) -> String {
    reqwest::Url::parse_with_params("http://mock.example/", [("q", soql)]).unwrap().query().unwrap().to_owned()
}
