//! Whose a lead is: the people of a CRM, what they were given, and a decision with its reasons (`cdp-semantics` §4.4).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use connector::{ConnectionName, RecordId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::RecordKey;

/// A user of the CRM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: RecordId,
    pub email: Option<Arc<str>>,
    pub name: Option<Arc<str>>,
    pub active: bool,
}

impl User {
    /// As a rep reads it: the name, else the address, else the id.
    pub fn shown(&self) -> &str {
        self.name.as_deref().or(self.email.as_deref()).unwrap_or(self.id.as_str())
    }
}

/// A deal of somebody that is open: they are in a sales cycle, and its owner is who should know of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenDeal {
    pub connection: ConnectionName,
    pub id: RecordId,
    pub name: Option<Arc<str>>,
    pub stage: Option<Arc<str>>,
    /// Whose it is, where that is a user who was pulled.
    pub owner: Option<User>,
    /// The person's record that it is associated with, at the same connection.
    pub record: RecordKey,
}

impl OpenDeal {
    /// `the deal Boat (Offer)`
    pub fn shown(&self) -> String {
        let name = self.name.as_deref().unwrap_or(self.id.as_str());
        let stage = self.stage.as_ref().map(|stage| format!(" ({stage})")).unwrap_or_default();
        format!("the deal {name}{stage}")
    }
}

/// Answers what a decision asks, within the transaction that acts on it.
pub trait Office {
    /// The user with this address; case does not matter.
    fn user(&self, address: &str) -> Option<User>;

    fn user_by_id(&self, id: &RecordId) -> Option<User>;

    /// How many leads of this pool the member was given, credits taken off.
    fn assigned(&self, pool: &str, member: &str) -> u64;

    /// Who of the pool came last.
    fn last(&self, pool: &str) -> Option<Arc<str>>;

    /// Leads that a user was given since an instant, by whatever pool.
    fn given_since(&self, address: &str, since: Timestamp) -> u32;

    /// Leads that a user was given and that are open still.
    fn open(&self, address: &str) -> u32;
}

/// Which step decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The owner of an open deal is told, and nobody is given anything.
    Deal,
    Owner,
    /// Whoever has the person already, by the same entry, at another connection.
    Elsewhere,
    Account,
    Rule,
    Pool,
    Fallback,
    /// Nobody is there: it waits.
    Hold,
}

impl Step {
    const ALL: [Self; 8] =
        [Self::Deal, Self::Owner, Self::Elsewhere, Self::Account, Self::Rule, Self::Pool, Self::Fallback, Self::Hold];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deal => "deal",
            Self::Owner => "owner",
            Self::Elsewhere => "elsewhere",
            Self::Account => "account",
            Self::Rule => "rule",
            Self::Pool => "pool",
            Self::Fallback => "fallback",
            Self::Hold => "hold",
        }
    }
}

impl FromStr for Step {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|step| step.as_str() == text).ok_or(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One line of why: `pool dach: rita@acme.example is next (weighted)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrailLine {
    pub step: Step,
    pub text: Arc<str>,
}

/// The turn that a decision takes: the caller counts it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    pub pool: Arc<str>,
    pub member: Arc<str>,
}

/// Who was given the same person, for the same entry, at another connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    pub connection: ConnectionName,
    /// By which they are found at this one.
    pub email: Arc<str>,
    pub share: Option<Share>,
}

/// Who is told that somebody with an open deal has entered a band.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tell {
    pub user: User,
    /// The person's record beside that deal.
    pub record: RecordKey,
    pub trail: Vec<TrailLine>,
}

/// Whose the lead is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The person has an open deal: its owner is told, and nobody is given anything.
    Tell(Tell),
    /// It stays with whoever owns the record.
    Keep {
        user: User,
        trail: Vec<TrailLine>,
    },
    Assign {
        user: User,
        step: Step,
        share: Option<Share>,
        trail: Vec<TrailLine>,
    },
    /// A queue of the CRM, by its id there.
    Queue {
        queue: RecordId,
        step: Step,
        trail: Vec<TrailLine>,
    },
    /// Nobody is there: ask again at this instant.
    Hold {
        until: Timestamp,
        pool: Arc<str>,
        trail: Vec<TrailLine>,
    },
    /// Not even the fallback is a user of the CRM. The lead is made and belongs to whom the CRM gives it; an admin is told.
    Unowned {
        trail: Vec<TrailLine>,
    },
}

impl Decision {
    pub fn trail(&self) -> &[TrailLine] {
        match self {
            Self::Tell(Tell { trail, .. })
            | Self::Keep { trail, .. }
            | Self::Assign { trail, .. }
            | Self::Queue { trail, .. }
            | Self::Hold { trail, .. }
            | Self::Unowned { trail } => trail,
        }
    }

    /// The same, with the waits before it in front of its trail.
    pub fn after_waits(mut self, mut waits: Vec<TrailLine>) -> Self {
        let (Self::Tell(Tell { trail, .. })
        | Self::Keep { trail, .. }
        | Self::Assign { trail, .. }
        | Self::Queue { trail, .. }
        | Self::Hold { trail, .. }
        | Self::Unowned { trail }) = &mut self;
        waits.retain(|wait| !trail.contains(wait));
        trail.splice(0..0, waits);
        self
    }

    /// Which step decided; `None` where nobody was found yet.
    pub fn step(&self) -> Option<Step> {
        match self {
            Self::Tell(_) => Some(Step::Deal),
            Self::Keep { .. } => Some(Step::Owner),
            Self::Assign { step, .. } | Self::Queue { step, .. } => Some(*step),
            Self::Hold { .. } | Self::Unowned { .. } => None,
        }
    }

    /// The id that the record's owner field is to hold.
    pub fn owner(&self) -> Option<&RecordId> {
        match self {
            Self::Keep { user, .. } | Self::Assign { user, .. } => Some(&user.id),
            Self::Queue { queue, .. } => Some(queue),
            Self::Tell(_) | Self::Hold { .. } | Self::Unowned { .. } => None,
        }
    }
}
