//! What happened: every applied change (the ledger) and every request seen (the request log), both append-only and read
//! as JSON lines. The checker of a crash test trusts these and nothing else.

use serde_json::{Map, Value, json};

use crate::clock::{Millis, iso};

/// Who made a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A program, through the vendor's API.
    Api,
    /// A person working in the CRM.
    Rep,
    /// The CRM itself: a workflow rewriting a value.
    Workflow,
}

impl By {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Rep => "rep",
            Self::Workflow => "workflow",
        }
    }
}

/// One applied change. `before` and `after` hold only what changed; `null` where there was or is nothing.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// `create`, `update`, `delete`, `merge`, `associate` or `convert`.
    pub op: &'static str,
    pub object: &'a str,
    pub record: &'a str,
    pub before: Value,
    pub after: Value,
    pub by: By,
}

/// Lines are kept as text: they are written once, read rarely, and there may be a million.
#[derive(Debug, Default)]
pub struct Ledger {
    lines: Vec<Box<str>>,
}

impl Ledger {
    pub fn record(&mut self, at: Millis, request: Option<u64>, change: Change<'_>) {
        let line = json!({
            "seq": self.lines.len() as u64 + 1,
            "at": iso(at),
            "request": request,
            "op": change.op,
            "object": change.object,
            "record": change.record,
            "before": change.before,
            "after": change.after,
            "by": change.by.as_str(),
        });
        self.lines.push(line.to_string().into_boxed_str());
    }

    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Takes back every line after the first `length`: changes of a transaction that was rolled back.
    pub fn truncate(&mut self, length: usize) {
        self.lines.truncate(length);
    }

    /// The latest changes of one record, newest first, as they are written.
    pub fn of_record(&self, record: &str, most: usize) -> Vec<Value> {
        let mentioned = self.lines.iter().rev().filter(|line| line.contains(record));
        let parsed = mentioned.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        parsed.filter(|change| change["record"] == record).take(most).collect()
    }

    /// Every line with a sequence number above `since`.
    pub fn since(&self, since: u64) -> Vec<u8> {
        let skipped = usize::try_from(since).unwrap_or(usize::MAX);
        let mut out = Vec::new();
        for line in self.lines.iter().skip(skipped) {
            out.extend_from_slice(line.as_bytes());
            out.push(b'\n');
        }
        out
    }
}

#[derive(Debug)]
struct Seen {
    at: Millis,
    method: Box<str>,
    path: Box<str>,
    query: Box<str>,
    headers: Vec<(&'static str, Box<str>)>,
    /// `None` until answered, and for good when the connection was cut.
    status: Option<u16>,
    fault: Option<Box<str>>,
}

#[derive(Debug, Default)]
pub struct RequestLog {
    seen: Vec<Seen>,
}

impl RequestLog {
    /// Notes an arrival; the number returned is the request's `seq`.
    pub fn open(
        &mut self,
        at: Millis,
        method: &str,
        (path, query): (&str, &str),
        headers: Vec<(&'static str, Box<str>)>,
    ) -> u64 {
        self.seen.push(Seen {
            at,
            method: method.into(),
            path: path.into(),
            query: query.into(),
            headers,
            status: None,
            fault: None,
        });
        self.seen.len() as u64
    }

    pub fn close(&mut self, seq: u64, status: Option<u16>, fault: Option<&str>) {
        let index = usize::try_from(seq.saturating_sub(1)).unwrap_or(usize::MAX);
        if let Some(seen) = self.seen.get_mut(index) {
            seen.status = status;
            seen.fault = fault.map(Into::into);
        }
    }

    pub fn since(&self, since: u64) -> Vec<u8> {
        let skipped = usize::try_from(since).unwrap_or(usize::MAX);
        let mut out = Vec::new();
        for (index, seen) in self.seen.iter().enumerate().skip(skipped) {
            let mut line = Map::new();
            line.insert("seq".into(), json!(index as u64 + 1));
            line.insert("at".into(), json!(iso(seen.at)));
            line.insert("method".into(), json!(seen.method));
            line.insert("path".into(), json!(seen.path));
            line.insert("query".into(), json!(seen.query));
            if !seen.headers.is_empty() {
                let headers = seen.headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
                line.insert("headers".into(), Value::Object(headers.collect()));
            }
            line.insert("status".into(), json!(seen.status));
            line.insert("fault".into(), json!(seen.fault));
            out.extend_from_slice(Value::Object(line).to_string().as_bytes());
            out.push(b'\n');
        }
        out
    }
}
