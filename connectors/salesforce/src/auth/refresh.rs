//! The refresh-token grant. Apps may rotate the token: then the old one is dead once the new one was made, so the new one
//! is kept before anything is done with it.

use connector::{Error, Secret};
use connector_http::{Answer, read_secret};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::{ATTEMPTED, Grant};

/// A token Salesforce gave in place of the configured one.
pub(super) struct Kept {
    /// Which configured token it came from: a new one in the configuration ends its use.
    pub from: String,
    pub token: SecretString,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept")
    }
}

/// Names a token without telling it.
pub(super) fn fingerprint(token: &SecretString) -> String {
    let digest = Sha256::digest(token.expose_secret().as_bytes());
    hex::encode(digest.get(..16).unwrap_or_default())
}

impl Grant {
    pub(super) async fn refresh(
        &self,
        client_id: &str,
        client_secret: Option<&Secret>,
        refresh_token: &Secret,
    ) -> Result<Answer, Error> {
        let configured = read_secret(&*self.environment, refresh_token)?;
        let from = fingerprint(&configured);
        let current = self.kept(&from).await?.unwrap_or(configured);
        let secret = client_secret.map(|secret| read_secret(&*self.environment, secret)).transpose()?;
        let mut form =
            vec![("grant_type", "refresh_token"), ("client_id", client_id), ("refresh_token", current.expose_secret())];
        form.extend(secret.as_ref().map(|secret| ("client_secret", secret.expose_secret())));
        let answer = self.endpoint.ask(ATTEMPTED, &form).await?;
        if let Ok(granted) = super::granted(&answer)
            && let Some(new) = granted.refresh_token.filter(|new| new.expose_secret() != current.expose_secret())
        {
            self.keep(Kept { from, token: new }).await?;
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_names_a_token_and_tells_nothing() {
        let one = fingerprint(&SecretString::from("canary-token"));
        assert_eq!(one, fingerprint(&SecretString::from("canary-token")));
        assert_ne!(one, fingerprint(&SecretString::from("canary-tokem")));
        assert_eq!(one.len(), 32);
        let kept = Kept { from: one, token: SecretString::from("canary-token") };
        assert!(!format!("{kept:?}").contains("canary"));
    }
}
