//! The in-memory CRM behaves as flow tests rely on: full loads and windows, merges, deletions, faults, quotas, hooks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use connector::{
    Connector, ErrorKind, FieldKind, Fields, Hints, Link, ManualClock, NewField, Object, Operation, Outcome,
    PullRequest, ReadKey, ReadRequest, Reason, RecordId, Rejection, Stream, Timestamp, Value, Write,
};
use connector_conformance::memory::{Actor, Call, ChangeKind, Fault, MemoryCrm};

const START: Timestamp = Timestamp::from_secs(1_790_000_000);

fn account() -> (Arc<ManualClock>, MemoryCrm) {
    let clock = Arc::new(ManualClock::new(START));
    (clock.clone(), MemoryCrm::new(clock))
}

fn contacts(fields: &[&str]) -> PullRequest {
    PullRequest {
        stream: Stream::Records(Object::Contact),
        fields: fields.iter().map(|name| (*name).into()).collect(),
        links: Vec::new(),
        cursor: None,
        since: None,
    }
}

fn update(id: &RecordId, fields: impl Into<Fields>) -> Write {
    Write {
        key: Default::default(),
        object: Object::Contact,
        operation: Operation::Update { id: id.clone() },
        fields: fields.into(),
        hints: Hints::default(),
    }
}

/// All pages from the request's cursor: ids in order, and the cursor to go on from.
async fn walk(connector: &impl Connector, mut ask: PullRequest) -> (Vec<RecordId>, PullRequest) {
    let mut ids = Vec::new();
    loop {
        let page = connector.pull(&ask).await.unwrap();
        ids.extend(page.records.iter().map(|record| record.id.clone()));
        ids.extend(page.tombstones.iter().map(|tombstone| tombstone.id.clone()));
        ask.cursor = Some(page.resume);
        if !page.more {
            return (ids, ask);
        }
    }
}

#[tokio::test]
async fn a_full_load_is_followed_by_windows_of_changes() {
    let (clock, crm) = account();
    crm.set_page_size(2);
    let ids: Vec<_> =
        (0..5).map(|n| crm.create(&Object::Contact, [("email", Value::from(&*format!("p{n}@a.example")))])).collect();
    let connector = crm.connector();
    let (seen, next) = walk(&connector, contacts(&["email"])).await;
    assert_eq!(seen, ids);

    clock.advance(Duration::from_secs(60));
    assert_eq!(walk(&connector, next.clone()).await.0, ids, "the instant of the full load is read again");
    let (_, next) = walk(&connector, next).await;
    crm.edit_all(&Object::Contact, &ids[1..4], [("city", "Bonn")]);
    let (seen, next) = walk(&connector, next).await;
    assert_eq!(seen, ids[1..4]);

    clock.advance(Duration::from_secs(60));
    let (_, next) = walk(&connector, next).await;
    clock.advance(Duration::from_secs(60));
    assert_eq!(walk(&connector, next).await.0, []);
}

#[tokio::test]
async fn a_merge_leaves_an_alias_and_a_tombstone_that_names_the_survivor() {
    let (clock, crm) = account();
    let [ada, bob] = ["ada@a.example", "bob@a.example"].map(|mail| crm.create(&Object::Contact, [("email", mail)]));
    let connector = crm.connector();
    let (_, next) = walk(&connector, contacts(&["email"])).await;
    clock.advance(Duration::from_secs(1));
    assert!(crm.merge(&Object::Contact, &ada, &bob));

    let page = connector.pull(&next).await.unwrap();
    assert_eq!(page.records[0].id, ada);
    assert_eq!(page.records[0].merged_ids, std::slice::from_ref(&bob));
    let ask = PullRequest { stream: Stream::Deletions(Object::Contact), ..contacts(&[]) };
    let page = connector.pull(&ask).await.unwrap();
    assert_eq!(page.tombstones.len(), 1);
    assert_eq!(
        (&page.tombstones[0].id, &page.tombstones[0].merged_into),
        (&bob, &Some(Link { object: Object::Contact, id: ada.clone() }))
    );

    let ask = ReadRequest { object: Object::Contact, fields: Vec::new(), by: ReadKey::Ids(vec![bob.clone()]) };
    assert_eq!(connector.read(&ask).await.unwrap()[0].id, ada);
    let write = update(&bob, [("city", "Bonn")]);
    match &connector.push(std::slice::from_ref(&write)).await.unwrap()[0] {
        Outcome::Rejected(Rejection { reason, .. }) => {
            let into = Some(Link { object: Object::Contact, id: ada.clone() });
            assert_eq!(*reason, Reason::Merged { into });
        }
        other => panic!("{other:?}"),
    }
    crm.set_follows_merges(true);
    assert!(matches!(&connector.push(&[write]).await.unwrap()[0], Outcome::Done { id, .. } if *id == ada));
}

