//! `[alerts]`: what is wrong is told once when it begins and once when it is over, whatever breaks off between, and never anything of a
//! person.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response};
use connector::{ErrorKind, Object};
use connector_webhook::Signer;
use ferry::app::Alerted;
use ferry::model::{Flow, RunState};
use secrecy::SecretString;
use serde_json::{Value as Json, json};

use crate::world::{SIGNING, World};

/// A receiver that verifies what is signed, and answers with a status.
struct Receiver {
    url: String,
    got: Arc<Mutex<Vec<(String, Json)>>>,
    status: Arc<Mutex<u16>>,
}

impl Receiver {
    async fn start(signed: bool) -> Self {
        let (got, status) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(204_u16)));
        let app = axum::Router::new().fallback({
            let (got, status) = (got.clone(), status.clone());
            move |request: Request<Body>| {
                let (got, status) = (got.clone(), status.clone());
                async move {
                    let (parts, body) = request.into_parts();
                    let body = to_bytes(body, 1 << 20).await.unwrap();
                    let body = std::str::from_utf8(&body).unwrap();
                    let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
                    let (id, at) = (header("webhook-id").unwrap(), header("webhook-timestamp").unwrap());
                    let signer = Signer::new([&SecretString::from(SIGNING.to_owned())]).unwrap();
                    let signature = signed.then(|| signer.sign(&id, at.parse().unwrap(), body));
                    assert_eq!(header("webhook-signature"), signature);
                    let status = *status.lock().unwrap();
                    // One that takes it and says something else is a receiver, too.
                    got.lock().unwrap().push((id, serde_json::from_str(body).unwrap()));
                    Response::builder().status(status).body(Body::empty()).unwrap()
                }
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/ops", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, got, status }
    }

    fn answers(&self, status: u16) {
        *self.status.lock().unwrap() = status;
    }

    /// `alert.started no_events website`, in the order of arrival, each id once.
    fn heard(&self) -> Vec<String> {
        let mut seen = std::collections::BTreeSet::new();
        let got = self.got.lock().unwrap();
        let text = |body: &Json, key: &str| body[key].as_str().unwrap().to_owned();
        got.iter()
            .filter(|(id, _)| seen.insert(id.clone()))
            .map(|(_, body)| format!("{} {} {}", text(body, "type"), text(body, "kind"), text(body, "subject")))
            .collect()
    }
}

fn config(channel: &str) -> String {
    format!(
        "timezone = \"UTC\"\nbase_currency = \"USD\"\n[[source]]\nname = \"website\"\ntype = \"jsonl\"\nno_events = \"2h\"\n\
         [[crm]]\nname = \"acme\"\ntype = \"hubspot\"\ntoken = {{ env = \"TOKEN\" }}\n[alerts]\n[alerts.channel.ops]\n{channel}\n"
    )
}

fn signed(receiver: &Receiver) -> String {
    config(&format!("url = \"{}\"\nsecret = {{ env = \"OPS_SIGNING\" }}", receiver.url))
}

async fn look(world: &World) -> Alerted {
    world.app.tell_alerts(&world.app.settings.alerts[0]).await.unwrap()
}

async fn says(world: &World, number: u32) {
    let line = json!({ "type": "track", "event": "Seen", "messageId": format!("m{number}"), "anonymousId": "a" });
    world.message_of("website", &line.to_string()).await.unwrap();
}

#[tokio::test]
async fn a_silent_source_is_told_of_once_and_once_more_when_it_speaks() {
    let receiver = Receiver::start(true).await;
    let mut world = World::with(&signed(&receiver));
    says(&world, 1).await;
    assert_eq!(look(&world).await, Alerted::default());
    world.advance(Duration::from_secs(3 * 3_600));
    assert_eq!(look(&world).await, Alerted { told: 1, again: 0, open: 1 });
    for _ in 0..3 {
        world.advance(Duration::from_secs(60));
        world.restart().await;
        assert_eq!(look(&world).await.told, 0);
    }
    says(&world, 2).await;
    assert_eq!(look(&world).await, Alerted { told: 1, again: 0, open: 0 });
    look(&world).await;
    assert_eq!(receiver.heard(), ["alert.started no_events website", "alert.cleared no_events website"]);
    let text = receiver.got.lock().unwrap()[0].1["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with("Ferry: source \"website\" has sent nothing"), "{text}");
}

#[tokio::test]
async fn what_is_not_taken_is_sent_again_under_one_id_and_holds_nobody_up() {
    let receiver = Receiver::start(true).await;
    receiver.answers(503);
    let mut world = World::with(&signed(&receiver));
    says(&world, 1).await;
    world.advance(Duration::from_secs(3 * 3_600));
    assert_eq!(look(&world).await, Alerted { told: 0, again: 1, open: 1 });
    // Not before its time, and a run goes on meanwhile.
    assert_eq!(look(&world).await.again, 0);
    assert_eq!(world.compute().await.state, RunState::Done);
    world.restart().await;
    world.advance(Duration::from_secs(3_600));
    receiver.answers(204);
    assert_eq!(look(&world).await.told, 1);
    let got = receiver.got.lock().unwrap();
    assert_eq!((got.len(), &got[0].0), (2, &got[1].0));
}

#[tokio::test]
async fn a_credential_that_is_refused_is_told_without_a_signature_where_there_is_no_secret() {
    let receiver = Receiver::start(false).await;
    let world = World::with(&config(&format!("url = \"{}\"", receiver.url)));
    world.contact(&[("email", "ada@acme.example")]);
    world.crm.revoke();
    let pulled = world.pull().await;
    assert!(pulled.iter().any(|run| run.flow == Flow::Pull && run.error_kind.as_deref() == Some("auth")), "{pulled:?}");
    look(&world).await;
    world.crm.mend();
    world.pull().await;
    look(&world).await;
    assert_eq!(receiver.heard(), ["alert.started crm_auth_failed acme", "alert.cleared crm_auth_failed acme"]);
    assert!(!format!("{:?}", receiver.got.lock().unwrap()).contains("ada@"), "nothing of a person");
    assert_eq!(
        world.app.store.last_runs().await.unwrap().iter().filter(|run| run.object == Some(Object::Contact)).count(),
        1
    );
}

#[tokio::test]
async fn an_address_that_cannot_be_used_says_so_and_uses_nothing_up() {
    // The environment's answer is no address.
    let world = World::with(&config("webhook = { env = \"OPS_URL\" }"));
    world.advance(Duration::from_secs(3 * 3_600));
    let error = world.app.tell_alerts(&world.app.settings.alerts[0]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Config);
    let said = error.to_string();
    assert!(said.contains("alert channel \"ops\"") && !said.contains("s3cret"), "{said}");
    assert_eq!(world.app.store.note("alerts:ops").await.unwrap(), None);
}
