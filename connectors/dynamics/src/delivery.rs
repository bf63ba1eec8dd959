//! The delivery of one object's writes: by the way their number asks for, row by row where many together are refused, and
//! again where a refusal is only of the moment.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use connector::{Error, FieldName, Object, Outcome, Reason, Rejection, Value};
use futures::stream::{self, StreamExt};

use crate::api::Api;
use crate::bulk::{Told, is_unknown_call};
use crate::freed::Freed;
use crate::outgoing::{Row, Sent, completed};
use crate::parts::{RowAnswer, Writing, of_failure};
use crate::reject::{COME_BACK, KEY_TAKEN, Meaning, NOT_OPTIMISTIC, Refused, meaning, missing_target, rejection};
use crate::route::Route;
use crate::schema::Described;

/// Sendings of one row in all.
const ROUNDS: u32 = 4;
/// Before what was locked is sent again; it doubles.
const PAUSE: Duration = Duration::from_millis(500);

/// Rows to be sent.
struct Task<'a> {
    rows: Vec<Sent<'a>>,
    way: Route,
    /// Sendings, this one included.
    round: u32,
    pause: Duration,
    /// What new records still lack. It is nobody's write, and nothing depends on it.
    completes: bool,
    /// Whether keys that merged rows held have been emptied for it.
    freed: bool,
}

pub(crate) struct Delivery<'d, 'a> {
    writing: Writing<'d>,
    pub outcomes: BTreeMap<usize, Outcome>,
    pub stopped: Option<Error>,
    tasks: VecDeque<Task<'a>>,
    /// Refused because another row holds their key.
    held: Vec<(Sent<'a>, Refused)>,
}

impl<'d, 'a> Delivery<'d, 'a> {
    pub fn new(api: &'d Api, described: &'d Described, object: &'d Object) -> Self {
        let attempted = format!("write {object} records");
        let writing = Writing { api, described, object, attempted };
        Self { writing, outcomes: BTreeMap::new(), stopped: None, tasks: VecDeque::new(), held: Vec::new() }
    }

    /// Puts rows on their way.
    pub fn give(&mut self, rows: Vec<Sent<'a>>, way: Route) {
        if !rows.is_empty() {
            self.tasks.push_back(Task { rows, way, round: 1, pause: Duration::ZERO, completes: false, freed: false });
        }
    }

    pub async fn run(&mut self) {
        self.work_off().await;
        if !self.held.is_empty() {
            self.free().await;
            self.work_off().await;
        }
    }

