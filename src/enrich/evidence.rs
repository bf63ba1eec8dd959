//! What counts as news of a person: only that lets them enter a band. Time passing is none, and nor is a consent.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use connector::Timestamp;
use xxhash_rust::xxh3::Xxh3;

use crate::enrich::person::Person;
use crate::enrich::sorted::Sorted;
use crate::enrich::values::lasting;
use crate::model::{Deal, RuleId, Watermark};

/// Somebody whose newest event or deal is older than this at their first judgement came with a load of history.
const HISTORY: Duration = Duration::from_secs(7 * 86_400);

/// What the scores of a model are made from.
#[derive(Clone, Debug, Default)]
pub(super) struct Evidence {
    /// Rules of events that scoring rules match, or that traits they read are made of.
    pub rules: BTreeSet<RuleId>,
    /// Names that scoring rules read and that do not change with time: what is declared, and the company's.
    pub names: BTreeSet<Arc<str>>,
    /// Whether any of them reads a computed trait: those may be of deals.
    pub deals: bool,
    /// Of the scores themselves: other rules are news of everybody.
    pub fingerprint: u64,
}

impl Evidence {
    /// Everything there is up to the instant.
    pub(super) fn watermark(&self, person: &Person<'_>, sorted: &Sorted<'_>) -> Watermark {
        let past = self.rules.iter().flat_map(|rule| sorted.of(*rule)).filter(|fact| fact.at <= person.as_of);
        let event = past.map(|fact| fact.event).max().unwrap_or(0);
        let before = person.standings.evidence;
        Watermark {
            // What retention has taken away is not news when it is gone.
            event: event.max(before.event),
            traits: self.traits(person),
            known: person.known,
        }
    }

    /// Whether there is more than at the last judgement.
    pub(super) fn is_new(&self, person: &Person<'_>, sorted: &Sorted<'_>, now: Watermark) -> bool {
        let Some(judged_at) = person.standings.judged_at else { return true };
        let before = person.standings.evidence;
        let mut past = self.rules.iter().flat_map(|rule| sorted.of(*rule)).filter(|fact| fact.at <= person.as_of);
        now.traits != before.traits
            || (now.known && !before.known)
            || past.any(|fact| fact.event > before.event || fact.at > judged_at)
    }

    fn traits(&self, person: &Person<'_>) -> i64 {
        let mut hash = Xxh3::with_seed(self.fingerprint);
        for name in &self.names {
            hash.update(name.as_bytes());
            hash.update(lasting(person, name).map(ToString::to_string).unwrap_or_default().as_bytes());
            hash.update(&[0]);
        }
        if self.deals {
            let mut deals: Vec<String> = person.deals.iter().map(of_deal).collect();
            deals.sort_unstable();
            deals.iter().for_each(|deal| hash.update(deal.as_bytes()));
        }
        i64::from_ne_bytes(hash.digest().to_ne_bytes())
    }
}

fn of_deal(deal: &Deal) -> String {
    let facts = &deal.facts;
    format!(
        "{} {} {:?} {:?} {:?} {:?}\n",
        deal.connection, deal.id, facts.status, facts.amount, facts.currency, facts.closed_at
    )
}

/// Whether a person's whole history is older than what anybody would act on: what they did, and their deals.
pub(super) fn is_history(person: &Person<'_>) -> bool {
    let past = |at: &Timestamp| *at <= person.as_of;
    let events = person.facts.iter().map(|fact| fact.at);
    let deals = person.deals.iter().filter_map(|deal| deal.facts.closed_at);
    let newest = events.chain(deals).filter(past).max();
    newest.is_none_or(|newest| newest < person.as_of.saturating_sub(HISTORY))
}
