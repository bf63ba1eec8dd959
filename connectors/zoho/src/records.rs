//! The stream of live records, in the order of changes: a first page as a list, which Zoho answers with nothing where
//! nothing changed; what is more comes by queries of up to 2,000, by page tokens where queries do not tell everything, or,
//! for a large first load, by bulk jobs.
//!
//! Stamps have whole seconds, and many records share one. So a walk begins an overlap before the last mark, and a mark is
//! when a walk began, by Zoho's own clock.

use std::sync::Arc;

use connector::{DealStatus, Error, ErrorKind, FieldName, Object, Page, PullRequest, Record, Timestamp, Tombstone};
use connector_http::Checkpoint;

use crate::api::{Api, Refusal};
use crate::bulk_read;
use crate::convert::{Reading, Told};
use crate::coql::{Query, after};
use crate::cursor::{How, Job, Key, Place, Walk};
use crate::listing::{Listing, is_token_refusal};
use crate::paths;
use crate::roles::page_of;
use crate::rows::{Row, Rows};
use crate::stages::Stages;
use crate::wanted::{MODIFIED, Wanted};

/// Ways of going on within one call: none of them is tried twice at one place.
const MOST_TURNS: usize = 6;

/// What every page of one request shares.
pub(crate) struct Pull<'a> {
    pub api: &'a Api,
    pub object: &'a Object,
    pub request: &'a PullRequest,
    pub module: &'a str,
    pub wanted: Wanted,
    /// Whether deals are told with contact roles.
    pub roles: bool,
    pub attempted: String,
}

/// What one call brought, and how the part goes on; `None` where it is done.
pub(crate) struct Brought {
    pub rows: Vec<Row>,
    pub next: Option<Walk>,
}

/// One page of an object's records.
pub(crate) async fn page(api: &Api, request: &PullRequest, object: &Object) -> Result<Page, Error> {
    let parts = paths::parts(object)?;
    let place = request.cursor.as_ref().map(Place::from_cursor).transpose()?;
    let part = match &place {
        Some(Place::Walk(walk)) => walk.part,
        _ => 0,
    };
    let Some(module) = parts.get(part) else { return Err(Checkpoint::foreign()) };
    // Asked first: its answer tells Zoho's clock as well.
    let wanted = api.wanted(module, &request.fields).await?;
    let walk = match place {
        None => whole(api),
        Some(Place::Walk(walk)) => walk,
        Some(Place::Changes { mark }) => since(api, mark),
        Some(_) => return Err(Checkpoint::foreign()),
    };
    let attempted = format!("read a page of {module}");
    let roles = api.tells_roles(object, &request.links).await?;
    let mut pull = Pull { api, object, request, module, wanted, roles, attempted };
    let brought = pull.bring(walk.clone()).await?;
    pull.finish(walk, brought, &parts).await
}

pub(crate) fn server_secs(api: &Api) -> i64 {
    api.client.server_now().millis().div_euclid(1_000)
}

fn overlap(api: &Api) -> i64 {
    i64::try_from(api.limits.overlap.as_secs()).unwrap_or(i64::MAX)
}

/// Since when is asked for after a mark.
pub(crate) fn before(api: &Api, mark: i64) -> i64 {
    mark.saturating_sub(overlap(api)).max(0)
}

fn whole(api: &Api) -> Walk {
    Walk { part: 0, from: None, began: server_secs(api), after: None, how: How::List }
}

fn since(api: &Api, mark: i64) -> Walk {
    // The clock of another of their servers may be behind: a mark never goes back.
    let began = server_secs(api).max(mark);
    Walk { part: 0, from: Some(before(api, mark)), began, after: None, how: How::List }
}

