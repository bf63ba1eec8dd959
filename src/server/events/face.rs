//! The listener: one path for every request, from its headers to its answer.

use std::borrow::Cow;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use connector::Timestamp;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::answer::{self, Refusal};
use super::door::Door;
use super::envelope::{self, Message, Messages};
use super::route::{Route, route};
use super::{body, key, pixel};
use crate::ingest::{DecodeOptions, LiveSource, Taken, sender};

/// Serves until `stop`; requests under way are answered.
pub async fn serve(listener: TcpListener, door: Arc<Door>, stop: CancellationToken) -> io::Result<()> {
    let router = Router::new().fallback(any).with_state(door);
    let router = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await
}

async fn any(State(door): State<Arc<Door>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let answered = match route(parts.uri.path()) {
        Some(_) if parts.method == Method::OPTIONS => return door.origins.preflight(&parts.headers),
        // Who asks for the headers only sends no event.
        Some(Route::Pixel(_)) if parts.method == Method::HEAD => Ok(pixel::image()),
        Some(route) if is_asked_with(&route, &parts.method) => {
            let query = parts.uri.query().unwrap_or_default();
            let received_at = door.live.now();
            let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
            Asked { door: &door, headers: &parts.headers, query, received_at, peer }.answer(route, body).await
        }
        Some(route) => {
            let message = format!("this path is asked for with {}", route.method());
            Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message))
        }
        None => Err(Refusal::new(StatusCode::NOT_FOUND, "not_found", "there is no such path; events go to /v1/batch")),
    };
    let response = answered.unwrap_or_else(IntoResponse::into_response);
    door.origins.allow(&parts.headers, response)
}

fn is_asked_with(route: &Route, method: &Method) -> bool {
    let wanted = route.method();
    method.as_str() == wanted || (*method == Method::HEAD && wanted == "GET")
}

/// One request.
struct Asked<'a> {
    door: &'a Door,
    headers: &'a HeaderMap,
    query: &'a str,
    /// When its headers had come.
    received_at: Timestamp,
    /// Whoever is at the other end of the connection.
    peer: Option<IpAddr>,
}

