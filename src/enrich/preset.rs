//! What `preset = "b2b"` computes: fifteen traits, the engagement score and its reasons.

use std::time::Duration;

use chrono_tz::Tz;

use crate::enrich::{
    Decay, EventMatch, Made, ModelSpec, Rates, Rules, ScoreRule, ScoreSpec, TouchPart, TraitRule, TraitSpec,
};
use crate::expr::{Expr, Scope};

const DAY: Duration = Duration::from_secs(86_400);

/// The preset in UTC and EUR, without rates and own domains; the configuration fills those in.
pub fn b2b() -> ModelSpec {
    let month = Some(DAY * 30);
    let spec = |name: &str, rule, window| TraitSpec { name: name.into(), rule, window };
    ModelSpec {
        time_zone: Tz::UTC,
        base_currency: "EUR".into(),
        rates: Rates::default(),
        own_domains: Vec::new(),
        traits: vec![
            spec("visits_30d", TraitRule::Visits, month),
            spec("page_views_30d", TraitRule::Count(views()), month),
            spec("pricing_views_30d", TraitRule::Count(pricing()), month),
            spec("last_seen_at", TraitRule::LastSeen, None),
            spec("first_touch_source", TraitRule::FirstTouch(TouchPart::Source), None),
            spec("first_touch_medium", TraitRule::FirstTouch(TouchPart::Medium), None),
            spec("first_touch_campaign", TraitRule::FirstTouch(TouchPart::Campaign), None),
            spec("first_touch_channel", TraitRule::FirstTouch(TouchPart::Channel), None),
            spec("last_touch_source", TraitRule::LastTouch(TouchPart::Source), None),
            spec("last_touch_medium", TraitRule::LastTouch(TouchPart::Medium), None),
            spec("last_touch_campaign", TraitRule::LastTouch(TouchPart::Campaign), None),
            spec("last_touch_channel", TraitRule::LastTouch(TouchPart::Channel), None),
            spec("won_deals", TraitRule::WonDeals, None),
            spec("won_revenue", TraitRule::WonRevenue, None),
            spec("last_won_at", TraitRule::LastWon, None),
        ],
        scores: vec![engagement()],
        segments: Vec::new(),
    }
}

fn views() -> EventMatch {
    EventMatch::events(["page", "screen"])
}

fn pricing() -> EventMatch {
    only(EventMatch::events(["page"]), r#"path.startsWith("/pricing")"#)
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

/// The preset's conditions are constants that a test compiles; one that did not compile would match nothing.
fn only(on: EventMatch, condition: &str) -> EventMatch {
    match Expr::compile(condition, &Scope::event()) {
        Ok(condition) => on.when(condition),
        Err(_) => EventMatch { events: Vec::new(), condition: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_gives_exactly_its_traits() {
        let names: Vec<String> = b2b().outputs().into_iter().map(|(name, _)| name.to_string()).collect();
        assert_eq!(
            names,
            [
                "visits_30d",
                "page_views_30d",
                "pricing_views_30d",
                "last_seen_at",
                "first_touch_source",
                "first_touch_medium",
                "first_touch_campaign",
                "first_touch_channel",
                "last_touch_source",
                "last_touch_medium",
                "last_touch_campaign",
                "last_touch_channel",
                "won_deals",
                "won_revenue",
                "last_won_at",
                "score_engagement",
                "score_reasons",
                "score_change"
            ]
        );
    }

    #[test]
    fn every_condition_of_it_compiles() {
        let spec = b2b();
        let rules = spec.scores.iter().filter_map(ScoreSpec::rules).flat_map(|rules| &rules.rules);
        assert!(rules.filter_map(ScoreRule::on).chain([&views(), &pricing()]).all(|on| !on.events.is_empty()));
    }
}
