//! Records that the CRM holds already: whoever owns one keeps it, what is nobody's is given to somebody, and what nobody answers in
//! time goes on to the next.

use std::time::Duration;

use connector::{Fields, Object, RecordId, Value};
use ferry::app::Computing;
use ferry::model::{DeadLetterCode, EntryState, Step};
use ferry::store::AssignmentState;

use crate::desk::Desk;
use crate::tricks::{Trick, Trickster};
use crate::world::World;

const ADA: &str = "ada@kiwi.example";
const KEY: &str = "email:ada@kiwi.example";
const CONTACTS: &str = r#"
[crm.fields.contact]
email = "email"
score_engagement = "score"
profile_id = "cdp_profile_id"
"#;
const LATE: &str = r#"
sla = { respond_within = "30m", on_breach = "reroute" }
"#;

/// Ada is a contact of somebody's, or nobody's, and has just entered the band.
async fn contact(desk: &mut Desk, owner: Option<&RecordId>) -> RecordId {
    let mut fields = Fields::from([("email", ADA)]);
    if let Some(owner) = owner {
        fields.set("owner", Value::text(owner.as_str()));
    }
    let contact = desk.world.crm.create(&Object::Contact, fields);
    desk.world.pull().await;
    desk.is_known("a-1", ADA).await;
    desk.forms("a-1", 2).await;
    desk.compute().await;
    contact
}

fn contacts(desk: &Desk) -> Vec<String> {
    desk.owners_of(&Object::Contact)
}

/// A day of nothing: what comes back from the CRM is ours, and nothing is written any more.
async fn assert_rest(desk: &Desk) {
    let seq = desk.world.seq();
    for _ in 0..2 {
        desk.world.advance(Duration::from_secs(60));
        desk.world.pull().await;
        desk.compute().await;
        desk.push().await;
    }
    assert_eq!(desk.world.written_since(seq), []);
}

#[tokio::test]
async fn a_contact_of_nobody_is_given_to_somebody_and_no_lead_is_made() {
    let mut desk = Desk::with(CONTACTS).await;
    let contact = contact(&mut desk, None).await;
    desk.push().await;
    assert_eq!((contacts(&desk), desk.owners().len()), (vec!["rita".to_owned()], 0));
    assert_eq!(desk.entry(KEY).await, EntryState::Done);
    let [turn] = desk.turns().await.try_into().unwrap();
    assert_eq!((turn.state, turn.record, turn.object), (AssignmentState::Made, Some(contact), Object::Contact));
    assert_eq!(&*turn.trail[0].text, "pool general: it is the turn of rita (round_robin)");
    assert_rest(&desk).await;
    // The next one is sam's.
    desk.is_known("a-2", "bob@kiwi.example").await;
    desk.forms("a-2", 2).await;
    desk.compute().await;
    desk.push().await;
    assert_eq!(desk.owners(), ["sam"]);
}

#[tokio::test]
async fn who_owns_a_contact_keeps_it_and_no_turn_is_taken() {
    let mut desk = Desk::with(CONTACTS).await;
    let sam = desk.user("sam");
    contact(&mut desk, Some(&sam)).await;
    desk.push().await;
    assert_eq!(contacts(&desk), ["sam"]);
    assert_eq!(desk.entry(KEY).await, EntryState::Done);
    let [turn] = desk.turns().await.try_into().unwrap();
    assert_eq!((turn.state, turn.step, turn.pool), (AssignmentState::Made, Some(Step::Owner), None));
    assert_eq!(&*turn.trail[0].text, "sam owns the record");
    assert_rest(&desk).await;
    assert_eq!(desk.turns().await.len(), 1);
}

#[tokio::test]
async fn whoever_has_a_contact_that_enters_gets_one_task_instead_of_a_second_lead() {
    for owned in [true, false] {
        let mut desk = Desk::with(&format!("sla = {{ respond_within = \"30m\" }}\n{CONTACTS}")).await;
        let sam = desk.user("sam");
        let contact = contact(&mut desk, owned.then_some(&sam)).await;
        for _ in 0..3 {
            desk.push().await;
            desk.world.advance(Duration::from_secs(60));
        }
        let [(task, body)] = desk.world.crm.tasks(&contact).try_into().unwrap();
        let held = |field: &str| desk.world.crm.value(&Object::Other("task".into()), &task, field);
        let (owner, why) = match owned {
            true => (sam, "Why you: sam owns the record"),
            false => (desk.user("rita"), "Why you: pool general: it is the turn of rita (round_robin)"),
        };
        assert_eq!(held("owner"), Value::text(owner.as_str()));
        assert_eq!(held("subject"), Value::from("Get in touch with ada@kiwi.example"));
        assert!(body.contains(why), "{body}");
        let by = desk.turns().await[0].respond_by.unwrap();
        assert_eq!(held("due_at"), Value::Instant(by));
        assert!(desk.owners().is_empty(), "no second lead");
    }
}

