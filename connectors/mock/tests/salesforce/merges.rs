//! Records merged into one.

use reqwest::Method;
use serde_json::{Value, json};

use crate::org::{Org, nth, read};

#[tokio::test]
async fn the_winner_keeps_its_values_and_gets_what_hung_on_the_loser() {
    let org = Org::with(40).await;
    org.freeze("2026-06-01T02:00:00Z").await;
    let (winner, loser) = (org.create("Contact", json!({ "LastName": "Vale" })).await, nth("003", 0));
    let task = org.create("Task", json!({ "WhoId": loser, "Subject": "Call" })).await;
    let report = org.create("Contact", json!({ "LastName": "Junior", "ReportsToId": loser })).await;
    org.rep("role", json!({ "opportunity": nth("006", 7), "contact": loser })).await;
    org.freeze("2026-06-01T03:00:00Z").await;
    let merged = org.rep("merge", json!({ "object": "contacts", "primary": winner, "secondary": loser })).await;
    assert_eq!(merged["id"], winner.as_str());

    let kept = org.read("Contact", &winner).await;
    assert_eq!((kept["LastName"].as_str(), kept["Email"].as_str()), (Some("Vale"), None));
    assert_eq!(kept["SystemModstamp"], "2026-06-01T03:00:00.000+0000");
    assert_eq!(org.get(&format!("sobjects/Contact/{loser}")).await.0, 404);
    assert_eq!(org.read("Task", &task).await["WhoId"], winner.as_str());
    assert_eq!(org.read("Contact", &report).await["ReportsToId"], winner.as_str());
    let ledger = org.lines("ledger", 0).await;
    let line = ledger.last().unwrap();
    assert_eq!((line["op"].as_str(), line["object"].as_str()), (Some("merge"), Some("Contact")));
    assert_eq!(line["after"]["survivor"], winner.as_str());
    assert!(line["before"]["secondary"].as_str().unwrap().starts_with(&loser));
    assert!(ledger.iter().all(|line| line["op"] != "delete"), "a merge is no deletion");
    // The page still tells where the loser went.
    let page = org.request(Method::GET, &format!("/{loser}")).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("was merged into") && page.contains(&winner));
}

#[tokio::test]
async fn a_role_the_winner_has_already_is_not_doubled() {
    let org = Org::with(40).await;
    let (one, other) = (nth("003", 5), nth("003", 6));
    for contact in [&one, &other] {
        org.rep("role", json!({ "opportunity": nth("006", 0), "contact": contact })).await;
    }
    let before = org.lines("ledger", 0).await.len() as u64;
    org.rep("merge", json!({ "object": "Contact", "primary": one, "secondary": other })).await;
    let after = org.lines("ledger", before).await;
    let roles: Vec<&str> = after
        .iter()
        .filter(|line| line["object"] == "OpportunityContactRole" && line["record"].is_string())
        .map(|line| line["op"].as_str().unwrap())
        .collect();
    assert!(roles.contains(&"delete"), "{after:?}");
}

#[tokio::test]
async fn merges_chain_and_three_are_the_most() {
    let org = Org::with(10).await;
    let contact = |at: u8| nth("003", at);
    org.rep("merge", json!({ "object": "Contact", "primary": contact(1), "secondary": [contact(2), contact(3)] }))
        .await;
    org.rep("merge", json!({ "object": "Contact", "primary": contact(0), "secondary": contact(1) })).await;
    for body in [
        json!({ "object": "Contact", "primary": contact(0), "secondary": contact(0) }),
        json!({ "object": "Contact", "primary": contact(0), "secondary": contact(2) }),
        json!({ "object": "Contact", "primary": contact(4), "secondary": [contact(5), contact(6), contact(7)] }),
        json!({ "object": "Task", "primary": nth("00T", 0), "secondary": nth("00T", 1) }),
    ] {
        let (status, answer) = read(org.request(Method::POST, "/__mock/merge").json(&body).send().await.unwrap()).await;
        assert_eq!(status, 400, "{body} {answer}");
    }
    let merges: Vec<Value> = org.lines("ledger", 0).await;
    assert_eq!(merges.iter().filter(|line| line["op"] == "merge").count(), 3);
}
