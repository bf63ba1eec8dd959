//! Desired minus mirror: what one record should be told. Pure.

use std::sync::Arc;

use connector::{ConnectionName, FieldName, Fields, Operation, Schema, Timestamp, Value};

use super::consent;
use super::lists::ListRule;
use super::wish::Wishes;
use crate::compare::{Notice, Policy, Sides, compare, wanted};
use crate::expr::{Expr, ProfileInput};
use crate::mapping::{CreatePolicy, FieldMapping, ObjectMapping, Source, fit};
use crate::model::{
    Attribute, AttributeChange, Cause, Change, DeadLetter, DeadLetterCode, DeadLetterId, Direction, IdentifierKind,
    Intent, LinkedRecord, MirrorField, Origin, Profile, Rule, Subject,
};
use crate::store::{StageDecision, StageItem, StageWrites};

/// Decides what to write to records of one object.
#[derive(Debug)]
pub struct Stager {
    pub(super) connection: ConnectionName,
    pub(super) mapping: Arc<ObjectMapping>,
    schema: Option<Arc<Schema>>,
    /// The unique field a create is keyed by, where creating is possible.
    pub(super) key: Option<FieldName>,
    pub(super) now: Timestamp,
    /// The name of each mapping that pushes, in their order: the same in every change.
    lines: Vec<Arc<str>>,
    /// When records are given to somebody; `None` where nobody routes them.
    pub(super) wishes: Option<Wishes>,
    /// Lists that segments keep here.
    pub(super) lists: Arc<[ListRule]>,
}

impl Stager {
    pub fn new(
        connection: ConnectionName,
        mapping: Arc<ObjectMapping>,
        schema: Option<Arc<Schema>>,
        key: Option<FieldName>,
        now: Timestamp,
    ) -> Self {
        let lines = mapping.pushes().map(|pushed| mapping.line(pushed)).collect();
        Self { connection, mapping, schema, key, now, lines, wishes: None, lists: Arc::default() }
    }

    /// Decides with the CRM's live values in place of the last seen ones; fields not in `live` are as last seen.
    pub fn decide_live(&self, item: &StageItem, live: Option<&Fields>) -> StageDecision {
        match (&item.record, &item.profile) {
            _ if item.is_suppressed => StageDecision { withdraw: item.queued.is_some(), ..StageDecision::default() },
            (Some(record), Some(profile)) if !record.archived => match consent::refused(&item.consents) {
                Some(purpose) => {
                    let waits = self.wishes.as_ref().is_some_and(|wishes| wishes.of(item, record, live).is_some());
                    StageDecision { waits, ..self.withdrawal(item, record, purpose, live) }
                }
                None => self.update(item, record, profile, live),
            },
            (None, Some(profile)) => self.create(item, profile),
            _ => StageDecision { withdraw: item.queued.is_some(), ..StageDecision::default() },
        }
    }

    fn update(
        &self,
        item: &StageItem,
        record: &LinkedRecord,
        profile: &Profile,
        live: Option<&Fields>,
    ) -> StageDecision {
        let mut decision = StageDecision::default();
        let mut mirror = record.mirror.clone();
        let mut changes: Vec<Change> = Vec::new();
        let mut compare_first = false;
        let mut origins = Origins::of(profile);
        for (mapping, line) in self.mapping.pushes().zip(&self.lines) {
            let before = record.mirror.get(&mapping.field);
            if before.is_some_and(|field| field.frozen) {
                continue;
            }
            let crm = self.held(mapping, before, live);
            if let Source::Consent(purpose) = mapping.source {
                let told = consent::opt_out(&item.consents, mapping, purpose, before, crm.as_ref());
                compare_first |= told.is_some();
                changes.extend(told);
                continue;
            }
            let Some(desired) = mapping.desired(profile) else { continue };
            let replaced = mapping.direction.pulls()
                && profile
                    .attributes
                    .get(&mapping.attribute)
                    .is_some_and(|attribute| attribute.origin.is_another_record(&record.key));
            if replaced && crm.as_ref().is_some_and(|value| !value.is_null()) {
                // What we hold is what a record merged into this one said: pull takes the survivor's value over.
                continue;
            }
            let step = compare(
                Policy { direction: mapping.direction, rule: mapping.rule, clear: mapping.clear },
                Sides {
                    base: before.and_then(|field| field.base.as_ref()),
                    crm: crm.as_ref(),
                    cdp: wanted(before, &desired),
                    crm_changed_at: record.modified_at,
                    cdp_changed_at: profile.attributes.get(&mapping.attribute).map(|a| a.observed_at),
                    verdict: before.and_then(|field| field.verdict),
                },
            );
            if let Some(agreed) = step.agreed
                && before.is_none_or(|field| field.base.as_ref() != Some(&agreed) || field.verdict.is_some())
            {
                let entry = mirror.entry(&mapping.field);
                (entry.base, entry.verdict) = (Some(agreed), None);
            }
            if step.notice == Some(Notice::Manual) {
                decision.dead_letters.push(self.manual(record, mapping));
            }
            if let Some(taken) = step.take
                && let Ok(value) = mapping.inbound(&taken)
            {
                decision.attributes.push(self.taken(record, mapping, value));
            }
            if let Some(value) = step.write {
                if mapping.stays(crm.as_ref(), &value) {
                    continue;
                }
                compare_first |= needs_a_look(mapping, before);
                match self.fitted(mapping, &value) {
                    Ok(value) if crm.as_ref() == Some(&value) => {}
                    Ok(value) => changes.push(change(mapping, before, crm, value, origins.cause(mapping, line))),
                    Err(why) => decision.dead_letters.push(self.unfit(record, mapping, &why)),
                }
            }
        }
        if let Some(wish) = self.wishes.as_ref().and_then(|wishes| wishes.of(item, record, live)) {
            compare_first = true;
            changes.push(wish);
        }
        decision.mirror = (mirror != record.mirror).then_some(mirror);
        let StageDecision { intent, withdraw, .. } = self.as_intent(item, record, changes, compare_first);
        StageDecision { intent, withdraw, ..decision }
    }

