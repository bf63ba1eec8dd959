//! The delivery of one push: rows by the way their number asks for, and again what lacked only a stand-in.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use connector::{Error, ErrorKind, Fields, Link, Object, Outcome, Reason, RecordId, Timestamp};
use connector_http::Priority;
use futures::future::join_all;

use super::calls::{self, MOST_ROWS, RowAnswer, Told};
use super::guard;
use super::outgoing::{How, Lane, Sent};
use super::reject::{LOCKED_PAUSE, Meaning, holder, meaning, rejection};
use crate::api::{Api, Refusal};
use crate::bulk_write::{self, Ended};
use crate::convert::{continued, is_converted};
use crate::create::complete;
use crate::schema::Described;
use crate::wire::Fault;

/// Calls in flight at once: Zoho counts large writes apart, and gives them ten places.
const PARALLEL: usize = 3;
/// Lost answers in a row after which nothing more is sent.
const LOST: u32 = 2;
/// When to come back where a quota says nothing itself.
const QUOTA_PAUSE: Duration = Duration::from_secs(900);

pub(super) struct Delivery<'d> {
    api: &'d Api,
    outcomes: BTreeMap<usize, Outcome>,
    /// Once a call failed without effect, the rest is not sent either.
    stopped: Option<Error>,
    until: Timestamp,
    lost: u32,
}

/// Rows of a lane that are not settled by their answer.
#[derive(Default)]
struct Left<'a> {
    queue: VecDeque<Vec<Sent<'a>>>,
    completed: Vec<Sent<'a>>,
    missing: Vec<(Sent<'a>, Fault)>,
    /// To be created, and there already: under the id of the record that is.
    adopted: Vec<Sent<'a>>,
}

/// The record a create under an assignment rule turned out to mean.
fn adopted(lane: &Lane, fault: &Fault) -> Option<RecordId> {
    match &lane.how {
        How::Assigned { key: Some(key), .. } => holder(key, fault),
        _ => None,
    }
}

impl<'d> Delivery<'d> {
    pub fn new(api: &'d Api, outcomes: BTreeMap<usize, Outcome>) -> Self {
        let until = api.clock.now().saturating_add(api.limits.longest_push);
        Self { api, outcomes, stopped: None, until, lost: 0 }
    }

    pub fn finish(self) -> (BTreeMap<usize, Outcome>, Option<Error>) {
        (self.outcomes, self.stopped)
    }