impl Asked<'_> {
    async fn answer(&self, route: Route, body: axum::body::Body) -> Result<Response, Refusal> {
        match route {
            Route::Health => Ok("ok\n".into_response()),
            Route::Settings { write_key } => self.settings(&write_key),
            Route::SourceConfig => self.source_config(),
            Route::Pixel(kind) => {
                let text = pixel::message(self.query, kind);
                let sent = self.query.len();
                let messages = Messages { texts: vec![Message { text: text.into(), sent }], write_key: None };
                self.take(&messages).await?;
                Ok(pixel::image())
            }
            Route::One(_) | Route::Batch => {
                let most = self.door.limits.max_request;
                // Whoever shows a wrong key is read no further; one inside the body is looked at when it is there.
                if key::in_headers(self.headers).is_some() {
                    self.source(None)?;
                }
                let room = self.door.live.room().claim(body::at_first(self.headers, most)).await;
                // Held until the answer.
                let mut room = room.ok_or_else(body::no_room)?;
                let text = body::read(self.headers, body, most, &mut room).await?;
                let messages = match route {
                    Route::One(kind) => envelope::single(&text, kind)?,
                    _ => envelope::batch(&text, most)?,
                };
                let taken = self.take(&messages).await?;
                // In a batch a bad message must not fail the good ones; alone it is told.
                match (route, taken.rejected.first()) {
                    (Route::One(_), Some((_, error))) => Err(Refusal::of_message(error)),
                    _ => Ok(answer::taken(&taken, key::in_query(self.query, "verbose").is_some_and(|v| v == "1"))),
                }
            }
        }
    }

    async fn take(&self, messages: &Messages<'_>) -> Result<Taken, Refusal> {
        let received_at = self.received_at;
        let (source, pace) = self.source(messages.write_key.as_deref())?;
        if let Some(pace) = pace
            && let Err(seconds) = pace.admit(messages.texts.len(), received_at)
        {
            source.tally.note_limited();
            return Err(Refusal::rate_limited(seconds));
        }
        let texts = self.with_address(&source.options, &messages.texts);
        self.door.live.take(source, &texts, received_at, self.has_gpc()).await.map_err(|error| {
            tracing::error!(source = %source.options.source, %error, "events could not be stored");
            Refusal::unavailable("the events could not be stored just now")
        })
    }

    /// Messages of browsers and apps with the address they came from; a server's own address says nothing of a person.
    fn with_address<'t>(&self, options: &DecodeOptions, messages: &'t [Message<'t>]) -> Vec<Message<'t>> {
        let header = self.headers.get_all("x-forwarded-for").iter().map(|value| value.to_str().unwrap_or("?"));
        let address = self.peer.filter(|_| options.client);
        let address = address.and_then(|peer| sender(peer, header, &self.door.trusted_proxies));
        // No more of it than is kept: then nothing is cut out again.
        let address =
            address.map(|address| self.door.live.kept_of(address).map_or("null".into(), |ip| format!("\"{ip}\"")));
        let filled = |message: &'t Message<'t>| {
            // A message is not refused for what it did not say: its size is what its sender wrote.
            let filled = address.as_deref().map(|address| envelope::with_address(&message.text, address));
            Message { text: filled.unwrap_or(Cow::Borrowed(&*message.text)), sent: message.sent }
        };
        messages.iter().map(filled).collect()
    }

    /// Global Privacy Control: the browser's wish not to be sold or shared.
    fn has_gpc(&self) -> bool {
        self.headers.get("sec-gpc").is_some_and(|value| value.as_bytes() == b"1")
    }

    /// Whose request this is: by Basic or Bearer authorization, else by the key in the body, else by that in the query.
    fn source(&self, in_body: Option<&str>) -> Result<(&LiveSource, Option<&super::pace::Pace>), Refusal> {
        let key = key::in_headers(self.headers)
            .or_else(|| in_body.map(str::to_owned))
            .or_else(|| key::in_query(self.query, "writeKey"));
        let place = key.and_then(|key| self.door.keys.source(&key)).ok_or_else(Refusal::unknown_key)?;
        let (source, pace) = self.door.sources.get(place).ok_or_else(Refusal::unknown_key)?;
        Ok((source, pace.as_ref()))
    }

    /// With this, `AnalyticsBrowser.load({writeKey, cdnURL})` needs no other option.
    fn settings(&self, write_key: &str) -> Result<Response, Refusal> {
        self.door.keys.source(write_key).ok_or_else(Refusal::unknown_key)?;
        let (protocol, host) = self.public();
        let body = json!({
            "integrations": { "Segment.io": { "apiKey": write_key, "apiHost": format!("{host}/v1"), "protocol": protocol } }
        });
        Ok(answer::as_json(StatusCode::OK, body.to_string()))
    }

    fn source_config(&self) -> Result<Response, Refusal> {
        let (source, _) = self.source(None)?;
        let name = &*source.options.source;
        let (protocol, host) = self.public();
        let body = json!({
            "source": {
                "id": name, "name": name, "writeKey": key::in_headers(self.headers).or_else(|| key::in_query(self.query, "writeKey")),
                "enabled": true, "workspaceId": "ferry", "destinations": [], "connections": [], "config": {},
                "dataplanes": { "default": [{ "url": format!("{protocol}://{host}"), "default": true }] },
            },
            "updatedAt": self.door.live.now().to_rfc3339(),
        });
        Ok(answer::as_json(StatusCode::OK, body.to_string()))
    }

    /// The protocol and host (with a port, without a path) that browsers send to.
    fn public(&self) -> (&str, &str) {
        let asked = self.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        match self.door.public_url.as_deref().and_then(|url| url.split_once("://")) {
            Some((protocol, host)) => (protocol, host.trim_end_matches('/')),
            None => ("http", asked),
        }
    }
}
