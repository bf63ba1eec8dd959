//! What one incoming record does to the store. Pure but for the running total of losses.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connector::{ConnectionName, Record, RecordId, Timestamp, Value};

use super::GuardLimits;
use super::guard::Losses;
use crate::compare::{Notice, Policy, Sides, compare, is_normalisation, wanted};
use crate::mapping::{FieldMapping, ObjectMapping, Source};
use crate::model::{
    Attribute, AttributeChange, DeadLetter, DeadLetterCode, DeadLetterId, Direction, Graph, IdentityRules, Mirror,
    MirrorField, Origin, Profile, ProfileId, RecordKey, Resolution, Subject, Survivorship, Whose,
};
use crate::resolution::{RecordEvidence, joined_traits, resolve_record};
use crate::store::{Guard, Incoming, Known, PlanRecords, RecordDecision, Tally, Verdict};

/// How often a field that only Ferry writes may be changed at the CRM within a day before it is frozen (`reliability` §B 36).
const DRIFTS_A_DAY: u8 = 5;
const DAY: Duration = Duration::from_secs(86_400);

/// Decides about the records of one pull.
#[derive(Debug)]
pub struct Planner {
    pub(super) connection: ConnectionName,
    pub(super) mapping: Arc<ObjectMapping>,
    identity: Arc<IdentityRules>,
    /// Whether records carry fields (the associations sweep carries only links).
    with_fields: bool,
    pub(super) now: Timestamp,
    limits: GuardLimits,
    losses: Mutex<Running>,
}

impl Planner {
    pub fn new(
        connection: ConnectionName,
        mapping: Arc<ObjectMapping>,
        identity: Arc<IdentityRules>,
        with_fields: bool,
        now: Timestamp,
        limits: GuardLimits,
    ) -> Self {
        Self { connection, mapping, identity, with_fields, now, limits, losses: Mutex::default() }
    }

    fn letter(
        &self,
        code: DeadLetterCode,
        record: &RecordId,
        field: Option<&FieldMapping>,
        cause: String,
        fix: &str,
    ) -> DeadLetter {
        DeadLetter {
            id: DeadLetterId(0),
            at: self.now,
            code,
            subject: Subject {
                connection: Some(self.connection.as_str().into()),
                object: Some(self.mapping.object.as_str().into()),
                record: Some(record.as_str().into()),
                field: field.map(|mapping| mapping.field.clone()),
                source: None,
            },
            cause: cause.into(),
            fix: fix.into(),
            raw: None,
            count: 1,
        }
    }

    fn key(&self, record: &Record) -> RecordKey {
        RecordKey { connection: self.connection.clone(), object: self.mapping.object.clone(), id: record.id.clone() }
    }

    /// Whose the record is; `false` where nobody can be named, which is a dead letter.
    fn resolve(&self, incoming: &Incoming, known: &Known, graph: &dyn Graph, decision: &mut RecordDecision) -> bool {
        let key = self.key(&incoming.record);
        let merged: Vec<ProfileId> = known.merged.iter().filter_map(|record| record.profile).collect();
        let evidence = RecordEvidence {
            key: &key,
            linked: known.record.as_ref().and_then(|record| record.profile),
            merged: &merged,
            carried: known.carried,
            identifiers: &incoming.identifiers,
        };
        let resolved = resolve_record(&evidence, &self.identity, graph);
        decision.resolution = resolved.resolution;
        if resolved.second_of.is_none() {
            return true;
        }
        let cause = "another live record of this object belongs to the same person: a duplicate in the CRM".to_owned();
        let fix = "merge the two records at the CRM; the next pull follows the survivor";
        let letter = self.letter(DeadLetterCode::IdentityAmbiguous, &incoming.record.id, None, cause, fix);
        decision.dead_letters.push(letter);
        false
    }

