//! Records that die, come back, or become one with another (`reliability` §B.3) while Ferry has something to say to them.

use std::time::Duration;

use connector::{Object, Value};
use connector_conformance::memory::{Actor, ChangeKind};
use ferry::model::RunState;
use serde_json::json;

use crate::tricks::Trick;
use crate::world::{World, configured, mapped};

const CITY: &str = r#"city = { field = "city", direction = "push", conflict = "cdp_wins" }"#;
const BOTH: &str = r#"city = { field = "city", direction = "both", conflict = "crm_wins" }"#;

/// No write by us to a record after it was deleted or merged away, and no record of ours beside it.
fn assert_untouched(world: &World, id: &connector::RecordId) {
    let ledger = world.crm.ledger();
    let died = ledger
        .iter()
        .find(|entry| (entry.kind == ChangeKind::Delete && entry.record == *id) || entry.other.as_ref() == Some(id));
    let died = died.map_or(u64::MAX, |entry| entry.seq);
    let touched = ledger.iter().filter(|entry| entry.by == Actor::Us && entry.record == *id && entry.seq > died);
    assert_eq!(touched.count(), 0);
}

#[tokio::test]
async fn scenario_32_a_merge_at_the_crm_takes_the_queued_push_to_the_survivor() {
    for follows in [false, true] {
        let world = World::with(&mapped(CITY));
        world.crm.set_follows_merges(follows);
        let (winner, loser) =
            (world.contact(&[("email", "ada@acme.example")]), world.contact(&[("email", "ada@old.example")]));
        world.sync().await;
        world.identify("ada@old.example", json!({"city": "Bern"})).await;
        world.advance(Duration::from_secs(5));
        assert!(world.crm.merge(&Object::Contact, &winner, &loser));
        // The push does not know of the merge yet; the CRM's answer tells.
        let run = world.push().await;
        assert_eq!(run.counts.failed, 0, "{run:?}");
        for _ in 0..2 {
            world.advance(Duration::from_secs(60));
            world.sync().await;
        }
        assert_eq!(world.value(&winner, "city"), "Bern".into());
        assert_untouched(&world, &loser);
        let profile = world.profile("email:ada@acme.example").await;
        assert_eq!(world.profile("email:ada@old.example").await.profile.id, profile.profile.id, "one person");
        assert_eq!(world.profile(&format!("crm:acme:contact:{loser}")).await.profile.id, profile.profile.id);
        assert_eq!(profile.records.len(), 1);
        assert_eq!(world.codes().await.len(), 0);
        world.assert_rest().await;
    }
}

#[tokio::test]
async fn scenario_32_a_merge_that_was_pulled_first_moves_what_is_queued() {
    let world = World::with(&mapped(CITY));
    let (winner, loser) =
        (world.contact(&[("email", "ada@acme.example")]), world.contact(&[("email", "ada@old.example")]));
    world.sync().await;
    world.identify("ada@old.example", json!({"city": "Bern"})).await;
    world.crm.set_daily_limit(0, world.crm.now().saturating_add(Duration::from_secs(1_000)));
    world.push().await;
    world.advance(Duration::from_secs(1_001));
    world.crm.merge(&Object::Contact, &winner, &loser);
    world.crm.set_daily_limit(1_000, world.crm.now().saturating_add(Duration::from_secs(86_400)));
    world.sync().await;
    assert_eq!(world.value(&winner, "city"), "Bern".into());
    assert_untouched(&world, &loser);
    world.assert_rest().await;
}

