//! Import of event files as runs: one per file.

use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::Path;

use super::running::Ending;
use super::{App, Finished, Progress};
use crate::config::SourceKind;
use crate::ingest::{BadHeader, CsvFormat, CsvRecords, Failed, Ingest, JsonLines, LINE_READ, Refuse};
use crate::model::{Counts, Flow, RunId, SourceName};
use crate::store::Result;

/// The source of files imported without naming one.
pub const FILE_SOURCE: &str = "file";

/// Bytes read from a file at once.
const BUFFER: usize = 256 * 1024;

/// A file that was read, or was not.
#[derive(Debug)]
pub(super) struct Imported {
    pub finished: Finished,
    pub fate: Fate,
}

/// What is to become of an imported file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Everything in it is stored or a dead letter.
    Taken,
    /// It is no file of its source: nothing of it was taken, nor will be.
    Refused,
    /// Importing it again goes on where this ended.
    Unfinished,
}

enum NotRead {
    Header(String),
    Failed(Failed),
}

impl App {
    /// Imports one file, in the format of its source: CSV or JSON lines. `bytes` is told how far the reading is.
    pub async fn import(
        &self,
        path: &Path,
        source: SourceName,
        progress: &dyn Progress,
        bytes: &(dyn Fn(u64) + Sync),
    ) -> Result<Finished> {
        let imported = self.import_refusing(path, source, &mut |_| Ok(()), progress, bytes).await?;
        Ok(imported.finished)
    }

    /// The same; what cannot be taken also goes to `refuse`.
    pub(super) async fn import_refusing(
        &self,
        path: &Path,
        source: SourceName,
        refuse: &mut Refuse<'_>,
        progress: &dyn Progress,
        bytes: &(dyn Fn(u64) + Sync),
    ) -> Result<Imported> {
        self.match_empty_log().await?;
        let run = self.start_run(Flow::Ingest, None, None).await?;
        let mut counts = Counts::default();
        let shown = path.display().to_string();
        let read = match File::open(path) {
            Ok(file) => {
                let told = |counts: &Counts, read: u64| {
                    progress.update(&run, counts);
                    bytes(read);
                };
                self.read_file(&shown, file, source, run.id, refuse, &mut counts, &told).await
            }
            Err(error) => Err(NotRead::Failed(Failed::Read(error))),
        };
        let (ending, fate) = match read {
            Ok(()) => (Ending::Complete, Fate::Taken),
            Err(NotRead::Header(why)) => (Ending::File(format!("{shown}: {why}")), Fate::Refused),
            Err(NotRead::Failed(Failed::Stopped)) => (Ending::Stopped, Fate::Unfinished),
            Err(NotRead::Failed(Failed::Store(error))) => (Ending::Store(error), Fate::Unfinished),
            Err(NotRead::Failed(Failed::Read(error))) => (Ending::File(unreadable(&shown, &error)), Fate::Unfinished),
            Err(NotRead::Failed(Failed::Refuse(error))) => {
                let why = format!("{shown}: write its rejected rows: {error}; importing again adds only the rest");
                (Ending::File(why), Fate::Unfinished)
            }
        };
        Ok(Imported { finished: self.end_run(run, counts, ending).await?, fate })
    }

    #[allow(clippy::too_many_arguments)] // One caller; a struct for it would say the same twice.
    async fn read_file(
        &self,
        shown: &str,
        file: File,
        source: SourceName,
        run: RunId,
        refuse: &mut Refuse<'_>,
        counts: &mut Counts,
        told: &(dyn Fn(&Counts, u64) + Sync),
    ) -> std::result::Result<(), NotRead> {
        let format = self.csv_format(&source);
        let ingest = Ingest {
            store: &*self.store,
            clock: &*self.world.clock,
            model: &self.model,
            identity: self.settings.identity.clone(),
            source,
            consent: &self.settings.privacy.consent,
            run,
            stop: &self.stop,
        };
        let reader = BufReader::with_capacity(BUFFER, file);
        let read = match format {
            Some(format) => match CsvRecords::open(reader, format) {
                Ok(mut rows) => ingest.records(shown, &mut rows, refuse, counts, told).await,
                Err(BadHeader::Read(error)) => Err(Failed::Read(error)),
                Err(wrong) => return Err(NotRead::Header(wrong.to_string())),
            },
            None => {
                let mut lines = JsonLines::new(reader, LINE_READ);
                ingest.records(shown, &mut lines, refuse, counts, told).await
            }
        };
        read.map_err(NotRead::Failed)
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
