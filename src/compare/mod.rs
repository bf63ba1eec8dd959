//! FLOOR 2 — pure: the three-way compare of one field (`cdp-semantics` §8.1–8.4), used by pull and push alike.
//!
//! Three values meet, all canonical and in the CRM's terms: the **base** both sides last agreed on, the **CRM**'s value and
//! the **CDP**'s. A side that differs from the base has changed. One changed side moves the other, as far as the field's
//! direction lets it; two changed sides that differ are a conflict, and the field's rule decides. Emptiness never travels to
//! the CRM unless the field says `clear`.

mod conflict;
mod kept;

use connector::{Timestamp, Value};

pub use kept::is_normalisation;

use crate::model::{Direction, MirrorField, Rule, Side};

/// How a field may move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    pub direction: Direction,
    pub rule: Rule,
    /// Whether an empty CDP value may empty the CRM's field.
    pub clear: bool,
}

/// What is known of one field of one record.
#[derive(Clone, Copy, Debug)]
pub struct Sides<'a> {
    /// `None` before the first agreement.
    pub base: Option<&'a Value>,
    /// `None` where the CRM's value was never seen.
    pub crm: Option<&'a Value>,
    pub cdp: &'a Value,
    /// When each side's value became what it is, where known: for [`Rule::Newest`].
    pub crm_changed_at: Option<Timestamp>,
    pub cdp_changed_at: Option<Timestamp>,
    /// A person's answer to a manual conflict.
    pub verdict: Option<Side>,
}

/// What follows for one field. At most one of the moves changes each side.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// The value the CDP takes over, in the CRM's terms; `Null` clears the trait.
    pub take: Option<Value>,
    /// The value to be written to the CRM; `Null` clears the field.
    pub write: Option<Value>,
    /// Both sides hold this now: the new base.
    pub agreed: Option<Value>,
    pub notice: Option<Notice>,
}

/// What deserves counting or telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Both sides changed and the rule decided.
    Conflict,
    /// Both sides changed and the rule leaves it to a person.
    Manual,
    /// Somebody at the CRM changed a field that only Ferry writes.
    Drift,
}

/// The value the CDP wants, seen through what the mirror learned: where the CRM kept another form of what was written,
/// wanting the same again is no change (`reliability` §B 37).
pub fn wanted<'a>(field: Option<&'a MirrorField>, cdp: &'a Value) -> &'a Value {
    match field {
        Some(MirrorField { sent: Some(sent), base: Some(base), .. }) if sent == cdp => base,
        _ => cdp,
    }
}

/// Decides one field. Total and pure.
pub fn compare(policy: Policy, sides: Sides<'_>) -> Step {
    const NULL: &Value = &Value::Null;
    let (pulls, pushes) = (policy.direction.pulls(), policy.direction.pushes());
    let crm = sides.crm.unwrap_or(NULL);
    let cdp = sides.cdp;
    if crm == cdp {
        // Never seen is not the same as empty: an agreement needs the CRM's word.
        return Step { agreed: sides.crm.cloned(), ..Step::default() };
    }
    if let Some(side) = sides.verdict {
        return match side {
            Side::Crm => take(crm),
            Side::Cdp => write(cdp),
        };
    }
    let Some(base) = sides.base else {
        return first_sight(policy, sides, crm, cdp);
    };
    match (cdp != base, crm != base) {
        (false, true) if pulls => take(crm),
        (false, true) => drifted(policy, crm, cdp),
        (true, false) if pushes => guarded_write(policy, crm, cdp),
        (true, true) => conflict::decide(policy, sides, crm, cdp),
        _ => Step::default(),
    }
}

/// No base yet: an empty side is filled where the direction lets it; two different values are a conflict.
fn first_sight(policy: Policy, sides: Sides<'_>, crm: &Value, cdp: &Value) -> Step {
    let (pulls, pushes) = (policy.direction.pulls(), policy.direction.pushes());
    match (crm.is_null(), cdp.is_null()) {
        (true, false) if pushes => write(cdp),
        (false, true) if pulls => take(crm),
        (false, false) => conflict::decide(policy, sides, crm, cdp),
        _ => Step::default(),
    }
}

/// A push-only field was changed at the CRM. Ours is restored, unless the rule only fills empty fields or a person is to
/// decide; restoring never clears.
fn drifted(policy: Policy, crm: &Value, cdp: &Value) -> Step {
    let step = match policy.rule {
        Rule::FillIfEmpty => guarded_write(policy, crm, cdp),
        Rule::CrmWins => Step::default(),
        Rule::Manual => return Step { notice: Some(Notice::Manual), ..Step::default() },
        rule => match conflict::joined(rule, crm, cdp) {
            Some(joined) if joined == *crm => Step::default(),
            Some(joined) => write(&joined),
            None => guarded_write(policy, crm, cdp),
        },
    };
    Step { notice: Some(Notice::Drift), ..step }
}

/// A write that respects the null policy and `fill_if_empty`.
fn guarded_write(policy: Policy, crm: &Value, cdp: &Value) -> Step {
    let clears = cdp.is_null() && !policy.clear;
    let fills = policy.rule == Rule::FillIfEmpty && !crm.is_null();
    // An opt-out at the CRM stands, whatever our side says.
    let loosens = policy.rule == Rule::MostRestrictive && *crm == Value::Bool(true);
    if clears || fills || loosens { Step::default() } else { write(cdp) }
}

fn take(value: &Value) -> Step {
    Step { take: Some(value.clone()), agreed: Some(value.clone()), ..Step::default() }
}

fn write(value: &Value) -> Step {
    Step { write: Some(value.clone()), ..Step::default() }
}

#[cfg(test)]
mod tests;
