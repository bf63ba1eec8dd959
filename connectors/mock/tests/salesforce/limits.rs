//! The daily allowance, in the header and in `/limits`.

use reqwest::Method;
use serde_json::json;

use crate::org::{Org, code, read};

async fn info(org: &Org, path: &str) -> String {
    let answer = org.call(Method::GET, path).send().await.unwrap();
    answer.headers()["sforce-limit-info"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_counter_moves_with_every_call_and_limits_agrees() {
    let org = Org::knobs(1, json!({ "daily_limit": 15_000 })).await;
    assert_eq!(info(&org, "sobjects").await, "api-usage=1/15000");
    assert_eq!(info(&org, "no/such/path").await, "api-usage=2/15000");
    let (_, body) = org.get("limits/").await;
    assert_eq!(body["DailyApiRequests"], json!({ "Max": 15_000, "Remaining": 14_997 }));
    org.config(json!({ "per_app_limit": 250 })).await;
    assert_eq!(info(&org, "sobjects").await, "api-usage=4/15000; per-app-api-usage=4/250(appName=mock-app)");
    org.config(json!({ "view_setup": false })).await;
    assert_eq!(org.get("limits").await.0, 403);
}

#[tokio::test]
async fn a_spent_allowance_is_a_403_until_it_is_a_day_older() {
    let mut org = Org::knobs(1, json!({ "daily_limit": 2, "frozen_at": "2026-03-04T05:06:07Z" })).await;
    assert_eq!(org.get("limits").await.0, 200);
    assert_eq!(org.get("limits").await.0, 200);
    let answer = org.call(Method::GET, "limits").send().await.unwrap();
    assert_eq!(answer.headers()["sforce-limit-info"], "api-usage=2/2");
    let (status, body) = read(answer).await;
    let words = json!([{ "message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED" }]);
    assert_eq!((status.as_u16(), body), (403, words));
    org.config(json!({ "clock_offset_s": 86_400 })).await;
    org.sign_in().await;
    assert_eq!(org.get("limits").await.0, 200);
}

#[tokio::test]
async fn the_concurrent_limit_passes() {
    let org = Org::knobs(1, json!({ "concurrent_refusals": 1 })).await;
    let (status, body) = org.get("limits").await;
    assert_eq!((status.as_u16(), code(&body)), (403, "REQUEST_LIMIT_EXCEEDED"));
    assert!(body[0]["message"].as_str().unwrap().starts_with("Concurrent"));
    assert_eq!(org.get("limits").await.0, 200);
}
