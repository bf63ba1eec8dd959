//! A sound connector with one flaw.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use connector::{
    Account, Budget, Capability, Connector, CreatedField, Cursor, DealStatus, Error, ErrorKind, ExternalKey, Fields,
    NewField, Object, Operation, Outcome, Page, PullRequest, ReadRequest, Reason, Record, Rejection, Result, Schema,
    Stream, Timestamp, Value, Write,
};
use connector_conformance::MemoryConnector;
use futures::FutureExt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    None,
    CheckIsDear,
    RevokedIsTransient,
    DropsLastRecord,
    SkipsEverySecondPage,
    NeverDone,
    AlwaysDone,
    CursorLivesInMemory,
    StartsOverOnForeignCursor,
    EmptyResume,
    PagesByStampAlone,
    ResumesFromNow,
    AlwaysFull,
    LeavesOutNulls,
    NamesNothingUndefined,
    MergeIsDeletion,
    NoTombstones,
    LinksAlways,
    LostIsWon,
    TouchesMore,
    IgnoresNull,
    SpoilsText,
    CutsText,
    WholeNumbers,
    KeptIsWhatWasSent,
    OutcomesReversed,
    OutcomeMissing,
    OneBadFailsAll,
    CreatesWhatIsGone,
    CreatesAnything,
    WriteByWrite,
    LostAnswerIsSuccess,
    SendsCreatesAgain,
    FailureIsRefusal,
    QuotaWithoutEnd,
    GoesOnAfterDrop,
    EverythingWritable,
    AlwaysCreated,
    FailuresLast,
    HintIsWritten,
    RecoverIsDear,
    RecoveredAtOnce,
    RecoverSendsAgain,
    RecoverEndsAll,
    ConversionIsDeletion,
    ConversionStaysALead,
    ConvertedIsGone,
    LooksForNothing,
    TasksAreNobodys,
    OneTaskEach,
}

#[derive(Debug)]
pub struct Flawed {
    inner: MemoryConnector,
    capability: Capability,
    flaw: Flaw,
    /// By cursor handed out: the stamp of the last record before it, and the true cursor.
    pages: Mutex<BTreeMap<String, (Option<Timestamp>, Cursor)>>,
    /// The writes of the last push.
    last: Mutex<Vec<Write>>,
}

impl Flawed {
    pub fn new(inner: MemoryConnector, flaw: Flaw) -> Self {
        let capability = inner.capability().clone();
        let inner = if flaw == Flaw::CreatesAnything {
            inner.with_capability(|can| {
                can.creates.push(ExternalKey { object: Object::Deal, field: "name".into() });
                can.creates.push(ExternalKey { object: Object::User, field: "email".into() });
            })
        } else {
            inner
        };
        Self { inner, capability, flaw, pages: Mutex::default(), last: Mutex::default() }
    }

    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    fn error(&self, mut error: Error) -> Error {
        if self.is(Flaw::RevokedIsTransient) && error.kind == ErrorKind::Auth {
            error.kind = ErrorKind::Transient;
        }
        if self.is(Flaw::QuotaWithoutEnd) {
            error.retry_at = None;
        }
        error
    }

    /// The cursor that the sound connector is asked with.
    fn true_cursor(&self, cursor: &Cursor) -> Result<Cursor> {
        match self.flaw {
            // Unknown here is lost: another connector of the same account cannot go on.
            Flaw::CursorLivesInMemory => match self.pages.lock().unwrap().get(cursor.as_str()) {
                Some((_, cursor)) => Ok(cursor.clone()),
                None => Err(Error::new(ErrorKind::Config, "read a page", "the cursor is not known")),
            },
            _ => Ok(cursor.clone()),
        }
    }

    async fn one_page(&self, request: &PullRequest) -> Result<Page> {
        let records = matches!(request.stream, Stream::Records(_));
        let mut ask = request.clone();
        ask.cursor = match &request.cursor {
            Some(_)
                if self.is(Flaw::AlwaysFull)
                    && records
                    && !request.cursor.as_ref().unwrap().as_str().starts_with("full") =>
            {
                None
            }
            Some(cursor) => Some(self.true_cursor(cursor)?),
            None => None,
        };
        if self.is(Flaw::LinksAlways) && ask.links.is_empty() {
            ask.links.push(Object::Company);
        }
        let mut page = match self.inner.pull(&ask).await {
            Err(error) if self.is(Flaw::StartsOverOnForeignCursor) && error.kind == ErrorKind::Config => {
                self.inner.pull(&PullRequest { cursor: None, ..ask.clone() }).await?
            }
            other => other?,
        };
        if self.is(Flaw::SkipsEverySecondPage) && page.more {
            let next = self.inner.pull(&PullRequest { cursor: Some(page.resume.clone()), ..ask.clone() }).await?;
            (page.resume, page.more, page.full_load_done) = (next.resume, next.more, next.full_load_done);
        }
        if self.is(Flaw::ResumesFromNow) && !page.more && records {
            page.resume = Cursor::new(format!("since/{}", self.inner.crm().now().micros()));
        }
        if self.is(Flaw::PagesByStampAlone) {
            let before =
                request.cursor.as_ref().and_then(|cursor| self.pages.lock().unwrap().get(cursor.as_str()).cloned());
            let stamp = page.records.last().and_then(|record| record.modified_at);
            if let Some((Some(at), _)) = before {
                page.records.retain(|record| record.modified_at > Some(at));
            }
            if page.resume.as_str().starts_with("window") {
                self.pages.lock().unwrap().insert(page.resume.as_str().into(), (stamp, page.resume.clone()));
            }
        }
        if self.is(Flaw::CursorLivesInMemory) {
            let mut pages = self.pages.lock().unwrap();
            let name = pages.len().to_string();
            pages.insert(name.clone(), (None, std::mem::replace(&mut page.resume, Cursor::new(name))));
        }
        Ok(page)
    }

