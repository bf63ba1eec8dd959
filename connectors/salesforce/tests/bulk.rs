//! Large windows by bulk jobs: complete, resumed after a restart, and given up where Bulk is of no use.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod stand_in;

use std::time::Duration;

use connector::{Connector, Fields, Page, PullRequest, RecordId};
use connector_salesforce::{Config, Salesforce};
use reqwest::Method;
use serde_json::json;
use stand_in::walks::{contacts, emails, ids, values, walk};
use stand_in::{PAGE, StandIn, config};

const MANY: usize = 1_500;

/// A bulk job from 500 records up, its results in pages of 300.
fn bulky(stand_in: &StandIn) -> Config {
    let mut config = config(stand_in.url());
    config.limits.bulk_query_above = 500;
    config.limits.bulk_page = 300;
    config
}

async fn crowd() -> (StandIn, Salesforce, Vec<RecordId>) {
    let stand_in = StandIn::start(0).await;
    let seeded = stand_in.seed_contacts(&emails(MANY)).await;
    // Out of the overlap of the pulls to come.
    stand_in.advance(Duration::from_secs(3_600)).await;
    let connector = stand_in.connector_with(bulky(&stand_in));
    (stand_in, connector, seeded)
}

/// Bulk query jobs made so far.
async fn jobs(stand_in: &StandIn) -> usize {
    let requests = stand_in.lines("requests").await;
    let made = |line: &&serde_json::Value| {
        line["method"] == "POST" && line["path"].as_str().is_some_and(|path| path.ends_with("/jobs/query"))
    };
    requests.iter().filter(made).count()
}

/// Jobs that Salesforce still holds.
async fn jobs_held(stand_in: &StandIn) -> usize {
    let (status, listed) = stand_in.api(Method::GET, "/jobs/query", None).await;
    assert_eq!(status, 200, "{listed}");
    listed["records"].as_array().map_or(0, Vec::len)
}

fn holds_job(page: &Page) -> bool {
    page.resume.as_str().contains("\"job\"")
}

