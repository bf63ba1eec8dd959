//! The HTTP server around a desk: reads bodies, asks the desk, and delivers the verdict, reset included.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures::StreamExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::clock::linger;
use crate::connection::{CuttableListener, Cutter};
use crate::desk::{Core, Delivery, Desk, Face};
use crate::exchange::{Call, Reply};
use crate::options::{Banner, Options, StartError};
use crate::tls::Secured;
use crate::zipped;

/// A mock CRM that is up. Dropping it stops it.
pub struct Running {
    banner: Banner,
    ask: Arc<dyn Fn(&Call) -> Reply + Send + Sync>,
    stop: CancellationToken,
    server: Option<JoinHandle<std::io::Result<()>>>,
}

impl Running {
    /// `http://127.0.0.1:PORT`, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.banner.url
    }

    pub fn banner(&self) -> &Banner {
        &self.banner
    }

    /// The control plane without a round trip, for whoever runs the mock in its own process: `control("GET", "ledger",
    /// None)` is what `GET /__mock/ledger` answers. Returns the status and the body.
    pub fn control(&self, method: &str, path_and_query: &str, body: Option<&serde_json::Value>) -> (u16, String) {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let call = Call {
            method: method.parse().unwrap_or_default(),
            path: format!("/__mock/{path}"),
            query: query.to_owned(),
            headers: http::HeaderMap::new(),
            body: body.map(|body| Bytes::from(body.to_string())).unwrap_or_default(),
        };
        let reply = (self.ask)(&call);
        (reply.status, String::from_utf8_lossy(&reply.body).into_owned())
    }

    /// Stops listening, and resets connections already open at the next byte they carry.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        if let Some(server) = self.server.take() {
            let _ = server.await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Binds, builds the face (which then knows its own address) and serves it in the background.
pub(crate) async fn serve<F: Face>(
    options: Options,
    kind: &'static str,
    mut pairs: Vec<(&'static str, String)>,
    build: impl FnOnce(&mut Core, &Options) -> Result<F, StartError>,
) -> Result<Running, StartError> {
    let address = options.listen;
    let listener = TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, source })?;
    let bound = listener.local_addr().map_err(|source| StartError::Listen { address, source })?;
    let tls = match options.tls {
        true => {
            let secured = Secured::new(kind, bound)?;
            pairs.push(("ca", secured.authority.display().to_string()));
            Some(secured.acceptor)
        }
        false => None,
    };
    let url = format!("{}://{bound}", if tls.is_some() { "https" } else { "http" });
    let mut core = Core::new(&options, url.clone())?;
    let face = build(&mut core, &options)?;
    let desk = Arc::new(Mutex::new(Desk::new(core, face, options)?));
    let stop = CancellationToken::new();
    let desk_for_control = desk.clone();
    let ask =
        Arc::new(move |call: &Call| desk_for_control.lock().unwrap_or_else(PoisonError::into_inner).answer(call).reply);
    let router = Router::new().fallback(exchange::<F>).with_state((desk, Traffic::default()));
    let service = router.into_make_service_with_connect_info::<Cutter>();
    let cuttable = CuttableListener { listener, tls, stop: stop.clone() };
    let stopped = stop.clone();
    let server = tokio::spawn(async move {
        // Not axum's graceful shutdown: it waits for idle keep-alive connections, which clients hold for minutes.
        tokio::select! {
            ended = async { axum::serve(cuttable, service).await } => ended,
            () = stopped.cancelled() => Ok(()),
        }
    });
    Ok(Running { banner: Banner { kind, url, pairs }, ask, stop, server: Some(server) })
}

/// How many requests are on their way.
#[derive(Clone, Default)]
struct Traffic(Arc<AtomicUsize>);

/// One of them, until its answer goes out or nobody waits for it any more.
struct Traveller(Traffic);

impl Traffic {
    fn enter(&self) -> (Traveller, usize) {
        let before = self.0.fetch_add(1, Ordering::SeqCst);
        (Traveller(self.clone()), before + 1)
    }
}

impl Drop for Traveller {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn exchange<F: Face>(
    State((desk, traffic)): State<(Arc<Mutex<Desk<F>>>, Traffic)>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, F::LARGEST_BODY).await else {
        return respond(Reply::empty(413), Delivery::Whole);
    };
    let body = if F::GZIP && zipped::is_zipped(&parts.headers) {
        match zipped::unzip(&body, F::LARGEST_BODY) {
            Some(body) => body,
            None => return respond(Reply::empty(400), Delivery::Whole),
        }
    } else {
        body
    };
    let zips = F::GZIP && zipped::is_wanted(&parts.headers);
    let call = Call {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or("").to_owned(),
        headers: parts.headers,
        body,
    };
    let (_traveller, in_flight) = traffic.enter();
    let verdict = {
        let mut desk = desk.lock().unwrap_or_else(PoisonError::into_inner);
        desk.core.in_flight = in_flight;
        desk.answer(&call)
    };
    linger(verdict.delay_ms).await;
    if verdict.delivery == Delivery::Cut {
        cutter.cut();
    }
    let reply = if zips { zipped::zip(verdict.reply) } else { verdict.reply };
    respond(reply, verdict.delivery)
}

fn respond(reply: Reply, delivery: Delivery) -> Response {
    let length = reply.body.len();
    let body = match delivery {
        Delivery::Half => half_of(reply.body),
        _ => Body::from(reply.body),
    };
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(reply.status).unwrap_or(http::StatusCode::BAD_GATEWAY);
    let headers = response.headers_mut();
    if length > 0 {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    }
    if delivery == Delivery::Half {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            // A face may say more than once what may be said more than once; the content type it says instead.
            if name == header::CONTENT_TYPE.as_str() {
                headers.insert(name, value);
            } else {
                headers.append(name, value);
            }
        }
    }
    response
}

/// The first half, then an error: the server then closes the connection short of the announced length.
fn half_of(mut body: Vec<u8>) -> Body {
    body.truncate(body.len() / 2);
    let first = futures::stream::iter([Ok(Bytes::from(body))]);
    let then = futures::stream::once(async {
        // Stand back once, so that what came before is on its way when the connection breaks.
        tokio::task::yield_now().await;
        Err(std::io::Error::other("cut by a fault"))
    });
    Body::from_stream(first.chain(then))
}
