//! One story each.

use super::world::{World, event, id, ids, set};
use crate::model::{Bridge, EventKind, Graph, IdentityRules, OnConflict, Standing, Whose};
use crate::resolution::resolve;

#[test]
fn an_anonymous_visitor_becomes_known_and_takes_the_history_along() {
    let mut world = World::default();
    let visitor = world.see(&["anonymous_id:a-1"]);
    assert_eq!(world.see(&["anonymous_id:a-1", "email:ada@northwind.example"]), visitor);
    assert_eq!(world.see(&["email:ada@northwind.example"]), visitor);
    // A second device, anonymous at first: the known profile survives though the other was seen first by its clock.
    world.see_at(1, &["anonymous_id:a-2"]);
    assert_eq!(world.see(&["user_id:u-ada", "email:ada@northwind.example", "anonymous_id:a-2"]), visitor);
    assert_eq!(
        world.held("user_id:u-ada"),
        set(&["user_id:u-ada", "email:ada@northwind.example", "anonymous_id:a-1", "anonymous_id:a-2"])
    );
}

#[test]
fn nobody_is_named_by_nothing() {
    let mut world = World::default();
    assert_eq!(world.see(&[]), None);
    assert_eq!(world.memory.profiles().count(), 0);
}

#[test]
fn a_second_user_on_a_laptop_detaches_it_and_takes_nothing() {
    let mut world = World::default();
    let ada = world.see(&["user_id:u-ada", "email:ada@northwind.example", "anonymous_id:a-1"]);
    let bob = world.see(&["user_id:u-bob", "email:bob@northwind.example", "anonymous_id:a-1"]);
    assert_ne!(ada, bob);
    assert_eq!(world.actions(), [("anonymous_id:a-1".to_owned(), "detached")]);
    assert!(world.is_contested("anonymous_id:a-1"));
    // From now on the device alone is a profile of its own, and beside a person it says nothing.
    let shared = world.see(&["anonymous_id:a-1"]);
    assert!(shared != ada && shared != bob);
    assert_eq!(world.see(&["user_id:u-bob", "anonymous_id:a-1"]), bob);
    assert_eq!(world.see(&["email:ada@northwind.example", "anonymous_id:a-1"]), ada);
    assert_eq!(world.see(&["anonymous_id:a-1"]), shared);
    assert_eq!(world.held("user_id:u-bob"), set(&["user_id:u-bob", "email:bob@northwind.example"]));
}

#[test]
fn a_device_may_stay_with_its_first_holder() {
    let mut world = World::with(IdentityRules { on_conflict: OnConflict::Keep, ..IdentityRules::default() });
    let ada = world.see(&["user_id:u-ada", "anonymous_id:a-1"]);
    assert_ne!(world.see(&["user_id:u-bob", "anonymous_id:a-1"]), ada);
    assert_eq!(world.actions(), [("anonymous_id:a-1".to_owned(), "dropped")]);
    assert_eq!(world.see(&["anonymous_id:a-1"]), ada);
}

#[test]
fn an_address_of_somebody_else_stays_there_and_is_no_trait_of_the_newcomer() {
    let mut world = World::default();
    let ada = world.see(&["user_id:u-ada", "email:ada@northwind.example"]);
    let bob = world.see(&["user_id:u-bob", "email:ada@northwind.example"]);
    assert_ne!(ada, bob);
    assert_eq!(world.holder("email:ada@northwind.example"), ada);
    assert_eq!(world.actions(), [("email:ada@northwind.example".to_owned(), "dropped")]);
    assert!(world.last.as_ref().unwrap().left_out(&id("email:ada@northwind.example")));
}

#[test]
fn two_known_people_are_one_by_a_card_while_the_limits_hold() {
    let mut world = World::default();
    let eve = world.see(&["email:eve@work.example", "loyalty_id:LOY-1"]);
    let eva = world.see(&["user_id:u-eve", "email:eve.private@gmx.de"]);
    assert_ne!(eve, eva);
    assert_eq!(world.see(&["user_id:u-eve", "loyalty_id:LOY-1"]), eve, "the older one survives");
    assert_eq!(world.held("user_id:u-eve").len(), 4);
    // Two cards are two people.
    assert_ne!(world.see(&["user_id:u-eve", "loyalty_id:LOY-2"]), None);
    assert_eq!(world.actions(), [("loyalty_id:LOY-2".to_owned(), "dropped")]);
}

