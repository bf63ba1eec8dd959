//! FLOOR 1 — the nouns of a CDP. No I/O, no SQL, no vendor, no file format.

mod attribute;
mod candidate;
pub mod canonical;
mod company;
mod consent;
mod dead_letter;
mod event;
mod fact;
mod id;
mod identifier;
mod mirror;
mod outbox;
mod profile;
mod rule;
mod run;
mod score;
mod suppression;

pub use attribute::{Attribute, AttributeChange, Origin, survivor};
pub use candidate::{Candidate, Deal, Whose};
pub use company::{Claim, ClaimKind, CompanyClaims, CompanyEvidence, CompanyKey, CompanyRules};
pub use consent::{Choice, ConsentDecision, ConsentDefaults, Consents, MessageConsent, Purpose, effective};
pub use dead_letter::{DeadLetter, DeadLetterCode, DeadLetterId, Raw, Subject};
pub use event::{Event, EventKind, EventRow};
pub use fact::{Fact, RuleId};
pub use id::{CompanyUid, OutboxId, ProfileId, ProfileUid, RecordKey, RunId, SourceName, TraitName};
pub use identifier::{Identifier, IdentifierKind, normalise_email};
pub use mirror::{FieldWritten, Mirror, MirrorField, Side};
pub use outbox::{Cause, Change, Intent, JournalOutcome, OutboxEntry, OutboxState};
pub use profile::{LinkedRecord, Profile};
pub use rule::{Direction, Rule};
pub use run::{Counts, Flow, Run, RunState};
pub use score::{Computed, Score, ScorePart};
pub use suppression::{Privacy, SuppressionHash, SuppressionKey};
