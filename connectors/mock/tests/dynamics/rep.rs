//! What people do: qualified leads, merges, closed deals, links, and automation.

use serde_json::{Value, json};

use crate::org::{Org, code, id};

#[tokio::test]
async fn a_lead_becomes_a_contact_an_account_and_a_deal() {
    let org = Org::with(30).await;
    let open = org.rows("leads?$filter=statecode eq 0&$select=leadid,emailaddress1&$top=2").await;
    let lead = open[0]["leadid"].as_str().unwrap();
    let made = org.rep("convert", json!({ "id": lead, "opportunity": true })).await;
    let contact = org.read("contacts", made["contact"].as_str().unwrap()).await;
    assert_eq!(
        (&contact["emailaddress1"], &contact["_originatingleadid_value"]),
        (&open[0]["emailaddress1"], &json!(lead))
    );
    assert_eq!(contact["_parentcustomerid_value"], made["account"]);
    let deal = org.read("opportunities", made["opportunity"].as_str().unwrap()).await;
    assert_eq!((&deal["_originatingleadid_value"], &deal["statecode"]), (&json!(lead), &json!(0)));
    let after = org.read("leads", lead).await;
    assert_eq!((&after["statecode"], &after["statuscode"]), (&json!(1), &json!(3)));
    assert_eq!(
        (&after["_parentcontactid_value"], &after["_parentaccountid_value"]),
        (&made["contact"], &made["account"])
    );
    let (status, body) =
        org.change(&format!("leads({})", open[1]["leadid"].as_str().unwrap()), json!({ "statecode": 1 })).await;
    assert_eq!((status.as_u16(), code(&body)), (400, "0x80040203"), "only the action qualifies");
    let lead = json!({ "LeadId": { "leadid": open[1]["leadid"], "@odata.type": "Microsoft.Dynamics.CRM.lead" },
        "CreateAccount": true, "CreateContact": true, "CreateOpportunity": false, "Status": 3 });
    let (status, body) = org.post("QualifyLead", lead).await;
    assert_eq!((status.as_u16(), body["value"].as_array().unwrap().len()), (200, 2), "{body}");
}

#[tokio::test]
async fn a_merge_leaves_one_that_is_right_and_one_that_names_it() {
    let org = Org::with(30).await;
    let (winner, loser) = (id('c', 0), id('c', 1));
    let task = org
        .create(
            "tasks",
            json!({ "subject": "Call", "regardingobjectid_contact_task@odata.bind": format!("/contacts({loser})") }),
        )
        .await;
    let body = json!({ "Target": { "contactid": winner, "@odata.type": "Microsoft.Dynamics.CRM.contact" },
        "Subordinate": { "contactid": loser, "@odata.type": "Microsoft.Dynamics.CRM.contact" },
        "UpdateContent": { "jobtitle": "Kept", "@odata.type": "Microsoft.Dynamics.CRM.contact" }, "PerformParentingChecks": false });
    assert_eq!(org.post("Merge", body.clone()).await.0, 204);
    let gone = org.read("contacts", &loser).await;
    assert_eq!(
        (&gone["statecode"], &gone["merged"], &gone["_masterid_value"]),
        (&json!(1), &json!(true), &json!(winner))
    );
    assert_eq!(org.read("contacts", &winner).await["jobtitle"], "Kept");
    assert_eq!(org.read("tasks", &task).await["_regardingobjectid_value"], winner);
    assert_eq!(org.post("Merge", body).await.0, 400, "once");
    let line = org.lines("ledger", 0).await.into_iter().find(|line| line["op"] == "merge").unwrap();
    assert_eq!((&line["record"], &line["before"]["secondary"]), (&json!(winner), &json!(loser)));
    org.rep("merge", json!({ "object": "contacts", "primary": id('c', 2), "secondary": id('c', 3) })).await;
    assert_eq!(org.read("contacts", &id('c', 3)).await["_masterid_value"], id('c', 2));
}

