//! Answers that no faithful organisation gives: each is an error that says what was attempted, and nothing follows it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod stand_in;

use std::sync::atomic::{AtomicUsize, Ordering};

use connector::{
    Connector, Cursor, Entropy, ErrorKind, Fields, Hints, Object, Operation, Outcome, PullRequest, ReadKey,
    ReadRequest, SeededEntropy, Stream, Timestamp, Value, Write,
};
use serde_json::json;
use stand_in::scripted::{Said, Scripted};

fn contacts() -> PullRequest {
    let stream = Stream::Records(Object::Contact);
    PullRequest { stream, fields: vec!["Email".into()], links: Vec::new(), cursor: None, since: None }
}

fn update(id: &str) -> Write {
    let key = SeededEntropy::new(3).uuid(Timestamp::EPOCH);
    let operation = Operation::Update { id: id.into() };
    Write {
        key,
        object: Object::Contact,
        operation,
        fields: Fields::from([("Last_Name", "x")]),
        hints: Hints::default(),
    }
}

#[tokio::test]
async fn a_sign_in_is_a_token_and_nothing_else() {
    let check = async |status: u16, body: &'static str, kind: ErrorKind| {
        let server =
            Scripted::start(move |hit| hit.is("POST /oauth").then(|| Said::bytes(status, body.as_bytes().to_vec())))
                .await;
        let error = server.connector(|_| {}).check().await.unwrap_err();
        assert_eq!(error.kind, kind, "{status} {body}: {error}");
        assert!(error.fix.is_some(), "{status} {body}");
        assert_eq!(server.count("GET"), 0, "nothing was asked without a token");
    };
    check(200, r#"{"error":"invalid_code"}"#, ErrorKind::Auth).await;
    check(200, "<html>sign in</html>", ErrorKind::Protocol).await;
    check(200, "{}", ErrorKind::Protocol).await;
    let denied = r#"{"error_description":"You have made too many requests continuously.","error":"Access Denied"}"#;
    check(400, denied, ErrorKind::Quota).await;
    check(200, r#"{"access_token":"a\nb"}"#, ErrorKind::Config).await;
}

#[tokio::test]
async fn an_api_domain_of_a_stranger_gets_no_token() {
    let server = Scripted::start(|hit| {
        let granted =
            json!({ "access_token": "1000.a", "expires_in": 3_600, "api_domain": "https://zoho.evil.example" });
        hit.is("POST /oauth").then(|| Said::json(200, granted))
    })
    .await;
    let error = server.connector(|config| config.base_url = None).check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol);
    assert!(error.cause.contains("api_domain") && !error.cause.contains("evil"), "{error}");
    // A pinned address is the only one, whatever the answer says.
    assert!(server.connector(|_| {}).check().await.is_ok());
}

#[tokio::test]
async fn a_page_that_is_none_is_no_end_of_anything() {
    for body in [
        "{}",
        "null",
        "<html>",
        r#"{"data":[{"Email":"x"}],"info":{}}"#,
        r#"{"data":[{"id":"1/../2"}],"info":{}}"#,
        r#"{"data":"#,
    ] {
        let server = Scripted::start(move |hit| {
            hit.is("GET /crm/v8/Contacts").then(|| Said::bytes(200, body.as_bytes().to_vec()))
        })
        .await;
        let error = server.connector(|_| {}).pull(&contacts()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Protocol, "{body}: {error}");
        assert!(!error.to_string().contains("html"), "{error}");
    }
}

#[tokio::test]
async fn pages_that_go_round_in_circles_end() {
    let server = Scripted::start(|hit| {
        let row = json!({ "id": "554100", "Modified_Time": "2026-01-05T10:00:00+00:00" });
        let page = json!({ "data": [row], "info": { "more_records": true, "next_page_token": null } });
        (hit.is("GET /crm/v8/Contacts") || hit.is("POST /crm/v8/coql")).then(|| Said::json(200, page))
    })
    .await;
    let zoho = server.connector(|config| config.limits.bulk_read_above = u64::MAX);
    let mut request = contacts();
    let mut error = None;
    for _ in 0..10 {
        match zoho.pull(&request).await {
            Ok(page) => request.cursor = Some(page.resume),
            Err(told) => {
                error = Some(told);
                break;
            }
        }
    }
    assert_eq!(error.expect("it ends").kind, ErrorKind::Protocol);
}

