//! The rules that identity is resolved by: `[identity]` with its defaults (`cdp-semantics` §2.2, §2.4).

use std::collections::BTreeMap;
use std::sync::Arc;

use regex::RegexSet;

use crate::model::normal::Region;
use crate::model::{Family, Identifier, IdentifierKind, LOYALTY_ID, Survivorship};

/// How identifiers are ranked, limited, refused and joined. Immutable; share it.
#[derive(Clone, Debug)]
pub struct IdentityRules {
    /// Every family once, strongest first.
    pub priority: Vec<Family>,
    /// Identifiers of one kind that a profile may hold; for [`Family::Crm`] per connection and object.
    pub limits: BTreeMap<Family, u32>,
    /// Named ids, `loyalty_id` among them.
    pub custom: BTreeMap<Arc<str>, CustomRule>,
    pub on_conflict: OnConflict,
    /// Whether an anonymous id may join two known profiles.
    pub bridge: Bridge,
    /// For phone numbers without a country code, before the person's own country.
    pub default_region: Option<Region>,
    /// Beside the shipped list: of any kind, and of addresses.
    pub blocked: Blocked,
    /// Which value of a declared trait survives.
    pub survivorship: Survivorship,
    /// A pair of records that may be one person is shown to a reviewer from this probability on.
    pub review_threshold: f64,
}

/// A named id.
#[derive(Clone, Debug)]
pub struct CustomRule {
    pub limit: u32,
    /// What a value must look like to be one.
    pub pattern: Option<regex::Regex>,
}

/// What becomes of a shared identifier that would join two people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    /// It is taken from its holder and belongs to nobody from then on: a shared device.
    Detach,
    /// It stays with its first holder.
    Keep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bridge {
    /// While the limits hold.
    WithinLimits,
    /// Never between two known profiles.
    Strict,
}

/// Patterns of values that identify nobody. Linear in the length of the value.
#[derive(Clone, Debug)]
pub struct Blocked {
    pub any: RegexSet,
    pub email: RegexSet,
}

/// Most profiles ever merged into one, and most identifiers of one: beyond that nothing joins it.
pub const MOST_MERGES: u32 = 100;
pub const MOST_IDENTIFIERS: u32 = 1_000;
/// Addresses on one device within 24 hours that make it a kiosk.
pub const KIOSK_EMAILS: usize = 3;
/// User ids on one value within 24 hours that make it nobody's.
pub const QUARANTINE_USERS: usize = 20;

impl Default for IdentityRules {
    fn default() -> Self {
        use Family as F;
        let limit = |family, most| (family, most);
        Self {
            priority: vec![F::UserId, F::Crm, F::Email, F::EmailSha256, F::Custom, F::Phone, F::Device, F::AnonymousId],
            limits: BTreeMap::from([
                limit(F::UserId, 1),
                limit(F::Crm, 1),
                limit(F::Email, 5),
                limit(F::EmailSha256, 5),
                limit(F::Phone, 5),
                limit(F::Device, 20),
                limit(F::AnonymousId, 100),
            ]),
            custom: BTreeMap::from([(LOYALTY_ID.into(), CustomRule { limit: 1, pattern: None })]),
            on_conflict: OnConflict::Detach,
            bridge: Bridge::WithinLimits,
            default_region: None,
            blocked: Blocked { any: RegexSet::empty(), email: RegexSet::empty() },
            survivorship: Survivorship::default(),
            review_threshold: 0.90,
        }
    }
}

impl IdentityRules {
    /// Smaller is stronger.
    pub fn rank(&self, kind: &IdentifierKind) -> usize {
        self.priority.iter().position(|family| *family == kind.family()).unwrap_or(self.priority.len())
    }

    pub fn limit(&self, kind: &IdentifierKind) -> u32 {
        match kind {
            IdentifierKind::Custom(name) => self.custom.get(name).map_or(1, |rule| rule.limit),
            kind => self.limits.get(&kind.family()).copied().unwrap_or(u32::MAX),
        }
    }

    /// Whether the rules let this value identify anybody.
    pub fn admits(&self, identifier: &Identifier) -> bool {
        let value = &*identifier.value;
        if !self.blocked.any.is_empty() && self.blocked.any.is_match(value) {
            return false;
        }
        match &identifier.kind {
            IdentifierKind::Email => self.blocked.email.is_empty() || !self.blocked.email.is_match(value),
            IdentifierKind::Custom(name) => match self.custom.get(name) {
                Some(rule) => rule.pattern.as_ref().is_none_or(|pattern| pattern.is_match(value)),
                None => false,
            },
            _ => true,
        }
    }

    /// Whether it may join two known profiles. An address that many read names a profile and joins none.
    pub fn joins(&self, identifier: &Identifier) -> bool {
        match identifier.kind.family() {
            Family::UserId | Family::Crm | Family::Custom => true,
            Family::Email | Family::EmailSha256 => !identifier.is_role_address(),
            Family::Phone | Family::Device => false,
            Family::AnonymousId => self.bridge == Bridge::WithinLimits,
        }
    }

    /// Strongest first, each once, without what the rules refuse.
    pub fn ordered(&self, identifiers: &[Identifier]) -> Vec<Identifier> {
        let mut found: Vec<Identifier> = identifiers.iter().filter(|id| self.admits(id)).cloned().collect();
        found.sort_by(|a, b| self.rank(&a.kind).cmp(&self.rank(&b.kind)).then_with(|| a.cmp(b)));
        found.dedup();
        found
    }
}
