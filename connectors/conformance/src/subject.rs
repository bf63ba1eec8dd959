//! What a connector crate provides: the connector under test, and levers on the CRM at its far side.

use std::time::Duration;

use async_trait::async_trait;
use connector::{Connector, DealStatus, FieldKind, FieldName, Fields, Object, RecordId, Timestamp, Value};
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};

use crate::levers::Levers;

/// Why a check ends early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The connector breaks the contract (or a lever broke): what was expected and what was seen.
    Failed(String),
    /// The check does not apply to this connector, or its CRM's stand-in has no such lever: why.
    Skipped(String),
}

pub type Checked<T = ()> = Result<T, Stop>;

/// The CRM's own names for what the suite needs.
#[derive(Clone, Debug)]
pub struct Words {
    /// The object the suite works with: people.
    pub person: Object,
    /// Writable text fields of a person, without rules; they take at least 200 characters.
    pub text: FieldName,
    pub other_text: FieldName,
    /// The unique e-mail field of a person.
    pub email: FieldName,
    /// Writable fields of a person by kind, for round trips. Choices name their options in the kind.
    pub typed: Vec<(FieldName, FieldKind)>,
    /// A field of a person that exists and cannot be written.
    pub read_only: Option<FieldName>,
    /// Ferry's own unique key on a person, if it exists there.
    pub key: Option<FieldName>,
    /// A field and a value that the CRM refuses for it.
    pub refused: Option<(FieldName, Value)>,
    /// An id in the CRM's form that no record has.
    pub no_such_id: RecordId,
}

/// A deal to seed.
#[derive(Clone, Debug)]
pub struct DealSeed {
    pub name: String,
    pub amount: Decimal,
    /// ISO 4217.
    pub currency: String,
    pub status: DealStatus,
    pub closed_at: Option<Timestamp>,
}

/// A task as the CRM holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskSeen {
    pub id: RecordId,
    pub subject: String,
    pub body: String,
    /// `2026-03-04`, in UTC.
    pub due_on: String,
    /// Whose it is: a user's id.
    pub owner: Option<RecordId>,
}

/// A lead object as the CRM holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadSeen {
    pub id: RecordId,
    pub name: String,
    /// Whose it is: a user's id.
    pub owner: Option<RecordId>,
}

/// What can go wrong on the far side. Each lasts until [`Subject::mend`] unless it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The access token runs out now; a renewal gives a good one.
    ExpiredToken,
    /// The credential is withdrawn: neither calls nor renewals are answered.
    Revoked,
    /// Every call is answered 5xx and nothing is applied.
    ServerError,
    /// Every call is refused for want of quota.
    Quota,
    /// The connection breaks without an answer, after the request was applied or before.
    LostAnswer { applied: bool },
    /// Requests are applied; their answers break off in the middle of the body.
    Truncated,
    /// Requests are taken and never answered.
    Stall,
    /// Answers point to another host (a redirect, a next link, an instance URL).
    PointElsewhere,
}

/// One connector and the account behind it. Every check gets a fresh one, so that nothing a check does reaches the
/// next. The account may hold other records; the suite looks only at its own and at differences.
///
/// A lever that the stand-in does not have keeps its default, which skips the checks that need it, with a reason.
/// Levers act at the CRM, not through the connector.
#[async_trait]
pub trait Subject: Send + Sync {
    fn connector(&self) -> &dyn Connector;

    fn words(&self) -> &Words;

    /// The levers on a mock that is spoken to over HTTP, where it is one: what is the same on all of them need not be written
    /// again.
    fn levers(&self) -> Option<&Levers> {
        None
    }

