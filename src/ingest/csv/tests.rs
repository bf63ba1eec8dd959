//! Rows become messages or say why not, whatever the file holds.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use connector::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::ingest::{DecodeOptions, MAX_MESSAGE, Records, decode};
use crate::model::Event;

fn column(path: &str, name: &str) -> Mapped {
    formatted(path, name, None)
}

fn formatted(path: &str, name: &str, number: Option<&str>) -> Mapped {
    let number = number.map(|example| NumberFormat::ALL.iter().find(|(name, _)| *name == example).unwrap().1);
    let cell = Cell::Column { name: name.into(), number };
    Mapped { path: MessagePath::parse(path).unwrap(), cell }
}

fn constant(path: &str, cell: Cell) -> Mapped {
    Mapped { path: MessagePath::parse(path).unwrap(), cell }
}

/// The till of the shop in Berlin.
fn till() -> CsvFormat {
    CsvFormat {
        delimiter: b';',
        time_zone: chrono_tz::Europe::Berlin,
        columns: vec![
            constant("type", Cell::Text("track".into())),
            constant("event", Cell::Text("Order Completed".into())),
            column("timestamp", "sold_at"),
            column("messageId", "receipt_no"),
            column("context.traits.email", "email"),
            column("context.traits.loyalty_id", "card"),
            column("properties.order_id", "receipt_no"),
            formatted("properties.revenue", "net", Some("1.234,56")),
            constant("properties.currency", Cell::Text("EUR".into())),
            constant("properties.tills", Cell::Number(2.into())),
            constant("properties.paid", Cell::Flag(true)),
        ],
    }
}

/// Each row as its line and its message or why there is none.
fn read(bytes: &[u8], format: &CsvFormat) -> Vec<(u64, Result<String, String>)> {
    let mut records = CsvRecords::open(bytes, format).unwrap();
    let mut got = Vec::new();
    while let Some(record) = records.next_record().unwrap() {
        got.push((record.line, record.message.map(|text| text.into_owned()).map_err(|bad| bad.cause)));
    }
    assert_eq!(records.bytes(), bytes.len() as u64);
    got
}

fn event(text: &str) -> Event {
    let options = DecodeOptions {
        source: "pos".into(),
        max_message: MAX_MESSAGE,
        client: false,
        identity: std::sync::Arc::default(),
    };
    decode(text, Timestamp::parse_rfc3339("2026-06-01T00:00:00Z").unwrap(), &options).unwrap()
}

#[test]
fn a_row_becomes_the_message_it_stands_for() {
    let file = "\u{feff}receipt_no; Sold_At ;email;card;net;note\r\n\
        R-1;2026-03-02 09:00;\"Ada@Northwind.Example\";;1.234,56;\"two\nlines; and \"\"more\"\"\"\r\n";
    let got = read(file.as_bytes(), &till());
    let want = r#"{"context":{"traits":{"email":"Ada@Northwind.Example"}},"event":"Order Completed","messageId":"R-1","properties":{"currency":"EUR","order_id":"R-1","paid":true,"revenue":1234.56,"tills":2},"timestamp":"2026-03-02T08:00:00Z","type":"track"}"#;
    assert_eq!(got, [(2, Ok(want.to_owned()))]);
    let event = event(want);
    assert_eq!((&*event.message_id, event.name.as_deref()), ("R-1", Some("Order Completed")));
    assert_eq!(event.at.to_string(), "2026-03-02T08:00:00Z");
}

#[test]
fn a_row_that_cannot_be_read_stops_nothing() {
    let mut file =
        b"receipt_no;sold_at;email;card;net\nR-1;2026-03-02;a@b.example;;1,5;more\n\n;;;;\nR-2;02.03.2026;;;\n"
            .to_vec();
    file.extend_from_slice(
        b"R-3;2026-03-02;\xff;;\nR-4;2026-03-02;a@b.example;;1.5\nR-5;2026-03-02;\"a;;\nR-6;2026-03-02;;L-1;2\n",
    );
    let got = read(&file, &till());
    let causes: Vec<(u64, &str)> =
        got.iter().filter_map(|(line, message)| Some((*line, message.as_ref().err()?.as_str()))).collect();
    let want = [
        (2, "the row has 6 fields and the header 5"),
        (5, "column `sold_at` (timestamp) is no time"),
        (6, "the row is not UTF-8 at byte 16"),
        (7, "column `net` is no number written like 1.234,56"),
        (8, "a quote opens a field of this row and none closes it within its bounds"),
    ];
    assert_eq!(causes, want);
    assert!(got.last().unwrap().1.as_ref().unwrap().contains("L-1"));
}

#[test]
fn refused_rows_keep_their_format_and_say_why() {
    let file = "receipt_no;sold_at;email;card;net\nR-1;x;a@b.example;;1\nR-2;x\nR-3;\"x;;;\n";
    let format = till();
    let mut records = CsvRecords::open(file.as_bytes(), &format).unwrap();
    let mut refused = records.heading();
    while records.next_record().unwrap().is_some() {
        refused.extend(records.refused("a \"b\""));
    }
    let want = "receipt_no;sold_at;email;card;net;reason\nR-1;x;a@b.example;;1;\"a \"\"b\"\"\"\nR-2;x;;;;\"a \"\"b\"\"\"\n\
        \"R-3;\"\"x;;;\";;;;;\"a \"\"b\"\"\"\n";
    assert_eq!(String::from_utf8(refused).unwrap(), want);
}

