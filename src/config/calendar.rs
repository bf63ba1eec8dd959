//! Hours, days away and holidays, as `[routing]` writes them.

use std::collections::BTreeSet;

use chrono::{NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;

use crate::config::diagnostic::Diagnostic;
use crate::config::general;
use crate::config::mask::quoted;
use crate::config::reader::Bad;
use crate::config::routing::closed;
use crate::config::tree::{Node, Value};
use crate::config::value;
use crate::routing::{Hours, Span, Week, WhenClosed};

/// `hours = { days = "mon-fri", from = "09:00", to = "17:30", when_closed = "hold" }`
#[derive(Clone, Copy, Debug)]
pub(super) struct Opening {
    pub hours: Hours,
    pub when_closed: Option<WhenClosed>,
}

const HELP: &str = "like { days = \"mon-fri\", from = \"09:00\", to = \"17:30\" }";

pub(super) fn hours(node: &Node) -> Result<Opening, Bad> {
    let Value::Table(table) = &node.value else { return Err(Bad::Shape("a table of hours")) };
    let known = ["days", "from", "to", "when_closed"];
    if let Some(entry) = table.entries.iter().find(|entry| !known.contains(&entry.key.as_str())) {
        return Err(Bad::Value(
            Diagnostic::new("E003", format!("unknown key {} in `hours`", quoted(&entry.key)))
                .at(&entry.key_place)
                .suggest_key(crate::expr::nearest(&entry.key, known))
                .help(HELP),
        ));
    }
    let inner = |key: &'static str| table.get(key).map(|entry| &entry.node);
    let need = |key: &'static str| {
        inner(key).ok_or_else(|| Bad::value("E005", format!("missing `{key}` in `hours`")).help(HELP))
    };
    let week = match inner("days") {
        Some(node) => days(node).map_err(|bad| bad.inside("days", node))?,
        None => Week::ALL,
    };
    let (from, to) = (need("from")?, need("to")?);
    let (start, end) =
        (time(from).map_err(|bad| bad.inside("from", from))?, time(to).map_err(|bad| bad.inside("to", to))?);
    if start >= end {
        return Err(Bad::Value(Diagnostic::new("E006", "`hours` must begin before they end").at(&to.place).help(HELP)));
    }
    let when_closed = inner("when_closed").map(|node| closed(node).map_err(|bad| bad.inside("when_closed", node)));
    Ok(Opening { hours: Hours { days: week, from: start, to: end }, when_closed: when_closed.transpose()? })
}

/// `09:00`; `24:00` is not a time of a day.
pub(super) fn time(node: &Node) -> Result<NaiveTime, Bad> {
    let text = value::text(node).map_err(|_| Bad::Shape("a time like \"09:00\""))?;
    NaiveTime::parse_from_str(&text, "%H:%M").map_err(|_| {
        Bad::value("E006", format!("{} is not a time of day", quoted(&text))).help("hours and minutes, like \"09:00\"")
    })
}

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Mon),
    ("tue", Weekday::Tue),
    ("wed", Weekday::Wed),
    ("thu", Weekday::Thu),
    ("fri", Weekday::Fri),
    ("sat", Weekday::Sat),
    ("sun", Weekday::Sun),
];

/// `"mon-fri"`, `"mon,wed,fri"`, `["mon", "tue"]`.
fn days(node: &Node) -> Result<Week, Bad> {
    let place = |word: &str| DAYS.iter().position(|(name, _)| *name == word.trim().to_ascii_lowercase());
    let wrong = |word: &str| {
        let names = DAYS.map(|(name, _)| name);
        Bad::Value(value::not_valid("E006", "day", word.trim(), &names))
    };
    let mut found = Vec::new();
    for text in value::texts(node)? {
        for part in text.split(',') {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            let first = place(from).ok_or_else(|| wrong(from))?;
            let last = place(to).ok_or_else(|| wrong(to))?;
            // `fri-mon` goes over the weekend.
            let length = (last + DAYS.len() - first) % DAYS.len();
            found.extend(DAYS.iter().cycle().skip(first).take(length + 1).map(|(_, day)| *day));
        }
    }
    Ok(Week::of(found))
}

/// `["2026-08-03/2026-08-14", "2026-12-24"]`
pub(super) fn away(node: &Node) -> Result<Vec<Span>, Bad> {
    value::texts(node)?.iter().map(|text| span(text)).collect()
}

fn span(text: &str) -> Result<Span, Bad> {
    let (from, to) = text.split_once('/').unwrap_or((text, text));
    let day = |text: &str| text.trim().parse::<NaiveDate>().ok();
    match (day(from), day(to)) {
        (Some(from), Some(to)) if from <= to => Ok(Span { from, to }),
        _ => Err(Bad::value("E006", format!("{} is no span of days", quoted(text)))
            .help("like \"2026-08-03/2026-08-14\", both days away")),
    }
}

pub(super) fn holidays(node: &Node) -> Result<BTreeSet<NaiveDate>, Bad> {
    let mut days = BTreeSet::new();
    for span in away(node)? {
        days.extend(span.from.iter_days().take_while(|day| *day <= span.to).take(366));
    }
    Ok(days)
}

pub(super) fn zone(node: &Node) -> Result<Tz, Bad> {
    general::timezone(node)
}
