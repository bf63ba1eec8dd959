//! What an expression asks of a person's events: `count("Trial Started", "14d")`.

use std::sync::Arc;
use std::time::Duration;

use crate::expr::Expr;

/// One `count` or `sum` of an expression. Whoever evaluates it matches these events and lends the amount to
/// [`crate::expr::Input::events`]; with a window the amount changes by time alone.
#[derive(Clone, Debug, PartialEq)]
pub struct EventPredicate {
    /// `page`, `screen`, `identify`, `group`, `alias`, or a track event's name.
    pub event: Arc<str>,
    /// The property that is summed; without one the events are counted.
    pub property: Option<Arc<str>>,
    /// Rolling: event time in (as_of − window, as_of].
    pub window: Option<Duration>,
    /// Compiled in [`crate::expr::Scope::event`].
    pub condition: Option<Expr>,
}
