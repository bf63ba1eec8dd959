//! Why a trait is what it is: the events, orders and deals behind it, and how it comes about in words.

use connector::{DealStatus, Timestamp};

use crate::enrich::around::Around;
use crate::enrich::commerce;
use crate::enrich::explain::{Evidence, EvidenceSource, of_event, of_instant};
use crate::enrich::mail::{Mail, What};
use crate::enrich::sales;
use crate::enrich::spec::{EventMatch, ModelSpec};
use crate::enrich::touch::{self, Touch, Touched};
use crate::enrich::trait_spec::{Contacted, Fold, InterestPart, LtvSource, MailTrait, Sales, TraitRule, TraitSpec};
use crate::enrich::traits::{self, TREND_SPAN};
use crate::enrich::window::is_within;
use crate::model::{Activity, Deal, RuleId};

/// What a trait was made from, by time; `rules` are its own.
pub(super) fn evidence(spec: &TraitSpec, rules: &[RuleId], around: &Around<'_, '_>) -> Vec<Evidence> {
    let as_of = around.as_of;
    let outside = |at: Timestamp| match is_within(at, spec.window, as_of) {
        true => None,
        false if at > as_of => Some("later than the instant asked for"),
        false => Some("outside the window"),
    };
    let orders = || {
        let orders = around.orders().iter().map(|order| {
            let amount = order.revenue.map(|amount| format!("{} {}", amount.normalize(), around.model.base_currency));
            let parts = [Some(order.id.to_owned()), amount];
            let detail: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
            let no_rate = order.revenue.is_none().then_some("no exchange rate");
            let left_out = outside(order.at).or(no_rate);
            Evidence { detail: Some(detail.join(" · ").into()), left_out, ..of_instant(order.at, order.event, as_of) }
        });
        orders.collect::<Vec<Evidence>>()
    };
    let deals = |status: DealStatus| {
        let mut deals: Vec<&Deal> = around.deals.iter().filter(|deal| deal.facts.status == status).collect();
        deals.sort_by(|a, b| (a.facts.closed_at, &a.id).cmp(&(b.facts.closed_at, &b.id)));
        deals.into_iter().map(|deal| of_deal(around.model, deal)).collect::<Vec<Evidence>>()
    };
    match &spec.rule {
        TraitRule::WonDeals | TraitRule::WonRevenue | TraitRule::LastWon => deals(DealStatus::Won),
        TraitRule::Sales(Sales::OpenPipeline) => deals(DealStatus::Open),
        TraitRule::Contacted(_) => {
            let contacts = around.activities.iter().rev().filter(|activity| activity.is_contact(as_of));
            contacts.map(|activity| Evidence { left_out: outside(activity.at), ..of_activity(activity) }).collect()
        }
        TraitRule::Sales(Sales::Ltv(source)) => {
            let mut all = if *source == LtvSource::Deals { Vec::new() } else { orders() };
            if *source != LtvSource::Orders {
                all.extend(deals(DealStatus::Won));
            }
            all
        }
        TraitRule::Lifecycle => [orders(), deals(DealStatus::Won), deals(DealStatus::Open)].concat(),
        TraitRule::Sales(Sales::CartAbandoned | Sales::CartValue) => {
            let after = around.last_completed();
            let facts = rules.get(1).map(|rule| around.past(*rule)).unwrap_or_default();
            let one = |fact: &&crate::model::Fact| Evidence {
                detail: fact.text.as_deref().map(|text| commerce::shown(text).into()),
                left_out: after.is_some_and(|order| fact.at <= order).then_some("before the last order"),
                ..of_event(fact, as_of)
            };
            facts.iter().map(one).collect()
        }
        TraitRule::Sales(_) => orders(),
        TraitRule::Visits => {
            let streams = around.streams;
            let visits = streams.spans.iter().zip(&streams.first).filter(|(span, _)| span.is_visit());
            visits
                .map(|(visit, first)| {
                    let minutes = visit.end.since(visit.start).as_secs() / 60;
                    let detail = format!("{} views in {minutes} min", visit.views).into();
                    let left_out = outside(visit.start);
                    Evidence { detail: Some(detail), left_out, ..of_instant(visit.start, *first, as_of) }
                })
                .collect()
        }
        TraitRule::EngagementTrend => {
            // Two spans are compared.
            let span = spec.window.unwrap_or(TREND_SPAN).saturating_mul(2);
            let is_old =
                |at: Timestamp| (at <= as_of && !is_within(at, Some(span), as_of)).then_some("outside the window");
            let mut signs: Vec<Evidence> = around
                .signs_of_life()
                .map(|fact| Evidence {
                    left_out: is_old(fact.at).or(outside(fact.at).filter(|_| fact.at > as_of)),
                    ..of_event(fact, as_of)
                })
                .collect();
            signs.sort_by_key(|sign| sign.at);
            signs
        }
        TraitRule::DaysActive => {
            around.steps().iter().map(|fact| Evidence { left_out: outside(fact.at), ..of_event(fact, as_of) }).collect()
        }
        TraitRule::FirstTouch(_) => touch::first(&around.streams.touches)
            .map(|(touch, which)| of_touch(&touch, which, as_of))
            .into_iter()
            .collect(),
        TraitRule::LastTouch(_) => {
            let last = touch::last(&around.streams.touches, as_of);
            last.and_then(|(touch, which)| Some(of_touch(&touch, which?, as_of))).into_iter().collect()
        }
        TraitRule::LastSeen => {
            let last = around.last_alive();
            last.map(|fact| Evidence { left_out: outside(fact.at), ..of_event(fact, as_of) }).into_iter().collect()
        }
        TraitRule::Mail(which @ (MailTrait::Opened | MailTrait::Clicked | MailTrait::LastClick)) => {
            let what = if *which == MailTrait::Opened { What::Opened } else { What::Clicked };
            let mail = around.mail().iter().filter_map(|fact| Some((fact, Mail::of_fact(fact)?)));
            mail.filter(|(_, one)| one.what == what)
                .map(|(fact, one)| Evidence {
                    detail: (!one.email.is_empty()).then(|| one.email.as_str().into()),
                    left_out: outside(fact.at),
                    ..of_event(fact, as_of)
                })
                .collect()
        }
        _ => {
            let is_money = matches!(&spec.rule, TraitRule::Fold(_, _, amount) if amount.currency.is_some());
            let no_rate = |fact: &crate::model::Fact| {
                (is_money && traits::money_of(fact, around) == Some(None)).then_some("no exchange rate")
            };
            let one = |fact: &&crate::model::Fact| Evidence {
                detail: fact.text.as_deref().map(|text| commerce::shown(text).into()),
                left_out: outside(fact.at).or_else(|| no_rate(fact)),
                ..of_event(fact, as_of)
            };
            let mut facts: Vec<Evidence> =
                rules.iter().flat_map(|rule| around.sorted.of(*rule).iter().map(one)).collect();
            facts.sort_by_key(|one| one.at);
            facts
        }
    }
}

