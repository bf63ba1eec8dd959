//! The least any program can do for the same job: fetch the bytes, insert the rows, post the bodies.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use rusqlite::Connection;

use crate::crm::Crm;
use crate::measure::{Table, measure, measure_now};

const PROPERTIES: &str =
    "email,firstname,lastname,phone,jobtitle,country,city,cdp_page_views_30d,cdp_last_page,cdp_profile_id";

/// Pages of 100 one after the other; only the place of the next page is looked for. Returns the ids of all records.
pub async fn fetch(crm: &Crm, table: &mut Table, records: u64) -> Vec<Vec<String>> {
    let mut bodies = Vec::new();
    let measured = measure(records, async {
        let mut after = String::new();
        loop {
            let url = format!("{}/crm/objects/2026-09/contacts?limit=100&properties={PROPERTIES}{after}", crm.url);
            let answer = crm.client.get(url).bearer_auth("mock-token").send().await.expect("an answer");
            let body = answer.bytes().await.expect("a body");
            let next = next_place(&body);
            bodies.push(body);
            match next {
                Some(place) => after = format!("&after={place}"),
                None => break,
            }
        }
    })
    .await;
    table.floor("fetch", measured);
    bodies.iter().map(|body| ids(body)).collect()
}

fn next_place(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let at = text.rfind("\"after\":\"")? + 9;
    Some(text.get(at..)?.split('"').next()?.to_owned())
}

fn ids(body: &[u8]) -> Vec<String> {
    let page: serde_json::Value = serde_json::from_slice(body).expect("JSON");
    let results = page["results"].as_array().expect("results");
    results.iter().filter_map(|record| Some(record["id"].as_str()?.to_owned())).collect()
}

/// Rows of 13 columns with an index on one, 1,000 a transaction, as durable as ours.
pub fn insert(folder: &Path, table: &mut Table, records: u64) {
    let mut database = open(&folder.join("floor.db"));
    database
        .execute_batch(
            "CREATE TABLE contact (id INTEGER PRIMARY KEY, a TEXT, b TEXT, c TEXT, d TEXT, e TEXT, f TEXT, g TEXT,
             h TEXT, i TEXT, j TEXT, at INTEGER, hash INTEGER); CREATE INDEX contact_a ON contact (a)",
        )
        .expect("a table");
    let measured = measure_now(records, || {
        let mut left = 0..records;
        while !left.is_empty() {
            let transaction = database.transaction().expect("a transaction");
            {
                let mut row = transaction
                    .prepare_cached("INSERT INTO contact VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)")
                    .expect("a statement");
                for n in left.by_ref().take(1_000) {
                    let email = format!("person{n}@company{}.example", n % 997);
                    let id = i64::try_from(n).expect("small");
                    let text = "some value";
                    row.execute((id, email, text, text, text, text, text, text, text, text, text, id, id))
                        .expect("a row");
                }
            }
            transaction.commit().expect("a commit");
        }
    });
    table.floor("insert", measured);
}

fn open(path: &Path) -> Connection {
    let database = Connection::open(path).expect("a database");
    database.pragma_update(None, "journal_mode", "wal").expect("wal");
    database.pragma_update(None, "synchronous", "full").expect("full");
    database
}

/// The same bodies that a push sends, posted one after the other by a program that knows them beforehand.
pub async fn post(crm: &Crm, table: &mut Table, pages: Vec<Vec<String>>) {
    let records: usize = pages.iter().map(Vec::len).sum();
    let bodies: Vec<String> = pages
        .iter()
        .map(|ids| {
            let inputs: Vec<String> = ids
                .iter()
                .map(|id| format!(r#"{{"id":"{id}","properties":{{"jobtitle":"a","city":"b","country":"c"}}}}"#))
                .collect();
            format!(r#"{{"inputs":[{}]}}"#, inputs.join(","))
        })
        .collect();
    let measured = measure(records as u64, async {
        for body in bodies {
            let url = format!("{}/crm/objects/2026-09/contacts/batch/update", crm.url);
            let request = crm.client.post(url).bearer_auth("mock-token").header("content-type", "application/json");
            let answer = request.body(body).send().await.expect("an answer");
            assert!(answer.status().is_success());
            answer.bytes().await.expect("a body");
        }
    })
    .await;
    table.floor("post", measured);
}

/// One page view a contact, by the address the CRM has; returns how many.
pub async fn write_events(path: &Path, crm: &Crm, records: u64) -> u64 {
    let mut out = BufWriter::new(File::create(path).expect("a file"));
    let mut after = String::new();
    let mut written = 0;
    loop {
        let url = format!("{}/crm/objects/2026-09/contacts?limit=100&properties=email{after}", crm.url);
        let answer = crm.client.get(url).bearer_auth("mock-token").send().await.expect("an answer");
        let page: serde_json::Value = serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON");
        for record in page["results"].as_array().expect("results") {
            let email = record["properties"]["email"].as_str().unwrap_or("nobody@nowhere.example");
            writeln!(
                out,
                r#"{{"type":"page","messageId":"m-{written:09}","anonymousId":"a-{written:09}","timestamp":"2026-11-20T10:00:00.000Z","name":"Home","properties":{{"path":"/pricing","title":"Our prices","url":"https://shop.example/pricing?utm_source=google&utm_medium=cpc"}},"context":{{"traits":{{"email":"{email}"}},"page":{{"path":"/pricing","referrer":"https://www.google.com/","url":"https://shop.example/pricing"}},"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36","locale":"en-GB","timezone":"Europe/London","library":{{"name":"analytics.js","version":"next-1.84.3"}}}}}}"#
            )
            .expect("a line");
            written += 1;
        }
        match page["paging"]["next"]["after"].as_str() {
            Some(next) if written < records => after = format!("&after={next}"),
            _ => break,
        }
    }
    out.flush().expect("a file");
    written
}

/// The bodies with a unique key, 2,000 a transaction, as durable as ours.
pub fn append(folder: &Path, table: &mut Table, path: &Path, events: u64) {
    let mut database = open(&folder.join("floor-events.db"));
    database
        .execute_batch("CREATE TABLE event (row INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, body TEXT NOT NULL)")
        .expect("a table");
    let measured = measure_now(events, || {
        let mut lines = BufReader::new(File::open(path).expect("a file")).lines().peekable();
        let mut n = 0u64;
        while lines.peek().is_some() {
            let transaction = database.transaction().expect("a transaction");
            {
                let mut row =
                    transaction.prepare_cached("INSERT INTO event (key, body) VALUES (?1, ?2)").expect("a statement");
                for line in lines.by_ref().take(2_000) {
                    n += 1;
                    row.execute((format!("m-{n:09}"), line.expect("a line"))).expect("a row");
                }
            }
            transaction.commit().expect("a commit");
        }
    });
    table.floor("append", measured);
}
