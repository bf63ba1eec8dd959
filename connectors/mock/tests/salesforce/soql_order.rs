//! The order of rows: as asked, by the index's road where there is one, and undefined where nothing is asked.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::org::Org;

fn names(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["LastName"].as_str().unwrap_or("null")).collect()
}

fn ids(rows: &[Value]) -> Vec<String> {
    rows.iter().filter_map(|row| row["Id"].as_str()).map(str::to_owned).collect()
}

#[tokio::test]
async fn nulls_come_first_unless_asked_last_in_either_direction() {
    let org = Org::with(0).await;
    for (name, title) in [("A", json!("b")), ("B", json!(null)), ("C", json!("A"))] {
        org.create("Contact", json!({ "LastName": name, "Title": title })).await;
    }
    for (order, expected) in [
        ("Title", ["B", "C", "A"]),
        ("Title ASC NULLS LAST", ["C", "A", "B"]),
        ("Title DESC", ["B", "A", "C"]),
        ("Title DESC NULLS LAST", ["A", "C", "B"]),
        ("Account.Name, LastName DESC", ["C", "B", "A"]),
        ("Owner.Name, Id", ["A", "B", "C"]),
    ] {
        let rows = org.rows(&format!("SELECT LastName FROM Contact ORDER BY {order}")).await;
        assert_eq!(names(&rows), expected, "{order}");
        let cut = org.rows(&format!("SELECT LastName FROM Contact ORDER BY {order} LIMIT 1 OFFSET 1")).await;
        assert_eq!(names(&cut), expected[1..2], "{order}");
    }
}

#[tokio::test]
async fn rows_nobody_ordered_come_in_another_order_each_time_and_ties_do_too() {
    let org = Org::with(40).await;
    org.config(json!({ "equal_stamps": true })).await;
    for soql in ["SELECT Id FROM Contact", "SELECT Id FROM Contact ORDER BY SystemModstamp"] {
        let mut orders = BTreeSet::new();
        for _ in 0..5 {
            orders.insert(ids(&org.rows(soql).await));
        }
        assert!(orders.len() >= 4, "{soql}: {} orders in 5 answers", orders.len());
        let sets: BTreeSet<BTreeSet<String>> = orders.into_iter().map(|order| order.into_iter().collect()).collect();
        assert_eq!(sets.len(), 1, "{soql}: the same rows each time");
    }
    let mut firsts = BTreeSet::new();
    for _ in 0..5 {
        firsts.insert(ids(&org.rows("SELECT Id FROM Contact LIMIT 3").await));
    }
    assert!(firsts.len() >= 4, "which rows a LIMIT keeps is not defined either");
    let ordered = "SELECT Id FROM Contact ORDER BY SystemModstamp, Id";
    assert_eq!(ids(&org.rows(ordered).await), ids(&org.rows(ordered).await));
}

#[tokio::test]
async fn the_keyset_query_walks_every_row_once_whatever_the_ties() {
    let org = Org::with(0).await;
    let mut made = BTreeSet::new();
    for second in 0..3 {
        org.freeze(&format!("2026-03-04T05:06:0{second}Z")).await;
        for index in 0..7 {
            made.insert(org.create("Contact", json!({ "LastName": format!("P{second}{index}") })).await);
        }
    }
    org.freeze("2026-03-04T06:00:00Z").await;
    let mut walked = Vec::new();
    let (mut stamp, mut last) = ("2020-01-01T00:00:00Z".to_owned(), "000000000000000".to_owned());
    loop {
        let rows = org
            .rows(&format!(
                "SELECT Id, SystemModstamp FROM Contact WHERE SystemModstamp < 2026-03-04T05:06:02Z AND (SystemModstamp \
                 > {stamp} OR (SystemModstamp = {stamp} AND Id > '{last}')) ORDER BY SystemModstamp ASC, Id ASC LIMIT 4"
            ))
            .await;
        let Some(end) = rows.last() else { break };
        stamp = end["SystemModstamp"].as_str().expect("a stamp").replace("+0000", "Z");
        last = end["Id"].as_str().expect("an id").to_owned();
        walked.extend(ids(&rows));
    }
    assert_eq!(walked.len(), 14);
    let distinct: BTreeSet<String> = walked.iter().cloned().collect();
    assert!(distinct.len() == 14 && distinct.is_subset(&made));
}
