//! FLOOR 3 — CRM → store: page → map → resolve → three-way plan → guard → apply with checkpoint, in one transaction.
//!
//! The next pages are asked for while this one is stored, and those that wait are stored together; no transaction is open
//! while the network is. Stopping anywhere loses nothing: the checkpoint in the store is the only progress there is.

mod fetching;
mod guard;
mod incoming;
mod opt_out;
mod plan;

use std::convert::Infallible;
use std::sync::Arc;

use connector::{Clock, ConnectionName, Connector, Cursor, ErrorKind, Object, PullRequest, Stream, Timestamp};
use tokio_util::sync::CancellationToken;

use fetching::{Arrived, Batch, Sender};
pub use guard::GuardLimits;
pub use plan::Planner;

use crate::mapping::ObjectMapping;
use crate::model::{Counts, DeadLetter, DeadLetterCode, DeadLetterId, IdentityRules, RunId, Subject};
use crate::store::{IncomingPage, Store, StreamKey};

/// One pull of one stream.
#[derive(Debug)]
pub struct Pull<'a> {
    pub store: &'a dyn Store,
    pub connector: &'a dyn Connector,
    pub clock: &'a dyn Clock,
    pub connection: &'a ConnectionName,
    pub stream: Stream,
    pub mapping: Arc<ObjectMapping>,
    /// What identifies a person.
    pub identity: Arc<IdentityRules>,
    /// Objects whose associations come with each record.
    pub links: Vec<Object>,
    /// Leaves out deals closed before this instant, and activities that nobody has touched since.
    pub since: Option<Timestamp>,
    pub guard: GuardLimits,
    pub run: RunId,
    /// Starts from the beginning of time.
    pub full: bool,
    pub stop: &'a CancellationToken,
}

/// How a pull ended.
#[derive(Debug)]
pub struct Report {
    pub counts: Counts,
    pub identity_conflicts: u64,
    /// Profiles that await computation and records that await push now.
    pub profiles_marked: u64,
    pub records_marked: u64,
    pub end: End,
}

/// Why a pull stopped.
#[derive(Debug)]
pub enum End {
    /// Everything there is now has been taken in.
    Complete,
    /// Asked to stop; the next pull goes on from the checkpoint.
    Stopped,
    /// The pull guard refused a page: too much would be lost.
    Guarded(Arc<str>),
    Crm(connector::Error),
    Store(crate::store::Error),
}

/// Pages one pull may take: at 100 records a page, a hundred million records. A CRM that never ends is broken.
const MOST_PAGES: u64 = 1_000_000;

