//! The model: who wrote what last, and what may therefore stand in the end.

use std::collections::BTreeMap;
use std::time::Duration;

use connector::{ErrorKind, Object, Reason, RecordId, Rejection, Value};
use connector_conformance::memory::{Actor, Call, ChangeKind, Fault};
use ferry::model::RunState;
use proptest::prelude::*;
use serde_json::json;

use super::step::{Edited, PEOPLE, Step, Trouble};
use crate::tricks::{Trick, Trickster};
use crate::world::{World, configured};

const CREATE: &str = "[crm.create]\ncontact = \"known\"\n";
const LINES: &str = r#"
profile_id = "cdp_profile_id"
city = { field = "city", direction = "both", conflict = "crm_wins" }
phone = { field = "phone", direction = "both", conflict = "cdp_wins" }
title = { field = "title", direction = "push", conflict = "cdp_wins" }
country = { field = "country", direction = "pull" }
"#;

/// What is known of one field of one person: the last value of each side, with the turn it was written in.
#[derive(Clone, Debug, Default)]
struct Last {
    rep: Option<(u32, String)>,
    ours: Option<(u32, String)>,
    /// Further values that may stand: a merge brought two persons' values together.
    also: Vec<String>,
    /// The rep's values went with a record that we never saw.
    may_be_empty: bool,
}

pub struct Model {
    pub world: World,
    tricky: Trickster,
    turn: u32,
    last: BTreeMap<(usize, &'static str), Last>,
    /// Who is the same person as whom by a merge: the person whose values count.
    one_with: [usize; PEOPLE],
}

fn email(who: usize) -> String {
    format!("p{who}@acme.example")
}

impl Model {
    pub async fn start() -> Self {
        let config = configured("", CREATE, LINES).replacen(", direction = \"pull\" }", ", direction = \"both\" }", 1);
        let (world, tricky) = World::tricked(&config);
        let mut model = Self { world, tricky, turn: 0, last: BTreeMap::new(), one_with: [0, 1, 2, 3] };
        for who in 0..2 {
            let id = model.world.contact(&[("email", &email(who))]);
            for field in Edited::ALL {
                model.rep_wrote(&id, who, field);
            }
        }
        model
    }

    fn value(&mut self, side: &str) -> String {
        self.turn += 1;
        format!("{side} {}", self.turn)
    }

    fn rep_wrote(&mut self, id: &RecordId, who: usize, field: Edited) {
        let value = self.value("rep");
        if self.world.crm.edit(&Object::Contact, id, [(field.name(), value.as_str())]) {
            let turn = self.turn;
            self.last.entry((self.one_with[who], field.name())).or_default().rep = Some((turn, value));
        }
    }

    /// The live record that a rep finds by the person's address.
    fn record(&self, who: usize) -> Option<RecordId> {
        let ids = self.world.crm.ids(&Object::Contact);
        ids.into_iter().find(|id| self.world.value(id, "email") == Value::from(email(who).as_str()))
    }

    pub async fn take(&mut self, step: &Step) {
        match step {
            Step::RepEdits(who, field) => {
                if let Some(id) = self.record(*who) {
                    self.rep_wrote(&id, *who, *field);
                }
            }
            Step::WeEdit(who, field) => {
                let value = self.value("we");
                self.world.identify(&email(*who), json!({ field.name(): value })).await;
                let turn = self.turn;
                self.last.entry((self.one_with[*who], field.name())).or_default().ours = Some((turn, value));
            }
            Step::RepCreates(who) => {
                if self.record(*who).is_none() && self.one_with[*who] == *who {
                    let id = self.world.contact(&[("email", &email(*who))]);
                    self.rep_wrote(&id, *who, Edited::CrmWins);
                }
            }
            Step::RepDeletes(who) => {
                if let Some(id) = self.record(*who) {
                    self.world.crm.delete(&Object::Contact, &id);
                    self.forget_unless_seen(*who, &id).await;
                }
            }
            Step::RepRestores(who) => self.restore(*who),
            Step::RepMerges(into, from) => self.merge(*into, *from),
            Step::Pull => {
                self.world.pull_contacts().await;
            }
            Step::Compute => {
                self.world.compute().await;
            }
            Step::Push => {
                self.world.push().await;
            }
            Step::Crash { applied } => {
                self.tricky.play(if *applied { Trick::DieAfterPush } else { Trick::DieBeforePush });
                let died = {
                    let push = self.world.push();
                    tokio::pin!(push);
                    tokio::select! { biased; _ = &mut push => false, () = self.tricky.dead.notified() => true }
                };
                self.tricky.stop_playing();
                if died {
                    self.world.restart().await;
                }
            }
            Step::EditedUnderWay(who, field) => self.edited_under_way(*who, *field).await,
            Step::Fault(trouble) => self.fault(*trouble),
        }
    }

