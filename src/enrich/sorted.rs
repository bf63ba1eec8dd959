//! One person's facts, in an order that does not depend on their arrival.

use crate::model::{Fact, RuleId};

/// Facts by rule and time. Facts of one rule and instant are put in an order of their content, so that no result depends on
/// the order of arrival.
#[derive(Debug)]
pub(super) struct Sorted<'f>(Vec<&'f Fact>);

impl<'f> Sorted<'f> {
    pub(super) fn new(facts: &'f [Fact]) -> Self {
        let mut sorted: Vec<&Fact> = facts.iter().collect();
        sorted.sort_unstable_by(|a, b| {
            (a.rule, a.at, a.number).cmp(&(b.rule, b.at, b.number)).then_with(|| a.text.cmp(&b.text))
        });
        Self(sorted)
    }

    pub(super) fn of(&self, rule: RuleId) -> &[&'f Fact] {
        let start = self.0.partition_point(|fact| fact.rule < rule);
        let rest = self.0.get(start..).unwrap_or_default();
        let length = rest.partition_point(|fact| fact.rule == rule);
        rest.get(..length).unwrap_or_default()
    }

    pub(super) fn leave_out(&mut self, out: impl Fn(&Fact) -> bool) {
        self.0.retain(|fact| !out(fact));
    }
}
