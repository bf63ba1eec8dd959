//! The figures beside the story (`cdp-semantics` §10): wrong clocks, local days, domains in other scripts. Fading points are tested
//! where they are computed.

use chrono_tz::Europe::Berlin;
use ferry::enrich::{local_day, next_midnight};
use ferry::model::normalise_email;
use serde_json::json;

use super::stage::{Stage, page};
use crate::harbour::at;

#[tokio::test(flavor = "multi_thread")]
async fn skewed_clocks_are_corrected_on_arrival() {
    let cases = [
        (
            "2026-03-02T14:00:00.000Z",
            "2026-03-02T14:00:10.000Z",
            "2026-03-02T12:00:10.500Z",
            "2026-03-02T12:00:00.500Z",
        ),
        // An event after its own sending: nothing is later than its arrival.
        ("2026-03-03T15:00:00Z", "2026-03-03T14:00:00Z", "2026-03-03T14:00:01Z", "2026-03-03T14:00:01Z"),
    ];
    let stage = Stage::set("2026-03-02T12:00:00Z", &[]).await;
    for (place, (original, sent, received, want)) in cases.into_iter().enumerate() {
        stage.wait_until(received);
        let mut message = page(&format!("a-{place}"), "/");
        message["timestamp"] = original.into();
        message["sentAt"] = sent.into();
        stage.send("website-key", &[message]).await;
        let event = stage.events(&format!("anonymous_id:a-{place}")).await.remove(0).event;
        let kept = (event.at, event.original_at, event.sent_at, event.received_at);
        assert_eq!(kept, (at(want), Some(at(original)), Some(at(sent)), at(received)));
    }
}

#[test]
fn local_days_in_berlin() {
    let cases = [
        ("2026-03-28T23:30:00Z", "2026-03-29"),
        ("2026-03-29T22:01:00Z", "2026-03-30"),
        ("2026-10-24T22:30:00Z", "2026-10-25"),
        ("2026-10-25T22:59:00Z", "2026-10-25"),
    ];
    for (instant, day) in cases {
        assert_eq!(local_day(at(instant), Berlin).to_string(), day, "{instant}");
    }
    let hours = |in_day: &str| {
        let begins = next_midnight(at(in_day).saturating_sub(std::time::Duration::from_secs(86_400)), Berlin);
        next_midnight(at(in_day), Berlin).since(begins).as_secs() / 3_600
    };
    assert_eq!((hours("2026-03-29T12:00:00Z"), hours("2026-10-25T12:00:00Z")), (23, 25));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_in_another_script_is_one_domain() {
    assert_eq!(normalise_email("Ada@BÜCHER.example").as_deref(), Some("ada@xn--bcher-kva.example"));
    let stage = Stage::set("2026-03-02T12:00:00Z", &[]).await;
    for (anonymous, email) in [("a-1", "Ada@BÜCHER.example"), ("a-2", "ada@xn--bcher-kva.example")] {
        let identify = json!({ "type": "identify", "anonymousId": anonymous, "traits": { "email": email } });
        stage.send("website-key", &[identify]).await;
    }
    stage.one(&["anonymous_id:a-1", "anonymous_id:a-2", "email:ada@bücher.example"]).await;
    assert_eq!(stage.company("anonymous_id:a-1").await, "domain:xn--bcher-kva.example");
}
