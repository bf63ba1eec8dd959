//! One record at a time: listing, reading, creating, changing, archiving.

use reqwest::Method;
use serde_json::json;

use crate::portal::{CONTACTS, Portal, ids, read};

#[tokio::test]
async fn a_call_without_a_token_is_refused_in_the_vendors_words() {
    let portal = Portal::with(1).await;
    let (status, body) = read(portal.request(Method::GET, CONTACTS).send().await.unwrap()).await;
    assert_eq!(status, 401);
    assert_eq!(body["category"], "INVALID_AUTHENTICATION");
    assert_eq!(portal.get(CONTACTS).await.0, 200);
}

#[tokio::test]
async fn paging_visits_every_contact_once_in_order() {
    let portal = Portal::with(250).await;
    let mut path = format!("{CONTACTS}?limit=100&properties=email");
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let (status, page) = portal.get(&path).await;
        assert_eq!(status, 200);
        seen.extend(ids(&page));
        pages += 1;
        let Some(link) = page["paging"]["next"]["link"].as_str() else { break };
        assert!(link.contains("properties=email"), "{link}");
        path = link.strip_prefix(portal.mock.url()).unwrap().to_owned();
    }
    assert_eq!((pages, seen.len()), (3, 250));
    assert!(seen.windows(2).all(|pair| pair[0].parse::<u64>().unwrap() < pair[1].parse::<u64>().unwrap()));
    assert_eq!(portal.get(&format!("{CONTACTS}?limit=101")).await.0, 400);
}

#[tokio::test]
async fn old_and_dated_paths_are_one_portal() {
    let portal = Portal::with(3).await;
    for path in ["/crm/v3/objects/contacts", "/crm/objects/2026-03/contact/", "/crm/v3/objects/0-1"] {
        let (status, page) = portal.get(path).await;
        assert_eq!((status.as_u16(), ids(&page).len()), (200, 3), "{path}");
    }
    assert_eq!(portal.get("/crm/v3/objects/gadgets").await.0, 400);
    assert_eq!(portal.get("/crm/v9/objects/contacts").await.0, 404);
}

#[tokio::test]
async fn empty_properties_are_null_and_undefined_ones_absent() {
    let portal = Portal::with(1).await;
    let (_, page) = portal.get(&format!("{CONTACTS}?properties=mobilephone,no_such&archived=False")).await;
    let properties = &page["results"][0]["properties"];
    assert!(properties.get("mobilephone").unwrap().is_null());
    assert!(properties.get("no_such").is_none());
    assert!(properties["hs_object_id"].is_string() && properties["lastmodifieddate"].is_string());
}

#[tokio::test]
async fn a_created_contact_is_read_changed_and_archived() {
    let portal = Portal::with(0).await;
    let given = json!({ "properties": { "email": "Grace@Firm.example", "firstname": "Grace" } });
    let (status, made) = portal.post(CONTACTS, given.clone()).await;
    assert_eq!(status, 201);
    assert_eq!(made["properties"]["email"], "grace@firm.example");
    let id = made["id"].as_str().unwrap();
    let (status, again) = portal.post(CONTACTS, given).await;
    assert_eq!(status, 409);
    assert_eq!(again["message"], format!("Contact already exists. Existing ID: {id}"));

    let by_email = format!("{CONTACTS}/GRACE@firm.example?idProperty=email");
    assert_eq!(portal.get(&by_email).await.1["id"], id);
    let path = format!("{CONTACTS}/{id}");
    let (status, changed) = portal.patch(&path, json!({ "properties": { "firstname": "Gracia" } })).await;
    assert_eq!((status.as_u16(), changed["properties"]["firstname"].as_str()), (200, Some("Gracia")));

    assert_eq!(portal.delete(&path).await, 204);
    assert_eq!(portal.delete(&path).await, 204);
    assert_eq!(portal.get(&path).await.0, 404);
    let (_, archived) = portal.get(&format!("{CONTACTS}?archived=true")).await;
    assert_eq!(ids(&archived), [id]);
    assert_eq!(archived["results"][0]["archived"], true);
    assert!(archived["results"][0]["archivedAt"].is_string());
}

#[tokio::test]
async fn an_equal_write_moves_the_stamp_unless_told_not_to() {
    let portal = Portal::with(1).await;
    let contact = portal.contacts(1).await.remove(0);
    let path = format!("{CONTACTS}/{}", contact["id"].as_str().unwrap());
    let same = json!({ "properties": { "firstname": contact["properties"]["firstname"] } });
    portal.config(json!({ "frozen_at": "2026-11-23T09:00:00Z" })).await;
    assert_eq!(portal.patch(&path, same.clone()).await.1["updatedAt"], "2026-11-23T09:00:00.000Z");
    portal.config(json!({ "frozen_at": "2026-11-23T10:00:00Z", "bump_unchanged": false })).await;
    assert_eq!(portal.patch(&path, same).await.1["updatedAt"], "2026-11-23T09:00:00.000Z");
}

#[tokio::test]
async fn every_problem_of_a_write_is_named() {
    let portal = Portal::with(1).await;
    let path = format!("{CONTACTS}/{}", portal.contacts(1).await[0]["id"].as_str().unwrap());
    let bad = json!({ "properties": { "no_such": "1", "hs_object_id": "5", "lifecyclestage": "Customer",
                                      "email": "a@b.test" } });
    let (status, body) = portal.patch(&path, bad).await;
    assert_eq!((status.as_u16(), body["category"].as_str()), (400, Some("VALIDATION_ERROR")));
    let mut codes: Vec<&str> =
        body["errors"].as_array().unwrap().iter().map(|each| each["code"].as_str().unwrap()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["INVALID_EMAIL", "INVALID_OPTION", "PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"]);
    assert!(body["message"].as_str().unwrap().starts_with("Property values were not valid: [{"));
}

#[tokio::test]
async fn lifecycle_never_moves_back_and_says_nothing() {
    let portal = Portal::with(0).await;
    let new = json!({ "properties": { "email": "a@b.example", "lifecyclestage": "customer" } });
    let (_, made) = portal.post(CONTACTS, new).await;
    let path = format!("{CONTACTS}/{}", made["id"].as_str().unwrap());
    let back = |stage: &str| json!({ "properties": { "lifecyclestage": stage } });
    let (status, body) = portal.patch(&path, back("lead")).await;
    assert_eq!((status.as_u16(), body["properties"]["lifecyclestage"].as_str()), (200, Some("customer")));
    portal.patch(&path, back("")).await;
    assert_eq!(portal.patch(&path, back("lead")).await.1["properties"]["lifecyclestage"], "lead");
}

#[tokio::test]
async fn an_address_somebody_has_cannot_be_taken() {
    let portal = Portal::with(2).await;
    let known = portal.contacts(2).await;
    let (id, owner) = (known[0]["id"].as_str().unwrap(), known[1]["id"].as_str().unwrap());
    let theirs = json!({ "properties": { "email": known[1]["properties"]["email"] } });
    let (status, body) = portal.patch(&format!("{CONTACTS}/{id}"), theirs).await;
    assert_eq!((status.as_u16(), body["category"].as_str()), (400, Some("VALIDATION_ERROR")));
    let message = body["message"].as_str().unwrap();
    assert!(message.ends_with(&format!("on {id}. {owner} already has that value.")), "{message}");
    // Once its owner is gone, the address is free.
    portal.delete(&format!("{CONTACTS}/{owner}")).await;
    let freed = json!({ "properties": { "email": known[1]["properties"]["email"] } });
    assert_eq!(portal.patch(&format!("{CONTACTS}/{id}"), freed).await.0, 200);
}
