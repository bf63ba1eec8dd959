//! Whoever enters the band becomes a lead once, on somebody's desk; who may not be told of yet waits for news of them, and consent
//! alone is none.

use connector::{Object, Value};
use ferry::model::EntryState;
use ferry::store::AssignmentState;

use crate::desk::Desk;

#[tokio::test]
async fn an_entry_makes_one_lead_and_is_done() {
    let mut desk = Desk::new().await;
    desk.is_known("a-1", "ada@kiwi.example").await;
    desk.forms("a-1", 1).await;
    desk.compute().await;
    desk.push().await;
    assert!(desk.owners().is_empty(), "thirty points are not enough");
    desk.forms("a-1", 1).await;
    desk.compute().await;
    assert_eq!(desk.entry("email:ada@kiwi.example").await, EntryState::Ready);
    desk.push().await;
    assert_eq!(desk.owners(), ["rita"]);
    assert_eq!(desk.entry("email:ada@kiwi.example").await, EntryState::Done);
    // More of the same makes no second lead, nor does another round of everything.
    desk.forms("a-1", 2).await;
    desk.compute().await;
    desk.push().await;
    desk.world.pull().await;
    desk.push().await;
    assert_eq!(desk.owners(), ["rita"]);
}

#[tokio::test]
async fn consent_taken_back_takes_no_turn_and_consent_alone_makes_no_lead() {
    let mut desk = Desk::new().await;
    desk.is_known("a-1", "ada@kiwi.example").await;
    desk.forms("a-1", 2).await;
    desk.compute().await;
    desk.sales("a-1", false).await;
    desk.push().await;
    assert!(desk.owners().is_empty());
    assert_eq!(desk.entry("email:ada@kiwi.example").await, EntryState::Waiting);
    desk.sales("a-1", true).await;
    desk.compute().await;
    desk.push().await;
    assert!(desk.owners().is_empty(), "a consent is no news of the person");
    // Somebody else's lead is rita's: the turn was never taken.
    desk.is_known("a-2", "bob@kiwi.example").await;
    desk.forms("a-2", 2).await;
    desk.compute().await;
    desk.push().await;
    assert_eq!(desk.owners(), ["rita"]);
    // The next form is news, and the score still high enough.
    desk.forms("a-1", 1).await;
    desk.compute().await;
    desk.push().await;
    assert_eq!(desk.owners(), ["rita", "sam"]);
    let turns = desk.world.app.store.assignments(None, connector::Timestamp::EPOCH, 10).await.unwrap();
    assert!(turns.len() == 2 && turns.iter().all(|turn| turn.state == AssignmentState::Made), "{turns:?}");
}

#[tokio::test]
async fn a_visitor_becomes_a_lead_when_they_become_known() {
    let mut desk = Desk::new().await;
    desk.forms("a-1", 2).await;
    desk.compute().await;
    assert_eq!(desk.entry("anonymous_id:a-1").await, EntryState::Waiting);
    desk.push().await;
    assert!(desk.owners().is_empty());
    desk.is_known("a-1", "ada@kiwi.example").await;
    desk.compute().await;
    desk.push().await;
    assert_eq!(desk.owners(), ["rita"]);
    let score = desk.world.crm.value(&Object::Lead, &desk.world.crm.ids(&Object::Lead)[0], "score");
    assert_eq!(score, Value::from(60));
}
