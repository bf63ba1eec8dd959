//! Pages for people.

use reqwest::Method;
use serde_json::json;

use crate::org::{Org, nth};

async fn page(org: &Org, path: &str) -> (u16, String) {
    let answer = org.request(Method::GET, path).send().await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_person_finds_a_record_and_sees_what_was_written() {
    let org = Org::with(60).await;
    let field = json!({ "name": "CDP_Score", "label": "Lead score", "type": "number" });
    org.rep("property", json!({ "object": "Contact", "create": field })).await;
    let written = json!({ "CDP_Score__c": 87, "MailingCity": "<b>Bergen</b>" });
    assert_eq!(org.patch(&format!("sobjects/Contact/{}", nth("003", 0)), written).await.0, 204);
    let contact = org.read("Contact", &nth("003", 0)).await;
    let id = contact["Id"].as_str().unwrap();
    let path = format!("/lightning/r/Contact/{id}/view");

    let (status, list) = page(&org, "/").await;
    assert_eq!(status, 200);
    assert!(list.contains(contact["Email"].as_str().unwrap()) && list.contains(&path));
    assert!(list.contains("Next 25"));
    assert!(page(&org, "/lightning/o/Contact/list?q=nobody-of-this-name").await.1.contains("Nothing found"));
    for object in ["Account", "Opportunity", "Lead", "Task", "User"] {
        let (_, list) = page(&org, &format!("/lightning/o/{object}/list")).await;
        assert!(list.contains(&format!("/lightning/r/{object}/")), "{object}");
    }

    let (status, record) = page(&org, &path).await;
    assert_eq!(status, 200);
    let (enriched, plain) = record.split_once("About this contact").unwrap();
    assert!(enriched.contains("Lead score") && enriched.contains("87"));
    assert!(plain.contains("&lt;b&gt;Bergen&lt;/b&gt;") && !record.contains("<b>Bergen"));
    assert!(plain.contains("/lightning/r/Account/") && plain.contains("/lightning/r/User/"), "records by their names");
    assert!(plain.contains("History") && plain.contains("update by api"));
    assert_eq!(page(&org, &format!("/{}", nth("003", 0))).await.1, record, "the short address is the same page");
    assert_eq!(page(&org, "/lightning/r/Contact/003xx0000099999AAA/view").await.0, 404);
    assert!(
        org.lines("requests", 0).await.iter().all(|line| !line["path"].as_str().unwrap().starts_with("/lightning")),
        "looking is no API call"
    );
}

#[tokio::test]
async fn a_page_tells_what_became_of_a_lead_and_who_decides_a_deal() {
    let org = Org::with(60).await;
    let made = org.rep("convert", json!({ "id": nth("00Q", 0), "opportunity": true })).await;
    let (_, lead) = page(&org, &format!("/{}", nth("00Q", 0))).await;
    assert!(lead.contains("This lead was converted on") && lead.contains(made["contact"].as_str().unwrap()));
    let (_, deal) = page(&org, &format!("/{}", made["opportunity"].as_str().unwrap())).await;
    assert!(deal.contains("Opportunity Contact Roles (1)") && deal.contains(made["contact"].as_str().unwrap()));
    org.rep("delete", json!({ "object": "contacts", "id": nth("003", 1) })).await;
    assert!(page(&org, &format!("/{}", nth("003", 1))).await.1.contains("in the recycle bin"));
    org.rep("field-security", json!({ "object": "Contact", "field": "Title", "access": "none" })).await;
    assert!(page(&org, &format!("/{}", nth("003", 2))).await.1.contains("hidden from the integration user"));
}
