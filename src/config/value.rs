//! Readers of single values: each takes a node and says what is wrong with it, or what it means.

use std::net::SocketAddr;
use std::time::Duration;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::config::diagnostic::Diagnostic;
use crate::config::expression;
use crate::config::mask::{self, quoted};
use crate::config::reader::Bad;
use crate::config::tree::{Node, Value};
use crate::expr::nearest;
use crate::schedule::{Trigger, TriggerError, parse_duration};

pub fn text(node: &Node) -> Result<String, Bad> {
    match &node.value {
        Value::Text(text) => Ok(text.clone()),
        _ => Err(Bad::Shape("a string")),
    }
}

/// A string that is not blank.
pub fn filled_text(node: &Node) -> Result<String, Bad> {
    let text = text(node)?;
    if text.trim().is_empty() { Err(Bad::Shape("a string that is not empty")) } else { Ok(text) }
}

pub fn flag(node: &Node) -> Result<bool, Bad> {
    match node.value {
        Value::Bool(flag) => Ok(flag),
        _ => Err(Bad::Shape("true or false")),
    }
}

/// A whole number from 0 to `most`.
pub fn count(most: u64) -> impl Fn(&Node) -> Result<u64, Bad> {
    move |node| match node.value {
        Value::Integer(number) => u64::try_from(number)
            .ok()
            .filter(|number| *number <= most)
            .ok_or_else(|| Bad::value("E006", format!("{number} is out of range: 0 to {most}"))),
        _ => Err(Bad::Shape("a whole number")),
    }
}

/// Bytes: a whole number, or text with a unit of 1024 (`"32KB"`, `"4.5MB"`), up to 1 GB.
pub fn size(node: &Node) -> Result<usize, Bad> {
    const SHAPE: &str = "a size, like \"32KB\" or \"4.5MB\"";
    const MOST: usize = 1 << 30;
    let text = match &node.value {
        Value::Integer(bytes) => {
            return usize::try_from(*bytes).ok().filter(|b| (1..=MOST).contains(b)).ok_or(Bad::Shape(SHAPE));
        }
        Value::Text(text) => text.trim().to_ascii_uppercase(),
        _ => return Err(Bad::Shape(SHAPE)),
    };
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let unit: usize = match text.get(digits.len()..).unwrap_or_default().trim() {
        "B" => 1,
        "KB" => 1 << 10,
        "MB" => 1 << 20,
        "GB" => 1 << 30,
        _ => return Err(Bad::Shape(SHAPE)),
    };
    let number: Decimal = digits.parse().map_err(|_| Bad::Shape(SHAPE))?;
    let bytes = number.checked_mul(Decimal::from(unit)).and_then(|bytes| usize::try_from(bytes.trunc()).ok());
    bytes.filter(|bytes| (1..=MOST).contains(bytes)).ok_or(Bad::Shape(SHAPE))
}

/// How many in a second: `"200/s"`.
pub fn rate(node: &Node) -> Result<u32, Bad> {
    const SHAPE: &str = "how many in a second, like \"200/s\"";
    let text = text(node)?;
    let number = text.trim().strip_suffix("/s").and_then(|number| number.trim().parse().ok());
    number.filter(|number| (1..=1_000_000).contains(number)).ok_or(Bad::Shape(SHAPE))
}

/// An address to listen on.
pub fn address(node: &Node, example: &str) -> Result<SocketAddr, Bad> {
    let text = text(node)?;
    text.parse().map_err(|_| {
        Bad::Value(
            Diagnostic::new("E006", format!("{} is not an address to listen on", quoted(&text)))
                .help(format!("an IP address and a port, like \"{example}\"")),
        )
    })
}

/// An exact number, as an integer or with a decimal point.
pub fn decimal(node: &Node) -> Result<Decimal, Bad> {
    let number = match &node.value {
        Value::Integer(number) => return Ok(Decimal::from(*number)),
        Value::Float(number) => number,
        _ => return Err(Bad::Shape("a number")),
    };
    let number = number.trim_start_matches('+');
    Decimal::from_str_exact(number)
        .or_else(|_| Decimal::from_scientific(number))
        .map_err(|_| Bad::value("E006", format!("{} is no number that can be kept exactly", quoted(number))))
}

/// A share of a whole: `0.2` or `"20%"`.
pub fn share(node: &Node) -> Result<Decimal, Bad> {
    let bad = || Bad::Shape("a share: a number from 0 to 1, or a percentage like \"20%\"");
    let share = match &node.value {
        Value::Text(text) => {
            let percent = text.strip_suffix('%').ok_or_else(bad)?;
            let percent = Decimal::from_str_exact(percent.trim()).map_err(|_| bad())?;
            percent / Decimal::ONE_HUNDRED
        }
        _ => decimal(node).map_err(|_| bad())?,
    };
    if share < Decimal::ZERO || share > Decimal::ONE { Err(bad()) } else { Ok(share.normalize()) }
}

/// A duration: `90s`, `15m`, `12h`, `14d`, `8w`; never none at all.
pub fn duration(node: &Node) -> Result<Duration, Bad> {
    let text = text(node).map_err(|_| Bad::Shape("a duration"))?;
    parse_duration(&text).map_err(|error| from_trigger(error, node, &text))
}

/// A duration that may be `0s`.
pub fn duration_or_none(node: &Node) -> Result<Duration, Bad> {
    match &node.value {
        Value::Text(text) if text == "0s" => Ok(Duration::ZERO),
        _ => duration(node),
    }
}