#[test]
fn a_role_address_names_a_profile_and_joins_none() {
    let mut world = World::default();
    let acme = world.see(&["email:info@acme.example"]);
    assert_eq!(world.see(&["email:info@acme.example"]), acme);
    let ada = world.see(&["user_id:u-ada"]);
    assert_eq!(world.see(&["user_id:u-ada", "email:info@acme.example"]), ada);
    assert_eq!(world.questions(), [("shared_identifier", "email:info@acme.example".to_owned())]);
    assert_eq!(world.holder("email:info@acme.example"), acme);
}

#[test]
fn a_browser_joins_two_known_people_only_where_it_may() {
    let story = |bridge| {
        let mut world = World::with(IdentityRules { bridge, ..IdentityRules::default() });
        world.see(&["user_id:u-ada", "anonymous_id:a-1"]);
        world.see(&["email:ada@northwind.example"]);
        world.see(&["email:ada@northwind.example", "anonymous_id:a-1"]);
        world.holder("user_id:u-ada") == world.holder("email:ada@northwind.example")
    };
    assert!(story(Bridge::WithinLimits));
    assert!(!story(Bridge::Strict));
}

#[test]
fn colleagues_share_a_switchboard() {
    let mut world = World::default();
    let ada = world.see(&["email:ada@northwind.example", "phone:+4930123456"]);
    let bob = world.see(&["email:bob@northwind.example", "phone:+4930123456"]);
    assert_ne!(ada, bob);
    assert_eq!(world.questions(), [("shared_identifier", "phone:+4930123456".to_owned())]);
    assert_eq!(world.holder("phone:+4930123456"), ada);
    // A call from there may be either's.
    assert_eq!(world.see(&["phone:+4930123456"]), None);
    assert_eq!(world.questions(), [("whose_phone", "phone:+4930123456".to_owned())]);
    let question = world.last.clone().unwrap().reviews.remove(0);
    assert_eq!(question.profiles, [ada.unwrap(), bob.unwrap()]);
    // Until somebody says that it is Ada's, or everybody's.
    world.memory.settle_claims(&id("phone:+4930123456"));
    assert_eq!(world.see(&["phone:+4930123456"]), ada);
    world.memory.share(&id("phone:+4930123456"));
    assert_eq!(world.see(&["phone:+4930123456"]), None);
    assert!(world.questions().is_empty());
}

#[test]
fn a_call_finds_the_one_who_has_the_number() {
    let mut world = World::default();
    let chen = world.pull("7", &["email:chen@kiwi.example", "phone:+4930123456"]).resolution;
    assert_eq!(chen.whose, Whose::New);
    assert_eq!(world.see(&["phone:+4930123456"]), world.holder("email:chen@kiwi.example"));
    // A number nobody has is a new, known person.
    let stranger = world.see(&["phone:+4940123456"]).unwrap();
    assert!(world.memory.holder(stranger).unwrap().known);
}

#[test]
fn a_known_person_with_a_strangers_number_is_asked_about() {
    let mut world = World::default();
    let ada = world.see(&["user_id:u-ada", "phone:+4930123456"]);
    let bob = world.see(&["email:bob@northwind.example"]);
    // Bob is known already: the number does not bridge, and he has a claim to it.
    assert_eq!(world.see(&["email:bob@northwind.example", "phone:+4930123456"]), bob);
    assert_eq!(world.holder("phone:+4930123456"), ada);
    assert_eq!(world.memory.claimants(&id("phone:+4930123456")), [bob.unwrap()]);
}

#[test]
fn a_kiosk_belongs_to_nobody_at_its_third_address_in_a_day() {
    let hour = 3_600;
    let mut world = World::default();
    world.see_at(hour, &["anonymous_id:k", "email:a@one.example"]);
    world.see_at(2 * hour, &["anonymous_id:k", "email:b@two.example"]);
    assert!(!world.is_contested("anonymous_id:k"), "a second address is normal");
    let third = world.see_at(3 * hour, &["anonymous_id:k", "email:c@three.example"]);
    assert!(world.is_contested("anonymous_id:k"));
    assert_eq!(world.actions(), [("anonymous_id:k".to_owned(), "detached")]);
    assert_eq!(world.held("email:c@three.example"), set(&["email:c@three.example"]));
    assert_ne!(third, world.holder("email:a@one.example"));
    // Three addresses over days are one person's.
    let mut world = World::default();
    for day in 0..3 {
        world.see_at(day * 25 * hour, &["anonymous_id:k", &format!("email:a{day}@one.example")]);
    }
    assert_eq!(world.held("anonymous_id:k").len(), 4);
}

