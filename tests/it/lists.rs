//! CRM lists that segments keep: who enters is put there, who leaves is taken off, and whoever was there before stays.

use std::time::Duration;

use connector::{Object, RecordId};
use connector_conformance::memory::{Call, Fault};
use ferry::app::Pushing;
use ferry::config::Vendor;
use ferry::model::{DeadLetterCode, Run, RunState};
use serde_json::{Value as Json, json};

use crate::harbour::{Harbour, at};
use crate::tricks::Trick;
use crate::world::{World, configured};

const CONTACT: Object = Object::Contact;
const LIST: &str = "57";
const VIPS: &str = "[segments.vips]\nwhen = 'title == \"vip\"'\n";
const TITLE: &str = "title = { field = \"title\", direction = \"pull\" }\n";
const CITY: &str = "city = { field = \"city\", direction = \"push\", conflict = \"cdp_wins\" }\n";

fn config() -> String {
    configured(&format!("{VIPS}push_list = {{ acme = {LIST} }}\n"), "", TITLE)
}

/// A CRM with an empty list.
fn world() -> World {
    let world = World::with(&config());
    world.crm.make_list(LIST);
    world
}

fn person(world: &World, name: &str, title: &str) -> RecordId {
    world.contact(&[("email", &format!("{name}@acme.example")), ("title", title)])
}

fn become_(world: &World, person: &RecordId, title: &str) {
    world.advance(Duration::from_secs(60));
    assert!(world.crm.edit(&CONTACT, person, [("title", title)]));
}

async fn synced(world: &World) -> Run {
    let run = world.sync().await;
    assert_eq!(run.state, RunState::Done, "{run:?}\n{:?}", world.dead_letters().await);
    run
}

#[tokio::test]
async fn who_enters_is_put_on_the_list_and_who_leaves_is_taken_off() {
    let world = world();
    let (ada, bo) = (person(&world, "ada", "vip"), person(&world, "bo", "none"));
    let run = synced(&world).await;
    assert_eq!(world.crm.on_list(LIST), std::slice::from_ref(&ada));
    assert_eq!((run.counts.created, run.counts.updated), (0, 1));
    let journal = world.journal(&run).await;
    assert_eq!(journal.len(), 1);
    assert_eq!((&*journal[0].field, &journal[0].to), ("list:57", &json!(true)));
    assert_eq!((&*journal[0].mapping, &*journal[0].origin), ("segments.vips → list 57", "in segment vips"));
    world.assert_rest().await;
    become_(&world, &bo, "vip");
    become_(&world, &ada, "none");
    let calls = world.crm.calls().push;
    synced(&world).await;
    assert_eq!(world.crm.on_list(LIST), [bo]);
    assert_eq!(world.crm.calls().push, calls + 1, "who comes and who goes is one call");
    world.assert_rest().await;
}

#[tokio::test]
async fn whoever_was_put_there_by_hand_stays() {
    let world = world();
    let (ada, bo) = (person(&world, "ada", "vip"), person(&world, "bo", "none"));
    for by_hand in [&ada, &bo] {
        assert!(world.crm.set_on_list(&CONTACT, LIST, by_hand, true));
    }
    let run = synced(&world).await;
    assert_eq!((run.counts.skipped, world.journal(&run).await.len()), (1, 0), "it was so already");
    world.assert_rest().await;
    become_(&world, &ada, "none");
    let calls = world.crm.calls().push;
    synced(&world).await;
    assert_eq!(world.crm.on_list(LIST), [ada, bo]);
    assert_eq!(world.crm.calls().push, calls, "nothing is Ferry's to take back");
    world.assert_rest().await;
}

#[tokio::test]
async fn a_place_whose_answer_was_lost_is_ferrys() {
    for applied in [true, false] {
        let world = world();
        let ada = person(&world, "ada", "vip");
        world.crm.fail_next(Call::Push, Fault::Lost { applied });
        synced(&world).await;
        assert_eq!(world.crm.on_list(LIST), std::slice::from_ref(&ada));
        world.assert_rest().await;
        become_(&world, &ada, "none");
        synced(&world).await;
        assert!(world.crm.on_list(LIST).is_empty(), "applied: {applied}");
        world.assert_rest().await;
    }
}

