//! The wire as the SDKs of browsers use it (`cdp-semantics` §1.4, §1.5): beacons, pixels, plain text, addresses, restarts.

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, ORIGIN};
use serde_json::{Value, json};

use super::tests::{Daemon, Setup, body, refusal, start};

async fn bodies(daemon: &Daemon, key: &str) -> Vec<Value> {
    let profile = daemon.store.find_profile(key).await.unwrap().unwrap();
    let rows = daemon.store.events_of(profile, 100).await.unwrap();
    rows.iter().rev().map(|row| serde_json::from_str(&row.event.body).unwrap()).collect()
}

#[tokio::test]
async fn asking_for_headers_only_is_no_event() {
    let daemon = start(Setup::default()).await;
    let path = "/pixel/v1/page?writeKey=k1&anonymousId=a-1";
    let head = daemon.request(Method::HEAD, path).send().await.unwrap();
    assert_eq!((head.status().as_u16(), &head.headers()[CONTENT_TYPE]), (200, &"image/gif".parse().unwrap()));
    assert_eq!(daemon.events().await, 0);
    assert_eq!(daemon.request(Method::HEAD, "/v1/track").send().await.unwrap().status(), 405);
    assert_eq!(daemon.request(Method::HEAD, "/health").send().await.unwrap().status(), 200);
    assert_eq!(daemon.request(Method::GET, path).send().await.unwrap().status(), 200);
    assert_eq!(daemon.events().await, 1);
    // Without a key, or with a wrong one, a pixel is no event either.
    for path in ["/pixel/v1/page?anonymousId=a-1", "/pixel/v1/page?anonymousId=a-1&writeKey=k2"] {
        let refused = daemon.request(Method::GET, path).send().await.unwrap();
        assert_eq!(refusal(refused).await, (401, "invalid_write_key".into()));
    }
    assert_eq!(daemon.events().await, 1);
}

/// What analytics.js sends: plain text, so that the page need not ask first, and the key in the body.
#[tokio::test]
async fn analytics_js_sends_plain_text() {
    let daemon = start(Setup::default()).await;
    let message = json!({
        "type": "page", "anonymousId": "a-1", "userId": null, "messageId": "ajs-next-1-x", "writeKey": "k1",
        "timestamp": "2026-03-02T12:00:10.000Z", "sentAt": "2026-03-02T12:00:10.400Z", "integrations": {},
        "properties": {"path": "/pricing", "referrer": "", "search": "?utm_source=news", "url": "https://acme.example/pricing"},
        "context": {"page": {"path": "/pricing"}, "userAgent": "Mozilla/5.0 (X11; Linux x86_64)", "locale": "de",
                    "library": {"name": "analytics.js", "version": "npm:next-1.84.3"}, "timezone": "Europe/Vienna",
                    "campaign": {"source": "news"}},
        "_metadata": {"bundled": ["Segment.io"], "unbundled": [], "bundledIds": []},
    });
    for path in ["/v1/p", "/v1/page"] {
        let request = daemon.request(Method::POST, path).header(CONTENT_TYPE, "text/plain");
        let request = request.header(ORIGIN, "https://acme.example").header("X-Retry-Count", "1");
        let response = request.body(message.to_string()).send().await.unwrap();
        assert_eq!(response.headers()["access-control-allow-origin"], "https://acme.example");
        assert_eq!((response.status().as_u16(), body(response).await), (200, json!({"success": true})));
    }
    let health = daemon.health().await;
    assert_eq!((health.accepted, health.duplicate), (1, 1));
    let profile = daemon.store.find_profile("anonymous_id:a-1").await.unwrap().unwrap();
    let event = &daemon.store.events_of(profile, 1).await.unwrap()[0].event;
    assert_eq!(event.at.to_rfc3339(), "2026-03-02T12:00:10.100Z");
}

/// What RudderStack's browser SDK sends: its id as a header too, batches, and a beacon when the page goes.
#[tokio::test]
async fn rudderstack_s_browser_sdk_sends_beacons_and_batches() {
    let daemon = start(Setup::default()).await;
    let message = |id: &str| {
        json!({
            "type": "track", "event": "Product Viewed", "channel": "web", "messageId": id, "anonymousId": "a-1",
            "userId": "", "originalTimestamp": "2026-03-02T12:00:09.000Z", "sentAt": "2026-03-02T12:00:10.500Z",
            "properties": {}, "integrations": {"All": true},
            "context": {"sessionId": 1_772_452_800, "sessionStart": true, "library": {"name": "RudderLabs JavaScript SDK"},
                        "consentManagement": {"allowedConsentIds": [], "deniedConsentIds": []}, "traits": {}},
        })
    };
    let one = daemon.post("/v1/track").header("AnonymousId", "YS0x").body(message("m-1").to_string());
    assert_eq!(one.send().await.unwrap().status(), 200);
    let batch = json!({"batch": [message("m-2"), message("m-3")], "sentAt": "2026-03-02T12:00:10.500Z"}).to_string();
    assert_eq!(daemon.post("/v1/batch").body(batch).send().await.unwrap().status(), 200);
    let beacon = json!({"batch": [message("m-4")]}).to_string();
    let request = daemon.request(Method::POST, "/beacon/v1/batch?writeKey=k1").header(CONTENT_TYPE, "text/plain");
    assert_eq!(request.body(beacon.clone()).send().await.unwrap().status(), 200);
    let refused = daemon.request(Method::POST, "/beacon/v1/batch?writeKey=k2").body(beacon).send().await.unwrap();
    assert_eq!(refusal(refused).await, (401, "invalid_write_key".into()));
    assert_eq!(daemon.events().await, 4);
    let profile = daemon.store.find_profile("anonymous_id:a-1").await.unwrap().unwrap();
    let event = &daemon.store.events_of(profile, 1).await.unwrap()[0].event;
    assert_eq!(event.at.to_rfc3339(), "2026-03-02T12:00:09Z");
}

