//! One write: one call, and what each refusal becomes.

use connector::{Connector, Fields, Link, Object, Operation, Outcome, Reason, Value};
use serde_json::json;

use crate::org::{KEY, Org, done, push_one, rejected, update, upsert, write};

#[tokio::test]
async fn one_update_is_one_patch_that_moves_no_owner() {
    let org = Org::start().await;
    let id = org.people(1).await.remove(0);
    let connector = org.connector();
    connector.check().await.unwrap();
    let mark = org.mark().await;
    let outcome = push_one(&connector, update(&id, "CDP_Score__c", Value::Number("87.50".parse().unwrap()))).await;
    assert_eq!(done(&outcome), (id.clone(), false));
    let requests = org.requests(mark).await;
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert_eq!(requests[0]["method"], "PATCH");
    let headers = &requests[0]["headers"];
    assert_eq!(headers["sforce-auto-assign"], "FALSE", "{headers}");
    assert!(headers["sforce-duplicate-rule-header"].as_str().unwrap().contains("allowSave=true"), "{headers}");
    assert_eq!(headers["sforce-call-options"], "client=ferry");
    assert_eq!(org.read("Contact", &id).await["CDP_Score__c"], json!(87.5));
    done(&push_one(&connector, update(&id, "CDP_Score__c", Value::Null)).await);
    assert_eq!(org.read("Contact", &id).await["CDP_Score__c"], json!(null));
}

#[tokio::test]
async fn a_short_id_is_the_same_record() {
    let org = Org::start().await;
    let id = org.people(1).await.remove(0);
    let short = id.as_str()[..15].into();
    let outcome = push_one(&org.connector(), update(&short, "CDP_Text__c", "short")).await;
    assert_eq!(done(&outcome).0, id);
}

#[tokio::test]
async fn every_refusal_says_why_and_what_about() {
    let org = Org::start().await;
    let ids = org.people(2).await;
    let connector = org.connector();
    let too_long = push_one(&connector, update(&ids[0], "CDP_Text__c", "x".repeat(300).as_str())).await;
    let told = rejected(&too_long);
    assert_eq!((&told.reason, &*told.code), (&Reason::Invalid, "STRING_TOO_LONG"));
    assert_eq!(&*told.fields[0], "CDP_Text__c");
    assert!(!told.message.contains("xxxx"), "{}", told.message);
    let unknown = push_one(&connector, update(&ids[0], "Nope__c", "x")).await;
    assert_eq!((&rejected(&unknown).reason, &*rejected(&unknown).fields[0]), (&Reason::UnknownField, "Nope__c"));
    let read_only = push_one(&connector, update(&ids[0], "CreatedDate", "2026-01-01T00:00:00Z")).await;
    assert_eq!((&rejected(&read_only).reason, &*rejected(&read_only).fields[0]), (&Reason::ReadOnly, "CreatedDate"));
    let no_id = push_one(&connector, update(&"nonsense".into(), "CDP_Text__c", "x")).await;
    assert_eq!(rejected(&no_id).reason, Reason::Gone);
    let nobody = push_one(&connector, update(&"003000000000001AAA".into(), "CDP_Text__c", "x")).await;
    assert_eq!(rejected(&nobody).reason, Reason::Gone);
    done(&push_one(&connector, update(&ids[0], KEY, "p-1")).await);
    let held = push_one(&connector, update(&ids[1], KEY, "p-1")).await;
    assert_eq!(rejected(&held).reason, Reason::Duplicate { existing: Some(ids[0].clone()) });
}

#[tokio::test]
async fn a_record_that_went_elsewhere_is_followed() {
    let org = Org::start().await;
    let ids = org.people(3).await;
    let connector = org.connector();
    org.rep("delete", json!({ "object": "Contact", "id": ids[0].as_str() })).await;
    let gone = push_one(&connector, update(&ids[0], "CDP_Text__c", "x")).await;
    assert_eq!(rejected(&gone).reason, Reason::Gone);
    let body = json!({ "object": "Contact", "primary": ids[1].as_str(), "secondary": ids[2].as_str() });
    org.rep("merge", body).await;
    let merged = push_one(&connector, update(&ids[2], "CDP_Text__c", "x")).await;
    let into = Link { object: Object::Contact, id: ids[1].clone() };
    assert_eq!(rejected(&merged).reason, Reason::Merged { into: Some(into) });
    let lead = org.create("Lead", json!({ "LastName": "Ruiz", "Company": "Acme" })).await;
    org.rep("convert", json!({ "id": lead.as_str() })).await;
    let contact = org.read("Lead", &lead).await["ConvertedContactId"].as_str().unwrap().to_owned();
    let operation = Operation::Update { id: lead.clone() };
    let converted = push_one(&connector, write(Object::Lead, operation, Fields::from([("CDP_Text__c", "x")]))).await;
    let into = Link { object: Object::Contact, id: contact.as_str().into() };
    assert_eq!(rejected(&converted).reason, Reason::Merged { into: Some(into) });
}

