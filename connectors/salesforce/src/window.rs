//! The order of changes: by `(SystemModstamp, Id)`, because thousands of records share a second. Pure: what to ask for
//! next, and what an answer means for the place.

use connector::{Error, ErrorKind, Timestamp};

use crate::cursor::{Key, Pages};
use crate::rows::Rows;
use crate::soql::{Comparison, Condition, Field, Literal};

/// Nothing at Salesforce changed before this (2000-01-01): where a full load's first slice begins.
const BEGINNING: i64 = 946_684_800_000;
/// A slice is never cut below this: a second is what a stamp can tell.
const NARROWEST: i64 = 2_000;

const STAMP: &str = "SystemModstamp";

fn stamp(comparison: Comparison, at: i64) -> Condition {
    Field::from(STAMP).is(comparison, Literal::Instant(Timestamp::from_millis(at)))
}

/// The order in which a window is read.
pub(crate) fn order() -> Vec<Field> {
    vec![Field::from(STAMP), Field::from("Id")]
}

/// Records of `[from, until)` that come after `after`.
pub(crate) fn within(from: Option<i64>, until: i64, after: Option<&Key>, more: Vec<Condition>) -> Condition {
    let mut all = vec![stamp(Comparison::Less, until)];
    match after {
        Some(key) => all.push(Condition::Any(vec![
            stamp(Comparison::Greater, key.at),
            Condition::All(vec![
                stamp(Comparison::Equal, key.at),
                Field::from("Id").is(Comparison::Greater, Literal::text(key.id.as_str())),
            ]),
        ])),
        None => all.extend(from.map(|from| stamp(Comparison::AtLeast, from))),
    }
    all.extend(more);
    Condition::All(all)
}

impl Pages {
    /// The bounds of the next query.
    pub fn bounds(&self, from: Option<i64>, until: i64) -> (Option<i64>, i64) {
        match self.slice {
            Some((start, end)) => (Some(start), end.min(until)),
            None => (from, until),
        }
    }

    /// Half of what was too much for one query; `None` where it cannot be cut further.
    pub fn halved(&self, from: Option<i64>, until: i64) -> Option<Self> {
        let (start, end) = self.bounds(from, until);
        let start = self.after.as_ref().map_or(start, |key| Some(key.at)).unwrap_or(BEGINNING);
        let width = end.saturating_sub(start);
        if width <= NARROWEST {
            return None;
        }
        // Whole seconds, as stamps are.
        let middle = (start + width / 2) / 1_000 * 1_000;
        (middle > start).then(|| Self { slice: Some((start, middle)), ..self.clone() })
    }

    /// Where to go on after a page of at most `size` rows; `None` where the window is done. `last` is the last row's place in the order.
    pub fn advance(&self, until: i64, size: usize, page: &Rows, last: Option<Key>) -> Result<Option<Self>, Error> {
        let whole = page.done && page.rows.len() < size;
        if last.as_ref().zip(self.after.as_ref()).is_some_and(|(last, after)| !comes_after(last, after)) {
            return Err(protocol("Salesforce's pages go round in circles: one brought no later record"));
        }
        if !whole {
            let Some(last) = last else { return Err(protocol("a page that is not the last one brought no record")) };
            return Ok(Some(Self { after: Some(last), ..self.clone() }));
        }
        let Some((start, end)) = self.slice.filter(|(_, end)| *end < until) else { return Ok(None) };
        // What went well may be wider next time.
        let width = end.saturating_sub(start).saturating_mul(2);
        let next = (end, end.saturating_add(width).min(until));
        Ok(Some(Self { after: None, slice: Some(next), ..self.clone() }))
    }
}

/// Ids are compared by their first fifteen characters, case and all.
fn comes_after(one: &Key, other: &Key) -> bool {
    let short = |key: &Key| key.id.get(..15).unwrap_or(&key.id).to_owned();
    (one.at, short(one)) > (other.at, short(other))
}

fn protocol(why: &str) -> Error {
    Error::new(ErrorKind::Protocol, "read a window of changes", why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Row;
    use crate::soql::Query;

    const PAGE: usize = 2_000;

    fn key(at: i64, id: &str) -> Key {
        Key { at, id: id.into() }
    }

    fn page(rows: usize, done: bool) -> Rows {
        Rows { rows: vec![Row::default(); rows], total: rows as u64, done, next: None }
    }

    #[test]
    fn a_page_goes_on_after_its_last_record_whatever_its_size() {
        let first = Pages::default();
        let next = first.advance(9_000, PAGE, &page(PAGE, true), Some(key(5, "a"))).unwrap().unwrap();
        assert_eq!(next.after, Some(key(5, "a")));
        // Shrunk by wide rows: fewer than a page, and not the end.
        let next = next.advance(9_000, PAGE, &page(800, false), Some(key(5, "b"))).unwrap().unwrap();
        assert_eq!(next.after, Some(key(5, "b")));
        assert_eq!(next.advance(9_000, PAGE, &page(3, true), Some(key(6, "a"))).unwrap(), None);
        assert!(next.advance(9_000, PAGE, &page(3, true), Some(key(5, "b"))).is_err());
        assert!(next.advance(9_000, PAGE, &page(0, false), None).is_err());
    }

    #[test]
    fn what_is_too_much_is_halved_and_grows_again() {
        let whole = Pages::default();
        let half = whole.halved(Some(0), 100_000).unwrap();
        assert_eq!(half.slice, Some((0, 50_000)));
        let quarter = half.halved(Some(0), 100_000).unwrap();
        assert_eq!(quarter.slice, Some((0, 25_000)));
        let next = quarter.advance(100_000, PAGE, &page(1, true), Some(key(5, "a"))).unwrap().unwrap();
        assert_eq!((next.slice, next.after.clone()), (Some((25_000, 75_000)), None));
        let last = next.advance(100_000, PAGE, &page(0, true), None).unwrap().unwrap();
        assert_eq!(last.slice, Some((75_000, 100_000)));
        assert_eq!(last.advance(100_000, PAGE, &page(0, true), None).unwrap(), None);
        let mut narrow = whole;
        let mut cuts = 0;
        while let Some(next) = narrow.halved(None, 2_000_000_000_000) {
            narrow = next;
            cuts += 1;
        }
        assert!((20..64).contains(&cuts), "{cuts}");
    }

    #[test]
    fn a_window_is_half_open_and_goes_on_after_a_key() {
        let text = |condition| Query::count("Contact").unwrap().filter(condition).text();
        assert_eq!(
            text(within(Some(0), 1_000, None, vec![])),
            "SELECT COUNT() FROM Contact WHERE SystemModstamp < 1970-01-01T00:00:01.000Z AND \
             SystemModstamp >= 1970-01-01T00:00:00.000Z"
        );
        assert_eq!(
            text(within(Some(0), 1_000, Some(&key(0, "x")), vec![])),
            "SELECT COUNT() FROM Contact WHERE SystemModstamp < 1970-01-01T00:00:01.000Z AND \
             (SystemModstamp > 1970-01-01T00:00:00.000Z OR (SystemModstamp = 1970-01-01T00:00:00.000Z AND Id > 'x'))"
        );
    }
}
