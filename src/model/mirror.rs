//! What a CRM record holds: as last seen, as last agreed, and what Ferry learned about each field.

use connector::{FieldName, Timestamp, Value};
use serde::{Deserialize, Serialize};

use crate::model::JournalOutcome;

/// The mapped fields of one record, sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mirror {
    fields: Vec<MirrorField>,
}

/// One field. `base` is the last value both sides agreed on (`None` before first agreement); `seen` is the CRM's value
/// when we last looked (`None` when we never did). All in the CRM's terms, canonical.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MirrorField {
    #[serde(rename = "f")]
    pub name: FieldName,
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Value>,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Value>,
    /// The value Ferry last wrote, where the CRM kept another one (rounding, trimming): wanting it again is no change.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Value>,
    /// Whether `seen` is a value Ferry wrote: replacing it harms nobody.
    #[serde(rename = "o", default, skip_serializing_if = "std::ops::Not::not")]
    pub ours: bool,
    /// How often in a row the CRM kept something else than what was written.
    #[serde(rename = "k", default, skip_serializing_if = "is_zero")]
    pub kept_other: u8,
    /// How often somebody changed a field that only Ferry writes, since `drift_since`.
    #[serde(rename = "d", default, skip_serializing_if = "is_zero")]
    pub drifts: u8,
    #[serde(rename = "ds", default, skip_serializing_if = "Option::is_none")]
    pub drift_since: Option<Timestamp>,
    /// Fought over: not written until a person thaws it.
    #[serde(rename = "z", default, skip_serializing_if = "std::ops::Not::not")]
    pub frozen: bool,
    /// A person's answer to a manual conflict, taken at the next look.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Side>,
}

fn is_zero(n: &u8) -> bool {
    *n == 0
}

/// One of the two shores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Crm,
    Cdp,
}

impl MirrorField {
    pub fn new(name: FieldName) -> Self {
        Self {
            name,
            base: None,
            seen: None,
            sent: None,
            ours: false,
            kept_other: 0,
            drifts: 0,
            drift_since: None,
            frozen: false,
            verdict: None,
        }
    }
}

impl Mirror {
    pub fn get(&self, name: &str) -> Option<&MirrorField> {
        self.fields.binary_search_by(|have| (*have.name).cmp(name)).ok().map(|at| &self.fields[at])
    }

    /// The field's entry, made empty where it is missing.
    pub fn entry(&mut self, name: &FieldName) -> &mut MirrorField {
        let at = match self.fields.binary_search_by(|have| have.name.cmp(name)) {
            Ok(at) => at,
            Err(at) => {
                self.fields.insert(at, MirrorField::new(name.clone()));
                at
            }
        };
        &mut self.fields[at]
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &MirrorField> {
        self.fields.iter()
    }

    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = &mut MirrorField> {
        self.fields.iter_mut()
    }

    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

/// One field as a settled write left it at the CRM.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldWritten {
    pub field: FieldName,
    /// What the CRM was believed to hold before.
    pub from: Value,
    pub sent: Value,
    /// What the CRM holds now; equal to `sent` where its answer does not tell, to `from` where it refused, to what a look found
    /// where nothing was sent ([`JournalOutcome::Cancelled`]).
    pub kept: Value,
    pub outcome: JournalOutcome,
    /// Whether `kept` is something else altogether: neither `sent` nor a normalised form of it.
    pub fought: bool,
}

/// How often in a row the CRM may keep something else before the field is frozen (`cdp-semantics` §8.3).
const FOUGHT_LIMIT: u8 = 2;

impl Mirror {
    /// Takes a settled write into account. Returns whether it froze the field.
    pub fn written(&mut self, write: &FieldWritten) -> bool {
        let field = self.entry(&write.field);
        match write.outcome {
            JournalOutcome::Written | JournalOutcome::KeptOther => {}
            JournalOutcome::Cancelled => {
                // Not sent, because a look found this value instead: no agreement, but news.
                if field.seen.as_ref() != Some(&write.kept) {
                    (field.seen, field.ours) = (Some(write.kept.clone()), false);
                }
                return false;
            }
            JournalOutcome::Rejected => {
                // Parked: wanting the refused value again is no change until either side moves, or a person retries.
                field.base = Some(write.from.clone());
                field.sent = Some(write.sent.clone());
                return false;
            }
        }
        // A pull may have seen the CRM's value change while the write was under way; what it saw is newer than `kept`
        // and stays, so that the next look finds a change at the CRM.
        // A value of ours is none: an intent that waited behind another one still names what the CRM held before both.
        let seen_moved =
            !field.ours && field.seen.as_ref().is_some_and(|seen| *seen != write.from && *seen != write.kept);
        if !seen_moved {
            field.seen = Some(write.kept.clone());
            field.ours = true;
        }
        field.base = Some(write.kept.clone());
        field.verdict = None;
        field.sent = (write.kept != write.sent).then(|| write.sent.clone());
        field.kept_other = if write.fought { field.kept_other.saturating_add(1) } else { 0 };
        let freezes = !field.frozen && field.kept_other >= FOUGHT_LIMIT;
        field.frozen |= freezes;
        freezes
    }

    /// Lets a frozen or parked field try again.
    pub fn thaw(&mut self, field: &FieldName) {
        let field = self.entry(field);
        (field.frozen, field.kept_other, field.drifts, field.drift_since, field.sent) = (false, 0, 0, None, None);
    }
}

/// Builds a mirror from fields in any order; of two with one name the later wins.
impl FromIterator<MirrorField> for Mirror {
    fn from_iter<I: IntoIterator<Item = MirrorField>>(fields: I) -> Self {
        let mut mirror = Self::default();
        for field in fields {
            let name = field.name.clone();
            *mirror.entry(&name) = field;
        }
        mirror
    }
}
