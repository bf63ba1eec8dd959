//! Whose records are and what stands beside them, at each CRM over real HTTP: an owner is named anew where the file says so, gets one
//! task, and loses the record where they do not answer; a digest is one note, wherever the CRM has notes.

use std::collections::BTreeMap;
use std::time::Duration;

use connector::{Object, ReadKey, ReadRequest, RecordId};
use ferry::config::Vendor::{self, Dynamics, Hubspot, Salesforce, Zoho};
use serde_json::{Value as Json, json};

use crate::harbour::{Harbour, at};

const CONTACT: Object = Object::Contact;
const ROUTING: &str = r#"
[[source]]
name = "website"
type = "jsonl"

[routing]
fallback = "ops@acme.example"
pool = ["rita@acme.example", "sam@acme.example"]
keep_owner = false
sla = { respond_within = "30m", on_breach = "reroute" }
"#;
const DIGEST: &str = "[[source]]\nname = \"website\"\ntype = \"jsonl\"\n";
const NOTE: &str = "[crm.digest]\nwrite = \"note\"\nat = \"07:00\"\n";

async fn harbour(vendor: Vendor, sections: &str, more: &str) -> Harbour {
    Harbour::around(at("2026-03-02T06:00:00Z"), vec![(vendor, Default::default())], |mocks| {
        let mut config = format!("preset = \"b2b\"\ntimezone = \"UTC\"\nbase_currency = \"EUR\"\n{sections}\n");
        config.extend(mocks.iter().map(|mock| mock.entry(more)));
        config
    })
    .await
}

fn message(harbour: &Harbour, number: u32, what: Json) -> String {
    let now = connector::Clock::now(&*harbour.clock).to_rfc3339();
    let mut message = json!({
        "messageId": format!("m{number}"), "timestamp": now, "userId": "u-ada", "type": "track", "anonymousId": "a-1",
        "context": { "traits": { "email": "ada@northwind.example" } },
    });
    message.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
    format!("{message}\n")
}

/// Ada looks around, says who she is and asks for a demo: she is in the band.
async fn enters(harbour: &Harbour) {
    let traits = json!({ "email": "ada@northwind.example", "title": "VP Operations", "country": "DE" });
    let story = [
        json!({ "type": "page", "properties": { "path": "/pricing" } }),
        json!({ "type": "identify", "traits": traits }),
        json!({ "event": "Form Submitted", "properties": { "form": "demo" } }),
        json!({ "type": "page", "properties": { "path": "/pricing" } }),
    ];
    let lines: String = story.into_iter().zip(1..).map(|(what, number)| message(harbour, number, what)).collect();
    harbour.import(&lines).await;
}

/// A sales team of three, by name.
fn team(harbour: &Harbour, vendor: Vendor) -> BTreeMap<&'static str, String> {
    let user = |name: &'static str| {
        let body = json!({ "email": format!("{name}@acme.example"), "first_name": name, "last_name": "Rep" });
        let made = harbour.mock(vendor).act("owner", &body);
        (name, made["id"].as_str().or(made["ids"][0].as_str()).unwrap_or_else(|| panic!("{made}")).to_owned())
    };
    ["rita", "sam", "ops"].map(user).into()
}

async fn owner(harbour: &Harbour, vendor: Vendor, id: &RecordId) -> String {
    let connector = &harbour.connection(vendor).connector;
    let field = connector.capability().owner_field(&CONTACT).unwrap().clone();
    let request = ReadRequest { object: CONTACT, fields: vec![field.clone()], by: ReadKey::Ids(vec![id.clone()]) };
    let read = connector.read(&request).await.unwrap();
    read[0].fields.get(&field).unwrap().to_string()
}

/// Of the things that Ferry wrote beside records: their texts by id, as they are now.
fn beside(harbour: &Harbour, vendor: Vendor, what: &str, text: &str) -> BTreeMap<String, String> {
    let mut held = BTreeMap::new();
    for line in harbour.mock(vendor).ledger(0) {
        if !line["object"].as_str().is_some_and(|object| object.to_lowercase().starts_with(what)) {
            continue;
        }
        let id = line["record"].as_str().unwrap_or_default().to_owned();
        match line["op"].as_str() {
            Some("create" | "update") => {
                if let Some(body) = line["after"].get(text) {
                    held.insert(id, body.as_str().unwrap_or_default().to_owned());
                }
            }
            Some("delete") => drop(held.remove(&id)),
            _ => {}
        }
    }
    held
}

