//! Rules in the CRM that rewrite what was written: the other party in a fight over a field.

use serde_json::{Value, json};

use crate::portal::{CONTACTS, Portal};

async fn written(portal: &Portal, rule: Value, value: &str) -> (String, String) {
    portal.config(json!({ "workflows": [rule] })).await;
    let id = portal.contacts(1).await[0]["id"].as_str().unwrap().to_owned();
    let path = format!("{CONTACTS}/{id}?properties=city");
    let (_, answer) = portal.patch(&path, json!({ "properties": { "city": value } })).await;
    let text = |body: &Value| body["properties"]["city"].as_str().unwrap_or("").to_owned();
    (text(&answer), text(&portal.get(&path).await.1))
}

fn rule(action: &str, immediate: bool) -> Value {
    json!({ "object": "contacts", "property": "city", "action": action, "value": "Fixed", "digits": 1, "immediate": immediate })
}

#[tokio::test]
async fn a_rule_rewrites_at_once_or_behind_the_writers_back() {
    let portal = Portal::with(1).await;
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(written(&portal, rule("trim", true), " Oslo ").await, pair("Oslo", "Oslo"));
    assert_eq!(written(&portal, rule("upper", false), "Oslo").await, pair("Oslo", "OSLO"));
    assert_eq!(written(&portal, rule("set", false), "Oslo").await, pair("Oslo", "Fixed"));
    assert_eq!(written(&portal, rule("round", true), "12.3456").await, pair("12.3", "12.3"));
    assert_eq!(written(&portal, rule("revert", false), "Bergen").await, pair("Bergen", "12.3"));
    let by: Vec<Value> = portal.lines("ledger", 0).await.iter().map(|line| line["by"].clone()).collect();
    assert_eq!(by, ["api", "api", "workflow", "api", "workflow", "api", "api", "workflow"]);
}
