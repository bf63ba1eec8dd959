//! Tokens: how they are had, when they are refused, and when nobody may have one.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::json;

use crate::org::{Org, read};

const FIELDS: &str =
    "grant_type=refresh_token&client_id=mock-client&client_secret=mock-secret&refresh_token=mock-refresh";

#[tokio::test]
async fn a_refresh_is_read_from_the_query_a_form_and_a_multipart_form() {
    let org = Org::with(1).await;
    let by_query = org.request(Method::POST, &format!("/oauth/v2/token?{FIELDS}")).send().await.unwrap();
    let mut parts = String::new();
    for pair in FIELDS.split('&') {
        let (name, value) = pair.split_once('=').unwrap();
        parts.push_str(&format!("--xx\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
    }
    let by_parts = org
        .request(Method::POST, "/oauth/v2/token")
        .header(CONTENT_TYPE, "multipart/form-data; boundary=xx")
        .body(format!("{parts}--xx--\r\n"));
    for answer in [by_query, by_parts.send().await.unwrap()] {
        let (status, body) = read(answer).await;
        assert_eq!(status, 200);
        assert_eq!(body["api_domain"], org.mock.url());
        assert_eq!((body["token_type"].as_str(), body["expires_in"].as_i64()), (Some("Bearer"), Some(3_600)));
        assert!(body["access_token"].as_str().unwrap().starts_with("1000."));
    }
}

#[tokio::test]
async fn a_no_of_the_accounts_server_comes_under_200() {
    let org = Org::with(1).await;
    for (wrong, error) in [
        (FIELDS.replace("mock-client", "other"), "invalid_client"),
        (FIELDS.replace("mock-secret", "other"), "invalid_client_secret"),
        (FIELDS.replace("mock-refresh", "other"), "invalid_code"),
        (FIELDS.replace("refresh_token&", "password&"), "unsupported_grant_type"),
    ] {
        let call =
            org.request(Method::POST, "/oauth/v2/token").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let (status, body) = read(call.body(wrong).send().await.unwrap()).await;
        assert_eq!((status.as_u16(), body["error"].as_str()), (200, Some(error)));
    }
}

#[tokio::test]
async fn the_eleventh_refresh_in_ten_minutes_is_denied() {
    let mut org = Org::with(1).await;
    org.config(json!({ "rate_limits": true })).await;
    for _ in 0..10 {
        assert_eq!(org.refresh().await.0, 200);
    }
    let (status, body) = org.refresh().await;
    assert_eq!((status.as_u16(), body["error"].as_str()), (400, Some("Access Denied")));
    assert_eq!(body["status"], "failure");
    org.config(json!({ "clock_offset_s": 601 })).await;
    org.sign_in().await;
    assert_eq!(org.get("/org").await.0, 200);
}

#[tokio::test]
async fn only_the_vendors_own_word_and_a_live_token_open_the_door() {
    let org = Org::with(1).await;
    let (status, body) = read(org.request(Method::GET, "/crm/v8/org").send().await.unwrap()).await;
    assert_eq!((status.as_u16(), body["code"].as_str()), (401, Some("AUTHENTICATION_FAILURE")));
    let bearer = org.request(Method::GET, "/crm/v8/org").bearer_auth("1000.a.b").send().await.unwrap();
    assert_eq!(
        read(bearer).await.1,
        json!({
            "code": "INVALID_TOKEN", "details": {}, "message": "invalid oauth token", "status": "error"
        })
    );
    assert_eq!(org.get("/org").await.0, 200);
    org.config(json!({ "clock_offset_s": 3_601 })).await;
    assert_eq!(org.get("/org").await.1["code"], "INVALID_TOKEN");
}

#[tokio::test]
async fn a_scope_that_was_not_granted_is_told_and_so_is_a_profile() {
    let mut org = Org::with(3).await;
    org.config(json!({ "scopes": ["ZohoCRM.modules.contacts.READ", "ZohoCRM.users.READ"] })).await;
    org.sign_in().await;
    assert_eq!(org.get("/Contacts?fields=Email").await.0, 200);
    assert_eq!(org.get("/users?type=CurrentUser").await.0, 200);
    for path in ["/Leads?fields=Email", "/org", "/settings/modules"] {
        let (status, body) = org.get(path).await;
        assert_eq!((status.as_u16(), body["code"].as_str()), (401, Some("OAUTH_SCOPE_MISMATCH")), "{path}");
    }
    org.config(json!({ "denied_permissions": ["Crm_Implied_View_Contacts"] })).await;
    let (status, body) = org.get("/Contacts?fields=Email").await;
    assert_eq!((status.as_u16(), body["code"].as_str()), (403, Some("NO_PERMISSION")));
    assert_eq!(body["details"]["permissions"], json!(["Crm_Implied_View_Contacts"]));
}

#[tokio::test]
async fn sixteen_tokens_are_one_too_many() {
    let org = Org::with(1).await;
    for _ in 0..14 {
        org.refresh().await;
    }
    assert_eq!(org.get("/org").await.0, 200);
    org.refresh().await;
    assert_eq!(org.get("/org").await.1["code"], "INVALID_TOKEN");
}

#[tokio::test]
async fn client_credentials_name_their_org() {
    let org = Org::with(1).await;
    let form = |soid: &'static str| {
        [
            ("grant_type", "client_credentials"),
            ("client_id", "mock-client"),
            ("client_secret", "mock-secret"),
            ("scope", "ZohoCRM.org.READ"),
            ("soid", soid),
        ]
    };
    let ask = |soid| org.request(Method::POST, "/oauth/v2/token").form(&form(soid)).send();
    assert_eq!(read(ask("").await.unwrap()).await.1["error"], "missing_org_info");
    let (_, body) = read(ask("ZohoCRM.7654321").await.unwrap()).await;
    assert_eq!(body["scope"], "ZohoCRM.org.READ");
    assert!(body.get("refresh_token").is_none());
}
