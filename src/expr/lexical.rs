//! Before the parser: its recursion follows the text, so what is too long or too deep is refused here; and the slips of
//! people who know other grammars get words of their own.

use std::ops::Range;

use crate::expr::error::{ExprError, ExprErrorCode::E031};

/// Longest expression, in bytes.
pub const MAX_LENGTH: usize = 4_096;
/// Deepest nesting of brackets.
pub const MAX_NESTING: usize = 16;
/// Most operators one inside the other (`a + b + c`, `a.b.c`, `a ? b : c ? d : e`), brackets included.
pub const MAX_CHAIN: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Word,
    Number,
    Text,
    Open,
    Close,
    /// Stands between or before values.
    Operator,
}

#[derive(Clone, Debug)]
struct Token {
    class: Class,
    span: Range<usize>,
}

/// How deep the parser's tree gets at one level of brackets.
#[derive(Default)]
struct Level {
    /// Operators of the current term that stand one inside the other.
    chain: usize,
    /// The deepest bracket of the current term.
    inside: usize,
    /// The deepest term before.
    before: usize,
}

impl Level {
    fn operator(&mut self, word: &str) {
        match word {
            // The parser keeps these side by side.
            "&&" | "||" | "," => {
                self.before = self.deepest();
                (self.chain, self.inside) = (0, 0);
            }
            "!" | ":" => {}
            _ => self.chain += 1,
        }
    }

    fn deepest(&self) -> usize {
        self.before.max(self.chain + self.inside)
    }
}

/// Checks an expression's outside. `Ok` means that the parser can be trusted with it.
pub(super) fn check(text: &str) -> Result<(), ExprError> {
    if text.len() > MAX_LENGTH {
        let message = format!("the expression has {} bytes; at most {MAX_LENGTH} are read", text.len());
        return Err(ExprError::new(E031, 0..text.len(), message).help("split it into several rules"));
    }
    if text.trim().is_empty() {
        return Err(ExprError::new(E031, 0..text.len(), "the expression is empty").help("leave it out to match all"));
    }
    let tokens = tokens(text)?;
    let mut open: Vec<&Token> = Vec::new();
    // One level per open bracket, and the text itself.
    let mut levels = vec![Level::default()];
    for (place, token) in tokens.iter().enumerate() {
        let word = text.get(token.span.clone()).unwrap_or_default();
        let error = |message: String| ExprError::new(E031, token.span.clone(), message);
        match token.class {
            Class::Open => {
                open.push(token);
                levels.push(Level::default());
            }
            Class::Close => {
                let opener = open.pop().and_then(|token| text.get(token.span.clone()));
                match (opener, word) {
                    (Some("("), ")") | (Some("["), "]") | (Some("{"), "}") => {}
                    _ => return Err(error(format!("`{word}` closes nothing"))),
                }
                let inside = levels.pop().unwrap_or_default().deepest() + 1;
                if let Some(level) = levels.last_mut() {
                    level.inside = level.inside.max(inside);
                }
            }
            Class::Operator => {
                if let Some(level) = levels.last_mut() {
                    level.operator(word);
                }
                if word == "=" {
                    return Err(error("`=` is not a comparison".into()).help("use `==`"));
                }
                if word == "<>" {
                    return Err(error("`<>` is not a comparison".into()).help("use `!=`"));
                }
            }
            Class::Word => {
                let before = place.checked_sub(1).and_then(|at| tokens.get(at));
                let after_value = before.is_some_and(|token| ends_value(token.class, text, &token.span));
                let instead = match word.to_ascii_lowercase().as_str() {
                    "and" if after_value => "use `&&`",
                    "or" if after_value => "use `||`",
                    "is" if after_value => "use `== null` or `!= null`",
                    "contains" if after_value => "write `name.contains(\"text\")`",
                    "matches" if after_value => "write `name.matches(\"pattern\")`",
                    "starts_with" | "startswith" if after_value => "write `name.startsWith(\"text\")`",
                    "ends_with" | "endswith" if after_value => "write `name.endsWith(\"text\")`",
                    "not" if !after_value && !follows_dot(before, text) => "use `!`",
                    _ => "",
                };
                if !instead.is_empty() {
                    return Err(error(format!("`{word}` is not an operator here")).help(instead));
                }
            }
            Class::Number | Class::Text => {}
        }
        if levels.last().is_some_and(|level| level.deepest() > MAX_CHAIN) {
            let message = format!("more than {MAX_CHAIN} operators one inside the other");
            return Err(error(message).help("use `&&`, `||` or a list, or split it into several rules"));
        }
        if open.len() > MAX_NESTING {
            return Err(error(format!("nested deeper than {MAX_NESTING} brackets")).help("split it into several rules"));
        }
    }
    match open.last() {
        Some(token) => {
            let word = text.get(token.span.clone()).unwrap_or_default();
            Err(ExprError::new(E031, token.span.clone(), format!("`{word}` is never closed")))
        }
        None => Ok(()),
    }
}

