//! The traits that can be mapped to a CRM's fields: the closed lists "did you mean" works on.

use connector::Object;

use crate::mapping::{Kind, Source};
use crate::model::Purpose;

/// The trait under which the profile's own id is mapped.
pub const PROFILE_ID: &str = "profile_id";

/// Traits a person or a CRM declares; the reserved traits of the Segment format, in snake case.
const PERSON: &[(&str, Kind)] = &[
    ("age", Kind::Integer),
    ("avatar", Kind::Text),
    ("birthday", Kind::Date),
    ("city", Kind::Text),
    ("country", Kind::Text),
    ("created_at", Kind::Instant),
    ("description", Kind::Text),
    ("email", Kind::Text),
    ("first_name", Kind::Text),
    ("gender", Kind::Text),
    ("language", Kind::Text),
    ("last_name", Kind::Text),
    ("name", Kind::Text),
    ("phone", Kind::Text),
    ("postal_code", Kind::Text),
    ("state", Kind::Text),
    ("street", Kind::Text),
    ("title", Kind::Text),
    ("username", Kind::Text),
    ("website", Kind::Text),
];

const COMPANY: &[(&str, Kind)] = &[
    ("city", Kind::Text),
    ("country", Kind::Text),
    ("description", Kind::Text),
    ("domain", Kind::Text),
    ("employees", Kind::Integer),
    ("industry", Kind::Text),
    ("name", Kind::Text),
    ("phone", Kind::Text),
    ("postal_code", Kind::Text),
    ("revenue", Kind::Number),
    ("state", Kind::Text),
    ("street", Kind::Text),
    ("website", Kind::Text),
];

const DEAL: &[(&str, Kind)] = &[
    ("amount", Kind::Number),
    ("closed_at", Kind::Instant),
    ("currency", Kind::Text),
    ("name", Kind::Text),
    ("order_id", Kind::Text),
    ("owner", Kind::Text),
    ("pipeline", Kind::Text),
    ("source", Kind::Text),
    ("stage", Kind::Text),
];

/// What is known of the company a person works for: of the company itself, or where it says nothing, as the person's own
/// records and traits say.
const EMPLOYER: &[(&str, Kind)] = &[
    ("company.city", Kind::Text),
    ("company.country", Kind::Text),
    ("company.description", Kind::Text),
    ("company.employees", Kind::Integer),
    ("company.id", Kind::Text),
    ("company.industry", Kind::Text),
    ("company.name", Kind::Text),
    ("company.phone", Kind::Text),
    ("company.plan", Kind::Text),
    ("company.revenue", Kind::Number),
    ("company.website", Kind::Text),
];

/// What the rules of companies say of a person.
const BY_COMPANY: &[(&str, Kind)] = &[
    ("company.active_users_30d", Kind::Integer),
    ("company.domain", Kind::Text),
    ("company.last_seen_at", Kind::Instant),
    ("company.open_pipeline", Kind::Number),
    ("company.score_lead_max", Kind::Integer),
    ("company.visits_30d", Kind::Integer),
    ("email_is_business", Kind::Bool),
];

/// Consent, by the name it is mapped under. `consent.email` is what most CRMs have a field for.
const CONSENT: &[(&str, Purpose)] = &[
    ("consent.ads", Purpose::Ads),
    ("consent.analytics", Purpose::Analytics),
    ("consent.email", Purpose::Marketing),
    ("consent.marketing", Purpose::Marketing),
    ("consent.sales", Purpose::Sales),
];

/// What can be mapped for one object.
#[derive(Clone, Debug)]
pub struct Catalogue(Vec<(String, Kind, Source)>);

impl Catalogue {
    /// Traits of people: declared ones, computed ones by name and kind, and the profile's id.
    pub fn person(computed: impl IntoIterator<Item = (String, Kind)>) -> Self {
        let mut all = declared(PERSON);
        all.extend(declared(EMPLOYER));
        all.extend(BY_COMPANY.iter().map(|(name, kind)| ((*name).to_owned(), *kind, Source::Computed)));
        all.extend(computed.into_iter().map(|(name, kind)| (name, kind, Source::Computed)));
        all.extend(CONSENT.iter().map(|(name, p)| ((*name).to_owned(), Kind::Bool, Source::Consent(*p))));
        all.push((PROFILE_ID.into(), Kind::Text, Source::ProfileId));
        Self(all)
    }

    /// What can be mapped for an object; `people` is what can be for a person.
    pub fn of(object: &Object, people: &Self) -> Self {
        match object {
            Object::Company => Self::company(),
            Object::Deal => Self::deal(),
            _ => people.clone(),
        }
    }

    pub fn company() -> Self {
        Self(declared(COMPANY))
    }

    pub fn deal() -> Self {
        Self(declared(DEAL))
    }

    pub fn get(&self, name: &str) -> Option<(Kind, Source)> {
        self.0.iter().find(|(known, _, _)| known == name).map(|(_, kind, source)| (*kind, *source))
    }

    /// Every name with its kind.
    pub fn kinds(&self) -> impl Iterator<Item = (&str, Kind)> {
        self.0.iter().map(|(name, kind, _)| (name.as_str(), *kind))
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _, _)| name.as_str())
    }
}

/// Whether records of an object are only read in this version.
pub fn is_only_pulled(object: &Object) -> bool {
    matches!(object, Object::Company | Object::Deal)
}

fn declared(list: &[(&str, Kind)]) -> Vec<(String, Kind, Source)> {
    list.iter().map(|(name, kind)| ((*name).to_owned(), *kind, Source::Declared)).collect()
}
