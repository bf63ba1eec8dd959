//! A query as a table of text, for bulk jobs: the same evaluation, other rules, columns instead of nested objects.

use super::ast::{FieldSet, Item, Query};
use super::bind::bind;
use super::eval::value;
use super::mistake::Mistake;
use super::parser::parse;
use super::plan::{Column, Output, Plan, Way};
use super::run::numbers;
use super::view::View;
use crate::desk::Core;
use crate::salesforce::kind::Kind;
use crate::salesforce::org::Org;
use crate::salesforce::schema::FieldType;

/// Objects that bulk jobs do not serve.
const NOT_IN_BULK: [Kind; 3] = [Kind::LeadStatus, Kind::OpportunityStage, Kind::CampaignMemberStatus];

/// A bulk query that is legal: which rows it has is settled, their contents are read when asked for.
#[derive(Debug)]
pub struct Sheet {
    plan: Plan,
    all: bool,
    numbers: Vec<u64>,
}

impl Sheet {
    /// Evaluates a query by the rules of bulk jobs; `all` for `queryAll`.
    ///
    /// # Errors
    /// Those of a query over REST, and `API_ERROR`, `INVALIDENTITY` or `MALFORMED_QUERY` for what bulk jobs refuse:
    /// compound fields, child subqueries, aggregates, GROUP BY, OFFSET, `FIELDS(ALL)`.
    pub fn of(org: &Org, core: &Core, soql: &str, all: bool) -> Result<Self, Mistake> {
        let plan = bulk_plan(View::new(org, core, all), soql)?;
        let numbers = numbers(View::new(org, core, all), &plan);
        Ok(Self { plan, all, numbers })
    }

    /// The same without looking at any row: for the answer to a job's creation.
    ///
    /// # Errors
    /// As [`Sheet::of`].
    pub fn check(org: &Org, core: &Core, soql: &str, all: bool) -> Result<Kind, Mistake> {
        bulk_plan(View::new(org, core, all), soql).map(|plan| plan.kind)
    }

    /// Canonical field paths: `Account.Name`.
    pub fn header(&self) -> Vec<&str> {
        self.ways().map(|way| way.name.as_str()).collect()
    }

    /// How many rows the query has.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The cells of the rows from `from` on, as in a CSV and not quoted; at most `most` rows. A row that has vanished
    /// since gives none.
    pub fn rows<'a>(
        &'a self,
        org: &'a Org,
        core: &Core,
        from: usize,
        most: usize,
    ) -> impl Iterator<Item = Vec<String>> + use<'a> {
        let view = View::new(org, core, self.all);
        let rows = self.numbers.iter().skip(from).take(most);
        rows.filter_map(move |number| {
            let row = view.row(self.plan.kind, *number)?;
            Some(self.ways().map(|way| value(view, &row, way).csv()).collect())
        })
    }

    fn ways(&self) -> impl Iterator<Item = &Way> {
        let columns = match &self.plan.output {
            Output::Rows(columns) => columns.as_slice(),
            Output::Count | Output::Groups(_) => &[],
        };
        columns.iter().filter_map(|column| match column {
            Column::Value(way) => Some(way),
            Column::Children { .. } => None,
        })
    }
}

fn bulk_plan(view: View<'_>, soql: &str) -> Result<Plan, Mistake> {
    let query = parse(soql)?;
    refuse_syntax(&query)?;
    let mut plan = bind(view, soql, &query)?;
    if NOT_IN_BULK.contains(&plan.kind) {
        let text = format!("Entity '{}' is not supported by the Bulk API.", plan.kind.name());
        return Err(Mistake::new("INVALIDENTITY", text));
    }
    let named_sets = query.select.iter().any(|item| matches!(item, Item::Fields(..)));
    if let Output::Rows(columns) = &mut plan.output {
        let compound = |column: &Column| matches!(column, Column::Value(way) if way.ty == FieldType::Address);
        if named_sets {
            columns.retain(|column| !compound(column));
        }
        if columns.iter().any(compound) {
            return Err(refused("Selecting compound data not supported in Bulk Query"));
        }
    }
    Ok(plan)
}

fn refuse_syntax(query: &Query) -> Result<(), Mistake> {
    for item in &query.select {
        match item {
            Item::Children(_) => return Err(refused("Aggregate Relationships not supported in Bulk Query")),
            Item::Count(_) | Item::Aggregate { .. } => {
                return Err(refused("Aggregate functions not supported in Bulk Query"));
            }
            Item::Fields(_, FieldSet::All | FieldSet::Custom) => {
                return Err(Mistake::malformed("The SOQL FIELDS function is not supported by the Bulk API"));
            }
            Item::Fields(_, FieldSet::Standard) | Item::Field { .. } => {}
        }
    }
    if !query.group.is_empty() {
        return Err(refused("GROUP BY not supported in Bulk Query"));
    }
    if query.offset.is_some() {
        return Err(refused("OFFSET not supported in Bulk Query"));
    }
    Ok(())
}

fn refused(text: &str) -> Mistake {
    Mistake::new("API_ERROR", text)
}
