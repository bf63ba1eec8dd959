//! An upload as the Bulk API reads it: RFC 4180 with no mercy. What a lenient reader would let pass (a stray quote, the
//! other line ending, a byte order mark) fails the whole job here, with the vendor's words.

use std::collections::HashSet;
use std::ops::Range;

use bytes::Bytes;
use csv::{ReaderBuilder, StringRecord, Terminator};

use super::dialect::{Dialect, LineEnding};

/// Columns a file may have.
const MAX_COLUMNS: usize = 5_000;
/// Characters a row may have.
const MAX_ROW: usize = 400_000;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A file that was read through once and found sound: the bytes as they came, and where each row begins.
#[derive(Clone, Debug)]
pub struct Upload {
    bytes: Bytes,
    dialect: Dialect,
    header: Vec<String>,
    /// Start of every data row, and the end of the last one.
    starts: Vec<u32>,
}

impl Upload {
    /// Reads the file through.
    ///
    /// # Errors
    /// The `errorMessage` of the job that fails over it.
    pub fn read(bytes: Bytes, dialect: Dialect) -> Result<Self, String> {
        if std::str::from_utf8(&bytes).is_err() {
            return Err("ClientInputError : The data is not UTF-8".into());
        }
        let mut starts = row_starts(&bytes, dialect)?;
        if starts.len() < 2 {
            return Err("InvalidBatch : The file has no header row".into());
        }
        let first = starts.remove(0);
        let mut upload = Self { bytes, dialect, header: Vec::new(), starts };
        let begin = usize::try_from(first).unwrap_or(usize::MAX);
        let end = upload.starts.first().and_then(|end| usize::try_from(*end).ok()).unwrap_or(begin);
        upload.header = upload.parse(begin..end).first().map(texts).unwrap_or_default();
        if upload.bytes.starts_with(BYTE_ORDER_MARK)
            && let Some(name) = upload.header.first_mut()
            && !name.starts_with('\u{feff}')
        {
            // The mark is part of the first column's name here, and so no field of that name is found.
            name.insert(0, '\u{feff}');
        }
        upload.check_header()?;
        Ok(upload)
    }

    fn check_header(&self) -> Result<(), String> {
        if self.header.len() > MAX_COLUMNS {
            return Err(format!("InvalidBatch : Too many fields: {}, at most {MAX_COLUMNS}", self.header.len()));
        }
        let mut seen = HashSet::new();
        match self.header.iter().find(|name| !seen.insert(name.to_ascii_lowercase())) {
            Some(name) => Err(format!("InvalidBatch : Duplicate column name : {name}")),
            None => Ok(()),
        }
    }

    /// Column names as sent.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Data rows, the header not counted.
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// The rows of a range, parsed; every one as wide as the header.
    pub fn rows(&self, range: Range<usize>) -> Vec<StringRecord> {
        let at = |row: usize| self.starts.get(row.min(self.len())).copied().unwrap_or(0) as usize;
        self.parse(at(range.start)..at(range.end))
    }

    fn parse(&self, bytes: Range<usize>) -> Vec<StringRecord> {
        let slice = self.bytes.get(bytes).unwrap_or_default();
        let mut reader = ReaderBuilder::new();
        reader.has_headers(false).flexible(true).delimiter(self.dialect.delimiter.byte());
        if self.dialect.ending == LineEnding::Lf {
            reader.terminator(Terminator::Any(b'\n'));
        }
        // Sound by the first reading: nothing is left to go wrong.
        reader.from_reader(slice).into_records().filter_map(Result::ok).collect()
    }
}

fn texts(record: &StringRecord) -> Vec<String> {
    record.iter().map(str::to_owned).collect()
}

/// Where the reader stands within a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing of this value was seen yet.
    ValueStart,
    Bare,
    Quoted,
    /// Just after a quote inside a quoted value: its end, or the first of a doubled one.
    QuoteInQuoted,
}

/// The start of every row that is not an empty line, and the end of the file; checks quotes, row ends and widths.
fn row_starts(bytes: &[u8], dialect: Dialect) -> Result<Vec<u32>, String> {
    let delimiter = dialect.delimiter.byte();
    let wrong_ending = || {
        format!(
            "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {}",
            dialect.ending.name()
        )
    };
    let unescaped = || {
        "ClientInputError : Failed to parse CSV. Found unescaped quote. A value with quote should be within a quote"
            .to_owned()
    };
    let mut starts = Vec::new();
    let (mut place, mut columns, mut width) = (Place::ValueStart, 1_usize, None);
    let mut start = if bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    let mut at = start;
    while let Some(byte) = bytes.get(at).copied() {
        let ends_row = match (byte, place) {
            (b'"', Place::Quoted) => {
                place = Place::QuoteInQuoted;
                false
            }
            (_, Place::Quoted) => false,
            (b'"', Place::QuoteInQuoted | Place::ValueStart) => {
                place = Place::Quoted;
                false
            }
            (b'"', Place::Bare) => return Err(unescaped()),
            (b'\r', _) if bytes.get(at + 1) == Some(&b'\n') => match dialect.ending {
                LineEnding::Crlf => {
                    at += 1;
                    true
                }
                LineEnding::Lf => return Err(wrong_ending()),
            },
            (b'\n', _) if dialect.ending == LineEnding::Lf => true,
            (b'\n', _) => return Err(wrong_ending()),
            (b'\r', _) if dialect.ending == LineEnding::Crlf => return Err(wrong_ending()),
            (byte, _) if byte == delimiter => {
                place = Place::ValueStart;
                columns += 1;
                false
            }
            (_, Place::QuoteInQuoted) => return Err(unescaped()),
            _ => {
                place = Place::Bare;
                false
            }
        };
        at += 1;
        if ends_row {
            end_row(&mut starts, &mut width, (bytes, start, at), columns, dialect)?;
            (place, columns, start) = (Place::ValueStart, 1, at);
        }
    }
    if place == Place::Quoted {
        return Err("ClientInputError : Failed to parse CSV. EOF reached before closing an opened quote".into());
    }
    if at > start {
        end_row(&mut starts, &mut width, (bytes, start, at), columns, dialect)?;
    }
    starts.push(u32::try_from(at).unwrap_or(u32::MAX));
    Ok(starts)
}

