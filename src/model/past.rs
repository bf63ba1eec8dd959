//! What was known on a day: the log of one person and of their deals, and what of it stood at an instant. Pure; nothing that was
//! learnt later is seen.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connector::{DealStatus, Timestamp, Value};

use crate::model::{Attribute, Consents, Deal, Fact, ProfileId, ProfileUid, TraitName, TraitValues};

/// A deal with its way so far.
#[derive(Clone, Debug, PartialEq)]
pub struct DealPast {
    /// Its place among all deals, which grows.
    pub place: i64,
    pub deal: Deal,
    /// When the CRM says it was made.
    pub created_at: Option<Timestamp>,
    /// Its states as they were seen, oldest first.
    pub steps: Vec<DealStep>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DealStep {
    pub status: DealStatus,
    /// The CRM's change stamp.
    pub at: Timestamp,
}

/// A deal and whose it is.
#[derive(Clone, Debug, PartialEq)]
pub struct DealCase {
    pub past: DealPast,
    /// Its people; where it has none, those of its company.
    pub people: Vec<ProfileId>,
}

/// Everything that was ever written down of one person.
#[derive(Clone, Debug)]
pub struct PersonPast {
    pub id: ProfileId,
    pub uid: ProfileUid,
    /// The earliest event or record.
    pub first_seen: Timestamp,
    /// When they were first known by more than a device.
    pub known_since: Option<Timestamp>,
    /// Of the rules asked for, all of them.
    pub facts: Vec<Fact>,
    /// Every value of each declared trait in the order they were written down, the present one last.
    pub traits: BTreeMap<TraitName, Vec<Attribute>>,
    pub deals: Vec<DealPast>,
    pub company: CompanyPast,
    pub consents: Consents,
}

/// Where the person works, and since when that can be told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CompanyPast {
    /// Colleagues share it.
    pub group: Option<Arc<str>>,
    /// What the company says of itself.
    pub traits: BTreeMap<TraitName, Attribute>,
    pub domain: Option<Arc<str>>,
    /// When deals of the company were won.
    pub wins: Vec<Timestamp>,
    /// Since when an address of the person names a company.
    pub business_since: Option<Timestamp>,
}

/// What counts as known on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// What a source had said or Ferry had written down by then.
    #[default]
    AsKnown,
    /// The same, and of a trait that nothing was known of by then, the first value that ever was: kinder than life.
    FirstValues,
}

/// What stood at an instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Knowledge {
    pub declared: BTreeMap<TraitName, Attribute>,
    pub company: TraitValues,
    pub deals: Vec<Deal>,
    pub consents: Consents,
    pub known: bool,
}

impl DealPast {
    /// When it was made: the CRM's word, else its first sight while it was open.
    pub fn made_at(&self) -> Option<Timestamp> {
        let first = self.steps.first().filter(|step| step.status == DealStatus::Open);
        self.created_at.or(first.map(|step| step.at))
    }

    /// When it was won or lost; `None` while it is open. The CRM's word, else the stamp of the change.
    pub fn closed_at(&self) -> Option<Timestamp> {
        let closed = |step: &&DealStep| step.status == self.deal.facts.status;
        match self.deal.facts.status {
            DealStatus::Open => None,
            _ => self.deal.facts.closed_at.or_else(|| self.steps.iter().rev().find(closed).map(|step| step.at)),
        }
    }

    /// The instant that a score of its people is judged at: when it was made, and always before it was closed; `lead` before the
    /// close where that is asked for, or nobody says when it was made. `None` for an open deal.
    pub fn judged_at(&self, lead: Option<Duration>) -> Option<Timestamp> {
        /// Where the CRM does not say when a deal was made.
        const USUAL_LEAD: Duration = Duration::from_secs(30 * 86_400);
        let closed = self.closed_at()?;
        let before_close = closed.saturating_sub(Duration::from_micros(1));
        let judged = match (lead, self.made_at()) {
            (None, Some(made)) => made,
            (lead, _) => closed.saturating_sub(lead.unwrap_or(USUAL_LEAD)),
        };
        Some(judged.min(before_close))
    }

    /// The deal as it stood; `None` before it was made. How it ended is not known before it did, and nor is its amount unless it was
    /// seen by then.
    fn as_known_at(&self, at: Timestamp) -> Option<Deal> {
        let made = self.made_at().or_else(|| self.closed_at())?;
        if made > at {
            return None;
        }
        if self.closed_at().is_none_or(|closed| closed <= at) {
            return Some(self.deal.clone());
        }
        let mut deal = self.deal.clone();
        deal.facts.status = DealStatus::Open;
        (deal.facts.closed_at, deal.facts.amount, deal.facts.stage) = (None, None, None);
        Some(deal)
    }
}

