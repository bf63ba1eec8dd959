//! `deleted` and `updated`: windows of whole minutes, and how far they are covered.

use serde_json::{Value, json};

use crate::org::{Org, code};

impl Org {
    async fn changes(&self, what: &str, start: &str, end: &str) -> Value {
        let (status, body) = self.get(&window("Contact", what, start, end)).await;
        assert_eq!(status, 200, "{body}");
        body
    }
}

fn window(object: &str, what: &str, start: &str, end: &str) -> String {
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("sobjects/{object}/{what}/?start={}&end={}", encode(start), encode(end))
}

#[tokio::test]
async fn changes_are_found_by_the_minute_and_covered_to_now() {
    let org = Org::with(0).await;
    org.freeze("2026-03-04T05:06:07Z").await;
    let kept = org.create("Contact", json!({ "LastName": "Kept" })).await;
    let gone = org.create("Contact", json!({ "LastName": "Gone" })).await;
    org.freeze("2026-03-04T05:10:30Z").await;
    org.delete(&format!("sobjects/Contact/{gone}")).await;
    org.freeze("2026-03-04T05:20:40Z").await;
    let updated = org.changes("updated", "2026-03-04T05:06:59+00:00", "2026-03-04T06:00:00Z").await;
    assert_eq!(updated, json!({ "ids": [kept], "latestDateCovered": "2026-03-04T05:20:00.000+0000" }));
    let deleted = org.changes("deleted", "2026-03-04T05:10:00.000+0000", "2026-03-04T05:12:00+00:00").await;
    assert_eq!(
        deleted,
        json!({ "deletedRecords": [{ "id": gone, "deletedDate": "2026-03-04T05:10:00.000+0000" }],
                "earliestDateAvailable": "2026-02-17T05:20:00.000+0000",
                "latestDateCovered": "2026-03-04T05:12:00.000+0000" })
    );
    // The end's minute is outside, and so is what was before the start's.
    let later = org.changes("deleted", "2026-03-04T05:11:00Z", "2026-03-04T05:20:00Z").await;
    let earlier = org.changes("deleted", "2026-03-04T05:00:00Z", "2026-03-04T05:10:59Z").await;
    assert_eq!((later["deletedRecords"].clone(), earlier["deletedRecords"].clone()), (json!([]), json!([])));
}

#[tokio::test]
async fn bad_windows_are_refused() {
    let org = Org::with(1).await;
    org.freeze("2026-03-04T05:06:07Z").await;
    for (what, start, end) in [
        ("deleted", "2026-03-04T05:00:00Z", "2026-03-04T05:01:59Z"),
        ("updated", "2026-03-04T05:02:00Z", "2026-03-04T05:00:00Z"),
        ("deleted", "2026-02-17T00:00:00Z", "2026-03-04T05:00:00Z"),
        ("updated", "2026-02-01T00:00:00Z", "2026-03-04T05:00:00Z"),
        ("updated", "2026-03-01", "2026-03-04T05:00:00Z"),
        ("updated", "2026-03-01T00:00:00 00:00", "2026-03-04T05:00:00Z"),
    ] {
        let (status, body) = org.get(&window("Contact", what, start, end)).await;
        assert_eq!((status.as_u16(), code(&body)), (400, "INVALID_REPLICATION_DATE"), "{what} {start} {end}");
    }
    let (_, body) = org.get(&window("Contact", "deleted", "2026-03-04T05:00:00Z", "2026-03-04T05:01:00Z")).await;
    assert_eq!(body[0]["message"], "startDate must precede endDate by more than one minute");
    assert_eq!(org.get("sobjects/Contact/deleted?start=2026-03-04T05:00:00Z").await.0, 400);
    let ok = window("Contact", "updated", "2026-02-03T00:00:00Z", "2026-03-04T05:00:00Z");
    assert_eq!(org.get(&ok).await.0, 200);
    assert_eq!(org.get(&window("Nope", "updated", "2026-03-04T05:00:00Z", "2026-03-04T05:05:00Z")).await.0, 404);
    let setup = window("PermissionSet", "deleted", "2026-03-04T05:00:00Z", "2026-03-04T05:05:00Z");
    assert_eq!(org.get(&setup).await.0, 400);
}

#[tokio::test]
async fn what_is_covered_stops_before_changes_nobody_sees_yet() {
    let org = Org::with(0).await;
    org.freeze("2026-03-04T05:06:07Z").await;
    org.config(json!({ "commit_delay_ms": 600_000 })).await;
    let late = org.create("Contact", json!({ "LastName": "Late" })).await;
    org.config(json!({ "commit_delay_ms": 0 })).await;
    org.freeze("2026-03-04T05:12:00Z").await;
    let prompt = org.create("Contact", json!({ "LastName": "Prompt" })).await;
    let (start, end) = ("2026-03-04T05:00:00Z", "2026-03-04T05:30:00Z");
    let hidden = org.changes("updated", start, end).await;
    assert_eq!(hidden, json!({ "ids": [prompt], "latestDateCovered": "2026-03-04T05:06:00.000+0000" }));
    org.freeze("2026-03-04T05:17:00Z").await;
    let shown = org.changes("updated", start, end).await;
    assert_eq!(shown, json!({ "ids": [late, prompt], "latestDateCovered": "2026-03-04T05:17:00.000+0000" }));
    org.config(json!({ "open_transaction_s": 300 })).await;
    let held = org.changes("deleted", start, end).await;
    assert_eq!(held["latestDateCovered"], "2026-03-04T05:12:00.000+0000");
}

#[tokio::test]
async fn a_purged_log_says_from_when_it_reaches_and_an_undeleted_record_is_not_deleted() {
    let org = Org::with(0).await;
    org.freeze("2026-03-04T05:06:07Z").await;
    let mut gone = Vec::new();
    for name in ["A", "B", "C", "D"] {
        gone.push(org.create("Contact", json!({ "LastName": name })).await);
    }
    org.delete(&format!("sobjects/Contact/{}", gone[0])).await;
    org.freeze("2026-03-04T05:20:30Z").await;
    org.rep("purge-deleted", json!({ "object": "Contact" })).await;
    org.freeze("2026-03-04T05:30:00Z").await;
    for id in &gone[1..] {
        org.delete(&format!("sobjects/Contact/{id}")).await;
    }
    org.rep("restore", json!({ "object": "Contact", "id": gone[1] })).await;
    org.rep("erase", json!({ "object": "Contact", "id": gone[2] })).await;
    org.freeze("2026-03-04T05:40:00Z").await;
    let body = org.changes("deleted", "2026-03-04T05:00:00Z", "2026-03-04T06:00:00Z").await;
    let found: Vec<&str> =
        body["deletedRecords"].as_array().expect("records").iter().filter_map(|r| r["id"].as_str()).collect();
    assert_eq!(found, [gone[2].as_str(), gone[3].as_str()], "a hard delete is in the log, an undelete takes out");
    assert_eq!(body["earliestDateAvailable"], "2026-03-04T05:21:00.000+0000");
    let all =
        org.soql_path("SELECT Id FROM Contact WHERE IsDeleted = TRUE ORDER BY Id").replacen("query", "queryAll", 1);
    let (_, bin) = org.get(&all).await;
    assert_eq!(bin["records"].as_array().map(Vec::len), Some(2), "hard-deleted ones are in no query: {bin}");
}
