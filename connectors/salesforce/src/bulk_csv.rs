//! The results of a bulk job: CSV that is read as it comes, so that a page of any size takes the memory of its records and
//! one piece of its text. Newlines, quotes and delimiters stand inside quotes; NUL bytes stand anywhere.

use connector_http::Pieces;

use crate::rows::{Row, value_of};
use crate::wanted::Wanted;

/// A record is at most 400,000 characters at Salesforce; four bytes each, and quotes.
const LONGEST_RECORD: usize = 4 << 20;

/// A table in the making.
#[derive(Debug)]
pub(crate) struct Table<'w> {
    wanted: &'w Wanted,
    /// For each column of the CSV its place among the wanted ones; none before the header was read.
    header: Option<Vec<Option<usize>>>,
    /// What is not yet a whole record.
    pending: Vec<u8>,
    /// How much of `pending` has been looked through, and whether that ends inside quotes.
    seen: usize,
    quoted: bool,
    most_rows: usize,
    rows: Vec<Row>,
}

impl<'w> Table<'w> {
    /// `most_rows` bounds what a server may send that was asked for fewer.
    pub fn new(wanted: &'w Wanted, most_rows: usize) -> Self {
        let (pending, rows) = (Vec::new(), Vec::new());
        Self { wanted, header: None, pending, seen: 0, quoted: false, most_rows, rows }
    }

    /// The rows; an error where the text ends inside a record, or before the header.
    pub fn finish(mut self) -> Result<Vec<Row>, String> {
        if self.quoted {
            return Err("it ends inside a quoted value".into());
        }
        let rest = std::mem::take(&mut self.pending);
        self.read(&rest)?;
        if self.header.is_none() {
            return Err("it has no header".into());
        }
        Ok(self.rows)
    }

    /// Reads whole records.
    fn read(&mut self, records: &[u8]) -> Result<(), String> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(records);
        let mut record = csv::ByteRecord::new();
        while reader.read_byte_record(&mut record).map_err(|_| "it is no CSV".to_owned())? {
            match &self.header {
                None => self.header = Some(self.places(&record)),
                Some(header) if record.len() != header.len() => {
                    return Err(format!("a record has {} columns, the header {}", record.len(), header.len()));
                }
                Some(header) => {
                    let row = row(self.wanted, header, &record);
                    self.rows.push(row);
                    if self.rows.len() > self.most_rows {
                        return Err(format!("it has more than {} rows, which were not asked for", self.most_rows));
                    }
                }
            }
        }
        Ok(())
    }

    fn places(&self, header: &csv::ByteRecord) -> Vec<Option<usize>> {
        header.iter().map(|name| self.wanted.find(&String::from_utf8_lossy(name), usize::MAX)).collect()
    }
}

fn row(wanted: &Wanted, header: &[Option<usize>], record: &csv::ByteRecord) -> Row {
    let mut row = Row { cells: vec![None; wanted.columns().len()] };
    for (place, bytes) in header.iter().zip(record) {
        let Some(at) = *place else { continue };
        if let (Some(cell), Some(column)) = (row.cells.get_mut(at), wanted.columns().get(at)) {
            *cell = Some(value_of(&column.kind, &String::from_utf8_lossy(bytes)));
        }
    }
    row
}