#[tokio::test]
async fn killed_around_the_call_the_list_is_right_in_the_end() {
    for trick in [Trick::DieAfterPush, Trick::DieBeforePush] {
        let (mut world, tricky) = World::tricked(&config());
        world.crm.make_list(LIST);
        let ada = person(&world, "ada", "vip");
        world.pull().await;
        world.compute().await;
        tricky.play(trick);
        world.push_and_die(&tricky).await;
        assert_eq!(world.push().await.state, RunState::Done);
        assert_eq!(world.crm.on_list(LIST), std::slice::from_ref(&ada));
        become_(&world, &ada, "none");
        synced(&world).await;
        assert!(world.crm.on_list(LIST).is_empty());
        world.assert_rest().await;
    }
}

#[tokio::test]
async fn a_list_that_takes_nobody_is_one_letter_and_fields_go_on() {
    let world =
        World::with(&configured(&format!("{VIPS}push_list = {{ acme = {LIST} }}\n"), "", &format!("{TITLE}{CITY}")));
    world.crm.close_list(LIST);
    let (ada, bo) = (person(&world, "ada", "vip"), person(&world, "bo", "vip"));
    world.sync().await;
    world.identify("ada@acme.example", json!({ "city": "Bonn" })).await;
    let run = world.sync().await;
    assert_eq!(run.state, RunState::Done, "{run:?}");
    assert_eq!(world.value(&ada, "city"), "Bonn".into());
    let letters = world.dead_letters().await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!((letters[0].code, letters[0].count), (DeadLetterCode::WriteRejected, 2));
    assert!(letters[0].cause.contains("the place in list 57"), "{}", letters[0].cause);
    assert_eq!(letters[0].subject.field.as_deref(), Some("list:57"));
    world.assert_rest().await;
    // It is opened, and somebody says so.
    world.crm.make_list(LIST);
    world.retry(DeadLetterCode::WriteRejected, None).await;
    assert_eq!(world.push().await.state, RunState::Done);
    assert_eq!(world.crm.on_list(LIST), [ada, bo]);
    assert_eq!(world.dead_letters().await.len(), 0);
    world.assert_rest().await;
}

#[tokio::test]
async fn whom_somebody_took_off_is_put_there_again_by_the_next_comparison() {
    let world = world();
    let (ada, bo) = (person(&world, "ada", "vip"), person(&world, "bo", "none"));
    synced(&world).await;
    assert!(world.crm.set_on_list(&CONTACT, LIST, &ada, false));
    assert!(world.crm.set_on_list(&CONTACT, LIST, &bo, true));
    world.assert_rest().await;
    assert_eq!(world.crm.on_list(LIST), std::slice::from_ref(&bo), "nobody looks in between");
    world.advance(Duration::from_secs(3_600));
    let run = world.push_with(Pushing { full: true, ..Pushing::default() }).await;
    assert_eq!(world.crm.on_list(LIST), [ada.clone(), bo.clone()]);
    let journal = world.journal(&run).await;
    assert_eq!(journal.iter().map(|row| &*row.origin).collect::<Vec<_>>(), ["drift: taken off at the CRM"]);
    world.assert_rest().await;
    // And so it is once a week without anybody asking.
    assert!(world.crm.set_on_list(&CONTACT, LIST, &ada, false));
    world.advance(Duration::from_secs(8 * 86_400));
    synced(&world).await;
    assert_eq!(world.crm.on_list(LIST), [ada, bo]);
    world.assert_rest().await;
}

#[tokio::test]
async fn a_new_list_is_filled_and_a_plan_says_how_many_come_and_go() {
    let mut world = World::with(&configured(VIPS, "", TITLE));
    world.crm.make_list(LIST);
    let people: Vec<RecordId> = (0..3).map(|n| person(&world, &format!("p{n}"), "vip")).collect();
    world.pull().await;
    world.compute().await;
    world.reconfigure(&config());
    let planned = async |world: &World| {
        let plans = world.app.plan(world.connection()).await.unwrap().unwrap();
        let lists = plans.iter().flat_map(|plan| &plan.forecast.lists);
        lists.map(|list| (list.list.to_string(), list.adds, list.removes)).collect::<Vec<_>>()
    };
    assert_eq!(planned(&world).await, [(LIST.to_owned(), 3, 0)]);
    assert!(world.crm.on_list(LIST).is_empty());
    synced(&world).await;
    assert_eq!(world.crm.on_list(LIST), people);
    assert_eq!(planned(&world).await, []);
    world.assert_rest().await;
    become_(&world, &people[0], "none");
    world.pull().await;
    world.compute().await;
    assert_eq!(planned(&world).await, [(LIST.to_owned(), 0, 1)]);
    // Another list, long after everything was told: it is filled, and the first one is left as it is.
    let other = configured(&format!("{VIPS}push_list = {{ acme = 58 }}\n"), "", TITLE);
    world.crm.make_list("58");
    world.reconfigure(&other);
    assert_eq!(planned(&world).await, [("58".to_owned(), 2, 0)]);
    synced(&world).await;
    assert_eq!(world.crm.on_list("58"), people[1..]);
    assert_eq!(world.crm.on_list(LIST), people, "nobody keeps it any more");
    world.assert_rest().await;
}

