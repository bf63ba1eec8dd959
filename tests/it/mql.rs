//! Whoever enters the band becomes a lead once, on somebody's desk; who may not be told of yet waits for news of them, and consent
//! alone is none.

use std::sync::Arc;
use std::time::Duration;

use connector::{Clock, Fields, Object, Value};
use ferry::app::Pushing;
use ferry::ingest::{DecodeOptions, MAX_MESSAGE, Resolver, decode};
use ferry::model::{EntryState, RunId, RunState};
use ferry::store::{AppendEvents, AssignmentState};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::world::World;

const CONFIG: &str = r#"
timezone = "UTC"
base_currency = "USD"

[privacy]
categories = { Sales = "sales" }

[[crm]]
name = "acme"
type = "salesforce"
login_url = "https://acme.my.salesforce.com"
client_id = "id"
client_secret = { env = "SECRET" }

[crm.create]
lead = "mql"

[crm.fields.lead]
email = "email"
score_engagement = "score"
profile_id = "cdp_profile_id"

[scores.engagement]
half_life = "14d"
rules = [{ label = "Demo form", event = "Form Submitted", points = 30, max = 60 }]
bands = { mql = { enter = 50, exit = 35, cooldown = "30d" } }

[routing]
fallback = "ops@acme.example"
pool = ["rita@acme.example", "sam@acme.example"]
"#;

struct Desk {
    world: World,
    said: u64,
}

impl Desk {
    async fn new() -> Self {
        let world = World::with(CONFIG);
        for name in ["rita", "sam", "ops"] {
            let address = format!("{name}@acme.example");
            let fields =
                [("email", Value::from(address.as_str())), ("name", Value::from(name)), ("active", true.into())];
            world.crm.create(&Object::User, fields.into_iter().collect::<Fields>());
        }
        for run in world.pull().await {
            assert_eq!(run.state, RunState::Done, "{run:?}");
        }
        Self { world, said: 0 }
    }

    /// A message, as the file's own rules of consent read it.
    async fn say(&mut self, mut message: Json) {
        let world = &self.world;
        world.advance(Duration::from_secs(1));
        let now = world.clock.now();
        self.said += 1;
        message["messageId"] = format!("m{}", self.said).into();
        message["timestamp"] = now.to_rfc3339().into();
        let identity = world.app.settings.identity.clone();
        let options = DecodeOptions {
            source: "file".into(),
            max_message: MAX_MESSAGE,
            client: false,
            identity: identity.clone(),
        };
        let event = decode(&message.to_string(), now, &options).unwrap();
        let facts = world.app.model.facts(&event);
        let consent = world.app.settings.privacy.consent.clone();
        let batch = AppendEvents {
            run: RunId(Uuid::nil()),
            now,
            events: vec![(event, facts)],
            dead_letters: Vec::new(),
            rejected: Vec::new(),
        };
        let resolver = Arc::new(Resolver { now, identity, consent, gpc: false });
        world.app.store.append_events(batch, resolver).await.unwrap();
    }

    async fn forms(&mut self, anonymous: &str, how_many: usize) {
        for _ in 0..how_many {
            self.say(json!({ "type": "track", "event": "Form Submitted", "anonymousId": anonymous })).await;
        }
    }

    async fn is_known(&mut self, anonymous: &str, email: &str) {
        self.say(json!({ "type": "identify", "anonymousId": anonymous, "traits": { "email": email } })).await;
    }

    async fn sales(&mut self, anonymous: &str, granted: bool) {
        let consent = json!({ "categoryPreferences": { "Sales": granted } });
        self.say(json!({
            "type": "track", "event": "Segment Consent Preference Updated", "anonymousId": anonymous,
            "context": { "consent": consent },
        }))
        .await;
    }

    async fn compute(&self) {
        self.world.compute().await;
    }

    async fn push(&self) {
        let lead = Pushing { object: Some(&Object::Lead), ..Pushing::default() };
        for finished in self.world.app.push(self.world.connection(), lead, &()).await.unwrap() {
            assert_eq!(finished.run.state, RunState::Done, "{:?}", finished.run);
        }
    }

    /// Whose the leads at the CRM are.
    fn owners(&self) -> Vec<String> {
        let crm = &self.world.crm;
        let owner = |id| match crm.value(&Object::Lead, id, "owner").as_text() {
            Some(user) => crm.value(&Object::User, &user.into(), "name").to_string(),
            None => "nobody".to_owned(),
        };
        crm.ids(&Object::Lead).iter().map(owner).collect()
    }

    async fn entry(&self, key: &str) -> EntryState {
        let id = self.world.app.store.find_profile(key).await.unwrap().unwrap();
        let entries = self.world.app.store.band_entries(id).await.unwrap();
        assert_eq!(entries.len(), 1, "{entries:?}");
        entries[0].state
    }
}

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
