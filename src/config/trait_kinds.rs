//! The kinds of traits as the file names them: which keys each takes, the rule it means, and a rule as the file would write it.

use std::sync::Arc;

use crate::config::origin::quote;
use crate::config::traits::show_events;
use crate::enrich::{
    Amount, Contacted, EventMatch, Fold, Frequent, InterestPart, InterestWeights, LtvSource, MailTrait, Sales,
    TopicMap, TouchPart, TraitRule, preset,
};

/// The keys that say what a trait is made of. Those every kind of a group has come first.
const EVENTS: &[&str] = &["event", "where", "window"];
const PROPERTY: &[&str] = &["event", "where", "window", "property"];
const AMOUNT: &[&str] = &["event", "where", "window", "property", "currency"];
const VALUE: &[&str] = &["event", "where", "window", "property", "type"];
const FREQUENT: &[&str] = &["event", "where", "window", "property", "weights", "min_count"];
const RATIO: &[&str] = &["event", "where", "window", "over", "over_where"];
const INTEREST: &[&str] = &["window", "weights"];
const TOPICS: &[&str] = &["window", "topics"];
const LTV: &[&str] = &["window", "source"];
const WINDOW: &[&str] = &["window"];
const NONE: &[&str] = &[];

/// Every kind, with its keys beside `kind`. Of these `event`, `property`, `over` and `formula` must be there where they may.
pub const KINDS: &[(&str, &[&str])] = &[
    ("count", EVENTS),
    ("exists", EVENTS),
    ("days_since", EVENTS),
    ("trend", EVENTS),
    ("sum", AMOUNT),
    ("avg", AMOUNT),
    ("min", AMOUNT),
    ("max", AMOUNT),
    ("first", VALUE),
    ("last", VALUE),
    ("unique_count", PROPERTY),
    ("unique_list", PROPERTY),
    ("most_frequent", FREQUENT),
    ("ratio", RATIO),
    ("formula", &["formula"]),
    ("visits", WINDOW),
    ("days_active", WINDOW),
    ("last_seen", WINDOW),
    ("first_seen", NONE),
    ("first_touch_source", NONE),
    ("first_touch_medium", NONE),
    ("first_touch_campaign", NONE),
    ("first_touch_channel", NONE),
    ("last_touch_source", NONE),
    ("last_touch_medium", NONE),
    ("last_touch_campaign", NONE),
    ("last_touch_channel", NONE),
    ("top_product", INTEREST),
    ("top_category", INTEREST),
    ("intent_topics", TOPICS),
    ("engagement_trend", WINDOW),
    ("emails_opened", WINDOW),
    ("emails_clicked", WINDOW),
    ("last_email_click", WINDOW),
    ("email_status", NONE),
    ("nps_last", WINDOW),
    ("cart_abandoned", NONE),
    ("cart_value", NONE),
    ("orders_count", WINDOW),
    ("order_revenue", WINDOW),
    ("aov", WINDOW),
    ("ltv", LTV),
    ("last_order", WINDOW),
    ("days_since_last_order", WINDOW),
    ("products_owned", WINDOW),
    ("won_deals", NONE),
    ("won_revenue", NONE),
    ("last_won", NONE),
    ("last_contacted", WINDOW),
    ("last_contacted_by", WINDOW),
    ("contacts", WINDOW),
    ("meetings", WINDOW),
    ("open_pipeline", NONE),
    ("health", NONE),
    ("lifecycle", NONE),
];

pub const LTV_SOURCES: &[(&str, LtvSource)] =
    &[("both", LtvSource::Both), ("orders", LtvSource::Orders), ("deals", LtvSource::Deals)];

/// What `weights` of interest may name.
pub const INTEREST_EVENTS: [&str; 3] = ["Product Viewed", "Product Added", "Order Completed"];

pub fn names() -> Vec<&'static str> {
    KINDS.iter().map(|(name, _)| *name).collect()
}

/// The keys of a kind.
pub fn keys_of(kind: &str) -> &'static [&'static str] {
    KINDS.iter().find(|(name, _)| *name == kind).map_or(NONE, |(_, keys)| keys)
}

/// What the keys of one trait say; what its kind does not take is absent.
#[derive(Debug, Default)]
pub struct Given {
    pub on: Option<EventMatch>,
    pub property: Option<Arc<str>>,
    pub currency: Option<Arc<str>>,
    /// `type = "number"`
    pub number: bool,
    pub weights: Vec<(Arc<str>, u32)>,
    pub min_count: Option<u32>,
    pub over: Option<EventMatch>,
    pub topics: Option<TopicMap>,
    pub source: Option<LtvSource>,
}

