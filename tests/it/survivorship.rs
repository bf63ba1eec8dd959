//! Which value of a declared trait stays, where a trait has a rule of its own: live, over merges and partings, and told again.

use std::time::Duration;

use connector::Value;
use ferry::app::identity;
use ferry::model::ProfileId;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::world::{World, configured};

const RULES: &str = r#"
[[source]]
name = "pos"
type = "jsonl"

[identity]
source_rank = ["pos", "file"]

[identity.survivorship]
title = "oldest"
loyalty_points = "max"
first_price = "min"
interests = "union"
first_name = "source_rank"
address.city = "oldest"
"#;

/// A message of a source, dated so many minutes after the beginning, that came in now.
async fn say(world: &World, source: &str, minute: i64, ids: &str, traits: &str) {
    world.advance(Duration::from_secs(1));
    let at = crate::world::start().micros() - 86_400_000_000 + minute * 60_000_000;
    let at = connector::Timestamp::from_micros(at).to_rfc3339();
    let now = connector::Clock::now(&*world.clock).to_rfc3339();
    let text =
        format!(r#"{{"type":"identify","messageId":"{now}","originalTimestamp":"{at}",{ids},"traits":{{{traits}}}}}"#);
    world.message_of(source, &text).await.unwrap();
}

async fn assert_told_again(world: &World, what: &str) {
    let found = identity::check(&*world.app.store, &world.app.settings.identity).await.unwrap();
    assert_eq!((found.differences, found.beyond_the_log), (0, 0), "{what}: {found:#?}");
}

fn texts(items: &[&str]) -> Value {
    Value::List(items.iter().map(|item| (*item).into()).collect())
}

#[tokio::test]
async fn each_trait_keeps_what_its_rule_says_also_when_two_become_one() {
    let world = World::with(&configured(RULES, "", ""));
    let one = r#""userId":"u-1""#;
    say(
        &world,
        "file",
        10,
        one,
        r#""title":"Buyer","loyaltyPoints":40,"firstPrice":9.5,"interests":["tea"],"firstName":"Eva","city":"Graz""#,
    )
    .await;
    let two = r#""anonymousId":"a-2""#;
    say(
        &world,
        "pos",
        5,
        two,
        r#""title":"Clerk","loyaltyPoints":70,"firstPrice":12,"interests":["art"],"firstName":"Eve","country":"AT""#,
    )
    .await;
    say(
        &world,
        "file",
        30,
        two,
        r#""title":null,"loyaltyPoints":3,"firstPrice":2.25,"interests":["tea","zoo"],"firstName":"Evelyn","country":"DE""#,
    )
    .await;
    say(&world, "file", 40, r#""userId":"u-1","anonymousId":"a-2""#, "").await;
    let wanted = [
        ("title", "Clerk".into()),
        ("loyalty_points", 70.into()),
        ("first_price", Value::Number("2.25".parse().unwrap())),
        ("interests", texts(&["art", "tea", "zoo"])),
        ("first_name", "Eve".into()),
        ("country", "DE".into()),
    ];
    for (name, want) in wanted {
        assert_eq!(world.trait_of("user_id:u-1", name).await, want, "{name}");
    }
    assert_told_again(&world, "joined").await;
}

/// Newest wins, too, whatever comes when: a value that was said again is as new as it was said last.
#[tokio::test]
async fn what_was_said_again_is_not_older_for_it() {
    let world = World::with(&configured(RULES, "", ""));
    let ids = r#""userId":"u-1""#;
    say(&world, "file", 10, ids, r#""lastName":"Berg""#).await;
    say(&world, "file", 20, ids, r#""lastName":"Berg""#).await;
    say(&world, "file", 15, ids, r#""lastName":"Stein""#).await;
    assert_eq!(world.trait_of("user_id:u-1", "last_name").await, "Berg".into());
    assert_told_again(&world, "late").await;
}

#[tokio::test]
async fn any_order_of_the_same_messages_ends_with_the_same_traits() {
    let names = ["title", "loyalty_points", "first_price", "interests", "first_name", "last_name"];
    for seed in 0..6 {
        let mut dice = StdRng::seed_from_u64(seed);
        let mut told: Vec<(&str, i64, String, String)> = Vec::new();
        for minute in 0..14 {
            let source = ["pos", "file"][dice.random_range(0..2)];
            let n = dice.random_range(0..4);
            let interests = format!(r#"["i{}","i{}"]"#, dice.random_range(0..4), dice.random_range(0..4));
            let first = ["\"A\"", "\"B\"", "null"][dice.random_range(0..3)];
            let traits = format!(
                r#""title":"T{n}","loyaltyPoints":{n},"firstPrice":{n},"interests":{interests},"firstName":{first},"lastName":"L{n}""#
            );
            let ids = [r#""userId":"u-1""#, r#""anonymousId":"a-1""#, r#""userId":"u-1","anonymousId":"a-1""#];
            told.push((source, minute, ids[dice.random_range(0..3)].to_owned(), traits));
        }
        told.push(("file", 99, r#""userId":"u-1","anonymousId":"a-1""#.to_owned(), String::new()));
        let mut ends: Vec<Vec<Value>> = Vec::new();
        for _ in 0..2 {
            let world = World::with(&configured(RULES, "", ""));
            for (source, minute, ids, traits) in &told {
                say(&world, source, *minute, ids, traits).await;
            }
            let mut end = Vec::new();
            for name in names {
                end.push(world.trait_of("user_id:u-1", name).await);
            }
            assert_eq!(world.app.store.all_held(ProfileId(0), 10).await.unwrap().len(), 1);
            ends.push(end);
            assert_told_again(&world, &format!("seed {seed}")).await;
            for place in (1..told.len()).rev() {
                told.swap(place, dice.random_range(0..=place));
            }
        }
        assert_eq!(ends[0], ends[1], "seed {seed}");
    }
}