    /// The fields of one record: mirror, traits taken over, whether push has something to do.
    fn fields(&self, incoming: &Incoming, known: &Known, profile: Option<&Profile>, decision: &mut RecordDecision) {
        let record = &incoming.record;
        let mut changed = false;
        let origin = Origin::Crm(format!("{} {} {}", self.connection, self.mapping.object, record.id).into());
        for mapping in &self.mapping.fields {
            let Some(delivered) = record.fields.get(&mapping.field) else { continue };
            let crm = match mapping.canonical(delivered) {
                Ok(value) => value,
                Err(why) => {
                    decision.dead_letters.push(self.letter(
                        DeadLetterCode::ValueUnreadable,
                        &record.id,
                        Some(mapping),
                        format!("{} cannot be read: {why}", self.mapping.line(mapping)),
                        "correct the value at the CRM, or map the field to a trait of another kind; the field is left as it was",
                    ));
                    continue;
                }
            };
            if let Source::Consent(purpose) = mapping.source {
                changed |= self.consent(mapping, purpose, crm, record, known, decision);
                continue;
            }
            changed |= self.field(mapping, crm, Arrival { record, origin: &origin }, known, profile, decision);
        }
        decision.tally = match (&known.record, changed) {
            (None, _) => Tally::Created,
            (Some(_), true) => Tally::Updated,
            (Some(_), false) => Tally::Echo,
        };
    }

    /// One field; returns whether the CRM's value is news.
    fn field(
        &self,
        mapping: &FieldMapping,
        crm: Value,
        Arrival { record, origin }: Arrival<'_>,
        known: &Known,
        profile: Option<&Profile>,
        decision: &mut RecordDecision,
    ) -> bool {
        let key = self.key(record);
        let (modified_at, record) = (record.modified_at, &record.id);
        if let Some((_, sent)) = known.in_flight.iter().find(|(name, _)| *name == mapping.field) {
            let entry = decision.mirror.entry(&mapping.field);
            if *sent == crm {
                (entry.base, entry.seen, entry.sent, entry.ours) = (Some(crm.clone()), Some(crm), None, true);
            } else if entry.seen.as_ref() != Some(&crm) {
                // Older than the write or newer: nobody knows yet, and no later page need bring it again. It is kept as
                // seen, and the record is looked at once the write has been settled.
                decision.emptied |= crm.is_null();
                (entry.seen, entry.ours) = (Some(crm), false);
                decision.restage = true;
            }
            return false;
        }
        let before = decision.mirror.get(&mapping.field).cloned();
        if mapping.direction == Direction::Push
            && let Some(MirrorField { ours: true, base: Some(wrote), .. }) = &before
            && *wrote != crm
            && is_normalisation(wrote, &crm)
        {
            // The CRM tidied what we wrote and its answer did not tell: learned from the echo (`reliability` §B 37).
            let entry = decision.mirror.entry(&mapping.field);
            entry.sent = entry.sent.take().or_else(|| Some(wrote.clone()));
            (entry.base, entry.seen) = (Some(crm.clone()), Some(crm));
            return false;
        }
        let seen = before.as_ref().and_then(|field| field.seen.as_ref());
        let news = seen != Some(&crm);
        decision.emptied |= crm.is_null() && seen.is_some_and(|value| !value.is_null());
        let base = before.as_ref().and_then(|field| field.base.as_ref());
        let step = match mapping.direction {
            Direction::Pull => pulled(base, &crm),
            Direction::Push | Direction::Both => {
                let cdp = cdp_value(mapping, profile);
                compare(
                    Policy { direction: mapping.direction, rule: mapping.rule, clear: mapping.clear },
                    Sides {
                        base,
                        crm: Some(&crm),
                        cdp: wanted(before.as_ref(), &cdp),
                        crm_changed_at: modified_at,
                        cdp_changed_at: changed_at(mapping, profile),
                        verdict: before.as_ref().and_then(|field| field.verdict),
                    },
                )
            }
        };
        // The CRM has chosen between the values of merged records; the profiles' own survivorship must not undo it.
        let joins = matches!(decision.resolution.whose, Whose::Merge { .. });
        let mut step = step;
        if joins && mapping.direction.pulls() && step.take.is_none() && step.write.is_none() && !crm.is_null() {
            step.take = Some(crm.clone());
        }
        if taken_from_another(mapping, &key, profile) && !crm.is_null() {
            step = taking(&crm);
        }
        let frozen = before.as_ref().is_some_and(|field| field.frozen);
        let entry = decision.mirror.entry(&mapping.field);
        if news {
            entry.ours = false;
        }
        entry.seen = Some(crm.clone());
        if let Some(agreed) = step.agreed {
            entry.base = Some(agreed);
            entry.sent = entry.sent.take().filter(|_| !news);
            // The conflict a person decided on is over; the next one is another.
            entry.verdict = None;
        }
        if step.notice == Some(Notice::Drift) && news {
            self.note_drift(mapping, decision, record);
        }
        if step.notice == Some(Notice::Manual) {
            decision.dead_letters.push(manual_conflict(self.letter(
                DeadLetterCode::ConflictManual,
                record,
                Some(mapping),
                format!("{}: both sides changed and the rule is manual", self.mapping.line(mapping)),
                "",
            )));
        }
        if let Some(taken) = step.take
            && mapping.source != Source::Owner
            && let Ok(value) = mapping.inbound(&taken)
        {
            decision.attributes.push(AttributeChange {
                name: mapping.attribute.clone(),
                attribute: Attribute {
                    value,
                    observed_at: modified_at.unwrap_or(self.now),
                    recorded_at: self.now,
                    origin: origin.clone(),
                },
            });
        }
        decision.restage |= step.write.is_some() && !frozen;
        news
    }

