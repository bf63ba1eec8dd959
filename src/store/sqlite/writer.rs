//! The writer: one thread that owns the writing connection and commits many operations in one transaction.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use connector::Entropy;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::fault::{Fallible, Fault};
use super::session::Session;
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

/// One queued operation.
trait Job: Send {
    fn run(self: Box<Self>, session: &Session<'_>, path: &Arc<str>) -> Ran;
    fn refuse(self: Box<Self>, error: Error);
    fn doing(&self) -> &'static str;
}

/// An operation that has run and waits for the commit.
struct Ran {
    keep: bool,
    error: Option<Error>,
    answer: Box<dyn FnOnce(Option<Error>) + Send>,
}

struct Operation<T, F> {
    doing: &'static str,
    act: F,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Job for Operation<T, F>
where
    T: Send + 'static,
    F: FnOnce(&Session<'_>) -> Fallible<Done<T>> + Send,
{
    fn run(self: Box<Self>, session: &Session<'_>, path: &Arc<str>) -> Ran {
        let Self { doing, act, reply } = *self;
        // A decision that panics takes down its own operation, not the store.
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let done = act(session)?;
            if matches!(done, Done::Keep(_)) {
                session.finish()?;
            }
            Ok(done)
        }))
        .unwrap_or_else(|_| Err(Fault::Refused("a decision panicked; nothing was written".into())));
        let (keep, result) = match outcome {
            Ok(Done::Keep(value)) => (true, Ok(value)),
            Ok(Done::Undo(value)) => (false, Ok(value)),
            Err(fault) => (false, Err(fault.told(doing, path))),
        };
        let error = result.as_ref().err().cloned();
        let answer = Box::new(move |failed: Option<Error>| {
            // The caller may have gone; what was committed stays.
            let _ = reply.send(match (result, failed) {
                (Ok(_), Some(error)) => Err(error),
                (result, _) => result,
            });
        });
        Ran { keep, error, answer }
    }

    fn refuse(self: Box<Self>, error: Error) {
        let _ = self.reply.send(Err(error));
    }

    fn doing(&self) -> &'static str {
        self.doing
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
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for dyn Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.doing())
    }
}

impl Writer {
    pub(super) fn start(conn: Connection, path: Arc<str>, entropy: Arc<dyn Entropy>) -> std::io::Result<Self> {
        let (queue, orders) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || write_until_closed(&conn, &path, &*entropy, orders))?;
        Ok(Self { queue: Some(queue), thread: Mutex::new(Some(thread)) })
    }

    /// Queues an operation and waits until it is durable.
    pub(super) async fn write<T, F>(&self, doing: &'static str, act: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Session<'_>) -> Fallible<Done<T>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(Error::Closed)?;
        queue.send(Order::Run(Box::new(Operation { doing, act, reply }))).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
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

fn write_until_closed(conn: &Connection, path: &Arc<str>, entropy: &dyn Entropy, mut orders: mpsc::Receiver<Order>) {
    let mut next = None;
    while let Some(order) = next.take().or_else(|| orders.blocking_recv()) {
        match order {
            Order::Run(first) => next = write_group(conn, path, entropy, first, &mut orders),
            Order::TruncateLog(reply) => {
                truncate_log(conn);
                let _ = reply.send(());
            }
        }
    }
    truncate_log(conn);
}

/// Where a reader still needs the log it stays as it is, and SQLite goes on with it.
fn truncate_log(conn: &Connection) {
    let _ = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
}

/// One transaction: the first operation and whatever has queued up behind it. Returns the order that ended the group.
fn write_group(
    conn: &Connection,
    path: &Arc<str>,
    entropy: &dyn Entropy,
    first: Box<dyn Job>,
    orders: &mut mpsc::Receiver<Order>,
) -> Option<Order> {
    let doing = first.doing();
    // Immediate: a deferred transaction that reads first fails at once when another process has committed since.
    if let Err(error) = conn.execute_batch("BEGIN IMMEDIATE") {
        first.refuse(Fault::from(error).told(doing, path));
        return None;
    }
    let mut other = None;
    let mut ran = Vec::new();
    let mut next = Some(first);
    let mut failure = None;
    while let Some(job) = next.take() {
        match run_guarded(conn, path, entropy, job) {
            Ok(done) => ran.push(done),
            Err((done, error)) => {
                ran.extend(done);
                failure = Some(error);
                break;
            }
        }
        if ran.len() < GROUP {
            match orders.try_recv() {
                Ok(Order::Run(job)) => next = Some(job),
                Ok(order) => other = Some(order),
                Err(_) => {}
            }
        }
    }
    if failure.is_none()
        && let Err(error) = commit(conn)
    {
        failure = Some(Fault::from(error).told(doing, path));
    }
    if failure.is_some() && !conn.is_autocommit() {
        // Fails only where SQLite has rolled back by itself already.
        let _ = conn.execute_batch("ROLLBACK");
    }
    for done in ran {
        (done.answer)(failure.clone());
    }
    other
}

fn commit(conn: &Connection) -> rusqlite::Result<()> {
    fail::fail_point!("store.commit.before");
    conn.execute_batch("COMMIT")?;
    fail::fail_point!("store.commit.after");
    Ok(())
}

/// Runs one operation inside a savepoint. `Err`: the whole transaction is lost.
fn run_guarded(
    conn: &Connection,
    path: &Arc<str>,
    entropy: &dyn Entropy,
    job: Box<dyn Job>,
) -> std::result::Result<Ran, (Option<Ran>, Error)> {
    let doing = job.doing();
    let lost = |error: rusqlite::Error| Fault::from(error).told(doing, path);
    if let Err(error) = conn.prepare_cached("SAVEPOINT operation").and_then(|mut s| s.execute([])) {
        let error = lost(error);
        job.refuse(error.clone());
        return Err((None, error));
    }
    let ran = job.run(&Session::writing(conn, entropy), path);
    if conn.is_autocommit() {
        // A full disk or an I/O error makes SQLite roll the whole transaction back, with the neighbours in it.
        let error = ran.error.clone().unwrap_or(Error::Full { doing });
        return Err((Some(ran), error));
    }
    let end = || -> rusqlite::Result<()> {
        if !ran.keep {
            conn.prepare_cached("ROLLBACK TO operation")?.execute([])?;
        }
        conn.prepare_cached("RELEASE operation")?.execute([])?;
        Ok(())
    };
    match end() {
        Ok(()) => Ok(ran),
        Err(error) => {
            let error = lost(error);
            Err((Some(ran), error))
        }
    }
}
