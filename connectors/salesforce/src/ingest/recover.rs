//! Bringing to an end what an earlier push left under way (promise 15).

use std::time::Duration;

use connector::{Error, ErrorKind};
use connector_http::{Call, Priority};
use serde::Deserialize;

use super::job::{self, JobInfo, Stage};
use super::note::{JobNote, ListedJob};
use super::{FIRST_POLL, LONGEST_POLL};
use crate::api::{Api, decode};
use crate::dialect::CALL;
use crate::paths::{Paths, named_by_server};

const ATTEMPTED: &str = "finish earlier bulk jobs";
/// How long a run waits for a job of an earlier one before it comes back later.
const PATIENCE: Duration = Duration::from_secs(120);
/// When to come back.
const COME_BACK: Duration = Duration::from_secs(60);
/// Pages of the org's job list that are looked at, newest first: a thousand jobs each.
const PAGES: usize = 20;

#[derive(Deserialize)]
struct UserInfo {
    user_id: String,
}

/// Ends every job that is noted. `Ok` says that none is open or running any more, and that nothing is noted.
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
        match JobNote::read(&kept.key, &kept.text) {
            None => continue,
            Some(Ok(note)) => end(api, &note, patience).await?,
            // Nobody can know which job it was about; an open one applies nothing and expires in a week.
            Some(Err(why)) => tracing::warn!(why, "the note of a bulk job cannot be read and is dropped"),
        }
        api.notebook.forget(&kept.key).await?;
        api.jobs.pending().remove(&kept.key);
    }
    Ok(())
}

/// Brings one noted job to its end: aborted if it was never closed, waited for if it runs, deleted.
pub(super) async fn end(api: &Api, note: &JobNote, patience: Duration) -> Result<(), Error> {
    match &note.job {
        Some(job) => end_job(api, job, patience).await,
        // Its creation was not answered: it may be there, and then it is open and ours.
        None => {
            for job in orphans(api, note).await? {
                end_job(api, &job, patience).await?;
            }
            Ok(())
        }
    }
}

async fn end_job(api: &Api, id: &str, patience: Duration) -> Result<(), Error> {
    let until = api.clock.now().saturating_add(patience);
    let mut pause = FIRST_POLL;
    loop {
        let Some(info) = job::look(api, id).await? else { return Ok(()) };
        match info.stage() {
            Stage::Over => return job::delete(api, id).await,
            Stage::Open => match job::set_state(api, id, "Aborted").await? {
                Ok(()) => return job::delete(api, id).await,
                // It may have been closed a moment ago; the next look tells.
                Err(refusal) => tracing::debug!(code = %refusal.code, "aborting a bulk job was refused"),
            },
            Stage::Running => {}
        }
        if api.clock.now() >= until {
            let cause = format!("the bulk job {id} is still running");
            let error = Error::new(ErrorKind::Transient, ATTEMPTED, cause)
                .with_fix(
                    "nothing: it is asked again; to stop it, abort it in Salesforce under Setup, Bulk Data Load Jobs",
                )
                .with_retry_at(api.clock.now().saturating_add(COME_BACK));
            return Err(error);
        }
        api.clock.sleep(pause).await;
        pause = pause.mul_f64(1.5).min(LONGEST_POLL);
    }
}

/// Open jobs of ours that may be the one this note is about.
async fn orphans(api: &Api, note: &JobNote) -> Result<Vec<String>, Error> {
    let user = our_user(api).await?;
    let mut path = format!("{}?jobType=V2Ingest", api.paths.ingest_jobs());
    let mut found = Vec::new();
    for _ in 0..PAGES {
        let page = job::list(api, path).await?;
        let may_be = |info: &&JobInfo| {
            let listed = ListedJob {
                state: &info.state,
                operation: &info.operation,
                object: &info.object,
                created_by: &info.created_by_id,
                created_at: info.created_at(),
            };
            job::is_job_id(&info.id) && note.may_be(&listed, user)
        };
        found.extend(page.records.iter().filter(may_be).map(|info| info.id.clone()));
        match page.next_records_url.as_deref().map(named_by_server) {
            None => return Ok(found),
            Some(Some(next)) => path = next,
            Some(None) => {
                let cause = "the list of bulk jobs goes on at an address that is not of the API";
                return Err(Error::new(ErrorKind::Protocol, ATTEMPTED, cause));
            }
        }
    }
    Ok(found)
}

/// The id of the user whose credential this is; asked once.
pub(crate) async fn our_user(api: &Api) -> Result<&str, Error> {
    let asked = api.jobs.user.get_or_try_init(|| async {
        let attempted = "ask which user the connection is";
        let call = Call::get(attempted, Paths::user_info().to_owned(), CALL).with_priority(Priority::Push);
        let info: UserInfo = api.ask(&call, decode).await?;
        crate::ids::long(&info.user_id)
            .ok_or_else(|| Error::new(ErrorKind::Protocol, attempted, "the answer names no user"))
    });
    asked.await.map(String::as_str)
}
