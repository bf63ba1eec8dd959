//! Keeps secrets out of messages. An error shows the line it is about, and that line may hold a secret somebody wrote
//! into the file; it is masked before anything is shown, whatever the error is about.

use crate::config::keys;

pub const MASK: char = '•';

/// A value as messages quote it: short, printable, and masked if it may be a secret.
pub fn quoted(value: &str) -> String {
    const LONGEST: usize = 60;
    let printable: String = value.chars().map(printable).collect();
    let masked = mask_tokens(&printable);
    if masked.chars().count() > LONGEST {
        format!("\"{}…\"", masked.chars().take(LONGEST).collect::<String>())
    } else {
        format!("\"{masked}\"")
    }
}

/// A message that quotes the file.
pub fn message(text: &str) -> String {
    mask_tokens(&text.chars().map(printable).collect::<String>())
}

/// A line of the file as it may be shown. Has as many characters as the line, so that carets stay where they are.
pub fn line(line: &str) -> String {
    let printable: String = line.chars().map(printable).collect();
    mask_tokens(&mask_secret_values(&printable))
}

/// One character wide, and never a control character: a configuration file must not move the terminal's cursor.
fn printable(c: char) -> char {
    match c {
        '\t' => ' ',
        // Bidirectional controls would show a line in another order than it is read.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}' | '\u{feff}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

/// Masks what is assigned to a key that holds secrets, unless it is a `{ … }` reference. To the end of the line: where a
/// secret ends cannot be told in a line that may be broken.
fn mask_secret_values(line: &str) -> String {
    let chars: Vec<char> = line.chars().collect();
    let is_written = |equals: usize| {
        let value = chars.iter().skip(equals + 1).find(|c| !c.is_whitespace());
        value.is_some_and(|c| *c != '{') && keys::is_secret(&word_before(&chars, equals))
    };
    let equals = chars.iter().enumerate().filter(|(_, c)| **c == '=').map(|(at, _)| at);
    let Some(from) = equals.into_iter().find(|equals| is_written(*equals)) else { return line.to_owned() };
    let keep = |c: char| matches!(c, '"' | '\'') || c.is_whitespace();
    chars.iter().enumerate().map(|(at, c)| if at <= from || keep(*c) { *c } else { MASK }).collect()
}

fn word_before(chars: &[char], equals: usize) -> String {
    let before: Vec<char> = chars
        .iter()
        .take(equals)
        .rev()
        .skip_while(|c| c.is_whitespace() || matches!(c, '"' | '\''))
        .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
        .copied()
        .collect();
    before.into_iter().rev().collect()
}

/// Masks words that look like keys or tokens wherever they stand, and the user part of URLs.
fn mask_tokens(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars().chain(std::iter::once(' ')) {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '/' | '=' | '.' | ':' | '@' | '%') {
            word.push(c);
            continue;
        }
        shown.push_str(&mask_word(&word));
        word.clear();
        shown.push(c);
    }
    shown.pop();
    shown
}

fn mask_word(word: &str) -> String {
    if let Some((scheme, rest)) = word.split_once("://") {
        let end = rest.find('/').unwrap_or(rest.len());
        return match rest.get(..end).and_then(|authority| authority.rfind('@')) {
            Some(user) => {
                let dots: String = rest.chars().take(user).map(|_| MASK).collect();
                format!("{scheme}://{dots}{}", rest.get(user..).unwrap_or(""))
            }
            None => word.to_owned(),
        };
    }
    if looks_like_a_token(word) { word.chars().map(|_| MASK).collect() } else { word.to_owned() }
}

/// Long, without a dot or `@` that would make it a name, with both letters and several digits; or a known prefix.
fn looks_like_a_token(word: &str) -> bool {
    const PREFIXES: [&str; 6] = ["pat-", "eyJ", "sk-", "sk_", "ghp_", "xoxb-"];
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let letters = word.chars().filter(char::is_ascii_alphabetic).count();
    if PREFIXES.iter().any(|prefix| word.starts_with(prefix)) {
        return word.len() >= 12 && digits > 0;
    }
    let parts_are_short = word.split(['.', '@', '/', ':', '=']).all(|part| part.len() < 20);
    word.len() >= 20 && digits >= 4 && letters >= 1 && !parts_are_short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_never_shown() {
        let cases = [
            (r#"token = "s3cr3t""#, r#"token = "••••••""#),
            (r#"token = "s3cr3t"#, r#"token = "••••••"#),
            ("token = s3cr3t # why", "token = •••••• • •••"),
            (r#"FERRY__CRM__HUBSPOT__TOKEN=abc"#, "FERRY__CRM__HUBSPOT__TOKEN=•••"),
            (r#"{ name = "x", client_secret = "a\"b" }"#, r#"{ name = "x", client_secret = "••"•" • "#.trim_end()),
            (r#"token = "a"b" # c"#, r#"token = "•"•" • •"#),
            (r#"token = { env = "HUBSPOT_TOKEN" }"#, r#"token = { env = "HUBSPOT_TOKEN" }"#),
            ("tokn = \"pat-na1-0123-4567\"", "tokn = \"•••••••••••••••••\""),
            ("x = \"AKfy0123abcd4567efgh89\"", "x = \"••••••••••••••••••••••\""),
            ("base_url = \"https://me:pw@crm.example/a\"", "base_url = \"https://•••••@crm.example/a\""),
            ("base_url = \"https://api.hubapi.com\"", "base_url = \"https://api.hubapi.com\""),
            ("timezone = \"Europe/Berlin\"\t# \u{1b}[2J", "timezone = \"Europe/Berlin\" # \u{fffd}[2J"),
            ("token = \"\"\"abc def", "token = \"\"\"••• •••"),
        ];
        for (written, shown) in cases {
            assert_eq!(line(written), shown);
            assert_eq!(line(written).chars().count(), written.chars().count());
        }
    }

    #[test]
    fn quotes_are_short() {
        assert_eq!(quoted("b2c"), "\"b2c\"");
        assert_eq!(quoted(&"word ".repeat(40)).chars().count(), 63);
        assert_eq!(quoted("pat-eu1-aaaa-1111-2222"), format!("\"{}\"", "•".repeat(22)));
    }
}
