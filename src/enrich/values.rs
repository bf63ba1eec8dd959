//! What conditions on a person see: what is computed, their company, what is declared, consents.

use std::collections::BTreeMap;

use connector::{Timestamp, Value};

use crate::enrich::person::Person;
use crate::expr::{Input, Val};
use crate::model::{Consents, Purpose, TraitName};

/// The names of one person, as far as they are computed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values<'a> {
    pub person: &'a Person<'a>,
    pub computed: &'a BTreeMap<TraitName, Value>,
}

impl Input for Values<'_> {
    fn value<'s>(&'s self, name: &str) -> Val<'s> {
        if let Some(value) = self.computed.get(name).or_else(|| self.person.company.get(name)) {
            return Val::from(value);
        }
        if let Some(attribute) = self.person.declared.get(name) {
            return Val::from(&attribute.value);
        }
        if name == "known" {
            return Val::Bool(self.person.known);
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

/// `granted`, `denied`, or `pending`: asked for and not confirmed. What counts where nothing was said is the default.
fn consent(consents: &Consents, purpose: Purpose) -> &'static str {
    match (consents.allows(purpose), consents.shown(purpose)) {
        (true, _) => "granted",
        (false, "pending") => "pending",
        (false, _) => "denied",
    }
}
