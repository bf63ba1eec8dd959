//! What one operation works with: the connection, names turned into numbers, fresh ids.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use connector::{ConnectionName, Entropy, Object, Timestamp};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row};
use uuid::Uuid;

use super::declared::{self, Declared};
use super::fault::{Fallible, Fault};
use super::gate::Lists;
use super::health::Brought;
use super::memo::Memo;
use super::packed_values::Shapes;
use super::recent;
use super::statements::Statements;
use crate::model::{DeviceId, Identifier, IdentifierKind, Survivorship};

/// A (connection, object) by number.
pub(super) type Place = i64;

/// Kinds of identifier by number; CRM kinds are [`CRM_KIND`] + place, named ones are below zero. 0 is a merge in the edge log.
pub(super) const EMAIL_KIND: i64 = 2;
pub(super) const PHONE_KIND: i64 = 3;
/// In the order of [`DeviceId::ALL`].
pub(super) const DEVICE_KINDS: std::ops::RangeInclusive<i64> = 10..=14;
const CRM_KIND: i64 = 100;

/// Lives as long as one operation, or as appends that follow each other in one transaction: nothing it remembers outlasts a
/// roll-back.
pub(super) struct Session<'c> {
    pub(super) conn: &'c Connection,
    entropy: Option<&'c dyn Entropy>,
    statements: Statements<'c>,
    pub(super) memo: Memo,
    pub(super) declared: Declared,
    pub(super) shapes: Shapes,
    /// The few places there are: comparing beats hashing.
    places: RefCell<Vec<(Place, ConnectionName, Object)>>,
    sources: RefCell<HashMap<Arc<str>, i64>>,
    customs: RefCell<Vec<(i64, Arc<str>)>>,
    last_change: Cell<Option<i64>>,
    /// Live and archived records gained per place.
    gained: RefCell<HashMap<Place, (i64, i64)>>,
    conflicts: Cell<u64>,
    survivorship: RefCell<Option<Rc<Survivorship>>>,
    lists: RefCell<Option<Rc<Lists>>>,
    /// What appends have brought so far.
    pub(super) brought: RefCell<Brought>,
    last_event: Cell<Option<i64>>,
    events_taken: Cell<u64>,
    awaited: Option<&'c AtomicUsize>,
}

impl<'c> Session<'c> {
    pub(super) fn writing(conn: &'c Connection, entropy: &'c dyn Entropy) -> Self {
        Self { entropy: Some(entropy), ..Self::reading(conn) }
    }

    pub(super) fn reading(conn: &'c Connection) -> Self {
        Self {
            conn,
            entropy: None,
            statements: Statements::default(),
            memo: Memo::default(),
            declared: Declared::default(),
            shapes: Shapes::default(),
            places: RefCell::default(),
            sources: RefCell::default(),
            customs: RefCell::default(),
            last_change: Cell::new(None),
            gained: RefCell::default(),
            conflicts: Cell::new(0),
            survivorship: RefCell::default(),
            lists: RefCell::default(),
            brought: RefCell::default(),
            last_event: Cell::new(None),
            events_taken: Cell::new(0),
            awaited: None,
        }
    }

    /// Knows how many senders wait for what they have sent to be appended.
    pub(super) fn with_awaited(self, awaited: &'c AtomicUsize) -> Self {
        Self { awaited: Some(awaited), ..self }
    }

    /// Whether senders of events wait for this operation to end.
    pub(super) fn is_awaited(&self) -> bool {
        self.awaited.is_some_and(|waiting| waiting.load(Ordering::Relaxed) > 0)
    }

