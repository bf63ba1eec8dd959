//! A checked expression, and its evaluation. It visits every node at most once per item of a list, so its cost is bounded
//! by the text's length and the event's.

use std::cmp::Ordering;
use std::sync::Arc;

use connector::Timestamp;
use regex::Regex;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::expr::Json;
use crate::expr::value::{Fault, Val};

/// What an expression is evaluated against.
pub trait Input {
    /// The value of a name of the scope; [`Val::Null`] where it is missing.
    fn value<'s>(&'s self, name: &str) -> Val<'s>;

    /// What the events of the expression's predicate at this place ([`crate::expr::Expr::predicates`]) amount to.
    fn events(&self, _place: usize) -> Val<'_> {
        Val::Null
    }

    /// The instant that `days_since` counts to.
    fn as_of(&self) -> Timestamp;
}

/// A literal of the text.
#[derive(Clone, Debug)]
pub(super) enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Dec(Decimal),
    Text(Arc<str>),
    Instant(Timestamp),
    Span(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Size,
    StartsWith,
    EndsWith,
    Contains,
    Lower,
    Coalesce,
    Max,
    Min,
    DaysSince,
    Int,
    Double,
    Text,
}

#[derive(Clone, Debug)]
pub(super) enum Node {
    Literal(Literal),
    Name(Arc<str>),
    /// The variable of an enclosing `exists` or `all`.
    Item,
    Member(Box<Node>, Arc<str>),
    Index(Box<Node>, Box<Node>),
    List(Vec<Node>),
    IsNull(Box<Node>),
    Not(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    Choice(Box<[Node; 3]>),
    Compare(Compare, Box<[Node; 2]>),
    In(Box<[Node; 2]>),
    Arithmetic(Arithmetic, Box<[Node; 2]>),
    Negate(Box<Node>),
    Call(Function, Vec<Node>),
    Matches(Box<Node>, Regex),
    /// A `count` or `sum`: the place of its predicate.
    Events(usize),
    /// `list.exists(item, condition)`; with `true`, `list.all(…)`.
    Each(Box<Node>, bool, Box<Node>),
}

pub(super) type Evaluated<'a> = Result<Val<'a>, Fault>;

#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub input: &'a dyn Input,
    pub item: Option<&'a Val<'a>>,
}

impl Node {
    pub(super) fn eval<'a>(&'a self, place: Place<'a>) -> Evaluated<'a> {
        Ok(match self {
            Self::Literal(literal) => literal.value(),
            Self::Name(name) => place.input.value(name),
            Self::Events(predicate) => place.input.events(*predicate),
            Self::Item => place.item.cloned().unwrap_or(Val::Null),
            Self::Member(base, key) => match base.eval(place)? {
                Val::Json(json) => Val::from_json(json.get(key)),
                _ => Val::Null,
            },
            Self::Index(base, key) => index(base.eval(place)?, key.eval(place)?)?,
            Self::List(items) => Val::List(items.iter().map(|item| item.eval(place)).collect::<Result<_, _>>()?),
            Self::IsNull(inner) => Val::Bool(inner.eval(place)?.is_null()),
            Self::Not(inner) => Val::Bool(!inner.truth(place)?),
            Self::And(terms) => Val::Bool(absorb(terms, place, false)?),
            Self::Or(terms) => Val::Bool(absorb(terms, place, true)?),
            Self::Choice(parts) => {
                let [when, then, otherwise] = parts.as_ref();
                if when.truth(place)? { then.eval(place)? } else { otherwise.eval(place)? }
            }
            Self::Compare(how, sides) => {
                let [left, right] = sides.as_ref();
                Val::Bool(compare(*how, &left.eval(place)?, &right.eval(place)?)?)
            }
            Self::In(sides) => {
                let [needle, hay] = sides.as_ref();
                Val::Bool(contains(&needle.eval(place)?, &hay.eval(place)?)?)
            }
            Self::Arithmetic(how, sides) => {
                let [left, right] = sides.as_ref();
                arithmetic(*how, left.eval(place)?, right.eval(place)?)?
            }
            Self::Negate(inner) => match inner.eval(place)? {
                Val::Int(number) => Val::Int(number.checked_neg().ok_or(Fault)?),
                Val::Dec(number) => Val::Dec(-number),
                Val::Span(micros) => Val::Span(micros.checked_neg().ok_or(Fault)?),
                _ => return Err(Fault),
            },
            Self::Call(function, arguments) => call(*function, arguments, place)?,
            Self::Matches(text, pattern) => match text.eval(place)? {
                Val::Text(text) => Val::Bool(pattern.is_match(&text)),
                _ => return Err(Fault),
            },
            Self::Each(list, all, condition) => {
                let items = list.eval(place)?.items().ok_or(Fault)?;
                let mut fault = false;
                for item in &items {
                    // The item lives as long as this loop, so the condition is judged here and only a flag leaves.
                    match condition.truth(Place { input: place.input, item: Some(item) }) {
                        Ok(holds) if holds != *all => return Ok(Val::Bool(holds)),
                        Ok(_) => {}
                        Err(Fault) => fault = true,
                    }
                }
                if fault {
                    return Err(Fault);
                }
                Val::Bool(*all)
            }
        })
    }

