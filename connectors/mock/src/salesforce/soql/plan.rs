//! A query whose names are looked up and whose literals fit their fields: ready to run.

use std::collections::HashSet;

use chrono::NaiveDate;

use super::ast::{Function, Operator};
use super::pattern::Pattern;
use crate::clock::Millis;
use crate::salesforce::datum::Datum;
use crate::salesforce::kind::Kind;
use crate::salesforce::schema::{FieldId, FieldType};

#[derive(Clone, Debug)]
pub struct Plan {
    pub kind: Kind,
    pub output: Output,
    pub filter: Option<Test>,
    pub order: Vec<Sort>,
    pub limit: Option<u64>,
    pub offset: u64,
}

#[derive(Clone, Debug)]
pub enum Output {
    Rows(Vec<Column>),
    /// `COUNT()` alone.
    Count,
    Groups(Box<Groups>),
}

/// One thing selected of a row.
#[derive(Clone, Debug)]
pub enum Column {
    Value(Way),
    /// Rows of another object that point here through `field`; `name` is what this object calls them.
    Children {
        name: String,
        field: FieldId,
        plan: Box<Plan>,
    },
}

/// The way from a row to a value: references to follow, then a field.
#[derive(Clone, Debug)]
pub struct Way {
    pub steps: Vec<Step>,
    pub leaf: Leaf,
    pub ty: FieldType,
    pub case_sensitive: bool,
    /// Whether it may be filtered, sorted and grouped by: neither a long text nor a compound.
    pub filterable: bool,
    /// Canonical names of the steps and of the field, joined by dots.
    pub name: String,
    /// Where the path stands in the query.
    pub at: usize,
}

#[derive(Clone, Debug)]
pub struct Step {
    pub field: FieldId,
    /// The relationship's canonical name.
    pub name: String,
    /// Whether the reference may lead to several objects.
    pub polymorphic: bool,
}

#[derive(Clone, Debug)]
pub enum Leaf {
    Field(FieldId),
    /// A field of whichever object a polymorphic reference leads to.
    Either(Vec<(Kind, FieldId)>),
    /// `Who.Type`: the name of that object.
    TypeName,
}

/// A condition. `W` is how the tested value is reached: from a row, or from a group.
#[derive(Clone, Debug)]
pub enum Test<W = Way> {
    All(Vec<Test<W>>),
    Any(Vec<Test<W>>),
    Not(Box<Test<W>>),
    One(W, Check),
}

/// What is asked of a value.
#[derive(Clone, Debug)]
pub enum Check {
    IsNull,
    IsNotNull,
    /// `=`, `!=`, `<`, … with a value of the field's type; text already in lower case where case does not count.
    Compare(Operator, Datum),
    /// The same with a span of days: `>` means past its end, `=` inside it.
    Span(Operator, NaiveDate, NaiveDate),
    /// The same with a span of instants.
    Stretch(Operator, Millis, Millis),
    Like(Pattern),
    OneOf(Choice),
    /// Any of these sets of picklist values is in the field as a whole.
    Includes {
        negated: bool,
        sets: Vec<Vec<String>>,
    },
}

#[derive(Clone, Debug, Default)]
pub struct Choice {
    pub negated: bool,
    /// Whether null is among the choices.
    pub null: bool,
    /// As [`key`] files them.
    pub keys: HashSet<String>,
    /// The same as values, for whoever looks in an index.
    pub values: Vec<Datum>,
    /// Date words among the choices.
    pub others: Vec<Check>,
}

#[derive(Clone, Debug)]
pub struct Sort<W = Way> {
    pub by: W,
    pub descending: bool,
    pub nulls_last: bool,
}

/// GROUP BY, or aggregates over everything.
#[derive(Clone, Debug)]
pub struct Groups {
    pub by: Vec<Way>,
    pub columns: Vec<GroupColumn>,
    pub having: Option<Test<Grouped>>,
    pub order: Vec<Sort<Grouped>>,
}

#[derive(Clone, Debug)]
pub struct GroupColumn {
    /// The key in the answer: the field, an alias, or `expr0`.
    pub key: String,
    pub value: Grouped,
}

/// A value of a group.
#[derive(Clone, Debug)]
pub enum Grouped {
    /// The n-th of `Groups::by`.
    Key(usize),
    Computed(Function, Way),
}

impl<W> Test<W> {
    /// Everything tested, in order.
    pub fn collect<'a>(&'a self, into: &mut Vec<&'a W>) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.collect(into)),
            Self::Not(inner) => inner.collect(into),
            Self::One(what, _) => into.push(what),
        }
    }
}
