//! Other tools are told who entered and left: each crossing once by its id, in order for each person, whatever breaks off, and
//! nothing of whoever does not allow it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response};
use connector::Clock;
use connector_webhook::Signer;
use ferry::app::Told;
use ferry::config::WebhookSettings;
use ferry::ingest::{DecodeOptions, MAX_MESSAGE, Resolver, decode};
use ferry::model::{DeadLetterCode, RunId};
use ferry::store::{AppendEvents, WebhookState};
use secrecy::SecretString;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::world::{SIGNING, World};

const CONFIG: &str = r#"
timezone = "UTC"
base_currency = "USD"

[privacy]
categories = { Marketing = "marketing" }

[[crm]]
name = "acme"
type = "hubspot"
token = { env = "TOKEN" }

[scores.engagement]
half_life = "14d"
rules = [{ label = "Demo form", event = "Form Submitted", points = 30, max = 60 }]
bands = { mql = { enter = 50, exit = 35 } }

[segments.hot]
when = 'score_engagement >= 50'
exit_when = 'score_engagement < 20'
"#;

/// A webhook of this name at a receiver, with further lines.
fn webhook(name: &str, url: &str, lines: &str) -> String {
    format!("[[webhook]]\nname = \"{name}\"\nurl = \"{url}\"\nsecret = {{ env = \"HOOK_SIGNING\" }}\n{lines}\n")
}

#[derive(Clone, Debug)]
struct Got {
    id: String,
    body: Json,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    Answers(u16),
    /// Takes the message and dies before it says so.
    TakesAndDies,
    /// Says nothing, for ever.
    Hangs,
}

/// A receiver that verifies signatures, with whatever mood a test gives it.
struct Receiver {
    url: String,
    got: Arc<Mutex<Vec<Got>>>,
    mood: Arc<Mutex<Mood>>,
    arrived: Arc<tokio::sync::Notify>,
}

