//! What the people of a company come to together (`cdp-semantics` §2.6): from the traits that each of them has, and their deals.

use std::time::Duration;

use connector::{Timestamp, Value};
use rust_decimal::Decimal;

use crate::enrich::compute::Model;
use crate::enrich::sales;
use crate::enrich::trait_spec::{Sales, TraitRule, TraitSpec};
use crate::model::{Deal, TraitName, TraitValues};

/// So long after they were seen last, people are active.
const ACTIVE: Duration = Duration::from_secs(30 * 86_400);

/// The highest of this score is told.
const SCORE: &str = "score_lead";

const MONTH: Option<Duration> = Some(ACTIVE);

/// The traits of a company as its people have them; the instant at which they change by time alone.
pub type RollUp = (TraitValues, Option<Timestamp>);

impl Model {
    /// `members` are the computed traits of everybody whose primary company it is; `deals` are those of the company and of its
    /// people, each once.
    pub fn roll_up(&self, members: &[TraitValues], deals: &[Deal], as_of: Timestamp) -> RollUp {
        let named = |fits: &dyn Fn(&TraitSpec) -> bool| self.spec().traits.iter().find(|spec| fits(spec));
        let of = |spec: Option<&TraitSpec>| -> Vec<&Value> {
            members.iter().filter_map(|member| member.get(&spec?.name)).collect()
        };
        let seen = named(&|spec| matches!(spec.rule, TraitRule::LastSeen) && spec.window.is_none());
        let seen: Vec<Timestamp> = of(seen).into_iter().filter_map(instant).collect();
        let since = as_of.saturating_sub(ACTIVE);
        let active: Vec<Timestamp> = seen.iter().copied().filter(|at| *at > since && *at <= as_of).collect();
        let visits = of(named(&|spec| matches!(spec.rule, TraitRule::Visits) && spec.window == MONTH));
        let visits: Decimal = visits.into_iter().filter_map(number).sum();
        let scores = members.iter().filter_map(|member| number(member.get(SCORE)?));
        let mut rolled = TraitValues::new();
        let mut tell = |name: &str, value: Value| drop(rolled.insert(name.into(), value));
        tell("company.active_users_30d", Value::from(i64::try_from(active.len()).unwrap_or(i64::MAX)));
        tell("company.visits_30d", Value::Number(visits.normalize()));
        tell("company.score_lead_max", scores.max().map_or(Value::Null, Value::Number));
        tell("company.last_seen_at", seen.into_iter().max().map_or(Value::Null, Value::Instant));
        tell("company.open_pipeline", sales::pipeline(self.spec(), deals).told().0);
        (rolled, active.into_iter().min().map(|at| at.saturating_add(ACTIVE)))
    }

    /// The traits of people that a roll-up reads: where one of these changes, the company's change.
    pub fn rolled_up(&self) -> Vec<TraitName> {
        let read = |spec: &&TraitSpec| match &spec.rule {
            TraitRule::LastSeen => spec.window.is_none(),
            TraitRule::Visits => spec.window == MONTH,
            TraitRule::Sales(sales) => *sales == Sales::OpenPipeline,
            _ => false,
        };
        let traits = self.spec().traits.iter().filter(read).map(|spec| spec.name.clone());
        traits.chain([SCORE.into()]).collect()
    }
}

fn number(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => Some(*number),
        _ => None,
    }
}

fn instant(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Instant(at) => Some(*at),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::preset;

    #[test]
    fn people_come_to_something_together() {
        let model = Model::new(preset::b2b());
        let at = |day: i64| Timestamp::from_secs(86_400 * (20_000 + day));
        let one = |visits: i64, seen: i64, score: i64| {
            TraitValues::from([
                (TraitName::from("visits_30d"), Value::from(visits)),
                ("last_seen_at".into(), Value::Instant(at(seen))),
                ("score_lead".into(), Value::from(score)),
            ])
        };
        let (rolled, due) = model.roll_up(&[one(2, -3, 40), one(5, -29, 65), one(0, -30, 3)], &[], at(0));
        let want = [
            ("company.active_users_30d", Value::from(2)),
            ("company.last_seen_at", Value::Instant(at(-3))),
            ("company.open_pipeline", Value::from(0)),
            ("company.score_lead_max", Value::from(65)),
            ("company.visits_30d", Value::from(7)),
        ];
        let told: Vec<(&str, Value)> = rolled.iter().map(|(name, value)| (&**name, value.clone())).collect();
        assert_eq!(told, want);
        assert_eq!(due, Some(at(1)), "the second leaves the month");
        let (nobody, due) = model.roll_up(&[], &[], at(0));
        assert_eq!((&nobody["company.active_users_30d"], due), (&Value::from(0), None));
        let read: Vec<String> = model.rolled_up().iter().map(ToString::to_string).collect();
        assert_eq!(read, ["visits_30d", "last_seen_at", "open_pipeline", "score_lead"]);
    }
}
