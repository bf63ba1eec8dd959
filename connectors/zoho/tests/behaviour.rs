//! What Zoho does in its own way, against a mock organisation over real HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod stand_in;

use std::time::Duration;

use connector::{
    Connector, CreatedField, DealStatus, Entropy, ErrorKind, FieldKind, FieldName, Fields, Hints, Link, NewField,
    Object, Operation, Outcome, Page, PullRequest, ReadKey, ReadRequest, Reason, Record, RecordId, SeededEntropy,
    Stream, Timestamp, Value, Write,
};
use connector_zoho::Zoho;
use serde_json::json;
use stand_in::StandIn;

fn ask(stream: Stream, fields: &[&str]) -> PullRequest {
    let fields = fields.iter().map(|name| FieldName::from(*name)).collect();
    PullRequest { stream, fields, links: vec![Object::Contact, Object::Company], cursor: None, since: None }
}

/// Everything from a cursor on, and where it goes on.
async fn walk(zoho: &Zoho, mut request: PullRequest) -> (Vec<Page>, PullRequest) {
    let mut pages = Vec::new();
    loop {
        let page = zoho.pull(&request).await.unwrap();
        request.cursor = Some(page.resume.clone());
        let more = page.more;
        pages.push(page);
        if !more {
            return (pages, request);
        }
    }
}

async fn records(zoho: &Zoho, stream: Stream, fields: &[&str]) -> Vec<Record> {
    walk(zoho, ask(stream, fields)).await.0.into_iter().flat_map(|page| page.records).collect()
}

fn write(object: Object, id: &RecordId, field: &str, value: impl Into<Value>) -> Write {
    let operation = Operation::Update { id: id.clone() };
    let key = SeededEntropy::new(3).uuid(Timestamp::EPOCH);
    Write { key, object, operation, fields: Fields::from([(field, value.into())]), hints: Hints::default() }
}

async fn value(zoho: &Zoho, id: &RecordId, field: &str) -> Option<Value> {
    let by = ReadKey::Ids(vec![id.clone()]);
    let request = ReadRequest { object: Object::Contact, fields: vec![field.into()], by };
    zoho.read(&request).await.unwrap().first().and_then(|record| record.fields.get(field).cloned())
}

#[tokio::test]
async fn an_access_token_outlives_the_process_that_got_it() {
    let org = StandIn::start(3).await;
    for _ in 0..4 {
        org.connector().check().await.unwrap();
    }
    assert_eq!(org.sign_ins().await, 1);
    // An hour later it is replaced before anybody refuses it.
    org.advance(Duration::from_secs(3_500)).await;
    org.connector().check().await.unwrap();
    assert_eq!(org.sign_ins().await, 2);
    let refused = org.lines("requests").await.iter().filter(|line| line["status"] == 401).count();
    assert_eq!(refused, 0);
}

#[tokio::test]
async fn asking_for_tokens_too_often_is_a_pause_and_no_refusal() {
    let org = StandIn::start(0).await;
    org.knobs(json!({ "rate_limits": true, "refresh_limit": 2 })).await;
    let zoho = org.connector();
    zoho.check().await.unwrap();
    let mut error = None;
    for _ in 0..3 {
        org.rep("expire-tokens", json!({})).await.unwrap();
        error = zoho.check().await.err().or(error);
    }
    let error = error.expect("the third token is not given");
    assert_eq!(error.kind, ErrorKind::Quota, "{error}");
    assert!(error.retry_at.is_some_and(|at| at > connector::Clock::now(&*org.clock)));
    // Until then nobody asks again: not this one, and not one that starts anew.
    let asked = org.sign_ins().await;
    assert_eq!(org.connector().check().await.unwrap_err().kind, ErrorKind::Quota);
    assert_eq!(org.sign_ins().await, asked);
    org.advance(Duration::from_secs(700)).await;
    org.connector().check().await.unwrap();
}

