//! Writes that go out one by one, each in a call of its own: rare ones, or those of which a CRM takes no more.

use connector::{Error, ErrorKind, Outcome, Reason, Rejection, Write};

use crate::redact;

/// The outcomes so far, in the order of the writes. Once a write could not be sent, the rest is not sent either.
#[derive(Debug, Default)]
pub struct OneByOne {
    outcomes: Vec<Outcome>,
    stopped: Option<Error>,
}

impl OneByOne {
    /// Whether the next one is to be sent; if not, it is put off like the one that stopped it.
    pub fn goes_on(&mut self) -> bool {
        match &self.stopped {
            Some(error) => {
                self.outcomes.push(Outcome::Deferred(error.clone()));
                false
            }
            None => true,
        }
    }

    /// What became of one. A call that the credential may not make is that write's refusal, and nobody else's affair.
    pub fn add(&mut self, told: Result<Outcome, Error>) {
        let outcome = match told {
            Ok(outcome) => outcome,
            Err(error) if error.maybe_applied => Outcome::Ambiguous(error),
            Err(error) if error.kind == ErrorKind::Forbidden => Outcome::Rejected(Rejection {
                reason: Reason::Forbidden,
                code: "FORBIDDEN".into(),
                message: redact::message(&error.cause).into(),
                fields: Vec::new(),
            }),
            Err(error) => {
                self.stopped = Some(error.clone());
                Outcome::Deferred(error)
            }
        };
        self.outcomes.push(outcome);
    }

    /// One outcome for each of `writes`.
    ///
    /// # Errors
    /// Where nothing at all was sent.
    pub fn finish(self, writes: &[Write]) -> Result<Vec<Outcome>, Error> {
        let nothing_sent = self.outcomes.iter().all(|outcome| matches!(outcome, Outcome::Deferred(_)));
        match self.stopped {
            Some(error) if nothing_sent && self.outcomes.len() == writes.len() => Err(error),
            _ => Ok(self.outcomes),
        }
    }
}

#[cfg(test)]
mod tests {
    use connector::{Entropy, Fields, Hints, Object, Operation, SeededEntropy, Timestamp};

    use super::*;

    fn writes(count: u64) -> Vec<Write> {
        (0..count)
            .map(|n| Write {
                key: SeededEntropy::new(n).uuid(Timestamp::EPOCH),
                object: Object::Contact,
                operation: Operation::Erase { id: n.to_string().as_str().into() },
                fields: Fields::new(),
                hints: Hints::default(),
            })
            .collect()
    }

    fn told(kinds: &[ErrorKind]) -> Result<Vec<Outcome>, Error> {
        let writes = writes(kinds.len() as u64);
        let mut told = OneByOne::default();
        for kind in kinds {
            if told.goes_on() {
                told.add(Err(Error::new(*kind, "erase", "no")));
            }
        }
        told.finish(&writes)
    }

    #[test]
    fn what_may_not_be_done_is_refused_and_an_outage_puts_the_rest_off() {
        let outcomes = told(&[ErrorKind::Forbidden, ErrorKind::Transient, ErrorKind::Forbidden]).unwrap();
        assert!(matches!(&outcomes[0], Outcome::Rejected(why) if why.reason == Reason::Forbidden));
        assert!(matches!(&outcomes[1..], [Outcome::Deferred(_), Outcome::Deferred(_)]), "{outcomes:?}");
        assert_eq!(told(&[ErrorKind::Quota, ErrorKind::Quota]).unwrap_err().kind, ErrorKind::Quota);
        assert_eq!(told(&[]).unwrap(), []);
    }

    #[test]
    fn a_lost_answer_stops_nobody() {
        let mut told = OneByOne::default();
        told.add(Err(Error::new(ErrorKind::Transient, "erase", "gone").maybe_applied()));
        assert!(told.goes_on());
        told.add(Err(Error::new(ErrorKind::Transient, "erase", "gone").maybe_applied()));
        let outcomes = told.finish(&writes(2)).unwrap();
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Ambiguous(_))), "{outcomes:?}");
    }
}
