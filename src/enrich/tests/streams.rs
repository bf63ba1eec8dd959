//! Sessions, touches, and events that mean nothing.

use super::example::ada;
use super::*;

#[test]
fn a_late_event_fuses_sessions() {
    let mut log = ada();
    log.page("2026-03-02T09:30:00Z", "a-1", "/docs");
    assert_eq!(number(&log.as_of("2026-03-02T10:00:00Z"), "visits_30d"), Value::from(1));
}

#[test]
fn sessions_follow_the_sdk_and_the_stream() {
    let page = |log: &mut Log, when: &str, anonymous: &str, context: &str| {
        log.add(when, EventKind::Page, "", anonymous, &format!(r#"{{"context":{context}}}"#));
    };
    let mut log = Log::new();
    page(&mut log, "2026-03-02T09:00:00Z", "a", r#"{"sessionId":1}"#);
    page(&mut log, "2026-03-02T09:01:00Z", "a", r#"{"sessionId":2}"#);
    page(&mut log, "2026-03-02T09:02:00Z", "b", "{}");
    page(&mut log, "2026-03-02T09:32:00Z", "b", "{}");
    // No stream: seen, but no session.
    page(&mut log, "2026-03-02T09:40:00Z", "", "{}");
    // A session without a view is no visit; a server's track is no session.
    log.track("2026-03-02T09:41:00Z", "Signed In", "c", "{}");
    log.add("2026-03-02T09:42:00Z", EventKind::Track, "Signed In", "d", r#"{"channel":"server"}"#);
    // Inactive: nobody is there.
    page(&mut log, "2026-03-02T09:50:00Z", "e", r#"{"active":false}"#);
    let computed = log.as_of("2026-03-02T10:00:00Z");
    assert_eq!(number(&computed, "visits_30d"), Value::from(5));
    assert_eq!(number(&computed, "page_views_30d"), Value::from(6));
    assert_eq!(number(&computed, "last_seen_at"), Value::Instant(at("2026-03-02T09:41:00Z")));
}

#[test]
fn the_first_touch_with_a_source_counts() {
    let page =
        |url: &str, referrer: &str| format!(r#"{{"context":{{"page":{{"url":"{url}","referrer":"{referrer}"}}}}}}"#);
    let cases = [
        ("https://acme.example/?utm_source=News%20Letter&gclid=x", "", Some("news letter")),
        ("https://acme.example/?gclid=x", "https://www.bing.com/", Some("google")),
        ("https://acme.example/?x=gclid", "https://www.bing.com/search?q=a", Some("bing")),
        ("https://acme.example/", "https://www.google.co.uk/", Some("google")),
        ("https://acme.example/", "https://t.co/abc", Some("twitter")),
        ("https://acme.example/", "https://blog.partner.example/post", Some("partner.example")),
        ("https://shop.acme.example/", "https://www.acme.example/", None),
        ("https://acme.example/", "https://login.own.example/", None),
        ("https://acme.example/", "not an address", None),
        ("", "", None),
    ];
    for (url, referrer, want) in cases {
        let mut spec = example();
        spec.own_domains = vec!["own.example".into()];
        let mut log = Log { model: Model::new(spec), facts: Vec::new(), events: 0 };
        log.add("2026-03-02T08:00:00Z", EventKind::Page, "", "a", "{}");
        log.add("2026-03-02T09:00:00Z", EventKind::Page, "", "a", &page(url, referrer));
        log.add("2026-03-02T10:00:00Z", EventKind::Page, "", "a", &page("https://acme.example/?utm_source=later", ""));
        let touch = number(&log.as_of("2026-03-02T12:00:00Z"), "first_touch_source");
        assert_eq!(touch, Value::from(want.unwrap_or("later")), "{url} {referrer}");
    }
    assert_eq!(number(&Log::new().as_of("2026-03-02T12:00:00Z"), "first_touch_source"), Value::Null);
    let mut direct = Log::new();
    direct.page("2026-03-02T09:00:00Z", "a", "/");
    assert_eq!(number(&direct.as_of("2026-03-02T12:00:00Z"), "first_touch_source"), Value::from("direct"));
}
