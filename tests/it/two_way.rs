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
