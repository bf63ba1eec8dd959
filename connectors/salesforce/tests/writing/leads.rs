//! Creating leads: once, whole, and with the owner that was asked for.

use connector::{Connector, Fields, Object, Operation, Outcome};
use serde_json::json;

use crate::org::{KEY, Org, done, push_one, upsert, write};

fn newcomer(key: &str) -> Fields {
    Fields::from([(KEY, key), ("Email", "m.ruiz@acme.example"), ("CDP_Text__c", "hot")])
}

#[tokio::test]
async fn a_lead_is_created_once_with_what_it_cannot_do_without() {
    let org = Org::start().await;
    let connector = org.connector();
    let create = || write(Object::Lead, Operation::Create, newcomer("p-1"));
    let (id, created) = done(&push_one(&connector, create()).await);
    assert!(created);
    let lead = org.read("Lead", &id).await;
    assert_eq!((&lead["LastName"], &lead["Company"]), (&json!("m.ruiz"), &json!("[not provided]")));
    assert_eq!((&lead[KEY], &lead["CDP_Text__c"]), (&json!("p-1"), &json!("hot")));
    // What people write there is not overwritten by a stand-in.
    org.api(reqwest::Method::PATCH, &format!("/sobjects/Lead/{id}"), Some(json!({ "LastName": "Ruiz" }))).await;
    assert_eq!(done(&push_one(&connector, create()).await), (id.clone(), false));
    assert_eq!(org.read("Lead", &id).await["LastName"], "Ruiz");
}

#[tokio::test]
async fn the_stand_ins_are_configured() {
    let org = Org::start().await;
    let mut config = org.config();
    config.creation.company = "No company given".into();
    config.creation.last_name = connector::LastName::Text("Visitor".into());
    let connector = org.connector_with(config);
    // The one that was configured, whatever the address would give.
    let fields = Fields::from([("CDP_Text__c", "hot"), ("Email", "m.ruiz@acme.example")]);
    let (id, _) = done(&push_one(&connector, upsert(Object::Lead, "p-2", fields)).await);
    let lead = org.read("Lead", &id).await;
    assert_eq!((&lead["LastName"], &lead["Company"]), (&json!("Visitor"), &json!("No company given")));
}

#[tokio::test]
async fn an_owner_that_was_set_stays_and_rules_choose_only_when_asked() {
    let org = Org::start().await;
    let connector = org.connector();
    let me = org.create("Lead", json!({ "LastName": "Probe", "Company": "Acme" })).await;
    let ours = {
        let (id, _) = done(&push_one(&connector, upsert(Object::Lead, "p-3", newcomer("p-3"))).await);
        org.read("Lead", &id).await["OwnerId"].clone()
    };
    assert_ne!(org.read("Lead", &me).await["OwnerId"], ours, "a rule chose for a create without the header");
    let mut asked = write(Object::Lead, Operation::Create, newcomer("p-4"));
    asked.hints.crm_assigns = true;
    let (id, created) = done(&push_one(&connector, asked.clone()).await);
    assert!(created);
    let chosen = org.read("Lead", &id).await["OwnerId"].clone();
    assert_ne!(chosen, ours, "the rule chooses");
    let lead = org.read("Lead", &id).await;
    assert_eq!((&lead["LastName"], &lead["Company"]), (&json!("m.ruiz"), &json!("[not provided]")));
    // Sent again it is an update of the same lead, which no rule moves.
    org.api(reqwest::Method::PATCH, &format!("/sobjects/Lead/{id}"), Some(json!({ "OwnerId": ours }))).await;
    let before = org.read("Lead", &id).await["OwnerId"].clone();
    assert_eq!(done(&push_one(&connector, asked).await), (id.clone(), false));
    assert_eq!(org.read("Lead", &id).await["OwnerId"], before);
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_not_sent_again() {
    let org = Org::start().await;
    let connector = org.connector();
    connector.check().await.unwrap();
    org.plan("PATCH", "/services/data/v67.0/sobjects/Lead/*", "reset_after", 1).await;
    let fields = Fields::from([("LastName", "Ruiz"), ("Company", "Acme")]);
    let mark = org.mark().await;
    let outcome = push_one(&connector, upsert(Object::Lead, "p-5", fields.clone())).await;
    assert!(matches!(outcome, Outcome::Ambiguous(_)), "{outcome:?}");
    assert_eq!(org.requests(mark).await.len(), 1);
    let (_, created) = done(&push_one(&connector, upsert(Object::Lead, "p-5", fields)).await);
    assert!(!created, "it was created by the sending whose answer was lost");
}

#[tokio::test]
async fn a_rule_that_matches_many_creates_in_one_call_still_names_each_record() {
    let org = Org::start().await;
    let connector = org.connector();
    let there = org.create("Lead", json!({ "LastName": "Twin", "Company": "Acme" })).await;
    org.knobs(json!({ "duplicate_rules": [{ "object": "Lead", "fields": ["LastName"], "action": "alert" }] })).await;
    let fields = |name: &str| Fields::from([("LastName", name), ("Company", "Acme")]);
    let writes = [
        upsert(Object::Lead, "p-6", fields("Twin")),
        upsert(Object::Lead, "p-7", fields("Single")),
        upsert(Object::Lead, "p-8", fields("Twin")),
    ];
    let outcomes = connector.push(&writes).await.unwrap();
    assert!(done(&outcomes[1]).1);
    for place in [0, 2] {
        let told = crate::org::rejected(&outcomes[place]);
        assert_eq!(told.reason, connector::Reason::Duplicate { existing: Some(there.clone()) });
    }
}
