//! Above the threshold: one bulk job, whatever the number of rows, and each row with its own fate again.

use connector::{Connector, Fields, Object, Outcome, Reason, Value};
use serde_json::json;

use crate::org::{JOBS, Org, all_done, done, rejected, update, updates, upsert};

const CALLS: &str = "/services/data/v67.0/composite/sobjects*";

#[tokio::test]
async fn a_job_costs_the_same_for_every_number_of_rows() {
    let org = Org::start().await;
    let ids = org.people(1_000).await;
    let connector = org.connector();
    connector.check().await.unwrap();
    let mut costs = Vec::new();
    for rows in [21, 1_000] {
        let mark = org.mark().await;
        let outcomes = connector.push(&updates(&ids[..rows], &format!("of {rows}"))).await.unwrap();
        for (outcome, id) in outcomes.iter().zip(&ids) {
            assert_eq!(done(outcome), (id.clone(), false));
        }
        costs.push(org.requests(mark).await.len());
        assert_eq!(org.count(mark, "POST", JOBS).await, 1);
        assert!(costs[0] <= connector.forecast(rows), "{costs:?}");
    }
    assert_eq!(costs[0], costs[1]);
    assert_eq!(org.text_of(&ids[999]).await, "of 1000");
    assert_eq!(org.job_states().await, Vec::<String>::new(), "a job that is over is deleted");
    assert!(org.notes().await.is_empty());
}

#[tokio::test]
async fn every_kind_of_value_arrives_as_it_was() {
    let org = Org::start().await;
    let ids = org.people(22).await;
    let connector = org.connector();
    let texts =
        ["plain", "with \"quotes\"", "comma, semicolon;", "line\nbreak", "cr\r\nlf", "Zoë 木", "'", "=1+1", " #N/A"];
    let mut writes = updates(&ids, "filler");
    for (place, text) in texts.iter().enumerate() {
        writes[place] = update(&ids[place], "CDP_Text__c", *text);
    }
    writes[10] = update(&ids[10], "CDP_Score__c", Value::Number("-87.50".parse().unwrap()));
    writes[11] = update(&ids[11], "DoNotCall", true);
    writes[12] = update(&ids[12], "Birthdate", Value::Date("1990-02-28".parse().unwrap()));
    writes[13] = update(&ids[13], "LastName", Value::Null);
    all_done(&connector.push(&updates(&ids[20..], "before")).await.unwrap());
    writes[20] = update(&ids[20], "CDP_Text__c", Value::Null);
    writes[21] = update(&ids[21], "Title", "CTO");
    let mark = org.mark().await;
    let outcomes = connector.push(&writes).await.unwrap();
    assert_eq!(org.count(mark, "POST", JOBS).await, 1);
    for (place, text) in texts.iter().enumerate() {
        done(&outcomes[place]);
        let kept = org.text_of(&ids[place]).await;
        assert_eq!(kept.as_str().unwrap().replace("\r\n", "\n"), text.trim().replace("\r\n", "\n"), "{text:?}");
    }
    assert_eq!(org.read("Contact", &ids[10]).await["CDP_Score__c"], json!(-87.5));
    assert_eq!(org.read("Contact", &ids[11]).await["DoNotCall"], json!(true));
    assert_eq!(org.read("Contact", &ids[12]).await["Birthdate"], "1990-02-28");
    assert_eq!(rejected(&outcomes[13]).reason, Reason::Invalid, "a name cannot be cleared");
    assert_eq!(org.text_of(&ids[20]).await, json!(null));
    // A row that does not name a field leaves it alone, although its file has the column.
    assert_eq!(org.text_of(&ids[21]).await, "before");
}

#[tokio::test]
async fn what_no_cell_can_say_goes_by_calls() {
    let org = Org::start().await;
    let ids = org.people(30).await;
    let connector = org.connector();
    let mut writes = updates(&ids, "filler");
    writes[3] = update(&ids[3], "CDP_Text__c", "#N/A");
    writes[4] = update(&ids[4], "CDP_Text__c", "");
    let mark = org.mark().await;
    all_done(&connector.push(&writes).await.unwrap());
    assert_eq!((org.count(mark, "POST", JOBS).await, org.count(mark, "PATCH", CALLS).await), (1, 1));
    assert_eq!(org.text_of(&ids[3]).await, "#N/A");
    assert_eq!(org.text_of(&ids[4]).await, json!(null));
    assert_eq!(org.text_of(&ids[5]).await, "filler");
}

#[tokio::test]
async fn each_row_of_a_job_has_its_own_fate() {
    let org = Org::start().await;
    let ids = org.people(40).await;
    let connector = org.connector();
    org.rep("delete", json!({ "object": "Contact", "id": ids[7].as_str() })).await;
    let body = json!({ "object": "Contact", "primary": ids[8].as_str(), "secondary": ids[9].as_str() });
    org.rep("merge", body).await;
    let mut writes = updates(&ids, "good");
    writes[5] = update(&ids[5], "CDP_Score__c", Value::Number("12345678".parse().unwrap()));
    writes[6] = update(&"003000000000001AAA".into(), "CDP_Text__c", "x");
    let outcomes = connector.push(&writes).await.unwrap();
    assert_eq!(&*rejected(&outcomes[5]).fields[0], "CDP_Score__c");
    assert_eq!(rejected(&outcomes[6]).reason, Reason::Gone);
    assert_eq!(rejected(&outcomes[7]).reason, Reason::Gone);
    let into = connector::Link { object: Object::Contact, id: ids[8].clone() };
    assert_eq!(rejected(&outcomes[9]).reason, Reason::Merged { into: Some(into) });
    for (place, outcome) in outcomes.iter().enumerate().filter(|(place, _)| !(5..=9).contains(place) || *place == 8) {
        assert_eq!(done(outcome).0, ids[place]);
    }
}

