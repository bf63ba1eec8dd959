//! Two CRMs and one sales team: whoever is given a person at one of them has the person at the other, too, and what counts for a rep
//! counts once.

use std::sync::Arc;
use std::time::Duration;

use connector::{Fields, Object, RecordId, Timestamp, Value};
use connector_conformance::MemoryCrm;
use ferry::app::{Pulling, Pushing};
use ferry::model::{RunState, Step};
use ferry::store::{AssignmentRow, AssignmentState};
use serde_json::json;

use crate::world::World;

const CRM: &str = r#"
[[crm]]
name = "{name}"
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
"#;

const ROUTING: &str = r#"
[routing]
fallback = "ops@acme.example"
sla = { respond_within = "30m" }

[[routing.pool]]
name = "sales"
method = "round_robin"
members = [{ user = "rita@acme.example", daily_cap = 1 }, { user = "sam@acme.example", daily_cap = 1 }]
"#;

struct Two {
    world: World,
    beta: MemoryCrm,
}

impl Two {
    /// The same three users at both, under other ids.
    async fn new() -> Self {
        let crms = ["acme", "beta"].map(|name| CRM.replace("{name}", name)).concat();
        let mut world = World::with(&format!("timezone = \"UTC\"\nbase_currency = \"USD\"\n{crms}{ROUTING}"));
        let beta = MemoryCrm::new(world.clock.clone());
        world.app.connections[1].connector = Arc::new(beta.connector());
        let user = |name: &str| {
            let address = format!("{name}@acme.example");
            Fields::from([
                ("email", Value::from(address.as_str())),
                ("name", Value::from(name)),
                ("active", Value::Bool(true)),
            ])
        };
        for name in ["rita", "sam", "ops"] {
            world.crm.create(&Object::User, user(name));
        }
        for name in ["zoe", "ops", "sam", "rita"] {
            beta.create(&Object::User, user(name));
        }
        let two = Self { world, beta };
        two.pull().await;
        two
    }

    async fn pull(&self) {
        for connection in &self.world.app.connections {
            for finished in self.world.app.pull(connection, Pulling::default(), &()).await.unwrap() {
                assert_eq!(finished.run.state, RunState::Done, "{finished:?}");
            }
        }
    }

    async fn push(&self) {
        for connection in &self.world.app.connections {
            for finished in self.world.app.push(connection, Pushing::default(), &()).await.unwrap() {
                assert_eq!(finished.run.state, RunState::Done, "{finished:?}");
            }
        }
    }

    async fn arrives(&self, name: &str) {
        self.world.identify(&format!("{name}@kiwi.example"), json!({})).await;
        self.world.compute().await;
        self.push().await;
    }

    /// Whose the leads are, at the one and at the other.
    fn owners(&self) -> [Vec<String>; 2] {
        [&self.world.crm, &self.beta].map(|crm| {
            let owner = |id: &RecordId| match crm.value(&Object::Lead, id, "owner").as_text() {
                Some(user) => crm.value(&Object::User, &user.into(), "name").to_string(),
                None => "nobody".to_owned(),
            };
            crm.ids(&Object::Lead).iter().map(owner).collect()
        })
    }

    /// Oldest first.
    async fn turns(&self) -> Vec<AssignmentRow> {
        let mut rows = self.world.app.store.assignments(None, Timestamp::EPOCH, 100).await.unwrap();
        rows.reverse();
        rows
    }
}

#[tokio::test]
async fn one_person_has_one_rep_at_both_and_uses_up_one_cap() {
    let two = Two::new().await;
    two.arrives("ada").await;
    assert_eq!(two.owners(), [["rita"], ["rita"]]);
    let [first, second] = two.turns().await.try_into().unwrap();
    assert_eq!((first.step, second.step), (Some(Step::Pool), Some(Step::Elsewhere)));
    assert_eq!(&*second.trail[0].text, "rita has the person at acme");
    assert_eq!(second.member.as_deref(), Some("rita@acme.example"), "the pool there goes on alike");
    two.arrives("bob").await;
    assert_eq!(two.owners(), [["rita", "sam"], ["rita", "sam"]], "one each, and no more today");
    two.arrives("chen").await;
    assert_eq!(two.owners().map(|owners| owners.len()), [2, 2]);
    let held = two.turns().await.into_iter().filter(|turn| turn.state == AssignmentState::Held).count();
    assert_eq!(held, 2);
    two.world.advance(Duration::from_secs(86_400));
    two.push().await;
    assert_eq!(two.owners(), [["rita", "sam", "rita"], ["rita", "sam", "rita"]]);
}

#[tokio::test]
async fn an_answer_at_one_crm_answers_the_lead_at_the_other() {
    let two = Two::new().await;
    two.arrives("ada").await;
    two.arrives("bob").await;
    two.pull().await;
    two.world.advance(Duration::from_secs(600));
    let ada = two.world.crm.ids(&Object::Lead)[0].clone();
    two.world.crm.edit(&Object::Lead, &ada, Fields::from([("first_name", "Ada")]));
    two.pull().await;
    two.world.advance(Duration::from_secs(1_300));
    let late = two.world.app.tell_overdue().await.unwrap();
    let late: Vec<(&str, Option<&str>)> =
        late.iter().map(|turn| (turn.connection.as_str(), turn.owner.as_deref())).collect();
    assert_eq!(late, [("acme", Some("sam")), ("beta", Some("sam"))]);
    let answered: Vec<bool> = two.turns().await.iter().map(|turn| turn.answered_at.is_some()).collect();
    assert_eq!(answered, [true, true, false, false]);
}
