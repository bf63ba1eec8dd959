//! The rest of a window by a Bulk 2.0 query job. The job's id and locator are in the cursor, so that a restart goes on
//! with the job; the place it began at is there as well, so that nothing is lost with the job.

use std::time::Duration;

use connector::{Error, ErrorKind};
use connector_http::{Answer, Call};
use http::Method;
use http::header::HeaderValue;
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use crate::api::{Api, Refusal, decode, json};
use crate::bulk_csv::Table;
use crate::cursor::{How, Job, Pages, Window};
use crate::dialect::CALL;
use crate::records::{Brought, Pull};
use crate::rows::Row;
use crate::soql::Query;
use crate::wanted::Wanted;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Jobs that may go away before the window is read page by page.
const MOST_LOST: u32 = 2;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewJob<'a> {
    operation: &'static str,
    query: &'a str,
    content_type: &'static str,
    column_delimiter: &'static str,
    line_ending: &'static str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobInfo {
    #[serde(default)]
    id: String,
    #[serde(default)]
    state: String,
    number_records_processed: Option<u64>,
}

/// How a job stands.
enum State {
    Complete(Option<u64>),
    /// Failed or aborted: why. Another one would fare no better.
    Lost(&'static str),
    Gone,
}

/// One page of results.
struct Results {
    rows: Vec<Row>,
    locator: Locator,
}

enum Locator {
    Next(String),
    End,
    /// The header is not there.
    Missing,
}

impl Pull<'_> {
    pub(crate) async fn by_job(&mut self, window: &Window, job: &Job) -> Result<Brought, Error> {
        let total = match job.total {
            Some(total) => Some(total),
            None => match self.api.await_job(&job.id).await? {
                State::Complete(total) => total,
                State::Lost(why) => return self.without_job(window, job, why).await,
                State::Gone => return Ok(self.gone(window, job)),
            },
        };
        let path = self.api.results_path(&job.id, job.locator.as_deref());
        let Some(results) = self.api.results(&path, &self.wanted).await? else {
            return Ok(self.gone(window, job));
        };
        let delivered = job.delivered.saturating_add(results.rows.len() as u64);
        let all_there = total.is_none_or(|total| delivered == total);
        let next = match results.locator {
            Locator::Next(locator) if Some(&locator) == job.locator.as_ref() => {
                return Err(self.api.job_error("Salesforce named the same page of results as the next one again"));
            }
            Locator::Next(locator) => Some(How::Job(Job { locator: Some(locator), delivered, total, ..job.clone() })),
            Locator::End if all_there => None,
            Locator::Missing if total.is_some() && all_there => None,
            Locator::Missing => {
                return Err(self
                    .api
                    .job_error("a page of results does not say where it goes on, and rows are missing"));
            }
            // The job lost rows: what it was for is read page by page.
            Locator::End => Some(self.pages_again(job)),
        };
        let spent = next.is_none().then(|| job.id.clone());
        Ok(Brought { rows: results.rows, next, spent })
    }

    /// The window from where the job began, by pages.
    async fn without_job(&self, window: &Window, job: &Job, why: &'static str) -> Result<Brought, Error> {
        tracing::warn!(object = %self.object, window_ends = window.until, why, "a bulk job is of no use; its window is read page by page");
        self.api.forget_job(&job.id).await;
        Ok(Brought { rows: Vec::new(), next: Some(self.pages_again(job)), spent: None })
    }

    /// The window from where the job began, by another job; not for ever.
    fn gone(&self, window: &Window, job: &Job) -> Brought {
        let lost = job.lost.saturating_add(1);
        tracing::warn!(object = %self.object, window_ends = window.until, lost, "a bulk job is gone; its window is read again");
        let pages = Pages { after: job.after.clone(), slice: None, settled: lost >= MOST_LOST, lost };
        Brought { rows: Vec::new(), next: Some(How::Pages(pages)), spent: None }
    }

    fn pages_again(&self, job: &Job) -> How {
        How::Pages(Pages { after: job.after.clone(), slice: None, settled: true, lost: job.lost })
    }
}

