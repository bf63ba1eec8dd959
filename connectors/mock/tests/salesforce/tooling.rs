//! Custom fields: made, found, and invisible until somebody grants them.

use serde_json::{Value, json};

use crate::org::{Org, code};

const FIELD: &str = "tooling/sobjects/CustomField";

fn score() -> Value {
    json!({ "FullName": "Contact.Cdp_Score__c", "Metadata": { "type": "Number", "label": "CDP Score", "precision": 5, "scale": 2 } })
}

async fn described(org: &Org) -> Option<Value> {
    let (_, body) = org.get("sobjects/Contact/describe").await;
    body["fields"].as_array().unwrap().iter().find(|field| field["name"] == "Cdp_Score__c").cloned()
}

#[tokio::test]
async fn a_new_field_is_invisible_until_a_permission_set_grants_it() {
    let org = Org::with(0).await;
    let id = org.create("Contact", json!({ "LastName": "Ruiz" })).await;
    let (status, body) = org.post(FIELD, score()).await;
    assert_eq!(status, 201, "{body}");
    assert!(body["id"].as_str().unwrap().starts_with("00N"));
    assert_eq!((&body["success"], &body["errors"], &body["warnings"]), (&json!(true), &json!([]), &json!([])));
    assert_eq!(described(&org).await, None);
    let soql = "query?q=SELECT+Cdp_Score__c+FROM+Contact";
    assert_eq!(code(&org.get(soql).await.1), "INVALID_FIELD");
    let write = json!({ "Cdp_Score__c": 87.5 });
    assert_eq!(code(&org.patch(&format!("sobjects/Contact/{id}"), write.clone()).await.1), "INVALID_FIELD");

    let set = org.create("PermissionSet", json!({ "Name": "CDP_Sync", "Label": "CDP Sync" })).await;
    let grant = json!({ "ParentId": set, "SobjectType": "Contact", "Field": "Contact.Cdp_Score__c",
                        "PermissionsRead": true, "PermissionsEdit": true });
    org.create("FieldPermissions", grant).await;
    assert_eq!(described(&org).await, None, "granted to a set that nobody has");
    org.create("PermissionSetAssignment", json!({ "AssigneeId": "005xx000001SwiUAAS", "PermissionSetId": set })).await;
    let field = described(&org).await.unwrap();
    assert_eq!((&field["type"], &field["precision"], &field["scale"]), (&json!("double"), &json!(5), &json!(2)));
    assert_eq!(org.patch(&format!("sobjects/Contact/{id}"), write).await.0, 204);
    assert_eq!(org.read("Contact", &id).await["Cdp_Score__c"], 87.5);
}

#[tokio::test]
async fn the_trap_can_be_taken_away() {
    let org = Org::knobs(0, json!({ "field_permissions": false })).await;
    assert_eq!(org.post(FIELD, score()).await.0, 201);
    assert_ne!(described(&org).await, None);
}

#[tokio::test]
async fn a_field_twice_is_a_duplicate_developer_name() {
    let org = Org::with(0).await;
    org.post(FIELD, score()).await;
    let (status, body) = org.post(FIELD, score()).await;
    assert_eq!(status, 400);
    assert_eq!(
        body,
        json!([{ "message": "There is already a field named Cdp_Score on Contact.",
                              "errorCode": "DUPLICATE_DEVELOPER_NAME", "fields": ["DeveloperName"] }])
    );
}

#[tokio::test]
async fn fields_are_found_by_table_and_developer_name() {
    let org = Org::with(0).await;
    let (_, made) = org.post(FIELD, score()).await;
    let find = |filter: &str| format!("tooling/query?q=SELECT+Id,DeveloperName+FROM+CustomField+WHERE+{filter}");
    let (status, body) = org.get(&find("TableEnumOrId='Contact'+AND+DeveloperName='Cdp_Score'")).await;
    assert_eq!((status.as_u16(), &body["totalSize"], &body["done"]), (200, &json!(1), &json!(true)));
    let record = &body["records"][0];
    assert_eq!((&record["Id"], &record["DeveloperName"]), (&made["id"], &json!("Cdp_Score")));
    assert_eq!(record["attributes"]["type"], "CustomField");
    assert!(record.get("TableEnumOrId").is_none());
    for (filter, count) in [
        ("TableEnumOrId='Lead'", 0),
        ("DeveloperName+LIKE+'cdp%25'", 1),
        ("DeveloperName+IN+('Cdp_Score','x')+AND+(NOT+TableEnumOrId='Lead')", 1),
        ("DeveloperName+!=+'Cdp_Score'+AND+TableEnumOrId='Contact'", 0),
    ] {
        assert_eq!(org.get(&find(filter)).await.1["totalSize"], count, "{filter}");
    }
    assert_eq!(code(&org.get(&find("Nope='x'")).await.1), "INVALID_FIELD");
    assert_eq!(code(&org.get("tooling/query?q=SELECT+Id+FROM+ApexClass").await.1), "INVALID_TYPE");
    let (_, whole) = org.get(&format!("{FIELD}/{}", made["id"].as_str().unwrap())).await;
    assert_eq!((&whole["FullName"], &whole["Metadata"]["precision"]), (&json!("Contact.Cdp_Score__c"), &json!(5)));
    assert_eq!(org.delete(&format!("{FIELD}/{}", made["id"].as_str().unwrap())).await.0, 204);
    assert_eq!(org.get(&find("DeveloperName='Cdp_Score'")).await.1["totalSize"], 0);
}

#[tokio::test]
async fn what_cannot_be_a_field_is_refused() {
    let org = Org::with(0).await;
    let named = |name: &str| json!({ "FullName": name, "Metadata": { "type": "Checkbox", "label": "X", "defaultValue": "false" } });
    for (body, expected) in [
        (named("Blob.X__c"), "INVALID_CROSS_REFERENCE_KEY"),
        (named("Contact.X"), "INVALID_FIELD"),
        (named("Contact.1x__c"), "INVALID_FIELD"),
        (named("Contact.a__b__c"), "INVALID_FIELD"),
        (
            json!({ "FullName": "Contact.X__c", "Metadata": { "type": "Text", "label": "X" } }),
            "FIELD_INTEGRITY_EXCEPTION",
        ),
        (json!({ "FullName": "Contact.X__c" }), "FIELD_INTEGRITY_EXCEPTION"),
    ] {
        let (status, answer) = org.post(FIELD, body.clone()).await;
        assert_eq!((status.as_u16(), code(&answer)), (400, expected), "{body}");
    }
}
