//! Bulk API 2.0: query jobs and ingest jobs with the life they have at the vendor, and CSV on both sides.

mod columns;
mod csv_in;
mod csv_out;
mod cut_short;
mod dialect;
mod ingest_api;
mod ingest_job;
mod ingest_work;
mod knobs;
mod life;
mod listing;
mod locator;
mod outcome;
mod query_api;
mod query_job;
mod query_results;
mod shelf;

pub use knobs::BulkKnobs;
pub use shelf::Bulk;

use super::refusal::Refusal;
use life::Life;

/// A call that the job's state does not allow.
fn wrong_state(life: &Life, what: &str) -> Refusal {
    let text = format!("The job {} is in state {} and cannot be {what}", life.id, life.state.name());
    Refusal::new(400, "INVALIDJOBSTATE", text)
}

impl Life {
    /// Uploads and results must be asked for under the version the job was made with.
    fn same_version(&self, version: u32) -> Result<(), Refusal> {
        if self.version == version {
            return Ok(());
        }
        let text = format!("The job {} was made with version {}.0 and not {version}.0", self.id, self.version);
        Err(Refusal::new(409, "INVALIDVERSION", text))
    }
}
