//! Quotas over HTTP: pauses the CRM asks for, and windows its headers correct.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::http::Response;
use connector::{Clock, ErrorKind, Timestamp};
use futures::future::join_all;

use crate::world::{Server, Setup, answer};

fn refused(header: (&str, &str)) -> Response<Body> {
    Response::builder().status(429).header(header.0, header.1).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_pause_is_waited_out_by_everybody() {
    let server = Server::start(|nth, _| if nth == 0 { refused(("retry-after", "7")) } else { answer(200, "{}") }).await;
    let world = Setup::new(&server.url).world();
    let before = world.clock.now();
    assert!(world.write().await.is_ok(), "a refused write had no effect and is sent again");
    assert!(world.clock.now().since(before) >= Duration::from_secs(7));
    assert_eq!(server.requests(), 2);
    assert_eq!(world.client.budget().paused_until, None, "the pause is over");
}

#[tokio::test]
async fn a_long_pause_is_an_error_that_says_when_to_return() {
    let server = Server::start(|_, _| refused(("retry-after", "3600"))).await;
    let world = Setup::new(&server.url).world();
    let began = world.clock.now();
    let until = began.saturating_add(Duration::from_secs(3_600));
    let error = world.get("/a").await.unwrap_err();
    assert_eq!((error.kind, error.retry_at), (ErrorKind::Quota, Some(until)));
    assert_eq!(world.client.budget().paused_until, Some(until));
    assert_eq!(world.write().await.unwrap_err().kind, ErrorKind::Quota);
    assert_eq!(server.requests(), 1, "nothing is sent during the pause");
    world.clock.leap(Duration::from_secs(3_600));
    world.get("/a").await.unwrap_err();
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn a_used_up_day_ends_at_its_midnight() {
    let server = Server::start(|nth, _| if nth == 0 { refused(("x-daily", "1")) } else { answer(200, "{}") }).await;
    let world = Setup::new(&server.url).world();
    let midnight = world.clock.now().saturating_add(Duration::from_secs(5_000));
    world.client.daily_resets_at(midnight);
    for _ in 0..2 {
        let error = world.get("/a").await.unwrap_err();
        assert_eq!((error.kind, error.retry_at), (ErrorKind::Quota, Some(midnight)));
    }
    assert_eq!(server.requests(), 1);
    world.clock.leap(Duration::from_secs(5_000));
    assert!(world.get("/a").await.is_ok());
}

#[tokio::test]
async fn refusals_again_and_again_end_with_the_instant_to_return() {
    let server = Server::start(|_, _| refused(("retry-after", "1"))).await;
    let world = Setup::new(&server.url).world();
    let error = world.get("/a").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Quota);
    assert!(error.retry_at.is_some_and(|at| at > Timestamp::from_secs(1_790_000_000)));
    assert_eq!(server.requests(), 5);
}

#[tokio::test]
async fn no_window_holds_more_than_the_limit() {
    let stamps: Arc<Mutex<Vec<i64>>> = Arc::default();
    let clock: Arc<Mutex<Option<Arc<connector_conformance::LeapClock>>>> = Arc::default();
    let server = Server::start({
        let (stamps, clock) = (stamps.clone(), clock.clone());
        move |_, _| {
            let now = clock.lock().unwrap().as_ref().map_or(0, |clock| clock.now().micros());
            stamps.lock().unwrap().push(now);
            answer(200, "{}")
        }
    })
    .await;
    let world = Setup { limit: 20, ..Setup::new(&server.url) }.world();
    *clock.lock().unwrap() = Some(world.clock.clone());
    for result in join_all((0..150).map(|_| world.get("/a"))).await {
        result.unwrap();
    }
    let stamps = stamps.lock().unwrap();
    assert_eq!(stamps.len(), 150);
    for from in stamps.iter() {
        let within = stamps.iter().filter(|at| (*from..from + 10_000_000).contains(*at)).count();
        assert!(within <= 20, "{within} requests in one window");
    }
}

#[tokio::test]
async fn headers_raise_and_lower_the_limit() {
    let server = Server::start(|_, _| {
        let builder = Response::builder().header("x-max", "500").header("x-remaining", "499");
        builder.body(Body::from("{}")).unwrap()
    })
    .await;
    let world = Setup { limit: 2, ..Setup::new(&server.url) }.world();
    let before = world.clock.now();
    for _ in 0..40 {
        world.get("/a").await.unwrap();
    }
    let took = world.clock.now().since(before);
    assert!(took < Duration::from_secs(10), "at 2 per 10 s it would have taken 190 s, it took {took:?}");
}
