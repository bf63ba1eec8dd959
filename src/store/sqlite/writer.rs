//! The writer: one thread that owns the writing connection and commits many operations in one transaction.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use connector::Entropy;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::fault::{Fallible, Fault};
use super::session::Session;
use super::wal::Copier;
use crate::store::{Error, Result};

/// Operations waiting beyond this many make their callers wait.
const QUEUE: usize = 256;
/// Most operations in one transaction.
const GROUP: usize = 256;

/// An answer, and whether what was done is to be kept.
pub(super) enum Done<T> {
    Keep(T),
    /// Undo everything, and answer nonetheless (a guard said stop).
    Undo(T),
}

/// One queued operation. It may be run again after a roll-back, which is why it takes nothing out of itself.
trait Job: Send {
    /// Runs it and keeps the outcome for [`Job::answer`]. `Err`: what it did must be undone.
    fn run(&mut self, session: &Session<'_>, path: &Arc<str>) -> std::result::Result<(), Undo>;
    /// Tells the caller; `failed` where the transaction did not commit.
    fn answer(self: Box<Self>, failed: Option<Error>);
    fn doing(&self) -> &'static str;
    /// Whether it shares the session of its like before and behind it, which is finished behind the last of them.
    fn shares(&self) -> bool;
}

/// Why an operation is undone: it failed, or a guard said stop.
struct Undo(Option<Error>);

struct Operation<T, F> {
    doing: &'static str,
    act: F,
    reply: oneshot::Sender<Result<T>>,
    outcome: Option<Result<T>>,
    /// Of an append until it runs.
    waits: Option<Waits>,
    shares: bool,
}

/// A sender of events that waits for the writer.
struct Waits(Arc<AtomicUsize>);

impl Waits {
    fn new(waiting: &Arc<AtomicUsize>) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting.clone())
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<T, F> Job for Operation<T, F>
where
    T: Send + 'static,
    F: Fn(&Session<'_>) -> Fallible<Done<T>> + Send,
{
    fn run(&mut self, session: &Session<'_>, path: &Arc<str>) -> std::result::Result<(), Undo> {
        self.waits = None;
        // A decision that panics takes down its own operation, not the store.
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let done = (self.act)(session)?;
            if matches!(done, Done::Keep(_)) && !self.shares {
                session.finish()?;
            }
            Ok(done)
        }))
        .unwrap_or_else(|_| Err(Fault::Refused("a decision panicked; nothing was written".into())));
        match outcome {
            Ok(Done::Keep(value)) => {
                self.outcome = Some(Ok(value));
                Ok(())
            }
            Ok(Done::Undo(value)) => {
                self.outcome = Some(Ok(value));
                Err(Undo(None))
            }
            Err(fault) => {
                let error = fault.told(self.doing, path);
                self.outcome = Some(Err(error.clone()));
                Err(Undo(Some(error)))
            }
        }
    }

    fn answer(self: Box<Self>, failed: Option<Error>) {
        let Self { act, reply, outcome, .. } = *self;
        // What it was made with goes first: who shares that with it frees it, and the writer need not.
        drop(act);
        // The caller may have gone; what was committed stays.
        let _ = reply.send(match (outcome, failed) {
            (Some(Err(own)), _) => Err(own),
            (_, Some(error)) => Err(error),
            (Some(outcome), None) => outcome,
            (None, None) => Err(Error::Closed),
        });
    }

    fn doing(&self) -> &'static str {
        self.doing
    }

    fn shares(&self) -> bool {
        self.shares
    }
}

/// What the writer is asked for.
#[derive(Debug)]
enum Order {
    Run(Box<dyn Job>),
    /// Copy the log into the database and cut it; between transactions.
    TruncateLog(oneshot::Sender<()>),
}

#[derive(Debug)]
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Order>>,
    /// Appends that have not begun.
    waiting: Arc<AtomicUsize>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for dyn Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.doing())
    }
}