    /// What stood on a record that was deleted before we ever saw it need not come back, unless the record does.
    async fn forget_unless_seen(&mut self, who: usize, id: &RecordId) {
        if self.world.app.store.find_profile(&format!("crm:acme:contact:{id}")).await.unwrap().is_some() {
            return;
        }
        for field in Edited::ALL {
            let last = self.last.entry((self.one_with[who], field.name())).or_default();
            last.also.extend(last.rep.take().map(|(_, value)| value));
            last.may_be_empty = true;
        }
    }

    async fn edited_under_way(&mut self, who: usize, field: Edited) {
        let Some(id) = self.record(who) else { return };
        let value = self.value("rep");
        let (edited, written) = (id.clone(), value.clone());
        self.tricky.play(Trick::BeforeAnswer(Box::new(move |crm| {
            crm.edit(&Object::Contact, &edited, [(field.name(), written.as_str())]);
        })));
        self.world.push().await;
        self.tricky.stop_playing();
        if self.world.value(&id, field.name()) == Value::from(value.as_str()) {
            let turn = self.turn;
            self.last.entry((self.one_with[who], field.name())).or_default().rep = Some((turn, value));
        }
    }

    fn restore(&mut self, who: usize) {
        if self.record(who).is_some() {
            return;
        }
        let ledger = self.world.crm.ledger();
        let gone = ledger.iter().rev().filter(|entry| entry.kind == ChangeKind::Delete);
        let mine = gone.filter(|entry| entry.before.get("email") == Some(&Value::from(email(who).as_str())));
        for entry in mine {
            if self.world.crm.restore(&Object::Contact, &entry.record) {
                return;
            }
        }
    }

    fn merge(&mut self, into: usize, from: usize) {
        let (Some(winner), Some(loser)) = (self.record(into), self.record(from)) else { return };
        let (to, gone) = (self.one_with[into], self.one_with[from]);
        if to == gone || !self.world.crm.merge(&Object::Contact, &winner, &loser) {
            return;
        }
        for field in Edited::ALL {
            let theirs = self.last.remove(&(gone, field.name())).unwrap_or_default();
            let ours = self.last.entry((to, field.name())).or_default();
            let values = [theirs.rep, theirs.ours, ours.rep.take(), ours.ours.take()].into_iter().flatten();
            ours.may_be_empty |= theirs.may_be_empty;
            ours.also.extend(values.map(|(_, value)| value).chain(theirs.also));
        }
        for one in &mut self.one_with {
            if *one == gone {
                *one = to;
            }
        }
    }

    fn fault(&self, trouble: Trouble) {
        let crm = &self.world.crm;
        match trouble {
            Trouble::LostApplied => crm.fail_next(Call::Push, Fault::Lost { applied: true }),
            Trouble::LostNotApplied => crm.fail_next(Call::Push, Fault::Lost { applied: false }),
            Trouble::Transient => crm.fail_next(Call::Push, Fault::Fail(ErrorKind::Transient)),
            Trouble::FailedRead => crm.fail_next(Call::Read, Fault::Fail(ErrorKind::Transient)),
            Trouble::FailedPage => crm.fail_next(Call::Pull, Fault::Fail(ErrorKind::Transient)),
            Trouble::Rejected => {
                let (code, message) = ("NO".into(), "not today".into());
                let rejection = Rejection { reason: Reason::Invalid, code, message, fields: Vec::new() };
                crm.fail_next(Call::Push, Fault::Reject { index: 0, rejection });
            }
        }
    }

    /// Faults end, a person retries every dead letter, and the schedule goes on for a while.
    pub async fn settle(&mut self) {
        self.world.crm.mend();
        for _ in 0..4 {
            for letter in self.world.dead_letters().await {
                self.world.app.store.retry_dead_letter(letter.id, None).await.unwrap();
            }
            self.world.advance(Duration::from_secs(700));
            self.world.pull_contacts().await;
            self.world.compute().await;
            self.world.push().await;
        }
    }

