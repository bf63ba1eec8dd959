//! The listener over real HTTP, on a real store: what SDKs send, and what nobody should.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use connector::{Clock, ManualClock, SeededEntropy, Timestamp};
use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, ORIGIN};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Door, DoorSource, Limits, serve};
use crate::enrich::{Model, preset};
use crate::ingest::{DecodeOptions, Live, LiveSource, Tally};
use crate::model::RunId;
use crate::store::sqlite::{OpenOptions, SqliteStore};
use crate::store::{SourceHealth, Store};

const MOST: usize = 64 * 1024;

pub(super) struct Daemon {
    pub url: String,
    pub store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
    door: Arc<Door>,
    source: Arc<LiveSource>,
    pub stop: CancellationToken,
    pub folder: Arc<tempfile::TempDir>,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// How a daemon is set up.
pub(super) struct Setup<'a> {
    pub rate_limit: Option<u32>,
    pub origins: &'a [&'a str],
    /// Whether its source is of browsers and apps.
    pub client: bool,
    pub trusted_proxies: &'a [&'a str],
    /// The folder of a daemon before this one.
    pub folder: Option<Arc<tempfile::TempDir>>,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Self { rate_limit: None, origins: &[], client: true, trusted_proxies: &[], folder: None }
    }
}

async fn daemon(rate_limit: Option<u32>, origins: &[&str]) -> Daemon {
    start(Setup { rate_limit, origins, ..Setup::default() }).await
}

pub(super) async fn start(setup: Setup<'_>) -> Daemon {
    let folder = setup.folder.unwrap_or_else(|| Arc::new(tempfile::tempdir().unwrap()));
    let entropy = Arc::new(SeededEntropy::new(7));
    let path = folder.path().join("ferry.db");
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path, OpenOptions::default(), entropy.clone()).unwrap());
    let clock = Arc::new(ManualClock::new(Timestamp::parse_rfc3339("2026-03-02T12:00:10.500Z").unwrap()));
    let model = Arc::new(Model::new(preset::b2b()));
    let options =
        DecodeOptions { source: "web".into(), max_message: 8 * 1024, client: setup.client, identity: Arc::default() };
    let source = Arc::new(LiveSource { options, tally: Tally::default() });
    let live =
        Live::new(store.clone(), model, clock.clone(), entropy, RunId(uuid::Uuid::nil()), Arc::new(Notify::new()))
            .with_patience(Duration::ZERO);
    let rate_limit = setup.rate_limit;
    let sources = vec![DoorSource { source: source.clone(), write_key: "k1".to_owned().into(), rate_limit }];
    let origins = setup.origins.iter().map(|origin| (*origin).to_owned()).collect();
    let public_url = Some("https://events.acme.example".to_owned());
    let door = Door::new(live, Limits { max_request: MOST }, origins, public_url, sources);
    let proxies = setup.trusted_proxies.iter().map(|network| network.parse().unwrap()).collect();
    let door = Arc::new(door.with_trusted_proxies(proxies));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    tokio::spawn(serve(listener, door.clone(), stop.clone()));
    Daemon { url, store, clock, door, source, stop, folder }
}

impl Daemon {
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        client.request(method, format!("{}{path}", self.url))
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path).basic_auth("k1", Some(""))
    }

    pub fn clock(&self) -> Timestamp {
        self.clock.now()
    }

    pub async fn health(&self) -> SourceHealth {
        self.store.source_health().await.unwrap().remove("web").unwrap_or_default()
    }

    pub async fn events(&self) -> u64 {
        self.store.stats().await.unwrap().events
    }
}

