//! The admin listener.

use std::fmt::Debug;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What the daemon tells of itself.
#[async_trait]
pub trait Vitals: Debug + Send + Sync {
    /// `Ok` once work can be taken; otherwise why not, in words fit for anyone.
    async fn ready(&self) -> Result<(), String>;

    /// The metrics page, in the OpenMetrics text form.
    async fn metrics(&self) -> Result<String, String>;
}

#[derive(Clone, Debug)]
struct Shared {
    vitals: Arc<dyn Vitals>,
    token: Option<Arc<SecretString>>,
}

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves until `stop`; connections under way are finished.
pub async fn serve(
    listener: TcpListener,
    token: Option<SecretString>,
    vitals: Arc<dyn Vitals>,
    stop: CancellationToken,
) -> io::Result<()> {
    axum::serve(listener, router(token, vitals)).with_graceful_shutdown(stop.cancelled_owned()).await
}

fn router(token: Option<SecretString>, vitals: Arc<dyn Vitals>) -> Router {
    let shared = Shared { vitals, token: token.map(Arc::new) };
    let behind_token = Router::new()
        .route("/metrics", get(metrics))
        .route_layer(middleware::from_fn_with_state(shared.clone(), ask_for_token));
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .merge(behind_token)
        .layer(middleware::from_fn(keep_to_the_host))
        .with_state(shared)
}

async fn ready(State(shared): State<Shared>) -> Response {
    match in_time(shared.vitals.ready()).await {
        Ok(()) => "ready\n".into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")).into_response(),
    }
}

async fn metrics(State(shared): State<Shared>) -> Response {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match in_time(shared.vitals.metrics()).await {
        Ok(page) => ([(header::CONTENT_TYPE, OPEN_METRICS)], page).into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn in_time<T>(answer: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    tokio::time::timeout(PATIENCE, answer).await.unwrap_or_else(|_| Err("the store did not answer in 10 s".to_owned()))
}

/// `Authorization: Bearer TOKEN`, compared in constant time.
async fn ask_for_token(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let Some(token) = &shared.token else { return next.run(request).await };
    let given = bearer(request.headers()).unwrap_or_default();
    if bool::from(given.as_bytes().ct_eq(token.expose_secret().as_bytes())) {
        return next.run(request).await;
    }
    let ask = [(header::WWW_AUTHENTICATE, "Bearer")];
    (StatusCode::UNAUTHORIZED, ask, "send the [admin] token as Authorization: Bearer …\n").into_response()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// A page in a browser can reach a loopback address under a name of its own (DNS rebinding): only addresses and `localhost`
/// are answered. Behind a proxy the proxy names the host.
async fn keep_to_the_host(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(
        host,
        |(name, port)| {
            if port.bytes().all(|b| b.is_ascii_digit()) { name } else { host }
        },
    );
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let known = bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok() || name.is_empty();
    if known {
        return next.run(request).await;
    }
    (StatusCode::MISDIRECTED_REQUEST, "this listener answers to its address only\n").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Fixed(Result<(), String>);

    #[async_trait]
    impl Vitals for Fixed {
        async fn ready(&self) -> Result<(), String> {
            self.0.clone()
        }

        async fn metrics(&self) -> Result<String, String> {
            Ok("# EOF\n".into())
        }
    }

    async fn listen(token: Option<&str>, ready: Result<(), String>) -> (String, CancellationToken) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let token = token.map(|token| SecretString::from(token.to_owned()));
        tokio::spawn(serve(listener, token, Arc::new(Fixed(ready)), stop.clone()));
        (url, stop)
    }

    async fn status(url: String, token: Option<&str>, host: Option<&str>) -> u16 {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = client.get(url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(host) = host {
            request = request.header("host", host);
        }
        request.send().await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn health_is_open_and_metrics_ask_for_the_token() {
        let (url, stop) = listen(Some("s3cret"), Ok(())).await;
        assert_eq!(status(format!("{url}/healthz"), None, None).await, 200);
        assert_eq!(status(format!("{url}/readyz"), None, None).await, 200);
        assert_eq!(status(format!("{url}/metrics"), None, None).await, 401);
        assert_eq!(status(format!("{url}/metrics"), Some("s3cre"), None).await, 401);
        assert_eq!(status(format!("{url}/metrics"), Some("s3cret"), None).await, 200);
        assert_eq!(status(format!("{url}/nothing"), None, None).await, 404);
        stop.cancel();
    }

    #[tokio::test]
    async fn not_ready_says_why_and_strange_hosts_are_turned_away() {
        let (url, stop) = listen(None, Err("the store is read-only".into())).await;
        assert_eq!(status(format!("{url}/readyz"), None, None).await, 503);
        assert_eq!(status(format!("{url}/healthz"), None, Some("rebound.example")).await, 421);
        assert_eq!(status(format!("{url}/healthz"), None, Some("localhost:8788")).await, 200);
        stop.cancel();
    }
}
