//! Upserts by a key that a dead row holds: what was merged away, or became a contact, is never written again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod stand_in;

use connector::{
    Connector, Entropy, FieldKind, Fields, Hints, Link, NewField, Object, Operation, Outcome, Reason, RecordId,
    SeededEntropy, Timestamp, Write,
};
use connector_dynamics::{Config, Dynamics, WriteMode};
use serde_json::json;
use stand_in::{StandIn, config};

const KEY: &str = "new_cdp_profile_id";

fn upsert(object: &Object, key: &str, title: &str) -> Write {
    Write {
        key: SeededEntropy::new(7).uuid(Timestamp::EPOCH),
        object: object.clone(),
        operation: Operation::Upsert { field: KEY.into(), value: key.into() },
        fields: Fields::from([("lastname", "Ruiz"), ("jobtitle", title)]),
        hints: Hints::default(),
    }
}

async fn made(dynamics: &Dynamics, object: &Object, keys: &[&str]) -> Vec<RecordId> {
    let key = NewField {
        name: KEY.into(),
        label: "CDP profile id".into(),
        description: "ours".into(),
        kind: FieldKind::Text,
        unique: true,
    };
    dynamics.create_field(object, &key).await.unwrap();
    let writes: Vec<Write> = keys.iter().map(|key| upsert(object, key, "New")).collect();
    let id = |outcome| match outcome {
        Outcome::Done { id, created: true, .. } => id,
        other => panic!("{other:?}"),
    };
    dynamics.push(&writes).await.unwrap().into_iter().map(id).collect()
}

/// Records that the connector wrote after the line of the ledger numbered `since`.
async fn written(org: &StandIn, since: usize) -> Vec<String> {
    let lines = org.lines("ledger").await.split_off(since);
    lines.iter().map(|line| line["record"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_a_merged_row_holds_means_the_one_it_goes_on_as() {
    for object in [Object::Contact, Object::Lead] {
        for mode in [WriteMode::Auto, WriteMode::Single] {
            let org = StandIn::start(0).await;
            let dynamics = org.connector_with(Config { write_mode: mode, ..config(org.url()) });
            let ids = made(&dynamics, &object, &["p-0", "p-1", "p-2"]).await;
            for (winner, loser) in [(1, 0), (2, 1)] {
                let (primary, secondary) = (ids[winner].as_str(), ids[loser].as_str());
                let merge = json!({ "object": object.as_str(), "primary": primary, "secondary": secondary });
                org.rep("merge", merge).await.unwrap();
            }
            let before = org.lines("ledger").await.len();
            let writes = ["P-0", "p-2", "p-3"].map(|key| upsert(&object, key, "Head"));
            let outcomes = dynamics.push(&writes).await.unwrap();
            let Outcome::Rejected(rejection) = &outcomes[0] else { panic!("{mode:?}: {outcomes:?}") };
            assert_eq!(rejection.reason, Reason::Duplicate { existing: Some(ids[2].clone()) }, "{mode:?}");
            assert!(matches!(&outcomes[1], Outcome::Done { id, created: false, .. } if *id == ids[2]), "{outcomes:?}");
            let Outcome::Done { id: new, created: true, .. } = &outcomes[2] else { panic!("{mode:?}: {outcomes:?}") };
            let mut touched = written(&org, before).await;
            touched.sort();
            touched.dedup();
            let mut expected = vec![ids[2].as_str().to_owned(), new.as_str().to_owned()];
            expected.sort();
            assert_eq!(touched, expected, "{mode:?}: the dead rows stay as they were");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_a_qualified_lead_holds_means_the_contact() {
    let org = StandIn::start(0).await;
    let dynamics = org.connector();
    let lead = made(&dynamics, &Object::Lead, &["p-0"]).await.remove(0);
    let contact = org.rep("convert", json!({ "id": lead.as_str() })).await.unwrap();
    let contact = RecordId::from(contact["contact"].as_str().unwrap());
    let before = org.lines("ledger").await.len();
    let outcome = dynamics.push(&[upsert(&Object::Lead, "p-0", "Head")]).await.unwrap().remove(0);
    let Outcome::Rejected(rejection) = outcome else { panic!("{outcome:?}") };
    assert_eq!(rejection.reason, Reason::Merged { into: Some(Link { object: Object::Contact, id: contact }) });
    assert_eq!(written(&org, before).await, Vec::<String>::new());
}
