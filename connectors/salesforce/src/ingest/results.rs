//! The result files of a Bulk job: which of our rows were applied, refused, or not looked at. Pure.
//!
//! Rows come in any order; each is found again by the key column we sent.

use std::collections::BTreeMap;

use crate::ids;

/// One row of a result file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResultRow {
    /// The key as we sent it (ids in their long form).
    pub key: String,
    /// Empty for a row that was refused before it had one.
    pub id: String,
    pub created: bool,
    /// `CODE:text:fields --`, in the file of refused rows.
    pub error: String,
}

/// Reads a result file. `key` is the column we sent; `expected` is how many rows the job says the file has. Another
/// number means that the file is not whole.
pub(crate) fn read(body: &[u8], key: &str, expected: Option<usize>) -> Result<Vec<ResultRow>, String> {
    // Data may hold NUL bytes, and a mark at the start belongs to no column.
    let body: Vec<u8> =
        body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).iter().copied().filter(|b| *b != 0).collect();
    // Every cell is quoted and every line ended; anything else has been cut off in the middle of a cell.
    if body.last().is_some_and(|last| !matches!(last, b'\n' | b'"')) {
        return Err("it breaks off".to_owned());
    }
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(body.as_slice());
    let header = reader.byte_headers().map_err(|_| "it is not CSV".to_owned())?.clone();
    let column = |name: &str| {
        header
            .iter()
            .position(|have| std::str::from_utf8(have).is_ok_and(|have| have.trim().eq_ignore_ascii_case(name)))
    };
    let (id_at, created_at, error_at) = (column("sf__Id"), column("sf__Created"), column("sf__Error"));
    let mut rows = Vec::new();
    if let Some(key_at) = column(key) {
        let mut record = csv::ByteRecord::new();
        while reader.read_byte_record(&mut record).map_err(|_| "it is not CSV".to_owned())? {
            let cell = |at: Option<usize>| {
                at.and_then(|at| record.get(at)).map(String::from_utf8_lossy).unwrap_or_default().into_owned()
            };
            let key_cell = cell(Some(key_at));
            // A file cut short ends in a row without its key.
            if key_cell.is_empty() || record.len() != header.len() {
                return Err(format!("row {} is not whole", rows.len() + 1));
            }
            let key = if key.eq_ignore_ascii_case("Id") { long_or_same(key_cell) } else { key_cell };
            let created = cell(created_at).eq_ignore_ascii_case("true");
            rows.push(ResultRow { key, id: cell(id_at), created, error: cell(error_at) });
        }
    } else if !header.is_empty() && expected != Some(0) {
        return Err(format!("it has no column {key}"));
    }
    match expected {
        Some(expected) if expected != rows.len() => {
            Err(format!("it has {} rows where the job counts {expected}", rows.len()))
        }
        _ => Ok(rows),
    }
}

/// Where the rows of a file are, by key. A key may come back in another case than it was sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places(BTreeMap<String, usize>);

impl Places {
    pub fn new<'a>(keys: impl Iterator<Item = &'a str>) -> Self {
        let mut places = BTreeMap::new();
        for (at, key) in keys.enumerate() {
            places.insert(key.to_owned(), at);
        }
        Self(places)
    }

    pub fn of(&self, key: &str) -> Option<usize> {
        self.0.get(key).copied().or_else(|| {
            let mut close = self.0.iter().filter(|(have, _)| have.trim().to_lowercase() == key.trim().to_lowercase());
            // Two that differ only in case belong to nobody.
            close.next().filter(|_| close.next().is_none()).map(|(_, at)| *at)
        })
    }
}

fn long_or_same(id: String) -> String {
    ids::long(&id).map_or(id, |long| long.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_in_any_order_with_what_they_say() {
        let body = b"\"sf__Id\",\"sf__Error\",\"Title\",\"Id\"\n\"\",\"A:b \"\"c\"\":F__c --\",\"two\nlines\",\"003xx000004TmiQ\"\n";
        let rows = read(body, "Id", Some(1)).unwrap();
        assert_eq!(rows[0].key, "003xx000004TmiQAAS");
        assert_eq!(rows[0].error, "A:b \"c\":F__c --");
        let body =
            b"\xef\xbb\xbf\"sf__Id\",\"sf__Created\",\"key__c\"\r\n\"003xx000004TmiQAAS\",\"true\",\"p\0-1\"\r\n";
        let rows = read(body, "Key__c", Some(1)).unwrap();
        assert_eq!((rows[0].key.as_str(), rows[0].created), ("p-1", true));
        assert_eq!(rows[0].id, "003xx000004TmiQAAS");
    }

    #[test]
    fn a_file_that_is_not_whole_is_not_believed() {
        let whole = "\"sf__Id\",\"sf__Error\",\"Id\"\n\"\",\"A:b:--\",\"003xx000004TmiQAAS\"\n\"\",\"A:b:--\",\"003xx000004TmiRAAS\"\n";
        assert_eq!(read(whole.as_bytes(), "Id", Some(2)).unwrap().len(), 2);
        for cut in 0..whole.len() - 1 {
            let rows = read(&whole.as_bytes()[..cut], "Id", Some(2));
            assert!(rows.is_err(), "cut at {cut}: {rows:?}");
        }
        assert!(read(b"\"sf__Id\",\"sf__Error\"\n", "Id", Some(1)).is_err());
        assert_eq!(read(b"", "Id", Some(0)).unwrap(), []);
        assert_eq!(read(b"\"sf__Id\",\"sf__Error\",\"Id\"\n", "Id", None).unwrap(), []);
        assert!(read(b"<html></html>\n", "Id", None).is_err());
        assert!(read(b"\"Id\",\"sf__Id\"\n\"p-1", "Id", None).is_err());
    }

    #[test]
    fn a_key_in_another_case_is_found_where_it_is_the_only_one() {
        let places = Places::new(["p-1", "P-2", "p-2"].into_iter());
        assert_eq!(places.of("p-1"), Some(0));
        assert_eq!(places.of("P-1 "), Some(0));
        assert_eq!(places.of("P-2"), Some(1));
        assert_eq!(Places::new(["a", "A"].into_iter()).of("a "), None);
        assert_eq!(places.of("p-3"), None);
    }
}