#[tokio::test]
async fn nothing_of_the_organisations_automation_runs_unless_it_is_asked_for() {
    let org = StandIn::start(2).await;
    let upper = json!({ "object": "Contacts", "property": "Title", "action": "upper" });
    org.knobs(json!({ "workflows": [upper] })).await;
    let quiet = org.connector();
    let id = records(&quiet, Stream::Records(Object::Contact), &[]).await[0].id.clone();
    quiet.push(&[write(Object::Contact, &id, "Title", "chief")]).await.unwrap();
    assert_eq!(value(&quiet, &id, "Title").await, Some("chief".into()));
    let loud = org.connector_with(|config| config.trigger = vec!["workflow".into()]);
    loud.push(&[write(Object::Contact, &id, "Title", "boss")]).await.unwrap();
    assert_eq!(value(&quiet, &id, "Title").await, Some("BOSS".into()));
}

/// `reliability.md` §B 16: somebody edits the record between our look and our write.
#[tokio::test]
async fn scenario_16_an_edit_between_look_and_write_is_not_overwritten() {
    let org = StandIn::start(3).await;
    let zoho = org.connector();
    let ids: Vec<RecordId> =
        records(&zoho, Stream::Records(Object::Contact), &[]).await.into_iter().map(|record| record.id).collect();
    org.advance(Duration::from_secs(60)).await;
    let by = ReadKey::Ids(ids.clone());
    let look = ReadRequest { object: Object::Contact, fields: vec!["Title".into()], by };
    zoho.read(&look).await.unwrap();
    org.advance(Duration::from_secs(2)).await;
    org.edit(&Object::Contact, &ids[..1], &Fields::from([("Title", "theirs")])).await.unwrap();
    let writes: Vec<Write> = ids.iter().map(|id| write(Object::Contact, id, "Title", "ours")).collect();
    let outcomes = zoho.push(&writes).await.unwrap();
    let Outcome::Rejected(rejection) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!((&rejection.reason, &*rejection.code), (&Reason::Conflict, "ALREADY_MODIFIED"));
    assert!(outcomes[1..].iter().all(|outcome| matches!(outcome, Outcome::Done { .. })), "{outcomes:?}");
    assert_eq!(value(&zoho, &ids[0], "Title").await, Some("theirs".into()));
    // Whoever has looked again may write.
    assert!(matches!(zoho.push(&writes[..1]).await.unwrap()[0], Outcome::Done { .. }));
    assert_eq!(value(&zoho, &ids[0], "Title").await, Some("ours".into()));
}

#[tokio::test]
async fn a_merge_shows_as_the_deletion_of_the_one_that_lost() {
    let org = StandIn::start(0).await;
    let zoho = org.connector();
    let mail = |name: &str| Fields::from([("Email", format!("{name}@acme.example").as_str())]);
    let survivor = org.seed(&Object::Contact, &mail("survivor")).await.unwrap();
    let loser = org.seed(&Object::Contact, &mail("loser")).await.unwrap();
    let (_, people) = walk(&zoho, ask(Stream::Records(Object::Contact), &["Email"])).await;
    let (_, deletions) = walk(&zoho, ask(Stream::Deletions(Object::Contact), &[])).await;
    org.advance(Duration::from_secs(5)).await;
    let body = json!({ "object": "Contacts", "primary": survivor.as_str(), "secondary": loser.as_str() });
    org.rep("merge", body).await.unwrap();
    let gone: Vec<_> = walk(&zoho, deletions).await.0.into_iter().flat_map(|page| page.tombstones).collect();
    assert_eq!(gone.iter().map(|stone| (&stone.id, &stone.merged_into)).collect::<Vec<_>>(), [(&loser, &None)]);
    let told: Vec<RecordId> =
        walk(&zoho, people).await.0.into_iter().flat_map(|page| page.records).map(|record| record.id).collect();
    assert!(told.contains(&survivor) && !told.contains(&loser));
    // An update never brings it back.
    let outcome = zoho.push(&[write(Object::Contact, &loser, "Title", "ghost")]).await.unwrap().remove(0);
    assert!(matches!(&outcome, Outcome::Rejected(rejection) if rejection.reason == Reason::Gone), "{outcome:?}");
}

