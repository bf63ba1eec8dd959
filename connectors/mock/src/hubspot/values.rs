//! Values on their way in: what the vendor accepts for each type, and how it keeps it. Pure.

use serde_json::Value;

use super::refusal::Problem;
use super::schema::{Property, Type};
use crate::clock::{Millis, iso, iso_date, parse_iso};

const MAX_TEXT: usize = 65_536;
const DAY_MS: i64 = 86_400_000;

/// A value as it would be stored; `""` clears. `held` is what the record has now (for appending to a set).
pub fn normalise(property: &Property, given: &str, held: Option<&str>) -> Result<String, Problem> {
    let refuse = |code, message: String| Err(Problem::new(&property.name, code, message));
    if given.is_empty() {
        return Ok(String::new());
    }
    match property.kind {
        Type::Text if &*property.name == "email" => {
            let email = given.trim().to_lowercase();
            if is_email(&email) {
                Ok(email)
            } else {
                refuse("INVALID_EMAIL", format!("Email address {given} is invalid"))
            }
        }
        Type::Text if given.chars().count() > MAX_TEXT => {
            refuse("INVALID_LENGTH", format!("{} is longer than {MAX_TEXT} characters", property.name))
        }
        Type::Text => Ok(given.to_owned()),
        Type::Number => match number(given) {
            Some(text) => Ok(text),
            None => refuse("INVALID_INTEGER", format!("{given} was not a valid number.")),
        },
        Type::Bool => match given.trim().to_ascii_lowercase().as_str() {
            yes_no @ ("true" | "false") => Ok(yes_no.to_owned()),
            _ => refuse("INVALID_BOOLEAN", format!("{given} was not a valid boolean.")),
        },
        Type::Enumeration => choices(property, given, held),
        Type::DateTime => match instant(given) {
            Some(at) => Ok(iso(at)),
            None => refuse("INVALID_DATE", format!("{given} was not a valid date.")),
        },
        Type::Date => match instant(given) {
            Some(at) if at.rem_euclid(DAY_MS) == 0 => Ok(iso_date(at)),
            Some(at) => {
                let rest = at.rem_euclid(DAY_MS);
                let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
                let (second, milli) = (rest / 1_000 % 60, rest % 1_000);
                refuse("INVALID_DATE", format!("{at} is at {hour}:{minute}:{second}.{milli} UTC, not midnight!"))
            }
            None => refuse("INVALID_DATE", format!("{given} was not a valid date.")),
        },
    }
}

/// A JSON value as the text it stands for; `null` clears, as `""` does.
pub fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// Epoch milliseconds or an ISO instant or date.
pub fn instant(text: &str) -> Option<Millis> {
    let text = text.trim();
    match text.parse::<i64>() {
        // The last instant chrono can print; beyond it the vendor answers an error too.
        Ok(ms) if (-62_135_596_800_000..=253_402_300_799_999).contains(&ms) => Some(ms),
        Ok(_) => None,
        Err(_) => parse_iso(text),
    }
}

/// A number, kept as written but for the spaces around it; no thousands separators, at most one point.
fn number(text: &str) -> Option<String> {
    let text = text.trim();
    let plain = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E'));
    (plain && text.parse::<f64>().is_ok_and(f64::is_finite)).then(|| text.to_owned())
}

fn choices(property: &Property, given: &str, held: Option<&str>) -> Result<String, Problem> {
    let many = property.field_type == "checkbox";
    let (append, list) = match given.strip_prefix(';') {
        Some(rest) if many => (true, rest),
        _ => (false, given),
    };
    let wanted: Vec<&str> =
        if many { list.split(';').map(str::trim).filter(|part| !part.is_empty()).collect() } else { vec![list.trim()] };
    if !property.external_options {
        let unknown = wanted.iter().find(|value| !property.choices.iter().any(|choice| choice.value == **value));
        if let Some(value) = unknown {
            let labels: Vec<&str> = property.choices.iter().map(|choice| choice.label.as_str()).collect();
            let message = format!("{value} was not one of the allowed options: [{}]", labels.join(", "));
            return Err(Problem::new(&property.name, "INVALID_OPTION", message));
        }
    }
    let mut kept: Vec<&str> = Vec::new();
    if append {
        kept.extend(held.unwrap_or("").split(';').filter(|part| !part.is_empty()));
    }
    for value in wanted {
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    Ok(kept.join(";"))
}

/// The vendor checks the shape and the top-level domain: special-use ones are refused, `.example` is let through.
pub fn is_email(email: &str) -> bool {
    let Some((local, domain)) = email.rsplit_once('@') else { return false };
    let Some((_, top)) = domain.rsplit_once('.') else { return false };
    let label = |part: &str| {
        !part.is_empty()
            && part.len() <= 63
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let special = ["test", "invalid", "localhost", "local", "internal"].contains(&top);
    let local_ok = !local.is_empty()
        && local.len() <= 64
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && !local.chars().any(|c| c.is_whitespace() || matches!(c, '@' | ',' | ';' | '<' | '>' | '(' | ')' | '"'));
    let top_ok = top.len() >= 2 && top.chars().any(|c| !c.is_ascii_digit());
    local_ok && top_ok && !special && domain.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hubspot::schema::Choice;

    fn property(kind: Type) -> Property {
        Property::new("thing", "Thing", kind, "g")
    }

    fn code(property: &Property, given: &str) -> &'static str {
        normalise(property, given, None).unwrap_err().code
    }

    #[test]
    fn numbers_refuse_thousands_and_text() {
        let number = property(Type::Number);
        for good in ["1234.5", "-1", "1e3", " 7 "] {
            assert_eq!(normalise(&number, good, None).unwrap(), good.trim());
        }
        for bad in ["1,234", "1.2.3", "N/A", "inf", "NaN"] {
            assert_eq!(code(&number, bad), "INVALID_INTEGER", "{bad}");
        }
    }

    #[test]
    fn dates_must_be_midnight_and_datetimes_need_not() {
        let date = property(Type::Date);
        assert_eq!(normalise(&date, "2026-11-20", None).unwrap(), "2026-11-20");
        assert_eq!(normalise(&date, "1795132800000", None).unwrap(), "2026-11-20");
        let problem = normalise(&date, "1795186743000", None).unwrap_err();
        assert!(problem.message.ends_with("is at 14:59:3.0 UTC, not midnight!"), "{}", problem.message);
        let moment = property(Type::DateTime);
        assert_eq!(normalise(&moment, "1795186743000", None).unwrap(), "2026-11-20T14:59:03.000Z");
        assert_eq!(code(&moment, "next week"), "INVALID_DATE");
    }

    #[test]
    fn sets_append_with_a_leading_semicolon() {
        let mut set = property(Type::Enumeration);
        set.field_type = "checkbox".into();
        set.choices = ["a", "b", "c"].iter().map(|v| Choice::plain(v, v)).collect();
        assert_eq!(normalise(&set, "a;b", None).unwrap(), "a;b");
        assert_eq!(normalise(&set, ";c;a", Some("a;b")).unwrap(), "a;b;c");
        assert_eq!(code(&set, "a;d"), "INVALID_OPTION");
        assert_eq!(code(&set, "A"), "INVALID_OPTION");
    }

    #[test]
    fn addresses_of_special_domains_are_refused() {
        for good in ["ada@firm.example", "a.b+c@sub.firm.example", "ünï@firm.example"] {
            assert!(is_email(good), "{good}");
        }
        for bad in
            ["ada@firm.test", "ada@x.invalid", "ada@a.localhost", "ada@localhost", "ada", "@x.example", "a b@c.example"]
        {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
