//! One trait's value from its facts and deals, and when it changes by itself.

use std::collections::BTreeSet;
use std::time::Duration;

use connector::{ActivityKind, Timestamp, Value};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::enrich::around::Around;
use crate::enrich::commerce;
use crate::enrich::health::{self, Signs};
use crate::enrich::interest::Tally;
use crate::enrich::ledger::to_base;
use crate::enrich::mail::{MAIL_STATUS, Mail, What};
use crate::enrich::needs::weighted;
use crate::enrich::sales;
use crate::enrich::tendency::tendency;
use crate::enrich::topics;
use crate::enrich::touch::{self, LOOK_BACK, Touch};
use crate::enrich::trait_spec::{
    Contacted, Fold, InterestPart, InterestWeights, MailTrait, QUOTIENT_DIGITS, TouchPart, TraitRule, TraitSpec,
};
use crate::enrich::window::{Due, is_within, local_day};
use crate::model::{Activity, Fact, RuleId};

const DAY_MICROS: i64 = 86_400_000_000;

/// What a trend compares where no window is given.
pub(super) const TREND_SPAN: Duration = Duration::from_secs(14 * 86_400);

/// A trait's value; the flag is set where an amount had no rate and was left out. `rules` are the trait's own, in the order of
/// [`crate::enrich::needs`]. Formulas and the lifecycle, which read other traits, are null here.
pub(super) fn value(spec: &TraitSpec, rules: &[RuleId], around: &Around<'_, '_>, due: &mut Due) -> (Value, bool) {
    let (as_of, window) = (around.as_of, spec.window);
    let of = |place: usize| rules.get(place).map(|rule| around.past(*rule)).unwrap_or_default();
    // By time, so what is within the window is a tail.
    let counted = |facts: &'_ [&Fact]| facts.partition_point(|fact| !is_within(fact.at, window, as_of));
    let own = of(0);
    let own = own.get(counted(own)..).unwrap_or_default();
    let leaves = |at: Option<Timestamp>, due: &mut Due| {
        if let (Some(at), Some(window)) = (at, window) {
            due.note(at.saturating_add(window));
        }
    };
    let (first, last) = (own.first().map(|fact| fact.at), own.last().map(|fact| fact.at));
    let value = match &spec.rule {
        TraitRule::Visits => {
            let visits = around.streams.spans.iter().filter(|span| span.is_visit()).map(|visit| visit.start);
            let within: Vec<Timestamp> = visits.filter(|start| is_within(*start, window, as_of)).collect();
            leaves(within.first().copied(), due);
            count(within.len())
        }
        TraitRule::DaysActive => {
            let steps = around.steps();
            let steps = steps.get(counted(steps)..).unwrap_or_default();
            leaves(steps.first().map(|step| step.at), due);
            let mut days: Vec<_> = steps.iter().map(|step| local_day(step.at, around.model.time_zone)).collect();
            // By time, and so by day.
            days.dedup();
            count(days.len())
        }
        TraitRule::LastSeen => {
            let last = around.alive().last().copied().filter(|at| is_within(*at, window, as_of));
            leaves(last, due);
            last.map_or(Value::Null, Value::Instant)
        }
        TraitRule::FirstSeen => around.first_seen.filter(|at| *at <= as_of).map_or(Value::Null, Value::Instant),
        TraitRule::FirstTouch(part) => {
            touch::first(&around.streams.touches).map_or(Value::Null, |(touch, _)| part_of(&touch, *part))
        }
        TraitRule::LastTouch(part) => match touch::last(&around.streams.touches, as_of) {
            Some((touch, which)) => {
                if let Some(touched) = which {
                    due.note(touched.at.saturating_add(LOOK_BACK));
                }
                part_of(&touch, *part)
            }
            None => Value::Null,
        },
        TraitRule::Count(_) => {
            leaves(first, due);
            count(own.len())
        }
        TraitRule::Exists(_) => {
            leaves(last, due);
            Value::Bool(last.is_some())
        }
        TraitRule::Fold(fold, _, amount) => {
            leaves(first, due);
            return folded(*fold, amount.currency.is_some(), own, around);
        }
        TraitRule::First(..) | TraitRule::Last(..) => {
            let is_last = matches!(spec.rule, TraitRule::Last(..));
            let chosen = if is_last { own.last() } else { own.first() };
            leaves(chosen.map(|fact| fact.at), due);
            chosen.and_then(|fact| fact.text.clone()).map_or(Value::Null, Value::Text)
        }
        TraitRule::UniqueCount(..) => {
            leaves(first, due);
            count(own.iter().filter_map(|fact| fact.text.as_deref()).collect::<BTreeSet<&str>>().len())
        }
        TraitRule::UniqueList(..) => {
            leaves(first, due);
            let mut all = Tally::default();
            own.iter().filter_map(|fact| fact.text.as_deref()).for_each(|text| all.add(text, 1));
            all.all()
        }
        TraitRule::MostFrequent(frequent) => {
            let mut tally = Tally::default();
            for (place, (_, weight)) in weighted(frequent).iter().enumerate() {
                let facts = of(place);
                let facts = facts.get(counted(facts)..).unwrap_or_default();
                leaves(facts.first().map(|fact| fact.at), due);
                facts.iter().filter_map(|fact| fact.text.as_deref()).for_each(|text| tally.add(text, *weight));
            }
            tally.top(frequent.min_count)
        }
        TraitRule::DaysSince(_) => {
            leaves(last, due);
            last.map_or(Value::Null, |last| whole_days(last, as_of, due))
        }
        TraitRule::Ratio(..) => {
            let over = of(1);
            let over = over.get(counted(over)..).unwrap_or_default();
            leaves(first, due);
            leaves(over.first().map(|fact| fact.at), due);
            quotient(Decimal::from(own.len()).checked_div(Decimal::from(over.len())))
        }
        TraitRule::Trend(_) => {
            let times: Vec<Timestamp> = of(0).iter().map(|fact| fact.at).collect();
            let first_seen = around.first_seen.unwrap_or(as_of);
            tendency(&times, window.unwrap_or(TREND_SPAN), first_seen, as_of, due)
        }
        TraitRule::EngagementTrend => {
            let first_seen = around.first_seen.unwrap_or(as_of);
            tendency(around.alive(), window.unwrap_or(TREND_SPAN), first_seen, as_of, due)
        }
        TraitRule::WonDeals => count(sales::won(around.deals).count()),
        TraitRule::WonRevenue => return sales::won_revenue(around.model, around.deals).told(),
        TraitRule::LastWon => {
            let closed = sales::won(around.deals).filter_map(|deal| deal.facts.closed_at);
            closed.max().map_or(Value::Null, Value::Instant)
        }
        TraitRule::Contacted(what) => contacted(*what, window, around, due),
        TraitRule::Sales(one) => return sales::value(*one, window, rules, around, due),
        TraitRule::Mail(MailTrait::Status) => {
            let status =
                own.last().and_then(|fact| usize::try_from(fact.number).ok()).and_then(|at| MAIL_STATUS.get(at));
            leaves(last, due);
            Value::from(*status.unwrap_or(&"ok"))
        }
        TraitRule::Mail(which) => {
            let mail = around.mail();
            let what = if *which == MailTrait::Opened { What::Opened } else { What::Clicked };
            let within = mail.get(counted(mail)..).unwrap_or_default().iter().filter_map(|fact| Mail::of_fact(fact));
            let done: Vec<Mail> = within.filter(|one| one.what == what).collect();
            if *which == MailTrait::LastClick {
                leaves(done.last().map(|one| one.at), due);
                done.last().map_or(Value::Null, |one| Value::Instant(one.at))
            } else {
                leaves(done.first().map(|one| one.at), due);
                // A mail that says no id is one of its own.
                let key = |one: &Mail| (one.email.clone(), if one.email.is_empty() { one.event } else { 0 });
                count(done.iter().map(key).collect::<BTreeSet<_>>().len())
            }
        }
        TraitRule::Interest(part, weights) => {
            let looks = of(1);
            let looks = looks.get(counted(looks)..).unwrap_or_default();
            leaves(looks.first().map(|fact| fact.at), due);
            let orders: Vec<_> = around.orders().iter().filter(|one| is_within(one.at, window, as_of)).collect();
            leaves(orders.first().map(|order| order.at), due);
            let bought = orders.iter().flat_map(|order| &order.items);
            interest(*part, *weights, looks, bought.copied())
        }
        TraitRule::Topics(_) => {
            leaves(first, due);
            topics::topics(own, as_of, due)
        }
        TraitRule::NpsLast => {
            leaves(last, due);
            number_of(own.last()).map_or(Value::Null, |score| Value::Number(score.trunc().normalize()))
        }
        TraitRule::Health => {
            if around.orders().is_empty() && sales::won(around.deals).next().is_none() {
                Value::Null
            } else {
                let signs = Signs {
                    last_active: around.alive().last().copied(),
                    nps: number_of(of(2).last()),
                    urgent_ticket: health::has_urgent_ticket(of(3)),
                };
                Value::from(health::health(signs, as_of, due))
            }
        }
        TraitRule::Formula(_) | TraitRule::Lifecycle => Value::Null,
    };
    (value, false)
}

