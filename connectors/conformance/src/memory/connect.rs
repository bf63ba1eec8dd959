//! The door: [`Connector`] over the account, with the scripted faults on the way.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use connector::{
    Account, Budget, Capability, Connector, CreatedField, Error, ErrorKind, ExternalKey, FieldSpec, ListFacts,
    ListKind, ListMembers, NewField, NoteKind, Object, Operation, Outcome, OwnerField, Page, PullRequest, ReadKey,
    ReadRequest, Record, Result, Schema, Timestamp, Write,
};

use super::fault::{Call, Fault, error_of};
use super::state::State;
use super::{MemoryCrm, jobs, lists, read, write};

/// The reference connector.
#[derive(Clone, Debug)]
pub struct MemoryConnector {
    crm: MemoryCrm,
    capability: Capability,
}

impl MemoryConnector {
    pub(super) fn new(crm: MemoryCrm) -> Self {
        let all = [Object::Contact, Object::Lead, Object::Company, Object::Deal, Object::User];
        let people = [Object::Contact, Object::Lead, Object::Company];
        let visibility_lag = crm.lock().visibility_lag;
        let capability = Capability {
            vendor: "memory",
            objects: all.iter().cloned().chain([Object::Activity]).collect(),
            push_batch: 100,
            read_batch: 100,
            creates: people
                .iter()
                .map(|object| ExternalKey { object: object.clone(), field: "cdp_profile_id".into() })
                .collect(),
            deletions: all[..4].iter().cloned().chain([Object::Activity]).collect(),
            associations: all[..4].to_vec(),
            tells_company: Vec::new(),
            owners: people.iter().map(|object| OwnerField { object: object.clone(), field: "owner".into() }).collect(),
            notes: people
                .iter()
                .map(|object| NoteKind { object: object.clone(), html: true, longest: 65_536 })
                .collect(),
            tasks: people.to_vec(),
            lists: people[..2].iter().map(|object| ListKind { object: object.clone(), batch: 250 }).collect(),
            leads: vec![Object::Contact],
            erases: vec![Object::Contact, Object::Lead],
            creates_fields: true,
            visibility_lag,
        };
        Self { crm, capability }
    }

    /// The same account behind a connector that can do less (or batches differently).
    #[must_use]
    pub fn with_capability(mut self, change: impl FnOnce(&mut Capability)) -> Self {
        change(&mut self.capability);
        self
    }

    pub fn crm(&self) -> &MemoryCrm {
        &self.crm
    }

    /// Counts the call, renews the token, spends the quota, and says which faults are left for the caller to act out.
    async fn enter(&self, call: Call) -> Result<Vec<Fault>> {
        let (faults, now) = {
            let mut state = self.crm.lock();
            let now = self.crm.server_time(state.clock_skew_ms);
            count(&mut state, call);
            authorize(&mut state, call)?;
            spend(&mut state, call, now)?;
            (state.script.strike(call), now)
        };
        let mut left = Vec::new();
        for fault in faults {
            match fault {
                Fault::Fail(kind) => return Err(error_of(kind, call, now)),
                Fault::FailWith(error) => return Err(error),
                Fault::Quota { retry_at } => {
                    self.crm.lock().budget.paused_until = Some(retry_at);
                    return Err(error_of(ErrorKind::Quota, call, now).with_retry_at(retry_at));
                }
                Fault::Lost { .. } if call != Call::Push => {
                    return Err(Error::new(ErrorKind::Transient, call.attempted(), "the connection broke"));
                }
                Fault::Truncated if call != Call::Push => {
                    return Err(Error::new(ErrorKind::Protocol, call.attempted(), "the answer broke off"));
                }
                Fault::Slow(how_long) => self.crm.clock().sleep(how_long).await,
                Fault::Hang => futures::future::pending::<()>().await,
                other => left.push(other),
            }
        }
        Ok(left)
    }
}

#[async_trait]
impl Connector for MemoryConnector {
    fn capability(&self) -> &Capability {
        &self.capability
    }

    async fn check(&self) -> Result<Account> {
        self.enter(Call::Check).await?;
        Ok(Account {
            id: "memory".into(),
            timezone: Some("Europe/Berlin".into()),
            currency: Some("EUR".into()),
            server_time: Some(self.crm.now()),
        })
    }