impl Pieces for Table<'_> {
    fn take(&mut self, piece: &[u8]) -> Result<(), String> {
        self.pending.extend(piece.iter().filter(|byte| **byte != 0));
        let mut whole = 0;
        for (at, byte) in self.pending.iter().enumerate().skip(self.seen) {
            match byte {
                // A quote inside quotes is doubled, which turns this twice.
                b'"' => self.quoted = !self.quoted,
                b'\n' if !self.quoted => whole = at + 1,
                _ => {}
            }
        }
        self.seen = self.pending.len();
        if whole > 0 {
            let rest = self.pending.split_off(whole);
            let records = std::mem::replace(&mut self.pending, rest);
            self.seen = self.pending.len();
            self.read(&records)?;
        }
        if self.pending.len() > LONGEST_RECORD {
            return Err("one record is larger than Salesforce's own limit".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::tests::described_from;
    use connector::{FieldName, Value};
    use proptest::prelude::*;

    fn wanted() -> Wanted {
        let described = described_from(
            r#"{"fields":[{"name":"Id","type":"id"},{"name":"LastName","type":"string"},{"name":"N__c","type":"double"},
            {"name":"AccountId","type":"reference","relationshipName":"Account"}]}"#,
        );
        Wanted::new("X", &["LastName", "N__c", "Account.Name"].map(FieldName::from), &described)
    }

    fn read(wanted: &Wanted, pieces: &[&[u8]]) -> Result<Vec<Row>, String> {
        let mut table = Table::new(wanted, 1_000);
        for piece in pieces {
            table.take(piece)?;
        }
        table.finish()
    }

    const TABLE: &str = "\"Id\",\"LastName\",\"Account.Name\",\"N__c\",\"Extra\"\n\
        \"003xx000004TmiVAAS\",\"O'Neil \"\"Red\"\"\",\"Norhaven\",\"0.0\",\"x\"\n\
        \"003xx000004TmiWAAS\",\"Multi\nline, with \0comma\",\"\",\"\",\"\"\n";

    #[test]
    fn quotes_newlines_nuls_and_integers_are_read() {
        let wanted = wanted();
        let rows = read(&wanted, &[TABLE.as_bytes()]).unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].cell(&wanted, "LastName"), Some(&Value::from("O'Neil \"Red\"")));
        assert_eq!(rows[0].cell(&wanted, "N__c"), Some(&Value::from(0)));
        assert_eq!(rows[0].cell(&wanted, "Account.Name"), Some(&Value::from("Norhaven")));
        assert_eq!(rows[1].cell(&wanted, "LastName"), Some(&Value::from("Multi\nline, with comma")));
        assert_eq!(rows[1].cells[wanted.find("N__c", 0).unwrap()], Some(Value::Null));
    }

    #[test]
    fn a_header_alone_is_an_empty_table_and_nothing_is_no_table() {
        let wanted = wanted();
        assert_eq!(read(&wanted, &[b"\"Id\"\n"]), Ok(Vec::new()));
        assert_eq!(read(&wanted, &[b"\"Id\""]), Ok(Vec::new()));
        assert!(read(&wanted, &[b""]).is_err());
        assert!(read(&wanted, &[b"\"Id\",\"LastName\"\n\"003xx000004TmiVAAS\"\n"]).is_err());
        assert!(read(&wanted, &[b"\"Id\"\n\"003xx0000"]).is_err());
    }

    #[test]
    fn more_than_was_asked_for_is_refused() {
        let wanted = wanted();
        let mut table = Table::new(&wanted, 1);
        assert!(table.take(TABLE.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn where_the_pieces_end_does_not_matter(cuts in prop::collection::vec(0usize..TABLE.len(), 0..6)) {
            let wanted = wanted();
            let mut cuts = cuts;
            cuts.sort_unstable();
            let (mut pieces, mut from) = (Vec::new(), 0);
            for cut in cuts {
                pieces.push(&TABLE.as_bytes()[from..cut]);
                from = cut;
            }
            pieces.push(&TABLE.as_bytes()[from..]);
            prop_assert_eq!(read(&wanted, &pieces), read(&wanted, &[TABLE.as_bytes()]));
        }

        #[test]
        fn any_values_come_back(values in prop::collection::vec("[^\0]{0,12}", 1..20)) {
            let wanted = wanted();
            let mut text = String::from("\"Id\",\"LastName\"\n");
            for value in &values {
                text.push_str(&format!("\"003xx000004TmiVAAS\",\"{}\"\n", value.replace('"', "\"\"")));
            }
            let rows = read(&wanted, &[text.as_bytes()]).unwrap();
            let read: Vec<String> = rows.iter()
                .map(|row| row.text(&wanted, "LastName").map(|text| text.to_string()).unwrap_or_default()).collect();
            prop_assert_eq!(read, values);
        }
    }
}
