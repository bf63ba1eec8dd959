//! The rows of a query job, page by page. Pages are cut by the caller's `maxRecords`; a locator names where one begins and
//! stays good while the job is there. The last page says `Sforce-Locator: null`, the word.

use serde_json::{Value, json};

use super::super::org::Org;
use super::super::refusal::Refusal;
use super::super::soql::Sheet;
use super::csv_out;
use super::life::State;
use super::query_job::QueryJob;
use super::{locator, wrong_state};
use crate::desk::Core;
use crate::exchange::{Call, Reply};

/// Pages a list of them names at once.
const LISTED_PAGES: usize = 5;
/// Rows of a listed page when the caller says nothing.
const LISTED_ROWS: usize = 50_000;

impl Org {
    /// `GET …/results?maxRecords=…&locator=…`.
    pub(super) fn query_results(
        &mut self,
        core: &mut Core,
        call: &Call,
        version: u32,
        number: u64,
    ) -> Result<Reply, Refusal> {
        let job = self.query_job(number)?;
        let sheet = finished(job, version)?;
        let from = match call.parameter("locator") {
            None => 0,
            Some(text) => locator::read(&text).filter(|row| *row < sheet.len()).ok_or_else(bad_locator)?,
        };
        let most = self.page_size(call)?.unwrap_or(usize::MAX);
        let mut out = csv_out::Sheet::new(job.life.dialect);
        out.row(sheet.header());
        let mut count = 0_usize;
        for row in sheet.rows(self, core, from, most) {
            count += 1;
            out.row(row.iter().map(String::as_str));
        }
        let next = from.saturating_add(most);
        let next = if next < sheet.len() { locator::write(next) } else { "null".to_owned() };
        let reply = self.csv_reply(out.finish()).with("sforce-numberofrecords", count.to_string());
        if self.knobs.bulk.missing_locator > 0 {
            self.knobs.bulk.missing_locator -= 1;
            return Ok(reply);
        }
        Ok(reply.with("sforce-locator", next))
    }

    /// `GET …/resultPages`: where up to five pages begin, for who fetches them at once.
    pub(super) fn query_result_pages(&self, call: &Call, version: u32, number: u64) -> Result<Reply, Refusal> {
        let job = self.query_job(number)?;
        let sheet = finished(job, version)?;
        let size = self.page_size(call)?.unwrap_or(LISTED_ROWS);
        let start = match call.parameter("locator") {
            None => 0,
            Some(text) => locator::read(&text).filter(|row| *row < sheet.len()).ok_or_else(bad_locator)?,
        };
        let base = format!("/services/data/v{version}.0/jobs/query/{}", job.life.id);
        let url = |row: usize| {
            let at = if row == 0 { String::new() } else { format!("&locator={}", locator::write(row)) };
            json!({ "resultUrl": format!("{base}/results?maxRecords={size}{at}") })
        };
        let mut begins = (start..sheet.len().max(1)).step_by(size);
        let pages: Vec<Value> = begins.by_ref().take(LISTED_PAGES).map(url).collect();
        let next = begins.next();
        let next_url = next.map(|row| format!("{base}/resultPages?maxRecords={size}&locator={}", locator::write(row)));
        Ok(Reply::json(200, &json!({ "resultPages": pages, "nextRecordsUrl": next_url, "done": next.is_none() })))
    }

    /// `maxRecords`, or what the knob says.
    fn page_size(&self, call: &Call) -> Result<Option<usize>, Refusal> {
        let Some(text) = call.parameter("maxRecords") else {
            return Ok(Some(self.knobs.bulk.page_rows).filter(|rows| *rows > 0));
        };
        let size = text.parse::<usize>().ok().filter(|size| *size > 0);
        size.map(Some).ok_or_else(|| Refusal::new(400, "INVALID_FIELD", "maxRecords must be a positive whole number"))
    }
}

fn finished(job: &QueryJob, version: u32) -> Result<&Sheet, Refusal> {
    job.life.same_version(version)?;
    match &job.sheet {
        Some(sheet) if job.life.state == State::JobComplete => Ok(sheet),
        _ => Err(wrong_state(&job.life, "asked for its results")),
    }
}

fn bad_locator() -> Refusal {
    Refusal::new(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
}
