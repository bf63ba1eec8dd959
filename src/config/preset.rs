//! What a preset brings: the field mappings of each kind of CRM. Printable, and overridden trait by trait.

use connector::Object;

use crate::config::catalogue::Catalogue;
use crate::config::settings::Preset;
use crate::config::vendor::{As, Vendor};
use crate::mapping::FieldMapping;
use crate::model::{Direction, Rule};

/// The preset's mappings of one object, our own fields under the connection's prefix. Traits that this configuration does not
/// have are left out.
pub fn mappings(
    preset: Preset,
    vendor: Vendor,
    prefix: Option<&str>,
    object: &Object,
    catalogue: &Catalogue,
) -> Vec<FieldMapping> {
    let table = match preset {
        Preset::None => &[],
        Preset::B2b => vendor.b2b(object),
    };
    table
        .iter()
        .filter_map(|(name, field, how)| {
            let (kind, source) = catalogue.get(name)?;
            let mapping = FieldMapping::new(*name, vendor.with_prefix(field, prefix), kind, source);
            Some(match how {
                As::Default => mapping,
                As::Pull => mapping.with(Direction::Pull, Rule::CrmWins),
                As::FillIfEmpty => mapping.with(Direction::Push, Rule::FillIfEmpty),
            })
        })
        .collect()
}
