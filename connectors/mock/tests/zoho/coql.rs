//! The query language: what it finds, in which order, and what it says about mistakes.

use serde_json::{Value, json};

use crate::org::{Org, ids};

async fn ask(org: &Org, query: &str) -> (u16, Value) {
    let (status, body) = org.post("/coql", json!({ "select_query": query })).await;
    (status.as_u16(), body)
}

#[tokio::test]
async fn records_come_by_window_key_and_lookup() {
    let org = Org::with(60).await;
    let known = org.first("Contacts", 3, "Email,Last_Name").await;
    let email = known[1]["Email"].as_str().unwrap();
    let (_, one) = ask(
        &org,
        &format!("select Last_Name, Account_Name.Account_Name, Owner.email from Contacts where Email = '{email}'"),
    )
    .await;
    assert_eq!(ids(&one), [known[1]["id"].as_str().unwrap()]);
    assert!(one["data"][0]["Account_Name.Account_Name"].is_string());
    assert!(one["data"][0]["Owner.email"].as_str().unwrap().ends_with("@seller.example"));
    assert_eq!(one["info"], json!({ "count": 1, "more_records": false }));

    org.config(json!({ "frozen_at": "2026-11-23T09:00:00Z" })).await;
    org.rep("edit", json!({ "object": "contacts", "id": known[2]["id"], "properties": { "Title": "Captain" } })).await;
    let (_, changed) = ask(&org, "select Title from Contacts where Modified_Time >= '2026-11-23T10:00:00+01:00'").await;
    assert_eq!(
        (ids(&changed), changed["data"][0]["Title"].as_str()),
        (vec![known[2]["id"].as_str().unwrap().to_owned()], Some("Captain"))
    );
    assert_eq!(ask(&org, "select Title from Contacts where Title = 'Nobody'").await.0, 204);
}

#[tokio::test]
async fn a_walk_by_id_reaches_everybody_in_pages() {
    let org = Org::with(450).await;
    let (mut after, mut seen) = ("0".to_owned(), Vec::new());
    loop {
        let query = format!("select Email from Contacts where id > {after} order by id asc limit 200");
        let (status, page) = ask(&org, &query).await;
        if status == 204 {
            break;
        }
        after = ids(&page).last().unwrap().clone();
        seen.extend(ids(&page));
    }
    assert_eq!(seen.len(), 450);
    let (_, page) = ask(&org, "select Email from Contacts where id is not null limit 2 offset 448").await;
    assert_eq!((ids(&page), page["info"]["more_records"].as_bool()), (seen[448..].to_vec(), Some(false)));
    let (_, page) = ask(&org, "select Email from Contacts where id is not null limit 447, 2").await;
    assert_eq!(ids(&page), seen[447..449]);
}

#[tokio::test]
async fn sums_and_orders() {
    let org = Org::with(100).await;
    let (_, sums) =
        ask(&org, "select Stage, COUNT(id) as n, SUM(Amount) from Deals where id is not null group by Stage").await;
    let rows = sums["data"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| row["n"].as_u64().unwrap()).sum::<u64>(), 20);
    assert!(rows.iter().all(|row| row["SUM(Amount)"].as_f64().unwrap() > 0.0));
    let (_, rich) =
        ask(&org, "select Amount from Deals where (Amount > 1000 and Amount is not null) order by Amount desc limit 5")
            .await;
    let amounts: Vec<f64> =
        rich["data"].as_array().unwrap().iter().map(|row| row["Amount"].as_f64().unwrap()).collect();
    assert!(amounts.len() == 5 && amounts.windows(2).all(|pair| pair[0] >= pair[1]));
    let (status, body) = ask(&org, "select Deal_Name, COUNT(id) from Deals where id is not null group by Stage").await;
    assert_eq!((status, body["code"].as_str()), (400, Some("INVALID_QUERY")));
}

#[tokio::test]
async fn mistakes_are_told_with_their_place() {
    let org = Org::with(3).await;
    let (status, body) = ask(&org, "select Email form Contacts").await;
    assert_eq!(status, 400);
    assert_eq!(body["code"], "SYNTAX_ERROR");
    assert_eq!(body["details"], json!({ "line": 1, "column": 14, "near": "form" }));
    for (query, code) in [
        ("select Email from Contacts", "SYNTAX_ERROR"),
        ("select Email from Contacts where id > 1 and id > 2 and id > 3", "SYNTAX_ERROR"),
        ("select No_Such from Contacts where id is not null", "INVALID_QUERY"),
        ("select Email from Gadgets where id is not null", "INVALID_QUERY"),
        ("select Email from Contacts where Description like 'x%'", "INVALID_QUERY"),
        ("select Email from Contacts where Modified_Time > '2026-01-05'", "INVALID_QUERY"),
        ("select Email, Email from Contacts where id is not null", "DUPLICATE_DATA"),
        ("select Email from Contacts where id is not null limit 2001", "LIMIT_EXCEEDED"),
        ("select Email from Contacts where id is not null limit 200 offset 99801", "LIMIT_EXCEEDED"),
    ] {
        let (status, body) = ask(&org, query).await;
        assert_eq!((status, body["code"].as_str()), (400, Some(code)), "{query}");
    }
    assert_eq!(org.post("/coql", json!({})).await.1["code"], "MANDATORY_NOT_FOUND");
}

#[tokio::test]
async fn it_needs_a_scope_of_its_own() {
    let mut org = Org::with(3).await;
    org.config(json!({ "scopes": ["ZohoCRM.modules.ALL"] })).await;
    org.sign_in().await;
    let (status, body) = ask(&org, "select Email from Contacts where id is not null").await;
    assert_eq!((status, body["code"].as_str()), (401, Some("OAUTH_SCOPE_MISMATCH")));
}
