//! The refresh-token grant. Apps may rotate the token: then the old one is dead once the new one was made, so the new one
//! is kept before anything is done with it.

use connector::{Error, ErrorKind, Secret};
use connector_http::{Answer, read_secret};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{ATTEMPTED, Grant};

/// Where the token is kept.
const NOTE: &str = "refresh-token";

/// A token Salesforce gave in place of the configured one.
#[derive(Deserialize, Serialize)]
struct Kept {
    /// Which configured token it came from: a new one in the configuration ends its use.
    from: String,
    token: String,
}

/// Names a token without telling it.
fn fingerprint(token: &SecretString) -> String {
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
            self.keep(Kept { from, token: new.expose_secret().to_owned() }).await?;
        }
        Ok(answer)
    }

    /// The token that took the place of the configured one, whose fingerprint is `from`.
    async fn kept(&self, from: &str) -> Result<Option<SecretString>, Error> {
        let notes = self.notebook.notes().await?;
        let note = notes.into_iter().find(|note| note.key == NOTE);
        let kept = note.and_then(|note| serde_json::from_str::<Kept>(&note.text).ok());
        Ok(kept.filter(|kept| kept.from == from).map(|kept| SecretString::from(kept.token)))
    }

    async fn keep(&self, kept: Kept) -> Result<(), Error> {
        let text = serde_json::to_string(&kept)
            .map_err(|_| Error::new(ErrorKind::Protocol, ATTEMPTED, "the new refresh token cannot be written down"))?;
        self.notebook.keep(NOTE, &text).await
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
        assert!(!one.contains("canary"));
    }
}
