//! Bulk jobs against a mock organisation over real HTTP: first loads and large pushes in files, jobs that fail, rows that
//! are refused, and restarts in the middle.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod stand_in;

use std::collections::BTreeMap;
use std::time::Duration;

use connector::{
    Connector, Cursor, Entropy, ErrorKind, FieldName, Fields, Hints, Notebook, Object, Operation, Outcome, PullRequest,
    ReadKey, ReadRequest, Reason, Record, RecordId, SeededEntropy, Stream, Timestamp, Value, Write,
};
use connector_zoho::Zoho;
use serde_json::{Value as Json, json};
use stand_in::StandIn;

const MADE: &str = "/crm/bulk/v8/read";
const FIELDS: [&str; 6] = ["Last_Name", "Email", "Phone", "Created_Time", "Owner", "Account_Name"];

fn by_jobs(org: &StandIn) -> Zoho {
    org.connector_with(|config| {
        config.limits.bulk_read_above = 10;
        config.limits.bulk_write_above = 3;
        config.limits.bulk_page = 4;
        // The first page of a list, before a job takes over.
        config.limits.page = 5;
    })
}

fn people(cursor: Option<Cursor>) -> PullRequest {
    let fields = FIELDS.map(FieldName::from).to_vec();
    PullRequest { stream: Stream::Records(Object::Contact), fields, links: Vec::new(), cursor, since: None }
}

/// Every record from a cursor on, the newest version of each; `again` makes the connector anew before every page.
async fn load(org: &StandIn, cursor: Option<Cursor>, again: bool) -> (BTreeMap<String, Record>, Cursor) {
    let (mut zoho, mut request) = (by_jobs(org), people(cursor));
    let mut all = BTreeMap::new();
    for _ in 0..200 {
        if again {
            zoho = by_jobs(org);
        }
        let page = zoho.pull(&request).await.unwrap();
        all.extend(page.records.into_iter().map(|record| (record.id.to_string(), record)));
        request.cursor = Some(page.resume.clone());
        if !page.more {
            return (all, page.resume);
        }
    }
    panic!("the walk does not end")
}

async fn by_pages(org: &StandIn) -> BTreeMap<String, Record> {
    let (zoho, mut request) = (org.connector(), people(None));
    let mut all = BTreeMap::new();
    loop {
        let page = zoho.pull(&request).await.unwrap();
        all.extend(page.records.into_iter().map(|record| (record.id.to_string(), record)));
        request.cursor = Some(page.resume);
        if !page.more {
            return all;
        }
    }
}

async fn jobs_made(org: &StandIn) -> usize {
    let made = |line: &&Json| line["method"] == "POST" && line["path"].as_str().is_some_and(|path| path == MADE);
    org.lines("requests").await.iter().filter(made).count()
}

#[tokio::test]
async fn a_first_load_by_jobs_brings_what_pages_bring() {
    let org = StandIn::start(47).await;
    org.knobs(json!({ "bulk_page_rows": 20, "job_polls": 3 })).await;
    let (loaded, _) = load(&org, None, false).await;
    assert_eq!(jobs_made(&org).await, 3, "47 records in files of 20");
    assert_eq!(org.requests_to("/result").await, 3, "each file is fetched once");
    assert_eq!((org.gets("/crm/v8/Contacts").await, org.requests_to("/coql").await), (1, 0), "nothing was paged");
    // The same values, whichever way they came.
    assert_eq!(loaded, by_pages(&org).await);
    assert_eq!(loaded.len(), 47);
}

#[tokio::test]
async fn a_load_that_is_restarted_takes_its_jobs_up_again() {
    let org = StandIn::start(47).await;
    org.knobs(json!({ "bulk_page_rows": 20, "downloads_per_minute": 1_000 })).await;
    let (loaded, _) = load(&org, None, true).await;
    assert_eq!(jobs_made(&org).await, 3, "no job is made anew for a new process");
    assert_eq!(loaded, by_pages(&org).await);
}

#[tokio::test]
async fn a_job_that_fails_is_made_anew_and_one_that_goes_on_failing_is_done_without() {
    for (failing, jobs) in [(1, 2), (9, 3)] {
        let org = StandIn::start(30).await;
        org.knobs(json!({ "failing_jobs": failing })).await;
        let (loaded, _) = load(&org, None, false).await;
        assert_eq!(jobs_made(&org).await, jobs, "{failing} fail");
        assert_eq!(loaded, by_pages(&org).await, "{failing} fail");
    }
}

#[tokio::test]
async fn an_organisation_without_bulk_jobs_is_read_by_pages() {
    let org = StandIn::start(30).await;
    org.knobs(
        json!({ "scopes": ["ZohoCRM.modules.ALL", "ZohoCRM.settings.ALL", "ZohoCRM.coql.READ", "ZohoCRM.org.ALL"] }),
    )
    .await;
    let (loaded, _) = load(&org, None, false).await;
    assert_eq!(loaded.len(), 30);
}

