//! Why a computed value is what it is: the facts and deals behind it, one by one.

use std::sync::Arc;

use connector::{ConnectionName, RecordId, Timestamp, Value};
use serde::{Serialize, Serializer};

use crate::enrich::compute::Model;
use crate::enrich::explain_trait;
use crate::enrich::person::Person;
use crate::enrich::reasons;
use crate::enrich::score::{self, Moment};
use crate::enrich::score_spec::{Gives, Made};
use crate::enrich::sorted::Sorted;
use crate::enrich::spec::SCORE_REASONS;
use crate::enrich::trait_spec::TraitRule;
use crate::enrich::traits;
use crate::enrich::window::Due;
use crate::model::{Fact, ScorePart, canonical};

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
    pub parts: Vec<ScorePart>,
    /// Whether the sum of the parts was clamped.
    pub capped: bool,
    /// By time; for a score, rule by rule in the order of the configuration.
    pub evidence: Vec<Evidence>,
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
}

impl Model {
    /// Explains a computed trait or score as of an instant, from what [`Model::compute`] takes. `None` where the model has no
    /// such field.
    pub fn explain(&self, person: &Person<'_>, field: &str) -> Option<Explanation> {
        let Person { facts, as_of, .. } = *person;
        let sorted = self.sorted(facts, as_of);
        let named = |field: &str| {
            self.spec().scores.iter().position(|spec| *spec.trait_name() == *field || *spec.name == *field)
        };
        let main = || self.spec().main_score().and_then(|main| named(&main.name));
        if let Some(place) = named(field).or_else(|| if field == SCORE_REASONS { main() } else { None }) {
            return self.explain_score(place, person, &sorted, field);
        }
        let traits = &self.spec().traits;
        let flag = || traits.iter().position(|spec| spec.incomplete().is_some_and(|name| *name == *field));
        let own = traits.iter().position(|spec| *spec.name == *field);
        let place = own.or_else(flag)?;
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
        Some(Explanation { field, value, how, exact: None, parts: Vec::new(), capped: false, evidence })
    }

    fn explain_score(
        &self,
        place: usize,
        person: &Person<'_>,
        sorted: &Sorted<'_>,
        field: &str,
    ) -> Option<Explanation> {
        let spec = self.spec().scores.get(place)?;
        let as_of = person.as_of;
        let computed = self.compute(person);
        let score = computed.scores.into_iter().nth(place)?;
        let moment = Moment { zone: self.spec().time_zone, as_of };
        let mut evidence = Vec::new();
        if let Made::Rules(rules) = &spec.made {
            for (rule, facts) in rules.rules.iter().zip(self.score_facts(place, sorted)) {
                let Gives::Events(events) = &rule.gives else { continue };
                let decay = events.decay.unwrap_or(rules.decay);
                for one in score::contributions(events, decay, facts, moment) {
                    let left_out = if one.over_day {
                        Some("over the day's cap")
                    } else if one.points == 0.0 {
                        Some("expired")
                    } else {
                        None
                    };
                    evidence.push(Evidence {
                        rule: Some(rule.label.clone()),
                        points: Some(one.points),
                        left_out,
                        ..of_event(one.fact, as_of)
                    });
                }
            }
        }
        let value = if field == SCORE_REASONS {
            reasons::reasons(&score).map_or(Value::Null, Value::Text)
        } else {
            Value::from(score::rounded(score.value))
        };
        let how = match &spec.made {
            Made::Rules(rules) => format!("points of {} rules, 0 to {}", rules.rules.len(), spec.max),
            Made::Combination(of) => {
                let weighed: Vec<String> = of.iter().map(|one| format!("{} × {}", one.weight, one.score)).collect();
                weighed.join(" + ")
            }
        };
        Some(Explanation {
            field: field.into(),
            value,
            how,
            exact: Some(score.value),
            parts: score.parts,
            capped: score.capped,
            evidence,
        })
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
