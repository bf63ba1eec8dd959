//! What a connector must remember across a restart.

use std::fmt;

use async_trait::async_trait;

use crate::Result;

/// One thing remembered. Key and text are the connector's own words; nobody else reads them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    pub key: String,
    pub text: String,
}

/// The notes of one connection: an open bulk job, a refresh token that the CRM has rotated. A few short notes that are
/// needed again, not a log. Every change is durable before it returns, so that a note kept before a call is there after
/// a crash during the call.
#[async_trait]
pub trait Notebook: fmt::Debug + Send + Sync {
    /// Everything kept and not forgotten, by key.
    async fn notes(&self) -> Result<Vec<Note>>;

    /// Keeps a note; one of the same key is replaced.
    async fn keep(&self, key: &str, text: &str) -> Result<()>;

    /// Forgets a note; where there is none, nothing happens.
    async fn forget(&self, key: &str) -> Result<()>;
}

/// A notebook that lasts as long as it is held: whoever makes a second connector on it sees what the first one kept.
#[cfg(any(test, feature = "test-util"))]
#[derive(Debug, Default)]
pub struct MemoryNotebook(std::sync::Mutex<std::collections::BTreeMap<String, String>>);

#[cfg(any(test, feature = "test-util"))]
impl MemoryNotebook {
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, std::collections::BTreeMap<String, String>> {
        // A panicking test must not hide its cause behind a poisoned lock.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(any(test, feature = "test-util"))]
#[async_trait]
impl Notebook for MemoryNotebook {
    async fn notes(&self) -> Result<Vec<Note>> {
        Ok(self.lock().iter().map(|(key, text)| Note { key: key.clone(), text: text.clone() }).collect())
    }

    async fn keep(&self, key: &str, text: &str) -> Result<()> {
        self.lock().insert(key.to_owned(), text.to_owned());
        Ok(())
    }

    async fn forget(&self, key: &str) -> Result<()> {
        self.lock().remove(key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_note_is_replaced_and_forgotten() {
        let notebook = MemoryNotebook::new();
        for (key, text) in [("b", "1"), ("a", "2"), ("b", "3")] {
            notebook.keep(key, text).await.unwrap();
        }
        notebook.forget("none").await.unwrap();
        let note = |key: &str, text: &str| Note { key: key.into(), text: text.into() };
        assert_eq!(notebook.notes().await.unwrap(), [note("a", "2"), note("b", "3")]);
        notebook.forget("a").await.unwrap();
        assert_eq!(notebook.notes().await.unwrap(), [note("b", "3")]);
    }
}
