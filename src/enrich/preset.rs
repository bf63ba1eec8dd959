//! What `preset = "b2b"` and `preset = "ecommerce"` compute: the catalogue of traits, the engagement score and its reasons.

use chrono_tz::Tz;

use crate::enrich::preset_traits::catalogue;
pub use crate::enrich::preset_traits::topics;
use crate::enrich::{ModelSpec, Rates, preset_scores};

/// The preset in UTC and EUR, without rates and own domains; the configuration fills those in.
pub fn b2b() -> ModelSpec {
    ModelSpec {
        time_zone: Tz::UTC,
        base_currency: "EUR".into(),
        rates: Rates::default(),
        own_domains: Vec::new(),
        traits: catalogue(),
        scores: preset_scores::scores(),
        segments: Vec::new(),
    }
}

/// The same for a shop, whose traits are mapped beside the rest.
pub fn ecommerce() -> ModelSpec {
    b2b()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::preset_traits::{pricing, views};

    #[test]
    fn a_shop_has_the_same_traits() {
        let (b2b, shop) = (b2b(), ecommerce());
        assert_eq!(b2b.outputs(), shop.outputs());
    }

    #[test]
    fn every_condition_of_it_compiles() {
        assert!([views(), pricing()].iter().all(|on| !on.events.is_empty()));
    }
}
