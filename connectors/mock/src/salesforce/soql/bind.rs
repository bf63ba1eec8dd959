//! From a query as written to a plan: what is selected, from where, in what order.

use std::collections::HashSet;

use super::ast::{At, FieldSet, Item, Operand, Order, Query};
use super::mistake::Mistake;
use super::names::Scope;
use super::plan::{Column, Leaf, Output, Plan, Sort, Way};
use super::view::View;
use crate::salesforce::kind::Kind;
use crate::salesforce::schema::{FieldId, FieldType};

const MAX_OFFSET: u64 = 2_000;
const MAX_CHILDREN: usize = 20;
/// The largest LIMIT under `FIELDS(ALL)`.
const MAX_ALL_FIELDS: u64 = 200;

/// Looks up every name of a query.
///
/// # Errors
/// `INVALID_TYPE`, `INVALID_FIELD` and whatever else the vendor finds wrong with a query that parses.
pub fn bind(view: View<'_>, source: &str, query: &Query) -> Result<Plan, Mistake> {
    let aggregates = query.select.iter().any(|item| matches!(item, Item::Aggregate { .. }));
    if !aggregates && query.group.is_empty() {
        return bind_rows(view, source, query);
    }
    let scope = outer_scope(view, source, query)?;
    let groups = Box::new(scope.groups(query)?);
    scope.plan(query, Output::Groups(groups), Vec::new())
}

/// The same for a query that does not aggregate.
pub fn bind_rows(view: View<'_>, source: &str, query: &Query) -> Result<Plan, Mistake> {
    let scope = outer_scope(view, source, query)?;
    if let [Item::Count(_)] = query.select.as_slice() {
        return scope.plan(query, Output::Count, Vec::new());
    }
    let columns = scope.columns(query)?;
    let order = query.order.iter().map(|order| scope.sort(order)).collect::<Result<_, _>>()?;
    scope.plan(query, Output::Rows(columns), order)
}

fn outer_scope<'a>(view: View<'a>, source: &'a str, query: &'a Query) -> Result<Scope<'a>, Mistake> {
    let kind = Scope::object(source, &query.from)?;
    Ok(Scope { view, source, kind, alias: query.alias.as_deref() })
}