fn task_text(vendor: Vendor) -> &'static str {
    match vendor {
        Hubspot => "hs_task_body",
        Salesforce | Zoho => "Description",
        Dynamics => "description",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_is_named_anew_told_by_a_task_and_replaced_when_late() {
    for vendor in [Dynamics, Hubspot, Salesforce, Zoho] {
        let harbour = harbour(vendor, ROUTING, "").await;
        let team = team(&harbour, vendor);
        let crm = harbour.mock(vendor);
        let ada = crm.create(&CONTACT, &[("email", "ada@northwind.example"), ("last_name", "Berg")]);
        let field = harbour.connection(vendor).connector.capability().owner_field(&CONTACT).unwrap().to_string();
        let owned = json!({ "object": crm.word(&CONTACT), "id": ada.as_str(), "properties": { field: team["sam"] } });
        crm.act("edit", &owned);
        harbour.cycle().await;
        assert_eq!(owner(&harbour, vendor, &ada).await, team["sam"]);

        enters(&harbour).await;
        harbour.cycle().await;
        assert_eq!(owner(&harbour, vendor, &ada).await, team["rita"], "{vendor:?}");
        let tasks = beside(&harbour, vendor, "task", task_text(vendor));
        let [told] = tasks.values().collect::<Vec<_>>().try_into().unwrap();
        assert!(told.contains("Why you") && told.contains("it is the turn of rita"), "{vendor:?}: {told}");
        harbour.cycle().await;
        assert_eq!(beside(&harbour, vendor, "task", task_text(vendor)), tasks, "{vendor:?}: one task");

        for (next, given) in [("sam", 2), ("ops", 3)] {
            harbour.advance(Duration::from_secs(1_801));
            harbour.cycle().await;
            assert_eq!(harbour.app.tell_overdue().await.unwrap().len(), 1, "{vendor:?}: before {next}");
            harbour.cycle().await;
            assert_eq!(owner(&harbour, vendor, &ada).await, team[next], "{vendor:?}");
            let tasks = beside(&harbour, vendor, "task", task_text(vendor));
            assert_eq!(tasks.len(), given, "{vendor:?}: whoever is given the record is told: {tasks:?}");
        }
        let people = [Some(CONTACT), Some(Object::Lead).filter(|_| vendor != Hubspot)].into_iter().flatten();
        let words: Vec<&str> = people.map(|object| crm.word(&object)).collect();
        let is_person = |line: &&Json| line["op"] == "create" && words.iter().any(|word| line["object"] == *word);
        assert_eq!(crm.ledger(0).iter().filter(is_person).count(), 1, "{vendor:?}: no second record");
        assert_eq!(harbour.dead_letters().await, Vec::new(), "{vendor:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_is_one_note_wherever_the_crm_has_notes() {
    for (vendor, table, text) in [(Dynamics, "annotation", "notetext"), (Zoho, "notes", "Note_Content")] {
        let harbour = harbour(vendor, DIGEST, NOTE).await;
        let crm = harbour.mock(vendor);
        crm.create(&CONTACT, &[("email", "ada@northwind.example"), ("last_name", "Berg")]);
        harbour.cycle().await;
        let morning = |day: u32| at(&format!("2026-03-0{day}T07:05:00Z"));
        let until = |instant: connector::Timestamp| {
            let left = instant.since(connector::Clock::now(&*harbour.clock));
            harbour.advance(left.saturating_sub(Duration::from_secs(300)));
        };
        let notes = || beside(&harbour, vendor, table, text);
        harbour.import(&message(&harbour, 11, json!({ "type": "page", "properties": { "path": "/pricing" } }))).await;
        until(morning(2));
        harbour.cycle().await;
        let [(id, body)] = notes().into_iter().collect::<Vec<_>>().try_into().unwrap();
        assert!(body.contains("Pricing") && body.contains("[ferry:note:digest]"), "{vendor:?}: {body}");
        harbour.assert_rest().await;

        // The next day's news goes into the same note.
        harbour.import(&message(&harbour, 12, json!({ "type": "page", "properties": { "path": "/pricing" } }))).await;
        until(morning(3));
        harbour.cycle().await;
        let [(same, body)] = notes().into_iter().collect::<Vec<_>>().try_into().unwrap();
        assert!(same == id && body.contains("Pricing ×2"), "{vendor:?}: {body}");

        // A rep deletes it: it comes back with the next news, and only then.
        crm.act("delete", &json!({ "object": if vendor == Zoho { "Notes" } else { table }, "id": id }));
        harbour.assert_rest().await;
        assert_eq!(notes().len(), 0, "{vendor:?}: no news, no note");
        harbour.import(&message(&harbour, 13, json!({ "type": "page", "properties": { "path": "/pricing" } }))).await;
        until(morning(4));
        harbour.cycle().await;
        let [(anew, _)] = notes().into_iter().collect::<Vec<_>>().try_into().unwrap();
        assert_ne!(anew, id, "{vendor:?}");
        harbour.assert_rest().await;
        assert_eq!(harbour.dead_letters().await, Vec::new(), "{vendor:?}");
    }
}
