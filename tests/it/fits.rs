//! Values that do not fit, fields that go away, text that means harm (`reliability` §B 38–43, 68).

use std::time::Duration;

use connector::{ErrorKind, FieldKind, FieldSpec, Fields, Object, Value};
use connector_conformance::memory::{Call, Fault, field};
use ferry::model::RunState;
use serde_json::json;

use crate::world::{World, configured, mapped};

fn pushes(names: &[&str]) -> String {
    let line =
        |name: &&str| format!("{name} = {{ field = \"{name}\", direction = \"push\", conflict = \"cdp_wins\" }}\n");
    names.iter().map(line).collect()
}

fn both(names: &[&str]) -> String {
    names.iter().map(|name| format!("{name} = {{ field = \"{name}\", direction = \"both\" }}\n")).collect()
}

#[tokio::test]
async fn scenario_38_a_field_that_is_gone_pauses_its_mapping_and_the_others_go_on() {
    let world = World::with(&mapped(&format!("{}{}", pushes(&["city", "phone"]), both(&["country"]))));
    let ada = world.contact(&[("email", "ada@acme.example"), ("country", "DE")]);
    world.sync().await;
    world.crm.undefine(&Object::Contact, "phone");
    world.crm.undefine(&Object::Contact, "country");
    world.identify("ada@acme.example", json!({"city": "Bern", "phone": "1", "country": "CH"})).await;
    for _ in 0..3 {
        world.advance(Duration::from_secs(60));
        for run in world.pull().await {
            assert!(matches!(run.state, RunState::Done | RunState::Partial), "{run:?}");
        }
        world.push().await;
    }
    assert_eq!(world.value(&ada, "city"), "Bern".into());
    let letters = world.dead_letters().await;
    let mut fields: Vec<_> = letters.iter().map(|letter| letter.subject.field.as_deref().unwrap()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["country", "phone"], "one letter a field, however often it is met: {letters:?}");
    for letter in &letters {
        assert_eq!(letter.code.as_str(), "field_unusable");
        assert!(letter.fix.contains("sync.toml"), "{}", letter.fix);
    }
    assert_eq!(world.trait_of("ada@acme.example", "country").await, "CH".into(), "a missing field empties no trait");
    // The field comes back.
    world.crm.define(&Object::Contact, field("phone", FieldKind::Text));
    world.app.store.mark_all(&"acme".into(), &Object::Contact).await.unwrap();
    world.push().await;
    assert_eq!(world.value(&ada, "phone"), "1".into());
}

#[tokio::test]
async fn scenario_39_an_unfit_value_is_refused_here_and_the_records_other_fields_go() {
    let world = World::with(&mapped(&pushes(&["city", "title", "state", "age", "phone"])));
    world.crm.define(&Object::Contact, FieldSpec { max_length: Some(5), ..field("title", FieldKind::Text) });
    world.crm.define(&Object::Contact, field("state", FieldKind::Choice { options: vec!["BE".into(), "ZH".into()] }));
    world.crm.define(&Object::Contact, field("age", FieldKind::Bool));
    let ada = world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    let traits = json!({"city": "Bern", "title": "Head of everything", "state": "XX", "age": 44, "phone": "1"});
    world.identify("ada@acme.example", traits).await;
    let calls = world.crm.calls().push;
    let run = world.push().await;
    assert_eq!((run.counts.updated, run.counts.failed), (1, 1), "a record with three failures is one");
    assert_eq!(world.crm.calls().push - calls, 1, "the unfit ones are never sent");
    assert_eq!((world.value(&ada, "city"), world.value(&ada, "phone")), ("Bern".into(), "1".into()));
    for name in ["title", "state", "age"] {
        assert_eq!(world.value(&ada, name), Value::Null, "{name}: nothing is cut silently");
    }
    assert_eq!(world.codes().await, [("value_unfit", 3)].into());
    for letter in world.dead_letters().await {
        assert!(!letter.cause.contains("Head of") && !letter.cause.contains("XX"), "no value: {}", letter.cause);
    }
    assert_ne!(run.state, RunState::Done, "a run is never green with a value it could not bring");
    world.assert_rest().await;
}

