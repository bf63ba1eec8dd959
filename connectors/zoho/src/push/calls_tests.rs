//! What calls are made of rows, and in which order.

use std::borrow::Cow;

use connector::{Entropy, Fields, Hints, Object, Operation, SeededEntropy, Timestamp, Write};

use super::*;

const IDS: [&str; 3] = ["554100", "554200", "554300"];

fn settled(how: How, body: &str) -> Vec<String> {
    let lane = Lane { object: Object::Contact, module: "Contacts".into(), how };
    let write = |id: &str| Write {
        key: SeededEntropy::new(1).uuid(Timestamp::EPOCH),
        object: Object::Contact,
        operation: Operation::Update { id: id.into() },
        fields: Fields::new(),
        hints: Hints::default(),
    };
    let writes = IDS.map(write);
    let mut batch: Vec<Sent<'_>> = Vec::new();
    for (place, write) in writes.iter().enumerate() {
        batch.push(Sent { place, key: IDS[place].into(), seen: None, fields: Cow::Borrowed(&write.fields) });
    }
    let rows: Answered = serde_json::from_str(body).unwrap();
    settle(&lane, "update", &batch, rows.data)
        .iter()
        .map(|answer| match answer {
            RowAnswer::Done { created: true, .. } => "created".into(),
            RowAnswer::Done { modified_at: Some(at), .. } => format!("done {at}"),
            RowAnswer::Done { .. } => "done".into(),
            RowAnswer::Refused(fault) => fault.code.clone(),
            RowAnswer::Lost(_) => "lost".into(),
            RowAnswer::NotSent(_) => "not sent".into(),
        })
        .collect()
}

const BY_ID: How = How::ById { look: None };

#[test]
fn each_row_has_its_answer() {
    let body = r#"{"data":[
        {"code":"SUCCESS","details":{"Modified_Time":"2026-01-05T10:01:00+00:00","id":"554100"},"message":"record updated","status":"success"},
        {"code":"INVALID_DATA","details":{"id":"554200","api_name":"id"},"message":"the id given seems to be invalid","status":"error"},
        {"code":"","details":{},"status":"error"}]}"#;
    assert_eq!(settled(BY_ID, body), ["done 2026-01-05T10:01:00Z", "INVALID_DATA", "lost"]);
    let by_key = How::ByKey { field: "K".into() };
    let body = r#"{"data":[
        {"code":"SUCCESS","duplicate_field":null,"action":"insert","details":{"id":"1"},"status":"success"},
        {"code":"SUCCESS","duplicate_field":"K","action":"update","details":{"id":"2"},"status":"success"},
        {"code":"SUCCESS","duplicate_field":"Email","action":"update","details":{"id":"3"},"status":"success"}]}"#;
    assert_eq!(settled(by_key, body), ["created", "done", "lost"]);
}

#[test]
fn answers_that_are_not_the_rows_own_are_not_believed() {
    let two = r#"{"data":[{"code":"SUCCESS","details":{"id":"554100"},"status":"success"},{"code":"SUCCESS","details":{"id":"554300"},"status":"success"}]}"#;
    assert_eq!(settled(BY_ID, two), ["lost"; 3]);
    let shuffled = r#"{"data":[{"code":"SUCCESS","details":{"id":"554300"},"status":"success"},
        {"code":"SUCCESS","details":{"id":"554200"},"status":"success"},{"code":"SUCCESS","details":{"id":"554100"},"status":"success"}]}"#;
    assert_eq!(settled(BY_ID, shuffled), ["lost"; 3]);
}
