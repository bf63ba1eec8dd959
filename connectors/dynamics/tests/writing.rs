//! Writing: what goes out how, what stands between us and a rep, and what a refusal costs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod stand_in;

use std::time::Duration;

use connector::{
    Connector, Creation, Entropy, Fields, Hints, LastName, Link, NewField, Object, Operation, Outcome, ReadKey,
    ReadRequest, Reason, RecordId, SeededEntropy, Timestamp, Value, Write,
};
use connector_dynamics::{Config, Dynamics, WriteMode};
use serde_json::json;
use stand_in::walks::emails;
use stand_in::{StandIn, config};

const MODES: [WriteMode; 4] = [WriteMode::Auto, WriteMode::Bulk, WriteMode::Batch, WriteMode::Single];

fn write(object: Object, operation: Operation, fields: impl Into<Fields>) -> Write {
    let key = SeededEntropy::new(7).uuid(Timestamp::EPOCH);
    Write { key, object, operation, fields: fields.into(), hints: Hints::default() }
}

fn update(id: &RecordId, fields: impl Into<Fields>) -> Write {
    write(Object::Contact, Operation::Update { id: id.clone() }, fields)
}

fn titled(ids: &[RecordId]) -> Vec<Write> {
    ids.iter().map(|id| update(id, [("jobtitle", "Head")])).collect()
}

async fn values(connector: &Dynamics, object: Object, ids: &[RecordId], name: &str) -> Vec<Value> {
    let by = ReadKey::Ids(ids.to_vec());
    let records = connector.read(&ReadRequest { object, fields: vec![name.into()], by }).await.unwrap();
    let value = |id: &RecordId| {
        records.iter().find(|record| record.id == *id).and_then(|record| record.fields.get(name)).cloned()
    };
    ids.iter().map(|id| value(id).unwrap_or(Value::Null)).collect()
}

async fn look(connector: &Dynamics, id: &RecordId) {
    values(connector, Object::Contact, std::slice::from_ref(id), "jobtitle").await;
}

fn reason(outcome: &Outcome) -> &Reason {
    match outcome {
        Outcome::Rejected(rejection) => &rejection.reason,
        other => panic!("expected a refusal, it was {other:?}"),
    }
}

