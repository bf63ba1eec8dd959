//! Leads are made once and land on one desk, with a reason that is kept; whatever breaks off in between, nobody's turn is taken
//! twice.

use std::time::Duration;

use connector::{Fields, Object, Reason, RecordId, Rejection, Timestamp, Value};
use connector_conformance::memory::{Call, Fault};
use ferry::app::Pushing;
use ferry::app::story::telling;
use ferry::model::{DeadLetterCode, Flow, Run, RunState, Step, TimelineKind};
use ferry::store::{AssignmentRow, AssignmentState};

use serde_json::json;

use crate::tricks::{Trick, Trickster};
use crate::world::World;

const CRM: &str = r#"
timezone = "UTC"
base_currency = "USD"

[[crm]]
name = "acme"
type = "salesforce"
login_url = "https://acme.my.salesforce.com"
client_id = "id"
client_secret = { env = "SECRET" }

[crm.create]
lead = "known"

[crm.fields.lead]
email = "email"
first_name = "first_name"
profile_id = "cdp_profile_id"

[crm.fields.company]
name = "name"
domain = "domain"
"#;

const POOL: &str = r#"
[routing]
fallback = "ops@acme.example"

[[routing.pool]]
name = "sales"
method = "weighted"
members = [
  { user = "rita@acme.example", weight = 2 },
  { user = "sam@acme.example" },
]
"#;

fn user(world: &World, name: &str) -> RecordId {
    let address = format!("{name}@acme.example");
    world.crm.create(
        &Object::User,
        [("email", Value::from(address.as_str())), ("name", Value::from(name)), ("active", Value::Bool(true))]
            .into_iter()
            .collect::<Fields>(),
    )
}

/// Rita, Sam and the fallback, known to Ferry.
async fn staffed(config: &str) -> (World, Trickster) {
    let (world, tricky) = World::tricked(&format!("{CRM}{config}"));
    for name in ["rita", "sam", "ops"] {
        user(&world, name);
    }
    for run in world.pull().await {
        assert_eq!(run.state, RunState::Done, "{run:?}");
    }
    (world, tricky)
}

async fn push(world: &World) -> Vec<Run> {
    let lead = Pushing { object: Some(&Object::Lead), ..Pushing::default() };
    let pushed = world.app.push(world.connection(), lead, &()).await.unwrap();
    pushed.into_iter().map(|finished| finished.run).collect()
}

/// One more person, told of and pushed.
async fn arrives(world: &World, name: &str) {
    world.identify(&format!("{name}@kiwi.example"), json!({})).await;
    world.compute().await;
    push(world).await;
}

async fn turns(world: &World) -> Vec<AssignmentRow> {
    let mut rows = world.app.store.assignments(None, Timestamp::EPOCH, 100).await.unwrap();
    rows.reverse();
    rows
}

/// What the timeline of a person says of the CRM.
async fn said(world: &World, name: &str) -> Vec<String> {
    let detail = world.profile(&format!("email:{name}@kiwi.example")).await;
    let (store, model) = (&*world.app.store, &world.app.model);
    let told = telling(store, model, detail.profile.id, detail.profile.uid, 100).await.unwrap();
    let crm = told.moments.iter().filter(|moment| moment.item.kind == TimelineKind::Crm);
    crm.map(|moment| moment.item.title.to_string()).collect()
}

/// Whose the leads at the CRM are, in the order they were made.
fn owners(world: &World) -> Vec<String> {
    let name = |id: &Value| match id.as_text() {
        Some(id) => world.crm.value(&Object::User, &RecordId::from(id), "name").to_string(),
        None => "nobody".to_owned(),
    };
    world.crm.ids(&Object::Lead).iter().map(|id| name(&world.crm.value(&Object::Lead, id, "owner"))).collect()
}

#[tokio::test]
async fn a_pool_is_dealt_by_its_weights_and_says_why() {
    let (world, _) = staffed(POOL).await;
    for name in ["ada", "bob", "chen", "dana"] {
        arrives(&world, name).await;
    }
    assert_eq!(owners(&world), ["rita", "rita", "sam", "rita"]);
    let turns = turns(&world).await;
    assert!(turns.iter().all(|turn| turn.state == AssignmentState::Made && turn.record.is_some()));
    let trail: Vec<&str> = turns[0].trail.iter().map(|line| &*line.text).collect();
    assert_eq!(trail, ["pool sales: it is the turn of rita (weighted)"]);
    let runs = world.app.store.runs(20).await.unwrap();
    let pushed = runs.iter().find(|run| run.flow == Flow::Push).unwrap();
    let journal = world.journal(pushed).await;
    let owner = journal.iter().find(|row| &*row.field == "owner").unwrap();
    assert_eq!(&*owner.origin, "routing: pool sales: it is the turn of rita (weighted)");
    // At rest nothing moves any more.
    let seq = world.seq();
    world.pull().await;
    world.compute().await;
    push(&world).await;
    assert!(world.written_since(seq).is_empty());
}

