//! The people of a CRM and what they were given, told from within a transaction.

use std::cell::RefCell;
use std::sync::Arc;

use connector::{ConnectionName, Object, RecordId, Timestamp};

use super::fault::{Fallible, Fault};
use super::session::{Place, Session};
use crate::model::{Office, User};

/// The users of a connection, active or not.
pub(super) fn users(session: &Session<'_>, connection: &ConnectionName) -> Fallible<Vec<User>> {
    let Some(place) = session.find_place(connection, &Object::User)? else { return Ok(Vec::new()) };
    let mut statement = session.sql(
        "SELECT r.ext, u.email, u.name, u.active AND r.state = 1 FROM crm_user u JOIN record r ON r.id = u.record
         WHERE r.place = ?1 ORDER BY r.id",
    )?;
    let rows = statement.query_map([place], user)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn user(row: &rusqlite::Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        id: RecordId::new(row.get::<_, Arc<str>>(0)?),
        email: row.get(1)?,
        name: row.get(2)?,
        active: row.get(3)?,
    })
}

/// The people of one connection.
pub(super) struct SqlOffice<'s, 'c> {
    session: &'s Session<'c>,
    users: Option<Place>,
    connection: ConnectionName,
    pub(super) failed: RefCell<Option<Fault>>,
}

impl<'s, 'c> SqlOffice<'s, 'c> {
    pub(super) fn new(session: &'s Session<'c>, place: Place) -> Fallible<Self> {
        let (connection, _) = session.place_name(place)?;
        let users = session.find_place(&connection, &Object::User)?;
        Ok(Self { session, users, connection, failed: RefCell::new(None) })
    }

    fn told<T>(&self, answer: Fallible<T>, otherwise: T) -> T {
        answer.unwrap_or_else(|fault| {
            self.failed.borrow_mut().get_or_insert(fault);
            otherwise
        })
    }

    fn find(&self, sql: &'static str, name: &str) -> Option<User> {
        let users = self.users?;
        let found = self.session.one(sql, (users, name), user);
        self.told(found, None)
    }

    fn count(&self, sql: &'static str, params: impl rusqlite::Params) -> u64 {
        u64::try_from(self.told(self.session.number(sql, params), 0)).unwrap_or(0)
    }
}

impl Office for SqlOffice<'_, '_> {
    fn user(&self, address: &str) -> Option<User> {
        // An active user before one who has left with the same address.
        self.find(
            "SELECT r.ext, u.email, u.name, u.active AND r.state = 1 FROM crm_user u JOIN record r ON r.id = u.record
             WHERE r.place = ?1 AND lower(u.email) = lower(?2) ORDER BY 4 DESC, r.id LIMIT 1",
            address,
        )
    }

    fn user_by_id(&self, id: &RecordId) -> Option<User> {
        self.find(
            "SELECT r.ext, u.email, u.name, u.active AND r.state = 1 FROM crm_user u JOIN record r ON r.id = u.record
             WHERE r.place = ?1 AND r.ext = ?2",
            id.as_str(),
        )
    }

    fn assigned(&self, pool: &str, member: &str) -> u64 {
        let sql = "SELECT count(*) FROM assignment a JOIN place p ON p.id = a.place
                   WHERE a.pool = ?1 AND a.member = ?2 AND a.state < 2 AND p.connection = ?3";
        self.count(sql, (pool, member, self.connection.as_str()))
    }

    fn last(&self, pool: &str) -> Option<Arc<str>> {
        let last = self.session.one(
            "SELECT a.member FROM assignment a JOIN place p ON p.id = a.place
             WHERE a.pool = ?1 AND a.state < 2 AND p.connection = ?2 ORDER BY a.id DESC LIMIT 1",
            (pool, self.connection.as_str()),
            |row| row.get(0),
        );
        self.told(last, None)
    }

    fn given_since(&self, address: &str, since: Timestamp) -> u32 {
        // One entry counts once, at however many connections.
        let sql = "SELECT count(DISTINCT coalesce(a.follows, a.id)) FROM assignment a
                   WHERE lower(a.email) = lower(?1) AND a.at >= ?2 AND a.state < 2 AND a.step IS NOT 'deal'
                   AND NOT EXISTS (SELECT 1 FROM assignment f WHERE f.id = a.follows AND f.state < 2 AND f.at < ?2)";
        u32::try_from(self.count(sql, (address, since.micros()))).unwrap_or(u32::MAX)
    }

    fn open(&self, address: &str) -> u32 {
        // On its way, or made and its record still lives: a lead that was converted or deleted is done with.
        let sql =
            "SELECT count(DISTINCT coalesce(a.follows, a.id)) FROM assignment a LEFT JOIN record r ON r.id = a.record
                   WHERE lower(a.email) = lower(?1) AND (a.state = 0 OR (a.state = 1 AND r.state = 1))
                   AND a.step IS NOT 'deal'";
        u32::try_from(self.count(sql, [address])).unwrap_or(u32::MAX)
    }
}
