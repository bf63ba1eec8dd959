//! From a bound query to the ids of one page of rows.

use std::cmp::Ordering;

use super::expr::{Expr, Op, Reach, Side};
use super::pages::Place;
use super::road::{Road, road};
use crate::chance::bits;
use crate::clock::Millis;
use crate::dynamics::datum::Datum;
use crate::dynamics::guid::Guid;
use crate::dynamics::kind::Kind;
use crate::dynamics::org::Org;
use crate::dynamics::records::{ID, MODIFIED_ON};
use crate::dynamics::refusal::Refusal;
use crate::dynamics::schema::ColumnId;
use crate::dynamics::seen::Seen;
use crate::versions::Sight;

/// The largest id there can be.
const LAST_ID: Guid = Guid(u128::MAX);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    pub column: ColumnId,
    pub descending: bool,
}

pub struct Query {
    pub kind: Kind,
    pub filter: Option<Expr>,
    pub sort: Vec<Sort>,
    pub sight: Sight,
}

impl Query {
    /// `$orderby`: `modifiedon asc,contactid`.
    ///
    /// # Errors
    /// 400 for a property the table does not have.
    pub fn sort(org: &Org, kind: Kind, source: &str) -> Result<Vec<Sort>, Refusal> {
        let each = source.split(',').map(str::trim).filter(|part| !part.is_empty());
        each.map(|part| {
            let (name, direction) = part.split_once(' ').map_or((part, ""), |(name, way)| (name, way.trim()));
            let descending = match direction {
                "" | "asc" => false,
                "desc" => true,
                other => return Err(Refusal::query(format!("Syntax error at '{other}' in '{source}'."))),
            };
            let found = org.schema(kind).property(name);
            let (column, _) = found.ok_or_else(|| Refusal::no_property(name, kind.logical()))?;
            Ok(Sort { column, descending })
        })
        .collect()
    }

    /// Narrows it to the rows whose lookup leads to `parent`.
    pub fn only_of(&mut self, column: ColumnId, parent: Guid) {
        let value = Side::Value(Datum::Guid(parent));
        let of_parent = Expr::Compare(Op::Eq, Reach { via: None, column }, value);
        self.filter = Some(match self.filter.take() {
            Some(filter) => Expr::And(Box::new(of_parent), Box::new(filter)),
            None => of_parent,
        });
    }

    /// The rows of one page in order, and where the next begins when there is more.
    pub fn page(&self, org: &Org, from: Option<&Place>, size: usize, page: u64) -> (Vec<Guid>, Option<Place>) {
        let road = road(org, self.kind, self.filter.as_ref());
        match (self.sort.as_slice(), &road) {
            ([] | [Sort { column: ID, descending: false }], _) => {
                let after = match from {
                    Some(Place::Id(id)) => Some(*id),
                    _ => None,
                };
                let ids = self.candidates(org, &road, after).filter(|id| self.fits(org, *id));
                cut(ids, size, Place::Id)
            }
            ([Sort { column: MODIFIED_ON, descending: false }, rest @ ..], Road::All | Road::Stamps(..))
                if matches!(rest, [] | [Sort { column: ID, descending: false }])
                    && self.kind != Kind::ActivityPointer =>
            {
                let (mut start, end) = match road {
                    Road::Stamps(from, to) => (from, to),
                    _ => (0, Millis::MAX / 2),
                };
                let mut after = None;
                if let Some(Place::Stamp(at, id)) = from {
                    start = start.max(*at);
                    after = Some((*at, *id));
                }
                let rows = org.by_stamp(self.kind, start, end, self.sight);
                let rows = rows.filter(|place| after.is_none_or(|after| *place > after));
                let rows = rows.filter(|(_, id)| self.fits(org, *id));
                // Without the id as the last column, rows that share a stamp across a page break are lost.
                let whole = rest.is_empty();
                cut(rows, size, move |(at, id)| Place::Stamp(at, if whole { LAST_ID } else { id })).map_ids()
            }
            _ => {
                let skipped = match from {
                    Some(Place::Count(count)) => *count,
                    _ => 0,
                };
                let mut rows: Vec<Seen<'_>> = self.rows(org, &road).collect();
                let total = self.sort.iter().any(|sort| sort.column == ID);
                // Rows the order does not tell apart come in another order on every page.
                let tie = |id: Guid| if total { 0 } else { bits(page, 0x71e, id.0 as u64) };
                rows.sort_by(|a, b| {
                    let keys = self.sort.iter().map(|sort| sort.order(*a, *b)).find(|order| order.is_ne());
                    keys.unwrap_or_else(|| tie(a.id).cmp(&tie(b.id))).then(a.id.cmp(&b.id))
                });
                let start = usize::try_from(skipped).unwrap_or(usize::MAX);
                let more = rows.len() > start.saturating_add(size);
                let ids = rows.into_iter().skip(start).take(size).map(|row| row.id).collect();
                (ids, more.then(|| Place::Count(skipped + size as u64)))
            }
        }
    }