impl PersonPast {
    /// Whether anything at all was known of the person.
    pub fn was_there(&self, at: Timestamp, reading: Reading) -> bool {
        reading == Reading::FirstValues || self.first_seen <= at || self.known_since.is_some_and(|since| since <= at)
    }

    /// What stood at the instant; `without` is a deal that must not be looked at, because it is what is to be foretold. Facts are not
    /// here: a computation as of the instant sees those up to it.
    pub fn as_known_at(&self, at: Timestamp, reading: Reading, without: Option<i64>) -> Knowledge {
        let declared = self.traits.iter().filter_map(|(name, versions)| {
            let then = versions.iter().rev().find(|one| known_since(one) <= at);
            let first = || versions.first().filter(|_| reading == Reading::FirstValues);
            Some((name.clone(), then.or_else(first)?.clone()))
        });
        let deals = self.deals.iter().filter(|deal| Some(deal.place) != without);
        let decisions = self.consents.decisions.iter().filter(|decision| decision.at <= at).cloned();
        Knowledge {
            declared: declared.collect(),
            company: self.company.as_known_at(at, reading),
            deals: deals.filter_map(|deal| deal.as_known_at(at)).collect(),
            consents: Consents { decisions: decisions.collect(), defaults: self.consents.defaults },
            known: reading == Reading::FirstValues || self.known_since.is_some_and(|since| since <= at),
        }
    }

    /// When deals of the person or of their company were won.
    pub fn wins(&self) -> Vec<Timestamp> {
        let won = self.deals.iter().filter(|deal| deal.deal.facts.status == DealStatus::Won);
        won.filter_map(DealPast::closed_at).chain(self.company.wins.iter().copied()).collect()
    }

    /// When the person became a lead: as deals with them were made, the last one of each day; and, unless that is a day of a deal,
    /// once they were known, with the visit in which they said who they are.
    pub fn snapshots(&self) -> Vec<Timestamp> {
        const VISIT: Duration = Duration::from_secs(3_600);
        const DAY: i64 = 86_400_000_000;
        let day = |at: Timestamp| at.micros().div_euclid(DAY);
        let mut made: Vec<Timestamp> = self.deals.iter().filter_map(DealPast::made_at).collect();
        made.retain(|at| self.was_there(*at, Reading::AsKnown));
        made.sort();
        let mut kept: Vec<Timestamp> = Vec::with_capacity(made.len() + 1);
        for at in made {
            match kept.last_mut() {
                Some(last) if day(*last) == day(at) => *last = at,
                _ => kept.push(at),
            }
        }
        let known = self.known_since.filter(|since| !kept.iter().any(|at| day(*at) == day(*since)));
        kept.extend(known.map(|since| since.saturating_add(VISIT)));
        kept.sort();
        kept
    }
}

impl CompanyPast {
    fn as_known_at(&self, at: Timestamp, reading: Reading) -> TraitValues {
        let by_then = |since: Timestamp| reading == Reading::FirstValues || since <= at;
        let is_business = self.business_since.is_some_and(by_then);
        let mut company = TraitValues::from([("email_is_business".into(), is_business.into())]);
        let said = self.traits.iter().filter(|(_, trait_)| !trait_.value.is_null() && by_then(known_since(trait_)));
        let mut has_said = false;
        for (name, attribute) in said {
            company.insert(format!("company.{name}").into(), attribute.value.clone());
            has_said = true;
        }
        company.remove("company.domain");
        if let Some(domain) = self.domain.clone().filter(|_| has_said || is_business) {
            company.insert("company.domain".into(), Value::Text(domain));
        }
        company
    }
}

/// From when on a value was known: its source says so, or it was written down, whichever was first.
fn known_since(attribute: &Attribute) -> Timestamp {
    attribute.observed_at.min(attribute.recorded_at)
}

#[cfg(test)]
mod tests {
    use connector::DealFacts;

    use super::*;
    use crate::model::Origin;

    fn day(day: i64) -> Timestamp {
        Timestamp::from_secs(day * 86_400)
    }

    fn said(value: &str, observed: i64, recorded: i64) -> Attribute {
        let origin = Origin::Identify("web".into());
        Attribute { value: value.into(), observed_at: day(observed), recorded_at: day(recorded), origin }
    }

