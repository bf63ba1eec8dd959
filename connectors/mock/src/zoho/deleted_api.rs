//! `GET /{module}/deleted`: what left, newest first, for as long as the vendor remembers it.

use serde_json::{Value, json};

use super::catalogue::CREATED_BY;
use super::datum::stamp;
use super::kind::Kind;
use super::list_api::{if_modified_since, paging};
use super::org::Org;
use super::records::{Fate, Seen, Sight};
use super::refusal::Refusal;
use super::render;
use crate::clock::Millis;
use crate::desk::Core;
use crate::exchange::{Call, Reply};

const DAY: Millis = 86_400_000;
/// How long the recycle bin keeps a record, and how long a permanent deletion is told.
const IN_BIN: Millis = 60 * DAY;
const REMEMBERED: Millis = 120 * DAY;

impl Org {
    pub fn deleted(&self, core: &Core, call: &Call, kind: Kind) -> Result<Reply, Refusal> {
        let wanted = match call.parameter("type").as_deref() {
            None | Some("" | "all") => None,
            Some("recycle") => Some(true),
            Some("permanent") => Some(false),
            Some(_) => return Err(Refusal::invalid_param("type")),
        };
        let (per_page, page) = paging(call)?;
        let since = if_modified_since(call)?;
        let found = self.table(kind).deletions.iter().rev().filter_map(|deletion| {
            let seen = self.seen(kind, deletion.id, Sight::At(core.now))?;
            // Only the latest deletion counts, and only while the record is gone.
            let (at, by) = match seen.fate() {
                Fate::Recycled { at, by } if at == deletion.at && core.now - at < IN_BIN => (at, Some(by)),
                Fate::Recycled { at, .. } | Fate::Erased { at } if at == deletion.at => (at, None),
                _ => return None,
            };
            let told = core.now - at < REMEMBERED
                && since.is_none_or(|since| at > since)
                && wanted.is_none_or(|recycled| recycled == by.is_some());
            told.then(|| self.gone(&seen, at, by))
        });
        let skip = usize::try_from((page - 1) * per_page).unwrap_or(usize::MAX);
        let take = usize::try_from(per_page).unwrap_or(usize::MAX);
        let mut rows: Vec<Value> = found.skip(skip).take(take + 1).collect();
        let more = rows.len() > take;
        rows.truncate(take);
        if rows.is_empty() {
            return Ok(Reply::empty(if since.is_some() { 304 } else { 204 }));
        }
        let info = json!({ "per_page": per_page, "count": rows.len(), "page": page, "more_records": more });
        Ok(Reply::json(200, &json!({ "data": rows, "info": info })))
    }

    /// A permanent deletion has lost its name and who did it.
    fn gone(&self, seen: &Seen<'_>, at: Millis, by: Option<u64>) -> Value {
        let made_by = seen.get(CREATED_BY).as_ref_id().filter(|_| by.is_some());
        json!({
            "id": seen.id.to_string(),
            "display_name": by.map(|_| seen.title()),
            "type": if by.is_some() { "recycle" } else { "permanent" },
            "deleted_time": stamp(at, self.knobs.offset_min),
            "deleted_by": by.map(|user| render::user(self, user)),
            "created_by": made_by.map(|user| render::user(self, user)),
        })
    }
}
