//! Values by the name of their trait, sorted: built and read for every profile, so one piece of memory and no tree.

use std::ops::Index;

use connector::Value;

use crate::model::TraitName;

/// Computed values of one person or company; each name once, in the order of names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TraitValues(Vec<(TraitName, Value)>);

impl TraitValues {
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    pub fn with_capacity(names: usize) -> Self {
        Self(Vec::with_capacity(names))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| (**other).cmp(name))
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.place(name).ok().and_then(|at| self.0.get(at)).map(|(_, value)| value)
    }

    pub fn contains_key(&self, name: &str) -> bool {
        self.place(name).is_ok()
    }

    /// The value that it had before, if any.
    pub fn insert(&mut self, name: TraitName, value: Value) -> Option<Value> {
        // Most are told in order.
        if self.0.last().is_none_or(|(last, _)| *last < name) {
            self.0.push((name, value));
            return None;
        }
        match self.place(&name) {
            Ok(at) => self.0.get_mut(at).map(|(_, old)| std::mem::replace(old, value)),
            Err(at) => {
                self.0.insert(at, (name, value));
                None
            }
        }
    }

    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.place(name).ok().map(|at| self.0.remove(at).1)
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&TraitName, &Value)> + Clone {
        self.0.iter().map(|(name, value)| (name, value))
    }

    pub fn keys(&self) -> impl ExactSizeIterator<Item = &TraitName> + Clone {
        self.0.iter().map(|(name, _)| name)
    }

    pub fn values(&self) -> impl ExactSizeIterator<Item = &Value> + Clone {
        self.0.iter().map(|(_, value)| value)
    }
}

impl Extend<(TraitName, Value)> for TraitValues {
    fn extend<I: IntoIterator<Item = (TraitName, Value)>>(&mut self, more: I) {
        for (name, value) in more {
            self.insert(name, value);
        }
    }
}

/// Of values with one name the last counts.
impl FromIterator<(TraitName, Value)> for TraitValues {
    fn from_iter<I: IntoIterator<Item = (TraitName, Value)>>(values: I) -> Self {
        let mut all: Vec<(TraitName, Value)> = values.into_iter().collect();
        if all.is_sorted_by(|(one, _), (next, _)| one < next) {
            return Self(all);
        }
        // Stable, and turned round: of equal names the last comes first, and the first is kept.
        all.reverse();
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        all.dedup_by(|(one, _), (other, _)| one == other);
        Self(all)
    }
}

impl<const N: usize> From<[(TraitName, Value); N]> for TraitValues {
    fn from(values: [(TraitName, Value); N]) -> Self {
        values.into_iter().collect()
    }
}

impl IntoIterator for TraitValues {
    type Item = (TraitName, Value);
    type IntoIter = std::vec::IntoIter<(TraitName, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

type Both<'a> = fn(&'a (TraitName, Value)) -> (&'a TraitName, &'a Value);

impl<'a> IntoIterator for &'a TraitValues {
    type Item = (&'a TraitName, &'a Value);
    type IntoIter = std::iter::Map<std::slice::Iter<'a, (TraitName, Value)>, Both<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|(name, value)| (name, value))
    }
}

impl Index<&str> for TraitValues {
    type Output = Value;

    /// Null where there is no such trait: missing means null.
    fn index(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map(steps in proptest::collection::vec(("[a-e]{0,2}", any::<i64>(), any::<bool>()), 0..24)) {
            let (mut ours, mut map) = (TraitValues::new(), BTreeMap::<TraitName, Value>::new());
            for (name, number, goes) in &steps {
                let name: TraitName = name.as_str().into();
                if *goes {
                    prop_assert_eq!(ours.remove(&name), map.remove(&name));
                } else {
                    prop_assert_eq!(ours.insert(name.clone(), Value::from(*number)), map.insert(name, Value::from(*number)));
                }
            }
            prop_assert!(ours.iter().eq(map.iter()));
            prop_assert!(ours.keys().eq(map.keys()) && ours.values().eq(map.values()));
            for (name, _, _) in &steps {
                prop_assert_eq!(ours.get(name), map.get(name.as_str()));
                prop_assert_eq!(ours.contains_key(name), map.contains_key(name.as_str()));
            }
            let told = || steps.iter().map(|(name, number, _)| (TraitName::from(name.as_str()), Value::from(*number)));
            let (collected, tree): (TraitValues, BTreeMap<_, _>) = (told().collect(), told().collect());
            prop_assert!(collected.iter().eq(tree.iter()));
        }
    }
}
