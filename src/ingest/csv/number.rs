//! Numbers as people write them: `1.234,56`. Exact, or refused.

use std::fmt;

use rust_decimal::Decimal;

/// How a column writes its numbers, named by an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberFormat {
    example: &'static str,
    /// Between groups of three digits.
    group: Option<char>,
    decimal: char,
}

impl NumberFormat {
    const fn new(example: &'static str, group: Option<char>, decimal: char) -> Self {
        Self { example, group, decimal }
    }

    /// Every format there is, by its example.
    pub const ALL: [(&'static str, Self); 6] = [
        ("1234.56", Self::new("1234.56", None, '.')),
        ("1234,56", Self::new("1234,56", None, ',')),
        ("1,234.56", Self::new("1,234.56", Some(','), '.')),
        ("1.234,56", Self::new("1.234,56", Some('.'), ',')),
        ("1 234,56", Self::new("1 234,56", Some(' '), ',')),
        ("1'234.56", Self::new("1'234.56", Some('\''), '.')),
    ];

    /// The number, or nothing where the text is none in this format. Groups may be left out, but where they are, they are of
    /// three digits: `1.23` is no number written like `1.234,56`, and taking it for 123 would be a hundredfold.
    pub fn read(&self, text: &str) -> Option<Decimal> {
        let text = text.trim();
        let (sign, digits) = match text.chars().next()? {
            '-' | '\u{2212}' => ("-", text.trim_start_matches(['-', '\u{2212}'])),
            '+' => ("", text.trim_start_matches('+')),
            _ => ("", text),
        };
        // One sign only.
        if text.chars().count() - digits.chars().count() > 1 {
            return None;
        }
        let (whole, fraction) = match digits.split_once(self.decimal) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (digits, None),
        };
        let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if fraction.is_some_and(|fraction| !all_digits(fraction)) {
            return None;
        }
        let mut plain = String::with_capacity(text.len() + 1);
        plain.push_str(sign);
        for (place, group) in whole.split(|c| self.separates(c)).enumerate() {
            let fits =
                if place > 0 { group.len() == 3 } else { !whole.contains(|c| self.separates(c)) || group.len() <= 3 };
            if !fits || !all_digits(group) {
                return None;
            }
            plain.push_str(group);
        }
        if let Some(fraction) = fraction {
            plain.push('.');
            plain.push_str(fraction);
        }
        Decimal::from_str_exact(&plain).ok()
    }

    /// Spaces are also written as no-break spaces, apostrophes as typographic ones.
    fn separates(&self, c: char) -> bool {
        match self.group {
            Some(' ') => matches!(c, ' ' | '\u{a0}' | '\u{202f}'),
            Some('\'') => matches!(c, '\'' | '\u{2019}'),
            group => group == Some(c),
        }
    }
}

impl fmt::Display for NumberFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.example)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(example: &str, text: &str) -> Option<String> {
        let (_, format) = NumberFormat::ALL.iter().find(|(name, _)| *name == example).unwrap();
        format.read(text).map(|number| number.to_string())
    }

    #[test]
    fn each_format_reads_its_own_example() {
        for (example, format) in NumberFormat::ALL {
            assert_eq!(read(example, example).as_deref(), Some("1234.56"), "{example}");
            assert_eq!(format.to_string(), example);
        }
    }

    #[test]
    fn numbers_are_exact_or_refused() {
        let cases = [
            ("1.234,56", "-1.234.567,8", Some("-1234567.8")),
            ("1.234,56", "1234,5", Some("1234.5")),
            ("1.234,56", "1.234", Some("1234")),
            ("1.234,56", "1.23", None),
            ("1.234,56", "1234.567", None),
            ("1.234,56", "1,234.56", None),
            ("1.234,56", "12,", None),
            ("1.234,56", ",5", None),
            ("1.234,56", "", None),
            ("1.234,56", "--5", None),
            ("1.234,56", "5-", None),
            ("1.234,56", "12 €", None),
            ("1 234,56", "1\u{a0}234\u{202f}567,80", Some("1234567.80")),
            ("1'234.56", "\u{2212}1\u{2019}234.5", Some("-1234.5")),
            ("1234.56", "+12345678901234567.891", Some("12345678901234567.891")),
            ("1234.56", "1e5", None),
            ("1234.56", "1,234.56", None),
            ("1234.56", "99999999999999999999999999999999", None),
        ];
        for (example, text, want) in cases {
            assert_eq!(read(example, text).as_deref(), want, "{text} as {example}");
        }
    }
}