impl Api {
    /// A new job for this query; `None` where Bulk refuses what REST may not.
    pub async fn create_job(&self, sobject: &str, query: &Query) -> Result<Option<String>, Error> {
        let attempted = format!("start a bulk job that reads {sobject} records");
        let text = query.text();
        let body = json(
            &attempted,
            &NewJob {
                operation: "query",
                query: &text,
                content_type: "CSV",
                column_delimiter: "COMMA",
                line_ending: "LF",
            },
        )?;
        let call = Call::ask(&attempted, self.paths.query_jobs(), body, CALL);
        match self.try_ask::<JobInfo>(&call, decode).await {
            Ok(Ok(job)) if is_job(&job.id) => Ok(Some(job.id)),
            Ok(Ok(_)) => Err(Error::new(ErrorKind::Protocol, attempted, "the answer names no job")),
            Ok(Err(refusal)) => {
                tracing::info!(sobject, code = %refusal.fault.code, "Bulk refuses the query; it is read page by page");
                Ok(None)
            }
            Err(error) if matches!(error.kind, ErrorKind::Forbidden | ErrorKind::Unsupported) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Waits until a job has ended.
    async fn await_job(&self, id: &str) -> Result<State, Error> {
        let attempted = "wait for a bulk job";
        let began = self.clock.now();
        let mut pause = FIRST_PAUSE;
        loop {
            let call = Call::get(attempted, self.job_path(id), CALL);
            let job: JobInfo = match self.try_ask(&call, decode).await? {
                Ok(job) => job,
                Err(refusal) if is_gone(&refusal) => return Ok(State::Gone),
                Err(refusal) => return Err(refusal.into_error(attempted)),
            };
            match job.state.as_str() {
                "JobComplete" => return Ok(State::Complete(job.number_records_processed)),
                "Failed" => return Ok(State::Lost("it failed")),
                "Aborted" => return Ok(State::Lost("it was aborted")),
                _ => {}
            }
            if self.clock.now().since(began) > self.limits.longest_job {
                // The cursor still names the job: the next pull goes on waiting for it.
                return Err(Error::new(ErrorKind::Transient, attempted, "Salesforce has not ended it yet"));
            }
            self.clock.sleep(pause).await;
            pause = pause.mul_f64(1.5).min(LONGEST_PAUSE);
        }
    }

    /// One page of results; `None` where they are gone.
    async fn results(&self, path: &str, wanted: &Wanted) -> Result<Option<Results>, Error> {
        let attempted = "read a page of a bulk job's results";
        let call =
            Call::get(attempted, path.to_owned(), CALL).with_header("accept", HeaderValue::from_static("text/csv"));
        // Salesforce may round what it is asked for; it may not send everything at once.
        let most_rows = self.limits.bulk_page.saturating_mul(4).max(10_000);
        let poured = self
            .client
            .pour(
                &call,
                || Table::new(wanted, most_rows),
                |table, answer| {
                    if !answer.status.is_success() {
                        return Ok(Err(Refusal::of(answer)));
                    }
                    let rows = table.finish()?;
                    counted(answer, rows.len())?;
                    Ok(Ok(Results { rows, locator: locator(answer) }))
                },
            )
            .await?;
        match poured {
            Ok(results) => Ok(Some(results)),
            Err(refusal) if is_gone(&refusal) => Ok(None),
            Err(refusal) => Err(refusal.into_error(attempted)),
        }
    }

    /// Deletes a job that is no longer needed. Salesforce deletes it in a week if this does not.
    pub async fn forget_job(&self, id: &str) {
        let call = Call::get("delete a bulk job", self.job_path(id), CALL).with_method(Method::DELETE);
        if let Err(error) = self.client.send(&call).await {
            tracing::debug!(%error, "a bulk job that is done was not deleted");
        }
    }

    fn job_path(&self, id: &str) -> String {
        format!("{}/{id}", self.paths.query_jobs())
    }

    fn results_path(&self, id: &str, locator: Option<&str>) -> String {
        let mut path = format!("{}/results?maxRecords={}", self.job_path(id), self.limits.bulk_page);
        if let Some(locator) = locator {
            path.push_str("&locator=");
            path.extend(form_urlencoded::byte_serialize(locator.as_bytes()));
        }
        path
    }

    fn job_error(&self, why: &str) -> Error {
        Error::new(ErrorKind::Protocol, "read a page of a bulk job's results", why)
    }
}

/// The id of a job stands in paths.
fn is_job(id: &str) -> bool {
    matches!(id.len(), 15 | 18) && id.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Deleted, expired, or made by another version of the API.
fn is_gone(refusal: &Refusal) -> bool {
    matches!(refusal.status, 404 | 409)
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

/// A page that broke off at the end of a record shows only in its count.
fn counted(answer: &Answer, rows: usize) -> Result<(), String> {
    match header(answer, "sforce-numberofrecords").and_then(|count| count.parse::<usize>().ok()) {
        Some(count) if count != rows => Err(format!("it has {rows} rows and announces {count}")),
        _ => Ok(()),
    }
}

fn locator(answer: &Answer) -> Locator {
    match header(answer, "sforce-locator") {
        None => Locator::Missing,
        Some("null") => Locator::End,
        Some(locator) => Locator::Next(locator.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn answer(headers: &[(&'static str, &'static str)]) -> Answer {
        let headers =
            headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)));
        Answer { status: http::StatusCode::OK, headers: headers.collect(), body: Bytes::new(), correlation_id: None }
    }

    #[test]
    fn a_page_says_where_it_goes_on() {
        assert!(matches!(locator(&answer(&[("sforce-locator", "null")])), Locator::End));
        assert!(matches!(locator(&answer(&[("sforce-locator", "MTAwMDA")])), Locator::Next(next) if next == "MTAwMDA"));
        assert!(matches!(locator(&answer(&[])), Locator::Missing));
    }

    #[test]
    fn a_page_that_broke_off_is_told_by_its_count() {
        assert!(counted(&answer(&[("sforce-numberofrecords", "3")]), 2).is_err());
        assert!(counted(&answer(&[("sforce-numberofrecords", "2")]), 2).is_ok());
        assert!(counted(&answer(&[]), 2).is_ok());
    }

    #[test]
    fn a_job_id_cannot_leave_its_path_segment() {
        assert!(is_job("750xx000000002BAAQ"));
        for bad in ["", "750/../x", "750xx00000000/.", "../../../../../x"] {
            assert!(!is_job(bad), "{bad}");
        }
    }
}