    fn deal(status: DealStatus, created: Option<i64>, closed: Option<i64>) -> DealPast {
        let facts = DealFacts {
            name: None,
            status,
            stage: Some("Closed".into()),
            pipeline: None,
            amount: Some(5.into()),
            currency: None,
            closed_at: closed.map(day),
            owner: None,
            products: None,
        };
        let deal = Deal { connection: "hubspot".into(), id: "1".into(), facts, order_id: None };
        DealPast { place: 1, deal, created_at: created.map(day), steps: Vec::new() }
    }

    fn person() -> PersonPast {
        PersonPast {
            id: ProfileId(1),
            uid: ProfileUid(uuid::Uuid::nil()),
            first_seen: day(5),
            known_since: Some(day(6)),
            facts: Vec::new(),
            traits: BTreeMap::from([
                ("title".into(), vec![said("Clerk", 5, 5), said("Director", 20, 25)]),
                ("country".into(), vec![said("DE", 30, 30)]),
            ]),
            deals: vec![deal(DealStatus::Won, Some(10), Some(20))],
            company: CompanyPast {
                group: None,
                traits: BTreeMap::from([("employees".into(), said("200", 12, 12))]),
                domain: Some("acme.example".into()),
                wins: vec![day(33)],
                business_since: Some(day(8)),
            },
            consents: Consents::default(),
        }
    }

    #[test]
    fn a_value_counts_from_the_day_it_was_said() {
        let person = person();
        let title =
            |at, reading| person.as_known_at(day(at), reading, None).declared.get("title").map(|one| one.value.clone());
        assert_eq!(title(4, Reading::AsKnown), None);
        assert_eq!(title(19, Reading::AsKnown), Some("Clerk".into()));
        assert_eq!(title(20, Reading::AsKnown), Some("Director".into()));
        assert_eq!(title(4, Reading::FirstValues), Some("Clerk".into()));
        assert!(!person.as_known_at(day(29), Reading::AsKnown, None).declared.contains_key("country"));
    }

    #[test]
    fn companies_say_nothing_before_they_spoke() {
        let company = |at| person().as_known_at(day(at), Reading::AsKnown, None).company;
        assert_eq!(company(7), TraitValues::from([("email_is_business".into(), false.into())]));
        assert_eq!(company(9).get("company.domain"), Some(&"acme.example".into()));
        assert_eq!(
            (company(9).get("company.employees"), company(12).get("company.employees")),
            (None, Some(&"200".into()))
        );
    }

    #[test]
    fn a_deal_is_open_until_it_ends_and_its_end_is_not_foretold() {
        let deals = |at, without| person().as_known_at(day(at), Reading::AsKnown, without).deals;
        assert!(deals(9, None).is_empty() && deals(25, Some(1)).is_empty());
        let open = &deals(19, None)[0].facts;
        assert_eq!(
            (open.status, open.amount, open.closed_at, open.stage.clone()),
            (DealStatus::Open, None, None, None)
        );
        assert_eq!(deals(20, None)[0].facts.status, DealStatus::Won);
        assert_eq!(person().wins(), [day(20), day(33)]);
        assert_eq!(person().snapshots(), [day(6).saturating_add(Duration::from_secs(3_600)), day(10)]);
    }

    #[test]
    fn a_score_is_judged_before_the_close_whatever_the_dates_say() {
        let micro = Duration::from_micros(1);
        let judged = |created, lead: Option<u64>| {
            let lead = lead.map(|days| Duration::from_secs(days * 86_400));
            deal(DealStatus::Lost, created, Some(40)).judged_at(lead)
        };
        assert_eq!(judged(Some(10), None), Some(day(10)));
        assert_eq!(judged(Some(50), None), Some(day(40).saturating_sub(micro)), "entered late");
        assert_eq!(judged(None, None), Some(day(10)), "thirty days before");
        assert_eq!(judged(Some(10), Some(7)), Some(day(33)));
        assert_eq!(deal(DealStatus::Open, Some(10), None).judged_at(None), None);
        let mut seen = deal(DealStatus::Won, None, None);
        seen.steps =
            vec![DealStep { status: DealStatus::Open, at: day(3) }, DealStep { status: DealStatus::Won, at: day(9) }];
        assert_eq!((seen.made_at(), seen.closed_at()), (Some(day(3)), Some(day(9))));
    }
}
