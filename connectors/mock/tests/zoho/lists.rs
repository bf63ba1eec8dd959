//! Lists: fields that must be named, pages by number and by token, windows by stamp, and nothing at all.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::org::{Org, ids};

#[tokio::test]
async fn tokens_walk_every_record_once_in_order_of_change() {
    let org = Org::with(2_450).await;
    let list = "/Contacts?fields=Email,Modified_Time&sort_by=Modified_Time&sort_order=asc";
    let (mut path, mut seen, mut stamps) = (list.to_owned(), Vec::new(), Vec::new());
    loop {
        let (status, page) = org.get(&path).await;
        assert_eq!(status, 200, "{page}");
        assert_eq!(page["info"]["count"], page["data"].as_array().unwrap().len());
        seen.extend(ids(&page));
        let each = page["data"].as_array().unwrap().iter().map(|row| row["Modified_Time"].as_str().unwrap().to_owned());
        stamps.extend(each);
        if page["info"]["more_records"] == false {
            assert!(page["info"]["next_page_token"].is_null());
            break;
        }
        path = format!("{list}&page_token={}", page["info"]["next_page_token"].as_str().unwrap());
    }
    assert_eq!(seen.len(), 2_450);
    assert_eq!(seen.iter().collect::<HashSet<_>>().len(), 2_450);
    assert!(stamps.windows(2).all(|pair| pair[0] <= pair[1]));
}

#[tokio::test]
async fn what_a_list_needs_is_told() {
    let org = Org::with(300).await;
    let many = (0..51).map(|at| format!("F{at}")).collect::<Vec<_>>().join(",");
    let token = org.get("/Contacts?fields=Email").await.1["info"]["next_page_token"].as_str().unwrap().to_owned();
    for (path, code, key) in [
        ("/Contacts".to_owned(), "REQUIRED_PARAM_MISSING", json!({ "param_name": "fields" })),
        (format!("/Contacts?fields={many}"), "LIMIT_EXCEEDED", json!({ "param_name": "fields", "limit": 50 })),
        ("/Contacts?fields=id".to_owned(), "INVALID_DATA", json!({ "param_name": "fields" })),
        ("/Contacts?fields=Email&page=11".to_owned(), "DISCRETE_PAGINATION_LIMIT_EXCEEDED", json!({ "limit": 2_000 })),
        ("/Contacts?fields=Email&sort_by=Email".to_owned(), "INVALID_DATA", json!({ "param_name": "sort_by" })),
        (
            "/Contacts?fields=Email&page_token=c0".to_owned(),
            "TOKEN_BOUND_DATA_MISMATCH",
            json!({ "param_name": "page_token" }),
        ),
        (
            format!("/Contacts?fields=Phone&page_token={token}"),
            "TOKEN_BOUND_DATA_MISMATCH",
            json!({ "param_name": "page_token" }),
        ),
        ("/Gadgets?fields=Email".to_owned(), "INVALID_MODULE", json!({ "resource_path_index": 0 })),
    ] {
        let (status, body) = org.get(&path).await;
        assert_eq!((status.as_u16(), body["code"].as_str(), &body["details"]), (400, Some(code), &key), "{path}");
    }
    let both = org.get(&format!("/Contacts?fields=Email&page=1&page_token={token}")).await.1;
    assert_eq!(both["code"], "AMBIGUITY_DURING_PROCESSING");
    assert_eq!(org.get(&format!("/Contacts?fields=Email&page_token={token}")).await.0, 200);
    org.config(json!({ "clock_offset_s": 86_500, "token_ttl_s": 3_600 })).await;
}

#[tokio::test]
async fn a_token_ends_after_a_day() {
    let mut org = Org::with(300).await;
    let token = org.get("/Contacts?fields=Email").await.1["info"]["next_page_token"].as_str().unwrap().to_owned();
    org.config(json!({ "clock_offset_s": 86_401 })).await;
    org.sign_in().await;
    let (status, body) = org.get(&format!("/Contacts?fields=Email&page_token={token}")).await;
    assert_eq!((status.as_u16(), body["code"].as_str()), (400, Some("EXPIRED_VALUE")));
    assert_eq!(body["details"]["json_path"], "$.query.page_token");
}

#[tokio::test]
async fn nothing_new_is_304_and_nothing_at_all_204() {
    let org = Org::with(5).await;
    let (status, body) = org.since("/Contacts?fields=Email", "2026-06-01T00:00:00+00:00").await;
    assert_eq!((status.as_u16(), body), (304, Value::Null));
    assert_eq!(org.get("/Events?fields=Event_Title").await.0, 204);
    assert_eq!(org.get("/Contacts?fields=Email&page=2").await.0, 204);

    org.config(json!({ "frozen_at": "2026-11-23T09:00:00Z" })).await;
    let someone = org.first("Contacts", 1, "Email").await.remove(0);
    let id = someone["id"].as_str().unwrap();
    org.rep("edit", json!({ "object": "contacts", "id": id, "properties": { "Title": "Captain" } })).await;
    let (status, page) = org.since("/Contacts?fields=Title,Modified_Time", "2026-11-23T10:59:59+02:00").await;
    assert_eq!((status.as_u16(), ids(&page)), (200, vec![id.to_owned()]));
    assert_eq!(page["data"][0]["Modified_Time"], "2026-11-23T10:00:00+01:00");
    // Not strictly later than itself.
    assert_eq!(org.since("/Contacts?fields=Title", "2026-11-23T09:00:00+00:00").await.0, 304);
}

#[tokio::test]
async fn the_orgs_offset_is_in_every_stamp() {
    let org = Org::with(2).await;
    org.config(json!({ "offset_min": 330, "frozen_at": "2026-11-23T09:00:00Z" })).await;
    let body = json!({ "data": [{ "Last_Name": "Ruiz" }] });
    let (_, made) = org.post("/Contacts", body).await;
    assert_eq!(made["data"][0]["details"]["Modified_Time"], "2026-11-23T14:30:00+05:30");
    let id = made["data"][0]["details"]["id"].as_str().unwrap();
    assert_eq!(org.whole("Contacts", id).await["Created_Time"], "2026-11-23T14:30:00+05:30");
}

#[tokio::test]
async fn dangling_ampersands_doubled_slashes_and_old_versions_are_tolerated() {
    let org = Org::with(2).await;
    assert_eq!(org.get("//Contacts?fields=Email&").await.0, 200);
    assert_eq!(org.get("/settings/fields?module=Contacts&").await.0, 200);
    let old = org.call(reqwest::Method::GET, "/../v3/Contacts?fields=Email").send().await.unwrap();
    assert_eq!(old.status(), 200);
}

#[tokio::test]
async fn a_walk_goes_on_where_it_was_unless_tokens_count_records() {
    for (by_offset, missed) in [(false, 0), (true, 1)] {
        let org = Org::with(10).await;
        org.config(json!({ "page_tokens_by_offset": by_offset })).await;
        let list = "/Contacts?fields=Email&sort_by=Modified_Time&sort_order=asc&per_page=5";
        let (_, first) = org.get(list).await;
        // A record of the first page moves to the end: whoever counts records now skips one.
        org.rep("edit", json!({ "object": "contacts", "id": ids(&first)[0], "properties": { "Title": "x" } })).await;
        let next = first["info"]["next_page_token"].as_str().unwrap();
        let (_, second) = org.get(&format!("{list}&page_token={next}")).await;
        let seen: HashSet<String> = ids(&first).into_iter().chain(ids(&second)).collect();
        assert_eq!(seen.len(), 10 - missed, "by offset: {by_offset}");
    }
}
