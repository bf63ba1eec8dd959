//! What people did with a customer at the CRM: calls, meetings, notes, e-mails and tasks, in one form for every CRM.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{RecordId, Timestamp};

/// What every CRM knows of an activity. Whom it is about stands in the record's links.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityFacts {
    pub kind: ActivityKind,
    /// Who turned to whom; `None` where the CRM does not say or it is neither (a note).
    pub direction: Option<ActivityDirection>,
    /// One line as people see it, at most [`ActivityFacts::SUBJECT_CHARS`] characters.
    pub subject: Option<Arc<str>>,
    /// When it took place, a meeting when it begins; of a task when it was completed, and until then when it is due.
    pub at: Option<Timestamp>,
    /// Whether it has been done: a task completed, a call or meeting neither planned nor cancelled.
    pub done: bool,
    /// The owner's id at the CRM: whose it is.
    pub owner: Option<RecordId>,
    /// Whether Ferry wrote it: it carries an [`own_mark`].
    pub ours: bool,
}

impl ActivityFacts {
    pub const SUBJECT_CHARS: usize = 200;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivityKind {
    Call,
    Meeting,
    Note,
    Email,
    Task,
}

impl ActivityKind {
    pub const ALL: [Self; 5] = [Self::Call, Self::Meeting, Self::Note, Self::Email, Self::Task];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Meeting => "meeting",
            Self::Note => "note",
            Self::Email => "email",
            Self::Task => "task",
        }
    }
}

/// As the company sees it: `Out` went to the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivityDirection {
    In,
    Out,
}

impl ActivityDirection {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

const MARK: &str = "[ferry:";

/// The text that Ferry puts into what it writes as an activity (a note, a task), so that it knows it again. `key` says which
/// one it is, and has no brackets.
pub fn own_mark(key: &str) -> String {
    format!("{MARK}{key}]")
}

/// Whether a text carries an [`own_mark`], with any key.
pub fn has_own_mark(text: &str) -> bool {
    text.split(MARK).skip(1).any(|rest| rest.split_once(']').is_some_and(|(key, _)| !key.contains(['[', '<'])))
}

/// The first line of a text that may be HTML, as people see it: tags left out, white space closed up, cut at
/// [`ActivityFacts::SUBJECT_CHARS`] characters. `None` where nothing is to be seen.
pub fn headline(text: &str) -> Option<Arc<str>> {
    // What lies further in cannot become part of the line, whatever the tags before it.
    const LOOKED_AT: usize = 4_000;
    let mut line = String::new();
    let (mut in_tag, mut tag, mut length) = (false, String::new(), 0);
    for c in text.chars().take(LOOKED_AT) {
        match c {
            '<' if !in_tag => (in_tag, tag) = (true, String::new()),
            '>' if in_tag => {
                in_tag = false;
                if ends_line(&tag) && !line.trim().is_empty() {
                    break;
                }
            }
            _ if in_tag => tag.push(c),
            '\n' | '\r' if !line.trim().is_empty() => break,
            c if c.is_whitespace() || c.is_control() => {
                if !line.is_empty() && !line.ends_with(' ') {
                    line.push(' ');
                }
            }
            c => {
                length += 1;
                line.push(c);
            }
        }
        // References are longer than what they stand for.
        if length > 2 * ActivityFacts::SUBJECT_CHARS {
            break;
        }
    }
    let line = resolved(line.trim());
    let line = line.trim();
    if line.is_empty() {
        return None;
    }
    if line.chars().count() <= ActivityFacts::SUBJECT_CHARS {
        return Some(line.into());
    }
    let cut: String = line.chars().take(ActivityFacts::SUBJECT_CHARS - 1).collect();
    Some(format!("{}…", cut.trim_end()).into())
}

/// Whether what follows the tag stands in a line of its own.
fn ends_line(tag: &str) -> bool {
    let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
    matches!(name.to_ascii_lowercase().as_str(), "br" | "p" | "div" | "li" | "tr" | "h1" | "h2" | "h3" | "h4")
}

/// The few references that editors write.
fn resolved(line: &str) -> String {
    let mut text = line.to_owned();
    for (reference, meant) in
        [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
    {
        if text.contains(reference) {
            text = text.replace(reference, meant);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_known_again_wherever_it_stands() {
        let body = format!("<p>Digest</p><p>{}</p>", own_mark("0192-note"));
        assert!(has_own_mark(&body));
        assert!(has_own_mark("[ferry: half <b> [ferry:task]"));
        for other in ["", "ferry:", "[ferry:", "[ferry: a\n<p>]", "[Ferry:x]"] {
            assert!(!has_own_mark(other), "{other}");
        }
    }

    #[test]
    fn a_headline_is_the_first_line_that_shows_something() {
        let shown = |text: &str| headline(text).map(|line| line.to_string());
        assert_eq!(shown("<div><b>Called</b>&nbsp;Ada</div><div>She agreed</div>").as_deref(), Some("Called Ada"));
        assert_eq!(shown("\r\n  Met \t at the fair\nand more").as_deref(), Some("Met at the fair"));
        assert_eq!(shown("<p></p><p>A &amp;lt; B</p>").as_deref(), Some("A &lt; B"));
        assert_eq!(shown("<p> </p>"), None);
        assert_eq!(shown("<p unfinished"), None);
        let long = shown(&"é".repeat(5_000)).unwrap_or_default();
        assert_eq!((long.chars().count(), long.chars().last()), (ActivityFacts::SUBJECT_CHARS, Some('…')));
    }
}
