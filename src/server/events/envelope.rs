//! From a request to the messages in it. The envelope's own members go under each message's: the message wins.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::answer::Refusal;
use super::member;
use crate::ingest::Sent;

/// Messages of one request.
pub(super) const MOST_MESSAGES: usize = 2_500;

/// How many times the largest request its messages may be, with the envelope under each.
const MOST_GROWTH: usize = 8;

/// Bytes at most that the names of the envelope's members take in a message, with what stands between.
const NAMES: usize = 48;

/// What a batch says of all of its messages.
struct Envelope<'a> {
    context: Option<&'a RawValue>,
    integrations: Option<&'a RawValue>,
    sent_at: Option<&'a RawValue>,
}

/// The messages of a request, each the text of one JSON object, and the write key where the body carries it.
#[derive(Debug)]
pub(super) struct Messages<'a> {
    pub texts: Vec<Message<'a>>,
    pub write_key: Option<String>,
}

/// One message, with what its envelope or path adds to it.
#[derive(Debug)]
pub(super) struct Message<'a> {
    pub text: Cow<'a, str>,
    /// Bytes of it as its sender wrote it.
    pub sent: usize,
}

impl AsRef<str> for Message<'_> {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl Sent for Message<'_> {
    fn bytes_sent(&self) -> usize {
        self.sent
    }
}

/// A single message; the path's type wins over its own.
pub(super) fn single<'a>(body: &'a str, kind: &str) -> Result<Messages<'a>, Refusal> {
    let [key] = member::find(body, ["writeKey"]).map_err(|error| not_an_object(&error))?;
    let text = member::with(body, "type", &format!("\"{kind}\""));
    Ok(Messages { texts: vec![Message { text, sent: body.len() }], write_key: write_key(key)? })
}

/// The key that the body carries; null is none.
fn write_key(given: Option<&RawValue>) -> Result<Option<String>, Refusal> {
    let key = given.map(|key| serde_json::from_str::<Option<String>>(key.get())).transpose();
    key.map(Option::flatten).map_err(|_| Refusal::invalid_json("`writeKey` is no text"))
}

/// The messages of a batch request's body as it came, packed or not, of at most `most` bytes of text; else the refusal's code.
/// What the listener does before it decodes them, for checks without a network.
pub fn batch_of(body: &[u8], most: usize) -> Result<Vec<String>, &'static str> {
    let text = super::body::text(body.to_vec(), false, most).map_err(|refusal| refusal.code)?;
    let messages = batch(&text, most).map_err(|refusal| refusal.code)?;
    Ok(messages.texts.into_iter().map(|message| message.text.into_owned()).collect())
}

/// A batch. Its envelope is laid under every message, which must not make a small request a large one: all of them together
/// may have [`MOST_GROWTH`] times `most` bytes.
pub(super) fn batch(body: &str, most: usize) -> Result<Messages<'_>, Refusal> {
    let names = ["batch", "context", "integrations", "sentAt", "writeKey"];
    // An object and nothing else: a list of the same values in this order is no batch.
    let found = member::find(body, names).map_err(|error| not_an_object(&error))?;
    let [list, context, integrations, sent_at, key] = found.map(|value| value.filter(|value| !is_null(value)));
    let envelope = Envelope { context, integrations, sent_at };
    let list = list.ok_or_else(|| Refusal::invalid_json("the body has no `batch`"))?;
    let items: Vec<&RawValue> =
        serde_json::from_str(list.get()).map_err(|_| Refusal::invalid_json("`batch` is not a list"))?;
    if items.len() > MOST_MESSAGES {
        let message = format!("the batch has {} messages, more than {MOST_MESSAGES}", items.len());
        return Err(Refusal::too_large(message));
    }
    let mut write_key = write_key(key)?;
    let mut texts = Vec::with_capacity(items.len());
    let mut room = most.saturating_mul(MOST_GROWTH);
    let outer = [envelope.context, envelope.integrations, envelope.sent_at];
    let outer: usize = outer.into_iter().flatten().map(|value| value.get().len()).sum();
    for item in items {
        // Counted before it is written out.
        room = room.checked_sub(item.get().len() + outer + NAMES).ok_or_else(|| {
            Refusal::too_large("the envelope's context is too large for so many messages; send it with fewer of them")
        })?;
        let own = member::find(item.get(), ["context", "integrations", "sentAt", "writeKey"]).unwrap_or_default();
        let [context, integrations, sent_at, key] = own;
        if write_key.is_none() {
            write_key = key.and_then(|key| serde_json::from_str(key.get()).ok());
        }
        let mut text = Cow::Borrowed(item.get());
        for (name, own, outer) in
            [("sentAt", sent_at, envelope.sent_at), ("integrations", integrations, envelope.integrations)]
        {
            if let Some(outer) = outer.filter(|_| own.is_none_or(is_null)) {
                text = Cow::Owned(member::with(&text, name, outer.get()).into_owned());
            }
        }
        if let Some(outer) = envelope.context {
            let both = under(outer.get(), context.map(RawValue::get));
            text = Cow::Owned(member::with(&text, "context", &both).into_owned());
        }
        texts.push(Message { text, sent: item.get().len() });
    }
    Ok(Messages { texts, write_key })
}

