//! Queries in Zoho's query language: text put together from checked names and quoted values, and the call that sends it.
//! A query of up to 2,000 rows costs three credits, where lists of 200 cost one each; and unlike the search it sees what
//! was written a moment ago.

use connector::{Error, FieldKind, Timestamp, Value};
use connector_http::{Call, Priority};
use serde::Serialize;

use crate::api::{Api, Refusal, json};
use crate::dialect::CALL;
use crate::instant;
use crate::paths;
use crate::rows::Rows;
use crate::wanted::Wanted;

/// Most values of one `in`.
pub(crate) const MOST_VALUES: usize = 50;
/// Most rows of one query.
pub(crate) const MOST_ROWS: usize = 2_000;

#[derive(Serialize)]
struct Body<'a> {
    select_query: &'a str,
}

/// One query. Fields are named by Zoho's own description of the module, so that they need no quoting.
#[derive(Clone, Debug)]
pub(crate) struct Query<'a> {
    pub columns: &'a [&'a str],
    pub module: &'a str,
    pub condition: String,
    pub order: &'static str,
    pub limit: usize,
}

impl Query<'_> {
    fn text(&self) -> String {
        format!(
            "select {} from {} where {} order by {} limit {}",
            self.columns.join(", "),
            self.module,
            self.condition,
            self.order,
            self.limit
        )
    }

    /// Credits it costs.
    fn cost(&self) -> u64 {
        match self.limit {
            0..=200 => 1,
            201..=1_000 => 2,
            _ => 3,
        }
    }
}

/// A text as it stands in a condition.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for c in text.chars() {
        if matches!(c, '\'' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('\'');
    quoted
}

/// `Modified_Time > t or (Modified_Time = t and id > i)`: what comes after a record in the order of changes.
pub(crate) fn after(at: Timestamp, id: &str) -> String {
    let at = quoted(&instant::text(at));
    format!("(Modified_Time > {at} or (Modified_Time = {at} and id > {}))", quoted(id))
}

/// A value as it stands in a condition on a field of this kind; `None` where no record can hold it.
pub(crate) fn literal(kind: &FieldKind, value: &Value) -> Option<String> {
    let text = value.to_string();
    match (kind, value) {
        (_, Value::Null | Value::List(_)) => None,
        (FieldKind::Integer | FieldKind::Decimal { .. }, Value::Number(number)) => Some(number.normalize().to_string()),
        (FieldKind::Integer | FieldKind::Decimal { .. }, _) => {
            text.trim().parse::<rust_decimal::Decimal>().ok().map(|number| number.normalize().to_string())
        }
        (FieldKind::Bool, Value::Bool(flag)) => Some(flag.to_string()),
        (FieldKind::Date, Value::Date(day)) => Some(quoted(&day.to_string())),
        (FieldKind::Instant, Value::Instant(at)) => Some(quoted(&instant::text(*at))),
        (FieldKind::Bool | FieldKind::Date | FieldKind::Instant, _) => None,
        (FieldKind::Reference, _) => crate::wire::is_id(&text).then(|| quoted(&text)),
        // A control character is in no key, and would end the query.
        _ => {
            (!text.is_empty() && text.chars().count() <= 255 && !text.contains(char::is_control)).then(|| quoted(&text))
        }
    }
}

impl Api {
    /// Asks a query for the columns of `wanted` that its text names.
    pub async fn query(
        &self,
        attempted: &str,
        priority: Priority,
        query: &Query<'_>,
        wanted: &Wanted,
    ) -> Result<Result<Rows, Refusal>, Error> {
        let body = json(attempted, &Body { select_query: &query.text() })?;
        let call =
            Call::ask(attempted, paths::COQL.to_owned(), body, CALL).with_priority(priority).with_cost(query.cost());
        self.try_ask(&call, |answer| Rows::decode(answer, wanted)).await
    }
}

impl Api {
    /// Whether queries tell everything about a module's changes: converted leads are in lists alone, and activities and
    /// notes are few.
    pub fn may_query(&self, module: &str) -> bool {
        !matches!(module, "Leads" | "Tasks" | "Calls" | "Events" | "Notes") && self.may_ask(module)
    }

    /// Whether queries about a module have been answered so far.
    pub fn may_ask(&self, module: &str) -> bool {
        let refused = self.unqueried.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        !refused.iter().any(|refused| refused == module)
    }

    pub fn stop_querying(&self, module: &str) {
        let mut refused = self.unqueried.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !refused.iter().any(|refused| refused == module) {
            refused.push(module.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_end_its_quotes() {
        assert_eq!(quoted("o'neil@x.example"), r"'o\'neil@x.example'");
        assert_eq!(quoted(r"a\"), r"'a\\'");
        let text = |value: &str| literal(&FieldKind::Text, &Value::from(value));
        assert_eq!(text("a@b.example"), Some("'a@b.example'".into()));
        assert_eq!((text(""), text("a\nb"), text(&"x".repeat(256))), (None, None, None));
    }

    #[test]
    fn only_what_a_field_can_hold_is_looked_for() {
        assert_eq!(literal(&FieldKind::Integer, &Value::from("17")), Some("17".into()));
        assert_eq!(literal(&FieldKind::Integer, &Value::from("1 or 1=1")), None);
        assert_eq!(literal(&FieldKind::Reference, &Value::from("554")), Some("'554'".into()));
        assert_eq!(literal(&FieldKind::Reference, &Value::from("' or")), None);
        assert_eq!(literal(&FieldKind::Bool, &Value::from("true")), None);
        assert_eq!(literal(&FieldKind::Text, &Value::Null), None);
    }

    #[test]
    fn a_query_goes_on_after_a_key() {
        let condition = after(Timestamp::from_secs(0), "554");
        let query =
            Query { columns: &["Email", "Modified_Time"], module: "Contacts", condition, order: "id asc", limit: 200 };
        assert_eq!(
            query.text(),
            "select Email, Modified_Time from Contacts where (Modified_Time > '1970-01-01T00:00:00+00:00' or \
             (Modified_Time = '1970-01-01T00:00:00+00:00' and id > '554')) order by id asc limit 200"
        );
        assert_eq!((query.cost(), Query { limit: 2_000, ..query.clone() }.cost()), (1, 3));
    }
}
