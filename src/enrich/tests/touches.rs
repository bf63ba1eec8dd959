//! Attribution (`cdp-semantics` §1.8): rules, channels, first and last touch.

use super::example::ada;
use super::*;

const PARTS: [&str; 4] = ["source", "medium", "campaign", "channel"];

fn touch(computed: &Computed, which: &str) -> [Value; 4] {
    PARTS.map(|part| number(computed, &format!("{which}_touch_{part}")))
}

fn texts(parts: [&str; 4]) -> [Value; 4] {
    parts.map(|part| if part.is_empty() { Value::Null } else { Value::from(part) })
}

fn page(url: &str, referrer: &str) -> String {
    format!(r#"{{"context":{{"page":{{"url":"{url}","referrer":"{referrer}"}}}}}}"#)
}

/// One page view of somebody.
fn alone(body: &str) -> Computed {
    let mut spec = example();
    spec.own_domains = vec!["own.example".into()];
    let mut log = Log { model: Model::new(spec), facts: Vec::new(), events: 0 };
    log.add("2026-03-02T09:00:00Z", EventKind::Page, "", "a", body);
    log.as_of("2026-03-02T12:00:00Z")
}

#[test]
fn adas_first_touch() {
    let a1 = ada().as_of("2026-03-02T09:05:00Z");
    assert_eq!(touch(&a1, "first"), texts(["google", "cpc", "spring", "paid_search"]));
    // The second visit came from nowhere; the first one's source still is the last that is not direct.
    assert_eq!(touch(&ada().as_of("2026-03-02T10:00:00Z"), "last"), texts(["google", "cpc", "spring", "paid_search"]));
}

#[test]
fn sources_by_rule() {
    let direct = ["direct", "", "", "direct"];
    let google = ["google", "organic", "", "organic_search"];
    let cases = [
        // 1: campaign, over everything else; source and medium in lower case.
        (page("https://acme.example/?utm_source=News%20Letter&utm_medium=E-Mail&utm_campaign=Spring&gclid=x", ""),
            ["news letter", "e-mail", "Spring", "email"]),
        (r#"{"context":{"campaign":{"source":"LinkedIn","medium":"CPC","name":"Q1"},"page":{"url":"https://acme.example/?utm_source=x"}}}"#.into(),
            ["linkedin", "cpc", "Q1", "paid_social"]),
        (r#"{"properties":{"search":"?utm_source=partner&utm_medium=affiliate"}}"#.into(), ["partner", "affiliate", "", "affiliate"]),
        (page("https://acme.example/?utm_source=(direct)", ""), direct),
        // 2: click ids.
        (page("https://acme.example/?gclid=x", "https://www.bing.com/"), ["google", "cpc", "", "paid_search"]),
        (page("https://acme.example/?wbraid=x&utm_campaign=brand", ""), ["google", "cpc", "brand", "paid_search"]),
        (page("https://acme.example/?msclkid=x", ""), ["bing", "cpc", "", "paid_search"]),
        (page("https://acme.example/?fbclid=x", ""), ["facebook", "social", "", "social"]),
        (page("https://acme.example/?ttclid=x", ""), ["tiktok", "paid_social", "", "paid_social"]),
        (page("https://acme.example/?li_fat_id=x", ""), ["linkedin", "paid_social", "", "paid_social"]),
        (page("https://acme.example/?gclid=", "https://www.google.com/"), google),
        (page("https://acme.example/?x=gclid", "https://www.bing.com/search?q=a"), ["bing", "organic", "", "organic_search"]),
        // 3: referrers.
        (page("https://acme.example/", "https://www.google.co.uk/"), google),
        (page("https://acme.example/", "https://images.google.de/"), google),
        (page("https://acme.example/", "https://de.search.yahoo.com/x"), ["yahoo", "organic", "", "organic_search"]),
        (page("https://acme.example/", "https://docs.google.com/d/1"), ["google.com", "referral", "", "referral"]),
        (page("https://acme.example/", "https://mail.google.com/"), ["gmail", "email", "", "email"]),
        (page("https://acme.example/", "https://webmail.host.example/"), ["host.example", "email", "", "email"]),
        (page("https://acme.example/", "https://t.co/abc"), ["twitter", "social", "", "social"]),
        (page("https://acme.example/", "https://m.facebook.com/"), ["facebook", "social", "", "social"]),
        (page("https://acme.example/", "https://l.instagram.com/"), ["instagram", "social", "", "social"]),
        (page("https://acme.example/", "android-app://com.linkedin.android/"), ["linkedin", "social", "", "social"]),
        (page("https://acme.example/", "https://blog.partner.example/post"), ["partner.example", "referral", "", "referral"]),
        // Of one's own: configured, or of the page's registrable domain; neighbours on a shared host are others.
        (page("https://shop.acme.example/", "https://www.acme.example/"), direct),
        (page("https://acme.example/", "https://login.own.example/"), direct),
        (page("https://acme.example/", "https://notown.example/"), ["notown.example", "referral", "", "referral"]),
        (page("https://one.github.io/", "https://two.github.io/"), ["two.github.io", "referral", "", "referral"]),
        // 4: nothing.
        (page("https://acme.example/", "not an address"), direct),
        (page("", ""), direct),
    ];
    for (body, want) in cases {
        let computed = alone(&body);
        assert_eq!(touch(&computed, "first"), texts(want), "{body}");
        assert_eq!(touch(&computed, "last"), texts(want), "{body}");
    }
}

#[test]
fn channels_by_source_and_medium() {
    let cases = [
        ("google", "cpc", "paid_search"),
        ("bing", "PPC", "paid_search"),
        ("google", "paidsearch", "paid_search"),
        ("google", "cpm", "paid_search"),
        ("facebook", "cpc", "paid_social"),
        ("fb", "paid", "paid_social"),
        ("anything", "paid_social", "paid_social"),
        ("criteo", "cpm", "display"),
        ("criteo", "display", "display"),
        ("criteo", "banner", "display"),
        ("criteo", "cpc", "other"),
        ("crm", "email", "email"),
        ("crm", "e-mail", "email"),
        ("crm", "newsletter", "email"),
        ("x", "affiliate", "affiliate"),
        ("facebook", "social", "social"),
        ("facebook", "sm", "social"),
        ("google", "organic", "organic_search"),
        ("x", "referral", "referral"),
        ("x", "sms", "sms"),
        ("x", "push", "push"),
        ("x", "offline", "offline"),
        ("x", "direct", "direct"),
        ("x", "whatever", "other"),
    ];
    for (source, medium, channel) in cases {
        let body = format!(r#"{{"context":{{"campaign":{{"source":"{source}","medium":"{medium}"}}}}}}"#);
        assert_eq!(number(&alone(&body), "first_touch_channel"), Value::from(channel), "{source}/{medium}");
    }
    let no_medium = alone(r#"{"context":{"campaign":{"source":"x"}}}"#);
    assert_eq!(touch(&no_medium, "first"), texts(["x", "", "", "other"]));
}

#[test]
fn a_session_has_one_touch_its_first_that_carries_a_source() {
    let from = |source: &str| format!(r#"{{"context":{{"campaign":{{"source":"{source}"}}}}}}"#);
    let mut log = Log::new();
    log.add("2026-03-02T09:00:00Z", EventKind::Page, "", "a", "{}");
    log.add("2026-03-02T09:05:00Z", EventKind::Page, "", "a", &from("second"));
    log.add("2026-03-02T09:10:00Z", EventKind::Page, "", "a", &from("third"));
    let computed = log.as_of("2026-03-02T10:00:00Z");
    assert_eq!(number(&computed, "first_touch_source"), Value::from("second"));
    assert_eq!(number(&computed, "last_touch_source"), Value::from("second"));
    // A late event before moves the touch; one in a session of its own is another touch.
    log.add("2026-03-02T08:59:00Z", EventKind::Page, "", "a", &from("first"));
    log.add("2026-03-02T08:00:00Z", EventKind::Page, "", "b", "{}");
    log.add("2026-03-02T09:45:00Z", EventKind::Page, "", "a", &from("last"));
    let computed = log.as_of("2026-03-02T10:00:00Z");
    assert_eq!(number(&computed, "first_touch_source"), Value::from("first"));
    assert_eq!(number(&computed, "last_touch_source"), Value::from("last"));
    // The address that a track event's properties name is not the page's.
    let mut file = Log::new();
    file.track("2026-03-02T09:00:00Z", "File Downloaded", "a", r#"{"url":"https://f.example/?utm_source=x"}"#);
    assert_eq!(number(&file.as_of("2026-03-02T10:00:00Z"), "first_touch_source"), Value::from("direct"));
}

#[test]
fn the_last_touch_is_forgotten_after_ninety_days() {
    let mut log = ada();
    log.page("2026-05-01T09:00:00Z", "a-1", "/");
    let before = log.as_of("2026-05-31T08:59:59.999999Z");
    assert_eq!(number(&before, "last_touch_source"), Value::from("google"));
    assert!(before.due_at <= Some(at("2026-05-31T09:00:00Z")), "{:?}", before.due_at);
    let after = log.as_of("2026-05-31T09:00:00Z");
    assert_eq!(touch(&after, "last"), texts(["direct", "", "", "direct"]));
    assert_eq!(touch(&after, "first"), texts(["google", "cpc", "spring", "paid_search"]));
    // Who has no session came from nowhere, not even directly.
    assert_eq!(touch(&Log::new().as_of("2026-03-02T12:00:00Z"), "first"), texts([""; 4]));
    assert_eq!(touch(&Log::new().as_of("2026-03-02T12:00:00Z"), "last"), texts([""; 4]));
}