    async fn describe(&self, object: &Object) -> Result<Schema> {
        self.enter(Call::Describe).await?;
        self.crm.schema(object).ok_or_else(|| {
            Error::new(ErrorKind::Config, Call::Describe.attempted(), format!("there is no object {object}"))
        })
    }

    async fn pull(&self, request: &PullRequest) -> Result<Page> {
        let faults = self.enter(Call::Pull).await?;
        let state = self.crm.lock();
        let now = self.crm.server_time(state.clock_skew_ms);
        let mut page = read::page(&state, request, now)?;
        for fault in faults {
            if let Fault::OmitRecord(id) = fault {
                page.records.retain(|record| record.id != id);
            }
        }
        Ok(page)
    }

    async fn read(&self, request: &ReadRequest) -> Result<Vec<Record>> {
        let asked = match &request.by {
            ReadKey::Ids(ids) => ids.len(),
            ReadKey::Unique { values, .. } => values.len(),
        };
        if asked > self.capability.read_batch {
            return Err(misuse(Call::Read, "more records than one read may ask for"));
        }
        let faults = self.enter(Call::Read).await?;
        let mut records = read::by_key(&self.crm.lock(), request)?;
        for fault in faults {
            if let Fault::OmitRecord(id) = fault {
                records.retain(|record| record.id != id);
            }
        }
        Ok(records)
    }

    async fn push(&self, writes: &[Write]) -> Result<Vec<Outcome>> {
        if writes.is_empty() {
            return Ok(Vec::new());
        }
        legal(writes, &self.capability)?;
        let faults = self.enter(Call::Push).await?;
        let bulk = self.crm.lock().bulk.filter(|bulk| writes.len() > bulk.above);
        match (bulk, faults.as_slice()) {
            (Some(bulk), []) => return Ok(jobs::push(&self.crm, &self.capability, bulk, writes).await),
            (Some(bulk), [Fault::Lost { applied: true } | Fault::Truncated, ..]) => {
                return Ok(jobs::push_unheard(&self.crm, &self.capability, bulk, writes));
            }
            _ => {}
        }
        let mut state = self.crm.lock();
        let now = self.crm.server_time(state.clock_skew_ms);
        Ok(writes
            .iter()
            .enumerate()
            .map(|(index, one)| match struck(&faults, index) {
                Strike::Spare => write::apply(&mut state, &self.capability, one, now),
                Strike::Instead(outcome) => outcome,
                Strike::Unanswered { applied } => {
                    if applied {
                        write::apply(&mut state, &self.capability, one, now);
                    }
                    let error = Error::new(ErrorKind::Transient, Call::Push.attempted(), "the answer was lost");
                    Outcome::Ambiguous(error.maybe_applied())
                }
            })
            .collect())
    }

    async fn recover(&self) -> Result<()> {
        if self.crm.lock().jobs.is_empty() {
            return Ok(());
        }
        self.enter(Call::Recover).await?;
        jobs::recover(&mut self.crm.lock())
    }

    async fn create_field(&self, object: &Object, field: &NewField) -> Result<CreatedField> {
        if !self.capability.creates_fields {
            return Err(Error::new(ErrorKind::Unsupported, "create a field", "this connector creates no fields"));
        }
        self.enter(Call::CreateField).await?;
        if self.crm.schema(object).is_some_and(|schema| schema.fields.contains_key(&field.name)) {
            return Ok(CreatedField::Existed(field.name.clone()));
        }
        let spec = FieldSpec {
            name: field.name.clone(),
            label: field.label.clone(),
            kind: field.kind.clone(),
            writable: true,
            unique: field.unique,
            max_length: None,
        };
        self.crm.define(object, spec);
        Ok(CreatedField::Created(field.name.clone()))
    }

    async fn list(&self, _: &Object, list: &str) -> Result<Option<ListFacts>> {
        self.enter(Call::Read).await?;
        Ok(lists::facts(&self.crm.lock(), list))
    }

    async fn list_members(&self, object: &Object, list: &str, after: Option<&str>) -> Result<ListMembers> {
        self.enter(Call::Read).await?;
        Ok(lists::page(&self.crm.lock(), object, list, after))
    }