fn is_done(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Done { .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_16_a_reps_edit_between_our_look_and_our_write_is_not_written_over() {
    for mode in MODES {
        let stand_in = StandIn::start(0).await;
        let ids = stand_in.seed_contacts(&emails(3)).await;
        let connector = stand_in.connector_with(Config { write_mode: mode, ..config(stand_in.url()) });
        let read = ReadRequest { object: Object::Contact, fields: vec![], by: ReadKey::Ids(ids.clone()) };
        connector.read(&read).await.unwrap();
        stand_in.edit(&Object::Contact, &ids[1..2], &Fields::from([("jobtitle", "Chief")])).await.unwrap();
        let outcomes = connector.push(&titled(&ids)).await.unwrap();
        assert!(is_done(&outcomes[0]) && is_done(&outcomes[2]), "{mode:?}: {outcomes:?}");
        assert_eq!(*reason(&outcomes[1]), Reason::Conflict, "{mode:?}");
        let held = values(&connector, Object::Contact, &ids, "jobtitle").await;
        assert_eq!(held, ["Head".into(), "Chief".into(), "Head".into()], "{mode:?}: the rep's word stands");
        // Looked at again, it may be decided again.
        look(&connector, &ids[1]).await;
        assert!(is_done(&connector.push(&titled(&ids[1..2])).await.unwrap()[0]), "{mode:?}");
        assert_eq!(values(&connector, Object::Contact, &ids[1..2], "jobtitle").await, ["Head".into()]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_16_what_was_not_looked_at_or_long_ago_is_written_if_it_is_there() {
    let stand_in = StandIn::start(0).await;
    let ids = stand_in.seed_contacts(&emails(2)).await;
    let connector = stand_in.connector();
    look(&connector, &ids[0]).await;
    stand_in.edit(&Object::Contact, &ids, &Fields::from([("jobtitle", "Chief")])).await.unwrap();
    stand_in.advance(Duration::from_secs(600)).await;
    assert!(connector.push(&titled(&ids)).await.unwrap().iter().all(is_done));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_optimistic_concurrency_takes_the_write_all_the_same() {
    let stand_in = StandIn::start(0).await;
    let ids = stand_in.seed_contacts(&emails(1)).await;
    let connector = stand_in.connector();
    look(&connector, &ids[0]).await;
    // Turned off after we have learnt that it is on.
    stand_in.knobs(json!({ "no_optimistic": ["contact"] })).await;
    assert!(connector.push(&titled(&ids)).await.unwrap().iter().all(is_done));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_record_is_gone_in_every_mode_and_its_neighbours_are_not() {
    for mode in MODES {
        let stand_in = StandIn::start(0).await;
        let ids = stand_in.seed_contacts(&emails(5)).await;
        let connector = stand_in.connector_with(Config { write_mode: mode, ..config(stand_in.url()) });
        stand_in.rep("delete", json!({ "object": "contact", "id": ids[2].as_str() })).await.unwrap();
        let outcomes = connector.push(&titled(&ids)).await.unwrap();
        assert_eq!(*reason(&outcomes[2]), Reason::Gone, "{mode:?}");
        assert_eq!(outcomes.iter().filter(|outcome| is_done(outcome)).count(), 4, "{mode:?}");
        let ledger = stand_in.lines("ledger").await;
        let died = ledger.iter().position(|line| line["op"] == "delete").unwrap();
        let after = ledger[died + 1..].iter().filter(|line| line["record"] == ids[2].as_str()).count();
        assert_eq!(after, 0, "{mode:?}: nothing brings it back");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_go_in_few_calls_and_one_bad_row_costs_one_more() {
    let stand_in = StandIn::start(0).await;
    let ids = stand_in.seed_contacts(&emails(1_000)).await;
    let connector = stand_in.connector();
    connector.check().await.unwrap();
    let calls = async |writes: &[Write]| {
        let before = stand_in.requests().await;
        let outcomes = connector.push(writes).await.unwrap();
        (stand_in.requests().await - before, outcomes)
    };
    let (spent, outcomes) = calls(&titled(&ids)).await;
    assert!(outcomes.iter().all(is_done));
    assert_eq!((spent, connector.forecast(1_000)), (8, 8), "three looks and five bulk calls");
    let mut writes: Vec<Write> = ids.iter().map(|id| update(id, [("jobtitle", "Chief")])).collect();
    writes[450].fields.set("jobtitle", "x".repeat(200).as_str());
    let (spent, outcomes) = calls(&writes).await;
    assert_eq!(*reason(&outcomes[450]), Reason::Invalid);
    assert_eq!(outcomes.iter().filter(|outcome| is_done(outcome)).count(), 999);
    assert_eq!(spent, 8 + 2, "one of the bulk calls again as two batches");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_bulk_calls_is_written_in_batches() {
    let stand_in = StandIn::start(0).await;
    let ids = stand_in.seed_contacts(&emails(150)).await;
    stand_in.knobs(json!({ "no_bulk": ["contact"] })).await;
    let connector = stand_in.connector();
    assert!(connector.push(&titled(&ids)).await.unwrap().iter().all(is_done));
    assert_eq!(stand_in.requests_to("UpdateMultiple").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_is_made_by_its_key_once_with_a_name_that_nobody_loses() {
    let stand_in = StandIn::start(0).await;
    let connector = stand_in.connector();
    let key = NewField {
        name: "new_cdp_profile_id".into(),
        label: "CDP profile id".into(),
        description: "ours".into(),
        kind: connector::FieldKind::Text,
        unique: true,
    };
    connector.create_field(&Object::Lead, &key).await.unwrap();
    let schema = connector.describe(&Object::Lead).await.unwrap();
    assert!(schema.fields["new_cdp_profile_id"].unique, "its alternate key is there and active");
    let operation = Operation::Upsert { field: "new_cdp_profile_id".into(), value: "p-1".into() };
    let lead = write(Object::Lead, operation, [("emailaddress1", "m.ruiz@acme.example")]);
    let Outcome::Done { id, created: true, .. } = connector.push(std::slice::from_ref(&lead)).await.unwrap().remove(0)
    else {
        panic!("a lead was not made")
    };
    let one = std::slice::from_ref(&id);
    assert_eq!(values(&connector, Object::Lead, one, "lastname").await, ["m.ruiz".into()]);
    stand_in.edit(&Object::Lead, one, &Fields::from([("lastname", "Ruiz")])).await.unwrap();
    let again = connector.push(&[lead]).await.unwrap().remove(0);
    assert!(matches!(&again, Outcome::Done { id: same, created: false, .. } if *same == id), "{again:?}");
    assert_eq!(values(&connector, Object::Lead, one, "lastname").await, ["Ruiz".into()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_name_of_the_nameless_is_configured() {
    let stand_in = StandIn::start(0).await;
    let creation = Creation { last_name: LastName::Text("Visitor".into()), ..Creation::default() };
    let connector = stand_in.connector_with(Config { creation, ..config(stand_in.url()) });
    for object in [Object::Contact, Object::Lead] {
        let nameless = write(object.clone(), Operation::Create, [("emailaddress1", "m.ruiz@acme.example")]);
        let named = write(object.clone(), Operation::Create, [("lastname", "Ruiz")]);
        let mut made = Vec::new();
        for outcome in connector.push(&[nameless, named]).await.unwrap() {
            let Outcome::Done { id, created: true, .. } = outcome else { panic!("{outcome:?}") };
            made.push(id);
        }
        let names = values(&connector, object, &made, "lastname").await;
        assert_eq!(names, ["Visitor".into(), "Ruiz".into()], "only who has none gets it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_and_an_owner_are_bound_by_their_addresses() {
    let stand_in = StandIn::start(0).await;
    let connector = stand_in.connector();
    let ids = stand_in.seed_contacts(&emails(2)).await;
    let company = stand_in.seed(&Object::Company, &Fields::from([("name", "Acme")])).await.unwrap();
    let body = json!({ "email": "rita@acme.example", "first_name": "Rita", "last_name": "Rep" });
    let rep = stand_in.rep("owner", body).await.unwrap()["id"].as_str().unwrap().to_owned();
    let fields = || [("parentcustomerid", format!("account:{company}")), ("ownerid", rep.clone())];
    let fields = || fields().map(|(name, value)| (name, Value::from(value.as_str())));
    let writes: Vec<Write> = ids.iter().map(|id| update(id, fields())).collect();
    assert!(connector.push(&writes).await.unwrap().iter().all(is_done));
    let read = async |name: &str| values(&connector, Object::Contact, &ids, name).await;
    assert_eq!(read("parentcustomerid").await, [Value::from(company.as_str()), company.as_str().into()]);
    assert_eq!(read("parentcustomeridname").await, ["Acme".into(), "Acme".into()]);
    assert_eq!(read("ownerid").await, [Value::from(rep.as_str()), rep.as_str().into()]);
    let cleared = update(&ids[0], [("parentcustomerid", Value::Null)]);
    let bare = update(&ids[1], [("parentcustomerid", company.as_str())]);
    let outcomes = connector.push(&[cleared, bare]).await.unwrap();
    assert!(is_done(&outcomes[0]), "{outcomes:?}");
    assert_eq!(*reason(&outcomes[1]), Reason::Invalid, "a person or a company: the table must be said");
    assert_eq!(read("parentcustomerid").await, [Value::Null, company.as_str().into()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicate_rules_look_at_our_writes_only_where_they_are_asked_to() {
    let stand_in = StandIn::start(0).await;
    stand_in.knobs(json!({ "duplicate_rules": [{ "table": "contact", "columns": ["emailaddress1"] }] })).await;
    let ids = stand_in.seed_contacts(&emails(2)).await;
    let same = || vec![update(&ids[1], [("emailaddress1", emails(1)[0].as_str())])];
    for mode in [WriteMode::Bulk, WriteMode::Batch, WriteMode::Single] {
        let with = |suppress_duplicate_detection| {
            let config = Config { write_mode: mode, suppress_duplicate_detection, ..config(stand_in.url()) };
            stand_in.connector_with(config)
        };
        let outcomes = with(false).push(&same()).await.unwrap();
        assert!(matches!(reason(&outcomes[0]), Reason::Duplicate { .. }), "{mode:?}: {outcomes:?}");
        assert!(is_done(&with(true).push(&same()).await.unwrap()[0]), "{mode:?}");
        stand_in
            .edit(&Object::Contact, &ids[1..], &Fields::from([("emailaddress1", "other@acme.example")]))
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_on_as_another_record_is_not_written() {
    let stand_in = StandIn::start(0).await;
    let connector = stand_in.connector();
    let ids = stand_in.seed_contacts(&emails(3)).await;
    for (winner, loser) in [(1, 0), (2, 1)] {
        let body = json!({ "object": "contact", "primary": ids[winner].as_str(), "secondary": ids[loser].as_str() });
        stand_in.rep("merge", body).await.unwrap();
    }
    let before = stand_in.lines("ledger").await.len();
    let outcomes = connector.push(&titled(&ids)).await.unwrap();
    let into = Some(Link { object: Object::Contact, id: ids[2].clone() });
    for outcome in &outcomes[..2] {
        assert_eq!(*reason(outcome), Reason::Merged { into: into.clone() });
    }
    assert!(is_done(&outcomes[2]));
    let written = stand_in.lines("ledger").await.split_off(before);
    assert!(written.iter().all(|line| line["record"] == ids[2].as_str()), "{written:?}");
}

const KEY: &str = "new_cdp_profile_id";

/// Contacts whose unique column holds `p-0`, `p-1`, … in the order of their ids.
async fn keyed(stand_in: &StandIn, connector: &Dynamics, count: usize) -> Vec<RecordId> {
    let key = NewField {
        name: KEY.into(),
        label: "CDP profile id".into(),
        description: "ours".into(),
        kind: connector::FieldKind::Text,
        unique: true,
    };
    connector.create_field(&Object::Contact, &key).await.unwrap();
    let ids = stand_in.seed_contacts(&emails(count)).await;
    let writes: Vec<Write> =
        ids.iter().enumerate().map(|(nth, id)| update(id, [(KEY, format!("p-{nth}").as_str())])).collect();
    assert!(connector.push(&writes).await.unwrap().iter().all(is_done));
    ids
}

async fn merge(stand_in: &StandIn, winner: &RecordId, loser: &RecordId) {
    let body = json!({ "object": "contact", "primary": winner.as_str(), "secondary": loser.as_str() });
    stand_in.rep("merge", body).await.unwrap();
}

/// The key that a row holds, of one merged away too.
async fn key_of(stand_in: &StandIn, id: &RecordId) -> serde_json::Value {
    let (status, row) = stand_in.api(reqwest::Method::GET, &format!("/contacts({id})?$select={KEY}"), None).await;
    assert_eq!(status, 200, "{row}");
    row[KEY].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merged_row_gives_its_key_up_to_the_one_it_goes_on_as() {
    for mode in MODES {
        let stand_in = StandIn::start(0).await;
        let connector = stand_in.connector_with(Config { write_mode: mode, ..config(stand_in.url()) });
        let ids = keyed(&stand_in, &connector, 6).await;
        // The first goes on as the third by way of the second; the fifth as the fourth.
        for (winner, loser) in [(1, 0), (2, 1), (3, 4)] {
            merge(&stand_in, &ids[winner], &ids[loser]).await;
        }
        let before = stand_in.lines("ledger").await.len();
        let key = |id: &RecordId, value: &str| update(id, [(KEY, value), ("jobtitle", "Head")]);
        let writes = [key(&ids[2], "p-0"), key(&ids[3], "p-4"), key(&ids[5], "p-5")];
        let outcomes = connector.push(&writes).await.unwrap();
        assert!(outcomes.iter().all(is_done), "{mode:?}: {outcomes:?}");
        let expected = [(0, json!(null)), (1, json!("p-1")), (2, json!("p-0")), (3, json!("p-4")), (4, json!(null))];
        for (nth, held) in expected {
            assert_eq!(key_of(&stand_in, &ids[nth]).await, held, "{mode:?}: row {nth}");
        }
        let titles = values(&connector, Object::Contact, &ids[2..4], "jobtitle").await;
        assert_eq!(titles, ["Head".into(), "Head".into()], "{mode:?}: the rest of the write came with it");
        for line in stand_in.lines("ledger").await.split_off(before) {
            let lost = [0, 4].iter().any(|nth| line["record"] == ids[*nth].as_str());
            assert!(!lost || line["after"].get(KEY) == Some(&json!(null)), "{mode:?}: {line}");
            assert!(!lost || line["after"].get("jobtitle").is_none(), "{mode:?}: only the key is touched: {line}");
        }
        // Said again it changes nothing, and asks for nothing beside.
        let outcomes = connector.push(&writes[..2]).await.unwrap();
        assert!(outcomes.iter().all(is_done), "{mode:?}: {outcomes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_another_person_holds_stays_theirs() {
    for mode in [WriteMode::Bulk, WriteMode::Batch, WriteMode::Single] {
        let stand_in = StandIn::start(0).await;
        let connector = stand_in.connector_with(Config { write_mode: mode, ..config(stand_in.url()) });
        let ids = keyed(&stand_in, &connector, 5).await;
        merge(&stand_in, &ids[1], &ids[0]).await;
        stand_in.edit(&Object::Contact, &ids[4..], &Fields::from([("statecode", "1")])).await.unwrap();
        // One that lives, one that went on as somebody else, one that is inactive and was never merged.
        let writes = [("p-3", 2), ("p-0", 3)].map(|(value, nth)| update(&ids[nth], [(KEY, value)]));
        let outcomes = connector.push(&writes).await.unwrap();
        let taken = |nth: usize| Reason::Duplicate { existing: Some(ids[nth].clone()) };
        assert_eq!((reason(&outcomes[0]), reason(&outcomes[1])), (&taken(3), &taken(1)), "{mode:?}");
        let inactive = connector.push(&[update(&ids[2], [(KEY, "p-4")])]).await.unwrap();
        assert_eq!(*reason(&inactive[0]), taken(4), "{mode:?}");
        let Outcome::Rejected(rejection) = &outcomes[0] else { panic!("{outcomes:?}") };
        assert_eq!(&*rejection.code, "0x80060892");
        assert!(rejection.message.contains("A record with the same value"), "{}", rejection.message);
        for (nth, id) in ids.iter().enumerate() {
            assert_eq!(key_of(&stand_in, id).await, json!(format!("p-{nth}")), "{mode:?}: nothing was emptied");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merged_row_that_keeps_its_key_is_told() {
    let stand_in = StandIn::start(0).await;
    let connector = stand_in.connector();
    let ids = keyed(&stand_in, &connector, 2).await;
    merge(&stand_in, &ids[1], &ids[0]).await;
    let write = [update(&ids[1], [(KEY, "p-0")])];
    let locked = Reason::Locked { retry_after: Some(Duration::from_secs(60)) };
    for (code, expected) in [("0x80040265", Reason::Invalid), ("0x80060882", locked)] {
        let fault = json!({ "object": "contact", "id": ids[0].as_str(), "code": code, "message": "a plug-in of ours" });
        stand_in.knobs(json!({ "row_faults": [fault] })).await;
        let outcomes = connector.push(&write).await.unwrap();
        let Outcome::Rejected(rejection) = &outcomes[0] else { panic!("{outcomes:?}") };
        assert_eq!((&rejection.reason, &*rejection.code), (&expected, code));
        let told = "a row that was merged into it holds its key and could not be emptied: a plug-in of ours";
        assert_eq!(&*rejection.message, told);
        assert_eq!(key_of(&stand_in, &ids[1]).await, json!("p-1"), "the write waits");
    }
    assert!(is_done(&connector.push(&write).await.unwrap()[0]), "once nobody objects it goes through");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_column_has_its_publishers_prefix_and_waits_for_its_index() {
    let stand_in = StandIn::start(0).await;
    stand_in.knobs(json!({ "key_build_ms": 9_000, "customization_locks": 2 })).await;
    let connector = stand_in.connector_with(Config { publisher_prefix: "new".into(), ..config(stand_in.url()) });
    let field = |name: &str, unique| NewField {
        name: name.into(),
        label: "CDP score".into(),
        description: "ours".into(),
        kind: connector::FieldKind::Text,
        unique,
    };
    let made = connector.create_field(&Object::Contact, &field("cdp_score", false)).await.unwrap();
    assert_eq!(made, connector::CreatedField::Created("new_cdp_score".into()));
    let again = connector.create_field(&Object::Contact, &field("new_cdp_score", false)).await.unwrap();
    assert_eq!(again, connector::CreatedField::Existed("new_cdp_score".into()));
}
