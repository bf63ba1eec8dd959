//! Was the CRM's answer another form of what was written, or another value? (`cdp-semantics` §8.3)

use connector::Value;
use rust_decimal::RoundingStrategy;

/// Whether `kept` is `sent` as a CRM may tidy it: a number rounded or cut to fewer places, text in other case or spacing or
/// cut short, a phone number in another notation, a list in another order. Such a field is learned, not fought over.
pub fn is_normalisation(sent: &Value, kept: &Value) -> bool {
    match (sent, kept) {
        (a, b) if a == b => true,
        (Value::Number(sent), Value::Number(kept)) => {
            let places = kept.normalize().scale();
            places < sent.normalize().scale()
                && [
                    RoundingStrategy::MidpointAwayFromZero,
                    RoundingStrategy::MidpointNearestEven,
                    RoundingStrategy::ToZero,
                ]
                .into_iter()
                .any(|how| sent.round_dp_with_strategy(places, how) == *kept)
        }
        (Value::Instant(sent), Value::Instant(kept)) => {
            // Seconds or minutes kept of a finer instant.
            let (sent, kept) = (sent.micros(), kept.micros());
            [1_000_000, 60_000_000].into_iter().any(|unit| sent.div_euclid(unit) * unit == kept)
        }
        (Value::List(sent), Value::List(kept)) => {
            sent.len() == kept.len() && sent.iter().all(|item| kept.iter().any(|other| same_text(item, other)))
        }
        (Value::Text(sent), Value::Text(kept)) => same_text(sent, kept) || cut(sent, kept) || same_digits(sent, kept),
        _ => false,
    }
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

fn same_text(sent: &str, kept: &str) -> bool {
    squeezed(sent) == squeezed(kept) || without_tags(sent) == without_tags(kept)
}

fn without_tags(text: &str) -> String {
    let mut inside = false;
    let bare: String = text
        .chars()
        .filter(|c| match c {
            '<' => {
                inside = true;
                false
            }
            '>' if inside => {
                inside = false;
                false
            }
            _ => !inside,
        })
        .collect();
    squeezed(&bare)
}

/// A prefix of some length, with or without an ellipsis.
fn cut(sent: &str, kept: &str) -> bool {
    let kept = kept.trim_end_matches(['…', '.']).trim_end();
    kept.chars().count() >= 20 && sent.starts_with(kept)
}

/// Phone numbers: the same digits, in any notation.
fn same_digits(sent: &str, kept: &str) -> bool {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let phone = |text: &str| text.chars().all(|c| c.is_ascii_digit() || " +-()./".contains(c));
    phone(sent) && phone(kept) && digits(sent).len() >= 6 && digits(sent) == digits(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tidied_values_are_not_fights() {
        let number = |text: &str| Value::Number(text.parse().unwrap());
        let tidied = [
            (number("12.345"), number("12.35")),
            (number("12.345"), number("12")),
            ("Ada  Lovelace".into(), "ada lovelace".into()),
            ("+49 171 1234567".into(), "+491711234567".into()),
            ("<p>hello</p>".into(), "hello".into()),
        ];
        for (sent, kept) in tidied {
            assert!(is_normalisation(&sent, &kept), "{sent} {kept}");
        }
        for (sent, kept) in [("Ada", "Bob"), ("12", "13"), ("Head of Sales", "Sales")] {
            assert!(!is_normalisation(&sent.into(), &kept.into()), "{sent} {kept}");
        }
        assert!(!is_normalisation(&number("12"), &number("0")));
    }
}
