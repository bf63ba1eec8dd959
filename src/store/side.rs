//! The part of the face that is about writes beside a record's fields.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use connector::{ConnectionName, Object, RecordId, Timestamp};

use crate::model::{
    Cause, DeadLetter, Desire, JournalOutcome, ProfileId, ProfileUid, RunId, SideEntry, SideId, SideRow, SideWish,
};
use crate::store::{Lease, Result};

/// What became of one leased side write, decided by `push::side`.
#[derive(Clone, Debug, PartialEq)]
pub struct SideSettled {
    pub id: SideId,
    /// The generation that was sent: a newer wish stays queued.
    pub generation: u32,
    /// What was sent.
    pub wish: SideWish,
    pub fate: SideFate,
    /// The journal's word for it; `None` where the wish goes on living.
    pub journal: Option<JournalOutcome>,
    pub dead_letters: Vec<DeadLetter>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SideFate {
    /// The CRM holds it. `remote` is the note or task that holds it; `modified_at` the record's own stamp after a write to itself.
    Told { remote: Option<RecordId>, modified_at: Option<Timestamp> },
    /// Refused for good: not tried again until the wish changes or somebody asks.
    Refused,
    /// The note that was written before is gone: queued again, to be made anew.
    Anew,
    /// Not sent or not applied: queued again. `counts` says whether it counts as an attempt.
    Again { not_before: Timestamp, counts: bool },
    /// Perhaps applied: it comes back as ambiguous, to be looked at before anything is sent.
    Ambiguous { not_before: Timestamp, counts: bool },
    /// The CRM held it before Ferry came: nothing was written, and it is not Ferry's to take back.
    Found,
    /// The record is gone, and everything wished for it with it.
    Gone,
}

/// How many side writes of a (connection, object) are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SideTally {
    /// Queued or ambiguous, at records that are there.
    pub waiting: u64,
    /// When the first of them is due; the epoch where one is due whatever the time.
    pub next_due: Option<Timestamp>,
}

/// Most wishes that one call carries out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SideLimit {
    /// Of places on lists.
    pub places: usize,
    /// Of anything else.
    pub others: usize,
}

/// A place on a list that is wished for, or to be given up, and not told yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceWaiting {
    pub record: RecordId,
    pub list: Arc<str>,
    pub member: bool,
}

/// Who is on a list, held against whom Ferry knows to be on it.
#[derive(Clone, Debug)]
pub struct LostPlaces {
    pub list: Arc<str>,
    /// Whoever is on it.
    pub present: Arc<BTreeSet<RecordId>>,
    /// Places that the CRM was told of later are not asked about: they may not show yet.
    pub told_before: Timestamp,
    pub cause: Cause,
}

/// Whom an audience is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// People whose computed values have changed since.
    ChangedSince(Timestamp),
    These(Vec<ProfileId>),
}

/// A record of somebody who may be told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The record's number, to go on after it.
    pub number: i64,
    pub record: RecordId,
    pub profile: ProfileId,
    pub uid: ProfileUid,
    /// When the CRM was last told in this lane.
    pub told_at: Option<Timestamp>,
}

/// As with [`crate::store::Store`], every operation is one transaction.
#[async_trait]
pub trait SideWrites {
    /// Takes wishes for records of one (connection, object). What the CRM was told already, or what is queued already, changes
    /// nothing; a newer wish of the same lane replaces one that waits. About somebody who may not be told of (consent,
    /// suppression, a profile of many people) only what takes back is taken, and what the CRM was told before is taken
    /// back. Records that are not there are passed over. How many wishes changed something.
    async fn desire(
        &self,
        connection: &ConnectionName,
        object: &Object,
        now: Timestamp,
        desires: Vec<Desire>,
    ) -> Result<u64>;

    /// Queues what takes back what the CRM was told of people who do not allow it any more. How many records that concerns.
    async fn take_back(&self, connection: &ConnectionName, object: &Object, now: Timestamp) -> Result<u64>;

    /// Has places wished for again that Ferry knew of and that are gone: somebody took the records off the list. How many.
    async fn lost_places(
        &self,
        connection: &ConnectionName,
        object: &Object,
        now: Timestamp,
        lost: LostPlaces,
    ) -> Result<u64>;

    /// Places on lists of a (connection, object) that are not told yet.
    async fn waiting_places(&self, connection: &ConnectionName, object: &Object) -> Result<Vec<PlaceWaiting>>;

    /// Leases up to `limit` due wishes that one kind of operation carries out, at most one of a record. Durable before any call;
    /// ambiguous ones come first, and alone. Privacy is asked in this very transaction: what may not be told any more is
    /// taken back, or forgotten where nothing was told.
    async fn lease_side(
        &self,
        connection: &ConnectionName,
        object: &Object,
        lease: Lease,
        limit: SideLimit,
    ) -> Result<Vec<SideEntry>>;

    /// Records what became of leased wishes, with journal and dead letters.
    async fn settle_side(&self, run: RunId, now: Timestamp, settled: Vec<SideSettled>) -> Result<()>;

    /// Gives back what this worker has leased of a (connection, object): its run broke off. How many are ambiguous now.
    async fn reclaim_side(&self, connection: &ConnectionName, object: &Object, worker: &Arc<str>) -> Result<u64>;

    /// Whose records at a (connection, object) are to be told something in a lane: live records of known people, after a record's number
    /// (0 starts), in its order, with when they were told last.
    async fn audience(
        &self,
        connection: &ConnectionName,
        object: &Object,
        lane: &str,
        whom: Whom,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Listener>>;

    /// How many records of a (connection, object) were told something since an instant in lanes that begin like this, or are about to be.
    async fn told_since(
        &self,
        connection: &ConnectionName,
        object: &Object,
        lanes: &str,
        since: Timestamp,
    ) -> Result<u64>;

    async fn side_tally(&self, connection: &ConnectionName, object: &Object) -> Result<SideTally>;

    /// What is wished for and told at the records of one person, or at one (connection, object), by record and lane.
    async fn side_writes(&self, whose: SideOf, limit: usize) -> Result<Vec<SideRow>>;
}

/// Whose side writes are asked for.
#[derive(Clone, Debug)]
pub enum SideOf {
    Profile(ProfileId),
    /// After a record's number (0 starts), in its order.
    Place(ConnectionName, Object),
}