impl Writer {
    /// `other`: a second connection to the same file, for its log.
    pub(super) fn start(
        mut conn: Connection,
        other: Connection,
        path: Arc<str>,
        entropy: Arc<dyn Entropy>,
    ) -> std::io::Result<Self> {
        let copier = Copier::start(&mut conn, other).map_err(std::io::Error::other)?;
        let (queue, orders) = mpsc::channel(QUEUE);
        let waiting = Arc::new(AtomicUsize::new(0));
        let awaited = waiting.clone();
        let thread = std::thread::Builder::new().name("store-writer".into()).spawn(move || {
            let mut conn = conn;
            let group = Group { conn: &conn, path: &path, entropy: &*entropy, awaited: &awaited, copier: &copier };
            group.all(orders);
            copier.stop(&mut conn);
            truncate_log(&conn);
        })?;
        Ok(Self { queue: Some(queue), waiting, thread: Mutex::new(Some(thread)) })
    }

    /// Queues an operation and waits until it is durable.
    pub(super) async fn write<T, F>(&self, doing: &'static str, act: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Session<'_>) -> Fallible<Done<T>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.order(Operation { doing, act, reply, outcome: None, waits: None, shares: false }).await?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// The same for what somebody waits for and what comes in a stream: appends that follow each other share their session, and
    /// long operations end early for them.
    pub(super) async fn append<T, F>(&self, doing: &'static str, act: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Session<'_>) -> Fallible<Done<T>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let waits = Some(Waits::new(&self.waiting));
        self.order(Operation { doing, act, reply, outcome: None, waits, shares: true }).await?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// Whether anybody waits for an append.
    pub(super) fn is_awaited(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    async fn order(&self, job: impl Job + 'static) -> Result<()> {
        let queue = self.queue.as_ref().ok_or(Error::Closed)?;
        queue.send(Order::Run(Box::new(job))).await.map_err(|_| Error::Closed)
    }

    /// Shrinks the write-ahead log where no reader holds on to it; harmless otherwise.
    pub(super) async fn truncate_log(&self) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(Error::Closed)?;
        queue.send(Order::TruncateLog(reply)).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)
    }
}

/// Waits for the queued operations to be committed and for the file to be closed.
impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        let thread = self.thread.lock().ok().and_then(|mut thread| thread.take());
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

/// Where a reader still needs the log it stays as it is, and SQLite goes on with it.
fn truncate_log(conn: &Connection) {
    let _ = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
}

/// What transactions are made with, one after the other.
struct Group<'a> {
    conn: &'a Connection,
    path: &'a Arc<str>,
    entropy: &'a dyn Entropy,
    awaited: &'a AtomicUsize,
    copier: &'a Copier,
}

impl<'a> Group<'a> {
    /// Writes until nobody can order anything more.
    fn all(&self, mut orders: mpsc::Receiver<Order>) {
        let mut next = None;
        while let Some(order) = next.take().or_else(|| orders.blocking_recv()) {
            match order {
                Order::Run(first) => next = self.write(first, &mut orders),
                Order::TruncateLog(reply) => {
                    let _paused = self.copier.pause();
                    truncate_log(self.conn);
                    let _ = reply.send(());
                }
            }
        }
    }

    /// The first operation and whatever has queued up behind it. Returns the order that ended the group.
    ///
    /// Nearly all operations are kept, and a savepoint for each would copy every page they touch. So they run without, and
    /// when one has to be undone, the whole transaction is rolled back and the others run again, with savepoints.
    fn write(&self, first: Box<dyn Job>, orders: &mut mpsc::Receiver<Order>) -> Option<Order> {
        let (mut kept, mut next, mut other, mut careful) = (Vec::new(), Some(first), None, false);
        let mut shared: Option<Session<'_>> = None;
        if let Err(error) = self.begin() {
            if let Some(first) = next.take() {
                let error = self.told(error, first.doing());
                first.answer(Some(error));
            }
            return None;
        }
        while let Some(mut job) = next.take() {
            let undo = if careful { self.run_guarded(&mut *job) } else { self.run_among(&mut *job, &mut shared) };
            match undo {
                Ok(()) => kept.push(job),
                Err(undo) if careful && !self.conn.is_autocommit() => job.answer(undo.0),
                Err(undo) => {
                    job.answer(undo.0.clone());
                    (careful, shared) = (true, None);
                    if let Err(error) = self.run_again(&mut kept) {
                        let error = undo.0.unwrap_or(error);
                        kept.drain(..).for_each(|job| job.answer(Some(error.clone())));
                        return None;
                    }
                }
            }
            if kept.len() < GROUP {
                match orders.try_recv() {
                    Ok(Order::Run(job)) => next = Some(job),
                    Ok(order) => other = Some(order),
                    Err(_) => {}
                }
            }
        }
        let finished = shared.map_or(Ok(()), |session| session.finish());
        let committed = finished.and_then(|()| Ok(commit(self.conn)?));
        let failure = committed.err().map(|fault| fault.told("commit", self.path));
        if failure.is_some() {
            self.roll_back();
        }
        kept.into_iter().for_each(|job| job.answer(failure.clone()));
        other
    }