    /// A record for a known profile that has none here: every field that has a value, keyed by the profile's id.
    fn create(&self, item: &StageItem, profile: &Profile) -> StageDecision {
        let is_wanted = match &self.mapping.create {
            CreatePolicy::Never => false,
            CreatePolicy::Known => true,
            CreatePolicy::Band(band) => item.ready.contains(band),
            CreatePolicy::When(condition) => fulfils(condition, profile, self.now),
        };
        let is_entry = matches!(self.mapping.create, CreatePolicy::Band(_));
        if !is_wanted || consent::refused(&item.consents).is_some() {
            let waits = is_wanted && is_entry;
            return StageDecision { withdraw: item.queued.is_some(), waits, ..StageDecision::default() };
        }
        if is_entry && let Some(deal) = item.deals.first() {
            return self.in_deal(item, deal);
        }
        let (Some(key), true) = (&self.key, profile.known) else { return StageDecision::default() };
        let has_address = item.identifiers.iter().any(|identifier| identifier.kind == IdentifierKind::Email);
        if !has_address || item.queued.is_some() {
            return StageDecision::default();
        }
        let mut changes = Vec::new();
        let mut origins = Origins::of(profile);
        for (mapping, line) in self.mapping.pushes().zip(&self.lines) {
            if let Source::Consent(purpose) = mapping.source {
                changes.extend(consent::opt_out(&item.consents, mapping, purpose, None, None));
            }
            let Some(value) = mapping.desired(profile).filter(|value| !value.is_null()) else { continue };
            if let Ok(value) = self.fitted(mapping, &value) {
                changes.push(change(mapping, None, None, value, origins.cause(mapping, line)));
            }
        }
        let uid = Value::text(profile.uid.to_string());
        let mut fields: Fields = changes.iter().map(|change| (change.field.clone(), change.to.clone())).collect();
        fields.set(key.clone(), uid.clone());
        StageDecision {
            intent: Some(Intent {
                connection: self.connection.clone(),
                object: self.mapping.object.clone(),
                record: None,
                profile: Some(profile.id),
                operation: Operation::Upsert { field: key.clone(), value: uid },
                fields,
                changes,
                compare_first: true,
            }),
            ..StageDecision::default()
        }
    }

    fn fitted(&self, mapping: &FieldMapping, value: &Value) -> Result<Value, crate::mapping::Unfit> {
        match self.schema.as_ref().and_then(|schema| schema.fields.get(&mapping.field)) {
            Some(spec) => fit(value, spec),
            None => Ok(value.clone()),
        }
    }

    fn taken(&self, record: &LinkedRecord, mapping: &FieldMapping, value: Value) -> AttributeChange {
        AttributeChange {
            name: mapping.attribute.clone(),
            attribute: Attribute {
                value,
                observed_at: record.modified_at.unwrap_or(self.now),
                recorded_at: self.now,
                origin: Origin::Crm(record.key.to_string().into()),
            },
        }
    }

    fn manual(&self, record: &LinkedRecord, mapping: &FieldMapping) -> DeadLetter {
        let cause = format!("{}: both sides changed and the rule is manual", self.mapping.line(mapping));
        letter(
            self.now,
            DeadLetterCode::ConflictManual,
            subject(record, &mapping.field),
            cause,
            "ferry failures retry ID --take crm, or --take cdp",
        )
    }

    fn unfit(&self, record: &LinkedRecord, mapping: &FieldMapping, why: &crate::mapping::Unfit) -> DeadLetter {
        let cause = format!("{} was not sent: {why}", self.mapping.line(mapping));
        let fix = "widen the field at the CRM, or set max_length or map on this mapping in sync.toml";
        letter(self.now, DeadLetterCode::ValueUnfit, subject(record, &mapping.field), cause, fix)
    }
}

