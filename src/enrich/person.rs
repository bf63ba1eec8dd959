//! Everything that a computation sees of one person.

use std::collections::BTreeMap;

use connector::Timestamp;

use crate::model::{Activity, Attribute, Consents, Deal, Fact, Score, Standings, TraitName, TraitValues};

/// The input of [`crate::enrich::Model::compute`].
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// In any order and of any rules; those after `as_of` do not count.
    pub facts: &'a [Fact],
    /// Each counted once.
    pub deals: &'a [Deal],
    /// What people of ours did with the person, newest first.
    pub activities: &'a [Activity],
    /// Declared traits, tombstones included.
    pub declared: &'a BTreeMap<TraitName, Attribute>,
    /// What the rules of companies say of the person, and the traits of their company.
    pub company: &'a TraitValues,
    pub consents: &'a Consents,
    /// Has any identifier stronger than an anonymous id.
    pub known: bool,
    /// The earliest event or record; where nobody says, the earliest fact.
    pub first_seen: Option<Timestamp>,
    /// What the last pass left behind.
    pub standings: &'a Standings,
    /// The scores stored last and when a CRM was told of them, where it was since the last pass.
    pub told: Option<(Timestamp, &'a [Score])>,
    pub as_of: Timestamp,
    /// Whether bands and segments are judged. A look ahead judges nothing, and nor does one behind the last judgement.
    pub judged: bool,
}

const NOTHING_DECLARED: &BTreeMap<TraitName, Attribute> = &BTreeMap::new();
const NO_COMPANY: &TraitValues = &TraitValues::new();
const NO_CONSENTS: &Consents = &Consents {
    decisions: Vec::new(),
    defaults: crate::model::ConsentDefaults { analytics: true, marketing: false, sales: true, ads: false },
};
const NEVER_JUDGED: &Standings = &Standings {
    judged_at: None,
    evidence: crate::model::Watermark { event: 0, traits: 0, known: false },
    bands: BTreeMap::new(),
    segments: BTreeMap::new(),
    told: None,
};

impl<'a> Person<'a> {
    /// Somebody of whom only what they did and bought is looked at.
    pub fn of(facts: &'a [Fact], deals: &'a [Deal], as_of: Timestamp) -> Self {
        Self {
            facts,
            deals,
            activities: &[],
            declared: NOTHING_DECLARED,
            company: NO_COMPANY,
            consents: NO_CONSENTS,
            known: true,
            first_seen: None,
            standings: NEVER_JUDGED,
            told: None,
            as_of,
            judged: true,
        }
    }
}
