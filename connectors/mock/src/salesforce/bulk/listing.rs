//! `GET jobs/ingest` and `GET jobs/query`: all jobs, a thousand to a page.

use serde_json::{Map, Value, json};

use super::super::org::Org;
use super::locator;
use crate::exchange::{Call, Reply};

const PAGE: usize = 1_000;

impl Org {
    pub(super) fn list_ingests(&self, call: &Call, version: u32) -> Reply {
        let jobs = self.bulk.ingests.iter().map(|(number, job)| {
            let mut info = job.info();
            info.insert("jobType".into(), json!("V2Ingest"));
            (*number, info)
        });
        page(call, "ingest", "V2Ingest", version, jobs)
    }

    pub(super) fn list_queries(&self, call: &Call, version: u32) -> Reply {
        let jobs = self.bulk.queries.iter().map(|(number, job)| {
            let mut info = job.life.info();
            info.insert("jobType".into(), json!("V2Query"));
            (*number, info)
        });
        page(call, "query", "V2Query", version, jobs)
    }
}

/// One page; a locator names the last job of the page before, so that deleted jobs shift nothing.
fn page(
    call: &Call,
    path: &str,
    kind: &str,
    version: u32,
    jobs: impl Iterator<Item = (u64, Map<String, Value>)>,
) -> Reply {
    let other_kind = call.parameter("jobType").is_some_and(|wanted| !wanted.eq_ignore_ascii_case(kind));
    let after = call.parameter("queryLocator").and_then(|text| locator::read(&text)).unwrap_or(0) as u64;
    let mut rest = jobs.filter(|(number, _)| !other_kind && *number > after);
    let mut records = Vec::new();
    let mut last = after;
    for (number, info) in rest.by_ref().take(PAGE) {
        last = number;
        records.push(Value::Object(info));
    }
    let done = rest.next().is_none();
    let next = (!done).then(|| {
        let from = locator::write(usize::try_from(last).unwrap_or(usize::MAX));
        format!("/services/data/v{version}.0/jobs/{path}?queryLocator={from}")
    });
    Reply::json(200, &json!({ "done": done, "records": records, "nextRecordsUrl": next }))
}
