//! The stream of deletions. The recycle bin tells what was deleted and what was merged into what, for fifteen days and as
//! long as nobody empties it; the log of deletions tells bare ids, also of what was erased. A log with a gap leaves one
//! way: everything that lives is listed, and what is not among it is gone.

use std::collections::BTreeMap;
use std::time::Duration;

use connector::{Error, ErrorKind, Fields, Object, Page, PullRequest, Record, RecordId, Timestamp, Tombstone};
use connector_http::{Call, Checkpoint};
use serde::Deserialize;

use crate::api::{Api, Refusal, decode};
use crate::connect::LONGEST_PAGE;
use crate::convert::{row_id, tombstone};
use crate::cursor::{Deletions, Key, Place, Step};
use crate::dialect::CALL;
use crate::query::Asking;
use crate::records::settled_until;
use crate::rows::Row;
use crate::soql::{Comparison, Condition, Field, Literal, Query, chunks};
use crate::wanted::{Wanted, parts};
use crate::window::{order, within};
use crate::{ids, instant};

/// How far back the log may be asked for; an hour less than Salesforce's own limit, whose clock is not ours.
const LOG_REACH: Duration = Duration::from_secs(15 * 86_400 - 3_600);
const MINUTE: i64 = 60_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Log {
    #[serde(default)]
    deleted_records: Vec<Erased>,
    earliest_date_available: Option<String>,
    latest_date_covered: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Erased {
    id: String,
    deleted_date: Option<String>,
}

struct Walk<'a> {
    api: &'a Api,
    object: &'a Object,
    sobject: &'a str,
    attempted: String,
    wanted: Wanted,
    place: Deletions,
    one_of_several: bool,
}

/// One page of an object's deletions.
pub(crate) async fn page(api: &Api, request: &PullRequest, object: &Object) -> Result<Page, Error> {
    let place = request.cursor.as_ref().map(Place::from_cursor).transpose()?;
    let parts = parts(object)?;
    let (part, mut places) = match place {
        None => (0, vec![None; parts.len()]),
        Some(Place::Deletions(place)) if parts.len() == 1 => (0, vec![Some(place)]),
        Some(Place::DeletionsOfEach { part, places }) if places.len() == parts.len() => (part, places),
        Some(_) => return Err(Checkpoint::foreign()),
    };
    let Some((sobject, place)) = parts.get(part).zip(places.get_mut(part)) else { return Err(Checkpoint::foreign()) };
    let before = place.take().unwrap_or(Deletions { mark: None, covered: None, step: Step::Rest });
    let mut page = of_part(api, object, sobject, before, parts.len() > 1).await?;
    if parts.len() == 1 {
        return Ok(page);
    }
    let Place::Deletions(now) = Place::from_cursor(&page.resume)? else { return Err(Checkpoint::foreign()) };
    *place = Some(now);
    let next = if page.more { part } else { part + 1 };
    let ends = next >= parts.len();
    page.full_load_done &= ends;
    page.more = !ends;
    page.resume = Place::DeletionsOfEach { part: if ends { 0 } else { next }, places }.to_cursor()?;
    Ok(page)
}

/// One page of the deletions of one object. `one_of_several`: what lives of it is not all that lives of its kind.
async fn of_part(
    api: &Api,
    object: &Object,
    sobject: &str,
    place: Deletions,
    one_of_several: bool,
) -> Result<Page, Error> {
    // Asked first: its answer tells Salesforce's clock as well.
    let described = api.described(sobject).await?;
    let names = ["Id", "SystemModstamp", "IsDeleted", "MasterRecordId", "IsConverted", "ConvertedContactId"];
    let wanted = Wanted::only(&names, &described);
    let attempted = format!("read deletions of {sobject} records");
    let walk = Walk { api, object, sobject, attempted, wanted, place, one_of_several };
    match walk.place.step.clone() {
        Step::Rest => walk.bin(settled_until(api), None).await,
        Step::Bin { until, after } => walk.bin(until, Some(after)).await,
        Step::Log { until } if described.replicateable => walk.log(until).await,
        Step::Log { until } => walk.rest(walk.place.clone(), until, Vec::new()),
        Step::Sweep { after } => walk.sweep(after).await,
    }
}