#[tokio::test]
async fn a_key_that_looks_like_a_file_is_no_format() {
    let org = Org::start().await;
    let connector = org.connector();
    for key in ["p/77", "a b", "m.ruiz@acme.inc", "Zoë"] {
        let fields = Fields::from([("LastName", "Ruiz")]);
        let (first, created) = done(&push_one(&connector, upsert(Object::Contact, key, fields.clone())).await);
        assert!(created, "{key}");
        assert_eq!(done(&push_one(&connector, upsert(Object::Contact, key, fields)).await), (first.clone(), false));
        assert_eq!(org.read("Contact", &first).await[KEY], key);
    }
}

#[tokio::test]
async fn what_may_not_be_created_is_only_updated() {
    let org = Org::start().await;
    let connector = org.connector();
    let nobody = push_one(&connector, upsert(Object::Company, "c-1", Fields::from([("Name", "Acme")]))).await;
    assert_eq!(rejected(&nobody).reason, Reason::Gone);
    let create =
        push_one(&connector, write(Object::Company, Operation::Create, Fields::from([("Name", "Acme")]))).await;
    assert_eq!(rejected(&create).reason, Reason::Unsupported);
    let id = org.create("Account", json!({ "Name": "Acme", KEY: "c-1" })).await;
    let found = push_one(&connector, upsert(Object::Company, "c-1", Fields::from([("CDP_Text__c", "ours")]))).await;
    assert_eq!(done(&found), (id.clone(), false));
    assert_eq!(org.read("Account", &id).await["CDP_Text__c"], "ours");
}

#[tokio::test]
async fn a_rule_that_alerts_lets_enrichment_through_and_one_that_blocks_says_so() {
    let org = Org::start().await;
    let connector = org.connector();
    let rule = |action: &str| json!({ "duplicate_rules": [{ "object": "Contact", "fields": ["LastName"], "action": action }] });
    let first = org.create("Contact", json!({ "LastName": "Twin" })).await;
    let second = org.create("Contact", json!({ "LastName": "Twin" })).await;
    org.knobs(rule("alert")).await;
    done(&push_one(&connector, update(&second, "CDP_Text__c", "enriched")).await);
    org.knobs(rule("block")).await;
    let blocked = push_one(&connector, update(&second, "CDP_Text__c", "again")).await;
    let told = rejected(&blocked);
    assert_eq!(&*told.code, "DUPLICATES_DETECTED");
    assert_eq!(told.reason, Reason::Duplicate { existing: Some(first.clone()) });
    // A create that the rule matches is the record that is there already.
    for spelling in [false, true] {
        org.knobs(json!({ "correct_duplicate_key": spelling })).await;
        org.rep("delete", json!({ "object": "Contact", "id": second.as_str() })).await;
        let create = push_one(&connector, upsert(Object::Contact, "p-9", Fields::from([("LastName", "Twin")]))).await;
        assert_eq!(rejected(&create).reason, Reason::Duplicate { existing: Some(first.clone()) });
        org.rep("restore", json!({ "object": "Contact", "id": second.as_str() })).await;
    }
    let two = push_one(&connector, upsert(Object::Contact, "p-9", Fields::from([("LastName", "Twin")]))).await;
    assert_eq!(rejected(&two).reason, Reason::AmbiguousMatch);
}

#[tokio::test]
async fn a_lock_is_waited_out_and_in_the_end_told() {
    let org = Org::start().await;
    let id = org.people(1).await.remove(0);
    let connector = org.connector();
    let lock =
        |times: u64| json!({ "row_faults": [{ "object": "Contact", "times": times, "code": "UNABLE_TO_LOCK_ROW" }] });
    org.knobs(lock(3)).await;
    let before = org.clock.leapt();
    done(&push_one(&connector, update(&id, "CDP_Text__c", "in the end")).await);
    let waited = org.clock.leapt() - before;
    assert!(waited.as_millis() >= 3_500, "three pauses of half to one, one to two, two to four seconds: {waited:?}");
    org.knobs(lock(100)).await;
    let mark = org.mark().await;
    let outcome = push_one(&connector, update(&id, "CDP_Text__c", "never")).await;
    let Outcome::Rejected(told) = outcome else { panic!("{outcome:?}") };
    assert!(matches!(told.reason, Reason::Locked { retry_after: Some(_) }), "{told:?}");
    assert_eq!(org.requests(mark).await.len(), 5);
}
