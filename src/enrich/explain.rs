//! Why a computed value is what it is: the facts and deals behind it, one by one.

use std::sync::Arc;

use connector::{ConnectionName, RecordId, Timestamp, Value};
use serde::{Serialize, Serializer};

use crate::enrich::compute::Model;
use crate::enrich::explain_score::{ExplainedPart, Outlook};
use crate::enrich::person::Person;
use crate::enrich::score;
use crate::enrich::session;
use crate::enrich::spec::{TraitRule, TraitSpec};
use crate::enrich::touch::{self, Touch, Touched};
use crate::enrich::traits::{self, Around, Material};
use crate::enrich::window::{Due, is_within};
use crate::model::{Deal, Fact, canonical};

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
}

impl Model {
    /// Explains a computed trait or score as of an instant, from what [`Model::compute`] takes. `None` where the model has no
    /// such field.
    pub fn explain(&self, person: &Person<'_>, field: &str) -> Option<Explanation> {
        let Person { facts, deals, as_of, .. } = *person;
        let sorted = self.sorted(facts, as_of);
        let Some(place) = self.spec().traits.iter().position(|spec| *spec.name == *field) else {
            return self.explain_judged(person, &sorted, field);
        };
        let spec = self.spec().traits.get(place)?;
        let material = self.materials(&sorted).nth(place)?;
        let streams = self.streams(&sorted, as_of);
        let around = Around { model: self.spec(), streams: &streams, deals, as_of };
        let (value, incomplete) = traits::value(spec, &around, &material, &mut Due::new(as_of));
        let mut how = how(spec);
        if incomplete {
            how.push_str("; incomplete: a deal has no exchange rate");
        }
        let evidence = self.evidence(spec, &material, &around);
        let field = spec.name.clone();
        Some(Explanation { field, value, how, exact: None, parts: Vec::new(), capped: false, evidence, outlook: None })
    }

    fn evidence(&self, spec: &TraitSpec, material: &Material<'_>, around: &Around<'_>) -> Vec<Evidence> {
        let Around { streams, deals, as_of, .. } = *around;
        let outside = |at: Timestamp| match is_within(at, spec.window, as_of) {
            true => None,
            false if at > as_of => Some("later than the instant asked for"),
            false => Some("outside the window"),
        };
        match &spec.rule {
            TraitRule::WonDeals | TraitRule::WonRevenue | TraitRule::LastWon => {
                let mut won: Vec<&Deal> = traits::won(deals).collect();
                won.sort_by(|a, b| (a.facts.closed_at, &a.id).cmp(&(b.facts.closed_at, &b.id)));
                won.into_iter().map(|deal| self.of_deal(deal)).collect()
            }
            TraitRule::Visits => {
                let visits = streams.spans.iter().zip(&streams.first).filter(|(span, _)| span.is_visit());
                visits
                    .map(|(visit, first)| {
                        let minutes = visit.end.since(visit.start).as_secs() / 60;
                        let detail = format!("{} views in {minutes} min", visit.views).into();
                        let left_out = outside(visit.start);
                        Evidence { detail: Some(detail), left_out, ..of_instant(visit.start, *first, as_of) }
                    })
                    .collect()
            }
            TraitRule::FirstTouch(_) => touch::first(&streams.touches)
                .map(|(touch, which)| of_touch(&touch, which, as_of))
                .into_iter()
                .collect(),
            TraitRule::LastTouch(_) => {
                let last = touch::last(&streams.touches, as_of);
                last.and_then(|(touch, which)| Some(of_touch(&touch, which?, as_of))).into_iter().collect()
            }
            TraitRule::LastSeen => {
                let mut seen: Vec<&Fact> = material.facts.clone();
                seen.extend(material.steps.iter().filter(|fact| session::was_active(fact)));
                seen.sort_by_key(|fact| fact.at);
                let last = seen.iter().rev().find(|fact| fact.at <= as_of);
                last.map(|fact| Evidence { left_out: outside(fact.at), ..of_event(fact, as_of) }).into_iter().collect()
            }
            _ => {
                let one = |fact: &&Fact| Evidence {
                    detail: fact.text.clone(),
                    left_out: outside(fact.at),
                    ..of_event(fact, as_of)
                };
                material.facts.iter().map(one).collect()
            }
        }
    }

    fn of_deal(&self, deal: &Deal) -> Evidence {
        let amount = traits::amount_in_base(self.spec(), deal);
        let base = &self.spec().base_currency;
        Evidence {
            at: deal.facts.closed_at,
            source: EvidenceSource::Deal { connection: deal.connection.clone(), id: deal.id.clone() },
            rule: None,
            detail: amount.flatten().map(|amount| format!("{} {base}", amount.normalize()).into()),
            points: None,
            age_days: None,
            left_out: (amount == Some(None)).then_some("no exchange rate"),
        }
    }
}

fn plain<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    canonical::to_json(value).serialize(serializer)
}

/// `google / cpc / spring`
fn of_touch(touch: &Touch, which: &Touched, as_of: Timestamp) -> Evidence {
    let parts = [Some(&touch.source), touch.medium.as_ref(), touch.campaign.as_ref()];
    let shown: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    Evidence { detail: Some(shown.join(" / ").into()), ..of_instant(which.at, which.event, as_of) }
}

pub(super) fn of_event(fact: &Fact, as_of: Timestamp) -> Evidence {
    of_instant(fact.at, fact.event, as_of)
}

fn of_instant(at: Timestamp, event: i64, as_of: Timestamp) -> Evidence {
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

fn how(spec: &TraitSpec) -> String {
    let what = match &spec.rule {
        TraitRule::Visits => "sessions with a page or screen view".to_owned(),
        TraitRule::LastSeen => "the latest event that the person did".to_owned(),
        TraitRule::FirstTouch(part) => format!("the {} of the earliest touch that is not direct", part.as_str()),
        TraitRule::LastTouch(part) => {
            format!("the {} of the latest touch in 90 days that is not direct", part.as_str())
        }
        TraitRule::Count(on) => format!("number of {}", on.events.join(" or ")),
        TraitRule::Exists(on) => format!("whether there is any {}", on.events.join(" or ")),
        TraitRule::Sum(on, property) => format!("sum of {property} over {}", on.events.join(" or ")),
        TraitRule::First(on, property) => format!("{property} of the earliest {}", on.events.join(" or ")),
        TraitRule::Last(on, property) => format!("{property} of the latest {}", on.events.join(" or ")),
        TraitRule::UniqueCount(on, property) => format!("different {property} of {}", on.events.join(" or ")),
        TraitRule::DaysSince(on) => format!("whole days since the latest {}", on.events.join(" or ")),
        TraitRule::WonDeals => "number of won deals".to_owned(),
        TraitRule::WonRevenue => "sum of won deals in the base currency at their close dates".to_owned(),
        TraitRule::LastWon => "the latest close date of a won deal".to_owned(),
    };
    match spec.window {
        Some(window) if window.as_secs() % 86_400 == 0 => {
            format!("{what} in the last {} days", window.as_secs() / 86_400)
        }
        Some(window) => format!("{what} in the last {} hours", window.as_secs() / 3_600),
        None => what,
    }
}
