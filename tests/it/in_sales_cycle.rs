//! Whoever enters the band with an open deal is nobody's new lead: the deal's owner is told, once, and no turn is taken.

use std::time::Duration;

use connector::{Clock, Fields, Object, RecordId, Timestamp, Value};
use ferry::app::{Pushing, story};
use ferry::config::Vendor::{self, Hubspot, Salesforce};
use ferry::model::{DeadLetterCode, EntryState, RunState, Step};
use ferry::store::{AssignmentRow, AssignmentState};
use serde_json::{Value as Json, json};

use crate::desk::Desk;
use crate::harbour::{Harbour, at};
use crate::world::World;

const ADA: &str = "ada@kiwi.example";
const KEY: &str = "email:ada@kiwi.example";
const CONTACTS: &str = r#"
[crm.fields.contact]
email = "email"
score_engagement = "score"
profile_id = "cdp_profile_id"
"#;

/// Ada is a contact of nobody's with a deal of somebody's; says both.
fn contact_with_deal(desk: &Desk, owner: &str) -> (RecordId, RecordId) {
    let crm = &desk.world.crm;
    let contact = crm.create(&Object::Contact, Fields::from([("email", ADA)]));
    let owner = desk.user(owner);
    let deal = Fields::from([("name", "Boat"), ("stage", "contract"), ("owner", owner.as_str())]);
    let deal = crm.create(&Object::Deal, deal);
    crm.link((&Object::Deal, &deal), (&Object::Contact, &contact));
    (contact, deal)
}

async fn enters(desk: &mut Desk, name: &str) {
    let anonymous = format!("a-{name}");
    desk.is_known(&anonymous, &format!("{name}@kiwi.example")).await;
    desk.forms(&anonymous, 2).await;
    desk.compute().await;
}

async fn told(desk: &Desk) -> Vec<String> {
    let id = desk.world.app.store.find_profile(KEY).await.unwrap().unwrap();
    let (store, model) = (&*desk.world.app.store, &desk.world.app.model);
    let uid = desk.world.profile(KEY).await.profile.uid;
    let moments = story::telling(store, model, id, uid, 100).await.unwrap().moments;
    let about = moments.iter().map(|moment| moment.item.title.to_string());
    about.filter(|title| title.starts_with("A deal is open")).collect()
}

#[tokio::test]
async fn the_owner_of_an_open_deal_gets_a_task_and_nobody_a_turn() {
    let mut desk = Desk::with(&format!("sla = {{ respond_within = \"30m\" }}\n{CONTACTS}")).await;
    let (contact, deal) = contact_with_deal(&desk, "sam");
    desk.world.pull().await;
    enters(&mut desk, "ada").await;
    for _ in 0..3 {
        desk.push().await;
        desk.world.advance(Duration::from_secs(60));
        desk.world.pull().await;
        desk.compute().await;
    }
    assert_eq!((desk.owners_of(&Object::Contact), desk.owners()), (vec!["nobody".to_owned()], Vec::new()));
    assert_eq!(desk.entry(KEY).await, EntryState::Done);
    let [(task, body)] = desk.world.crm.tasks(&contact).try_into().unwrap();
    let owner = desk.world.crm.value(&Object::Other("task".into()), &task, "owner");
    assert_eq!(owner, Value::text(desk.user("sam").as_str()));
    assert!(body.contains("Why you: the deal Boat (Contract sent) is open and belongs to sam"), "{body}");
    let [turn] = desk.turns().await.try_into().unwrap();
    assert_eq!((turn.state, turn.step, turn.pool), (AssignmentState::Made, Some(Step::Deal), None));
    assert_eq!((turn.record, turn.respond_by), (Some(contact), None), "nothing was given that is to be answered");
    assert_eq!(told(&desk).await, ["A deal is open: sam is told"]);
    // The round begins with whoever is first in it, and the entry is not acted on once the deal is lost.
    desk.world.crm.edit(&Object::Deal, &deal, Fields::from([("stage", "s_gone")]));
    desk.world.pull().await;
    enters(&mut desk, "bob").await;
    desk.push().await;
    assert_eq!((desk.owners(), desk.owners_of(&Object::Contact)), (vec!["rita".into()], vec!["nobody".into()]));
}

