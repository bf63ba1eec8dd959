//! Scenario 41 of the reliability list: what the CRM holds twice, or a person holds twice, is never guessed about: it becomes a question.

use std::time::Duration;

use connector::RecordId;
use ferry::model::RunState;
use serde_json::json;

use crate::world::{World, mapped};

const CITY: &str = r#"city = { field = "city", direction = "push", conflict = "cdp_wins" }"#;
const WORK: &str = "email:ada@acme.example";
const PRIVATE: &str = "email:ada@home.example";

/// Open questions: reason and value.
fn questions(world: &World) -> Vec<String> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let database = rusqlite::Connection::open_with_flags(&world.app.settings.store_path, flags).unwrap();
    let mut statement =
        database.prepare("SELECT reason || ' ' || value FROM review WHERE answer IS NULL ORDER BY id").unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

async fn tell(world: &World, id: &str, user: Option<&str>, email: &str, traits: serde_json::Value) {
    world.advance(Duration::from_secs(60));
    let now = connector::Clock::now(&*world.clock).to_rfc3339();
    let mut traits = traits;
    traits["email"] = email.into();
    let message = json!({ "type": "identify", "messageId": id, "userId": user, "timestamp": now, "traits": traits });
    world.message(&message.to_string()).await.unwrap();
}

async fn records(world: &World, key: &str) -> Vec<RecordId> {
    let records = world.profile(key).await.records;
    records.iter().filter(|record| !record.archived).map(|record| record.key.id.clone()).collect()
}

#[tokio::test]
async fn scenario_41_one_profile_with_two_addresses_and_a_record_for_each_is_a_question() {
    let world = World::with(&mapped(CITY));
    tell(&world, "1", Some("u-ada"), "ada@acme.example", json!({})).await;
    tell(&world, "2", Some("u-ada"), "ada@home.example", json!({ "city": "Bern" })).await;
    assert_eq!(world.profile(WORK).await.profile.id, world.profile(PRIVATE).await.profile.id, "a second one is normal");
    let first = world.contact(&[("email", "ada@acme.example")]);
    world.advance(Duration::from_secs(60));
    let second = world.contact(&[("email", "ada@home.example")]);
    world.pull().await;
    world.compute().await;
    assert_eq!(records(&world, WORK).await, std::slice::from_ref(&first), "one record is hers");
    assert_eq!(world.codes().await, [("identity_ambiguous", 1)].into());
    assert_eq!(questions(&world), [format!("duplicate_records {second}")]);
    world.push().await;
    assert_eq!(world.value(&first, "city"), "Bern".into());
    assert_eq!(world.value(&second, "city"), connector::Value::Null, "enrichment goes to neither by guessing");
    // Asked once, however often it is seen.
    world.advance(Duration::from_secs(60));
    world.crm.edit(&connector::Object::Contact, &second, [("firstname", "Ada")]);
    world.pull().await;
    assert_eq!(questions(&world).len(), 1);
}

#[tokio::test]
async fn scenario_41_two_people_with_a_record_each_are_not_joined_by_an_event() {
    let world = World::with(&mapped(CITY));
    let first = world.contact(&[("email", "ada@acme.example")]);
    let second = world.contact(&[("email", "ada@home.example")]);
    for run in world.pull().await {
        assert_eq!(run.state, RunState::Done, "{run:?}");
    }
    tell(&world, "1", Some("u-ada"), "ada@acme.example", json!({})).await;
    // The same user id now comes with the other one's address: the CRM has her twice, or somebody mistypes.
    tell(&world, "2", Some("u-ada"), "ada@home.example", json!({})).await;
    assert_eq!(records(&world, "user_id:u-ada").await, [first]);
    assert_eq!(records(&world, PRIVATE).await, std::slice::from_ref(&second));
    assert_eq!(questions(&world), [format!("duplicate_records {second}")], "asked, not guessed");
}
