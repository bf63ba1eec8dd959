//! What connectors remember.

use connector::Note;

use super::engine::Engine;

fn note(key: &str, text: &str) -> Note {
    Note { key: key.into(), text: text.into() }
}

pub(in crate::store) async fn a_note_outlives_the_process(engine: &dyn Engine) {
    let store = engine.open();
    for (key, text) in [("job 1", "open"), ("token", "abc"), ("job 1", "uploaded")] {
        store.keep_connector_note(&"acme".into(), note(key, text)).await.unwrap();
    }
    drop(store);
    let store = engine.open();
    let kept = store.connector_notes(&"acme".into()).await.unwrap();
    assert_eq!(kept, [note("job 1", "uploaded"), note("token", "abc")]);
    store.forget_connector_note(&"acme".into(), "job 1").await.unwrap();
    store.forget_connector_note(&"acme".into(), "job 2").await.unwrap();
    assert_eq!(engine.open().connector_notes(&"acme".into()).await.unwrap(), [note("token", "abc")]);
}

pub(in crate::store) async fn each_connection_has_its_own_notes(engine: &dyn Engine) {
    let store = engine.open();
    store.keep_connector_note(&"one".into(), note("token", "1")).await.unwrap();
    store.keep_connector_note(&"two".into(), note("token", "2")).await.unwrap();
    store.set_note("token", "the engine's own").await.unwrap();
    store.forget_connector_note(&"one".into(), "token").await.unwrap();
    assert_eq!(store.connector_notes(&"one".into()).await.unwrap(), []);
    assert_eq!(store.connector_notes(&"two".into()).await.unwrap(), [note("token", "2")]);
    assert_eq!(store.note("token").await.unwrap().as_deref(), Some("the engine's own"));
}