    /// An object in the mock's words.
    fn kind<'o>(&self, object: &'o Object) -> &'o str {
        object.as_str()
    }

    /// How many records certainly need more than two pages of any stream.
    fn more_than_two_pages(&self) -> usize;

    /// Creates a record as a rep does.
    async fn seed(&self, object: &Object, fields: Fields) -> Checked<RecordId>;

    /// Changes a record as a rep does; [`Value::Null`] empties a field.
    async fn edit(&self, object: &Object, id: &RecordId, fields: Fields) -> Checked {
        self.edit_all(object, std::slice::from_ref(id), fields).await
    }

    /// What the CRM truly holds for the fields named (null where it has no value), in any form of the value: the suite
    /// compares by kind. `None` where no live record has this id.
    async fn truth(&self, object: &Object, id: &RecordId, fields: &[FieldName]) -> Checked<Option<Fields>>;

    /// A second connector for the same account, with nothing in it from the first: as after a restart.
    async fn reconnect(&self) -> Checked<Box<dyn Connector>> {
        cannot("connect a second time")
    }

    /// Live records of the object.
    async fn count(&self, object: &Object) -> Checked<usize>;

    /// Requests of the connector so far, counted when they arrive, token renewals included; the stand-in's own control
    /// calls are not.
    async fn requests(&self) -> Checked<u64> {
        Ok(pulled(self.levers(), "count requests")?.requests().await)
    }

    /// Changes of records so far, whoever made them.
    async fn changes(&self) -> Checked<u64> {
        Ok(pulled(self.levers(), "count changes")?.lines("ledger").await.len() as u64)
    }

    /// Lets time pass for the connector and the CRM alike.
    async fn advance(&self, by: Duration) -> Checked {
        pulled(self.levers(), "let time pass")?.advance(by).await;
        Ok(())
    }

    /// Seeds several people with these e-mail addresses (one each); faster than one by one where the CRM has batches.
    async fn seed_people(&self, emails: &[String]) -> Checked<Vec<RecordId>> {
        let words = self.words();
        let mut ids = Vec::with_capacity(emails.len());
        for email in emails {
            let fields = Fields::from([(words.email.clone(), Value::from(email.as_str()))]);
            ids.push(self.seed(&words.person, fields).await?);
        }
        Ok(ids)
    }

    /// Changes several records at one and the same instant, as a mass update does.
    async fn edit_all(&self, object: &Object, ids: &[RecordId], fields: Fields) -> Checked {
        let levers = pulled(self.levers(), "change several records at one instant")?;
        levers.rep_edit(self.kind(object), ids, &fields).await.map_err(Stop::Failed)
    }

    async fn delete(&self, object: &Object, id: &RecordId) -> Checked {
        let body = json!({ "object": self.kind(object), "id": id.as_str() });
        act(self.levers(), "delete", body).await.map(drop)
    }

    async fn restore(&self, object: &Object, id: &RecordId) -> Checked {
        let body = json!({ "object": self.kind(object), "id": id.as_str() });
        act(self.levers(), "restore", body).await.map(drop)
    }

    /// Merges `loser` into `survivor` and says which id survives: not at every CRM is it one of the two.
    async fn merge(&self, object: &Object, survivor: &RecordId, loser: &RecordId) -> Checked<RecordId> {
        let object = self.kind(object);
        let body = json!({ "object": object, "primary": survivor.as_str(), "secondary": loser.as_str() });
        act(self.levers(), "merge", body).await.map(|merged| named(&merged, "id"))
    }

    /// Associates two records, or takes the association away.
    async fn link(&self, from: (&Object, &RecordId), to: (&Object, &RecordId), on: bool) -> Checked {
        let body = json!({ "from": self.kind(from.0), "from_id": from.1.as_str(), "to": self.kind(to.0),
            "to_id": to.1.as_str(), "remove": !on });
        act(self.levers(), "associate", body).await.map(drop)
    }

    /// A lead with an address of that number. [`Words::text`] must be a field of leads, too.
    async fn seed_lead(&self, _number: usize) -> Checked<RecordId> {
        cannot("seed a lead")
    }

    /// Converts a lead as a rep does, and says which contact it goes on as.
    async fn convert(&self, lead: &RecordId) -> Checked<RecordId> {
        let made = act(self.levers(), "convert", json!({ "id": lead.as_str() })).await?;
        Ok(named(&made, "contact"))
    }

    /// The live notes of a person: id and text.
    async fn notes(&self, _person: &RecordId) -> Checked<Vec<(RecordId, String)>> {
        cannot("tell the notes of a person")
    }

    async fn delete_note(&self, _note: &RecordId) -> Checked {
        cannot("delete a note")
    }

    /// A new list of people, by what the CRM calls it by.
    async fn seed_list(&self) -> Checked<String> {
        cannot("make a list")
    }

    /// A list of people that nobody is put on from outside.
    async fn seed_closed_list(&self) -> Checked<String> {
        cannot("make a list that is closed")
    }

    /// Who is on a list.
    async fn on_list(&self, _list: &str) -> Checked<Vec<RecordId>> {
        cannot("tell who is on a list")
    }

    /// A rep puts a person on a list, or takes them off.
    async fn put_on_list(&self, _list: &str, _person: &RecordId, _member: bool) -> Checked {
        cannot("put a person on a list")
    }

    /// The live tasks of a person, those that are done included.
    async fn tasks(&self, _person: &RecordId) -> Checked<Vec<TaskSeen>> {
        cannot("tell the tasks of a person")
    }

    /// The live lead objects beside a person's record.
    async fn lead_objects(&self, _person: &RecordId) -> Checked<Vec<LeadSeen>> {
        cannot("tell the lead objects of a person")
    }

    /// Somebody does a task.
    async fn finish_task(&self, _task: &RecordId) -> Checked {
        cannot("finish a task")
    }

    async fn seed_company(&self, _name: &str) -> Checked<RecordId> {
        cannot("seed a company")
    }

    async fn seed_deal(&self, _deal: DealSeed) -> Checked<RecordId> {
        cannot("seed a deal")
    }

    async fn seed_user(&self, email: &str, name: &str, active: bool) -> Checked<RecordId> {
        let (first, last) = name.split_once(' ').unwrap_or((name, ""));
        let body = json!({ "email": email, "first_name": first, "last_name": last, "archived": !active });
        act(self.levers(), "owner", body).await.map(|made| named(&made, "id"))
    }

    /// Changes made from now on stay invisible to incremental pulls this long. At most the connector's declared
    /// visibility lag is asked for.
    async fn hide_changes_for(&self, _lag: Duration) -> Checked {
        cannot("delay the visibility of changes")
    }

    /// How many writes the connector sends in the way it keeps for large pushes (several calls, a bulk job); at most
    /// [`connector::Capability::push_batch`].
    fn beyond_one_call(&self) -> usize {
        self.connector().capability().push_batch.min(250)
    }

    /// How many records with one stamp exceed the CRM's cap on what one search can walk.
    fn beyond_search_cap(&self) -> Checked<usize> {
        cannot("exceed a search cap")
    }

    async fn inject(&self, trouble: Trouble) -> Checked {
        let levers = pulled(self.levers(), "make trouble")?;
        let fault = match trouble {
            Trouble::ExpiredToken | Trouble::Revoked => {
                act(Some(levers), "expire-tokens", json!({})).await?;
                if trouble == Trouble::Revoked {
                    self.withdraw();
                }
                return Ok(());
            }
            Trouble::ServerError => "503",
            Trouble::Quota => self.out_of_quota(),
            Trouble::LostAnswer { applied: true } => "reset_after",
            Trouble::LostAnswer { applied: false } => "reset_before",
            Trouble::Truncated => "truncate",
            Trouble::Stall => "slow",
            Trouble::PointElsewhere => {
                levers.knobs(self.links_elsewhere()).await;
                "elsewhere"
            }
        };
        levers.fault(fault).await;
        Ok(())
    }

    /// The credential in the environment is no good any more, until [`Subject::mend`].
    fn withdraw(&self) {}

    /// The mock's fault that says that the day's calls are spent.
    fn out_of_quota(&self) -> &'static str {
        "429_daily"
    }

    /// The mock's knobs that make its links lead to another host.
    fn links_elsewhere(&self) -> Json {
        json!({})
    }

    /// Ends all trouble.
    async fn mend(&self) -> Checked {
        Ok(())
    }

    /// How often the access token was renewed so far.
    async fn refreshes(&self) -> Checked<u64> {
        cannot("count token renewals")
    }

    /// Requests that reached the host [`Trouble::PointElsewhere`] points to.
    async fn foreign_requests(&self) -> Checked<u64> {
        pulled(self.levers(), "watch another host").map(Levers::strangers)
    }

    /// Secrets in use, which must appear in no error.
    fn secrets(&self) -> Checked<Vec<String>> {
        cannot("tell its secrets")
    }
}

/// Skips: the lever does not exist.
pub fn cannot<T>(what: &str) -> Checked<T> {
    Err(Stop::Skipped(format!("the subject cannot {what}")))
}

fn pulled<'l>(levers: Option<&'l Levers>, what: &str) -> Checked<&'l Levers> {
    levers.map_or_else(|| cannot(what), Ok)
}

/// Does what a person would in the CRM.
async fn act(levers: Option<&Levers>, action: &str, body: Json) -> Checked<Json> {
    pulled(levers, action)?.rep(action, body).await.map_err(Stop::Failed)
}

fn named(made: &Json, name: &str) -> RecordId {
    RecordId::from(made[name].as_str().or(made["ids"][0].as_str()).unwrap_or_default())
}
