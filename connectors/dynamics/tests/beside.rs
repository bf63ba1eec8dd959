//! Notes and tasks of whatever record, and whose records are: what is there, what is gone, and what points to nobody.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod stand_in;

use connector::{
    Connector, Entropy, Fields, Hints, Link, Object, Operation, Outcome, Reason, RecordId, Rejection, SeededEntropy,
    Timestamp, Value, Write,
};
use connector_dynamics::{Config, Dynamics, WriteMode};
use reqwest::Method;
use serde_json::{Value as Json, json};
use stand_in::walks::emails;
use stand_in::{StandIn, config};

const MARKER: &str = "[ferry:task:1]";
const NOBODY: &str = "50000000-0000-0000-0000-00000000ffff";
const TABLES: [(Object, &str); 4] =
    [(Object::Contact, "contact"), (Object::Lead, "lead"), (Object::Company, "account"), (Object::Deal, "opportunity")];

fn write(object: Object, operation: Operation, fields: impl Into<Fields>) -> Write {
    let key = SeededEntropy::new(7).uuid(Timestamp::EPOCH);
    Write { key, object, operation, fields: fields.into(), hints: Hints::default() }
}

fn note(object: Object, record: &RecordId, body: &str) -> Write {
    let (marker, record) = ("[ferry:note:digest]", record.clone());
    let body = format!("{body}\n{marker}").into();
    write(object, Operation::NoteUpsert { record, note: None, marker: marker.into(), body }, Fields::new())
}

fn task(object: Object, record: &RecordId, body: &str, owner: Option<&str>) -> Write {
    let operation = Operation::TaskOnce {
        record: record.clone(),
        marker: MARKER.into(),
        subject: "Call back ".repeat(40).into(),
        body: format!("{body}\n{MARKER}").into(),
        due_at: Timestamp::parse_rfc3339("2026-03-04T16:00:00Z").unwrap(),
        owner: owner.map(RecordId::from),
    };
    write(object, operation, Fields::new())
}

async fn pushed(dynamics: &Dynamics, write: Write) -> Outcome {
    dynamics.push(&[write]).await.unwrap().remove(0)
}

fn refused(outcome: Outcome) -> Rejection {
    match outcome {
        Outcome::Rejected(rejection) => rejection,
        other => panic!("expected a refusal, it was {other:?}"),
    }
}

async fn row(org: &StandIn, set: &str, id: &RecordId) -> Json {
    let (status, row) = org.api(Method::GET, &format!("/{set}({id})"), None).await;
    assert_eq!(status, 200, "{row}");
    row
}

async fn count(org: &StandIn, set: &str) -> usize {
    org.api(Method::GET, &format!("/{set}"), None).await.1["value"].as_array().unwrap().len()
}

async fn user(org: &StandIn, name: &str) -> RecordId {
    let body = json!({ "email": format!("{name}@acme.example"), "first_name": name, "last_name": "Rep" });
    let made = org.rep("owner", body).await.unwrap();
    made["id"].as_str().or(made["ids"][0].as_str()).unwrap().into()
}

#[tokio::test]
async fn a_note_and_a_task_are_of_the_record_they_are_about() {
    let org = StandIn::start(0).await;
    let (dynamics, rita) = (org.connector(), user(&org, "rita").await);
    for (object, table) in TABLES {
        let record = org.seed(&object, &Fields::from([("description", "seeded")])).await.unwrap();
        let Outcome::Done { id, created: true, .. } = pushed(&dynamics, note(object.clone(), &record, "News")).await
        else {
            panic!("{table}: no note was made")
        };
        let made = row(&org, "annotations", &id).await;
        assert_eq!(
            (&made["_objectid_value"], &made["subject"]),
            (&json!(record.as_str()), &json!("Customer timeline"))
        );
        assert_eq!((&made["notetext"], &made["isdocument"]), (&json!("News\n[ferry:note:digest]"), &json!(false)));

        let write = task(object.clone(), &record, &"why ".repeat(900), Some(rita.as_str()));
        let Outcome::Done { id, created: true, kept, modified_at } = pushed(&dynamics, write).await else {
            panic!("{table}: no task was made")
        };
        assert_eq!((kept, modified_at), (Fields::new(), None), "the stamp would be the task's, not the record's");
        let made = row(&org, "tasks", &id).await;
        assert_eq!(made["_regardingobjectid_value"], record.as_str());
        assert_eq!((&made["_ownerid_value"], &made["prioritycode"]), (&json!(rita.as_str()), &json!(2)));
        assert_eq!(made["scheduledend"], "2026-03-04T16:00:00Z");
        // What is too long for the columns is cut, and is known again all the same.
        assert_eq!(made["subject"].as_str().unwrap().len(), 200);
        assert!(made["description"].as_str().unwrap().ends_with(MARKER));
        let again = pushed(&dynamics, task(object.clone(), &record, "why", None)).await;
        assert!(matches!(&again, Outcome::Done { id: of, created: false, .. } if *of == id), "{again:?}");
    }
    assert_eq!((count(&org, "annotations").await, count(&org, "tasks").await), (4, 4));
}

