//! Who holds what, told from within a transaction.

use std::cell::RefCell;
use std::rc::Rc;

use connector::Timestamp;

use super::fault::{Fallible, Fault};
use super::holding::Holding;
use super::identity::holder_of_record;
use super::session::Session;
use super::{hashes, profiles};
use crate::model::{Graph, Holder, Identifier, IdentifierKind, ProfileId, ProfileSize, Standing};

/// States of an identifier; see the schema.
pub(super) const HELD: i64 = 0;
pub(super) const RETIRED: i64 = 1;
pub(super) const CONTESTED: i64 = 2;
pub(super) const SHARED: i64 = 3;
pub(super) const QUARANTINED: i64 = 4;

const DAY: i64 = 86_400_000_000;

/// Answers pure decisions; what goes wrong fails the operation afterwards.
pub(super) struct SqlGraph<'s, 'c> {
    session: &'s Session<'c>,
    failed: RefCell<Option<Fault>>,
    /// Of the few profiles that were asked about.
    holdings: RefCell<Vec<(ProfileId, Rc<Holding>)>>,
    /// What was seen with an identifier around an instant.
    sightings: RefCell<Vec<(Identifier, Timestamp, Vec<Identifier>)>>,
}

/// Lets a pure decision ask who holds what.
pub(super) fn with_graph<T>(session: &Session<'_>, decide: impl FnOnce(&dyn Graph) -> Fallible<T>) -> Fallible<T> {
    let graph =
        SqlGraph { session, failed: RefCell::new(None), holdings: RefCell::default(), sightings: RefCell::default() };
    let decision = decide(&graph)?;
    graph.failed.take().map_or(Ok(decision), Err)
}

impl SqlGraph<'_, '_> {
    fn told<T>(&self, answer: Fallible<T>, otherwise: T) -> T {
        answer.unwrap_or_else(|fault| {
            self.failed.borrow_mut().get_or_insert(fault);
            otherwise
        })
    }

    fn look(&self, identifier: &Identifier) -> Fallible<Standing> {
        let session = self.session;
        if matches!(identifier.kind, IdentifierKind::Crm { .. })
            && let Some(profile) = holder_of_record(session, identifier)?
        {
            return Ok(Standing::Held(ProfileId(profile)));
        }
        if let Some(kind) = session.find_kind(&identifier.kind)? {
            // Who holds it is asked for next.
            let found = session.one(
                "SELECT i.profile, i.state, p.known, p.first_seen FROM identifier i LEFT JOIN profile p ON p.id = i.profile
                 WHERE i.kind = ?1 AND i.value = ?2",
                (kind, &identifier.value),
                |row| {
                    let profile = ProfileId(row.get(0)?);
                    let known: Option<bool> = row.get(2)?;
                    if let (Some(known), Some(first_seen)) = (known, row.get(3)?) {
                        let first_seen = Timestamp::from_micros(first_seen);
                        session.memo.holds(Holder { profile, known, first_seen });
                    }
                    Ok((profile, row.get(1)?))
                },
            )?;
            if let Some((profile, state)) = found {
                return Ok(match state {
                    HELD => Standing::Held(profile),
                    RETIRED => Standing::Retired(profile),
                    CONTESTED => Standing::Contested(profile),
                    SHARED => Standing::Shared,
                    QUARANTINED => Standing::Quarantined,
                    _ => return Err(Fault::Damaged("an identifier in an unknown state")),
                });
            }
        }
        if identifier.kind == IdentifierKind::EmailSha256
            && let Some(profile) = hashes::holder(session, identifier)?
        {
            return Ok(Standing::Held(ProfileId(profile)));
        }
        Ok(Standing::Free)
    }

    fn holds(&self, profile: ProfileId) -> Fallible<Option<Holder>> {
        let memo = &self.session.memo;
        if let Some(holder) = memo.holder(profile) {
            return Ok(Some(holder));
        }
        let found = self.session.one("SELECT known, first_seen FROM profile WHERE id = ?1", [profile.0], |row| {
            Ok(Holder { profile, known: row.get(0)?, first_seen: Timestamp::from_micros(row.get(1)?) })
        })?;
        found.into_iter().for_each(|holder| memo.holds(holder));
        Ok(found)
    }

    /// What a profile holds. A decision only asks, so that this stays true for as long as it takes.
    fn holding(&self, profile: ProfileId) -> Fallible<Rc<Holding>> {
        if let Some((_, holding)) = self.holdings.borrow().iter().find(|(of, _)| *of == profile) {
            return Ok(holding.clone());
        }
        let holding = Rc::new(Holding::read(self.session, profile.0)?);
        self.holdings.borrow_mut().push((profile, holding.clone()));
        Ok(holding)
    }

