//! The in-memory CRM as a subject of the suite: a model for connector crates, whose levers are HTTP calls instead.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use connector::{Connector, DealStatus, ErrorKind, FieldKind, FieldName, Fields, Object, RecordId, Timestamp, Value};

use super::{Call, Fault, MemoryConnector, MemoryCrm};
use crate::clock::LeapClock;
use crate::subject::{Checked, DealSeed, LeadSeen, Stop, Subject, TaskSeen, Trouble, Words, cannot};

const DOORS: [Call; 7] =
    [Call::Check, Call::Describe, Call::Pull, Call::Read, Call::Push, Call::CreateField, Call::Recover];

/// A connector over a [`MemoryCrm`], with the levers that has.
pub struct MemorySubject<C = MemoryConnector> {
    clock: Arc<LeapClock>,
    crm: MemoryCrm,
    wrap: Box<dyn Fn(MemoryConnector) -> C + Send + Sync>,
    connector: C,
    words: Words,
}

impl MemorySubject {
    /// An account with small pages, a minute of visibility lag declared, and jobs of five minutes for large pushes.
    pub fn fresh() -> Self {
        Self::around(|connector| connector)
    }
}

impl<C: Connector + 'static> MemorySubject<C> {
    /// The same with a connector of one's own around the in-memory one.
    pub fn around(wrap: impl Fn(MemoryConnector) -> C + Send + Sync + 'static) -> Self {
        let clock = Arc::new(LeapClock::new(Timestamp::from_secs(1_790_000_000)));
        let crm = MemoryCrm::new(clock.clone());
        crm.set_page_size(3);
        crm.set_visibility_lag(Duration::from_secs(60));
        crm.set_bulk(20, Duration::from_secs(300));
        let connector = wrap(crm.connector());
        Self { clock, crm, wrap: Box::new(wrap), connector, words: words() }
    }

    pub fn crm(&self) -> &MemoryCrm {
        &self.crm
    }

    fn always(&self, calls: &[Call], fault: &Fault) {
        for call in calls {
            self.crm.fail_always(*call, fault.clone());
        }
    }
}

fn words() -> Words {
    let options = || ["a", "b", "c"].map(Into::into).to_vec();
    let lifecycle = ["subscriber", "lead", "customer", "other"].map(Into::into).to_vec();
    Words {
        person: Object::Contact,
        text: "city".into(),
        other_text: "title".into(),
        email: "email".into(),
        typed: vec![
            ("score".into(), FieldKind::Decimal { scale: Some(2) }),
            ("visits".into(), FieldKind::Integer),
            ("opted_out".into(), FieldKind::Bool),
            ("birthday".into(), FieldKind::Date),
            ("last_seen".into(), FieldKind::Instant),
            ("interests".into(), FieldKind::MultiChoice { options: options() }),
            ("lifecycle".into(), FieldKind::Choice { options: lifecycle }),
        ],
        read_only: Some("record_source".into()),
        key: Some("cdp_profile_id".into()),
        refused: Some(("lifecycle".into(), Value::from("no such stage"))),
        no_such_id: "99999999999".into(),
    }
}

fn there(done: bool) -> Checked {
    if done { Ok(()) } else { Err(Stop::Failed("the lever found no such record".into())) }
}

