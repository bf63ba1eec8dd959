//! Conditions with their names looked up and their literals fitted. Subselects after IN run here, once.

use super::ast::{At, Comparand, Condition, Literal, LiteralValue, Operand, Operator, Query};
use super::bind::bind_rows;
use super::literals::{Fitted, is_text};
use super::mistake::Mistake;
use super::names::Scope;
use super::plan::{Check, Choice, Column, Output, Test, Way};
use super::{eval, run};
use crate::salesforce::datum::Datum;
use crate::salesforce::schema::FieldType;

/// Subselects after IN in one query.
const MAX_CHOSEN: usize = 2;

/// Looks an operand up: what reaches its value, and the field whose type a literal must fit.
type Find<'f, W> = &'f dyn Fn(&Operand) -> Result<(W, Way), Mistake>;

const FILTER_OPERATOR: &str = "INVALID_QUERY_FILTER_OPERATOR";

impl Scope<'_> {
    pub fn filter(&self, condition: &Condition) -> Result<Test, Mistake> {
        let found = chosen(condition);
        if found > MAX_CHOSEN {
            let text = format!("Maximum number of semi join sub-selects is {MAX_CHOSEN}, but {found} were found");
            return Err(Mistake::new("EXCEEDED_MAX_SEMIJOIN_SUBSELECTS", text));
        }
        if let Condition::Any(parts) | Condition::All(parts) = condition
            && (matches!(condition, Condition::Any(_)) || parts.iter().any(|part| !is_test(part) && chosen(part) > 0))
            && found > 0
        {
            let text = "Semi join sub-selects are only allowed at the top level WHERE expressions and not in nested \
                        WHERE expressions.";
            return Err(Mistake::malformed(text));
        }
        self.test(condition, &|operand| match operand {
            Operand::Field(path) => {
                let way = self.way(path)?;
                Ok((way.clone(), way))
            }
            Operand::Aggregate(call) => Err(Mistake::unexpected(self.source, call.at.0, "(")),
        })
    }

    /// A condition whose operands `find` looks up.
    pub fn test<W>(&self, condition: &Condition, find: Find<'_, W>) -> Result<Test<W>, Mistake> {
        let all = |parts: &[Condition]| parts.iter().map(|part| self.test(part, find)).collect::<Result<Vec<_>, _>>();
        Ok(match condition {
            Condition::All(parts) => Test::All(all(parts)?),
            Condition::Any(parts) => Test::Any(all(parts)?),
            Condition::Not(inner) => Test::Not(Box::new(self.test(inner, find)?)),
            Condition::Test { left, operator, right } => {
                let (value, way) = find(left)?;
                Test::One(value, self.check(&way, *operator, right)?)
            }
        })
    }

    fn check(&self, way: &Way, operator: Operator, right: &Comparand) -> Result<Check, Mistake> {
        self.allow(way, operator)?;
        match right {
            Comparand::One(Literal { value: LiteralValue::Pattern(pattern), .. }) => {
                Ok(Check::Like(if way.case_sensitive { pattern.clone() } else { pattern.lowered() }))
            }
            Comparand::One(_) if operator == Operator::Like => Err(self.wrong_kind(way)),
            Comparand::One(literal) => self.compare(way, operator, literal),
            Comparand::List(list) if operator == Operator::Includes || operator == Operator::Excludes => {
                let sets = list.iter().map(|literal| match &literal.value {
                    LiteralValue::Text(text) => Ok(text.split(';').map(|part| part.trim().to_lowercase()).collect()),
                    _ => Err(self.wrong_kind(way)),
                });
                let sets = sets.collect::<Result<_, _>>()?;
                Ok(Check::Includes { negated: operator == Operator::Excludes, sets })
            }
            Comparand::List(list) => self.one_of(way, operator == Operator::NotIn, list),
            Comparand::Chosen(at, query) => self.choose(way, operator == Operator::NotIn, *at, query),
        }
    }

    /// Whether this operator is for fields of this type at all.
    fn allow(&self, way: &Way, operator: Operator) -> Result<(), Mistake> {
        if !way.filterable {
            let reason = format!("field '{}' can not be filtered in a query call", way.name);
            return Err(self.mistake("INVALID_FIELD", way.at, &reason));
        }
        let set_operator = matches!(operator, Operator::Includes | Operator::Excludes);
        let reason = match way.ty {
            _ if set_operator && way.ty != FieldType::MultiPicklist => {
                "includes or excludes operator only valid on multipicklist field"
            }
            FieldType::Id | FieldType::Reference if operator == Operator::Like => "invalid operator on id field",
            ty if operator == Operator::Like && !is_text(ty) => "invalid operator",
            FieldType::MultiPicklist if operator == Operator::Like || operator.is_ordering() => {
                "invalid operator on multipicklist field"
            }
            FieldType::Boolean if operator.is_ordering() => "invalid operator on boolean field",
            _ => return Ok(()),
        };
        Err(self.mistake(FILTER_OPERATOR, way.at, reason))
    }

    fn compare(&self, way: &Way, operator: Operator, literal: &Literal) -> Result<Check, Mistake> {
        Ok(match self.fit(way, literal)? {
            Fitted::Null if operator == Operator::Equal => Check::IsNull,
            Fitted::Null if operator == Operator::NotEqual => Check::IsNotNull,
            Fitted::Null => {
                let reason = format!("invalid operator '{}' with null", operator.text());
                return Err(self.mistake(FILTER_OPERATOR, way.at, &reason));
            }
            Fitted::Value(datum) => Check::Compare(operator, datum),
            Fitted::Days(from, to) => Check::Span(operator, from, to),
            Fitted::Instants(from, to) => Check::Stretch(operator, from, to),
        })
    }

    fn one_of(&self, way: &Way, negated: bool, list: &[Literal]) -> Result<Check, Mistake> {
        let mut choice = Choice { negated, ..Choice::default() };
        for literal in list {
            match self.fit(way, literal)? {
                Fitted::Null => choice.null = true,
                Fitted::Value(datum) => choice.add(datum, way.case_sensitive),
                Fitted::Days(from, to) => choice.others.push(Check::Span(Operator::Equal, from, to)),
                Fitted::Instants(from, to) => choice.others.push(Check::Stretch(Operator::Equal, from, to)),
            }
        }
        Ok(Check::OneOf(choice))
    }

    fn choose(&self, way: &Way, negated: bool, at: At, query: &Query) -> Result<Check, Mistake> {
        if !matches!(way.ty, FieldType::Id | FieldType::Reference) {
            let reason = "semi join field must be an Id or a reference field";
            return Err(self.mistake("MALFORMED_QUERY", way.at, reason));
        }
        if query.filter.as_ref().is_some_and(|filter| chosen(filter) > 0) {
            return Err(self.mistake("MALFORMED_QUERY", at.0, "Nesting of semi join sub-selects is not supported"));
        }
        if !query.order.is_empty() || query.limit.is_some() || query.offset.is_some() || !query.group.is_empty() {
            let reason = "Semi join sub-selects may have neither ORDER BY nor LIMIT nor OFFSET nor GROUP BY";
            return Err(self.mistake("MALFORMED_QUERY", at.0, reason));
        }
        let plan = bind_rows(self.view, self.source, query)?;
        let picked = match &plan.output {
            Output::Rows(columns) => match columns.as_slice() {
                [Column::Value(picked)] if matches!(picked.ty, FieldType::Id | FieldType::Reference) => picked.clone(),
                _ => {
                    let reason = "Semi join sub-selects must select one field, an Id or a reference";
                    return Err(self.mistake("MALFORMED_QUERY", at.0, reason));
                }
            },
            Output::Count | Output::Groups(_) => {
                return Err(self.mistake("MALFORMED_QUERY", at.0, "Semi join sub-selects do not aggregate"));
            }
        };
        if plan.kind == self.kind {
            let reason = "The inner and outer selects should not be on the same object type";
            return Err(self.mistake("MALFORMED_QUERY", at.0, reason));
        }
        let mut choice = Choice { negated, ..Choice::default() };
        for number in run::numbers(self.view, &plan) {
            if let Some(row) = self.view.row(plan.kind, number) {
                match eval::value(self.view, &row, &picked) {
                    Datum::Null => {}
                    datum => choice.add(datum, true),
                }
            }
        }
        Ok(Check::OneOf(choice))
    }
}

impl Choice {
    fn add(&mut self, datum: Datum, case_sensitive: bool) {
        if let Some(key) = datum.key(case_sensitive)
            && self.keys.insert(key)
        {
            self.values.push(datum);
        }
    }
}

fn is_test(condition: &Condition) -> bool {
    matches!(condition, Condition::Test { .. })
}

/// How many subselects a condition has.
fn chosen(condition: &Condition) -> usize {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().map(chosen).sum(),
        Condition::Not(inner) => chosen(inner),
        Condition::Test { right, .. } => usize::from(matches!(right, Comparand::Chosen(..))),
    }
}
