//! One message: taken or refused in words, never half.

use std::sync::LazyLock;

use connector::Timestamp;
use ferry::enrich::{Model, preset};
use ferry::ingest::{DecodeOptions, MAX_MESSAGE, decode};
use ferry::model::{Event, EventKind};

use crate::NOW;

/// Texts are decoded as an SDK's message and as a line of a file.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for client in [true, false] {
        let _ = one(text, client);
    }
}

/// Decodes a message and holds the event to what the rest of the program relies on.
pub fn one(text: &str, client: bool) -> Option<Event> {
    static MODEL: LazyLock<Model> = LazyLock::new(|| Model::new(preset::b2b()));
    let options =
        DecodeOptions { source: "fuzz".into(), max_message: MAX_MESSAGE, client, identity: Default::default() };
    let event = match decode(text, NOW, &options) {
        Ok(event) => event,
        Err(error) => {
            assert!(!error.code.is_empty() && !error.cause.is_empty() && !error.fix.is_empty(), "{error}");
            return None;
        }
    };
    assert!(event.at <= NOW && event.at >= Timestamp::EPOCH, "{:?}", event.at);
    assert!(!event.message_id.is_empty() && event.message_id.chars().count() <= 100);
    assert!(event.identifiers.is_sorted(), "strongest first");
    assert!(event.identifiers.windows(2).all(|two| two[0] != two[1]), "each once");
    assert!(event.identifiers.iter().all(|id| !id.value.trim().is_empty()));
    assert!(event.kind != EventKind::Track || event.name.is_some(), "a track has a name");
    assert!(event.traits.windows(2).all(|two| two[0].0 < two[1].0), "each trait once, sorted");
    assert!(event.body.len() <= text.len(), "spaces go, nothing comes");
    for fact in MODEL.facts(&event) {
        assert_eq!(fact.at, event.at);
    }
    let again = decode(&event.body, NOW, &options).expect("what is kept can be read again");
    assert_eq!(again, event, "and says the same");
    Some(event)
}
