//! Prepared statements held for as long as an operation lasts.
//!
//! rusqlite's own cache copies and hashes the text of a statement with each use, which a batch of thousands of events feels.
//! Here a text of the program is known by its address.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;

use rusqlite::{CachedStatement, Connection, Statement};

/// A text by where it lies in the program, and its length.
type Address = (usize, usize);
type Kept<'c> = HashMap<Address, Rc<RefCell<CachedStatement<'c>>>, BuildHasherDefault<Mixing>>;

/// The statements that an operation has used.
#[derive(Default)]
pub(super) struct Statements<'c>(RefCell<Kept<'c>>);

impl<'c> Statements<'c> {
    /// Lets `act` use the statement with this text, which must leave it reset.
    pub(super) fn with<T>(
        &self,
        conn: &'c Connection,
        sql: &'static str,
        act: impl FnOnce(&mut Statement<'c>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let address = (sql.as_ptr().addr(), sql.len());
        let kept = self.0.borrow().get(&address).cloned();
        let statement = match kept {
            Some(statement) => statement,
            None => {
                let statement = Rc::new(RefCell::new(conn.prepare_cached(sql)?));
                self.0.borrow_mut().insert(address, statement.clone());
                statement
            }
        };
        match statement.try_borrow_mut() {
            Ok(mut statement) => act(&mut statement),
            // In use further up, by what asks now.
            Err(_) => act(&mut *conn.prepare_cached(sql)?),
        }
    }
}

/// Spreads addresses, and numbers that are hashes already: they need no better hash.
#[derive(Default)]
pub(super) struct Mixing(u64);

impl Hasher for Mixing {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 ^= self.0 >> 32;
    }

    fn write_i64(&mut self, number: i64) {
        self.write_u64(number.cast_unsigned());
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }
}
