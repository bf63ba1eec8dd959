//! What became of each row of an upload, and the three files that tell it.

use csv::StringRecord;

use super::super::ids::Id;
use super::csv_in::Upload;
use super::csv_out::Sheet;
use super::dialect::Dialect;

/// One row's fate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Saved {
        id: Id,
        created: bool,
    },
    /// `CODE:text:fields --`; with the Id where the record was there before.
    Failed {
        id: Option<Id>,
        error: Box<str>,
    },
}

/// Which of the result files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Successful,
    Failed,
    Unprocessed,
}

impl Part {
    /// By the last segment of the path; clients spell it in several ways.
    pub fn parse(segment: &str) -> Option<Self> {
        Some(match segment.to_ascii_lowercase().as_str() {
            "successfulresults" => Self::Successful,
            "failedresults" => Self::Failed,
            "unprocessedrecords" => Self::Unprocessed,
            _ => return None,
        })
    }
}

/// Rows parsed at a time while a file is written, so that a large upload is not held twice.
const BLOCK: usize = 10_000;

/// Writes one file. Rows do not come in the order they were sent: a caller must find its own rows by what it sent.
pub fn file(part: Part, upload: Option<&Upload>, outcomes: &[Outcome], dialect: Dialect) -> Vec<u8> {
    let mut sheet = Sheet::new(dialect);
    let header = upload.map(Upload::header).unwrap_or_default();
    let extra: &[&str] = match part {
        Part::Successful => &["sf__Id", "sf__Created"],
        Part::Failed => &["sf__Id", "sf__Error"],
        Part::Unprocessed => &[],
    };
    sheet.row(extra.iter().copied().chain(header.iter().map(String::as_str)));
    let Some(upload) = upload else { return sheet.finish() };
    let blocks = upload.len().div_ceil(BLOCK);
    for block in (0..blocks).rev() {
        let (start, end) = (block * BLOCK, ((block + 1) * BLOCK).min(upload.len()));
        let rows = upload.rows(start..end);
        for at in shuffled(end - start) {
            if let Some(row) = rows.get(at) {
                write_row(&mut sheet, part, outcomes.get(start + at), row);
            }
        }
    }
    sheet.finish()
}

fn write_row(sheet: &mut Sheet, part: Part, outcome: Option<&Outcome>, row: &StringRecord) {
    match (part, outcome) {
        (Part::Successful, Some(Outcome::Saved { id, created })) => {
            let (id, created) = (id.to_string(), created.to_string());
            sheet.row([id.as_str(), created.as_str()].into_iter().chain(row.iter()));
        }
        (Part::Failed, Some(Outcome::Failed { id, error })) => {
            let id = id.map(|id| id.to_string()).unwrap_or_default();
            sheet.row([id.as_str(), error].into_iter().chain(row.iter()));
        }
        (Part::Unprocessed, None) => sheet.row(row.iter()),
        _ => {}
    }
}

/// Every number below `count` once, never in order when there are two: odd ones first, then even ones from the end.
fn shuffled(count: usize) -> impl Iterator<Item = usize> {
    let odd = (0..count).filter(|at| at % 2 == 1);
    let even = (0..count).rev().filter(|at| at % 2 == 0);
    odd.chain(even)
}

#[cfg(test)]
mod tests {
    use super::super::dialect::{Delimiter, LineEnding};
    use super::*;
    use bytes::Bytes;

    #[test]
    fn rows_come_in_another_order_each_once() {
        assert_eq!(shuffled(5).collect::<Vec<_>>(), [1, 3, 4, 2, 0]);
        assert_eq!(shuffled(2).collect::<Vec<_>>(), [1, 0]);
        assert_eq!(shuffled(1).collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn a_row_is_in_the_file_of_its_fate_with_all_it_was_sent_with() {
        let dialect = Dialect { delimiter: Delimiter::Comma, ending: LineEnding::Lf };
        let upload = Upload::read(Bytes::from_static(b"Id,City\na,1\nb,2\nc,3\nd,4\n"), dialect).unwrap();
        let id = Id::of_prefix(*b"003", 1);
        let outcomes = [
            Outcome::Saved { id, created: false },
            Outcome::Failed { id: None, error: "X:because:City --".into() },
            Outcome::Saved { id, created: true },
        ];
        let text = |part| String::from_utf8(file(part, Some(&upload), &outcomes, dialect)).unwrap();
        assert_eq!(
            text(Part::Successful),
            format!(
                "\"sf__Id\",\"sf__Created\",\"Id\",\"City\"\n\"{id}\",\"true\",\"c\",\"3\"\n\"{id}\",\"false\",\"a\",\"1\"\n"
            )
        );
        assert_eq!(
            text(Part::Failed),
            "\"sf__Id\",\"sf__Error\",\"Id\",\"City\"\n\"\",\"X:because:City --\",\"b\",\"2\"\n"
        );
        assert_eq!(text(Part::Unprocessed), "\"Id\",\"City\"\n\"d\",\"4\"\n");
        assert_eq!(Part::parse("unprocessedrecords"), Part::parse("unprocessedRecords"));
    }
}
