//! What a portal starts with: generated people, or a CRM export.

use std::fs;
use std::path::PathBuf;

use mock_crm::Options;
use serde_json::{Value, json};

use crate::exports;
use crate::portal::{CONTACTS, Portal, ids};

async fn seeded(folder: PathBuf) -> Portal {
    let Value::Object(config) = json!({ "rate_limits": false, "search_lag_ms": 0 }) else { panic!("an object") };
    Portal::start(Options { seed_dir: Some(folder), config, ..Options::default() }).await
}

async fn total(portal: &Portal, kind: &str, filters: Value) -> u64 {
    let body = json!({ "filterGroups": [{ "filters": filters }], "limit": 1 });
    let (status, page) = portal.post(&format!("/crm/v3/objects/{kind}/search"), body).await;
    assert_eq!(status, 200, "{page}");
    page["total"].as_u64().unwrap()
}

async fn stage_id(portal: &Portal, label: &str) -> String {
    let (_, pipelines) = portal.get("/crm/v3/pipelines/deals").await;
    let stages = pipelines["results"][0]["stages"].as_array().unwrap();
    let labels: Vec<&str> = stages.iter().map(|stage| stage["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["Prospecting", "Engaging", "Won", "Lost"]);
    stages.iter().find(|stage| stage["label"] == label).unwrap()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_same_seed_makes_the_same_portal() {
    let (first, second) = (Portal::with(1_000).await, Portal::with(1_000).await);
    let path =
        format!("{CONTACTS}?limit=100&after=10000000501&properties=email,jobtitle,lifecyclestage&associations=deals");
    let strip = |page: Value, portal: &Portal| page.to_string().replace(portal.mock.url(), "");
    let (a, b) = (first.get(&path).await.1, second.get(&path).await.1);
    assert_eq!(ids(&a).len(), 100);
    assert_eq!(strip(a, &first), strip(b, &second));
    for (kind, count) in [("companies", 125), ("deals", 200)] {
        assert_eq!(first.post(&format!("/crm/v3/objects/{kind}/search"), json!({})).await.1["total"], count);
    }
}

#[tokio::test]
async fn an_export_loads_whole() {
    let Some(folder) = exports::shared() else { return };
    let portal = seeded(folder).await;
    for (kind, count) in [("companies", 85), ("contacts", 255), ("deals", 8_800)] {
        let (_, page) = portal.post(&format!("/crm/v3/objects/{kind}/search"), json!({ "limit": 1 })).await;
        assert_eq!(page["total"], count, "{kind}");
    }
    for (label, count) in [("Won", 4_238), ("Lost", 2_473), ("Engaging", 1_589), ("Prospecting", 500)] {
        let id = stage_id(&portal, label).await;
        let in_stage = json!([{ "propertyName": "dealstage", "operator": "EQ", "value": id }]);
        assert_eq!(total(&portal, "deals", in_stage).await, count, "{label}");
    }
    let won = json!([{ "propertyName": "hs_is_closed_won", "operator": "EQ", "value": "true" }]);
    assert_eq!(total(&portal, "deals", won).await, 4_238);
    let dated = json!([{ "propertyName": "closedate", "operator": "HAS_PROPERTY" }]);
    assert_eq!(total(&portal, "deals", dated).await, 6_711, "open deals keep no close date");

    let (mut sum, mut loose, mut after) = (0, 0, String::new());
    loop {
        let path =
            format!("/crm/v3/objects/deals?limit=100&properties=amount&associations=companies,contacts&after={after}");
        let (_, page) = portal.get(&path).await;
        for deal in page["results"].as_array().unwrap() {
            sum += deal["properties"]["amount"].as_str().map_or(0, |text| text.parse::<u64>().unwrap());
            loose += u64::from(deal.get("associations").is_none());
        }
        let Some(next) = page["paging"]["next"]["after"].as_str() else { break };
        after = next.to_owned();
    }
    assert_eq!((sum, loose), (10_005_534, 1_425));
    let (_, owners) = portal.get("/crm/v3/owners?limit=500").await;
    assert_eq!(owners["results"].as_array().unwrap().len(), 35);
}

#[tokio::test]
async fn a_small_export_keeps_its_oddities() {
    let folder = exports::small(1, 3);
    let portal = seeded(folder.path().to_path_buf()).await;
    let (_, deals) = portal
        .get(
            "/crm/v3/objects/deals?properties=dealname,closedate,product,hs_is_closed_won,amount&associations=contacts",
        )
        .await;
    let rows = deals["results"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0]["properties"]["closedate"], "2017-03-01T00:00:00.000Z");
    assert_eq!(rows[0]["properties"]["hs_is_closed_won"], "true");
    assert!(rows[0]["associations"]["contacts"].is_object());
    assert!(rows[1]["properties"]["closedate"].is_null() && rows[1].get("associations").is_none());
    let (_, companies) = portal.get("/crm/v3/objects/companies?properties=domain,annualrevenue,sector").await;
    let company = &companies["results"][0]["properties"];
    assert_eq!(
        (company["domain"].as_str(), company["annualrevenue"].as_str()),
        (Some("quillsons.example"), Some("1500000"))
    );
    assert_eq!(portal.contacts(10).await.len(), 3);

    fs::write(folder.path().join("sales_pipeline.csv"), "opportunity_id,deal_stage,engage_date\nA1,Won,2016/10/20\n")
        .unwrap();
    let bad = Options { seed_dir: Some(folder.path().to_path_buf()), ..Options::default() };
    let why = mock_crm::hubspot::serve(bad).await.err().unwrap().to_string();
    assert!(why.contains("sales_pipeline.csv") && why.contains("line 2"), "{why}");
}
