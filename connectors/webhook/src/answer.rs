//! What an answer means. Pure.

use std::time::Duration;

use connector::Error;
use connector_http::{Head, retry_after};

/// What became of one sending. The texts name statuses and causes, never anything the receiver wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 2xx: the receiver has it.
    Taken { status: u16 },
    /// The receiver will not have it, however often it is sent. `gone`: it wants nothing any more (410).
    Refused { status: u16, gone: bool },
    /// Not now, or nobody knows: to be sent again, not before `wait` where the receiver said so.
    Later { cause: String, wait: Option<Duration> },
}

impl Answer {
    pub(crate) fn of(answered: Result<Head, Error>) -> Self {
        let head = match answered {
            Ok(head) => head,
            Err(error) => return Self::Later { cause: error.cause, wait: None },
        };
        let status = head.status.as_u16();
        match status {
            200..300 => Self::Taken { status },
            // Too slow, too early, too many; and whatever is the server's own trouble.
            408 | 425 | 429 | 500.. => {
                Self::Later { cause: format!("the receiver answered {status}"), wait: retry_after(&head.headers) }
            }
            _ => Self::Refused { status, gone: status == 410 },
        }
    }

    /// One line for people.
    pub fn told(&self) -> String {
        match self {
            Self::Taken { status } => format!("taken ({status})"),
            Self::Refused { status, .. } if (300..400).contains(status) => {
                format!("answered {status}: redirects are not followed")
            }
            Self::Refused { status, .. } => format!("refused ({status})"),
            Self::Later { cause, .. } => cause.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use connector::ErrorKind;
    use http::{HeaderMap, StatusCode};

    use super::*;

    #[test]
    fn the_status_says_whether_it_is_worth_sending_again() {
        let of = |status: u16| {
            let status = StatusCode::from_u16(status).unwrap();
            Answer::of(Ok(Head { status, headers: HeaderMap::new() }))
        };
        for status in [200, 201, 202, 204] {
            assert_eq!(of(status), Answer::Taken { status });
        }
        for status in [301, 307, 400, 401, 403, 404, 405, 413, 422] {
            assert_eq!(of(status), Answer::Refused { status, gone: false });
        }
        assert_eq!(of(410), Answer::Refused { status: 410, gone: true });
        for status in [408, 425, 429, 500, 502, 503, 504] {
            let cause = format!("the receiver answered {status}");
            assert_eq!(of(status), Answer::Later { cause, wait: None });
        }
    }

    #[test]
    fn a_receiver_says_when_to_come_back() {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::RETRY_AFTER, "17".parse().unwrap());
        let answer = Answer::of(Ok(Head { status: StatusCode::SERVICE_UNAVAILABLE, headers }));
        let Answer::Later { wait, .. } = answer else { panic!("{answer:?}") };
        assert_eq!(wait, Some(Duration::from_secs(17)));
        let lost = Answer::of(Err(Error::new(ErrorKind::Transient, "deliver", "no answer came in time")));
        assert_eq!(lost.told(), "no answer came in time");
    }
}
