//! What of a CRM's own words may leave in an error or a log: no addresses, no tokens, no values, no control characters,
//! and not much of anything.

const LONGEST: usize = 300;

/// A vendor's message without e-mail addresses, token-like words and control characters, cut to 300 characters.
pub fn message(text: &str) -> String {
    let mut clean = String::with_capacity(text.len().min(LONGEST));
    for (nth, word) in text.split_whitespace().enumerate() {
        if nth > 0 {
            clean.push(' ');
        }
        push_word(&mut clean, word);
        if clean.len() > LONGEST {
            break;
        }
    }
    if let Some((end, _)) = clean.char_indices().nth(LONGEST) {
        clean.truncate(end);
        clean.push('…');
    }
    clean
}

/// A correlation id: what is not a plain identifier character is dropped, and so is what is beyond 64 of them.
pub fn identifier(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).take(64).collect()
}

/// Where a JSON document cannot be read, without quoting it: parsers repeat the value they stumble over.
pub fn json_error(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "it ends early",
        serde_json::error::Category::Syntax => "it is not JSON",
        serde_json::error::Category::Data => "it has another shape than the CRM documents",
        serde_json::error::Category::Io => "it cannot be read",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

fn push_word(clean: &mut String, word: &str) {
    if let Some((before, after)) = word.split_once("value=") {
        clean.extend(before.chars().filter(|c| !c.is_control()));
        clean.push_str("value=<redacted>");
        let value = after.trim_end_matches(['}', ']', ')', ',', '.']);
        clean.push_str(after.get(value.len()..).unwrap_or_default());
        return;
    }
    if word.contains('@') {
        clean.push_str("<address>");
        return;
    }
    if is_token_like(word) {
        clean.push_str("<redacted>");
        return;
    }
    clean.extend(word.chars().filter(|c| !c.is_control()));
}

/// Long runs of letters, digits and joiners that mix cases or carry digits: tokens, keys, encoded ids.
fn is_token_like(word: &str) -> bool {
    word.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '/' | '='))).any(|run| {
        run.len() >= 24
            && run.bytes().any(|b| b.is_ascii_digit())
            && run.bytes().any(|b| b.is_ascii_alphabetic())
            && !run.starts_with("http")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_do_not_leave() {
        let check = |text: &str, expected: &str| assert_eq!(message(text), expected);
        check("Property \"no_such\" does not exist", "Property \"no_such\" does not exist");
        check("Contact ada@acme.example exists", "Contact <address> exists");
        check("propertyName=email, value=ada@acme.example} on 5.", "propertyName=email, value=<redacted>} on 5.");
        check("token pat-na1-0f3c2a11-aaaa-bbbb-cccc-1234567890ab is bad", "token <redacted> is bad");
        check("line\r\nForged: yes\u{1b}[31m", "line Forged: yes[31m");
        assert!(message(&"word ".repeat(500)).chars().count() <= LONGEST + 1);
    }
}
