//! Why a computed value is what it is: the facts and deals behind it, one by one.

use std::sync::Arc;

use connector::{ConnectionName, RecordId, Timestamp, Value};
use serde::{Serialize, Serializer};

use crate::enrich::compute::Model;
use crate::enrich::explain_score::{ExplainedPart, Outlook};
use crate::enrich::explain_trait;
use crate::enrich::person::Person;
use crate::enrich::score;
use crate::enrich::trait_spec::TraitRule;
use crate::enrich::traits;
use crate::enrich::window::Due;
use crate::model::{Fact, canonical};

/// One value with what it is made of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    pub field: Arc<str>,
    /// Plain JSON when serialised.
    #[serde(serialize_with = "plain")]
    pub value: Value,
    /// How it comes about, for people: `visits started in the last 30 days`.
    pub how: String,
    /// A score before rounding.
    pub exact: Option<f64>,
    /// A score's rules after their caps, largest first.
    pub parts: Vec<ExplainedPart>,
    /// Whether the sum of the parts was clamped.
    pub capped: bool,
    /// By time; for a score, rule by rule in the order of the configuration.
    pub evidence: Vec<Evidence>,
    /// Of a score: what time alone will do to it.
    pub outlook: Option<Outlook>,
}

/// One event or deal that the value was made from, or was not and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evidence {
    pub at: Option<Timestamp>,
    pub source: EvidenceSource,
    /// The score rule's label.
    pub rule: Option<Arc<str>>,
    /// What was kept of it: a property, a source, an amount in the base currency.
    pub detail: Option<Arc<str>>,
    /// Points it gives as of the instant, before the rule's cap.
    pub points: Option<f64>,
    /// Age in days of 24 hours.
    pub age_days: Option<f64>,
    /// Why it does not count; `None` where it does.
    pub left_out: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceSource {
    /// The event's place in the log.
    Event(i64),
    Deal {
        connection: ConnectionName,
        id: RecordId,
    },
    Activity {
        connection: ConnectionName,
        id: RecordId,
    },
}

impl Model {
    /// Explains a computed trait or score as of an instant, from what [`Model::compute`] takes. `None` where the model has no
    /// such field.
    pub fn explain(&self, person: &Person<'_>, field: &str) -> Option<Explanation> {
        let Person { facts, as_of, .. } = *person;
        let sorted = self.sorted(facts, as_of);
        let traits = &self.spec().traits;
        let flag = || traits.iter().position(|spec| spec.incomplete().is_some_and(|name| *name == *field));
        let own = traits.iter().position(|spec| *spec.name == *field);
        let Some(place) = own.or_else(flag) else {
            return self.explain_judged(person, &sorted, field);
        };
        let spec = traits.get(place)?;
        let rules = self.traits.get(place).map(Vec::as_slice).unwrap_or_default();
        let streams = self.streams(&sorted, as_of);
        let around = self.around(person, &sorted, &streams);
        let (mut value, incomplete) = traits::value(spec, rules, &around, &mut Due::new(as_of));
        if matches!(spec.rule, TraitRule::Formula(_) | TraitRule::Lifecycle) {
            // What other traits, scores and bands make of it.
            value = self.compute(person).traits.remove(&spec.name).unwrap_or(Value::Null);
        }
        let mut how = explain_trait::how(spec);
        if incomplete {
            how.push_str("; incomplete: an amount has no exchange rate");
        }
        if own.is_none() {
            how = format!("whether an amount of {} was left out, because it has no exchange rate", spec.name);
            value = Value::Bool(incomplete);
        }
        let evidence = explain_trait::evidence(spec, rules, &around);
        let field: Arc<str> = field.into();
        Some(Explanation { field, value, how, exact: None, parts: Vec::new(), capped: false, evidence, outlook: None })
    }
}

fn plain<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    canonical::to_json(value).serialize(serializer)
}

pub(super) fn of_event(fact: &Fact, as_of: Timestamp) -> Evidence {
    of_instant(fact.at, fact.event, as_of)
}

pub(super) fn of_instant(at: Timestamp, event: i64, as_of: Timestamp) -> Evidence {
    Evidence {
        at: Some(at),
        source: EvidenceSource::Event(event),
        rule: None,
        detail: None,
        points: None,
        age_days: Some(score::age_in_days(at, as_of)),
        left_out: None,
    }
}
