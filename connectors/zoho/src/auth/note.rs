//! What is kept of the sign-in across restarts: the access token, until when it is good, where it is good, and when tokens
//! were asked for lately. The notebook lies in the store's file, which nobody but its owner may read (mode 0600, as its
//! side files); no error and no log ever shows the note.

use std::time::Duration;

use connector::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Where it is kept.
pub(super) const NOTE: &str = "access-token";

/// Zoho gives ten tokens in this time, and then none until it is over.
const WINDOW: Duration = Duration::from_secs(600);
/// Askings in a window; the last of Zoho's ten is left for a person.
const MOST: usize = 9;

/// The state of the sign-in.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Signed {
    /// Which refresh token it came from: another one in the configuration ends its use.
    pub from: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_domain: Option<String>,
    /// When tokens were asked for in the last window.
    #[serde(default)]
    asked: Vec<Timestamp>,
    /// Zoho has had enough until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_until: Option<Timestamp>,
}

/// Names a token without telling it.
pub(super) fn fingerprint(token: &SecretString) -> String {
    let digest = Sha256::digest(token.expose_secret().as_bytes());
    hex::encode(digest.get(..16).unwrap_or_default())
}

impl Signed {
    pub fn nothing(from: String) -> Self {
        Self { from, token: None, expires_at: None, api_domain: None, asked: Vec::new(), blocked_until: None }
    }

    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub fn text(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }

    pub fn token(&self) -> Option<(SecretString, Timestamp)> {
        Some((SecretString::from(self.token.clone()?), self.expires_at?))
    }

    /// Whether the token can be used: in its time, and not the one that was refused.
    pub fn is_good(&self, now: Timestamp, refused: Option<&str>) -> bool {
        let Some((token, expires_at)) = self.token() else { return false };
        let fresh = now.saturating_add(Duration::from_secs(60)) < expires_at;
        fresh && refused.is_none_or(|refused| fingerprint(&token) != refused)
    }

    /// When the next token may be asked for, if not now.
    pub fn must_wait_until(&self, now: Timestamp) -> Option<Timestamp> {
        if let Some(until) = self.blocked_until.filter(|until| *until > now) {
            return Some(until);
        }
        let recent: Vec<Timestamp> = self.asked.iter().copied().filter(|at| at.saturating_add(WINDOW) > now).collect();
        let over = recent.len().checked_sub(MOST)?;
        recent.get(over).map(|oldest| oldest.saturating_add(WINDOW))
    }

    pub fn count(&mut self, now: Timestamp) {
        self.asked.retain(|at| at.saturating_add(WINDOW) > now);
        self.asked.push(now);
    }

    pub fn renew(&mut self, token: SecretString, expires_at: Timestamp, api_domain: Option<String>) {
        self.token = Some(token.expose_secret().to_owned());
        self.expires_at = Some(expires_at);
        self.api_domain = api_domain;
        self.blocked_until = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(token: &str) -> Signed {
        let mut signed = Signed::nothing("from".into());
        signed.renew(SecretString::from(token), Timestamp::from_secs(5_000), None);
        signed
    }

    #[test]
    fn a_token_is_good_in_its_time_until_it_is_refused() {
        let signed = signed("t");
        let name = fingerprint(&SecretString::from("t"));
        assert!(signed.is_good(Timestamp::from_secs(4_000), None));
        assert!(!signed.is_good(Timestamp::from_secs(4_950), None));
        assert!(!signed.is_good(Timestamp::from_secs(4_000), Some(&name)));
        assert!(signed.is_good(Timestamp::from_secs(4_000), Some("another")));
        assert!(!Signed::nothing("from".into()).is_good(Timestamp::EPOCH, None));
    }

    #[test]
    fn nine_askings_in_ten_minutes_are_enough() {
        let mut signed = signed("t");
        for second in 0..9 {
            let now = Timestamp::from_secs(1_000 + second * 10);
            assert_eq!(signed.must_wait_until(now), None, "{second}");
            signed.count(now);
        }
        assert_eq!(signed.must_wait_until(Timestamp::from_secs(1_090)), Some(Timestamp::from_secs(1_600)));
        assert_eq!(signed.must_wait_until(Timestamp::from_secs(1_600)), None);
        signed.blocked_until = Some(Timestamp::from_secs(2_000));
        assert_eq!(signed.must_wait_until(Timestamp::from_secs(1_999)), Some(Timestamp::from_secs(2_000)));
        assert_eq!(signed.must_wait_until(Timestamp::from_secs(2_000)), None);
    }

    #[test]
    fn a_note_reads_as_it_was_written() {
        let mut signed = signed("t");
        signed.count(Timestamp::from_secs(7));
        let again = Signed::read(&signed.text().unwrap()).unwrap();
        assert_eq!(again.text(), signed.text());
        assert!(Signed::read("{").is_none());
    }
}
