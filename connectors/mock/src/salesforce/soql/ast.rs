//! A query as it was written: names not yet looked up, places kept for the caret.

use rust_decimal::Decimal;

use super::date_word::DateWord;
use super::pattern::Pattern;
use crate::clock::Millis;

/// Where something stands in the query's text, in bytes. Two queries that differ only in places are the same query.
#[derive(Clone, Copy, Debug, Default)]
pub struct At(pub usize);

impl PartialEq for At {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    pub select: Vec<Item>,
    pub from: Path,
    pub alias: Option<String>,
    pub filter: Option<Condition>,
    pub group: Vec<Path>,
    pub having: Option<Condition>,
    pub order: Vec<Order>,
    pub limit: Option<u64>,
    pub offset: Option<(At, u64)>,
    /// Accepted and without effect: over REST, `queryAll` decides whether deleted rows are seen.
    pub all_rows: bool,
}

/// `Account.Owner.Name`, as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    pub at: At,
    pub parts: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    Field {
        path: Path,
        alias: Option<String>,
    },
    /// `COUNT()`: the number of rows instead of rows.
    Count(At),
    Aggregate {
        call: Call,
        alias: Option<String>,
    },
    /// `FIELDS(ALL)` and its like.
    Fields(At, FieldSet),
    /// `(SELECT … FROM Contacts)`: rows that point here.
    Children(Box<Query>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldSet {
    All,
    Standard,
    Custom,
}

/// `MAX(CreatedDate)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub at: At,
    pub function: Function,
    pub path: Path,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Count,
    CountDistinct,
    Min,
    Max,
    Sum,
    Avg,
}

impl Function {
    pub const ALL: [Self; 6] = [Self::Count, Self::CountDistinct, Self::Min, Self::Max, Self::Sum, Self::Avg];

    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "COUNT",
            Self::CountDistinct => "COUNT_DISTINCT",
            Self::Min => "MIN",
            Self::Max => "MAX",
            Self::Sum => "SUM",
            Self::Avg => "AVG",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name().eq_ignore_ascii_case(name))
    }
}

/// Chains of one connective lie flat, so that a thousand `OR`s are no deeper than one.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Test { left: Operand, operator: Operator, right: Comparand },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    Field(Path),
    /// Only in HAVING.
    Aggregate(Call),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Like,
    In,
    NotIn,
    Includes,
    Excludes,
}

impl Operator {
    pub fn text(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Like => "LIKE",
            Self::In => "IN",
            Self::NotIn => "NOT IN",
            Self::Includes => "INCLUDES",
            Self::Excludes => "EXCLUDES",
        }
    }

    pub fn takes_list(self) -> bool {
        matches!(self, Self::In | Self::NotIn | Self::Includes | Self::Excludes)
    }

    /// `<` and its like, which have an order and no meaning for null.
    pub fn is_ordering(self) -> bool {
        matches!(self, Self::Less | Self::LessEqual | Self::Greater | Self::GreaterEqual)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Comparand {
    One(Literal),
    List(Vec<Literal>),
    /// `IN (SELECT ContactId FROM …)`.
    Chosen(At, Box<Query>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    pub at: At,
    pub value: LiteralValue,
}

#[derive(Clone, Debug, PartialEq)]
pub enum LiteralValue {
    Null,
    Bool(bool),
    Text(String),
    /// The right side of LIKE.
    Pattern(Pattern),
    Number(Decimal),
    Date(chrono::NaiveDate),
    Instant(Millis),
    Word(DateWord),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    pub by: Operand,
    pub descending: bool,
    /// `None`: nulls first, which is the vendor's default both ways.
    pub nulls_last: Option<bool>,
}