#[tokio::test]
async fn a_new_lead_speaks_for_itself_and_tasks_can_be_switched_off() {
    let mut desk = Desk::with(&format!("task = false\n{CONTACTS}")).await;
    let ada = contact(&mut desk, None).await;
    desk.push().await;
    assert_eq!(desk.world.crm.tasks(&ada), []);
    let mut desk = Desk::new().await;
    desk.is_known("a-1", ADA).await;
    desk.forms("a-1", 2).await;
    desk.compute().await;
    desk.push().await;
    let lead = desk.world.crm.ids(&Object::Lead)[0].clone();
    assert_eq!(desk.world.crm.tasks(&lead), []);
}

#[tokio::test]
async fn an_owner_is_replaced_where_the_file_says_so() {
    let mut desk = Desk::with(&format!("keep_owner = false\n{CONTACTS}")).await;
    let sam = desk.user("sam");
    contact(&mut desk, Some(&sam)).await;
    desk.push().await;
    assert_eq!(contacts(&desk), ["rita"]);
    assert_rest(&desk).await;
}

#[tokio::test]
async fn who_has_left_owns_nothing() {
    let mut desk = Desk::with(CONTACTS).await;
    let sam = desk.user("sam");
    desk.world.crm.edit(&Object::User, &sam, [("active", Value::from(false))].into_iter().collect::<Fields>());
    contact(&mut desk, Some(&sam)).await;
    desk.push().await;
    assert_eq!(contacts(&desk), ["rita"]);
    let trail: Vec<String> = desk.turns().await[0].trail.iter().map(|line| line.text.to_string()).collect();
    assert_eq!(trail[0], "sam owns the record and is inactive at the CRM");
}

#[tokio::test]
async fn whoever_takes_a_record_meanwhile_keeps_it() {
    let mut desk = Desk::with(CONTACTS).await;
    let contact = contact(&mut desk, None).await;
    let sam = desk.user("sam");
    // A rep takes it after the last pull.
    desk.world.crm.edit(&Object::Contact, &contact, Fields::from([("owner", sam.as_str())]));
    desk.push().await;
    assert_eq!(contacts(&desk), ["sam"]);
    assert_eq!(desk.turns().await[0].step, Some(Step::Owner));
    assert_rest(&desk).await;
}

#[tokio::test]
async fn who_may_not_be_told_of_is_given_to_nobody() {
    let mut desk = Desk::with(CONTACTS).await;
    contact(&mut desk, None).await;
    desk.sales("a-1", false).await;
    desk.push().await;
    assert_eq!((contacts(&desk), desk.turns().await), (vec!["nobody".to_owned()], Vec::new()));
    assert_eq!(desk.entry(KEY).await, EntryState::Waiting);
    desk.sales("a-1", true).await;
    desk.forms("a-1", 1).await;
    desk.compute().await;
    desk.push().await;
    assert_eq!(contacts(&desk), ["rita"]);
}

#[tokio::test]
async fn a_death_before_or_after_the_owner_is_written_takes_one_turn() {
    for trick in [|| Trick::DieBeforePush, || Trick::DieAfterPush] {
        let mut tricky = None;
        let config = format!("{}{CONTACTS}", crate::desk::CONFIG);
        let world = World::around(&config, |crm| {
            let trickster = Trickster::new(crm.connector());
            tricky = Some(trickster.clone());
            std::sync::Arc::new(trickster)
        });
        let tricky = tricky.unwrap();
        let mut desk = Desk::of(world).await;
        contact(&mut desk, None).await;
        tricky.play(trick());
        tokio::select! {
            biased;
            () = desk.push() => panic!("the push ended"),
            () = tricky.dead.notified() => {}
        }
        desk.world.restart().await;
        desk.push().await;
        desk.push().await;
        assert_eq!(contacts(&desk), ["rita"]);
        let states: Vec<AssignmentState> = desk.turns().await.iter().map(|turn| turn.state).collect();
        assert_eq!(states, [AssignmentState::Made]);
        assert_rest(&desk).await;
    }
}