/// The message with the address it came from as `context.ip`, where it does not say one itself. `address` as JSON.
pub(super) fn with_address<'a>(message: &'a str, address: &str) -> Cow<'a, str> {
    let Ok([context]) = member::find(message, ["context"]) else { return message.into() };
    let alone = || format!("{{\"ip\":{address}}}");
    let Some(context) = context.map(RawValue::get) else { return member::appended(message, "context", &alone()) };
    let Some(at) = member::place(message, context) else { return message.into() };
    if context == "null" {
        return member::replaced(message, at, &alone()).into();
    }
    match member::find(context, ["ip"]) {
        Ok([ip]) if ip.is_none_or(|ip| matches!(ip.get(), "null" | "\"\"")) => {
            member::replaced(message, at, &member::with(context, "ip", address)).into()
        }
        _ => message.into(),
    }
}

fn is_null(value: &RawValue) -> bool {
    value.get() == "null"
}

fn not_an_object(error: &serde_json::Error) -> Refusal {
    // The library's words may quote the body; its place does not.
    Refusal::invalid_json(format!("the body is not a JSON object (line {}, column {})", error.line(), error.column()))
}

/// The members of `inner` over those of `outer`, one level deep.
fn under<'a>(outer: &'a str, inner: Option<&'a str>) -> Cow<'a, str> {
    match inner {
        None => outer.into(),
        Some(inner) if inner.trim_start().starts_with('{') && outer.trim_start().starts_with('{') => {
            let (outer, inner) = (inside(outer), inside(inner));
            match (outer.is_empty(), inner.is_empty()) {
                (true, _) => format!("{{{inner}}}").into(),
                (_, true) => format!("{{{outer}}}").into(),
                // Of a repeated member the last counts.
                _ => format!("{{{outer},{inner}}}").into(),
            }
        }
        Some(inner) => inner.into(),
    }
}

