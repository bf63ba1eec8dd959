//! OAuth and rate limits.

use mock_crm::Options;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::portal::{CONTACTS, Portal, read};

async fn grant(portal: &Portal, pairs: &[(&str, &str)]) -> (reqwest::StatusCode, Value) {
    let mut form = vec![
        ("grant_type", "refresh_token"),
        ("client_id", "mock-client"),
        ("client_secret", "mock-secret"),
        ("refresh_token", "mock-refresh"),
    ];
    form.retain(|(name, _)| pairs.iter().all(|(other, _)| other != name));
    form.extend(pairs);
    read(portal.request(Method::POST, "/oauth/2026-03/token").form(&form).send().await.unwrap()).await
}

async fn with_token(portal: &Portal, token: &str) -> Response {
    portal.request(Method::GET, CONTACTS).bearer_auth(token).send().await.unwrap()
}

#[tokio::test]
async fn an_access_token_expires_and_is_refreshed() {
    let portal = Portal::with(1).await;
    portal.config(json!({ "frozen_at": "2026-11-23T09:00:00Z" })).await;
    let (status, granted) = grant(&portal, &[]).await;
    assert_eq!((status.as_u16(), granted["expires_in"].as_i64()), (200, Some(1800)));
    let token = granted["access_token"].as_str().unwrap();
    let answer = with_token(&portal, token).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.headers().get("x-hubspot-ratelimit-daily").is_none(), "OAuth apps see no daily figures");
    portal.config(json!({ "clock_offset_s": 1_805 })).await;
    let (status, body) = read(with_token(&portal, token).await).await;
    assert_eq!((status.as_u16(), body["category"].as_str()), (401, Some("EXPIRED_AUTHENTICATION")));
    assert_eq!(body["message"], "The OAuth token used to make this call expired 5 second(s) ago.");
    assert_eq!(body["context"]["expire time"], json!(["2026-11-23T09:30:00.000Z"]));
    let (_, again) = grant(&portal, &[]).await;
    assert_eq!(with_token(&portal, again["access_token"].as_str().unwrap()).await.status(), 200);
    portal.rep("expire-tokens", json!({ "refresh": true })).await;
    assert_eq!(grant(&portal, &[]).await.1["status"], "BAD_REFRESH_TOKEN");
}

#[tokio::test]
async fn a_wrong_client_hides_every_other_mistake() {
    let portal = Portal::with(0).await;
    let (status, body) = grant(&portal, &[("client_id", "x"), ("grant_type", "nonsense")]).await;
    assert_eq!((status.as_u16(), body["status"].as_str()), (400, Some("BAD_CLIENT_ID")));
    assert_eq!(grant(&portal, &[("client_secret", "x")]).await.1["status"], "BAD_CLIENT_SECRET");
    let (_, body) = grant(&portal, &[("refresh_token", "x")]).await;
    assert_eq!((body["error"].as_str(), body["status"].as_str()), (Some("invalid_grant"), Some("BAD_REFRESH_TOKEN")));
    assert_eq!(grant(&portal, &[("grant_type", "nonsense")]).await.1["status"], "BAD_GRANT_TYPE");
}

#[tokio::test]
async fn introspection_knows_live_tokens_only() {
    let portal = Portal::with(0).await;
    let (_, granted) = grant(&portal, &[]).await;
    let token = granted["access_token"].as_str().unwrap();
    let ask = |what: &str| {
        let form = [("token", token), ("client_id", "mock-client"), ("client_secret", "mock-secret")];
        portal.request(Method::POST, &format!("/oauth/2026-03/token/{what}")).form(&form).send()
    };
    assert_eq!(read(ask("introspect").await.unwrap()).await.1["active"], true);
    assert_eq!(ask("revoke").await.unwrap().status(), 204);
    assert_eq!(read(ask("introspect").await.unwrap()).await.1, json!({ "active": false }));
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let portal = Portal::with(1).await;
    portal.config(json!({ "denied_scopes": ["crm.objects.contacts.write"] })).await;
    assert_eq!(portal.get(CONTACTS).await.0, 200);
    let (status, body) = portal.post(CONTACTS, json!({ "properties": {} })).await;
    assert_eq!((status.as_u16(), body["category"].as_str()), (403, Some("MISSING_SCOPES")));
    let scopes = &body["errors"][0]["context"]["requiredGranularScopes"];
    assert_eq!(scopes, &json!(["crm.objects.contacts.write"]));
}

/// Limits as a new mock has them, under a clock that stands still.
async fn limited() -> Portal {
    let Value::Object(config) = json!({ "frozen_at": "2026-11-23T09:00:00Z" }) else { panic!("an object") };
    Portal::start(Options { records: Some(1), config, ..Options::default() }).await
}

#[tokio::test]
async fn the_hundred_and_first_call_in_ten_seconds_is_refused() {
    let portal = limited().await;
    for left in (0..100).rev() {
        let answer = portal.call(Method::GET, "/crm/v3/owners").send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["x-hubspot-ratelimit-remaining"], left.to_string().as_str());
        assert_eq!(answer.headers()["x-hubspot-ratelimit-max"], "100");
        assert_eq!(answer.headers()["x-hubspot-ratelimit-interval-milliseconds"], "10000");
    }
    let answer = portal.call(Method::GET, "/crm/v3/owners").send().await.unwrap();
    assert!(answer.headers().get("retry-after").is_none());
    let (status, body) = read(answer).await;
    assert_eq!((status.as_u16(), body["policyName"].as_str()), (429, Some("TEN_SECONDLY_ROLLING")));
    assert_eq!(body["message"], "You have reached your ten_secondly_rolling limit.");
    assert_eq!(body["errorType"], "RATE_LIMIT");
    portal.config(json!({ "clock_offset_s": 10 })).await;
    assert_eq!(portal.get("/crm/v3/owners").await.0, 200);
}

#[tokio::test]
async fn five_searches_a_second_and_no_headers() {
    let portal = limited().await;
    let search = || portal.call(Method::POST, "/crm/v3/objects/contacts/search").json(&json!({})).send();
    for _ in 0..5 {
        let answer = search().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.headers().keys().all(|name| !name.as_str().contains("ratelimit")));
    }
    let (status, body) = read(search().await.unwrap()).await;
    assert_eq!((status.as_u16(), body["policyName"].as_str()), (429, Some("SECONDLY")));
    assert_eq!(body["message"], "You have reached your secondly limit.");
    assert_eq!(portal.get("/crm/v3/owners").await.0, 200, "searches do not use up the ten seconds");
}

#[tokio::test]
async fn the_day_ends_too() {
    let portal = limited().await;
    portal.config(json!({ "daily_limit": 2 })).await;
    let (_, usage) = portal.get("/account-info/v3/api-usage/daily/private-apps").await;
    assert_eq!(
        (usage["results"][0]["usageLimit"].as_u64(), usage["results"][0]["currentUsage"].as_u64()),
        (Some(2), Some(1))
    );
    portal.get(CONTACTS).await;
    let (status, body) = portal.get(CONTACTS).await;
    assert_eq!((status.as_u16(), body["policyName"].as_str()), (429, Some("DAILY")));
}
