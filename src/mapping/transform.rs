//! The closed set of value transforms (`sync-toml` §3). Pure and total: what a transform cannot take stays out.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use connector::Value;
use rust_decimal::Decimal;
use sha2::{Digest, Sha256};

use super::Kind;
use super::kind::at_scale;

/// One step of a mapping's pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transform {
    Lower,
    Upper,
    Trim,
    TitleCase,
    /// A phone number in international form; the region is assumed where the number has no `+`.
    E164,
    /// A two-letter country code in capitals, from a code or an English country name.
    Iso2,
    Date,
    DateTime,
    Year,
    /// To at most so many decimal places, half away from zero.
    Round(u32),
    Not,
    Join(Arc<str>),
    Split(Arc<str>),
    First,
    Last,
    /// To at most so many characters, the last one `…` where something was cut.
    Truncate(usize),
    HtmlEscape,
    StripHtml,
    /// The registrable part behind `@` or of a URL, in small letters.
    Domain,
    HashSha256,
    BoolYesNo,
}

/// A name or argument that is no transform; [`Transform::NAMES`] lists what is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownTransform(pub String);

impl Transform {
    /// Every name, for messages and suggestions.
    pub const NAMES: [&'static str; 21] = [
        "lower",
        "upper",
        "trim",
        "title_case",
        "e164",
        "iso2",
        "date",
        "datetime",
        "year",
        "round",
        "not",
        "join",
        "split",
        "first",
        "last",
        "truncate",
        "html_escape",
        "strip_html",
        "domain",
        "hash_sha256",
        "bool_yes_no",
    ];

    /// Whether doing it twice is doing it once: only such a transform can stand in a both-way mapping, where each side's
    /// value passes through it before the two are compared.
    pub fn is_idempotent(&self) -> bool {
        matches!(
            self,
            Self::Lower
                | Self::Upper
                | Self::Trim
                | Self::TitleCase
                | Self::E164
                | Self::Iso2
                | Self::Date
                | Self::DateTime
                | Self::Round(_)
                | Self::Truncate(_)
                | Self::Domain
                | Self::StripHtml
        )
    }

    /// The transformed value; `None` where the value is not of a form the transform can take. Null stays null.
    pub fn apply(&self, value: &Value) -> Option<Value> {
        if value.is_null() {
            return Some(Value::Null);
        }
        match (self, value) {
            (Self::First, Value::List(items)) => items.first().map(|item| Value::Text(item.clone())),
            (Self::Last, Value::List(items)) => items.last().map(|item| Value::Text(item.clone())),
            (Self::Join(by), Value::List(items)) => Some(Value::text(items.join(by))),
            (Self::Split(by), Value::Text(text)) => {
                Kind::List.read(&Value::List(text.split(&**by).map(Into::into).collect())).ok()
            }
            (Self::Not, Value::Bool(flag)) => Some(Value::Bool(!flag)),
            (Self::BoolYesNo, Value::Bool(flag)) => Some(Value::from(if *flag { "Yes" } else { "No" })),
            (Self::Round(places), Value::Number(number)) => Some(Value::Number(at_scale(*number, *places))),
            (Self::Date, _) => Kind::Date.read(value).ok(),
            (Self::DateTime, _) => Kind::Instant.read(value).ok(),
            (Self::Year, _) => {
                let Value::Date(date) = Kind::Date.read(value).ok()? else { return None };
                Some(Value::Number(Decimal::from(chrono::Datelike::year(&date))))
            }
            (
                Self::First
                | Self::Last
                | Self::Join(_)
                | Self::Split(_)
                | Self::Not
                | Self::BoolYesNo
                | Self::Round(_),
                _,
            ) => None,
            (_, Value::List(items)) => {
                let items: Option<Vec<Arc<str>>> = items.iter().map(|item| self.on_text(item)).collect();
                Kind::List.read(&Value::List(items?)).ok()
            }
            (_, value) => {
                let text = self.on_text(&value.to_string())?;
                Some(if text.is_empty() { Value::Null } else { Value::Text(text) })
            }
        }
    }

    fn on_text(&self, text: &str) -> Option<Arc<str>> {
        Some(match self {
            Self::Lower => text.to_lowercase().into(),
            Self::Upper => text.to_uppercase().into(),
            Self::Trim => text.trim().into(),
            Self::TitleCase => title_case(text).into(),
            Self::E164 => e164(text)?.into(),
            Self::Iso2 => iso2(text)?.into(),
            Self::Truncate(most) => truncate(text, *most),
            Self::HtmlEscape => html_escape(text).into(),
            Self::StripHtml => strip_html(text).trim().into(),
            Self::Domain => domain(text)?.into(),
            Self::HashSha256 => hex::encode(Sha256::digest(text.as_bytes())).into(),
            _ => return None,
        })
    }
}

