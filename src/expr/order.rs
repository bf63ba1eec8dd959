//! What depends on what: definitions that name each other, in an order in which each finds what it names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The keys of `needs`, each after those it names; the order of the alphabet where none names the other. Names that are no keys
/// come from elsewhere and need nothing. The error is a cycle, first name repeated at the end: `a → b → a`.
pub fn in_order(needs: &BTreeMap<Arc<str>, BTreeSet<Arc<str>>>) -> Result<Vec<Arc<str>>, Vec<Arc<str>>> {
    let (mut order, mut placed) = (Vec::with_capacity(needs.len()), BTreeSet::new());
    for start in needs.keys() {
        // Each entry: a key being placed, and those of its names that are still to be looked at.
        let mut path: Vec<(&Arc<str>, Vec<&Arc<str>>)> = Vec::new();
        let mut next = Some(start);
        loop {
            if let Some(key) = next.take()
                && !placed.contains(key)
                && let Some((key, named)) = needs.get_key_value(key)
            {
                if let Some(from) = path.iter().position(|(on, _)| *on == key) {
                    let cycle = path.iter().skip(from).map(|(on, _)| Arc::clone(on));
                    return Err(cycle.chain([Arc::clone(key)]).collect());
                }
                path.push((key, named.iter().rev().collect()));
            }
            let Some((key, waiting)) = path.last_mut() else { break };
            next = waiting.pop();
            if next.is_none() {
                order.push(Arc::clone(key));
                placed.insert(Arc::clone(key));
                path.pop();
            }
        }
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(all: &[(&str, &[&str])]) -> BTreeMap<Arc<str>, BTreeSet<Arc<str>>> {
        let names = |names: &[&str]| names.iter().map(|name| Arc::from(*name)).collect();
        all.iter().map(|(key, named)| (Arc::from(*key), names(named))).collect()
    }

    fn words(names: &[Arc<str>]) -> String {
        names.iter().map(|name| &**name).collect::<Vec<&str>>().join(" ")
    }

    #[test]
    fn each_comes_after_what_it_names() {
        let all = needs(&[("a", &["c", "x"]), ("b", &[]), ("c", &["d", "b"]), ("d", &["b"])]);
        assert_eq!(words(&in_order(&all).unwrap()), "b d c a");
        assert_eq!(in_order(&needs(&[])), Ok(Vec::new()));
    }

    #[test]
    fn a_cycle_is_told_as_it_goes_round() {
        let all = needs(&[("a", &["b"]), ("b", &["c"]), ("c", &["d", "b"]), ("d", &[])]);
        assert_eq!(words(&in_order(&all).unwrap_err()), "b c b");
        assert_eq!(words(&in_order(&needs(&[("a", &["a"])])).unwrap_err()), "a a");
    }
}
