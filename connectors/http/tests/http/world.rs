//! A server whose answers a test writes, and a client that speaks to it.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, Response, StatusCode};
use connector::{
    Context, Environment, Error, ErrorKind, MemoryNotebook, Secret, SecretError, SeededEntropy, Timestamp,
};
use connector_conformance::LeapClock;
use connector_http::{
    Answer, Bucket, Call, Client, ClientSpec, Dialect, Notice, Origin, RefreshGrant, RetryPolicy, Scope, StaticToken,
    ThrottleSpec, Timeouts, TokenEndpoint, TokenSource, Transport, Verdict, WindowNotice, retry_after,
};
use secrecy::SecretString;

/// One request as the server saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub authorization: String,
    pub user_agent: String,
    pub body: String,
}

type Handler = dyn Fn(usize, &Seen) -> Response<Body> + Send + Sync;

/// A server on loopback; `handler` gets the number of the request, from 0.
pub struct Server {
    pub url: String,
    pub seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub async fn start(handler: impl Fn(usize, &Seen) -> Response<Body> + Send + Sync + 'static) -> Self {
        let handler: Arc<Handler> = Arc::new(handler);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let count = Arc::new(AtomicUsize::new(0));
        let app = axum::Router::new().fallback({
            let seen = seen.clone();
            move |request: Request<Body>| async move {
                let (parts, body) = request.into_parts();
                let text = |name: &str| {
                    parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
                };
                let one = Seen {
                    path: parts.uri.to_string(),
                    authorization: text("authorization"),
                    user_agent: text("user-agent"),
                    body: String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap(),
                };
                let answer = handler(count.fetch_add(1, Ordering::SeqCst), &one);
                seen.lock().unwrap().push(one);
                answer
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, seen }
    }

    pub fn requests(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

pub fn answer(status: u16, body: &str) -> Response<Body> {
    Response::builder().status(status).body(Body::from(body.to_owned())).unwrap()
}

/// A dialect with the plainest habits.
#[derive(Debug)]
struct Plain;

impl Dialect for Plain {
    fn judge(&self, status: StatusCode, headers: &HeaderMap, _: &[u8]) -> Verdict {
        match status.as_u16() {
            401 => Verdict::Unauthorized { cause: "the token was refused (401)".into() },
            403 => Verdict::Refused { kind: ErrorKind::Forbidden, cause: "no".into(), fix: None },
            423 => Verdict::Busy { cause: "locked".into(), wait: Some(Duration::from_secs(2)) },
            429 if headers.contains_key("x-daily") => Verdict::Exhausted { resets_at: None },
            429 => Verdict::Throttled { scope: Scope::Connection, wait: retry_after(headers) },
            300..=399 => Verdict::Refused { kind: ErrorKind::Protocol, cause: "redirect".into(), fix: None },
            500.. => Verdict::Broken { cause: format!("answered {}", status.as_u16()) },
            _ => Verdict::Deliver,
        }
    }

    fn notice(&self, headers: &HeaderMap) -> Notice {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.parse().ok();
        let window = number("x-max").map(|limit| WindowNotice {
            bucket: 0,
            limit,
            window: Duration::from_secs(10),
            remaining: number("x-remaining"),
        });
        Notice { window, daily: None }
    }

    fn correlation_header(&self) -> &'static str {
        "x-correlation-id"
    }

    fn auth_fix(&self) -> &'static str {
        "renew the token"
    }
}

/// Secrets by name, which a test may rotate.
pub struct Vault(Mutex<Vec<(String, String)>>);

impl Vault {
    pub fn set(&self, name: &str, value: &str) {
        let mut pairs = self.0.lock().unwrap();
        pairs.retain(|(have, _)| have != name);
        pairs.push((name.into(), value.into()));
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

impl Environment for Vault {
    fn read(&self, secret: &Secret) -> Result<SecretString, SecretError> {
        let Secret::Env(name) = secret else { panic!("only names are used here") };
        let pairs = self.0.lock().unwrap();
        pairs
            .iter()
            .find(|(have, _)| have == name)
            .map(|(_, value)| SecretString::from(value.as_str()))
            .ok_or_else(|| SecretError { code: "E021", message: format!("{name} is not set"), help: "set it".into() })
    }
}

pub struct World {
    pub client: Arc<Client>,
    pub clock: Arc<LeapClock>,
    pub vault: Arc<Vault>,
}

pub const PLAIN: &[usize] = &[0];

/// How a test's client differs from the usual one.
pub struct Setup<'a> {
    pub url: &'a str,
    pub token_url: Option<&'a str>,
    pub limit: u32,
    pub max_body: usize,
    pub timeouts: Timeouts,
}

impl<'a> Setup<'a> {
    pub fn new(url: &'a str) -> Self {
        let timeouts = Timeouts {
            connect: Duration::from_secs(5),
            idle_read: Duration::from_secs(5),
            total: Duration::from_secs(10),
        };
        Self { url, token_url: None, limit: 1_000, max_body: 1 << 20, timeouts }
    }

    pub fn world(self) -> World {
        let clock = Arc::new(LeapClock::new(Timestamp::from_secs(1_790_000_000)));
        let vault = Arc::new(Vault(Mutex::default()));
        vault.set("TOKEN", "canary-token-1");
        vault.set("CLIENT_SECRET", "canary-client-secret");
        vault.set("REFRESH", "canary-refresh-1");
        let context = Context {
            connection: "test".into(),
            clock: clock.clone(),
            entropy: Arc::new(SeededEntropy::new(7)),
            environment: vault.clone(),
            notebook: Arc::new(MemoryNotebook::new()),
        };
        let origin = Origin::parse(self.url).unwrap();
        let transport = Transport::new(&origin, self.timeouts, self.max_body).unwrap();
        let secret = |name: &str| Secret::Env(name.into());
        let tokens: Arc<dyn TokenSource> = match self.token_url {
            None => Arc::new(StaticToken { secret: secret("TOKEN"), environment: vault.clone() }),
            Some(url) => Arc::new(RefreshGrant::new(
                TokenEndpoint::new(
                    Origin::parse(url).unwrap(),
                    transport.clone(),
                    clock.clone(),
                    context.entropy.clone(),
                ),
                "client-1".into(),
                secret("CLIENT_SECRET"),
                secret("REFRESH"),
                vault.clone(),
            )),
        };
        let spec = ClientSpec {
            origin,
            transport,
            tokens,
            throttle: ThrottleSpec {
                buckets: vec![Bucket { name: "all", limit: self.limit, window: Duration::from_secs(10) }],
                daily: "daily",
                max_in_flight: 16,
                longest_wait: Duration::from_secs(60),
            },
            retry: RetryPolicy::default(),
            dialect: Arc::new(Plain),
        };
        World { client: Arc::new(Client::new(spec, &context)), clock, vault }
    }
}

impl World {
    pub async fn get(&self, path: &str) -> Result<Answer, Error> {
        self.client.send(&Call::get("read a thing", path.into(), PLAIN)).await
    }

    pub async fn write(&self) -> Result<Answer, Error> {
        self.client.send(&Call::write("write a thing", "/w".into(), "{}".into(), PLAIN)).await
    }
}
