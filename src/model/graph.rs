//! Who holds what, as resolution asks for it; and what resolution decides. The store answers inside its transaction, the
//! graph in memory during a replay.

use connector::Timestamp;

use crate::model::{Identifier, IdentifierKind, ProfileId, Whose};

/// The state of identity at one moment. Nothing it tells changes while it is asked.
pub trait Graph {
    /// What is known of one identifier. The hash of an address stands where the address stands.
    fn standing(&self, identifier: &Identifier) -> Standing;

    /// Whether anybody has ever come with the hash of an address: where nobody has, no hash of an address is asked about.
    fn knows_hashes(&self) -> bool;

    /// A profile that holds something; `None` where there is none (any more).
    fn holder(&self, profile: ProfileId) -> Option<Holder>;

    /// Whether it holds an id that is a person's own: a user id, CRM record, address or named id.
    fn is_personal(&self, profile: ProfileId) -> bool;

    /// How much has become part of it.
    fn size(&self, profile: ProfileId) -> ProfileSize;

    /// How many identifiers of exactly this kind the profile holds and that count for its limit: live ones, [`IdentifierKind::Device`]
    /// of any sort together. For a CRM kind: its live records of this object at this connection.
    fn count(&self, profile: ProfileId, kind: &IdentifierKind) -> u32;

    /// Everything the profile holds, retired ids too. Asked only where something is kept apart or a pair is reviewed.
    fn identifiers(&self, profile: ProfileId) -> Vec<Identifier>;

    /// The profiles that were given an event with this phone while another one held it.
    fn claimants(&self, phone: &Identifier) -> Vec<ProfileId>;

    /// What was seen together with this identifier within 24 hours of an instant, each once.
    fn sighted(&self, identifier: &Identifier, at: Timestamp) -> Vec<Identifier>;

    /// Whether anything at all is kept apart: where nothing is, nobody asks further.
    fn keeps_apart(&self) -> bool;

    /// What must never be in one profile with this identifier.
    fn apart_from(&self, identifier: &Identifier) -> Vec<Identifier>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody holds it.
    Free,
    Held(ProfileId),
    /// Held, and superseded by an alias: it still resolves and does not count.
    Retired(ProfileId),
    /// Several people have it: it joins nothing. Its holder is a profile of its own, which is never pushed.
    Contested(ProfileId),
    /// A reviewer said that it is shared: alone it names nobody, beside others it says nothing.
    Shared,
    /// Seen on so many people that it is nobody's.
    Quarantined,
}

impl Standing {
    /// The profile that it points at.
    pub fn profile(self) -> Option<ProfileId> {
        match self {
            Self::Held(profile) | Self::Retired(profile) | Self::Contested(profile) => Some(profile),
            Self::Free | Self::Shared | Self::Quarantined => None,
        }
    }
}

/// A profile as resolution sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    pub profile: ProfileId,
    /// Holds more than ids of browsers and devices.
    pub known: bool,
    /// Earliest event or record time.
    pub first_seen: Timestamp,
}

/// What keeps a profile within measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProfileSize {
    /// How many profiles were merged into it.
    pub merges: u32,
    pub identifiers: u32,
}

/// What one event or record does to identity. The engine carries it out in this order: detached identifiers leave, `whose` is made
/// true, identifiers are attached, the notes are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    pub whose: Whose,
    /// Identifiers that the profile does not hold yet, strongest first.
    pub attach: Vec<Identifier>,
    /// User ids that an alias superseded: attached or held, they are retired from now on.
    pub retire: Vec<Identifier>,
    /// Each becomes contested and moves to a fresh profile of its own, which past events do not follow.
    pub detach: Vec<Identifier>,
    /// Phones of another holder that the event's profile has some claim to.
    pub claim: Vec<Identifier>,
    pub conflicts: Vec<Conflict>,
    pub reviews: Vec<Review>,
    /// What was seen together, to be remembered for 24 hours of event time.
    pub sightings: Vec<(Identifier, Identifier)>,
}

/// A line of the conflict report: this identifier was not taken at its word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    pub identifier: Identifier,
    /// Who holds it, or held it.
    pub owner: Option<ProfileId>,
    pub action: ConflictAction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConflictAction {
    /// It left its holder and is contested from now on.
    Detached,
    /// It was left out of the event.
    Dropped,
    /// It was contested already.
    Contested,
    /// Many people at once: it is proposed for the block list and identifies nobody from now on.
    Quarantined,
    /// The profile has grown beyond all measure: nothing joins it any more.
    MegaProfile,
    /// Somebody decided that these are two people.
    KeptApart,
}

impl ConflictAction {
    pub const ALL: [Self; 6] =
        [Self::Detached, Self::Dropped, Self::Contested, Self::Quarantined, Self::MegaProfile, Self::KeptApart];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Detached => "detached",
            Self::Dropped => "dropped",
            Self::Contested => "contested",
            Self::Quarantined => "quarantined",
            Self::MegaProfile => "mega_profile",
            Self::KeptApart => "kept_apart",
        }
    }
}

/// A question for a person: are these one? At most one is open per identifier and set of profiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    pub reason: ReviewReason,
    /// What brought them together.
    pub identifier: Identifier,
    /// The profiles in question. With `with_event`, the event's own is one more.
    pub profiles: Vec<ProfileId>,
    pub with_event: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReviewReason {
    /// Two known people with one phone or device.
    SharedIdentifier,
    /// An event gives only a phone that several may have.
    WhosePhone,
    /// Two records of one object at one connection seem to be one person.
    DuplicateRecords,
    /// The matcher found two profiles alike.
    Alike,
    /// Several groups or accounts claim one e-mail domain.
    ClaimedDomain,
}

impl ReviewReason {
    pub const ALL: [Self; 5] =
        [Self::SharedIdentifier, Self::WhosePhone, Self::DuplicateRecords, Self::Alike, Self::ClaimedDomain];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::SharedIdentifier => "shared_identifier",
            Self::WhosePhone => "whose_phone",
            Self::DuplicateRecords => "duplicate_records",
            Self::Alike => "alike",
            Self::ClaimedDomain => "claimed_domain",
        }
    }
}

impl Resolution {
    /// Whether the logs of identity are told anything: that something joins, parts or was not taken at its word.
    pub fn says_something(&self) -> bool {
        !matches!(self.whose, Whose::Nobody | Whose::Existing(_))
            || !self.attach.is_empty()
            || !self.detach.is_empty()
            || !self.conflicts.is_empty()
    }

    /// Nobody's, and nothing to note.
    pub fn nobody() -> Self {
        Self::of(Whose::Nobody)
    }

    pub fn of(whose: Whose) -> Self {
        Self {
            whose,
            attach: Vec::new(),
            retire: Vec::new(),
            detach: Vec::new(),
            claim: Vec::new(),
            conflicts: Vec::new(),
            reviews: Vec::new(),
            sightings: Vec::new(),
        }
    }

    /// Whether an identifier of the event was left with somebody else: it is not written as a trait either.
    pub fn left_out(&self, identifier: &Identifier) -> bool {
        self.conflicts.iter().any(|conflict| conflict.identifier == *identifier)
    }
}
