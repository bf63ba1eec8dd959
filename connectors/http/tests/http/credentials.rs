//! Tokens: one replay after a 401, one renewal for many callers, and what revoked looks like.

use connector::ErrorKind;
use futures::future::join_all;

use crate::world::{Server, Setup, answer};

const GRANTED: &str = r#"{"access_token":"canary-access-NN","token_type":"bearer","expires_in":1800}"#;

fn granted(nth: usize) -> String {
    GRANTED.replace("NN", &nth.to_string())
}

#[tokio::test]
async fn a_rotated_token_is_picked_up_after_a_401() {
    let server = Server::start(|_, seen| match seen.authorization.as_str() {
        "Bearer canary-token-2" => answer(200, "{}"),
        _ => answer(401, "{}"),
    })
    .await;
    let world = Setup::new(&server.url).world();
    let refused = world.get("/a").await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Auth);
    assert!(refused.fix.is_some());
    assert_eq!(server.requests(), 2, "one replay, not more");
    world.vault.set("TOKEN", "canary-token-2");
    assert!(world.get("/a").await.is_ok());
    assert_eq!(server.requests(), 4);
}

#[tokio::test]
async fn a_refused_write_is_replayed_once_because_it_had_no_effect() {
    let server = Server::start(|nth, _| answer(if nth == 0 { 401 } else { 200 }, "{}")).await;
    let world = Setup::new(&server.url).world();
    assert!(world.write().await.is_ok());
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn many_callers_refused_together_renew_once() {
    let tokens = Server::start(|nth, _| answer(200, &granted(nth))).await;
    let server = Server::start(|_, seen| match seen.authorization.as_str() {
        "Bearer canary-access-1" => answer(200, "{}"),
        _ => answer(401, "{}"),
    })
    .await;
    let token_url = format!("{}/oauth/token", tokens.url);
    let world = Setup { token_url: Some(&token_url), ..Setup::new(&server.url) }.world();
    for result in join_all((0..10).map(|_| world.get("/a"))).await {
        assert!(result.is_ok(), "{result:?}");
    }
    assert_eq!(tokens.requests(), 2, "one token at first, one renewal");
    let form = tokens.seen.lock().unwrap()[0].clone();
    assert_eq!(form.path, "/oauth/token");
    assert!(form.body.contains("grant_type=refresh_token") && form.body.contains("refresh_token=canary-refresh-1"));
    assert!(form.authorization.is_empty());
}

#[tokio::test]
async fn a_token_that_runs_out_is_renewed_before_it_is_used() {
    let tokens = Server::start(|nth, _| answer(200, &granted(nth))).await;
    let server = Server::start(|_, _| answer(200, "{}")).await;
    let world = Setup { token_url: Some(&tokens.url), ..Setup::new(&server.url) }.world();
    world.get("/a").await.unwrap();
    world.clock.leap(std::time::Duration::from_secs(1_741));
    world.get("/a").await.unwrap();
    assert_eq!((tokens.requests(), server.requests()), (2, 2));
}

#[tokio::test]
async fn a_revoked_grant_is_auth_until_there_is_a_new_one() {
    let tokens = Server::start(|_, seen| {
        if seen.body.contains("refresh-2") {
            answer(200, &granted(9))
        } else {
            answer(400, r#"{"error":"invalid_grant","status":"BAD_REFRESH_TOKEN"}"#)
        }
    })
    .await;
    let server = Server::start(|_, _| answer(200, "{}")).await;
    let world = Setup { token_url: Some(&tokens.url), ..Setup::new(&server.url) }.world();
    for refused in join_all((0..10).map(|_| world.get("/a"))).await {
        let error = refused.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Auth);
        assert!(error.fix.as_deref().unwrap_or_default().contains("REFRESH"), "{error:?}");
    }
    assert_eq!((tokens.requests(), server.requests()), (1, 0));
    world.vault.set("REFRESH", "canary-refresh-2");
    assert!(world.get("/a").await.is_ok(), "a new grant is tried without a restart");
}

#[tokio::test]
async fn a_wrong_client_is_our_mistake_and_not_a_revoked_grant() {
    let tokens = Server::start(|_, _| answer(400, r#"{"error":"invalid_request","status":"BAD_CLIENT_ID"}"#)).await;
    let world = Setup { token_url: Some(&tokens.url), ..Setup::new(&tokens.url) }.world();
    let error = world.get("/a").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Config);
    assert!(error.cause.contains("BAD_CLIENT_ID"), "{error:?}");
}

#[tokio::test]
async fn a_rotated_refresh_token_is_used_from_then_on() {
    let tokens = Server::start(|nth, _| {
        let rotated = granted(nth).replace('}', r#","refresh_token":"canary-refresh-rotated"}"#);
        answer(200, &rotated)
    })
    .await;
    let server = Server::start(|_, _| answer(200, "{}")).await;
    let world = Setup { token_url: Some(&tokens.url), ..Setup::new(&server.url) }.world();
    world.get("/a").await.unwrap();
    world.clock.leap(std::time::Duration::from_secs(3_600));
    world.get("/a").await.unwrap();
    let seen = tokens.seen.lock().unwrap();
    assert!(seen[0].body.contains("refresh_token=canary-refresh-1"));
    assert!(seen[1].body.contains("refresh_token=canary-refresh-rotated"));
}

#[tokio::test]
async fn a_token_endpoint_that_stumbles_is_asked_again() {
    let tokens = Server::start(|nth, _| if nth < 2 { answer(503, "") } else { answer(200, &granted(nth)) }).await;
    let server = Server::start(|_, _| answer(200, "{}")).await;
    let world = Setup { token_url: Some(&tokens.url), ..Setup::new(&server.url) }.world();
    assert!(world.get("/a").await.is_ok());
    assert_eq!(tokens.requests(), 3);
}
