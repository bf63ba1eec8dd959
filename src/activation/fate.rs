//! What becomes of a message after a sending, and of the receiver's standing. Pure.

use std::sync::Arc;
use std::time::Duration;

use connector::Timestamp;
use connector_webhook::Answer;

use crate::model::{DeadLetter, DeadLetterCode, DeadLetterId, Subject};
use crate::store::{MessageFate, ReceiverHealth, WebhookMessage};

/// After the first failure of a message.
const FIRST: Duration = Duration::from_secs(5);
/// However often it has failed, and however long a receiver asks.
const LONGEST: Duration = Duration::from_secs(3_600);
/// Failures in a row after which nothing is sent for a while.
const OPENS_AFTER: u32 = 5;
/// How long at first, and at most.
const CLOSED_FIRST: Duration = Duration::from_secs(30);
const CLOSED_LONGEST: Duration = Duration::from_secs(900);

/// How long a message is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    pub give_up_after: Duration,
}

/// A message's fate and the receiver's standing after it.
#[derive(Clone, Debug)]
pub struct Settled {
    pub fate: MessageFate,
    pub health: ReceiverHealth,
}

/// Decides. `health` is the receiver's before this answer; `chance` is in `[0, 1)`.
pub fn settled(
    webhook: &Arc<str>,
    message: &WebhookMessage,
    answer: &Answer,
    before: &ReceiverHealth,
    patience: Patience,
    now: Timestamp,
    chance: f64,
) -> Settled {
    let mut health = ReceiverHealth {
        last_result: Some(answer.told().into()),
        last_at: Some(now),
        failures: before.failures.saturating_add(1),
        closed_until: before.closed_until,
    };
    let letter = |code, cause: String, fix: &str| {
        MessageFate::Dead(Box::new(DeadLetter {
            id: DeadLetterId(0),
            at: now,
            code,
            subject: Subject::webhook(webhook, message.uid),
            cause: cause.into(),
            fix: fix.into(),
            raw: None,
            count: 1,
        }))
    };
    let told = answer.told();
    let (fate, closed) = match answer {
        Answer::Taken { .. } => {
            (health.failures, health.closed_until) = (0, None);
            return Settled { fate: MessageFate::Delivered, health };
        }
        Answer::Refused { status, gone } => {
            let fix = match status {
                410 => "the receiver wants nothing any more: take the webhook out of sync.toml, or correct its url",
                300..=399 => "put the address that it redirects to into `url`; then `ferry failures retry`",
                401 | 403 => {
                    "the receiver does not accept the signature: give both sides one secret; then `ferry failures retry`"
                }
                404 => "nobody listens at this path: correct `url`; then `ferry failures retry`",
                _ => "the receiver's log says why it refused; then `ferry failures retry`, or drop it",
            };
            let cause = format!("the receiver of webhook \"{webhook}\" {told}");
            (letter(DeadLetterCode::WebhookRefused, cause, fix), gone.then_some(CLOSED_LONGEST))
        }
        Answer::Later { wait, .. } => {
            let wait = wait.map(|wait| wait.min(LONGEST));
            if now.since(message.first_sent_at) >= patience.give_up_after {
                let hours = patience.give_up_after.as_secs() / 3_600;
                let cause = format!("the receiver of webhook \"{webhook}\" took nothing for {hours} h: {told}");
                let fix = "see that the receiver runs and can be reached; then `ferry failures retry`";
                (letter(DeadLetterCode::WebhookUnreachable, cause, fix), wait)
            } else {
                let pause = pause(FIRST, LONGEST, message.attempts, chance);
                let not_before = now.saturating_add(wait.map_or(pause, |wait| wait.max(pause)));
                (MessageFate::Again { not_before }, wait)
            }
        }
    };
    let open = health.failures.checked_sub(OPENS_AFTER).map(|n| pause(CLOSED_FIRST, CLOSED_LONGEST, n, chance));
    // A receiver that says when to come back is left alone until then.
    let closed = closed.into_iter().chain(open).max().map(|pause| now.saturating_add(pause));
    health.closed_until = closed.max(before.closed_until.filter(|until| *until > now));
    Settled { fate, health }
}

