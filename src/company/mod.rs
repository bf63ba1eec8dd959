//! FLOOR 2 — companies: which domain names one, which of several a person belongs to, what a company's name is compared by.
//!
//! Pure. Claims of a person come in ([`crate::model::CompanyEvidence`]), a ranking comes out; the store keeps it. The
//! lists of free-mail and disposable domains are our own, and `[company]` adds to them and takes from them.

mod domain;
mod lists;
mod name;
mod rules;

pub use domain::{host, registrable};
pub use lists::{free_mail_names, is_free_mail};
pub use name::normal_name;
pub use rules::{Match, Rules};