fn part_of(touch: &Touch, part: TouchPart) -> Value {
    let text = |part: &Option<String>| part.as_deref().map_or(Value::Null, Value::from);
    match part {
        TouchPart::Source => Value::from(touch.source.as_str()),
        TouchPart::Medium => text(&touch.medium),
        TouchPart::Campaign => text(&touch.campaign),
        TouchPart::Channel => Value::from(touch.channel()),
    }
}

fn interest<'f>(
    part: InterestPart,
    weights: InterestWeights,
    looks: &[&'f Fact],
    bought: impl Iterator<Item = (&'f str, &'f str)>,
) -> Value {
    let pick = |(name, category): (&'f str, &'f str)| if part == InterestPart::Product { name } else { category };
    let mut tally = Tally::default();
    for fact in looks {
        if let Some(look) = commerce::look_of(fact) {
            tally.add(pick(look), if fact.number == 0 { weights.viewed } else { weights.added });
        }
    }
    bought.for_each(|item| tally.add(pick(item), weights.ordered));
    tally.top(1)
}

/// What the CRMs' activities tell. One that is yet to come counts when its time has come.
fn contacted(what: Contacted, window: Option<Duration>, around: &Around<'_, '_>, due: &mut Due) -> Value {
    let as_of = around.as_of;
    for activity in around.activities.iter().filter(|activity| activity.at > as_of && activity.is_contact(activity.at))
    {
        due.note(activity.at);
    }
    let counts = |activity: &&Activity| {
        let is_meeting = activity.facts.kind == ActivityKind::Meeting;
        let asked = what != Contacted::Meetings || is_meeting;
        asked && activity.is_contact(as_of) && is_within(activity.at, window, as_of)
    };
    let mut within = around.activities.iter().filter(counts);
    let leaves = |activity: Option<&Activity>, due: &mut Due| {
        if let (Some(activity), Some(window)) = (activity, window) {
            due.note(activity.at.saturating_add(window));
        }
    };
    match what {
        Contacted::Last | Contacted::LastBy => {
            let last = within.next();
            leaves(last, due);
            match (last, what) {
                (Some(last), Contacted::Last) => Value::Instant(last.at),
                (Some(last), _) => last.owner.clone().map_or(Value::Null, Value::Text),
                (None, _) => Value::Null,
            }
        }
        Contacted::Times | Contacted::Meetings => {
            let all: Vec<&Activity> = within.collect();
            leaves(all.last().copied(), due);
            count(all.len())
        }
    }
}

