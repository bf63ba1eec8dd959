//! What a rep reads about somebody: one digest, told when there is news, at most once a day and at a crossing, and never twice.

use std::collections::BTreeMap;
use std::time::Duration;

use connector::{Object, ReadKey, ReadRequest, RecordId, Value};
use ferry::app::Pushing;
use ferry::config::Vendor;
use ferry::model::RunState;
use serde_json::json;

use crate::harbour::{Harbour, at};

const CONTACT: Object = Object::Contact;
const NOTE: &str = "[crm.digest]\nwrite = \"note\"\nat = \"07:00\"\n";
const FIELD: &str = "[crm.digest]\nat = \"07:00\"\n";
const PRIVACY: &str = "[[source]]\nname = \"website\"\ntype = \"jsonl\"\n[privacy]\ncategories = { Sales = \"sales\", Analytics = \"analytics\" }\n";

/// A CRM with Ada in it at six in the morning, pulled once.
async fn harbour(vendor: Vendor, digest: &str) -> (Harbour, RecordId) {
    under(PRIVACY, vendor, digest).await
}

async fn under(privacy: &str, vendor: Vendor, digest: &str) -> (Harbour, RecordId) {
    let harbour = Harbour::around(at("2026-03-02T06:00:00Z"), vec![(vendor, Default::default())], |mocks| {
        let mut config = format!("preset = \"b2b\"\ntimezone = \"UTC\"\nbase_currency = \"EUR\"\n{privacy}\n");
        config.extend(mocks.iter().map(|mock| mock.entry(digest)));
        config
    })
    .await;
    let ada = [("email", "ada@northwind.example"), ("last_name", "Berg")];
    let id = harbour.mock(vendor).create(&CONTACT, &ada);
    harbour.cycle().await;
    (harbour, id)
}

fn message(id: &str, at: &str, what: serde_json::Value) -> String {
    let mut message = json!({
        "messageId": id, "timestamp": at, "userId": "u-ada", "type": "track", "anonymousId": "a-1",
        "context": { "traits": { "email": "ada@northwind.example" } },
    });
    for (key, value) in what.as_object().unwrap() {
        message[key] = value.clone();
    }
    format!("{message}\n")
}

fn page(id: &str, at: &str, path: &str) -> String {
    message(id, at, json!({ "type": "page", "properties": { "path": path } }))
}

fn demo(id: &str, at: &str) -> String {
    let traits = json!({ "email": "ada@northwind.example", "title": "VP Operations", "country": "DE" });
    let identify = message(&format!("{id}-who"), at, json!({ "type": "identify", "traits": traits }));
    identify + &message(id, at, json!({ "event": "Form Submitted", "properties": { "form": "demo" } }))
}

/// The live notes at the CRM, by id.
fn notes(harbour: &Harbour) -> BTreeMap<String, String> {
    let mut notes = BTreeMap::new();
    for line in harbour.mock(Vendor::Hubspot).ledger(0) {
        if !line["object"].as_str().is_some_and(|object| object.starts_with("note")) {
            continue;
        }
        let id = line["record"].as_str().unwrap_or_default().to_owned();
        match line["op"].as_str() {
            Some("create" | "update") => {
                if let Some(body) = line["after"].get("hs_note_body") {
                    notes.insert(id, body.as_str().unwrap_or_default().to_owned());
                }
            }
            Some("delete") => drop(notes.remove(&id)),
            _ => {}
        }
    }
    notes
}

fn only_note(harbour: &Harbour) -> (String, String) {
    let notes = notes(harbour);
    assert_eq!(notes.len(), 1, "{notes:?}");
    notes.into_iter().next().unwrap()
}

/// Time leaps to an instant, and everything is pulled, computed and pushed.
async fn cycle_at(harbour: &Harbour, instant: &str) {
    let by = at(instant).since(harbour.app.world.clock.now());
    harbour.advance(by.saturating_sub(Duration::from_secs(300)));
    harbour.cycle().await;
}