impl FromStr for Transform {
    type Err = UnknownTransform;

    /// `lower`, `round(2)`, `join(", ")`, `truncate(80)`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownTransform(text.to_owned());
        let (name, argument) = match text.trim().split_once('(') {
            Some((name, rest)) => (name.trim(), Some(rest.strip_suffix(')').ok_or_else(unknown)?)),
            None => (text.trim(), None),
        };
        let separator = || -> Option<Arc<str>> {
            let quoted = argument?.trim();
            let inner = ['"', '\''].iter().find_map(|q| quoted.strip_prefix(*q)?.strip_suffix(*q));
            Some(inner.unwrap_or(quoted).into()).filter(|separator: &Arc<str>| !separator.is_empty())
        };
        Ok(match (name, argument) {
            ("lower", None) => Self::Lower,
            ("upper", None) => Self::Upper,
            ("trim", None) => Self::Trim,
            ("title_case", None) => Self::TitleCase,
            ("e164", None) => Self::E164,
            ("iso2", None) => Self::Iso2,
            ("date", None) => Self::Date,
            ("datetime", None) => Self::DateTime,
            ("year", None) => Self::Year,
            ("round", None) => Self::Round(0),
            ("round", Some(places)) => {
                Self::Round(places.trim().parse().ok().filter(|n| *n <= 28).ok_or_else(unknown)?)
            }
            ("not", None) => Self::Not,
            ("join", Some(_)) => Self::Join(separator().ok_or_else(unknown)?),
            ("split", Some(_)) => Self::Split(separator().ok_or_else(unknown)?),
            ("first", None) => Self::First,
            ("last", None) => Self::Last,
            ("truncate", Some(most)) => {
                Self::Truncate(most.trim().parse().ok().filter(|n| *n >= 1).ok_or_else(unknown)?)
            }
            ("html_escape", None) => Self::HtmlEscape,
            ("strip_html", None) => Self::StripHtml,
            ("domain", None) => Self::Domain,
            ("hash_sha256", None) => Self::HashSha256,
            ("bool_yes_no", None) => Self::BoolYesNo,
            _ => return Err(unknown()),
        })
    }
}

impl fmt::Display for UnknownTransform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "transform \"{}\" is unknown", self.0)
    }
}

/// `map = { google = "Web", "*" = "Other" }`: values of the giving side to values of the taking side, compared as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValueMap {
    pub pairs: Vec<(Arc<str>, Arc<str>)>,
    /// What `"*"` gives; without it an unlisted value passes as it is.
    pub other: Option<Arc<str>>,
}

impl ValueMap {
    pub fn forward(&self, value: &Value) -> Value {
        if value.is_null() {
            return Value::Null;
        }
        let text = value.to_string();
        let hit = self.pairs.iter().find(|(from, _)| **from == text).map(|(_, to)| to).or(self.other.as_ref());
        hit.map_or_else(|| value.clone(), |to| Value::Text(to.clone()))
    }

    /// The way back, for both-way fields, whose maps are reversible.
    pub fn backward(&self, value: &Value) -> Value {
        let text = value.to_string();
        let hit = self.pairs.iter().find(|(_, to)| **to == text);
        hit.map_or_else(|| value.clone(), |(from, _)| Value::Text(from.clone()))
    }

    /// Two listed values that become the same one, if there are any (E046).
    pub fn collision(&self) -> Option<(&str, &str, &str)> {
        self.pairs.iter().enumerate().find_map(|(at, (from, to))| {
            let (earlier, _) = self.pairs[..at].iter().find(|(_, other)| other == to)?;
            Some((&**earlier, &**from, &**to))
        })
    }
}

fn title_case(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut fresh = true;
    for c in text.chars() {
        if fresh {
            out.extend(c.to_uppercase());
        } else {
            out.extend(c.to_lowercase());
        }
        fresh = !c.is_alphanumeric() && c != '\'' && c != '’';
    }
    out
}

/// Strict: only numbers written with `+` (or `00`) are certain without a default region.
fn e164(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let international = match text.trim_start().strip_prefix('+') {
        Some(_) => format!("+{digits}"),
        None => format!("+{}", digits.strip_prefix("00")?),
    };
    // The parser is third-party code on hostile text: a panic in it must not take the record with it.
    let parsed = std::panic::catch_unwind(|| phonenumber::parse(None, &international)).ok()?.ok()?;
    phonenumber::is_valid(&parsed).then(|| parsed.format().mode(phonenumber::Mode::E164).to_string())
}

