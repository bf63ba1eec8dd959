//! The story told to the end (§9): what a CRM holds of Ada, Chen and Faisal after every push, the same at HubSpot and Salesforce.

use connector::{FieldName, Object, ReadKey, ReadRequest, RecordId, Value};
use ferry::config::Vendor::{self, Hubspot, Salesforce};
use ferry::model::{EntryState, RunState};
use ferry::store::AssignmentState;
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};

use super::ada::{becomes_known, second_device, visits};
use super::stage::{Stage, page, track};

const ADA: &str = "email:ada@northwind.example";
const CHEN: &str = "email:chen@kiwi.example";
const FAISAL: &str = "email:faisal@nile.example";
const ROUTING: &str = r#"
[routing]
fallback = "ops@seller.example"

[[routing.pool]]
name = "sales"
method = "weighted"
members = [{ user = "rita@seller.example", weight = 2 }, { user = "sam@seller.example" }]
"#;

/// What becomes a lead at a CRM.
fn lead(vendor: Vendor) -> Object {
    if vendor == Hubspot { Object::Contact } else { Object::Lead }
}

/// A CRM with a sales team, where entries into the band make leads.
async fn office(vendor: Vendor, at: &str, fields: &str) -> Stage {
    let more = format!("[crm.create]\n{} = \"mql\"\n{fields}{ROUTING}", lead(vendor));
    let stage = Stage::set_with(at, &[vendor], &more).await;
    for name in ["rita", "sam", "ops"] {
        let user = json!({ "email": format!("{name}@seller.example"), "first_name": name, "last_name": "Larsen" });
        stage.harbour.mock(vendor).act("owner", &user);
    }
    stage.harbour.advance(crate::harbour::BETWEEN);
    stage.pull(vendor).await;
    stage
}

async fn push(stage: &Stage, vendor: Vendor) {
    for run in stage.harbour.push(vendor).await {
        assert_eq!(run.state, RunState::Done, "{run:?} {:?}", stage.harbour.dead_letters().await);
    }
}

/// Records of people that Ferry has made at a CRM so far.
fn made(stage: &Stage, vendor: Vendor) -> usize {
    let crm = stage.harbour.mock(vendor);
    let people = [crm.word(&Object::Contact), crm.word(&lead(vendor))];
    let is_made = |line: &&Json| line["op"] == "create" && people.iter().any(|word| line["object"] == *word);
    crm.written(0).iter().filter(is_made).count()
}

/// A value by the CRM's own name of the field.
async fn raw(stage: &Stage, vendor: Vendor, object: &Object, id: &RecordId, field: &str) -> Value {
    let (field, by) = (FieldName::from(field), ReadKey::Ids(vec![id.clone()]));
    let request = ReadRequest { object: object.clone(), fields: vec![field.clone()], by };
    let records = stage.harbour.connection(vendor).connector.read(&request).await.unwrap();
    records[0].fields.get(&field).cloned().unwrap_or(Value::Null)
}

async fn owner(stage: &Stage, vendor: Vendor, object: &Object, id: &RecordId) -> String {
    let connection = stage.harbour.connection(vendor);
    let field = connection.connector.capability().owner_field(object).unwrap().clone();
    let owner = raw(stage, vendor, object, id, &field).await;
    let users = stage.app().store.users(connection.name()).await.unwrap();
    let user = users.iter().find(|user| Some(user.id.as_str()) == owner.as_text());
    user.and_then(|user| user.email.as_deref()).unwrap_or("nobody").to_owned()
}

/// What the CRM holds of traits, by their names.
async fn assert_held(stage: &Stage, vendor: Vendor, (object, id): (&Object, &RecordId), want: &[(&str, Value)]) {
    for (name, value) in want {
        let held = stage.harbour.value(vendor, object, id, name).await;
        assert_eq!(held, *value, "{name} of {object} {id} at {vendor:?}, {}", stage.now());
    }
}

