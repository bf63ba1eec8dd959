//! Whose a record or an event is, end to end.

use connector::{Object, RecordId, Value};
use ferry::model::RunState;

use crate::tricks::Trick;
use crate::world::{World, configured, mapped};

fn creating() -> String {
    configured("", "\n[crm.create]\ncontact = \"known\"\n", "profile_id = \"cdp_profile_id\"").replacen(
        "direction = \"pull\"",
        "direction = \"both\"",
        1,
    )
}

#[tokio::test]
async fn a_contact_we_made_is_ours_even_if_its_address_was_edited_before_we_heard_of_it() {
    let (mut world, tricky) = World::tricked(&creating());
    world.sync().await;
    world.identify("new@acme.example", serde_json::json!({})).await;
    tricky.play(Trick::DieAfterPush);
    world.push_and_die(&tricky).await;
    let made: Vec<RecordId> = world.crm.ids(&Object::Contact);
    assert_eq!(made.len(), 1, "it was made, and nobody has told us");
    world.crm.edit(&Object::Contact, &made[0], connector::Fields::from([("email", "other@acme.example")]));
    world.advance(std::time::Duration::from_secs(3_600));
    for run in world.pull().await {
        assert_eq!(run.state, RunState::Done, "{run:?}");
    }
    let profile = world.profile("email:new@acme.example").await;
    let linked: Vec<RecordId> = profile.records.iter().map(|record| record.key.id.clone()).collect();
    assert_eq!(linked, made, "its profile id tells");
    assert_eq!(world.trait_of("other@acme.example", "email").await, Value::from("other@acme.example"));
    world.sync().await;
    assert_eq!(world.crm.ids(&Object::Contact).len(), 1);
    world.assert_rest().await;
}

#[tokio::test]
async fn somebody_else_on_a_known_persons_laptop_stays_somebody_else() {
    let world = World::with(&mapped(""));
    let login = |user: &str, id: &str| {
        format!(
            r#"{{"type":"identify","messageId":"{id}","userId":"{user}","anonymousId":"laptop",
                "traits":{{"email":"{user}@acme.example"}},"timestamp":"2026-11-02T08:00:00Z"}}"#
        )
    };
    world.message(&login("ada", "1")).await.unwrap();
    world.message(&login("bob", "2")).await.unwrap();
    let (ada, bob) = (world.profile("user_id:ada").await, world.profile("user_id:bob").await);
    assert_ne!(ada.profile.id, bob.profile.id);
    assert_eq!(world.profile("email:bob@acme.example").await.profile.id, bob.profile.id);
    assert_eq!(ada.profile.value("email"), &Value::from("ada@acme.example"));
    assert_eq!(world.app.store.stats().await.unwrap().identity_conflicts, 1);
    // The next login of each goes to each.
    world.message(&login("bob", "3")).await.unwrap();
    world.message(&login("ada", "4")).await.unwrap();
    assert_eq!((world.profile("user_id:ada").await.events, world.profile("user_id:bob").await.events), (2, 2));
}
