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
fn a_gap_of_half_an_hour_opens_a_session() {
    for (second, visits) in [("09:29:59.999999", 1), ("09:30:00", 2)] {
        let mut log = Log::new();
        log.page("2026-03-02T09:00:00Z", "a", "/");
        log.page(&format!("2026-03-02T{second}Z"), "a", "/");
        assert_eq!(number(&log.as_of("2026-03-02T10:00:00Z"), "visits_30d"), Value::from(visits), "{second}");
    }
}

fn row(row: i64, message_id: &str, when: &str, kind: EventKind, name: &str, who: &str, body: &str) -> EventRow {
    let event = Event {
        source: "web".into(),
        message_id: message_id.into(),
        kind,
        name: (!name.is_empty()).then(|| name.into()),
        at: at(when),
        original_at: None,
        sent_at: None,
        received_at: at(when),
        identifiers: Identifier::anonymous_id(who).into_iter().collect(),
        traits: Vec::new(),
        traits_are_weak: false,
        is_bot: false,
        body: body.into(),
    };
    EventRow { row, profile: None, event }
}

fn page(id: i64, when: &str, who: &str) -> EventRow {
    row(id, &format!("m-{id}"), when, EventKind::Page, "", who, "{}")
}

#[test]
fn a_session_is_named_by_its_first_event_and_its_stream() {
    let morning = vec![page(1, "2026-03-02T09:00:00Z", "a"), page(2, "2026-03-02T09:40:00Z", "a")];
    let apart = sessions(&morning);
    assert_eq!(apart.len(), 2);
    assert!(apart.iter().all(|one| one.id.starts_with("sess_") && one.id.len() == 37));
    // A late event between joins them under the first one's name; one before the first renames it.
    let mut fused = morning.clone();
    fused.push(page(3, "2026-03-02T09:20:00Z", "a"));
    let whole = sessions(&fused);
    assert_eq!((whole.len(), &whole[0].id, &whole[0].rows), (1, &apart[0].id, &vec![1, 3, 2]));
    fused.push(page(4, "2026-03-02T08:55:00Z", "a"));
    let renamed = sessions(&fused);
    assert_eq!((renamed.len(), renamed[0].start), (1, at("2026-03-02T08:55:00Z")));
    assert_ne!(renamed[0].id, apart[0].id);
    // Another visitor, source or message is another session; the profile is no part of the name.
    let mut other = page(1, "2026-03-02T09:00:00Z", "b");
    assert_ne!(sessions(&[other.clone()])[0].id, apart[0].id);
    other = page(1, "2026-03-02T09:00:00Z", "a");
    other.profile = Some(crate::model::ProfileId(7));
    assert_eq!(sessions(&[other.clone()])[0].id, apart[0].id);
    other.event.source = "app".into();
    assert_ne!(sessions(&[other])[0].id, apart[0].id);
}

#[test]
fn who_took_part_is_engaged() {
    let track = |id: i64, when: &str, name: &str| row(id, &format!("m-{id}"), when, EventKind::Track, name, "a", "{}");
    let cases: [(&[EventRow], bool, bool, u64); 6] = [
        (&[page(1, "2026-03-02T09:00:00Z", "a")], true, false, 0),
        (&[page(1, "2026-03-02T09:00:00Z", "a"), track(2, "2026-03-02T09:00:09Z", "X")], true, false, 9),
        (&[page(1, "2026-03-02T09:00:00Z", "a"), track(2, "2026-03-02T09:00:10Z", "X")], true, true, 10),
        (&[page(1, "2026-03-02T09:00:00Z", "a"), page(2, "2026-03-02T09:00:01Z", "a")], true, true, 1),
        (&[track(1, "2026-03-02T09:00:00Z", "form_submitted")], false, true, 0),
        (&[track(1, "2026-03-02T09:00:00Z", "Signed In")], false, false, 0),
    ];
    for (events, visit, engaged, secs) in cases {
        let one = &sessions(events)[0];
        assert_eq!((one.visit, one.engaged, one.duration_secs), (visit, engaged, secs), "{events:?}");
    }
}

#[test]
fn what_no_client_sent_and_crawlers_form_no_session() {
    let track = |name: &str, body: &str| row(1, "m", "2026-03-02T09:00:00Z", EventKind::Track, name, "a", body);
    let mut bot = page(1, "2026-03-02T09:00:00Z", "a");
    bot.event.is_bot = true;
    let none = [
        page(1, "2026-03-02T09:00:00Z", ""),
        bot,
        row(1, "m", "2026-03-02T09:00:00Z", EventKind::Identify, "", "a", "{}"),
        row(1, "m", "2026-03-02T09:00:00Z", EventKind::Group, "", "a", "{}"),
        row(1, "m", "2026-03-02T09:00:00Z", EventKind::Alias, "", "a", "{}"),
        track("Email Opened", "{}"),
        track("CRM Deal Won", "{}"),
        track("Call Completed", "{}"),
        track("Order Completed", r#"{"properties":{"channel":"pos"}}"#),
        track("Order Completed", r#"{"context":{"library":{"name":"analytics-ruby"}}}"#),
    ];
    for event in none {
        assert_eq!(sessions(std::slice::from_ref(&event)), [], "{event:?}");
    }
    // A device stands in for an anonymous id.
    let body = r#"{"context":{"device":{"id":"d-1"}}}"#;
    let screens = [
        row(1, "m1", "2026-03-02T09:00:00Z", EventKind::Screen, "", "", body),
        row(2, "m2", "2026-03-02T09:01:00Z", EventKind::Track, "Deep Link Opened", "", body),
    ];
    assert_eq!(sessions(&screens).len(), 1);
}

#[test]
fn last_seen_is_what_the_person_did() {
    let seen = |kind: EventKind, name: &str, who: &str, body: &str| {
        let mut log = Log::new();
        log.add("2026-03-02T09:00:00Z", kind, name, who, body);
        number(&log.as_of("2026-03-02T10:00:00Z"), "last_seen_at") != Value::Null
    };
    use EventKind::{Alias, Group, Identify, Page, Screen, Track};
    let cases = [
        (Page, "", "a", "{}", true),
        (Page, "", "", "{}", true),
        (Screen, "", "a", "{}", true),
        (Page, "", "a", r#"{"context":{"active":false}}"#, false),
        (Track, "Signed In", "a", "{}", true),
        (Track, "Signed In", "", "{}", false),
        (Track, "Signed In", "a", r#"{"channel":"server"}"#, false),
        (Identify, "", "a", "{}", true),
        (Identify, "", "", "{}", false),
        (Identify, "", "a", r#"{"context":{"active":false}}"#, false),
        (Identify, "", "", r#"{"context":{"channel":"pos"}}"#, true),
        (Group, "", "a", "{}", false),
        (Alias, "", "a", "{}", false),
        (Track, "Email Delivered", "a", "{}", false),
        (Track, "email_opened", "", "{}", false),
        (Track, "Email-Link-Clicked", "", "{}", true),
        (Track, "Order Completed", "", r#"{"properties":{"channel":"pos"}}"#, true),
        (Track, "Order Completed", "", r#"{"channel":"POS"}"#, true),
        (Track, "Order Completed", "", "{}", false),
        (Track, "Call Completed", "", r#"{"properties":{"direction":"inbound"}}"#, true),
        (Track, "Call Completed", "", r#"{"properties":{"direction":"outbound"}}"#, false),
        (Track, "CRM Call Logged", "a", "{}", false),
    ];
    for (kind, name, who, body, want) in cases {
        assert_eq!(seen(kind, name, who, body), want, "{kind:?} {name} {who} {body}");
    }
}
