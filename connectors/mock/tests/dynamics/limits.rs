//! Service protection, faults, and the headers of every answer.

use reqwest::Method;
use serde_json::json;

use crate::org::{Org, code, id, read};

#[tokio::test]
async fn three_limits_have_three_codes_and_all_say_when_to_come_back() {
    let org = Org::knobs(3, json!({ "request_limit": 4 })).await;
    for _ in 0..5 {
        assert_eq!(org.get("WhoAmI").await.0, 200);
    }
    let answer = org.call(Method::GET, "WhoAmI").send().await.unwrap();
    let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    let (status, body) = read(answer).await;
    assert_eq!((status.as_u16(), code(&body)), (429, "0x80072322"));
    assert!((250..=300).contains(&wait), "{wait}");
    let again = org.call(Method::GET, "WhoAmI").send().await.unwrap();
    let longer: u64 = again.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!(longer > wait, "pushing on makes it longer: {wait} {longer}");
    org.config(json!({ "request_limit": 6000, "execution_limit_ms": 30 })).await;
    assert_eq!(code(&org.get("WhoAmI").await.1), "0x80072321");
    org.config(json!({ "execution_limit_ms": 1_200_000, "concurrent_refusals": 1 })).await;
    assert_eq!(code(&org.get("WhoAmI").await.1), "0x80072326");
    org.config(json!({ "clock_offset_s": 301, "concurrent_limit": 2 })).await;
    assert_eq!(org.get("WhoAmI").await.0, 200);
}

#[tokio::test]
async fn what_is_in_flight_counts() {
    let org = Org::knobs(3, json!({ "concurrent_limit": 2, "faults": { "delay_ms": 1500 } })).await;
    let calls = (0..6).map(|_| org.call(Method::GET, "WhoAmI").send());
    let mut statuses = Vec::new();
    for answer in futures::future::join_all(calls).await {
        statuses.push(answer.unwrap().status().as_u16());
    }
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 2, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 4);
}

#[tokio::test]
async fn answers_carry_the_services_headers() {
    let org = Org::knobs(3, json!({ "servers": 2 })).await;
    let answer = org
        .call(Method::GET, "contacts?$select=fullname")
        .header("prefer", "odata.maxpagesize=2")
        .send()
        .await
        .unwrap();
    let headers = answer.headers();
    for (name, value) in [
        ("odata-version", "4.0"),
        ("content-type", "application/json; odata.metadata=minimal"),
        ("preference-applied", "odata.maxpagesize=2"),
        ("x-ms-dop-hint", "4"),
        ("x-ms-ratelimit-burst-remaining-xrm-requests", "5999"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    assert!(headers["x-ms-ratelimit-time-remaining-xrm-requests"].to_str().unwrap().starts_with("1,199."));
    let cookies: Vec<_> = headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    assert!(cookies[0].starts_with("ARRAffinity=") && cookies.len() == 2, "{cookies:?}");
    let pinned =
        |server: &str| org.call(Method::GET, "WhoAmI").header("cookie", format!("ARRAffinity={server}")).send();
    for _ in 0..3 {
        assert_eq!(pinned("1").await.unwrap().headers()["x-ms-ratelimit-burst-remaining-xrm-requests"].len(), 4);
    }
    let left = |answer: reqwest::Response| {
        answer.headers()["x-ms-ratelimit-burst-remaining-xrm-requests"].to_str().unwrap().to_owned()
    };
    assert_ne!(left(pinned("0").await.unwrap()), left(pinned("1").await.unwrap()));
    let seen = org.lines("requests", 0).await;
    assert!(seen.iter().any(|line| line["headers"]["cookie"] == "ARRAffinity=1"));
}

#[tokio::test]
async fn planned_faults_and_row_faults_strike() {
    let org = Org::with(3).await;
    let path = format!("contacts({})", id('c', 0));
    org.config(json!({ "plan": [{ "method": "PATCH", "fault": "500_after" }, { "method": "GET", "path": "/api/data", "fault": "502" },
                                { "method": "DELETE", "fault": "429_retry_after" }] })).await;
    assert_eq!(org.change(&path, json!({ "jobtitle": "Done" })).await.0, 500);
    let gateway = org.call(Method::GET, &path).send().await.unwrap();
    assert!(gateway.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    assert_eq!(gateway.status(), 502);
    assert_eq!(org.read("contacts", &id('c', 0)).await["jobtitle"], "Done", "applied all the same");
    let answer = org.call(Method::DELETE, &path).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (429, "2"));
    org.config(json!({ "row_faults": [{ "object": "contact", "field": "jobtitle", "value": "Bad", "code": "0x80040265", "times": 1, "message": "no" }] })).await;
    let (status, body) = org.change(&path, json!({ "jobtitle": "Bad" })).await;
    assert_eq!((status.as_u16(), code(&body)), (400, "0x80040265"));
    assert_eq!(org.change(&path, json!({ "jobtitle": "Bad" })).await.0, 204);
    org.config(json!({ "next_link_host": "http://elsewhere.example" })).await;
    let (_, page) = org.prefer("contacts?$select=fullname", "odata.maxpagesize=1").await;
    assert!(page["@odata.nextLink"].as_str().unwrap().starts_with("http://elsewhere.example/api/data/"));
}

#[tokio::test]
async fn rows_without_a_whole_order_are_lost_between_pages() {
    let org = Org::knobs(30, json!({ "equal_stamps": true })).await;
    let (_, page) = org.prefer("contacts?$select=fullname&$orderby=modifiedon", "odata.maxpagesize=10").await;
    let link = page["@odata.nextLink"].as_str().unwrap();
    let (_, rest) = org.prefer(link, "odata.maxpagesize=10").await;
    assert_eq!(rest["value"], json!([]), "all share one stamp, and the id was not in the order");
    org.config(json!({ "short_pages": true })).await;
    let (_, page) = org.prefer("contacts?$select=fullname", "odata.maxpagesize=10").await;
    assert!(page["value"].as_array().unwrap().len() <= 10 && page["@odata.nextLink"].is_string());
}
