//! Change tracking: a first scan that ends in a delta link, and what each delta link brings.

use std::fmt::Write as _;

use chrono::{DateTime, NaiveDateTime};

use super::ask::Ask;
use super::collection_api::{link, page_size, rows};
use super::guid::Guid;
use super::kind::Kind;
use super::org::Org;
use super::query::{Cookie, Place, Query, Shape, sum};
use super::refusal::{JSON, Refusal};
use super::render::Canvas;
use crate::clock::Millis;
use crate::desk::Core;
use crate::exchange::Reply;
use crate::versions::Sight;

const DAY: Millis = 86_400_000;
const STAMP: &str = "%m/%d/%Y %H:%M:%S";

/// What changed since a version: rows as they are now, then ids that are gone.
struct Delta {
    changed: Vec<Guid>,
    gone: Vec<Guid>,
    next: Option<Place>,
}

/// A tracked `GET set`, or a delta link.
pub fn list(org: &mut Org, core: &Core, ask: &Ask<'_>, kind: Kind) -> Result<Reply, Refusal> {
    if !org.schema(kind).tracked {
        let message = format!("Change tracking is not enabled for entity {}.", kind.logical());
        return Err(Refusal::new(400, "0x80044351", message));
    }
    if !org.knobs.org_level_read {
        let message = format!(
            "Principal user is missing prvRead{} privilege at the organization level, which change tracking needs.",
            kind.names().schema
        );
        return Err(Refusal::new(403, "0x80040220", message));
    }
    for name in ["$filter", "$orderby", "$expand", "$top"] {
        if ask.option(name).is_some() {
            let message = format!("The \"{name}\" query parameter isn't supported when Change Tracking is enabled.");
            return Err(Refusal::query(message));
        }
    }
    let since = ask.option("$deltatoken").map(|token| version_of(org, core, kind, token)).transpose()?;
    let shape = Shape::read(org, kind, &ask.options, core.now)?;
    let sum = sum(core.seed, &ask.path, &ask.options);
    let cookie = ask.option("$skiptoken").map(|token| Cookie::decode(token, sum)).transpose()?;
    let page = cookie.as_ref().map_or(1, |cookie| cookie.page + 1);
    // The link at the end counts from where the scan began: what changes meanwhile comes again.
    let base = cookie.as_ref().and_then(|cookie| cookie.tracking).unwrap_or_else(|| settled(org, core, kind));
    let size = page_size(org, core, ask, None);
    let sight = Sight::At(core.now);
    let delta = match since {
        Some(since) => delta(org, kind, since, cookie.map(|cookie| cookie.place), size, sight),
        None => {
            let query = Query { kind, filter: None, sort: Vec::new(), sight };
            let (changed, next) = query.page(org, cookie.as_ref().map(|cookie| &cookie.place), size, page);
            Delta { changed, gone: Vec::new(), next }
        }
    };
    org.limits.rows += (delta.changed.len() + delta.gone.len()) as u64;

    let mut canvas = Canvas::new(org, &ask.root, ask.annotations(), sight);
    let set = kind.set();
    let tail = if since.is_some() { "/$delta" } else { "" };
    let context = format!("{}$metadata#{set}{}{tail}", ask.root, shape.context(org));
    let _ = write!(canvas.out, "{{\"@odata.context\":\"{context}\",\"value\":[");
    rows(&mut canvas, &shape, &delta.changed);
    for (at, id) in delta.gone.iter().enumerate() {
        if at > 0 || !delta.changed.is_empty() {
            canvas.out.push(',');
        }
        let _ = write!(
            canvas.out,
            "{{\"@odata.context\":\"{}$metadata#{set}/$deletedEntity\",\"id\":\"{id}\",\"reason\":\"deleted\"}}",
            ask.root
        );
    }
    canvas.out.push(']');
    match delta.next {
        Some(place) => {
            let token = Cookie { page, place, tracking: Some(base), sum }.encode();
            let kept = ask.option("$deltatoken").map(|token| format!("$deltatoken={}&", escaped(token)));
            let link = link(org, ask, &format!("{}$skiptoken={token}", kept.unwrap_or_default()));
            let _ = write!(canvas.out, ",\"@odata.nextLink\":\"{link}\"");
        }
        None => {
            let base = base.max(since.unwrap_or(0));
            let link = link(org, ask, &format!("$deltatoken={}", escaped(&token(base, core.now))));
            let _ = write!(canvas.out, ",\"@odata.deltaLink\":\"{link}\"");
        }
    }
    canvas.out.push('}');
    Ok(Reply { status: 200, content_type: JSON, headers: Vec::new(), body: canvas.out.into_bytes() })
}

/// `set/$count?$deltatoken=…`.
pub fn count(org: &Org, core: &Core, kind: Kind, token: &str) -> Result<usize, Refusal> {
    let since = version_of(org, core, kind, token)?;
    let delta = delta(org, kind, since, None, usize::MAX, Sight::At(core.now));
    Ok(delta.changed.len() + delta.gone.len())
}

/// The last version below which nothing can still turn up.
fn settled(org: &Org, core: &Core, kind: Kind) -> i64 {
    org.table(kind).earliest_hidden(core.now).map_or(org.version, |hidden| hidden - 1)
}

fn delta(org: &Org, kind: Kind, since: i64, from: Option<Place>, size: usize, sight: Sight) -> Delta {
    let after = match from {
        Some(Place::Version(version, id)) => Some((version, id)),
        _ => None,
    };
    let (mut changed, mut gone, mut last) = (Vec::new(), Vec::new(), None);
    for (version, id) in org.table(kind).changes_after(since) {
        if after.is_some_and(|after| (version, id) <= after) {
            continue;
        }
        // Only the version readers see counts; an older one of the same row comes no more.
        let Some(row) = org.whatever(kind, id, sight).filter(|row| row.version() == version) else { continue };
        if changed.len() + gone.len() == size {
            let next = last.map(|(version, id)| Place::Version(version, id));
            return Delta { changed, gone, next };
        }
        if row.row.is_some_and(|row| row.deleted) {
            gone.push(id)
        } else {
            changed.push(id)
        }
        last = Some((version, id));
    }
    Delta { changed, gone, next: None }
}

/// `919042!08/22/2017 08:10:44`.
fn token(version: i64, now: Millis) -> String {
    let at = DateTime::from_timestamp_millis(now).unwrap_or_default();
    format!("{version}!{}", at.format(STAMP))
}

fn escaped(token: &str) -> String {
    token.replace('!', "%21").replace('/', "%2f").replace(' ', "%20").replace(':', "%3a")
}

/// The version a token counts from.
fn version_of(org: &Org, core: &Core, kind: Kind, token: &str) -> Result<i64, Refusal> {
    let read = || {
        let (version, stamp) = token.split_once('!')?;
        let at = NaiveDateTime::parse_from_str(stamp, STAMP).ok()?.and_utc().timestamp_millis();
        Some((version.parse::<i64>().ok().filter(|version| *version <= org.version)?, at))
    };
    let (version, at) = read().ok_or_else(|| Refusal::query(format!("Invalid delta token '{token}'.")))?;
    let old = core.now - at > org.knobs.expire_change_tracking_days.saturating_mul(DAY);
    if old || version < org.table(kind).forgotten {
        let message = "Version stamp associated with the client has expired. Please perform a full sync.";
        return Err(Refusal::new(400, "0x80044352", message));
    }
    Ok(version)
}
