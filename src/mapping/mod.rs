//! FLOOR 2 — pure: CRM fields ↔ traits. What each side calls a value, and in which form the two can be compared.
//!
//! A value lives in one of three forms. As the CRM **delivers** it (HubSpot: text for everything); as a **trait**, by the
//! trait's declared [`Kind`]; and **canonical**, in the CRM's terms: what the mirror keeps and what is compared. [`inbound`](
//! FieldMapping::inbound) makes a trait of a delivered value, [`outbound`](FieldMapping::outbound) a canonical value of a
//! trait, and [`canonical`](FieldMapping::canonical) brings a delivered value into canonical form.

mod field;
mod fit;
mod forward;
mod kind;
mod object;
mod transform;

pub use field::{FieldMapping, Source};
pub use fit::{Unfit, fit};
pub use kind::{Kind, Unreadable};
pub use object::{Assignment, CreatePolicy, ObjectMapping};
pub use transform::{Transform, UnknownTransform, ValueMap};
