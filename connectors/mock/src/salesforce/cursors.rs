//! Query locators: answers that are being paged through. Ids are kept, contents are read when their page is.

use std::collections::BTreeMap;

use super::ids::Id;
use super::soql::Answer;
use crate::clock::Millis;

/// How long a locator is good.
const LIFE_MS: Millis = 2 * 86_400_000;
/// Rows all open cursors may hold together before the oldest are dropped: a mock's memory is not the vendor's.
const MOST_ROWS: usize = 50_000_000;
const PREFIX: [u8; 3] = *b"0r8";

#[derive(Debug)]
pub struct Cursor {
    pub answer: Answer,
    /// Whether it began as `queryAll`.
    pub all: bool,
    opened: Millis,
}

#[derive(Debug, Default)]
pub struct Cursors {
    open: BTreeMap<u64, Cursor>,
    last: u64,
}

impl Cursors {
    /// Keeps an answer; the locator of the record at `at` follows from what is returned.
    pub fn open(&mut self, answer: Answer, all: bool, now: Millis) -> u64 {
        self.open.retain(|_, cursor| now.saturating_sub(cursor.opened) < LIFE_MS);
        self.last += 1;
        self.open.insert(self.last, Cursor { answer, all, opened: now });
        let mut rows: usize = self.open.values().map(|cursor| cursor.answer.len()).sum();
        while rows > MOST_ROWS && self.open.len() > 1 {
            let Some((_, oldest)) = self.open.pop_first() else { break };
            rows -= oldest.answer.len();
        }
        self.last
    }

    /// `0r8xx0000000001AAA-2000`.
    pub fn locator(number: u64, at: usize) -> String {
        format!("{}-{at}", Id::of_prefix(PREFIX, number))
    }

    /// The cursor a locator names, and the place in it.
    pub fn find(&self, locator: &str, now: Millis) -> Option<(u64, &Cursor, usize)> {
        let (id, at) = locator.split_once('-')?;
        let id = Id::parse(id).filter(|id| id.prefix == PREFIX)?;
        let cursor = self.open.get(&id.number).filter(|cursor| now.saturating_sub(cursor.opened) < LIFE_MS)?;
        let at = at.parse().ok().filter(|at| *at <= cursor.answer.len())?;
        Some((id.number, cursor, at))
    }
}
