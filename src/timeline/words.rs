//! How pages, lengths of time and mail subjects are told.

use std::time::Duration;

/// Longest name of a page.
const MOST: usize = 40;

/// What a page is called: the last part of its path in words, `Home` for the root. A title stays as it is.
pub fn page_name(page: &str) -> String {
    let path = page.split(['?', '#']).next().unwrap_or_default();
    let last = match path.starts_with('/') {
        true => path.split('/').rfind(|part| !part.is_empty()).unwrap_or("home"),
        false => path,
    };
    let words = last.trim_end_matches(".html").replace(['-', '_'], " ");
    let words: String = words.chars().filter(|c| !c.is_control()).take(MOST).collect();
    let mut letters = words.trim().chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => "Home".to_owned(),
    }
}

/// `6 min`, `2 h 5 min`; nothing below a minute.
pub(super) fn length(time: Duration) -> Option<String> {
    match time.as_secs() / 60 {
        0 => None,
        minutes @ 1..=59 => Some(format!("{minutes} min")),
        minutes => match (minutes / 60, minutes % 60) {
            (hours, 0) => Some(format!("{hours} h")),
            (hours, rest) => Some(format!("{hours} h {rest} min")),
        },
    }
}

/// By what two mails are known to be one: the subject in lower case without the marks of answers and forwards.
pub fn subject_key(subject: &str) -> String {
    let mut left = subject.trim();
    loop {
        let cut = ["re:", "fw:", "fwd:", "aw:", "wg:"].iter().find_map(|mark| {
            let head = left.get(..mark.len())?;
            head.eq_ignore_ascii_case(mark).then(|| left.get(mark.len()..).unwrap_or_default().trim_start())
        });
        match cut {
            Some(rest) => left = rest,
            None => break,
        }
    }
    left.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Whether a title tells of people who spoke or wrote to each other: `Call: …`, `Meeting: …`, `Email: …`, `Call Completed`.
pub fn is_contact(title: &str) -> bool {
    let head = title.split(':').next().unwrap_or_default().trim().to_lowercase();
    matches!(head.as_str(), "call" | "meeting" | "email" | "call completed" | "event attended")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_names() {
        let names =
            ["/pricing", "/", "/docs/getting-started?x=1", "Our plans", "/a_b.html", "", "/ünïcode/"].map(page_name);
        assert_eq!(names, ["Pricing", "Home", "Getting started", "Our plans", "A b", "Home", "Ünïcode"]);
        assert_eq!(page_name(&"x".repeat(500)).chars().count(), MOST);
    }

    #[test]
    fn lengths_leave_out_what_is_nothing() {
        let told = [0, 59, 60, 359, 3_600, 7_500].map(|secs| length(Duration::from_secs(secs)));
        let want = [None, None, Some("1 min"), Some("5 min"), Some("1 h"), Some("2 h 5 min")];
        assert_eq!(told.each_ref().map(|told| told.as_deref()), want);
    }

    #[test]
    fn people_meet_in_calls_and_not_in_the_names_of_deals() {
        let told = ["Call: about prices", "Meeting", "Email: Re: hello", "Call Completed"].map(is_contact);
        assert_eq!(told, [true; 4]);
        let other = ["Call centre: won", "Note: call her", "Open task: call", "Demo form"].map(is_contact);
        assert_eq!(other, [false; 4]);
    }

    #[test]
    fn answers_have_the_subject_of_what_they_answer() {
        assert_eq!(subject_key(" RE: Fwd:  Your  Quote "), "your quote");
        assert_eq!(subject_key("Ré: x"), "ré: x");
    }
}