fn end_row(
    starts: &mut Vec<u32>,
    width: &mut Option<usize>,
    (bytes, start, end): (&[u8], usize, usize),
    columns: usize,
    dialect: Dialect,
) -> Result<(), String> {
    let row = bytes.get(start..end).unwrap_or_default();
    if row == dialect.ending.text().as_bytes() {
        return Ok(());
    }
    let wide = *width.get_or_insert(columns);
    if columns != wide {
        return Err(format!(
            "ClientInputError : Failed to parse CSV. Row {} has {columns} values where the header has {wide}",
            starts.len()
        ));
    }
    if row.len() > MAX_ROW && String::from_utf8_lossy(row).chars().count() > MAX_ROW {
        return Err(format!("InvalidBatch : Row {} is longer than {MAX_ROW} characters", starts.len()));
    }
    starts.push(u32::try_from(start).unwrap_or(u32::MAX));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::dialect::Delimiter;
    use super::*;

    const LF: Dialect = Dialect { delimiter: Delimiter::Comma, ending: LineEnding::Lf };
    const CRLF: Dialect = Dialect { delimiter: Delimiter::Comma, ending: LineEnding::Crlf };

    fn read(text: &'static str, dialect: Dialect) -> Result<Upload, String> {
        Upload::read(Bytes::from_static(text.as_bytes()), dialect)
    }

    fn rows(upload: &Upload) -> Vec<Vec<String>> {
        upload.rows(0..upload.len()).iter().map(texts).collect()
    }

    #[test]
    fn rows_come_apart_at_row_ends_outside_quotes_only() {
        let upload = read("Id,Name\n1,\"a, \"\"b\"\"\nc\"\n\n2,\n3,x", LF).unwrap();
        assert_eq!(upload.header(), ["Id", "Name"]);
        assert_eq!(rows(&upload), [["1", "a, \"b\"\nc"], ["2", ""], ["3", "x"]]);
        assert_eq!(
            rows(&upload).get(1..),
            Some(&[["2", ""].map(str::to_owned).to_vec(), ["3", "x"].map(str::to_owned).to_vec()][..])
        );
        let middle: Vec<_> = upload.rows(1..2).iter().map(texts).collect();
        assert_eq!(middle, [["2", ""]]);
        let windows = read("Id,Name\r\n1,\"x\r\ny\"\r\n2,z\r\n", CRLF).unwrap();
        assert_eq!(rows(&windows), [["1", "x\r\ny"], ["2", "z"]]);
    }

    #[test]
    fn the_other_line_ending_fails_the_file() {
        let wrong = read("Id\r\n1\r\n", LF).unwrap_err();
        assert_eq!(wrong, "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF");
        assert!(read("Id\n1\n", CRLF).unwrap_err().ends_with("setting is CRLF"));
        assert!(read("Id\r1\r\n", CRLF).is_err());
    }

    #[test]
    fn stray_and_open_quotes_fail_the_file() {
        assert!(read("Id\na\"b\n", LF).unwrap_err().contains("unescaped quote"));
        assert!(read("Id\n\"a\"b\n", LF).unwrap_err().contains("unescaped quote"));
        assert!(read("Id\n\"ab\n", LF).unwrap_err().contains("EOF"));
    }

    #[test]
    fn a_byte_order_mark_becomes_part_of_the_first_name() {
        assert_eq!(read("\u{feff}Id,Name\n1,2\n", LF).unwrap().header(), ["\u{feff}Id", "Name"]);
        assert_eq!(read("\u{feff}\"Id\",Name\n1,2\n", LF).unwrap().header(), ["\u{feff}Id", "Name"]);
    }

    #[test]
    fn ragged_rows_double_columns_and_empty_files_fail() {
        assert!(read("Id,Name\n1\n", LF).unwrap_err().contains("Row 1 has 1 values where the header has 2"));
        assert!(read("Id,id\n1,2\n", LF).unwrap_err().contains("Duplicate column name : id"));
        assert!(read("", LF).unwrap_err().contains("no header"));
        assert!(Upload::read(Bytes::from_static(b"Id\n\xff\n"), LF).unwrap_err().contains("UTF-8"));
        assert_eq!(read("Id\n", LF).unwrap().len(), 0);
    }

    #[test]
    fn delimiters_are_taken_as_declared() {
        let tabs = Dialect { delimiter: Delimiter::Tab, ending: LineEnding::Lf };
        assert_eq!(rows(&read("Id\tName\n1\ta,b\n", tabs).unwrap()), [["1", "a,b"]]);
        assert_eq!(read("Id\tName\n", LF).unwrap().header(), ["Id\tName"]);
    }
}