impl Scope<'_> {
    fn plan(&self, query: &Query, output: Output, order: Vec<Sort>) -> Result<Plan, Mistake> {
        let filter = query.filter.as_ref().map(|filter| self.filter(filter)).transpose()?;
        let offset = match query.offset {
            Some((at, offset)) if offset > MAX_OFFSET => {
                let reason = format!("Maximum SOQL offset allowed is {MAX_OFFSET}");
                return Err(self.mistake("NUMBER_OUTSIDE_VALID_RANGE", at.0, &reason));
            }
            offset => offset.map_or(0, |(_, offset)| offset),
        };
        Ok(Plan { kind: self.kind, output, filter, order, limit: query.limit, offset })
    }

    fn columns(&self, query: &Query) -> Result<Vec<Column>, Mistake> {
        let mut columns = Vec::new();
        let mut taken = HashSet::new();
        let mut children = 0;
        for item in &query.select {
            match item {
                Item::Field { path, alias } => {
                    if alias.is_some() {
                        let reason = "only aggregate expressions use field aliasing";
                        return Err(self.mistake("MALFORMED_QUERY", path.at.0, reason));
                    }
                    columns.push(self.fresh(&mut taken, self.way(path)?)?);
                }
                Item::Fields(at, set) => {
                    self.allow_field_set(*at, *set, query)?;
                    for way in self.all_fields(*at, *set) {
                        columns.push(self.fresh(&mut taken, way)?);
                    }
                }
                Item::Children(inner) => {
                    children += 1;
                    if children > MAX_CHILDREN {
                        let reason = format!("a query may have at most {MAX_CHILDREN} child subqueries");
                        return Err(self.mistake("MALFORMED_QUERY", inner.from.at.0, &reason));
                    }
                    columns.push(self.children(inner)?);
                }
                Item::Count(at) => return Err(Mistake::unexpected(self.source, at.0, "COUNT")),
                Item::Aggregate { call, .. } => {
                    let reason = "aggregates are not allowed in a subquery";
                    return Err(self.mistake("MALFORMED_QUERY", call.at.0, reason));
                }
            }
        }
        Ok(columns)
    }

    fn fresh(&self, taken: &mut HashSet<String>, way: Way) -> Result<Column, Mistake> {
        if taken.insert(way.name.clone()) {
            return Ok(Column::Value(way));
        }
        let reason = format!("duplicate field selected: {}", way.name);
        Err(self.mistake("INVALID_FIELD", way.at, &reason))
    }

    fn allow_field_set(&self, at: At, set: FieldSet, query: &Query) -> Result<(), Mistake> {
        let small = query.limit.is_some_and(|limit| limit <= MAX_ALL_FIELDS);
        if set == FieldSet::Standard || small {
            return Ok(());
        }
        let reason = format!("The SOQL FIELDS function must have a LIMIT of at most {MAX_ALL_FIELDS}");
        Err(self.mistake("MALFORMED_QUERY", at.0, &reason))
    }

    fn all_fields(&self, at: At, set: FieldSet) -> Vec<Way> {
        let wanted = |custom: bool| match set {
            FieldSet::All => true,
            FieldSet::Standard => !custom,
            FieldSet::Custom => custom,
        };
        let schema = self.view.schema(self.kind);
        let fields = schema.visible_fields().filter(|(_, field)| wanted(field.custom));
        fields.map(|(id, field)| super::names::leaf_way(Leaf::Field(id), field, at.0)).collect()
    }

    fn children(&self, query: &Query) -> Result<Column, Mistake> {
        let asked = query.from.to_string();
        let asked = asked.as_str();
        // `FROM Contact.Contacts` and `FROM c.Contacts` are the same with the parent named.
        let relation = asked.rsplit_once('.').map_or(asked, |(_, relation)| relation);
        let Some((name, kind, field)) = self.child_relationship(relation) else {
            let reason = format!(
                "Didn't understand relationship '{relation}' in FROM part of query call. If you are attempting to use \
                 a custom relationship, be sure to append the '__r' after the custom relationship name."
            );
            return Err(self.mistake("INVALID_TYPE", query.from.at.0, &reason));
        };
        if let Some(path) = query.group.first() {
            return Err(self.mistake("MALFORMED_QUERY", path.at.0, "GROUP BY is not allowed in a subquery"));
        }
        let scope = Scope { kind, alias: query.alias.as_deref(), ..*self };
        let columns = scope.columns(query)?;
        let order = query.order.iter().map(|order| scope.sort(order)).collect::<Result<_, _>>()?;
        let plan = Box::new(scope.plan(query, Output::Rows(columns), order)?);
        Ok(Column::Children { name, field, plan })
    }

    /// The object and field that point here under this name, and the name in its canonical spelling.
    fn child_relationship(&self, relation: &str) -> Option<(String, Kind, FieldId)> {
        Kind::ALL.into_iter().find_map(|kind| {
            let mut fields = self.view.schema(kind).visible_fields();
            fields.find_map(|(id, field)| {
                let name = field.child_relationship.as_deref()?;
                let here = field.reference_to.contains(&self.kind) && name.eq_ignore_ascii_case(relation);
                here.then(|| (name.to_owned(), kind, id))
            })
        })
    }

    fn sort(&self, order: &Order) -> Result<Sort, Mistake> {
        let path = match &order.by {
            Operand::Field(path) => path,
            Operand::Aggregate(call) => {
                let reason = "Ordered field must be grouped or aggregated";
                return Err(self.mistake("MALFORMED_QUERY", call.at.0, reason));
            }
        };
        let by = self.way(path)?;
        self.allow_sort(&by)?;
        Ok(Sort { by, descending: order.descending, nulls_last: order.nulls_last == Some(true) })
    }

    pub fn allow_sort(&self, way: &Way) -> Result<(), Mistake> {
        if way.filterable && way.ty != FieldType::MultiPicklist {
            return Ok(());
        }
        let reason = format!("field '{}' can not be sorted in a query call", way.name);
        Err(self.mistake("INVALID_FIELD", way.at, &reason))
    }
}
