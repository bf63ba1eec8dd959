//! Leads given to people: the turn is taken and the reason kept before any call, in one transaction.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use connector::{ConnectionName, FieldName, Object, RecordId, Timestamp};
use serde::Serialize;

use crate::model::{
    Decision, Elsewhere, Intent, Office, OpenDeal, OutboxId, Profile, ProfileId, ProfileUid, Step, TrailLine, User,
};
use crate::store::Result;

/// A lead about to be made, or a record about to get its first owner.
#[derive(Clone, Debug)]
pub struct LeadItem {
    pub profile: Profile,
    /// Who owns the record, where there is one.
    pub owner: Option<RecordId>,
    /// Who was given the person at another connection for the same entry, with the number of that turn.
    pub elsewhere: Option<(i64, Elsewhere)>,
    /// Who owns the person's company at this CRM; `None` where several do.
    pub account_owner: Option<RecordId>,
    /// Open deals of somebody who entered the band and has not been told of since, those at this CRM first.
    pub deals: Vec<OpenDeal>,
    /// Addresses of those who had the record and did not answer in time; nobody's where it is not to go on to another.
    pub late: Vec<Arc<str>>,
}

/// A leased entry whose record is to be given to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub entry: OutboxId,
    /// Who owns the record, as the CRM said just now; `None` for one that is about to be made.
    pub owner: Option<RecordId>,
}

/// Decides whose leads are. Pure.
pub trait RouteLeads: Debug + Send + Sync {
    fn route(&self, lead: &LeadItem, office: &dyn Office) -> Decision;

    /// By when the owner is to have answered; `None` where nobody waits.
    fn respond_by(&self, user: &User) -> Option<Timestamp>;
}

/// How leads of one object at one connection are assigned.
#[derive(Clone, Debug)]
pub struct Assigning {
    /// The field that holds the owner.
    pub owner: FieldName,
    /// The field that holds a company's owner, where the CRM has one.
    pub company_owner: Option<FieldName>,
    /// The band whose entry gives a record to somebody.
    pub band: Option<Arc<str>>,
    /// The band whose entries make records here.
    pub created_for: Option<Arc<str>>,
    pub route: Arc<dyn RouteLeads>,
}

/// What became of one leased entry.
#[derive(Clone, Debug)]
pub enum Assigned {
    /// To be sent like this: with the owner that was decided, now or before.
    Send(Box<Intent>),
    /// Queued again: nobody is there before this instant.
    Held { until: Timestamp },
    /// No longer wanted: the person has an open deal now. The entry is gone.
    Dropped,
}

/// One turn, as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AssignmentRow {
    pub at: Timestamp,
    pub connection: ConnectionName,
    pub object: Object,
    /// `None` until the record is made.
    pub record: Option<RecordId>,
    pub profile: Option<ProfileUid>,
    pub state: AssignmentState,
    /// As a person reads it; `None` where nobody was found.
    pub owner: Option<Arc<str>>,
    pub owner_id: Option<RecordId>,
    pub step: Option<Step>,
    pub pool: Option<Arc<str>>,
    pub member: Option<Arc<str>>,
    pub trail: Vec<TrailLine>,
    /// Until when a lead waits that is held, and is dealt only then.
    pub held_until: Option<Timestamp>,
    pub respond_by: Option<Timestamp>,
    pub answered_at: Option<Timestamp>,
    pub breached_at: Option<Timestamp>,
    /// Whether the CRM held the record before: it was given to somebody, or the owner of a deal was told of it, and it was not made
    /// for them.
    pub existing: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AssignmentState {
    /// Nobody is there: no turn is taken yet.
    Held,
    /// Decided and not settled yet.
    Underway,
    Made,
    /// The lead was not made, or somebody else has it now: the turn does not count.
    GivenBack,
}

impl AssignmentState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Underway => "underway",
            Self::Made => "made",
            Self::GivenBack => "given_back",
        }
    }
}

/// Leads of one object at one connection that wait until somebody is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitingLeads {
    /// Never 0.
    pub leads: u64,
    /// When the first of them is dealt.
    pub until: Timestamp,
}

/// Names the entries of one call.
pub type Entries = Vec<(OutboxId, Assigned)>;

/// The part of the store's face that gives leads to people. As everywhere, an operation is one transaction.
#[async_trait]
pub trait Leads {
    /// Decides whose the leads of these leased entries are, together with the turns that this takes and with the intents that
    /// say so: what is sent afterwards has its owner, and a write that is tried again takes no second turn. An entry that has
    /// to wait is queued again.
    async fn assign(
        &self,
        connection: &ConnectionName,
        object: &Object,
        entries: Vec<Asked>,
        now: Timestamp,
        how: Assigning,
    ) -> Result<Entries>;

    /// What waits until somebody is there; `None` where nothing does.
    async fn held(&self, connection: &ConnectionName, object: &Object) -> Result<Option<WaitingLeads>>;

    /// Leads whose owner has not answered in time, each once. An answer is any change of the record at the CRM since then that is
    /// not Ferry's own, and its conversion or end; what has been answered is noted on the way.
    async fn overdue(&self, now: Timestamp) -> Result<Vec<AssignmentRow>>;

    /// The users of a connection, active ones and those who have left.
    async fn users(&self, connection: &ConnectionName) -> Result<Vec<User>>;

    /// What is known of somebody as a lead at a connection; `None` where there is no such profile.
    async fn lead_item(
        &self,
        connection: &ConnectionName,
        id: ProfileId,
        company_owner: Option<FieldName>,
    ) -> Result<Option<LeadItem>>;

    /// Leads that wait for somebody and turns taken since an instant, newest first; of one profile if given.
    async fn assignments(
        &self,
        profile: Option<ProfileId>,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<AssignmentRow>>;
}
