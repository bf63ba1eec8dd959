//! `[[source]]` of type csv: what it means, and what is wrong with it.

use super::codes::problems;
use super::valid;
use crate::config::settings::SourceKind;
use crate::ingest::{Cell, CsvFormat};

/// A source of type csv with these lines: its own from line 4 on.
fn source(lines: &str) -> String {
    format!("[[source]]\nname = \"pos\"\ntype = \"csv\"\n{lines}")
}

fn format(text: &str) -> CsvFormat {
    match valid(text).sources.remove(0).kind {
        SourceKind::Csv(source) => source,
        other => panic!("{other:?}"),
    }
}

#[test]
fn columns_go_where_they_are_told() {
    let text = format!(
        "timezone = \"Europe/Vienna\"\n{}",
        source(
            r#"delimiter = ";"
event = "Order Completed"
  [source.columns]
  "timestamp" = "sold_at"
  "context.traits.email" = "email"
  context.traits.loyalty_id = "card"
  properties.revenue = { column = "net", number = "1.234,56" }
  "properties.order.tax" = { value = 0.20 }
  properties.paid = { value = true }
"#
        )
    );
    let format = format(&text);
    assert_eq!((format.delimiter, format.time_zone), (b';', chrono_tz::Europe::Vienna));
    let shown: Vec<String> = format
        .columns
        .iter()
        .map(|mapped| match &mapped.cell {
            Cell::Column { name, number: Some(number) } => format!("{} = {name} as {number}", mapped.path),
            Cell::Column { name, number: None } => format!("{} = {name}", mapped.path),
            Cell::Text(text) => format!("{} = \"{text}\"", mapped.path),
            Cell::Number(number) => format!("{} = {number}", mapped.path),
            Cell::Flag(flag) => format!("{} = {flag}", mapped.path),
        })
        .collect();
    let want = [
        "event = \"Order Completed\"",
        "timestamp = sold_at",
        "context.traits.email = email",
        "context.traits.loyalty_id = card",
        "properties.revenue = net as 1.234,56",
        "properties.paid = true",
        "properties.order.tax = 0.20",
        "type = \"track\"",
    ];
    assert_eq!(shown, want);
}

