//! What people do with customers at the CRMs, beside what the customers do themselves: one timeline, each thing once, and an
//! answer to a lead is an answer.

use std::sync::Arc;
use std::time::Duration;

use connector::{Clock, ErrorKind, Fields, Object, RecordId, Timestamp, Value, own_mark};
use connector_conformance::memory::{Call, Fault};
use ferry::app::Pushing;
use ferry::config::Vendor::{Hubspot, Salesforce};
use ferry::model::{Run, RunState};
use ferry::store::{AssignmentRow, TimelineItem};
use serde_json::json;

use crate::harbour::Harbour;
use crate::world::World;

const PULLED: &str = r#"
timezone = "UTC"
base_currency = "USD"

[[crm]]
name = "acme"
type = "salesforce"
login_url = "https://acme.my.salesforce.com"
client_id = "id"
client_secret = { env = "SECRET" }
pull_activities = "90d"

[crm.create]
lead = "known"

[crm.fields.lead]
email = "email"
first_name = "first_name"
profile_id = "cdp_profile_id"

[crm.fields.contact]
email = "email"
profile_id = "cdp_profile_id"

[crm.fields.deal]
order_id = "order_number"

[routing]
fallback = "ops@acme.example"
sla = { respond_within = "30m" }
pool = ["rita@acme.example"]
"#;

/// Something done with somebody now.
fn done(world: &World, kind: &str, subject: &str, about: (&Object, &RecordId), more: &[(&str, Value)]) -> RecordId {
    let mut fields = Fields::from([
        ("kind", Value::from(kind)),
        ("subject", Value::from(subject)),
        ("at", Value::Instant(world.clock.now())),
    ]);
    more.iter().for_each(|(name, value)| fields.set(*name, value.clone()));
    let made = world.crm.create(&Object::Activity, fields);
    world.crm.link((&Object::Activity, &made), about);
    made
}

async fn timeline(world: &World, key: &str) -> Vec<TimelineItem> {
    let id = world.app.store.find_profile(key).await.unwrap().unwrap();
    world.app.store.timeline(id, 1_000).await.unwrap()
}

fn crm(items: &[TimelineItem]) -> Vec<&str> {
    items.iter().filter(|item| &*item.kind == "crm").map(|item| &*item.title).collect()
}

#[tokio::test]
async fn a_crash_between_pages_tells_nothing_twice() {
    let world = World::with(PULLED);
    let ada = world.contact(&[("email", "ada@kiwi.example")]);
    for number in 1..=5 {
        done(&world, "call", &format!("no. {number}"), (&Object::Contact, &ada), &[]);
        world.advance(Duration::from_secs(60));
    }
    world.crm.set_page_size(2);
    // Users, contacts, deals … and the first page of activities; the second one breaks off.
    let runs = world.pull().await;
    assert!(runs.iter().all(|run| run.state == RunState::Done), "{runs:?}");
    let ed = world.contact(&[("email", "ed@kiwi.example")]);
    for number in 6..=10 {
        done(&world, "call", &format!("no. {number}"), (&Object::Contact, &ada), &[]);
        world.advance(Duration::from_secs(60));
    }
    done(&world, "call", "another", (&Object::Contact, &ed), &[]);
    let mut broken = 0;
    for nth in (1..=26).rev() {
        world.crm.fail_nth(Call::Pull, nth, Fault::Fail(ErrorKind::Auth));
        let runs = world.pull().await;
        broken += usize::from(runs.iter().any(|run| run.state != RunState::Done));
    }
    assert!(broken > 3, "{broken}");
    world.crm.mend();
    assert!(world.pull().await.iter().all(|run| run.state == RunState::Done));
    let items = timeline(&world, "email:ada@kiwi.example").await;
    let expected: Vec<String> = (1..=10).rev().map(|number| format!("Call: no. {number}")).collect();
    assert_eq!(crm(&items), expected);
    assert_eq!(crm(&timeline(&world, "email:ed@kiwi.example").await), ["Call: another"]);
}

#[tokio::test]
async fn only_the_last_ninety_days_are_loaded_and_what_ferry_wrote_is_left_out() {
    let world = World::with(PULLED);
    let ada = world.contact(&[("email", "ada@kiwi.example")]);
    done(&world, "call", "long ago", (&Object::Contact, &ada), &[]);
    world.advance(Duration::from_secs(91 * 86_400));
    done(&world, "meeting", "lately", (&Object::Contact, &ada), &[]);
    let mark = Value::from(format!("What happened this week\n{}", own_mark("digest")).as_str());
    done(&world, "note", "Digest", (&Object::Contact, &ada), &[("body", mark)]);
    let task = done(&world, "task", "Call back", (&Object::Contact, &ada), &[("done", Value::Bool(false))]);
    world.pull().await;
    assert_eq!(crm(&timeline(&world, "email:ada@kiwi.example").await), ["Open task: Call back", "Meeting: lately"]);
    world.advance(Duration::from_secs(60));
    world.crm.edit(&Object::Activity, &task, Fields::from([("done", Value::Bool(true))]));
    world.pull().await;
    world.crm.delete(&Object::Activity, &task);
    world.advance(Duration::from_secs(60));
    world.pull().await;
    assert_eq!(crm(&timeline(&world, "email:ada@kiwi.example").await), ["Meeting: lately"]);
}

