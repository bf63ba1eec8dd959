//! What one profile holds, read once for a decision that asks about it again and again: how many of a kind, all of it, its size.

use super::fault::Fallible;
use super::session::{DEVICE_KINDS, Session};
use crate::model::{Identifier, IdentifierKind};

/// The identifiers of a profile, its records' ids among them, in no order.
#[derive(Debug)]
pub(super) struct Holding {
    identifiers: Vec<Held>,
    records: Vec<Held>,
}

#[derive(Debug)]
struct Held {
    /// As it is numbered; of records their place.
    kind: i64,
    state: i64,
    identifier: Identifier,
}

/// An identifier that its profile holds.
const HELD: i64 = 0;
/// A live record.
const LIVE: i64 = 1;

impl Holding {
    pub(super) fn read(session: &Session<'_>, profile: i64) -> Fallible<Self> {
        let mut identifiers = Vec::new();
        let mut statement = session.sql("SELECT kind, state, value FROM identifier WHERE profile = ?1")?;
        let mut rows = statement.query([profile])?;
        while let Some(row) = rows.next()? {
            let (kind, state) = (row.get(0)?, row.get(1)?);
            identifiers.push(Held { kind, state, identifier: session.identifier(kind, row.get(2)?)? });
        }
        let mut records = Vec::new();
        let mut statement = session.sql("SELECT place, state, ext FROM record WHERE profile = ?1 AND state > 0")?;
        let mut rows = statement.query([profile])?;
        while let Some(row) = rows.next()? {
            let (place, state) = (row.get(0)?, row.get(1)?);
            let (connection, object) = session.place_name(place)?;
            let kind = IdentifierKind::Crm { connection, object };
            records.push(Held { kind: place, state, identifier: Identifier { kind, value: row.get(2)? } });
        }
        Ok(Self { identifiers, records })
    }

    /// How many of a kind; ids of devices are counted together.
    pub(super) fn count(&self, session: &Session<'_>, kind: &IdentifierKind) -> Fallible<usize> {
        let counted = |of: &[Held], state: i64, is: &dyn Fn(i64) -> bool| {
            of.iter().filter(|held| held.state == state && is(held.kind)).count()
        };
        Ok(match kind {
            IdentifierKind::Crm { connection, object } => match session.find_place(connection, object)? {
                Some(place) => counted(&self.records, LIVE, &|held| held == place),
                None => 0,
            },
            IdentifierKind::Device(_) => counted(&self.identifiers, HELD, &|held| DEVICE_KINDS.contains(&held)),
            kind => match session.find_kind(kind)? {
                Some(kind) => counted(&self.identifiers, HELD, &|held| held == kind),
                None => 0,
            },
        })
    }

    /// Its identifiers whatever their state, without records.
    pub(super) fn size(&self) -> usize {
        self.identifiers.len()
    }

    /// All of it, strongest first.
    pub(super) fn sorted(&self) -> Vec<Identifier> {
        let mut all: Vec<Identifier> =
            self.identifiers.iter().chain(&self.records).map(|held| held.identifier.clone()).collect();
        all.sort();
        all.dedup();
        all
    }

    pub(super) fn is_personal(&self) -> bool {
        self.identifiers.iter().chain(&self.records).any(|held| held.identifier.kind.is_personal())
    }
}
