//! The result file of a bulk job: the first columns as they were sent, and what became of each row. Pure.

use std::collections::BTreeMap;
use std::io::Read;

use bytes::Bytes;

use super::sheet::Column;
use crate::wire::Fault;
use crate::zip::unpack;

/// One row of a result file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ResultRow {
    status: String,
    /// `CODE-Field:CODE-Field`, for a row that was skipped.
    errors: String,
}

impl ResultRow {
    pub fn is_done(&self) -> bool {
        matches!(self.status.as_str(), "added" | "updated")
    }

    pub fn is_untouched(&self) -> bool {
        self.status == "unprocessed"
    }

    /// The first of its errors that says most.
    pub fn fault(&self, columns: &[Column]) -> Fault {
        let faults = self.errors.split(':').filter(|error| !error.is_empty()).map(|error| {
            let (code, name) = error.split_once('-').unwrap_or((error, ""));
            let name = columns.iter().find(|column| column.api_name.eq_ignore_ascii_case(name));
            super::fault(code.trim(), name.map(|column| column.api_name.clone()))
        });
        let mut faults: Vec<Fault> = faults.collect();
        match faults.len() {
            0 => super::fault("SKIPPED", None),
            1 => faults.remove(0),
            _ => {
                let mut whole = super::fault("MULTIPLE_OR_MULTI_ERRORS", None);
                whole.details.errors = faults;
                whole
            }
        }
    }
}

/// Rows by the key they were sent with.
pub(super) fn read(archive: Bytes, key: &str) -> Result<BTreeMap<String, ResultRow>, String> {
    // A bare CSV is taken, too.
    let text: Box<dyn Read + Send> = match archive.starts_with(b"PK") {
        true => unpack(archive)?,
        false => Box::new(std::io::Cursor::new(archive)),
    };
    let mut reader = csv::ReaderBuilder::new().from_reader(text);
    let header = reader.headers().map_err(|_| "the results are not CSV")?.clone();
    let column = |name: &str| {
        let is = |have: &str| have.trim_start_matches('\u{feff}').trim().eq_ignore_ascii_case(name);
        header.iter().position(is).ok_or_else(|| format!("the results have no column {name}"))
    };
    let (key_at, status_at, errors_at) = (column(key)?, column("STATUS")?, column("ERRORS")?);
    let mut rows = BTreeMap::new();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|_| "the results are not CSV")? {
        let cell = |at: usize| record.get(at).unwrap_or_default().trim().to_owned();
        let row = ResultRow { status: cell(status_at).to_ascii_lowercase(), errors: cell(errors_at) };
        rows.insert(cell(key_at), row);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_found_by_its_key() {
        let text = "id,Last_Name,Email,STATUS,RECORD_ID,ERRORS\n554100,a,,updated,554100,\n\
                    554200,b,,SKIPPED,,INVALID_DATA-Email:DUPLICATE_DATA-id\n554300,c,,unprocessed,,\n";
        let archive = crate::zip::pack("r.csv", text.as_bytes()).unwrap();
        let rows = read(archive.into(), "id").unwrap();
        assert!(rows["554100"].is_done());
        let columns = ["id", "Last_Name", "Email"].iter().enumerate();
        let columns: Vec<Column> =
            columns.map(|(index, name)| Column { api_name: (*name).to_owned(), index }).collect();
        let fault = rows["554200"].fault(&columns);
        assert_eq!(fault.details.errors[0].details.api_name.as_deref(), Some("Email"));
        assert!(rows["554300"].is_untouched());
        assert!(read(Bytes::from_static(b"a,b\n1,2\n"), "id").is_err());
    }
}
