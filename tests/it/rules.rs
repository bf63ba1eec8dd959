//! Directions, conflict rules and the null policy, from one shore to the other (`cdp-semantics` §8.1, 8.4).

use std::time::Duration;

use connector::{FieldKind, Object, RecordId, Value};
use connector_conformance::memory::field;
use ferry::model::{DeadLetterCode, RunState, Side};
use serde_json::{Value as Json, json};

use crate::world::{World, mapped};

const ADA: &str = "ada@acme.example";

/// A world in which both sides have agreed on `value` of one field.
async fn agreed(name: &str, rest: &str, value: &str) -> (World, RecordId) {
    let world = World::with(&mapped(&format!("{name} = {{ field = \"{name}\", {rest} }}")));
    if name == "age" {
        world.crm.define(&Object::Contact, field("age", FieldKind::Integer));
    }
    let ada = world.contact(&[("email", ADA), (name, value)]);
    cycles(&world).await;
    world.advance(Duration::from_secs(60));
    (world, ada)
}

async fn cycles(world: &World) {
    for _ in 0..2 {
        world.advance(Duration::from_secs(60));
        world.pull().await;
        // A connection that writes nothing has no push.
        world.app.push(world.connection(), Default::default(), &()).await.unwrap();
    }
}

#[tokio::test]
#[allow(clippy::type_complexity, reason = "a table")]
async fn every_rule_ends_a_conflict_as_it_says() {
    // rule, trait, before, the rep's, ours, whether the rep is later; then: CRM, ours
    let cases: &[(&str, &str, &str, &str, Json, bool, &str, &str)] = &[
        ("crm_wins", "city", "Bern", "Oslo", json!("Rome"), false, "Oslo", "Oslo"),
        ("cdp_wins", "city", "Bern", "Oslo", json!("Rome"), false, "Rome", "Rome"),
        ("newest", "city", "Bern", "Oslo", json!("Rome"), false, "Rome", "Rome"),
        ("newest", "city", "Bern", "Oslo", json!("Rome"), true, "Oslo", "Oslo"),
        ("fill_if_empty", "city", "Bern", "Oslo", json!("Rome"), false, "Oslo", "Rome"),
        ("manual", "city", "Bern", "Oslo", json!("Rome"), false, "Oslo", "Rome"),
        ("append", "city", "Bern", "Oslo", json!("Rome"), false, "Oslo\nRome", "Oslo\nRome"),
        ("max", "age", "40", "41", json!(44), false, "44", "44"),
        ("max", "age", "40", "44", json!(41), false, "44", "44"),
        ("min", "age", "40", "30", json!(20), true, "20", "20"),
    ];
    for (rule, name, before, theirs, ours, rep_is_later, crm, cdp) in cases {
        let rest = format!("direction = \"both\", conflict = \"{rule}\"");
        let (world, ada) = agreed(name, &rest, before).await;
        for rep in [!rep_is_later, *rep_is_later] {
            world.advance(Duration::from_secs(10));
            if rep {
                world.crm.edit(&Object::Contact, &ada, [(*name, *theirs)]);
            } else {
                world.identify(ADA, json!({ *name: ours })).await;
            }
        }
        cycles(&world).await;
        let told = format!("{rule}, the rep later: {rep_is_later}");
        assert_eq!(world.value(&ada, name).to_string(), *crm, "{told}: the CRM");
        assert_eq!(world.trait_of(ADA, name).await.to_string(), *cdp, "{told}: ours");
        let seq = world.seq();
        cycles(&world).await;
        assert_eq!(world.written_since(seq), [], "{told}: at rest");
    }
}

#[tokio::test]
async fn a_single_change_travels_as_far_as_the_direction_lets_it() {
    for (direction, to_crm, to_us) in [("both", true, true), ("push", true, false), ("pull", false, true)] {
        let (world, ada) = agreed("city", &format!("direction = \"{direction}\""), "Bern").await;
        world.identify(ADA, json!({"city": "Rome"})).await;
        cycles(&world).await;
        assert_eq!(world.value(&ada, "city") == "Rome".into(), to_crm && direction == "both", "{direction}, out");
        let (world, ada) = agreed("city", &format!("direction = \"{direction}\""), "Bern").await;
        world.crm.edit(&Object::Contact, &ada, [("city", "Oslo")]);
        cycles(&world).await;
        assert_eq!(world.profile(ADA).await.profile.value("city") == &"Oslo".into(), to_us, "{direction}, in");
    }
}