fn folded(fold: Fold, is_money: bool, facts: &[&Fact], around: &Around<'_, '_>) -> (Value, bool) {
    let mut incomplete = false;
    let mut numbers: Vec<Decimal> = Vec::with_capacity(facts.len());
    for fact in facts {
        let number = if is_money {
            let Some(converted) = money_of(fact, around) else { continue };
            incomplete |= converted.is_none();
            converted
        } else {
            number_of(Some(fact))
        };
        numbers.extend(number);
    }
    let sum = || numbers.iter().try_fold(Decimal::ZERO, |sum, number| sum.checked_add(*number));
    let one = match fold {
        Fold::Sum if is_money => {
            let mut sum = sales::Sum::default();
            numbers.iter().for_each(|number| sum.add(Some(*number)));
            incomplete |= sum.incomplete;
            Some(sum.value)
        }
        Fold::Sum => sum(),
        Fold::Avg => {
            let average = sum().and_then(|sum| sum.checked_div(Decimal::from(numbers.len())));
            let value = if is_money { sales::money(around.model, average) } else { quotient(average) };
            return (value, incomplete);
        }
        Fold::Min => numbers.iter().min().copied(),
        Fold::Max => numbers.iter().max().copied(),
        Fold::First => numbers.first().copied(),
        Fold::Last => numbers.last().copied(),
    };
    // Beyond 28 digits there is no sum to be trusted.
    (one.map_or(Value::Null, |number| Value::Number(number.normalize())), incomplete)
}

/// The amount of an event in the base currency; `Some(None)` where no rate says what it is worth, `None` where it has none.
pub(super) fn money_of(fact: &Fact, around: &Around<'_, '_>) -> Option<Option<Decimal>> {
    let (number, currency) = fact.text.as_deref()?.split_once(commerce::SEPARATOR)?;
    Some(to_base(around.model, number.parse().ok()?, currency, fact.at))
}

fn number_of(fact: Option<&&Fact>) -> Option<Decimal> {
    fact?.text.as_deref()?.parse().ok()
}

/// A quotient that is no money; null where nothing was divided.
pub(super) fn quotient(number: Option<Decimal>) -> Value {
    number.map_or(Value::Null, |number| {
        let rounded = number.round_dp_with_strategy(QUOTIENT_DIGITS, RoundingStrategy::MidpointNearestEven);
        Value::Number(rounded.normalize())
    })
}

/// Whole days of 24 hours since an instant; the next one is noted.
pub(super) fn whole_days(at: Timestamp, as_of: Timestamp, due: &mut Due) -> Value {
    let days = (as_of.micros() - at.micros()).div_euclid(DAY_MICROS);
    let next = u64::try_from(days + 1).unwrap_or(1);
    due.note(at.saturating_add(Duration::from_secs(next * 86_400)));
    Value::from(days)
}

pub(super) fn count(number: usize) -> Value {
    Value::from(i64::try_from(number).unwrap_or(i64::MAX))
}
