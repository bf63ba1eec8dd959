//! What the connector does beyond the contract: what things cost, and Salesforce's own oddities.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod stand_in;

use std::collections::BTreeSet;
use std::time::Duration;

use connector::{
    Connector, DealStatus, FieldName, Fields, Link, Object, ReadKey, ReadRequest, RecordId, Stream, Value,
};
use serde_json::json;
use stand_in::walks::{ask, contacts, emails, ids, tombstones, walk};
use stand_in::{PAGE, StandIn};

const SETTLED: Duration = Duration::from_secs(120);

fn link(object: Object, id: &str) -> Link {
    Link { object, id: RecordId::from(id) }
}

async fn read_ids(connector: &dyn Connector, object: Object, ids: &[RecordId]) -> Vec<connector::Record> {
    let request = ReadRequest { object, fields: Vec::new(), by: ReadKey::Ids(ids.to_vec()) };
    connector.read(&request).await.expect("a read")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_that_finds_nothing_is_one_query() {
    let stand_in = StandIn::start(0).await;
    stand_in.seed_contacts(&emails(20)).await;
    stand_in.advance(SETTLED).await;
    let connector = stand_in.connector();
    let mut request = contacts();
    walk(&connector, &mut request).await;
    stand_in.advance(Duration::from_secs(3_000)).await;
    walk(&connector, &mut request).await;
    stand_in.advance(Duration::from_secs(300)).await;
    let before = stand_in.requests().await;
    assert!(ids(&walk(&connector, &mut request).await).is_empty());
    assert_eq!(stand_in.requests().await - before, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_salesforce_shrinks_are_no_end() {
    let stand_in = StandIn::start(0).await;
    let seeded = stand_in.seed_contacts(&emails(900)).await;
    stand_in.advance(SETTLED).await;
    stand_in.knobs(json!({ "short_pages": true })).await;
    let pages = walk(&stand_in.connector(), &mut contacts()).await;
    assert!(seeded.iter().all(|id| ids(&pages).contains(id)));
    assert!(pages.len() > 900 / PAGE + 1, "the pages were not shrunk");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_takes_too_long_is_cut() {
    let stand_in = StandIn::start(0).await;
    let mut seeded = Vec::new();
    for day in 0..6 {
        let names: Vec<String> = (0..100).map(|number| format!("d{day}.{number}@behaviour.example")).collect();
        seeded.extend(stand_in.seed_contacts(&names).await);
        stand_in.advance(Duration::from_secs(86_400)).await;
    }
    stand_in.knobs(json!({ "query_timeout_rows": 150 })).await;
    let pages = walk(&stand_in.connector(), &mut contacts()).await;
    assert!(seeded.iter().all(|id| ids(&pages).contains(id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_converted_lead_goes_on_as_a_contact_in_both_streams() {
    let stand_in = StandIn::start(0).await;
    let connector = stand_in.connector();
    let lead = stand_in.seed(&Object::Lead, &Fields::from([("Email", "lead@behaviour.example")])).await.unwrap();
    let other = stand_in.seed(&Object::Lead, &Fields::from([("Email", "other@behaviour.example")])).await.unwrap();
    stand_in.advance(SETTLED).await;
    let mut records = ask(Stream::Records(Object::Lead), &["Email"]);
    let mut deletions = ask(Stream::Deletions(Object::Lead), &[]);
    assert!(ids(&walk(&connector, &mut records).await).contains(&lead));
    walk(&connector, &mut deletions).await;
    let made = stand_in.rep("convert", json!({ "id": lead.as_str() })).await.unwrap();
    let contact = made["contact"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
    stand_in.advance(SETTLED).await;
    for stream in [&mut records, &mut deletions] {
        let pages = walk(&connector, stream).await;
        assert!(!ids(&pages).contains(&lead));
        let stones = tombstones(&pages);
        let stone = stones.get(&lead).expect("the lead is told to go on");
        assert_eq!(stone.merged_into, Some(link(Object::Contact, &contact)));
        assert!(!stones.contains_key(&other));
    }
    let read = read_ids(&connector, Object::Lead, &[lead, other.clone()]).await;
    assert_eq!(read.iter().map(|record| &record.id).collect::<Vec<_>>(), [&other]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_merged_twice_reads_as_the_last_survivor() {
    let stand_in = StandIn::start(0).await;
    let connector = stand_in.connector();
    let people = stand_in.seed_contacts(&emails(3)).await;
    for (winner, loser) in [(1, 0), (2, 1)] {
        let body =
            json!({ "object": "Contact", "primary": people[winner].as_str(), "secondary": people[loser].as_str() });
        stand_in.rep("merge", body).await.unwrap();
    }
    let read = read_ids(&connector, Object::Contact, &people).await;
    assert_eq!(read.len(), 1);
    assert_eq!(read[0].id, people[2]);
    let merged: BTreeSet<_> = read[0].merged_ids.iter().cloned().collect();
    assert_eq!(merged, people[..2].iter().cloned().collect());
    stand_in.advance(SETTLED).await;
    let pages = walk(&connector, &mut ask(Stream::Deletions(Object::Contact), &[])).await;
    for loser in &people[..2] {
        assert!(tombstones(&pages)[loser].merged_into.is_some(), "{loser} was told to be merely deleted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_erased_is_known_from_the_log() {
    let stand_in = StandIn::start(0).await;
    let connector = stand_in.connector();
    let people = stand_in.seed_contacts(&emails(4)).await;
    stand_in.advance(SETTLED).await;
    let mut deletions = ask(Stream::Deletions(Object::Contact), &[]);
    walk(&connector, &mut deletions).await;
    stand_in.advance(Duration::from_secs(600)).await;
    stand_in.rep("erase", json!({ "object": "Contact", "id": people[0].as_str() })).await.unwrap();
    stand_in.rep("delete", json!({ "object": "Contact", "id": people[1].as_str() })).await.unwrap();
    stand_in.rep("restore", json!({ "object": "Contact", "id": people[1].as_str() })).await.unwrap();
    stand_in.advance(SETTLED).await;
    let told = tombstones(&walk(&connector, &mut deletions).await);
    assert_eq!(told.keys().collect::<Vec<_>>(), [&people[0]]);
    stand_in.advance(Duration::from_secs(86_400)).await;
    walk(&connector, &mut deletions).await;
    stand_in.advance(Duration::from_secs(86_400)).await;
    assert!(tombstones(&walk(&connector, &mut deletions).await).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_in_the_log_lists_everything_that_lives() {
    let stand_in = StandIn::start(0).await;
    let connector = stand_in.connector();
    let people = stand_in.seed_contacts(&emails(2 * PAGE + 10)).await;
    stand_in.advance(SETTLED).await;
    let mut deletions = ask(Stream::Deletions(Object::Contact), &[]);
    walk(&connector, &mut deletions).await;
    stand_in.advance(Duration::from_secs(600)).await;
    walk(&connector, &mut deletions).await;
    stand_in.rep("erase", json!({ "object": "Contact", "id": people[3].as_str() })).await.unwrap();
    stand_in.advance(Duration::from_secs(20 * 86_400)).await;
    let pages = walk(&connector, &mut deletions).await;
    let living = ids(&pages);
    assert!(people.iter().all(|id| living.contains(id) == (*id != people[3])));
    assert!(pages.last().unwrap().full_load_done);
    // And not once more.
    stand_in.advance(Duration::from_secs(600)).await;
    assert!(ids(&walk(&connector, &mut deletions).await).is_empty());
}

async fn seed_deal(stand_in: &StandIn, name: &str, stage: &str, day: &str) -> RecordId {
    let fields = Fields::from([
        ("Name", Value::from(name)),
        ("Amount", Value::Number("12000.50".parse().unwrap())),
        ("StageName", Value::from(stage)),
        ("CloseDate", Value::from(day)),
    ]);
    stand_in.seed(&Object::Deal, &fields).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn deals_come_with_their_people_and_their_company() {
    let stand_in = StandIn::start(0).await;
    let connector = stand_in.connector();
    let contact = stand_in.seed_contacts(&emails(1)).await.remove(0);
    let company = stand_in.seed(&Object::Company, &Fields::from([("Name", "Acme")])).await.unwrap();
    let won = seed_deal(&stand_in, "Acme renewal", "Closed Won", "2026-10-31").await;
    let lonely = seed_deal(&stand_in, "Nobody's", "Prospecting", "2026-12-31").await;
    let role = json!({ "opportunity": won.as_str(), "contact": contact.as_str() });
    stand_in.rep("role", role).await.unwrap();
    let to = json!({ "from": "Opportunity", "from_id": won.as_str(), "to": "Account", "to_id": company.as_str() });
    stand_in.rep("associate", to).await.unwrap();
    stand_in.advance(SETTLED).await;
    let mut request = ask(Stream::Records(Object::Deal), &["Name"]);
    request.links = vec![Object::Contact, Object::Company];
    let pages = walk(&connector, &mut request).await;
    let record = |id: &RecordId| pages.iter().flat_map(|page| &page.records).find(|record| record.id == *id).unwrap();
    let links: BTreeSet<_> = record(&won).links.clone().unwrap().into_iter().collect();
    let expected = [link(Object::Contact, contact.as_str()), link(Object::Company, company.as_str())];
    assert_eq!(links, BTreeSet::from(expected));
    let facts = record(&won).deal.clone().unwrap();
    assert_eq!((facts.status, facts.amount), (DealStatus::Won, "12000.50".parse().ok()));
    assert!(facts.closed_at.is_some() && facts.currency.is_some() && facts.owner.is_some());
    assert_eq!(record(&lonely).links.as_deref(), Some(&[][..]));
    assert_eq!(record(&lonely).deal.as_ref().unwrap().status, DealStatus::Open);
    let mut sweep = ask(Stream::Associations(Object::Deal), &[]);
    sweep.links = vec![Object::Contact, Object::Company];
    let swept = walk(&connector, &mut sweep).await;
    assert_eq!(ids(&swept), ids(&pages));
    assert!(swept.last().unwrap().full_load_done);
    let role = json!({ "opportunity": won.as_str(), "contact": contact.as_str(), "remove": true });
    stand_in.rep("role", role).await.unwrap();
    // From then on only deals whose roles changed are told, also where a role was taken away.
    stand_in.advance(SETTLED).await;
    let told = walk(&connector, &mut sweep).await;
    let told: Vec<&connector::Record> = told.iter().flat_map(|page| &page.records).collect();
    assert_eq!(told.iter().map(|record| &record.id).collect::<Vec<_>>(), [&won]);
    assert_eq!(told[0].links, Some(vec![link(Object::Company, company.as_str())]));
    // Past the overlap nothing is told twice.
    stand_in.advance(Duration::from_secs(3_600)).await;
    walk(&connector, &mut sweep).await;
    assert_eq!(ids(&walk(&connector, &mut sweep).await), Default::default());
    let role = json!({ "opportunity": lonely.as_str(), "contact": contact.as_str() });
    stand_in.rep("role", role).await.unwrap();
    stand_in.advance(SETTLED).await;
    let told = walk(&connector, &mut sweep).await;
    let now = told.iter().flat_map(|page| &page.records).find(|record| record.id == lonely).unwrap();
    assert_eq!(now.links, Some(vec![link(Object::Contact, contact.as_str())]));
}

#[tokio::test(flavor = "multi_thread")]
async fn deals_closed_before_the_horizon_are_left_out() {
    let stand_in = StandIn::start(0).await;
    let connector = stand_in.connector();
    let old = seed_deal(&stand_in, "Old", "Closed Won", "2024-01-31").await;
    let new = seed_deal(&stand_in, "New", "Closed Lost", "2026-06-30").await;
    let open = seed_deal(&stand_in, "Open", "Prospecting", "2024-01-31").await;
    stand_in.advance(SETTLED).await;
    let mut request = ask(Stream::Records(Object::Deal), &["Name"]);
    request.since = connector::Timestamp::parse_rfc3339("2026-06-30T00:00:00Z");
    let found = ids(&walk(&connector, &mut request).await);
    assert!(found.contains(&new) && found.contains(&open) && !found.contains(&old), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_and_events_are_one_stream() {
    let stand_in = StandIn::start(0).await;
    let connector = stand_in.connector();
    let contact = stand_in.seed_contacts(&emails(1)).await.remove(0);
    let task = json!({ "object": "Task", "properties": { "Subject": "Call back", "WhoId": contact.as_str() } });
    let task = stand_in.rep("edit", task).await.unwrap()["id"].as_str().unwrap().to_owned();
    let event = json!({ "object": "Event", "properties": { "Subject": "Meeting", "WhoId": contact.as_str(),
        "StartDateTime": "2026-10-02T08:00:00Z", "EndDateTime": "2026-10-02T09:00:00Z" } });
    let event = stand_in.rep("edit", event).await.unwrap()["id"].as_str().unwrap().to_owned();
    stand_in.advance(SETTLED).await;
    let mut request = ask(Stream::Records(Object::Activity), &["Subject", "StartDateTime", "Nope__c"]);
    request.links = vec![Object::Contact];
    let pages = walk(&connector, &mut request).await;
    let records: Vec<_> = pages.iter().flat_map(|page| &page.records).collect();
    for id in [&task, &event] {
        let record = records.iter().find(|record| record.id.as_str() == id).expect("the activity");
        assert_eq!(record.links, Some(vec![link(Object::Contact, contact.as_str())]));
    }
    assert!(pages.iter().all(|page| page.undefined == [FieldName::from("Nope__c")]));
    assert_eq!(pages.iter().filter(|page| page.full_load_done).count(), 1);
    stand_in.advance(Duration::from_secs(86_400)).await;
    walk(&connector, &mut request).await;
    let touch = json!({ "object": "Event", "id": event, "properties": { "Subject": "Moved" } });
    stand_in.rep("edit", touch).await.unwrap();
    stand_in.advance(SETTLED).await;
    let found = ids(&walk(&connector, &mut request).await);
    assert_eq!(found, BTreeSet::from([RecordId::from(event)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_told_as_one_and_its_end_too_from_the_horizon_on() {
    let stand_in = StandIn::start(0).await;
    let connector = stand_in.connector();
    let contact = stand_in.seed_contacts(&emails(1)).await.remove(0);
    let made = async |subject: &str| {
        let call = json!({ "object": "Task", "properties": { "Subject": subject, "WhoId": contact.as_str(),
            "TaskSubtype": "Call", "CallType": "Outbound", "Status": "Completed" } });
        stand_in.rep("edit", call).await.unwrap()["id"].as_str().unwrap().to_owned()
    };
    made("Long ago").await;
    stand_in.advance(Duration::from_secs(100 * 86_400)).await;
    let id = made("Intro").await;
    stand_in.advance(SETTLED).await;
    let mut request = ask(Stream::Records(Object::Activity), &[]);
    request.links = vec![Object::Contact, Object::Lead, Object::Company, Object::Deal];
    request.since =
        connector.check().await.unwrap().server_time.map(|now| now.saturating_sub(Duration::from_secs(90 * 86_400)));
    let pages = walk(&connector, &mut request).await;
    let records: Vec<&connector::Record> = pages.iter().flat_map(|page| &page.records).collect();
    let [call] = records.as_slice() else { panic!("{records:?}") };
    let facts = call.activity.as_ref().unwrap();
    assert_eq!((call.id.as_str(), facts.subject.as_deref(), facts.done), (id.as_str(), Some("Intro"), true));
    assert_eq!((facts.kind, facts.direction), (connector::ActivityKind::Call, Some(connector::ActivityDirection::Out)));
    assert!(facts.owner.is_some() && facts.at.is_some());
    let mut gone = ask(Stream::Deletions(Object::Activity), &[]);
    walk(&connector, &mut gone).await;
    stand_in.rep("delete", json!({ "object": "Task", "id": id })).await.unwrap();
    stand_in.advance(SETTLED).await;
    let told = walk(&connector, &mut gone).await;
    // By the recycle bin and by the log.
    let told: BTreeSet<&str> = told.iter().flat_map(|page| &page.tombstones).map(|stone| stone.id.as_str()).collect();
    assert_eq!(told, BTreeSet::from([id.as_str()]));
    assert!(walk(&connector, &mut gone).await.iter().all(|page| page.records.is_empty()), "no sweep of what lives");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_the_user_may_not_see_is_told_as_undefined() {
    let stand_in = StandIn::start(0).await;
    let connector = stand_in.connector();
    stand_in.seed_contacts(&emails(3)).await;
    stand_in.advance(SETTLED).await;
    let mut request = ask(Stream::Records(Object::Contact), &["Email", "Title"]);
    assert!(walk(&connector, &mut request).await.iter().all(|page| page.undefined.is_empty()));
    stand_in.rep("field-security", json!({ "object": "Contact", "field": "Title", "access": "none" })).await.unwrap();
    let pages = walk(&connector, &mut request).await;
    assert!(pages.iter().all(|page| page.undefined == [FieldName::from("Title")]));
    assert!(pages.iter().flat_map(|page| &page.records).all(|record| record.fields.get("Title").is_none()));
    stand_in.rep("field-security", json!({ "object": "Contact", "field": "Title", "access": "edit" })).await.unwrap();
    stand_in.advance(Duration::from_secs(3_600)).await;
    assert!(walk(&connector, &mut request).await.iter().all(|page| page.undefined.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_names_its_page_in_the_browser() {
    let stand_in = StandIn::start(0).await;
    let id = stand_in.seed_contacts(&emails(1)).await.remove(0);
    stand_in.advance(SETTLED).await;
    let pages = walk(&stand_in.connector(), &mut contacts()).await;
    let record = pages.iter().flat_map(|page| &page.records).find(|record| record.id == id).unwrap();
    let expected = format!("{}/lightning/r/Contact/{id}/view", stand_in.url());
    assert_eq!(record.url.as_deref(), Some(expected.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_ids_are_read_in_one_call() {
    let stand_in = StandIn::start(0).await;
    let people = stand_in.seed_contacts(&emails(2_000)).await;
    let connector = stand_in.connector();
    read_ids(&connector, Object::Contact, &people[..1]).await;
    let before = stand_in.requests().await;
    assert_eq!(read_ids(&connector, Object::Contact, &people).await.len(), 2_000);
    assert_eq!(stand_in.requests().await - before, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_day_is_told_by_the_headers() {
    let stand_in = StandIn::start(0).await;
    let connector = stand_in.connector();
    stand_in.rep("usage", json!({ "used": 4_200 })).await.unwrap();
    connector.check().await.unwrap();
    let pool = connector.budget().daily.expect("the day's pool");
    assert!(pool.used > 4_200 && pool.limit == 100_000, "{pool:?}");
}
