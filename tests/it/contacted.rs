//! The traits of the last human contact keep up with the CRM: what comes, changes, goes and is due makes of them what a scan of
//! everything would.

use std::time::Duration;

use connector::{Clock, Fields, Object, RecordId, Value};

use crate::world::World;

const CONFIG: &str = r#"
preset = "b2b"
timezone = "UTC"
base_currency = "USD"

[[crm]]
name = "acme"
type = "salesforce"
login_url = "https://acme.my.salesforce.com"
client_id = "id"
client_secret = { env = "SECRET" }
pull_activities = "90d"

[crm.fields.contact]
email = "email"
profile_id = "cdp_profile_id"
"#;
const ADA: &str = "email:ada@kiwi.example";

fn user(world: &World, name: &str) -> RecordId {
    let address = format!("{name}@acme.example");
    let fields = [("email", Value::from(address.as_str())), ("name", Value::from(name)), ("active", true.into())];
    world.crm.create(&Object::User, fields.into_iter().collect::<Fields>())
}

/// Something that somebody of ours does with Ada, so many hours from now.
fn does(world: &World, who: &RecordId, kind: &str, hours: u64, ada: &RecordId) -> RecordId {
    let at = world.clock.now().saturating_add(Duration::from_secs(hours * 3_600));
    let fields = Fields::from([
        ("kind", Value::from(kind)),
        ("subject", Value::from("Boats")),
        ("at", Value::Instant(at)),
        ("owner", Value::text(who.as_str())),
    ]);
    let made = world.crm.create(&Object::Activity, fields);
    world.crm.link((&Object::Activity, &made), (&Object::Contact, ada));
    made
}

/// What the store says of Ada, which is what a scan says.
async fn told(world: &World) -> [String; 3] {
    world.advance(Duration::from_secs(60));
    world.pull().await;
    world.compute().await;
    let checked = world.app.check_computed(world.clock.now()).await.unwrap();
    assert!(checked.values > 0);
    assert_eq!(checked.differences, []);
    let mut told = Vec::new();
    for name in ["last_contacted_by", "contacts_30d", "meetings_30d"] {
        told.push(world.trait_of(ADA, name).await.to_string());
    }
    told.try_into().unwrap()
}

#[tokio::test]
async fn what_people_do_reaches_the_traits_without_anybody_else_being_computed() {
    let world = World::with(CONFIG);
    let (rita, sam) = (user(&world, "rita"), user(&world, "sam"));
    let ada = world.contact(&[("email", "ada@kiwi.example")]);
    world.contact(&[("email", "bo@kiwi.example")]);
    assert_eq!(told(&world).await, ["", "0", "0"]);
    let called = does(&world, &rita, "call", 0, &ada);
    assert_eq!(told(&world).await, ["rita", "1", "0"]);
    // A meeting that is yet to come counts when its time has come, and nobody has to tell.
    does(&world, &sam, "meeting", 30, &ada);
    assert_eq!(told(&world).await, ["rita", "1", "0"]);
    world.advance(Duration::from_secs(30 * 3_600));
    assert_eq!(told(&world).await, ["sam", "2", "1"]);
    // Only who is concerned is looked at.
    let noted = does(&world, &rita, "email", 0, &ada);
    world.advance(Duration::from_secs(60));
    world.pull().await;
    assert_eq!(world.compute().await.counts.seen, 1);
    assert_eq!(told(&world).await, ["rita", "3", "1"]);
    // It is taken back, and sam is called something else.
    assert!(world.crm.delete(&Object::Activity, &noted));
    assert_eq!(told(&world).await, ["sam", "2", "1"]);
    world.crm.edit(&Object::User, &sam, Fields::from([("name", "Sam Larsen")]));
    assert_eq!(told(&world).await, ["Sam Larsen", "2", "1"]);
    // It turns out to have been a note.
    world.crm.edit(&Object::Activity, &called, Fields::from([("kind", "note")]));
    assert_eq!(told(&world).await, ["Sam Larsen", "1", "1"]);
    world.advance(Duration::from_secs(31 * 86_400));
    assert_eq!(told(&world).await, ["Sam Larsen", "0", "0"]);
}

#[tokio::test]
async fn two_people_who_are_one_were_in_touch_together() {
    let world = World::with(CONFIG);
    world.crm.set_follows_merges(true);
    let rita = user(&world, "rita");
    let (ada, twin) =
        (world.contact(&[("email", "ada@kiwi.example")]), world.contact(&[("email", "ada@work.example")]));
    does(&world, &rita, "call", 0, &ada);
    does(&world, &rita, "meeting", 0, &twin);
    assert_eq!(told(&world).await, ["rita", "1", "0"]);
    world.crm.merge(&Object::Contact, &ada, &twin);
    assert_eq!(told(&world).await, ["rita", "2", "1"]);
}
