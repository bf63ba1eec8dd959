//! What columns hold, how it is shown, and what a body may say.

use serde_json::{Value, json};

use crate::org::{Org, code, id, message, read};

#[tokio::test]
async fn money_dates_choices_and_lookups_are_shown_as_the_vendor_does() {
    let org = Org::with(20).await;
    let euro = "e0000000-0000-4001-8000-000000000002";
    let made = org
        .create(
            "opportunities",
            json!({ "name": "Renewal", "estimatedvalue": 12500, "estimatedclosedate": "2026-01-04",
                    "transactioncurrencyid@odata.bind": format!("/transactioncurrencies({euro})"),
                    "customerid_account@odata.bind": format!("/accounts({})", id('a', 0)),
                    "parentcontactid@odata.bind": format!("contacts({})", id('c', 0)) }),
        )
        .await;
    let select = "name,estimatedvalue,estimatedvalue_base,estimatedclosedate,statecode,_customerid_value,modifiedon";
    let path = format!("opportunities({made})?$select={select}");
    let call = org.call(reqwest::Method::GET, &path).header("prefer", "odata.include-annotations=\"*\"");
    let text = call.send().await.unwrap().text().await.unwrap();
    let account = org.read("accounts", &id('a', 0)).await["name"].as_str().unwrap().to_owned();
    for part in [
        "\"estimatedvalue@OData.Community.Display.V1.FormattedValue\":\"€12,500.00\",\"estimatedvalue\":12500.0000",
        "\"estimatedvalue_base\":15625.0000",
        "\"estimatedclosedate@OData.Community.Display.V1.FormattedValue\":\"1/4/2026\",\"estimatedclosedate\":\"2026-01-04\"",
        "\"statecode@OData.Community.Display.V1.FormattedValue\":\"Open\",\"statecode\":0",
        "\"_customerid_value@Microsoft.Dynamics.CRM.associatednavigationproperty\":\"customerid_account\"",
        "\"_customerid_value@Microsoft.Dynamics.CRM.lookuplogicalname\":\"account\"",
        &format!("\"_customerid_value@OData.Community.Display.V1.FormattedValue\":\"{account}\""),
        &format!("\"_transactioncurrencyid_value\":\"{euro}\""),
        &format!("\"opportunityid\":\"{made}\""),
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(text.starts_with(&format!("{{\"@odata.context\":\"{}", org.mock.url())), "{text}");
    let stamp = serde_json::from_str::<Value>(&text).unwrap()["modifiedon"].as_str().unwrap().to_owned();
    assert!(stamp.len() == 20 && stamp.ends_with('Z'), "{stamp}");
}

#[tokio::test]
async fn a_body_is_refused_for_what_the_model_does_not_have() {
    let org = Org::with(3).await;
    let path = format!("contacts({})", id('c', 0));
    let account = format!("/accounts({})", id('a', 0));
    for (body, status, error, said) in [
        (json!({ "nope": 1 }), 400, "0x80048d19", "Could not find a property named 'nope'"),
        (json!({ "JobTitle": "x" }), 400, "0x80048d19", "'JobTitle'"),
        (json!({ "jobtitle": 5 }), 400, "0x80048d19", "Cannot convert the literal '5'"),
        (json!({ "birthdate": "1990-04-01T00:00:00Z" }), 400, "0x80048d19", "'Edm.Date'"),
        (json!({ "parentcustomerid": id('a', 0) }), 400, "0x80048d19", "Use Navigation properties"),
        (json!({ "_parentcustomerid_value": id('a', 0) }), 400, "0x80048d19", "Use Navigation properties"),
        (json!({ "ParentCustomerId_account@odata.bind": account }), 400, "0x80048d19", "An undeclared property"),
        (json!({ "parentcustomerid_contact@odata.bind": account }), 400, "0x80048d19", "cannot be set"),
        (json!({ "parentcustomerid_account@odata.bind": "/nowhere(1)" }), 404, "0x80060888", "'nowhere'"),
        (
            json!({ "jobtitle": "x".repeat(101) }),
            400,
            "0x80044331",
            "A validation error occurred.  The length of the 'jobtitle'",
        ),
        (json!({ "gendercode": 9 }), 400, "0x8004431A", "Accepted Values: 1,2"),
        (json!({ "emailaddress1": "nobody@firm.test" }), 400, "0x80040203", "e-mail"),
        (
            json!({ "statecode": 0, "statuscode": 2 }),
            400,
            "0x80048408",
            "2 is not a valid status code for state code ContactState.Active",
        ),
    ] {
        let (answered, answer) = org.change(&path, body.clone()).await;
        assert_eq!((answered.as_u16(), code(&answer)), (status, error), "{body} {answer}");
        assert!(message(&answer).contains(said), "{body} {answer}");
    }
    assert!(org.lines("ledger", 0).await.is_empty());
    // A computed name is ignored, a new state takes its first status, null clears, every bind form is taken.
    let url = format!("{}/api/data/v9.2/accounts({})", org.mock.url(), id('a', 0));
    for body in [
        json!({ "fullname": "Somebody Else", "statecode": 1 }),
        json!({ "parentcustomerid_account@odata.bind": null }),
        json!({ "parentcustomerid_account@odata.bind": url }),
        json!({ "ownerid@odata.bind": "/teams(51000000-0000-4001-8000-000000000001)" }),
    ] {
        assert_eq!(org.change(&path, body.clone()).await.0, 204, "{body}");
    }
    let contact = org.read("contacts", &id('c', 0)).await;
    assert_eq!((&contact["statecode"], &contact["statuscode"]), (&json!(1), &json!(2)));
    assert_ne!(contact["fullname"], "Somebody Else");
    assert_eq!(contact["_parentcustomerid_value"], id('a', 0));
    let call = org.call(reqwest::Method::PATCH, &path).header("prefer", "odata.include-annotations=\"*\"");
    let (_, body) = read(call.json(&json!({ "nope": 1 })).send().await.unwrap()).await;
    assert!(body["error"]["@Microsoft.PowerApps.CDS.TraceText"].is_string(), "{body}");
    assert!(body["error"]["@Microsoft.PowerApps.CDS.ErrorDetails.SubErrorCode"].is_string());
    org.config(json!({ "blank_error_codes": true })).await;
    assert_eq!(code(&org.change(&path, json!({ "nope": 1 })).await.1), "");
}

#[tokio::test]
async fn properties_and_references_are_places_of_their_own() {
    let org = Org::with(9).await;
    let path = format!("contacts({})", id('c', 0));
    let put = |path: String, body: Value| org.call(reqwest::Method::PUT, &path).json(&body).send();
    assert_eq!(put(format!("{path}/jobtitle"), json!({ "value": "VP" })).await.unwrap().status(), 204);
    assert_eq!(org.get(&format!("{path}/jobtitle")).await.1["value"], "VP");
    assert_eq!(org.delete(&format!("{path}/jobtitle")).await.0, 204);
    assert_eq!(org.get(&format!("{path}/jobtitle")).await.0, 204, "nothing there");
    assert_eq!(org.delete(&format!("{path}/parentcustomerid_account/$ref")).await.0, 204);
    assert_eq!(org.read("contacts", &id('c', 0)).await["_parentcustomerid_value"], Value::Null);
    let place = json!({ "@odata.id": format!("{}/api/data/v9.2/accounts({})", org.mock.url(), id('a', 1)) });
    assert_eq!(put(format!("{path}/parentcustomerid_account/$ref"), place).await.unwrap().status(), 204);
    let (_, row) = org.get(&format!("{path}?$select=fullname&$expand=parentcustomerid_account($select=name)")).await;
    assert_eq!(row["parentcustomerid_account"]["accountid"], id('a', 1));
    let (_, firm) = org
        .get(&format!(
            "accounts({})?$select=name&$expand=contact_customer_accounts($select=fullname;$top=2)",
            id('a', 1)
        ))
        .await;
    assert_eq!(firm["contact_customer_accounts"].as_array().unwrap().len(), 2);
    let staff = org.rows(&format!("accounts({})/contact_customer_accounts?$select=fullname", id('a', 1))).await;
    assert_eq!(staff.len(), 2);
}

#[tokio::test]
async fn duplicate_rules_speak_when_they_are_asked() {
    let rule = json!({ "duplicate_rules": [{ "table": "contact", "columns": ["emailaddress1"] }] });
    let org = Org::knobs(3, rule).await;
    let known = org.read("contacts", &id('c', 0)).await["emailaddress1"].clone();
    let body = json!({ "lastname": "Twin", "emailaddress1": known });
    let call = |suppress: &str| {
        let call = org.call(reqwest::Method::POST, "contacts").header("mscrm.suppressduplicatedetection", suppress);
        call.json(&body).send()
    };
    let (status, answer) = read(call("false").await.unwrap()).await;
    assert_eq!((status.as_u16(), code(&answer)), (412, "0x80040333"));
    assert_eq!(call("true").await.unwrap().status(), 204);
}
