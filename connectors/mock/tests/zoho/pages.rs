//! Pages for people.

use reqwest::Method;
use serde_json::json;

use crate::org::Org;

async fn page(org: &Org, path: &str) -> (u16, String) {
    let answer = org.request(Method::GET, path).send().await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_person_finds_a_record_and_sees_what_was_written() {
    let org = Org::with(60).await;
    let field = json!({ "label": "CDP score", "type": "integer" });
    assert_eq!(org.rep("property", json!({ "object": "contacts", "create": field })).await["name"], "CDP_score");
    let contact = org.first("Contacts", 1, "Email").await.remove(0);
    let id = contact["id"].as_str().unwrap();
    let written = json!({ "data": [{ "id": id, "CDP_score": 87, "Mailing_City": "<b>Bergen</b>" }] });
    assert_eq!(org.put("/Contacts", written).await.0, 200);
    let path = format!("/tab/Contacts/{id}");
    let (status, list) = page(&org, "/").await;
    assert_eq!(status, 200);
    assert!(list.contains(contact["Email"].as_str().unwrap()) && list.contains(&path) && list.contains("Next 25"));
    assert!(page(&org, "/tab/Contacts?q=nobody-of-this-name").await.1.contains("Nothing found"));
    for module in ["Accounts", "Deals", "Leads", "Tasks"] {
        assert!(page(&org, &format!("/tab/{module}")).await.1.contains(&format!("/tab/{module}/55459740")), "{module}");
    }
    let (status, record) = page(&org, &format!("/crm/org7654321{path}")).await;
    assert_eq!(status, 200);
    let (enriched, plain) = record.split_once("About this contact").unwrap();
    assert!(enriched.contains("CDP score") && enriched.contains("87"));
    assert!(plain.contains("&lt;b&gt;Bergen&lt;/b&gt;") && !record.contains("<b>Bergen"));
    assert!(plain.contains("/tab/Accounts/") && plain.contains("History") && plain.contains("update by api"));
    // What a person reads is what was written, in the words of the fields.
    assert!(plain.contains("CDP score → 87") && !plain.contains("CDP_score"));
    org.post(&format!("/Contacts/{id}/Notes"), json!({ "data": [{ "Note_Title": "T", "Note_Content": "a; b" }] }))
        .await;
    assert!(page(&org, &path).await.1.contains("a; b"), "a note shows what it says");
    assert_eq!(page(&org, "/tab/Contacts/5545974020099999999").await.0, 404);
    org.delete(&format!("/Contacts/{id}")).await;
    assert!(page(&org, &path).await.1.contains("recycle bin"));
    let requests = org.lines("requests", 0).await;
    assert!(requests.iter().all(|line| !line["path"].as_str().unwrap().contains("/tab")), "looking is no API call");
}
