//! FLOOR 3 — telling other tools who entered and left a segment or band, and people that something is wrong: what a message says, and what
//! becomes of it. Pure; the
//! log of transitions is the store's, the sending `connector_webhook`'s, and `app` puts them together.

mod alert;
mod body;
mod fate;
mod pace;

pub use alert::{AlertKind, Notice, Signs, Standing, Trouble};
pub use body::{Shape, body, message_id, sample};
pub use fate::{Patience, Settled, settled};
pub use pace::Pace;
