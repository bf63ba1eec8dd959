//! Running GROUP BY and aggregates.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};

use rust_decimal::Decimal;

use super::ast::Function;
use super::eval::{satisfied, sorted, value};
use super::plan::{Grouped, Groups, Plan};
use super::run::{compare, passing};
use super::view::View;
use crate::salesforce::datum::Datum;
use crate::salesforce::schema::FieldType;

/// One row of an aggregate answer: values in the order of `Groups::columns`.
pub type GroupRow = Vec<Datum>;

struct Group {
    keys: Vec<Datum>,
    /// One per computed value of the query, in the order of [`computed`].
    sums: Vec<Sum>,
}

#[derive(Clone, Default)]
struct Sum {
    count: i64,
    total: Decimal,
    least: Option<Datum>,
    most: Option<Datum>,
    distinct: HashSet<String>,
}

impl Sum {
    fn add(&mut self, function: Function, datum: Datum) {
        if datum.is_null() {
            return;
        }
        self.count += 1;
        match (function, &datum) {
            (Function::CountDistinct, _) => {
                self.distinct.extend(datum.key(false));
            }
            (Function::Sum | Function::Avg, Datum::Number(number)) => self.total = self.total.saturating_add(*number),
            (Function::Sum | Function::Avg, Datum::Int(number)) => {
                self.total = self.total.saturating_add(Decimal::from(*number));
            }
            (Function::Min, _) if self.least.as_ref().is_none_or(|old| sorted(&datum, old) == Ordering::Less) => {
                self.least = Some(datum);
            }
            (Function::Max, _) if self.most.as_ref().is_none_or(|old| sorted(&datum, old) == Ordering::Greater) => {
                self.most = Some(datum);
            }
            _ => {}
        }
    }

    fn result(&self, function: Function) -> Datum {
        match function {
            Function::Count => Datum::Int(self.count),
            Function::CountDistinct => Datum::Int(i64::try_from(self.distinct.len()).unwrap_or(i64::MAX)),
            Function::Min => self.least.clone().unwrap_or_default(),
            Function::Max => self.most.clone().unwrap_or_default(),
            Function::Sum | Function::Avg if self.count == 0 => Datum::Null,
            Function::Sum => Datum::Number(self.total),
            Function::Avg => self.total.checked_div(Decimal::from(self.count)).map_or(Datum::Null, Datum::Number),
        }
    }
}

/// The rows of an aggregate query, ordered and cut.
pub fn group_rows(view: View<'_>, plan: &Plan, groups: &Groups) -> Vec<GroupRow> {
    let computed = computed(groups);
    let mut found: BTreeMap<Vec<Option<String>>, Group> = BTreeMap::new();
    if groups.by.is_empty() {
        // Aggregates over nothing still answer, with one row.
        found.insert(Vec::new(), Group { keys: Vec::new(), sums: vec![Sum::default(); computed.len()] });
    }
    for row in passing(view, plan) {
        let keys: Vec<Datum> = groups.by.iter().map(|way| value(view, &row, way)).collect();
        let filed = keys.iter().zip(&groups.by).map(|(datum, way)| datum.key(way.case_sensitive)).collect();
        let fresh = || Group { keys, sums: vec![Sum::default(); computed.len()] };
        let group = found.entry(filed).or_insert_with(fresh);
        for (sum, each) in group.sums.iter_mut().zip(&computed) {
            if let Grouped::Computed(function, way) = each {
                sum.add(*function, value(view, &row, way));
            }
        }
    }
    let read = |group: &Group, wanted: &Grouped| match wanted {
        Grouped::Key(index) => group.keys.get(*index).cloned().unwrap_or_default(),
        Grouped::Computed(function, way) => {
            let at = computed.iter().position(|each| is_same(each, *function, &way.name));
            let sum = at.and_then(|at| group.sums.get(at));
            let datum = sum.map(|sum| sum.result(*function)).unwrap_or_default();
            whole(datum, *function, way.ty)
        }
    };
    let mut kept: Vec<Group> = found.into_values().collect();
    if let Some(having) = &groups.having {
        kept.retain(|group| satisfied(having, &|wanted: &Grouped| (read(group, wanted), false)));
    }
    let keys = |group: &Group| groups.order.iter().map(|sort| read(group, &sort.by)).collect::<Vec<_>>();
    kept.sort_by(|a, b| compare(&groups.order, &keys(a), &keys(b)));
    let skipped = kept.into_iter().skip(usize::try_from(plan.offset).unwrap_or(usize::MAX));
    let most = plan.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let rows = skipped.take(most);
    rows.map(|group| groups.columns.iter().map(|column| read(&group, &column.value)).collect()).collect()
}

/// Sums of whole numbers are whole.
fn whole(datum: Datum, function: Function, ty: FieldType) -> Datum {
    match datum {
        Datum::Number(number) if function == Function::Sum && ty == FieldType::Int => {
            i64::try_from(number).map_or(Datum::Number(number), Datum::Int)
        }
        other => other,
    }
}

/// Everything to be computed: in the answer, in HAVING, in the order.
fn computed(groups: &Groups) -> Vec<&Grouped> {
    let mut all: Vec<&Grouped> = groups.columns.iter().map(|column| &column.value).collect();
    all.extend(groups.order.iter().map(|sort| &sort.by));
    if let Some(having) = &groups.having {
        having.collect(&mut all);
    }
    let mut distinct: Vec<&Grouped> = Vec::new();
    for each in all {
        if let Grouped::Computed(function, way) = each
            && !distinct.iter().any(|known| is_same(known, *function, &way.name))
        {
            distinct.push(each);
        }
    }
    distinct
}

fn is_same(grouped: &Grouped, function: Function, name: &str) -> bool {
    matches!(grouped, Grouped::Computed(each, way) if *each == function && way.name == name)
}