#[tokio::test]
async fn what_changes_or_goes_during_a_load_is_told_by_the_next_pull() {
    let org = StandIn::start(30).await;
    let deletions = |cursor| PullRequest { stream: Stream::Deletions(Object::Contact), cursor, ..people(None) };
    let (zoho, mut request) = (by_jobs(&org), people(None));
    let mut seen = Vec::new();
    let from = zoho.pull(&deletions(None)).await.unwrap().resume;
    // The first page, and the first rows of the file.
    for _ in 0..2 {
        let page = zoho.pull(&request).await.unwrap();
        seen.extend(page.records);
        request.cursor = Some(page.resume);
    }
    let at = |at: usize| seen[at].id.clone();
    org.advance(Duration::from_secs(5)).await;
    org.edit(&Object::Contact, &[at(0)], &Fields::from([("Last_Name", "Later")])).await.unwrap();
    org.rep("delete", json!({ "object": "Contacts", "id": at(1).as_str() })).await.unwrap();
    let (_, resume) = load(&org, request.cursor, false).await;
    let (changed, _) = load(&org, Some(resume), false).await;
    assert_eq!(changed[at(0).as_str()].fields.get("Last_Name"), Some(&Value::from("Later")));
    let gone = zoho.pull(&deletions(Some(from))).await.unwrap().tombstones;
    assert_eq!(gone.iter().map(|stone| &stone.id).collect::<Vec<_>>(), [&at(1)]);
}

fn title(id: &RecordId, value: &str) -> Write {
    let key = SeededEntropy::new(3).uuid(Timestamp::EPOCH);
    let operation = Operation::Update { id: id.clone() };
    Write { key, object: Object::Contact, operation, fields: Fields::from([("Title", value)]), hints: Hints::default() }
}

async fn ids(org: &StandIn) -> Vec<RecordId> {
    by_pages(org).await.into_keys().map(RecordId::from).collect()
}

/// How often each contact was written over the API.
async fn written(org: &StandIn) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for line in org.lines("ledger").await {
        if line["op"] == "update" && line["by"] == "api" {
            *times.entry(line["record"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    times
}

async fn titles(zoho: &Zoho, ids: &[RecordId]) -> Vec<Option<Value>> {
    let request = ReadRequest { object: Object::Contact, fields: vec!["Title".into()], by: ReadKey::Ids(ids.to_vec()) };
    let read = zoho.read(&request).await.unwrap();
    let of = |id: &RecordId| read.iter().find(|record| record.id == *id)?.fields.get("Title").cloned();
    ids.iter().map(of).collect()
}

async fn open_notes(org: &StandIn) -> usize {
    org.notebook.notes().await.unwrap().iter().filter(|note| note.key.starts_with("bulk-write/")).count()
}

#[tokio::test]
async fn a_large_push_is_one_job_and_every_write_is_done() {
    let org = StandIn::start(40).await;
    org.knobs(json!({ "job_polls": 4 })).await;
    let (zoho, ids) = (by_jobs(&org), ids(&org).await);
    let writes: Vec<Write> = ids.iter().enumerate().map(|(at, id)| title(id, &format!("T \"{at}\", ü"))).collect();
    let outcomes = zoho.push(&writes).await.unwrap();
    let same = |(outcome, id): (&Outcome, &RecordId)| matches!(outcome, Outcome::Done { id: of, created: false, .. } if of == id);
    assert!(outcomes.iter().zip(&ids).all(same), "{outcomes:?}");
    assert_eq!(org.requests_to("/crm/v8/upload").await, 1);
    assert_eq!(titles(&zoho, &ids[..2]).await, [Some("T \"0\", ü".into()), Some("T \"1\", ü".into())]);
    assert!(written(&org).await.values().all(|times| *times == 1));
    assert_eq!((written(&org).await.len(), open_notes(&org).await), (40, 0));
}

#[tokio::test]
async fn rows_a_job_refuses_are_told_apart_from_those_it_wrote() {
    let org = StandIn::start(12).await;
    let (zoho, ids) = (by_jobs(&org), ids(&org).await);
    org.rep("delete", json!({ "object": "Contacts", "id": ids[1].as_str() })).await.unwrap();
    let refused =
        json!({ "object": "Contacts", "id": ids[2].as_str(), "times": 9, "code": "INVALID_DATA", "fields": ["Title"] });
    let locked = json!({ "object": "Contacts", "id": ids[3].as_str(), "times": 9, "code": "RECORD_LOCKED" });
    org.knobs(json!({ "row_faults": [refused, locked] })).await;
    let writes: Vec<Write> = ids.iter().map(|id| title(id, "Chief")).collect();
    let outcomes = zoho.push(&writes).await.unwrap();
    let rejected = |at: usize| match &outcomes[at] {
        Outcome::Rejected(rejection) => (rejection.reason.clone(), rejection.fields.clone()),
        other => panic!("{at}: {other:?}"),
    };
    assert_eq!(rejected(1), (Reason::Gone, Vec::new()));
    assert_eq!(rejected(2), (Reason::Invalid, vec!["Title".into()]));
    assert!(matches!(rejected(3).0, Reason::Locked { .. }));
    let done = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Done { .. })).count();
    assert_eq!((done, org.requests_to("/crm/bulk/v8/write").await > 0), (9, true), "{outcomes:?}");
    assert_eq!((written(&org).await.len(), open_notes(&org).await), (9, 0));
}

#[tokio::test]
async fn a_job_that_fails_as_a_whole_is_looked_at_before_anything_is_sent_again() {
    let org = StandIn::start(12).await;
    org.knobs(json!({ "failing_jobs": 1 })).await;
    let (zoho, ids) = (by_jobs(&org), ids(&org).await);
    let writes: Vec<Write> = ids.iter().map(|id| title(id, "Chief")).collect();
    let outcomes = zoho.push(&writes).await.unwrap();
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Ambiguous(_))), "{outcomes:?}");
    zoho.recover().await.unwrap();
    assert!(titles(&zoho, &ids).await.iter().all(|title| *title != Some("Chief".into())));
    assert_eq!((written(&org).await.len(), open_notes(&org).await), (0, 0));
}

