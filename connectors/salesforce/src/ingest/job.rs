//! The calls of a Bulk ingest job, one function each.

use bytes::Bytes;
use connector::{Error, Timestamp};
use connector_http::{Answer, Call, Priority, Repeat};
use http::{HeaderValue, Method};
use serde::{Deserialize, Serialize};

use super::results::{ResultRow, read};
use crate::answer::write_call;
use crate::api::{Api, decode, json};
use crate::dialect::CALL;
use crate::outgoing::{How, Lane};
use crate::refusal::{RowRefusal, told};

/// A job as Salesforce tells of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct JobInfo {
    pub id: String,
    pub state: String,
    pub object: String,
    pub operation: String,
    pub created_by_id: String,
    pub created_date: Option<String>,
    pub number_records_processed: Option<u64>,
    pub number_records_failed: Option<u64>,
    pub error_message: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct JobList {
    pub records: Vec<JobInfo>,
    pub next_records_url: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewJob<'a> {
    object: &'a str,
    operation: &'static str,
    content_type: &'static str,
    line_ending: &'static str,
    column_delimiter: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id_field_name: Option<&'a str>,
}

#[derive(Serialize)]
struct NewState {
    state: &'static str,
}

/// Where a job stands, as far as anything is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Open,
    Running,
    /// Complete, failed or aborted: it will apply nothing more.
    Over,
}

impl JobInfo {
    pub fn stage(&self) -> Stage {
        match self.state.as_str() {
            "Open" => Stage::Open,
            "JobComplete" | "Failed" | "Aborted" => Stage::Over,
            // Whatever a later version calls it, it is not over.
            _ => Stage::Running,
        }
    }

    pub fn created_at(&self) -> Option<Timestamp> {
        let text = self.created_date.as_deref()?;
        // `2026-03-04T05:06:07.000+0000`: RFC 3339 wants a colon in the offset.
        let whole = text.strip_suffix("+0000").map_or_else(|| text.to_owned(), |time| format!("{time}Z"));
        Timestamp::parse_rfc3339(&whole)
    }

    pub fn failed(&self) -> Option<usize> {
        usize::try_from(self.number_records_failed?).ok()
    }

    pub fn applied(&self) -> Option<usize> {
        usize::try_from(self.number_records_processed?.checked_sub(self.number_records_failed?)?).ok()
    }
}

/// A job's id may stand in a path only if it looks like one.
pub(crate) fn is_job_id(id: &str) -> bool {
    matches!(id.len(), 15..=18) && id.bytes().all(|b| b.is_ascii_alphanumeric())
}

pub(crate) fn operation(lane: &Lane) -> &'static str {
    match lane.how {
        How::ById => "update",
        How::ByKey { .. } => "upsert",
        How::Insert { .. } => "insert",
    }
}

/// What a call that changes a job came to.
pub(crate) type Changed<T> = Result<Result<T, RowRefusal>, Error>;

pub(crate) async fn create(api: &Api, lane: &Lane) -> Changed<JobInfo> {
    let attempted = format!("create a bulk job to {}", lane.attempted());
    let external_id_field_name = match &lane.how {
        How::ByKey { field, .. } => Some(&**field),
        _ => None,
    };
    let job = NewJob {
        object: &lane.sobject,
        operation: operation(lane),
        content_type: "CSV",
        line_ending: "LF",
        column_delimiter: "COMMA",
        external_id_field_name,
    };
    let body = json(&attempted, &job)?;
    let call = write_call(lane, &attempted, Method::POST, api.paths.ingest_jobs(), body);
    let made: Changed<JobInfo> = api.client.fetch(&call, |answer| told(answer, decode)).await;
    match made? {
        Ok(job) if is_job_id(&job.id) => Ok(Ok(job)),
        Ok(_) => Err(Error::new(connector::ErrorKind::Protocol, attempted, "the answer names no job").maybe_applied()),
        Err(refusal) => Ok(Err(refusal)),
    }
}

pub(crate) async fn upload(api: &Api, lane: &Lane, job: &str, text: Bytes) -> Changed<()> {
    let attempted = format!("upload the rows of a bulk job to {}", lane.attempted());
    let path = format!("{}/batches", api.paths.ingest_job(job));
    let mut call = write_call(lane, &attempted, Method::PUT, path, text);
    call.headers.retain(|(name, _)| name != http::header::CONTENT_TYPE);
    let call = call.with_header("content-type", HeaderValue::from_static("text/csv"));
    api.client.fetch(&call, |answer| told(answer, |_| Ok(()))).await
}