    /// Finds out who holds the keys that were refused: what was merged away gives them up, and the row is sent again.
    async fn free(&mut self) {
        let (rows, refusals): (Vec<Sent<'a>>, Vec<Refused>) = std::mem::take(&mut self.held).into_iter().unzip();
        let told = match &self.stopped {
            Some(error) => Err(error.clone()),
            None => self.writing.free(&rows).await,
        };
        let told = told.unwrap_or_else(|error| vec![Freed::Later(error); rows.len()]);
        let mut again = Vec::new();
        for ((sent, refused), freed) in rows.into_iter().zip(refusals).zip(told) {
            match freed {
                Freed::Free => again.push(sent),
                Freed::Taken(existing) => self.reject(&sent, Reason::Duplicate { existing }, &refused),
                Freed::Kept(why) => drop(self.outcomes.insert(sent.place, Outcome::Rejected(why))),
                Freed::Later(error) => drop(self.outcomes.insert(sent.place, Outcome::Deferred(error))),
            }
        }
        if !again.is_empty() {
            let way = if again.len() == 1 { Route::Single } else { Route::Batch };
            self.tasks.push_back(Task {
                rows: again,
                way,
                round: 1,
                pause: Duration::ZERO,
                completes: false,
                freed: true,
            });
        }
    }

    async fn work_off(&mut self) {
        while let Some(task) = self.tasks.pop_front() {
            if let Some(error) = &self.stopped {
                for sent in task.rows.iter().filter(|_| !task.completes) {
                    self.outcomes.insert(sent.place, Outcome::Deferred(error.clone()));
                }
                continue;
            }
            if !task.pause.is_zero() {
                self.writing.api.clock.sleep(task.pause).await;
            }
            match task.way {
                Route::Bulk => self.in_bulk(task).await,
                Route::Batch | Route::Single => self.by_parts(task).await,
            }
        }
    }

    async fn in_bulk(&mut self, mut task: Task<'a>) {
        let (api, most) = (self.writing.api, self.writing.api.limits.bulk);
        let size = api.bulk.size.get(most);
        let calls = chunked(std::mem::take(&mut task.rows), size);
        let mut sendings = Vec::with_capacity(calls.len());
        for rows in calls {
            sendings.push(bulk(&self.writing, rows));
        }
        let told: Vec<(Vec<Sent<'a>>, Told)> = stream::iter(sendings).buffered(api.limits.parallel).collect().await;
        for (rows, told) in told {
            match told {
                Told::Done => {
                    api.bulk.size.grow(most);
                    rows.iter().for_each(|sent| self.settle_done(sent));
                }
                Told::TooMuch if rows.len() > 1 && task.round < ROUNDS => {
                    api.bulk.size.halve(most);
                    let pause = PAUSE.saturating_mul(1 << task.round.min(4));
                    self.tasks.push_back(Task { rows, round: task.round + 1, pause, ..task });
                }
                Told::TooMuch => self.tasks.push_back(Task { rows, way: Route::Batch, ..task }),
                Told::Refused(refused) => {
                    if is_unknown_call(&refused) {
                        api.forget_bulk(&self.writing.described.table);
                    }
                    // One of them is bad, and nobody says which: each for itself.
                    self.tasks.push_back(Task { rows, way: Route::Batch, ..task });
                }
                Told::Failed(error) => {
                    if error.maybe_applied {
                        api.bulk.size.halve(most);
                    }
                    let answers = vec![of_failure(error); rows.len()];
                    self.take(&task, rows, answers);
                }
            }
        }
    }

    fn settle_done(&mut self, sent: &Sent<'_>) {
        if let Some(id) = sent.id() {
            let outcome = Outcome::Done { id, created: false, kept: connector::Fields::new(), modified_at: None };
            self.outcomes.insert(sent.place, outcome);
        }
    }

    async fn by_parts(&mut self, mut task: Task<'a>) {
        let limits = self.writing.api.limits;
        let size = if task.way == Route::Single { 1 } else { limits.batch };
        let calls = chunked(std::mem::take(&mut task.rows), size);
        let mut sendings = Vec::with_capacity(calls.len());
        for rows in calls {
            sendings.push(each(&self.writing, rows));
        }
        let answered: Vec<(Vec<Sent<'a>>, Vec<RowAnswer>)> =
            stream::iter(sendings).buffered(limits.parallel).collect().await;
        for (rows, answers) in answered {
            self.take(&task, rows, answers);
        }
    }

    /// Settles rows by their answers, or puts them on their way again.
    fn take(&mut self, task: &Task<'a>, rows: Vec<Sent<'a>>, answers: Vec<RowAnswer>) {
        if task.completes {
            return;
        }
        let (mut again, mut untouched, mut bare) = (Vec::new(), Vec::new(), Vec::new());
        for (mut sent, answer) in rows.into_iter().zip(answers) {
            match answer {
                RowAnswer::Done { id, created, kept, modified_at } => {
                    self.outcomes.insert(sent.place, Outcome::Done { id: id.clone(), created, kept, modified_at });
                    if created {
                        sent.row = Row::Id { id: id.as_str().to_owned(), etag: None };
                        let Writing { api, described, object, .. } = &self.writing;
                        sent.body = completed(described, object, &sent.write.fields, &api.creation);
                        sent.columns.clear();
                        bare.extend(Some(sent).filter(|sent| !sent.body.0.is_empty()));
                    }
                }
                RowAnswer::Lost(error) => {
                    self.outcomes.insert(sent.place, Outcome::Ambiguous(error));
                }
                RowAnswer::NotSent(error) => {
                    self.outcomes.insert(sent.place, Outcome::Deferred(error.clone()));
                    self.stopped.get_or_insert(error);
                }
                RowAnswer::Untouched => untouched.push(sent),
                RowAnswer::Refused(refused) if !task.freed && is_held(&sent, &refused) => {
                    self.held.push((sent, refused));
                }
                RowAnswer::Refused(refused) => match next(task.round, &sent.row, &refused) {
                    Next::Reject(reason) => self.reject(&sent, reason, &refused),
                    Next::NoTarget(id) => self.reject_target(&sent, &id, &refused),
                    Next::Again => again.push(sent),
                    Next::Untied => {
                        if let Row::Id { etag, .. } = &mut sent.row {
                            *etag = None;
                        }
                        untouched.push(sent);
                    }
                },
            }
        }
        let round = task.round + 1;
        let pause = PAUSE.saturating_mul(1 << task.round.min(4));
        let freed = task.freed;
        let next = |rows, way, pause, completes| Task { rows, way, round, pause, completes, freed };
        for task in [
            next(again, task.way, pause, false),
            next(untouched, Route::Single, Duration::ZERO, false),
            next(bare, task.way, Duration::ZERO, true),
        ] {
            if !task.rows.is_empty() {
                self.tasks.push_back(task);
            }
        }
    }

    fn reject(&mut self, sent: &Sent<'_>, reason: Reason, refused: &Refused) {
        let written: Vec<Arc<str>> = sent.write.fields.names().cloned().collect();
        self.outcomes.insert(sent.place, Outcome::Rejected(rejection(reason, refused, &written)));
    }

    /// The row is there; one that it was to point to is not.
    fn reject_target(&mut self, sent: &Sent<'_>, id: &str, refused: &Refused) {
        let points = |(name, value): (&FieldName, &Value)| {
            value.as_text().is_some_and(|text| text.to_ascii_lowercase().contains(id)).then(|| name.clone())
        };
        let fields = sent.write.fields.iter().filter_map(points).collect();
        let rejection = Rejection { fields, ..rejection(Reason::Invalid, refused, &[]) };
        self.outcomes.insert(sent.place, Outcome::Rejected(rejection));
    }
}

async fn bulk<'a>(writing: &Writing<'_>, rows: Vec<Sent<'a>>) -> (Vec<Sent<'a>>, Told) {
    let told = writing.api.update_multiple(writing.described, &writing.attempted, &rows).await;
    (rows, told)
}

async fn each<'a>(writing: &Writing<'_>, rows: Vec<Sent<'a>>) -> (Vec<Sent<'a>>, Vec<RowAnswer>) {
    let answers = match rows.as_slice() {
        [one] => vec![writing.alone(one).await],
        several => writing.together(several).await,
    };
    (rows, answers)
}

/// Whether a row of its own id was refused a value that another row holds.
fn is_held(sent: &Sent<'_>, refused: &Refused) -> bool {
    matches!(sent.row, Row::Id { .. }) && refused.fault.is(KEY_TAKEN)
}

/// What is to be done next about a refused row.
#[derive(Clone, Debug, PartialEq)]
enum Next {
    Reject(Reason),
    /// Again, after a pause.
    Again,
    /// Again, without the condition that the table does not take.
    Untied,
    /// The row of this id, to which a look-up was to point, is not there.
    NoTarget(String),
}

fn next(round: u32, row: &Row, refused: &Refused) -> Next {
    let tied = matches!(row, Row::Id { etag: Some(_), .. });
    if tied && refused.fault.is(NOT_OPTIMISTIC) {
        return Next::Untied;
    }
    match meaning(refused, tied) {
        Meaning::Final(reason) => Next::Reject(reason),
        Meaning::Missing => {
            let own = if let Row::Id { id, .. } = row { Some(id.as_str()) } else { None };
            missing_target(refused, own).map_or(Next::Reject(Reason::Gone), Next::NoTarget)
        }
        Meaning::Locked if round >= ROUNDS => Next::Reject(Reason::Locked { retry_after: Some(COME_BACK) }),
        Meaning::Unexpected if round > 1 => Next::Reject(Reason::Invalid),
        Meaning::Locked | Meaning::Unexpected => Next::Again,
        Meaning::Throttled => Next::Reject(Reason::Locked { retry_after: Some(COME_BACK) }),
    }
}

fn chunked<'a>(rows: Vec<Sent<'a>>, size: usize) -> Vec<Vec<Sent<'a>>> {
    let mut calls = Vec::with_capacity(rows.len().div_ceil(size.max(1)));
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        calls.push(rows.by_ref().take(size.max(1)).collect());
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Fault;

