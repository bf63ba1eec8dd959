//! What each kind of trait is made of: the rules whose facts it reads, in the order in which it reads them.

use std::sync::Arc;

use crate::enrich::commerce;
use crate::enrich::health;
use crate::enrich::mail;
use crate::enrich::matcher::{Keeps, Matcher};
use crate::enrich::spec::EventMatch;
use crate::enrich::trait_spec::{Frequent, InterestWeights, MailTrait, Sales, TraitRule};
use crate::expr::{EventPredicate, Expr, Scope};

/// What one trait reads.
#[derive(Debug, Default)]
pub(super) struct Needs {
    /// Rules of its own.
    pub own: Vec<Matcher>,
    /// Steps of sessions.
    pub steps: bool,
    /// Mail, told apart from what machines open.
    pub mail: bool,
}

/// What is the same for all traits of one model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Making<'a> {
    pub own_domains: &'a [Arc<str>],
    /// Whether any trait asks what was bought: then orders are kept with their items, for all.
    pub items: bool,
}

/// Whether a trait asks what was bought.
pub(super) fn asks_for_items(rule: &TraitRule) -> bool {
    matches!(
        rule,
        TraitRule::Sales(Sales::ProductsOwned) | TraitRule::Interest(_, InterestWeights { ordered: 1.., .. })
    )
}

impl Making<'_> {
    pub(super) fn needs(self, rule: &TraitRule) -> Needs {
        let (mut own, mut steps, mut mail) = (Vec::new(), false, false);
        match rule {
            TraitRule::Visits | TraitRule::DaysActive => steps = true,
            TraitRule::LastSeen | TraitRule::EngagementTrend => {
                steps = true;
                own.push(self.matcher(None, Keeps::Seen));
            }
            TraitRule::FirstTouch(_) | TraitRule::LastTouch(_) => {
                steps = true;
                own.push(self.matcher(None, Keeps::Touch));
            }
            TraitRule::Count(on) | TraitRule::Exists(on) | TraitRule::DaysSince(on) | TraitRule::Trend(on) => {
                own.push(self.matcher(Some(on), Keeps::Match));
            }
            TraitRule::Ratio(of, over) => own.extend([of, over].map(|on| self.matcher(Some(on), Keeps::Match))),
            TraitRule::Fold(_, on, amount) => {
                let keeps = match amount.currency {
                    Some(_) => Keeps::Money(amount.clone()),
                    None => Keeps::Number(amount.property.clone()),
                };
                own.push(self.matcher(Some(on), keeps));
            }
            TraitRule::First(on, property)
            | TraitRule::Last(on, property)
            | TraitRule::UniqueCount(on, property)
            | TraitRule::UniqueList(on, property) => {
                own.push(self.matcher(Some(on), Keeps::Text(property.clone())));
            }
            TraitRule::MostFrequent(frequent) => own.extend(
                weighted(frequent)
                    .into_iter()
                    .map(|(on, _)| self.matcher(Some(&on), Keeps::Text(frequent.property.clone()))),
            ),
            TraitRule::Sales(Sales::OpenPipeline) => {}
            TraitRule::Sales(Sales::CartAbandoned | Sales::CartValue) => {
                own.push(self.orders());
                own.push(self.matcher(Some(&EventMatch::events(commerce::CART_EVENTS)), Keeps::Cart));
            }
            TraitRule::Sales(_) | TraitRule::Lifecycle => own.push(self.orders()),
            TraitRule::Mail(MailTrait::Status) => {
                own.push(self.matcher(Some(&EventMatch::events(mail::STATUS_EVENTS)), Keeps::MailStatus));
            }
            TraitRule::Mail(_) => mail = true,
            TraitRule::Interest(..) => {
                own.push(self.orders());
                own.push(self.matcher(Some(&EventMatch::events(commerce::LOOK_EVENTS)), Keeps::Look));
            }
            TraitRule::Topics(topics) => own.push(self.matcher(None, Keeps::Topics(topics.clone()))),
            TraitRule::NpsLast => own.push(self.answers()),
            TraitRule::Health => {
                steps = true;
                own.push(self.orders());
                own.push(self.matcher(None, Keeps::Seen));
                own.push(self.answers());
                own.push(self.matcher(Some(&EventMatch::events(health::TICKET_EVENTS)), Keeps::Ticket));
            }
            TraitRule::Formula(formula) => own.extend(self.asked(formula)),
            TraitRule::FirstSeen
            | TraitRule::WonDeals
            | TraitRule::WonRevenue
            | TraitRule::LastWon
            | TraitRule::Contacted(_) => {}
        }
        Needs { own, steps, mail }
    }

    /// The rules that an expression's `count` and `sum` read, by place.
    pub(super) fn asked(self, expr: &Expr) -> Vec<Matcher> {
        let one = |asked: &EventPredicate| {
            let on = EventMatch { events: vec![asked.event.clone()], condition: asked.condition.clone() };
            let keeps = asked.property.clone().map_or(Keeps::Match, Keeps::Number);
            self.matcher(Some(&on), keeps)
        };
        expr.predicates().iter().map(one).collect()
    }

    pub(super) fn orders(self) -> Matcher {
        self.matcher(Some(&EventMatch::events(commerce::ORDER_EVENTS)), Keeps::Order(self.items))
    }

    /// Answers to "would you recommend us".
    fn answers(self) -> Matcher {
        let on = EventMatch::events(["Survey Completed"]);
        let nps = Expr::compile(NPS, &Scope::event());
        // A constant that a test compiles.
        let on = match nps {
            Ok(nps) => on.when(nps),
            Err(_) => EventMatch { events: Vec::new(), condition: None },
        };
        self.matcher(Some(&on), Keeps::Number("score".into()))
    }

    pub(super) fn matcher(self, on: Option<&EventMatch>, keeps: Keeps) -> Matcher {
        Matcher::new(on, keeps, self.own_domains)
    }
}

