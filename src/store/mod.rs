//! FLOOR 2 — the store's face: about thirty coarse operations, each one transaction, model types in and out.
//!
//! No SQL, transaction, iterator or borrowed row crosses it. Ids, instants, worker name and lease length come from the
//! caller. Decisions that must see and change the store at one instant are passed in as pure objects ([`PlanRecords`],
//! [`ResolveEvents`], [`StageWrites`], [`ComputeProfiles`]): the engine reads what is known, asks, and writes the answer,
//! all in one transaction; it never decides anything itself. SQLite ([`sqlite`]) is the embedded engine; nothing here
//! assumes one process.

mod assignment;
#[cfg(test)]
mod contract_tests;
mod error;
mod face;
mod identity;
mod inbound;
mod learnt;
mod lock;
mod outbound;
mod past;
mod personal;
mod side;
pub mod sqlite;
mod standing;
mod view;
mod webhook;

pub use assignment::{
    Asked, Assigned, Assigning, AssignmentRow, AssignmentState, Entries, LeadItem, Leads, RouteLeads, WaitingLeads,
};
pub use error::{Error, Result};
pub use face::{MatchFacts, Store};
pub use identity::{
    Alike, Answer, Component, ConflictRow, EdgeEnd, EdgeRow, Held, HeldBy, HeldState, IDENTITY_RULES, Part,
    PartComponent, ReviewRow,
};
pub use inbound::{
    AppendEvents, Checkpoint, ComputeInput, ComputeProfiles, EventDecision, Guard, Incoming, IncomingPage,
    IngestReport, Known, PageReport, PlanRecords, RecordDecision, RejectedEvents, ResolveEvents, RolledUp, StreamKey,
    Tally, Verdict,
};
pub use learnt::LearntData;
pub use lock::FlowLock;
pub use outbound::{Delivered, Fate, FuseTally, Lease, StageDecision, StageItem, StageReport, StageWrites};
pub use past::PastData;
pub use personal::PersonalData;
pub use side::{
    Listener, LostPlaces, PlaceWaiting, SideFate, SideLimit, SideOf, SideSettled, SideTally, SideWrites, Whom,
};
pub use standing::{Foreseen, Member, StandingData, TransitionRow};
pub use view::{
    CompanyDetail, CompanyMember, CompanyOf, CompanyTie, ConnectionStats, JournalRow, ObjectStats, Pending,
    ProfileDetail, ScheduleRow, Sizes, SourceHealth, StoreStats, TimelineItem,
};
pub use webhook::{
    LeasedMessages, MessageCause, MessageFate, MessageId, ReceiverHealth, Subscription, WebhookMessage, WebhookState,
    Webhooks,
};
