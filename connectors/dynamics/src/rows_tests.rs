//! Rows as Dataverse writes them.

use super::*;
use crate::schema::tests::contact;

fn wanted(fields: &[&str]) -> Wanted {
    let names: Vec<connector::FieldName> = fields.iter().map(|name| (*name).into()).collect();
    Wanted::new(&contact(), &names)
}

#[test]
fn a_row_is_read_with_its_annotations() {
    let wanted = wanted(&[
        "emailaddress1",
        "birthdate",
        "annualincome",
        "donotemail",
        "leadsourcecodename",
        "leadsourcecode",
        "new_topics",
    ]);
    let body = r#"{"@odata.context":"c","value":[{"@odata.etag":"W/\"915\"","contactid":"C0000000-0000-0000-0000-000000000001",
        "emailaddress1":"ana@example.com","birthdate":"1990-04-01","annualincome":6000000.0000,"donotemail":false,
        "leadsourcecode@OData.Community.Display.V1.FormattedValue":"Web","leadsourcecode":100000000,"new_topics":"1,3",
        "_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname":"account",
        "_parentcustomerid_value":"a0000000-0000-0000-0000-000000000001","modifiedon":"2026-01-05T10:00:00Z","unknown":{"deep":[1]}}],
        "@odata.nextLink":"https://x/y"}"#;
    let page = Rows::from_json(body.as_bytes(), &wanted).unwrap();
    assert_eq!((page.next.as_deref(), page.delta.as_deref()), (Some("https://x/y"), None));
    let row = &page.rows[0];
    assert_eq!(row.id(&wanted).as_deref(), Some("c0000000-0000-0000-0000-000000000001"));
    assert_eq!(row.etag.as_deref(), Some("W/\"915\""));
    assert_eq!(row.number(&wanted, "annualincome"), "6000000".parse().ok());
    assert_eq!(row.value(&wanted, "birthdate"), Some(&Value::Date("1990-04-01".parse().unwrap())));
    assert_eq!(row.value(&wanted, "donotemail"), Some(&Value::Bool(false)));
    assert_eq!(row.text(&wanted, "leadsourcecode").map(|text| &**text), Some("100000000"));
    assert_eq!(row.shown(&wanted, "leadsourcecode").map(|text| &**text), Some("Web"));
    assert_eq!(row.table(&wanted, "parentcustomerid"), Some("account"));
    assert_eq!(row.value(&wanted, "new_topics"), Some(&Value::List(vec!["1".into(), "3".into()])));
    assert_eq!(row.instant(&wanted, "modifiedon"), Timestamp::parse_rfc3339("2026-01-05T10:00:00Z"));
}

#[test]
fn deletions_stand_among_the_rows() {
    let wanted = wanted(&["emailaddress1"]);
    let body = r#"{"@odata.deltaLink":"d","value":[{"contactid":"c0000000-0000-0000-0000-000000000001"},
        {"@odata.context":"https://x/$metadata#contacts/$deletedEntity","id":"c0000000-0000-0000-0000-000000000009","reason":"deleted"}]}"#;
    let page = Rows::from_json(body.as_bytes(), &wanted).unwrap();
    assert_eq!(
        (page.rows.len(), page.deleted.as_slice()),
        (1, &["c0000000-0000-0000-0000-000000000009".to_owned()][..])
    );
    assert_eq!(page.delta.as_deref(), Some("d"));
    let nameless = r#"{"value":[{"@odata.context":"x/$deletedEntity","reason":"deleted"}]}"#;
    assert!(Rows::from_json(nameless.as_bytes(), &wanted).is_err());
}

#[test]
fn hostile_pages_are_errors_or_nothing() {
    let wanted = wanted(&["emailaddress1"]);
    for bad in ["[]", "{\"value\":{}}", "{\"value\":[1]}", "{\"value\":[{}]", "<html>", "{\"value\":[]}x"] {
        assert!(Rows::from_json(bad.as_bytes(), &wanted).is_err(), "{bad}");
    }
    assert!(Rows::from_json(b"{}", &wanted).unwrap().rows.is_empty());
    let odd = r#"{"value":[{"contactid":7,"emailaddress1":["a"],"modifiedon":"soon"}]}"#;
    let page = Rows::from_json(odd.as_bytes(), &wanted).unwrap();
    assert_eq!(page.rows[0].id(&wanted), None);
    assert_eq!(page.rows[0].instant(&wanted, "modifiedon"), None);
}
