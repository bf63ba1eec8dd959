//! A query job: what was asked, and which records answered. Rows are written when they are fetched.

use serde_json::{Map, Value, json};

use super::super::soql::Sheet;
use super::life::{Life, State};

#[derive(Debug)]
pub struct QueryJob {
    pub life: Life,
    pub soql: String,
    /// `queryAll`: deleted records too.
    pub all: bool,
    /// Which records answer, once the query was run.
    pub sheet: Option<Sheet>,
}

impl QueryJob {
    /// The answer to a look at it.
    pub fn full_info(&self) -> Map<String, Value> {
        let mut info = self.life.info();
        let processed = match self.life.state {
            State::JobComplete => self.sheet.as_ref().map_or(0, Sheet::len),
            _ => 0,
        };
        info.insert("jobType".into(), json!("V2Query"));
        info.insert("numberRecordsProcessed".into(), json!(processed));
        info.insert("retries".into(), json!(self.life.retries));
        info.insert("totalProcessingTime".into(), json!(self.life.worked_ms()));
        info.insert("isPkChunkingSupported".into(), json!(true));
        if let Some(error) = &self.life.error {
            info.insert("errorMessage".into(), json!(error));
        }
        info
    }
}
