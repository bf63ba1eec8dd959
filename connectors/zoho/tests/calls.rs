//! What is sent: how many rows a call has, what becomes of each, how many calls are under way, and where they go.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod stand_in;

use connector::{
    Connector, Entropy, Fields, Hints, Object, Operation, Outcome, PullRequest, Reason, RecordId, SeededEntropy,
    Stream, Timestamp, Write,
};
use serde_json::{Value as Json, json};
use stand_in::StandIn;

async fn ids(org: &StandIn) -> Vec<RecordId> {
    let stream = Stream::Records(Object::Contact);
    let mut request = PullRequest { stream, fields: Vec::new(), links: Vec::new(), cursor: None, since: None };
    let (zoho, mut ids) = (org.connector(), Vec::new());
    loop {
        let page = zoho.pull(&request).await.unwrap();
        ids.extend(page.records.into_iter().map(|record| record.id));
        request.cursor = Some(page.resume);
        if !page.more {
            return ids;
        }
    }
}

fn title(id: &RecordId) -> Write {
    let key = SeededEntropy::new(3).uuid(Timestamp::EPOCH);
    let fields = Fields::from([("Title", "Chief")]);
    Write {
        key,
        object: Object::Contact,
        operation: Operation::Update { id: id.clone() },
        fields,
        hints: Hints::default(),
    }
}

fn is_done(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Done { .. })
}

async fn updates(org: &StandIn) -> Vec<Json> {
    let lines = org.lines("requests").await;
    lines.into_iter().filter(|line| line["method"] == "PUT" && line["path"] == "/crm/v8/Contacts").collect()
}

#[tokio::test]
async fn a_hundred_records_go_in_a_call() {
    let org = StandIn::start(250).await;
    let writes: Vec<Write> = ids(&org).await.iter().map(title).collect();
    let zoho = org.connector();
    assert_eq!(zoho.forecast(writes.len()), 3);
    assert!(zoho.push(&writes).await.unwrap().iter().all(is_done));
    assert_eq!(updates(&org).await.len(), 3);
}

#[tokio::test]
async fn rows_are_told_apart_whatever_the_status_of_the_call() {
    for (under_200, status) in [(false, 207), (true, 200)] {
        let org = StandIn::start(5).await;
        let ids = ids(&org).await;
        org.rep("delete", json!({ "object": "Contacts", "id": ids[1].as_str() })).await.unwrap();
        org.knobs(json!({ "mixed_under_200": under_200 })).await;
        let writes: Vec<Write> = ids.iter().map(title).collect();
        let outcomes = org.connector().push(&writes).await.unwrap();
        assert!(matches!(&outcomes[1], Outcome::Rejected(rejection) if rejection.reason == Reason::Gone));
        assert_eq!(outcomes.iter().filter(|outcome| is_done(outcome)).count(), 4, "{outcomes:?}");
        assert_eq!(updates(&org).await.iter().map(|line| line["status"].clone()).collect::<Vec<_>>(), [json!(status)]);
    }
}

/// Zoho counts calls that run at once, and refuses those that are too many: they wait and go on.
#[tokio::test]
async fn calls_that_are_too_many_at_once_are_spaced() {
    let org = StandIn::start(500).await;
    let ids = ids(&org).await;
    org.knobs(json!({ "rate_limits": true, "concurrent_refusals": 3 })).await;
    let writes: Vec<Write> = ids.iter().map(title).collect();
    let outcomes = org.connector().push(&writes).await.unwrap();
    assert!(outcomes.iter().all(is_done), "{outcomes:?}");
    let refused = org.lines("requests").await.iter().filter(|line| line["status"] == 429).count();
    assert_eq!(refused, 3);
}

#[tokio::test]
async fn many_who_need_a_token_ask_for_one() {
    let org = StandIn::start(1).await;
    let zoho = org.connector();
    let (one, two, three, four) = tokio::join!(zoho.check(), zoho.check(), zoho.check(), zoho.check());
    assert!([one, two, three, four].iter().all(Result::is_ok));
    assert_eq!(org.sign_ins().await, 1);
}

/// Where no address is configured, calls go where the sign-in says the API is.
#[tokio::test]
async fn the_api_is_where_the_sign_in_says() {
    let org = StandIn::start(1).await;
    let zoho = org.connector_with(|config| config.base_url = None);
    zoho.check().await.unwrap();
    assert_eq!(ids(&org).await.len(), 1);
}
