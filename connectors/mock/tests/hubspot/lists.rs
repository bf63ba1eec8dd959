//! Lists: who fills them, what an answer says of each id, pages, merges, and rights.

use reqwest::Method;
use serde_json::{Value, json};

use crate::portal::{CONTACTS, Portal, read};

const LISTS: &str = "/crm/lists/2026-09";

async fn put(portal: &Portal, path: &str, body: Value) -> (u16, Value) {
    let (status, answer) = read(portal.call(Method::PUT, path).json(&body).send().await.unwrap()).await;
    (status.as_u16(), answer)
}

async fn list(portal: &Portal, name: &str, filling: &str) -> String {
    let body = json!({ "name": name, "objectTypeId": "0-1", "processingType": filling });
    let (status, made) = portal.post("/crm/v3/lists", body).await;
    assert_eq!((status.as_u16(), &made["list"]["processingType"]), (200, &json!(filling)));
    made["list"]["listId"].as_str().unwrap().to_owned()
}

async fn ids(portal: &Portal, count: u64) -> Vec<String> {
    portal.contacts(count).await.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

async fn on(portal: &Portal, list: &str) -> Vec<Value> {
    let (_, page) = portal.get(&format!("{LISTS}/{list}/memberships?limit=250")).await;
    page["results"].as_array().unwrap().iter().map(|row| row["recordId"].clone()).collect()
}

#[tokio::test]
async fn an_answer_says_who_came_who_went_and_who_is_not_there() {
    let portal = Portal::with(10).await;
    let (list, ids) = (list(&portal, "Hot leads", "MANUAL").await, ids(&portal, 3).await);
    let add = json!([ids[0], ids[1].parse::<u64>().unwrap(), "999"]);
    let (status, told) = put(&portal, &format!("{LISTS}/{list}/memberships/add"), add).await;
    assert_eq!(status, 200);
    assert_eq!(told["recordsIdsAdded"], json!([ids[0], ids[1]]));
    assert_eq!((&told["recordIdsMissing"], &told["recordIdsRemoved"]), (&json!(["999"]), &json!([])));
    let both = json!({ "recordIdsToAdd": [ids[1], ids[2]], "recordIdsToRemove": [ids[0]] });
    let (_, told) = put(&portal, &format!("/crm/v3/lists/{list}/memberships/add-and-remove"), both).await;
    assert_eq!((&told["recordsIdsAdded"], &told["recordIdsRemoved"]), (&json!([ids[2]]), &json!([ids[0]])));
    assert_eq!(on(&portal, &list).await, [json!(ids[1]), json!(ids[2])]);
    let (_, of_record) = portal.get(&format!("{LISTS}/records/0-1/{}/memberships", ids[2])).await;
    assert_eq!(of_record["results"][0]["listId"], json!(list));
    let page = portal.get(&format!("{LISTS}/{list}/memberships?limit=1")).await.1;
    assert_eq!(page["paging"]["next"]["after"], json!(ids[1]));
    let (_, found) = portal.get(&format!("{LISTS}/object-type-id/0-1/name/hot%20LEADS")).await;
    assert_eq!(found["list"]["listId"], json!(list));
    let twice = json!({ "name": "Hot Leads", "objectTypeId": "0-1", "processingType": "MANUAL" });
    assert_eq!(portal.post("/crm/v3/lists", twice).await.0, 400);
}

#[tokio::test]
async fn a_dynamic_list_takes_nobody_and_a_snapshot_does() {
    let portal = Portal::with(5).await;
    let one = ids(&portal, 1).await;
    for (filling, status) in [("DYNAMIC", 400), ("SNAPSHOT", 200)] {
        let list = list(&portal, filling, filling).await;
        assert_eq!(put(&portal, &format!("{LISTS}/{list}/memberships/add"), json!(one)).await.0, status, "{filling}");
    }
    assert_eq!(put(&portal, &format!("{LISTS}/4711/memberships/add"), json!(one)).await.0, 404);
}

#[tokio::test]
async fn a_merge_takes_the_place_along_and_a_deleted_contact_leaves() {
    let portal = Portal::with(5).await;
    let (list, ids) = (list(&portal, "Hot leads", "MANUAL").await, ids(&portal, 3).await);
    put(&portal, &format!("{LISTS}/{list}/memberships/add"), json!(ids)).await;
    let merge = json!({ "primaryObjectId": ids[0], "objectIdToMerge": ids[1] });
    let (_, survivor) = portal.post(&format!("{CONTACTS}/merge"), merge).await;
    let left = on(&portal, &list).await;
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left.contains(&survivor["id"]), "{left:?}");
    portal.delete(&format!("{CONTACTS}/{}", ids[2])).await;
    assert_eq!(on(&portal, &list).await, [survivor["id"].clone()]);
}

#[tokio::test]
async fn lists_have_scopes_of_their_own() {
    let portal = Portal::with(5).await;
    let list = list(&portal, "Hot leads", "MANUAL").await;
    portal.config(json!({ "denied_scopes": ["crm.lists.write"] })).await;
    let (status, refused) = put(&portal, &format!("{LISTS}/{list}/memberships/add"), json!(["1"])).await;
    assert_eq!((status, &refused["category"]), (403, &json!("MISSING_SCOPES")));
    assert_eq!(portal.get(&format!("{LISTS}/{list}")).await.0, 200);
}
