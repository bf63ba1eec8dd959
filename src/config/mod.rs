//! FLOOR 4 — `sync.toml` → [`Settings`], or everything that is wrong with it, each with its place and a way out.
//!
//! The way of a file: bytes → text (`text`) → tree with places (`document`) → readers that know which keys are valid
//! where (`reader`, `keys`) → settings. Nothing is accepted and ignored; all problems are reported at once; a secret in
//! the file is never echoed (`mask`).

mod alerts;
mod calendar;
mod catalogue;
mod columns;
mod company;
mod connection;
mod create;
mod currency;
mod diagnostic;
mod digest;
mod document;
mod expression;
mod fields;
mod filling;
mod formulas;
mod general;
mod identity;
mod inbox;
mod keys;
mod lists;
mod load;
mod mapping_check;
mod mask;
mod model;
mod origin;
mod overrides;
mod people;
mod preset;
mod privacy;
mod reader;
mod render;
mod routing;
mod schedule;
mod score;
mod score_rule;
mod secret;
mod segments;
mod settings;
mod source;
mod survivorship;
#[cfg(test)]
mod tests;
mod text;
mod trait_kinds;
mod traits;
mod tree;
mod value;
pub mod vendor;
mod webhook;

pub use diagnostic::{Diagnostic, Place};
pub use digest::{DigestPlace, DigestSettings};
pub use lists::ListSettings;
pub use load::{Failure, Loaded, load, parse};
pub use mask::quoted;
pub use origin::{Origin, ResolvedLine};
pub use overrides::Overrides;
pub use privacy::{OnErase, PrivacySettings, Retention};
pub use render::{ProblemJson, blocks};
pub use settings::{
    AdminSettings, AlertAddress, AlertChannel, ClientId, ConnectionMode, ConnectionSettings, Preset, PullDeals, Quiet,
    SafetyMode, SafetySettings, ScheduleSettings, Settings, SourceKind, SourceSettings, WebhookSettings,
};
pub use text::{Position, SourceText};
pub use vendor::{Vendor, VendorSettings};
