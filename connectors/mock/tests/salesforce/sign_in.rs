//! Signing in by every grant, sessions that end, and the 401s.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};

use crate::org::{DATA, Org, code, read};

const JWT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

async fn refused(org: &Org, form: &[(&str, &str)], error: &str, description: &str) {
    let (status, body) = org.token(form).await;
    assert_eq!(status, 400);
    assert_eq!(body, json!({ "error": error, "error_description": description }));
}

#[tokio::test]
async fn client_credentials_come_in_the_body_or_by_basic() {
    let org = Org::with(0).await;
    let form = [("grant_type", "client_credentials"), ("client_id", "mock-client"), ("client_secret", "mock-secret")];
    let (status, body) = org.token(&form).await;
    assert_eq!((status.as_u16(), body["instance_url"].as_str()), (200, Some(org.mock.url())));
    assert!(body["issued_at"].is_string() && body.get("refresh_token").is_none(), "{body}");
    let basic = org.request(Method::POST, "/services/oauth2/token").basic_auth("mock-client", Some("mock-secret"));
    let (status, body) = read(basic.form(&[("grant_type", "client_credentials")]).send().await.unwrap()).await;
    assert_eq!((status.as_u16(), body["token_type"].as_str()), (200, Some("Bearer")));

    let wrong = [("grant_type", "client_credentials"), ("client_id", "mock-client"), ("client_secret", "x")];
    refused(&org, &wrong, "invalid_client", "invalid client credentials").await;
    let who = [("grant_type", "client_credentials"), ("client_id", "nobody"), ("client_secret", "mock-secret")];
    refused(&org, &who, "invalid_client_id", "client identifier invalid").await;
    refused(&org, &[("grant_type", "magic")], "unsupported_grant_type", "grant type not supported").await;
    refused(&org, &[], "invalid_request", "missing required parameter: grant_type").await;
    org.config(json!({ "generic_login_host": true })).await;
    refused(&org, &form, "invalid_grant", "request not supported on this domain").await;
    org.config(json!({ "generic_login_host": false, "run_as_user": false })).await;
    refused(&org, &form, "invalid_grant", "no client credentials user enabled").await;
}

#[tokio::test]
async fn a_refresh_token_is_good_again_or_once() {
    let org = Org::with(0).await;
    let form = |token| [("grant_type", "refresh_token"), ("client_id", "mock-client"), ("refresh_token", token)];
    let (_, body) = org.token(&form("mock-refresh")).await;
    assert!(body["access_token"].is_string() && body.get("refresh_token").is_none(), "{body}");
    org.config(json!({ "rotate_refresh_tokens": true })).await;
    let (_, body) = org.token(&form("mock-refresh")).await;
    let next = body["refresh_token"].as_str().unwrap().to_owned();
    refused(&org, &form("mock-refresh"), "invalid_grant", "expired access/refresh token").await;
    assert_eq!(org.token(&form(&next)).await.0, 200);
}

#[tokio::test]
async fn the_legacy_password_takes_a_security_token() {
    let org = Org::with(0).await;
    let client = [("grant_type", "password"), ("client_id", "mock-client"), ("client_secret", "mock-secret")];
    let mut form = client.to_vec();
    form.extend([("username", "sync@acme.example"), ("password", "mock-passwordTOKEN")]);
    assert_eq!(org.token(&form).await.0, 200);
    form[4].1 = "guess";
    refused(&org, &form, "invalid_grant", "authentication failure").await;
}

struct Signer {
    key: KeyPair,
}

impl Signer {
    fn new() -> Self {
        Self { key: KeyPair::generate(KeySize::Rsa2048).unwrap() }
    }

