//! Where requests go, and what never leaves.

use axum::body::Body;
use axum::http::Response;
use connector::ErrorKind;

use crate::world::{Server, Setup, answer};

#[tokio::test]
async fn scenario_65_a_redirect_is_not_followed() {
    let other = Server::start(|_, _| answer(200, "{}")).await;
    let to = format!("{}/steal", other.url);
    let server =
        Server::start(move |_, _| Response::builder().status(307).header("location", &to).body(Body::empty()).unwrap())
            .await;
    let error = Setup::new(&server.url).world().get("/a").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol);
    assert_eq!((server.requests(), other.requests()), (1, 0));
}

#[tokio::test]
async fn a_path_to_another_host_is_not_sent() {
    let server = Server::start(|_, _| answer(200, "{}")).await;
    let world = Setup::new(&server.url).world();
    for path in ["@127.0.0.1:1/a", "http://127.0.0.1:1/", "a"] {
        assert_eq!(world.get(path).await.unwrap_err().kind, ErrorKind::Protocol);
    }
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn errors_carry_no_secret_and_no_address() {
    let mut texts = Vec::new();
    for status in [401, 403, 404, 429, 500] {
        let server = Server::start(move |_, _| {
            let builder = Response::builder().status(status).header("x-correlation-id", "abc-1\u{7f}");
            builder.body(Body::empty()).unwrap_or_else(|_| answer(status, ""))
        })
        .await;
        let world = Setup::new(&server.url).world();
        texts.push(format!("{:?}", world.get("/a?key=canary-query").await));
        texts.push(format!("{:?}", world.client));
    }
    let nobody = Setup::new("http://127.0.0.1:1").world();
    texts.push(format!("{:?}", nobody.get("/a?key=canary-query").await));
    let tokens = Server::start(|_, _| answer(400, r#"{"error":"canary-refresh-1 is bad"}"#)).await;
    let world = Setup { token_url: Some(&tokens.url), ..Setup::new(&tokens.url) }.world();
    texts.push(format!("{:?} {:?}", world.get("/a").await, world.client));
    for text in texts {
        assert!(!text.contains("canary-token") && !text.contains("canary-query"), "{text}");
        assert!(!text.contains("canary-client-secret"), "{text}");
    }
}

#[tokio::test]
async fn the_client_says_who_it_is() {
    let server = Server::start(|_, _| answer(200, "{}")).await;
    Setup::new(&server.url).world().get("/a").await.unwrap();
    let seen = server.seen.lock().unwrap()[0].clone();
    assert_eq!(seen.user_agent, concat!("ferry/", env!("CARGO_PKG_VERSION")));
    assert_eq!(seen.authorization, "Bearer canary-token-1");
}
