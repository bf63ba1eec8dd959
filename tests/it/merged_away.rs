//! Two records become one at the CRM: what people there chose to keep must not be overwritten with the loser's values.

use std::time::Duration;

use connector::{Object, Value};

use crate::world::World;

#[tokio::test]
async fn scenario_32_the_survivor_of_a_merge_keeps_its_values() {
    let world = World::new();
    let first = world.contact(&[("email", "samir@acme.example"), ("firstname", "Samir"), ("lastname", "Larsen")]);
    world.advance(Duration::from_secs(3_600));
    let second = world.contact(&[("email", "alma@acme.example"), ("firstname", "Alma"), ("jobtitle", "VP")]);
    world.sync().await;
    world.advance(Duration::from_secs(3_600));
    // The loser's values are the younger ones: by time alone they would win.
    assert!(world.crm.merge(&Object::Contact, &first, &second));
    let seq = world.seq();
    world.sync().await;
    for written in world.written_since(seq) {
        let moved = written.after.iter().filter(|one| !written.before.iter().any(|before| before == *one));
        let names: Vec<&str> = moved.map(|(name, _)| &**name).filter(|n| !n.starts_with("cdp_")).collect();
        assert_eq!(names, Vec::<&str>::new(), "{written:?}");
    }
    assert_eq!(world.value(&first, "firstname"), Value::from("Samir"));
    assert_eq!(world.value(&first, "email"), Value::from("samir@acme.example"));
    assert_eq!(world.trait_of("email:alma@acme.example", "first_name").await, Value::from("Samir"));
    world.assert_rest().await;
}
