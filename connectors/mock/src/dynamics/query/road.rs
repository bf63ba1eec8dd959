//! How to come to the rows a filter asks for without looking at all of them.

use super::expr::{Expr, Op, Reach, Side};
use super::like;
use crate::clock::Millis;
use crate::dynamics::datum::Datum;
use crate::dynamics::guid::Guid;
use crate::dynamics::kind::Kind;
use crate::dynamics::org::Org;
use crate::dynamics::records::{ID, MODIFIED_ON};
use crate::dynamics::schema::ColumnId;

#[derive(Clone, Debug, PartialEq)]
pub enum Road {
    /// Every row.
    All,
    /// These at most.
    Ids(Vec<Guid>),
    /// Rows with one of these values in an indexed column.
    Keys(ColumnId, Vec<Datum>),
    /// Rows last changed from the first to the second, both included.
    Stamps(Millis, Millis),
}

/// The shortest road that misses no row the filter holds for.
pub fn road(org: &Org, kind: Kind, filter: Option<&Expr>) -> Road {
    let mut parts = Vec::new();
    if let Some(filter) = filter {
        conjuncts(filter, &mut parts);
    }
    let roads: Vec<Road> = parts.iter().filter_map(|part| narrow(org, kind, part)).collect();
    if let Some(exact) = roads.iter().find(|road| matches!(road, Road::Ids(_))) {
        return exact.clone();
    }
    if let Some(keyed) = roads.iter().find(|road| matches!(road, Road::Keys(..))) {
        return keyed.clone();
    }
    let spans = roads.iter().filter_map(|road| match road {
        Road::Stamps(from, to) => Some((*from, *to)),
        _ => None,
    });
    let span = spans.reduce(|(a, b), (from, to)| (a.max(from), b.min(to)));
    span.map_or(Road::All, |(from, to)| Road::Stamps(from, to))
}

fn conjuncts<'a>(expr: &'a Expr, out: &mut Vec<&'a Expr>) {
    match expr {
        Expr::And(a, b) => {
            conjuncts(a, out);
            conjuncts(b, out);
        }
        other => out.push(other),
    }
}

fn narrow(org: &Org, kind: Kind, expr: &Expr) -> Option<Road> {
    match expr {
        Expr::Compare(Op::Eq, reach, Side::Value(value)) => values(org, kind, reach, vec![value.clone()]),
        Expr::In(reach, all) => values(org, kind, reach, all.clone()),
        Expr::Or(..) => {
            let (column, all) = alternatives(expr)?;
            values(org, kind, &Reach { via: None, column }, all)
        }
        Expr::Compare(op, Reach { via: None, column: MODIFIED_ON }, Side::Value(Datum::Instant(at))) => match op {
            Op::Ge | Op::Gt => Some(Road::Stamps(*at, Millis::MAX / 2)),
            Op::Le | Op::Lt => Some(Road::Stamps(0, *at)),
            _ => None,
        },
        Expr::Between(Reach { via: None, column: MODIFIED_ON }, from, to) => {
            let bound = |datum: &Datum, open| match datum {
                Datum::Instant(at) => *at,
                _ => open,
            };
            Some(Road::Stamps(bound(from, 0), bound(to, Millis::MAX / 2)))
        }
        _ => None,
    }
}

/// `x eq 'a' or x eq 'b' or …`: the column and its values.
fn alternatives(expr: &Expr) -> Option<(ColumnId, Vec<Datum>)> {
    match expr {
        Expr::Or(a, b) => {
            let ((column, mut all), (other, more)) = (alternatives(a)?, alternatives(b)?);
            all.extend(more);
            (column == other).then_some((column, all))
        }
        Expr::Compare(Op::Eq, Reach { via: None, column }, Side::Value(value)) => Some((*column, vec![value.clone()])),
        Expr::In(Reach { via: None, column }, all) => Some((*column, all.clone())),
        _ => None,
    }
}

fn values(org: &Org, kind: Kind, reach: &Reach, all: Vec<Datum>) -> Option<Road> {
    if reach.via.is_some() || kind == Kind::ActivityPointer {
        return None;
    }
    if reach.column == ID {
        let ids = all.iter().filter_map(|datum| match datum {
            Datum::Guid(id) => Some(*id),
            _ => None,
        });
        let mut ids: Vec<Guid> = ids.collect();
        ids.sort_unstable();
        ids.dedup();
        return Some(Road::Ids(ids));
    }
    let column = org.schema(kind).get(reach.column)?;
    let exact = |datum: &Datum| !datum.is_null() && !datum.as_str().is_some_and(like::is_pattern);
    (column.indexed && all.iter().all(exact)).then_some(Road::Keys(reach.column, all))
}
