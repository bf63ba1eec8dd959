//! Computed traits, as configuration or a preset says them. Conditions and formulas arrive checked ([`crate::expr::Expr`]).

use std::sync::Arc;
use std::time::Duration;

use connector::FieldKind;

use crate::enrich::health::{HEALTH, LIFECYCLE};
use crate::enrich::mail::MAIL_STATUS;
use crate::enrich::rates::minor_digits;
use crate::enrich::spec::{EventMatch, Property};
use crate::enrich::tendency::TENDENCIES;
use crate::enrich::topics::TopicMap;
use crate::expr::{Expr, Kind};
use crate::model::TraitName;

/// One computed trait.
#[derive(Clone, Debug, PartialEq)]
pub struct TraitSpec {
    pub name: TraitName,
    pub rule: TraitRule,
    /// Rolling: event time in (as_of − window, as_of]. Of no meaning for the deal traits.
    pub window: Option<Duration>,
}

impl TraitSpec {
    /// The trait that says whether an amount was left out, where this is one of money.
    pub fn incomplete(&self) -> Option<TraitName> {
        self.rule.is_money().then(|| format!("{}_incomplete", self.name).into())
    }
}

/// Decimal places of a quotient that is no money.
pub(super) const QUOTIENT_DIGITS: u32 = 6;

/// How a trait comes about. Empty: counts and sums are 0, `Exists` is false, all others are null.
#[derive(Clone, Debug, PartialEq)]
pub enum TraitRule {
    /// Sessions with a page or screen view (`cdp-semantics` §1.7), by their start.
    Visits,
    /// The latest event that the person did (§3.2).
    LastSeen,
    /// Of the earliest session's touch that is not direct, else of the earliest (§1.8).
    FirstTouch(TouchPart),
    /// Of the latest touch of 90 days that is not direct, else direct (§1.8).
    LastTouch(TouchPart),
    /// The earliest event or record of the person.
    FirstSeen,
    /// Local dates with an event that forms sessions.
    DaysActive,
    Count(EventMatch),
    Exists(EventMatch),
    /// A numeric property put into one number; what is no number does not count.
    Fold(Fold, EventMatch, Amount),
    /// The property of the earliest event that has it, as text.
    First(EventMatch, Property),
    /// The property of the latest event that has it, as text.
    Last(EventMatch, Property),
    /// How many different values the property has.
    UniqueCount(EventMatch, Property),
    /// The different values of the property, by the alphabet.
    UniqueList(EventMatch, Property),
    MostFrequent(Frequent),
    /// Whole days of 24 hours since the latest event.
    DaysSince(EventMatch),
    /// How many of the first for each of the second; null where there is none of the second.
    Ratio(EventMatch, EventMatch),
    /// How the events of the window compare with those of the window before ([`TENDENCIES`]).
    Trend(EventMatch),
    /// The same of everything that the person did.
    EngagementTrend,
    /// A formula over other traits, compiled in [`crate::expr::Scope::profile`] by `Expr::compile_value`.
    Formula(Expr),
    WonDeals,
    /// In the base currency, converted at the close date, each deal rounded half-even to the minor unit.
    WonRevenue,
    /// The latest close date of a won deal.
    LastWon,
    Contacted(Contacted),
    Sales(Sales),
    Mail(MailTrait),
    /// What is looked at (weight 1), put into a cart (3) and bought (5) most, unless other weights are given.
    Interest(InterestPart, InterestWeights),
    Topics(Arc<TopicMap>),
    /// [`HEALTH`]; null for who is no customer.
    Health,
    /// The latest answer to a survey of type `nps`.
    NpsLast,
    /// [`LIFECYCLE`]
    Lifecycle,
}

/// How people of ours were in touch with the person, as the CRMs' activities tell: a call, a meeting or an e-mail that took place,
/// or a task that was done ([`crate::model::Activity::is_contact`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contacted {
    /// When that was last.
    Last,
    /// Who it was last.
    LastBy,
    /// How often.
    Times,
    /// How many meetings there were.
    Meetings,
}

/// How numbers become one. Of none: the sum is 0, everything else null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    Sum,
    /// Rounded half-even: money to its minor unit, other numbers to six decimal places.
    Avg,
    Min,
    Max,
    /// Of the earliest event that has one.
    First,
    /// Of the latest event that has one.
    Last,
}

/// A numeric property, and where it is money the property that names its currency: each amount is then converted to the base
/// currency at the event's date and rounded half-even.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    pub property: Property,
    pub currency: Option<Property>,
}

/// The value of a property that is there most often; of equals the first of the alphabet.
#[derive(Clone, Debug, PartialEq)]
pub struct Frequent {
    pub on: EventMatch,
    pub property: Property,
    /// For how many each of these events counts; one where nothing is said.
    pub weights: Vec<(Arc<str>, u32)>,
    /// A value counts from so many events on.
    pub min_count: u32,
}

