//! The last few search results, so that paging through one does not evaluate it again for every page.

use super::kind::Kind;
use crate::clock::Millis;

const KEPT: usize = 4;

#[derive(Clone, Debug)]
pub struct Found {
    /// At most the first 10,000: nobody can page further.
    pub ids: Vec<u64>,
    pub total: u64,
}

#[derive(Debug)]
struct Entry {
    kind: Kind,
    question: String,
    revision: u64,
    found: Found,
}

#[derive(Debug, Default)]
pub struct SearchCache {
    entries: Vec<Entry>,
}

impl SearchCache {
    /// The result of the same question, if nothing has changed since.
    pub fn get(&self, kind: Kind, question: &str, revision: u64) -> Option<&Found> {
        let same = |e: &&Entry| e.kind == kind && e.revision == revision && e.question == question;
        self.entries.iter().find(same).map(|entry| &entry.found)
    }

    /// Keeps a result, unless changes are still on their way into the index (`settled_at` lies ahead).
    pub fn put(&mut self, kind: Kind, question: String, revision: u64, found: Found, now: Millis, settled_at: Millis) {
        if settled_at > now {
            return;
        }
        if self.entries.len() >= KEPT {
            self.entries.remove(0);
        }
        self.entries.push(Entry { kind, question, revision, found });
    }

    pub fn clear(&mut self) {
        self.entries.clear();
    }
}
