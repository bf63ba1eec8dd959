//! Bulk jobs: reads of up to two hundred thousand rows a page, writes of up to twenty-five thousand from an uploaded file.
//! A job works when it is asked for, and otherwise when any call comes some seconds later.

mod read_api;
mod read_job;
mod upload;
mod write_api;
mod write_job;
mod write_work;

use std::collections::{BTreeMap, HashMap};

use super::ids;
use super::org::Org;
use super::refusal::Refusal;
use crate::clock::Millis;
use crate::desk::Core;
use crate::exchange::{Call, Reply};
use read_job::ReadJob;
use upload::Upload;
use write_job::WriteJob;

/// How long a finished job, its result and an uploaded file stay.
const KEPT: Millis = 86_400_000;

#[derive(Default)]
pub struct Bulk {
    pub reads: BTreeMap<u64, ReadJob>,
    pub writes: BTreeMap<u64, WriteJob>,
    pub files: HashMap<String, Upload>,
    /// Where the next page of a read begins, and until when it may be asked for.
    pub pages: HashMap<String, read_job::NextPage>,
    made: u64,
}

impl Bulk {
    fn fresh(&mut self) -> u64 {
        self.made += 1;
        ids::job(self.made)
    }
}

impl Org {
    /// `/crm/bulk/v8/…`.
    pub fn bulk_route(&mut self, core: &mut Core, call: &Call, path: &[&str]) -> Result<Reply, Refusal> {
        match (call.method.as_str(), path) {
            ("POST", ["read"]) => self.make_read(core, call),
            ("GET", ["read", id]) => self.show_read(core, id),
            ("GET", ["read", id, "result"]) => self.read_result(core, id),
            ("POST", ["write"]) => self.make_write(core, call),
            ("GET", ["write", id]) => self.show_write(core, id),
            (_, ["read" | "write", ..]) => Err(Refusal::wrong_method()),
            _ => Err(Refusal::no_such_url()),
        }
    }

    /// Lets jobs work that nobody has asked for in a while, and forgets old ones.
    pub fn work_unwatched(&mut self, core: &mut Core) {
        let old = |at: Millis, length: Millis| core.now.saturating_sub(at) >= length;
        self.bulk.reads.retain(|_, job| !old(job.made, KEPT));
        self.bulk.writes.retain(|_, job| !old(job.made, KEPT));
        self.bulk.files.retain(|_, file| !old(file.made, KEPT));
        self.bulk.pages.retain(|_, page| page.ends > core.now);
        let unwatched = self.knobs.job_unwatched_ms;
        let reads: Vec<u64> = self
            .bulk
            .reads
            .iter()
            .filter(|(_, job)| job.is_open() && old(job.made, unwatched))
            .map(|(id, _)| *id)
            .collect();
        let writes: Vec<u64> = self
            .bulk
            .writes
            .iter()
            .filter(|(_, job)| job.is_open() && old(job.made, unwatched))
            .map(|(id, _)| *id)
            .collect();
        for id in reads {
            self.work_read(core, id);
        }
        for id in writes {
            self.work_write(core, id);
        }
    }

    /// Counts a download of a result.
    fn download(&mut self, core: &Core) -> Result<(), Refusal> {
        let downloads = &mut self.limits.downloads;
        downloads.retain(|at| *at <= core.now && core.now - *at < 60_000);
        if core.rate_limits && downloads.len() >= self.knobs.downloads_per_minute {
            return Err(Refusal::too_many_requests());
        }
        downloads.push_back(core.now);
        Ok(())
    }
}

fn no_such_job(id: &str) -> Refusal {
    Refusal::new(404, "RESOURCE_NOT_FOUND", "The requested resource does not exist.").with("id", id)
}

/// A ZIP as an answer.
fn zip_reply(name: &str, content: &[u8]) -> Reply {
    let body = crate::archive::pack(name, content);
    let file = name.trim_end_matches(".csv");
    Reply { status: 200, content_type: "application/x-download", headers: Vec::new(), body }
        .with("content-disposition", format!("attachment; filename={file}.zip"))
}
