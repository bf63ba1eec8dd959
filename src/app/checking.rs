//! `ferry compute --check`: what arrivals and due instants made of everybody, against a scan of the event log alone. Reads, and
//! changes nothing.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use connector::{Timestamp, Value};

use super::App;
use crate::enrich::{Model, Person, TraitRule};
use crate::model::{
    Activity, Computed, Consents, Deal, Fact, Profile, ProfileId, ProfileUid, Purpose, Standings, TraitName,
    TraitValues,
};
use crate::store::Result;

/// Profiles looked at in one read.
const CHUNK: usize = 1_000;
/// Differences told; beyond them they are counted.
pub const MOST_TOLD: usize = 200;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checked {
    pub as_of: Timestamp,
    pub profiles: u64,
    pub values: u64,
    /// How many values differ.
    pub different: u64,
    /// The first of them.
    pub differences: Vec<Difference>,
}

/// One value that is not what the log says.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    pub profile: ProfileUid,
    pub name: TraitName,
    /// As the increments made it.
    pub kept: Value,
    /// As the whole log says.
    pub scanned: Value,
}

impl App {
    /// Compares everybody as of an instant at which everything due is computed. Traits are compared with what is stored. Scores
    /// fade between two computations, so they are computed from both at the instant.
    pub async fn check_computed(&self, as_of: Timestamp) -> Result<Checked> {
        let mut checked = Checked { as_of, ..Checked::default() };
        let (own, lasting) = (own(&self.model), lasting(&self.model));
        let mut after = ProfileId(0);
        loop {
            let chunk = self.store.all_held(after, CHUNK).await?;
            let Some(last) = chunk.last() else { return Ok(checked) };
            after = last.profile.id;
            for held in &chunk {
                self.check_one(held.profile.id, (&own, &lasting), &mut checked).await?;
            }
        }
    }

    async fn check_one(
        &self,
        id: ProfileId,
        (own, lasting): (&HashSet<TraitName>, &HashSet<TraitName>),
        checked: &mut Checked,
    ) -> Result<()> {
        let consents = self.store.consents(id).await?;
        let Some(detail) = self.store.profile(id).await?.filter(|_| consents.allows(Purpose::Analytics)) else {
            return Ok(());
        };
        let kept_facts = self.store.facts_of(id, self.model.rule_ids()).await?;
        let scanned_facts = self.scan(id, &kept_facts).await?;
        let (profile, deals, activities) = (&detail.profile, &detail.deals, &detail.activities);
        let known = Known { profile, deals, activities, consents: &consents, own };
        let (kept, scanned) = (
            known.computed(&self.model, &kept_facts, checked.as_of),
            known.computed(&self.model, &scanned_facts, checked.as_of),
        );
        checked.profiles += 1;
        let names: BTreeSet<&TraitName> = kept.traits.keys().chain(scanned.traits.keys()).collect();
        for name in names {
            let value = |of: &TraitValues| of.get(name).cloned().unwrap_or(Value::Null);
            let of_store = if lasting.contains(name) { &detail.profile.computed } else { &kept.traits };
            let (kept, scanned) = (value(of_store), value(&scanned.traits));
            checked.values += 1;
            if kept != scanned {
                checked.different += 1;
                if checked.differences.len() < MOST_TOLD {
                    let (profile, name) = (detail.profile.uid, name.clone());
                    checked.differences.push(Difference { profile, name, kept, scanned });
                }
            }
        }
        Ok(())
    }

    /// Every fact of a person, matched again from the bodies in the log. Facts of events that retention took away stay.
    async fn scan(&self, id: ProfileId, kept: &[Fact]) -> Result<Vec<Fact>> {
        let consent = &self.settings.privacy.consent;
        let mut facts = Vec::new();
        let mut rows = HashSet::new();
        for row in self.store.events_of(id, usize::MAX).await? {
            rows.insert(row.row);
            if consent.read(&row.event, false).may_count() {
                facts.extend(self.model.facts(&row.event).into_iter().map(|fact| Fact { event: row.row, ..fact }));
            }
        }
        facts.extend(kept.iter().filter(|fact| !rows.contains(&fact.event)).cloned());
        Ok(facts)
    }
}

/// What is known of a person beside their events.
struct Known<'a> {
    profile: &'a Profile,
    deals: &'a [Deal],
    activities: &'a [Activity],
    consents: &'a Consents,
    /// What the model computes; everything else that is stored is said of the company.
    own: &'a HashSet<TraitName>,
}

impl Known<'_> {
    fn computed(&self, model: &Arc<Model>, facts: &[Fact], as_of: Timestamp) -> Computed {
        let of_company = self.profile.computed.iter().filter(|(name, _)| !self.own.contains(*name));
        let company: TraitValues = of_company.map(|(n, v)| (n.clone(), v.clone())).collect();
        model.compute(&Person {
            facts,
            deals: self.deals,
            activities: self.activities,
            declared: &self.profile.attributes,
            company: &company,
            consents: self.consents,
            known: self.profile.known,
            first_seen: Some(self.profile.first_seen),
            standings: &Standings::default(),
            told: None,
            as_of,
            judged: false,
        })
    }
}

fn own(model: &Model) -> HashSet<TraitName> {
    model.spec().outputs().into_iter().map(|(name, _)| name).collect()
}

/// Traits that stay until an instant that is foretold; what is made of scores and bands has a memory of its own.
fn lasting(model: &Model) -> HashSet<TraitName> {
    let traits = model.spec().traits.iter().filter(|spec| !matches!(spec.rule, TraitRule::Lifecycle));
    traits.flat_map(|spec| [Some(spec.name.clone()), spec.incomplete()]).flatten().collect()
}
