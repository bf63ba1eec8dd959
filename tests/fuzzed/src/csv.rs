//! A CSV file: every row is a message or a refusal with its line, and a file of refused rows reads back.

use std::io::BufReader;
use std::sync::LazyLock;

use ferry::ingest::{Cell, CsvFormat, CsvRecords, Mapped, MessagePath, NumberFormat, Records};

use crate::event;

static FORMAT: LazyLock<CsvFormat> = LazyLock::new(|| {
    let column = |path: &str, name: &str, number| Mapped {
        path: MessagePath::parse(path).unwrap(),
        cell: Cell::Column { name: name.into(), number },
    };
    let (_, number) = NumberFormat::ALL[3];
    CsvFormat {
        delimiter: b',',
        time_zone: chrono_tz::Europe::Berlin,
        columns: vec![
            Mapped { path: MessagePath::parse("type").unwrap(), cell: Cell::Text("track".into()) },
            column("event", "What", None),
            column("userId", "Who", None),
            column("timestamp", "When", None),
            column("properties.amount", "Amount", Some(number)),
            column("context.traits.email", "E-mail", None),
        ],
    }
});

const HEADER: &str = "What,Who,When,Amount,E-mail\n";

/// Bytes that begin with `H` are a file; others the rows under a good header.
pub fn check(data: &[u8]) {
    let file = match data.strip_prefix(b"H") {
        Some(file) => file.to_vec(),
        None => [HEADER.as_bytes(), data].concat(),
    };
    let Ok(mut records) = CsvRecords::open(BufReader::with_capacity(64, &*file), &FORMAT) else { return };
    let (mut line, mut refused) = (0, Vec::new());
    loop {
        let (message, at) = match records.next_record().expect("memory can be read") {
            None => break,
            Some(record) => (record.message.map(|text| text.into_owned()), record.line),
        };
        assert!(at > line, "line {at} after {line}");
        line = at;
        match message {
            Ok(text) => {
                serde_json::from_str::<serde_json::Value>(&text).expect("a row is JSON");
                let _ = event::one(&text, false);
            }
            Err(bad) => {
                assert!(!bad.cause.is_empty() && bad.raw.len() <= 32 * 1024);
                let formula = ['=', '+', '-', '@', '\t', '\r'];
                assert!(!bad.cause.starts_with(formula), "{}", bad.cause);
                if refused.is_empty() {
                    refused = records.heading();
                }
                refused.extend(records.refused(&bad.cause));
            }
        }
        assert!(records.shown().len() <= 32 * 1024);
    }
    assert!(records.bytes() <= file.len() as u64);
    // The columns are the same, with the causes behind them.
    if !refused.is_empty() {
        CsvRecords::open(BufReader::new(&*refused), &FORMAT).expect("refused rows are a file of the same format");
    }
}
