//! What a score would have been worth: for each closed deal the score of its people as it was known before, from the logs alone.
//! One deal and one person at a time; what is kept of each deal is a few numbers.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use connector::{DealStatus, Timestamp};

use super::App;
use crate::enrich::{Model, Person};
use crate::learn::{Replayed, RuleEffect};
use crate::model::{Computed, DealCase, PersonPast, ProfileId, Reading, RuleId};
use crate::store::Result;

/// Which deals are looked at, and what counts as known before them.
#[derive(Clone, Debug)]
pub struct Replaying {
    pub score: Arc<str>,
    /// Deals closed from here on.
    pub from: Option<Timestamp>,
    /// Deals closed before this.
    pub to: Option<Timestamp>,
    /// Judge so long before the close, and not when the deal was made.
    pub lead: Option<Duration>,
    pub reading: Reading,
}

/// The closed deals with their scores, and those that had none.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    pub rows: Vec<Replayed>,
    /// The labels that rules give points under, in the order of [`Replayed::rules`].
    pub rules: Vec<Arc<str>>,
    /// Closed in the range, but nobody is tied to the deal.
    pub nobodys: u64,
    /// Closed in the range, but nothing was known of anybody before.
    pub unknown_then: u64,
    pub open: u64,
    pub outside: u64,
    /// The first and the last close among `rows`.
    pub closes: Option<(Timestamp, Timestamp)>,
}

/// Deals read in one transaction.
const CHUNK: usize = 200;

/// One person at an instant, as the score saw them.
struct Seen {
    score: f64,
    rules: Vec<RuleEffect>,
}

impl App {
    /// How many rules of the configuration were never matched with the log: their events do not count yet.
    pub async fn unmatched_rules(&self) -> Result<usize> {
        let matched: HashSet<RuleId> = self.store.matched_rules().await?.into_iter().collect();
        Ok(self.model.rule_ids().iter().filter(|rule| !matched.contains(rule)).count())
    }

    /// Replays a score before each closed deal. `progress` is told how many deals were looked at.
    pub async fn replay(&self, what: &Replaying, progress: &(dyn Fn(u64) + Sync)) -> Result<Replay> {
        let mut replay = Replay { rules: self.model.rule_labels(&what.score), ..Replay::default() };
        let (mut after, mut looked) = (0, 0);
        loop {
            let deals = self.store.deals_after(after, CHUNK).await?;
            let is_last = deals.len() < CHUNK;
            for deal in &deals {
                after = deal.past.place;
                self.replay_deal(what, deal, &mut replay).await?;
            }
            looked += deals.len() as u64;
            progress(looked);
            if is_last || self.stop.is_cancelled() {
                return Ok(replay);
            }
        }
    }

    async fn replay_deal(&self, what: &Replaying, deal: &DealCase, replay: &mut Replay) -> Result<()> {
        let (Some(closed), Some(at)) = (deal.past.closed_at(), deal.past.judged_at(what.lead)) else {
            replay.open += 1;
            return Ok(());
        };
        if what.from.is_some_and(|from| closed < from) || what.to.is_some_and(|to| closed >= to) {
            replay.outside += 1;
            return Ok(());
        }
        if deal.people.is_empty() {
            replay.nobodys += 1;
            return Ok(());
        }
        let mut best: Option<Seen> = None;
        for id in &deal.people {
            let Some(past) = self.past_of(*id).await? else { continue };
            if !past.was_there(at, what.reading) {
                continue;
            }
            let computed = computed_at(&self.model, &past, at, what.reading, Some(deal.past.place));
            let seen = self.seen(&what.score, &replay.rules, &computed);
            best = Some(match best.take() {
                Some(before) => better(before, seen),
                None => seen,
            });
        }
        let Some(Seen { score, rules }) = best else {
            replay.unknown_then += 1;
            return Ok(());
        };
        replay.rows.push(Replayed { score, won: deal.past.deal.facts.status == DealStatus::Won, rules });
        let (first, last) = replay.closes.unwrap_or((closed, closed));
        replay.closes = Some((first.min(closed), last.max(closed)));
        Ok(())
    }

    /// Everything ever written down of a person; `None` for nobody and for whoever may not be profiled.
    pub(super) async fn past_of(&self, id: ProfileId) -> Result<Option<PersonPast>> {
        self.store.past_of(id, self.model.rule_ids(), Arc::new(self.settings.company.clone())).await
    }

    fn seen(&self, score: &str, rules: &[Arc<str>], computed: &Computed) -> Seen {
        let own = computed.scores.iter().find(|one| &*one.name == score);
        let value = own.map_or(0.0, |one| one.value);
        let effect = |label: &Arc<str>| RuleEffect {
            gave: own.is_some_and(|one| one.parts.iter().any(|part| part.label == *label && part.points != 0.0)),
            without: self.model.without(score, &computed.scores, label).unwrap_or(value),
        };
        Seen { score: value, rules: rules.iter().map(effect).collect() }
    }
}

/// A deal is as good as the best of its people; without a rule that may be another one.
fn better(a: Seen, b: Seen) -> Seen {
    let (mut best, other) = if b.score > a.score { (b, a) } else { (a, b) };
    for (own, others) in best.rules.iter_mut().zip(&other.rules) {
        own.without = own.without.max(others.without);
    }
    best
}

/// A person computed by what was known of them at an instant. `without` is the deal that must not be looked at.
pub(super) fn computed_at(
    model: &Model,
    past: &PersonPast,
    at: Timestamp,
    reading: Reading,
    without: Option<i64>,
) -> Computed {
    let known = past.as_known_at(at, reading, without);
    model.compute(&Person {
        declared: &known.declared,
        company: &known.company,
        consents: &known.consents,
        known: known.known,
        first_seen: Some(past.first_seen),
        judged: false,
        ..Person::of(&past.facts, &known.deals, at)
    })
}
