//! Rows of a CSV file, one at a time and bounded. Where a row ends is decided as RFC 4180 has it (a line break inside quotes
//! is none); a quote that nobody closes costs its own line and not the rest of the file.

use std::io::{self, Read};

/// Most bytes of one row; a message has at most 32 KiB.
pub(super) const MAX_ROW: usize = 256 * 1024;
/// Most lines of one row. Bounds what is read twice after a quote that is not closed.
const MAX_LINES: u64 = 200;
/// Bytes read at once.
const CHUNK: usize = 64 * 1024;

/// Cuts a reader into rows.
#[derive(Debug)]
pub(super) struct Rows<R> {
    reader: R,
    delimiter: u8,
    buffer: Vec<u8>,
    /// Where in the buffer the next row begins.
    next: usize,
    /// Bytes dropped from the front of the buffer so far.
    dropped: u64,
    line: u64,
    at_end: bool,
    begun: bool,
    /// A carriage return ended the last row; a line feed right behind it belongs to it.
    after_return: bool,
}

/// One row, without its line break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row<'a> {
    /// The line it begins at, from 1.
    pub line: u64,
    pub bytes: &'a [u8],
    pub flaw: Option<Flaw>,
}

/// Why a row cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// A quote opens a field and none closes it; the row is the one line.
    Unclosed,
    /// Longer than [`MAX_ROW`]; only so much of it is here.
    Long,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    FieldStart,
    Plain,
    Quoted,
    /// Behind a quote inside quotes: the end, or the first of two.
    Closing,
}

/// Where a row ends in the buffer, from its begin.
struct End {
    length: usize,
    /// With its line break.
    used: usize,
    lines: u64,
    flaw: Option<Flaw>,
    by_return: bool,
}

impl<R: Read> Rows<R> {
    pub(super) fn new(reader: R, delimiter: u8) -> Self {
        Self {
            reader,
            delimiter,
            buffer: Vec::new(),
            next: 0,
            dropped: 0,
            line: 1,
            at_end: false,
            begun: false,
            after_return: false,
        }
    }

    /// Bytes read so far.
    pub(super) fn bytes(&self) -> u64 {
        self.dropped + self.next as u64
    }

