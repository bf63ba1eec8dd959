//! Whatever road an index opens, it leads to the rows that a walk over all of them finds; and what the user may not see is
//! on no road.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::org::Org;

impl Org {
    async fn found(&self, object: &str, condition: &str) -> BTreeSet<String> {
        let rows = self.rows(&format!("SELECT Id FROM {object} WHERE {condition} LIMIT 1000")).await;
        rows.iter().filter_map(|row| row["Id"].as_str()).map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn an_index_finds_what_a_walk_finds() {
    let org = Org::with(300).await;
    for (object, field) in [
        ("Contact", "Id"),
        ("Contact", "Email"),
        ("Contact", "AccountId"),
        ("Lead", "Email"),
        ("Opportunity", "AccountId"),
        ("OpportunityContactRole", "OpportunityId"),
        ("OpportunityContactRole", "ContactId"),
        ("Task", "WhoId"),
        ("Task", "WhatId"),
        ("Task", "AccountId"),
        ("Contact", "OwnerId"),
    ] {
        let selected = if field == "Id" { "Id".to_owned() } else { format!("Id, {field}") };
        let rows = org.rows(&format!("SELECT {selected} FROM {object} WHERE {field} != null LIMIT 12")).await;
        let values: Vec<&str> = rows.iter().filter_map(|row| row[field].as_str()).collect();
        // Change some of them, so that held records are found as well as generated ones.
        for row in rows.iter().take(2) {
            org.rep("touch", json!({ "object": object, "id": row["Id"] })).await;
        }
        for value in &values {
            let by_index = org.found(object, &format!("{field} = '{value}'")).await;
            let by_walk = org.found(object, &format!("(NOT {field} != '{value}')")).await;
            assert!(!by_index.is_empty(), "{object}.{field} = {value}");
            assert_eq!(by_index, by_walk, "{object}.{field} = {value}");
        }
        if let [first, second, ..] = values.as_slice() {
            let by_index = org.found(object, &format!("{field} IN ('{first}', '{second}')")).await;
            let by_walk = org.found(object, &format!("(NOT {field} NOT IN ('{first}', '{second}'))")).await;
            assert_eq!(by_index, by_walk, "{object}.{field}");
        }
    }
}

#[tokio::test]
async fn every_way_of_bounding_a_window_bounds_it_the_same() {
    let org = Org::with(300).await;
    let rows = org.rows("SELECT Id, SystemModstamp FROM Contact ORDER BY SystemModstamp, Id").await;
    let stamp = |at: usize| rows[at]["SystemModstamp"].as_str().expect("a stamp").replace("+0000", "Z");
    let id = |at: usize| rows[at]["Id"].as_str().expect("an id");
    let (low, high) = (stamp(100), stamp(200));
    for condition in [
        format!("SystemModstamp >= {low} AND SystemModstamp < {high}"),
        format!("(SystemModstamp > {low} OR SystemModstamp = {low}) AND (NOT SystemModstamp >= {high})"),
        format!(
            "SystemModstamp < {high} AND (SystemModstamp > {low} OR (SystemModstamp = {low} AND Id > '{}'))",
            id(99)
        ),
        format!("SystemModstamp = LAST_N_YEARS:50 AND SystemModstamp >= {low} AND SystemModstamp < {high}"),
        format!("SystemModstamp < {high} AND LastName != null AND SystemModstamp >= {low}"),
    ] {
        let by_road = org.found("Contact", &condition).await;
        let by_walk = org.found("Contact", &format!("(NOT ({condition}) ) AND Id != null")).await;
        let all = org.found("Contact", "Id != null").await;
        assert_eq!(by_road, all.difference(&by_walk).cloned().collect(), "{condition}");
        assert!((90..=110).contains(&by_road.len()), "{condition}: {}", by_road.len());
        let counted = org.soql(&format!("SELECT COUNT() FROM Contact WHERE {condition}")).await.1;
        assert_eq!(counted["totalSize"], by_road.len(), "{condition}");
    }
    let last = org.rows("SELECT Id FROM Contact ORDER BY SystemModstamp DESC, Id DESC LIMIT 1").await;
    assert_eq!(last[0]["Id"], id(299));
}

#[tokio::test]
async fn a_field_the_user_may_not_see_does_not_exist() {
    let org = Org::with(3).await;
    org.rep("field-security", json!({ "object": "Contact", "field": "Phone", "access": "none" })).await;
    for soql in [
        "SELECT Phone FROM Contact",
        "SELECT Id FROM Contact WHERE Phone = '1'",
        "SELECT Id FROM Contact ORDER BY Phone",
        "SELECT COUNT(Phone) FROM Contact",
        "SELECT Contact.Phone FROM OpportunityContactRole",
    ] {
        let (code, message) = org.refused(soql).await;
        assert_eq!(code, "INVALID_FIELD", "{soql}");
        assert!(message.contains("No such column 'Phone' on entity 'Contact'."), "{soql}: {message}");
    }
    assert!(org.rows("SELECT FIELDS(ALL) FROM Contact LIMIT 1").await[0].get("Phone").is_none());
    org.rep("field-security", json!({ "object": "Contact", "field": "AccountId", "access": "none" })).await;
    let (_, message) = org.refused("SELECT Account.Name FROM Contact").await;
    assert!(message.contains("Didn't understand relationship 'Account' in field path."), "{message}");
}

#[tokio::test]
async fn multi_select_values_are_asked_for_in_sets() {
    let org = Org::with(0).await;
    let field = json!({ "name": "Interests__c", "type": "multipicklist", "options": ["A", "B", "C"] });
    org.rep("property", json!({ "object": "Contact", "create": field })).await;
    for (name, value) in [("One", json!("A")), ("Two", json!("A;B")), ("None", Value::Null)] {
        org.create("Contact", json!({ "LastName": name, "Interests__c": value })).await;
    }
    for (condition, count) in
        [("INCLUDES ('A;B','C')", 1), ("INCLUDES ('a')", 2), ("EXCLUDES ('A;B')", 2), ("= 'a;b'", 1)]
    {
        assert_eq!(org.found("Contact", &format!("Interests__c {condition}")).await.len(), count, "{condition}");
    }
}
