//! Service protection: per user, per web server, over a sliding window of five minutes.

use std::collections::VecDeque;

use super::knobs::Knobs;
use super::refusal::Refusal;
use crate::clock::Millis;
use crate::exchange::Call;

const WINDOW_MS: Millis = 300_000;
/// The cookie that pins a client to one web server.
const COOKIE: &str = "ARRAffinity=";

#[derive(Debug, Default)]
struct Server {
    /// When each request of the window came, and the milliseconds it took.
    taken: VecDeque<(Millis, u64)>,
    work_ms: u64,
    /// Refused in a row: pushing on makes the wait longer.
    refused: u64,
}

impl Server {
    fn forget(&mut self, now: Millis) {
        while let Some((_, ms)) = self.taken.front().copied().filter(|(at, _)| *at <= now - WINDOW_MS) {
            self.taken.pop_front();
            self.work_ms -= ms;
        }
    }

    fn wait(&mut self, now: Millis) -> u64 {
        self.refused += 1;
        let oldest = self.taken.front().map_or(now, |(at, _)| *at);
        let left = (oldest + WINDOW_MS - now).max(1_000);
        u64::try_from(left / 1000).unwrap_or(1) + self.refused - 1
    }
}

#[derive(Debug, Default)]
pub struct Limits {
    servers: Vec<Server>,
    /// Rows the call being answered has read or written.
    pub rows: u64,
}

impl Limits {
    /// Which server a call lands on.
    pub fn server(&self, knobs: &Knobs, call: &Call, seq: u64) -> usize {
        let cookie = call.headers.get("cookie").and_then(|value| value.to_str().ok()).unwrap_or("");
        let pinned = cookie.split(COOKIE).nth(1).and_then(|rest| {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<u64>().ok()
        });
        usize::try_from(pinned.unwrap_or(seq) % knobs.servers.max(1)).unwrap_or(0)
    }

    /// Whether a call may be answered now.
    ///
    /// # Errors
    /// 429 with one of the three codes and a `Retry-After`.
    pub fn admit(&mut self, now: Millis, knobs: &mut Knobs, server: usize, in_flight: usize) -> Result<(), Refusal> {
        if let Some(left) = knobs.concurrent_refusals.checked_sub(1) {
            knobs.concurrent_refusals = left;
            return Err(too_many_at_once(knobs.concurrent_limit));
        }
        if in_flight > knobs.concurrent_limit {
            return Err(too_many_at_once(knobs.concurrent_limit));
        }
        let server = self.at(server);
        server.forget(now);
        // Both look back: the request that overruns is still answered.
        let count = server.taken.len() as u64;
        if count > knobs.request_limit {
            return Err(too_many(knobs.request_limit, server.wait(now)));
        }
        if server.work_ms > knobs.execution_limit_ms {
            return Err(too_long(knobs.execution_limit_ms, server.wait(now)));
        }
        server.refused = 0;
        Ok(())
    }

    /// Notes what an answered call cost.
    pub fn count(&mut self, now: Millis, knobs: &Knobs, server: usize) {
        let rows = std::mem::take(&mut self.rows);
        let server = self.at(server);
        server.forget(now);
        let ms = knobs.request_ms + knobs.row_ms * rows;
        server.taken.push_back((now, ms));
        server.work_ms += ms;
    }

    /// As if so many requests had been made: others share the allowance.
    pub fn set_used(&mut self, now: Millis, knobs: &Knobs, used: u64) {
        let server = self.at(0);
        *server = Server::default();
        for _ in 0..used {
            server.taken.push_back((now, knobs.request_ms));
            server.work_ms += knobs.request_ms;
        }
    }

    /// The headers of a normal answer.
    pub fn headers(&mut self, knobs: &Knobs, server: usize) -> Vec<(&'static str, String)> {
        let at = server;
        let server = self.at(server);
        let requests = knobs.request_limit.saturating_sub(server.taken.len() as u64);
        let left = knobs.execution_limit_ms.saturating_sub(server.work_ms);
        let (seconds, hundredths) = (left / 1000, left % 1000 / 10);
        let seconds =
            if seconds < 1000 { seconds.to_string() } else { format!("{},{:03}", seconds / 1000, seconds % 1000) };
        vec![
            ("x-ms-ratelimit-burst-remaining-xrm-requests", requests.to_string()),
            ("x-ms-ratelimit-time-remaining-xrm-requests", format!("{seconds}.{hundredths:02}")),
            ("x-ms-dop-hint", "4".to_owned()),
            ("set-cookie", format!("{COOKIE}{at};Path=/;HttpOnly;Secure")),
            ("set-cookie", format!("ARRAffinitySameSite={at};Path=/;HttpOnly;SameSite=None;Secure")),
        ]
    }

    fn at(&mut self, server: usize) -> &mut Server {
        if self.servers.len() <= server {
            self.servers.resize_with(server + 1, Server::default);
        }
        &mut self.servers[server]
    }
}

pub fn too_many(limit: u64, retry_after: u64) -> Refusal {
    let message = format!("Number of requests exceeded the limit of {limit} over time window of 300 seconds.");
    Refusal { retry_after: Some(retry_after), ..Refusal::new(429, "0x80072322", message) }
}

pub fn too_long(limit_ms: u64, retry_after: u64) -> Refusal {
    let grouped = format!("{},{:03},{:03}", limit_ms / 1_000_000, limit_ms / 1_000 % 1_000, limit_ms % 1_000);
    let message = format!(
        "Combined execution time of incoming requests exceeded limit of {grouped} milliseconds over time window of 300 \
         seconds. Decrease number of concurrent requests or reduce the duration of requests and try again later."
    );
    Refusal { retry_after: Some(retry_after), ..Refusal::new(429, "0x80072321", message) }
}

pub fn too_many_at_once(limit: usize) -> Refusal {
    let message = format!("Number of concurrent requests exceeded the limit of {limit}.");
    Refusal { retry_after: Some(1), ..Refusal::new(429, "0x80072326", message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_refused_after_the_limit_and_longer_when_pushed() {
        let (mut limits, mut knobs) = (Limits::default(), Knobs { request_limit: 3, ..Knobs::default() });
        for _ in 0..4 {
            assert_eq!(limits.admit(0, &mut knobs, 0, 1), Ok(()));
            limits.count(0, &knobs, 0);
        }
        let first = limits.admit(1_000, &mut knobs, 0, 1).unwrap_err();
        assert_eq!((first.status, first.code.as_str(), first.retry_after), (429, "0x80072322", Some(299)));
        assert_eq!(limits.admit(1_000, &mut knobs, 0, 1).unwrap_err().retry_after, Some(300));
        assert_eq!(limits.admit(1_000, &mut knobs, 1, 1), Ok(()), "another server counts for itself");
        assert_eq!(limits.admit(300_000, &mut knobs, 0, 1), Ok(()));
    }

    #[test]
    fn work_and_concurrency_have_codes_of_their_own() {
        let mut limits = Limits::default();
        let mut knobs = Knobs { execution_limit_ms: 1_200_000, row_ms: 1_000, concurrent_limit: 2, ..Knobs::default() };
        limits.rows = 1_300;
        limits.count(0, &knobs, 0);
        let refusal = limits.admit(0, &mut knobs, 0, 1).unwrap_err();
        assert_eq!(refusal.code, "0x80072321");
        assert!(refusal.message.contains("1,200,000 milliseconds"));
        assert_eq!(limits.admit(0, &mut knobs, 1, 3).unwrap_err().code, "0x80072326");
    }
}
