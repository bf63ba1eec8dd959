//! The writer dies at every step of a job's life; another one on the same notebook brings the job to its end.

use std::sync::Arc;

use connector::Connector;
use serde_json::json;

use crate::org::{JOBS, Org, all_done, updates};

const JOB: &str = "/services/data/v67.0/jobs/ingest/*";

/// Pushes thirty rows and dies while the request with this method and path is under way.
async fn die_during(org: &Arc<Org>, method: &str, path: &str) -> Vec<connector::RecordId> {
    let ids = org.people(30).await;
    let connector = org.connector();
    connector.check().await.unwrap();
    org.plan(method, path, "slow", 1).await;
    let writes = updates(&ids, "of the dead");
    let pushing = tokio::spawn(async move { connector.push(&writes).await });
    org.until_fault("slow").await;
    pushing.abort();
    assert!(pushing.await.unwrap_err().is_cancelled());
    org.mend().await;
    assert_eq!(org.notes().await.len(), 1);
    ids
}

/// How often the rows of the dead one were applied, once a new life has recovered and written its own.
async fn applied_after_recovery(org: &Arc<Org>, ids: &[connector::RecordId]) -> usize {
    let next_life = org.connector();
    next_life.recover().await.unwrap();
    assert!(org.notes().await.is_empty());
    assert_eq!(org.job_states().await, Vec::<String>::new());
    let applied = org.times_written("of the dead").await;
    // Nothing of the old job comes later.
    all_done(&next_life.push(&updates(ids, "of the living")).await.unwrap());
    assert_eq!(org.times_written("of the dead").await, applied);
    assert_eq!(org.text_of(&ids[29]).await, "of the living");
    applied
}

async fn dying_during(method: &str, path: &str) -> usize {
    let org = Arc::new(Org::start().await);
    let ids = die_during(&org, method, path).await;
    let applied = applied_after_recovery(&org, &ids).await;
    assert_eq!(org.count(0, "POST", JOBS).await, 2, "one job of each life");
    applied
}

#[tokio::test]
async fn killed_while_the_job_was_created() {
    assert_eq!(dying_during("POST", JOBS).await, 0);
}

#[tokio::test]
async fn killed_while_the_rows_were_uploaded() {
    assert_eq!(dying_during("PUT", JOB).await, 0);
}

#[tokio::test]
async fn killed_while_the_job_was_closed() {
    assert_eq!(dying_during("PATCH", JOB).await, 30);
}

#[tokio::test]
async fn killed_during_a_poll() {
    assert_eq!(dying_during("GET", JOB).await, 30);
}

#[tokio::test]
async fn killed_while_the_results_were_read() {
    assert_eq!(dying_during("GET", "/services/data/v67.0/jobs/ingest/*/successfulResults").await, 30);
}

#[tokio::test]
async fn killed_while_the_job_was_deleted() {
    assert_eq!(dying_during("DELETE", JOB).await, 30);
}

#[tokio::test]
async fn the_same_life_may_go_on_after_a_push_was_dropped() {
    let org = Org::start().await;
    let ids = org.people(30).await;
    let connector = Arc::new(org.connector());
    connector.check().await.unwrap();
    org.plan("PUT", JOB, "slow", 1).await;
    let (writes, pushing) = (updates(&ids, "dropped"), connector.clone());
    let pushing = tokio::spawn(async move { pushing.push(&writes).await });
    org.until_fault("slow").await;
    pushing.abort();
    assert!(pushing.await.unwrap_err().is_cancelled());
    org.mend().await;
    all_done(&connector.push(&updates(&ids, "next")).await.unwrap());
    assert_eq!((org.times_written("dropped").await, org.times_written("next").await), (0, 30));
    assert!(org.job_states().await.is_empty() && org.notes().await.is_empty());
}

#[tokio::test]
async fn only_our_own_open_job_is_taken_for_the_lost_one() {
    let org = Arc::new(Org::start().await);
    let other = json!({ "object": "Lead", "operation": "insert", "contentType": "CSV", "lineEnding": "LF" });
    org.api(reqwest::Method::POST, "/jobs/ingest", Some(other)).await;
    die_during(&org, "POST", JOBS).await;
    assert_eq!(org.job_states().await.len(), 2);
    org.connector().recover().await.unwrap();
    assert_eq!(org.job_states().await, ["Open"], "a job of another kind is somebody else's");
}

#[tokio::test]
async fn a_job_that_is_gone_is_no_trouble_and_other_notes_stay() {
    let org = Org::start().await;
    use connector::Notebook;
    let note = r#"{"at":"2026-11-01T00:00:00Z","object":"contact","sobject":"Contact","operation":"update","rows":3,"job":"750000000000009AAA"}"#;
    org.notebook.keep("ingest/1", note).await.unwrap();
    org.notebook.keep("ingest/2", "not a note").await.unwrap();
    org.notebook.keep("refresh_token", "x").await.unwrap();
    org.connector().recover().await.unwrap();
    let keys: Vec<String> = org.notes().await.into_iter().map(|note| note.key).collect();
    assert_eq!(keys, ["refresh_token"]);
}
