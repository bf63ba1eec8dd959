//! The traits that every preset computes: the catalogue of `cdp-semantics` §3.2.

use std::sync::Arc;
use std::time::Duration;

use crate::enrich::{
    Contacted, EventMatch, InterestPart, InterestWeights, LtvSource, MailTrait, Sales, TopicMap, TouchPart, TraitRule,
    TraitSpec,
};
use crate::expr::{Expr, Scope};

const DAY: Duration = Duration::from_secs(86_400);

pub(super) fn catalogue() -> Vec<TraitSpec> {
    let month = Some(DAY * 30);
    let spec = |name: &str, rule, window| TraitSpec { name: name.into(), rule, window };
    let interest = |part| TraitRule::Interest(part, InterestWeights::default());
    vec![
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
        spec("open_pipeline", TraitRule::Sales(Sales::OpenPipeline), None),
        spec("first_seen_at", TraitRule::FirstSeen, None),
        spec("visits_lifetime", TraitRule::Visits, None),
        spec("days_active_30d", TraitRule::DaysActive, month),
        spec("last_page", TraitRule::Last(EventMatch::events(["page"]), PATH.into()), None),
        spec("emails_opened_30d", TraitRule::Mail(MailTrait::Opened), month),
        spec("emails_clicked_30d", TraitRule::Mail(MailTrait::Clicked), month),
        spec("last_email_click_at", TraitRule::Mail(MailTrait::LastClick), None),
        spec("email_status", TraitRule::Mail(MailTrait::Status), None),
        spec("top_product_30d", interest(InterestPart::Product), month),
        spec("top_category_30d", interest(InterestPart::Category), month),
        spec("intent_topics", TraitRule::Topics(Arc::new(topics())), None),
        spec("engagement_trend", TraitRule::EngagementTrend, None),
        spec("cart_abandoned", TraitRule::Sales(Sales::CartAbandoned), None),
        spec("cart_value", TraitRule::Sales(Sales::CartValue), None),
        spec("orders_count", TraitRule::Sales(Sales::OrdersCount), None),
        spec("order_revenue", TraitRule::Sales(Sales::OrderRevenue), None),
        spec("aov", TraitRule::Sales(Sales::Aov), None),
        spec("ltv", TraitRule::Sales(Sales::Ltv(LtvSource::Both)), None),
        spec("last_order_at", TraitRule::Sales(Sales::LastOrder), None),
        spec("days_since_last_order", TraitRule::Sales(Sales::DaysSinceLastOrder), None),
        spec("products_owned", TraitRule::Sales(Sales::ProductsOwned), None),
        spec("last_contacted_at", TraitRule::Contacted(Contacted::Last), None),
        spec("last_contacted_by", TraitRule::Contacted(Contacted::LastBy), None),
        spec("contacts_30d", TraitRule::Contacted(Contacted::Times), month),
        spec("meetings_30d", TraitRule::Contacted(Contacted::Meetings), month),
        spec("nps_last", TraitRule::NpsLast, None),
        spec("health", TraitRule::Health, None),
        spec("lifecycle", TraitRule::Lifecycle, None),
    ]
}

/// The property under which a page's path is asked for, wherever the message has it.
pub(super) const PATH: &str = "path";

pub(super) fn views() -> EventMatch {
    EventMatch::events(["page", "screen"])
}

pub(super) fn pricing() -> EventMatch {
    only(EventMatch::events(["page"]), r#"path.startsWith("/pricing")"#)
}

/// The presets' conditions are constants that a test compiles; one that did not compile would match nothing.
pub(super) fn only(on: EventMatch, condition: &str) -> EventMatch {
    match Expr::compile(condition, &Scope::event()) {
        Ok(condition) => on.when(condition),
        Err(_) => EventMatch { events: Vec::new(), condition: None },
    }
}

/// What most sites call their pages. A category or tag of a topic's own name means it, too.
pub fn topics() -> TopicMap {
    let topic = |name: &str, means: &[&str]| {
        let all = means.iter().copied().chain([name]).map(Arc::from).collect();
        (Arc::from(name), all)
    };
    TopicMap::new([
        topic("pricing", &["/pricing", "/plans"]),
        topic("product", &["/product", "/products", "/features", "/solutions"]),
        topic("integrations", &["/integrations", "/apps", "/marketplace"]),
        topic("security", &["/security", "/trust", "/compliance"]),
        topic("customers", &["/customers", "/case-studies", "/stories"]),
        topic("docs", &["/docs", "/documentation", "/developers", "/api"]),
        topic("comparison", &["/compare", "/vs", "/alternatives"]),
        topic("demo", &["/demo", "/trial", "/signup"]),
        topic("support", &["/support", "/help", "/contact"]),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_has_every_trait_once() {
        let names: Vec<String> = catalogue().iter().map(|spec| spec.name.to_string()).collect();
        let all = names.join(" ");
        assert_eq!(
            all,
            "visits_30d page_views_30d pricing_views_30d last_seen_at first_touch_source first_touch_medium \
             first_touch_campaign first_touch_channel last_touch_source last_touch_medium last_touch_campaign \
             last_touch_channel won_deals won_revenue last_won_at open_pipeline first_seen_at visits_lifetime \
             days_active_30d last_page emails_opened_30d emails_clicked_30d last_email_click_at email_status \
             top_product_30d top_category_30d intent_topics engagement_trend cart_abandoned cart_value orders_count \
             order_revenue aov ltv last_order_at days_since_last_order products_owned last_contacted_at \
             last_contacted_by contacts_30d meetings_30d nps_last health lifecycle"
        );
        assert!([views(), pricing()].iter().all(|on| !on.events.is_empty()));
    }
}