/// The rule of a kind; `None` where a key is missing that it must have, and for formulas, which are made when all other traits
/// are known.
pub fn rule(kind: &str, given: Given) -> Option<TraitRule> {
    let Given { on, property, currency, number, weights, min_count, over, topics, source } = given;
    let fold = |fold| match (on.clone(), property.clone()) {
        (Some(on), Some(property)) => Some(TraitRule::Fold(fold, on, Amount { property, currency: currency.clone() })),
        _ => None,
    };
    let interest = |part| {
        let weight = |event: &str, default: u32| {
            weights.iter().find(|(name, _)| **name == *event).map_or(default, |(_, weight)| *weight)
        };
        let [viewed, added, ordered] = INTEREST_EVENTS;
        let default = InterestWeights::default();
        Some(TraitRule::Interest(
            part,
            InterestWeights {
                viewed: weight(viewed, default.viewed),
                added: weight(added, default.added),
                ordered: weight(ordered, default.ordered),
            },
        ))
    };
    match kind {
        "count" => on.map(TraitRule::Count),
        "exists" => on.map(TraitRule::Exists),
        "days_since" => on.map(TraitRule::DaysSince),
        "trend" => on.map(TraitRule::Trend),
        "sum" => fold(Fold::Sum),
        "avg" => fold(Fold::Avg),
        "min" => fold(Fold::Min),
        "max" => fold(Fold::Max),
        "first" if number => fold(Fold::First),
        "last" if number => fold(Fold::Last),
        "first" => Some(TraitRule::First(on?, property?)),
        "last" => Some(TraitRule::Last(on?, property?)),
        "unique_count" => Some(TraitRule::UniqueCount(on?, property?)),
        "unique_list" => Some(TraitRule::UniqueList(on?, property?)),
        "most_frequent" => Some(TraitRule::MostFrequent(Frequent {
            on: on?,
            property: property?,
            weights,
            min_count: min_count.unwrap_or(1),
        })),
        "ratio" => Some(TraitRule::Ratio(on?, over?)),
        "top_product" => interest(InterestPart::Product),
        "top_category" => interest(InterestPart::Category),
        "intent_topics" => Some(TraitRule::Topics(Arc::new(topics.unwrap_or_else(preset::topics)))),
        "ltv" => Some(TraitRule::Sales(Sales::Ltv(source.unwrap_or(LtvSource::Both)))),
        other => plain(other),
    }
}

/// Kinds that take a window at most.
fn plain(kind: &str) -> Option<TraitRule> {
    Some(match kind {
        "visits" => TraitRule::Visits,
        "days_active" => TraitRule::DaysActive,
        "last_seen" => TraitRule::LastSeen,
        "first_seen" => TraitRule::FirstSeen,
        "first_touch_source" => TraitRule::FirstTouch(TouchPart::Source),
        "first_touch_medium" => TraitRule::FirstTouch(TouchPart::Medium),
        "first_touch_campaign" => TraitRule::FirstTouch(TouchPart::Campaign),
        "first_touch_channel" => TraitRule::FirstTouch(TouchPart::Channel),
        "last_touch_source" => TraitRule::LastTouch(TouchPart::Source),
        "last_touch_medium" => TraitRule::LastTouch(TouchPart::Medium),
        "last_touch_campaign" => TraitRule::LastTouch(TouchPart::Campaign),
        "last_touch_channel" => TraitRule::LastTouch(TouchPart::Channel),
        "engagement_trend" => TraitRule::EngagementTrend,
        "emails_opened" => TraitRule::Mail(MailTrait::Opened),
        "emails_clicked" => TraitRule::Mail(MailTrait::Clicked),
        "last_email_click" => TraitRule::Mail(MailTrait::LastClick),
        "email_status" => TraitRule::Mail(MailTrait::Status),
        "nps_last" => TraitRule::NpsLast,
        "cart_abandoned" => TraitRule::Sales(Sales::CartAbandoned),
        "cart_value" => TraitRule::Sales(Sales::CartValue),
        "orders_count" => TraitRule::Sales(Sales::OrdersCount),
        "order_revenue" => TraitRule::Sales(Sales::OrderRevenue),
        "aov" => TraitRule::Sales(Sales::Aov),
        "last_order" => TraitRule::Sales(Sales::LastOrder),
        "days_since_last_order" => TraitRule::Sales(Sales::DaysSinceLastOrder),
        "products_owned" => TraitRule::Sales(Sales::ProductsOwned),
        "open_pipeline" => TraitRule::Sales(Sales::OpenPipeline),
        "won_deals" => TraitRule::WonDeals,
        "won_revenue" => TraitRule::WonRevenue,
        "last_won" => TraitRule::LastWon,
        "last_contacted" => TraitRule::Contacted(Contacted::Last),
        "last_contacted_by" => TraitRule::Contacted(Contacted::LastBy),
        "contacts" => TraitRule::Contacted(Contacted::Times),
        "meetings" => TraitRule::Contacted(Contacted::Meetings),
        "health" => TraitRule::Health,
        "lifecycle" => TraitRule::Lifecycle,
        _ => return None,
    })
}