async fn lead_of(world: &World, name: &str) -> RecordId {
    world.identify(&format!("{name}@kiwi.example"), json!({})).await;
    world.compute().await;
    let what = Pushing { object: Some(&Object::Lead), ..Pushing::default() };
    let pushed: Vec<Run> =
        world.app.push(world.connection(), what, &()).await.unwrap().into_iter().map(|one| one.run).collect();
    assert!(pushed.iter().all(|run| run.state == RunState::Done), "{pushed:?}");
    world.crm.ids(&Object::Lead).last().unwrap().clone()
}

async fn turns(world: &World) -> Vec<AssignmentRow> {
    let mut rows = world.app.store.assignments(None, Timestamp::EPOCH, 100).await.unwrap();
    rows.reverse();
    rows
}

#[tokio::test]
async fn what_the_owner_did_with_the_person_answers_the_lead() {
    let world = World::with(PULLED);
    let user = |name: &str| {
        let address = format!("{name}@acme.example");
        world.crm.create(
            &Object::User,
            Fields::from([
                ("email", Value::from(address.as_str())),
                ("name", Value::from(name)),
                ("active", Value::Bool(true)),
            ]),
        )
    };
    let (rita, sam) = (user("rita"), user("ops"));
    world.pull().await;
    let mut leads = Vec::new();
    for name in ["ada", "bob", "chen", "dana", "eve"] {
        leads.push(lead_of(&world, name).await);
    }
    world.pull().await;
    world.advance(Duration::from_secs(600));
    let owned = |owner: &RecordId| ("owner", Value::from(owner.as_str()));
    let way = |way: &str| ("direction", Value::from(way));
    let lead = |at: usize| (&Object::Lead, &leads[at]);
    done(&world, "call", "Intro", lead(0), &[owned(&rita), way("out")]);
    // None of these is an answer: they called us; somebody else called; a note; a task nobody has done.
    done(&world, "call", "They called", lead(1), &[owned(&rita), way("in")]);
    done(&world, "email", "Hello", lead(2), &[owned(&sam), way("out")]);
    done(&world, "note", "Looks good", lead(3), &[owned(&rita)]);
    done(&world, "task", "Call them", lead(3), &[owned(&rita), ("done", Value::Bool(false))]);
    // A meeting that is yet to come was agreed upon now.
    let week = world.clock.now().saturating_add(Duration::from_secs(7 * 86_400));
    done(&world, "meeting", "Demo", lead(4), &[owned(&rita), ("at", Value::Instant(week))]);
    world.advance(Duration::from_secs(60));
    world.pull().await;
    let given = turns(&world).await;
    let answered: Vec<Option<u64>> =
        given.iter().map(|turn| turn.answered_at.map(|at| at.since(turn.at).as_secs())).collect();
    assert_eq!(answered, [Some(600), None, None, None, Some(600)]);
    world.advance(Duration::from_secs(1_300));
    assert!(world.app.tell_overdue().await.unwrap().is_empty(), "an answer may be there and not be read yet");
    world.pull().await;
    let late = world.app.tell_overdue().await.unwrap();
    assert_eq!(late.len(), 3, "{late:?}");
    // Late, but answered.
    done(&world, "call", "At last", lead(1), &[owned(&rita), way("out")]);
    world.advance(Duration::from_secs(60));
    world.pull().await;
    let turn = &turns(&world).await[1];
    assert!(turn.answered_at.is_some() && turn.breached_at.is_some());
}

#[tokio::test]
async fn the_daemon_reads_a_call_that_answers_a_lead() {
    let mut world = World::with(PULLED);
    let rita = Fields::from([("email", Value::from("rita@acme.example")), ("active", Value::Bool(true))]);
    let rita = world.crm.create(&Object::User, rita);
    world.pull().await;
    let lead = lead_of(&world, "ada").await;
    world.advance(Duration::from_secs(600));
    let out = [("owner", Value::from(rita.as_str())), ("direction", Value::from("out"))];
    done(&world, "call", "Intro", (&Object::Lead, &lead), &out);
    world.reconfigure(&format!("{PULLED}\n[schedule]\npull = \"5m\"\njitter = \"0s\"\n"));
    let app = Arc::new(world.app.clone());
    let schedule = tokio::spawn(app.clone().run_schedule());
    // Time passes as fast as the daemon lets it: it has a month.
    let from = world.clock.now();
    while turns(&world).await[0].answered_at.is_none() && world.clock.now().since(from).as_secs() < 30 * 86_400 {
        tokio::task::yield_now().await;
    }
    app.stop.cancel();
    schedule.await.unwrap().unwrap();
    let [turn] = turns(&world).await.try_into().unwrap();
    assert_eq!(turn.answered_at.map(|at| at.since(turn.at).as_secs()), Some(600));
    assert_eq!(crm(&timeline(&world, "email:ada@kiwi.example").await), ["Call: Intro"]);
}