/// The one live record of Ada's of this object.
async fn record(stage: &Stage, vendor: Vendor, key: &str, object: &Object) -> RecordId {
    let detail = stage.harbour.profile(key).await;
    let live = |key: &&ferry::model::LinkedRecord| !key.archived && key.key.object == *object;
    let found: Vec<_> = detail.records.iter().filter(live).map(|record| record.key.id.clone()).collect();
    let [id] = found.as_slice() else { panic!("{found:?} of {object} at {vendor:?}") };
    id.clone()
}

/// A7 at the CRM: the lead is a contact with an open deal from now on; says which contact, and which deal.
fn converts(stage: &Stage, vendor: Vendor, lead: &RecordId) -> (RecordId, String) {
    let crm = stage.harbour.mock(vendor);
    let id = |made: &Json, key: &str| made[key].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
    match vendor {
        Hubspot => {
            let deal = json!({
                "dealname": "Northwind", "amount": "12000", "deal_currency_code": "EUR", "pipeline": "default",
                "dealstage": "appointmentscheduled",
            });
            let made = crm.act("edit", &json!({ "object": "deals", "properties": deal }));
            let deal = id(&made, "id");
            let tie = json!({ "from": "deals", "from_id": deal, "to": "contacts", "to_id": lead.as_str() });
            crm.act("associate", &tie);
            (lead.clone(), deal)
        }
        _ => {
            let made = crm.act("convert", &json!({ "id": lead.as_str(), "opportunity": "Northwind" }));
            let deal = id(&made, "opportunity");
            let amount = json!({ "Amount": 12000 });
            crm.act("edit", &json!({ "object": "Opportunity", "id": deal, "properties": amount }));
            (RecordId::from(id(&made, "contact").as_str()), deal)
        }
    }
}

fn wins(stage: &Stage, vendor: Vendor, deal: &str) {
    let (object, won) = match vendor {
        Hubspot => ("deals", json!({ "dealstage": "closedwon" })),
        _ => ("Opportunity", json!({ "StageName": "Closed Won" })),
    };
    stage.harbour.mock(vendor).act("edit", &json!({ "object": object, "id": deal, "properties": won }));
}

