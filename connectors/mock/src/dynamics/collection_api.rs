//! Many rows: `GET set`, its pages, its count, and the rows that point at one row.

use std::fmt::Write as _;

use super::ask::Ask;
use super::collections::Link;
use super::guid::Guid;
use super::kind::Kind;
use super::org::Org;
use super::prefer::LARGEST_PAGE;
use super::query::{Cookie, Parser, Query, Shape, sum};
use super::refusal::{JSON, Refusal};
use super::render::Canvas;
use super::row_api::pen;
use super::tracking;
use crate::chance::below;
use crate::desk::Core;
use crate::exchange::Reply;
use crate::versions::Sight;

/// Counts go no further.
pub const MOST_COUNTED: usize = 5_000;
const TOTAL: &str = "Microsoft.Dynamics.CRM.totalrecordcount";
const EXCEEDED: &str = "Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded";
/// Options a query may have, beside aliases.
const KNOWN: [&str; 12] = [
    "$select",
    "$filter",
    "$orderby",
    "$top",
    "$count",
    "$expand",
    "$skiptoken",
    "$deltatoken",
    "$apply",
    "tag",
    "annotations",
    "api-version",
];

/// `GET set`.
pub fn list(org: &mut Org, core: &Core, ask: &Ask<'_>, kind: Kind) -> Result<Reply, Refusal> {
    org.may(&pen(core, ask), kind, "read")?;
    check_options(ask)?;
    if ask.option("$deltatoken").is_some() || ask.prefer.track_changes {
        return tracking::list(org, core, ask, kind);
    }
    let query = query(org, core, ask, kind)?;
    listing(org, core, ask, &query)
}

/// `GET set/$count`.
pub fn count(org: &mut Org, core: &Core, ask: &Ask<'_>, kind: Kind) -> Result<Reply, Refusal> {
    org.may(&pen(core, ask), kind, "read")?;
    check_options(ask)?;
    let number = match ask.option("$deltatoken") {
        Some(token) => tracking::count(org, core, kind, token)?,
        None => query(org, core, ask, kind)?.count(org, MOST_COUNTED),
    };
    Ok(Reply { content_type: "text/plain", body: number.to_string().into_bytes(), ..Reply::empty(200) })
}

/// `GET set(key)/collection`.
pub fn children(org: &mut Org, core: &Core, ask: &Ask<'_>, link: Link, parent: Guid) -> Result<Reply, Refusal> {
    check_options(ask)?;
    let mut query = query(org, core, ask, link.child)?;
    let column = org.schema(link.child).column(link.column).map(|(column, _)| column);
    query.only_of(column.ok_or_else(|| Refusal::no_segment(link.nav))?, parent);
    listing(org, core, ask, &query)
}

pub fn check_options(ask: &Ask<'_>) -> Result<(), Refusal> {
    for (name, _) in &ask.options {
        match name.as_str() {
            known if KNOWN.contains(&known) || known.starts_with('@') => {}
            "$skip" => return Err(Refusal::query("Skip Clause is not supported in CRM")),
            "fetchXml" | "sql" | "savedQuery" | "userQuery" => {
                return Err(Refusal::new(501, "0x80040800", format!("This mock answers no '{name}' queries.")));
            }
            other => return Err(Refusal::query(format!("The query parameter {other} is not supported"))),
        }
    }
    if ask.option("$apply").is_some() {
        return Err(Refusal::new(501, "0x80040800", "This mock answers no '$apply' queries."));
    }
    Ok(())
}

fn query(org: &Org, core: &Core, ask: &Ask<'_>, kind: Kind) -> Result<Query, Refusal> {
    let filter = ask.option("$filter").filter(|text| !text.trim().is_empty());
    let filter = filter.map(|source| Parser::filter(org, kind, core.now, source, &ask.options)).transpose()?;
    let sort = Query::sort(org, kind, ask.option("$orderby").unwrap_or(""))?;
    Ok(Query { kind, filter, sort, sight: Sight::At(core.now) })
}

