//! The table of `cdp-semantics` §8.1, row by row, and what must hold for any values.

use proptest::prelude::*;

use super::*;

fn text(value: &str) -> Value {
    if value.is_empty() { Value::Null } else { value.into() }
}

fn step(direction: Direction, rule: Rule, base: Option<&str>, crm: &str, cdp: &str) -> Step {
    let base = base.map(text);
    let (crm, cdp) = (text(crm), text(cdp));
    compare(
        Policy { direction, rule, clear: false },
        Sides {
            base: base.as_ref(),
            crm: Some(&crm),
            cdp: &cdp,
            crm_changed_at: None,
            cdp_changed_at: None,
            verdict: None,
        },
    )
}

fn moves(step: &Step) -> (Option<String>, Option<String>) {
    (step.take.as_ref().map(Value::to_string), step.write.as_ref().map(Value::to_string))
}

#[test]
fn the_table() {
    use Direction::{Both, Pull, Push};
    use Rule::{CdpWins, CrmWins, FillIfEmpty, Manual};
    let (nothing, take, write) =
        ((None, None), |v: &str| (Some(v.to_owned()), None), |v: &str| (None, Some(v.to_owned())));
    let cases = [
        // (direction, rule, base, crm, cdp) → what moves
        (Both, CrmWins, Some("a"), "a", "a", nothing.clone()),
        (Both, CrmWins, Some("a"), "b", "a", take("b")),
        (Both, CrmWins, Some("a"), "a", "b", write("b")),
        (Both, CrmWins, Some("a"), "b", "b", nothing.clone()),
        (Both, CrmWins, Some("a"), "b", "c", take("b")),
        (Both, CdpWins, Some("a"), "b", "c", write("c")),
        (Both, Manual, Some("a"), "b", "c", nothing.clone()),
        (Both, CrmWins, None, "b", "c", take("b")),
        (Both, CrmWins, None, "", "c", write("c")),
        (Both, CrmWins, None, "b", "", take("b")),
        // The CRM emptied a field: the trait is cleared. The CDP lost a value: nothing travels.
        (Both, CrmWins, Some("a"), "", "a", take("")),
        (Both, CrmWins, Some("a"), "a", "", nothing.clone()),
        (Both, CdpWins, Some("a"), "b", "", take("b")),
        // One-way fields.
        (Pull, CrmWins, Some("a"), "a", "b", nothing.clone()),
        (Pull, CrmWins, None, "", "c", nothing.clone()),
        (Push, CdpWins, Some("a"), "b", "a", write("a")),
        (Push, CdpWins, Some("a"), "", "a", write("a")),
        (Push, CdpWins, None, "b", "c", write("c")),
        (Push, CrmWins, Some("a"), "b", "c", nothing.clone()),
        // Only an empty side is ever filled.
        (Push, FillIfEmpty, None, "b", "c", nothing.clone()),
        (Push, FillIfEmpty, None, "", "c", write("c")),
        (Push, FillIfEmpty, Some("a"), "a", "c", nothing.clone()),
        (Push, FillIfEmpty, Some("a"), "", "a", write("a")),
        (Both, FillIfEmpty, None, "b", "", take("b")),
    ];
    for (direction, rule, base, crm, cdp, want) in cases {
        let step = step(direction, rule, base, crm, cdp);
        assert_eq!(moves(&step), want, "{direction:?} {rule} base {base:?} crm {crm:?} cdp {cdp:?}");
    }
}

#[test]
fn newest_asks_the_times_and_a_tie_goes_to_the_crm() {
    let policy = Policy { direction: Direction::Both, rule: Rule::Newest, clear: false };
    let (base, crm, cdp) = (text("a"), text("b"), text("c"));
    for (crm_at, cdp_at, crm_won) in [(1, 2, false), (2, 1, true), (1, 1, true)] {
        let step = compare(
            policy,
            Sides {
                base: Some(&base),
                crm: Some(&crm),
                cdp: &cdp,
                crm_changed_at: Some(Timestamp::from_secs(crm_at)),
                cdp_changed_at: Some(Timestamp::from_secs(cdp_at)),
                verdict: None,
            },
        );
        assert_eq!(step.take.is_some(), crm_won);
    }
}