async fn ada_from_a_visit_to_a_customer(vendor: Vendor) {
    let stage = office(vendor, "2026-03-02T08:00:00Z", "").await;
    visits(&stage).await;
    stage.compute("2026-03-02T10:00:00Z").await;
    push(&stage, vendor).await;
    assert_eq!(made(&stage, vendor), 0, "A3: nothing pushed");

    becomes_known(&stage).await;
    stage.compute("2026-03-04T08:05:00Z").await;
    assert_eq!(stage.figures(ADA).await, "100.00 41.80 65.08 65 A3");
    push(&stage, vendor).await;
    assert_eq!(made(&stage, vendor), 1, "A6: created once");
    let object = lead(vendor);
    let l1 = record(&stage, vendor, ADA, &object).await;
    let want = [
        ("email", "ada@northwind.example".into()),
        ("last_name", "Berg".into()),
        ("score_lead", 65.into()),
        ("grade", "A3".into()),
        ("score_reasons", "Demo form +18.0; Company size +12.0; Senior title +10.0".into()),
        ("first_touch_source", "google".into()),
    ];
    assert_held(&stage, vendor, (&object, &l1), &want).await;
    if vendor == Salesforce {
        assert_eq!(raw(&stage, vendor, &object, &l1, "Company").await, Value::from("northwind.example"));
    }
    assert_eq!(owner(&stage, vendor, &object, &l1).await, "rita@seller.example", "first of RRS");
    assert_eq!(stage.entry(ADA).await, Some(EntryState::Done));

    stage.wait_until("2026-03-10T10:00:00Z");
    let (c1, o1) = converts(&stage, vendor, &l1);
    stage.wait_until("2026-03-10T11:00:00Z");
    stage.pull(vendor).await;
    stage.compute("2026-03-10T11:05:00Z").await;
    push(&stage, vendor).await;
    stage.assert_values(ADA, &[("lifecycle", "opportunity".into())]).await;
    let contact_key = format!("crm:{}:contact:{c1}", vendor.name());
    let lead_key = format!("crm:{}:{object}:{l1}", vendor.name());
    stage.one(&[ADA, &contact_key, &lead_key]).await;
    assert_eq!(made(&stage, vendor), 1, "A7: no second lead");

    second_device(&stage).await;
    stage.compute("2026-03-15T18:10:00Z").await;
    assert_eq!(stage.figures(ADA).await, "100.00 24.75 54.85 55 A4");
    push(&stage, vendor).await;
    let contact = (&Object::Contact, &c1);
    assert_held(&stage, vendor, contact, &[("score_lead", 55.into()), ("grade", "A4".into())]).await;

    stage.wait_until("2026-03-20T15:00:00Z");
    wins(&stage, vendor, &o1);
    stage.wait_until("2026-03-20T15:04:00Z");
    stage.pull(vendor).await;
    stage.compute("2026-03-20T15:05:00Z").await;
    assert_eq!(stage.figures(ADA).await, "100.00 19.44 51.67 52 A4");
    // Salesforce's organisation counts in dollars.
    let money = Value::Number(Decimal::new(if vendor == Hubspot { 12_000 } else { 10_800 }, 0));
    let want = [
        ("won_revenue", money.clone()),
        ("ltv", money.clone()),
        ("lifecycle", "customer".into()),
        ("segments.customers", true.into()),
    ];
    stage.assert_values(ADA, &want).await;
    assert!(stage.harbour.profile(ADA).await.standings.is_in_band("lead.mql"), "still in: above 35");
    push(&stage, vendor).await;
    assert_held(&stage, vendor, contact, &[("score_lead", 52.into()), ("won_revenue", money), ("won_deals", 1.into())])
        .await;
    assert_eq!(made(&stage, vendor), 1, "no second lead even if the score re-crosses");
    let turns = stage.app().store.assignments(None, connector::Timestamp::EPOCH, 10).await.unwrap();
    assert!(matches!(turns.as_slice(), [turn] if turn.state == AssignmentState::Made), "{turns:?}");
    assert_eq!(stage.harbour.dead_letters().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn ada_at_hubspot() {
    ada_from_a_visit_to_a_customer(Hubspot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ada_at_salesforce() {
    ada_from_a_visit_to_a_customer(Salesforce).await;
}

/// C1 to C3: known in the CRM first; his score reaches his record, and he is no lead.
#[tokio::test(flavor = "multi_thread")]
async fn chen_is_told_of_and_is_no_lead() {
    for (vendor, employees) in [(Hubspot, "numberofemployees"), (Salesforce, "NumberOfEmployees")] {
        let size = format!("[crm.fields.company]\nemployees = \"{employees}\"\n");
        let stage = office(vendor, "2026-02-01T09:00:00Z", &size).await;
        let crm = stage.harbour.mock(vendor);
        let person =
            [("email", "chen@kiwi.example"), ("phone", "+49 30 123456"), ("title", "Head of IT"), ("country", "DE")];
        let name = crm.field(&Object::Company, "name");
        let company = json!({ "object": crm.word(&Object::Company), "properties": { name: "Kiwi", employees: "80" } });
        let company = crm.act("edit", &company)["id"].as_str().unwrap().to_owned();
        let mut properties = Json::Object(serde_json::Map::new());
        for (name, value) in person {
            properties[crm.field(&Object::Contact, name)] = value.into();
        }
        if vendor == Salesforce {
            properties["LastName"] = "Chen".into();
            properties["AccountId"] = company.as_str().into();
        }
        let contact = crm.act("edit", &json!({ "object": crm.word(&Object::Contact), "properties": properties }));
        let c7 = RecordId::from(contact["id"].as_str().unwrap());
        if vendor == Hubspot {
            let tie = json!({ "from": "contacts", "from_id": c7.as_str(), "to": "companies", "to_id": company, "types": [1] });
            crm.act("associate", &tie);
        }
        stage.wait_until("2026-02-01T10:00:00Z");
        stage.pull(vendor).await;
        let who = json!({ "traits": { "email": "CHEN@kiwi.example" } });
        let click = json!({
            "type": "track", "event": "Email Link Clicked", "context": who, "properties": { "email_id": "e-1" },
        });
        stage.backend("2026-03-05T07:00:00Z", click).await;
        let mut landing = page("a-5", "/pricing");
        landing["context"]["traits"] = who["traits"].clone();
        stage.web("2026-03-05T07:00:30Z", landing).await;
        stage.web("2026-03-05T07:02:00Z", page("a-5", "/docs")).await;
        stage.compute("2026-03-06T07:00:00Z").await;
        assert_eq!(stage.figures(CHEN).await, "100.00 9.52 45.71 46 A4", "{vendor:?}");
        assert_eq!(stage.entry(CHEN).await, None, "below 50");
        push(&stage, vendor).await;
        let want = [("visits_30d", 1.into()), ("score_lead", 46.into()), ("grade", "A4".into())];
        assert_held(&stage, vendor, (&Object::Contact, &c7), &want).await;
        assert_eq!(made(&stage, vendor), 0, "no lead");
        let turns = stage.app().store.assignments(None, connector::Timestamp::EPOCH, 10).await.unwrap();
        assert_eq!(turns, [], "{vendor:?}");
    }
}

/// F1 to F3: what is taken back before it is sent makes no lead and takes no turn, and news of him change nothing.
#[tokio::test(flavor = "multi_thread")]
async fn faisal_is_no_lead() {
    for vendor in [Hubspot, Salesforce] {
        let stage = office(vendor, "2026-03-01T07:00:00Z", "").await;
        let consent = |sales: bool| {
            json!({
                "type": "track", "event": "Segment Consent Preference Updated", "userId": "u-fai", "anonymousId": "a-f",
                "context": { "consent": { "categoryPreferences": { "Sales": sales } } },
            })
        };
        let at = |minute: u32, message: Json| {
            let mut message = message;
            message["timestamp"] = format!("2026-03-01T08:{minute:02}:00Z").into();
            message
        };
        let traits = json!({
            "email": "faisal@nile.example", "title": "Director", "country": "CH", "company": { "employees": 500 },
        });
        let identify = json!({ "type": "identify", "userId": "u-fai", "anonymousId": "a-f", "traits": traits });
        stage.wait_until("2026-03-01T08:15:00Z");
        let batch = [
            at(0, identify),
            at(0, consent(true)),
            at(1, page("a-f", "/pricing")),
            at(2, page("a-f", "/pricing")),
            at(3, page("a-f", "/pricing")),
            at(10, track("a-f", "Form Submitted", json!({ "form": "demo" }))),
        ];
        stage.send("website-key", &batch).await;
        stage.compute("2026-03-01T08:15:00Z").await;
        assert_eq!(stage.figures(FAISAL).await, "100.00 47.99 68.79 69 A3");
        assert_eq!(stage.entry(FAISAL).await, Some(EntryState::Ready));
        stage.web("2026-03-01T08:18:00Z", consent(false)).await;
        stage.wait_until("2026-03-01T08:20:00Z");
        push(&stage, vendor).await;
        let turns = || stage.app().store.assignments(None, connector::Timestamp::EPOCH, 10);
        assert_eq!((made(&stage, vendor), turns().await.unwrap()), (0, Vec::new()), "F2 at {vendor:?}");
        let unsubscribed = json!({
            "type": "track", "event": "Unsubscribed", "userId": "u-fai", "properties": { "list_id": "news" },
        });
        stage.backend("2026-03-02T08:00:00Z", unsubscribed).await;
        stage.compute("2026-03-02T08:00:00Z").await;
        assert_eq!(stage.figures(FAISAL).await, "100.00 25.69 55.42 55 A3");
        stage.assert_values(FAISAL, &[("email_status", "unsubscribed".into())]).await;
        push(&stage, vendor).await;
        assert_ne!(stage.entry(FAISAL).await, Some(EntryState::Done), "still unconsumed");
        assert_eq!((made(&stage, vendor), turns().await.unwrap()), (0, Vec::new()), "F3 at {vendor:?}");
    }
}
