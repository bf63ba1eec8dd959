//! Cells as pages write them.

use super::*;
use crate::schema::tests::described_from;
use connector::FieldName;

fn wanted() -> Wanted {
    let described = described_from(
        r#"{"fields":[{"name":"Id","type":"id"},{"name":"SystemModstamp","type":"datetime"},
        {"name":"Amount","type":"currency","scale":2},{"name":"Count__c","type":"double","scale":0},
        {"name":"Flag__c","type":"boolean"},{"name":"Day__c","type":"date"},{"name":"Tags__c","type":"multipicklist"},
        {"name":"Name","type":"string"},{"name":"AccountId","type":"reference","relationshipName":"Account"}]}"#,
    );
    let names = ["Amount", "Count__c", "Flag__c", "Day__c", "Tags__c", "Name", "Account.Name", "Account.Owner.Name"];
    Wanted::new("Custom__c", &names.map(FieldName::from), &described)
}

#[test]
fn a_page_is_read_by_kind() {
    let wanted = wanted();
    let body = r#"{"totalSize":2,"done":false,"nextRecordsUrl":"/services/data/v67.0/query/0r8-2000","records":[
        {"attributes":{"type":"X","url":"/x"},"Id":"003xx000004TmiQ","SystemModstamp":"2026-03-04T05:06:07.000+0000",
         "Amount":12345678901234567.89,"Count__c":0.0,"Flag__c":false,"Day__c":"2026-03-04","Tags__c":"b;a",
         "Name":"O'Neil \"Red\"","Account":{"attributes":{"type":"Account"},"Name":"Norhaven","Owner":{"Name":"Ola"}}},
        {"attributes":{},"Id":"001A0000006Vm9rIAC","Amount":1.2E7,"Name":null,"Account":null}]}"#;
    let page = Rows::from_json(body.as_bytes(), &wanted).unwrap();
    assert_eq!((page.total, page.done, page.rows.len()), (2, false, 2));
    assert!(page.next.is_some());
    let row = &page.rows[0];
    assert_eq!(row.text(&wanted, "Id").map(|id| &**id), Some("003xx000004TmiQAAS"));
    assert_eq!(row.instant(&wanted, "SystemModstamp"), Timestamp::parse_rfc3339("2026-03-04T05:06:07Z"));
    assert_eq!(row.number(&wanted, "Amount"), "12345678901234567.89".parse().ok());
    assert_eq!(row.cell(&wanted, "Count__c"), Some(&Value::from(0)));
    assert_eq!(row.cell(&wanted, "Flag__c"), Some(&Value::Bool(false)));
    assert_eq!(row.cell(&wanted, "Day__c"), Some(&Value::Date("2026-03-04".parse().unwrap())));
    assert_eq!(row.cell(&wanted, "Tags__c"), Some(&Value::List(vec!["b".into(), "a".into()])));
    assert_eq!(row.cell(&wanted, "Name"), Some(&Value::from("O'Neil \"Red\"")));
    assert_eq!(row.cell(&wanted, "Account.Name"), Some(&Value::from("Norhaven")));
    assert_eq!(row.cell(&wanted, "Account.Owner.Name"), Some(&Value::from("Ola")));
    let second = &page.rows[1];
    assert_eq!(second.number(&wanted, "Amount"), Some(Decimal::from(12_000_000)));
    let at = |name: &str| second.cells[wanted.find(name, 0).unwrap()].clone();
    assert_eq!(at("Name"), Some(Value::Null));
    assert_eq!(at("Account.Owner.Name"), Some(Value::Null));
    assert_eq!(at("Flag__c"), None);
}

#[test]
fn what_is_no_page_is_no_empty_page() {
    let wanted = wanted();
    for bad in ["{}", r#"{"records":[]}"#, r#"{"done":true}"#, "[]", "<html>", r#"{"done":true,"records":[]} x"#] {
        assert!(Rows::from_json(bad.as_bytes(), &wanted).is_err(), "{bad}");
    }
}

#[test]
fn csv_and_json_give_the_same_values() {
    let integer = FieldKind::Integer;
    assert_eq!(value_of(&integer, "0.0"), Value::from(0));
    assert_eq!(value_of(&integer, "50.0"), Value::from(50));
    assert_eq!(value_of(&FieldKind::Bool, "true"), Value::Bool(true));
    assert_eq!(value_of(&FieldKind::Text, ""), Value::Null);
    assert_eq!(
        value_of(&FieldKind::Instant, "2026-03-04T05:06:07.000Z"),
        value_of(&FieldKind::Instant, "2026-03-04T05:06:07.000+0000")
    );
    assert_eq!(value_of(&FieldKind::Date, "not a day"), Value::from("not a day"));
}