#[tokio::test]
async fn thousands_go_in_few_calls() {
    let world = world();
    for n in 0..600 {
        person(&world, &format!("p{n}"), "vip");
    }
    synced(&world).await;
    assert_eq!(world.crm.on_list(LIST).len(), 600);
    assert_eq!(world.crm.calls().push, 3, "250 in a call");
    world.assert_rest().await;
}

#[tokio::test]
async fn a_connection_that_only_plans_puts_nobody_anywhere() {
    for (mode, runs) in [("pull_only", 0), ("dry_run", 1)] {
        let lists = format!("{VIPS}push_list = {{ acme = {LIST} }}\n");
        let world = World::with(&configured(&lists, &format!("mode = \"{mode}\""), TITLE));
        world.crm.make_list(LIST);
        person(&world, "ada", "vip");
        world.pull().await;
        world.compute().await;
        let pushed = world.app.push(world.connection(), Pushing::default(), &()).await.unwrap();
        assert_eq!(pushed.len(), runs);
        assert_eq!(pushed.iter().map(|finished| finished.run.counts.skipped).sum::<u64>(), runs as u64);
        assert_eq!((world.crm.on_list(LIST).len(), world.crm.calls().push), (0, 0));
    }
}

const PRIVACY: &str = "[[source]]\nname = \"website\"\ntype = \"jsonl\"\n[privacy]\ncategories = { Sales = \"sales\", Analytics = \"analytics\" }\n";

/// A CRM with a list, and a segment of whoever has a title; at six in the morning, pulled once.
async fn harbour(vendor: Vendor, list: impl Fn(&crate::mocks::Mock) -> String) -> (Harbour, String) {
    let mut made = String::new();
    let harbour = Harbour::around(at("2026-03-02T06:00:00Z"), vec![(vendor, Default::default())], |mocks| {
        made = list(&mocks[0]);
        let mut config = format!("preset = \"b2b\"\ntimezone = \"UTC\"\nbase_currency = \"EUR\"\n{PRIVACY}\n");
        config.push_str(&format!("{VIPS}push_list = {{ {} = \"{made}\" }}\n", vendor.name()));
        config.extend(mocks.iter().map(|mock| mock.entry("")));
        config
    })
    .await;
    (harbour, made)
}

async fn on_list(harbour: &Harbour, vendor: Vendor, object: &Object, list: &str) -> Vec<RecordId> {
    let connector = &harbour.connection(vendor).connector;
    let page = connector.list_members(object, list, None).await.unwrap();
    assert_eq!(page.next, None);
    page.members
}

fn consent(id: &str, at: &str, sales: bool) -> String {
    let message = json!({ "type": "track", "event": "Segment Consent Preference Updated", "messageId": id, "timestamp": at,
        "userId": "u-ada", "context": { "traits": { "email": "ada@northwind.example" },
        "consent": { "categoryPreferences": { "Sales": sales, "Analytics": true } } } });
    format!("{message}\n")
}

