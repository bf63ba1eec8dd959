//! Import of event files as runs: one per file.

use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::Path;

use super::running::Ending;
use super::{App, Finished, Progress};
use crate::config::SourceKind;
use crate::ingest::{BadHeader, CsvFormat, CsvRecords, Failed, Ingest, JsonLines, LINE_READ};
use crate::model::{Counts, Flow, SourceName};
use crate::store::Result;

/// The source of files imported without naming one.
pub const FILE_SOURCE: &str = "file";

/// Bytes read from a file at once.
const BUFFER: usize = 256 * 1024;

impl App {
    /// Imports one file, in the format of its source: CSV or JSON lines. `bytes` is told how far the reading is.
    pub async fn import(
        &self,
        path: &Path,
        source: SourceName,
        progress: &dyn Progress,
        bytes: &(dyn Fn(u64) + Sync),
    ) -> Result<Finished> {
        let run = self.start_run(Flow::Ingest, None, None).await?;
        let mut counts = Counts::default();
        let shown = path.display().to_string();
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) => return self.end_run(run, counts, Ending::File(unreadable(&shown, &error))).await,
        };
        let ingest = Ingest {
            store: &*self.store,
            clock: &*self.world.clock,
            model: &self.model,
            source: source.clone(),
            run: run.id,
            stop: &self.stop,
        };
        let told = |counts: &Counts, read: u64| {
            progress.update(&run, counts);
            bytes(read);
        };
        let reader = BufReader::with_capacity(BUFFER, file);
        let refuse = &mut |_: &[u8]| Ok(());
        let imported = match self.csv_format(&source) {
            Some(format) => match CsvRecords::open(reader, format) {
                Ok(mut rows) => ingest.records(&shown, &mut rows, refuse, &mut counts, &told).await,
                Err(BadHeader::Read(error)) => Err(Failed::Read(error)),
                Err(wrong) => return self.end_run(run, counts, Ending::File(format!("{shown}: {wrong}"))).await,
            },
            None => {
                let mut lines = JsonLines::new(reader, LINE_READ);
                ingest.records(&shown, &mut lines, refuse, &mut counts, &told).await
            }
        };
        let ending = match imported {
            Ok(()) => Ending::Complete,
            Err(Failed::Stopped) => Ending::Stopped,
            Err(Failed::Store(error)) => Ending::Store(error),
            Err(Failed::Read(error) | Failed::Refuse(error)) => Ending::File(unreadable(&shown, &error)),
        };
        self.end_run(run, counts, ending).await
    }

    /// How the files of a source are read, where they are CSV.
    fn csv_format(&self, source: &str) -> Option<&CsvFormat> {
        match &self.settings.source(source)?.kind {
            SourceKind::Csv(format) => Some(format),
            SourceKind::Http(_) | SourceKind::Jsonl => None,
        }
    }
}

fn unreadable(path: &str, error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => format!("{path}: there is no such file"),
        ErrorKind::PermissionDenied => format!("{path}: this user may not read it"),
        _ => format!("{path}: {error}; what was read before is stored, and importing again adds only the rest"),
    }
}