impl Walk<'_> {
    fn page(
        &self,
        tombstones: Vec<Tombstone>,
        place: Deletions,
        more: bool,
        full_load_done: bool,
    ) -> Result<Page, Error> {
        let resume = Place::Deletions(place).to_cursor()?;
        Ok(Page { records: Vec::new(), tombstones, resume, more, full_load_done, undefined: Vec::new() })
    }

    /// The end of a walk.
    fn rest(&self, place: Deletions, until: i64, tombstones: Vec<Tombstone>) -> Result<Page, Error> {
        let first = self.place.mark.is_none();
        let place = Deletions { mark: Some(until), step: Step::Rest, ..place };
        self.page(tombstones, place, false, first)
    }

    /// The next page of the recycle bin, in the order of deletions.
    async fn bin(&self, until: i64, after: Option<Key>) -> Result<Page, Error> {
        let until = until.max(self.place.mark.unwrap_or(0));
        let overlap = i64::try_from(self.api.limits.overlap.as_millis()).unwrap_or(i64::MAX);
        let from = self.place.mark.map(|mark| mark.saturating_sub(overlap).max(0));
        let deleted = Field::from("IsDeleted").is(Comparison::Equal, Literal::Bool(true));
        let gone = if self.wanted.find("IsConverted", 0).is_some() {
            Condition::Any(vec![deleted, Field::from("IsConverted").is(Comparison::Equal, Literal::Bool(true))])
        } else {
            deleted
        };
        let query = Query::select(self.wanted.fields(), self.sobject)?
            .filter(within(from, until, after.as_ref(), vec![gone]))
            .order_by(order())
            .limit(self.api.limits.page);
        let asking = Asking::pull(&self.attempted).including_deleted();
        let page = self.api.query(asking, &query, &self.wanted).await?.map_err(|refusal| self.refused(refusal))?;
        let tombstones = page.rows.iter().filter_map(|row| tombstone(row, &self.wanted, self.object)).collect();
        if page.done && page.rows.len() < self.api.limits.page {
            let place = Deletions { step: Step::Log { until }, ..self.place.clone() };
            return self.page(tombstones, place, true, false);
        }
        let last = page.rows.last().and_then(|row| self.key(row));
        let last = last.filter(|last| after.as_ref().is_none_or(|after| (last.at, &last.id) > (after.at, &after.id)));
        let last = last.ok_or_else(|| self.protocol("the recycle bin's pages go round in circles"))?;
        let place = Deletions { step: Step::Bin { until, after: last }, ..self.place.clone() };
        self.page(tombstones, place, true, false)
    }

    /// The log since it was last read. Whatever it names is looked up: the log does not say that a record was merged.
    async fn log(&self, until: i64) -> Result<Page, Error> {
        let now = self.api.client.server_now();
        let reach = now.saturating_sub(LOG_REACH).millis();
        let wanted_from = self.place.covered.unwrap_or(reach).min(now.millis());
        let start = wanted_from.max(reach).div_euclid(MINUTE) * MINUTE;
        let end = now.millis().div_euclid(MINUTE) * MINUTE;
        // The log takes no window of a minute or less: what is in it now is in it the next time.
        if end.saturating_sub(start) <= MINUTE {
            return self.rest(self.place.clone(), until, Vec::new());
        }
        let path = self.api.paths.deleted(self.sobject, &moment(start), &moment(end));
        let log: Log = match self.api.try_ask(&Call::get(&self.attempted, path, CALL), decode).await? {
            Ok(log) => log,
            Err(refusal) if refusal.is("EXCEEDED_ID_LIMIT") && self.one_of_several => {
                return self.rest(Deletions { covered: Some(end), ..self.place.clone() }, until, Vec::new());
            }
            Err(refusal) if refusal.is("EXCEEDED_ID_LIMIT") => return self.begin_sweep(until, now.millis()),
            Err(refusal) => return Err(self.refused(refusal)),
        };
        let read = |text: &Option<String>| text.as_deref().and_then(instant::parse).map(Timestamp::millis);
        let covered = read(&log.latest_date_covered).unwrap_or(start).clamp(start, now.millis());
        let complete_since = read(&log.earliest_date_available).unwrap_or(start).max(reach);
        // On the first walk nothing was promised; later, a gap means deletions nobody can name any more.
        let gap = self.place.covered.is_some_and(|was| complete_since.saturating_sub(was) > MINUTE);
        let tombstones = self.looked_up(&log.deleted_records).await?;
        let place = Deletions { covered: Some(covered), ..self.place.clone() };
        // Archived activities are not listed among those that live: a gap in their log is left alone.
        if gap && !self.one_of_several {
            tracing::warn!(object = %self.object, "the log of deletions has a gap; every record is listed to find what is gone");
            let place = Deletions { mark: Some(until), step: Step::Sweep { after: None }, ..place };
            return self.page(tombstones, place, true, false);
        }
        self.rest(place, until, tombstones)
    }

    fn begin_sweep(&self, until: i64, covered: i64) -> Result<Page, Error> {
        let place = Deletions { mark: Some(until), covered: Some(covered), step: Step::Sweep { after: None } };
        self.page(Vec::new(), place, true, false)
    }

    /// The next page of everything that lives.
    async fn sweep(&self, after: Option<String>) -> Result<Page, Error> {
        let mut query =
            Query::select(vec!["Id".into()], self.sobject)?.order_by(vec!["Id".into()]).limit(self.api.limits.page);
        if let Some(after) = &after {
            query = query.filter(Field::from("Id").is(Comparison::Greater, Literal::text(after.as_str())));
        }
        let asking = Asking::pull(&self.attempted);
        let page = self.api.query(asking, &query, &self.wanted).await?.map_err(|refusal| self.refused(refusal))?;
        let living: Vec<RecordId> = page.rows.iter().filter_map(|row| row_id(row, &self.wanted)).collect();
        let done = page.done && page.rows.len() < self.api.limits.page;
        let last = living.last().map(|id| id.as_str().to_owned());
        if !done && (last.is_none() || last <= after) {
            return Err(self.protocol("the list of records goes round in circles"));
        }
        let step = if done { Step::Rest } else { Step::Sweep { after: last } };
        let mut page = self.page(Vec::new(), Deletions { step, ..self.place.clone() }, !done, done)?;
        page.records = living.into_iter().map(|id| Record::new(id, Fields::new())).collect();
        Ok(page)
    }

    /// What became of the records the log names.
    async fn looked_up(&self, erased: &[Erased]) -> Result<Vec<Tombstone>, Error> {
        let mut named: BTreeMap<RecordId, Option<Timestamp>> = BTreeMap::new();
        for one in erased {
            if let Some(id) = ids::record_id(&one.id) {
                named.insert(id, one.deleted_date.as_deref().and_then(instant::parse));
            }
        }
        let mut found: BTreeMap<RecordId, Option<Tombstone>> = BTreeMap::new();
        let literals = named.keys().map(|id| Literal::text(id.as_str())).collect();
        for chunk in chunks(literals, 500, LONGEST_PAGE) {
            let query = Query::select(self.wanted.fields(), self.sobject)?.filter(Field::from("Id").one_of(chunk));
            let asking = Asking::pull(&self.attempted).including_deleted();
            let rows =
                self.api.every_row(asking, &query, &self.wanted).await?.map_err(|refusal| self.refused(refusal))?;
            for row in rows {
                let Some(id) = row_id(&row, &self.wanted) else { continue };
                // Back from the recycle bin: the stream of records tells it.
                let gone = row.flag(&self.wanted, "IsDeleted");
                found.insert(id, tombstone(&row, &self.wanted, self.object).filter(|_| gone));
            }
        }
        let told = named.into_iter().filter_map(|(id, deleted_at)| match found.remove(&id) {
            Some(told) => told,
            None => Some(Tombstone { id, deleted_at, merged_into: None }),
        });
        Ok(told.collect())
    }

    fn key(&self, row: &Row) -> Option<Key> {
        let at = row.instant(&self.wanted, "SystemModstamp")?.millis();
        Some(Key { at, id: row_id(row, &self.wanted)?.as_str().to_owned() })
    }

    fn refused(&self, refusal: Refusal) -> Error {
        refusal.into_error(&self.attempted)
    }

    fn protocol(&self, why: &str) -> Error {
        Error::new(ErrorKind::Protocol, self.attempted.as_str(), why)
    }
}

/// An instant as the log takes it; it ignores seconds.
fn moment(millis: i64) -> String {
    Timestamp::from_millis(millis).to_rfc3339().replace('Z', "+00:00")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_asked_with_an_offset() {
        assert_eq!(moment(1_772_600_760_000), "2026-03-04T05:06:00+00:00");
    }
}
