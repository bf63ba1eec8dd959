//! How a value is made comparable. Each step is total: what is left empty is a missing value.

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// One step of cleaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clean {
    /// Lower case.
    Lower,
    /// Marks off letters: `é` is `e`.
    Plain,
    /// Letters only.
    Letters,
    /// Digits only.
    Digits,
    /// Letters and digits only.
    Alphanumeric,
    /// Words in alphabetical order, one space between them.
    SortedWords,
    /// A value made of one repeated character, or a word for "nothing", is missing.
    NoFiller,
}

const NOTHING: &[&str] = &["na", "n/a", "none", "null", "nil", "unknown", "undefined", "nan", "-"];

/// Applies the steps in order; `None` when nothing is left.
pub fn clean(value: &str, steps: &[Clean]) -> Option<Box<str>> {
    let mut text = value.trim().to_owned();
    for step in steps {
        text = match step {
            Clean::Lower => text.to_lowercase(),
            Clean::Plain => text.nfd().filter(|c| !is_combining_mark(*c)).nfc().collect(),
            Clean::Letters => text.chars().filter(|c| c.is_alphabetic()).collect(),
            Clean::Digits => text.chars().filter(char::is_ascii_digit).collect(),
            Clean::Alphanumeric => text.chars().filter(|c| c.is_alphanumeric()).collect(),
            Clean::SortedWords => sorted_words(&text),
            Clean::NoFiller => {
                if is_filler(&text) {
                    String::new()
                } else {
                    text
                }
            }
        };
    }
    let text = text.trim();
    (!text.is_empty()).then(|| text.into())
}

fn sorted_words(text: &str) -> String {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    words.sort_unstable();
    words.join(" ")
}

fn is_filler(text: &str) -> bool {
    let mut characters = text.chars();
    let first = characters.next();
    let repeated = text.chars().count() > 2 && characters.all(|c| Some(c) == first);
    repeated || NOTHING.contains(&text.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_apply_in_order_and_nothing_is_missing() {
        use Clean::*;
        let cases: &[(&str, &[Clean], Option<&str>)] = &[
            ("  Müller ", &[Lower, Plain], Some("muller")),
            ("O'Neil-Smith", &[Lower, Letters], Some("oneilsmith")),
            ("St. 12a", &[Digits], Some("12")),
            ("12 b", &[Alphanumeric], Some("12b")),
            ("road high", &[SortedWords], Some("high road")),
            ("N/A", &[NoFiller], None),
            ("0000", &[NoFiller], None),
            ("11", &[NoFiller], Some("11")),
            ("...", &[Letters], None),
            ("", &[], None),
        ];
        for (value, steps, want) in cases {
            assert_eq!(clean(value, steps).as_deref(), *want, "{value}");
        }
    }
}
