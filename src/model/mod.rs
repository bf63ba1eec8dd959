//! FLOOR 1 — the nouns of a CDP. No I/O, no SQL, no vendor, no file format.

mod assignment;
mod attribute;
mod band_entry;
mod blocked;
pub mod canonical;
mod company;
mod consent;
mod dead_letter;
mod erasure;
mod event;
mod fact;
mod graph;
mod id;
mod identifier;
mod identity;
mod identity_text;
mod local_time;
mod logged;
mod mirror;
mod normal;
mod outbox;
mod profile;
mod rule;
mod run;
mod score;
mod side_write;
mod standings;
mod suppression;
mod survivorship;
mod trait_values;
mod transition;
mod whose;

pub use assignment::{Decision, Office, Share, Step, TrailLine, User};
pub use attribute::{Attribute, AttributeChange, Origin, survivor};
pub use band_entry::{BandEntry, EntryState};
pub use company::{Claim, ClaimKind, CompanyClaims, CompanyEvidence, CompanyKey, CompanyRules};
pub use consent::{Choice, ConsentDecision, ConsentDefaults, Consents, MessageConsent, Purpose, effective};
pub use dead_letter::{DeadLetter, DeadLetterCode, DeadLetterId, Raw, Subject};
pub use erasure::{Erasing, ErasureStep, Lasting, LeftRecord, Outlived, OwnFields, Receipt, Retained, RetentionPlace};
pub use event::{Event, EventKind, EventRow};
pub use fact::{Fact, RuleId};
pub use graph::{Conflict, ConflictAction, Graph, Holder, ProfileSize, Resolution, Review, ReviewReason, Standing};
pub use id::{CompanyUid, OutboxId, ProfileId, ProfileUid, RecordKey, RunId, SourceName, TraitName};
pub use identifier::{DeviceId, Family, Identifier, IdentifierKind, LOYALTY_ID, is_custom_name};
pub use identity::{
    Blocked, Bridge, CustomRule, IdentityRules, KIOSK_EMAILS, MOST_IDENTIFIERS, MOST_MERGES, OnConflict,
    QUARANTINE_USERS,
};
pub use identity_text::{blocking, named_pattern};
pub use local_time::first_instant;
pub use logged::{LogPlace, Logged, LoggedRecord};
pub use mirror::{FieldWritten, Mirror, MirrorField, Side};
pub use normal::{Region, email_sha256, gmail_canonical, normalise_email, normalise_phone};
pub use outbox::{Cause, Change, Intent, JournalOutcome, OutboxEntry, OutboxState};
pub use profile::{LinkedRecord, Profile};
pub use rule::{Direction, Rule};
pub use run::{Counts, Flow, Run, RunState};
pub use score::{Computed, Score, ScorePart, rounded};
pub use side_write::{Desire, SideEntry, SideId, SideRow, SideState, SideWish};
pub use standings::{Place, Standings, ToldScore, Watermark};
pub use suppression::{Privacy, SuppressionHash, SuppressionKey};
pub use survivorship::{CRM_SOURCE, Survival, Survivorship};
pub use trait_values::TraitValues;
pub use transition::{Crossing, Transition, TransitionKind};
pub use whose::{Deal, Whose};
