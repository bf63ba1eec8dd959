//! From characters to tokens. What no token starts with is an error of its own kind, without a caret.

use chrono::{DateTime, NaiveDate};
use rust_decimal::Decimal;

use super::mistake::Mistake;
use super::pattern::{Pattern, Piece};
use crate::clock::Millis;

/// The longest text in quotes, in characters.
const MAX_LITERAL: usize = 4_000;

#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub at: usize,
    pub kind: TokenKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TokenKind {
    Name(String),
    /// What stood between the quotes, escapes still in it, each of them legal.
    Text(String),
    Number(Decimal),
    Date(NaiveDate),
    Instant(Millis),
    /// `( ) , . :` and the comparison signs.
    Sign(&'static str),
    End,
}

impl Token {
    /// As an error message shows it.
    pub fn shown(&self) -> String {
        match &self.kind {
            TokenKind::Name(name) => name.clone(),
            TokenKind::Text(raw) => format!("'{raw}'"),
            TokenKind::Number(number) => number.to_string(),
            TokenKind::Date(day) => day.to_string(),
            TokenKind::Instant(at) => crate::clock::iso(*at),
            TokenKind::Sign(sign) => (*sign).to_owned(),
            TokenKind::End => "<EOF>".to_owned(),
        }
    }
}

/// All tokens of a query, the last one `End`.
///
/// # Errors
/// `MALFORMED_QUERY` where a character starts no token, an escape is none, a text or a date has no end or no sense.
pub fn tokens(source: &str) -> Result<Vec<Token>, Mistake> {
    let mut lexer = Lexer { source, at: 0 };
    let mut found = Vec::new();
    loop {
        let token = lexer.next()?;
        let last = token.kind == TokenKind::End;
        found.push(token);
        if last {
            return Ok(found);
        }
    }
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
}

const SIGNS: [&str; 12] = ["<=", ">=", "!=", "<>", "=", "<", ">", "(", ")", ",", ".", ":"];

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.source.get(self.at..).unwrap_or("")
    }

    /// The longest beginning of what is left whose characters all satisfy `wanted`.
    fn run(&self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|character| !wanted(character)).unwrap_or(rest.len());
        rest.get(..end).unwrap_or("")
    }

    fn take(&mut self, length: usize, kind: TokenKind) -> Token {
        let token = Token { at: self.at, kind };
        self.at += length;
        token
    }

    fn next(&mut self) -> Result<Token, Mistake> {
        self.at += self.run(char::is_whitespace).len();
        let Some(first) = self.rest().chars().next() else {
            return Ok(self.take(0, TokenKind::End));
        };
        if first.is_ascii_alphabetic() {
            let name = self.run(|character| character.is_ascii_alphanumeric() || character == '_');
            return Ok(self.take(name.len(), TokenKind::Name(name.to_owned())));
        }
        if first == '\'' {
            return self.text();
        }
        if first.is_ascii_digit() || (matches!(first, '-' | '+' | '.') && self.digit_follows()) {
            return self.number_or_date();
        }
        match SIGNS.into_iter().find(|sign| self.rest().starts_with(*sign)) {
            Some(sign) => Ok(self.take(sign.len(), TokenKind::Sign(if sign == "<>" { "!=" } else { sign }))),
            None => Err(Mistake::no_viable(self.source, self.at)),
        }
    }

    fn digit_follows(&self) -> bool {
        let mut rest = self.rest().chars().skip(1);
        match rest.next() {
            Some('.') => rest.next().is_some_and(|character| character.is_ascii_digit()),
            next => next.is_some_and(|character| character.is_ascii_digit()),
        }
    }

    fn text(&mut self) -> Result<Token, Mistake> {
        let from = self.at + 1;
        let mut characters = self.source.get(from..).unwrap_or("").char_indices();
        let mut length = 0;
        while let Some((offset, character)) = characters.next() {
            match character {
                '\'' => {
                    if length > MAX_LITERAL {
                        return Err(Mistake::malformed(format!(
                            "maximum length of a literal in a WHERE clause is {MAX_LITERAL} characters"
                        )));
                    }
                    let raw = self.source.get(from..from + offset).unwrap_or("").to_owned();
                    return Ok(self.take(offset + 2, TokenKind::Text(raw)));
                }
                '\\' => match characters.next() {
                    Some((at, 'u' | 'U')) => {
                        let digits = self.source.get(from + at + 1..from + at + 5);
                        let point = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
                        if point.and_then(char::from_u32).is_none() {
                            return Err(Mistake::no_viable(self.source, from + at));
                        }
                        characters.by_ref().take(4).for_each(drop);
                    }
                    Some((_, escaped)) if unescaped(escaped).is_some() || matches!(escaped, '_' | '%') => {}
                    Some((at, _)) => return Err(Mistake::no_viable(self.source, from + at)),
                    None => break,
                },
                _ => {}
            }
            length += 1;
        }
        Err(Mistake::no_viable(self.source, self.source.len()))
    }

    fn number_or_date(&mut self) -> Result<Token, Mistake> {
        let word =
            self.run(|character| character.is_ascii_alphanumeric() || matches!(character, '-' | ':' | '+' | '.'));
        let bytes = word.as_bytes();
        let dash = |at: usize| bytes.get(at) == Some(&b'-');
        if dash(4) && dash(7) {
            let kind = match word.len() {
                10 => word.parse().ok().map(TokenKind::Date),
                _ => instant(word).map(TokenKind::Instant),
            };
            return match kind {
                Some(kind) => Ok(self.take(word.len(), kind)),
                None => Err(Mistake::unexpected(self.source, self.at, word)),
            };
        }
        let end = word.char_indices().skip(1).find(|(_, c)| !c.is_ascii_digit() && *c != '.');
        let digits = word.get(..end.map_or(word.len(), |(at, _)| at)).unwrap_or(word);
        let next = self.rest().get(digits.len()..).and_then(|rest| rest.chars().next());
        if next.is_some_and(|character| character.is_ascii_alphanumeric() || character == '_') {
            return Err(Mistake::no_viable(self.source, self.at + digits.len()));
        }
        match digits.trim_start_matches('+').parse() {
            Ok(number) => Ok(self.take(digits.len(), TokenKind::Number(number))),
            Err(_) => Err(Mistake::unexpected(self.source, self.at, digits)),
        }
    }
}