#[async_trait]
impl<C: Connector + 'static> Subject for MemorySubject<C> {
    fn connector(&self) -> &dyn Connector {
        &self.connector
    }

    fn words(&self) -> &Words {
        &self.words
    }

    fn more_than_two_pages(&self) -> usize {
        8
    }

    async fn seed(&self, object: &Object, fields: Fields) -> Checked<RecordId> {
        Ok(self.crm.create(object, fields))
    }

    async fn edit(&self, object: &Object, id: &RecordId, fields: Fields) -> Checked {
        there(self.crm.edit(object, id, fields))
    }

    async fn truth(&self, object: &Object, id: &RecordId, fields: &[FieldName]) -> Checked<Option<Fields>> {
        Ok(self.crm.fields(object, id).map(|held| {
            let value = |name: &FieldName| held.get(name).cloned().unwrap_or(Value::Null);
            fields.iter().map(|name| (name.clone(), value(name))).collect()
        }))
    }

    async fn reconnect(&self) -> Checked<Box<dyn Connector>> {
        Ok(Box::new((self.wrap)(self.crm.connector())))
    }

    async fn count(&self, object: &Object) -> Checked<usize> {
        Ok(self.crm.ids(object).len())
    }

    async fn requests(&self) -> Checked<u64> {
        Ok(self.crm.calls().requests)
    }

    async fn changes(&self) -> Checked<u64> {
        Ok(self.crm.ledger().len() as u64)
    }

    async fn advance(&self, by: Duration) -> Checked {
        self.clock.leap(by);
        Ok(())
    }

    async fn edit_all(&self, object: &Object, ids: &[RecordId], fields: Fields) -> Checked {
        there(self.crm.edit_all(object, ids, fields) == ids.len())
    }

    async fn delete(&self, object: &Object, id: &RecordId) -> Checked {
        there(self.crm.delete(object, id))
    }

    async fn restore(&self, object: &Object, id: &RecordId) -> Checked {
        there(self.crm.restore(object, id))
    }

    async fn merge(&self, object: &Object, survivor: &RecordId, loser: &RecordId) -> Checked<RecordId> {
        there(self.crm.merge(object, survivor, loser))?;
        Ok(survivor.clone())
    }

    async fn link(&self, from: (&Object, &RecordId), to: (&Object, &RecordId), on: bool) -> Checked {
        if on {
            self.crm.link(from, to)
        } else {
            self.crm.unlink(from, to)
        }
        Ok(())
    }

    async fn seed_lead(&self, number: usize) -> Checked<RecordId> {
        Ok(self.crm.create(&Object::Lead, [("email", format!("lead.{number}@conformance.example").as_str())]))
    }

    async fn convert(&self, lead: &RecordId) -> Checked<RecordId> {
        self.crm.convert(lead, None).ok_or_else(|| Stop::Failed("the lever found no such lead".into()))
    }

    async fn notes(&self, person: &RecordId) -> Checked<Vec<(RecordId, String)>> {
        Ok(self.crm.notes(person))
    }

    async fn delete_note(&self, note: &RecordId) -> Checked {
        there(self.crm.delete_note(note))
    }

    async fn seed_list(&self) -> Checked<String> {
        self.crm.make_list("57");
        Ok("57".to_owned())
    }

    async fn seed_closed_list(&self) -> Checked<String> {
        self.crm.close_list("58");
        Ok("58".to_owned())
    }

    async fn on_list(&self, list: &str) -> Checked<Vec<RecordId>> {
        Ok(self.crm.on_list(list))
    }

    async fn put_on_list(&self, list: &str, person: &RecordId, member: bool) -> Checked {
        there(self.crm.set_on_list(&self.words.person, list, person, member))
    }

    async fn tasks(&self, person: &RecordId) -> Checked<Vec<TaskSeen>> {
        let task = Object::Other("task".into());
        let value = |id: &RecordId, name| self.crm.value(&task, id, name);
        let seen = |(id, body): (RecordId, String)| TaskSeen {
            subject: value(&id, "subject").to_string(),
            due_on: value(&id, "due_at").to_string().chars().take(10).collect(),
            owner: value(&id, "owner").as_text().map(RecordId::from),
            body,
            id,
        };
        Ok(self.crm.tasks(person).into_iter().map(seen).collect())
    }

    async fn lead_objects(&self, person: &RecordId) -> Checked<Vec<LeadSeen>> {
        let object = Object::Other("lead object".into());
        let owner = |id: &RecordId| self.crm.value(&object, id, "owner").as_text().map(RecordId::from);
        let seen = |(id, name): (RecordId, String)| LeadSeen { owner: owner(&id), name, id };
        Ok(self.crm.lead_objects(person).into_iter().map(seen).collect())
    }

    async fn finish_task(&self, task: &RecordId) -> Checked {
        there(self.crm.edit(&Object::Other("task".into()), task, [("subject", "Done")]))
    }

    async fn seed_company(&self, name: &str) -> Checked<RecordId> {
        Ok(self.crm.create(&Object::Company, [("name", name)]))
    }

    async fn seed_deal(&self, deal: DealSeed) -> Checked<RecordId> {
        let stage = match deal.status {
            DealStatus::Open => "contract",
            DealStatus::Won => "s_done",
            DealStatus::Lost => "s_gone",
        };
        let mut fields = Fields::from([
            ("name", Value::from(deal.name.as_str())),
            ("amount", Value::Number(deal.amount)),
            ("currency", Value::from(deal.currency.as_str())),
            ("stage", Value::from(stage)),
        ]);
        if let Some(at) = deal.closed_at {
            fields.set("closed_at", Value::Instant(at));
        }
        Ok(self.crm.create(&Object::Deal, fields))
    }

    async fn seed_user(&self, email: &str, name: &str, active: bool) -> Checked<RecordId> {
        let fields = [("email", Value::from(email)), ("name", Value::from(name)), ("active", Value::Bool(active))];
        Ok(self.crm.create(&Object::User, fields))
    }

    async fn hide_changes_for(&self, lag: Duration) -> Checked {
        self.crm.set_visibility_lag(lag);
        Ok(())
    }

    async fn inject(&self, trouble: Trouble) -> Checked {
        match trouble {
            Trouble::ExpiredToken => self.crm.expire_token(),
            Trouble::Revoked => self.crm.revoke(),
            Trouble::ServerError => self.crm.fail_all(ErrorKind::Transient),
            Trouble::Quota => self.crm.fail_all(ErrorKind::Quota),
            Trouble::LostAnswer { applied } => self.always(&DOORS, &Fault::Lost { applied }),
            Trouble::Truncated => self.always(&DOORS, &Fault::Truncated),
            Trouble::Stall => self.always(&DOORS, &Fault::Hang),
            Trouble::PointElsewhere => return cannot("point elsewhere: it speaks to no host"),
        }
        Ok(())
    }

    async fn mend(&self) -> Checked {
        self.crm.mend();
        Ok(())
    }

    async fn refreshes(&self) -> Checked<u64> {
        Ok(self.crm.calls().refreshes)
    }

    fn secrets(&self) -> Checked<Vec<String>> {
        cannot("tell its secrets: it has none")
    }
}
