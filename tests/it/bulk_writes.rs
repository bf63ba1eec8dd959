//! Bulk jobs whose answers are lost, late or broken: every row is applied once, no job is sent twice and none is left behind.
//! The failure scenarios by their numbers, over real HTTP.

use std::collections::BTreeMap;
use std::future::Future;

use connector::{Clock, Object, RecordId, Value};
use ferry::config::Vendor::Salesforce;
use ferry::model::{OutboxState, RunState};
use serde_json::{Value as Json, json};

use crate::harbour::{BETWEEN, Harbour};
use crate::mocks::matching;

const CONTACT: Object = Object::Contact;
const JOBS: &str = "/services/data/*/jobs/ingest";
const ONE_JOB: &str = "/services/data/*/jobs/ingest/*";
const PEOPLE: usize = 12;

/// People known and computed, everything about them still to be written, by a job.
async fn about_to_push() -> (Harbour, Vec<RecordId>) {
    let harbour = Harbour::new(&[Salesforce], "bulk_push_above = 3").await;
    let crm = harbour.mock(Salesforce);
    let person = |number: usize| {
        let email = format!("p{number}@acme.example");
        crm.create(&CONTACT, &[("email", &email), ("last_name", "Larsen")])
    };
    let ids: Vec<RecordId> = (0..PEOPLE).map(person).collect();
    harbour.advance(BETWEEN);
    for run in harbour.pull(Salesforce).await {
        assert_eq!(run.state, RunState::Done, "{run:?}");
    }
    assert_eq!(harbour.compute().await.state, RunState::Done);
    (harbour, ids)
}

/// Pushes until nothing waits.
async fn push_to_the_end(harbour: &Harbour) {
    for _ in 0..8 {
        harbour.push(Salesforce).await;
        harbour.advance(BETWEEN);
        let name = harbour.connection(Salesforce).name();
        if harbour.app.store.outbox(name, &CONTACT, 100).await.unwrap().is_empty() {
            return;
        }
    }
    panic!("writes are still waiting: {:#?}", harbour.dead_letters().await);
}

