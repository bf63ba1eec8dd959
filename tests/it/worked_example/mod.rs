//! The worked example (`cdp-semantics` §9): six people, event by event through the real listener, real files and real CRM
//! pages, with a clock that stands where the story is. Here: who is one person and by which identifiers, sessions, where
//! they came from, where they work, what they allow. A file per person; [`stage`] is what they all play on.

mod ada;
mod bob;
mod chen;
mod dana;
mod eve;
mod faisal;
mod numbers;
mod stage;
mod whole;
