//! Queries as calls: by URL where they fit into one, in the body of a composite request where they do not.

use connector::{Error, ErrorKind};
use connector_http::{Answer, Call, Priority, redact};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::api::{Api, Refusal, json};
use crate::dialect::CALL;
use crate::paths::named_by_server;
use crate::rows::{Row, Rows};
use crate::soql::Query;
use crate::wanted::Wanted;

/// Salesforce takes 16,384 bytes of URL and headers together; a token alone can be 2,000.
const LONGEST_PATH: usize = 12_000;
/// More pages than one call of the connector waits for.
const MOST_PAGES: usize = 500;

/// How a query is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asking<'a> {
    pub attempted: &'a str,
    pub priority: Priority,
    /// Whether deleted and archived records count.
    pub all: bool,
}

impl<'a> Asking<'a> {
    pub fn pull(attempted: &'a str) -> Self {
        Self { attempted, priority: Priority::Pull, all: false }
    }

    pub fn including_deleted(self) -> Self {
        Self { all: true, ..self }
    }

    pub fn first(self) -> Self {
        Self { priority: Priority::Push, ..self }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Composite<'a> {
    all_or_none: bool,
    composite_request: [Part<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    method: &'static str,
    url: &'a str,
    reference_id: &'static str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answered<'a> {
    #[serde(borrow)]
    composite_response: Vec<AnsweredPart<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnsweredPart<'a> {
    #[serde(borrow)]
    body: &'a RawValue,
    http_status_code: u16,
}

type Asked<T> = Result<Result<T, Refusal>, Error>;

impl Api {
    /// The first page of a query's answer. Salesforce's refusal of the query is the caller's to read.
    pub async fn query(&self, asking: Asking<'_>, query: &Query, wanted: &Wanted) -> Asked<Rows> {
        let path = self.paths.query(&query.text(), asking.all);
        if path.len() <= LONGEST_PATH {
            let call = Call::get(asking.attempted, path, CALL).with_priority(asking.priority);
            return self.try_ask(&call, |answer| Rows::decode(answer, wanted)).await;
        }
        let part = Part { method: "GET", url: &path, reference_id: "query" };
        let body = json(asking.attempted, &Composite { all_or_none: false, composite_request: [part] })?;
        let call = Call::ask(asking.attempted, self.paths.composite(), body, CALL).with_priority(asking.priority);
        Ok(self.try_ask(&call, |answer| unwrap(answer, wanted)).await?.and_then(|inner| inner))
    }

    /// How many records a query counts.
    pub async fn count(&self, asking: Asking<'_>, query: &Query) -> Asked<u64> {
        Ok(self.query(asking, query, &Wanted::default()).await?.map(|rows| rows.total))
    }

    /// Every row of a query that is known to be small, page after page. The next page's address is Salesforce's to name,
    /// its host is not.
    pub async fn every_row(&self, asking: Asking<'_>, query: &Query, wanted: &Wanted) -> Asked<Vec<Row>> {
        let mut page = match self.query(asking, query, wanted).await? {
            Ok(page) => page,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut rows = std::mem::take(&mut page.rows);
        for _ in 0..MOST_PAGES {
            if page.done {
                return Ok(Ok(rows));
            }
            let next = page.next.as_deref().and_then(named_by_server).ok_or_else(|| {
                Error::new(ErrorKind::Protocol, asking.attempted, "the answer names no next page of the data API")
            })?;
            let call = Call::get(asking.attempted, next, CALL).with_priority(asking.priority);
            page = self.ask(&call, |answer| Rows::decode(answer, wanted)).await?;
            rows.append(&mut page.rows);
        }
        Err(Error::new(ErrorKind::Protocol, asking.attempted, "the pages do not end"))
    }
}

/// The one answer inside a composite answer.
fn unwrap(answer: &Answer, wanted: &Wanted) -> Result<Result<Rows, Refusal>, String> {
    let answered: Answered<'_> = serde_json::from_slice(&answer.body).map_err(|error| redact::json_error(&error))?;
    let part = answered.composite_response.first().ok_or("it answers none of the parts asked for")?;
    let body = part.body.get().as_bytes();
    if (200..300).contains(&part.http_status_code) {
        return Rows::from_json(body, wanted).map(Ok).map_err(|error| redact::json_error(&error));
    }
    Ok(Err(Refusal::inside(part.http_status_code, body)))
}
