//! How each vendor spells the fields that are ours: as the one that holds the profile's id is spelt.

use crate::config::vendor::Vendor;

/// The trait whose field shows the spelling.
const SHOWN: &str = "profile_id";

impl Vendor {
    /// The field of a computed trait: `cdp_orders_count`, `CDP_Orders_Count__c`.
    pub fn enrichment_field(self, name: &str) -> String {
        let like = self.key_field();
        let Some(at) = like.to_ascii_lowercase().find(SHOWN) else { return format!("cdp_{name}") };
        let (before, rest) = like.split_at(at);
        let (shown, after) = rest.split_at(SHOWN.len().min(rest.len()));
        let is_capital = shown.starts_with(|letter: char| letter.is_ascii_uppercase());
        let spelt: Vec<String> =
            name.split('_').map(|word| if is_capital { capital(word) } else { word.into() }).collect();
        format!("{before}{}{after}", spelt.join("_"))
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_traits_are_spelt_like_the_key() {
        assert_eq!(Vendor::Hubspot.enrichment_field("top_product_30d"), "cdp_top_product_30d");
        assert_eq!(Vendor::Salesforce.enrichment_field("top_product_30d"), "CDP_Top_Product_30d__c");
        assert_eq!(Vendor::Dynamics.enrichment_field("top_product_30d"), "new_cdp_top_product_30d");
    }
}
