//! Pages for people.

use reqwest::Method;
use serde_json::json;

use crate::portal::{CONTACTS, Portal};

async fn page(portal: &Portal, path: &str) -> (u16, String) {
    let answer = portal.request(Method::GET, path).send().await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_person_finds_a_record_and_sees_what_was_written() {
    let portal = Portal::with(60).await;
    let field = json!({ "name": "cdp_score", "label": "Lead score", "type": "number", "fieldType": "number",
                        "groupName": "contactinformation" });
    assert_eq!(portal.post("/crm/v3/properties/contacts", field).await.0, 201);
    let contact = portal.contacts(1).await.remove(0);
    let id = contact["id"].as_str().unwrap();
    let written = json!({ "properties": { "cdp_score": "87", "city": "<b>Bergen</b>" } });
    let (_, written) = portal.patch(&format!("{CONTACTS}/{id}"), written).await;

    let (status, list) = page(&portal, "/").await;
    assert_eq!(status, 200);
    assert!(list.contains(contact["properties"]["email"].as_str().unwrap()));
    assert!(list.contains("Next 25"));
    let (_, found) = page(&portal, "/records/contacts?q=nobody-of-this-name").await;
    assert!(found.contains("Nothing found"));
    for path in ["/records/companies", "/records/deals"] {
        assert!(page(&portal, path).await.1.contains("/contacts/4242001/record/"), "{path}");
    }

    let path = written["url"].as_str().unwrap().strip_prefix(portal.mock.url()).unwrap().to_owned();
    let (status, record) = page(&portal, &path).await;
    assert_eq!(status, 200);
    let (enriched, plain) = record.split_once("About this contact").unwrap();
    assert!(enriched.contains("Lead score") && enriched.contains("87"));
    assert!(plain.contains("&lt;b&gt;Bergen&lt;/b&gt;") && !record.contains("<b>Bergen"));
    assert_eq!(page(&portal, "/contacts/4242001/record/0-1/5").await.0, 404);
    assert!(
        portal.lines("requests", 0).await.iter().all(|line| line["path"] != path.as_str()),
        "looking is no API call"
    );
}
