//! Many rows in one transaction, and rows by alternate key.

use serde_json::{Value, json};

use crate::org::{Org, code, id, message};

fn target(index: u64, more: Value) -> Value {
    let mut body = json!({ "@odata.type": "Microsoft.Dynamics.CRM.contact", "contactid": id('c', index) });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn act(org: &Org, action: &str, targets: Vec<Value>) -> (u16, Value) {
    let path = format!("contacts/Microsoft.Dynamics.CRM.{action}");
    let (status, body) = org.post(&path, json!({ "Targets": targets })).await;
    (status.as_u16(), body)
}

#[tokio::test]
async fn one_bad_row_undoes_the_whole_call() {
    let org = Org::with(5).await;
    let good = || vec![target(0, json!({ "jobtitle": "A" })), target(1, json!({ "jobtitle": "B" }))];
    assert_eq!(act(&org, "UpdateMultiple", good()).await, (204, Value::Null));
    assert_eq!(org.read("contacts", &id('c', 1)).await["jobtitle"], "B");
    let before = org.lines("ledger", 0).await.len();
    for (bad, status, error) in [
        (target(99, json!({ "jobtitle": "C" })), 404, "0x80040217"),
        (target(2, json!({ "jobtitle": "x".repeat(101) })), 400, "0x80044331"),
        (target(2, json!({ "nope": 1 })), 400, "0x80048d19"),
        (json!({ "contactid": id('c', 2), "jobtitle": "untyped" }), 400, "0x80048d19"),
        (json!({ "@odata.type": "Microsoft.Dynamics.CRM.contact", "jobtitle": "nobody" }), 400, "0x80040203"),
    ] {
        let (answered, body) = act(&org, "UpdateMultiple", [good(), vec![bad]].concat()).await;
        assert_eq!((answered, code(&body)), (status, error), "{body}");
    }
    assert_eq!(org.lines("ledger", 0).await.len(), before);
    let (_, body) = act(&org, "UpdateMultiple", vec![target(99, json!({}))]).await;
    assert_eq!(message(&body), format!("contact With Ids = {} Do Not Exist", id('c', 99)));
}

#[tokio::test]
async fn created_ids_come_in_order() {
    let org = Org::with(1).await;
    let person = |name: &str| json!({ "@odata.type": "Microsoft.Dynamics.CRM.contact", "lastname": name });
    let (status, body) = act(&org, "CreateMultiple", vec![person("One"), person("Two")]).await;
    assert_eq!(status, 200, "{body}");
    let ids: Vec<_> = body["Ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    assert_eq!(org.read("contacts", &ids[1]).await["lastname"], "Two");
    let again = json!({ "@odata.type": "Microsoft.Dynamics.CRM.contact", "lastname": "Again", "contactid": ids[0] });
    let (status, body) = act(&org, "CreateMultiple", vec![person("Three"), again]).await;
    assert_eq!((status, code(&body)), (412, "0x80040237"));
}

async fn keyed(org: &Org) {
    org.rep("property", json!({ "object": "contact", "create": { "name": "new_ExternalId", "type": "string" } })).await;
    org.rep("key", json!({ "object": "contact", "columns": ["new_externalid"] })).await;
}

#[tokio::test]
async fn upserts_go_by_key_and_trip_over_a_key_in_the_body() {
    let org = Org::with(1).await;
    keyed(&org).await;
    let row = |key: &str, more: Value| {
        let place = format!("contacts(new_externalid='{key}')");
        let mut body = json!({ "@odata.type": "Microsoft.Dynamics.CRM.contact", "@odata.id": place });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let made = vec![row("E-1", json!({ "lastname": "One" })), row("E-2", json!({ "lastname": "Two" }))];
    assert_eq!(act(&org, "UpsertMultiple", made).await.0, 204);
    let tolerated = row("E-1", json!({ "jobtitle": "VP", "new_externalid": "E-1" }));
    assert_eq!(act(&org, "UpsertMultiple", vec![tolerated]).await.0, 204);
    let (status, body) = act(&org, "UpsertMultiple", vec![row("E-3", json!({ "new_externalid": "E-3" }))]).await;
    assert_eq!((status, code(&body)), (400, "0x80040216"));
    let (_, contact) = org.get("contacts(new_externalid='E-1')?$select=lastname,jobtitle").await;
    assert_eq!((&contact["lastname"], &contact["jobtitle"]), (&json!("One"), &json!("VP")));
    let (status, body) = org.get("contacts(new_externalid='E-9')").await;
    assert_eq!((status.as_u16(), code(&body)), (404, "0x80060891"));
    let (status, body) = org.change("contacts(new_externalid='E-9')", json!({ "jobtitle": "x" })).await;
    assert_eq!((status.as_u16(), code(&body)), (404, "0x80060891"));
    assert_eq!(org.patch("contacts(new_externalid='E-9')", json!({ "lastname": "Nine" })).await.0, 204);
    let (status, body) = org.post("contacts", json!({ "lastname": "Twin", "new_externalid": "e-9" })).await;
    assert_eq!((status.as_u16(), code(&body)), (412, "0x80060892"));
    assert!(message(&body).contains("<Id>"), "{body}");
}

#[tokio::test]
async fn bulk_is_not_for_every_table() {
    let org = Org::with(1).await;
    let filters = |table: &str| {
        format!(
            "sdkmessagefilters?$select=sdkmessagefilterid&$filter=sdkmessageid/name eq 'UpdateMultiple' and primaryobjecttypecode eq '{table}'"
        )
    };
    assert_eq!(org.rows(&filters("contact")).await.len(), 1);
    assert_eq!(org.rows(&filters("systemuser")).await.len(), 0);
    org.config(json!({ "no_bulk": ["contact"] })).await;
    assert_eq!(org.rows(&filters("contact")).await.len(), 0);
    assert_eq!(act(&org, "UpdateMultiple", vec![target(0, json!({ "jobtitle": "A" }))]).await.0, 404);
}
