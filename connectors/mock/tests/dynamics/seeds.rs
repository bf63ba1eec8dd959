//! Who an org begins with: generated people, or a CRM export; and what a person sees of them.

use mock_crm::{Options, hubspot};
use reqwest::Method;
use serde_json::{Value, json};

use crate::exports;
use crate::org::{Org, id};

#[tokio::test]
async fn two_mocks_of_one_seed_hold_the_same_people() {
    let options = || Options { records: Some(9), seed: 7, ..Options::default() };
    let (org, portal) = (Org::start(options()).await, hubspot::serve(options()).await.unwrap());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/crm/v3/objects/contacts?limit=9&properties=email,firstname,jobtitle,company", portal.url());
    let page: Value = http.get(url).bearer_auth("mock-token").send().await.unwrap().json().await.unwrap();
    let ours = org
        .rows("contacts?$select=emailaddress1,firstname,jobtitle&$expand=parentcustomerid_account($select=name)")
        .await;
    assert_eq!(ours.len(), 9);
    for (theirs, ours) in page["results"].as_array().unwrap().iter().zip(&ours) {
        let theirs = &theirs["properties"];
        assert_eq!((&theirs["email"], &theirs["firstname"]), (&ours["emailaddress1"], &ours["firstname"]));
        assert_eq!(
            (&theirs["jobtitle"], &theirs["company"]),
            (&ours["jobtitle"], &ours["parentcustomerid_account"]["name"])
        );
    }
}

#[tokio::test]
async fn a_million_people_cost_no_more_than_a_few() {
    let org = Org::with(1_000_000).await;
    let (_, page) =
        org.prefer("contacts?$select=emailaddress1&$orderby=modifiedon asc,contactid asc", "odata.maxpagesize=3").await;
    assert_eq!(page["value"].as_array().unwrap().len(), 3);
    let last = org.read("contacts", &id('c', 999_999)).await;
    let filter =
        format!("contacts?$select=fullname&$filter=emailaddress1 eq '{}'", last["emailaddress1"].as_str().unwrap());
    assert_eq!(org.rows(&filter).await[0]["contactid"], id('c', 999_999));
}

#[tokio::test]
async fn a_small_export_keeps_its_oddities() {
    let folder = exports::small(2, 2);
    let org = Org::start(Options { seed_dir: Some(folder.path().to_path_buf()), ..Options::default() }).await;
    let accounts = org.rows("accounts?$select=name,revenue,websiteurl,new_sector,_parentaccountid_value").await;
    assert_eq!((&accounts[0]["name"], accounts[0]["revenue"].as_f64()), (&json!("Quill & Sons"), Some(1_500_000.0)));
    assert_eq!(accounts[1]["_parentaccountid_value"], accounts[0]["accountid"]);
    assert_eq!(org.rows("contacts?$select=fullname").await.len(), 6);
    let deals = org.rows("opportunities?$orderby=name desc,opportunityid").await;
    let won = deals.iter().find(|deal| deal["statecode"] == 1).unwrap();
    assert_eq!((&won["actualclosedate"], won["actualvalue"].as_f64()), (&json!("2017-03-01"), Some(100.0)));
    assert_eq!(
        (&won["createdon"], &won["modifiedon"]),
        (&json!("2016-10-20T00:00:00Z"), &json!("2017-03-01T00:00:00Z"))
    );
    assert_eq!(won["_parentaccountid_value"], accounts[0]["accountid"]);
    assert!(won["_parentcontactid_value"].is_string());
    let owner = org.read("systemusers", won["_ownerid_value"].as_str().unwrap()).await;
    assert_eq!(owner["internalemailaddress"], "iris.vale@seller.example");
    assert!(org.lines("ledger", 0).await.is_empty(), "it was always there");
}

#[tokio::test]
async fn the_whole_export_loads() {
    let Some(folder) = exports::shared() else { return };
    let org = Org::start(Options { seed_dir: Some(folder), ..Options::default() }).await;
    for (set, filter, count) in [
        ("accounts", "accountid ne null", 85),
        ("contacts", "statecode eq 0", 255),
        ("opportunities", "statecode eq 1", 4_238),
        ("opportunities", "statecode eq 2", 2_473),
        ("opportunities", "statecode eq 0", 2_089),
        ("opportunities", "_parentaccountid_value eq null", 1_425),
        ("systemusers", "endswith(internalemailaddress,'@seller.example')", 35),
    ] {
        assert_eq!(org.get(&format!("{set}/$count?$filter={filter}")).await.1, count, "{set} {filter}");
    }
}

#[tokio::test]
async fn a_person_finds_a_row_and_sees_what_was_written() {
    let org = Org::with(60).await;
    let column = json!({ "name": "new_cdp_score", "label": "Lead score", "type": "int" });
    org.rep("property", json!({ "object": "contact", "create": column })).await;
    let path = format!("contacts({})", id('c', 0));
    assert_eq!(org.change(&path, json!({ "new_cdp_score": 87, "address1_city": "<b>Bergen</b>" })).await.0, 204);
    let page = async |path: String| {
        let answer = org.request(Method::GET, &path).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, list) = page("/".to_owned()).await;
    assert_eq!(status, 200);
    assert!(list.contains(&format!("/app/contact/{}", id('c', 0))) && list.contains("Next 25"));
    for table in ["account", "opportunity", "lead", "task", "systemuser"] {
        assert!(page(format!("/app/{table}")).await.1.contains(&format!("/app/{table}/")), "{table}");
    }
    let (status, record) = page(format!("/app/contact/{}", id('c', 0))).await;
    assert_eq!(status, 200);
    let (enriched, plain) = record.split_once("About this contact").unwrap();
    assert!(enriched.contains("Lead score") && enriched.contains("87"));
    assert!(
        plain.contains("&lt;b&gt;Bergen&lt;/b&gt;")
            && plain.contains("/app/account/")
            && plain.contains("update by api")
    );
    assert_eq!(page(format!("/main.aspx?etn=contact&pagetype=entityrecord&id={}", id('c', 0))).await.1, record);
    assert_eq!(page(format!("/app/contact/{}", id('c', 99))).await.0, 404);
}
