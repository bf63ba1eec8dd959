//! What a field takes: lengths, precision, picklists, required and read-only fields, references.

use serde_json::{Value, json};

use crate::org::{Org, code};

#[tokio::test]
async fn a_bad_value_is_refused_with_its_code_and_field() {
    let org = Org::with(1).await;
    let deal = json!({ "Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-03-04" });
    let deal = org.create("Opportunity", deal).await;
    let contact = org.create("Contact", json!({ "LastName": "Ruiz" })).await;
    let account = org.create("Account", json!({ "Name": "Norhaven" })).await;
    org.delete(&format!("sobjects/Account/{account}")).await;
    for (object, id, field, value, error) in [
        ("Contact", &contact, "FirstName", json!("x".repeat(41)), "STRING_TOO_LONG"),
        ("Contact", &contact, "Email", json!("not an address"), "INVALID_EMAIL_ADDRESS"),
        ("Contact", &contact, "LastName", json!(null), "REQUIRED_FIELD_MISSING"),
        ("Contact", &contact, "LastName", json!(""), "REQUIRED_FIELD_MISSING"),
        ("Contact", &contact, "Birthdate", json!("1990-02-30"), "JSON_PARSER_ERROR"),
        ("Contact", &contact, "DoNotCall", json!("perhaps"), "JSON_PARSER_ERROR"),
        ("Contact", &contact, "AccountId", json!("001"), "MALFORMED_ID"),
        ("Contact", &contact, "AccountId", json!(contact), "MALFORMED_ID"),
        ("Contact", &contact, "AccountId", json!("001xx00000ZZZZZ"), "INVALID_CROSS_REFERENCE_KEY"),
        ("Contact", &contact, "AccountId", json!(account), "INVALID_CROSS_REFERENCE_KEY"),
        ("Contact", &contact, "CreatedDate", json!("2026-01-01T00:00:00Z"), "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ("Contact", &contact, "Name", json!("Ada Ruiz"), "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ("Contact", &contact, "Id", json!(contact), "INVALID_FIELD"),
        ("Contact", &contact, "Nope__c", json!(1), "INVALID_FIELD"),
        ("Opportunity", &deal, "Amount", json!(1e17), "NUMBER_OUTSIDE_VALID_RANGE"),
        ("Opportunity", &deal, "Amount", json!(""), "JSON_PARSER_ERROR"),
        ("Opportunity", &deal, "IsWon", json!(true), "INVALID_FIELD_FOR_INSERT_UPDATE"),
    ] {
        let (status, body) = org.patch(&format!("sobjects/{object}/{id}"), json!({ field: value.clone() })).await;
        assert_eq!((status.as_u16(), code(&body)), (400, error), "{field} {value} {body}");
    }
    let (status, body) = org.post("sobjects/Lead", json!({ "FirstName": "M" })).await;
    let words = "Required fields are missing: [LastName, Company]";
    assert_eq!((status.as_u16(), body[0]["message"].as_str()), (400, Some(words)));
    assert_eq!(body[0]["fields"], json!(["LastName", "Company"]));
    assert_eq!(org.lines("ledger", 0).await.len(), 4);
}

#[tokio::test]
async fn what_is_kept_is_what_the_field_can_hold() {
    let org = Org::with(0).await;
    let deal =
        json!({ "Name": "Deal", "StageName": "closed won", "CloseDate": "2026-03-04T23:00:00Z", "Amount": 1234.567 });
    let id = org.create("Opportunity", deal).await;
    let deal = org.read("Opportunity", &id).await;
    assert_eq!((deal["Amount"].to_string().as_str(), deal["CloseDate"].as_str()), ("1234.57", Some("2026-03-04")));
    assert_eq!((deal["IsClosed"].as_bool(), deal["IsWon"].as_bool()), (Some(true), Some(true)));
    assert_eq!((deal["StageName"].as_str(), deal["Probability"].to_string().as_str()), (Some("Closed Won"), "100.0"));
    assert_eq!(deal["OwnerId"], "005xx000001SwiUAAS");
    let id =
        org.create("Account", json!({ "Name": "  Norhaven ", "NumberOfEmployees": 50, "AnnualRevenue": "7" })).await;
    let account = org.read("Account", &id).await;
    assert_eq!((account["Name"].as_str(), account["NumberOfEmployees"].to_string().as_str()), (Some("Norhaven"), "50"));
    assert_eq!(account["AnnualRevenue"].to_string(), "7.0");
    org.patch(&format!("sobjects/Account/{id}"), json!({ "Website": "", "AnnualRevenue": null })).await;
    let account = org.read("Account", &id).await;
    assert!(account["Website"].is_null() && account["AnnualRevenue"].is_null());
}

#[tokio::test]
async fn an_inactive_user_owns_nothing_new() {
    let org = Org::with(0).await;
    let body =
        json!({ "Username": "left@acme.example", "LastName": "Left", "Email": "left@acme.example", "IsActive": false });
    let user = org.create("User", body).await;
    let (status, body) = org.post("sobjects/Account", json!({ "Name": "Norhaven", "OwnerId": user })).await;
    assert_eq!((status.as_u16(), code(&body)), (400, "INACTIVE_OWNER_OR_USER"));
    let (status, body) = org.delete(&format!("sobjects/User/{user}")).await;
    assert_eq!((status.as_u16(), code(&body)), (403, "INSUFFICIENT_ACCESS_OR_READONLY"));
    let (_, organization) = org.get("sobjects/Organization/00Dxx0000001gPLEAY").await;
    let isolated: Vec<&Value> = ["Name", "IsSandbox", "OrganizationType"].iter().map(|f| &organization[*f]).collect();
    assert_eq!(isolated, [&json!("Acme"), &json!(false), &json!("Enterprise Edition")]);
}