/// `2026-03-04T05:06:07Z`, with a fraction of a second and an offset with a colon if need be. Without a zone, or with the
/// `+0000` the API itself writes, it is nothing.
fn instant(word: &str) -> Option<Millis> {
    let (date, time) = word.split_once('T')?;
    if date.len() != 10 || time.len() < 9 {
        return None;
    }
    DateTime::parse_from_rfc3339(word).ok().map(|instant| instant.timestamp_millis())
}

/// What a backslash and a letter stand for, outside LIKE.
fn unescaped(letter: char) -> Option<char> {
    Some(match letter {
        '\'' => '\'',
        '"' => '"',
        '\\' => '\\',
        'n' | 'N' => '\n',
        'r' | 'R' => '\r',
        't' | 'T' => '\t',
        'b' | 'B' => '\u{8}',
        'f' | 'F' => '\u{c}',
        _ => return None,
    })
}

/// The text a literal stands for; the offset of an escape that only LIKE knows otherwise.
pub fn plain(raw: &str) -> Result<String, usize> {
    let mut text = String::with_capacity(raw.len());
    for (offset, piece) in pieces(raw) {
        match piece {
            Raw::Character(character) | Raw::Escaped(character) => text.push(character),
            Raw::Wild(_) => return Err(offset),
        }
    }
    Ok(text)
}

/// The pattern a literal stands for to the right of LIKE.
pub fn pattern(raw: &str) -> Pattern {
    let piece = |(_, piece)| match piece {
        Raw::Character('%') => Piece::Any,
        Raw::Character('_') => Piece::One,
        Raw::Character(character) | Raw::Escaped(character) | Raw::Wild(character) => Piece::Exactly(character),
    };
    Pattern(pieces(raw).into_iter().map(piece).collect())
}

enum Raw {
    Character(char),
    Escaped(char),
    /// `\_` or `\%`.
    Wild(char),
}