    pub async fn run<'a>(&mut self, lane: &Lane, described: &Described, rows: Vec<Sent<'a>>) {
        let rows = match self.why_stop() {
            Some(error) => return self.defer(rows.iter(), &error),
            None => rows,
        };
        let rows = match guard::strangers(self.api, lane, described, &rows).await {
            Ok(held) => {
                let (rows, settled) = guard::keep_out(lane, described, rows, &held);
                self.outcomes.extend(settled);
                rows
            }
            // Nobody says; the answer itself tells by which field a record was matched.
            Err(error) if error.kind == ErrorKind::Transient => rows,
            Err(error) => {
                self.defer(&rows, &error);
                self.stopped.get_or_insert(error);
                return;
            }
        };
        let plain = lane.how == How::ById { look: None };
        let rows = match plain && rows.len() > self.api.limits.bulk_write_above {
            true => self.by_jobs(lane, described, rows).await,
            false => rows,
        };
        let adopted = self.by_calls(lane, described, rows).await;
        self.by_calls(&lane.by_id(), described, adopted).await;
    }

    /// Why nothing more is sent, if so.
    fn why_stop(&self) -> Option<Error> {
        if let Some(error) = &self.stopped {
            return Some(error.clone());
        }
        let cause = "the push has taken its time; the rest comes with the next one";
        (self.api.clock.now() >= self.until).then(|| Error::new(ErrorKind::Transient, "write records", cause))
    }

    fn defer<'s, 'a: 's>(&mut self, rows: impl IntoIterator<Item = &'s Sent<'a>>, error: &Error) {
        for sent in rows {
            self.outcomes.insert(sent.place, Outcome::Deferred(error.clone()));
        }
    }

    /// Sends what a job can say as jobs; the rest is returned.
    async fn by_jobs<'a>(&mut self, lane: &Lane, described: &Described, rows: Vec<Sent<'a>>) -> Vec<Sent<'a>> {
        let (mut fit, mut rest): (Vec<_>, Vec<_>) = rows.into_iter().partition(bulk_write::fits);
        if fit.len() <= self.api.limits.bulk_write_above {
            rest.append(&mut fit);
            return rest;
        }
        let mut left = Left::default();
        while !fit.is_empty() {
            let more = fit.split_off(fit.len().min(bulk_write::MOST_ROWS));
            let mine = std::mem::replace(&mut fit, more);
            if let Some(error) = self.why_stop() {
                self.defer(&mine, &error);
                continue;
            }
            match bulk_write::run(self.api, lane, described, &mine, self.until).await {
                Ended::Rows(answers) => {
                    self.take(lane, described, mine, answers, &mut left);
                    if bulk_write::is_pending(self.api) {
                        let cause = "a bulk job of before may still be under way; the rest comes when it is over";
                        self.stopped.get_or_insert(Error::new(ErrorKind::Transient, lane.attempted(), cause));
                    }
                }
                Ended::Declined(why) => {
                    tracing::debug!(why, "Zoho takes no bulk job for this; calls it is");
                    rest.extend(mine);
                }
            }
        }
        self.look(lane, described, left.missing).await;
        rest
    }

    /// Sends rows call by call. Returned is what is to be written to records that are there already.
    async fn by_calls<'a>(&mut self, lane: &Lane, described: &Described, mut rows: Vec<Sent<'a>>) -> Vec<Sent<'a>> {
        let mut left = Left::default();
        while !rows.is_empty() {
            let more = rows.split_off(rows.len().min(MOST_ROWS));
            left.queue.push_back(std::mem::replace(&mut rows, more));
        }
        while !left.queue.is_empty() || !left.completed.is_empty() {
            if left.queue.is_empty() {
                left.queue.push_back(std::mem::take(&mut left.completed));
            }
            let round: Vec<Vec<Sent<'a>>> = (0..PARALLEL).filter_map(|_| left.queue.pop_front()).collect();
            if let Some(error) = self.why_stop() {
                self.defer(round.iter().flatten(), &error);
                continue;
            }
            let told = join_all(round.iter().map(|batch| calls::send(self.api, lane, described, batch))).await;
            for (batch, told) in round.into_iter().zip(told) {
                match told {
                    Told::Rows(answers) => self.take(lane, described, batch, answers, &mut left),
                    Told::Refused(refusal) => self.refused(lane, described, batch, *refusal, &mut left),
                }
            }
        }
        self.look(lane, described, left.missing).await;
        left.adopted
    }

    /// A whole call was refused and nothing of it applied. Where one row may be to blame, the call is halved until the
    /// bad rows stand alone.
    fn refused<'a>(
        &mut self,
        lane: &Lane,
        described: &Described,
        mut batch: Vec<Sent<'a>>,
        refusal: Refusal,
        left: &mut Left<'a>,
    ) {
        let blames_a_row = matches!(refusal.status, 400 | 412 | 413)
            && !["INVALID_MODULE", "NO_PERMISSION", "AUTHORIZATION_FAILED", "REQUIRED_PARAM_MISSING", ""]
                .iter()
                .any(|code| refusal.is(code));
        let no_rule = refusal.fault.details.api_name.as_deref() == Some("lar_id");
        if no_rule {
            self.api.rules.forget();
            let error =
                Error::new(ErrorKind::Config, lane.attempted(), "Zoho does not know the assignment rule any more");
            let error =
                error.with_fix("name another one (assignment_rule), or let Ferry choose (assignment = \"ours\")");
            self.defer(&batch, &error);
            self.stopped.get_or_insert(error);
        } else if !blames_a_row {
            let error = refusal.into_error(&lane.attempted());
            self.defer(&batch, &error);
            self.stopped.get_or_insert(error);
        } else if batch.len() == 1 {
            let answers = vec![RowAnswer::Refused(refusal.fault)];
            self.take(lane, described, batch, answers, left);
        } else {
            let second = batch.split_off(batch.len() / 2);
            left.queue.push_back(batch);
            left.queue.push_back(second);
        }
    }

    /// Settles the rows of one call, or puts them where they go next.
    fn take<'a>(
        &mut self,
        lane: &Lane,
        described: &Described,
        rows: Vec<Sent<'a>>,
        answers: Vec<RowAnswer>,
        left: &mut Left<'a>,
    ) {
        let all_lost = !answers.is_empty() && answers.iter().all(|answer| matches!(answer, RowAnswer::Lost(_)));
        self.lost = if all_lost { self.lost + 1 } else { 0 };
        for (sent, answer) in rows.into_iter().zip(answers) {
            match answer {
                RowAnswer::Done { id, created, modified_at } => {
                    let outcome = Outcome::Done { id, created, kept: Fields::new(), modified_at };
                    self.outcomes.insert(sent.place, outcome);
                }
                RowAnswer::Lost(error) => {
                    if self.lost >= LOST && self.stopped.is_none() {
                        self.stopped = Some(Error { maybe_applied: false, ..error.clone() });
                    }
                    self.outcomes.insert(sent.place, Outcome::Ambiguous(error));
                }
                RowAnswer::NotSent(error) => {
                    self.outcomes.insert(sent.place, Outcome::Deferred(error.clone()));
                    self.stopped.get_or_insert(error);
                }
                RowAnswer::Refused(fault) => match meaning(lane, &fault) {
                    Meaning::Final(Reason::Duplicate { .. }) if adopted(lane, &fault).is_some() => {
                        let id = adopted(lane, &fault).map(|id| id.as_str().to_owned());
                        left.adopted.push(Sent { key: id.unwrap_or_default(), seen: None, ..sent });
                    }
                    Meaning::Final(reason) => self.reject(described, &sent, reason, &fault),
                    Meaning::Missing => left.missing.push((sent, fault)),
                    Meaning::Incomplete(name) => {
                        match complete(&lane.object, &sent.fields, &name, &self.api.creation) {
                            Some(fields) => left.completed.push(Sent { fields: Cow::Owned(fields), ..sent }),
                            None => self.reject(described, &sent, Reason::Invalid, &fault),
                        }
                    }
                    Meaning::Later(kind) => self.not_now(lane, &sent, kind, &fault),
                },
            }
        }
    }

    fn reject(&mut self, described: &Described, sent: &Sent<'_>, reason: Reason, fault: &Fault) {
        let spelt = |name: &str| described.spelt(name).map_or_else(|| name.to_owned(), ToString::to_string);
        self.outcomes.insert(sent.place, Outcome::Rejected(rejection(reason, fault, sent, spelt)));
    }

    fn not_now(&mut self, lane: &Lane, sent: &Sent<'_>, kind: ErrorKind, fault: &Fault) {
        let mut error = Error::new(kind, lane.attempted(), fault.cause(207));
        if kind == ErrorKind::Quota {
            error = error.with_retry_at(self.api.clock.now().saturating_add(QUOTA_PAUSE));
            self.stopped.get_or_insert_with(|| error.clone());
        }
        self.outcomes.insert(sent.place, Outcome::Deferred(error));
    }

    /// What became of records that no update finds: a lead may go on as a contact; anything else is deleted, or was merged
    /// into another, which Zoho tells nobody.
    async fn look(&mut self, lane: &Lane, described: &Described, missing: Vec<(Sent<'_>, Fault)>) {
        if missing.is_empty() {
            return;
        }
        let went = match lane.object {
            Object::Lead => self.converted(lane, &missing).await,
            _ => Ok(BTreeMap::new()),
        };
        match went {
            Ok(went) => {
                for (sent, fault) in missing {
                    let reason = match went.get(&sent.key) {
                        Some(into) => Reason::Merged { into: into.clone() },
                        None if fault.is("RECORD_LOCKED") => Reason::Locked { retry_after: Some(LOCKED_PAUSE) },
                        None => Reason::Gone,
                    };
                    self.reject(described, &sent, reason, &fault);
                }
            }
            // Not applied, and asked again with the next push.
            Err(error) => self.defer(missing.iter().map(|(sent, _)| sent), &error),
        }
    }

    async fn converted(
        &self,
        lane: &Lane,
        missing: &[(Sent<'_>, Fault)],
    ) -> Result<BTreeMap<String, Option<Link>>, Error> {
        let wanted = self.api.wanted(&lane.module, &[]).await?;
        let ids: Vec<&str> = missing.iter().map(|(sent, _)| sent.key.as_str()).collect();
        let attempted = "look where converted leads went";
        let rows = self.api.by_ids(attempted, Priority::Push, &lane.module, &ids, &wanted).await?;
        let of_row = |row: &crate::rows::Row| {
            let into = continued(row, &wanted, None).and_then(|stone| stone.merged_into);
            is_converted(row, &wanted).then(|| (RecordId::as_str(&row.id).to_owned(), into))
        };
        Ok(rows.iter().filter_map(of_row).collect())
    }
}