#[tokio::test]
async fn a_field_of_ours_that_a_rep_edits_is_put_right() {
    let (world, ada) = agreed("city", "direction = \"push\", conflict = \"cdp_wins\"", "").await;
    world.identify(ADA, json!({"city": "Rome"})).await;
    cycles(&world).await;
    world.crm.edit(&Object::Contact, &ada, [("city", "Oslo")]);
    cycles(&world).await;
    assert_eq!(world.value(&ada, "city"), "Rome".into());
    assert_eq!(world.mirror_of(&ada, "city").await.unwrap().drifts, 1);
    world.assert_rest().await;
}

#[tokio::test]
async fn a_manual_conflict_waits_for_a_verdict_and_the_next_one_for_another() {
    for (side, want) in [(Side::Crm, "Oslo"), (Side::Cdp, "Rome")] {
        let (world, ada) = agreed("city", "direction = \"both\", conflict = \"manual\"", "Bern").await;
        for round in 0..2 {
            let (theirs, ours) = if round == 0 { ("Oslo", "Rome") } else { ("Oslo 2", "Rome 2") };
            world.crm.edit(&Object::Contact, &ada, [("city", theirs)]);
            world.identify(ADA, json!({"city": ours})).await;
            cycles(&world).await;
            assert_eq!(world.value(&ada, "city"), theirs.into(), "neither side moves by itself (round {round})");
            assert_eq!(world.trait_of(ADA, "city").await, ours.into());
            assert_eq!(world.codes().await, [("conflict_manual", 1)].into());
            world.retry(DeadLetterCode::ConflictManual, Some(side)).await;
            assert_eq!(world.push().await.state, RunState::Done);
            let want = if round == 0 { want.to_owned() } else { format!("{want} 2") };
            assert_eq!(world.value(&ada, "city"), want.as_str().into(), "{side:?}, round {round}");
            assert_eq!(world.trait_of(ADA, "city").await, want.as_str().into());
            cycles(&world).await;
            assert_eq!(world.codes().await.len(), 0);
        }
        world.assert_rest().await;
    }
}

#[tokio::test]
async fn absence_never_clears_and_null_clears_only_where_the_mapping_says_so() {
    for (clear, left) in [(false, Value::from("Rome")), (true, Value::Null)] {
        let (world, ada) = agreed("city", &format!("direction = \"both\", clear = {clear}"), "").await;
        world.identify(ADA, json!({"city": "Rome"})).await;
        cycles(&world).await;
        assert_eq!(world.value(&ada, "city"), "Rome".into());
        // Nothing said about the city: nothing happens to it.
        world.identify(ADA, json!({"phone": "1"})).await;
        cycles(&world).await;
        assert_eq!(world.value(&ada, "city"), "Rome".into(), "absence");
        world.identify(ADA, json!({"city": null})).await;
        assert_eq!(world.trait_of(ADA, "city").await, Value::Null);
        cycles(&world).await;
        assert_eq!(world.value(&ada, "city"), left, "null, clear = {clear}");
    }
}

#[tokio::test]
async fn a_value_the_crm_empties_is_cleared_here() {
    let (world, ada) = agreed("city", "direction = \"both\"", "Bern").await;
    world.crm.edit(&Object::Contact, &ada, [("city", Value::Null)]);
    cycles(&world).await;
    assert_eq!(world.trait_of(ADA, "city").await, Value::Null);
    world.assert_rest().await;
}

#[tokio::test]
async fn at_first_sight_an_empty_side_is_filled_and_two_values_are_a_conflict() {
    let lines = "city = { field = \"city\" }\nphone = { field = \"phone\" }\ncountry = { field = \"country\" }\n";
    let world = World::with(&mapped(lines));
    world.identify(ADA, json!({"city": "Rome", "phone": "1"})).await;
    let ada = world.contact(&[("email", ADA), ("phone", "2"), ("country", "DE")]);
    cycles(&world).await;
    let held = ["city", "phone", "country"].map(|name| world.value(&ada, name).to_string());
    assert_eq!(held, ["Rome", "2", "DE"], "filled, the CRM's, the CRM's");
    let profile = world.profile(ADA).await.profile;
    assert_eq!(["city", "phone", "country"].map(|name| profile.value(name).to_string()), held);
    world.assert_rest().await;
}
