//! An entry into a band as something to act on: at most one thing is done about each, and none too soon after another.

use std::sync::Arc;
use std::time::Duration;

use connector::Timestamp;
use serde::Serialize;

use crate::model::Transition;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryState {
    /// Something may be done about it.
    Ready,
    /// Nothing could be done: it was cancelled, or nobody knows who the person is. News of them make it ready again.
    Waiting,
    /// Done, or nothing is ever done about it.
    Done,
}

/// The latest entry of a person into a band.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BandEntry {
    /// `lead.mql`
    pub band: Arc<str>,
    pub entered_at: Timestamp,
    pub state: EntryState,
    /// When something was last done about an entry into this band. Cooldown counts from here: cancelled actions do not count.
    pub acted_at: Option<Timestamp>,
}

impl BandEntry {
    /// What an entry means to somebody who may have entered before.
    pub fn entered(before: Option<&Self>, crossed: &Transition, known: bool, cooldown: Duration) -> Self {
        let acted_at = before.and_then(|before| before.acted_at);
        let is_cooling = acted_at.is_some_and(|acted| crossed.at < acted.saturating_add(cooldown));
        let state = match (crossed.backfill || is_cooling, known) {
            (true, _) => EntryState::Done,
            (false, true) => EntryState::Ready,
            (false, false) => EntryState::Waiting,
        };
        Self { band: crossed.name.clone(), entered_at: crossed.at, state, acted_at }
    }

    /// There is news of a person who is still at or above the threshold.
    pub fn press(&mut self, known: bool) {
        if self.state == EntryState::Waiting && known {
            self.state = EntryState::Ready;
        }
    }

    /// The band was left: nothing is done any more about having entered it.
    pub fn leave(&mut self) {
        self.state = EntryState::Done;
    }

    /// What was to be done was cancelled, or could not run.
    pub fn cancel(&mut self) {
        if self.state == EntryState::Ready {
            self.state = EntryState::Waiting;
        }
    }

    /// It has been done.
    pub fn act(&mut self, at: Timestamp) {
        self.state = EntryState::Done;
        self.acted_at = self.acted_at.max(Some(at));
    }

    /// Of two people who are one: done if either is, and the later of what was done counts.
    #[must_use]
    pub fn merged(self, other: Self) -> Self {
        let state = match (self.state, other.state) {
            (EntryState::Done, _) | (_, EntryState::Done) => EntryState::Done,
            (EntryState::Ready, _) | (_, EntryState::Ready) => EntryState::Ready,
            (EntryState::Waiting, EntryState::Waiting) => EntryState::Waiting,
        };
        Self {
            band: self.band,
            entered_at: self.entered_at.max(other.entered_at),
            state,
            acted_at: self.acted_at.max(other.acted_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Crossing, TransitionKind};

    const DAY: Duration = Duration::from_secs(86_400);

    fn day(number: i64) -> Timestamp {
        Timestamp::from_secs(number * 86_400)
    }

    fn crossed(at: i64, backfill: bool) -> Transition {
        Transition {
            kind: TransitionKind::Band,
            name: "lead.mql".into(),
            direction: Crossing::In,
            at: day(at),
            score: Some(50.0),
            grade: None,
            reasons: None,
            backfill,
        }
    }

    #[test]
    fn an_entry_is_ready_waiting_or_consumed() {
        let entered = |at, backfill, known| BandEntry::entered(None, &crossed(at, backfill), known, DAY * 30).state;
        assert_eq!(entered(1, false, true), EntryState::Ready);
        assert_eq!(entered(1, false, false), EntryState::Waiting);
        assert_eq!(entered(1, true, true), EntryState::Done);

        let mut acted = BandEntry::entered(None, &crossed(1, false), true, DAY * 30);
        acted.act(day(2));
        let again = |at| BandEntry::entered(Some(&acted), &crossed(at, false), true, DAY * 30);
        assert_eq!((again(31).state, again(31).acted_at), (EntryState::Done, Some(day(2))), "inside the cooldown");
        assert_eq!(again(32).state, EntryState::Ready);

        let mut cancelled = BandEntry::entered(None, &crossed(1, false), true, DAY * 30);
        cancelled.cancel();
        assert_eq!((cancelled.state, cancelled.acted_at), (EntryState::Waiting, None), "cooldown counts actions only");
        cancelled.press(false);
        assert_eq!(cancelled.state, EntryState::Waiting);
        cancelled.press(true);
        assert_eq!(cancelled.state, EntryState::Ready);
        cancelled.leave();
        cancelled.press(true);
        cancelled.cancel();
        assert_eq!(cancelled.state, EntryState::Done);
    }

    #[test]
    fn one_person_is_acted_on_once() {
        let entry = |state, entered, acted: Option<i64>| BandEntry {
            band: "lead.mql".into(),
            entered_at: day(entered),
            state,
            acted_at: acted.map(day),
        };
        let merged = entry(EntryState::Ready, 3, None).merged(entry(EntryState::Done, 1, Some(2)));
        assert_eq!(merged, entry(EntryState::Done, 3, Some(2)));
        let merged = entry(EntryState::Waiting, 3, None).merged(entry(EntryState::Ready, 5, None));
        assert_eq!(merged, entry(EntryState::Ready, 5, None));
    }
}
