//! Reading: changes and what is gone, activities, links, the texts of choices, and what too many calls cost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod stand_in;

use std::collections::BTreeSet;
use std::time::Duration;

use connector::{
    ActivityKind, Connector, DealStatus, Entropy, Fields, Hints, Link, Object, Operation, Outcome, Page, RecordId,
    SeededEntropy, Stream, Timestamp, Value, Write,
};
use connector_dynamics::{Config, WriteMode};
use reqwest::Method;
use serde_json::{Value as Json, json};
use stand_in::scripted::{Hit, Scripted, reply};
use stand_in::walks::{ask, contacts, emails, ids, tombstones, values, walk};
use stand_in::{StandIn, config};

/// Makes a row by the API; its id.
async fn made(stand_in: &StandIn, set: &str, body: Json) -> RecordId {
    let (status, row) = stand_in.api(Method::POST, &format!("/{set}?$select=createdon"), Some(body)).await;
    assert_eq!(status, 204, "{row}");
    let key = match set {
        "opportunities" => "opportunityid",
        "annotations" => "annotationid",
        _ => "activityid",
    };
    let (status, newest) = stand_in.api(Method::GET, &format!("/{set}?$orderby=versionnumber desc&$top=1"), None).await;
    assert_eq!(status, 200, "{newest}");
    RecordId::from(newest["value"][0][key].as_str().unwrap())
}

fn link(object: Object, id: &RecordId) -> Link {
    Link { object, id: id.clone() }
}

