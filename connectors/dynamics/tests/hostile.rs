//! Servers that are broken, overloaded or hostile, and what is said to all of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod stand_in;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use connector::{Connector, ErrorKind, Object, Secret, Stream};
use connector_dynamics::{Config, Credential, connect};
use serde_json::{Value as Json, json};
use stand_in::scripted::{Scripted, answer, context, reply};
use stand_in::walks::{ask, contacts};
use stand_in::{Vault, config};

const ID: &str = "c0000000-0000-0000-0000-000000000001";

fn refused(status: u16, code: &str) -> Response<Body> {
    reply(status, &json!({ "error": { "code": code, "message": "The user is not a member of the organization." } }))
}

fn who() -> Response<Body> {
    reply(200, &json!({ "OrganizationId": ID, "UserId": ID }))
}

/// A page that goes on at `next`.
fn page(next: &str) -> Response<Body> {
    reply(200, &json!({ "value": [{ "contactid": ID, "emailaddress1": "a@b.example" }], "@odata.nextLink": next }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_another_host_is_never_followed() {
    let stranger = Scripted::start(|_, _, _| who()).await;
    for link in [stranger.url.clone(), "//127.0.0.1:9/api".to_owned(), stranger.url.replace("127.0.0.1", "localhost")] {
        let named = format!("{link}/api/data/v9.2/contacts?$skiptoken=1");
        let server = Scripted::start(move |_, _, _| page(&named)).await;
        let error = server.connector().pull(&contacts()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Protocol, "{error}");
        assert_eq!(server.calls().len(), 1);
    }
    assert_eq!(stranger.hits().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_followed_byte_for_byte_with_the_same_preferences() {
    let cookie = "$skiptoken=%3Ccookie%20pagenumber=%222%22%20pagingcookie=%22%253ccookie%2520page%253d%25221%2522%253e%22%20istracking=%22True%22%20/%3E";
    let link = format!("/api/data/v9.2/contacts?$select=x&{cookie}");
    let next = link.clone();
    let server = Scripted::start(move |_, nth, own| match nth {
        0 => page(&format!("{own}{next}")),
        1 => page(&next),
        _ => reply(
            200,
            &json!({ "value": [], "@odata.deltaLink": format!("{own}/api/data/v9.2/contacts?$deltatoken=1") }),
        ),
    })
    .await;
    let connector = server.connector();
    let mut request = contacts();
    let pages = stand_in::walks::walk(&connector, &mut request).await;
    assert_eq!(pages.len(), 3);
    let calls = server.calls();
    assert!(calls[1..].iter().all(|hit| hit.path == link), "{calls:#?}");
    assert!(calls[0].headers["prefer"].contains("odata.track-changes"), "{:?}", calls[0]);
    for hit in &calls {
        assert!(hit.headers["prefer"].starts_with("odata.maxpagesize=200"), "{hit:?}");
        let version = |name: &str| hit.headers.get(name).map(String::as_str);
        assert_eq!((version("odata-version"), version("odata-maxversion")), (Some("4.0"), Some("4.0")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_answer_to_a_delta_link_keeps_the_old_link() {
    let server = Scripted::start(|_, nth, own| match nth {
        0 => reply(
            200,
            &json!({ "value": [], "@odata.deltaLink": format!("{own}/api/data/v9.2/contacts?$deltatoken=1") }),
        ),
        1 => answer(200, ""),
        _ => reply(200, &json!({ "@odata.context": "c" })),
    })
    .await;
    let connector = server.connector();
    let mut request = contacts();
    for _ in 0..3 {
        stand_in::walks::walk(&connector, &mut request).await;
    }
    let calls = server.calls();
    assert_eq!(calls.len(), 3);
    assert!(calls[1..].iter().all(|hit| hit.path.ends_with("$deltatoken=1")), "{calls:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_cookie_comes_back() {
    let server = Scripted::start(|_, _, _| {
        let mut answer = who();
        for cookie in ["ARRAffinity=one; Path=/", "ARRAffinitySameSite=one"] {
            answer.headers_mut().append("set-cookie", cookie.parse().unwrap());
        }
        answer
    })
    .await;
    let connector = server.connector();
    for _ in 0..3 {
        connector.check().await.unwrap();
    }
    assert!(server.hits().iter().all(|hit| !hit.headers.contains_key("cookie")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_throttle_stops_everybody_on_the_connection() {
    for code in ["0x80072322", "0x80072321", "0x80072326"] {
        let server = Scripted::start(move |_, _, _| {
            let mut answer = refused(429, code);
            answer.headers_mut().insert("retry-after", "3600".parse().unwrap());
            answer
        })
        .await;
        let connector = server.connector();
        let error = connector.check().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Quota, "{error}");
        assert!(error.retry_at.is_some());
        let before = server.hits().len();
        assert_eq!(connector.describe(&Object::Lead).await.unwrap_err().kind, ErrorKind::Quota);
        assert_eq!(connector.pull(&contacts()).await.unwrap_err().kind, ErrorKind::Quota);
        assert_eq!(server.hits().len(), before, "nothing is sent before the pause ends");
        assert!(connector.budget().paused_until.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_throttle_is_waited_out() {
    let server = Scripted::start(|_, nth, _| {
        let mut answer = if nth == 0 { refused(429, "0x80072326") } else { who() };
        answer.headers_mut().insert("retry-after", "17".parse().unwrap());
        answer
    })
    .await;
    server.connector().check().await.unwrap();
    assert_eq!(server.calls().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_application_user_is_explained() {
    let server = Scripted::start(|_, _, _| refused(403, "0x80072560")).await;
    let error = server.connector().check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Forbidden);
    assert!(error.cause.contains("0x80072560"), "{error}");
    assert!(error.fix.unwrap().contains("application user in the Power Platform admin centre"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_renewed_once_and_the_call_sent_once_more() {
    let server = Scripted::start(|_, _, _| answer(401, "")).await;
    let error = server.connector().check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Auth);
    assert_eq!((server.sign_ins().len(), server.calls().len()), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_told_and_not_followed() {
    let stranger = Scripted::start(|_, _, _| who()).await;
    let to = format!("{}/api/data/v9.2/WhoAmI", stranger.url);
    let server = Scripted::start(move |_, _, _| {
        let mut answer = answer(302, "");
        answer.headers_mut().insert("location", to.parse().unwrap());
        answer
    })
    .await;
    let error = server.connector().check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol);
    assert!(error.fix.unwrap().contains("base_url"));
    assert_eq!(stranger.hits().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn something_else_at_the_address_is_no_organisation() {
    let server = Scripted::start(|_, _, _| reply(200, &json!({ "hello": "world" }))).await;
    assert_eq!(server.connector().check().await.unwrap_err().kind, ErrorKind::Config);
    let garbage = Scripted::start(|_, _, _| answer(200, "<html>")).await;
    let error = garbage.connector().pull(&ask(Stream::Records(Object::Contact), &["lastname"])).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_that_ends_without_a_delta_link_is_no_end() {
    let server = Scripted::start(|_, _, _| reply(200, &json!({ "value": [] }))).await;
    let error = server.connector().pull(&contacts()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol);
    assert!(error.cause.contains("delta link"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scope_is_the_organisation_whatever_slash_it_ends_with() {
    for slash in ["", "/"] {
        let server = Scripted::start(|_, _, _| who()).await;
        let mut config = config(&server.url);
        config.base_url.push_str(slash);
        server.connector_with(config).check().await.unwrap();
        let form = server.sign_ins()[0].body.clone();
        let port = server.url.rsplit_once(':').unwrap().1.to_owned();
        assert!(form.contains(&format!("scope=http%3A%2F%2F127.0.0.1%3A{port}%2F.default")), "{form}");
        assert!(form.contains("client_secret=mock-secret") && form.contains("grant_type=client_credentials"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_names_its_certificate_and_carries_no_secret() {
    let server = Scripted::start(|_, _, _| who()).await;
    let vault = Arc::new(Vault::default());
    vault.set("CERTIFICATE", "-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n");
    vault.set("KEY", &fresh_key());
    let certificate = Credential::Certificate {
        certificate: Secret::Env("CERTIFICATE".into()),
        private_key: Secret::Env("KEY".into()),
    };
    let config = Config { credential: certificate, ..config(&server.url) };
    let audience = config.token_url.clone();
    connect(config, context(vault)).unwrap().check().await.unwrap();
    let form = server.sign_ins()[0].body.clone();
    assert!(!form.contains("client_secret"), "{form}");
    assert!(form.contains("client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"));
    let assertion = form.split('&').find_map(|pair| pair.strip_prefix("client_assertion=")).unwrap();
    let part = |nth: usize| -> Json {
        let text = assertion.split('.').nth(nth).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
    };
    let (header, claims) = (part(0), part(1));
    assert_eq!((&header["alg"], &header["typ"]), (&json!("RS256"), &json!("JWT")));
    assert_eq!(header["x5t"], "qZk-NkcGgWq6PiVxeFDCbJzQ2J0");
    assert_eq!(header["x5t#S256"], "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
    assert_eq!(
        (&claims["aud"], &claims["iss"], &claims["sub"]),
        (&json!(audience), &json!("mock-client"), &json!("mock-client"))
    );
    let life = claims["exp"].as_i64().unwrap() - claims["nbf"].as_i64().unwrap();
    assert!((60..=600).contains(&life), "{life}");
}

/// An RSA key as PEM.
fn fresh_key() -> String {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    let key = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let body = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
    format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn never_more_than_fifty_two_are_in_flight() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (current, highest) = (now.clone(), most.clone());
    let router = axum::Router::new().fallback(move |request: axum::extract::Request| {
        let (current, highest) = (current.clone(), highest.clone());
        async move {
            if request.uri().path().ends_with("/token") {
                return reply(200, &json!({ "access_token": "good", "expires_in": 3599 }));
            }
            highest.fetch_max(current.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            for _ in 0..200 {
                tokio::task::yield_now().await;
            }
            current.fetch_sub(1, Ordering::SeqCst);
            refused(404, "0x80060888")
        }
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    let connector = connect(config(&url), context(stand_in::vault())).unwrap();
    let objects: Vec<Object> = (0..200).map(|nth| Object::Other(format!("new_t{nth}").into())).collect();
    let asked = futures::future::join_all(objects.iter().map(|object| connector.describe(object)));
    let answers = tokio::time::timeout(Duration::from_secs(60), asked).await.unwrap();
    assert!(answers.iter().all(Result::is_err));
    assert!((2..=52).contains(&most.load(Ordering::SeqCst)), "{} at once", most.load(Ordering::SeqCst));
}
