//! Enrichment fields: made, granted, found again.

use connector::{Connector, CreatedField, ErrorKind, FieldKind, Fields, NewField, Object, Value};
use serde_json::json;

use crate::org::{Org, done, push_one, update};

/// An org where a new field is seen by nobody.
async fn guarded() -> Org {
    let org = Org::start().await;
    org.knobs(json!({ "field_permissions": true })).await;
    org
}

fn field(name: &str, kind: FieldKind) -> NewField {
    NewField { name: name.into(), label: name.into(), description: "Written by Ferry.".into(), kind, unique: false }
}

#[tokio::test]
async fn a_field_is_made_seen_and_written_and_a_second_time_changes_nothing() {
    let org = guarded().await;
    let id = org.people(1).await.remove(0);
    let connector = org.connector();
    let kinds = [
        ("CDP_A__c", FieldKind::Text),
        ("CDP_B__c", FieldKind::Integer),
        ("CDP_C__c", FieldKind::Decimal { scale: Some(1) }),
        ("CDP_D__c", FieldKind::Bool),
        ("CDP_E__c", FieldKind::Date),
        ("CDP_F__c", FieldKind::Instant),
        ("CDP_G__c", FieldKind::Choice { options: vec!["hot".into(), "cold".into()] }),
        ("CDP_H__c", FieldKind::MultiChoice { options: vec!["a".into(), "b".into()] }),
    ];
    for (name, kind) in &kinds {
        let made = connector.create_field(&Object::Contact, &field(name, kind.clone())).await.unwrap();
        assert_eq!(made, CreatedField::Created((*name).into()));
    }
    let schema = connector.describe(&Object::Contact).await.unwrap();
    for (name, _) in &kinds {
        assert!(schema.fields.get(*name).is_some_and(|spec| spec.writable), "{name}");
    }
    let fields = Fields::from([
        ("CDP_A__c", Value::from("text")),
        ("CDP_B__c", Value::from(7)),
        ("CDP_C__c", Value::Number("1.5".parse().unwrap())),
        ("CDP_D__c", Value::from(true)),
        ("CDP_E__c", Value::Date("2026-11-20".parse().unwrap())),
        ("CDP_F__c", Value::Instant(connector::Timestamp::from_secs(1_790_000_000))),
        ("CDP_G__c", Value::from("hot")),
        ("CDP_H__c", Value::List(vec!["a".into(), "b".into()])),
    ]);
    let mut write = update(&id, "CDP_A__c", "text");
    write.fields = fields;
    done(&push_one(&connector, write).await);
    let record = org.read("Contact", &id).await;
    assert_eq!((&record["CDP_B__c"], &record["CDP_H__c"]), (&json!(7.0), &json!("a;b")), "{record}");
    let mark = org.mark().await;
    for (name, kind) in &kinds {
        let again = connector.create_field(&Object::Contact, &field(name, kind.clone())).await.unwrap();
        assert_eq!(again, CreatedField::Existed((*name).into()));
    }
    let changed = org.requests(mark).await.iter().filter(|line| line["method"] != "GET").count();
    assert_eq!(changed, 0);
    assert_eq!(org.permission_sets().await, 1);
}

#[tokio::test]
async fn the_key_is_unique_and_can_be_upserted_by() {
    let org = guarded().await;
    let connector = org.connector();
    let key = NewField { unique: true, ..field("CDP_Key__c", FieldKind::Text) };
    connector.create_field(&Object::Contact, &key).await.unwrap();
    let schema = connector.describe(&Object::Contact).await.unwrap();
    assert!(schema.fields["CDP_Key__c"].unique);
}

#[tokio::test]
async fn a_field_made_before_and_seen_by_nobody_is_granted() {
    let org = guarded().await;
    let connector = org.connector();
    let body = json!({ "FullName": "Lead.CDP_Old__c", "Metadata": { "type": "Text", "label": "Old", "length": 255 } });
    org.api(reqwest::Method::POST, "/tooling/sobjects/CustomField", Some(body)).await;
    assert!(!connector.describe(&Object::Lead).await.unwrap().fields.contains_key("CDP_Old__c"));
    let found = connector.create_field(&Object::Lead, &field("CDP_Old__c", FieldKind::Text)).await.unwrap();
    assert_eq!(found, CreatedField::Existed("CDP_Old__c".into()));
    assert!(connector.describe(&Object::Lead).await.unwrap().fields["CDP_Old__c"].writable);
}

#[tokio::test]
async fn a_field_of_another_kind_is_left_as_it_is() {
    let org = guarded().await;
    let connector = org.connector();
    let found = connector.create_field(&Object::Contact, &field("CDP_Text__c", FieldKind::Bool)).await.unwrap();
    assert_eq!(found, CreatedField::Existed("CDP_Text__c".into()));
    assert_eq!(connector.describe(&Object::Contact).await.unwrap().fields["CDP_Text__c"].kind, FieldKind::Text);
    let made = connector.create_field(&Object::Contact, &field("CDP_Plain", FieldKind::Text)).await.unwrap();
    assert_eq!(made, CreatedField::Created("CDP_Plain__c".into()));
    let error = connector.create_field(&Object::Contact, &field("CDP__X", FieldKind::Text)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Config);
    let error = connector.create_field(&Object::Contact, &field("CDP_R__c", FieldKind::Reference)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
}

impl Org {
    async fn permission_sets(&self) -> usize {
        let path = "/query?q=SELECT+Id+FROM+PermissionSet+WHERE+Name+%3D+%27CDP_Sync%27";
        let (status, answer) = self.api(reqwest::Method::GET, path, None).await;
        assert_eq!(status, 200, "{answer}");
        answer["records"].as_array().map_or(0, Vec::len)
    }
}
