//! Creating leads: once, whole, and with the owner that was asked for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod stand_in;

use connector::{
    Connector, Entropy, ErrorKind, FieldName, Fields, Hints, Object, Operation, Outcome, ReadKey, ReadRequest, Reason,
    RecordId, SeededEntropy, Timestamp, Value, Write,
};
use connector_zoho::{EXTERNAL_KEY, Zoho};
use reqwest::Method;
use serde_json::{Value as Json, json};
use stand_in::StandIn;

async fn organisation() -> StandIn {
    let org = StandIn::start(0).await;
    let unique = json!({ "case_sensitive": false });
    let key = json!({ "field_label": "CDP profile id", "data_type": "text", "length": 255, "unique": unique });
    org.make_field("Leads", key).await;
    org
}

fn lead(key: &str, crm_assigns: bool) -> Write {
    let operation = Operation::Upsert { field: EXTERNAL_KEY.into(), value: Value::from(key) };
    let fields = Fields::from([("Email", format!("{key}@acme.example").as_str()), (EXTERNAL_KEY, key)]);
    let hints = Hints { crm_assigns, ..Hints::default() };
    Write { key: SeededEntropy::new(3).uuid(Timestamp::EPOCH), object: Object::Lead, operation, fields, hints }
}

async fn pushed(zoho: &Zoho, write: Write) -> (RecordId, bool) {
    match zoho.push(&[write]).await.unwrap().remove(0) {
        Outcome::Done { id, created, .. } => (id, created),
        other => panic!("{other:?}"),
    }
}

async fn read(org: &StandIn, id: &RecordId) -> Json {
    org.api(Method::GET, &format!("/Leads/{id}"), None).await.1["data"][0].clone()
}

#[tokio::test]
async fn a_lead_is_created_once_with_what_it_cannot_do_without() {
    let org = organisation().await;
    let zoho = org.connector();
    let (id, created) = pushed(&zoho, lead("p1", false)).await;
    assert!(created);
    assert_eq!(read(&org, &id).await["Last_Name"], "p1");
    // What people write there is not overwritten by a stand-in.
    org.edit(&Object::Lead, std::slice::from_ref(&id), &Fields::from([("Last_Name", "Ruiz")])).await.unwrap();
    assert_eq!(pushed(&zoho, lead("p1", false)).await, (id.clone(), false));
    assert_eq!(read(&org, &id).await["Last_Name"], "Ruiz");
}

#[tokio::test]
async fn rules_choose_the_owner_only_when_asked_and_only_once() {
    let org = organisation().await;
    let zoho = org.connector();
    let (mine, _) = pushed(&zoho, lead("p1", false)).await;
    let me = read(&org, &mine).await["Owner"]["id"].clone();
    let (id, created) = pushed(&zoho, lead("p2", true)).await;
    assert!(created);
    let chosen = read(&org, &id).await;
    assert!(chosen["Owner"]["id"].is_string() && chosen["Owner"]["id"] != me, "the rule chooses: {chosen}");
    assert_eq!((&chosen["Last_Name"], &chosen[EXTERNAL_KEY]), (&json!("p2"), &json!("p2")), "whole all the same");
    let (other, _) = pushed(&zoho, lead("p3", true)).await;
    assert_ne!(read(&org, &other).await["Owner"]["id"], chosen["Owner"]["id"], "whose turn it is goes round");
    // What Zoho chose is read back.
    let owner = FieldName::from("Owner");
    let by = ReadKey::Ids(vec![id.clone()]);
    let told = zoho.read(&ReadRequest { object: Object::Lead, fields: vec![owner.clone()], by }).await.unwrap();
    assert_eq!(told[0].fields.get(&owner).map(ToString::to_string).as_deref(), chosen["Owner"]["id"].as_str());
    // Sent again it is an update of the same lead, which no rule moves.
    let mut again = lead("p2", true);
    again.fields.set("Phone", "+351 123 456 789");
    assert_eq!(pushed(&zoho, again).await, (id.clone(), false));
    let after = read(&org, &id).await;
    assert_eq!((&after["Owner"], &after["Phone"]), (&chosen["Owner"], &json!("+351 123 456 789")));
}

#[tokio::test]
async fn an_update_is_no_business_of_the_rules() {
    let org = organisation().await;
    let zoho = org.connector();
    let (id, _) = pushed(&zoho, lead("p1", false)).await;
    let before = read(&org, &id).await["Owner"].clone();
    let update = Write { operation: Operation::Update { id: id.clone() }, ..lead("p1", true) };
    assert_eq!(pushed(&zoho, update).await, (id.clone(), false));
    assert_eq!(read(&org, &id).await["Owner"], before);
    assert_eq!(org.requests_to("assignment_rules").await, 0);
}

#[tokio::test]
async fn of_several_rules_one_has_to_be_named() {
    let org = organisation().await;
    let users = org.api(Method::GET, "/users?type=ActiveUsers", None).await.1;
    let user = |at: usize| users["users"][at]["id"].as_str().unwrap().to_owned();
    org.knobs(
        json!({ "assignment_rules": [{ "name": "All", "users": [user(1)] }, { "name": "DACH", "users": [user(2)] }] }),
    )
    .await;
    let error = org.connector().push(&[lead("p1", true)]).await.unwrap_err();
    assert!(error.kind == ErrorKind::Config && error.fix.unwrap().contains("assignment_rule"));
    let zoho = org.connector_with(|config| config.assignment_rule = Some("dach".into()));
    let (id, _) = pushed(&zoho, lead("p1", true)).await;
    assert_eq!(read(&org, &id).await["Owner"]["id"], json!(user(2)));
    // The rule goes: nothing is created without it, and the admin is told.
    org.knobs(json!({ "assignment_rules": [{ "name": "All", "users": [user(1)] }] })).await;
    let error = zoho.push(&[lead("p2", true)]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Config, "{error}");
    assert!(matches!(&zoho.push(&[lead("p2", true)]).await.unwrap_err().kind, ErrorKind::Config));
}

#[tokio::test]
async fn without_any_rule_a_lead_is_made_as_ever() {
    let org = organisation().await;
    org.knobs(json!({ "assignment_rules": [] })).await;
    let zoho = org.connector();
    let (id, created) = pushed(&zoho, lead("p1", true)).await;
    assert!(created);
    assert_eq!(pushed(&zoho, lead("p1", true)).await, (id, false));
    assert_eq!(org.requests_to("assignment_rules").await, 1, "asked once");
}

#[tokio::test]
async fn somebody_elses_address_makes_no_second_lead_of_theirs() {
    let org = organisation().await;
    org.make_field(
        "Leads",
        json!({ "field_label": "Card", "data_type": "text", "unique": { "case_sensitive": false } }),
    )
    .await;
    let theirs = org.seed(&Object::Lead, &Fields::from([("Card", "c-1")])).await.unwrap();
    let zoho = org.connector();
    let mut ours = lead("p1", true);
    ours.fields.set("Card", "c-1");
    let outcome = zoho.push(&[ours]).await.unwrap().remove(0);
    let expected = Reason::Duplicate { existing: Some(theirs) };
    assert!(matches!(&outcome, Outcome::Rejected(rejection) if rejection.reason == expected), "{outcome:?}");
}
