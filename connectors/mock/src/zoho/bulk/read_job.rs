//! One bulk read: what it asks for, how far it is, and its rows once it is done.

use serde_json::{Value, json};

use super::super::catalogue::ID;
use super::super::datum::{Datum, stamp};
use super::super::filter::{Filter, Op, Path};
use super::super::kind::Kind;
use super::super::org::Org;
use super::super::records::{Seen, Sight};
use super::super::render;
use super::super::schema::FieldId;
use super::super::{ids, knobs};
use crate::clock::Millis;
use crate::desk::Core;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Added,
    Queued,
    InProgress,
    Completed,
    Failure,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Queued => "QUEUED",
            Self::InProgress => "IN PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failure => "FAILURE",
        }
    }
}

pub struct NextPage {
    /// The query without its page, which the next job must repeat.
    pub bound: String,
    pub after: u64,
    pub ends: Millis,
}

pub struct ReadJob {
    pub id: u64,
    pub kind: Kind,
    pub fields: Vec<FieldId>,
    pub filter: Filter,
    /// As it was asked, for the answer.
    pub query: Value,
    pub bound: String,
    pub page: u64,
    pub after: Option<u64>,
    pub made: Millis,
    pub state: State,
    pub polls: u32,
    pub result: Option<Rows>,
    pub callback: Option<String>,
}

/// A page of rows as CSV.
pub struct Rows {
    pub csv: Vec<u8>,
    pub count: u64,
    pub next: Option<String>,
}

impl ReadJob {
    pub fn is_open(&self) -> bool {
        !matches!(self.state, State::Completed | State::Failure)
    }

    /// One look at the job: whether it may end now.
    pub fn look(&mut self, knobs: &knobs::Knobs) -> bool {
        if !self.is_open() {
            return false;
        }
        self.polls += 1;
        self.state = if self.polls == 1 && knobs.job_polls > 1 { State::Queued } else { State::InProgress };
        self.polls > knobs.job_polls
    }

    pub fn json(&self, org: &Org) -> Value {
        let mut out = json!({
            "id": self.id.to_string(),
            "operation": "read",
            "state": self.state.name(),
            "query": self.query,
            "created_by": render::user(org, ids::SYNC_USER),
            "created_time": stamp(self.made, org.knobs.offset_min),
            "file_type": "csv",
        });
        if let Some(rows) = &self.result {
            out["result"] = json!({
                "page": self.page,
                "per_page": org.knobs.bulk_page_rows,
                "count": rows.count,
                "more_records": rows.next.is_some(),
                "download_url": format!("/crm/bulk/v8/read/{}/result", self.id),
                "next_page_token": rows.next,
            });
        }
        out
    }
}

impl Org {
    /// The rows of a job as they are now, and the id of the last when there are more.
    pub fn read_rows(&self, core: &Core, job: &ReadJob) -> (Vec<u8>, u64, Option<u64>) {
        let sight = Sight::At(core.now);
        let most = self.knobs.bulk_page_rows;
        let filter = match job.after {
            None => job.filter.clone(),
            Some(after) => {
                let beyond = Filter::Test { path: Path::of(ID), op: Op::Greater, values: vec![Datum::Ref(after)] };
                Filter::All(vec![beyond, job.filter.clone()])
            }
        };
        let skip = if job.after.is_some() { 0 } else { (job.page - 1).saturating_mul(most) };
        let live = self.matches(job.kind, &filter, sight);
        let shown = live.filter(|seen| job.kind != Kind::Leads || !seen.named("Converted__s").is_true());
        let mut rows = shown.skip(usize::try_from(skip).unwrap_or(usize::MAX));
        let mut out = csv::Writer::from_writer(Vec::new());
        let names = job.fields.iter().filter_map(|id| self.schema(job.kind).field(*id)).map(|field| &*field.name);
        // Writing to memory does not fail.
        let _ = out.write_record(std::iter::once("Id").chain(names));
        let (mut count, mut last) = (0, 0);
        for seen in rows.by_ref().take(usize::try_from(most).unwrap_or(usize::MAX)) {
            let _ = out.write_record(self.csv_row(&seen, &job.fields));
            count += 1;
            last = seen.id;
        }
        let more = rows.next().is_some();
        drop(rows);
        (out.into_inner().unwrap_or_default(), count, more.then_some(last))
    }

    fn csv_row(&self, seen: &Seen<'_>, fields: &[FieldId]) -> Vec<String> {
        let cells = fields.iter().map(|field| match seen.get(*field) {
            // What no longer leads anywhere is empty, as in any other answer.
            Datum::Ref(id) if self.title_of(id).is_none() => String::new(),
            datum => datum.plain(self.knobs.offset_min),
        });
        std::iter::once(seen.id.to_string()).chain(cells).collect()
    }
}
