//! Whose a lead is: the people of a CRM, what they were given, and a decision with its reasons (`cdp-semantics` §4.4).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use connector::{RecordId, Timestamp};
use serde::{Deserialize, Serialize};

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
    Owner,
    Account,
    Rule,
    Pool,
    Fallback,
}

impl Step {
    const ALL: [Self; 5] = [Self::Owner, Self::Account, Self::Rule, Self::Pool, Self::Fallback];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Account => "account",
            Self::Rule => "rule",
            Self::Pool => "pool",
            Self::Fallback => "fallback",
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

/// Whose the lead is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
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
            Self::Keep { trail, .. }
            | Self::Assign { trail, .. }
            | Self::Queue { trail, .. }
            | Self::Hold { trail, .. }
            | Self::Unowned { trail } => trail,
        }
    }

    /// Which step decided; `None` where nobody was found yet.
    pub fn step(&self) -> Option<Step> {
        match self {
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
            Self::Hold { .. } | Self::Unowned { .. } => None,
        }
    }
}
