//! Lines of a file, one at a time and bounded: a file of any size takes one line's memory.

use std::io::{self, BufRead};

/// Most of a bad line that is kept for repair.
const MAX_KEPT: usize = 32 * 1024;

/// Reads lines of JSON. Blank lines are skipped, a byte order mark and carriage returns dropped. A line that cannot be text
/// is an error of that line; the next one is read as if nothing had happened.
#[derive(Debug)]
pub struct JsonLines<R> {
    reader: R,
    max_line: usize,
    buffer: Vec<u8>,
    line: u64,
    bytes: u64,
}

/// A line that is no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    pub cause: String,
    pub fix: String,
    /// The line, at most 32 KiB of it; what is no UTF-8 is shown by replacement characters.
    pub raw: String,
}

impl<R: BufRead> JsonLines<R> {
    /// `max_line`: longest line in bytes. Longer ones are errors and are not held in memory.
    pub fn new(reader: R, max_line: usize) -> Self {
        Self { reader, max_line, buffer: Vec::new(), line: 0, bytes: 0 }
    }

    /// Bytes read so far, for progress.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next line that is not blank, with its number from 1; `None` at the end. `Err` is the reader's.
    #[allow(clippy::should_implement_trait)] // The text is lent, which an iterator cannot.
    pub fn next(&mut self) -> io::Result<Option<(u64, Result<&str, BadLine>)>> {
        loop {
            let Some(length) = self.fill()? else { return Ok(None) };
            if length <= self.max_line as u64 && self.content().is_empty() {
                continue;
            }
            if length > self.max_line as u64 {
                let bad = BadLine {
                    cause: format!("the line has {length} bytes, more than {}", self.max_line),
                    fix: "one message per line; a message has at most 32 KB".into(),
                    raw: shown(&self.buffer),
                };
                return Ok(Some((self.line, Err(bad))));
            }
            let line = self.line;
            let content = self.content();
            return Ok(Some((
                line,
                std::str::from_utf8(content).map_err(|error| BadLine {
                    cause: format!("the line is not UTF-8 at byte {}", error.valid_up_to() + 1),
                    fix: "write the file as UTF-8".into(),
                    raw: shown(content),
                }),
            )));
        }
    }

    /// The current line without its surroundings.
    pub(super) fn content(&self) -> &[u8] {
        let bytes = self.buffer.as_slice();
        let bytes = if self.line == 1 { bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes) } else { bytes };
        bytes.trim_ascii()
    }

    /// Reads one line into the buffer, at most `max_line` bytes of it; its whole length without the line break.
    fn fill(&mut self) -> io::Result<Option<u64>> {
        self.buffer.clear();
        let mut length = 0_u64;
        let mut any = false;
        loop {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if chunk.is_empty() {
                break;
            }
            any = true;
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let part = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
            let room = self.max_line.saturating_sub(self.buffer.len());
            self.buffer.extend_from_slice(part.get(..part.len().min(room)).unwrap_or_default());
            length += part.len() as u64;
            let used = part.len() + usize::from(end.is_some());
            self.reader.consume(used);
            self.bytes += used as u64;
            if end.is_some() {
                break;
            }
        }
        if any {
            self.line += 1;
        }
        Ok(any.then_some(length))
    }
}

/// Bytes of a file as a person may see them: at most 32 KiB, what is no UTF-8 by replacement characters.
pub(super) fn shown(bytes: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(bytes.get(..bytes.len().min(MAX_KEPT)).unwrap_or_default()).into_owned();
    while text.len() > MAX_KEPT {
        text.pop();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn all(bytes: &[u8], max_line: usize, chunk: usize) -> Vec<(u64, Result<String, BadLine>)> {
        let mut lines = JsonLines::new(BufReader::with_capacity(chunk, bytes), max_line);
        let mut got = Vec::new();
        while let Some((number, line)) = lines.next().unwrap() {
            got.push((number, line.map(str::to_owned)));
        }
        assert_eq!(lines.bytes(), bytes.len() as u64);
        got
    }

    #[test]
    fn lines_come_with_their_numbers_however_they_are_written() {
        let file = b"\xef\xbb\xbf{\"a\":1}\r\n\n  \t\r\n {\"b\":2} \n{\"c\":3}";
        for chunk in [1, 3, 64] {
            let want =
                vec![(1, Ok("{\"a\":1}".to_owned())), (4, Ok("{\"b\":2}".to_owned())), (5, Ok("{\"c\":3}".to_owned()))];
            assert_eq!(all(file, 100, chunk), want);
        }
        assert_eq!(all(b"", 100, 8), []);
    }

    #[test]
    fn a_bad_line_stops_nothing() {
        let mut file = b"{\"a\":\"\xff\xfe\"}\n".to_vec();
        file.extend_from_slice("x".repeat(50_000).as_bytes());
        file.extend_from_slice(b"\nok\n");
        let got = all(&file, 40_000, 16);
        let (first, second) = (got[0].1.clone().unwrap_err(), got[1].1.clone().unwrap_err());
        assert_eq!(
            (first.cause.as_str(), first.raw.as_str()),
            ("the line is not UTF-8 at byte 7", "{\"a\":\"\u{fffd}\u{fffd}\"}")
        );
        assert_eq!(second.cause, "the line has 50000 bytes, more than 40000");
        assert_eq!(second.raw.len(), MAX_KEPT);
        assert_eq!(got[2], (3, Ok("ok".to_owned())));
    }
}
