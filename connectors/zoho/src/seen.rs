//! Which version of a record was read lately. A write that follows such a look is sent on the condition that nobody has
//! changed the record since (`reliability.md` §B 16): Zoho then refuses it, and whoever decided it looks again.
//!
//! Zoho takes one condition for a whole call. Records that were read by one call have their stamps from one moment: the
//! latest of these stamps is older than every change after it, so that it is the condition for all of them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use connector::Timestamp;

/// A look older than this says nothing any more: what is decided by it was decided then.
const FRESH_FOR: Duration = Duration::from_secs(120);
/// More records than any push looks at.
const MOST: usize = 100_000;

#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<Looks>);

#[derive(Debug, Default)]
struct Looks {
    /// Looks so far: each has a number.
    count: u64,
    /// By module and id.
    versions: HashMap<(String, String), Version>,
}

/// One record as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    /// The look it was read by.
    pub look: u64,
    /// Its change stamp then.
    pub stamp: Timestamp,
    read_at: Timestamp,
}

impl Seen {
    fn lock(&self) -> std::sync::MutexGuard<'_, Looks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What one call has read. `now` is when it was sent.
    pub fn note<'a>(&self, module: &str, now: Timestamp, read: impl Iterator<Item = (&'a str, Timestamp)>) {
        let mut looks = self.lock();
        if looks.versions.len() > MOST / 2 {
            looks.versions.retain(|_, version| now.since(version.read_at) < FRESH_FOR);
        }
        looks.count += 1;
        let look = looks.count;
        for (id, stamp) in read {
            if looks.versions.len() < MOST {
                let key = (module.to_owned(), id.to_owned());
                looks.versions.insert(key, Version { look, stamp, read_at: now });
            }
        }
    }

    /// Takes the version a record was read in, if that was a moment ago. A look serves one write.
    pub fn take(&self, module: &str, id: &str, now: Timestamp) -> Option<Version> {
        let version = self.lock().versions.remove(&(module.to_owned(), id.to_owned()))?;
        (now.since(version.read_at) < FRESH_FOR).then_some(version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_serves_one_write_for_a_while() {
        let seen = Seen::default();
        let secs = Timestamp::from_secs;
        seen.note("Contacts", secs(100), [("1", secs(50)), ("2", secs(60)), ("3", secs(70))].into_iter());
        let one = seen.take("Contacts", "1", secs(110)).unwrap();
        assert_eq!((one.look, one.stamp), (1, secs(50)));
        assert_eq!(seen.take("Contacts", "1", secs(110)), None);
        assert_eq!(seen.take("Leads", "2", secs(110)), None);
        assert_eq!(seen.take("Contacts", "2", secs(220)), None);
        seen.note("Contacts", secs(120), [("3", secs(119))].into_iter());
        assert_eq!(seen.take("Contacts", "3", secs(130)).unwrap().look, 2);
    }
}