#[tokio::test]
async fn one_note_is_written_in_the_morning_and_kept_up_to_date() {
    let (harbour, _) = harbour(Vendor::Hubspot, NOTE).await;
    let views = page("p1", "2026-03-02T05:50:00Z", "/") + &page("p2", "2026-03-02T05:56:00Z", "/pricing");
    harbour.import(&views).await;
    cycle_at(&harbour, "2026-03-02T06:30:00Z").await;
    assert_eq!(notes(&harbour), BTreeMap::new(), "seven o'clock is the time");
    cycle_at(&harbour, "2026-03-02T07:05:00Z").await;
    let (id, body) = only_note(&harbour);
    assert!(body.contains("Visited 2 pages, incl. Pricing — 6 min"), "{body}");
    assert!(body.contains("[ferry:note:digest]"), "{body}");
    harbour.assert_rest().await;

    harbour.import(&page("p3", "2026-03-02T09:00:00Z", "/pricing")).await;
    cycle_at(&harbour, "2026-03-02T09:10:00Z").await;
    assert_eq!(only_note(&harbour), (id.clone(), body), "once a day");
    cycle_at(&harbour, "2026-03-03T07:05:00Z").await;
    let (same, body) = only_note(&harbour);
    assert!(same == id && body.contains("Pricing ×2"), "{body}");
    harbour.assert_rest().await;
    let before = harbour.mock(Vendor::Hubspot).seq();
    for morning in ["2026-03-04T07:05:00Z", "2026-03-05T07:05:00Z"] {
        cycle_at(&harbour, morning).await;
    }
    let written = harbour.mock(Vendor::Hubspot).written(before);
    let is_note = |line: &serde_json::Value| line["object"].as_str().is_some_and(|object| object.starts_with("note"));
    assert!(!written.iter().any(is_note), "no news, no note: {written:?}");
    assert_eq!(only_note(&harbour), (id, body));
}

#[tokio::test]
async fn a_crossing_is_told_at_once_and_a_deleted_note_is_made_once_more() {
    let (harbour, _) = harbour(Vendor::Hubspot, NOTE).await;
    harbour.import(&page("p1", "2026-03-02T06:01:00Z", "/pricing")).await;
    cycle_at(&harbour, "2026-03-02T07:05:00Z").await;
    let (id, _) = only_note(&harbour);
    harbour.import(&(demo("d1", "2026-03-02T10:00:00Z") + &page("p2", "2026-03-02T10:01:00Z", "/pricing"))).await;
    cycle_at(&harbour, "2026-03-02T10:05:00Z").await;
    let (same, body) = only_note(&harbour);
    assert!(same == id, "the same note");
    assert!(body.contains("Why now") && body.contains("→ MQL on 2 Mar 2026") && body.contains("Demo form"), "{body}");
    harbour.assert_rest().await;

    harbour.mock(Vendor::Hubspot).act("delete", &json!({ "object": "notes", "id": id }));
    harbour.assert_rest().await;
    assert_eq!(notes(&harbour), BTreeMap::new());
    harbour.import(&page("p3", "2026-03-02T15:00:00Z", "/pricing")).await;
    cycle_at(&harbour, "2026-03-03T07:05:00Z").await;
    let (anew, body) = only_note(&harbour);
    assert!(anew != id && body.contains("Demo form"), "{body}");
    harbour.assert_rest().await;
}

#[tokio::test]
async fn a_note_lost_between_the_call_and_its_answer_is_one_note() {
    let (harbour, _) = harbour(Vendor::Hubspot, NOTE).await;
    harbour.import(&page("p1", "2026-03-02T06:01:00Z", "/pricing")).await;
    harbour.advance(at("2026-03-02T07:05:00Z").since(harbour.app.world.clock.now()));
    harbour.compute().await;
    let hubspot = harbour.mock(Vendor::Hubspot);
    hubspot
        .plan(json!([{ "method": "POST", "path": "/crm/*/notes/batch/create", "times": 1, "fault": "reset_after" }]));
    harbour.app.push(harbour.connection(Vendor::Hubspot), Pushing::default(), &()).await.unwrap();
    hubspot.plan(json!([]));
    let harbour = harbour.restart().await;
    harbour.cycle().await;
    assert!(only_note(&harbour).1.contains("Pricing"));
    harbour.assert_rest().await;
}