/// Doubled with every failure before, half of it by chance, so that those that failed together do not come back together.
pub(super) fn pause(first: Duration, longest: Duration, failures: u32, chance: f64) -> Duration {
    let whole = first.saturating_mul(1 << failures.min(16)).min(longest);
    whole.mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use uuid::Uuid;

    use super::*;
    use crate::model::{Crossing, Profile, ProfileId, ProfileUid, TransitionKind};
    use crate::store::{MessageCause, MessageId};

    const PATIENCE: Patience = Patience { give_up_after: Duration::from_secs(86_400) };

    fn message(attempts: u32) -> WebhookMessage {
        WebhookMessage {
            id: MessageId(1),
            uid: Uuid::from_u128(9),
            cause: MessageCause::Crossed,
            kind: TransitionKind::Segment,
            name: "customers".into(),
            direction: Crossing::In,
            at: at(0),
            score: None,
            grade: None,
            reasons: None,
            inside: true,
            profile: Profile {
                id: ProfileId(1),
                uid: ProfileUid(Uuid::nil()),
                first_seen: Timestamp::EPOCH,
                known: true,
                attributes: BTreeMap::new(),
                computed: Default::default(),
                computed_at: None,
            },
            formerly: Vec::new(),
            identifiers: Vec::new(),
            may_tell: true,
            attempts,
            first_sent_at: at(0),
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_secs(second)
    }

    fn later(wait: Option<u64>) -> Answer {
        Answer::Later { cause: "the receiver answered 503".into(), wait: wait.map(Duration::from_secs) }
    }

    fn decide(answer: &Answer, attempts: u32, failures: u32, now: i64) -> (MessageFate, Option<i64>, u32) {
        let before = ReceiverHealth { failures, ..ReceiverHealth::default() };
        let Settled { fate, health } =
            settled(&"mailer".into(), &message(attempts), answer, &before, PATIENCE, at(now), 1.0);
        (fate, health.closed_until.map(|until| until.micros() / 1_000_000), health.failures)
    }

    fn again(fate: &MessageFate) -> i64 {
        match fate {
            MessageFate::Again { not_before } => not_before.micros() / 1_000_000,
            other => panic!("{other:?}"),
        }
    }

    fn dead(fate: &MessageFate) -> DeadLetterCode {
        match fate {
            MessageFate::Dead(letter) => letter.code,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_may_pass_is_tried_again_later_and_later() {
        let (fate, closed, failures) = decide(&later(None), 0, 0, 100);
        assert_eq!((again(&fate), closed, failures), (105, None, 1));
        assert_eq!(again(&decide(&later(None), 3, 0, 100).0), 140);
        assert_eq!(again(&decide(&later(None), 30, 0, 100).0), 3_700);
    }

    #[test]
    fn a_receiver_that_says_when_is_left_alone_until_then() {
        let (fate, closed, _) = decide(&later(Some(60)), 0, 0, 100);
        assert_eq!((again(&fate), closed), (160, Some(160)));
        assert_eq!(decide(&later(Some(1_000_000)), 0, 0, 0).1, Some(3_600), "and no longer than an hour");
    }

    #[test]
    fn what_nobody_takes_for_a_day_is_for_a_person() {
        assert_eq!(again(&decide(&later(None), 20, 9, 86_399).0), 86_399 + 3_600);
        assert_eq!(dead(&decide(&later(None), 20, 9, 86_400).0), DeadLetterCode::WebhookUnreachable);
    }

    #[test]
    fn refusals_and_failures_in_a_row_stop_the_rest() {
        let refused = Answer::Refused { status: 400, gone: false };
        let (fate, closed, failures) = decide(&refused, 0, 0, 100);
        assert_eq!((dead(&fate), closed, failures), (DeadLetterCode::WebhookRefused, None, 1));
        assert_eq!(decide(&refused, 0, 4, 100).1, Some(130));
        assert_eq!(decide(&refused, 0, 6, 100).1, Some(220));
        assert_eq!(decide(&refused, 0, 60, 100).1, Some(1_000), "fifteen minutes at most");
        assert_eq!(decide(&Answer::Refused { status: 410, gone: true }, 0, 0, 100).1, Some(1_000));
        let (fate, closed, failures) = decide(&Answer::Taken { status: 204 }, 0, 60, 100);
        assert!(matches!(fate, MessageFate::Delivered));
        assert_eq!((closed, failures), (None, 0));
    }
}