#[tokio::test]
async fn a_token_zoho_has_forgotten_begins_again_at_the_last_record() {
    let server = Scripted::start(|hit| {
        let row = |id: &str| json!({ "id": id, "Modified_Time": "2026-01-05T10:00:00+00:00" });
        if hit.is("POST /crm/v8/coql") {
            let refused = json!({ "code": "OAUTH_SCOPE_MISMATCH", "details": {}, "message": "m", "status": "error" });
            return Some(Said::json(401, refused));
        }
        if !hit.is("GET /crm/v8/Contacts") {
            return None;
        }
        let since = hit.headers.get("if-modified-since").and_then(|value| value.to_str().ok());
        Some(match (hit.line.contains("page_token=old"), since) {
            (true, _) => Said::json(
                400,
                json!({ "code": "EXPIRED_VALUE", "details": { "api_name": "page_token" }, "status": "error" }),
            ),
            (false, Some("2026-01-05T09:59:59+00:00")) => {
                Said::json(200, json!({ "data": [row("554100"), row("554200")], "info": { "more_records": false } }))
            }
            _ => Said::json(
                200,
                json!({ "data": [row("554100")], "info": { "more_records": true, "next_page_token": "old" } }),
            ),
        })
    })
    .await;
    let zoho = server.connector(|config| config.limits.bulk_read_above = u64::MAX);
    let mut request = contacts();
    let mut seen = Vec::new();
    for _ in 0..5 {
        let page = zoho.pull(&request).await.unwrap();
        seen.extend(page.records.iter().map(|record| record.id.to_string()));
        request.cursor = Some(page.resume);
        if !page.more {
            break;
        }
    }
    assert!(seen.contains(&"554200".to_owned()), "{seen:?}");
}

#[tokio::test]
async fn a_query_cannot_be_ended_by_a_value() {
    let server = Scripted::start(|hit| hit.is("POST /crm/v8/coql").then(|| Said::bytes(204, Vec::new()))).await;
    let values = ["o'neil@x.example", r"a\' or id is not null", "two\nlines"].map(Value::from).to_vec();
    let by = ReadKey::Unique { field: "Email".into(), values };
    let request = ReadRequest { object: Object::Contact, fields: Vec::new(), by };
    assert_eq!(server.connector(|_| {}).read(&request).await.unwrap(), []);
    let hits = server.hits();
    let asked = hits.iter().find(|hit| hit.is("POST /crm/v8/coql")).unwrap().json();
    let text = asked["select_query"].as_str().unwrap();
    assert!(text.contains(r"in ('a\\\' or id is not null', 'o\'neil@x.example')"), "{text}");
}

#[tokio::test]
async fn answers_to_writes_that_do_not_fit_are_never_success() {
    for body in [
        json!({}),
        json!({ "data": [] }),
        json!({ "data": [{ "code": "SUCCESS", "status": "success", "details": { "id": "554999" } }] }),
        json!({ "data": [{}, {}] }),
    ] {
        let shown = body.to_string();
        let server =
            Scripted::start(move |hit| hit.is("PUT /crm/v8/Contacts").then(|| Said::json(200, body.clone()))).await;
        let outcomes = server.connector(|_| {}).push(&[update("554100")]).await.unwrap();
        assert!(matches!(outcomes[..], [Outcome::Ambiguous(_)]), "{shown}: {outcomes:?}");
        assert_eq!(server.count("PUT"), 1, "nothing is sent again");
    }
}

