//! What is kept of messages that come over the wire, in a real store.

use std::sync::Arc;

use connector::{ManualClock, SeededEntropy, Timestamp};
use tokio::sync::Notify;

use super::*;
use crate::enrich::{Model, preset};
use crate::model::{DeadLetter, DeadLetterId, Identifier, RunId};
use crate::store::Store;
use crate::store::sqlite::{OpenOptions, SqliteStore};

struct Door {
    live: Live,
    store: Arc<dyn Store>,
    source: LiveSource,
    _folder: tempfile::TempDir,
}

/// A door whose sources are servers: their clocks are taken at their word.
fn door() -> Door {
    let folder = tempfile::tempdir().unwrap();
    let entropy = Arc::new(SeededEntropy::new(7));
    let store = SqliteStore::open(&folder.path().join("ferry.db"), OpenOptions::default(), entropy.clone()).unwrap();
    let store: Arc<dyn Store> = Arc::new(store);
    let (clock, model) = (Arc::new(ManualClock::new(now())), Arc::new(Model::new(preset::b2b())));
    let live = Live::new(store.clone(), model, clock, entropy, RunId(uuid::Uuid::nil()), Arc::new(Notify::new()));
    let options =
        DecodeOptions { source: "web".into(), max_message: MAX_MESSAGE, client: false, identity: Arc::default() };
    let source = LiveSource { options, tally: Tally::default() };
    Door { live, store, source, _folder: folder }
}

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-03-02T12:00:00Z").unwrap()
}

impl Door {
    async fn take(&self, messages: &[&str]) -> Taken {
        self.live.take(&self.source, messages, now(), false).await.unwrap()
    }
}

#[tokio::test]
async fn without_an_id_every_message_is_one_more() {
    let door = door();
    let page = r#"{"type":"page","userId":"u-1","timestamp":"2026-03-02T09:00:00Z"}"#;
    for _ in 0..3 {
        assert_eq!(door.take(&[page]).await.accepted, 1);
    }
    let taken = door.take(&[page, page]).await;
    assert_eq!((taken.accepted, taken.duplicate), (2, 0));
    let named = r#"{"type":"page","userId":"u-1","messageId":"m-1"}"#;
    let taken = door.take(&[named, named]).await;
    assert_eq!((taken.accepted, taken.duplicate), (1, 1));

    let profile = door.store.find_profile("user_id:u-1").await.unwrap().unwrap();
    let events = door.store.events_of(profile, 10).await.unwrap();
    let drawn: std::collections::BTreeSet<_> = events.iter().map(|row| row.event.message_id.clone()).collect();
    assert_eq!(drawn.len(), 6);
    let is_drawn = |id: &str| id.parse().is_ok_and(|id: uuid::Uuid| id.get_version_num() == 4);
    assert_eq!(drawn.iter().filter(|id| is_drawn(id)).count(), 5, "{drawn:?}");
}

#[tokio::test]
async fn of_a_refused_message_nothing_is_kept_that_must_not_be() {
    let door = door();
    let letters = async || door.store.dead_letters(DeadLetterId(0), 10).await.unwrap();
    let text = |letter: &DeadLetter| letter.raw.as_ref().map(|raw| raw.text.to_string());
    let bad = r#"{"type":"page","timestamp":"2026","userId":"u-2","writeKey":"k1","context":{"ip":"203.0.113.77"}}"#;
    door.take(&[bad]).await;
    let kept = letters().await;
    let want = r#"{"type":"page","timestamp":"2026","userId":"u-2","writeKey":null,"context":{"ip":"203.0.113.0"}}"#;
    assert_eq!(kept.iter().map(text).collect::<Vec<_>>(), [Some(want.to_owned())]);

    let ada = [Identifier::email("ada@northwind.example"), Identifier::user_id("u-1")];
    for named in ada.into_iter().flatten() {
        door.store.suppress(&named.to_string(), Some(named.clone()), now()).await.unwrap();
    }
    let of_ada = [
        r#"{"type":"page","timestamp":"2026","userId":"u-1"}"#,
        r#"{"type":"pag","context":{"traits":{"Email":"Ada@Northwind.Example"}}}"#,
        r#"{"type":"track","userId":"u-3","properties":{"note":"as ada\u0040northwind.example said""#,
    ];
    door.take(&of_ada).await;
    // Without their text they are one letter.
    let without: Vec<_> = letters().await.into_iter().filter(|letter| letter.raw.is_none()).collect();
    assert_eq!(without.iter().map(|letter| letter.count).collect::<Vec<_>>(), [3], "{without:?}");
    assert!(without[0].cause.contains("names somebody on the suppression list"), "{}", without[0].cause);
    // Others are still kept for repair.
    door.take(&[r#"{"type":"page","timestamp":"2027","userId":"u-4"}"#]).await;
    assert!(letters().await.iter().any(|letter| text(letter).is_some_and(|text| text.contains("u-4"))));
}

#[tokio::test]
async fn a_write_key_is_not_kept() {
    let door = door();
    let page = r#"{"type":"page","writeKey":"k1","userId":"u-1","properties":{"writeKey":"mine"},"writeKey":"k2"}"#;
    assert_eq!(door.take(&[page]).await.accepted, 1);
    let profile = door.store.find_profile("user_id:u-1").await.unwrap().unwrap();
    let events = door.store.events_of(profile, 10).await.unwrap();
    assert_eq!(&*events[0].event.body, r#"{"type":"page","userId":"u-1","properties":{"writeKey":"mine"}}"#);
}