/// The whole story at one CRM: in, out by consent, in again, out by leaving; one put there by hand stays.
async fn story(
    vendor: Vendor,
    list: impl Fn(&crate::mocks::Mock) -> String,
    by_hand: impl Fn(&Harbour, &str, &RecordId),
) {
    let (harbour, list) = harbour(vendor, list).await;
    let mock = harbour.mock(vendor);
    let person = |name: &str, title: &str| {
        let email = format!("{name}@northwind.example");
        mock.create(&CONTACT, &[("email", &email), ("last_name", name), ("title", title)])
    };
    let (ada, bo, cy) = (person("ada", "vip"), person("bo", "vip"), person("cy", "none"));
    by_hand(&harbour, &list, &cy);
    harbour.cycle().await;
    let sorted = |mut ids: Vec<RecordId>| {
        ids.sort();
        ids
    };
    let on = async || sorted(on_list(&harbour, vendor, &CONTACT, &list).await);
    let now = || harbour.app.world.clock.now().to_rfc3339();
    let wanted = |ids: &[&RecordId]| sorted(ids.iter().map(|id| (*id).clone()).collect());
    assert_eq!(on().await, wanted(&[&ada, &bo, &cy]));
    harbour.assert_rest().await;
    harbour.import(&consent("c1", &now(), false)).await;
    harbour.cycle().await;
    assert_eq!(on().await, wanted(&[&bo, &cy]), "consent is withdrawn");
    harbour.assert_rest().await;
    harbour.import(&consent("c2", &now(), true)).await;
    harbour.cycle().await;
    harbour.cycle().await;
    assert_eq!(on().await, wanted(&[&ada, &bo, &cy]), "and given again");
    mock.edit(&CONTACT, &bo, &[("title", "none")]);
    harbour.cycle().await;
    assert_eq!(on().await, wanted(&[&ada, &cy]), "who leaves is taken off");
    harbour.assert_rest().await;
}

fn made(mock: &crate::mocks::Mock, body: &Json) -> String {
    mock.act("list", body)["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_static_list_of_hubspot_is_kept() {
    let list = |mock: &crate::mocks::Mock| made(mock, &json!({ "name": "VIPs" }));
    story(Vendor::Hubspot, list, |harbour, list, person| {
        harbour.mock(Vendor::Hubspot).act("list", &json!({ "list": list, "add": [person.as_str()] }));
    })
    .await;
}

#[tokio::test]
async fn a_campaign_of_salesforce_is_kept() {
    let list = |mock: &crate::mocks::Mock| {
        mock.act("edit", &json!({ "object": "Campaign", "properties": { "Name": "VIPs" } }))["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    story(Vendor::Salesforce, list, |harbour, list, person| {
        let body = json!({ "from": "Campaign", "from_id": list, "to": "Contact", "to_id": person.as_str() });
        harbour.mock(Vendor::Salesforce).act("associate", &body);
    })
    .await;
}

#[tokio::test]
async fn a_tag_of_zoho_is_kept() {
    story(
        Vendor::Zoho,
        |_| "vip".to_owned(),
        |harbour, tag, person| {
            let body = json!({ "object": "Contacts", "id": person.as_str(), "properties": { "Tag": tag } });
            harbour.mock(Vendor::Zoho).act("edit", &body);
        },
    )
    .await;
}

#[tokio::test]
async fn a_dynamic_list_of_hubspot_is_told_by_a_look_and_by_a_letter() {
    let dynamic = |mock: &crate::mocks::Mock| made(mock, &json!({ "name": "By filter", "filling": "DYNAMIC" }));
    let (harbour, list) = harbour(Vendor::Hubspot, dynamic).await;
    let troubles = harbour.connection(Vendor::Hubspot).look_at_lists().await.unwrap();
    assert_eq!(troubles.len(), 1);
    assert!(troubles[0].why.as_ref().unwrap().contains("DYNAMIC"), "{troubles:?}");
    let mock = harbour.mock(Vendor::Hubspot);
    let ada = mock.create(&CONTACT, &[("email", "ada@northwind.example"), ("last_name", "Berg"), ("title", "vip")]);
    harbour.advance(Duration::from_secs(300));
    harbour.pull(Vendor::Hubspot).await;
    harbour.compute().await;
    let runs = harbour.push(Vendor::Hubspot).await;
    assert!(runs.iter().any(|run| run.state == RunState::Partial), "{runs:?}");
    assert_ne!(
        harbour.value(Vendor::Hubspot, &CONTACT, &ada, "segments").await,
        connector::Value::Null,
        "fields go on"
    );
    let letters = harbour.dead_letters().await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert!(letters[0].cause.contains("DYNAMIC") && letters[0].fix.contains("name another one"), "{letters:?}");
    assert!(on_list(&harbour, Vendor::Hubspot, &CONTACT, &list).await.is_empty());
    harbour.assert_rest().await;
}