#[tokio::test]
async fn of_two_notes_with_the_marker_the_first_is_the_one() {
    let org = StandIn::start(0).await;
    let record = org.seed_contacts(&emails(1)).await.remove(0);
    let mut ids = Vec::new();
    for words in ["one [ferry:note:digest]", "two [ferry:note:digest]", "a rep's own"] {
        org.advance(std::time::Duration::from_secs(60)).await;
        let body = json!({ "notetext": words, "objectid_contact@odata.bind": format!("/contacts({record})") });
        let (status, answer) = org.api(Method::POST, "/annotations", Some(body)).await;
        assert_eq!(status, 204, "{answer}");
        let rows = org.api(Method::GET, "/annotations?$orderby=createdon%20desc&$top=1", None).await.1;
        ids.push(rows["value"][0]["annotationid"].as_str().unwrap().to_owned());
    }
    let outcome = pushed(&org.connector(), note(Object::Contact, &record, "three")).await;
    assert!(matches!(&outcome, Outcome::Done { id, created: false, .. } if id.as_str() == ids[0]), "{outcome:?}");
    assert_eq!(row(&org, "annotations", &ids[2].as_str().into()).await["notetext"], "a rep's own");
}

#[tokio::test]
async fn a_record_that_goes_on_as_another_is_told_and_gets_nothing() {
    let org = StandIn::start(0).await;
    let (dynamics, ids) = (org.connector(), org.seed_contacts(&emails(3)).await);
    let merge = json!({ "object": "contact", "primary": ids[0].as_str(), "secondary": ids[1].as_str() });
    org.rep("merge", merge).await.unwrap();
    org.rep("delete", json!({ "object": "contact", "id": ids[2].as_str() })).await.unwrap();
    let lead = org.seed(&Object::Lead, &Fields::from([("emailaddress1", "bo@acme.example")])).await.unwrap();
    let made = org.rep("convert", json!({ "id": lead.as_str() })).await.unwrap();
    let contact = RecordId::from(made["contact"].as_str().unwrap());
    let into = |id: &RecordId| Some(Link { object: Object::Contact, id: id.clone() });
    for (object, record, reason) in [
        (Object::Contact, &ids[1], Reason::Merged { into: into(&ids[0]) }),
        (Object::Contact, &ids[2], Reason::Gone),
        (Object::Lead, &lead, Reason::Merged { into: into(&contact) }),
    ] {
        for write in [note(object.clone(), record, "News"), task(object.clone(), record, "why", None)] {
            assert_eq!(refused(pushed(&dynamics, write).await).reason, reason);
        }
    }
    assert_eq!((count(&org, "annotations").await, count(&org, "tasks").await), (0, 0));
}

#[tokio::test]
async fn a_task_of_nobody_who_is_there_is_refused_and_the_record_is_not_called_gone() {
    let org = StandIn::start(0).await;
    let record = org.seed_contacts(&emails(1)).await.remove(0);
    for owner in [NOBODY, "rita"] {
        let refused = refused(pushed(&org.connector(), task(Object::Contact, &record, "why", Some(owner))).await);
        assert_eq!((refused.reason, &*refused.fields), (Reason::Invalid, &["ownerid".into()][..]), "{owner}");
    }
    assert_eq!(count(&org, "tasks").await, 0);
}

#[tokio::test]
async fn a_record_that_died_since_the_look_gets_nothing() {
    let org = StandIn::start(0).await;
    let record = org.seed_contacts(&emails(1)).await.remove(0);
    let message = format!("contact With Id = {record} Does Not Exist");
    let gone = json!([{ "object": "annotation", "code": "0x80040217", "message": message }]);
    org.knobs(json!({ "row_faults": gone })).await;
    let refused = refused(pushed(&org.connector(), note(Object::Contact, &record, "News")).await);
    assert_eq!(refused.reason, Reason::Gone);
}

#[tokio::test]
async fn an_owner_is_written_and_one_who_is_not_there_is_told() {
    for mode in [WriteMode::Auto, WriteMode::Batch, WriteMode::Single] {
        let org = StandIn::start(0).await;
        let dynamics = org.connector_with(Config { write_mode: mode, ..config(org.url()) });
        let (rita, ids) = (user(&org, "rita").await, org.seed_contacts(&emails(3)).await);
        let owners = [rita.as_str(), NOBODY, rita.as_str()];
        let writes: Vec<Write> = ids
            .iter()
            .zip(owners)
            .map(|(id, owner)| {
                let fields = Fields::from([("ownerid", Value::from(owner)), ("jobtitle", Value::from("Head"))]);
                write(Object::Contact, Operation::Update { id: id.clone() }, fields)
            })
            .collect();
        let outcomes = dynamics.push(&writes).await.unwrap();
        for at in [0, 2] {
            assert!(matches!(outcomes[at], Outcome::Done { .. }), "{mode:?}: {outcomes:?}");
            assert_eq!(row(&org, "contacts", &ids[at]).await["_ownerid_value"], rita.as_str());
        }
        // The contact is there: it must not be taken for deleted.
        let refused = refused(outcomes[1].clone());
        assert_eq!((refused.reason, &*refused.code), (Reason::Invalid, "0x80040217"), "{mode:?}");
        assert_eq!(refused.fields, ["ownerid".into()]);
        assert_eq!(row(&org, "contacts", &ids[1]).await["jobtitle"], Json::Null, "nothing of it was applied");
    }
}