/// The name of a rule's kind, and its other keys as the file would write them (`, event = ["page"]`).
pub fn shown(rule: &TraitRule) -> (&'static str, String) {
    let with = |on: &EventMatch, property: &str| format!("{}, property = {}", show_events(on), quote(property));
    let weighed = |weights: &[(Arc<str>, u32)]| {
        let each: Vec<String> = weights.iter().map(|(name, weight)| format!("{} = {weight}", quote(name))).collect();
        format!(", weights = {{ {} }}", each.join(", "))
    };
    match rule {
        TraitRule::Count(on) => ("count", show_events(on)),
        TraitRule::Exists(on) => ("exists", show_events(on)),
        TraitRule::DaysSince(on) => ("days_since", show_events(on)),
        TraitRule::Trend(on) => ("trend", show_events(on)),
        TraitRule::Fold(fold, on, amount) => {
            let mut text = with(on, &amount.property);
            if let Some(currency) = &amount.currency {
                text.push_str(&format!(", currency = {}", quote(currency)));
            }
            let kind = match fold {
                Fold::Sum => "sum",
                Fold::Avg => "avg",
                Fold::Min => "min",
                Fold::Max => "max",
                Fold::First => "first",
                Fold::Last => "last",
            };
            if matches!(fold, Fold::First | Fold::Last) {
                text.push_str(", type = \"number\"");
            }
            (kind, text)
        }
        TraitRule::First(on, property) => ("first", with(on, property)),
        TraitRule::Last(on, property) => ("last", with(on, property)),
        TraitRule::UniqueCount(on, property) => ("unique_count", with(on, property)),
        TraitRule::UniqueList(on, property) => ("unique_list", with(on, property)),
        TraitRule::MostFrequent(frequent) => {
            let mut text = with(&frequent.on, &frequent.property);
            if !frequent.weights.is_empty() {
                text.push_str(&weighed(&frequent.weights));
            }
            if frequent.min_count > 1 {
                text.push_str(&format!(", min_count = {}", frequent.min_count));
            }
            ("most_frequent", text)
        }
        TraitRule::Ratio(of, over) => {
            let mut text = format!("{}, over = [{}]", show_events(of), quoted_list(&over.events));
            if let Some(condition) = &over.condition {
                text.push_str(&format!(", over_where = {}", quote(condition.text())));
            }
            ("ratio", text)
        }
        TraitRule::Formula(formula) => ("formula", format!(", formula = {}", quote(formula.text()))),
        TraitRule::Interest(part, weights) => {
            let all = [weights.viewed, weights.added, weights.ordered];
            let pairs: Vec<(Arc<str>, u32)> = INTEREST_EVENTS.into_iter().map(Arc::from).zip(all).collect();
            let text = if *weights == InterestWeights::default() { String::new() } else { weighed(&pairs) };
            (if *part == InterestPart::Product { "top_product" } else { "top_category" }, text)
        }
        TraitRule::Topics(topics) => {
            let each = topics.topics().iter();
            let each: Vec<String> =
                each.map(|(topic, means)| format!("{} = [{}]", quote(topic), quoted_list(means))).collect();
            ("intent_topics", format!(", topics = {{ {} }}", each.join(", ")))
        }
        TraitRule::Sales(Sales::Ltv(source)) => {
            let word = LTV_SOURCES.iter().find(|(_, known)| known == source).map_or("both", |(word, _)| word);
            ("ltv", if *source == LtvSource::Both { String::new() } else { format!(", source = \"{word}\"") })
        }
        other => {
            let named = KINDS.iter().find(|(name, _)| plain(name).as_ref() == Some(other));
            (named.map_or("", |(name, _)| name), String::new())
        }
    }
}

fn quoted_list(words: &[Arc<str>]) -> String {
    words.iter().map(|word| quote(word)).collect::<Vec<String>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_means_a_rule_that_is_shown_under_its_name() {
        for (kind, _) in KINDS.iter().filter(|(kind, _)| *kind != "formula") {
            let given = Given {
                on: Some(EventMatch::events(["page"])),
                over: Some(EventMatch::events(["screen"])),
                property: Some("x".into()),
                ..Given::default()
            };
            let rule = rule(kind, given).unwrap_or_else(|| panic!("{kind}"));
            assert_eq!(shown(&rule).0, *kind);
        }
    }
}
