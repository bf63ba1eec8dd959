//! What the traits of one computation share: facts in order, sessions, and what several of them would otherwise put together
//! again.

use std::cell::OnceCell;

use connector::Timestamp;

use crate::enrich::commerce::{OrderStep, order_of};
use crate::enrich::ledger::{self, Order};
use crate::enrich::session::{self, Span};
use crate::enrich::sorted::Sorted;
use crate::enrich::spec::ModelSpec;
use crate::enrich::touch::Touched;
use crate::model::{Activity, Deal, Fact, RuleId};

/// A person's sessions up to an instant, cut once for all traits.
#[derive(Clone, Debug, Default)]
pub(super) struct Streams {
    pub spans: Vec<Span>,
    /// The first event of each session.
    pub first: Vec<i64>,
    pub touches: Vec<Touched>,
}

/// Rules that more than one trait reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct SharedRules {
    pub steps: RuleId,
    pub mail: RuleId,
    pub orders: RuleId,
    pub seen: RuleId,
}

/// One computation of one person.
#[derive(Debug)]
pub(super) struct Around<'a, 'f> {
    pub model: &'a ModelSpec,
    pub sorted: &'a Sorted<'f>,
    pub streams: &'a Streams,
    pub deals: &'a [Deal],
    /// Newest first.
    pub activities: &'a [Activity],
    /// The earliest event or record of the person.
    pub first_seen: Option<Timestamp>,
    pub as_of: Timestamp,
    rules: SharedRules,
    orders: OnceCell<Vec<Order<'f>>>,
    alive: OnceCell<Vec<Timestamp>>,
}

impl<'a, 'f> Around<'a, 'f> {
    pub(super) fn new(
        model: &'a ModelSpec,
        sorted: &'a Sorted<'f>,
        streams: &'a Streams,
        rules: SharedRules,
        (deals, activities, first_seen, as_of): (&'a [Deal], &'a [Activity], Option<Timestamp>, Timestamp),
    ) -> Self {
        let (orders, alive) = (OnceCell::new(), OnceCell::new());
        Self { model, sorted, streams, deals, activities, first_seen, as_of, rules, orders, alive }
    }

    /// Facts of a rule up to the instant, by time.
    pub(super) fn past(&self, rule: RuleId) -> &'a [&'f Fact] {
        let facts = self.sorted.of(rule);
        facts.get(..facts.partition_point(|fact| fact.at <= self.as_of)).unwrap_or_default()
    }

    pub(super) fn steps(&self) -> &'a [&'f Fact] {
        self.past(self.rules.steps)
    }

    /// Mail, without what machines opened and clicked.
    pub(super) fn mail(&self) -> &'a [&'f Fact] {
        self.past(self.rules.mail)
    }

    /// Signs of life that are no steps.
    pub(super) fn seen(&self) -> &'a [&'f Fact] {
        self.past(self.rules.seen)
    }

    /// The orders that count, by time.
    pub(super) fn orders(&self) -> &[Order<'f>] {
        self.orders.get_or_init(|| ledger::orders(self.past(self.rules.orders), self.model))
    }

    /// The last time an order was completed, whatever became of it.
    pub(super) fn last_completed(&self) -> Option<Timestamp> {
        let completed = |fact: &&&Fact| order_of(fact).is_some_and(|order| order.step == OrderStep::Completed);
        self.past(self.rules.orders).iter().rev().find(completed).map(|fact| fact.at)
    }

    /// When the person did anything, by time.
    pub(super) fn alive(&self) -> &[Timestamp] {
        self.alive.get_or_init(|| {
            let mut times: Vec<Timestamp> = self.signs_of_life().map(|fact| fact.at).collect();
            times.sort_unstable();
            times
        })
    }

    /// The latest sign of life.
    pub(super) fn last_alive(&self) -> Option<&'f Fact> {
        self.signs_of_life().max_by_key(|fact| (fact.at, fact.event))
    }

    /// Everything that the person did, in no order.
    pub(super) fn signs_of_life(&self) -> impl Iterator<Item = &'f Fact> {
        let steps = self.steps().iter().filter(|step| session::was_active(step));
        steps.chain(self.seen()).copied()
    }
}