fn ended_whole(pages: &[Page]) -> bool {
    pages.last().unwrap().full_load_done
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_delta_link_is_answered_by_everything_once_more() {
    let stand_in = StandIn::start(0).await;
    let connector = stand_in.connector();
    let seeded = stand_in.seed_contacts(&emails(6)).await;
    let (mut records, mut deletions) = (contacts(), ask(Stream::Deletions(Object::Contact), &[]));
    for request in [&mut records, &mut deletions] {
        let pages = walk(&connector, request).await;
        assert!(ended_whole(&pages) && ids(&pages).len() == 6);
    }
    // Within the week a link tells what changed and what is gone, and nothing else.
    stand_in.rep("delete", json!({ "object": "contact", "id": seeded[0].as_str() })).await.unwrap();
    stand_in.edit(&Object::Contact, &seeded[1..2], &Fields::from([("lastname", "Ruiz")])).await.unwrap();
    let pages = walk(&connector, &mut records).await;
    assert_eq!((ids(&pages), ended_whole(&pages)), (BTreeSet::from([seeded[1].clone()]), false));
    let pages = walk(&connector, &mut deletions).await;
    assert!(tombstones(&pages).contains_key(&seeded[0]) && ids(&pages).is_empty() && !ended_whole(&pages));
    // Eight days later it tells nothing any more: what lives is listed, and what is not there is gone.
    stand_in.rep("delete", json!({ "object": "contact", "id": seeded[2].as_str() })).await.unwrap();
    stand_in.edit(&Object::Contact, &seeded[3..4], &Fields::from([("lastname", "Moreau")])).await.unwrap();
    stand_in.advance(Duration::from_secs(8 * 86_400)).await;
    let alive: BTreeSet<RecordId> = [1, 3, 4, 5].map(|nth| seeded[nth].clone()).into();
    let pages = walk(&connector, &mut records).await;
    assert_eq!(ids(&pages), alive);
    assert_eq!(values(&pages)[&seeded[3]].get("lastname"), Some(&"Moreau".into()));
    assert!(ended_whole(&pages));
    let pages = walk(&connector, &mut deletions).await;
    assert!(ended_whole(&pages) && tombstones(&pages).is_empty());
    assert_eq!(ids(&pages), alive, "the difference to what is known names the deleted one");
    // From there on links are followed again.
    let pages = walk(&connector, &mut records).await;
    assert!(ids(&pages).is_empty() && !ended_whole(&pages));
}

#[tokio::test(flavor = "multi_thread")]
async fn activities_of_every_kind_tell_whom_they_are_about() {
    let stand_in = StandIn::start(0).await;
    let connector = stand_in.connector();
    let person = stand_in.seed_contacts(&emails(1)).await.remove(0);
    let firm = stand_in.seed(&Object::Company, &Fields::from([("name", "Acme")])).await.unwrap();
    let about = |set: &str, id: &RecordId| format!("/{set}({id})");
    let task =
        json!({ "subject": "Call back", "regardingobjectid_contact_task@odata.bind": about("contacts", &person) });
    let call =
        json!({ "subject": "Talked", "regardingobjectid_account_phonecall@odata.bind": about("accounts", &firm) });
    let meeting = json!({ "subject": "Lunch", "scheduledstart": "2026-01-05T10:00:00Z", "scheduledend": "2026-01-05T11:00:00Z",
        "regardingobjectid_contact_appointment@odata.bind": about("contacts", &person) });
    let note = json!({ "notetext": "Met at the fair\nShe likes it",
        "objectid_contact@odata.bind": about("contacts", &person) });
    let note = made(&stand_in, "annotations", note).await;
    let made = [
        (made(&stand_in, "tasks", task).await, "Call back", link(Object::Contact, &person)),
        (made(&stand_in, "phonecalls", call).await, "Talked", link(Object::Company, &firm)),
        (made(&stand_in, "appointments", meeting).await, "Lunch", link(Object::Contact, &person)),
    ];
    let mut request = ask(Stream::Records(Object::Activity), &["subject", "statecode"]);
    request.links = vec![Object::Contact, Object::Company];
    let pages = walk(&connector, &mut request).await;
    assert_eq!(ids(&pages), made.iter().map(|(id, ..)| id.clone()).chain([note.clone()]).collect());
    let records: Vec<_> = pages.iter().flat_map(|page| &page.records).collect();
    for (id, subject, link) in &made {
        let record = records.iter().find(|record| record.id == *id).unwrap();
        assert_eq!(record.fields.get("subject"), Some(&Value::from(*subject)));
        assert_eq!(record.links.as_deref(), Some(std::slice::from_ref(link)), "{subject}");
    }
    let told = records.iter().find(|record| record.id == note).unwrap();
    let facts = told.activity.as_ref().unwrap();
    assert_eq!((facts.kind, facts.done, facts.subject.as_deref()), (ActivityKind::Note, true, Some("Met at the fair")));
    assert!(facts.at == told.created_at && facts.at.is_some() && !facts.ours);
    assert_eq!(told.links.as_deref(), Some(&[link(Object::Contact, &person)][..]));
    // One that is done comes again, alone; one that is deleted is told of.
    let done = json!({ "statecode": 1, "statuscode": 5 });
    let (status, answer) = stand_in.api(Method::PATCH, &format!("/tasks({})", made[0].0), Some(done)).await;
    assert_eq!(status, 204, "{answer}");
    let (status, _) = stand_in.api(Method::DELETE, &format!("/phonecalls({})", made[1].0), None).await;
    assert_eq!(status, 204);
    let pages = walk(&connector, &mut request).await;
    assert_eq!(values(&pages)[&made[0].0].get("statecode"), Some(&"1".into()));
    assert!(tombstones(&pages).contains_key(&made[1].0));
    assert!(!ids(&pages).contains(&made[1].0));
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_that_may_not_be_read_are_left_out_until_they_may() {
    let stand_in = StandIn::start(0).await;
    let connector = stand_in.connector();
    let person = stand_in.seed_contacts(&emails(1)).await.remove(0);
    let about = format!("/contacts({person})");
    let task = json!({ "subject": "Call back", "regardingobjectid_contact_task@odata.bind": about });
    let task = made(&stand_in, "tasks", task).await;
    let note = json!({ "notetext": "Met at the fair", "objectid_contact@odata.bind": about });
    let note = made(&stand_in, "annotations", note).await;
    stand_in.knobs(json!({ "denied": [{ "table": "annotation", "privilege": "read" }] })).await;
    let mut request = ask(Stream::Records(Object::Activity), &["subject"]);
    assert_eq!(ids(&walk(&connector, &mut request).await), [task].into());
    assert!(walk(&connector, &mut request).await.iter().all(|page| page.records.is_empty()));
    stand_in.knobs(json!({ "denied": [] })).await;
    assert_eq!(ids(&walk(&connector, &mut request).await), [note].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn deals_tell_their_person_and_their_company() {
    let stand_in = StandIn::start(0).await;
    let connector = stand_in.connector();
    let people = stand_in.seed_contacts(&emails(2)).await;
    let firm = stand_in.seed(&Object::Company, &Fields::from([("name", "Acme")])).await.unwrap();
    let deal = json!({ "name": "Renewal", "estimatedvalue": 1200,
        "parentcontactid@odata.bind": format!("/contacts({})", people[0]),
        "customerid_account@odata.bind": format!("/accounts({firm})") });
    let deal = made(&stand_in, "opportunities", deal).await;
    let wanted = vec![Object::Contact, Object::Company];
    let (mut records, mut sweep) =
        (ask(Stream::Records(Object::Deal), &["name"]), ask(Stream::Associations(Object::Deal), &[]));
    (records.links, sweep.links) = (wanted.clone(), wanted);
    let links = |pages: &[Page]| -> Vec<Link> {
        let record = pages.iter().flat_map(|page| &page.records).find(|record| record.id == deal).unwrap();
        record.links.clone().unwrap()
    };
    let mut expected = vec![link(Object::Contact, &people[0]), link(Object::Company, &firm)];
    expected.sort_unstable();
    let first = walk(&connector, &mut records).await;
    assert_eq!(links(&first), expected);
    assert_eq!(first[0].records[0].deal.as_ref().unwrap().status, DealStatus::Open);
    assert_eq!(links(&walk(&connector, &mut sweep).await), expected);
    // Another person: both streams tell it.
    let other = json!({ "parentcontactid@odata.bind": format!("/contacts({})", people[1]) });
    let (status, _) = stand_in.api(Method::PATCH, &format!("/opportunities({deal})"), Some(other)).await;
    assert_eq!(status, 204);
    let mut expected = vec![link(Object::Contact, &people[1]), link(Object::Company, &firm)];
    expected.sort_unstable();
    assert_eq!(links(&walk(&connector, &mut records).await), expected);
    assert_eq!(links(&walk(&connector, &mut sweep).await), expected);
    stand_in.rep("close", json!({ "id": deal.as_str(), "won": true, "amount": 1100 })).await.unwrap();
    let won = walk(&connector, &mut records).await;
    let facts = won[0].records[0].deal.as_ref().unwrap();
    assert_eq!((facts.status, facts.amount), (DealStatus::Won, Some(rust_decimal::Decimal::from(1_100))));
}

#[tokio::test(flavor = "multi_thread")]
async fn choices_are_numbers_and_their_texts_have_a_name_of_their_own() {
    let stand_in = StandIn::start(0).await;
    let connector = stand_in.connector();
    let rep = json!({ "email": "rita@acme.example", "first_name": "Rita", "last_name": "Rep" });
    let rep = stand_in.rep("owner", rep).await.unwrap()["id"].as_str().unwrap().to_owned();
    let lead = stand_in.seed(&Object::Lead, &Fields::from([("leadsourcecode", "8")])).await.unwrap();
    let owner = json!({ "ownerid@odata.bind": format!("/systemusers({rep})") });
    assert_eq!(stand_in.api(Method::PATCH, &format!("/leads({lead})"), Some(owner)).await.0, 204);
    let names = ["leadsourcecode", "leadsourcecodename", "ownerid", "owneridname", "statuscodename"];
    let pages = walk(&connector, &mut ask(Stream::Records(Object::Lead), &names)).await;
    let told = &values(&pages)[&lead];
    let expected = ["8", "Web", rep.as_str(), "Rita Rep", "New"];
    for (name, expected) in names.iter().zip(expected) {
        assert_eq!(told.get(name), Some(&Value::from(expected)), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_calls_at_once_are_waited_out_and_lose_nothing() {
    let stand_in = StandIn::start(0).await;
    let seeded = stand_in.seed_contacts(&emails(450)).await;
    let connector = stand_in.connector();
    connector.check().await.unwrap();
    stand_in.knobs(json!({ "rate_limits": true, "concurrent_refusals": 2 })).await;
    assert_eq!(ids(&walk(&connector, &mut contacts()).await).len(), 450);
    stand_in.knobs(json!({ "concurrent_refusals": 2 })).await;
    let writes: Vec<Write> = seeded.iter().map(titled).collect();
    let outcomes = connector.push(&writes).await.unwrap();
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Done { .. })));
    let refused = stand_in.lines("requests").await.iter().filter(|line| line["status"] == 429).count();
    assert_eq!(refused, 4, "each refusal is told once: the pause is everybody's");
}

fn titled(id: &RecordId) -> Write {
    let key = SeededEntropy::new(5).uuid(Timestamp::EPOCH);
    let fields = Fields::from([("lastname", "Head")]);
    Write {
        key,
        object: Object::Contact,
        operation: Operation::Update { id: id.clone() },
        fields,
        hints: Hints::default(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_states_its_condition_and_whether_duplicates_are_looked_for() {
    const ID: &str = "c0000000-0000-0000-0000-00000000000";
    let writes: Vec<Write> = (1..=2).map(|nth| titled(&RecordId::from(format!("{ID}{nth}")))).collect();
    for (mode, rows) in [(WriteMode::Single, 1), (WriteMode::Batch, 2), (WriteMode::Bulk, 2)] {
        let server = Scripted::start(|_, _, _| reply(400, &json!({ "error": { "code": "0x80040265" } }))).await;
        let connector = server.connector_with(Config { write_mode: mode, ..config(&server.url) });
        drop(connector.push(&writes[..rows]).await);
        let sent = |hit: &Hit| hit.method != "GET" && !hit.body.contains("/EntityDefinitions");
        let calls: Vec<Hit> = server.calls().into_iter().filter(sent).collect();
        assert!(!calls.is_empty(), "{mode:?}");
        for hit in calls {
            if hit.path.ends_with("/$batch") {
                let (parts, lower) = (hit.body.matches("PATCH ").count(), hit.body.to_ascii_lowercase());
                assert_eq!(lower.matches("mscrm.suppressduplicatedetection: true").count(), parts, "{mode:?}: {hit:?}");
                assert_eq!(lower.matches("if-match: *").count(), parts, "{mode:?}: {hit:?}");
                continue;
            }
            assert_eq!(hit.headers["mscrm.suppressduplicatedetection"], "true", "{mode:?}");
            // A bulk call never makes a row, so that it needs no condition.
            let bulk = hit.path.ends_with(".UpdateMultiple");
            assert_eq!(hit.headers.get("if-match").map(String::as_str), (!bulk).then_some("*"), "{mode:?}");
        }
    }
}