impl Pull<'_> {
    /// Pulls until there is no more. `progress` is told the counts after every page.
    pub async fn run(&self, progress: &(dyn Fn(&Counts) + Sync)) -> Report {
        let mut report = Report {
            counts: Counts::default(),
            identity_conflicts: 0,
            profiles_marked: 0,
            records_marked: 0,
            end: End::Complete,
        };
        report.end = self.pages(&mut report, progress).await.unwrap_or_else(|end| end);
        report
    }

    async fn pages(&self, report: &mut Report, progress: &(dyn Fn(&Counts) + Sync)) -> Result<End, End> {
        let key = StreamKey { connection: self.connection.clone(), stream: self.stream.clone() };
        let checkpoint = self.store.checkpoint(&key).await.map_err(End::Store)?;
        let armed = self.guard_is_armed().await?;
        let planner = Arc::new(Planner::new(
            self.connection.clone(),
            self.mapping.clone(),
            self.identity.clone(),
            matches!(self.stream, Stream::Records(_)),
            self.clock.now(),
            self.guard.armed(armed),
        ));
        let cursor = checkpoint.filter(|_| !self.full).map(|checkpoint| checkpoint.cursor);
        let (sender, pages) = fetching::channel();
        // The fetching ends with the storing, whatever ended that.
        let fetch = async {
            self.fetch_pages(cursor, sender).await;
            std::future::pending::<Infallible>().await
        };
        tokio::select! {
            end = self.store_pages(pages, &key, &planner, report, progress) => end,
            never = fetch => match never {},
        }
    }

    /// Stores what has been fetched, several small pages in one transaction where they wait.
    async fn store_pages(
        &self,
        mut pages: Arrived,
        key: &StreamKey,
        planner: &Arc<Planner>,
        report: &mut Report,
        progress: &(dyn Fn(&Counts) + Sync),
    ) -> Result<End, End> {
        let mut more = true;
        while let Some(arrived) = pages.next().await {
            let batch = arrived.map_err(End::Crm)?;
            if report.counts.pages == 0 {
                report.counts.failed += self.report_undefined(&batch.undefined, batch.asked_at).await?;
            }
            more = batch.more;
            let incoming = IncomingPage {
                key: key.clone(),
                run: self.run,
                now: self.clock.now(),
                asked_at: batch.asked_at.saturating_sub(self.connector.capability().visibility_lag),
                records: batch.records,
                tombstones: batch.tombstones,
                resume: batch.resume,
                full_load_done: batch.full_load_done,
            };
            fail::fail_point!("before_apply");
            let applied = self.store.apply_page(incoming, planner.clone()).await.map_err(End::Store)?;
            fail::fail_point!("after_apply");
            if let Some(why) = applied.stopped {
                return Err(End::Guarded(why));
            }
            planner.page_is_stored();
            report.counts.add(&Counts { pages: batch.pages, ..applied.counts });
            report.identity_conflicts += applied.identity_conflicts;
            report.profiles_marked += applied.profiles_marked;
            report.records_marked += applied.records_marked;
            progress(&report.counts);
        }
        Ok(if more { End::Stopped } else { End::Complete })
    }

    /// Asks for page after page, as far ahead of the storing as the channel lets it.
    async fn fetch_pages(&self, mut cursor: Option<Cursor>, mut sender: Sender) {
        let fingerprint = self.mapping.fingerprint();
        for pages in 1.. {
            let asked_at = self.clock.now();
            let page = match self.fetch(cursor.clone()).await {
                Ok(page) if page.more && (cursor.as_ref() == Some(&page.resume) || pages >= MOST_PAGES) => {
                    return sender.fail(self.repeats_itself()).await;
                }
                Ok(page) => page,
                Err(error) => return sender.fail(error).await,
            };
            let (more, resume) = (page.more, page.resume.clone());
            let batch = Batch {
                records: incoming::of_page(&self.mapping, &self.identity, fingerprint, page.records),
                tombstones: page.tombstones,
                undefined: page.undefined,
                resume: page.resume,
                full_load_done: page.full_load_done,
                more,
                asked_at,
                pages: 1,
            };
            if !sender.send(batch).await || !more || self.stop.is_cancelled() {
                return;
            }
            cursor = Some(resume);
        }
    }

    async fn fetch(&self, cursor: Option<Cursor>) -> connector::Result<connector::Page> {
        let request = PullRequest {
            stream: self.stream.clone(),
            fields: self.mapping.field_names(),
            links: self.links.clone(),
            cursor,
            since: self.since,
        };
        let mut page = self.connector.pull(&request).await?;
        if let (Some(since), Object::Activity) = (self.since, self.stream.object()) {
            // Not every CRM can leave them out itself.
            page.records.retain(|record| record.modified_at.is_none_or(|at| at >= since));
        }
        Ok(page)
    }

    /// The guard rests until the object's records have once been loaded in full: before that there is nothing to lose.
    async fn guard_is_armed(&self) -> Result<bool, End> {
        let records =
            StreamKey { connection: self.connection.clone(), stream: Stream::Records(self.stream.object().clone()) };
        let checkpoint = self.store.checkpoint(&records).await.map_err(End::Store)?;
        Ok(checkpoint.is_some_and(|checkpoint| checkpoint.full_load_done))
    }

    /// A mapped field that the CRM does not define pauses its mapping; the others go on (`reliability` §B 38).
    async fn report_undefined(&self, undefined: &[connector::FieldName], at: Timestamp) -> Result<u64, End> {
        let letters: Vec<DeadLetter> = undefined
            .iter()
            .filter(|field| self.mapping.of_field(field).any(|mapping| mapping.direction.pulls()))
            .map(|field| DeadLetter {
                id: DeadLetterId(0),
                at,
                code: DeadLetterCode::FieldUnusable,
                subject: Subject {
                    connection: Some(self.connection.as_str().into()),
                    object: Some(self.mapping.object.as_str().into()),
                    field: Some(field.clone()),
                    ..Subject::default()
                },
                cause: format!("{} has no {} field \"{field}\"", self.connection, self.mapping.object).into(),
                fix:
                    "correct the field's name in sync.toml (ferry check --live suggests one), or restore the field at \
                      the CRM; its mapping is paused until then"
                        .into(),
                raw: None,
                count: 1,
            })
            .collect();
        let count = letters.len() as u64;
        if count > 0 {
            self.store.add_dead_letters(letters).await.map_err(End::Store)?;
        }
        Ok(count)
    }

    fn repeats_itself(&self) -> connector::Error {
        connector::Error::new(
            ErrorKind::Protocol,
            format!("read {} of {} from {}", self.stream.name(), self.stream.object(), self.connection),
            "the CRM's paging does not advance: it named the same place twice while promising more",
        )
        .with_fix("run the pull again; if it stays, report it to the CRM's support")
    }
}
