//! A bulk write job from its note to its results.
//!
//! A job begins when it is made: from then on it alone knows what it has applied. So a note is kept before it is made and
//! names it as soon as Zoho has; it is forgotten when the job is over. Zoho lists no jobs. Where the answer to making one
//! was lost, nobody can ask about it, and only time tells that it is over (`recover`).

mod job;
mod note;
mod results;
mod sheet;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use connector::{Error, ErrorKind, RecordId, Timestamp};

use self::job::{Looked, Stage};
use self::note::JobNote;
use crate::api::Api;
use crate::push::{Lane, RowAnswer, Sent};
use crate::schema::Described;
use crate::wire::Fault;
use crate::zip::pack;

pub(crate) use self::sheet::fits;

/// Most rows of one job's file.
pub(crate) const MOST_ROWS: usize = 25_000;
/// Calls a job needs: the file, the job, its polls, its results.
pub(crate) const CALLS: usize = 16;
const FIRST_POLL: Duration = Duration::from_secs(3);
const LONGEST_POLL: Duration = Duration::from_secs(60);
/// How long a run waits for a job of an earlier one before it comes back later.
const PATIENCE: Duration = Duration::from_secs(120);
const COME_BACK: Duration = Duration::from_secs(60);
const ATTEMPTED: &str = "finish earlier bulk jobs";

/// What a connection knows of its jobs.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    /// One job at a time.
    one: tokio::sync::Mutex<()>,
    /// Keys of notes whose job this process has not seen the end of.
    pending: Mutex<BTreeSet<String>>,
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
    /// Zoho does not take this as a job; nothing was applied.
    Declined(String),
}

/// One job for these rows. `until` is when this push stops waiting.
pub(crate) async fn run(api: &Api, lane: &Lane, described: &Described, rows: &[Sent<'_>], until: Timestamp) -> Ended {
    let all = |answer: RowAnswer| Ended::Rows(vec![answer; rows.len()]);
    let _one = api.jobs.one.lock().await;
    let (columns, text) = sheet::sheet(rows, described);
    let archive = match pack("rows.csv", text.as_bytes()) {
        Ok(archive) if archive.len() <= job::LARGEST_FILE => archive,
        _ => return Ended::Declined("the file is too large".into()),
    };
    let file = match job::upload(api, archive).await {
        Ok(Ok(file)) => file,
        Ok(Err(refusal)) => return Ended::Declined(refusal.fault.code),
        // A file that nobody uses applies nothing.
        Err(error) if error.kind == ErrorKind::Forbidden => return Ended::Declined(error.cause),
        Err(error) => return all(RowAnswer::NotSent(Error { maybe_applied: false, ..error })),
    };
    fail::fail_point!("bulk_before_create");
    let mut open = match Open::note(api, lane, rows.len()).await {
        Ok(open) => open,
        Err(error) => return all(RowAnswer::NotSent(error)),
    };
    let made = job::create(api, lane, &file, &columns).await;
    fail::fail_point!("bulk_created");
    let id = match made {
        Ok(Ok(id)) => id,
        Ok(Err(refusal)) => {
            open.close().await;
            return Ended::Declined(refusal.fault.code);
        }
        // The note stays: whoever recovers waits.
        Err(error) if error.maybe_applied => return all(RowAnswer::Lost(error)),
        Err(error) => {
            open.close().await;
            return all(RowAnswer::NotSent(error));
        }
    };
    if let Err(error) = open.name(&id).await {
        // The job runs all the same; without its name it is waited for as one whose answer was lost.
        tracing::warn!(%error, "the id of a bulk job could not be noted");
    }
    match wait(api, &id, until).await {
        Ok(Some(looked)) => {
            fail::fail_point!("bulk_before_results");
            let answers = collect(api, lane, rows, &columns, &looked).await;
            open.close().await;
            Ended::Rows(answers)
        }
        Ok(None) => {
            open.close().await;
            let cause = "the bulk job is not there any more and told no results";
            all(RowAnswer::Lost(Error::new(ErrorKind::Protocol, lane.attempted(), cause).maybe_applied()))
        }
        // The note stays: whoever recovers asks again.
        Err(error) => all(RowAnswer::Lost(error.maybe_applied())),
    }
}

/// The note of a job under way.
struct Open<'a> {
    api: &'a Api,
    key: String,
    note: JobNote,
}