/// Says where the parser stopped, at byte `at`, in words: what was expected after what.
pub(super) fn syntax_error(text: &str, at: usize) -> ExprError {
    let tokens = tokens(text).unwrap_or_default();
    let next = tokens.iter().position(|token| token.span.end > at);
    let before = next.map_or(tokens.len(), |next| next).checked_sub(1).and_then(|place| tokens.get(place));
    let word = |token: &Token| text.get(token.span.clone()).unwrap_or_default().to_owned();
    match (before, next.and_then(|next| tokens.get(next))) {
        (Some(before), next) if !ends_value(before.class, text, &before.span) => {
            let span = next.map_or(before.span.clone(), |token| token.span.clone());
            ExprError::new(E031, span, format!("expected a value after `{}`", word(before)))
        }
        (Some(before), Some(next)) => {
            let message = format!("did not expect `{}` after `{}`", word(next), word(before));
            ExprError::new(E031, next.span.clone(), message)
        }
        (None, Some(next)) => ExprError::new(E031, next.span.clone(), format!("did not expect `{}` here", word(next))),
        (_, None) => ExprError::new(E031, 0..text.len(), "the expression breaks off".to_owned()),
    }
}

fn ends_value(class: Class, text: &str, span: &Range<usize>) -> bool {
    match class {
        Class::Word => text.get(span.clone()) != Some("in"),
        Class::Number | Class::Text | Class::Close => true,
        Class::Open | Class::Operator => false,
    }
}

fn follows_dot(before: Option<&Token>, text: &str) -> bool {
    before.is_some_and(|token| text.get(token.span.clone()) == Some("."))
}

fn tokens(text: &str) -> Result<Vec<Token>, ExprError> {
    let bytes = text.as_bytes();
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let class = match byte(at) {
            b' ' | b'\t' | b'\r' | b'\n' | 0x0c => {
                at += 1;
                continue;
            }
            b'/' if byte(at + 1) == b'/' => {
                at += bytes.iter().skip(at).position(|b| *b == b'\n').unwrap_or(bytes.len() - at);
                continue;
            }
            b'"' | b'\'' => {
                at = end_of_text(text, at, false)?;
                Class::Text
            }
            b'r' | b'R' | b'b' | b'B' if matches!(byte(at + 1), b'"' | b'\'') => {
                at = end_of_text(text, at + 1, matches!(byte(at), b'r' | b'R'))?;
                Class::Text
            }
            b if b.is_ascii_alphabetic() || b == b'_' => {
                at += bytes.iter().skip(at).take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
                Class::Word
            }
            b if b.is_ascii_digit() => {
                at += bytes.iter().skip(at).take_while(|b| b.is_ascii_alphanumeric() || **b == b'.').count();
                Class::Number
            }
            b'(' | b'[' | b'{' => {
                at += 1;
                Class::Open
            }
            b')' | b']' | b'}' => {
                at += 1;
                Class::Close
            }
            b => {
                let two = matches!((b, byte(at + 1)), (b'=' | b'!' | b'<' | b'>', b'='))
                    || matches!((b, byte(at + 1)), (b'&', b'&') | (b'|', b'|') | (b'<', b'>'));
                at += if two { 2 } else { text.get(at..).and_then(|t| t.chars().next()).map_or(1, char::len_utf8) };
                let known = two || b"=<>!+-*/%.,?:".contains(&b);
                if !known {
                    let word = text.get(start..at).unwrap_or_default();
                    return Err(ExprError::new(E031, start..at, format!("did not expect `{word}`")));
                }
                Class::Operator
            }
        };
        tokens.push(Token { class, span: start..at });
    }
    Ok(tokens)
}

/// The byte after a text literal that opens at `quote`.
fn end_of_text(text: &str, quote: usize, raw: bool) -> Result<usize, ExprError> {
    let bytes = text.as_bytes();
    let mark = bytes.get(quote).copied().unwrap_or(b'"');
    let triple = bytes.get(quote + 1) == Some(&mark) && bytes.get(quote + 2) == Some(&mark);
    let mut at = quote + if triple { 3 } else { 1 };
    while let Some(byte) = bytes.get(at) {
        if *byte == b'\\' && !raw {
            at += 2;
            continue;
        }
        if *byte == mark {
            if !triple {
                return Ok(at + 1);
            }
            if bytes.get(at + 1) == Some(&mark) && bytes.get(at + 2) == Some(&mark) {
                return Ok(at + 3);
            }
        }
        at += 1;
    }
    let message = format!("the text that opens with `{}` is never closed", char::from(mark));
    Err(ExprError::new(E031, quote..text.len(), message))
}
