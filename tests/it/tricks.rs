//! A connector that misbehaves on order: it stops dead at a chosen point, lets a rep act in the middle of a call, or breaks
//! the contract. Everything else is the in-memory CRM's.

#![allow(dead_code, reason = "a kit: tests use what they need")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use connector::{
    Account, Budget, Capability, Connector, CreatedField, ListFacts, ListMembers, NewField, Object, Outcome, Page,
    PullRequest, ReadRequest, Record, Result, Schema, Write,
};
use connector_conformance::{MemoryConnector, MemoryCrm};
use tokio::sync::Notify;

/// What happens at the next call it fits; it happens once, unless said otherwise.
pub enum Trick {
    /// The push is sent and applied; no answer ever comes, as in a process that is killed then.
    DieAfterPush,
    /// The process dies before anything is sent.
    DieBeforePush,
    /// The push is applied; before its answer arrives, this happens.
    BeforeAnswer(Box<dyn FnOnce(&MemoryCrm) + Send>),
    /// This happens before the push is applied.
    BeforePush(Box<dyn FnOnce(&MemoryCrm) + Send>),
    /// This happens after a page was read and before it arrives.
    BeforePage(Box<dyn FnOnce(&MemoryCrm) + Send>),
    /// The connector panics in a push.
    PanicInPush,
    /// The connector panics in a pull, always.
    PanicInPull,
    /// Every page promises more and names the same place, always.
    NeverEnds,
    /// One outcome too few.
    MiscountOutcomes,
}

/// The connector, and a handle to play its tricks.
#[derive(Clone)]
pub struct Trickster {
    inner: MemoryConnector,
    tricks: Arc<Mutex<Vec<Trick>>>,
    /// Told when a call has stopped dead.
    pub dead: Arc<Notify>,
}

impl Trickster {
    pub fn new(inner: MemoryConnector) -> Self {
        Self { inner, tricks: Arc::default(), dead: Arc::default() }
    }

    pub fn play(&self, trick: Trick) {
        self.tricks.lock().unwrap().push(trick);
    }

    pub fn stop_playing(&self) {
        self.tricks.lock().unwrap().clear();
    }

    fn take(&self, fits: impl Fn(&Trick) -> bool) -> Option<Trick> {
        let mut tricks = self.tricks.lock().unwrap();
        let at = tricks.iter().position(fits)?;
        Some(tricks.remove(at))
    }

    fn holds(&self, fits: impl Fn(&Trick) -> bool) -> bool {
        self.tricks.lock().unwrap().iter().any(fits)
    }

    async fn die(&self) {
        self.dead.notify_one();
        futures::future::pending::<()>().await;
    }
}

impl std::fmt::Debug for Trickster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Trickster")
    }
}

#[async_trait]
impl Connector for Trickster {
    fn capability(&self) -> &Capability {
        self.inner.capability()
    }

    async fn check(&self) -> Result<Account> {
        self.inner.check().await
    }

    async fn describe(&self, object: &Object) -> Result<Schema> {
        self.inner.describe(object).await
    }

    async fn pull(&self, request: &PullRequest) -> Result<Page> {
        assert!(!self.holds(|trick| matches!(trick, Trick::PanicInPull)), "the connector panics");
        let mut page = self.inner.pull(request).await?;
        if self.holds(|trick| matches!(trick, Trick::NeverEnds)) {
            page.more = true;
            page.resume = request.cursor.clone().unwrap_or(page.resume);
        }
        if let Some(Trick::BeforePage(act)) = self.take(|trick| matches!(trick, Trick::BeforePage(_))) {
            act(self.inner.crm());
        }
        Ok(page)
    }

    async fn read(&self, request: &ReadRequest) -> Result<Vec<Record>> {
        self.inner.read(request).await
    }

    async fn push(&self, writes: &[Write]) -> Result<Vec<Outcome>> {
        let taken = self.take(|trick| !matches!(trick, Trick::BeforePage(_) | Trick::PanicInPull | Trick::NeverEnds));
        match taken {
            Some(Trick::DieBeforePush) => self.die().await,
            Some(Trick::PanicInPush) => panic!("the connector panics"),
            Some(Trick::BeforePush(act)) => act(self.inner.crm()),
            Some(Trick::DieAfterPush) => {
                self.inner.push(writes).await?;
                self.die().await;
            }
            Some(Trick::BeforeAnswer(act)) => {
                let outcomes = self.inner.push(writes).await?;
                act(self.inner.crm());
                return Ok(outcomes);
            }
            Some(Trick::MiscountOutcomes) => {
                let mut outcomes = self.inner.push(writes).await?;
                outcomes.pop();
                return Ok(outcomes);
            }
            _ => {}
        }
        self.inner.push(writes).await
    }

    async fn list(&self, object: &Object, list: &str) -> Result<Option<ListFacts>> {
        self.inner.list(object, list).await
    }

    async fn list_members(&self, object: &Object, list: &str, after: Option<&str>) -> Result<ListMembers> {
        self.inner.list_members(object, list, after).await
    }

    async fn recover(&self) -> Result<()> {
        self.inner.recover().await
    }

    async fn create_field(&self, object: &Object, field: &NewField) -> Result<CreatedField> {
        self.inner.create_field(object, field).await
    }

    fn budget(&self) -> Budget {
        self.inner.budget()
    }
}