impl StageWrites for Stager {
    fn routes(&self) -> bool {
        self.wishes.is_some()
    }

    fn decide(&self, item: &StageItem) -> StageDecision {
        StageDecision { places: self.places(item), ..self.decide_live(item, None) }
    }
}

/// Whether a profile fulfils a condition that counts no events.
fn fulfils(condition: &Expr, profile: &Profile, as_of: Timestamp) -> bool {
    let traits = |name: &str| profile.value(name);
    condition.holds(&ProfileInput::of_traits(&traits, as_of))
}

/// A field that somebody at the CRM may rightly have changed meanwhile is read before it is written; one that only Ferry
/// writes is not (`reliability` §B 16: the window between look and write remains, and is documented).
fn needs_a_look(mapping: &FieldMapping, before: Option<&MirrorField>) -> bool {
    mapping.direction == Direction::Both
        || mapping.only_goes_forward()
        || mapping.rule != Rule::CdpWins
        || before.is_none_or(|field| field.seen.is_none())
}

fn change(mapping: &FieldMapping, before: Option<&MirrorField>, crm: Option<Value>, to: Value, cause: Cause) -> Change {
    let from = crm.unwrap_or(Value::Null);
    let ours = before.is_some_and(|field| field.ours && field.seen.as_ref() == Some(&from));
    Change { field: mapping.field.clone(), overwrites: !from.is_null() && !ours, from, to, cause }
}

/// What moved the values of one profile: `computed 2026-11-24T09:00:00Z`, `source website`, `crm hubspot contact 7`.
struct Origins<'a> {
    profile: &'a Profile,
    computed: Option<Arc<str>>,
}

impl<'a> Origins<'a> {
    fn of(profile: &'a Profile) -> Self {
        Self { profile, computed: None }
    }

    fn cause(&mut self, mapping: &FieldMapping, line: &Arc<str>) -> Cause {
        let origin = match mapping.source {
            Source::ProfileId => "profile".into(),
            Source::Owner => "owner".into(),
            Source::Consent(purpose) => format!("{} {purpose}", Cause::CONSENT).into(),
            Source::Computed => self.computed().clone(),
            Source::Declared => {
                let attribute = self.profile.attributes.get(&mapping.attribute);
                attribute.map_or_else(|| "trait".into(), |a| a.origin.to_string().into())
            }
        };
        Cause { mapping: line.clone(), origin }
    }

    fn computed(&mut self) -> &Arc<str> {
        let at = self.profile.computed_at;
        self.computed.get_or_insert_with(|| match at {
            Some(at) => format!("computed {at}").into(),
            None => "computed".into(),
        })
    }
}

/// Mapped fields to push that the CRM does not define or does not let us write.
pub fn missing_fields(mapping: &ObjectMapping, schema: &Schema) -> Vec<FieldName> {
    mapping
        .pushes()
        .filter(|mapping| schema.fields.get(&mapping.field).is_none_or(|spec| !spec.writable))
        .map(|mapping| mapping.field.clone())
        .collect()
}

/// One dead letter per field that is paused.
pub(super) fn unusable(
    connection: &ConnectionName,
    mapping: &ObjectMapping,
    fields: &[FieldName],
    schema: Option<&Schema>,
    now: Timestamp,
) -> Vec<DeadLetter> {
    fields
        .iter()
        .map(|field| {
            let exists = schema.is_some_and(|schema| schema.fields.contains_key(field));
            let (cause, fix) = if exists {
                (
                    "is read-only for this credential",
                    "map it with direction = \"pull\", or give the credential the right",
                )
            } else {
                ("does not exist", "create it with ferry fields --create, or correct its name in sync.toml")
            };
            letter(
                now,
                DeadLetterCode::FieldUnusable,
                Subject {
                    connection: Some(connection.as_str().into()),
                    object: Some(mapping.object.as_str().into()),
                    field: Some(field.clone()),
                    ..Subject::default()
                },
                format!("{} field \"{field}\" at {connection} {cause}; its mapping is paused", mapping.object),
                fix,
            )
        })
        .collect()
}

pub(super) fn subject(record: &LinkedRecord, field: &FieldName) -> Subject {
    Subject {
        connection: Some(record.key.connection.as_str().into()),
        object: Some(record.key.object.as_str().into()),
        record: Some(record.key.id.as_str().into()),
        field: Some(field.clone()),
        source: None,
    }
}

pub(super) fn letter(at: Timestamp, code: DeadLetterCode, subject: Subject, cause: String, fix: &str) -> DeadLetter {
    DeadLetter { id: DeadLetterId(0), at, code, subject, cause: cause.into(), fix: fix.into(), raw: None, count: 1 }
}
