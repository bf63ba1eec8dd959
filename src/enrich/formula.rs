//! Formula traits, each after those it names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connector::Value;

use crate::enrich::asked::Asked;
use crate::enrich::compute::Model;
use crate::enrich::person::Person;
use crate::enrich::sorted::Sorted;
use crate::enrich::spec::ModelSpec;
use crate::enrich::trait_spec::TraitRule;
use crate::enrich::traits::quotient;
use crate::enrich::values::Values;
use crate::enrich::window::Due;
use crate::expr::in_order;
use crate::model::TraitName;

impl ModelSpec {
    /// The places of the formulas among the traits, each after those it names. The error is a cycle, first name repeated at
    /// the end.
    pub fn formula_order(&self) -> Result<Vec<usize>, Vec<Arc<str>>> {
        let mut needs: BTreeMap<Arc<str>, BTreeSet<Arc<str>>> = BTreeMap::new();
        for spec in &self.traits {
            if let TraitRule::Formula(formula) = &spec.rule {
                needs.insert(spec.name.clone(), formula.names().cloned().collect());
            }
        }
        let order = in_order(&needs)?;
        let place = |name: Arc<str>| self.traits.iter().position(|spec| spec.name == name);
        Ok(order.into_iter().filter_map(place).collect())
    }
}

impl Model {
    /// Puts the values of all formulas beside what they read.
    pub(super) fn compute_formulas(
        &self,
        person: &Person<'_>,
        computed: &mut BTreeMap<TraitName, Value>,
        sorted: &Sorted<'_>,
        due: &mut Due,
    ) {
        for place in &self.formulas {
            let (Some(spec), Some(rules)) = (self.spec.traits.get(*place), self.traits.get(*place)) else { continue };
            let TraitRule::Formula(formula) = &spec.rule else { continue };
            let values = Values { person, computed };
            let value = match formula.value(&Asked::of(formula, rules, &values, sorted, due)) {
                Value::Number(number) => quotient(Some(number)),
                other => other,
            };
            computed.insert(spec.name.clone(), value);
        }
    }
}