/// An interval or five cron fields.
pub fn trigger(node: &Node) -> Result<Trigger, Bad> {
    let text = text(node).map_err(|_| Bad::Shape("an interval or a cron text"))?;
    Trigger::parse(&text).map_err(|error| from_trigger(error, node, &text))
}

fn from_trigger(error: TriggerError, node: &Node, text: &str) -> Bad {
    let whole = error.at == (0..text.len());
    let place = if whole { node.place.clone() } else { expression::inside(&node.place, text, &error.at) };
    let problem = Diagnostic::new(error.code, mask::message(&error.message)).at(&place);
    Bad::Value(match error.help {
        Some(help) if help.starts_with("did you mean") => problem.label(help).help("like 90s, 15m, 12h, 14d or 8w"),
        Some(help) => problem.help(help),
        None => problem,
    })
}

/// A calendar date, `"2023-01-01"` or bare.
pub fn date(node: &Node) -> Result<NaiveDate, Bad> {
    let (Value::Text(text) | Value::Datetime(text)) = &node.value else { return Err(Bad::Shape("a date")) };
    text.parse().map_err(|_| Bad::value("E006", format!("{} is not a date like 2023-01-31", quoted(text))))
}

/// An array of strings; a single string counts as an array of one.
pub fn texts(node: &Node) -> Result<Vec<String>, Bad> {
    match &node.value {
        Value::Text(text) => Ok(vec![text.clone()]),
        Value::Array(items) => {
            items.iter().map(filled_text).collect::<Result<_, _>>().map_err(|_| Bad::Shape("an array of strings"))
        }
        _ => Err(Bad::Shape("an array of strings")),
    }
}

/// One of a closed list of words. `what` names the value in messages (`direction`).
pub fn choice<T: Copy>(
    code: &'static str,
    what: &'static str,
    names: &'static [(&'static str, T)],
) -> impl Fn(&Node) -> Result<T, Bad> {
    move |node| {
        let word = text(node)?;
        names.iter().find(|(name, _)| *name == word).map(|(_, value)| *value).ok_or_else(|| {
            let words: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
            Bad::Value(not_valid(code, what, &word, &words))
        })
    }
}

/// `direction "pul" is not valid`, with the suggestion and the list.
pub fn not_valid(code: &'static str, what: &str, word: &str, words: &[&str]) -> Diagnostic {
    Diagnostic::new(code, format!("{what} {} is not valid", quoted(word)))
        .suggest(nearest(word, words.iter().copied()))
        .help(format!("one of: {}", words.join(", ")))
}

/// What a name may be.
pub const NAME_HELP: &str = "names are a small letter, then up to 39 small letters, digits, `_` or `-`";

/// The names people give to connections, sources, traits and scores.
pub fn name(node: &Node) -> Result<String, Bad> {
    let name = text(node)?;
    if is_name(&name) {
        return Ok(name);
    }
    Err(Bad::Value(Diagnostic::new("E006", format!("{} is not a name", quoted(&name))).help(NAME_HELP)))
}

/// `^[a-z][a-z0-9_-]{0,39}$`
pub fn is_name(name: &str) -> bool {
    name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::text::SourceText;

    fn node(value: Value) -> Node {
        Node::new(value, &Arc::new(SourceText::new("t", "")), 0..0)
    }

    fn message<T: std::fmt::Debug>(bad: Result<T, Bad>) -> String {
        match bad.unwrap_err() {
            Bad::Shape(want) => format!("must be {want}"),
            Bad::Value(problem) => format!("{} {}", problem.message, problem.label.unwrap_or_default()),
        }
    }

    #[test]
    fn durations_are_some_time() {
        let read = |text: &str| duration(&node(Value::Text(text.into())));
        assert_eq!(read("15m").unwrap(), Duration::from_secs(900));
        assert_eq!(message(read("5min")), "\"5min\" is not a duration did you mean \"5m\"?");
        assert!(read("0s").is_err());
        assert_eq!(duration_or_none(&node(Value::Text("0s".into()))).unwrap(), Duration::ZERO);
    }

    #[test]
    fn shares_are_numbers_or_percentages() {
        let twenty = Decimal::new(2, 1);
        assert_eq!(share(&node(Value::Text("20%".into()))).unwrap(), twenty);
        assert_eq!(share(&node(Value::Float("0.20".into()))).unwrap(), twenty);
        assert_eq!(share(&node(Value::Integer(1))).unwrap(), Decimal::ONE);
        for wrong in
            [Value::Integer(20), Value::Text("20".into()), Value::Float("nan".into()), Value::Float("-0.1".into())]
        {
            assert!(message(share(&node(wrong))).starts_with("must be a share"));
        }
    }

    #[test]
    fn numbers_are_exact() {
        assert_eq!(decimal(&node(Value::Float("0.90".into()))).unwrap().to_string(), "0.90");
        assert_eq!(decimal(&node(Value::Float("1e3".into()))).unwrap(), Decimal::from(1000));
        assert!(decimal(&node(Value::Float("inf".into()))).is_err());
        assert!(decimal(&node(Value::Float("1e400".into()))).is_err());
        assert!(count(10)(&node(Value::Integer(-1))).is_err());
        assert_eq!(count(10)(&node(Value::Integer(10))).unwrap(), 10);
    }

    #[test]
    fn names_are_small() {
        assert!(["a", "hubspot", "web-2_b"].iter().all(|name| is_name(name)));
        assert!(["", "2a", "Hub", "a b", "ä", &"a".repeat(41)].iter().all(|name| !is_name(name)));
    }
}