fn of_deal(model: &ModelSpec, deal: &Deal) -> Evidence {
    let amount = sales::amount_in_base(model, deal);
    let base = &model.base_currency;
    Evidence {
        at: deal.facts.closed_at,
        source: EvidenceSource::Deal { connection: deal.connection.clone(), id: deal.id.clone() },
        rule: None,
        detail: amount.flatten().map(|amount| format!("{} {base}", amount.normalize()).into()),
        points: None,
        age_days: None,
        left_out: (amount == Some(None)).then_some("no exchange rate"),
    }
}

fn of_activity(activity: &Activity) -> Evidence {
    let facts = &activity.facts;
    let parts = [Some(facts.kind.as_str()), facts.subject.as_deref(), activity.owner.as_deref()];
    let shown: Vec<&str> = parts.into_iter().flatten().collect();
    Evidence {
        at: Some(activity.at),
        source: EvidenceSource::Activity { connection: activity.connection.clone(), id: activity.id.clone() },
        rule: None,
        detail: Some(shown.join(" · ").into()),
        points: None,
        age_days: None,
        left_out: None,
    }
}

/// `google / cpc / spring`
fn of_touch(touch: &Touch, which: &Touched, as_of: Timestamp) -> Evidence {
    let parts = [Some(&touch.source), touch.medium.as_ref(), touch.campaign.as_ref()];
    let shown: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    Evidence { detail: Some(shown.join(" / ").into()), ..of_instant(which.at, which.event, as_of) }
}

