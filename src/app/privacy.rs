//! Privacy as the store has to know it: the defaults of consent, and the key of the suppression list.

use connector::ErrorKind;

use super::World;
use crate::config::PrivacySettings;
use crate::model::{Privacy, SuppressionKey};

/// Reads the key, where one is configured. Without it nobody could be recognised as suppressed, so nothing may start.
pub(super) fn privacy(settings: &PrivacySettings, world: &World) -> connector::Result<Privacy> {
    let key = match &settings.suppression_key {
        Some(secret) => Some(world.environment.read(secret).map_err(|why| {
            let cause = format!("{} ({})", why.message, why.code);
            connector::Error::new(ErrorKind::Config, "read [privacy] suppression_key", cause).with_fix(why.help)
        })?),
        None => None,
    };
    Ok(Privacy { defaults: settings.consent.defaults, key: key.as_ref().map(SuppressionKey::from) })
}
