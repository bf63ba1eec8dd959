//! What writes become.

use super::*;
use crate::schema::tests::contact;
use connector::{Entropy, Hints, SeededEntropy, Timestamp};

const KEY: &str = "new_cdp_profile_id";
pub(crate) const ID: &str = "c0000000-0000-0000-0000-000000000001";

fn creatable() -> Vec<ExternalKey> {
    [Object::Contact, Object::Lead].map(|object| ExternalKey { object, field: KEY.into() }).to_vec()
}

pub(crate) fn write(operation: Operation, fields: impl Into<Fields>) -> Write {
    Write {
        key: SeededEntropy::new(1).uuid(Timestamp::EPOCH),
        object: Object::Contact,
        operation,
        fields: fields.into(),
        hints: Hints::default(),
    }
}

fn update(fields: impl Into<Fields>) -> Write {
    write(Operation::Update { id: ID.to_uppercase().as_str().into() }, fields)
}

fn go(write: &Write) -> Result<(Row, String), (Reason, Vec<FieldName>)> {
    let sets = Sets::from([("account".to_owned(), "accounts".to_owned())]);
    match ready(&creatable(), &contact(), &sets, 0, write) {
        Ok(sent) => Ok((sent.row.clone(), serde_json::to_string(&sent.body).unwrap())),
        Err(rejection) => Err((rejection.reason, rejection.fields)),
    }
}

#[test]
fn an_update_names_its_row_and_says_only_what_it_writes() {
    let fields = [("telephone1", Value::Null), ("leadsourcecode", Value::from("1"))];
    let (row, body) = go(&update(fields)).unwrap();
    assert_eq!(row, Row::Id { id: ID.into(), etag: None });
    assert_eq!(body, r#"{"leadsourcecode":1,"telephone1":null}"#);
    let bad = write(Operation::Update { id: "12".into() }, [("telephone1", "x")]);
    assert_eq!(go(&bad), Err((Reason::Gone, vec![])));
}

#[test]
fn an_upsert_does_not_repeat_its_key() {
    let upsert = |value: &str| {
        let operation = Operation::Upsert { field: KEY.into(), value: value.into() };
        write(operation, [(KEY, Value::from(value)), ("telephone1", Value::from("1"))])
    };
    let (row, body) = go(&upsert("p-1")).unwrap();
    assert_eq!(row, Row::Key { column: KEY.into(), value: "p-1".into(), creates: true });
    assert_eq!(body, r#"{"telephone1":"1"}"#);
    assert_eq!(go(&upsert("a/b")), Err((Reason::Invalid, vec![KEY.into()])));
    let mut create = write(Operation::Create, [("telephone1", Value::from("1"))]);
    assert_eq!(go(&create).unwrap().0, Row::New);
    create.fields.set(KEY, "p-2");
    assert_eq!(go(&create).unwrap().0, Row::Key { column: KEY.into(), value: "p-2".into(), creates: true });
    create.object = Object::Company;
    assert_eq!(go(&create), Err((Reason::Unsupported, vec![])));
    create.object = Object::User;
    assert_eq!(go(&create), Err((Reason::Unsupported, vec![])));
}

#[test]
fn whatever_names_a_row_is_written_only_if_it_is_there() {
    let update = update([("telephone1", "1")]);
    let mut sent = ready(&[], &contact(), &Sets::new(), 0, &update).unwrap();
    assert_eq!(sent.condition(), Some("*"));
    sent.row = Row::Id { id: ID.into(), etag: Some("W/\"7\"".into()) };
    assert_eq!(sent.condition(), Some("W/\"7\""));
    let key = |creates| Row::Key { column: KEY.into(), value: "p-1".into(), creates };
    sent.row = key(false);
    assert_eq!(sent.condition(), Some("*"));
    sent.row = key(true);
    assert_eq!(sent.condition(), None);
}

#[test]
fn what_cannot_be_written_is_refused_by_name() {
    for (name, reason) in [
        ("nope", Reason::UnknownField),
        ("a\",\"b", Reason::UnknownField),
        ("createdon", Reason::ReadOnly),
        ("contactid", Reason::ReadOnly),
        ("leadsourcecodename", Reason::ReadOnly),
    ] {
        assert_eq!(go(&update([(name, "x")])), Err((reason, vec![name.into()])), "{name}");
    }
}

#[test]
fn a_lookup_goes_by_address() {
    let account = "a0000000-0000-0000-0000-000000000001";
    let (_, body) = go(&update([("parentcustomerid", format!("account:{account}").as_str())])).unwrap();
    assert_eq!(body, format!(r#"{{"parentcustomerid_account@odata.bind":"/accounts({account})"}}"#));
    let contact_write = update([("parentcustomerid", format!("contact:{account}").as_str())]);
    assert_eq!(go(&contact_write), Err((Reason::Invalid, vec!["parentcustomerid".into()])));
    assert_eq!(pointed_to(&contact(), &[&contact_write]), ["contact"]);
}

#[test]
fn a_newcomer_gets_a_name_and_nobody_elses_is_touched() {
    let lead = crate::schema::tests::table(
        "lead",
        r#"[{"LogicalName":"leadid","AttributeType":"Uniqueidentifier"},{"LogicalName":"lastname","AttributeType":"String"},
            {"LogicalName":"subject","AttributeType":"String"}]"#,
        "[]",
    );
    let fields = Fields::from([("emailaddress1", "m.ruiz@acme.example")]);
    let more = |object, fields: &Fields| {
        serde_json::to_string(&completed(&lead, object, fields, &Creation::default())).unwrap()
    };
    assert_eq!(more(&Object::Lead, &fields), r#"{"lastname":"m.ruiz","subject":"[not provided]"}"#);
    let named = Fields::from([("lastname", "Ruiz"), ("subject", "Call")]);
    assert_eq!(more(&Object::Lead, &named), "{}");
    assert_eq!(more(&Object::Company, &Fields::new()), "{}");
}
