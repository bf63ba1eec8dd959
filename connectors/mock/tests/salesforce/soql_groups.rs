//! Counting, aggregates and groups.

use serde_json::json;

use crate::org::Org;

/// Five deals of two stages.
async fn deals() -> Org {
    let org = Org::with(0).await;
    for (name, stage, amount) in [
        ("A", "Prospecting", json!(10.5)),
        ("B", "Prospecting", json!(20)),
        ("C", "Closed Won", json!(5)),
        ("D", "Closed Won", json!(null)),
        ("E", "Closed Lost", json!(7.25)),
    ] {
        let deal = json!({ "Name": name, "StageName": stage, "Amount": amount, "CloseDate": "2026-12-01" });
        org.create("Opportunity", deal).await;
    }
    org
}

#[tokio::test]
async fn counting_alone_answers_a_number_and_no_records() {
    let org = deals().await;
    let text = org.text(&org.soql_path("SELECT COUNT() FROM Opportunity WHERE Amount > 6")).await;
    assert_eq!(text, r#"{"totalSize":3,"done":true,"records":[]}"#);
    let (_, body) = org.soql("SELECT COUNT() FROM Opportunity LIMIT 2").await;
    assert_eq!(body["totalSize"], 2);
}

#[tokio::test]
async fn aggregates_over_everything_are_one_row() {
    let org = deals().await;
    let soql = "SELECT COUNT(Id), COUNT(Amount) priced, SUM(Amount), AVG(Amount) mean, MIN(Amount) least, MAX(Name) latest, \
                COUNT_DISTINCT(StageName) FROM Opportunity";
    let rows = org.rows(soql).await;
    assert_eq!(
        rows,
        [
            json!({ "attributes": { "type": "AggregateResult" }, "expr0": 5, "priced": 4, "expr1": 42.75, "mean": 10.6875,
                 "least": 5.0, "latest": "E", "expr2": 3 })
        ]
    );
    let none = org.rows("SELECT COUNT(Id) n, SUM(Amount) s FROM Opportunity WHERE Name = 'Z'").await;
    assert_eq!((&none[0]["n"], &none[0]["s"]), (&json!(0), &json!(null)));
}

#[tokio::test]
async fn groups_are_filtered_ordered_and_named() {
    let org = deals().await;
    let soql = "SELECT StageName stage, COUNT(Id) n, SUM(Amount) FROM Opportunity GROUP BY StageName HAVING COUNT(Id) > 1 \
                ORDER BY COUNT(Id) DESC, StageName";
    let rows = org.rows(soql).await;
    let stages: Vec<_> =
        rows.iter().map(|row| (row["stage"].as_str(), row["n"].as_i64(), row["expr0"].as_f64())).collect();
    assert_eq!(stages, [(Some("Closed Won"), Some(2), Some(5.0)), (Some("Prospecting"), Some(2), Some(30.5))]);
    let rows = org.rows("SELECT Owner.Name, COUNT(Id) FROM Opportunity GROUP BY Owner.Name LIMIT 10").await;
    assert_eq!(rows.len(), 1);
    assert!(rows[0]["Name"].is_string(), "{}", rows[0]);
}

#[tokio::test]
async fn what_does_not_group_is_malformed() {
    let org = Org::with(1).await;
    for soql in [
        "SELECT Name, COUNT(Id) FROM Opportunity",
        "SELECT Name FROM Opportunity GROUP BY StageName",
        "SELECT StageName FROM Opportunity GROUP BY StageName ORDER BY Name",
        "SELECT COUNT() FROM Opportunity GROUP BY StageName",
        "SELECT SUM(Name) FROM Opportunity",
        "SELECT Amount FROM Opportunity GROUP BY Amount",
        "SELECT Description FROM Opportunity GROUP BY Description",
        "SELECT COUNT(Id) n, SUM(Amount) n FROM Opportunity",
        "SELECT FIELDS(ALL), COUNT(Id) FROM Opportunity LIMIT 1",
        "SELECT Id FROM Opportunity ORDER BY COUNT(Id)",
        "SELECT Id FROM Opportunity WHERE COUNT(Id) > 1",
    ] {
        assert_eq!(org.refused(soql).await.0, "MALFORMED_QUERY", "{soql}");
    }
}
