//! `[currency]`: ISO 4217 codes and exchange rates.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::config::diagnostic::Diagnostic;
use crate::config::keys;
use crate::config::mask::quoted;
use crate::config::reader::{Bad, Reader};
use crate::config::text;
use crate::config::tree::Node;
use crate::config::value;
use crate::enrich::Rates;
use crate::expr::nearest;

/// Currencies in use by ISO 4217, without funds codes, metals and testing codes.
const CODES: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD \
    CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG \
    HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK \
    MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD \
    SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND \
    VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG";

/// Reads an ISO 4217 code; `what` names the value in messages.
pub fn code(node: &Node, what: &str) -> Result<Arc<str>, Bad> {
    let code = value::text(node)?;
    check_code(&code, what).map_err(Bad::Value)
}

fn check_code(code: &str, what: &str) -> Result<Arc<str>, Diagnostic> {
    if CODES.split_ascii_whitespace().any(|known| known == code) {
        return Ok(code.into());
    }
    let near = nearest(code, CODES.split_ascii_whitespace());
    Err(Diagnostic::new("E054", format!("{what} {} is not an ISO 4217 code", quoted(code)))
        .suggest(near)
        .help("three capital letters, like \"EUR\""))
}

/// `[currency]`.
pub fn currency(root: &Reader<'_>, folder: &Path) -> Option<Rates> {
    let section = root.section("currency")?;
    section.check(keys::CURRENCY);
    let mut known = Rates::default();
    let mut complete = true;
    let rates = section.section("rates")?;
    for entry in rates.entries() {
        let code = check_code(&entry.key, "currency").map_err(|problem| rates.report(problem.at(&entry.key_place)));
        let rate = rates.read(&entry.key, &entry.node, "0.90", |node| value::decimal(node).and_then(positive));
        match (code, rate) {
            (Ok(code), Some(rate)) => {
                rates.resolve(&entry.key, &entry.node);
                known.set_constant(&code, rate);
            }
            _ => complete = false,
        }
    }
    if section.entry("rates_file").is_some() {
        match section.value("rates_file", "\"rates.csv\"", |node| read_file(folder, &value::filled_text(node)?)) {
            Some(dated) => {
                for (code, rates) in dated {
                    rates.into_iter().for_each(|(day, rate)| known.set_from(day, &code, rate));
                }
            }
            None => complete = false,
        }
    }
    complete.then_some(known)
}

fn positive(rate: Decimal) -> Result<Decimal, Bad> {
    if rate > Decimal::ZERO { Ok(rate) } else { Err(Bad::Shape("a rate above 0")) }
}

type Dated = BTreeMap<Arc<str>, Vec<(NaiveDate, Decimal)>>;

fn read_file(folder: &Path, name: &str) -> Result<Dated, Bad> {
    let cannot = |why: String| {
        Bad::value("E006", format!("`rates_file` {}: {why}", quoted(name))).help("lines of date,currency,rate_to_base")
    };
    let bytes = std::fs::read(folder.join(name)).map_err(|error| cannot(error.kind().to_string()))?;
    let text = text::decode(&bytes).map_err(|unreadable| cannot(unreadable.message))?;
    parse_file(&text).map_err(|(line, why)| cannot(format!("line {line}: {why}")))
}

/// `date,currency,rate_to_base` lines; a header of those names, empty lines and `#` comments may stand in it.
fn parse_file(text: &str) -> Result<Dated, (usize, String)> {
    let mut dated = Dated::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') || (index == 0 && line.starts_with("date,")) {
            continue;
        }
        let wrong = |why: &str| (index + 1, why.to_owned());
        let parts: Vec<&str> = line.split(',').map(str::trim).collect();
        let [day, code, rate] = parts.as_slice() else { return Err(wrong("not three values")) };
        let day = day.parse::<NaiveDate>().map_err(|_| wrong("the date is not like 2026-01-31"))?;
        let code = check_code(code, "currency").map_err(|problem| wrong(&problem.message))?;
        let rate = Decimal::from_str_exact(rate).ok().filter(|rate| *rate > Decimal::ZERO);
        dated.entry(code).or_default().push((day, rate.ok_or_else(|| wrong("the rate is not a number above 0"))?));
    }
    for (code, rates) in &mut dated {
        rates.sort_by_key(|(day, _)| *day);
        if let Some(day) =
            rates.iter().zip(rates.iter().skip(1)).find(|(one, next)| one.0 == next.0).map(|(one, _)| one.0)
        {
            return Err((0, format!("{code} has two rates for {day}")));
        }
    }
    Ok(dated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_files_are_read_line_by_line() {
        let dated =
            parse_file("date,currency,rate_to_base\n2026-02-01,USD,0.91\n# old\n2026-01-01, USD, 0.90\n").unwrap();
        let days: Vec<String> = dated["USD"].iter().map(|(day, rate)| format!("{day} {rate}")).collect();
        assert_eq!(days, ["2026-01-01 0.90", "2026-02-01 0.91"]);
        for (text, why) in [
            ("2026-01-01,USD", "not three values"),
            ("01.01.2026,USD,1", "the date is not like 2026-01-31"),
            ("2026-01-01,DOLLAR,1", "currency \"DOLLAR\" is not an ISO 4217 code"),
            ("2026-01-01,USD,0", "the rate is not a number above 0"),
            ("2026-01-01,USD,1\n2026-01-01,USD,2", "USD has two rates for 2026-01-01"),
        ] {
            assert_eq!(parse_file(text).unwrap_err().1, why);
        }
    }

    #[test]
    fn codes_are_sorted_and_three_letters() {
        let codes: Vec<&str> = CODES.split_ascii_whitespace().collect();
        assert!(codes.is_sorted() && codes.iter().all(|code| code.len() == 3));
        assert_eq!(check_code("EURO", "base_currency").unwrap_err().label.unwrap(), "did you mean \"EUR\"?");
    }
}
