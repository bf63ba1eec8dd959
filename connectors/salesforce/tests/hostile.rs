//! Servers that are broken, overloaded or hostile: what is sent to them, how often, and what comes of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod stand_in;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::http::Response;
use connector::{Connector, ErrorKind, FieldName, Object, ReadKey, ReadRequest, Value};
use serde_json::{Value as Json, json};
use stand_in::scripted::{Hit, Scripted, answer, described, reply, token};

fn refused(status: u16, code: &str, message: &str) -> Response<Body> {
    reply(status, &json!([{ "errorCode": code, "message": message }]))
}

/// A read that a query answers.
fn by_email() -> ReadRequest {
    let by = ReadKey::Unique { field: "Email".into(), values: vec![Value::from("ada@acme.example")] };
    ReadRequest { object: Object::Contact, fields: vec![FieldName::from("Email")], by }
}

fn record(id: &str) -> Json {
    json!({ "Id": id, "Email": "ada@acme.example", "SystemModstamp": "2026-03-04T05:06:07.000+0000" })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_elsewhere_is_never_spoken_to() {
    let stranger = Scripted::start(|_, _, own| token(own)).await;
    let named = stranger.url.clone();
    let server = Scripted::start(move |_, _, _| token(&named)).await;
    let connector = server.connector();
    let error = connector.check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol, "{error}");
    assert!(error.fix.is_some_and(|fix| fix.contains("base_url")));
    assert_eq!((stranger.hits().len(), server.calls()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configured_address_is_the_only_one_whatever_the_sign_in_names() {
    let stranger = Scripted::start(|_, _, own| token(own)).await;
    let named = stranger.url.clone();
    let server = Scripted::start(move |hit, _, _| {
        if hit.is_sign_in() {
            return token(&named);
        }
        reply(200, &json!({ "done": true, "totalSize": 1, "records": [{ "Id": "00DB00000000000MAA" }] }))
    })
    .await;
    let mut config = stand_in::config(&server.url);
    config.base_url = Some(server.url.clone());
    let connector = server.connector_with(config, stand_in::vault());
    assert_eq!(&*connector.check().await.unwrap().id, "00DB00000000000MAA");
    assert_eq!(stranger.hits().len(), 0);
}

/// A server whose answers go on at `next`.
async fn going_on_at(next: impl Fn(&str) -> String + Send + Sync + 'static) -> Scripted {
    Scripted::start(move |hit, _, own| match hit.path.as_str() {
        _ if hit.is_sign_in() => token(own),
        path if path.ends_with("/describe") => described(&[]),
        path if path.contains("/query?q=") => {
            let page = json!({ "done": false, "totalSize": 2, "nextRecordsUrl": next(own), "records": [record("003xx000004TmiQAAS")] });
            reply(200, &page)
        }
        _ => reply(200, &json!({ "done": true, "totalSize": 2, "records": [record("003xx000004TmiRAAS")] })),
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_next_page_elsewhere_is_asked_for_here() {
    let stranger = Scripted::start(|_, _, own| token(own)).await;
    let elsewhere = stranger.url.clone();
    let server = going_on_at(move |_| format!("{elsewhere}/services/data/v67.0/query/01g-2000")).await;
    let records = server.connector().read(&by_email()).await.unwrap();
    assert_eq!(records.len(), 2);
    assert_eq!(stranger.hits().len(), 0);
    assert!(server.hits().iter().any(|hit| hit.path == "/services/data/v67.0/query/01g-2000"));
    for outside in ["/steal", "//evil.example/services/data/x", "/services/data/../../oauth2/token"] {
        let server = going_on_at(move |_| outside.to_owned()).await;
        let error = server.connector().read(&by_email()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Protocol, "{outside}: {error}");
        assert_eq!(server.calls(), 2, "{outside}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let stranger = Scripted::start(|_, _, own| token(own)).await;
    let to = stranger.url.clone();
    let server = Scripted::start(move |hit, _, own| {
        if hit.is_sign_in() {
            return token(own);
        }
        Response::builder().status(302).header("location", to.as_str()).body(Body::empty()).unwrap()
    })
    .await;
    let error = server.connector().check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol, "{error}");
    assert_eq!((stranger.hits().len(), server.calls()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_behind_the_front_door_is_asked_three_times() {
    for status in [420, 406] {
        let server =
            Scripted::start(
                move |hit, _, own| {
                    if hit.is_sign_in() { token(own) } else { answer(status, "<html>nobody here</html>") }
                },
            )
            .await;
        let error = server.connector().check().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Transient, "{error}");
        assert!(!error.to_string().contains("html"), "{error}");
        assert_eq!(server.calls(), 3, "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn too_long_an_address_is_not_sent_again() {
    for status in [414, 431] {
        let server =
            Scripted::start(
                move |hit, _, own| {
                    if hit.is_sign_in() { token(own) } else { answer(status, "<html>Bad Message</html>") }
                },
            )
            .await;
        assert_eq!(server.connector().check().await.unwrap_err().kind, ErrorKind::Protocol);
        assert_eq!(server.calls(), 1, "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_401_ends_after_one_renewal() {
    let server = Scripted::start(|hit, _, own| {
        if hit.is_sign_in() { token(own) } else { refused(401, "INVALID_SESSION_ID", "Session expired or invalid") }
    })
    .await;
    let error = server.connector().check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Auth, "{error}");
    assert_eq!((server.calls(), server.sign_ins()), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_token_cannot_mend_gets_none() {
    for message in ["This session is not valid for use with the REST API", "Connected app is not attached to Agent"] {
        let server =
            Scripted::start(
                move |hit, _, own| {
                    if hit.is_sign_in() { token(own) } else { refused(401, "INVALID_SESSION_ID", message) }
                },
            )
            .await;
        let error = server.connector().check().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Auth, "{error}");
        assert!(error.fix.is_some());
        assert_eq!((server.calls(), server.sign_ins()), (1, 1), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn html_instead_of_a_page_is_no_empty_page() {
    let server = Scripted::start(|hit, _, own| match hit.path.as_str() {
        _ if hit.is_sign_in() => token(own),
        path if path.ends_with("/describe") => described(&[]),
        _ => answer(200, "<html>We are down for maintenance</html>"),
    })
    .await;
    let error = server.connector().read(&by_email()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol, "{error}");
    assert!(!error.to_string().contains("maintenance"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_moments_limit_is_waited_out_and_the_days_is_told() {
    let server = Scripted::start(|hit, before, own| match before {
        _ if hit.is_sign_in() => token(own),
        0..=2 => refused(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."),
        _ => reply(200, &json!({ "done": true, "totalSize": 1, "records": [{ "Id": "00DB00000000000MAA" }] })),
    })
    .await;
    assert!(server.connector().check().await.is_ok());
    let server = Scripted::start(|hit, _, own| {
        if hit.is_sign_in() {
            token(own)
        } else {
            refused(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        }
    })
    .await;
    let connector = server.connector();
    let error = connector.check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Quota, "{error}");
    assert!(error.retry_at.is_some());
    assert_eq!(connector.check().await.unwrap_err().kind, ErrorKind::Quota);
    assert_eq!(server.calls(), 1, "a used-up day is not asked again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_vanished_is_asked_for_no_more_and_told() {
    let describes = Arc::new(AtomicUsize::new(0));
    let count = describes.clone();
    let server = Scripted::start(move |hit: &Hit, _, own| match hit.path.as_str() {
        _ if hit.is_sign_in() => token(own),
        path if path.ends_with("/describe") => match count.fetch_add(1, Ordering::SeqCst) {
            0 => described(&["Gone__c"]),
            _ => described(&[]),
        },
        path if path.contains("Gone__c") => refused(
            400,
            "INVALID_FIELD",
            "\nSELECT Gone__c\nERROR at Row:1:Column:1\nNo such column 'Gone__c' on entity 'Contact'.",
        ),
        _ => reply(200, &json!({ "done": true, "totalSize": 1, "records": [record("003xx000004TmiQAAS")] })),
    })
    .await;
    let mut request = connector::PullRequest {
        stream: connector::Stream::Records(Object::Contact),
        fields: vec!["Email".into(), "Gone__c".into()],
        links: Vec::new(),
        cursor: None,
        since: None,
    };
    let connector = server.connector();
    let page = connector.pull(&request).await.unwrap();
    assert_eq!(page.undefined, [FieldName::from("Gone__c")]);
    assert_eq!(page.records.len(), 1);
    assert_eq!(page.records[0].fields.get("Gone__c"), None);
    request.cursor = Some(page.resume);
    assert_eq!(connector.pull(&request).await.unwrap().undefined, [FieldName::from("Gone__c")]);
    assert_eq!(describes.load(Ordering::SeqCst), 2, "a description is asked for again once, not for every page");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_too_long_for_an_address_goes_into_a_body() {
    let server = Scripted::start(|hit, _, own| match hit.path.as_str() {
        _ if hit.is_sign_in() => token(own),
        path if path.ends_with("/describe") => described(&[]),
        path if path.ends_with("/composite") => {
            let body = json!({ "done": true, "totalSize": 1, "records": [record("003xx000004TmiQAAS")] });
            reply(
                200,
                &json!({ "compositeResponse": [{ "body": body, "httpStatusCode": 200, "referenceId": "query" }] }),
            )
        }
        _ => answer(414, "<html>"),
    })
    .await;
    let values = (0..2_000).map(|number| Value::from(format!("a.{number}@acme.example").as_str())).collect();
    let by = ReadKey::Unique { field: "Email".into(), values };
    let records = server.connector().read(&ReadRequest { by, ..by_email() }).await.unwrap();
    assert_eq!(records.len(), 1);
    assert!(server.hits().iter().all(|hit| hit.path.len() < 16_384));
    assert_eq!(server.calls(), 2, "one description, one query");
}
