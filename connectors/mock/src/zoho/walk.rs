//! Walking a module in the order a list asks for, without looking at more records than it must.

use super::kind::Kind;
use super::org::Org;
use super::records::Sight;
use crate::clock::Millis;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortBy {
    Id,
    Created,
    Modified,
}

/// An order, and where in it to begin. A place is `(sort key, id)`; the key is 0 when the order is by id.
#[derive(Clone, Copy, Debug)]
pub struct Walk {
    pub by: SortBy,
    pub descending: bool,
    /// Only records modified after this.
    pub since: Option<Millis>,
    /// Only records that come after this place.
    pub after: Option<(Millis, u64)>,
}

type Places<'a> = Box<dyn Iterator<Item = (Millis, u64)> + 'a>;

impl Org {
    /// Live records as seen by `sight`, each with its place.
    pub fn walk<'a>(&'a self, kind: Kind, walk: Walk, sight: Sight) -> Places<'a> {
        let places = match walk.by {
            SortBy::Id => self.by_id(kind, walk),
            SortBy::Created => self.by_created(kind, walk),
            SortBy::Modified => self.by_modified(kind, walk),
        };
        let beyond = move |place: &(Millis, u64)| match walk.after {
            None => true,
            Some(after) if walk.descending => *place < after,
            Some(after) => *place > after,
        };
        Box::new(places.filter(beyond).filter(move |(key, id)| {
            let Some(seen) = self.live(kind, *id, sight) else { return false };
            // A version that waits to be seen, or is no longer, has a place of its own that does not count.
            let stands = walk.by != SortBy::Modified || seen.modified() == *key;
            stands && walk.since.is_none_or(|since| seen.modified() > since)
        }))
    }

    fn by_id(&self, kind: Kind, walk: Walk) -> Places<'_> {
        let table = self.table(kind);
        let generated = table.generated(&self.people);
        let made = table.made(&self.people);
        match (walk.descending, walk.after) {
            (false, after) => {
                let start = after.map_or(generated.start, |(_, id)| id.saturating_add(1)).max(generated.start);
                Box::new((start..generated.end.max(start)).chain(made).map(|id| (0, id)))
            }
            (true, after) => {
                let end = after.map_or(generated.end, |(_, id)| id.min(generated.end));
                Box::new(made.rev().chain((generated.start..end.max(generated.start)).rev()).map(|id| (0, id)))
            }
        }
    }

    fn by_created(&self, kind: Kind, walk: Walk) -> Places<'_> {
        let table = self.table(kind);
        let first = table.generated(&self.people).start;
        let created = |id: u64| self.seen(kind, id, Sight::Latest).map_or(0, |seen| seen.created());
        let mut made: Vec<(Millis, u64)> = table.made(&self.people).map(|id| (created(id), id)).collect();
        made.sort_unstable();
        let count = self.people.count(kind);
        let generated = (0..count).map(move |index| (self.people.stamp(kind, index), first + index));
        if walk.descending {
            merged(generated.rev(), made.into_iter().rev(), true)
        } else {
            merged(generated, made.into_iter(), false)
        }
    }

    fn by_modified(&self, kind: Kind, walk: Walk) -> Places<'_> {
        let table = self.table(kind);
        let first = table.generated(&self.people).start;
        let mut from = walk.since.map_or(Millis::MIN, |since| since.saturating_add(1));
        let mut to = Millis::MAX;
        match walk.after {
            Some((key, _)) if walk.descending => to = to.min(key),
            Some((key, _)) => from = from.max(key),
            None => {}
        }
        let mut window = self.people.window(kind, from, to);
        // Among records of one stamp an index tells where the walk stands.
        if let (Some((_, id)), true) = (walk.after, self.people.equal_stamps)
            && let Some(index) = self.people.index(kind, id).filter(|_| !table.is_held(id))
        {
            if walk.descending {
                window.end = window.end.min(index);
            } else {
                window.start = window.start.max(index + 1);
            }
            window.end = window.end.max(window.start);
        }
        let generated = window
            .map(move |index| (self.people.stamp(kind, index), first + index))
            .filter(move |(stamp, id)| (from..=to).contains(stamp) && !table.is_held(*id));
        let held = table.held_stamps(from, to);
        if walk.descending { merged(generated.rev(), held.rev(), true) } else { merged(generated, held, false) }
    }
}

/// Two sorted runs as one.
fn merged<'a>(
    one: impl Iterator<Item = (Millis, u64)> + 'a,
    other: impl Iterator<Item = (Millis, u64)> + 'a,
    descending: bool,
) -> Places<'a> {
    let (mut one, mut other) = (one.peekable(), other.peekable());
    Box::new(std::iter::from_fn(move || {
        let first = match (one.peek(), other.peek()) {
            (Some(a), Some(b)) => (a <= b) != descending,
            (a, _) => a.is_some(),
        };
        if first { one.next() } else { other.next() }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_become_one_in_either_direction() {
        let (a, b) = ([(1, 1), (3, 3)], [(2, 2), (4, 4)]);
        let up: Vec<_> = merged(a.into_iter(), b.into_iter(), false).collect();
        assert_eq!(up, [(1, 1), (2, 2), (3, 3), (4, 4)]);
        let down: Vec<_> = merged(a.into_iter().rev(), b.into_iter().rev(), true).collect();
        assert_eq!(down, [(4, 4), (3, 3), (2, 2), (1, 1)]);
    }
}
