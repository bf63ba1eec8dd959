//! Which rows a query must look at: the fewest an index can lead to.

use super::ast::Operator;
use super::plan::{Check, Leaf, Plan, Test, Way};
use super::view::View;
use crate::clock::Millis;
use crate::salesforce::datum::Datum;
use crate::salesforce::ids::Id;
use crate::salesforce::kind::Kind;
use crate::salesforce::records::{ID, SYSTEM_MODSTAMP};
use crate::salesforce::schema::FieldId;

/// A place in the order of `(SystemModstamp, Id)`.
type Mark = (Millis, u64);

#[derive(Clone, Debug, PartialEq)]
pub enum Road {
    /// These and no others.
    Numbers(Vec<u64>),
    /// A stretch of the order by stamp and Id.
    Stamps(Mark, Mark),
    /// A stretch of the order by Id.
    Ids(u64, u64),
    /// Every row.
    Anywhere,
}

const FIRST_MARK: Mark = (Millis::MIN, 0);
const LAST_MARK: Mark = (Millis::MAX, u64::MAX);

pub fn road(view: View<'_>, plan: &Plan) -> Road {
    let Some(filter) = &plan.filter else { return unfiltered(plan) };
    let conjuncts = match filter {
        Test::All(parts) => parts.as_slice(),
        one => std::slice::from_ref(one),
    };
    let lists = conjuncts.iter().filter_map(|test| listed(view, plan.kind, test));
    if let Some(fewest) = lists.min_by_key(Vec::len) {
        return Road::Numbers(fewest);
    }
    let (from, to) = marks(plan.kind, filter);
    if from.0 > Millis::MIN || to.0 < Millis::MAX {
        return Road::Stamps(from, to);
    }
    if from.1 > 0 || to.1 < u64::MAX { Road::Ids(from.1, to.1) } else { unfiltered(plan) }
}

fn unfiltered(plan: &Plan) -> Road {
    if is_by(plan, &[SYSTEM_MODSTAMP, ID]) {
        Road::Stamps(FIRST_MARK, LAST_MARK)
    } else if is_by(plan, &[ID]) {
        Road::Ids(0, u64::MAX)
    } else {
        Road::Anywhere
    }
}

/// Whether the rows are asked for in ascending order of exactly these fields of their own.
pub fn is_by(plan: &Plan, fields: &[FieldId]) -> bool {
    let own = |way: &Way| own_field(way);
    plan.order.len() == fields.len()
        && plan.order.iter().zip(fields).all(|(sort, field)| !sort.descending && own(&sort.by) == Some(*field))
}

fn own_field(way: &Way) -> Option<FieldId> {
    match way.leaf {
        Leaf::Field(field) if way.steps.is_empty() => Some(field),
        _ => None,
    }
}

/// The rows that alone can pass this test, where an index knows them.
fn listed(view: View<'_>, kind: Kind, test: &Test) -> Option<Vec<u64>> {
    let Test::One(way, check) = test else { return None };
    let field = own_field(way)?;
    let values = match check {
        Check::Compare(Operator::Equal, datum) => std::slice::from_ref(datum),
        Check::OneOf(choice) if !choice.negated && !choice.null && choice.others.is_empty() => &choice.values,
        _ => return None,
    };
    let mut numbers: Vec<u64> = match field {
        ID => values.iter().filter_map(Datum::as_id).filter(|id| is_of(*id, kind)).map(|id| id.number).collect(),
        _ if view.is_indexed(kind, field) => {
            values.iter().flat_map(|value| view.by_value(kind, field, value)).collect()
        }
        _ => return None,
    };
    numbers.sort_unstable();
    numbers.dedup();
    Some(numbers)
}

fn is_of(id: Id, kind: Kind) -> bool {
    id.kind() == Some(kind)
}

/// The narrowest stretch of the order by stamp and Id outside which no row can pass.
fn marks(kind: Kind, test: &Test) -> (Mark, Mark) {
    match test {
        Test::All(parts) => {
            let (mut stamp, mut id) = ((Millis::MIN, Millis::MAX), (0, u64::MAX));
            let (mut from, mut to) = (FIRST_MARK, LAST_MARK);
            for part in parts {
                match part {
                    Test::One(way, check) => bound(kind, way, check, &mut stamp, &mut id),
                    other => {
                        let inner = marks(kind, other);
                        (from, to) = (from.max(inner.0), to.min(inner.1));
                    }
                }
            }
            // Stamp and Id both bounded below bound their pair below.
            (from.max((stamp.0, id.0)), to.min((stamp.1, id.1)))
        }
        Test::Any(parts) => {
            let each = parts.iter().map(|part| marks(kind, part));
            let hull = each.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
            hull.unwrap_or((FIRST_MARK, LAST_MARK))
        }
        Test::Not(_) => (FIRST_MARK, LAST_MARK),
        Test::One(way, check) => {
            let (mut stamp, mut id) = ((Millis::MIN, Millis::MAX), (0, u64::MAX));
            bound(kind, way, check, &mut stamp, &mut id);
            ((stamp.0, id.0), (stamp.1, id.1))
        }
    }
}

/// Narrows the bounds of stamp and Id by one test.
fn bound(kind: Kind, way: &Way, check: &Check, stamp: &mut (Millis, Millis), id: &mut (u64, u64)) {
    match (own_field(way), check) {
        (Some(SYSTEM_MODSTAMP), Check::Compare(operator, Datum::Instant(at))) => narrow(stamp, *operator, *at, *at),
        (Some(SYSTEM_MODSTAMP), Check::Stretch(operator, from, to)) => {
            narrow(stamp, *operator, *from, to.saturating_sub(1));
        }
        (Some(ID), Check::Compare(operator, Datum::Id(wanted))) if is_of(*wanted, kind) => {
            let number = wanted.number;
            match operator {
                Operator::Greater => id.0 = id.0.max(number.saturating_add(1)),
                Operator::GreaterEqual => id.0 = id.0.max(number),
                Operator::Less => id.1 = id.1.min(number.saturating_sub(1)),
                Operator::LessEqual => id.1 = id.1.min(number),
                _ => {}
            }
        }
        _ => {}
    }
}

/// Narrows `bounds` to what stands so to the span from `first` to `last`.
fn narrow(bounds: &mut (Millis, Millis), operator: Operator, first: Millis, last: Millis) {
    let (from, to) = match operator {
        Operator::Equal => (first, last),
        Operator::Greater => (last.saturating_add(1), Millis::MAX),
        Operator::GreaterEqual => (first, Millis::MAX),
        Operator::Less => (Millis::MIN, first.saturating_sub(1)),
        Operator::LessEqual => (Millis::MIN, last),
        _ => return,
    };
    *bounds = (bounds.0.max(from), bounds.1.min(to));
}
