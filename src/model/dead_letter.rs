//! What needs a person: a record, a field or an input line that could not go where it should, with the reason.

use std::fmt;
use std::sync::Arc;

use connector::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeadLetterId(pub i64);

/// Ferry's own code for why. Stable: scripts match on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadLetterCode {
    /// An input line is not JSON or not a valid message.
    EventInvalid,
    /// A pulled value cannot be read as its trait's kind.
    ValueUnreadable,
    /// A pulled record cannot be resolved to one profile.
    IdentityAmbiguous,
    /// Both sides changed and the rule is `manual`.
    ConflictManual,
    /// The CRM keeps another value than the one written; the field is frozen.
    FieldFought,
    /// The CRM refused the value.
    WriteRejected,
    /// The field is gone or cannot be written.
    FieldUnusable,
    /// A unique value is held by another record.
    DuplicateRecord,
    /// The key matches more than one CRM record.
    AmbiguousMatch,
    /// Tried as often as is reasonable.
    AttemptsExhausted,
    /// Its fate at the CRM could not be found out.
    OutcomeUnknown,
    /// Routing found nobody for a lead, not even the fallback.
    LeadUnowned,
    /// A value is too long, out of range or of the wrong type for the field; refused before sending.
    ValueUnfit,
    /// A CRM did not delete the record of an erased person.
    EraseRefused,
    /// A webhook's receiver refused a message.
    WebhookRefused,
    /// A webhook's receiver could not be reached, or took nothing, for too long.
    WebhookUnreachable,
}

impl DeadLetterCode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EventInvalid => "event_invalid",
            Self::ValueUnreadable => "value_unreadable",
            Self::IdentityAmbiguous => "identity_ambiguous",
            Self::ConflictManual => "conflict_manual",
            Self::FieldFought => "field_fought",
            Self::WriteRejected => "write_rejected",
            Self::FieldUnusable => "field_unusable",
            Self::DuplicateRecord => "duplicate_record",
            Self::AmbiguousMatch => "ambiguous_match",
            Self::AttemptsExhausted => "attempts_exhausted",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::LeadUnowned => "lead_unowned",
            Self::ValueUnfit => "value_unfit",
            Self::EraseRefused => "erase_refused",
            Self::WebhookRefused => "webhook_refused",
            Self::WebhookUnreachable => "webhook_unreachable",
        }
    }
}

impl fmt::Display for DeadLetterCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a dead letter is about. The same subject and code is one dead letter, however often it happens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    pub connection: Option<Arc<str>>,
    pub object: Option<Arc<str>>,
    pub record: Option<Arc<str>>,
    pub field: Option<Arc<str>>,
    pub source: Option<Arc<str>>,
}

const WEBHOOK: &str = "webhook";

impl Subject {
    /// A message to a webhook's receiver.
    pub fn webhook(name: &Arc<str>, message: impl fmt::Display) -> Self {
        let record = Some(message.to_string().into());
        Self { connection: Some(name.clone()), object: Some(WEBHOOK.into()), record, ..Self::default() }
    }

    /// The webhook and the message, where it is about one.
    pub fn as_webhook(&self) -> Option<(&str, &str)> {
        let is_one = self.object.as_deref() == Some(WEBHOOK) && self.field.is_none() && self.source.is_none();
        is_one.then_some((self.connection.as_deref()?, self.record.as_deref()?))
    }
}

/// The input that could not be taken, for repair and retry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raw {
    pub file: Arc<str>,
    pub line: u64,
    /// At most 32 KiB; invalid UTF-8 is shown with replacement characters.
    pub text: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// 0 until stored.
    pub id: DeadLetterId,
    pub at: Timestamp,
    pub code: DeadLetterCode,
    pub subject: Subject,
    /// Plain words: what failed and why, with the CRM's own code.
    pub cause: Arc<str>,
    /// What to do.
    pub fix: Arc<str>,
    pub raw: Option<Raw>,
    /// How often it happened.
    pub count: u32,
}