/// A refused row is for people to open, mend and put back: it is the sender's own, byte for byte. What we add to it is no
/// formula, whatever the row says.
#[test]
fn scenario_68_what_is_added_to_a_refused_row_is_no_formula() {
    let hostile = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)", "\tx", "=\u{1b}[31m"];
    for text in hostile {
        // Each as the number, as the time, and as a column too many.
        for row in
            [format!("R-1;2026-03-02 09:00;;;{text}"), format!("R-1;{text};;;1,00"), format!("{text};;;;;;;{text}")]
        {
            let file = format!("receipt_no;sold_at;email;card;net\n{row}\n");
            let format = till();
            let mut records = CsvRecords::open(file.as_bytes(), &format).unwrap();
            let message = records.next_record().unwrap().unwrap().message;
            let why = match message.map(|text| text.into_owned()) {
                Err(bad) => format!("{}; {}", bad.cause, bad.fix),
                Ok(_) => continue,
            };
            let refused = String::from_utf8(records.refused(&why)).unwrap();
            let reason = refused.strip_prefix(&row).unwrap_or_else(|| panic!("{refused} begins as {row}"));
            let added = reason.trim_start_matches([';', '"']);
            assert!(!added.starts_with(['=', '+', '-', '@', '\t', '\r']) && !added.contains(text), "{reason}");
        }
    }
}

#[test]
fn a_file_without_its_columns_is_refused_whole() {
    let cases = [
        ("", "the file is empty"),
        ("receipt_no;sold_at;card;net\n", "the file has no column `email` (for context.traits.email)"),
        ("receipt_no;sold_at;e-mail;card;net\n", "did you mean `e-mail`?"),
        ("receipt_no,sold_at,email,card,net\n", "is the delimiter really ';'?"),
        ("receipt_no;sold_at;email;card;net;email\n", "two columns called `email`"),
        ("receipt_no;sold_at;email;card;\"net\n", "line 1: the line that names the columns cannot be read"),
    ];
    for (file, want) in cases {
        let error = CsvRecords::open(file.as_bytes(), &till()).unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    }
    assert!(CsvRecords::open(&b"\xff\xfer\x00"[..], &till()).unwrap_err().to_string().contains("not UTF-8"));
    let wide = ";".repeat(1_000);
    assert!(CsvRecords::open(wide.as_bytes(), &till()).unwrap_err().to_string().contains("1001 columns"));
}

#[test]
fn rows_without_an_id_have_the_same_one_again() {
    let mut format = till();
    format.columns.retain(|mapped| !mapped.path.is("messageId"));
    let file = b"receipt_no;sold_at;email;card;net\nR-1;2026-03-02;a@b.example;;1\nR-2;2026-03-02;a@b.example;;1\n";
    let ids = || {
        let got = read(file, &format);
        got.into_iter().map(|(_, text)| event(&text.unwrap()).message_id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ids(), ids());
    assert_ne!(ids()[0], ids()[1]);
}

proptest! {
    /// Whatever stands below the header: each row is a message, a refusal, or nothing at all, and nothing is left out.
    #[test]
    fn any_rows_are_messages_or_refusals(body in prop::collection::vec(prop_oneof![
        Just(b"\"".to_vec()), Just(b";".to_vec()), Just(b"\n".to_vec()), Just(b"\r\n".to_vec()), Just(b"\r".to_vec()),
        Just(b"2026-03-02".to_vec()), Just(b"a@b.example".to_vec()), Just(b"1.234,5".to_vec()),
        prop::collection::vec(any::<u8>(), 0..6),
    ], 0..80)) {
        let format = till();
        let mut bytes = b"receipt_no;sold_at;email;card;net\n".to_vec();
        bytes.extend(body.concat());
        let mut records = CsvRecords::open(bytes.as_slice(), &format).unwrap();
        let mut last = 1;
        while let Some(record) = records.next_record().unwrap() {
            prop_assert!(record.line > last, "each row has a line of its own");
            last = record.line;
            if let Ok(text) = record.message {
                prop_assert!(serde_json::from_str::<BTreeMap<String, serde_json::Value>>(&text).is_ok(), "{}", text);
            }
            // What is refused can be read again, as one row of the width of the header and the reason.
            let mut again = records.heading();
            again.extend(records.refused("why"));
            let mut rows = super::rows::Rows::new(again.as_slice(), b';');
            rows.next().unwrap();
            prop_assert!(rows.next().unwrap().unwrap().bytes.ends_with(b"\"why\""));
            prop_assert!(rows.next().unwrap().is_none());
        }
        prop_assert_eq!(records.bytes(), bytes.len() as u64);
    }

    #[test]
    fn any_local_time_is_an_instant_or_nothing(text in "[0-9T: .+Z-]{0,30}", zone in 0..chrono_tz::TZ_VARIANTS.len()) {
        let zone: Tz = chrono_tz::TZ_VARIANTS[zone];
        let _ = crate::ingest::when::local(&text, zone);
        // Every minute of a day exists in every zone, moved on where its clocks skip it.
        prop_assert!(crate::ingest::when::local("2026-03-29 02:30", zone).is_some());
    }
}
