//! Formula traits, each after those it names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connector::Value;

use crate::enrich::compute::Model;
use crate::enrich::condition::Condition;
use crate::enrich::person::Person;
use crate::enrich::sorted::Sorted;
use crate::enrich::spec::ModelSpec;
use crate::enrich::trait_spec::TraitRule;
use crate::enrich::traits::quotient;
use crate::enrich::values::Values;
use crate::enrich::window::Due;
use crate::expr::in_order;
use crate::model::{RuleId, TraitValues};

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
        computed: &mut TraitValues,
        sorted: &Sorted<'_>,
        due: &mut Due,
    ) {
        for (place, formula) in &self.formulas {
            let Some(spec) = self.spec.traits.get(*place) else { continue };
            let values = Values { person, computed, scores: &[], bands: &BTreeMap::new(), zone: self.spec.time_zone };
            let value = match formula.value(values, sorted, due) {
                Value::Number(number) => quotient(Some(number)),
                other => other,
            };
            computed.insert(spec.name.clone(), value);
        }
    }
}

/// The formulas of a model, each after those it names, with its place among the traits. `traits` are the rules of each trait's
/// own; to `made`, of all rules that each is made of, those of the traits that a formula names are added.
pub(super) fn ready(spec: &ModelSpec, traits: &[Vec<RuleId>], made: &mut [Vec<RuleId>]) -> Vec<(usize, Condition)> {
    // Whoever reads the configuration refuses cycles; in one, nothing has a value.
    let order = spec.formula_order().unwrap_or_default();
    let mut ready = Vec::with_capacity(order.len());
    for place in order {
        let Some(TraitRule::Formula(formula)) = spec.traits.get(place).map(|spec| &spec.rule) else { continue };
        let mut own = traits.get(place).into_iter().flatten().copied();
        ready.push((place, Condition::new(formula, &mut |_| own.next().unwrap_or(RuleId(0)))));
        let named = formula.names().filter_map(|name| spec.traits.iter().position(|spec| spec.name == *name));
        let more: Vec<RuleId> = named.filter_map(|named| made.get(named)).flatten().copied().collect();
        if let Some(all) = made.get_mut(place) {
            all.extend(more);
        }
    }
    ready
}
