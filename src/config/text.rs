//! The text of a configuration file, and where in it something stands. Columns count characters, as an editor does.

use std::ops::Range;
use std::sync::Arc;

/// A byte range of a [`SourceText`].
pub type Span = Range<usize>;

/// Largest configuration file that is read. A file of a thousand mappings has about 100 KB.
pub const MAX_BYTES: usize = 1024 * 1024;

/// One text that settings come from: the file, or one environment variable.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceText {
    name: Arc<str>,
    text: Arc<str>,
    line_starts: Vec<usize>,
}

/// Without the text: somebody may have written a secret into it.
impl std::fmt::Debug for SourceText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SourceText").field("name", &self.name).field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}

/// A place as people count: both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// Why bytes are no configuration text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    pub message: String,
    pub help: String,
    /// The text before the bad byte, to say where it is.
    pub before: String,
}

impl SourceText {
    /// `name` is what messages call it: the path as the user gave it.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        let line_starts = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1))
            .collect();
        Self { name: name.into(), text, line_starts }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where a byte offset is. Offsets past the end, or inside a character, count as the nearest place before.
    pub fn position(&self, offset: usize) -> Position {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|index| self.line_starts.get(index)).copied().unwrap_or(0);
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count()) + 1;
        Position { line: line.max(1), column }
    }

    /// The text of a line (from 1), without its end, and the offset where it starts.
    pub fn line(&self, line: usize) -> (&str, usize) {
        let Some(start) = line.checked_sub(1).and_then(|index| self.line_starts.get(index)).copied() else {
            return ("", self.text.len());
        };
        let end = self.line_starts.get(line).copied().unwrap_or(self.text.len());
        (self.text.get(start..end).unwrap_or("").trim_end_matches(['\n', '\r']), start)
    }

    /// The text of a span; empty if it is none.
    pub fn slice(&self, span: &Span) -> &str {
        self.text.get(span.clone()).unwrap_or("")
    }
}

/// Reads bytes as configuration text: UTF-8, no NUL, at most [`MAX_BYTES`]. A byte-order mark is dropped.
pub fn decode(bytes: &[u8]) -> Result<String, Unreadable> {
    if bytes.len() > MAX_BYTES {
        return Err(Unreadable {
            message: format!("the file has {} bytes; at most {MAX_BYTES} are read", bytes.len()),
            help: "is this the right file?".into(),
            before: String::new(),
        });
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let help = if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
                "this looks like UTF-16: save the file as UTF-8"
            } else {
                "save the file as UTF-8"
            };
            return Err(Unreadable {
                message: "the file is not UTF-8 text".into(),
                help: help.into(),
                before: String::from_utf8_lossy(before).into_owned(),
            });
        }
    };
    match text.split_once('\0') {
        Some((before, _)) => Err(Unreadable {
            message: "the file contains a NUL byte".into(),
            help: "is this the right file?".into(),
            before: before.to_owned(),
        }),
        None => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let text = SourceText::new("t", "a = 1\nnäme = \"é\" # x\r\nlast");
        let at = text.text().find("\"é\"").unwrap();
        assert_eq!(text.position(at), Position { line: 2, column: 8 });
        assert_eq!(text.position(at + 2), Position { line: 2, column: 9 }, "inside é");
        assert_eq!(text.line(2).0, "näme = \"é\" # x");
        assert_eq!(text.position(10_000), Position { line: 3, column: 5 });
        assert_eq!(text.position(5), Position { line: 1, column: 6 }, "the end of a line is on the line");
        assert_eq!(text.line(9), ("", text.text().len()));
        assert_eq!(SourceText::new("e", "").position(0), Position { line: 1, column: 1 });
    }

    #[test]
    fn only_text_is_read() {
        assert_eq!(decode(b"\xef\xbb\xbfa = 1").unwrap(), "a = 1");
        assert_eq!(decode(b"a\nb\xff").unwrap_err().before, "a\nb");
        assert!(decode(b"\xff\xfea\0").unwrap_err().help.contains("UTF-16"));
        assert!(decode(b"a\0b").unwrap_err().message.contains("NUL"));
        assert!(decode(&vec![b'#'; MAX_BYTES + 1]).unwrap_err().message.contains("1048577 bytes"));
    }
}
