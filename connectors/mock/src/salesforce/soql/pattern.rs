//! The right side of LIKE: `%` stands for any characters, `_` for one, a backslash takes their meaning away.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// `%`
    Any,
    /// `_`
    One,
    Exactly(char),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(pub Vec<Piece>);

impl Pattern {
    /// The pattern with its letters in lower case, to be matched against text in lower case.
    pub fn lowered(&self) -> Self {
        let lower = |piece: &Piece| match *piece {
            Piece::Exactly(character) => character.to_lowercase().map(Piece::Exactly).collect(),
            other => vec![other],
        };
        Self(self.0.iter().flat_map(lower).collect())
    }

    /// Whether `text` as a whole fits. Takes time in proportion to both lengths at worst, never more.
    pub fn fits(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut at, mut piece) = (0, 0);
        // Where the last `%` stood, and how much text it has swallowed.
        let mut last_any: Option<(usize, usize)> = None;
        while let Some(&character) = text.get(at) {
            match self.0.get(piece) {
                Some(Piece::Any) => {
                    last_any = Some((piece, at));
                    piece += 1;
                }
                Some(Piece::One) => (at, piece) = (at + 1, piece + 1),
                Some(Piece::Exactly(wanted)) if *wanted == character => (at, piece) = (at + 1, piece + 1),
                _ => match last_any {
                    Some((any, swallowed)) => {
                        last_any = Some((any, swallowed + 1));
                        (at, piece) = (swallowed + 1, any + 1);
                    }
                    None => return false,
                },
            }
        }
        self.0.get(piece..).is_none_or(|rest| rest.iter().all(|each| *each == Piece::Any))
    }
}

impl fmt::Display for Pattern {
    /// As a quoted literal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("'")?;
        for piece in &self.0 {
            match piece {
                Piece::Any => f.write_str("%")?,
                Piece::One => f.write_str("_")?,
                Piece::Exactly(wild @ ('%' | '_')) => write!(f, "\\{wild}")?,
                Piece::Exactly(character) => write_escaped(f, *character)?,
            }
        }
        f.write_str("'")
    }
}

/// One character of a quoted literal.
pub(super) fn write_escaped(f: &mut fmt::Formatter<'_>, character: char) -> fmt::Result {
    match character {
        '\'' => f.write_str("\\'"),
        '\\' => f.write_str("\\\\"),
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        '\u{8}' => f.write_str("\\b"),
        '\u{c}' => f.write_str("\\f"),
        other => write!(f, "{other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern(
            text.chars()
                .map(|character| match character {
                    '%' => Piece::Any,
                    '_' => Piece::One,
                    other => Piece::Exactly(other),
                })
                .collect(),
        )
    }

    #[test]
    fn percent_is_any_and_underscore_is_one() {
        for (wild, text, fits) in [
            ("a%", "abc", true),
            ("%c", "abc", true),
            ("%b%", "abc", true),
            ("a_c", "abc", true),
            ("a_c", "ac", false),
            ("abc", "abcd", false),
            ("", "", true),
            ("%", "", true),
            ("_", "", false),
            ("%a%b", "xaxbxb", true),
            ("%ab", "aab", true),
            ("é_", "éx", true),
        ] {
            assert_eq!(pattern(wild).fits(text), fits, "{wild} on {text}");
        }
    }

    #[test]
    fn many_percents_do_not_blow_up() {
        let wild = pattern(&"%a".repeat(300));
        assert!(!wild.fits(&format!("{}b", "a".repeat(4_000))));
    }
}