#[tokio::test]
async fn whatever_step_the_process_dies_at_there_is_one_lead_and_one_turn() {
    for trick in [|| Trick::DieBeforePush, || Trick::DieAfterPush] {
        let (mut world, tricky) = staffed(POOL).await;
        world.identify("ada@kiwi.example", json!({})).await;
        world.compute().await;
        tricky.play(trick());
        let lead = Pushing { object: Some(&Object::Lead), ..Pushing::default() };
        tokio::select! {
            biased;
            ended = world.app.push(world.connection(), lead, &()) => panic!("the push ended: {ended:?}"),
            () = tricky.dead.notified() => {}
        }
        world.restart().await;
        push(&world).await;
        push(&world).await;
        arrives(&world, "bob").await;
        assert_eq!(owners(&world), ["rita", "rita"]);
        let states: Vec<AssignmentState> = turns(&world).await.iter().map(|turn| turn.state).collect();
        assert_eq!(states, [AssignmentState::Made, AssignmentState::Made]);
    }
}

#[tokio::test]
async fn a_lost_answer_takes_no_second_turn() {
    let (world, _) = staffed(POOL).await;
    for applied in [true, false] {
        world.crm.fail_next(Call::Push, Fault::Lost { applied });
        arrives(&world, if applied { "ada" } else { "bob" }).await;
        for _ in 0..3 {
            world.advance(Duration::from_secs(120));
            push(&world).await;
        }
    }
    arrives(&world, "chen").await;
    assert_eq!(owners(&world), ["rita", "rita", "sam"]);
    assert_eq!(turns(&world).await.len(), 3);
}

#[tokio::test]
async fn a_lead_that_is_refused_gives_its_turn_back() {
    let (world, _) = staffed(POOL).await;
    let rejection =
        Rejection { reason: Reason::Invalid, code: "INVALID".into(), message: "not today".into(), fields: Vec::new() };
    world.crm.fail_next(Call::Push, Fault::Reject { index: 0, rejection });
    arrives(&world, "ada").await;
    assert_eq!(turns(&world).await[0].state, AssignmentState::GivenBack);
    for name in ["bob", "chen", "dana"] {
        arrives(&world, name).await;
    }
    assert_eq!(owners(&world), ["rita", "rita", "sam"]);
}

#[tokio::test]
async fn what_the_crm_takes_at_last_is_no_failure_any_more() {
    let (world, _) = staffed(POOL).await;
    let rejection =
        Rejection { reason: Reason::Invalid, code: "INVALID".into(), message: "not today".into(), fields: Vec::new() };
    for name in ["ada", "bob"] {
        world.crm.fail_next(Call::Push, Fault::Reject { index: 0, rejection: rejection.clone() });
        arrives(&world, name).await;
    }
    assert_eq!(world.codes().await.get("write_rejected"), Some(&2));
    world.identify("ada@kiwi.example", json!({ "firstName": "Ada" })).await;
    world.compute().await;
    push(&world).await;
    assert_eq!(owners(&world).len(), 1);
    assert_eq!(world.codes().await.get("write_rejected"), Some(&1), "bob's stays");
}

#[tokio::test]
async fn a_lead_that_turns_up_before_ours_is_made_gives_its_turn_back() {
    let (world, _) = staffed(POOL).await;
    let retry_at = connector::Clock::now(&*world.clock).saturating_add(Duration::from_secs(86_400));
    world.crm.fail_next(Call::Push, Fault::Quota { retry_at });
    arrives(&world, "ada").await;
    assert_eq!(turns(&world).await[0].state, AssignmentState::Underway, "it waits for the quota");
    world.crm.create(&Object::Lead, Fields::from([("email", "ada@kiwi.example")]));
    world.pull().await;
    assert_eq!(turns(&world).await[0].state, AssignmentState::GivenBack);
    arrives(&world, "bob").await;
    arrives(&world, "chen").await;
    arrives(&world, "dana").await;
    assert_eq!(owners(&world), ["nobody", "rita", "rita", "sam"]);
}