#[tokio::test]
async fn faults_strike_the_call_they_were_ordered_for() {
    let (_, crm) = account();
    let id = crm.create(&Object::Contact, [("email", "ada@a.example")]);
    let connector = crm.connector();
    let write = update(&id, [("city", "Bonn")]);

    crm.fail_nth(Call::Push, 2, Fault::Fail(ErrorKind::Transient));
    assert!(connector.push(std::slice::from_ref(&write)).await.is_ok());
    assert_eq!(connector.push(std::slice::from_ref(&write)).await.unwrap_err().kind, ErrorKind::Transient);
    assert_eq!(crm.by_us().len(), 1);

    crm.fail_next(Call::Push, Fault::Lost { applied: false });
    assert!(matches!(&connector.push(std::slice::from_ref(&write)).await.unwrap()[0], Outcome::Ambiguous(_)));
    assert_eq!(crm.by_us().len(), 1);
    crm.fail_next(Call::Push, Fault::Lost { applied: true });
    assert!(
        matches!(&connector.push(std::slice::from_ref(&write)).await.unwrap()[0], Outcome::Ambiguous(e) if e.maybe_applied)
    );
    assert_eq!(crm.by_us().len(), 2);

    let rejection = Rejection { reason: Reason::Invalid, code: "NO".into(), message: "no".into(), fields: Vec::new() };
    crm.reject_record(&id, rejection.clone());
    assert_eq!(connector.push(std::slice::from_ref(&write)).await.unwrap(), [Outcome::Rejected(rejection)]);
    crm.mend();
    assert!(matches!(&connector.push(&[write]).await.unwrap()[0], Outcome::Done { .. }));
    assert_eq!(crm.calls().push, 6);
}

#[tokio::test]
async fn the_ledger_tells_reps_from_us_and_from_workflows() {
    let (_, crm) = account();
    let id = crm.create(&Object::Contact, [("email", "ada@a.example")]);
    crm.rewrite(&Object::Contact, "city", |value| Value::text(value.to_string().trim()));
    crm.workflow(|_, fields| {
        let mut changes = Fields::new();
        if fields.get("city") == Some(&Value::from("Bonn")) && fields.get("country").is_none() {
            changes.set("country", "DE");
        }
        changes
    });
    let outcomes = crm.connector().push(&[update(&id, [("city", " Bonn "), ("score", "1.239")])]).await.unwrap();
    let Outcome::Done { kept, .. } = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!(kept.get("city"), Some(&Value::from("Bonn")));
    assert_eq!(kept.get("score"), Some(&Value::Number("1.24".parse().unwrap())));
    let told: Vec<_> = crm.ledger().iter().map(|entry| (entry.by, entry.kind)).collect();
    assert_eq!(
        told,
        [(Actor::Rep, ChangeKind::Create), (Actor::Us, ChangeKind::Update), (Actor::Workflow, ChangeKind::Update)]
    );
    assert_eq!(crm.ledger()[2].changed(), [("country".into(), Value::Null, Value::from("DE"))]);
}

#[tokio::test]
async fn a_daily_limit_ends_in_a_quota_error_that_names_its_end() {
    let (clock, crm) = account();
    let midnight = START.saturating_add(Duration::from_secs(3_600));
    crm.set_daily_limit(2, midnight);
    let connector = crm.connector();
    assert!(connector.check().await.is_ok());
    assert!(connector.check().await.is_ok());
    let error = connector.check().await.unwrap_err();
    assert_eq!((error.kind, error.retry_at), (ErrorKind::Quota, Some(midnight)));
    assert_eq!(connector.budget().daily.unwrap().used, 2);
    clock.set(midnight);
    assert!(connector.check().await.is_ok());
}

#[tokio::test]
async fn fields_come_and_go() {
    let (_, crm) = account();
    let id = crm.create(&Object::Contact, [("city", "Bonn")]);
    let connector = crm.connector();
    let new = NewField {
        name: "cdp_score".into(),
        label: "CDP score".into(),
        description: "".into(),
        kind: FieldKind::Decimal { scale: None },
        unique: false,
    };
    connector.create_field(&Object::Contact, &new).await.unwrap();
    assert!(matches!(&connector.push(&[update(&id, [("cdp_score", "7")])]).await.unwrap()[0], Outcome::Done { .. }));
    crm.undefine(&Object::Contact, "city");
    let page = connector.pull(&contacts(&["cdp_score", "city"])).await.unwrap();
    assert_eq!(page.undefined, ["city".into()]);
    assert_eq!(page.records[0].fields.get("city"), None);
    assert_eq!(page.records[0].fields.get("cdp_score"), Some(&Value::from(7)));
    crm.set_answers_text(true);
    let page = connector.pull(&contacts(&["cdp_score"])).await.unwrap();
    assert_eq!(page.records[0].fields.get("cdp_score"), Some(&Value::from("7")));
}

#[tokio::test]
async fn scenario_56_windows_follow_the_crms_clock_not_ours() {
    let (clock, crm) = account();
    crm.set_clock_skew_ms(-3_600_000);
    let id = crm.create(&Object::Contact, [("city", "Bonn")]);
    let connector = crm.connector();
    let (_, next) = walk(&connector, contacts(&["city"])).await;
    clock.advance(Duration::from_secs(60));
    crm.edit(&Object::Contact, &id, [("city", "Köln")]);
    let (seen, _) = walk(&connector, next).await;
    assert_eq!(seen, [id], "a change stamped by a clock an hour behind ours is not lost");
    assert_eq!(connector.budget().clock_skew_ms, Some(-3_600_000));
    assert!(connector.check().await.unwrap().server_time.unwrap() < START);
}
