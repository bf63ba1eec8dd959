//! What the connector does beyond the contract: how many calls things cost, and HubSpot's own oddities.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod stand_in;

use std::collections::BTreeSet;
use std::time::Duration;

use connector::{
    Connector, DealStatus, Entropy, Fields, Hints, Object, Operation, Outcome, Page, Reason, RecordId, SeededEntropy,
    Stream, Timestamp, Value, Write,
};
use connector_conformance::walks::{ask, emails, ids, walk};
use connector_hubspot::{ApiVersion, connect};
use serde_json::json;
use stand_in::StandIn;

fn update(id: &RecordId, name: &str, value: &str) -> Write {
    let key = SeededEntropy::new(id.as_str().len() as u64).uuid(Timestamp::EPOCH);
    let operation = Operation::Update { id: id.clone() };
    let fields = Fields::from([(name, value)]);
    Write { key, object: Object::Contact, operation, fields, hints: Hints::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_load_walks_side_by_side_and_misses_nothing() {
    let stand_in = StandIn::start(2_500).await;
    let connector = stand_in.connector();
    connector.check().await.unwrap();
    let before = stand_in.requests().await;
    let mut request = ask(Stream::Records(Object::Contact), &["email", "firstname"]);
    let pages = walk(&connector, &mut request).await;
    assert_eq!(ids(&pages).len(), 2_500);
    let spent = stand_in.requests().await - before;
    assert!(spent <= 25 + 10, "25 pages cost {spent} calls");
    assert!(pages.iter().any(|page| page.records.len() > 300), "several pages come at once");
    assert_eq!(pages.iter().filter(|page| page.full_load_done).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_that_finds_nothing_is_one_search() {
    let stand_in = StandIn::start(20).await;
    let connector = stand_in.connector();
    let mut request = ask(Stream::Records(Object::Contact), &["email"]);
    walk(&connector, &mut request).await;
    stand_in.advance(Duration::from_secs(3_600)).await;
    walk(&connector, &mut request).await;
    stand_in.advance(Duration::from_secs(1_200)).await;
    let before = stand_in.requests().await;
    let pages = walk(&connector, &mut request).await;
    assert_eq!((pages.len(), ids(&pages).len()), (1, 0));
    assert_eq!(stand_in.requests().await - before, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_version_of_the_api_is_spoken() {
    let stand_in = StandIn::start(5).await;
    for version in [ApiVersion::V2026_09, ApiVersion::V2026_03, ApiVersion::V3] {
        let mut config = stand_in.config();
        config.api_version = version;
        let connector = connect(config, stand_in.context()).unwrap();
        assert_eq!(&*connector.check().await.unwrap().id, "4242001");
        assert!(connector.describe(&Object::Contact).await.unwrap().fields["email"].unique);
        let mut request = ask(Stream::Records(Object::Contact), &["email"]);
        let pages = walk(&connector, &mut request).await;
        assert_eq!(ids(&pages).len(), 5);
        let first = ids(&pages).pop_first().unwrap();
        let outcomes = connector.push(&[update(&first, "firstname", "Spoken")]).await.unwrap();
        assert!(matches!(outcomes.as_slice(), [Outcome::Done { .. }]), "{outcomes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_row_among_a_hundred_costs_few_calls() {
    let stand_in = StandIn::start(0).await;
    let connector = stand_in.connector();
    let ids = stand_in.seed_contacts(&emails(100)).await;
    connector.check().await.unwrap();
    for bad in [0, 37, 99] {
        let mut writes: Vec<Write> = ids.iter().map(|id| update(id, "firstname", "Good")).collect();
        writes[bad] = update(&ids[bad], "email", "not an address");
        let before = stand_in.requests().await;
        let outcomes = connector.push(&writes).await.unwrap();
        let spent = stand_in.requests().await - before;
        assert!(spent <= 1 + 15, "2 log2(100) + 1 extra calls are allowed, {spent} were sent");
        for (place, outcome) in outcomes.iter().enumerate() {
            match outcome {
                Outcome::Rejected(rejection) if place == bad => assert_eq!(rejection.reason, Reason::Invalid),
                Outcome::Done { id, .. } if place != bad => assert_eq!(*id, ids[place]),
                other => panic!("{place}: {other:?}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_property_that_went_away_costs_one_call_for_all() {
    let stand_in = StandIn::start(0).await;
    let connector = stand_in.connector();
    let ids = stand_in.seed_contacts(&emails(50)).await;
    connector.check().await.unwrap();
    let writes: Vec<Write> = ids.iter().map(|id| update(id, "cdp_gone", "1")).collect();
    let before = stand_in.requests().await;
    let outcomes = connector.push(&writes).await.unwrap();
    assert_eq!(stand_in.requests().await - before, 1);
    for outcome in outcomes {
        let Outcome::Rejected(rejection) = outcome else { panic!("{outcome:?}") };
        assert_eq!((rejection.reason, rejection.fields), (Reason::UnknownField, vec!["cdp_gone".into()]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_left_out_of_the_answer_is_not_called_done() {
    let stand_in = StandIn::start(0).await;
    let connector = stand_in.connector();
    let ids = stand_in.seed_contacts(&emails(5)).await;
    connector.check().await.unwrap();
    stand_in.fault("omit_row").await;
    let writes: Vec<Write> = ids.iter().map(|id| update(id, "firstname", "Left out")).collect();
    let outcomes = connector.push(&writes).await.unwrap();
    let ambiguous = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Ambiguous(_))).count();
    let done = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Done { .. })).count();
    assert_eq!((ambiguous, done), (1, 4), "{outcomes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn deals_come_with_their_contacts_and_companies() {
    let stand_in = StandIn::start(0).await;
    let connector = stand_in.connector();
    let contact = stand_in.seed_contacts(&emails(1)).await.remove(0);
    let company = stand_in.seed(&Object::Company, &Fields::from([("name", "Acme")])).await.unwrap();
    let fields = |name: &str, stage: &str, closed: &str| {
        Fields::from([
            ("dealname", Value::from(name)),
            ("amount", Value::from("12000.50")),
            ("pipeline", Value::from("default")),
            ("dealstage", Value::from(stage)),
            ("closedate", Value::from(closed)),
        ])
    };
    let won = fields("Acme renewal", "closedwon", "2026-10-31T00:00:00Z");
    let won = stand_in.seed(&Object::Deal, &won).await.unwrap();
    let lonely = fields("Nobody's", "qualifiedtobuy", "2026-12-31T00:00:00Z");
    let lonely = stand_in.seed(&Object::Deal, &lonely).await.unwrap();
    for (to, id) in [("contacts", &contact), ("companies", &company)] {
        let body = json!({ "from": "deals", "from_id": won.as_str(), "to": to, "to_id": id.as_str() });
        stand_in.rep("associate", body).await.unwrap();
    }
    let mut request = ask(Stream::Records(Object::Deal), &["dealname"]);
    request.links = vec![Object::Contact, Object::Company];
    let check = async |pages: Vec<Page>| {
        let records: Vec<_> = pages.iter().flat_map(|page| &page.records).collect();
        let deal = records.iter().find(|record| record.id == won).expect("the won deal");
        let links: BTreeSet<_> = deal.links.as_ref().unwrap().iter().map(|link| link.id.clone()).collect();
        assert_eq!(links, BTreeSet::from([contact.clone(), company.clone()]));
        let facts = deal.deal.as_ref().unwrap();
        assert_eq!((facts.status, facts.amount), (DealStatus::Won, "12000.50".parse().ok()));
        assert!(facts.closed_at.is_some() && facts.currency.is_some());
        let other = records.iter().find(|record| record.id == lonely).expect("the other deal");
        assert_eq!(other.links.as_deref(), Some(&[][..]));
        assert_eq!(other.deal.as_ref().unwrap().status, DealStatus::Open);
    };
    check(walk(&connector, &mut request).await).await;
    stand_in.advance(Duration::from_secs(120)).await;
    stand_in
        .edit(&Object::Deal, &[won.clone(), lonely.clone()], &Fields::from([("amount", "12000.50")]))
        .await
        .unwrap();
    check(walk(&connector, &mut request).await).await;
    let mut sweep = ask(Stream::Associations(Object::Deal), &[]);
    sweep.links = vec![Object::Contact, Object::Company];
    let swept = walk(&connector, &mut sweep).await;
    assert_eq!(ids(&swept).len(), 2);
    assert!(swept.iter().flat_map(|page| &page.records).all(|record| record.links.is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn deals_closed_before_the_horizon_are_left_out() {
    let stand_in = StandIn::start(100).await;
    let connector = stand_in.connector();
    let mut all = ask(Stream::Records(Object::Deal), &["dealname"]);
    let everything = walk(&connector, &mut all).await;
    let horizon = everything
        .iter()
        .flat_map(|page| &page.records)
        .filter_map(|record| record.deal.as_ref()?.closed_at)
        .max()
        .expect("a closed deal");
    let mut since = ask(Stream::Records(Object::Deal), &["dealname"]);
    since.since = Some(horizon);
    let recent = walk(&connector, &mut since).await;
    let kept: Vec<_> =
        recent.iter().flat_map(|page| &page.records).map(|record| record.deal.clone().unwrap()).collect();
    assert!(kept.iter().all(|deal| deal.status == DealStatus::Open || deal.closed_at >= Some(horizon)));
    assert!(kept.iter().any(|deal| deal.closed_at == Some(horizon)));
    assert!(ids(&recent).len() < ids(&everything).len());
}

#[tokio::test(flavor = "multi_thread")]
async fn five_kinds_of_activities_are_one_stream() {
    let stand_in = StandIn::start(1).await;
    let connector = stand_in.connector();
    let contact = walk(&connector, &mut ask(Stream::Records(Object::Contact), &[])).await;
    let contact = ids(&contact).into_iter().next().unwrap();
    let made = async |kind: &str, properties: serde_json::Value| {
        let id = stand_in.rep("edit", json!({ "object": kind, "properties": properties })).await.unwrap()["id"].clone();
        let both = json!({ "from": kind, "from_id": id, "to": "contacts", "to_id": contact.as_str() });
        stand_in.rep("associate", both).await.unwrap();
        RecordId::from(id.as_str().unwrap())
    };
    let at = "2026-10-02T08:00:00Z";
    let call =
        made("calls", json!({ "hs_timestamp": at, "hs_call_direction": "INBOUND", "hs_call_title": "They called" }))
            .await;
    let note = made("notes", json!({ "hs_timestamp": at, "hs_note_body": "<p>Likes boats</p>" })).await;
    let task =
        made("tasks", json!({ "hs_timestamp": at, "hs_task_subject": "Call back", "hs_task_status": "NOT_STARTED" }))
            .await;
    stand_in.advance(Duration::from_secs(120)).await;
    let mut request = ask(Stream::Records(Object::Activity), &[]);
    request.links = vec![Object::Contact, Object::Company, Object::Deal];
    request.since = Timestamp::parse_rfc3339("2020-01-01T00:00:00Z");
    let pages = walk(&connector, &mut request).await;
    assert_eq!(ids(&pages), BTreeSet::from([call.clone(), note.clone(), task.clone()]));
    assert_eq!(pages.iter().map(|page| page.full_load_done).filter(|done| *done).count(), 1);
    assert!(pages.last().unwrap().full_load_done);
    for record in pages.iter().flat_map(|page| &page.records) {
        let links = record.links.as_deref().unwrap();
        assert_eq!(links, [connector::Link { object: Object::Contact, id: contact.clone() }]);
        assert!(record.activity.as_ref().unwrap().subject.is_some());
        assert!(record.url.is_some());
    }
    let mut gone = ask(Stream::Deletions(Object::Activity), &[]);
    walk(&connector, &mut gone).await;
    stand_in.advance(Duration::from_secs(3_600)).await;
    walk(&connector, &mut request).await;
    let done = json!({ "object": "tasks", "id": task.as_str(), "properties": { "hs_task_status": "COMPLETED" } });
    stand_in.rep("edit", done).await.unwrap();
    stand_in.rep("delete", json!({ "object": "notes", "id": note.as_str() })).await.unwrap();
    stand_in.advance(Duration::from_secs(120)).await;
    let pages = walk(&connector, &mut request).await;
    let changed: Vec<_> = pages.iter().flat_map(|page| &page.records).collect();
    assert!(changed.iter().all(|record| record.id == task), "{changed:?}");
    let facts = changed[0].activity.as_ref().unwrap();
    assert!(facts.done && facts.at > Timestamp::parse_rfc3339(at), "it was done when it was completed");
    let told = walk(&connector, &mut gone).await;
    let told: Vec<&RecordId> = told.iter().flat_map(|page| &page.tombstones).map(|stone| &stone.id).collect();
    assert_eq!(told, [&note]);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_properties_than_an_address_can_hold_are_read_all_the_same() {
    let stand_in = StandIn::start(0).await;
    let connector = stand_in.connector();
    let id = stand_in.seed_contacts(&emails(1)).await.remove(0);
    let names: Vec<String> = (0..200).map(|number| format!("no_such_property_with_a_long_name_{number}")).collect();
    let mut fields: Vec<&str> = names.iter().map(String::as_str).collect();
    fields.push("email");
    let mut request = ask(Stream::Records(Object::Contact), &fields);
    let full = walk(&connector, &mut request).await;
    stand_in.advance(Duration::from_secs(120)).await;
    stand_in.edit(&Object::Contact, std::slice::from_ref(&id), &Fields::from([("firstname", "New")])).await.unwrap();
    let changed = walk(&connector, &mut request).await;
    for pages in [full, changed] {
        let record = pages.iter().flat_map(|page| &page.records).find(|record| record.id == id).expect("the record");
        assert_eq!(record.fields.get("email"), Some(&Value::from("person.0@behaviour.example")));
        assert!(pages.iter().any(|page| page.undefined.len() == 200));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_come_live_and_deactivated() {
    let stand_in = StandIn::start(10).await;
    let connector = stand_in.connector();
    let mut request = ask(Stream::Records(Object::User), &["email", "firstName"]);
    let pages = walk(&connector, &mut request).await;
    let users: Vec<_> = pages.iter().flat_map(|page| &page.records).collect();
    assert!(!users.is_empty());
    assert!(users.iter().all(|record| record.user.as_ref().is_some_and(|user| user.email.is_some())));
    assert!(pages.last().unwrap().full_load_done);
    assert_eq!(ids(&walk(&connector, &mut request).await), ids(&pages), "each walk lists them all");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_names_its_page_in_the_browser() {
    let stand_in = StandIn::start(1).await;
    let connector = stand_in.connector();
    let pages = walk(&connector, &mut ask(Stream::Records(Object::Contact), &["email"])).await;
    let record = &pages[0].records[0];
    let url = record.url.as_deref().expect("an address");
    assert!(url.ends_with(&format!("/record/0-1/{}", record.id)), "{url}");
}

/// The contract's stand-ins are for CRMs that make nobody without a name; HubSpot does, and nothing is made up.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_without_a_name_is_made_without_one() {
    let stand_in = StandIn::start(0).await;
    let connector = stand_in.connector();
    let key = SeededEntropy::new(5).uuid(Timestamp::EPOCH);
    let fields = Fields::from([("email", "m.ruiz@acme.example")]);
    let write = Write { key, object: Object::Contact, operation: Operation::Create, fields, hints: Hints::default() };
    let outcome = connector.push(&[write]).await.unwrap().remove(0);
    assert!(matches!(outcome, Outcome::Done { created: true, .. }), "{outcome:?}");
    let pages = walk(&connector, &mut ask(Stream::Records(Object::Contact), &["email", "lastname"])).await;
    let person = &pages[0].records[0].fields;
    assert_eq!(
        (person.get("email"), person.get("lastname")),
        (Some(&"m.ruiz@acme.example".into()), Some(&Value::Null))
    );
}