#[test]
fn an_alias_joins_whichever_way_the_old_id_is_known() {
    let mut world = World::default();
    let visitor = world.see(&["anonymous_id:a-1"]);
    assert_eq!(world.alias("a-1", "u-1"), visitor);
    // Unknown on both sides: the old id resolves from then on in either field.
    let fresh = world.alias("old", "u-2");
    assert_eq!(world.see(&["anonymous_id:old"]), fresh);
    assert_eq!(world.see(&["user_id:old"]), fresh);
    assert_ne!(fresh, visitor);
    // A user id that is superseded joins two known people, and is not counted any more.
    let ada = world.see(&["user_id:ada-1", "email:ada@northwind.example"]);
    let other = world.see(&["user_id:ada-2", "email:ada@home.example"]);
    assert_ne!(ada, other);
    assert_eq!(world.alias("ada-2", "ada-1"), ada);
    assert_eq!(world.memory.standing(&id("user_id:ada-2")), Standing::Retired(ada.unwrap()));
    assert_eq!(world.see(&["user_id:ada-2"]), ada);
}

#[test]
fn chains_of_aliases_end_in_one_profile_and_circles_change_nothing() {
    let mut world = World::default();
    world.see(&["user_id:a"]);
    world.see(&["user_id:b"]);
    world.see(&["user_id:c"]);
    world.alias("a", "b");
    world.alias("b", "c");
    let one = world.holder("user_id:c").unwrap();
    for (user, live) in [("a", false), ("b", false), ("c", true)] {
        let standing = world.memory.standing(&id(&format!("user_id:{user}")));
        assert_eq!(standing, if live { Standing::Held(one) } else { Standing::Retired(one) }, "{user}");
    }
    for (from, to) in [("c", "a"), ("a", "c"), ("c", "c"), ("b", "b")] {
        assert_eq!(world.alias(from, to), Some(one));
    }
    assert_eq!(world.memory.standing(&id("user_id:c")), Standing::Held(one));
    // The other order of the same chain.
    let mut world = World::default();
    world.alias("b", "c");
    world.alias("a", "b");
    let one = world.holder("user_id:c").unwrap();
    assert_eq!(world.memory.standing(&id("user_id:c")), Standing::Held(one));
    assert_eq!(world.holder("user_id:a"), Some(one));
}

#[test]
fn an_alias_does_not_make_one_of_two_records_of_a_crm() {
    let mut world = World::default();
    world.pull("1", &["email:a@one.example"]);
    world.pull("2", &["email:b@two.example"]);
    world.see(&["user_id:u-1", "email:a@one.example"]);
    world.see(&["user_id:u-2", "email:b@two.example"]);
    world.alias("u-1", "u-2");
    assert_ne!(world.holder("user_id:u-1"), world.holder("user_id:u-2"));
    assert_eq!(world.actions(), [("user_id:u-1".to_owned(), "dropped")]);
}

#[test]
fn an_address_and_its_hash_find_each_other_in_either_order() {
    let hash = id("email:ada@northwind.example").hashed().unwrap().to_string();
    let mut world = World::default();
    let ada = world.see(&["email:ada@northwind.example"]);
    assert_eq!(world.see(&[&hash]), ada);
    let mut world = World::default();
    let ada = world.see(&[&hash]);
    assert_eq!(world.see(&["email:ada@northwind.example"]), ada);
    assert_eq!(world.held("email:ada@northwind.example"), set(&["email:ada@northwind.example", &hash]));
}

#[test]
fn a_value_on_twenty_users_in_a_day_is_nobodys() {
    let mut world = World::default();
    for user in 0..20 {
        world.see(&[&format!("user_id:u-{user}"), "email:desk@acme.example"]);
    }
    assert_eq!(world.memory.standing(&id("email:desk@acme.example")), Standing::Quarantined);
    assert_eq!(world.see(&["email:desk@acme.example"]), None);
    // Each user is a person.
    assert_eq!(world.memory.profiles().filter(|(_, held)| !held.is_empty()).count(), 20);
}

