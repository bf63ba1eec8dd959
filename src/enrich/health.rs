//! How a customer fares (`cdp-semantics` §3.2, `health`), and where somebody stands on the way to becoming one (`lifecycle`).

use std::collections::BTreeMap;
use std::time::Duration;

use connector::{DealStatus, Timestamp, Value};
use rust_decimal::Decimal;

use crate::enrich::commerce::text_of;
use crate::enrich::window::Due;
use crate::expr::Json;
use crate::model::{Deal, Fact};

/// Active within this is well.
const ACTIVE: Duration = Duration::from_secs(14 * 86_400);
/// Not active for this is not.
const LOST: Duration = Duration::from_secs(45 * 86_400);
/// Answers to "would you recommend us": from here on well, up to here not.
const PROMOTES: Decimal = Decimal::from_parts(7, 0, 0, false, 0);
const DETRACTS: Decimal = Decimal::from_parts(4, 0, 0, false, 0);

/// Every value of `health`.
pub const HEALTH: [&str; 3] = ["green", "amber", "red"];

/// Every stage of `lifecycle`, from first to last; of these Ferry finds `lead`, `mql`, `opportunity` and `customer`.
pub const LIFECYCLE: [&str; 7] = ["subscriber", "lead", "mql", "sql", "opportunity", "customer", "evangelist"];

/// Normal names of what opens and closes tickets.
pub(super) const TICKET_EVENTS: [&str; 2] = ["crm ticket opened", "crm ticket closed"];

/// What is kept of a ticket: 1 urgent, 2 not, 3 closed; and its id.
pub(super) fn keep_ticket(normal_name: &str, body: &Json<'_>) -> Option<(i64, String)> {
    let property = |keys: &[&str]| keys.iter().find_map(|key| text_of(body.at(&["properties", key])?));
    let id = property(&["ticket_id", "id"]).unwrap_or_default();
    if normal_name == "crm ticket closed" {
        return Some((3, id));
    }
    let urgent = property(&["priority", "severity"])
        .is_some_and(|priority| ["urgent", "critical", "highest", "p1"].contains(&priority.to_lowercase().as_str()));
    Some((if urgent { 1 } else { 2 }, id))
}

/// Whether an urgent ticket is open. `facts` by time, up to the instant.
pub(super) fn has_urgent_ticket(facts: &[&Fact]) -> bool {
    let mut tickets: BTreeMap<&str, bool> = BTreeMap::new();
    for fact in facts {
        tickets.insert(fact.text.as_deref().unwrap_or_default(), fact.number == 1);
    }
    tickets.values().any(|urgent| *urgent)
}

/// What `health` is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signs {
    pub last_active: Option<Timestamp>,
    pub nps: Option<Decimal>,
    pub urgent_ticket: bool,
}

/// A customer's health, and when it changes by itself.
pub(super) fn health(signs: Signs, as_of: Timestamp, due: &mut Due) -> &'static str {
    let within = |span: Duration| signs.last_active.is_some_and(|at| at > as_of.saturating_sub(span));
    if let Some(at) = signs.last_active {
        due.note(at.saturating_add(ACTIVE));
        due.note(at.saturating_add(LOST));
    }
    if !within(LOST) || signs.nps.is_some_and(|nps| nps <= DETRACTS) {
        "red"
    } else if within(ACTIVE) && signs.nps.is_none_or(|nps| nps >= PROMOTES) && !signs.urgent_ticket {
        "green"
    } else {
        "amber"
    }
}

/// Where somebody stands: who has bought is a customer, whose deal is open an opportunity, who is in the band of leads an MQL, who
/// is known a lead. Null before that.
pub(super) fn lifecycle(has_ordered: bool, deals: &[Deal], qualified: bool, known: bool) -> Value {
    let any = |status: DealStatus| deals.iter().any(|deal| deal.facts.status == status);
    if has_ordered || any(DealStatus::Won) {
        Value::from("customer")
    } else if any(DealStatus::Open) {
        Value::from("opportunity")
    } else if qualified {
        Value::from("mql")
    } else if known {
        Value::from("lead")
    } else {
        Value::Null
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activity_answers_and_tickets_decide() {
        let day = |days: i64| Timestamp::from_secs(86_400 * (1_000 + days));
        let of = |active: Option<i64>, nps: Option<i64>, urgent_ticket| {
            let signs = Signs { last_active: active.map(day), nps: nps.map(Decimal::from), urgent_ticket };
            health(signs, day(0), &mut Due::new(day(0)))
        };
        let cases = [
            (Some(-3), None, false, "green"),
            (Some(-3), Some(7), false, "green"),
            (Some(-3), Some(6), false, "amber"),
            (Some(-3), Some(4), false, "red"),
            (Some(-3), Some(9), true, "amber"),
            (Some(-14), None, false, "amber"),
            (Some(-44), Some(9), false, "amber"),
            (Some(-45), Some(9), false, "red"),
            (None, None, false, "red"),
        ];
        for (active, nps, urgent, want) in cases {
            assert_eq!(of(active, nps, urgent), want, "{active:?} {nps:?} {urgent}");
        }
    }
}