    pub(super) fn truth(&self, place: Place<'_>) -> Result<bool, Fault> {
        match self.eval(place)? {
            Val::Bool(flag) => Ok(flag),
            _ => Err(Fault),
        }
    }
}

impl Literal {
    fn value(&self) -> Val<'_> {
        match self {
            Self::Null => Val::Null,
            Self::Bool(flag) => Val::Bool(*flag),
            Self::Int(number) => Val::Int(*number),
            Self::Dec(number) => Val::Dec(*number),
            Self::Text(text) => Val::text(text),
            Self::Instant(at) => Val::Instant(*at),
            Self::Span(micros) => Val::Span(*micros),
        }
    }
}

/// `&&` and `||`: one decisive term decides, whatever the others fail at.
fn absorb(terms: &[Node], place: Place<'_>, decisive: bool) -> Result<bool, Fault> {
    let mut fault = false;
    for term in terms {
        match term.truth(place) {
            Ok(flag) if flag == decisive => return Ok(decisive),
            Ok(_) => {}
            Err(Fault) => fault = true,
        }
    }
    if fault { Err(Fault) } else { Ok(!decisive) }
}

fn compare(how: Compare, left: &Val<'_>, right: &Val<'_>) -> Result<bool, Fault> {
    Ok(match how {
        Compare::Equal => left.equals(right)?,
        Compare::Unequal => !left.equals(right)?,
        Compare::Less => left.order(right)? == Ordering::Less,
        Compare::LessOrEqual => left.order(right)? != Ordering::Greater,
        Compare::Greater => left.order(right)? == Ordering::Greater,
        Compare::GreaterOrEqual => left.order(right)? != Ordering::Less,
    })
}

fn contains(needle: &Val<'_>, hay: &Val<'_>) -> Result<bool, Fault> {
    if needle.is_null() {
        return Err(Fault);
    }
    if let (Val::Json(object @ Json::Object(_)), Val::Text(key)) = (hay, needle) {
        return Ok(object.get(key).is_some());
    }
    let items = hay.items().ok_or(Fault)?;
    Ok(items.iter().any(|item| needle.equals(item) == Ok(true)))
}

fn index<'a>(base: Val<'a>, key: Val<'_>) -> Evaluated<'a> {
    match (base, key) {
        (Val::Json(json @ Json::Object(_)), Val::Text(key)) => Ok(Val::from_json(json.get(&key))),
        (base, key) => {
            let place = key.number().and_then(|number| number.to_usize()).ok_or(Fault)?;
            base.items().and_then(|items| items.into_iter().nth(place)).ok_or(Fault)
        }
    }
}

