//! Running a plan: the numbers of its rows, in order, without their contents.

use std::cmp::Ordering;

use super::eval::{holds, sorted, value};
use super::plan::{Plan, Sort};
use super::road::{Road, is_by, road};
use super::view::View;
use crate::salesforce::datum::Datum;
use crate::salesforce::records::{ID, SYSTEM_MODSTAMP, Seen};

/// The rows of a plan, ordered and cut as it says.
pub fn numbers(view: View<'_>, plan: &Plan) -> Vec<u64> {
    let road = road(view, plan);
    let wanted = plan.limit.map(|limit| usize::try_from(limit.saturating_add(plan.offset)).unwrap_or(usize::MAX));
    let in_order = match road {
        Road::Stamps(..) => is_by(plan, &[SYSTEM_MODSTAMP, ID]),
        Road::Ids(..) => is_by(plan, &[ID]),
        Road::Numbers(_) | Road::Anywhere => false,
    };
    let mut passing = rows(view, plan, road.clone());
    if in_order {
        let found = passing.by_ref().map(|row| row.number).take(wanted.unwrap_or(usize::MAX));
        return cut(plan, found.collect());
    }
    if plan.order.is_empty() {
        // Wherever the walk begins, it may stop once it has enough.
        let enough = if road == Road::Anywhere { wanted.unwrap_or(usize::MAX) } else { usize::MAX };
        let mut found: Vec<u64> = passing.by_ref().map(|row| row.number).take(enough).collect();
        found.sort_by_cached_key(|number| view.whim(*number));
        return cut(plan, found);
    }
    cut(plan, arrange(view, plan, passing))
}

/// How many rows pass, up to `most`.
pub fn count(view: View<'_>, plan: &Plan, most: u64) -> u64 {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    rows(view, plan, road(view, plan)).take(most).count() as u64
}

/// The same plan over these rows only: the children of one parent.
pub fn among(view: View<'_>, plan: &Plan, candidates: Vec<u64>) -> Vec<u64> {
    let passing = rows(view, plan, Road::Numbers(candidates));
    if plan.order.is_empty() {
        let mut found: Vec<u64> = passing.map(|row| row.number).collect();
        found.sort_by_cached_key(|number| view.whim(*number));
        return cut(plan, found);
    }
    cut(plan, arrange(view, plan, passing))
}

/// Every row that passes, in the order of the road.
pub fn passing<'a>(view: View<'a>, plan: &'a Plan) -> Box<dyn Iterator<Item = Seen<'a>> + 'a> {
    rows(view, plan, road(view, plan))
}

fn rows<'a>(view: View<'a>, plan: &'a Plan, road: Road) -> Box<dyn Iterator<Item = Seen<'a>> + 'a> {
    let kind = plan.kind;
    let passes = move |row: &Seen<'a>| plan.filter.as_ref().is_none_or(|filter| holds(view, row, filter));
    match road {
        Road::Numbers(numbers) => {
            Box::new(numbers.into_iter().filter_map(move |number| view.row(kind, number)).filter(passes))
        }
        Road::Stamps(from, to) => Box::new(view.by_stamp(kind, from, to).filter(passes)),
        Road::Ids(from, to) => Box::new(view.by_number(kind, from, to).filter(passes)),
        Road::Anywhere => Box::new(view.beginning_anywhere(kind).filter(passes)),
    }
}

/// Sorted as asked; what the order leaves open is settled by whim, differently in every query.
fn arrange<'a>(view: View<'a>, plan: &Plan, passing: impl Iterator<Item = Seen<'a>>) -> Vec<u64> {
    let keys = |row: &Seen<'a>| plan.order.iter().map(|sort| value(view, row, &sort.by)).collect::<Vec<_>>();
    let mut rows: Vec<_> = passing.map(|row| (keys(&row), view.whim(row.number), row.number)).collect();
    rows.sort_unstable_by(|a, b| compare(&plan.order, &a.0, &b.0).then_with(|| a.1.cmp(&b.1)));
    rows.into_iter().map(|(_, _, number)| number).collect()
}

/// Nulls come first unless asked last, in either direction.
pub fn compare<W>(order: &[Sort<W>], a: &[Datum], b: &[Datum]) -> Ordering {
    for (sort, (a, b)) in order.iter().zip(a.iter().zip(b)) {
        let found = match (a.is_null(), b.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) if sort.nulls_last => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, true) if sort.nulls_last => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) if sort.descending => sorted(b, a),
            (false, false) => sorted(a, b),
        };
        if found != Ordering::Equal {
            return found;
        }
    }
    Ordering::Equal
}

fn cut(plan: &Plan, mut numbers: Vec<u64>) -> Vec<u64> {
    let skipped = usize::try_from(plan.offset).unwrap_or(usize::MAX).min(numbers.len());
    numbers.drain(..skipped);
    if let Some(limit) = plan.limit {
        numbers.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    numbers
}
