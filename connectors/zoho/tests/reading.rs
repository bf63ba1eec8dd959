//! Reading: pages beyond the first two thousand, queries, contact roles, and whom activities are about.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod stand_in;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use connector::{Connector, FieldName, Fields, Link, Object, PullRequest, Record, RecordId, Stream};
use connector_zoho::Zoho;
use reqwest::Method;
use serde_json::json;
use stand_in::StandIn;

fn ask(stream: Stream, fields: &[&str]) -> PullRequest {
    let fields = fields.iter().map(|name| FieldName::from(*name)).collect();
    let links = vec![Object::Contact, Object::Lead, Object::Company, Object::Deal];
    PullRequest { stream, fields, links, cursor: None, since: None }
}

/// Everything from the request's cursor on; the request then goes on behind it.
async fn walk(zoho: &Zoho, request: &mut PullRequest) -> Vec<Record> {
    let mut records = Vec::new();
    loop {
        let page = zoho.pull(request).await.unwrap();
        records.extend(page.records);
        request.cursor = Some(page.resume);
        if !page.more {
            return records;
        }
    }
}

#[tokio::test]
async fn pages_go_on_by_token_where_no_query_is_answered() {
    let org = StandIn::start(2_150).await;
    org.knobs(json!({ "scopes": ["ZohoCRM.modules.ALL", "ZohoCRM.settings.ALL", "ZohoCRM.org.ALL"] })).await;
    let zoho = org.connector_with(|config| config.limits.page = 200);
    let records = walk(&zoho, &mut ask(Stream::Records(Object::Contact), &["Email"])).await;
    let ids: BTreeSet<&RecordId> = records.iter().map(|record| &record.id).collect();
    assert_eq!(ids.len(), 2_150, "beyond the two thousand that pages by number reach");
    assert_eq!(org.gets("/crm/v8/Contacts").await, 11);
    let refused = org.lines("requests").await.iter().filter(|line| line["status"] == 400).count();
    assert_eq!(refused, 0);
}

#[tokio::test]
async fn queries_bring_what_lists_bring_in_fewer_calls() {
    let org = StandIn::start(900).await;
    let by_query = org.connector_with(|config| (config.limits.page, config.limits.query_page) = (200, 2_000));
    let mut wanted = ask(Stream::Records(Object::Contact), &["Email", "Last_Name"]);
    let queried = walk(&by_query, &mut wanted.clone()).await;
    assert_eq!(org.requests_to("/coql").await, 1);
    org.knobs(json!({ "scopes": ["ZohoCRM.modules.ALL", "ZohoCRM.settings.ALL", "ZohoCRM.org.ALL"] })).await;
    org.rep("expire-tokens", json!({})).await.unwrap();
    let listed = walk(&org.connector_with(|config| config.limits.page = 200), &mut wanted).await;
    let whole = |records: &[Record]| records.iter().map(|r| (r.id.clone(), format!("{r:?}"))).collect::<BTreeSet<_>>();
    assert_eq!(whole(&queried), whole(&listed));
}

async fn deal(org: &StandIn, contact: &RecordId) -> RecordId {
    org.seed(&Object::Deal, &Fields::from([("Contact_Name", contact.as_str())])).await.unwrap()
}

async fn take_part(org: &StandIn, method: Method, deal: &RecordId, contact: &RecordId) {
    let role = json!({ "data": [{ "Contact_Role": { "name": "Purchasing" } }] });
    let body = (method == Method::PUT).then_some(role);
    let (status, answer) = org.api(method, &format!("/Deals/{deal}/Contact_Roles/{contact}"), body).await;
    assert_eq!(status, 200, "{answer}");
}

fn contacts(record: &Record) -> BTreeSet<RecordId> {
    let links = record.links.iter().flatten().filter(|link| link.object == Object::Contact);
    links.map(|link| link.id.clone()).collect()
}

