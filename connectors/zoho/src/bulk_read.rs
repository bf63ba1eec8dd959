//! First loads by bulk jobs: Zoho writes up to 200,000 records into a file, which is fetched once and given out page by
//! page. A job that is gone is begun anew; one that cannot be had leaves the walk to queries and lists.

use std::io::Read;
use std::time::Duration;

use connector::{Error, ErrorKind, RecordId, Value};
use connector_http::{Answer, Call, Priority, Repeat};
use serde::{Deserialize, Serialize};

use crate::api::{decode, json};
use crate::cursor::{How, Job, Walk};
use crate::dialect::CALL;
use crate::paths;
use crate::records::{Brought, Pull};
use crate::roles::page_of;
use crate::rows::{Row, value_of};
use crate::wanted::Wanted;
use crate::wire::{Id, is_id};
use crate::zip::unpack;

const FIRST_POLL: Duration = Duration::from_secs(2);
const LONGEST_POLL: Duration = Duration::from_secs(30);
/// Jobs that may go away before they are read.
const MOST_LOST: u32 = 2;

#[derive(Serialize)]
struct NewJob<'a> {
    query: JobQuery<'a>,
    file_type: &'static str,
}

#[derive(Serialize)]
struct JobQuery<'a> {
    module: ModuleName<'a>,
    fields: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page_token: Option<&'a str>,
}

#[derive(Serialize)]
struct ModuleName<'a> {
    api_name: &'a str,
}

#[derive(Deserialize)]
struct Jobs<D> {
    data: Vec<D>,
}

#[derive(Deserialize)]
struct Made {
    details: MadeDetails,
}

#[derive(Deserialize)]
struct MadeDetails {
    id: Id,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Looked {
    state: String,
    result: Option<Outcome>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Outcome {
    more_records: bool,
    next_page_token: Option<String>,
}

/// The file of one job, being read.
pub(crate) struct Sheet {
    job: String,
    read: u64,
    reader: csv::Reader<Box<dyn Read + Send>>,
    header: csv::StringRecord,
    outcome: Outcome,
}

impl std::fmt::Debug for Sheet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sheet").field("job", &self.job).field("read", &self.read).finish_non_exhaustive()
    }
}

/// Begins a job for everything, or for what follows an earlier one; `None` where the organisation or the credential has
/// no bulk jobs.
pub(crate) async fn create(pull: &Pull<'_>, page_token: Option<&str>) -> Result<Option<String>, Error> {
    let attempted = format!("begin a bulk read of {}", pull.module);
    let fields = pull.wanted.calls().concat();
    let page = page_token.is_none().then_some(1);
    let module = ModuleName { api_name: pull.module };
    let new = NewJob { query: JobQuery { module, fields, page, page_token }, file_type: "csv" };
    // A job nobody reads does no harm: it may be asked for twice.
    let call = Call::ask(&attempted, paths::BULK_READ.to_owned(), json(&attempted, &new)?, CALL);
    let made = match pull.api.try_ask::<Jobs<Made>>(&call.with_repeat(Repeat::Safe), decode).await {
        Ok(Ok(made)) => made.data.into_iter().next().map(|made| made.details.id.0).filter(|id| is_id(id)),
        Ok(Err(refusal)) => {
            tracing::warn!(code = %refusal.fault.code, "Zoho takes no bulk read; pages it is");
            None
        }
        Err(error) if error.kind == ErrorKind::Forbidden => {
            tracing::warn!(%error, "no bulk read is allowed; pages it is");
            None
        }
        Err(error) => return Err(error),
    };
    Ok(made)
}

/// The next page of a job's file, or the walk that goes on instead.
pub(crate) async fn bring(pull: &Pull<'_>, walk: &Walk, job: &Job) -> Result<Result<Brought, Walk>, Error> {
    let mut held = pull.api.sheet.lock().await;
    let is_open = held.as_ref().is_some_and(|sheet| sheet.job == job.id && sheet.read == job.delivered);
    if !is_open {
        *held = None;
        let Some(outcome) = wait(pull, &job.id).await? else { return instead(pull, walk, job).await };
        let Some(file) = fetch(pull, &job.id).await? else { return instead(pull, walk, job).await };
        *held = Some(open(pull, job, file, outcome)?);
    }
    let Some(sheet) = held.as_mut() else { return Err(pull.protocol("the bulk read has no file")) };
    let most = page_of(pull.api.limits.bulk_page, pull.roles);
    let rows = sheet.take(most, &pull.wanted).map_err(|why| unreadable(pull, &why))?;
    if rows.len() >= most {
        let how = How::Job(Job { delivered: sheet.read, ..job.clone() });
        return Ok(Ok(Brought { rows, next: Some(Walk { how, ..walk.clone() }) }));
    }
    let outcome = sheet.outcome.clone();
    *held = None;
    drop(held);
    if !outcome.more_records {
        return Ok(Ok(Brought { rows, next: None }));
    }
    let next = create(pull, outcome.next_page_token.as_deref()).await?;
    let how = match next.filter(|_| outcome.next_page_token.is_some()) {
        Some(id) => How::Job(Job { id, delivered: 0, lost: job.lost }),
        None => How::List,
    };
    Ok(Ok(Brought { rows, next: Some(Walk { how, ..walk.clone() }) }))
}

