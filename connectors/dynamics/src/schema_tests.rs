//! A table as its metadata says.

use super::*;
use crate::metadata::{AlternateKey, Definition};

/// Contacts with the columns that tests need, and these more: `(attribute, detail)` as JSON.
pub(crate) fn table(table: &str, attributes: &str, details: &str) -> Described {
    let definition = Definition {
        entity_set_name: Some(format!("{table}s")),
        primary_id_attribute: Some(format!("{table}id")),
        change_tracking_enabled: true,
        is_optimistic_concurrency_enabled: true,
    };
    let keys: Vec<AlternateKey> = serde_json::from_str(
        r#"[{"KeyAttributes":["new_cdp_profile_id"],"EntityKeyIndexStatus":"Active"},
            {"KeyAttributes":["telephone1"],"EntityKeyIndexStatus":"Pending"}]"#,
    )
    .unwrap();
    let metadata = Metadata {
        definition,
        attributes: serde_json::from_str(attributes).unwrap(),
        details: serde_json::from_str(details).unwrap(),
        keys,
        has_bulk: true,
    };
    described(table, metadata).unwrap()
}

pub(crate) const CONTACT: &str = r#"[
    {"LogicalName":"contactid","SchemaName":"ContactId","AttributeType":"Uniqueidentifier","IsValidForUpdate":false},
    {"LogicalName":"modifiedon","AttributeType":"DateTime","IsValidForUpdate":false},
    {"LogicalName":"createdon","AttributeType":"DateTime","IsValidForUpdate":false},
    {"LogicalName":"emailaddress1","AttributeType":"String","IsValidForUpdate":true},
    {"LogicalName":"telephone1","AttributeType":"String","IsValidForUpdate":true},
    {"LogicalName":"birthdate","AttributeType":"DateTime","IsValidForUpdate":true},
    {"LogicalName":"annualincome","AttributeType":"Money","IsValidForUpdate":true},
    {"LogicalName":"donotemail","AttributeType":"Boolean","IsValidForUpdate":true},
    {"LogicalName":"leadsourcecode","AttributeType":"Picklist","IsValidForUpdate":true,
     "DisplayName":{"UserLocalizedLabel":{"Label":"Lead Source"}}},
    {"LogicalName":"leadsourcecodename","AttributeType":"Virtual","AttributeOf":"leadsourcecode"},
    {"LogicalName":"new_topics","AttributeType":"Virtual","AttributeTypeName":{"Value":"MultiSelectPicklistType"},"IsValidForUpdate":true},
    {"LogicalName":"parentcustomerid","AttributeType":"Customer","IsValidForUpdate":true},
    {"LogicalName":"new_ownerteam","SchemaName":"new_OwnerTeam","AttributeType":"Lookup","IsCustomAttribute":true,"IsValidForUpdate":true},
    {"LogicalName":"merged","AttributeType":"Boolean"},
    {"LogicalName":"masterid","AttributeType":"Lookup"},
    {"LogicalName":"secret","AttributeType":"String","IsValidForRead":false},
    {"LogicalName":"new_cdp_profile_id","AttributeType":"String","IsValidForUpdate":true}]"#;

pub(crate) const CONTACT_DETAILS: &str = r#"[
    {"LogicalName":"emailaddress1","MaxLength":100},
    {"LogicalName":"birthdate","DateTimeBehavior":{"Value":"DateOnly"}},
    {"LogicalName":"annualincome","Precision":2},
    {"LogicalName":"leadsourcecode","OptionSet":{"Options":[{"Value":1},{"Value":100000000}]}},
    {"LogicalName":"masterid","Targets":["contact"]},
    {"LogicalName":"new_ownerteam","Targets":["team"]},
    {"LogicalName":"new_topics","OptionSet":{"Options":[{"Value":1},{"Value":3}]}}]"#;

pub(crate) fn contact() -> Described {
    table("contact", CONTACT, CONTACT_DETAILS)
}

#[test]
fn columns_are_told_in_the_words_all_crms_share() {
    let contact = contact();
    let kind = |name: &str| contact.column(name).map(|column| column.spec.kind.clone());
    assert_eq!(kind("emailaddress1"), Some(FieldKind::Text));
    assert_eq!(kind("birthdate"), Some(FieldKind::Date));
    assert_eq!(kind("modifiedon"), Some(FieldKind::Instant));
    assert_eq!(kind("annualincome"), Some(FieldKind::Decimal { scale: Some(2) }));
    assert_eq!(kind("leadsourcecode"), Some(FieldKind::Choice { options: vec!["1".into(), "100000000".into()] }));
    assert_eq!(kind("new_topics"), Some(FieldKind::MultiChoice { options: vec!["1".into(), "3".into()] }));
    assert_eq!(kind("secret"), None);
    assert_eq!(contact.column("emailaddress1").unwrap().spec.max_length, Some(100));
    assert_eq!(&*contact.column("leadsourcecode").unwrap().spec.label, "Lead Source");
    assert!(contact.column("new_cdp_profile_id").unwrap().spec.unique);
    assert!(!contact.column("telephone1").unwrap().spec.unique, "its index is not built yet");
    assert!(!contact.column("contactid").unwrap().spec.writable);
}

#[test]
fn lookups_have_two_names_and_a_text() {
    let contact = contact();
    assert_eq!(contact.column("parentcustomerid").unwrap().wire(), "_parentcustomerid_value");
    assert_eq!(&*contact.column("_parentcustomerid_value").unwrap().spec.name, "parentcustomerid");
    assert!(contact.column("_emailaddress1_value").is_none());
    assert_eq!(&*contact.labelled("leadsourcecodename").unwrap().spec.name, "leadsourcecode");
    assert_eq!(&*contact.labelled("parentcustomeridname").unwrap().spec.name, "parentcustomerid");
    assert!(contact.labelled("emailaddress1name").is_none());
    let schema = contact.schema(&Object::Contact);
    let text = &schema.fields["leadsourcecodename"];
    assert_eq!((text.kind.clone(), text.writable), (FieldKind::Text, false));
}

#[test]
fn a_table_without_its_names_is_no_table() {
    let metadata = Metadata::default();
    assert!(described("contact", metadata).is_err());
}