/// Each record was written exactly once and holds what it should; no job is left; nothing is left to do.
async fn assert_written_once(harbour: &Harbour, ids: &[RecordId]) {
    let crm = harbour.mock(Salesforce);
    let mut writes: BTreeMap<String, usize> = ids.iter().map(|id| (id.to_string(), 0)).collect();
    for line in crm.written(0).iter().filter(|line| line["op"] == "update") {
        *writes.entry(line["record"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let contacts = ids.iter().map(|id| (id.to_string(), 1));
    assert_eq!(writes.into_iter().filter(|(record, _)| record.starts_with("003")).collect::<Vec<_>>(), {
        let mut wanted: Vec<(String, usize)> = contacts.collect();
        wanted.sort();
        wanted
    });
    for (number, id) in ids.iter().enumerate() {
        let uid = harbour.profile(&format!("email:p{number}@acme.example")).await.profile.uid;
        let there = harbour.value(Salesforce, &CONTACT, id, "profile_id").await;
        assert_eq!(there, Value::text(uid.to_string()));
    }
    assert_eq!(harbour.dead_letters().await, Vec::new());
    harbour.assert_rest().await;
    assert_eq!(jobs_under_way(harbour).await, Vec::<String>::new(), "no job is left open at the CRM");
}

/// Jobs at the CRM that are not over, asked as any client would ask.
async fn jobs_under_way(harbour: &Harbour) -> Vec<String> {
    let (http, url) = (reqwest::Client::new(), harbour.mock(Salesforce).url());
    let form = [("grant_type", "client_credentials"), ("client_id", "mock-client"), ("client_secret", "mock-secret")];
    let answer = http.post(format!("{url}/services/oauth2/token")).form(&form).send().await.unwrap();
    let token: Json = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    let list =
        http.get(format!("{url}/services/data/v67.0/jobs/ingest")).bearer_auth(token["access_token"].as_str().unwrap());
    let list: Json = serde_json::from_str(&list.send().await.unwrap().text().await.unwrap()).unwrap();
    let jobs = list["records"].as_array().unwrap_or_else(|| panic!("{list}")).iter();
    let states = jobs.map(|job| job["state"].as_str().unwrap_or_default().to_owned());
    states.filter(|state| !["JobComplete", "Failed", "Aborted"].contains(&state.as_str())).collect()
}

/// One push during which this request goes wrong this way once, then pushes until all is done.
async fn with_fault(method: &str, path: &str, fault: &str) {
    let (harbour, ids) = about_to_push().await;
    harbour.mock(Salesforce).plan(json!([{ "method": method, "path": path, "fault": fault }]));
    push_to_the_end(&harbour).await;
    let requests = harbour.mock(Salesforce).requests(0);
    let struck = requests.iter().filter(|line| line["fault"] == fault).count();
    assert_eq!(struck, 1, "{method} {path}: the fault struck");
    assert_written_once(&harbour, &ids).await;
}

/// Stops a push dead when the mock has seen so many requests like this.
async fn dead_at(harbour: &Harbour, method: &str, path: &str, seen: usize) {
    let crm = harbour.mock(Salesforce);
    let since = crm.last_request();
    let watch = async {
        while matching(&crm.requests(since), method, path).len() < seen {
            tokio::task::yield_now().await;
        }
    };
    stopped_by(harbour.push(Salesforce), watch).await;
}

async fn stopped_by<T: std::fmt::Debug>(work: impl Future<Output = T>, stop: impl Future<Output = ()>) {
    tokio::select! {
        biased;
        () = stop => {}
        ended = work => panic!("it ended before it was stopped: {ended:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_push_is_one_job() {
    let (harbour, ids) = about_to_push().await;
    push_to_the_end(&harbour).await;
    let requests = harbour.mock(Salesforce).requests(0);
    assert_eq!(matching(&requests, "POST", JOBS).len(), 1);
    assert_eq!(matching(&requests, "PATCH", "/services/data/*/composite/sobjects").len(), 0);
    assert_written_once(&harbour, &ids).await;
}

/// The process dies when the job is done and nobody has read its results.
#[tokio::test(flavor = "multi_thread")]
async fn scenario_1_applied_by_a_job_and_never_heard() {
    let (mut harbour, ids) = about_to_push().await;
    harbour.mock(Salesforce).configure(&json!({ "faults": { "delay_ms": 20.0 } }));
    dead_at(&harbour, "GET", "/services/data/*/jobs/ingest/*Results", 1).await;
    harbour.mock(Salesforce).configure(&json!({ "faults": {} }));
    harbour = harbour.restart().await;
    push_to_the_end(&harbour).await;
    let requests = harbour.mock(Salesforce).requests(0);
    assert_eq!(matching(&requests, "POST", JOBS).len(), 1, "never submitted twice");
    assert_written_once(&harbour, &ids).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_2_the_connection_breaks_after_a_job_request_was_sent() {
    for (method, path) in [
        ("POST", JOBS),
        ("PUT", "/services/data/*/jobs/ingest/*/batches"),
        ("PATCH", ONE_JOB),
        ("GET", ONE_JOB),
        ("GET", "/services/data/*/jobs/ingest/*/successfulResults"),
        ("DELETE", ONE_JOB),
    ] {
        with_fault(method, path, "reset_after").await;
        with_fault(method, path, "reset_before").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_3_a_server_error_for_a_job_request_that_was_carried_out() {
    for (method, path) in
        [("POST", JOBS), ("PUT", "/services/data/*/jobs/ingest/*/batches"), ("PATCH", ONE_JOB), ("DELETE", ONE_JOB)]
    {
        with_fault(method, path, "500_after").await;
    }
    with_fault("GET", ONE_JOB, "503").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_4_a_broken_body_for_a_job_request_that_was_carried_out() {
    for (method, path) in [
        ("POST", JOBS),
        ("PATCH", ONE_JOB),
        ("GET", ONE_JOB),
        ("GET", "/services/data/*/jobs/ingest/*/successfulResults"),
    ] {
        with_fault(method, path, "truncate").await;
    }
}

/// The process dies while the job is still running at the CRM: the next life waits for it and takes its results.
#[tokio::test(flavor = "multi_thread")]
async fn scenario_12_a_job_outlives_the_process_that_sent_it() {
    let (mut harbour, ids) = about_to_push().await;
    harbour.mock(Salesforce).configure(&json!({ "bulk": { "job_ms": 600_000 } }));
    dead_at(&harbour, "GET", ONE_JOB, 2).await;
    harbour = harbour.restart().await;
    let name = harbour.connection(Salesforce).name().clone();
    let waiting = harbour.app.store.outbox(&name, &CONTACT, 100).await.unwrap();
    assert_eq!(waiting.len(), PEOPLE);
    assert!(waiting.iter().all(|entry| entry.state == OutboxState::Ambiguous), "{waiting:?}");
    // It is not over yet: nothing else is sent meanwhile.
    harbour.push(Salesforce).await;
    assert_eq!(matching(&harbour.mock(Salesforce).requests(0), "POST", JOBS).len(), 1);
    harbour.advance(std::time::Duration::from_secs(1_200));
    assert!(harbour.clock.now() > crate::world::start());
    push_to_the_end(&harbour).await;
    assert_eq!(matching(&harbour.mock(Salesforce).requests(0), "POST", JOBS).len(), 1, "never submitted twice");
    assert_written_once(&harbour, &ids).await;
}
