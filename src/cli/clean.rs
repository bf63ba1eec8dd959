//! Text that came from outside (a CRM's record, an event, an error of a vendor) made safe to show on a terminal.

use std::borrow::Cow;
use std::fmt::Write;

/// Longest text shown in one cell; longer ones end in `…`. `--json` always has all of it.
const LONGEST: usize = 200;

/// Control characters become visible escapes (`\n`, `\u{1b}`), so that a record can neither move the cursor, nor paint,
/// nor set a title, nor fake a line. Characters that reorder what follows them (bidirectional overrides) are escaped too.
pub fn line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_unsafe(c) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// [`line()`], shortened for a table.
pub fn cell(text: &str) -> String {
    let safe = line(text);
    match safe.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &safe[..at]),
        None => safe.into_owned(),
    }
}

/// Several lines of our own making (a rendered error) with foreign words in them: line breaks stay.
pub fn lines(text: &str) -> String {
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_cannot_drive_the_terminal() {
        let cases = [
            ("Ada Berg", "Ada Berg"),
            ("Ünïcode 東京 👋", "Ünïcode 東京 👋"),
            ("\u{1b}[31mred\u{1b}[0m", "\\u{1b}[31mred\\u{1b}[0m"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("two\nlines\ttab\r", "two\\nlines\\ttab\\r"),
            ("abc\u{202e}txt.exe", "abc\\u{202e}txt.exe"),
            ("\u{9b}31m", "\\u{9b}31m"),
        ];
        for (text, want) in cases {
            assert_eq!(line(text), want);
        }
        assert_eq!(lines("a\n\u{1b}b"), "a\n\\u{1b}b");
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        let shown = cell(&"ä".repeat(500));
        assert_eq!(shown.chars().count(), LONGEST + 1);
        assert!(shown.ends_with('…'));
    }
}