impl Pull<'_> {
    async fn bring(&mut self, mut walk: Walk) -> Result<Brought, Error> {
        let mut described_again = false;
        for _ in 0..MOST_TURNS {
            let refusal = match walk.how.clone() {
                How::Job(job) => match bulk_read::bring(self, &walk, &job).await? {
                    Ok(brought) => return Ok(brought),
                    Err(instead) => {
                        walk = instead;
                        continue;
                    }
                },
                How::Query => match self.by_query(&walk).await? {
                    Ok(brought) => return Ok(brought),
                    Err(why) => {
                        tracing::warn!(module = self.module, %why, "no query is answered; pages of lists it is");
                        self.api.stop_querying(self.module);
                        walk.how = How::List;
                        continue;
                    }
                },
                How::List => {
                    let since = walk.after.as_ref().map(|key| key.at).or(walk.from).map(|at| at.saturating_sub(1));
                    match self.by_list(&walk, since, None).await? {
                        Ok(brought) => return Ok(brought),
                        Err(refusal) => refusal,
                    }
                }
                How::Token { token, fields, since } => {
                    if fields != self.api.fingerprint(&self.wanted) {
                        walk.how = How::List;
                        continue;
                    }
                    match self.by_list(&walk, since, Some(&token)).await? {
                        Ok(brought) => return Ok(brought),
                        Err(refusal) if is_token_refusal(&refusal) => {
                            walk.how = How::List;
                            continue;
                        }
                        Err(refusal) => refusal,
                    }
                }
            };
            if described_again || refusal.status != 400 || refusal.is("INVALID_MODULE") {
                return Err(refusal.into_error(&self.attempted));
            }
            // A field may have gone since the module was described.
            described_again = true;
            let described = self.api.describe_again(self.module).await?;
            self.wanted = Wanted::new(self.module, &self.request.fields, &described);
        }
        Err(self.protocol("no way of reading on was answered"))
    }

    async fn by_list(
        &self,
        walk: &Walk,
        since: Option<i64>,
        token: Option<&str>,
    ) -> Result<Result<Brought, Refusal>, Error> {
        let listing = Listing { attempted: &self.attempted, module: self.module, order: MODIFIED, since, token };
        let page = match self.api.listed(&listing, &self.wanted).await? {
            Ok(page) => page,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let key = self.last_of(&page)?;
        let first = walk.after.is_none();
        // The last record is told again where a list begins with its second.
        let stands = walk.after.as_ref().is_some_and(|after| key.as_ref().is_none_or(|key| !key.comes_after(after)));
        if page.more && stands && token.is_none() && page.next.is_none() {
            return Err(self.protocol("Zoho's pages go round in circles: one brought no later record"));
        }
        let how = if !page.more {
            None
        } else if first && walk.from.is_none() && self.is_worth_a_job().await? {
            bulk_read::create(self, None).await?.map(|id| How::Job(Job { id, delivered: 0, lost: 0 }))
        } else {
            None
        };
        let next = match (page.more, how) {
            (false, _) => None,
            (true, Some(job)) => Some(Walk { after: key, how: job, ..walk.clone() }),
            // Whoever walks by tokens goes on so: that queries are not answered is forgotten by a restart.
            (true, None) if token.is_none() && self.api.may_query(self.module) && key.is_some() => {
                Some(Walk { after: key, how: How::Query, ..walk.clone() })
            }
            (true, None) => {
                let token =
                    page.next.clone().ok_or_else(|| self.protocol("a page that is not the last names no next"))?;
                let how = How::Token { token, fields: self.api.fingerprint(&self.wanted), since };
                Some(Walk { after: key.or(walk.after.clone()), how, ..walk.clone() })
            }
        };
        Ok(Ok(Brought { rows: page.rows, next }))
    }

    async fn by_query(&self, walk: &Walk) -> Result<Result<Brought, Error>, Error> {
        let Some(key) = &walk.after else { return Err(Checkpoint::foreign()) };
        let calls = self.wanted.calls();
        let query = Query {
            columns: calls.first().map(Vec::as_slice).unwrap_or_default(),
            module: self.module,
            condition: after(key.instant(), &key.id),
            order: "Modified_Time asc, id asc",
            limit: page_of(self.api.limits.query_page, self.roles),
        };
        let priority = connector_http::Priority::Pull;
        let page = match self.api.query(&self.attempted, priority, &query, &self.wanted).await {
            Ok(Ok(page)) => page,
            Ok(Err(refusal)) => return Ok(Err(refusal.into_error(&self.attempted))),
            // A scope of its own, which not every app has.
            Err(error) if error.kind == ErrorKind::Forbidden => return Ok(Err(error)),
            Err(error) => return Err(error),
        };
        let more = page.more || page.rows.len() >= query.limit;
        let last = self.last_of(&page)?;
        if !more {
            return Ok(Ok(Brought { rows: page.rows, next: None }));
        }
        let last = last.filter(|last| last.comes_after(key));
        let last =
            last.ok_or_else(|| self.protocol("Zoho's queries go round in circles: one brought no later record"))?;
        let next = Walk { after: Some(last), ..walk.clone() };
        Ok(Ok(Brought { rows: page.rows, next: Some(next) }))
    }

    /// Whether what there is is worth a bulk job.
    async fn is_worth_a_job(&self) -> Result<bool, Error> {
        let able = matches!(self.object, Object::Contact | Object::Lead | Object::Company | Object::Deal);
        if !able || self.api.limits.bulk_read_above == u64::MAX {
            return Ok(false);
        }
        Ok(self.api.count(self.module).await? > self.api.limits.bulk_read_above)
    }

    fn last_of(&self, page: &Rows) -> Result<Option<Key>, Error> {
        let Some(row) = page.rows.last() else { return Ok(None) };
        let at = row.instant(&self.wanted, MODIFIED);
        let key = at.map(|at| Key { at: at.millis().div_euclid(1_000), id: row.id.as_str().to_owned() });
        key.map(Some).ok_or_else(|| self.protocol("a record came without its change stamp"))
    }

    pub fn protocol(&self, why: &str) -> Error {
        Error::new(ErrorKind::Protocol, self.attempted.as_str(), why)
    }

    async fn finish(&self, walk: Walk, brought: Brought, parts: &[&str]) -> Result<Page, Error> {
        let Brought { mut rows, next } = brought;
        let priority = connector_http::Priority::Pull;
        if !matches!(walk.how, How::Job(_)) {
            self.api.complete(&self.attempted, priority, self.module, &mut rows, &self.wanted).await?;
        }
        let (records, tombstones) = self.api.told(self.object, &self.wanted, &self.request.links, rows).await?;
        let since = self.request.since;
        let records = records.into_iter().filter(|record| since.is_none_or(|since| !closed_before(record, since)));
        let mut records: Vec<Record> = records.collect();
        if self.roles {
            self.api.add_roles(&mut records).await?;
        }
        let full = walk.from.is_none();
        let (resume, more) = go_on(walk, next, parts.len());
        let undefined = self.undefined(parts).await?;
        let resume = resume.to_cursor()?;
        Ok(Page { records, tombstones, resume, more, full_load_done: full && !more, undefined })
    }

    /// Asked for and defined in none of the modules this kind of record is spread over.
    async fn undefined(&self, parts: &[&str]) -> Result<Vec<FieldName>, Error> {
        let mut undefined = self.wanted.undefined.clone();
        for other in parts.iter().filter(|part| **part != self.module) {
            if !undefined.is_empty() {
                let described = self.api.described(other).await?;
                undefined.retain(|name| described.field(name).is_none());
            }
        }
        Ok(undefined)
    }
}

