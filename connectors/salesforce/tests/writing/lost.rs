//! A job's answers get lost, at every step of its life: nothing is applied twice, nothing is said to be applied that may
//! not be, and no job stays open.

use connector::{Connector, ErrorKind, Outcome, Result};
use serde_json::json;

use crate::org::{JOBS, Org, all_ambiguous, all_done, updates};

const JOB: &str = "/services/data/v67.0/jobs/ingest/*";

/// Everything that was not sent is told as such.
fn not_sent(result: Result<Vec<Outcome>>) {
    match result {
        Err(error) => assert!(!error.maybe_applied, "{error}"),
        Ok(outcomes) => {
            assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Deferred(_))), "{:?}", outcomes[0]);
        }
    }
}

async fn nothing_is_left(org: &Org) {
    assert_eq!(org.job_states().await, Vec::<String>::new());
    assert!(org.notes().await.is_empty());
}

#[tokio::test]
async fn a_job_whose_creation_was_not_answered_is_found_and_aborted() {
    for fault in ["reset_after", "reset_before", "truncate_json", "503"] {
        let org = Org::start().await;
        let ids = org.people(30).await;
        let connector = org.connector();
        connector.check().await.unwrap();
        org.plan("POST", JOBS, fault, 1).await;
        not_sent(connector.push(&updates(&ids, "first")).await);
        nothing_is_left(&org).await;
        assert_eq!(org.times_written("first").await, 0);
        all_done(&connector.push(&updates(&ids, "second")).await.unwrap());
        assert_eq!(org.times_written("second").await, 30);
        nothing_is_left(&org).await;
    }
}

#[tokio::test]
async fn an_upload_that_was_not_answered_is_aborted() {
    for fault in ["reset_after", "reset_before", "503"] {
        let org = Org::start().await;
        let ids = org.people(30).await;
        let connector = org.connector();
        connector.check().await.unwrap();
        org.plan("PUT", JOB, fault, 1).await;
        not_sent(connector.push(&updates(&ids, "first")).await);
        nothing_is_left(&org).await;
        assert_eq!(org.times_written("first").await, 0);
        all_done(&connector.push(&updates(&ids, "second")).await.unwrap());
    }
}

#[tokio::test]
async fn a_close_that_was_not_answered_is_looked_at() {
    for fault in ["reset_after", "reset_before", "500_after"] {
        let org = Org::start().await;
        let ids = org.people(30).await;
        let connector = org.connector();
        connector.check().await.unwrap();
        org.plan("PATCH", JOB, fault, 1).await;
        let mark = org.mark().await;
        all_done(&connector.push(&updates(&ids, "once")).await.unwrap());
        assert_eq!(org.count(mark, "POST", JOBS).await, 1, "{fault}");
        assert_eq!(org.times_written("once").await, 30);
        nothing_is_left(&org).await;
    }
}

#[tokio::test]
async fn polls_that_are_not_answered_leave_the_rows_open_and_the_note_kept() {
    let org = Org::start().await;
    let ids = org.people(30).await;
    let connector = org.connector();
    connector.check().await.unwrap();
    org.plan("GET", JOB, "reset_before", 2).await;
    all_done(&connector.push(&updates(&ids, "patient")).await.unwrap());
    org.plan("GET", JOB, "reset_before", 1_000).await;
    let mark = org.mark().await;
    all_ambiguous(&connector.push(&updates(&ids, "open")).await.unwrap());
    assert_eq!(org.notes().await.len(), 1);
    // Nothing more is written before it is known how that ended.
    let error = connector.push(&updates(&ids, "too early")).await.unwrap_err();
    assert_eq!((error.kind, error.maybe_applied), (ErrorKind::Transient, false));
    org.mend().await;
    connector.recover().await.unwrap();
    assert_eq!(org.times_written("open").await, 30);
    assert_eq!(org.count(mark, "POST", JOBS).await, 1);
    nothing_is_left(&org).await;
    all_done(&connector.push(&updates(&ids, "next")).await.unwrap());
}

#[tokio::test]
async fn results_that_are_not_answered_leave_the_rows_open() {
    let org = Org::start().await;
    let ids = org.people(30).await;
    let connector = org.connector();
    connector.check().await.unwrap();
    org.plan("GET", "/services/data/v67.0/jobs/ingest/*/successfulResults", "reset_before", 1_000).await;
    let mark = org.mark().await;
    all_ambiguous(&connector.push(&updates(&ids, "open")).await.unwrap());
    org.mend().await;
    connector.recover().await.unwrap();
    assert_eq!((org.times_written("open").await, org.count(mark, "POST", JOBS).await), (30, 1));
    nothing_is_left(&org).await;
}

#[tokio::test]
async fn a_job_that_takes_longer_than_a_push_is_recovered_later() {
    let org = Org::start().await;
    let ids = org.people(30).await;
    let connector = org.connector();
    org.knobs(json!({ "bulk": { "polls": 1_000_000 } })).await;
    let before = org.clock.leapt();
    let mark = org.mark().await;
    let outcomes = connector.push(&updates(&ids, "slow")).await.unwrap();
    all_ambiguous(&outcomes);
    let waited = org.clock.leapt() - before;
    assert!((480..600).contains(&waited.as_secs()), "{waited:?}");
    assert!(org.requests(mark).await.len() < 40);
    let error = connector.recover().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Transient);
    assert!(error.cause.contains("is still running"), "{error}");
    let error = connector.push(&updates(&ids, "too early")).await.unwrap_err();
    assert!(error.cause.contains("is still running"), "{error}");
    org.knobs(json!({ "bulk": {} })).await;
    connector.recover().await.unwrap();
    assert_eq!((org.times_written("slow").await, org.times_written("too early").await), (30, 0));
    nothing_is_left(&org).await;
}

#[tokio::test]
async fn nothing_is_written_beside_a_job_that_may_still_run() {
    let org = Org::start().await;
    let ids = org.people(100).await;
    let mut config = org.config();
    config.limits.bulk_file_bytes = 2_000;
    let connector = org.connector_with(config);
    connector.check().await.unwrap();
    org.plan("GET", JOB, "reset_before", 1_000).await;
    let mark = org.mark().await;
    let outcomes = connector.push(&updates(&ids, "first")).await.unwrap();
    let open = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Ambiguous(_))).count();
    let not_sent = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Deferred(_))).count();
    assert!(open > 0 && not_sent > 0 && open + not_sent == 100, "{open} open, {not_sent} not sent");
    assert_eq!(org.count(mark, "POST", JOBS).await, 1);
    org.mend().await;
    connector.recover().await.unwrap();
    assert_eq!(org.times_written("first").await, open);
    nothing_is_left(&org).await;
}