#[tokio::test]
async fn a_client_s_address_is_its_peer_s_unless_it_says_one() {
    let send = async |setup: Setup<'_>, forwarded: Option<&str>, message: Value| {
        let daemon = start(setup).await;
        let mut request = daemon.post("/v1/page").body(message.to_string());
        if let Some(forwarded) = forwarded {
            request = request.header("X-Forwarded-For", forwarded);
        }
        assert_eq!(request.send().await.unwrap().status(), 200);
        bodies(&daemon, "anonymous_id:a-1").await.remove(0)["context"]["ip"].clone()
    };
    // What is kept of it is its network: privacy cuts the rest off.
    let page = || json!({"anonymousId": "a-1", "messageId": "m-1", "context": {"locale": "de"}});
    let behind = || Setup { trusted_proxies: &["127.0.0.0/8"], ..Setup::default() };
    assert_eq!(send(Setup::default(), None, page()).await, "127.0.0.0");
    assert_eq!(send(Setup::default(), Some("198.51.100.1"), page()).await, "127.0.0.0", "a stranger's header");
    assert_eq!(send(behind(), Some("1.2.3.4, 198.51.100.1"), page()).await, "198.51.100.0");
    assert_eq!(send(behind(), Some("1.2.3.4, unknown"), page()).await, Value::Null);
    assert_eq!(send(Setup { client: false, ..behind() }, Some("198.51.100.1"), page()).await, Value::Null);
    let told = json!({"anonymousId": "a-1", "messageId": "m-1", "context": {"ip": "192.0.2.9"}});
    assert_eq!(send(behind(), Some("198.51.100.1"), told).await, "192.0.2.0");
    // A message as large as may be is taken all the same: what is added to it is not its sender's to answer for.
    let mut large = json!({"anonymousId": "a-1", "messageId": "m-1", "type": "page", "properties": {"x": ""}});
    large["properties"]["x"] = "y".repeat(8 * 1024 - large.to_string().len() - ",\"type\":\"page\"".len()).into();
    assert_eq!(send(Setup::default(), None, large).await, "127.0.0.0");
}

#[tokio::test]
async fn a_message_is_as_large_as_its_sender_wrote_it() {
    let daemon = start(Setup::default()).await;
    let item = |id: &str, bytes: usize| {
        let of = |x: &str| json!({"anonymousId": "a-1", "messageId": id, "type": "page", "properties": {"x": x}});
        of(&"y".repeat(bytes - of("").to_string().len()))
    };
    let (most, items) = (8 * 1024, |bytes| [item("m-1", 8 * 1024), item("m-2", bytes)]);
    let context = json!({"locale": "de", "timezone": "Europe/Berlin"});
    let batch = json!({"sentAt": "2026-03-02T12:00:10Z", "context": context, "batch": items(most + 1)});
    let taken = daemon.post("/v1/batch?verbose=1").body(batch.to_string()).send().await.unwrap();
    let taken = body(taken).await;
    assert_eq!(
        (&taken["accepted"], &taken["rejected"][0]["code"]),
        (&json!(1), &json!("message_too_large")),
        "{taken}"
    );
    assert_eq!(taken["rejected"][0]["index"], json!(1));
    // The path says the type, which the sender need not.
    let mut single = item("m-3", most);
    single.as_object_mut().unwrap().remove("type");
    single["properties"]["x"] = (single["properties"]["x"].as_str().unwrap().to_owned() + &"y".repeat(14)).into();
    assert_eq!(daemon.post("/v1/page").body(single.to_string()).send().await.unwrap().status(), 200);
}

/// The answer came after the commit, so a sender that saw none may send again, whatever became of the daemon.
#[tokio::test]
async fn scenario_28_a_batch_sent_again_after_a_restart_counts_once() {
    let batch = json!({"batch": [
        {"type": "page", "anonymousId": "a-1", "messageId": "m-1"},
        {"type": "page", "anonymousId": "a-1", "messageId": "m-2"},
        {"type": "page"},
    ]});
    let before = start(Setup::default()).await;
    assert_eq!(before.post("/v1/batch").body(batch.to_string()).send().await.unwrap().status(), 200);
    let folder = before.folder.clone();
    drop(before);
    let after = start(Setup { folder: Some(folder), ..Setup::default() }).await;
    assert_eq!(after.events().await, 2, "what was answered is there");
    assert_eq!(after.post("/v1/batch").body(batch.to_string()).send().await.unwrap().status(), 200);
    assert_eq!(after.events().await, 2);
    let health = after.health().await;
    assert_eq!((health.accepted, health.duplicate, health.rejected["missing_id"]), (2, 2, 2));
}