#[tokio::test]
async fn where_there_are_no_tasks_the_log_and_the_timeline_tell() {
    let world = World::around(&format!("{}{CONTACTS}", crate::desk::CONFIG), |crm| {
        std::sync::Arc::new(crm.connector().with_capability(|capability| capability.tasks.clear()))
    });
    let mut desk = Desk::of(world).await;
    let (contact, _) = contact_with_deal(&desk, "sam");
    desk.world.pull().await;
    enters(&mut desk, "ada").await;
    desk.push().await;
    desk.push().await;
    assert_eq!(desk.world.crm.tasks(&contact), []);
    assert_eq!(told(&desk).await, ["A deal is open: sam is told"]);
    assert_eq!((desk.turns().await.len(), desk.entry(KEY).await), (1, EntryState::Done));
}

#[tokio::test]
async fn a_deal_of_somebody_who_has_left_leaves_the_record_to_routing() {
    let mut desk = Desk::with(CONTACTS).await;
    contact_with_deal(&desk, "sam");
    desk.world.crm.edit(
        &Object::User,
        &desk.user("sam"),
        [("active", Value::from(false))].into_iter().collect::<Fields>(),
    );
    desk.world.pull().await;
    enters(&mut desk, "ada").await;
    desk.push().await;
    assert_eq!(desk.owners_of(&Object::Contact), ["rita"]);
    let trail: Vec<String> = desk.turns().await[0].trail.iter().map(|line| line.text.to_string()).collect();
    assert_eq!(trail[0], "the deal Boat (Contract sent) is open and sam who owns it is inactive");
}

#[tokio::test]
async fn a_deal_that_is_decided_is_no_sales_cycle() {
    let mut desk = Desk::with(CONTACTS).await;
    let (_, deal) = contact_with_deal(&desk, "sam");
    desk.world.crm.edit(&Object::Deal, &deal, Fields::from([("stage", "s_done")]));
    desk.world.pull().await;
    enters(&mut desk, "ada").await;
    desk.push().await;
    assert_eq!(desk.owners_of(&Object::Contact), ["rita"]);
}

/// A CRM with a sales team of four, which makes what `create` says.
async fn office(instant: &str, vendors: &[Vendor], create: &str, routing: &str) -> Harbour {
    let all = vendors.iter().map(|vendor| (*vendor, Default::default())).collect();
    let harbour = Harbour::around(at(instant), all, |mocks| {
        let mut config = "preset = \"b2b\"\ntimezone = \"UTC\"\nbase_currency = \"EUR\"\n\
            [[source]]\nname = \"website\"\ntype = \"jsonl\"\n"
            .to_owned();
        let last = mocks.len() - 1;
        // What has the deals makes nothing itself.
        config.extend(mocks.iter().enumerate().map(|(at, mock)| mock.entry(if at == last { create } else { "" })));
        format!("{config}\n[routing]\nfallback = \"ops@seller.example\"\npool = [\"rita@seller.example\"]\n{routing}")
    })
    .await;
    for mock in &harbour.mocks {
        for name in ["rita", "ops", "dora"] {
            mock.act(
                "owner",
                &json!({ "email": format!("{name}@seller.example"), "first_name": name, "last_name": "Lee" }),
            );
        }
    }
    harbour
}

async fn user(harbour: &Harbour, vendor: Vendor, name: &str) -> String {
    let users = harbour.app.store.users(harbour.connection(vendor).name()).await.unwrap();
    let address = format!("{name}@seller.example");
    users.iter().find(|user| user.email.as_deref() == Some(&*address)).unwrap().id.to_string()
}

/// Ada is a contact, and Dora has an open deal with her.
async fn has_deal(harbour: &Harbour, vendor: Vendor, ada: &RecordId) {
    let (crm, dora) = (harbour.mock(vendor), user(harbour, vendor, "dora").await);
    let (object, deal) = match vendor {
        Hubspot => (
            "deals",
            json!({ "dealname": "Boat", "pipeline": "default", "dealstage": "contractsent", "hubspot_owner_id": dora }),
        ),
        _ => (
            "Opportunity",
            json!({ "Name": "Boat", "StageName": "Prospecting", "CloseDate": "2026-12-05", "OwnerId": dora }),
        ),
    };
    let deal = crm.act("edit", &json!({ "object": object, "properties": deal }))["id"].clone();
    match vendor {
        Hubspot => {
            crm.act("associate", &json!({ "from": "deals", "from_id": deal, "to": "contacts", "to_id": ada.as_str() }))
        }
        _ => crm.act("role", &json!({ "opportunity": deal, "contact": ada.as_str() })),
    };
}