/// Between the job and its results: the process that made it dies, the next one ends it, and no row is written twice.
#[tokio::test]
async fn a_job_left_behind_is_ended_by_the_next_process() {
    let org = StandIn::start(12).await;
    org.knobs(json!({ "job_polls": 6 })).await;
    let ids = ids(&org).await;
    let writes: Vec<Write> = ids.iter().map(|id| title(id, "Chief")).collect();
    let hasty = org.connector_with(|config| {
        config.limits.bulk_write_above = 3;
        config.limits.longest_push = Duration::from_secs(1);
    });
    let outcomes = hasty.push(&writes).await.unwrap();
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Ambiguous(_))), "{outcomes:?}");
    assert_eq!(open_notes(&org).await, 1, "the job is noted");
    let error = hasty.push(&writes[..1]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Transient, "nothing is written beside it: {error}");
    drop(hasty);
    let next = by_jobs(&org);
    next.recover().await.unwrap();
    assert!(titles(&next, &ids).await.iter().all(|title| *title == Some("Chief".into())));
    assert_eq!((written(&org).await.len(), open_notes(&org).await), (12, 0));
    assert!(written(&org).await.values().all(|times| *times == 1), "no row twice");
    assert_eq!(org.requests_to("/crm/v8/upload").await, 1);
}

/// The answer to making a job is lost: the job runs all the same, once, and nothing else is written meanwhile.
#[tokio::test]
async fn a_job_whose_start_was_not_answered_writes_its_rows_once() {
    let org = StandIn::start(12).await;
    let ids = ids(&org).await;
    let zoho = by_jobs(&org);
    org.knobs(json!({ "plan": [{ "method": "POST", "path": "/crm/bulk/v8/write", "fault": "reset_after" }] })).await;
    let writes: Vec<Write> = ids.iter().map(|id| title(id, "Chief")).collect();
    let outcomes = zoho.push(&writes).await.unwrap();
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Ambiguous(_))), "{outcomes:?}");
    let next = by_jobs(&org);
    assert_eq!(next.recover().await.unwrap_err().kind, ErrorKind::Transient);
    org.advance(Duration::from_secs(3_700)).await;
    next.recover().await.unwrap();
    assert!(titles(&next, &ids).await.iter().all(|title| *title == Some("Chief".into())));
    assert!(written(&org).await.values().all(|times| *times == 1), "no row twice");
    assert_eq!((written(&org).await.len(), open_notes(&org).await), (12, 0));
}

/// Between the file and the job: a file that nobody uses writes nothing.
#[tokio::test]
async fn a_push_that_ends_before_its_job_is_made_has_written_nothing() {
    let org = StandIn::start(12).await;
    let ids = ids(&org).await;
    let zoho = by_jobs(&org);
    let refusals = json!({ "method": "POST", "path": "/crm/bulk/v8/write", "times": 20, "fault": "429" });
    org.knobs(json!({ "plan": [refusals] })).await;
    let writes: Vec<Write> = ids.iter().map(|id| title(id, "Chief")).collect();
    assert_eq!(zoho.push(&writes).await.unwrap_err().kind, ErrorKind::Quota);
    assert_eq!((org.requests_to("/crm/v8/upload").await, written(&org).await.len()), (1, 0));
    org.knobs(json!({ "plan": [] })).await;
    let next = by_jobs(&org);
    next.recover().await.unwrap();
    assert!(next.push(&writes).await.unwrap().iter().all(|outcome| matches!(outcome, Outcome::Done { .. })));
    assert!(written(&org).await.values().all(|times| *times == 1), "no row twice");
}
