//! The bodies of faults, addresses that are too long, gzip both ways.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use reqwest::Method;
use serde_json::json;

use crate::org::{Org, code, read};

#[tokio::test]
async fn a_fault_speaks_as_the_vendor_would() {
    let org = Org::with(1).await;
    for (fault, status, error) in [
        ("401", 401, "INVALID_SESSION_ID"),
        ("403", 403, "REQUEST_LIMIT_EXCEEDED"),
        ("429_daily", 403, "REQUEST_LIMIT_EXCEEDED"),
        ("503", 503, "SERVER_UNAVAILABLE"),
        ("500", 500, "UNKNOWN_EXCEPTION"),
    ] {
        org.config(json!({ "plan": [{ "path": "/services/data", "fault": fault }] })).await;
        let (answered, body) = org.get("limits").await;
        assert_eq!((answered.as_u16(), code(&body)), (status, error), "{fault}");
        assert_eq!(org.get("limits").await.0, 200);
    }
    for (fault, status, kind, empty) in
        [("420", 420, "text/html", false), ("502", 502, "text/html", false), ("406", 406, "", true)]
    {
        org.config(json!({ "plan": [{ "fault": fault }] })).await;
        let answer = org.call(Method::GET, "limits").send().await.unwrap();
        let content = answer.headers().get("content-type").map_or("", |value| value.to_str().unwrap()).to_owned();
        assert_eq!(answer.status().as_u16(), status);
        assert!(content.starts_with(kind), "{content}");
        assert_eq!(answer.text().await.unwrap().is_empty(), empty, "{fault}");
    }
}

#[tokio::test]
async fn an_address_has_a_length_and_so_have_its_headers() {
    let org = Org::with(0).await;
    let long = format!("sobjects/Contact/describe?x={}", "y".repeat(16_400));
    let answer = org.call(Method::GET, &long).send().await.unwrap();
    assert_eq!(answer.status(), 414);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    let short = format!("sobjects/Contact/describe?x={}", "y".repeat(16_000));
    let answer = org.call(Method::GET, &short).header("x-more", "z".repeat(500)).send().await.unwrap();
    assert_eq!(answer.status(), 431);
}

#[tokio::test]
async fn bodies_are_gzipped_both_ways_when_asked() {
    let org = Org::with(0).await;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(br#"{"LastName":"Ruiz"}"#).unwrap();
    let zipped = encoder.finish().unwrap();
    let call = |body: Vec<u8>| {
        let call = org.call(Method::POST, "sobjects/Contact").header("content-type", "application/json");
        call.header("content-encoding", "gzip").body(body)
    };
    let half = zipped[..zipped.len() / 2].to_vec();
    assert_eq!(call(half).send().await.unwrap().status(), 400);
    let (status, body) = read(call(zipped).send().await.unwrap()).await;
    assert_eq!(status, 201, "{body}");

    // A client that does not unzip by itself shows what came over the wire.
    let plain = reqwest::Client::builder().no_proxy().no_gzip().build().unwrap();
    let url = format!("{}/services/data/v67.0/sobjects/Contact/describe", org.mock.url());
    let ask = plain.get(url).bearer_auth(&org.token);
    let answer = ask.try_clone().unwrap().header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    let mut text = String::new();
    GzDecoder::new(&*answer.bytes().await.unwrap()).read_to_string(&mut text).unwrap();
    assert_eq!(text, ask.send().await.unwrap().text().await.unwrap());
}

#[tokio::test]
async fn a_body_may_come_in_chunks() {
    let org = Org::with(0).await;
    let parts = ["{\"Last", "Name\":\"", "Ruiz\"}"].map(Ok::<_, std::io::Error>);
    let body = reqwest::Body::wrap_stream(futures::stream::iter(parts));
    let call = org.call(Method::POST, "sobjects/Contact").header("content-type", "application/json").body(body);
    assert_eq!(call.send().await.unwrap().status(), 201);
}