#[test]
fn joining_rules_move_both_sides_to_one_value() {
    let sides = |crm: &Value, cdp: &Value, rule| {
        compare(
            Policy { direction: Direction::Both, rule, clear: false },
            Sides { base: None, crm: Some(crm), cdp, crm_changed_at: None, cdp_changed_at: None, verdict: None },
        )
    };
    let list = |items: &[&str]| Value::List(items.iter().map(|i| (*i).into()).collect());
    let step = sides(&3.into(), &5.into(), Rule::Max);
    assert_eq!((step.take, step.write), (None, Some(5.into())));
    let step = sides(&3.into(), &5.into(), Rule::Min);
    assert_eq!((step.take, step.write), (Some(3.into()), None));
    let step = sides(&list(&["a", "b"]), &list(&["b", "c"]), Rule::Union);
    assert_eq!(step.take, Some(list(&["a", "b", "c"])));
    assert_eq!(step.write, Some(list(&["a", "b", "c"])));
    let step = sides(&"one".into(), &"two".into(), Rule::Append);
    assert_eq!(step.write, Some("one\ntwo".into()));
    let step = sides(&false.into(), &true.into(), Rule::MostRestrictive);
    assert_eq!((step.take, step.write), (None, Some(true.into())));
}

#[test]
fn an_opt_out_at_the_crm_is_never_loosened() {
    let policy = Policy { direction: Direction::Both, rule: Rule::MostRestrictive, clear: true };
    let (yes, no) = (Value::Bool(true), Value::Bool(false));
    let sides = Sides {
        base: Some(&yes),
        crm: Some(&yes),
        cdp: &no,
        crm_changed_at: None,
        cdp_changed_at: None,
        verdict: None,
    };
    assert_eq!(compare(policy, sides).write, None);
}

#[test]
fn a_verdict_settles_a_manual_conflict() {
    let (base, crm, cdp) = (text("a"), text("b"), text("c"));
    let policy = Policy { direction: Direction::Both, rule: Rule::Manual, clear: false };
    let sides = |verdict| Sides {
        base: Some(&base),
        crm: Some(&crm),
        cdp: &cdp,
        crm_changed_at: None,
        cdp_changed_at: None,
        verdict,
    };
    assert_eq!(compare(policy, sides(None)).notice, Some(Notice::Manual));
    assert_eq!(compare(policy, sides(Some(Side::Crm))).take, Some(crm.clone()));
    assert_eq!(compare(policy, sides(Some(Side::Cdp))).write, Some(cdp.clone()));
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![Just(Value::Null), (0i64..4).prop_map(Value::from)]
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let directions = prop_oneof![Just(Direction::Pull), Just(Direction::Push), Just(Direction::Both)];
    let rules = (0usize..Rule::ALL.len()).prop_map(|at| Rule::ALL[at]);
    (directions, rules, any::<bool>()).prop_map(|(direction, rule, clear)| Policy { direction, rule, clear })
}

proptest! {
    /// Whatever the values: a step writes only what differs from the CRM, takes only what differs from the CDP, respects
    /// direction and null policy, and doing what it says leads to rest within two looks.
    #[test]
    fn every_step_is_lawful_and_leads_to_rest(
        policy in any_policy(),
        base in proptest::option::of(any_value()),
        crm in any_value(),
        cdp in any_value(),
    ) {
        let (mut base, mut crm, mut cdp) = (base, crm, cdp);
        let mut moved = true;
        for look in 0..3 {
            let step = compare(policy, Sides {
                base: base.as_ref(), crm: Some(&crm), cdp: &cdp,
                crm_changed_at: None, cdp_changed_at: None, verdict: None,
            });
            if let Some(written) = &step.write {
                prop_assert!(policy.direction.pushes());
                prop_assert_ne!(written, &crm);
                prop_assert!(!written.is_null() || policy.clear);
                prop_assert!(policy.rule != Rule::FillIfEmpty || crm.is_null());
            }
            if let Some(taken) = &step.take {
                prop_assert!(policy.direction.pulls());
                prop_assert_ne!(taken, &cdp);
            }
            moved = step.write.is_some() || step.take.is_some();
            if let Some(taken) = step.take { cdp = taken; }
            if let Some(written) = step.write { crm = written.clone(); base = Some(written); }
            if let Some(agreed) = step.agreed { base = Some(agreed); }
            if !moved { break; }
            prop_assert!(look < 2);
        }
        prop_assert!(!moved);
    }
}
