//! Import of event files as runs: one per file.

use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::Path;

use super::running::Ending;
use super::{App, Finished, Progress};
use crate::ingest::{Failed, Ingest};
use crate::model::{Counts, Flow, SourceName};
use crate::store::Result;

/// The source of files imported without naming one.
pub const FILE_SOURCE: &str = "file";

/// Bytes read from a file at once.
const BUFFER: usize = 256 * 1024;

impl App {
    /// Imports one file of JSON lines. `bytes` is told how far the reading is.
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
            source,
            run: run.id,
            stop: &self.stop,
        };
        let told = |counts: &Counts, read: u64| {
            progress.update(&run, counts);
            bytes(read);
        };
        let reader = BufReader::with_capacity(BUFFER, file);
        let ending = match ingest.lines(&shown, reader, &mut counts, &told).await {
            Ok(()) => Ending::Complete,
            Err(Failed::Stopped) => Ending::Stopped,
            Err(Failed::Store(error)) => Ending::Store(error),
            Err(Failed::Read(error)) => Ending::File(unreadable(&shown, &error)),
        };
        self.end_run(run, counts, ending).await
    }
}

fn unreadable(path: &str, error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => format!("{path}: there is no such file"),
        ErrorKind::PermissionDenied => format!("{path}: this user may not read it"),
        _ => format!("{path}: {error}; what was read before is stored, and importing again adds only the rest"),
    }
}