#[tokio::test]
async fn a_contact_found_while_a_lead_was_to_be_made_is_given_to_somebody() {
    let creates = crate::desk::CONFIG.replace("lead = \"mql\"", "contact = \"mql\"");
    let mut desk = Desk::of(World::with(&format!("{creates}{CONTACTS}"))).await;
    desk.is_known("a-1", ADA).await;
    desk.forms("a-1", 2).await;
    desk.compute().await;
    desk.world.crm.create(&Object::Contact, Fields::from([("email", ADA)]));
    desk.push().await;
    desk.push().await;
    assert_eq!(contacts(&desk), ["rita"]);
    assert_eq!(desk.turns().await.len(), 1);
}

#[tokio::test]
async fn what_nobody_answers_goes_on_to_the_next_and_ends_with_the_fallback() {
    let mut desk = Desk::with(LATE).await;
    desk.is_known("a-1", ADA).await;
    desk.forms("a-1", 2).await;
    desk.compute().await;
    desk.push().await;
    assert_eq!(desk.owners(), ["rita"]);
    for (next, turns) in [("sam", 2), ("ops", 3)] {
        desk.world.pull().await;
        desk.world.advance(Duration::from_secs(1_801));
        assert_eq!(desk.world.app.tell_overdue().await.unwrap().len(), 1);
        desk.push().await;
        desk.push().await;
        assert_eq!(desk.owners(), [next]);
        assert_eq!(desk.turns().await.len(), turns, "once per breach");
    }
    let turns = desk.turns().await;
    let states: Vec<AssignmentState> = turns.iter().map(|turn| turn.state).collect();
    assert_eq!(states, [AssignmentState::GivenBack, AssignmentState::GivenBack, AssignmentState::Made]);
    let trail: Vec<&str> = turns[1].trail.iter().map(|line| &*line.text).collect();
    assert_eq!(
        trail,
        [
            "rita@acme.example had it and did not answer in time",
            "pool general: rita@acme.example is out: had it and did not answer",
            "pool general: it is the turn of sam (round_robin)",
        ]
    );
    // The fallback is the last: that they are late, too, is said once and changes nothing.
    desk.world.advance(Duration::from_secs(1_801));
    desk.world.app.tell_overdue().await.unwrap();
    desk.push().await;
    assert_eq!(desk.owners(), ["ops"]);
    desk.world.advance(Duration::from_secs(1_801));
    assert!(desk.world.app.tell_overdue().await.unwrap().is_empty());
    assert_rest(&desk).await;
}

#[tokio::test]
async fn what_a_rep_changes_is_an_answer_whatever_ferry_writes_afterwards() {
    let mapped =
        crate::desk::CONFIG.replacen("email = \"email\"\n", "email = \"email\"\nfirst_name = \"first_name\"\n", 1);
    let mut desk = Desk::of(World::with(&format!("{mapped}sla = {{ respond_within = \"30m\" }}\n"))).await;
    let crm = desk.world.crm.clone();
    for name in ["ada", "bob"] {
        desk.is_known(name, &format!("{name}@kiwi.example")).await;
        desk.forms(name, 2).await;
    }
    desk.compute().await;
    desk.push().await;
    assert_eq!(desk.owners(), ["rita", "sam"]);
    desk.world.pull().await;
    desk.world.advance(Duration::from_secs(600));
    let ada = crm.ids(&Object::Lead)[0].clone();
    assert!(crm.edit(&Object::Lead, &ada, Fields::from([("first_name", "Ada")])));
    desk.world.pull().await;
    // The score has faded since: Ferry's own writes follow.
    desk.world.advance(Duration::from_secs(86_400));
    desk.world.app.compute(Computing { all: true, ..Computing::default() }, &()).await.unwrap();
    let seq = desk.world.seq();
    desk.push().await;
    assert!(desk.world.written_since(seq).iter().any(|entry| entry.record == ada), "Ada's lead was written");
    desk.world.pull().await;
    let late = desk.world.app.tell_overdue().await.unwrap();
    let late: Vec<Option<&str>> = late.iter().map(|row| row.owner.as_deref()).collect();
    assert_eq!(late, [Some("sam")], "rita has turned to hers");
    let turns = desk.turns().await;
    assert_eq!(turns[0].answered_at.map(|at| at.since(turns[0].at).as_secs()), Some(600));
    assert!(turns[1].answered_at.is_none() && turns[1].breached_at.is_some());
    assert!(desk.world.app.tell_overdue().await.unwrap().is_empty(), "told once");
}