/// Somebody says who they are and asks for two demos.
async fn asks(harbour: &Harbour, email: &str) {
    let now = harbour.clock.now().to_rfc3339();
    let line = |number: u32, mut what: Json| {
        what["messageId"] = format!("{email}-{number}").into();
        what["timestamp"] = now.as_str().into();
        what["userId"] = email.into();
        what.to_string()
    };
    let traits = json!({ "email": email, "lastName": "Berg", "title": "VP Operations", "country": "DE" });
    let demo = || json!({ "type": "track", "event": "Form Submitted", "properties": { "form": "demo" } });
    let lines = [line(1, json!({ "type": "identify", "traits": traits })), line(2, demo()), line(3, demo())];
    harbour.import(&lines.join("\n")).await;
}

async fn turns(harbour: &Harbour) -> Vec<AssignmentRow> {
    let mut rows = harbour.app.store.assignments(None, Timestamp::EPOCH, 100).await.unwrap();
    rows.reverse();
    rows
}

/// Tasks that Ferry has made: whose, and what they say.
fn tasks(harbour: &Harbour, vendor: Vendor) -> Vec<(String, String)> {
    let (object, owner, subject) = match vendor {
        Hubspot => ("tasks", "hubspot_owner_id", "hs_task_subject"),
        _ => ("Task", "OwnerId", "Subject"),
    };
    let written = harbour.mock(vendor).written(0);
    let made = written.iter().filter(|line| line["op"] == "create" && line["object"] == object);
    let text = |line: &Json, name: &str| {
        let after = &line["after"];
        let held = if after["properties"].is_object() { &after["properties"][name] } else { &after[name] };
        held.as_str().unwrap_or_else(|| panic!("{line}")).to_owned()
    };
    made.map(|line| (text(line, owner), text(line, subject))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn at_hubspot_and_salesforce_the_owner_of_the_deal_gets_one_task() {
    for (vendor, create) in [(Hubspot, "contact"), (Salesforce, "lead")] {
        let create = format!("[crm.create]\n{create} = \"mql\"\n");
        let harbour = office("2026-03-02T09:00:00Z", &[vendor], &create, "").await;
        harbour.cycle().await;
        let person = [("email", ADA), ("last_name", "Berg")];
        let ada = harbour.mock(vendor).create(&Object::Contact, &person);
        has_deal(&harbour, vendor, &ada).await;
        harbour.cycle().await;
        asks(&harbour, ADA).await;
        harbour.cycle().await;
        harbour.cycle().await;
        let [(owner, subject)] = tasks(&harbour, vendor).try_into().unwrap();
        assert_eq!(owner, user(&harbour, vendor, "dora").await);
        assert!(subject.starts_with("Get in touch with Berg, score "), "{subject}");
        let [turn] = turns(&harbour).await.try_into().unwrap();
        assert_eq!((turn.step, turn.record, turn.pool), (Some(Step::Deal), Some(ada), None), "{vendor:?}");
        let id = harbour.profile(KEY).await.profile.id;
        let entries = harbour.app.store.band_entries(id).await.unwrap();
        let entry = entries.iter().find(|entry| &*entry.band == "lead.mql").unwrap();
        assert_eq!(entry.state, EntryState::Done);
        assert_eq!(harbour.records_of(KEY).await.len(), 1, "no second record");
        harbour.assert_rest().await;
    }
}

const LEADS: &str = "[crm.create]\nlead = \"mql\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_deal_at_one_crm_makes_no_lead_at_the_other() {
    let harbour = office("2026-03-02T09:00:00Z", &[Hubspot, Salesforce], LEADS, "").await;
    harbour.cycle().await;
    let ada = harbour.mock(Hubspot).create(&Object::Contact, &[("email", ADA), ("last_name", "Berg")]);
    has_deal(&harbour, Hubspot, &ada).await;
    harbour.cycle().await;
    asks(&harbour, ADA).await;
    // Salesforce is asked first: it makes no lead, and HubSpot's task comes with its own push.
    harbour.compute().await;
    harbour.push(Salesforce).await;
    let [turn] = turns(&harbour).await.try_into().unwrap();
    assert_eq!((turn.connection.as_str(), turn.step, turn.record), ("hubspot", Some(Step::Deal), Some(ada)));
    harbour.cycle().await;
    harbour.cycle().await;
    assert_eq!((tasks(&harbour, Hubspot).len(), tasks(&harbour, Salesforce).len()), (1, 0));
    assert_eq!(harbour.records_of(KEY).await.len(), 1, "no lead at Salesforce");
    assert_eq!(turns(&harbour).await.len(), 1);
    harbour.assert_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_waits_for_the_morning_is_not_made_when_a_deal_opens_meanwhile() {
    let hours = "hours = { days = \"mon-fri\", from = \"11:00\", to = \"17:00\" }\n";
    let harbour = office("2026-03-02T07:00:00Z", &[Hubspot, Salesforce], LEADS, hours).await;
    harbour.cycle().await;
    asks(&harbour, ADA).await;
    asks(&harbour, "bob@kiwi.example").await;
    harbour.compute().await;
    harbour.push(Salesforce).await;
    let waits = turns(&harbour).await;
    assert!(waits.len() == 2 && waits.iter().all(|turn| turn.held_until.is_some()), "nobody is there: {waits:?}");
    let ada = harbour.mock(Hubspot).create(&Object::Contact, &[("email", ADA), ("last_name", "Berg")]);
    has_deal(&harbour, Hubspot, &ada).await;
    harbour.pull(Hubspot).await;
    harbour.advance(Duration::from_secs(4 * 3_600));
    harbour.push(Salesforce).await;
    let given: Vec<(String, Option<Step>)> =
        turns(&harbour).await.iter().map(|turn| (turn.connection.to_string(), turn.step)).collect();
    let mut steps = given.clone();
    steps.sort_by_key(|(connection, _)| connection.clone());
    assert_eq!(steps, [("hubspot".to_owned(), Some(Step::Deal)), ("salesforce".to_owned(), Some(Step::Pool))]);
    harbour.cycle().await;
    harbour.cycle().await;
    assert_eq!(harbour.records_of(KEY).await.len(), 1, "Ada is no lead");
    assert_eq!(harbour.records_of("email:bob@kiwi.example").await.len(), 1, "Bob is one");
    assert_eq!(tasks(&harbour, Hubspot).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_to_be_told_is_a_dead_letter_and_the_entry_waits() {
    let harbour = office("2026-03-02T09:00:00Z", &[Hubspot, Salesforce], LEADS, "").await;
    harbour.cycle().await;
    let crm = harbour.mock(Hubspot);
    let ada = crm.create(&Object::Contact, &[("email", ADA), ("last_name", "Berg")]);
    let deal = json!({ "dealname": "Boat", "pipeline": "default", "dealstage": "contractsent" });
    let deal = crm.act("edit", &json!({ "object": "deals", "properties": deal }))["id"].clone();
    crm.act("associate", &json!({ "from": "deals", "from_id": deal, "to": "contacts", "to_id": ada.as_str() }));
    harbour.cycle().await;
    asks(&harbour, ADA).await;
    harbour.compute().await;
    let pushed = harbour.app.push(harbour.connection(Salesforce), Pushing::default(), &()).await.unwrap();
    assert!(pushed.iter().any(|finished| finished.run.state == RunState::Partial), "{pushed:?}");
    let letters = harbour.dead_letters().await;
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!((letter.code, letter.subject.record.as_deref()), (DeadLetterCode::LeadUnowned, deal.as_str()));
    let id = harbour.profile(KEY).await.profile.id;
    let entries = harbour.app.store.band_entries(id).await.unwrap();
    assert!(entries.iter().any(|entry| &*entry.band == "lead.mql" && entry.state == EntryState::Waiting));
    assert_eq!((turns(&harbour).await.len(), harbour.records_of(KEY).await.len()), (0, 1));
}
