//! Rows as Zoho writes them.

use connector::FieldName;

use super::*;
use crate::schema::tests::{CONTACTS, described_from};

fn wanted(fields: &[&str]) -> Wanted {
    let fields: Vec<FieldName> = fields.iter().map(|name| FieldName::from(*name)).collect();
    Wanted::new("Contacts", &fields, &described_from("Contacts", CONTACTS))
}

fn read(wanted: &Wanted, body: &str) -> Rows {
    Rows::from_json(body.as_bytes(), wanted).unwrap()
}

#[test]
fn a_page_is_read_by_its_columns() {
    let wanted = wanted(&["Last_Name", "Worth", "Level", "Levels", "id"]);
    let body = r#"{"data":[{"Last_Name":"Ruiz \"A\"","Worth":12500.10,"Level":"-None-","Levels":["a","b"],"$editable":true,
        "Account_Name":{"name":"Fabrikam","id":"5545974000000300001"},"Modified_Time":"2026-01-05T11:00:04+01:00","id":"5545974000000411001"},
        {"id":5545974000000411002,"Levels":[],"Worth":null}],
        "info":{"per_page":200,"count":2,"more_records":true,"next_page_token":"c8"}}"#;
    let page = read(&wanted, body);
    assert_eq!((page.more, page.next.as_deref()), (true, Some("c8")));
    let row = &page.rows[0];
    assert_eq!(row.id.as_str(), "5545974000000411001");
    assert_eq!(row.text(&wanted, "Last_Name").map(|text| &**text), Some("Ruiz \"A\""));
    assert_eq!(row.cell(&wanted, "Worth"), Some(&Value::Number(rust_decimal::Decimal::new(125_001, 1))));
    assert_eq!(row.cell(&wanted, "Level"), None);
    assert_eq!(row.cell(&wanted, "Levels"), Some(&Value::List(vec!["a".into(), "b".into()])));
    assert_eq!(row.text(&wanted, "Account_Name").map(|text| &**text), Some("5545974000000300001"));
    assert_eq!(row.instant(&wanted, "Modified_Time"), Timestamp::parse_rfc3339("2026-01-05T10:00:04Z"));
    assert_eq!(row.text(&wanted, "id").map(|text| &**text), Some("5545974000000411001"));
    let second = &page.rows[1];
    assert_eq!(second.id.as_str(), "5545974000000411002");
    assert_eq!(second.cells[wanted.find("Levels", 0).unwrap()], Some(Value::Null));
    assert_eq!(second.cells[wanted.find("Last_Name", 0).unwrap()], None);
}

#[test]
fn what_is_no_page_is_no_success() {
    let wanted = wanted(&[]);
    for bad in [
        "{}",
        r#"{"info":{}}"#,
        r#"{"data":{}}"#,
        r#"{"data":[{"Last_Name":"x"}]}"#,
        r#"{"data":[{"id":"x"}]}"#,
        "<html>",
    ] {
        assert!(Rows::from_json(bad.as_bytes(), &wanted).is_err(), "{bad}");
    }
}

#[test]
fn text_of_a_bulk_job_is_the_same_value() {
    assert_eq!(value_of(&FieldKind::Bool, "true"), Value::Bool(true));
    assert_eq!(value_of(&FieldKind::Integer, "17"), Value::from(17));
    assert_eq!(value_of(&FieldKind::Text, ""), Value::Null);
    assert_eq!(value_of(&FieldKind::MultiChoice { options: vec![] }, "a;b"), Value::List(vec!["a".into(), "b".into()]));
    let at = Timestamp::parse_rfc3339("2026-01-05T10:00:00Z").unwrap();
    assert_eq!(value_of(&FieldKind::Instant, "2026-01-05T15:30:00+05:30"), Value::Instant(at));
    assert_eq!(value_of(&FieldKind::Date, "soon"), Value::from("soon"));
}

#[test]
fn rows_of_several_calls_are_one_record() {
    let wanted = wanted(&["Last_Name", "Worth"]);
    let mut page = read(&wanted, r#"{"data":[{"id":"1","Last_Name":"a"}],"info":{}}"#);
    let other = read(&wanted, r#"{"data":[{"id":"1","Worth":3,"Last_Name":"b"}],"info":{}}"#);
    let mut row = page.rows.remove(0);
    row.join(other.rows.into_iter().next().unwrap());
    assert_eq!(row.text(&wanted, "Last_Name").map(|text| &**text), Some("a"));
    assert_eq!(row.cell(&wanted, "Worth"), Some(&Value::from(3)));
}
