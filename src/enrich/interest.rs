//! What somebody turns to most (`cdp-semantics` §3.1, §3.2): the most frequent value of a property, where some events weigh more
//! than others; products and categories looked at, put into a cart and bought.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::Value;

/// Weights of values, added up.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally<'f>(BTreeMap<&'f str, (u64, u32)>);

impl<'f> Tally<'f> {
    pub(super) fn add(&mut self, value: &'f str, weight: u32) {
        if !value.is_empty() && weight > 0 {
            let (sum, times) = self.0.entry(value).or_default();
            *sum = sum.saturating_add(u64::from(weight));
            *times = times.saturating_add(1);
        }
    }

    /// The weightiest value that was there at least so often; of equals the first of the alphabet.
    pub(super) fn top(&self, min_count: u32) -> Value {
        let often = self.0.iter().filter(|(_, (_, times))| *times >= min_count.max(1));
        // The first of the weightiest, for the list is sorted.
        let top = often.fold(None, |best: Option<(&str, u64)>, (value, (sum, _))| match best {
            Some((_, most)) if most >= *sum => best,
            _ => Some((value, *sum)),
        });
        top.map_or(Value::Null, |(value, _)| Value::from(value))
    }

    /// Every value, by the alphabet.
    pub(super) fn all(&self) -> Value {
        let values: Vec<Arc<str>> = self.0.keys().map(|value| Arc::from(*value)).collect();
        if values.is_empty() { Value::Null } else { Value::List(values) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weightiest_wins_and_of_equals_the_first_of_the_alphabet() {
        let mut tally = Tally::default();
        assert_eq!((tally.top(1), tally.all()), (Value::Null, Value::Null));
        for (value, weight) in [("Lamp", 1), ("Desk", 1), ("Lamp", 1), ("Chair", 3), ("", 9), ("Sofa", 0)] {
            tally.add(value, weight);
        }
        assert_eq!(tally.top(1), Value::from("Chair"));
        assert_eq!(tally.top(2), Value::from("Lamp"));
        assert_eq!(tally.top(3), Value::Null);
        tally.add("Lamp", 1);
        assert_eq!(tally.top(1), Value::from("Chair"), "three each");
        let all = ["Chair", "Desk", "Lamp"].map(Arc::from).to_vec();
        assert_eq!(tally.all(), Value::List(all));
    }
}