    fn decide(round: u32, row: &Row, status: u16, code: &str) -> Next {
        let body = format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
        next(round, row, &Refused { status, fault: Fault::read(body.as_bytes()) })
    }

    fn by_id(etag: Option<&str>) -> Row {
        Row::Id { id: "c0000000-0000-0000-0000-000000000001".into(), etag: etag.map(Arc::from) }
    }

    #[test]
    fn a_row_that_is_not_there_is_never_made() {
        let gone = Next::Reject(Reason::Gone);
        assert_eq!(decide(1, &by_id(None), 404, "0x80040217"), gone);
        assert_eq!(decide(1, &by_id(None), 412, ""), gone);
        let key = Row::Key { column: "k".into(), value: "1".into(), creates: false };
        assert_eq!(decide(1, &key, 404, "0x80060891"), gone);
        let tied = by_id(Some("W/\"1\""));
        assert_eq!(decide(1, &tied, 404, ""), gone);
        assert_eq!(decide(1, &tied, 412, ""), Next::Reject(Reason::Conflict));
        assert_eq!(decide(1, &tied, 400, NOT_OPTIMISTIC), Next::Untied);
    }

    #[test]
    fn what_passes_is_tried_again_a_few_times() {
        let row = by_id(None);
        assert_eq!(decide(1, &row, 500, "0x80044150"), Next::Again);
        let locked = Next::Reject(Reason::Locked { retry_after: Some(COME_BACK) });
        assert_eq!(decide(ROUNDS, &row, 500, "0x80044150"), locked);
        assert_eq!(decide(1, &row, 400, "0x80040216"), Next::Again);
        assert_eq!(decide(2, &row, 400, "0x80040216"), Next::Reject(Reason::Invalid));
    }
}