#[tokio::test]
async fn more_fields_than_a_call_takes_are_joined() {
    let org = StandIn::start(0).await;
    for at in 0..60 {
        org.make_field("Contacts", json!({ "field_label": format!("F {at}"), "data_type": "text" })).await;
    }
    let pairs: Vec<(String, String)> = (0..60).map(|at| (format!("F_{at}"), format!("v{at}"))).collect();
    let fields: Fields = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let id = org.seed(&Object::Contact, &fields).await.unwrap();
    let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    let zoho = org.connector();
    let pulled = records(&zoho, Stream::Records(Object::Contact), &names).await;
    assert_eq!((&pulled[0].id, pulled[0].fields.len()), (&id, 60));
    let wrong = pairs.iter().find(|(name, value)| pulled[0].fields.get(name) != Some(&Value::from(value.as_str())));
    assert_eq!(wrong, None);
}

#[tokio::test]
async fn a_pull_of_nothing_new_is_one_call() {
    let org = StandIn::start(20).await;
    let zoho = org.connector();
    let (_, next) = walk(&zoho, ask(Stream::Records(Object::Contact), &["Email"])).await;
    org.advance(Duration::from_secs(3_000)).await;
    let before = org.requests().await;
    let (pages, _) = walk(&zoho, next).await;
    assert!(pages.iter().all(|page| page.records.is_empty()));
    assert_eq!(org.requests().await - before, 1);
    assert_eq!(org.lines("requests").await.last().unwrap()["status"], 304);
}

#[tokio::test]
async fn a_deal_is_won_by_its_stages_forecast_type() {
    let org = StandIn::start(0).await;
    org.rep("stage", json!({ "name": "Gewonnen", "forecast": "Closed Won" })).await.unwrap();
    let company = org.seed(&Object::Company, &Fields::new()).await.unwrap();
    let won = Fields::from([("Stage", "Gewonnen"), ("Account_Name", company.as_str()), ("Closing_Date", "2026-03-04")]);
    let id = org.seed(&Object::Deal, &won).await.unwrap();
    let zoho = org.connector();
    let deals = records(&zoho, Stream::Records(Object::Deal), &[]).await;
    let deal = deals.iter().find(|deal| deal.id == id).unwrap();
    let facts = deal.deal.as_ref().unwrap();
    assert_eq!(
        (facts.status, facts.closed_at.map(|at| at.to_rfc3339())),
        (DealStatus::Won, Some("2026-03-04T00:00:00Z".into()))
    );
    assert_eq!(deal.links, Some(vec![Link { object: Object::Company, id: company.clone() }]));
    // The meaning moves with the stage, not with its name.
    org.rep("stage", json!({ "name": "Gewonnen", "forecast": "Closed Lost" })).await.unwrap();
    org.advance(Duration::from_secs(90_000)).await;
    let deals = records(&zoho, Stream::Records(Object::Deal), &[]).await;
    assert_eq!(deals[0].deal.as_ref().unwrap().status, DealStatus::Lost);
    let swept = records(&zoho, Stream::Associations(Object::Deal), &[]).await;
    assert_eq!(swept[0].links, Some(vec![Link { object: Object::Company, id: company }]));
}

#[tokio::test]
async fn a_field_zoho_named_otherwise_goes_by_the_name_asked_for() {
    let org = StandIn::start(0).await;
    let zoho = org.connector();
    let id = org.seed(&Object::Contact, &Fields::new()).await.unwrap();
    // The name is taken by a field nobody sees any more.
    org.make_field("Contacts", json!({ "field_label": "CDP visits 30d", "data_type": "text" })).await;
    let removed = json!({ "object": "Contacts", "name": "CDP_visits_30d", "remove": true });
    org.rep("property", removed).await.unwrap();
    let new = NewField {
        name: "CDP_visits_30d".into(),
        label: "CDP visits 30d".into(),
        description: "visits".into(),
        kind: FieldKind::Integer,
        unique: false,
    };
    let made = zoho.create_field(&Object::Contact, &new).await.unwrap();
    assert_eq!(made, CreatedField::Created("CDP_visits_30d".into()));
    let again = org.connector();
    assert_eq!(
        again.create_field(&Object::Contact, &new).await.unwrap(),
        CreatedField::Existed("CDP_visits_30d".into())
    );
    let schema = again.describe(&Object::Contact).await.unwrap();
    assert!(schema.fields["CDP_visits_30d"].writable, "known by the mapping's name after a restart");
    assert!(matches!(
        again.push(&[write(Object::Contact, &id, "CDP_visits_30d", 7)]).await.unwrap()[0],
        Outcome::Done { .. }
    ));
    assert_eq!(value(&again, &id, "CDP_visits_30d").await, Some(Value::from(7)));
}