#[tokio::test]
async fn what_is_kept_is_not_taken_away() {
    let mut desk = Desk::with(&format!("{LATE}{CONTACTS}")).await;
    let sam = desk.user("sam");
    contact(&mut desk, Some(&sam)).await;
    desk.world.pull().await;
    desk.compute().await;
    desk.push().await;
    desk.world.advance(Duration::from_secs(2_000));
    desk.world.pull().await;
    let late = desk.world.app.tell_overdue().await.unwrap();
    assert_eq!(late.len(), 1, "sam is late, and told so: {late:#?}");
    desk.push().await;
    assert_eq!(contacts(&desk), ["sam"]);
}

#[tokio::test]
async fn outside_working_hours_the_fields_go_at_once_and_the_owner_later() {
    let hours = "hours = { days = \"mon-fri\", from = \"11:00\", to = \"17:00\" }\n";
    // It is nine o'clock on a Monday.
    let mut desk = Desk::with(&format!("{hours}{CONTACTS}first_name = \"first_name\"\n")).await;
    let contact = contact(&mut desk, None).await;
    let held = |desk: &Desk, field: &str| desk.world.crm.value(&Object::Contact, &contact, field).to_string();
    desk.push().await;
    assert_eq!((contacts(&desk), held(&desk, "score")), (vec!["nobody".to_owned()], "60".to_owned()));
    let traits = serde_json::json!({ "email": ADA, "firstName": "Ada" });
    desk.say(serde_json::json!({ "type": "identify", "anonymousId": "a-1", "traits": traits })).await;
    desk.compute().await;
    desk.push().await;
    assert_eq!(held(&desk, "first_name"), "Ada", "news is told meanwhile");
    let [turn] = desk.turns().await.try_into().unwrap();
    assert_eq!(
        (turn.state, turn.record.as_ref()),
        (AssignmentState::Held, Some(&contact)),
        "it waits, and no turn is taken"
    );
    desk.world.advance(Duration::from_secs(2 * 3_600));
    desk.push().await;
    assert_eq!(contacts(&desk), ["rita"]);
    assert_rest(&desk).await;
}

#[tokio::test]
async fn an_owner_that_the_crm_refuses_gives_the_turn_back() {
    let mut desk = Desk::with(CONTACTS).await;
    let contact = contact(&mut desk, None).await;
    let rejection = connector::Rejection {
        reason: connector::Reason::Invalid,
        code: "INVALID".into(),
        message: "not today".into(),
        fields: vec!["owner".into()],
    };
    desk.world.crm.reject_record(&contact, rejection);
    let pushed = desk.world.app.push(desk.world.connection(), ferry::app::Pushing::default(), &()).await.unwrap();
    assert!(pushed.iter().any(|finished| finished.run.counts.failed == 1), "{pushed:?}");
    let states: Vec<AssignmentState> = desk.turns().await.iter().map(|turn| turn.state).collect();
    assert_eq!(states, [AssignmentState::GivenBack]);
    assert!(desk.world.codes().await.contains_key(DeadLetterCode::WriteRejected.as_str()));
}

#[tokio::test]
async fn a_lifecycle_goes_forward_only() {
    let mapped = CONTACTS.to_owned() + "lifecycle = \"lifecycle\"\n\n[traits.lifecycle]\nkind = \"lifecycle\"\n";
    let desk = Desk::with(&mapped).await;
    let stages = ["", "subscriber", "lead", "customer", "other"];
    let ids: Vec<RecordId> = stages
        .iter()
        .enumerate()
        .map(|(at, stage)| {
            let address = format!("p{at}@kiwi.example");
            let mut fields = Fields::from([("email", address.as_str())]);
            if !stage.is_empty() {
                fields.set("lifecycle", Value::from(*stage));
            }
            desk.world.crm.create(&Object::Contact, fields)
        })
        .collect();
    desk.world.pull().await;
    desk.compute().await;
    // A rep has moved the second on since.
    desk.world.crm.edit(&Object::Contact, &ids[1], Fields::from([("lifecycle", "customer")]));
    desk.push().await;
    let now: Vec<String> =
        ids.iter().map(|id| desk.world.crm.value(&Object::Contact, id, "lifecycle").to_string()).collect();
    assert_eq!(now, ["lead", "customer", "lead", "customer", "other"]);
    assert_rest(&desk).await;
}
