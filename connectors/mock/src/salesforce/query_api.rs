//! `query`, `queryAll` and the pages behind their locators.

use super::ask::Ask;
use super::cursors::Cursors;
use super::org::Org;
use super::refusal::Refusal;
use super::render::json_text;
use super::soql::{Answer, Mistake, Patience, View};
use crate::chance;
use crate::desk::Core;
use crate::exchange::Reply;

/// Records on a page unless the caller asks for another number, and the numbers it may ask for.
const DEFAULT_BATCH: usize = 2_000;
const BATCHES: std::ops::RangeInclusive<usize> = 200..=2_000;
/// The topic of [`chance`] for pages that come out short.
const SHORT_PAGES: u64 = 0x5a_6e;

/// Everything under `query` and `queryAll`; `rest` is the path after it.
pub fn route(org: &mut Org, core: &Core, ask: &Ask<'_>, all: bool, rest: &[&str]) -> Result<Reply, Refusal> {
    match (ask.method(), rest) {
        ("GET" | "HEAD", []) => query(org, core, ask, all),
        // A locator carries its own sight; pages of a `queryAll` are found under `query` as well.
        ("GET" | "HEAD", [locator]) => next_page(org, core, ask, locator),
        (other, [] | [_]) => Err(Refusal::wrong_method(other)),
        _ => Err(Refusal::not_found()),
    }
}

impl From<Mistake> for Refusal {
    fn from(mistake: Mistake) -> Self {
        Self::new(400, mistake.code, mistake.message)
    }
}

fn query(org: &mut Org, core: &Core, ask: &Ask<'_>, all: bool) -> Result<Reply, Refusal> {
    let Some(soql) = ask.call.parameter("q").filter(|soql| !soql.trim().is_empty()) else {
        return Err(Refusal::new(400, "MALFORMED_QUERY", "A query string has to be specified"));
    };
    let rows = Some(org.knobs.query_timeout_rows).filter(|rows| *rows > 0);
    let answer = Answer::of(View::new(org, core, all), &soql, Patience { rows })?;
    let size = page_size(org, core, ask);
    if matches!(answer, Answer::Groups(..)) && answer.len() > DEFAULT_BATCH {
        let text = "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch";
        return Err(Refusal::new(400, "EXCEEDED_ID_LIMIT", text));
    }
    if answer.len() <= size {
        return Ok(page(org, core, ask, &answer, all, None, (0, size)));
    }
    let number = org.cursors.open(answer, all, core.now);
    next_page(org, core, ask, &Cursors::locator(number, 0))
}

fn next_page(org: &Org, core: &Core, ask: &Ask<'_>, locator: &str) -> Result<Reply, Refusal> {
    let found = org.cursors.find(locator, core.now);
    // Page 0 answers the query itself: a lost cursor shows when somebody comes back with it.
    let lost = org.knobs.lose_cursors && !locator.ends_with("-0");
    let Some((number, cursor, at)) = found.filter(|_| !lost) else {
        return Err(Refusal::new(400, "INVALID_QUERY_LOCATOR", "invalid query locator"));
    };
    let size = page_size(org, core, ask);
    Ok(page(org, core, ask, &cursor.answer, cursor.all, Some(number), (at, size)))
}

fn page(
    org: &Org,
    core: &Core,
    ask: &Ask<'_>,
    answer: &Answer,
    all: bool,
    cursor: Option<u64>,
    (at, size): (usize, usize),
) -> Reply {
    let next = at.saturating_add(size);
    let mut out = format!("{{\"totalSize\":{},", answer.total());
    match cursor.filter(|_| next < answer.len()) {
        Some(number) => {
            let (base, locator) = (ask.base(), Cursors::locator(number, next));
            let url = format!("{}{base}/query/{locator}", org.knobs.next_records_host);
            out.push_str(&format!("\"done\":false,\"nextRecordsUrl\":{},", serde_json::Value::from(url)));
        }
        None => out.push_str("\"done\":true,"),
    }
    out.push_str("\"records\":[");
    answer.write(&mut out, View::new(org, core, all), &ask.base(), at, size);
    out.push_str("]}");
    json_text(200, out)
}

/// What `Sforce-Query-Options: batchSize=500` asks for within what is allowed, and less where pages come out short.
fn page_size(org: &Org, core: &Core, ask: &Ask<'_>) -> usize {
    let options = ask.call.headers.get("sforce-query-options").and_then(|value| value.to_str().ok()).unwrap_or("");
    let asked = options.split([',', ';']).find_map(|option| {
        let (key, value) = option.split_once('=')?;
        key.trim().eq_ignore_ascii_case("batchSize").then(|| value.trim().parse::<usize>().ok())?
    });
    let size = asked.unwrap_or(DEFAULT_BATCH).clamp(*BATCHES.start(), *BATCHES.end());
    if !org.knobs.short_pages {
        return size;
    }
    1 + chance::below(core.seed, SHORT_PAGES, core.request.unwrap_or(0), size as u64) as usize
}
