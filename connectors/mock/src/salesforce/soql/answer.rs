//! A query's answer over REST: evaluated once, then read page by page.

use super::bind::bind;
use super::groups::{GroupRow, group_rows};
use super::mistake::Mistake;
use super::parser::parse;
use super::plan::{Output, Plan};
use super::run::{count, numbers};
use super::shape::{Shape, write_group};
use super::view::View;

/// What a query found.
#[derive(Debug)]
pub enum Answer {
    Count(u64),
    Groups(Plan, Vec<GroupRow>),
    /// Numbers of rows in order; their contents are read when their page is.
    Rows(Plan, Vec<u64>),
}

/// What stops a query although nothing is wrong with it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Patience {
    /// More rows than this in the window, LIMIT or not, take too long.
    pub rows: Option<u64>,
}

impl Answer {
    /// # Errors
    /// Whatever is wrong with the query, in the vendor's words; `QUERY_TIMEOUT` when patience runs out.
    pub fn of(view: View<'_>, soql: &str, patience: Patience) -> Result<Self, Mistake> {
        let query = parse(soql)?;
        let plan = bind(view, soql, &query)?;
        if let Some(most) = patience.rows
            && count(view, &plan, most.saturating_add(1)) > most
        {
            return Err(Mistake::new("QUERY_TIMEOUT", "Your query request was running for too long."));
        }
        Ok(match &plan.output {
            Output::Count => {
                let all = count(view, &plan, plan.limit.map_or(u64::MAX, |limit| limit.saturating_add(plan.offset)));
                Self::Count(all.saturating_sub(plan.offset))
            }
            Output::Groups(groups) => {
                let rows = group_rows(view, &plan, groups);
                Self::Groups(plan, rows)
            }
            Output::Rows(_) => {
                let found = numbers(view, &plan);
                Self::Rows(plan, found)
            }
        })
    }

    /// `totalSize`.
    pub fn total(&self) -> u64 {
        match self {
            Self::Count(count) => *count,
            Self::Groups(_, rows) => rows.len() as u64,
            Self::Rows(_, numbers) => numbers.len() as u64,
        }
    }

    /// How many records there are to page through.
    pub fn len(&self) -> usize {
        match self {
            Self::Count(_) => 0,
            Self::Groups(_, rows) => rows.len(),
            Self::Rows(_, numbers) => numbers.len(),
        }
    }

    /// Appends the records from `from` on, at most `most`, with commas between them.
    pub fn write(&self, out: &mut String, view: View<'_>, base: &str, from: usize, most: usize) {
        let end = from.saturating_add(most);
        match self {
            Self::Count(_) => {}
            Self::Groups(plan, rows) => {
                let Output::Groups(groups) = &plan.output else { return };
                for (index, row) in rows.iter().skip(from).take(most).enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_group(out, &groups.columns, row);
                }
            }
            Self::Rows(plan, numbers) => {
                let Output::Rows(columns) = &plan.output else { return };
                let page = numbers.get(from..end.min(numbers.len())).unwrap_or_default();
                Shape::of(columns).write_all(out, view, base, plan, page);
            }
        }
    }
}
