//! Whether a failed exchange is sent again, and when. Pure: the client asks after every failure.

use std::time::Duration;

use connector::ErrorKind;

use crate::call::Repeat;

/// How patient a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Sendings in all, the first included.
    pub attempts: u32,
    /// The pause after the first failure; it doubles with each further one.
    pub first_pause: Duration,
    pub longest_pause: Duration,
    /// Nothing is sent again when the call is older than this.
    pub total: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 5,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(20),
            total: Duration::from_secs(120),
        }
    }
}

/// Why one sending failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No connection was made: certainly not sent.
    NotSent(String),
    /// Sent, and no whole answer came.
    Lost(String),
    /// A 5xx.
    Broken(String),
    /// A refusal that is worth only so many sendings in all.
    Limited { cause: String, attempts: u32 },
    /// A whole answer that cannot be read.
    Unreadable(String),
    /// Refused without effect, for a while.
    Busy { cause: String, wait: Option<Duration> },
    /// Refused without effect by the throttle of the CRM; the pause is kept by our throttle.
    Throttled,
}

impl Fault {
    /// Whether a write in this sending may have been applied.
    pub fn maybe_applied(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Broken(_) | Self::Limited { .. } | Self::Unreadable(_))
    }

    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Throttled => ErrorKind::Quota,
            Self::Unreadable(_) => ErrorKind::Protocol,
            _ => ErrorKind::Transient,
        }
    }

    pub fn cause(&self) -> &str {
        match self {
            Self::NotSent(cause) | Self::Lost(cause) | Self::Broken(cause) | Self::Unreadable(cause) => cause,
            Self::Busy { cause, .. } | Self::Limited { cause, .. } => cause,
            Self::Throttled => "the CRM refused it as one request too many, again and again",
        }
    }
}

/// What to do after a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Again(Duration),
    GiveUp,
}

/// Decides. `attempt` counts sendings so far (from 1); `elapsed` is the call's age; `chance` is in `[0, 1)`.
pub(crate) fn after(
    fault: &Fault,
    repeat: Repeat,
    policy: &RetryPolicy,
    attempt: u32,
    elapsed: Duration,
    chance: f64,
) -> Next {
    let attempts = match fault {
        Fault::Limited { attempts, .. } => policy.attempts.min(*attempts),
        _ => policy.attempts,
    };
    if attempt >= attempts || (fault.maybe_applied() && repeat == Repeat::OnlyIfNotApplied) {
        return Next::GiveUp;
    }
    let doubled = policy.first_pause.saturating_mul(1u32 << (attempt - 1).min(16)).min(policy.longest_pause);
    // Half fixed, half chance: callers that failed together do not come back together.
    let jittered = doubled.mul_f64(0.5 + 0.5 * chance);
    let pause = match fault {
        Fault::Throttled => Duration::ZERO,
        Fault::Busy { wait: Some(wait), .. } => wait.saturating_add(jittered / 4),
        _ => jittered,
    };
    if elapsed.saturating_add(pause) > policy.total { Next::GiveUp } else { Next::Again(pause) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        attempts: 3,
        first_pause: Duration::from_millis(100),
        longest_pause: Duration::from_secs(1),
        total: Duration::from_secs(10),
    };

    #[test]
    fn a_write_is_repeated_only_if_it_had_no_effect() {
        let lost = Fault::Lost("reset".into());
        let refused = Fault::NotSent("refused".into());
        let go = |fault: &Fault, repeat| after(fault, repeat, &POLICY, 1, Duration::ZERO, 0.0);
        assert_eq!(go(&lost, Repeat::OnlyIfNotApplied), Next::GiveUp);
        assert_eq!(go(&Fault::Broken("502".into()), Repeat::OnlyIfNotApplied), Next::GiveUp);
        assert_eq!(go(&refused, Repeat::OnlyIfNotApplied), Next::Again(Duration::from_millis(50)));
        assert_eq!(go(&Fault::Throttled, Repeat::OnlyIfNotApplied), Next::Again(Duration::ZERO));
        assert_eq!(go(&lost, Repeat::Safe), Next::Again(Duration::from_millis(50)));
    }

    #[test]
    fn what_may_never_be_answered_is_asked_few_times() {
        let nobody = Fault::Limited { cause: "420".into(), attempts: 2 };
        let go = |repeat, attempt| after(&nobody, repeat, &POLICY, attempt, Duration::ZERO, 0.0);
        assert_eq!(go(Repeat::Safe, 1), Next::Again(Duration::from_millis(50)));
        assert_eq!(go(Repeat::Safe, 2), Next::GiveUp);
        assert_eq!(go(Repeat::OnlyIfNotApplied, 1), Next::GiveUp);
    }

    #[test]
    fn pauses_double_and_end() {
        let lost = Fault::Lost("reset".into());
        let go = |attempt, elapsed, chance| after(&lost, Repeat::Safe, &POLICY, attempt, elapsed, chance);
        assert_eq!(go(2, Duration::ZERO, 0.0), Next::Again(Duration::from_millis(100)));
        assert_eq!(go(3, Duration::ZERO, 0.0), Next::GiveUp);
        assert_eq!(go(1, Duration::from_secs(10), 0.0), Next::GiveUp);
        let busy = Fault::Busy { cause: "locked".into(), wait: Some(Duration::from_secs(2)) };
        let Next::Again(wait) = after(&busy, Repeat::OnlyIfNotApplied, &POLICY, 1, Duration::ZERO, 0.5) else {
            panic!("a locked record is tried again");
        };
        assert!(wait >= Duration::from_secs(2));
    }
}
