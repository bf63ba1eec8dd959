//! Pages of search results read into rows.

use connector::{FieldName, Object};

use super::*;

const PAGE: &str = r#"{"results":[
 {"id":"501","properties":{"createdate":"2026-10-01T10:00:00.000Z","email":"ada@acme.example","firstname":"Zo\u00eb \"Z\"",
  "hs_merged_object_ids":"7;8","hs_object_id":"501","lastname":null,"note":"","score":12.5},
  "createdAt":"2026-10-01T10:00:00.000Z","updatedAt":"2026-10-02T08:15:30.123Z","archived":false,
  "url":"https://app.hubspot.com/contacts/4242001/record/0-1/501","new":true,"objectWriteTraceId":"3",
  "associations":{"companies":{"results":[{"id":"801","type":"a"},{"id":801,"type":"b"}]}},"extra":{"deep":[1,{}]}},
 {"id":502,"properties":{},"createdAt":null,"updatedAt":"2026-10-02T08:15:30Z","archived":true,"archivedAt":"1790000000000"}],
 "paging":{"next":{"after":"502","link":"https://evil.example/"}},"total":2,
 "errors":[{"status":"error","category":"OBJECT_NOT_FOUND","context":{"ids":["999"]}}],"numErrors":1}"#;

fn wanted(fields: &[&str]) -> Wanted {
    let fields: Vec<FieldName> = fields.iter().map(|name| (*name).into()).collect();
    Wanted::new(&Object::Contact, &fields, &[])
}

#[test]
fn a_page_becomes_rows() {
    let wanted = wanted(&["email", "firstname", "lastname", "note", "score", "not_defined"]);
    let page = Rows::from_json(PAGE.as_bytes(), &wanted).unwrap();
    assert_eq!(page.after.as_deref(), Some("502"));
    assert_eq!(page.total, Some(2));
    assert_eq!(page.errors[0].context.words("ids"), ["999"]);
    let [ada, other] = page.rows.as_slice() else { panic!("two rows") };
    assert_eq!(ada.id, "501");
    assert_eq!(ada.fields.get("firstname"), Some(&Value::from("Zoë \"Z\"")));
    assert_eq!(ada.fields.get("lastname"), Some(&Value::Null));
    assert_eq!(ada.fields.get("note"), Some(&Value::Null));
    assert_eq!(ada.fields.get("score"), Some(&Value::from("12.5")));
    assert_eq!(ada.fields.get("not_defined"), None);
    assert_eq!(ada.fields.get("createdate"), None, "nobody asked for it");
    assert_eq!(ada.fields.get("hs_merged_object_ids"), None, "only the connector asked for it");
    assert_eq!(ada.inner(&wanted, "hs_merged_object_ids").map(|ids| &**ids), Some("7;8"));
    assert_eq!(ada.updated_at, Timestamp::parse_rfc3339("2026-10-02T08:15:30.123Z"));
    assert_eq!(ada.associations["companies"].results.len(), 2);
    assert!(ada.new);
    assert_eq!(ada.trace_id.as_deref(), Some("3"));
    assert_eq!(other.id, "502");
    assert!(other.archived);
    assert_eq!(other.archived_at, Some(Timestamp::from_millis(1_790_000_000_000)));
    let undefined: Vec<_> = page.undefined(&wanted).collect();
    assert_eq!(undefined, [FieldName::from("not_defined")]);
}

#[test]
fn a_page_without_rows_says_nothing_about_fields() {
    let wanted = wanted(&["email"]);
    let page = Rows::from_json(br#"{"results":[],"total":0}"#, &wanted).unwrap();
    assert!(page.rows.is_empty() && page.after.is_none());
    assert_eq!(page.undefined(&wanted).count(), 0);
}

#[test]
fn hostile_answers_are_errors() {
    let wanted = wanted(&["email"]);
    let deep = format!("{{\"results\":{}", "[".repeat(100_000));
    for bad in ["", "[]", "{\"results\":[{}]}", "{\"results\":[{\"id\":\"1\"}", "{\"results\":[]} trailing", &deep] {
        assert!(Rows::from_json(bad.as_bytes(), &wanted).is_err(), "{}", bad.get(..40).unwrap_or(bad));
    }
    assert!(Rows::from_json(b"{\"results\":[{\"id\":\"\xff\"}]}", &wanted).is_err());
}
