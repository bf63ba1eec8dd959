//! The delivery of one push: rows by the way their number asks for, and again what is refused only for the moment.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use connector::{Error, ErrorKind, Fields, Outcome, Reason, RecordId, Timestamp};

use crate::answer::RowAnswer;
use crate::api::Api;
use crate::choice::{COLLECTION, Route, route};
use crate::collections::{self, Told};
use crate::ingest::{self, Ended, fits, sheets};
use crate::leftover::{Company, Next, next};
use crate::locks::{COME_BACK, LOCK_TRIES, arrange, call_size, pause};
use crate::outgoing::{How, Lane, Sent};
use crate::refusal::RowRefusal;
use crate::reject::{Meaning, hopeless_field, meaning, rejection};
use crate::single;

/// Jobs for the same rows; what is left then goes by calls, one after the other.
const JOBS: u32 = 2;
/// Sendings of rows that others took with them.
const ROUNDS: u32 = 3;
/// Calls for finding the rows an org's automation fails for, and for asking what a duplicate rule matched, in one push.
const SPARE_CALLS: usize = 64;
/// Lost answers in a row after which nothing more is sent.
const LOST: u32 = 2;
/// When to come back where a quota says nothing itself.
const QUOTA_PAUSE: Duration = Duration::from_secs(900);

/// Rows to be sent.
pub(crate) struct Task<'a> {
    pub lane: Lane,
    pub rows: Vec<Sent<'a>>,
    /// Sendings lost to locks, this one included.
    pub tries: u32,
    pub jobs: u32,
    pub rounds: u32,
    pub pause: Duration,
}

impl<'a> Task<'a> {
    fn first(lane: Lane, rows: Vec<Sent<'a>>) -> Self {
        Self { lane, rows, tries: 1, jobs: 0, rounds: 1, pause: Duration::ZERO }
    }

    /// Other rows under the same history.
    fn with(&self, rows: Vec<Sent<'a>>) -> Self {
        Self { lane: self.lane.clone(), rows, pause: Duration::ZERO, ..*self }
    }
}

