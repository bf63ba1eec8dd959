//! Two to two thousand writes: Collections calls of up to 200, each row with its own fate.

use connector::{Connector, ErrorKind, Fields, Object, Outcome, Reason, RecordId, Value};
use serde_json::json;

use crate::org::{Org, all_ambiguous, all_done, done, rejected, update, updates, upsert};

const CALLS: &str = "/services/data/v67.0/composite/sobjects*";

#[tokio::test]
async fn a_thousand_rows_are_five_calls() {
    let org = Org::start().await;
    let ids = org.people(1_000).await;
    let mut config = org.config();
    config.limits.bulk_ingest_above = 2_000;
    let connector = org.connector_with(config);
    connector.check().await.unwrap();
    let mark = org.mark().await;
    let outcomes = connector.push(&updates(&ids, "enriched")).await.unwrap();
    for (outcome, id) in outcomes.iter().zip(&ids) {
        assert_eq!(done(outcome), (id.clone(), false));
    }
    assert_eq!((org.requests(mark).await.len(), org.count(mark, "PATCH", CALLS).await), (5, 5));
    assert_eq!(connector.forecast(1_000), 5);
    assert_eq!(org.text_of(&ids[999]).await, "enriched");
}

#[tokio::test]
async fn one_bad_row_harms_no_other() {
    let org = Org::start().await;
    let ids = org.people(6).await;
    let connector = org.connector();
    let mut writes = updates(&ids, "good");
    writes[1] = update(&ids[1], "CDP_Score__c", Value::Number("12345678".parse().unwrap()));
    writes[3] = update(&ids[3], "Nope__c", "x");
    writes[4] = update(&"003000000000001AAA".into(), "CDP_Text__c", "x");
    let outcomes = connector.push(&writes).await.unwrap();
    assert_eq!(rejected(&outcomes[1]).reason, Reason::Invalid);
    assert_eq!(&*rejected(&outcomes[1]).fields[0], "CDP_Score__c");
    assert_eq!(rejected(&outcomes[3]).reason, Reason::UnknownField);
    assert_eq!(rejected(&outcomes[4]).reason, Reason::Gone);
    for place in [0, 2, 5] {
        done(&outcomes[place]);
        assert_eq!(org.text_of(&ids[place]).await, "good");
    }
}

#[tokio::test]
async fn a_record_named_twice_is_written_twice_in_turn() {
    let org = Org::start().await;
    let ids = org.people(2).await;
    let short: RecordId = ids[0].as_str()[..15].into();
    let writes =
        [update(&ids[0], "CDP_Text__c", "a"), update(&ids[1], "CDP_Text__c", "b"), update(&short, "CDP_Text__c", "c")];
    all_done(&org.connector().push(&writes).await.unwrap());
    assert_eq!(org.text_of(&ids[0]).await, "c");
}

#[tokio::test]
async fn a_lost_answer_is_ambiguous_and_nothing_is_sent_again() {
    let org = Org::start().await;
    let ids = org.people(3).await;
    let connector = org.connector();
    connector.check().await.unwrap();
    for fault in ["reset_after", "truncate_json", "500_after"] {
        org.plan("PATCH", CALLS, fault, 1).await;
        let mark = org.mark().await;
        all_ambiguous(&connector.push(&updates(&ids, fault)).await.unwrap());
        assert_eq!(org.requests(mark).await.len(), 1, "{fault}");
        assert_eq!(org.text_of(&ids[2]).await, fault);
    }
    org.plan("PATCH", CALLS, "omit_row", 1).await;
    let outcomes = connector.push(&updates(&ids, "one left out")).await.unwrap();
    let lost = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Ambiguous(_))).count();
    let done = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Done { .. })).count();
    assert_eq!((lost, done), (1, 2), "{outcomes:?}");
}