fn pieces(raw: &str) -> Vec<(usize, Raw)> {
    let mut found = Vec::with_capacity(raw.len());
    let mut characters = raw.char_indices();
    while let Some((offset, character)) = characters.next() {
        let piece = match character {
            '\\' => match characters.next() {
                Some((at, 'u' | 'U')) => {
                    let point = raw.get(at + 1..at + 5).and_then(|digits| u32::from_str_radix(digits, 16).ok());
                    characters.by_ref().take(4).for_each(drop);
                    Raw::Escaped(point.and_then(char::from_u32).unwrap_or('\u{fffd}'))
                }
                Some((_, letter)) => unescaped(letter).map_or(Raw::Wild(letter), Raw::Escaped),
                None => break,
            },
            plain => Raw::Character(plain),
        };
        found.push((offset, piece));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(source: &str) -> Vec<TokenKind> {
        tokens(source).expect("tokens").into_iter().map(|token| token.kind).collect()
    }

    fn refused(source: &str) -> String {
        tokens(source).expect_err("a refusal").message
    }

    #[test]
    fn names_signs_numbers_and_dates() {
        use TokenKind::{Date, End, Instant, Name, Number, Sign};
        assert_eq!(
            kinds("a.b__c>=-1.5"),
            [
                Name("a".into()),
                Sign("."),
                Name("b__c".into()),
                Sign(">="),
                Number("-1.5".parse().expect("a number")),
                End
            ]
        );
        assert_eq!(kinds("2026-03-04)"), [Date("2026-03-04".parse().expect("a date")), Sign(")"), End]);
        let five = Instant(1_772_600_767_000);
        for same in [
            "2026-03-04T05:06:07Z",
            "2026-03-04T05:06:07.000Z",
            "2026-03-04T06:06:07+01:00",
            "2026-03-03T21:06:07.000-08:00",
        ] {
            assert_eq!(kinds(same), [five.clone(), End], "{same}");
        }
        assert_eq!(kinds("<>"), [Sign("!="), End]);
    }

    #[test]
    fn the_dates_the_api_itself_writes_are_refused_and_so_are_dates_that_do_not_exist() {
        for bad in
            ["2026-03-04T05:06:07.000+0000", "2026-03-04T05:06:07", "2026-02-30", "2026-13-01T00:00:00Z", "2026-03-04Z"]
        {
            assert!(refused(bad).contains("unexpected token"), "{bad}: {}", refused(bad));
        }
    }

    #[test]
    fn escapes_are_the_vendors_and_no_others() {
        assert_eq!(kinds(r"'O\'Neil'"), [TokenKind::Text(r"O\'Neil".into()), TokenKind::End]);
        assert_eq!(plain(r"O\'Neil \u00e9\n\\"), Ok("O'Neil é\n\\".into()));
        assert_eq!(plain(r"ab\%"), Err(2));
        assert!(refused(r"'a\x'").starts_with("line 1:3 no viable alternative at character 'x'"));
        assert!(refused(r"'a\u00g0'").starts_with("line 1:3 no viable alternative"));
        assert!(refused(r"'a\ud800'").starts_with("line 1:3 no viable alternative"));
        assert!(refused("'abc").contains("mismatched character '<EOF>'"));
        assert!(refused(r"'abc\'").contains("mismatched character '<EOF>'"));
        assert!(refused("\u{201c}a\u{201d}").contains("no viable alternative at character '\u{201c}'"));
        assert!(refused("12ab").contains("no viable alternative at character 'a'"));
    }

    #[test]
    fn a_pattern_keeps_what_was_escaped_literal() {
        use Piece::{Any, Exactly, One};
        assert_eq!(pattern(r"a%\%_\_").0, [Exactly('a'), Any, Exactly('%'), One, Exactly('_')]);
    }

    #[test]
    fn a_literal_has_a_longest_length() {
        assert_eq!(kinds(&format!("'{}'", "é".repeat(4_000))).len(), 2);
        assert!(refused(&format!("'{}'", "a".repeat(4_001))).contains("maximum length of a literal"));
    }
}
