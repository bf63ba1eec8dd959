//! The door to one CRM account.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    Budget, Capability, Clock, ConnectionName, CreatedField, Entropy, Environment, Error, ErrorKind, ListFacts,
    ListMembers, NewField, Notebook, Object, Outcome, Page, PullRequest, ReadRequest, Record, Result, Schema,
    Timestamp, Write,
};

/// What a connector is given when it is made: the outside world, passed in.
#[derive(Clone, Debug)]
pub struct Context {
    pub connection: ConnectionName,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub environment: Arc<dyn Environment>,
    /// What this connection's connectors remember across restarts.
    pub notebook: Arc<dyn Notebook>,
}

/// The account behind a connection, as the CRM describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The account's id at the CRM.
    pub id: Arc<str>,
    /// IANA time zone; the daily quota starts again at midnight there.
    pub timezone: Option<Arc<str>>,
    /// ISO 4217 code of the account's own currency.
    pub currency: Option<Arc<str>>,
    /// The CRM's clock when it answered.
    pub server_time: Option<Timestamp>,
}

/// One CRM account. Each numbered promise is checked by the conformance suite.
///
/// 1. `check` changes nothing, costs at most two calls, and tells *auth* from *unreachable* from *config*.
/// 2. A full pass over a cursor window yields every record changed in it at least once; order is the connector's.
///    Records may repeat, never be skipped: not for equal stamps, not past a search cap, not when they change or
///    become visible late.
/// 3. Every page carries a `resume` cursor, even an empty one; it round-trips through its text; the checkpoint is only
///    what `resume` says. Resuming from any page's cursor loses nothing.
/// 4. A deleted record appears as a tombstone in [`crate::Stream::Deletions`] where the capability says so; a merge appears as
///    `merged_ids` on the survivor (or `merged_into` on a tombstone), never as a mere deletion. A record that goes on as a
///    record of another object (a converted lead) is a merge too: a tombstone whose `merged_into` names that object.
/// 5. `push` returns exactly one outcome per write, in the order given. One bad write never fails its neighbours. `Err`
///    means that nothing at all was applied.
/// 6. The same update or upsert pushed twice leaves the CRM as if pushed once.
/// 7. `push` creates a record only for `Create` and `Upsert`, and only where the capability allows it.
/// 8. Fields not named in a write are not touched. `Null` clears; absence does not.
/// 9. Errors carry a kind; quota errors carry the instant at which it makes sense to return.
/// 10. A lost or unreadable answer to a write is `Ambiguous`, never success and never a silent resend of a create.
/// 11. Dropping the future stops the work; no call outlives it.
/// 12. `read` answers from the primary store: what `push` has just written, `read` shows.
/// 13. A field that was asked for and has no value is `Null`; one the CRM does not define is absent and named in
///     `Page::undefined`.
/// 14. No request goes to a host other than the configured ones, whatever an answer says; no secret leaves in an error.
/// 15. When `recover` has returned `Ok`, no write of an earlier call or life is still under way: all that it will ever
///     apply is applied and `read` shows it, and nothing half-made (an open bulk job) is left at the CRM. It sends no
///     write again and loses none that was applied. `Err` means: still under way, or unknown; come back later. A push of
///     this very connector that has not returned yet is none of its business and goes on undisturbed.
#[async_trait]
pub trait Connector: fmt::Debug + Send + Sync {
    fn capability(&self) -> &Capability;

    /// Reaches the CRM and says whose account it is.
    async fn check(&self) -> Result<Account>;

    /// The object's fields as they are now; asks the CRM every time.
    async fn describe(&self, object: &Object) -> Result<Schema>;

    /// One page of a stream.
    async fn pull(&self, request: &PullRequest) -> Result<Page>;

    /// Current values of up to `capability.read_batch` records. Records that do not exist are left out.
    async fn read(&self, request: &ReadRequest) -> Result<Vec<Record>>;

    /// Up to `capability.push_batch` writes ([`crate::ListKind::batch`] for places on lists) of one object and one kind of
    /// operation, each record at most once. A call that
    /// takes longer than some eight minutes (a bulk job) answers [`Outcome::Ambiguous`] for what is still under way and
    /// leaves its end to `recover`.
    async fn push(&self, writes: &[Write]) -> Result<Vec<Outcome>>;

    /// Brings to an end what an earlier push, of this process or of one that died, may have left under way (promise 15).
    /// Asked before the first push of every run, and again in a run before writes with a lost answer are looked at; whatever
    /// was in flight is then looked at before it is sent. Where there is nothing to bring to an end it costs no call.
    async fn recover(&self) -> Result<()> {
        Ok(())
    }

    /// Creates one enrichment field, where the capability says so. Existing fields are left alone.
    async fn create_field(&self, object: &Object, field: &NewField) -> Result<CreatedField>;

    /// A list of records of an object, as it is now; `None` where there is none. For connectors whose capability names lists.
    async fn list(&self, object: &Object, list: &str) -> Result<Option<ListFacts>> {
        let _ = list;
        Err(without_lists(object))
    }

    /// A page of who is on a list, after the place that the page before named.
    async fn list_members(&self, object: &Object, list: &str, after: Option<&str>) -> Result<ListMembers> {
        let _ = (list, after);
        Err(without_lists(object))
    }

    /// What is known of the quota now; asks nobody.
    fn budget(&self) -> Budget;

    /// Calls needed to push `writes` writes of one kind, for the plan's forecast.
    fn forecast(&self, writes: usize) -> usize {
        writes.div_ceil(self.capability().push_batch.max(1))
    }
}

fn without_lists(object: &Object) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("look at a list of {object} records"),
        "the connector has no lists of them",
    )
}