const NPS: &str = r#"lower(properties.type) == "nps""#;

/// The events of a most-frequent trait by what each counts for.
pub(super) fn weighted(frequent: &Frequent) -> Vec<(EventMatch, u32)> {
    let weight = |event: &str| {
        let normal = crate::enrich::normal_event_name(event);
        let given = frequent.weights.iter().find(|(name, _)| crate::enrich::normal_event_name(name) == normal);
        given.map_or(1, |(_, weight)| *weight)
    };
    let mut groups: Vec<(EventMatch, u32)> = Vec::new();
    for event in &frequent.on.events {
        let weight = weight(event);
        match groups.iter_mut().find(|(_, have)| *have == weight) {
            Some((on, _)) => on.events.push(event.clone()),
            None => {
                let on = EventMatch { events: vec![event.clone()], condition: frequent.on.condition.clone() };
                groups.push((on, weight));
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_condition_on_surveys_compiles() {
        assert!(Expr::compile(NPS, &Scope::event()).is_ok());
    }

    #[test]
    fn events_of_one_weight_are_one_rule() {
        let frequent = Frequent {
            on: EventMatch::events(["Product Viewed", "product_added", "Order Completed", "Wishlisted"]),
            property: "category".into(),
            weights: vec![("Product Added".into(), 3), ("Wishlisted".into(), 3)],
            min_count: 1,
        };
        let groups: Vec<(usize, u32)> =
            weighted(&frequent).iter().map(|(on, weight)| (on.events.len(), *weight)).collect();
        assert_eq!(groups, [(2, 1), (2, 3)]);
    }

    #[test]
    fn orders_are_one_rule_whoever_asks() {
        let making = Making { own_domains: &[], items: true };
        let ids = [Sales::OrdersCount, Sales::CartValue, Sales::ProductsOwned]
            .map(|sales| making.needs(&TraitRule::Sales(sales)).own[0].id);
        assert!(ids[0] == ids[1] && ids[1] == ids[2]);
        assert_ne!(ids[0], Making { items: false, ..making }.orders().id);
    }
}