#[tokio::test]
async fn everybody_with_a_part_in_a_deal_is_told() {
    let org = StandIn::start(3).await;
    let zoho = org.connector();
    let people = walk(&zoho, &mut ask(Stream::Records(Object::Contact), &[])).await;
    let (own, buyer, later) = (&people[0].id, &people[1].id, &people[2].id);
    let id = deal(&org, own).await;
    take_part(&org, Method::PUT, &id, buyer).await;
    let mut deals = ask(Stream::Records(Object::Deal), &[]);
    let told = walk(&zoho, &mut deals).await;
    let told = told.iter().find(|record| record.id == id).unwrap();
    assert_eq!(contacts(told), BTreeSet::from([own.clone(), buyer.clone()]));
    let mut sweep = ask(Stream::Associations(Object::Deal), &[]);
    walk(&zoho, &mut sweep).await;
    // A part that changes moves no stamp: the sweep of the next day tells, and none before, which costs a call a deal.
    take_part(&org, Method::PUT, &id, later).await;
    take_part(&org, Method::DELETE, &id, buyer).await;
    org.advance(Duration::from_secs(3_700)).await;
    let before = org.requests().await;
    assert!(walk(&zoho, &mut sweep).await.is_empty());
    assert_eq!(org.requests().await, before);
    org.advance(Duration::from_secs(86_400)).await;
    let swept = walk(&zoho, &mut sweep).await;
    let swept = swept.iter().find(|record| record.id == id).unwrap();
    assert_eq!(contacts(swept), BTreeSet::from([own.clone(), later.clone()]));
}

#[tokio::test]
async fn of_many_deals_only_the_own_contact_is_told() {
    let org = StandIn::start(3).await;
    let zoho = org.connector_with(|config| config.limits.contact_roles_up_to = 1);
    let people = walk(&zoho, &mut ask(Stream::Records(Object::Contact), &[])).await;
    let mut made = BTreeSet::new();
    for _ in 0..2 {
        let id = deal(&org, &people[0].id).await;
        take_part(&org, Method::PUT, &id, &people[1].id).await;
        made.insert(id);
    }
    let deals = walk(&zoho, &mut ask(Stream::Records(Object::Deal), &[])).await;
    let told: Vec<_> = deals.iter().filter(|deal| made.contains(&deal.id)).map(contacts).collect();
    assert_eq!(told, vec![BTreeSet::from([people[0].id.clone()]); 2]);
    walk(&zoho, &mut ask(Stream::Associations(Object::Deal), &[])).await;
    let asked = org.lines("requests").await.into_iter().filter(|line| line["method"] == "GET");
    assert_eq!(asked.filter(|line| line["path"].as_str().unwrap().contains("Contact_Roles")).count(), 0);
}

#[tokio::test]
async fn deleted_activities_of_every_kind_are_told() {
    let org = StandIn::start(0).await;
    let contact = org.seed(&Object::Contact, &Fields::new()).await.unwrap();
    let who = json!({ "id": contact.as_str() });
    let (start, end) = ("2026-03-04T10:00:00+00:00", "2026-03-04T11:00:00+00:00");
    let mut made = BTreeSet::new();
    let mut deletions = ask(Stream::Deletions(Object::Activity), &[]);
    let zoho = org.connector();
    walk(&zoho, &mut deletions).await;
    org.advance(Duration::from_secs(5)).await;
    for (module, row) in [
        ("Tasks", json!({ "Subject": "t", "Who_Id": who })),
        (
            "Calls",
            json!({ "Subject": "c", "Call_Type": "Inbound", "Call_Start_Time": start, "Call_Duration": "10", "Who_Id": who }),
        ),
        ("Events", json!({ "Event_Title": "e", "Start_DateTime": start, "End_DateTime": end, "Who_Id": who })),
        (
            "Notes",
            json!({ "Note_Content": "n", "Parent_Id": { "id": contact.as_str(), "module": { "api_name": "Contacts" } } }),
        ),
    ] {
        let (status, answer) = org.api(Method::POST, &format!("/{module}"), Some(json!({ "data": [row] }))).await;
        assert_eq!(status, 201, "{answer}");
        let id = stand_in::id_of(&answer["data"][0]["details"]);
        org.rep("delete", json!({ "object": module, "id": id.as_str() })).await.unwrap();
        made.insert(id);
    }
    let mut gone = BTreeSet::new();
    loop {
        let page = zoho.pull(&deletions).await.unwrap();
        gone.extend(page.tombstones.into_iter().map(|stone| stone.id));
        deletions.cursor = Some(page.resume);
        if !page.more {
            break;
        }
    }
    assert_eq!(gone, made);
}

