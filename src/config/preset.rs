//! What a preset brings: the field mappings of each kind of CRM. Printable, and overridden trait by trait.

use connector::Object;

use crate::config::catalogue::{Catalogue, PROFILE_ID};
use crate::config::settings::Preset;
use crate::config::vendor::Vendor;
use crate::mapping::FieldMapping;
use crate::model::{Direction, Rule};

/// Who wins, in a preset's table: the default of the trait's source, or something else.
#[derive(Clone, Copy)]
enum As {
    Default,
    Pull,
    FillIfEmpty,
}

const HUBSPOT_CONTACT: &[(&str, &str, As)] = &[
    ("email", "email", As::Default),
    ("first_name", "firstname", As::Default),
    ("last_name", "lastname", As::Default),
    ("phone", "phone", As::Default),
    ("title", "jobtitle", As::Pull),
    ("country", "country", As::Pull),
    ("visits_30d", "cdp_visits_30d", As::Default),
    ("page_views_30d", "cdp_page_views_30d", As::Default),
    ("pricing_views_30d", "cdp_pricing_views_30d", As::Default),
    ("last_seen_at", "cdp_last_seen_at", As::Default),
    ("first_touch_source", "cdp_first_touch_source", As::FillIfEmpty),
    ("won_deals", "cdp_won_deals", As::Default),
    ("won_revenue", "cdp_won_revenue", As::Default),
    ("last_won_at", "cdp_last_won_at", As::Default),
    ("score_engagement", "cdp_score_engagement", As::Default),
    ("score_reasons", "cdp_score_reasons", As::Default),
    (PROFILE_ID, "cdp_profile_id", As::Default),
];

const HUBSPOT_COMPANY: &[(&str, &str, As)] = &[("name", "name", As::Pull), ("domain", "domain", As::Pull)];

/// The preset's mappings of one object. Traits that this configuration does not have are left out.
pub fn mappings(preset: Preset, vendor: Vendor, object: &Object, catalogue: &Catalogue) -> Vec<FieldMapping> {
    let table = match (preset, vendor, object) {
        (Preset::None, _, _) => &[],
        (Preset::B2b, Vendor::Hubspot, Object::Contact) => HUBSPOT_CONTACT,
        (Preset::B2b, Vendor::Hubspot, Object::Company) => HUBSPOT_COMPANY,
        (Preset::B2b, Vendor::Hubspot, _) => &[],
    };
    table
        .iter()
        .filter_map(|(name, field, how)| {
            let (kind, source) = catalogue.get(name)?;
            let mapping = FieldMapping::new(*name, *field, kind, source);
            Some(match how {
                As::Default => mapping,
                As::Pull => mapping.with(Direction::Pull, Rule::CrmWins),
                As::FillIfEmpty => mapping.with(Direction::Push, Rule::FillIfEmpty),
            })
        })
        .collect()
}
