//! Declared traits as appends work with them: read once a session, and where nothing but the time of a value is another, written
//! once, when the session ends.
//!
//! A site that identifies its visitors on every page says the same again and again. Each time the value is as old as it was said
//! last, which a late event must find so; but nobody outside the transaction sees the times in between.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::fault::{Fallible, Fault};
use super::packed_model::{pack_attributes, unpack_attributes};
use super::profiles::{blob, keep_history, mark_stale};
use super::session::Session;
use crate::model::{Attribute, AttributeChange, ProfileId, TraitName};

pub(super) type Traits = BTreeMap<TraitName, Attribute>;

/// Most profiles whose traits are held at a time.
const MOST: usize = 10_000;

/// The traits of profiles that a session has read. Only appends remember.
#[derive(Debug, Default)]
pub(super) struct Declared(RefCell<HashMap<i64, Held>>);

#[derive(Debug)]
struct Held {
    traits: Rc<Traits>,
    /// Times are other ones than those in the table.
    unsaved: bool,
}

impl Declared {
    fn get(&self, profile: i64) -> Option<Rc<Traits>> {
        self.0.borrow().get(&profile).map(|held| held.traits.clone())
    }

    /// Out of here for a change; `true`: with times that are not in the table yet.
    fn take(&self, profile: i64) -> Option<(Rc<Traits>, bool)> {
        self.0.borrow_mut().remove(&profile).map(|held| (held.traits, held.unsaved))
    }

    /// The profile is gone.
    pub(super) fn forget(&self, profile: i64) {
        self.0.borrow_mut().remove(&profile);
    }
}

fn keep(session: &Session<'_>, profile: i64, traits: Rc<Traits>, unsaved: bool) -> Fallible<()> {
    if !session.memo.remembers() {
        return if unsaved { write(session, profile, &traits) } else { Ok(()) };
    }
    if session.declared.0.borrow().len() >= MOST {
        save_all(session)?;
    }
    session.declared.0.borrow_mut().insert(profile, Held { traits, unsaved });
    Ok(())
}

/// The profile has been made with these.
pub(super) fn begin(session: &Session<'_>, profile: i64, traits: Traits) -> Fallible<()> {
    keep(session, profile, Rc::new(traits), false)
}

/// Writes every time that is another one, in the order of the profiles.
pub(super) fn save_all(session: &Session<'_>) -> Fallible<()> {
    let mut unsaved: Vec<(i64, Rc<Traits>)> = session
        .declared
        .0
        .take()
        .into_iter()
        .filter(|(_, held)| held.unsaved)
        .map(|(id, held)| (id, held.traits))
        .collect();
    unsaved.sort_unstable_by_key(|(profile, _)| *profile);
    unsaved.iter().try_for_each(|(profile, traits)| write(session, *profile, traits))
}

/// What a live profile has declared.
pub(super) fn of(session: &Session<'_>, profile: i64) -> Fallible<Rc<Traits>> {
    find(session, profile)?.ok_or_else(|| missing(profile))
}

fn missing(profile: i64) -> Fault {
    Fault::Refused(format!("profile {profile} does not exist"))
}

fn find(session: &Session<'_>, profile: i64) -> Fallible<Option<Rc<Traits>>> {
    if let Some(traits) = session.declared.get(profile) {
        return Ok(Some(traits));
    }
    let Some(traits) = read(session, profile)? else { return Ok(None) };
    let traits = Rc::new(traits);
    keep(session, profile, traits.clone(), false)?;
    Ok(Some(traits))
}

fn read(session: &Session<'_>, profile: i64) -> Fallible<Option<Traits>> {
    let packed = session.one("SELECT attributes FROM profile WHERE id = ?1", [profile], |row| {
        Ok(blob(row, 0).and_then(unpack_attributes))
    })?;
    packed.transpose()
}

/// Whatever is there is replaced.
pub(super) fn save(session: &Session<'_>, profile: i64, traits: Traits) -> Fallible<()> {
    write(session, profile, &traits)?;
    keep(session, profile, Rc::new(traits), false)
}

fn write(session: &Session<'_>, profile: i64, traits: &Traits) -> Fallible<()> {
    session.run("UPDATE profile SET attributes = ?2 WHERE id = ?1", (profile, pack_attributes(traits)))?;
    Ok(())
}

/// Sets declared traits that have been decided on; keeps a history row for each value replaced. Says whether any value
/// is another one now (times alone do not count).
pub(super) fn change(session: &Session<'_>, profile: i64, changes: &[AttributeChange]) -> Fallible<bool> {
    if changes.is_empty() {
        return Ok(false);
    }
    let (mut traits, mut touched) = match session.declared.take(profile) {
        Some(held) => held,
        None => (Rc::new(read(session, profile)?.ok_or_else(|| missing(profile))?), false),
    };
    let mut moved = false;
    let kept = Rc::make_mut(&mut traits);
    for AttributeChange { name, attribute } in changes {
        match kept.insert(name.clone(), attribute.clone()) {
            Some(old) if old == *attribute => {}
            Some(old) if old.value == attribute.value => {
                // Said again: it was written down when it was said first, and was known from then on.
                if let Some(again) = kept.get_mut(name) {
                    again.recorded_at = old.recorded_at;
                    touched |= *again != old;
                }
            }
            Some(old) => {
                keep_history(session, profile, name, &old, attribute.recorded_at)?;
                moved = true;
            }
            None => moved = true,
        }
    }
    if moved {
        session.run(
            "UPDATE profile SET attributes = ?2, change = ?3 WHERE id = ?1",
            (profile, pack_attributes(&traits), session.next_change()?),
        )?;
        mark_stale(session, profile)?;
    }
    keep(session, profile, traits, touched && !moved)?;
    Ok(moved)
}

/// Lets a pure decision read what profiles have declared; what goes wrong there fails the operation afterwards.
pub(super) fn with_reader<T>(
    session: &Session<'_>,
    decide: impl FnOnce(&dyn Fn(ProfileId) -> Option<Rc<Traits>>) -> T,
) -> Fallible<T> {
    let failed: RefCell<Option<Fault>> = RefCell::new(None);
    let decision = decide(&|id| {
        find(session, id.0).unwrap_or_else(|fault| {
            failed.replace(Some(fault));
            None
        })
    });
    failed.take().map_or(Ok(decision), Err)
}