#[tokio::test]
async fn an_order_that_is_a_deal_as_well_counts_once_and_its_products_are_owned() {
    let world = World::with(&format!("preset = \"b2b\"\n{PULLED}"));
    let ada = world.contact(&[("email", "ada@kiwi.example")]);
    let deal = |number: &str, products: &str| {
        let deal = world.crm.create(
            &Object::Deal,
            Fields::from([
                ("name", Value::from("Boat")),
                ("stage", Value::from("s_done")),
                ("amount", Value::Number(100.into())),
                ("currency", Value::from("USD")),
                ("closed_at", Value::Instant(world.clock.now())),
                ("order_number", Value::from(number)),
                ("products", Value::from(products)),
            ]),
        );
        world.crm.link((&Object::Deal, &deal), (&Object::Contact, &ada));
        deal
    };
    let twin = deal("o-1", "Boat;Oars");
    deal("", "Jetty");
    world.pull().await;
    let event = json!({
        "type": "track", "event": "Order Completed", "messageId": "m-1", "userId": "u-1",
        "timestamp": world.clock.now().to_rfc3339(), "context": { "traits": { "email": "ada@kiwi.example" } },
        "properties": { "order_id": "o-1", "revenue": 100, "currency": "USD", "products": [{ "product_id": "b", "name": "Boat" }] },
    });
    world.message(&event.to_string()).await.unwrap();
    world.compute().await;
    let of = async |name: &str| world.trait_of("email:ada@kiwi.example", name).await;
    assert_eq!((of("ltv").await, of("won_revenue").await), (Value::Number(200.into()), Value::Number(200.into())));
    assert_eq!(of("products_owned").await, Value::List(["Boat", "Jetty", "Oars"].map(Into::into).into()));
    // Another number, and it is another sale.
    world.advance(Duration::from_secs(60));
    world.crm.edit(&Object::Deal, &twin, Fields::from([("order_number", "o-2")]));
    world.pull().await;
    world.compute().await;
    assert_eq!(of("ltv").await, Value::Number(300.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_at_one_crm_and_a_task_at_the_other_stand_among_the_visits_once_each() {
    let harbour = Harbour::new(&[Hubspot, Salesforce], "").await;
    let person = [("email", "ada@kiwi.example"), ("first_name", "Ada"), ("last_name", "Berg")];
    let (hubspot, salesforce) = (harbour.mock(Hubspot), harbour.mock(Salesforce));
    let (there, here) = (hubspot.create(&Object::Contact, &person), salesforce.create(&Object::Contact, &person));
    harbour.cycle().await;
    let visit = |number: u32| {
        let at = harbour.clock.now().to_rfc3339();
        json!({
            "type": "page", "messageId": format!("p{number}"), "anonymousId": "web-1", "timestamp": at,
            "properties": { "path": "/pricing", "url": "https://www.acme.example/pricing" },
            "context": { "traits": { "email": "ada@kiwi.example" } },
        })
        .to_string()
    };
    let minutes = |minutes: u64| harbour.advance(Duration::from_secs(minutes * 60));
    minutes(60);
    harbour.import(&visit(1)).await;
    minutes(10);
    let now = harbour.clock.now().to_rfc3339();
    let call = hubspot.act(
        "edit",
        &json!({ "object": "calls", "properties": { "hs_timestamp": now, "hs_call_title": "Intro", "hs_call_direction": "OUTBOUND",
            "hs_call_status": "COMPLETED" } }),
    );
    let both = json!({ "from": "calls", "from_id": call["id"], "to": "contacts", "to_id": there.as_str() });
    hubspot.act("associate", &both);
    minutes(10);
    harbour.import(&visit(2)).await;
    minutes(10);
    salesforce.act(
        "edit",
        &json!({ "object": "Task", "properties": { "Subject": "Send offer", "WhoId": here.as_str(), "Status": "Completed" } }),
    );
    harbour.cycle().await;
    harbour.cycle().await;
    let id = harbour.app.store.find_profile("email:ada@kiwi.example").await.unwrap().unwrap();
    let items = harbour.app.store.timeline(id, 1_000).await.unwrap();
    let shown = items.iter().filter(|item| matches!(&*item.kind, "crm" | "event"));
    let shown: Vec<(&str, &str)> =
        shown.map(|item| (&*item.title, item.source.split(' ').next().unwrap_or_default())).collect();
    let expected =
        [("Task: Send offer", "salesforce"), ("page", "website"), ("Call: Intro", "hubspot"), ("page", "website")];
    assert_eq!(shown, expected);
    let intro = items.iter().find(|item| &*item.title == "Call: Intro").unwrap();
    assert_eq!(intro.direction.as_deref(), Some("out"));
    // Taken back at the CRM, it is gone here.
    hubspot.act("delete", &json!({ "object": "calls", "id": call["id"] }));
    minutes(20);
    harbour.cycle().await;
    let items = harbour.app.store.timeline(id, 1_000).await.unwrap();
    assert_eq!(crm(&items), ["Task: Send offer"]);
    harbour.assert_rest().await;
}
