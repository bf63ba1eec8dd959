//! Both sides changed and differ: the field's rule decides, within its direction.

use std::sync::Arc;

use connector::Value;

use super::{Notice, Policy, Sides, Step, guarded_write, take};
use crate::model::{Rule, Side};

pub(super) fn decide(policy: Policy, sides: Sides<'_>, crm: &Value, cdp: &Value) -> Step {
    let winner = match policy.rule {
        Rule::CrmWins => Side::Crm,
        Rule::CdpWins => Side::Cdp,
        Rule::Newest => newest(sides),
        Rule::FillIfEmpty => {
            // Both set: nobody is overwritten. One empty: the other fills it.
            return match (crm.is_null(), cdp.is_null()) {
                (true, false) => settle(policy, Side::Cdp, crm, cdp),
                (false, true) => settle(policy, Side::Crm, crm, cdp),
                _ => Step { notice: Some(Notice::Conflict), ..Step::default() },
            };
        }
        Rule::Manual => return Step { notice: Some(Notice::Manual), ..Step::default() },
        Rule::Max | Rule::Min | Rule::Union | Rule::Append | Rule::MostRestrictive => {
            return match joined(policy.rule, crm, cdp) {
                Some(value) => meet(policy, crm, cdp, value),
                None => settle(policy, Side::Crm, crm, cdp),
            };
        }
    };
    settle(policy, winner, crm, cdp)
}

/// The winner's value goes to the other side where the direction lets it.
fn settle(policy: Policy, winner: Side, crm: &Value, cdp: &Value) -> Step {
    let step = match winner {
        Side::Crm if policy.direction.pulls() => take(crm),
        Side::Cdp if policy.direction.pushes() => {
            let step = guarded_write(policy, crm, cdp);
            // We lost our value and may not clear theirs: theirs stands on both sides.
            if step.write.is_none() && cdp.is_null() && policy.direction.pulls() { take(crm) } else { step }
        }
        _ => Step::default(),
    };
    Step { notice: Some(Notice::Conflict), ..step }
}

/// Both sides move to one value made of both.
fn meet(policy: Policy, crm: &Value, cdp: &Value, value: Value) -> Step {
    let takes = policy.direction.pulls() && value != *cdp;
    let writes = policy.direction.pushes() && value != *crm;
    Step {
        agreed: (!writes && (takes || value == *cdp)).then(|| value.clone()),
        take: takes.then(|| value.clone()),
        write: writes.then_some(value),
        notice: Some(Notice::Conflict),
    }
}

/// The one value a joining rule makes of two; `None` for other rules and for values it cannot join.
pub(super) fn joined(rule: Rule, crm: &Value, cdp: &Value) -> Option<Value> {
    if !matches!(rule, Rule::Max | Rule::Min | Rule::Union | Rule::Append | Rule::MostRestrictive) {
        return None;
    }
    match (crm, cdp) {
        (Value::Null, other) | (other, Value::Null) => return Some(other.clone()),
        _ => {}
    }
    match (rule, crm, cdp) {
        (Rule::Max, _, _) if same_kind(crm, cdp) => Some(crm.max(cdp).clone()),
        (Rule::Min, _, _) if same_kind(crm, cdp) => Some(crm.min(cdp).clone()),
        (Rule::Union | Rule::Append, Value::List(theirs), Value::List(ours)) => {
            let mut all: Vec<Arc<str>> = theirs.iter().chain(ours).cloned().collect();
            all.sort();
            all.dedup();
            Some(Value::List(all))
        }
        (Rule::Append, Value::Text(theirs), Value::Text(ours)) => {
            // Line by line: what one side has taken over from the other already is not added again.
            let added: Vec<&str> = ours.lines().filter(|line| !theirs.lines().any(|have| have == *line)).collect();
            let there = added.is_empty() || theirs.contains(&**ours);
            Some(if there { crm.clone() } else { Value::text(format!("{theirs}\n{}", added.join("\n"))) })
        }
        (Rule::MostRestrictive, Value::Bool(theirs), Value::Bool(ours)) => Some(Value::Bool(*theirs || *ours)),
        _ => None,
    }
}

fn same_kind(a: &Value, b: &Value) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

/// A tie or a missing time goes to the CRM.
fn newest(sides: Sides<'_>) -> Side {
    match (sides.crm_changed_at, sides.cdp_changed_at) {
        (Some(crm), Some(cdp)) if cdp > crm => Side::Cdp,
        _ => Side::Crm,
    }
}
