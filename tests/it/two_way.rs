//! The three-way core, end to end: what comes in, what goes out, what must not move.

use connector::Value;
use ferry::model::RunState;

use crate::world::World;

#[tokio::test]
async fn a_pulled_contact_is_enriched_and_a_second_cycle_writes_nothing() {
    let world = World::new();
    let ada = world.contact(&[("email", "ada@acme.example"), ("firstname", "Ada")]);
    let pushed = world.sync().await;
    assert_eq!((pushed.state, pushed.counts.updated), (RunState::Done, 1));
    let profile = world.profile("email:ada@acme.example").await;
    assert_eq!(world.value(&ada, "cdp_profile_id"), Value::text(profile.profile.uid.to_string()));
    assert_eq!(profile.profile.value("first_name"), &Value::from("Ada"));
    assert_eq!(world.value(&ada, "cdp_page_views_30d"), Value::from(0));
    let seq = world.seq();
    for _ in 0..2 {
        let pushed = world.sync().await;
        assert_eq!((pushed.state, pushed.counts.updated), (RunState::Done, 0));
    }
    assert_eq!(world.written_since(seq), [], "echo: nothing changed, nothing is written");
    assert_eq!(world.codes().await.len(), 0);
}

#[tokio::test]
async fn a_merge_keeps_what_the_crm_kept_and_writes_no_value_of_the_loser() {
    let world = World::new();
    let ada = world.contact(&[("email", "ada@acme.example"), ("firstname", "Ada")]);
    world.advance(std::time::Duration::from_secs(60));
    let twin = world.contact(&[("email", "ada.l@acme.example"), ("firstname", "Adah")]);
    world.sync().await;
    world.advance(std::time::Duration::from_secs(60));
    assert!(world.crm.merge(&connector::Object::Contact, &ada, &twin));
    world.sync().await;
    world.sync().await;
    assert_eq!(world.value(&ada, "email"), Value::from("ada@acme.example"));
    assert_eq!(world.value(&ada, "firstname"), Value::from("Ada"));
    let joined = world.profile("email:ada.l@acme.example").await;
    assert_eq!(joined.profile.value("email"), &Value::from("ada@acme.example"));
    assert_eq!(joined.profile.uid, world.profile("email:ada@acme.example").await.profile.uid);
}
