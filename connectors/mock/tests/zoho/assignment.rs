//! Assignment rules: who is given a record that is made under one.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::org::Org;

async fn made(org: &Org, path: &str, rule: Option<&Value>) -> (StatusCode, Value) {
    let mut body = json!({ "data": [{ "Last_Name": "New", "Company": "Acme" }], "trigger": [] });
    if let Some(rule) = rule {
        body["lar_id"] = rule.clone();
    }
    org.post(path, body).await
}

async fn owner(org: &Org, answer: &Value) -> Value {
    let id = answer["data"][0]["details"]["id"].as_str().unwrap();
    org.get(&format!("/Leads/{id}")).await.1["data"][0]["Owner"]["id"].clone()
}

#[tokio::test]
async fn a_rule_that_is_named_chooses_the_owner() {
    let org = Org::with(0).await;
    let (status, listed) = org.get("/settings/automation/assignment_rules?module=Leads").await;
    assert_eq!(status, 200);
    let rule = &listed["assignment_rules"][0];
    assert_eq!((&rule["module"]["api_name"], rule["name"].is_string()), (&json!("Leads"), true));
    assert_eq!(org.get("/settings/automation/assignment_rules?module=Contacts").await.0, 204);
    let plain = made(&org, "/Leads", None).await.1;
    let maker = owner(&org, &plain).await;
    let mut chosen = Vec::new();
    for path in ["/Leads", "/Leads/upsert"] {
        let (status, answer) = made(&org, path, Some(&rule["id"])).await;
        assert!(status == 200 || status == 201, "{answer}");
        chosen.push(owner(&org, &answer).await);
    }
    assert!(chosen.iter().all(|owner| *owner != maker) && chosen[0] != chosen[1], "{chosen:?} {maker}");
    // As a number, too.
    let number = rule["id"].as_str().unwrap().parse::<u64>().unwrap();
    assert_eq!(made(&org, "/Leads", Some(&json!(number))).await.0, 201);
}

#[tokio::test]
async fn a_rule_nobody_knows_makes_nothing() {
    let org = Org::with(0).await;
    let (status, answer) = made(&org, "/Leads", Some(&json!("5545974000002099999"))).await;
    assert_eq!(status, 400);
    assert_eq!(answer["details"]["api_name"], "lar_id", "{answer}");
    let created = org.lines("ledger", 0).await.into_iter().filter(|line| line["op"] == "create").count();
    assert_eq!(created, 0);
    let rules = json!({ "assignment_rules": [] });
    assert_eq!(org.request(Method::PUT, "/__mock/config").json(&rules).send().await.unwrap().status(), 200);
    assert_eq!(org.get("/settings/automation/assignment_rules").await.0, 204);
}
