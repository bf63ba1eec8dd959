//! The file of a Bulk job, as Salesforce reads it: UTF-8 without a mark, a header of field names, every cell quoted,
//! lines ended by LF. An empty cell leaves a field alone, so that rows that write different fields share one file.

use std::collections::BTreeSet;
use std::ops::Range;

use bytes::Bytes;
use connector::FieldName;

use crate::outgoing::{How, Lane, Sent};
use crate::values::cell;

/// Longest row, in characters; the limit of a whole file is configured.
const LONGEST_ROW: usize = 400_000;

/// One file and the rows in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sheet {
    pub rows: Range<usize>,
    pub text: Bytes,
}

/// The column that says which record a row means, and by which its result is found again.
pub(crate) fn key_column(lane: &Lane) -> &str {
    match &lane.how {
        How::ByKey { field, .. } => field,
        How::ById | How::Insert { .. } => "Id",
    }
}

/// Whether a job can say everything this write says.
pub(crate) fn fits(sent: &Sent<'_>) -> bool {
    let key_fits = !sent.key.is_empty() && cell(&connector::Value::from(sent.key.as_str())).is_some();
    let mut length = sent.key.len();
    key_fits
        && sent.fields.iter().all(|(_, value)| match cell(value) {
            Some(cell) => {
                length = length.saturating_add(cell.len());
                true
            }
            None => false,
        })
        && length <= LONGEST_ROW
}