#[tokio::test]
async fn a_call_that_is_planned_or_was_missed_has_not_been_made() {
    let org = StandIn::start(0).await;
    let contact = org.seed(&Object::Contact, &Fields::new()).await.unwrap();
    let call = |kind: &str, status: Option<&str>| {
        json!({ "data": [{ "Subject": "Intro", "Call_Type": kind, "Call_Start_Time": "2026-03-04T10:00:00+00:00",
            "Call_Duration": "10", "Outgoing_Call_Status": status, "Who_Id": { "id": contact.as_str() } }] })
    };
    let mut expected = BTreeMap::new();
    for (kind, status, done) in [
        ("Outbound", Some("Completed"), true),
        ("Outbound", Some("Scheduled"), false),
        ("Outbound", Some("Overdue"), false),
        ("Outbound", Some("Cancelled"), false),
        ("Inbound", None, true),
        ("Missed", None, false),
    ] {
        let (status, made) = org.api(Method::POST, "/Calls", Some(call(kind, status))).await;
        assert_eq!(status, 201, "{made}");
        expected.insert(stand_in::id_of(&made["data"][0]["details"]), done);
    }
    let told = walk(&org.connector(), &mut ask(Stream::Records(Object::Activity), &[])).await;
    let told: BTreeMap<_, _> = told.iter().map(|one| (one.id.clone(), one.activity.as_ref().unwrap().done)).collect();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn an_activity_is_about_whom_it_names() {
    let org = StandIn::start(0).await;
    let contact = org.seed(&Object::Contact, &Fields::new()).await.unwrap();
    let lead = org.seed(&Object::Lead, &Fields::new()).await.unwrap();
    let company = org.seed(&Object::Company, &Fields::new()).await.unwrap();
    let task = |who: Option<&RecordId>, what: Option<(&RecordId, &str)>| {
        let mut row = json!({ "Subject": "Call back" });
        if let Some(who) = who {
            row["Who_Id"] = json!({ "id": who.as_str() });
        }
        if let Some((what, module)) = what {
            row["What_Id"] = json!({ "id": what.as_str() });
            row["$se_module"] = json!(module);
        }
        json!({ "data": [row] })
    };
    let link = |object: Object, id: &RecordId| Link { object, id: id.clone() };
    let both = vec![link(Object::Contact, &contact), link(Object::Company, &company)];
    for (row, expected) in [
        (task(Some(&contact), None), vec![link(Object::Contact, &contact)]),
        (task(Some(&contact), Some((&company, "Accounts"))), both),
        // A lead stands in either place.
        (task(Some(&lead), None), vec![link(Object::Lead, &lead)]),
        (task(None, Some((&lead, "Leads"))), vec![link(Object::Lead, &lead)]),
    ] {
        let (status, made) = org.api(Method::POST, "/Tasks", Some(row)).await;
        assert_eq!(status, 201, "{made}");
        let id = stand_in::id_of(&made["data"][0]["details"]);
        let told = walk(&org.connector(), &mut ask(Stream::Records(Object::Activity), &["Subject"])).await;
        let told = told.iter().find(|record| record.id == id).unwrap();
        assert_eq!(told.links.as_deref(), Some(&expected[..]));
    }
}
