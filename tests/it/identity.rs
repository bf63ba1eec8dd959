//! Who is who in a whole Ferry: the log told again gives what is stored, what people answer holds, what is unlinked falls apart.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use connector::{Fields, Object};
use ferry::app::identity;
use ferry::ingest::Parting;
use ferry::model::{Identifier, IdentityRules, OnConflict, ProfileId, Region, ReviewReason};
use ferry::store::{Answer, HeldState};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::world::{World, mapped};

fn world() -> World {
    World::with(&format!("{}\n[identity]\ndefault_region = \"DE\"\n", mapped("phone = \"phone\"")))
}

async fn say(world: &World, kind: &str, ids: &str) {
    world.clock.leap(Duration::from_secs(61));
    let at = connector::Clock::now(&*world.clock).to_rfc3339();
    let text = format!(r#"{{"type":"{kind}","event":"Seen","messageId":"{at}","timestamp":"{at}",{ids}}}"#);
    world.message(&text).await.unwrap();
}

/// The histories that are told; `FERRY_HISTORIES=200` tells more of them.
fn seeds() -> std::ops::Range<u64> {
    0..std::env::var("FERRY_HISTORIES").ok().and_then(|many| many.parse().ok()).unwrap_or(12)
}

async fn held(world: &World, key: &str) -> BTreeSet<String> {
    let Some(id) = world.app.store.find_profile(key).await.unwrap() else { return BTreeSet::new() };
    let held = world.app.store.held_by(id).await.unwrap().unwrap();
    held.identifiers.iter().map(|one| one.identifier.to_string()).collect()
}

async fn assert_told_again(world: &World) {
    let found = identity::check(&*world.app.store, &world.app.settings.identity).await.unwrap();
    assert_eq!((found.differences, found.beyond_the_log), (0, 0), "{found:#?}");
    assert!(found.identifiers > 0);
}

#[tokio::test]
async fn a_replay_of_any_history_gives_what_is_stored() {
    for seed in seeds() {
        let mut dice = StdRng::seed_from_u64(seed);
        let world = world();
        for n in 0..8 {
            let phone = format!("+49 30 1234{:02}", 10 + n % 3);
            world.contact(&[("email", &format!("p{n}@people.example")), ("phone", &phone)]);
        }
        for _ in 0..60 {
            match dice.random_range(0..12) {
                10 => unlink_somebody(&world, &mut dice).await,
                11 => answer_somehow(&world, &mut dice).await,
                0 => {
                    world.advance(Duration::from_secs(3_600));
                    world.pull().await;
                }
                1 => {
                    let ids = world.crm.ids(&Object::Contact);
                    let id = &ids[dice.random_range(0..ids.len())];
                    let address = format!("p{}@people.example", dice.random_range(0..12));
                    world.crm.edit(&Object::Contact, id, Fields::from([("email", address.as_str())]));
                }
                2 => {
                    let ids = world.crm.ids(&Object::Contact);
                    if ids.len() > 4 {
                        let (a, b) = (dice.random_range(0..ids.len()), dice.random_range(0..ids.len()));
                        if a != b {
                            world.crm.merge(&Object::Contact, &ids[a], &ids[b]);
                        }
                    }
                }
                3 => {
                    let (from, to) = (dice.random_range(0..6), dice.random_range(0..6));
                    say(&world, "alias", &format!(r#""previousId":"u{from}","userId":"u{to}""#)).await;
                }
                _ => {
                    let mut ids = Vec::new();
                    if dice.random_bool(0.5) {
                        ids.push(format!(r#""userId":"u{}""#, dice.random_range(0..6)));
                    }
                    if dice.random_bool(0.7) || ids.is_empty() {
                        ids.push(format!(r#""anonymousId":"a{}""#, dice.random_range(0..5)));
                    }
                    let mut traits = Vec::new();
                    if dice.random_bool(0.4) {
                        traits.push(format!(r#""email":"p{}@people.example""#, dice.random_range(0..12)));
                    }
                    if dice.random_bool(0.2) {
                        traits.push(format!(r#""phone":"030 1234{:02}""#, 10 + dice.random_range(0..4)));
                    }
                    if dice.random_bool(0.3) {
                        traits.push(format!(r#""firstName":"N{}""#, dice.random_range(0..4)));
                    }
                    let kind = if dice.random_bool(0.5) { "identify" } else { "track" };
                    let ids = ids.join(",");
                    let traits = traits.join(",");
                    say(&world, kind, &format!(r#"{ids},"context":{{"traits":{{{traits}}}}}"#)).await;
                }
            }
        }
        let found = identity::check(&*world.app.store, &world.app.settings.identity).await.unwrap();
        assert_eq!((found.differences, found.beyond_the_log), (0, 0), "seed {seed}: {found:#?}");
    }
}

/// An identifier of somebody, whatever it is, is unlinked.
async fn unlink_somebody(world: &World, dice: &mut StdRng) {
    let all = world.app.store.all_held(ProfileId(0), 1_000).await.unwrap();
    let several: Vec<_> = all.iter().filter(|held| held.identifiers.len() > 1).collect();
    if several.is_empty() {
        return;
    }
    let held = several[dice.random_range(0..several.len())];
    let one = &held.identifiers[dice.random_range(0..held.identifiers.len())];
    let plan = Arc::new(Parting { identity: world.app.settings.identity.clone() });
    let now = connector::Clock::now(&*world.clock);
    // A record that told everything its profile holds has nothing to be parted from.
    if let Err(refused) = world.app.store.unlink(one.identifier.clone(), now, plan).await {
        assert!(refused.to_string().contains("nothing to part"), "{refused}");
    }
}

/// A question is answered; what may not be is refused and changes nothing.
async fn answer_somehow(world: &World, dice: &mut StdRng) {
    let open = world.app.store.reviews(true, 100).await.unwrap();
    if open.is_empty() {
        return;
    }
    let review = &open[dice.random_range(0..open.len())];
    let answer = Answer::ALL[dice.random_range(0..Answer::ALL.len())].clone();
    let now = connector::Clock::now(&*world.clock);
    let _refused = world.app.store.answer_review(review.id, answer, now).await;
}

#[tokio::test]
async fn unlinking_a_browser_gives_back_what_was_joined_through_it() {
    let world = world();
    // A guest used Ada's browser and logged in with an address of his own: within all limits, and wrong.
    say(&world, "track", r#""anonymousId":"a-1""#).await;
    say(
        &world,
        "identify",
        r#""anonymousId":"a-1","userId":"u-ada","traits":{"email":"ada@northwind.example","firstName":"Ada"}"#,
    )
    .await;
    say(&world, "identify", r#""anonymousId":"a-1","traits":{"email":"guest@elsewhere.example","lastName":"Guest"}"#)
        .await;
    say(&world, "track", r#""anonymousId":"a-2","userId":"u-ada""#).await;
    let contact = world.contact(&[("email", "ada@northwind.example")]);
    world.pull().await;
    let before = world.profile("user_id:u-ada").await;
    assert_eq!(held(&world, "user_id:u-ada").await.len(), 6);
    assert_eq!(before.events, 4);
    let guest = Identifier::parse_key("email:guest@elsewhere.example").unwrap();
    let plan = Arc::new(Parting { identity: world.app.settings.identity.clone() });
    let now = connector::Clock::now(&*world.clock);
    let parts = world.app.store.unlink(guest, now, plan.clone()).await.unwrap();
    assert_eq!(parts.len(), 2);
    let ada = world.profile("user_id:u-ada").await;
    assert_eq!(ada.profile.uid, before.profile.uid, "whose record the CRM links keeps the id");
    assert_eq!(ada.records.iter().map(|record| &record.key.id).collect::<Vec<_>>(), [&contact]);
    assert_eq!(
        held(&world, "email:guest@elsewhere.example").await,
        BTreeSet::from(["email:guest@elsewhere.example".to_owned()])
    );
    let guest = world.profile("email:guest@elsewhere.example").await;
    assert_eq!((ada.events, guest.events), (3, 1));
    assert_eq!(guest.profile.value("last_name"), &connector::Value::from("Guest"));
    assert!(ada.profile.value("last_name").is_null());
    assert_eq!(ada.profile.value("first_name"), &connector::Value::from("Ada"));
    // For ever: the same event again does not bring them together.
    say(&world, "identify", r#""anonymousId":"a-1","traits":{"email":"guest@elsewhere.example"}"#).await;
    assert_ne!(world.profile("email:guest@elsewhere.example").await.profile.id, ada.profile.id);
    assert_told_again(&world).await;
    let nothing = Identifier::parse_key("email:guest@elsewhere.example").unwrap();
    let refused = world.app.store.unlink(nothing, now, plan).await.unwrap_err();
    assert!(refused.to_string().contains("nothing to part"), "{refused}");
}

#[tokio::test]
async fn a_shared_number_is_a_question_that_is_asked_once_and_answered_for_good() {
    let world = world();
    for person in ["ada", "bob"] {
        let ids = format!(
            r#""anonymousId":"{person}","traits":{{"email":"{person}@northwind.example","phone":"030 123456"}}"#
        );
        say(&world, "identify", &ids).await;
        say(&world, "identify", &ids).await;
    }
    let open = world.app.store.reviews(true, 10).await.unwrap();
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!((open[0].reason, open[0].profiles.len()), (ReviewReason::SharedIdentifier, 2));
    let now = connector::Clock::now(&*world.clock);
    let answered = world.app.store.answer_review(open[0].id, Answer::KeepApart, now).await.unwrap();
    assert!(answered.is_some());
    assert!(world.app.store.answer_review(open[0].id, Answer::Merge, now).await.unwrap().is_none(), "once is enough");
    // Whatever joins them from now on does not.
    say(&world, "identify", r#""userId":"u-1","traits":{"email":"ada@northwind.example"}"#).await;
    say(&world, "identify", r#""userId":"u-1","traits":{"email":"bob@northwind.example"}"#).await;
    assert_ne!(
        world.profile("email:ada@northwind.example").await.profile.id,
        world.profile("email:bob@northwind.example").await.profile.id
    );
    assert!(world.app.store.reviews(true, 10).await.unwrap().is_empty());
    assert_told_again(&world).await;
}

#[tokio::test]
async fn a_reviewer_may_join_what_rules_may_not_but_not_two_records_of_a_crm() {
    let world = world();
    say(&world, "identify", r#""userId":"u-1","traits":{"phone":"030 123456"}"#).await;
    say(&world, "identify", r#""traits":{"email":"ada@northwind.example","phone":"030 123456"}"#).await;
    let open = world.app.store.reviews(true, 10).await.unwrap();
    let now = connector::Clock::now(&*world.clock);
    world.app.store.answer_review(open[0].id, Answer::Merge, now).await.unwrap();
    assert_eq!(
        world.profile("user_id:u-1").await.profile.id,
        world.profile("email:ada@northwind.example").await.profile.id
    );
    assert_told_again(&world).await;
    for address in ["carl@northwind.example", "carla@northwind.example"] {
        world.contact(&[("email", address), ("phone", "+49 30 654321")]);
    }
    world.pull().await;
    let open = world.app.store.reviews(true, 10).await.unwrap();
    assert_eq!(open.len(), 1);
    let refused = world.app.store.answer_review(open[0].id, Answer::Merge, now).await.unwrap_err();
    assert!(refused.to_string().contains("merge those records in the CRM"), "{refused}");
    world.app.store.answer_review(open[0].id, Answer::Shared, now).await.unwrap();
    assert_eq!(world.app.store.find_profile("phone:+4930654321").await.unwrap(), None);
    assert_told_again(&world).await;
}

#[tokio::test]
async fn another_rule_is_tried_before_it_is_in_force() {
    let world = world();
    say(&world, "track", r#""anonymousId":"a-1","userId":"u-ada""#).await;
    say(&world, "track", r#""anonymousId":"a-1","userId":"u-bob""#).await;
    say(&world, "track", r#""anonymousId":"internal-7""#).await;
    let now = world.app.settings.identity.clone();
    let same = identity::preview(&*world.app.store, &now, &now).await.unwrap();
    assert_eq!((same.profiles_now, same.profiles_then, same.merged, same.split), (4, 4, 0, 0));
    let keep = IdentityRules {
        on_conflict: OnConflict::Keep,
        blocked: ferry::model::Blocked {
            any: regex::RegexSet::new(["^internal-"]).unwrap(),
            email: regex::RegexSet::empty(),
        },
        default_region: Region::of_code("DE"),
        ..IdentityRules::default()
    };
    let then = identity::preview(&*world.app.store, &now, &keep).await.unwrap();
    assert_eq!((then.profiles_then, then.merged, then.split, then.unattributed_then), (2, 1, 0, 1));
    assert_eq!(then.largest[0].identifiers, 2);
    let profiles = world.app.store.all_held(ProfileId(0), 100).await.unwrap();
    assert_eq!(profiles.len(), 4, "nothing was changed");
    let contested = profiles.iter().filter(|held| held.shared);
    let states: Vec<HeldState> = contested.flat_map(|held| held.identifiers.iter().map(|one| one.state)).collect();
    assert_eq!(states, [HeldState::Contested]);
}

#[tokio::test]
async fn people_who_look_alike_are_asked_about_once_and_never_merged() {
    let world = World::with(&format!("{}\n[identity]\ndefault_region = \"DE\"\n", mapped("")));
    let person = |user: &str, email: &str, first: &str| {
        format!(
            r#""userId":"{user}","traits":{{"email":"{email}","firstName":"{first}","lastName":"Berg","phone":"030 123456","postalCode":"10115","city":"Berlin"}}"#
        )
    };
    say(&world, "identify", &person("u-1", "ada@home.example", "Ada")).await;
    say(&world, "identify", &person("u-2", "ada.berg@northwind.example", "Ada")).await;
    say(&world, "identify", &person("u-3", "zoe@northwind.example", "Zoe").replace("Berg", "Stone")).await;
    // The shared number has asked its own questions.
    for open in world.app.store.reviews(true, 10).await.unwrap() {
        world.app.store.answer_review(open.id, Answer::Dismiss, connector::Clock::now(&*world.clock)).await.unwrap();
    }
    let found = world.app.ask_about_alike().await.unwrap();
    assert_eq!((found.people, found.alike, found.new), (3, 1, 1), "{found:?}");
    let open = world.app.store.reviews(true, 10).await.unwrap();
    assert_eq!((open.len(), open[0].reason), (1, ReviewReason::Alike));
    assert!(
        open[0].probability.unwrap() > 0.9 && open[0].detail.as_ref().unwrap().contains("phone: exact (+5.6)"),
        "{open:?}"
    );
    assert_eq!(world.app.ask_about_alike().await.unwrap().new, 0, "asked once");
    let now = connector::Clock::now(&*world.clock);
    world.app.store.answer_review(open[0].id, Answer::KeepApart, now).await.unwrap();
    assert_eq!(world.app.ask_about_alike().await.unwrap().new, 0, "and answered");
    assert_ne!(world.profile("user_id:u-1").await.profile.id, world.profile("user_id:u-2").await.profile.id);
    assert_told_again(&world).await;
}

#[tokio::test]
async fn a_value_in_quarantine_leaves_its_holder_who_is_computed_anew() {
    let world = world();
    let desk = "email:desk@acme.example";
    for user in 0..20 {
        if user == 19 {
            world.compute().await;
            assert_eq!(world.app.store.stats().await.unwrap().stale, 0);
        }
        say(&world, "identify", &format!(r#""userId":"u-{user}","traits":{{"email":"desk@acme.example"}}"#)).await;
    }
    assert_eq!(world.app.store.find_profile(desk).await.unwrap(), None, "it names nobody");
    let first = world.profile("user_id:u-0").await.profile.id;
    let edges = world.app.store.edges(first).await.unwrap();
    let parted: Vec<&str> = edges.iter().filter(|edge| !edge.joined).map(|edge| &*edge.cause).collect();
    assert_eq!(parted.len(), 1, "{edges:?}");
    assert!(parted[0].starts_with("event file "), "{parted:?}");
    assert_eq!(world.app.store.stats().await.unwrap().stale, 2, "the first holder, and the one who came last");
    // Later sights of it are noted and change nothing.
    say(&world, "identify", r#""userId":"u-0","traits":{"email":"desk@acme.example"}"#).await;
    assert_eq!(world.app.store.edges(first).await.unwrap(), edges);
    assert_told_again(&world).await;
}

#[tokio::test]
async fn who_was_known_by_a_lost_number_alone_is_a_stranger_again() {
    let world = world();
    say(&world, "identify", r#""anonymousId":"a-1","traits":{"phone":"030 123456"}"#).await;
    assert!(world.profile("anonymous_id:a-1").await.profile.known);
    say(&world, "identify", r#""traits":{"email":"eve@work.example","phone":"030 123456"}"#).await;
    say(&world, "identify", r#""userId":"u-1","traits":{"phone":"030 123456"}"#).await;
    let open = world.app.store.reviews(true, 10).await.unwrap();
    let now = connector::Clock::now(&*world.clock);
    assert_eq!(open.len(), 1, "{open:?}");
    world.app.store.answer_review(open[0].id, Answer::Shared, now).await.unwrap();
    let known: Vec<bool> =
        world.app.store.all_held(ProfileId(0), 10).await.unwrap().iter().map(|held| held.profile.known).collect();
    let told = world.app.store.all_held(ProfileId(0), 10).await.unwrap();
    for held in told {
        let by_what = held.identifiers.iter().any(|one| one.identifier.kind.is_known());
        assert_eq!(held.profile.known, by_what, "{held:?}");
    }
    assert_eq!(known.len(), 2);
    assert_told_again(&world).await;
}

#[tokio::test]
async fn a_replay_decides_by_the_rules_that_were_in_force_then() {
    let mut world = world();
    say(&world, "identify", r#""userId":"u-1","anonymousId":"a-1""#).await;
    say(&world, "identify", r#""anonymousId":"a-1","traits":{"email":"eve@work.example"}"#).await;
    let other = format!("{}\n[identity]\nbridge = \"strict\"\nblock = [\"^a-2$\"]\n", mapped("phone = \"phone\""));
    world.reconfigure(&other);
    // The file has other rules; those of the log decide.
    say(&world, "identify", r#""userId":"u-2","anonymousId":"a-2""#).await;
    say(&world, "identify", r#""anonymousId":"a-2","traits":{"email":"ada@work.example"}"#).await;
    assert_eq!(held(&world, "user_id:u-2").await.len(), 3);
    assert_told_again(&world).await;
    let wanted = ferry::config::parse("sync.toml", &other, world.folder(), &ferry::config::Overrides::none()).unwrap();
    ferry::app::rules::agree(&*world.app.store, &wanted.settings.identity).await.unwrap();
    world.reconfigure(&other);
    say(&world, "identify", r#""userId":"u-3","anonymousId":"a-3""#).await;
    say(&world, "identify", r#""traits":{"email":"bob@work.example"}"#).await;
    say(&world, "identify", r#""anonymousId":"a-3","traits":{"email":"bob@work.example"}"#).await;
    say(&world, "identify", r#""userId":"u-3","anonymousId":"a-2""#).await;
    assert_eq!(held(&world, "user_id:u-3").await, BTreeSet::from(["anonymous_id:a-3".into(), "user_id:u-3".into()]));
    assert_eq!(held(&world, "email:bob@work.example").await.len(), 1, "a browser joins no two known people any more");
    assert_eq!(held(&world, "user_id:u-1").await.len(), 3, "what was joined before stays");
    assert_told_again(&world).await;
    // Also what falls apart is told by the rules of its time.
    let plan = Arc::new(Parting { identity: world.app.settings.identity.clone() });
    let eve = Identifier::parse_key("email:eve@work.example").unwrap();
    world.app.store.unlink(eve, connector::Clock::now(&*world.clock), plan).await.unwrap();
    assert_eq!(held(&world, "user_id:u-1").await.len(), 2);
    assert_told_again(&world).await;
}

#[tokio::test]
async fn a_record_that_is_unlinked_is_somebody_elses_for_good() {
    let world = world();
    // Two people with one desk's address: the CRM has a contact of the second, which was taken for the first.
    say(&world, "identify", r#""userId":"u-ada","traits":{"email":"desk@northwind.example","firstName":"Ada"}"#).await;
    let contact = world.contact(&[("email", "desk@northwind.example"), ("phone", "+49 30 123456")]);
    world.pull().await;
    let record = Identifier::parse_key(&format!("crm:acme:contact:{contact}")).unwrap();
    assert_eq!(held(&world, "user_id:u-ada").await.len(), 4);
    let before = world.profile("user_id:u-ada").await.profile;
    let plan = Arc::new(Parting { identity: world.app.settings.identity.clone() });
    let now = connector::Clock::now(&*world.clock);
    let parts = world.app.store.unlink(record.clone(), now, plan).await.unwrap();
    assert_eq!(parts.len(), 2);
    let of_record = held(&world, &record.to_string()).await;
    assert_eq!(of_record, BTreeSet::from([record.to_string(), "phone:+4930123456".to_owned()]));
    assert_eq!(world.profile(&record.to_string()).await.profile.uid, before.uid, "the record's person keeps the id");
    assert_eq!(world.profile("user_id:u-ada").await.profile.value("first_name"), &connector::Value::from("Ada"));
    assert_told_again(&world).await;
    // Its next sights, changed and unchanged, and a page of its address: they stay two.
    for phone in ["+49 30 123456", "+49 30 123457"] {
        world.crm.edit(&Object::Contact, &contact, Fields::from([("phone", phone)]));
        world.advance(Duration::from_secs(3_600));
        world.pull().await;
        say(&world, "track", r#""userId":"u-ada","context":{"traits":{"email":"desk@northwind.example"}}"#).await;
        assert_ne!(
            world.profile(&record.to_string()).await.profile.id,
            world.profile("user_id:u-ada").await.profile.id
        );
        assert_told_again(&world).await;
    }
}

#[tokio::test]
async fn unlinking_what_brought_everything_leaves_the_rest_together() {
    let world = world();
    say(&world, "identify", r#""userId":"u-1","traits":{"email":"one@northwind.example","firstName":"Ada"}"#).await;
    say(&world, "identify", r#""userId":"u-1","traits":{"email":"two@northwind.example"}"#).await;
    say(&world, "page", r#""userId":"u-1","anonymousId":"a-1""#).await;
    let before = world.profile("user_id:u-1").await;
    let plan = Arc::new(Parting { identity: world.app.settings.identity.clone() });
    let now = connector::Clock::now(&*world.clock);
    let parts = world.app.store.unlink(Identifier::parse_key("user_id:u-1").unwrap(), now, plan).await.unwrap();
    assert_eq!(parts.len(), 2);
    let rest = held(&world, "email:one@northwind.example").await;
    let others = ["anonymous_id:a-1", "email:one@northwind.example", "email:two@northwind.example"];
    assert_eq!(rest, others.map(str::to_owned).into());
    assert_eq!(held(&world, "user_id:u-1").await, BTreeSet::from(["user_id:u-1".to_owned()]));
    assert_eq!(world.profile("anonymous_id:a-1").await.profile.uid, before.profile.uid, "most of it keeps the id");
    let gone = world.profile("user_id:u-1").await;
    assert_eq!(gone.events, 3, "every event named it first");
    assert_eq!(gone.profile.value("first_name"), &connector::Value::from("Ada"));
    assert_told_again(&world).await;
}