#[tokio::test]
async fn scenario_39_a_field_the_crm_refuses_is_taken_out_and_the_others_go() {
    let world = World::with(&mapped(&pushes(&["city", "phone"])));
    let ada = world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    world.identify("ada@acme.example", json!({"city": "Bern", "phone": "1"})).await;
    let rejection = connector::Rejection {
        reason: connector::Reason::Invalid,
        code: "INVALID_PHONE".into(),
        message: "not a phone number".into(),
        fields: vec!["phone".into()],
    };
    world.crm.fail_next(Call::Push, Fault::Reject { index: 0, rejection });
    let run = world.push().await;
    assert_eq!((run.state, run.counts.failed), (RunState::Partial, 1));
    assert_eq!((world.value(&ada, "city"), world.value(&ada, "phone")), ("Bern".into(), Value::Null));
    assert_eq!(world.codes().await, [("write_rejected", 1)].into());
    world.assert_rest().await;
}

#[tokio::test]
async fn scenario_40_an_unsupported_crm_is_one_clear_state_and_no_storm() {
    let world = World::with(&mapped(&pushes(&["city"])));
    let ada = world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    world.identify("ada@acme.example", json!({"city": "Bern"})).await;
    let retired = connector::Error::new(ErrorKind::Unsupported, "write", "this API version is retired")
        .with_fix("update Ferry, or set api_version");
    world.crm.fail_always(Call::Push, Fault::FailWith(retired.clone()));
    world.crm.fail_always(Call::Pull, Fault::FailWith(retired));
    let calls = world.crm.calls();
    let run = world.push().await;
    assert_eq!((run.state, run.error_kind.as_deref()), (RunState::Failed, Some("unsupported")));
    assert!(run.message.unwrap().contains("retired"));
    let pulled = world.pull().await;
    assert_eq!(pulled.len(), 1, "the other objects are not tried: the connection is what fails");
    assert_eq!(pulled[0].state, RunState::Failed);
    assert_eq!((world.crm.calls().push - calls.push, world.crm.calls().pull - calls.pull), (1, 1));
    assert_eq!(world.outbox().await.len(), 1, "nothing is lost");
    world.crm.mend();
    world.push().await;
    assert_eq!(world.value(&ada, "city"), "Bern".into());
}

/// Every printable horror in one text.
const HOSTILE: &str = "=1+1\u{202e}😀\u{1b}]0;owned\u{7}<b onload=x>";

#[tokio::test]
async fn scenario_42_strange_text_is_stored_and_sent_and_never_breaks_anything() {
    let world = World::with(&mapped(&both(&["city", "phone", "country"])));
    let ada = world.contact(&[
        ("email", "ada@acme.example"),
        ("city", "Be\0rn"),
        ("phone", HOSTILE),
        ("country", "e\u{301}"),
    ]);
    world.sync().await;
    assert_eq!(world.trait_of("ada@acme.example", "city").await, "Bern".into(), "NUL is dropped");
    assert_eq!(world.trait_of("ada@acme.example", "phone").await, HOSTILE.into());
    assert_eq!(world.trait_of("ada@acme.example", "country").await, "é".into(), "compared in one normal form");
    let seq = world.seq();
    world.assert_rest().await;
    assert_eq!(world.written_since(seq), [], "none of it is written back as a difference");
    world.identify("ada@acme.example", json!({"city": "\u{202e}😀", "country": "a\0b"})).await;
    world.sync().await;
    assert_eq!(world.value(&ada, "city"), "\u{202e}😀".into());
    assert_eq!(world.value(&ada, "country"), "ab".into());
    world.assert_rest().await;
}

#[tokio::test]
async fn scenario_42_a_lone_surrogate_is_that_messages_error_and_no_ones_else() {
    let world = World::with(&mapped(&both(&["city"])));
    let message = |city: &str, id: &str| {
        format!(
            r#"{{"type":"identify","userId":"u","messageId":"{id}","traits":{{"email":"u@acme.example","city":"{city}"}}}}"#
        )
    };
    let refused = world.message(&message("\\ud800", "1")).await;
    assert!(refused.is_err());
    world.message(&message("Bern", "2")).await.unwrap();
    assert_eq!(world.trait_of("u@acme.example", "city").await, "Bern".into());
}

