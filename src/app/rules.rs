//! Which rules of identity are in force: those that the log of the store was begun or continued with, not what a file says
//! meanwhile. New rules hold from the moment somebody has agreed to them; the log tells from where on.

use std::sync::Arc;

use connector::Timestamp;

use super::App;
use crate::config::Settings;
use crate::model::IdentityRules;
use crate::store::{IDENTITY_RULES, Result, Store};

/// The note of the rules that somebody has agreed to and that wait for the daemon.
const AGREED: &str = "identity_rules_agreed";

/// What the store says of rules that a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RulesState {
    /// They decide.
    InForce,
    /// The store has none yet: the first writing command puts them in force.
    First,
    /// Others decide.
    Differ,
}

impl RulesState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InForce => "in_force",
            Self::First => "first",
            Self::Differ => "differ",
        }
    }
}

/// What holds where a file says something else, for whoever reads a log or a screen.
pub const DIFFER: &str =
    "[identity] is not what decides here: who is who goes on by the rules that this store has had so far";
/// What to do about it.
pub const DIFFER_FIX: &str = "`ferry identity preview --config FILE` shows what the new rules would change; `ferry identity adopt` puts them in force from then on";

impl App {
    /// Works by the rules in force from now on; where the store has none, or somebody has agreed to them, these are the file's.
    /// Nothing else may be writing.
    pub async fn under_rules_in_force(mut self) -> Result<(Self, RulesState)> {
        let configured = self.settings.identity.to_text();
        let now = self.world.clock.now();
        let mut state = state(&*self.store, &self.settings.identity).await?;
        let agreed = state == RulesState::Differ && self.store.note(AGREED).await?.as_deref() == Some(&*configured);
        if agreed || state == RulesState::First {
            self.store.adopt_identity(configured.into(), now).await?;
            state = RulesState::InForce;
        }
        if state == RulesState::Differ {
            let rules = in_force(&*self.store, &self.settings.identity).await?;
            let settings = Settings { identity: rules, ..(*self.settings).clone() };
            self.live_sources = Self::live_sources(&settings);
            self.settings = Arc::new(settings);
        }
        Ok((self, state))
    }
}

/// The rules that decide, with what only concerns people's eyes as configured.
pub async fn in_force(store: &dyn Store, configured: &Arc<IdentityRules>) -> Result<Arc<IdentityRules>> {
    let text = store.note(IDENTITY_RULES).await?;
    // A text of a newer version that cannot be read: the file's are the best there is.
    let known = text.and_then(|text| IdentityRules::from_text(&text));
    Ok(match known {
        Some(rules) if rules.to_text() == configured.to_text() => configured.clone(),
        Some(rules) => Arc::new(IdentityRules { review_threshold: configured.review_threshold, ..rules }),
        None => configured.clone(),
    })
}

/// Whether these are the rules that decide.
pub async fn state(store: &dyn Store, configured: &IdentityRules) -> Result<RulesState> {
    let text = store.note(IDENTITY_RULES).await?;
    Ok(match text.and_then(|text| IdentityRules::from_text(&text)) {
        None => RulesState::First,
        Some(rules) if rules.to_text() == configured.to_text() => RulesState::InForce,
        Some(_) => RulesState::Differ,
    })
}

/// Somebody agrees to these rules: they are in force when the daemon next reads its configuration.
pub async fn agree(store: &dyn Store, configured: &IdentityRules) -> Result<()> {
    store.set_note(AGREED, &configured.to_text()).await
}

/// Puts rules in force. Nobody else may be working by others.
pub async fn adopt(store: &dyn Store, configured: &IdentityRules, now: Timestamp) -> Result<()> {
    store.adopt_identity(configured.to_text().into(), now).await
}