/// A job that is gone begins again; one that goes again and again is done without.
async fn instead(pull: &Pull<'_>, walk: &Walk, job: &Job) -> Result<Result<Brought, Walk>, Error> {
    if job.lost < MOST_LOST
        && let Some(id) = create(pull, None).await?
    {
        tracing::warn!("a bulk read went away before it was read; it begins again");
        let how = How::Job(Job { id, delivered: 0, lost: job.lost + 1 });
        return Ok(Ok(Brought { rows: Vec::new(), next: Some(Walk { how, ..walk.clone() }) }));
    }
    Ok(Err(Walk { how: How::List, ..walk.clone() }))
}

/// Waits for a job's end; `None` where it failed or is not there.
async fn wait(pull: &Pull<'_>, id: &str) -> Result<Option<Outcome>, Error> {
    let attempted = format!("wait for a bulk read of {}", pull.module);
    let until = pull.api.clock.now().saturating_add(pull.api.limits.longest_job);
    let mut pause = FIRST_POLL;
    loop {
        let call = Call::get(&attempted, format!("{}/{id}", paths::BULK_READ), CALL);
        let looked = match pull.api.try_ask::<Jobs<Looked>>(&call, decode).await? {
            Ok(looked) => looked.data.into_iter().next().unwrap_or_default(),
            Err(refusal) if refusal.status == 404 || refusal.is("RESOURCE_NOT_FOUND") => return Ok(None),
            Err(refusal) => return Err(refusal.into_error(&attempted)),
        };
        match looked.state.as_str() {
            "COMPLETED" => return Ok(Some(looked.result.unwrap_or_default())),
            "FAILURE" | "FAILED" => return Ok(None),
            _ if pull.api.clock.now() >= until => {
                return Err(Error::new(
                    ErrorKind::Transient,
                    attempted,
                    "it is still under way; it is asked for again",
                ));
            }
            _ => {}
        }
        pull.api.clock.sleep(pause).await;
        pause = pause.mul_f64(1.5).min(LONGEST_POLL);
    }
}

/// The packed file; `None` where it is not kept any more.
async fn fetch(pull: &Pull<'_>, id: &str) -> Result<Option<bytes::Bytes>, Error> {
    let attempted = format!("fetch a bulk read of {}", pull.module);
    let call = Call::get(&attempted, format!("{}/{id}/result", paths::BULK_READ), CALL).with_priority(Priority::Pull);
    let body = |answer: &Answer| Ok(answer.body.clone());
    match pull.api.try_ask(&call, body).await? {
        Ok(body) if body.is_empty() => Ok(None),
        Ok(body) => Ok(Some(body)),
        Err(refusal) if refusal.status == 404 || refusal.is("RESOURCE_NOT_FOUND") => Ok(None),
        Err(refusal) => Err(refusal.into_error(&attempted)),
    }
}

fn open(pull: &Pull<'_>, job: &Job, file: bytes::Bytes, outcome: Outcome) -> Result<Sheet, Error> {
    let text = unpack(file).map_err(|why| unreadable(pull, &why))?;
    let mut reader = csv::ReaderBuilder::new().from_reader(text);
    let header = reader.headers().map_err(|_| unreadable(pull, "it is not CSV"))?.clone();
    let mut sheet = Sheet { job: job.id.clone(), read: 0, reader, header, outcome };
    // After a restart: what was delivered is read past.
    let mut record = csv::StringRecord::new();
    while sheet.read < job.delivered {
        let there = sheet.reader.read_record(&mut record).map_err(|_| unreadable(pull, "it is not CSV"))?;
        if !there {
            return Err(unreadable(pull, "it has fewer rows than were delivered from it"));
        }
        sheet.read += 1;
    }
    Ok(sheet)
}

fn unreadable(pull: &Pull<'_>, why: &str) -> Error {
    pull.protocol(&format!("the file of a bulk read cannot be read: {why}"))
}

impl Sheet {
    fn take(&mut self, most: usize, wanted: &Wanted) -> Result<Vec<Row>, String> {
        let places: Vec<Option<usize>> =
            self.header.iter().map(|name| wanted.find(name.trim_start_matches('\u{feff}'), 0)).collect();
        let is_id_column = |name: &str| name.trim_start_matches('\u{feff}').eq_ignore_ascii_case("id");
        let id_at = self.header.iter().position(is_id_column).ok_or("it has no column of ids")?;
        let mut rows = Vec::with_capacity(most.min(10_000));
        let mut record = csv::StringRecord::new();
        while rows.len() < most && self.reader.read_record(&mut record).map_err(|_| "it is not CSV")? {
            self.read += 1;
            // Ids come with a prefix that names their module in some exports.
            let id = record.get(id_at).map(|id| id.trim_start_matches("zcrm_")).unwrap_or_default();
            if !is_id(id) {
                return Err(format!("row {} has no id", self.read));
            }
            let mut row = Row::new(RecordId::from(id), wanted.columns().len());
            for (text, at) in record.iter().zip(&places) {
                if let Some((at, column)) = at.and_then(|at| Some((at, wanted.columns().get(at)?))) {
                    row.put(wanted, at, value_of(&column.kind, text.trim_start_matches("zcrm_")));
                }
            }
            if let Some(at) = wanted.find("id", 0) {
                row.put(wanted, at, Value::text(row.id.as_str()));
            }
            rows.push(row);
        }
        Ok(rows)
    }
}