#[tokio::test]
async fn scenario_43_big_numbers_and_money_are_exact_from_pull_to_push() {
    let lines = both(&["age"])
        + "won_revenue = { field = \"cdp_won_revenue\", direction = \"push\", conflict = \"cdp_wins\" }\n";
    let world = World::with(&configured("preset = \"b2b\"\n", "", &lines));
    world.crm.define(&Object::Contact, field("age", FieldKind::Decimal { scale: None }));
    let number = |text: &str| Value::Number(text.parse().unwrap());
    let ada = world.crm.create(
        &Object::Contact,
        Fields::from([("email", Value::from("ada@acme.example")), ("age", number("9007199254740993"))]),
    );
    let bob = world.contact(&[("email", "bob@acme.example")]);
    let deal = world.crm.create(
        &Object::Deal,
        Fields::from([
            ("name", Value::from("big")),
            ("stage", Value::from("s_done")),
            ("amount", number("9007199254740993.12")),
            ("currency", Value::from("USD")),
            ("closed_at", Value::Instant(world.crm.now())),
        ]),
    );
    world.crm.link((&Object::Deal, &deal), (&Object::Contact, &ada));
    let open = world.crm.create(
        &Object::Deal,
        Fields::from([("stage", Value::from("contract")), ("amount", number("1234567890.123456789"))]),
    );
    world.crm.link((&Object::Deal, &open), (&Object::Contact, &ada));
    for answers_text in [false, true] {
        world.crm.set_answers_text(answers_text);
        world.advance(Duration::from_secs(60));
        world.sync().await;
        assert_eq!(world.trait_of("ada@acme.example", "age").await, number("9007199254740993"));
        assert_eq!(world.value(&ada, "cdp_won_revenue"), number("9007199254740993.12"));
        let profile = world.profile("ada@acme.example").await;
        let amounts: Vec<_> = profile.deals.iter().filter_map(|deal| deal.facts.amount).map(Value::Number).collect();
        assert!(amounts.contains(&number("1234567890.123456789")), "as stored: {amounts:?}");
    }
    world.identify("bob@acme.example", json!({"age": 9_007_199_254_740_993_i64})).await;
    world.sync().await;
    assert_eq!(world.value(&bob, "age"), number("9007199254740993"));
    world.assert_rest().await;
}

#[tokio::test]
async fn scenario_68_formulas_and_markup_travel_unchanged_by_api() {
    let names = ["city", "phone", "country", "title", "state"];
    let world = World::with(&mapped(&both(&names)));
    world.crm.define(&Object::Contact, field("state", FieldKind::Text));
    let ada = world.contact(&[("email", "ada@acme.example")]);
    world.sync().await;
    let hostile = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)", "<script>alert(1)</script> ' OR 1=1 --"];
    let traits: serde_json::Map<_, _> = names.iter().zip(hostile).map(|(n, v)| ((*n).to_owned(), json!(v))).collect();
    world.identify("ada@acme.example", traits.into()).await;
    world.sync().await;
    for (name, value) in names.iter().zip(hostile) {
        assert_eq!(world.value(&ada, name), value.into(), "{name}");
    }
    world.assert_rest().await;
    assert_eq!(world.codes().await.len(), 0);
}

#[tokio::test]
async fn scenario_68_no_control_character_of_a_record_reaches_the_terminal() {
    let world = World::with(&mapped(&both(&["city"])));
    world.contact(&[("email", "ada@acme.example"), ("city", HOSTILE)]);
    world.sync().await;
    std::fs::write(world.folder().join("sync.toml"), mapped(&both(&["city"]))).unwrap();
    for command in [vec!["profile", "ada@acme.example"], vec!["timeline", "ada@acme.example"], vec!["failures"]] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_ferry"))
            .args(&command)
            .arg("-c")
            .arg(world.folder().join("sync.toml"))
            .env("TOKEN", "s3cret")
            .output()
            .unwrap();
        let shown = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
        assert!(output.status.success(), "{command:?}: {shown}");
        let raw = shown.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert_eq!(raw, None, "{command:?}: {shown:?}");
        assert!(!shown.contains("s3cret"));
    }
}