pub(super) async fn body(response: Response) -> Value {
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

fn packed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// An error's status and code; both its texts must be there.
pub(super) async fn refusal(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body = body(response).await;
    assert!(body["message"].is_string() && body["success"] == json!(false), "{body}");
    (status, body["code"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn every_route_of_every_sdk_takes_its_message() {
    let daemon = daemon(None, &[]).await;
    let messages = [
        ("track", "t", json!({"event": "Signed Up"})),
        ("identify", "i", json!({"traits": {"email": "ada@northwind.example"}})),
        ("page", "p", json!({"name": "Home"})),
        ("screen", "s", json!({"name": "Home"})),
        ("group", "g", json!({"groupId": "g-1"})),
        ("alias", "a", json!({"userId": "u-1", "previousId": "a-0"})),
    ];
    let mut sent = 0;
    for (long, short, message) in messages {
        for path in [format!("/v1/{long}"), format!("/v1/{short}"), format!("/{short}"), format!("/{long}/")] {
            let mut message = message.clone();
            message["anonymousId"] = "a-1".into();
            message["messageId"] = format!("m-{sent}").into();
            let response = daemon.post(&path).body(message.to_string()).send().await.unwrap();
            assert_eq!(response.status(), 200, "{path}");
            assert_eq!(body(response).await, json!({"success": true}));
            sent += 1;
        }
    }
    assert_eq!(daemon.events().await, sent);
    for path in ["/v1/batch", "/v1/b", "/b", "/v1/import", "/beacon/v1/batch"] {
        let batch = json!({"batch": [{"type": "page", "anonymousId": "a-1", "messageId": path}]});
        assert_eq!(daemon.post(path).body(batch.to_string()).send().await.unwrap().status(), 200, "{path}");
        sent += 1;
    }
    assert_eq!(daemon.events().await, sent);
    let profile = daemon.store.find_profile("ada@northwind.example").await.unwrap().unwrap();
    // The aliases name u-1 and a-0, and nobody has said that they are Ada.
    assert_eq!(daemon.store.events_of(profile, 100).await.unwrap().len() as u64, sent - 4);
}

#[tokio::test]
async fn the_key_comes_in_four_places_and_a_wrong_one_is_told() {
    let daemon = daemon(None, &[]).await;
    let page = r#"{"anonymousId":"a-1"}"#;
    let with_key = r#"{"anonymousId":"a-1","writeKey":"k1"}"#;
    let in_item = r#"{"batch":[{"type":"page","anonymousId":"a-1","writeKey":"k1"}]}"#;
    let plain = |path: &str, text: &'static str| daemon.request(Method::POST, path).body(text);
    let good = [
        plain("/v1/page", page).header(AUTHORIZATION, "Basic azE6"),
        plain("/v1/page", page).header(AUTHORIZATION, "Basic azE="),
        plain("/v1/page", page).header(AUTHORIZATION, "Bearer k1"),
        plain("/v1/page", with_key).header(CONTENT_TYPE, "text/plain"),
        plain("/v1/batch", in_item),
        plain("/beacon/v1/batch?writeKey=k1", r#"{"batch":[{"type":"page","anonymousId":"a-1"}]}"#),
    ];
    for request in good {
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
    let bad = [plain("/v1/page", page), plain("/v1/page", with_key).header(AUTHORIZATION, "Bearer other")];
    for request in bad {
        assert_eq!(refusal(request.send().await.unwrap()).await, (401, "invalid_write_key".into()));
    }
}

#[tokio::test]
async fn a_packed_body_is_unpacked_whatever_its_type_says() {
    let daemon = daemon(None, &[]).await;
    let text = r#"{"batch":[{"type":"page","anonymousId":"a-1","messageId":"m-1"}],"sentAt":"2026-03-02T12:00:10Z"}"#;
    let packed = packed(text);
    for kind in ["application/json", "application/x-www-form-urlencoded", "text/plain"] {
        let request = daemon.post("/v1/batch").header(CONTENT_ENCODING, "gzip").header(CONTENT_TYPE, kind);
        assert_eq!(request.body(packed.clone()).send().await.unwrap().status(), 200, "{kind}");
    }
    // In chunks, its length unsaid.
    let chunks: Vec<Result<Vec<u8>, std::io::Error>> = packed.chunks(7).map(|chunk| Ok(chunk.to_vec())).collect();
    let stream = reqwest::Body::wrap_stream(futures::stream::iter(chunks));
    let request = daemon.post("/v1/batch").header(CONTENT_ENCODING, "gzip").body(stream);
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_eq!(daemon.events().await, 1, "four times the same message");
    assert_eq!(daemon.health().await.duplicate, 3);
}

#[tokio::test]
async fn a_bad_item_fails_alone_and_is_kept_for_a_look() {
    let daemon = daemon(None, &[]).await;
    let batch = json!({"batch": [
        {"type": "page", "anonymousId": "a-1", "messageId": "m-1"},
        {"type": "track", "anonymousId": "a-1"},
        {"type": "pgae", "anonymousId": "a-1"},
        7,
        {"type": "page"},
        {"type": "page", "anonymousId": "a-1", "messageId": "m-1"},
        {"type": "page", "anonymousId": "a-1", "properties": {"x": "y".repeat(9_000)}},
    ]});
    let response = daemon.post("/v1/batch?verbose=1").body(batch.to_string()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let body = body(response).await;
    assert_eq!((&body["accepted"], &body["duplicate"]), (&json!(1), &json!(1)));
    let rejected: Vec<(u64, &str)> = body["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["index"].as_u64().unwrap(), one["code"].as_str().unwrap()))
        .collect();
    let want =
        [(1, "missing_event"), (2, "unknown_type"), (3, "invalid_json"), (4, "missing_id"), (6, "message_too_large")];
    assert_eq!(rejected, want);
    let health = daemon.health().await;
    let rejected: Vec<(&str, u64)> = health.rejected.iter().map(|(code, count)| (&**code, *count)).collect();
    let want =
        [("invalid_json", 1), ("message_too_large", 1), ("missing_event", 1), ("missing_id", 1), ("unknown_type", 1)];
    assert_eq!((health.accepted, health.duplicate, rejected), (1, 1, want.to_vec()));
    assert_eq!(health.last_received_at, Some(daemon.clock.now()));
    assert_eq!(daemon.store.dead_letters(crate::model::DeadLetterId(0), 10).await.unwrap().len(), 5);
    // Alone, it is told.
    let alone = daemon.post("/v1/track").body(r#"{"anonymousId":"a-1"}"#).send().await.unwrap();
    assert_eq!(refusal(alone).await, (400, "missing_event".into()));
    let nobody = daemon.post("/v1/page").body("{}").send().await.unwrap();
    assert_eq!(refusal(nobody).await, (400, "missing_id".into()));
}

#[tokio::test]
async fn scenario_68_what_is_hostile_is_refused_in_words() {
    let daemon = daemon(None, &[]).await;
    let deep =
        format!(r#"{{"batch":[{{"type":"page","anonymousId":"a","x":{}1{}}}]}}"#, "[".repeat(5_000), "]".repeat(5_000));
    let cases = [
        ("/v1/batch", "no json".to_owned(), (400, "invalid_json")),
        ("/v1/batch", r#"{"batch":{}}"#.to_owned(), (400, "invalid_json")),
        ("/v1/batch", "[]".to_owned(), (400, "invalid_json")),
        ("/v1/page", "\"text\"".to_owned(), (400, "invalid_json")),
        ("/v1/batch", deep.clone(), (200, "")),
        ("/v1/batch", format!(r#"{{"batch":[{}]}}"#, vec!["{}"; 2_501].join(",")), (413, "too_large")),
        ("/v1/batch", " ".repeat(MOST + 1), (413, "too_large")),
        ("/v1/nothing", String::new(), (404, "not_found")),
    ];
    for (path, text, (status, code)) in cases {
        let response = daemon.post(path).body(text.clone()).send().await.unwrap();
        if status == 200 {
            assert_eq!(response.status(), 200);
            continue;
        }
        assert_eq!(refusal(response).await, (status, code.to_owned()), "{path} {}", &text[..text.len().min(40)]);
    }
    let bomb = packed(&" ".repeat(4 << 20));
    assert!(bomb.len() < MOST);
    let response = daemon.post("/v1/batch").header(CONTENT_ENCODING, "gzip").body(bomb).send().await.unwrap();
    assert_eq!(refusal(response).await, (413, "too_large".into()));
    let response = daemon.post("/v1/batch").body(vec![0xff, 0xfe, b'{', b'}']).send().await.unwrap();
    assert_eq!(refusal(response).await, (400, "invalid_json".into()));
    let response = daemon.request(Method::GET, "/v1/batch").send().await.unwrap();
    assert_eq!(refusal(response).await, (405, "method_not_allowed".into()));
    assert_eq!(daemon.events().await, 0);
}

#[tokio::test]
async fn without_room_senders_come_back_later_and_nothing_is_lost() {
    let daemon = daemon(None, &[]).await;
    let all = daemon.door.live.room().claim(64 << 20).await.unwrap();
    let page = r#"{"anonymousId":"a-1","messageId":"m-1"}"#;
    let response = daemon.post("/v1/page").body(page).send().await.unwrap();
    assert_eq!(response.headers().get("retry-after").unwrap(), "5");
    assert_eq!(refusal(response).await, (503, "unavailable".into()));
    assert_eq!(daemon.events().await, 0);
    drop(all);
    assert_eq!(daemon.post("/v1/page").body(page).send().await.unwrap().status(), 200);
    assert_eq!(daemon.events().await, 1);
}

/// Requests that say they are large and send nothing: whoever sends is let in beside them.
#[tokio::test]
async fn scenario_68_what_is_only_said_keeps_nobody_out() {
    let daemon = daemon(None, &[]).await;
    let _others = daemon.door.live.room().claim((64 << 20) - 20 * MOST).await.unwrap();
    let mut idlers = Vec::new();
    for _ in 0..15 {
        let mut idler = tokio::net::TcpStream::connect(daemon.url.trim_start_matches("http://")).await.unwrap();
        let head = format!("POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Length: {MOST}\r\n\r\n{{");
        tokio::io::AsyncWriteExt::write_all(&mut idler, head.as_bytes()).await.unwrap();
        idlers.push(idler);
    }
    let page = r#"{"anonymousId":"a-1","messageId":"m-1"}"#;
    assert_eq!(daemon.post("/v1/page").body(page).send().await.unwrap().status(), 200);
    assert_eq!(daemon.events().await, 1);
}

/// A wrong key in the headers is told before a byte of the body is asked for.
#[tokio::test]
async fn a_wrong_key_is_read_no_further() {
    let daemon = daemon(None, &[]).await;
    let all = daemon.door.live.room().claim(64 << 20).await.unwrap();
    let asked = daemon.request(Method::POST, "/v1/batch").basic_auth("nobody", Some("")).body("{");
    assert_eq!(refusal(asked.send().await.unwrap()).await, (401, "invalid_write_key".into()));
    drop(all);
}

#[tokio::test]
async fn a_source_sends_no_faster_than_it_may() {
    let daemon = daemon(Some(2), &[]).await;
    let page = |n: u32| format!(r#"{{"anonymousId":"a-1","messageId":"m-{n}"}}"#);
    for n in 0..2 {
        assert_eq!(daemon.post("/v1/page").body(page(n)).send().await.unwrap().status(), 200);
    }
    let response = daemon.post("/v1/page").body(page(2)).send().await.unwrap();
    assert_eq!(response.headers().get("retry-after").unwrap(), "1");
    assert_eq!(refusal(response).await, (429, "rate_limited".into()));
    assert_eq!(daemon.source.tally.limited(), 1);
    daemon.clock.advance(Duration::from_secs(1));
    assert_eq!(daemon.post("/v1/page").body(page(2)).send().await.unwrap().status(), 200);
    assert_eq!(daemon.events().await, 3);
}

#[tokio::test]
async fn browsers_ask_first_and_only_listed_pages_may_send() {
    let daemon = daemon(None, &["https://www.acme.example"]).await;
    let ask = |origin: &str| daemon.request(Method::OPTIONS, "/v1/t").header(ORIGIN, origin);
    let yes = ask("https://www.acme.example").send().await.unwrap();
    assert_eq!(yes.status(), 204);
    assert_eq!(yes.headers()["access-control-allow-origin"], "https://www.acme.example");
    assert_eq!(yes.headers()["access-control-allow-credentials"], "true");
    let headers = yes.headers()["access-control-allow-headers"].to_str().unwrap();
    for name in ["authorization", "content-type", "x-retry-count", "anonymousid"] {
        assert!(headers.contains(name), "{name}");
    }
    // SDKs add headers with every version: what the browser asks for is allowed, as long as it is names.
    let more = |names: &'static str| ask("https://www.acme.example").header("access-control-request-headers", names);
    for (names, want) in [("anonymousid,rsa-since-last-attempt", true), ("x-new; rsa-since-last-attempt", false)] {
        let asked = more(names).send().await.unwrap();
        let allowed = asked.headers()["access-control-allow-headers"].to_str().unwrap().to_owned();
        assert_eq!(allowed.contains("rsa-since-last-attempt"), want, "{allowed}");
        assert!(allowed.contains("authorization"), "{allowed}");
    }
    let no = ask("https://evil.example").send().await.unwrap();
    assert!(!no.headers().contains_key("access-control-allow-origin"));
    // The answer itself, an error too, must be readable for the page.
    let sent = daemon.request(Method::POST, "/v1/t").header(ORIGIN, "https://www.acme.example").body("{}");
    let sent = sent.send().await.unwrap();
    assert_eq!((sent.status().as_u16(), &sent.headers()["vary"]), (401, &"Origin".parse().unwrap()));
    assert!(sent.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn browser_sdks_load_their_settings_here() {
    let daemon = daemon(None, &[]).await;
    for path in ["/v1/projects/k1/settings", "/projects/k1/settings"] {
        let settings = body(daemon.request(Method::GET, path).send().await.unwrap()).await;
        let want = json!({"apiKey": "k1", "apiHost": "events.acme.example/v1", "protocol": "https"});
        assert_eq!(settings["integrations"]["Segment.io"], want);
    }
    let unknown = daemon.request(Method::GET, "/v1/projects/k2/settings").send().await.unwrap();
    assert_eq!(refusal(unknown).await.0, 401);
    let config = daemon.request(Method::GET, "/sourceConfig?p=web").basic_auth("k1", Some("")).send().await.unwrap();
    assert_eq!(body(config).await["source"]["enabled"], json!(true));
}

#[tokio::test]
async fn a_pixel_is_an_event() {
    let daemon = daemon(None, &[]).await;
    let path = "/pixel/v1/track?writeKey=k1&anonymousId=a-1&event=Opened&context.page.url=https%3A%2F%2Fx.example%2F";
    let response = daemon.request(Method::GET, path).send().await.unwrap();
    assert_eq!(response.headers()[CONTENT_TYPE], "image/gif");
    assert_eq!(daemon.events().await, 1);
}

/// The figures of `cdp-semantics` §10.
#[tokio::test]
async fn a_sender_s_wrong_clock_is_corrected() {
    let daemon = daemon(None, &[]).await;
    let batch = json!({"sentAt": "2026-03-02T14:00:10.000Z", "batch": [
        {"type": "page", "anonymousId": "a-1", "messageId": "m-1", "timestamp": "2026-03-02T14:00:00.000Z"}]});
    assert_eq!(daemon.post("/v1/batch").body(batch.to_string()).send().await.unwrap().status(), 200);
    let profile = daemon.store.find_profile("anonymous_id:a-1").await.unwrap().unwrap();
    let events = daemon.store.events_of(profile, 10).await.unwrap();
    assert_eq!(events[0].event.at, Timestamp::parse_rfc3339("2026-03-02T12:00:00.500Z").unwrap());
}

/// Row 68, headers: what a request says comes back in no header and no page, however it is spelled.
#[tokio::test]
async fn scenario_68_nothing_of_a_request_becomes_a_header_of_the_answer() {
    let daemon = daemon(None, &[]).await;
    let forged = "%0d%0aSet-Cookie:%20a=b";
    for path in
        [format!("/v1/projects/k1{forged}/settings"), format!("/sourceConfig?writeKey={forged}"), format!("/{forged}")]
    {
        let response = daemon.request(Method::GET, &path).send().await.unwrap();
        assert!(response.headers().get("set-cookie").is_none(), "{path}");
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
        let text = response.text().await.unwrap();
        assert!(!text.contains("Set-Cookie") && !text.contains('\r'), "{text}");
    }
    let odd =
        daemon.request(Method::GET, "/sourceConfig").header("host", "a\"<script>.example").basic_auth("k1", Some(""));
    if let Ok(response) = odd.send().await {
        let told: Value =
            serde_json::from_str(&response.text().await.unwrap()).expect("JSON, whatever the host is called");
        assert!(told.is_object());
    }
}