    fn spoil(&self, record: &mut Record) {
        let fields = std::mem::take(&mut record.fields);
        record.fields = fields
            .iter()
            .filter(|(_, value)| !(self.is(Flaw::LeavesOutNulls) && value.is_null()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if self.is(Flaw::MergeIsDeletion) {
            record.merged_ids.clear();
        }
        if let Some(deal) = &mut record.deal
            && self.is(Flaw::LostIsWon)
            && deal.status == DealStatus::Lost
        {
            deal.status = DealStatus::Won;
        }
    }

    fn sent(&self, write: &Write) -> Write {
        let spoilt = |value: &Value| match value {
            Value::Text(text) if self.is(Flaw::SpoilsText) => {
                Value::text(text.chars().filter(|letter| u32::from(*letter) < 0x1_0000).collect::<String>())
            }
            Value::Text(text) if self.is(Flaw::CutsText) => Value::text(text.chars().take(100).collect::<String>()),
            Value::Number(number) if self.is(Flaw::WholeNumbers) => Value::Number(number.trunc()),
            other => other.clone(),
        };
        let mut fields: Fields = write
            .fields
            .iter()
            .filter(|(_, value)| !(self.is(Flaw::IgnoresNull) && value.is_null()))
            .map(|(name, value)| (name.clone(), spoilt(value)))
            .collect();
        if self.is(Flaw::TouchesMore) && fields.get("title").is_none() {
            fields.set("title", Value::Null);
        }
        if let (Flaw::HintIsWritten, Some(parent)) = (self.flaw, &write.hints.parent) {
            fields.set("title", parent.as_str());
        }
        Write { fields, operation: self.operation(&write.operation), ..write.clone() }
    }

    fn operation(&self, operation: &Operation) -> Operation {
        let mut operation = operation.clone();
        match (&mut operation, self.flaw) {
            (
                Operation::NoteUpsert { marker, .. }
                | Operation::TaskOnce { marker, .. }
                | Operation::LeadUpsert { marker, .. }
                | Operation::LeadErase { marker, .. },
                Flaw::LooksForNothing,
            ) => {
                *marker = "[held by no text]".into();
            }
            // Any task of Ferry's is taken for this one.
            (Operation::TaskOnce { marker, .. }, Flaw::OneTaskEach) => *marker = "[ferry:task:".into(),
            (Operation::TaskOnce { owner, .. }, Flaw::TasksAreNobodys) => *owner = None,
            _ => {}
        }
        operation
    }

    async fn answered(&self, write: &Write, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Done { id, created, modified_at, .. } if self.is(Flaw::KeptIsWhatWasSent) => {
                Outcome::Done { id, created, kept: write.fields.clone(), modified_at }
            }
            Outcome::Rejected(rejection) if self.is(Flaw::CreatesWhatIsGone) && rejection.reason == Reason::Gone => {
                let create = Write { operation: Operation::Create, ..write.clone() };
                self.inner.push(&[create]).await.unwrap().remove(0)
            }
            Outcome::Rejected(rejection) if self.is(Flaw::ConvertedIsGone) => {
                Outcome::Rejected(Rejection { reason: Reason::Gone, ..rejection })
            }
            Outcome::Ambiguous(error) => {
                if self.is(Flaw::SendsCreatesAgain) && write.operation == Operation::Create {
                    return self.inner.push(std::slice::from_ref(write)).await.unwrap().remove(0);
                }
                match &write.operation {
                    Operation::Update { id } if self.is(Flaw::LostAnswerIsSuccess) => {
                        Outcome::Done { id: id.clone(), created: false, kept: Fields::new(), modified_at: None }
                    }
                    _ => Outcome::Ambiguous(error),
                }
            }
            other => other,
        }
    }
}

#[async_trait]
impl Connector for Flawed {
    fn capability(&self) -> &Capability {
        &self.capability
    }

