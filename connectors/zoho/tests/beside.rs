//! Tasks: made once of whatever record, due on a day, somebody's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod stand_in;

use connector::{
    Connector, Entropy, Fields, Hints, Object, Operation, Outcome, Reason, RecordId, SeededEntropy, Timestamp, Write,
};
use connector_zoho::Zoho;
use reqwest::Method;
use serde_json::{Value as Json, json};
use stand_in::StandIn;

fn task(object: Object, record: &RecordId, marker: &str) -> Write {
    let operation = Operation::TaskOnce {
        record: record.clone(),
        marker: marker.into(),
        subject: "Call back".into(),
        body: format!("Asked for a demo\n{marker}").into(),
        due_at: Timestamp::parse_rfc3339("2026-03-04T16:00:00Z").unwrap(),
        owner: Some("5545974000000100003".into()),
    };
    let key = SeededEntropy::new(3).uuid(Timestamp::EPOCH);
    Write { key, object, operation, fields: Fields::new(), hints: Hints::default() }
}

async fn pushed(zoho: &Zoho, write: Write) -> Outcome {
    zoho.push(&[write]).await.unwrap().remove(0)
}

async fn tasks(org: &StandIn) -> Vec<Json> {
    let path = "/Tasks?fields=Subject,Description,Due_Date,Owner,Who_Id,What_Id,Status";
    org.api(Method::GET, path, None).await.1["data"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn a_task_is_made_once_of_whatever_it_is_about() {
    let org = StandIn::start(0).await;
    let zoho = org.connector();
    for (object, field) in [(Object::Contact, "Who_Id"), (Object::Lead, "What_Id"), (Object::Company, "What_Id")] {
        let record = org.seed(&object, &Fields::new()).await.unwrap();
        let marker = format!("[ferry:task:{object}]");
        let Outcome::Done { id, created: true, .. } = pushed(&zoho, task(object.clone(), &record, &marker)).await
        else {
            panic!("{object}: no task was made")
        };
        // Done or not, it is there: nobody gets it a second time.
        let closed = json!({ "data": [{ "id": id.as_str(), "Status": "Completed" }] });
        assert_eq!(org.api(Method::PUT, "/Tasks", Some(closed)).await.0, 200);
        let again = pushed(&zoho, task(object.clone(), &record, &marker)).await;
        assert!(matches!(&again, Outcome::Done { id: of, created: false, .. } if *of == id), "{again:?}");
        let all = tasks(&org).await;
        let made = all.iter().find(|task| task["id"] == id.as_str()).unwrap();
        assert_eq!((&made["Due_Date"], &made[field]["id"]), (&json!("2026-03-04"), &json!(record.as_str())));
        assert_eq!((&made["Owner"]["id"], &made["Subject"]), (&json!("5545974000000100003"), &json!("Call back")));
        assert!(made["Description"].as_str().unwrap().contains(&marker));
    }
    assert_eq!(tasks(&org).await.len(), 3);
}

#[tokio::test]
async fn a_task_whose_answer_was_lost_is_found_again() {
    let org = StandIn::start(0).await;
    let zoho = org.connector();
    let record = org.seed(&Object::Contact, &Fields::new()).await.unwrap();
    org.knobs(json!({ "plan": [{ "method": "POST", "path": "/crm/v8/Tasks", "fault": "reset_after" }] })).await;
    let write = || task(Object::Contact, &record, "[ferry:task:1]");
    assert!(matches!(pushed(&zoho, write()).await, Outcome::Ambiguous(_)));
    assert!(matches!(pushed(&zoho, write()).await, Outcome::Done { created: false, .. }));
    assert_eq!(tasks(&org).await.len(), 1);
}

#[tokio::test]
async fn nobody_who_is_gone_gets_a_task() {
    let org = StandIn::start(0).await;
    let record = org.seed(&Object::Contact, &Fields::new()).await.unwrap();
    org.rep("delete", json!({ "object": "Contacts", "id": record.as_str() })).await.unwrap();
    let outcome = pushed(&org.connector(), task(Object::Contact, &record, "[ferry:task:1]")).await;
    assert!(matches!(&outcome, Outcome::Rejected(rejection) if rejection.reason == Reason::Gone), "{outcome:?}");
    assert_eq!(tasks(&org).await.len(), 0);
}