    /// Counts an edit of a field that only Ferry writes; too many in a day freeze it.
    fn note_drift(&self, mapping: &FieldMapping, decision: &mut RecordDecision, record: &RecordId) {
        let entry = decision.mirror.entry(&mapping.field);
        let fresh = entry.drift_since.is_none_or(|since| self.now.since(since) > DAY);
        if fresh {
            (entry.drifts, entry.drift_since) = (0, Some(self.now));
        }
        entry.drifts = entry.drifts.saturating_add(1);
        if entry.drifts >= DRIFTS_A_DAY && !entry.frozen {
            entry.frozen = true;
            let cause = format!(
                "{}: somebody at the CRM changed it {DRIFTS_A_DAY} times within a day although Ferry owns it; it is frozen",
                self.mapping.line(mapping)
            );
            decision.dead_letters.push(self.letter(
                DeadLetterCode::FieldFought,
                record,
                Some(mapping),
                cause,
                "find the workflow or person that edits it, then ferry failures retry ID to thaw the field",
            ));
        }
    }
}

/// The record under decision, and how it is named as the origin of a trait.
#[derive(Clone, Copy)]
struct Arrival<'a> {
    record: &'a Record,
    origin: &'a Origin,
}

/// A field that is only pulled: what the CRM says is taken when it says something new.
fn pulled(base: Option<&Value>, crm: &Value) -> crate::compare::Step {
    let news = base != Some(crm) && !(base.is_none() && crm.is_null());
    let step = taking(crm);
    crate::compare::Step { take: step.take.filter(|_| news), ..step }
}

/// The profile with the declared traits it will have once the others have become it.
fn joined(profiles: Vec<Profile>, rules: &Survivorship) -> Option<Profile> {
    let first = profiles.first().cloned()?;
    let attributes = joined_traits(profiles.into_iter().map(|profile| profile.attributes), rules)?;
    Some(Profile { attributes, ..first })
}

/// Whether what we hold came from a record that this one has replaced. People at the CRM chose what the survivor shows; the
/// loser's values must not come back through us.
fn taken_from_another(mapping: &FieldMapping, key: &RecordKey, profile: Option<&Profile>) -> bool {
    let held = profile.and_then(|profile| profile.attributes.get(&mapping.attribute));
    mapping.direction.pulls() && held.is_some_and(|attribute| attribute.origin.is_another_record(key))
}

