//! Pages between the CRM and the store. Fetching runs ahead by a bounded number of records; what has arrived while the store
//! was busy is stored in one transaction, because a transaction costs the pages of the database it touches, and a small
//! one touches nearly as many as a large one.

use std::sync::Arc;

use connector::{Cursor, Error, FieldName, Timestamp, Tombstone};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::store::Incoming;

/// Records fetched and not yet stored, beside the page under way. At a kilobyte each a few MiB.
const AHEAD: usize = 4_000;
/// Records stored in one transaction; a single page may be larger.
const TOGETHER: usize = 2_000;
/// Pages that may wait, where they are empty.
const WAITING: usize = 64;

/// One page, or several that follow each other.
#[derive(Debug)]
pub(super) struct Batch {
    pub records: Vec<Incoming>,
    pub tombstones: Vec<Tombstone>,
    pub undefined: Vec<FieldName>,
    /// After the last page.
    pub resume: Cursor,
    pub full_load_done: bool,
    pub more: bool,
    /// When the first page was asked for: everything in here is at least as new.
    pub asked_at: Timestamp,
    pub pages: u64,
}

impl Batch {
    /// Whether `next` may be stored in the same transaction and means the same there. A tombstone is older than the records
    /// after it, and the end of a full load is an event of its own.
    fn takes(&self, next: &Self) -> bool {
        self.records.len() + next.records.len() <= TOGETHER && self.tombstones.is_empty() && !self.full_load_done
    }

    fn append(&mut self, next: Self) {
        self.records.extend(next.records);
        self.tombstones = next.tombstones;
        self.resume = next.resume;
        self.full_load_done = next.full_load_done;
        self.more = next.more;
        self.pages += next.pages;
    }
}

type Page = (Result<Batch, Error>, OwnedSemaphorePermit);

/// The fetching side.
pub(super) struct Sender {
    pages: mpsc::Sender<Page>,
    room: Arc<Semaphore>,
}

/// The storing side.
pub(super) struct Arrived {
    pages: mpsc::Receiver<Page>,
    next: Option<Page>,
    /// Held until the batch given out last has been stored.
    stored: Vec<OwnedSemaphorePermit>,
}

pub(super) fn channel() -> (Sender, Arrived) {
    let (sender, pages) = mpsc::channel(WAITING);
    let room = Arc::new(Semaphore::new(AHEAD));
    (Sender { pages: sender, room }, Arrived { pages, next: None, stored: Vec::new() })
}

impl Sender {
    /// Hands a page over when there is room; `false` where nobody takes it any more.
    pub async fn send(&mut self, page: Batch) -> bool {
        let records = page.records.len();
        self.pass(Ok(page), records).await
    }

    pub async fn fail(&mut self, error: Error) {
        self.pass(Err(error), 0).await;
    }

    async fn pass(&mut self, page: Result<Batch, Error>, records: usize) -> bool {
        let room = u32::try_from(records.min(AHEAD)).unwrap_or(0);
        match self.room.clone().acquire_many_owned(room).await {
            Ok(permit) => self.pages.send((page, permit)).await.is_ok(),
            Err(_) => false,
        }
    }
}

impl Arrived {
    /// The next page with those waiting behind it; an error only after everything before it has been given out. The batch
    /// before it counts as stored.
    pub async fn next(&mut self) -> Option<Result<Batch, Error>> {
        self.stored.clear();
        let (first, permit) = match self.next.take() {
            Some(page) => page,
            None => self.pages.recv().await?,
        };
        let mut batch = match first {
            Ok(batch) => batch,
            Err(error) => return Some(Err(error)),
        };
        self.stored.push(permit);
        while let Ok((page, permit)) = self.pages.try_recv() {
            match page {
                Ok(page) if batch.takes(&page) => {
                    batch.append(page);
                    self.stored.push(permit);
                }
                page => {
                    self.next = Some((page, permit));
                    break;
                }
            }
        }
        Some(Ok(batch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector::{ErrorKind, Record};

    fn page(at: i64, records: usize) -> Batch {
        let incoming = |n: usize| Incoming {
            record: Record::new(n.to_string().as_str(), connector::Fields::new()),
            hash: 0,
            carried: None,
            identifiers: Vec::new(),
        };
        Batch {
            records: (0..records).map(incoming).collect(),
            tombstones: Vec::new(),
            undefined: Vec::new(),
            resume: Cursor::new(at.to_string()),
            full_load_done: false,
            more: true,
            asked_at: Timestamp::from_secs(at),
            pages: 1,
        }
    }

    #[tokio::test]
    async fn what_waits_is_stored_together_up_to_a_bound() {
        let (mut sender, mut arrived) = channel();
        for at in 1..=3 {
            assert!(sender.send(page(at, 800)).await);
        }
        let first = arrived.next().await.unwrap().unwrap();
        assert_eq!((first.records.len(), first.pages, first.asked_at), (1_600, 2, Timestamp::from_secs(1)));
        assert_eq!(first.resume, Cursor::new("2"));
        let second = arrived.next().await.unwrap().unwrap();
        assert_eq!((second.records.len(), second.asked_at), (800, Timestamp::from_secs(3)));
    }

    #[tokio::test]
    async fn nothing_joins_a_page_with_tombstones_or_the_end_of_a_load() {
        let (mut sender, mut arrived) = channel();
        let tombstone = Tombstone { id: "1".into(), deleted_at: None, merged_into: None };
        sender.send(Batch { tombstones: vec![tombstone], ..page(1, 1) }).await;
        sender.send(Batch { full_load_done: true, ..page(2, 1) }).await;
        sender.send(page(3, 1)).await;
        sender.fail(Error::new(ErrorKind::Transient, "read", "broken")).await;
        drop(sender);
        for at in ["1", "2", "3"] {
            assert_eq!(arrived.next().await.unwrap().unwrap().resume, Cursor::new(at));
        }
        assert!(arrived.next().await.unwrap().is_err(), "the error comes last");
        assert!(arrived.next().await.is_none());
    }

    #[tokio::test]
    async fn fetching_waits_for_the_store() {
        let (mut sender, mut arrived) = channel();
        for at in 0..5 {
            assert!(sender.send(page(at, 800)).await);
        }
        let mut waiting = std::pin::pin!(sender.send(page(5, 800)));
        assert!(futures::poll!(&mut waiting).is_pending());
        arrived.next().await.unwrap().unwrap();
        assert!(futures::poll!(&mut waiting).is_pending(), "given out is not stored");
        arrived.next().await.unwrap().unwrap();
        assert!(waiting.await);
    }
}