#[tokio::test]
async fn a_column_nobody_knows_costs_only_those_who_name_it() {
    let org = Org::start().await;
    let ids = org.people(30).await;
    let connector = org.connector();
    let mut writes = updates(&ids, "good");
    writes[2] = update(&ids[2], "Nope__c", "x");
    let outcomes = connector.push(&writes).await.unwrap();
    let told = rejected(&outcomes[2]);
    assert_eq!((&told.reason, &*told.fields[0]), (&Reason::UnknownField, "Nope__c"));
    for (place, outcome) in outcomes.iter().enumerate().filter(|(place, _)| *place != 2) {
        assert_eq!(done(outcome).0, ids[place]);
        assert_eq!(org.text_of(&ids[place]).await, "good");
    }
    assert!(org.job_states().await.is_empty());
}

#[tokio::test]
async fn upserts_by_a_job_are_found_again_by_their_key() {
    let org = Org::start().await;
    let connector = org.connector();
    let fields = |at: usize| Fields::from([("LastName", format!("N{at}").as_str()), ("CDP_Text__c", "new")]);
    let writes: Vec<_> = (0..30).map(|at| upsert(Object::Contact, &format!("Key-{at}"), fields(at))).collect();
    let first = connector.push(&writes).await.unwrap();
    assert!(first.iter().all(|outcome| done(outcome).1));
    let second = connector.push(&writes).await.unwrap();
    for (at, (first, second)) in first.iter().zip(&second).enumerate() {
        assert_eq!(done(second), (done(first).0, false));
        assert_eq!(org.read("Contact", &done(first).0).await["LastName"], format!("N{at}"));
    }
}

#[tokio::test]
async fn an_object_that_takes_no_job_goes_by_calls() {
    let org = Org::start().await;
    let ids = org.people(30).await;
    org.knobs(json!({ "bulk": { "unsupported": ["Contact"] } })).await;
    all_done(&org.connector().push(&updates(&ids, "by calls")).await.unwrap());
    assert_eq!(org.text_of(&ids[29]).await, "by calls");
    assert!(org.notes().await.is_empty());
}

#[tokio::test]
async fn a_job_that_fails_half_way_finishes_the_rest_another_way() {
    let org = Org::start().await;
    let ids = org.people(60).await;
    org.knobs(json!({ "bulk": { "chunk_rows": 10, "fail": [{ "after_rows": 20, "message": "InternalServerError : batch gave up" }] } })).await;
    let connector = org.connector();
    all_done(&connector.push(&updates(&ids, "whole")).await.unwrap());
    for id in &ids {
        assert_eq!(org.text_of(id).await, "whole");
    }
    assert_eq!(org.times_written("whole").await, 60);
    assert!(org.job_states().await.is_empty() && org.notes().await.is_empty());
}

#[tokio::test]
async fn rows_a_job_found_locked_end_in_calls() {
    let org = Org::start().await;
    let ids = org.people(40).await;
    let faults: Vec<_> =
        ids[..5].iter().map(|id| json!({ "id": id.as_str(), "times": 2, "code": "UNABLE_TO_LOCK_ROW" })).collect();
    org.knobs(json!({ "row_faults": faults })).await;
    let mark = org.mark().await;
    all_done(&org.connector().push(&updates(&ids, "once")).await.unwrap());
    assert_eq!((org.count(mark, "POST", JOBS).await, org.count(mark, "PATCH", CALLS).await), (1, 2));
    assert_eq!(org.times_written("once").await, 40);
}

#[tokio::test]
async fn a_file_is_cut_into_jobs_one_after_the_other() {
    let org = Org::start().await;
    let ids = org.people(100).await;
    let mut config = org.config();
    config.limits.bulk_file_bytes = 1_000;
    let connector = org.connector_with(config);
    let mark = org.mark().await;
    let outcomes = connector.push(&updates(&ids, "many")).await.unwrap();
    for (outcome, id) in outcomes.iter().zip(&ids) {
        assert_eq!(done(outcome).0, *id);
    }
    assert!(org.count(mark, "POST", JOBS).await > 2);
    assert_eq!(org.times_written("many").await, 100);
}

#[tokio::test]
async fn a_result_file_cut_short_is_asked_for_again() {
    let org = Org::start().await;
    let ids = org.people(40).await;
    let connector = org.connector();
    connector.check().await.unwrap();
    org.plan("GET", "/services/data/v67.0/jobs/ingest/*/successfulResults", "truncate_json", 1).await;
    all_done(&connector.push(&updates(&ids, "whole")).await.unwrap());
    org.knobs(json!({ "plan": [], "bulk": { "truncated_gzip": 1 } })).await;
    all_done(&connector.push(&updates(&ids, "whole again")).await.unwrap());
    let outcomes = connector.push(&updates(&ids, "whole again")).await.unwrap();
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Done { .. })));
}
