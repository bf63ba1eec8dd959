//! One record at a time: creating, reading, changing, deleting.

use serde_json::json;

use crate::org::{Org, code};

#[tokio::test]
async fn a_created_contact_is_read_changed_and_deleted() {
    let org = Org::with(3).await;
    let id = org.create("contact", json!({ "LASTNAME": "Ruiz", "email": "m.ruiz@firm.example" })).await;
    assert!(id.starts_with("003") && id.len() == 18, "{id}");
    let path = format!("sobjects/Contact/{id}");
    assert_eq!(org.patch(&path, json!({ "Title": "VP" })).await.0, 204);
    let contact = org.read("Contact", &id[..15]).await;
    assert_eq!((contact["Name"].as_str(), contact["Title"].as_str()), (Some("Ruiz"), Some("VP")));
    assert_eq!(contact["Email"], "m.ruiz@firm.example");
    assert!(contact["FirstName"].is_null());
    assert_eq!(org.delete(&path).await.0, 204);
    let (status, body) = org.delete(&path).await;
    assert_eq!((status.as_u16(), code(&body)), (404, "ENTITY_IS_DELETED"));
}