#[tokio::test]
async fn outside_working_hours_a_lead_waits_and_is_dealt_only_then() {
    let hours = r#"
[routing]
fallback = "ops@acme.example"
pool = ["rita@acme.example", "sam@acme.example"]
hours = { days = "mon-fri", from = "11:00", to = "17:00" }
sla = { respond_within = "30m" }
"#;
    // It is nine o'clock on a Monday.
    let (world, _) = staffed(hours).await;
    arrives(&world, "ada").await;
    let opens = "2026-11-02T11:00:00Z";
    let line = format!("pool general: nobody is there; it waits until {opens}");
    assert!(owners(&world).is_empty());
    let [held] = turns(&world).await.try_into().unwrap();
    assert_eq!(
        (held.state, held.owner.as_ref()),
        (AssignmentState::Held, None),
        "nobody's turn is taken while it waits"
    );
    assert_eq!(held.held_until, Timestamp::parse_rfc3339(opens));
    assert_eq!((held.trail.last().unwrap().step, &*held.trail.last().unwrap().text), (Step::Hold, &*line));
    assert_eq!(said(&world, "ada").await, [format!("Lead waits until {opens}")]);
    world.advance(Duration::from_secs(3_600));
    // A hold is no failure: the run is done, and says what waits.
    let [run] = push(&world).await.try_into().unwrap();
    let told = format!("1 lead waits until somebody is there, until {opens}; ferry route log says why");
    assert_eq!((run.state, run.message.as_deref()), (RunState::Done, Some(&*told)));
    assert!(owners(&world).is_empty());
    world.advance(Duration::from_secs(3_600));
    let [run] = push(&world).await.try_into().unwrap();
    assert_eq!((run.state, run.message), (RunState::Done, None));
    assert_eq!(owners(&world), ["rita"]);
    let [turn] = turns(&world).await.try_into().unwrap();
    let trail: Vec<&str> = turn.trail.iter().map(|line| &*line.text).collect();
    assert_eq!(
        trail,
        [&*line, "pool general: it is the turn of rita (round_robin)"],
        "that it waited is not forgotten"
    );
    let lead = &world.crm.ids(&Object::Lead)[0];
    assert_eq!(said(&world, "ada").await, [format!("Lead {lead} created, assigned to rita")]);
    assert_eq!(turn.respond_by, Some(turn.at.saturating_add(Duration::from_secs(1_800))));
    assert!(world.app.tell_overdue().await.unwrap().is_empty(), "there is time left");
    world.advance(Duration::from_secs(1_801));
    assert_eq!(world.app.tell_overdue().await.unwrap().len(), 1);
    assert!(world.app.tell_overdue().await.unwrap().is_empty(), "told once");
}

#[tokio::test]
async fn a_lead_that_its_owner_has_touched_is_answered() {
    let sla = POOL.replace("[[routing.pool]]", "sla = { respond_within = \"30m\" }\n\n[[routing.pool]]");
    let (world, _) = staffed(&sla).await;
    arrives(&world, "ada").await;
    arrives(&world, "bob").await;
    world.pull().await;
    world.advance(Duration::from_secs(600));
    let ada = world.crm.ids(&Object::Lead)[0].clone();
    world.crm.edit(&Object::Lead, &ada, Fields::from([("first_name", "Ada")]));
    world.pull().await;
    world.advance(Duration::from_secs(1_300));
    let late = world.app.tell_overdue().await.unwrap();
    assert_eq!(late.len(), 1, "{late:?}");
    let turns = turns(&world).await;
    assert!(turns[0].answered_at.is_some() && turns[0].breached_at.is_none());
    assert!(turns[1].answered_at.is_none() && turns[1].breached_at.is_some());
}

#[tokio::test]
async fn who_owns_the_company_gets_its_people() {
    let (world, _) = staffed(POOL).await;
    let sam = world.crm.ids(&Object::User)[1].clone();
    world.crm.create(
        &Object::Company,
        Fields::from([("name", "Kiwi"), ("domain", "kiwi.example"), ("owner", sam.as_str())]),
    );
    world.pull().await;
    world.compute().await;
    arrives(&world, "ada").await;
    assert_eq!(owners(&world), ["sam"]);
    let turn = turns(&world).await.remove(0);
    assert_eq!(&*turn.trail[0].text, "sam owns the company");
    assert_eq!(turn.pool, None, "no pool is advanced");
}

#[tokio::test]
async fn without_anybody_the_lead_is_made_and_an_admin_is_told() {
    let nobody = "\n[routing]\nfallback = \"gone@acme.example\"\npool = [\"left@acme.example\"]\n";
    let (world, _) = staffed(nobody).await;
    arrives(&world, "ada").await;
    assert_eq!(owners(&world), ["nobody"]);
    let letters = world.dead_letters().await;
    let told = letters.iter().find(|letter| letter.code == DeadLetterCode::LeadUnowned).unwrap();
    assert!(told.cause.contains("gone@acme.example is no user of the CRM"), "{}", told.cause);
}

#[tokio::test]
async fn the_crms_own_rules_choose_where_the_file_says_so() {
    let crm = CRM.replace("lead = \"known\"", "lead = \"known\"\nassignment = \"crm\"");
    let (world, _) = World::tricked(&format!("{crm}{POOL}"));
    user(&world, "rita");
    world.pull().await;
    arrives(&world, "ada").await;
    assert_eq!(owners(&world), ["nobody"]);
    assert!(turns(&world).await.is_empty());
}