#[tokio::test]
async fn a_deal_is_won_through_the_action_and_then_stays_as_it_was() {
    let org = Org::with(30).await;
    let deal = org.create("opportunities", json!({ "name": "Deal", "estimatedvalue": 500 })).await;
    let path = format!("opportunities({deal})");
    let (status, body) = org.change(&path, json!({ "statecode": 1 })).await;
    assert_eq!((status.as_u16(), code(&body)), (400, "0x80040203"));
    let close = json!({ "Status": 3, "OpportunityClose": { "subject": "Won", "actualrevenue": 450, "actualend": "2026-02-03T10:00:00Z",
        "opportunityid@odata.bind": format!("/opportunities({deal})") } });
    assert_eq!(org.post("WinOpportunity", close.clone()).await.0, 204);
    assert_eq!(org.post("WinOpportunity", close).await.0, 400);
    let won = org.read("opportunities", &deal).await;
    assert_eq!(
        (&won["statecode"], &won["statuscode"], &won["actualclosedate"]),
        (&json!(1), &json!(3), &json!("2026-02-03"))
    );
    assert_eq!(won["actualvalue"].as_f64(), Some(450.0));
    assert_eq!(org.rows(&format!("{path}/Opportunity_OpportunityClose?$select=subject")).await.len(), 1);
    org.rep("property", json!({ "object": "deal", "create": { "name": "new_Score", "type": "int" } })).await;
    let (status, body) = org.change(&path, json!({ "name": "Other" })).await;
    assert_eq!((status.as_u16(), code(&body)), (400, "0x80040265"));
    assert_eq!(org.change(&path, json!({ "new_score": 5 })).await.0, 204);
    org.config(json!({ "closed_refuses_all": true })).await;
    assert_eq!(org.change(&path, json!({ "new_score": 6 })).await.0, 400);
    org.rep("reopen", json!({ "id": deal })).await;
    org.rep("close", json!({ "id": deal, "won": false })).await;
    assert_eq!(org.read("opportunities", &deal).await["statecode"], 2);
}

#[tokio::test]
async fn rows_go_with_what_they_are_about_and_come_back() {
    let org = Org::with(30).await;
    let firm = id('a', 0);
    let note = org
        .create(
            "annotations",
            json!({ "subject": "Note", "objectid_account@odata.bind": format!("/accounts({firm})") }),
        )
        .await;
    org.rep("delete", json!({ "object": "company", "id": firm })).await;
    assert_eq!(org.get(&format!("annotations({note})")).await.0, 404);
    assert_eq!(org.read("contacts", &id('c', 0)).await["_parentcustomerid_value"], Value::Null);
    org.rep("restore", json!({ "object": "company", "id": firm })).await;
    assert_eq!(org.read("accounts", &firm).await["accountid"], firm);
    org.rep("associate", json!({ "from": "contacts", "from_id": id('c', 0), "to": "companies", "to_id": firm })).await;
    assert_eq!(org.read("contacts", &id('c', 0)).await["_parentcustomerid_value"], firm);
    let seller =
        org.rep("owner", json!({ "email": "new@seller.example", "first_name": "Nia", "last_name": "Nu" })).await;
    assert_eq!(org.read("systemusers", seller["id"].as_str().unwrap()).await["fullname"], "Nia Nu");
    let activities = org.rows("activitypointers?$select=subject,activitytypecode&$top=3").await;
    assert!(activities.iter().all(|row| row["activitytypecode"] == "task"));
}

#[tokio::test]
async fn automation_rewrites_at_once_or_later() {
    let org = Org::with(3).await;
    org.rep("property", json!({ "object": "contact", "create": { "name": "new_Score", "type": "decimal" } })).await;
    let rules = json!({ "workflows": [{ "object": "contact", "property": "new_score", "action": "round", "after_s": 10 },
                                      { "object": "contact", "property": "jobtitle", "action": "upper", "immediate": true }] });
    org.config(rules).await;
    let path = format!("contacts({})", id('c', 0));
    assert_eq!(org.change(&path, json!({ "new_score": 81.6, "jobtitle": "vp" })).await.0, 204);
    let row = org.read("contacts", &id('c', 0)).await;
    assert_eq!((row["new_score"].as_f64(), &row["jobtitle"]), (Some(81.6), &json!("VP")));
    org.config(json!({ "clock_offset_s": 11 })).await;
    assert_eq!(org.read("contacts", &id('c', 0)).await["new_score"].as_f64(), Some(82.0));
    org.rep("property", json!({ "object": "contact", "name": "new_score", "read_only": true })).await;
    let (status, body) = org.change(&path, json!({ "new_score": 1 })).await;
    assert_eq!((status.as_u16(), code(&body)), (403, "0x8004f507"));
}
