//! What a preset brings: the field mappings of each kind of CRM. Printable, and overridden trait by trait.

use connector::Object;

use crate::config::catalogue::{Catalogue, PROFILE_ID};
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
        Preset::B2b | Preset::Ecommerce => vendor.b2b(object),
    };
    let shop = if preset == Preset::Ecommerce && vendor.b2b(object).iter().any(|(name, _, _)| *name == PROFILE_ID) {
        SHOP
    } else {
        &[]
    };
    let shop = shop.iter().filter_map(|name| {
        let (kind, source) = catalogue.get(name)?;
        Some(FieldMapping::new(*name, vendor.with_prefix(&vendor.enrichment_field(name), prefix), kind, source))
    });
    let lines = table.iter().filter_map(|(name, field, how)| {
        let (kind, source) = catalogue.get(name)?;
        let mapping = FieldMapping::new(*name, vendor.with_prefix(field, prefix), kind, source);
        Some(match how {
            As::Default => mapping,
            As::Pull => mapping.with(Direction::Pull, Rule::CrmWins),
            As::FillIfEmpty => mapping.with(Direction::Push, Rule::FillIfEmpty),
        })
    });
    lines.chain(shop).collect()
}

/// What a shop's sales desk sees beside the rest, on every object of people.
const SHOP: &[&str] = &[
    "orders_count",
    "order_revenue",
    "aov",
    "ltv",
    "last_order_at",
    "cart_abandoned",
    "cart_value",
    "top_product_30d",
    "top_category_30d",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shop_has_more_fields_of_people() {
        let computed = crate::enrich::preset::ecommerce().outputs().into_iter();
        let catalogue = Catalogue::person(computed.map(|(name, _)| (name.to_string(), crate::mapping::Kind::Text)));
        for vendor in Vendor::ALL {
            let count = |preset| mappings(preset, vendor, None, &Object::Contact, &catalogue).len();
            assert_eq!(count(Preset::Ecommerce), count(Preset::B2b) + SHOP.len());
            assert_eq!(
                mappings(Preset::Ecommerce, vendor, None, &Object::Company, &catalogue).len(),
                mappings(Preset::B2b, vendor, None, &Object::Company, &catalogue).len()
            );
        }
    }
}