    fn pem(&self) -> String {
        let der = self.key.public_key().as_der().unwrap();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der.as_ref()))
    }

    fn assertion(&self, claims: &Value) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&json!({ "alg": "RS256" })), encode(claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

#[tokio::test]
async fn an_assertion_is_checked_claim_by_claim() {
    let org = Org::with(0).await;
    org.freeze("2026-03-04T05:06:07Z").await;
    let now = 1_772_600_767_i64;
    let signer = Signer::new();
    let good = json!({ "iss": "mock-client", "sub": "sync@acme.example", "aud": "https://login.salesforce.com", "exp": now + 120 });
    let with = |claim: &str, value: Value| {
        let mut claims = good.clone();
        claims[claim] = value;
        signer.assertion(&claims)
    };
    let form = |assertion: String| [("grant_type".to_owned(), JWT.to_owned()), ("assertion".to_owned(), assertion)];
    let ask = async |assertion: String| {
        let form = form(assertion);
        let form: Vec<(&str, &str)> = form.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let (status, body) = org.token(&form).await;
        (status.as_u16(), body["error_description"].as_str().unwrap_or("taken").to_owned(), body)
    };
    let (status, _, body) = ask(signer.assertion(&good)).await;
    assert!(status == 200 && body.get("issued_at").is_none() && body.get("refresh_token").is_none(), "{body}");
    for (claim, value, answer) in [
        ("exp", json!((now + 120).to_string()), "taken"),
        ("aud", json!("https://test.salesforce.com"), "taken"),
        ("aud", json!(org.mock.url()), "audience is invalid"),
        ("exp", json!(now - 1), "expired authorization code"),
        ("exp", json!(now * 1000), "expired authorization code"),
        ("sub", json!("someone@acme.example"), "user hasn't approved this consumer"),
        ("iss", json!("nobody"), "client identifier invalid"),
        ("jti", json!("once"), "taken"),
        ("jti", json!("once"), "invalid assertion"),
    ] {
        assert_eq!(ask(with(claim, value.clone())).await.1, answer, "{claim} {value}");
    }
    for garbage in ["", "a.b", "a.b.c", "....", "é.é.é"] {
        assert_eq!(ask(garbage.to_owned()).await.0, 400, "{garbage}");
    }
    org.config(json!({ "audiences": ["self"] })).await;
    assert_eq!(ask(with("aud", json!(org.mock.url()))).await.1, "taken");
}

#[tokio::test]
async fn a_configured_key_must_have_signed() {
    let (signer, other) = (Signer::new(), Signer::new());
    let org = Org::knobs(0, json!({ "public_key": signer.pem(), "frozen_at": "2026-03-04T05:06:07Z" })).await;
    let claims = json!({ "iss": "mock-client", "sub": "sync@acme.example", "aud": "https://login.salesforce.com", "exp": 1_772_600_800 });
    let forged = other.assertion(&claims);
    refused(&org, &[("grant_type", JWT), ("assertion", &forged)], "invalid_grant", "invalid assertion").await;
    let (status, body) = org.token(&[("grant_type", JWT), ("assertion", &signer.assertion(&claims))]).await;
    assert_eq!(status, 200, "{body}");
}

#[tokio::test]
async fn sessions_end_when_unused_and_are_renewed_by_use() {
    let mut org = Org::with(1).await;
    org.freeze("2026-03-04T05:00:00Z").await;
    org.sign_in().await;
    for minutes in [70, 140, 210] {
        org.config(json!({ "clock_offset_s": minutes * 60 })).await;
        assert_eq!(org.get("limits/").await.0, 200, "{minutes}");
    }
    org.config(json!({ "clock_offset_s": 340 * 60 })).await;
    let (status, body) = org.get("limits").await;
    let words = json!([{ "message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID" }]);
    assert_eq!((status.as_u16(), body), (401, words));
}

#[tokio::test]
async fn the_401s_say_whether_a_new_token_would_help() {
    let org = Org::with(1).await;
    let path = format!("{DATA}/limits");
    let bare = read(org.request(Method::GET, &path).send().await.unwrap()).await;
    assert_eq!((bare.0.as_u16(), code(&bare.1)), (401, "INVALID_AUTH_HEADER"));
    let garbled = org.request(Method::GET, &path).header("authorization", "Bearer");
    assert_eq!(code(&read(garbled.send().await.unwrap()).await.1), "INVALID_AUTH_HEADER");
    let oauth = org.request(Method::GET, &path).header("authorization", format!("OAuth {}", org.token));
    assert_eq!(oauth.send().await.unwrap().status(), 200);
    for (knob, words) in [
        ("expired", "Session expired or invalid"),
        ("not_for_rest", "This session is not valid for use with the REST API"),
        ("not_attached", "Connected app is not attached to Agent"),
    ] {
        org.config(json!({ "session_refusal": knob })).await;
        let (status, body) = read(org.request(Method::GET, &path).bearer_auth("stale").send().await.unwrap()).await;
        assert_eq!((status.as_u16(), body[0]["message"].as_str()), (401, Some(words)));
    }
}

#[tokio::test]
async fn identity_is_told_to_the_holder_of_a_token_until_it_is_revoked() {
    let org = Org::with(0).await;
    let (_, root) = org.get("").await;
    let identity = root["identity"].as_str().unwrap().strip_prefix(org.mock.url()).unwrap().to_owned();
    for path in ["/services/oauth2/userinfo", identity.as_str()] {
        let answer = org.request(Method::GET, path).bearer_auth(&org.token).send().await.unwrap();
        let (status, body) = read(answer).await;
        assert_eq!((status.as_u16(), body["preferred_username"].as_str()), (200, Some("sync@acme.example")));
        assert_eq!(body["user_id"], "005xx000001SwiUAAS");
        assert_eq!(body["organization_id"], "00Dxx0000001gPLEAY");
    }
    let revoke = org.request(Method::POST, "/services/oauth2/revoke").form(&[("token", &org.token)]);
    assert_eq!(revoke.send().await.unwrap().status(), 200);
    let answer = org.request(Method::GET, "/services/oauth2/userinfo").bearer_auth(&org.token).send().await.unwrap();
    assert_eq!(answer.status(), 403);
    assert_eq!(answer.text().await.unwrap(), "Bad_OAuth_Token");
    assert_eq!(org.get("limits").await.0, 401);
}
