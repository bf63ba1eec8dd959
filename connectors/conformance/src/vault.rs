//! Secrets by name, as a test's environment holds them.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use connector::{Environment, Secret, SecretError};
use secrecy::SecretString;

/// Secrets by name, which a test may change while a connector runs.
#[derive(Default)]
pub struct Vault(Mutex<Vec<(String, String)>>);

impl Vault {
    pub fn holding(secrets: &[(&str, &str)]) -> Arc<Self> {
        let vault = Arc::new(Self::default());
        for (name, value) in secrets {
            vault.set(name, value);
        }
        vault
    }

    pub fn set(&self, name: &str, value: &str) {
        let mut pairs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pairs.retain(|(have, _)| have != name);
        pairs.push((name.into(), value.into()));
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

impl Environment for Vault {
    fn read(&self, secret: &Secret) -> Result<SecretString, SecretError> {
        let missing = |what: String, help: &str| SecretError { code: "E021", message: what, help: help.into() };
        let Secret::Env(name) = secret else {
            return Err(missing("a vault holds environment variables only".into(), "name one"));
        };
        let pairs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = pairs.iter().find(|(have, _)| have == name);
        let found = found.map(|(_, value)| SecretString::from(value.as_str()));
        found.ok_or_else(|| missing(format!("environment variable {name} is not set"), "export it"))
    }
}