    async fn check(&self) -> Result<Account> {
        if self.is(Flaw::CheckIsDear) {
            for _ in 0..2 {
                self.inner.check().await?;
            }
        }
        self.inner.check().await.map_err(|error| self.error(error))
    }

    async fn describe(&self, object: &Object) -> Result<Schema> {
        let mut schema = self.inner.describe(object).await.map_err(|error| self.error(error))?;
        if self.is(Flaw::EverythingWritable) {
            schema.fields.values_mut().for_each(|spec| spec.writable = true);
        }
        Ok(schema)
    }

    async fn pull(&self, request: &PullRequest) -> Result<Page> {
        let mut page = self.one_page(request).await.map_err(|error| self.error(error))?;
        page.records.iter_mut().for_each(|record| self.spoil(record));
        match self.flaw {
            Flaw::DropsLastRecord if !page.more => drop(page.records.pop()),
            Flaw::NeverDone => page.full_load_done = false,
            Flaw::AlwaysDone => page.full_load_done = true,
            Flaw::EmptyResume => page.resume = Cursor::new(""),
            Flaw::NamesNothingUndefined => page.undefined.clear(),
            Flaw::NoTombstones => page.tombstones.clear(),
            Flaw::ConversionIsDeletion => page.tombstones.iter_mut().for_each(|stone| stone.merged_into = None),
            Flaw::ConversionStaysALead => {
                let told = page.tombstones.iter_mut().filter_map(|stone| stone.merged_into.as_mut());
                told.for_each(|into| into.object = Object::Lead);
            }
            Flaw::MergeIsDeletion => page.tombstones.iter_mut().for_each(|stone| stone.merged_into = None),
            _ => {}
        }
        Ok(page)
    }

    async fn read(&self, request: &ReadRequest) -> Result<Vec<Record>> {
        let mut records = self.inner.read(request).await.map_err(|error| self.error(error))?;
        records.iter_mut().for_each(|record| self.spoil(record));
        Ok(records)
    }

    async fn push(&self, writes: &[Write]) -> Result<Vec<Outcome>> {
        if self.is(Flaw::GoesOnAfterDrop) {
            let inner = self.inner.clone();
            // Asks again and again whether the CRM is back, whoever still wants to know.
            tokio::spawn(async move {
                for _ in 0..1_000 {
                    let _ = inner.check().now_or_never();
                    tokio::task::yield_now().await;
                }
            });
        }
        let sent: Vec<Write> = writes.iter().map(|write| self.sent(write)).collect();
        self.last.lock().unwrap().clone_from(&sent);
        let answer = if self.is(Flaw::WriteByWrite) {
            let mut outcomes = Vec::new();
            for write in &sent {
                outcomes.extend(self.inner.push(std::slice::from_ref(write)).await?);
            }
            Ok(outcomes)
        } else {
            self.inner.push(&sent).await
        };
        let answer = match answer {
            Err(error) if self.is(Flaw::FailureIsRefusal) => {
                let rejection = Rejection {
                    reason: Reason::Invalid,
                    code: "500".into(),
                    message: error.cause.into(),
                    fields: Vec::new(),
                };
                return Ok(vec![Outcome::Rejected(rejection); writes.len()]);
            }
            other => other.map_err(|error| self.error(error))?,
        };
        let mut outcomes = Vec::new();
        for (write, outcome) in writes.iter().zip(answer) {
            outcomes.push(self.answered(write, outcome).await);
        }
        match self.flaw {
            Flaw::OutcomesReversed => outcomes.reverse(),
            Flaw::FailuresLast => outcomes.sort_by_key(|outcome| matches!(outcome, Outcome::Rejected(_))),
            Flaw::OutcomeMissing => drop(outcomes.pop()),
            Flaw::OneBadFailsAll if outcomes.iter().any(|outcome| matches!(outcome, Outcome::Rejected(_))) => {
                return Err(Error::new(ErrorKind::Protocol, "push writes", "one of them is bad"));
            }
            _ => {}
        }
        Ok(outcomes)
    }

    async fn recover(&self) -> Result<()> {
        match self.flaw {
            Flaw::RecoveredAtOnce => return Ok(()),
            Flaw::RecoverIsDear => drop(self.inner.check().await?),
            Flaw::RecoverEndsAll => self.inner.crm().drop_jobs(),
            Flaw::RecoverSendsAgain => {
                let again = std::mem::take(&mut *self.last.lock().unwrap());
                self.inner.push(&again).await?;
            }
            _ => {}
        }
        self.inner.recover().await
    }

    async fn create_field(&self, object: &Object, field: &NewField) -> Result<CreatedField> {
        Ok(match self.inner.create_field(object, field).await? {
            CreatedField::Existed(name) if self.is(Flaw::AlwaysCreated) => CreatedField::Created(name),
            other => other,
        })
    }

    fn budget(&self) -> Budget {
        self.inner.budget()
    }
}
