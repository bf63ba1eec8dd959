//! Who is who, for people who ask why, and for what they answer.

use std::fmt::Debug;
use std::sync::Arc;

use connector::Timestamp;

use crate::model::{
    Attribute, ConflictAction, Identifier, LogPlace, Logged, Profile, ProfileId, ProfileUid, RecordKey, ReviewReason,
    TraitName,
};

/// The note of the rules of identity in force ([`crate::model::IdentityRules::to_text`]).
pub const IDENTITY_RULES: &str = "identity_rules";

/// A profile with what it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldBy {
    pub profile: Profile,
    /// Holds a contested identifier and nothing else.
    pub shared: bool,
    /// Strongest first; records' ids too.
    pub identifiers: Vec<Held>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub identifier: Identifier,
    pub state: HeldState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldState {
    Live,
    /// Superseded by an alias.
    Retired,
    Contested,
    /// A record that is gone at its CRM.
    Archived,
}

impl HeldState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Retired => "retired",
            Self::Contested => "contested",
            Self::Archived => "archived",
        }
    }
}

/// A line of the identity log as it concerned one profile: what joined or parted, when and because of what.
#[derive(Clone, Debug, PartialEq)]
pub struct EdgeRow {
    pub at: Timestamp,
    pub recorded_at: Timestamp,
    pub joined: bool,
    pub what: EdgeEnd,
    /// `event website m-1`, `hubspot contact 501`
    pub cause: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EdgeEnd {
    Identifier(Identifier),
    /// Another profile became part of it.
    Profile(ProfileUid),
}

/// A line of the conflict report.
#[derive(Clone, Debug, PartialEq)]
pub struct ConflictRow {
    pub at: Timestamp,
    pub identifier: Identifier,
    pub action: ConflictAction,
    /// Who held it, where that profile is still there.
    pub owner: Option<ProfileUid>,
    /// Whose the event or record is.
    pub profile: Option<ProfileUid>,
    pub cause: Arc<str>,
}

/// A question for a person.
#[derive(Clone, Debug, PartialEq)]
pub struct ReviewRow {
    pub id: i64,
    pub opened_at: Timestamp,
    pub reason: ReviewReason,
    pub identifier: Identifier,
    /// The profiles in question, merges followed.
    pub profiles: Vec<ProfileId>,
    /// Reasons of a matcher, as lines.
    pub detail: Option<Arc<str>>,
    /// 0 to 1, of a matcher.
    pub probability: Option<f64>,
    /// How often it came up.
    pub seen: u64,
    pub answer: Option<Answer>,
    pub answered_at: Option<Timestamp>,
}

/// What a person says to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// They are one.
    Merge,
    /// They are different people, for ever.
    KeepApart,
    /// The identifier is its holder's alone.
    Holder,
    /// Everybody has it: it names nobody.
    Shared,
    /// Nothing is to be done.
    Dismiss,
    /// Of a domain that several companies claim: whoever is known by it alone belongs to the company with this key.
    Belongs(Arc<str>),
}

impl Answer {
    /// Those that need no more words.
    pub const ALL: [Self; 5] = [Self::Merge, Self::KeepApart, Self::Holder, Self::Shared, Self::Dismiss];

    /// `belongs group:g-1`
    pub fn text(&self) -> String {
        match self {
            Self::Belongs(company) => format!("{} {company}", self.as_str()),
            _ => self.as_str().to_owned(),
        }
    }

    /// Reads back what [`Self::text`] wrote.
    pub fn from_text(text: &str) -> Option<Self> {
        match text.split_once(' ') {
            Some(("belongs", company)) => Some(Self::Belongs(company.into())),
            _ => Self::ALL.into_iter().find(|answer| answer.as_str() == text),
        }
    }

    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::KeepApart => "keep_apart",
            Self::Holder => "holder",
            Self::Shared => "shared",
            Self::Dismiss => "dismiss",
            Self::Belongs(_) => "belongs",
        }
    }
}

/// A pair that a matcher found alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Alike {
    pub one: ProfileId,
    pub other: ProfileId,
    pub probability: f64,
    pub detail: Arc<str>,
}

/// Everything that bears on one profile, to be resolved anew.
#[derive(Clone, Debug)]
pub struct Component {
    /// The log as far as it concerns the profile, in order.
    pub log: Vec<(LogPlace, Logged)>,
    pub held: HeldBy,
    /// What leaves.
    pub unlinked: Identifier,
    /// What must never be one.
    pub apart: Vec<(Identifier, Identifier)>,
    /// Values of traits that CRM records told, replaced ones too.
    pub from_records: Vec<(TraitName, Attribute)>,
    /// Its records, live and archived.
    pub records: Vec<RecordKey>,
    pub first_seen: Timestamp,
}

/// One of the profiles that a component falls into.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub identifiers: Vec<Identifier>,
    pub contested: bool,
    pub records: Vec<RecordKey>,
    /// Places of its events in the log.
    pub events: Vec<i64>,
    pub attributes: Vec<(TraitName, Attribute)>,
    pub first_seen: Timestamp,
    pub known: bool,
}

/// Decides how a component falls apart. Pure.
pub trait PartComponent: Debug + Send + Sync {
    /// The first part keeps the profile's id. One part: nothing falls apart.
    fn parts(&self, component: &Component) -> Vec<Part>;
}