    fn budget(&self) -> Budget {
        self.crm.lock().budget.clone()
    }
}

enum Strike {
    Spare,
    Instead(Outcome),
    Unanswered { applied: bool },
}

/// What the faults make of the write at this place.
fn struck(faults: &[Fault], index: usize) -> Strike {
    for fault in faults {
        match fault {
            Fault::Lost { applied } => return Strike::Unanswered { applied: *applied },
            Fault::Truncated => return Strike::Unanswered { applied: true },
            Fault::DeferAfter { done, error } if index >= *done => {
                return Strike::Instead(Outcome::Deferred(error.clone()));
            }
            Fault::OmitWrite { index: at, applied } if *at == index => {
                return Strike::Unanswered { applied: *applied };
            }
            Fault::Reject { index: at, rejection } if *at == index => {
                return Strike::Instead(Outcome::Rejected(rejection.clone()));
            }
            _ => {}
        }
    }
    Strike::Spare
}

/// A push is of one object and one kind of operation, each record at most once, and not longer than allowed.
fn legal(writes: &[Write], capability: &Capability) -> Result<()> {
    let most = match writes.first().map(|write| (&write.operation, capability.list_kind(&write.object))) {
        Some((Operation::ListMembership { .. }, Some(kind))) => kind.batch,
        _ => capability.push_batch,
    };
    if writes.len() > most {
        return Err(misuse(Call::Push, "more writes than one push may carry"));
    }
    let kinds: BTreeSet<_> = writes.iter().map(|write| (&write.object, write.operation.name())).collect();
    if kinds.len() > 1 {
        return Err(misuse(Call::Push, "writes of different objects or operations in one push"));
    }
    let mut seen = BTreeSet::new();
    for one in writes {
        let twice = match &one.operation {
            Operation::Update { id } | Operation::Erase { id } => !seen.insert(id.to_string()),
            Operation::Upsert { value, .. } => !seen.insert(value.to_string().to_lowercase()),
            Operation::NoteUpsert { record, .. }
            | Operation::TaskOnce { record, .. }
            | Operation::LeadUpsert { record, .. }
            | Operation::LeadErase { record, .. }
            | Operation::ListMembership { record, .. } => !seen.insert(record.to_string()),
            _ => false,
        };
        if twice {
            return Err(misuse(Call::Push, "the same record twice in one push"));
        }
    }
    Ok(())
}

fn misuse(call: Call, cause: &str) -> Error {
    Error::new(ErrorKind::Config, call.attempted(), cause)
}

fn count(state: &mut State, call: Call) {
    let calls = &mut state.calls;
    match call {
        Call::Check => calls.check += 1,
        Call::Describe => calls.describe += 1,
        Call::Pull => calls.pull += 1,
        Call::Read => calls.read += 1,
        Call::Push => calls.push += 1,
        Call::CreateField => calls.create_field += 1,
        Call::Recover => calls.recover += 1,
    }
    calls.requests += 1;
}

/// One renewal, one replay; a withdrawn credential is an `Auth` error.
fn authorize(state: &mut State, call: Call) -> Result<()> {
    if state.token_valid {
        return Ok(());
    }
    state.calls.refreshes += 1;
    state.calls.requests += 1;
    if state.revoked {
        let error = Error::new(ErrorKind::Auth, call.attempted(), "the credential was withdrawn");
        return Err(error.with_fix("connect the account again"));
    }
    state.token_valid = true;
    state.calls.requests += 1;
    Ok(())
}

fn spend(state: &mut State, call: Call, now: Timestamp) -> Result<()> {
    state.budget.paused_until = state.budget.paused_until.filter(|until| *until > now);
    let Some(pool) = &mut state.budget.daily else { return Ok(()) };
    if pool.resets_at.is_some_and(|at| now >= at) {
        pool.used = 0;
        pool.resets_at = pool.resets_at.map(|at| at.saturating_add(Duration::from_secs(86_400)));
    }
    if pool.used >= pool.limit {
        let at = pool.resets_at.unwrap_or(now);
        return Err(Error::new(ErrorKind::Quota, call.attempted(), "the daily quota is used up").with_retry_at(at));
    }
    pool.used += 1;
    Ok(())
}