fn taking(crm: &Value) -> crate::compare::Step {
    crate::compare::Step { take: Some(crm.clone()), agreed: Some(crm.clone()), ..crate::compare::Step::default() }
}

fn cdp_value(mapping: &FieldMapping, profile: Option<&Profile>) -> Value {
    profile.and_then(|profile| mapping.desired(profile)).unwrap_or(Value::Null)
}

fn changed_at(mapping: &FieldMapping, profile: Option<&Profile>) -> Option<Timestamp> {
    profile?.attributes.get(&mapping.attribute).map(|attribute| attribute.observed_at)
}

fn manual_conflict(letter: DeadLetter) -> DeadLetter {
    DeadLetter { fix: "ferry failures retry ID --take crm, or --take cdp".into(), ..letter }
}

/// What a run has lost so far, and what the page that is being stored would lose.
#[derive(Debug, Default)]
struct Running {
    stored: Losses,
    page: Losses,
}

impl Planner {
    /// The page last asked about has been stored.
    pub(super) fn page_is_stored(&self) {
        let mut running = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
        running.stored.deleted += running.page.deleted;
        running.stored.emptied += running.page.emptied;
        running.page = Losses::default();
    }
}

impl PlanRecords for Planner {
    fn decide(&self, incoming: &Incoming, known: &Known, graph: &dyn Graph, read: Read<'_>) -> RecordDecision {
        let mut decision = RecordDecision {
            resolution: Resolution::nobody(),
            attributes: Vec::new(),
            mirror: known.record.as_ref().map_or_else(Mirror::default, |record| record.mirror.clone()),
            restage: false,
            emptied: false,
            dead_letters: Vec::new(),
            tally: Tally::Updated,
            consents: Vec::new(),
        };
        if !self.with_fields {
            return decision;
        }
        let is_person = self.mapping.object.is_person();
        if is_person && !self.resolve(incoming, known, graph, &mut decision) {
            return decision;
        }
        let profile = match &decision.resolution.whose {
            Whose::Existing(profile) => read(*profile),
            Whose::Merge { survivor, losers } => {
                let all = std::iter::once(survivor).chain(losers).filter_map(|profile| read(*profile)).collect();
                joined(all, &self.identity.survivorship)
            }
            Whose::New | Whose::Nobody => None,
        };
        self.fields(incoming, known, profile.as_ref(), &mut decision);
        // A record that was not linked before has everything to be told.
        let was_linked = known.record.as_ref().is_some_and(|record| record.profile.is_some() && !record.archived);
        decision.restage |= is_person && !was_linked;
        decision
    }

    fn guard(&self, page: &Guard) -> Verdict {
        let mut running = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
        // A store that runs a page again asks again: only what was stored counts for good.
        running.page = Losses::default().plus(page);
        let losses = running.stored.plus(page);
        let what = format!("pull of {} {}", self.connection, self.mapping.object);
        self.limits.check(&what, page.linked, losses.deleted, losses.emptied)
    }
}

/// Reads a profile within the transaction.
type Read<'a> = &'a dyn Fn(ProfileId) -> Option<Profile>;

#[cfg(test)]
mod tests {
    use connector::Object;

    use super::*;

    #[test]
    fn a_page_that_is_run_again_is_counted_once() {
        let mapping = Arc::new(ObjectMapping::new(Object::Contact, Vec::new()));
        let planner =
            Planner::new("acme".into(), mapping, Arc::default(), true, Timestamp::EPOCH, GuardLimits::default());
        let page = Guard { linked: 100, deleted: 60, emptied: 0, full_load_done: true };
        assert_eq!(planner.guard(&page), Verdict::Go);
        assert_eq!(planner.guard(&page), Verdict::Go, "the store tries the same page again");
        planner.page_is_stored();
        assert!(matches!(planner.guard(&page), Verdict::Stop(_)), "120 of 100 linked ones are too many in one run");
    }
}
