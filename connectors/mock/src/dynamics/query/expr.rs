//! A filter bound to the columns it names.

use crate::dynamics::datum::Datum;
use crate::dynamics::kind::Kind;
use crate::dynamics::schema::ColumnId;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextOp {
    Contains,
    Starts,
    Ends,
}

/// A column of the row, or of the row a lookup of it leads to.
#[derive(Clone, Debug, PartialEq)]
pub struct Reach {
    pub via: Option<(ColumnId, Kind)>,
    pub column: ColumnId,
}

#[derive(Clone, Debug)]
pub enum Side {
    Column(Reach),
    Value(Datum),
}

#[derive(Clone, Debug)]
pub enum Expr {
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Compare(Op, Reach, Side),
    Text(TextOp, Reach, String),
    In(Reach, Vec<Datum>),
    /// From the first to the second, both included; none: open on that side.
    Between(Reach, Datum, Datum),
    /// The values of a multiple choice hold one of these.
    Holds(Reach, Vec<i64>),
    /// Some, or every, row of a table whose lookup leads here fits.
    Some {
        kind: Kind,
        column: ColumnId,
        inner: Option<Box<Expr>>,
    },
    Every {
        kind: Kind,
        column: ColumnId,
        inner: Box<Expr>,
    },
}