    /// How many rows fit, counted no further than `most`.
    pub fn count(&self, org: &Org, most: usize) -> usize {
        let road = road(org, self.kind, self.filter.as_ref());
        self.rows(org, &road).take(most).count()
    }

    /// Puts rows in the order asked for, ties by id.
    pub fn arrange(rows: &mut [Seen<'_>], sort: &[Sort]) {
        rows.sort_by(|a, b| {
            let keys = sort.iter().map(|sort| sort.order(*a, *b)).find(|order| order.is_ne());
            keys.unwrap_or_else(|| a.id.cmp(&b.id))
        });
    }

    fn rows<'a>(&'a self, org: &'a Org, road: &Road) -> impl Iterator<Item = Seen<'a>> + use<'a> {
        let ids = self.candidates(org, road, None);
        ids.filter_map(|id| org.row(self.kind, id, self.sight)).filter(|row| self.holds(*row))
    }

    fn fits(&self, org: &Org, id: Guid) -> bool {
        org.row(self.kind, id, self.sight).is_some_and(|row| self.holds(row))
    }

    fn holds(&self, row: Seen<'_>) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.holds(row, self.sight))
    }

    /// Ids above `after` that may fit, in order.
    fn candidates<'a>(&self, org: &'a Org, road: &Road, after: Option<Guid>) -> Box<dyn Iterator<Item = Guid> + 'a> {
        let mut ids: Vec<Guid> = match road {
            Road::All => return org.ids(self.kind, after),
            Road::Ids(ids) => ids.clone(),
            Road::Keys(column, values) => {
                values.iter().flat_map(|value| org.find(self.kind, *column, value, self.sight)).collect()
            }
            Road::Stamps(from, to) => org.by_stamp(self.kind, *from, *to, self.sight).map(|(_, id)| id).collect(),
        };
        ids.sort_unstable();
        ids.dedup();
        Box::new(ids.into_iter().filter(move |id| after.is_none_or(|after| *id > after)))
    }
}

impl Sort {
    fn order(self, a: Seen<'_>, b: Seen<'_>) -> Ordering {
        let order = a.get(self.column).order(&b.get(self.column));
        if self.descending { order.reverse() } else { order }
    }
}

/// The first `size` and where to go on, when there are more.
fn cut<T: Clone>(
    mut rows: impl Iterator<Item = T>,
    size: usize,
    place: impl Fn(T) -> Place,
) -> (Vec<T>, Option<Place>) {
    let page: Vec<T> = rows.by_ref().take(size).collect();
    let next = rows.next().and_then(|_| page.last().cloned()).map(place);
    (page, next)
}

trait MapIds {
    fn map_ids(self) -> (Vec<Guid>, Option<Place>);
}

impl MapIds for (Vec<(Millis, Guid)>, Option<Place>) {
    fn map_ids(self) -> (Vec<Guid>, Option<Place>) {
        (self.0.into_iter().map(|(_, id)| id).collect(), self.1)
    }
}
