//! `Microsoft.Dynamics.CRM.*` in a filter: sets, ranges, and spans of days counted from now.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate};
use rust_decimal::prelude::ToPrimitive;

use super::expr::{Expr, Op, Reach, Side, TextOp};
use super::literal::Literal;
use crate::clock::Millis;
use crate::dynamics::datum::Datum;
use crate::dynamics::guid::Guid;
use crate::dynamics::refusal::Refusal;
use crate::dynamics::schema::{Column, Ty};
use crate::dynamics::setup::{ROOT_UNIT, SYNC_USER};

const HOUR: Millis = 3_600_000;

/// # Errors
/// 400 for a function there is not, or values its column cannot have.
pub fn bind(name: &str, reach: Reach, column: &Column, values: &[Literal], now: Millis) -> Result<Expr, Refusal> {
    let value = |literal: &Literal| given(column, literal);
    let first =
        || values.first().ok_or_else(|| Refusal::query(format!("The function {name} needs a value."))).and_then(value);
    let second = || {
        values.get(1).ok_or_else(|| Refusal::query(format!("The function {name} needs two values."))).and_then(value)
    };
    let not = |expr: Expr| Expr::Not(Box::new(expr));
    let text = || match values.first() {
        Some(Literal::Text(text)) => Ok(text.clone()),
        _ => Err(Refusal::query(format!("The function {name} needs a text."))),
    };
    let all = || values.iter().map(value).collect::<Result<Vec<_>, _>>();
    let choices = || -> Result<Vec<i64>, Refusal> {
        let parse = |literal: &Literal| match literal {
            Literal::Text(text) => text.parse().ok(),
            Literal::Number(number) => number.to_i64(),
            _ => None,
        };
        values
            .iter()
            .map(|literal| parse(literal).ok_or_else(|| Refusal::query("A choice is a whole number.")))
            .collect()
    };
    let is = |id: Guid| Expr::Compare(Op::Eq, reach.clone(), Side::Value(Datum::Guid(id)));
    Ok(match name {
        "In" => Expr::In(reach, all()?),
        "NotIn" => not(Expr::In(reach, all()?)),
        "Between" => Expr::Between(reach, first()?, second()?),
        "NotBetween" => not(Expr::Between(reach, first()?, second()?)),
        "ContainValues" => Expr::Holds(reach, choices()?),
        "DoesNotContainValues" => not(Expr::Holds(reach, choices()?)),
        "BeginsWith" => Expr::Text(TextOp::Starts, reach, text()?),
        "DoesNotBeginWith" => not(Expr::Text(TextOp::Starts, reach, text()?)),
        "EndsWith" => Expr::Text(TextOp::Ends, reach, text()?),
        "DoesNotEndWith" => not(Expr::Text(TextOp::Ends, reach, text()?)),
        "EqualUserId" => is(SYNC_USER),
        "NotEqualUserId" => not(is(SYNC_USER)),
        "EqualBusinessId" => is(ROOT_UNIT),
        "On" => span(reach, column, midnight_of(&first()?), 1),
        "NotOn" => not(span(reach, column, midnight_of(&first()?), 1)),
        "OnOrAfter" => Expr::Between(reach, first()?, Datum::Null),
        "OnOrBefore" => {
            let end = midnight_of(&first()?).and_then(|day| day.checked_add_days(Days::new(1)));
            Expr::Between(reach, Datum::Null, before(column, end))
        }
        other => relative(other, reach, column, values, now).ok_or_else(|| {
            Refusal::query(format!("The query function Microsoft.Dynamics.CRM.{other} is not supported."))
        })?,
    })
}

/// A value of a function comes in quotes, whatever the column's type.
fn given(column: &Column, literal: &Literal) -> Result<Datum, Refusal> {
    let bare = match literal {
        Literal::Text(text) if column.ty.edm() != "Edm.String" => Literal::bare(text),
        _ => None,
    };
    bare.as_ref().unwrap_or(literal).of(column).map_err(Refusal::query)
}