#[tokio::test]
async fn two_lost_answers_end_the_push() {
    let org = Org::start().await;
    let ids = org.people(600).await;
    let mut config = org.config();
    config.limits.bulk_ingest_above = 2_000;
    let connector = org.connector_with(config);
    connector.check().await.unwrap();
    org.plan("PATCH", CALLS, "reset_before", 10).await;
    let mark = org.mark().await;
    let outcomes = connector.push(&updates(&ids, "x")).await.unwrap();
    assert_eq!(org.requests(mark).await.len(), 2);
    all_ambiguous(&outcomes[..400]);
    assert!(outcomes[400..].iter().all(|outcome| matches!(outcome, Outcome::Deferred(_))));
}

#[tokio::test]
async fn only_locked_rows_go_again() {
    let org = Org::start().await;
    let ids = org.people(5).await;
    let locked = json!({ "row_faults": [{ "id": ids[2].as_str(), "times": 2, "code": "UNABLE_TO_LOCK_ROW" }] });
    org.knobs(locked).await;
    all_done(&org.connector().push(&updates(&ids, "once")).await.unwrap());
    assert_eq!(org.times_written("once").await, 5);
}

#[tokio::test]
async fn the_rows_an_automation_fails_for_are_found_out() {
    let org = Org::start().await;
    let ids = org.people(200).await;
    let mut config = org.config();
    config.limits.bulk_ingest_above = 2_000;
    let connector = org.connector_with(config);
    let trigger = json!({ "row_faults": [{ "id": ids[77].as_str(), "times": 1_000, "code": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "message": "Score: execution of BeforeUpdate caused by: System.NullPointerException" }] });
    org.knobs(trigger).await;
    let outcomes = connector.push(&updates(&ids, "fine")).await.unwrap();
    for (place, outcome) in outcomes.iter().enumerate() {
        match place {
            77 => assert_eq!(&*rejected(outcome).code, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"),
            _ => drop(done(outcome)),
        }
    }
}

#[tokio::test]
async fn the_innocent_of_a_rolled_back_call_go_again() {
    let org = Org::start().await;
    let ids = org.people(4).await;
    let fault =
        json!({ "row_faults": [{ "id": ids[1].as_str(), "times": 1, "code": "ALL_OR_NONE_OPERATION_ROLLED_BACK" }] });
    org.knobs(fault).await;
    all_done(&org.connector().push(&updates(&ids, "again")).await.unwrap());
}

#[tokio::test]
async fn a_full_store_stops_the_push_until_somebody_acts() {
    let org = Org::start().await;
    let ids = org.people(3).await;
    org.knobs(json!({ "row_faults": [{ "times": 100, "code": "STORAGE_LIMIT_EXCEEDED" }] })).await;
    let error = org.connector().push(&updates(&ids, "x")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Quota);
    assert!(error.retry_at.is_some());
}

#[tokio::test]
async fn upserts_create_and_find_in_one_call() {
    let org = Org::start().await;
    let connector = org.connector();
    let writes: Vec<_> = (0..5)
        .map(|at| upsert(Object::Contact, &format!("k-{at}"), Fields::from([("LastName", format!("N{at}").as_str())])))
        .collect();
    let first = connector.push(&writes).await.unwrap();
    assert!(first.iter().all(|outcome| done(outcome).1));
    let mark = org.mark().await;
    let second = connector.push(&writes).await.unwrap();
    for (first, second) in first.iter().zip(&second) {
        assert_eq!(done(second), (done(first).0, false));
    }
    assert_eq!(org.requests(mark).await.len(), 1);
    // Without a name Salesforce creates nobody: the address gives one. Whoever is there keeps theirs.
    let nameless: Vec<_> = (3..8)
        .map(|at| {
            upsert(
                Object::Contact,
                &format!("k-{at}"),
                Fields::from([("Email", format!("a{at}@acme.example").as_str())]),
            )
        })
        .collect();
    let third = connector.push(&nameless).await.unwrap();
    assert_eq!(org.read("Contact", &done(&third[0]).0).await["LastName"], "N3");
    assert_eq!(org.read("Contact", &done(&third[4]).0).await["LastName"], "a7");
}
