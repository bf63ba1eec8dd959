//! What every kind of event file is read as: one message after another, bounded, each with its place in the file.

use std::borrow::Cow;
use std::io::{self, BufRead};

use super::{BadLine, JsonLines};

/// Reads a file record by record.
pub trait Records {
    /// The next record; `None` at the end. `Err` is the reader's.
    fn next_record(&mut self) -> io::Result<Option<Record<'_>>>;

    /// Bytes read so far, for progress.
    fn bytes(&self) -> u64;

    /// The record read last as a person repairs it, at most 32 KiB of it.
    fn shown(&self) -> String;

    /// What a file of refused records begins with; empty where the format needs nothing.
    fn heading(&self) -> Vec<u8>;

    /// The record read last as its file has it, with `cause` where the format has room for it, and a line break.
    fn refused(&self, cause: &str) -> Vec<u8>;
}

/// One record.
#[derive(Debug)]
pub struct Record<'a> {
    /// The line it begins at, from 1.
    pub line: u64,
    /// A message of the Segment format as JSON, or why there is none.
    pub message: Result<Cow<'a, str>, BadLine>,
}

impl<R: BufRead> Records for JsonLines<R> {
    fn next_record(&mut self) -> io::Result<Option<Record<'_>>> {
        let next = self.next()?;
        Ok(next.map(|(line, text)| Record { line, message: text.map(Cow::Borrowed) }))
    }

    fn bytes(&self) -> u64 {
        Self::bytes(self)
    }

    fn shown(&self) -> String {
        super::jsonl::shown(self.content())
    }

    fn heading(&self) -> Vec<u8> {
        Vec::new()
    }

    /// A line of JSON has no room for a reason: `ferry failures` has it.
    fn refused(&self, _cause: &str) -> Vec<u8> {
        let mut line = self.content().to_vec();
        line.push(b'\n');
        line
    }
}
