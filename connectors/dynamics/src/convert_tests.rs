//! What rows are told as.

use super::*;
use crate::rows::Rows;
use crate::schema::Described;
use crate::schema::tests::{contact, table};

const A: &str = "c0000000-0000-0000-0000-000000000001";
const B: &str = "c0000000-0000-0000-0000-000000000002";

fn lead() -> Described {
    table(
        "lead",
        r#"[{"LogicalName":"leadid","AttributeType":"Uniqueidentifier"},{"LogicalName":"modifiedon","AttributeType":"DateTime"},
            {"LogicalName":"merged","AttributeType":"Boolean"},{"LogicalName":"masterid","AttributeType":"Lookup"},
            {"LogicalName":"statecode","AttributeType":"State"},{"LogicalName":"parentcontactid","AttributeType":"Lookup"},
            {"LogicalName":"emailaddress1","AttributeType":"String"}]"#,
        "[]",
    )
}

fn opportunity() -> Described {
    table(
        "opportunity",
        r#"[{"LogicalName":"opportunityid","AttributeType":"Uniqueidentifier"},{"LogicalName":"modifiedon","AttributeType":"DateTime"},
            {"LogicalName":"name","AttributeType":"String"},{"LogicalName":"statecode","AttributeType":"State"},
            {"LogicalName":"statuscode","AttributeType":"Status"},{"LogicalName":"stepname","AttributeType":"String"},
            {"LogicalName":"actualvalue","AttributeType":"Money"},{"LogicalName":"estimatedvalue","AttributeType":"Money"},
            {"LogicalName":"actualclosedate","AttributeType":"DateTime"},
            {"LogicalName":"transactioncurrencyid","AttributeType":"Lookup"},{"LogicalName":"ownerid","AttributeType":"Owner"},
            {"LogicalName":"customerid","AttributeType":"Customer"},{"LogicalName":"parentcontactid","AttributeType":"Lookup"},
            {"LogicalName":"parentaccountid","AttributeType":"Lookup"}]"#,
        r#"[{"LogicalName":"actualclosedate","DateTimeBehavior":{"Value":"DateOnly"}}]"#,
    )
}

struct Around {
    contacts: BTreeMap<String, String>,
    currencies: Codes,
    links: Vec<Object>,
}

fn told(object: &Object, described: &Described, fields: &[&str], rows: &str, around: &Around) -> Vec<Told> {
    let names: Vec<connector::FieldName> = fields.iter().map(|name| (*name).into()).collect();
    let wanted = Wanted::new(described, &names);
    let reading = Reading {
        object,
        wanted: &wanted,
        address: Some("https://x/main.aspx?id="),
        links: &around.links,
        contacts: &around.contacts,
        currencies: &around.currencies,
    };
    let page = Rows::from_json(format!(r#"{{"value":[{rows}]}}"#).as_bytes(), &wanted).unwrap();
    page.rows.into_iter().filter_map(|row| reading.told(row)).collect()
}

fn around() -> Around {
    Around { contacts: BTreeMap::new(), currencies: Codes::new(), links: Vec::new() }
}

#[test]
fn a_merged_row_names_its_winner() {
    let rows = format!(
        r#"{{"contactid":"{A}","merged":true,"_masterid_value":"{B}"}},{{"contactid":"{B}","merged":false,"_masterid_value":null,"emailaddress1":null}}"#
    );
    let told = told(&Object::Contact, &contact(), &["emailaddress1"], &rows, &around());
    let Told::Gone(stone) = &told[0] else { panic!("{told:?}") };
    assert_eq!((stone.id.as_str(), &stone.merged_into), (A, &Some(Link { object: Object::Contact, id: B.into() })));
    let Told::Alive(winner) = &told[1] else { panic!("{told:?}") };
    assert_eq!(winner.fields, Fields::from([("emailaddress1", Value::Null)]));
    assert_eq!(winner.url.as_deref(), Some(format!("https://x/main.aspx?id={B}").as_str()));
}

#[test]
fn a_qualified_lead_goes_on_as_a_contact_where_there_is_one() {
    let around = Around { contacts: BTreeMap::from([(A.to_owned(), B.to_owned())]), ..around() };
    let rows = format!(
        r#"{{"leadid":"{A}","statecode":1}},{{"leadid":"{B}","statecode":1}},{{"leadid":"c0000000-0000-0000-0000-000000000003","statecode":2}}"#
    );
    let told = told(&Object::Lead, &lead(), &[], &rows, &around);
    let Told::Gone(stone) = &told[0] else { panic!("{told:?}") };
    assert_eq!(stone.merged_into, Some(Link { object: Object::Contact, id: B.into() }));
    assert!(matches!(told[1..], [Told::Alive(_), Told::Alive(_)]), "{told:?}");
}

#[test]
fn a_deal_is_told_by_its_state_and_linked_to_what_was_asked_for() {
    let euro = "e0000000-0000-0000-0000-000000000001";
    let around = Around {
        currencies: Codes::from([(euro.to_owned(), "EUR".into())]),
        links: vec![Object::Contact, Object::Company],
        ..around()
    };
    let rows = format!(
        r#"{{"opportunityid":"{A}","name":"Renewal","statecode":1,"statuscode":7,"statuscode@OData.Community.Display.V1.FormattedValue":"Signed",
            "stepname":"4-Close","actualvalue":12500.0000,"estimatedvalue":9000,"actualclosedate":"2026-01-04","_transactioncurrencyid_value":"{euro}",
            "_ownerid_value":"7f000000-0000-0000-0000-000000000001","_customerid_value@Microsoft.Dynamics.CRM.lookuplogicalname":"account",
            "_customerid_value":"A0000000-0000-0000-0000-000000000001","_parentcontactid_value":"{B}","_parentaccountid_value":"a0000000-0000-0000-0000-000000000001"}},
           {{"opportunityid":"{B}","statecode":0,"statuscode":1,"stepname":"2-Develop","actualvalue":null,"estimatedvalue":50.5,"actualclosedate":"2026-01-04"}},
           {{"opportunityid":"c0000000-0000-0000-0000-000000000003","statecode":2,"actualvalue":0,"estimatedvalue":70}}"#
    );
    let told = told(&Object::Deal, &opportunity(), &[], &rows, &around);
    let facts: Vec<&DealFacts> = told
        .iter()
        .map(|told| match told {
            Told::Alive(record) => record.deal.as_ref().unwrap(),
            Told::Gone(_) => panic!("{told:?}"),
        })
        .collect();
    let (won, open, lost) = (facts[0], facts[1], facts[2]);
    assert_eq!(
        (won.status, won.stage.as_deref(), won.currency.as_deref()),
        (DealStatus::Won, Some("Signed"), Some("EUR"))
    );
    assert_eq!((won.amount, won.closed_at), ("12500".parse().ok(), Timestamp::parse_rfc3339("2026-01-04T00:00:00Z")));
    assert_eq!((open.status, open.stage.as_deref(), open.closed_at), (DealStatus::Open, Some("2-Develop"), None));
    assert_eq!(open.amount, "50.5".parse().ok());
    assert_eq!((lost.status, lost.amount), (DealStatus::Lost, "70".parse().ok()));
    let Told::Alive(record) = &told[0] else { panic!("{told:?}") };
    let link = |object, id: &str| Link { object, id: id.into() };
    let expected = vec![link(Object::Contact, B), link(Object::Company, "a0000000-0000-0000-0000-000000000001")];
    assert_eq!(record.links, Some(expected));
}
