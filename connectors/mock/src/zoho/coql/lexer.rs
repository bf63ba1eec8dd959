//! From characters to tokens, each with its place for the vendor's `line`, `column` and `near`.

use super::super::refusal::Refusal;

#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// A name, dotted or not, or a keyword.
    Word(String),
    Text(String),
    Number(String),
    Sign(&'static str),
    End,
}

#[derive(Clone, Debug)]
pub struct Placed {
    pub token: Token,
    pub at: usize,
    /// As it stands in the query.
    pub shown: String,
}

const SIGNS: [&str; 10] = ["!=", "<=", ">=", "<>", "=", "<", ">", "(", ")", ","];

/// # Errors
/// `SYNTAX_ERROR` where a character starts nothing or a text has no end.
pub fn tokens(source: &str) -> Result<Vec<Placed>, Refusal> {
    let mut found = Vec::new();
    let mut at = 0;
    loop {
        let rest = source.get(at..).unwrap_or("");
        let blank = rest.len() - rest.trim_start().len();
        at += blank;
        let rest = source.get(at..).unwrap_or("");
        let Some(first) = rest.chars().next() else {
            found.push(Placed { token: Token::End, at, shown: "<EOF>".into() });
            return Ok(found);
        };
        let run = |wanted: fn(char) -> bool| rest.get(..rest.find(|c| !wanted(c)).unwrap_or(rest.len())).unwrap_or("");
        let (token, length) = if first == '\'' {
            text(rest).ok_or_else(|| unexpected(source, at, rest))?
        } else if first.is_ascii_alphabetic() || matches!(first, '_' | '$') {
            let word = run(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$'));
            (Token::Word(word.to_owned()), word.len())
        } else if first.is_ascii_digit()
            || (matches!(first, '-' | '+') && rest.chars().nth(1).is_some_and(|c| c.is_ascii_digit()))
        {
            let word = run(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '+'));
            (Token::Number(word.to_owned()), word.len())
        } else if first == '*' {
            (Token::Sign("*"), 1)
        } else {
            let sign = SIGNS.into_iter().find(|sign| rest.starts_with(*sign));
            let sign = sign.ok_or_else(|| unexpected(source, at, rest))?;
            (Token::Sign(if sign == "<>" { "!=" } else { sign }), sign.len())
        };
        found.push(Placed { token, at, shown: rest.get(..length).unwrap_or("").to_owned() });
        at += length;
    }
}

/// A text in quotes, `\'` standing for a quote in it.
fn text(rest: &str) -> Option<(Token, usize)> {
    let mut out = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((offset, character)) = characters.next() {
        match character {
            '\'' => return Some((Token::Text(out), offset + 1)),
            '\\' => out.push(characters.next()?.1),
            other => out.push(other),
        }
    }
    None
}

/// `SYNTAX_ERROR` at a place of the query.
pub fn unexpected(source: &str, at: usize, near: &str) -> Refusal {
    let before = source.get(..at).unwrap_or(source);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, str::len) + 1;
    let near: String = near.split_whitespace().next().unwrap_or("").chars().take(40).collect();
    Refusal::new(400, "SYNTAX_ERROR", "error occurred while parsing the query")
        .with("line", line)
        .with("column", column)
        .with("near", near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_texts_numbers_and_signs_come_apart() {
        let kinds: Vec<Token> =
            tokens(r"Owner.email>='O\'Neil',-1.5 <>x").unwrap().into_iter().map(|each| each.token).collect();
        assert_eq!(
            kinds,
            [
                Token::Word("Owner.email".into()),
                Token::Sign(">="),
                Token::Text("O'Neil".into()),
                Token::Sign(","),
                Token::Number("-1.5".into()),
                Token::Sign("!="),
                Token::Word("x".into()),
                Token::End,
            ]
        );
        let refusal = tokens("select a\nfrom 'b").unwrap_err();
        assert_eq!((refusal.details["line"].as_u64(), refusal.details["column"].as_u64()), (Some(2), Some(6)));
        assert!(tokens("a ; b").is_err());
    }
}
