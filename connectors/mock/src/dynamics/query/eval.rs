//! Whether a row fits a filter, in the three values of the database: yes, no, and unknown where a value is missing.

use std::cmp::Ordering;

use super::expr::{Expr, Op, Reach, Side, TextOp};
use super::like;
use crate::dynamics::datum::Datum;
use crate::dynamics::kind::Kind;
use crate::dynamics::schema::ColumnId;
use crate::dynamics::seen::Seen;
use crate::versions::Sight;

impl Expr {
    /// Whether the row is among those asked for.
    pub fn holds(&self, row: Seen<'_>, sight: Sight) -> bool {
        self.value(row, sight) == Some(true)
    }

    fn value(&self, row: Seen<'_>, sight: Sight) -> Option<bool> {
        match self {
            Self::And(a, b) => match (a.value(row, sight), b.value(row, sight)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Self::Or(a, b) => match (a.value(row, sight), b.value(row, sight)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Self::Not(inner) => inner.value(row, sight).map(|value| !value),
            Self::Compare(op, reach, side) => {
                let right = match side {
                    Side::Value(value) => value.clone(),
                    Side::Column(other) => other.of(row, sight),
                };
                compare(*op, &reach.of(row, sight), &right)
            }
            Self::Text(op, reach, wanted) => {
                let datum = reach.of(row, sight);
                let text = datum.as_str()?;
                Some(match op {
                    TextOp::Contains => like::matches(&format!("%{wanted}%"), text),
                    TextOp::Starts => like::matches(&format!("{wanted}%"), text),
                    TextOp::Ends => like::matches(&format!("%{wanted}"), text),
                })
            }
            Self::In(reach, all) => {
                let datum = reach.of(row, sight);
                if datum.is_null() {
                    return None;
                }
                Some(all.iter().any(|each| compare(Op::Eq, &datum, each) == Some(true)))
            }
            Self::Between(reach, from, to) => {
                let datum = reach.of(row, sight);
                if datum.is_null() {
                    return None;
                }
                let after = from.is_null() || datum.order(from) != Ordering::Less;
                Some(after && (to.is_null() || datum.order(to) != Ordering::Greater))
            }
            Self::Holds(reach, wanted) => {
                let datum = reach.of(row, sight);
                let mut values = datum.as_str()?.split(',').filter_map(|value| value.trim().parse::<i64>().ok());
                Some(values.any(|value| wanted.contains(&value)))
            }
            Self::Some { kind, column, inner } => Some(
                children(row, *kind, *column, sight)
                    .any(|child| inner.as_ref().is_none_or(|inner| inner.holds(child, sight))),
            ),
            Self::Every { kind, column, inner } => {
                Some(children(row, *kind, *column, sight).all(|child| inner.holds(child, sight)))
            }
        }
    }
}

fn children<'a>(row: Seen<'a>, kind: Kind, column: ColumnId, sight: Sight) -> impl Iterator<Item = Seen<'a>> {
    let ids = row.org.find(kind, column, &Datum::Guid(row.id), sight);
    ids.into_iter().filter_map(move |id| row.org.row(kind, id, sight))
}

impl Reach {
    pub fn of(&self, row: Seen<'_>, sight: Sight) -> Datum {
        let Some((via, target)) = self.via else { return row.get(self.column) };
        match row.get(via).as_lookup() {
            Some((kind, id)) if kind == target => {
                row.org.row(kind, id, sight).map_or(Datum::Null, |row| row.get(self.column))
            }
            _ => Datum::Null,
        }
    }
}

fn compare(op: Op, left: &Datum, right: &Datum) -> Option<bool> {
    match (op, left.is_null(), right.is_null()) {
        (Op::Eq, _, true) => return Some(left.is_null()),
        (Op::Ne, _, true) => return Some(!left.is_null()),
        // What is not there is not equal either.
        (Op::Ne, true, false) => return Some(true),
        (_, true, _) | (_, _, true) => return None,
        _ => {}
    }
    if let (Op::Eq | Op::Ne, Datum::Text(text), Datum::Text(pattern)) = (op, left, right)
        && like::is_pattern(pattern)
    {
        return Some(like::matches(pattern, text) == (op == Op::Eq));
    }
    let order = left.order(right);
    Some(match op {
        Op::Eq => order == Ordering::Equal,
        Op::Ne => order != Ordering::Equal,
        Op::Gt => order == Ordering::Greater,
        Op::Ge => order != Ordering::Less,
        Op::Lt => order == Ordering::Less,
        Op::Le => order != Ordering::Greater,
    })
}