/// Closes a job (its rows will be applied) or aborts it (they will not).
pub(crate) async fn set_state(api: &Api, job: &str, state: &'static str) -> Changed<()> {
    let attempted = match state {
        "Aborted" => "abort a bulk job",
        _ => "close a bulk job",
    };
    let body = json(attempted, &NewState { state })?;
    let repeat = if state == "Aborted" { Repeat::Safe } else { Repeat::OnlyIfNotApplied };
    let call = Call::write(attempted, api.paths.ingest_job(job), body, CALL)
        .with_method(Method::PATCH)
        .with_repeat(repeat)
        .with_header("sforce-call-options", HeaderValue::from_static("client=ferry"));
    api.client.fetch(&call, |answer| told(answer, |_| Ok(()))).await
}

/// How the job stands; `None` where there is no such job (any more).
pub(crate) async fn look(api: &Api, job: &str) -> Result<Option<JobInfo>, Error> {
    let attempted = "ask how a bulk job stands";
    let call = Call::get(attempted, api.paths.ingest_job(job), CALL).with_priority(Priority::Push);
    let decode = |answer: &Answer| match answer.status.as_u16() {
        404 => Ok(Ok(None)),
        _ => told(answer, decode).map(|told| told.map(Some)),
    };
    api.client.fetch(&call, decode).await?.map_err(|refusal| crate::answer::refused_call(attempted, &refusal))
}

pub(crate) async fn delete(api: &Api, job: &str) -> Result<(), Error> {
    let attempted = "delete a finished bulk job";
    let call =
        Call::get(attempted, api.paths.ingest_job(job), CALL).with_method(Method::DELETE).with_priority(Priority::Push);
    let decode = |answer: &Answer| match answer.status.as_u16() {
        404 => Ok(Ok(())),
        _ => told(answer, |_| Ok(())),
    };
    api.client.fetch(&call, decode).await?.map_err(|refusal| crate::answer::refused_call(attempted, &refusal))
}

/// One of the three result files.
pub(crate) async fn results(
    api: &Api,
    job: &str,
    file: &str,
    key: &str,
    expected: Option<usize>,
) -> Result<Vec<ResultRow>, Error> {
    let attempted = "read the results of a bulk job";
    let path = format!("{}/{file}", api.paths.ingest_job(job));
    let call = Call::get(attempted, path, CALL)
        .with_priority(Priority::Push)
        .with_header("accept", HeaderValue::from_static("text/csv"));
    let decode = |answer: &Answer| told(answer, |answer| read(&answer.body, key, expected));
    api.client.fetch(&call, decode).await?.map_err(|refusal| crate::answer::refused_call(attempted, &refusal))
}

/// A page of the org's ingest jobs.
pub(crate) async fn list(api: &Api, path: String) -> Result<JobList, Error> {
    let attempted = "list the bulk jobs";
    let call = Call::get(attempted, path, CALL).with_priority(Priority::Push);
    let page = api.client.fetch(&call, |answer| told(answer, decode)).await?;
    page.map_err(|refusal| crate::answer::refused_call(attempted, &refusal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_nobody_knows_is_not_over() {
        let stage = |state: &str| JobInfo { state: state.into(), ..JobInfo::default() }.stage();
        assert_eq!(stage("Open"), Stage::Open);
        for running in ["UploadComplete", "InProgress", "Something", ""] {
            assert_eq!(stage(running), Stage::Running, "{running}");
        }
        for over in ["JobComplete", "Failed", "Aborted"] {
            assert_eq!(stage(over), Stage::Over, "{over}");
        }
    }

    #[test]
    fn a_job_is_read_as_salesforce_writes_it() {
        let job: JobInfo = serde_json::from_str(
            r#"{"id":"750xx000000001XAAQ","operation":"upsert","object":"Contact","createdById":"005xx000001SwiUAAS",
            "createdDate":"2026-03-04T05:06:07.000+0000","state":"JobComplete","apiVersion":67.0,
            "numberRecordsProcessed":2600,"numberRecordsFailed":3,"retries":0}"#,
        )
        .unwrap();
        assert_eq!((job.applied(), job.failed()), (Some(2_597), Some(3)));
        assert_eq!(job.created_at(), Timestamp::parse_rfc3339("2026-03-04T05:06:07Z"));
        assert!(is_job_id(&job.id) && !is_job_id("../x") && !is_job_id(""));
        assert_eq!(JobInfo::default().applied(), None);
    }
}