#[tokio::test]
async fn a_call_refused_as_a_whole_is_parted_until_the_bad_row_stands_alone() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let server = Scripted::start(|hit| {
        if !hit.is("PUT /crm/v8/Contacts") {
            return None;
        }
        CALLS.fetch_add(1, Ordering::SeqCst);
        let rows = hit.json()["data"].as_array().unwrap().clone();
        if rows.iter().any(|row| row["id"] == "554103") {
            return Some(Said::json(
                400,
                json!({ "code": "INVALID_DATA", "details": {}, "message": "m", "status": "error" }),
            ));
        }
        let done =
            |row: &serde_json::Value| json!({ "code": "SUCCESS", "status": "success", "details": { "id": row["id"] } });
        Some(Said::json(200, json!({ "data": rows.iter().map(done).collect::<Vec<_>>() })))
    })
    .await;
    let writes: Vec<Write> = (0..8).map(|at| update(&format!("55410{at}"))).collect();
    let outcomes = server.connector(|_| {}).push(&writes).await.unwrap();
    let bad: Vec<usize> = (0..8).filter(|at| !matches!(outcomes[*at], Outcome::Done { .. })).collect();
    assert_eq!(bad, [3], "{outcomes:?}");
    assert!(CALLS.load(Ordering::SeqCst) <= 7);
}

#[tokio::test]
async fn an_upsert_matched_by_another_field_is_no_success() {
    let server = Scripted::start(|hit| {
        if hit.is("POST /crm/v8/coql") {
            return Some(Said::bytes(204, Vec::new()));
        }
        let row = json!({ "code": "SUCCESS", "status": "success", "action": "update", "duplicate_field": "Card", "details": { "id": "554100" } });
        hit.is("POST /crm/v8/Contacts/upsert").then(|| Said::json(200, json!({ "data": [row] })))
    })
    .await;
    let operation = Operation::Upsert { field: "CDP_profile_id".into(), value: "p-1".into() };
    let fields = Fields::from([("CDP_profile_id", "p-1"), ("Last_Name", "x")]);
    let outcomes = server.connector(|_| {}).push(&[Write { operation, fields, ..update("1") }]).await.unwrap();
    assert!(matches!(&outcomes[0], Outcome::Ambiguous(error) if error.cause.contains("Card")), "{outcomes:?}");
    let hits = server.hits();
    let sent = hits.iter().find(|hit| hit.is("POST /crm/v8/Contacts/upsert")).unwrap().json();
    assert_eq!((&sent["duplicate_check_fields"], &sent["trigger"]), (&json!(["CDP_profile_id"]), &json!([])));
}

#[tokio::test]
async fn a_unique_value_of_somebody_else_keeps_an_upsert_at_home() {
    let server = Scripted::start(|hit| {
        let row = json!({ "id": "554700", "Card": "C-1", "CDP_profile_id": "p-7" });
        hit.is("POST /crm/v8/coql").then(|| Said::json(200, json!({ "data": [row], "info": {} })))
    })
    .await;
    let operation = Operation::Upsert { field: "CDP_profile_id".into(), value: "p-1".into() };
    let fields = Fields::from([("CDP_profile_id", "p-1"), ("Card", "c-1")]);
    let outcomes = server.connector(|_| {}).push(&[Write { operation, fields, ..update("1") }]).await.unwrap();
    let Outcome::Rejected(rejection) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!(rejection.reason, connector::Reason::Duplicate { existing: Some("554700".into()) });
    assert_eq!(server.count("POST /crm/v8/Contacts"), 0);
}

#[tokio::test]
async fn a_checkpoint_of_another_stream_is_refused() {
    let server = Scripted::start(|_| None).await;
    let zoho = server.connector(|_| {});
    for (stream, cursor) in [
        (Stream::Records(Object::Contact), r#"{"v":1,"at":{"listed":{"page":2}}}"#),
        (Stream::Records(Object::User), r#"{"v":1,"at":{"changes":{"mark":7}}}"#),
        (Stream::Deletions(Object::Contact), r#"{"v":1,"at":{"sweep":{}}}"#),
        (Stream::Records(Object::Contact), r#"{"v":1,"at":{"walk":{"part":9,"began":1}}}"#),
        (Stream::Associations(Object::Deal), "{}"),
    ] {
        let request = PullRequest { stream, cursor: Some(Cursor::new(cursor)), ..contacts() };
        let error = zoho.pull(&request).await.unwrap_err();
        assert!(error.kind == ErrorKind::Protocol && error.fix.is_some(), "{cursor}: {error}");
    }
}