impl<'a> Open<'a> {
    async fn note(api: &'a Api, lane: &Lane, rows: usize) -> Result<Self, Error> {
        let key = JobNote::key(api.entropy.uuid(api.clock.now()));
        let note = JobNote { at: api.clock.now(), module: lane.module.clone(), rows, job: None };
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
    async fn close(&self) {
        match self.api.notebook.forget(&self.key).await {
            Ok(()) => drop(self.api.jobs.pending().remove(&self.key)),
            Err(error) => tracing::warn!(%error, "the note of a bulk job that is over is still kept"),
        }
    }
}

/// Waits for a job's end; `None` where there is no such job (any more), an error where it still runs or nobody says.
async fn wait(api: &Api, id: &str, until: Timestamp) -> Result<Option<Looked>, Error> {
    let mut pause = FIRST_POLL;
    loop {
        let looked = job::look(api, id).await?;
        fail::fail_point!("bulk_polling");
        match looked {
            None => return Ok(None),
            Some(looked) if looked.stage() == Stage::Over => return Ok(Some(looked)),
            Some(_) => {}
        }
        if api.clock.now() >= until {
            let cause = format!("the bulk job {id} is still running");
            return Err(Error::new(ErrorKind::Transient, ATTEMPTED, cause)
                .with_fix("nothing: it is asked again; Zoho ends its jobs by itself")
                .with_retry_at(api.clock.now().saturating_add(COME_BACK)));
        }
        api.clock.sleep(pause).await;
        pause = pause.mul_f64(1.5).min(LONGEST_POLL);
    }
}

/// What a job that is over says of each row.
async fn collect(
    api: &Api,
    lane: &Lane,
    rows: &[Sent<'_>],
    columns: &[sheet::Column],
    looked: &Looked,
) -> Vec<RowAnswer> {
    let attempted = lane.attempted();
    // Everything updated, nothing skipped: no file says more.
    if looked.updated() == Some(rows.len()) && looked.skipped() == Some(0) {
        return rows.iter().map(done).collect();
    }
    let file = job::results(api, looked).await;
    let told = file.and_then(|file| {
        results::read(file, "id").map_err(|why| Error::new(ErrorKind::Protocol, attempted.as_str(), why))
    });
    let told = match told {
        Ok(told) => told,
        Err(error) => {
            let error = error.maybe_applied();
            return rows.iter().map(|_| RowAnswer::Lost(error.clone())).collect();
        }
    };
    let answer = |sent: &Sent<'_>| match told.get(&sent.key) {
        Some(row) if row.is_done() => done(sent),
        Some(row) if row.is_untouched() => {
            let cause = "the bulk job ended before its turn";
            RowAnswer::NotSent(Error::new(ErrorKind::Transient, attempted.as_str(), cause))
        }
        Some(row) => RowAnswer::Refused(row.fault(columns)),
        None => {
            let cause = "the bulk job's results do not mention it";
            RowAnswer::Lost(Error::new(ErrorKind::Protocol, attempted.as_str(), cause).maybe_applied())
        }
    };
    rows.iter().map(answer).collect()
}

fn done(sent: &Sent<'_>) -> RowAnswer {
    RowAnswer::Done { id: RecordId::from(sent.key.as_str()), created: false, modified_at: None }
}

/// Ends every job that is noted (promise 15). `Ok` says that none is running any more, and that nothing is noted.
pub(crate) async fn recover(api: &Api) -> Result<(), Error> {
    let _one = api.jobs.one.lock().await;
    end_all(api, PATIENCE).await
}

/// Before anything is written: a job of ours that an earlier push could not wait for must be over. Costs nothing where
/// there is none.
pub(crate) async fn settle_pending(api: &Api) -> Result<(), Error> {
    if api.jobs.pending().is_empty() {
        return Ok(());
    }
    // Somebody who is just waiting for their job does not leave it behind.
    let Ok(_one) = api.jobs.one.try_lock() else { return Ok(()) };
    end_all(api, Duration::ZERO).await
}

async fn end_all(api: &Api, patience: Duration) -> Result<(), Error> {
    for kept in api.notebook.notes().await? {
        let Some(note) = JobNote::read(&kept.key, &kept.text) else { continue };
        match note {
            Ok(JobNote { job: Some(job), .. }) => {
                wait(api, &job, api.clock.now().saturating_add(patience)).await?;
            }
            Ok(JobNote { at, .. }) => wait_out(api, at)?,
            // Nobody can know which job it was about; what its age is, the next hour tells.
            Err(why) => tracing::warn!(why, "the note of a bulk job cannot be read and is dropped"),
        }
        api.notebook.forget(&kept.key).await?;
        api.jobs.pending().remove(&kept.key);
    }
    Ok(())
}

/// A job that may have been made and that nobody can name: it is over when no job takes that long.
fn wait_out(api: &Api, at: Timestamp) -> Result<(), Error> {
    let over = at.saturating_add(api.limits.lost_job);
    if api.clock.now() >= over {
        return Ok(());
    }
    let cause = "the answer to starting a bulk job was lost, and Zoho does not tell which jobs there are";
    Err(Error::new(ErrorKind::Transient, ATTEMPTED, cause)
        .with_fix("nothing: writing goes on when such a job must be over; Zoho's setup shows it under Bulk write")
        .with_retry_at(over))
}

/// What a result file says of a row that was not taken, in the words of a call.
pub(super) fn fault(code: &str, api_name: Option<String>) -> Fault {
    let details = crate::wire::Details { api_name, ..crate::wire::Details::default() };
    Fault { code: code.to_owned(), message: "the bulk job skipped the row".to_owned(), details, ..Fault::default() }
}
