//! A filter's text as tokens.

#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// Names, paths, operators and constants without quotes.
    Word(String),
    Text(String),
    /// One of `( ) [ ] , =`.
    Mark(char),
}

/// # Errors
/// The sentence about what is no token, with its position.
pub fn tokens(source: &str) -> Result<Vec<Token>, String> {
    let letters: Vec<char> = source.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(letter) = letters.get(at).copied() {
        match letter {
            ' ' | '\t' | '\r' | '\n' => at += 1,
            '(' | ')' | '[' | ']' | ',' | '=' => {
                tokens.push(Token::Mark(letter));
                at += 1;
            }
            '\'' | '"' => {
                let (text, next) = quoted(&letters, at).ok_or_else(|| {
                    format!("There is an unterminated literal at position {} in '{source}'.", letters.len())
                })?;
                tokens.push(Token::Text(text));
                at = next;
            }
            letter if is_bare(letter) => {
                let end = letters.iter().skip(at).position(|each| !is_bare(*each)).map_or(letters.len(), |n| at + n);
                tokens.push(Token::Word(letters.get(at..end).unwrap_or_default().iter().collect()));
                at = end;
            }
            other => {
                return Err(format!("Syntax error: character '{other}' is not valid at position {at} in '{source}'."));
            }
        }
    }
    Ok(tokens)
}

fn is_bare(letter: char) -> bool {
    letter.is_alphanumeric() || "_.-:@/+*$%".contains(letter)
}

/// The text between quotes of one kind, doubled ones standing for themselves, and where it ends.
fn quoted(letters: &[char], start: usize) -> Option<(String, usize)> {
    let quote = letters.get(start)?;
    let (mut text, mut at) = (String::new(), start + 1);
    loop {
        let letter = letters.get(at)?;
        if letter == quote {
            if letters.get(at + 1) != Some(quote) {
                return Some((text, at + 1));
            }
            at += 1;
        }
        text.push(*letter);
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_texts_and_marks() {
        let word = |text: &str| Token::Word(text.into());
        assert_eq!(
            tokens("lastname eq 'O''Brien' and (modifiedon ge 2026-01-05T10:00:00Z)").unwrap(),
            [
                word("lastname"),
                word("eq"),
                Token::Text("O'Brien".into()),
                word("and"),
                Token::Mark('('),
                word("modifiedon"),
                word("ge"),
                word("2026-01-05T10:00:00Z"),
                Token::Mark(')'),
            ]
        );
        assert!(tokens("name eq 'x").unwrap_err().contains("unterminated literal"));
        assert!(tokens("name eq ;").unwrap_err().contains("not valid at position 8"));
    }
}
