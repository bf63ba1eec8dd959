//! A Bulk 2.0 ingest job from its note to its results.
//!
//! A note is kept before the job exists and names it as soon as Salesforce has; it is forgotten when the job is over and
//! deleted. Nothing is applied before a job is closed, so that until then every failure means "not sent". Afterwards the
//! job alone knows, and what it does not tell stays open (`recover` brings it to an end).

mod job;
mod note;
mod recover;
mod results;
mod sheet;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use connector::{Error, ErrorKind, RecordId, Timestamp};

use self::job::{JobInfo, Stage};
use self::note::JobNote;
use self::results::Places;
use crate::answer::{RowAnswer, refused_call, silent};
use crate::api::Api;
use crate::choice::is_low;
use crate::ids;
use crate::outgoing::{Lane, Sent};
use crate::refusal::{RowRefusal, unknown_column};

pub(crate) use recover::{our_user, recover, settle_pending};
pub(crate) use sheet::{Sheet, fits, sheets};

const FIRST_POLL: Duration = Duration::from_secs(1);
const LONGEST_POLL: Duration = Duration::from_secs(30);
/// How often a close that seems not to have arrived is sent again.
const CLOSES: u32 = 3;

/// What a connection knows of its jobs.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    /// One job at a time: jobs of one org wait for each other's locks.
    one: tokio::sync::Mutex<()>,
    /// Keys of notes whose job this process has not seen the end of.
    pending: Mutex<BTreeSet<String>>,
    /// The id of the user we are.
    user: tokio::sync::OnceCell<String>,
}