/// Pages until the cursor names a job and some of its results have come.
async fn into_the_job(connector: &Salesforce, request: &mut PullRequest) -> Vec<Page> {
    let mut pages = Vec::new();
    loop {
        let page = connector.pull(request).await.expect("a page");
        request.cursor = Some(page.resume.clone());
        assert!(page.more, "the load ended before a job was under way");
        let far_enough = page.resume.as_str().contains("\"locator\"");
        pages.push(page);
        if far_enough {
            return pages;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_load_is_one_job_and_the_same_records() {
    let (stand_in, connector, seeded) = crowd().await;
    let mut request = contacts();
    let pages = walk(&connector, &mut request).await;
    assert!(pages.iter().any(holds_job));
    assert_eq!(jobs(&stand_in).await, 1);
    assert_eq!(pages.iter().filter(|page| page.full_load_done).count(), 1);
    let by_rest = walk(&stand_in.connector(), &mut contacts()).await;
    assert_eq!(values(&pages), values(&by_rest));
    assert!(seeded.iter().all(|id| ids(&pages).contains(id)));
    // Nothing is needed of the job once the last cursor is stored.
    assert_eq!(jobs_held(&stand_in).await, 1);
    let changed = seeded[7].clone();
    stand_in
        .edit(&connector::Object::Contact, std::slice::from_ref(&changed), &Fields::from([("LastName", "New")]))
        .await
        .unwrap();
    stand_in.advance(Duration::from_secs(120)).await;
    let later = walk(&connector, &mut request).await;
    assert!(ids(&later).contains(&changed));
    assert_eq!((jobs(&stand_in).await, jobs_held(&stand_in).await), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_with_the_job() {
    let (stand_in, connector, _) = crowd().await;
    let mut request = contacts();
    let mut pages = into_the_job(&connector, &mut request).await;
    drop(connector);
    let second = stand_in.connector_with(bulky(&stand_in));
    pages.extend(walk(&second, &mut request).await);
    assert_eq!(ids(&pages).len(), stand_in_count(&stand_in).await);
    assert_eq!(jobs(&stand_in).await, 1);
}

async fn stand_in_count(stand_in: &StandIn) -> usize {
    let (_, answer) = stand_in.api(Method::GET, "/query?q=SELECT+COUNT()+FROM+Contact", None).await;
    usize::try_from(answer["totalSize"].as_u64().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_gone_costs_nothing_but_another() {
    let (stand_in, connector, _) = crowd().await;
    let mut request = contacts();
    let mut pages = into_the_job(&connector, &mut request).await;
    let (_, listed) = stand_in.api(Method::GET, "/jobs/query", None).await;
    let id = listed["records"][0]["id"].as_str().expect("a job").to_owned();
    let (status, _) = stand_in.api(Method::DELETE, &format!("/jobs/query/{id}"), None).await;
    assert_eq!(status, 204);
    pages.extend(walk(&connector, &mut request).await);
    assert_eq!(ids(&pages).len(), stand_in_count(&stand_in).await);
    assert_eq!(jobs(&stand_in).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_bulk_refuses_or_fails_pages_do() {
    for trouble in [
        json!({ "unsupported": ["Contact"] }),
        json!({ "fail": [{ "kind": "query", "message": "InternalServerError : it broke" }] }),
    ] {
        let (stand_in, connector, _) = crowd().await;
        stand_in.knobs(json!({ "bulk": trouble })).await;
        let pages = walk(&connector, &mut contacts()).await;
        assert_eq!(ids(&pages).len(), stand_in_count(&stand_in).await, "{trouble}");
        assert_eq!(jobs(&stand_in).await, 1, "{trouble}");
        assert!(pages.len() > MANY / PAGE);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn results_that_break_off_are_asked_for_again() {
    let (stand_in, connector, _) = crowd().await;
    stand_in.knobs(json!({ "bulk": { "truncated_gzip": 2 } })).await;
    let pages = walk(&connector, &mut contacts()).await;
    assert_eq!(ids(&pages).len(), stand_in_count(&stand_in).await);
    assert_eq!(jobs(&stand_in).await, 1);
    let delivered: usize = pages.iter().map(|page| page.records.len()).sum();
    assert_eq!(delivered, ids(&pages).len(), "no row of a page that broke off is delivered twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn results_that_do_not_say_where_they_go_on_are_no_end() {
    let (stand_in, connector, _) = crowd().await;
    let mut request = contacts();
    let mut pages = into_the_job(&connector, &mut request).await;
    stand_in.knobs(json!({ "bulk": { "missing_locator": 1 } })).await;
    let error = connector.pull(&request).await.expect_err("rows are missing and nobody says where they are");
    assert_eq!(error.kind, connector::ErrorKind::Protocol, "{error}");
    pages.extend(walk(&connector, &mut request).await);
    assert_eq!(ids(&pages).len(), stand_in_count(&stand_in).await);
    assert_eq!(jobs(&stand_in).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_window_after_a_large_load_needs_no_job() {
    let (stand_in, connector, seeded) = crowd().await;
    let mut request = contacts();
    walk(&connector, &mut request).await;
    stand_in.advance(Duration::from_secs(3_600)).await;
    stand_in.edit(&connector::Object::Contact, &seeded[..450], &Fields::from([("LastName", "Moved")])).await.unwrap();
    stand_in.advance(Duration::from_secs(120)).await;
    let before = stand_in.requests().await;
    let pages = walk(&connector, &mut request).await;
    assert!(seeded[..450].iter().all(|id| ids(&pages).contains(id)));
    assert_eq!(jobs(&stand_in).await, 1);
    let spent = stand_in.requests().await - before;
    assert!(spent <= 6, "450 changes cost {spent} calls of {PAGE} records");
}
