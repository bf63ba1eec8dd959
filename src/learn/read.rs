//! A CSV file becomes a [`Table`]: any delimiter of the four usual ones, any encoding, any bytes. What would fill the
//! memory is refused: rows, columns and cells are counted, and one row has an end.

use std::cell::Cell as Shared;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use super::table::{Cell, Growing, Table};

/// Cells of a table, gaps included: about 1 GB.
pub const MOST_CELLS: usize = 60_000_000;
pub const MOST_ROWS: usize = 10_000_000;
pub const MOST_COLUMNS: usize = 2_000;
/// Bytes of one row.
pub const LONGEST_ROW: u64 = 4 * 1024 * 1024;
/// What the CSV reader may take in beyond the row it is at.
const READ_AHEAD: u64 = 64 * 1024;

/// Why a file is no table.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Csv(#[from] csv::Error),
    #[error("the file has no header line")]
    Empty,
    #[error("the file has {0} columns; at most {MOST_COLUMNS} are read")]
    TooWide(usize),
    #[error("the file has more than {MOST_ROWS} rows, or more than {MOST_CELLS} cells")]
    TooLong,
    #[error("the column name `{0}` is there twice")]
    Twice(String),
}

/// Reads a CSV file with a header line. `wanted` says by name which columns to keep.
pub fn from_csv(input: impl Read, wanted: impl Fn(&str) -> bool) -> Result<Table, ReadError> {
    let allowed = Rc::new(Shared::new(LONGEST_ROW));
    let mut input = BufReader::new(Bounded { inner: input, taken: 0, allowed: allowed.clone() });
    let delimiter = delimiter(input.fill_buf()?);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .buffer_capacity(READ_AHEAD as usize)
        .from_reader(input);
    let mut line = csv::ByteRecord::new();
    if !reader.read_byte_record(&mut line)? {
        return Err(ReadError::Empty);
    }
    let names = names(&line)?;
    let kept: Vec<bool> = names.iter().map(|name| wanted(name)).collect();
    let mut columns: Vec<Growing> = names.iter().map(|_| Growing::default()).collect();
    let (mut rows, mut ragged) = (0, 0);
    loop {
        allowed.set(reader.position().byte() + LONGEST_ROW + 2 * READ_AHEAD);
        if !reader.read_byte_record(&mut line)? {
            break;
        }
        if rows == MOST_ROWS || (rows + 1) * names.len() > MOST_CELLS {
            return Err(ReadError::TooLong);
        }
        rows += 1;
        ragged += usize::from(line.len() != names.len());
        for ((at, column), _) in columns.iter_mut().enumerate().zip(&kept).filter(|(_, kept)| **kept) {
            match line.get(at) {
                Some(bytes) => column.push(Cell::of_text(&String::from_utf8_lossy(bytes))),
                None => column.push(Cell::Gap),
            }
        }
    }
    let columns = names.into_iter().zip(columns).zip(kept).filter(|(_, kept)| *kept);
    let mut table = Table::of_columns(columns.map(|((name, column), _)| column.finish(name)).collect(), rows);
    table.ragged = ragged;
    Ok(table)
}

/// The names of a header line; one without a name is called by its place.
fn names(line: &csv::ByteRecord) -> Result<Vec<String>, ReadError> {
    if line.len() > MOST_COLUMNS {
        return Err(ReadError::TooWide(line.len()));
    }
    let mut names: Vec<String> = Vec::with_capacity(line.len());
    for (at, bytes) in line.iter().enumerate() {
        let text = String::from_utf8_lossy(bytes);
        let text = super::table::shortened(text.trim_start_matches('\u{feff}').trim());
        let name = if text.is_empty() { format!("column {}", at + 1) } else { text.to_owned() };
        if names.contains(&name) {
            return Err(ReadError::Twice(name));
        }
        names.push(name);
    }
    Ok(names)
}

/// The delimiter that cuts the header line into most pieces, quoted text left out; a comma where none does.
fn delimiter(start: &[u8]) -> u8 {
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0), (b'|', 0)];
    let mut quoted = false;
    for byte in start {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => break,
            _ if !quoted => {
                if let Some((_, count)) = counts.iter_mut().find(|(one, _)| one == byte) {
                    *count += 1;
                }
            }
            _ => {}
        }
    }
    // The first of equals: `max_by_key` would take the last.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(one, _)| *one)
}

/// A reader with an end that the rows already read push further away.
struct Bounded<R> {
    inner: R,
    taken: u64,
    allowed: Rc<Shared<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.taken > self.allowed.get() + READ_AHEAD {
            let why = format!("a row is longer than {LONGEST_ROW} bytes; is a quotation mark not closed?");
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        let count = self.inner.read(into)?;
        self.taken += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::learn::table::Data;

    #[test]
    fn a_file_with_semicolons_a_mark_and_short_lines_is_read() {
        let text = "\u{feff}\"a,x\";b;\n1;yes;\n2\n3;no;4;5\n";
        let table = from_csv(text.as_bytes(), |_| true).unwrap();
        let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!((names, table.len(), table.ragged), (vec!["a,x", "b", "column 3"], 3, 2));
        assert!(matches!(&table.columns[0].data, Data::Numbers(numbers) if *numbers == [1.0, 2.0, 3.0]));
        assert_eq!(table.columns[1].data.cell(1), Cell::Gap);
    }

    #[test]
    fn a_quote_that_is_never_closed_ends_early() {
        let mut bytes = b"a,b\n1,\"".to_vec();
        bytes.resize(6 * 1024 * 1024, b'x');
        let error = from_csv(bytes.as_slice(), |_| true).unwrap_err();
        assert!(error.to_string().contains("not closed"), "{error}");
    }

    #[test]
    fn a_header_is_needed_and_names_are_different() {
        assert!(matches!(from_csv(&b""[..], |_| true), Err(ReadError::Empty)));
        assert!(matches!(from_csv(&b"a,a\n"[..], |_| true), Err(ReadError::Twice(name)) if name == "a"));
        let wide = ",".repeat(MOST_COLUMNS);
        assert!(matches!(from_csv(wide.as_bytes(), |_| true), Err(ReadError::TooWide(_))));
    }

    #[test]
    fn only_what_is_wanted_is_kept() {
        let table = from_csv(&b"a,b\n1,2\n"[..], |name| name == "b").unwrap();
        assert_eq!((table.columns.len(), table.columns[0].name.as_str(), table.len()), (1, "b", 1));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_table_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            if let Ok(table) = from_csv(bytes.as_slice(), |_| true) {
                prop_assert!(table.columns.iter().all(|column| column.data.len() == table.len()));
            }
        }
    }
}
