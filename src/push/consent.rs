//! What consent does to a write: opt-outs are told, and what Ferry wrote is taken back where it is no longer allowed. Pure.

use connector::{Fields, Operation, Value};

use super::Stager;
use crate::mapping::{FieldMapping, Source};
use crate::model::{
    Cause, Change, Choice, Consents, Intent, LinkedRecord, MirrorField, OutboxState, Purpose, effective,
};
use crate::store::{StageDecision, StageItem};

/// The purpose for which nothing may be sent to a CRM; `None` where it may.
pub(super) fn refused(consents: &Consents) -> Option<Purpose> {
    [Purpose::Sales, Purpose::Analytics].into_iter().find(|purpose| !consents.allows(*purpose))
}

/// The opt-out (or opt-in) that a consent field is to be told; `None` where it holds it already, or nobody has said anything.
/// Nothing at the CRM is ever loosened.
pub(super) fn opt_out(
    consents: &Consents,
    mapping: &FieldMapping,
    purpose: Purpose,
    before: Option<&MirrorField>,
    crm: Option<&Value>,
) -> Option<Change> {
    let said = effective(&consents.decisions, purpose)?;
    let granted = said.choice == Choice::Granted;
    let wanted = mapping.as_consent(granted);
    let held = crm.unwrap_or(&Value::Null);
    let is_news = if granted { held.is_null() && !mapping.is_opt_out() } else { *held != wanted };
    let is_frozen = before.is_some_and(|field| field.frozen);
    (is_news && !is_frozen).then(|| Change {
        field: mapping.field.clone(),
        from: held.clone(),
        to: wanted,
        cause: cause(mapping, format!("{} {} by {}", purpose, said.choice.as_str(), said.source)),
        overwrites: false,
    })
}

fn cause(mapping: &FieldMapping, what: String) -> Cause {
    Cause { mapping: mapping.line("person"), origin: format!("{} {what}", Cause::CONSENT).into() }
}

impl Stager {
    /// What is left to say to a record whose person does not allow it: opt-outs, and our own fields emptied. Contact data that
    /// both sides keep is the CRM's and stays.
    pub(super) fn withdrawal(
        &self,
        item: &StageItem,
        record: &LinkedRecord,
        purpose: Purpose,
        live: Option<&Fields>,
    ) -> StageDecision {
        let mut changes = Vec::new();
        // A default that changed is no word of the person: then nothing more is sent, and what is there stays.
        let has_said_no = effective(&item.consents.decisions, purpose).is_some();
        for mapping in self.mapping.pushes() {
            let before = record.mirror.get(&mapping.field);
            let crm = self.held(mapping, before, live);
            match mapping.source {
                Source::Consent(said) => {
                    changes.extend(opt_out(&item.consents, mapping, said, before, crm.as_ref()));
                }
                Source::Computed
                    if has_said_no && is_ours(before) && crm.as_ref().is_some_and(|value| !value.is_null()) =>
                {
                    changes.push(Change {
                        field: mapping.field.clone(),
                        from: crm.unwrap_or(Value::Null),
                        to: Value::Null,
                        cause: cause(mapping, format!("withdrawn ({purpose})")),
                        overwrites: false,
                    });
                }
                Source::Computed | Source::Declared | Source::ProfileId | Source::Owner => {}
            }
        }
        self.as_intent(item, record, changes, true)
    }

    /// The CRM's value of a field: the live one where it was looked at, else as last seen.
    pub(super) fn held(
        &self,
        mapping: &FieldMapping,
        before: Option<&MirrorField>,
        live: Option<&Fields>,
    ) -> Option<Value> {
        match live.and_then(|fields| fields.get(&mapping.field)) {
            Some(delivered) => mapping.canonical(delivered).ok(),
            None => before.and_then(|field| field.seen.clone()),
        }
    }

    /// One intent of these changes, or the end of one that is queued and has nothing left to change.
    pub(super) fn as_intent(
        &self,
        item: &StageItem,
        record: &LinkedRecord,
        changes: Vec<Change>,
        compare_first: bool,
    ) -> StageDecision {
        let mut decision = StageDecision::default();
        let told = changes.iter().filter(|change| !change.is_wish());
        let fields: Fields = told.map(|change| (change.field.clone(), change.to.clone())).collect();
        let wishes = changes.iter().any(Change::is_wish);
        match &item.queued {
            // The same is already on its way.
            Some(queued) if queued.intent.fields == fields && queued.intent.wish().is_some() == wishes => {}
            Some(queued) if changes.is_empty() => decision.withdraw = queued.state == OutboxState::Queued,
            None if changes.is_empty() => {}
            _ => {
                decision.intent = Some(Intent {
                    connection: self.connection.clone(),
                    object: self.mapping.object.clone(),
                    record: Some(record.key.clone()),
                    profile: record.profile,
                    operation: Operation::Update { id: record.key.id.clone() },
                    fields,
                    changes,
                    compare_first,
                });
            }
        }
        decision
    }
}

/// Whether Ferry wrote what the field holds, as far as is known.
fn is_ours(before: Option<&MirrorField>) -> bool {
    before.is_some_and(|field| field.ours || field.base.as_ref().is_some_and(|base| !base.is_null()))
}