    pub(super) fn sql(&self, sql: &str) -> Fallible<CachedStatement<'c>> {
        Ok(self.conn.prepare_cached(sql)?)
    }

    /// Executes and says how many rows changed.
    pub(super) fn run(&self, sql: &'static str, params: impl rusqlite::Params) -> Fallible<usize> {
        Ok(self.statements.with(self.conn, sql, |statement| statement.execute(params))?)
    }

    /// The first row, if there is one.
    pub(super) fn one<T>(
        &self,
        sql: &'static str,
        params: impl rusqlite::Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Fallible<Option<T>> {
        Ok(self.statements.with(self.conn, sql, |statement| statement.query_row(params, read).optional())?)
    }

    /// Every row, in turn.
    pub(super) fn each(
        &self,
        sql: &'static str,
        params: impl rusqlite::Params,
        mut visit: impl FnMut(&Row<'_>) -> Fallible<()>,
    ) -> Fallible<()> {
        self.statements.with(self.conn, sql, |statement| {
            let mut rows = statement.query(params)?;
            while let Some(row) = rows.next()? {
                if let Err(fault) = visit(row) {
                    return Ok(Err(fault));
                }
            }
            Ok(Ok(()))
        })?
    }

    /// A single number, 0 where there is no row.
    pub(super) fn number(&self, sql: &'static str, params: impl rusqlite::Params) -> Fallible<i64> {
        let found = self.one(sql, params, |row| row.get::<_, Option<i64>>(0))?;
        Ok(found.flatten().unwrap_or(0))
    }

    pub(super) fn uuid(&self, now: Timestamp) -> Fallible<Uuid> {
        let entropy = self.entropy.ok_or_else(|| Fault::Refused("a reading operation makes no ids".into()))?;
        Ok(entropy.uuid(now))
    }

    /// The next change number, written back by [`Self::finish`].
    pub(super) fn next_change(&self) -> Fallible<i64> {
        let last = match self.last_change.get() {
            Some(last) => last,
            None => self.number("SELECT value FROM counter WHERE name = 'change'", [])?,
        };
        self.last_change.set(Some(last + 1));
        Ok(last + 1)
    }

    /// The row that the next event gets once [`Self::took_event`] has been told.
    pub(super) fn next_event(&self) -> Fallible<i64> {
        let last = match self.last_event.get() {
            Some(last) => last,
            None => self.number(
                "SELECT max(coalesce((SELECT max(row) FROM event), 0),
                            coalesce((SELECT value FROM counter WHERE name = 'last_event'), 0))",
                [],
            )?,
        };
        self.last_event.set(Some(last));
        Ok(last + 1)
    }

    pub(super) fn took_event(&self, row: i64) {
        self.last_event.set(Some(row));
        self.events_taken.set(self.events_taken.get() + 1);
    }

    /// What privacy is asked about, read once.
    pub(super) fn lists(&self, read: impl FnOnce() -> Fallible<Lists>) -> Fallible<Rc<Lists>> {
        if let Some(lists) = &*self.lists.borrow() {
            return Ok(lists.clone());
        }
        let lists = Rc::new(read()?);
        *self.lists.borrow_mut() = Some(lists.clone());
        Ok(lists)
    }

    /// Notes a record's move between live, archived and neither.
    pub(super) fn count_records(&self, place: Place, live: i64, archived: i64) {
        let mut gained = self.gained.borrow_mut();
        let entry = gained.entry(place).or_default();
        entry.0 += live;
        entry.1 += archived;
    }

    /// Which value of a trait survives, by the rules in force. Only merges ask: read once an operation.
    pub(super) fn survivorship(&self) -> Fallible<Rc<Survivorship>> {
        if let Some(rules) = &*self.survivorship.borrow() {
            return Ok(rules.clone());
        }
        let text = super::runs::note(self, crate::store::IDENTITY_RULES)?;
        let rules = Rc::new(text.and_then(|text| Survivorship::of_rules_text(&text)).unwrap_or_default());
        *self.survivorship.borrow_mut() = Some(rules.clone());
        Ok(rules)
    }

    pub(super) fn count_conflicts(&self, conflicts: u64) {
        self.conflicts.set(self.conflicts.get() + conflicts);
    }

    /// Called once, after the operation has succeeded; where several share the session, after the last of them.
    pub(super) fn finish(&self) -> Fallible<()> {
        declared::save_all(self)?;
        recent::advance(self, self.events_taken.take())?;
        self.brought.take().save(self)?;
        if let Some(last) = self.last_change.get() {
            self.run(
                "INSERT INTO counter (name, value) VALUES ('change', ?1) ON CONFLICT DO UPDATE SET value = excluded.value",
                [last],
            )?;
        }
        for (place, (live, archived)) in self.gained.borrow_mut().drain() {
            self.run(
                "UPDATE place SET live = live + ?2, archived = archived + ?3 WHERE id = ?1",
                (place, live, archived),
            )?;
        }
        let conflicts = self.conflicts.take();
        if conflicts > 0 {
            self.run(
                "INSERT INTO counter (name, value) VALUES ('conflicts', ?1)
                 ON CONFLICT DO UPDATE SET value = value + excluded.value",
                [i64::try_from(conflicts).unwrap_or(i64::MAX)],
            )?;
        }
        Ok(())
    }

    /// The place's number, if the store has heard of it.
    pub(super) fn find_place(&self, connection: &ConnectionName, object: &Object) -> Fallible<Option<Place>> {
        let known = |(_, c, o): &&(Place, ConnectionName, Object)| c == connection && o == object;
        if let Some((place, _, _)) = self.places.borrow().iter().find(known) {
            return Ok(Some(*place));
        }
        let found = self
            .sql("SELECT id FROM place WHERE connection = ?1 AND object = ?2")?
            .query_row((connection.as_str(), object.as_str()), |row| row.get(0))
            .optional()?;
        if let Some(place) = found {
            self.places.borrow_mut().push((place, connection.clone(), object.clone()));
        }
        Ok(found)
    }

    /// The place's number, made where it is new.
    pub(super) fn place(&self, connection: &ConnectionName, object: &Object) -> Fallible<Place> {
        if let Some(place) = self.find_place(connection, object)? {
            return Ok(place);
        }
        self.run("INSERT INTO place (connection, object) VALUES (?1, ?2)", (connection.as_str(), object.as_str()))?;
        self.find_place(connection, object)?.ok_or(Fault::Damaged("a place vanished"))
    }

    pub(super) fn place_name(&self, place: Place) -> Fallible<(ConnectionName, Object)> {
        if let Some((_, connection, object)) = self.places.borrow().iter().find(|(id, _, _)| *id == place) {
            return Ok((connection.clone(), object.clone()));
        }
        let (connection, object): (Arc<str>, String) = self
            .sql("SELECT connection, object FROM place WHERE id = ?1")?
            .query_row([place], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?
            .ok_or(Fault::Damaged("a record of an unknown place"))?;
        let object: Object = object.parse().map_err(|_| Fault::Damaged("an object without a name"))?;
        let name = (ConnectionName::new(connection), object);
        self.places.borrow_mut().push((place, name.0.clone(), name.1.clone()));
        Ok(name)
    }

    pub(super) fn source(&self, name: &Arc<str>) -> Fallible<i64> {
        if let Some(source) = self.sources.borrow().get(name) {
            return Ok(*source);
        }
        self.run("INSERT INTO source (name) VALUES (?1) ON CONFLICT DO NOTHING", [name])?;
        let source = self.number("SELECT id FROM source WHERE name = ?1", [name])?;
        self.sources.borrow_mut().insert(name.clone(), source);
        Ok(source)
    }

    pub(super) fn source_name(&self, source: i64) -> Fallible<Arc<str>> {
        if let Some((name, _)) = self.sources.borrow().iter().find(|(_, id)| **id == source) {
            return Ok(name.clone());
        }
        let name: Arc<str> = self
            .sql("SELECT name FROM source WHERE id = ?1")?
            .query_row([source], |row| row.get(0))
            .optional()?
            .ok_or(Fault::Damaged("an event of an unknown source"))?;
        self.sources.borrow_mut().insert(name.clone(), source);
        Ok(name)
    }

    /// The kind's number; CRM kinds make their place.
    pub(super) fn kind(&self, kind: &IdentifierKind) -> Fallible<i64> {
        match kind {
            IdentifierKind::Crm { connection, object } => Ok(CRM_KIND + self.place(connection, object)?),
            IdentifierKind::Custom(name) => {
                if let Some(kind) = self.custom_kind(name)? {
                    return Ok(kind);
                }
                self.run("INSERT INTO custom_kind (name) VALUES (?1)", [name])?;
                self.custom_kind(name)?.ok_or(Fault::Damaged("a kind of identifier vanished"))
            }
            plain => Ok(plain_kind(plain)),
        }
    }

    /// Numbers below zero, so that neither builtin kinds nor places are in their way.
    fn custom_kind(&self, name: &Arc<str>) -> Fallible<Option<i64>> {
        if let Some((kind, _)) = self.customs.borrow().iter().find(|(_, known)| known == name) {
            return Ok(Some(*kind));
        }
        let id = self.number("SELECT id FROM custom_kind WHERE name = ?1", [name])?;
        if id == 0 {
            return Ok(None);
        }
        self.customs.borrow_mut().push((-id, name.clone()));
        Ok(Some(-id))
    }

    fn custom_name(&self, kind: i64) -> Fallible<Arc<str>> {
        if let Some((_, name)) = self.customs.borrow().iter().find(|(known, _)| *known == kind) {
            return Ok(name.clone());
        }
        let name: Arc<str> = self
            .sql("SELECT name FROM custom_kind WHERE id = ?1")?
            .query_row([-kind], |row| row.get(0))
            .optional()?
            .ok_or(Fault::Damaged("an identifier of an unknown kind"))?;
        self.customs.borrow_mut().push((kind, name.clone()));
        Ok(name)
    }

    /// The kind's number, if the store has heard of it.
    pub(super) fn find_kind(&self, kind: &IdentifierKind) -> Fallible<Option<i64>> {
        match kind {
            IdentifierKind::Crm { connection, object } => {
                Ok(self.find_place(connection, object)?.map(|place| CRM_KIND + place))
            }
            IdentifierKind::Custom(name) => self.custom_kind(name),
            plain => Ok(Some(plain_kind(plain))),
        }
    }

    pub(super) fn identifier(&self, kind: i64, value: Arc<str>) -> Fallible<Identifier> {
        let kind = match kind {
            1 => IdentifierKind::UserId,
            EMAIL_KIND => IdentifierKind::Email,
            PHONE_KIND => IdentifierKind::Phone,
            4 => IdentifierKind::AnonymousId,
            5 => IdentifierKind::EmailSha256,
            custom if custom < 0 => IdentifierKind::Custom(self.custom_name(custom)?),
            device if DEVICE_KINDS.contains(&device) => {
                let place = usize::try_from(device - DEVICE_KINDS.start()).unwrap_or(usize::MAX);
                let id = DeviceId::ALL.get(place).ok_or(Fault::Damaged("an identifier of an unknown kind"))?;
                IdentifierKind::Device(*id)
            }
            crm if crm > CRM_KIND => {
                let (connection, object) = self.place_name(crm - CRM_KIND)?;
                IdentifierKind::Crm { connection, object }
            }
            _ => return Err(Fault::Damaged("an identifier of an unknown kind")),
        };
        Ok(Identifier { kind, value })
    }
}

pub(super) fn crm_kind(place: Place) -> i64 {
    CRM_KIND + place
}

fn plain_kind(kind: &IdentifierKind) -> i64 {
    match kind {
        IdentifierKind::UserId => 1,
        IdentifierKind::Email => EMAIL_KIND,
        IdentifierKind::Phone => PHONE_KIND,
        IdentifierKind::AnonymousId => 4,
        IdentifierKind::EmailSha256 => 5,
        IdentifierKind::Device(id) => {
            let place = DeviceId::ALL.iter().position(|known| known == id).unwrap_or(0);
            DEVICE_KINDS.start() + i64::try_from(place).unwrap_or(0)
        }
        // Not reached: they are numbered by their place or name.
        IdentifierKind::Crm { .. } | IdentifierKind::Custom(_) => 0,
    }
}
