//! Faults on order: which call goes wrong, when, and how.

use std::time::Duration;

use connector::{Error, ErrorKind, RecordId, Rejection, Timestamp};

/// A door of the connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    Check,
    Describe,
    Pull,
    Read,
    Push,
    CreateField,
    Recover,
}

impl Call {
    /// Fits after "failed to".
    pub fn attempted(self) -> &'static str {
        match self {
            Self::Check => "reach the CRM",
            Self::Describe => "describe an object",
            Self::Pull => "read a page",
            Self::Read => "read records",
            Self::Push => "push writes",
            Self::CreateField => "create a field",
            Self::Recover => "bring earlier pushes to an end",
        }
    }
}

/// How a call goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// The whole call fails with this kind and nothing is applied. A quota error asks to come back after 60 s.
    Fail(ErrorKind),
    /// The whole call fails with exactly this error and nothing is applied.
    FailWith(Error),
    /// The whole call fails for want of quota, until the instant.
    Quota { retry_at: Timestamp },
    /// The answer is lost. Every write of a push is `Ambiguous`, applied or not as said; a read fails as transient.
    Lost { applied: bool },
    /// The answer breaks off. A push was applied and is `Ambiguous`; a read fails as a protocol error.
    Truncated,
    /// The push stops after this many writes; the rest is `Deferred` with the error.
    DeferAfter { done: usize, error: Error },
    /// The answer leaves out this write (by its place in the push): `Ambiguous`, applied or not as said.
    OmitWrite { index: usize, applied: bool },
    /// A read or a pull leaves out this record.
    OmitRecord(RecordId),
    /// The write at this place is refused.
    Reject { index: usize, rejection: Rejection },
    /// The answer takes this long, by the injected clock.
    Slow(Duration),
    /// There is never an answer.
    Hang,
}

/// The faults still to come.
#[derive(Debug, Default)]
pub(super) struct Script {
    once: Vec<(Call, u64, Fault)>,
    always: Vec<(Call, Fault)>,
}

impl Script {
    /// `nth` counts calls of that kind from now; 1 is the next.
    pub(super) fn once(&mut self, call: Call, nth: u64, fault: Fault) {
        self.once.push((call, nth.max(1), fault));
    }

    pub(super) fn always(&mut self, call: Call, fault: Fault) {
        self.always.push((call, fault));
    }

    pub(super) fn clear(&mut self) {
        self.once.clear();
        self.always.clear();
    }

    /// Counts a call and says what goes wrong with it, in the order the faults were set.
    pub(super) fn strike(&mut self, call: Call) -> Vec<Fault> {
        let mut due: Vec<Fault> =
            self.always.iter().filter(|(at, _)| *at == call).map(|(_, fault)| fault.clone()).collect();
        self.once.retain_mut(|(at, left, fault)| {
            if *at != call {
                return true;
            }
            *left -= 1;
            if *left == 0 {
                due.push(fault.clone());
            }
            *left > 0
        });
        due
    }
}

/// A whole-call error of a kind, in words that name no record.
pub(super) fn error_of(kind: ErrorKind, call: Call, now: Timestamp) -> Error {
    let error = Error::new(kind, call.attempted(), format!("the in-memory CRM was told to fail ({})", kind.as_str()));
    if kind == ErrorKind::Quota { error.with_retry_at(now.saturating_add(Duration::from_secs(60))) } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nth_call_is_struck_once() {
        let mut script = Script::default();
        script.once(Call::Push, 2, Fault::Hang);
        script.always(Call::Read, Fault::Truncated);
        assert_eq!(script.strike(Call::Push), []);
        assert_eq!(script.strike(Call::Pull), []);
        assert_eq!(script.strike(Call::Push), [Fault::Hang]);
        assert_eq!(script.strike(Call::Push), []);
        assert_eq!(script.strike(Call::Read), [Fault::Truncated]);
        assert_eq!(script.strike(Call::Read), [Fault::Truncated]);
        script.clear();
        assert_eq!(script.strike(Call::Read), []);
    }
}
