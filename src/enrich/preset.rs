//! What `preset = "b2b"` and `preset = "ecommerce"` compute: the catalogue of traits, the engagement score and its reasons.

use std::time::Duration;

use chrono_tz::Tz;

pub use crate::enrich::preset_traits::topics;
use crate::enrich::preset_traits::{catalogue, only, pricing, views};
use crate::enrich::{Decay, EventMatch, Made, ModelSpec, Rates, Rules, ScoreRule, ScoreSpec};

const DAY: Duration = Duration::from_secs(86_400);

/// The preset in UTC and EUR, without rates and own domains; the configuration fills those in.
pub fn b2b() -> ModelSpec {
    ModelSpec {
        time_zone: Tz::UTC,
        base_currency: "EUR".into(),
        rates: Rates::default(),
        own_domains: Vec::new(),
        traits: catalogue(),
        scores: vec![engagement()],
        segments: Vec::new(),
    }
}

/// The same for a shop: what is looked at and put into a cart gives points, too.
pub fn ecommerce() -> ModelSpec {
    let mut spec = b2b();
    let on = |event: &str| EventMatch::events([event]);
    let rules = spec.scores.iter_mut().filter(|score| &*score.name == "engagement");
    for score in rules {
        if let Made::Rules(rules) = &mut score.made {
            rules.rules.push(ScoreRule::events("Product viewed", on("Product Viewed"), 2.0).up_to(10.0));
            rules.rules.push(ScoreRule::events("Product added", on("Product Added"), 4.0).up_to(12.0));
        }
    }
    spec
}

/// Points after `cdp-semantics` §4.2: clicks count and opens do not, negative signals fade like the rest.
fn engagement() -> ScoreSpec {
    let on = |event: &str| EventMatch::events([event]);
    let rule = |label: &str, on, points, max| ScoreRule { max, ..ScoreRule::events(label, on, points) };
    let form = |name: &str| only(on("Form Submitted"), &format!("properties.form == \"{name}\""));
    let rules = vec![
        rule("Page view", views(), 1.0, Some(10.0)),
        rule("Pricing page", pricing(), 5.0, Some(15.0)),
        rule("Email click", on("Email Link Clicked"), 3.0, Some(15.0)),
        rule("File download", on("File Downloaded"), 8.0, Some(16.0)),
        rule("Event attended", on("Event Attended"), 15.0, Some(30.0)),
        rule("Demo form", form("demo"), 30.0, Some(60.0)),
        rule("Contact form", form("contact"), 30.0, Some(60.0)),
        rule("Trial started", on("Trial Started"), 25.0, None),
        rule(
            "Careers page",
            only(on("page"), r#"path.startsWith("/careers") || path.startsWith("/jobs")"#),
            -10.0,
            Some(-10.0),
        ),
        rule("Unsubscribed", on("Unsubscribed"), -20.0, Some(-20.0)),
        rule("Email bounced", on("Email Bounced"), -30.0, Some(-30.0)).fading(Decay::Never),
    ];
    ScoreSpec {
        name: "engagement".into(),
        max: 100.0,
        made: Made::Rules(Rules { decay: Decay::HalfLife(DAY * 14), rules, groups: Vec::new() }),
        grade: None,
        bands: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shop_has_the_same_traits_and_more_points() {
        let (b2b, shop) = (b2b(), ecommerce());
        assert_eq!(b2b.outputs(), shop.outputs());
        let rules =
            |spec: &ModelSpec| spec.scores.iter().filter_map(ScoreSpec::rules).map(|r| r.rules.len()).sum::<usize>();
        assert_eq!(rules(&shop), rules(&b2b) + 2);
    }

    #[test]
    fn every_condition_of_it_compiles() {
        let spec = b2b();
        let rules = spec.scores.iter().filter_map(ScoreSpec::rules).flat_map(|rules| &rules.rules);
        assert!(rules.filter_map(ScoreRule::on).chain([&views(), &pricing()]).all(|on| !on.events.is_empty()));
    }
}
