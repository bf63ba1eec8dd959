//! Failures on the way: what is sent again, and what may have been applied.

use std::time::Duration;

use connector::ErrorKind;
use connector_http::Timeouts;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::world::{PLAIN, Server, Setup, answer};

/// A server that reads a request, writes `reply` and closes the connection, or keeps it open without a word.
async fn raw(reply: &'static str, then_hang: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut buffer = [0u8; 4_096];
                let _ = socket.read(&mut buffer).await;
                let _ = socket.write_all(reply.as_bytes()).await;
                if then_hang {
                    let _ = socket.read(&mut buffer).await;
                }
            });
        }
    });
    url
}

#[tokio::test]
async fn a_read_is_repeated_after_a_failing_server() {
    let server = Server::start(|nth, _| if nth < 3 { answer(502, "<html>") } else { answer(200, "{}") }).await;
    let world = Setup::new(&server.url).world();
    assert!(world.get("/a").await.is_ok());
    assert_eq!(server.requests(), 4);
}

#[tokio::test]
async fn a_read_is_given_up_after_a_few_attempts() {
    let server = Server::start(|_, _| answer(502, "")).await;
    let world = Setup::new(&server.url).world();
    let error = world.get("/a").await.unwrap_err();
    assert_eq!((error.kind, error.maybe_applied), (ErrorKind::Transient, false));
    assert_eq!(server.requests(), 5);
}

#[tokio::test]
async fn a_write_answered_5xx_may_have_been_applied() {
    let server = Server::start(|_, _| answer(502, "")).await;
    let error = Setup::new(&server.url).world().write().await.unwrap_err();
    assert!(error.maybe_applied);
    assert_eq!(server.requests(), 1, "it is not sent again");
}

#[tokio::test]
async fn a_write_that_found_nobody_was_not_applied() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = Setup::new(&url).world().write().await.unwrap_err();
    assert_eq!((error.kind, error.maybe_applied), (ErrorKind::Transient, false));
    assert!(error.cause.contains("could not connect"), "{error}");
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_may_have_been_applied() {
    for reply in ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"results\":"] {
        let url = raw(reply, false).await;
        let error = Setup::new(&url).world().write().await.unwrap_err();
        assert_eq!((error.kind, error.maybe_applied), (ErrorKind::Transient, true), "{reply}");
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_decoded_counts_as_lost() {
    let server = Server::start(|_, _| answer(200, "{\"half\":")).await;
    let world = Setup::new(&server.url).world();
    let call = connector_http::Call::write("write a thing", "/w".into(), "{}".into(), PLAIN);
    let unreadable = |_: &connector_http::Answer| Err::<(), _>("it ends early".to_owned());
    let error = world.client.fetch(&call, unreadable).await.unwrap_err();
    assert_eq!((error.kind, error.maybe_applied), (ErrorKind::Protocol, true));
    assert!(error.cause.contains("8 bytes"), "{error}");
    let read = connector_http::Call::get("read a thing", "/r".into(), PLAIN);
    assert!(world.client.fetch(&read, unreadable).await.is_err());
    assert_eq!(server.requests(), 6, "the read is tried five times, the write once");
}

#[tokio::test]
async fn a_locked_record_is_tried_again_even_for_a_write() {
    let server = Server::start(|nth, _| answer(if nth == 0 { 423 } else { 200 }, "{}")).await;
    assert!(Setup::new(&server.url).world().write().await.is_ok());
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn scenario_23_a_server_that_never_answers_or_drips_is_left() {
    for reply in ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"] {
        let url = raw(reply, true).await;
        let short = Duration::from_millis(60);
        let timeouts = Timeouts { connect: short, idle_read: short, total: Duration::from_secs(5) };
        let error = Setup { timeouts, ..Setup::new(&url) }.world().write().await.unwrap_err();
        assert_eq!((error.kind, error.maybe_applied), (ErrorKind::Transient, true), "{error}");
        assert!(error.cause.contains("in time"), "{error}");
    }
}

#[tokio::test]
async fn scenario_23_an_answer_beyond_the_cap_is_refused_while_it_streams() {
    let server = Server::start(|_, _| answer(200, &"x".repeat(2_000))).await;
    let world = Setup { max_body: 1_000, ..Setup::new(&server.url) }.world();
    let error = world.get("/a").await.unwrap_err();
    assert!(error.cause.contains("larger than 1000 bytes"), "{error}");
    // Without a length, the cap holds as the pieces come.
    let chunked =
        raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n5\r\nabcde\r\n0\r\n\r\n", false).await;
    let small = Setup { max_body: 9, ..Setup::new(&chunked) }.world();
    assert!(small.get("/a").await.unwrap_err().cause.contains("larger than 9 bytes"));
    let enough = Setup { max_body: 10, ..Setup::new(&chunked) }.world();
    assert_eq!(&enough.get("/a").await.unwrap().body[..], b"abcdeabcde");
}

#[tokio::test]
async fn dropping_a_call_stops_it() {
    let server = Server::start(|_, _| answer(502, "")).await;
    let world = Setup::new(&server.url).world();
    let mut call = Box::pin(world.get("/a"));
    assert!(futures::poll!(&mut call).is_pending());
    drop(call);
    world.get("/b").await.unwrap_err();
    let paths: Vec<String> = server.seen.lock().unwrap().iter().map(|seen| seen.path.clone()).collect();
    assert!(paths.iter().filter(|path| *path == "/a").count() <= 1, "{paths:?}");
}
