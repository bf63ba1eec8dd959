//! Times as they are written: what a strict reader takes, ours takes too and reads alike.

use connector::Timestamp;

use crate::{NOW, event};

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let strict = Timestamp::parse_rfc3339(text);
    if let Some(at) = strict {
        assert_eq!(Timestamp::parse_rfc3339(&at.to_rfc3339()), Some(at), "a time survives being written");
    }
    let quoted = serde_json::to_string(text).expect("a text is JSON");
    let message =
        |when: &str| format!(r#"{{"type":"track","event":"x","userId":"u","messageId":"m","timestamp":{when}}}"#);
    let read = event::one(&message(&quoted), false).map(|event| event.at);
    // The year 10000 and a calendar before ours are none of our business, nor is what has a thousand digits.
    let plain = |at: &Timestamp| *at >= Timestamp::EPOCH && at.secs() < 253_402_300_800 && text.len() <= 35;
    if let Some(at) = strict.filter(plain).filter(|_| !text.contains(":60") && text.trim() == text) {
        assert_eq!(read, Some(at.min(NOW)), "{text}");
    }
    // As a number, a flag, a list: refused or read, never a panic.
    if serde_json::from_str::<serde_json::Value>(text).is_ok() {
        let _ = event::one(&message(text), true);
    }
}