fn closed_before(record: &Record, since: Timestamp) -> bool {
    let closed = record.deal.as_ref().filter(|deal| deal.status != DealStatus::Open).and_then(|deal| deal.closed_at);
    closed.is_some_and(|closed| closed < since)
}

/// The next place, and whether asking again now brings more.
fn go_on(walk: Walk, next: Option<Walk>, parts: usize) -> (Place, bool) {
    match next {
        Some(next) => (Place::Walk(next), true),
        None if walk.part + 1 < parts => {
            (Place::Walk(Walk { part: walk.part + 1, after: None, how: How::List, ..walk }), true)
        }
        None => (Place::Changes { mark: walk.began }, false),
    }
}

impl Api {
    /// What is asked for of a module. A field that is not known is looked for once more in a fresh description.
    pub async fn wanted(&self, module: &str, fields: &[FieldName]) -> Result<Wanted, Error> {
        let described = self.described_with(module, fields.iter()).await?;
        Ok(Wanted::new(module, fields, &described))
    }

    /// Rows as records and tombstones, with everything their meaning depends on.
    pub async fn told(
        &self,
        object: &Object,
        wanted: &Wanted,
        links: &[Object],
        rows: Vec<Row>,
    ) -> Result<(Vec<Record>, Vec<Tombstone>), Error> {
        if rows.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let address = self.record_address(object).await?;
        let (stages, currency): (Option<Arc<Stages>>, _) = match object {
            Object::Deal => {
                let of_row = |row| {
                    let row: &Row = row;
                    Some((row.text(wanted, "Pipeline").map(|text| &**text), &**row.text(wanted, "Stage")?))
                };
                let named: Vec<_> = rows.iter().filter_map(of_row).collect();
                (Some(self.stages(&named).await?), self.organisation().await?.currency.clone())
            }
            _ => (None, None),
        };
        let reading = Reading {
            object,
            wanted,
            address: address.as_deref(),
            currency: currency.as_ref(),
            links,
            stages: stages.as_deref(),
        };
        let (mut records, mut tombstones) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in rows {
            match reading.told(row) {
                Told::Alive(record) => records.push(*record),
                Told::Gone(stone) => tombstones.extend(stone),
            }
        }
        Ok((records, tombstones))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(part: usize) -> Walk {
        Walk { part, from: None, began: 9, after: None, how: How::List }
    }

    #[test]
    fn parts_follow_each_other_and_the_mark_is_when_the_walk_began() {
        assert_eq!(go_on(walk(0), None, 2), (Place::Walk(walk(1)), true));
        assert_eq!(go_on(walk(1), None, 2), (Place::Changes { mark: 9 }, false));
        let next = Walk { after: Some(Key { at: 4, id: "1".into() }), how: How::Query, ..walk(0) };
        assert_eq!(go_on(walk(0), Some(next.clone()), 1), (Place::Walk(next), true));
    }
}