fn listing(org: &mut Org, core: &Core, ask: &Ask<'_>, query: &Query) -> Result<Reply, Refusal> {
    let kind = query.kind;
    let shape = Shape::read(org, kind, &ask.options, core.now)?;
    let top = match ask.option("$top") {
        Some(text) => Some(text.parse::<usize>().map_err(|_| {
            Refusal::query(format!("Invalid value '{text}' for $top query option found. The $top query option requires a non-negative integer value."))
        })?),
        None => None,
    };
    // Both: the page size wins.
    let top = top.filter(|_| ask.prefer.page_size.is_none());
    let size = page_size(org, core, ask, top);
    let sum = sum(core.seed, &ask.path, &ask.options);
    let cookie = ask.option("$skiptoken").map(|token| Cookie::decode(token, sum)).transpose()?;
    let page = cookie.as_ref().map_or(1, |cookie| cookie.page + 1);
    let (ids, next) = query.page(org, cookie.as_ref().map(|cookie| &cookie.place), size, page);
    let next = next.filter(|_| top.is_none());
    org.limits.rows += ids.len() as u64;
    let counted = ask.option("$count").is_some_and(|value| value == "true");
    let total = counted.then(|| query.count(org, MOST_COUNTED + 1));

    let mut canvas = Canvas::new(org, &ask.root, ask.annotations(), query.sight);
    let context = format!("{}$metadata#{}{}", ask.root, kind.set(), shape.context(org));
    let _ = write!(canvas.out, "{{\"@odata.context\":\"{context}\"");
    if ask.annotations().want(TOTAL) {
        let shown = total.map_or(-1, |total| total.min(MOST_COUNTED) as i64);
        let _ = write!(canvas.out, ",\"@{TOTAL}\":{shown}");
    }
    if ask.annotations().want(EXCEEDED) {
        let _ = write!(canvas.out, ",\"@{EXCEEDED}\":{}", total.is_some_and(|total| total > MOST_COUNTED));
    }
    if let Some(total) = total {
        let _ = write!(canvas.out, ",\"@odata.count\":{}", total.min(MOST_COUNTED));
    }
    canvas.out.push_str(",\"value\":[");
    rows(&mut canvas, &shape, &ids);
    canvas.out.push(']');
    if let Some(place) = next {
        let token = Cookie { page, place, tracking: None, sum }.encode();
        let link = link(org, ask, &format!("$skiptoken={token}"));
        let _ = write!(canvas.out, ",\"@odata.nextLink\":\"{link}\"");
    }
    canvas.out.push('}');
    let body = canvas.out.into_bytes();
    Ok(Reply { status: 200, content_type: JSON, headers: Vec::new(), body })
}

pub fn rows(canvas: &mut Canvas<'_>, shape: &Shape, ids: &[Guid]) {
    let org = canvas.org;
    let seen = ids.iter().filter_map(|id| org.row(shape.kind, *id, canvas.sight));
    for (at, row) in seen.collect::<Vec<_>>().into_iter().enumerate() {
        if at > 0 {
            canvas.out.push(',');
        }
        canvas.row(row, shape, None);
    }
}

/// As many rows as asked for, the most there may be, or fewer where the org is in that mood.
pub fn page_size(org: &Org, core: &Core, ask: &Ask<'_>, top: Option<usize>) -> usize {
    let size = top.or(ask.prefer.page_size).unwrap_or(LARGEST_PAGE).min(LARGEST_PAGE);
    if !org.knobs.short_pages || top.is_some() {
        return size;
    }
    1 + below(core.seed, 0x5b07, core.request.unwrap_or(0), size as u64) as usize
}

/// The address of this call with another token, the rest of it as the caller wrote it.
pub fn link(org: &Org, ask: &Ask<'_>, token: &str) -> String {
    let kept = ask.call.query.split('&').filter(|pair| {
        let name = super::address::decode(pair.split('=').next().unwrap_or(""));
        !pair.is_empty() && name != "$skiptoken" && name != "$deltatoken"
    });
    let mut pairs: Vec<&str> = kept.collect();
    pairs.push(token);
    let root = match org.knobs.next_link_host.as_str() {
        "" => ask.root.clone(),
        host => ask.root.replacen(&ask.here, host, 1),
    };
    format!("{root}{}?{}", ask.path, pairs.join("&")).replace('"', "%22")
}
