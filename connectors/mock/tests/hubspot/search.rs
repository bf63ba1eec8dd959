//! Search: operators, the cap, equal stamps, the lagging index.

use serde_json::{Value, json};

use crate::portal::{CONTACTS, Portal, ids};

const SEARCH: &str = "/crm/objects/2026-09/contacts/search";

fn filtered(filters: Value) -> Value {
    json!({ "filterGroups": [{ "filters": filters }], "limit": 200 })
}

async fn emails(portal: &Portal, filters: Value) -> Vec<String> {
    let (status, page) = portal.post(SEARCH, filtered(filters)).await;
    assert_eq!(status, 200, "{page}");
    let mut all: Vec<String> = page["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["properties"]["email"].as_str().unwrap_or("none").split('@').next().unwrap().to_owned())
        .collect();
    all.sort();
    all
}

#[tokio::test]
async fn every_operator_does_what_the_vendor_says() {
    let portal = Portal::with(0).await;
    for (name, city, created) in [("ann", "Oslo", 1), ("bob", "bergen", 2), ("cid", "", 3)] {
        portal.config(json!({ "frozen_at": format!("2026-01-0{created}T00:00:00Z") })).await;
        let properties = json!({ "email": format!("{name}@firm.example"), "city": city, "firstname": name });
        portal.post(CONTACTS, json!({ "properties": properties })).await;
    }
    let city = |operator: &str, value: &str| json!([{ "propertyName": "city", "operator": operator, "value": value }]);
    assert_eq!(emails(&portal, city("EQ", "OSLO")).await, ["ann"]);
    assert_eq!(emails(&portal, city("NEQ", "oslo")).await, ["bob", "cid"], "no value differs from every value");
    assert_eq!(emails(&portal, city("HAS_PROPERTY", "")).await, ["ann", "bob"]);
    assert_eq!(emails(&portal, city("NOT_HAS_PROPERTY", "")).await, ["cid"]);
    assert_eq!(emails(&portal, city("CONTAINS_TOKEN", "ber*")).await, ["bob"]);
    assert_eq!(emails(&portal, city("NOT_CONTAINS_TOKEN", "ber*")).await, ["ann", "cid"]);
    assert_eq!(emails(&portal, city("LT", "c")).await, ["bob"]);
    let listed =
        |operator: &str, values: Value| json!([{ "propertyName": "city", "operator": operator, "values": values }]);
    assert_eq!(emails(&portal, listed("IN", json!(["oslo"]))).await, ["ann"]);
    assert!(emails(&portal, listed("IN", json!(["Oslo"]))).await.is_empty(), "IN wants lower case");
    assert_eq!(emails(&portal, listed("NOT_IN", json!(["oslo"]))).await, ["bob", "cid"]);
    let created = |operator: &str, value: &str, high: &str| json!([{ "propertyName": "createdate", "operator": operator, "value": value, "highValue": high }]);
    assert_eq!(emails(&portal, created("GTE", "2026-01-02T00:00:00Z", "")).await, ["bob", "cid"]);
    assert_eq!(emails(&portal, created("GT", "1767312000000", "")).await, ["cid"]);
    assert_eq!(emails(&portal, created("LTE", "2026-01-01", "")).await, ["ann"]);
    assert_eq!(emails(&portal, created("BETWEEN", "2026-01-02", "2026-01-02")).await, ["bob"]);
    let stage = |value: &str| json!([{ "propertyName": "lifecyclestage", "operator": "EQ", "value": value }]);
    assert_eq!(emails(&portal, stage("lead")).await.len(), 3);
    assert!(emails(&portal, stage("Lead")).await.is_empty(), "enumerations compare with case");
    let stamp = json!([{ "propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": "0" }]);
    assert!(emails(&portal, stamp).await.is_empty(), "the wrong stamp finds nobody and no error");

    let either = json!({ "filterGroups": [
        { "filters": city("EQ", "oslo") }, { "filters": stage("nobody") }, { "filters": city("EQ", "bergen") } ] });
    assert_eq!(portal.post(SEARCH, either).await.1["total"], 2);
    assert_eq!(portal.post(SEARCH, json!({ "query": "BOB" })).await.1["total"], 1);
    assert_eq!(portal.post(SEARCH, json!({})).await.1["total"], 3);
    let (_, newest) = portal.post(SEARCH, json!({ "sorts": ["-createdate"], "limit": 1 })).await;
    assert_eq!(newest["results"][0]["properties"]["firstname"], "cid");
}

#[tokio::test]
async fn what_search_refuses() {
    let portal = Portal::with(1).await;
    let filter = json!({ "propertyName": "city", "operator": "EQ", "value": "x" });
    let group = |count: usize| json!({ "filters": vec![filter.clone(); count] });
    for body in [
        json!({ "limit": 201 }),
        json!({ "after": "9901", "limit": 100 }),
        json!({ "filterGroups": vec![group(1); 6] }),
        json!({ "filterGroups": [group(7)] }),
        json!({ "filterGroups": vec![group(5); 4] }),
        json!({ "sorts": ["city", "email"] }),
        filtered(json!([{ "propertyName": "no_such", "operator": "EQ", "value": "1" }])),
        filtered(json!([{ "propertyName": "city", "operator": "LIKE", "value": "1" }])),
        json!({ "properties": vec!["a_rather_long_property_name"; 120] }),
    ] {
        let (status, answer) = portal.post(SEARCH, body.clone()).await;
        assert_eq!((status.as_u16(), answer["category"].as_str()), (400, Some("VALIDATION_ERROR")), "{body}");
    }
}

#[tokio::test]
async fn equal_stamps_beyond_the_cap_are_read_by_id() {
    let portal = Portal::with(10_450).await;
    portal.config(json!({ "equal_stamps": true })).await;
    let (mut last, mut seen, mut calls) = (String::from("0"), 0, 0);
    loop {
        let mut after = 0;
        let mut window_total = 0;
        while after < 10_000 {
            let body = json!({
                "filterGroups": [{ "filters": [
                    { "propertyName": "lastmodifieddate", "operator": "GTE", "value": "1600000000000" },
                    { "propertyName": "hs_object_id", "operator": "GT", "value": last } ] }],
                "sorts": [{ "propertyName": "hs_object_id", "direction": "ASCENDING" }], "limit": 200, "after": after,
            });
            let (status, page) = portal.post(SEARCH, body).await;
            assert_eq!(status, 200);
            if after == 0 {
                window_total = page["total"].as_u64().unwrap();
            }
            calls += 1;
            seen += ids(&page).len();
            if page["paging"].is_null() || after + 200 >= 10_000 {
                last = ids(&page).pop().unwrap_or(last);
                break;
            }
            after = page["paging"]["next"]["after"].as_str().unwrap().parse().unwrap();
        }
        if window_total <= 10_000 {
            break;
        }
    }
    assert_eq!((seen, calls), (10_450, 53));
    // Paging by the stamp instead never gets past the cap.
    let by_stamp = json!({ "sorts": ["lastmodifieddate"], "limit": 200, "after": "10000" });
    assert_eq!(portal.post(SEARCH, by_stamp).await.0, 400);
}

#[tokio::test]
async fn a_window_of_stamps_finds_changed_and_untouched_records() {
    let portal = Portal::with(100).await;
    let known = portal.contacts(100).await;
    let changed = known[90]["id"].clone();
    let at = known[10]["updatedAt"].as_str().unwrap();
    portal.rep("edit", json!({ "object": "contacts", "id": changed, "properties": { "city": "X" }, "at": at })).await;
    let stamp =
        |operator: &str, at: &str| json!({ "propertyName": "lastmodifieddate", "operator": operator, "value": at });
    let upto = known[20]["updatedAt"].as_str().unwrap();
    let (_, page) = portal.post(SEARCH, filtered(json!([stamp("GTE", at), stamp("LT", upto)]))).await;
    let mut expected: Vec<String> = known[10..20].iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    expected.push(changed.as_str().unwrap().to_owned());
    assert_eq!(ids(&page), expected);
    assert_eq!(page["total"], 11);
}

#[tokio::test]
async fn the_index_lags_behind_the_records() {
    let portal = Portal::with(1).await;
    portal.config(json!({ "search_lag_ms": 5_000, "frozen_at": "2026-11-23T09:00:00Z" })).await;
    let id = portal.contacts(1).await[0]["id"].clone();
    portal.patch(&format!("{CONTACTS}/{}", id.as_str().unwrap()), json!({ "properties": { "city": "Bergen" } })).await;
    portal.post(CONTACTS, json!({ "properties": { "email": "new@firm.example", "city": "Bergen" } })).await;
    let there =
        || portal.post(SEARCH, filtered(json!([{ "propertyName": "city", "operator": "EQ", "value": "bergen" }])));
    assert_eq!(there().await.1["total"], 0);
    let (_, old) = portal.post(SEARCH, json!({})).await;
    assert_ne!(old["results"][0]["properties"]["lastmodifieddate"], "2026-11-23T09:00:00.000Z");
    portal.config(json!({ "clock_offset_s": 5 })).await;
    assert_eq!(there().await.1["total"], 2);
    // A row can be made to show up later than the rest.
    let late = json!({ "object": "contacts", "properties": { "email": "late@firm.example", "city": "Bergen" },
                       "visible_in_ms": 60_000 });
    portal.rep("edit", late).await;
    portal.config(json!({ "clock_offset_s": 30 })).await;
    assert_eq!(there().await.1["total"], 2);
    portal.config(json!({ "clock_offset_s": 65 })).await;
    assert_eq!(there().await.1["total"], 3);
}

#[tokio::test]
async fn an_address_is_found_where_the_index_has_it() {
    let portal = Portal::with(5).await;
    portal.config(json!({ "search_lag_ms": 5_000, "frozen_at": "2026-11-23T09:00:00Z" })).await;
    let contact = portal.contacts(1).await.remove(0);
    let (id, old) = (contact["id"].as_str().unwrap(), contact["properties"]["email"].as_str().unwrap());
    portal.patch(&format!("{CONTACTS}/{id}"), json!({ "properties": { "email": "moved@firm.example" } })).await;
    let total = async |operator: &str, email: &str| {
        let value = if operator == "IN" { json!({ "values": [email] }) } else { json!({ "value": email }) };
        let mut filter = json!({ "propertyName": "email", "operator": operator });
        filter.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        portal.post(SEARCH, filtered(json!([filter]))).await.1["total"].as_u64().unwrap()
    };
    for operator in ["EQ", "IN"] {
        assert_eq!((total(operator, old).await, total(operator, "moved@firm.example").await), (1, 0));
    }
    portal.config(json!({ "clock_offset_s": 5 })).await;
    for operator in ["EQ", "IN"] {
        assert_eq!((total(operator, old).await, total(operator, "moved@firm.example").await), (0, 1));
    }
}
