//! What an append has learned of identity: the same visitor comes with event after event.
//!
//! Only an append remembers, and only what the tables `identifier`, `profile` and `stale` say. Whatever writes there during an append
//! tells the memo in the same step; everything else asks the tables.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

use connector::Timestamp;

use crate::model::{Holder, Identifier, IdentifierKind, ProfileId, Standing};

/// More identifiers than this are not remembered at a time.
const MOST: usize = 20_000;

#[derive(Debug, Default)]
pub(super) struct Memo {
    remembers: Cell<bool>,
    standings: RefCell<HashMap<Identifier, Standing>>,
    holders: RefCell<HashMap<ProfileId, Holder>>,
    /// Whether hashes of addresses are kept; holds for any operation, once it has asked.
    hashes: Cell<Option<bool>>,
    apart: Cell<Option<bool>>,
    /// Profiles that are marked for computation.
    stale: RefCell<HashSet<i64>>,
}

impl Memo {
    /// From now on, until the session ends.
    pub(super) fn begin(&self) {
        self.remembers.set(true);
    }

    pub(super) fn remembers(&self) -> bool {
        self.remembers.get()
    }

    /// Ids of records and hashes of addresses stand where something else does: they are never remembered.
    fn is_plain(kind: &IdentifierKind) -> bool {
        !matches!(kind, IdentifierKind::Crm { .. } | IdentifierKind::EmailSha256)
    }

    pub(super) fn standing(&self, identifier: &Identifier) -> Option<Standing> {
        if !self.remembers.get() {
            return None;
        }
        self.standings.borrow().get(identifier).copied()
    }

    pub(super) fn stands(&self, identifier: &Identifier, standing: Standing) {
        if !self.remembers.get() || !Self::is_plain(&identifier.kind) {
            return;
        }
        let mut standings = self.standings.borrow_mut();
        if standings.len() >= MOST {
            standings.clear();
            self.holders.borrow_mut().clear();
        }
        standings.insert(identifier.clone(), standing);
    }

    /// The identifier is somebody else's, or another's state, from now on.
    pub(super) fn forget(&self, identifier: &Identifier) {
        if self.remembers.get() {
            self.standings.borrow_mut().remove(identifier);
        }
    }

    pub(super) fn holder(&self, profile: ProfileId) -> Option<Holder> {
        if !self.remembers.get() {
            return None;
        }
        self.holders.borrow().get(&profile).copied()
    }

    pub(super) fn holds(&self, holder: Holder) {
        if self.remembers.get() {
            self.holders.borrow_mut().insert(holder.profile, holder);
        }
    }

    /// Whether the profile is known to exist and to have been seen at an instant or before it.
    pub(super) fn was_seen(&self, profile: ProfileId, at: Timestamp) -> bool {
        self.holder(profile).is_some_and(|holder| holder.first_seen <= at)
    }

    /// Something of the profile itself is another from now on: whether it is known, when it was first seen, that it exists.
    pub(super) fn forget_profile(&self, profile: i64) {
        if self.remembers.get() {
            self.holders.borrow_mut().remove(&ProfileId(profile));
        }
    }

    /// Two profiles have become one.
    pub(super) fn merged(&self, survivor: i64, loser: i64) {
        if self.remembers.get() {
            self.forget_profile(survivor);
            self.forget_profile(loser);
            self.stale.borrow_mut().remove(&loser);
            self.standings.borrow_mut().retain(|_, standing| standing.profile() != Some(ProfileId(loser)));
        }
    }

    /// Whether the profile is marked for computation already.
    pub(super) fn is_stale(&self, profile: i64) -> bool {
        self.remembers.get() && self.stale.borrow().contains(&profile)
    }

    pub(super) fn stale(&self, profile: i64) {
        if self.remembers.get() {
            self.stale.borrow_mut().insert(profile);
        }
    }

    pub(super) fn hashes(&self) -> Option<bool> {
        self.hashes.get()
    }

    pub(super) fn know_hashes(&self, known: bool) {
        self.hashes.set(Some(known));
    }

    pub(super) fn apart(&self) -> Option<bool> {
        self.apart.get().filter(|_| self.remembers.get())
    }

    pub(super) fn know_apart(&self, any: bool) {
        self.apart.set(Some(any));
    }
}
