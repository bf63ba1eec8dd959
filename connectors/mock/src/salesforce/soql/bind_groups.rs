//! GROUP BY and aggregates looked up: every value of a group is one of its keys or computed from its rows.

use super::ast::{Call, Function, Item, Operand, Query};
use super::mistake::Mistake;
use super::names::Scope;
use super::plan::{GroupColumn, Grouped, Groups, Sort, Way};
use crate::salesforce::schema::FieldType;

impl Scope<'_> {
    /// # Errors
    /// `MALFORMED_QUERY` for a field that is neither grouped by nor aggregated, or that cannot be.
    pub fn groups(&self, query: &Query) -> Result<Groups, Mistake> {
        let by = query.group.iter().map(|path| self.way(path)).collect::<Result<Vec<_>, _>>()?;
        if let Some(way) = by.iter().find(|way| !can_group(way)) {
            let reason = format!("field '{}' can not be grouped in a query call", way.name);
            return Err(self.mistake("MALFORMED_QUERY", way.at, &reason));
        }
        let mut columns: Vec<GroupColumn> = Vec::new();
        let mut unnamed = 0;
        for item in &query.select {
            let column = match item {
                Item::Field { path, alias } => {
                    let value = self.grouped(&by, &Operand::Field(path.clone()))?.0;
                    let name = match value {
                        Grouped::Key(index) => by.get(index).map_or("", |way| last_name(way)),
                        Grouped::Computed(..) => "",
                    };
                    GroupColumn { key: alias.clone().unwrap_or_else(|| name.to_owned()), value }
                }
                Item::Aggregate { call, alias } => {
                    let value = Grouped::Computed(call.function, self.computed(call)?);
                    let key = alias.clone().unwrap_or_else(|| {
                        unnamed += 1;
                        format!("expr{}", unnamed - 1)
                    });
                    GroupColumn { key, value }
                }
                Item::Count(at) => return Err(Mistake::unexpected(self.source, at.0, "COUNT")),
                Item::Fields(at, _) => {
                    let reason = "The SOQL FIELDS function is not supported with GROUP BY or aggregates";
                    return Err(self.mistake("MALFORMED_QUERY", at.0, reason));
                }
                Item::Children(inner) => {
                    let reason = "subqueries are not supported with GROUP BY or aggregates";
                    return Err(self.mistake("MALFORMED_QUERY", inner.from.at.0, reason));
                }
            };
            if columns.iter().any(|each| each.key.eq_ignore_ascii_case(&column.key)) {
                return Err(Mistake::malformed(format!("duplicate alias: {}", column.key)));
            }
            columns.push(column);
        }
        let find = |operand: &Operand| self.grouped(&by, operand);
        let having = query.having.as_ref().map(|having| self.test(having, &find)).transpose()?;
        let order = query.order.iter().map(|order| {
            let (value, _) = self.grouped(&by, &order.by)?;
            Ok(Sort { by: value, descending: order.descending, nulls_last: order.nulls_last == Some(true) })
        });
        let order = order.collect::<Result<Vec<_>, Mistake>>()?;
        Ok(Groups { by, columns, having, order })
    }

    /// A group's value, and the way whose type a literal compared with it must fit.
    fn grouped(&self, by: &[Way], operand: &Operand) -> Result<(Grouped, Way), Mistake> {
        match operand {
            Operand::Field(path) => {
                let way = self.way(path)?;
                match by.iter().position(|each| each.name == way.name) {
                    Some(index) => Ok((Grouped::Key(index), way)),
                    None => {
                        let reason = format!("Field must be grouped or aggregated: {}", way.name);
                        Err(self.mistake("MALFORMED_QUERY", way.at, &reason))
                    }
                }
            }
            Operand::Aggregate(call) => {
                let way = self.computed(call)?;
                let ty = match call.function {
                    Function::Count | Function::CountDistinct => FieldType::Int,
                    Function::Sum | Function::Avg => FieldType::Double,
                    Function::Min | Function::Max => way.ty,
                };
                Ok((Grouped::Computed(call.function, way.clone()), Way { ty, ..way }))
            }
        }
    }

    fn computed(&self, call: &Call) -> Result<Way, Mistake> {
        let way = self.way(&call.path)?;
        let number = way.ty.is_number() || way.ty == FieldType::Int;
        let fits = match call.function {
            Function::Count | Function::CountDistinct => way.filterable,
            Function::Sum | Function::Avg => number,
            Function::Min | Function::Max => way.filterable && way.ty != FieldType::Boolean,
        };
        if fits {
            return Ok(way);
        }
        let reason = format!("field {} does not support aggregate operator {}", way.name, call.function.name());
        Err(self.mistake("MALFORMED_QUERY", call.at.0, &reason))
    }
}

fn can_group(way: &Way) -> bool {
    let number = way.ty.is_number();
    way.filterable && !number && !matches!(way.ty, FieldType::MultiPicklist | FieldType::DateTime)
}

fn last_name(way: &Way) -> &str {
    way.name.rsplit('.').next().unwrap_or("")
}