fn iso2(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic()) {
        return Some(text.to_ascii_uppercase());
    }
    const NAMES: [(&str, &str); 24] = [
        ("australia", "AU"),
        ("austria", "AT"),
        ("belgium", "BE"),
        ("brazil", "BR"),
        ("canada", "CA"),
        ("china", "CN"),
        ("denmark", "DK"),
        ("finland", "FI"),
        ("france", "FR"),
        ("germany", "DE"),
        ("india", "IN"),
        ("ireland", "IE"),
        ("italy", "IT"),
        ("japan", "JP"),
        ("mexico", "MX"),
        ("netherlands", "NL"),
        ("norway", "NO"),
        ("poland", "PL"),
        ("portugal", "PT"),
        ("spain", "ES"),
        ("sweden", "SE"),
        ("switzerland", "CH"),
        ("united kingdom", "GB"),
        ("united states", "US"),
    ];
    let name = text.to_lowercase();
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, code)| (*code).to_owned())
}

/// Cut to `most` characters on a character boundary, the last one an ellipsis.
pub(super) fn truncate(text: &str, most: usize) -> Arc<str> {
    if text.chars().count() <= most {
        return text.into();
    }
    let mut cut: String = text.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut.into()
}

fn html_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

fn strip_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => inside = false,
            other if !inside => out.push(other),
            _ => {}
        }
    }
    out
}

fn domain(text: &str) -> Option<String> {
    let text = text.trim();
    let host = text.rsplit_once('@').map_or(text, |(_, host)| host);
    let host = host.split_once("://").map_or(host, |(_, rest)| rest);
    let host = host.split(['/', '?', '#', ':']).next()?.to_lowercase();
    let registrable = psl::domain_str(&host)?;
    Some(registrable.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(transform: &str, value: impl Into<Value>) -> Option<Value> {
        transform.parse::<Transform>().unwrap().apply(&value.into())
    }

    #[test]
    fn transforms_by_name() {
        let cases = [
            ("lower", "ÄB", "äb"),
            ("title_case", "o'neill MARY-ann", "O'neill Mary-Ann"),
            ("e164", "+49 (171) 123 4567", "+491711234567"),
            ("e164", "0049 171 1234567", "+491711234567"),
            ("iso2", "germany", "DE"),
            ("truncate(4)", "héllo", "hél…"),
            ("strip_html", "<p>Hi <b>you</b></p>", "Hi you"),
            ("domain", "Ada@Mail.Northwind.co.uk", "northwind.co.uk"),
            ("year", "2026-10-02", "2026"),
        ];
        for (transform, value, want) in cases {
            assert_eq!(run(transform, value).map(|v| v.to_string()).as_deref(), Some(want), "{transform} {value}");
        }
        assert_eq!(run("e164", "0171 1234567"), None, "no region, no guess");
        assert_eq!(
            run("round(1)", Value::Number("2.25".parse().unwrap())),
            Some(Value::Number("2.3".parse().unwrap()))
        );
        assert_eq!(run("split(,)", "b,a"), Some(Value::List(vec!["a".into(), "b".into()])));
        assert_eq!("e146".parse::<Transform>(), Err(UnknownTransform("e146".into())));
    }

    #[test]
    fn every_idempotent_transform_is() {
        let values = ["  Ada <b>Love</b> ", "+491711234567", "de", "https://www.acme.example/x", "2026-10-02"];
        for name in Transform::NAMES {
            let name = match name {
                "round" => "round(2)",
                "truncate" => "truncate(5)",
                "join" => "join(,)",
                "split" => "split(,)",
                other => other,
            };
            let transform: Transform = name.parse().unwrap();
            if !transform.is_idempotent() {
                continue;
            }
            for value in values {
                if let Some(once) = transform.apply(&value.into()) {
                    assert_eq!(transform.apply(&once), Some(once.clone()), "{name} {value}");
                }
            }
        }
    }

    #[test]
    fn maps_go_both_ways_when_reversible() {
        let map = ValueMap { pairs: vec![("google".into(), "Web".into())], other: Some("Other".into()) };
        assert_eq!(map.forward(&"google".into()), "Web".into());
        assert_eq!(map.forward(&"bing".into()), "Other".into());
        assert_eq!(map.backward(&"Web".into()), "google".into());
        let twice = ValueMap { pairs: vec![("a".into(), "x".into()), ("b".into(), "x".into())], other: None };
        assert_eq!(twice.collision(), Some(("a", "b", "x")));
    }
}
