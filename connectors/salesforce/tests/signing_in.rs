//! The three grants: what is sent, what is tried again, and what outlives a restart.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod stand_in;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use connector::{Clock, Connector, Environment, ErrorKind, Secret, SecretError, SystemClock};
use connector_salesforce::{Flow, connect};
use secrecy::SecretString;
use serde_json::{Value as Json, json};
use stand_in::scripted::{Hit, Scripted, reply, token};
use stand_in::{StandIn, config};

/// A signing key, made anew for each run of the tests.
fn key() -> &'static str {
    static KEY: LazyLock<String> = LazyLock::new(|| {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key");
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).expect("its bytes");
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der.as_ref()))
    });
    &KEY
}

/// A vault with the signing key in it.
#[derive(Debug)]
struct Keys;

impl Environment for Keys {
    fn read(&self, _: &Secret) -> Result<SecretString, SecretError> {
        Ok(SecretString::from(key()))
    }
}

fn jwt() -> Flow {
    let private_key = Secret::Env("KEY".into());
    let (client_id, username) = ("mock-client".into(), "sync@acme.example".into());
    Flow::Jwt { client_id, username, private_key, audience: None }
}

fn organisation() -> axum::http::Response<axum::body::Body> {
    reply(200, &json!({ "done": true, "totalSize": 1, "records": [{ "Id": "00DB00000000000MAA" }] }))
}

/// The claims of the assertion in a form.
fn claims(hit: &Hit) -> Json {
    let form: Vec<(String, String)> = url::form_urlencoded::parse(hit.body.as_bytes()).into_owned().collect();
    let assertion = &form.iter().find(|(name, _)| name == "assertion").expect("an assertion").1;
    let payload = assertion.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64")).expect("claims")
}

async fn at(server: &Scripted) -> connector_salesforce::Salesforce {
    let mut config = config(&server.url);
    config.flow = jwt();
    let vault = stand_in::vault();
    let made = server.connector_with(config, vault.clone());
    vault.set("KEY", key());
    made
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_is_taken_by_the_mock() {
    let stand_in = StandIn::start(0).await;
    let mut config = config(stand_in.url());
    config.flow = jwt();
    let mut context = stand_in.context();
    context.environment = Arc::new(Keys);
    let connector = connect(config, context).unwrap();
    assert!(connector.check().await.is_ok());
    stand_in.rep("expire-tokens", json!({})).await.unwrap();
    assert!(connector.check().await.is_ok(), "another assertion is made for another token");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_audience_is_tried_once_and_the_good_one_is_remembered() {
    let server = Scripted::start(|hit, _, own| match claims_if_any(hit) {
        None => organisation(),
        Some(claims) if claims["aud"] == own => token(own),
        Some(_) => reply(400, &json!({ "error": "invalid_grant", "error_description": "audience is invalid" })),
    })
    .await;
    let connector = at(&server).await;
    assert!(connector.check().await.is_ok());
    let audiences: Vec<String> = server
        .hits()
        .iter()
        .filter_map(claims_if_any)
        .map(|claims| claims["aud"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(audiences, ["https://login.salesforce.com", "https://test.salesforce.com", &server.url]);
    let now = SystemClock.now().secs();
    for claims in server.hits().iter().filter_map(claims_if_any) {
        let exp = claims["exp"].as_i64().expect("seconds");
        assert!((1..=180).contains(&(exp - now)), "{claims}");
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("mock-client"), &json!("sync@acme.example")));
        assert!(claims["jti"].as_str().is_some_and(|jti| jti.len() == 32));
    }
}

fn claims_if_any(hit: &Hit) -> Option<Json> {
    hit.is_sign_in().then(|| claims(hit))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_lives_by_their_clock_not_by_ours() {
    // Their clock is a day ahead of this machine's.
    let ahead = 86_400;
    let server = Scripted::start(move |hit, _, own| {
        let Some(claims) = claims_if_any(hit) else { return organisation() };
        let now = SystemClock.now().secs() + ahead;
        let mut answer = if (now..now + 181).contains(&claims["exp"].as_i64().unwrap()) {
            token(own)
        } else {
            reply(400, &json!({ "error": "invalid_grant", "error_description": "expired authorization code" }))
        };
        let date = connector::Timestamp::from_secs(now).to_utc().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        answer.headers_mut().insert("date", date.parse().unwrap());
        answer
    })
    .await;
    assert!(at(&server).await.check().await.is_ok());
    assert_eq!(server.sign_ins(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_none_is_a_fault_of_the_configuration() {
    let server = Scripted::start(|_, _, own| token(own)).await;
    let mut config = config(&server.url);
    config.flow = jwt();
    let vault = stand_in::vault();
    vault.set("KEY", "no key at all");
    let error = server.connector_with(config, vault).check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Config);
    assert!(!error.to_string().contains("no key at all") && error.fix.is_some());
    assert_eq!(server.hits().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn client_credentials_go_in_the_body() {
    let stand_in = StandIn::start(0).await;
    let mut config = config(stand_in.url());
    config.flow =
        Flow::ClientCredentials { client_id: "mock-client".into(), client_secret: Secret::Env("SECRET".into()) };
    let connector = stand_in.connector_with(config);
    assert!(connector.check().await.is_ok());
    stand_in.vault.set("SECRET", "another-secret");
    stand_in.rep("expire-tokens", json!({})).await.unwrap();
    let error = connector.check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Auth, "{error}");
    assert!(error.fix.is_some() && !error.to_string().contains("another-secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_refresh_token_outlives_a_restart() {
    let stand_in = StandIn::start(0).await;
    stand_in.knobs(json!({ "rotate_refresh_tokens": true })).await;
    assert!(stand_in.connector().check().await.is_ok());
    // The configured token is dead; only the kept one is good, three restarts in a row.
    for _ in 0..3 {
        assert!(stand_in.connector().check().await.is_ok());
    }
    let connector = stand_in.connector();
    for _ in 0..3 {
        stand_in.rep("expire-tokens", json!({})).await.unwrap();
        assert!(connector.check().await.is_ok());
    }
    // A person writes another token into the configuration: the kept one is no longer used.
    stand_in.vault.set("REFRESH", "withdrawn-refresh");
    assert_eq!(stand_in.connector().check().await.unwrap_err().kind, ErrorKind::Auth);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_lives_until_salesforce_ends_it() {
    let signed_in = Arc::new(AtomicUsize::new(0));
    let count = signed_in.clone();
    let server = Scripted::start(move |hit, _, own| {
        if hit.is_sign_in() {
            count.fetch_add(1, Ordering::SeqCst);
            return token(own);
        }
        organisation()
    })
    .await;
    let connector = server.connector();
    for _ in 0..5 {
        assert!(connector.check().await.is_ok());
        tokio::time::timeout(Duration::from_secs(5), connector.check()).await.unwrap().unwrap();
    }
    assert_eq!(signed_in.load(Ordering::SeqCst), 1);
}
