//! FLOOR 2 — what happened around a person or a company, folded so that somebody can read it before a call
//! (`cdp-semantics` §6), and the digest of it that stands in the CRM. Pure.

mod digest;
mod fold;
mod item;
mod markup;
mod words;

pub use digest::{Colleague, Contact, Digest, LONGEST, OpenDeal};
pub use fold::{Moment, What, fold, merged};
pub use item::{Direction, Item, Visibility};
pub use markup::{Format, written};
pub use words::{is_contact, page_name, subject_key};
