//! A record whose newest version readers may not see yet: what was committed is stamped first and visible later.

use std::sync::Arc;

use crate::clock::Millis;

#[derive(Debug)]
struct Version<R> {
    /// When readers see it.
    visible_at: Millis,
    row: Arc<R>,
}

impl<R> Clone for Version<R> {
    fn clone(&self) -> Self {
        Self { visible_at: self.visible_at, row: self.row.clone() }
    }
}

/// All that is known of one held record; cheap to copy, for savepoints.
#[derive(Debug)]
pub struct Held<R> {
    latest: Version<R>,
    /// Older versions some reader may still see, oldest first.
    earlier: Vec<Version<R>>,
}

impl<R> Clone for Held<R> {
    fn clone(&self) -> Self {
        Self { latest: self.latest.clone(), earlier: self.earlier.clone() }
    }
}

/// Whose eyes a record is seen with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// The write path and the control plane: the newest version, visible yet or not.
    Latest,
    /// Every read: what had become visible by this instant.
    At(Millis),
}

impl<R> Held<R> {
    /// `before` with one more version, visible from `visible_at`.
    pub fn grown(before: Option<Self>, row: R, now: Millis, visible_at: Millis) -> Self {
        let version = Version { visible_at, row: Arc::new(row) };
        let Some(mut held) = before else { return Self { latest: version, earlier: Vec::new() } };
        held.earlier.push(std::mem::replace(&mut held.latest, version));
        // Versions before the one readers see now will never be asked for again.
        if visible_at <= now {
            held.earlier.clear();
        } else if let Some(shown) = held.earlier.iter().rposition(|each| each.visible_at <= now) {
            held.earlier.drain(..shown);
        }
        held
    }

    pub fn latest(&self) -> &R {
        &self.latest.row
    }

    /// When everybody sees the newest version.
    pub fn visible_at(&self) -> Millis {
        self.latest.visible_at
    }

    pub fn seen(&self, sight: Sight) -> Option<&R> {
        match sight {
            Sight::Latest => Some(&self.latest.row),
            Sight::At(now) => self.versions().rev().find(|version| version.visible_at <= now).map(|each| &*each.row),
        }
    }

    /// Every version somebody may see, oldest first.
    pub fn rows(&self) -> impl Iterator<Item = &R> {
        self.versions().map(|version| &*version.row)
    }

    fn versions(&self) -> impl DoubleEndedIterator<Item = &Version<R>> {
        self.earlier.iter().chain(std::iter::once(&self.latest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_seen_from_its_instant_on() {
        let held = Held::grown(None, "first", 0, 0);
        let held = Held::grown(Some(held), "second", 10, 50);
        assert_eq!((held.seen(Sight::At(49)), held.seen(Sight::At(50))), (Some(&"first"), Some(&"second")));
        assert_eq!(held.seen(Sight::Latest), Some(&"second"));
        let held = Held::grown(Some(held), "third", 60, 60);
        assert_eq!(held.rows().collect::<Vec<_>>(), [&"third"]);
        assert_eq!(Held::grown(None, "late", 0, 5).seen(Sight::At(4)), None);
    }
}