#[tokio::test]
async fn scenario_33_a_record_deleted_while_we_push_is_never_written_or_made_again() {
    let creating = "[crm.create]\ncontact = \"known\"\n";
    let lines = format!("profile_id = \"cdp_profile_id\"\n{CITY}");
    for connection in ["", creating] {
        let world = World::with(&configured("", connection, &lines));
        let ada = world.contact(&[("email", "ada@acme.example")]);
        world.sync().await;
        world.identify("ada@acme.example", json!({"city": "Bern"})).await;
        world.crm.delete(&Object::Contact, &ada);
        let run = world.push().await;
        assert_eq!((run.state, run.counts.deleted, run.counts.failed), (RunState::Done, 1, 0), "{run:?}");
        for city in ["Rome", "Oslo"] {
            world.identify("ada@acme.example", json!({"city": city})).await;
            world.advance(Duration::from_secs(60));
            world.sync().await;
        }
        assert_untouched(&world, &ada);
        assert_eq!(world.crm.ids(&Object::Contact).len(), 0, "not made again, even where unknown people are made");
        let profile = world.profile("email:ada@acme.example").await;
        assert!(profile.records[0].archived, "a tombstone, and the person stays");
        world.assert_rest().await;
    }
}

#[tokio::test]
async fn scenario_33_a_record_deleted_in_the_middle_of_a_lost_answer_is_not_made_again() {
    let (mut world, tricky) = World::tricked(&mapped(CITY));
    let ada = world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    world.identify("ada@acme.example", json!({"city": "Bern"})).await;
    tricky.play(Trick::DieAfterPush);
    world.push_and_die(&tricky).await;
    world.crm.delete(&Object::Contact, &ada);
    assert_eq!(world.push().await.state, RunState::Done);
    assert_untouched(&world, &ada);
    assert_eq!(world.outbox().await.len(), 0);
    world.assert_rest().await;
}

#[tokio::test]
async fn scenario_34_a_record_brought_back_is_pulled_and_written_again() {
    let world = World::with(&mapped(CITY));
    let ada = world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    world.advance(Duration::from_secs(60));
    world.crm.delete(&Object::Contact, &ada);
    world.advance(Duration::from_secs(60));
    world.sync().await;
    let profile = world.profile("email:ada@acme.example").await;
    assert!(profile.records[0].archived);
    world.identify("ada@acme.example", json!({"city": "Bern"})).await;
    world.sync().await;
    world.advance(Duration::from_secs(60));
    world.crm.restore(&Object::Contact, &ada);
    world.advance(Duration::from_secs(60));
    world.sync().await;
    assert_eq!(world.value(&ada, "city"), "Bern".into(), "the tombstone is lifted");
    let back = world.profile("email:ada@acme.example").await;
    assert_eq!(back.profile.id, profile.profile.id, "the same person as before");
    assert_eq!((back.records.len(), back.records[0].archived), (1, false));
    world.assert_rest().await;
}

#[tokio::test]
async fn scenario_41_two_records_of_one_person_are_a_duplicate_for_people_to_merge() {
    let world = World::with(&mapped(CITY));
    let first = world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    world.advance(Duration::from_secs(60));
    let second = world.contact(&[("email", "ada@acme.example")]);
    world.identify("ada@acme.example", json!({"city": "Bern"})).await;
    world.pull().await;
    assert_eq!(world.codes().await, [("identity_ambiguous", 1)].into());
    world.push().await;
    assert_eq!(world.value(&first, "city"), "Bern".into());
    assert_eq!(world.value(&second, "city"), Value::Null, "enrichment goes to neither by guessing");
    world.advance(Duration::from_secs(60));
    world.crm.merge(&Object::Contact, &first, &second);
    for _ in 0..2 {
        world.advance(Duration::from_secs(60));
        world.sync().await;
    }
    assert_eq!(world.profile("email:ada@acme.example").await.records.len(), 1);
    world.assert_rest().await;
}

#[tokio::test]
async fn a_contact_whose_address_changes_stays_the_same_person() {
    let world = World::with(&mapped(BOTH));
    let ada = world.contact(&[("email", "ada@acme.example"), ("city", "Bern")]);
    world.sync().await;
    let before = world.profile("email:ada@acme.example").await.profile.id;
    world.advance(Duration::from_secs(60));
    world.crm.edit(&Object::Contact, &ada, [("email", "ada@new.example")]);
    world.advance(Duration::from_secs(60));
    world.sync().await;
    assert_eq!(world.profile("email:ada@new.example").await.profile.id, before);
    world.assert_rest().await;
}
