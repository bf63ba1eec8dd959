//! What the CRM works out about a deal whenever its stage or amount is written. Pure.

use super::check::Values;
use super::pipelines::{Pipeline, probability_text};
use crate::clock::{Millis, iso};

/// The values that follow from a write. `before` reads what the deal had.
pub fn computed(
    pipelines: &[Pipeline],
    written: &Values,
    before: impl Fn(&str) -> Option<String>,
    at: Millis,
) -> Values {
    let find = |name: &str| written.iter().find(|(n, _)| &**n == name).map(|(_, value)| value.clone());
    let now = |name: &str| find(name).or_else(|| before(name)).filter(|value| !value.is_empty());
    let mut out = Values::new();
    let mut set = |name: &str, value: String| out.push((name.into(), value));
    let pipeline = now("pipeline").and_then(|id| pipelines.iter().find(|pipeline| pipeline.id == id));
    let stage = now("dealstage").and_then(|id| pipeline.and_then(|pipeline| pipeline.stage(&id)));
    let Some(stage) = stage else { return out };
    let amount = now("amount");
    set("hs_is_closed", stage.closed.to_string());
    set("hs_is_closed_won", stage.won().to_string());
    set("hs_deal_stage_probability", probability_text(stage.probability));
    set("amount_in_home_currency", amount.clone().unwrap_or_default());
    set("hs_closed_amount", if stage.won() { amount.unwrap_or_default() } else { "0".into() });
    let entering = find("dealstage").is_some_and(|stage| before("dealstage").as_deref() != Some(stage.as_str()));
    if entering {
        set(&format!("hs_v2_date_entered_{}", stage.id), iso(at));
        // Entering a closed stage dates the deal, unless somebody has said when.
        if stage.closed && find("closedate").is_none() {
            set("closedate", iso(at));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).to_owned())).collect()
    }

    fn value<'a>(values: &'a Values, name: &str) -> Option<&'a str> {
        values.iter().find(|(n, _)| &**n == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn winning_a_deal_dates_and_counts_it() {
        let before = |name: &str| match name {
            "pipeline" => Some("default".to_owned()),
            "dealstage" => Some("contractsent".to_owned()),
            "amount" => Some("120.50".to_owned()),
            _ => None,
        };
        let after = computed(&[Pipeline::standard()], &written(&[("dealstage", "closedwon")]), before, 0);
        assert_eq!(value(&after, "hs_is_closed_won"), Some("true"));
        assert_eq!(value(&after, "hs_closed_amount"), Some("120.50"));
        assert_eq!(value(&after, "closedate"), Some("1970-01-01T00:00:00.000Z"));
        assert_eq!(value(&after, "hs_v2_date_entered_closedwon"), Some("1970-01-01T00:00:00.000Z"));
    }

    #[test]
    fn writing_the_stage_it_has_enters_nothing() {
        let before = |name: &str| match name {
            "pipeline" => Some("default".to_owned()),
            "dealstage" => Some("closedwon".to_owned()),
            _ => None,
        };
        let after = computed(&[Pipeline::standard()], &written(&[("dealstage", "closedwon")]), before, 0);
        assert_eq!(value(&after, "closedate"), None);
        assert_eq!(value(&after, "hs_v2_date_entered_closedwon"), None);
    }
}