/// `Today`, `LastXDays`, `ThisMonth` and their like.
fn relative(name: &str, reach: Reach, column: &Column, values: &[Literal], now: Millis) -> Option<Expr> {
    let today = DateTime::from_timestamp_millis(now)?.date_naive();
    let count = match values.first() {
        Some(Literal::Number(number)) => number.to_u64(),
        Some(Literal::Text(text)) => text.parse().ok(),
        _ => None,
    };
    let ago = |days: u64| today.checked_sub_days(Days::new(days));
    let ahead = |days: u64| today.checked_add_days(Days::new(days));
    let between = |from: Datum, to: Datum| Expr::Between(reach.clone(), from, to);
    let at = |millis: Millis| match column.ty {
        Ty::Day => DateTime::from_timestamp_millis(millis).map_or(Datum::Null, |at| Datum::Date(at.date_naive())),
        _ => Datum::Instant(millis),
    };
    let month = |first: Option<NaiveDate>| {
        let end = first.and_then(|day| day.checked_add_months(Months::new(1)));
        between(midnight(column, first), before(column, end))
    };
    let year = |year: i32| {
        let day = |year| NaiveDate::from_ymd_opt(year, 1, 1);
        between(midnight(column, day(year)), before(column, day(year + 1)))
    };
    Some(match name {
        "Today" => span(reach, column, Some(today), 1),
        "Yesterday" => span(reach, column, ago(1), 1),
        "Tomorrow" => span(reach, column, ahead(1), 1),
        "Last7Days" => between(midnight(column, ago(7)), at(now)),
        "Next7Days" => between(at(now), before(column, ahead(8))),
        "LastXDays" => between(midnight(column, ago(count?)), at(now)),
        "NextXDays" => between(at(now), before(column, ahead(count?.checked_add(1)?))),
        "LastXHours" => between(at(now - i64::try_from(count?).ok()?.checked_mul(HOUR)?), at(now)),
        "NextXHours" => between(at(now), at(now + i64::try_from(count?).ok()?.checked_mul(HOUR)?)),
        "OlderThanXDays" => between(Datum::Null, before(column, ago(count?))),
        "OlderThanXHours" => between(Datum::Null, at(now - i64::try_from(count?).ok()?.checked_mul(HOUR)?)),
        "ThisMonth" => month(today.with_day(1)),
        "LastMonth" => month(today.with_day(1)?.checked_sub_months(Months::new(1))),
        "NextMonth" => month(today.with_day(1)?.checked_add_months(Months::new(1))),
        "ThisYear" => year(today.year()),
        "LastYear" => year(today.year() - 1),
        "NextYear" => year(today.year() + 1),
        _ => return None,
    })
}

/// So many days from a midnight.
fn span(reach: Reach, column: &Column, day: Option<NaiveDate>, days: u64) -> Expr {
    let end = day.and_then(|day| day.checked_add_days(Days::new(days)));
    Expr::Between(reach, midnight(column, day), before(column, end))
}

fn midnight(column: &Column, day: Option<NaiveDate>) -> Datum {
    match (day, column.ty) {
        (None, _) => Datum::Null,
        (Some(day), Ty::Day) => Datum::Date(day),
        (Some(day), _) => Datum::Instant(millis(day)),
    }
}

/// The last moment before a midnight, as the column counts.
fn before(column: &Column, day: Option<NaiveDate>) -> Datum {
    match (day, column.ty) {
        (None, _) => Datum::Null,
        (Some(day), Ty::Day) => day.pred_opt().map_or(Datum::Null, Datum::Date),
        (Some(day), _) => Datum::Instant(millis(day) - 1),
    }
}

fn midnight_of(datum: &Datum) -> Option<NaiveDate> {
    match datum {
        Datum::Date(day) => Some(*day),
        Datum::Instant(at) => DateTime::from_timestamp_millis(*at).map(|at| at.date_naive()),
        _ => None,
    }
}

fn millis(day: NaiveDate) -> Millis {
    day.and_hms_opt(0, 0, 0).map_or(0, |at| at.and_utc().timestamp_millis())
}
