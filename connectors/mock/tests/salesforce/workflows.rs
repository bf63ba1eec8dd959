//! The CRM's own automation: the other party in a fight over a field.

use reqwest::Method;
use serde_json::{Value, json};

use crate::org::{Org, nth, read};

/// What the field holds once the write is answered.
async fn written(org: &Org, rule: Value, value: Value) -> Value {
    org.config(json!({ "workflows": [rule] })).await;
    let path = format!("sobjects/Contact/{}", nth("003", 0));
    assert_eq!(org.patch(&path, json!({ "CDP_Note__c": value })).await.0, 204);
    org.read("Contact", &nth("003", 0)).await["CDP_Note__c"].clone()
}

fn rule(action: &str, immediate: bool) -> Value {
    json!({ "object": "contacts", "property": "cdp_note__c", "action": action, "value": "Fixed", "digits": 1, "immediate": immediate })
}

#[tokio::test]
async fn a_rule_rewrites_as_part_of_the_write_or_behind_its_back() {
    let org = Org::with(1).await;
    org.rep("property", json!({ "object": "Contact", "create": { "name": "CDP_Note" } })).await;
    assert_eq!(written(&org, rule("upper", true), json!("Oslo")).await, "OSLO");
    assert_eq!(written(&org, rule("lower", false), json!("Oslo")).await, "oslo");
    assert_eq!(written(&org, rule("set", false), json!("Oslo")).await, "Fixed");
    assert_eq!(written(&org, rule("round", true), json!("12.3456")).await, "12.3");
    assert_eq!(written(&org, rule("revert", false), json!("Bergen")).await, "12.3");
    assert_eq!(written(&org, rule("append", true), json!("Bergen")).await, "BergenFixed");
    assert_eq!(written(&org, rule("clear", false), json!("Bergen")).await, Value::Null);
    let ledger = org.lines("ledger", 0).await;
    let by: Vec<&str> = ledger.iter().map(|line| line["by"].as_str().unwrap()).collect();
    assert_eq!(by, ["api", "api", "workflow", "api", "workflow", "api", "api", "workflow", "api", "api", "workflow"]);
    assert!(ledger.iter().filter(|line| line["by"] == "workflow").all(|line| line["request"].is_number()));
}

#[tokio::test]
async fn a_rounded_number_stays_a_number() {
    let org = Org::with(1).await;
    org.rep(
        "property",
        json!({ "object": "Contact", "create": { "name": "CDP_Score", "type": "number", "scale": 4 } }),
    )
    .await;
    let rule = json!({ "object": "Contact", "property": "CDP_Score__c", "action": "round", "digits": 1 });
    org.config(json!({ "workflows": [rule] })).await;
    org.patch(&format!("sobjects/Contact/{}", nth("003", 0)), json!({ "CDP_Score__c": 87.456 })).await;
    assert_eq!(org.read("Contact", &nth("003", 0)).await["CDP_Score__c"].as_f64(), Some(87.5));
}

#[tokio::test]
async fn automation_may_come_later_and_move_only_the_stamp() {
    let rule = json!({ "object": "Contact", "action": "touch", "after_s": 30 });
    let org = Org::knobs(1, json!({ "workflows": [rule], "frozen_at": "2026-06-01T02:00:00Z" })).await;
    org.patch(&format!("sobjects/Contact/{}", nth("003", 0)), json!({ "Title": "Pilot" })).await;
    let stamps = async || {
        let seen = org.read("Contact", &nth("003", 0)).await;
        (
            seen["SystemModstamp"].as_str().unwrap()[11..19].to_owned(),
            seen["LastModifiedDate"].as_str().unwrap()[11..19].to_owned(),
        )
    };
    assert_eq!(stamps().await, ("02:00:00".to_owned(), "02:00:00".to_owned()));
    org.freeze("2026-06-01T02:00:31Z").await;
    assert_eq!(stamps().await, ("02:00:30".to_owned(), "02:00:00".to_owned()));
    assert_eq!(org.lines("ledger", 0).await.len(), 1, "a touch changes no field");
}

#[tokio::test]
async fn a_rule_about_nothing_is_refused() {
    let org = Org::with(1).await;
    for rule in [
        json!({ "object": "tickets", "property": "x", "action": "trim" }),
        json!({ "object": "Lead", "action": "trim" }),
    ] {
        let body = json!({ "workflows": [rule] });
        let (status, answer) = read(org.request(Method::PUT, "/__mock/config").json(&body).send().await.unwrap()).await;
        assert_eq!(status, 400, "{answer}");
    }
}