#[tokio::test]
async fn what_comes_from_the_web_is_no_markup() {
    let (harbour, _) = harbour(Vendor::Hubspot, NOTE).await;
    let hostile = "<script>alert('x')</script><img src=x onerror=y>";
    let call = json!({ "event": "Call Completed", "properties": { "topic": hostile, "agent": hostile } });
    harbour.import(&(message("c1", "2026-03-02T06:10:00Z", call))).await;
    cycle_at(&harbour, "2026-03-02T07:05:00Z").await;
    let (_, body) = only_note(&harbour);
    assert!(!body.contains("<script") && !body.contains("<img"), "{body}");
    assert!(body.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"), "{body}");
    assert!(body.contains("Last contact"), "{body}");
    assert!(body.chars().count() <= 2_000);
}

#[tokio::test]
async fn a_withdrawn_consent_takes_the_note_back() {
    let (harbour, _) = harbour(Vendor::Hubspot, NOTE).await;
    harbour.import(&page("p1", "2026-03-02T06:01:00Z", "/pricing")).await;
    cycle_at(&harbour, "2026-03-02T07:05:00Z").await;
    let (id, body) = only_note(&harbour);
    assert!(body.contains("Pricing"));
    let said = json!({ "event": "Segment Consent Preference Updated",
        "context": { "consent": { "categoryPreferences": { "Sales": false, "Analytics": true } } } });
    harbour.import(&message("no", "2026-03-02T08:00:00Z", said)).await;
    cycle_at(&harbour, "2026-03-02T08:10:00Z").await;
    assert_eq!(only_note(&harbour), (id, String::new()));
    harbour.import(&page("p2", "2026-03-02T09:00:00Z", "/pricing")).await;
    cycle_at(&harbour, "2026-03-03T07:05:00Z").await;
    assert_eq!(only_note(&harbour).1, "");
    harbour.assert_rest().await;
}

#[tokio::test]
async fn erasure_empties_the_note_where_fields_are_emptied() {
    let privacy = format!("{PRIVACY}on_erase = \"clear_fields\"\n");
    let (harbour, _) = under(&privacy, Vendor::Hubspot, NOTE).await;
    harbour.import(&page("p1", "2026-03-02T06:01:00Z", "/pricing")).await;
    cycle_at(&harbour, "2026-03-02T07:05:00Z").await;
    only_note(&harbour);
    let key = harbour.profile("email:ada@northwind.example").await.profile.id;
    harbour.app.erase("email:ada@northwind.example").await.unwrap();
    for _ in 0..2 {
        harbour.advance(Duration::from_secs(300));
        for run in harbour.push(Vendor::Hubspot).await {
            assert_eq!(run.state, RunState::Done, "{run:?}");
        }
    }
    let rows = harbour.app.store.side_writes(ferry::store::SideOf::Profile(key), 10).await.unwrap();
    assert_eq!(rows, [], "nothing of the person is left here");
    assert_eq!(only_note(&harbour).1, "", "nor there");
}

#[tokio::test]
async fn a_field_holds_the_digest_where_a_crm_has_no_notes_for_it() {
    let (harbour, id) = harbour(Vendor::Salesforce, FIELD).await;
    harbour.import(&page("p1", "2026-03-02T06:01:00Z", "/pricing")).await;
    cycle_at(&harbour, "2026-03-02T07:05:00Z").await;
    let digest = || async {
        let by = ReadKey::Ids(vec![id.clone()]);
        let request = ReadRequest { object: CONTACT, fields: vec!["CDP_Digest__c".into()], by };
        let records = harbour.connection(Vendor::Salesforce).connector.read(&request).await.unwrap();
        records[0].fields.get("CDP_Digest__c").cloned().unwrap_or(Value::Null).to_string()
    };
    let text = digest().await;
    assert!(
        text.contains("Visited 1 page, incl. Pricing") && !text.contains("ferry:") && !text.contains('<'),
        "{text}"
    );
    harbour.assert_rest().await;
    harbour.import(&page("p2", "2026-03-02T09:00:00Z", "/pricing")).await;
    cycle_at(&harbour, "2026-03-02T09:10:00Z").await;
    assert_eq!(digest().await, text, "once a day");
    cycle_at(&harbour, "2026-03-03T07:05:00Z").await;
    assert!(digest().await.contains("Pricing ×2"));
    harbour.assert_rest().await;
}

/// Somebody who fits asks for a demo: the first request enters the band `mql`, a second one `hot`.
fn asks(name: &str, number: u32, at: &str) -> String {
    let line = |id: &str, mut what: serde_json::Value| {
        what["messageId"] = format!("{name}-{number}-{id}").into();
        what["timestamp"] = at.into();
        what["userId"] = name.into();
        format!("{what}\n")
    };
    let traits = json!({
        "email": format!("{name}@northwind.example"), "title": "VP Operations", "country": "DE", "company": { "employees": 200 },
    });
    let demo = json!({ "type": "track", "event": "Form Submitted", "properties": { "form": "demo" } });
    line("who", json!({ "type": "identify", "traits": traits })) + &line("demo", demo)
}

/// Ada and Cid at a CRM that is told of crossings by further notes, as many a day as the budget says.
async fn two_people(budget: u32) -> Harbour {
    let digest = format!("{NOTE}max_activities_per_day = 1\ndaily_budget = {budget}\n");
    let (harbour, _) = harbour(Vendor::Hubspot, &digest).await;
    harbour.mock(Vendor::Hubspot).create(&CONTACT, &[("email", "cid@northwind.example"), ("last_name", "Ek")]);
    harbour.cycle().await;
    harbour
}

/// What the digests say, and the notes about one day alone, each sorted.
fn told(harbour: &Harbour) -> (Vec<String>, Vec<String>) {
    let why = |body: &String| {
        let (_, rest) = body.split_once("→ ").unwrap_or_else(|| panic!("{body}"));
        rest.split(' ').next().unwrap_or_default().to_owned()
    };
    let notes = notes(harbour);
    let is_digest = |body: &&String| body.contains("[ferry:note:digest]");
    let mut digests: Vec<String> = notes.values().filter(is_digest).map(why).collect();
    let mut touches: Vec<String> = notes.values().filter(|body| !is_digest(body)).map(why).collect();
    assert!(
        notes.values().all(|body| body.contains("[ferry:note:digest]") || body.contains("[ferry:note:touch-2026-03-0"))
    );
    digests.sort();
    touches.sort();
    (digests, touches)
}

#[tokio::test]
async fn a_person_gets_one_further_note_a_day() {
    let harbour = two_people(2_000).await;
    harbour.import(&(asks("ada", 1, "2026-03-02T10:00:00Z") + &asks("cid", 1, "2026-03-02T10:00:00Z"))).await;
    cycle_at(&harbour, "2026-03-02T10:05:00Z").await;
    assert_eq!(told(&harbour), (vec!["MQL".into(), "MQL".into()], vec!["MQL".into(), "MQL".into()]));
    harbour.assert_rest().await;
    // Again on the same day: the notes there are say so.
    harbour.import(&asks("ada", 2, "2026-03-02T15:00:00Z")).await;
    cycle_at(&harbour, "2026-03-02T15:05:00Z").await;
    assert_eq!(told(&harbour), (vec!["HOT".into(), "MQL".into()], vec!["HOT".into(), "MQL".into()]));
    harbour.assert_rest().await;
    // On another day there is another one.
    harbour.advance(at("2026-03-03T10:00:00Z").since(harbour.app.world.clock.now()));
    let twice = asks("cid", 2, "2026-03-03T10:00:00Z") + &asks("cid", 3, "2026-03-03T10:00:00Z");
    harbour.import(&twice).await;
    cycle_at(&harbour, "2026-03-03T10:05:00Z").await;
    let both = vec!["HOT".to_owned(), "HOT".to_owned()];
    assert_eq!(told(&harbour), (both, vec!["HOT".into(), "HOT".into(), "MQL".into()]));
    harbour.assert_rest().await;
}

#[tokio::test]
async fn the_budget_of_a_day_is_for_digests_and_further_notes_together() {
    let harbour = two_people(3).await;
    harbour.import(&(asks("ada", 1, "2026-03-02T10:00:00Z") + &asks("cid", 1, "2026-03-02T10:00:00Z"))).await;
    cycle_at(&harbour, "2026-03-02T10:05:00Z").await;
    let of_the_day = (vec!["MQL".to_owned(), "MQL".to_owned()], vec!["MQL".to_owned()]);
    assert_eq!(told(&harbour), of_the_day, "the fourth is one too many");
    harbour.import(&(asks("ada", 2, "2026-03-02T15:00:00Z") + &asks("cid", 2, "2026-03-02T15:00:00Z"))).await;
    cycle_at(&harbour, "2026-03-02T15:05:00Z").await;
    assert_eq!(told(&harbour), of_the_day, "nothing is left today");
    cycle_at(&harbour, "2026-03-03T07:05:00Z").await;
    assert_eq!(told(&harbour), (vec!["HOT".into(), "HOT".into()], vec!["MQL".into()]), "the morning tells of it");
    harbour.assert_rest().await;
}

#[tokio::test]
async fn what_is_important_has_a_note_of_its_day_and_nothing_else() {
    let digest = format!("{NOTE}max_activities_per_day = 1\ncart_over = 500\n");
    let (harbour, _) = harbour(Vendor::Hubspot, &digest).await;
    harbour.cycle().await;
    let touches = |harbour: &Harbour| -> Vec<String> {
        notes(harbour).into_values().filter(|body| body.contains("[ferry:note:touch-")).collect()
    };
    // A page is no news of its own, and a small cart none either.
    let added = |id: &str, at: &str, price: u32| {
        let line = json!({ "product_id": id, "name": "Boat", "price": price, "quantity": 1, "currency": "EUR" });
        message(id, at, json!({ "event": "Product Added", "properties": line }))
    };
    harbour.import(&(page("p1", "2026-03-02T09:00:00Z", "/pricing") + &added("c1", "2026-03-02T09:01:00Z", 400))).await;
    cycle_at(&harbour, "2026-03-02T10:30:00Z").await;
    assert_eq!(touches(&harbour), [""; 0]);
    // A demo request is, before any band is entered.
    let demo = json!({ "event": "Form Submitted", "properties": { "form": "demo" } });
    harbour.import(&message("d1", "2026-03-02T11:00:00Z", demo)).await;
    cycle_at(&harbour, "2026-03-02T11:05:00Z").await;
    let [asked] = touches(&harbour).try_into().unwrap();
    assert!(asked.contains("Demo form") && asked.contains("[ferry:note:touch-2026-03-02]"), "{asked}");
    harbour.assert_rest().await;
    // A cart of more than that is once it was left for an hour: on the same day, in the same note.
    cycle_at(&harbour, "2026-03-02T12:00:00Z").await;
    harbour.import(&added("c2", "2026-03-02T12:00:00Z", 300)).await;
    cycle_at(&harbour, "2026-03-02T12:30:00Z").await;
    assert_eq!(touches(&harbour), std::slice::from_ref(&asked));
    cycle_at(&harbour, "2026-03-02T13:10:00Z").await;
    let [both] = touches(&harbour).try_into().unwrap();
    assert!(both.contains("Cart left: 700 EUR") && both.contains("Demo form"), "{both}");
    // Nothing of it is told again, whoever starts anew.
    let harbour = harbour.restart().await;
    cycle_at(&harbour, "2026-03-02T15:00:00Z").await;
    cycle_at(&harbour, "2026-03-03T09:00:00Z").await;
    assert_eq!(touches(&harbour), [both]);
    harbour.assert_rest().await;
}
