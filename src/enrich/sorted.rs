//! One person's facts, in an order that does not depend on their arrival.

use std::ops::Range;

use connector::Timestamp;

use crate::model::{Fact, RuleId};

/// Facts by rule and time. Facts of one rule and instant are put in an order of their content, so that no result depends on
/// the order of arrival.
#[derive(Debug)]
pub(super) struct Sorted<'f> {
    facts: Vec<&'f Fact>,
    /// Where the facts of each rule are, by rule: of all the rules there are, few have any.
    groups: Vec<(RuleId, Range<usize>)>,
}

impl<'f> Sorted<'f> {
    pub(super) fn new(facts: &'f [Fact]) -> Self {
        let mut facts: Vec<&Fact> = facts.iter().collect();
        facts.sort_unstable_by(|a, b| {
            (a.rule, a.at, a.number).cmp(&(b.rule, b.at, b.number)).then_with(|| a.text.cmp(&b.text))
        });
        let groups = grouped(&facts);
        Self { facts, groups }
    }

    pub(super) fn of(&self, rule: RuleId) -> &[&'f Fact] {
        let group = self.groups.binary_search_by_key(&rule, |(other, _)| *other).ok();
        let range = group.and_then(|group| self.groups.get(group)).map(|(_, range)| range.clone());
        range.and_then(|range| self.facts.get(range)).unwrap_or_default()
    }

    /// The first fact after an instant, of the rules that are asked for.
    pub(super) fn next_after(&self, at: Timestamp, asked: impl Fn(RuleId) -> bool) -> Option<Timestamp> {
        let after =
            |range: &Range<usize>| self.facts.get(range.clone()).unwrap_or_default().iter().find(|fact| fact.at > at);
        self.groups
            .iter()
            .filter(|(rule, _)| asked(*rule))
            .filter_map(|(_, range)| after(range))
            .map(|fact| fact.at)
            .min()
    }

    pub(super) fn leave_out(&mut self, out: impl Fn(&Fact) -> bool) {
        self.facts.retain(|fact| !out(fact));
        self.groups = grouped(&self.facts);
    }
}

fn grouped(facts: &[&Fact]) -> Vec<(RuleId, Range<usize>)> {
    let mut groups: Vec<(RuleId, Range<usize>)> = Vec::new();
    for (place, fact) in facts.iter().enumerate() {
        match groups.last_mut().filter(|(rule, _)| *rule == fact.rule) {
            Some((_, range)) => range.end = place + 1,
            None => groups.push((fact.rule, place..place + 1)),
        }
    }
    groups
}
