//! Exchange rates to the base currency, and the money arithmetic that goes with them. Decimal throughout.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use rust_decimal::{Decimal, RoundingStrategy};

/// Rates to the base currency: by date where known, else a constant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    constants: BTreeMap<Arc<str>, Decimal>,
    dated: BTreeMap<Arc<str>, BTreeMap<NaiveDate, Decimal>>,
}

impl Rates {
    /// A rate for dates that no dated rate covers: one unit of `currency` is so much of the base currency.
    pub fn set_constant(&mut self, currency: &str, rate_to_base: Decimal) {
        self.constants.insert(currency.to_ascii_uppercase().into(), rate_to_base);
    }

    /// A rate valid from this date until the next one.
    pub fn set_from(&mut self, date: NaiveDate, currency: &str, rate_to_base: Decimal) {
        self.dated.entry(currency.to_ascii_uppercase().into()).or_default().insert(date, rate_to_base);
    }

    /// The newest rate at or before the date (the newest of all without a date), else the constant.
    pub fn rate(&self, currency: &str, date: Option<NaiveDate>) -> Option<Decimal> {
        let currency = currency.to_ascii_uppercase();
        let dated = self.dated.get(currency.as_str()).and_then(|rates| match date {
            Some(date) => rates.range(..=date).next_back(),
            None => rates.last_key_value(),
        });
        dated.map(|(_, rate)| *rate).or_else(|| self.constants.get(currency.as_str()).copied())
    }

    /// An amount in the base currency, rounded half-even to its minor unit; `None` where there is no rate.
    pub fn to_base(&self, amount: Decimal, currency: &str, base: &str, date: Option<NaiveDate>) -> Option<Decimal> {
        let rate = if currency.eq_ignore_ascii_case(base) { Decimal::ONE } else { self.rate(currency, date)? };
        let exact = amount.checked_mul(rate)?;
        Some(exact.round_dp_with_strategy(minor_digits(base), RoundingStrategy::MidpointNearestEven))
    }
}

/// Decimal places of a currency's minor unit (ISO 4217).
pub fn minor_digits(currency: &str) -> u32 {
    const NONE: &[&str] = &[
        "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF",
        "XPF",
    ];
    const THREE: &[&str] = &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];
    const FOUR: &[&str] = &["CLF", "UYW"];
    let among = |list: &[&str]| list.iter().any(|code| code.eq_ignore_ascii_case(currency));
    if among(NONE) {
        0
    } else if among(THREE) {
        3
    } else if among(FOUR) {
        4
    } else {
        2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn the_rate_of_the_day_counts_and_halves_go_to_even() {
        let day = |d| NaiveDate::from_ymd_opt(2026, 3, d);
        let mut rates = Rates::default();
        rates.set_constant("usd", number("0.90"));
        rates.set_from(day(10).unwrap(), "USD", number("0.80"));
        let base = |amount, currency, date| rates.to_base(number(amount), currency, "EUR", date);
        assert_eq!(base("100.00", "USD", day(9)), Some(number("90.00")));
        assert_eq!(base("100.00", "usd", day(11)), Some(number("80.00")));
        assert_eq!(base("100.00", "USD", None), Some(number("80.00")));
        assert_eq!(base("100.00", "GBP", day(9)), None);
        assert_eq!(base("12.345", "EUR", day(9)), Some(number("12.34")));
        assert_eq!(base("12.355", "EUR", day(9)), Some(number("12.36")));
        assert_eq!(rates.to_base(number("150.5"), "JPY", "JPY", None), Some(number("150")));
    }
}
