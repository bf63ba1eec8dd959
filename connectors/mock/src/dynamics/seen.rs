//! One row as somebody sees it: stored cells, generated values, and what the org makes of other columns.

use rust_decimal::Decimal;

use super::datum::Datum;
use super::guid::Guid;
use super::kind::Kind;
use super::org::Org;
use super::records::{CREATED_BY, CREATED_ON, ID, MODIFIED_BY, MODIFIED_ON, Row, VERSION};
use super::schema::{Column, ColumnId, Ty};
use super::setup::{DEFAULT_OWNER, ROOT_UNIT};
use crate::clock::Millis;
use crate::versions::Sight;

/// Money is shown with so many decimals.
const MONEY_DIGITS: u32 = 4;

#[derive(Clone, Copy)]
pub struct Seen<'a> {
    pub org: &'a Org,
    /// The table it is kept in.
    pub kind: Kind,
    /// The table it is looked at through: another one only for the union of activities.
    pub view: Kind,
    pub id: Guid,
    pub row: Option<&'a Row>,
    /// Its place in the population, when it was generated.
    pub index: Option<u64>,
}

impl<'a> Seen<'a> {
    pub fn stamp(&self) -> Millis {
        self.row.map_or_else(|| self.generated_stamp(), |row| row.modified)
    }

    pub fn version(&self) -> i64 {
        let generated = || self.index.map_or(0, |index| self.org.people.version(self.kind, index));
        self.row.map_or_else(generated, |row| row.version)
    }

    /// `W/"1002240"`.
    pub fn etag(&self) -> String {
        format!("W/\"{}\"", self.version())
    }

    fn generated_stamp(&self) -> Millis {
        self.index.map_or(0, |index| self.org.people.stamp(self.kind, index))
    }

    pub fn get(&self, column: ColumnId) -> Datum {
        if self.view != self.kind {
            let name = self.org.schema(self.view).get(column).map(|column| column.logical.clone());
            return match name {
                Some(name) if column > VERSION => Seen { view: self.kind, ..*self }.named(&name),
                _ => Seen { view: self.kind, ..*self }.get(column),
            };
        }
        if column <= VERSION {
            return self.system(column);
        }
        let Some(definition) = self.org.schema(self.kind).get(column) else { return Datum::Null };
        match self.row.and_then(|row| row.cell(column)) {
            Some(datum) => datum.clone(),
            None => self.derived(definition),
        }
    }

    /// A column's value by its logical name; null for one the table does not have.
    pub fn named(&self, name: &str) -> Datum {
        let found = self.org.schema(self.view).column(name).map(|(column, _)| column);
        found.map_or(Datum::Null, |column| self.get(column))
    }

    pub fn int(&self, name: &str) -> i64 {
        self.named(name).as_int().unwrap_or(0)
    }

    pub fn text(&self, name: &str) -> String {
        self.named(name).as_str().unwrap_or_default().to_owned()
    }

    pub fn reference(&self, name: &str) -> Option<(Kind, Guid)> {
        self.named(name).as_lookup()
    }

    /// A copy to change.
    pub fn to_row(self) -> Row {
        self.row.cloned().unwrap_or_else(|| Row::new(self.generated_stamp(), DEFAULT_OWNER))
    }

    /// The value of the table's name column.
    pub fn title(&self) -> String {
        self.text(self.kind.names().name)
    }

    fn system(&self, column: ColumnId) -> Datum {
        let user = |of: fn(&Row) -> Guid| Datum::Ref(Kind::SystemUser, self.row.map_or(DEFAULT_OWNER, of));
        match column {
            ID => Datum::Guid(self.id),
            CREATED_ON => Datum::Instant(self.row.map_or_else(|| self.generated_stamp(), |row| row.created)),
            CREATED_BY => user(|row| row.created_by),
            MODIFIED_ON => Datum::Instant(self.stamp()),
            MODIFIED_BY => user(|row| row.modified_by),
            _ => Datum::Int(self.version()),
        }
    }

