//! The scores and segments of `preset = "b2b"` (`cdp-semantics` §4.2, §5).

use std::time::Duration;

use crate::enrich::score_spec::{
    BandSpec, COOLDOWN, Decay, GradeAxis, GradeSpec, Made, Rules, ScoreRule, ScoreSpec, Weighed,
};
use crate::enrich::segment_spec::SegmentSpec;
use crate::enrich::spec::EventMatch;
use crate::expr::{Expr, Kind, Scope};

const DAY: Duration = Duration::from_secs(86_400);

/// Names of the segments that the preset may bring.
pub const SEGMENTS: &[&str] = &["mql", "customers", "in_sales_cycle", "churn_risk"];

/// Engagement, fit, and the lead score with its grade and bands.
pub(super) fn scores() -> Vec<ScoreSpec> {
    let axis = |score: &str| GradeAxis { score: score.into(), thresholds: vec![75.0, 50.0, 25.0] };
    let weighed = |score: &str, weight| Weighed { score: score.into(), weight };
    let band = |name: &str, enter, exit| BandSpec { name: name.into(), enter, exit, cooldown: COOLDOWN };
    let lead = ScoreSpec {
        name: "lead".into(),
        max: 100.0,
        made: Made::Combination(vec![weighed("fit", 0.4), weighed("engagement", 0.6)]),
        grade: Some(GradeSpec { letter: axis("fit"), number: axis("engagement") }),
        bands: vec![band("mql", 50.0, 35.0), band("hot", 75.0, 60.0)],
    };
    vec![by_rules("engagement", engagement()), by_rules("fit", fit()), lead]
}

fn by_rules(name: &str, rules: Vec<ScoreRule>) -> ScoreSpec {
    ScoreSpec {
        name: name.into(),
        max: 100.0,
        made: Made::Rules(Rules { decay: Decay::HalfLife(DAY * 14), rules, groups: Vec::new() }),
        grade: None,
        bands: Vec::new(),
    }
}

/// Clicks count and opens do not; negative signals fade like the rest.
fn engagement() -> Vec<ScoreRule> {
    let on = |event: &str| EventMatch::events([event]);
    let rule = |label: &str, on, points, max| ScoreRule { max, ..ScoreRule::events(label, on, points) };
    let form = |name: &str| only(on("Form Submitted"), &format!("properties.form == \"{name}\""));
    vec![
        rule("Page view", EventMatch::events(["page", "screen"]), 1.0, Some(10.0)),
        rule("Pricing page", only(on("page"), r#"path.startsWith("/pricing")"#), 5.0, Some(15.0)),
        rule("Product viewed", on("Product Viewed"), 2.0, Some(10.0)),
        rule("Product added", on("Product Added"), 4.0, Some(12.0)),
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
    ]
}

fn fit() -> Vec<ScoreRule> {
    let names = [
        ("title", Kind::Text),
        ("country", Kind::Text),
        ("company.employees", Kind::Integer),
        ("email_is_business", Kind::Bool),
    ];
    let scope = Scope::profile(names);
    let rule = |label: &str, when: &str, points| {
        // Constants that a test compiles.
        Expr::compile(when, &scope).ok().map(|when| ScoreRule::when(label, when, points))
    };
    let rules = [
        rule("Senior title", r#"title.matches("(?i)\\b(vp|director|head|chief|ceo|cto|cfo)\\b")"#, 25.0),
        rule("Company size", "company.employees >= 50 && company.employees <= 1000", 30.0),
        rule("Business email", "email_is_business", 20.0),
        rule("Target country", r#"country in ["DE", "AT", "CH"]"#, 25.0),
    ];
    rules.into_iter().flatten().collect()
}

/// The segments whose names this scope knows.
pub fn segments(scope: &Scope) -> Vec<SegmentSpec> {
    let segment = |name: &str, conditions: &[&str]| {
        let when = conditions.iter().find_map(|text| Expr::compile(text, scope).ok())?;
        Some(SegmentSpec { name: name.into(), when, exit_when: None, min_stay: Duration::ZERO })
    };
    let churn = segment("churn_risk", &[r#"lifecycle == "customer" && engagement_trend == "falling" && ltv > 1000"#]);
    let exit = Expr::compile(r#"engagement_trend in ["steady", "rising"]"#, scope).ok();
    let all = [
        segment("mql", &["bands.mql"]),
        segment("customers", &["deals.won > 0 || orders_count > 0", "deals.won > 0"]),
        segment("in_sales_cycle", &["deals.open > 0"]),
        churn.map(|churn| SegmentSpec { exit_when: exit, min_stay: DAY * 7, ..churn }),
    ];
    all.into_iter().flatten().collect()
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
    fn every_condition_compiles() {
        let scores = scores();
        let rules: Vec<&ScoreRule> =
            scores.iter().filter_map(ScoreSpec::rules).flat_map(|rules| &rules.rules).collect();
        assert_eq!(rules.len(), 13 + 4);
        assert!(rules.iter().filter_map(|rule| rule.on()).all(|on| !on.events.is_empty()));
    }

    #[test]
    fn a_segment_comes_with_the_traits_it_reads() {
        let few = [("bands.mql", Kind::Bool), ("deals.won", Kind::Integer), ("deals.open", Kind::Integer)];
        let names = |scope: &Scope| segments(scope).iter().map(|one| one.name.to_string()).collect::<Vec<String>>();
        assert_eq!(names(&Scope::profile(few)), ["mql", "customers", "in_sales_cycle"]);
        let more = [("lifecycle", Kind::Text), ("engagement_trend", Kind::Text), ("ltv", Kind::Number)];
        assert_eq!(names(&Scope::profile(few.into_iter().chain(more))), SEGMENTS);
    }
}