    fn session(&self) -> Session<'a> {
        Session::writing(self.conn, self.entropy).with_awaited(self.awaited)
    }

    /// Runs an operation in a session of its own, or in that of its like before it, which is finished before anything else runs.
    fn run_among(&self, job: &mut dyn Job, shared: &mut Option<Session<'a>>) -> std::result::Result<(), Undo> {
        if job.shares() {
            return job.run(shared.get_or_insert_with(|| self.session()), self.path);
        }
        if let Some(before) = shared.take()
            && let Err(fault) = before.finish()
        {
            return Err(Undo(Some(fault.told(job.doing(), self.path))));
        }
        job.run(&self.session(), self.path)
    }

    fn told(&self, error: rusqlite::Error, doing: &'static str) -> Error {
        Fault::from(error).told(doing, self.path)
    }

    /// Immediate: a deferred transaction that reads first fails at once when another process has committed since.
    fn begin(&self) -> rusqlite::Result<()> {
        self.conn.execute_batch("BEGIN IMMEDIATE")
    }

    fn roll_back(&self) {
        // Fails only where SQLite has rolled back by itself already (full disk, I/O error).
        if !self.conn.is_autocommit() {
            let _ = self.conn.execute_batch("ROLLBACK");
        }
    }

    /// Rolls everything back and runs what had been kept once more; what fails this time is answered and leaves. `Err`: the
    /// transaction is lost.
    fn run_again(&self, kept: &mut Vec<Box<dyn Job>>) -> Result<()> {
        self.roll_back();
        self.begin().map_err(|error| self.told(error, "begin a transaction"))?;
        let mut rest = std::mem::take(kept).into_iter();
        while let Some(mut job) = rest.next() {
            match self.run_guarded(&mut *job) {
                Ok(()) => kept.push(job),
                Err(undo) => {
                    job.answer(undo.0.clone());
                    if self.conn.is_autocommit() {
                        kept.extend(rest);
                        return Err(undo.0.unwrap_or(Error::Full { doing: "write" }));
                    }
                }
            }
        }
        Ok(())
    }

    /// Runs one operation inside a savepoint, and undoes it alone where it has to be undone.
    fn run_guarded(&self, job: &mut dyn Job) -> std::result::Result<(), Undo> {
        let lost = |error: rusqlite::Error| Undo(Some(self.told(error, "set a savepoint")));
        self.conn.execute_batch("SAVEPOINT operation").map_err(lost)?;
        let session = self.session();
        let mut outcome = job.run(&session, self.path);
        if outcome.is_ok() && job.shares() {
            outcome = session.finish().map_err(|fault| Undo(Some(fault.told(job.doing(), self.path))));
        }
        if !self.conn.is_autocommit() {
            let end = if outcome.is_ok() { "RELEASE operation" } else { "ROLLBACK TO operation; RELEASE operation" };
            self.conn.execute_batch(end).map_err(lost)?;
        }
        outcome
    }
}

fn commit(conn: &Connection) -> rusqlite::Result<()> {
    fail::fail_point!("store.commit.before");
    conn.execute_batch("COMMIT")?;
    fail::fail_point!("store.commit.after");
    Ok(())
}