/// What orders, carts and deals amount to (`cdp-semantics` §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sales {
    OrdersCount,
    OrderRevenue,
    /// Revenue for each order; null without any.
    Aov,
    Ltv(LtvSource),
    LastOrder,
    DaysSinceLastOrder,
    /// Names of what was bought, by the alphabet.
    ProductsOwned,
    OpenPipeline,
    CartAbandoned,
    CartValue,
}

/// What counts for a lifetime's value. A won deal that names a counted order is that order, and counts once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LtvSource {
    Both,
    Orders,
    Deals,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTrait {
    /// Different mails opened, by people.
    Opened,
    /// Different mails with a link clicked, by people.
    Clicked,
    LastClick,
    /// `ok`, or what the latest bounce, complaint or unsubscription made of it.
    Status,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterestPart {
    Product,
    Category,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterestWeights {
    pub viewed: u32,
    pub added: u32,
    /// For each item of an order.
    pub ordered: u32,
}

impl Default for InterestWeights {
    fn default() -> Self {
        Self { viewed: 1, added: 3, ordered: 5 }
    }
}

/// What of a touch a trait is. Of a direct one source and channel are `direct`, the others null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TouchPart {
    Source,
    Medium,
    Campaign,
    Channel,
}

impl TouchPart {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Medium => "medium",
            Self::Campaign => "campaign",
            Self::Channel => "channel",
        }
    }
}

impl TraitRule {
    /// The kind of the trait's values, for field mappings and expressions.
    pub fn kind(&self, base_currency: &str) -> FieldKind {
        let choice = |options: &[&str]| FieldKind::Choice { options: options.iter().map(|o| Arc::from(*o)).collect() };
        let list = || FieldKind::MultiChoice { options: Vec::new() };
        match self {
            _ if self.is_money() => FieldKind::Decimal { scale: Some(minor_digits(base_currency)) },
            Self::Visits
            | Self::DaysActive
            | Self::Count(_)
            | Self::UniqueCount(..)
            | Self::DaysSince(_)
            | Self::WonDeals
            | Self::Contacted(Contacted::Times | Contacted::Meetings)
            | Self::NpsLast
            | Self::Mail(MailTrait::Opened | MailTrait::Clicked)
            | Self::Sales(Sales::OrdersCount | Sales::DaysSinceLastOrder) => FieldKind::Integer,
            Self::LastSeen
            | Self::FirstSeen
            | Self::LastWon
            | Self::Contacted(Contacted::Last)
            | Self::Mail(MailTrait::LastClick)
            | Self::Sales(Sales::LastOrder) => FieldKind::Instant,
            Self::FirstTouch(_)
            | Self::LastTouch(_)
            | Self::First(..)
            | Self::Last(..)
            | Self::MostFrequent(_)
            | Self::Contacted(Contacted::LastBy)
            | Self::Interest(..) => FieldKind::Text,
            Self::Exists(_) | Self::Sales(Sales::CartAbandoned) => FieldKind::Bool,
            Self::Fold(Fold::Avg, ..) | Self::Ratio(..) => FieldKind::Decimal { scale: Some(QUOTIENT_DIGITS) },
            Self::Fold(..) | Self::WonRevenue => FieldKind::Decimal { scale: None },
            Self::UniqueList(..) | Self::Topics(_) | Self::Sales(_) => list(),
            Self::Trend(_) | Self::EngagementTrend => choice(&TENDENCIES),
            Self::Health => choice(&HEALTH),
            Self::Lifecycle => choice(&LIFECYCLE),
            Self::Mail(MailTrait::Status) => choice(&MAIL_STATUS),
            Self::Formula(formula) => match formula.kind() {
                Kind::Integer => FieldKind::Integer,
                Kind::Number => FieldKind::Decimal { scale: Some(QUOTIENT_DIGITS) },
                Kind::Bool => FieldKind::Bool,
                Kind::Date => FieldKind::Date,
                Kind::Instant => FieldKind::Instant,
                Kind::List => list(),
                Kind::Text | Kind::Span | Kind::Any | Kind::Null => FieldKind::Text,
            },
        }
    }

    /// Whether amounts without a rate are left out of it: it has a trait `<name>_incomplete` beside it then.
    pub fn is_money(&self) -> bool {
        match self {
            Self::Fold(_, _, amount) => amount.currency.is_some(),
            Self::WonRevenue => true,
            Self::Sales(sales) => matches!(
                sales,
                Sales::OrderRevenue | Sales::Aov | Sales::Ltv(_) | Sales::OpenPipeline | Sales::CartValue
            ),
            _ => false,
        }
    }
}