impl Receiver {
    async fn start() -> Self {
        let (got, mood) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Mood::Answers(204))));
        let arrived = Arc::new(tokio::sync::Notify::new());
        let app = axum::Router::new().fallback({
            let (got, mood, arrived) = (got.clone(), mood.clone(), arrived.clone());
            move |request: Request<Body>| {
                let (got, mood, arrived) = (got.clone(), mood.clone(), arrived.clone());
                async move {
                    let (parts, body) = request.into_parts();
                    let body = to_bytes(body, 1 << 20).await.unwrap();
                    let body = std::str::from_utf8(&body).unwrap();
                    let header = |name: &str| parts.headers.get(name).unwrap().to_str().unwrap().to_owned();
                    let (id, at) = (header("webhook-id"), header("webhook-timestamp").parse().unwrap());
                    let signed = Signer::new([&SecretString::from(SIGNING.to_owned())]).unwrap().sign(&id, at, body);
                    assert_eq!(header("webhook-signature"), signed);
                    let now = *mood.lock().unwrap();
                    if now == Mood::TakesAndDies || now == Mood::Answers(204) {
                        got.lock().unwrap().push(Got { id, body: serde_json::from_str(body).unwrap() });
                    }
                    arrived.notify_one();
                    match now {
                        Mood::Answers(status) => Response::builder().status(status).body(Body::empty()).unwrap(),
                        Mood::TakesAndDies | Mood::Hangs => std::future::pending().await,
                    }
                }
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, got, mood, arrived }
    }

    fn is(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// What it took, each id once, in the order of their first arrival.
    fn distinct(&self) -> Vec<Got> {
        let mut seen = std::collections::BTreeSet::new();
        self.got.lock().unwrap().iter().filter(|got| seen.insert(got.id.clone())).cloned().collect()
    }

    /// `segment.entered hot`, in order.
    fn heard(&self) -> Vec<String> {
        self.distinct().iter().map(heard).collect()
    }
}

fn heard(got: &Got) -> String {
    let text = |key: &str| got.body[key].as_str().unwrap().to_owned();
    format!("{} {}", text("type"), text("name"))
}

struct Stage {
    world: World,
    said: u64,
}

impl Stage {
    fn new(webhooks: &str) -> Self {
        Self { world: World::with(&format!("{CONFIG}{webhooks}")), said: 0 }
    }

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

    async fn knows(&mut self, user: &str) {
        let traits = json!({ "email": format!("{user}@kiwi.example"), "first_name": user });
        self.say(json!({ "type": "identify", "userId": user, "traits": traits })).await;
    }

    async fn marketing(&mut self, user: &str, granted: bool) {
        let consent = json!({ "categoryPreferences": { "Marketing": granted } });
        self.say(json!({
            "type": "track", "event": "Segment Consent Preference Updated", "userId": user,
            "context": { "consent": consent },
        }))
        .await;
    }

    /// Somebody known, who allows marketing and is hot.
    async fn hot(&mut self, user: &str) {
        self.knows(user).await;
        self.marketing(user, true).await;
        self.forms(user).await;
    }

    async fn forms(&mut self, user: &str) {
        for _ in 0..2 {
            self.say(json!({ "type": "track", "event": "Form Submitted", "userId": user })).await;
        }
    }

    fn webhook(&self, name: &str) -> WebhookSettings {
        self.world.app.settings.webhooks.iter().find(|one| *one.subscription.name == *name).unwrap().clone()
    }

    async fn tell(&self, name: &str) -> Told {
        self.world.app.deliver(&self.webhook(name)).await.unwrap()
    }

    async fn state(&self, name: &str) -> WebhookState {
        let states = self.world.app.store.webhook_states().await.unwrap();
        states.into_iter().find(|state| *state.name == *name).unwrap()
    }
}

#[tokio::test]
async fn an_entry_and_an_exit_are_told_once_each_and_history_never() {
    let receiver = Receiver::start().await;
    let mut stage = Stage::new("");
    // In before anybody listened.
    stage.hot("old").await;
    stage.world.compute().await;
    let told = webhook("mailer", &receiver.url, "on = [\"segment:hot\", \"band:mql\"]\ntraits = [\"first_name\"]");
    stage.world.reconfigure(&format!("{CONFIG}{told}"));
    stage.world.compute().await;
    stage.tell("mailer").await;
    assert_eq!(receiver.heard(), Vec::<String>::new());
    stage.hot("ada").await;
    for _ in 0..2 {
        stage.world.compute().await;
        stage.tell("mailer").await;
        stage.world.restart().await;
    }
    assert_eq!(receiver.heard(), ["band.entered engagement.mql", "segment.entered hot"]);
    let body = receiver.distinct()[0].body.clone();
    assert_eq!(body["profile"]["traits"], json!({ "first_name": "ada" }));
    assert_eq!(body["profile"]["identifiers"], json!({ "email": ["ada@kiwi.example"], "user_id": ["ada"] }));
    assert_eq!((&body["score"]["value"].as_f64().unwrap().round(), &body["inside"]), (&60.0, &json!(true)));
    // Between enter and exit nothing moves: one exit when it comes.
    for _ in 0..4 {
        stage.world.advance(Duration::from_secs(7 * 86_400));
        stage.world.compute().await;
        stage.tell("mailer").await;
    }
    let ada = |got: &Got| got.body["profile"]["identifiers"]["user_id"] == json!(["ada"]);
    let of_ada: Vec<String> = receiver.distinct().iter().filter(|got| ada(got)).map(heard).collect();
    let whole =
        ["band.entered engagement.mql", "segment.entered hot", "band.exited engagement.mql", "segment.exited hot"];
    assert_eq!(of_ada, whole);
    let arrived = receiver.got.lock().unwrap().len();
    assert_eq!(arrived, receiver.distinct().len(), "nothing was lost, so nothing came twice");
}

#[tokio::test]
async fn a_receiver_or_a_process_that_dies_loses_nothing_and_the_ids_stay() {
    let receiver = Receiver::start().await;
    let mut stage = Stage::new(&webhook("mailer", &receiver.url, "on = [\"segment:*\"]\nrate_limit = \"1000/s\""));
    let people: Vec<String> = (0..20).map(|n| format!("p{n}")).collect();
    for person in &people {
        stage.hot(person).await;
    }
    stage.world.compute().await;
    stage.world.advance(Duration::from_secs(40 * 86_400));
    stage.world.compute().await;
    // It has taken some and dies; so does the process, in the middle of the call.
    receiver.is(Mood::TakesAndDies);
    let (app, mailer) = (stage.world.app.clone(), stage.webhook("mailer"));
    tokio::select! {
        told = app.deliver(&mailer) => panic!("nobody answered: {told:?}"),
        () = receiver.arrived.notified() => {}
    }
    stage.world.restart().await;
    // Then nobody is well for a while.
    receiver.is(Mood::Answers(503));
    for _ in 0..3 {
        let told = stage.tell("mailer").await;
        assert_eq!(told.delivered, 0);
        stage.world.advance(Duration::from_secs(600));
    }
    receiver.is(Mood::Answers(204));
    for _ in 0..20 {
        stage.tell("mailer").await;
        stage.world.advance(Duration::from_secs(3_600));
    }
    let distinct = receiver.distinct();
    assert_eq!(distinct.len(), 40, "an entry and an exit of each");
    assert!(receiver.got.lock().unwrap().len() > 40, "what was taken and not answered came again");
    let mut of: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for got in &distinct {
        of.entry(got.body["profile"]["id"].to_string()).or_default().push(heard(got));
    }
    assert_eq!(of.len(), 20);
    assert!(of.values().all(|told| *told == ["segment.entered hot", "segment.exited hot"]), "{of:?}");
    let state = stage.state("mailer").await;
    assert_eq!((state.waiting, state.dead, state.health.failures), (0, 0, 0));
}

#[tokio::test]
async fn a_refusal_waits_for_a_person_and_goes_out_again_under_its_id() {
    let receiver = Receiver::start().await;
    let mut stage = Stage::new(&webhook("mailer", &receiver.url, "on = [\"segment:hot\"]"));
    stage.hot("ada").await;
    stage.world.compute().await;
    receiver.is(Mood::Answers(422));
    assert_eq!(stage.tell("mailer").await.dead, 1);
    let letters = stage.world.dead_letters().await;
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!(letter.code, DeadLetterCode::WebhookRefused);
    assert!(!format!("{letter:?}").contains("kiwi"), "nothing of a person: {letter:?}");
    receiver.is(Mood::Answers(204));
    assert_eq!(stage.tell("mailer").await, Told::default(), "not by itself");
    stage.world.retry(DeadLetterCode::WebhookRefused, None).await;
    assert_eq!(stage.tell("mailer").await.delivered, 1);
    let [got] = receiver.distinct().try_into().unwrap();
    let message = letter.subject.record.as_deref().unwrap().replace('-', "");
    assert_eq!(got.id, format!("msg_{message}"));
}

#[tokio::test]
async fn whoever_does_not_allow_it_is_not_told_of_and_what_was_told_is_taken_back() {
    let receiver = Receiver::start().await;
    let mut stage = Stage::new(&webhook(
        "ads",
        &receiver.url,
        "on = [\"segment:hot\"]\ntraits = [\"first_name\"]\ndirection = \"in\"",
    ));
    // Never asked: marketing is not granted by itself.
    stage.knows("bob").await;
    stage.forms("bob").await;
    stage.hot("ada").await;
    stage.world.compute().await;
    stage.tell("ads").await;
    assert_eq!(receiver.heard(), ["segment.entered hot"]);
    assert_eq!(stage.state("ads").await.withheld, 1);
    stage.marketing("ada", false).await;
    stage.tell("ads").await;
    let [_, taken_back] = receiver.distinct().try_into().unwrap();
    assert_eq!(heard(&taken_back), "segment.exited hot");
    assert_eq!((&taken_back.body["cause"], &taken_back.body["inside"]), (&json!("withdrawn"), &json!(true)));
    assert_eq!(taken_back.body["profile"]["identifiers"]["user_id"], json!(["ada"]));
    assert!(taken_back.body["profile"].get("traits").is_none());
    // Said again, it is not taken back twice; and of her next entry nothing is told.
    stage.marketing("ada", false).await;
    stage.world.advance(Duration::from_secs(40 * 86_400));
    stage.world.compute().await;
    stage.forms("ada").await;
    stage.world.compute().await;
    stage.tell("ads").await;
    assert_eq!(receiver.distinct().len(), 2);
}

#[tokio::test]
async fn a_dead_receiver_holds_nobody_else_up_and_costs_a_bounded_queue() {
    let (dead, alive) = (Receiver::start().await, Receiver::start().await);
    dead.is(Mood::Answers(500));
    let on = "on = [\"segment:*\"]\nrate_limit = \"1000/s\"";
    let mut stage = Stage::new(&format!("{}{}", webhook("dead", &dead.url, on), webhook("alive", &alive.url, on)));
    for n in 0..30 {
        stage.hot(&format!("p{n}")).await;
    }
    stage.world.compute().await;
    for _ in 0..10 {
        stage.tell("dead").await;
        stage.tell("alive").await;
    }
    assert_eq!(alive.heard().len(), 30);
    let state = stage.state("dead").await;
    assert_eq!((state.waiting, state.delivered), (30, 0));
    assert!(state.health.closed_until.is_some(), "{state:?}");
    assert_eq!(stage.world.codes().await, BTreeMap::new(), "what waits is no failure yet");
    // After a day the one that is tried is for a person; the others wait on.
    for _ in 0..26 {
        stage.world.advance(Duration::from_secs(3_600));
        stage.tell("dead").await;
    }
    let codes = stage.world.codes().await;
    assert_eq!(codes.keys().collect::<Vec<_>>(), [&"webhook_unreachable"]);
    dead.is(Mood::Answers(204));
    for _ in 0..3 {
        stage.world.advance(Duration::from_secs(3_600));
        stage.tell("dead").await;
    }
    assert_eq!(dead.heard().len() + codes["webhook_unreachable"], 30);
}

#[tokio::test]
async fn a_receiver_that_hangs_does_not_hold_its_message_for_ever() {
    let receiver = Receiver::start().await;
    let mut stage = Stage::new(&webhook("mailer", &receiver.url, "on = [\"segment:hot\"]\ntimeout = \"1s\""));
    stage.hot("ada").await;
    stage.world.compute().await;
    receiver.is(Mood::Hangs);
    assert_eq!(stage.tell("mailer").await.again, 1);
    receiver.is(Mood::Answers(204));
    stage.world.advance(Duration::from_secs(60));
    assert_eq!(stage.tell("mailer").await.delivered, 1);
}
