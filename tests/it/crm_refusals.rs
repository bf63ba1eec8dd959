//! What a CRM refuses, locks or forgets, over real HTTP: the failure scenarios by their numbers.

use std::time::Duration;

use connector::{Clock, Object, RecordId, Value};
use ferry::config::Vendor::Salesforce;
use ferry::model::{DeadLetterCode, RunState};
use serde_json::json;

use crate::harbour::{BETWEEN, Harbour};
use crate::mocks::Mock;

const CONTACT: Object = Object::Contact;

/// Changes that Ferry made to one record.
fn writes_of(crm: &Mock, id: &RecordId, since: u64) -> usize {
    crm.written(since).iter().filter(|line| line["record"] == id.as_str()).count()
}

/// Several records match a new person: none is chosen, none is written, nobody is made.
#[tokio::test(flavor = "multi_thread")]
async fn scenario_7_several_matches_are_left_to_a_person() {
    let harbour = Harbour::new(&[Salesforce], "create = { contact = \"known\" }").await;
    harbour.cycle().await;
    let at = harbour.clock.now().to_rfc3339();
    let traits = json!({ "email": "new@acme.example", "lastName": "Larsen" });
    harbour
        .import(
            &json!({ "type": "identify", "messageId": "1", "userId": "u1", "timestamp": at, "traits": traits })
                .to_string(),
        )
        .await;
    harbour.compute().await;
    // Both turn up after the last pull: only the look before the create can see them.
    let crm = harbour.mock(Salesforce);
    let twins = [0, 1].map(|_| crm.create(&CONTACT, &[("email", "new@acme.example"), ("last_name", "Larsen")]));
    let seq = crm.seq();
    let pushed = harbour.push(Salesforce).await;
    assert_eq!(pushed[0].state, RunState::Partial, "{pushed:?}");
    let letters = harbour.dead_letters().await;
    assert_eq!(letters.iter().map(|letter| letter.code).collect::<Vec<_>>(), [DeadLetterCode::AmbiguousMatch]);
    assert_eq!(crm.written(seq), Vec::<serde_json::Value>::new());
    // A person merges them; the next cycles link the one that is left, and write to it.
    let one = crm.merge(&CONTACT, &twins[0], &twins[1]);
    harbour.app.store.drop_dead_letter(letters[0].id).await.unwrap();
    harbour.cycle().await;
    assert_eq!(harbour.records_of("email:new@acme.example").await, [format!("salesforce contact {one}")]);
    assert_ne!(harbour.value(Salesforce, &CONTACT, &one, "profile_id").await, Value::Null);
    harbour.assert_rest().await;
}

/// People of one account whose row is locked, and one of none.
async fn with_an_account(more: &str) -> (Harbour, Vec<RecordId>, RecordId) {
    let harbour = Harbour::new(&[Salesforce], more).await;
    let crm = harbour.mock(Salesforce);
    let account = crm.act("edit", &json!({ "object": "Account", "properties": { "Name": "Acme" } }));
    let child = |number: usize| {
        let email = format!("p{number}@acme.example");
        let id = crm.create(&CONTACT, &[("email", &email), ("last_name", "Larsen")]);
        let properties = json!({ "AccountId": account["id"] });
        crm.act("edit", &json!({ "object": "Contact", "id": id.as_str(), "properties": properties }));
        id
    };
    let children = (0..9).map(child).collect();
    let alone = crm.create(&CONTACT, &[("email", "alone@acme.example"), ("last_name", "Larsen")]);
    harbour.advance(BETWEEN);
    for run in harbour.pull(Salesforce).await {
        assert_eq!(run.state, RunState::Done, "{run:?}");
    }
    harbour.compute().await;
    (harbour, children, alone)
}

async fn scenario_11(more: &str) {
    // Locked for a moment: the same push gets through.
    let (harbour, children, _) = with_an_account(more).await;
    let crm = harbour.mock(Salesforce);
    crm.configure(&json!({ "row_faults": [{ "object": "Contact", "times": 4, "code": "UNABLE_TO_LOCK_ROW" }] }));
    let seq = crm.seq();
    let pushed = harbour.push(Salesforce).await;
    assert!(pushed.iter().all(|run| run.state == RunState::Done), "{pushed:?}");
    assert!(children.iter().all(|id| writes_of(crm, id, seq) == 1));
    harbour.assert_rest().await;

    // Locked for good: the others are written, the locked ones wait, and nothing is lost when the lock is gone.
    let (harbour, children, alone) = with_an_account(more).await;
    let crm = harbour.mock(Salesforce);
    crm.configure(&json!({ "locks": { "odds": 1.0 } }));
    let seq = crm.seq();
    let pushed = harbour.push(Salesforce).await;
    assert!(pushed.iter().any(|run| run.state != RunState::Done), "it is not green while writes wait: {pushed:?}");
    assert_eq!(writes_of(crm, &alone, seq), 1, "its neighbours are written");
    assert!(children.iter().all(|id| writes_of(crm, id, seq) == 0));
    let name = harbour.connection(Salesforce).name();
    assert_eq!(harbour.app.store.outbox(name, &CONTACT, 100).await.unwrap().len(), children.len());
    assert_eq!(harbour.dead_letters().await, Vec::new(), "a lock is nobody's mistake");
    crm.configure(&json!({ "locks": {} }));
    harbour.advance(Duration::from_secs(3_600));
    harbour.push(Salesforce).await;
    assert!(children.iter().all(|id| writes_of(crm, id, seq) == 1), "each once");
    harbour.assert_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_11_locked_rows_of_a_call_wait_and_go_again() {
    scenario_11("").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_11_locked_rows_of_a_job_wait_and_go_again() {
    scenario_11("bulk_push_above = 3").await;
}
/// The log of deletions does not reach back to when we last looked: everything that lives is listed instead.
#[tokio::test(flavor = "multi_thread")]
async fn scenario_30_an_outage_longer_than_the_log_of_deletions() {
    let harbour = Harbour::new(&[Salesforce], "").await;
    let crm = harbour.mock(Salesforce);
    let person =
        |name: &str| crm.create(&CONTACT, &[("email", &format!("{name}@acme.example")), ("last_name", "Larsen")]);
    let (stays, goes) = (person("stays"), person("goes"));
    let [lead, _other] = ["lead", "other"]
        .map(|name| crm.create(&Object::Lead, &[("email", &format!("{name}@acme.example")), ("last_name", "Larsen")]));
    harbour.cycle().await;
    harbour.cycle().await;
    // While nobody looks: deleted, erased from the bin, and the log has been emptied since.
    crm.act("delete", &json!({ "object": "Contact", "id": goes.as_str(), "erase": true }));
    crm.act("delete", &json!({ "object": "Lead", "id": lead.as_str(), "erase": true }));
    harbour.advance(Duration::from_secs(20 * 86_400));
    crm.act("purge-deleted", &json!({}));
    harbour.cycle().await;
    assert_eq!(harbour.records_of("email:goes@acme.example").await, [format!("salesforce contact {goes} (gone)")]);
    assert_eq!(harbour.records_of("email:lead@acme.example").await, [format!("salesforce lead {lead} (gone)")]);
    assert_eq!(harbour.records_of("email:stays@acme.example").await, [format!("salesforce contact {stays}")]);
    harbour.assert_rest().await;
    assert_eq!(harbour.dead_letters().await, Vec::new());
}