/// Rows of a task that are not settled by their answer, each with the refusal it had.
#[derive(Default)]
pub(crate) struct Leftovers<'a> {
    pub locked: Vec<(Sent<'a>, RowRefusal)>,
    pub innocent: Vec<(Sent<'a>, String)>,
    /// By call: a call's rows are parted together.
    pub apart: Vec<Vec<(Sent<'a>, RowRefusal)>>,
    pub alone: Vec<(Sent<'a>, RowRefusal)>,
    pub completed: Vec<Sent<'a>>,
    pub adopted: Vec<Sent<'a>>,
    pub look: Vec<(Sent<'a>, RowRefusal)>,
    pub look_for_holder: Vec<(Sent<'a>, RowRefusal)>,
}

pub(crate) struct Delivery<'d, 'a> {
    pub(crate) api: &'d Api,
    outcomes: BTreeMap<usize, Outcome>,
    stopped: Option<Error>,
    until: Timestamp,
    lost: u32,
    spare: usize,
    pub(crate) tasks: VecDeque<Task<'a>>,
}

impl<'d, 'a> Delivery<'d, 'a> {
    pub fn new(api: &'d Api, outcomes: BTreeMap<usize, Outcome>, until: Timestamp) -> Self {
        Self { api, outcomes, stopped: None, until, lost: 0, spare: SPARE_CALLS, tasks: VecDeque::new() }
    }

    pub fn finish(self) -> (BTreeMap<usize, Outcome>, Option<Error>) {
        (self.outcomes, self.stopped)
    }

    pub async fn run(&mut self, lane: &Lane, rows: Vec<Sent<'a>>) {
        self.tasks.push_back(Task::first(lane.clone(), rows));
        while let Some(task) = self.tasks.pop_front() {
            if !task.pause.is_zero() && self.why_stop().is_none() {
                self.api.clock.sleep(task.pause).await;
            }
            let may_bulk = task.lane.may_bulk() && task.jobs < JOBS;
            let daily = self.api.client.budget().daily;
            let mut left = Leftovers::default();
            let task = match route(task.rows.len(), may_bulk, self.api.limits.bulk_ingest_above, daily.as_ref()) {
                Route::Bulk => self.by_jobs(task, &mut left).await,
                Route::Single if goes_alone(&task) => self.by_itself(task, &mut left).await,
                Route::Single | Route::Collections => self.by_calls(task, &mut left).await,
            };
            self.follow_up(&task, left).await;
        }
    }

    /// Why nothing more is sent, if so.
    pub(crate) fn why_stop(&self) -> Option<Error> {
        if let Some(error) = &self.stopped {
            return Some(error.clone());
        }
        let cause = "the push has taken its time; the rest comes with the next one";
        (self.api.clock.now() >= self.until).then(|| Error::new(ErrorKind::Transient, "write records", cause))
    }

    pub(crate) fn settle(&mut self, sent: &Sent<'_>, outcome: Outcome) {
        self.outcomes.insert(sent.place, outcome);
    }

    pub(crate) fn reject(&mut self, sent: &Sent<'_>, reason: Reason, refusal: &RowRefusal) {
        self.settle(sent, Outcome::Rejected(rejection(reason, refusal)));
    }

    fn defer<'s>(&mut self, rows: impl IntoIterator<Item = &'s Sent<'a>>, error: &Error)
    where
        'a: 's,
    {
        for sent in rows {
            self.settle(sent, Outcome::Deferred(error.clone()));
        }
    }

    async fn by_itself(&mut self, mut task: Task<'a>, left: &mut Leftovers<'a>) -> Task<'a> {
        for sent in std::mem::take(&mut task.rows) {
            match self.why_stop() {
                Some(error) => self.defer([&sent], &error),
                None => {
                    let answer = single::send(self.api, &task.lane, &sent).await;
                    self.take(&task.lane, vec![sent], vec![answer], true, left);
                }
            }
        }
        task
    }

    async fn by_calls(&mut self, mut task: Task<'a>, left: &mut Leftovers<'a>) -> Task<'a> {
        let rows = std::mem::take(&mut task.rows);
        for call in arrange(rows, call_size(COLLECTION, task.tries), |sent| sent.write.hints.parent.clone()) {
            if let Some(error) = self.why_stop() {
                self.defer(&call, &error);
                continue;
            }
            match collections::send(self.api, &task.lane, &call).await {
                Told::Rows(answers) => self.take(&task.lane, call, answers, false, left),
                Told::Refused(refusal) => self.refused(&task.lane, call, refusal, left),
                Told::Failed(error) => {
                    let answers = vec![crate::answer::of_failure(error); call.len()];
                    self.take(&task.lane, call, answers, false, left);
                }
            }
        }
        task
    }

    async fn by_jobs(&mut self, mut task: Task<'a>, left: &mut Leftovers<'a>) -> Task<'a> {
        let rows = std::mem::take(&mut task.rows);
        let (rows, unsayable): (Vec<_>, Vec<_>) = rows.into_iter().partition(fits);
        if !unsayable.is_empty() {
            self.tasks.push_back(Task { jobs: JOBS, ..task.with(unsayable) });
        }
        // Neighbours in the file are neighbours in Salesforce's own batches of 200.
        let mut rows = arrange(rows, COLLECTION, |sent| sent.write.hints.parent.clone()).concat();
        task.jobs += 1;
        let files = sheets(&task.lane, &rows, self.api.limits.bulk_file_bytes);
        for sheet in files.iter().rev() {
            // From the end, so that what is cut off stays the file's rows.
            let mine = rows.split_off(sheet.rows.start);
            if let Some(error) = self.why_stop() {
                self.defer(&mine, &error);
                continue;
            }
            match ingest::run(self.api, &task.lane, &mine, sheet, self.until).await {
                Ended::Rows(answers) => {
                    self.take(&task.lane, mine, answers, false, left);
                    if ingest::is_pending(self.api) {
                        let cause = "a bulk job of before may still be under way; the rest comes when it is over";
                        let error = Error::new(ErrorKind::Transient, task.lane.attempted(), cause);
                        self.stopped.get_or_insert(error);
                    }
                }
                Ended::Declined(refusal) => {
                    tracing::debug!(code = %refusal.code, "Salesforce takes no bulk job for this; calls it is");
                    self.tasks.push_back(Task { jobs: JOBS, ..task.with(mine) });
                }
            }
        }
        task
    }

    /// A whole call was refused and nothing of it applied. Whoever names a field that no write can set is out at once;
    /// otherwise the call is parted until the bad rows stand alone.
    fn refused(&mut self, lane: &Lane, call: Vec<Sent<'a>>, refusal: RowRefusal, left: &mut Leftovers<'a>) {
        let mut call = call;
        if let Some(field) = hopeless_field(&refusal) {
            let (named, rest): (Vec<_>, Vec<_>) =
                call.into_iter().partition(|sent| sent.fields.names().any(|name| name.eq_ignore_ascii_case(field)));
            let found = !named.is_empty();
            for sent in named {
                self.reject(&sent, reason_of(&refusal), &refusal);
            }
            if found {
                left.innocent.extend(rest.into_iter().map(|sent| (sent, "another row's field".to_owned())));
                return;
            }
            call = rest;
        }
        let for_all = matches!(meaning(&refusal, lane.naming()), Meaning::Locked | Meaning::Later(_));
        if call.len() == 1 || for_all {
            let answers = vec![RowAnswer::Refused(refusal); call.len()];
            self.take(lane, call, answers, false, left);
        } else {
            left.apart.push(call.into_iter().map(|sent| (sent, refusal.clone())).collect());
        }
    }

    /// Settles the rows of one call, or puts them where they go next.
    fn take(
        &mut self,
        lane: &Lane,
        rows: Vec<Sent<'a>>,
        answers: Vec<RowAnswer>,
        single: bool,
        left: &mut Leftovers<'a>,
    ) {
        let company = Company { rows: rows.len(), single };
        let all_lost = answers.iter().all(|answer| matches!(answer, RowAnswer::Lost(_)));
        self.lost = if all_lost { self.lost + 1 } else { 0 };
        let mut apart = Vec::new();
        for (sent, answer) in rows.into_iter().zip(answers) {
            match answer {
                RowAnswer::Done { id, created } => {
                    let outcome = Outcome::Done { id, created, kept: Fields::new(), modified_at: None };
                    self.settle(&sent, outcome);
                }
                RowAnswer::Lost(error) => {
                    if self.lost >= LOST && self.stopped.is_none() {
                        self.stopped = Some(Error { maybe_applied: false, ..error.clone() });
                    }
                    self.settle(&sent, Outcome::Ambiguous(error));
                }
                RowAnswer::NotSent(error) => {
                    self.settle(&sent, Outcome::Deferred(error.clone()));
                    self.stopped.get_or_insert(error);
                }
                RowAnswer::Untouched(why) => left.innocent.push((sent, why)),
                RowAnswer::Refused(refusal) => match next(lane, &sent, &refusal, company, &self.api.creation) {
                    Next::Reject(reason) => self.reject(&sent, reason, &refusal),
                    Next::Defer(kind) => self.not_now(&sent, kind, &refusal),
                    Next::Locked => left.locked.push((sent, refusal)),
                    Next::Innocent => left.innocent.push((sent, refusal.code)),
                    Next::Apart => apart.push((sent, refusal)),
                    Next::Alone => left.alone.push((sent, refusal)),
                    Next::Completed(fields) => left.completed.push(Sent { fields: Cow::Owned(fields), ..sent }),
                    Next::Adopt(id) => left.adopted.push(as_update(sent, &id)),
                    Next::Look => left.look.push((sent, refusal)),
                    Next::LookForHolder => left.look_for_holder.push((sent, refusal)),
                },
            }
        }
        if !apart.is_empty() {
            left.apart.push(apart);
        }
    }

    /// A quota of the org stops the push; anything else only this row.
    fn not_now(&mut self, sent: &Sent<'_>, kind: ErrorKind, refusal: &RowRefusal) {
        let mut error = crate::answer::refused_call("write records", refusal);
        error.kind = kind;
        if kind == ErrorKind::Quota {
            error = error.with_retry_at(self.api.clock.now().saturating_add(QUOTA_PAUSE));
            self.stopped.get_or_insert_with(|| error.clone());
        }
        self.settle(sent, Outcome::Deferred(error));
    }

    /// Puts what is left on its way again, or settles it where it has had its chances.
    async fn follow_up(&mut self, task: &Task<'a>, left: Leftovers<'a>) {
        let Leftovers { locked, innocent, apart, alone, completed, adopted, look, look_for_holder } = left;
        if task.tries < LOCK_TRIES && !locked.is_empty() {
            let rows = locked.into_iter().map(|(sent, _)| sent).collect();
            let wait = pause(task.tries, self.api.entropy.unit());
            self.tasks.push_back(Task { tries: task.tries + 1, pause: wait, ..task.with(rows) });
        } else {
            for (sent, refusal) in locked {
                self.reject(&sent, Reason::Locked { retry_after: Some(COME_BACK) }, &refusal);
            }
        }
        if task.rounds < ROUNDS && !innocent.is_empty() {
            let rows = innocent.into_iter().map(|(sent, _)| sent).collect();
            self.tasks.push_back(Task { rounds: task.rounds + 1, ..task.with(rows) });
        } else {
            for (sent, why) in innocent {
                let cause =
                    format!("it was not looked at because of other rows: {}", connector_http::redact::message(&why));
                self.settle(&sent, Outcome::Deferred(Error::new(ErrorKind::Transient, task.lane.attempted(), cause)));
            }
        }
        for call in apart {
            self.part(task, call);
        }
        for (sent, refusal) in alone {
            match self.spend(1) {
                true => self.tasks.push_back(task.with(vec![sent])),
                false => self.reject(&sent, Reason::Duplicate { existing: None }, &refusal),
            }
        }
        if !completed.is_empty() {
            self.tasks.push_back(task.with(completed));
        }
        if !adopted.is_empty() {
            self.tasks.push_back(Task::first(task.lane.by_id(), adopted));
        }
        self.look(&task.lane, look).await;
        self.look_for_holders(&task.lane, look_for_holder).await;
    }

    /// Halves the rows of a call; rows of a job, or more than a call takes, become calls first.
    fn part(&mut self, task: &Task<'a>, rows: Vec<(Sent<'a>, RowRefusal)>) {
        let calls = if rows.len() > COLLECTION { rows.len().div_ceil(COLLECTION) } else { rows.len().min(2) };
        if !self.spend(calls) {
            let cause = "the org's own automation fails for whole calls of records";
            let fix = "look at the triggers and flows of this object in Salesforce";
            let error = Error::new(ErrorKind::Transient, task.lane.attempted(), cause).with_fix(fix);
            return self.defer(rows.iter().map(|(sent, _)| sent), &error);
        }
        let mut rows: Vec<Sent<'a>> = rows.into_iter().map(|(sent, _)| sent).collect();
        if (2..=COLLECTION).contains(&rows.len()) {
            let second = rows.split_off(rows.len() / 2);
            self.tasks.push_back(Task { jobs: JOBS, ..task.with(second) });
        }
        self.tasks.push_back(Task { jobs: JOBS, ..task.with(rows) });
    }

    fn spend(&mut self, calls: usize) -> bool {
        let enough = self.spare >= calls;
        if enough {
            self.spare -= calls;
        }
        enough
    }

    pub(crate) fn push_first(&mut self, lane: Lane, rows: Vec<Sent<'a>>) {
        self.tasks.push_back(Task::first(lane, rows));
    }
}

/// The row as an update of this record.
pub(crate) fn as_update<'a>(sent: Sent<'a>, id: &RecordId) -> Sent<'a> {
    Sent { key: id.as_str().to_owned(), ..sent }
}

fn reason_of(refusal: &RowRefusal) -> Reason {
    match meaning(refusal, crate::reject::Naming::Otherwise) {
        Meaning::Final(reason) => reason,
        _ => Reason::Invalid,
    }
}

/// Whether the record's name may stand in a path.
fn goes_alone(task: &Task<'_>) -> bool {
    match &task.lane.how {
        How::ByKey { update_only: false, .. } => task.rows.iter().all(|sent| single::is_path_key(&sent.key)),
        _ => true,
    }
}