/// The files of these rows, each at most `most_bytes` long. A row that no job can say has been kept out before.
pub(crate) fn sheets(lane: &Lane, rows: &[Sent<'_>], most_bytes: usize) -> Vec<Sheet> {
    let key = key_column(lane);
    let names: BTreeSet<&FieldName> =
        rows.iter().flat_map(|row| row.fields.names()).filter(|name| !name.eq_ignore_ascii_case(key)).collect();
    let mut header = String::new();
    push_cell(&mut header, key);
    for name in &names {
        header.push(',');
        push_cell(&mut header, name);
    }
    header.push('\n');
    let mut sheets = Vec::new();
    let (mut text, mut start) = (header.clone(), 0);
    let mut line = String::new();
    for (at, row) in rows.iter().enumerate() {
        line.clear();
        push_row(&mut line, row, &names);
        if at > start && text.len() + line.len() > most_bytes {
            let full = std::mem::replace(&mut text, header.clone());
            sheets.push(Sheet { rows: start..at, text: full.into() });
            start = at;
        }
        text.push_str(&line);
    }
    if start < rows.len() {
        sheets.push(Sheet { rows: start..rows.len(), text: text.into() });
    }
    sheets
}

fn push_row(line: &mut String, row: &Sent<'_>, names: &BTreeSet<&FieldName>) {
    push_cell(line, &row.key);
    for name in names {
        line.push(',');
        if let Some(cell) = row.fields.get(name).and_then(cell) {
            push_cell(line, &cell);
        }
    }
    line.push('\n');
}

/// Always quoted, so that no cell is ever something else than its text; an inner quote is doubled.
fn push_cell(line: &mut String, cell: &str) {
    line.push('"');
    for piece in cell.split_inclusive('"') {
        line.push_str(piece);
        if piece.ends_with('"') {
            line.push('"');
        }
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector::{Entropy, Fields, Hints, Object, Operation, SeededEntropy, Timestamp, Value, Write};
    use proptest::prelude::*;
    use std::borrow::Cow;
    use std::collections::BTreeMap;

    fn lane() -> Lane {
        Lane { object: Object::Contact, sobject: "Contact".into(), how: How::ById, assigns: false }
    }

    fn write(fields: Fields) -> Write {
        let operation = Operation::Update { id: "003xx000004TmiQAAS".into() };
        Write {
            key: SeededEntropy::new(1).uuid(Timestamp::EPOCH),
            object: Object::Contact,
            operation,
            fields,
            hints: Hints::default(),
        }
    }

    fn sent(place: usize, write: &Write) -> Sent<'_> {
        Sent { place, write, key: format!("003xx00000{place:05}AAS"), fields: Cow::Borrowed(&write.fields) }
    }

    #[test]
    fn rows_with_different_fields_share_a_file() {
        let writes = [
            write(Fields::from([("Title", Value::from("a \"b\",\nc")), ("Cdp__c", Value::from(7))])),
            write(Fields::from([("Other__c", Value::Null)])),
        ];
        let rows: Vec<_> = writes.iter().enumerate().map(|(place, write)| sent(place, write)).collect();
        let sheets = sheets(&lane(), &rows, 1_000);
        assert_eq!(sheets.len(), 1);
        assert_eq!(
            std::str::from_utf8(&sheets[0].text).unwrap(),
            "\"Id\",\"Cdp__c\",\"Other__c\",\"Title\"\n\"003xx0000000000AAS\",\"7\",,\"a \"\"b\"\",\nc\"\n\"003xx0000000001AAS\",,\"#N/A\",\n"
        );
    }

    #[test]
    fn the_key_is_a_column_once() {
        let lane = Lane { how: How::ByKey { field: "Key__c".into(), update_only: false }, ..lane() };
        let write = write(Fields::from([("Key__c", "p-1"), ("Title", "x")]));
        let row = Sent { place: 0, write: &write, key: "p-1".into(), fields: Cow::Borrowed(&write.fields) };
        let sheets = sheets(&lane, &[row], 1_000);
        assert_eq!(&sheets[0].text[..], b"\"Key__c\",\"Title\"\n\"p-1\",\"x\"\n");
    }

    #[test]
    fn a_file_is_cut_before_it_is_too_long() {
        let writes: Vec<Write> = (0..50).map(|_| write(Fields::from([("Title", "0123456789")]))).collect();
        let rows: Vec<_> = writes.iter().enumerate().map(|(place, write)| sent(place, write)).collect();
        let sheets = sheets(&lane(), &rows, 200);
        assert!(sheets.len() > 1);
        assert!(sheets.iter().all(|sheet| sheet.text.len() <= 200 && sheet.text.starts_with(b"\"Id\",\"Title\"\n")));
        let covered: Vec<usize> = sheets.iter().flat_map(|sheet| sheet.rows.clone()).collect();
        assert_eq!(covered, (0..50).collect::<Vec<_>>());
        // A single row longer than the limit is still sent: nothing else can be done with it.
        assert_eq!(super::sheets(&lane(), &rows[..1], 1).len(), 1);
    }

    #[test]
    fn what_a_cell_cannot_say_does_not_fit() {
        let check = |value: Value, expected: bool| {
            let write = write(Fields::from([("Title", value)]));
            assert_eq!(fits(&sent(0, &write)), expected);
        };
        check(Value::from("x"), true);
        check(Value::Null, true);
        check(Value::from(""), false);
        check(Value::from("#N/A"), false);
        let many: Fields = (0..20).map(|at| (format!("F{at}__c"), Value::text("x".repeat(30_000)))).collect();
        assert!(!fits(&sent(0, &write(many))));
    }

    proptest! {
        #[test]
        fn every_value_comes_back_through_another_reader(
            rows in prop::collection::vec(prop::collection::btree_map("[A-C]__c", any::<String>(), 0..3), 1..12)
        ) {
            let writes: Vec<Write> = rows.iter().map(|fields| {
                write(fields.iter().map(|(name, text)| (name.as_str(), Value::from(text.as_str()))).collect())
            }).collect();
            let sendable: Vec<Sent<'_>> =
                writes.iter().enumerate().map(|(place, write)| sent(place, write)).filter(fits).collect();
            for sheet in sheets(&lane(), &sendable, 400) {
                let mut reader = csv::ReaderBuilder::new().from_reader(&sheet.text[..]);
                let header = reader.headers().unwrap().clone();
                let mut read = 0;
                for (record, row) in reader.records().zip(&sendable[sheet.rows.clone()]) {
                    let cells: BTreeMap<String, String> =
                        header.iter().map(str::to_owned).zip(record.unwrap().iter().map(str::to_owned)).collect();
                    prop_assert_eq!(&cells["Id"], &row.key);
                    for (name, text) in cells.iter().filter(|(name, _)| *name != "Id") {
                        let expected = row.fields.get(name).and_then(Value::as_text).unwrap_or("");
                        prop_assert_eq!(text, expected);
                    }
                    read += 1;
                }
                prop_assert_eq!(read, sheet.rows.len());
            }
        }
    }
}