impl Jobs {
    fn pending(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a job of this process may still be under way. Nothing else is written meanwhile.
pub(crate) fn is_pending(api: &Api) -> bool {
    !api.jobs.pending().is_empty()
}

/// What became of a job's rows.
pub(crate) enum Ended {
    /// One answer a row, in the order of the rows.
    Rows(Vec<RowAnswer>),
    /// Salesforce does not take this as a job; nothing was applied.
    Declined(RowRefusal),
}

/// One job for the rows of one sheet. `until` is when this push stops waiting.
pub(crate) async fn run(api: &Api, lane: &Lane, rows: &[Sent<'_>], sheet: &Sheet, until: Timestamp) -> Ended {
    let all = |answer: RowAnswer| Ended::Rows(vec![answer; rows.len()]);
    let _one = api.jobs.one.lock().await;
    let mut open = match Open::note(api, lane, rows.len()).await {
        Ok(open) => open,
        Err(error) => return all(RowAnswer::NotSent(error)),
    };
    fail::fail_point!("bulk_before_create");
    let created = job::create(api, lane).await;
    fail::fail_point!("bulk_created");
    let id = match created {
        Ok(Ok(info)) => info.id,
        Ok(Err(refusal)) => {
            open.close_note().await;
            return Ended::Declined(refusal);
        }
        Err(error) => {
            open.give_up(error.maybe_applied).await;
            return all(not_applied(error));
        }
    };
    if let Err(error) = open.name(&id).await {
        open.give_up(true).await;
        return all(RowAnswer::NotSent(error));
    }
    match job::upload(api, lane, &id, sheet.text.clone()).await {
        Ok(Ok(())) => {}
        Ok(Err(refusal)) => {
            open.give_up(true).await;
            return Ended::Declined(refusal);
        }
        Err(error) => {
            open.give_up(true).await;
            return all(not_applied(error));
        }
    }
    fail::fail_point!("bulk_uploaded");
    match wait(api, &id, until).await {
        Waited::NeverClosed(error) => {
            open.give_up(true).await;
            all(not_applied(error))
        }
        // The note stays: whoever recovers asks again.
        Waited::Unknown(error) => all(RowAnswer::Lost(error.maybe_applied())),
        Waited::Gone => {
            open.close_note().await;
            let cause = "the bulk job was deleted by somebody else before it told its results";
            all(RowAnswer::Lost(Error::new(ErrorKind::Protocol, lane.attempted(), cause).maybe_applied()))
        }
        Waited::Over(info) => {
            fail::fail_point!("bulk_before_results");
            let answers = collect(api, lane, rows, &info).await;
            open.clear().await;
            Ended::Rows(answers)
        }
    }
}

/// A job that was never closed applies nothing, whatever else is unknown of it.
fn not_applied(mut error: Error) -> RowAnswer {
    error.maybe_applied = false;
    RowAnswer::NotSent(error)
}

/// The note of a job under way.
struct Open<'a> {
    api: &'a Api,
    key: String,
    note: JobNote,
}

impl<'a> Open<'a> {
    async fn note(api: &'a Api, lane: &Lane, rows: usize) -> Result<Self, Error> {
        let at = api.client.server_now();
        let key = JobNote::key(api.entropy.uuid(api.clock.now()));
        let note = JobNote {
            at,
            object: lane.object.clone(),
            sobject: lane.sobject.clone(),
            operation: job::operation(lane).to_owned(),
            rows,
            job: None,
        };
        // In memory first: a push that is dropped half way leaves the same trace as one that dies.
        api.jobs.pending().insert(key.clone());
        if let Err(error) = api.notebook.keep(&key, &note.text()).await {
            api.jobs.pending().remove(&key);
            return Err(error);
        }
        Ok(Self { api, key, note })
    }

    async fn name(&mut self, job: &str) -> Result<(), Error> {
        self.note.job = Some(job.to_owned());
        self.api.notebook.keep(&self.key, &self.note.text()).await
    }

    /// There is no job (any more): nothing is left to remember.
    async fn close_note(&self) {
        match self.api.notebook.forget(&self.key).await {
            Ok(()) => drop(self.api.jobs.pending().remove(&self.key)),
            Err(error) => tracing::warn!(%error, "the note of a bulk job that is over is still kept"),
        }
    }

    /// The job has said all it has to say.
    async fn clear(&self) {
        if let Some(job) = &self.note.job
            && let Err(error) = job::delete(self.api, job).await
        {
            tracing::debug!(%error, "a finished bulk job is deleted later");
            return;
        }
        self.close_note().await;
    }

    /// A job that may exist and is not to run. What cannot be done about it now, `recover` does.
    async fn give_up(&self, may_exist: bool) {
        let ended = match may_exist {
            true => recover::end(self.api, &self.note, Duration::ZERO).await,
            false => Ok(()),
        };
        match ended {
            Ok(()) => self.close_note().await,
            Err(error) => tracing::debug!(%error, "a bulk job that did not start is aborted later"),
        }
    }
}

enum Waited {
    Over(JobInfo),
    /// It is open and stays so: nothing was applied.
    NeverClosed(Error),
    Gone,
    /// Still running, or nobody says.
    Unknown(Error),
}

/// Closes a job and waits for its end.
async fn wait(api: &Api, id: &str, until: Timestamp) -> Waited {
    let mut pause = FIRST_POLL;
    if api.client.budget().daily.as_ref().is_some_and(is_low) {
        // Each poll is a call of a day that has few left.
        pause = pause.saturating_mul(4);
    }
    let mut closes = 0;
    let mut is_open = true;
    loop {
        if is_open {
            if closes == CLOSES {
                let cause = "the bulk job stayed open although it was closed";
                return Waited::NeverClosed(Error::new(ErrorKind::Transient, "close a bulk job", cause));
            }
            closes += 1;
            match job::set_state(api, id, "UploadComplete").await {
                Ok(Ok(())) => {}
                // Whether it was closed already, or cannot be, the job itself says.
                Ok(Err(refusal)) => tracing::debug!(code = %refusal.code, "closing a bulk job was refused"),
                Err(error) if error.maybe_applied => {
                    tracing::debug!(%error, "the answer to closing a bulk job was lost");
                }
                Err(error) => return Waited::NeverClosed(error),
            }
            fail::fail_point!("bulk_closed");
        }
        api.clock.sleep(pause).await;
        pause = pause.mul_f64(1.5).min(LONGEST_POLL);
        let told = job::look(api, id).await;
        fail::fail_point!("bulk_polling");
        match told {
            Ok(Some(info)) => match info.stage() {
                Stage::Over => return Waited::Over(info),
                Stage::Open => is_open = true,
                Stage::Running => is_open = false,
            },
            Ok(None) => return Waited::Gone,
            Err(error) => return Waited::Unknown(error),
        }
        if !is_open && api.clock.now() >= until {
            let cause = format!("the bulk job {id} is still running; its results are asked for later");
            return Waited::Unknown(Error::new(ErrorKind::Transient, "wait for a bulk job", cause));
        }
    }
}

/// What a job that is over says of each row.
async fn collect(api: &Api, lane: &Lane, rows: &[Sent<'_>], info: &JobInfo) -> Vec<RowAnswer> {
    let attempted = lane.attempted();
    let key = sheet::key_column(lane);
    let places = Places::new(rows.iter().map(|row| row.key.as_str()));
    let mut answers: Vec<Option<RowAnswer>> = vec![None; rows.len()];
    let complete = info.state == "JobComplete";
    let all_good = complete && info.failed() == Some(0);
    let none_good = info.applied() == Some(0) && info.failed().is_some();
    let mut lost: Option<Error> = None;
    for (file, skip, expected) in [
        ("successfulResults", none_good, info.applied()),
        ("failedResults", info.failed() == Some(0), info.failed()),
        // Only a job that did not come to its end leaves rows aside.
        ("unprocessedrecords", all_good || complete, None),
    ] {
        if skip {
            continue;
        }
        match job::results(api, &info.id, file, key, expected).await {
            Ok(told) => {
                for row in told {
                    let Some(at) = places.of(&row.key) else { continue };
                    let (Some(slot), Some(sent)) = (answers.get_mut(at), rows.get(at)) else { continue };
                    *slot = Some(match file {
                        "successfulResults" => match ids::record_id(&row.id) {
                            Some(id) => RowAnswer::Done { id, created: row.created },
                            None => silent(&attempted),
                        },
                        "failedResults" => RowAnswer::Refused(RowRefusal::of_cell(&row.error)),
                        _ => unprocessed(info, sent),
                    });
                }
            }
            Err(error) => lost = Some(error),
        }
    }
    // The counts of the files hold, so that a row in none of them was not looked at.
    let told_all = !complete && lost.is_none() && info.applied().is_some();
    let missing = |sent: &Sent<'_>| match &lost {
        Some(error) => RowAnswer::Lost(error.clone().maybe_applied()),
        None if told_all => unprocessed(info, sent),
        None => silent(&attempted),
    };
    answers.into_iter().zip(rows).map(|(answer, sent)| answer.unwrap_or_else(|| missing(sent))).collect()
}

/// A row that a job did not come to: its own fault where it names the column the job failed for.
fn unprocessed(info: &JobInfo, sent: &Sent<'_>) -> RowAnswer {
    let message = info.error_message.as_deref().unwrap_or_default();
    let column = unknown_column(message);
    if let Some(name) = column
        && let Some(named) = sent.fields.names().find(|have| have.eq_ignore_ascii_case(&name))
    {
        return RowAnswer::Refused(RowRefusal {
            code: "INVALID_FIELD".into(),
            message: format!("No such column '{named}'"),
            fields: vec![named.clone()],
            matches: Vec::<RecordId>::new(),
        });
    }
    let why = refused_call(
        "",
        &RowRefusal { code: info.state.clone(), message: message.to_owned(), ..RowRefusal::default() },
    );
    RowAnswer::Untouched(format!("the bulk job ended before its turn ({})", why.cause))
}
