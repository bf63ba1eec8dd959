//! The worked example (`cdp-semantics` §9): six people, event by event through the real listener, real files and real CRM
//! pages, with a clock that stands where the story is. Here: who is one person and by which identifiers, sessions, where
//! they came from, where they work. A file per person; [`stage`] is what they all play on.

mod ada;
mod bob;
mod chen;
mod dana;
mod eve;
mod numbers;
mod stage;