#[tokio::test]
async fn credits_are_counted_and_little_left_is_told() {
    let org = StandIn::start(5).await;
    org.knobs(json!({ "rate_limits": true })).await;
    let zoho = org.connector();
    zoho.check().await.unwrap();
    let fresh = zoho.budget().daily.expect("the edition tells a day's credits");
    assert!(fresh.used < 10 && fresh.limit >= 5_000, "{fresh:?}");
    org.rep("usage", json!({ "used": 90_000 })).await.unwrap();
    zoho.check().await.unwrap();
    let spent = zoho.budget().daily.unwrap();
    assert!(spent.used * 2 > spent.limit, "{spent:?}");
}

#[tokio::test]
async fn activities_and_users_are_told_with_whom_they_are_about() {
    let org = StandIn::start(0).await;
    let contact = org.seed(&Object::Contact, &Fields::new()).await.unwrap();
    let task = json!({ "data": [{ "Subject": "Call back", "Who_Id": { "id": contact.as_str() } }] });
    let (status, made) = org.api(reqwest::Method::POST, "/Tasks", Some(task)).await;
    assert_eq!(status, 201, "{made}");
    let parent = json!({ "id": contact.as_str(), "module": { "api_name": "Contacts" } });
    let note = json!({ "data": [{ "Note_Title": "t", "Note_Content": "c", "Parent_Id": parent }] });
    let (status, made) = org.api(reqwest::Method::POST, "/Notes", Some(note)).await;
    assert_eq!(status, 201, "{made}");
    let zoho = org.connector();
    let activities = records(&zoho, Stream::Records(Object::Activity), &["Subject", "Note_Title"]).await;
    assert_eq!(activities.len(), 2, "{activities:?}");
    let about = Some(vec![Link { object: Object::Contact, id: contact }]);
    assert!(activities.iter().all(|activity| activity.links == about), "{activities:?}");
    let users = records(&zoho, Stream::Records(Object::User), &["email"]).await;
    assert!(!users.is_empty() && users.iter().all(|user| user.user.is_some()));
}

#[tokio::test]
async fn the_last_name_of_the_nameless_is_configured() {
    let org = StandIn::start(0).await;
    let last_name = connector::LastName::Text("Visitor".into());
    let zoho = org.connector_with(|config| config.creation.last_name = last_name);
    for (object, module) in [(Object::Contact, "Contacts"), (Object::Lead, "Leads")] {
        let key = SeededEntropy::new(3).uuid(Timestamp::EPOCH);
        let create = |fields: Fields| Write {
            key,
            object: object.clone(),
            operation: Operation::Create,
            fields,
            hints: Hints::default(),
        };
        let nameless = create(Fields::from([("Email", "m.ruiz@acme.example")]));
        let mut known = Fields::from([("Last_Name", "Ruiz")]);
        if object == Object::Lead {
            known.set("Company", "Acme");
        }
        let named = create(known);
        let mut names = Vec::new();
        for outcome in zoho.push(&[nameless, named]).await.unwrap() {
            let Outcome::Done { id, created: true, .. } = outcome else { panic!("{module}: {outcome:?}") };
            let by = ReadKey::Ids(vec![id]);
            let request = ReadRequest { object: object.clone(), fields: vec!["Last_Name".into()], by };
            names.push(zoho.read(&request).await.unwrap()[0].fields.get("Last_Name").cloned());
        }
        assert_eq!(names, [Some("Visitor".into()), Some("Ruiz".into())], "{module}: only who has none gets it");
    }
}
