//! What conditions on a person see: what is computed, their company, what is declared, consents.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono_tz::Tz;
use connector::{Timestamp, Value};
use rust_decimal::Decimal;

use crate::enrich::person::Person;
use crate::expr::{Input, Val};
use crate::model::{Consents, Place, Purpose, Score, TraitValues};

/// The name that says whether anybody knows who the person is.
pub const KNOWN: &str = "known";

/// How many deals there are in each state.
pub const DEAL_COUNTS: [&str; 3] = ["deals.open", "deals.won", "deals.lost"];

/// The names of one person, as far as they are computed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values<'a> {
    pub person: &'a Person<'a>,
    pub computed: &'a TraitValues,
    /// Asked for as `score_NAME`, unrounded; none where they are not there yet.
    pub scores: &'a [Score],
    /// By full name; none are asked for by scores.
    pub bands: &'a BTreeMap<Arc<str>, Place>,
    pub zone: Tz,
}

impl Input for Values<'_> {
    fn value<'s>(&'s self, name: &str) -> Val<'s> {
        // Thresholds compare what is not rounded (`cdp-semantics` §4.2); the trait of that name is for people.
        let score = name.strip_prefix("score_").and_then(|name| self.scores.iter().find(|score| &*score.name == name));
        if let Some(exact) = score.and_then(|score| Decimal::from_f64_retain(score.value)) {
            return Val::Dec(exact);
        }
        if let Some(value) = self.computed.get(name).or_else(|| lasting(self.person, name)) {
            return Val::from(value);
        }
        if name == KNOWN {
            return Val::Bool(self.person.known);
        }
        if let Some(band) = name.strip_prefix("bands.") {
            let is_it = |full: &str| full.rsplit('.').next() == Some(band);
            return Val::Bool(self.bands.iter().any(|(full, place)| place.inside && is_it(full)));
        }
        if let Some(status) = name.strip_prefix("deals.") {
            let of = self.person.deals.iter().filter(|deal| deal.facts.status.as_str() == status);
            return Val::Int(i64::try_from(of.count()).unwrap_or(i64::MAX));
        }
        match name.strip_prefix("consent.").and_then(|purpose| purpose.parse().ok()) {
            Some(purpose) => Val::text(consent(self.person.consents, purpose)),
            None => Val::Null,
        }
    }

    fn as_of(&self) -> Timestamp {
        self.person.as_of
    }
}

/// What is known of a person and does not change with time: their company's traits, and the declared ones.
pub(super) fn lasting<'p>(person: &'p Person<'_>, name: &str) -> Option<&'p Value> {
    let declared = || person.declared.get(name).map(|attribute| &attribute.value);
    person.company.get(name).or_else(declared)
}

/// `granted`, `denied`, or `pending`: asked for and not confirmed. What counts where nothing was said is the default.
fn consent(consents: &Consents, purpose: Purpose) -> &'static str {
    match (consents.allows(purpose), consents.shown(purpose)) {
        (true, _) => "granted",
        (false, "pending") => "pending",
        (false, _) => "denied",
    }
}
