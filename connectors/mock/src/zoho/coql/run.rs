//! Answering a bound query: matches in order, a window of them, sums where asked.

use std::cmp::Ordering;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::super::catalogue::ID;
use super::super::datum::Datum;
use super::super::filter::{Path, Step};
use super::super::org::Org;
use super::super::records::{Seen, Sight};
use super::super::render::{self, string};
use super::super::schema::Field;
use super::bind::Query;
use super::parser::Sum;
use crate::desk::Core;

pub struct Answer {
    /// Rows as JSON, commas between them.
    pub rows: String,
    pub count: usize,
    pub more: bool,
}

pub fn run(org: &Org, core: &Core, query: &Query) -> Answer {
    let sight = Sight::At(core.now);
    let summed = !query.group.is_empty() || query.columns.iter().any(|column| column.sum.is_some());
    let skip = usize::try_from(query.offset).unwrap_or(usize::MAX);
    let take = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let matches = org.matches(query.kind, &query.filter, sight);
    if summed {
        return sums(org, query, matches.collect(), sight, (skip, take));
    }
    let by_id = match query.order.as_slice() {
        [] => true,
        [(path, down)] => path.is_own(ID) && !down,
        _ => false,
    };
    let mut page: Vec<Seen<'_>> = if by_id {
        matches.skip(skip).take(take + 1).collect()
    } else {
        let mut all: Vec<(Vec<Datum>, Seen<'_>)> = matches
            .map(|seen| (query.order.iter().map(|(path, _)| path.value(org, &seen, sight)).collect(), seen))
            .collect();
        all.sort_by(|(a, one), (b, other)| compared(a, b, query).then(one.id.cmp(&other.id)));
        all.into_iter().map(|(_, seen)| seen).skip(skip).take(take + 1).collect()
    };
    let more = page.len() > take;
    page.truncate(take);
    let rows: Vec<String> = page.iter().map(|seen| row(org, query, seen, sight)).collect();
    Answer { rows: rows.join(","), count: rows.len(), more }
}

fn compared(a: &[Datum], b: &[Datum], query: &Query) -> Ordering {
    let mut pairs = a.iter().zip(b).zip(&query.order);
    let first = pairs.find_map(|((a, b), (_, down))| {
        let order = a.order(b);
        (order != Ordering::Equal).then(|| if *down { order.reverse() } else { order })
    });
    first.unwrap_or(Ordering::Equal)
}

fn row(org: &Org, query: &Query, seen: &Seen<'_>, sight: Sight) -> String {
    let mut out = String::from("{");
    for column in query.columns.iter().filter(|column| column.shown != "id") {
        let Some(path) = &column.path else { continue };
        string(&mut out, &column.shown);
        out.push(':');
        cell(&mut out, org, query, path, &path.value(org, seen, sight));
        out.push(',');
    }
    out.push_str("\"id\":");
    string(&mut out, &seen.id.to_string());
    out.push('}');
    out
}

fn cell(out: &mut String, org: &Org, query: &Query, path: &Path, value: &Datum) {
    match definition(org, query, path) {
        Some(field) if &*field.name != "id" => render::value(out, org, field, value),
        _ if value.is_null() => out.push_str("null"),
        _ => string(out, &value.plain(org.knobs.offset_min)),
    }
}

/// The field a path ends in; none for a user's words.
fn definition<'a>(org: &'a Org, query: &Query, path: &Path) -> Option<&'a Field> {
    match path.then.last() {
        None => org.schema(query.kind).field(path.field),
        Some(Step::Field(kind, field)) => org.schema(*kind).field(*field),
        Some(Step::UserWord(_)) => None,
    }
}

fn sums(org: &Org, query: &Query, all: Vec<Seen<'_>>, sight: Sight, (skip, take): (usize, usize)) -> Answer {
    let mut groups: Vec<(Vec<Datum>, Vec<Seen<'_>>)> = Vec::new();
    for seen in all {
        let key: Vec<Datum> = query.group.iter().map(|path| path.value(org, &seen, sight)).collect();
        match groups.iter_mut().find(|(each, _)| *each == key) {
            Some((_, members)) => members.push(seen),
            None => groups.push((key, vec![seen])),
        }
    }
    let mut rows = Vec::new();
    for (key, members) in &groups {
        let mut out = String::from("{");
        for (at, column) in query.columns.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            string(&mut out, &column.shown);
            out.push(':');
            match (&column.path, column.sum) {
                (path, Some(sum)) => out.push_str(&summed(org, path.as_ref(), sum, members, sight).to_string()),
                (Some(path), None) => {
                    let value = query.group.iter().position(|each| each == path).and_then(|at| key.get(at));
                    cell(&mut out, org, query, path, value.unwrap_or(&Datum::Null));
                }
                (None, None) => out.push_str("null"),
            }
        }
        out.push('}');
        rows.push(out);
    }
    let more = rows.len() > skip.saturating_add(take);
    let page: Vec<String> = rows.into_iter().skip(skip).take(take).collect();
    Answer { rows: page.join(","), count: page.len(), more }
}

fn summed(org: &Org, path: Option<&Path>, sum: Sum, members: &[Seen<'_>], sight: Sight) -> Value {
    let Some(path) = path else { return json!(members.len()) };
    let values: Vec<Datum> =
        members.iter().map(|seen| path.value(org, seen, sight)).filter(|value| !value.is_null()).collect();
    let numbers: Vec<Decimal> = values
        .iter()
        .filter_map(|value| match value {
            Datum::Int(number) => Some(Decimal::from(*number)),
            Datum::Number(number) => Some(*number),
            _ => None,
        })
        .collect();
    let shown =
        |number: Decimal| -> Value { serde_json::from_str(&number.normalize().to_string()).unwrap_or(Value::Null) };
    let total = || numbers.iter().fold(Decimal::ZERO, |sum, each| sum.checked_add(*each).unwrap_or(sum));
    let one = |value: Option<&Datum>| match value {
        None => Value::Null,
        Some(Datum::Int(number)) => json!(number),
        Some(Datum::Number(number)) => shown(*number),
        Some(other) => json!(other.plain(org.knobs.offset_min)),
    };
    match sum {
        Sum::Count => json!(values.len()),
        Sum::Total => shown(total()),
        Sum::Avg => total().checked_div(Decimal::from(numbers.len())).map_or(Value::Null, shown),
        Sum::Max => one(values.iter().max_by(|a, b| a.order(b))),
        Sum::Min => one(values.iter().min_by(|a, b| a.order(b))),
    }
}

/// `include_meta: ["fields"]`.
pub fn meta(org: &Org, query: &Query) -> Value {
    let fields = query.columns.iter().filter_map(|column| {
        let path = column.path.as_ref()?;
        let field = definition(org, query, path)?;
        let about = json!({ "api_name": &*field.name, "data_type": field.ty.name(), "field_label": field.label });
        Some((column.shown.clone(), about))
    });
    Value::Object(fields.collect())
}