    /// A value nobody stored in the row.
    fn derived(&self, column: &Column) -> Datum {
        if let Some(amount) = &column.base_of {
            return self.in_base_currency(amount);
        }
        match &*column.logical {
            "fullname" => {
                let words = [self.named("firstname"), self.named("lastname")];
                let words: Vec<&str> = words.iter().filter_map(Datum::as_str).collect();
                return Datum::text(words.join(" "));
            }
            "owningbusinessunit" => return Datum::Ref(Kind::BusinessUnit, ROOT_UNIT),
            "exchangerate" if self.kind != Kind::TransactionCurrency => {
                let rate = self.reference("transactioncurrencyid").and_then(|(_, id)| self.org.exchange_rate(id));
                return rate.map_or(Datum::Null, Datum::Number);
            }
            "name" if self.kind == Kind::SdkMessageFilter => {
                return self.reference("sdkmessageid").map_or(Datum::Null, |(kind, id)| {
                    self.org.row(kind, id, Sight::Latest).map_or(Datum::Null, |message| message.named("name"))
                });
            }
            _ => {}
        }
        let generated = match self.index {
            Some(index) if !column.custom => self.org.people.value(self.kind, index, &column.logical),
            _ => Datum::Null,
        };
        match (generated, column.ty) {
            // A stock yes-no column is never null.
            (Datum::Null, Ty::Bool) if !column.custom => Datum::Bool(false),
            (generated, _) => generated,
        }
    }

    fn in_base_currency(&self, amount: &str) -> Datum {
        let rate = self.reference("transactioncurrencyid").and_then(|(_, id)| self.org.exchange_rate(id));
        match (self.named(amount).as_decimal(), rate.unwrap_or(Decimal::ONE)) {
            (Some(amount), rate) if !rate.is_zero() => Datum::Number((amount / rate).round_dp(MONEY_DIGITS)),
            _ => Datum::Null,
        }
    }

    /// How many decimals the JSON of a column shows; as many as there are when none.
    pub fn digits(column: &Column) -> Option<u32> {
        match column.ty {
            Ty::Money => Some(MONEY_DIGITS),
            Ty::Decimal => Some(column.precision),
            _ => None,
        }
    }

    /// The value as a person in an American office reads it; none where it reads as it is.
    pub fn formatted(&self, column: ColumnId) -> Option<String> {
        let definition = self.org.schema(self.view).get(column)?;
        let datum = self.get(column);
        match (&datum, definition.ty) {
            (Datum::Int(value), Ty::Choice | Ty::State | Ty::Status) => {
                definition.choice(*value).map(|choice| choice.label.clone())
            }
            (Datum::Bool(flag), _) => definition.choice(i64::from(*flag)).map(|choice| choice.label.clone()),
            (Datum::Text(values), Ty::MultiChoice) => {
                let labels = values.split(',').filter_map(|value| definition.choice(value.trim().parse().ok()?));
                Some(labels.map(|choice| choice.label.as_str()).collect::<Vec<_>>().join("; "))
            }
            (Datum::Ref(kind, id), _) => {
                let title = self.org.row(*kind, *id, Sight::Latest).map(|target| target.title());
                title.filter(|title| !title.is_empty())
            }
            (Datum::Number(number), Ty::Money) => Some(self.money(*number, definition)),
            (Datum::Number(number), Ty::Decimal | Ty::Double) => {
                Some(grouped(&format!("{:.*}", definition.precision as usize, number)))
            }
            (Datum::Int(number), _) => Some(grouped(&number.to_string())),
            (Datum::Date(date), _) => Some(date.format("%-m/%-d/%Y").to_string()),
            (Datum::Instant(at), _) => {
                let at = chrono::DateTime::from_timestamp_millis(*at).unwrap_or_default();
                Some(at.format("%-m/%-d/%Y %-I:%M %p").to_string())
            }
            (Datum::Text(text), Ty::EntityName) => Some(text.to_string()),
            _ => None,
        }
    }

    fn money(&self, amount: Decimal, column: &Column) -> String {
        let currency = match column.base_of {
            Some(_) => Some((Kind::TransactionCurrency, super::setup::DOLLAR)),
            None => self.reference("transactioncurrencyid"),
        };
        let currency = currency.and_then(|(kind, id)| self.org.row(kind, id, Sight::Latest));
        let symbol = currency.map_or_else(|| "$".to_owned(), |currency| currency.text("currencysymbol"));
        format!("{symbol}{}", grouped(&format!("{amount:.2}")))
    }
}

/// `12500.00` → `12,500.00`.
fn grouped(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let mut out = sign.to_owned();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_in_threes() {
        for (number, text) in [("12500.00", "12,500.00"), ("-1234567", "-1,234,567"), ("999", "999"), ("0.5", "0.5")] {
            assert_eq!(grouped(number), text);
        }
    }
}