    /// The next row, empty ones too; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Row<'_>>> {
        if !self.begun {
            self.begun = true;
            while self.buffer.len() < 3 && !self.at_end {
                self.fill()?;
            }
            // A byte order mark.
            self.next = if self.buffer.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        }
        if self.after_return {
            self.after_return = false;
            if self.byte(0)? == Some(b'\n') {
                self.next += 1;
            }
        }
        let Some(end) = self.end()? else { return Ok(None) };
        let (line, begin) = (self.line, self.next);
        self.line += end.lines;
        self.after_return = end.by_return;
        if end.flaw == Some(Flaw::Long) {
            return self.skip_line(line).map(Some);
        }
        self.next += end.used;
        let bytes = self.buffer.get(begin..begin + end.length).unwrap_or_default();
        Ok(Some(Row { line, bytes, flaw: end.flaw }))
    }

    /// The byte this far behind the begin of the row, read if need be; `None` at the end.
    fn byte(&mut self, ahead: usize) -> io::Result<Option<u8>> {
        while self.next + ahead >= self.buffer.len() && !self.at_end {
            self.fill()?;
        }
        Ok(self.buffer.get(self.next + ahead).copied())
    }

    /// Finds where the row that begins here ends; `None` where nothing is left.
    fn end(&mut self) -> io::Result<Option<End>> {
        let mut state = State::FieldStart;
        let mut breaks = 0;
        // Behind the first line break inside quotes: where reading goes on if they are not closed.
        let mut second_line = None;
        let mut at = 0;
        loop {
            let first_line = |flaw| {
                second_line.map(|used: usize| End {
                    length: used - 1,
                    used,
                    lines: 1,
                    flaw: Some(flaw),
                    by_return: false,
                })
            };
            if at >= MAX_ROW || breaks >= MAX_LINES {
                let long = End { length: at, used: at, lines: 1, flaw: Some(Flaw::Long), by_return: false };
                return Ok(Some(first_line(Flaw::Unclosed).unwrap_or(long)));
            }
            let Some(byte) = self.byte(at)? else {
                let unclosed = state == State::Quoted;
                let flaw = unclosed.then_some(Flaw::Unclosed);
                let whole = End { length: at, used: at, lines: 1 + breaks, flaw, by_return: false };
                let first = if unclosed { first_line(Flaw::Unclosed) } else { None };
                return Ok((at > 0).then(|| first.unwrap_or(whole)));
            };
            state = match (state, byte) {
                (State::Quoted, b'"') => State::Closing,
                (State::Quoted, b'\n') => {
                    breaks += 1;
                    second_line.get_or_insert(at + 1);
                    State::Quoted
                }
                (State::Quoted, _) | (State::FieldStart | State::Closing, b'"') => State::Quoted,
                (_, b'\n' | b'\r') => {
                    let by_return = byte == b'\r';
                    return Ok(Some(End { length: at, used: at + 1, lines: 1 + breaks, flaw: None, by_return }));
                }
                (_, byte) if byte == self.delimiter => State::FieldStart,
                _ => State::Plain,
            };
            at += 1;
        }
    }

    /// Passes a line that is too long without holding it.
    fn skip_line(&mut self, line: u64) -> io::Result<Row<'_>> {
        let kept = self.buffer.get(self.next..self.next + MAX_ROW).unwrap_or_default().to_vec();
        loop {
            let rest = self.buffer.get(self.next..).unwrap_or_default();
            if let Some(place) = rest.iter().position(|byte| *byte == b'\n') {
                self.next += place + 1;
                break;
            }
            self.next = self.buffer.len();
            if self.at_end {
                break;
            }
            self.fill()?;
        }
        // What was kept goes before what comes next, so that it can be lent like any row.
        self.dropped = self.bytes().saturating_sub(kept.len() as u64);
        let next = self.buffer.split_off(self.next);
        self.next = kept.len();
        self.buffer = kept;
        self.buffer.extend_from_slice(&next);
        let bytes = self.buffer.get(..self.next).unwrap_or_default();
        Ok(Row { line, bytes, flaw: Some(Flaw::Long) })
    }

    /// Reads on. What is before the row that begins next is dropped.
    fn fill(&mut self) -> io::Result<()> {
        self.dropped += self.next as u64;
        self.buffer.drain(..self.next);
        self.next = 0;
        let held = self.buffer.len();
        self.buffer.resize(held + CHUNK, 0);
        let read = loop {
            match self.reader.read(self.buffer.get_mut(held..).unwrap_or_default()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.buffer.truncate(held + read.as_ref().copied().unwrap_or(0));
        self.at_end = read? == 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that gives this many bytes at once.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let end = self.1.min(into.len()).min(self.0.len());
            into[..end].copy_from_slice(&self.0[..end]);
            self.0 = &self.0[end..];
            Ok(end)
        }
    }

    fn all(bytes: &[u8]) -> Vec<(u64, String, Option<Flaw>)> {
        let mut before = None;
        for chunk in [1, 7, 1 << 20] {
            let mut rows = Rows::new(Slow(bytes, chunk), b';');
            let mut got = Vec::new();
            while let Some(row) = rows.next().unwrap() {
                got.push((row.line, String::from_utf8_lossy(row.bytes).into_owned(), row.flaw));
            }
            assert_eq!(rows.bytes(), bytes.len() as u64);
            assert!(before.is_none_or(|before| before == got), "however it is read");
            before = Some(got);
        }
        before.unwrap()
    }

    fn row(line: u64, text: &str) -> (u64, String, Option<Flaw>) {
        (line, text.to_owned(), None)
    }

    #[test]
    fn rows_end_where_the_quotes_say() {
        let got = all(b"\xef\xbb\xbfa;b\r\n\"x\ny\";\"q\"\"\n;\"\n\n5\" screw;z\rlast");
        let want = [row(1, "a;b"), row(2, "\"x\ny\";\"q\"\"\n;\""), row(5, ""), row(6, "5\" screw;z"), row(7, "last")];
        assert_eq!(got, want);
        assert_eq!(all(b""), []);
        assert_eq!(all(b"\xef\xbb\xbf\n"), [row(1, "")]);
    }

    #[test]
    fn a_quote_that_is_not_closed_costs_one_line() {
        let got = all(b"a;\"b\nc;d\ne;f");
        assert_eq!(got, [(1, "a;\"b".into(), Some(Flaw::Unclosed)), row(2, "c;d"), row(3, "e;f")]);
        let mut many = b"\"x\n".to_vec();
        many.extend_from_slice("y\n".repeat(500).as_bytes());
        let got = all(&many);
        assert_eq!((got.len(), got[0].2, got[500].0), (501, Some(Flaw::Unclosed), 501));
    }

    #[test]
    fn a_row_too_long_is_passed() {
        let mut bytes = b"a;b\n".to_vec();
        bytes.extend_from_slice("x".repeat(3 * MAX_ROW).as_bytes());
        bytes.extend_from_slice(b"\nc;d\n");
        let mut rows = Rows::new(bytes.as_slice(), b';');
        assert_eq!(rows.next().unwrap().unwrap().bytes, b"a;b");
        let long = rows.next().unwrap().unwrap();
        assert_eq!((long.line, long.bytes.len(), long.flaw), (2, MAX_ROW, Some(Flaw::Long)));
        assert_eq!(rows.next().unwrap(), Some(Row { line: 3, bytes: b"c;d", flaw: None }));
        assert_eq!(rows.next().unwrap(), None);
        assert_eq!(rows.bytes(), bytes.len() as u64);
    }
}