    /// Everything that must hold at rest.
    pub async fn check(&self) -> Result<(), TestCaseError> {
        let (seq, calls) = (self.world.seq(), self.world.crm.calls().push);
        for _ in 0..2 {
            self.world.advance(Duration::from_secs(60));
            self.world.pull_contacts().await;
            self.world.push().await;
        }
        prop_assert_eq!(self.world.written_since(seq), [], "at rest nothing is written");
        prop_assert_eq!(self.world.crm.calls().push, calls, "at rest nothing is sent");
        prop_assert_eq!(self.world.outbox().await, [], "every write has ended");
        let letters = self.world.dead_letters().await;
        prop_assert!(letters.is_empty(), "every retried letter is settled: {letters:?}");
        for run in self.world.app.store.runs(1_000).await.unwrap() {
            prop_assert!(run.state != RunState::Running || run.ended_at.is_none());
        }
        self.world.app.store.verify().await.unwrap();
        // The log of identity, told again, gives what is stored.
        let app = &self.world.app;
        let told = ferry::app::identity::check(&*app.store, &app.settings.identity).await.unwrap();
        prop_assert_eq!((told.differences, told.beyond_the_log), (0, 0), "{:#?}", told);
        // Traits and scores, computed from the whole log, are what the increments made of them.
        self.world.compute().await;
        let checked = app.check_computed(app.world.clock.now()).await.unwrap();
        prop_assert_eq!(checked.differences, []);
        self.no_duplicate_creates()?;
        for who in 0..PEOPLE {
            if let Some(id) = self.record(who) {
                self.both_sides_agree(who, &id).await?;
            }
        }
        Ok(())
    }

    fn no_duplicate_creates(&self) -> Result<(), TestCaseError> {
        let mut made: BTreeMap<String, usize> = BTreeMap::new();
        for entry in self.world.crm.by_us() {
            if entry.kind == ChangeKind::Create {
                let address = entry.after.get("email").map(ToString::to_string).unwrap_or_default();
                *made.entry(address).or_default() += 1;
            }
            prop_assert!(entry.by == Actor::Us);
        }
        prop_assert!(made.values().all(|times| *times == 1), "made twice: {made:?}");
        Ok(())
    }

    async fn both_sides_agree(&self, who: usize, id: &RecordId) -> Result<(), TestCaseError> {
        let person = self.world.profile(&format!("email:{}", email(who))).await;
        let linked = person.records.iter().find(|record| record.key.id == *id);
        prop_assert!(linked.is_some_and(|record| !record.archived), "{id} is linked to its person");
        let key = Value::text(person.profile.uid.to_string());
        prop_assert_eq!(self.world.value(id, "cdp_profile_id"), key, "our key of person {}", who);
        for field in Edited::ALL {
            let (crm, ours) = (self.world.value(id, field.name()), person.profile.value(field.name()));
            if ours.is_null() && field == Edited::Ours {
                continue;
            }
            let values = format!("person {who}, {}: CRM {crm}, ours {ours}", field.name());
            // A field that is only pulled is told nothing: each side keeps its own until the CRM changes.
            if field != Edited::Theirs {
                prop_assert_eq!(&crm, ours, "both sides agree; {}", values);
                let mirror = linked.and_then(|record| record.mirror.get(field.name()));
                let base = mirror.and_then(|mirror| mirror.base.clone()).unwrap_or(Value::Null);
                prop_assert_eq!(&base, &crm, "and the mirror says so; {}", values);
            }
            let last = self.last.get(&(self.one_with[who], field.name())).cloned().unwrap_or_default();
            prop_assert!(allowed(field, &last, &crm), "{} may not stand; {:?}", values, last);
        }
        Ok(())
    }
}

/// Whether the value may stand by the field's rule: never one that somebody had replaced before.
fn allowed(field: Edited, last: &Last, stands: &Value) -> bool {
    let Some(stands) = stands.as_text() else {
        return last.may_be_empty || last.rep.is_none() && (last.ours.is_none() || field == Edited::Theirs);
    };
    if last.also.iter().any(|value| value == stands) {
        return true;
    }
    let is = |side: &Option<(u32, String)>| side.as_ref().is_some_and(|(_, value)| value == stands);
    let turn = |side: &Option<(u32, String)>| side.as_ref().map_or(0, |(turn, _)| *turn);
    let (rep_later, we_later) = (turn(&last.rep) > turn(&last.ours), turn(&last.ours) > turn(&last.rep));
    match field {
        // After a merge it is not said which side's value the survivor starts from.
        _ if !last.also.is_empty() => is(&last.rep) || is(&last.ours),
        Edited::CrmWins => is(&last.rep) || (is(&last.ours) && we_later),
        Edited::CdpWins => is(&last.ours) || (is(&last.rep) && rep_later),
        Edited::Ours => is(&last.ours) || (last.ours.is_none() && is(&last.rep)),
        Edited::Theirs => is(&last.rep) || (last.rep.is_none() && is(&last.ours)),
    }
}