    fn counted(&self, profile: ProfileId, kind: &IdentifierKind) -> Fallible<usize> {
        self.holding(profile)?.count(self.session, kind)
    }

    fn measured(&self, profile: ProfileId) -> Fallible<ProfileSize> {
        let merges = self.session.number("SELECT count(*) FROM profile_alias WHERE survivor = ?1", [profile.0])?;
        Ok(ProfileSize {
            merges: u32::try_from(merges).unwrap_or(u32::MAX),
            identifiers: u32::try_from(self.holding(profile)?.size()).unwrap_or(u32::MAX),
        })
    }

    /// Pairs of a kind and a value, from a query with a kind and a value.
    fn pairs(&self, sql: &str, identifier: &Identifier, more: &[i64]) -> Fallible<Vec<Identifier>> {
        let Some(kind) = self.session.find_kind(&identifier.kind)? else { return Ok(Vec::new()) };
        let mut statement = self.session.sql(sql)?;
        let mut rows = match more {
            [from, to] => statement.query((kind, &identifier.value, from, to))?,
            _ => statement.query((kind, &identifier.value))?,
        };
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(self.session.identifier(row.get(0)?, row.get(1)?)?);
        }
        Ok(found)
    }
}

impl Graph for SqlGraph<'_, '_> {
    fn standing(&self, identifier: &Identifier) -> Standing {
        let memo = &self.session.memo;
        if let Some(standing) = memo.standing(identifier) {
            return standing;
        }
        let look = self.look(identifier).inspect(|standing| memo.stands(identifier, *standing));
        self.told(look, Standing::Free)
    }

    fn knows_hashes(&self) -> bool {
        self.told(hashes::are_known(self.session), false)
    }

    fn holder(&self, profile: ProfileId) -> Option<Holder> {
        self.told(self.holds(profile), None)
    }

    fn is_personal(&self, profile: ProfileId) -> bool {
        self.told(self.holding(profile).map(|holding| holding.is_personal()), false)
    }

    fn size(&self, profile: ProfileId) -> ProfileSize {
        self.told(self.measured(profile), ProfileSize::default())
    }

    fn count(&self, profile: ProfileId, kind: &IdentifierKind) -> u32 {
        u32::try_from(self.told(self.counted(profile, kind), 0)).unwrap_or(u32::MAX)
    }

    fn identifiers(&self, profile: ProfileId) -> Vec<Identifier> {
        self.told(self.holding(profile).map(|holding| holding.sorted()), Vec::new())
    }

    fn claimants(&self, phone: &Identifier) -> Vec<ProfileId> {
        let claimants = || -> Fallible<Vec<ProfileId>> {
            let mut statement =
                self.session.sql("SELECT profile FROM phone_claim WHERE value = ?1 ORDER BY profile")?;
            let found: Vec<i64> = statement.query_map([&phone.value], |row| row.get(0))?.collect::<Result<_, _>>()?;
            let mut now = Vec::with_capacity(found.len());
            for profile in found {
                now.extend(profiles::current(self.session, profile)?.map(ProfileId));
            }
            now.sort_unstable();
            now.dedup();
            Ok(now)
        };
        self.told(claimants(), Vec::new())
    }

    fn sighted(&self, identifier: &Identifier, at: Timestamp) -> Vec<Identifier> {
        let asked = self.sightings.borrow().iter().find(|(of, when, _)| of == identifier && *when == at).cloned();
        if let Some((_, _, seen)) = asked {
            return seen;
        }
        let sql = "SELECT with_kind, with_value FROM sighting WHERE kind = ?1 AND value = ?2 AND at > ?3 AND at < ?4";
        let (from, to) = (at.micros().saturating_sub(DAY), at.micros().saturating_add(DAY));
        let mut seen = self.told(self.pairs(sql, identifier, &[from, to]), Vec::new());
        seen.sort_unstable();
        seen.dedup();
        self.sightings.borrow_mut().push((identifier.clone(), at, seen.clone()));
        seen
    }

    fn keeps_apart(&self) -> bool {
        let memo = &self.session.memo;
        if let Some(any) = memo.apart() {
            return any;
        }
        let any = self.session.number("SELECT EXISTS (SELECT 1 FROM apart)", []).map(|any| any > 0);
        self.told(any.inspect(|any| memo.know_apart(*any)), false)
    }

    fn apart_from(&self, identifier: &Identifier) -> Vec<Identifier> {
        let sql = "SELECT other_kind, other_value FROM apart WHERE kind = ?1 AND value = ?2";
        self.told(self.pairs(sql, identifier, &[]), Vec::new())
    }
}
