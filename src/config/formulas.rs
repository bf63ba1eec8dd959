//! `formula` of traits: compiled when all other traits are known, each after those it names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::catalogue::{Catalogue, PROFILE_ID};
use crate::config::diagnostic::Diagnostic;
use crate::config::expression;
use crate::config::reader::Reader;
use crate::config::tree::Node;
use crate::enrich::{GRADE, ModelSpec, SCORE_REASONS, TraitRule, TraitSpec};
use crate::expr::{Kind, Scope, in_order};
use crate::mapping;

/// A formula as it stands in the file.
#[derive(Debug)]
pub struct Written<'a> {
    pub name: String,
    /// The formula's text.
    pub node: &'a Node,
    /// Whether nothing else is wrong with its trait.
    pub is_right: bool,
}

/// Compiles all formulas and puts them into the model, in the place of a preset's trait of the same name or after all others.
/// Adds the names of those that are wrong to `broken`.
pub fn formulas(section: &Reader<'_>, written: Vec<Written<'_>>, spec: &mut ModelSpec, broken: &mut Vec<String>) {
    let mut names = known_names(spec, broken);
    let own: Vec<(Arc<str>, Kind)> = written.iter().map(|one| (one.name.as_str().into(), Kind::Any)).collect();
    let open = Scope::profile(names.iter().map(|(name, kind)| (name.clone(), *kind)).chain(own));
    // What each reads, of those that can be read at all.
    let mut reads: BTreeMap<Arc<str>, BTreeSet<Arc<str>>> = BTreeMap::new();
    for one in &written {
        match section.read("formula", one.node, "\"ltv / max(visits_30d, 1)\"", expression::names(&open)) {
            Some(found) if one.is_right => drop(reads.insert(one.name.as_str().into(), found)),
            _ => broken.push(one.name.clone()),
        }
    }
    let order = loop {
        match in_order(&reads) {
            Ok(order) => break order,
            Err(cycle) => {
                let first = written.iter().find(|one| cycle.first().is_some_and(|name| **name == *one.name));
                let problem = Diagnostic::new("E037", format!("trait formula cycle: {}", cycle.join(" → ")));
                section.report(match first {
                    Some(one) => problem.at(&one.node.place),
                    None => problem,
                });
                for name in cycle {
                    reads.remove(&name);
                    broken.push(name.to_string());
                }
            }
        }
    };
    broken.sort();
    broken.dedup();
    let mut made: BTreeMap<Arc<str>, TraitSpec> = BTreeMap::new();
    for name in order {
        let Some(one) = written.iter().find(|one| *one.name == *name) else { continue };
        // Whoever reads what is wrong is not wrong itself, but has no kind.
        if reads.get(&name).is_some_and(|read| read.iter().any(|name| broken.iter().any(|wrong| **wrong == **name))) {
            broken.push(one.name.clone());
            continue;
        }
        let scope = Scope::profile(names.iter().map(|(name, kind)| (name.clone(), *kind)));
        match section.read("formula", one.node, "\"ltv / max(visits_30d, 1)\"", expression::formula(&scope)) {
            Some(formula) => {
                names.insert(name.clone(), formula.kind());
                made.insert(name.clone(), TraitSpec { name, rule: TraitRule::Formula(formula), window: None });
            }
            None => broken.push(one.name.clone()),
        }
    }
    for one in written {
        let Some(new) = made.remove(one.name.as_str()) else { continue };
        match spec.traits.iter_mut().find(|have| have.name == new.name) {
            Some(have) => *have = new,
            None => spec.traits.push(new),
        }
    }
}

/// What a formula may read: everything declared and computed but scores, bands and the lifecycle, which come after formulas.
fn known_names(spec: &ModelSpec, broken: &[String]) -> BTreeMap<Arc<str>, Kind> {
    let people = Catalogue::person(Vec::new());
    let declared = people.names().filter_map(|name| Some((Arc::from(name), in_expressions(name, people.get(name)?.0))));
    let declared = declared.filter(|(name, _): &(Arc<str>, Kind)| **name != *PROFILE_ID);
    let late = |name: &str| {
        let is_lifecycle = |have: &&TraitSpec| matches!(have.rule, TraitRule::Lifecycle) && *have.name == *name;
        name.starts_with("score_")
            || [GRADE, SCORE_REASONS].contains(&name)
            || spec.traits.iter().any(|t| is_lifecycle(&t))
    };
    let computed = spec.outputs().into_iter().filter(|(name, _)| !late(name));
    let computed = computed.map(|(name, kind)| (name, Kind::from(&kind)));
    let wrong = broken.iter().map(|name| (Arc::from(name.as_str()), Kind::Any));
    declared.chain(computed).chain(wrong).collect()
}

/// Consent is `granted`, `denied` or `pending` where it is asked for; everything else is of the kind it is mapped as.
fn in_expressions(name: &str, kind: mapping::Kind) -> Kind {
    match kind {
        _ if name.starts_with("consent.") => Kind::Text,
        mapping::Kind::Text => Kind::Text,
        mapping::Kind::Integer => Kind::Integer,
        mapping::Kind::Number => Kind::Number,
        mapping::Kind::Bool => Kind::Bool,
        mapping::Kind::Date => Kind::Date,
        mapping::Kind::Instant => Kind::Instant,
        mapping::Kind::List => Kind::List,
    }
}
