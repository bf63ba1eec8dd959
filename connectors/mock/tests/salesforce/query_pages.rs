//! Pages behind locators, the size of pages, what is seen by whom and when, and the ways a query fails.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::org::{Org, code, read};

impl Org {
    async fn page(&self, path: &str, options: &str) -> Value {
        let call = self.call(Method::GET, path).header("Sforce-Query-Options", options);
        let (status, body) = read(call.send().await.expect("an answer")).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// All pages, and how many records each had.
    async fn pages(&self, soql: &str, options: &str) -> (Vec<String>, Vec<usize>) {
        let (mut ids, mut sizes) = (Vec::new(), Vec::new());
        let mut path = self.soql_path(soql);
        loop {
            let page = self.page(&path, options).await;
            let rows = page["records"].as_array().expect("records");
            sizes.push(rows.len());
            ids.extend(rows.iter().filter_map(|row| row["Id"].as_str()).map(str::to_owned));
            match page["nextRecordsUrl"].as_str() {
                Some(next) => {
                    assert_eq!(page["done"], false);
                    path = next.to_owned();
                }
                None => {
                    assert_eq!(page["done"], true);
                    return (ids, sizes);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_query_comes_in_pages_of_two_thousand_or_as_asked_within_limits() {
    let org = Org::with(4_500).await;
    for (options, expected) in [
        ("", vec![2_000, 2_000, 500]),
        ("batchSize=9000", vec![2_000, 2_000, 500]),
        ("batchSize=1500", vec![1_500, 1_500, 1_500]),
        ("batchSize=nonsense", vec![2_000, 2_000, 500]),
    ] {
        let (ids, sizes) = org.pages("SELECT Id FROM Contact", options).await;
        assert_eq!(sizes, expected, "{options}");
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 4_500);
    }
    let (_, sizes) = org.pages("SELECT Id FROM Contact LIMIT 450", "batchSize=1").await;
    assert_eq!(sizes, [200, 200, 50]);
    let (_, body) = org.soql("SELECT Id FROM Contact LIMIT 2000").await;
    assert_eq!((&body["totalSize"], &body["done"]), (&json!(2_000), &json!(true)));
}

#[tokio::test]
async fn short_pages_lose_nothing() {
    let org = Org::knobs(1_000, json!({ "short_pages": true })).await;
    let (ids, sizes) = org.pages("SELECT Id FROM Contact", "batchSize=200").await;
    assert_eq!(ids.into_iter().collect::<BTreeSet<_>>().len(), 1_000);
    assert!(sizes.len() > 5 && sizes.iter().any(|size| *size < 200), "{sizes:?}");
}

#[tokio::test]
async fn a_locator_takes_a_stray_query_and_lives_two_days() {
    let org = Org::with(500).await;
    org.freeze("2026-03-04T05:06:07Z").await;
    let first = org.page(&org.soql_path("SELECT Id FROM Contact"), "batchSize=200").await;
    let next = first["nextRecordsUrl"].as_str().expect("a next page");
    assert!(next.starts_with("/services/data/v67.0/query/0r8") && next.ends_with("-200"), "{next}");
    let with_query = org.page(&format!("{next}?q=SELECT+Nonsense"), "batchSize=200").await;
    assert_eq!(with_query["records"].as_array().map(Vec::len), Some(200));
    assert_eq!(with_query["totalSize"], 500);
    let again = org.page(next, "batchSize=200").await;
    assert_eq!(again["records"], with_query["records"], "a page can be fetched again");
    for unknown in
        ["query/0r8xx0000009ZZZAAA-2000", "query/nonsense", "query/0r8xx0000000001AAA-9999999", "queryAll/x-1"]
    {
        let (status, body) = org.get(unknown).await;
        assert_eq!((status.as_u16(), code(&body)), (400, "INVALID_QUERY_LOCATOR"), "{unknown}");
        assert_eq!(body[0]["message"], "invalid query locator");
    }
    org.config(json!({ "frozen_at": "2026-03-06T05:06:07Z", "session_ttl_s": 999_999 })).await;
    assert_eq!(code(&org.get(next).await.1), "INVALID_QUERY_LOCATOR");
}

#[tokio::test]
async fn cursors_can_be_lost_and_next_pages_can_point_elsewhere() {
    let org = Org::with(500).await;
    org.config(json!({ "next_records_host": "http://elsewhere.example" })).await;
    let page = org.page(&org.soql_path("SELECT Id FROM Contact"), "batchSize=200").await;
    let next = page["nextRecordsUrl"].as_str().expect("a next page");
    let path = next.strip_prefix("http://elsewhere.example").expect("another host").to_owned();
    org.config(json!({ "lose_cursors": true, "next_records_host": "" })).await;
    assert_eq!(code(&org.get(&path).await.1), "INVALID_QUERY_LOCATOR");
    let fresh = org.page(&org.soql_path("SELECT Id FROM Contact"), "batchSize=200").await;
    assert_eq!(fresh["records"].as_array().map(Vec::len), Some(200), "a query still has its first page");
    org.config(json!({ "lose_cursors": false })).await;
    assert_eq!(org.get(&path).await.0, 200);
}

#[tokio::test]
async fn deleted_rows_are_for_query_all_and_its_pages_are_under_query() {
    let org = Org::with(450).await;
    let id = org.create("Contact", json!({ "LastName": "Gone" })).await;
    assert_eq!(org.delete(&format!("sobjects/Contact/{id}")).await.0, 204);
    let soql = "SELECT Id, IsDeleted FROM Contact WHERE LastName = 'Gone'";
    assert_eq!(org.rows(soql).await.len(), 0);
    let path = org.soql_path(soql).replacen("query", "queryAll", 1);
    let (_, all) = org.get(&path).await;
    assert_eq!(all["records"][0]["IsDeleted"], true);
    let by_flag = "SELECT COUNT() FROM Contact WHERE IsDeleted = TRUE AND SystemModstamp > 2020-01-01T00:00:00Z";
    assert_eq!(org.soql(by_flag).await.1["totalSize"], 0);
    let (_, counted) = org.get(&org.soql_path(by_flag).replacen("query", "queryAll", 1)).await;
    assert_eq!(counted["totalSize"], 1);
    let everything = org.soql_path("SELECT Id FROM Contact").replacen("query", "queryAll", 1);
    let page = org.page(&everything, "batchSize=300").await;
    let next = page["nextRecordsUrl"].as_str().expect("a next page");
    assert!(next.starts_with("/services/data/v67.0/query/"), "{next}");
    assert_eq!(org.page(next, "batchSize=300").await["records"].as_array().map(Vec::len), Some(151));
}

#[tokio::test]
async fn a_row_is_not_seen_before_its_commit_although_its_stamp_is_earlier() {
    let org = Org::with(0).await;
    org.freeze("2026-03-04T05:06:07Z").await;
    let slow = org.create("Contact", json!({ "LastName": "Old" })).await;
    org.config(json!({ "commit_delay_ms": 5_000 })).await;
    assert_eq!(org.patch(&format!("sobjects/Contact/{slow}"), json!({ "LastName": "New" })).await.0, 204);
    org.create("Contact", json!({ "LastName": "Slow" })).await;
    org.config(json!({ "commit_delay_ms": 0, "frozen_at": "2026-03-04T05:06:09Z" })).await;
    org.create("Contact", json!({ "LastName": "Quick" })).await;
    let seen =
        |rows: Vec<Value>| rows.iter().map(|row| row["LastName"].as_str().unwrap_or("").to_owned()).collect::<Vec<_>>();
    let soql = "SELECT LastName, SystemModstamp FROM Contact WHERE SystemModstamp >= 2026-03-04T05:06:07Z ORDER BY \
                SystemModstamp, Id";
    assert_eq!(seen(org.rows(soql).await), ["Old", "Quick"]);
    assert_eq!(org.rows("SELECT Id FROM Contact WHERE LastName = 'New'").await.len(), 0);
    org.freeze("2026-03-04T05:06:12Z").await;
    let rows = org.rows(soql).await;
    assert_eq!(rows[1]["SystemModstamp"], "2026-03-04T05:06:07.000+0000");
    assert_eq!(seen(rows), ["New", "Slow", "Quick"]);
}

#[tokio::test]
async fn a_window_that_holds_too_much_times_out_and_a_smaller_one_does_not() {
    let org = Org::with(500).await;
    let rows = org.rows("SELECT SystemModstamp FROM Contact ORDER BY SystemModstamp LIMIT 1 OFFSET 100").await;
    let middle = rows[0]["SystemModstamp"].as_str().expect("a stamp").replace("+0000", "Z");
    org.config(json!({ "query_timeout_rows": 300 })).await;
    let soql = "SELECT Id FROM Contact WHERE SystemModstamp";
    let refused = org.refused(&format!("{soql} >= {middle} LIMIT 10")).await;
    assert_eq!(refused, ("QUERY_TIMEOUT".into(), "Your query request was running for too long.".into()));
    let rows = org.rows(&format!("{soql} < {middle} LIMIT 10")).await;
    assert_eq!(rows.len(), 10);
}

#[tokio::test]
async fn an_address_too_long_is_414_and_headers_too_long_are_431() {
    let org = Org::with(1).await;
    let long = format!("SELECT Id FROM Contact WHERE LastName = '{}'", "x".repeat(3_900));
    assert_eq!(org.soql(&long).await.0, 200);
    let ids = vec!["'003xx000004TmiQAAS'"; 800].join(",");
    assert_eq!(org.soql(&format!("SELECT Id FROM Contact WHERE Id IN ({ids})")).await.0, 414);
    let call = org.call(Method::GET, &org.soql_path(&long)).header("X-Filler", "y".repeat(13_000));
    assert_eq!(call.send().await.expect("an answer").status(), 431);
}
