//! Messages as SDKs really send them, and messages that nobody should send.

use std::sync::LazyLock;

use connector::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::enrich::{Model, Person, preset};
use crate::expr::Json;
use crate::model::{Event, EventKind, Fact};

const NOW: &str = "2026-03-02T12:00:10.500Z";

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn read(text: &str, client: bool) -> Result<Event, DecodeError> {
    let options =
        DecodeOptions { source: "web".into(), max_message: MAX_MESSAGE, client, identity: std::sync::Arc::default() };
    decode(text, at(NOW), &options)
}

fn import(text: &str) -> Event {
    read(text, false).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn identifiers(event: &Event) -> Vec<String> {
    event.identifiers.iter().map(ToString::to_string).collect()
}

fn traits(event: &Event) -> Vec<(String, String)> {
    event.traits.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_track_call_of_a_python_sdk() {
    let text = r#"{"anonymousId": null, "userId": 42, "messageId": "m-1", "type": "track", "event": " Form Submitted ",
        "timestamp": "2026-03-02T14:00:00.000+00:00", "sentAt": "2026-03-02T14:00:10.000Z", "integrations": {},
        "properties": {"form": "demo", "email": "Ada@Northwind.Example "}, "unknown": [1.50],
        "context": {"library": {"name": "analytics-python"}, "traits": {"firstName": "Ada", "email": null}}}"#;
    let event = read(text, true).unwrap();
    assert_eq!(
        (event.kind, event.name.as_deref(), &*event.message_id),
        (EventKind::Track, Some("Form Submitted"), "m-1")
    );
    // Its clock was two hours ahead.
    assert_eq!(event.at, at("2026-03-02T12:00:00.500Z"));
    assert_eq!(
        (event.original_at, event.sent_at),
        (Some(at("2026-03-02T14:00:00Z")), Some(at("2026-03-02T14:00:10Z")))
    );
    assert_eq!(identifiers(&event), ["user_id:42", "email:ada@northwind.example"]);
    assert_eq!(traits(&event), pairs(&[("email", "Ada@Northwind.Example"), ("first_name", "Ada")]));
    assert!(event.traits_are_weak && !event.is_bot);
    assert!(event.body.starts_with(r#"{"anonymousId":null,"userId":42,"#), "{}", event.body);
    assert!(event.body.contains(r#""unknown":[1.50]"#));
}

#[test]
fn identify_takes_traits_from_both_places() {
    let event = import(
        r#"{"type":"identify","anonymousId":"a-1","timestamp":"2026-03-02T08:00:01Z",
            "context":{"traits":{"email":"old@northwind.example","city":"Wien"}},
            "traits":{"email":"Ada@Northwind.Example ","firstName":"Ada","lastName":"Berg","company":{"employee_count":200}}}"#,
    );
    assert_eq!(identifiers(&event), ["email:ada@northwind.example", "anonymous_id:a-1"]);
    let want = [
        ("city", "Wien"),
        ("company.employees", "200"),
        ("email", "Ada@Northwind.Example"),
        ("first_name", "Ada"),
        ("last_name", "Berg"),
        ("name", "Ada Berg"),
    ];
    assert_eq!(traits(&event), pairs(&want));
    assert!(!event.traits_are_weak);
}

#[test]
fn email_events_know_their_person_by_context_only() {
    let event =
        import(r#"{"type":"track","event":"Email Link Clicked","context":{"traits":{"email":"CHEN@kiwi.example"}}}"#);
    assert_eq!(identifiers(&event), ["email:chen@kiwi.example"]);
    // Elsewhere a property of that name may be a colleague's.
    let invite =
        import(r#"{"type":"track","event":"Invite Sent","userId":"u","properties":{"email":"bob@kiwi.example"}}"#);
    assert_eq!(identifiers(&invite), ["user_id:u"]);
}

#[test]
fn group_and_alias() {
    let group =
        import(r#"{"type":"group","userId":"u","groupId":"g-1","traits":{"name":"Northwind","employees":200}}"#);
    let want = [("company.employees", "200"), ("company.id", "g-1"), ("company.name", "Northwind")];
    assert_eq!(traits(&group), pairs(&want));
    let alias = import(r#"{"type":"alias","userId":"u-9","previousId":"a-1"}"#);
    assert_eq!(identifiers(&alias), ["user_id:a-1", "user_id:u-9", "anonymous_id:a-1"]);
    let own = import(r#"{"type":"alias","userId":"u9","previousId":"u9"}"#);
    assert_eq!(identifiers(&own), ["user_id:u9"]);
}

#[test]
fn ids_that_are_numbers_keep_all_their_digits() {
    let of = |id: &str| {
        import(&format!(
            r#"{{"type":"identify","userId":{id},"anonymousId":{id}1,"messageId":{id}2,"traits":{{"loyaltyId":{id}3}},
                "context":{{"externalIds":[{{"type":"loyalty_id","id":{id}4}}]}}}}"#
        ))
    };
    let (one, other) = (of("12345678901234567891"), of("12345678901234567999"));
    let want = ["user_id:12345678901234567891", "anonymous_id:123456789012345678911"];
    assert!(want.iter().all(|id| identifiers(&one).contains(&(*id).to_owned())), "{:?}", identifiers(&one));
    let loyalty = "loyalty_id:123456789012345678913".to_owned();
    assert!(identifiers(&one).contains(&loyalty), "{:?}", identifiers(&one));
    assert_eq!(&*one.message_id, "123456789012345678912");
    assert!(identifiers(&one).iter().all(|id| !identifiers(&other).contains(id)), "{:?}", identifiers(&other));
    assert_eq!(traits(&one), pairs(&[("loyalty_id", "123456789012345678913")]));
    // What says the same of another person is another line.
    let line = |id: &str| import(&format!(r#"{{"type":"page","userId":{id}}}"#)).message_id;
    assert_ne!(line("12345678901234567891"), line("12345678901234567999"));
}

#[test]
fn identifiers_are_read_by_the_name_of_their_trait() {
    for (email, phone, loyalty) in
        [("email", "phone", "loyalty_id"), ("Email", "Phone", "LoyaltyId"), ("EMAIL", "PHONE", "loyaltyID")]
    {
        let said =
            format!(r#"{{"{email}":"ada@northwind.example","{phone}":"030 123456","{loyalty}":"L-1","Country":"DE"}}"#);
        let identify = import(&format!(r#"{{"type":"identify","traits":{said}}}"#));
        let page = import(&format!(r#"{{"type":"page","context":{{"traits":{said}}}}}"#));
        for event in [&identify, &page] {
            let want = ["email:ada@northwind.example", "loyalty_id:L-1", "phone:+4930123456"];
            assert_eq!(identifiers(event), want, "{email}");
            // What becomes a trait and what identifies is one value.
            assert_eq!(traits(event).iter().find(|(name, _)| name == "email").unwrap().1, "ada@northwind.example");
        }
        let form = import(&format!(
            r#"{{"type":"track","event":"Form Submitted","anonymousId":"a","properties":{{"{email}":"ada@northwind.example"}}}}"#
        ));
        assert_eq!(identifiers(&form), ["email:ada@northwind.example", "anonymous_id:a"]);
    }
}

#[test]
fn three_hundred_traits_are_the_most_wherever_they_stand() {
    let some = |from: usize, to: usize| (from..to).map(|n| format!("\"t{n}\":1")).collect::<Vec<_>>().join(",");
    let message = |kind: &str, context: &str, own: &str| {
        let text =
            format!(r#"{{"type":"{kind}","userId":"u","context":{{"traits":{{{context}}}}},"traits":{{{own}}}}}"#);
        read(&text, false).map(|event| event.traits.len()).map_err(|error| error.code)
    };
    let refused = Err("too_many_properties");
    assert_eq!(message("identify", &some(0, 301), ""), refused);
    assert_eq!(message("page", &some(0, 301), ""), refused);
    assert_eq!(message("identify", &some(0, 200), &some(200, 400)), refused);
    assert_eq!(message("identify", "", &format!("\"a\":{{{}}},{}", some(0, 200), some(0, 101))), refused);
    assert_eq!(message("identify", &some(0, 100), &some(100, 300)), Ok(300));
    // An SDK that says the same in both places says it once.
    assert_eq!(message("identify", &some(0, 300), &some(0, 300)), Ok(300));
    assert_eq!(message("page", &some(0, 300), ""), Ok(300));
}

#[test]
fn blocked_ids_are_kept_and_identify_nobody() {
    let event = import(r#"{"type":"page","userId":"null","anonymousId":"00000000-0000-0000-0000-000000000000"}"#);
    assert_eq!(identifiers(&event), [""; 0]);
}

#[test]
fn crawlers_are_marked() {
    let agent = |agent: &str, rest: &str| {
        import(&format!(r#"{{"type":"page","anonymousId":"a","context":{{"userAgent":"{agent}"}}{rest}}}"#)).is_bot
    };
    assert!(agent("Mozilla/5.0 (compatible; Googlebot/2.1)", ""));
    assert!(agent("HeadlessChrome/1", r#","channel":"browser""#));
    assert!(!agent("python-requests/2.31", ""));
    assert!(!agent("Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0", ""));
}

#[test]
fn what_is_wrong_is_said_without_values() {
    let many = (0..301).map(|n| format!("\"p{n}\":1")).collect::<Vec<_>>().join(",");
    let long = format!(r#"{{"type":"track","event":"A","userId":"u","messageId":"{}"}}"#, "x".repeat(101));
    let big = format!(r#"{{"type":"page","userId":"u","properties":{{"a":"{}"}}}}"#, "x".repeat(MAX_MESSAGE));
    let many = format!(r#"{{"type":"page","userId":"u","properties":{{{many}}}}}"#);
    let deep = format!(
        r#"{{"type":"page","userId":"u","properties":{}{}}}"#,
        "{\"a\":".repeat(40),
        "1".to_owned() + &"}".repeat(40)
    );
    let cases = [
        ("not json", "invalid_json"),
        ("[1]", "invalid_json"),
        (r#"{"type":"track""#, "invalid_json"),
        (r#"{"type":"page","userId":"\ud800"}"#, "invalid_json"),
        (r#"{"batch":[{"type":"page"}]}"#, "invalid_json"),
        (&deep, "invalid_json"),
        (r#"{"type":"page","userId":"u","properties":[]}"#, "invalid_json"),
        (r#"{"userId":"u"}"#, "unknown_type"),
        (r#"{"type":"trak","userId":"u"}"#, "unknown_type"),
        (r#"{"type":"track","userId":"u"}"#, "missing_event"),
        (r#"{"type":"track","event":"A"}"#, "missing_id"),
        (r#"{"type":"page","userId":" ","anonymousId":null}"#, "missing_id"),
        (r#"{"type":"page","userId":true}"#, "invalid_id"),
        (r#"{"type":"page","userId":{"a":1}}"#, "invalid_id"),
        (r#"{"type":"page","userId":"u","messageId":[]}"#, "invalid_id"),
        (r#"{"type":"group","userId":"u"}"#, "missing_group_id"),
        (r#"{"type":"alias","userId":"u"}"#, "missing_previous_id"),
        (r#"{"type":"alias","previousId":"u"}"#, "missing_id"),
        (r#"{"type":"page","userId":"u","timestamp":"2026"}"#, "invalid_timestamp"),
        (r#"{"type":"page","userId":"u","timestamp":"1969-12-31"}"#, "invalid_timestamp"),
        (&long, "message_id_too_long"),
        (&big, "message_too_large"),
        (&many, "too_many_properties"),
    ];
    for (text, code) in cases {
        let error = read(text, false).unwrap_err();
        assert_eq!(error.code, code, "{}", &text[..text.len().min(80)]);
        assert!(!error.fix.is_empty() && !error.cause.contains("trak"), "{error}");
    }
    assert_eq!(read(r#"{"type":"trak"}"#, false).unwrap_err().fix, "did you mean `track`?");
}

#[test]
fn a_second_import_gives_the_same_ids() {
    let text = r#"{"type":"page","anonymousId":"a","properties":{"path":"/"}}"#;
    assert_eq!(import(text).message_id, import(text).message_id);
    assert!(import(text).message_id.starts_with("file:"));
}

/// Ada of the worked example, as lines of a file.
#[test]
fn lines_become_figures() {
    let page = |time: &str, id: &str, rest: &str| {
        format!(r#"{{"type":"page","anonymousId":"{id}","timestamp":"2026-03-{time}Z"{rest}}}"#)
    };
    let pricing = r#","properties":{"path":"/pricing"}"#;
    let lines = [
        page("02T09:00:00", "a-1", r#","properties":{"path":"/"},"context":{"campaign":{"source":"google","medium":"cpc","name":"spring"}}"#),
        page("02T09:10:00", "a-1", pricing),
        page("02T09:45:00", "a-1", pricing),
        r#"{"type":"track","event":"Form Submitted","anonymousId":"a-1","timestamp":"2026-03-04T08:00:00Z","properties":{"form":"demo"}}"#.into(),
        r#"{"type":"identify","anonymousId":"a-1","timestamp":"2026-03-04T08:00:01Z","traits":{"email":"Ada@Northwind.Example "}}"#.into(),
        page("15T18:00:00", "a-2", "").replace("page", "screen"),
        r#"{"type":"identify","userId":"u-ada","anonymousId":"a-2","timestamp":"2026-03-15T18:05:00Z"}"#.into(),
    ]
    .join("\n");
    let model = Model::new(preset::b2b());
    let options = DecodeOptions {
        source: "file".into(),
        max_message: MAX_MESSAGE,
        client: false,
        identity: std::sync::Arc::default(),
    };
    let mut facts = Vec::new();
    let mut reader = JsonLines::new(lines.as_bytes(), 1 << 20);
    while let Some((number, line)) = reader.next().unwrap() {
        let event = decode(line.unwrap(), at("2026-04-01T00:00:00Z"), &options).unwrap();
        let place = i64::try_from(number).unwrap();
        facts.extend(model.facts(&event).into_iter().map(|fact| Fact { event: place, ..fact }));
    }
    let computed = model.compute(&Person::of(&facts, &[], at("2026-03-15T18:10:00Z")));
    let traits: Vec<(String, String)> = computed.traits.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
    let want = [
        ("days_active_30d", "3"),
        ("engagement_trend", "new"),
        ("first_seen_at", "2026-03-02T09:00:00Z"),
        ("first_touch_campaign", "spring"),
        ("first_touch_channel", "paid_search"),
        ("first_touch_medium", "cpc"),
        ("first_touch_source", "google"),
        ("grade", "D4"),
        ("intent_topics", "pricing"),
        ("last_page", "/pricing"),
        ("last_seen_at", "2026-03-15T18:05:00Z"),
        ("last_touch_campaign", "spring"),
        ("last_touch_channel", "paid_search"),
        ("last_touch_medium", "cpc"),
        ("last_touch_source", "google"),
        ("lifecycle", "lead"),
        ("page_views_30d", "4"),
        ("pricing_views_30d", "2"),
        ("score_engagement", "25"),
        ("score_lead", "15"),
        ("score_reasons", "Demo form +10.2; Pricing page +3.1; Page view +1.5"),
        ("visits_30d", "3"),
        ("visits_lifetime", "3"),
    ];
    // Whatever nobody sold, mailed or answered is nothing.
    let nothing = |(_, value): &&(String, String)| !["", "0", "false", "ok"].contains(&value.as_str());
    let told: Vec<(String, String)> = traits.iter().filter(nothing).cloned().collect();
    assert_eq!(told, pairs(&want));
    assert_eq!(format!("{:.2}", computed.scores[0].value), "24.75");
}

/// JSON of any shape, with the keys that matter often among it.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let keys = [
        "type",
        "userId",
        "anonymousId",
        "messageId",
        "timestamp",
        "sentAt",
        "event",
        "properties",
        "traits",
        "context",
        "email",
        "name",
        "groupId",
        "previousId",
        "userAgent",
        "x\u{0}y",
    ];
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        "\\PC{0,12}".prop_map(Into::into),
        prop::sample::select(vec![
            "track",
            "identify",
            "page",
            "alias",
            "group",
            "2026-03-02T00:00:00Z",
            "a@b.example"
        ])
        .prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 48, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::hash_map(prop::sample::select(keys.to_vec()), inner, 0..8).prop_map(|members| {
                serde_json::Value::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_message_is_taken_or_refused(json in any_json(), client in any::<bool>()) {
        let text = serde_json::to_string_pretty(&json).unwrap();
        if let Ok(event) = read(&text, client) {
            prop_assert!(event.at <= at(NOW) && event.at >= Timestamp::EPOCH);
            prop_assert_eq!(Json::parse(&event.body).unwrap(), Json::parse(&text).unwrap());
            // What was taken once is taken again, from the body, as the same.
            let again = read(&event.body, client).unwrap();
            prop_assert_eq!(&again, &event);
            prop_assert!(event.traits.iter().all(|(name, _)| !name.contains('\0')));
            // What it means is the same by the message as it was read and by the body as it is kept.
            static MODEL: LazyLock<Model> = LazyLock::new(|| Model::new(preset::b2b()));
            prop_assert_eq!(MODEL.facts_in(&event, &Json::parse(&text).unwrap()), MODEL.facts(&event));
        }
    }

    #[test]
    fn any_bytes_are_lines_or_errors(bytes in prop::collection::vec(any::<u8>(), 0..200), max in 1_usize..40) {
        let mut lines = JsonLines::new(bytes.as_slice(), max);
        let mut last = 0;
        while let Some((number, line)) = lines.next().unwrap() {
            prop_assert!(number > last);
            last = number;
            if let Ok(text) = line {
                prop_assert!(!text.is_empty() && text.len() <= max);
            }
        }
        prop_assert_eq!(lines.bytes(), bytes.len() as u64);
    }
}
