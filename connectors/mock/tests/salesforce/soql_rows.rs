//! Rows of a query: what is selected, in which shape, and what does not exist.

use serde_json::{Value, json};

use crate::org::{Org, code};

#[tokio::test]
async fn fields_come_in_canonical_names_in_the_order_asked_after_the_attributes() {
    let org = Org::with(3).await;
    let id = org.create("Contact", json!({ "LastName": "O'Neil", "Title": "VP" })).await;
    let text = org
        .text(&org.soql_path("select TITLE, id, email, account.name from contact where lastname = 'o\\'NEIL'"))
        .await;
    let expected = format!(
        "{{\"totalSize\":1,\"done\":true,\"records\":[{{\"attributes\":{{\"type\":\"Contact\",\"url\":\
         \"/services/data/v67.0/sobjects/Contact/{id}\"}},\"Title\":\"VP\",\"Id\":\"{id}\",\"Email\":null,\
         \"Account\":null}}]}}"
    );
    assert_eq!(text, expected);
}

#[tokio::test]
async fn parents_are_objects_within_and_grandparents_too() {
    let org = Org::with(0).await;
    let mother = org.create("Account", json!({ "Name": "Mother" })).await;
    let daughter = org.create("Account", json!({ "Name": "Daughter", "ParentId": mother })).await;
    org.create("Contact", json!({ "LastName": "Abe", "AccountId": daughter })).await;
    let rows =
        org.rows("SELECT c.Account.Name, Account.Parent.Name, Account.Parent.Owner.IsActive FROM Contact c").await;
    assert_eq!(rows[0]["Account"]["Name"], "Daughter");
    assert_eq!(rows[0]["Account"]["Parent"]["Name"], "Mother");
    assert_eq!(rows[0]["Account"]["Parent"]["Owner"]["IsActive"], true);
    assert_eq!(rows[0]["Account"]["attributes"]["url"], format!("/services/data/v67.0/sobjects/Account/{daughter}"));
    let rows = org.rows("SELECT Name FROM Account WHERE Parent.Name = 'mother'").await;
    assert_eq!(rows[0]["Name"], "Daughter");
    let six = "Account.Parent.Parent.Parent.Parent.Parent.Name";
    assert_eq!(org.refused(&format!("SELECT {six} FROM Contact")).await.0, "INVALID_FIELD");
}

#[tokio::test]
async fn what_may_be_several_objects_shows_its_name_and_type() {
    let org = Org::with(0).await;
    let lead = org.create("Lead", json!({ "LastName": "Chen", "Company": "Firm" })).await;
    let account = org.create("Account", json!({ "Name": "Acme" })).await;
    org.create("Task", json!({ "Subject": "Call", "WhoId": lead })).await;
    org.create("Task", json!({ "Subject": "Mail", "WhatId": account })).await;
    let rows = org.rows("SELECT Subject, Who.Type, Who.Name, What.Type FROM Task ORDER BY Subject").await;
    assert_eq!((&rows[0]["Who"]["Type"], &rows[0]["Who"]["Name"]), (&json!("Lead"), &json!("Chen")));
    assert_eq!(rows[0]["Who"]["attributes"]["type"], "Name");
    assert_eq!((&rows[0]["What"], &rows[1]["Who"]), (&Value::Null, &Value::Null));
    assert_eq!(rows[1]["What"]["Type"], "Account");
    assert_eq!(org.rows("SELECT Id FROM Task WHERE What.Type = 'Account'").await.len(), 1);
    assert_eq!(org.refused("SELECT Who.Account.Name FROM Task").await.0, "INVALID_FIELD");
    assert_eq!(org.refused("SELECT Who.Company FROM Task").await.0, "INVALID_FIELD");
}

