//! Change tracking: the first scan, what a delta brings, and tokens that are no good any more.

use serde_json::{Value, json};

use crate::org::{Org, code, id, message};

const TRACK: &str = "odata.track-changes,odata.maxpagesize=20";

/// Scans to the delta link; returns the rows and the link.
async fn scan(org: &Org, path: &str) -> (Vec<Value>, String) {
    let (mut rows, mut next) = (Vec::new(), path.to_owned());
    loop {
        let (status, body) = org.prefer(&next, TRACK).await;
        assert_eq!(status, 200, "{body}");
        rows.extend(body["value"].as_array().unwrap().clone());
        match (body["@odata.nextLink"].as_str(), body["@odata.deltaLink"].as_str()) {
            (Some(link), None) => next = link.to_owned(),
            (None, Some(link)) => return (rows, link.to_owned()),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_delta_brings_what_changed_and_what_is_gone() {
    let org = Org::with(50).await;
    let (rows, link) = scan(&org, "contacts?$select=fullname,emailaddress1").await;
    assert_eq!(rows.len(), 50);
    assert!(link.contains("contacts?$select=fullname,emailaddress1&$deltatoken="), "{link}");
    let (nothing, link) = scan(&org, &link).await;
    assert_eq!(nothing, Vec::<Value>::new());
    org.rep("edit", json!({ "object": "contact", "id": id('c', 3), "properties": { "firstname": "Changed" } })).await;
    org.rep("edit", json!({ "object": "contact", "id": id('c', 3), "properties": { "firstname": "Twice" } })).await;
    org.rep("delete", json!({ "object": "contact", "id": id('c', 4) })).await;
    let made = org.create("contacts", json!({ "lastname": "New" })).await;
    let brief = org.create("contacts", json!({ "lastname": "Brief" })).await;
    assert_eq!(org.delete(&format!("contacts({brief})")).await.0, 204);
    let (_, body) = org.get(&link).await;
    assert!(body["@odata.context"].as_str().unwrap().ends_with("#contacts(fullname,emailaddress1)/$delta"));
    let changes = body["value"].as_array().unwrap();
    let ids: Vec<_> = changes.iter().filter_map(|row| row["contactid"].as_str()).collect();
    assert_eq!(ids, [id('c', 3).as_str(), made.as_str()]);
    assert_eq!(changes[0]["fullname"].as_str().unwrap().split(' ').next(), Some("Twice"));
    let gone: Vec<_> = changes.iter().filter_map(|row| row["reason"].as_str().map(|_| row["id"].clone())).collect();
    assert_eq!(gone, [json!(id('c', 4)), json!(brief)], "tombstones come last, of rows nobody saw as well");
    let count = org.get(&link.replace("contacts?", "contacts/$count?")).await.1;
    assert_eq!(count, 4);
    assert_eq!(scan(&org, body["@odata.deltaLink"].as_str().unwrap()).await.0.len(), 0);
}

#[tokio::test]
async fn what_changes_while_a_scan_runs_comes_again() {
    let org = Org::with(50).await;
    let (_, first) = org.prefer("contacts?$select=jobtitle", TRACK).await;
    org.rep("edit", json!({ "object": "contact", "id": id('c', 1), "properties": { "jobtitle": "Changed" } })).await;
    let (_, link) = scan(&org, first["@odata.nextLink"].as_str().unwrap()).await;
    let (rows, _) = scan(&org, &link).await;
    assert_eq!((rows.len(), &rows[0]["jobtitle"]), (1, &json!("Changed")));
}

#[tokio::test]
async fn a_delta_pages_and_waits_for_what_is_not_visible_yet() {
    let org = Org::with(50).await;
    let (_, link) = scan(&org, "contacts?$select=jobtitle").await;
    org.rep("edit", json!({ "object": "contact", "first": 45, "properties": { "jobtitle": "All" } })).await;
    let (rows, link) = scan(&org, &link).await;
    assert_eq!(rows.len(), 45);
    let late = json!({ "object": "contact", "id": id('c', 49), "properties": { "jobtitle": "Late" }, "visible_in_ms": 60_000 });
    org.rep("edit", late).await;
    org.rep("edit", json!({ "object": "contact", "id": id('c', 0), "properties": { "jobtitle": "Soon" } })).await;
    let (rows, link) = scan(&org, &link).await;
    assert_eq!(rows.len(), 1);
    org.config(json!({ "clock_offset_s": 61 })).await;
    let (rows, _) = scan(&org, &link).await;
    assert!(rows.iter().any(|row| row["jobtitle"] == "Late"), "{rows:?}");
}

#[tokio::test]
async fn tokens_expire_and_options_do_not_go_together() {
    let org = Org::knobs(5, json!({ "token_ttl_s": 10_000_000 })).await;
    let (_, link) = scan(&org, "contacts?$select=fullname").await;
    for (path, name) in [
        ("contacts?$filter=statecode%20eq%200", "$filter"),
        ("contacts?$orderby=fullname", "$orderby"),
        ("contacts?$top=3", "$top"),
        ("contacts?$expand=parentcustomerid_account", "$expand"),
    ] {
        let (status, body) = org.prefer(path, TRACK).await;
        assert_eq!(status, 400);
        assert_eq!(
            message(&body),
            format!("The \"{name}\" query parameter isn't supported when Change Tracking is enabled.")
        );
    }
    assert_eq!(org.prefer("systemusers", TRACK).await.0, 400, "not every table is tracked");
    let (status, _) = org.get(&link.replace("deltatoken=", "deltatoken=x")).await;
    assert_eq!(status, 400);
    org.config(json!({ "clock_offset_s": 8 * 86_400 })).await;
    let (status, body) = org.get(&link).await;
    assert_eq!((status.as_u16(), code(&body)), (400, "0x80044352"));
    let (_, link) = scan(&org, "contacts?$select=fullname").await;
    org.rep("purge-deleted", json!({ "object": "contacts" })).await;
    assert_eq!(code(&org.get(&link).await.1), "0x80044352");
    let (_, link) = scan(&org, "contacts?$select=fullname").await;
    assert_eq!(org.get(&link).await.0, 200, "a new scan is good again");
    org.config(json!({ "org_level_read": false })).await;
    assert_eq!(code(&org.get(&link).await.1), "0x80040220");
}
