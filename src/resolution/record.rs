//! Whose a pulled contact or lead is: by its link, by our own id written on it, by e-mail; a merge in the CRM joins.

use connector::Timestamp;

use crate::model::{Candidate, Identifier, ProfileId, RecordKey, Whose};

/// A profile that a stored record belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HolderOf {
    pub profile: ProfileId,
    /// Where it is at hand; a profile without it yields to one with it.
    pub first_seen: Option<Timestamp>,
}

/// All that bears on one incoming person record.
#[derive(Clone, Copy, Debug)]
pub struct RecordEvidence<'a> {
    pub key: &'a RecordKey,
    /// The profile of the stored record with this id.
    pub linked: Option<HolderOf>,
    /// The profiles of records that the CRM says were merged into this one.
    pub merged: &'a [HolderOf],
    /// The profile whose id the record carries in `cdp_profile_id`, merged ids followed; `None` where it carries none or
    /// one that is not ours.
    pub carried: Option<ProfileId>,
    /// What else tells whose it is, strongest first: the record's e-mail addresses.
    pub identifiers: &'a [Identifier],
    /// The profiles those identifiers point at, each once, in any order.
    pub candidates: &'a [Candidate],
}

/// Whose a record is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordResolution {
    /// [`Whose::Nobody`] exactly where `ambiguity` is set.
    pub whose: Whose,
    /// Identifiers to attach, the record's own first. One that another profile holds stays there.
    pub attach: Vec<Identifier>,
    /// Why nobody can be named; no guess is made, a person decides.
    pub ambiguity: Option<Ambiguity>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ambiguity {
    /// The record's identifiers point at several known profiles, smallest id first.
    SeveralProfiles(Vec<ProfileId>),
    /// The profile found has another live record of this object at this connection: a duplicate in the CRM.
    SecondRecord(ProfileId),
}

/// Decides by the first of: the stored link (with merged records' profiles joined into one), the profile id the record
/// carries, the holder of one of its identifiers, a new profile.
pub fn resolve_record(evidence: &RecordEvidence<'_>) -> RecordResolution {
    let own = Identifier::crm(&evidence.key.connection, &evidence.key.object, &evidence.key.id);
    let holders = joined(evidence);
    let whose = match holders.as_slice() {
        [] => match found(evidence) {
            Ok(whose) => whose,
            Err(ambiguity) => {
                return RecordResolution { whose: Whose::Nobody, attach: Vec::new(), ambiguity: Some(ambiguity) };
            }
        },
        [only] => Whose::Existing(only.profile),
        [survivor, losers @ ..] => {
            Whose::Merge { survivor: survivor.profile, losers: losers.iter().map(|holder| holder.profile).collect() }
        }
    };
    let ours = |profile: ProfileId| match &whose {
        Whose::Nobody | Whose::New => false,
        Whose::Existing(holder) => *holder == profile,
        Whose::Merge { survivor, losers } => *survivor == profile || losers.contains(&profile),
    };
    let held_elsewhere = |id: &Identifier| {
        evidence.candidates.iter().any(|candidate| !ours(candidate.profile) && candidate.matched.contains(id))
    };
    let held_already = |id: &Identifier| {
        evidence.candidates.iter().any(|candidate| ours(candidate.profile) && candidate.matched.contains(id))
    };
    let mut attach = if evidence.linked.is_some() { Vec::new() } else { vec![own] };
    let rest = evidence.identifiers.iter().filter(|id| !held_elsewhere(id) && !held_already(id));
    for id in rest {
        if !attach.contains(id) {
            attach.push(id.clone());
        }
    }
    RecordResolution { whose, attach, ambiguity: None }
}

/// The profiles the CRM itself says are this person, survivor first. All are known, as each has a record.
fn joined(evidence: &RecordEvidence<'_>) -> Vec<HolderOf> {
    let mut holders: Vec<HolderOf> = evidence.linked.iter().chain(evidence.merged).copied().collect();
    holders.sort_by_key(|holder| (holder.profile, holder.first_seen.is_none()));
    holders.dedup_by_key(|holder| holder.profile);
    holders.sort_by_key(|holder| (holder.first_seen.unwrap_or(Timestamp::from_micros(i64::MAX)), holder.profile));
    holders
}

/// The profile of a record that was never seen before.
fn found(evidence: &RecordEvidence<'_>) -> Result<Whose, Ambiguity> {
    let candidate = |profile: ProfileId| evidence.candidates.iter().find(|candidate| candidate.profile == profile);
    let profile = match evidence.carried {
        Some(carried) => carried,
        None => {
            let mut known: Vec<ProfileId> =
                evidence.candidates.iter().filter(|candidate| candidate.known).map(|found| found.profile).collect();
            known.sort_unstable();
            known.dedup();
            match known.as_slice() {
                [] => return Ok(anonymous(evidence)),
                [only] => *only,
                _ => return Err(Ambiguity::SeveralProfiles(known)),
            }
        }
    };
    let place = (&evidence.key.connection, &evidence.key.object);
    let taken = candidate(profile)
        .is_some_and(|found| found.live_links.iter().any(|(connection, object)| (connection, object) == place));
    if taken { Err(Ambiguity::SecondRecord(profile)) } else { Ok(Whose::Existing(profile)) }
}

/// Nobody known: the anonymous profiles found become this person.
fn anonymous(evidence: &RecordEvidence<'_>) -> Whose {
    let mut found: Vec<&Candidate> = evidence.candidates.iter().collect();
    found.sort_by_key(|candidate| super::survivor_order(candidate));
    match found.split_first() {
        None => Whose::New,
        Some((only, [])) => Whose::Existing(only.profile),
        Some((survivor, losers)) => Whose::Merge {
            survivor: survivor.profile,
            losers: losers.iter().map(|candidate| candidate.profile).collect(),
        },
    }
}