#[tokio::test]
async fn children_nest_as_a_result_of_their_own() {
    let org = Org::with(0).await;
    let full = org.create("Account", json!({ "Name": "Full" })).await;
    org.create("Account", json!({ "Name": "Empty" })).await;
    for name in ["B", "C", "A"] {
        org.create("Contact", json!({ "LastName": name, "AccountId": full })).await;
    }
    let soql = "SELECT Name, (SELECT LastName, Account.Name FROM Contacts WHERE LastName != 'C' ORDER BY LastName DESC) \
                FROM Account ORDER BY Name DESC";
    let rows = org.rows(soql).await;
    let children = &rows[0]["Contacts"];
    assert_eq!((&children["totalSize"], &children["done"]), (&json!(2), &json!(true)));
    assert_eq!(children["records"][0]["LastName"], "B");
    assert_eq!(children["records"][1]["Account"]["Name"], "Full");
    assert_eq!(rows[1]["Contacts"], Value::Null);
    let (code, message) = org.refused("SELECT Id, (SELECT Id FROM Nopes) FROM Account").await;
    assert_eq!(code, "INVALID_TYPE");
    assert!(message.contains("Didn't understand relationship 'Nopes' in FROM part of query call."), "{message}");
}

#[tokio::test]
async fn unknown_names_are_refused_with_the_place() {
    let org = Org::with(1).await;
    assert_eq!(
        org.refused("SELECT Nope FROM Contact").await,
        (
            "INVALID_FIELD".into(),
            "\nSELECT Nope FROM Contact\n       ^\nERROR at Row:1:Column:8\nNo such column 'Nope' on entity 'Contact'. If \
             you are attempting to use a custom field, be sure to append the '__c' after the custom field name."
                .into()
        )
    );
    assert_eq!(
        org.refused("SELECT Id FROM Blob").await,
        (
            "INVALID_TYPE".into(),
            "\nSELECT Id FROM Blob\n               ^\nERROR at Row:1:Column:16\nsObject type 'Blob' is not supported."
                .into()
        )
    );
    assert_eq!(
        org.refused("SELECT Id FORM Contact").await,
        (
            "MALFORMED_QUERY".into(),
            "\nSELECT Id FORM Contact\n          ^\nERROR at Row:1:Column:11\nunexpected token: 'FORM'".into()
        )
    );
    for (soql, expected) in [
        ("SELECT Id, id FROM Contact", "INVALID_FIELD"),
        ("SELECT Nope.Name FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE Nope = 1", "INVALID_FIELD"),
        ("SELECT Id FROM Contact ORDER BY Nope", "INVALID_FIELD"),
        ("SELECT Id FROM Contact ORDER BY Description", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE Description = 'a'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE MailingAddress = 'a'", "INVALID_FIELD"),
        ("SELECT Id x FROM Contact", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
        ("SELECT COUNT(), Id FROM Contact", "MALFORMED_QUERY"),
        ("", "MALFORMED_QUERY"),
    ] {
        assert_eq!(org.refused(soql).await.0, expected, "{soql}");
    }
    assert_eq!(code(&org.get("query").await.1), "MALFORMED_QUERY");
    assert_eq!(org.post("query", json!({})).await.0, 405);
}

#[tokio::test]
async fn all_fields_need_a_small_limit_and_compounds_are_objects() {
    let org = Org::with(0).await;
    org.create("Contact", json!({ "LastName": "Abe", "MailingCity": "Turin" })).await;
    for set in ["ALL", "CUSTOM"] {
        assert_eq!(org.refused(&format!("SELECT FIELDS({set}) FROM Contact")).await.0, "MALFORMED_QUERY");
        assert_eq!(org.refused(&format!("SELECT FIELDS({set}) FROM Contact LIMIT 201")).await.0, "MALFORMED_QUERY");
    }
    let rows = org.rows("SELECT FIELDS(ALL) FROM Contact LIMIT 200").await;
    let (_, describe) = org.get("sobjects/Contact/describe").await;
    let fields = describe["fields"].as_array().expect("fields");
    assert!(fields.iter().all(|field| rows[0].get(field["name"].as_str().unwrap_or("")).is_some()), "{}", rows[0]);
    assert_eq!(rows[0]["MailingAddress"]["city"], "Turin");
    assert_eq!(rows[0]["OtherAddress"], Value::Null);
    assert_eq!(org.rows("SELECT FIELDS(STANDARD) FROM Contact").await.len(), 1);
}
