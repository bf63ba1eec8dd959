//! Merges and erasures: ids that lead elsewhere, and records that are gone for good.

use serde_json::json;

use crate::portal::{CONTACTS, Portal, ids};

#[tokio::test]
async fn a_merge_makes_a_third_record_that_both_old_ids_lead_to() {
    let portal = Portal::with(3).await;
    let known = portal.contacts(3).await;
    let (first, second) = (known[0]["id"].as_str().unwrap(), known[1]["id"].as_str().unwrap());
    let body = json!({ "primaryObjectId": first, "objectIdToMerge": second });
    let (status, merged) = portal.post(&format!("{CONTACTS}/merge"), body.clone()).await;
    assert_eq!(status, 200);
    let survivor = merged["id"].as_str().unwrap();
    assert!(survivor != first && survivor != second);
    assert_eq!(merged["properties"]["email"], known[0]["properties"]["email"]);
    for id in [first, second] {
        let path = format!("{CONTACTS}/{id}?properties=hs_merged_object_ids,hs_additional_emails");
        let (_, found) = portal.get(&path).await;
        assert_eq!(found["id"], survivor);
        assert_eq!(found["properties"]["hs_merged_object_ids"], format!("{first};{second}"));
        assert_eq!(found["properties"]["hs_additional_emails"], known[1]["properties"]["email"]);
    }
    assert_eq!(portal.contacts(10).await.len(), 2);
    // In a batch update a merged-away id vanishes without a word.
    let row = |id: &str| json!({ "id": id, "properties": { "city": "Bergen" } });
    let (status, answer) =
        portal.post(&format!("{CONTACTS}/batch/update"), json!({ "inputs": [row(first), row(survivor)] })).await;
    assert_eq!((status.as_u16(), ids(&answer)), (200, vec![survivor.to_owned()]));
    assert_eq!(portal.post(&format!("{CONTACTS}/merge"), body).await.0, 404);
    // The secondary address is taken.
    let taken = json!({ "properties": { "email": known[1]["properties"]["email"] } });
    let (status, answer) = portal.post(CONTACTS, taken).await;
    assert_eq!((status.as_u16(), answer["message"].as_str().unwrap().ends_with(survivor)), (409, true));
    let ledger = portal.lines("ledger", 0).await;
    assert_eq!(ledger.iter().filter(|line| line["op"] == "merge").count(), 1);
}

#[tokio::test]
async fn associations_move_to_the_survivor() {
    let portal = Portal::with(16).await;
    let (_, page) = portal.get("/crm/v4/objects/deals/30000000001/associations/contacts").await;
    let contact = page["results"][0]["toObjectId"].clone();
    let other = portal.contacts(16).await[15]["id"].clone();
    let merge = json!({ "object": "contact", "primary": other, "secondary": contact });
    let survivor = portal.rep("merge", merge).await["id"].clone();
    let (_, after) = portal.get("/crm/v4/objects/deals/30000000001/associations/contacts").await;
    let linked: Vec<String> =
        after["results"].as_array().unwrap().iter().map(|link| link["toObjectId"].to_string()).collect();
    assert_eq!(linked, [survivor.as_str().unwrap()]);
}

#[tokio::test]
async fn the_primary_id_can_be_kept() {
    let portal = Portal::with(2).await;
    portal.config(json!({ "merge_keeps_primary_id": true })).await;
    let known = portal.contacts(2).await;
    let body = json!({ "primaryObjectId": known[0]["id"], "objectIdToMerge": known[1]["id"] });
    let (_, merged) = portal.post(&format!("{CONTACTS}/merge"), body).await;
    assert_eq!(merged["id"], known[0]["id"]);
}

#[tokio::test]
async fn an_erased_contact_is_never_listed_again_and_an_archived_one_can_come_back() {
    let portal = Portal::with(2).await;
    let known = portal.contacts(2).await;
    let erase = json!({ "objectId": known[0]["properties"]["email"], "idProperty": "email" });
    assert_eq!(portal.post(&format!("{CONTACTS}/gdpr-delete"), erase).await.0, 204);
    let archived = format!("{CONTACTS}?archived=true");
    assert!(ids(&portal.get(&archived).await.1).is_empty());
    let id = known[1]["id"].clone();
    portal.rep("delete", json!({ "object": "contacts", "id": id })).await;
    assert_eq!(ids(&portal.get(&archived).await.1).len(), 1);
    portal.rep("restore", json!({ "object": "contacts", "id": id })).await;
    assert!(ids(&portal.get(&archived).await.1).is_empty());
    assert_eq!(portal.contacts(10).await.len(), 1);
    let again = json!({ "properties": { "email": known[1]["properties"]["email"] } });
    assert_eq!(portal.post(CONTACTS, again).await.0, 409);
}