#[test]
fn a_type_of_its_own_needs_no_event() {
    let format =
        format(&source("columns = { type = { value = \"identify\" }, userId = \"id\", \"traits.city\" = \"city\" }"));
    assert_eq!(format.columns.len(), 3);
    assert_eq!(format.delimiter, b',');
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let columns = "[source.columns]\nuserId = \"id\"\n";
    let cases = [
        ("event = \"A\"".to_owned(), "E005 1:1 missing `[source.columns]` in `[[source]]` \"pos\""),
        ("event = \"A\"\ncolumns = 1".to_owned(), "E006 5:11 `columns` must be a table, found integer 1"),
        (columns.to_owned(), "E012 1:1 `event` is required for `[[source]]` \"pos\", whose columns give no `type`"),
        (
            "event = \"A\"\n[source.columns]\ntimestamp = \"t\"".to_owned(),
            "E012 1:1 no column of `[[source]]` \"pos\" says whose the events are",
        ),
        (
            format!("event = 1\n{columns}"),
            "E006 4:9 `event` must be an event's name, or { column = … }, found integer 1",
        ),
        (
            format!("event = {{ colum = \"e\" }}\n{columns}"),
            "E003 4:11 unknown key `colum` in `event` of `[[source]]` \"pos\" | did you mean `column`?",
        ),
        (format!("event = \"A\"\ndelimiter = \"; \"\n{columns}"), "E006 5:13 \"; \" is no delimiter"),
        (format!("event = \"A\"\ndelimiter = \"\\\"\"\n{columns}"), "E006 5:13 \"\"\" is no delimiter"),
        (
            format!("event = \"A\"\ntime_zone = \"Europe/Berln\"\n{columns}"),
            "E052 5:13 timezone \"Europe/Berln\" is unknown | did you mean \"Europe/Berlin\"?",
        ),
        (
            format!("event = \"A\"\ndelimitr = \";\"\n{columns}"),
            "E003 5:1 unknown key `delimitr` in `[[source]]` \"pos\" | did you mean `delimiter`?",
        ),
        (
            format!("event = \"A\"\n{columns}mesageId = \"x\""),
            "E003 7:1 unknown key `mesageId` in `[source.columns]` of `[[source]]` \"pos\" | did you mean `messageId`?",
        ),
        (
            format!("event = \"A\"\n{columns}properties = \"x\""),
            "E006 7:1 `properties` is an object of the message, not a value",
        ),
        (
            format!("event = \"A\"\n{columns}\"timestamp.at\" = \"x\""),
            "E006 7:1 `timestamp.at` goes on below what is one value",
        ),
        (format!("event = \"A\"\n{columns}\"traits.\" = \"x\""), "E006 7:1 `traits.` is no path in a message"),
        (
            format!("event = \"A\"\n{columns}traits.a = 5"),
            "E006 7:12 `traits.a` must be a column's name or a table, found integer 5",
        ),
        (
            format!("event = \"A\"\n{columns}traits.a = {{ column = \"a\", number = \"1,00\" }}"),
            "E006 7:37 number format \"1,00\" is not valid",
        ),
        (
            format!("event = \"A\"\n{columns}timestamp = {{ column = \"a\", number = \"1234.56\" }}"),
            "E006 7:38 `timestamp` is a time and has no `number`",
        ),
        (
            format!("event = \"A\"\n{columns}traits.a = {{ colum = \"a\" }}"),
            "E003 7:14 unknown key `colum` in `traits.a` of `[source.columns]` of `[[source]]` \"pos\" | did you mean `column`?",
        ),
        (
            format!("event = \"A\"\n{columns}traits.a = {{ column = \"a\", value = \"b\" }}"),
            "E006 7:36 `column` and `value` are both set in `traits.a` of `[source.columns]` of `[[source]]` \"pos\"",
        ),
        (
            format!("event = \"A\"\n{columns}traits.a = {{ value = 1, number = \"1234.56\" }}"),
            "E006 7:34 `number` in `traits.a` of `[source.columns]` of `[[source]]` \"pos\" is for a column",
        ),
        (
            format!("event = \"A\"\n{columns}traits.a = {{ value = [] }}"),
            "E006 7:22 `value` must be a string, a number, true or false, found array",
        ),
        (format!("event = \"A\"\n{columns}event = \"e\""), "E043 7:1 `event` is filled by two lines (also at 4:1)"),
        (
            format!("event = \"A\"\n{columns}\"traits.a\" = \"a\"\n\"traits.a.b\" = \"b\""),
            "E043 8:1 `traits.a.b` is filled by two lines (also at 7:1)",
        ),
    ];
    let wrong: Vec<String> = cases
        .iter()
        .map(|(lines, want)| (problems(&source(lines)), want))
        .filter(|(found, want)| !found.iter().any(|found| found == *want))
        .map(|(found, want)| format!("{found:#?} instead of {want}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let http = problems("[[source]]\nname = \"w\"\nwrite_key = { env = \"K\" }\ndelimiter = \";\"");
    assert_eq!(http, ["E003 4:1 unknown key `delimiter` in `[[source]]` \"w\""]);
}

#[test]
fn an_inbox_is_a_folder_of_its_own() {
    let jsonl = |path: &str| format!("[[source]]\nname = \"w\"\ntype = \"jsonl\"\npath = {path}");
    let inbox = valid(&jsonl("\"in/box/w-*.jsonl\"")).sources.remove(0).inbox.unwrap().files;
    assert_eq!((inbox.folder.as_path(), &*inbox.pattern), (std::path::Path::new("conf/in/box"), "w-*.jsonl"));
    let cases = [
        ("\"*.jsonl\"", "E006 4:8 `path` \"*.jsonl\" names no folder"),
        ("\"./*\"", "E006 4:8 `path` \"./*\" names no folder"),
        ("\"in*/a\"", "E006 4:8 `path` \"in*/a\" is no path to an inbox"),
        ("\"in/[ab]\"", "E006 4:8 `path` \"in/[ab]\" is no path to an inbox"),
        ("\"in/\"", "E006 4:8 `path` \"in/\" names no files"),
        ("\"in/.x\"", "E006 4:8 `path` \"in/.x\" names no files"),
        ("1", "E006 4:8 `path` must be a string, found integer 1"),
    ];
    for (path, want) in cases {
        assert_eq!(problems(&jsonl(path)), [want]);
    }
    let two = format!("{}\n{}", jsonl("\"in/*\""), jsonl("\"in/*\"").replace("\"w\"", "\"x\""));
    assert_eq!(problems(&two), ["E024 8:8 the sources \"w\" and `[[source]]` \"x\" share one inbox"]);
    let http = problems("[[source]]\nname = \"w\"\nwrite_key = { env = \"K\" }\npath = \"in/*\"");
    assert_eq!(http, ["E003 4:1 unknown key `path` in `[[source]]` \"w\""]);
}
