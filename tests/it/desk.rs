//! A sales team of two and its CRM: people visit, fill in forms and say who they are, and somebody gets them.

use std::sync::Arc;
use std::time::Duration;

use connector::{Clock, Fields, Object, RecordId, Timestamp, Value};
use ferry::app::Pushing;
use ferry::ingest::{DecodeOptions, MAX_MESSAGE, Resolver, decode};
use ferry::model::{EntryState, RunId, RunState};
use ferry::store::{AppendEvents, AssignmentRow};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::world::World;

pub const CONFIG: &str = r#"
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

pub struct Desk {
    pub world: World,
    said: u64,
}

impl Desk {
    pub async fn new() -> Self {
        Self::with("").await
    }

    /// The same with more lines of the configuration, behind the last section.
    pub async fn with(more: &str) -> Self {
        Self::of(World::with(&format!("{CONFIG}{more}"))).await
    }

    /// Three users are in the CRM, and known.
    pub async fn of(world: World) -> Self {
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
    pub async fn say(&mut self, mut message: Json) {
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

    pub async fn forms(&mut self, anonymous: &str, how_many: usize) {
        for _ in 0..how_many {
            self.say(json!({ "type": "track", "event": "Form Submitted", "anonymousId": anonymous })).await;
        }
    }

    pub async fn is_known(&mut self, anonymous: &str, email: &str) {
        self.say(json!({ "type": "identify", "anonymousId": anonymous, "traits": { "email": email } })).await;
    }

    pub async fn sales(&mut self, anonymous: &str, granted: bool) {
        let consent = json!({ "categoryPreferences": { "Sales": granted } });
        self.say(json!({
            "type": "track", "event": "Segment Consent Preference Updated", "anonymousId": anonymous,
            "context": { "consent": consent },
        }))
        .await;
    }

    pub async fn compute(&self) {
        self.world.compute().await;
    }

    /// Everything that is written is pushed.
    pub async fn push(&self) {
        for finished in self.world.app.push(self.world.connection(), Pushing::default(), &()).await.unwrap() {
            assert_eq!(finished.run.state, RunState::Done, "{:?}", finished.run);
        }
    }

    /// Whose the leads at the CRM are.
    pub fn owners(&self) -> Vec<String> {
        self.owners_of(&Object::Lead)
    }

    pub fn owners_of(&self, object: &Object) -> Vec<String> {
        let crm = &self.world.crm;
        let owner = |id| match crm.value(object, id, "owner").as_text() {
            Some(user) => crm.value(&Object::User, &user.into(), "name").to_string(),
            None => "nobody".to_owned(),
        };
        crm.ids(object).iter().map(owner).collect()
    }

    /// The id of a user by name.
    pub fn user(&self, name: &str) -> RecordId {
        let users = self.world.crm.ids(&Object::User);
        users.into_iter().find(|id| self.world.crm.value(&Object::User, id, "name") == Value::from(name)).unwrap()
    }

    /// Every turn that was taken, oldest first.
    pub async fn turns(&self) -> Vec<AssignmentRow> {
        let mut rows = self.world.app.store.assignments(None, Timestamp::EPOCH, 100).await.unwrap();
        rows.reverse();
        rows
    }

    pub async fn entry(&self, key: &str) -> EntryState {
        let id = self.world.app.store.find_profile(key).await.unwrap().unwrap();
        let entries = self.world.app.store.band_entries(id).await.unwrap();
        assert_eq!(entries.len(), 1, "{entries:?}");
        entries[0].state
    }
}