/// How a trait comes about, for people.
pub(super) fn how(spec: &TraitSpec) -> String {
    let any = |on: &EventMatch| on.events.join(" or ");
    let what = match &spec.rule {
        TraitRule::Visits => "sessions with a page or screen view".to_owned(),
        TraitRule::LastSeen => "the latest event that the person did".to_owned(),
        TraitRule::FirstSeen => "the earliest event or record of the person".to_owned(),
        TraitRule::DaysActive => "days with an event of a session".to_owned(),
        TraitRule::FirstTouch(part) => format!("the {} of the earliest touch that is not direct", part.as_str()),
        TraitRule::LastTouch(part) => {
            format!("the {} of the latest touch in 90 days that is not direct", part.as_str())
        }
        TraitRule::Count(on) => format!("number of {}", any(on)),
        TraitRule::Exists(on) => format!("whether there is any {}", any(on)),
        TraitRule::Fold(fold, on, amount) => {
            let property = &amount.property;
            match fold {
                Fold::Sum => format!("sum of {property} over {}", any(on)),
                Fold::Avg => format!("average of {property} over {}", any(on)),
                Fold::Min => format!("least {property} of {}", any(on)),
                Fold::Max => format!("greatest {property} of {}", any(on)),
                Fold::First => format!("{property} of the earliest {}", any(on)),
                Fold::Last => format!("{property} of the latest {}", any(on)),
            }
        }
        TraitRule::First(on, property) => format!("{property} of the earliest {}", any(on)),
        TraitRule::Last(on, property) => format!("{property} of the latest {}", any(on)),
        TraitRule::UniqueCount(on, property) => format!("different {property} of {}", any(on)),
        TraitRule::UniqueList(on, property) => format!("every {property} of {}", any(on)),
        TraitRule::MostFrequent(frequent) => {
            format!("most frequent {} of {}", frequent.property, any(&frequent.on))
        }
        TraitRule::DaysSince(on) => format!("whole days since the latest {}", any(on)),
        TraitRule::Ratio(of, over) => format!("{} for each {}", any(of), any(over)),
        TraitRule::Trend(on) => format!("{} against the time before", any(on)),
        TraitRule::EngagementTrend => "what the person did against the time before".to_owned(),
        TraitRule::Formula(formula) => format!("{formula}"),
        TraitRule::WonDeals => "number of won deals".to_owned(),
        TraitRule::WonRevenue => "sum of won deals in the base currency at their close dates".to_owned(),
        TraitRule::LastWon => "the latest close date of a won deal".to_owned(),
        TraitRule::Contacted(Contacted::Last) => "when somebody was last in touch, as the CRMs tell".to_owned(),
        TraitRule::Contacted(Contacted::LastBy) => "who was last in touch, as the CRMs tell".to_owned(),
        TraitRule::Contacted(Contacted::Times) => "calls, meetings, e-mails and finished tasks at the CRMs".to_owned(),
        TraitRule::Contacted(Contacted::Meetings) => "meetings at the CRMs".to_owned(),
        TraitRule::Sales(sales) => of_sales(*sales).to_owned(),
        TraitRule::Mail(MailTrait::Opened) => "different mails opened by a person".to_owned(),
        TraitRule::Mail(MailTrait::Clicked) => "different mails with a link clicked by a person".to_owned(),
        TraitRule::Mail(MailTrait::LastClick) => "the latest link clicked by a person".to_owned(),
        TraitRule::Mail(MailTrait::Status) => "the latest bounce, complaint or unsubscription".to_owned(),
        TraitRule::Interest(InterestPart::Product, _) => "the product looked at, added and bought most".to_owned(),
        TraitRule::Interest(InterestPart::Category, _) => "the category looked at, added and bought most".to_owned(),
        TraitRule::Topics(_) => "topics read about; a look counts half after 14 days".to_owned(),
        TraitRule::Health => "a customer's activity, answers and urgent tickets".to_owned(),
        TraitRule::NpsLast => "the latest answer to a survey of type nps".to_owned(),
        TraitRule::Lifecycle => "orders and deals, then the band of leads, then whether the person is known".to_owned(),
    };
    match spec.window {
        Some(window) if window.as_secs() % 86_400 == 0 => {
            format!("{what} in the last {} days", window.as_secs() / 86_400)
        }
        Some(window) => format!("{what} in the last {} hours", window.as_secs() / 3_600),
        None => what,
    }
}

fn of_sales(sales: Sales) -> &'static str {
    match sales {
        Sales::OrdersCount => "number of orders that were not cancelled",
        Sales::OrderRevenue => "sum of orders less refunds, in the base currency at their dates",
        Sales::Aov => "revenue for each order",
        Sales::Ltv(LtvSource::Both) => "orders less refunds, and won deals that are none of them",
        Sales::Ltv(LtvSource::Orders) => "orders less refunds",
        Sales::Ltv(LtvSource::Deals) => "won deals",
        Sales::LastOrder => "when the latest order was completed",
        Sales::DaysSinceLastOrder => "whole days since the latest order",
        Sales::ProductsOwned => "names of what was ordered",
        Sales::OpenPipeline => "sum of open deals in the base currency",
        Sales::CartAbandoned => "a cart untouched for an hour, and not for longer than 14 days",
        Sales::CartValue => "what is in the cart since the last order",
    }
}