#[test]
fn a_profile_beyond_measure_takes_events_and_nothing_else() {
    let rules = IdentityRules {
        limits: IdentityRules::default().limits.into_keys().map(|family| (family, 2_000)).collect(),
        ..IdentityRules::default()
    };
    let mut world = World::with(rules);
    let one = world.see(&["user_id:u"]);
    for n in 0..999 {
        world.see(&["user_id:u", &format!("anonymous_id:a-{n}")]);
    }
    assert_eq!(world.held("user_id:u").len(), 1_000);
    assert_eq!(world.see(&["user_id:u", "anonymous_id:late"]), one);
    assert_eq!(world.actions(), [("user_id:u".to_owned(), "mega_profile")]);
    assert_eq!(world.holder("anonymous_id:late"), None);
}

#[test]
fn what_is_kept_apart_stays_apart() {
    let mut world = World::default();
    let ada = world.see(&["user_id:u-ada"]);
    let eve = world.see(&["email:eve@work.example"]);
    world.memory.keep_apart(&id("user_id:u-ada"), &id("email:eve@work.example"));
    assert_eq!(world.see(&["user_id:u-ada", "email:eve@work.example"]), ada);
    assert_eq!(world.holder("email:eve@work.example"), eve);
    assert_eq!(world.actions(), [("email:eve@work.example".to_owned(), "kept_apart")]);
    // Nor through a third thing.
    world.see(&["email:eve@work.example", "anonymous_id:a-1"]);
    world.see(&["user_id:u-ada", "anonymous_id:a-1"]);
    assert_ne!(world.holder("user_id:u-ada"), world.holder("email:eve@work.example"));
}

#[test]
fn a_record_is_its_person_whatever_its_address_becomes() {
    let mut world = World::default();
    let ada = world.see(&["user_id:u-ada", "email:ada@northwind.example"]);
    assert_eq!(world.pull("1", &["email:ada@northwind.example"]).resolution.whose, Whose::Existing(ada.unwrap()));
    world.pull("1", &["email:ada@new.example"]);
    assert_eq!(world.holder("email:ada@new.example"), ada);
    assert_eq!(world.holder("crm:hubspot:contact:1"), ada);
    // The address of somebody who is no record joins both; that of another record's person does not.
    let visitor = world.see(&["email:ada@home.example"]);
    assert_ne!(visitor, ada);
    world.pull("1", &["email:ada@new.example", "email:ada@home.example"]);
    assert_eq!(world.holder("email:ada@home.example"), ada);
    world.pull("2", &["email:bob@northwind.example"]);
    world.pull("1", &["email:bob@northwind.example"]);
    assert_ne!(world.holder("email:bob@northwind.example"), ada);
    assert_eq!(world.actions(), [("email:bob@northwind.example".to_owned(), "dropped")]);
}

#[test]
fn a_second_record_of_a_person_is_a_question() {
    let mut world = World::default();
    world.pull("1", &["email:ada@northwind.example"]);
    let second = world.pull("2", &["email:ada@northwind.example"]);
    assert_eq!(second.second_of, world.holder("email:ada@northwind.example"));
    assert_eq!(second.resolution.whose, Whose::Nobody);
    assert_eq!(world.questions(), [("duplicate_records", "crm:hubspot:contact:2".to_owned())]);
}

#[test]
fn a_card_needs_the_right_pattern() {
    let mut rules = IdentityRules::default();
    let pattern = Some(regex::Regex::new("^LOY-[0-9]+$").unwrap());
    rules.custom.insert(super::world::custom("loyalty_id"), crate::model::CustomRule { limit: 1, pattern });
    let world = World::with(rules);
    let wrong = event(EventKind::Track, 1, &["loyalty_id:none-of-it"]);
    assert_eq!(resolve(&wrong, &world.rules, &world.memory).whose, Whose::Nobody);
    assert_eq!(world.rules.ordered(&ids(&["loyalty_id:LOY-1", "loyalty_id:x"])), ids(&["loyalty_id:LOY-1"]));
}