fn arithmetic<'a>(how: Arithmetic, left: Val<'a>, right: Val<'a>) -> Evaluated<'a> {
    use Arithmetic::{Add, Divide, Multiply, Remainder, Subtract};
    let result = match (how, &left, &right) {
        (Add, Val::Text(a), Val::Text(b)) => Some(Val::Text(format!("{a}{b}").into())),
        (Add, Val::Int(a), Val::Int(b)) => a.checked_add(*b).map(Val::Int),
        (Subtract, Val::Int(a), Val::Int(b)) => a.checked_sub(*b).map(Val::Int),
        (Multiply, Val::Int(a), Val::Int(b)) => a.checked_mul(*b).map(Val::Int),
        (Divide, Val::Int(a), Val::Int(b)) => a.checked_div(*b).map(Val::Int),
        (Remainder, Val::Int(a), Val::Int(b)) => a.checked_rem(*b).map(Val::Int),
        (Add, Val::Span(a), Val::Span(b)) => a.checked_add(*b).map(Val::Span),
        (Subtract, Val::Span(a), Val::Span(b)) => a.checked_sub(*b).map(Val::Span),
        (Add, Val::Instant(at), Val::Span(by)) | (Add, Val::Span(by), Val::Instant(at)) => {
            at.micros().checked_add(*by).map(|micros| Val::Instant(Timestamp::from_micros(micros)))
        }
        (Subtract, Val::Instant(at), Val::Span(by)) => {
            at.micros().checked_sub(*by).map(|micros| Val::Instant(Timestamp::from_micros(micros)))
        }
        (Subtract, Val::Instant(a), Val::Instant(b)) => a.micros().checked_sub(b.micros()).map(Val::Span),
        _ => match (left.number(), right.number()) {
            (Some(a), Some(b)) => match how {
                Add => a.checked_add(b),
                Subtract => a.checked_sub(b),
                Multiply => a.checked_mul(b),
                Divide => a.checked_div(b),
                Remainder => a.checked_rem(b),
            }
            .map(Val::Dec),
            _ => None,
        },
    };
    result.ok_or(Fault)
}

fn call<'a>(function: Function, arguments: &'a [Node], place: Place<'a>) -> Evaluated<'a> {
    let mut values = arguments.iter().map(|argument| argument.eval(place));
    let mut next = || values.next().unwrap_or(Err(Fault));
    Ok(match function {
        Function::Coalesce => {
            for argument in arguments {
                let value = argument.eval(place)?;
                if !value.is_null() {
                    return Ok(value);
                }
            }
            Val::Null
        }
        Function::Max | Function::Min => {
            let wanted = if function == Function::Max { Ordering::Greater } else { Ordering::Less };
            let mut best = next()?;
            if best.is_null() {
                return Err(Fault);
            }
            for argument in arguments.iter().skip(1) {
                let value = argument.eval(place)?;
                if value.order(&best)? == wanted {
                    best = value;
                }
            }
            best
        }
        Function::Size => {
            let value = next()?;
            let size = match &value {
                Val::Text(text) => text.chars().count(),
                Val::Json(Json::Object(members)) => members.len(),
                other => other.items().ok_or(Fault)?.len(),
            };
            Val::Int(i64::try_from(size).map_err(|_| Fault)?)
        }
        Function::StartsWith => on_texts(next()?, next()?, |text, part| text.starts_with(part))?,
        Function::EndsWith => on_texts(next()?, next()?, |text, part| text.ends_with(part))?,
        Function::Contains => on_texts(next()?, next()?, |text, part| text.contains(part))?,
        Function::Lower => match next()? {
            Val::Text(text) => Val::Text(text.to_lowercase().into()),
            _ => return Err(Fault),
        },
        Function::DaysSince => {
            let at = match next()? {
                Val::Instant(at) => at,
                Val::Date(date) => date.and_hms_opt(0, 0, 0).map(|at| Timestamp::from(at.and_utc())).ok_or(Fault)?,
                Val::Text(text) => crate::expr::value::parse_instant(&text).ok_or(Fault)?,
                _ => return Err(Fault),
            };
            let micros = place.input.as_of().micros().checked_sub(at.micros()).ok_or(Fault)?;
            Val::Int(micros.div_euclid(86_400_000_000))
        }
        Function::Int => match next()? {
            Val::Null => Val::Null,
            Val::Text(text) => Val::Int(text.parse().map_err(|_| Fault)?),
            value => Val::Int(value.number().and_then(|n| n.trunc().to_i64()).ok_or(Fault)?),
        },
        Function::Double => match next()? {
            Val::Text(text) => Val::Dec(text.parse().map_err(|_| Fault)?),
            value => Val::Dec(value.number().ok_or(Fault)?),
        },
        Function::Text => match next()? {
            Val::Text(text) => Val::Text(text),
            Val::Bool(flag) => Val::Text(flag.to_string().into()),
            Val::Date(date) => Val::Text(date.to_string().into()),
            Val::Instant(at) => Val::Text(at.to_rfc3339().into()),
            value => Val::Text(value.number().ok_or(Fault)?.normalize().to_string().into()),
        },
    })
}

fn on_texts<'a>(text: Val<'_>, part: Val<'_>, test: impl Fn(&str, &str) -> bool) -> Evaluated<'a> {
    match (text, part) {
        (Val::Text(text), Val::Text(part)) => Ok(Val::Bool(test(&text, &part))),
        _ => Err(Fault),
    }
}
