//! One message to a real server: what arrives, and what each answer comes to.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, Response};
use connector::Timestamp;
use connector_webhook::{Answer, Config, Endpoint, Message, Signer};
use secrecy::SecretString;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

type Arrived = Arc<Mutex<Vec<(HeaderMap, String)>>>;

async fn receiver(answer: impl Fn() -> Response<Body> + Clone + Send + Sync + 'static) -> (String, Arrived) {
    let arrived = Arrived::default();
    let kept = arrived.clone();
    let app = axum::Router::new().fallback(move |request: Request<Body>| {
        let (kept, answer) = (kept.clone(), answer.clone());
        async move {
            let (parts, body) = request.into_parts();
            let body = to_bytes(body, 1 << 20).await.unwrap();
            kept.lock().unwrap().push((parts.headers, String::from_utf8(body.to_vec()).unwrap()));
            answer()
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (url, arrived)
}

fn endpoint(url: String) -> Endpoint {
    let secrets = vec![SecretString::from(SECRET.to_owned())];
    Endpoint::new(&Config { url, secrets, timeout: Duration::from_secs(5), unsigned: false, allow_private: false })
        .unwrap()
}

fn status(code: u16) -> Response<Body> {
    Response::builder().status(code).body(Body::from("thanks")).unwrap()
}

const MESSAGE: Message<'_> = Message { id: "msg_1", at: Timestamp::from_secs(1_700_000_000), body: r#"{"a":1}"# };

#[tokio::test]
async fn what_arrives_is_signed_and_whole() {
    let (url, arrived) = receiver(|| status(204)).await;
    assert_eq!(endpoint(url).send(MESSAGE).await, Answer::Taken { status: 204 });
    let (headers, body) = arrived.lock().unwrap().pop().unwrap();
    assert_eq!(body, MESSAGE.body);
    let header = |name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(header("webhook-id"), "msg_1");
    assert_eq!(header("webhook-timestamp"), "1700000000");
    assert_eq!(header("content-type"), "application/json");
    let signer = Signer::new([&SecretString::from(SECRET.to_owned())]).unwrap();
    assert_eq!(header("webhook-signature"), signer.sign("msg_1", 1_700_000_000, MESSAGE.body));
    assert!(!headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (elsewhere, never) = receiver(|| status(200)).await;
    let redirect =
        move || Response::builder().status(307).header("location", elsewhere.clone()).body(Body::empty()).unwrap();
    let (url, _) = receiver(redirect).await;
    assert_eq!(endpoint(url).send(MESSAGE).await, Answer::Refused { status: 307, gone: false });
    assert!(never.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let flood = || {
        let piece = || Ok::<_, std::io::Error>(bytes::Bytes::from_static(&[b'x'; 16 * 1_024]));
        let endless = futures::stream::repeat_with(piece);
        Response::builder().status(200).body(Body::from_stream(endless)).unwrap()
    };
    let (url, _) = receiver(flood).await;
    assert_eq!(endpoint(url).send(MESSAGE).await, Answer::Taken { status: 200 });
}

#[tokio::test]
async fn nobody_there_and_silence_are_worth_another_try() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    // It listens and never answers.
    let secrets = vec![SecretString::from(SECRET.to_owned())];
    let config = Config {
        url: url.clone(),
        secrets,
        timeout: Duration::from_millis(100),
        unsigned: false,
        allow_private: false,
    };
    let Answer::Later { cause, .. } = Endpoint::new(&config).unwrap().send(MESSAGE).await else {
        panic!("silence is no answer");
    };
    assert_eq!(cause, "no answer came in time");
    drop(listener);
    let Answer::Later { cause, .. } = endpoint(url).send(MESSAGE).await else { panic!("nobody is there") };
    assert!(cause.starts_with("could not connect"), "{cause}");
}

#[test]
fn a_private_address_is_refused_unless_it_is_meant() {
    let config = |url: &str, allow_private| Config {
        unsigned: false,
        url: url.to_owned(),
        secrets: vec![SecretString::from(SECRET.to_owned())],
        timeout: Duration::from_secs(5),
        allow_private,
    };
    let error = Endpoint::new(&config("https://169.254.169.254/latest", false)).unwrap_err();
    assert!(error.to_string().contains("private network"), "{error}");
    assert!(Endpoint::new(&config("https://10.0.0.8/hook", true)).is_ok());
    for bad in ["http://hooks.acme.example/", "https://u:p@hooks.acme.example/", "ftp://127.0.0.1/"] {
        assert!(Endpoint::new(&config(bad, true)).is_err(), "{bad}");
    }
}