/// The text between an object's braces.
fn inside(object: &str) -> &str {
    let object = object.trim();
    object.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).map_or("", str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 64 * 1024;

    /// Catalogue row 68: an envelope of a few bytes short of the limit under each of thousands of messages.
    #[test]
    fn scenario_68_a_small_request_does_not_become_a_large_one() {
        let context = "x".repeat(MOST / 2);
        let body = |messages: usize| {
            format!(r#"{{"context":{{"a":"{context}"}},"batch":[{}]}}"#, vec!["{}"; messages].join(","))
        };
        assert_eq!(batch(&body(15), MOST).unwrap().texts.len(), 15);
        assert_eq!(batch(&body(16), MOST).unwrap_err().code, "too_large");
        assert_eq!(batch(&body(2_000), MOST).unwrap_err().code, "too_large");
    }

    #[test]
    fn the_envelope_goes_under_each_message() {
        let body = r#"{"writeKey":"k","sentAt":"S","context":{"ip":"1.2.3.4","locale":"de"},"integrations":{"All":true},
            "batch":[{"type":"track","context":{"locale":"at"}},{"type":"page","sentAt":"T","context":null},{},7]}"#;
        let messages = batch(body, MOST).unwrap();
        assert_eq!(messages.write_key.as_deref(), Some("k"));
        let texts: Vec<&str> = messages.texts.iter().map(AsRef::as_ref).collect();
        let filled = r#"{"type":"track","context":{"ip":"1.2.3.4","locale":"de","locale":"at"},"sentAt":"S","integrations":{"All":true}}"#;
        assert_eq!(texts[0], filled);
        assert!(texts[1].contains(r#""sentAt":"T""#) && !texts[1].contains(r#""sentAt":"S""#));
        assert!(texts[2].starts_with(r#"{"sentAt":"S""#), "{}", texts[2]);
        assert_eq!(texts[3], "7");
        let sent: Vec<usize> = messages.texts.iter().map(|message| message.sent).collect();
        assert_eq!(sent[2..], [2, 1], "what the envelope adds is not counted");
    }

    #[test]
    fn the_address_is_filled_in_where_none_is_said() {
        let address = "\"192.0.2.1\"";
        let cases = [
            (r#"{"type":"page"}"#, Some("192.0.2.1")),
            (r#"{"context":{"locale":"de"}}"#, Some("192.0.2.1")),
            (r#"{"context":null}"#, Some("192.0.2.1")),
            (r#"{"context":{"ip":null}}"#, Some("192.0.2.1")),
            (r#"{"context":{"ip":""}}"#, Some("192.0.2.1")),
            (r#"{"context":{"a":1},"context":{"locale":"de"}}"#, Some("192.0.2.1")),
            (r#"{"context":{"ip":"0.0.0.0"}}"#, Some("0.0.0.0")),
            (r#"{"context":{"ip":7}}"#, None),
            (r#"{"context":[]}"#, None),
            (r#"{"context":7}"#, None),
            ("7", None),
            ("no json", None),
        ];
        for (message, want) in cases {
            let filled = with_address(message, address);
            let ip = serde_json::from_str::<serde_json::Value>(&filled).unwrap_or_default();
            assert_eq!(ip["context"]["ip"].as_str(), want, "{message}");
            assert!(want == Some("192.0.2.1") || filled == message);
        }
        let kept = with_address(r#"{"context":{"locale":"de"},"type":"page"}"#, address);
        let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
        assert_eq!((&kept["context"]["locale"], &kept["type"]), (&"de".into(), &"page".into()));
    }

    #[test]
    fn the_path_says_what_a_single_message_is() {
        let messages = single(r#"{ "type":"page", "writeKey":"k" }"#, "track").unwrap();
        assert_eq!(messages.texts[0].as_ref(), r#"{ "type":"track", "writeKey":"k" }"#);
        assert_eq!(messages.write_key.as_deref(), Some("k"));
        let bare = single("{}", "page").unwrap();
        // What the path says of it is not the sender's to answer for.
        assert_eq!((bare.texts[0].as_ref(), bare.texts[0].sent), (r#"{"type":"page"}"#, 2));
    }

    #[test]
    fn what_is_no_batch_is_refused_whole() {
        for body in [
            "",
            "[]",
            "[[{}]]",
            r#"[[{}],{"a":1},null,"S","k1"]"#,
            "{}",
            r#"{"batch":{}}"#,
            r#"{"batch":[1,]}"#,
            "null",
            "{\"batch\":[]",
        ] {
            assert!(batch(body, MOST).is_err(), "{body}");
        }
        let many = format!(r#"{{"batch":[{}]}}"#, vec!["{}"; MOST_MESSAGES + 1].join(","));
        assert_eq!(batch(&many, MOST).unwrap_err().code, "too_large");
        assert!(batch(r#"{"batch":[]}"#, MOST).unwrap().texts.is_empty());
    }
}
